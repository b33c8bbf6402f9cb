"Plans of codes are those of the integer core to the last bit: official networks, random ones, each width, each flag; in C and in numpy."
import copy, ctypes, os, pickle, subprocess, sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from codekit import check_run, coded, codes, eager, grid, of, product
from tinybench.core.tensor import Tensor, concatenate
from tinybench.emit.integer import one_step
from tinybench.emit.steps import Apply, Step
from tinybench.models.zoo import SHAPES, create
from tinybench.native import plan as fractions
from tinybench.native.int8 import CODE_OPS, code_head, fours, plan
from tinybench.native.plan import least
from tinybench.nn.dense import Dense, ReLU
from tinybench.nn.module import Module, Sequential
from tinybench.nn.norm import BatchNorm
from tinybench.optimize import integer as core
from tinybench.optimize.fuse import fold
from tinybench.optimize.integer import (
    Dequantize, IntegerAdd, IntegerAvgPool2d, IntegerConv2d, IntegerDense, IntegerDepthwiseConv2d, IntegerGlobalAvgPool2d,
    IntegerMaxPool2d, IntegerSoftmax, Lookup, Quantize, integer, integer_network)
from tinybench.optimize.quantize import Grid
from tinybench.toolchain.compiler import compiled, flags
from tinybench.toolchain.cpu import Target, host
from tinybench.toolchain.load import load, sanitized

sys.path.append(str(Path(__file__).parents[1]/'models'))
from filekit import official

needs_c = pytest.mark.skipif(os.name != 'posix', reason='the compilers of these tests are those of POSIX')
TASKS = dict(kws='ds_cnn', ic='resnet8', vww='mobilenet_v1_025', ad='fc_autoencoder')

def never(said): raise AssertionError(said)
def built(net, shape, dtype='int8', batch=1, **how): return plan(net, shape, dtype, batch, say=never, **how)

def inputs(shape, batch, dtype, seed=5):
    if dtype == 'int8': return codes(shape, batch, seed)
    return np.random.default_rng(seed).normal(size=(batch, *shape)).astype(np.float32)*3

def random_equal(seeds, **how):
    for seed in seeds:
        net, shape, batch = coded(seed)
        for dtype in ('int8', 'float32'):
            x = inputs(shape, batch, dtype, seed)
            np.testing.assert_array_equal(built(net, shape, dtype, batch, **how)(x), of(net, x), f'seed {seed}, {dtype}')


# --- to the last bit

@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('native', [False, True], ids=['numpy', 'C'])
def test_official_networks(task, native, reference_dir):
    "The stored outputs of all inputs, one by one."
    g, z = official(task, reference_dir, 'int8')
    net, x = integer_network(g), z['in/int8']
    p = plan(net, x.shape[1:], 'int8', native=native, say=lambda said: pytest.skip('needs a compiler'))
    np.testing.assert_array_equal(np.concatenate([p(v[None]).copy() for v in x]), z['out/int8'])

@needs_c
@pytest.mark.slow
@pytest.mark.parametrize('task', TASKS)
def test_official_networks_by_each_compiler_and_in_batches(task, reference_dir, real):
    g, z = official(task, reference_dir, 'int8')
    x = z['in/int8']
    for batch in (1, 3):
        p, few = built(integer_network(g), x.shape[1:], batch=batch), x[:batch]
        np.testing.assert_array_equal(p(few), z['out/int8'][:batch])

@pytest.mark.parametrize('task', TASKS)
def test_official_networks_take_a_quarter_of_the_arena(task, reference_dir):
    "Beside the float32 plan of the network of the zoo, and of weights. The autoencoder's arena is little more than its input."
    g, _ = official(task, reference_dir, 'int8')
    p = plan(integer_network(g), g.shape, 'int8', native=False)
    f = fractions.plan(create(TASKS[task], np.random.default_rng(0)).eval(), g.shape, native=False)
    assert task == 'ad' or p.arena.nbytes < .3*f.arena.nbytes
    assert p.weights.nbytes < .35*f.weights.nbytes
    assert p.c.arena >= least(p.sizes, p.lives)

def test_random_networks_in_numpy(): random_equal(range(60), native=False)

