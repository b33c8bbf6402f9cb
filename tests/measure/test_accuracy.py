"measure.accuracy: equal to scipy, statsmodels, scikit-learn and published values; brute force beside every short cut; promises kept on known truth."
import json, math, pickle, subprocess, sys
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import binomtest, norm
from sklearn.metrics import roc_auc_score

from tinybench.base.text import escaped
from tinybench.measure.accuracy import (Auc, Difference, Kinds, Score, accuracy_difference, as_hits, auc, auc_correlation, auc_difference, auc_gap,
                                        auc_interval, auc_limits, corrected_phi, delong_test, difference_p, examples_for, kinds, mcnemar, paired_hits,
                                        placement_variance, placements, split_scores, wilson, z_score)
from tinybench.measure.lean import ranks

def rng(seed=0): return np.random.default_rng(seed)
def rows(*counts): return np.repeat([[True, True, False, False], [True, False, True, False]], counts, axis=1)
@pytest.fixture(scope='module')
def statsmodels():
    "Another implementation; skipped, and counted, where it is missing."
    return pytest.importorskip('statsmodels.stats', reason='needs statsmodels')


# --- a share

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.sampled_from([.5, .8, .9, .95, .99])

@given(counts, levels)
def test_wilson_as_scipy(count, level):
    lo, hi = wilson(*count, level)
    assert (lo, hi) == pytest.approx(tuple(binomtest(*count).proportion_ci(level, method='wilson')), abs=1e-9)
    assert 0 <= lo <= count[0]/count[1] <= hi <= 1

