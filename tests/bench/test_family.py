"What is said of many models and columns is one family: false words are as rare as with one; models are built anew."
import json, math
from dataclasses import replace
import numpy as np
import pytest
from benchkit import made, net, toy
from scipy.special import bdtrc
from tinybench.backends.base import as_model, copied, usual_builds
from tinybench.bench.benchmark import Benchmark, all_values, mapped
from tinybench.bench.choose import in_one_family
from tinybench.bench.pareto import front, pareto, recommend
from tinybench.bench.suite import BenchmarkSuite, SuiteResult, suite_rows
from tinybench.measure.accuracy import Score
from tinybench.measure.builds import maker
from tinybench.measure.pairs import leans, paired_results
from tinybench.measure.result import BenchmarkResult

FIVE = tuple(f'm{i}' for i in range(5))

def rarely(wrong, runs, share=.05, alarm=1e-3):
    "Whether `wrong` of `runs` could be chance if it happens with probability `share`."
    return wrong == 0 or bdtrc(wrong - 1, runs, share) > alarm

def noise(rng, k, rounds, sd=.03):
    "Log times (k, rounds) that took turns on a machine with a mood and interruptions."
    slots = rng.normal(0, sd, rounds*k)
    for i in range(1, len(slots)): slots[i] = .6*slots[i-1] + .8*slots[i]
    slots += math.log(3)*(rng.random(len(slots)) < .05)
    return np.stack([row[rng.permutation(k)] for row in slots.reshape(rounds, k)], 1)

def records(log_secs, builds=0, metric='latency', names=FIVE):
    secs = {k: 1e-3*np.exp(v) for k, v in zip(names, log_secs)}
    parts = {k: [x.tolist() for x in np.array_split(v, max(builds, 1))] for k, v in secs.items()}
    if builds: secs = {k: list(map(float, map(np.median, p))) for k, p in parts.items()}
    found = paired_results(secs)
    if builds: found = {k: replace(x, how=dict(x.how, builds=builds, within=parts[k])) for k, x in found.items()}
    if metric == 'latency': return [*found.values()]
    return [mapped(x, lambda v: 32/v, metric='throughput', unit='examples/s') for x in found.values()]

def scores(rng, shares, data='d', n=1000):
    luck = rng.normal(size=n)
    at = [np.quantile(rng.normal(size=20_000), share) for share in shares]
    return [Score(k, .775*luck + .632*rng.normal(size=n) < a, data) for k, a in zip(FIVE, at)]

def equal_suite(rng, rounds=30, builds=10):
    times = [*records(noise(rng, 5, rounds), builds), *records(noise(rng, 5, rounds), builds, 'throughput')]
    return SuiteResult(FIVE, 'm0', times, [*scores(rng, [.92]*5, 'a'), *scores(rng, [.92]*5, 'b')])

def called(r): return [a.verdict for xs in r.comparison.values() for a in xs.values()]

def check_equal(runs, **how):
    rng, wrong, off = np.random.default_rng(20), 0, 0
    for _ in range(runs):
        r = equal_suite(rng, **how)
        assert len(called(r)) == 16
        wrong += any(map(leans, called(r)))
        off += any(s.status != 'undecided' for s in pareto(r, data='a').rows)
    assert rarely(wrong, runs) and rarely(off, runs), (wrong, off, runs)

def test_five_equal_models_are_rarely_called_different(): check_equal(12)

@pytest.mark.slow
def test_five_equal_models_are_rarely_called_different_anywhere(): check_equal(200)

@pytest.mark.slow
def test_five_equal_models_are_rarely_called_different_by_rounds_either(): check_equal(100, builds=0)

def test_what_is_the_same_is_a_family_too():
    "Ten rivals at the edge of the band: by itself each is wrongly the same in 1 of 40, together no more often."
    rng, wrong, names = np.random.default_rng(3), 0, tuple(f'm{i}' for i in range(11))
    for _ in range(25):
        d = rng.normal(0, .01, (11, 20)) + np.r_[0, [math.log(1.02)]*10][:, None]
        wrong += 'same' in called(SuiteResult(names, 'm0', records(d, 10, names=names)))
    assert rarely(wrong, 25)

