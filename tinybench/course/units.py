"The course read from its course.toml: units, their notebooks, limits on a submission"
import configparser, os, re, tomllib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tinybench.base.files import read_text
from tinybench.base.text import Shown, Table
from .cells import CourseError, Unit, one_of

@dataclass(frozen=True, repr=False)
class Course(Shown):
    "The units in order, the folder that holds them, limits on a submission, new names of notebooks by old."
    id:str
    root:Path
    units:tuple[Unit, ...]
    limits:dict = field(default_factory=dict)
    renamed:dict = field(default_factory=dict)

    @property
    def notebooks(self) -> tuple[str, ...]: return tuple(n for u in self.units for n in u.notebooks)
    @property
    def nbs(self) -> Path: return self.root.parent/'nbs'
    @property
    def db_url(self) -> str:
        return os.environ.get('TINYBENCH_GRADEBOOK') or f'sqlite:///{self.root/"gradebook.db"}'
    def folder(self, step:str, *parts:str) -> Path: return self.root.joinpath(step, *parts)
    def path(self, notebook:str) -> Path: return self.nbs/f'{notebook}.ipynb'

    def unit(self, name:str) -> Unit:
        "The unit called `name`."
        units = {u.name: u for u in self.units}
        return units[one_of(name, units, f'There is no unit {name}:')]

    def unit_of(self, notebook:str) -> Unit:
        "The unit that `notebook` is in."
        units = {n: u for u in self.units for n in u.notebooks}
        return units[one_of(notebook, units, f'No unit has the notebook {notebook}:')]

    def table(self) -> Table:
        rows = tuple((u.name, u.title, ', '.join(u.notebooks), str(u.due or '')) for u in self.units)
        words = f'{self.id}: {len(self.units)} units, {len(self.notebooks)} notebooks'
        return Table(('unit', 'title', 'notebooks', 'due'), rows, (words,), left=None)

LIMITS = dict(cell_seconds=30, submission_seconds=300, memory_mb=4096, file_mb=64, output_kb=256,
              processes=64)

def need(holds:bool, says:str) -> None:
    "CourseError that `says` what is wrong, unless it `holds`."
    if not holds: raise CourseError(says)

def known(table, keys, where:str) -> dict:
    "`table` if it is one and has only `keys`, whichever they are if None."
    need(isinstance(table, dict), f'{where}: this is to be a table, and is {table!r}.')
    for k in table if keys else (): one_of(k, keys, f'{where}: {k} is not known;')
    return table

def read_limits(table, where:str) -> dict:
    "The limits on a submission: what `table` says, and the usual for the rest."
    for k, v in known(table, LIMITS, where).items():
        kinds, want = ((int, float), 'a number') if k.endswith('_seconds') else ((int,), 'a whole number')
        need(type(v) in kinds and 0 < v < 1e9, f'{where}: {k} is {v!r}, and is to be {want} above 0.')
    return LIMITS | table

def read_renamed(table, notebooks, where:str) -> dict[str, str]:
    "The names that notebooks have now, by those that they had before: what `table` says."
    for old, new in known(table, None, where).items():
        one_of(new, notebooks, f'{where}: {old} is to be {new!r}, which is in no unit:')
        need(old not in notebooks, f'{where}: {old} is in a unit, and so is no old name.')
    return table

def is_name(x) -> bool: return isinstance(x, str) and bool(re.fullmatch('[A-Za-z0-9][A-Za-z0-9_-]*', x))

def read_unit(table, where:str) -> Unit:
    "A unit from its table in course.toml."
    known(table, ('name', 'title', 'notebooks', 'due'), where)
    name, notebooks, due = map(table.get, ('name', 'notebooks', 'due'))
    need(is_name(name), f'{where}: the name is {name!r}; use letters, digits, - and _, as it names a folder.')
    title, where = table.get('title', name), f'{where} ({name})'
    listed = isinstance(notebooks, list) and notebooks and all(isinstance(n, str) for n in notebooks)
    need(listed, f'{where}: notebooks is to be a list of names as in nbs/, like ["00_core.ops"].')
    dated = due is None or (isinstance(due, datetime) and due.tzinfo)
    need(dated, f'{where}: due is {due}; write date, time and offset, like 2026-10-05T23:59:00+02:00.')
    need(isinstance(title, str), f'{where}: title is {title!r}, and is to be text.')
    return Unit(name, title, tuple(notebooks), due)

def find_course(folder) -> Path:
    "The course.toml in `folder`, in its `assignments/`, or in a parent of it."
    at = Path(folder).resolve()
    for p in (at, *at.parents):
        for found in (p/'course.toml', p/'assignments'/'course.toml'):
            if found.is_file(): return found
    raise CourseError(f'There is no course.toml in {at}, its folder assignments/ or a folder above it. '
                      'Say where the course is.')

def read_course(folder='.') -> Course:
    "The course whose course.toml is found from `folder`; CourseError where it is wrong or lacks a notebook."
    at = find_course(folder)
    try: table = tomllib.loads(read_text(at))
    except ValueError as e: raise CourseError(f'{at} is not TOML: {e}.') from None
    need('tools' not in table, f'{at}: tools is not needed any more, because what no lesson writes is '
                               'found by itself. Delete tools.')
    known(table, ('id', 'unit', 'limits', 'renamed'), str(at))
    ident, tables = table.get('id'), table.get('unit', [])
    need(is_name(ident), f'{at}: id is {ident!r}; give the course a name of letters, digits, - and _.')
    need(isinstance(tables, list), f'{at}: units are tables that begin with [[unit]].')
    units = [read_unit(t, f'{at}, unit {i}') for i, t in enumerate(tables, 1)]
    limits = read_limits(table.get('limits', {}), f'{at}, [limits]')
    names, notebooks = [u.name for u in units], [n for u in units for n in u.notebooks]
    renamed = read_renamed(table.get('renamed', {}), notebooks, f'{at}, [renamed]')
    course = Course(ident, at.parent, tuple(units), limits, renamed)
    there = [p.stem for p in sorted(course.nbs.glob('*.ipynb'))]
    for n in names: need(names.count(n) == 1, f'{at}: two units are called {n}. Rename one.')
    for n in notebooks:
        need(notebooks.count(n) == 1, f'{at} lists {n} twice. A notebook belongs to one unit.')
        one_of(n, there, f'{at} lists {n}, which is not in {course.nbs}:')
    return course

def chosen(course:Course, units) -> list[Unit]:
    "The units called `units` (a name, or several; all if None), in the course's order."
    if units is None: return [*course.units]
    wanted = [course.unit(n) for n in ([units] if isinstance(units, str) else units)]
    return [u for u in course.units if u in wanted]

def settings_of(course:Course) -> dict[str, str]:
    "What settings.ini says; nothing where there is none."
    file, ini = course.nbs.parent/'settings.ini', configparser.ConfigParser(interpolation=None)
    try: ini.read_string(read_text(file) if file.is_file() else '', str(file))
    except (configparser.Error, ValueError) as e:
        raise CourseError(f'{file} cannot be read: {" ".join(str(e).split())}.') from None
    return {k: ' '.join(v.split()) for k, v in ini.defaults().items()}

def package_of(course:Course) -> str:
    "The name of the package that the notebooks export, from settings.ini."
    return settings_of(course).get('lib_name', 'tinybench')
