"Rules of a training step for what is no product: its C on the way forward, and on the way back"
from math import prod
import numpy as np

from ..emit.loops import formula, reduction
from ..emit.network import axes_of
from ..emit.place import Place, image, rows, whole
from ..emit.text import function
from . import text
from .tape import Weight


class Rule:
    "What an operation does: `L` is the `Learner`, `v` the value, `n` its node."
    def look(self, L, v, n): pass

# for each input: its gradient, by {g} of the result {o}, and the inputs
SLOPE = dict(
    add=('{g}', '{g}'), sub=('{g}', '-{g}'), mul=('{g}*{1}', '{g}*{0}'), div=('{g}/{1}', '-{g}*{o}/{1}'),
    neg=('-{g}',), exp=('{g}*{o}',), log=('{g}/{0}',), sqrt=('{g}/(2*{o})',), sin=('{g}*cosf({0})',),
    cos=('-{g}*sinf({0})',), tanh=('{g}*(1 - {o}*{o})',), sigmoid=('{g}*{o}*(1 - {o})',),
    relu=('{o} > 0 ? {g} : 0',), abs=('{0} > 0 ? {g} : {0} < 0 ? -{g} : 0',),
    leaky_relu=('{0} > 0 ? {g} : {slope}*{g}',),
    silu=('{g}*(1 + {0}*(1 - 1/(1 + expf(-{0}))))/(1 + expf(-{0}))',),
    gelu=('{g}*(erfcf({0}*-0.70710678f)/2 + {0}*expf({0}*{0}/-2)*0.39894228f)',))

class Each(Rule):
    "Number by number."
    def look(self, L, v, n):
        arrays = [i for i in n.ins if type(i) is not int and not isinstance(i, Weight)]
        if any(np.ndim(a) == len(v.shape) and len(a) > 1 for a in arrays):
            raise ValueError('no C for training is known for an array with a row for each image')
    def forward(self, L, v, n):
        v.place, xs = L.placed(v.shape, v.frame), [L.read(i) for i in n.ins]
        said = formula(n.op.name, n.options, [f'{{{k}}}' for k in range(len(xs))])
        if n.op.name == 'relu': said = '{0} < 0 ? 0 : {0}'      # a NaN goes on
        if n.options.get('then'): said = f'{said} < 0 ? 0 : {said}'
        L.each(v.place, said, *xs)
    def backward(self, L, v, n):
        g, xs = L.gradient(v), [L.read(i) for i in n.ins]
        if n.options.get('then'):       # a ReLU
            L.each(to := L.placed(v.shape), '{1} > 0 ? {0} : 0', g, v.place)
            g = to
        how = {k: repr(float(a)) + 'f' for k, a in n.options.items() if k == 'slope'}
        for i, said in zip(n.ins, SLOPE[n.op.name]):
            said = said.format(*(f'{{{k + 2}}}' for k in range(len(xs))), g='{0}', o='{1}', **how)
            if type(i) is int: self.to_value(L, L.values[i], v, said, g, xs)
            elif isinstance(i, Weight) and i.learns: self.to_weight(L, i, v, said, g, xs)
    def to_value(self, L, x, v, said, g, xs):
        "A part of the gradient of the value `x`, summed if that was repeated."
        if said == '{0}' and x.shape == v.shape:
            if x.wanted: x.parts.append(g)
        elif (to := L.part(x)) is not None:
            if x.shape != v.shape: L.zero(to)
            L.each(to, said, g, v.place, *xs, add=x.shape != v.shape)
    def to_weight(self, L, w, v, said, g, xs):
        "A part of the gradient of a parameter, summed over all images."
        if L.begins(w): L.tape.call('share', 'memset', L.gradient_of(w), 0, f'sizeof(float)*{prod(w.shape)}')
        L.each(L.gradient_of(w), said, g, v.place, *xs, add=True)

