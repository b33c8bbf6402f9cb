"What a student's notebook still lacks: cells to mend, cells to fill in, an export"
import re
import nbformat
from nbformat import NotebookNode
from ..cells import CourseError, read_notebook, role
from ..mend.notebook import mend
from ..mend.source import KEEP_ONE, UNMERGED, merge_mark, syntax_errors, unfilled
from .workspace import Workspace


def as_file(nb:NotebookNode) -> bytes:
    "A notebook as the bytes of its file."
    # not nbformat.writes, whose validation would change ids
    return (nbformat.v4.writes(nb).rstrip('\n') + '\n').encode()

EXPORTED = re.compile(r'(?m)^#\|\s*export.*')

def restored(nb:NotebookNode, released:NotebookNode, **how) -> tuple[NotebookNode, list[str]]:
    "The notebook as `mend` makes it, its lost `#| export` put back, and what was done in sentences."
    new, says = mend(nb, released, released, **how)
    given = {c.id: m[0] for c in released.cells if c.cell_type == 'code' and (m := EXPORTED.search(c.source))}
    gone = [c for c in new.cells if c.id in given and not EXPORTED.search(c.source)]
    for c in gone: c.source = f'{given[c.id]}\n{c.source}'
    names = ', '.join(c.id for c in gone)
    if gone: says.append(f'The line #| export was gone, and is put back: {names}.')
    return new, says

def faults(nb:NotebookNode) -> list[tuple[str, str]]:
    "What only a person can put right: the id of each such cell, and what is wrong in which of its lines."
    code = [(cell, f'it is no Python: {wrong}') for cell, wrong in syntax_errors(nb)]
    text = [(c.id, merge_mark(c.source)) for c in nb.cells if c.cell_type != 'code']
    return code + [(cell, f'line {line}: {UNMERGED}; {KEEP_ONE}') for cell, line in text if line]

def still_open(ws:Workspace, notebook:str) -> list[str]:
    "The functions of a notebook that were handed out empty and still are; [] if it cannot be read."
    try: now, then = read_notebook(ws.path(notebook)), read_notebook(ws.released(notebook))
    except CourseError: return []
    todo = {f for c in then.cells if role(c) == 'exercise' for f in unfilled(c.source)}
    return [f for c in now.cells if c.cell_type == 'code' for f in unfilled(c.source) if f in todo]

def stale(ws:Workspace, notebook:str) -> str:
    "'missing' or 'older' where a module is not what its notebook would export; '' where it seems to be."
    try: nb, path = read_notebook(ws.path(notebook)), ws.module(notebook)
    except CourseError: return ''
    exported = [c for c in nb.cells if c.cell_type == 'code' and EXPORTED.search(c.source)]
    if not exported: return ''
    if not path.is_file(): return 'missing'
    text = path.read_text(encoding='utf-8', errors='replace')
    # imports are made relative, and directives dropped
    own = [line.rstrip() for c in exported for line in c.source.splitlines()
           if not line.startswith('#') and not re.search(r'\bimport\b', line)]
    return '' if all(line in text for line in own) else 'older'
