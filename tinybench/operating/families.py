"Many statements at once: rivals, columns, candidates and a frontier, and how often one of all is false"
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
import numpy as np
from scipy.special import ndtri
from tinybench.bench.benchmark import by_run
from tinybench.bench.pareto import pareto, recommend
from tinybench.bench.suite import SuiteResult
from tinybench.measure.accuracy import Score
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


# --- suites

def hits(rng, n, shares, alike=.6):
    "Which of `n` examples models of these true accuracies get right; a hard one is hard for all."
    z = np.sqrt(alike)*rng.normal(size=n) + np.sqrt(1 - alike)*rng.normal(size=(len(shares), n))
    return z < ndtri(np.array(shares))[:, None]

def suite(rng, slower, shares, examples=1000, rounds=30, data=('digits',), throughput=False) -> SuiteResult:
    "A suite on a machine in use; model i takes `slower[i]` more, and is right in `shares[i]`."
    names = [f'model {i}' for i in range(len(slower))]
    def timed(metric): return paired_results(dict(zip(names, in_turns(USED, rng, rounds, slower))), 1, metric)
    records = list(timed('latency').values())
    if throughput: records += [rate(r) for r in timed('throughput').values()]
    scores = [Score(k, h, d) for d in data for k, h in zip(names, hits(rng, examples, shares))]
    return SuiteResult(tuple(names), names[0], tuple(records), tuple(scores))

def rate(r):
    "A record of seconds for a batch of 32 as examples a second."
    return replace(r, unit='examples/s', values=32/np.array(r.values))

def some_column(rng):
    "Whether a suite of five equal models says in any column that one differs."
    r = suite(rng, (0.,)*5, (.9,)*5, data=('digits', 'mnist'), throughput=True)
    return any(a.verdict not in ('same', 'undecided') for beside in r.comparison.values() for a in beside.values())

def just_below(candidates, rng):
    "Whether one of the candidates, all just below an accuracy of .92, surely meets it."
    r = suite(rng, (.5,) + (0.,)*candidates, (.95,) + (.9199,)*candidates)
    return bool(set(recommend(r, min_accuracy=.92).names) - {'model 0'})

STEPS = 5
def chain(rng):
    "The frontier of models of which each is beaten by the one before, by 2% and half a point."
    r = suite(rng, [1.02**i - 1 for i in range(STEPS)], [.93 - .005*i for i in range(STEPS)], rounds=100)
    return {row.name: row.status for row in pareto(r).rows}

def chain_counts(of, rng, tries):
    "For each of the beaten models of each try, whether it has the status `of`."
    found = (chain(rng).items() for _ in range(tries))
    return np.array([status == of for statuses in found for k, status in statuses if k != 'model 0'])

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
    yield Case('Suites', '5 equal models, 4 columns: some statement is false', by_try(some_column),
               0, .06, 400, 5)
    yield Case('Suites', '20 candidates just below a bar: one is said to surely meet it',
               by_try(partial(just_below, 20)), 0, .06, 400, 5)
    yield Case('Suites', 'a chain of 5, each beaten by 2% and half a point: the beaten are decided',
               partial(chain_counts, 'off'), .8, 1, 100, 4)
    yield Case('Suites', 'the same: a beaten one is said to be on the frontier', partial(chain_counts, 'on'),
               0, .01, 100, 4)
