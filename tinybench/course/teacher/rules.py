"What would go wrong in a cell of a lesson, or between its cells, a function a kind of mistake"
import ast, math, re
from collections import Counter
from collections.abc import Iterator
from ..box.needed import made_and_used
from ..box.plan import IN_PLACE
from ..cells import HIDDEN, HIDDEN_END, CourseError, NotebookNode, exercises, grading, points, role
from ..mend.source import exports as exported
from ..stub import Function, last_line, outermost, solution_of, stub
from ..trees import quiet
from .modules import statements

def exports(cell:NotebookNode) -> bool:
    "Whether nbdev exports a cell."
    return cell.cell_type == 'code' and exported(cell.source)

def name_problems(nb:NotebookNode) -> Iterator[tuple]:
    "Cells that have one name."
    grade_ids = [meta.get('grade_id') for meta in map(grading, nb.cells) if meta]
    for what, names in dict(id=[c.id for c in nb.cells], grade_id=grade_ids).items():
        for n, times in Counter(names).items():
            if times > 1: yield n, f'{times} cells have this {what}', 'Give each its own'

def metadata_problems(c:NotebookNode) -> Iterator[tuple]:
    "A cell whose nbgrader metadata is not whole."
    meta, kind = grading(c), role(c)
    if not meta: return
    name = meta.get('grade_id')
    if name != c.id: yield f'its grade_id is {name}', 'Make the id of the cell and its grade_id the same'
    if not re.fullmatch(r'[A-Za-z0-9][\w.-]*', str(name)):
        yield f'its grade_id is {name!r}', 'Use letters, digits and hyphens'
    lacks = ', '.join(k for k in ('grade', 'solution', 'locked', 'task') if not isinstance(meta.get(k), bool))
    if lacks: yield f'its nbgrader metadata says nothing about {lacks}', 'Set it to true or false'
    if (v := meta.get('schema_version')) != 3:
        yield f'its schema_version is {v}', 'Set it to 3; nbgrader stops at any other'
    if meta.get('grade') and not 0 < points(c) < math.inf:
        yield f'it is graded and has {meta.get("points", "no")} points', 'Give it points, above 0'
    if kind in ('check', 'hidden') and not meta.get('locked'):
        yield 'it is a check that is not locked', 'Set locked to true, so that the original is graded'
    if kind in ('exercise', 'check', 'hidden') and c.cell_type != 'code':
        yield f'it is a {kind} and holds no code', 'Make it a code cell, or mark it for hand grading'

def python_problems(c:NotebookNode) -> Iterator[tuple]:
    "A code cell that is not Python; IPython's magics are fine where nothing is graded or exported."
    if c.cell_type != 'code': return
    if role(c) and 'get_ipython' in c.source:
        yield 'it asks for IPython', 'Grade plain Python; a magic can stand in a cell of its own'
    try:
        with quiet(SyntaxWarning): ast.parse(c.source)
    except (SyntaxError, ValueError) as e:
        magic = re.search(r'(?m)^\s*[%!].*|.*=\s*[%!]\w.*', c.source)
        line, why = getattr(e, 'lineno', 1), getattr(e, 'msg', e)
        if not magic: yield f'line {line} is not Python ({why})', 'Correct it'
        elif role(c) or exports(c):
            what = f'it has the IPython magic {magic[0].strip()}'
            yield what, 'Use plain Python, or move it to a cell of its own'

