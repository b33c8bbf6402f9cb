"What a grade depends on: the imports of a lesson, the cells that checks need, and those that they lean on"
import ast, builtins, re, symtable
from functools import lru_cache
from ..cells import role
from ..trees import LONGEST, NO_PYTHON, parsed, quiet


def one_by_one(nodes) -> list:
    "(name, statement) for each name that import statements among `nodes` bind."
    return [((a.asname or a.name).split('.')[0], ast.unparse(type(n)(**vars(n) | dict(names=[a]))))
            for n in nodes if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names]

def import_lines(nb) -> list:
    "The import statements of a lesson's cells, one name each, without names that it also binds otherwise."
    trees = [tree for c in nb.cells if c.cell_type == 'code' and (tree := parsed(c.source))]
    nodes = [n for t in trees for n in ast.walk(t)]
    bound = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    bound |= {n.name for n in nodes if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    lines = [line for t in trees for name, line in one_by_one(t.body) if name not in bound]
    used = {n.id for n in nodes if isinstance(n, ast.Name)} & set(dir(builtins)) - bound
    return list(dict.fromkeys(lines + [f'from builtins import {name}' for name in sorted(used)]))

once = lru_cache(1024)    # a class hands in the same cells, most of them the lesson's

@once
def made_and_used(source) -> tuple:
    "The global names that a cell makes, and those that it needs from others; raises one of `NO_PYTHON`."
    if len(source) > LONGEST: raise ValueError(f'{len(source):,} characters are too many for a cell')
    with quiet(SyntaxWarning):
        top = symtable.symtable(source, 'cell', 'exec')
    made = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    read, todo = {s.get_name() for s in top.get_symbols() if s.is_referenced()}, [*top.get_children()]
    while todo:
        scope = todo.pop()
        todo += scope.get_children()
        read |= {s.get_name() for s in scope.get_symbols() if s.is_global() and s.is_referenced()}
    return frozenset(made), frozenset(read - made)

@once
def changes(source) -> frozenset:
    "The names of what a cell changes in place: `table` where it says `table['two'] = 2`."
    found = set()
    for n in ast.walk(parsed(source) or ast.Module([], [])):
        if not isinstance(n, (ast.Attribute, ast.Subscript)) or isinstance(n.ctx, ast.Load): continue
        while isinstance(n, (ast.Attribute, ast.Subscript)): n = n.value
        if isinstance(n, ast.Name): found.add(n.id)
    return frozenset(found)

def needed(cells, lesson) -> list:
    "The code cells that a grade may depend on; `lesson` is the notebook that they come from."
    shown = {c.source for c in lesson.cells if c.cell_type == 'code' and not role(c)
             and not re.search(r'(?m)^#\|\s*export', c.source)}
    kept, names = [], set()
    for c in (c for c in reversed(cells) if c.cell_type == 'code'):
        try: made, used = made_and_used(c.source)
        except NO_PYTHON:  # a magic, or an error to be shown
            made, used = names, set()
        made = made | changes(c.source)
        if role(c) or c.source not in shown or made & names or re.search(r'\bimport\s*\*', c.source):
            kept.append(c)
            names |= used
    return kept[::-1]

def defined(source) -> set:
    "The functions and classes that a cell defines."
    kinds = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef
    return {n.name for n in (parsed(source) or ast.Module([], [])).body if isinstance(n, kinds)}

def lesson_names(cells) -> list:
    "The functions and classes of a lesson that a check may take away or replace, to see who uses them."
    code = [c for c in cells if c.cell_type == 'code' and role(c) in ('', 'exercise')]
    return sorted({n for c in code for n in defined(c.source)})

def leaned_on(lesson) -> dict:
    "{name: cell} of functions and classes that cells give, and that a check of the lesson uses."
    checks = [c for c in lesson.cells if role(c) in ('check', 'hidden')]
    used = {w for c in checks for w in re.findall(r'[A-Za-z_]\w*', c.source)}
    cells = [c for c in lesson.cells if c.cell_type == 'code' and not role(c)]
    return {name: c for c in cells for name in defined(c.source) & used}

def with_imports(cells, lesson) -> list:
    "Put the lesson's imports before those of a cell that lacks one, as modules move; a sentence for each."
    def body(source): return (parsed(source) or ast.Module([], [])).body
    def imports(source): return {line for _, line in one_by_one(body(source))}
    given = {c.id: c.source for c in lesson.cells if c.cell_type == 'code' and not role(c)
             and all(isinstance(n, (ast.Import, ast.ImportFrom)) for n in body(c.source))}
    notes = []
    for c in (c for c in cells if c.cell_type == 'code' and not role(c) and c.id in given):
        if lacks := imports(given[c.id]) - imports(c.source):
            c.source = f'{given[c.id]}\n\n{c.source}'
            notes.append(f'{c.id} lacks {", ".join(sorted(lacks))}: '
                         'it runs as it was handed out, then as it is.')
    return notes

def as_given(cells, lesson) -> list:
    "Put what was given after given cells that were edited though checks lean on them; a sentence for each."
    given, notes = {c.id: c for c in leaned_on(lesson).values()}, []
    for c in cells:
        if c.id in given and c.cell_type == 'code' and c.source != given[c.id].source:
            own = f'{c.source}\n\n' if parsed(c.source) else ''  # it may hold a function of their own
            c.source = own + given[c.id].source
            notes.append(f'{c.id} was edited, and checks lean on it: '
                         'what was handed out comes after it again.')
    return notes
