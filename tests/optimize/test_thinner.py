"Channels: dead ones may go and no output moves; half of the multiplications, the accuracy and the speed that remain."
import copy, multiprocessing.reduction as reduction, time
from functools import partial

import numpy as np
import pytest

from tinybench.core.tensor import Tensor, as_array, check_grad
from tinybench.data.loader import Loader
from tinybench.data.source import load_digits
from tinybench.measure.clock import pinned
from tinybench.measure.compare import compare
from tinybench.models.zoo import MODELS, SHAPES, bn_relu, create, ds_cnn, resnet8, separable, simple_cnn
from tinybench.nn.channels import ConvTranspose2d, DepthwiseConv2d
from tinybench.nn.conv import Conv2d, Windowed
from tinybench.nn.dense import Dense, Dropout, Flatten, ReLU, Residual, Sigmoid, Softmax, Tanh, he_normal
from tinybench.nn.module import Module, Parameter, Sequential, evaluating, parts, walk
from tinybench.nn.norm import BatchNorm, LayerNorm
from tinybench.nn.optim import Adam
from tinybench.nn.pool import AvgPool2d, ConvReluPool2d, GlobalAvgPool2d, MaxPool2d
from tinybench.nn.train import fit
from tinybench.optimize.channels import by_rank, channels, choose, cut, equally, gamma, join, l1, thin, whole
from tinybench.optimize.step import answers_of, bfloat16, clone, facts, float16, float64, optimize, strip
from tinybench.profile.cost import cost

def rng(seed=0): return np.random.default_rng(seed)
def macs(net, shape): return cost(net, shape, batch=1).macs
def sizes(found): return np.bincount(found.group[found.group >= 0]).tolist()
each_model = pytest.mark.parametrize('name', MODELS)
DIGIT = 8, 8, 1

def unlike_new(net, q):
    "`net` with biases, moments and shifts as a trained one has them, so that a forgotten array would show."
    for _, m in walk(net):
        if isinstance(m, BatchNorm): m.mean[:], m.var[:] = q.normal(size=m.n), q.uniform(.5, 2, m.n)
        for name, p in parts(m, Parameter):
            if name in ('b', 'beta'): p.data[:] = q.normal(size=p.shape)
    return net

def some(found, q, share=.6):
    "A random choice that leaves each group at least one channel, and takes at least one of each that has several."
    keep = (found.group < 0) | (q.random(len(found.group)) < share)
    for g in range(found.group.max() + 1):
        mine = q.permutation(np.flatnonzero(found.group == g))
        keep[mine[0]] = True
        if len(mine) > 1: keep[mine[1]] = False
    return keep

def kill(net, found, keep):
    "Zero all that makes the channels that `keep` leaves out, or passes them on: weights, biases, scales, shifts, moments."
    at, makers = dict(walk(net)), {c.path for c in found.cuts if c.made}
    for c in found.cuts:
        if c.made or c.path not in makers: np.moveaxis(as_array(getattr(at[c.path], c.name)), c.axis, 0)[~keep[c.ids]] = 0

def removing_dead_channels_moves_nothing(net, shape, seed):
    q = rng(seed)
    found = channels(unlike_new(net, q), shape)
    keep = some(found, q)
    kill(net, found, keep)
    x, before = q.normal(size=(3, *shape)).astype(np.float32), net.state_dict()
    small = cut(net, found, keep)
    old, new = answers_of(net, x), answers_of(small, x)
    assert new.shape == old.shape and np.abs(new - old).max() <= 1e-6*max(np.abs(old).max(), 1), net
    assert all(np.array_equal(a, before[k]) for k, a in net.state_dict().items())
    for c in found.cuts:                   # each array has shrunk, and no layer is told an old size
        a = getattr(dict(walk(small))[c.path], c.name)
        assert a.shape[c.axis] == keep[c.ids].sum() and getattr(dict(walk(small))[c.path], 'n', a.shape[0]) == a.shape[0]
    return small, keep


