"""measure.compare: properties, simulated machines whose truth is known, and real networks on this machine.

Chances are settled in advance. A simulation has a fixed seed, so it passes always or never. A test on the
real machine states its binomial bound: how rarely it would fail although all is well."""
import json, math, subprocess, sys
from concurrent.futures import Future
from dataclasses import FrozenInstanceError, replace
from functools import partial
from itertools import chain
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats
from tinybench.base.text import escaped
from tinybench.core.tensor import no_grad
from tinybench.measure.clock import interleave, pinned, sample, warm_up
from tinybench.measure.compare import SelfTest, compare, even_loops, pairs_for, selftest
from tinybench.measure.pairs import (
    Comparison, Ratio, as_tested, check_paired, compare_results, holm, leans, more_pairs, paired_results,
    ratio, ratio_and_p, t_ratio, verdict, wilcoxon)
from tinybench.measure.runs import compare_runs, interval_p, separate_ratio
from tinybench.measure.signs import chance_alarm, sign_test, signed_rank
from tinybench.measure.result import BenchmarkResult
from tinybench.measure.stats import median_interval, median_ranks
from tinybench.models.zoo import mnist_mlp

def rng(seed=0): return np.random.default_rng(seed)
def pairs(**values): return paired_results(values)
def alone(name, values): return BenchmarkResult(name, 'latency', 's', values, 'measured', {}, {})
def as_ratio(d): return Ratio(*map(math.exp, (np.median(d), *median_interval(d))), len(d))
def normal_ratio(n, mean, sd, rng): return as_ratio(rng.normal(mean, sd, n))

secs = st.floats(1e-7, 1e3)
ps = st.lists(st.floats(0, 1), min_size=1, max_size=12)
runs = st.integers(6, 60).flatmap(lambda n: st.tuples(*[st.lists(secs, min_size=n, max_size=n)]*2))
ratios = st.tuples(st.floats(-.3, .3), st.floats(0, .3), st.floats(0, .3), st.integers(6, 5000)).map(
    lambda t: Ratio(*map(math.exp, (t[0], t[0] - t[1], t[0] + t[2])), t[3]))


# --- one pair

def pair(a, b, **how): return paired_results(dict(a=a, b=b), **how).values()

@given(st.lists(st.tuples(st.floats(1e-6, 1e3), st.floats(1e-6, 1e3)), min_size=6, max_size=40))
def test_ratio_is_that_of_the_pairs_and_inverts(ab):
    a, b = np.array(ab).T
    q, p = ratio(*pair(a, b)), ratio(*pair(b, a))
    np.testing.assert_allclose([q.lo, q.hi], np.exp(median_interval(np.log(a) - np.log(b))))
    np.testing.assert_allclose([q.estimate*p.estimate, q.lo*p.hi, q.hi*p.lo], 1)
    assert q.lo <= q.estimate <= q.hi and q.n == len(ab)


@pytest.mark.parametrize('of', ['builds', 'processes'])
def test_runs_that_laid_all_arrays_anew_are_judged_by_students_t(of):
    gen = rng(3)
    within = np.exp(gen.normal(0, .01, (2, 8, 5)) + gen.normal(0, .02, (2, 8, 1)) + gen.normal(0, .5, (8, 5)))  # moods of all
    a, b = (replace(r, how=dict(r.how, within=w.tolist(), **{of: 8})) for r, w in zip(pair(*np.median(within, 2)), within))
    d = np.median(np.log(within[0]/within[1]), 1)
    q, p = ratio_and_p(a, b)
    t = stats.ttest_1samp(d, 0)
    np.testing.assert_allclose([p, q.lo, q.hi], [t.pvalue, *np.exp(t.confidence_interval())])
    assert (q.n, q.of) == (8, of) and compare_results([b, a]).rows[0].ratio == q and f'n=8 {of}' in repr(compare_results([b, a]))
    one = np.median(within, 2)
    assert ratio_and_p(*pair(*one))[1] == sign_test(np.log(one[0]/one[1]))

def test_student_has_something_to_say_of_two_values_and_of_equal_ones():
    assert t_ratio([0., 0.])[1] == 1 and t_ratio([0., 0.])[0].lo == 1
    for n in (2, 5, 6, 9):                    # without a spread, no surer than so many coins that fall alike
        q, p = t_ratio([.1]*n)
        assert p == 2*.5**n and q.estimate == pytest.approx(math.exp(.1)) and q.excludes_one == (n > 5)
        assert n > 5 or q.lo < 1 < q.hi
    with pytest.raises(ValueError, match='1 builds: too few'): t_ratio([.1])

def test_six_processes_can_decide_beside_two_rivals():
    gen = rng(5)
    def runs(shift): return np.exp(shift + gen.normal(0, .005, (6, 9)))
    rs = [replace(r, how=dict(r.how, processes=6, within=w.tolist())) for w in map(runs, (0, .05, .1))
          for r in paired_results(dict(x=np.median(w, 1))).values()]
    rs = [replace(r, name=k, how=dict(r.how, run='r')) for r, k in zip(rs, 'abc')]
    assert [r.verdict for r in compare_results(rs).rows] == ['slower', 'slower']

