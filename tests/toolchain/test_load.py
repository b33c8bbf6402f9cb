"C becomes functions: right ones, from the cache without a compiler, and whatever two processes do at once"
import ctypes, resource, shutil, subprocess, sys

import numpy as np
import pytest

from compilekit import ADD, fake, files, python, runs, told
from tinybench.toolchain import load as load_module
from tinybench.toolchain.compiler import SUFFIX, Compiler, NoCompiler, compiled, find_compiler, flags
from tinybench.toolchain.load import load, sanitized
from tinybench.toolchain.store import NoLibrary, cache_folder

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='its limits and compilers are those of Linux')

# as what is emitted will look: vectors, a function of libm, no warning
VECTORS = '''
#include <math.h>
#include <stdint.h>
typedef float vec __attribute__((vector_size(64)));
#if N != 16
#error N
#endif
void scale(const float *x, float *y, int32_t n) {
    for (int32_t i = 0; i < n; i += N) {
        vec v;
        __builtin_memcpy(&v, x + i, sizeof v);
        v = v*2.f + 1.f;
        __builtin_memcpy(y + i, &v, sizeof v);
    }
    for (int32_t i = 0; i < n; i++) y[i] = expf(y[i]);
}
'''
STRICT = '-Werror', '-DN=16', '-lm'

def test_functions_of_c_are_called(real):
    lib = load(VECTORS, also=STRICT)                # warnings are errors
    x, y = np.linspace(-1, 1, 64, dtype='f4'), np.empty(64, 'f4')
    lib.scale(*(a.ctypes.data_as(ctypes.c_void_p) for a in (x, y)), 64)
    np.testing.assert_allclose(y, np.exp(2*x + 1), rtol=1e-5)
    assert load(ADD).add(2, -5) == -3

def test_subnormals_stay_what_they_are(real):
    "-ffast-math of gcc would have the whole process round them to zero."
    assert told(python(f'''
        import numpy as np
        from tinybench.toolchain.load import load
        load({ADD!r})
        print(np.float32(1e-40)*np.float32(1) > 0)''')) == 'True'

def test_what_was_kept_is_loaded_without_starting_anything(real):
    code = f'''
        import sys
        started = []
        starts = 'subprocess.Popen', 'os.fork', 'os.posix_spawn', 'os.exec', 'os.system'
        sys.addaudithook(lambda event, args: started.append(event) if event in starts else None)
        from tinybench.toolchain.load import load
        print(load({ADD!r}).add(2, 3), len(started), 'subprocess' in sys.modules)'''
    first, second = (told(python(code)).split() for _ in range(2))
    assert first == ['5', '1', 'True'] and second == ['5', '0', 'False']    # the fixture has asked its version

def test_sanitizers_find_what_is_wrong_and_nothing_else(gcc):
    code = '''
        import ctypes
        from tinybench.toolchain.load import load
        lib = load('int at(const int *p, int i) {{ return p[i]; }} int up(int i) {{ return i + 1; }}', sanitize=True)
        print(lib.{})'''
    env, array = sanitized(gcc), '(ctypes.c_int*4000)()'
    assert told(python(code.format(f'at({array}, 3999) + lib.up(2)'), env=env)) == '3'
    for bad, says in ((f'at({array}, 4000)', 'heap-buffer-overflow'), ('up(2**31 - 1)', 'signed integer overflow')):
        process = python(code.format(bad), env=env)
        assert says in process.communicate(timeout=300)[1] and process.returncode

@pytest.fixture
def counted(gcc, tmp_path, monkeypatch):
    "A compiler that is gcc, but counts how often it compiles, and never makes the same file twice."
    path = fake(tmp_path/'cc', f'exec {gcc.command[0]} "$@" -DWHO=$$')
    monkeypatch.setenv('TINYBENCH_CC', str(path))
    return path
WHO = 'int who(void) { return WHO; }\n' + ADD

