"Random networks of codes: layers, sizes, grids, paddings and channels that are no multiple of a vector; and runs under sanitizers."
import ctypes

import numpy as np

from plankit import malloced
from tinybench.core.tensor import Tensor, no_grad
from tinybench.native.int8 import plan
from tinybench.nn.dense import Flatten
from tinybench.nn.module import Sequential
from tinybench.optimize.integer import (
    Dequantize, IntegerAdd, IntegerAvgPool2d, IntegerConv2d, IntegerDense, IntegerDepthwiseConv2d, IntegerGlobalAvgPool2d,
    IntegerMaxPool2d, IntegerSoftmax, Lookup, PROBABILITIES, Quantize)
from tinybench.optimize.quantize import Grid

def grid(r): return Grid(np.float32(r.uniform(.005, .1)), int(r.integers(-128, 128)), -128, 127)

def product(kind, size, at, to, r, **ways):
    "A layer with random weights, whose outputs fill their grid without much clipping; some have a sum beyond 2**24."
    many = int(np.prod(size[:2] if kind is IntegerDepthwiseConv2d else size[:-1]))
    w = r.integers(-127, 128, size).astype(np.int8)
    b = r.integers(-2000, 2000, size[-1]).astype(np.int32) if r.random() < .8 else r.integers(-2**29, 2**29, size[-1]).astype(np.int32)
    m = r.uniform(.3, 1.5, size[-1] if r.random() < .7 else 1)*60/(np.sqrt(many)*74*73 + np.abs(b).max())
    return kind(w, b, m.astype(np.float32), at.zero, to.zero, bool(r.integers(2)), **ways)

def out_of(m, shape): return m.eval()(Tensor(np.zeros((1, *shape), np.int8))).shape[1:]

def windowed(r, h, w):
    "A kernel that fits, a stride and a padding."
    k = int(r.integers(1, min(h, 5) + 1)), int(r.integers(1, min(w, 6) + 1))
    pad = ('same', 'valid')[int(r.integers(2))]
    return k, dict(stride=tuple(int(n) for n in r.integers(1, 3, 2)), padding=pad)

def layer(shape, at, r):
    "A layer or two for codes of `shape` on the grid `at`, and the grid behind."
    to, some = grid(r), int(r.integers(0, 10))
    if some == 0: return [Lookup(r.integers(-128, 128, 256).astype(np.int8), 'any')], to
    if len(shape) == 1:
        if some < 8: return [product(IntegerDense, (shape[0], int(r.integers(1, 70))), at, to, r)], to
        return [IntegerSoftmax(at)], PROBABILITIES
    h, w, c = shape
    k, ways = windowed(r, h, w)
    if some <= 3: return [product(IntegerConv2d, (*k, c, int(r.integers(1, 40))), at, to, r, **ways)], to
    if some <= 5: return [product(IntegerDepthwiseConv2d, (*k, c), at, to, r, **ways)], to
    if some == 6: return [IntegerMaxPool2d(k, **ways)], at
    if some == 7: return [IntegerAvgPool2d(k, **ways)], at
    mid, same = grid(r), dict(stride=1, padding='same')
    body = Sequential(product(IntegerConv2d, (*k, c, c), at, mid, r, **same))
    short = Sequential(product(IntegerConv2d, (1, 1, c, c), at, mid, r, **same)) if r.random() < .5 else None
    arm = at if short is None else mid
    return [IntegerAdd(body, short, [mid, arm, to], bool(r.integers(2)))], to

def coded(seed):
    "A network from fractions to fractions with codes between, the shape of one input, and a batch."
    r = np.random.default_rng(seed)
    image = r.random() < .8
    shape = first = (int(r.integers(1, 14)), int(r.integers(1, 14)), int(r.integers(1, 36))) if image else (int(r.integers(1, 90)),)
    at = start = grid(r)
    layers = []
    for _ in range(int(r.integers(1, 6))):
        more, to = layer(shape, at, r)
        try: shape = out_of(Sequential(*more), shape)
        except ValueError: continue
        layers, at = layers + more, to
    if len(shape) == 3 and r.random() < .6:
        layers.append(Flatten() if r.random() < .5 else IntegerGlobalAvgPool2d())
        shape = out_of(layers[-1], shape)
        to = grid(r)
        layers += [product(IntegerDense, (shape[0], int(r.integers(1, 20))), at, to, r)]
        at = to
    batch = int(r.integers(1, 34)) if np.prod(first) < 400 else int(r.integers(1, 4))
    return Sequential(Quantize(start), *layers or [Lookup(np.arange(256).astype(np.int8), 'any')], Dequantize(at)).eval(), first, batch

def codes(shape, batch, seed=5): return np.random.default_rng(seed).integers(-128, 128, (batch, *shape)).astype(np.int8)

def eager(net, x):
    with no_grad(): return net(Tensor(x)).data

def of(net, x):
    "What the network, or what lies between its ends, gives for `x`."
    return eager(net[1:-1] if x.dtype == np.int8 else net, x)

def check_run(p, run, x, want):
    "That `run` of the plan `p` is right whatever is in its memory, and reads and writes nothing beyond its arrays."
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
    run.argtypes, run.restype = [ctypes.c_void_p]*4, None
    arena = np.random.default_rng(3).integers(-2**31, 2**31, p.c.arena).astype(np.int32)
    places = [malloced(libc, a) for a in (x, np.zeros_like(p.out), arena, p.weights)]
    run(*places)
    got = np.empty_like(p.out)
    ctypes.memmove(got.ctypes.data, places[1], got.nbytes)
    for place in places: libc.free(place)
    np.testing.assert_array_equal(got, want)

def sanitized_plans(seeds, **how):
    "Compiles random networks, in one library each, with sanitizers, warnings being errors; and runs them."
    from tinybench.toolchain.load import load
    for seed in seeds:
        net, shape, batch = coded(seed)
        for dtype in ('int8', 'float32'):
            x = codes(shape, batch) if dtype == 'int8' else np.random.default_rng(5).normal(size=(batch, *shape)).astype(np.float32)
            p = plan(net, shape, dtype, batch, native=False, **how)
            check_run(p, load(p.source(), sanitize=True, also=['-lm', '-Werror', '-Wno-psabi']).run, x, of(net, x))
