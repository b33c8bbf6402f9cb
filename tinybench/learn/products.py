"Rules of a training step for products: gradients of weights are outer products, of inputs products again"
from math import ceil, prod
from typing import NamedTuple
import numpy as np

from ..emit.place import Place, image, whole
from ..emit.products import Depthwise, Product
from ..emit.steps import Step, rows_of
from ..emit.text import function, indent, wrapped
from . import text
from .simple import Rule
from .tape import Weight


class Packing(NamedTuple):
    "Where weights begin in a parameter, how many along each axis (rows, columns, inputs), and how far apart."
    base: int
    count: tuple
    apart: tuple
    outputs: int    # from one output to the next

def shaped(*shape) -> np.ndarray:
    "An array of this shape that takes no memory."
    return np.broadcast_to(np.float32(0), shape)

def product(L, step:Step, x:Place, y:Place, w:Weight, bias:Weight|None, how:Packing):
    "Calls a product of `x` to `y`, whose weights are packed at the start of the step."
    r = rows_of(step, image(x), image(y))
    step.block = L.ideas.best_block(r.pixels, r.outputs, L.target)
    wide = ceil(r.outputs/L.lanes)*L.lanes
    to = L.fixed(wide*(r.window[0]*r.window[1] + 1))
    if bias: L.before('memcpy', to, L.weight(bias), f'sizeof(float)*{r.outputs}')
    L.tape.function('packed', text.PACKED)
    L.before('packed', to._replace(offset=wide), L.weight(w._replace(start=w.start + how.base)), *how.count,
             r.outputs, step.block[1]*L.lanes, *how.apart, how.outputs)
    name = L.function(step.op, lambda name: Product(name, step, {0: x, 1: y}, L.lanes).text())
    L.tape.call('share' if step.op == 'dense' else 'image', name, x, y, to)

def column_sums(L, per:str, b:Weight, g:Place):
    "The gradient of a bias: for each channel of the image `g` the sum of all that came back."
    for name, code in dict(rows=text.ROWS, sums=text.SUMS).items(): L.tape.function(name, code)
    first = 'first && n == a' if per == 'image' else 'first'
    L.sized(per, 'sums', g, g.strides[1], *g.shape[1:], first if L.begins(b) else '0', L.gradient_of(b))

class Dense(Rule):
    "Rows times a matrix, for all images of a thread at once."
    def look(self, L, v, n):
        w = n.ins[1]
        if not isinstance(w, Weight) or len(w.shape) != 2 or type(n.ins[0]) is not int:
            raise ValueError(f'no C for training is known for a {n.op.name} that is not by weights')
    def rows(self, L, p:Place) -> Place:
        "The values of all images of a thread as rows of a matrix."
        k = p.shape[-1]
        return p._replace(shape=(L.tape.share*prod(p.shape[:-1]), k), strides=(k, 1))
    def forward(self, L, v, n):
        x, w, *b = n.ins
        v.place, v.given, (k, f) = L.placed(v.shape), L.in_one_piece(L.values[x].place), w.shape
        step = Step('dense', [0], 1, (), {}, w=shaped(k, f))
        how = Packing(0, (1, 1, k), (0, 0, f), 1)
        product(L, step, self.rows(L, v.given), self.rows(L, v.place), w, b[0] if b else None, how)
    def backward(self, L, v, n):
        x, w, *b = n.ins
        g, (k, f) = self.rows(L, L.in_one_piece(L.gradient(v))), w.shape
        if w.learns: Outer((1, g.shape[0], k, f), (0, 0, k), (0, 0, f)).call(
            L, 'share', self.rows(L, v.given), g, w)
        as_pixels = g._replace(shape=(1, 1, *g.shape), strides=(0, 0, f, 1))
        if b and b[0].learns: column_sums(L, 'share', b[0], as_pixels)
        if (to := L.part(L.values[x])) is not None:
            step = Step('dense', [0], 1, (), {}, w=shaped(f, k))
            product(L, step, g, self.rows(L, to), w, None, Packing(0, (1, 1, f), (0, 0, 1), f))

