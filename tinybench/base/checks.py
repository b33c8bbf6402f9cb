"Options of a layer or an optimizer, checked when it is made, and refused in a sentence"
from math import inf
from numbers import Integral, Real

def whole(who:str, name:str, v, least:int=1) -> int:
    "`v` as an int; ValueError or TypeError that names `who` and the option unless it is from `least` up."
    if isinstance(v, Integral) and not isinstance(v, bool) and v >= least: return int(v)
    kind = ValueError if isinstance(v, Real) else TypeError
    raise kind(f'{who} expected {name}, a whole number from {least} up, got {v!r}')

def within(who:str, name:str, v, interval:str):
    "`v`, if it is in `interval`, such as '[0, 1)'; else ValueError or TypeError that names `who` and option."
    low, high = map(float, interval[1:-1].split(','))
    if isinstance(v, Real) and not isinstance(v, bool):
        above = v >= low if interval[0] == '[' else v > low
        if above and (v <= high if interval[-1] == ']' else v < high): return v
    if high < inf: says = f'in {interval}'
    else: says = f'from {low:g} up' if interval[0] == '[' else f'above {low:g}'
    raise (ValueError if isinstance(v, Real) else TypeError)(f'{who} expected {name} {says}, got {v!r}')
