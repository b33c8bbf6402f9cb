"Low rank against numpy's own truncation, on every kind of layer, in every order of steps, and what it refuses."
import copy, pickle
from functools import partial

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinybench.core.tensor import Tensor
from tinybench.models.zoo import ds_cnn, fc_autoencoder, mobilenet_v1_025, simple_cnn
from tinybench.nn.conv import Conv2d
from tinybench.nn.channels import DepthwiseConv2d
from tinybench.nn.dense import Dense, ReLU, Residual
from tinybench.nn.loss import cross_entropy
from tinybench.nn.module import Module, Sequential, evaluating, walk
from tinybench.nn.norm import BatchNorm
from tinybench.optimize.lowrank import (
    balanced, lowrank, matrix, most_rank, nearest, nearest_outputs, rank_for, rows_in, splittable, thin, thin_rank)
from tinybench.optimize.prune import prune
from tinybench.optimize.step import bfloat16, facts, float16, float64, optimize, strip
from tinybench.profile.cost import cost

def rng(seed=0): return np.random.default_rng(seed)
def out(net, x):
    with evaluating(net): return net(x).data
def images(n=3, shape=(8, 8, 1), seed=1): return rng(seed).normal(size=(n, *shape)).astype(np.float32)


# --- factors

sizes = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(0, 10**6))

@given(sizes)
def test_nearest_is_the_truncation_of_the_svd(drawn):
    n, m, seed = drawn
    w = rng(seed).normal(size=(n, m))
    u, s, v = np.linalg.svd(w)
    for r in range(1, min(n, m) + 1):
        a, b = nearest(w, r)
        assert np.allclose(a @ b, u[:, :r]*s[:r] @ v[:r])
        assert np.isclose(((w - a @ b)**2).sum(), (s[r:]**2).sum(), atol=1e-12)

def test_no_random_product_is_nearer_after_descent():
    "Alternating least squares from random factors ends no nearer than the truncation: Eckart and Young."
    q = rng(4)
    w = q.normal(size=(9, 7))
    least = ((w - np.matmul(*nearest(w, 3)))**2).sum()
    for _ in range(30):
        a = q.normal(size=(9, 3))
        for _ in range(40):
            b = np.linalg.lstsq(a, w)[0]
            a = np.linalg.lstsq(b.T, w.T)[0].T
        assert least <= ((w - a @ b)**2).sum() + 1e-9

def test_same_as_torch(torch):
    w = rng(2).normal(size=(20, 30))
    u, s, v = torch.linalg.svd(torch.tensor(w), full_matrices=False)
    assert np.allclose(np.matmul(*nearest(w, 5)), ((u[:, :5]*s[:5]) @ v[:5]).numpy())

@given(sizes)
def test_by_outputs_is_the_truncation_of_the_outputs(drawn):
    n, m, seed = drawn
    q = rng(seed)
    x, w = q.normal(size=(n + 15, n))*q.lognormal(size=n), q.normal(size=(n, m))
    y = x @ w
    for r in range(1, min(n, m) + 1):
        want = np.matmul(*nearest(y, r))
        assert np.allclose(x @ np.matmul(*nearest_outputs(w, r, x)), want, atol=1e-7*abs(y).max())

def test_white_inputs_make_both_the_same():
    w, x = rng(3).normal(size=(8, 6)), np.eye(8)
    assert np.allclose(np.matmul(*nearest(w, 3)), np.matmul(*nearest_outputs(w, 3, x)))

@given(sizes)
def test_balanced_keeps_the_product_and_shares_the_size(drawn):
    n, r, seed = drawn
    q = rng(seed)
    a, b = q.normal(size=(n, r))*q.lognormal(3, size=r), q.normal(size=(r, 5))
    c, d = balanced(a, b)
    assert np.allclose(c @ d, a @ b) and np.allclose(np.linalg.norm(c, axis=0), np.linalg.norm(d, axis=1))
    assert (c**2).sum() + (d**2).sum() <= (a**2).sum() + (b**2).sum() + 1e-9

