"What is wanted of somebody else's archive: read into memory, limited in size, never written to disk"
import gzip, tarfile, zipfile, zlib
from collections.abc import Callable, Iterator
from pathlib import Path

# What a damaged archive may raise; RuntimeError if it is encrypted.
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, EOFError, RuntimeError)

class Limited:
    "Bytes of `f`, until there are more than `most`: then a ValueError."
    def __init__(self, f, most:int, name:str): self.f, self.left, self.most, self.name = f, most, most, name
    def read(self, n:int=-1) -> bytes:
        piece = self.f.read(self.left + 1 if n < 0 else min(n, self.left + 1))
        self.left -= len(piece)
        if self.left < 0: raise ValueError(f'{self.name} unpacks to more than {self.most:,} bytes')
        return piece

def of_tar(path:Path, most:int) -> Iterator[tuple]:
    "(name, size, a function that reads it) of each file in a .tar.gz, which is gone through once."
    with gzip.open(path) as unzipped:
        whole = Limited(unzipped, most, path.name)
        with tarfile.open(fileobj=whole, mode='r|', bufsize=1 << 18) as tar:
            while m := tar.next():
                if m.isreg(): yield m.name, m.size, tar.extractfile(m).read
                tar.members.clear()               # it would remember a hundred thousand

def of_zip(path:Path, most:int) -> Iterator[tuple]:
    "As `of_tar`, of a .zip."
    with zipfile.ZipFile(path) as z:
        for m in z.infolist():
            def read(m=m):
                with z.open(m) as f: return Limited(f, m.file_size, path.name).read()
            if not m.is_dir(): yield m.filename, m.file_size, read

def members(
    path:Path,
    key:Callable,         # name of a file in it -> what to call it, or None if it is not wanted
    most:int,             # bytes that one of them may have
    unpacked:int,         # bytes that a .tar.gz may have in all, unpacked; or the wanted ones of a .zip
) -> dict:                # bytes by key
    "The wanted files of a .tar.gz or .zip; ValueError if it is broken, or holds one twice or a larger one."
    found, total = {}, 0
    def refuse(why): raise ValueError(f'{path.name} {why}')
    try:
        for name, size, read in (of_zip if path.suffix == '.zip' else of_tar)(path, unpacked):
            if (k := key(name)) is None: continue
            total += size
            if size > most or total > unpacked: refuse(f'has {name} of {size:,} bytes, more than is allowed')
            if k in found: refuse(f'has {name} twice')
            found[k] = read()
            if len(found[k]) != size: refuse(f'is cut within {name}')
    except BROKEN as e: refuse(f'is a broken archive ({e})')
    return found
