"""Autogrades a unit's submissions in parallel, each in a walled-in fork, into nbgrader's gradebook"""


import hashlib, json, logging, os, re, shutil, signal, tempfile, threading, time, warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from multiprocessing import resource_tracker
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Gradebook, InvalidEntry, MissingEntry
from nbgrader.preprocessors import (
    AssignLatePenalties, CheckCellMetadata, ClearOutput, DeduplicateIds, LimitOutput, OverwriteCells,
    OverwriteKernelspec, SaveAutoGrades, latesubmissions, overwritecells, saveautogrades)

from .. import __version__
from .build import alone, enter_due, gradebook, load_config, module_of, replace_folder
from .cells import CourseError, closest, grading, read_course, read_notebook, role
from .feedback import results
from .mend import mend, mend_files
from .student import read_submission
from .box.needed import as_given, import_lines, needed
from .box.peculiar import peculiar
from .box.start import HOME, library_sum
from .box.walls import walls
from .box.worker import run_work


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


@dataclass
class Prepared:
    "A submission ready to run: its notebooks, checks in place, and what was noticed, by notebook ('' for all)."
    student: str
    key: str = ''  # `key_of` when it was read
    notebooks: dict = field(default_factory=dict)
    notes: dict = field(default_factory=dict)


def resources_of(course, unit, student, notebook, config) -> dict:
    "What nbgrader's preprocessors are told."
    db_url = config.CourseDirectory.db_url
    names = dict(student=student, assignment=unit.name, notebook=notebook, db_url=db_url)
    return dict(nbgrader=names, unique_key=notebook, language='python')


SANITIZE = ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells, CheckCellMetadata
RECORD = LimitOutput, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata

def apply(steps, nb, resources, config) -> NotebookNode:
    "The notebook after nbgrader's preprocessors `steps`."
    log = logging.Logger('course.grade')
    log.addHandler(logging.NullHandler())
    for step in steps: nb, resources = step(config=config, log=log, enabled=True).preprocess(nb, resources)
    return nb


@lru_cache(maxsize=32)
def read_once(path, changed) -> NotebookNode:
    "The notebook at `path`, read once for all students; `changed` is the time of its last change."
    return read_notebook(path)

def lesson(course, unit, notebook, step='source') -> NotebookNode:
    "The instructor's notebook as `course build` copied it, or with `step='release'` as students got it."
    path = course.folder(step, unit.name, f'{notebook}.ipynb')
    if not path.is_file(): raise CourseError(f'{path} is missing. Run `tinybench course build {unit.name}`.')
    return read_once(path, path.stat().st_mtime_ns)


def key_of(course, unit, student) -> str:
    "A checksum of what was handed in and of what it is graded against: while it lasts, a grade holds."
    rules = f'{__version__} {unit.due and unit.due.timestamp()} {sorted(course.limits.items())}'
    folder, digest = course.folder('submitted', student, unit.name), hashlib.sha256(rules.encode())
    files = [p for p in sorted(folder.rglob('*')) if p.is_file() and not p.is_symlink()]
    lessons = [course.folder('source', unit.name, f'{n}.ipynb') for n in unit.notebooks]
    for p in [*files, *lessons, course.root/'nbgrader_config.py']:
        digest.update(os.fsencode(p.name) + b'/')
        with suppress(OSError), open(p, 'rb') as f:
            while part := f.read(1 << 20): digest.update(part)
    return digest.hexdigest()


def prepare(course, unit, student, config) -> Prepared:
    "Read, mend and sanitize what a student handed in. What cannot be read is noted, and scores nothing."
    folder = course.folder('submitted', student, unit.name)
    ready = Prepared(student, key_of(course, unit, student))
    files, ready.notes[''] = mend_files(folder, unit.notebooks)
    for name in unit.notebooks:
        notes = ready.notes.setdefault(name, [])
        if name not in files: continue
        try:
            source, released = lesson(course, unit, name), lesson(course, unit, name, 'release')
            nb, did = mend(read_notebook(files[name]), source, released)
            notes += did + as_given(nb.cells, source) + peculiar(nb.cells, source)
            told = resources_of(course, unit, student, name, config)
            ready.notebooks[name] = apply(SANITIZE, nb, told, config)
        except CourseError as e: notes.append(str(e))
        except Exception as e:
            notes.append(f'nbgrader cannot read this notebook: {type(e).__name__}: {e}'[:500])
    return ready


def library_of(course) -> Path:
    "The folder with the reference package: beside nbs/, or where this module was installed."
    beside = course.root.parent
    if (beside/'tinybench'/'__init__.py').is_file(): return beside
    return HOME


