"Makes nbgrader's assignments from the lessons: source/, release/ and the gradebook's entries"
import logging, shutil
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from ..cells import CourseError, Unit, exercises, read_notebook    # before nbgrader: see there
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader
from tinybench.base.files import exclusive, replace_folder, write_whole
from ..stub import RELEASE_STEPS
from ..units import Course, chosen, with_driver
from .beside import copy_files, files_are_same, files_below, is_private, listed_files
from .dropped import apply_drops, out_of
from .gradebook import conflicts, enter_due, find, gradebook
from .lint import check

def load_config(course:Course) -> Config:
    "nbgrader's settings for `course`: those of its nbgrader_config.py, and where it says nothing, ours."
    file = course.root/'nbgrader_config.py'
    try: c = PyFileConfigLoader(file.name, str(course.root)).load_config() if file.exists() else Config()
    except Exception as e: raise CourseError(f'{file} cannot be loaded: {type(e).__name__}: {e}.') from e
    dirs = c.CourseDirectory
    dirs.root, dirs.course_id = str(course.root), course.id
    dirs.db_url = with_driver(dirs.db_url if 'db_url' in dirs else course.db_url)
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
    "Write nbgrader's release of `unit` from the step `source` to the step `to`, and enter its cells."
    how = dict(config=config, log=logging.Logger('course.build', logging.CRITICAL + 1))    # it says nothing
    folders = dict(assignment_id=unit.name, source_directory=source, release_directory=to)
    run = Generate(coursedir=CourseDirectory(**how, **folders), **how)
    run.tell = tell
    try: run.start()
    except Exception as e:
        raise CourseError(f'nbgrader could not make {unit.name}. {run.cause or str(e).rstrip(".")}.') from e

@dataclass(frozen=True)
class Built:
    "A unit that was built, and what it holds."
    unit:str
    notebooks:int
    exercises:int
    points:float
    def __repr__(self):
        def counted(n, what): return f'{n} {what}' if n == 1 else f'{n} {what}s'
        holds = counted(self.notebooks, 'notebook'), counted(self.exercises, 'exercise')
        return f'{self.unit}: {", ".join(holds)}, {self.points:g} points'

@contextmanager
def alone(course:Course, unit:Unit):
    "While it lasts, no other process builds or grades `unit`; CourseError where one does already."
    course.folder('source').mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try: stack.enter_context(exclusive(course.folder('source', f'.{unit.name}.lock'), wait=False))
        except BlockingIOError:
            raise CourseError(f'{unit.name} is being built or graded by somebody else. Wait until that is '
                              'done.') from None
        yield

def build_unit(course:Course, unit:Unit, config:Config, tell:Callable|None=None) -> Built:
    "Make one unit: source/, release/, and its cells and due date in the gradebook."
    with gradebook(course, config) as book:
        if found := [*conflicts(course, unit, book, out_of(course, unit.name))]:
            n = len(book.find_assignment(unit.name).submissions)
            has = f'{unit.name} has {n} submission{"s" if n > 1 else ""}, whose grades hang on its cells'
            raise CourseError(f'{has}, and {"; ".join(found)}. '
                              'Undo that, or put what is new into another unit. '
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
        copy_files(files := listed_files(course, unit), new)
        for n in unit.notebooks: shutil.copyfile(course.path(n), new/f'{n}.ipynb')
        generate(course, unit, config, *steps, tell)
        for name in files_below(made):
            if is_private(unit, name): (made/name).unlink()
        replace_folder(made, course.folder('release', unit.name))
        # a build that stops above has left source/ as it was
        source.mkdir(parents=True, exist_ok=True)
        copy_files(files, source)
        for n in unit.notebooks: write_whole(source/f'{n}.ipynb', (new/f'{n}.ipynb').read_bytes())
        for p in {*source.glob('*.ipynb')} - {source/f'{n}.ipynb' for n in unit.notebooks}: p.unlink()
    finally: clear()
    with gradebook(course, config) as book:
        apply_drops(course, unit.name, book)
        most = float(find(book, unit.name).max_score)
    found = [e for n in unit.notebooks for e in exercises(read_notebook(course.path(n)))]
    return Built(unit.name, len(unit.notebooks), len(found), most)

def build(course:Course, units=None, progress:Callable|None=None) -> list[Built]:
    "Check `units` (names; all if None), then make their source/, release/ and entries in the gradebook."
    todo = chosen(course, units)
    if found := check(course, [u.name for u in todo]):
        more = f' (And {len(found) - 1} more, which `tinybench course check` lists.)' if found[1:] else ''
        raise CourseError(f'Nothing was built. {found[0]}{more}')
    config, done, of = load_config(course), count(1), sum(len(u.notebooks) for u in todo)
    tell = progress and (lambda name: progress(next(done), of, name))
    def one(unit):
        with alone(course, unit): return build_unit(course, unit, config, tell)
    return [one(u) for u in todo]

def is_built(course:Course, unit:Unit) -> bool:
    "Whether `unit` was built from the notebooks as they are now."
    def same(n):
        source, made = (course.folder(step, unit.name, f'{n}.ipynb') for step in ('source', 'release'))
        return made.is_file() and source.is_file() and source.read_bytes() == course.path(n).read_bytes()
    return all(map(same, unit.notebooks)) and files_are_same(course, unit)
