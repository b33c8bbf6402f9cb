"bench.effects: contrasts equal least squares and statsmodels, tests keep their promises on known truth."
from itertools import product
import math
import numpy as np
import pytest
from benchkit import made
from hypothesis import given, strategies as st
from scipy.special import bdtr, bdtrc
from tinybench.bench.effects import (Asked, as_cube, asked_difference, asked_ratio, beyond, block_medians, cell_name, column_effects,
                                     chance, contrasts, counted, effects, flip_test, judged, mean_difference, paired, place, samples,
                                     subsets, usable)
from tinybench.bench.suite import Column, SuiteResult
from tinybench.measure.accuracy import Difference, Score, accuracy_difference, mcnemar
from tinybench.measure.pairs import Ratio, t_ratio
from tinybench.measure.result import BenchmarkResult

NAMES = tuple('abcd')

def cube(k=3, n=12, seed=0): return np.random.default_rng(seed).normal(size=(2,)*k + (n,))

@pytest.fixture
def statsmodels():
    return pytest.importorskip('statsmodels.formula.api', reason='needs statsmodels')

def test_cells_are_all_combinations_the_smaller_first():
    assert subsets('ab') == [(), ('a',), ('b',), ('a', 'b')] and len(set(subsets(NAMES))) == 16
    assert [cell_name(c) for c in subsets('ab')] == ['base', 'a', 'b', 'a + b'] and place('b', 'ab') == (0, 1)
    y = as_cube({c: [len(c), 'b' in c] for c in subsets('ab')}, ('a', 'b'))
    assert y.shape == (2, 2, 2) and y[1, 0].tolist() == [1, 0] and y[0, 1].tolist() == [1, 1]

@pytest.mark.parametrize('k', [1, 2, 3, 4])
def test_effects_are_coefficients_of_statsmodels(statsmodels, k):
    "On the same numbers: all rounds at once, and each round by itself; an effect of m steps is 2**m coefficients."
    import pandas as pd
    names, y = NAMES[:k], cube(k, 5, k)
    rows = [dict(zip(names, 2*np.array(at) - 1), y=v, round=i) for at in product((0, 1), repeat=k) for i, v in enumerate(y[at])]
    frame, found = pd.DataFrame(rows), effects(y, names)
    fit = statsmodels.ols('y ~ ' + '*'.join(names), frame).fit()
    for cell, v in found.items():
        assert v.mean() == pytest.approx(fit.params[':'.join(cell)]*2**len(cell), abs=1e-12)
    for i in range(3):
        one = statsmodels.ols('y ~ ' + '*'.join(names), frame[frame['round'] == i]).fit().params
        for cell, v in found.items(): assert v[i] == pytest.approx(one[':'.join(cell)]*2**len(cell), abs=1e-12)

@given(st.integers(1, 5), st.integers(0, 99))
def test_effects_build_the_cells_again(k, seed):
    "Half of a difference up or down from the mean of it, one axis after the other, is the way back."
    y = cube(k, 3, seed)
    back = contrasts(y, k)
    for axis in range(k):
        mean, step = np.moveaxis(back, axis, 0)
        back = np.stack([mean - step/2, mean + step/2], axis)
    np.testing.assert_allclose(back, y, atol=1e-12)

@given(st.integers(2, 5), st.integers(0, 99))
def test_beyond_is_made_of_interactions_alone(k, seed):
    "Add main effects to the cells and nothing changes; with two steps it is their interaction."
    y, gains = cube(k, 4, seed), np.random.default_rng(seed).normal(size=k)
    more = y + np.array([gains @ at for at in product((0, 1), repeat=k)]).reshape((2,)*k + (1,))
    np.testing.assert_allclose(beyond(more, k), beyond(y, k), atol=1e-12)
    if k == 2: np.testing.assert_allclose(beyond(y, 2), effects(y, NAMES[:2])['a', 'b'], atol=1e-12)