def test_columns_make_proof_harder():
    "The same times decide alone and not beside sixty accuracies; what is said is adjusted, the p alone is not."
    rng = np.random.default_rng(1)
    d = rng.normal(0, .02, (5, 30)) + np.array([0, .022, 0, 0, 0])[:, None]
    alone = SuiteResult(FIVE, 'm0', records(d, 10))
    many = SuiteResult(FIVE, 'm0', records(d, 10), [s for i in range(15) for s in scores(rng, [.9]*5, f'd{i}', 100)])
    (a,), (b,) = ([xs['m1'] for c, xs in r.comparison.items() if c.metric == 'latency'] for r in (alone, many))
    assert a.p_alone == b.p_alone and a.p < b.p and leans(a.verdict) == 1 and b.verdict == 'undecided'
    assert 'All 4 tested are one family' in repr(alone) and 'All 64 tested' in repr(many)


# --- conditions

def check_bar(runs):
    rng, passed = np.random.default_rng(5), 0
    for _ in range(runs):
        hits = rng.random((20, 1000)) < .9199
        r = SuiteResult(tuple(f'm{i}' for i in range(20)), 'm0', (), [Score(f'm{i}', h, 'd') for i, h in enumerate(hits)])
        passed += recommend(r, min_accuracy=.92, want='accuracy').kind != 'none'
    assert rarely(passed, runs)

def test_one_of_twenty_below_the_bar_rarely_passes(): check_bar(30)

@pytest.mark.slow
def test_one_of_twenty_below_the_bar_rarely_passes_in_many_suites(): check_bar(300)

def test_who_is_far_above_the_bar_passes_among_many_and_the_others_are_told_why():
    hits = np.random.default_rng(2).random((20, 1000)) < np.array([.97, .942] + [.9]*18)[:, None]
    r = SuiteResult(tuple(f'm{i}' for i in range(20)), 'm5', (), [Score(f'm{i}', h, 'd') for i, h in enumerate(hits)])
    found = recommend(r, min_accuracy=.92, want='accuracy')
    assert found.names == ('m0',) and 'by itself, not beside 19 others' in dict(found.undecided)['m1']
    two = replace(r, names=('m1', 'm5'), scores=[s for s in r.scores if s.name in ('m1', 'm5')])
    assert recommend(two, min_accuracy=.92, want='accuracy').names == ('m1',)

def test_times_meet_conditions_among_many():
    "Ten builds allow any level, so twenty candidates well below a limit all meet it."
    names = tuple(f'm{i}' for i in range(20))
    r = SuiteResult(names, 'm0', records(np.random.default_rng(0).normal(0, .02, (20, 30)), 10, names=names))
    found = recommend(r, max_latency=1.1e-3)
    assert not found.undecided and not found.missed
    assert len(recommend(r, max_latency=.9e-3).missed) == 20


# --- the frontier

def chain(rng, rounds=100, step=.02, lost=.005):
    d = noise(rng, 5, rounds, .043) + step*np.arange(5)[:, None]
    return SuiteResult(FIVE, 'm0', records(d), scores(rng, .92 - lost*np.arange(5)))

def check_chain(runs, least):
    rng, decided = np.random.default_rng(7), 0
    for _ in range(runs):
        said = [s.status for s in pareto(chain(rng)).rows]
        assert said[0] != 'off' and 'on' not in said[1:]
        decided += 5 - said.count('undecided')
    assert decided >= least*5*runs

def test_a_dominated_chain_is_decided(): check_chain(4, .6)

@pytest.mark.slow
def test_a_dominated_chain_is_decided_in_four_of_five(): check_chain(60, .8)

def test_the_margin_is_a_choice():
    "Half the time for one point less: with few examples a loss that 2% allow; at 0 nothing is given away."
    rng = np.random.default_rng(0)
    r = SuiteResult(FIVE, 'm0', records(rng.normal(0, .01, (5, 30)) + np.log([1, 2, 2, 2, 2])[:, None], 10),
                    scores(rng, [.91, .915, .90, .90, .89], n=3000))
    assert pareto(r)['m1'].status == 'off' and pareto(r, margin=0.)['m1'].status != 'off'
    assert '2% of latency or 2 points' in repr(pareto(r)) and pareto(r, margin=.1).to_dict()['margin'] == .1
    with pytest.raises(ValueError, match='a margin of -1'): pareto(r, margin=-1)

def test_a_trade_is_no_loss():
    "A model that is surely better in one of the two is never off, however small the difference is."
    a, b = np.ones(10_000, bool), np.ones(10_000, bool)
    a[:900], b[:800] = False, False                                          # one point, of the same examples
    r = SuiteResult(('a', 'b'), 'a', records([[0.]*20, [.7]*20] + np.random.default_rng(0).normal(0, .01, (2, 20)), 10, names='ab'),
                    [Score('a', a, 'd'), Score('b', b, 'd')])
    assert {s.name: s.status for s in pareto(r).rows} == dict(a='on', b='on')

