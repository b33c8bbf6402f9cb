"One function of a plan: an operation, and what is done to its result while that is in registers"
import sys
from dataclasses import dataclass, field
from importlib import import_module
from math import prod
from operator import attrgetter
from typing import NamedTuple
import numpy as np

from .place import whole


@dataclass
class Step:
    "An operation `op` of the values `ins` (numbers, or arrays that are known) that makes the value `out`."
    op: str
    ins: list
    out: int
    shape: tuple            # of what it makes
    options: dict
    path: str = ''          # the layer that ran it
    run: object = None      # what computes it in numpy
    w: np.ndarray|None = None                   # weights, if it is a product
    b: np.ndarray|None = None
    then: list = field(default_factory=list)    # 'relu', or the number of a value to be added
    pool: tuple = ()                            # what is pooled before it is stored
    block: tuple = ()                           # pixels and vectors of outputs in registers
    packed: np.ndarray|None = None              # bias and weights in the order in which they are read
    def adds(self) -> list: return [t for t in self.then if t != 'relu']
    def values(self) -> list:
        "The numbers of the values that it reads."
        return [i for i in self.ins if type(i) is int] + self.adds()
    def pads(self) -> tuple:
        "What it adds around the image, ((top, bottom), (left, right)); () if nothing."
        pads = tuple(self.options.get('pads', ())) if self.w is not None else ()
        return pads if any(map(any, pads)) else ()

class Apply:
    "An operation with its options, as a function of arrays that can be sent to another process."
    def __init__(self, op, options:dict): self.op, self.options = op, options
    def __call__(self, *xs):
        y = self.op.fwd(*xs, **self.options)
        return y[0] if self.op.keeps else y
    def __reduce__(self):
        "By the name of the operation in its module: its functions may have none."
        home = self.op.vjp.__module__
        found = vars(sys.modules[home]).items()
        names = [k for k, v in found if v is self.op]
        names += [f'{k}.op' for k, v in found if isinstance(v, type) and vars(v).get('op') is self.op]
        if not names: raise TypeError(f'the operation {self.op.name!r} has no name in {home}')
        return apply_named, (home, names[0], self.options)

def apply_named(module:str, name:str, options:dict) -> Apply:
    return Apply(attrgetter(name)(import_module(module)), options)
def affine(x, scale, shift): return x*scale + shift

class Rows(NamedTuple):
    "A product as rows of pixels: how many, how far apart in numbers, and the window of each."
    images: int
    rows: int
    pixels: int             # in a row
    outputs: int            # channels that it makes
    x: tuple                # strides of an image, a row, a pixel of the input; where the first window begins
    y: tuple                # strides of an image, a row, a pixel of the result
    window: tuple           # parts, numbers in a part, numbers from part to part

def rows_of(s:Step, x, y) -> Rows:
    "The rows of a dense layer or convolution `s` that reads the place `x` and writes `y`."
    f = s.w.shape[-1]
    if s.op == 'dense':
        k, n = s.w.shape[0], prod(x.shape[:-1])
        return Rows(1, 1, n, f, (0, 0, k, 0), (0, 0, f), (1, k, 0))
    (kh, kw, c, _), (sh, sw) = s.w.shape, s.options['stride']
    (top, _), (left, _) = s.pads() or ((0, 0), (0, 0))
    (xi, xr, xp), (yi, yr, yp) = x.strides[:3], y.strides[:3]
    if x.shape[2] == 1: xp = c      # a stride of an axis of one number is anything
    n, h, w = y.shape[:3]
    if s.pool: h, w = h*s.pool[0], w*s.pool[1]
    if one_row(s, x, y): n, h, w, yp = 1, 1, n*h*w, f
    return Rows(n, h, w, f, (xi, sh*xr, sw*xp, -(top*xr + left*xp)), (yi, yr, yp), (kh, kw*c, xr))

def one_row(s:Step, x, y) -> bool:
    "Whether a 1x1 convolution sees all pixels of all images in one row."
    return (s.w.shape[:2] == (1, 1) and tuple(s.options['stride']) == (1, 1) and x.shape[:3] == y.shape[:3]
            and not s.pool and not s.adds() and whole(x) and whole(y))