def test_balanced_leaves_zeros():
    a, b = np.zeros((3, 2), np.float32), np.ones((2, 3), np.float32)
    for f in balanced(a, b): assert f.dtype == np.float32 and np.isfinite(f).all()
    assert (np.matmul(*balanced(a, b)) == 0).all()

@given(st.integers(1, 40), st.integers(1, 40))
def test_most_rank_is_the_last_that_saves(n, m):
    r = most_rank(n, m)
    assert r*(n + m) < n*m <= (r + 1)*(n + m)


# --- layers

@pytest.mark.parametrize('padding', ['same', 'valid'])
@pytest.mark.parametrize('stride', [1, 2, (2, 1)])
@pytest.mark.parametrize('kernel', [1, 3, (3, 2)])
def test_full_rank_computes_the_same(kernel, stride, padding):
    conv = Conv2d(3, 5, kernel, rng(), stride, padding)
    conv.b.data[:] = rng(1).normal(size=5)
    x = images(2, (7, 9, 3))
    pair = Sequential(*thin(conv, *nearest(matrix(conv), min(matrix(conv).shape))))
    assert np.allclose(pair(x).data, conv(x).data, atol=1e-5)

def test_gradients_reach_both_layers():
    net = lowrank(Sequential(Dense(30, 30, rng()), ReLU(), Dense(30, 4, rng(1))), 3, only=['layers.0'])
    cross_entropy(net(images(5, (30,))), np.arange(5) % 4).backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())

def test_rows_times_the_matrix_are_the_outputs():
    net, x = simple_cnn(rng()), images()
    layers, rows = splittable(net, None), rows_in(net, x)
    calls = {id(layer): layer for layer in layers.values()}
    assert rows.keys() == calls.keys()
    first = layers['layers.0']
    assert np.allclose(rows[id(first)] @ matrix(first) + first.b.data, first(x).data.reshape(-1, 16), atol=1e-5)


# --- networks

def test_examples_move_the_outputs_less():
    net, x = Sequential(Dense(40, 40, rng()), ReLU(), Dense(40, 40, rng(1))), images(400, (40,))
    x = (x @ np.diag(np.geomspace(1, .01, 40))).astype(np.float32)
    off = [abs(out(lowrank(net, 8, x=given, only=['layers.0']), x) - out(net, x)).mean() for given in (None, x)]
    assert off[1] < .7*off[0]

@pytest.mark.parametrize('make, shape', [(simple_cnn, (8, 8, 1)), (ds_cnn, (49, 10, 1)), (fc_autoencoder, (640,)),
                                         (mobilenet_v1_025, (96, 96, 3))])
def test_networks_of_the_zoo(make, shape):
    "Fewer weights and multiplications; copies, pickles and files hold the same; the given network stays."
    net, x = make(rng()), images(2, shape)
    before = net.state_dict()
    new = lowrank(net, 4)
    a, b = facts(net, shape), facts(new, shape)
    assert b.macs < a.macs and b.nbytes < a.nbytes and b.layers > a.layers
    assert all((net.state_dict()[k] == v).all() for k, v in before.items())
    for twin in (copy.deepcopy(new), pickle.loads(pickle.dumps(new))): assert (out(twin, x) == out(new, x)).all()
    assert new.summary((1, *shape)).total == new.n_parameters() == cost(new, shape, batch=1).params

def test_files(tmp_path):
    new, x = lowrank(simple_cnn(rng()), 3), images()
    path = new.save(tmp_path/'thin')
    other = lowrank(simple_cnn(rng(5)), 3)
    assert (out(other.load(path), x) == out(new, x)).all()

def test_inside_other_layers():
    "The body and the shortcut of a Residual, which are no chains, and a network that is one layer."
    net = Residual(Dense(20, 20, rng()), Dense(20, 20, rng(1)))
    new = lowrank(net, 2)
    assert isinstance(new.body, Sequential) and len(new.body) == len(new.shortcut) == 2
    assert out(new, images(3, (20,))).shape == (3, 20)
    assert len(lowrank(Dense(20, 20, rng()), 2)) == 2

def test_a_chain_stays_a_chain():
    new = lowrank(Sequential(Dense(20, 20, rng()), BatchNorm(20)), 2)
    assert [type(m).__name__ for m in new] == ['Dense', 'Dense', 'BatchNorm']