def work_for(course, unit, ready, sandbox=True) -> dict:
    "A submission as plain data for `run_work`: the cells that its grades depend on, what they may import."
    there = sorted(p.stem for p in course.nbs.glob('[0-9]*_*.ipynb'))
    library = library_of(course)
    cells = {n: [dict(id=c.id, source=c.source, cell_type='code', metadata=dict(nbgrader=dict(grading(c))))
                 for c in needed(nb.cells, lesson(course, unit, n))]
             for n, nb in ready.notebooks.items()}
    lessons = {n: dict(blocked=[f'tinybench.{module_of(m)}' for m in there if m >= n],
                       imports=import_lines(lesson(course, unit, n))) for n in cells}
    return dict(cells=cells, lessons=lessons, library=str(library), sum=library_sum(library),
                limits=course.limits, sandbox=sandbox)


def enter(course, unit, student, book) -> list:
    "Enter the submission into the gradebook, with the time in its timestamp.txt; notes on that."
    notes, when = [], None
    stamp = course.folder('submitted', student, unit.name, 'timestamp.txt')
    if stamp.is_file() and not stamp.is_symlink():  # a link could lead anywhere
        try: when = utils.parse_utc(stamp.read_text()[:100].strip())
        except Exception: notes.append('timestamp.txt holds no date, so it counts as handed in on time.')
    book.update_or_create_student(student)
    book.update_or_create_submission(unit.name, student, timestamp=when)
    return notes


def fill(nb, outcomes) -> list:
    "Put outcomes into the cells; a sentence for each thing that the engine did or met."
    by_id, notes = {o['id']: o for o in outcomes}, []
    for n, c in enumerate((c for c in nb.cells if c.cell_type == 'code'), 1):
        if not (o := by_id.get(c.id)): continue
        c.outputs, c.execution_count = [nbformat.from_dict(out) for out in o['outputs']], n
        if o['note']: notes.append(f'{c.id}: {o["note"]}.')
        if role(c) in ('', 'exercise') and o['error'] and not o['error'].startswith('NotImplementedError'):
            notes.append(f'{c.id}: {o["error"]}.')
    return notes


def zero(unit, student, notebook, book):
    "Record 0 for all checks of a notebook that could not be run."
    nb = book.find_submission_notebook(notebook, unit.name, student)
    nb.late_submission_penalty = None
    for grade in nb.grades:
        # a person's points stay, and are to be looked at again
        grade.auto_score, grade.needs_manual_grade = 0, grade.manual_score is not None


@dataclass(frozen=True)
class Row:
    "One student's result: points of how many, seconds, and what went wrong in words."
    student: str
    points: float
    of: float
    secs: float = 0.
    notes: tuple = ()
    done: bool = True   # False where it could not be graded, and is for the next run


def lost(name, nb) -> list:
    "A sentence for each exercise of an executed notebook that did not earn all its points."
    words = {}
    for r in results(nb):
        if (r.score or 0) < r.points: words.setdefault(r.exercise, r.message)
    return [f'{name}, {exercise}: {why}' for exercise, why in words.items()]


def by_hand(unit, student, notebook, book) -> list:
    "A sentence for each check for which the points that a person gave are not those of this run."
    grades = book.find_submission_notebook(notebook, unit.name, student).grades
    return [f'{notebook}, {g.name}: {g.manual_score:g} points, given by hand, count; this run gives {g.auto_score:g}.'
            for g in grades if None not in (g.manual_score, g.auto_score) and g.manual_score != g.auto_score]


def score(course, unit, ready, found, config, book) -> list:
    "Put the outcomes into the notebooks and the scores into the gradebook; what went wrong."
    words = []
    ready.notes[''] += enter(course, unit, ready.student, book)
    for name, nb in ready.notebooks.items():
        ready.notes[name] += fill(nb, found[name])
        told = resources_of(course, unit, ready.student, name, config)
        nb = ready.notebooks[name] = apply(RECORD, nb, told, config)
        words += lost(name, nb)
    for name in unit.notebooks:
        if name not in ready.notebooks: zero(unit, ready.student, name, book)
        words += by_hand(unit, ready.student, name, book)
    return [*(f'{n}: {x}' if n else x for n, notes in ready.notes.items() for x in notes), *words]