# --- the exact oracle

@each_model
def test_dead_channels_of_every_group_of_the_zoo_may_go(name):
    for seed in range(3):
        net = create(name, rng(seed))
        small, keep = removing_dead_channels_moves_nothing(net, SHAPES[name], seed)
        assert small.n_parameters() < net.n_parameters() and not keep.all()

def random_net(q):
    "A network of all kinds of layers, for images of DIGIT or so; and the shape of one example."
    c, size = int(q.integers(1, 4)), 8
    shape, layers = (size, size, c), []
    def conv(a, b, **how): return Conv2d(a, b, int(q.integers(1, 4)), q, padding='same', **how)
    def tail(n): return [m for m in (BatchNorm(n), ReLU(), Tanh(), Dropout(.2, q)) if q.random() < .5]
    for kind in q.permutation(['conv', 'separable', 'same', 'shortcut', 'nested', 'transposed', 'pool', 'fused'])[:5]:
        d = int(q.integers(2, 7))
        if kind == 'conv': layers += [conv(c, d), *tail(d)]
        if kind == 'separable': layers += separable(c, d, q)
        if kind == 'same': layers += [Residual(Sequential(conv(c, d), *tail(d), conv(d, c)))]; d = c
        if kind == 'nested': layers += [Residual(Sequential(Residual(conv(c, c)), *tail(c), Residual(conv(c, c)))), ReLU()]; d = c
        if kind == 'shortcut':
            stride = int(q.integers(1, 3)) if size % 2 == 0 else 1
            layers += [Residual(Sequential(conv(c, 5, stride=stride), *tail(5), conv(5, d)), conv(c, d, stride=stride))]
            size //= stride
        if kind == 'transposed':
            if size > 8: continue
            layers += [ConvTranspose2d(c, d, 3, q, stride=2, padding='same')]; size *= 2
        if kind == 'pool':
            if size % 2: continue
            layers += [[MaxPool2d, AvgPool2d][q.integers(2)](2)]; d, size = c, size//2
        if kind == 'fused':
            if size % 2: continue
            layers += [ConvReluPool2d(c, d, 3, q, padding='same')]; size //= 2
        c = d
    if q.random() < .4: layers += [GlobalAvgPool2d()]; n = c
    else: layers += [Flatten(), *([BatchNorm(size*size*c)] if q.random() < .5 else [])]; n = size*size*c
    hidden = [Dense(n, 6, q, bias=q.random() < .5), [Sigmoid(), Tanh(), ReLU()][q.integers(3)], Residual(Dense(6, 6, q))]
    return Sequential(*layers, *hidden, Dense(6, 3, q, bias=q.random() < .5)), shape

@pytest.mark.parametrize('seed', range(40))
def test_dead_channels_of_random_networks_may_go(seed):
    net, shape = random_net(rng(seed))
    removing_dead_channels_moves_nothing(net, shape, seed)

def test_a_residual_over_a_flattened_image_joins_all_places_of_a_channel():
    q = rng()
    net = Sequential(Conv2d(1, 3, 1, q), Flatten(), Residual(Dense(12, 12, q)), Dense(12, 2, q))
    found = channels(net, (2, 2, 1))
    assert sizes(found) == [3]
    small, keep = removing_dead_channels_moves_nothing(net, (2, 2, 1), 1)
    k = keep[found.group >= 0].sum()
    assert [small[i].w.shape for i in (0, 3)] == [(1, 1, 1, k), (4*k, 2)] and small[2].body.w.shape == (4*k, 4*k)

def test_a_dense_layer_without_bias_takes_over_what_came_from_behind_a_sigmoid():
    q = rng()
    net = Sequential(Dense(4, 5, q), Sigmoid(), Dense(5, 3, q, bias=False))
    small, _ = removing_dead_channels_moves_nothing(net, (4,), 2)
    assert small[2].b is not None and net[2].b is None