class Drop(Rule):
    "Times a mask, which is drawn before the step."
    def forward(self, L, v, n):
        v.place, v.mask = L.placed(v.shape, v.frame), L.placed(v.shape)
        L.tape.buffers[v.mask.store].kept = True
        L.masks.append((n.options['layer'], v.mask))
        L.each(v.place, '{0}*{1}', L.read(n.ins[0]), v.mask)
    def backward(self, L, v, n):
        if (to := L.part(L.values[n.ins[0]])) is not None: L.each(to, '{0}*{1}', L.gradient(v), v.mask)

def as_shape(p:Place, shape) -> Place: return p._replace(shape=shape, strides=rows(shape))

class View(Rule):
    "The same numbers in another shape."
    def forward(self, L, v, n):
        p = as_shape(L.in_one_piece(L.values[n.ins[0]].place), v.shape)
        v.place = L.copied(p, v.frame) if any(map(any, v.frame)) else p
    def backward(self, L, v, n):
        x = L.values[n.ins[0]]
        if x.wanted: x.parts.append(as_shape(L.in_one_piece(L.gradient(v)), x.shape))

class Pool(Rule):
    "The largest or the mean of each window; with a ReLU in it, no number below 0."
    def sizes(self, n, x, y):
        "Numbers that the C takes; whether windows tile the image; whether there is no ReLU."
        kernel, stride, pads = (n.options[k] for k in ('kernel', 'stride', 'pads'))
        if len(kernel) == 1: kernel, stride, pads = (1, *kernel), (1, *stride), ((0, 0), *pads)
        (_, h, w, c), (_, oh, ow, _) = x.shape, y.shape
        tiles = kernel == stride and (h, w) == (oh*kernel[0], ow*kernel[1]) and not any(map(any, pads))
        return (h, w, c, oh, ow, *kernel, *stride, pads[0][0], pads[1][0]), tiles, not n.options.get('relu')
    def forward(self, L, v, n):
        v.place, v.given = L.placed(v.shape, v.frame), L.inside(L.values[n.ins[0]].place)
        x, y = image(v.given), image(v.place)
        L.tape.function('pools', text.POOLS)
        sizes, _, open = self.sizes(n, x, y)
        name, last = ('avg_pool', False) if n.op.name.startswith('avg') else ('max_pool', open)
        L.sized('image', name, x, x.strides[1], y, y.strides[1], *sizes, last)
    def backward(self, L, v, n):
        x, g, y = image(v.given), image(L.gradient(v)), image(v.place)
        if (to := L.part(L.values[n.ins[0]])) is None: return
        d, (sizes, tiles, open), mean = image(to), self.sizes(n, x, y), n.op.name.startswith('avg')
        if mean or not tiles: L.zero(to)
        ends = g, g.strides[1]
        if mean: L.sized('image', 'avg_pool', d, d.strides[1], *ends, *sizes, True)
        else:
            given = x, x.strides[1], y, y.strides[1], *ends
            L.sized('image', 'max_back', *given, d, d.strides[1], *sizes, open, tiles)

class Reduce(Rule):
    "A sum or mean of each image, over axes that are not the batch."
    def axes(self, L, n):
        axes = axes_of(L.values[n.ins[0]].place, n.options.get('axis'))
        if 0 in axes: raise ValueError(f'no C for training is known for a {n.op.name} over the batch')
        return axes
    def forward(self, L, v, n):
        axes, x, op = self.axes(L, n), L.values[n.ins[0]].place, n.op.name
        v.place, args = L.placed(v.shape, v.frame), ['const float *restrict x0', 'float *restrict y']
        lines = reduction(op, v.place, x, axes)
        name = L.function(op, lambda name: function(name, f'{op} {x.shape} -> {v.shape}', args, lines))
        L.tape.call('image', name, x, v.place)
    def backward(self, L, v, n):
        x, axes, g = L.values[n.ins[0]], self.axes(L, n), L.gradient(v)
        if (to := L.part(x)) is None: return
        kept = [a for a in range(len(x.shape)) if a not in axes or len(g.shape) == len(x.shape)]
        by_axis = dict(zip(kept, g.strides))
        strides = tuple(0 if a in axes else by_axis[a] for a in range(len(x.shape)))
        share = 1/prod(x.shape[a] for a in axes) if n.op.name == 'mean' else 1.
        L.each(to, '{0}*{1}', g._replace(shape=x.shape, strides=strides), share)

