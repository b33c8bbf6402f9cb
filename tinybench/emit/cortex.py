"C for int8 networks on a bare Cortex-M: products by SMLAD or in plain C, all else as on any machine"
from collections.abc import Callable
from functools import partial
from math import ceil
import numpy as np

from .files import stack_of
from .integer import FRAME, HELPERS, TOOLS, CodeNetwork
from .network import Network
from .place import image
from .steps import Step, rows_of
from .text import function, indent, plus, times


# As on a host, a code q is the byte q + 128 in the arena, and the signed code in the caller's arrays.

HEAD = '''/* A network of int8 codes for a Cortex-M{dsp}; no library is needed but the compiler's own */
{include}#define INLINE static inline __attribute__((always_inline, unused))
#define NOINLINE static __attribute__((noinline))
#define UNROLL _Pragma("GCC unroll 32")
{macros}typedef unsigned char byte;
#define memcpy __builtin_memcpy
#define memset __builtin_memset
/* the whole number next to z, of two the even one; 0 <= z < 2^51 */
INLINE double rint(double z) {{ return (z + 6755399441055744.) - 6755399441055744.; }}
'''
MACROS = '''#define sxtb16 __sxtb16
#define ror __ror
#define smlad __smlad
'''
CODE = '''
#if !defined(__ARM_FP)
/* sum times the float32 whose bits are m, to the next whole number, of two the even one; no code needs
   more than 1024. float32 rounds twice, to 24 bits and then to a whole number: near the middle of two
   numbers it is asked, anywhere else the exact product, with 16 bits behind the point, says the same */
NOINLINE int times(const int sum, const int m)
{
    const unsigned s = sum < 0 ? -(unsigned)sum : (unsigned)sum, n = 134 - (m >> 23);
    if (s >> 24 == 0 && m > 0x800000 && n < 64) {
        const unsigned long long t = (unsigned long long)s*((m & 0x7FFFFF) | 0x800000) >> n;
        const unsigned low = (unsigned)t, q = t >> 26 ? 1024 : (low + 0x8000) >> 16;
        if (q == 1024 || (low & 0xFFFF) - 0x7FFD > 5) return sum < 0 ? -(int)q : (int)q;
    }
    float z;
    memcpy(&z, &m, 4);
    z *= (float)sum;
    return whole(z < -1024.f ? -1024.f : z > 1024.f ? 1024.f : z);
}
#endif
/* The byte of a sum: times the float32 of these bits, to the next whole number (of two the even one),
   plus `add`, in lo..hi */
INLINE byte requantized(int sum, int bits, const int lo, const int hi, const int add)
{
#if defined(__ARM_FP)
    float m;
    memcpy(&m, &bits, 4);
    const float z = __builtin_arm_vcvtr_f((float)sum*m, 0);     /* it holds an int, as rounded by FPSCR */
    int q;
    memcpy(&q, &z, 4);
#else
    int q = times(sum, bits);
#endif
    q += add;
#if defined(__ARM_FEATURE_SAT)
    if (lo == 0 && hi == 255) return __builtin_arm_usat(q, 8);
#endif
    return q < lo ? lo : q > hi ? hi : q;
}
'''
PAIRS = '''
INLINE int four(const byte *x) { int a; memcpy(&a, x, 4); return a; }
/* Bytes 0 and 2, then bytes 1 and 3 of each four as pairs of 16 bits, to every `step` words */
INLINE void spread(int *to, const byte *x, const int n, const int step)
{
    for (int k = 0; k < n; k += 4, to += step) {
        const int a = four(x + k);
        to[0] = __uxtb16(a), to[1] = __uxtb16(__ror(a, 8));
    }
}
'''

