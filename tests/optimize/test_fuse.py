"Folding, fusing and layout: the same answers and gradients in every order of steps, and what PyTorch and the reference models fold to."
import copy, itertools, pickle
from functools import partial

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinybench.core.ops import Op, check_vjp
from tinybench.core.tensor import Tensor, no_grad
from tinybench.models.zoo import SHAPES, create, folded_parameters
from tinybench.nn.channels import ConvTranspose2d, DepthwiseConv2d
from tinybench.nn.conv import Conv2d, conv_fwd
from tinybench.nn.dense import Dense, Dropout, Flatten, ReLU, Residual, Sigmoid
from tinybench.nn.module import Sequential, evaluating, summary, walk
from tinybench.nn.norm import BatchNorm, LayerNorm
from tinybench.nn.optim import SGD
from tinybench.nn.pool import AvgPool2d, ConvReluPool2d, GlobalAvgPool2d, MaxPool2d
from tinybench.optimize.fuse import (BLOCK, ChannelsFirstConv2d, Fused, FusedConv2d, FusedDense, FusedDepthwise, absorb, blocks,
                                     channels_first, conv_blocks_fwd, conv_blocks_vjp, conv_planes_fwd, fold, folded, fuse, linear,
                                     planes_of)
from tinybench.optimize.step import clone, float16, float64, optimize, strip
from tinybench.profile.cost import cost
from tinybench.profile.memory import fresh_peak

def rng(seed=0): return np.random.default_rng(seed)
def draw(*shape, seed=1): return rng(seed).normal(size=shape).astype(np.float32)
def outputs(net, x):
    with evaluating(net): return net(Tensor(x)).data

def lively(net, seed=2):
    "`net` with statistics and biases as after a long training, some scales negative, in evaluation mode."
    q = rng(seed)
    for _, m in walk(net):
        if isinstance(m, BatchNorm):
            m.gamma.data[:], m.beta.data[:] = q.uniform(.5, 1.5, m.n)*q.choice([-1, 1], m.n), q.normal(size=m.n)
            m.mean[:], m.var[:] = q.normal(size=m.n), q.uniform(.1, 3, m.n)
        elif getattr(m, 'b', None) is not None: m.b.data[:] = q.normal(size=m.b.size)*.1
    return net.eval()

def model(name): return lively(create(name, rng()))
def examples(name, n=3): return draw(n, *SHAPES[name])
def same(a, b, rtol=1e-5):
    assert a.shape == b.shape and a.dtype == b.dtype
    assert np.abs(a - b).max() <= rtol*np.abs(b).max(), f'off by {np.abs(a - b).max()/np.abs(b).max():.2g}'
def count(net, kind): return sum(isinstance(m, kind) for _, m in walk(net))

NORMED = 'simple_cnn', 'ds_cnn', 'resnet8', 'mobilenet_v1_025', 'fc_autoencoder'
each_normed = pytest.mark.parametrize('name', NORMED)
WITH_CONVS = NORMED[:4]


# --- folding

@each_normed
def test_a_folded_network_gives_the_same_answers(name):
    net, x = model(name), examples(name)
    before, want = net.state_dict(), outputs(net, x)
    new = fold(net)
    same(outputs(new, x), want)
    assert not count(new, BatchNorm) and new.n_parameters() == folded_parameters(net)
    assert all(np.array_equal(before[k], v) for k, v in net.state_dict().items())
    assert cost(new, (1, *SHAPES[name])).macs == cost(net, (1, *SHAPES[name])).macs

def test_a_network_without_batch_norm_is_only_copied():
    for name in ('mnist_mlp', 'cifar_cnn'):
        net, new = model(name), fold(model(name))
        assert repr(new) == repr(net)
        same(outputs(new, examples(name)), outputs(net, examples(name)), 0)

def test_what_is_folded_is_folded():
    net = fold(model('resnet8'))
    assert repr(fold(net)) == repr(net) and np.array_equal(fold(net)[0].w.data, net[0].w.data)

