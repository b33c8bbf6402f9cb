"Files that are kept between processes, and believed only if they are whole and this user's own"
import atexit, functools, os, shutil
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from tinybench.base.files import write_whole


LIMIT = 200_000_000     # bytes; what was used longest ago goes first

class NoLibrary(RuntimeError):
    "Why there is no compiled library, in a sentence; what can do without one says so, and does."

def fingerprint(*parts:str|bytes) -> str:
    "32 hexadecimal digits that stand for `parts`, in order; where one ends and the next begins counts too."
    h = blake2b(digest_size=16)
    for part in (p.encode('utf-8', 'surrogateescape') if isinstance(p, str) else p for p in parts):
        h.update(b'%d:' % len(part) + part)
    return h.hexdigest()

def cache_folder() -> Path:
    "`compiled` in TINYBENCH_CACHE, $XDG_CACHE_HOME/tinybench or ~/.cache/tinybench; OSError without a home."
    if named := os.environ.get('TINYBENCH_CACHE'): base = Path(named).expanduser()
    elif xdg := os.environ.get('XDG_CACHE_HOME'): base = Path(xdg)/'tinybench'
    else:
        try: base = Path.home()/'.cache'/'tinybench'
        except RuntimeError as e: raise OSError(None, 'this user has no home folder') from e
    return base.absolute()/'compiled'

@functools.cache
def made_by(pid:int) -> Path:
    "A temporary folder of the process `pid`, gone when that ends; a fork makes one of its own."
    import tempfile                     # rarely used, and not quick
    folder = Path(tempfile.mkdtemp(prefix='tinybench-'))      # 0700
    atexit.register(lambda: os.getpid() == pid and shutil.rmtree(folder, ignore_errors=True))
    return folder

def folders() -> list[Path]:
    "Where to look for what was kept: the cache, and the temporary folder of this process."
    places = [lambda: made_by(os.getpid())] if made_by.cache_info().currsize else []
    found = []
    for place in (cache_folder, *places):
        try: found.append(place())
        except OSError: pass            # `keep` says so
    return found

def private(path:str|os.PathLike) -> bool:
    "Whether `path` is this user's, and only this user may write to it; OSError if it is not there."
    st = os.stat(path)
    return os.name != 'posix' or st.st_uid == os.geteuid() and not st.st_mode & 0o022

def kept_in(folder:Path, key:str, suffix:str) -> Path|None:
    "The file that was kept in `folder`; None if it is not there, damaged, or another user's."
    note = folder/f'{key}{suffix}.sum'
    try:
        digest = note.read_text('ascii')
        path = folder/f'{key}-{digest}{suffix}'
        if not all(map(private, (folder, note, path))): return None
        if fingerprint(path.read_bytes()) != digest: return None
    except (OSError, ValueError): return None
    for p in (note, path):
        try: os.utime(p)                # used just now
        except OSError: pass            # on a disk that only reads
    return path

def kept(key:str, suffix:str) -> Path|None:
    "The whole file that was kept as `key` and `suffix`; None if there is none that can be believed."
    return next(filter(None, (kept_in(f, key, suffix) for f in folders())), None)

def keep_in(folder:Path, key:str, suffix:str, data:bytes, limit:int=LIMIT) -> Path:
    """Keep `data` in `folder`, with its checksum beside it, and not more than `limit` bytes in all.
    OSError if that cannot be, or if others may write there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if not private(folder): raise PermissionError(None, f'the folder {folder} is not private: chmod go-w it')
    # The content is in the name: of two processes that write at once, either checksum names a file of its own
    digest = fingerprint(data)
    path, note = folder/f'{key}-{digest}{suffix}', folder/f'{key}{suffix}.sum'
    for p, what in ((path, data), (note, digest.encode())):
        write_whole(p, what)
        p.chmod(0o600)                  # whatever the umask
    prune(folder, limit, {path, note})
    return path

def keep(key:str, suffix:str, data:bytes, say:Callable[[str], object], limit:int=LIMIT) -> Path:
    """Keep `data` in the cache, or in a temporary folder, and `say` so; NoLibrary if neither can be.
    `kept` finds it."""
    try: return keep_in(cache_folder(), key, suffix, data, limit)
    except OSError as e:
        why = f'nothing can be kept in {e.filename}: {e.strerror}' if e.filename else e.strerror
    try: path = keep_in(made_by(os.getpid()), key, suffix, data, limit)
    except OSError as e: raise NoLibrary(f'{why}, nor in a temporary folder: {e.strerror}') from e
    say(f'{why}; a temporary folder serves until this process ends. TINYBENCH_CACHE names another')
    return path

def prune(folder:Path, limit:int, spare:set[Path]):
    "Remove what was used longest ago, but not `spare`, until `folder` takes at most `limit` bytes."
    files = []
    for p in folder.iterdir():
        try: files.append(((st := p.stat()).st_mtime_ns, st.st_size, p))
        except OSError: pass            # another process removed it
    total = sum(size for _, size, _ in files)
    for _, size, p in sorted(files):
        if total <= limit: return
        if p in spare: continue
        try: p.unlink()
        except OSError: continue        # Windows keeps what is loaded
        total -= size
