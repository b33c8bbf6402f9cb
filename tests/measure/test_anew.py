"""measure.compare of what is built anew, until it is decided, and as objects."""
import json, math, subprocess, sys, threading
import numpy as np
import pytest
from scipy import stats
from tinybench.measure.builds import maker
from tinybench.measure.compare import compare, even_loops, selftest
from tinybench.measure.looks import look_ends
from tinybench.measure.pairs import Comparison, leans

def rng(seed=0): return np.random.default_rng(seed)

class Machine:
    "A pretend computer: its pace wanders from call to call, for both alike, and calls vary."
    def __init__(self, rng, noise=0., wander=0.): self.now,self.rng,self.noise,self.wander,self.mood = 0.,rng,noise,wander,0.
    def clock(self): return self.now
    def job(self, secs):
        def run():
            self.mood = .99*self.mood + self.rng.normal(0, .14*self.wander)
            self.now += secs*math.exp(self.mood + self.noise*self.rng.normal())
        return run

# --- built anew

a0 = rng(1).random((8, 8))
def product(): return a0 @ a0
def other(): return np.dot(a0, a0)

def test_what_holds_arrays_is_built_anew():
    "Ten builds of both in places of their own; the record has the median of each, and all samples."
    seen, done = [], []
    def spy(): seen.append(a0.ctypes.data) or a0 @ a0
    c = compare(dict(a=spy, b=other), inner=2, rng=rng(1), progress=lambda *at: done.append(at))
    assert done == [(i + 1, 50) for i in range(50)] and len(set(seen)) == 10 and a0.ctypes.data not in seen
    q, r = c['b'].ratio, c.results[0]
    assert (q.n, q.of, q.level) == (10, 'builds', .95) and r.how['builds'] == 10 and r.how['inner'] == 2
    assert [len(v) for v in r.how['within']] == [5]*10
    np.testing.assert_allclose(r.values, [np.median(v) for v in r.how['within']])
    ds = [np.median(np.log(np.divide(y, x))) for x, y in zip(*(r.how['within'] for r in c.results))]
    t = stats.ttest_1samp(ds, 0)
    np.testing.assert_allclose([c['b'].p, q.lo, q.hi], [t.pvalue, *np.exp(t.confidence_interval())])
    assert Comparison.from_dict(json.loads(json.dumps(c.to_dict()))) == c

def test_objects_are_compared_as_objects_and_say_so():
    lock = threading.Lock()
    def held():
        with lock: return a0 @ a0
    for fs, builds, why in ((dict(a=product, b=other), 1, 'builds=1'), (dict(a=product, b=held), None, 'lock')):
        c = compare(fs, builds=builds, inner=1, rng=rng())
        assert (c['b'].ratio.n, c['b'].ratio.of, c.results[1].how['objects']) == (30, 'pairs', why)
        assert 'these objects' in repr(c)
    with pytest.raises(ValueError, match='cannot be built anew: lock; pass makers, or builds=1'):
        compare(dict(a=product, b=held), builds=10)
    plain = compare(dict(a=lambda: sum(range(99)), b=lambda: sum(range(99))), inner=1, repeats=6)
    assert plain['b'].ratio.of == 'pairs' and 'objects' not in plain.results[0].how and 'objects' not in repr(plain)

@pytest.mark.parametrize('builds', [5, 31, 0, -1])
def test_how_many_builds_can_be_asked_for(builds):
    with pytest.raises(ValueError, match='builds: 1, or 6 to one a round, that is 30'):
        compare(dict(a=product, b=other), repeats=30, builds=builds)

def test_makers_are_built_as_often_as_they_are_compared():
    made = []
    def make():
        made.append(1)
        return other
    c = compare(dict(a=product, b=maker(make)), repeats=24, inner=1)
    assert len(made) == 8 and c['b'].ratio.n == 8
    assert compare(dict(a=product, b=maker(make)), builds=1, repeats=6, inner=1) and len(made) == 9
    with pytest.raises(TypeError, match='a maker builds a function'): compare(dict(a=product, b=maker(lambda: 3)))

@pytest.mark.parametrize('until, secs', [(None, 20.), ('decided', 40.)])
def test_building_is_counted_in_the_budget(until, secs):
    "A maker that takes 1 s: ten builds, or with looks twenty, leave half of `secs`, a tenth of it to find out, for rounds of .2 s."
    m, planned = Machine(rng(), noise=0.), set()
    def make():
        m.now += 1.
        return m.job(.1)
    start = m.now
    compare(dict(a=m.job(.1), b=maker(make)), secs=secs, until=until, inner=1, clock=m.clock, rng=rng(),
            progress=lambda _, rounds: planned.add(rounds))
    assert len(planned) == 1 and 2*secs <= planned.pop() <= 2.25*secs
    assert m.now - start <= 1.1*secs and (until or m.now - start >= .85*secs)

