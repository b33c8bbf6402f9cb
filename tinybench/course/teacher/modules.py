"Which modules a lesson imports, and which of the package no lesson writes"
import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ..cells import CourseError, NotebookNode, module_of, read_notebook
from ..trees import parsed
from ..units import Course, package_of

# by text, as several rules ask; none if it is not Python, which a rule of its own tells
body = lru_cache(4096)(lambda source: tuple(getattr(parsed(source, longest=None), 'body', ())))

def statements(cell:NotebookNode) -> tuple[ast.stmt, ...]:
    "The statements of a code cell."
    return body(cell.source) if cell.cell_type == 'code' else ()

def imported(body:Iterable[ast.stmt]) -> Iterator[tuple[str, str]]:
    "The module and the name in it of every import in `body`, functions included."
    for n in (n for s in body for n in ast.walk(s)):
        if isinstance(n, ast.Import): yield from ((a.name, '') for a in n.names)
        if isinstance(n, ast.ImportFrom):
            yield from (('.'*n.level + (n.module or ''), a.name) for a in n.names)

def imports(cell:NotebookNode) -> list[tuple[str, str]]:
    "What a code cell imports."
    return [*imported(statements(cell))] if 'import' in cell.source else []

def lesson_modules(course:Course) -> set[str]: return {module_of(p.stem) for p in course.nbs.glob('*.ipynb')}

def plain_modules(course:Course) -> set[str]:
    "The modules of the package that no notebook writes, such as `base.text`; not those that grade."
    folder = course.nbs.parent/package_of(course)
    found = {'.'.join(p.relative_to(folder).with_suffix('').parts) for p in folder.rglob('[!_]*.py')}
    return {m for m in found - lesson_modules(course) if not m.startswith('course.')}

def shipped_data(course:Course, texts:Iterable[str]) -> dict[str, bytes]:
    "The files of `tinybench/embedded` that `texts` name, such as `keywords.npz`, by path."
    package, texts = package_of(course), list(texts)
    folder = course.nbs.parent/package/'embedded'
    return {f'{package}/embedded/{p.name}': p.read_bytes() for p in sorted(folder.glob('*.npz'))
            if any(p.name in t for t in texts)}

def tool_modules(course:Course, notebooks:Iterable[str]) -> dict[str, str]:
    """The text of the modules that `notebooks` import and do not write, and of those that these import,
    by path; always with all of `base`."""
    plain = plain_modules(course)
    others = (lesson_modules(course) | plain) - {*map(module_of, notebooks)}
    package, out = package_of(course), {}
    todo = [i for n in notebooks for c in read_notebook(course.path(n)).cells for i in imports(c)]
    todo += [(m, '') for m in sorted(plain) if m.startswith('base.')]
    while todo:
        module, name = todo.pop()
        module = module.removeprefix(f'{package}.')
        for m in {module, f'{module}.{name}'} & others:
            path = '/'.join([package, *m.split('.')]) + '.py'
            if path in out: continue
            file = course.nbs.parent/path
            if not file.is_file():
                raise CourseError(f'{file} is missing, and a lesson imports it. Run nbdev_export.')
            out[path] = file.read_text(encoding='utf-8')
            here = m.split('.')[:-1]
            for below, name in imported(ast.parse(out[path]).body):
                up = len(below) - len(below.lstrip('.'))
                if up: below = '.'.join([*here[:len(here) - up + 1], *filter(None, [below.lstrip('.')])])
                todo.append((below, name))
    return out
