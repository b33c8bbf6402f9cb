"Coverage: how often the interval of one series, or of several runs joined, holds the truth"
from collections.abc import Iterator
from functools import partial
import numpy as np
from tinybench.measure.result import BenchmarkResult, merge
from .alarms import warned
from .rows import Case, by_try
from .worlds import MOODY, WORLDS, series, true_median

def record(secs) -> BenchmarkResult: return BenchmarkResult('job', 'latency', 's', secs, 'measured')


# --- one series

def holds(secs:np.ndarray, truth:float) -> bool:
    lo, hi = record(secs).interval()
    return bool(lo <= truth <= hi)

def median_held(world, n, truth, rng): return holds(series(world, rng, n), truth)

def told(world, n, truth, rng):
    "If the interval misses, whether a warning stands beside it."
    r = record(series(world, rng, n))
    lo, hi = r.interval()
    return None if lo <= truth <= hi else warned(r.concerns())

FAR = 'leaning .9', 'two speeds', 'all at once', MOODY.name    # remember for 20 values or so

def one_series() -> Iterator[Case]:
    """The interval of the median holds the median of all machines of that kind; if they remember for long,
    from 300 values on. Of 100 values some show one speed only, and nobody can warn."""
    for world in (*WORLDS, MOODY):
        steady = not world.ticks and 'drift' not in world.name
        for n in (30, 100, 300):
            truth, sure = true_median(world, n), world.name not in FAR or n >= 300
            least, most = .92 if sure else 0., .98 if steady and sure else 1.
            yield Case('Interval of the median of one series', f'{world.name}, n={n}',
                       by_try(partial(median_held, world, n, truth)), least, most,
                       2000, 30 if n == 100 and sure else 0)
    for world in (w for w in (*WORLDS, MOODY) if w.name in FAR):
        for n, least in ((100, .8 if world is MOODY else .9), (300, .95)):
            count = by_try(partial(told, world, n, true_median(world, n)))
            yield Case('Of the intervals of one series that miss, those with a warning',
                       f'{world.name}, n={n}', count, least, 1., 2000)


# --- several runs joined

def merged_held(runs, sd, rng):
    secs = np.exp(.01*rng.normal(size=(runs, 40)) + sd*rng.normal(size=(runs, 1)))
    lo, hi = merge(map(record, 1e-3*secs)).interval()
    return bool(lo <= 1e-3 <= hi)

def merged_runs() -> Iterator[Case]:
    "Runs of 40 that differ among each other, joined by `merge`: the interval knows of both spreads."
    for sd in (.01, .03):
        for runs in (3, 5, 10, 20):
            yield Case('Interval of the median of runs joined by merge',
                       f'{runs} runs of 40, {100*sd:g}% between runs and 1% within',
                       by_try(partial(merged_held, runs, sd)), .93, .97, 4000, 50 if runs == 5 else 0)

def cases() -> Iterator[Case]:
    yield from one_series()
    yield from merged_runs()
