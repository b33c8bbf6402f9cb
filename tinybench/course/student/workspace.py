"A student's folder: what was handed out, where it stands, and how the doctor changes it"
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tinybench.base.files import write_whole
from ..cells import CourseError, Unit, closest, module_of


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
            if name in u.notebooks:
                raise CourseError(f'{name} is a notebook of the unit {u.name}: name the unit.')
        raise CourseError(f'There is no unit {name} here: {closest(name, [u.name for u in self.units])}')

def inner(notebook:str) -> str:
    "The path of a notebook's module within its package: 'nn/conv' for '12_nn.conv'."
    return module_of(notebook).replace('.', '/')

def unlocked_file(ws:Workspace, notebook:str) -> Path:
    "Where the reference's module of a notebook is put when it is unlocked."
    path = ws.module(notebook)
    return path.parent/'unlocked'/path.name

def read_table(path:Path, do:str) -> dict:
    "The JSON object in a file; CourseError, with what to `do`, if there is none."
    try: found = json.loads(path.read_text(encoding='utf-8'))
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
        return Workspace(root, str(table['course']), package, str(table['version']), tuple(units))
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise CourseError(f'{root/"workspace.json"} is not as it was handed out ({e!r}). {do}') from None

def notebook_named(ws:Workspace, name:str) -> str:
    "The notebook that is meant by '12_nn.conv', 'nn.conv' or 'tinybench.nn.conv'."
    short = name.removesuffix('.ipynb').removeprefix(f'{ws.package}.')
    for n in ws.notebooks:
        if short in (n, module_of(n)): return n
    there = [*ws.notebooks, *(u.name for u in ws.units)]
    raise CourseError(f'{name} was not handed out: {closest(short, there)}')

def notebooks_named(ws:Workspace, names:Iterable[str]) -> list[str]:
    "The notebooks that are meant by names of notebooks or units, each once."
    units = {u.name: u.notebooks for u in ws.units}
    found = [units[name] if name in units else [notebook_named(ws, name)] for name in names]
    return list(dict.fromkeys(n for these in found for n in these))

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
