"Options of a layer or an optimizer, checked when it is made, and refused in a sentence"
from math import inf, nan
from numbers import Integral, Real

def whole(who:str, name:str, v, least:float=1) -> int:
    "`v` as an int; ValueError or TypeError that names `who` and the option unless it is from `least` up."
    if isinstance(v, Integral) and not isinstance(v, bool) and v >= least: return int(v)
    kind = ValueError if isinstance(v, Real) else TypeError
    from_ = '' if least == -inf else f' from {least} up'
    raise kind(f'{who} expected {name}, a whole number{from_}, got {v!r}')

def within(who:str, name:str, v, interval:str) -> float:
    """`v` as a float, if it is in `interval`, such as '[0, 1)'; else ValueError or TypeError that names
    `who` and option."""
    low, high = map(float, interval[1:-1].split(','))
    try: x = float(v) if isinstance(v, Real) and not isinstance(v, bool) else nan
    except OverflowError: x = nan         # a whole number beyond all floats
    above = x >= low if interval[0] == '[' else x > low
    if above and (x <= high if interval[-1] == ']' else x < high): return x
    if high < inf: says = f'in {interval}'
    else: says = f'from {low:g} up' if interval[0] == '[' else f'above {low:g}'
    raise (ValueError if isinstance(v, Real) else TypeError)(f'{who} expected {name} {says}, got {v!r}')

def yes_or_no(who:str, name:str, v) -> bool:
    "`v` as a bool; TypeError that names `who` and the option unless it is True or False."
    if type(v).__name__ in ('bool', 'bool_'): return bool(v)      # numpy's too
    raise TypeError(f'{who} expected {name}, True or False, got {v!r}')
