"False alarms: equal jobs that are called different, and jobs that differ by less than is said of them"
from collections.abc import Iterator
from functools import partial
import numpy as np
from tinybench.measure.pairs import Comparison, compare_results, leans, paired_results
from .rows import Case, by_try
from .worlds import WORLDS, World, in_turns, interrupted, series, together, wandering, white

WARNS = 'correlated', 'drifting', 'bimodal'     # concerns that say: do not believe this interval
QUIET = World('quiet', white(.03))

def compared(world:World, rng:np.random.Generator, rounds:int, slower=(0., 0.), **options) -> Comparison:
    "What `compare` says of jobs on this machine, the first the base; `options` of `compare_results`."
    secs = in_turns(world, rng, rounds, slower)
    return compare_results(paired_results({f'job {i}': s for i, s in enumerate(secs)}), **options)

def warned(concerns) -> bool: return any(c.startswith(WARNS) for c in concerns)

def is_alarm(row) -> bool: return bool(row.ratio.excludes_one or row.p <= .05)


# --- equal jobs in turns

def alarm(world, rounds, rng): return is_alarm(compared(world, rng, rounds).rows[0])

def false_alarms() -> Iterator[Case]:
    "Interval or p of two equal jobs says that they differ: at most 5%, and not next to never."
    for world in WORLDS:
        for n in (6, 10, 30, 100):
            least = .03 if n >= 30 and not world.ticks else 0.
            yield Case('False alarms of two equal jobs in turns', f'{world.name}, {n} rounds',
                       by_try(partial(alarm, world, n)), least, .055, 4000, 20 if n in (10, 30) else 0)

APART = World('each on its own', wandering(.1, .98))

def apart(rounds, told, rng):
    """Whether two equal jobs are called different whose moods are not the machine's, but each its own;
    if `told`, of those that are, whether a warning stands beside it."""
    secs = [series(APART, rng, rounds)*np.exp(.01*rng.normal(size=rounds)) for _ in range(2)]
    row = compare_results(paired_results(dict(a=secs[0], b=secs[1]))).rows[0]
    if not told: return is_alarm(row)
    return warned(row.concerns) if is_alarm(row) else None

def moods_apart() -> Iterator[Case]:
    "Jobs that wander each by itself: turns do not help, so a warning has to."
    for n in (30, 100, 300):
        yield Case('Two equal jobs that each wander by themselves (.98)', f'called different, {n} rounds',
                   by_try(partial(apart, n, False)), tries=1000)
        yield Case('Two equal jobs that each wander by themselves (.98)',
                   f'of those called different, with a warning, {n} rounds', by_try(partial(apart, n, True)),
                   .95 if n >= 100 else 0., 1., 1000, 20 if n == 100 else 0)


# --- what the verdict says of the band, and of the mean

def says(word, rounds, slower, rng): return compared(QUIET, rng, rounds, (0., slower)).rows[0].verdict == word

def bands() -> Iterator[Case]:
    "'slower' without more words is said of more than the band of 2%, 'same' of less."
    for n in (10, 30, 100, 300):
        quick = 20 if n == 30 else 0
        yield Case('Verdicts about a band of 2%', f'1% slower, {n} rounds: plainly slower',
                   by_try(partial(says, 'slower', n, .01)), 0, .055, 2000, quick)
        for word in ('slower', 'same'):
            yield Case('Verdicts about a band of 2%', f'2% slower, {n} rounds: {word}',
                       by_try(partial(says, word, n, .02)), 0, .055, 2000, quick)
    yield Case('Verdicts about a band of 2%', 'equal, 100 rounds: same',
               by_try(partial(says, 'same', 100, 0.)), .8, 1, 1000, 20)

def seen_in_means(share, rng):
    "Whether a verdict names the means, if `share` of the calls of one job take three times as long."
    rare = together(white(.03), interrupted(share, 3))
    secs = dict(a=series(QUIET, rng, 100), b=series(World('rare', rare), rng, 100))
    row = compare_results(paired_results(secs)).rows[0]
    return row.mean is not None or leans(row.verdict) != 0

def means() -> Iterator[Case]:
    "Medians that agree where the means do not: the verdict says so; and not where both agree."
    for share, least, most in ((.1, .8, 1.), (0., 0., .055)):
        what = f'{100*share:g}% of calls take 3 times as long: a difference is named'
        yield Case('Verdicts about a band of 2%', what,
                   by_try(partial(seen_in_means, share)), least, most, 1000, 20)

def cases() -> Iterator[Case]:
    for each in (false_alarms, moods_apart, bands, means): yield from each()
