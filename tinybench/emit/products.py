"C for products: blocks of sums in registers, and the loops over rows of pixels around them"
from math import ceil
import numpy as np

from .place import image
from .steps import Step, rows_of
from .text import function, indent, plus, times, wrapped


BLOCK = '''
/* {comment} */
{head}
{{
    vec sum[P][V];
    UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++) sum[p][v] = load(b + v*L);
    tile(P, V, sum, x, {step}, {parts}, {run}, {part}, w);
    UNROLL for (int p = 0; p < P; p++)
        UNROLL for (int v = 0; v < V; v++) {{
            vec z = sum[p][v];
{then}            store(y + p*{out} + v*L, z, left - v*L);
        }}
}}
'''

MANY = 8        # ranges of outputs, from which on they are a loop

def pieces(n:int, size:int) -> list:
    "(start, size) of pieces of `size`, and of the rest."
    return [(i, min(size, n - i)) for i in range(0, n, size)]

class Product:
    "Writes the C of one dense layer or convolution; its step knows its block and its packed weights."
    def __init__(self, name:str, s:Step, places:dict, lanes:int):
        self.name, self.s, self.lanes = name, s, lanes
        self.x, self.y = image(places[s.ins[0]]), image(places[s.out])
        # values to be added: a name, and strides of an image, a row, a pixel
        self.added = [(f'r{i}', self.strides(image(places[v]))) for i, v in enumerate(s.adds())]
        if s.op != 'depthwise_conv2d': self.rows = rows_of(s, self.x, self.y)
    def strides(self, p) -> tuple:
        if self.s.op == 'dense': return 0, 0, self.s.w.shape[-1]
        return *p.strides[:2], p.strides[2] if p.shape[2] > 1 else p.shape[3]
    def pointers(self, *names) -> str:
        "Arguments that are arrays, and those that are added."
        def const(n): return '' if n == 'y' else 'const '
        return ', '.join(f'{const(n)}{self.kind(n)} *restrict {n}' for n in (*names, *dict(self.added)))
    def kind(self, name:str) -> str:
        "The type of the numbers in an array, in C."
        return 'float'
    def before(self) -> tuple:
        "How many numbers stand before the weights, and how many weights an output has."
        parts, run, _ = self.rows.window
        return ceil(self.rows.outputs/self.lanes)*self.lanes, parts*run
    def weights_at(self, first:int|str) -> str:
        "Where the weights of the outputs from `first` on begin, which may be a variable."
        start, each = self.before()
        if isinstance(first, int): return plus('w', start + first*each)
        return plus('w', start, times(first, each))
    def added_at(self, n, r, c, first=0) -> list:
        "Where the values to be added lie, for an image, a row, a pixel and the first output."
        return [plus(name, *map(times, (n, r, c), strides), first) for name, strides in self.added]
    def then(self, depth:int, step:str) -> str:
        "Lines that do to the sums `z` what follows the product; `step` is what an output adds to a place."
        strides, lines = iter(self.added), []
        for t in self.s.then:
            if t == 'relu': lines.append('z = relu(z);')
            else:
                name, (*_, pixel) = next(strides)
                left = 'left - v*L' if step else 'left'
                lines.append(f'z += load_part({plus(name, times("p", pixel), step or 0)}, {left});')
        return ''.join(line + '\n' for line in indent(lines, depth))
    def comment(self) -> str:
        "What it computes, and in which blocks."
        s, (p, v) = self.s, self.s.block
        kind = 'dense' if s.op == 'dense' else f'{s.w.shape[0]}x{s.w.shape[1]} convolution'
        done = ['relu' if t == 'relu' else 'a value added' for t in s.then]
        if s.pool: done.append(f'pooled {s.pool[0]}x{s.pool[1]}')
        said = ', '.join([f'{kind} {self.x.shape} -> {self.y.shape}', *done])
        return f'{said}: blocks of {p} pixels x {v*self.lanes} outputs'
    def out(self) -> int:
        "From pixel to pixel of what is stored: of a line, if that is pooled."
        return self.rows.outputs if self.s.pool else self.rows.y[2]
    def head(self, *numbers) -> str:
        "The head of the function of one block, which takes these numbers."
        args = ', '.join([*(f'const int {n}' for n in numbers), self.pointers('x', 'y', 'w', 'b')])
        return '\n'.join(wrapped(f'INLINE void {self.name}_block({args})'))
    def block(self) -> str:
        "The function of one block."
        parts, run, part = self.rows.window
        head = self.head('P', 'V', 'left')
        return BLOCK.format(comment=self.comment(), head=head, step=self.rows.x[2], parts=parts, run=run,
                            part=part, out=self.out(), then=self.then(3, 'v*L'))
    def calls(self, v:int, left:int, first:int|str, x:str, y:str, n='0', r='0') -> list:
        "The blocks of one row: `v` vectors, `left` outputs from the output `first` on."
        step, p, weights = self.rows.x[2], self.s.block[0], self.weights_at(first)
        def call(size, c):
            args = [size, v, left, plus(x, times(c, step)), plus(y, times(c, self.out()), first),
                    weights, plus('w', first), *self.added_at(n, r, c, first)]
            return wrapped(f'{self.name}_block({", ".join(map(str, args))});')
        full, rest = divmod(self.rows.pixels, p)
        lines = call(p, 0) if full == 1 else []
        if full > 1: lines = [f'for (int c = 0; c < {full*p}; c += {p})', *indent(call(p, 'c'))]
        return lines + (call(rest, full*p) if rest else [])
    def body(self) -> list:
        "All blocks: for each range of outputs, all rows."
        lanes, v, lines = self.lanes, self.s.block[1], []
        todo = pieces(ceil(self.rows.outputs/lanes), v)
        full = self.rows.outputs//(v*lanes)
        if full > MANY and not self.s.pool:     # a loop: else a compiler has to go through each
            inner = self.over_rows(v, v*lanes, 'f')
            lines = [f'for (int f = 0; f < {full*v*lanes}; f += {v*lanes}) {{', *indent(inner), '}']
            todo = todo[full:]
        for first, n in todo:
            left = min(n*lanes, self.rows.outputs - first*lanes)
            lines += (self.pooled if self.s.pool else self.over_rows)(n, left, first*lanes)
        return lines
    def over_rows(self, v:int, left:int, first:int|str) -> list:
        "One range of outputs, row by row."
        (n, h, *_), (xi, xr, _, x0), (yi, yr, _) = self.rows[:3], self.rows.x, self.rows.y
        if n == h == 1: return self.calls(v, left, first, plus('x', x0), 'y', 0, 0)
        x, y = plus('x', x0, times('n', xi), times('r', xr)), plus('y', times('n', yi), times('r', yr))
        inner = self.calls(v, left, first, x, y, 'n', 'r')
        return [f'for (int n = 0; n < {n}; n++) for (int r = 0; r < {h}; r++) {{', *indent(inner), '}']
    def pooled(self, v:int, left:int, first:int) -> list:
        "Rows wait in a line, and the largest of each window is stored."
        (n, h, w, f), (xi, xr, _, x0), (ph, pw) = self.rows[:4], self.rows.x, self.s.pool
        x = plus('x', x0, times('n', xi), f'({times("r", ph)} + i)*{xr}')
        to = plus('', *map(times, 'nrq', self.rows.y), 'c').removeprefix(' + ')
        window = [f'for (int i = 0; i < {ph}; i++) for (int j = 0; j < {pw}; j++) {{',
                  f'    const float a = line[(i*{w} + q*{pw} + j)*{f} + c];',
                  '    best = a > best ? a : best;', '}']
        return [f'for (int n = 0; n < {n}; n++) for (int r = 0; r < {h//ph}; r++) {{', *indent([
            f'float line[{ph}*{w}*{f}];', f'for (int i = 0; i < {ph}; i++) {{',
            *indent(self.calls(v, left, first, x, plus('line', times('i', w*f)))), '}',
            f'for (int q = 0; q < {w//pw}; q++) for (int c = {first}; c < {first + left}; c++) {{',
            *indent([
                f'float best = line[q*{pw*f} + c];', *window, f'y[{to}] = best;']), '}']), '}']
    def text(self) -> str:
        "Its two functions."
        return self.block() + function(self.name, 'its rows', [self.pointers('x', 'y', 'w')], self.body())