def record(course, unit, ready, found, config, book, most, secs=0.) -> Row:
    "Write a student's scores into the gradebook and the graded notebooks into autograded/; the row to show."
    place = course.folder('autograded', ready.student, unit.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(dir=place.parent, prefix='.new-'))
    try:
        with together(book): words = score(course, unit, ready, found, config, book)
        entered = book.find_submission(unit.name, ready.student)
        if off := entered.late_submission_penalty: words.append(f'{off:g} points are taken off for lateness.')
        # with the points that a person gave
        row = Row(ready.student, float(entered.score), most, secs, tuple(words))
        for name, nb in ready.notebooks.items(): nbformat.write(nb, new/f'{name}.ipynb')
        stamp = course.folder('submitted', ready.student, unit.name, 'timestamp.txt')
        if stamp.is_file() and not stamp.is_symlink(): shutil.copyfile(stamp, new/'timestamp.txt')
        (new/'notes.json').write_text(json.dumps(ready.notes, indent=1))
        graded = dict(key=ready.key, row=asdict(row))
        (new/'graded.json').write_text(json.dumps(graded, indent=1))
        os.chmod(new, 0o755)
        replace_folder(new, place)
    finally: shutil.rmtree(new, ignore_errors=True)
    return row


def graded_before(course, unit, student) -> Row|None:
    "The row of a student whose submission and lessons have not changed since it was graded, else None."
    try: seen = json.loads(course.folder('autograded', student, unit.name, 'graded.json').read_text())
    except (OSError, ValueError): return None
    if seen.get('key') != key_of(course, unit, student): return None
    return Row(**seen['row'] | dict(notes=tuple(seen['row']['notes'])))


def held(course, unit, students, book) -> dict:
    "{student: row} of those whose grade holds and is in the gradebook, with the points that it has there now."
    points = {s.student_id: float(s.score) for s in book.find_assignment(unit.name).submissions}
    rows = {n: graded_before(course, unit, n) for n in students if n in points}
    return {n: replace(row, points=points[n]) for n, row in rows.items() if row}


@contextmanager
def pool(scheduler=None, jobs=None) -> Iterator:
    "A Dask client: of a cluster at `scheduler`, or of `jobs` processes here (all cores by default)."
    import dask
    from distributed import Client, LocalCluster
    admin = 'distributed.admin'
    quiet = {'distributed.worker.daemon': False, 'logging.distributed': 'error',
             f'{admin}.system-monitor.interval': '10s',
             # Dask would keep what was sent: every submission
             f'{admin}.low-level-log-length': 10, 'distributed.diagnostics.computations.max-history': 5}
    with dask.config.set(quiet):
        if scheduler:
            try: client = Client(scheduler, timeout=10)
            except (OSError, ValueError) as e:
                raise CourseError(f'No Dask scheduler answers at {scheduler}: {e}.') from None
            with client: yield client
        else:
            here = dict(n_workers=jobs or os.cpu_count(), threads_per_worker=1, memory_limit=None,
                        dashboard_address=None, scheduler_kwargs=dict(dashboard_address='127.0.0.1:0'))
            with not_for_children(): cluster = LocalCluster(**here, silence_logs=logging.CRITICAL)
            with cluster, Client(cluster) as client: yield client


@contextmanager
def not_for_children() -> Iterator:
    "Threads and processes that are started meanwhile are not sent Ctrl-C; here it arrives at the end."
    resource_tracker.ensure_running()  # who starts this process later unblocks the signal again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try: yield
    finally: signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def heard() -> Iterator:
    "A list that notes each Ctrl-C, which is raised too; in the main thread, as no other is sent one."
    came = []
    if threading.current_thread() is not threading.main_thread(): return (yield came)
    def note(*how):
        came.append(how)
        raise KeyboardInterrupt
    before = signal.signal(signal.SIGINT, note)
    try: yield came
    finally: signal.signal(signal.SIGINT, before or signal.SIG_DFL)


@contextmanager
def in_peace() -> Iterator:
    "Ctrl-C waits until this is over; where it would be raised in between, a library could swallow it."
    if threading.current_thread() is not threading.main_thread(): return (yield)
    came = []
    before = signal.signal(signal.SIGINT, lambda *how: came.append(how))
    try: yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
        if came: raise KeyboardInterrupt


def handed_in(course, unit) -> list:
    "The students who handed in `unit`, by the folders in submitted/."
    folder = course.folder('submitted')
    found = sorted(p.name for p in folder.iterdir() if (p/unit.name).is_dir()) if folder.is_dir() else []
    for n in found:
        if not n.isprintable():
            raise CourseError(f'{ascii(n)} in {folder} cannot be the id of a student. Rename that folder.')
    return found