def behind(layer, x, norm):
    net = lively(Sequential(layer, norm))
    new = fold(net)
    assert len(new) == 1 and type(new[0]) is type(layer)
    return outputs(new, x), outputs(net, x)

@pytest.mark.parametrize('kind', ['dense', 'no bias', 'conv', 'depthwise', 'transpose'])
def test_each_kind_of_layer(kind):
    for seed in range(8):
        q = rng(seed)
        c, f, k, s = (int(n) for n in q.integers(1, 5, 4))
        pad, x = ('same', 'valid')[seed%2], draw(2, 7, 6, c)
        layer, x = dict(dense=lambda: (Dense(c, f, q), x[:, 0, 0]), conv=lambda: (Conv2d(c, f, k, q, s, pad), x),
                        depthwise=lambda: (DepthwiseConv2d(c, k, q, s, pad), x),
                        transpose=lambda: (ConvTranspose2d(c, f, k, q, s, pad), x),
                        **{'no bias': lambda: (Dense(c, f, q, bias=False), x[:, 0, 0])})[kind]()
        got, want = behind(layer, x, BatchNorm(c if kind == 'depthwise' else f))
        assert np.abs(got - want).max() <= 1e-5*(1 + np.abs(want).max())

def test_channels_that_are_dead_or_hardly_vary():
    "A scale of 0 leaves the shift; a variance of 0 is kept from dividing by eps."
    net = lively(Sequential(Conv2d(2, 4, 3, rng()), BatchNorm(4)))
    net[1].gamma.data[:2], net[1].var[2:] = 0, (0, 1e-12)
    x = draw(2, 6, 6, 2)
    new = fold(net)
    same(outputs(new, x), outputs(net, x))
    assert not new[0].w.data[..., :2].any() and np.array_equal(new[0].b.data[:2], net[1].beta.data[:2])
    assert np.isfinite(new[0].w.data).all()

def test_two_in_a_row_both_go():
    net = lively(Sequential(Dense(3, 4, rng()), BatchNorm(4), BatchNorm(4), ReLU()))
    assert len(fold(net)) == 2
    same(outputs(fold(net), draw(5, 3)), outputs(net, draw(5, 3)))

def test_blocks_of_layers_and_the_insides_of_a_residual():
    block = lambda c, f: Sequential(Conv2d(c, f, 3, rng(), padding='same'), BatchNorm(f), ReLU())
    net = lively(Sequential(Sequential(Conv2d(1, 4, 3, rng(), padding='same')), BatchNorm(4), ReLU(),
                            Residual(Sequential(block(4, 4), block(4, 6)), Sequential(Conv2d(4, 6, 1, rng()), BatchNorm(6))),
                            block(6, 2)))
    x = draw(2, 8, 8, 1)
    new = fuse(fold(net))
    assert not count(new, BatchNorm) and not count(new, ReLU) and count(new, FusedConv2d) == 5
    same(outputs(new, x), outputs(net, x))

@pytest.mark.parametrize('layers,where', [
    (lambda q: [BatchNorm(3), Dense(3, 2, q)], 'layers.0, BatchNorm'), (lambda q: [Dense(3, 2, q), ReLU(), BatchNorm(2)], 'layers.2, BatchNorm'),
    (lambda q: [Dense(3, 3, q), Dropout(.5, q), BatchNorm(3)], 'strip a Dropout'),
    (lambda q: [Residual(Dense(3, 3, q)), BatchNorm(3)], 'layers.1, BatchNorm'), (lambda q: [FusedDense(Dense(3, 2, q)), BatchNorm(2)], 'layers.1')])
def test_a_network_in_which_none_can_be_folded_is_refused(layers, where):
    with pytest.raises(ValueError, match=where): fold(Sequential(*layers(rng())))

