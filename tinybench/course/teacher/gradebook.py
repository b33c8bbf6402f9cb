"nbgrader's gradebook: opened in one way, and what it says of a unit"
import re, warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timezone
from pathlib import Path
from unittest.mock import patch
from urllib.parse import unquote
from alembic.script import ScriptDirectory
# before nbgrader: see there
from ..cells import CourseError, NotebookNode, Unit, closest, grading, points, read_notebook
from nbgrader import api
from nbgrader.api import Assignment, Gradebook, InvalidEntry
from nbgrader.preprocessors import latesubmissions, overwritecells, overwritekernelspec, saveautogrades
from traitlets.config import Config
from ..units import Course, with_driver

def tables_version() -> str:
    "The version of the tables that nbgrader makes now, which it notes in a new gradebook."
    return ScriptDirectory(str(Path(api.__file__).parent/'alembic')).get_current_head()

POSTGRES = 'tinybench-ml[course,postgres]'

def secret(url:str) -> str:
    "The password in the address of a database, which may hold / and @; '' if there is none."
    found = re.match(r'[\w+]+://[^:/@]*:(.*)@', url)
    return found[1] if found else ''

def without_password(url:str) -> str: return url.replace(f':{secret(url)}@', ':***@') if secret(url) else url

def clear_of(text:str, url:str) -> str:
    "`text` without the password in `url`, however it is written."
    for word in {secret(url), unquote(secret(url))} - {''}: text = text.replace(word, '***')
    return text

def is_there(url:str) -> bool:
    "Whether there may be a gradebook: a server is asked when it is opened."
    return not url.startswith('sqlite:///') or Path(url.removeprefix('sqlite:///')).is_file()

def only_this(course:Course, book:Gradebook, where:str) -> None:
    "CourseError if the gradebook holds another course, whose grades nbgrader would mix with this one's."
    others = [c.id for c in book.db.query(api.Course).all() if c.id not in ('', course.id) and c.assignments]
    if not others: return
    book_too = where.startswith('sqlite:')
    move = 'Move gradebook.db,' if book_too else 'Name another database, and move'
    raise CourseError(f'The gradebook {where} holds the course {others[0]}, and this is {course.id}: '
                      f'students would keep their points of last time. {move} submitted, autograded and '
                      f'feedback out of {course.root}, or take a new clone, and build again. (If it is the '
                      'same course, give it back its id in course.toml.)')

@contextmanager
def gradebook(
    course:Course,
    config:Config|None=None,    # nbgrader's settings, which may name another gradebook than course.toml's
    kind:type=Gradebook,
    made:bool=True,             # if there is none yet, make it; else CourseError
) -> Iterator[Gradebook]:
    "nbgrader's gradebook of the course, closed at the end; what goes wrong with it is a CourseError."
    from sqlalchemy.exc import SQLAlchemyError
    url = with_driver(config.CourseDirectory.db_url if config else course.db_url)
    where, here = without_password(url), url.startswith('sqlite:')
    if not made and not is_there(url):
        raise CourseError(f'There is no gradebook at {where.removeprefix("sqlite:///")}. '
                          'Build a unit first with `tinybench course build`.')
    def failed(what, e):
        if isinstance(e, CourseError): return e
        said = (str(getattr(e, 'orig', e)) or type(e).__name__).splitlines()[0].rstrip('.')
        what, do = (what, '') if made else ('read', ' Put back a copy of it, or build anew.' if here else '')
        if isinstance(e, ModuleNotFoundError) and not here:
            what, do = 'opened', f' Its driver is missing: pip install "{POSTGRES}"'
        return CourseError(f'The gradebook {where} cannot be {what}: {clear_of(said, url)}.{do}')
    try:    # without `alembic`, which takes seconds to say a version
        with patch.object(api, 'get_alembic_version', tables_version): book = kind(url, course.id)
    except Exception as e: raise failed('opened', e) from (None if secret(url) else e)
    try:
        only_this(course, book, where)
        yield book
    except (SQLAlchemyError, InvalidEntry) as e: raise failed('used', e) from (None if secret(url) else e)
    finally: book.close()

# the tables of the gradebook, and which of these a cell has to be to stand in one
KINDS = dict(grade=('grade',), solution=('solution',), task=('task',),
             source=('grade', 'solution', 'task', 'locked'))

def cell_kinds(nb:NotebookNode) -> set[tuple[str, str]]:
    "What the gradebook keeps of a notebook: each cell's name, once for each thing that it is."
    metas = [*map(grading, nb.cells)]
    return {(m['grade_id'], kind) for m in metas for kind, keys in KINDS.items() if any(map(m.get, keys))}

def conflicts(course:Course, unit:Unit, book:Gradebook, dropped=()) -> Iterator[str]:
    "Why `unit` cannot be built again: what changed that grades of submissions hang on."
    assignment = next((a for a in book.assignments if a.name == unit.name and a.submissions), None)
    if not assignment: return
    def listed(names): return ', '.join(sorted(names))
    old = {n.name: n for n in assignment.notebooks}
    if gone := old.keys() - {*unit.notebooks}: yield f'{listed(gone)} is no longer in it'
    if new := {*unit.notebooks} - old.keys(): yield f'{listed(new)} is new in it'
    for name in [n for n in unit.notebooks if n in old]:
        book_has = {(c.name, kind) for kind in KINDS for c in getattr(old[name], f'{kind}_cells')}
        nb = read_notebook(course.path(name))
        now, worth = cell_kinds(nb), {grading(c)['grade_id']: points(c) for c in nb.cells if points(c)}
        was = {c.name: float(c.max_score) for c in (*old[name].grade_cells, *old[name].task_cells)}
        other = [n for n in was.keys() & worth.keys() if was[n] != worth[n]
                 and n not in dropped and f'{name}/{n}' not in dropped]
        if other: yield f'{name} gives other points for {listed(other)}'
        if gone := {n for n, _ in book_has - now}: yield f'{name} no longer has {listed(gone)} as it was'
        if new := {n for n, _ in now - book_has} - gone: yield f'{name} has the new {listed(new)}'

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
    with gradebook(course, config, KeptOpen) as book, ExitStack() as meanwhile:
        for m in (overwritecells, overwritekernelspec, saveautogrades, latesubmissions):
            meanwhile.enter_context(patch.object(m, 'Gradebook', lambda *args, **kwargs: book))
        yield book

@contextmanager
def together(book) -> Iterator:
    "What is committed meanwhile is committed at the end, or not at all."
    try:
        with patch.object(book.db, 'commit', book.db.flush), warnings.catch_warnings():
            # nbgrader links objects late
            warnings.filterwarnings('ignore', message='Object of type .* not in session')
            yield
        book.db.commit()
    except BaseException:
        book.db.rollback()
        raise

def find(gb:Gradebook, unit:str) -> Assignment:
    "The unit in the gradebook."
    found = {a.name: a for a in gb.assignments}
    if unit in found: return found[unit]
    raise CourseError(f'The gradebook does not know the unit {unit}: {closest(unit, [*found])} '
                      'A new unit is built first, with `tinybench course build`.')
