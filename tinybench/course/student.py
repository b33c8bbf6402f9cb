"""Checks what is done, finds what is broken, brings what is missing, packs what is handed in"""


import ast, configparser, hashlib, io, json, os, platform, re
import shutil, stat, subprocess, sys, tempfile, textwrap, uuid, zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
import nbformat
from nbformat import NotebookNode
from .. import __version__
from .cells import CourseError, Exercise, Unit, closest, exercises, read_notebook, role
from .mend import (KEEP_ONE, UNMERGED, bound, mend as mended, mend_files, merge_mark,
                                   parsed, syntax_error, syntax_errors, unfilled)


WANTED = dict(nbs_path='.', update_pyproject='False', clear_all='False', jupyter_hooks='True',
              allowed_metadata_keys='language_info',
              allowed_cell_metadata_keys='nbgrader tags deletable editable')

def new_settings(package:str) -> str:
    "The least settings.ini with which nbdev does its work in the workspace of a course."
    empty = dict.fromkeys(('user', 'author', 'author_email', 'description', 'git_url'), '')
    names = dict.fromkeys(('repo', 'lib_name', 'lib_path'), package)
    return '[DEFAULT]\n' + ''.join(f'{k} = {v}\n' for k,v in (names | WANTED | empty).items())


@dataclass(frozen=True)
class Workspace:
    "A student's folder: what was handed out, and where it stands."
    root:Path
    course:str
    package:str
    version:str
    units:tuple[Unit, ...]

    @property
    def notebooks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(n for u in self.units for n in u.notebooks))
    def path(self, notebook:str) -> Path: return self.root/f'{notebook}.ipynb'
    def released(self, notebook:str) -> Path: return self.root/'.release'/f'{notebook}.ipynb'
    def module(self, notebook:str) -> Path: return self.root/self.package/f'{inner(notebook)}.py'

    def unit(self, name:str) -> Unit:
        "The unit called `name`."
        for u in self.units:
            if u.name == name: return u
            if name in u.notebooks: raise CourseError(f'{name} is a notebook of the unit {u.name}: name the unit.')
        raise CourseError(f'There is no unit {name} here: {closest(name, [u.name for u in self.units])}')

def inner(notebook:str) -> str:
    "The path of a notebook's module within its package: 'nn/conv' for '12_nn.conv'."
    return notebook.split('_', 1)[-1].replace('.', '/')


def read_table(path:Path, do:str) -> dict:
    "The JSON object in a file; CourseError, with what to `do`, where there is none."
    try: found = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError) as e:
        raise CourseError(f'{path} cannot be read ({e}). {do}') from None
    if not isinstance(found, dict): raise CourseError(f'{path} is no table. {do}')
    return found

def open_workspace(folder='.') -> Workspace:
    "The workspace that `folder` is, or is in; CourseError where there is none."
    if isinstance(folder, Workspace): return folder
    at = Path(folder).resolve()
    root = next((p for p in (at, *at.parents) if (p/'workspace.json').is_file()), None)
    if root is None:
        raise CourseError(f'There is no workspace.json in {at} or above. Go to the folder you were given.')
    do = 'Get a new copy of that file from your course.'
    table = read_table(root/'workspace.json', do)
    try:
        units = [Unit(str(u['name']), str(u.get('title', u['name'])), tuple(map(str, u['notebooks'])),
                      datetime.fromisoformat(u['due']) if u.get('due') else None) for u in table['units']]
        package = str(table.get('package', 'tinybench'))
        return Workspace(root, str(table['course']), package, str(table['version']), tuple(units))
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise CourseError(f'{root/"workspace.json"} is not as it was handed out ({e!r}). {do}') from None


def notebook_named(ws:Workspace, name:str) -> str:
    "The notebook that is meant by '12_nn.conv', 'nn.conv' or 'tinybench.nn.conv'."
    plain = name.removesuffix('.ipynb').removeprefix(f'{ws.package}.')
    for n in ws.notebooks:
        if plain in (n, n.split('_', 1)[-1]): return n
    raise CourseError(f'{name} was not handed out: {closest(plain, (*ws.notebooks, *(u.name for u in ws.units)))}')

def notebooks_named(ws:Workspace, names:Iterable[str]) -> list[str]:
    "The notebooks that are meant by names of notebooks or units, each once."
    units = {u.name: u.notebooks for u in ws.units}
    found = [units[name] if name in units else [notebook_named(ws, name)] for name in names]
    return list(dict.fromkeys(n for these in found for n in these))


