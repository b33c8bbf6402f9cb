"The whole C file of a plan, and the weights that it reads"
from math import prod
import numpy as np

from .layout import Layout, rounded
from .loops import along, elementwise, reduction, row_moments, spread_out, windows
from .place import INPUT, Place, rows, whole
from .products import Depthwise, Product
from .steps import Step
from .text import function


FRAME = '''
/* zeros around each image of (n, h, w, c): t rows above, b below, l pixels at the left, r at the right */
static inline void frame(float *y, int n, int h, int w, int c, int t, int b, int l, int r)
{
    for (int i = 0; i < n; i++, y += h*w*c) {
        memset(y, 0, sizeof(float)*t*w*c);
        memset(y + (h - b)*w*c, 0, sizeof(float)*b*w*c);
        for (int j = t; j < h - b; j++) {
            memset(y + j*w*c, 0, sizeof(float)*l*c);
            memset(y + ((j + 1)*w - r)*c, 0, sizeof(float)*r*c);
        }
    }
}
'''
RUN = '''
/* x {x} -> y {y}; arena: {arena} numbers, w: {weights} numbers */
void {name}(const float *restrict x, float *restrict y, float *restrict arena,
    const float *restrict w)
{{
    (void)arena, (void)w;
{calls}
}}
'''

BY_INDEX = 'conv_transpose2d', 'layernorm', 'concatenate'   # read even one number as an array

class Network:
    """Writes the C of a layout whose stores lie at `offsets` in the arena; `head` is C that its blocks need.
    The function `name` is the only one that others see."""
    RUN, FRAME, INCLUDE = RUN, FRAME, '#include <math.h>\n'
    def __init__(self, layout:Layout, offsets:dict, head:str, lanes:int, name:str='run'):
        self.layout, self.offsets, self.lanes = layout, offsets, lanes
        self.functions, self.calls, self.blob, self.size = [], [], [], 0
        for k, s in enumerate(layout.steps):
            self.zeros(s.out)
            self.add(f'{s.op}_{k}', s)
        shapes, sizes = layout.shapes, layout.sizes
        self.arena = max((offsets[i] + sizes[i] for i in offsets), default=0)
        calls = '\n'.join('    ' + c for c in self.calls)
        run = self.RUN.format(name=name, x=shapes[0], y=shapes[layout.last], arena=self.arena,
                              weights=self.size, calls=calls, **self.types())
        frame = self.FRAME if layout.frames else ''
        self.code = f'{self.INCLUDE}{head}{frame}{"".join(self.functions)}{run}'
    def types(self) -> dict: return {}
    def pointer(self, v:int, bare:bool=False) -> str:
        "Where a value begins, or its store."
        p = self.layout.places[v]
        store, at = p.store, 0 if bare else p.offset
        if store == INPUT: name = 'x'
        elif store == self.layout.result(): name = 'y'
        else: name, at = 'arena', at + self.offsets[store]
        return f'{name} + {at}' if at else name
    def weight(self, a) -> str:
        "Where the numbers of `a` stand among the weights."
        at, a = self.size, np.ascontiguousarray(a, np.float32).ravel()
        if not np.isfinite(a).all(): raise ValueError('no C is known for weights that are NaN or infinite')
        self.blob.append((at, a))
        self.size += rounded(a.size)
        return f'w + {at}' if at else 'w'
    def weights(self) -> np.ndarray:
        "All weights, from the start of a cache line on; nothing else holds them any longer."
        found = aligned(self.size)
        for i, (at, a) in enumerate(self.blob):
            found[at:at + a.size] = a
            self.blob[i] = at, found[at:at + a.size]
        return found
    def zeros(self, v:int):
        "Have the frame of a value filled with zeros, if it has one."
        if v not in self.layout.frames: return
        shape, (rows, pixels) = self.layout.frames[v]
        self.call('frame', self.pointer(v, True), *shape, *rows, *pixels)
    def call(self, name:str, *args): self.calls.append(f'{name}({", ".join(map(str, args))});')
    def add(self, name:str, s:Step):
        "Write the function of a step, and its call; ValueError, with the layer's path, if there is none."
        try: return self.loop(name, s) if s.w is None else self.product(name, s)
        except ValueError as e: raise ValueError(f'{s.path or "the network"}: {e}') from None
    def product(self, name:str, s:Step):
        kind = Depthwise if s.op == 'depthwise_conv2d' else Product
        p = kind(name, s, self.layout.places, self.lanes)
        self.functions.append(p.text())
        weights = self.weight(p.weights() if kind is Depthwise else s.packed)
        self.call(name, self.pointer(s.ins[0]), self.pointer(s.out), weights, *map(self.pointer, s.adds()))
    def loop(self, name:str, s:Step):
        xs, pointers = [], []
        for i in s.ins:
            if type(i) is int: xs.append(self.layout.places[i]), pointers.append(self.pointer(i))
            elif np.size(i) == 1 and s.op not in BY_INDEX: xs.append(float(np.reshape(i, ())))
            else:
                xs.append(Place(INPUT, 0, i.shape, rows(i.shape)))
                pointers.append(self.weight(i))
        y = self.layout.places[s.out]
        args = [*(f'const float *restrict x{i}' for i in range(len(pointers))), 'float *restrict y']
        self.functions.append(function(name, f'{s.op} -> {tuple(y.shape)}', args, body(s, y, xs)))
        self.call(name, *pointers, self.pointer(s.out))

