"show: explorers of weights: errors of grids, bytes, plans, and every knob at both of its ends."
from functools import cache
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np, pytest
from tinybench.measure.accuracy import accuracy_difference
from tinybench.models.zoo import resnet8
from tinybench.nn.conv import Conv2d
from tinybench.nn.dense import Dense, Flatten, ReLU
from tinybench.nn.module import Sequential
from tinybench.nn.norm import BatchNorm
from tinybench.optimize.prune import prune, sensitivity, sparse, sparsest
from tinybench.optimize.quantize import fake, from_grid, int4, int8, to_grid, weight_grid
from tinybench.optimize.step import answers_of, weighted
from tinybench.show.weights import (RANGES, SPARSITIES, best_top, clipped, csr_bytes, decibels, draw_quantized, draw_sensitivity,
                                    fair_losses, foretold, hits_of, measure_quantized, measure_scan, plan_bytes, quantization_explorer,
                                    quantized, quantized_bytes, sensitivity_explorer, two_errors)
from tinybench.show.widgets import Choices

def words(w): return ElementTree.fromstring(w.value).text if w.value else ''

@cache
def net():
    rng = np.random.default_rng(0)
    return Sequential(Conv2d(1, 4, 3, rng), ReLU(), Flatten(), Dense(144, 64, rng), ReLU(), Dense(64, 3, rng)).eval()

@cache
def data():
    "Examples labelled as the network itself answers, some of them wrongly."
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 8, 8, 1)).astype(np.float32)
    y = np.where(rng.random(300) < .1, rng.integers(0, 3, 300), answers_of(net(), x).argmax(1))
    return SimpleNamespace(x_train=x[:100], y_train=y[:100], x_test=x[100:], y_test=y[100:])

QUIET = lambda done, of: None

@cache
def measured():
    found = None
    for bits in (8, 4, 2):
        for ends in RANGES:
            for per_channel in (True, False):
                found = measure_quantized(net(), data())(QUIET, found, 'layers.3', bits, ends, per_channel, 2.)
    return found

@cache
def scanned(): return measure_scan(net(), data())(QUIET, None, 'layers.3', .8, 3.)

EXPLORERS = dict(quantization=(quantization_explorer, measured), sensitivity=(sensitivity_explorer, scanned))

def ends_of(w):
    if not hasattr(w, 'options'): return w.min, w.max
    values = [v for _, v in w._options_full]
    return values[0], values[-1]

@pytest.mark.parametrize('name', EXPLORERS)
def test_every_knob_draws_at_both_ends_and_keeps_all_inside_of_the_picture(name, tmp_path):
    make, found = EXPLORERS[name]
    e = make(net(), data(), found(), Choices(tmp_path/'c.json'))
    e.guess.open(None)
    assert 'lose' in words(e.guess.says) and 'Measure to see' not in words(e.guess.says)
    for knob, w in e.knobs.items():
        for value in ends_of(w):
            was, w.value = w.value, value
            shown = e.picture()
            assert shown.words == words(e.words) and '<svg' in e.figure.value, f'{knob}={value}'
            inside(shown.figure, (knob, value))
            w.value = was

def inside(fig, what):
    fig.draw_without_rendering()
    for ax in fig.axes:
        box = ax.get_tightbbox()
        assert box.x0 >= -2 and box.y0 >= -2 and box.x1 <= fig.bbox.x1 + 2 and box.y1 <= fig.bbox.y1 + 2, (what, box)
        assert ax.get_xlabel() and (ax.get_ylabel() or ax.get_yticklabels())

@pytest.mark.parametrize('name', EXPLORERS)
def test_before_it_is_measured_it_says_so(name, tmp_path):
    e = EXPLORERS[name][0](net(), data(), choices=Choices(tmp_path/'c.json'))
    e.guess.open(None)
    assert 'Not measured' in words(e.words) and 'Measure to see' in words(e.guess.says) and e.static().png()

@pytest.mark.parametrize('name', EXPLORERS)
def test_a_measurement_can_be_stopped_at_any_round_and_started_again(name, tmp_path):
    e = EXPLORERS[name][0](net(), data(), choices=Choices(tmp_path/'c.json'))
    before, tell = net().state_dict(), e.measurement.progress
    def progress(done, of, *_):
        e.measurement.stop.set()
        tell(done, of)
    e.measurement.progress = progress
    e.measurement.start()
    e.measurement.thread.join(20)
    assert 'Stopped' in words(e.measurement.says) and e.found is None
    e.measurement.progress = tell
    e.measurement.start()
    e.measurement.thread.join(20)
    assert 'Done' in words(e.measurement.says) and e.found and 'not measured' not in words(e.words).lower()
    for k, v in net().state_dict().items(): np.testing.assert_array_equal(v, before[k])

def test_a_network_that_cannot_be_quantized_is_refused_at_once():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match='fold it'): quantization_explorer(Sequential(Dense(4, 3, rng), BatchNorm(3)), data())
    with pytest.raises(ValueError, match='encode its weights last'): quantization_explorer(int8(net()), data())

def test_many_layers_fit_into_the_picture():
    deep = resnet8(np.random.default_rng(0)).eval()
    hits = tuple([True, False]*20)
    scan = sensitivity(deep, lambda n: hits, (.5, .8))
    shown = draw_sensitivity([*scan.found][0], .8, 30., net=deep, found={'scan': scan})
    inside(shown.figure, 'resnet8')


# --- errors of a grid

