"A network as C: what is written, what a C program makes of it, and what is refused."
import ctypes, json, os, re, subprocess
from pathlib import Path
import numpy as np
import pytest
from tinybench.cli import main
from tinybench.cli.compile import file_names
from tinybench.core.tensor import no_grad
from tinybench.models.zoo import create
from tinybench.native import int8
from tinybench.native.plan import plan
from tinybench.optimize.fuse import fold
from tinybench.optimize.integer import integer
from tinybench.optimize.step import strip
from tinybench.toolchain.compiler import find_compiler
from tinybench.toolchain.cpu import host
from tinybench.toolchain.run import run

needs_c = pytest.mark.skipif(os.name != 'posix' or not find_compiler(), reason='needs a C compiler')

@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    "Each test runs in an empty folder, and what it compiles is kept for it alone."
    monkeypatch.setenv('TINYBENCH_CACHE', str(tmp_path/'cache'))
    (tmp_path/'here').mkdir()
    monkeypatch.chdir(tmp_path/'here')
    return tmp_path/'here'

@pytest.fixture
def no_c(monkeypatch): monkeypatch.setenv('TINYBENCH_CC', 'none')

def status(*args):
    with pytest.raises(SystemExit) as e: main(['compile', *map(str, args)])
    return e.value.code or 0

def names(folder): return sorted(p.name for p in Path(folder).iterdir())
def inputs(*shape): return np.random.default_rng(3).normal(size=shape).astype(np.float32)
def answer(net, x):
    with no_grad(): return net.eval()(x).data
def close(got, want): np.testing.assert_allclose(got.reshape(want.shape), want, 1e-4, 1e-5*abs(want).max())
def address(a): return a.ctypes.data_as(ctypes.c_void_p)


# --- as a C program uses it

MAIN = '''
#include <stdio.h>
#include <string.h>
#include "one.h"
#include "two.h"
static float x[one_x_size], y[one_y_size], arena[one_arena_size], w[one_weights_size];
static float x2[two_x_size], y2[two_y_size], arena2[two_arena_size];
static int all(float *a, size_t n, const char *path)
{
    FILE *f = fopen(path, "rb");
    int whole = f && fread(a, sizeof *a, n, f) == n && fgetc(f) == EOF;
    if (f) fclose(f);
    return whole;
}
int main(void)
{
    if (!all(w, one_weights_size, "one.bin") || !all(x, one_x_size, "x.bin") || !all(x2, two_x_size, "x2.bin")) return 1;
    memset(arena, 255, sizeof arena), memset(arena2, 255, sizeof arena2);     /* each number is NaN */
    one_run(x, y, arena, w);
    two_run(x2, y2, arena2, two_weights);
    FILE *f = fopen("y.bin", "wb");
    return fwrite(y, sizeof *y, one_y_size, f) != one_y_size || fwrite(y2, sizeof *y2, two_y_size, f) != two_y_size || fclose(f);
}
'''

def flags_in(header):
    "How the header says that its C is to be compiled."
    return re.search(r'\n     cc (.*?) -c ', header.read_text(), re.S)[1].replace('\\\n', ' ').split()

@needs_c
def test_a_c_program_runs_two_networks_as_the_headers_say(folder):
    "One of weights from the file, one of an array; each as the plan in Python, whatever the arenas held."
    create('resnet8', np.random.default_rng(7), width=5).save('net.npz')
    (folder/'narrow_nets.py').write_text('from tinybench.models.zoo import resnet8\n'
                                          'def five():\n    import numpy as np\n    return resnet8(np.random.default_rng(0), width=5)\n')
    assert status('narrow_nets:five', '--weights', 'net.npz', '--shape', '32,32,3', '--batch', 2, '--name', 'one', '--out', 'one') == 0
    assert status('simple_cnn', '--name', 'two', '--embed', '--seed', 4, '--out', 'two') == 0
    x, x2 = inputs(2, 32, 32, 3), inputs(1, 8, 8, 1)
    x.tofile('x.bin'), x2.tofile('x2.bin'), Path('main.c').write_text(MAIN)
    compiler, how = find_compiler(), ['-Wall', '-Wextra', '-Werror', '-Ione', '-Itwo', *flags_in(folder/'one/one.h')]
    sources = 'main.c', 'one/one.c', 'two/two.c', 'two/two_weights.c'
    code, said = run((*compiler.command, *how, *sources, '-lm', '-o', 'main'), folder, 60)
    assert code == 0, said
    Path('one/one.bin').rename('one.bin')
    assert subprocess.run(['./main'], timeout=60).returncode == 0
    y = np.fromfile('y.bin', np.float32)
    net, other = create('resnet8', np.random.default_rng(7), width=5), create('simple_cnn', np.random.default_rng(4))
    for got, net, x in ((y[:20], net, x), (y[20:], other, x2)):
        close(got, answer(net, x))
        close(got, plan(net, x.shape[1:], len(x))(x))