def test_counted_costs_are_exact_and_ties_keep():
    size = {k: BenchmarkResult(k, 'weights', 'B', v, 'modelled') for k, v in dict(a=100, b=100, c=103, d=102).items()}
    right = {k: Score(k, np.arange(1000) < n, 'd') for k, n in dict(a=900, b=700, c=900, d=900).items()}
    assert front(size, right, 0.) == dict(a='on', b='off', c='undecided', d='undecided')
    assert front(size, right) == dict(a='on', b='off', c='off', d='off')

def test_other_examples_or_rounds_are_no_pairs():
    cost = {k: records([[0.]*9], names=k)[0] for k in 'ab'}                  # two runs
    gain = dict(a=Score('a', [True]*9, 'd'), b=Score('b', [True]*90, 'd'))
    assert front(cost, gain) == dict(a='undecided', b='undecided')


# --- built anew

def test_all_is_built_anew_unless_said():
    assert [usual_builds(n) for n in (1, 5, 6, 9, 12, 24, 30, 150)] == [1, 5, 6, 9, 6, 8, 10, 10]
    one, two, three = (Benchmark(dict(a=(net(3), (4,))), **kw) for kw in ({}, dict(processes=6), dict(builds=1)))
    assert (one.builds, two.builds, three.builds) == (10, 1, 1)
    r = Benchmark(dict(a=(net(3), (4,)), b=(net(5), (4,))), repeats=12, min_secs=1e-6).run_latency_benchmark()['a']
    assert r.n == r.how['builds'] == 6 and [len(v) for v in r.how['within']] == [2]*6

def test_builds_share_what_need_not_be_done_again(monkeypatch):
    "Ten builds look for the libraries of BLAS once, and calls in a sample are counted once; each is made anew all the same."
    import tinybench.backends.base as base
    import tinybench.bench.benchmark as module
    seen, fs = [], (base.pinned, module.even_loops)
    monkeypatch.setattr(base, 'pinned', lambda n: seen.append('pinned') or fs[0](n))
    monkeypatch.setattr(module, 'even_loops', lambda *a: seen.append('loops') or fs[1](*a))
    monkeypatch.setattr(module, 'copied', lambda m, keep: seen.append('copied') or copied(m, keep))
    b = Benchmark(dict(a=(net(3), (4,))), repeats=20, min_secs=1e-6)
    r = b.run_latency_benchmark()['a']
    assert (seen.count('pinned'), seen.count('loops'), seen.count('copied')) == (1, 1, 10) and r.how['threads'] == 1

class Session:
    "Cannot be copied."
    def __deepcopy__(self, memo): raise TypeError('one of a kind')
    def __call__(self, x): return x[:, :3]

def test_what_cannot_be_copied_is_compared_as_an_object_and_said():
    b = Benchmark(dict(s=(Session(), (4,)), a=(net(3), (4,))), repeats=6, min_secs=1e-6)
    found = b.run_latency_benchmark()
    assert found['s'].how['same'] and 'same' not in found['a'].how and found['s'].how['builds'] == 6
    assert 'Times of s are of these objects' in repr(b.compare_models()) and 'these objects' not in repr(
        Benchmark(dict(b=(net(5), (4,)), a=(net(3), (4,))), repeats=6, min_secs=1e-6).compare_models())
    suite = BenchmarkSuite(dict(s=(Session(), (4,)), a=(net(3), (4,))), repeats=6, min_secs=1e-6).run(False)
    assert suite.ok and 'Times of s are of these objects' in repr(suite)
    old = BenchmarkSuite(dict(b=(net(5), (4,)), a=(net(3), (4,))), repeats=9, min_secs=1e-6, builds=1).run(False)
    assert 'Times are of these objects' in repr(old)

def test_a_maker_makes_each_build():
    made_, nets = [], []
    def build():
        made_.append(1)
        nets.append(net(3))
        return nets[-1]
    m = as_model('a', maker(build), (4,))
    Benchmark([m, as_model('b', net(5), (4,))], repeats=6, min_secs=1e-6).run_latency_benchmark()
    assert len(made_) >= 7 and len({id(n) for n in nets}) == len(nets) and m.kind == 'tinybench' and m.make().name == 'a'

