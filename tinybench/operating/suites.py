"Suites: what tables of models, conditions, a frontier and advice say where nothing is to be said"
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
import numpy as np
from scipy.special import ndtri
from tinybench.bench.pareto import pareto, recommend
from tinybench.bench.suite import SuiteResult
from tinybench.measure.accuracy import Score
from tinybench.measure.pairs import paired_results
from .families import USED
from .rows import Case, by_try
from .worlds import in_turns

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
    said = (a.verdict for beside in r.comparison.values() for a in beside.values())
    return any(word not in ('same', 'undecided') for word in said)

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
    part = 'Suites of models'
    yield Case(part, '5 equal models, 4 columns: some statement is false', by_try(some_column),
               0, .06, 400, 5)
    yield Case(part, '20 candidates just below a bar: one is said to surely meet it',
               by_try(partial(just_below, 20)), 0, .06, 400, 5)
    yield Case(part, 'a chain of 5, each beaten by 2% and half a point: the beaten are decided',
               partial(chain_counts, 'off'), .8, 1, 100, 4)
    yield Case(part, 'the same: a beaten one is said to be on the frontier', partial(chain_counts, 'on'),
               0, .01, 100, 4)