def test_two_steps_of_30_percent():
    "51 % together if they do not interact; an interaction says how far from that they are."
    def logs(both): return as_cube({(): [0.], ('a',): [math.log(.7)], ('b',): [math.log(.7)], ('a', 'b'): [math.log(both)]}, ('a', 'b'))
    for both, want in ((.49, 1), (.6, .6/.49), (.7, .7/.49)):
        assert math.exp(effects(logs(both), ('a', 'b'))['a', 'b'][0]) == pytest.approx(want)

@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10))
def test_flip_test_counts_all_signs(c):
    sums = [abs(np.dot(c, s)) for s in product((-1, 1), repeat=len(c))]
    assert flip_test(c) == pytest.approx(np.mean([s >= abs(sum(c)) for s in sums]))

@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_flip_test_of_two_models_is_mcnemar(pairs):
    a, b = np.array(pairs).T
    assert flip_test(a.astype(int) - b) == pytest.approx(mcnemar(a, b))

def busy(rng, shape):
    "Noise of a machine on which one call in ten is disturbed."
    return rng.normal(0, .01, shape) + (rng.random(shape) < .1)*rng.exponential(1, shape)

def rate_is_at_most(alarms, n, p): return bdtrc(alarms - 1, n, p) > 1e-4

def test_flip_test_keeps_its_promise():
    "Equal networks, 4 steps: an example that any of them gets wrong flips by chance. 1e-4 by the binomial."
    rng, alarms, n = np.random.default_rng(0), 0, 600
    for _ in range(n):
        hits = ((rng.random(80) < .8) ^ (rng.random((2, 2, 2, 80)) < .1)).astype(float)
        d = effects(hits, NAMES[:3])['a', 'b']
        alarms += flip_test(np.rint(d*2)) <= .05
    assert rate_is_at_most(alarms, n, .05), alarms

@pytest.mark.parametrize('n, better, worse', [(60, 0, 0), (60, .1, .02), (359, .01, .01), (359, .06, .02), (1000, .003, 0)])
def test_the_interval_of_a_mean_of_examples_holds_the_truth(n, better, worse):
    "At least 93 % of 800 at 95 %: 1e-4 by the binomial is 92.1 %."
    rng, truth, held = np.random.default_rng(1), better - worse, 0
    for _ in range(800):
        d = rng.choice([1, -1, 0], n, p=[better, worse, 1 - better - worse])
        q = mean_difference(d)
        held += q.lo <= truth <= q.hi
    assert held >= .921*800

def test_no_change_among_few_examples_is_no_proof():
    few, many = (mean_difference(np.zeros(n)) for n in (20, 2000))
    assert few.hi > .1 and many.hi < .002 and few.lo == -few.hi
    for n in (50, 359): assert mean_difference(np.zeros(n)).hi == pytest.approx(accuracy_difference([True]*n, [True]*n).hi, rel=.7)

def test_an_answer_is_students():
    from scipy.stats import ttest_1samp
    d = np.random.default_rng(1).normal(.02, .05, 10)
    a, t = asked_ratio(d), ttest_1samp(d, 0)
    assert a.p == pytest.approx(t.pvalue) and np.log([a.value.lo, a.value.hi]) == pytest.approx(list(t.confidence_interval()))
    assert a.fit == a.value.estimate == pytest.approx(np.exp(d.mean())) and a.value.of == 'blocks'
    assert asked_ratio(np.zeros(9)).p == 1 and asked_ratio(np.ones(9)).p == 2*.5**9

def wandering(rng, n, rho=.8):
    d = rng.normal(size=n)
    for i in range(1, n): d[i] = rho*d[i - 1] + math.sqrt(1 - rho*rho)*d[i]
    return d

