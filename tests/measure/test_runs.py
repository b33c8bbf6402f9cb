"measure.runs: what did not take turns, one run a side and several; sizes."
import json, math
from dataclasses import replace
import numpy as np
import pytest
from scipy import stats
from tinybench.measure.pairs import Comparison
from tinybench.measure.result import BenchmarkResult, merge
from tinybench.measure.runs import compare_runs, gate_of, own_spread, rows_ratio, runs_ratio, separate_ratio, welch_ratio

def rng(seed=0): return np.random.default_rng(seed)
def alone(name, values, **how): return BenchmarkResult(name, 'latency', 's', values, 'measured', how, {})

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

def test_intervals_of_separate_runs_cover_the_truth():
    "Two runs of 40, each with autocorrelation .6, a true ratio of 1.2: covered in 92% of 400 experiments."
    gen = rng(8)
    def wandering(n=40, rho=.6):
        v = [gen.normal()]
        for e in gen.normal(0, math.sqrt(1 - rho**2), n - 1): v.append(rho*v[-1] + e)
        return np.exp(.05*np.array(v))
    found = [separate_ratio(alone('a', 1.2*wandering()), alone('b', wandering())) for _ in range(400)]
    assert np.mean([r.lo <= 1.2 <= r.hi for r in found]) >= .92


# --- several runs a side

def day(gen, truth=1., between=.05, name='net', n=30, **how):
    return alone(name, truth*np.exp(gen.normal(0, between) + gen.normal(0, .02, n)), **how)

@pytest.mark.parametrize('m, n', [(2, 2), (3, 3), (1, 3), (4, 1), (5, 2)])
def test_several_runs_are_judged_by_t_over_their_medians(m, n):
    gen = rng(m)
    old, new = [[day(gen)] for _ in range(m)], [[day(gen, 1.2)] for _ in range(n)]
    r = compare_runs(old, new, unpaired=True)['net']
    x, y = (np.log([run[0].median for run in runs]) for runs in (old, new))
    want = stats.ttest_ind(y, x, equal_var=m == n and not own_spread(x, y))
    if min(m, n) > 1: np.testing.assert_allclose([r.p, r.ratio.lo, r.ratio.hi], [want.pvalue, *np.exp(want.confidence_interval())])
    else:
        many, one = (x, y) if n == 1 else (y, x)
        half = stats.t.isf(.025, len(many) - 1)*many.std(ddof=1)*math.sqrt(1 + 1/len(many))
        assert math.log(r.ratio.hi/r.ratio.estimate) == pytest.approx(half)
    assert (r.ratio.of, r.ratio.n, r.concerns) == ('runs', min(m, n), ()) and r.more is None or r.more >= 0

def test_one_run_a_side_is_unsure_in_words_and_record():
    gen = rng(3)
    c = compare_runs(day(gen), day(gen), unpaired=True)
    assert c['net'].concerns == ('unsure: one run a side says nothing of the spread between runs',) and 'net is unsure' in repr(c)
    assert Comparison.from_dict(json.loads(json.dumps(c.to_dict()))) == c

def test_equal_code_in_three_runs_a_side_is_seldom_called_different():
    "Runs differ by 5%: 5% of 300; one run a side is wrong in most."
    gen = rng(4)
    def three(): return np.log([day(gen).median for _ in range(3)])
    assert sum(runs_ratio(three(), three()).excludes_one for _ in range(300)) <= 25
    assert sum(separate_ratio(day(gen), day(gen)).excludes_one for _ in range(40)) >= 24

def test_welch_only_where_a_side_has_its_own_spread():
    gen = rng(5)
    calm, moody = gen.normal(0, .01, 5), gen.normal(0, .3, 5)
    assert own_spread(calm, moody) and own_spread(moody, calm) and not own_spread(calm, calm + 1) and not own_spread(calm[:1], moody)
    q, want = welch_ratio(moody, calm), stats.ttest_ind(moody, calm, equal_var=False).confidence_interval()
    np.testing.assert_allclose(np.log([q.lo, q.hi]), want)
    assert rows_ratio(calm, calm[::-1] + .1) == runs_ratio(calm, calm[::-1] + .1) and rows_ratio(calm, moody) == welch_ratio(calm, moody)
    wrong = 0                                  # six calm runs and three moody ones: pooling alone would be wrong in 20%
    for _ in range(400):
        x, y = gen.normal(0, .01, 6), gen.normal(0, .05, 3)
        wrong += rows_ratio(y, x).excludes_one
    assert wrong <= 40

def test_names_must_be_the_same_in_every_run():
    gen = rng(6)
    both, one = [day(gen, name='a'), day(gen, name='b')], [day(gen, name='a')]
    with pytest.raises(ValueError, match='only one of them has b'): compare_runs([both, both], [both, one], unpaired=True)
    with pytest.raises(ValueError, match='only one of them has b'): compare_runs([both, one], [both, both], unpaired=True)
    with pytest.raises(ValueError, match='given twice'): compare_runs([one, one], [one, one], unpaired=True)

def test_the_gate_is_a_family_and_swaps_for_rates():
    gen = rng(7)
    def q(truth, sd=.01): return runs_ratio(np.log(truth) + gen.normal(0, sd, 4), gen.normal(0, sd, 4))
    assert gate_of([q(1.2), q(1.), q(1.05, .1)], .05) == ['fail', 'pass', 'undecided'] and gate_of([], .05) == []
    assert gate_of([q(1/1.2), q(1.)], .05, rate=True) == ['fail', 'pass']
    close = runs_ratio([.11, .10, .13, .12], [0., .02, -.01, .01])
    near = [x/1000 for x in range(0, 200) if gate_of([close], x/1000) == ['fail'] and gate_of([close]*10, x/1000) == ['undecided']*10]
    assert near                                # a limit that one fails surely, and of ten none

def test_merged_runs_count_as_runs():
    gen = rng(8)
    old, new = ([day(gen, t) for _ in range(4)] for t in (1., 1.3))
    apart = compare_runs([[r] for r in old], [[r] for r in new], unpaired=True)['net']
    assert compare_runs(merge(old), merge(new), unpaired=True)['net'].ratio == apart.ratio
