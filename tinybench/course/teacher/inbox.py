"The files in a folder or zip of what was handed in, and whose loose notebooks are"
import re, stat, zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from statistics import mean
from ..cells import MOST_BYTES, CourseError, module_of
from ..mend.files import base_name, module_in
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

def name_in(i:zipfile.ZipInfo) -> PurePosixPath:
    "The path of a member: in UTF-8 also where the zip does not say so, as macOS' does not."
    name = i.filename
    if not i.flag_bits & 0x800:    # zipfile takes it for a code page of DOS
        with suppress(UnicodeError): name = name.encode('cp437').decode()
    return PurePosixPath(name.replace('\\', '/'))

def hidden(below:PurePosixPath) -> bool:
    "Whether a path leads to what a system or Jupyter put there, not a person."
    return any(part.startswith('.') and part != '..' or part == '__MACOSX' for part in below.parts)

def why_not(i:zipfile.ZipInfo, below:PurePosixPath) -> str:
    "Why a member of a zip is not unpacked; '' if it is."
    kind, parts = stat.S_IFMT(i.external_attr >> 16), below.parts
    if not parts or below.is_absolute() or '..' in parts or ':' in str(below):
        return 'leads out of the folder'
    if kind not in (0, stat.S_IFREG): return 'is a link or the like'
    if any(len(part.encode()) > 200 for part in parts): return 'has too long a name'
    if i.flag_bits & 1: return 'is encrypted'
    taken = below.suffix.lower() in ('.ipynb', '.zip') or below.name == 'timestamp.txt'
    return '' if taken else 'is neither notebook nor zip'

def unpack_one(z:zipfile.ZipFile, i:zipfile.ZipInfo, to:Path, left:int) -> int:
    "Unpack a member to the file `to`, which is new; its size. CourseError says what is wrong with it."
    most = min(5*MOST_BYTES, left)
    try:
        with z.open(i) as f: data = f.read(most + 1)
        if len(data) > most: raise CourseError('is too large')
        to.parent.mkdir(parents=True, exist_ok=True)
        with open(to, 'xb') as f: f.write(data)
    except CourseError: raise
    except Exception as e:    # zipfile raises what zlib, struct and codecs raise
        raise CourseError(f'cannot be unpacked ({type(e).__name__}: {e})') from None
    return len(data)

def in_short(no:dict[str, list]) -> list[str]:
    "A sentence for each reason in {reason: paths}, with the first path."
    def more(paths): return f' (and {len(paths) - 1} more like it)' if paths[1:] else ''
    return [f'{paths[0]} {why}, and is left out{more(paths)}.' for why, paths in no.items()]

def unpack(path:Path, to:Path) -> list[str]:
    "Unpack the notebooks and zips of `path` into the folder `to`, within limits; what is left out."
    left, no = MOST_ALL, {}
    try:
        with zipfile.ZipFile(path) as z: found = z.infolist()
    except Exception as e:
        raise CourseError(f'{path.name} is no whole zip ({type(e).__name__}: {e}).') from None
    if len(found) > MOST_FILES:
        raise CourseError(f'{path.name} holds {len(found):,} files; the most is {MOST_FILES:,}.')
    with zipfile.ZipFile(path) as z:
        for i, below in ((i, name_in(i)) for i in found):
            if i.is_dir() or hidden(below): continue
            why = why_not(i, below)
            try: left -= 0 if why else unpack_one(z, i, to/below, left)
            except CourseError as e: why = str(e)
            if why: no.setdefault(why, []).append(str(below)[-200:])
    return in_short(no)

def opened(path:Path, below:PurePosixPath, new_place:Callable, depth:int) -> tuple[list, list]:
    "The same as `files_of`, of the zip of many `path`, which is told as `below`."
    try:
        no = unpack(path, to := new_place())
        found, more = files_of(to, new_place, depth)
    except CourseError as e: return [], [str(e).replace(path.name, str(below), 1)]
    return [(below/b, p) for b, p in found], [f'{below}/{says}' for says in (*no, *more)]

