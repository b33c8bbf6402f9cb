"profile.cost: official counts to the unit, other counters on the same networks, and liveness against a replay and against tracemalloc."
import json, pickle, subprocess, sys, tracemalloc
from math import isnan, prod

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinybench.core import ops as core_ops
from tinybench.core.ops import Op
from tinybench.core.tensor import Tensor, apply, concatenate, in_scope, no_grad, watching
from tinybench.profile.cost import (COUNTS, Cost, Counted, Life, Stored, Tracer, conv_counts, cost, intensity, lifetimes, live_bytes, reaches, results,
                                    traced)
from tinybench.profile.cost import as_input as cost_input
from tinybench.measure.result import load_json, save_json
from tinybench.models.zoo import (MODELS, cifar_cnn, ds_cnn, fc_autoencoder, folded_parameters, mnist_mlp, mobilenet_v1_025, resnet8)
from tinybench.nn import channels as channel_layers, conv as conv_layers, dense as dense_layers, loss
from tinybench.nn import norm as norm_layers, pool as pool_layers
from tinybench.nn.channels import ConvTranspose2d, DepthwiseConv2d
from tinybench.nn.conv import Conv2d, conv2d, pads_for
from tinybench.nn.dense import Dense, Dropout, Flatten, ReLU, Residual, Sigmoid, Softmax, Tanh
from tinybench.nn.module import Module, Parameter, Sequential, walk
from tinybench.nn.norm import BatchNorm, LayerNorm
from tinybench.nn.pool import AvgPool2d, ConvReluPool2d, GlobalAvgPool2d, MaxPool2d

INPUTS = dict(mnist_mlp=(28, 28, 1), cifar_cnn=(32, 32, 3), simple_cnn=(8, 8, 1), ds_cnn=(49, 10, 1), resnet8=(32, 32, 3),
              mobilenet_v1_025=(96, 96, 3), fc_autoencoder=(640,), sww_cnn=(30, 1, 40))
# MACs, parameters with BatchNorm folded, and every number of the unfolded state (the wakeword's has 840 biases that Keras leaves out)
OFFICIAL = dict(ds_cnn=(2_656_768, 22_604, 24_908), resnet8=(12_501_632, 77_706, 78_666), mobilenet_v1_025=(7_489_664, 210_850, 221_794),
                fc_autoencoder=(264_192, 265_864, 269_992), sww_cnn=(826_368, 46_883, 47_707 + 840))
# MLPerf Tiny's layers in order: (parameters, MACs)
LAYERS = dict(
    ds_cnn=[(2_624, 320_000), *[(640, 72_000), (4_160, 512_000)]*4, (780, 768)],
    resnet8=[(448, 442_368), (2_320, 2_359_296), (2_320, 2_359_296), (4_640, 1_179_648), (9_248, 2_359_296), (544, 131_072),
             (18_496, 1_179_648), (36_928, 2_359_296), (2_112, 131_072), (650, 640)],
    fc_autoencoder=[(82_048, 81_920), *[(16_512, 16_384)]*3, (1_032, 1_024), (1_152, 1_024), *[(16_512, 16_384)]*3, (82_560, 81_920)],
    sww_cnn=[(160, 3_360), (5_248, 143_360), (768, 15_360), (16_512, 393_216), (1_408, 19_200), (16_512, 245_760), (2_048, 1_920),
             (4_128, 4_096), (99, 96)])
each_model = pytest.mark.parametrize('name', MODELS)
each_official = pytest.mark.parametrize('name', OFFICIAL)

def rng(seed=0): return np.random.default_rng(seed)
def model_cost(name, batch=1, **options): return cost(MODELS[name](rng(), **options), INPUTS[name], batch=batch)
def weighted(c): return [r for r in c.rows if r.macs]


# --- the official networks

@each_official
def test_official_totals(name):
    c, (macs, folded, state) = model_cost(name), OFFICIAL[name]
    net = MODELS[name](rng())
    assert c.macs == macs
    assert c.params + c.buffers == state and c.params == net.n_parameters()
    assert sum(r.params for r in c.rows if not r.layer.startswith('BatchNorm')) == folded == folded_parameters(net)
    assert c.param_bytes == {'float32': 4*c.params} and c.state_bytes == {'float32': 4*state}

def test_the_wide_image_network():
    assert model_cost('resnet8', width=40).macs == 76_473_920       # MLPerf Tiny's ic02

@pytest.mark.parametrize('name', LAYERS)
def test_official_layers(name):
    assert [(r.params, r.macs) for r in weighted(model_cost(name))] == LAYERS[name]

