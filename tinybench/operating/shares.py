"Intervals of accuracies and of areas under the ROC curve, and of differences between two of them"
import math
from collections.abc import Iterator
from functools import partial
import numpy as np
from scipy.special import ndtri
from tinybench.measure.accuracy import accuracy_difference, auc_difference, auc_interval, wilson
from .rows import Case, by_try

SIZES = (5, 5), (10, 10), (10, 50), (50, 50), (7, 90)        # yes, no
TRUTHS = .7, .9, .97, .99

def bells(rng, m, n, *truths, shared=0.):
    "Labels, and for each true AUC a detector's scores; of their noise they have `shared` in common."
    labels, common = np.repeat([1, 0], [m, n]), rng.normal(size=m + n)
    def scores(truth):
        own = rng.normal(size=m + n)
        return math.sqrt(shared)*common + math.sqrt(1 - shared)*own + math.sqrt(2)*ndtri(truth)*labels
    return labels, *map(scores, truths)

def auc_held(m, n, truth, rng):
    labels, scores = bells(rng, m, n, truth)
    a = auc_interval(scores, labels)
    return a.lo <= truth <= a.hi

def uneven_held(m, n, truth, rng):
    "The same if scores of the yeses spread twice as widely, which Newcombe's variance does not know."
    labels = np.repeat([1, 0], [m, n])
    scores = rng.normal(size=m + n)*(1 + labels) + math.sqrt(5)*ndtri(truth)*labels
    a = auc_interval(scores, labels)
    return a.lo <= truth <= a.hi

def gap_held(m, n, p, q, shared, rng):
    labels, a, b = bells(rng, m, n, p, q, shared=shared)
    d = auc_difference(a, b, labels)
    return d.lo <= p - q <= d.hi and d.lo < d.hi

def share_held(n, rng):
    "Whether Wilson's interval holds a share that is anywhere from a half to 1."
    share = rng.uniform(.5, 1)
    lo, hi = wilson(int(rng.binomial(n, share)), n)
    return lo <= share <= hi

def better_held(n, rng):
    "Whether the interval of a difference of accuracies holds it; 92% and 88%, mostly the same mistakes."
    kinds = .85, .07, .03, .05
    a, b = np.array([[True, True, False, False], [True, False, True, False]])[:, rng.choice(4, n, p=kinds)]
    d = accuracy_difference(a, b)
    return d.lo <= .04 <= d.hi

def cases() -> Iterator[Case]:
    for n in (20, 100, 1000):
        yield Case('Intervals of accuracies', f'a share from a half to 1, of {n}',
                   by_try(partial(share_held, n)), .93, .97, 8000, 100)
        # between 20 pairs a difference takes few values, and its interval is wider than it need be
        yield Case('Intervals of accuracies', f'a difference of 4 points, {n} pairs',
                   by_try(partial(better_held, n)), .93, 1. if n == 20 else .985, 4000, 50)
    for m, n in SIZES:
        for truth in TRUTHS:
            yield Case('Interval of an AUC', f'{m} yes and {n} no, {truth}',
                       by_try(partial(auc_held, m, n, truth)), .93, .99, 8000, 40)
    for truth in (.7, .9):
        yield Case('Interval of an AUC', f'10 yes that spread twice as widely as 50 no, {truth}',
                   by_try(partial(uneven_held, 10, 50, truth)), tries=8000)
    for m, n in SIZES[:4]:
        for truth in TRUTHS:
            for q, shared in ((truth, 0.), (truth, .9), (.8, .99)):
                also = f'equal, {shared:.0%} of the noise shared' if q == truth else 'against .8, 99% shared'
                yield Case('Difference of two AUCs', f'{m} yes and {n} no, {truth}, {also}',
                           by_try(partial(gap_held, m, n, truth, q, shared)), .93, 1, 4000,
                           25 if shared == .99 else 0)
