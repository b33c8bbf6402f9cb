"Lines of C: loops, places in an array, numbers"
import re
from math import isfinite


def names(n:int) -> list:
    "Names of `n` loops, one in the other."
    return [*'ijklmn', *(f'i{k}' for k in range(6, n))][:n]

def at(name:str, indices, strides) -> str:
    "`name[…]` at those indices."
    parts = [i if s == 1 else f'{i}*{s}' for i, s in zip(indices, strides) if s]
    return f'{name}[{" + ".join(parts) or 0}]'

def plus(base:str, *terms) -> str:
    "A pointer and what is added to it; terms that are 0 are left out."
    return ' + '.join([base, *(str(t) for t in terms if str(t) != '0')])

def times(index:int|str, stride:int) -> str:
    "`index*stride`, or less where that says the same."
    if isinstance(index, int): return str(index*stride)
    return '0' if stride == 0 else index if stride == 1 else f'{index}*{stride}'

def loops(names, sizes, body:list) -> list:
    "The lines of `body` in loops, one in the other."
    if not names: return ['{', *indent(body), '}'] if len(body) > 1 else body
    heads = [f'for (int {name} = 0; {name} < {n}; {name}++)' for name, n in zip(names, sizes)]
    if len(body) > 1: heads[-1] += ' {'
    lines = ['    '*i + h for i, h in enumerate(heads)] + indent(body, len(heads))
    return lines + ['    '*(len(heads) - 1) + '}'] if len(body) > 1 else lines

def wrapped(line:str, width:int=92) -> list:
    "A call or the head of a function in lines of at most `width` characters, broken behind commas."
    lines = ['']
    for part in re.split(r'(?<=, )', line):
        if lines[-1].strip() and len(lines[-1] + part) > width: lines.append('    ')
        lines[-1] += part
    return [text.rstrip() for text in lines]

def indent(lines:list, depth:int=1) -> list: return ['    '*depth + line for line in lines]

def number(v) -> str:
    "A float32 in C; ValueError for NaN and infinity, which the flags of the compiler rule out."
    if not isfinite(v) or abs(v) > 3.4028235e38: raise ValueError(f'no C is known for the number {v}')
    said = repr(float(v))
    return f'{said}f' if '.' in said or 'e' in said else f'{said}.f'

def function(name:str, comment:str, args:list, body:list) -> str:
    "A function that returns nothing."
    head = ['', f'/* {comment} */', *wrapped(f'static void {name}({", ".join(args)})')]
    return '\n'.join([*head, '{', *indent(body), '}', ''])