@pytest.mark.parametrize('name', ['gamma', 'beta', 'mean', 'var'])
def test_a_batch_norm_that_has_become_nan_is_named(name):
    net = model('simple_cnn')
    a = getattr(net[1], name)
    (a.data if isinstance(a, Tensor) else a)[0] = np.nan
    with pytest.raises(ValueError, match='layers.0, Conv2d.* weights are NaN or infinite'): fold(net)

def test_alone_it_is_refused_as_well():
    with pytest.raises(ValueError, match='the network, BatchNorm'): fold(BatchNorm(3))

def test_one_that_stays_is_right():
    net = lively(Sequential(BatchNorm(2), Conv2d(2, 3, 3, rng()), BatchNorm(3), ReLU(), BatchNorm(3)))
    new, x = fold(net), draw(2, 5, 5, 2)
    assert [type(m).__name__ for m in new] == ['BatchNorm', 'Conv2d', 'ReLU', 'BatchNorm']
    same(outputs(new, x), outputs(net, x))

def test_other_normalisations_and_own_kinds_of_layers_are_left_alone():
    class Odd(Dense):
        def forward(self, x): return super().forward(x).tanh()
    net = Sequential(Odd(3, 3, rng()), LayerNorm(3), Dense(3, 2, rng()), BatchNorm(2))
    assert [type(m) for m in fold(net)] == [Odd, LayerNorm, Dense]
    with pytest.raises(ValueError, match='nothing to fold'): fold(Sequential(Odd(3, 3, rng()), BatchNorm(3)))

def test_a_batch_norm_of_another_width_is_named():
    with pytest.raises(ValueError, match=r'BatchNorm\(3\) stands behind Dense\(3, 2\), which makes 2 channels'):
        fold(Sequential(Dense(3, 2, rng()), BatchNorm(3)))
    with pytest.raises(ValueError, match='which makes 4 channels'): absorb(ConvTranspose2d(2, 4, 3, rng()), BatchNorm(2))

def test_a_shared_layer_is_refused():
    layer = Dense(3, 3, rng())
    for step in (fold, fuse, channels_first):
        with pytest.raises(ValueError, match='change the other'): step(Sequential(layer, BatchNorm(3), layer, ReLU()))

def test_float64_networks_fold_in_float64():
    net = model('simple_cnn').astype(np.float64)
    assert {p.dtype for p in fuse(fold(net)).parameters()} == {np.dtype(np.float64)}
    x = rng(1).normal(size=(2, 8, 8, 1))
    for step in (fold, fuse, lambda n: channels_first(fuse(fold(n)))): same(outputs(step(net), x), outputs(net, x), 1e-13)


# --- what others fold to

@pytest.mark.parametrize('kind,bias', [('conv', True), ('depthwise', True), ('transpose', True), ('linear', True), ('linear', False)])
def test_weights_are_those_of_torch(kind, bias, torch):
    from torch.nn.utils import fusion
    q, c, f, k = rng(4), 3, 5, (3, 2)
    if kind == 'depthwise': f = c
    ours = dict(conv=lambda: Conv2d(c, f, k, q), depthwise=lambda: DepthwiseConv2d(c, k, q), transpose=lambda: ConvTranspose2d(c, f, k, q),
                linear=lambda: Dense(c, f, q, bias=bias))[kind]()
    norm = lively(Sequential(ours, BatchNorm(f)))[1]
    theirs = dict(conv=lambda: torch.nn.Conv2d(c, f, k), depthwise=lambda: torch.nn.Conv2d(c, c, k, groups=c),
                  transpose=lambda: torch.nn.ConvTranspose2d(c, f, k), linear=lambda: torch.nn.Linear(c, f, bias=bias))[kind]()
    # ours to theirs: their order of axes, and back
    to = dict(conv=(3, 2, 0, 1), transpose=(3, 2, 0, 1), linear=(1, 0))
    def as_theirs(w): return w[..., None].transpose(2, 3, 0, 1) if kind == 'depthwise' else w.transpose(to[kind])
    bn = (torch.nn.BatchNorm1d if kind == 'linear' else torch.nn.BatchNorm2d)(f, eps=norm.eps)
    with torch.no_grad():
        for t, a in ((theirs.weight, as_theirs(ours.w.data)), (bn.weight, norm.gamma.data), (bn.bias, norm.beta.data),
                     (bn.running_mean, norm.mean), (bn.running_var, norm.var)): t.copy_(torch.tensor(a.copy()))
        if bias: theirs.bias.copy_(torch.tensor(ours.b.data))
        if kind == 'linear': one = fusion.fuse_linear_bn_eval(theirs.eval(), bn.eval())
        else: one = fusion.fuse_conv_bn_eval(theirs.eval(), bn.eval(), transpose=kind == 'transpose')
    w, b = folded(ours, norm)
    same(as_theirs(w), one.weight.detach().numpy(), 1e-6)
    same(b, one.bias.detach().numpy(), 1e-6)

