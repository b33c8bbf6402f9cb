"What all layers with a sliding window promise: memory of their own, threads, views, and errors in words."
import re, threading

import numpy as np
import pytest

from tinybench.core.tensor import Tensor, check_grad, no_grad
from tinybench.nn.channels import ConvTranspose2d, DepthwiseConv2d
from tinybench.nn.conv import Conv1d, Conv2d
from tinybench.nn.dense import Dense
from tinybench.nn.pool import AvgPool2d, ConvReluPool2d, GlobalAvgPool2d, MaxPool2d

RNG = np.random.default_rng(0)


def test_empty_batch():
    rng, x = np.random.default_rng(0), np.zeros((0, 6, 6, 3), np.float32)
    for layer in (Conv2d(3, 4, 3, rng), Conv2d(3, 4, 3, rng, 2, 'same'), DepthwiseConv2d(3, 3, rng), ConvTranspose2d(3, 4, 3, rng),
                  MaxPool2d(2), AvgPool2d(2), ConvReluPool2d(3, 4, 3, rng)):
        t = Tensor(x, requires_grad=True)
        layer(t).sum().backward()
        assert t.grad.shape == x.shape

def test_views_are_read_as_they_are():
    "A transposed, a reversed and a broadcast image give what their copies give; so do such gradients."
    rng = np.random.default_rng(0)
    base = rng.normal(size=(2, 6, 7, 3)).astype('f')
    for x in (base.transpose(0, 2, 1, 3), base[:, ::-1, ::2], np.broadcast_to(base[:, :1], base.shape)):
        for layer in (Conv2d(3, 4, 3, rng, padding='same'), Conv2d(3, 4, 1, rng), DepthwiseConv2d(3, 3, rng), ConvTranspose2d(3, 2, 3, rng, 2),
                      MaxPool2d(2), AvgPool2d(2), ConvReluPool2d(3, 4, 3, rng)):
            a, b = Tensor(x, requires_grad=True), Tensor(x.copy(), requires_grad=True)
            out, same = layer(a), layer(b)
            assert np.array_equal(out.data, same.data)
            g = rng.normal(size=out.shape[::-1]).astype('f').T
            out.backward(g), same.backward(g.copy())
            assert np.allclose(a.grad, b.grad, rtol=1e-6, atol=1e-6)


# --- kept memory

def layers(rng):
    "Layers from (n, 8, 8, 3) to the same, so that they can be stacked."
    return [Conv2d(3, 3, 3, rng, padding='same'), Conv2d(3, 3, 1, rng), DepthwiseConv2d(3, 3, rng, padding='same'),
            ConvTranspose2d(3, 3, 3, rng, padding='same'), MaxPool2d(3, 1, 'same'), AvgPool2d(3, 1, 'same'),
            ConvReluPool2d(3, 3, 3, rng, pool=1, padding='same')]
each_layer = pytest.mark.parametrize('i', range(len(layers(np.random.default_rng(0)))),
                                     ids=[repr(l) for l in layers(np.random.default_rng(0))])

@each_layer
def test_a_layer_twice_in_one_graph(i):
    "Used after itself and beside itself: every call keeps its own windows until the way back."
    rng = np.random.default_rng(0)
    layer = layers(rng)[i].astype(np.float64)
    for p in layer.parameters(): p.data = np.abs(rng.normal(size=p.shape))/5
    x, y = Tensor(rng.normal(size=(2, 8, 8, 3))), Tensor(rng.normal(size=(2, 8, 8, 3)))
    check_grad(lambda x, y: layer(layer(x))*layer(y) + layer(x), x, y, params=layer.parameters())

@each_layer
def test_what_the_user_holds_is_never_overwritten(i):
    "Outputs, parts of them and gradients stay as they were while the layer goes on working."
    rng = np.random.default_rng(0)
    layer, held = layers(rng)[i], []
    def remember(a): held.append((a, a.copy()))
    for step in range(6):
        x = Tensor(rng.normal(size=(2, 8, 8, 3)).astype('f'), requires_grad=True)
        out = layer(x)
        remember(out.data); remember(layer(x).data[1:, ::2]); remember(layer(x).data.T)
        with no_grad(): remember(layer(x).data.reshape(-1)[5:])
        out.sum().backward()
        remember(x.grad)
        for p in layer.parameters(): remember(p.grad); p.grad = None
    for a, copy in held: assert np.array_equal(a, copy)

@each_layer
def test_many_graphs_may_wait(i):
    "Ten forward passes, then their backward passes in another order: each finds its own numbers."
    rng = np.random.default_rng(0)
    layer = layers(rng)[i]
    def gradient(x): t = Tensor(x, requires_grad=True); layer(t).sum().backward(); return t.grad
    xs = [rng.normal(size=(2, 8, 8, 3)).astype('f') for _ in range(10)]
    want = [gradient(x) for x in xs]
    ts = [Tensor(x, requires_grad=True) for x in xs]
    outs = [layer(t).sum() for t in ts]
    for j in rng.permutation(10): outs[j].backward()
    for t, w in zip(ts, want): assert np.allclose(t.grad, w, rtol=1e-6, atol=1e-6)

