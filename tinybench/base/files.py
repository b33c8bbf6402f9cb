"Files and folders that are there whole or not at all"
import codecs, errno, os, re, shutil, uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path


def write_whole(path:str|os.PathLike, data:str|bytes|Callable) -> Path:
    """Write `data`, or what `data(file)` writes, so that `path` holds all of it or what it held before.
    OSError names the folder."""
    path = Path(path).absolute()
    # beside it: a rename works within one file system only
    part = path.with_name(f'.{path.name}.{uuid.uuid4().hex}')
    try:
        with open(part, 'xb') as f:
            if callable(data): data(f)
            else: f.write(data.encode() if isinstance(data, str) else data)
            f.flush()
            os.fsync(f.fileno())
        if path.is_file(): shutil.copymode(path, part)
        os.replace(part, path)
    except OSError as e:
        says = f'cannot write {path.name} in the folder {path.parent} ({e.strerror})'
        if e.errno in (errno.EACCES, errno.EPERM, errno.EROFS): says += ': choose one you may write to'
        raise type(e)(e.errno, says) from e
    finally:
        with suppress(OSError): part.unlink()    # it is gone already if all went well
    return path

MARKS = {codecs.BOM_UTF8: 'utf-8-sig', codecs.BOM_UTF32_LE: 'utf-32', codecs.BOM_UTF32_BE: 'utf-32',
         codecs.BOM_UTF16_LE: 'utf-16', codecs.BOM_UTF16_BE: 'utf-16'}    # the longer first: they begin alike

def coding(data:bytes) -> str:
    "What `data` is written in if it is text: 'utf-8', or what its byte order mark or its zeros say."
    marked = next((name for mark, name in MARKS.items() if data.startswith(mark)), None)
    if marked or b'\0' not in data[:2]: return marked or 'utf-8'
    return 'utf-16-be' if data[:1] == b'\0' else 'utf-16-le'       # it begins as ASCII does

def decoded(data:bytes) -> str:
    "`data` as text with plain line ends, as Windows' tools too write it; UnicodeDecodeError if it is none."
    return re.sub('\r\n?', '\n', data.decode(coding(data)))

def read_text(path:str|os.PathLike) -> str:
    "The text of the file `path`, as `decoded`; OSError, or ValueError with what to do, if it is no text."
    try: return decoded(Path(path).read_bytes())
    except UnicodeDecodeError as e:
        raise ValueError(f'no text in UTF-8 or UTF-16 (byte {e.start:,}): save it as UTF-8') from None

def shipped(name:str) -> Path:
    "The path of a file of `tinybench/embedded`: data and weights that come with the package."
    return Path(__file__).resolve().parents[1]/'embedded'/name

def unused(path:Path, *also:str) -> Path:
    "`path`, or the first of path-2, path-3, … that is not there; nor is it with the suffixes in `also`."
    names = (path.with_stem(path.stem + (f'-{i}' if i > 1 else '')) for i in count(1))
    return next(p for p in names if not any(q.exists() for q in (p, *map(p.with_suffix, also))))

def replace_folder(new:Path, old:Path) -> None:
    "Put the folder `new` in the place of `old`; if that fails, `old` is as it was."
    old.parent.mkdir(parents=True, exist_ok=True)
    aside = old.with_name(f'.{old.name}-{uuid.uuid4().hex}')
    try:
        if old.exists(): old.rename(aside)
        new.rename(old)
    except BaseException:    # Ctrl-C too
        if aside.exists() and not old.exists(): aside.rename(old)
        raise
    shutil.rmtree(aside, ignore_errors=True)

@contextmanager
def new_folder(place:Path) -> Iterator[Path]:
    "A folder to fill, which then takes the place of `place`; if that or the filling fails, nothing changes."
    new = place.with_name(f'.new-{uuid.uuid4().hex}')
    new.mkdir(parents=True)
    try:
        yield new
        replace_folder(new, place)
    finally: shutil.rmtree(new, ignore_errors=True)

@contextmanager
def exclusive(path:str|os.PathLike, wait:bool=True) -> Iterator[bool]:
    """Keeps other processes out of the block with this `path`, a file that is made if it is not there; yields
    whether the system can do that. BlockingIOError if one is in there and not `wait`."""
    try: import fcntl
    except ImportError: return (yield False)                # Windows has none
    lock, sure = os.open(path, os.O_RDWR | os.O_CREAT), True    # NFS locks only what may be written
    try:
        try: fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError: raise
        except OSError: sure = False                        # nor have some file systems
        yield sure
    finally: os.close(lock)
