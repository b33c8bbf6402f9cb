"Grids, codes and fake quantization: properties, PyTorch's observers, bad inputs, and what composes with what."
import copy
import itertools
import pickle
from functools import partial

import numpy as np
import pytest
from hypothesis import given, strategies as st
from parity import close, same_as_torch

from tinybench.core.tensor import Tensor, apply
from tinybench.data.loader import Loader
from tinybench.models.zoo import MODELS, SHAPES, cifar_cnn, mnist_mlp
from tinybench.nn.conv import Conv2d
from tinybench.nn.dense import Dense, Flatten, ReLU, Residual, Sigmoid
from tinybench.nn.module import Sequential, evaluating, walk
from tinybench.nn.norm import BatchNorm
from tinybench.nn.optim import SGD
from tinybench.nn.pool import MaxPool2d
from tinybench.nn.train import fit
from tinybench.optimize.integer import integer
from tinybench.optimize.prune import sparse
from tinybench.optimize.quantize import (
    Clustered, FakeQuantize, FakeWeights, Int4, Int8, calibrate, clustered, fake, fake_op, from_grid, grid_for, int4, int8, kmeans,
    least_error, limits, minmax, pack4, percentile, to_grid, unpack4, weight_grid)
from tinybench.optimize.step import bfloat16, facts, float16, float64, optimize, strip
from tinybench.profile.cost import cost

def rng(seed=0): return np.random.default_rng(seed)
def small(seed=0):
    "Convolution, pooling, a residual block and a dense layer, without BatchNorm."
    r = rng(seed)
    return Sequential(Conv2d(1, 4, 3, r, padding='same'), ReLU(), Residual(Sequential(Conv2d(4, 4, 3, r, padding='same'))), ReLU(),
                      MaxPool2d(2), Flatten(), Dense(64, 3, r))
def images(n=16, seed=1): return rng(seed).normal(size=(n, 8, 8, 1)).astype(np.float32)
def answers(net, x):
    with evaluating(net): return net(Tensor(x)).data


# --- grids

finite = st.floats(-1e6, 1e6, width=32)

@given(finite, finite, st.integers(2, 8))
def test_a_grid_holds_zero_and_both_ends(a, b, bits):
    low, high = sorted((a, b))
    if max(high, 0) - min(low, 0) < 1e-6: return
    g = grid_for(low, high, bits)
    assert from_grid(to_grid(np.zeros(1, np.float32), g), g) == 0
    x = np.linspace(low, high, 50, dtype=np.float32)
    assert np.abs(from_grid(to_grid(x, g), g) - x).max() <= .5001*g.scale
    q = to_grid(x, g)
    assert q.dtype == np.int8 and (np.diff(q.astype(int)) >= 0).all()

@given(st.integers(2, 8), st.integers(0, 10**6))
def test_all_codes_come_back(bits, seed):
    g = grid_for(*np.sort(rng(seed).normal(size=2)), bits)
    codes = np.arange(g.lo, g.hi + 1).astype(np.int8)
    assert (to_grid(from_grid(codes, g), g) == codes).all()

@pytest.mark.parametrize('affine', [True, False])
def test_scales_and_zero_points_are_pytorchs(torch, affine):
    """`grid_for` is MinMaxObserver for qint8. Its symmetric grid reaches half a step beyond the largest number (max/127.5), ours to it
    (max/127, as TFLite's); with quant_min=-127 PyTorch's is ours."""
    from torch.ao.quantization.observer import MinMaxObserver, PerChannelMinMaxObserver
    for seed in range(30):
        v = (rng(seed).normal(size=(50, 6))*10.**(seed % 7 - 3) + seed % 3).astype(np.float32)
        if affine:
            o = MinMaxObserver(dtype=torch.qint8, qscheme=torch.per_tensor_affine)
            o(torch.tensor(v))
            scale, zero = o.calculate_qparams()
            g = grid_for(*minmax(v))
            assert (g.scale, g.zero) == (scale.numpy()[0], int(zero[0]))
            continue
        how = dict(dtype=torch.qint8, qscheme=torch.per_tensor_symmetric)
        wide, ours = MinMaxObserver(**how), MinMaxObserver(**how, quant_min=-127, quant_max=127)
        channels = PerChannelMinMaxObserver(ch_axis=1, dtype=torch.qint8, qscheme=torch.per_channel_symmetric, quant_min=-127, quant_max=127)
        for o in (wide, ours, channels): o(torch.tensor(v))
        scale = weight_grid(v, per_channel=False).scale
        # PyTorch divides by half of the distance of the ends
        np.testing.assert_allclose(scale, ours.calculate_qparams()[0].numpy()[0], rtol=2e-7)
        np.testing.assert_allclose(scale*127/127.5, wide.calculate_qparams()[0].numpy()[0], rtol=2e-7)
        np.testing.assert_allclose(weight_grid(v).scale, channels.calculate_qparams()[0].numpy(), rtol=2e-7)