REDUCE, ROWS, WINDOWS = ('sum', 'mean', 'max', 'min'), ('softmax', 'log_softmax'), ('max_pool', 'avg_pool')

def body(s:Step, y:Place, xs:list) -> list:
    "The lines of a step that is no product; ValueError if nothing is known of it."
    how, x = s.options, xs[0]
    n = len(y.shape)
    if s.op in REDUCE: return reduction(s.op, y, x, axes_of(x, how.get('axis')))
    if s.op in ROWS: return along(s.op, y, x, *one_axis(x, how.get('axis', -1)))
    if s.op == 'layernorm':
        for p in xs[1:]: check_row(p, x)
        return row_moments(y, x, how.get('eps', 1e-5))
    if s.op.startswith(WINDOWS):
        return windows(s.op, y, x, *by_row(how['kernel'], how['stride'], how['pads']))
    if s.op == 'conv_transpose2d':
        for b in xs[2:]: check_row(b, y)
        return spread_out(y, x, xs[1], len(xs) > 2, how['stride'], how['pads'])
    if s.op == 'concatenate': return joined(y, xs, how.get('axis', 0) % n)
    return elementwise(s.op, how, y, xs)

def check_row(p:Place, x:Place):
    "ValueError unless `p` is one row of numbers, one for each channel of `x`."
    if p.shape != x.shape[-1:] or not whole(p): raise ValueError(
        f'no C is known for a scale or bias of shape {p.shape} that is not one row of {x.shape[-1]}')

def axes_of(x:Place, axis) -> tuple:
    "The axes that are summed over, as numbers from 0 on."
    n = len(x.shape)
    return tuple(range(n)) if axis is None else tuple(int(a) % n for a in np.atleast_1d(axis))

def one_axis(x:Place, axis) -> tuple:
    "The axis of a softmax, in a tuple."
    if len(axes := axes_of(x, axis)) == 1: return axes
    raise ValueError('no C is known for a softmax over several axes')

def by_row(kernel, stride, pads) -> tuple:
    "Kernel, stride and frame of a pool; those of a sequence as of an image of one row."
    return tuple(k if len(k) == 2 else (first, *k) for k, first in ((kernel, 1), (stride, 1), (pads, (0, 0))))

def joined(y:Place, xs:list, axis:int) -> list:
    "Arrays one behind the other."
    lines, at = [], 0
    for k, x in enumerate(xs):
        to = f'(y + {at*y.strides[axis]})['
        part = elementwise('copy', {}, y._replace(shape=x.shape), [x])
        lines += [line.replace('x0[', f'x{k}[').replace('y[', to) for line in part]
        at += x.shape[axis]
    return lines

def aligned(n:int) -> np.ndarray:
    "`n` float32 zeros that begin at a cache line."
    a = np.zeros(n + 16, np.float32)
    start = (-a.ctypes.data % 64)//4
    return a[start:start + n]
