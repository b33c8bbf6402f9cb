"""Known wrong and right answers, constants, and mutants of the solution, in the place of each exercise"""


import ast, copy, os, re, socket, threading, time, types, warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from .build import module_of
from .cells import (Course, CourseError, Exercise, closest, exercises, points, read_notebook,
                                    role)
from .grade import aligned, library_of
from .inside import send
from .stub import is_docstring, outermost, stub
from .worker import (
    Child, Gone, Limits, Warm, as_outcome, failed, import_lines, made_and_used, needed, readable, told)


HEADER = re.compile(r'# %% (\S+) (wrong|right): (\S.*)')

@dataclass(frozen=True)
class Answer:
    "Something to hand in: a known 'wrong' or 'right' answer, the 'stub', a 'constant' or a 'mutant'."
    kind: str
    why: str
    source: str

    def __repr__(self): return f'{self.kind}: {self.why}' if self.why else self.kind


def parse_answers(text:str, where='the answers') -> Iterator:
    "(exercise, answer, line) for each answer in `text`; CourseError with the line where it cannot be read."
    line = 1
    for part in re.split(r'(?m)^(?=# %%)', text):
        head, _, body = part.partition('\n')
        if head.startswith('# %%'):
            m = HEADER.fullmatch(head.rstrip())
            if not m: raise CourseError(f'{where}, line {line}: {head!r} is no header. '
                                        'Write `# %% EXERCISE wrong: WHY` or `right: HOW`.')
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter('ignore', SyntaxWarning)
                    compile(body, str(where), 'exec', dont_inherit=True)
            except (SyntaxError, ValueError) as e:
                at = line + (getattr(e, 'lineno', None) or 1)
                what = f'this answer to {m[1]} is not Python: {getattr(e, "msg", e)}'
                raise CourseError(f'{where}, line {at}: {what}.') from None
            yield m[1], Answer(m[2], m[3], body.strip('\n')), line
        line += part.count('\n')


def read_answers(path, names=None) -> dict:
    "{exercise: [Answer]} from the file `path`; `names` are the exercises there are, which all need answers."
    path, found, lines = Path(path), {n: [] for n in names or ()}, {}
    try: text = path.read_text(encoding='utf-8-sig')
    except OSError:
        raise CourseError(f'{path} is missing. It holds known answers to each exercise.') from None
    except UnicodeDecodeError: raise CourseError(f'{path} is not text in UTF-8. Save it again.') from None
    for name, a, line in parse_answers(text, path):
        if names is not None and name not in found:
            raise CourseError(f'{path}, line {line}: there is no exercise {name}; {closest(name, list(found))}')
        if (name, a.why) in lines:
            raise CourseError(f'{path}, line {line}: {name} has this answer on line {lines[name, a.why]} too. '
                              'Say what differs.')
        lines[name, a.why] = line
        found.setdefault(name, []).append(a)
    for name, answers in found.items():
        wrong, right = (sum(a.kind == kind for a in answers) for kind in ('wrong', 'right'))
        if wrong < 3 or not right:
            raise CourseError(f'{path}: {name} has {wrong} wrong and {right} right answers. '
                              'Write at least 3 wrong and 1 right.')
    return found


CONSTANTS = {'nothing': 'None', 'zero': '0', 'an empty list': '[]',
             'an empty array': '__import__("numpy").empty((0, 1))'}

def constants(source:str) -> Iterator:
    "(what, source) of answers in which every function returns one of `CONSTANTS`, whatever it is given."
    for what, value in CONSTANTS.items():
        tree = ast.parse(source)
        for f in outermost(tree):
            given = ast.parse('None' if f.name == '__init__' else value, mode='eval')
            f.body = [*f.body[:is_docstring(f.body[0])], ast.Return(given.body)]
        yield f'returns {what}', ast.unparse(ast.fix_missing_locations(tree))