def test_fake_quantization_is_pytorchs(torch):
    g = grid_for(-.9, 1.3, 4)
    same_as_torch([(40, 30)], lambda x: apply(fake_op, x, grid=g),
                  lambda x: torch.fake_quantize_per_tensor_affine(x, float(g.scale), g.zero, g.lo, g.hi))
    w = rng(3).normal(size=(20, 5)).astype(np.float32)
    g = weight_grid(w, 4)
    got = apply(fake_op, w, grid=g).data
    want = torch.fake_quantize_per_channel_affine(torch.tensor(w), torch.tensor(g.scale), torch.zeros(5, dtype=torch.int32), 1, -7, 7)
    close('per channel', got, want.numpy(), 1e-6)

@given(st.integers(0, 40), st.integers(0, 10**6))
def test_packing_is_undone(n, seed):
    codes = rng(seed).integers(0, 16, n).astype(np.uint8)
    assert (unpack4(pack4(codes), (n,)) == codes).all() and len(pack4(codes)) == (n + 1)//2


# --- ranges

def test_least_error_is_never_worse_than_minmax():
    for seed in range(20):
        v = (rng(seed).standard_t(3, size=2000)).astype(np.float32)
        for bits in (2, 4, 8):
            def error(ends):
                g = grid_for(*ends, bits)
                return np.square(from_grid(to_grid(v, g), g) - v).sum()
            assert error(least_error(v, bits)) <= error(minmax(v))*(1 + 1e-6)

def test_ranges_of_one_sign():
    v = np.abs(rng().normal(size=500)).astype(np.float32)
    for choose in (minmax, percentile, least_error):
        for a in (v, -v):
            low, high = choose(a, 4)
            assert low <= high and grid_for(low, high, 4).scale > 0

def test_a_thousandth_is_left_out_at_each_end():
    v = np.arange(10_001.)
    low, high = percentile(v)
    assert {int((v < low).sum()), int((v > high).sum())} <= {10, 11}
    with pytest.raises(ValueError, match='share of 99'): percentile(v, share=99)


# --- stored weights

@pytest.mark.parametrize('name', MODELS)
def test_every_network_is_stored_in_eight_and_in_four_bits(name, tmp_path):
    net = MODELS[name](rng())
    x = rng(1).random((2, *SHAPES[name])).astype(np.float32)
    old = facts(net, SHAPES[name])
    for step, bits in ((int8, 8), (int4, 4)):
        new = step(net)
        weights = sum(m.w.size for _, m in walk(net) if hasattr(m, 'w'))
        saved = old.nbytes - facts(new, SHAPES[name]).nbytes
        assert abs(saved - weights*(32 - bits)/8) <= sum(4*m.w.shape[-1] + 1 for _, m in walk(net) if hasattr(m, 'w'))
        assert np.isfinite(answers(new, x)).all() and facts(new, SHAPES[name]).macs == old.macs
        again = step(MODELS[name](rng(5))).load(new.save(tmp_path/'net'))
        assert np.array_equal(answers(again, x), answers(new, x))

def test_no_weight_moves_by_more_than_half_a_step():
    net = small()
    for step, bits in ((int8, 8), (int4, 4)):
        for per_channel in (True, False):
            for a, b in zip(net, step(net, per_channel)):
                if not isinstance(b, Int8 | Int4): continue
                g = weight_grid(a.w.data, bits, per_channel)
                assert (np.abs(b.decode() - a.w.data) <= .5001*g.scale).all() and b.decode().dtype == np.float32

def test_a_codebook_is_better_than_a_grid_of_as_many_values():
    for seed in range(5):
        w = rng(seed).normal(size=(100, 40)).astype(np.float32)
        layer = Dense(100, 40, rng())
        layer.w.data = w
        off = [np.square(m.decode() - w).mean() for m in (Clustered(layer), Int4(layer, per_channel=False))]
        assert off[0] < .75*off[1]

