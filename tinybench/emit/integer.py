"C for networks of codes: products by the dot product of four bytes, all other operations, and the file"
from math import ceil, prod
import numpy as np

from .layout import rounded
from .loops import windows
from .network import Network, aligned, by_row
from .place import INPUT, Place, collapsed, image, spread
from .products import Depthwise, Product
from .steps import Step
from .text import at, function, indent, loops, names, number, plus, times


# In the arena a code q is the byte q + 128: the instructions multiply unsigned bytes by signed ones. The
# caller's arrays hold signed codes.

TOOLS = '''
/* each number is rounded as it is written here, whatever the compiler is told */
#if defined(__clang__)
#if !defined(__arm__)  /* where clang has no such pragma */
#pragma float_control(precise, on)
#endif
#pragma clang fp contract(off) reassociate(off)
#elif defined(__GNUC__)
#pragma GCC optimize("no-associative-math", "no-reciprocal-math", "fp-contract=off")
#endif
'''
CODES = '''
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>
#endif
typedef unsigned char byte;
typedef byte bytes __attribute__((vector_size(L), aligned(1)));
typedef unsigned short shorts __attribute__((vector_size(2*L)));
typedef short pairs __attribute__((vector_size(4*L)));

INLINE ints load_ints(const int *x) { return *(const ints *)x; }
INLINE vec larger(vec a, vec b) { return (vec)(((ints)a & (a > b)) | ((ints)b & ~(a > b))); }
INLINE vec smaller(vec a, vec b) { return (vec)(((ints)a & (a < b)) | ((ints)b & ~(a < b))); }

/* The bytes of sums: times m, at least `lo` and at most `hi`, rounded, plus `add` */
INLINE bytes requantized(ints sum, const int *m, const float lo, const float hi, const int add)
{
    vec k;
    memcpy(&k, m, sizeof k);
    vec z = __builtin_convertvector(sum, vec)*k, none = {0};
    z = smaller(larger(z, none + lo), none + hi) + 12582912.f;  /* its last bits are a whole number now */
    return __builtin_convertvector((ints)z + add, bytes);
}
INLINE void store_codes(byte *y, bytes z, const int n)
{
    if (n >= L) *(bytes *)y = z;
    else if (n > 0) memcpy(y, &z, n);
}
INLINE ints wide(const byte *x, const int n)
{
    bytes z = {0};
    if (n >= L) z = *(const bytes *)x;
    else if (n > 0) memcpy(&z, x, n);
    return __builtin_convertvector(__builtin_convertvector(z, shorts), ints);
}
/* One byte each of up to four pixels, c bytes apart, in each number */
INLINE ints four(const byte *x, const int c, const int pixels, const int n)
{
    ints z = wide(x, n);
    if (pixels > 1) z |= wide(x + c, n) << 8;
    if (pixels > 2) z |= wide(x + 2*c, n) << 16;
    if (pixels > 3) z |= wide(x + 3*c, n) << 24;
    return z;
}
'''
HELPERS = '''
/* the whole number next to z, of two the even one; |z| < 2^22 */
INLINE int whole(float z)
{
    int i;
    z += 12582912.f;
    memcpy(&i, &z, 4);
    return i - 0x4B400000;
}
/* t/n, from the middle away from 0 */
INLINE int mean_of(int t, int n) { return t < 0 ? -((n - 2*t)/(2*n)) : (2*t + n)/(2*n); }
/* in the order in which numpy adds */
__attribute__((unused)) static double sum_of(const double *x, int n)
{
    if (n < 8) {
        double z = 0;
        for (int i = 0; i < n; i++) z += x[i];
        return z;
    }
    if (n > 128) {
        const int half = n/2 - n/2 % 8;
        return sum_of(x, half) + sum_of(x + half, n - half);
    }
    double z[8];
    int i = 8;
    for (int k = 0; k < 8; k++) z[k] = x[k];
    for (; i < n - n % 8; i += 8) for (int k = 0; k < 8; k++) z[k] += x[i + k];
    double all = ((z[0] + z[1]) + (z[2] + z[3])) + ((z[4] + z[5]) + (z[6] + z[7]));
    for (; i < n; i++) all += x[i];
    return all;
}
'''
FRAME = '''
/* the code of 0 around each image of (n, h, w, c): t rows above, b below, l pixels left, r right */
static inline void frame(byte *y, int zero, int n, int h, int w, int c, int t, int b, int l, int r)
{
    for (int i = 0; i < n; i++, y += h*w*c) {
        memset(y, zero, t*w*c);
        memset(y + (h - b)*w*c, zero, b*w*c);
        for (int j = t; j < h - b; j++) {
            memset(y + j*w*c, zero, l*c);
            memset(y + ((j + 1)*w - r)*c, zero, r*c);
        }
    }
}
'''
RUN = '''
/* x {x} -> y {y}; arena: {arena} numbers of 4 bytes, w: {weights} */
void {name}(const {x_type} *restrict x, {y_type} *restrict y, float *restrict arena,
    const int *restrict w)
{{
    byte *const codes = (byte *)arena;
    (void)codes, (void)arena, (void)w;
{calls}
}}
'''
C_TYPES = dict(float32='float', int8='signed char')

