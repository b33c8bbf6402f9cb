"False alarms and coverage: equal jobs that are called different, and intervals that miss the truth"
from collections.abc import Iterator
from functools import partial
import numpy as np
from tinybench.measure.pairs import Comparison, compare_results, paired_results
from tinybench.measure.result import BenchmarkResult, merge
from .rows import Case, by_try
from .worlds import MOODY, WORLDS, World, in_turns, series, true_median, wandering

WARNS = 'correlated', 'drifting', 'bimodal'     # concerns that say: do not believe this interval

def compared(world:World, rng:np.random.Generator, rounds:int, slower=(0., 0.), **options) -> Comparison:
    "What `compare` says of jobs on this machine, the first the base; `options` of `compare_results`."
    secs = in_turns(world, rng, rounds, slower)
    return compare_results(paired_results({f'job {i}': s for i, s in enumerate(secs)}), **options)

def record(secs) -> BenchmarkResult: return BenchmarkResult('job', 'latency', 's', secs, 'measured')

def warned(concerns) -> bool: return any(c.startswith(WARNS) for c in concerns)


# --- equal jobs in turns

def is_alarm(row) -> bool: return bool(row.ratio.excludes_one or row.p <= .05)

def alarm(world, rounds, rng): return is_alarm(compared(world, rng, rounds).rows[0])

def false_alarms() -> Iterator[Case]:
    "Interval or p of two equal jobs says that they differ: at most 5%, and not next to never."
    for world in WORLDS:
        for n in (6, 10, 30, 100):
            least = .03 if n >= 30 and not world.ticks else 0.
            yield Case('False alarms of two equal jobs in turns', f'{world.name}, {n} rounds',
                       by_try(partial(alarm, world, n)), least, .055, 4000, 20 if n in (10, 30) else 0)

APART = World('each on its own', wandering(.1, .98))

def apart(rounds, unseen, rng):
    """Whether two equal jobs are called different whose moods are not the machine's, but each its own;
    if `unseen`, and the ratio comes without a warning."""
    secs = [series(APART, rng, rounds)*np.exp(.01*rng.normal(size=rounds)) for _ in range(2)]
    row = compare_results(paired_results(dict(a=secs[0], b=secs[1]))).rows[0]
    return is_alarm(row) and not (unseen and warned(row.concerns))

def moods_apart() -> Iterator[Case]:
    "Jobs that wander each by itself: turns do not help, so a warning has to."
    for n in (30, 100, 300):
        yield Case('Two equal jobs that each wander by themselves (.98)', f'called different, {n} rounds',
                   by_try(partial(apart, n, False)), 0, .1, 2000, 20)
        yield Case('Two equal jobs that each wander by themselves (.98)',
                   f'called different without a warning, {n} rounds', by_try(partial(apart, n, True)),
                   0, .055, 2000, 20)


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

def one_series() -> Iterator[Case]:
    "The interval of the median holds the median of all machines of that kind; or a warning says so."
    for world in (*WORLDS, MOODY):
        for n in (30, 100, 300):
            truth = true_median(world, n)
            steady = not world.ticks and 'drift' not in world.name
            yield Case('Interval of the median of one series', f'{world.name}, n={n}',
                       by_try(partial(median_held, world, n, truth)), .92, .98 if steady else 1.,
                       2000, 30 if n == 100 else 0)
    for world in (w for w in (*WORLDS, MOODY) if w.name in ('two speeds', 'all at once', MOODY.name)):
        for n in (100, 300):
            yield Case('Of the intervals that miss, those with a warning', f'{world.name}, n={n}',
                       by_try(partial(told, world, n, true_median(world, n))), .95, 1., 2000, 0)


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
    for each in (false_alarms, moods_apart, one_series, merged_runs): yield from each()
