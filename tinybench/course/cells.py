"What a cell is for; notebooks read, with their exercises and checks; units of them"
import json, re, sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

# Others take nbformat from here. Its validator loads rfc3987_syntax, for a second, and does not use it.
if 'rfc3987_syntax' not in sys.modules:
    sys.modules['rfc3987_syntax'] = None
    import nbformat
    del sys.modules['rfc3987_syntax']
import nbformat
from nbformat import NotebookNode
from nbformat.v4.rwbase import rejoin_lines, strip_transient
from tinybench.base.files import decoded
from tinybench.base.names import nearest_name

class CourseError(Exception):
    "Something a person can put right: what was wrong, where, and what to do."

def grading(cell:Mapping) -> dict:
    "What nbgrader's metadata says about `cell`; an empty dict where it says nothing, or nonsense."
    meta = cell.get('metadata')
    meta = meta.get('nbgrader') if isinstance(meta, Mapping) else None
    return meta if isinstance(meta, Mapping) else {}

HIDDEN, HIDDEN_END = '### BEGIN HIDDEN TESTS', '### END HIDDEN TESTS'

def role(cell:Mapping) -> str:
    "'exercise', 'check', 'hidden' (a check not shown), 'written' (marked by hand), or '' (only to be read)."
    meta = grading(cell)
    if meta.get('task') or (meta.get('solution') and meta.get('grade')): return 'written'
    if meta.get('solution'): return 'exercise'
    if not meta.get('grade'): return ''
    return 'hidden' if HIDDEN in cell['source'] or re.match(r'\s*#\|\s*hide\b', cell['source']) else 'check'

def points(cell:Mapping) -> float:
    "The most that `cell` can earn; 0 where it is not graded."
    meta = grading(cell)
    most = meta.get('points') if meta.get('grade') or meta.get('task') else 0
    return float(most) if isinstance(most, (int, float)) else 0.

@dataclass(frozen=True)
class Exercise:
    "A cell that a student writes, and the checks that judge it."
    name:str
    cell:NotebookNode
    checks:tuple[NotebookNode, ...] = ()
    @property
    def points(self) -> float: return sum(map(points, self.checks))
    def __repr__(self):
        return f'{self.name}: {self.points:g} points by {", ".join(c.id for c in self.checks) or "no check"}'

def named(cell:Mapping) -> str:
    "A cell's name: nbgrader's, or else its id."
    return str(grading(cell).get('grade_id') or cell.get('id', ''))

def stem(check:Mapping) -> str:
    "What a check's name says that it checks: `half` for `half-hidden`."
    return re.sub(r'-(check|hidden)$', '', named(check))

def exercises(nb:NotebookNode) -> list[Exercise]:
    "The exercises of a notebook in order, each with its checks."
    found, owner, last = {}, {}, None
    for c in nb.cells:
        if role(c) == 'exercise': found.setdefault(named(c), (c, []))
    for c in nb.cells:
        if role(c) == 'exercise': last = named(c)
        if role(c) not in ('check', 'hidden'): continue
        fits = [n for n in found if f'{stem(c)}-'.startswith(f'{n}-')]
        to = owner[stem(c)] = max(fits, key=len, default=owner.get(stem(c), last))
        if to in found: found[to][1].append(c)
    return [Exercise(name, c, tuple(checks)) for name, (c, checks) in found.items()]

def plain_text(x):
    "JSON that can be written again: half a character, as `\\ud800` is, becomes a question mark."
    if isinstance(x, str): return x.encode('utf-8', 'replace').decode()
    if isinstance(x, list): return [plain_text(v) for v in x]
    return {plain_text(k): plain_text(v) for k, v in x.items()} if isinstance(x, dict) else x

