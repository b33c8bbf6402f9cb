"What is wrong in a workspace, and mended where that can be"
import configparser, os, re, shutil, subprocess, sys, tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tinybench.base.files import coding, decoded, write_whole
from ..cells import CourseError, module_of, read_notebook
from ..mend.files import mend_files, module_in
from ..mend.source import KEEP_ONE, UNMERGED, exports, ipython_line, merge_mark, syntax_error
from .unlock import look_first, looks_first
from .workspace import WANTED, Workspace, as_file, faults, open_workspace, restored, stale


@dataclass(frozen=True)
class Remark:
    "Something that is wrong in a workspace: where, what, and what was done, '' if nothing could be."
    where:str
    says:str
    done:str=''
    def __str__(self): return f'{self.where}: {self.says}' + (f'\n    {self.done}' if self.done else '')

class Remarks(tuple):
    "What the doctor found."
    @property
    def healthy(self) -> bool: return not self
    @property
    def open(self) -> 'Remarks': return Remarks(r for r in self if not r.done)
    def __repr__(self): return '\n'.join(map(str, self)) or 'Nothing is wrong.'

def backup(ws:Workspace, path:Path, data:bytes) -> Path:
    "Put `data`, what stood in the file `path`, into `.doctor/`; where the copy is."
    names = (f'{path.stem}.before-doctor{f"-{i}" if i > 1 else ""}{path.suffix}' for i in range(1, 10**6))
    to = next(p for n in names if not (p := ws.root/'.doctor'/n).exists() or p.read_bytes() == data)
    to.parent.mkdir(exist_ok=True)
    if not to.exists(): write_whole(to, data)
    return to

def change(ws:Workspace, path:Path, old:bytes, new:bytes) -> bool:
    "Replace `old`, which must still be what the file holds, by `new`, after a backup; whether that was done."
    if old: backup(ws, path, old)
    if (path.read_bytes() if path.is_file() else b'') != old: return False
    write_whole(path, new)
    return True

def both_sides(data:bytes) -> bytes|None:
    "A notebook with the cells of both sides of an unresolved merge; None if there is no telling."
    from nbdev.merge import nbdev_fix
    data = data.replace(b'<<<<<<< Updated upstream', b'<<<<<<< Updated-upstream')    # nbdev wants one word
    with tempfile.TemporaryDirectory() as d:
        path = Path(d)/'merge.ipynb'
        path.write_bytes(data)
        try:
            nbdev_fix(str(path), outname=str(path), noprint=True)
            return as_file(read_notebook(path))
        except Exception: return None    # nbdev does not say what it may raise

def look_unmerged(ws:Workspace, name:str, line:int, mend:bool) -> Remark:
    "The remark on a notebook in whose file git left marks, the first of them in `line`."
    path, file, says = ws.path(name), f'{name}.ipynb', f'line {line}: {UNMERGED}'
    both = both_sides(old := path.read_bytes())
    if both and mend and change(ws, path, old, both):
        done = ("It has the cells of both sides now, between git's marks: keep the right ones. "
                'A copy of what it was is in .doctor/.')
        return Remark(file, f'{says}.', done)
    if both: return Remark(file, f'To be mended: {says}.')
    return Remark(file, f'{says}; {KEEP_ONE}. JupyterLab cannot open it: use a text editor, or take '
                        'the notebook anew, with git checkout or, as it was handed out, from .release/.')

def look_missing(ws:Workspace, name:str, mend:bool) -> Remark:
    "The remark on a notebook whose file is not there or empty."
    path, file, fresh = ws.path(name), f'{name}.ipynb', ws.released(name)
    gone = 'it is empty' if path.is_file() else 'it is not there'
    like = None if path.is_file() else mend_files(ws.root, [name])[0].get(name)
    if like: return Remark(file, f'{gone}, but {like.relative_to(ws.root)} may be it. Rename that file.')
    if not fresh.is_file():
        return Remark(file, f'{gone}, and .release/ has no copy of it: get it anew from your course.')
    if not mend: return Remark(file, f'{gone}.')
    write_whole(path, fresh.read_bytes())
    return Remark(file, f'{gone}.', 'It was put back as it was handed out.')

def look_file(ws:Workspace, name:str, mend:bool) -> Iterable[Remark]:
    "Remarks on a notebook's file: missing, empty, or no notebook."
    path, file = ws.path(name), f'{name}.ipynb'
    if not path.is_file() or not path.read_bytes().strip():
        yield look_missing(ws, name, mend)
        return
    try: read_notebook(path)
    except CourseError as e:
        line = merge_mark(path.read_bytes().decode('utf-8-sig', 'replace'))
        anew = 'Or move it elsewhere and run this again, for a copy as it was handed out.'
        says = f'{str(e).removeprefix(file).strip()} {anew}'
        remark = look_unmerged(ws, name, line, mend) if line else Remark(file, says)
        spare = ws.root/'.ipynb_checkpoints'/f'{name}-checkpoint.ipynb'
        with suppress(CourseError):
            read_notebook(spare)
            older = f'{remark.says} JupyterLab kept an older version: {spare.relative_to(ws.root)}.'
            if not remark.done: remark = replace(remark, says=older)
        yield remark

