"What layers with a sliding window mean, in loops; random layers; and how PyTorch is asked for the same."
from itertools import product
from math import ceil

import numpy as np
from hypothesis import given, strategies as st

from tinybench.core.tensor import Tensor, check_grad
from tinybench.nn.channels import ConvTranspose2d, DepthwiseConv2d
from tinybench.nn.conv import Conv2d
from tinybench.nn.pool import AvgPool2d, ConvReluPool2d, MaxPool2d


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

def check_random_layers(kind):
    "Each output of a layer of `kind` equals the loops', each gradient the central differences."
    @given(cases(kind))
    def check(case):
        layer, x = case
        before = x.copy()
        out, want = layer(Tensor(x)).data, ORACLES[kind](layer, x)
        assert out.shape == want.shape and np.allclose(out, want, rtol=1e-10, atol=1e-10), f'{layer!r} of {x.shape}'
        check_grad(layer, Tensor(x), params=layer.parameters())
        assert (x == before).all(), 'the input was changed'
    check()


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
