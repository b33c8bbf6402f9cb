"A file of arrays looked over before anything large of it is read: sizes as declared, kinds, and no objects"
import math, os, stat, zipfile
from collections.abc import Callable

HEAD = 65536      # bytes that the head of an array may take

class BadArchive(ValueError): "A file of arrays that is not taken, and why."

def plain_file(path:str|os.PathLike, most:int) -> int:
    "The bytes of the file `path`; BadArchive if it is a link, no file, or has more than `most` bytes."
    try: found = os.lstat(path)
    except OSError as e: raise BadArchive(f'{os.path.basename(path)} cannot be read ({e.strerror})') from e
    if not stat.S_ISREG(found.st_mode): raise BadArchive(f'{os.path.basename(path)} is a link or no file')
    if found.st_size > most: raise BadArchive(
        f'{os.path.basename(path)} has {found.st_size:,} bytes, and at most {most:,} are allowed')
    return found.st_size

def read_head(f) -> tuple:
    "(shape, type, bytes of the head) of an array in npy format that is open as `f`."
    from numpy.lib import format as npy
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    shape, _, dtype = readers[npy.read_magic(f)](f)
    return shape, dtype, f.tell()

def check_member(z:zipfile.ZipFile, m:zipfile.ZipInfo, refuse:Callable):
    "Calls `refuse` with the reason if `m` is not one plain array of just the size that is declared."
    if not m.filename.endswith('.npy'): refuse(f'holds {m.filename!r}, which is no array')
    if m.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or m.flag_bits & 1:
        refuse(f'holds {m.filename!r}, which is encrypted or packed in an unusual way')
    with z.open(m) as f: shape, dtype, head = read_head(f)
    if dtype.hasobject: refuse(f'holds objects (a pickle) in {m.filename!r}, which could run code')
    if dtype.kind not in 'biuf': refuse(f'holds {dtype} in {m.filename!r}, not numbers')
    if head > HEAD or min(shape, default=1) < 0 or head + math.prod(shape)*dtype.itemsize != m.file_size:
        refuse(f'says that {m.filename!r} has the shape {shape}, which is not its size')

def check_npz(
    path:str|os.PathLike,
    most:int,             # bytes of the file, and of all arrays once they are unpacked
    members:int=1000,     # arrays
):
    "BadArchive unless `path` is a plain npz of numbers that takes at most `most` bytes; only heads are read."
    name = os.path.basename(path)
    def refuse(why): raise BadArchive(f'{name} {why}')
    plain_file(path, most)
    try:
        with zipfile.ZipFile(path) as z:
            found = z.infolist()
            if len(found) > members: refuse(
                f'holds {len(found):,} arrays, and at most {members:,} are allowed')
            if (total := sum(m.file_size for m in found)) > most: refuse(
                f'says that it unpacks to {total:,} bytes, and at most {most:,} are allowed')
            if len({m.filename for m in found}) < len(found): refuse('holds two arrays of one name')
            for m in found: check_member(z, m, refuse)
    except BadArchive: raise
    except Exception as e:                        # a damaged zip may raise almost anything
        raise BadArchive(f'{name} is damaged, or no npz ({type(e).__name__}: {e})') from e
