"""Look for what would go wrong in front of students, then build nbgrader's assignments and the students' workspace"""


import ast, configparser, hashlib, json, logging, math, os, re, shutil, uuid, warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from alembic.script import ScriptDirectory
from nbformat import NotebookNode
from nbgrader import api
from nbgrader.api import Gradebook, InvalidEntry, MissingEntry
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader
from .. import __version__
from .cells import Course, CourseError, Unit, exercises, grading, points, read_notebook, role
from .stub import RELEASE_STEPS, last_line, outermost, solution_of, stub
from .student import LOOK_FIRST, put
from .worker import made_and_used


@dataclass(frozen=True)
class Problem:
    "What would go wrong in a cell of a notebook, and what to do about it."
    notebook:str
    cell:str
    what:str
    fix:str
    def __repr__(self): return f'{self.notebook}{self.cell and ", cell "}{self.cell}: {self.what}. {self.fix}.'


def directives(cell:NotebookNode) -> list[str]:
    "The names of the `#|` lines of a code cell."
    return re.findall(r'(?m)^\s*#\|\s*(\w+)', cell.source) if cell.cell_type == 'code' else []

def exports(cell:NotebookNode) -> bool: return bool({'export', 'exports', 'exporti'} & {*directives(cell)})

@lru_cache(4096)
def parsed(source:str) -> tuple[ast.stmt, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', SyntaxWarning)
        return tuple(ast.parse(source).body)

def statements(cell:NotebookNode) -> tuple[ast.stmt, ...]:
    "The statements of a code cell; none where it is not Python, which a rule of its own tells."
    try: return parsed(cell.source) if cell.cell_type == 'code' else ()
    except (SyntaxError, ValueError): return ()


def name_problems(nb:NotebookNode) -> Iterator[tuple]:
    "Cells whose names would be confused."
    known = [c for c in nb.cells if grading(c)]
    ids, grade_ids = [c.id for c in nb.cells], [grading(c).get('grade_id') for c in known]
    for what, names in (('id', ids), ('grade_id', grade_ids)):
        for n, times in Counter(names).items():
            if times > 1: yield n, f'{times} cells have this {what}', 'Give each its own'
    for c in known:
        name = grading(c).get('grade_id')
        if name != c.id: yield c.id, f'its grade_id is {name}', 'Make the id of the cell and its grade_id the same'
        if not re.fullmatch(r'[A-Za-z0-9][\w.-]*', str(name)):
            yield c.id, f'its grade_id is {name!r}', 'Use letters, digits and hyphens'


def metadata_problems(nb:NotebookNode) -> Iterator[tuple]:
    "Cells whose nbgrader metadata is not whole."
    for c in nb.cells:
        meta = grading(c)
        if not meta: continue
        lacks = [k for k in ('grade', 'solution', 'locked', 'task') if not isinstance(meta.get(k), bool)]
        if lacks:
            yield c.id, f'its nbgrader metadata says nothing about {", ".join(lacks)}', 'Set it to true or false'
        if (v := meta.get('schema_version')) != 3:
            yield c.id, f'its schema_version is {v}', 'Set it to 3; nbgrader stops at any other'
        if meta.get('grade') and not (points(c) > 0 and math.isfinite(points(c))):
            yield c.id, f'it is graded and has {meta.get("points", "no")} points', 'Give it points, above 0'
        if role(c) in ('check', 'hidden') and not meta.get('locked'):
            yield c.id, 'it is a check that is not locked', 'Set locked to true, so that the original is graded'
        if role(c) in ('exercise', 'check', 'hidden') and c.cell_type != 'code':
            yield c.id, f'it is a {role(c)} and holds no code', 'Make it a code cell, or mark it for hand grading'


def python_problems(nb:NotebookNode) -> Iterator[tuple]:
    "Code cells that are not Python; IPython's magics are fine where nothing is graded or exported."
    for c in nb.cells:
        if c.cell_type != 'code': continue
        graded = role(c) or exports(c)
        if role(c) and 'get_ipython' in c.source:
            yield c.id, 'it asks for IPython', 'Grade plain Python; a magic can stand in a cell of its own'
        try: parsed(c.source)
        except (SyntaxError, ValueError) as e:
            magic = re.search(r'(?m)^\s*[%!].*|.*=\s*[%!]\w.*', c.source)
            if not magic:
                yield c.id, f'line {getattr(e, "lineno", 1)} is not Python ({getattr(e, "msg", e)})', 'Correct it'
            elif graded:
                what = f'it has the IPython magic {magic[0].strip()}'
                yield c.id, what, 'Use plain Python, or move it to a cell of its own'


def region_problems(nb:NotebookNode) -> Iterator[tuple]:
    "Marks of solutions that do not pair, or stand where clearing would break the notebook."
    for c in nb.cells:
        lines = c.source.split('\n')
        found = [(i, re.search(r'(BEGIN|END) SOLUTION', line)) for i,line in enumerate(lines, 1)]
        marks = [(i, m[1]) for i,m in found if m]
        if not marks: continue
        if role(c) not in ('exercise', 'written'):
            yield c.id, 'it has marks of a solution, and is none', 'Set solution to true, or take the marks out'
            continue
        if [kind for _, kind in marks] != ['BEGIN', 'END']*(len(marks)//2) or len(marks) % 2:
            yield c.id, 'its marks of solutions do not pair', 'Put END SOLUTION after each BEGIN SOLUTION'
            continue
        bodies = [*outermost(ast.Module([*statements(c)], []))]
        for (a, _), (b, _) in zip(marks[::2], marks[1::2]):
            inside = any(f.lineno < a and b <= last_line(f, lines) for f in bodies)
            if c.cell_type == 'code' and not inside:
                what = f'lines {a} to {b} are marked, and not inside a function'
                yield c.id, what, 'Mark only what is in a function body'


def written(cell:NotebookNode) -> set[str]:
    "The names that a student writes in an exercise: its functions, and its classes with a constructor."
    makers, tops = ('__init__', '__new__', '__post_init__'), statements(cell)
    functions = {s.name for s in tops if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef)) and solution_of(s)}
    return functions | {s.name for s in tops if isinstance(s, ast.ClassDef)
                        and any(f.name in makers and solution_of(f) for f in outermost(s))}