class Outer(NamedTuple):
    """The gradient of weights: each of k numbers of `x` times each of f of `g`, summed over all pixels, for
    each row of the window."""
    size: tuple         # height, width, k, f
    x: tuple            # from image to image, row to row, pixel to pixel
    g: tuple
    parts: int = 1      # rows of the window
    part: int = 0       # from one to the next
    def call(self, L, per:str, x:Place, g:Place, w:Weight):
        name = L.function('outer', lambda name: self.block(name) + self.blocks(name, L))
        L.tape.call(per, name, x, g, L.gradient_of(w), '{chunk}' if per == 'chunk' else 1,
                    'first' if L.begins(w) else 0)
    def block(self, name:str) -> str:
        (h, w, k, f), (xi, xr, xp), (gi, gr, gp) = self.size, self.x, self.g
        return text.OUTER.format(name=name, h=h, w=w, k=k, f=f, parts=self.parts, xi=xi, xr=xr, xp=xp, gi=gi,
                                 gr=gr, gp=gp)
    def blocks(self, name:str, L) -> str:
        "The function that goes through all blocks."
        _, _, k, f = self.size
        p, v = L.ideas.best_block(k, f, L.target)
        (full, rest), lines = divmod(k, p), []
        def call(n, c, at):
            left = min(v*L.lanes, f - at)
            places = f'x + i*{self.part} + {c}, g + {at}, dw + (i*{k} + {c})*{f} + {at}'
            return wrapped(f'{name}_block({n}, {ceil(left/L.lanes)}, {left}, {places}, images, first);')
        for at in range(0, f, v*L.lanes):
            if full: lines += [f'for (int c = 0; c < {full*p}; c += {p})', *indent(call(p, 'c', at))]
            if rest: lines += call(rest, full*p, at)
        args = [*(f'{c}float *restrict {a}' for c, a in (('const ', 'x'), ('const ', 'g'), ('', 'dw'))),
                'const int images', 'const int first']
        each = [f'for (int i = 0; i < {self.parts}; i++) {{', *indent(lines), '}']
        return function(name, 'all its blocks', args, each)

class Window(NamedTuple):
    "How a convolution slides over an image; a sequence is an image of one row."
    w: tuple            # shape of the weights: (kh, kw, c, f), or (kh, kw, c) of a depthwise one
    stride: tuple
    pads: tuple

def window(n) -> Window:
    w, stride, pads = n.ins[1].shape, n.options['stride'], n.options['pads']
    if n.op.name != 'conv1d': return Window(w, tuple(stride), tuple(pads))
    return Window((1, *w), (1, *stride[-1:]), ((0, 0), *pads[-1:]))

def as_image(shape) -> tuple: return shape if len(shape) == 4 else (shape[0], 1, *shape[1:])

def wider(frame, pads) -> tuple:
    "A frame that is wide enough for both."
    return tuple(tuple(max(a, b, 0) for a, b in zip(old, new)) for old, new in zip(frame, pads))