@pytest.mark.parametrize('name,task', dict(ds_cnn='kws', resnet8='ic', mobilenet_v1_025='vww', fc_autoencoder='ad').items())
def test_layers_of_the_reference_files(name, task, reference_dir):
    layers = [l for l in json.loads((reference_dir/f'{task}_layers.json').read_text())['layers'] if l['macs']]
    got = weighted(model_cost(name))
    assert [(r.params, r.macs, list(r.in_shapes[0]), list(r.out_shape)) for r in got] == [
        (l['params'], l['macs'], l['in_shape'], l['out_shape']) for l in layers]


# --- other counters

def to_torch(torch, net, c):
    "The same network in torch (NCHW), its padding written out for the shapes in `c`."
    nn, shape = torch.nn, {r.path: r.in_shapes[0] for r in c.rows}
    class Add(nn.Module):
        def __init__(self, body, shortcut):
            super().__init__()
            self.body, self.shortcut = body, shortcut
        def forward(self, x): return self.body(x) + self.shortcut(x)
    def padded(path, m, layer):
        (t, b), (l, r) = pads_for(m.padding, shape[path][1:3], m.kernel, m.stride)
        return nn.Sequential(nn.ZeroPad2d((l, r, t, b)), layer)
    def convert(path, m):
        inside = lambda name: f'{path}.{name}' if path else name
        if isinstance(m, Sequential): return nn.Sequential(*[convert(inside(f'layers.{i}'), l) for i, l in enumerate(m)])
        if isinstance(m, Residual):
            return Add(convert(inside('body'), m.body), convert(inside('shortcut'), m.shortcut) if m.shortcut else nn.Identity())
        if isinstance(m, Conv2d): return padded(path, m, nn.Conv2d(*m.w.shape[2:], m.kernel, m.stride))
        if isinstance(m, DepthwiseConv2d): return padded(path, m, nn.Conv2d(m.w.shape[2], m.w.shape[2], m.kernel, m.stride, groups=m.w.shape[2]))
        if isinstance(m, BatchNorm): return (nn.BatchNorm2d if len(shape[path]) == 4 else nn.BatchNorm1d)(m.n)
        if isinstance(m, Dense): return nn.Linear(*m.w.shape)
        if isinstance(m, ConvReluPool2d): return nn.Sequential(nn.Conv2d(*m.w.shape[2:], m.kernel), nn.ReLU(), nn.MaxPool2d(m.pool))
        if isinstance(m, MaxPool2d): return nn.MaxPool2d(m.kernel, m.stride)
        if isinstance(m, GlobalAvgPool2d): return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return {Flatten: nn.Flatten, ReLU: nn.ReLU, Sigmoid: nn.Sigmoid, Dropout: nn.Identity}[type(m)]()
    return convert('', net).eval()

def torch_twin(torch, name, batch=2):
    net = MODELS[name](rng())
    c, s = cost(net, INPUTS[name], batch=batch), INPUTS[name]
    return c, to_torch(torch, net, c), torch.zeros(batch, *((s[2], s[0], s[1]) if len(s) == 3 else s))

@each_model
def test_macs_as_torch_counts_them(name, torch):
    "torch.utils.flop_counter sees every convolution and product of matrices as it is dispatched; a MAC is two of its FLOPs."
    from torch.utils.flop_counter import FlopCounterMode
    c, twin, x = torch_twin(torch, name)
    with torch.no_grad(), FlopCounterMode(display=False) as counter: out = twin(x)
    extra = 2*2*5*(13*13 - 12*12)*90 if name == 'cifar_cnn' else 0      # torch convolves a row and a column that no pool looks at
    assert counter.get_total_flops() == 2*c.macs + extra
    assert tuple(out.shape) == c.rows[-1].out_shape
    assert sum(p.numel() for p in twin.parameters()) == c.params

@each_official
def test_layers_as_torchinfo_counts_them(name, torch):
    "torchinfo's Mult-Adds of a layer are its MACs and one for each bias added."
    torchinfo = pytest.importorskip('torchinfo', reason='needs torchinfo')
    c, twin, x = torch_twin(torch, name)
    info = torchinfo.summary(twin, input_data=x, verbose=0)
    assert info.total_params == c.params
    theirs = [l for l in info.summary_list if l.class_name in ('Conv2d', 'Linear')]
    ours = weighted(c)
    assert [(l.num_params, l.macs) for l in theirs] == [(r.params, r.flops - r.macs) for r in ours]
    norms = [l for l in info.summary_list if l.class_name.startswith('BatchNorm')]
    assert sum(l.num_params for l in norms) == sum(r.params for r in c.rows if r.layer.startswith('BatchNorm'))


# --- single layers