def test_ratio_of_known_arrays():
    pace = rng().lognormal(0, 1, 30)
    q = ratio(*pair(.62*pace, pace))
    np.testing.assert_allclose([q.estimate, q.lo, q.hi], .62)
    assert q.excludes_one and repr(q) == '0.62 [0.62, 0.62], n=30 pairs, at 95%'
    assert repr(Ratio(.617, .602, .648, 30)) == '0.62 [0.60, 0.65], n=30 pairs, at 95%'
    assert not Ratio(1.01, .97, 1.03, 30).excludes_one
    with pytest.raises(ValueError, match='inside its interval'): Ratio(2., .9, 1.1, 30)


def test_what_is_no_pair():
    v = list(rng().uniform(1, 2, 10))
    a, b = pair(v, v, seed=1)
    assert ratio(a, b).estimate == 1
    other = replace(b, env={**b.env, 'cpu': 'another', 'blas_threads': 99})
    for bad, words in [(replace(b, values=v[:9]), 'n differs, 10 and 9'),
                       (other, 'different environments.*cpu, blas_threads'),
                       (replace(b, metric='energy'), 'metric'), (replace(b, unit='J'), 'unit'),
                       (replace(b, provenance='modelled'), 'provenance'), (replace(b, how={}), 'same rounds'),
                       (replace(b, how={**b.how, 'order': 'in a row'}), 'same rounds'),
                       (list(pair(v, v, seed=1))[1], 'same rounds')]:
        with pytest.raises(ValueError, match=words): ratio(a, bad)
    with pytest.raises(ValueError, match='too few'): ratio(*pair([1.]*5, [1.]*5))


def test_paired_results_keeps_how():
    a, b = paired_results(dict(a=[1.], b=[2.]), dict(a=3, b=4), seed=7).values()
    assert dict(a.how) == dict(order='interleaved', run=b.how['run'], inner=3, seed=7) and b.how['inner'] == 4
    assert (b.name, b.metric, b.unit, b.values, b.provenance) == ('b', 'latency', 's', (2.,), 'measured')


@given(runs)
def test_swapping_inverts(ab):
    a, b = pairs(a=ab[0], b=ab[1]).values()
    r, s = ratio(a, b), ratio(b, a)
    np.testing.assert_allclose([r.estimate*s.estimate, r.lo*s.hi, r.hi*s.lo], 1, rtol=1e-9)
    assert wilcoxon(a, b) == pytest.approx(wilcoxon(b, a), rel=1e-9)
    i = r.inverse()
    np.testing.assert_allclose([i.estimate, i.lo, i.hi], [s.estimate, s.lo, s.hi], rtol=1e-9)
    assert (i.n, i.level, i.of) == (r.n, r.level, r.of)


@given(runs, st.floats(.01, 100))
def test_a_pace_that_a_pair_shares_cancels(ab, by):
    pace, b = map(np.array, ab)
    a, b, c = pairs(a=by*pace, b=pace, c=by*pace*pace).values()
    r = ratio(a, b)
    np.testing.assert_allclose([r.estimate, r.lo, r.hi], by, rtol=1e-9)
    s, t = ratio(c, a), ratio(c, b)
    np.testing.assert_allclose([t.estimate, t.lo, t.hi], by*np.array([s.estimate, s.lo, s.hi]), rtol=1e-9)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=80, unique=True), st.randoms())
def test_signed_rank_is_scipys(d, random):
    d = np.array([v*random.choice([-1, 1]) for v in d])/1e6
    assert signed_rank(d) == stats.wilcoxon(d).pvalue == pytest.approx(signed_rank(-d), rel=1e-9)


with_ties = [[0.], [0., 0., 0.], [.1, .1, -.1], [.5, 0., 0., -.2, .5], [.1]*60, [.1, -.1, 0.]*20]

@pytest.mark.parametrize('d', with_ties)
def test_signed_rank_with_ties_and_zeros(d):
    assert signed_rank(d) == (stats.wilcoxon(d).pvalue if any(d) else 1)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=80))
def test_sign_test_is_binomial_and_agrees_with_the_interval(d):
    up, down = sum(v > 0 for v in d), sum(v < 0 for v in d)
    assert sign_test(d) == pytest.approx(stats.binomtest(up, up + down).pvalue if up + down else 1)
    if len(d) >= 6:
        lo, hi = median_interval(d)
        assert sign_test(d) <= .05 or lo <= 0 <= hi      # so with one rival p never overrules the interval


def test_wilcoxon_is_that_of_the_log_ratios():
    a, b = rng().lognormal(0, .1, (2, 40))
    assert wilcoxon(*pairs(a=a, b=b).values()) == pytest.approx(stats.wilcoxon(np.log(a/b)).pvalue, rel=1e-9)
    with pytest.raises(ValueError, match='same rounds'): wilcoxon(alone('a', a), alone('b', b))
    assert wilcoxon(*pairs(a=a, b=a).values()) == 1      # no difference at all, and no warning


@given(ratios)
def test_a_ratio_says_what_it_is(r):
    assert r.words() in repr(r) and r._repr_markdown_() == escaped(repr(r)) and f'n={r.n} pairs' in repr(r)
    assert Ratio(**json.loads(json.dumps(r.to_dict()))) == r
    assert r.excludes_one == (not r.lo <= 1 <= r.hi)


