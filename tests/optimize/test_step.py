"Steps: copies, what a step may not do, and 16-bit weights against numpy's and PyTorch's own."
import copy, multiprocessing.reduction as reduction

import numpy as np
import pytest

from tinybench.core.tensor import Tensor, check_grad
from tinybench.models.zoo import MODELS, SHAPES, create, simple_cnn
from tinybench.nn.conv import Conv2d
from tinybench.nn.dense import Dense, Dropout, ReLU, Residual
from tinybench.nn.loss import cross_entropy
from tinybench.nn.module import Module, Sequential, evaluating, live_state, walk
from tinybench.nn.norm import BatchNorm
from tinybench.nn.optim import SGD
from tinybench.optimize.step import (BFloat16, Cast, Float16, bfloat16, clone, each_weighted, facts, float16, float64, from_bfloat16,
                                     named_steps, optimize, pairwise_sum, rewrite, strip, to_bfloat16, weighted, with_weights)
from tinybench.profile.cost import cost

def rng(seed=0): return np.random.default_rng(seed)
def inputs(name, n=3): return rng(1).normal(size=(n, *SHAPES[name])).astype(np.float32)
def outputs(net, x):
    with evaluating(net): return net(Tensor(x)).data
each_model = pytest.mark.parametrize('name', MODELS)
STEPS = dict(strip=strip, float16=float16, bfloat16=bfloat16, float64=float64)


# --- copies

@each_model
@pytest.mark.parametrize('step', STEPS.values(), ids=STEPS)
def test_a_step_changes_nothing_in_place_and_shares_no_memory(name, step):
    net = create(name, rng())
    before, kept = net.state_dict(), net.state_dict()
    new = step(net)
    held = [v.data if isinstance(v, Tensor) else v for _, m in walk(new) for v in vars(m).values() if isinstance(v, Tensor | np.ndarray)]
    stored = live_state(new)
    assert len(held) >= len(stored) > 0 and all(any(a is b for b in held) for a in stored.values())      # weights, buffers, codes
    for a in held: a[...] = 3
    assert all((a == 3).all() for a in live_state(new).values())
    after = net.state_dict()
    assert before.keys() == after.keys() and all(np.array_equal(kept[k], after[k]) for k in kept)

@each_model
def test_the_answers_of_each_format_are_as_near_as_its_digits(name):
    net, x = create(name, rng()), inputs(name)
    want = outputs(net, x)
    top = np.abs(want).max()
    for step, tol in ((strip, 0), (float16, 5e-3), (bfloat16, 4e-2), (float64, 1e-4)):
        got = outputs(step(net), x)
        assert got.dtype == np.float32 and np.abs(got - want).max() <= tol*top, step.__name__

def test_rewrite_reaches_every_chain_the_innermost_first():
    seen, r = [], rng()
    net = Residual(Sequential(Dense(3, 3, r), Residual(Dense(3, 3, r))), Dense(3, 3, r))
    rewrite(net, lambda layers: seen.append([type(m).__name__ for m in layers]) or layers)
    assert seen == [['Dense'], ['Dense', 'Residual'], ['Dense'], ['Residual']]

def test_a_layer_alone_may_become_several():
    r = rng()
    net = rewrite(Residual(Dense(3, 3, r)), lambda layers: [*layers, ReLU()] if isinstance(layers[0], Dense) else layers)
    assert [type(m).__name__ for _, m in walk(net)] == ['Residual', 'Sequential', 'Dense', 'ReLU']

def test_layers_in_a_list_and_in_a_tuple_are_rewritten():
    class Two(Module):
        def __init__(self): self.many, self.few = [Dense(2, 2, rng()), ReLU()], (Dense(2, 2, rng()),)
        def forward(self, x): return self.few[0](self.many[1](self.many[0](x)))
    new = each_weighted(Two(), Float16)
    assert isinstance(new.many[0], Float16) and isinstance(new.few, tuple) and isinstance(new.few[0], Float16)
    assert outputs(new, np.ones((1, 2), np.float32)).shape == (1, 2)