sizes = st.integers(1, 4)

@given(sizes, sizes, sizes, st.integers(1, 3), st.integers(1, 3), st.sampled_from(['same', 'valid']))
def test_windowed_layers_against_one_by_one(n, c, f, k, stride, padding):
    "Every product of a window and a filter, counted by walking through them."
    x, (h, w) = (n, 5, 6, c), (5, 6)
    full = cost(Conv2d(c, f, k, rng(), stride=stride, padding=padding), x)
    oh, ow = full.rows[0].out_shape[1:3]
    assert full.macs == sum(1 for _ in np.ndindex(n, oh, ow, f, k, k, c))
    assert full.flops == 2*full.macs + n*oh*ow*f
    slim = cost(DepthwiseConv2d(c, k, rng(), stride=stride, padding=padding), x)
    assert slim.macs == sum(1 for _ in np.ndindex(n, oh, ow, k, k, c))
    wide = cost(ConvTranspose2d(c, f, k, rng(), stride=stride, padding=padding), x)
    assert wide.macs == sum(1 for _ in np.ndindex(n, h, w, c, k, k, f))

@given(sizes, sizes, sizes, st.booleans())
def test_dense(n, a, b, bias):
    c = cost(Dense(a, b, rng(), bias=bias), (n, a))
    assert (c.macs, c.flops) == (n*a*b, 2*n*a*b + n*b*bias)
    assert (c.read_bytes, c.written_bytes) == (4*(n*a + a*b + b*bias), 4*n*b)
    assert c.peak_bytes == 4*n*(a + b)

def test_fused_pool_counts_where_the_pool_looks():
    fused = cost(ConvReluPool2d(3, 10, 3, rng()), (2, 32, 32, 3))                   # 30x30 windows, pooled by two
    parts = cost(Sequential(Conv2d(3, 10, 3, rng()), MaxPool2d(2), ReLU()), (2, 32, 32, 3))
    assert fused.macs == parts.macs == 2*30*30*10*27
    bias_spared = 2*10*(30*30 - 15*15)                                              # it is added after the pool
    assert fused.flops == parts.flops - bias_spared
    assert fused.peak_bytes < parts.peak_bytes
    odd = cost(ConvReluPool2d(3, 10, 3, rng()), (1, 15, 15, 3))                     # 13x13 windows, 12x12 looked at
    assert odd.macs == 12*12*10*27

@pytest.mark.parametrize('layer,shape,flops', [
    (BatchNorm(4), (2, 3, 3, 4), 2*72), (LayerNorm(4), (3, 4), 7*12 + 3*3), (ReLU(), (2, 5), 10), (Sigmoid(), (2, 5), 40), (Tanh(), (2, 5), 10),
    (Softmax(), (2, 5), 2*(4 + 5 + 5 + 4 + 5)), (MaxPool2d(2), (1, 4, 4, 3), 12*3), (AvgPool2d(2), (1, 4, 4, 3), 12*4),
    (GlobalAvgPool2d(), (2, 3, 3, 4), 72), (Flatten(), (2, 3, 3), 0), (Dropout(.5, rng()), (2, 3), 0)], ids=lambda v: type(v).__name__)
def test_layers_without_macs(layer, shape, flops):
    c = cost(layer, shape)
    assert (c.macs, c.flops) == (0, flops)
    moves = not isinstance(layer, (Flatten, Dropout))
    assert (c.written_bytes > 0) == moves and isnan(c.intensity) == (not moves)

def test_reductions_and_softmaxes():
    class Head(Module):
        def __init__(self, f): self.f = f
        def forward(self, x): return self.f(x)
    flops = lambda f: cost(Head(f), (3, 4)).flops
    assert flops(lambda x: x.sum()) == 11 and flops(lambda x: x.sum(0)) == 8 and flops(lambda x: x.mean(1)) == 9 + 3
    assert flops(lambda x: x.max(1)) == 9 and flops(lambda x: x.log_softmax()) == 3*(3 + 4 + 4 + 3 + 1 + 4)
    assert flops(lambda x: x.softmax(axis=0)) == 4*(2 + 3 + 3 + 2 + 3) and flops(lambda x: x.softmax((0, 1))) == 11 + 12 + 12 + 11 + 12
    assert flops(lambda x: x + 1) == 12 and flops(lambda x: (-x).clip(-1, 1)) == 36
    assert cost(Head(lambda x: x @ x.T), (3, 4)).macs == 36

