"""measure.pairs: ratios of pairs and of runs, many rivals, verdicts, and the record; simulations have fixed seeds."""
import json, math, time
from dataclasses import FrozenInstanceError, replace
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats
from tinybench.base.text import escaped
from tinybench.measure.pairs import (
    SLIGHTLY, Asked, Comparison, Evidence, Ratio, at_level, check_paired, compare_results, evidence, evidences, holm, in_words, interval_p, judge,
    leans, mean_ratio, more_for, more_pairs, paired_results, ratio, ratio_and_p, ratio_of_pairs, t_ratio, verdict, wilcoxon)
from tinybench.measure.result import BenchmarkResult, merge
from tinybench.measure.signs import stretch, flip_interval, flip_intervals, flip_test, sign_test, signed_rank

def rng(seed=0): return np.random.default_rng(seed)
def pairs(**values): return paired_results(values)
def alone(name, values): return BenchmarkResult(name, 'latency', 's', values, 'measured', {}, {})
def normal_ratio(n, mean, sd, rng): return ratio_of_pairs(rng.normal(mean, sd, n))
def family(rows, of='pairs', band=.02):
    es = [Evidence(d, of=of) for d in rows]
    return judge([Asked(f'net {i}', e.ratio, e.p) for i, e in enumerate(es)], band)

secs = st.floats(1e-7, 1e3)
ps = st.lists(st.floats(0, 1), min_size=1, max_size=12)
runs = st.integers(6, 60).flatmap(lambda n: st.tuples(*[st.lists(secs, min_size=n, max_size=n)]*2))
ratios = st.tuples(st.floats(-.3, .3), st.floats(0, .3), st.floats(0, .3), st.integers(6, 5000)).map(
    lambda t: Ratio(*map(math.exp, (t[0], t[0] - t[1], t[0] + t[2])), t[3]))
def pair(a, b, **how): return paired_results(dict(a=a, b=b), **how).values()

@given(runs)
def test_ratio_is_that_of_the_pairs_and_inverts(ab):
    a, b = map(np.array, ab)
    q, p, d = ratio(*pair(a, b)), ratio(*pair(b, a)), np.log(a) - np.log(b)
    mid, by, (lo, hi) = np.median(d), stretch(d), flip_interval(d)
    np.testing.assert_allclose([q.lo, q.hi], np.exp([mid - by*(mid - lo), mid + by*(hi - mid)]), rtol=1e-9)
    np.testing.assert_allclose([q.estimate*p.estimate, q.lo*p.hi, q.hi*p.lo], 1, rtol=1e-9)
    assert q.lo <= q.estimate <= q.hi and q.n == len(a) and q.excludes_one == (ratio_and_p(*pair(a, b))[1] <= .05)

def test_rivals_are_judged_together_as_each_alone(monkeypatch):
    "The same ratios and ps, some of values that lean; a rival more costs no call more of the search for ends."
    import tinybench.measure.pairs as module
    gen, calls = rng(8), []
    def counted(ds, level): return calls.append(len(ds)) or flip_intervals(ds, level)
    monkeypatch.setattr(module, 'flip_intervals', counted)
    moods = np.cumsum(gen.normal(0, .03, (7, 40)), 1)*(np.arange(7) % 2)[:, None]
    base, *rs = pairs(**{f'm{i}': np.exp(d) for i, d in enumerate(gen.normal(0, .05, (7, 40)) + moods)}).values()
    for level in (.95, .8):
        for e, r in zip(evidences(rs, base, level), rs, strict=True):
            alone = evidence(r, base, level)
            assert (e.ratio, e.p(), e.p(1.02), e.leans) == (alone.ratio, alone.p(), alone.p(1.02), alone.leans)
    assert calls == [6, 6] and any(e.leans for e in evidences(rs, base)) and evidences([], base) == []

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
    d = np.log(one[0]) - np.log(one[1])
    assert ratio_and_p(*pair(*one))[1] == Evidence(d).p() >= flip_test(d)

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