@needs_c
def test_the_library_has_one_function_which_computes_the_network(folder):
    assert status('simple_cnn', '--batch', 3) == 0
    files, at = file_names('simple_cnn'), folder/'compiled/simple_cnn'
    assert names(at) == sorted(files[k] for k in ('c', 'h', 'bin', 'library'))
    lib, x = ctypes.CDLL(str(at/files['library'])), inputs(3, 8, 8, 1)
    sizes = {k: int(n) for k, n in re.findall(r'simple_cnn_(\w+)_size = (\d+)', (at/files['h']).read_text())}
    w = np.fromfile(at/files['bin'], '<f4')
    assert sizes == dict(x=x.size, y=30, arena=sizes['arena'], weights=w.size)
    y, arena = np.empty((3, 10), np.float32), np.full(sizes['arena'] + 64, 7, np.float32)
    lib.simple_cnn_run(*map(address, (x, y, arena[32:-32], w)))
    close(y, answer(create('simple_cnn', np.random.default_rng(0)), x))
    assert (arena[:32] == 7).all() and (arena[-32:] == 7).all()
    with pytest.raises(AttributeError): lib.run

def test_weights_in_digits_are_the_weights(folder, no_c):
    assert status('simple_cnn', '--embed') == 1
    at = folder/'compiled/simple_cnn'
    said = (at/'simple_cnn_weights.c').read_text().partition('= {')[2]
    digits = np.array(re.findall(r'[-+.\de]+(?=f)', said), np.float32)
    np.testing.assert_array_equal(digits, np.fromfile(at/'simple_cnn.bin', '<f4'))


@needs_c
def test_a_network_without_weights_or_arena(folder):
    "C knows no array of no numbers: there is one that nobody reads."
    (folder/'bare_nets.py').write_text('from tinybench.nn.dense import ReLU\ndef relu(): return ReLU()\n')
    assert status('bare_nets:relu', '--shape', '5', '--embed') == 0
    at, x, y = folder/'compiled/relu', inputs(5), np.empty(5, np.float32)
    assert (at/'relu.bin').read_bytes() == bytes(4) and '{\n0.0f\n}' in (at/'relu_weights.c').read_text()
    compiler = find_compiler()
    code, said = run((*compiler.command, '-Wall', '-Wextra', '-Werror', '-pedantic', '-c', 'compiled/relu/relu_weights.c', '-o', 'w.o'), folder, 60)
    assert code == 0, said
    ctypes.CDLL(str(at/file_names('relu')['library'])).relu_run(address(x), address(y), None, None)
    np.testing.assert_array_equal(y, np.maximum(x, 0))


# --- codes

CODES_MAIN = '''
#include <stdio.h>
#include "net.h"
static signed char x[net_x_size], y[net_y_size];
static float arena[net_arena_size];
static int w[net_weights_size];
int main(void)
{
    FILE *f = fopen("x.bin", "rb"), *g = fopen("net/net.bin", "rb"), *out = fopen("y.bin", "wb");
    if (fread(x, 1, net_x_size, f) != net_x_size || fread(w, 4, net_weights_size, g) != net_weights_size) return 1;
    net_run(x, y, arena, w);
    fwrite(y, 1, net_y_size, out);
    net_run(x, y, arena, net_weights);
    fwrite(y, 1, net_y_size, out);
    return fclose(out);
}
'''

