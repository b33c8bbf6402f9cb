"A student's folder: what was handed out, where it stands, and what its notebooks still lack"
import json, re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tinybench.base.files import read_text
from tinybench.base.names import nearest_name
from ..cells import CourseError, NotebookNode, Unit, closest, module_of, nbformat, read_notebook, role
from ..mend.notebook import mend
from ..mend.source import (DIRECTIVE, EXPORT, KEEP_ONE, UNMERGED, export_first, exports, ipython_line,
                           late_export, merge_mark, syntax_errors, unfilled)


WANTED = dict(nbs_path='.', update_pyproject='False', clear_all='False', jupyter_hooks='True',
              allowed_metadata_keys='language_info',
              allowed_cell_metadata_keys='nbgrader tags deletable editable')

LOOK_FIRST = ("# what `student unlock` brings comes before one's own\n"
              "__path__.insert(0, f'{__path__[0]}/unlocked')\n")

@dataclass(frozen=True)
class Workspace:
    "A student's folder: what was handed out, and where it stands."
    root:Path
    course:str
    package:str
    version:str
    units:tuple[Unit, ...]
    files:tuple[str, ...] = ()    # data beside the notebooks
    @property
    def notebooks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(n for u in self.units for n in u.notebooks))
    def path(self, notebook:str) -> Path: return self.root/f'{notebook}.ipynb'
    def released(self, notebook:str) -> Path: return self.root/'.release'/f'{notebook}.ipynb'
    def module(self, notebook:str) -> Path: return self.root/self.package/f'{inner(notebook)}.py'
    def unlocked_file(self, notebook:str) -> Path:
        "Where the reference's module of a notebook is put when it is unlocked."
        return (path := self.module(notebook)).parent/'unlocked'/path.name

    def unit(self, name:str) -> Unit:
        "The unit called `name`."
        for u in self.units:
            if u.name == name: return u
            if name in u.notebooks:
                raise CourseError(f'{name} is a notebook of the unit {u.name}: name the unit.')
        raise CourseError(f'There is no unit {name} here: {closest(name, [u.name for u in self.units])}')

def inner(notebook:str) -> str:
    "The path of a notebook's module within its package: 'nn/conv' for '12_nn.conv'."
    return module_of(notebook).replace('.', '/')

def read_table(path:Path, do:str) -> dict:
    "The JSON object in a file; CourseError, with what to `do`, if there is none."
    try: found = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as e:
        raise CourseError(f'{path} cannot be read ({e}). {do}') from None
    if not isinstance(found, dict): raise CourseError(f'{path} is no table. {do}')
    return found

def open_workspace(folder='.') -> Workspace:
    "The workspace that `folder` is, or is in; CourseError if there is none."
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
        files = tuple(map(str, table.get('files', ())))
        return Workspace(root, str(table['course']), package, str(table['version']), tuple(units), files)
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise CourseError(f'{root/"workspace.json"} is not as it was handed out ({e!r}). {do}') from None

def notebook_named(ws:Workspace, name:str) -> str:
    "The notebook that is meant by '12_nn.conv', 'nn.conv', 'tinybench.nn.conv', 'conv' or '12'."
    short = name.removesuffix('.ipynb').removeprefix(f'{ws.package}.')
    for n in ws.notebooks:
        if short in (n, module_of(n)): return n
    likely = [n for n in ws.notebooks if short in (n.split('_')[0], module_of(n).split('.')[-1])]
    if len(likely) == 1: return likely[0]
    if likely: raise CourseError(f'{name} may be {" or ".join(likely)}: say which.')
    units = [u.name for u in ws.units]
    there = [*ws.notebooks, *units]
    there = there if len(there) <= 12 or nearest_name(short, there) else units    # no page of names
    raise CourseError(f'{name} was not handed out: {closest(short, there)}')

def notebooks_named(ws:Workspace, names:Iterable[str]) -> list[str]:
    "The notebooks that are meant by names of notebooks or units, each once."
    units = {u.name: u.notebooks for u in ws.units}
    found = [units[name] if name in units else [notebook_named(ws, name)] for name in names]
    return list(dict.fromkeys(n for these in found for n in these))

def as_file(nb:NotebookNode) -> bytes:
    "A notebook as the bytes of its file."
    # not nbformat.writes, whose validation would change ids
    return (nbformat.v4.writes(nb).rstrip('\n') + '\n').encode()

def restored(nb:NotebookNode, released:NotebookNode, **how) -> tuple[NotebookNode, list[str]]:
    "The notebook as `mend` makes it, each `#| export` where nbdev obeys it, and what was done in sentences."
    new, says = mend(nb, released, released, **how)
    code = [c for c in new.cells if c.cell_type == 'code']
    given = {c.id: EXPORT.search(c.source)[0] for c in released.cells
             if c.cell_type == 'code' and exports(c.source)}
    late = [c for c in code if late_export(c.source)]
    gone = [c for c in code if c.id in given and not exports(c.source) and c not in late]
    for c in late + gone: c.source = export_first(c.source, given.get(c.id, ''))
    def names(cells): return ', '.join(c.id for c in cells)
    if gone: says.append(f'The line #| export was gone, and is put back: {names(gone)}.')
    if late: says.append('The line #| export stood below something else, where nbdev does not obey it, and '
                         f'is moved to the top: {names(late)}.')
    return new, says

def faults(nb:NotebookNode) -> list[tuple[str, str]]:
    "What only a person can put right: the id of each such cell, and what is wrong in which of its lines."
    code = [(cell, f'it is no Python: {wrong}') for cell, wrong in syntax_errors(nb)]
    mine = [c for c in nb.cells if c.cell_type == 'code' and (exports(c.source) or late_export(c.source))]
    code += [(c.id, wrong) for c in mine if (wrong := ipython_line(c.source))]
    text = [(c.id, merge_mark(c.source)) for c in nb.cells if c.cell_type != 'code']
    return code + [(cell, f'line {line}: {UNMERGED}; {KEEP_ONE}') for cell, line in text if line]

def still_open(ws:Workspace, notebook:str) -> list[str]:
    "The functions of a notebook that were handed out empty and still are; [] if it cannot be read."
    try: now, then = read_notebook(ws.path(notebook)), read_notebook(ws.released(notebook))
    except CourseError: return []
    todo = {f for c in then.cells if role(c) == 'exercise' for f in unfilled(c.source)}
    return [f for c in now.cells if c.cell_type == 'code' for f in unfilled(c.source) if f in todo]

def code_lines(text:str) -> list[str]:
    "The lines of a cell or module that nbdev keeps: imports are made relative, and directives dropped."
    text = re.sub(r'(?ms)\A.*?^# %% auto.*?^__all__ = \[.*?\]$', '', text)
    kept = (line.rstrip() for line in text.splitlines() if line[:1] != '#' and not DIRECTIVE.match(line))
    return [line for line in kept if line and not re.search(r'\bimport\b', line)]

def stale(ws:Workspace, notebook:str) -> str:
    "'missing' or 'older' where a module is not what its notebook would export; '' where it seems to be."
    try: nb, path = read_notebook(ws.path(notebook)), ws.module(notebook)
    except CourseError: return ''
    # one that names a module, as `#| export core.more` does, goes elsewhere
    own = [c.source for c in nb.cells if c.cell_type == 'code' and exports(c.source)
           and not re.search(r'export[si]?[ \t]+\w', EXPORT.search(c.source)[0])]
    if not own: return ''
    if not path.is_file(): return 'missing'
    there = path.read_text(encoding='utf-8', errors='replace')
    return '' if [line for text in own for line in code_lines(text)] == code_lines(there) else 'older'