def test_a_ratio_shows_that_it_leaves_out_one():
    assert Ratio(1.0137, 1.0021, 1.0402, 30).words() == '1.014 [1.002, 1.040]'
    assert Ratio(1.0137, .9991, 1.0402, 30).words() == '1.01 [1.00, 1.04]'
    assert Ratio(1.03, 1.001, 1.06, 30).words() == '1.030 [1.001, 1.060]'
    assert Ratio(.97, .13, 8.2, 30).words() == '1.0 [0.13, 8]'


# --- Holm

@given(ps, st.randoms())
def test_holm_turns_with_its_questions(ps, random):
    order = list(range(len(ps)))
    random.shuffle(order)
    np.testing.assert_array_equal(holm(np.array(ps)[order]), holm(ps)[order])


@given(ps)
def test_holm_only_raises_and_keeps_the_order(ps):
    out = holm(ps)
    bonferroni = np.minimum(len(ps)*np.array(ps), 1)
    assert (out >= ps).all() and (out <= bonferroni + 1e-15).all()
    assert (np.diff(out[np.argsort(ps)]) >= 0).all()
    assert holm(ps[:1])[0] == ps[0]


@given(ps)
def test_holm_is_statsmodels(ps):
    multitest = pytest.importorskip('statsmodels.stats.multitest', reason='needs statsmodels')
    np.testing.assert_allclose(holm(ps), multitest.multipletests(ps, method='holm')[1], rtol=1e-12)


@pytest.mark.parametrize('bad', [[.1, math.nan], [-.1], [1.1], [[.1]], .5])
def test_holm_refuses_what_is_no_p(bad):
    with pytest.raises(ValueError, match='p-values'): holm(bad)


# --- verdicts

swapped = dict(faster='slower', slower='faster', same='same', undecided='undecided')

@given(ratios, st.sampled_from([0., .01, .02, .1]), st.none() | st.floats(0, 1))
def test_verdicts(r, band, p):
    said = verdict(r, band, p)
    assert verdict(r.inverse(), band, p) == swapped[said] or min(abs(math.log(v) - s*math.log1p(band))
        for v in (r.lo, r.hi) for s in (-1, 0, 1)) < 1e-12          # but for the last bit at an edge
    if said == 'same': assert 1/(1 + band) <= r.lo and r.hi <= 1 + band
    if said in ('faster', 'slower'):
        assert r.excludes_one and (p is None or p <= 1 - r.level) and (said == 'slower') == (r.lo > 1)
    if said == 'undecided' and r.excludes_one: assert p > 1 - r.level


def test_verdict_wants_the_level_of_the_ratio():
    r = Ratio(1.5, 1.4, 1.6, 30, level=.99)
    assert [verdict(r, p=p) for p in (.005, .03, None)] == ['slower', 'undecided', 'slower']
    assert verdict(Ratio(1., 1., 1., 30), band=0.) == 'same'


@given(ratios, st.sampled_from([0., .01, .02, .1]))
def test_more_pairs(r, band):
    more = more_pairs(r, band)
    assert (more == 0) == (verdict(r, band) != 'undecided')
    assert more is None or 0 <= more <= 100*r.n + 1
    if more: assert more >= 1.2*r.n                     # an undecided interval is wider than its gap


@pytest.mark.parametrize('truth', [0., .01, .02, .03, .05])
def test_more_pairs_do_decide(truth):
    "Noise of 5%, 30 pairs: of the undecided, four in five are decided by a fresh run of the advised size."
    gen = rng(1)
    more = [n for n in (more_pairs(normal_ratio(30, truth, .05, gen)) for _ in range(150)) if n]
    decided = [verdict(normal_ratio(30 + n, truth, .05, gen)) for n in more]
    assert np.mean([v != 'undecided' for v in decided]) >= .8
    assert 'faster' not in decided or truth == 0


@given(ratios, st.floats(0, 1))
def test_as_tested_agrees_with_its_p(r, p):
    t = as_tested(r, p)
    assert t.estimate == r.estimate and t.excludes_one == (r.excludes_one and p <= 1 - r.level)
    if not r.excludes_one or p <= 1 - r.level: assert t == r


# --- machines whose truth is known

class Machine:
    "A pretend computer. Its pace drifts by the second and wanders from call to call; calls vary and are hit."
    def __init__(self, rng, noise=.03, drift=0., wander=0., rho=.999, hit=0.):
        self.now,self.calls,self.rng,self.noise,self.drift = 0.,0,rng,noise,drift
        self.wander,self.rho,self.hit = wander,rho,hit
        self.mood = rng.normal(0, wander)
    def clock(self): return self.now
    def job(self, secs):
        def run():
            self.calls += 1
            self.mood = self.rho*self.mood + self.rng.normal(0, self.wander*math.sqrt(1 - self.rho**2))
            late = self.rng.exponential(1.5)*(self.rng.random() < self.hit)   # interrupted by another program
            pace = math.exp(self.mood + self.noise*self.rng.normal() + late)
            self.now += secs*pace*(1 + self.drift*self.now)
        return run

