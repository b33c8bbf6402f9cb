"The visible checks of notebooks, run with the student's own library, and what a failure comes from"
import re, sys, textwrap
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from ..box.needed import made_and_used, needed
from ..cells import CourseError, Exercise, NotebookNode, exercises, nbformat, read_notebook, role
from ..mend.source import bound, defines, exports, syntax_error, unfilled
from .workspace import (Workspace, faults, inner, notebooks_named, open_workspace, restored, stale,
                        still_open)


UNLOCKED = 'not yet filled in (unlocked: the finished one is used)'

@dataclass(frozen=True)
class Checked:
    "What the visible checks say of one exercise."
    notebook:str
    exercise:str
    state:str       # 'holds', 'not yet filled in', 'unlocked', or 'fails: ' and why
    check:str=''    # the check that failed, its line, and the text of that line
    line:int=0
    text:str=''
    hint:str=''     # what else may be the reason, and what to do
    @property
    def holds(self) -> bool: return self.state == 'holds'
    def __str__(self):
        at = f'{self.check}, line {self.line}: {self.text}' if self.line else self.check
        return '\n    '.join(filter(None, [f'{self.exercise or self.notebook}: {self.state}', at, self.hint]))

@dataclass(frozen=True)
class Report:
    "What holds in a workspace, and what was noticed on the way."
    rows:tuple[Checked, ...]
    notes:tuple[str, ...] = ()
    @property
    def holds(self) -> bool: return all(r.holds for r in self.rows)
    def summary(self) -> str:
        "What to know besides the rows, and how many exercises hold."
        free = sum(r.state == UNLOCKED for r in self.rows)
        count = f'{sum(r.holds for r in self.rows)} of {len(self.rows)} exercises hold'
        return '\n'.join([*self.notes, count + (f'; {free} more are unlocked.' if free else '.')])
    def __repr__(self):
        parts = (f'{name}\n{row_lines(rows)}\n\n' for name, rows in groupby(self.rows, lambda r: r.notebook))
        return ''.join(parts) + self.summary()

def row_lines(rows:Iterable[Checked]) -> str:
    "What the checks of one notebook say, below its name."
    return '\n'.join(textwrap.indent(str(r), '  ') for r in rows)

AFTER_STOP = 3    # seconds for each cell once one was stopped: what calls the same function never ends either
STOPPED = 'TimeoutError', 'KeyboardInterrupt'

def run_in_kernel(cells:list, root:Path, seconds:float=30) -> dict[str, list]:
    "The outputs of code cells, by id, from a Jupyter kernel started in `root`."
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError
    code = [c for c in deepcopy(cells) if c.cell_type == 'code' and c.source.strip()]
    nb = nbformat.v4.new_notebook(cells=code)
    def limit(cell):
        stopped = any(error_of(c.outputs)[0] in STOPPED for c in nb.cells)
        return min(AFTER_STOP, seconds) if stopped else seconds
    client = NotebookClient(nb, timeout_func=limit, interrupt_on_timeout=True, allow_errors=True,
                            kernel_name='python3', resources=dict(metadata=dict(path=str(root))))
    try: client.execute()
    except DeadKernelError:
        raise CourseError('A cell ended the kernel. Run the cells in JupyterLab to see which.') from None
    return {c.id: list(c.outputs) for c in nb.cells}

def run_cells(cells:list, root:Path, fork:bool=sys.platform == 'linux', package:str='tinybench',
              files:Iterable[str]=(), seconds:float=30) -> dict[str, list]:
    "The outputs of code cells, by id, run in order with the library in `root`."
    if not fork: return run_in_kernel(cells, root, seconds)
    from tinybench.course.box.start import Limits
    from tinybench.course.box.worker import play
    limits = Limits(cell_seconds=seconds, after_stop=AFTER_STOP)
    beside = {n: b64encode((root/n).read_bytes()).decode() for n in files if (root/n).is_file()}
    found = play(cells, root, limits=limits, sandbox=False, package=package, files=beside)
    return {o.id: o.outputs for o in found}

def error_of(outputs:Iterable) -> tuple[str, str, str]:
    "The name, the message on one line and the traceback of the error among a cell's outputs; or '', '', ''."
    e = next((o for o in outputs if o.get('output_type') == 'error'), None)
    if e is None: return '', '', ''
    text = re.sub(r'\x1b\[[0-9;]*m', '', '\n'.join(e.get('traceback', ())))
    said = re.sub(r'(?s)^==:\n(.*)\n(.*)$', r'\1 ≠ \2', str(e.get('evalue', '')))    # fastcore's test_eq
    return str(e.get('ename')), ' '.join(said.split())[:200], text