def to_write(nb:NotebookNode) -> set[str]:
    "The names that a student writes in a notebook."
    return {n for e in exercises(nb) for n in written(e.cell)}


def exercise_problems(nb:NotebookNode) -> Iterator[tuple]:
    "Exercises that cannot be cleared, or are not checked twice."
    owned = []
    for e in exercises(nb):
        kinds = [role(c) for c in e.checks]
        owned += [c.id for c in e.checks]
        for kind, what in (('check', 'visible'), ('hidden', 'hidden')):
            if kind not in kinds: yield e.cell.id, f'no {what} check judges it', f'Add {e.name}-{kind} after it'
        if not statements(e.cell): continue
        try: ast.parse(stub(e.cell.source))
        except CourseError as e2: yield e.cell.id, str(e2), 'Write it as a function, whose body students write'
        except SyntaxError as e2: yield e.cell.id, f'its stub is not Python ({e2})', 'Move its marks'
    for c in nb.cells:
        if role(c) in ('check', 'hidden') and c.id not in owned:
            yield c.id, 'it is a check above all exercises', 'Put it below what it checks'


BEGIN, END = '### BEGIN HIDDEN TESTS', '### END HIDDEN TESTS'

def is_assertion(node:ast.stmt) -> bool:
    "Whether a graded cell may end in `node`: it has no value that could be read as a score."
    if not isinstance(node, ast.Expr): return True
    return isinstance(node.value, ast.Call) and ast.unparse(node.value.func).split('.')[-1].startswith('test_')

def check_problems(nb:NotebookNode) -> Iterator[tuple]:
    "Checks that would give a wrong score, or be half hidden."
    for c in nb.cells:
        kind, body, lines = role(c), statements(c), [line.strip() for line in c.source.strip().split('\n')]
        if kind in ('check', 'hidden') and c.cell_type == 'code':
            if not body: yield c.id, 'it checks nothing', 'Write an assertion'
            elif not is_assertion(body[-1]):
                what = f'its last line is the value {ast.unparse(body[-1])}, which nbgrader takes for a score'
                yield c.id, what, 'End in an assertion, and show the value in the next cell'
            if exports(c): yield c.id, 'it is a check, and exported', 'Export from a cell of its own'
        whole = len(lines) > 3 and re.fullmatch(r'#\|\s*hide', lines[0]) and lines[1] == BEGIN and lines[-1] == END
        marks = sum('HIDDEN TESTS' in line for line in lines)
        if kind == 'hidden' and not (whole and marks == 2):
            yield c.id, 'it is hidden in part', f'A hidden check is a cell: #| hide, {BEGIN}, the check, {END}'
        elif kind != 'hidden' and marks and c.cell_type == 'code':
            yield c.id, 'it marks a hidden test, and has no points', 'Give it points, or take the marks out'


def sure(cell:NotebookNode, unwritten:set[str]) -> set[str]:
    "The names that a check makes before it can fail."
    names = set()
    for s in statements(cell):
        made, used = made_and_used(ast.unparse(s))
        asserts = isinstance(s, ast.Assert) or (isinstance(s, ast.Expr) and is_assertion(s))
        if asserts or used & unwritten: break
        names |= made
    return names