@pytest.mark.parametrize('task,name', dict(kws='ds_cnn', ic='resnet8', vww='mobilenet_v1_025', ad='fc_autoencoder').items())
def test_the_reference_models_fold_to_their_official_weights(task, name, reference_dir):
    "Layer by layer, the trained Keras weights to those of the converted file."
    z = np.load(reference_dir/f'{task}.npz', allow_pickle=False)
    names = dict.fromkeys(k.split('/')[1] for k in z.files if k.startswith('keras/') and k.endswith('/gamma'))
    assert len(names) == sum(isinstance(m, BatchNorm) for _, m in walk(create(name, rng())))
    for n in names:
        kernel, bias = z[f'keras/{n}/kernel'], z[f'keras/{n}/bias']
        k = kernel.shape
        layer = Dense(*k, rng()) if len(k) == 2 else Conv2d(*k[2:], k[:2], rng()) if k[3] > 1 else DepthwiseConv2d(k[2], k[:2], rng())
        norm = BatchNorm(len(bias))
        layer.w.data[:] = kernel.reshape(layer.w.shape)
        layer.b.data[:] = bias if task != 'ad' else 0    # the official conversion forgot these biases
        for to, key in ((norm.gamma.data, 'gamma'), (norm.beta.data, 'beta'), (norm.mean, 'moving_mean'), (norm.var, 'moving_variance')):
            to[:] = z[f'keras/{n}/{key}']
        got, = fold(Sequential(layer, norm))
        want = z[f'float/{n}/w']              # (out, kh, kw, in), depthwise (1, kh, kw, c), dense (out, in)
        w = got.w.data.T if len(k) == 2 else got.w.data[None] if k[3] == 1 else got.w.data.transpose(3, 0, 1, 2)
        same(w, want.astype(np.float32), 1e-6)
        same(got.b.data, z[f'float/{n}/b'], 1e-5)


# --- blocks