def test_kmeans_finds_sixteen_values_exactly():
    values = np.sort(rng().normal(size=16)).astype(np.float32)
    v = rng(1).choice(values, 4000)
    np.testing.assert_allclose(kmeans(np.repeat(np.arange(16.), 9)), np.arange(16))
    assert np.square(kmeans(v)[np.abs(v[:, None] - kmeans(v)).argmin(1)] - v).mean() < np.square(np.ptp(values)/15/2)

def test_a_channel_of_zeros_stays_zero():
    net = small()
    net[0].w.data[..., 1] = 0
    net[6].w.data[:] = 0
    for step in (int8, int4, partial(int8, per_channel=False), partial(int4, per_channel=False)):
        new = step(net)
        assert (new[0].decode()[..., 1] == 0).all() and (new[6].decode() == 0).all()
    assert np.isfinite(answers(clustered(net), images())).all()

def test_a_channel_that_is_nearly_zero_is_stored_as_zero():
    net = small()
    net[0].w.data[..., 1] = 1e-42
    for step in (int8, int4): assert (step(net)[0].decode()[..., 1] == 0).all()
    assert np.isfinite(answers(fake(net, images()), images())).all()

def test_stored_networks_can_be_copied_and_pickled():
    for step in (int8, int4, clustered):
        new = step(small())
        for twin in (copy.deepcopy(new), pickle.loads(pickle.dumps(new))):
            assert np.array_equal(answers(twin, images()), answers(new, images()))

def test_biases_of_stored_weights_still_learn():
    net = int8(small())
    before = net.state_dict()
    fit(net, [(images(), np.arange(16) % 3)], 1, SGD(net.parameters(), .1), progress=False)
    after = net.state_dict()
    changed = {k for k in before if not np.array_equal(before[k], after[k])}
    assert changed and all(k.endswith('.b') for k in changed)


# --- fake quantization

def places(net): return [type(m).__name__ for m in net]

def test_rounding_stands_where_integers_would_be_written():
    new = fake(small(), images())
    assert places(new) == ['FakeQuantize', 'FakeWeights', 'ReLU', 'FakeQuantize', 'Residual', 'ReLU', 'FakeQuantize', 'MaxPool2d', 'Flatten',
                           'FakeWeights', 'FakeQuantize']
    assert places(new[4].body) == ['FakeWeights', 'FakeQuantize'] and new[4].shortcut is None
    assert places(fake(Dense(4, 3, rng()), rng().normal(size=(5, 4)).astype(np.float32))) == ['FakeQuantize', 'FakeWeights', 'FakeQuantize']
    assert places(fake(mnist_mlp(rng()), rng().random((5, 784), np.float32))) == [
        'FakeQuantize', 'Flatten', 'FakeWeights', 'FakeQuantize', 'Sigmoid', 'FakeQuantize', 'FakeWeights', 'FakeQuantize']

def test_every_activation_lies_on_its_grid():
    net, seen = fake(small(), images(), bits=4, act_bits=5), []
    from tinybench.nn.module import around_calls
    def note(m, *xs):
        out = m.forward(*xs)
        if isinstance(m, FakeQuantize): seen.append((m.grid(), out.data))
        return out
    with evaluating(net), around_calls(note): net(Tensor(images(seed=9)))
    for g, a in seen:
        assert len(np.unique(a)) <= 32 and a.dtype == np.float32
        np.testing.assert_array_equal(from_grid(to_grid(a, g), g), a)

def test_eight_bits_move_the_outputs_little_and_two_move_them_far():
    from tinybench.optimize.step import moved
    net, x = small(), images(64)
    far = [moved(answers(net, x), answers(fake(net, x, bits=n, act_bits=n), x))[0] for n in (8, 6, 4, 2)]
    assert far[0] < .03 and far == sorted(far) and far[-1] > .1

def test_training_goes_on_and_changes_the_float_weights():
    net, x = fake(small(), images(48), bits=3), images(48)
    y = np.arange(48) % 3
    before = net.state_dict()
    h = fit(net, Loader(x, y, rng=rng()), 30, SGD(net.parameters(), .1, momentum=.9), progress=False)
    assert h[-1]['loss'] < .6*h[0]['loss']
    after = net.state_dict()
    assert all(np.array_equal(before[k], after[k]) == k.endswith(('at', 'form')) for k in before)
    w = net[1].w.data
    assert len(np.unique(w)) > 30 and len(np.unique(net[1].decoded().w.data[..., 0])) <= 7