def leak_problems(nb:NotebookNode) -> Iterator[tuple]:
    "Names that only a check makes, and a later cell needs."
    tested = {c.id: written(e.cell) for e in exercises(nb) for c in e.checks}
    seen, fragile, unseen = set(), {}, {}
    for c in nb.cells:
        if not statements(c): continue
        kind, (made, used) = role(c), made_and_used(c.source)
        for n in sorted(used & fragile.keys() if kind or exports(c) else ()):
            what = f'it uses {n}, which the check {fragile[n]} makes where it may fail'
            yield c.id, what, f'Make {n} in a cell that is not graded'
        for n in sorted(used & unseen.keys()):    # hidden checks run apart, so each stands alone
            what = f'it uses {n}, which only the hidden check {unseen[n]} makes'
            yield c.id, what, f'Make {n} in {"this cell too" if kind == "hidden" else "a cell that students have"}'
        safe = made if kind not in ('check', 'hidden') else sure(c, tested.get(c.id, set()))
        fragile |= dict.fromkeys(made, c.id)
        for n in safe: fragile.pop(n, None)
        if kind == 'hidden': unseen |= dict.fromkeys(made - seen, c.id)
        else:
            seen |= made
            unseen = {n: by for n,by in unseen.items() if n not in made}


def module_of(notebook:str) -> str:
    "What a notebook is exported to, within the package: core.ops for 00_core.ops."
    return notebook.split('_', 1)[-1]

def imported(body:Iterable[ast.stmt]) -> Iterator[tuple[str, str]]:
    "The module and the name in it of every import in `body`, functions included."
    for n in (n for s in body for n in ast.walk(s)):
        if isinstance(n, ast.Import): yield from ((a.name, '') for a in n.names)
        if isinstance(n, ast.ImportFrom): yield from (('.'*n.level + (n.module or ''), a.name) for a in n.names)

def imports(cell:NotebookNode) -> list[tuple[str, str]]:
    "What a code cell imports."
    return [*imported(statements(cell))] if 'import' in cell.source else []

def import_problems(nb:NotebookNode, package:str, earlier:Iterable[str], own:str='') -> Iterator[tuple]:
    "Imports of what comes later or is nowhere, and imports that share a cell; a lesson may import the module `own`."
    earlier = {f'{package}.{m}' for m in earlier} | {f'{package}.__version__'}
    for c in nb.cells:
        body = statements(c)
        for module, name in imports(c):
            inside = module == package or module.startswith((f'{package}.', '.'))
            mine = f'{package}.{own}' in (module, f'{module}.{name}') and not role(c) and not exports(c)
            if inside and not mine and not {module, f'{module}.{name}'} & earlier:
                what = module if module != package else f'{module}.{name}'
                what = f'it imports {what}, which no notebook before this one exports'
                yield c.id, what, 'Import only from lower numbers'
        kinds = {isinstance(s, (ast.Import, ast.ImportFrom)) for s in body}
        if len(kinds) == 2 and role(c) not in ('check', 'hidden'):
            yield c.id, 'it imports and does something else', 'Put the imports into a cell of their own'


def at_import(node:ast.AST) -> Iterator[ast.AST]:
    "The nodes under `node` that run at import: not the bodies of functions, but their decorators and defaults."
    for n in ast.iter_child_nodes(node):
        if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for part in (*n.decorator_list, *n.args.defaults, *filter(None, n.args.kw_defaults)):
                yield part
                yield from at_import(part)
        elif not isinstance(n, ast.Lambda):
            yield n
            yield from at_import(n)

def call_problems(nb:NotebookNode, package:str, unwritten:dict) -> Iterator[tuple]:
    "Exported cells that would call a stub while they are imported; `unwritten` has each module's names to write."
    names = to_write(nb)
    for c in nb.cells:
        body = statements(c)
        names |= {name for m, name in imports(c) if name in unwritten.get(m.removeprefix(f'{package}.'), ())}
        if not exports(c): continue
        for n in at_import(ast.Module([*body], [])):
            f = n.func if isinstance(n, ast.Call) else n
            decorates = any(f in s.decorator_list for s in body if hasattr(s, 'decorator_list'))
            if isinstance(f, ast.Name) and f.id in names and (isinstance(n, ast.Call) or decorates):
                what = f'it calls {f.id} when it is imported, which students have still to write'
                yield c.id, what, 'Call it in a function'