# --- which channels belong together

def test_the_groups_of_the_zoo():
    found = {name: channels(create(name, rng()), SHAPES[name]) for name in MODELS}
    assert {name: sizes(f) for name, f in found.items()} == dict(
        mnist_mlp=[100], cifar_cnn=[10, 5, 100], simple_cnn=[16, 32], ds_cnn=[64]*5, resnet8=[16, 16, 32, 32, 64, 64],
        mobilenet_v1_025=[8, 16, 32, 32, 64, 64, *[128]*6, 256, 256], fc_autoencoder=[*[128]*4, 8, *[128]*4],
        sww_cnn=[128, 128, 128, 32])
    made = {g: {c.path for c in found['resnet8'].cuts if c.made and found['resnet8'].group[c.ids[0]] == g} for g in range(6)}
    assert made[0] == {'layers.0', 'layers.3.body.layers.3'}                   # the stem, and the end of the first block
    assert made[3] == {'layers.5.body.layers.3', 'layers.5.shortcut'}

def test_a_residual_on_the_input_and_one_at_the_output_stay_whole():
    q = rng()
    net = Sequential(Residual(Dense(4, 4, q)), Dense(4, 6, q), Residual(Sequential(Dense(6, 5, q), Dense(5, 6, q))))
    found = channels(net, (4,))
    assert sizes(found) == [5]                                                 # only what is inside of the second block

@pytest.mark.parametrize('layer', [LayerNorm(6), Softmax()], ids=repr)
def test_what_a_layer_averages_over_its_channels_is_given_stays_whole(layer):
    q = rng()
    net = Sequential(Dense(4, 6, q), layer, Dense(6, 5, q), ReLU(), Dense(5, 3, q))
    assert sizes(channels(net, (4,))) == [5]
    removing_dead_channels_moves_nothing(net, (4,), 3)

def test_join_does_not_care_about_the_order_of_pairs():
    for seed in range(20):
        q = rng(seed)
        pairs, label = q.integers(0, 30, (25, 2)), q.integers(0, 30, 30)
        want = join(label, pairs.tolist())
        for _ in range(3):
            pairs = q.permuted(q.permutation(pairs), axis=1)
            assert join(label, pairs.tolist()).tolist() == want.tolist()

def test_a_subclass_is_cut_as_what_it_comes_from_and_a_sequence_of_layers_as_its_layers():
    class ConvRelu(Conv2d):
        def forward(self, x): return super().forward(x).relu()
    class Two(Module):
        def __init__(self, q): self.a, self.b = ConvRelu(1, 6, 3, q), Sequential(Flatten(), Dense(24, 4, q))
        def forward(self, x): return self.b(self.a(x))
    small, _ = removing_dead_channels_moves_nothing(Two(rng()), (4, 4, 1), 1)
    assert type(small.a) is ConvRelu and small.a.w.shape[3] < 6

def test_a_layer_that_stands_for_another_is_cut_as_that_one():
    class Fast(Windowed):
        of = DepthwiseConv2d
        def __init__(self, layer): vars(self).update(vars(layer))
        def forward(self, x): return DepthwiseConv2d.forward(self, x).relu()
    q = rng()
    small, _ = removing_dead_channels_moves_nothing(Sequential(
        Conv2d(1, 6, 3, q), Fast(DepthwiseConv2d(6, 3, q)), GlobalAvgPool2d(), Dense(6, 2, q)), (6, 6, 1), 1)
    assert type(small[1]) is Fast and small[1].w.shape[2] < 6


# --- thin

@each_model
@pytest.mark.parametrize('share', [.9, .5, .2])
def test_thin_keeps_at_most_the_share_and_the_next_larger_choice_would_not(name, share):
    shape, net = SHAPES[name], create(name, rng())
    small, found = thin(net, shape, share), channels(net, shape)
    assert macs(small, shape) <= share*macs(net, shape)
    scores, all_of = l1(net, found), np.array(sizes(found))
    counts = [whole(equally(scores, found.group, k), all_of).tolist() for k in range(1, all_of.sum() + 1)]
    last = len(counts) - 1 - counts[::-1].index(sizes(channels(small, shape)))
    assert macs(cut(net, found, choose(scores, found.group, counts[last + 1])), shape) > share*macs(net, shape)