def files_of(folder:Path, new_place:Callable, depth:int=2) -> tuple[list, list]:
    "(path as it is told, path) of all files in a folder or zip, zips of many opened; and what was refused."
    if folder.is_file():
        if is_packed(folder): return [(PurePosixPath(folder.name), folder)], []
        no = unpack(folder, to := new_place())
        found, more = files_of(to, new_place, depth - 1)
        return found, [*no, *more]
    if not folder.is_dir(): raise CourseError(f'There is no folder {folder}.')
    found, refused = [], []
    for path in sorted(folder.rglob('*')):
        below = PurePosixPath(path.relative_to(folder).as_posix())
        if not path.is_file() or hidden(below): continue
        if path.name == 'timestamp.txt': continue    # of the notebooks beside it
        many = path.suffix.lower() == '.zip' and depth and not is_packed(path)
        more, no = opened(path, below, new_place, depth - 1) if many else ([(below, path)], [])
        found += more
        refused += no
    return found, refused

def student_depth(books:dict[PurePosixPath, str]) -> tuple[int, bool]:
    """How many folders down those of students are, and whether that is sure: where the fewest hold a notebook
    twice, themselves or, if they hold none themselves, in the folders in them."""
    def doubles(depth):    # the share of folders
        inside, below = {}, {}
        for path, book in books.items():
            if len(path.parts) > depth: below.setdefault(path.parts[:depth], []).append(book)
            if len(path.parts) == depth + 1: inside.setdefault(path.parts[:depth], []).append(book)
        return mean(len({*these}) < len(these) for these in (below | inside).values())
    depths = range(1, min((len(p.parts) for p in books if len(p.parts) > 1), default=1))
    best = min(depths, key=doubles, default=0)
    return best, best > 0 and doubles(best) < 1

def unzipped_name(name:str) -> str: return re.sub(r'(?i)\.zip$', '', name)

def name_before(below:PurePosixPath, unit) -> str:
    "What stands before the notebook's own name in that of a file: ada for ada_00_core.ops.ipynb; or ''."
    ends = (re.search(rf'[\s_-]+{re.escape(n)}$', below.stem) for n in unit.notebooks)
    return next((below.stem[:found.start()] for found in ends if found), '')

def whose(below:PurePosixPath, unit, listed:dict, folder:str='', sure:bool=False) -> str:
    """The student whose notebook `below` is: whom its folders or its name fit on the roster; without one its
    `folder`, at once if that is `sure`, or what its name begins with; '' if that cannot be told."""
    before, around = name_before(below, unit), map(unzipped_name, below.parts[:-1])
    if listed: return next((who for n in (*around, before or below.stem) if (who := owner(n, listed))), '')
    names = (folder, before) if sure else (before, folder)
    name = next(filter(STUDENT.fullmatch, names), '')
    return '' if re.search(r'_\d+_(\d+|assignsubmission)', name) else name

def loose(course, unit, books:dict, listed:dict) -> tuple[dict, list]:
    "{student: Submission} of loose notebooks {below: path}, and a sentence for each that is nobody's."
    mine, refused = {}, []
    depth, sure = student_depth({b: book_of(course, unit, b, p) or b.name for b, p in books.items()})
    for below, path in books.items():
        folder = unzipped_name(below.parts[depth-1]) if 0 < depth < len(below.parts) else ''
        if who := whose(below, unit, listed, folder, sure): mine.setdefault(who, {})[below] = path
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
    ends = re.sub(r'-\d+$', '', base_name(below.name)).casefold()    # Canvas numbers a second one so
    fits = [n for n in names if re.search(rf'(^|[\W_]){re.escape(n.casefold())}$', ends)]
    said = module_in(path)
    return max(fits, key=len, default='') or next((n for n in names if said and module_of(n) == said), '')

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
        if name in files: name = '_'.join(below.parts)[-200:]
        files[name] = path.read_bytes()
    if not of_unit: return None, no or [f'{n} is no notebook of {unit.name}, and is left out.' for n in these]
    when, says = stamp_of(next(iter(these.values())).parent)
    late = any('_LATE_' in str(below) for below in these)
    unknown = 'late, by its name' if late else 'without a time, so as if on time'
    notes = [says] if says else [] if when else [unknown]
    return Submission(Path(), course.id, student, unit.name, when, files, says=tuple(notes)), no