class Pair(Module):
    "Two layers, of which only the first can get smaller; the second is used as often as `times`."
    def __init__(self, times=1): self.one, self.two, self.times = Dense(20, 20, rng()), Dense(20, 3, rng(1)), times
    def forward(self, x):
        x = self.one(x)
        return sum((self.two(x*k) for k in range(2, self.times + 1)), self.two(x)) if self.times else x

def test_a_layer_that_stays_keeps_its_place():
    "What is not split is not wrapped, so its weights have the names that they had."
    new = lowrank(Pair(), 5)
    assert type(new.two) is Dense and {'two.w', 'two.b', 'one.layers.0.w'} <= new.state_dict().keys()

def test_a_layer_that_is_called_twice_is_judged_by_all_its_rows():
    net, x = Pair(times=2), images(6, (20,))
    rows = rows_in(net, x)
    assert len(rows[id(net.one)]) == 6 and len(rows[id(net.two)]) == 12

def test_a_layer_that_the_examples_do_not_reach():
    with pytest.raises(ValueError, match=r'two, Dense\(20, 3\): 0 rows of examples'):
        lowrank(Pair(times=0), 2, x=images(30, (20,)))

def test_inputs_that_are_not_finite():
    class Lost(Module):
        def forward(self, x): return x*np.float32(np.nan)
    net, x = Sequential(Dense(20, 20, rng()), Lost(), Dense(20, 20, rng(1))), images(30, (20,))
    with pytest.raises(ValueError, match=r'layers\.2, .* inputs are NaN or infinite'): lowrank(net, 2, x=x)
    x[3, 4] = np.nan
    with pytest.raises(ValueError, match='numbers of the examples x are NaN'): lowrank(net, 2, x=x)