@pytest.mark.parametrize('by', [.01, 1., 3.])
def test_a_pace_that_a_pair_shares_cancels(by):
    "To a thousandth of the width, to which the ends of an interval are sought."
    pace, a, b = rng(1).lognormal(0, .3, (3, 25))
    r, s = ratio(*pair(by*pace, pace)), ratio(*pair(by*a*pace, b*pace))
    np.testing.assert_allclose([r.estimate, r.lo, r.hi], by, rtol=1e-9)
    plain = ratio(*pair(a, b))
    np.testing.assert_allclose(s.estimate, by*plain.estimate, rtol=1e-9)
    np.testing.assert_allclose([s.lo, s.hi], by*np.array([plain.lo, plain.hi]), rtol=2e-3)

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

swapped = dict(faster='slower', slower='faster', same='same', undecided='undecided')
swapped |= {k + SLIGHTLY: swapped[k] + SLIGHTLY for k in ('faster', 'slower')}

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

@given(ratios, st.integers(1, 20))
def test_another_level_is_another_width(r, m):
    "The advice for many rivals is for an interval as wide as Holm's first step asks, about the same estimate."
    wide = at_level(r, 1 - .05/m)
    assert (wide.estimate, wide.n, wide.level) == (pytest.approx(r.estimate), r.n, 1 - .05/m) and wide.lo <= r.lo*(1 + 1e-9)
    z = stats.norm.isf(.025/m)/stats.norm.isf(.025)
    assert math.log(r.estimate/wide.lo) == pytest.approx(z*math.log(r.estimate/r.lo), abs=1e-12)
    t = at_level(replace(r, df=5), 1 - .05/m)
    z = stats.t.isf(.025/m, 5)/stats.t.isf(.025, 5)
    assert math.log(t.hi/r.estimate) == pytest.approx(z*math.log(r.hi/r.estimate), abs=1e-12)

def test_a_ratio_that_wanders_itself():
    "Log-ratios with autocorrelation .6: the wider interval keeps false alarms near 5%, no test alone does."
    gen, n, rho = rng(4), 60, .6
    noise = gen.normal(size=(300, n))
    d = np.empty_like(noise)
    d[:, 0] = noise[:, 0]
    for i in range(1, n): d[:, i] = rho*d[:, i-1] + math.sqrt(1 - rho**2)*noise[:, i]
    es = [Evidence(v/50) for v in d]
    said = [verdict(e.ratio, 0., e.p()) for e in es]
    assert np.mean([v != 'undecided' for v in said]) <= .09
    for test in (sign_test, signed_rank, flip_test): assert np.mean([test(v) <= .05 for v in d]) >= .12

def test_no_rival_is_singled_out_by_chance():
    "Seven equal rivals: a verdict of a difference in about 5% of races at most, with Holm; in many without."
    gen = rng(5)
    def race():
        d = gen.normal(0, .03, (7, 30)) - gen.normal(0, .03, 30)
        return any(leans(r.verdict) for r in family(d)), any(flip_test(v) <= .05 for v in d)
    judged, naive = np.mean([race() for _ in range(100)], 0)
    assert judged <= .06 and naive >= .12

def test_undecided_by_holm_still_says_how_many_more():
    "An interval without 1, but a p that is too large among ten rivals."
    gen = rng(6)
    values = dict(base=np.ones(30), near=np.exp(gen.normal(.014, .03, 30)))
    values |= {f'net {i}': np.exp(gen.normal(0, .03, 30)) for i in range(9)}
    row = compare_results(paired_results(values), band=.001)['near']
    assert row.ratio.excludes_one and row.p <= .05 < row.p_holm
    assert row.verdict == 'undecided' and row.more > 0

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
    assert f'undecided; measure again with {30 + c["near"].more} pairs' in text and 'slower' in text
    assert mark.splitlines()[0] == '| name | ratio | p (Holm) | p (Wilcoxon) | verdict |' and 'a\\|b' in mark
    assert list(frame.index) == ['a|b', 'near'] and list(frame.verdict) == ['slower', 'undecided']
    assert frame.loc['near', 'wilcoxon'] == wilcoxon(c.results[2], c.results[0])
    assert frame.loc['a|b', 'lo'] == c['a|b'].ratio.lo and frame.loc['near', 'more'] == c['near'].more
    assert 'slower' in repr(c['a|b']) and 'n=30 pairs' in repr(c['a|b'])

