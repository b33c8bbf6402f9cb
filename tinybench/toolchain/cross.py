"Programs for another machine: a bare Cortex-M, by the clang and the linker of the package ziglang"
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tinybench.toolchain.compiler import CompileError, Compiler, NoCompiler, known, on_path, wheel
from tinybench.toolchain.run import complaint, room, run
from tinybench.toolchain.store import NoLibrary, cache_folder, fingerprint, keep, kept, private


TIME_LIMIT = 120.       # seconds: the first program of a processor also compiles its run-time library

def zig_cache() -> dict[str, str]:
    "Where zig keeps the run-time library of each processor: seconds less for all programs but the first."
    try:
        folder = cache_folder().with_name('zig')
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return dict(ZIG_GLOBAL_CACHE_DIR=str(folder)) if private(folder) else {}
    except OSError: return {}           # then it is compiled each time

def find_cross() -> Compiler:
    "zig, which compiles for other machines; NoCompiler with how to get it."
    if command := wheel() or on_path('zig cc'): return known(command)
    raise NoCompiler("no compiler for microcontrollers: pip install 'tinybench-ml[mcu]'")

def linked(files:Mapping[str, str], script:str, flags:Sequence[str], secs:float=TIME_LIMIT,
           say:Callable[[str], object]=warnings.warn) -> bytes:
    """The ELF that zig makes of C `files` by name, linked as the file `script` says: kept from before, or
    made and kept. CompileError with its first complaint; NoLibrary if it cannot even start."""
    cc = find_cross()
    texts = (text for named in files.items() for text in named)
    key = fingerprint('cross 1', *cc.command, cc.version, script, *flags, *texts)
    if path := kept(key, '.elf'): return path.read_bytes()
    data = made(files, script, flags, cc, secs)
    try: keep(key, '.elf', data, say)
    except NoLibrary as e: say(f'{e}; it is compiled anew each time')
    return data

def made(files:Mapping[str, str], script:str, flags:Sequence[str], cc:Compiler, secs:float) -> bytes:
    "The ELF, compiled now."
    import tempfile
    command = [*cc.command, *flags, '-o', 'firmware.elf', f'-Wl,-T,{script}',
               *(name for name in files if name.endswith('.c'))]
    try:
        with tempfile.TemporaryDirectory(prefix='tinybench-', ignore_cleanup_errors=True) as folder:
            for name, text in files.items(): Path(folder, name).write_text(text, 'utf-8')
            code, said = run(command, folder, secs, zig_cache())
            if code: raise CompileError(f'zig failed: {complaint(code, said)}{room(folder)}')
            path = Path(folder, 'firmware.elf')
            data = path.read_bytes() if path.is_file() else b''
            if not data: raise CompileError(f'zig wrote no program{room(folder)}')
            return data
    except TimeoutError as e: raise CompileError(f'zig {e}') from e
    except OSError as e: raise NoLibrary(f'zig cannot run: {e.strerror or e}') from e