BLOCK = '''
/* {comment} */
{head}
{{
    ints sum[P][V];
    UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++) sum[p][v] = load_ints(b + v*L);
    dots(P, V, sum, x, {step}, {parts}, {groups}, {part}, w);
    UNROLL for (int p = 0; p < P; p++)
        UNROLL for (int v = 0; v < V; v++)
            store_codes(y + p*{out} + v*L, requantized(sum[p][v], b + {width} + v*L, {ends}), left - v*L);
}}
'''
DEPTHWISE = '''
/* {comment} */
{head}
{{
    ints sum[P];
    UNROLL for (int p = 0; p < P; p++) sum[p] = load_ints(b);
    UNROLL for (int i = 0; i < {kh}; i++)
        UNROLL for (int j = 0; j < {kw}; j += 4) {{
            const ints a = load_ints(w + (i*{groups} + j/4)*{width});
            UNROLL for (int p = 0; p < P; p++)
                sum[p] = dot(sum[p], four(x + i*{row} + j*{c} + p*{step}, {c}, {kw} - j, left), a);
        }}
    UNROLL for (int p = 0; p < P; p++)
        store_codes(y + p*{out}, requantized(sum[p], b + {width}, {ends}), left);
}}
'''

class Codes:
    "What both kinds of products share; `shift` is added to each code that they write."
    TYPES = dict(x='byte', y='byte', w='int', b='int')
    def kind(self, name): return self.TYPES[name]
    def ends(self) -> str:
        "The smallest and largest code counted from that of 0, and what is added at the end."
        how = self.s.options
        zero = how['zero']
        return f'{number(how["lo"] - zero)}, {number(how["hi"] - zero)}, {zero + self.shift}'

class CodeProduct(Codes, Product):
    "Writes the C of a dense layer or convolution of codes."
    def __init__(self, name, s, places, lanes, shift):
        super().__init__(name, s, places, lanes)
        self.shift, self.width = shift, ceil(self.rows.outputs/lanes)*lanes
        self.groups = ceil(self.rows.window[1]/4)
    def before(self): return 2*self.width, self.rows.window[0]*self.groups
    def block(self):
        parts, _, part = self.rows.window
        return BLOCK.format(comment=self.comment(), head=self.head('P', 'V', 'left'), step=self.rows.x[2],
                            parts=parts, groups=self.groups, part=part, out=self.out(), width=self.width,
                            ends=self.ends())