@given(ratios)
def test_interval_p_agrees_with_its_interval(r):
    p = interval_p(r)
    assert 0 <= p <= 1 and (abs(p - .05) < 1e-9 or (p < .05) == r.excludes_one)
    assert interval_p(r.inverse()) == pytest.approx(p, rel=1e-6, abs=1e-300)

@pytest.mark.parametrize('r,words', [((1.000001,)*3, '1.0000010 [1.0000010, 1.0000010]'), ((.9999999,)*3, '0.99999990 [0.99999990, 0.99999990]'), ((1,)*3, '1 [1, 1]'),
                                     ((4/3,)*3, '1.33 [1.33, 1.33]'), ((.00012, .00012 - 1e-13, .00012 + 1e-13), '0.00012000000000 [0.00011999999990, 0.00012000000010]')])
def test_only_one_is_written_as_one_and_only_a_point_as_a_point(r, words): assert Ratio(*r, n=30).words() == words

# --- words

def test_slower_is_by_more_than_the_band_and_else_perhaps():
    "One truth, an interval that shrinks: undecided, slower perhaps slightly, the same; or slower, if all of it is beyond the band."
    said = [verdict(Ratio(1.012, 1.012 - w, 1.012 + w, 30)) for w in (.02, .01, .005)]
    assert said == ['undecided', 'slower, perhaps slightly', 'same']
    for k, word in ((1.03, 'slower'), (1/1.03, 'faster')):
        assert verdict(Ratio(k, k*.995, k*1.005, 30)) == word and verdict(Ratio(k, k*.985, k*1.015, 30)) == word + SLIGHTLY
    assert [leans(v) for v in ('slower', 'slower' + SLIGHTLY, 'faster' + SLIGHTLY, 'same', 'undecided', 'less', 'more', 'better', 'worse', 'baseline', '')] == [
        1, 1, -1, 0, 0, -1, 1, -1, 1, 0, 0]
    assert in_words('slower' + SLIGHTLY, .05) == 'slower, perhaps by less than 5%' and in_words('same') == 'same'


# --- many rivals: one family for all that is said

@pytest.mark.parametrize('m, n', [(1, 6), (2, 7), (3, 7), (4, 8), (5, 8), (10, 9), (20, 10)])
def test_few_rounds_ask_for_as_many_as_can_decide(m, n):
    "m rivals, all ten times slower in every round: six rounds cannot say so of two or more, and the advice is the least that can."
    d = np.full((m, 6), math.log(10.))
    rows = family(d)
    assert {r.ratio.n + r.more for r in rows} == {n} and {r.verdict for r in rows} == {'slower' if m == 1 else 'undecided'}
    assert {r.verdict for r in family(np.full((m, n), math.log(10.)))} == {'slower'}
    if n > 6: assert {r.verdict for r in family(np.full((m, n - 1), math.log(10.)))} == {'undecided'}

def test_the_advice_is_what_compare_says():
    c = compare_results(pairs(a=[1.]*6, twice=[2.]*6, ten=[10.]*6))
    assert [r.verdict for r in c.rows] == ['undecided']*2 and repr(c).count('undecided; measure again with 7 pairs') == 2

def test_runs_are_asked_for_by_t():
    "Ratios of 1.05 under 6% between builds: so many builds that t would leave out 1 with a third to spare, more for more rivals."
    q = t_ratio(np.log(1.05) + .06*stats.zscore(rng().normal(size=6), ddof=1))[0]
    need = [6 + more_for(q, rivals=m) for m in (1, 2, 10)]
    for m, n in zip((1, 2, 10), need):
        def half(n): return 1.5*stats.t.isf(.025/m, n - 1)*.06/math.sqrt(n)
        assert half(n) <= math.log(1.05) < half(n - 1)
    assert need[0] < need[1] < need[2] and more_for(replace(q, of='processes')) == need[0] - 6
    assert more_for(t_ratio([.1, -.1, .2, -.2])[0], band=0.) is None