MARKED = 'It is saved with a byte order mark or in UTF-16, and is to be plain UTF-8.'

def look_notebook(ws:Workspace, name:str, mend:bool) -> Iterable[Remark]:
    "Remarks on a notebook's cells; mends what nbgrader needs, and nothing that a student has to write."
    path, file = ws.path(name), f'{name}.ipynb'
    try: old, nb = path.read_bytes(), read_notebook(path)    # so `change` notices what is saved in between
    except (FileNotFoundError, CourseError): return    # look_file has said it
    new, says = nb, []
    try: new, says = restored(nb, read_notebook(ws.released(name)), outputs=True)
    except CourseError:
        yield Remark(f'.release/{file}', 'it cannot be read, and without it no cell can be compared. '
                                         'Get it anew from your course.')
    if coding(old) != 'utf-8': says.insert(0, MARKED)
    if says:
        done = ''
        if mend and change(ws, path, old, as_file(new)):
            done = 'It is mended; a copy of what it was is in .doctor/. If JupyterLab has it open, reload it.'
        yield Remark(file, ' '.join(says) if done else f'To be mended: {" ".join(says)}', done)
        nb = new
    for cell, wrong in faults(nb): yield Remark(f'{file}, cell {cell}', wrong)

def new_settings(package:str) -> str:
    "The least settings.ini with which nbdev does its work in the workspace of a course."
    empty = dict.fromkeys(('user', 'author', 'author_email', 'description', 'git_url'), '')
    names = dict.fromkeys(('repo', 'lib_name', 'lib_path'), package)
    return '[DEFAULT]\n' + ''.join(f'{k} = {v}\n' for k, v in (names | WANTED | empty).items())

def with_setting(text:str, key:str, value:str) -> str:
    "The text of a settings.ini with `key = value`, all other lines as they were."
    text = text if text.endswith('\n') else text + '\n'
    lines = re.sub(rf'(?m)^{key}[ \t]*[=:].*\n(?:[ \t]+\S.*\n)*', '', text)
    return re.sub(r'(?m)^\[DEFAULT\][^\n]*\n', lambda m: f'{m[0]}{key} = {value}\n', lines, count=1)

def look_settings(ws:Workspace, mend:bool) -> Iterable[Remark]:
    "Remarks on settings.ini."
    path, ini = ws.root/'settings.ini', configparser.ConfigParser(interpolation=None)
    old = path.read_bytes() if path.is_file() else b''
    try:
        text = decoded(old)
        ini.read_string(text)
        if not ini.defaults(): raise ValueError('it is empty')
    except (configparser.Error, ValueError) as e:
        done = 'It is made anew.' if mend and change(ws, path, old, new_settings(ws.package).encode()) else ''
        why = str(e).splitlines()[0].rstrip('.') if old else 'it is missing'
        if isinstance(e, UnicodeDecodeError): why = f'it is no text in UTF-8 or UTF-16 (byte {e.start:,})'
        yield Remark('settings.ini', f'{why}.', done)
        return
    new, wrong = text, [('', MARKED.rstrip('.'))] if coding(old) != 'utf-8' else []
    for key, value in (WANTED | dict(lib_path=ws.package)).items():
        has, want = ini.defaults().get(key, ''), value
        if key.startswith('allowed_'):
            want = ' '.join([*has.split(), *(w for w in value.split() if w not in has.split())])
        same = want in ('True', 'False') and has.strip().lower() == want.lower()
        if same or has.split() == want.split(): continue
        new = with_setting(new, key, want)
        wrong.append((key, f'{key} is {has!r} and should be {want!r}'))
    done = 'It is set right.' if wrong and mend and change(ws, path, old, new.encode()) else ''
    for key, says in wrong:
        strips = key in ('allowed_cell_metadata_keys', 'clear_all')
        why = ': nbdev_clean would take away what grading needs' if strips else ''
        yield Remark('settings.ini', f'{says}{why}.', done)

def run_export(ws:Workspace) -> str:
    "Runs nbdev_export in a workspace; '' if that worked, or else the last line of what it said."
    command = [sys.executable, '-c', 'from nbdev.doclinks import nbdev_export as export; export()']
    env = {k: v for k, v in os.environ.items() if k not in ('IN_TEST', 'PYTHONPATH')}  # it minds these
    done = subprocess.run(command, cwd=ws.root, env=env, capture_output=True, errors='replace')
    said = (done.stderr or done.stdout).strip().splitlines()
    return '' if done.returncode == 0 else said[-1] if said else 'it failed'