def test_every_operation_of_a_forward_pass_is_known():
    "All but those that only training runs: batch statistics and losses."
    modules = (core_ops, dense_layers, conv_layers, channel_layers, pool_layers, norm_layers)
    named = {v.name for m in modules for v in vars(m).values() if isinstance(v, Op)}
    assert len(named) > 25 and named - set(COUNTS) == {'batchnorm'}
    trained = {v.name for v in vars(loss).values() if isinstance(v, Op)} - named
    assert trained and not trained & set(COUNTS)

def test_bytes_moved_include_moving_averages_but_no_views():
    c = cost(BatchNorm(4), (2, 3, 3, 4))
    assert (c.read_bytes, c.written_bytes) == (4*(72 + 4*4), 4*72)
    c = cost(Flatten(), (2, 3, 3, 4))
    assert (c.read_bytes, c.written_bytes, c.peak_bytes) == (0, 0, 4*72)

def test_intensity_grows_with_the_batch():
    at = [model_cost('fc_autoencoder', batch=n).intensity for n in (1, 8, 64)]
    assert at == sorted(at) and at[0] < .5 < 5 < at[2]


# --- liveness

lives = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 9), st.integers(0, 9)).map(lambda t: Life(t[0], *sorted(t[1:]))), max_size=12)

@given(lives)
def test_live_bytes(found):
    want = np.zeros(10, int)
    for l in found: want[l.made:l.last + 1] += l.nbytes
    assert live_bytes(found, 10) == want.tolist()

def replay(net, shape):
    "Peak by running the operations again with a count of the uses still to come, as an interpreter would."
    x = cost_input(shape, None, np.float32)
    calls, outs, ops = traced(net, (x,))
    memory = {x: x}                                     # tensor -> the tensor that holds its memory
    for r in ops:
        base = [p for p in r.parents if np.shares_memory(r.out.data, p.data)]
        memory[r.out] = memory[base[0]] if base else r.out
    uses = {}
    for r in ops:
        for p in r.parents:
            if p in memory: uses[memory[p]] = uses.get(memory[p], 0) + 1
    for y in outs: uses[memory[y]] = uses.get(memory[y], 0) + 1
    alive, peak = {x: x.data.nbytes}, x.data.nbytes
    for r in ops:
        alive.setdefault(memory[r.out], memory[r.out].data.nbytes)
        peak = max(peak, sum(alive.values()))
        for p in r.parents:
            if p not in memory: continue
            uses[memory[p]] -= 1
            if not uses[memory[p]]: del alive[memory[p]]
    return peak

def random_net(r, width, depth):
    "Dense layers of random widths, activations, and residuals around such nets."
    layers = []
    for _ in range(int(r.integers(1, 5))):
        kind = r.integers(4 if depth else 3)
        if kind == 0:
            new = int(r.integers(1, 9)); layers.append(Dense(width, new, r)); width = new
        elif kind == 1: layers.append((ReLU, Sigmoid, Flatten)[int(r.integers(3))]())
        elif kind == 2: layers.append(BatchNorm(width))
        else:
            body, new = random_net(r, width, depth - 1)
            body = Sequential(body, Dense(new, width, r))
            layers.append(Residual(body, Dense(width, width, r) if r.random() < .5 else None))
    return Sequential(*layers), width

@given(st.integers(0, 10**6), st.integers(1, 5))
def test_peak_as_in_a_replay(seed, batch):
    r = rng(seed)
    net, _ = random_net(r, 5, 2)
    assert cost(net, (batch, 5)).peak_bytes == replay(net, (batch, 5))

@each_model
def test_peak_of_the_zoo_as_in_a_replay(name):
    assert model_cost(name, batch=2).peak_bytes == replay(MODELS[name](rng()), (2, *INPUTS[name]))

def test_peak_by_hand():
    number = 4*10                                                                # bytes of ten float32
    chain = Sequential(Dense(10, 20, rng()), ReLU(), Dense(20, 10, rng()))
    assert cost(chain, (1, 10)).peak_bytes == 4*number                           # relu: twenty in, twenty out
    plain = Sequential(Dense(10, 10, rng()), ReLU(), Dense(10, 10, rng()))
    assert cost(plain, (1, 10)).peak_bytes == 2*number
    assert cost(Residual(plain), (1, 10)).peak_bytes == 3*number                 # and the input waits
    assert cost(Residual(Residual(plain)), (1, 10)).peak_bytes == 3*number       # the same input waits twice
    inner = Sequential(Dense(10, 10, rng()), Residual(plain))
    assert cost(Residual(inner), (1, 10)).peak_bytes == 4*number
    assert cost(ReLU(), (1, 10)).peak_bytes == 2*number and cost(Dropout(.5, rng()), (1, 10)).peak_bytes == number