def test_advised_runs_decide():
    gen = rng(2)
    def one(n): return family(.03 + .03*gen.normal(size=(2, n)), 'builds')
    more = [r.more for _ in range(60) for r in one(6) if r.verdict == 'undecided' and r.more]
    assert np.mean([one(6 + n)[0].verdict != 'undecided' for n in more]) >= .8

@pytest.mark.parametrize('n', [12, 30])
def test_a_wrong_same_of_any_of_ten_rivals_is_rare(n):
    "All ten at the very edge: some 'same' in 5% at most, and some 'slower' (by more than the band); unadjusted in more."
    gen, count = rng(8), np.zeros(3)
    sd = .02 if n == 30 else .01
    for _ in range(40):
        d = math.log(1.02) + gen.normal(0, sd, (10, n)) - gen.normal(0, sd, n)
        rows = family(d)
        count += any(r.verdict == 'same' for r in rows), any(r.verdict == 'slower' for r in rows), any(verdict(r.ratio) == 'same' for r in rows)
    assert count[0] <= 5 and count[1] <= 5 and count[2] > count[0]

def test_same_is_said_of_several_where_all_surely_are():
    assert {r.verdict for r in family(rng().normal(0, .005, (5, 30)))} == {'same'}

def test_six_processes_decide_beside_two_rivals_whatever_the_bias():
    "A true 5%, 2% between processes: found in three of four."
    gen = rng(9)
    assert np.mean([r.verdict.startswith('slower') for _ in range(100) for r in family(.05 + .02*gen.normal(size=(2, 6)), 'processes')]) >= .75


# --- ratios that have moods, and what is merged

def mood(gen, n, rho=.98):
    v = np.empty((2, n))
    v[:, 0] = gen.normal(size=2)
    for i in range(1, n): v[:, i] = rho*v[:, i-1] + math.sqrt(1 - rho*rho)*gen.normal(size=2)
    return v[0] - v[1]

def test_a_ratio_with_moods_is_wider_and_says_so():
    "Both arms wander by themselves: less than half as often wrong as flips alone, p agrees, and who is wrong is warned."
    gen = rng(11)
    found = [(flip_test(d) <= .05, compare_results(pairs(a=np.ones(100), b=np.exp(d)))['b'])
             for d in (.03*mood(gen, 100) + gen.normal(0, .01, 100) for _ in range(40))]
    wrong = [r for _, r in found if r.ratio.excludes_one]
    assert len(wrong) < sum(alone for alone, _ in found)/2 and all((r.p <= .05) == r.ratio.excludes_one for _, r in found)
    assert np.mean([any(w.startswith('correlated') for w in r.concerns) for r in wrong]) >= .95

def test_concerns_of_a_ratio_stand_in_the_table_the_record_and_the_frame():
    gen = rng(12)
    c = compare_results(pairs(a=np.exp(.1*np.cumsum(gen.normal(size=60))), b=np.exp(.1*np.cumsum(gen.normal(size=60)))))
    assert c['b'].concerns and 'careful, the ratio of b is correlated: ' in repr(c) and 'correlated' in repr(c['b'])
    again = Comparison.from_dict(json.loads(json.dumps(c.to_dict())))
    assert again == c and again['b'].concerns == c['b'].concerns and 'correlated' in c.to_frame().loc['b', 'concerns']
    calm = compare_results(pairs(a=gen.lognormal(0, .1, 60), b=gen.lognormal(0, .1, 60)))
    assert calm['b'].concerns == () and 'careful' not in repr(calm)