BLOCK = '''
/* Two outputs of {pixels}, whose pairs x holds in turns; w: two biases, two multipliers, fours of codes */
NOINLINE const int *{name}_{size}(const int *x, const int *w, {to})
{{
    int {sums};
    const int *const own = w, *const end = x + {words};
    w += 4;
    do {{
        UNROLL for (int k = 0; k < {unroll}; k++, x += {step}, w += 2) {{
            int {names};
{lines}
            __asm__ volatile("" : "+r"({last}));     /* else loads are moved up, and registers run out */
        }}
    }} while (x < end);
    const int m = own[2], n = own[3];
{stores}
    return w;
}}
'''
FOUR = '''
/* A row of {left} channels; w: four biases, four multipliers, and for each weight of the window four codes */
NOINLINE void {name}_row{left}(const byte *x, byte *y, const int *w)
{{
    for (byte *const end = y + {row_out}; y != end; x += {step}, y += {out}) {{
        int a = w[0], b = w[1], c = w[2], d = w[3];
        UNROLL for (int i = 0; i < {kh}; i++)
            UNROLL for (int j = 0; j < {kw}; j++) {{
                const int p = four(x + i*{row} + j*{c}), v = w[8 + i*{kw} + j];
                const int even = __uxtb16(p), odd = __uxtb16(__ror(p, 8));
                const int ve = __sxtb16(v), vo = __sxtb16(__ror(v, 8));
                a = __smlabb(even, ve, a), c = __smlatt(even, ve, c);
                b = __smlabb(odd, vo, b), d = __smlatt(odd, vo, d);
            }}
{store}
    }}
}}
'''

def packed_bits(*parts) -> np.ndarray:
    "Arrays of 4-byte numbers, one behind the other, as int32."
    return np.concatenate([np.ascontiguousarray(p).reshape(-1).view(np.int32) for p in parts])
def fours_of(w:np.ndarray) -> np.ndarray:
    "int8 codes (rows, n) as int32 (rows, n/4), zeros behind the last."
    rows, n = w.shape
    full = np.zeros((rows, 4*ceil(n/4)), np.int8)
    full[:, :n] = w
    return full.view(np.int32)

class Product:
    "Writes the C of one product; a subclass has the loops."
    def __init__(self, name:str, s:Step, places:dict, shift:int):
        self.name, self.s, self.shift = name, s, shift
        self.x, self.y = image(places[s.ins[0]]), image(places[s.out])
        w = s.w.astype(np.int64)
        # sums of (q + 128)*w are those of q*w, with other biases, modulo 2**32
        self.b = (s.b - 128*w.sum(tuple(range(w.ndim - 1)))).astype(np.int32)
        self.m = np.broadcast_to(s.options['m'], self.b.shape).astype(np.float32)
        most = (np.abs(s.b.astype(np.int64)) + 128*np.abs(w).sum(tuple(range(w.ndim - 1))))*np.abs(self.m)
        if not most.max() < 2**30: raise ValueError('a sum times its multiplier may not fit int32')
    def ends(self) -> str:
        "The smallest and largest byte, and what is added to a rounded sum."
        how = self.s.options
        lo, hi, zero = (int(how[k]) for k in ('lo', 'hi', 'zero'))
        return f'{lo + self.shift}, {hi + self.shift}, {zero + self.shift}'
    def comment(self) -> str:
        if self.s.op == 'dense': what = 'dense'
        else: what = f'{self.s.w.shape[0]}x{self.s.w.shape[1]} {self.kind}'
        return f'{what} {self.x.shape[1:]} -> {self.y.shape[1:]}'
    kind, stack = 'convolution', 0      # stack: bytes of arrays on it
    ARGS = 'const byte *restrict x', 'byte *restrict y', 'const int *restrict w'

class Sums(Product):
    "A dense layer or convolution as rows of pixels."
    def __init__(self, *args):
        super().__init__(*args)
        self.rows = rows_of(self.s, self.x, self.y)
        self.parts, self.run, self.part = self.rows.window
        if self.run == self.part: self.parts, self.run = 1, self.parts*self.run
        self.pixels, self.w = self.rows.rows*self.rows.pixels, self.s.w.reshape(-1, self.rows.outputs).T
    def place(self, name:str, p:str) -> str:
        "Where the pixel number `p` of x or y begins, in C."
        _, row, pixel, *first = getattr(self.rows, name)
        if self.rows.rows == 1: return plus(name, *first, times(p, pixel))
        n = self.rows.pixels
        return plus(name, *first, times(f'{p}/{n}', row), times(f'{p}%{n}', pixel) if n > 1 else 0)