BEGINS = re.compile(r'(?:"<check>"|"<ipython-input[^"]*"|Cell In\s?\[\d*\]), line (\d+)')    # in a cell

def modules_said(package:str, message:str) -> Iterator[str]:
    "The modules of a package that an error of import may be about, as paths: 'core/ops', then 'core'."
    whole = re.search(rf"No module named '{package}\.([\w.]+)'", message)
    part = (re.search(rf"cannot import name '(?P<n>\w+)' from '{package}(?P<m>[\w.]*)'", message) or
            re.search(rf"module '{package}(?P<m>[\w.]*)' has no attribute '(?P<n>\w+)'", message))
    if whole: yield whole[1].replace('.', '/')
    if part: yield f'{part["m"]}.{part["n"]}'.strip('.').replace('.', '/')
    if part: yield part['m'].strip('.').replace('.', '/')

def trouble(ws:Workspace, book:str) -> str:
    "What to do so that the library has of a notebook what stands in it; '' if it does."
    if ws.unlocked_file(book).exists(): return ''
    try:
        nb, says = restored(read_notebook(ws.path(book)), read_notebook(ws.released(book)))
    except CourseError as e: return str(e)
    mine = [c.id for c in nb.cells if c.cell_type == 'code' and exports(c.source)]
    for cell, wrong in faults(nb):
        if cell in mine: return f'{book}, cell {cell}: {wrong}'
    if any('#| export' in s for s in says): return f'{book} needs mending: tinybench student doctor'
    what = dict(missing='is not exported', older='was changed since it was exported').get(stale(ws, book))
    return f'{book} {what}: run nbdev_export.' if what else ''

def elsewhere(ws:Workspace, name:str, message:str, traceback:str) -> str:
    "What to do about an error that came from the student's library; '' if it did not."
    books = {inner(n): n for n in ws.notebooks}
    for part in modules_said(ws.package, message):
        if part in books: return trouble(ws, books[part])
    part = ([''] + re.findall(rf'[/\\]{ws.package}[/\\]([\w/\\]+)\.py', traceback))[-1]
    book = books.get(part.replace('\\', '/').replace('unlocked/', ''))
    if book and name in ('SyntaxError', 'IndentationError', 'TabError', 'NameError'): return trouble(ws, book)
    if book is None or name != 'NotImplementedError': return ''
    frame = rf'[/\\]{ws.package}[/\\][\w/\\]+\.py(?:", line |:)\d+,? in (\w+)'
    function = ([''] + re.findall(frame, traceback))[-1]
    if any(f.split('.')[-1] == function for f in still_open(ws, book)):
        return (f'It needs {function} of {book}, which is not yet filled in: '
                f'fill it in and run nbdev_export, or run: tinybench student unlock {book}')
    return f'It needs {function} of {book}, which was not exported since it was filled in: run nbdev_export.'

def reason(ws:Workspace, nb:NotebookNode, said:dict, todo:list[str], error:tuple, seen:tuple=()) -> str:
    "What to do about an error that came from the library or other cells, one by way of another; or ''."
    name, message, traceback = error
    if hint := elsewhere(ws, name, message, traceback): return hint
    if name == 'NotImplementedError':
        function = ([''] + re.findall(r'in (\w+)', traceback))[-1]
        empty = function in [f.split('.')[-1] for f in todo]
        return f'It needs {function}, which is not yet filled in.' if empty else ''
    missing = re.search(r"name '(\w+)' is not defined", message)
    if name != 'NameError' or not missing: return ''
    for c in nb.cells:
        if c.cell_type != 'code' or c.id in seen or missing[1] not in bound(c.source): continue
        if wrong := syntax_error(c.source): return f'The cell {c.id} is no Python: {wrong}'
        before = error_of(said.get(c.id, ()))
        if before[0]: return (reason(ws, nb, said, todo, before, (*seen, c.id)) or
                              f'The cell {c.id} failed before: {before[0]}: {before[1]}')
    return ''

