"Many rivals at once, in one process and in several: how often one statement of all is false"
from collections.abc import Iterator
from functools import partial
import numpy as np
from tinybench.bench.benchmark import by_run
from tinybench.measure.pairs import compare_results, leans, paired_results
from .alarms import QUIET, compared
from .rows import Case, by_try
from .worlds import CALM, World, in_turns, interrupted, together, wandering, white

USED = World('in use', together(wandering(.05, .6), interrupted(.05, 3)))

def some_difference(world, rounds, rivals, rng):
    return any(leans(r.verdict) for r in compared(world, rng, rounds, (0.,)*(rivals + 1)).rows)

def some_same(rounds, rivals, rng):
    "Whether one of the rivals, which all are slower by the whole band, is called the same."
    return any(r.verdict == 'same' for r in compared(QUIET, rng, rounds, (0.,) + (.02,)*rivals).rows)

def in_processes(rng, processes=6, slower=(0., .05, 0.), rounds=30, bias=.02):
    "A comparison of fresh processes, each of which places every job's memory anew, worth `bias` of its time."
    def one(i):
        placed = np.exp(bias*rng.normal(size=(len(slower), 1)))
        secs = in_turns(World('calm', white(.02)), rng, rounds, slower)*placed
        return paired_results({f'job {k}': s for k, s in enumerate(secs)}, 1, seed=i)
    return compare_results(by_run([one(i) for i in range(processes)]))

def found_in_processes(rng): return leans(in_processes(rng)['job 1'].verdict) == 1

def alarm_in_processes(rng):
    return any(leans(r.verdict) for r in in_processes(rng, slower=(0., 0., 0.)).rows)


def cases() -> Iterator[Case]:
    family = 'Many rivals of one base'
    for world, n in ((CALM, 10), (CALM, 30), (USED, 30), (USED, 100)):
        yield Case(family, f'10 equal ones, {world.name}, {n} rounds: some called different',
                   by_try(partial(some_difference, world, n, 10)), 0, .055, 1000, 10 if n == 30 else 0)
    for n in (30, 100):
        yield Case(family, f'10 slower by the whole band, {n} rounds: some called the same',
                   by_try(partial(some_same, n, 10)), 0, .055, 1000, 10 if n == 30 else 0)
    yield Case(family, '2 rivals, 6 processes: one that is 5% slower is found', by_try(found_in_processes),
               .75, 1, 1000, 20)
    yield Case(family, '2 rivals, 6 processes, all equal: some called different', by_try(alarm_in_processes),
               0, .055, 1000, 20)