class PlainSums(Sums):
    "One sum after the other."
    def weights(self): return packed_bits(self.b, self.m, fours_of(self.w.reshape(1, -1)))
    def text(self) -> str:
        f, run = self.rows.outputs, self.run
        each = [f'for (int k = 0; k < {run}; k++) sum += from[k]*v[k];']
        if self.parts > 1: each = [
            f'for (int i = 0; i < {self.parts}; i++)', f'    for (int k = 0; k < {run}; k++)',
            f'        sum += from[i*{self.part} + k]*v[i*{run} + k];']
        k = self.parts*run
        return function(self.name, self.comment(), self.ARGS, [
            f'for (int p = 0; p < {self.pixels}; p++) {{', *indent([
                f'const byte *from = {self.place("x", "p")};', f'byte *to = {self.place("y", "p")};',
                f'const signed char *v = (const signed char *)(w + {2*f});',
                f'for (int f = 0; f < {f}; f++, v += {k}) {{', *indent([
                    'int sum = w[f];', *each,
                    f'to[f] = requantized(sum, w[{f} + f], {self.ends()});']), '}']), '}'])

class PairSums(Sums):
    "Two outputs of two pixels at a time, by SMLAD; `lines(pixels, outputs)` are those of a block."
    def __init__(self, *args, lines:Callable):
        super().__init__(*args)
        self.lines = lines
    def weights(self):
        f, g = self.rows.outputs, ceil(self.rows.outputs/2)
        def two(a): return np.pad(a, [(0, 2*g - f)] + [(0, 0)]*(a.ndim - 1))
        w = two(fours_of(self.w)).reshape(g, 2, -1).transpose(0, 2, 1).reshape(g, -1)
        b, m = two(self.b).reshape(g, 2), two(self.m).view(np.int32).reshape(g, 2)
        return packed_bits(np.hstack([b, m, w]))
    @property
    def groups(self) -> int: return ceil(self.parts*self.run/4)
    @property
    def stack(self) -> int: return (16 if self.pixels > 1 else 8)*self.groups + 4*self.groups
    def gather(self, step:int) -> str:
        "The function that spreads the window of one pixel."
        n, parts, run = 4*self.groups, self.parts, self.run
        if parts == 1 and run % 4 == 0: lines = [f'spread(to, x, {run}, {step});']
        elif run % 4 == 0: lines = [f'UNROLL for (int i = 0; i < {parts}; i++)',
                                    f'    spread(to + i*{run//4*step}, x + i*{self.part}, {run}, {step});']
        else: lines = [f'byte side[{n}] = {{0}};', f'for (int i = 0; i < {parts}; i++)',
                       f'    memcpy(side + i*{run}, x + i*{self.part}, {run});',
                       f'spread(to, side, {n}, {step});']
        head = f'INLINE void {self.name}_spread{step}(int *to, const byte *x)'
        return '\n'.join(['', head, '{', *indent(lines), '}', ''])
    def block(self, pixels:int) -> str:
        "The function of a block of two outputs."
        lines, sums = self.lines(pixels, 2), [f's{i}{j}' for i in range(pixels) for j in range(2)]
        names = dict.fromkeys(line.split(' =')[0] for line in lines)
        to = 'y[0] = {}, m', 'y[1] = {}, n', 'z[0] = {}, m', 'z[1] = {}, n'
        stores = [f'{line.format(f"requantized({s}")}, {self.ends()});' for line, s in zip(to, sums)]
        return BLOCK.format(
            name=self.name, size=('one', 'two')[pixels - 1], pixels=('one pixel', 'two pixels')[pixels - 1],
            to=', '.join(['byte *y', 'byte *z'][:pixels]), sums=', '.join(f'{s} = w[{s[2]}]' for s in sums),
            names=', '.join(n for n in names if n not in sums), lines='\n'.join(indent(lines, 3)),
            last=sums[-1],
            unroll=max(k for k in range(1, 17) if self.groups % k == 0), words=2*pixels*self.groups,
            step=2*pixels, stores='\n'.join(indent(stores)))
    def text(self) -> str:
        g, even = self.groups, self.pixels//2*2
        parts, lines = [], [f'int pairs[{4*g if even else 2*g}];']
        if even:
            parts += [self.gather(4), self.block(2)]
            lines += [f'for (int p = 0; p < {even}; p += 2) {{', *indent(self.two()), '}']
        if self.pixels % 2:
            parts += [self.gather(2), self.block(1)]
            lines += self.one(even)
        return ''.join(parts) + function(self.name, self.comment(), self.ARGS, lines)
    def two(self) -> list:
        f, name = self.rows.outputs, self.name
        last = [f'byte last[4];', f'{name}_two(pairs, at, last, last + 2);',
                f'y0[{f - 1}] = last[0], y1[{f - 1}] = last[2];'] if f % 2 else []
        each = [f'for (int f = 0; f < {f//2*2}; f += 2) at = {name}_two(pairs, at, y0 + f, y1 + f);']
        return [f'byte *y0 = {self.place("y", "p")}, *y1 = {self.place("y", "(p + 1)")};',
                f'{name}_spread4(pairs, {self.place("x", "p")});',
                f'{name}_spread4(pairs + 2, {self.place("x", "(p + 1)")});', 'const int *at = w;',
                *(each if f > 1 else []), *last]
    def one(self, p:int) -> list:
        f, name = self.rows.outputs, self.name
        last = [f'byte last[2];', f'{name}_one(pairs, at, last);', f'y0[{f - 1}] = last[0];'] if f % 2 else []
        each = [f'for (int f = 0; f < {f//2*2}; f += 2) at = {name}_one(pairs, at, y0 + f);']
        return ['const int *at = w;', f'byte *y0 = {self.place("y", str(p))};',
                f'{name}_spread2(pairs, {self.place("x", str(p))});', *(each if f > 1 else []), *last]