@each_layer
def test_two_threads(i):
    "Threads that use one layer at the same time get what each would get alone."
    rng = np.random.default_rng(0)
    layer = layers(rng)[i]
    xs = [rng.normal(size=(2, 8, 8, 3)).astype('f') for _ in range(4)]
    def work(x):
        t = Tensor(x, requires_grad=True)
        out = layer(layer(t))
        got = out.data.copy()
        out.sum().backward()
        assert np.array_equal(out.data, got)
        return got, t.grad
    want, wrong, start = [work(x) for x in xs], [], threading.Barrier(4)
    def run(x, alone):
        try:
            start.wait()
            for _ in range(30):
                for got, w in zip(work(x), alone): np.testing.assert_allclose(got, w, rtol=1e-5, atol=1e-5)
        except BaseException as e: wrong.append(e)
    threads = [threading.Thread(target=run, args=a) for a in zip(xs, want)]
    for t in threads: t.start()
    for t in threads: t.join()
    assert not wrong, wrong[0]


# --- what cannot work, said in words

def f32(*shape): return np.zeros(shape, np.float32)
rng = np.random.default_rng(0)
WINDOWED = [Conv2d(3, 4, 5, rng), DepthwiseConv2d(3, 5, rng), MaxPool2d(5), AvgPool2d(5), ConvReluPool2d(3, 4, 5, rng)]
WEIGHTED = [Conv2d(3, 4, 3, rng), DepthwiseConv2d(3, 3, rng), ConvTranspose2d(3, 4, 3, rng), ConvReluPool2d(3, 4, 3, rng)]
EVERY = [*WEIGHTED, MaxPool2d(2), AvgPool2d(2), GlobalAvgPool2d()]

def refuses(layer, x, kind, *words):
    "`layer` answers `x` with an error that names the layer and has all `words`."
    with pytest.raises(kind) as e: layer(x)
    for word in (repr(layer), *words): assert word in str(e.value), f'{word!r} is missing: {e.value}'

@pytest.mark.parametrize('layer', WINDOWED, ids=repr)
def test_window_larger_than_its_input(layer): refuses(layer, f32(1, 4, 6, 3), ValueError, '5x5', '4x6', 'same')
@pytest.mark.parametrize('layer', WEIGHTED, ids=repr)
def test_wrong_channels(layer): refuses(layer, f32(2, 8, 8, 1), ValueError, '(batch, height, width, 3)', '(2, 8, 8, 1)')
@pytest.mark.parametrize('layer', EVERY, ids=repr)
def test_wrong_number_of_axes(layer): refuses(layer, f32(8, 8, 3), ValueError, 'batch, height, width', '(8, 8, 3)')
@pytest.mark.parametrize('layer', EVERY, ids=repr)
def test_whole_numbers(layer): refuses(layer, np.full((1, 8, 8, 3), 200, np.uint8), TypeError, 'uint8', 'x.astype(np.float32)')
@pytest.mark.parametrize('layer', WEIGHTED, ids=repr)
def test_float64_input_of_float32_weights(layer): refuses(layer, np.zeros((1, 8, 8, 3)), TypeError, 'float32', 'float64', 'astype')
def test_less_than_one_pool(): refuses(ConvReluPool2d(3, 4, 4, rng, 2), f32(1, 4, 4, 3), ValueError, '4x4', '2x2')

MAKERS = {'Conv2d': lambda k=3, s=1, p='valid', r=rng: Conv2d(3, 4, k, r, s, p),
          'DepthwiseConv2d': lambda k=3, s=1, p='valid', r=rng: DepthwiseConv2d(3, k, r, s, p),
          'ConvTranspose2d': lambda k=3, s=1, p='valid', r=rng: ConvTranspose2d(3, 4, k, r, s, p),
          'MaxPool2d': lambda k=3, s=1, p='valid': MaxPool2d(k, s, p), 'AvgPool2d': lambda k=3, s=1, p='valid': AvgPool2d(k, s, p),
          'ConvReluPool2d': lambda k=3, s=2, p='valid', r=rng: ConvReluPool2d(3, 4, k, r, s, p)}

@pytest.mark.parametrize('name', MAKERS)
def test_layers_that_cannot_be_made(name):
    "Unknown padding, and windows, strides or pools that are no positive whole numbers, are refused where the layer is made."
    make = MAKERS[name]
    for bad in ('full', 'SAME', None, -1, 1.5, True, (1,), (1, 2, 3), (1, -1)):
        with pytest.raises(ValueError, match='zeros for each side, not ' + re.escape(repr(bad))): make(p=bad)
    for bad in (0, -1, 1.5, (2, 0)):
        with pytest.raises(ValueError, match='positive whole number'): make(s=bad)
    for bad in (0, -1, 1.5, (2, 0), (3, 3, 3), '3'):
        with pytest.raises(ValueError, match='positive whole number'): make(k=bad)

@pytest.mark.parametrize('name', [n for n in MAKERS if 'Pool2d' not in n or 'Conv' in n])
def test_a_seed_is_no_generator(name):
    with pytest.raises(TypeError, match=f'{name}.*default_rng'): MAKERS[name](r=0)


BIASED = {'dense': lambda b: Dense(2, 2, RNG, bias=b), 'conv2d': lambda b: Conv2d(1, 1, 2, RNG, bias=b), 'conv1d': lambda b: Conv1d(1, 1, 2, RNG, bias=b),
          'depthwise': lambda b: DepthwiseConv2d(1, 2, RNG, bias=b), 'transpose': lambda b: ConvTranspose2d(1, 1, 2, RNG, bias=b),
          'fused': lambda b: ConvReluPool2d(1, 1, 2, RNG, bias=b)}
@pytest.mark.parametrize('name', BIASED)
def test_a_bias_is_there_or_not(name):
    assert BIASED[name](np.True_).b is not None and BIASED[name](np.False_).b is None
    for bad in ('False', None, 0, np.nan, np.zeros(2), []):
        with pytest.raises(TypeError, match='expected bias, True or False'): BIASED[name](bad)
