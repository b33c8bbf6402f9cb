"""measure.looks: what is spent, what may be concluded at a look, and several looks at simulated comparisons."""
import math
import numpy as np
import pytest
from scipy import stats
from tinybench.measure.looks import above, boundary, look, look_ends, look_interval, look_sums, until_decided
from tinybench.measure.signs import flip_interval, flip_test
from tinybench.operating.worlds import WORLDS, busy
from worldkit import log_ratios

BUSY = busy(.02)

def rng(seed=0): return np.random.default_rng(seed)

def stops_at(d, ends):
    "After how many units `d` is said to differ from 0; 0 if it is not."
    sums = [look_sums(side*d, ends) for side in (1, -1)]
    crossed = np.any([s[:, 0] > boundary(s, np.array(ends)/ends[-1]) for s in sums], 0)
    return ends[crossed.argmax()] if crossed.any() else 0


@pytest.mark.parametrize('most, looks, ends', [
    (200, 5, (50, 71, 100, 142, 200)), (202, 5, (51, 72, 101, 143, 202)), (10, 5, (3, 4, 5, 8, 10)),
    (64, 3, (32, 46, 64)), (7, 1, (7,)), (1, 5, (1,)), (2, 9, (1, 2))], ids=str)
def test_each_look_takes_more(most, looks, ends): assert look_ends(most, looks) == ends

@pytest.mark.parametrize('most, looks', [(0, 5), (10, 0), (-3, 2)])
def test_no_looks(most, looks):
    with pytest.raises(ValueError, match='looks at'): look_ends(most, looks)


def test_alpha_is_spent_as_the_square():
    sums = look_sums(rng(1).normal(size=200), look_ends(200))
    bars = boundary(sums, np.array(look_ends(200))/200)
    dead = np.logical_or.accumulate(sums > np.array(bars)[:, None], 0).sum(1)
    np.testing.assert_array_equal(dead, [int(4096*.05*(n/200)**2) for n in look_ends(200)])
    assert 2 < bars[-1] < 2.4 < 2.8 < bars[0] < 4


def test_one_look_is_the_flip_test():
    for i in range(10):
        d = rng([2, i]).normal(.03, .1, 40)
        lo, hi = look_interval(d, [40], 40)
        np.testing.assert_allclose((lo, hi), flip_interval(d), atol=.01)    # another draw of the flips
        assert (lo > 0) == above(d, [40], 40) and lo <= np.median(d) <= hi


def test_swapping_sides_mirrors_a_look():
    for i in range(10):
        d = rng([3, i]).normal(.05, .1, 72)
        a, b = look(d, 202), look(-d, 202)
        assert (a.lo, a.hi, a.leans, a.same) == (-b.hi, -b.lo, -b.leans, b.same) and a.decided == b.decided


@pytest.mark.parametrize('n', [1, 2, 5, 6])
def test_few_units_decide_nothing_early(n):
    "Not even the most one-sided: 6 of 30 may spend .2%, and six signs agree in 3%."
    assert look(np.full(n, .5), 30) == look(np.full(n, .5), 30)
    seen = look(np.full(n, .5), 30)
    assert not seen.decided and seen.lo == -math.inf and seen.hi == math.inf


@pytest.mark.parametrize('d, same, leans', [
    ([0.]*50, True, 0), ([.01]*50, True, 1), ([.05]*50, False, 1), ([-.05]*50, False, -1)], ids=range(4))
def test_what_can_be_said_of_units_that_agree(d, same, leans):
    seen = look(d, 50)
    assert (seen.same, seen.leans, seen.decided) == (same, leans, True) and seen.lo == seen.hi == seen.mid


def test_a_plan_has_no_more_units():
    with pytest.raises(ValueError, match='51 units of a plan of 50'): look([.1]*51, 50)
    with pytest.raises(ValueError, match='0 units'): look([], 50)
    with pytest.raises(ValueError, match='between'): look([.1]*50, 50, level=95)


def test_units_may_be_builds():
    "Ten medians of builds, 5% slower with 1% between builds: found before the tenth."
    stopped = [until_decided(lambda n: d[:n], 10, band=.005) for d in rng(4).normal(.05, .01, (20, 10))]
    assert all(s.leans == 1 and s.n <= 8 for s in stopped)


def test_nothing_is_measured_after_the_decision():
    asked, d = [], rng(5).normal(.1, .05, 200)
    seen = until_decided(lambda n: asked.append(n) or d[:n], 200)
    assert asked == [50] and seen.leans == 1 and seen.n == 50


def test_same_is_shown_early_and_not_of_what_differs():
    "Noise of 1%: equal things are the same before the end; what is at the edge of the band hardly ever is."
    edge = math.log1p(.02)
    equal, at_edge = rng(6).normal(0, .01, (15, 60)), rng(7).normal(edge, .02, (30, 60))
    stopped = [until_decided(lambda n: d[:n], 60) for d in equal]
    assert all(s.same for s in stopped) and np.mean([s.n for s in stopped]) < 40
    assert sum(until_decided(lambda n: d[:n], 60).same for d in at_edge) <= stats.binom.isf(1e-3, 30, .025)


def test_five_looks_keep_the_promise_and_twenty_peeks_do_not():
    ds = log_ratios(BUSY, rng(8), 200, 100)
    looked = np.mean([stops_at(d, look_ends(100)) > 0 for d in ds])
    peeked = np.mean([any(flip_test(d[:n]) <= .05 for n in range(10, 101, 10)) for d in ds])
    assert looked <= stats.binom.isf(1e-3, 200, .05)/200 and peeked > .12


def test_intervals_hold_at_all_looks_at_once():
    "What is left out at one of the looks is what crosses there, which happens to the truth in at most 5%."
    ends, gen = look_ends(24, 3), rng(9)
    for shift in (0, 0, .06, -.06, .1, -.1):
        d = gen.normal(shift, .1, 24)
        left = [lo > 0 or hi < 0 for lo, hi in (look_interval(d[:n], ends[:i+1], 24) for i, n in enumerate(ends))]
        assert stops_at(d, ends) == next((n for n, out in zip(ends, left) if out), 0)


@pytest.mark.slow
@pytest.mark.parametrize('name, most', [(BUSY.name, 202), (BUSY.name, 30), ('calm', 202), ('two speeds', 202), ('interrupted', 60)])
def test_false_alarms_of_five_looks(name, most):
    world = next(w for w in (*WORLDS, BUSY) if w.name == name)
    ds = log_ratios(world, rng([405, most]), 2000, most)
    assert np.mean([stops_at(d, look_ends(most)) > 0 for d in ds]) <= stats.binom.isf(1e-3, 2000, .05)/2000


@pytest.mark.slow
def test_five_looks_save_a_quarter_and_lose_two_points():
    "At a true 3%, 202 pairs at most: a quarter fewer, and power within two points and two paired standard errors."
    ds = log_ratios(BUSY, rng(406), 3000, 202) + math.log(1.03)
    stopped = np.array([stops_at(d, look_ends(202)) for d in ds])
    fixed = np.array([flip_test(d) <= .05 for d in ds])
    lost = fixed*1. - (stopped > 0)
    assert np.where(stopped, stopped, 202).mean() <= .75*202
    assert lost.mean() <= .02 + 2*lost.std()/math.sqrt(3000)