KINDS = dict(
    AOR='arithmetic operator replaced', LOR='bitwise operator replaced',
    ASR='operator in assignment replaced', ROR='relational operator replaced', LCR='`and` for `or`',
    COI='condition negated', COD='`not` dropped',
    AOD='sign dropped', CRP='constant replaced', UOI='one added to a bound', SIR='bound of a slice dropped',
    IPEX='arguments exchanged', SDL='statement dropped', BCR='`break` for `continue`', EHD='exception passed on')
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
              ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.MatMult: ast.Mult}
BITWISE = {ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
           ast.LShift: ast.RShift, ast.RShift: ast.LShift}
RELATIONAL = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
              ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
SYMMETRIC = {'max', 'min', 'maximum', 'minimum', 'add', 'multiply', 'gcd', 'hypot', 'array_equal', 'allclose'}


def changed(node:ast.AST, **fields) -> ast.AST:
    "A copy of `node` with other `fields`."
    new = copy.copy(node)
    for k, v in fields.items(): setattr(new, k, v)
    return new

def at(items:list, i:int, new) -> list: return [*items[:i], new, *items[i+1:]]
def negated(test:ast.expr) -> ast.expr: return ast.UnaryOp(ast.Not(), test)
def one_more(x:ast.expr) -> ast.expr: return ast.BinOp(x, ast.Add(), ast.Constant(1))
def is_number(x) -> bool: return isinstance(x, ast.Constant) and type(x.value) in (int, float)


def operator_variants(node:ast.AST) -> Iterator:
    "(kind, what takes its place) for operators, conditions and constants."
    match node:
        case ast.BinOp(op=op) | ast.AugAssign(op=op):
            new, kind = (ARITHMETIC | BITWISE).get(type(op)), 'AOR' if type(op) in ARITHMETIC else 'LOR'
            if new: yield 'ASR' if isinstance(node, ast.AugAssign) else kind, changed(node, op=new())
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                if new := RELATIONAL.get(type(op)): yield 'ROR', changed(node, ops=at(ops, i, new()))
        case ast.BoolOp(op=ast.And()): yield 'LCR', changed(node, op=ast.Or())
        case ast.BoolOp(op=ast.Or()): yield 'LCR', changed(node, op=ast.And())
        case ast.UnaryOp(op=ast.Not(), operand=x): yield 'COD', x
        case ast.UnaryOp(op=ast.USub(), operand=x): yield 'AOD', x
        case ast.If(test=t) | ast.While(test=t) | ast.IfExp(test=t):
            yield 'COI', changed(node, test=negated(t))
        case ast.comprehension(ifs=ifs):
            for i, t in enumerate(ifs): yield 'COI', changed(node, ifs=at(ifs, i, negated(t)))
        case ast.Constant(value=bool(v)): yield 'CRP', ast.Constant(not v)
        case ast.Constant(value=int(v) | float(v)): yield 'CRP', ast.Constant(v + 1)


def place_variants(node:ast.AST) -> Iterator:
    "(kind, what takes its place) for bounds, arguments and statements."
    match node:
        case ast.Slice():
            for field in ('lower', 'upper', 'step'):
                if (bound := getattr(node, field)) is None: continue
                yield 'SIR', changed(node, **{field: None})
                if not is_number(bound) and field != 'step':
                    yield 'UOI', changed(node, **{field: one_more(bound)})
        case ast.Call(func=f, args=args) if not any(isinstance(a, ast.Starred) for a in args):
            name = ast.unparse(f).split('.')[-1]
            for i, a in enumerate(args if name in ('range', 'arange') else ()):
                if not is_number(a): yield 'UOI', changed(node, args=at(args, i, one_more(a)))
            if len(args) > 1 and name not in SYMMETRIC:
                yield 'IPEX', changed(node, args=[args[1], args[0], *args[2:]])
        case ast.Break(): yield 'BCR', ast.Continue()
        case ast.Continue(): yield 'BCR', ast.Break()
        case ast.ExceptHandler(): yield 'EHD', changed(node, body=[ast.Raise()])
    stays = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass
    if isinstance(node, ast.stmt) and not (isinstance(node, stays) or is_docstring(node)):
        yield 'SDL', ast.Pass()


