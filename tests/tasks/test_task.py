"tasks.task: what a target lets through, verdicts from intervals, clips, and no number for a model that fails."
import math
import numpy as np
import pytest
from hypothesis import given, strategies as st
from tinybench.backends.base import ModelError, as_model
from tinybench.data.source import Dataset
from tinybench.measure.accuracy import wilson
from tinybench.models.zoo import create
from tinybench.profile.cost import cost
from tinybench.tasks.task import (TASKS, Examples, Quality, answers_in, chance_to_pass, confusion, digit_pictures, examples_to_decide,
                                  official_pictures, outputs_of, quality_from, quality_of, roc, task_of, verdict)

shares = st.integers(1, 99).map(lambda k: k/100)

@given(shares, st.integers(1, 400), shares)
def test_the_chance_to_pass_is_that_of_the_binomial(p, n, target):
    from scipy.stats import binom
    least = math.ceil(round(target*100)*n/100 - 1e-9)
    assert chance_to_pass(p, n, target) == pytest.approx(binom.sf(least - 1, n, p), abs=1e-9)

def test_how_often_a_simulated_network_passes():
    hits = np.random.default_rng(0).random((4000, 200)) < .83
    passed = (hits.mean(1) >= .85).mean()
    assert abs(passed - chance_to_pass(.83, 200, .85)) < 4*math.sqrt(.25/4000)

@given(shares, shares, st.sampled_from([.8, .9, .95, .99]))
def test_from_there_on_the_interval_leaves_the_target_out(share, target, level):
    n = examples_to_decide(share, target, level)
    if share == target: assert n is None
    else:
        big = 10**6*n                                # so that a whole number of hits is as good as the share
        lo, hi = wilson(round(share*big), big, level)
        assert verdict(lo, hi, target) != 'undecided' and n >= 1

def test_verdicts():
    assert [verdict(*ends, .85) for ends in ((.85, .9), (.8, .8499), (.84, .86), (.8, .85))] == ['pass', 'fail', 'undecided', 'undecided']
    q = Quality('accuracy', .85, *wilson(170, 200), 200, .85)
    assert q.by_the_rule and q.verdict == 'undecided' and q.more() is None and 'reached' in repr(q)
    assert Quality('accuracy', .9, .87, .92, 500, .85).more() is None                      # it is decided
    assert Quality('accuracy', .86, *wilson(172, 200, .5), 200, .85, .5).more() == examples_to_decide(.86, .85, .5) < 600
    q = Quality('AUC', .87, .83, .91, 200, .85)
    assert q.more() == 800 and '0.870 [0.830, 0.910]' in repr(q)

@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 9))
def test_the_score_of_a_clip_is_the_mean_over_its_windows(clip, seed):
    clip = np.unique(clip, return_inverse=True)[1]
    out = np.random.default_rng(seed).normal(size=(len(clip), 3))
    e = Examples('clips', np.zeros((len(clip), 3)), np.arange(clip.max() + 1), clip=clip)
    np.testing.assert_allclose(answers_in(TASKS['ad01'], out, e), [(out[clip == c]**2).mean() for c in range(clip.max() + 1)])
    alone = Examples('inputs', e.x, clip)
    np.testing.assert_allclose(answers_in(TASKS['ad01'], out, alone), (out**2).mean(1))

@given(st.integers(2, 9), st.integers(0, 80), st.integers(0, 9))
def test_a_confusion_matrix_is_that_of_others(classes, n, seed):
    from sklearn.metrics import confusion_matrix
    truth, answers = np.random.default_rng(seed).integers(0, classes, (2, n))
    got = confusion(truth, answers, classes)
    assert got.shape == (classes, classes) and got.sum() == n
    if n: np.testing.assert_array_equal(got, confusion_matrix(truth, answers, labels=range(classes)))

@given(st.integers(4, 60), st.integers(1, 40), st.integers(0, 9))
def test_a_roc_curve_is_that_of_others(n, levels, seed):
    from sklearn.metrics import roc_auc_score, roc_curve
    r = np.random.default_rng(seed)
    truth, scores = r.permutation(np.arange(n) % 2), r.integers(0, levels, n).astype(float)
    c = roc(scores, truth)
    for a, b in zip((c.alarms, c.caught, c.thresholds), roc_curve(truth, scores, drop_intermediate=False)): np.testing.assert_allclose(a, b)
    area = float((np.diff(c.alarms)*(c.caught[1:] + c.caught[:-1])/2).sum())
    assert area == pytest.approx(roc_auc_score(truth, scores)) == pytest.approx(quality_from(TASKS['ad01'], truth, scores).value)

@pytest.mark.parametrize('name', TASKS)
def test_the_networks_of_the_zoo_fit_their_tasks(name):
    t = TASKS[name]
    net = create(t.network, np.random.default_rng(0), **t.options).eval()
    x = np.zeros((2, *t.shape), np.float32)
    assert outputs_of(t, as_model('net', net, t.shape), Examples('none', x, [0, 0])).shape == (2, t.outputs)
    macs = dict(kws01=2_656_768, vww01=7_489_664, ic01=12_501_632, ic02=76_473_920, ad01=264_192)
    assert cost(net, (1, *t.shape)).macs == macs[name]

def test_an_unknown_task():
    with pytest.raises(ValueError, match="no task 'ic1', did you mean 'ic01'"): task_of('ic1')