def put(path:Path, data:bytes):
    "Write a file so that it is there whole or not at all."
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}-{uuid.uuid4().hex}')
    try:
        with open(part, 'wb') as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        if path.exists(): shutil.copymode(path, part)
        os.replace(part, path)
    finally: part.unlink(missing_ok=True)


def backup(ws:Workspace, path:Path, data:bytes) -> Path:
    "Put `data`, what stood in the file `path`, into `.doctor/`; where the copy is."
    names = (f'{path.stem}.before-doctor{f"-{i}" if i > 1 else ""}{path.suffix}' for i in range(1, 10**6))
    to = next(p for n in names if not (p := ws.root/'.doctor'/n).exists() or p.read_bytes() == data)
    if not to.exists(): put(to, data)
    return to

def change(ws:Workspace, path:Path, old:bytes, new:bytes) -> bool:
    "Replace `old`, which must still be what the file holds, by `new`, after a backup; whether that was done."
    if old: backup(ws, path, old)
    if (path.read_bytes() if path.is_file() else b'') != old: return False
    put(path, new)
    return True

def as_file(nb:NotebookNode) -> bytes:
    "A notebook as the bytes of its file."
    # not nbformat.writes, whose validation would change ids
    return (nbformat.v4.writes(nb).rstrip('\n') + '\n').encode()


EXPORTED = re.compile(r'(?m)^#\|\s*export.*')

def restored(nb:NotebookNode, released:NotebookNode, **how) -> tuple[NotebookNode, list[str]]:
    "The notebook as `mend` makes it, its lost `#| export` put back, and a sentence for each kind of thing done."
    new, says = mended(nb, released, released, **how)
    given = {c.id: m[0] for c in released.cells if c.cell_type == 'code' and (m := EXPORTED.search(c.source))}
    gone = [c for c in new.cells if c.id in given and not EXPORTED.search(c.source)]
    for c in gone: c.source = f'{given[c.id]}\n{c.source}'
    names = ', '.join(c.id for c in gone)
    return new, says + [f'The line #| export was gone, and is put back: {names}.']*bool(gone)


def faults(nb:NotebookNode) -> list[tuple[str, str]]:
    "What only a person can put right: the id of each such cell, and what is wrong in which of its lines."
    code = [(cell, f'it is no Python: {wrong}') for cell, wrong in syntax_errors(nb)]
    text = [(c.id, merge_mark(c.source)) for c in nb.cells if c.cell_type != 'code']
    return code + [(cell, f'line {line}: {UNMERGED}; {KEEP_ONE}') for cell, line in text if line]


@dataclass(frozen=True)
class Checked:
    "What the visible checks say of one exercise."
    notebook:str
    exercise:str
    state:str       # 'holds', 'not yet filled in', or 'fails: ' and why
    check:str=''    # the check that failed, its line, and the text of that line
    line:int=0
    text:str=''
    hint:str=''     # what else may be the reason, and what to do

    @property
    def holds(self) -> bool: return self.state == 'holds'
    def __str__(self):
        lines = [f'{self.exercise or self.notebook}: {self.state}']
        if self.check: lines.append(self.check + f', line {self.line}: {self.text}'*(self.line > 0))
        if self.hint: lines.append(self.hint)
        return '\n    '.join(lines)

@dataclass(frozen=True)
class Report:
    "What holds in a workspace, and what was noticed on the way."
    rows:tuple[Checked, ...]
    notes:tuple[str, ...] = ()

    @property
    def holds(self) -> bool: return all(r.holds for r in self.rows)
    def __repr__(self):
        lines, last = [], None
        for r in self.rows:
            if r.notebook != last: lines += [r.notebook] if last is None else ['', r.notebook]
            lines.append(textwrap.indent(str(r), '  '))
            last = r.notebook
        count = f'{sum(r.holds for r in self.rows)} of {len(self.rows)} exercises hold.'
        return '\n'.join([*lines, '', *self.notes, count])


def run_in_kernel(cells:list, root:Path, seconds:float=30) -> dict[str, list]:
    "The outputs of code cells, by id, from a Jupyter kernel started in `root`."
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError
    code = [c for c in deepcopy(cells) if c.cell_type == 'code' and c.source.strip()]
    nb = nbformat.v4.new_notebook(cells=code)
    client = NotebookClient(nb, timeout=int(seconds), interrupt_on_timeout=True, allow_errors=True,
                            kernel_name='python3', resources=dict(metadata=dict(path=str(root))))
    try: client.execute()
    except DeadKernelError:
        raise CourseError('A cell ended the kernel. Run the cells in JupyterLab to see which.') from None
    return {c.id: list(c.outputs) for c in nb.cells}

