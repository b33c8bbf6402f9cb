"Which compiler is found, that its version is asked once, and what is said of one that fails"
import os, shlex, signal, sys, time

import pytest

from compilekit import ADD, end_soon, fake, files, python, told
from tinybench.toolchain import compiler
from tinybench.toolchain.cache import library, library_key
from tinybench.toolchain.compiler import CompileError, Compiler, NoCompiler, compiled, find_compiler, flags
from tinybench.toolchain.cpu import Target, host
from tinybench.toolchain.run import complaint
from tinybench.toolchain.store import NoLibrary, kept

pytestmark = pytest.mark.skipif(os.name != 'posix', reason='the compilers of these tests are scripts of a shell')


# Which one

def test_the_wheel_comes_first_then_cc_and_the_path(tmp_path, monkeypatch):
    for name in ('cc', 'gcc', 'mine'): fake(tmp_path/name, 'exit 1', f'{name} of the Free Software Foundation')
    fake(tmp_path/'clang', 'exit 1', 'clang version 17')
    monkeypatch.setenv('PATH', f'{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin')
    if compiler.wheel(): assert find_compiler().kind == 'zig'
    monkeypatch.setattr(compiler, 'wheel', lambda: None)
    assert find_compiler() == Compiler((f'{tmp_path}/cc',), 'cc of the Free Software Foundation', 'gcc')
    monkeypatch.setenv('CC', 'mine -m64')
    assert find_compiler().command == (f'{tmp_path}/mine', '-m64')
    monkeypatch.setenv('CC', 'not there')
    fake(tmp_path/'cc', 'exit 1', 'rubbish')
    fake(tmp_path/'gcc', 'exit 1', 'rubbish')
    assert find_compiler().kind == 'clang'
    monkeypatch.setenv('TINYBENCH_CC', 'mine')
    assert find_compiler().command == (f'{tmp_path}/mine',)
    monkeypatch.setenv('TINYBENCH_CC', 'none')
    assert find_compiler() is None

def test_where_there_is_none_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setattr(compiler, 'wheel', lambda: None)
    assert find_compiler() is None

@pytest.mark.parametrize('named', ['not-there', '/not/there', '"open', '.', '-x'])
def test_a_name_that_is_no_compiler_is_a_sentence(named, monkeypatch):
    monkeypatch.setenv('TINYBENCH_CC', named)
    with pytest.raises(NoCompiler, match='TINYBENCH_CC names .*, which is not there'): find_compiler()

@pytest.mark.parametrize('body, says', [
    ('#!/bin/sh\necho hello', 'neither gcc nor clang'), ('#!/bin/sh\necho clang; exit 3', 'neither gcc nor clang'),
    ('#!/bin/sh\nhead -c 5000 /dev/urandom', 'neither gcc nor clang'), ('#!/bin/sh\nkill -SEGV $$', 'neither gcc nor clang'),
    ('#!/bin/sh\nsleep 100', 'did not end within 0.3 s'), ('#!/not/there', 'No such file'), ('\x7fELF', 'Exec format error')])
def test_what_does_not_answer_as_a_compiler_is_none(body, says, tmp_path, monkeypatch):
    monkeypatch.setattr(compiler, 'ASK_LIMIT', .3 if 'sleep' in body else 10)
    path = fake(tmp_path/'cc', '')
    path.write_text(body)
    monkeypatch.setenv('TINYBENCH_CC', str(path))
    with pytest.raises(NoCompiler, match=says) as e: find_compiler()
    assert '\n' not in str(e.value) and str(path) in str(e.value)

def test_the_version_is_asked_once_for_the_same_file(tmp_path, monkeypatch):
    path = fake(tmp_path/'cc', '')
    monkeypatch.setenv('TINYBENCH_CC', str(path))
    asked = []
    monkeypatch.setattr(compiler, 'ask', lambda command, ask=compiler.ask: asked.append(1) or ask(command))
    first = find_compiler()
    assert find_compiler() == first and len(asked) == 1
    fake(path, '', 'cc of the Free Software Foundation 2')
    os.utime(path, ns=(1, 1))                       # another file, of the same length
    assert find_compiler().version == 'cc of the Free Software Foundation 2' and len(asked) == 2
    fake(path, 'true', 'cc of the Free Software Foundation 3')
    assert find_compiler().version == 'cc of the Free Software Foundation 3' and len(asked) == 3


# Its flags, and the key they are part of