def chosen(course:Course, units) -> list[Unit]:
    "The units called `units` (a name, or several; all if None), in the course's order."
    names = [units] if isinstance(units, str) else [u.name for u in course.units] if units is None else [*units]
    wanted = {course.unit(n).name for n in names}
    return [u for u in course.units if u.name in wanted]


def settings_of(course:Course) -> dict[str, str]:
    "What settings.ini says; nothing where there is none."
    file, ini = course.nbs.parent/'settings.ini', configparser.ConfigParser(interpolation=None)
    try: ini.read(file, encoding='utf-8')
    except (configparser.Error, UnicodeDecodeError) as e:
        raise CourseError(f'{file} cannot be read: {" ".join(str(e).split())}.') from None
    return {k: ' '.join(v.split()) for k,v in ini.defaults().items()}

def package_of(course:Course) -> str:
    "The name of the package that the notebooks export, from settings.ini."
    return settings_of(course).get('lib_name', 'tinybench')


RULES = (name_problems, metadata_problems, python_problems, region_problems, exercise_problems, check_problems,
         leak_problems)

def notebook_problems(nb:NotebookNode, notebook:str, package:str, earlier, unwritten:dict) -> Iterator[tuple]:
    "What all rules find in one notebook."
    first = nb.cells[0].source.strip() if nb.cells else ''
    if first != (line := f'#| default_exp {module_of(notebook)}'):
        yield '', 'its first cell does not name the module that it exports', f'Begin with {line}'
    if (language := nb.metadata.get('kernelspec', {}).get('language', 'python')) != 'python':
        yield '', f'its kernel is for {language}', 'Choose the kernel python3'
    for rule in RULES: yield from rule(nb)
    yield from import_problems(nb, package, earlier, module_of(notebook))
    yield from call_problems(nb, package, unwritten)

def check(course:Course, unit=None, progress:Callable|None=None) -> list[Problem]:
    "What would go wrong with the notebooks of `unit` (a name, or several; all if None)."
    wanted = [n for u in chosen(course, unit) for n in u.notebooks]
    numbered = {p.stem for p in course.nbs.glob('[0-9]*_*.ipynb')}
    there = sorted(numbered | {*wanted})
    out, unwritten, package = [], {}, package_of(course)
    listed, plain = {*course.notebooks, *course.tools}, plain_modules(course)
    for i, n in enumerate(there):
        if progress: progress(i, len(there), n)
        if n not in numbered: out.append(Problem(n, '', 'its name has no number', 'Call it 00_core.ops or the like'))
        if n not in listed and unit is None: out.append(Problem(n, '', 'it is in no unit', 'Add it to course.toml'))
        try: nb = read_notebook(course.path(n))
        except CourseError as e:
            do = 'Open it in JupyterLab, or take it from its history'
            if n in wanted: out.append(Problem(n, '', str(e).rstrip('.'), do))
            continue
        if n in wanted:
            earlier = [module_of(m) for m in there if m < n]
            out += [Problem(n, *p) for p in notebook_problems(nb, n, package, {*earlier, *plain}, unwritten)]
        unwritten[module_of(n)] = to_write(nb)
    return out


def load_config(course:Course) -> Config:
    "nbgrader's settings for `course`: those of its nbgrader_config.py, and where it says nothing, ours."
    file = course.root/'nbgrader_config.py'
    try: c = PyFileConfigLoader(file.name, str(course.root)).load_config() if file.exists() else Config()
    except Exception as e: raise CourseError(f'{file} cannot be loaded: {type(e).__name__}: {e}.') from e
    dirs = c.CourseDirectory
    dirs.root, dirs.course_id = str(course.root), course.id
    if 'db_url' not in dirs: dirs.db_url = course.db_url
    if 'preprocessors' not in c.GenerateAssignment: c.GenerateAssignment.preprocessors = [*RELEASE_STEPS]
    return c


class Generate(GenerateAssignment):
    "nbgrader's converter, which tells of each notebook and keeps what went wrong."
    tell, cause = None, ''
    def convert_single_notebook(self, notebook_filename):
        name = Path(notebook_filename).stem
        try: super().convert_single_notebook(notebook_filename)
        except Exception as e:
            self.cause = f'{name}: {str(e).rstrip(".") or type(e).__name__}'
            raise
        if self.tell: self.tell(name)

def generate(course:Course, unit:Unit, config:Config, source:str, to:str, tell:Callable|None=None) -> None:
    "Write nbgrader's release of `unit` in the step `source` to the step `to`, and its cells to the gradebook."
    log = logging.Logger('course.build')
    log.addHandler(logging.NullHandler())
    folders = CourseDirectory(config=config, log=log, assignment_id=unit.name, source_directory=source,
                              release_directory=to)
    run = Generate(coursedir=folders, config=config, log=log)
    run.tell = tell
    try: run.start()
    except Exception as e:
        raise CourseError(f'nbgrader could not make {unit.name}. {run.cause or str(e).rstrip(".")}.') from e