def region_problems(c:NotebookNode) -> Iterator[tuple]:
    "Marks of solutions that do not pair, or stand where clearing would break the notebook."
    lines = c.source.split('\n')
    marks = [(i, m[1]) for i, line in enumerate(lines, 1) if (m := re.search('(BEGIN|END) SOLUTION', line))]
    if marks and role(c) not in ('exercise', 'written'):
        yield 'it has marks of a solution, and is none', 'Set solution to true, or take the marks out'
    elif [kind for _, kind in marks] != ['BEGIN', 'END']*(len(marks)//2):
        yield 'its marks of solutions do not pair', 'Put END SOLUTION after each BEGIN SOLUTION'
    elif c.cell_type == 'code':
        bodies = [*outermost(ast.Module([*statements(c)], []))]
        for (a, _), (b, _) in zip(marks[::2], marks[1::2]):
            if not any(f.lineno < a and b <= last_line(f, lines) for f in bodies):
                what = f'lines {a} to {b} are marked, and not inside a function'
                yield what, 'Mark only what is in a function body'

def written(cell:NotebookNode) -> set[str]:
    "The names that a student writes in an exercise: its functions, and its classes with a constructor."
    makers, tops = ('__init__', '__new__', '__post_init__'), statements(cell)
    functions = {s.name for s in tops if isinstance(s, Function) and solution_of(s)}
    return functions | {s.name for s in tops if isinstance(s, ast.ClassDef)
                        and any(f.name in makers and solution_of(f) for f in outermost(s))}

def to_write(nb:NotebookNode) -> set[str]:
    "The names that a student writes in a notebook."
    return {n for e in exercises(nb) for n in written(e.cell)}

def exercise_problems(nb:NotebookNode) -> Iterator[tuple]:
    "Exercises that cannot be cleared, or are not checked twice."
    owned = {c.id for e in exercises(nb) for c in e.checks}
    for e in exercises(nb):
        at, kinds = e.cell.id, {role(c) for c in e.checks}
        if 'check' not in kinds: yield at, 'no visible check judges it', f'Add {e.name}-check after it'
        if 'hidden' not in kinds: yield at, 'no hidden check judges it', f'Add {e.name}-hidden after it'
        if not statements(e.cell): continue
        try: ast.parse(stub(e.cell.source))
        except CourseError as no: yield at, str(no), 'Write it as a function, whose body students write'
        except SyntaxError as no: yield at, f'its stub is not Python ({no})', 'Move its marks'
    for c in nb.cells:
        if role(c) in ('check', 'hidden') and c.id not in owned:
            yield c.id, 'it is a check above all exercises', 'Put it below what it checks'

def is_assertion(node:ast.stmt) -> bool:
    "Whether a graded cell may end in `node`: it has no value that could be read as a score."
    if not isinstance(node, ast.Expr): return True
    called = ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else ''
    return called.split('.')[-1].startswith('test_')

def check_problems(c:NotebookNode) -> Iterator[tuple]:
    "A check that would give a wrong score, or be half hidden."
    kind, body = role(c), statements(c)
    lines = [line.strip() for line in c.source.strip().split('\n') if not IN_PLACE.match(line)]
    if kind in ('check', 'hidden') and c.cell_type == 'code':
        if not body: yield 'it checks nothing', 'Write an assertion'
        elif not is_assertion(body[-1]):
            yield (f'its last line is the value {ast.unparse(body[-1])}, which nbgrader takes for a score',
                   'End in an assertion, and show the value in the next cell')
        if exports(c): yield 'it is a check, and exported', 'Export from a cell of its own'
    ends = len(lines) > 3 and [lines[1], lines[-1]] == [HIDDEN, HIDDEN_END]
    marks = sum('HIDDEN TESTS' in line for line in lines)
    if kind == 'hidden' and not (ends and marks == 2 and re.fullmatch(r'#\|\s*hide', lines[0])):
        yield 'it is hidden in part', f'A hidden check is a cell: #| hide, {HIDDEN}, the check, {HIDDEN_END}'
    elif kind != 'hidden' and marks and c.cell_type == 'code':
        yield 'it marks a hidden test, and has no points', 'Give it points, or take the marks out'

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
        place = 'this cell too' if kind == 'hidden' else 'a cell that students have'
        for n in sorted(used & unseen.keys()):    # hidden checks run apart, so each stands alone
            yield c.id, f'it uses {n}, which only the hidden check {unseen[n]} makes', f'Make {n} in {place}'
        safe = made if kind not in ('check', 'hidden') else sure(c, tested.get(c.id, set()))
        fragile |= dict.fromkeys(made, c.id)
        for n in safe: fragile.pop(n, None)
        if kind == 'hidden': unseen |= dict.fromkeys(made - seen, c.id)
        else:
            seen |= made
            unseen = {n: by for n, by in unseen.items() if n not in made}

CELL_RULES = metadata_problems, python_problems, region_problems, check_problems
RULES = name_problems, exercise_problems, leak_problems
