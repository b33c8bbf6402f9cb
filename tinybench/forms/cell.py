"A cell of a form: a number with where it comes from, or why there is none and what it would need"
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
import numpy as np

from ..base.names import lookup
from ..base.text import Shown, Table, digits, worded
from ..measure.accuracy import wilson
from ..measure.result import freeze, plain
from ..measure.stats import fewest_values, median_interval
from .fields import BOUNDS, RULES, Field

LEVEL = .95
TIMES = dict(s=1, ms=1e-3)
MOST = 10_000       # values that a cell may keep
KEYS = 'field', 'title', 'unit', 'value', 'lo', 'hi', 'provenance', 'source', 'raw', 'parts'

@dataclass(frozen=True, repr=False)
class Cell(Shown):
    "A field's answer: `raw` is what was taken, `value` and its interval follow from it. Frozen."
    field: Field
    value: float|None           # in the field's unit; None: not known
    provenance: str             # 'measured', 'modelled' or 'literature'; '' where there is no number
    source: str                 # how, by what or from where; without a number why, and what it would need
    raw: tuple = ()
    lo: float|None = None
    hi: float|None = None
    parts: Mapping = field(default_factory=dict) # what else was taken, such as each core's load
    def __post_init__(self):
        for k in ('raw', 'parts'): object.__setattr__(self, k, freeze(plain(getattr(self, k), k)))
    def __reduce__(self): return Cell, (self.field, self.value, self.provenance, self.source, plain(self.raw),
                                        self.lo, self.hi, plain(self.parts))
    @property
    def known(self) -> bool: return self.value is not None
    def words(self) -> str: return cell_words(self)
    def to_dict(self) -> dict: return cell_dict(self)
    def table(self) -> Table:
        said = f'{self.field.title}: {self.words()}' + f', {self.provenance}'*self.known
        return Table((), words=(f'{said}; {self.source}',))

def summary(f:Field, raw) -> tuple:
    "(value, lo, hi) in the unit of `f`, as its rule makes them of `raw`; ends are None without an interval."
    if f.rule == 'share':
        right, n = raw
        return tuple(v/f.by for v in (right/n, *wilson(right, n, LEVEL)))
    if f.rule in ('times', 'median'):
        mid = float(np.median(raw))/f.by
        if f.rule == 'median' or len(raw) < fewest_values(LEVEL): return mid, None, None
        return mid, *(v/f.by for v in median_interval(raw, LEVEL))
    value, = raw
    return value/f.by, None, None

def filled(f:Field, raw, source:str, provenance:str='', **parts) -> Cell:
    "The cell of `f` for what was taken: numbers in the unit of the source, one for a count."
    raw = tuple(plain(np.atleast_1d(raw)))
    value, lo, hi = summary(f, raw)
    return Cell(f, value, provenance or f.origins[0], source, raw, lo, hi, parts)

def unknown(f:Field, why:str, needs:str) -> Cell:
    "The cell of `f` that nobody can fill here."
    return Cell(f, None, '', f'{why}; {needs}')

def rate_of(f:Field, latency:Cell) -> Cell:
    "Answers a second by the cell of the latency."
    if not latency.known: return unknown(f, 'no latency', 'it follows from that')
    turned = [None if v is None else 1000/v for v in (latency.value, latency.hi, latency.lo)]
    return Cell(f, turned[0], latency.provenance, 'one answer after the other: 1000/latency', (), *turned[1:])

def number(x:float, width:float=0.) -> str:
    "`x` in digits; whole numbers from 1000 on with commas."
    if float(x).is_integer() and abs(x) < 1e15: return f'{int(x):,}'
    return f'{x:,.0f}' if abs(x) >= 10_000 else digits(x, width)

def cell_words(c:Cell) -> str:
    "The value with unit and interval, or 'n/a'."
    if not c.known: return 'n/a'
    if c.field.rule == 'share': return worded(*(v*c.field.by for v in (c.value, c.lo, c.hi)), 'share')
    if c.field.unit in TIMES: return worded(*(math.nan if v is None else v*TIMES[c.field.unit] for v in (
        c.value, c.lo, c.hi)), 's')
    if c.lo is None: return f'{number(c.value)} {c.field.unit}'.strip()
    mid, lo, hi = (digits(v, c.hi - c.lo) for v in (c.value, c.lo, c.hi))
    return f'{mid} {c.field.unit}'.strip() + (f' [{lo}, {hi}]' if c.lo < c.hi else '')