def places(node:ast.AST) -> Iterator:
    "(owner, field, index or None) of each piece of syntax below `node` that may change, outer ones first."
    for field, value in ast.iter_fields(node):
        if field in ('decorator_list', 'returns', 'annotation', 'type_params'): continue
        for i, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or isinstance(child, (ast.arguments, ast.JoinedStr)): continue
            yield node, field, i
            if not isinstance(child, ast.Raise): yield from places(child)

def piece(owner, field, i): return getattr(owner, field) if i is None else getattr(owner, field)[i]

def put(owner, field, i, new):
    if i is None: setattr(owner, field, new)
    else: getattr(owner, field)[i] = new


def meaning(code:types.CodeType) -> tuple:
    "What a code object does, without its lines and file: equal for sources that compile to the same."
    def const(c): return meaning(c) if isinstance(c, types.CodeType) else (type(c).__name__, repr(c))
    return (code.co_code, *map(const, code.co_consts), code.co_names, code.co_varnames, code.co_freevars,
            code.co_cellvars, code.co_argcount, code.co_kwonlyargcount, code.co_flags, code.co_name,
            code.co_exceptiontable)

def compiled(source:str) -> tuple|None:
    "The `meaning` of a source, or None where it does not compile."
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', SyntaxWarning)
        try: return meaning(compile(source, '<answer>', 'exec', dont_inherit=True))
        except SyntaxError: return None


def said(node:ast.AST, width:int=60) -> str:
    "The first line of what `node` is in source."
    line = ast.unparse(node).split('\n')[0]
    return line if len(line) <= width else line[:width-3] + '...'

def mutants(source:str) -> Iterator:
    "(what, source) of each answer that differs from `source` by one change of `KINDS` in a function's body."
    tree = ast.parse(source)
    seen = {None, compiled(ast.unparse(tree))}
    inside = [place for f in outermost(tree) for place in places(ast.Module(f.body, []))]
    for place in inside:
        owner, old = place[0], piece(*place)
        shown = owner if isinstance(owner, (ast.expr, ast.keyword)) else old
        line, before = getattr(old, 'lineno', getattr(owner, 'lineno', 0)), said(shown)
        for kind, new in [*operator_variants(old), *place_variants(old)]:
            put(*place, new)
            text, after = ast.unparse(ast.fix_missing_locations(tree)), said(new if shown is old else owner)
            put(*place, old)
            if (code := compiled(text)) in seen: continue
            seen.add(code)
            change = {'SDL': f'without {before}', 'EHD': f'{before} raise'}.get(kind, f'{before} -> {after}')
            yield f'line {line}, {kind}: {change}', text


def copy_of(sock:socket.socket, secs:float) -> socket.socket:
    "A socket to a copy of the process at `sock` as it is now, which may use `secs` of processor time."
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            send(sock, dict(op='hold', cpu_seconds=secs))
            socket.send_fds(sock, [b'x'], [theirs.fileno()])
    except BaseException:
        ours.close()
        raise
    return ours


def reply_of(sock:socket.socket, key:bytes, kind:str, source:str, secs:float) -> dict:
    "What the process at `sock` says of a cell or check, as `Child.run` and `ask` have it in grading."
    nonce, reply = os.urandom(8).hex(), None
    try:
        sock.settimeout(10)
        send(sock, dict(op='run', kind=kind, source=source, nonce=nonce))
        over = not readable(sock, secs)
        if not over: reply = told(sock, key, nonce)
    except (OSError, Gone): over = False
    if over: reply = dict(outputs=[failed('TimeoutError', f'stopped after {secs:g} s')])
    elif reply is None: reply = dict(outputs=[failed('ProcessEnded', 'the process ended before it answered')])
    return reply | dict(stopped=False)


def run_cell(sock:socket.socket, key:bytes, cell:NotebookNode, secs:float) -> tuple:
    "Run a cell in the process at `sock`, a hidden check in a copy: seconds, error, can the process go on."
    start, kind = time.monotonic(), role(cell) if role(cell) in ('check', 'hidden') else 'cell'
    try:
        with copy_of(sock, secs) if kind == 'hidden' else nullcontext(sock) as to:
            reply = reply_of(to, key, kind, cell.source, secs)
    except OSError: return 0., 'its process had ended', False
    error = as_outcome(cell.id, reply, secs).error
    return time.monotonic() - start, error, 'secs' in reply or kind == 'hidden'


