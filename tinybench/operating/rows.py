"A promise, how often it was kept in so many tries, and what that proves"
import math
from collections.abc import Callable
from dataclasses import dataclass
import numpy as np
from scipy.special import bdtr, bdtrc, betaincinv, ndtr, ndtri
from tinybench.base.text import Shown, Table, percent

LEVEL = .99               # of the limits: a promise that is just kept is called broken once in 200 rows

@dataclass(frozen=True)
class Case:
    "Something to try: what is counted, on how many tries, and between which shares it has to be."
    part: str                 # the table that it stands in
    what: str
    count: Callable           # (rng, tries) -> for each try True or False, or a share of its own
    least: float = 0.
    most: float = 1.
    tries: int = 4000
    quick: int = 0            # tries in the short form; 0: left out there

def binomial_limits(hits:int, n:int, level:float=LEVEL) -> tuple[float,float]:
    "The shares for which `hits` of `n` would be no surprise: exact (Clopper & Pearson 1934)."
    miss = (1 - level)/2
    lo = float(betaincinv(hits, n - hits + 1, miss)) if hits else 0.
    return lo, float(betaincinv(hits + 1, n - hits, 1 - miss)) if hits < n else 1.

@dataclass(frozen=True, repr=False)
class Row(Shown):
    "What came of a `Case`. Frozen."
    part: str
    what: str
    least: float
    most: float
    found: float              # the share; NaN if there was nothing to count
    lo: float
    hi: float
    n: int                    # what was counted: tries, or those of them that the promise is about
    error: float = 0.         # standard error, if it is a mean of shares; 0: a count
    @property
    def verdict(self) -> str:
        if (self.least, self.most) == (0, 1): return 'no promise'
        if not self.n or self.least <= self.lo and self.hi <= self.most: return 'held'
        return 'broken' if self.hi < self.least or self.lo > self.most else 'undecided'
    @property
    def chance(self) -> float:
        "How often chance alone would be as far beyond the promise, if it is just kept; 1 inside of it."
        if not self.n or self.least <= self.found <= self.most: return 1.
        bar = self.most if self.found > self.most else self.least
        if self.error: return float(ndtr(-abs(self.found - bar)/self.error))
        hits = round(self.found*self.n)
        return float(bdtrc(hits - 1, self.n, bar) if self.found > bar else bdtr(hits, self.n, bar))
    def to_dict(self) -> dict: return dict(vars(self), verdict=self.verdict)
    def cells(self) -> tuple:
        nothing = 'nothing to count', '', '0', self.verdict
        limits = f'{percent(self.lo)} to {percent(self.hi)}'
        found = percent(self.found), limits, f'{self.n:,}', self.verdict
        return self.what, promised(self.least, self.most), *(found if self.n else nothing)
    def table(self) -> Table: return Table(HEAD, (self.cells(),))

HEAD = 'what', 'promise', 'found', f'{100*LEVEL:g}% limits', 'tries', 'verdict'

def promised(least:float, most:float) -> str:
    "A promise in words."
    if least > 0 and most < 1: return f'{100*least:g}% to {100*most:g}%'
    return f'at least {100*least:g}%' if least > 0 else f'at most {100*most:g}%' if most < 1 else 'none'

def tried(case:Case, rng:np.random.Generator, tries:int) -> Row:
    "The row of `case` after so many tries."
    found = np.asarray(case.count(rng, tries))
    n, told = len(found), (case.part, case.what, case.least, case.most)
    if not n: return Row(*told, math.nan, 0., 1., 0)
    share = float(found.mean())
    if found.dtype == bool: return Row(*told, share, *binomial_limits(int(found.sum()), n), n)
    # a few shares do not show how they spread: from 30 on, and never less than a count would be off by
    error = max(float(found.std(ddof=1))/math.sqrt(n), 1/n) if n >= 30 else 1.
    half = float(ndtri((1 + LEVEL)/2))*error
    return Row(*told, share, max(share - half, 0.), min(share + half, 1.), n, error)

def by_try(f:Callable) -> Callable:
    "A `count` that asks `f(rng)` in each try; None of it is left out."
    def count(rng, tries):
        said = [f(rng) for _ in range(tries)]
        return np.array([s for s in said if s is not None])
    return count