MACHINES = dict(iid=dict(), drifting=dict(drift=.01), wandering=dict(wander=.3), busy=dict(hit=.3, noise=.01))
machines = pytest.mark.parametrize('kind', MACHINES)

def verdicts(kind, truth, times, gen, repeats=30):
    "What `compare` says of jobs of `truth` seconds and 1 second, on a fresh machine each time."
    def one():
        m = Machine(gen, **MACHINES[kind])
        fs = dict(base=m.job(1.), rival=m.job(truth))
        return compare(fs, repeats=repeats, rng=gen, inner=1, clock=m.clock)['rival']
    return [one() for _ in range(times)]


@machines
def test_false_alarms_in_turns(kind):
    "Equal jobs: no more alarms than coins give, 4.3% at 30 pairs, but for one run in a thousand."
    rows = verdicts(kind, 1., 300, rng(2))
    alarms = sum(r.ratio.excludes_one for r in rows)
    assert alarms <= stats.binom.isf(1e-3, 300, chance_alarm(30))
    assert sum(r.verdict in ('faster', 'slower') for r in rows) <= alarms


@pytest.mark.parametrize('kind', ['drifting', 'wandering'])
def test_false_alarms_in_a_row(kind):
    "The same machines, one job after the other, and the same number of calls: wrong far more often than 5%."
    def alarm(seed):
        m = Machine(rng(seed), **MACHINES[kind])
        a, b = (sample(m.job(1.), inner=1, clock=m.clock) for _ in range(2))
        return stats.mannwhitneyu(a, b).pvalue < .05
    assert np.mean([alarm(seed) for seed in range(100)]) > .3


@machines
def test_five_percent_is_found(kind):
    "A job that takes 1.05 as long: found nine times in ten, never the wrong way round."
    rows = verdicts(kind, 1.05, 100, rng(3), repeats=60 if kind == 'busy' else 30)
    said = [leans(r.verdict) for r in rows]
    assert said.count(1) >= 90 and -1 not in said
    assert np.mean([r.ratio.lo <= 1.05 <= r.ratio.hi for r in rows]) >= .9


def test_a_ratio_that_wanders_itself():
    "Log-ratios with autocorrelation .6: the wider interval keeps false alarms near 5%, no test alone does."
    gen, n, rho = rng(4), 60, .6
    noise = gen.normal(size=(600, n))
    d = np.empty_like(noise)
    d[:, 0] = noise[:, 0]
    for i in range(1, n): d[:, i] = rho*d[:, i-1] + math.sqrt(1 - rho**2)*noise[:, i]
    said = [verdict(as_ratio(v/50), 0., sign_test(v)) for v in d]
    assert np.mean([v != 'undecided' for v in said]) <= .09
    for test in (sign_test, signed_rank): assert np.mean([test(v) <= .05 for v in d]) >= .12


def test_no_rival_is_singled_out_by_chance():
    "Seven equal rivals: a verdict of a difference in about 5% of races at most, with Holm; in many without."
    gen = rng(5)
    def race():
        values = dict(enumerate(np.exp(gen.normal(0, .03, (8, 30)))))
        rows = compare_results(paired_results({f'net {i}': v for i,v in values.items()})).rows
        return any(r.verdict in ('faster', 'slower') for r in rows), any(r.p <= .05 for r in rows)
    judged, naive = np.mean([race() for _ in range(120)], 0)
    assert judged <= .06 and naive >= .12


def test_undecided_by_holm_still_says_how_many_more():
    "An interval without 1, but a p that is too large among ten rivals."
    gen = rng(6)
    values = dict(base=np.ones(30), near=np.exp(gen.normal(.012, .03, 30)))
    values |= {f'net {i}': np.exp(gen.normal(0, .03, 30)) for i in range(9)}
    row = compare_results(paired_results(values), band=.001)['near']
    assert row.ratio.excludes_one and row.p <= .05 < row.p_holm
    assert row.verdict == 'undecided' and row.more > 0


# --- compare

def test_compare_uses_what_it_is_given():
    m, seen = Machine(rng(), noise=0.), []
    fs = dict(a=m.job(2.), b=m.job(1.), c=m.job(4.))
    c = compare(fs, base='b', repeats=8, rng=rng(7), inner=dict(a=1, b=2, c=3), clock=m.clock,
                progress=lambda *a: seen.append(a), metric='time', level=.9)
    assert seen == [(i+1, 8) for i in range(8)] and m.calls == 48
    assert [r.name for r in c.rows] == ['a', 'c'] and [r.name for r in c.results] == ['a', 'b', 'c']
    assert (c.base, c.metric, c.level, c.band, c.interleaved) == ('b', 'time', .9, .02, True)
    assert [r.how['inner'] for r in c.results] == [1, 2, 3] and {r.how['seed'] for r in c.results} == {7}
    np.testing.assert_allclose([c['a'].ratio.estimate, c['c'].ratio.estimate], [2, 4])
    assert {r.verdict for r in c.rows} == {'slower'} and {r.more for r in c.rows} == {0}
    assert compare([('b', m.job(1.)), ('a', m.job(2.))], rng=rng(), inner=1, clock=m.clock).base == 'b'


