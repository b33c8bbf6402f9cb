"The files beside the lessons of a unit: data that students get, and data that only the grader has"
import base64, shutil
from fnmatch import fnmatch
from pathlib import Path
from ..cells import CourseError, Unit
from ..units import Course

MOST = 16*2**20    # bytes of all of a unit: they are sent with each submission

def files_below(folder:Path) -> dict[str, Path]:
    "The files in `folder` and below it by path, without notebooks, links and what is hidden."
    found = sorted(folder.rglob('*')) if folder.is_dir() else []
    names = {p.relative_to(folder).as_posix(): p for p in found if p.is_file() and not p.is_symlink()}
    return {n: p for n, p in names.items() if not n.endswith('.ipynb') and not is_hidden(n)}

def is_hidden(name:str) -> bool: return fnmatch(f'/{name}', '*/[._]*')

def is_private(unit:Unit, name:str) -> bool:
    "Whether only the grader has the file `name`; a pattern without / is for files and folders anywhere."
    parts = Path(name).parts
    return any(fnmatch(n, pattern) for pattern in unit.private for n in ([name] if '/' in pattern else parts))

def listed_files(course:Course, unit:Unit) -> dict[str, Path]:
    "The files in nbs/ that course.toml lists for `unit`, by path; CourseError where a name finds none."
    found, where = {}, f'{course.root/"course.toml"}, unit {unit.name}'
    for pattern in (*unit.files, *(p for p in unit.private if p not in Unit.private)):
        paths = [p for p in sorted(course.nbs.glob(pattern)) if p.is_file()]
        there = paths or any(fnmatch(n, pattern) for n in given_files(course, unit))
        if not there: raise CourseError(f'{where}: there is no {pattern} in {course.nbs}.')
        found |= {p.relative_to(course.nbs).as_posix(): p for p in paths}
    if odd := [n for n in found if is_hidden(n)]:
        raise CourseError(f'{where}: {odd[0]} begins with . or _, which is not handed out. Rename it.')
    if books := [n for n in found if n.endswith('.ipynb')]:
        raise CourseError(f'{where}: {books[0]} is a notebook; list it in notebooks.')
    if (size := sum(p.stat().st_size for p in found.values())) > MOST:
        raise CourseError(f'{where}: its files have {size/2**20:.0f} MB; the most is {MOST/2**20:.0f}.')
    return found

def copy_files(files:dict[str, Path], to:Path) -> None:
    "Copy `files` to their paths below `to`."
    for name, path in files.items():
        (to/name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to/name)

def given_files(course:Course, unit:Unit) -> dict[str, Path]:
    "The files that lie beside the notebooks of `unit` as it was built, the private ones too."
    return files_below(course.folder('source', unit.name))

def files_are_same(course:Course, unit:Unit) -> bool:
    "Whether `unit` was built with the files that nbs/ has now."
    built = given_files(course, unit)
    now = listed_files(course, unit)
    return all(n in built and built[n].read_bytes() == p.read_bytes() for n, p in now.items())

def packed(course:Course, unit:Unit, private:bool|None=None) -> dict[str, str]:
    "{path: base64} of the files beside `unit`: of the private ones, of the others, or (None) of all."
    found = given_files(course, unit) | (listed_files(course, unit) if private is None else {})
    these = {n: p.read_bytes() for n, p in found.items() if private in (None, is_private(unit, n))}
    if sum(map(len, these.values())) > MOST:
        raise CourseError(f'The files beside {unit.name} have more than {MOST/2**20:.0f} MB.')
    return {n: base64.b64encode(data).decode() for n, data in these.items()}