def test_blocks_of_rounds_lean_on_each_other_much_less_than_rounds():
    "Four cells that wander by themselves, autocorrelation .8: alarms of t in half of the runs become less than 12 %, not yet 5."
    rng, plain, blocks = np.random.default_rng(2), 0, 0
    for _ in range(200):
        y = np.array([wandering(rng, 150) for _ in range(4)]).reshape(2, 2, 150)
        for of in (y, block_medians(y)):
            alarm = t_ratio(effects(of, NAMES[:2])['a',])[1] <= .05
            plain, blocks = plain + (alarm and of is y), blocks + (alarm and of is not y)
    assert plain > .35*200 and blocks < .12*200, (plain, blocks)

def test_what_all_steps_do_beyond_is_0_in_lopsided_noise():
    "No interaction: alarms in 5 % of 300 (1e-4 by the binomial); from medians of rounds, not of cells, it is a quarter."
    rng, rounds, cells = np.random.default_rng(4), 0, 0
    for _ in range(300):
        y = busy(rng, (2, 2, 2, 2, 150))
        cells += t_ratio(beyond(block_medians(y), 4))[1] <= .05
        rounds += t_ratio([np.median(part) for part in np.split(beyond(y, 4), 10)])[1] <= .05
    assert rate_is_at_most(cells, 300, .05) and rounds > .15*300, (rounds, cells)

def test_verdicts():
    ratio = lambda mid, lo, hi, p=1e-9, rate=False: Asked(Ratio(mid, lo, hi, 60), p, mid, rate)
    gap = lambda mid, lo, hi, p=1e-9: Asked(Difference(mid, lo, hi, 359), p, mid)
    said = judged(dict(a=ratio(.7, .6, .8), b=ratio(1.3, 1.2, 1.4), c=ratio(1, .99, 1.01, 1.), d=ratio(1, .95, 1.05, 1.),
                       e=ratio(.7, .6, .8, rate=True), f=gap(.1, .05, .2), g=gap(-.1, -.2, -.05), h=gap(0, -.01, .01, 1.), i=gap(0, -.1, .1, 1.)))
    assert [s.verdict for s in said.values()] == ['faster', 'slower', 'same', 'undecided', 'slower', 'better', 'worse', 'same', 'undecided']
    assert said['d'].more and said['a'].p == pytest.approx(9e-9)

def test_verdicts_are_adjusted_for_how_many_were_asked():
    one = Asked(Ratio(.9, .85, .95, 60), .01, .9)
    assert judged(dict(a=one))['a'].verdict == 'faster'
    crowd = judged({i: one for i in range(6)})
    assert {s.verdict for s in crowd.values()} == {'undecided'} and crowd[0].p == pytest.approx(.06)

@pytest.mark.parametrize('runs, n', [(100, 30), (100, 150), pytest.param(1500, 150, marks=pytest.mark.slow)])
def test_steps_that_do_nothing_have_no_effect(runs, n):
    "In at most 5 % of runs anything at all among 15 effects is called different; 1e-4 by the binomial."
    rng, alarms = np.random.default_rng(5), 0
    for _ in range(runs):
        logs = busy(rng, (2, 2, 2, 2, n)) + rng.normal(0, .3, n)                 # and a round disturbs all cells
        said = judged({cell: asked_ratio(v) for cell, v in effects(block_medians(logs), NAMES).items()})
        alarms += any(s.verdict in ('faster', 'slower') for s in said.values())
    assert rate_is_at_most(alarms, runs, .05), alarms

def test_rounds_in_a_row_become_blocks():
    y = np.array([np.arange(150.), np.arange(150.) + 2])
    assert block_medians(y).shape == (2, 10) and (np.diff(block_medians(y), axis=0) == 2).all() and np.ptp(block_medians(y)[0]) == 0
    y[0, 15:23] += 9                                                           # 8 of 15 rounds
    assert np.diff(block_medians(y), axis=0).tolist() == [[2, -7, *[2]*8]]
    assert [block_medians(np.ones((2, n)), b).shape[-1] for n, b in ((4, 10), (10, 10), (13, 10), (60, 12))] == [4, 10, 10, 12]

@given(st.integers(0, 50))
def test_what_all_cells_share_is_in_no_block(seed):
    y, mood = cube(2, 40, seed), np.random.default_rng(seed).normal(size=40)*9
    np.testing.assert_allclose(block_medians(y + mood), block_medians(y), atol=1e-12)

