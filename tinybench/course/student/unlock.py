"The reference's modules brought into a student's library, and a record of them"
import ast, json, sys
from collections.abc import Iterable
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from tinybench import __version__
from tinybench.base.files import write_whole
from ..cells import CourseError
from ..trees import parsed
from .workspace import (LOOK_FIRST, Workspace, inner, notebook_named, open_workspace, read_table, stale,
                        still_open)


def unlocked(ws:Workspace) -> list[dict]:
    "What was unlocked: module, version and time of each."
    path = ws.root/'unlocked.json'
    if not path.exists(): return []
    found = read_table(path, 'Delete it, and unlock again.').get('unlocked')
    found = found if isinstance(found, list) else []
    return [u for u in found if isinstance(u, dict) and isinstance(u.get('module'), str)]

def reference_package(ws:Workspace) -> Path:
    "The folder of the installed package; CourseError if that is the student's own."
    found = Path(find_spec('tinybench').origin).resolve().parent
    if found.is_relative_to(ws.root) and not found.is_relative_to(Path(sys.prefix).resolve()):
        raise CourseError(f'{found} is your own library. The command tinybench uses the installed one.')
    return found

def looks_first(ws:Workspace, notebook:str) -> list[Path]:
    "The `__init__.py` files above a notebook's module that do not look into `unlocked/`."
    above = ws.module(notebook).parents
    inits = [p/'__init__.py' for p in above if p.is_relative_to(ws.root/ws.package)]
    def looks(p): return p.is_file() and "/unlocked'" in p.read_text(encoding='utf-8', errors='replace')
    return [p for p in inits if not looks(p)]

def look_first(path:Path):
    "Makes the package with the file `path` look into its folder `unlocked` first."
    had = path.read_bytes() if path.is_file() else b''
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, had + (b'\n' if had and not had.endswith(b'\n') else b'') + LOOK_FIRST.encode())

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

def builds_on(ws:Workspace, notebook:str, reference=None) -> list[str]:
    "The notebooks whose modules the reference's module of `notebook` imports, directly or not, in order."
    root, books = Path(reference or reference_package(ws)), {inner(n): n for n in ws.notebooks}
    found, todo = set(), [inner(notebook)]
    while todo:
        part = todo.pop()
        path = root/f'{part}.py'
        tree = parsed(path.read_text(encoding='utf-8'), longest=None) if path.is_file() else None
        for n in ast.walk(tree or ast.Module([], [])):
            if not isinstance(n, ast.ImportFrom) or not n.level: continue
            up = part.split('/')[:-n.level]    # nbdev makes a package's own imports relative
            new = {'/'.join([*up, *(n.module or '').split('.')]).strip('/')} & books.keys() - found
            found |= new
            todo += new
    return [n for n in ws.notebooks if inner(n) in found and n != notebook]

def unfinished(ws:Workspace, notebooks:Iterable[str]) -> list[str]:
    "Those of `notebooks` that are neither unlocked, nor filled in and exported."
    return [n for n in notebooks if not ws.unlocked_file(n).exists() and (still_open(ws, n) or stale(ws, n))]