@needs_c
def test_random_networks(real): random_equal(range(100, 104))

@needs_c
@pytest.mark.slow
def test_many_random_networks(real): random_equal(range(200, 240))

WIDTHS = [Target('some', 64, registers=32), Target('some', 64, dot='avx512_vnni', registers=32), Target('some', 32, registers=16),
          Target('some', 32, dot='avx_vnni', registers=16), Target('some', 16, registers=16), Target('neon', 16, dot='sdot', registers=32),
          Target('plain', 8), Target('plain', 4)]
FITTING = [t for t in WIDTHS if t.vector_bytes <= host().vector_bytes]      # gcc warns of what this machine has not
def name_of(t): return f'{t.vector_bytes}{t.dot and "-" + t.dot}'

@needs_c
@pytest.mark.parametrize('target', FITTING, ids=name_of)
def test_each_width_and_each_dot_product(target, gcc): random_equal((101,), target=target)

@needs_c
@pytest.mark.slow
@pytest.mark.parametrize('target', FITTING, ids=name_of)
def test_each_width_and_each_dot_product_often(target, real): random_equal(range(510, 518), target=target)

@needs_c
@pytest.mark.parametrize('target', FITTING, ids=name_of)
def test_all_products_of_bytes_and_codes(target, real):
    "256 bytes times 256 codes in each place of four, and the sums wrap; as the machine has it, or without."
    lib = load(code_head(target) + 'void f(const int *x, const int *w, int *y) { *(ints *)y = dot(load_ints(y), load_ints(x), load_ints(w)); }')
    n, minus, r = target.lanes(), 128*(target.dot == 'sdot'), np.random.default_rng(0)
    for k in range(4):
        for a in range(0, 256, 5 if k else 1):
            x, w = r.integers(0, 256, (n, 4)).astype(np.uint8), r.integers(-128, 128, (n, 4)).astype(np.int8)
            x[:, k], w[:, k] = a, np.resize(np.arange(a - 128, a - 128 + n), n).astype(np.int8)
            start = r.integers(-2**31, 2**31, n).astype(np.int32) if a % 2 else r.integers(-999, 999, n).astype(np.int32)
            y = start.copy()
            lib.f(*(v.ctypes.data_as(ctypes.c_void_p) for v in (x, w, y)))
            want = start + ((x.astype(np.int64) - minus)*w).sum(1)
            np.testing.assert_array_equal(y, want.astype(np.int32))


# --- whatever the compiler may do to fractions

# -ffast-math in words: under that name gcc would have this whole process round subnormals to zero
IN_WORDS = ('-fassociative-math', '-freciprocal-math', '-fno-signed-zeros', '-fno-trapping-math', '-fno-math-errno', '-ffinite-math-only')
FLAGS = [(), IN_WORDS, ('-O1',), (*IN_WORDS, '-ffp-contract=fast')]

@needs_c
@pytest.mark.parametrize('how', FLAGS, ids=lambda f: ' '.join(f) or 'ours')
@pytest.mark.parametrize('fast', [False, True])
def test_no_flag_changes_a_bit(how, fast, real):
    "Codes of fractions that lie next to the middle of two, sums of two grids, softmax of many, and the official rounding."
    r = np.random.default_rng(1)
    net, x = between_middles(r)
    also = ['-lm', *how]
    for m, a in [(net, x)] + [(net2, v) for net2, v in sums_and_powers(r)]:
        p = plan(m, a.shape[1:], 'int8' if a.dtype == np.int8 else 'float32', len(a), native=False)
        check_run(p, load(p.source(), fast_math=fast, also=also).run, a, of(m, a))

def between_middles(r):
    "A Quantize, and inputs whose quotients lie at the middle of two codes, one float32 beside it, and far outside."
    at = Grid(np.float32(.0371), 3, -128, 127)
    middle = ((np.arange(-140, 140) + .5)*np.float64(at.scale)).astype(np.float32)
    x = np.concatenate([middle, np.nextafter(middle, np.float32(9)), np.nextafter(middle, np.float32(-9)), np.float32([1e30, -1e30, 0, 1e-40])])
    return Sequential(Quantize(at), Lookup(np.arange(256).astype(np.int8), 'any'), Dequantize(at)), x[None]