def lost_in(sock:socket.socket, key:bytes, cells, secs:float, stop:bool=True) -> list:
    "(check, error) of the checks lost among `cells`, or of the first (`stop`); a cell without end is lost too."
    lost = []
    for c in cells:
        _, error, alive = run_cell(sock, key, c, secs)
        if error and (role(c) in ('check', 'hidden') or not alive): lost.append((c, error))
        if lost and (stop or not alive): break
    return lost


EARN_NOTHING = 'stub', 'constant'

@dataclass(frozen=True)
class Tried:
    "What became of one answer: the checks that it lost (of a stub or constant all, else the first), and why."
    kind: str         # 'solution', 'stub', 'constant', 'wrong', 'right' or 'mutant'
    why: str = ''
    lost: tuple = ()  # ids of cells
    error: str = ''
    hidden: bool = False  # the visible checks saw nothing
    secs: float = 0.

    def __repr__(self):
        became = f'lost {", ".join(self.lost)}: {self.error}' if self.lost else 'full marks'
        return f'{self.kind}{self.why and f" ({self.why})"}: {became}'


@dataclass(frozen=True)
class Proved:
    "An exercise, and what became of all that was tried in its place."
    notebook: str
    exercise: str
    checks: dict      # {id: points}
    tried: tuple

    def of(self, kind:str) -> list: return [t for t in self.tried if t.kind == kind]
    def earned(self, t:Tried) -> float: return sum(p for c, p in self.checks.items() if c not in t.lost)
    @property
    def survivors(self) -> list: return [t.why for t in self.of('mutant') if not t.lost]

    def problems(self) -> Iterator:
        "A sentence for each thing that a check gets wrong; a mutant that survives may be right as well."
        where = f'{self.notebook}, {self.exercise}'
        if not self.checks: yield f'{where}: no check judges it.'
        for t in self.tried:
            what = f'{where}: the {t.kind}' + (f' answer ({t.why})' if t.why else '')
            if t.kind in ('solution', 'right') and t.lost: yield f'{what} loses {t.lost[0]}: {t.error}.'
            if t.kind == 'wrong' and not t.lost: yield f'{what} keeps full marks.'
            if t.kind == 'wrong' and t.error.startswith('NameError'): yield f'{what} proves nothing: {t.error}.'
            if t.kind in EARN_NOTHING and self.earned(t):
                yield f'{what} passes {", ".join(c for c in self.checks if c not in t.lost)}.'

    def row(self) -> tuple:
        def count(kind, good):
            return f'{sum(map(good, self.of(kind)))}/{len(self.of(kind))}'*bool(self.of(kind))
        def marks(kind): return f'{sum(map(self.earned, self.of(kind))):g}/{sum(self.checks.values()):g}'
        def lost(t): return bool(t.lost)
        def kept(t): return not t.lost
        def empty(t): return not self.earned(t)
        only_hidden = str(sum(t.hidden for t in self.of('wrong')))
        return (self.notebook, self.exercise, marks('solution'), marks('stub'), count('constant', empty),
                count('wrong', lost), only_hidden, count('right', kept), count('mutant', lost))