def tables_version() -> str:
    "The version of the tables that nbgrader makes now, which it notes in a new gradebook."
    return ScriptDirectory(str(Path(api.__file__).parent/'alembic')).get_current_head()

@contextmanager
def without_alembic():
    "While it lasts, nbgrader makes a gradebook without the command `alembic`, which takes seconds to say a version."
    before, api.get_alembic_version = api.get_alembic_version, tables_version
    try: yield
    finally: api.get_alembic_version = before

@contextmanager
def gradebook(course:Course, config:Config, kind:type=Gradebook):
    "nbgrader's gradebook, made if it is not there, and closed at the end."
    from sqlalchemy.exc import SQLAlchemyError
    where = re.sub(r'//[^/@]*@', '//', config.CourseDirectory.db_url)
    def why(e): return (str(e) or type(e).__name__).splitlines()[0]
    try:
        with without_alembic(): book = kind(config.CourseDirectory.db_url, course.id)
    except Exception as e: raise CourseError(f'The gradebook {where} cannot be opened: {why(e)}.') from e
    try: yield book
    except (SQLAlchemyError, InvalidEntry) as e:
        raise CourseError(f'The gradebook {where} cannot be used: {why(e)}.') from e
    finally: book.close()


def cell_kinds(nb:NotebookNode) -> set[tuple[str, str]]:
    "What the gradebook keeps of a notebook: each cell's name, once for each thing that it is."
    out = set()
    for m in filter(None, map(grading, nb.cells)):
        kinds = [k for k in ('grade', 'solution', 'task') if m.get(k)]
        out |= {(m['grade_id'], k) for k in kinds + ['cell']*bool(kinds or m.get('locked'))}
    return out

def conflicts(course:Course, unit:Unit, book:Gradebook) -> list[str]:
    "Why `unit` cannot be built again: what changed that grades of submissions hang on."
    try: assignment = book.find_assignment(unit.name)
    except MissingEntry: return []
    if not assignment.submissions: return []
    def listed(names): return ", ".join(sorted(names))
    old, out = {n.name: n for n in assignment.notebooks}, []
    if gone := old.keys() - {*unit.notebooks}: out.append(f'{listed(gone)} is no longer in it')
    if new := {*unit.notebooks} - old.keys(): out.append(f'{listed(new)} is new in it')
    for name in [n for n in unit.notebooks if n in old]:
        book_has = {(c.name, kind) for kind in ('grade', 'solution', 'task')
                    for c in getattr(old[name], f'{kind}_cells')}
        book_has |= {(c.name, 'cell') for c in old[name].source_cells}
        now = cell_kinds(read_notebook(course.path(name)))
        was = {c.name: float(c.max_score) for c in (*old[name].grade_cells, *old[name].task_cells)}
        worth = {grading(c)['grade_id']: points(c) for c in read_notebook(course.path(name)).cells if points(c)}
        if other := [n for n in was.keys() & worth.keys() if was[n] != worth[n]]:
            out.append(f'{name} gives other points for {listed(other)}')
        if gone := {n for n, _ in book_has - now}: out.append(f'{name} no longer has {listed(gone)} as it was')
        if new := {n for n, _ in now - book_has} - gone: out.append(f'{name} has the new {listed(new)}')
    return out


@dataclass(frozen=True)
class Built:
    "A unit that was built: what it holds, and where its release is."
    unit:str
    folder:Path
    notebooks:tuple[str, ...]
    exercises:int
    points:float
    due:datetime|None
    def __repr__(self):
        n = len(self.notebooks)
        holds = f'{n} notebook{"s"*(n != 1)}, {self.exercises} exercise{"s"*(self.exercises != 1)}'
        return f'{self.unit}: {holds}, {self.points:g} points'

def replace_folder(new:Path, old:Path) -> None:
    "Put the folder `new` in the place of `old`, which is whole until then."
    old.parent.mkdir(parents=True, exist_ok=True)
    aside = old.with_name(f'.{old.name}-{uuid.uuid4().hex}')
    try:
        if old.exists(): old.rename(aside)
        new.rename(old)
    except BaseException:  # Ctrl-C too
        if aside.exists() and not old.exists(): aside.rename(old)
        raise
    shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def alone(course:Course, unit:Unit):
    "While it lasts, no other process builds or grades `unit`; CourseError where one does already."
    try: import fcntl
    except ImportError: return (yield)    # Windows has none
    course.folder('source').mkdir(parents=True, exist_ok=True)
    with open(course.folder('source', f'.{unit.name}.lock'), 'w') as f:
        try: fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CourseError(f'{unit.name} is being built or graded by somebody else. Wait until that is '
                              'done.') from None
        except OSError: pass              # nor have some file systems
        yield