@pytest.mark.parametrize('truth', [1., 1.5])
def test_the_number_of_rounds_does_not_depend_on_what_they_bring(truth):
    "A budget of 100 s for rounds of 2 s or so, whatever the noise and the difference."
    for seed in range(5):
        m, seen = Machine(rng(seed), noise=.01), []
        fs = dict(a=m.job(2 - truth/(1 + truth)*2), b=m.job(truth/(1 + truth)*2))
        c = compare(fs, secs=100., rng=rng(seed), inner=1, clock=m.clock, progress=lambda *a: seen.append(a))
        assert 44 <= c.rows[0].ratio.n <= 46 and {n for _, n in seen} == {c.rows[0].ratio.n}
        assert 5 <= m.calls/2 - c.rows[0].ratio.n <= 6   # a tenth of it finds out how long a round takes


def test_nothing_runs_before_all_is_checked():
    m = Machine(rng())
    f, go = m.job(1.), partial(compare, inner=1, clock=m.clock)
    two = dict(a=f, b=f)
    for message, call in {
        'give each its own name': lambda: go([('a', f), ('a', f)], rng=rng()),
        'at least 2': lambda: go(dict(a=f), rng=rng()),
        "no 'c' among a, b": lambda: go(two, base='c', rng=rng()),
        'must be words': lambda: go({1: f, 2: f}, rng=rng()),
        'a band of': lambda: go(two, rng=rng(), band=-.1),
        'level': lambda: go(two, rng=rng(), level=1.),
        'too few at 95%: at least 6': lambda: go(two, rng=rng(), repeats=5),
        'no `inner` for b': lambda: go(two, rng=rng(), inner=dict(a=1)),
        'no `inner` for a': lambda: go(two, rng=rng(), secs=9., inner=dict(b=1)),
    }.items():
        with pytest.raises(ValueError, match=message): call()
    with pytest.raises(TypeError, match='default_rng'): go(two, rng=0)
    assert m.calls == 0
    with pytest.raises(ValueError, match='a budget of 0'): go(two, secs=0, rng=rng())
    assert m.calls == 0
    with pytest.raises(ValueError, match='time for no more'): go(two, secs=9., rng=rng())


def test_a_function_that_raises_is_not_a_result():
    def broken(): raise RuntimeError('out of memory')
    fs = dict(a=lambda: None, b=broken)
    with pytest.raises(RuntimeError, match='out of memory'): compare(fs, rng=rng())


def test_similar_functions_get_the_same_calls():
    m = Machine(rng(), noise=0.)
    fs = dict(a=m.job(1e-5), b=m.job(1.3e-5), c=m.job(1e-3))
    ticks = iter(range(10**9))
    def clock(): return m.now + 1e-9*next(ticks)
    loops = even_loops(fs, 1e-2, clock)
    assert loops['a'] == loops['b'] > 500 and loops['c'] <= 30


# --- identities

@given(st.permutations(range(4)), st.integers(0, 10**6))
def test_names_and_order_change_no_number(order, seed):
    values = rng(seed).lognormal(0, .05, (4, 20))
    first = paired_results({f'net {i}': v for i,v in enumerate(values)})
    other = [replace(first[f'net {i}'], name=f'accurate_efficient_{i}_fp32' if i else 'x') for i in order]
    def numbers(c): return {r.ratio.estimate: replace(r, name='') for r in c.rows}
    assert numbers(compare_results(first)) == numbers(compare_results(other, base='x'))


def test_a_name_is_exact():
    "One that contains another is still another; two of one name are refused."
    a, b = rng().lognormal(0, .01, (2, 30))
    c = compare_results(pairs(cnn=a, cnn_fp32=2*b))
    assert c.base == 'cnn' and c['cnn_fp32'].ratio.estimate == pytest.approx(2, rel=.02)
    with pytest.raises(KeyError, match="no line for 'fp32', only for cnn_fp32"): c['fp32']
    rs = pairs(a=a, b=b)
    for twice in (rs['a'], replace(rs['a'], metric='other')):
        with pytest.raises(ValueError, match='its own name'): compare_results([rs['a'], rs['b'], twice])
    with pytest.raises(ValueError, match='at least 2'): compare_results([rs['a']])
    with pytest.raises(TypeError, match='expected BenchmarkResult'): compare_results([1, 2])


def test_only_what_took_turns_has_a_ratio():
    a, b = rng().lognormal(0, .01, (2, 30))
    rs = pairs(a=a, b=b)
    with pytest.raises(ValueError, match='same rounds'): compare_results([rs['a'], pairs(b=b)['b']])
    for k, v in dict(n=dict(values=b[:-1]), provenance=dict(provenance='modelled')).items():
        b = replace(rs['b'], **v)
        with pytest.raises(ValueError, match=f'their {k} differs'): check_paired(rs['a'], b)


def test_more_of_a_rate_is_faster():
    a, b = rng().lognormal(0, .01, (2, 30))
    rate = [replace(r, metric='throughput', unit='examples/s') for r in pairs(a=a, b=1.5*b).values()]
    c = compare_results(rate)
    assert c['b'].verdict == 'faster' and c['b'].ratio.lo > 1 and 'above 1 is faster' in repr(c)
    assert compare_results(rate, base='b')['a'].verdict == 'slower'
    sizes = [replace(r, metric='weights', unit='B') for r in rate]
    with pytest.raises(ValueError, match='not for weights in B'): compare_results(sizes)


