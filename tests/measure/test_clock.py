"measure.clock: what measuring costs, threads, the cold start and the budget, on clocks that nobody waits for."
import json, math
import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from threadpoolctl import threadpool_info
from tinybench.measure.clock import (Overhead, WarmUp, call_overhead, clock_overhead, interleave, overhead,
                                     pinned, random_rounds, rounds_within, sample, settled, warm_up)


class Machine:
    "A pretend computer: a clock that costs `tick` to read, and jobs that take the times they are given."
    def __init__(self, tick=1e-9): self.now,self.tick,self.ran,self.readings = 0.,tick,[],0
    def clock(self):
        self.now, self.readings = self.now + self.tick, self.readings + 1
        return self.now
    def job(self, secs, name=None):
        "Each call takes the next of `secs`; one number stands for all calls."
        times = iter(secs) if np.ndim(secs) else None
        def run():
            self.ran.append(name)
            self.now += secs if times is None else next(times)
        return run


def rng(seed=0): return np.random.default_rng(seed)


# --- what measuring costs

@given(st.floats(1e-9, 1e-4))
def test_a_reading_costs_what_the_clock_says(tick):
    assert clock_overhead(Machine(tick).clock, tries=2) == pytest.approx(tick, rel=.02)


def test_a_coarse_clock_still_shows_what_a_reading_costs():
    m = Machine(1e-6)
    def coarse(): return m.clock()//1e-3*1e-3           # a microsecond a reading, but it counts milliseconds
    assert clock_overhead(coarse, tries=2) == pytest.approx(1e-6, rel=.03)


def test_an_empty_call_costs_its_share_of_the_loop():
    m = Machine(1e-3)                                   # the loop takes one step of this clock, however long
    assert call_overhead(m.clock, inner=50, tries=3) == pytest.approx(1e-3/50)
    assert m.readings == 6                              # two a sample
    cost = overhead()
    assert 0 < cost.call < 1e-4 and 0 < cost.reading < 1e-4
    assert cost.to_dict() == dict(reading=cost.reading, call=cost.call)


def test_the_share_that_is_the_harness():
    cost = Overhead(reading=1e-7, call=5e-8)
    assert cost.share(1e-5) == pytest.approx(.015)
    assert cost.share(1e-5, inner=100) == pytest.approx(.0051)
    assert cost.share(1e-5, 10**9) == pytest.approx(.005)
    assert repr(cost) == cost._repr_markdown_() == 'a reading 100 ns, an empty call 50 ns'


# --- threads

def blas_threads(): return [lib['num_threads'] for lib in threadpool_info() if lib['user_api'] == 'blas']

def test_pinned_says_what_is_in_force_and_puts_back_what_was():
    before = blas_threads()
    with pinned(1) as n:
        assert blas_threads() == [1]*len(before)
        assert n == (1 if before else None)
        with pinned(2) as two: assert blas_threads() == [two]*len(before)
        assert blas_threads() == [1]*len(before)
    assert blas_threads() == before
    with pytest.raises(KeyError):
        with pinned(1): raise KeyError
    assert blas_threads() == before
    with pytest.raises(ValueError, match='at least 1'):
        with pinned(0): pass


# --- the cold start

def settled_by_definition(secs, window, limit):
    def variation(v): return math.sqrt(sum((x - sum(v)/window)**2 for x in v)/(window - 1))/(sum(v)/window)
    calm = [variation(secs[i:i+window]) < limit for i in range(len(secs) - window + 1)]
    return calm.index(True) if True in calm else None

@given(arrays(float, st.integers(1, 30), elements=st.floats(.5, 2.)), st.integers(2, 6), st.floats(.01, .6))
def test_settled_is_its_definition(secs, window, limit):
    assert settled(secs, window, limit) == settled_by_definition(secs.tolist(), window, limit)


@given(st.floats(.5, 50.), st.floats(.2, .9), st.integers(2, 12))
def test_warm_up_ends_with_the_first_calm_window(extra, rate, window):
    m, curve = Machine(), 1 + extra*rate**np.arange(400)
    w = warm_up(m.job(curve), inner=1, window=window, clock=m.clock)
    assert w.settled_at == settled_by_definition(curve.tolist(), window, .02) == len(w.secs) - window
    np.testing.assert_allclose(w.secs, curve[:len(w.secs)], rtol=1e-6)
    assert w.variation < .02 and w.inner == (1,)*len(w.secs)


def test_warm_up_says_so_where_nothing_settles():
    m = Machine()
    w = warm_up(m.job([1., 2.]*40), inner=2, window=5, most=30, clock=m.clock)
    assert w.settled_at == 0                            # a pair of calls is always the same
    w = warm_up(m.job([1., 2.]*40), inner=1, window=5, most=30, clock=m.clock)
    assert w.settled_at is None and len(w.secs) == 30 == len(m.ran) - 10     # ten calls in the first
    assert 'not settled in 30 samples' in repr(w) and repr(w) == w._repr_markdown_()
    assert w.variation == pytest.approx(np.std([2, 1, 2, 1, 2], ddof=1)/1.6)


