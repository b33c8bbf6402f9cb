"Proves lessons: each answer in a copy of a process that has run the solved lesson up to its exercise"
import os, socket, threading, time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from ..box.needed import import_lines, lesson_names, needed
from ..box.oracle import Oracle
from ..box.plan import plan
from ..box.start import Limits, Warm
from ..box.worker import Child, as_outcome, ask, copy_of
from ..cells import CourseError, Exercise, NotebookNode, module_of, named, points, read_notebook, role
from ..teacher.beside import packed
from ..teacher.prepare import library_of
from ..units import Course, package_of
from .answers import Answer, to_try
from .proof import EARN_NOTHING, Proof, Proved, Tried


def run_cell(sock:socket.socket, key:bytes, cell:NotebookNode, secs:float, last:bool, oracle:Oracle) -> tuple:
    "Run a cell at `sock`, a hidden check in a copy if it is not the `last`: seconds, error, can it go on."
    def serve(fd, **more): return ask(to, key, 'serve', '', secs, fd, **more)
    start, kind = time.monotonic(), role(cell) if role(cell) in ('check', 'hidden') else 'cell'
    try:
        with copy_of(sock, secs) if kind == 'hidden' and not last else nullcontext(sock) as to:
            known = oracle.knows(cell)
            reply = oracle.judge(named(cell), serve, secs) if known else ask(to, key, kind, cell.source, secs)
            if known and oracle.plan['checks'][named(cell)]['binds']: ask(to, key, 'cell', cell.source, secs)
    except OSError: return 0., 'its process had ended', False
    error = as_outcome(cell.id, reply, secs).error
    return time.monotonic() - start, error, 'secs' in reply or kind == 'hidden'

def lost_in(sock:socket.socket, key:bytes, cells, secs:float, oracle:Oracle, stop:bool=True) -> list:
    "(check, error) of the checks lost among `cells`, or of the first (`stop`), and of cells without end."
    lost = []
    for i, c in enumerate(cells):
        _, error, alive = run_cell(sock, key, c, secs, i == len(cells) - 1, oracle)
        if error and (role(c) in ('check', 'hidden') or not alive): lost.append((c, error))
        if lost and (stop or not alive): break
    return lost

def walk(sock:socket.socket, key:bytes, cells:list, before:dict, limits:Limits, oracle:Oracle) -> tuple:
    "Run the solved lesson, with a copy of the process before each cell in `before`: checks' errors, seconds."
    errors, secs = {}, []
    for c in cells:
        if c.id in before: before[c.id] = copy_of(sock, limits.submission_seconds)
        took, error, alive = run_cell(sock, key, c, limits.cell_seconds, False, oracle)
        if error and role(c) in ('check', 'hidden'): errors[c.id] = error
        if not alive: raise CourseError(f'The solved lesson ends at its cell {c.id}: {error}.')
        secs.append(took)
    return errors, secs

def try_answer(before:socket.socket, key:bytes, lock, e:Exercise, answer:Answer, after:list, limits:Limits,
               secs:list, oracle:Oracle) -> Tried:
    "Run an answer and the cells `after` it; a machine's answer gets ten times the slowest cell's seconds."
    own, empty = [c.id for c in e.checks], answer.kind in EARN_NOTHING
    each, whole = limits.cell_seconds, limits.submission_seconds
    if answer.kind in ('mutant', 'constant'):
        each = min(each, 5 + 10*max(secs))
        whole = min(whole, each + 5*sum(secs))
    if empty: after = after[:max((i + 1 for i, c in enumerate(after) if c.id in own), default=0)]
    start = time.monotonic()
    with lock: copied = copy_of(before, whole)
    with copied:
        lost = lost_in(copied, key, [with_source(e.cell, answer.source), *after], each, oracle, not empty)
    if empty: lost = [(c, error) for c, error in lost if c.id in own]
    first, error = lost[0] if lost else (None, '')
    by_hidden, secs = bool(first) and role(first) == 'hidden', time.monotonic() - start
    return Tried(answer.kind, answer.why, tuple(c.id for c, _ in lost), error, by_hidden, secs)