@pytest.mark.parametrize('counts', [equally, by_rank])
@pytest.mark.parametrize('multiple', [1, 4, 8])
def test_counts_are_multiples_and_more_of_them_never_have_fewer_macs(counts, multiple):
    net, last = resnet8(rng()), 0
    for share in np.linspace(.3, 1, 8):
        small = thin(net, SHAPES['resnet8'], share, counts=counts, multiple=multiple)
        assert all(n % multiple == 0 for n in sizes(channels(small, SHAPES['resnet8'])))
        assert last <= macs(small, SHAPES['resnet8']) <= share*macs(net, SHAPES['resnet8'])
        last = macs(small, SHAPES['resnet8'])

def test_the_whole_share_is_the_whole_network():
    net, x = simple_cnn(rng()), rng().random((3, *DIGIT)).astype(np.float32)
    assert np.array_equal(answers_of(thin(net, DIGIT, 1), x), answers_of(net, x))

def test_weak_channels_go_first_by_either_score():
    net = simple_cnn(rng())
    net[0].w.data[..., 5] *= .01
    net[1].gamma.data[3] = .01
    for score, weakest in ((l1, 5), (gamma, 3)):
        found = channels(net, DIGIT)
        ids = next(c.ids for c in found.cuts if c.path == 'layers.0' and c.made)
        assert np.argmin(score(net, found)[ids]) == weakest
        assert not choose(score(net, found), found.group, [15, 32])[ids[weakest]]

def test_the_score_of_a_channel_adds_what_its_makers_have():
    q = rng()
    net = Sequential(Dense(4, 3, q), Residual(Dense(3, 3, q)), Dense(3, 2, q))
    found = channels(net, (4,))
    want = np.abs(net[0].w.data).sum(0) + np.abs(net[1].body.w.data).sum(0)
    assert np.allclose(l1(net, found)[found.group == 0], want)


# --- a small network is a network

def test_a_thin_network_is_saved_copied_counted_trained_and_optimized_further(tmp_path):
    net, x = ds_cnn(rng()), rng().normal(size=(4, *SHAPES['ds_cnn'])).astype(np.float32)
    small = thin(net, SHAPES['ds_cnn'])
    want = answers_of(small, x)
    twin = thin(ds_cnn(rng()), SHAPES['ds_cnn'])
    for a in twin.parameters(): a.data[:] = 0
    twin.load(small.save(tmp_path/'small'))
    pickled = reduction.ForkingPickler.loads(reduction.ForkingPickler.dumps(small))
    for other in (twin, copy.deepcopy(small), pickled): assert np.array_equal(answers_of(other, x), want)
    assert small.summary((1, *SHAPES['ds_cnn'])).total == small.n_parameters()
    assert facts(small, SHAPES['ds_cnn']).nbytes < .6*facts(net, SHAPES['ds_cnn']).nbytes
    steps = dict(strip=strip, thin=partial(thin, shape=SHAPES['ds_cnn'], macs=.7), again=partial(thin, shape=SHAPES['ds_cnn']))
    for last in (float16, bfloat16, float64): assert optimize(net, {**steps, 'last': last}, x).changes[-1].moved < .1
    assert macs(thin(float64(net), SHAPES['ds_cnn']), SHAPES['ds_cnn']) <= .5*macs(net, SHAPES['ds_cnn'])

def test_gradients_of_a_thin_network_are_true():
    net, q = simple_cnn(rng(), width=4).astype(np.float64), rng(1)
    small = thin(net, DIGIT).eval()
    x = Tensor(q.normal(size=(2, *DIGIT)))
    assert check_grad(small, x, params=small.parameters()) < 1e-6

