"Convolution and pooling: outputs against loops, gradients against differences and PyTorch, and memory that nobody else may write to."
import threading, weakref
from functools import partial
from itertools import product
from math import ceil

import numpy as np
import pytest
from hypothesis import given, strategies as st

from parity import same_as_torch
from tinybench.core.tensor import Tensor, check_grad, no_grad
from tinybench.nn.pool import AvgPool2d, ConvReluPool2d, GlobalAvgPool2d, MaxPool2d, hand_out, narrow, widen
from tinybench.nn.conv import Conv2d, fold, patches, same_pads, scratch
from tinybench.nn.channels import ConvTranspose2d, DepthwiseConv2d


# --- what the layers mean, in loops

def pads(n, k, s, padding):
    "TensorFlow's zeros before and after: as few as give ceil(n/s) windows, the odd one after."
    if padding == 'valid': return 0, 0
    total = next(t for t in range(n + k + s) if n + t >= k and (n + t - k)//s + 1 >= ceil(n/s))
    return total//2, total - total//2

def windows(x, kernel, stride, padding, value):
    "((row, column), window) for each window of the images `x` (n, h, w, c), padded with `value`."
    around = [pads(n, k, s, padding) for n, k, s in zip(x.shape[1:3], kernel, stride)]
    x = np.pad(x, ((0, 0), *around, (0, 0)), constant_values=value)
    rows, columns = [range(0, n - k + 1, s) for n, k, s in zip(x.shape[1:3], kernel, stride)]
    for (r, i), (c, j) in product(enumerate(rows), enumerate(columns)): yield (r, c), x[:, i:i+kernel[0], j:j+kernel[1]]

def gathered(found):
    "The numbers (n, c) found for each (row, column) as images (n, h, w, c)."
    found = dict(found)
    h, w = max(found)
    return np.stack([np.stack([found[r, c] for c in range(w + 1)], 1) for r in range(h + 1)], 1)

def conv_loops(layer, x):
    return gathered((at, np.tensordot(p, layer.w.data, 3) + layer.b.data) for at, p in windows(x, layer.kernel, layer.stride, layer.padding, 0))
def depthwise_loops(layer, x):
    return gathered((at, (p*layer.w.data).sum((1, 2)) + layer.b.data) for at, p in windows(x, layer.kernel, layer.stride, layer.padding, 0))
def max_loops(layer, x):
    return gathered((at, p.max((1, 2))) for at, p in windows(x, layer.kernel, layer.stride, layer.padding, -np.inf))
def avg_loops(layer, x):
    return gathered((at, np.nanmean(p, (1, 2))) for at, p in windows(x, layer.kernel, layer.stride, layer.padding, np.nan))

def transpose_loops(layer, x):
    "Keras's rule: each pixel stamps the kernel; 'valid' has n*s + max(k - s, 0) rows, 'same' has n*s, cut like a convolution's padding."
    n, h, w, _ = x.shape
    (kh, kw), (sh, sw), f = layer.kernel, layer.stride, layer.w.shape[2]
    out = np.zeros((n, h*sh + max(kh - sh, 0), w*sw + max(kw - sw, 0), f))
    for i, j in np.ndindex(h, w): out[:, i*sh:i*sh+kh, j*sw:j*sw+kw] += np.tensordot(x[:, i, j], layer.w.data, ([1], [3]))
    if layer.padding == 'same':
        t, l = max(kh - sh, 0)//2, max(kw - sw, 0)//2
        out = out[:, t:t+h*sh, l:l+w*sw]
    return out + layer.b.data

def fused_loops(layer, x):
    conv = Conv2d(*layer.w.shape[2:], layer.kernel, np.random.default_rng(0), padding=layer.padding).astype(np.float64)
    conv.w, conv.b = layer.w, layer.b
    return max_loops(MaxPool2d(layer.pool), np.maximum(conv_loops(conv, x), 0))

ORACLES = {Conv2d: conv_loops, DepthwiseConv2d: depthwise_loops, MaxPool2d: max_loops, AvgPool2d: avg_loops,
           ConvTranspose2d: transpose_loops, ConvReluPool2d: fused_loops}


# --- random layers: outputs and gradients

@st.composite
def cases(draw, kind):
    "A float64 layer of `kind` and images that fit it."
    n, c, f, h, w = (draw(st.integers(1, most), label=what) for what, most in zip('ncfhw', (2, 3, 3, 7, 7)))
    padding = draw(st.sampled_from(['valid', 'same']), label='padding')
    tight = padding == 'valid' and kind is not ConvTranspose2d
    kernel = tuple(draw(st.integers(1, min(4, side) if tight else 4), label='kernel') for side in (h, w))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)), label='stride')
    rng = np.random.default_rng(draw(st.integers(0, 99), label='seed'))
    if kind in (MaxPool2d, AvgPool2d): layer = kind(kernel, stride, padding)
    elif kind is DepthwiseConv2d: layer = kind(c, kernel, rng, stride, padding)
    elif kind is ConvReluPool2d:
        pool = draw(st.integers(1, 3), label='pool')
        h, w = h + pool - 1, w + pool - 1
        layer = kind(c, f, kernel, rng, pool, padding)
    else: layer = kind(c, f, kernel, rng, stride, padding)
    layer.astype(np.float64)
    for p in layer.parameters(): p.data = rng.normal(size=p.shape)
    return layer, rng.normal(size=(n, h, w, c))