def try_all(sock:socket.socket, key:bytes, cells:list, todo:list, jobs:int, limits:Limits,
            tell:Callable, oracle:Oracle) -> tuple:
    "Run the solved lesson, then all answers, `jobs` at a time: {exercise: [Tried]}, the solution's errors."
    before, at = {e.cell.id: None for e, _ in todo}, {c.id: i for i, c in enumerate(cells)}
    locks, pool = {id: threading.Lock() for id in before}, ThreadPoolExecutor(jobs)
    def one(e, answer):
        tell(e.name)
        id = e.cell.id
        return try_answer(before[id], key, locks[id], e, answer, cells[at[id]+1:], limits, secs, oracle)
    try:
        errors, secs = walk(sock, key, cells, before, limits, oracle)
        waiting = {e.name: [pool.submit(one, e, a) for a in answers] for e, answers in todo}
        return {name: [f.result() for f in futures] for name, futures in waiting.items()}, errors
    finally:
        pool.shutdown(cancel_futures=True)
        for s in filter(None, before.values()): s.close()

def with_source(cell:NotebookNode, source:str) -> NotebookNode:
    "A copy of `cell` that holds `source`."
    return NotebookNode({**cell, 'source': source})

def cells_for(nb:NotebookNode, todo:list) -> list:
    "The cells that a grade depends on, whichever of the answers stands in its exercise."
    more = {e.cell.id: [a.source for a in answers if a.kind in ('wrong', 'right')] for e, answers in todo}
    cells = [x for c in nb.cells for x in (c, *(with_source(c, source) for source in more.get(c.id, ())))]
    kept = {c.id for c in needed(cells, nb)}
    return [c for c in nb.cells if c.id in kept]

def prove_lesson(course:Course, notebook:str, nb:NotebookNode, todo:list, jobs:int, tell:Callable,
                 sandbox:bool) -> list:
    "Prove one lesson: a `Proved` for each exercise."
    package = package_of(course)
    later = [f'{package}.{module_of(p.stem)}' for p in course.nbs.glob('[0-9]*_*.ipynb')
             if p.stem >= notebook]
    limits = Limits(**course.limits | dict(processes=30_000))  # answers that ended are listed till the end
    def say(exercise): tell(f'{notebook}, {exercise}')
    files = packed(course, course.unit_of(notebook))
    with Warm(library_of(course), later, import_lines(nb), limits, sandbox, package=package) as warm:
        with closing(Oracle(warm, plan(nb), files)) as oracle:
            child = Child(warm, files, lesson_names(nb.cells))
            cells = cells_for(nb, todo)
            try: tried, errors = try_all(child.sock, child.key, cells, todo, jobs, limits, say, oracle)
            finally: child.end()
    def solved(e):
        lost = [c.id for c in e.checks if c.id in errors]
        return Tried('solution', '', tuple(lost), errors[lost[0]] if lost else '')
    return [Proved(notebook, e.name, {c.id: points(c) for c in e.checks}, (solved(e), *tried[e.name]))
            for e, _ in todo]

def prove(
    course:Course,
    notebooks=None,      # a name, or several; all lessons if None
    mutants:bool=False,  # also try what `mutants` makes of the solutions
    jobs:int|None=None,  # how many answers run at a time; as many as there are cores if None
    progress:Callable|None=None, sandbox:bool=True) -> Proof:
    "Try all known answers to all exercises; CourseError before any runs if a file of them is not in order."
    start, done, lock, over = time.monotonic(), 0, threading.Lock(), threading.Event()
    jobs, todo = jobs or os.cpu_count() or 1, {}
    if isinstance(notebooks, str): notebooks = [notebooks]
    for n in course.notebooks if notebooks is None else notebooks:
        course.unit_of(n)
        nb = read_notebook(course.path(n))
        todo[n] = nb, to_try(course, n, nb, mutants)
    size = {n: sum(len(answers) for _, answers in tries) for n, (_, tries) in todo.items()}
    def tell(what):
        nonlocal done
        if over.is_set(): raise CourseError('This was stopped.')
        with lock:
            done += 1
            if progress: progress(done, sum(size.values()), what)
    side = max(1, min(jobs, len(todo)))
    def lesson(n): return n, prove_lesson(course, n, *todo[n], max(1, jobs//side), tell, sandbox)
    with ThreadPoolExecutor(side) as pool:
        # long ones first, so that all end together
        try: rows = dict(pool.map(lesson, sorted(todo, key=size.get, reverse=True)))
        except BaseException:
            over.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return Proof(tuple(r for n in todo for r in rows[n]), time.monotonic() - start)
