"Runs that took no turns, several a side, and what a build server is told of them"
from collections.abc import Iterator
from functools import partial
import numpy as np
from tinybench.measure.pairs import leans
from tinybench.measure.result import BenchmarkResult
from tinybench.measure.runs import compare_runs, gate_of, sure_of_runs
from .rows import Case, by_try

LIMIT = .05

def runs(rng:np.random.Generator, spread:float, slower:float, n:int=3) -> list:
    "`n` runs of 30 samples of a job that is `slower`, 2% noise within and `spread` between them."
    secs = 1e-3*(1 + slower)*np.exp(.02*rng.normal(size=(n, 30)) + spread*rng.normal(size=(n, 1)))
    return [[BenchmarkResult('job', 'latency', 's', v, 'measured')] for v in secs]

def compared_runs(rng, spread, slower=0., n=3):
    return compare_runs(runs(rng, spread, 0., n), runs(rng, spread, slower, n), unpaired=True).rows[0]

def called_different(spread, rng): return leans(compared_runs(rng, spread).verdict) != 0

def gated(spread, slower, word, n, rng):
    "Whether the gate says `word` and is sure of it."
    row = compared_runs(rng, spread, slower, n)
    return sure_of_runs(row) and gate_of([row.ratio], LIMIT) == [word]

def cases() -> Iterator[Case]:
    part = 'Separate runs, three files a side'
    for spread in (0., .01, .02, .05):
        yield Case(part, f'equal, {100*spread:g}% between runs: called different',
                   by_try(partial(called_different, spread)), 0, .055, 4000, 40)
    for slower, word, said in ((0., 'fail', 'equal: surely too slow'),
                               (LIMIT, 'fail', 'slower by the limit: surely too slow'),
                               (.1, 'pass', 'slower by twice the limit: surely not')):
        yield Case(part, f'gate of 5%, 5% between runs, {said}', by_try(partial(gated, .05, slower, word, 3)),
                   0, .055, 4000, 40)
    yield Case(part, 'gate of 5%, 1% between runs, 10% slower: surely too slow is said',
               by_try(partial(gated, .01, .1, 'fail', 3)), .8, 1, 2000, 20)
    yield Case(part, 'gate of 5%, 5% between runs, one file a side: surely too slow',
               by_try(partial(gated, .05, 0., 'fail', 1)), 0, .055, 1000, 20)