@dataclass(frozen=True)
class Proof:
    "What `prove` found: a row for each exercise. Iterating gives the proof of each notebook."
    rows: tuple
    secs: float = 0.

    def __iter__(self) -> Iterator:
        for name in dict.fromkeys(r.notebook for r in self.rows):
            rows = tuple(r for r in self.rows if r.notebook == name)
            yield Proof(rows, sum(t.secs for r in rows for t in r.tried))

    @property
    def problems(self) -> list: return [p for r in self.rows for p in r.problems()]
    @property
    def holds(self) -> bool: return not self.problems
    @property
    def survivors(self) -> list:
        return [f'{r.notebook}, {r.exercise}, {why}' for r in self.rows for why in r.survivors]

    def counts(self, kind:str) -> tuple:
        "How many answers of a kind lost points, and how many there are."
        found = [t for r in self.rows for t in r.of(kind)]
        return sum(bool(t.lost) for t in found), len(found)

    def table(self) -> list:
        head = ('notebook', 'exercise', 'solution', 'stub', 'constants lost', 'wrong lost', 'only hidden',
                'right kept', 'mutants noticed')
        rows = [head, *(r.row() for r in self.rows)]
        one, bred = len({r.notebook for r in self.rows}) == 1, self.counts('mutant')[1]
        return [row[int(one):len(row) - (not bred)] for row in rows]

    def head(self) -> str:
        names, n = [*dict.fromkeys(r.notebook for r in self.rows)], len(self.rows)
        found = f'{len(p)} problem{"s"*(len(p) > 1)}' if (p := self.problems) else 'holds'
        wrong, right, bred = (self.counts(kind)[1] for kind in ('wrong', 'right', 'mutant'))
        about = names[0] if len(names) == 1 else f'{len(names)} notebooks'
        counts = f'{wrong} wrong and {right} right answers' + f', {bred} mutants'*bool(bred)
        return f'{about}: {found}; {n} exercise{"s"*(n != 1)}, {counts}'

    def __repr__(self):
        lived = [f'survives: {s}' for s in self.survivors]
        head = f'{self.head()} in {self.secs:.1f} s'
        return '\n'.join([head, *self.problems, *aligned(self.table()), *lived])

    def _repr_markdown_(self):
        head, *rows = ['| ' + ' | '.join(r) + ' |' for r in self.table()]
        lived = ['- survives: `' + s.replace('`', "'") + '`' for s in self.survivors]
        problems = [f'- {p}' for p in self.problems]
        line = '|---'*head.count(' | ') + '|---|'
        return '\n'.join([self.head(), '', *problems, '', head, line, *rows, '', *lived])


def with_source(cell:NotebookNode, source:str) -> NotebookNode:
    "A copy of `cell` that holds `source`."
    return NotebookNode({**cell, 'source': source})


def to_try(course:Course, notebook:str, nb:NotebookNode, mutated:bool=False) -> list:
    "(exercise, its stub, known answers, constants and, if `mutated`, mutants) for each exercise of a notebook."
    found, path = exercises(nb), course.folder('knockouts', f'{notebook}.py')
    known = read_answers(path, [e.name for e in found]) if found else {}
    for e in found:
        makes = made_and_used(e.cell.source)[0]
        for a in known[e.name]:
            if lacks := makes - made_and_used(a.source)[0]:
                raise CourseError(f'{path}: the answer to {e.name} that is {a!r} does not define '
                                  f'{", ".join(sorted(lacks))}.')
    def machine(e):
        made = dict(constant=constants(e.cell.source), mutant=mutants(e.cell.source) if mutated else ())
        return [Answer(kind, what, s) for kind, answers in made.items() for what, s in answers]
    return [(e, [Answer('stub', '', stub(e.cell.source)), *known[e.name], *machine(e)]) for e in found]


def cells_for(nb:NotebookNode, todo:list) -> list:
    "The cells that a grade depends on, whichever of the answers stands in its exercise."
    more = {e.cell.id: [a.source for a in answers if a.kind in ('wrong', 'right')] for e, answers in todo}
    cells = [x for c in nb.cells for x in (c, *(with_source(c, source) for source in more.get(c.id, ())))]
    kept = {c.id for c in needed(cells, nb)}
    return [c for c in nb.cells if c.id in kept]


def walk(sock:socket.socket, key:bytes, cells:list, before:dict, limits:Limits) -> tuple:
    "Run the solved lesson, putting a copy of the process before each cell in `before`: checks' errors, seconds."
    errors, secs = {}, []
    for c in cells:
        if c.id in before: before[c.id] = copy_of(sock, limits.submission_seconds)
        took, error, alive = run_cell(sock, key, c, limits.cell_seconds)
        if error and role(c) in ('check', 'hidden'): errors[c.id] = error
        if not alive: raise CourseError(f'The solved lesson ends at its cell {c.id}: {error}.')
        secs.append(took)
    return errors, secs