def run_cells(cells:list, root:Path, fork:bool=sys.platform == 'linux') -> dict[str, list]:
    "The outputs of code cells, by id, run in order with the library in `root`."
    if not fork: return run_in_kernel(cells, root)
    from tinybench.course.box.worker import play
    return {o.id: o.outputs for o in play(cells, root, sandbox=False)}


def error_of(outputs:Iterable) -> tuple[str, str, str]:
    "The name, the message on one line and the traceback of the error among a cell's outputs; or '', '', ''."
    e = next((o for o in outputs if o.get('output_type') == 'error'), None)
    if e is None: return '', '', ''
    text = re.sub(r'\x1b\[[0-9;]*m', '', '\n'.join(e.get('traceback', ())))
    said = re.sub(r'(?s)^==:\n(.*)\n(.*)$', r'\1 is not \2', str(e.get('evalue', '')))    # fastcore's test_eq
    return str(e.get('ename')), ' '.join(said.split())[:200], text

def failing_line(traceback:str) -> int:
    "The line of the cell in which a traceback begins; 0 where it names none."
    found = re.search(r'(?:"<check>"|"<ipython-input[^"]*"|Cell In\s?\[\d*\]), line (\d+)', traceback)
    return int(found[1]) if found else 0


def still_open(ws:Workspace, notebook:str) -> list[str]:
    "The functions of a notebook that were handed out empty and still are; [] where it cannot be read."
    try: now, then = read_notebook(ws.path(notebook)), read_notebook(ws.released(notebook))
    except CourseError: return []
    todo = {f for c in then.cells if role(c) == 'exercise' for f in unfilled(c.source)}
    return [f for c in now.cells if c.cell_type == 'code' for f in unfilled(c.source) if f in todo]

def elsewhere(ws:Workspace, name:str, message:str, traceback:str) -> str:
    "What to do about an error that came from the student's library; '' where it did not."
    books = {inner(n): n for n in ws.notebooks}
    said = re.search(rf'{ws.package}\.([\w.]+)', message)
    if said and name in ('ModuleNotFoundError', 'ImportError'):
        return f'{books.get(said[1].replace(".", "/"), said[1])} is not exported: run nbdev_export.'
    slash = r'[/\\]'
    frames = re.findall(rf'{slash}{ws.package}{slash}([\w/\\]+)\.py(?:", line |:)(\d+),? in (\w+)', traceback)
    if name != 'NotImplementedError' or not frames: return ''
    part, _, function = frames[-1]
    book = books.get(part.replace('\\', '/').replace('unlocked/', ''))
    if book is None: return ''
    if any(f.split('.')[-1] == function for f in still_open(ws, book)):
        return (f'It needs {function} of {book}, which is not yet filled in: '
                f'fill it in and run nbdev_export, or run: tinybench student unlock {book}')
    return f'It needs {function} of {book}, which was not exported since it was filled in: run nbdev_export.'


def within(nb:NotebookNode, said:dict, todo:list[str], name:str, message:str, traceback:str) -> str:
    "What to do where an error came from another cell of the same notebook; '' where nothing points to one."
    if name == 'NotImplementedError':
        function = ([''] + re.findall(r'in (\w+)', traceback))[-1]
        empty = function in [f.split('.')[-1] for f in todo]
        return f'It needs {function}, which is not yet filled in.' if empty else ''
    missing = re.search(r"name '(\w+)' is not defined", message)
    if name != 'NameError' or not missing: return ''
    for c in nb.cells:
        if c.cell_type != 'code' or missing[1] not in bound(c.source): continue
        if wrong := syntax_error(c.source): return f'The cell {c.id} is no Python: {wrong}'
        what, why, _ = error_of(said.get(c.id, ()))
        if what: return f'The cell {c.id} failed before: {what}: {why}'
    return ''


def verdict(ws:Workspace, notebook:str, nb:NotebookNode, said:dict, todo:list[str], e:Exercise) -> Checked:
    "What the outputs `said` of a notebook's cells say of its exercise `e`; `todo` is what is still open."
    failed = next((c for c in e.checks if error_of(said.get(c.id, ()))[0]), None)
    empty = any(f in todo for f in unfilled(e.cell.source))
    if empty and (failed or not e.checks): return Checked(notebook, e.name, 'not yet filled in')
    if failed is None: return Checked(notebook, e.name, 'holds')
    if wrong := syntax_error(e.cell.source):
        return Checked(notebook, e.name, f'fails: it is no Python: {wrong}')
    name, message, trace = error_of(said[failed.id])
    lines, line = failed.source.splitlines(), failing_line(trace)
    text = lines[line-1].strip()[:100] if 0 < line <= len(lines) else ''
    hint = elsewhere(ws, name, message, trace) or within(nb, said, todo, name, message, trace)
    if name == 'TimeoutError': hint = hint or 'A loop in it may never end.'
    state = f'fails: {name}: {message}'.rstrip(': ')
    return Checked(notebook, e.name, state, failed.id, line, text, hint)