def test_gradients_are_those_of_the_rounded_network():
    "Of the loss for the rounded weights: the straight-through estimator hands them on as they are."
    net, x = fake(small(), images()), Tensor(images())
    net(x).sum().backward()
    plain = copy.deepcopy(net)
    layers = [plain[1], plain[4].body[0], plain[9]]
    rounded = [m.decoded() for m in layers]
    for m in rounded: m.w = type(layers[0].w)(m.w.data)
    plain.layers[1], plain[4].body.layers[0], plain.layers[9] = rounded
    plain(x).sum().backward()
    for m, p in zip((net[1], net[4].body[0], net[9]), rounded): np.testing.assert_allclose(m.w.grad, p.w.grad, rtol=1e-6)

def test_fake_networks_are_networks(tmp_path):
    net = fake(small(), images())
    x = images(4, seed=3)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), fake(small(7), images(seed=2)).load(net.save(tmp_path/'n'))):
        assert np.array_equal(answers(twin, x), answers(net, x))
    assert cost(net, (8, 8, 1), batch=1).macs == cost(small(), (8, 8, 1), batch=1).macs
    assert '8 bits' in repr(net) and net.summary((1, 8, 8, 1)).total == small().n_parameters()

@pytest.mark.parametrize('one,other', list(itertools.permutations(
    [dict(bits=8, act_bits=8), dict(bits=4, act_bits=8), dict(bits=8, act_bits=3), dict(bits=5, act_bits=5, per_channel=False)], 2)))
def test_a_saved_simulation_brings_its_grids_along(one, other, tmp_path):
    net, x = fake(small(), images(), **one), images(4, seed=3)
    again = fake(small(7), images(seed=2), **other).load(net.save(tmp_path/'net'))
    assert np.array_equal(answers(again, x), answers(net, x)) and repr(again) == repr(net)
    assert [(m.bits, m.per_channel) for _, m in walk(again) if isinstance(m, FakeWeights)] == 3*[(one['bits'], one.get('per_channel', True))]
    assert np.array_equal(answers(calibrate(again, images()), x), answers(calibrate(net, images()), x))

@pytest.mark.parametrize('dtype', ['float16', 'float64'])
@pytest.mark.parametrize('step,path', [(int8, 'layers.0, Int8'), (int4, 'layers.0, Int4'),
                                       (float16, 'layers.0, Float16'), (bfloat16, 'layers.0, BFloat16'),
                                       (partial(fake, x=images()), 'layers.0, FakeQuantize'), (lambda n: integer(n, images()), 'layers.0, Quantize'),
                                       (lambda n: integer(n, images())[2:3], 'layers.0, IntegerAdd')],
                         ids=['int8', 'int4', 'float16', 'bfloat16', 'fake', 'integer', 'IntegerAdd'])
def test_codes_and_scales_are_not_converted(step, path, dtype):
    net = step(small())
    before = net.state_dict()
    with pytest.raises(TypeError, match=f'(?s){path}.* computes in float32 only, and {dtype} would change its answers'): net.astype(dtype)
    for state in net.state_dict(), net.astype('float32').state_dict():
        assert all(a.dtype == before[k].dtype and np.array_equal(a, before[k]) for k, a in state.items())

def test_a_codebook_is_of_float32():
    with pytest.raises(TypeError, match='layers.0, Clustered.*computes in float32 only'): clustered(small()).astype('float64')

def test_nothing_given_is_changed_and_calibration_can_be_done_anew():
    net, x = small(), images()
    old = net.state_dict()
    one = fake(net, x)
    two = calibrate(one, 3*x)
    assert all(np.array_equal(a, old[k]) for k, a in net.state_dict().items())
    assert two[0].scale == pytest.approx(3*one[0].scale) and one[0].scale == fake(net, x)[0].scale

def test_zoo_networks_without_batchnorm():
    for make, shape in ((mnist_mlp, (784,)), (cifar_cnn, (32, 32, 3))):
        net, x = make(rng()), rng(1).random((8, *shape)).astype(np.float32)
        change = optimize(net, dict(fake=partial(fake, x=x)), x).changes[0]
        assert change.moved < .05

