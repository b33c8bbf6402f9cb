"Small networks drawn at random: layers, sizes, strides, paddings, channels that are no multiple of a vector."
import numpy as np

from tinybench.nn.channels import ConvTranspose2d, DepthwiseConv2d
from tinybench.nn.conv import Conv1d, Conv2d
from tinybench.nn.dense import GELU, Dense, Dropout, Flatten, LeakyReLU, ReLU, Residual, Sigmoid, SiLU, Softmax, Tanh
from tinybench.nn.module import Sequential
from tinybench.nn.norm import BatchNorm, LayerNorm
from tinybench.nn.pool import (
    AvgPool1d, AvgPool2d, ConvReluPool2d, GlobalAvgPool1d, GlobalAvgPool2d, MaxPool1d, MaxPool2d)

SIMPLE = [ReLU, Sigmoid, Tanh, SiLU, GELU, LeakyReLU, Softmax]

def norm(n, rng):
    "BatchNorm as after a training."
    m = BatchNorm(n)
    m.gamma.data[:], m.beta.data[:] = rng.uniform(.5, 2, n), rng.normal(size=n)
    m.mean[:], m.var[:] = rng.normal(size=n), rng.uniform(.3, 2, n)
    return m

def out_of(m, shape): return m.eval()(np.zeros((1, *shape), np.float32)).shape[1:]

def padding(r, k, stride):
    if r.random() < .3: return int(r.integers(0, k//2 + 1))
    return ('same', 'valid')[int(r.integers(2))]

def image_layer(shape, r):
    "One layer or a few for an image of `shape`; None if it does not fit."
    h, w, c = shape
    k, f = int(r.integers(1, min(h, w, 5) + 1)), int(r.integers(1, 40))
    stride, some = int(r.integers(1, 4)), int(r.integers(0, 11))
    pad = padding(r, k, stride)
    if some <= 2:
        kernel = k, int(r.integers(1, min(w, 4) + 1))
        return [Conv2d(c, f, kernel, r, stride=stride, padding=('same', 'valid')[int(r.integers(2))], bias=bool(r.integers(2)))]
    if some == 3: return [Conv2d(c, f, k, r, stride=stride, padding=pad), norm(f, r), ReLU()]
    if some == 4: return [DepthwiseConv2d(c, k, r, stride=stride, padding=pad), norm(c, r), ReLU()]
    if some == 5: return [Residual(Sequential(Conv2d(c, c, k, r, padding='same'), norm(c, r), ReLU(), Conv2d(c, c, 1, r), norm(c, r))), ReLU()]
    if some == 6: return [Residual(DepthwiseConv2d(c, k, r, padding='same'), Conv2d(c, c, 1, r))]
    if some == 7: return [(MaxPool2d, AvgPool2d)[int(r.integers(2))](k, stride=stride, padding=('same', 'valid')[int(r.integers(2))])]
    if some == 8: return [Conv2d(c, f, 3, r, padding='same'), ReLU(), MaxPool2d(2)] if min(h, w) > 2 else None
    if some == 9: return [ConvTranspose2d(c, min(f, 8), k, r, stride=stride)]
    return [ConvReluPool2d(c, f, 3, r, padding='same')] if min(h, w) > 1 else None

def row_layer(shape, r):
    "The same for a sequence."
    l, c = shape
    k, f, stride = int(r.integers(1, min(l, 5) + 1)), int(r.integers(1, 40)), int(r.integers(1, 3))
    some = int(r.integers(0, 5))
    if some <= 1: return [Conv1d(c, f, k, r, stride=stride, padding=('same', 'valid')[int(r.integers(2))]), norm(f, r), ReLU()]
    if some == 2: return [(MaxPool1d, AvgPool1d)[int(r.integers(2))](k, stride=stride, padding=('same', 'valid')[int(r.integers(2))])]
    if some == 3: return [Residual(Sequential(Conv1d(c, c, 3, r, padding='same'), ReLU()))]
    return [LayerNorm(c)]

def any_layer(shape, r):
    if r.random() < .2: return [SIMPLE[int(r.integers(len(SIMPLE)))]()]
    if r.random() < .1: return [norm(shape[-1], r)]
    if len(shape) == 3: return image_layer(shape, r)
    if len(shape) == 2: return row_layer(shape, r)
    return [Dense(shape[0], n := int(r.integers(1, 70)), r), *([norm(n, r), ReLU()] if r.random() < .5 else [])]

def any_net(r):
    "A network and the shape of one input."
    dims = int(r.integers(1, 4))
    shape = first = {1: (int(r.integers(1, 80)),), 2: (int(r.integers(2, 20)), int(r.integers(1, 20))),
                     3: (int(r.integers(2, 14)), int(r.integers(2, 14)), int(r.integers(1, 36)))}[dims]
    layers = []
    for _ in range(int(r.integers(1, 6))):
        try: more = any_layer(shape, r)
        except ValueError: continue     # a window larger than what is left
        for m in more or ():
            try: shape = out_of(m, shape)
            except ValueError: break
            layers.append(m)
            if np.prod(shape) > 20_000: break
    if len(shape) > 1 and r.random() < .5:
        layers.append(Flatten() if r.random() < .5 else (GlobalAvgPool2d if len(shape) == 3 else GlobalAvgPool1d)())
        shape = out_of(layers[-1], shape)
        layers += [Dropout(.2, r), Dense(shape[0], 7, r)]
    return Sequential(*layers or [ReLU()]).eval(), first
