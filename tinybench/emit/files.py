"What a C program needs beside a network's function: a header, and the weights as bytes or as an array"
import re
import numpy as np
from .integer import C_TYPES, CHUNK


MARK = '/* Written by tinybench compile'
HEADER = MARK + ''', from {source}.

   {name}_run computes y from x: {kinds}, row by row, the batch first and channels last.
     x        {x}
     y        {y}
     arena    room for what lies between; its numbers mean nothing before and after
     weights  {weights}
   As in

{arrays}
     {name}_run(x, y, arena, weights);

   The four must not overlap. It allocates nothing and keeps nothing: two threads need two arenas. Its
   largest array on the stack has {stack} bytes. What it gives where NaN comes up is not said.

   {name}.c takes gcc or clang, and -lm where it is linked. It is laid out for {target}, vectors of
   {bytes} bytes, and runs elsewhere too.

     cc {flags[0]} \\
        {flags[1]} -c {name}.c
*/
#ifndef {name}_h
#define {name}_h
#ifdef __cplusplus
extern "C" {{
#endif

enum {{  /* {counted} */
    {name}_x_size = {x_size},
    {name}_y_size = {y_size},
    {name}_arena_size = {arena_size},
    {name}_weights_size = {weights_size}
}};
void {name}_run(const {c_x} *x, {c_y} *y, float *arena, const {c_w} *weights);
{array}
#ifdef __cplusplus
}}
#endif
#endif
'''
IN_FILE = 'what {name}.bin holds: {name}_weights_size numbers of {w_kind}, little-endian'
IN_ARRAY = '{name}_weights, which {name}_weights.c holds, or\n              ' + IN_FILE

def c_name(text:str) -> str:
    "`text` if C can name functions and files after it; else ValueError."
    if re.fullmatch('[A-Za-z][A-Za-z0-9_]{0,59}', text): return text
    raise ValueError(
        f'{text!r} is no name in C: letters, digits and _, a letter first; give another with --name')

def header(name:str, p, source:str, flags:tuple, embed:bool, grids:tuple=()) -> str:
    """The header of the plan `p`, which was made of `source`; `flags`: two lines of what a compiler is told;
    `embed`: its weights are an array too; `grids`: what the codes of input and output stand for, in words."""
    x, y = p.layout.shapes[0], p.layout.shapes[p.layout.last]
    said, how = [f', {g}' for g in grids] or ['', ''], types_of(name, p)
    weights = (IN_ARRAY if embed else IN_FILE).format(name=name, w_kind=how['w_kind'])
    array = f'extern const {how["c_w"]} {name}_weights[{name}_weights_size];\n' if embed else ''
    return HEADER.format(
        name=name, source=source.replace('*/', '* /'), x=f'{x}{said[0]}', y=f'{y}{said[1]}',
        weights=weights, array=array,
        stack=4*max(map(stack_of, p.layout.steps), default=0),
        target=p.target.name, bytes=p.target.vector_bytes, flags=flags, x_size=int(np.prod(x)),
        y_size=int(np.prod(y)), arena_size=max(p.c.arena, 1), weights_size=max(p.weights.size, 1), **how)

def types_of(name:str, p) -> dict:
    "What a header says of the types of a plan's arrays."
    kinds = [p.layout.kind(v) for v in (0, p.layout.last)]
    (c_x, c_y), codes = (C_TYPES[k] for k in kinds), bool(p.layout.kinds)
    sizes = [f'{v}[{name}_{v}_size]' for v in ('x', 'y', 'arena')]
    if not codes: arrays = [f'static float {", ".join(sizes)};']
    else: arrays = [f'static {c} {size};' for c, size in zip((c_x, c_y, 'float'), sizes)]
    return dict(c_x=c_x, c_y=c_y, c_w='int' if codes else 'float', w_kind='int32' if codes else 'float32',
                kinds=kinds[0] if kinds[0] == kinds[1] else f'{kinds[1]} from {kinds[0]}',
                counted='numbers of each array' if codes else 'numbers of float32',
                arrays='\n'.join(f'     {line}' for line in arrays))

def stack_of(s) -> int:
    "What a step keeps on the stack, in numbers of 4 bytes: rows to be pooled, sums of codes, powers."
    if s.pool: return s.pool[0]*s.shape[2]*s.pool[1]*s.shape[3] + s.pool[0]*s.pool[1]*s.shape[3]
    if s.op == 'softmax' and 'grid' in s.options: return 2*s.shape[-1]
    return CHUNK if s.op in ('avg_pool2d', 'mean') else 0

def at_least_one(w:np.ndarray) -> np.ndarray:
    "`w`, or one number that nobody reads: C knows no array of none."
    return w if w.size else np.zeros(1, w.dtype)
def weights_of(p) -> np.ndarray:
    "The weights of a plan: float32; of one with codes the bits of all, as int32."
    return p.weights.view(np.int32) if p.layout.kinds else p.weights
def weights_bytes(w:np.ndarray) -> bytes:
    return at_least_one(w).astype(w.dtype.newbyteorder('<')).tobytes()

def weights_array(name:str, w:np.ndarray) -> str:
    "The weights as C; ValueError for NaN and infinity, for which C has no digits."
    if not np.isfinite(w).all(): raise ValueError('weights that are NaN or infinite cannot be written as C')
    # of float32 as few digits as say which number it is; C has no literal for the least int
    said = [f'{v}f' if w.dtype == np.float32 else f'{v}' if v > -2**31 else '-2147483647 - 1'
            for v in at_least_one(w)]
    lines = (', '.join(said[i:i + 8]) for i in range(0, len(said), 8))
    kind = 'float' if w.dtype == np.float32 else 'int'
    head = f'{MARK}. */\n#include "{name}.h"\nconst {kind} {name}_weights[{name}_weights_size] = {{\n'
    return head + ',\n'.join(lines) + '\n};\n'