def enter_due(book:Gradebook, unit:Unit) -> None:
    "Make the gradebook's due date of `unit`, which it keeps in UTC, that of course.toml."
    due = unit.due and unit.due.astimezone(timezone.utc).replace(tzinfo=None)
    book.update_or_create_assignment(unit.name, duedate=due)


def keep_source(new:Path, source:Path) -> None:
    "Bring the notebooks in `source` up to what a release was made of, `new`."
    for p in source.glob('*.ipynb'):
        if not (new/p.name).exists(): p.unlink()
    for p in new.glob('*.ipynb'): put(source/p.name, p.read_bytes())


def build_unit(course:Course, unit:Unit, config:Config, tell:Callable|None=None) -> Built:
    "Make one unit: source/, release/, and its cells and due date in the gradebook."
    with gradebook(course, config) as book:
        if found := conflicts(course, unit, book):
            n = len(book.find_assignment(unit.name).submissions)
            raise CourseError(f'{unit.name} has {n} submission{"s"*(n > 1)}, whose grades hang on its cells, and '
                              f'{"; ".join(found)}. Undo that, or put what is new into another unit. '
                              f'(`nbgrader db assignment remove {unit.name} --force` forgets the grades.)')
        enter_due(book, unit)
    source, steps = course.folder('source', unit.name), (f'.source-{unit.name}', f'.release-{unit.name}')
    new, made = (course.folder(step, unit.name) for step in steps)
    def clear():
        for step in steps: shutil.rmtree(course.folder(step), ignore_errors=True)
    clear()    # what a build that was killed has left
    try:
        # with pictures and data, which nbgrader hands out too
        if source.is_dir(): shutil.copytree(source, new, ignore=shutil.ignore_patterns('*.ipynb'))
        new.mkdir(parents=True, exist_ok=True)
        for n in unit.notebooks: shutil.copyfile(course.path(n), new/f'{n}.ipynb')
        generate(course, unit, config, *steps, tell)
        replace_folder(made, course.folder('release', unit.name))
        keep_source(new, source)
    finally: clear()
    found = [e for n in unit.notebooks for e in exercises(read_notebook(course.path(n)))]
    worth, at = sum(e.points for e in found), course.folder('release', unit.name)
    return Built(unit.name, at, unit.notebooks, len(found), worth, unit.due)

def build(course:Course, units=None, progress:Callable|None=None) -> list[Built]:
    "Build `units` (names; all if None) after checking them: nbgrader's source/, release/ and gradebook entries."
    todo = chosen(course, units)
    if found := check(course, [u.name for u in todo]):
        more = f' (And {len(found) - 1} more, which `tinybench course check` lists.)' if len(found) > 1 else ''
        raise CourseError(f'Nothing was built. {found[0]}{more}')
    config, done, of = load_config(course), 0, sum(len(u.notebooks) for u in todo)
    def tell(name):
        nonlocal done
        done += 1
        if progress: progress(done, of, name)
    def one(unit):
        with alone(course, unit): return build_unit(course, unit, config, tell)
    return [one(u) for u in todo]


SETTINGS = dict(
    repo='tinybench', lib_name='tinybench', version='0.0.1', min_python='3.11', license='apache2',
    black_formatting='False', doc_path='_docs', tst_flags='notest', put_version_in_init='True', branch='main',
    custom_sidebar='False', doc_host='', doc_baseurl='/', git_url='', title='tinybench',
    audience='Education', author='', author_email='', copyright='', description='', keywords='',
    language='English', status='3', user='')
# what a workspace needs whatever the course's own settings are: without the cell keys, nbdev_clean takes nbgrader's
NEEDED = dict(nbs_path='.', recursive='False', update_pyproject='False', jupyter_hooks='True', clean_ids='True',
              clear_all='False', allowed_metadata_keys='language_info',
              allowed_cell_metadata_keys='nbgrader tags deletable editable')

def workspace_settings(course:Course) -> str:
    "settings.ini of a workspace: the course's own, with the notebooks beside it."
    own = {k: v for k,v in settings_of(course).items() if k in SETTINGS}
    lines = SETTINGS | own | NEEDED | dict(lib_path=package_of(course))
    return '[DEFAULT]\n' + ''.join(f'{k} = {v}\n'.replace(' \n', '\n') for k,v in lines.items())