def test_wilson_as_statsmodels(statsmodels):
    from statsmodels.stats.proportion import proportion_confint
    for n in (1, 7, 100, 1000):
        for right in {0, 1, n//3, n - 1, n}:
            for level in (.8, .95, .99):
                assert wilson(right, n, level) == pytest.approx(proportion_confint(right, n, 1 - level, 'wilson'), abs=1e-12)

def test_wilson_as_published():
    "Newcombe 1998, Statistics in Medicine 17:857, table I, method 3: 81/263, 15/148, 0/20, 1/29."
    published = {(81, 263): (.2553, .3662), (15, 148): (.0624, .1605), (0, 20): (0, .1611), (1, 29): (.0061, .1718)}
    for count, want in published.items(): assert wilson(*count) == pytest.approx(want, abs=5e-5)

@pytest.mark.parametrize('bad', [(-1, 5), (6, 5), (0, 0), (1, -1)])
def test_wilson_refuses_what_is_no_share(bad):
    with pytest.raises(ValueError, match='is no share'): wilson(*bad)

@pytest.mark.parametrize('level', [0, 1, 95, -.5])
def test_levels_between_0_and_1(level):
    for f in (lambda: z_score(level), lambda: wilson(1, 2, level), lambda: Score('a', [True], 'x', level),
              lambda: auc_interval([1, 2, 3, 4], [0, 0, 1, 1], level), lambda: examples_for(.1, level=level)):
        with pytest.raises(ValueError, match='level of'): f()

@given(st.floats(.003, .45), st.floats(0, 1), levels)
def test_examples_for_is_the_least_number(half, share, level):
    "Of Wilson's formula for the share itself, whether or not it is a whole number of examples."
    def reach(n):
        z = norm.ppf((1 + level)/2)
        return z*math.sqrt(share*(1 - share)/n + z*z/(4*n*n))/(1 + z*z/n)
    n = examples_for(half, share, level)
    assert n >= 1 and reach(n) <= half*(1 + 1e-9)
    assert n == 1 or reach(n - 1) > half*(1 - 1e-9)

def test_examples_for():
    assert examples_for(.01) == 9600 and examples_for(.05, .9) == 141
    lo, hi = wilson(4800, 9600)
    assert (hi - lo)/2 == pytest.approx(.01, abs=1e-6)
    for bad in ((0, .5), (.5, .5), (-.1, .5), (.1, 1.1)):
        with pytest.raises(ValueError, match='half-width'): examples_for(*bad)


# --- a score

def score(n=359, right=354, name='net', data='digits'): return Score(name, [True]*right + [False]*(n - right), data)

def test_score():
    s = score()
    assert (s.n, s.right, s.share, s.interval()) == (359, 354, 354/359, wilson(354, 359))
    assert repr(s) == 'net accuracy: 98.6% [96.8, 99.4], n=359 of digits, at 95%, measured'
    assert s.words() == '98.6% [96.8, 99.4]' and s._repr_markdown_() == escaped(repr(s)) and s.provenance == 'measured'
    assert s == Score('net', np.arange(359) < 354, 'digits') and hash(s) == hash(score())
    with pytest.raises(FrozenInstanceError): s.name = 'other'
    row = s.row()
    assert math.isnan(row['median']) and math.isnan(row['sd']) and (row['mean'], row['unit'], row['n']) == (354/359, 'share', 359)

def test_score_rows_have_the_headings_of_results():
    from tinybench.measure.result import BenchmarkResult, rows as result_rows
    headings = result_rows([BenchmarkResult('a', 'latency', 's', [1.]*10, 'modelled')])[0]
    assert set(score().row()) <= set(headings)

@given(st.lists(st.booleans(), min_size=1, max_size=50), st.text(min_size=1), levels)
def test_score_round_trips(hits, name, level):
    s = Score(name, hits, 'some data', level)
    assert Score.from_dict(json.loads(json.dumps(s.to_dict()))) == s == pickle.loads(pickle.dumps(s))

@pytest.mark.parametrize('change,words', [(dict(schema=2), 'schema 2'), (dict(right=3), 'own hits: right'), (dict(hits='1x'), 'wrong'),
                                          (dict(extra=1), 'own hits: extra'), (dict(n=1), 'own hits: n'), (dict(hits=''), 'True or False'),
                                          (dict(provenance='literature'), 'provenance'), (dict(level='high'), 'wrong'), (dict(hits=7), 'wrong')])
def test_score_refuses_a_record_that_is_not_its_own(change, words):
    with pytest.raises(ValueError, match=words): Score.from_dict({**score(5, 4).to_dict(), **change})

def test_score_refuses_what_is_missing():
    d = score(5, 4).to_dict()
    for k in d:
        if k in ('share', 'lo', 'hi'): continue                  # computed again anyway
        with pytest.raises(ValueError): Score.from_dict({a: b for a, b in d.items() if a != k})
    with pytest.raises(ValueError, match='is a dictionary'): Score.from_dict([])

@pytest.mark.parametrize('hits', [[], [1, 0], [[True]], 'yes', True, [None], np.ones(3), ['True']])
def test_hits_are_true_or_false_in_a_row(hits):
    with pytest.raises(ValueError, match='True or False in a row'): as_hits(hits)
    with pytest.raises(ValueError, match='True or False in a row'): mcnemar(hits, hits)

@pytest.mark.parametrize('bad', [('', 'digits'), ('net', ''), (3, 'digits'), ('net', None)])
def test_score_has_names(bad):
    with pytest.raises(ValueError, match='must be words'): Score(bad[0], [True], bad[1])


# --- two on the same examples

tables = st.tuples(*[st.integers(0, 40)]*4).filter(any)

@given(tables)
def test_kinds_are_counted_in_any_order(table):
    a, b = rows(*table)
    order = rng(sum(table)).permutation(len(a))
    assert kinds(a[order], b[order]) == table == Kinds(*table) and kinds(b, a) == Kinds(table[0], table[2], table[1], table[3])

def test_pairs_of_different_examples_are_refused():
    with pytest.raises(ValueError, match='5 and 6 hits'): paired_hits([True]*5, [True]*6)
    with pytest.raises(ValueError, match='digits.*mnist.*no pairs'): mcnemar(score(), score(data='mnist'))
    a, b = score(right=350, name='a'), score(right=340, name='b')
    assert mcnemar(a, b) == mcnemar(a.hits, b.hits) == mcnemar(a, np.array(b.hits))
    assert accuracy_difference(a, b) == accuracy_difference(a.hits, b.hits)

@given(tables)
def test_mcnemar_as_scipy(table):
    n = table[1] + table[2]
    assert mcnemar(*rows(*table)) == pytest.approx(binomtest(table[1], n).pvalue if n else 1, abs=1e-12)

def test_mcnemar_as_statsmodels(statsmodels):
    from statsmodels.stats.contingency_tables import mcnemar as theirs
    for table in [(59, 6, 16, 80), (1, 1, 7, 12), (10, 0, 0, 3), (10, 3, 3, 10), (0, 5, 0, 0), (101, 121, 59, 33), (900, 60, 40, 0)]:
        want = theirs(np.reshape(table, (2, 2)), exact=True).pvalue
        assert mcnemar(*rows(*table)) == pytest.approx(want, rel=1e-9)

# Responses to a therapy, before and after (Cavo 2012), with the interval that Fagerland, Lydersen
# and Laake publish (Statistical Analysis of Contingency Tables, 2017, chapter 8, Newcombe square-and-add).
@pytest.mark.parametrize('table,want', [((59, 6, 16, 80), (-.0621, -.1186, -.0046))])
def test_difference_as_published(table, want):
    d = accuracy_difference(*rows(*table))
    assert (d.estimate, d.lo, d.hi) == pytest.approx(want, abs=5e-5) and d.n == sum(table)

def newcombe(e, f, g, h, z):
    "Method 10 as the paper writes it, in its own letters (Newcombe 1998, Statistics in Medicine 17:2635)."
    n = e + f + g + h
    def ends(r): return np.sort(np.roots([1 + z*z/n, -(2*r/n + z*z/n), (r/n)**2]).real)          # the quadratic itself
    (l2, u2), (l3, u3) = ends(e + f), ends(e + g)
    dl2, du2, dl3, du3 = (e + f)/n - l2, u2 - (e + f)/n, (e + g)/n - l3, u3 - (e + g)/n
    product = (e + f)*(g + h)*(e + g)*(f + h)
    up = e*h - f*g
    up = 0 if 0 <= up <= n/2 else up - n/2 if up > 0 else up
    phi = up/product**.5 if product else 0
    theta = (f - g)/n
    return theta, theta - (dl2**2 - 2*phi*dl2*du3 + du3**2)**.5, theta + (du2**2 - 2*phi*du2*dl3 + dl3**2)**.5

@given(tables, levels)
def test_difference_as_the_paper_writes_it(table, level):
    d = accuracy_difference(*rows(*table), level)
    assert (d.estimate, d.lo, d.hi) == pytest.approx(newcombe(*table, norm.ppf((1 + level)/2)), abs=1e-6)

@given(tables)
def test_difference_is_symmetric_and_bounded(table):
    a, b = rows(*table)
    d, back = accuracy_difference(a, b), accuracy_difference(b, a)
    assert (back.estimate, back.lo, back.hi) == pytest.approx((-d.estimate, -d.hi, -d.lo), abs=1e-12)
    flipped = accuracy_difference(~a, ~b)
    assert (flipped.lo, flipped.hi) == pytest.approx((-d.hi, -d.lo), abs=1e-9)
    assert -1 <= d.lo <= d.estimate <= d.hi <= 1 and d.lo < d.hi

@given(tables, levels, st.floats(-.9, .9))
def test_p_of_a_difference_agrees_with_its_interval(table, level, at):
    a, b = rows(*table)
    d, p = accuracy_difference(a, b, level), difference_p(a, b, at)
    assert 0 <= p <= 1 and (abs(p - (1 - level)) < 1e-5 or (p > 1 - level) == (d.lo <= at <= d.hi))
    assert difference_p(b, a, -at) == pytest.approx(p, abs=1e-5)
    assert difference_p(a, b, d.estimate) == pytest.approx(1, abs=1e-5)

def test_equal_networks_are_not_proved_equal():
    d = accuracy_difference([True]*100, [True]*100)
    assert d.estimate == 0 and -.04 < d.lo < -.03 and .03 < d.hi < .04 and not d.excludes_zero
    assert corrected_phi(100, 0, 0, 0) == 0 and corrected_phi(50, 0, 0, 50) == pytest.approx(.98)

def test_difference_record():
    d = accuracy_difference(*rows(342, 11, 1, 5))
    assert d._repr_markdown_() == escaped(repr(d))
    assert repr(d) == '+2.8 points [+0.9, +5.2] of accuracy, n=359 pairs, at 95%' and d.excludes_zero
    assert json.loads(json.dumps(d.to_dict())) == dict(estimate=d.estimate, lo=d.lo, hi=d.hi, n=359, level=.95, metric='accuracy', provenance='measured')
    with pytest.raises(ValueError, match='inside its interval'): Difference(.5, 0, .1, 10)
    with pytest.raises(FrozenInstanceError): d.n = 3

def two_networks(r, n, p, q, tries):
    "Hits of two networks with shared luck, (tries, n) each, and the true difference of their accuracies."
    luck, own = r.random((tries, n)), r.normal(size=(2, tries, n))
    sizes = rng(99).random(10**6), rng(98).normal(size=(2, 10**6))
    truth = np.mean(sizes[0] + .05*sizes[1][0] < p) - np.mean(sizes[0] + .05*sizes[1][1] < q)
    return luck + .05*own[0] < p, luck + .05*own[1] < q, truth

@pytest.mark.parametrize('n,p,q', [(200, .92, .88), (200, .9, .9), (60, .8, .7)])
def test_difference_keeps_its_promise(n, p, q):
    a, b, truth = two_networks(rng(1), n, p, q, 2000)
    held = np.mean([d.lo <= truth <= d.hi for d in map(accuracy_difference, a, b)])
    assert .93 <= held <= .985, f'{held:.1%} of the intervals hold the truth'

def test_mcnemar_false_alarms():
    "Equal networks: at most 5% alarms, and fewer, because counts are whole numbers."
    a, b, _ = two_networks(rng(2), 200, .9, .9, 2000)
    alarms = np.mean([mcnemar(x, y) <= .05 for x, y in zip(a, b)])
    assert .005 < alarms <= .05 + 2*math.sqrt(.05*.95/2000), f'{alarms:.1%}'


# --- AUC

labelled = st.integers(0, 10**6).map(lambda seed: labelled_scores(rng(seed)))
def labelled_scores(r):
    n = int(r.integers(4, 40))
    y = r.permutation(np.r_[0, 0, 1, 1, r.integers(0, 2, n - 4)])
    return (r.integers(0, 8, (2, n)) if r.random() < .5 else r.normal(size=(2, n)) + .5*y), y

def wins(s, y):
    "1 where a yes (row) beats a no (column), half for a tie: the definition."
    s, y = np.asarray(s, float), np.asarray(y, bool)
    return np.sign(s[y][:, None] - s[~y])/2 + .5

@given(labelled)
def test_auc_as_sklearn(data):
    (s, _), y = data
    assert auc(s, y) == pytest.approx(roc_auc_score(y, s), abs=1e-12) == pytest.approx(wins(s, y).mean(), abs=1e-12)

@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_ranks_as_scipy(x):
    from scipy.stats import rankdata
    assert ranks(x).tolist() == rankdata(x).tolist()

@given(labelled)
def test_placements_by_brute_force(data):
    (s, _), y = data
    v_yes, v_no = placements(s, y)
    assert v_yes == pytest.approx(wins(s, y).mean(1), abs=1e-12) and v_no == pytest.approx(wins(s, y).mean(0), abs=1e-12)
    assert v_yes.mean() == pytest.approx(auc(s, y)) == pytest.approx(v_no.mean())

def delong_by_the_paper(a, b, y):
    "AUCs and their covariance by the sums of DeLong, DeLong and Clarke-Pearson 1988, section 3, one comparison at a time."
    psi = [wins(s, y) for s in (a, b)]
    m, n = psi[0].shape
    theta = [sum(p[i, j] for i in range(m) for j in range(n))/(m*n) for p in psi]
    v10, v01 = ([[sum(p[i])/n for i in range(m)] for p in psi], [[sum(p[:, j])/m for j in range(n)] for p in psi])
    def s(v, k): return [[sum((v[r][i] - theta[r])*(v[c][i] - theta[c]) for i in range(k))/(k - 1) for c in (0, 1)] for r in (0, 1)]
    return theta, np.array(s(v10, m))/m + np.array(s(v01, n))/n

@given(labelled)
def test_delong_by_the_paper(data):
    (a, b), y = data
    theta, cov = delong_by_the_paper(a, b, y)
    for s, t, var in zip((a, b), theta, cov.diagonal()):
        assert placement_variance(*placements(s, y)) == pytest.approx(var, abs=1e-12) and auc(s, y) == pytest.approx(t, abs=1e-12)
    var = cov[0, 0] + cov[1, 1] - 2*cov[0, 1]
    if var < 1e-12: return
    gap, error, n = auc_gap(a, b, y)
    assert (gap, error, n) == (pytest.approx(theta[0] - theta[1], abs=1e-12), pytest.approx(var**.5, abs=1e-12), len(y))
    r, k = cov[0, 1]/(cov[0, 0]*cov[1, 1])**.5 if min(cov.diagonal()) > 1e-15 else 0, min(y.sum(), len(y) - y.sum())
    believed = max(math.tanh(math.atanh(min(r, 1 - 1/k)) - 1/math.sqrt(max(k - 3, 1))), 0) if r > 0 else r
    assert auc_correlation(a, b, y) == pytest.approx(believed, abs=1e-9)
    assert delong_test(a, b, y) == pytest.approx(2*norm.sf(abs(theta[0] - theta[1])/var**.5), abs=1e-9)

# 43 patients with an ovarian cancer and a bowel obstruction: albumin, total protein, K-G score, whether surgery helped. DeLong et al.
# 1988 analyse them; the rows and results are those of SAS/STAT, PROC LOGISTIC, example "Comparing ROC curves".
PATIENTS = np.reshape('''
3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0 1.6 5.6 5 1 3.8 5.7 5 1 3.7 6.7 6 1 3.2 5.4 4 1
3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1 4.3 7.0 4 1 3.6 6.7 4 0 2.3 4.4 6 1 4.2 7.6 4 0 4.0 6.6 6 0 3.5 5.8 6 1 3.8 6.8 7 1 3.0 4.7 8 0
4.5 7.4 5 1 3.7 7.4 5 1 3.1 6.6 6 1 4.1 8.2 6 1 4.3 7.0 5 1 4.3 6.5 4 1 3.2 5.1 5 1 2.6 4.7 6 1 3.3 6.8 6 0 1.7 4.0 7 0 3.7 6.1 5 1
3.3 6.3 7 1 4.2 7.7 6 1 3.5 6.2 5 1 2.9 5.7 9 0 2.1 4.8 7 1 2.8 6.2 8 0 4.0 7.0 7 1 3.3 5.7 6 1 3.7 6.9 5 1 3.6 6.6 5 1'''.split(), (43, 4)).astype(float)

def test_delong_as_published():
    albumin, protein, kg, helped = PATIENTS.T
    published = [(albumin, .7366, .0927, .5549, .9182), (protein, .6478, .1000, .4518, .8439), (-kg, .7258, .1028, .5243, .9273)]
    for s, area, error, lo, hi in published:
        got, half = auc(s, helped), norm.ppf(.975)*placement_variance(*placements(s, helped))**.5
        assert (got, got - half, got + half, half/norm.ppf(.975)) == pytest.approx((area, lo, hi, error), abs=6e-5)
    for s, gap, error, p in ((albumin, .0108, .0953, .9102), (protein, -.0780, .1046, .4561)):
        assert auc_gap(s, -kg, helped)[:2] == pytest.approx((gap, error), abs=6e-5)
        d = auc_difference(s, -kg, helped)      # joined of two others, and as wide
        assert d.estimate == pytest.approx(gap, abs=6e-5) and .9 < (d.hi - d.lo)/2/norm.ppf(.975)/error < 1.1
        assert delong_test(s, -kg, helped) == pytest.approx(p, abs=6e-5)

@given(labelled)
def test_only_the_order_of_scores_counts(data):
    (a, b), y = data
    there = auc_interval(a, y)
    assert there == auc_interval(np.exp(a/4), y) == auc_interval(list(a), y.astype(bool))
    back = auc_interval(-a, y)
    assert (back.estimate, back.lo, back.hi) == pytest.approx((1 - there.estimate, 1 - there.hi, 1 - there.lo))
    order = rng(7).permutation(len(y))
    assert auc_difference(a[order], b[order], y[order]).lo == pytest.approx(auc_difference(a, b, y).lo)

def test_a_perfect_auc_is_no_certainty():
    for n in (2, 5, 50):
        r = auc_interval(np.arange(2*n), np.repeat([0, 1], n))
        assert (r.estimate, r.hi, r.method) == (1, 1, 'Newcombe') and r.lo < 1 - 1/(2*n)
        worst = auc_interval(-np.arange(2*n), np.repeat([0, 1], n))
        assert (worst.estimate, worst.lo) == (0, 0) and worst.hi == pytest.approx(1 - r.lo)
    same = auc_interval([3]*20, [0, 1]*10)
    assert same.estimate == .5 and same.lo < .3 and same.hi > .7

def test_auc_limits_solve_their_equation():
    for at, m, n in ((.7, 10, 30), (.95, 5, 5), (1., 20, 10), (.5, 100, 100)):
        z, k = norm.ppf(.975), (m + n)/2 - 1
        for end in auc_limits(at, m, n):
            var = end*(1 - end)*(1 + k*((1 - end)/(2 - end) + end/(1 + end)))/(m*n)
            assert (end - at)**2 == pytest.approx(z*z*var, abs=1e-9)

def bells(m, n, truth, r):
    "Scores whose true AUC is `truth`, and their labels, `m` yes."
    y = np.repeat([1, 0], [m, n])
    return r.normal(size=m + n) + norm.ppf(truth)*2**.5*y, y

def aucs_held(m, n, truth, tries, seed):
    "How many intervals hold the true AUC."
    r = rng(seed)
    found = [auc_interval(*bells(m, n, truth, r)) for _ in range(tries)]
    return np.mean([a.lo <= truth <= a.hi for a in found])

SIZES = (5, 5), (10, 10), (10, 50), (50, 50), (7, 90)
TRUTHS = .7, .9, .97, .99
def bound(promise, tries): return promise - 3.1*math.sqrt(promise*(1 - promise)/tries)    # missed by chance once in 1,000

@pytest.mark.parametrize('m,n', SIZES)
def test_auc_intervals_keep_their_promise(m, n):
    "93 % and more at two truths of each size; DeLong's held 83 % at 50 and 50, .99."
    for truth in (.7, .99): assert aucs_held(m, n, truth, 200, 21) >= bound(.93, 200), truth

@pytest.mark.slow
@pytest.mark.parametrize('m,n', SIZES)
def test_auc_intervals_keep_their_promise_at_every_truth(m, n):
    "Between 93 and 99 % of intervals hold the truth in each of the 20 cells, but for chance."
    for truth in TRUTHS:
        held = aucs_held(m, n, truth, 4000, 22)
        assert bound(.93, 4000) <= held <= .99 + 3.1*math.sqrt(.01*.99/4000), f'{truth}: {held:.1%}'

def test_delong_test_on_known_truth():
    "Two detectors that share most of their noise: equal ones raise few alarms, unequal ones are told apart."
    r, y = rng(4), np.repeat([1, 0], 60)
    def pair(quality):
        base = r.normal(size=120)
        return base + .5*r.normal(size=120) + 1.5*y, base + .5*r.normal(size=120) + quality*y
    alarms = np.mean([delong_test(*pair(1.5), y) <= .05 for _ in range(1000)])
    found = np.mean([delong_test(*pair(.9), y) <= .05 for _ in range(200)])
    assert .02 <= alarms <= .08 and found >= .9

def test_two_aucs_without_spread():
    assert delong_test([1, 2, 3, 4], [1, 2, 3, 4], [0, 1, 0, 1]) == 1 and delong_test([1, 2, 3, 4], [2, 4, 6, 8], [0, 1, 0, 1]) == 1
    with pytest.raises(ValueError, match='no spread'): delong_test([1, 2, 3, 4], [4, 3, 2, 1], [0, 0, 1, 1])

FEW = [([1, 2, 3, 4], [1, 2, 3, 5], [0, 0, 1, 1]), ([1, 2, 3, 4], [4, 3, 2, 1], [0, 0, 1, 1]),
       (np.arange(10.), np.zeros(10), [0]*5 + [1]*5), (np.zeros(8), np.zeros(8), [0, 1]*4), (np.arange(8.), np.arange(8.), [0, 1]*4)]

@pytest.mark.parametrize('a,b,y', FEW, ids=['perfect', 'opposite', 'constant', 'both constant', 'the same'])
def test_a_difference_of_aucs_is_never_a_point(a, b, y):
    d = auc_difference(a, b, y)
    assert d.hi - d.lo > .3 and d.lo <= d.estimate <= d.hi and -1 <= d.lo and d.hi <= 1
    back = auc_difference(b, a, y)
    assert (back.lo, back.estimate, back.hi) == pytest.approx((-d.hi, -d.estimate, -d.lo), abs=1e-12)

def auc_gaps_held(m, n, p, q, shared, tries, seed):
    "How many intervals hold the true difference of two AUCs, of normal scores that share their noise, and the least width."
    r, y = rng(seed), np.repeat([1, 0], [m, n])
    up = [norm.ppf(v)*2**.5*y for v in (p, q)]
    def scores(common): return [shared**.5*common + (1 - shared)**.5*r.normal(size=m + n) + s for s in up]
    found = [auc_difference(*scores(r.normal(size=m + n)), y) for _ in range(tries)]
    return np.mean([d.lo <= p - q <= d.hi for d in found]), min(d.hi - d.lo for d in found)

@pytest.mark.parametrize('m,n,p,q,shared', [(5, 5, .5, .5, 0), (5, 5, .9, .7, .5), (3, 30, .5, .5, 0), (50, 50, .99, .8, .99)])
def test_auc_differences_keep_their_promise(m, n, p, q, shared):
    "93% and more: 300 intervals of which 93% hold miss the bound, three standard errors below, once in 740."
    held, least = auc_gaps_held(m, n, p, q, shared, 300, 7)
    assert held >= .93 - 3*math.sqrt(.93*.07/300) and least > 0

@pytest.mark.slow
@pytest.mark.parametrize('m,n', [(3, 3), (5, 5), (3, 30), (50, 50)])
def test_auc_differences_keep_their_promise_at_every_size(m, n):
    for p, q in ((.5, .5), (.7, .7), (.9, .9), (.99, .99), (.9, .7), (.99, .8), (.5, .9)):
        for shared in (0, .5, .9, .99):
            held, least = auc_gaps_held(m, n, p, q, shared, 1000, 11)
            assert held >= .93 - 2*math.sqrt(.93*.07/1000) and least > 0, f'{p}, {q}, {shared}: {held:.1%}'

@pytest.mark.slow
@pytest.mark.parametrize('m,n', SIZES)
def test_auc_differences_keep_their_promise_at_every_truth(m, n):
    "93 % in each cell: two equal detectors, and one against a better; strangers, and twins by 99 hundredths of their noise."
    for truth in TRUTHS:
        for other in {truth, .8}:
            for shared in (0, .99):
                held, least = auc_gaps_held(m, n, truth, other, shared, 1000, 23)
                assert held >= bound(.93, 1000) and least > 0, f'{truth}, {other}, {shared}: {held:.1%}'

def test_a_share_that_is_not_whole_is_not_written_as_whole():
    assert repr(Score('m', [True]*2499 + [False], 'd')).startswith('m accuracy: 99.96% [99.77, 99.99]')
    assert repr(Score('m', [False]*2499 + [True], 'd')).startswith('m accuracy: 0.04% [0.01, 0.23]')
    assert '100.0% [99.8, 100.0]' in repr(Score('m', [True]*2500, 'd'))
    assert repr(Auc(.99997, .9991, 1., 50, 50)).startswith('AUC 0.99997 [0.99910, 1.00000]')
    assert repr(accuracy_difference(*rows(2499, 1, 0, 0))).startswith('+0.04 points [')

@pytest.mark.parametrize('scores,labels,words', [
    ([1, 2, 3], [0, 1], 'one number for each'), ([[1, 2]], [[0, 1]], 'one number for each'), ([1, np.nan], [0, 1], 'not a finite'),
    ([1, np.inf], [0, 1], 'not a finite'), (['a', 'b'], [0, 1], 'not a finite'), ([1, 2], [1, 2], '0 and 1'), ([1, 2], ['n', 'y'], '0 and 1'),
    ([1, 2], [1, 1], 'takes both kinds'), ([1, 2], [False, False], 'takes both kinds'), ([1j, 2], [0, 1], 'not a finite')])
def test_what_makes_no_auc(scores, labels, words):
    for f in (split_scores, auc, placements, auc_interval):
        with pytest.raises(ValueError, match=words): f(scores, labels)

def test_one_of_a_kind_has_an_auc_and_no_interval():
    assert auc([1, 2, 3], [0, 0, 1]) == 1
    with pytest.raises(ValueError, match='1 yes and 2 no'): auc_interval([1, 2, 3], [0, 0, 1])

def test_auc_record():
    r = auc_interval(PATIENTS[:, 0], PATIENTS[:, 3])
    assert r._repr_markdown_() == escaped(repr(r))
    assert repr(r) == 'AUC 0.737 [0.543, 0.863], 31 against 12, at 95% (Newcombe), measured'
    assert json.loads(json.dumps(r.to_dict())) == {**vars(r), 'metric': 'AUC', 'provenance': 'measured'}
    with pytest.raises(ValueError, match='lie in 0 to 1'): Auc(.9, .8, 1.1, 3, 3)
    d = auc_difference(PATIENTS[:, 0], PATIENTS[:, 1], PATIENTS[:, 3])
    assert repr(d).startswith('+0.089 [') and 'of AUC' in repr(d)

def test_import_is_light():
    code = "import sys, tinybench.measure.accuracy; print([m for m in ('pandas', 'matplotlib', 'sklearn', 'scipy.stats') if m in sys.modules])"
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.strip() == '[]'

def test_no_difference_is_written_as_a_whole_that_it_is_not():
    assert repr(Difference(.9999996, .9, 1., 100, .95, 'AUC')).startswith('+0.9999996 [+0.9000000, +1.0000000] of AUC')
    assert repr(Difference(-.99996, -.99999, -.9, 100)).startswith('-99.996 points [-99.999, -90.000] of accuracy')