class CodeDepthwise(Codes, Depthwise):
    "Writes the C of a depthwise convolution of codes; four pixels of a row make one dot product."
    def __init__(self, name, s, places, lanes, shift):
        super().__init__(name, s, places, lanes)
        self.shift, self.width = shift, lanes if self.flat else ceil(self.c/lanes)*lanes
    def weights(self):
        "Biases, multipliers and weights of all channels, again and again if a vector holds several pixels."
        rows = self.s.packed.reshape(-1, self.c)
        if self.flat: return np.tile(rows, self.lanes//self.c)
        return np.pad(rows, ((0, 0), (0, self.width - self.c)))
    def block(self):
        step, out = (self.lanes,)*2 if self.flat else (self.sw*self.c, self.out)
        kh, kw = self.kernel
        return DEPTHWISE.format(comment=self.comment(), head=self.head('P', 'left'), kh=kh, kw=kw,
                                groups=ceil(kw/4), width=self.width, c=self.c, row=self.x.strides[1],
                                step=step, out=out, ends=self.ends())
    def comment(self):
        return f'{self.kernel[0]}x{self.kernel[1]} depthwise convolution {self.x.shape} -> {self.y.shape}'
    def call(self, p, left, at, f, c, step, out):
        f0 = 0 if self.flat else f
        args = [p, left, plus('from', times(at, step), f), plus('to', times(at, out), f),
                plus('w', 2*self.width, f0), plus('w', f0)]
        return [f'{self.name}_block({", ".join(map(str, args))});']


# All other operations; x and y are bytes, `flip` is 128 where the caller's codes are read or written, else 0

def each(y:Place, xs:list, line:str) -> list:
    "`line` for each number of `y`, with the places of `y` and `xs` in it."
    sizes, (to, *steps) = collapsed(y.shape, [y.strides, *(spread(p, y.shape) for p in xs)])
    axes = names(len(sizes))
    read = [at(f'x{k}', axes, s) for k, s in enumerate(steps)]
    places = ('Y', at('y', axes, to)), ('X1', read[-1]), ('X0', read[0])
    for name, place in places: line = line.replace(name, place)
    return loops(axes, sizes, line.split('\n'))

def double(v) -> str: return repr(float(v))

def to_code(kind:str, of:str, lo, hi, zero, flip:int) -> str:
    "Lines that round `of`, in steps from the code of 0, to a code on its grid; `kind`: float or double."
    lo, hi, zero = (int(v) for v in (lo, hi, zero))
    low, high = (number(v - zero) if kind == 'float' else double(v - zero) for v in (lo, hi))
    return (f'{kind} q = {of};\nq = q < {low} ? {low} : q;\nq = q > {high} ? {high} : q;\n'
            f'Y = (byte)(whole({"(float)" if kind == "double" else ""}q) + {zero + 128 - flip});')

def quantize(y, x, grid, flip):
    # rounded to float32, a product of doubles is what the division of two float32 gives: no quotient of these
    # lies as close to the middle of two others as a double can be wrong
    per_step = double(1/np.float64(grid.scale))
    return each(y, [x], to_code('double', f'X0*{per_step}', grid.lo, grid.hi, grid.zero, flip))

def dequantize(y, x, grid):
    return each(y, [x], f'Y = (float)(X0 - {128 + grid.zero})*{number(grid.scale)};')

def one_step(s:Step) -> tuple|None:
    """Float32 S, T and K so that a*S + (b*T + K), of bytes, is rounded to the code that the sum `s` gives:
    for each of the 65,536 pairs, which are all tried; None if none were found."""
    how, q = s.options, np.arange(-128, 128, dtype=np.int8)
    (t, u, v), (y, z, zero) = how['scales'], how['zeros']
    want = s.run(q[:, None], q[None])
    a = np.arange(256, dtype=np.float32)
    tries = sorted(((i, j) for i in range(-6, 7) for j in range(-6, 7)), key=lambda p: abs(p[0]) + abs(p[1]))
    for i, j in tries:
        S, T = np.float32(t/v)*np.float32(1 + i*2**-23), np.float32(u/v)*np.float32(1 + j*2**-23)
        K = np.float32(-(128 + float(y))*float(S) - (128 + float(z))*float(T))
        got = np.clip(a[:, None]*S + (a*T + K), how['lo'] - zero, how['hi'] - zero)
        if np.array_equal(np.rint(got) + zero, want): return S, T, K
    return None

def add(y, a, b, s, flip):
    how, found = s.options, one_step(s)
    (s, t, u), (p, q, zero) = ([v for v in how[k]] for k in ('scales', 'zeros'))
    if found:
        S, T, K = map(number, found)
        return each(y, [a, b], to_code('float', f'X0*{S} + (X1*{T} + {K})', how['lo'], how['hi'], zero, flip))
    def term(x, scale, zero): return f'(float)({x} - {128 + int(zero)})*{number(scale)}'
    lines = f'const float a = {term("X0", s, p)}, b = {term("X1", t, q)};\n'
    return each(y, [a, b], lines + to_code('double', f'(double)(a + b)*{double(1/np.float64(u))}', how['lo'],
                                           how['hi'], zero, flip))

CHUNK = 256     # channels whose sums are on the stack at once

def averages(y, x, kernel, stride, pads, flip) -> list:
    "The means of the real pixels of windows, of CHUNK channels at a time."
    (n, oh, ow, c), (kh, kw), (sh, sw) = y.shape, kernel, stride
    (top, _), (left, _) = pads
    if kh*kw > 1 << 22: raise ValueError(f'no C is known for a mean of {kh*kw} codes')
    i, j = f'{times("r", sh)} + i - {top}', f'{times("q", sw)} + j - {left}'
    cell, pixel = at('y', 'nrqc', y.strides), at('x0', ('n', f'({i})', f'({j})', 'c'), x.strides)
    beside = f'if ({i} < 0 || {i} >= {x.shape[1]} || {j} < 0 || {j} >= {x.shape[2]}) continue;'
    skip = [beside] if any(map(any, pads)) else []
    few = min(c, CHUNK)
    last = f'k + {few}' if c % few == 0 else f'(k + {few} < {c} ? k + {few} : {c})'
    over = f'for (int c = k; c < {last}; c++)'
    return loops('nrq', (n, oh, ow), [
        f'for (int k = 0; k < {c}; k += {few}) {{', *indent([
            f'int count = 0, sum[{few}] = {{0}};',
            *loops('ij', (kh, kw), [*skip, 'count++;', f'{over} sum[c - k] += {pixel};']),
            f'{over} {cell} = (byte)(mean_of(sum[c - k] - 128*count, count) + {128 - flip});']), '}'])

def largest(y, x, kernel, stride, pads, flip) -> list:
    lines = [line.replace('-INFINITY', '0') for line in windows('max_pool2d', y, x, kernel, stride, pads)]
    return lines + (each(y, [y], f'Y ^= {flip};') if flip else [])

def beside(y, xs, axis, flip) -> list:
    "Arrays of codes one behind the other."
    lines, start = [], 0
    for k, x in enumerate(xs):
        part = each(y._replace(shape=x.shape), [x], f'Y = X0{" ^ 128" if flip else ""};')
        to = f'(y + {start*y.strides[axis]})['
        lines += [line.replace('x0[', f'x{k}[').replace('y[', to) for line in part]
        start += x.shape[axis]
    return lines

def softmax(y, x, flip) -> list:
    "Probabilities by the table of powers in x1; numbers are doubles."
    n, kept = x.shape[-1], names(len(x.shape) - 1)
    a, b = (at(name, [*kept, 'r'], p.strides) for name, p in (('x0', x), ('y', y)))
    over = f'for (int r = 0; r < {n}; r++)'
    return loops(kept, x.shape[:-1], [
        f'double e[{n}];', f'{over} memcpy(e + r, x1 + 8*{a}, 8);', f'const double sum = sum_of(e, {n});',
        f'{over} {{', f'    const int q = (int)rint(256*e[r]/sum);',
        f'    {b} = (byte)((q > 255 ? 255 : q) - {flip});', '}'])

class CodeNetwork(Network):
    "Writes the C of a layout some of whose values are codes."
    RUN, FRAME = RUN, FRAME
    def __init__(self, layout, offsets, head, lanes, name='run'):
        super().__init__(layout, offsets, TOOLS + head + HELPERS, lanes, name)
    def types(self):
        x, y = self.layout.kind(0), self.layout.kind(self.layout.last)
        return dict(x_type=C_TYPES[x], y_type=C_TYPES[y])
    def pointer(self, v, bare=False):
        p = self.layout.places[v]
        if self.layout.kind(v) != 'int8': return super().pointer(v, bare)
        if p.store in (INPUT, self.layout.result()):
            name = '(const byte *)x' if p.store == INPUT else '(byte *)y'
            return plus(name, 0 if bare else p.offset)
        return plus('codes', 4*self.offsets[p.store] + (0 if bare else p.offset))
    def flip(self, v) -> int:
        "128 if the caller reads or writes the value: as signed codes."
        return 128 if self.layout.places[v].store in (INPUT, self.layout.result()) else 0
    def words(self, a) -> str:
        "Where the bits of `a` stand among the weights."
        at, a = self.size, np.ascontiguousarray(a).ravel().view(np.int32)
        self.blob.append((at, a))
        self.size += rounded(a.size)
        return plus('w', at)
    def weight(self, a): return f'(const float *)({super().weight(a)})'
    def weights(self):
        found = aligned(self.size)
        for at, a in self.blob: found[at:at + a.size].view(np.int32)[:] = a.view(np.int32)
        return found
    def zeros(self, v):
        if self.layout.kind(v) != 'int8' or v not in self.layout.frames: return super().zeros(v)
        shape, (rows, pixels) = self.layout.frames[v]
        self.call('frame', self.pointer(v, True), self.layout.fills[v] + 128, *shape, *rows, *pixels)
    def of_codes(self, s) -> bool: return any(self.layout.kind(v) == 'int8' for v in (*s.values(), s.out))
    def product(self, name, s):
        if not self.of_codes(s): return super().product(name, s)
        kind = CodeDepthwise if s.op == 'depthwise_conv2d' else CodeProduct
        p = kind(name, s, self.layout.places, self.lanes, 128 - self.flip(s.out))
        self.functions.append(p.text())
        weights = self.words(p.weights() if kind is CodeDepthwise else s.packed)
        self.call(name, self.pointer(s.ins[0]), self.pointer(s.out), weights)
    def loop(self, name, s):
        if not self.of_codes(s): return super().loop(name, s)
        ins, y = [i for i in s.ins if type(i) is int], self.layout.places[s.out]
        xs = [self.layout.places[i] for i in ins]
        def kind(v): return 'byte' if self.layout.kind(v) == 'int8' else 'float'
        args = [f'const {kind(i)} *restrict x{k}' for k, i in enumerate(ins)]
        pointers, table = [self.pointer(i) for i in ins], self.table(s)
        if table is not None:
            args.append(f'const byte *restrict x{len(ins)}')
            pointers.append(f'(const byte *)({self.words(table)})')
        args.append(f'{kind(s.out)} *restrict y')
        self.functions.append(function(name, f'{s.op} -> {tuple(y.shape)}', args, self.body_of(s, y, xs)))
        self.call(name, *pointers, self.pointer(s.out))
    def table(self, s):
        "What an operation on codes looks up by the byte of a code; None if it computes."
        if s.op == 'lookup': return np.roll(s.options['table'], 128).view(np.uint8) ^ (128 - self.flip(s.out))
        if s.op != 'softmax': return None
        grid = s.options['grid']
        with np.errstate(over='ignore'):        # as the layer computes them
            e = np.exp((np.arange(-128, 128, dtype=np.int8) - np.float64(grid.zero))*np.float64(grid.scale))
        if not np.isfinite(256*e).all(): raise ValueError('no C is known for a softmax of numbers so large')
        return e
    def body_of(self, s:Step, y:Place, xs:list) -> list:
        "The lines of a step that reads or writes codes; ValueError if nothing is known of it."
        how, flip = s.options, self.flip(s.out)
        def window(): return by_row(how['kernel'], how['stride'], how['pads'])
        if s.op == 'quantize': return quantize(y, *xs, how['grid'], flip)
        if s.op == 'dequantize': return dequantize(y, *xs, how['grid'])
        if s.op == 'lookup': return each(y, xs, 'Y = x1[X0];')
        if s.op == 'copy': return each(y, xs, f'Y = X0{" ^ 128" if flip ^ self.flip(s.ins[0]) else ""};')
        if s.op == 'add': return add(y, *xs, s, flip)
        if s.op == 'softmax': return softmax(y, *xs, flip)
        if s.op == 'concatenate': return beside(y, xs, how.get('axis', 0) % len(y.shape), flip)
        if s.op == 'max_pool2d': return largest(image(y), image(xs[0]), *window(), flip)
        if s.op == 'avg_pool2d': return averages(image(y), image(xs[0]), *window(), flip)
        if s.op == 'mean':
            n, c = y.shape
            y = Place(y.store, y.offset, (n, 1, 1, c), (y.strides[0], 0, 0, y.strides[1]))
            return averages(y, xs[0], xs[0].shape[1:3], (1, 1), ((0, 0), (0, 0)), flip)
        raise ValueError(f'no C is known for the operation {s.op!r} of codes')