def test_the_digits():
    test, train = digit_pictures(), digit_pictures('train')
    assert test.x.shape == (359, 32, 32, 3) and test.x.dtype == np.float32 and test.x.flags.c_contiguous
    assert len(test.y) + len(train.y) == 1797 and 0 == test.x.min() and test.x.max() == 255 and not test.official
    assert (test.x[:, ::4, ::4, 0] == test.x[:, 3::4, 3::4, 2]).all() and 'embedded' in repr(test) and 'CIFAR' in repr(test)
    with pytest.raises(ValueError, match="'train' or 'test', not 'all'"): digit_pictures('all')

@pytest.mark.parametrize('args, says', [(([1.], [0, 1]), '1 examples or clips, 2 labels'), (([], []), 'no examples'), (([1., 2.], [0, 1], False, [0]), '2 inputs, 1 places'),
                                        (([1., 2.], [0], False, [0, 1]), '2 examples or clips, 1 labels'), (([1., 2.], [0, 1], False, [0, 2]), 'clips are 0, 1')])
def test_examples_that_do_not_fit(args, says):
    x, *rest = args
    with pytest.raises(ValueError, match=says): Examples('odd', np.array(x), *map(lambda v: np.array(v) if isinstance(v, list) else v, rest))

def test_examples_in_lists_are_arrays():
    e = Examples('listed', [[1., 2.], [3., 4.]], [0, 1])
    assert e.x.shape == (2, 2) and e.y.tolist() == [0, 1] and '2 inputs of 2 float64' in repr(e)

def auto(scale=1.):
    "Windows of clips, whose reconstruction is off where the clip is odd."
    r = np.random.default_rng(1)
    clip, y = np.repeat(np.arange(40), 6), np.arange(40) % 2
    x = r.normal(size=(240, 640)).astype(np.float32)
    error = (r.normal(size=(240, 640))*(1 + .1*y[clip, None]*scale)).astype(np.float32)
    return Examples('clips', x, y, clip=clip), (x + error).astype(np.float32)

def test_the_auc_is_over_clips():
    from sklearn.metrics import roc_auc_score
    e, out = auto(.3)
    mse = ((out - e.x)**2).mean(1)
    q = quality_of(TASKS['ad01'], out, e)
    assert q.value == pytest.approx(roc_auc_score(e.y, [mse[e.clip == c].mean() for c in range(40)])) and q.n == 40 and q.lo < q.value < q.hi
    assert q.metric == 'AUC' and q.target == .85

def test_a_model_of_another_width_or_type_or_that_fails_has_no_outputs():
    t, e = TASKS['ic01'], digit_pictures()
    def lost(x): return np.full((len(x), 10), np.nan, np.float32)
    def raises(x): raise ZeroDivisionError('by zero')
    for f, says in ((lambda x: x[:, 0, :3, 0], 'asks for 10'), (lost, 'NaN|finite'), (raises, 'by zero')):
        with pytest.raises(ModelError, match=says): outputs_of(t, as_model('m', f, t.shape), e)
    with pytest.raises(ModelError, match='takes int8'): outputs_of(t, as_model('m', lambda x: x, t.shape, 'int8'), e)
    with pytest.raises(ValueError, match='has inputs of .* takes'): outputs_of(TASKS['kws01'], as_model('m', lambda x: x, (49, 10, 1)), e)

def test_five_hundred_official_keywords(reference_dir):
    "The stored outputs of the official float network: 452 of 500, which is at the target and not surely above it."
    z = np.load(reference_dir/'kws01_500.npz', allow_pickle=False)
    e = Examples('kws01', z['x_int8'][..., None].astype(np.float32), z['label'].astype(int), official=True)
    q = quality_of(TASKS['kws01'], z['out_float_savedmodel'], e)
    assert q.value == 452/500 and q.by_the_rule and q.verdict == 'undecided' and 'official' in repr(e)

def test_the_official_choice_of_pictures():
    "The first ten classes of the official list, and which of its class each of three known pictures is."
    y = np.arange(10_000) % 10
    x = np.broadcast_to((np.arange(10_000)//10).astype(np.float32)[:, None, None, None]/255, (10_000, 1, 1, 1))
    e = official_pictures(Dataset(x[:1], y[:1], x, y, 'cifar10', tuple('0123456789')))
    assert e.official and len(e.y) == 200 and np.bincount(e.y).tolist() == [20]*10
    assert e.y[:10].tolist() == [2, 1, 2, 5, 0, 4, 5, 4, 1, 3] and [int(e.x[i].ravel()[0]) for i in [3, 12, 25, 41, 58, 71]] == [31, 2, 59, 33, 60, 14]
    with pytest.raises(ValueError, match='toy: not the 1,000 test pictures'): official_pictures(Dataset(x[:1], y[:1], x[:9], y[:9], 'toy', ()))

def test_what_misses_the_target_is_not_written_as_the_target():
    missed = Quality('accuracy', 305/359, .80853, .88288, 359, .85)
    assert missed.words() == '84.96% [80.85, 88.29]' and not missed.by_the_rule
    assert Quality('accuracy', .85, .79, .9, 200, .85).words() == '85.0% [79.0, 90.0]'
    assert Quality('AUC', .84961, .8, .9, 60, .85).words() == '0.8496 [0.8000, 0.9000]'