def train(net, digits, epochs, lr, q):
    fit(net, Loader(digits.x_train, digits.y_train, rng=q), epochs, Adam(net.parameters(), lr), progress=False)
    return net
def points(net, digits): return 100*(answers_of(net, digits.x_test).argmax(1) == digits.y_test).mean()

def two_layers(q, a, b):
    "What `simple_cnn` is, of any two widths."
    conv = partial(Conv2d, kernel=3, rng=q, padding='same', init=he_normal)
    return Sequential(*bn_relu(conv(1, a), momentum=.9), *bn_relu(conv(a, b), momentum=.9), MaxPool2d(2), Flatten(),
                      Dropout(.3, q), Dense(16*b, 10, q))

def lost_points(seed, scratch=False):
    "Percentage points that half of the MACs lose after fine-tuning; against the large net, and against one from scratch."
    digits, q = load_digits(test=.5, seed=seed), rng(seed)
    net = train(simple_cnn(q, width=32), digits, 8, .003, q)
    small = thin(net, DIGIT, multiple=8)
    assert macs(small, DIGIT) <= .5*macs(net, DIGIT)
    widths = [small[i].w.shape[-1] for i in (0, 3)]
    lost = [points(net, digits) - points(train(small, digits, 4, .001, q), digits)]
    if scratch: lost += [points(train(train(two_layers(q, *widths), digits, 8, .003, q), digits, 4, .001, q), digits) -
                         points(small, digits)]
    return lost

def test_half_of_the_macs_lose_little():
    # over seeds the loss has a mean of 0 and a standard deviation of .5, so one seed proves no bound of 1; 2 is 4 deviations
    assert lost_points(0)[0] < 2

@pytest.mark.slow
def test_half_of_the_macs_lose_less_than_a_point_over_seeds_and_are_not_better_than_from_scratch():
    lost, scratch = np.array([lost_points(seed, scratch=True) for seed in range(10)]).T
    high = lost.mean() + 2.26*lost.std(ddof=1)/10**.5            # Student's t, 9 degrees of freedom: the end of the interval
    assert high < 1, f'lost {lost}'
    low = scratch.mean() - 2.26*scratch.std(ddof=1)/10**.5
    assert low > -1, f'from scratch less pruned {scratch}'       # what the lesson says: pruning has no lead of a point

def test_half_of_the_macs_are_half_as_fast_again():
    "Surely 1.5 times, by seconds of the processor: 1.8 to 2.2 for 64 and 128 filters, busy or not; 1.4 to 1.6 for 32 and 64."
    for width, batch, least in ((64, 32, 1.5), (64, 64, 1.5), (32, 64, 1.25)):
        net = simple_cnn(rng(), width=width)
        small, x = thin(net, DIGIT, multiple=8), Tensor(rng().random((batch, *DIGIT), np.float32))
        with evaluating(net), evaluating(small), pinned(1):
            times = compare(dict(small=partial(small, x), large=partial(net, x)), base='small', rng=rng(), repeats=40,
                            clock=time.process_time)            # what other programs take is not in it
        assert times['large'].ratio.lo >= least, (width, batch, times)


# --- refusals

class Doubled(Module):
    def __init__(self): self.inner = Dense(4, 4, rng())
    def forward(self, x): return self.inner(x*2)
class Odd(Module):
    def forward(self, x): return x*2

def chain(*between): return Sequential(Dense(4, 4, rng()), *between, Dense(4, 3, rng()))