class Depth(Product):
    "A depthwise convolution, row by row."
    kind = 'depthwise convolution'
    def __init__(self, *args):
        super().__init__(*args)
        (self.kh, self.kw, self.c), (self.sh, self.sw) = self.s.w.shape, self.s.options['stride']
        (top, _), (left, _) = self.s.pads() or ((0, 0), (0, 0))
        _, self.h, self.wide, _ = self.y.shape
        self.row, self.out_row = self.x.strides[1], self.y.strides[1]
        self.step, self.out = self.sw*self.c, self.y.strides[2] if self.wide > 1 else self.c
        self.first = -(top*self.row + left*self.c)
    def rows(self, lines:list) -> list:
        "`lines` for each row r, from `from` to `to`."
        return [f'for (int r = 0; r < {self.h}; r++) {{', *indent([
            f'const byte *from = {plus("x", self.first, times("r", self.sh*self.row))};',
            f'byte *to = {plus("y", times("r", self.out_row))};', *lines]), '}']

class PlainDepth(Depth):
    "One sum after the other."
    def weights(self): return packed_bits(self.b, self.m, fours_of(self.s.w.reshape(1, -1)))
    def text(self) -> str:
        c = self.c
        return function(self.name, self.comment(), self.ARGS, [
            f'const signed char *v = (const signed char *)(w + {2*c});', *self.rows([
                f'for (int q = 0; q < {self.wide}; q++) for (int c = 0; c < {c}; c++) {{', *indent([
                    f'int sum = w[c];', f'for (int i = 0; i < {self.kh}; i++)',
                    f'    for (int j = 0; j < {self.kw}; j++)',
                    f'        sum += from[i*{self.row} + q*{self.step} + j*{c} + c]'
                    f'*v[(i*{self.kw} + j)*{c} + c];',
                    f'to[q*{self.out} + c] = requantized(sum, w[{c} + c], {self.ends()});']), '}'])])

