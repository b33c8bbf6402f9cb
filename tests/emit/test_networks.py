"Plans equal the eager network: random ones, those of the zoo, every layer, custom layers; in C and in numpy"
import inspect, os, subprocess, sys
from pathlib import Path

import numpy as np
import pytest

from netkit import norm
from plankit import IMAGE, Do, assert_equal, built, customs, drawn, eager, inputs, mixed
from tinybench.core.ops import Op
from tinybench.core.tensor import Tensor, apply, stack, where
from tinybench.models.zoo import MODELS, SHAPES, create
from tinybench.native.plan import least, plan
from tinybench.nn import channels, conv, dense, module, norm as norms, pool
from tinybench.nn.module import Module, Sequential, walk
from tinybench.optimize.fuse import channels_first, fuse
from tinybench.optimize.quantize import FakeQuantize
from tinybench.toolchain.compiler import compiled, flags
from tinybench.toolchain.cpu import Target, host
from tinybench.toolchain.load import load, sanitized

needs_c = pytest.mark.skipif(os.name != 'posix', reason='the compilers of these tests are those of POSIX')
CUSTOM = customs()

def zoo(name):
    "A network of the zoo whose BatchNorms have seen numbers."
    r = np.random.default_rng(3)
    net = create(name, r)
    for _, m in walk(net):
        if isinstance(m, norms.BatchNorm): vars(m).update(vars(norm(m.gamma.size, r)))
    return net.eval()

def random_equal(seeds, **how):
    for seed in seeds:
        net, shape, batch = drawn(seed)
        x = inputs(shape, batch, seed)
        p = built(net, shape, batch, **how)
        assert_equal(p(x), eager(net, x), of=f'seed {seed}:')


# --- equal to the eager network

def test_random_networks_in_numpy(): random_equal(range(50), native=False)

@needs_c
def test_random_networks(real): random_equal(range(100, 104))

@needs_c
@pytest.mark.slow
def test_many_random_networks(real): random_equal(range(200, 240))

def mixed_equal(seeds, **how):
    for seed in seeds:
        net, shape = mixed(seed)
        x = inputs(shape, 1 + seed % 3)
        assert_equal(built(net, shape, len(x), **how)(x), eager(net, x), 2e-5, f'seed {seed}:')

def test_random_operations_in_numpy(): mixed_equal(range(150), native=False)

@needs_c
def test_random_operations(real): mixed_equal(range(200, 203))

@needs_c
@pytest.mark.slow
def test_many_random_operations(real): mixed_equal(range(300, 340))

@pytest.mark.parametrize('name', MODELS)
def test_the_zoo_in_numpy(name):
    net, x = zoo(name), inputs(SHAPES[name], 2)
    assert_equal(built(net, SHAPES[name], 2, native=False)(x), eager(net, x))

@needs_c
@pytest.mark.slow
@pytest.mark.parametrize('name', MODELS)
@pytest.mark.parametrize('batch', [1, 5])
def test_the_zoo(name, batch, real):
    net, x = zoo(name), inputs(SHAPES[name], batch)
    assert_equal(built(net, SHAPES[name], batch)(x), eager(net, x))

@pytest.mark.parametrize('name', CUSTOM)
@pytest.mark.parametrize('batch', [1, 3])
def test_custom_layers_in_numpy(name, batch):
    net, shape = CUSTOM[name]
    x = inputs(shape, batch)
    assert_equal(built(net, shape, batch, native=False)(x), eager(net, x))

# those of which the C has been wrong once
WRONG_ONCE = ['part_of_a_result', 'dense_then_conv', 'mean_added', 'turned_added', 'reverse_added_depthwise', 'array_added', 'axes_joined', 'many']

@needs_c
@pytest.mark.parametrize('name', WRONG_ONCE)
def test_some_custom_layers(name, real):
    net, shape = CUSTOM[name]
    for batch in (1, 3):
        x = inputs(shape, batch)
        assert_equal(built(net, shape, batch)(x), eager(net, x))

@needs_c
@pytest.mark.slow
def test_custom_layers(real):
    batch = 1 if real.kind == 'gcc' else 3      # numpy, which is quicker, has tried both
    for net, shape in CUSTOM.values():
        x = inputs(shape, batch)
        assert_equal(built(net, shape, batch)(x), eager(net, x))