@pytest.mark.parametrize('net, words', [
    (chain(Odd()), r'layers.1, Odd\(\): it is not known along which axes its channels lie'),
    (chain(Doubled()), r'layers.1.inner, Dense\(4, 4\): its input was computed outside of the layers'),
    (float16(chain()), 'no layer has weights that are fractions.*encode its weights last'),
    (Sequential(float16(chain()), Dense(3, 2, rng())), r'layers.0.layers.0, Float16\(Dense\(4, 4\)\): its weights are encoded; take channels'),
    (Sequential(Dense(4, 3, rng())), 'nothing to take away'),
    (chain(LayerNorm(4)), 'nothing to take away'),
    (Sequential(*[Dense(4, 4, rng())]*2), 'layers.0 and layers.1 are one Dense'),
], ids=lambda v: v if isinstance(v, str) else '')
def test_networks_that_cannot_be_thinned_are_refused_in_words(net, words):
    with pytest.raises(ValueError, match=words): thin(net, (4,))

def test_weights_that_are_not_finite_are_refused():
    net = chain()
    net[0].w.data[0, 0] = np.nan
    with pytest.raises(ValueError, match=r'layers.0, Dense\(4, 4\): 1 weights are NaN'): thin(net, (4,))

@pytest.mark.parametrize('share', [0, -1, 1.01, np.nan, np.inf, '50%', None])
def test_a_share_outside_of_0_to_1_is_refused(share):
    with pytest.raises(ValueError, match='above 0 and up to 1'): thin(chain(ReLU()), (4,), share)

@pytest.mark.parametrize('multiple', [0, -8, 2.5, None])
def test_a_multiple_that_is_no_count_is_refused(multiple):
    with pytest.raises(ValueError, match='a whole number from 1 up'): thin(chain(ReLU()), (4,), multiple=multiple)

def test_what_cannot_be_reached_says_how_much_remains():
    with pytest.raises(ValueError, match=r'macs=0.01: with the fewest channels 0.25 of them remain'): thin(chain(ReLU()), (4,), .01)

def test_a_score_must_be_a_finite_number_for_each_channel():
    for score in (lambda net, f: np.ones(3), lambda net, f: np.full(len(f.group), np.nan)):
        with pytest.raises(ValueError, match='a score is one finite number for each of 11 channels'): thin(chain(), (4,), score=score)
    with pytest.raises(ValueError, match='group 0 has no array that this score looks at.*use l1'): thin(chain(), (4,), score=gamma)

def test_a_choice_that_does_not_fit_is_refused():
    net = chain()
    found = channels(net, (4,))
    for keep, words in ((np.ones(3, bool), 'True or False for each of 11 channels'), (np.ones(11), 'not float64'),
                        ([True]*11, 'as list'), (np.zeros(11, bool), 'must stay'), (found.group < 0, r'no channel for layers.0.w: each group keeps at least')):
        with pytest.raises(ValueError, match=words): cut(net, found, keep)

@pytest.mark.parametrize('other', [simple_cnn(rng(), width=8), simple_cnn(rng(), width=32), ds_cnn(rng())], ids=['narrow', 'wide', 'other'])
def test_channels_of_another_network_are_refused(other):
    "A wider one has all places that are asked for, so it would be cut without a word."
    net = simple_cnn(rng())
    found = channels(net, DIGIT)
    for f in (lambda n: cut(n, found, some(found, rng())), lambda n: l1(n, found)):
        f(net)
        with pytest.raises(ValueError, match='no layers.0.w with 16 channels along axis 3: found in another network'): f(other)
    small = cut(net, found, some(found, rng()))
    with pytest.raises(ValueError, match='found in another network'): cut(small, found, some(found, rng()))

@pytest.mark.parametrize('counts', [[1], [3, 3, 3], [np.nan, 2]])
def test_counts_that_are_none_are_refused(counts):
    with pytest.raises(ValueError, match='one finite number for each of 2 groups'):
        thin(simple_cnn(rng()), DIGIT, counts=lambda score, group, k: np.array(counts))

def test_a_shape_that_is_none_or_does_not_fit_is_refused():
    with pytest.raises(TypeError, match='an input is an array, or a shape'): channels(chain(), 'eight')
    with pytest.raises(ValueError, match='expected an input of shape'): channels(chain(), (5,))