def try_answer(before:socket.socket, key:bytes, lock, e:Exercise, answer:Answer, after:list, limits:Limits,
               secs:list) -> Tried:
    "Run an answer and the cells `after` it; what a machine made gets ten times the solved lesson's slowest cell."
    own, empty = [c.id for c in e.checks], answer.kind in EARN_NOTHING
    each, whole = limits.cell_seconds, limits.submission_seconds
    if answer.kind in ('mutant', 'constant'):
        each = min(each, 5 + 10*max(secs))
        whole = min(whole, each + 5*sum(secs))
    if empty: after = after[:max((i + 1 for i, c in enumerate(after) if c.id in own), default=0)]
    start = time.monotonic()
    with lock: copied = copy_of(before, whole)
    with copied:
        lost = lost_in(copied, key, [with_source(e.cell, answer.source), *after], each, stop=not empty)
    if empty: lost = [(c, error) for c, error in lost if c.id in own]
    first, error = lost[0] if lost else (None, '')
    by_hidden, secs = bool(first) and role(first) == 'hidden', time.monotonic() - start
    return Tried(answer.kind, answer.why, tuple(c.id for c, _ in lost), error, by_hidden, secs)


def try_all(sock:socket.socket, key:bytes, cells:list, todo:list, jobs:int, limits:Limits,
            tell:Callable) -> tuple:
    "Run the solved lesson, then all answers, `jobs` at a time: {exercise: [Tried]}, the solution's errors."
    before, at = {e.cell.id: None for e, _ in todo}, {c.id: i for i, c in enumerate(cells)}
    locks, pool = {id: threading.Lock() for id in before}, ThreadPoolExecutor(jobs)
    def one(e, answer):
        tell(e.name)
        id = e.cell.id
        return try_answer(before[id], key, locks[id], e, answer, cells[at[id]+1:], limits, secs)
    try:
        errors, secs = walk(sock, key, cells, before, limits)
        waiting = {e.name: [pool.submit(one, e, a) for a in answers] for e, answers in todo}
        return {name: [f.result() for f in futures] for name, futures in waiting.items()}, errors
    finally:
        pool.shutdown(cancel_futures=True)
        for s in filter(None, before.values()): s.close()


def prove_lesson(course:Course, notebook:str, nb:NotebookNode, todo:list, jobs:int, tell:Callable,
                 sandbox:bool) -> list:
    "Prove one lesson: a `Proved` for each exercise."
    later = [f'tinybench.{module_of(p.stem)}' for p in course.nbs.glob('[0-9]*_*.ipynb')
             if p.stem >= notebook]
    # answers that ended stay listed until the lesson ends
    limits = Limits(**course.limits | dict(processes=30_000))
    def say(exercise): tell(f'{notebook}, {exercise}')
    with Warm(library_of(course), later, import_lines(nb), limits, sandbox) as warm:
        child = Child(warm)
        try: tried, errors = try_all(child.sock, child.key, cells_for(nb, todo), todo, jobs, limits, say)
        finally: child.end()
    def solved(e):
        lost = [c.id for c in e.checks if c.id in errors]
        return Tried('solution', '', tuple(lost), errors[lost[0]] if lost else '')
    return [Proved(notebook, e.name, {c.id: points(c) for c in e.checks}, (solved(e), *tried[e.name]))
            for e, _ in todo]


def prove_all(
    course:Course,
    notebooks=None,      # names; all lessons if None
    mutants:bool=False,  # also try what `mutants` makes of the solutions
    jobs:int|None=None,  # how many answers run at a time; as many as there are cores if None
    progress:Callable|None=None, sandbox:bool=True
) -> Proof:
    "Try all known answers to all exercises; CourseError before any runs if a file of answers is not in order."
    start, done, lock, over = time.monotonic(), 0, threading.Lock(), threading.Event()
    jobs, todo = jobs or os.cpu_count() or 1, {}
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


def prove(course:Course, notebook:str, mutants:bool=False, jobs:int|None=None, progress:Callable|None=None,
          sandbox:bool=True) -> Proof:
    "Try all known answers to the exercises of one notebook."
    return prove_all(course, [notebook], mutants, jobs, progress, sandbox)