@pytest.mark.parametrize('kind', ORACLES, ids=lambda k: k.__name__)
def test_random_layers(kind):
    "Each output equals the loops', each gradient the central differences."
    @given(cases(kind))
    def check(case):
        layer, x = case
        before = x.copy()
        out, want = layer(Tensor(x)).data, ORACLES[kind](layer, x)
        assert out.shape == want.shape and np.allclose(out, want, rtol=1e-10, atol=1e-10), f'{layer!r} of {x.shape}'
        check_grad(layer, Tensor(x), params=layer.parameters())
        assert (x == before).all(), 'the input was changed'
    check()

def test_global_average():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4))
    assert np.allclose(GlobalAvgPool2d()(x).data, x.mean((1, 2)))
    check_grad(GlobalAvgPool2d(), Tensor(x))

@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 6))
def test_same_pads_are_tensorflows(n, k, s): assert same_pads(n, k, s) == pads(n, k, s, 'same')

@given(cases(AvgPool2d))
def test_fold_is_the_transpose_of_patches(case):
    layer, x = case
    if layer.kernel[0] > x.shape[1] or layer.kernel[1] > x.shape[2]: return
    p = patches(x, layer.kernel, layer.stride)
    c = np.random.default_rng(1).normal(size=p.shape)
    assert np.isclose((p*c).sum(), (x*fold(c, x.shape, layer.stride)).sum())

@given(*[st.integers(1, 3)]*5)
def test_narrow_is_the_transpose_of_widen(kh, kw, c, f, pool):
    rng = np.random.default_rng(0)
    w = rng.normal(size=(kh, kw, c, f))
    wide = widen(w, pool)
    back = rng.normal(size=(pool*pool*f, len(wide)))
    assert np.isclose((wide.T*back).sum(), (w*narrow(back, w.shape, pool)).sum())

def test_average_at_the_border_counts_real_pixels_only():
    "TensorFlow divides by the pixels inside the image: a constant image stays constant."
    for layer in (AvgPool2d(3, 1, 'same'), AvgPool2d(3, 2, 'same'), AvgPool2d((4, 2), (1, 3), 'same')):
        assert (layer(np.full((1, 5, 6, 2), 3.)).data == 3).all()
    got = AvgPool2d(2, 1, 'same')(np.array([[1., 2.], [3., 4.]]).reshape(1, 2, 2, 1)).data[0, :, :, 0]
    assert (got == [[2.5, 3], [3.5, 4]]).all()