def judged(ws:Workspace, notebook:str, nb:NotebookNode, said:dict) -> list[Checked]:
    "What the outputs `said` of a notebook's cells say of its exercises."
    todo = still_open(ws, notebook)
    return [verdict(ws, notebook, nb, said, todo, e) for e in exercises(nb)]


def stale(ws:Workspace, notebook:str) -> str:
    "'missing' or 'older' where a module is not what its notebook would export; '' where it seems to be."
    try: nb, path = read_notebook(ws.path(notebook)), ws.module(notebook)
    except CourseError: return ''
    exported = [c for c in nb.cells if c.cell_type == 'code' and re.search(r'(?m)^#\|\s*export', c.source)]
    if not exported: return ''
    if not path.is_file(): return 'missing'
    text = path.read_text(encoding='utf-8', errors='replace')
    # imports are made relative, and directives dropped
    own = [line.rstrip() for c in exported for line in c.source.splitlines()
           if not line.startswith('#') and not re.search(r'\bimport\b', line)]
    return '' if all(line in text for line in own) else 'older'


def check(workspace='.', notebooks:Iterable[str]|None=None, progress:Callable|None=None) -> Report:
    "Runs the visible checks of notebooks or units (all if None) with the student's own library; changes nothing."
    ws = open_workspace(workspace)
    names, rows, notes = notebooks_named(ws, ws.notebooks if notebooks is None else notebooks), [], []
    for i, name in enumerate(names):
        if progress: progress(i, len(names), name)
        try: nb, released = read_notebook(ws.path(name)), read_notebook(ws.released(name))
        except CourseError as e:
            rows.append(Checked(name, '', f'fails: {e}', hint='See what to do: tinybench student doctor'))
            continue
        nb, says = restored(nb, released)
        if says: notes.append(f'{name}: some cells need mending: tinybench student doctor')
        own = {e.cell.id for e in exercises(nb)}    # of which the rows speak
        notes += [f'{name}, cell {c}: {wrong}' for c, wrong in faults(nb) if c not in own]
        try: rows += judged(ws, name, nb, run_cells(nb.cells, ws.root))
        except CourseError as e: rows.append(Checked(name, '', f'fails: {e}'))
    old = [n for n in ws.notebooks if stale(ws, n) == 'older' and not unlocked_file(ws, n).exists()]
    if old: notes.append(f'Changed since nbdev_export, which later chapters will not see: {", ".join(old)}.')
    if progress: progress(len(names), len(names), '')
    return Report(tuple(rows), tuple(notes))

def unlocked_file(ws:Workspace, notebook:str) -> Path:
    "Where the reference's module of a notebook is put when it is unlocked."
    path = ws.module(notebook)
    return path.parent/'unlocked'/path.name


def own_environment() -> dict[str, str]:
    "The environment less what would make a student's commands act differently."
    return {k: v for k,v in os.environ.items() if k not in ('IN_TEST', 'PYTHONPATH')}


def run_export(ws:Workspace) -> str:
    "Runs nbdev_export in a workspace; '' if that worked, or else the last line of what it said."
    command = [sys.executable, '-c', 'from nbdev.doclinks import nbdev_export as export; export()']
    done = subprocess.run(command, cwd=ws.root, env=own_environment(), capture_output=True, text=True)
    said = (done.stderr or done.stdout).strip().splitlines()
    return '' if done.returncode == 0 else said[-1] if said else 'it failed'


def unlocked(ws:Workspace) -> list[dict]:
    "What was unlocked: module, version and time of each."
    path = ws.root/'unlocked.json'
    if not path.exists(): return []
    found = read_table(path, 'Delete it, and unlock again.').get('unlocked')
    found = found if isinstance(found, list) else []
    return [u for u in found if isinstance(u, dict) and isinstance(u.get('module'), str)]


def reference_package(ws:Workspace) -> Path:
    "The folder of the installed package; CourseError where that is the student's own."
    found = Path(find_spec('tinybench').origin).resolve().parent
    if found.is_relative_to(ws.root) and not found.is_relative_to(Path(sys.prefix).resolve()):
        raise CourseError(f'{found} is your own library. The command tinybench uses the installed one.')
    return found