def whole_cell(cell, i:int) -> dict:
    "The `i`-th cell of a file with all keys that a cell has; CourseError where it is none."
    kind = cell.get('cell_type') if isinstance(cell, dict) else None
    if kind not in ('code', 'markdown', 'raw'): raise CourseError(f'cell {i+1} is neither code nor text')
    text = cell.get('source') or ''
    source = text if isinstance(text, str) else ''.join(t for t in text if isinstance(t, str))
    meta = cell['metadata'] if isinstance(cell.get('metadata'), dict) else {}
    name = grading(dict(metadata=meta)).get('grade_id')
    ident = next((n for n in (cell.get('id'), name) if n and isinstance(n, str)), f'cell-{i+1}')
    whole = cell | dict(source=source, metadata=meta, id=ident)
    if kind != 'code': return {k: v for k, v in whole.items() if k not in ('outputs', 'execution_count')}
    outputs = [o for o in cell.get('outputs') or [] if isinstance(o, dict) and o.get('output_type')]
    return whole | dict(outputs=outputs, execution_count=cell.get('execution_count'))

def parse_notebook(text:str) -> NotebookNode:
    "A notebook from the text of its file; CourseError where it is none, or of a format not known here."
    try: found = plain_text(json.loads(text))
    except RecursionError: raise CourseError('it is nested too deep for a notebook') from None
    except ValueError as e:
        raise CourseError(f'it is not JSON ({e}): cut off, edited by hand, or not merged by git') from None
    if not isinstance(found, dict) or not isinstance(major := found.get('nbformat'), int):
        raise CourseError('it is JSON, but not a notebook')
    if major not in (3, 4): raise CourseError(f'it has format {major}, and only 3 and 4 are known here')
    try:
        if major == 3:
            found = nbformat.convert(nbformat.from_dict(found), 4)
            for c in found['cells']: c.pop('id', None)  # nbformat drew it just now
        if not isinstance(found.get('cells'), list): raise CourseError('it is JSON, but has no list of cells')
        cells = [whole_cell(c, i) for i, c in enumerate(found['cells'])]
        meta = found['metadata'] if isinstance(found.get('metadata'), dict) else {}
        nb = nbformat.from_dict(dict(cells=cells, metadata=meta, nbformat=4, nbformat_minor=5))
        return strip_transient(rejoin_lines(nb))
    except (LookupError, AttributeError, TypeError, ValueError, AssertionError, RecursionError,
            nbformat.ValidationError) as e:
        raise CourseError(f'it is not a whole notebook ({type(e).__name__}: {e})') from None

MOST_BYTES = 20*2**20

def read_notebook(path) -> NotebookNode:
    "The notebook in the file `path`, ids as they stand there; CourseError says what is wrong with the file."
    path, do = Path(path), 'Save it again in JupyterLab, or hand in another copy.'
    if not path.is_file(): raise CourseError(f'There is no file {path}.')
    if (size := path.stat().st_size) > MOST_BYTES:
        raise CourseError(f'{path.name} has {size/2**20:.0f} MB, the most is {MOST_BYTES/2**20:.0f}. '
                          'Clear its outputs and save it again.')
    try:
        text = decoded(path.read_bytes())
        if text.strip(): return parse_notebook(text)
        says = f'is empty. {do}'
    except OSError as e: says = f'cannot be read: {e.strerror}.'
    except UnicodeDecodeError as e:
        says = (f'is not text in UTF-8 or UTF-16 (byte {e.start:,}): '
                'save it as UTF-8, or hand in another copy.')
    except CourseError as e: says = f'is no notebook that can be read: {e}. {do}'
    raise CourseError(f'{path.name} {says}')

@dataclass(frozen=True)
class Unit:
    "What is handed out together: nbgrader's assignment."
    name:str
    title:str
    notebooks:tuple[str, ...]
    due:datetime|None = None
    files:tuple[str, ...] = ()                # what lessons read from beside them in nbs/, as patterns
    private:tuple[str, ...] = ('private*',)   # which files only the grader has

def closest(name:str, names) -> str:
    "What to say when `name` is not among `names`: the nearest, and all if they are few or none is near."
    near, names = nearest_name(name, names), [*names]
    listed = ', '.join(names[:200]) or 'none'
    if not near: return f'there is {listed}.'
    return f'did you mean {near}?' + (f' There is {listed}.' if len(names) <= 12 else '')

def one_of(name:str, names, says:str) -> str:
    "`name` if it is one of `names`; else CourseError that `says` so, with the nearest of them."
    if name in names: return name
    raise CourseError(f'{says} {closest(str(name), names)}')

def module_of(notebook:str) -> str:
    "What a notebook is exported to, within the package: core.ops for 00_core.ops."
    return notebook.split('_', 1)[-1]