def checked(ws:Workspace, notebook:str, nb:NotebookNode, said:dict, todo:list[str], e:Exercise) -> Checked:
    "What the outputs `said` of a notebook's cells say of its exercise `e`; `todo` is what is still open."
    failed = next((c for c in e.checks if error_of(said.get(c.id, ()))[0]), None)
    empty = any(f in todo for f in unfilled(e.cell.source))
    open = UNLOCKED if ws.unlocked_file(notebook).exists() else 'not yet filled in'
    if empty and (failed or not e.checks): return Checked(notebook, e.name, open)
    if failed is None: return Checked(notebook, e.name, 'holds')
    if wrong := syntax_error(e.cell.source):
        return Checked(notebook, e.name, f'fails: it is no Python: {wrong}')
    name, message, trace = error_of(said[failed.id])
    lines, line = failed.source.splitlines(), int(found[1]) if (found := BEGINS.search(trace)) else 0
    text = lines[line-1].strip()[:100] if 0 < line <= len(lines) else ''
    hint = reason(ws, nb, said, todo, (name, message, trace))
    if name in STOPPED and not hint:
        hint = 'A loop in it may never end.'
        if f'after {AFTER_STOP} s' in message: hint += ' It had less time, as another was stopped before.'
    state = f'fails: {name}: {message}'.rstrip(': ')
    return Checked(notebook, e.name, state, failed.id, line, text, hint)

def uses(nb:NotebookNode, e:Exercise) -> set[str]:
    "The names that an exercise and its checks need from other cells, and those that these need in turn."
    def parts(c):
        try: return made_and_used(c.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError): return set(), set()
    names = set().union(*(parts(c)[1] for c in (e.cell, *e.checks)))
    found = [parts(c) for c in nb.cells if c.cell_type == 'code' and c is not e.cell and role(c) != 'check']
    while more := set().union(*(used for made, used in found if made & names)) - names: names |= more
    return names

def with_causes(nb:NotebookNode, own:list[Exercise], rows:list[Checked]) -> list[Checked]:
    "The rows of a notebook, of which one that fails without a reason names those above that it builds on."
    def causes(i):
        names = uses(nb, own[i])
        return [r.exercise for r, e in zip(rows[:i], own)
                if r.state.startswith('fails') and defines(e.cell.source) & names]
    def told(i, r):
        above = causes(i) if r.state.startswith('fails') and not r.hint else []
        many = 'fail too, and may be the reasons' if above[1:] else 'fails too, and may be the reason'
        return replace(r, hint=f'{" and ".join(above)} above {many}.') if above else r
    return [told(i, r) for i, r in enumerate(rows)]

def checked_notebook(ws:Workspace, name:str) -> tuple[list[Checked], list[str]]:
    "What the visible checks of one notebook say, and what else is to be known of it."
    try: nb, released = read_notebook(ws.path(name)), read_notebook(ws.released(name))
    except CourseError as e:
        return [Checked(name, '', f'fails: {e}', hint='See what to do: tinybench student doctor')], []
    nb, says = restored(nb, released)
    notes = [f'{name}: some cells need mending: tinybench student doctor'] if says else []
    own, todo = exercises(nb), still_open(ws, name)
    told = {e.cell.id for e in own if syntax_error(e.cell.source)}    # by the rows
    notes += [f'{name}, cell {c}: {wrong}' for c, wrong in faults(nb) if c not in told]
    try: said = run_cells(needed(nb.cells, released), ws.root, package=ws.package, files=ws.files)
    except CourseError as e: return [Checked(name, '', f'fails: {e}')], notes
    return with_causes(nb, own, [checked(ws, name, nb, said, todo, e) for e in own]), notes

def check(workspace='.', notebooks:Iterable[str]|None=None, progress:Callable|None=None,
          tell:Callable|None=None) -> Report:
    """Runs the visible checks of notebooks or units (all if None) with the student's own library; `tell` is
    called with the rows of each notebook as soon as they are known."""
    ws = open_workspace(workspace)
    names, rows, notes = notebooks_named(ws, ws.notebooks if notebooks is None else notebooks), [], []
    for i, name in enumerate(names):
        if progress: progress(i, len(names), name)
        found, says = checked_notebook(ws, name)
        if tell: tell(found)
        rows += found
        notes += says
    old = [n for n in ws.notebooks if stale(ws, n) == 'older' and not ws.unlocked_file(n).exists()]
    if old: notes.append('Run nbdev_export, so that later notebooks use your new version of: '
                         f'{", ".join(old)}.')
    if progress: progress(len(names), len(names), '')
    return Report(tuple(rows), tuple(notes))
