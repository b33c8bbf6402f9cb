"The reference's modules brought into a student's library, and a record of them"
import ast, json, sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from tinybench import __version__
from tinybench.base.files import read_text, write_whole
from ..cells import CourseError, read_notebook
from ..mend.source import without_magics
from ..trees import parsed
from .workspace import (LOOK_FIRST, Workspace, inner, notebook_named, open_workspace, read_table, stale,
                        still_open)


def unlocked(ws:Workspace) -> list[dict]:
    "What is unlocked: module, version and time of each; who deletes the file uses his own again."
    path = ws.root/'unlocked.json'
    if not path.exists(): return []
    found = read_table(path, 'Delete it, and unlock again.').get('unlocked')
    found = found if isinstance(found, list) else []
    known = [u for u in found if isinstance(u, dict) and u.get('module') in ws.notebooks]
    return [u for u in known if ws.unlocked_file(u['module']).exists()]

def reference_package(ws:Workspace) -> Path:
    "The folder of the installed package; CourseError if there is none but the student's own."
    spec = find_spec(ws.package)
    if spec is None or not spec.origin:
        raise CourseError(f'{ws.package} is not installed, so nothing finished can be brought: install what '
                          'requirements.txt names, or ask your course for it.')
    found = Path(spec.origin).resolve().parent
    if found.is_relative_to(ws.root) and not found.is_relative_to(Path(sys.prefix).resolve()):
        raise CourseError(f'{found} is your own library. The command tinybench uses the installed one.')
    return found

def looks_first(ws:Workspace, notebook:str) -> list[Path]:
    "The `__init__.py` files above a notebook's module that do not look into `unlocked/`."
    above = ws.module(notebook).parents
    inits = [p/'__init__.py' for p in above if p.is_relative_to(ws.root/ws.package)]
    def looks(p):    # a file in UTF-16, which Python does not read, does not
        return p.is_file() and "/unlocked'" in p.read_text(encoding='utf-8', errors='replace')
    return [p for p in inits if not looks(p)]

def look_first(path:Path):
    "Makes the package with the file `path` look into its folder `unlocked` first; what is no text goes."
    try: had = read_text(path) if path.is_file() else ''
    except ValueError: had = ''
    more = '' if "/unlocked'" in had else LOOK_FIRST    # it is, in UTF-16
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, had + ('\n' if had and not had.endswith('\n') else '') + more)

def unlock(workspace, module:str, reference=None) -> dict:
    "Brings the reference's module of a notebook, by any of its names, into the workspace; its record."
    ws = open_workspace(workspace)
    name = notebook_named(ws, module)
    source = Path(reference or reference_package(ws))/f'{inner(name)}.py'
    if not source.is_file(): raise CourseError(f'The installed {ws.package} has no {name}.')
    now = datetime.now(timezone.utc).isoformat(timespec='seconds')
    record = dict(module=name, version=__version__, when=now)
    had = [u for u in unlocked(ws) if u['module'] != name]
    write_whole(ws.root/'unlocked.json', json.dumps(dict(unlocked=[*had, record]), indent=1) + '\n')
    for path in looks_first(ws, name): look_first(path)
    to = ws.unlocked_file(name)
    to.parent.mkdir(exist_ok=True)
    write_whole(to, source.read_bytes())
    return record

def imported(source:str, package:str, part:str='') -> set[str]:
    "The modules of a package, as paths, that code in its module `part`, or in a cell, may import."
    found = set()
    for n in ast.walk(parsed(without_magics(source), longest=None) or ast.Module([], [])):
        if isinstance(n, ast.Import): found |= {a.name for a in n.names}
        if not isinstance(n, ast.ImportFrom): continue
        # nbdev makes a package's own imports relative
        up = [package, *part.split('/')][:-n.level] if n.level else []
        base = '.'.join([*up, *filter(None, [n.module])])
        found |= {base, *(f'{base}.{a.name}' for a in n.names)}
    own = [name.removeprefix(f'{package}.') for name in found if name.startswith(f'{package}.')]
    return {name.replace('.', '/') for name in own}

def builds_on(ws:Workspace, notebook:str, reference=None) -> list[str]:
    "The notebooks whose modules a notebook's cells or finished module import, or these in turn; in order."
    root, books = Path(reference or reference_package(ws)), {inner(n): n for n in ws.notebooks}
    def used(part):
        path = root/f'{part}.py'
        return imported(path.read_text(encoding='utf-8') if path.is_file() else '', ws.package, part)
    found, todo = set(), [inner(notebook)]
    with suppress(CourseError):
        cells = [c for c in read_notebook(ws.released(notebook)).cells if c.cell_type == 'code']
        todo += set().union(*(imported(c.source, ws.package) for c in cells)) & books.keys()
    while todo:
        if (part := todo.pop()) in found: continue
        found.add(part)
        todo += used(part) & books.keys()
    return [n for n in ws.notebooks if inner(n) in found and n != notebook]

def unfinished(ws:Workspace, notebooks:Iterable[str]) -> list[str]:
    "Those of `notebooks` that are neither unlocked, nor filled in and exported."
    return [n for n in notebooks if not ws.unlocked_file(n).exists() and (still_open(ws, n) or stale(ws, n))]