@needs_c
@pytest.mark.parametrize('change', [fuse, channels_first])
def test_fused_networks(change, real):
    r = np.random.default_rng(0)
    net = Sequential(conv.Conv2d(5, 7, 3, r), dense.ReLU(), channels.DepthwiseConv2d(7, 3, r), dense.ReLU(), dense.Flatten(),
                     dense.Dense(42, 8, r), dense.ReLU())
    x = inputs(IMAGE, 2)
    assert_equal(built(change(net), IMAGE, 2)(x), eager(net, x))


# --- every layer

def layers():
    "Each layer of nn that computes something, for an image; by class."
    r = np.random.default_rng(0)
    found = [conv.Conv2d(5, 3, 3, r), channels.DepthwiseConv2d(5, 3, r), channels.ConvTranspose2d(5, 3, 3, r), pool.MaxPool2d(2),
             pool.AvgPool2d(2), pool.GlobalAvgPool2d(), pool.ConvReluPool2d(5, 3, 3, r), norm(5, r), norms.LayerNorm(5),
             dense.Dense(5, 3, r), dense.ReLU(), dense.Sigmoid(), dense.Tanh(), dense.Softmax(), dense.LeakyReLU(), dense.SiLU(), dense.GELU(),
             dense.Flatten(), dense.Dropout(.5, r), dense.Residual(dense.ReLU()), Sequential(dense.ReLU())]
    rows = [conv.Conv1d(5, 3, 3, r), pool.MaxPool1d(2), pool.AvgPool1d(2), pool.GlobalAvgPool1d()]
    return {type(m): (m, IMAGE) for m in found} | {type(m): (m, (9, 5)) for m in rows}
LAYERS = layers()
# they say what their children share, and compute nothing themselves
BASES = {Module, conv.Windowed, conv.Windowed1d, conv.Convolution, pool.Pool2d, pool.GlobalAvgPool}

def test_no_layer_is_forgotten():
    modules = [m for m in vars(sys.modules['tinybench.nn']).values() if inspect.ismodule(m)]
    assert {module, conv, dense, channels, pool, norms} <= set(modules)
    known = {v for m in modules for v in vars(m).values() if isinstance(v, type) and issubclass(v, Module)}
    assert known == set(LAYERS) | BASES

@needs_c
def test_layers_one_after_the_other(real):
    "Each layer that keeps an image or a sequence one, in two networks."
    r = np.random.default_rng(1)
    ends = {dense.Dense, dense.Flatten, pool.GlobalAvgPool2d, pool.GlobalAvgPool1d}
    for dims, end in ((3, pool.GlobalAvgPool2d()), (2, pool.GlobalAvgPool1d())):
        first, found = (30, 26, 5)[3 - dims:], []
        for m, shape in LAYERS.values():
            if len(shape) != dims or type(m) in ends: continue
            found += [m] if m.eval()(inputs(shape, 1)).shape[-1] == 5 else [m, (conv.Conv2d if dims == 3 else conv.Conv1d)(3, 5, 1, r)]
        net = Sequential(*found, end, dense.Flatten(), dense.Dense(5, 4, r))
        x = inputs(first, 2)
        assert_equal(built(net.eval(), first, 2)(x), eager(net, x))

def test_each_layer_in_numpy():
    for m, shape in LAYERS.values():
        x = inputs(shape, 2)
        assert_equal(built(m.eval(), shape, 2, native=False)(x), eager(m, x))

@needs_c
@pytest.mark.slow
def test_each_layer(real):
    for m, shape in LAYERS.values():
        x = inputs(shape, 2)
        assert_equal(built(m.eval(), shape, 2)(x), eager(m, x)), m


# --- what is refused, by its layer, before anything is compiled

def own_relu(): return Op('relu', lambda x: np.maximum(x, 0)*2, lambda g, o, x: (g,))
def grid():
    f = FakeQuantize()
    f.at[:] = .1, 0, -128, 127
    return f
