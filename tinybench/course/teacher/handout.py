"Writes the folder that students get, and adds units to one"
import hashlib, json, os, shutil, uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from ... import __version__
from tinybench.base.files import read_text, write_whole
from tinybench.base.text import escaped
from ..cells import CourseError, Unit, module_of
from ..student.workspace import LOOK_FIRST, WANTED
from ..units import Course, chosen, package_of, settings_of
from .beside import files_below
from .build import build, is_built
from .modules import shipped_data, tool_modules

SETTINGS = dict(
    repo='tinybench', lib_name='tinybench', version='0.0.1', min_python='3.11', license='apache2',
    black_formatting='False', doc_path='_docs', tst_flags='notest', put_version_in_init='True', branch='main',
    custom_sidebar='False', doc_host='', doc_baseurl='/', git_url='', title='tinybench',
    audience='Education', author='', author_email='', copyright='', description='', keywords='',
    language='English', status='3', user='')
# what a workspace needs whatever the course's own settings are
NEEDED = dict(recursive='False', clean_ids='True') | WANTED

def workspace_settings(course:Course) -> str:
    "settings.ini of a workspace: the course's own, with the notebooks beside it."
    own = {k: v for k, v in settings_of(course).items() if k in SETTINGS}
    lines = SETTINGS | own | NEEDED | dict(lib_path=package_of(course))
    return '[DEFAULT]\n' + ''.join(f'{k} = {v}\n'.replace(' \n', '\n') for k, v in lines.items())

def package_files(package:str, modules:Iterable[str], version:str) -> dict[str, str]:
    "The `__init__.py` of the package and its parts, by path."
    parts = [m.split('.') for m in modules]
    folders = {package} | {'/'.join([package, *p[:i]]) for p in parts for i in range(len(p))}
    first = f'__version__ = "{version}"\n'
    return {f'{p}/__init__.py': (first if p == package else '') + LOOK_FIRST for p in sorted(folders)}

README = '''# {title}

1. Make an environment and install what is needed, once: `python -m venv .venv`,
   `.venv/bin/pip install -r requirements.txt` and `source .venv/bin/activate`
   (on Windows `.venv\\Scripts\\pip` and `.venv\\Scripts\\activate`).
2. `jupyter lab` opens the notebooks. Read, and write the functions whose body is
   `raise NotImplementedError(…)`.
3. Run the cells below: they show what your function does, and check it.
   `tinybench student check {unit}` runs all checks of a unit or notebook.
4. `nbdev_export` makes your own library `{package}` from your notebooks, and says nothing if all went well;
   the next notebooks build on it. Restart the kernel of one that is open, or it goes on with the old library.
   To do {example} first, say `tinybench student unlock --before {example}`: it brings, finished, what that
   one builds on, and not that one.
5. `tinybench student submit {unit} --student YOUR_ID` packs what you hand in. If something seems broken,
   `tinybench student doctor` helps.

| unit | about | notebooks | due |
|---|---|---|---|
{rows}
'''

def readme(course:Course, units:Iterable[Unit]) -> str:
    "README.md of a workspace that holds `units`."
    def links(u): return ', '.join(f'[{n}]({n}.ipynb)' for n in u.notebooks)
    def due(u): return f'{u.due:%Y-%m-%d %H:%M %Z}' if u.due else ''
    rows, first = [f'| {u.name} | {escaped(u.title)} | {links(u)} | {due(u)} |' for u in units], units[0]
    title, package = course.title or course.id, package_of(course)
    return README.format(title=title, package=package, example=[*units][-1].notebooks[-1],
                         unit=first.name, rows='\n'.join(rows))

def sha256(data:bytes) -> str: return hashlib.sha256(data).hexdigest()

def workspace_files(course:Course, units:list[Unit], package:str) -> dict[str, bytes]:
    "All files of a workspace with `units`, by path."
    books = {n: course.folder('release', u.name, f'{n}.ipynb').read_bytes()
             for u in units for n in u.notebooks}
    told = [dict(name=u.name, title=u.title, notebooks=u.notebooks, due=u.due and u.due.isoformat())
            for u in units]
    out = [files_below(course.folder('release', u.name)) for u in units]
    beside = {n: p.read_bytes() for found in out for n, p in found.items()}
    about = dict(course=course.id, package=package_of(course), version=__version__, units=told,
                 notebooks={n: dict(sha256=sha256(b)) for n, b in books.items()},
                 files={n: sha256(b) for n, b in beside.items()})
    tools = tool_modules(course, books)
    modules = [*map(module_of, books), *('.'.join(p.removesuffix('.py').split('/')[1:]) for p in tools)]
    text = package_files(package_of(course), modules, __version__) | tools | {
        'settings.ini': workspace_settings(course), 'requirements.txt': f'{package}\n',
        '.gitignore': '.venv/\n__pycache__/\n.ipynb_checkpoints/\n.last_checked\nsubmissions/\n',
        'README.md': readme(course, units), 'workspace.json': json.dumps(about, indent=1) + '\n'}
    notebooks = {f'{to}{n}.ipynb': b for n, b in books.items() for to in ('', '.release/')}
    data = shipped_data(course, [*tools.values(), *(b.decode() for b in books.values())])
    return beside | notebooks | data | {k: v.encode() for k, v in text.items()}

