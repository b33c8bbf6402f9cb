"A C compiler: which there is, its flags, and what it makes of C"
import os, platform, shutil, sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tinybench.toolchain.cpu import host
from tinybench.toolchain.run import complaint, room, run
from tinybench.toolchain.store import NoLibrary, fingerprint, keep, kept


SUFFIX = {'win32': '.dll', 'darwin': '.dylib'}.get(sys.platform, '.so')
TIME_LIMIT, ASK_LIMIT = 60., 10.    # seconds

class NoCompiler(NoLibrary):
    "No C compiler was found, or the one that was named is none."

class CompileError(NoLibrary):
    "A compiler that failed, hung or wrote nothing."

@dataclass(frozen=True)
class Compiler:
    "A C compiler: how it is started, its version, and whose flags it takes."
    command: tuple[str, ...]
    version: str
    kind: str           # 'zig', 'clang' or 'gcc'


# Which one

def wheel() -> tuple[str, ...]|None:
    "The clang of the package `ziglang`; its binary itself, as `python -m ziglang` would start Python first."
    spec = find_spec('ziglang')
    path = spec and spec.origin and Path(spec.origin).with_name('zig.exe' if os.name == 'nt' else 'zig')
    return (str(path), 'cc') if path and path.is_file() else None

def on_path(said:str) -> tuple[str, ...]|None:
    "The command `said`, a program and perhaps arguments, with the program's path; None if there is none."
    if whole := shutil.which(said): return (os.path.abspath(whole),)    # with blanks, maybe
    import shlex
    try: name, *rest = shlex.split(said)
    except ValueError: return None      # no words, or an open quote
    return (os.path.abspath(path), *rest) if (path := shutil.which(name)) else None

def candidates() -> Iterator[tuple[str, ...]]:
    "The compilers to try, the best first."
    if command := wheel(): yield command
    for name in (os.environ.get('CC', ''), 'cc', 'gcc', 'clang'):
        if command := on_path(name): yield command

def find_compiler() -> Compiler|None:
    """The compiler that TINYBENCH_CC names (`none` for none, `zig` for the wheel's), or the wheel `ziglang`,
    `$CC`, cc, gcc or clang; None if there is none. NoCompiler if what TINYBENCH_CC names is none."""
    named = os.environ.get('TINYBENCH_CC', '').strip()
    if named == 'none': return None
    if named:
        command = named == 'zig' and (wheel() or on_path('zig cc')) or on_path(named)
        if not command: raise NoCompiler(f'TINYBENCH_CC names {named}, which is not there')
        return known(command)
    for command in candidates():
        try: return known(command)
        except NoCompiler: pass
    return None

def known(command:tuple[str, ...]) -> Compiler:
    "`command` with its version, which is asked once for the same file; NoCompiler if it is no compiler."
    path = os.path.realpath(command[0])
    try: st = os.stat(path)
    except OSError as e: raise NoCompiler(f'{path}: {e.strerror}') from e
    key = fingerprint('compiler', *command, path, str(st.st_mtime_ns), str(st.st_size))
    if note := kept(key, '.txt'): kind, version = note.read_text('utf-8').split(' ', 1)
    else:
        kind, version = ask(command)
        try: keep(key, '.txt', f'{kind} {version}'.encode(), lambda _: None)
        except NoLibrary: pass          # then it is asked each time
    return Compiler(command, version, kind)

SIGNS = {'clang': 'clang', 'gcc': 'Free Software Foundation'}

def ask(command:tuple[str, ...]) -> tuple[str, str]:
    "Kind and version of a compiler, as it says; NoCompiler if it is none."
    import tempfile
    zig = Path(command[0]).stem == 'zig'
    try:
        with tempfile.TemporaryDirectory(prefix='tinybench-', ignore_cleanup_errors=True) as folder:
            code, said = run((command[0], 'version') if zig else (*command, '--version'), folder, ASK_LIMIT)
    except OSError as e: raise NoCompiler(f'{command[0]}: {e.strerror or e}') from e    # TimeoutError too
    kind = 'zig' if zig else next((k for k, sign in SIGNS.items() if sign in said), None)
    if code or not kind: raise NoCompiler(f'{command[0]} is neither gcc nor clang')
    return kind, ' '.join(said.split())


# Its flags

# -ffast-math in words: under that name gcc adds code that makes the whole process round subnormals to zero.
# Without -ffinite-math-only: where exp overflows, 1/(1 + exp(-x)) is to be 0, not NaN
FAST = ('-fassociative-math', '-freciprocal-math', '-fno-signed-zeros',
        '-fno-trapping-math', '-fno-math-errno', '-ffp-contract=fast')
NATIVE = dict(x86_64='-march=native', amd64='-march=native', aarch64='-mcpu=native', arm64='-mcpu=native')
CHECKED = '-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'

def flags(compiler:Compiler, fast_math:bool=True, sanitize:bool=False,
          also:Sequence[str]=()) -> tuple[str, ...]:
    """Flags of a library for this machine: fastest, or with sanitizers (addresses, undefined behaviour).
    `also`: further ones, such as -DN=4 or -lm. ValueError if it is to sanitize and is not gcc."""
    if sanitize and compiler.kind != 'gcc':
        raise ValueError(f'sanitize takes gcc, and {compiler.command[0]} is {compiler.kind}')
    native = NATIVE.get(platform.machine().lower())
    how = [*CHECKED] if sanitize else ['-O3', *([native] if native else [])]
    if os.name == 'posix': how.append('-fPIC')
    if fast_math: how += FAST
    # zig would trap on undefined behaviour, and compile a library of its own at first, for seconds; through a
    # script of another name it looks like clang
    if compiler.kind != 'gcc': how.append('-fno-sanitize=all')
    if compiler.kind == 'zig': how.append('-rtlib=none')
    # clang would cut a vector of 64 bytes in two, as if the clock still fell when one is used
    if compiler.kind != 'gcc' and host().vector_bytes == 64: how.append('-mprefer-vector-width=512')
    # a name that is missing is an error now, not when the library is loaded
    if sys.platform == 'linux' and not sanitize: how.append('-Wl,-z,defs')
    return ('-std=c11', '-Wall', '-Wextra', '-shared', *how, *also)


# What it makes

def compiled(source:str, compiler:Compiler, flags:Sequence[str], secs:float=TIME_LIMIT) -> bytes:
    """The shared library that `compiler` makes of the C in `source`. CompileError with its first error if it
    fails, takes more than `secs` or writes nothing; NoLibrary if it cannot even start."""
    import tempfile
    name, out = Path(compiler.command[0]).name, f'network{SUFFIX}'
    libs = [f for f in flags if f.startswith('-l')]         # linkers want them last
    command = [*compiler.command, *(f for f in flags if f not in libs), '-o', out, 'network.c', *libs]
    try:
        with tempfile.TemporaryDirectory(prefix='tinybench-', ignore_cleanup_errors=True) as folder:
            Path(folder, 'network.c').write_text(source, 'utf-8')
            code, said = run(command, folder, secs)
            if code: raise CompileError(f'{name} failed: {complaint(code, said)}{room(folder)}')
            data = path.read_bytes() if (path := Path(folder, out)).is_file() else b''
            if not data: raise CompileError(f'{name} wrote no library{room(folder)}')
            return data
    except TimeoutError as e: raise CompileError(f'{name} {e}') from e
    except OSError as e: raise NoLibrary(f'{name} cannot run: {e.strerror or e}') from e