REFUSED = {
    "no C is known for the operation 'var'": lambda m, x: x.var(1), "no C is known for the operation 'stack'": lambda m, x: stack([x, x], 1),
    "no C is known for the operation 'pad'": lambda m, x: x.pad(1), "no C is known for the operation 'logsumexp'": lambda m, x: x.logsumexp(1),
    "no C is known for the operation 'matmul'": lambda m, x: x @ x.transpose(0, 1, 3, 2),
    "no C is known for the operation 'relu' of this layer": lambda m, x: apply(own_relu(), x),
    'softmax over several axes': lambda m, x: x.softmax((1, 2)), 'the number -inf': lambda m, x: where(np.arange(5) > 2, x, -np.inf),
    'weights that are NaN or infinite': lambda m, x: x + np.array([0, np.inf, 0, 0, 0], 'f4'),
    'limits of clip that are arrays': lambda m, x: x.clip(0, np.arange(5.)),
    "what 'where' does is not the same for each input": lambda m, x: where(x > 0, x, x*.1),
    "what 'mul' does is not the same for each input": lambda m, x: Tensor(x.data*2)*x,
    "what 'div' does is not the same for each input": lambda m, x: x/np.abs(x.data).max(),
    "what 'add' does is not the same for each input": lambda m, x: x + 2 if x.data.mean() < 0 else x*3,
    'numbers that an array picks': lambda m, x: x[:, [0, 2]], 'that an array picks': lambda m, x: x[:, np.arange(6) > 2]}

@pytest.mark.parametrize('says', REFUSED)
def test_what_is_refused_names_its_layer(says, monkeypatch):
    monkeypatch.setattr('tinybench.native.plan.load', lambda *_, **__: pytest.fail('it was compiled'))
    net = Sequential(dense.Dropout(.5, np.random.default_rng(0)), Do(REFUSED[says])).eval()
    with pytest.raises(ValueError, match=f'^layers.1: .*{says}'): plan(net, IMAGE, 2)

def test_an_operation_of_a_taken_name_is_refused():
    net = Sequential(conv.Conv2d(5, 5, 3, np.random.default_rng(0)), grid()).eval()
    with pytest.raises(ValueError, match="layers.1: no C is known for the operation 'clip' of this layer"): plan(net, IMAGE)

def test_diverged_weights_are_refused():
    net = Sequential(dense.ReLU(), dense.Dense(5, 3, np.random.default_rng(0)))
    net.layers[1].w.data[0, 0] = np.nan
    with pytest.raises(ValueError, match='layers.1: no C is known for weights that are NaN'): plan(net, (5,))


# --- the C

def few(): return [drawn(300)[:2] + (2,)] + [(*CUSTOM[name], 3) for name in WRONG_ONCE[:4]]
def more(): return [drawn(seed)[:2] + (2,) for seed in range(400, 415)] + [(*case, 2) for case in more_custom()]
def more_custom(): return [*CUSTOM.values(), *LAYERS.values(), *map(mixed, range(400, 410))]

def sanitize(which, gcc):
    code = f'import plankit, test_networks\nplankit.sanitized_plans(test_networks.{which}())'
    done = subprocess.run([sys.executable, '-W', 'error', '-c', code], env=sanitized(gcc), cwd=Path(__file__).parent,
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]

@pytest.mark.skipif(sys.platform != 'linux', reason='the sanitizers of these tests are those of Linux')
def test_sanitizers_find_nothing(gcc): sanitize('few', gcc)

@pytest.mark.slow
@pytest.mark.skipif(sys.platform != 'linux', reason='the sanitizers of these tests are those of Linux')
def test_sanitizers_find_nothing_in_many(gcc): sanitize('more', gcc)

def warn_of_nothing(cases, cc, how='-O3'):
    for net, shape, batch in cases:
        assert compiled(plan(net, shape, batch, native=False).source(), cc, flags(cc, also=[how, '-Werror', '-lm']))

@needs_c
def test_no_warning(real): warn_of_nothing([*few()[:2], (zoo('simple_cnn'), SHAPES['simple_cnn'], 1), (*LAYERS[pool.MaxPool2d], 2)], real)

@needs_c
@pytest.mark.slow
def test_no_warning_of_many(real): warn_of_nothing(more()[::2], real, '-O1')

NARROW = [Target('some', 64, registers=32), Target('some', 32, registers=16), Target('some', 16, registers=16), Target('plain', 4)]
FITTING = [t for t in NARROW if t.vector_bytes <= host().vector_bytes]      # gcc warns of what this machine has not

@needs_c
@pytest.mark.parametrize('target', FITTING, ids=lambda t: t.vector_bytes)
def test_vectors_of_each_width(target, gcc):
    r = np.random.default_rng(0)
    net = Sequential(conv.Conv2d(5, 19, 3, r, padding='same'), dense.ReLU(), channels.DepthwiseConv2d(19, 3, r))
    x = inputs(IMAGE, 2)
    assert_equal(built(net, IMAGE, 2, target=target)(x), eager(net, x))