def sums_and_powers(r):
    "All pairs of codes added on some grids; a softmax of 5, 20 and 300 logits."
    q = np.arange(-128, 128).astype(np.int8)
    pairs = np.stack(np.meshgrid(q, q), -1).reshape(1, 256, 256, 2)
    take = [np.int8([[[[1], [0]]]]), np.int8([[[[0], [1]]]])]
    for _ in range(2):
        at, to = grid(r), grid(r)
        arms = [Sequential(IntegerConv2d(w, np.zeros(1, np.int32), np.float32(1), at.zero, z.zero)) for w, z in zip(take, (at, at))]
        yield Sequential(Quantize(at), IntegerAdd(*arms, [at, at._replace(scale=np.float32(r.uniform(.01, .1))), to]), Dequantize(to)), pairs
    for n in (5, 20, 300):
        at = grid(r)._replace(scale=np.float32(.07))
        yield Sequential(Quantize(at), IntegerSoftmax(at), Dequantize(at)), r.integers(-128, 128, (40, n)).astype(np.int8)

@given(st.integers(0, 2**32))
@settings(max_examples=30)
def test_one_step_is_right_for_all_pairs_or_says_none(seed):
    r = np.random.default_rng(seed)
    a, b, to = (grid(r)._replace(scale=np.float32(np.exp(r.uniform(-6, 1)))) for _ in range(3))
    scales, zeros, lo, hi = np.array([a, b, to], np.float32).T
    how = dict(scales=scales, zeros=zeros, lo=lo[2], hi=hi[2])
    found = one_step(Step('add', [0, 1], 2, (), how, run=Apply(IntegerAdd.op, how)))
    if found is None: return
    S, T, K = found
    q = np.arange(-128, 128).astype(np.int8)
    x = y = np.arange(256, dtype=np.float32)
    z = x[:, None]*S + (y*T + K)
    got = (np.rint(np.clip(z, lo[2] - zeros[2], hi[2] - zeros[2])) + zeros[2]).astype(np.int8)
    np.testing.assert_array_equal(got, core.add_codes(q[:, None], q[None], **how))

def test_sums_for_which_no_single_step_is_right_are_divided(monkeypatch, real):
    monkeypatch.setattr('tinybench.emit.integer.one_step', lambda s: None)
    for net, x in list(sums_and_powers(np.random.default_rng(1)))[:2]:
        np.testing.assert_array_equal(built(net, x.shape[1:])(x), of(net, x))


# --- under sanitizers, and without a warning

def sanitize(seeds, gcc, how=''):
    code = f'import codekit\nfrom tinybench.toolchain.cpu import Target\ncodekit.sanitized_plans({seeds}{how})'
    done = subprocess.run([sys.executable, '-W', 'error', '-c', code], env=sanitized(gcc), cwd=Path(__file__).parent,
                          capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]

linux = pytest.mark.skipif(sys.platform != 'linux', reason='the sanitizers of these tests are those of Linux')

@linux
def test_sanitizers_find_nothing(gcc): sanitize((100, 103), gcc)

@linux
@pytest.mark.slow
@pytest.mark.parametrize('how', ['', ', target=Target("plain", 8)'], ids=['this machine', '8 bytes'])
def test_sanitizers_find_nothing_in_many(gcc, how): sanitize((*range(600, 608),), gcc, how)

def no_warning(seeds, cc, how='-O3', **more):
    for seed in seeds:
        net, shape, batch = coded(seed)
        assert compiled(plan(net, shape, 'int8', batch, native=False, **more).source(), cc, flags(cc, also=[how, '-Werror', '-lm']))

@needs_c
def test_no_warning(real): no_warning((100, 102), real)

@needs_c
@pytest.mark.slow
def test_no_warning_of_many(real):
    no_warning(range(700, 715), real, '-O1')
    for target in FITTING: no_warning((700, 701), real, '-O1', target=target)


# --- what is refused