@given(n=st.integers(0, 6), rows=st.integers(1, 9), row_bytes=st.integers(1, 50), limit=st.integers(1, 400))
def test_blocks_cover_all_rows_once_and_keep_the_limit(n, rows, row_bytes, limit):
    seen, pieces = np.zeros((n, rows), int), list(blocks(n, rows, row_bytes, limit))
    for i, r in pieces:
        seen[i, r] += 1
        size = (i.stop - i.start)*(r.stop - r.start)
        assert size and (size*row_bytes <= limit or size == 1)
        assert i.stop - i.start == 1 or r == slice(0, rows), 'a piece of many images has all their rows'
    assert (seen == 1).all() and pieces == sorted(pieces, key=lambda p: (p[0].start, p[1].start))
    fit = max(limit//row_bytes, 1)
    assert len(pieces) == (-(-n//(fit//rows)) if fit >= rows else n*-(-rows//fit)), 'more pieces than are needed'

CONVS = dict(blocks=conv_blocks_fwd, planes=conv_planes_fwd)
each_conv = pytest.mark.parametrize('fwd', CONVS.values(), ids=CONVS)

@each_conv
@given(seed=st.integers(0, 10**6))
def test_convolutions_are_the_plain_one(fwd, seed):
    q = rng(seed)
    n, c, f, kh, kw, sh, sw = (int(k) for k in q.integers(1, 5, 7))
    pads = tuple((int(a), int(b)) for a, b in q.integers(0, 3, (2, 2)))
    x, w, b = q.normal(size=(n, 7, 9, c)), q.normal(size=(kh, kw, c, f)), q.normal(size=f)
    if seed%2: x = planes_of(x).transpose(0, 2, 3, 1)
    if seed%3 == 0: x = x[:, ::-1]
    want = conv_fwd(x, w, b, (sh, sw), pads)[0]
    for relu in (False, True):
        got = fwd(x, w, b, (sh, sw), pads, relu, int(q.choice([1, 700, 5000, BLOCK])))
        np.testing.assert_allclose(got, np.maximum(want, 0) if relu else want, rtol=1e-10, atol=1e-10)

@each_conv
@pytest.mark.parametrize('relu', [False, True])
def test_gradients_are_the_slopes(fwd, relu):
    op = Op('trial', fwd, conv_blocks_vjp)
    a = rng(3).normal(size=(2, 5, 6, 2)), rng(4).normal(size=(3, 2, 2, 3)), rng(5).normal(size=3)
    for stride, pads in itertools.product([(1, 1), (2, 1)], [((0, 0), (0, 0)), ((1, 0), (2, 1))]):
        check_vjp(op, *a, stride=stride, pads=pads, relu=relu)
    check_vjp(op, a[0], a[1][:1, :1], a[2], stride=(1, 1), pads=((0, 0), (0, 0)), relu=relu)

def test_windows_need_two_blocks_of_memory_and_not_all():
    "The layer of the lesson: 18 MB of windows, 4 MB of images and outputs."
    net, x = Sequential(Conv2d(16, 16, 3, rng(), padding='same'), ReLU()), draw(32, 32, 32, 16)
    def peak(n):
        with no_grad(): return fresh_peak(lambda: n(Tensor(x)))
    plain, fused, planes = peak(net), peak(fuse(net)), peak(channels_first(fuse(net)))
    assert plain > 20e6 and max(fused, planes) < 7e6

def test_an_empty_batch_stays_empty():
    for net in (fuse(Sequential(Conv2d(2, 3, 3, rng()), ReLU())), channels_first(Conv2d(2, 3, 3, rng()))):
        assert outputs(net, draw(0, 5, 5, 2)).shape == (0, 3, 3, 3)


# --- fusing

@pytest.mark.parametrize('name', ['cifar_cnn', *NORMED])
@pytest.mark.parametrize('channels', [0, 20, np.inf])
def test_a_fused_network_gives_the_same_answers(name, channels):
    net, x = model(name), examples(name)
    for new in (fuse(net, channels) if count(net, Conv2d) else net, fuse(fold(net), channels)):
        same(outputs(new, x), outputs(net, x))
        assert not any(m.training for _, m in walk(new))
    a, b = cost(fold(net), (2, *SHAPES[name])), cost(new, (2, *SHAPES[name]))
    assert (a.macs, a.params) == (b.macs, b.params) and b.peak_bytes <= a.peak_bytes
    if not count(new, ConvReluPool2d): assert a.flops == b.flops

def test_flops_of_each_fused_layer():
    for layer, x in ((Conv2d(2, 3, 3, rng()), draw(2, 6, 6, 2)), (Dense(4, 5, rng()), draw(2, 4)), (Dense(4, 5, rng(), bias=False), draw(2, 4)),
                     (DepthwiseConv2d(2, 3, rng()), draw(2, 6, 6, 2))):
        net = Sequential(layer, ReLU())
        assert (cost(net, x).macs, cost(net, x).flops) == (cost(fuse(net), x).macs, cost(fuse(net), x).flops)

def test_what_is_fused_with_what():
    q = rng()
    conv = lambda c, f, **how: Conv2d(c, f, 3, q, **how)
    def kinds(*layers, **how): return [type(m).__name__ for m in fuse(Sequential(*layers), **how)]
    assert kinds(conv(1, 4), ReLU(), MaxPool2d(2)) == ['ConvReluPool2d']
    assert kinds(conv(1, 4), ReLU(), MaxPool2d(3), Flatten()) == ['ConvReluPool2d', 'Flatten']
    apart = ['FusedConv2d', 'MaxPool2d']
    assert kinds(conv(16, 16), ReLU(), MaxPool2d(2)) == apart and kinds(conv(16, 16), ReLU(), MaxPool2d(2), channels=32) == ['ConvReluPool2d']
    for pool in (MaxPool2d(2, 1), MaxPool2d((2, 3)), MaxPool2d(2, padding='same'), MaxPool2d(2, 3)): assert kinds(conv(1, 4), ReLU(), pool) == apart
    assert kinds(conv(1, 4, stride=2), ReLU(), MaxPool2d(2)) == apart
    assert kinds(conv(1, 4), MaxPool2d(2), ReLU()) == [*apart, 'ReLU'] and kinds(conv(1, 4), ReLU(), AvgPool2d(2))[0] == 'FusedConv2d'
    assert kinds(conv(1, 4), ReLU(), ReLU()) == ['FusedConv2d', 'ReLU'] and kinds(conv(1, 4), Sigmoid()) == ['FusedConv2d', 'Sigmoid']
    assert kinds(Dense(3, 3, q), ReLU(), Dense(3, 2, q)) == ['FusedDense', 'Dense']
    assert kinds(DepthwiseConv2d(2, 3, q), ReLU(), DepthwiseConv2d(2, 3, q)) == ['FusedDepthwise', 'DepthwiseConv2d']
    assert kinds(Sequential(conv(1, 4)), Sequential(ReLU(), MaxPool2d(2))) == ['ConvReluPool2d']

def test_pools_that_drop_a_border():
    for size, pool, pad in itertools.product((7, 8, 9), (2, 3), ('same', 'valid')):
        net, x = Sequential(Conv2d(2, 3, 3, rng(), padding=pad), ReLU(), MaxPool2d(pool)), draw(2, size, size + 1, 2)
        assert isinstance(fuse(net)[0], ConvReluPool2d)
        same(outputs(fuse(net), x), outputs(net, x), 1e-5)

def test_nothing_to_fuse_is_said():
    for net in (model('mnist_mlp'), Sequential(Dense(3, 3, rng()), BatchNorm(3), ReLU()), float16(model('simple_cnn')), ReLU()):
        with pytest.raises(ValueError, match='nothing to fuse'): fuse(net)
    for net in (model('mnist_mlp'), float16(model('simple_cnn')), ReLU()):
        with pytest.raises(ValueError, match='no Conv2d'): channels_first(net)

def test_a_step_twice_is_the_step_once():
    net = fold(model('resnet8'))
    for step in (fuse, channels_first): assert repr(step(step(net))) == repr(step(net))

def test_parameters_are_trained_as_before():
    "Three steps of SGD on a folded network, and on the same fused and in planes: the same weights."
    for name in ('simple_cnn', 'resnet8', 'ds_cnn'):
        base = strip(fold(model(name)))
        x, ends = examples(name, 4), []
        for step in (clone, fuse, partial(fuse, channels=np.inf), channels_first, lambda n: channels_first(fuse(n))):
            net = step(base).train()
            opt = SGD(net.parameters(), 1e-4)
            for _ in range(3):
                opt.zero_grad()
                (net(Tensor(x))**2).mean().backward()
                opt.step()
            ends.append([p.data for p in net.parameters()])
        for end in ends[1:]:
            for a, b, start in zip(end, ends[0], base.parameters(), strict=True):
                assert np.abs(a - b).max() <= 1e-3*np.abs(b - start.data).max() + 1e-7, name

@pytest.mark.parametrize('name', WITH_CONVS)
def test_planes_train_with_batch_statistics(name):
    "Every gradient of an unfolded network in training mode, whatever the order in memory."
    net, x = strip(create(name, rng())), examples(name, 4)
    grads = []
    for n in (net, channels_first(net), fuse(net, 0)):
        (n.train()(Tensor(x))**2).mean().backward()
        grads.append([p.grad for p in n.parameters()])
    top = max(np.abs(g).max() for g in grads[0])
    for other in grads[1:]:
        for a, b in zip(other, grads[0], strict=True): assert np.abs(a - b).max() <= 1e-3*max(np.abs(b).max(), 1e-2*top)

def test_a_gradient_that_is_shared_is_not_changed():
    for net, x in ((FusedDense(Dense(3, 4, rng())), draw(5, 3)), (FusedConv2d(Conv2d(2, 3, 3, rng())), draw(2, 5, 5, 2)),
                   (FusedDepthwise(DepthwiseConv2d(2, 3, rng())), draw(2, 5, 5, 2))):
        out = net(Tensor(x, requires_grad=True))
        g = np.ones_like(out.data)
        out.backward(g)
        assert (g == 1).all()

def test_a_fused_layer_without_relu_is_the_layer():
    for layer, kind, x in ((Dense(3, 4, rng()), FusedDense, draw(5, 3)), (DepthwiseConv2d(2, 3, rng()), FusedDepthwise, draw(2, 5, 5, 2)),
                           (Conv2d(2, 3, 3, rng()), FusedConv2d, draw(2, 5, 5, 2))):
        one, with_relu = kind(layer, relu=False), kind(layer)
        same(outputs(one, x), outputs(layer, x), 1e-6)
        assert linear(one) and not linear(with_relu) and repr(with_relu.plain()) == repr(layer) and with_relu.plain().w is layer.w
        assert type(kind(one).plain()) is type(layer)

def test_inputs_that_do_not_fit_are_named():
    net = fuse(Sequential(Conv2d(2, 3, 3, rng()), ReLU(), Flatten(), Dense(12, 4, rng()), ReLU()))
    with pytest.raises(ValueError, match=r'FusedConv2d\(Conv2d\(2, 3, 3x3\), ReLU\(\)\) expected an input of shape'): net(draw(1, 4, 4, 5))
    with pytest.raises(ValueError, match=r'FusedDense\(Dense\(12, 4\), ReLU\(\)\) expected'): net(draw(1, 5, 5, 2))
    with pytest.raises(TypeError, match='has float32 weights'): net(np.zeros((1, 4, 4, 2)))
    with pytest.raises(ValueError, match='larger than its input'): net(draw(1, 2, 2, 2))

def test_saved_copied_and_looked_at(tmp_path):
    net = fuse(fold(model('ds_cnn')))
    x = examples('ds_cnn')
    other = fuse(fold(lively(create('ds_cnn', rng(9)), 9)))
    other.load(net.save(tmp_path/'net'))
    for twin in (other, copy.deepcopy(net), pickle.loads(pickle.dumps(net))): assert np.array_equal(outputs(twin, x), outputs(net, x))
    assert summary(net, (1, 49, 10, 1)).total == net.n_parameters() == folded_parameters(create('ds_cnn', rng()))


# --- layout

def in_planes(a): return a.transpose(0, 3, 1, 2).flags.c_contiguous

@pytest.mark.parametrize('name', WITH_CONVS)
def test_planes_give_the_same_answers(name):
    net, x = model(name), examples(name)
    for new in (channels_first(net), channels_first(fuse(fold(net))), fuse(fold(channels_first(net)))):
        same(outputs(new, x), outputs(net, x))
        assert count(new, ChannelsFirstConv2d) == count(net, Conv2d)

def test_the_order_in_memory_goes_through_a_chain():
    net = channels_first(Sequential(Conv2d(2, 4, 3, rng()), BatchNorm(4), ReLU(), Residual(Conv2d(4, 4, 3, rng(), padding='same'))).eval())
    x = Tensor(draw(2, 8, 7, 2))
    with no_grad():
        for layer in net:
            x = layer(x)
            assert in_planes(x.data), layer
    assert not in_planes(outputs(Conv2d(2, 4, 3, rng()), draw(2, 8, 7, 2)))

def test_every_layer_takes_planes():
    x = draw(2, 8, 8, 4)
    p = planes_of(x).transpose(0, 2, 3, 1)
    assert in_planes(p) and np.shares_memory(planes_of(p), p)
    for layer in (Conv2d(4, 3, 3, rng(), padding='same'), Conv2d(4, 3, 1, rng()), DepthwiseConv2d(4, 3, rng(), 2, 'same'), DepthwiseConv2d(4, 3, rng()),
                  ConvTranspose2d(4, 3, 3, rng(), 2), ConvReluPool2d(4, 3, 3, rng()), MaxPool2d(2), MaxPool2d(3, 1, 'same'), AvgPool2d(2),
                  GlobalAvgPool2d(), BatchNorm(4), LayerNorm(4), ReLU(), Sigmoid(), Flatten(), FusedConv2d(Conv2d(4, 3, 3, rng()))):
        outs, grads = [], []
        for a in (x, p):
            t = Tensor(a, requires_grad=True)
            out = layer(t)
            out.backward(np.ones_like(out.data) if a is x else np.asfortranarray(np.ones(out.shape, np.float32)))
            outs.append(out.data), grads.append([t.grad, *(q.grad for q in layer.parameters())])
            layer.zero_grad()
        same(outs[1], outs[0], 1e-5)
        for g, h in zip(*grads, strict=True): np.testing.assert_allclose(g, h, rtol=1e-3, atol=1e-4*max(np.abs(h).max(), 1))

@pytest.mark.parametrize('pads', [((0, 0), (0, 0)), ((1, 0), (2, 3))])
def test_planes_of_pads_with_zeros(pads):
    x = draw(2, 3, 4, 5)
    want = np.pad(x.transpose(0, 3, 1, 2), ((0, 0), (0, 0), *pads))
    for a in (x, planes_of(x).transpose(0, 2, 3, 1), x[:, ::-1][:, ::-1]):
        got = planes_of(a, pads)
        assert got.flags.c_contiguous and np.array_equal(got, want)


# --- steps in any order

@pytest.mark.parametrize('order', list(itertools.permutations(['strip', 'fold', 'fuse', 'channels_first', 'float16'])), ids='-'.join)
def test_steps_in_any_order(order):
    "Each order gives the answers of the network, or says in words why it cannot."
    steps = dict(strip=strip, fold=fold, fuse=fuse, channels_first=channels_first, float16=float16)
    net, x = model('simple_cnn'), examples('simple_cnn', 20)
    net.layers.insert(2, Dropout(.2, rng()))
    try: new = optimize(net, {k: steps[k] for k in order}, x)
    except ValueError as e:
        assert order.index('float16') < max(order.index(k) for k in ('fold', 'fuse', 'channels_first')), f'{order}: {e}'
        assert 'encode' in str(e) or 'nothing to fold' in str(e)
        return
    assert np.abs(outputs(new.net, x) - outputs(net, x)).max() <= 5e-3*np.abs(outputs(net, x)).max()

def test_float64_after_and_before():
    net, x = fuse(fold(model('simple_cnn'))), examples('simple_cnn')
    same(outputs(float64(net), x), outputs(net, x), 1e-5)
    same(outputs(fuse(fold(float64(model('simple_cnn')))), x), outputs(net, x), 1e-5)
    assert any(isinstance(m, Fused) for _, m in walk(fuse(fold(float64(model('simple_cnn'))))))