def package_files(package:str, modules:Iterable[str], version:str) -> dict[str, str]:
    "The `__init__.py` of the package and its parts, by path."
    parts = {'/'.join([package, *m.split('.')[:i]]) for m in modules for i in range(len(m.split('.')))} | {package}
    return {f'{p}/__init__.py': f'__version__ = "{version}"\n'*(p == package) + LOOK_FIRST for p in sorted(parts)}


def plain_modules(course:Course) -> set[str]:
    "The modules of the package that no notebook writes, such as `base.text`; not those that grade."
    folder, lessons = course.nbs.parent/package_of(course), {module_of(p.stem) for p in course.nbs.glob('*.ipynb')}
    found = {'.'.join(p.relative_to(folder).with_suffix('').parts) for p in folder.rglob('[!_]*.py')}
    return {m for m in found - lessons if not m.startswith('course.')}

def tool_modules(course:Course, notebooks:Iterable[str]) -> dict[str, str]:
    """The text of the modules that `notebooks` import and do not write, and of those that these import, by path;
    always with all of `base`."""
    plain = plain_modules(course)
    others = {module_of(n) for n in (*course.tools, *course.notebooks) if n not in notebooks} | plain
    package, out = package_of(course), {}
    found = [i for n in notebooks for c in read_notebook(course.path(n)).cells for i in imports(c)]
    todo = [(m.removeprefix(f'{package}.'), name) for m, name in found]
    todo += [(m, '') for m in sorted(plain) if m.startswith('base.')]
    while todo:
        module, name = todo.pop()
        for m in {module, f'{module}.{name}'} & others:
            path = '/'.join([package, *m.split('.')]) + '.py'
            if path in out: continue
            file = course.nbs.parent/path
            if not file.is_file():
                raise CourseError(f'{file} is missing, and a lesson imports it. Run nbdev_export.')
            out[path] = file.read_text(encoding='utf-8')
            here = m.split('.')[:-1]
            for below, name in imported(ast.parse(out[path]).body):
                up = len(below) - len(below.lstrip('.'))
                base = '.'.join([*here[:len(here) - up + 1], *filter(None, [below.lstrip('.')])]) if up else below
                todo.append((base.removeprefix(f'{package}.'), name))
    return out


README = '''# {title}

1. Make an environment and install what is needed, once: `python -m venv .venv`,
   `.venv/bin/pip install -r requirements.txt` and `source .venv/bin/activate`
   (on Windows `.venv\\Scripts\\pip` and `.venv\\Scripts\\activate`).
2. `jupyter lab` opens the notebooks. Read, and write the functions whose body is `raise NotImplementedError()`.
3. Run the cells below: they show what your function does, and check it. `tinybench student check {unit}` runs all
   checks of a unit or notebook.
4. `nbdev_export` makes your own library `{package}` from your notebooks; the next notebooks build on it. To do a
   later one first, `tinybench student unlock {example}` brings that part finished, and says what else it needs.
5. `tinybench student submit {unit} --student YOUR_ID` packs what you hand in. If something seems broken,
   `tinybench student doctor` helps.

| unit | about | notebooks | due |
|---|---|---|---|
{rows}
'''

def due_text(unit:Unit) -> str: return unit.due.strftime('%Y-%m-%d %H:%M %Z') if unit.due else ''

def readme(course:Course, units:Iterable[Unit]) -> str:
    "README.md of a workspace that holds `units`."
    def links(u): return ', '.join(f'[{n}]({n}.ipynb)' for n in u.notebooks)
    rows = [f'| {u.name} | {u.title} | {links(u)} | {due_text(u)} |' for u in units]
    first = units[0]
    return README.format(title=course.id, package=package_of(course), example=first.notebooks[0], unit=first.name,
                         rows='\n'.join(rows))


IGNORED = '.venv/\n__pycache__/\n.ipynb_checkpoints/\n.last_checked\nsubmissions/\n'

def sha256(data:bytes) -> str: return hashlib.sha256(data).hexdigest()

def record(course:Course, units:Iterable[Unit], sums:dict[str, str]) -> str:
    "workspace.json: the course, its units that were handed out, and the notebooks' checksums."
    listed = [dict(name=u.name, title=u.title, due=u.due.isoformat() if u.due else None, notebooks=[*u.notebooks])
              for u in units]
    return json.dumps(dict(course=course.id, package=package_of(course), version=__version__, units=listed,
                           notebooks={n: dict(sha256=sums[n]) for u in units for n in u.notebooks}), indent=1) + '\n'