def test_blocks_tell_more_on_a_busy_machine():
    "Sixteen cells and a pace that wanders: intervals a tenth as wide or less, and they hold the truth (1e-4 by the binomial is 88 %)."
    rng, wide, held = np.random.default_rng(3), [], []
    for _ in range(40):
        y = busy(rng, (2, 2, 2, 2, 150)) + np.cumsum(rng.normal(0, .1, 150))
        y[1] += math.log(.8)
        for cell in (('a',), ('a', 'b')):
            for of in (y, block_medians(y)):
                q = t_ratio(effects(of, NAMES)[cell])[0]
                wide.append(math.log(q.hi/q.lo))
                held.append(q.lo <= (.8 if cell == ('a',) else 1) <= q.hi)
    wide, held = np.reshape(wide, (-1, 2)), np.reshape(held, (-1, 2))
    assert np.median(wide[:, 1]/wide[:, 0]) < 1/10 and held[:, 1].mean() >= .84, (wide.mean(0), held.mean(0))

def test_blocks_keep_the_promise_of_t_if_cells_differ_and_calls_are_interrupted():
    "No interaction of two steps that each change 20 %: alarms in 5 % of 400, 1e-4 by the binomial."
    rng, alarms, levels = np.random.default_rng(7), 0, np.log([[1, .8], [.8, .64]])[..., None]
    for _ in range(400):
        y = levels + busy(rng, (2, 2, 150)) + np.cumsum(rng.normal(0, .05, 150))
        alarms += t_ratio(effects(block_medians(y), NAMES[:2])['a', 'b'])[1] <= .05
    assert rate_is_at_most(alarms, 400, .05), alarms

def test_counts_are_exact():
    assert [counted(math.log(v)).verdict for v in (.5, 1, 2)] == ['less', 'same', 'more']
    s = counted(math.log(.5))
    assert s.mid == pytest.approx(.5) and math.isnan(s.p) and math.isnan(s.lo)

def suite():
    names = [cell_name(c) for c in subsets('ab')]
    return made(dict(zip(names, (1e-3, 5e-4, 8e-4, 4e-4))), dict.fromkeys(names, .9), dict(zip(names, (4000, 2000, 4000, 2000))))

def test_the_columns_of_a_suite_have_effects():
    found = {c.metric: column_effects(c, xs, ('a', 'b')) for c, xs in usable(suite()).items()}
    assert [round(found['latency'][k].value.estimate, 2) for k in (('a',), ('b',), ('a', 'b'), ())] == [.5, .8, 1, 1]
    assert [round(found['weights'][k].mid, 6) for k in (('a',), ('b',), ('a', 'b'), ())] == [.5, 1, 1, 1]
    assert found['accuracy']['a',].value.estimate == 0 and found['accuracy'][()].p == 1

def test_runs_that_were_laid_anew_are_the_blocks():
    from dataclasses import replace
    rng, names = np.random.default_rng(6), [cell_name(c) for c in subsets('ab')]
    within = {k: np.log(v) + rng.normal(0, .001, (8, 5)) + rng.normal(0, .02, (8, 1)) for k, v in zip(names, (1., .5, .8, .4))}
    x = next(x for x in suite().results if x.metric == 'latency')
    how = dict(x.how, builds=8)
    xs = {k: replace(x, name=k, values=np.exp(np.median(v, 1)), how=dict(how, within=np.exp(v).tolist())) for k, v in within.items()}
    c = Column('latency', '', 's', 'measured')
    a = column_effects(c, xs, ('a', 'b'))['a',]
    y = as_cube({cell: within[cell_name(cell)].ravel() for cell in subsets('ab')}, ('a', 'b'))
    q, p = t_ratio(effects(block_medians(y, 8), ('a', 'b'))['a',])
    assert (a.value.estimate, a.value.lo, a.p) == pytest.approx((q.estimate, q.lo, p)) and (a.value.n, a.value.of) == (8, 'builds') and q.lo < .5 < q.hi
    assert a.fit == pytest.approx(np.exp(effects(y, ('a', 'b'))['a',].mean()))
    b = paired(c, xs['a'], xs['base'])
    q, p = t_ratio(np.median(within['a'] - within['base'], 1))
    assert (b.value.estimate, b.value.hi, b.p) == pytest.approx((q.estimate, q.hi, p)) and b.value.n == 8