def read_workspace(course:Course, folder:Path) -> dict|None:
    "What workspace.json in `folder` says; None if nothing is in it, CourseError if it is something else."
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())): return None
    do = 'Name a folder that is new or empty.'
    if not folder.is_dir(): raise CourseError(f'{folder} is a file. {do}')
    try: found = json.loads(read_text(folder/'workspace.json'))
    except (OSError, ValueError): found = None
    match found:
        case {'units': list(units), 'notebooks': dict(books)}: tables = *units, *books.values()
        case _: tables = None,
    if not all(isinstance(x, dict) for x in tables):
        raise CourseError(f'{folder} is not empty, and is no workspace. {do}')
    if found.get('course') != course.id:
        raise CourseError(f'{folder} is a workspace of the course {found.get("course")}. {do}')
    return found

def put(path:Path, data:bytes) -> None:
    "Write a file of a workspace, in a folder that may be new."
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)

def add_files(folder:Path, files:dict[str, bytes], had:dict, anew:Iterable[str]=()) -> None:
    "Bring a workspace up to date, keeping what its owner changed but in `anew`; `had` is its workspace.json."
    new = json.loads(files['workspace.json'])
    for n in new['notebooks']:
        file, old = folder/f'{n}.ipynb', had['notebooks'].get(n, {}).get('sha256')
        unchanged = old, new['notebooks'][n]['sha256']    # the new one where an earlier release was stopped
        if not file.exists() or sha256(file.read_bytes()) in unchanged:
            for to in ('.release/', ''): put(folder/f'{to}{n}.ipynb', files[f'{to}{n}.ipynb'])
        elif old: new['notebooks'][n]['sha256'] = old
        else: put(folder/f'.release/{n}.ipynb', files[f'.release/{n}.ipynb'])
    for name, data in files.items():
        ours = name.endswith(('.py', '.npz')) and not name.endswith('__init__.py')
        fresh = name in ('README.md', *anew) or ours
        apart = name.endswith(('.ipynb', 'workspace.json'))
        if name in new['files'] and (folder/name).is_file():
            # not changed there since
            fresh = had.get('files', {}).get(name) == sha256((folder/name).read_bytes())
        if not apart and (fresh or not (folder/name).exists()): put(folder/name, data)
    put(folder/'workspace.json', (json.dumps(new, indent=1) + '\n').encode())

# on the package index tinybench is another project
THIS_VERSION = f'tinybench-ml[course]=={__version__}'

def release(course:Course, folder, units=None, package:str|None=None, progress:Callable|None=None) -> Path:
    "Write a workspace with `units` (the built ones if None), or add them to one; pip installs `package`."
    built = [u.name for u in course.units if course.folder('release', u.name).is_dir()]
    folder, todo = Path(os.path.abspath(folder)), chosen(course, units or built or None)
    if not todo: raise CourseError('There is no unit to release. Name one, or add units to course.toml.')
    had = read_workspace(course, folder)
    kept = [u.get('name') for u in had['units']] if had else []
    todo = [u for u in course.units if u in todo or u.name in kept]
    if stale := [u.name for u in todo if not is_built(course, u)]: build(course, stale, progress)
    files = workspace_files(course, todo, package or THIS_VERSION)
    if had:
        add_files(folder, files, had, ['requirements.txt'] if package else [])
        return folder
    stage = folder.with_name(f'.{folder.name}-{uuid.uuid4().hex}')
    try:
        for name, data in files.items(): put(stage/name, data)
        if not folder.exists(): stage.rename(folder)
        else:  # and is empty; somebody's shell may be in it
            for p in sorted(stage.iterdir(), key=lambda p: p.name == 'workspace.json'): shutil.move(p, folder)
    except OSError as e: raise CourseError(f'{folder} cannot be written: {e.strerror}.') from None
    finally: shutil.rmtree(stage, ignore_errors=True)
    return folder