# --- the record

def found():
    values = {'base': rng(1).lognormal(0, .01, 30), 'a|b': rng(2).lognormal(.1, .01, 30),
              'near': rng(3).lognormal(.005, .05, 30)}
    return compare_results(paired_results(values))

def test_the_record_is_frozen_and_plain():
    c = found()
    with pytest.raises(FrozenInstanceError): c.base = 'near'
    d = json.loads(json.dumps(c.to_dict(), allow_nan=False))
    assert d['base'] == 'base' and [r['name'] for r in d['rows']] == ['a|b', 'near'] and d['schema'] == 1
    assert Comparison.from_dict(d) == c
    with pytest.raises(ValueError, match='schema 2'): Comparison.from_dict({**d, 'schema': 2})
    assert compare_results(map(BenchmarkResult.from_dict, d['results'])).rows == c.rows


def test_the_record_as_tables():
    c = found()
    text, mark, frame = repr(c), c._repr_markdown_(), c.to_frame()
    said = 'latency / latency of base: above 1 is slower, within 2% the same, n=30 pairs, at 95%'
    assert text.splitlines()[-1] == mark.splitlines()[-1] == said
    assert 'more pairs would probably decide' in text and 'slower' in text
    assert mark.splitlines()[0] == '| name | ratio | p (Holm) | p (Wilcoxon) | verdict |' and 'a\\|b' in mark
    assert list(frame.index) == ['a|b', 'near'] and list(frame.verdict) == ['slower', 'undecided']
    assert frame.loc['near', 'wilcoxon'] == wilcoxon(c.results[2], c.results[0])
    assert frame.loc['a|b', 'lo'] == c['a|b'].ratio.lo and frame.loc['near', 'more'] == c['near'].more
    assert 'slower' in repr(c['a|b']) and 'n=30 pairs' in repr(c['a|b'])


# --- separate runs

def test_separate_runs_are_refused_unless_asked_for():
    old, new = (alone('net', rng(i).lognormal(i*.2, .01, 30)) for i in range(2))
    with pytest.raises(ValueError, match='did not take turns'): compare_runs(old, new)
    c = compare_runs(old, new, unpaired=True)
    assert c['net'].verdict == 'slower' and 'slower (not interleaved)' in repr(c) and not c.interleaved
    assert c['net'].ratio.lo <= math.exp(.2) <= c['net'].ratio.hi and 'n=30 values a run' in repr(c)
    assert json.loads(json.dumps(c.to_dict()))['interleaved'] is False
    assert len(compare_runs([old], {'net': new}, unpaired=True).results) == 2


def test_separate_runs_must_hold_the_same():
    v = rng().lognormal(0, .01, 30)
    a, b = alone('a', v), alone('b', v)
    def refused(old, new, match, **kw):
        with pytest.raises(ValueError, match=match): compare_runs(old, new, unpaired=True, **kw)
    refused([a, b], [a], 'only one of them has b')
    refused([], [], 'none')
    refused(a, replace(a, metric='time'), 'their metric: latency, time')
    refused([replace(a, unit='J')], [replace(a, unit='J')], 'seconds and rates')
    idle = replace(a, metric='throughput', unit='examples/s', values=[5., 0., 5.]*10)
    refused([idle], [replace(idle, values=[5.]*30)], 'a has a throughput of 0 examples/s, and values must be above 0')
    other = replace(a, env=dict(numpy='3.0', cpu='another'))
    refused(a, other, 'other cpu, numpy in `env`')
    refused(a, other, 'other cpu in `env`', differ=['numpy'])
    assert compare_runs(a, other, unpaired=True, differ=['numpy', 'cpu'])['a'].verdict == 'same'


def test_sizes_are_compared_exactly_if_counted_and_to_a_kilobyte_if_measured():
    def size(n, provenance='modelled', metric='weights', unit='B'): return BenchmarkResult('a', metric, unit, n, provenance, {}, {})
    def one(old, new, **how): return compare_runs(size(old, **how), size(new, **how), unpaired=True)['a']
    assert [one(10**6, n).verdict for n in (10**6, 10**6 + 1, 10**6 - 1)] == ['same', 'more', 'less']
    assert (one(1000, 1500).ratio.estimate, one(1000, 1500).ratio.lo, one(1000, 1500).ratio.hi) == (1.5,)*3
    measured = dict(provenance='measured', metric='allocated peak')
    assert [one(10**6, n, **measured).verdict for n in (10**6, 10**6 + 5000, 10**6 + 10**5, 9*10**5)] == ['same', 'same', 'more', 'less']
    assert one(4000, 4500, **measured).verdict == 'undecided' and one(4000, 4500, **measured).ratio.lo < 1
    assert one(10**6, 2*10**6, metric='MACs', unit='MAC').verdict == 'more'
    said = compare_runs(size(1000), size(1500), unpaired=True)
    assert 'above 1 is more; counted, so exact' in repr(said) and 'not interleaved' not in repr(said)
    assert Comparison.from_dict(json.loads(json.dumps(said.to_dict()))) == said and said.to_frame().verdict.tolist() == ['more']
    with pytest.raises(ValueError, match='a weights of 0 B, and values must be above 0'): one(0, 1)