def test_records_of_separate_runs_that_were_merged_are_no_pairs():
    gen = rng(13)
    def one(): return pairs(a=gen.lognormal(0, .1, 10), b=gen.lognormal(0, .1, 10))
    r, s, t, u = (one() for _ in range(4))
    with pytest.raises(ValueError, match='same rounds'): ratio(merge([r['a'], s['a']]), merge([t['b'], u['b']]))
    with pytest.raises(ValueError, match='same rounds'): ratio(merge([r['a'], s['a']]), merge([s['b'], r['b']]))
    for how in ({}, dict(order='interleaved')):
        with pytest.raises(ValueError, match='same rounds'): ratio(*(replace(r[k], how=how) for k in 'ab'))
    many = [one() for _ in range(5)]
    a, b = (merge([m[k] for m in many]) for k in 'ab')
    q, p = ratio_and_p(a, b)
    d = [np.median(np.log(np.divide(m['a'].values, m['b'].values))) for m in many]
    want = stats.ttest_1samp(d, 0)
    np.testing.assert_allclose([p, q.lo, q.hi], [want.pvalue, *np.exp(want.confidence_interval())])
    assert (q.n, q.of) == (5, 'runs') and ratio(a, b) == q and 'n=5 runs' in repr(compare_results([a, b]))

@given(ratios, st.floats(.5, 2))
def test_interval_p_at_another_edge(r, edge):
    p = interval_p(r, edge)
    assert abs(p - .05) < 1e-9 or (p < .05) == (not r.lo <= edge <= r.hi)


# --- the mean

def spiky(gen, n, share):
    a, b = np.exp(gen.normal(0, .02, (2, n)))
    return pairs(a=a, b=b*np.where(gen.random(n) < share, 3, 1))

def test_a_mean_that_differs_where_the_median_does_not_is_in_the_verdict():
    c = compare_results(spiky(rng(14), 100, .15))
    r = c['b']
    assert r.verdict == 'same' and r.mean.lo > 1.02 and f'the same in the median; mean {r.mean.words()}' in repr(c)
    assert Comparison.from_dict(json.loads(json.dumps(c.to_dict()))) == c and c.to_frame().loc['b', 'mean'] == r.mean.estimate
    swapped = compare_results(spiky(rng(14), 100, .15), base='b')['a']
    np.testing.assert_allclose([swapped.mean.estimate*r.mean.estimate, swapped.mean.lo*r.mean.hi], 1)

def test_the_mean_of_a_rate_is_that_of_its_times():
    rs = spiky(rng(14), 100, .15)
    rate = [replace(r, metric='throughput', unit='examples/s', values=1/np.array(r.values)) for r in rs.values()]
    q, p = mean_ratio(rs['b'], rs['a'])
    v, w = mean_ratio(rate[1], rate[0])
    np.testing.assert_allclose([v.estimate, v.lo, v.hi, w], [1/q.estimate, 1/q.hi, 1/q.lo, p])

@pytest.mark.parametrize('n', [20, 60])
def test_means_of_equal_things_are_seldom_called_different(n):
    "Spikes in both alike: a remark in about 1 of 100."
    gen = rng(15)
    def one():
        a, b = np.exp(gen.normal(0, .02, (2, n)))*np.where(gen.random((2, n)) < .08, 3, 1)
        return compare_results(pairs(a=a, b=b))['b'].mean is not None
    assert sum(one() for _ in range(60)) <= 3


# --- old files, and the time it takes

def test_old_comparisons_are_read():
    "As they were written before ratios had concerns, means and degrees of freedom."
    c = found()
    d = json.loads(json.dumps(c.to_dict()))
    for row in d['rows']:
        del row['concerns'], row['mean'], row['ratio']['df']
    assert Comparison.from_dict(d) == c

def test_statistics_take_little_time():
    "Of 30 rounds: 20 ms of this process's own time are allowed; the least of five tries."
    rs = pairs(a=rng(1).lognormal(0, .1, 30), b=rng(2).lognormal(0, .1, 30))
    def once():
        start = time.process_time()
        compare_results(rs)
        return time.process_time() - start
    assert min(once() for _ in range(5)) < .02