def test_a_function_is_copied_with_what_it_holds():
    w = np.ones((4, 3), 'float32')
    def f(x): return x@w
    m = as_model('f', f, (4,))
    c = copied(m)
    assert c.call is not f and c.call.__closure__[0].cell_contents is not w and (c.call(np.ones((1, 4), 'float32')) == 4).all()
    def g(x): return x[:, :3]
    assert copied(as_model('g', g, (4,))).call is g

def test_a_budget_is_shared_out_to_builds():
    b = Benchmark(dict(a=(net(3), (4,))), secs=.2, min_secs=1e-4)
    r = b.run_latency_benchmark()['a']
    assert r.how['builds'] == r.n == 10 and len({len(v) for v in r.how['within']}) == 1

def test_enough_rounds_for_all_that_is_said():
    "By flipped signs so many columns and rivals need more rounds; Student's t over builds does not."
    five = {k: (net(3), (4,)) for k in FIVE}
    def suite(**kw): return BenchmarkSuite(five, toy(), min_secs=1e-6, **kw)
    with pytest.raises(ValueError, match='n=8 rounds: too few .* and 12 comparisons, which needs 9'): suite(builds=1, repeats=8)
    for kw in (dict(builds=1, repeats=9), dict(repeats=6), dict(processes=6), dict(builds=6)): suite(**kw)
    with pytest.raises(ValueError, match='needs 6'): suite(processes=5)
    b = Benchmark(five, builds=1, repeats=6, min_secs=1e-6)
    with pytest.raises(ValueError, match='4 comparisons, which needs 8'): b.compare_models('latency')

def test_six_processes_decide_about_two_rivals():
    "Each process has a bias of .7% of its own, the truth is 5%."
    rng, found = np.random.default_rng(4), 0
    for _ in range(40):
        d = rng.normal(0, .007, (3, 6)) + np.log([1, 1.05, 1.05])[:, None]
        rs = [replace(r, how=dict(r.how, processes=6, within=[[v] for v in r.values])) for r in records(d, names='abc')]
        said = SuiteResult(tuple('abc'), 'a', rs).comparison
        found += all(leans(a.verdict) == 1 for xs in said.values() for a in xs.values())
    assert found >= 30


# --- what stands in the table

def test_the_mean_stands_beside_the_median():
    "A tenth of the calls takes three times as long: the same median, a mean that is a fifth larger."
    rng = np.random.default_rng(6)
    d = rng.normal(0, .002, (2, 300))
    d[1, rng.permutation(300)[:30]] += math.log(3)
    for builds in (0, 10):
        r = SuiteResult(('a', 'b'), 'a', records(d, builds, names='ab'))
        (a,) = (xs['b'] for xs in r.comparison.values())
        assert a.verdict == 'same' and 1.1 < a.mean.lo < a.mean.hi < 1.3
        for text in (repr(r), r._repr_markdown_()): assert 'the same in the median; mean 1.2' in text
        rows = {row['name']: row for row in suite_rows(r)}
        assert rows['b']['mean']/rows['a']['mean'] == pytest.approx(1.2, rel=.02) and 'mean' in rows['b']['words']

def test_the_mean_of_a_rate_is_all_work_over_all_time():
    secs = np.r_[[1e-3]*19, 3e-3]
    for builds in (0, 4):
        r = records([np.log(secs*1e3)], builds, 'throughput', 'a')[0]
        assert all_values(r).mean == pytest.approx(32*20/secs.sum())
        assert suite_rows(SuiteResult(('a',), 'a', [r]))[0]['mean'] == pytest.approx(32*20/secs.sum())

def test_an_older_result_is_read():
    "Without builds in its settings and records: judged by rounds, and named for what it is."
    r = made(dict(a=1e-3, b=2e-3), dict(a=.9, b=.9), dict(a=4000, b=4000), n=200)
    d = json.loads(json.dumps(r.to_dict()))
    d['table'] = [{k: v for k, v in row.items() if k not in ('mean', 'words')} for row in d['table']]
    old = SuiteResult.from_dict(d)
    assert old == r and 'Times are of these objects' in repr(old) and pareto(old)['b'].status == 'off'

def test_family_at_any_level():
    assert in_one_family(['a', 'b'], lambda k, level: 'met' if level <= .96 else 'undecided') == dict(a='undecided', b='undecided')
    assert in_one_family(['a'], lambda k, level: 'met' if level <= .96 else 'undecided') == dict(a='met')