@dataclass(frozen=True)
class Graded:
    "A unit's rows, and how they came about."
    unit: str
    rows: tuple
    walls: str
    secs: float
    before: int = 0   # rows that an earlier run had graded

    def __repr__(self):
        n = sum(r.done for r in self.rows)
        head = f'{self.unit}: {n} graded in {self.secs:.1f} s' + f', {len(self.rows) - n} NOT'*(n < len(self.rows))
        def cut(text): return text if len(text) <= 90 else f'{text[:89]}…'
        def first(notes): return cut(notes[0]) + f' (+{len(notes) - 1})'*(len(notes) > 1) if notes else ''
        table = [('student', 'points', 's', 'what went wrong'),
                 *((r.student, f'{r.points:g}/{r.of:g}', f'{r.secs:.1f}', first(r.notes)) for r in self.rows)]
        return '\n'.join([head + (f', {self.before} of them before' if self.before else ''), self.walls,
                          *aligned(table)])


def aligned(rows) -> list:
    "The rows of a table as lines, columns as wide as their widest cell."
    rows = [[''.join(x if x.isprintable() else ' ' for x in cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ['  '.join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows]


def most_points(unit, book) -> float:
    "What a unit's checks are worth together, by the gradebook; CourseError where it was not built."
    try: return book.find_assignment(unit.name).max_score
    except MissingEntry:
        raise CourseError(f'{unit.name} is not in the gradebook. Run `tinybench course build {unit.name}` '
                          'first.') from None


def not_graded(student, most, start, e) -> Row:
    "The row of a student whose grading failed, in a way that is no business of the others."
    why = f'NOT GRADED, run it again: {type(e).__name__}: {e}'[:300]
    return Row(student, 0, most, time.monotonic() - start, (why,), done=False)


def next_done(futures, came):
    "One of Dask's `futures` that is done; KeyboardInterrupt where a Ctrl-C `came`, wherever it was swallowed."
    from distributed import wait
    while not came:
        try: return wait(futures, timeout=.5, return_when='FIRST_COMPLETED').done.pop()
        except TimeoutError: pass
    raise KeyboardInterrupt


def spent(found) -> float:
    "The seconds that a submission's cells took, without those that it waited for a worker."
    return sum(o['secs'] for outcomes in found.values() for o in outcomes)


def batch(course, unit, students, client, config, book, most, sandbox=True, came=()) -> Iterator:
    "A `Row` for each student as it is done: prepared here, run by the client's workers, recorded here."
    from sqlalchemy.exc import SQLAlchemyError
    if not students: return
    waiting, flying = list(reversed(students)), {}
    def launch():
        ready = prepare(course, unit, waiting.pop(), config)
        future = client.submit(run_work, work_for(course, unit, ready, sandbox), pure=False, retries=1)
        flying[future.key] = ready, time.monotonic()
        return future
    ahead = 2*max(1, len(client.scheduler_info(n_workers=-1)['workers']))
    futures = [launch() for _ in range(min(ahead, len(waiting)))]
    while futures:
        futures.remove(future := next_done(futures, came))
        ready, start = flying.pop(future.key)
        try: found = future.result()
        except CourseError: raise
        except Exception as e: row = not_graded(ready.student, most, start, e)
        else:
            try:
                with in_peace(): row = record(course, unit, ready, found, config, book, most, spent(found))
            except (CourseError, OSError, SQLAlchemyError, InvalidEntry): raise
            except Exception as e: row = not_graded(ready.student, most, start, e)
        yield row
        future.release()
        if waiting: futures.append(launch())


def grade(
    course, unit:str, scheduler:str|None=None, jobs:int|None=None, students=None,
    again:bool=False,    # also those whose grade still holds
    sandbox:bool=True, progress:Callable|None=None
) -> Graded:
    "Autograde a unit's submissions into nbgrader's gradebook and autograded/; those graded already are left."
    start, unit = time.monotonic(), course.unit(unit)
    config, todo = load_config(course), handed_in(course, unit)
    for name in students or ():
        if name not in todo:
            raise CourseError(f'{name} handed in nothing for {unit.name}: {closest(name, todo)}')
    todo = [n for n in todo if not students or n in students]
    if not todo:
        raise CourseError(f'Nobody handed in {unit.name}: submitted/STUDENT/{unit.name}/ is where '
                          'submissions go.')
    with heard() as came, alone(course, unit), open_book(course, config) as book:
        most = most_points(unit, book)
        enter_due(book, unit)
        rows = {} if again else held(course, unit, todo, book)
        before, left = len(rows), [n for n in todo if n not in rows]
        with pool(scheduler, min(jobs or os.cpu_count(), len(left))) if left else nullcontext() as client:
            for row in batch(course, unit, left, client, config, book, most, sandbox, came):
                rows[row.student] = row
                if progress: progress(len(rows), len(todo), row.student)
    said = walls() if sandbox else 'NO SANDBOX, as asked: submissions can read and write what you can.'
    return Graded(unit.name, tuple(rows[n] for n in todo), said, time.monotonic() - start, before)


@dataclass(frozen=True)
class Collected:
    "Who handed in when, what was remarkable about it, and which files were refused."
    unit: str
    rows: tuple      # (student, time, remarks)
    refused: tuple   # sentences

    def __repr__(self):
        rows = [(name, f'{when:%Y-%m-%d %H:%M}', '; '.join(says)) for name, when, says in self.rows]
        return '\n'.join([f'{self.unit}: {len(rows)} collected',
                          *aligned([('student', 'UTC', 'remarks'), *rows]), *self.refused])


def remarks_of(found, unit) -> list:
    "What an instructor may want to know of a submission: late, unlocked modules, notebooks missing."
    late = [f'late by {found.when - unit.due}'.split('.')[0]] if unit.due and found.when > unit.due else []
    absent = [n for n in unit.notebooks if f'{n}.ipynb' not in found.files]
    unlocked = [f'unlocked {", ".join(found.unlocked)}']*bool(found.unlocked)
    return late + unlocked + [f'without {", ".join(absent)}']*bool(absent)


def take(course, unit, found):
    "Write a submission's files and its time to submitted/, whole or not at all."
    place = course.folder('submitted', found.student, unit.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(dir=place.parent, prefix='.new-'))
    try:
        for name, data in found.files.items(): (new/name).write_bytes(data)
        (new/'timestamp.txt').write_text(f'{found.when.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC')
        about = dict(unlocked=found.unlocked, versions=found.versions)
        (new/'submission.json').write_text(json.dumps(about, indent=1))
        os.chmod(new, 0o755)
        replace_folder(new, place)
    finally: shutil.rmtree(new, ignore_errors=True)


def taken_at(course, unit, student):
    "When what is in submitted/ was packed, or None where nothing says so."
    stamp = course.folder('submitted', student, unit.name, 'timestamp.txt')
    try: return utils.parse_utc(stamp.read_text()[:100].strip()).replace(tzinfo=timezone.utc)
    except (OSError, ValueError, OverflowError): return None


def out_of_sight(path) -> bool: return any(part.startswith('.') for part in path.parts)

def place_of(path) -> str:
    "Whose a zip seems to be by its folder and by what stands before the name that `submit` gave; '' if nothing."
    packed = re.search(r'\w+-[\w.@-]+-\d{8}T\d{6}Z', path.name, re.ASCII)
    own = str(path).replace(packed[0], '') if packed else str(path.parent)
    text = re.sub(r'(?i)\.zip$|\d+', '', own)
    return text.strip('/._- ()') if re.search('[A-Za-z]', text) else ''


def collect(course, unit:str, folder) -> Collected:
    "Take the zip files that students packed, in `folder` and below it, into submitted/."
    unit, newest, refused, places = course.unit(unit), {}, [], {}
    if not Path(folder).is_dir(): raise CourseError(f'There is no folder {folder}.')
    shown = [p for p in sorted(Path(folder).rglob('*')) if p.is_file() and not out_of_sight(p.relative_to(folder))]
    for path in shown:
        if path.suffix.lower() != '.zip':
            refused.append(f'{path.name} is no zip file, and is left out.')
            continue
        try: found = read_submission(path)
        except CourseError as e: refused.append(str(e)); continue
        when = found.when
        if when > datetime.now(timezone.utc) + timedelta(days=1):
            refused.append(f'{path.name} says that it was packed at {when:%Y-%m-%d %H:%M}, which is yet to come.')
        elif (found.course, found.unit) != (course.id, unit.name):
            refused.append(f'{path.name} is {found.unit} of the course {found.course}, and is left out.')
        else:
            newest[found.student] = max(newest.get(found.student, (when, path)), (when, path))
            places.setdefault(found.student, set()).add(place_of(path.relative_to(folder)))
    rows = []
    for student, (when, path) in sorted(newest.items()):
        found, before = read_submission(path), taken_at(course, unit, student)
        take(course, unit, found)
        newer = [f'instead of a newer one, of {before:%Y-%m-%d %H:%M}'] if before and before > when else []
        other = [f'{student} is not in the name {path.name}']*(student not in str(path.relative_to(folder)))
        several = sorted(p for p in places[student] if p)
        other += [f'from several places: {", ".join(several)}']*(len(several) > 1)
        rows.append((student, when, newer + other + remarks_of(found, unit)))
    return Collected(unit.name, tuple(rows), tuple(refused))