class PairDepth(Depth):
    "Four channels at a time: two halves of two registers."
    def weights(self):
        g = ceil(self.c/4)
        def four(a): return np.pad(a, [(0, 0)]*(a.ndim - 1) + [(0, 4*g - self.c)])
        b, m = (four(a).view(np.int32).reshape(g, 4) for a in (self.b, self.m))
        w = np.ascontiguousarray(four(self.s.w.reshape(-1, self.c))).view(np.int32).T      # (groups, taps)
        return packed_bits(np.hstack([b, m, w]))
    def rows_of(self, left:int) -> str:
        "The function of a row of `left` channels."
        store = '\n'.join(f'        y[{k}] = requantized({"abcd"[k]}, w[{4 + k}], {self.ends()});'
                          for k in range(left))
        return FOUR.format(name=self.name, left=left, row_out=self.wide*self.out, step=self.step,
                           out=self.out, kh=self.kh, kw=self.kw, row=self.row, c=self.c, store=store)
    def text(self) -> str:
        whole, left, words = self.c//4*4, self.c % 4, 8 + self.kh*self.kw
        lines = ['const int *at = w;']
        if whole: lines += [f'for (int c = 0; c < {whole}; c += 4, at += {words})',
                            f'    {self.name}_row4(from + c, to + c, at);']
        if left: lines += [f'{self.name}_row{left}({plus("from", whole)}, {plus("to", whole)}, at);']
        found = ([4] if whole else []) + ([left] if left else [])
        return ''.join(map(self.rows_of, found)) + function(
            self.name, self.comment(), self.ARGS, self.rows(lines))

RUN = '''
/* x {x} -> y {y}, codes; arena: {arena} numbers of 4 bytes, w: {weights} */
void {name}(const {x_type} *x, {y_type} *y, float *arena, const int *w)
{{
    byte *const codes = (byte *)arena;
    (void)codes, (void)arena, (void)w;
{calls}
}}
'''

class CortexNetwork(CodeNetwork):
    "Writes the C of a layout of int8 codes, batch 1, for a Cortex-M with or without the DSP instructions."
    RUN, FRAME, INCLUDE = RUN, FRAME, ''
    def __init__(self, layout, offsets, lines:Callable|None=None, name='run'):
        "`lines` of C for a block with SMLAD, as lesson 82 writes them; None: without the DSP instructions."
        dsp = lines is not None
        self.lines, self.dsp, self.bytes = lines, dsp, {}
        self.deepest = 4*max(map(stack_of, layout.steps), default=0)
        head = HEAD.format(dsp=' with DSP instructions' if dsp else '', macros=MACROS if dsp else '',
                           include='#include <arm_acle.h>\n' if dsp else '')
        tools = CODE + PAIRS*dsp
        Network.__init__(self, layout, offsets, TOOLS + head + HELPERS + tools, 1, name)
        # a function of its own for each layer: what it costs can be told
        self.code = self.code.replace('\nstatic void ', '\nNOINLINE void ')
    def words(self, a) -> str:
        "Where the bits of `a` stand among the weights: without a gap, as there are no cache lines."
        at, a = self.size, np.ascontiguousarray(a).ravel().view(np.int32)
        self.blob.append((at, a))
        self.size += a.size
        return plus('w', at)
    def product(self, name, s):
        if s.w.dtype != np.int8: raise ValueError(
            'firmware is for networks of codes, and this layer has fractions')
        depth = s.op == 'depthwise_conv2d'
        pairs = PairDepth if depth else partial(PairSums, lines=self.lines)
        kind = pairs if self.dsp else PlainDepth if depth else PlainSums
        p = kind(name, s, self.layout.places, 128 - self.flip(s.out))
        self.functions.append(p.text())
        self.deepest = max(self.deepest, p.stack)
        self.bytes[int(name.rpartition('_')[2])] = 4*(w := p.weights()).size
        self.call(name, self.pointer(s.ins[0]), self.pointer(s.out), self.words(w))