def cell_dict(c:Cell) -> dict:
    "All of `c`, ready for JSON."
    f = c.field
    return plain(dict(field=f.name, title=f.title, unit=f.unit, value=c.value, lo=c.lo, hi=c.hi,
                      provenance=c.provenance, source=c.source, raw=list(c.raw), parts=dict(c.parts)))


# --- read back, from a file that a stranger may have written

def finite(x, where:str) -> float|int|None:
    "`x` if it is None or a finite number of at most 300 digits; ValueError if not."
    if x is None: return x
    if type(x) not in (int, float) or not math.isfinite(float(x)):    # OverflowError is told by the caller
        raise ValueError(f'{where} cannot be {str(x)[:40]!r}: it is a finite number')
    return x

def cell_from(d:Mapping, known:Mapping) -> Cell:
    "The cell that `cell_dict` gave, of one of the fields `known`; ValueError saying which entry is wrong."
    if not isinstance(d, dict) or not isinstance(d.get('field'), str): raise ValueError('a cell has no field')
    f = lookup('field', d['field'][:60], known)
    if {*d} != {*KEYS}: raise ValueError(f'{f.name}: a cell has {", ".join(KEYS)}, and nothing else')
    for k in ('provenance', 'source', 'title', 'unit'):
        if not isinstance(d[k], str) or len(d[k]) > 2000: raise ValueError(
            f'{f.name}: {k} is text of at most 2,000 letters')
    if not isinstance(d['raw'], list) or len(d['raw']) > MOST or not isinstance(d['parts'], dict):
        raise ValueError(f'{f.name}: raw is a list of at most {MOST:,} numbers, and parts are a table')
    try:
        raw = [finite(v, f'{f.name}: raw') for v in d['raw']]
        three = [finite(d[k], f'{f.name}: {k}') for k in ('value', 'lo', 'hi')]
        parts = plain(d['parts'], f'{f.name}: parts')
    except OverflowError: raise ValueError(f'{f.name}: a number with hundreds of digits') from None
    if None in raw: raise ValueError(f'{f.name}: raw holds null')
    return Cell(f, three[0], d['provenance'], d['source'], raw, *three[1:], parts)

def close(a:float|None, b:float|None) -> bool:
    "Whether two numbers are the same but for the last digits; None is the same as None only."
    if a is None or b is None: return a is b
    return math.isclose(a, b, rel_tol=1e-9)

def misfits(c:Cell, d:Mapping) -> list[str]:
    "What does not fit in a cell, alone: unit, provenance, value and interval against what was taken."
    f, said = c.field, []
    for k in ('title', 'unit'):
        if d[k] != getattr(f, k): said.append(f'the {k} is {getattr(f, k)!r}, not {d[k][:60]!r}')
    if not c.source.strip(): said.append('it has no source')
    if not c.known:
        if c.provenance or c.raw or c.lo is not None or c.hi is not None: said.append(
            'there is no number, and yet something of one')
        return said
    if c.provenance not in f.origins: said.append(
        f'its provenance is {" or ".join(f.origins)}, not {c.provenance[:40]!r}')
    return [*said, *raw_misfits(c)]

def raw_misfits(c:Cell) -> list[str]:
    "What does not fit between what a cell says and what was taken for it."
    f, raw = c.field, c.raw
    if f.rule in ('rate', 'quality'): return []                 # against other cells, and by running it again
    need = dict(share=2, times=1, median=1).get(f.rule, 1)
    if len(raw) < need: return [f'nothing was taken for it: raw has {len(raw)} numbers']
    if f.rule not in ('times', 'median') and len(raw) != need: return [f'raw has {len(raw)} numbers']
    if f.rule in ('count', 'bytes', 'share') and any(type(v) is not int or v < 0 for v in raw):
        return ['raw holds what is no count']
    if f.rule == 'share' and (raw[0] > raw[1] or not raw[1]):
        return [f'{raw[0]} of {raw[1]} is no share']
    if f.rule == 'times' and min(raw) <= 0: return [f'a value of {min(raw):g}, and they are above 0']
    least, most = BOUNDS.get(f.name, (-math.inf, math.inf))
    if odd := [v for v in raw if not least <= v/f.by <= most]: return [
        f'{odd[0]/f.by:g} {f.unit}, and it is from {number(least)} to {number(most)}']
    if f.name.startswith('load') and not all(
            type(v) in (int, float) and 0 <= v <= 1 for v in c.parts.values()):
        return ['parts are shares, from 0 to 1']
    bad = [k for k, want, have in zip(('value', 'lo', 'hi'), summary(f, raw), (c.value, c.lo, c.hi))
           if not close(want, have)]
    return [f'{", ".join(bad)} not what raw says by {RULES[f.rule]}'] if bad else []