def test_a_seed_is_drawn_and_recorded_where_none_is_given():
    m = Machine(rng())
    two = dict(a=m.job(1.), b=m.job(1.))
    found = [compare(two, repeats=6, inner=1, clock=m.clock) for _ in range(2)]
    seeds = [c.results[0].how['seed'] for c in found]
    assert seeds[0] != seeds[1] and all(isinstance(s, int) and 0 <= s < 2**32 for s in seeds)
    again = compare(two, repeats=6, inner=1, clock=m.clock, rng=np.random.default_rng(seeds[0]))
    assert again.results[0].how['seed'] == seeds[0]
    assert selftest(comparisons=2, pairs=6, inner=1).seed is not None

async def wait(): return sum(range(10**6))
def steps(): yield from range(10)

@pytest.mark.parametrize('f,kind', [(wait, 'coroutine'), (lambda: wait(), 'coroutine'), (steps, 'generator'), (lambda: map(abs, [1]), 'map'),
                                    (lambda: (x for x in 'ab'), 'generator'), (lambda: enumerate('ab'), 'enumerate'), (lambda: chain('ab'), 'chain'),
                                    (Future, 'Future')], ids=['async', 'returned', 'yields', 'lazy', 'expression', 'numbered', 'chained', 'future'])
def test_a_promise_is_not_timed(f, kind):
    "Nothing has run yet; refused at once, however the calls are counted, and without a warning that nobody waited."
    good = lambda: sum(range(100))
    for call in (lambda: compare(dict(a=good, b=f)), lambda: compare(dict(a=good, b=f), inner=3), lambda: sample(f), lambda: sample(f, inner=2),
                 lambda: interleave(dict(a=good, b=f), rng=rng()), lambda: warm_up(f), lambda: selftest(f, 2, 6)):
        with pytest.raises(TypeError, match=f'returns an? {kind}, whose work is still to be done'): call()

def test_intervals_of_separate_runs_cover_the_truth():
    "Two runs of 40, each with autocorrelation .6, a true ratio of 1.2: covered in 92% of 400 experiments."
    gen = rng(8)
    def wandering(n=40, rho=.6):
        v = [gen.normal()]
        for e in gen.normal(0, math.sqrt(1 - rho**2), n - 1): v.append(rho*v[-1] + e)
        return np.exp(.05*np.array(v))
    found = [separate_ratio(alone('a', 1.2*wandering()), alone('b', wandering())) for _ in range(400)]
    assert np.mean([r.lo <= 1.2 <= r.hi for r in found]) >= .92


@given(ratios)
def test_interval_p_agrees_with_its_interval(r):
    p = interval_p(r)
    assert 0 <= p <= 1 and (abs(p - .05) < 1e-9 or (p < .05) == r.excludes_one)
    assert interval_p(r.inverse()) == pytest.approx(p, rel=1e-6, abs=1e-300)


# --- the judge on trial, and plans


@pytest.mark.parametrize('n', [6, 7, 20, 30, 31, 100])
def test_chance_alarm_is_the_coins(n):
    "The share of all coin rows, weighed, whose interval leaves out 1."
    lo, hi = median_ranks(n)
    out = sum(math.comb(n, heads) for heads in range(n+1) if heads < lo or n - heads < lo)
    assert chance_alarm(n) == pytest.approx(out/2**n) and chance_alarm(n) <= .05
    with pytest.raises(ValueError, match='too few'): chance_alarm(5)


def test_selftest_counts():
    m, seen = Machine(rng(9), wander=.3), []
    s = selftest(m.job(1.), 200, rng=rng(9), inner=1, clock=m.clock, progress=lambda *a: seen.append(a))
    assert m.calls == 200*60 and seen[-1] == (200, 200) and (s.n, s.pairs, s.level) == (200, 30, .95)
    assert s.fair and 0 <= s.interval()[0] <= s.rate <= s.interval()[1] and .01 < s.half_width < .1
    assert f'{s.alarms} of 200' in repr(s) and s._repr_markdown_() == escaped(repr(s))
    assert json.loads(json.dumps(s.to_dict()))['alarms'] == s.alarms
    assert not SelfTest(30, 200, .95, 30, .01, {}).fair
    assert SelfTest(0, 1, .95, 30, .01, {}).fair
    with pytest.raises(ValueError, match='at least 1'): selftest(m.job(1.), 0, rng=rng())
    with pytest.raises(ValueError, match='too few'): selftest(m.job(1.), 10, 5, rng=rng())

@pytest.mark.parametrize('n, pairs', [(1, 6), (2, 6), (3, 8), (20, 9), (100, 30)])
def test_a_judge_that_keeps_its_promise_is_seldom_called_unfair(n, pairs):
    "Whatever the number of comparisons: less than once in a thousand, and not for a single alarm in two or three."
    p, trials = chance_alarm(pairs), [SelfTest(k, n, .95, pairs, .01, {}) for k in range(n + 1)]
    unfair = sum(math.comb(n, t.alarms)*p**t.alarms*(1 - p)**(n - t.alarms) for t in trials if not t.fair)
    assert unfair < .001 and trials[0].fair and trials[1].fair and (n == 1 or not trials[n].fair)