def test_orders_that_make_sense():
    net, x = small(), images()
    for steps in ([strip, partial(fake, x=x)], dict(f=partial(fake, x=x), s=strip), [strip, int4]):
        assert optimize(net, steps, x).changes[-1].moved < .2
    with pytest.raises(ValueError, match='FakeWeights computes in float32: encode the network as it was before'):
        optimize(net, [float64, partial(fake, x=x)], x)

@pytest.mark.parametrize('step', [float16, bfloat16, int8, int4, clustered, sparse], ids=lambda f: f.__name__)
def test_what_is_rounded_to_a_grid_is_not_encoded_again(step):
    "Its weights would move a second time, and the bits of the grid would be lost from the state."
    with pytest.raises(ValueError, match='FakeWeights.*encoded already; give the network as it was before'): step(fake(small(), images()))


# --- bad inputs

@pytest.mark.parametrize('bits', [0, 1, 9, 32, 2.5, '8', None])
def test_bits_out_of_range(bits):
    for f in (limits, lambda b: grid_for(-1, 1, b), lambda b: weight_grid(np.ones((2, 2)), b), lambda b: fake(small(), images(), bits=b),
              lambda b: fake(small(), images(), act_bits=b), FakeQuantize, lambda b: FakeWeights(Dense(2, 2, rng()), b)):
        with pytest.raises(ValueError, match='2 to 8 bits'): f(bits)

@pytest.mark.parametrize('low,high', [(0, 0), (np.nan, 1), (-1, np.inf), (-np.inf, 0), (1e-38, 2e-38)])
def test_ranges_that_are_none(low, high):
    with pytest.raises(ValueError, match='no grid'): grid_for(low, high)

def test_calibration_on_nothing_on_constants_and_on_nan():
    net = small()
    with pytest.raises(ValueError, match='layers.0, FakeQuantize.*no examples'): fake(net, images(0))
    with pytest.raises(ValueError, match='layers.0, .*saw only 2'): fake(net, 0*images() + 2)
    with pytest.raises(ValueError, match='layers.0, .*saw 1 numbers that are NaN'):
        x = images()
        x[0, 0, 0, 0] = np.nan
        fake(net, x)
    net[0].w.data[:], net[0].b.data[:] = 0, -1
    with pytest.raises(ValueError, match='layers.3, .*saw only 0.*dead'): fake(net, images())

def test_weights_that_are_nan():
    net = small()
    net[0].w.data[0, 0, 0, 0] = np.nan
    for step in (int8, int4, clustered, partial(fake, x=images())):
        with pytest.raises(ValueError, match='layers.0, Conv2d.*1 weights are NaN'): step(net)
    net[0].w.data[:], net[0].b.data[0] = 1, np.inf
    with pytest.raises(ValueError, match='layers.0, Conv2d.*1 weights are NaN or infinite'): int8(net)
    with pytest.raises(ValueError, match='1 of 2 numbers are NaN'): to_grid(np.array([1, np.nan]), grid_for(0, 1))

def test_networks_that_cannot_be_quantized():
    r = rng()
    with pytest.raises(ValueError, match='layers.1, BatchNorm.*fold'): fake(Sequential(Dense(3, 3, r), BatchNorm(3)), np.ones((2, 3), np.float32))
    with pytest.raises(ValueError, match='no layer has weights'): fake(Sequential(ReLU()), images())
    with pytest.raises(ValueError, match='quantized already.*calibrate'): fake(fake(small(), images()), images())
    half = small()
    half.layers[0] = float16(Sequential(half[0]))[0]
    with pytest.raises(ValueError, match='layers.0, .*codes already'): fake(half, images())
    for step in (int8, int4, clustered):
        with pytest.raises(ValueError, match='encode its weights last'): step(step(small()))

def test_a_choice_of_no_range_names_the_place():
    for bad in ((np.nan, 1), (0, 0), (-1, np.inf)):
        with pytest.raises(ValueError, match='layers.0, FakeQuantize.*has no grid'): fake(small(), images(), choose=lambda v, bits: bad)

def test_a_place_without_a_grid_says_so():
    with pytest.raises(ValueError, match='no FakeQuantize to calibrate'): calibrate(small(), images())
    with pytest.raises(ValueError, match='no grid yet.*use calibrate'): FakeQuantize()(images())
    with pytest.raises(ValueError, match='0 to 15'): pack4(np.array([16]))