@pytest.mark.parametrize('stride,padding,size', [(2, 'valid', 15), (2, 'same', 14), (3, 'valid', 21), (4, 'valid', 28), (1, 'same', 7)])
def test_transposed_sizes_are_keras(stride, padding, size):
    layer = ConvTranspose2d(3, 2, 3, np.random.default_rng(0), stride, padding)
    assert layer(np.zeros((1, 7, 7, 3), np.float32)).shape == (1, size, size, 2)

def test_transposed_convolution_is_the_way_back_of_a_convolution():
    rng = np.random.default_rng(0)
    for (h, w), stride, padding in product([(8, 6), (9, 12)], [1, 2, 3], ['same', 'valid']):
        there = Conv2d(2, 3, (3, 4), rng, stride, padding).astype(np.float64)
        back = ConvTranspose2d(3, 2, (3, 4), rng, stride, padding).astype(np.float64)
        back.w = there.w
        y = Tensor(rng.normal(size=(2, h//stride, w//stride, 3)))
        x = Tensor(rng.normal(size=back(y).shape), requires_grad=True)
        there(x).backward(y.data)
        assert np.allclose(x.grad, back(y).data)

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


# --- PyTorch

def with_weights(layer, x, *weights):
    if weights: layer.w, layer.b = weights
    return layer(x)

def images(f, padding='valid', value=0):
    "`f` of NCHW images as a function of NHWC images, which are padded before as TensorFlow does; `f` also gets the weights."
    def run(x, *weights):
        import torch.nn.functional as F
        x = x.permute(0, 3, 1, 2)
        around = [pads(n, k, s, padding) for n, k, s in zip(x.shape[:1:-1], *[v[::-1] for v in (f.kernel, f.stride)])]
        return f(F.pad(x, sum(around, ()), value=value), *weights).permute(0, 2, 3, 1)
    return run

class Torch:
    "A function of PyTorch's `F`, and the window it works with."
    def __init__(self, kernel, stride, f): self.kernel, self.stride, self.f = kernel, stride, f
    def __call__(self, *xs):
        import torch.nn.functional as F
        return self.f(F, *xs)

CONVS = [((3, 3), (1, 1), 'valid'), ((3, 3), (1, 1), 'same'), ((3, 3), (2, 2), 'same'), ((10, 4), (2, 2), 'same'), ((1, 1), (1, 1), 'valid'),
         ((1, 1), (2, 2), 'same'), ((5, 2), (3, 1), 'valid'), ((2, 3), (3, 4), 'same')]

@pytest.mark.parametrize('kernel,stride,padding', CONVS)
def test_conv_is_torchs(torch, kernel, stride, padding):
    layer = Conv2d(3, 8, kernel, np.random.default_rng(0), stride, padding)
    theirs = Torch(kernel, stride, lambda F, x, w, b: F.conv2d(x, w.permute(3, 2, 0, 1), b, stride))
    same_as_torch([(4, 13, 16, 3), layer.w.shape, (8,)], partial(with_weights, layer), images(theirs, padding))

@pytest.mark.parametrize('kernel,stride,padding', CONVS)
def test_depthwise_is_torchs(torch, kernel, stride, padding):
    layer = DepthwiseConv2d(8, kernel, np.random.default_rng(0), stride, padding)
    theirs = Torch(kernel, stride, lambda F, x, w, b: F.conv2d(x, w.permute(2, 0, 1)[:, None], b, stride, groups=8))
    same_as_torch([(4, 13, 16, 8), layer.w.shape, (8,)], partial(with_weights, layer), images(theirs, padding))

@pytest.mark.parametrize('kernel,stride,padding', CONVS)
def test_transposed_is_torchs(torch, kernel, stride, padding):
    layer = ConvTranspose2d(3, 8, kernel, np.random.default_rng(0), stride, padding)
    h, w = layer(np.zeros((1, 6, 7, 3), np.float32)).shape[1:3]
    t, l = (max(k - s, 0)//2 if padding == 'same' else 0 for k, s in zip(kernel, stride))
    beyond = tuple(max(s - k, 0) for k, s in zip(kernel, stride))     # rows no window reaches: they hold the bias
    def theirs(x, w_, b):
        import torch.nn.functional as F
        out = F.conv_transpose2d(x.permute(0, 3, 1, 2), w_.permute(3, 2, 0, 1), b, stride, output_padding=beyond)
        return out[:, :, t:t+h, l:l+w].permute(0, 2, 3, 1)
    same_as_torch([(4, 6, 7, 3), layer.w.shape, (8,)], partial(with_weights, layer), theirs)

@pytest.mark.parametrize('kernel,stride,padding', CONVS)
def test_max_pool_is_torchs(torch, kernel, stride, padding):
    theirs = Torch(kernel, stride, lambda F, x: F.max_pool2d(x, kernel, stride))
    same_as_torch([(4, 13, 16, 3)], MaxPool2d(kernel, stride, padding), images(theirs, padding, -np.inf))

@pytest.mark.parametrize('kernel,stride,padding', CONVS)
def test_average_pool_is_torchs(torch, kernel, stride, padding):
    mean = Torch(kernel, stride, lambda F, x: F.avg_pool2d(x, kernel, stride))
    def theirs(x): return images(mean, padding)(x)/images(mean, padding)(torch.ones_like(x))
    same_as_torch([(4, 13, 16, 3)], AvgPool2d(kernel, stride, padding), theirs)

def test_global_average_is_torchs(torch): same_as_torch([(4, 13, 16, 3)], GlobalAvgPool2d(), lambda x: x.mean((1, 2)))

@pytest.mark.parametrize('pool,padding', [(2, 'valid'), (2, 'same'), (3, 'valid')])
def test_fused_is_torchs(torch, pool, padding):
    layer = ConvReluPool2d(3, 10, 3, np.random.default_rng(0), pool, padding)
    theirs = Torch((3, 3), (1, 1), lambda F, x, w, b: F.max_pool2d(F.conv2d(x, w.permute(3, 2, 0, 1), b).relu(), pool))
    same_as_torch([(4, 16, 17, 3), layer.w.shape, (10,)], partial(with_weights, layer), images(theirs, padding))

def test_many_pixels_keep_their_digits():
    "Sums over 70,000 pixels in float32 are as good as in float64, to 1e-5 of the largest."
    rng = np.random.default_rng(0)
    x, g = rng.normal(size=(2, 32, 48, 48, 8)).astype('f')
    def gradients(layer, dtype):
        layer.astype(dtype)(Tensor(x.astype(dtype), requires_grad=True)).backward(g.astype(dtype))
        return [p.grad for p in layer.parameters()]
    for layer in (DepthwiseConv2d(8, 3, rng, padding='same'), Conv2d(8, 8, 3, rng, padding='same')):
        for single, double in zip(gradients(layer, np.float32), gradients(layer, np.float64)):
            assert np.abs(single - double).max() <= 1e-5*np.abs(double).max(), repr(layer)


# --- ties

def test_ties_go_to_the_first(torch):
    "On constant and on repeated patches each window's gradient is handed out once, to the first winner, as PyTorch does."
    rng = np.random.default_rng(0)
    for x in (np.full((2, 9, 9, 3), 7, 'f'), np.zeros((1, 8, 8, 1), 'f'), rng.integers(0, 3, (2, 9, 9, 3)).astype('f')):
        for kernel, stride in ((2, 2), (3, 2), (3, 1), (2, 3)):
            theirs = Torch((kernel,)*2, (stride,)*2, lambda F, x: F.max_pool2d(x, kernel, stride))
            same_as_torch([x], MaxPool2d(kernel, stride), images(theirs))

def test_every_tie_is_counted_once():
    x, layer = Tensor(np.full((1, 8, 8, 2), 5.), requires_grad=True), MaxPool2d(2)
    layer(x).sum().backward()
    first = np.zeros((8, 8)); first[::2, ::2] = 1
    assert (x.grad == first[None, :, :, None]).all()

def test_fused_ties_are_counted_once():
    "Flat pictures: four equal candidates a pool, one of them takes the gradient."
    layer = ConvReluPool2d(1, 2, 3, np.random.default_rng(0))
    layer.w.data[:], layer.b.data[:] = 1, 0
    x = Tensor(np.ones((1, 8, 8, 1), 'f'), requires_grad=True)
    out = layer(x)
    out.sum().backward()
    assert (out.data == 9).all() and x.grad.sum() == out.size*9 and (layer.b.grad == out.size/2).all()

@given(st.integers(1, 5), st.integers(1, 4))
def test_hand_out_gives_everything_once(k, most):
    rng = np.random.default_rng(0)
    candidates, g, shares = rng.integers(0, most, (k, 4, 5)).astype(float), rng.normal(size=(4, 5)), np.empty((k, 4, 5))
    hand_out(g, candidates.max(0), candidates, shares)
    assert (shares == np.where(np.arange(k)[:, None, None] == candidates.argmax(0), g, 0)).all()


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

def test_scratch_is_handed_out_again_only_when_free():
    where = lambda a: a.__array_interface__['data'][0]
    a = scratch((50, 3), 'f'); first = where(a)
    assert where(scratch((50, 3), 'f')) != first
    for hold in (lambda a: a[3:5], lambda a: a.T, lambda a: a.reshape(-1)[::2], lambda a: patches(a[None, :, :, None], (2, 2), (1, 1)),
                 lambda a: [a], lambda a: memoryview(a), lambda a: Tensor(a)):
        part, a = hold(a), None
        b = scratch((50, 3), 'f')
        assert where(b) != first, 'somebody still looks at it'
        b = part = None
        a = scratch((50, 3), 'f')
        assert where(a) == first, 'nobody looks at it: it can be used again'
    assert where(scratch((50, 3), 'd')) != first and where(scratch((3, 50), 'f')) != first

def test_scratch_of_another_thread():
    "A result made in a thread belongs to whoever holds it, also when the thread has ended."
    box = []
    def make(): box.append(scratch((64, 64), 'f')); box[0][:] = 3
    for _ in range(2):
        t = threading.Thread(target=make); t.start(); t.join()
        for _ in range(4): scratch((64, 64), 'f')[:] = 9
        assert (box.pop() == 3).all()

def test_scratch_keeps_at_most_256_mib():
    "Odd sizes that never come back must not fill the memory, nor must a single huge one."
    def kept(sizes):
        refs = [weakref.ref(scratch((n,), 'u1')) for n in sizes]
        return sum(r().nbytes for r in refs if r() is not None)
    assert kept(2**26 - i for i in range(12)) <= 2**28
    assert kept([2**28 + 1]) == 0
    assert kept([2**20]) == 2**20


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
    for bad in ('full', 'SAME', None, 1):
        with pytest.raises(ValueError, match="'valid' or 'same', not " + repr(bad)): make(p=bad)
    for bad in (0, -1, 1.5, (2, 0)):
        with pytest.raises(ValueError, match='positive whole number'): make(s=bad)
    for bad in (0, -1, 1.5, (2, 0), (3, 3, 3), '3'):
        with pytest.raises(ValueError, match='positive whole number'): make(k=bad)

@pytest.mark.parametrize('name', [n for n in MAKERS if 'Pool2d' not in n or 'Conv' in n])
def test_a_seed_is_no_generator(name):
    with pytest.raises(TypeError, match=f'{name}.*default_rng'): MAKERS[name](r=0)