@pytest.mark.parametrize('how', ['a bit', 'cut', 'empty', 'foreign', 'gone', 'no sum', 'writable'])
def test_a_damaged_library_is_compiled_anew_and_never_loaded(how, counted):
    load(WHO)
    library, = (p for p in files(cache_folder()) if p.suffix == SUFFIX)
    data = library.read_bytes()
    if how == 'a bit': library.write_bytes(data[:5000] + bytes([data[5000] ^ 1]) + data[5001:])
    if how == 'cut': library.write_bytes(data[:len(data)//2])
    if how == 'empty': library.write_bytes(b'')
    if how == 'foreign': library.write_bytes(compiled('int add(int a, int b) { return a - b; }', find_compiler(), flags(find_compiler())))
    if how == 'gone': library.unlink()
    if how == 'no sum': library.with_name(library.name[:32] + f'{SUFFIX}.sum').unlink()
    if how == 'writable': library.chmod(0o666)
    before = runs(counted)
    code = f'from tinybench.toolchain.load import load; print(load({WHO!r}).add(2, 3))'
    assert [told(python(code)) for _ in range(2)] == ['5', '5'] and runs(counted) == before + 1

def test_a_library_in_use_can_be_replaced_or_removed(counted):
    lib = load(WHO)
    who = lib.who()
    for p in files(cache_folder()): p.unlink()
    other = load(WHO)
    assert other.who() != who == lib.who() and runs(counted) == 2

def test_a_library_that_goes_between_look_and_load_is_made_again(counted, monkeypatch):
    def gone_at_first(*args, fresh=False, made=load_module.library, **more):
        path = made(*args, fresh=fresh, **more)
        if not fresh: path.unlink()
        return path
    monkeypatch.setattr(load_module, 'library', gone_at_first)
    assert load(WHO).add(2, 3) == 5 and runs(counted) == 2

def test_two_processes_at_once_both_end_right(counted, tmp_path):
    "Both compile: the compiler waits until there are two of it."
    body = counted.read_text().replace('exec ', 'while [ $(wc -l < "$0.runs") -lt 2 ]; do sleep .01; done\nexec ')
    counted.write_text(body)
    code = f'from tinybench.toolchain.load import load; lib = load({WHO!r}); print(lib.add(2, 3), lib.who())'
    said = [told(p).split() for p in [python(code), python(code)]]
    assert [five for five, _ in said] == ['5', '5'] and said[0][1] != said[1][1] and runs(counted) == 2
    assert told(python(code)) in [' '.join(s) for s in said] and runs(counted) == 2      # one of the two stays
    assert not list((tmp_path/'tmp').iterdir())

def test_many_processes_at_once_all_end_right(real):
    code = f'from tinybench.toolchain.load import load; print([load({ADD!r} + f"int f{{i}};", secs=250).add(i, 1) for i in range(5)])'
    assert {told(p) for p in [python(code) for _ in range(4)]} == {'[1, 2, 3, 4, 5]'}

def test_a_new_compiler_compiles_anew(counted):
    load(WHO)
    counted.write_text(counted.read_text().replace('Foundation 1', 'Foundation 2.0'))
    load(WHO)
    assert runs(counted) == 2

def test_what_is_no_library_is_a_sentence(tmp_path):
    cc = Compiler((str(fake(tmp_path/'cc', 'echo rubbish > network.so')),), '1', 'gcc')
    with pytest.raises(NoLibrary, match='cc made cannot be loaded'): load(ADD, compiler=cc)

def test_no_compiler_is_a_sentence(monkeypatch):
    monkeypatch.setenv('TINYBENCH_CC', 'none')
    with pytest.raises(NoCompiler, match='ziglang') as e: load(ADD)
    assert '\n' not in str(e.value)

def test_without_a_cache_it_says_so_and_runs(counted, tmp_path):
    shutil.rmtree(tmp_path/'cache')
    (tmp_path/'cache').write_text('')
    with pytest.warns(UserWarning, match='nothing can be kept in .*TINYBENCH_CACHE'): assert load(WHO).add(2, 3) == 5
    assert load(WHO).add(2, 3) == 5 and runs(counted) == 1          # from the temporary folder, and once is enough

def walled(*bwrap):
    "The command that runs what follows with other disks; the test is skipped if that cannot be."
    if not shutil.which('bwrap'): pytest.skip('needs bubblewrap')
    command = ['bwrap', '--dev-bind', '/', '/', *map(str, bwrap)]
    if subprocess.run([*command, 'true'], capture_output=True).returncode: pytest.skip('needs namespaces')
    return command

LOADS = '''
    from tinybench.toolchain.load import load
    from tinybench.toolchain.store import NoLibrary
    said = []
    try: print(load({!r}, say=said.append).add(2, 3), *said)
    except NoLibrary as e: print('none:', e)'''
def loads(n): return LOADS.format(f'{ADD}int big[{n}] = {{1}};')      # a library of 4*n bytes and more

def test_a_folder_that_only_reads_serves_what_is_in_it(gcc, tmp_path):
    assert told(python(loads(1))) == '5'
    box = walled('--ro-bind', tmp_path/'cache', tmp_path/'cache')
    assert told(python(loads(1), *box)) == '5'
    said = told(python(loads(2), *box))
    assert said.startswith('5 ') and 'cannot write' in said and 'a temporary folder serves' in said
    assert not list((tmp_path/'tmp').iterdir())         # gone with its process

def test_a_full_disk_of_the_cache_is_said(gcc, tmp_path):
    said = told(python(loads(100_000), *walled('--size', 65536, '--tmpfs', tmp_path/'cache')))
    assert said.startswith('5 ') and 'No space left on device' in said and 'a temporary folder serves' in said

def test_a_full_disk_of_the_compiler_is_a_sentence(real, tmp_path):
    said = told(python(loads(100_000), *walled('--size', 65536, '--tmpfs', tmp_path/'tmp')))
    assert said.startswith('none: ') and 'is full' in said and len(said.splitlines()) == 1
    assert not [p for p in files(cache_folder()) if p.suffix == SUFFIX]

def test_a_limit_of_file_size_is_a_sentence(gcc):
    "As a quota is: what is longer than that cannot be written."
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
    said = told(python(loads(100_000), preexec_fn=limit))
    assert said.startswith('none: gcc failed') and len(said.splitlines()) == 1