def test_a_view_is_no_memory_of_its_own_and_keeps_what_it_sees():
    pool = Sequential(Conv2d(1, 4, 3, rng(), padding='same'), Flatten(), Dense(4*36, 2, rng()))
    flat = cost(pool, (1, 6, 6, 1))
    assert flat.peak_bytes == 4*36*(1 + 4) and [s.live_bytes for s in flat.steps] == [4*36*5, 4*36*4, 4*(36*4 + 2)]
    class Half(Module):
        def forward(self, x): return x[:, :2].exp()
    assert cost(Half(), (1, 10)).peak_bytes == 4*(10 + 2)

def test_official_peaks():
    "Three arrays of 32x32x16 in a residual block, two elsewhere."
    assert model_cost('resnet8').peak_bytes == 3*4*32*32*16
    assert model_cost('ds_cnn').peak_bytes == 2*4*25*5*64
    assert model_cost('mobilenet_v1_025').peak_bytes == 2*4*48*48*16
    assert model_cost('fc_autoencoder').peak_bytes == 4*(640 + 128)

@pytest.mark.parametrize('widths,residual', [((8, 800, 400, 900, 8), False), ((8, 600, 600), True)])
def test_peak_as_tracemalloc_measures_it(widths, residual):
    "Dense layers make exactly their output, so python's own bookkeeping must agree to a hundredth, and with a residual too."
    r, n = rng(), 1000
    layers = [l for a, b in zip(widths, widths[1:]) for l in (Dense(a, b, r), ReLU())]
    if residual: layers.append(Residual(Sequential(Dense(600, 600, r), ReLU(), Dense(600, 600, r))))
    net = Sequential(*layers).eval()
    x = r.normal(size=(n, 8)).astype('float32')
    with no_grad():
        net(x[:2])                                        # what is made once is made
        tracemalloc.start()
        try:
            net(x)
            _, seen = tracemalloc.get_traced_memory()
        finally: tracemalloc.stop()
    assert seen + x.nbytes == pytest.approx(cost(net, x).peak_bytes, rel=.02)


# --- the whole

@each_model
def test_scaling_with_the_batch(name):
    one, three = model_cost(name), model_cost(name, batch=3)
    assert (three.macs, three.flops, three.written_bytes) == (3*one.macs, 3*one.flops, 3*one.written_bytes)
    assert three.peak_bytes == 3*one.peak_bytes and three.state_bytes == one.state_bytes
    assert three.read_bytes < 3*one.read_bytes

@each_model
def test_rows_add_up_and_name_real_layers(name):
    net = MODELS[name](rng())
    c = cost(net, INPUTS[name], batch=1)
    layers = dict(walk(net))
    for k in ('params', 'buffers', 'macs', 'flops', 'read_bytes', 'written_bytes'): assert getattr(c, k) == sum(getattr(r, k) for r in c.rows)
    for r in c.rows: assert repr(layers[r.path]) == r.layer or type(layers[r.path]).__name__ == r.layer
    assert c.peak_bytes == max(r.live_bytes for r in c.rows) == max(s.live_bytes for s in c.steps)
    assert c.params == net.n_parameters()

def test_array_shape_and_batch_say_the_same():
    net = cifar_cnn(rng())
    x = np.zeros((3, 32, 32, 3), np.float32)
    assert cost(net, x) == cost(net, Tensor(x)) == cost(net, (3, 32, 32, 3)) == cost(net, [32, 32, 3], batch=3)

def test_nothing_is_left_behind():
    net = ds_cnn(rng())                                         # in training mode: BatchNorm would move, Dropout draw
    net.layers[4].eval()
    modes, state = [m.training for _, m in walk(net)], net.state_dict()
    luck = str(net.layers[3].rng.bit_generator.state)
    x = Tensor(np.ones((2, 49, 10, 1), np.float32))
    with no_grad():
        inside = cost(net, x)                                   # recording is its own business
        assert (x*x).made is None and Parameter(np.ones(2)).exp().made is None      # and off again
    assert inside == cost(net, x) and Parameter(np.ones(2)).exp().made is not None
    assert [m.training for _, m in walk(net)] == modes and not x.requires_grad and x.grad is None
    assert all(np.array_equal(a, b) for a, b in zip(state.values(), net.state_dict().values()))
    assert str(net.layers[3].rng.bit_generator.state) == luck and all(p.grad is None for p in net.parameters())
    with pytest.raises(ValueError): cost(net, (1, 49, 10, 2))
    assert [m.training for _, m in walk(net)] == modes and Parameter(np.ones(2)).exp().made is not None

def test_frozen_weights_count_like_others():
    net = mnist_mlp(rng())
    want = cost(net, (1, 784))
    for p in net.parameters(): p.requires_grad = False
    assert cost(net, (1, 784)) == want