def test_pairs_of_a_suite():
    r = suite()
    latency, weights, accuracy = (next((c, xs) for c, xs in usable(r).items() if c.metric == m) for m in ('latency', 'weights', 'accuracy'))
    pick = lambda column: paired(column[0], column[1]['a'], column[1]['base'])
    assert pick(latency).value.hi < .52 and pick(weights).verdict == 'less' and pick(accuracy).p == 1
    rate = [BenchmarkResult(x.name, 'throughput', 'examples/s', 1/np.array(x.values), 'measured', x.how, x.env) for x in latency[1].values()]
    q = paired(Column('throughput', '', 'examples/s', 'measured'), rate[1], rate[0])
    assert q.rate and q.value.lo > 1.9
    traced = [BenchmarkResult(k, 'allocated peak', 'B', v, 'measured') for k, v in (('a', 9e5), ('base', 9e5 + 100))]
    assert paired(Column('allocated peak', '', 'B', 'measured'), *traced).verdict == 'same'

def test_other_rounds_and_other_examples_are_refused():
    r, other = suite(), suite()
    c, xs = next((c, xs) for c, xs in usable(r).items() if c.metric == 'latency')
    mixed = xs | {'a': next(x for x in other.results if x.name == 'a' and x.metric == 'latency')}
    with pytest.raises(ValueError, match='not taken in the same rounds'): column_effects(c, mixed, ('a', 'b'))
    c, xs = next((c, xs) for c, xs in usable(r).items() if c.metric == 'accuracy')
    with pytest.raises(ValueError, match='pairs'): column_effects(c, xs | {'a': Score('a', [True]*3, 'toy')}, ('a', 'b'))

def test_a_count_of_nothing_has_no_ratio():
    r = SuiteResult(('x', 'y'), 'x', [BenchmarkResult(k, 'weights', 'B', v, 'modelled') for k, v in (('x', 0), ('y', 5))])
    assert usable(r) == {}

def test_many_examples_are_judged_by_the_normal_curve():
    "As good as all signs at 4,000, and no slower for more."
    r = np.random.default_rng(3)
    for n in (3000, 4000):
        for lean in (0, .02, .05):
            c = r.choice([-1, 1], n, p=[.5 - lean, .5 + lean])
            assert chance(c, most=0) == pytest.approx(flip_test(c), rel=.02, abs=1e-6)
    assert chance(np.ones(10)) == flip_test(np.ones(10)) and chance(np.zeros(5)) == 1
    assert chance(r.choice([-2, -1, 0, 1, 2], 10**6)) > 1e-6

def test_runs_of_other_lengths_keep_their_places():
    "With a budget in seconds one build has more rounds than another: no block has rounds of two of them."
    x = next(x for x in suite().results if x.metric == 'latency')
    run = x.how | dict(builds=3, within=[[1., 1., 9.], [2., 2.], [3., 3., 3., 9.]])
    assert np.exp(samples(BenchmarkResult('a', 'latency', 's', [1., 2., 3.], 'measured', run))).round(9).tolist() == [1, 1, 2, 2, 3, 3]

def test_the_suites_band_counts_for_measured_bytes():
    traced = [BenchmarkResult(k, 'allocated peak', 'B', v, 'measured') for k, v in (('a', 9.4e5), ('base', 9e5))]
    c = Column('allocated peak', '', 'B', 'measured')
    assert paired(c, *traced).verdict == 'more' and paired(c, *traced, band=.1).verdict == 'same'
