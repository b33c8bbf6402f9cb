"measure.clock: timers, turns, what measuring costs, the cold start and the budget, on clocks that no test waits for."
import gc, json, math
import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from threadpoolctl import threadpool_info
from tinybench.measure.clock import (Overhead, WarmUp, call_secs, clock_overhead, clock_resolution, gc_paused,
    inner_loops, interleave, loop_secs, next_loops, overhead, pinned, precise_timer, random_rounds,
    rounds_within, sample, settled, warm_up)
from tinybench.measure.pairs import paired_results, ratio


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


class Tiring:
    "A pretend computer that `drift` makes slower, whose clock ticks, and which counts its calls."
    def __init__(self, drift=0., tick=1e-9): self.now,self.drift,self.tick,self.calls = 0.,drift,tick,0
    def clock(self):
        self.now += self.tick
        return self.now
    def job(self, secs):
        def run():
            self.calls += 1
            self.now += secs*(1 + self.drift*self.now)
        return run


def rng(seed=0): return np.random.default_rng(seed)
def ticking(*readings): return iter(readings).__next__


# --- timers

@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=12))
def test_timer_is_monotonic_and_then_stands(readings):
    readings = sorted(readings)
    with precise_timer(ticking(*readings)) as t: inside = [t.secs for _ in readings[2:]]
    seen = inside + [t.secs]
    assert seen == [r - readings[0] for r in readings[1:]]
    assert seen == sorted(seen) and min(seen) >= 0
    assert t.secs == t.secs == seen[-1]                 # and asks no exhausted clock


def test_timer_stops_on_an_exception_and_can_be_used_again():
    t = precise_timer(ticking(1, 4, 100, 107))
    with pytest.raises(RuntimeError, match='nothing timed yet'): t.secs
    with pytest.raises(KeyError):
        with t: raise KeyError
    assert t.secs == 3
    with t: pass
    assert t.secs == 7


def test_timer_on_the_real_clock():
    with precise_timer() as t: a, b = t.secs, t.secs
    assert 0 <= a <= b <= t.secs


def test_resolution():
    assert clock_resolution(ticking(*[0, 0, 0, 5, 5, 7]), tries=2) == 2
    assert clock_resolution() > 0
    with pytest.raises(ValueError, match='stands still'): clock_resolution(lambda: 1.)
    with pytest.raises(ValueError, match='backwards'): clock_resolution(ticking(3., 2.), tries=1)


@pytest.mark.parametrize('on', [True, False])
def test_gc_is_restored_even_after_an_exception(on):
    seen = []
    def boom():
        seen.append(gc.isenabled())
        raise KeyError('boom')
    (gc.enable if on else gc.disable)()
    try:
        for f in (lambda: sample(boom, inner=1), lambda: loop_secs(boom, 3),
                  lambda: interleave(dict(a=boom), rng=rng())):
            with pytest.raises(KeyError, match='boom'): f()
            assert gc.isenabled() == on
        with gc_paused(): assert not gc.isenabled()
        assert gc.isenabled() == on
    finally: gc.enable()
    assert seen == [False]*3


def test_gc_runs_free_between_samples():
    seen = []
    sample(lambda: None, repeats=2, inner=5, progress=lambda *a: seen.append((*a, gc.isenabled())))
    assert seen == [(1, 2, True), (2, 2, True)]


# --- loops and samples

@given(st.integers(1, 10**6), st.floats(0, 10), st.floats(1e-6, 10))
def test_next_loops_grows_within_bounds(loops, secs, target):
    new = next_loops(loops, secs, target)
    assert isinstance(new, int) and 2*loops <= new <= 10*loops


@given(st.floats(1e-7, 1.), st.floats(1e-5, 1e-2), st.floats(1e-9, 1e-6))
def test_inner_loops_is_long_enough_and_not_much_longer(per_call, min_secs, tick):
    m = Tiring(tick=tick)
    n, target = inner_loops(m.job(per_call), min_secs, m.clock), max(min_secs, 100*tick)
    assert n*per_call >= .98*target                     # the clock's own step is part of what it sees
    assert n == 1 or n*per_call <= 2.5*target