LOOK_FIRST = ("# what `student unlock` brings comes before one's own\n"
              "__path__.insert(0, f'{__path__[0]}/unlocked')\n")

def looks_first(ws:Workspace, notebook:str) -> list[Path]:
    "The `__init__.py` files above a notebook's module that do not look into `unlocked/`."
    parts = [p for p in ws.module(notebook).parents if p.is_relative_to(ws.root/ws.package)]
    inits = [p/'__init__.py' for p in parts]
    def looks(p): return p.is_file() and "/unlocked'" in p.read_text(encoding='utf-8', errors='replace')
    return [p for p in inits if not looks(p)]

def look_first(path:Path):
    "Makes the package with the file `path` look into its folder `unlocked` first."
    had = path.read_bytes() if path.is_file() else b''
    put(path, had + (b'\n' if had and not had.endswith(b'\n') else b'') + LOOK_FIRST.encode())

def unlock(workspace, module:str, reference=None) -> dict:
    "Brings the reference's module of a notebook, by any of its names, into the workspace; its record."
    ws = open_workspace(workspace)
    name = notebook_named(ws, module)
    source = Path(reference or reference_package(ws))/f'{inner(name)}.py'
    if not source.is_file(): raise CourseError(f'The installed {ws.package} has no {name}.')
    now = datetime.now(timezone.utc).isoformat(timespec='seconds')
    record = dict(module=name, version=__version__, when=now)
    had = [u for u in unlocked(ws) if u['module'] != name]
    put(ws.root/'unlocked.json', (json.dumps(dict(unlocked=[*had, record]), indent=1) + '\n').encode())
    for path in looks_first(ws, name): look_first(path)
    put(unlocked_file(ws, name), source.read_bytes())
    return record


def builds_on(ws:Workspace, notebook:str, reference=None) -> list[str]:
    "The notebooks whose modules the reference's module of `notebook` imports, directly or not, in their order."
    root, books = Path(reference or reference_package(ws)), {inner(n): n for n in ws.notebooks}
    found, todo = set(), [inner(notebook)]
    while todo:
        part = todo.pop()
        tree = parsed((root/f'{part}.py').read_text(encoding='utf-8')) if (root/f'{part}.py').is_file() else None
        for n in ast.walk(tree or ast.Module([], [])):
            if not isinstance(n, ast.ImportFrom) or not n.level: continue
            up = part.split('/')[:-n.level]    # nbdev makes a package's own imports relative
            new = {'/'.join([*up, *(n.module or '').split('.')]).strip('/')} & books.keys() - found
            found |= new
            todo += new
    return [n for n in ws.notebooks if inner(n) in found and n != notebook]

def unfinished(ws:Workspace, notebooks:Iterable[str]) -> list[str]:
    "Those of `notebooks` that are neither unlocked, nor filled in and exported."
    return [n for n in notebooks if not unlocked_file(ws, n).exists() and (still_open(ws, n) or stale(ws, n))]


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
        text = old.decode('utf-8-sig')
        ini.read_string(text)
        if not ini.defaults(): raise ValueError('it is empty')
    except (configparser.Error, ValueError) as e:
        done = 'It is made anew.' if mend and change(ws, path, old, new_settings(ws.package).encode()) else ''
        why = str(e).splitlines()[0].rstrip('.') if old else 'it is missing'
        yield Remark('settings.ini', f'{why}.', done)
        return
    new, wrong = text, []
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


def both_sides(data:bytes) -> bytes|None:
    "A notebook with the cells of both sides of an unresolved merge; None where there is no telling."
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
    old = path.read_bytes()
    both = both_sides(old)
    if both and mend and change(ws, path, old, both):
        done = ("It has the cells of both sides now, between git's marks: keep the right ones. "
                'A copy of what it was is in .doctor/.')
        return Remark(file, f'{says}.', done)
    if both: return Remark(file, f'To be mended: {says}.')
    return Remark(file, f'{says}; {KEEP_ONE}. JupyterLab cannot open it: use a text editor, or take '
                        'the notebook anew, with git checkout or, as it was handed out, from .release/.')


def look_file(ws:Workspace, name:str, mend:bool) -> Iterable[Remark]:
    "Remarks on a notebook's file: missing, empty, or no notebook."
    path, file, fresh = ws.path(name), f'{name}.ipynb', ws.released(name)
    if not path.is_file() or not path.read_bytes().strip():
        gone = 'it is not there' if not path.is_file() else 'it is empty'
        like = mend_files(ws.root, [name])[0].get(name) if not path.is_file() else None
        if like:
            yield Remark(file, f'{gone}, but {like.relative_to(ws.root)} may be it. Rename that file.')
            return
        if not fresh.is_file(): gone += ', and .release/ has no copy of it: get it anew from your course'
        elif mend: put(path, fresh.read_bytes())
        done = 'It was put back as it was handed out.' if mend and fresh.is_file() else ''
        yield Remark(file, f'{gone}.', done)
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


