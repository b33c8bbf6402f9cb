"Numbers and tables in words: digits, units, and one table for every record"
import math, re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SCALES = {'s': ((1, 's'), (1e-3, 'ms'), (1e-6, 'µs'), (1e-9, 'ns')),
          'J': ((1, 'J'), (1e-3, 'mJ'), (1e-6, 'µJ'), (1e-9, 'nJ')),
          **{u: ((1e9, f'G{u}'), (1e6, f'M{u}'), (1e3, f'k{u}'), (1, u))
             for u in ('B', 'B/s', 'MAC', 'FLOP', 'FLOP/s')}}

def scale(x:float, unit:str) -> tuple[float, str]:
    "What to divide `x` by, and the unit it then has; a unit not in `SCALES` stays as it is."
    steps = SCALES.get(unit, ((1, unit),))
    return next((step for step in steps if abs(x) >= step[0]), steps[-1])

def digits(x:float, width:float=0.) -> str:
    "`x` written out to a third of `width` or so; to three significant digits if `width` is 0."
    if not width > 0: return f'{float(f"{x:.3g}"):g}'
    last = math.ceil(-math.log10(width/3))               # the decimal that is still worth writing
    first = -math.floor(math.log10(abs(x))) if x and math.isfinite(x) else 0
    if first < -8 or 4 < first <= last: return f'{x:.{min(max(last - first, 0), 15)}e}'
    return f'{x:.{min(max(last, 0), 15)}f}'

def decimals(
    values:Iterable[float],
    least:int,                  # decimals
    wholes:tuple=(0,),          # what no other number may look like
) -> int:
    "Decimals, from `least` to 12, at which no value is rounded to one of `wholes` that it is not."
    def is_hidden(x, n): return any(abs(x - w) > 1e-11 and float(f'{x:.{n}f}') == w for w in wholes)
    return next((n for n in range(least, 12) if not any(is_hidden(x, n) for x in values)), 12)

def percents(values:Sequence, least:int=1, bars:Sequence=()) -> list[str]:
    "Shares in percent, with equally many decimals; only what is 0, 100 or a bar is written as that."
    wholes = 0, 100, *(round(100*b, 9) for b in bars)
    n = decimals([100*v for v in values], least, wholes)
    return [f'{100*v:.{n}f}' for v in values]

def percent(
    x:float,
    least:int=1,                # decimals
    bars:Sequence=(),           # shares that `x` is held against
) -> str:
    "The share `x` in percent; 0%, 100% and each of `bars` are written only if it is that."
    return f'{percents([x], least, bars)[0]}%'

def worded(mid:float, lo:float=math.nan, hi:float=math.nan, unit:str='', bars:Sequence=()) -> str:
    "A value with its interval, as in `3.4 µs [3.2, 3.7]`, or without one; shares as `percents` writes them."
    if unit == 'share':
        if not lo < hi: return percent(mid, bars=bars)
        return '{}% [{}, {}]'.format(*percents([mid, lo, hi], bars=bars))
    rates = (1e6, f'M {unit}'), (1e3, f'k {unit}')
    by, unit = next((r for r in rates if mid >= r[0] and unit.endswith('/s')), None) or scale(mid, unit)
    if not lo < hi: return f'{digits(mid/by)} {unit}'.strip()
    width = min(hi - lo, 3*lo) if lo > 0 else hi - lo   # however wide, a positive `lo` is not written as 0
    mid, lo, hi = (digits(v/by, width/by) for v in (mid, lo, hi))
    return f'{mid} {unit}'.strip() + f' [{lo}, {hi}]'


def one_line(text:str) -> str:
    "`text` without line breaks and characters that a terminal would act on."
    return ''.join(c if c.isprintable() else ' ' for c in ' '.join(text.splitlines()))

def aligned(
    rows:Iterable[Sequence[str]],    # of as many cells each
    left:int|None=None,              # columns that begin on the left, the others end on the right; None: all
) -> str:
    "`rows` as plain text in columns, a line each."
    rows = [[one_line(cell) for cell in row] for row in rows]
    wide = [max(map(len, column)) for column in zip(*rows)]
    def padded(i, cell): return cell.ljust(wide[i]) if left is None or i < left else cell.rjust(wide[i])
    return '\n'.join('  '.join(padded(i, cell) for i, cell in enumerate(row)).rstrip() for row in rows)

def escaped(text:str) -> str:
    "`text` on one line, with nothing left in it that Markdown would act on."
    return re.sub(r'([\\`*_<>#|&~$\[\]])', r'\\\1', ' '.join(text.split()))

def markdown(
    rows:Iterable[Sequence[str]],    # the first is the head
    left:int|None=None,              # as in `aligned`
) -> str:
    "`rows` as a table in Markdown, every cell escaped."
    def line(cells): return '| ' + ' | '.join(cells) + ' |'
    head, *body = ([escaped(cell) for cell in row] for row in rows)
    rule = ''.join('|---' if left is None or i < left else '|--:' for i in range(len(head)))
    return '\n'.join([line(head), f'{rule}|', *map(line, body)])


@dataclass(frozen=True)
class Table:
    "Cells under a head, and the sentences below: as text, Markdown, HTML, CSV or a frame."
    head:tuple              # of strings; () for a record that is only sentences
    rows:tuple = ()         # of tuples of strings, as long as `head`
    words:tuple = ()        # sentences
    left:int|None = 1       # columns that begin on the left, the others end on the right; None: all

    def cells(self) -> list: return [self.head, *self.rows] if self.head else []
    def __repr__(self):
        return '\n'.join([*([aligned(self.cells(), self.left)] if self.head else []), *self.words])
    def _repr_markdown_(self):
        parts = [markdown(self.cells(), self.left)] if self.head else []
        return '\n\n'.join([*parts, *map(escaped, self.words)])
    def to_html(self) -> str: return table_html(self)
    def to_frame(self):
        "A pandas DataFrame of the cells as they are written; a record's own `to_frame` has the numbers."
        import pandas as pd
        return pd.DataFrame([dict(zip(self.head, row)) for row in self.rows], columns=list(self.head))
    def to_csv(self) -> str: return self.to_frame().to_csv(index=False)

def table_html(t:Table) -> str:
    "The table as HTML, every cell escaped, the sentences as paragraphs."
    from html import escape
    def row(cells, tag): return '<tr>' + ''.join(f'<{tag}>{escape(c)}</{tag}>' for c in cells) + '</tr>'
    body = ''.join(row(r, 'td') for r in t.rows)
    table = f'<table><thead>{row(t.head, "th")}</thead><tbody>{body}</tbody></table>' if t.head else ''
    return table + ''.join(f'<p>{escape(w)}</p>' for w in t.words)

class Shown:
    "A record that shows itself by its `table()`, in a terminal, a notebook and a page."
    def table(self) -> Table: raise NotImplementedError(f'{type(self).__name__} needs a table')
    def __repr__(self): return repr(self.table())
    def _repr_markdown_(self): return self.table()._repr_markdown_()
    def to_html(self) -> str: return self.table().to_html()