def test_a_network_of_fractions_is_no_plan_of_codes():
    net = Sequential(Dense(4, 3, np.random.default_rng(0)), ReLU()).eval()
    with pytest.raises(ValueError, match='computes in fractions.*quantize it first'): plan(net, (4,), 'int8', native=False)
    assert type(plan(net, (4,), native=False)) is fractions.Plan      # and for fractions it is lesson 59's
    with pytest.raises(ValueError, match='takes float32 or int8, not int4'): plan(net, (4,), 'int4')

def small(**ways):
    at = Grid(np.float32(.1), 3, -128, 127)
    return Sequential(Quantize(at), product(IntegerDense, (6, 4), at, at, np.random.default_rng(0)), Dequantize(at))

def test_fractions_are_no_codes():
    p, f = built(small(), (6,), native=False), built(small(), (6,), 'float32', native=False)
    with pytest.raises(ValueError, match='takes codes, int8, not float32'): p(np.zeros((1, 6), np.float32))
    with pytest.raises(ValueError, match='takes codes, int8, not int64'): p([[1, 2, 3, 4, 5, 6]])
    with pytest.raises(ValueError, match='for an input of shape'): p(np.zeros((2, 6), np.int8))
    np.testing.assert_array_equal(f(np.ones((1, 6))), f(Tensor(np.ones((1, 6), np.float32))))

def test_operations_of_fractions_on_codes_are_refused_by_their_layer():
    at = Grid(np.float32(.1), 3, -128, 127)
    with pytest.raises(ValueError, match="^layers.1: no C is known for the operation 'relu' of codes"):
        plan(Sequential(Quantize(at), ReLU(), Lookup(np.zeros(256, np.int8), 'any')), (4,), native=False)

def test_sums_beyond_int32_are_refused():
    m = IntegerDense(np.full((2, 1), 127, np.int8), np.int32([2**31 - 1]), np.float32(1e-8), 0, 0)
    with pytest.raises(ValueError, match='sums may not fit int32'): plan(Sequential(m), (2,), 'int8', native=False)

def test_multipliers_that_are_none_are_refused():
    m = IntegerDense(np.ones((2, 1), np.int8), np.int32([1]), np.float32(np.inf), 0, 0)
    with pytest.raises(ValueError, match='multipliers that are NaN or infinite'): plan(Sequential(m), (2,), 'int8', native=False)

def test_a_softmax_that_overflows_is_refused():
    at = Grid(np.float32(9), -128, -128, 127)
    with pytest.raises(ValueError, match='softmax of numbers so large'), np.errstate(all='ignore'):
        plan(Sequential(IntegerSoftmax(at)), (2,), 'int8', native=False)


# --- parts of a plan

def test_no_operation_of_codes_is_forgotten():
    "Each layer of the integer core is in one of the random networks, and its operation in the list."
    kinds = {v for v in vars(core).values() if isinstance(v, type) and issubclass(v, Module) and v.__module__ == core.__name__ and hasattr(v, 'op')}
    assert {k.op.fwd for k in kinds} | {core.lookup_op.fwd} == CODE_OPS
    drawn = {type(m) for seed in range(60) for m in coded(seed)[0]}
    assert drawn >= {Quantize, Dequantize, IntegerConv2d, IntegerDepthwiseConv2d, IntegerDense, IntegerMaxPool2d, IntegerAvgPool2d,
                     IntegerGlobalAvgPool2d, IntegerAdd, IntegerSoftmax, Lookup}

