"Files of the official sets: looked for, downloaded, and compared with the digest that was published"
import errno, hashlib, os, shutil
from pathlib import Path
from tinybench.data.source import cache_dir, checksum, local_file, stream
from .members import members
from .sets import RUNNER, SETS, File

# --- what tells a file from another

def git_object(kind:str, size:int):
    "What git digests begins with its kind and size."
    return hashlib.sha1(f'{kind} {size}\0'.encode())

def blob_id(path:Path) -> str:
    "The id that git gives to the contents of a file."
    digest = git_object('blob', path.stat().st_size)
    with path.open('rb') as f:
        while piece := f.read(1 << 20): digest.update(piece)
    return digest.hexdigest()

def keyword_files(path:Path) -> dict[str,bytes]:
    "The inputs of kws01 and their labels by name, of an archive of the repository that has them."
    folder = f'{RUNNER}/datasets/kws01/'
    def key(name): return name.removeprefix(folder) if name.startswith(folder) else None
    return members(path, key, 1 << 16, 1 << 27)

def tree_id(path:Path) -> str:
    "The id that git gives to the folder of `keyword_files`: an archive may be packed anew, this stays."
    tree = b''
    for name, data in sorted(keyword_files(path).items()):
        blob = git_object('blob', len(data))
        blob.update(data)
        tree += f'100644 {name}\0'.encode() + blob.digest()
    digest = git_object('tree', len(tree))
    digest.update(tree)
    return digest.hexdigest()

DIGESTS = dict(sha256=checksum, md5=lambda path: checksum(path, 'md5'), blob=blob_id, tree=tree_id)

def verified(f:File, path:Path, aside:Path|None=None) -> Path:
    "`path`, if it is the file that was published; else a ValueError, and it is moved to `aside`, if given."
    try: got = DIGESTS[f.kind](path)
    except ValueError as e: got = str(e)
    if got == f.digest: return path
    size = path.stat().st_size
    todo = f'It was left in place: put the file of {f.url} there.'
    if aside:
        os.replace(path, aside)
        todo = (f'It is kept as {aside}. Run again to download anew; if that ends the same, look inside: '
                'a login page or a proxy may have answered.')
    raise ValueError(f'{path if not aside else f.name}: not the file that was published, but {size:,} bytes, '
                     f'damaged or cut.\nexpected {f.kind} {f.digest}\nactual   {got}\n{todo}')

# --- where it is

def where(name:str) -> Path|None:
    "Where a file is, in TINYBENCH_DATA or in the cache; None if it is in neither."
    path = cache_dir()/name
    return local_file(name) or (path if path.exists() else None)

def is_here(name:str) -> bool:
    "Whether all files of a set are on this machine."
    return all(where(f.name) for f in SETS[name].files)

def room_for(f:File, folder:Path):
    "OSError if `folder`, which may not be there yet, has no room for the file."
    at = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    free, most = shutil.disk_usage(at).free/1e6, 1.02*f.mb + .1
    if free < most: raise OSError(errno.ENOSPC, f'{folder} has {free:,.0f} MB free, and {f.name} takes '
                                  f'{most:,.0f}: set TINYBENCH_CACHE to a folder with more')

def download(f:File, path:Path):
    "Bring the file to `path`, which appears only once it is whole and verified."
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{os.getpid()}.{path.name}')        # with its suffix, which says what it is
    try:
        with part.open('wb') as out:
            for piece in stream(f.url, path.name):
                out.write(piece)
                if out.tell() > 2e6*f.mb + 1e5: raise ConnectionError(
                    f'{f.url}: more comes than the {f.mb:,.0f} MB that were published')
        os.replace(verified(f, part, path.with_name(f'{path.name}.corrupt')), path)
    finally: part.unlink(missing_ok=True)

def brought(f:File) -> Path:
    """A file, verified: in TINYBENCH_DATA, else in the cache, else downloaded into that.
    ValueError: another file. ConnectionError: no network. OSError: the cache cannot be used."""
    if local := local_file(f.name): return verified(f, local)
    path = cache_dir()/f.name
    if not path.exists(): room_for(f, path.parent)
    try:
        if path.exists(): return verified(f, path, path.with_name(f'{path.name}.corrupt'))
        download(f, path)
    except ConnectionError as e: raise ConnectionError(
        f'cannot download {e}\nWith a browser elsewhere, save that file as {path},\n'
        f'or as {f.name} in a folder of your own and set TINYBENCH_DATA to that folder.') from e
    except OSError as e: raise OSError(e.errno, f'cannot use {path} ({e.strerror}): set TINYBENCH_CACHE to a '
                                       'folder with room that you may write') from e
    return path

def bring(name:str) -> list[Path]:
    "All files of a set, in order."
    return [brought(f) for f in SETS[name].files]
