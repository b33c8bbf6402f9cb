"C for what is no product: number by number, along an axis, in windows"
from math import prod
from numpy import ndim
from .place import Place, collapsed, image, spread
from .text import at, loops, names, number, times


FORMULAS = dict(
    add='{0} + {1}', sub='{0} - {1}', mul='{0}*{1}', div='{0}/{1}', neg='-{0}', exp='expf({0})',
    log='logf({0})', sqrt='sqrtf({0})', sin='sinf({0})', cos='cosf({0})', tanh='tanhf({0})', abs='fabsf({0})',
    sigmoid='1/(1 + expf(-{0}))', relu='{0} > 0 ? {0} : 0', maximum='{0} > {1} ? {0} : {1}',
    minimum='{0} < {1} ? {0} : {1}', where='{0} != 0 ? {1} : {2}', silu='{0}/(1 + expf(-{0}))',
    gelu='{0}*erfcf({0}*-0.70710678f)/2', pow='powf({0}, {1})', copy='{0}', affine='{0}*{1} + {2}')

LARGEST = 3.4028235e38      # float32

def formula(op:str, options:dict, xs:list) -> str:
    "What an operation computes for one number; ValueError where nothing is known."
    if op == 'clip':
        lo, hi, said = options.get('lo'), options.get('hi'), xs[0]
        if ndim(lo) or ndim(hi): raise ValueError('no C is known for limits of clip that are arrays')
        if lo is not None and lo >= -LARGEST: said = f'fmaxf({said}, {number(lo)})'
        return said if hi is None or hi > LARGEST else f'fminf({said}, {number(hi)})'
    if op == 'leaky_relu': return f'{xs[0]} > 0 ? {xs[0]} : {number(options["slope"])}*{xs[0]}'
    if op in FORMULAS: return FORMULAS[op].format(*xs)
    raise ValueError(f'no C is known for the operation {op!r}')

def elementwise(op:str, options:dict, y:Place, xs:list) -> list:
    "The lines that compute each number of `y`; `xs` are places, or numbers."
    places = [x for x in xs if isinstance(x, Place)]
    sizes, (to, *steps) = collapsed(y.shape, [y.strides, *(spread(p, y.shape) for p in places)])
    axes = names(len(sizes))
    read = iter([at(f'x{k}', axes, s) for k, s in enumerate(steps)])
    said = formula(op, options, [next(read) if isinstance(x, Place) else number(x) for x in xs])
    return loops(axes, sizes, [f'{at("y", axes, to)} = {said};'])

FIRST = dict(sum='0', mean='0', max='-INFINITY', min='INFINITY')
MANY = 1 << 12      # numbers, from which on their sum is a double
TAKE = dict(sum='{y} + {x}', mean='{y} + {x}', max='{x} > {y} ? {x} : {y}', min='{x} < {y} ? {x} : {y}')

def reduction(op:str, y:Place, x:Place, axes) -> list:
    "Sums, means, largest or smallest numbers over `axes`; what is kept runs innermost, in vectors."
    n = len(x.shape)
    kept = [a for a in range(n) if a not in axes]
    steps = y.strides if len(y.shape) == len(kept) else [y.strides[a] for a in kept]
    order = [*kept[:-1], *axes, *kept[-1:]] if kept and kept[-1] == n - 1 else [*kept, *axes]
    every, many = names(n), prod(x.shape[a] for a in axes)
    def over(axes, *lines): return loops([every[a] for a in axes], [x.shape[a] for a in axes], list(lines))
    cell, taken = at('y', [every[a] for a in kept], steps), at('x0', every, x.strides)
    if op in ('sum', 'mean') and many > MANY:
        return over(kept, 'double sum = 0;', *over(axes, f'sum += {taken};'),
                    f'{cell} = sum{f"/{many}" if op == "mean" else ""};')
    lines = [*over(kept, f'{cell} = {FIRST[op]};'),
             *over(order, f'{cell} = {TAKE[op].format(y=cell, x=taken)};')]
    if op == 'mean': lines += over(kept, f'{cell} *= {number(1/many)};')
    return lines

