"From C to functions that Python calls"
import ctypes, os, warnings
from collections.abc import Callable, Sequence

from tinybench.toolchain.cache import library
from tinybench.toolchain.compiler import TIME_LIMIT, Compiler, NoCompiler, find_compiler, flags
from tinybench.toolchain.store import NoLibrary


def load(source:str, *, fast_math:bool=True, sanitize:bool=False, also:Sequence[str]=(),
         compiler:Compiler|None=None, secs:float=TIME_LIMIT,
         say:Callable[[str], object]=warnings.warn) -> ctypes.CDLL:
    """The functions of the C in `source`, compiled by `compiler` or the one found, or kept. `also`:
    flags, as -lm; `sanitize`: only in the environment `sanitized`. NoLibrary says in a sentence why there is
    none, and `say` is told what does no harm."""
    compiler = compiler or find_compiler()
    if not compiler: raise NoCompiler('no C compiler: install the package ziglang, or gcc or clang')
    how = flags(compiler, fast_math, sanitize, also)
    # a library that was kept may have gone since, or be of a system with other libraries: then once more
    try: return ctypes.CDLL(str(library(source, how, compiler, secs=secs, say=say)))
    except OSError: pass
    try: return ctypes.CDLL(str(library(source, how, compiler, fresh=True, secs=secs, say=say)))
    except OSError as e: raise NoLibrary(f'what {compiler.command[0]} made cannot be loaded: {e}') from e

def sanitized(compiler:Compiler) -> dict[str, str]:
    "The environment of a new Python that can load what was compiled with `sanitize`."
    import subprocess
    ask = [*compiler.command, '-print-file-name=libasan.so']
    path = subprocess.run(ask, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    # Python itself lets go of little when it ends
    return {**os.environ, 'LD_PRELOAD': path, 'ASAN_OPTIONS': 'detect_leaks=0'}