DEPTHWISE = '''
/* {comment} */
{head}
{{
    vec sum[P];
    UNROLL for (int p = 0; p < P; p++) sum[p] = load_part(b, left);
    UNROLL for (int i = 0; i < {kh}; i++)
        UNROLL for (int j = 0; j < {kw}; j++) {{
            const vec a = load_part(w + (i*{kw} + j)*{width}, left);
            UNROLL for (int p = 0; p < P; p++)
                sum[p] += a*load_part(x + i*{row} + j*{c} + p*{step}, left);
        }}
    UNROLL for (int p = 0; p < P; p++) {{
        vec z = sum[p];
{then}        store(y + p*{out}, z, left);
    }}
}}
'''

class Depthwise(Product):
    "Writes the C of a depthwise convolution: a vector holds channels, or pixels of few channels."
    def __init__(self, name:str, s:Step, places:dict, lanes:int):
        super().__init__(name, s, places, lanes)
        self.kernel, self.c, (self.sh, self.sw) = s.w.shape[:2], s.w.shape[2], s.options['stride']
        self.out = self.strides(self.y)[2]
        close = self.strides(self.x)[2] == self.c == self.out
        # if pixels lie side by side, a vector of 16 holds 16 pixels of one channel, or 2 of 8
        self.flat = close and self.sw == 1 and self.c < lanes and lanes % self.c == 0 and not self.added
    def weights(self) -> np.ndarray:
        "Bias and weights in the order in which they are read."
        w, again = self.s.w, self.lanes//self.c if self.flat else 1
        b = np.zeros(self.c, np.float32) if self.s.b is None else self.s.b
        return np.concatenate([np.tile(b, again), np.tile(w, (1, 1, again)).ravel()])
    def comment(self) -> str:
        (kh, kw), relu = self.kernel, ', relu' if 'relu' in self.s.then else ''
        return f'{kh}x{kw} depthwise convolution {self.x.shape} -> {self.y.shape}{relu}'
    def block(self) -> str:
        step, out, width = (self.lanes,)*3 if self.flat else (self.sw*self.c, self.out, self.c)
        kh, kw = self.kernel
        head = self.head('P', 'left')
        return DEPTHWISE.format(comment=self.comment(), head=head, kh=kh, kw=kw, width=width, c=self.c,
                                row=self.x.strides[1], step=step, out=out, then=self.then(2, ''))
    def body(self) -> list:
        (n, h, w, c), (xi, xr), (yi, yr) = self.y.shape, self.x.strides[:2], self.y.strides[:2]
        (top, _), (left, _) = self.s.pads() or ((0, 0), (0, 0))
        x0 = -(top*xr + left*c)
        lines = [f'const {self.kind("x")} *from = {plus("x", x0, times("n", xi), times("r", self.sh*xr))};',
                 f'{self.kind("y")} *to = {plus("y", times("n", yi), times("r", yr))};']
        if self.flat: lines += self.side_by_side(w*c)
        else:
            whole, rest = c//self.lanes*self.lanes, c % self.lanes
            each = f'for (int f = 0; f < {whole}; f += L) {{'
            if whole: lines += [each, *indent(self.pixels('f', self.lanes)), '}']
            if rest: lines += self.pixels(whole, rest)
        return [f'for (int n = 0; n < {n}; n++) for (int r = 0; r < {h}; r++) {{', *indent(lines), '}']
    def side_by_side(self, numbers:int) -> list:
        "One row in vectors of several pixels."
        full, rest = divmod(numbers, self.lanes)
        todo = [(p, self.lanes, start) for start, p in pieces(full, 8)] + ([(1, rest, full)] if rest else [])
        calls = [self.call(p, left, start, 0, 0, self.lanes, self.lanes) for p, left, start in todo]
        return [line for lines in calls for line in lines]
    def pixels(self, f, left:int) -> list:
        "One row for the channels from `f` on."
        w, p = self.y.shape[2], min(self.y.shape[2], 8)
        full, rest = divmod(w, p)
        def call(size, c): return self.call(size, left, c, f, c, self.sw*self.c, self.out)
        each = f'for (int c = 0; c < {full*p}; c += {p})'
        lines = call(p, 0) if full == 1 else [each, *indent(call(p, 'c'))]
        return lines + (call(rest, full*p) if rest else [])
    def call(self, p, left, at, f, c, step, out) -> list:
        "One block: `p` vectors of `left` numbers from the place `at` on, which `step` and `out` multiply."
        width = self.lanes if self.flat else self.c
        args = [p, left, plus('from', times(at, step), f), plus('to', times(at, out), f), plus('w', width, f),
                plus('w', f), *self.added_at('n', 'r', c, f)]
        return wrapped(f'{self.name}_block({", ".join(map(str, args))});')
