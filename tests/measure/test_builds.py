"""measure.builds and base.anew: what is built anew and what is not, and t over builds."""
import functools, io, math, subprocess, sys, threading, types
from dataclasses import dataclass
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats
from tinybench.base.anew import Blueprint, merged
from tinybench.measure.builds import (
    KEPT, Maker, Workshop, build_medians, builds_for, equal_interval, maker, shared_out, t_interval)
from tinybench.measure.compare import compare
from tinybench.measure.signs import sign_test
from tinybench.models.zoo import create

def rng(seed=0): return np.random.default_rng(seed)
def anew(*fs, **options): return Blueprint(fs, **options).build()


# --- t over builds

@given(st.lists(st.floats(-1, 1), min_size=2, max_size=12), st.floats(.5, .99))
def test_t_interval_is_scipys(d, level):
    mid, lo, hi, p = t_interval(d, level)
    if np.ptp(d) == 0: assert (mid, lo, hi, p) == equal_interval(d[0], len(d), level)
    elif np.ptp(d) > 1e-6:
        t = stats.ttest_1samp(d, 0)
        np.testing.assert_allclose([mid, lo, hi, p], [np.mean(d), *t.confidence_interval(level), t.pvalue],
                                   rtol=1e-6, atol=1e-9)
    assert lo <= mid <= hi and 0 <= p <= 1

@pytest.mark.parametrize('n', [2, 5, 6, 9])
def test_equal_builds_say_no_more_than_coins(n):
    mid, lo, hi, p = t_interval([.1]*n)
    assert p == sign_test([.1]*n) and mid == .1 and (lo > 0) == (p <= .05)
    assert t_interval([0.]*n) == (0, 0, 0, 1)
    with pytest.raises(ValueError, match='1 values: too few'): t_interval([.1])

def test_false_alarms_of_t_over_builds():
    "Builds that differ by 1%, 10 of them with 5 noisy pairs, some interrupted: 5% of 4000, within binomial limits."
    gen, n = rng(1), 4000
    hit = np.log(3)*((gen.random((n, 10, 5)) < .05)*1. - (gen.random((n, 10, 5)) < .05))
    d = np.median(gen.normal(0, .01, (n, 10, 1)) + gen.normal(0, .02, (n, 10, 5)) + hit, 2)
    ends = np.array([t_interval(v)[1:3] for v in d])
    alarms = ((ends[:, 0] > 0) | (ends[:, 1] < 0)).sum()
    assert stats.binom.isf(.999, n, .045) <= alarms <= stats.binom.isf(.001, n, .05)

def test_medians_by_build_of_ragged_builds():
    np.testing.assert_allclose(build_medians([[2., 4., 9.], [6.]], [[1., 2., 3.], [2.]]), np.log([2, 3]))
    with pytest.raises(ValueError): build_medians([[1.]], [[1.], [1.]])

@given(st.integers(1, 500), st.integers(1, 20))
def test_rounds_are_shared_out(rounds, builds):
    if builds > rounds:
        with pytest.raises(ValueError, match='cannot be shared'): shared_out(rounds, builds)
    else:
        out = shared_out(rounds, builds)
        assert sum(out) == rounds and len(out) == builds and max(out) - min(out) <= 1
    assert 1 <= builds_for(rounds) <= rounds and (rounds < 6 or 6 <= builds_for(rounds) <= 10)


# --- what is built anew

w = np.arange(12.).reshape(3, 4)
def total(): return w.sum()
def by_helper(): return total() + w[0, 1]
def counting(n): return n and counting(n - 1) + w[0, 1]

def test_globals_closures_arguments_and_methods():
    inside, net = np.ones(3), create('mnist_mlp', rng()).eval()
    x = rng(1).random((1, 28, 28, 1), np.float32)
    fs = dict(named=total, helped=by_helper, itself=lambda: counting(3), closed=lambda: inside.sum(),
              given=functools.partial(np.sum, inside), default=lambda v=inside: v.sum(), own=inside.sum,
              net=functools.partial(net, x), method=functools.partial(net.forward, x), inner=lambda: [inside][0].sum())
    want = {k: float(np.sum(f().data)) for k, f in fs.items()}
    copies = dict(zip(fs, anew(*fs.values())))
    kept = [w.copy(), inside.copy(), [p.data.copy() for p in net.parameters()]]
    try:
        w[:], inside[:] = -1, -1
        for p in net.parameters(): p.data[:] = -1
        assert {k: float(np.sum(f().data)) for k, f in copies.items()} == want
    finally:
        w[:], inside[:] = kept[:2]
        for p, v in zip(net.parameters(), kept[2]): p.data[:] = v
    assert copies['net'].func is copies['method'].func.__self__ and copies['net'].func is not net

def test_views_stay_views_and_strides_stay():
    base = np.arange(40, dtype='f4')
    one, other, back, apart = base[1:], base[3:9].reshape(2, 3), base[30:5:-3], np.broadcast_to(base[:1], (4,))
    frozen = np.arange(3); frozen.flags.writeable = False
    f, = anew(lambda: (base, one, other, back, apart, frozen))
    new = f()
    for a, b in zip(new, (base, one, other, back, apart, frozen)):
        assert np.array_equal(a, b) and a.strides == b.strides and a.dtype == b.dtype
        assert a.flags.writeable == b.flags.writeable and not np.shares_memory(a, b)
        assert (a.ctypes.data - b.ctypes.data)%16 == 0
    new[0][4] = 99
    assert new[1][3] == new[2][0, 1] == 99 and base[4] == 4