@given(st.integers(1, 4), st.integers(1, 30), st.integers(1, 20))
def test_fours_are_the_bytes_of_a_run(parts, run, outputs):
    w = np.random.default_rng(run).integers(-128, 128, (parts, run, outputs)).astype(np.int8)
    got = fours(w).reshape(parts, -1, outputs)
    back = np.ascontiguousarray(got.transpose(0, 2, 1)).view(np.int8)
    np.testing.assert_array_equal(back[..., :run].transpose(0, 2, 1), w)
    assert not back[..., run:].any() and got.shape[1] == -(-run//4)

@pytest.mark.parametrize('native', [False, True])
@pytest.mark.parametrize('dtype', ['int8', 'float32'])
def test_copies_have_memory_of_their_own(native, dtype):
    net, shape, batch = coded(103)
    p = plan(net, shape, dtype, batch, native=native, say=lambda said: pytest.skip('needs a compiler'))
    x = inputs(shape, batch, dtype)
    for q in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        np.testing.assert_array_equal(q(x), of(net, x))
        assert not any(np.shares_memory(getattr(p, k), getattr(q, k)) for k in ('arena', 'weights', 'out'))

def test_codes_and_fractions_in_one_plan(real):
    "Fractions before and after codes, each in steps of its own."
    r = np.random.default_rng(0)
    net = Sequential(Dense(6, 6, r), ReLU(), *small(), Dense(4, 3, r), BatchNorm(3)).eval()
    p, x = built(net, (6,), 'float32', 2), inputs((6,), 2, 'float32')
    np.testing.assert_allclose(p(x), eager(net, x), rtol=1e-4, atol=1e-4)

def test_a_result_that_is_read_or_is_the_input():
    at = Grid(np.float32(.1), 3, -128, 127)
    class Twice(Module):
        def __init__(self, *parts): self.parts = list(parts)
        def forward(self, x):
            y = self.parts[0](x)
            self.parts[1](y)
            return y
    net = Twice(*(product(IntegerDense, (6, 6), at, at, np.random.default_rng(k)) for k in range(2))).eval()
    x = codes((6,), 2)
    np.testing.assert_array_equal(built(net, (6,), batch=2, native=False)(x), eager(net, x))
    np.testing.assert_array_equal(plan(net, (6,), 'int8', 2, say=lambda said: pytest.skip('needs a compiler'))(x), eager(net, x))

@pytest.mark.parametrize('name', ['resnet8', 'ds_cnn'])
def test_networks_of_the_zoo(name):
    r = np.random.default_rng(0)
    net = integer(fold(create(name, r)), r.normal(size=(4, *SHAPES[name])).astype(np.float32)).eval()
    x = inputs(SHAPES[name], 2, 'float32')
    p = plan(net, SHAPES[name], 'float32', 2, say=lambda said: pytest.skip('needs a compiler'))
    np.testing.assert_array_equal(p(x), eager(net, x))

def test_a_target_without_a_dot_product_has_other_c_and_the_same_answer(real):
    net, shape, batch = coded(102)
    x, two = codes(shape, batch), (host(), replace(host(), dot=''))
    p, q = (built(net, shape, batch=batch, target=t) for t in two)
    np.testing.assert_array_equal(p(x).copy(), q(x))

class Side(Module):
    "Slices of its input, perhaps through a layer, side by side."
    def __init__(self, layer, axis): self.layer, self.axis = layer, axis
    def forward(self, x):
        halves = x[:, :, 2:5], x[:, :, 4:1:-1]
        return concatenate([halves[0] if self.layer is None else self.layer(halves[0]), halves[1]], self.axis)

@needs_c
@pytest.mark.parametrize('axis', [1, 2, 3, -1])
@pytest.mark.parametrize(('behind', 'through'), [(False, True), (True, False), (True, True)])
def test_slices_and_images_side_by_side(axis, behind, through):
    r = np.random.default_rng(8 + axis + 4*behind)
    at, c = grid(r), 5
    def conv(c): return product(IntegerConv2d, (3, 3, c, c), at, at, r, padding='same')
    net = Sequential(Side(conv(c) if through else None, axis), *([conv(2*c if axis in (3, -1) else c)] if behind else []))
    x = r.integers(-128, 128, (1, 4, 6, c)).astype(np.int8)
    for native in (True, False):
        p = built(net, (4, 6, c), native=native)
        assert np.array_equal(p(x), net(Tensor(x)).data)
    # what is read of the input is copied, and no more: two parts of three columns each
    assert [s.shape for s in p.layout.steps if s.op == 'copy'][:2] == [(1, 4, 3, c)]*2

def test_codes_beside_fractions_are_refused():
    class Odd(Module):
        def forward(self, x): return concatenate([x, np.zeros((1, 4), np.int8)], 1)
    with pytest.raises(ValueError, match="no C is known for the operation 'concatenate' of codes"):
        plan(Sequential(Lookup(np.zeros(256, np.int8), 'any'), Odd()), (4,), 'int8', native=False)