@pytest.mark.parametrize('draw', ['normal', 'laplace', 'uniform'])
@pytest.mark.parametrize('bits', [2, 3, 4, 6, 8])
def test_the_least_modelled_error_is_near_the_least_true_error(draw, bits):
    rng = np.random.default_rng(4)
    w = getattr(rng, draw)(size=20_000).astype(np.float32) - (draw == 'uniform')*np.float32(.5)
    tops = np.abs(w).max()*np.arange(1, 65)/64
    def error(top):
        grid = weight_grid(np.clip(w, -top, top), bits, False)
        return np.square(from_grid(to_grid(w, grid), grid) - w).mean()
    true = np.array([error(t) for t in tops])
    assert error(best_top(w, bits)) <= 1.1*true.min()
    if bits > 3:     # the steps are small beside the bell, so the model is that of rounding
        near = tops > .2*tops[-1]
        np.testing.assert_allclose(sum(two_errors(w, tops, bits))[near], true[near], rtol=.1)

@pytest.mark.parametrize('per_channel', [True, False])
def test_minmax_clips_nothing_and_the_grid_of_fake_is_ours(per_channel):
    for _, m in weighted(net()): np.testing.assert_array_equal(clipped(m.w.data, 4, 'min-max', per_channel), m.w.data)
    x = data().x_train
    ours, theirs = (answers_of(n, x) for n in (quantized(net(), x, 4, 'min-max', per_channel), fake(net(), x, 4, 8, per_channel)))
    np.testing.assert_array_equal(ours, theirs)

def test_a_channel_has_the_range_of_its_own_weights():
    w = np.random.default_rng(0).normal(size=(3, 3, 5, 4)).astype(np.float32)*np.array([1, 2, 4, 8], np.float32)
    for ends, top in RANGES.items():
        c = clipped(w, 3, ends, True)
        for i in range(4): np.testing.assert_allclose(np.abs(c[..., i]).max(), top(w[..., i], 3), rtol=1e-6)
        np.testing.assert_allclose(np.abs(clipped(w, 3, ends, False)).max(), top(w, 3), rtol=1e-6)

def test_a_layer_of_zeros_stays_one():
    zeros = np.zeros((4, 3), np.float32)
    for ends in RANGES:
        for per_channel in (True, False): assert not clipped(zeros, 2, ends, per_channel).any()

def test_six_decibels_a_bit():
    w = np.random.default_rng(2).uniform(-1, 1, 50_000).astype(np.float32)
    def db(bits):
        grid = weight_grid(w, bits, False)
        return decibels(w, from_grid(to_grid(w, grid), grid))
    gains = [db(bits + 1) - db(bits) for bits in range(5, 8)]
    np.testing.assert_allclose(gains, 20*np.log10(2), atol=.4)
    assert decibels(w, w) == np.inf


# --- bytes

def stored(n): return sum(a.nbytes for a in n.state_dict().values())

@pytest.mark.parametrize('per_channel', [True, False])
def test_modelled_bytes_are_the_stored_ones_where_such_a_format_exists(per_channel):
    for bits, encode in ((8, int8), (4, int4)):
        assert quantized_bytes(net(), bits, per_channel) == stored(encode(net(), per_channel))

@pytest.mark.parametrize('sparsity', [.5, .8, .95])
def test_bytes_of_a_plan_are_those_of_sparse(sparsity):
    plan = {path: sparsity for path, _ in weighted(net())}
    sizes = plan_bytes(net(), plan)
    assert stored(net()) - sum(a - b for a, b in sizes.values()) == stored(sparse(prune(net(), plan)))

def test_few_zeros_save_nothing(): assert csr_bytes((144, 64), .05) == csr_bytes((144, 64), 0) == 4*144*64


# --- what was measured

def test_hits_are_the_same_in_any_batches():
    told = []
    x, y = data().x_test, data().y_test
    want = answers_of(net(), x).argmax(1) == y
    for batch in (7, 200, 999): assert hits_of(net(), x, y, lambda *p: told.append(p), batch) == tuple(want)
    assert told[-2:] == [(1, 1), (1, 1)] and (29, 29) in told

def test_settings_gather_and_share_the_level():
    found = measured()
    assert len(found) == 19 and found['float32'] == hits_of(net(), data().x_test, data().y_test)
    setting, hits = [*found.items()][1]
    lost = fair_losses(found['float32'], {k: v for k, v in found.items() if k != 'float32'})
    one = accuracy_difference(found['float32'], hits)
    assert lost[setting].estimate == one.estimate and lost[setting].lo < one.lo and one.hi < lost[setting].hi
    shown = draw_quantized('layers.3', *setting, net=net(), found=found)
    assert 'Settings measured: 18' in shown.words and 'of 200 examples' in shown.words

def test_a_broken_limit_is_said_with_its_amount():
    shown = draw_quantized('layers.3', 2, 'min-max', False, 1., net=net(), found=measured())
    assert 'breaks the limit of 1.0%' in shown.words and 'points above it' in shown.words and shown.broken

def test_the_scan_is_made_once_and_each_plan_is_measured():
    first, calls = scanned(), []
    again = measure_scan(net(), data())(lambda *p: calls.append(p), first, 'layers.3', .8, 20.)
    assert again['scan'] is first['scan'] and calls == [(1, 1)]
    plan = sparsest(first['scan'], .2)
    assert again[tuple(plan.items())] == hits_of(prune(net(), plan), data().x_test, data().y_test)
    assert first['scan'].sparsities == SPARSITIES and len(first) == 2

def test_the_rounds_of_a_scan_are_counted():
    calls = []
    measure_scan(net(), data())(lambda *p: calls.append(p), None, 'layers.3', .8, 3.)
    assert calls == [(i, 20) for i in range(1, 21)]

def test_a_plan_that_prunes_nothing_foretells_no_loss():
    scan = scanned()['scan']
    assert tuple(foretold(scan, dict.fromkeys(scan.found, 0.))) == scan.base