def look_notebook(ws:Workspace, name:str, mend:bool) -> Iterable[Remark]:
    "Remarks on a notebook's cells; mends what nbgrader needs, and nothing that a student has to write."
    path, file = ws.path(name), f'{name}.ipynb'
    try: old, nb = path.read_bytes(), read_notebook(path)    # so `change` notices what is saved in between
    except (FileNotFoundError, CourseError): return    # look_file has said it
    try: released = read_notebook(ws.released(name))
    except CourseError:
        yield Remark(f'.release/{file}', 'it cannot be read, and without it no cell can be compared. '
                                         'Get it anew from your course.')
        released = None
    new, says = restored(nb, released, outputs=True) if released else (nb, [])
    if says:
        done = ''
        if mend and change(ws, path, old, as_file(new)):
            done = 'It is mended; a copy of what it was is in .doctor/. If JupyterLab has it open, reload it.'
        yield Remark(file, ' '.join(says) if done else f'To be mended: {" ".join(says)}', done)
        nb = new
    for cell, wrong in faults(nb): yield Remark(f'{file}, cell {cell}', wrong)


def exportable(ws:Workspace) -> bool:
    "Whether nbdev_export can do all notebooks."
    def fine(name):
        try: nb = read_notebook(ws.path(name))
        except CourseError: return False
        texts = [c.source for c in nb.cells if c.cell_type == 'code' and '#| export' in c.source]
        return not any(map(syntax_error, texts))
    return all(fine(n) for n in ws.notebooks)

def look_library(ws:Workspace, mend:bool) -> Iterable[Remark]:
    "Remarks on the student's own package: what is missing or not up to date in it."
    for path in dict.fromkeys(p for n in ws.notebooks for p in looks_first(ws, n)):
        if mend: look_first(path)
        done = 'It does again.' if mend else ''
        yield Remark(path.relative_to(ws.root).as_posix(), 'it does not look for unlocked chapters.', done)
    states = {n: s for n in ws.notebooks if (s := stale(ws, n)) and not unlocked_file(ws, n).exists()}
    said = run_export(ws) if states and mend and exportable(ws) else None    # '' where it worked
    why = f', which said: {said}' if said else ''
    for state, says in (('missing', 'not exported yet'), ('older', 'changed since it was exported')):
        these = [n for n, s in states.items() if s == state]
        where = ', '.join(f'{n}.ipynb' for n in these[:3]) + f' and {len(these) - 3} more'*(len(these) > 3)
        if these and said == '': yield Remark(where, f'{says}.', 'nbdev_export was run.')
        elif these: yield Remark(where, f'{says}: run nbdev_export{why}.')
    for own, n in rivals(ws): yield Remark(own.name, f'it writes the module of {n}.ipynb too, and the one whose '
                                                     'name comes last has the last word. Move it to another folder.')

def rivals(ws:Workspace) -> Iterable[tuple[Path, str]]:
    "Notebooks that were not handed out and export to a module of one that was: the file, and that one's name."
    modules = {n.split('_', 1)[-1]: n for n in ws.notebooks}
    for path in sorted({*ws.root.glob('*.ipynb')} - {ws.path(n) for n in ws.notebooks}):
        with suppress(CourseError):
            sources = [c.source for c in read_notebook(path).cells if c.cell_type == 'code']
            names = [m[1] for s in sources for m in re.finditer(r'(?m)^#\|\s*default_exp\s+(\S+)', s)]
            yield from ((path, modules[name]) for name in names[:1] if name in modules)


ASK = """import importlib.util, os, sys
sys.path[0:1] = []
last = [os.path.basename(p) in ('site-packages', 'dist-packages') for p in sys.path] + [True]
sys.path.insert(last.index(True), os.getcwd())
for name in sys.argv[1:]: print(getattr(importlib.util.find_spec(name), 'origin', None) or '')"""

def kernel_python() -> str:
    "The Python that JupyterLab starts for the kernel python3; this one where it cannot be told."
    from jupyter_client.kernelspec import KernelSpecManager
    try: command = KernelSpecManager().get_kernel_spec('python3').argv[0]
    except Exception: return sys.executable    # no kernel, or a broken one: JupyterLab says that itself
    return (shutil.which(command) or command) if os.path.basename(command) != 'python' else sys.executable