def test_flags_are_the_compilers(real):
    fast = flags(real)
    assert '-O3' in fast and '-ffast-math' not in fast and ('-fno-sanitize=all' in fast) == (real.kind == 'zig')
    assert '-fassociative-math' not in flags(real, fast_math=False)
    assert flags(real, also=['-DN=4', '-lm'])[-2:] == ('-DN=4', '-lm')
    if real.kind == 'gcc': assert '-fsanitize=address,undefined' in flags(real, sanitize=True)
    else:
        with pytest.raises(ValueError, match='sanitize takes gcc'): flags(real, sanitize=True)

@pytest.mark.parametrize('kind', ['zig', 'clang', 'gcc'])
@pytest.mark.parametrize('width', [4, 8, 16, 32, 64])
def test_clang_is_told_to_use_vectors_of_64_bytes_if_there_are(kind, width, monkeypatch):
    monkeypatch.setattr(compiler, 'host', lambda: Target('this', width))
    asked = '-mprefer-vector-width=512' in flags(Compiler(('/usr/bin/cc',), '1', kind))
    assert asked == (kind != 'gcc' and width == 64)

VECTORS = '''typedef float vec __attribute__((vector_size(64), aligned(4)));
void add(float *y, const float *x) { *(vec *)y += *(const vec *)x; }
'''

def test_a_vector_of_64_bytes_stays_in_one_piece(real):
    if host().vector_bytes < 64: pytest.skip('needs vectors of 64 bytes')
    assert b'zmm' in compiled(VECTORS, real, [*flags(real, also=['-S']), '-g0'])

def test_each_of_what_a_library_depends_on_is_in_its_key(monkeypatch):
    gcc = Compiler(('/usr/bin/gcc',), '12', 'gcc')
    keys = [library_key(ADD, ['-O3'], gcc), library_key(ADD + ' ', ['-O3'], gcc), library_key(ADD, ['-O2'], gcc),
            library_key(ADD, ['-O', '3'], gcc), library_key(ADD, ['-O3'], Compiler(gcc.command, '13', 'gcc')),
            library_key(ADD, ['-O3'], Compiler(('/opt/gcc',), '12', 'gcc'))]
    assert library_key(ADD, ['-O3'], gcc) == keys[0]
    monkeypatch.setattr('tinybench.toolchain.cpu.processor', lambda: ('another', frozenset({'avx2'})))
    keys.append(library_key(ADD, ['-O3'], gcc))
    monkeypatch.setattr('tinybench.toolchain.cpu.processor', lambda: ('another', frozenset({'avx2', 'fma'})))
    keys.append(library_key(ADD, ['-O3'], gcc))
    assert len(set(keys)) == len(keys) == 8


# One that fails

FAILS = {
    'echo "network.c:1:2: warning: w"; echo "network.c:3:4: error: no such thing" >&2; echo "x: error: 2"; exit 1':
        r'cc failed: network.c:3:4: error: no such thing \(exit status 1\)',
    'echo out of memory; exit 4': r'cc failed: out of memory \(exit status 4\)',
    'exit 1': r'cc failed: it said nothing \(exit status 1\)',
    'kill -SEGV $$': r'cc failed: it said nothing \(signal 11\)',
    'printf "\\033[31m\\377\\001 \\n"; head -c 300000 /dev/urandom; exit 1': r'cc failed: .*\(exit status 1\)',
    'true': 'cc wrote no library',
    ': > network.so': 'cc wrote no library',
    'mkdir network.so': 'cc wrote no library',
    'sleep 100 & sleep 100': 'cc did not end within 0.5 s'}

@pytest.mark.parametrize('body', FAILS)
def test_a_compiler_that_fails_is_one_sentence(body, tmp_path):
    cc = Compiler((str(fake(tmp_path/'cc', body.replace('network.so', f'network{compiler.SUFFIX}'))),), '1', 'gcc')
    with pytest.raises(CompileError, match=FAILS[body]) as e: library(ADD, ['-O3'], cc, secs=.5 if 'sleep' in body else 30)
    said, _, where = str(e.value).partition('; the source is in ')
    assert said.isprintable() and len(said) < 400
    with open(where) as f: assert f.read() == ADD           # to look at
    assert not files(tmp_path/'tmp') and not list((tmp_path/'tmp').iterdir())
    assert kept(library_key(ADD, ['-O3'], cc), compiler.SUFFIX) is None

