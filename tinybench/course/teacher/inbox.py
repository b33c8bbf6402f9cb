"The files in a folder or zip of what was handed in, and whose loose notebooks are"
import re, stat, zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from ..cells import MOST_BYTES, CourseError, module_of
from ..mend.files import module_in
from ..student.submission import STUDENT, Submission
from .late import stamp_of
from .roster import owner

MOST_FILES, MOST_ALL = 20_000, 8*2**30    # of a zip of many students

def is_packed(path:Path) -> bool:
    "Whether a zip is what `tinybench student submit` packs, or nothing that can be opened to see."
    try:
        with zipfile.ZipFile(path) as z: names = z.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError): return True
    return 'submission.json' in names or not any(n.lower().endswith(('.ipynb', '.zip')) for n in names)

def plain_members(z:zipfile.ZipFile) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    "The notebooks, zips and times in a zip, with a path that leads nowhere else; CourseError if too many."
    found = z.infolist()
    if len(found) > MOST_FILES:
        raise CourseError(f'it holds {len(found):,} files; the most is {MOST_FILES:,}')
    for i in found:
        name, kind = PurePosixPath(i.filename.replace('\\', '/')), stat.S_IFMT(i.external_attr >> 16)
        inside = name.parts and not name.is_absolute() and '..' not in name.parts and ':' not in str(name)
        if i.is_dir() or not inside or kind not in (0, stat.S_IFREG) or i.flag_bits & 1: continue
        if any(part.startswith(('.', '__MACOSX')) or len(part) > 200 for part in name.parts): continue
        if name.suffix.lower() in ('.ipynb', '.zip') or name.name == 'timestamp.txt': yield i, str(name)

def unpack(path:Path, to:Path) -> None:
    "Unpack the notebooks and zips of `path` into the folder `to`, within limits, whatever it says."
    left = MOST_ALL
    try:
        with zipfile.ZipFile(path) as z:
            for i, name in plain_members(z):
                with z.open(i) as f: data = f.read(min(5*MOST_BYTES, left) + 1)
                if len(data) > min(5*MOST_BYTES, left): raise CourseError(f'{name} is too large')
                left -= len(data)
                (to/name).parent.mkdir(parents=True, exist_ok=True)
                (to/name).write_bytes(data)
    except CourseError as e: raise CourseError(f'{path.name}: {e}.') from None
    except Exception as e:    # zipfile raises what zlib, struct and codecs raise
        raise CourseError(f'{path.name} is no whole zip ({type(e).__name__}: {e}).') from None

def files_of(folder:Path, new_place:Callable, depth:int=2) -> tuple[list, list]:
    "(path as it is told, path) of all files in a folder or zip, zips of many opened; and what was refused."
    if folder.is_file():
        if is_packed(folder): return [(PurePosixPath(folder.name), folder)], []
        unpack(folder, to := new_place())
        return files_of(to, new_place, depth - 1)
    if not folder.is_dir(): raise CourseError(f'There is no folder {folder}.')
    found, refused = [], []
    for path in sorted(folder.rglob('*')):
        below = PurePosixPath(path.relative_to(folder).as_posix())
        if not path.is_file() or any(p.startswith('.') for p in below.parts): continue
        if path.name == 'timestamp.txt': continue    # of the notebooks beside it
        if path.suffix.lower() != '.zip' or not depth or is_packed(path):
            found.append((below, path))
            continue
        try: unpack(path, to := new_place())
        except CourseError as e: refused.append(str(e).replace(path.name, str(below), 1))
        else:
            more, no = files_of(to, new_place, depth - 1)
            # a zip at the top is a platform's, one in a student's folder is the student's
            at = below.parent if below.parent.name else PurePosixPath()
            found += [(at/b, p) for b, p in more]
            refused += no
    return found, refused

def whose(below:PurePosixPath, unit, listed:dict) -> str:
    "The student whose notebook `below` is, by its folders or its name; '' if that cannot be told."
    book = next((n for n in unit.notebooks if below.stem.endswith(n)), '')
    before = below.stem.removesuffix(book).rstrip('_- ') if book else ''
    names = [*below.parts[:-1], before or below.stem]
    if listed: return next((who for n in names if (who := owner(n, listed))), '')
    plain = [n for n in (*below.parts[:-1], before) if STUDENT.fullmatch(n)]
    return plain[0] if plain and not re.search(r'_\d+_\d+', plain[0]) else ''

def loose(course, unit, books:dict, listed:dict) -> tuple[dict, list]:
    "{student: Submission} of loose notebooks {below: path}, and a sentence for each that is nobody's."
    mine, refused = {}, []
    for below, path in books.items():
        if who := whose(below, unit, listed): mine.setdefault(who, {})[below] = path
        else: refused.append(f'{below} is left out: it does not say whose it is. Name its folder after the '
                             'student as the roster does, by id or by first and last name.')
    found = {}
    for who, these in mine.items():
        sub, no = gathered(course, unit, who, these)
        refused += no
        if sub: found[who] = sub
    return found, refused

def book_of(course, unit, below:PurePosixPath, path:Path) -> str:
    "The notebook of `unit` that a file is, by the end of its name or the module that it says; '' if none."
    names = [*unit.notebooks, *(old for old, new in course.renamed.items() if new in unit.notebooks)]
    said = module_in(path)
    return next((n for n in names if below.stem.endswith(n)), '') or next(
        (n for n in names if said and module_of(n) == said), '')

def gathered(course, unit, student:str, these:dict) -> tuple[Submission|None, list]:
    "A student's loose notebooks as a submission, None if none is of `unit`; and what is left out."
    files, of_unit, no = {}, 0, []
    for below, path in these.items():
        if path.stat().st_size > MOST_BYTES:
            no.append(f'{below} is left out: it has more than {MOST_BYTES/2**20:.0f} MB.')
            continue
        book = book_of(course, unit, below, path)
        of_unit += bool(book)
        name = f'{book}.ipynb' if book and f'{book}.ipynb' not in files else below.name
        files[name] = path.read_bytes()
    if not of_unit: return None, no or [f'{n} is no notebook of {unit.name}, and is left out.' for n in these]
    when, says = stamp_of(next(iter(these.values())).parent)
    late = any('_LATE_' in below.name for below in these)
    unknown = 'late, by its name' if late else 'without a time, so as if on time'
    notes = [says] if says else [] if when else [unknown]
    return Submission(Path(), course.id, student, unit.name, when, files, says=tuple(notes)), no
