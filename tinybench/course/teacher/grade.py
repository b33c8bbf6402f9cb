"Autogrades a unit's submissions in parallel, each behind walls, into nbgrader's gradebook"
import logging, os, time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from ..cells import CourseError, one_of    # before nbgrader: see there
from nbgrader.api import InvalidEntry
from tinybench.base.text import Shown, Table, one_line
from ..box.walls import walls
from ..box.submission import run_work
from .build import alone, load_config
from .gradebook import enter_due, find, open_book
from .interrupt import ctrl_c, not_for_children
from .late import settle
from .prepare import read
from .reader import Reader
from .record import Row, record, still_graded
from .roster import extended_strangers, strangers

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

def handed_in(course, unit) -> list:
    "The students who handed in `unit`, by the folders in submitted/."
    folder = course.folder('submitted')
    found = sorted(p.name for p in folder.iterdir() if (p/unit.name).is_dir()) if folder.is_dir() else []
    if odd := [ascii(n) for n in found if not n.isprintable()]:
        raise CourseError(f'{odd[0]} in {folder} cannot be the id of a student. Rename that folder.')
    return found

@dataclass(frozen=True, repr=False)
class Graded(Shown):
    "A unit's rows, and how they came about."
    unit: str
    rows: tuple
    walls: str
    secs: float
    before: int = 0   # rows that an earlier run had graded
    says: tuple = ()  # what else an instructor is to know

    def table(self) -> Table:
        rows = ((r.student, f'{r.points:g}/{r.of:g}', f'{r.secs:.1f}', first(r.notes)) for r in self.rows)
        lost = sum(not r.done for r in self.rows)
        said = f'{self.unit}: {len(self.rows) - lost} graded in {self.secs:.1f} s'
        if lost: said += f', {lost} NOT'
        if self.before: said += f', {self.before} of them before'
        head = 'student', 'points', 's', 'what went wrong'
        return Table(head, tuple(rows), (said, self.walls, *self.says), left=None)

    def all_notes(self) -> str:
        "The table, and below it all that was noted, a line each under the student."
        noted = [r for r in self.rows if r.notes]
        lines = [line for r in noted for line in (r.student, *(f'  {one_line(n)}' for n in r.notes))]
        return '\n'.join([repr(self), *lines])

def first(notes:tuple) -> str:
    "The first of `notes`, cut, and how many more there are."
    if not notes: return ''
    text = notes[0] if len(notes[0]) <= 90 else f'{notes[0][:89]}…'
    return f'{text} (+{len(notes) - 1})' if len(notes) > 1 else text

def next_done(futures, came):
    "One of Dask's `futures` that is done; KeyboardInterrupt if a Ctrl-C `came`, wherever it was swallowed."
    from distributed import wait
    while not came:
        try: return wait(futures, timeout=.5, return_when='FIRST_COMPLETED').done.pop()
        except TimeoutError: pass
    raise KeyboardInterrupt

def batch(course, unit, students, client, reader, config, book, most, sandbox=True, came=()) -> Iterator:
    "A `Row` for each student as it is done: read by `reader`, run by the client's workers, recorded here."
    from sqlalchemy.exc import SQLAlchemyError
    if not students: return
    waiting, flying = list(reversed(students)), {}
    def launch():
        ready, work = read(reader, course, unit, waiting.pop(), sandbox)
        future = client.submit(run_work, work, pure=False, retries=1)
        flying[future.key] = ready, time.monotonic()
        return future
    ahead = 2*max(1, len(client.scheduler_info(n_workers=-1)['workers']))
    futures = [launch() for _ in range(min(ahead, len(waiting)))]
    while futures:
        futures.remove(future := next_done(futures, came))
        ready, start = flying.pop(future.key)
        for_all = CourseError,    # what the others would meet too
        try:
            found = future.result()
            for_all = CourseError, OSError, SQLAlchemyError, InvalidEntry
            with ctrl_c(at_once=False): row = record(course, unit, ready, found, config, book, most)
        except for_all: raise
        except Exception as e:
            why = f'NOT GRADED, run it again: {type(e).__name__}: {e}'[:300]
            row = Row(ready.student, 0, most, time.monotonic() - start, (why,), done=False)
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
    for name in students or (): one_of(name, todo, f'{name} handed in nothing for {unit.name}:')
    todo = [n for n in todo if not students or n in students]
    if not todo:
        place = f'submitted/STUDENT/{unit.name}/'
        raise CourseError(f'Nobody handed in {unit.name}: {place} is where submissions go.')
    with ctrl_c() as came, alone(course, unit), open_book(course, config) as book:
        most = find(book, unit.name).max_score
        enter_due(book, unit)
        settle(course, unit, book, config)
        odd, says = strangers(book, todo), tuple(extended_strangers(course, unit, book))
        rows = {} if again else still_graded(course, unit, todo, book)
        before, left = len(rows), [n for n in todo if n not in rows]
        workers = pool(scheduler, min(jobs or os.cpu_count(), len(left))) if left else nullcontext()
        with Reader() as reader, workers as client:
            for row in batch(course, unit, left, client, reader, config, book, most, sandbox, came):
                rows[row.student] = row
                if progress: progress(len(rows), len(todo), row.student)
    said = walls() if sandbox else 'NO SANDBOX, as asked: submissions can read and write what you can.'
    found = (replace(rows[n], notes=(*odd.get(n, ()), *rows[n].notes)) for n in todo)
    return Graded(unit.name, tuple(found), said, time.monotonic() - start, before, says)