@needs_c
def test_a_c_program_runs_a_network_of_codes(folder):
    "By weights from the file and from the array, each the codes of the integer core, with the flags that the header names."
    examples = inputs(20, 8, 8, 1)
    np.save('examples.npy', examples)
    assert status('simple_cnn', '--dtype', 'int8', '--examples', 'examples.npy', '--embed', '--name', 'net', '--out', 'net') == 0
    x = np.random.default_rng(1).integers(-128, 128, (1, 8, 8, 1)).astype(np.int8)
    x.tofile('x.bin'), Path('main.c').write_text(CODES_MAIN)
    compiler, header = find_compiler(), folder/'net/net.h'
    how = ['-Wall', '-Wextra', '-Werror', '-Inet', *flags_in(header)]
    code, said = run((*compiler.command, *how, 'main.c', 'net/net.c', 'net/net_weights.c', '-lm', '-o', 'main'), folder, 60)
    assert code == 0, said
    assert subprocess.run(['./main'], timeout=60).returncode == 0
    net = integer(fold(strip(create('simple_cnn', np.random.default_rng(0)))), examples)
    want = answer(net[1:-1], x)
    np.testing.assert_array_equal(np.fromfile('y.bin', np.int8).reshape(2, -1), np.concatenate([want, want]))
    for m in (net[0], net[-1]): assert f'a code q stands for {m.grid().scale:.9g}*(q - {m.grid().zero})' in header.read_text()

def test_examples_that_say_nothing_are_refused(folder, capsys):
    np.save('wide.npy', inputs(4, 9, 9, 1))
    (folder/'coded_nets.py').write_text('''import numpy as np
from tinybench.models.zoo import create
from tinybench.optimize.fuse import fold
from tinybench.optimize.integer import integer
from tinybench.optimize.step import strip
def coded():
    return integer(fold(strip(create('simple_cnn', np.random.default_rng(0)))), np.random.default_rng(1).normal(size=(9, 8, 8, 1)).astype('f4'))
''')
    for said, *args in (('int8 only', 'simple_cnn', '--examples', 'wide.npy'), ('takes (8, 8, 1)', 'simple_cnn', '--dtype', 'int8', '--examples', 'wide.npy'),
                        ('has its grids', 'coded_nets:coded', '--shape', '8,8,1', '--dtype', 'int8', '--examples', 'wide.npy'),
                        ("did you mean 'int8'", 'simple_cnn', '--dtype', 'int9')):
        assert status(*args) == 1 and said in capsys.readouterr().err
    if find_compiler(): assert status('coded_nets:coded', '--shape', '8,8,1', '--dtype', 'int8') == 0


# --- what is said

@needs_c
def test_sizes_are_those_of_the_plan(capsys):
    p = plan(create('simple_cnn', np.random.default_rng(0)), (8, 8, 1))
    assert status('simple_cnn', '--json') == 0
    found = json.loads(capsys.readouterr().out)
    assert [found[k] for k in ('functions', 'arena', 'weights')] == [len(p.layout.steps), p.arena.nbytes, p.weights.nbytes]
    assert found['x'] == [1, 8, 8, 1] and found['y'] == [1, 10] and found['secs'] > 0 and found['error'] < 1e-5 and not found['why']
    assert found['library'] == Path('compiled/simple_cnn', file_names('simple_cnn')['library']).stat().st_size
    assert status('simple_cnn') == 0
    out, err = capsys.readouterr()
    assert f'{p.arena.nbytes:,} bytes' in out and 'kept from before' in out and err.startswith('written to ')

def test_without_a_compiler_all_else_is_written(no_c, capsys):
    assert status('simple_cnn') == 1
    out, err = capsys.readouterr()
    assert names('compiled/simple_cnn') == ['simple_cnn.bin', 'simple_cnn.c', 'simple_cnn.h']
    assert re.search('library +none', out) and 'there is no library: no C compiler' in err and err.count('\n') == 2


# --- what is refused, and what is replaced