def pixels(p:Place) -> Place:
    "A value as an image: a row of features is one pixel."
    if len(p.shape) == 2: return p._replace(shape=(1, 1, 1, p.shape[1]), strides=(0, 0, 0, 1))
    if len(p.shape) in (3, 4): return image(p)
    raise ValueError(f'no C for training is known for a BatchNorm of values of shape {p.shape}')

class Norm(Rule):
    "BatchNorm, which waits for all images; a ReLU behind it is done with it."
    def size(self, v, n) -> tuple:
        "From row to row; height, width, channels; whether there is no ReLU."
        i = pixels(v.given)
        return i.strides[1], i.shape[1:], not n.options.get('relu')
    def forward(self, L, v, n):
        x, gamma, beta = n.ins
        if not isinstance(gamma, Weight) or not isinstance(beta, Weight):
            raise ValueError('gamma and beta of a BatchNorm have to be parameters')
        v.given, c = L.inside(L.values[x].place), v.shape[-1]
        row, size, open = self.size(v, n)
        for name, code in dict(rows=text.ROWS, norm=text.NORM).items(): L.tape.function(name, code)
        v.norm, v.sums, moments, k = L.fixed(5*c), L.placed((1, 2, c)), L.placed((1, 2, c)), 2*len(L.moving)
        L.moving.append(n.options['layer'])
        eps, momentum = (f'{n.options[k]!r}f' for k in ('eps', 'momentum'))
        L.sized('image', 'moments', v.given, row, *size, moments)
        L.tape.call('once', 'normal', moments, v.norm, L.weight(gamma), L.batch, size[0]*size[1], c, eps,
                    momentum, f's->moving[{k}]', f's->moving[{k + 1}]')
        v.place = L.placed(v.shape, v.frame)
        L.sized('image', 'normalized', v.given, row, v.place, pixels(v.place).strides[1], v.norm,
                    L.weight(beta), *size, open)
    def backward(self, L, v, n):
        x, gamma, beta = n.ins
        g, (row, size, open) = L.gradient(v), self.size(v, n)
        ends = g, pixels(g).strides[1], v.given, row, v.norm, L.weight(beta)
        L.sized('image', 'norm_sums', *ends, v.sums, *size, open)
        to = [L.gradient_of(w) if w.learns else L.fixed(*w.shape) for w in (gamma, beta)]
        new = [not w.learns or L.begins(w, once=True) for w in (gamma, beta)]
        L.tape.call('once', 'norm_slopes', v.sums, v.norm, *to, L.batch, size[0]*size[1], size[2], *new)
        if (to := L.part(L.values[x])) is not None:
            L.sized('image', 'norm_back', *ends, to, pixels(to).strides[1], *size, open)

class Loss(Rule):
    "The loss, its gradient, and the sum over the batch."
    def forward(self, L, v, n):
        x, name = L.values[n.ins[0]], n.op.name
        if v is not L.values[-1]:
            raise ValueError('something is done to the loss: give `plan_step` the loss alone')
        k, one = prod(x.shape[1:]), Place(L.losses, 0, (1,), (1,))
        share = 1/L.batch if name == 'cross_entropy' else 1/(L.batch*k)
        L.tape.function(name, text.LOSSES[name])
        L.tape.function('total', text.TOTAL)
        place = L.in_one_piece(x.place)
        x.parts.append(to := L.placed(x.shape))
        L.tape.call('image', name, place, 's->y', '{n}', to, one, k, f'{share!r}f')
        L.tape.call('once', 'total', one, L.batch)
    def backward(self, L, v, n): pass

RULES = {
    **dict.fromkeys(SLOPE, Each()), 'drop': Drop(), 'batchnorm': Norm(),
    **dict.fromkeys(('reshape', 'squeeze', 'expand_dims'), View()),
    **dict.fromkeys(('max_pool2d', 'max_pool1d', 'avg_pool2d', 'avg_pool1d'), Pool()),
    **dict.fromkeys(('mean', 'sum'), Reduce()), **dict.fromkeys(text.LOSSES, Loss())}
