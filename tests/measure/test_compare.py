"""measure.compare: properties, simulated machines whose truth is known, and real networks on this machine.

Chances are settled in advance. A simulation has a fixed seed, so it passes always or never. A test on the
real machine states its binomial bound: how rarely it would fail although all is well."""
import json, math, subprocess, sys
from concurrent.futures import Future
from functools import partial
from itertools import chain
import numpy as np
import pytest
from scipy import stats
from tinybench.base.text import escaped
from tinybench.core.tensor import no_grad
from tinybench.measure.clock import interleave, pinned, sample, warm_up
from tinybench.measure.compare import SelfTest, compare, even_loops, pairs_for, selftest
from tinybench.measure.pairs import Ratio, leans
from tinybench.measure.result import BenchmarkResult
from tinybench.measure.signs import chance_alarm
from tinybench.measure.stats import median_interval
from tinybench.models.zoo import mnist_mlp

def rng(seed=0): return np.random.default_rng(seed)
def alone(name, values): return BenchmarkResult(name, 'latency', 's', values, 'measured', {}, {})
def as_ratio(d): return Ratio(*map(math.exp, (np.median(d), *median_interval(d))), len(d))
def normal_ratio(n, mean, sd, rng): return as_ratio(rng.normal(mean, sd, n))


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
    rows = verdicts(kind, 1.05, 200, rng(3), repeats=60 if kind == 'busy' else 30)
    said = [leans(r.verdict) for r in rows]
    assert said.count(1) >= 180 and -1 not in said
    assert np.mean([r.ratio.lo <= 1.05 <= r.ratio.hi for r in rows]) >= .91


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


@pytest.mark.parametrize('per_call', [9.9e-6, 1.01e-5, 4e-5, 9e-4])
def test_a_sample_lasts_what_was_asked_and_little_more(per_call):
    "`inner_loops` alone may end at twice the time; only where a single call is long nothing can be cut."
    m, ticks = Machine(rng(), noise=0.), iter(range(10**9))
    def clock(): return m.now + 1e-9*next(ticks)
    (n,) = even_loops(dict(a=m.job(per_call)), 1e-3, clock).values()
    assert 1e-3 <= n*per_call <= 1.1e-3 + per_call


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


# --- the judge on trial, and plans


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


def test_a_plan_is_enough_more_often_than_not():
    "A pilot of 100 pairs, then as many as planned: no wider than wanted in 64 to 71% (300 plans by pilots of 30 to 300)."
    gen = rng(13)
    def width(n): return math.log((q := normal_ratio(n, .1, .05, gen)).hi/q.lo)/2
    got = [width(pairs_for(normal_ratio(100, .1, .05, gen), .01)) for _ in range(200)]
    assert np.mean(np.array(got) <= math.log1p(.01)) >= .6


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
    "Both are built anew ten times, in an order that is drawn, so t over medians of builds errs in about 5%."
    s = selftest(call, comparisons, rng=rng(), min_secs=1e-4)
    assert (s.n, s.builds) == (comparisons, 10) and s.half_width < 1
    assert s.alarms <= bound, repr(s)
    return s


def test_two_builds_of_a_network_are_the_same(net_call):
    "150 comparisons: at most 18 alarms (12%), which a judge that errs in 5% exceeds once in 5000 runs."
    assert stats.binom.sf(18, 150, .05) < 1/5000
    alarms_of(net_call, 150, 18)


@pytest.mark.slow
def test_two_builds_of_a_network_are_the_same_1200_times(net_call):
    "1200 comparisons: at most 7%, that is 84 alarms, which a judge that errs in 5% exceeds once in 950 runs."
    assert stats.binom.sf(84, 1200, .05) < 1/950
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