@pytest.mark.parametrize('args, says', [
    (['resnet'], "did you mean 'resnet8'"), (['simple_cnn', '--shape', '8x8'], '--shape 8x8: write whole numbers'),
    (['simple_cnn', '--shape', '8,0,1'], 'above 0'), (['simple_cnn', '--name', '2nd'], 'is no name in C'),
    (['simple_cnn', '--weights', 'no.npz'], 'no.npz'), (['simple_cnn', '--out', '.'], 'the folder you are in'), (['simple_cnn', '--out', __file__], 'is a file'),
    (['simple_cnn', '--out', Path(__file__).parent], 'will not be replaced'), (['simple_cnn', '--out', Path(__file__)/'x'], 'cannot write a folder'), (['functools:partial', '--shape', '3'], 'partial'),
    (['odd_nets:function'], 'tinybench networks only'), (['odd_nets:odd'], "no C is known for the operation 'var'"),
    (['odd_nets:bare'], '--shape 28,28,1'), (['odd_nets:ill'], 'NaN')])
def test_an_expected_error_is_one_line_and_nothing_is_written(folder, capsys, args, says):
    if says == 'NaN' and not find_compiler(): pytest.skip('needs a C compiler')
    (folder/'odd_nets.py').write_text('''
import numpy as np
from tinybench.backends.base import as_model
from tinybench.nn.dense import Dense
class Odd(Dense):
    def forward(self, x): return super().forward(x).var(-1)
def function(): return as_model('f', abs, (3,))
def bare(): return Dense(3, 4, np.random.default_rng(0))
def odd(): return as_model('odd', Odd(3, 4, np.random.default_rng(0)), (3,))
def ill():
    net = bare()
    net.w.data[:] = np.nan
    return as_model('ill', net, (3,))
''')
    assert status(*args) == 1
    out, err = capsys.readouterr()
    assert out == '' and err.startswith('tinybench: ') and says in err and err.count('\n') == 1, err
    assert set(names(folder)) <= {'odd_nets.py', '__pycache__'}

def test_its_own_folder_is_replaced_and_no_other(folder, no_c, capsys):
    at = folder/'compiled/simple_cnn'
    assert status('simple_cnn', '--embed') == 1 and (at/'simple_cnn_weights.c').exists()
    before = (at/'simple_cnn.bin').read_bytes()
    assert status('simple_cnn', '--seed', 1) == 1 and not (at/'simple_cnn_weights.c').exists()
    assert (at/'simple_cnn.bin').read_bytes() != before
    (at/'simple_cnn.o').write_bytes(b'')         # as the header advises
    assert status('simple_cnn') == 1 and names(at) == ['simple_cnn.bin', 'simple_cnn.c', 'simple_cnn.h']
    capsys.readouterr()
    assert status('simple_cnn', '--name', 'other', '--out', at) == 1 and 'simple_cnn.bin, which is not of other' in capsys.readouterr().err
    (at/'mine.c').write_text('int x;')
    kept = names(at)
    assert status('simple_cnn', '--out', at) == 1 and 'will not be replaced' in capsys.readouterr().err
    (at/'mine.c').unlink(), (at/'simple_cnn.h').write_text('/* mine */')
    assert status('simple_cnn', '--out', at) == 1 and set(names(at)) == set(kept) - {'mine.c'}


# --- blocks that were tried

@needs_c
@pytest.mark.parametrize('dtype', ['float32', 'int8'])
def test_blocks_are_tried_on_demand(monkeypatch, folder, dtype):
    asked = []
    monkeypatch.setattr(int8, 'fastest', lambda calls: asked.append([*calls]) or [*calls][-1])
    assert status('simple_cnn', '--measure', '--dtype', dtype, '--out', 'tried') == 0 and asked
    tried = (folder/'tried/simple_cnn.c').read_text()
    for p, v in (a[-1] for a in asked[:-1]):
        assert re.search(rf'blocks of {p} pixels x {v*host().lanes()} outputs', tried)
    assert status('simple_cnn', '--dtype', dtype, '--out', 'counted') == 0
    assert (folder/'counted/simple_cnn.c').read_text() != tried

def test_without_a_compiler_nothing_is_tried(no_c, capsys, folder):
    assert status('simple_cnn', '--measure') == 1
    said = capsys.readouterr().err
    assert said.count('no C compiler') == 1 and 'numpy runs' not in said and (folder/'compiled/simple_cnn/simple_cnn.c').is_file()