def look_kernel(ws:Workspace) -> Iterable[Remark]:
    "Remarks on which library a notebook in this workspace would import."
    python = kernel_python()
    command = [python, '-c', ASK, ws.package, 'numpy', 'fastcore']
    try: done = subprocess.run(command, cwd=ws.root, capture_output=True, text=True, timeout=60)
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
    for name, origin in zip(('numpy', 'fastcore'), said[1:]):
        if origin: continue
        yield Remark('kernel', f'{python}, which notebooks run with, has no {name}: install it there.')


def doctor(workspace='.', mend:bool=True, progress:Callable|None=None) -> Remarks:
    "What is wrong in a workspace. What can be is mended, after a copy of what was there to `.doctor/`."
    ws, found = open_workspace(workspace), []
    names = ws.notebooks
    found += look_settings(ws, mend)
    for i, name in enumerate(names):
        if progress: progress(i, len(names), name)
        found += look_file(ws, name, mend)
        found += look_notebook(ws, name, mend)
    found += look_library(ws, mend)
    found += look_kernel(ws)
    if progress: progress(len(names), len(names), '')
    return Remarks(found)


STUDENT = re.compile(r'[A-Za-z0-9][A-Za-z0-9._@-]{0,63}')

@dataclass(frozen=True)
class Submission:
    "What was handed in: who, which unit, when, and the files with their bytes."
    path:Path
    course:str
    student:str
    unit:str
    when:datetime
    files:dict[str, bytes] = field(repr=False)
    unlocked:tuple[str, ...] = ()
    versions:dict[str, str] = field(default_factory=dict, repr=False)
    says:tuple[str, ...] = ()

    def __repr__(self):
        head = f'{self.path.name}: {self.unit} by {self.student}, {len(self.files)} notebooks'
        return '\n'.join([head, *(f'  {s}' for s in self.says)])


def unready(ws:Workspace, unit:Unit, there:dict[str, Path], now:datetime) -> list[str]:
    "What a student may want to know before a unit is handed in."
    says = []
    if unit.due and now > unit.due: says.append(f'It was due {unit.due:%Y-%m-%d %H:%M %Z}: this is late.')
    for n in unit.notebooks:
        if n not in there: continue
        try: nb = read_notebook(there[n])
        except CourseError as e:
            says.append(f'{n}: {e} It is handed in as it is.')
            continue
        if todo := still_open(ws, n): says.append(f'{n}: not yet filled in: {", ".join(todo)}.')
        with suppress(CourseError):
            if restored(nb, read_notebook(ws.released(n)))[1]:
                says.append(f'{n}: some cells need mending: tinybench student doctor')
        says += [f'{n}, cell {c}: {wrong}' for c, wrong in faults(nb)]
    if these := [u['module'] for u in unlocked(ws) if u['module'] in unit.notebooks]:
        says.append(f'Unlocked, which is handed in too: {", ".join(these)}.')
    return says


def submit(workspace, unit:str, student:str, now:datetime|None=None) -> Submission:
    "Packs the notebooks of `unit` as `submissions/UNIT-STUDENT-TIME.zip`; says what is late or open."
    ws = open_workspace(workspace)
    chosen, now = ws.unit(unit), (now or datetime.now(timezone.utc)).astimezone(timezone.utc)
    now = now.replace(microsecond=0)
    if not STUDENT.fullmatch(student):
        raise CourseError(f'{student!r} cannot name a student: use letters, digits and . _ @ -')
    there, says = mend_files(ws.root, [*chosen.notebooks])
    files = {f'{n}.ipynb': p.read_bytes() for n,p in there.items()}
    if not files: raise CourseError(f'No notebook of {unit} is in {ws.root}: {", ".join(chosen.notebooks)}.')
    says += unready(ws, chosen, there, now)
    versions = dict(tinybench=__version__, released=ws.version,
                    python=platform.python_version(), system=platform.system())
    sums = {n: dict(sha256=hashlib.sha256(b).hexdigest(), bytes=len(b)) for n,b in files.items()}
    about = dict(format=1, course=ws.course, unit=unit, student=student, when=now.isoformat(), files=sums,
                 unlocked=[u['module'] for u in unlocked(ws)], versions=versions)
    path = ws.root/'submissions'/f'{unit}-{student}-{now:%Y%m%dT%H%M%SZ}.zip'
    put(path, packed(files | {'submission.json': (json.dumps(about, indent=1) + '\n').encode()}))
    return Submission(path, ws.course, student, unit, now, files, tuple(about['unlocked']), versions,
                      tuple(says))

def packed(files:dict[str, bytes]) -> bytes:
    "A zip with `files`, the same bytes for the same files."
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