def exportable(ws:Workspace, notebook:str) -> bool:
    "Whether nbdev_export can do a notebook."
    try: cells = read_notebook(ws.path(notebook)).cells
    except CourseError: return False
    texts = [c.source for c in cells if c.cell_type == 'code' and exports(c.source)]
    return not any(syntax_error(text) or ipython_line(text) for text in texts)

def look_library(ws:Workspace, mend:bool) -> Iterable[Remark]:
    "Remarks on the student's own package: what is missing or not up to date in it."
    for path in dict.fromkeys(p for n in ws.notebooks for p in looks_first(ws, n)):
        if mend: look_first(path)
        done = 'It does again.' if mend else ''
        yield Remark(path.relative_to(ws.root).as_posix(), 'it does not look for unlocked chapters.', done)
    states = {n: s for n in ws.notebooks if (s := stale(ws, n)) and not ws.unlocked_file(n).exists()}
    broken = [n for n in ws.notebooks if not exportable(ws, n)]    # a person comes first there
    states = {n: s for n, s in states.items() if n not in broken}
    said = run_export(ws) if states and mend and not broken else None    # '' where it worked
    why = '' if said is None else f', which said: {said}' if said else ', which was run, and left it so'
    for state, says in (('missing', 'not exported yet'), ('older', 'changed since it was exported')):
        these = [n for n, s in states.items() if s == state]
        where = ', '.join(f'{n}.ipynb' for n in these[:3])
        if len(these) > 3: where += f' and {len(these) - 3} more'
        if these and said == '' and not any(stale(ws, n) for n in these):
            yield Remark(where, f'{says}.', 'nbdev_export was run.')
        elif these: yield Remark(where, f'{says}: run nbdev_export{why}.')
    modules = {module_of(n): n for n in ws.notebooks}
    for path in sorted({*ws.root.glob('*.ipynb')} - {ws.path(n) for n in ws.notebooks}):
        if n := modules.get(module_in(path)):
            yield Remark(path.name, f'it writes the module of {n}.ipynb too, and the one whose name comes '
                                    'last has the last word. Move it to another folder.')

ASK = """import importlib.util, os, sys
sys.path[0:1] = []
last = [os.path.basename(p) in ('site-packages', 'dist-packages') for p in sys.path] + [True]
sys.path.insert(last.index(True), os.getcwd())
for name in sys.argv[1:]: print(getattr(importlib.util.find_spec(name), 'origin', None) or '')"""

def kernel_python() -> str:
    "The Python that JupyterLab starts for the kernel python3; this one if it cannot be told."
    from jupyter_client.kernelspec import KernelSpecManager
    try: command = KernelSpecManager().get_kernel_spec('python3').argv[0]
    except Exception: return sys.executable    # no kernel, or a broken one: JupyterLab says that itself
    return (shutil.which(command) or command) if os.path.basename(command) != 'python' else sys.executable

def look_kernel(ws:Workspace) -> Iterable[Remark]:
    "Remarks on which library a notebook in this workspace would import."
    python = kernel_python()
    command = [python, '-c', ASK, ws.package, 'numpy', 'fastcore']
    try: done = subprocess.run(command, cwd=ws.root, capture_output=True, errors='replace', timeout=60)
    except (OSError, subprocess.TimeoutExpired) as e:
        yield Remark('kernel', f'{python} does not start ({e}).')
        return
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ['it says nothing'])[-1]
        yield Remark('kernel', f'{python} fails when it is asked for {ws.package}: {why}.')
        return
    said = (done.stdout.splitlines() + ['', '', ''])[:3]
    if not said[0] or not Path(said[0]).resolve().is_relative_to(ws.root):
        why = ' PYTHONPATH is set: unset it.' if os.environ.get('PYTHONPATH') else ''
        what = said[0] or f'no {ws.package}'
        yield Remark('kernel', f'a notebook would import {what}, and not {ws.root/ws.package}.{why}')
    for name in [n for n, origin in zip(('numpy', 'fastcore'), said[1:]) if not origin]:
        yield Remark('kernel', f'{python}, which notebooks run with, has no {name}: install it there.')

def doctor(workspace='.', mend:bool=True, progress:Callable|None=None) -> Remarks:
    "What is wrong in a workspace. What can be is mended, after a copy of what was there to `.doctor/`."
    ws = open_workspace(workspace)
    names, found = ws.notebooks, [*look_settings(ws, mend)]
    for i, name in enumerate(names):
        if progress: progress(i, len(names), name)
        found += look_file(ws, name, mend)
        found += look_notebook(ws, name, mend)
    found += [*look_library(ws, mend), *look_kernel(ws)]
    if progress: progress(len(names), len(names), '')
    return Remarks(found)
