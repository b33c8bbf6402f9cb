"Looks in all lessons of a course for what would go wrong in front of students"
import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ..box.plan import helpers, stays
from ..cells import CourseError, NotebookNode, exercises, module_of, read_notebook, role
from ..stub import Function
from ..units import Course, chosen, package_of
from .beside import listed_files
from .modules import imports, plain_modules, statements
from .rules import CELL_RULES, RULES, exports, to_write

@dataclass(frozen=True)
class Problem:
    "What would go wrong in a cell of a notebook, and what to do about it."
    notebook:str
    cell:str
    what:str
    fix:str
    def __repr__(self):
        at = f'{self.notebook}, cell {self.cell}' if self.cell else self.notebook
        return f'{at}: {self.what}. {self.fix}.'

def import_problems(nb:NotebookNode, package:str, earlier:Iterable[str], own:str) -> Iterator[tuple]:
    "Imports of what comes later or is nowhere, and imports that share a cell; the lesson's own are fine."
    earlier = {f'{package}.{m}' for m in (*earlier, '__version__')}
    for c in nb.cells:
        fine = earlier if role(c) or exports(c) else earlier | {f'{package}.{own}'}
        for module, name in imports(c):
            inside = module == package or module.startswith((f'{package}.', '.'))
            if not inside or {module, f'{module}.{name}'} & fine: continue
            what = module if module != package else f'{module}.{name}'
            yield (c.id, f'it imports {what}, which no notebook before this one exports',
                   'Import only from lower numbers')
        kinds = {isinstance(s, (ast.Import, ast.ImportFrom)) for s in statements(c)}
        if len(kinds) == 2 and role(c) not in ('check', 'hidden'):
            yield c.id, 'it imports and does something else', 'Put the imports into a cell of their own'

def at_import(node:ast.AST) -> Iterator[ast.AST]:
    "What runs at import of `node` and the nodes in it: of functions only the decorators and defaults."
    if isinstance(node, ast.Lambda): return
    yield node
    parts = ast.iter_child_nodes(node)
    if isinstance(node, Function):
        parts = *node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)
    for part in parts: yield from at_import(part)

def call_problems(nb:NotebookNode, package:str, unwritten:dict) -> Iterator[tuple]:
    "Exported cells that would call a stub at import; `unwritten` has each module's names to write."
    names = to_write(nb)
    for c in nb.cells:
        names |= {name for m, name in imports(c) if name in unwritten.get(m.removeprefix(f'{package}.'), ())}
        body = ast.Module([*statements(c)] if exports(c) else [], [])
        called = [n.func for n in at_import(body) if isinstance(n, ast.Call)]
        called += [f for s in body.body for f in getattr(s, 'decorator_list', ())]
        for n in (f.id for f in called if isinstance(f, ast.Name) and f.id in names):
            what = f'it calls {n} when it is imported, which students have still to write'
            yield c.id, what, 'Call it in a function'

def notebook_problems(nb:NotebookNode, notebook:str, package:str, earlier, unwritten:dict) -> Iterator[tuple]:
    "What all rules find in one notebook."
    first = nb.cells[0].source.strip() if nb.cells else ''
    if first != (line := f'#| default_exp {module_of(notebook)}'):
        yield '', 'its first cell does not name the module that it exports', f'Begin with {line}'
    if (language := nb.metadata.get('kernelspec', {}).get('language', 'python')) != 'python':
        yield '', f'its kernel is for {language}', 'Choose the kernel python3'
    for rule in RULES: yield from rule(nb)
    for c in nb.cells: yield from ((c.id, *problem) for rule in CELL_RULES for problem in rule(c))
    yield from import_problems(nb, package, earlier, module_of(notebook))
    yield from call_problems(nb, package, unwritten)

def file_problems(course:Course, unit=None) -> Iterator[Problem]:
    "Files that course.toml lists, and that cannot be handed out."
    for u in chosen(course, unit):
        try: listed_files(course, u)
        except CourseError as e:
            yield Problem(u.name, '', str(e).rstrip('.'), 'Put it there, or take it off the list')

def check(course:Course, unit=None, progress:Callable|None=None) -> list[Problem]:
    "What would go wrong with the notebooks of `unit` (a name, or several; all if None)."
    wanted = [n for u in chosen(course, unit) for n in u.notebooks]
    numbered = {p.stem for p in course.nbs.glob('[0-9]*_*.ipynb')}
    there = sorted(numbered | {*wanted})
    out, unwritten, package = [*file_problems(course, unit)], {}, package_of(course)
    listed, plain = {*course.notebooks}, plain_modules(course)
    for i, n in enumerate(there):
        if progress: progress(i, len(there), n)
        def note(what, fix): out.append(Problem(n, '', what, fix))
        if n not in numbered: note('its name has no number', 'Call it 00_core.ops or the like')
        if not all(part.isidentifier() for part in module_of(n).split('.')):
            note(f'its module {module_of(n)} cannot be imported', 'Call it 00_core.ops or the like')
        if n not in listed and unit is None: note('it is in no unit', 'Add it to course.toml')
        try: nb = read_notebook(course.path(n))
        except CourseError as e:
            if n in wanted: note(str(e).rstrip('.'), 'Open it in JupyterLab, or take it from its history')
            continue
        if n in wanted:
            earlier = [module_of(m) for m in there if m < n]
            out += [Problem(n, *p) for p in notebook_problems(nb, n, package, {*earlier, *plain}, unwritten)]
        unwritten[module_of(n)] = to_write(nb)
    return out

def how_run(course:Course, unit=None) -> str:
    "A sentence on how many graded checks are run by value, and how many have to share the answer's process."
    lessons = [read_notebook(course.path(n)) for u in chosen(course, unit) for n in u.notebooks]
    stay = [stays(c, h) for nb in lessons for h in [helpers(nb)] for e in exercises(nb) for c in e.checks]
    n = sum(stay)
    return (f"{len(stay)} checks: {len(stay) - n} ask for values from a process of their own, "
            f"{n} ({n/max(len(stay), 1):.0%}) run in the answer's process, as they say or replace a helper")