@needs_c
@pytest.mark.slow
@pytest.mark.parametrize('target', FITTING, ids=lambda t: t.vector_bytes)
def test_vectors_of_each_width_often(target, real): random_equal(range(510, 515), target=target)

@pytest.mark.parametrize('target', NARROW, ids=lambda t: t.vector_bytes)
def test_each_width_reads_the_same_network(target):
    for seed in range(10):
        net, shape, batch = drawn(seed)
        x = inputs(shape, batch)
        assert_equal(built(net, shape, batch, native=False, target=target)(x), eager(net, x))


# --- the arena

def check_arena(p):
    items = [(p.offsets[i], p.offsets[i] + p.sizes[i], *p.lives[i]) for i in p.offsets]
    for k, (low, high, a, b) in enumerate(items):
        assert low >= 0 and low % 16 == 0 and high <= p.c.arena
        for low2, high2, c, d in items[:k]: assert high <= low2 or high2 <= low or b < c or d < a
    assert p.c.arena >= least(p.sizes, p.lives) and p.arena.size == p.c.arena

def test_values_that_live_at_once_do_not_overlap():
    for seed in range(60):
        net, shape, batch = drawn(seed)
        check_arena(built(net, shape, batch, native=False))
    for net, shape in CUSTOM.values(): check_arena(built(net, shape, 2, native=False))

@pytest.mark.parametrize('name', MODELS)
def test_the_arenas_of_the_zoo_are_close_to_the_least(name):
    p = built(zoo(name), SHAPES[name], native=False)
    check_arena(p)
    assert p.c.arena <= 1.2*least(p.sizes, p.lives)


# --- calls

@needs_c
def test_calls_do_not_disturb_each_other(real):
    net, shape, batch = drawn(7)
    x, y = inputs(shape, batch), inputs(shape, batch, 6)
    p, q = built(net, shape, batch), built(net, shape, batch)
    first = p(x).copy()
    np.testing.assert_array_equal(first, p(x))
    kept = p(x)
    other = q(y).copy()
    np.testing.assert_array_equal(kept, first)          # q has an arena of its own
    assert p(y) is kept                                 # the next call fills it anew
    np.testing.assert_array_equal(kept, other)

@pytest.mark.parametrize('native', [False, True])
def test_inputs_of_any_kind(native):
    net = zoo('simple_cnn')
    shape = SHAPES['simple_cnn']
    p, x = plan(net, shape, 3, native=native, say=lambda said: pytest.skip('needs a compiler')), inputs(shape, 3)
    want = p(x).copy()
    assert_equal(want, eager(net, x))
    wide = np.zeros((3, *shape[:2], 2), np.float32)
    wide[..., :1] = x
    for same in (Tensor(x), x.astype(np.float64), np.asfortranarray(x), wide[..., :1], x[::-1][::-1], x.tolist(), x.astype('>f4')):
        p.out[:] = 0
        np.testing.assert_allclose(p(same), want, rtol=1e-6)
    for wrong in (x[0], x[:2], x[..., 0], x.reshape(3, -1), np.float32(1), np.zeros((0, *shape), 'f4')):
        with pytest.raises(ValueError, match='this plan is for an input of shape'): p(wrong)

@needs_c
def test_numbers_that_are_none_do_no_harm(real):
    net, shape = zoo('simple_cnn'), SHAPES['simple_cnn']
    p, x = built(net, shape, 2), inputs(shape, 2)
    want = p(x).copy()
    for bad in (np.nan, np.inf, -np.inf): p(np.full_like(x, bad))
    np.testing.assert_array_equal(p(x), want)           # nothing of it stays in the arena

@pytest.mark.parametrize('native', [False, True])
def test_later_changes_of_the_weights_do_not_reach_a_plan(native):
    net = Sequential(conv.Conv2d(5, 3, 3, np.random.default_rng(0)), dense.Flatten(), dense.Dense(60, 2, np.random.default_rng(0)))
    x = inputs(IMAGE, 1)
    p = plan(net, IMAGE, native=native, say=lambda said: pytest.skip('needs a compiler'))
    want = p(x).copy()
    for q in net.parameters(): q.data[:] = 0
    np.testing.assert_array_equal(p(x), want)