MOST_FILES, MOST_EACH, MOST_ALL = 64, 20*2**20, 100*2**20
FLAT = re.compile(r'[A-Za-z0-9_][\w. ()+-]{0,120}\.ipynb', re.ASCII)

def members(z:zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    "What a zip's directory lists; CourseError for anything that is no plain file with a plain name."
    found = z.infolist()
    if len(found) > MOST_FILES: raise CourseError(f'it holds {len(found)} files; the most is {MOST_FILES}')
    names = [i.filename for i in found]
    for i in found:
        kind = stat.S_IFMT(i.external_attr >> 16)
        plain = FLAT.fullmatch(i.filename) or i.filename == 'submission.json'
        if not plain or i.orig_filename != i.filename:
            raise CourseError(f'it holds {i.filename[:80]!r}, which is no notebook at its top')
        if kind not in (0, stat.S_IFREG): raise CourseError(f'{i.filename} is a link or the like')
        if i.flag_bits & 1: raise CourseError(f'{i.filename} is encrypted')
        if i.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise CourseError(f'{i.filename} is packed in an unusual way')
        if names.count(i.filename) > 1: raise CourseError(f'it holds {i.filename} twice')
    return found

def contents(path) -> dict[str, bytes]:
    "The files in a submission's zip, by name, none larger than allowed, whatever its directory says."
    files, left = {}, MOST_ALL
    if Path(path).stat().st_size > MOST_ALL: raise CourseError(f'it has more than {MOST_ALL/2**20:.0f} MB')
    with zipfile.ZipFile(path) as z:
        for i in members(z):
            most = min(MOST_EACH, left)
            with z.open(i) as f: data = f.read(most + 1)
            if len(data) > most: raise CourseError(f'{i.filename} is too large when it is unpacked')
            files[i.filename], left = data, left - len(data)
    return files


def read_submission(path) -> Submission:
    "A submission that `submit` packed, its checksums verified; CourseError says what is wrong with the file."
    path, do = Path(path), 'Pack it again with: tinybench student submit'
    try: return verified(path, contents(path))
    except CourseError as e: raise CourseError(f'{path.name} is no submission: {e}. {do}') from None
    except OSError as e: raise CourseError(f'{path.name} cannot be read: {e.strerror or e}. {do}') from None
    except Exception as e:    # zipfile raises what zlib, struct and codecs raise
        raise CourseError(f'{path.name} is no whole zip ({type(e).__name__}: {e}). {do}') from None

def verified(path:Path, files:dict[str, bytes]) -> Submission:
    "The submission whose zip holds `files`; CourseError where they are not what its list says."
    if 'submission.json' not in files: raise CourseError('it has no submission.json')
    try: about = json.loads(files.pop('submission.json'))
    except (ValueError, RecursionError): raise CourseError('its submission.json is not JSON') from None
    listed = about.get('files') if isinstance(about, dict) else None
    if not isinstance(listed, dict) or about.get('format') != 1: raise CourseError('its list is not known')
    texts = {k: about.get(k) for k in ('course', 'unit', 'student', 'when')}
    if not all(isinstance(v, str) and len(v) < 200 for v in texts.values()):
        raise CourseError('it does not say whose it is')
    if not STUDENT.fullmatch(texts['student']) or not re.fullmatch(r'[\w-]+', texts['unit'], re.ASCII):
        raise CourseError('its student or unit is no name')
    try: when = datetime.fromisoformat(texts['when'])
    except ValueError: raise CourseError('it does not say when it was packed') from None
    if when.tzinfo is None: raise CourseError('it does not say when it was packed')
    try: when = when.astimezone(timezone.utc)
    except OverflowError: raise CourseError('it does not say when it was packed') from None
    if not 2000 <= when.year < 2200: raise CourseError(f'it says that it was packed in the year {when.year}')
    for n in set(listed) ^ set(files): raise CourseError(f'{n[:80]} is not both in its list and in the zip')
    for n, data in files.items():
        said = listed[n].get('sha256') if isinstance(listed[n], dict) else None
        if said != hashlib.sha256(data).hexdigest():
            raise CourseError(f'{n} is not what was packed: its checksum differs')
    these = about.get('unlocked') if isinstance(about.get('unlocked'), list) else []
    these = [u[:80] for u in these if isinstance(u, str) and u[:80].isprintable()][:200]
    versions = about.get('versions') if isinstance(about.get('versions'), dict) else {}
    return Submission(path, texts['course'], texts['student'], texts['unit'], when, files, tuple(these),
                      {str(k)[:40]: str(v)[:80] for k,v in versions.items()})