def test_the_first_error_is_one_line():
    assert complaint(1, 'In file:\n\n  a.c:1: fatal error: x.h: No such file\nerror: 2') == 'a.c:1: fatal error: x.h: No such file (exit status 1)'
    assert complaint(1, 'cc1: terror\n') == 'cc1: terror (exit status 1)'
    assert len(complaint(1, 'error ' + 'x'*10_000)) < 400

def test_a_compiler_that_is_gone_is_a_sentence(tmp_path):
    with pytest.raises(NoLibrary, match='gone cannot run: No such file'): compiled(ADD, Compiler(('/not/gone',), '1', 'gcc'), [])

def test_real_errors_name_their_line(real):
    with pytest.raises(CompileError, match=r'network.c:2:.*error: .*\(exit status 1\)'): compiled('int a;\nint f( {', real, flags(real))

def test_a_name_that_is_missing_is_an_error_of_the_compiler(real):
    if sys.platform != 'linux': pytest.skip('needs ELF')
    with pytest.raises(CompileError, match='nowhere'): compiled('int nowhere(void); int f(void) { return nowhere(); }', real, flags(real))

def test_a_time_limit_ends_all_that_the_compiler_started(tmp_path):
    path = fake(tmp_path/'cc', f': > "$TMPDIR/half"; echo $$ >> {tmp_path}/pids; sleep 100 & echo $! >> {tmp_path}/pids; sleep 100')
    with pytest.raises(CompileError, match='did not end'): compiled(ADD, Compiler((str(path),), '1', 'gcc'), [], secs=1)
    pids = [int(p) for p in (tmp_path/'pids').read_text().split()]
    assert len(pids) == 2 and end_soon(pids) and not list((tmp_path/'tmp').iterdir())

def test_ctrl_c_leaves_no_compiler_and_no_half_file(tmp_path):
    path = fake(tmp_path/'cc', f'echo half > network.so; sleep 100 & echo $$ $! > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pids; sleep 100')
    process = python(f'''
        from tinybench.toolchain.load import load
        from tinybench.toolchain.compiler import Compiler
        load({ADD!r}, compiler=Compiler(({str(path)!r},), '1', 'gcc'))''')
    while not (tmp_path/'pids').exists() and process.poll() is None: time.sleep(.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert err.strip().endswith('KeyboardInterrupt')
    pids = [int(p) for p in (tmp_path/'pids').read_text().split()]
    assert len(pids) == 2 and end_soon(pids)
    assert not list((tmp_path/'tmp').iterdir()) and not (tmp_path/'cache').exists()

def test_ctrl_c_in_the_middle_of_a_start_waits_for_it(tmp_path, monkeypatch):
    "It comes when the compiler runs, but `Popen` has not returned yet."
    import subprocess
    started = []
    def start(*args, made=subprocess.Popen, **more):
        started.append(made(*args, **more))
        signal.raise_signal(signal.SIGINT)
        return started[0]
    monkeypatch.setattr(subprocess, 'Popen', start)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt): compiled(ADD, Compiler((str(fake(tmp_path/'cc', 'sleep 100')),), '1', 'gcc'), [])
    assert started[0].returncode == -signal.SIGKILL and signal.getsignal(signal.SIGINT) is before
    assert not list((tmp_path/'tmp').iterdir())

@pytest.mark.parametrize('name', ['with blank', 'ümläut', '''it's "quoted"''', '-x', '$(touch oops);&`touch oops`', 'a\nline'])
def test_any_path_will_do(name, real, tmp_path, monkeypatch):
    "The cache, the temporary folder, and that of the compiler; relative to the folder of the process, too."
    odd = tmp_path/name
    for p in (odd, odd/'tmp'): p.mkdir()
    program = odd/('zig' if real.kind == 'zig' else 'cc')
    program.write_text(f'#!/bin/sh\nexec {real.command[0]} "$@"')
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('TINYBENCH_CACHE', name)
    monkeypatch.setenv('TMPDIR', str(odd/'tmp'))
    monkeypatch.setattr('tempfile.tempdir', None)
    monkeypatch.setenv('TINYBENCH_CC', shlex.join([str(program), *real.command[1:]]))
    code = f'from tinybench.toolchain.load import load; print(load({ADD!r}).add(2, 3))'
    assert [told(python(code)) for _ in range(2)] == ['5', '5']
    assert any(p.suffix == compiler.SUFFIX for p in files(odd/'compiled')) and not files(odd/'tmp')
    assert not list(tmp_path.rglob('oops'))