def test_a_layer_at_two_places_is_refused_and_a_relu_is_not():
    twice, relu, r = Dense(3, 3, rng()), ReLU(), rng()
    with pytest.raises(ValueError, match='layers.0 and layers.2 are one Dense'): strip(Sequential(twice, ReLU(), twice))
    block = Residual(Sequential(twice))
    with pytest.raises(ValueError, match='layers.0 and layers.1 are one Residual'): strip(Sequential(block, block))
    tied = Dense(3, 3, rng())
    tied.w = twice.w
    with pytest.raises(ValueError, match='layers.0.w and layers.1.w are one Parameter'): strip(Sequential(twice, tied))
    strip(Sequential(Dense(3, 3, r), relu, Dense(3, 3, r), relu))

def test_a_clone_of_a_trained_network_trains_alone():
    r = rng()
    net = Sequential(Dense(4, 3, r))
    opt = SGD(net.parameters(), .1)
    twin = clone(net)
    cross_entropy(net(r.normal(size=(5, 4)).astype(np.float32)), np.zeros(5, int)).backward()
    opt.step()
    assert not np.array_equal(net[0].w.data, twin[0].w.data) and twin[0].w.grad is None
    own = SGD(twin.parameters(), .1)
    cross_entropy(twin(r.normal(size=(5, 4)).astype(np.float32)), np.ones(5, int)).backward()
    before = net[0].w.data.copy()
    own.step()
    assert np.array_equal(net[0].w.data, before)


# --- what a step may not do

@pytest.mark.parametrize('steps, error, words', [
    ([], ValueError, 'no steps'),
    ([strip, strip], ValueError, 'two steps are called strip'),
    ([('a', strip)], TypeError, 'a tuple, not a function'),
    ([3], TypeError, "'int' is a int, not a function"),
    (dict(gone=lambda net: None), TypeError, "step 'gone' returned None, not a network"),
    (dict(cut=lambda net: net[:-1]), ValueError, "'cut' changed the shape of the output"),
    (dict(other=lambda net: Sequential(Dense(5, 2, rng()))), ValueError, r"after step 'other' the network does not take the input \(4, 3\)"),
    (dict(nan=lambda net: Sequential(clone(net), Broken())), ValueError, "after step 'nan' the outputs are NaN"),
])
def test_a_step_that_breaks_the_rules_is_named(steps, error, words):
    with pytest.raises(error, match=words): optimize(Sequential(Dense(3, 4, rng()), ReLU(), Dense(4, 2, rng())), steps, np.ones((4, 3), np.float32))

class Broken(Module):
    def forward(self, x): return x*np.float32(np.nan)

def test_a_step_that_works_in_place_is_named():
    def spoil(net):
        net[0].w.data[0] = 5
        return net
    net = Sequential(Dense(3, 2, rng()))
    with pytest.raises(ValueError, match="'spoil' changed the network that it was given"): optimize(net, [spoil], np.ones((4, 3), np.float32))

def test_an_error_inside_a_step_says_which_step():
    def fails(net): raise KeyError('x')
    with pytest.raises(KeyError) as e: optimize(Sequential(Dense(3, 2, rng())), [strip, fails], np.ones((4, 3), np.float32))
    assert "in step 'fails'" in e.value.__notes__

def test_steps_by_name_keep_their_order():
    assert list(named_steps(dict(b=strip, a=strip))) == ['b', 'a'] and list(named_steps([float16, strip])) == ['float16', 'strip']

def test_counts_of_a_step_are_those_of_the_networks():
    net, x = simple_cnn(rng()), inputs('simple_cnn')
    done = optimize(net, [strip, float16], x)
    first, last = done.changes
    assert first.before == facts(net, x.shape[1:]) and last.before == first.after and last.after == facts(done.net, x.shape[1:])
    assert last.before.nbytes - last.after.nbytes == 2*sum(m.w.size for _, m in weighted(net)) and last.after.macs == last.before.macs
    assert done.table().rows[0][0] == 'nothing' and [r[0] for r in done.table().rows[1:]] == ['strip', 'float16']


# --- formats

def test_bfloat16_is_pytorchs(torch):
    x = np.concatenate([rng().normal(size=10**4)*10.**rng(1).integers(-38, 38, 10**4), [0, -0., np.inf, -np.inf, 1e-45]]).astype(np.float32)
    want = torch.from_numpy(x).to(torch.bfloat16).float().numpy()
    assert np.array_equal(from_bfloat16(to_bfloat16(x)).view(np.uint32), want.view(np.uint32))