def along(op:str, y:Place, x:Place, axis:int) -> list:
    "Softmax or its logarithm along one axis, row by row."
    other = [a for a in range(len(x.shape)) if a != axis]
    kept = names(len(other))
    def cell(name, p): return at(name, ['r', *kept], [p.strides[axis], *(p.strides[k] for k in other)])
    a, b, each = cell('x0', x), cell('y', y), f'for (int r = 0; r < {x.shape[axis]}; r++)'
    body = ['float top = -INFINITY, sum = 0;', f'{each} if ({a} > top) top = {a};']
    if op == 'softmax': body += [f'{each} sum += {b} = expf({a} - top);', f'{each} {b} /= sum;']
    else: body += [f'{each} sum += expf({a} - top);', f'{each} {b} = {a} - top - logf(sum);']
    return loops(kept, [x.shape[k] for k in other], body)

def row_moments(y:Place, x:Place, eps:float) -> list:
    "Layer normalisation along the last axis."
    n, kept = x.shape[-1], names(len(x.shape) - 1)
    a, b = (at(name, [*kept, 'r'], p.strides) for name, p in (('x0', x), ('y', y)))
    each = f'for (int r = 0; r < {n}; r++)'
    return loops(kept, x.shape[:-1], [
        'float mean = 0, var = 0;', f'{each} mean += {a};', f'mean *= {number(1/n)};',
        f'{each} var += ({a} - mean)*({a} - mean);', f'var = 1/sqrtf(var*{number(1/n)} + {number(eps)});',
        f'{each} {b} = ({a} - mean)*var*x1[r] + x2[r];'])

def windows(op:str, y:Place, x:Place, kernel, stride, pads) -> list:
    "The largest number, or the mean, of the real pixels of each window."
    x, y = image(x), image(y)
    (n, oh, ow, c), (kh, kw), (sh, sw) = y.shape, kernel, stride
    (top, _), (left, _) = pads
    i, j = f'{times("r", sh)} + i - {top}', f'{times("q", sw)} + j - {left}'
    cell, pixel = at('y', 'nrqc', y.strides), at('x0', ('n', f'({i})', f'({j})', 'c'), x.strides)
    mean = op.startswith('avg')
    each = f'for (int c = 0; c < {c}; c++)'
    take = f'{each} {cell} += {pixel};' if mean else f'{each} if ({pixel} > {cell}) {cell} = {pixel};'
    beside = f'if ({i} < 0 || {i} >= {x.shape[1]} || {j} < 0 || {j} >= {x.shape[2]}) continue;'
    skip = [beside] if any(map(any, pads)) else []
    if not mean: return loops('nrq', (n, oh, ow), [
        f'{each} {cell} = -INFINITY;', *loops('ij', (kh, kw), [*skip, take])])
    return loops('nrq', (n, oh, ow), [
        'float count = 0;', f'{each} {cell} = 0;', *loops('ij', (kh, kw), [*skip, 'count++;', take]),
        f'{each} {cell} /= count;'])

def spread_out(y:Place, x:Place, w:Place, bias:bool, stride, pads) -> list:
    "A transposed convolution: each number of `y` gathers what falls on it; `w` (kh, kw, f, c)."
    (n, oh, ow, f), (kh, kw, _, c), (sh, sw) = y.shape, w.shape, stride
    (top, _), (left, _) = pads
    pixel = at('x0', ('n', f'(a/{sh})', f'(b/{sw})', 'c'), x.strides)
    beside = f'a/{sh} >= {x.shape[1]} || b/{sw} >= {x.shape[2]}'
    inner = [f'const int a = r + {top} - i, b = q + {left} - j;',
             f'if (a < 0 || b < 0 || a % {sh} || b % {sw} || {beside}) continue;',
             f'for (int c = 0; c < {c}; c++) sum += {pixel}*{at("x1", "ijfc", w.strides)};']
    body = [f'float sum = {"x2[f]" if bias else "0"};', *loops('ij', (kh, kw), inner),
            f'{at("y", "nrqf", y.strides)} = sum;']
    return loops('nrqf', (n, oh, ow, f), body)
