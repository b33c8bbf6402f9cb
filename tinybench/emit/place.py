"Where the numbers of a value lie: a store, an offset in it, a shape and strides, all counted in numbers"
from math import prod
from typing import NamedTuple


INPUT = -1      # the store that the caller's array is

class Place(NamedTuple):
    "A value: `store` says which memory, `offset` and `strides` where in it."
    store: int
    offset: int
    shape: tuple
    strides: tuple

def rows(shape) -> tuple:
    "Strides of numbers that lie one after the other, row by row."
    return tuple(prod(shape[i + 1:]) for i in range(len(shape)))

def whole(p:Place) -> bool:
    "Whether the numbers lie one after the other."
    return all(n == 1 or s == t for n, s, t in zip(p.shape, p.strides, rows(p.shape)))

def spread(p:Place, shape) -> tuple:
    "Strides of `p` when it is broadcast to `shape`."
    front = len(shape) - len(p.shape)
    return (0,)*front + tuple(0 if n == 1 else s for n, s in zip(p.shape, p.strides))

def image(p:Place) -> Place:
    "A sequence (n, l, c) as an image of one row, (n, 1, l, c); an image as it is."
    if len(p.shape) != 3: return p
    return p._replace(shape=(p.shape[0], 1, *p.shape[1:]), strides=(p.strides[0], 0, *p.strides[1:]))

def collapsed(shape, strides) -> tuple:
    "The same loops in fewer: axes that lie one after the other in all places become one."
    kept = []
    for n, *steps in zip(shape, *strides):
        if n == 1: continue
        if kept and all(a == b*n for a, b in zip(kept[-1][1], steps)): kept[-1] = kept[-1][0]*n, steps
        else: kept.append((n, steps))
    kept = kept or [(1, (0,)*len(strides))]
    return tuple(n for n, _ in kept), [tuple(steps[j] for _, steps in kept) for j in range(len(strides))]