def workspace_files(course:Course, units:list[Unit], package:str) -> dict[str, bytes]:
    "All files of a workspace with `units`, by path."
    names = [n for u in units for n in u.notebooks]
    books = {n: course.folder('release', u.name, f'{n}.ipynb').read_bytes() for u in units for n in u.notebooks}
    tools = tool_modules(course, names)
    modules = [module_of(n) for n in names] + ['.'.join(p.removesuffix('.py').split('/')[1:]) for p in tools]
    text = package_files(package_of(course), modules, __version__) | tools | {
        'settings.ini': workspace_settings(course), 'requirements.txt': f'{package}\n', '.gitignore': IGNORED,
        'README.md': readme(course, units),
        'workspace.json': record(course, units, {n: sha256(b) for n,b in books.items()})}
    notebooks = {f'{to}{n}.ipynb': b for n,b in books.items() for to in ('', '.release/')}
    return notebooks | {k: v.encode() for k,v in text.items()}


def read_workspace(course:Course, folder:Path) -> dict|None:
    "What workspace.json in `folder` says; None where nothing is in it, CourseError where it is something else."
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())): return None
    do = 'Name a folder that is new or empty.'
    if not folder.is_dir(): raise CourseError(f'{folder} is a file. {do}')
    try: found = json.loads((folder/'workspace.json').read_text(encoding='utf-8'))
    except (OSError, ValueError): found = None
    def tables(x): return all(isinstance(v, dict) for v in x)
    found = found if isinstance(found, dict) else {}
    units, books = found.get('units'), found.get('notebooks')
    if not (isinstance(units, list) and tables(units) and isinstance(books, dict) and tables(books.values())):
        raise CourseError(f'{folder} is not empty, and is no workspace. {do}')
    if found.get('course') != course.id:
        raise CourseError(f'{folder} is a workspace of the course {found.get("course")}. {do}')
    return found


def add_files(folder:Path, files:dict[str, bytes], had:dict, anew:Iterable[str]=()) -> None:
    "Bring a workspace up to date, keeping what its owner changed but in `anew`; `had` is its workspace.json."
    new = json.loads(files['workspace.json'])
    for n in new['notebooks']:
        file, old = folder/f'{n}.ipynb', had['notebooks'].get(n, {}).get('sha256')
        unchanged = old, new['notebooks'][n]['sha256']    # the new one where an earlier release was stopped
        if not file.exists() or sha256(file.read_bytes()) in unchanged:
            for to in ('.release/', ''): put(folder/f'{to}{n}.ipynb', files[f'{to}{n}.ipynb'])
        elif old: new['notebooks'][n]['sha256'] = old
        else: put(folder/f'.release/{n}.ipynb', files[f'.release/{n}.ipynb'])
    for name, data in files.items():
        fresh = name in ('README.md', *anew) or (name.endswith('.py') and not name.endswith('__init__.py'))
        apart = name.endswith(('.ipynb', 'workspace.json'))
        if not apart and (fresh or not (folder/name).exists()): put(folder/name, data)
    put(folder/'workspace.json', (json.dumps(new, indent=1) + '\n').encode())


def is_built(course:Course, unit:Unit) -> bool:
    "Whether `unit` was built from the notebooks as they are now."
    def same(n):
        source = course.folder('source', unit.name, f'{n}.ipynb')
        return source.is_file() and source.read_bytes() == course.path(n).read_bytes()
    return all(same(n) and course.folder('release', unit.name, f'{n}.ipynb').is_file() for n in unit.notebooks)


THIS_VERSION = f'tinybench[course]=={__version__}'

def release(course:Course, folder, units=None, package:str|None=None, progress:Callable|None=None) -> Path:
    "Write a workspace with `units` (the built ones if None), or add them to one; pip installs `package`."
    built = [u.name for u in course.units if course.folder('release', u.name).is_dir()]
    folder, todo = Path(os.path.abspath(folder)), chosen(course, units or built or None)
    if not todo: raise CourseError('There is no unit to release. Name one, or add units to course.toml.')
    had = read_workspace(course, folder)
    kept = [u.get('name') for u in had['units']] if had else []
    todo = [u for u in course.units if u in todo or u.name in kept]
    if stale := [u.name for u in todo if not is_built(course, u)]: build(course, stale, progress)
    files = workspace_files(course, todo, package or THIS_VERSION)
    if had:
        add_files(folder, files, had, ['requirements.txt'] if package else [])
        return folder
    stage = folder.with_name(f'.{folder.name}-{uuid.uuid4().hex}')
    try:
        for name, data in files.items(): put(stage/name, data)
        if not folder.exists(): stage.rename(folder)
        else:  # and is empty; somebody's shell may be in it
            for p in sorted(stage.iterdir(), key=lambda p: p.name == 'workspace.json'): shutil.move(p, folder)
    except OSError as e: raise CourseError(f'{folder} cannot be written: {e.strerror}.') from None
    finally: shutil.rmtree(stage, ignore_errors=True)
    return folder