def test_shared_and_repeated_layers():
    layer = Dense(4, 4, rng())
    twice = cost(Sequential(layer, ReLU(), layer), (1, 4))
    assert (twice.macs, twice.params, len(weighted(twice))) == (32, 20, 2)
    tied = Dense(4, 4, rng())
    tied.w = layer.w
    c = cost(Sequential(layer, tied), (1, 4))
    assert (c.macs, c.params) == (32, 24)

def test_a_layer_that_is_never_called_is_stored_all_the_same():
    class Lazy(Module):
        def __init__(self): self.used, self.spare = Dense(4, 2, rng()), Dense(4, 3, rng())
        def forward(self, x): return self.used(x)
    c = cost(Lazy(), (1, 4))
    assert (c.params, c.macs) == (10 + 15, 8)
    assert [(r.path, r.macs, r.in_shapes) for r in c.rows] == [('used', 8, ((1, 4),)), ('spare', 0, ())]

def test_own_parameters_of_a_tree():
    class Scaled(Module):
        def __init__(self): self.inner, self.by = Dense(4, 4, rng()), Parameter(np.ones(4, np.float32))
        def forward(self, x): return self.inner(x)*self.by
    c = cost(Scaled(), (2, 4))
    assert {r.path: (r.params, r.macs, r.flops) for r in c.rows} == {'': (4, 0, 8), 'inner': (20, 32, 72)}

def test_several_inputs_and_outputs():
    class Two(Module):
        def __init__(self): self.a, self.b = Dense(4, 2, rng()), Dense(3, 2, rng())
        def forward(self, x, y): return self.a(x), concatenate([self.b(y), x], axis=1)
    c = cost(Two(), (5, 4), (5, 3))
    assert (c.macs, c.inputs) == (5*(8 + 6), ((5, 4), (5, 3)))
    assert next(r for r in c.rows if r.path == '').out_shape == ((5, 2), (5, 6))
    steps = {s.op: s.live_bytes for s in c.steps}
    assert steps['concatenate'] == 4*5*(4 + 2 + 2 + 6)         # x and b(y) are read, a(x) is an output already

def test_types_of_numbers():
    net = fc_autoencoder(rng())
    assert cost(net.astype(np.float64), (1, 640)).state_bytes == {'float64': 8*269_992}
    half = cost(fc_autoencoder(rng()).astype(np.float16), (1, 640))
    assert half.param_bytes == {'float16': 2*267_928} and half.peak_bytes == 2*(640 + 128) and half.macs == 264_192
    class Quantized(Module):
        buffers = ('q',)
        def __init__(self): self.q, self.scale = np.ones((4, 2), np.int8), Parameter(np.ones(2, np.float32))
        def forward(self, x): return (x @ self.q.astype(np.float32))*self.scale
    c = cost(Quantized(), (1, 4))
    assert (c.macs, c.params, c.buffers) == (8, 2, 8) and c.state_bytes == {'float32': 8, 'int8': 8} and c.param_bytes == {'float32': 8}
    assert c.rows[0].stored == (Stored('scale', 'float32', 2, 8, True), Stored('q', 'int8', 8, 8, False))


# --- what cannot be counted

class Cube(Module):
    op = Op('cube', lambda x: x**3, lambda g,o,x: (3*g*x**2,))
    def forward(self, x): return apply(self.op, x)

def test_an_unknown_operation_is_refused_with_its_layer():
    net = Sequential(Dense(4, 4, rng()), Sequential(ReLU(), Cube()))
    with pytest.raises(ValueError, match=r"Cube \(layers.1.layers.1\).*'cube'.*counts="): cost(net, (1, 4))
    c = cost(net, (1, 4), counts={**COUNTS, 'cube': lambda out, x: Counted(0, 2*out.size)})
    assert [r.flops for r in c.rows if r.path == 'layers.1.layers.1'] == [8]
    assert 'cube' not in COUNTS

@pytest.mark.parametrize('forward', [lambda self, x: Tensor(np.tanh(x.data)), lambda self, x: np.tanh(x.data),
                                     lambda self, x: Tensor(np.fft.fft(x.data).real.astype('float32')) @ self.w, lambda self, x: x.detach()])
def test_a_layer_that_leaves_the_tensors_is_refused(forward):
    detour = type('Detour', (Module,), dict(forward=forward))()
    detour.w = Parameter(np.ones((4, 4), np.float32))
    for net in (detour, Sequential(Dense(4, 4, rng()), detour), Residual(Sequential(detour))):
        with pytest.raises(ValueError, match='Detour.*outside the operations'): cost(net, (1, 4))

