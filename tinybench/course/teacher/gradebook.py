"nbgrader's gradebook: opened in one way, and what it says of a unit"
import re, warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timezone
from pathlib import Path
from alembic.script import ScriptDirectory
from nbformat import NotebookNode
from nbgrader import api
from nbgrader.api import Assignment, Gradebook, InvalidEntry, MissingEntry
from nbgrader.preprocessors import latesubmissions, overwritecells, saveautogrades
from traitlets.config import Config
from ..cells import CourseError, Unit, closest, grading, points, read_notebook
from ..units import Course


def tables_version() -> str:
    "The version of the tables that nbgrader makes now, which it notes in a new gradebook."
    return ScriptDirectory(str(Path(api.__file__).parent/'alembic')).get_current_head()

@contextmanager
def without_alembic():
    "Meanwhile nbgrader makes a gradebook without `alembic`, which takes seconds to say a version."
    before, api.get_alembic_version = api.get_alembic_version, tables_version
    try: yield
    finally: api.get_alembic_version = before

@contextmanager
def gradebook(
    course:Course,
    config:Config|None=None,    # nbgrader's settings, which may name another gradebook than course.toml's
    kind:type=Gradebook,
    made:bool=True,             # if there is none yet, make it; else CourseError
) -> Iterator[Gradebook]:
    "nbgrader's gradebook of the course, closed at the end; what goes wrong with it is a CourseError."
    from sqlalchemy.exc import SQLAlchemyError
    url = config.CourseDirectory.db_url if config else course.db_url
    where = re.sub(r'//[^/@]*@', '//', url)
    if not made and url.startswith('sqlite:///') and not Path(url.removeprefix('sqlite:///')).is_file():
        raise CourseError(f'There is no gradebook at {where.removeprefix("sqlite:///")}. '
                          'Build a unit first with `tinybench course build`.')
    def failed(what, e):
        said = (str(getattr(e, 'orig', e)) or type(e).__name__).splitlines()[0]
        what, do = (what, '') if made else ('read', ' Put back a copy of it, or build anew.')
        return CourseError(f'The gradebook {where} cannot be {what}: {said}.{do}')
    try:
        with without_alembic(): book = kind(url, course.id)
    except Exception as e: raise failed('opened', e) from e
    try: yield book
    except (SQLAlchemyError, InvalidEntry) as e: raise failed('used', e) from e
    finally: book.close()

def cell_kinds(nb:NotebookNode) -> set[tuple[str, str]]:
    "What the gradebook keeps of a notebook: each cell's name, once for each thing that it is."
    out = set()
    for m in filter(None, map(grading, nb.cells)):
        kinds = [k for k in ('grade', 'solution', 'task') if m.get(k)]
        if kinds or m.get('locked'): kinds.append('cell')
        out |= {(m['grade_id'], k) for k in kinds}
    return out

def conflicts(course:Course, unit:Unit, book:Gradebook) -> list[str]:
    "Why `unit` cannot be built again: what changed that grades of submissions hang on."
    try: assignment = book.find_assignment(unit.name)
    except MissingEntry: return []
    if not assignment.submissions: return []
    def listed(names): return ', '.join(sorted(names))
    old, out = {n.name: n for n in assignment.notebooks}, []
    if gone := old.keys() - {*unit.notebooks}: out.append(f'{listed(gone)} is no longer in it')
    if new := {*unit.notebooks} - old.keys(): out.append(f'{listed(new)} is new in it')
    for name in [n for n in unit.notebooks if n in old]:
        book_has = {(c.name, kind) for kind in ('grade', 'solution', 'task')
                    for c in getattr(old[name], f'{kind}_cells')}
        book_has |= {(c.name, 'cell') for c in old[name].source_cells}
        nb = read_notebook(course.path(name))
        now, worth = cell_kinds(nb), {grading(c)['grade_id']: points(c) for c in nb.cells if points(c)}
        was = {c.name: float(c.max_score) for c in (*old[name].grade_cells, *old[name].task_cells)}
        if other := [n for n in was.keys() & worth.keys() if was[n] != worth[n]]:
            out.append(f'{name} gives other points for {listed(other)}')
        if gone := {n for n, _ in book_has - now}:
            out.append(f'{name} no longer has {listed(gone)} as it was')
        if new := {n for n, _ in now - book_has} - gone: out.append(f'{name} has the new {listed(new)}')
    return out

def enter_due(book:Gradebook, unit:Unit) -> None:
    "Make the gradebook's due date of `unit`, which it keeps in UTC, that of course.toml."
    due = unit.due and unit.due.astimezone(timezone.utc).replace(tzinfo=None)
    book.update_or_create_assignment(unit.name, duedate=due)

class KeptOpen(Gradebook):
    "nbgrader's gradebook, which its preprocessors may `with` as often as they like."
    def __exit__(self, *exc): pass

@contextmanager
def open_book(course, config) -> Iterator:
    "The gradebook that all of nbgrader's preprocessors use while it lasts."
    modules = overwritecells, saveautogrades, latesubmissions
    with gradebook(course, config, KeptOpen) as book:
        for m in modules: m.Gradebook = lambda *args, **kwargs: book
        try: yield book
        finally:
            for m in modules: m.Gradebook = Gradebook

@contextmanager
def together(book) -> Iterator:
    "What is committed meanwhile is committed at the end, or not at all."
    commit, book.db.commit = book.db.commit, book.db.flush
    try:
        with warnings.catch_warnings():
            # nbgrader links objects late
            warnings.filterwarnings('ignore', message='Object of type .* not in session')
            yield
        commit()
    except BaseException:
        book.db.rollback()
        raise
    finally: book.db.commit = commit

def most_points(unit, book) -> float:
    "What a unit's checks are worth together, by the gradebook; CourseError where it was not built."
    try: return book.find_assignment(unit.name).max_score
    except MissingEntry:
        raise CourseError(f'{unit.name} is not in the gradebook. Run `tinybench course build {unit.name}` '
                          'first.') from None

def find(gb:Gradebook, unit:str) -> Assignment:
    "The unit in the gradebook."
    found = {a.name: a for a in gb.assignments}
    if unit in found: return found[unit]
    raise CourseError(f'The gradebook does not know the unit {unit}: {closest(unit, [*found])} '
                      'A new unit is built first, with `tinybench course build`.')
