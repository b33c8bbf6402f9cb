"Training steps in C: random networks and batches, what float64 gives for them, and a run under sanitizers"
import copy, ctypes, sys
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from tinybench.core.tensor import Tensor
from tinybench.native import train
from tinybench.native.train import plan_step
from tinybench.nn.channels import DepthwiseConv2d
from tinybench.nn.conv import Conv1d, Conv2d
from tinybench.nn.dense import GELU, Dense, Dropout, Flatten, LeakyReLU, ReLU, Residual, Sigmoid, SiLU, Tanh
from tinybench.nn.loss import bce, cross_entropy, l1, mse
from tinybench.nn.module import Module, Sequential, walk
from tinybench.nn.norm import BatchNorm
from tinybench.nn.optim import SGD, AdamW
from tinybench.nn.pool import (
    AvgPool1d, AvgPool2d, ConvReluPool2d, GlobalAvgPool1d, GlobalAvgPool2d, MaxPool1d, MaxPool2d)
from tinybench.toolchain.store import NoLibrary


def out_of(m, shape): return m.eval()(np.zeros((1, *shape), np.float32)).shape[1:]

def padding(r, k, stride):
    if r.random() < .3: return int(r.integers(0, k//2 + 1))
    return ('same', 'valid')[int(r.integers(2))]

home = sys.modules[train.StepPlan.__module__]

LOSSES = dict(cross_entropy=cross_entropy, mse=mse, l1=l1, bce=bce)
SIMPLE = [ReLU, Sigmoid, Tanh, SiLU, GELU, LeakyReLU]

def never(said): raise AssertionError(said)

@dataclass
class Case:
    "A network, its loss, a batch, and how many threads share it."
    net: Module
    loss: object
    x: np.ndarray
    y: np.ndarray
    threads: int = 1
    def step(self, opt=None, **how):
        return plan_step(self.net, self.loss, opt or SGD(self.net.parameters()), len(self.x), self.threads, say=never, **how)

@contextmanager
def compiled_with(*flags, **how):
    "Within the block, steps are compiled with these flags too."
    real = home.load
    def load(code, also=(), **more): return real(code, also=[*also, *flags], **{**more, **how})
    with pytest.MonkeyPatch.context() as m:
        m.setattr(home, 'load', load)
        yield

def written(case, **how) -> str:
    "The C of a step, which is not compiled."
    def load(*_, **__): raise NoLibrary('only the source is asked for')
    with pytest.MonkeyPatch.context() as m:
        m.setattr(home, 'load', load)
        plan = case.step(**how)
        with pytest.raises(NoLibrary): plan.build(case.x, case.y)
    return plan.source()


# --- networks drawn at random

def norm(n, r):
    m = BatchNorm(n, momentum=float(r.uniform(0, 1)))
    m.gamma.data[:], m.beta.data[:] = r.uniform(.5, 2, n), r.normal(size=n)
    m.mean[:], m.var[:] = r.normal(size=n), r.uniform(.3, 2, n)
    return m

def followed(layer, f, r):
    "A layer, often with a BatchNorm and an activation behind it."
    more = [norm(f, r)] if r.random() < .4 else []
    return [layer, *more, *([SIMPLE[int(r.integers(len(SIMPLE)))]()] if r.random() < .6 else [])]

def windows(limits, r):
    "A window that fits, odd or even, its stride and its padding; if a number, at most half the window."
    k = tuple(int(r.integers(1, min(n, 5) + 1)) for n in limits)
    stride = tuple(int(r.integers(1, 4)) for _ in limits)
    return k, stride, padding(r, min(k), stride)

def image_layer(shape, r):
    h, w, c = shape
    k, stride, pad = windows((h, w), r)
    f, bias, some = int(r.integers(1, 34)), bool(r.integers(2)), int(r.integers(0, 10))
    if some <= 2: return followed(Conv2d(c, f, k, r, stride=stride, padding=pad, bias=bias), f, r)
    if some == 3: return followed(DepthwiseConv2d(c, k, r, stride=stride, padding=pad, bias=bias), c, r)
    if some == 4: return followed(Conv2d(c, f, 1, r, padding=int(r.integers(3)), stride=int(r.integers(1, 4))), f, r)
    if some == 5: return [Residual(Sequential(*followed(Conv2d(c, c, k, r, padding='same'), c, r), norm(c, r))), ReLU()]
    if some == 6:
        return [Residual(Sequential(Conv2d(c, f, k, r, padding='same', stride=stride), norm(f, r)),
                         Sequential(Conv2d(c, f, 1, r, stride=stride)))]
    if some == 7: return [(MaxPool2d, AvgPool2d)[int(r.integers(2))](k, stride=stride, padding=pad)]
    if some == 8: return [MaxPool2d(k, stride=stride, padding=pad), ReLU()]
    return [ConvReluPool2d(c, f, k, r, pool=int(r.integers(1, 4)), padding='same', bias=bias)]

def row_layer(shape, r):
    l, c = shape
    (k,), (stride,), pad = windows((l,), r)
    f, some = int(r.integers(1, 34)), int(r.integers(0, 6))
    if some <= 1: return followed(Conv1d(c, f, k, r, stride=stride, padding=pad, bias=bool(r.integers(2))), f, r)
    if some == 2: return [(MaxPool1d, AvgPool1d)[int(r.integers(2))](k, stride=stride, padding=pad)]
    if some == 3: return [Residual(Conv1d(c, c, k, r, padding='same'))]
    if some == 4: return [MaxPool1d(k, stride=stride, padding=pad), ReLU()]
    return followed(Dense(c, f, r), f, r)

def any_layer(shape, r):
    if r.random() < .1: return [SIMPLE[int(r.integers(len(SIMPLE)))]()]
    if r.random() < .1: return [Dropout(float(r.uniform(0, .7)), r)]
    if r.random() < .1: return [norm(shape[-1], r)]
    if len(shape) == 3: return image_layer(shape, r)
    if len(shape) == 2: return row_layer(shape, r)
    return followed(Dense(shape[0], f := int(r.integers(1, 34)), r), f, r)

def ending(shape, r):
    "To one row an image."
    if len(shape) == 1: return []
    if r.random() < .5: return [Flatten()]
    return [(GlobalAvgPool2d if len(shape) == 3 else GlobalAvgPool1d)()]

def any_net(r, classes:int):
    "A network of a few layers that makes `classes` numbers, and the shape of one input."
    dims = int(r.integers(1, 4))
    shape = first = {1: (int(r.integers(1, 34)),), 2: (int(r.integers(2, 16)), int(r.integers(1, 34))),
                     3: (int(r.integers(2, 11)), int(r.integers(2, 11)), int(r.integers(1, 34)))}[dims]
    layers = []
    for _ in range(int(r.integers(1, 6))):
        try:
            for m in any_layer(shape, r):
                new = out_of(m, shape)
                if np.prod(new) > 4000: break
                layers.append(m)
                shape = new
        except ValueError: pass     # a window larger than what is left
    layers += ending(shape, r)
    shape = out_of(layers[-1], shape) if layers and len(shape) > 1 else shape
    return Sequential(*layers, Dense(int(np.prod(shape)), classes, r)), first

def batch(r, n, shape, classes, loss, whole):
    "Inputs and targets; whole numbers give ties in pools, and zeros at ReLUs."
    x = (r.integers(-2, 3, (n, *shape)) if whole else r.normal(size=(n, *shape))).astype(np.float32)
    if loss == 'cross_entropy': return x, r.integers(0, classes, n)
    return x, (r.random((n, classes)) if loss == 'bce' else r.normal(size=(n, classes))).astype(np.float32)

def drawn(seed:int, loss:str='cross_entropy', whole:bool=False) -> Case:
    "A network at random, and a batch for it; in whole numbers if they are to tie."
    r = np.random.default_rng(seed)
    threads, classes = int(r.integers(1, 4)), int(r.integers(1, 12))
    n = int(r.integers(1, 34//threads))*threads if r.random() < .8 else int(r.integers(2, 34))
    net, shape = any_net(r, classes)
    n = max(n, 2*threads)           # a BatchNorm behind a Dense needs two
    if whole:       # but for a BatchNorm, behind which a rounding error would decide where 0 is
        for name, p in net.named_parameters():
            if not name.endswith(('gamma', 'beta')): p.data[...] = np.rint(p.data*3)
    for _, m in walk(net):
        if isinstance(m, Dropout): m.rng = np.random.default_rng(seed)
    return Case(net.train(), LOSSES[loss], *batch(r, n, shape, classes, loss, whole), threads)


# --- what it is compared with

def usual(case:Case, dtype):
    "Loss, gradients and buffers of the usual step of a copy, computed in `dtype`."
    twin = copy.deepcopy(case.net).astype(dtype)
    y = case.y if case.loss is cross_entropy else case.y.astype(dtype)
    loss = case.loss(twin(Tensor(case.x.astype(dtype))), y)
    loss.backward()
    grads = [np.zeros(p.shape, dtype) if p.grad is None else p.grad for p in twin.parameters()]
    return loss.item(), grads, [getattr(m, b) for _, m in walk(twin) for b in m.buffers]

def in_c(case:Case, plan):
    "The same of the step in C; a first step makes it."
    opt = plan.opt
    if plan.shape is None: plan.build(case.x, case.y)
    value = plan.gradients(case.x, case.y)
    spans = {id(p): s for p, s in zip(opt.params, opt.spans)}
    grads = [opt.g[spans[id(p)]].reshape(p.shape).copy() for p in case.net.parameters()]
    return value, grads, [getattr(m, b) for _, m in walk(case.net) for b in m.buffers]

def off(got, want) -> float:
    "The largest difference of two lists of arrays, over the largest number in `want`."
    size = max([np.abs(w).max(initial=0) for w in want], default=0)
    return max([np.abs(g - w).max(initial=0) for g, w in zip(got, want)], default=0)/max(size, 1e-30)

def assert_right(case:Case, plan=None, tol=1e-5, of=''):
    """That loss, gradients and moving averages are those of float64. Differences are over the largest gradient of
    all: that of a bias before a BatchNorm is 0, and what stands there is noise. Where float32 itself loses more,
    in the usual step, the C may lose four times that."""
    want, plain = usual(case, np.float64), usual(case, np.float32)
    got = in_c(case, plan or case.step())
    for what, g, w, p in zip(('loss', 'gradients', 'moving averages'), *([[a[0]], *a[1:]] for a in (got, want, plain))):
        worst, usual_worst = off(g, w), off(p, w)
        assert worst <= max(tol, 4*usual_worst), f'{of} {what} off by {worst:.2g}, the usual step by {usual_worst:.2g}'


# --- memory

class Exact:
    "Arrays in memory of just their size, so that sanitizers watch both ends."
    def __init__(self):
        self.libc, self.of = ctypes.CDLL(None), {}
        self.libc.malloc.restype, self.libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        self.libc.free.argtypes = [ctypes.c_void_p]
    def put(self, a:np.ndarray) -> int:
        "The address of a copy of `a`."
        p = self.libc.malloc(max(a.nbytes, 1))
        ctypes.memmove(p, a.ctypes.data, a.nbytes)
        self.of[p] = a
        return p
    def back(self):
        "All copies into their arrays, and gone."
        for p, a in self.of.items():
            ctypes.memmove(a.ctypes.data, p, a.nbytes)
            self.libc.free(p)
        self.of.clear()

def unknown(plan, learner):
    "NaN wherever the arena may hold anything when a step begins."
    kept = np.zeros(plan.runner.arena.size, bool)
    for b in learner.tape.buffers: kept[b.offset:][:b.size if b.kept else 0] = True
    plan.runner.arena[~kept] = np.nan

def run_exactly(case, plan):
    "One step of which each array is in memory of its size; runs gradients and update."
    r, e, opt = plan.runner, Exact(), plan.opt
    x, y, moving = case.x, plan.targets(case.y), plan.moving()
    for layer, mask in zip(plan.drops, plan.masks): mask[...] = home.keep_mask(layer.rng, mask.shape, layer.p)
    pointers = (ctypes.c_void_p*max(len(moving), 1))(*map(e.put, moving))
    g = r.given
    kept = [getattr(g, name) for name, _ in g._fields_]
    g.x, g.y, g.arena, g.w, g.g, g.more = map(e.put, (x, y, r.arena, r.w, r.g, r.more))
    g.moving = ctypes.addressof(pointers)
    r.crew()
    e.back()
    for (name, _), v in zip(g._fields_, kept): setattr(g, name, v)
    w, slopes, m, v = (a.copy() for a in (opt.w, opt.g, opt.m, opt.v))
    r.lib.update(*map(e.put, (w, slopes, m, v)), r.numbers.ctypes.data, w.size)
    r.lib.length(e.put(slopes), w.size)
    e.back()

def in_unknown_memory(case, *flags, **how):
    "The step of a case, whose arena holds NaN where a step has to write before it reads."
    learners, plan = [], case.step(AdamW(case.net.parameters()))
    class Kept(home.Learner):
        def __init__(self, *args): super().__init__(*args); learners.append(self)
    with pytest.MonkeyPatch.context() as m, compiled_with(*flags, **how):
        m.setattr(home, 'Learner', Kept)
        plan.build(case.x, case.y)
    unknown(plan, learners[-1])
    return plan

def sanitized_steps(cases):
    "Compiles steps with sanitizers, warnings being errors, and runs them: no array is left, no NaN comes out."
    for case in cases:
        plan = in_unknown_memory(case, '-Werror', '-Wno-psabi', sanitize=True)
        want = usual(case, np.float32)
        run_exactly(case, plan)
        spans = {id(p): s for p, s in zip(plan.opt.params, plan.opt.spans)}
        got = [plan.opt.g[spans[id(p)]].reshape(p.shape) for p in case.net.parameters()]
        assert off(got, want[1]) < 1e-3, case.net