@given(st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_the_last_rank_that_saves_counts_every_number(n, m, dense):
    layer = Dense(n, m, rng()) if dense else Conv2d(n, m, 1, rng())
    def stored(r): return sum(k.n_parameters() for k in thin(layer, *nearest(matrix(layer), r)))
    r = thin_rank(layer)
    assert r == 0 or stored(r) < layer.n_parameters()
    if r < min(n, m): assert stored(r + 1) >= layer.n_parameters()

def test_zeros_of_the_first_convolution_count():
    "4 to 13 channels at rank 3: 51 weights for 52, but 3 zeros more."
    net = Sequential(Conv2d(4, 13, 1, rng()))
    with pytest.raises(ValueError, match='layers.0, .*: 2'): lowrank(net, 3)
    assert lowrank(net, 2).n_parameters() < net.n_parameters()

def test_only_some_and_never_more():
    net = Sequential(Dense(20, 20, rng()), ReLU(), Dense(20, 20, rng()), ReLU(), Dense(20, 3, rng()))
    assert len(lowrank(net, 2, only=['layers.2'])) == 6
    assert len(lowrank(net, 9)) == 7                        # 20 to 3 saves up to rank 2

def test_energy_of_one_keeps_what_has_a_low_rank():
    "A layer whose weights are of rank 2 becomes thin without any loss."
    net = Dense(30, 30, rng())
    net.w.data = (rng(1).normal(size=(30, 2)) @ rng(2).normal(size=(2, 30))).astype(np.float32)
    new, x = lowrank(net, energy=1 - 1e-9), images(4, (30,))
    assert new[0].w.shape == (30, 2) and np.allclose(out(new, x), out(net, x), atol=1e-4)

@pytest.mark.parametrize('rank', range(1, 10))
def test_energy_that_the_rank_keeps_gives_the_rank(rank):
    s = np.linalg.svd(rng(rank).normal(size=(10, 12)), compute_uv=False)
    assert rank_for(s, float((s[:rank]**2).sum()/(s**2).sum())*(1 - 1e-12)) == rank

def test_float64():
    net = simple_cnn(rng()).astype(np.float64)
    x = images(40).astype(np.float64)
    assert out(lowrank(net, 3, x=x), x).dtype == np.float64
    lone = lowrank(net, 3, x=x)
    assert {p.dtype for p in lone.parameters()} == {np.dtype(np.float64)}


# --- with other steps

def low(net): return lowrank(net, 4)
@pytest.mark.parametrize('steps', [(strip, low), (low, strip), (low, float16), (strip, low, bfloat16), (low, float64)])
def test_orders_that_make_sense(steps):
    done = optimize(simple_cnn(rng()), list(steps), images())
    assert done.changes[-1].after.macs < done.changes[0].before.macs

def test_twice():
    "A second time, at a lower rank, only what still gets smaller."
    net = simple_cnn(rng())
    once, twice = lowrank(net, 8, only=['layers.3']), lowrank(lowrank(net, 8, only=['layers.3']), 3)
    assert facts(twice, (8, 8, 1)).macs < facts(once, (8, 8, 1)).macs

def test_pruning_comes_after_it():
    "The factors of a matrix with zeros have none, so the other order loses what pruning won."
    def zeros(net): return np.mean(np.concatenate([m.w.data.ravel() for _, m in walk(net) if hasattr(m, 'w')]) == 0)
    net, sparser = Sequential(Dense(40, 40, rng())), partial(prune, sparsity=.8)
    assert np.isclose(zeros(sparser(low(net))), .8, atol=.01) and zeros(low(sparser(net))) < .1

@pytest.mark.parametrize('encode', [float16, bfloat16])
def test_after_encoding_it_is_refused(encode):
    with pytest.raises(ValueError, match='encode its weights last'): lowrank(encode(simple_cnn(rng())), 4)


# --- refusals, in words

@pytest.mark.parametrize('request_, words', [
    (dict(), 'either a rank or an energy'),
    (dict(rank=2, energy=.5), 'either a rank or an energy'),
    (dict(rank=0), 'whole number from 1'),
    (dict(rank=2.5), 'whole number from 1'),
    *[(dict(rank=rank), 'whole number from 1') for rank in (-1, 2., np.nan, np.inf, '2')],
    (dict(energy=np.nan), 'above 0 and up to 1'),
    (dict(energy='all'), 'above 0 and up to 1'),
    (dict(energy=0), 'above 0 and up to 1'),
    (dict(energy=1.5), 'above 0 and up to 1'),
    (dict(rank=200), r'layers\.3, Conv2d\(16, 32, 3x3, same\): 26'),
    (dict(rank=2, only=['layers.1']), r"cannot split \['layers.1'\]: choose from layers.0, layers.3, layers.9"),
    (dict(rank=2, only=[]), 'cannot split nothing'),
    (dict(rank=2, x=np.full((9, 8, 8, 1), np.nan, np.float32)), 'NaN or infinite'),
    (dict(rank=2, x=images(2)), r'layers\.9, Dense\(512, 10\): 2 rows .* at least 10'),
])
def test_refused(request_, words):
    with pytest.raises(ValueError, match=words): lowrank(simple_cnn(rng()), **request_)

def test_a_network_of_one_layer_has_a_name():
    with pytest.raises(ValueError, match=r'for the network, Dense\(20, 3\): 2'): lowrank(Dense(20, 3, rng()), 9)

def test_examples_may_be_a_tensor_or_a_list():
    net, x = Dense(20, 20, rng()), images(30, (20,))
    want = out(lowrank(net, 2, x=x), x)
    for same in (Tensor(x), x.tolist()): assert np.allclose(out(lowrank(net, 2, x=same), x), want, atol=1e-5)

def test_one_path_for_a_list():
    with pytest.raises(TypeError, match='list of paths'): lowrank(simple_cnn(rng()), 2, only='layers.3')

def test_weights_that_are_not_finite():
    net = Dense(20, 20, rng())
    net.w.data[0, 0] = np.nan
    with pytest.raises(ValueError, match='NaN or infinite'): lowrank(net, 2)

def test_a_shared_layer():
    one = Dense(20, 20, rng())
    with pytest.raises(ValueError, match='are one Dense'): lowrank(Sequential(one, one), 2)

def test_nothing_to_split():
    with pytest.raises(ValueError, match='no Dense or Conv2d'): lowrank(Sequential(DepthwiseConv2d(3, 3, rng())), 1)