def test_a_small_view_of_a_large_array_is_a_small_copy():
    rows = np.zeros((1000, 1000))[3:5]
    assert Blueprint([lambda: rows]).size == 16000
    assert merged([(5, 9), (0, 3), (8, 12), (12, 14)]) == [(0, 3), (5, 12), (12, 14)]

@dataclass(frozen=True)
class Frozen:
    weights: tuple
class Slotted:
    __slots__ = 'a', '__b', '__weakref__'
    def __init__(self): self.a, self.__b = np.ones(2), [np.ones(3)]
    def __call__(self): return self.a.sum() + self.__b[0].sum()

def test_objects_and_containers():
    shared = np.ones(2)
    things = dict(f=Frozen((shared, [shared], {'k': shared})), s=Slotted())
    cycle = [shared]; cycle.append(cycle)
    pair = types.MappingProxyType(dict(v=shared))
    f, g = anew(lambda: (things, cycle, pair), Slotted())
    new, ring, proxy = f()
    a, (b,), c = new['f'].weights
    assert a is b is c['k'] is ring[0] is proxy['v'] and a is not shared and ring[1] is ring
    assert new['s'].a is not things['s'].a and new['s']() == 5 and g() == 5

def test_what_holds_no_array_stays_what_it_is():
    gen, count, lock = rng(), [0], threading.Lock()
    class Pace:
        def __init__(self): self.now = 0.
    pace = Pace()
    def f():
        count[0] += 1
        return pace, gen
    plan = Blueprint([f, len, np.dot])
    assert not plan.data and not plan.why and plan.build() == [f, len, np.dot]
    x = np.ones(3)
    def g(): return x, pace, gen, count, math, Pace
    new = anew(g)[0]()
    assert new[0] is not x and all(a is b for a, b in zip(new[1:], g()[1:]))
    assert Blueprint([lambda: lock]).why == 'lock'

def test_parts_without_arrays_are_copied_with_their_whole_and_what_a_function_closes_over_is_not():
    net, count = create('mnist_mlp', rng()).eval(), [0]
    def f():
        count[0] += 1
        return net
    new = anew(f)[0]()
    ids = {id(m) for _, m in net.named_modules()} | {id(net.layers)}
    assert not ids & ({id(m) for _, m in new.named_modules()} | {id(new.layers)}) and count == [1]
    assert all(type(a) is type(b) for (_, a), (_, b) in zip(net.named_modules(), new.named_modules()))

class Machine:
    "A clock that holds an array."
    def __init__(self): self.now, self.log = 0., np.zeros(3)
    def clock(self): return self.now
    def job(self): self.now += 1.

def test_a_clock_is_never_copied():
    m = Machine()
    assert Blueprint([m.job]).data and not Blueprint([m.job], keep=[m.clock]).data
    assert compare(dict(a=m.job, b=m.job), inner=1, clock=m.clock, rng=rng())['b'].ratio.of == 'pairs'

def assigns():
    global last
    last = w.sum()

@pytest.mark.parametrize('kind', ['lock', 'file', 'iterator', 'assigns', 'objects', 'mapped'])
def test_what_cannot_be_made_twice_is_said(kind, tmp_path):
    np.save(tmp_path/'a.npy', w)
    held = dict(lock=threading.Lock(), file=io.StringIO('a'), iterator=iter([1]), assigns=assigns,
                objects=np.array([{}], object), mapped=np.load(tmp_path/'a.npy', mmap_mode='r'))[kind]
    f = held if kind == 'assigns' else lambda: (w, held)
    plan = Blueprint([f])
    assert plan.why and (kind != 'assigns' or plan.why == 'assigns assigns a global')
    with pytest.raises(ValueError, match='cannot be built anew'): plan.build()
    shop = Workshop(dict(a=f))
    assert not shop.anew and shop.said == plan.why and shop.build(rng())['a'] is f


# --- makers and the workshop

def test_a_maker_makes():
    made = maker(lambda: functools.partial(sum, [1, 2]))
    assert isinstance(made, Maker) and made()() == 3 and made() is not made()
    with pytest.raises(TypeError, match='not a int'): maker(lambda: 3)()
    with pytest.raises(TypeError, match='a maker is a function, not a str'): maker('net')

def test_builds_lie_elsewhere_while_earlier_ones_are_kept():
    x = np.ones(1000)
    shop = Workshop(dict(b=lambda: x, made=maker(lambda: np.ones(10).sum)))
    assert shop.anew and list(shop.build(rng())) == ['b', 'made']
    places = {shop.build(rng(i))['b']().ctypes.data for i in range(10)}
    assert len(places) == 10 and x.ctypes.data not in places
    assert shop.as_they_are()['b'] is shop.bare['b'] and shop.said == 'builds=1'
    assert Workshop(dict(a=len)).said == '' and not Workshop(dict(a=len)).anew

def test_what_is_too_large_to_copy_ten_times_is_an_object():
    large, wide = np.zeros(KEPT//8 + 1), np.broadcast_to(np.zeros(1), KEPT)    # one large in name only
    assert Workshop(dict(a=lambda: large)).why == '0.3 GB of arrays' and Workshop(dict(a=lambda: wide)).anew

def test_importing_base_anew_is_light():
    code = 'import sys, tinybench.base.anew; print("numpy" in sys.modules)'
    out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == 'False'