def test_inner_loops_looks_at_the_clock_it_has():
    m = Tiring(tick=1e-3)
    assert inner_loops(m.job(1e-3), min_secs=1e-3, clock=m.clock) >= 99


def test_inner_loops_is_not_fooled_by_a_cold_call_or_one_hiccup():
    m = Tiring()
    def cold(): m.now += 1. if (calls := calls_made.append(0) or len(calls_made)) in (1, 2) else 1e-6
    calls_made = []
    assert inner_loops(cold, 1e-3, m.clock) >= 999


def test_a_clock_that_does_not_measure_is_named():
    ticks = iter(range(10**9))
    with pytest.raises(ValueError, match='stands still'): inner_loops(lambda: None, clock=lambda: 5.)
    with pytest.raises(ValueError, match='raise `inner`'): call_secs(lambda: None, 1, ticking(5., 5.))
    assert sample(lambda: None, repeats=3, inner=4, clock=ticks.__next__).tolist() == [.25]*3


def test_sample_uses_what_it_is_given():
    m = Tiring()
    np.testing.assert_allclose(sample(m.job(.5), repeats=7, inner=3, clock=m.clock), .5)
    assert m.calls == 21
    with pytest.raises(ValueError, match='at least 1'): sample(m.job(1), repeats=0)
    with pytest.raises(TypeError, match='lambda: net'): sample(np.zeros(3))
    with pytest.raises(ValueError, match='at least 1'): sample(m.job(1), inner=0)


# --- taking turns

names = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=6, unique=True)

@given(names, st.integers(1, 20), st.integers(0, 2**32))
def test_every_round_has_each_name_once_and_the_seed_decides(names, repeats, seed):
    rounds = random_rounds(names, repeats, rng(seed))
    assert len(rounds) == repeats and all(sorted(r) == sorted(names) for r in rounds)
    assert rounds == random_rounds(names, repeats, rng(seed))


@given(st.integers(1, 5), st.integers(1, 12), st.integers(1, 4), st.integers(0, 100))
def test_interleave_runs_the_rounds(n, repeats, inner, seed):
    ran, m = [], Tiring()
    def job(name):
        def run(): ran.append(name); m.now += 1.
        return run
    secs = interleave({i: job(i) for i in range(n)}, repeats, rng=rng(seed), inner=inner, clock=m.clock)
    assert ran == [name for r in random_rounds(range(n), repeats, rng(seed))
                   for name in r for _ in range(inner)]
    assert list(secs) == list(range(n)) and all(s.shape == (repeats,) for s in secs.values())


def test_order_is_fresh_and_fair():
    rounds = random_rounds('abc', 3000, rng())
    for i in range(3): assert all(abs(sum(r[i] == c for r in rounds) - 1000) < 130 for c in 'abc')