def test_the_two_halves_are_not_taken_for_each_other():
    "A file of bfloat16 holds bits, which are no float16."
    a, b = (f(Sequential(Dense(3, 2, rng()))) for f in (float16, bfloat16))
    for one, other in ((a, b), (b, a)):
        with pytest.raises(KeyError, match='missing: layers.0'): one.load_state_dict(other.state_dict())

def test_every_bfloat16_comes_back():
    bits = np.arange(2**16, dtype=np.uint16)
    x = from_bfloat16(bits)
    finite = ~np.isnan(x)
    assert np.array_equal(to_bfloat16(x)[finite], bits[finite]) and np.isnan(from_bfloat16(to_bfloat16(x)[~finite])).all()

def test_weights_too_large_for_float16_are_refused():
    net = Sequential(Dense(2, 2, rng()))
    net[0].w.data[0, 0] = 7e4
    with pytest.raises(ValueError, match=r'Dense\(2, 2\): a weight of 7e\+04 is above 65504.*bfloat16'): float16(net)
    bfloat16(net)

@pytest.mark.parametrize('step', [float16, bfloat16, float64])
def test_networks_without_weights_or_with_nan_are_refused(step):
    with pytest.raises(ValueError, match='no layer has weights'): step(Sequential(ReLU()))
    net = Sequential(Dense(2, 2, rng()))
    net[0].w.data[0] = np.nan
    with pytest.raises(ValueError, match=r'layers.0, Dense\(2, 2\): 2 weights are NaN'): step(net)

def test_weights_are_encoded_once():
    with pytest.raises(ValueError, match='encode its weights last'): bfloat16(float16(Sequential(Dense(2, 2, rng()))))

@each_model
def test_encoded_networks_are_saved_loaded_copied_and_counted(name, tmp_path):
    net, x = float16(create(name, rng())), inputs(name)
    other = float16(create(name, rng(5)))
    want = outputs(net, x)
    other.load(net.save(tmp_path/'net'))
    for twin in (other, copy.deepcopy(net), reduction.ForkingPickler.loads(reduction.ForkingPickler.dumps(net))):
        assert np.array_equal(outputs(twin, x), want)
    assert cost(net, SHAPES[name], batch=1).macs == cost(create(name, rng()), SHAPES[name], batch=1).macs
    assert net.summary((1, *SHAPES[name])).total < create(name, rng()).n_parameters()

def test_gradients_flow_through_encoded_layers_to_what_is_before_them():
    net = each_weighted(Sequential(Dense(4, 3, rng()), ReLU()), Float16)
    x = Tensor(rng().normal(size=(2, 4)).astype(np.float32), requires_grad=True)
    net(x).sum().backward()
    assert x.grad.any() and net[0].b.grad.any()

def test_a_cast_has_a_gradient():
    check_grad(Cast('float64'), Tensor(rng().normal(size=(2, 3))))
    x = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    Cast('float64')(x).sum().backward()
    assert x.grad.dtype == np.float32

def test_with_weights_leaves_the_layer():
    layer = Conv2d(1, 2, 3, rng())
    twin = with_weights(layer, np.zeros_like(layer.w.data))
    assert layer.w.data.any() and not twin.w.data.any() and twin.b is layer.b

@pytest.mark.parametrize('n', [1, 2, 7, 1000, 2**14])
def test_sums_in_pairs_keep_their_digits(n):
    v = rng(n).random(n).astype(np.float16)
    want = v.sum(dtype=float)
    assert abs(float(pairwise_sum(v)) - want) <= want*2**-11*(np.log2(n) + 1)

def test_the_moving_averages_of_an_encoded_network_stay():
    net = Sequential(Dense(3, 4, rng()), BatchNorm(4), Dropout(.5, rng()))
    net[1].mean[:] = 2
    assert (bfloat16(strip(net))[1].mean == 2).all()

def test_a_network_may_have_layers_called_final_and_facts():
    class Named(Module):
        def __init__(self):
            r = np.random.default_rng(0)
            self.final, self.facts = Dense(5, 2, r), Dense(3, 5, r)
        def forward(self, x): return self.final(self.facts(x))
    x = np.ones((4, 3), np.float32)
    assert optimize(Named(), [float16], x).changes[0].before.layers == 2