class Conv(Rule):
    "A convolution: its input gets back convolutions by turned weights, one for each place in a stride."
    def look(self, L, v, n):
        if not isinstance(n.ins[1], Weight) or type(n.ins[0]) is not int:
            raise ValueError('no C for training is known for filters that are not parameters')
        x, s = L.values[n.ins[0]], window(n)
        x.frame = wider(x.frame, s.pads)
        if x.wanted: v.back = wider(v.back, [
            (max(p.before for p in axis), max(p.after for p in axis)) for axis in self.phases(L, s, x, v)])
    def phases(self, L, s:Window, x, v) -> list:
        "Along each axis: the convolutions of what came back that give the gradient of the input."
        sizes = zip(as_image(x.shape)[1:3], s.w, s.stride, s.pads, as_image(v.shape)[1:3])
        return [L.ideas.phases(n, k, stride, before, out) for n, k, stride, (before, _), out in sizes]
    def given(self, L, n, s:Window) -> Place:
        "The input, with zeros around it if they are needed."
        x = L.values[n.ins[0]]
        if not any(map(any, s.pads)) or L.frames.get(x.place.store) == x.frame: return x.place
        return L.copied(x.place, x.frame)
    def forward(self, L, v, n):
        s = window(n)
        v.place, v.given = L.placed(v.shape, v.frame), self.given(L, n, s)
        kh, kw, c, *f = s.w
        apart = kw*prod(s.w[2:]), prod(s.w[2:]), *f
        self.filter(L, n, image(v.given), image(v.place), s, n.ins[2] if len(n.ins) > 2 else None,
                    Packing(0, (kh, kw, c), apart, 1))
    def filter(self, L, n, x:Place, y:Place, s:Window, bias, how:Packing):
        "Calls the convolution."
        step = Step('conv2d', [0], 1, y.shape, dict(stride=s.stride, pads=s.pads), w=shaped(*s.w))
        product(L, step, x, y, n.ins[1], bias, how)
    def backward(self, L, v, n):
        x, w, *b = n.ins
        g, s = image(L.gradient(v)), window(n)
        if w.learns: self.weights(L, s, image(v.given), g, w)
        if b and b[0].learns: column_sums(L, 'image', b[0], g)
        if (to := L.part(L.values[x])) is not None: self.back(L, v, n, s, g, image(to))
    def weights(self, L, s:Window, x:Place, g:Place, w:Weight):
        "The gradient of the weights."
        (kh, kw, c, f), (sh, sw), (_, i, j, _) = s.w, s.stride, x.strides
        corner = x._replace(offset=x.offset - s.pads[0][0]*i - s.pads[1][0]*j)
        by_x, by_g = (L.per_image(x), sh*i, sw*c), (L.per_image(g), g.strides[1], f)
        Outer((*g.shape[1:3], kw*c, f), by_x, by_g, kh, i).call(L, 'chunk', corner, g, w)
    def back(self, L, v, n, s:Window, g:Place, to:Place):
        "The gradient of the input: of those inputs at a time that stand a stride apart."
        rows, columns = self.phases(L, s, L.values[n.ins[0]], v)
        if not all(p.taps for p in (*rows, *columns)): L.zero(to)
        for a in rows:
            for b in columns:
                if a.taps and b.taps: self.turned(L, n, s, g, to, a, b)
    def turned(self, L, n, s:Window, g:Place, to:Place, a, b):
        "One of these convolutions: along rows as `a` says, along columns as `b`."
        (_, kw, c, *f), (sh, sw), (_, i, j, _) = s.w, s.stride, to.strides
        at, shape, strides = a.start*i + b.start*j, (1, a.count, b.count, c), (to.strides[0], sh*i, sw*j, 1)
        y, pads = Place(to.store, to.offset + at, shape, strides), ((a.before, a.after), (b.before, b.after))
        row, column = kw*prod(s.w[2:]), prod(s.w[2:])
        count, apart = (a.taps, b.taps, *(f or [c])), (-sh*row, -sw*column, 1)
        how = Packing(a.tap*row + b.tap*column, count, apart, *(f or [1]))
        self.filter(L, n, g, y, Window((a.taps, b.taps, *f, c), (1, 1), pads), None, how)

class DepthwiseConv(Conv):
    "A depthwise convolution."
    def given(self, L, n, s): return L.inside(super().given(L, n, s))
    def filter(self, L, n, x, y, s, bias, how):
        c = s.w[2]
        step = Step('depthwise_conv2d', [0], 1, y.shape, dict(stride=s.stride, pads=s.pads), w=shaped(*s.w))
        def written(name): return Depthwise(name, step, {0: x, 1: y}, L.lanes)
        name, d = L.function('depthwise', lambda name: written(name).text()), written('')
        L.tape.function('tiled', text.TILED)
        again = L.lanes//c if d.flat else 1
        to, w = L.fixed(again*c*(1 + s.w[0]*s.w[1])), n.ins[1]
        if bias: L.before('tiled', to, L.weight(bias), 1, 1, c, again, 0, 0)
        L.before('tiled', to._replace(offset=again*c), L.weight(w._replace(start=w.start + how.base)),
                 *s.w[:2], c, again, *how.apart[:2])
        L.tape.call('image', name, x, y, to)
    def weights(self, L, s, x, g, w):
        (kh, kw, c), (sh, sw), (_, i, j, _) = s.w, s.stride, x.strides
        corner = x._replace(offset=x.offset - s.pads[0][0]*i - s.pads[1][0]*j)
        name = L.function('taps', lambda name: text.TAPS.format(
            name=name, kh=kh, kw=kw, c=c, h=g.shape[1], w=g.shape[2], xi=L.per_image(x), gi=L.per_image(g),
            xr=sh*i, xp=sw*c, gr=g.strides[1], row=i))
        L.tape.call('chunk', name, corner, g, L.gradient_of(w), '{chunk}', 'first' if L.begins(w) else 0)

RULES = {**dict.fromkeys(('dense', 'matmul'), Dense()), **dict.fromkeys(('conv2d', 'conv1d'), Conv()),
         'depthwise_conv2d': DepthwiseConv()}
