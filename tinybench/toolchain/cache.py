"A compiled library, made once for each source, flags, compiler and processor"
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from tinybench.toolchain.compiler import SUFFIX, TIME_LIMIT, CompileError, Compiler, compiled
from tinybench.toolchain.cpu import cpu_key
from tinybench.toolchain.store import LIMIT, NoLibrary, fingerprint, keep, kept


def library_key(source:str, flags:Sequence[str], compiler:Compiler) -> str:
    "What `library` is kept under: a change of any of the four, and it is compiled anew."
    return fingerprint(source, '\0'.join(flags), *compiler.command, compiler.version, cpu_key())

def library(source:str, flags:Sequence[str], compiler:Compiler, fresh:bool=False, secs:float=TIME_LIMIT,
            limit:int=LIMIT, say:Callable[[str], object]=warnings.warn) -> Path:
    """The shared library of the C in `source`: kept from before unless `fresh`, or compiled and kept.
    CompileError says where the source is; NoLibrary if there is no place for either."""
    key = library_key(source, flags, compiler)
    if not fresh and (path := kept(key, SUFFIX)): return path
    try: data = compiled(source, compiler, flags, secs)
    except CompileError as e:
        try: where = keep(key, '.c', source.encode(), lambda _: None, limit)
        except NoLibrary: raise e from None
        raise CompileError(f'{e}; the source is in {where}') from e
    return keep(key, SUFFIX, data, say, limit)