class OneOrder(np.random.Generator):
    "Draws no orders: whoever is named first goes first."
    def permutation(self, n): return np.arange(n)

def test_selftest_catches_an_order_that_is_not_drawn():
    "Every second call is slower by 5%: with one fixed order all comparisons are wrong, with drawn ones few."
    def tried(rng):
        m = Machine(np.random.default_rng(10), noise=.001)
        def tilted(): m.job(1. if m.calls % 2 else 1.05)()
        return selftest(tilted, 60, rng=rng, inner=1, clock=m.clock)
    wrong = tried(OneOrder(np.random.PCG64(0)))
    assert wrong.rate == 1 and not wrong.fair
    assert tried(rng(11)).fair


@pytest.mark.parametrize('precision', [.005, .01, .02])
def test_a_plan_comes_true(precision):
    "The run that `pairs_for` planned has about the half-width that was wanted."
    gen = rng(12)
    n = pairs_for(normal_ratio(200, .1, .05, gen), precision)
    got = [normal_ratio(n, .1, .05, gen) for _ in range(20)]
    assert .6*precision < np.median([math.log(r.hi/r.lo)/2 for r in got]) < 1.6*precision


def test_pairs_for_takes_what_there_is():
    v = rng().lognormal(0, .05, 30)
    assert pairs_for(v) == pairs_for(alone('a', v)) == pairs_for(as_ratio(np.log(v)))
    assert pairs_for(v, .001) > 50*pairs_for(v, .01) > 0 and pairs_for(np.ones(30)) == 6
    with pytest.raises(ValueError, match='a precision of 0'): pairs_for(v, 0)


def test_importing_is_light():
    code = ('import sys, tinybench.measure.compare; '
            'print([m for m in ("scipy.stats", "pandas", "matplotlib") if m in sys.modules])')
    out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == '[]'


# --- this machine, a real network

@pytest.fixture(scope='module')
def net_call():
    "MNIST's 784-100-10 network on one example, one BLAS thread."
    net, x = mnist_mlp(rng()), rng(1).random((1, 28, 28, 1), np.float32)
    with pinned(1), no_grad(): yield lambda: net(x)


def alarms_of(call, comparisons, bound):
    """In turns, the sign of each log-ratio is the coin that drew the order, whatever the machine does; so
    alarms are binomial with a chance of `chance_alarm(30)`, 4.3%, or less where intervals were widened."""
    s = selftest(call, comparisons, rng=rng(), min_secs=1e-4)
    assert s.n == comparisons and s.half_width < 1
    assert s.alarms <= bound, repr(s)
    return s


def test_a_network_is_the_same_as_itself(net_call):
    "150 comparisons: at most 18 alarms (12%), which coins exceed once in 17,000 runs."
    assert stats.binom.sf(18, 150, chance_alarm(30)) < 1e-4
    alarms_of(net_call, 150, 18)


@pytest.mark.slow
def test_a_network_is_the_same_as_itself_1200_times(net_call):
    "1200 comparisons: at most 7%, that is 84 alarms, which coins exceed once in 100,000 runs."
    assert stats.binom.sf(84, 1200, chance_alarm(30)) < 1e-5
    assert alarms_of(net_call, 1200, 84).rate <= .07


def work(call, n):
    def run():
        for _ in range(n): call()
    return run


def found_slower(call, comparisons, secs):
    "How often 21 calls of the network are called slower than 20 of the same network."
    fs = dict(base=work(call, 20), more=work(call, 21))
    said = [leans(compare(fs, secs=secs, rng=rng(seed), inner=1)['more'].verdict) for seed in range(comparisons)]
    assert -1 not in said
    return said.count(1)


def test_five_percent_more_work_is_five_percent():
    "Counted, not timed."
    done = []
    def call(): done.append(1)
    work(call, 20)()
    once = len(done)
    work(call, 21)()
    assert (len(done) - once)/once == 1.05


def test_five_percent_more_work_of_a_network_is_found(net_call):
    "6 comparisons of 1.5 s: 2 or more. Were each found with only 80%, this would fail once in 600 runs."
    assert stats.binom.cdf(1, 6, .8) < 1/600
    assert found_slower(net_call, 6, 1.5) >= 2


@pytest.mark.slow
def test_five_percent_more_work_of_a_network_is_found_in_80_percent(net_call):
    """15 comparisons of 4 s, less than half of the time allowed: 12 or more, which is 80%. Where each is
    found with 98%, this fails once in 5000 runs."""
    assert stats.binom.cdf(11, 15, .98) < 1/5000
    assert found_slower(net_call, 15, 4.) >= 12

@pytest.mark.parametrize('r,words', [((1.000001,)*3, '1.0000010 [1.0000010, 1.0000010]'), ((.9999999,)*3, '0.99999990 [0.99999990, 0.99999990]'), ((1,)*3, '1 [1, 1]'),
                                     ((4/3,)*3, '1.33 [1.33, 1.33]'), ((.00012, .00012 - 1e-13, .00012 + 1e-13), '0.00012000000000 [0.00011999999990, 0.00012000000010]')])
def test_only_one_is_written_as_one_and_only_a_point_as_a_point(r, words): assert Ratio(*r, n=30).words() == words
