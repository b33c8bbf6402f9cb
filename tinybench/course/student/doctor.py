"What is wrong in a workspace, and mended where that can be"
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tinybench.base.files import write_whole
from ..cells import CourseError, read_notebook
from ..mend.files import mend_files
from ..mend.source import KEEP_ONE, UNMERGED, merge_mark
from .library import look_kernel, look_library, look_settings
from .workspace import Remark, Remarks, Workspace, as_file, change, faults, open_workspace, restored


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
    old = path.read_bytes()
    both = both_sides(old)
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
