"What a C program needs beside a network's function: a header, and the weights as bytes or as an array"
import re
import numpy as np


MARK = '/* Written by tinybench compile'
HEADER = MARK + ''', from {source}.

   {name}_run computes y from x: float32, row by row, the batch first and channels last.
     x        {x}
     y        {y}
     arena    room for what lies between; its numbers mean nothing before and after
     weights  {weights}
   As in

     static float x[{name}_x_size], y[{name}_y_size], arena[{name}_arena_size];
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

enum {{  /* numbers of float32 */
    {name}_x_size = {x_size},
    {name}_y_size = {y_size},
    {name}_arena_size = {arena_size},
    {name}_weights_size = {weights_size}
}};
void {name}_run(const float *x, float *y, float *arena, const float *weights);
{array}
#ifdef __cplusplus
}}
#endif
#endif
'''
IN_FILE = 'what {name}.bin holds: {name}_weights_size numbers of float32, little-endian'
IN_ARRAY = '{name}_weights, which {name}_weights.c holds, or\n              ' + IN_FILE

def c_name(text:str) -> str:
    "`text` if C can name functions and files after it; else ValueError."
    if re.fullmatch('[A-Za-z][A-Za-z0-9_]{0,59}', text): return text
    raise ValueError(
        f'{text!r} is no name in C: letters, digits and _, a letter first; give another with --name')

def header(name:str, p, source:str, flags:tuple, embed:bool) -> str:
    """The header of the plan `p`, which was made of `source`; `flags`: two lines of what a compiler is told;
    `embed`: its weights are an array too."""
    x, y = p.layout.shapes[0], p.layout.shapes[p.layout.last]
    weights = (IN_ARRAY if embed else IN_FILE).format(name=name)
    array = f'extern const float {name}_weights[{name}_weights_size];\n' if embed else ''
    return HEADER.format(
        name=name, source=source.replace('*/', '* /'), x=x, y=y, weights=weights, array=array,
        stack=4*max(map(stack_of, p.layout.steps), default=0),
        target=p.target.name, bytes=p.target.vector_bytes, flags=flags, x_size=int(np.prod(x)),
        y_size=int(np.prod(y)), arena_size=max(p.arena.size, 1), weights_size=max(p.weights.size, 1))

def stack_of(s) -> int:
    "The numbers that a step keeps on the stack: rows that wait to be pooled."
    return s.pool[0]*s.shape[2]*s.pool[1]*s.shape[3] + s.pool[0]*s.pool[1]*s.shape[3] if s.pool else 0

def at_least_one(w:np.ndarray) -> np.ndarray:
    "`w`, or one number that nobody reads: C knows no array of none."
    return w if w.size else np.zeros(1, np.float32)
def weights_bytes(w:np.ndarray) -> bytes: return at_least_one(w).astype('<f4').tobytes()

def weights_array(name:str, w:np.ndarray) -> str:
    "The weights as C; ValueError for NaN and infinity, for which C has no digits."
    if not np.isfinite(w).all(): raise ValueError('weights that are NaN or infinite cannot be written as C')
    said = [f'{v}f' for v in at_least_one(w)]       # as few digits as say which number it is
    lines = (', '.join(said[i:i + 8]) for i in range(0, len(said), 8))
    head = f'{MARK}. */\n#include "{name}.h"\nconst float {name}_weights[{name}_weights_size] = {{\n'
    return head + ',\n'.join(lines) + '\n};\n'