def test_warm_up_keeps_the_coldest_call_and_then_lengthens_its_samples():
    m = Machine()
    w = warm_up(m.job([5e-3, 2e-4] + [1e-4]*10**5), clock=m.clock)
    assert w.secs[0] == pytest.approx(5e-3, rel=1e-4) and w.inner[:2] == (1, 1)
    assert sorted(w.inner) == list(w.inner) and w.inner[-1]*1e-4 >= 1e-3
    assert sum(w.inner) == len(m.ran)                   # no call is left out of the curve
    assert w.secs[w.settled_at:] == pytest.approx([1e-4]*w.window, rel=1e-3)


def test_warm_up_refuses_what_cannot_work():
    m = Machine()
    with pytest.raises(ValueError, match='window of 1'): warm_up(m.job(1.), window=1, clock=m.clock)
    with pytest.raises(ValueError, match='window of 40'): warm_up(m.job(1.), window=40, most=30, clock=m.clock)
    with pytest.raises(ValueError, match='stands still'): warm_up(m.job(1.), clock=lambda: 1.)
    steps = iter([0, 1]*50 + [2]*2)
    with pytest.raises(ValueError, match='raise `inner`'):
        warm_up(lambda: None, inner=3, clock=steps.__next__)
    with pytest.raises(ZeroDivisionError): warm_up(lambda: 1/0)


def test_warm_up_record():
    w = WarmUp((3., 1., 1.), 1, 2, .02, (1, 1, 1))
    assert json.loads(json.dumps(w.to_dict())) == dict(secs=[3, 1, 1], settled_at=1, window=2, limit=.02,
                                                       inner=[1, 1, 1])
    assert repr(w) == ('settled after 1 samples: the last 2 vary by 0.0% (limit 2.0%), '
                       'the first took 3.0 times as long as they')
    assert math.isnan(WarmUp((3.,), None, 2, .02).variation)


def test_warm_samples_are_thrown_away():
    m = Machine()
    np.testing.assert_allclose(sample(m.job([9., 5., 3.] + [1.]*4), 4, inner=1, warm=3, clock=m.clock), 1.)
    m = Machine()
    fs = dict(a=m.job([9., 9., 1., 1., 1.]), b=m.job([7., 7., 2., 2., 2.]))
    secs = interleave(fs, 3, rng=rng(), inner=1, warm=2, clock=m.clock)
    np.testing.assert_allclose(secs['b']/secs['a'], 2.)


def test_warm_changes_neither_the_order_nor_the_numbers():
    def run(**options):
        m = Machine()
        fs = {c: m.job(1., c) for c in 'abc'}
        secs = interleave(fs, 6, rng=rng(3), inner=2, clock=m.clock, **options)
        return m.ran[-36:], {k: v.tolist() for k, v in secs.items()}
    (order, secs), (order_warm, secs_warm) = run(), run(warm=4)
    assert order == order_warm == [c for r in random_rounds('abc', 6, rng(3)) for c in r for _ in 'xx']
    for c in 'abc': np.testing.assert_allclose(secs[c], secs_warm[c])


# --- the budget

@given(st.floats(.01, 10.), st.floats(.01, 10.), st.floats(1., 300.))
def test_the_budget_decides_the_rounds_before_they_run(a, b, times):
    m, budget = Machine(), times*(a + b)*1.001
    secs = interleave(dict(a=m.job(a), b=m.job(b)), rng=rng(), inner=1, secs=budget, clock=m.clock)
    n = len(secs['a'])
    assert n == len(secs['b']) and n*(a + b) <= budget < (n + 1)*(a + b)*1.001


def test_what_happens_in_the_rounds_does_not_change_their_number():
    counts = set()
    for later in (.1, 1., 30.):                         # after the calibration the job is fast, equal or slow
        m = Machine()
        fs = dict(a=m.job([1.] + [later]*100), b=m.job(1.))
        counts.add(len(interleave(fs, rng=rng(), inner=1, secs=20.1, clock=m.clock)['a']))
    assert counts == {10}


def test_the_budget_counts_warm_machines_and_whole_samples():
    m = Machine()
    fs = dict(a=m.job([50.]*4 + [1.]*100))
    assert len(interleave(fs, rng=rng(), inner=2, secs=20.1, warm=2, clock=m.clock)['a']) == 10
    m, seen = Machine(), []
    fs = dict(a=m.job(1e-4), b=m.job(1e-3))
    secs = interleave(fs, rng=rng(), secs=.1, clock=m.clock, progress=lambda *a: seen.append(a))
    assert seen == [(i+1, len(seen)) for i in range(len(seen))] and len(seen) == len(secs['a'])
    assert 20 <= len(seen) <= 50                        # 1 ms and 1 to 2.5 ms a round


def test_a_budget_too_small_is_refused_in_words():
    m = Machine()
    fs = dict(a=m.job(1.), b=m.job(2.))
    for budget in (2.9, 0, -1, math.nan):
        with pytest.raises(ValueError, match='a round takes 3 s, more than the budget'):
            rounds_within(budget, fs, dict(a=1, b=1), m.clock)
    with pytest.raises(ValueError, match="no `inner` for .'b'"):
        interleave(fs, rng=rng(), inner=dict(a=1), clock=m.clock)