def test_what_is_no_network_or_no_input_is_refused():
    with pytest.raises(TypeError, match='not a function'): cost(lambda x: x, (1, 4))
    with pytest.raises(TypeError, match='not a Sequential|array, or a shape'): cost(Dense(4, 2, rng()), 'x')
    with pytest.raises(TypeError, match='array, or a shape'): cost(Dense(4, 2, rng()), np.zeros((1, 4), np.float32), batch=2)
    with pytest.raises(TypeError, match='array, or a shape'): cost(Dense(4, 2, rng()), (0, 4))
    with pytest.raises(ValueError, match='Dense.*expected an input of shape'): cost(Dense(4, 2, rng()), (1, 5))

def test_reaches():
    x, y, w = Tensor(np.ones(3)), Tensor(np.ones(3)), Parameter(np.ones(3))
    rec = Tracer(Dense(3, 3, rng()))
    rec.open.append(0)
    with watching(rec): reach = [x + y, x.exp()*2, (x*2).detach()*3], [y.exp(), w*2]
    assert all(reaches(t, [x], rec.made) for t in (*reach[0], x, w)) and not any(reaches(t, [x], rec.made) for t in reach[1])
    assert not reaches(x.detach(), [x], rec.made)


# --- what runs, whether the output depends on it or not

class Net(Module):
    "Three layers and a forward pass of one's own."
    def __init__(self, forward):
        self.body, self.main, self.aux = Dense(8, 16, rng()), Dense(16, 4, rng()), Dense(16, 10, rng())
        self.how = forward
    def forward(self, x): return self.how(self, x)

def kept(s, x): h = s.body(x); s.said = s.aux(h); return s.main(h)
def dropped(s, x): h = s.body(x); s.aux(h); return s.main(h)
def unrecorded(s, x):
    h = s.body(x)
    with no_grad(): s.said = s.aux(h)
    return s.main(h)
def frozen(s, x):
    with no_grad(): h = s.body(x)
    s.aux(h)
    return s.main(h)
def cut(s, x): h = s.body(x); s.aux(h.detach()); return s.main(h.detach())
def no_layer(s, x): h = s.body(x); (h @ s.aux.w).max(1); return s.main(h)
def made_now(s, x): h = s.body(x); s.late = Dense(16, 10, rng(5)); s.late(h); return s.main(h)
def constant(s, x): s.aux(Tensor(np.ones((len(x), 16), np.float32))); return s.main(s.body(x))
UNUSED = [kept, dropped, unrecorded, frozen, cut, no_layer, made_now, constant]

@pytest.mark.parametrize('forward', UNUSED, ids=lambda f: f.__name__)
def test_work_whose_result_is_not_in_the_output_counts(forward):
    c = cost(Net(forward), (2, 8))
    assert c.macs == 2*352 and not [r for r in c.rows if r.path == '?']
    by_path = {r.path: r.macs for r in c.rows if r.macs}
    extra = {no_layer: '', made_now: 'late'}.get(forward, 'aux')
    assert by_path == {'body': 2*128, 'main': 2*64, extra: 2*160}
    widest = {no_layer: 16 + 10 + 1, constant: 8 + 16}.get(forward, 16 + 10)     # the hidden row, and what is made of it
    assert c.peak_bytes == 4*2*widest

def test_a_layer_called_twice_counts_twice_also_if_once_for_nothing():
    def twice(s, x): s.body(x); return s.main(s.body(x))
    c = cost(Net(twice), (1, 8))
    assert (c.macs, [r.macs for r in c.rows]) == (2*128 + 64, [128, 128, 64, 0]) and c.params == 144 + 68 + 170

def test_what_evaluation_leaves_out_is_not_counted():
    def trained_only(s, x):
        h = s.body(x)
        if s.training: s.aux(h)
        return s.main(h)
    net = Net(trained_only)
    assert cost(net, (1, 8)).macs == 192 and net.training

def test_unknown_work_is_named_also_if_its_result_is_dropped():
    def forward(s, x):
        with no_grad(): apply(Cube.op, x)
        return s.main(s.body(x))
    with pytest.raises(ValueError, match=r"Net \(the network\).*'cube'.*counts="): cost(Net(forward), (1, 8))

@pytest.mark.parametrize('forward', [kept, unrecorded, no_layer, cut], ids=lambda f: f.__name__)
def test_unused_work_as_torch_counts_it(forward, torch):
    from torch.utils.flop_counter import FlopCounterMode
    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.main, self.aux = (torch.nn.Linear(*n) for n in ((8, 16), (16, 4), (16, 10)))
        def forward(self, x):
            h = self.body(x)
            if forward is no_layer: h @ self.aux.weight.T
            else: self.said = self.aux(h)
            return self.main(h)
    with FlopCounterMode(display=False) as counter: Theirs()(torch.zeros(3, 8))
    assert counter.get_total_flops() == 2*cost(Net(forward), (3, 8)).macs == 2*3*352

