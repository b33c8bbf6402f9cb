"How each check of a lesson is run: which names stand for the answer, and which cells come between"
import ast, re
from ..cells import exercises, named, role
from ..stub import outermost, solution_of
from ..trees import NO_PYTHON, parsed
from .needed import changes, defined, lesson_names, made_and_used, needed


IN_PLACE = re.compile(r"(?m)\A(?:[ \t]*#.*\n|\s*\n)*?[ \t]*# in the answer's process: \S")

def in_place(check) -> bool:
    "Whether a check says in its first lines that it has to run in the process of the answer."
    return bool(IN_PLACE.match(check.source))

def helpers(lesson) -> set:
    "The functions and classes of a lesson that its solutions use."
    used = set().union(*(names_of(e.cell.source)[1] for e in exercises(lesson)))
    return used & {*lesson_names(lesson.cells)}

def stays(check, helpers) -> bool:
    """Whether a check runs in the process of the answer: it says so, or it deletes or replaces one of the
    `helpers`, as nbgrader's own examples do, to see who uses it."""
    nodes = ast.walk(parsed(check.source) or ast.Module([], []))
    gone = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Del)}
    return in_place(check) or bool((gone | names_of(check.source)[0]) & helpers)

def to_write(cell) -> list:
    "The names of a solved exercise that are a student's to write."
    tree = parsed(cell.source)
    if tree is None or 'BEGIN SOLUTION' in cell.source: return sorted(names_of(cell.source)[0])
    kinds = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef
    def unwritten(node):
        return any(map(solution_of, outermost(ast.Module([node], []))))
    return [n.name for n in tree.body if isinstance(n, kinds) and unwritten(n)]

def names_of(source) -> tuple:
    "The names that a cell makes or changes, and those that it uses."
    try: made, used = made_and_used(source)
    except NO_PYTHON: return set(), set()
    return made | changes(source), used | (changes(source) - made)

def leading_to(check, cells) -> list:
    "Those of `cells` that a check needs, by the names that they make."
    kept, (_, wanted) = [], names_of(check.source)
    for c in reversed(cells):
        made, used = names_of(c.source)
        if made & wanted: kept.append(c); wanted |= used
    return kept[::-1]

def plan(lesson) -> dict:
    """What the process of the checks runs: the cells of the solved lesson, and for each check that goes by
    value the exercise before which it starts, the names to stand in for, and the cells between."""
    cells, checks = [c for c in needed(lesson.cells, lesson) if role(c) != 'hidden'], {}
    at, used_here = {c.id: i for i, c in enumerate(lesson.cells)}, helpers(lesson)
    for e in exercises(lesson):
        for check in e.checks:
            if stays(check, used_here): continue
            between = [c for c in cells if at[e.cell.id] < at[c.id] < at[check.id]]
            between = [[c.source, sorted(names_of(c.source)[0])] for c in leading_to(check, between)]
            checks[named(check)] = dict(at=e.cell.id, source=check.source, between=between,
                                        hidden=role(check) == 'hidden')
    givers = [c for c in lesson.cells if c.cell_type == 'code' and role(c) in ('', 'exercise')]
    given = set().union(*(defined(c.source) for c in givers))
    writes = {e.cell.id: to_write(e.cell) for e in exercises(lesson)}
    last = max((at[k['at']] for k in checks.values()), default=-1)
    reference = []
    sources = [s for k in checks.values() for s in (k['source'], *(s for s, _ in k['between']))]
    used = set().union(*(names_of(s)[1] for s in sources))
    for c in reversed([c for c in cells if at[c.id] <= last]):
        if role(c) == 'check' and not names_of(c.source)[0] & used: continue
        used |= names_of(c.source)[1]
        reference.append(dict(id=c.id, source=c.source, names=writes.get(c.id, [])))
    wanted = set()
    for c in reversed(needed(lesson.cells, lesson)):
        if k := checks.get(named(c)): k['binds'] = role(c) == 'check' and bool(names_of(c.source)[0] & wanted)
        else: wanted |= names_of(c.source)[1]
    return dict(cells=reference[::-1], checks=checks, given=sorted(given - set().union(*writes.values(), ())))