NETWORKS = """
import numpy as np
from functools import partial
from tinybench.core.tensor import no_grad
from tinybench.measure.clock import pinned
from tinybench.measure.compare import compare
from tinybench.models.zoo import mnist_mlp
x = np.random.default_rng(1).random((1, 28, 28, 1), np.float32)
nets = {k: partial(mnist_mlp(np.random.default_rng(0)), x) for k in 'ab'}
with no_grad(), pinned(1): c = compare(nets, repeats=400, min_secs=2e-4)
print(c['b'].ratio.excludes_one)
"""
@pytest.mark.slow
def test_two_equal_networks_in_fresh_processes():
    "30 processes: at most 7 find a difference, which those that err in 5% exceed once in 6,000 runs."
    assert stats.binom.sf(7, 30, .05) < 1/6000
    out = [subprocess.run([sys.executable, '-c', NETWORKS], capture_output=True, text=True, check=True).stdout
           for _ in range(30)]
    assert sum(v.strip() == 'True' for v in out) <= 7


# --- until it is decided

def decided(truth, gen, most=60, noise=.04):
    m = Machine(gen, noise=noise, wander=.2)
    fs = dict(base=m.job(1.), rival=m.job(truth))
    return compare(fs, until='decided', repeats=most, inner=1, clock=m.clock, rng=gen)['rival']

@pytest.mark.parametrize('comparisons', [25, pytest.param(400, marks=pytest.mark.slow)])
def test_looking_raises_no_more_alarms(comparisons):
    "Comparisons of equal jobs, five looks each: at most what 5% gives in 999 of 1000 runs."
    rows = [decided(1., rng(40 + i)) for i in range(comparisons)]
    assert sum(r.ratio.excludes_one for r in rows) <= stats.binom.isf(1e-3, comparisons, .05)

def test_a_large_difference_is_decided_early_and_rightly():
    rows = [decided(1.2, rng(90 + i)) for i in range(20)]
    assert all(leans(r.verdict) == 1 for r in rows)
    assert np.mean([r.ratio.n for r in rows]) <= 40 and {r.ratio.n for r in rows} <= {*look_ends(60)}

def test_looks_are_at_builds_where_there_are_builds():
    fs = dict(a=product, b=lambda: [a0 @ a0 for _ in range(4)])
    c = compare(fs, until='decided', inner=20, repeats=60, rng=rng())
    assert c['b'].ratio.of == 'builds' and c['b'].ratio.n in look_ends(20)
    with pytest.raises(ValueError, match="until='sure': 'decided'"): compare(fs, until='sure')


# --- the judge on trial

def test_selftest_builds_both_sides_anew():
    seen = []
    def spy(): seen.append(a0.ctypes.data) or a0 @ a0
    s = selftest(spy, 3, 12, inner=1, rng=rng())
    assert (s.builds, s.pairs, s.n) == (6, 12, 3) and s.promised == pytest.approx(.05) and 'built anew 6 times' in repr(s)
    assert len(seen) == 3*2*12 and a0.ctypes.data not in seen
    two = selftest(product, 2, 30, inner=1, builds=1, rng=rng())
    assert two.builds == 1 and 'two objects, built alike' in repr(two) and two.promised == pytest.approx(.05, abs=1e-6)
    m = Machine(rng())
    same = selftest(m.job(1.), 2, 6, inner=1, clock=m.clock, rng=rng())
    assert same.builds is None and same.promised == 2/64 and 'the same object' in repr(same)

class Placed:
    "A machine on which half of all places of memory are slower by a fiftieth."
    def __init__(self, rng): self.now, self.rng, self.slow = 0., rng, {}
    def clock(self): return self.now
    def job(self):
        v = np.ones(64)
        def run():
            place = v.ctypes.data
            if place not in self.slow: self.slow[place] = self.rng.random() < .5
            self.now += math.exp(.02*self.slow[place] + .005*self.rng.normal())
        return run

@pytest.mark.parametrize('builds', [None, 1])
def test_places_make_objects_differ_and_programs_not(builds):
    "The same function twice: in most comparisons of two objects one is faster, in few of programs."
    m = Placed(rng(3))
    s = selftest(m.job(), 60, 50, builds=builds, inner=1, clock=m.clock, rng=rng(4))
    assert s.fair == (builds is None) and (s.alarms > 15 if builds else s.alarms <= stats.binom.isf(1e-3, 60, .05))

def test_an_interrupted_trial_does_not_give_equal_functions_other_loops():
    "Every trial of the first function is hit twice, so that it seems to take three times as long."
    m = Machine(rng())
    def hit():
        hit.calls += 1
        m.now += 1e-4 if hit.calls > 12 else 3e-4
    hit.calls, ticks = 0, iter(range(10**9))
    def clock(): return m.now + 1e-9*next(ticks)
    loops = even_loops(dict(a=hit, b=m.job(1e-4)), 1e-3, clock)
    assert loops['a'] == loops['b'] >= 10
    far = even_loops(dict(a=m.job(1e-3), b=m.job(1e-5)), 1e-2, clock)
    assert far['b'] > 20*far['a']