def test_a_layer_that_keeps_its_answer_is_counted_again_alike():
    net = Net(kept)
    assert cost(net, (1, 8)) == cost(net, (1, 8)) and net.said.made is None


# --- views of a record

def test_views_and_round_trips(tmp_path):
    c = model_cost('resnet8')
    d = json.loads(json.dumps(c.to_dict()))
    assert (d['schema'], d['macs'], d['peak_bytes'], d['provenance'], d['inputs']) == (1, 12_501_632, 196_608, 'modelled', [[1, 32, 32, 3]])
    assert len(d['rows']) == len(c.rows) and d['rows'][0]['params'] == 448 and d['rows'][0]['stored'][0]['name'] == 'w'
    frame = c.to_frame()
    assert frame.macs.sum() == c.macs and frame.params.sum() == c.params and list(frame.index) == [r.path for r in c.rows]
    text, marked = repr(c), c._repr_markdown_()
    for s in (text, marked): assert '12,501,632' in s and 'peak 197 kB' in s and '315 kB of float32' in s and 'odelled' in s
    assert max(map(len, text.splitlines())) < 140 and len({line.count('|') for line in marked.splitlines() if '|' in line}) == 1
    assert pickle.loads(pickle.dumps(c)) == c and isinstance(c, Cost)

def test_results_are_modelled_records(tmp_path):
    c = model_cost('ds_cnn')
    found = {r.metric: r for r in results(c, 'ds_cnn')}
    assert {m: (r.median, r.unit) for m, r in found.items()} == {
        'MACs': (2_656_768, 'MAC'), 'FLOPs': (c.flops, 'FLOP'), 'parameters': (23_756, 'parameters'), 'weights': (4*24_908, 'B'),
        'peak activations': (64_000, 'B')}
    assert {r.provenance for r in found.values()} == {'modelled'} and {r.n for r in found.values()} == {1}
    assert load_json(save_json(found.values(), tmp_path/'c.json')) == list(found.values())

def test_intensity_of_nothing():
    assert isnan(intensity(model_cost('resnet8').rows[0].__class__('', 'x', (), (), ())))
    assert conv_counts(np.empty((1, 4, 4, 2)), None, np.empty((3, 3, 5, 2)), None) == (16*2*45, 2*16*2*45 + 32)
    assert prod(conv2d(np.ones((1, 4, 4, 5), 'f4'), np.ones((3, 3, 5, 2), 'f4'), np.ones(2, 'f4'), padding='same').shape) == 32

def test_import_is_light():
    code = "import sys, tinybench.profile.cost; print([m for m in ('pandas', 'matplotlib', 'torch', 'scipy.stats', 'sklearn') if m in sys.modules])"
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.strip() == '[]'

def test_layers_with_scopes_and_memories_of_their_own():
    "A layer may label what it does, and keep a tensor from one call to the next: neither confuses the count."
    class Odd(Module):
        def __init__(self): self.inner, self.last = Dense(4, 4, rng()), None
        def forward(self, x):
            with in_scope('mine'): y = self.inner(x) + 1
            if self.last is not None: y = y + self.last
            self.last = y
            return y
    net = Odd()
    first, second = cost(net, (2, 4)), cost(net, (2, 4))
    assert (first.macs, first.flops) == (32, 72 + 8) and (second.macs, second.flops) == (32, 72 + 16)
    assert [s.path for s in second.steps] == ['inner', '', '']

class Heads(Module):
    "A body with two heads, whose outputs `join` hands out."
    def __init__(self, join): self.body, self.main, self.aux, self.join = *(Dense(*n, np.random.default_rng(0)) for n in ((8, 16), (16, 4), (16, 10))), join
    def forward(self, x): return self.join(self, self.body(x))

def after_a_failure(net, h):
    try: net.aux(np.ones((1, 3), np.float32))
    except ValueError: return net.main(h), net.aux(h)

JOINED = dict(dictionary=lambda net, h: dict(main=net.main(h), aux=net.aux(h)), nested=lambda net, h: (net.main(h), [net.aux(h)]),
              failed=after_a_failure)

@pytest.mark.parametrize('join', JOINED.values(), ids=JOINED)
def test_outputs_in_any_form_and_calls_that_fail_are_counted(join):
    assert cost(Heads(join), (1, 8)).macs == 8*16 + 16*4 + 16*10