def test_place_i_is_from_round_i():
    m, jobs = Tiring(), dict(a=2., b=6.)
    count = iter(range(100))
    def paced(secs):                                    # the machine's pace changes with every round
        def run(): m.now += secs*(1 + next(count)//2)
        return run
    secs = interleave({k: paced(v) for k, v in jobs.items()}, 10, rng=rng(), inner=1, clock=m.clock)
    np.testing.assert_allclose(secs['b']/secs['a'], 3.)


def test_turns_cancel_what_a_row_does_not():
    m = Tiring(drift=.01)
    a, b = (sample(m.job(1.), inner=1, clock=m.clock) for _ in range(2))
    assert np.median(a)/np.median(b) < .8
    m = Tiring(drift=.01)
    secs = interleave(dict(a=m.job(1.), b=m.job(1.)), rng=rng(), inner=1, clock=m.clock)
    assert abs(np.median(secs['a']/secs['b']) - 1) < .02


def test_interleave_finds_loops_by_name_and_reports():
    m, seen = Tiring(), []
    fs = dict(slow=m.job(1e-3), fast=m.job(1e-6))
    secs = interleave(fs, 3, rng=rng(), clock=m.clock, progress=lambda *a: seen.append(a))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    np.testing.assert_allclose([secs['slow'].mean(), secs['fast'].mean()], [1e-3, 1e-6], rtol=.01)
    m.calls = 0
    interleave(fs, 3, rng=rng(), inner=dict(slow=1, fast=10), clock=m.clock)
    assert m.calls == 33
    with pytest.raises(ValueError, match='nothing to time'): interleave({}, rng=rng())
    with pytest.raises(TypeError): interleave(fs)       # the generator is not optional
    with pytest.raises(TypeError, match='default_rng'): interleave(fs, rng=0)


def test_same_function_twice_is_seldom_called_different():
    "Equal jobs on a machine with correlated noise: at most about 5% false alarms, taken in turns."
    def alarm(seed):
        r, m, level = rng(seed), Tiring(), [0.]
        def job():
            level[0] = .9*level[0] + .1*r.normal()
            m.now += math.exp(level[0])
        secs = interleave(dict(a=job, b=job), 30, rng=rng(seed + 1000), inner=1, clock=m.clock)
        return ratio(*paired_results(secs).values()).excludes_one
    assert sum(map(alarm, range(200))) <= 18            # 200*.0428 = 8.6 expected, sd 2.9


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
    assert call_secs(lambda: None, 50, m.clock) == pytest.approx(1e-3/50)
    assert m.readings == 2
    assert overhead(m.clock).call == pytest.approx(1e-3/10_000)
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
    assert n == len(secs['b']) and n*(a + b) <= budget              # a tenth of it found out how long a round takes
    assert n == 1 or .9*budget < (n + 1)*(a + b)*1.001


def test_what_happens_in_the_rounds_does_not_change_their_number():
    counts = set()
    for later in (.1, 1., 30.):                         # after the calibration the job is fast, equal or slow
        m = Machine()
        fs = dict(a=m.job([1., 1.] + [later]*100), b=m.job(1.))
        counts.add(len(interleave(fs, rng=rng(), inner=1, secs=20.1, clock=m.clock)['a']))
    assert counts == {9}

def test_an_interrupted_round_does_not_decide_how_many_fit():
    "A budget of 100 s for rounds of 1 s, of which the first takes 5 s or .1 s: by itself it would say 20 or 1000."
    for first, rounds in ((5., 53), (.1, 98)):
        m = Machine()
        secs = interleave(dict(a=m.job([first] + [1.]*200)), rng=rng(), inner=1, secs=100., clock=m.clock)
        assert len(secs['a']) == rounds


def test_the_budget_counts_warm_machines_and_whole_samples():
    m = Machine()
    fs = dict(a=m.job([50.]*4 + [1.]*100))
    assert len(interleave(fs, rng=rng(), inner=2, secs=20.1, warm=2, clock=m.clock)['a']) == 9
    m, seen = Machine(), []
    fs = dict(a=m.job(1e-4), b=m.job(1e-3))
    secs = interleave(fs, rng=rng(), secs=.1, clock=m.clock, progress=lambda *a: seen.append(a))
    assert seen == [(i+1, len(seen)) for i in range(len(seen))] and len(seen) == len(secs['a'])
    assert 18 <= len(seen) <= 45                        # 1 ms and 1 to 2.5 ms a round, in 90 ms


def test_a_budget_too_small_is_refused_in_words():
    m = Machine()
    fs = dict(a=m.job(1.), b=m.job(2.))
    for budget in (2.9, 0, -1, math.nan):
        with pytest.raises(ValueError, match='a round takes 3 s, more than the budget'):
            rounds_within(budget, fs, dict(a=1, b=1), m.clock)
    with pytest.raises(ValueError, match="no `inner` for b"):
        interleave(fs, rng=rng(), inner=dict(a=1), clock=m.clock)


def test_a_share_of_the_budget_is_spent_on_running_rounds():
    def rounds(share):
        m = Machine()                                   # its first round is interrupted
        found = rounds_within(100., dict(a=m.job([9.] + [1.]*100)), dict(a=1), m.clock, share)
        return found, len(m.ran)
    assert rounds(0.) == (11, 1) and rounds(.199) == (48, 12)      # 80.1 s at 12 rounds in 20 s
