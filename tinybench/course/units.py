"The course read from its course.toml: units, their notebooks, limits on a submission"
import configparser, os, re, tomllib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tinybench.base.files import read_text
from tinybench.base.text import Shown, Table
from .cells import CourseError, Unit, one_of

def with_driver(url:str) -> str:
    "The address of a gradebook, for PostgreSQL with the driver that the extra postgres installs."
    return re.sub(r'^postgres(ql)?://', 'postgresql+psycopg://', url)

@dataclass(frozen=True, repr=False)
class Course(Shown):
    "The units in order, their folder, limits on a submission, notebooks' new names by old, extensions."
    id:str
    root:Path
    units:tuple[Unit, ...]
    limits:dict = field(default_factory=dict)
    renamed:dict = field(default_factory=dict)
    extensions:dict = field(default_factory=dict)    # {unit: {student: when it is due}}
    title:str = ''

    @property
    def notebooks(self) -> tuple[str, ...]: return tuple(n for u in self.units for n in u.notebooks)
    @property
    def nbs(self) -> Path: return self.root.parent/'nbs'
    @property
    def db_url(self) -> str:
        own = f'sqlite:///{self.root/"gradebook.db"}'
        return with_driver(os.environ.get('TINYBENCH_GRADEBOOK') or own)
    def folder(self, step:str, *parts:str) -> Path: return self.root.joinpath(step, *parts)
    def path(self, notebook:str) -> Path:
        "Where a notebook is written: in nbs/, or in nbgrader's source/UNIT/ if the course has no nbs/."
        at = self.nbs if self.nbs.is_dir() else self.folder('source', self.unit_of(notebook).name)
        return at/f'{notebook}.ipynb'

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

TIMES = 'write date, time and offset, like 2026-10-05T23:59:00+02:00.'

def is_time(x) -> bool: return isinstance(x, datetime) and bool(x.tzinfo)

def read_extensions(table, units, where:str) -> dict[str, dict[str, datetime]]:
    "When units are due for single students: what `table` says, a table for each unit."
    due = {u.name: u.due for u in units}
    for unit, whose in known(table, None, where).items():
        one_of(unit, due, f'{where}: there is no unit {unit}:')
        for student, until in known(whose, None, f'{where}, {unit}').items():
            need(is_time(until), f'{where}, {unit}: {student} is {until!r}; {TIMES}')
            need(due[unit], f'{where}: {unit} has no due date, so there is nothing to extend.')
            need(until >= due[unit], f'{where}, {unit}: {student} would have less time than all others.')
    return table

def is_name(x) -> bool: return isinstance(x, str) and bool(re.fullmatch('[A-Za-z0-9][A-Za-z0-9_-]*', x))

def read_patterns(found, where:str) -> tuple[str, ...]:
    "Names of files, which may hold *; none leads out of the folder that they are in."
    good = isinstance(found, list) and all(isinstance(p, str) and p for p in found)
    need(good, f'{where} is to be a list of names, like ["data.csv", "sounds/*.wav"].')
    out = [p for p in found if '..' in Path(p).parts or Path(p).is_absolute() or '\\' in p]
    need(not out, f'{where} has {out[:1]}; name files below the folder, with /.')
    return tuple(found)

def read_unit(table, where:str) -> Unit:
    "A unit from its table in course.toml."
    known(table, ('name', 'title', 'notebooks', 'due', 'files', 'private'), where)
    name, notebooks, due = map(table.get, ('name', 'notebooks', 'due'))
    need(is_name(name), f'{where}: the name is {name!r}; use letters, digits, - and _, as it names a folder.')
    title, where = table.get('title', name), f'{where} ({name})'
    listed = isinstance(notebooks, list) and notebooks and all(isinstance(n, str) for n in notebooks)
    need(listed, f'{where}: notebooks is to be a list of names as in nbs/, like ["00_core.ops"].')
    need(due is None or is_time(due), f'{where}: due is {due}; {TIMES}')
    need(isinstance(title, str), f'{where}: title is {title!r}, and is to be text.')
    patterns = {k: read_patterns(table[k], f'{where}: {k}') for k in ('files', 'private') if k in table}
    return Unit(name, title, tuple(notebooks), due, **patterns)

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
    known(table, ('id', 'title', 'unit', 'limits', 'renamed', 'extensions'), str(at))
    ident, title, tables = table.get('id'), table.get('title', ''), table.get('unit', [])
    need(is_name(ident), f'{at}: id is {ident!r}; give the course a name of letters, digits, - and _.')
    need(isinstance(title, str), f'{at}: title is {title!r}, and is to be text.')
    need(isinstance(tables, list), f'{at}: units are tables that begin with [[unit]].')
    units = [read_unit(t, f'{at}, unit {i}') for i, t in enumerate(tables, 1)]
    limits = read_limits(table.get('limits', {}), f'{at}, [limits]')
    names, notebooks = [u.name for u in units], [n for u in units for n in u.notebooks]
    renamed = read_renamed(table.get('renamed', {}), notebooks, f'{at}, [renamed]')
    more = read_extensions(table.get('extensions', {}), units, f'{at}, [extensions]')
    course = Course(ident, at.parent, tuple(units), limits, renamed, more, title)
    written = [course.nbs] if course.nbs.is_dir() else [course.folder('source', n) for n in names]
    there = [p.stem for at in written for p in sorted(at.glob('*.ipynb'))]
    place = course.nbs if course.nbs.is_dir() else f'{course.nbs} or {course.folder("source")}'
    for n in names: need(names.count(n) == 1, f'{at}: two units are called {n}. Rename one.')
    for n in notebooks:
        need(notebooks.count(n) == 1, f'{at} lists {n} twice. A notebook belongs to one unit.')
        one_of(n, there, f'{at} lists {n}, which is not in {place}:')
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
    "The package that the notebooks export: settings.ini's lib_path, as lib_name may be another for pip."
    said = settings_of(course)
    name = said.get('lib_path') or said.get('lib_name') or 'tinybench'
    with suppress(ValueError, KeyError, TypeError): name %= said    # nbdev knows %(lib_name)s
    return Path(name).name
