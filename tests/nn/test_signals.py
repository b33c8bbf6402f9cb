"Signals and options of windows: Conv1d and 1-D pools, no bias, zeros by number: PyTorch's numbers, and what is made of them later."
import copy
from functools import partial

import numpy as np
import pytest

from parity import same_as_torch
from tinybench.core.tensor import Tensor, apply, check_grad
from tinybench.nn.channels import ConvTranspose2d, DepthwiseConv2d
from tinybench.nn.conv import Conv1d, Conv2d, as_padding, column_sums, conv2d, pads_for
from tinybench.nn.dense import GELU, Dense, LeakyReLU, ReLU, SiLU
from tinybench.nn.module import Parameter, Sequential, load_arrays
from tinybench.nn.norm import BatchNorm
from tinybench.nn.pool import (AvgPool1d, AvgPool2d, ConvReluPool2d, GlobalAvgPool1d, MaxPool1d, MaxPool2d)
from tinybench.optimize.fuse import channels_first, fold, fuse
from tinybench.optimize.lowrank import lowrank
from tinybench.optimize.prune import prune, sparse
from tinybench.optimize.integer import integer
from tinybench.optimize.quantize import fake
from tinybench.optimize.step import float16
from tinybench.profile.cost import cost


def rng(seed=0): return np.random.default_rng(seed)
def f32(*shape): return rng(3).normal(size=shape).astype('f')

def called(layer, x, *params):
    "What `layer` computes with these parameters."
    layer.w, layer.b = params[0], params[1] if len(params) > 1 else None
    return layer(x)

def turned(f, axes):
    "The torch function `f` of channels first, for channels last."
    there, back = ((0, 2, 1), (0, 2, 1)) if axes == 1 else ((0, 3, 1, 2), (0, 2, 3, 1))
    return lambda x, *params: f(x.permute(there), *params).permute(back)


# PyTorch's numbers

@pytest.mark.parametrize('bias', [True, False])
@pytest.mark.parametrize('k,stride,padding', [(3, 1, 0), (4, 2, 1), (1, 1, 0), (5, 3, 7), (2, 5, (1,)), (9, 1, 0)])
def test_conv1d_is_torchs(torch, k, stride, padding, bias):
    layer = Conv1d(3, 4, k, rng(), stride, padding, bias=bias)
    pad = padding[0] if isinstance(padding, tuple) else padding
    theirs = turned(lambda x, w, *b: torch.nn.functional.conv1d(x, w.permute(2, 1, 0), *b, stride=stride, padding=pad), 1)
    same_as_torch([(2, 9, 3), layer.w.shape, (4,)][:2 + bias], partial(called, layer), theirs)

@pytest.mark.parametrize('k,stride', [(3, 1), (4, 2), (5, 3)])
def test_conv1d_same_is_the_image_one_row_high(k, stride):
    layer, x = Conv1d(3, 4, k, rng(), stride, 'same'), f32(2, 11, 3)
    want = conv2d(x[:, None], layer.w.data[None], layer.b.data, (1, stride), 'same').data[:, 0]
    np.testing.assert_array_equal(layer(x).data, want)
    exact = layer.astype(np.float64)
    check_grad(exact, Tensor(rng().normal(size=(2, 11, 3))), params=exact.parameters())

@pytest.mark.parametrize('k,stride,padding', [(2, None, 0), (3, 2, 1), (4, 1, 2), (3, 5, 0)])
def test_pools_of_signals_are_torchs(torch, k, stride, padding):
    F = torch.nn.functional
    same_as_torch([(2, 13, 3)], MaxPool1d(k, stride, padding), turned(lambda x: F.max_pool1d(x, k, stride, padding), 1))
    mean = turned(lambda x: F.avg_pool1d(x, k, stride, padding, count_include_pad=False), 1)
    same_as_torch([(2, 13, 3)], AvgPool1d(k, stride, padding), mean)
    same_as_torch([(2, 13, 3)], GlobalAvgPool1d(), lambda x: x.mean(1))

@pytest.mark.parametrize('bias', [True, False])
@pytest.mark.parametrize('k,stride,padding', [(3, 1, 1), ((3, 2), (2, 1), (2, 0)), (1, 2, 0), (5, 1, 4)])
def test_images_with_zeros_by_number_are_torchs(torch, k, stride, padding, bias):
    F, kernel = torch.nn.functional, (k, k) if isinstance(k, int) else k
    layer = Conv2d(3, 4, k, rng(), stride, padding, bias=bias)
    theirs = turned(lambda x, w, *b: F.conv2d(x, w.permute(3, 2, 0, 1), *b, stride=stride, padding=padding), 2)
    same_as_torch([(2, 9, 8, 3), (*kernel, 3, 4), (4,)][:2 + bias], partial(called, layer), theirs)
    deep = DepthwiseConv2d(3, k, rng(), stride, padding, bias=bias)
    theirs = turned(lambda x, w, *b: F.conv2d(x, w.permute(2, 0, 1)[:, None], *b, stride=stride, padding=padding, groups=3), 2)
    same_as_torch([(2, 9, 8, 3), (*kernel, 3), (3,)][:2 + bias], partial(called, deep), theirs)

@pytest.mark.parametrize('bias', [True, False])
@pytest.mark.parametrize('k,stride,padding', [(3, 1, 1), (4, 2, 1), (2, 3, 0), ((3, 5), (2, 1), (0, 2))])
def test_transposed_with_zeros_by_number_is_torchs(torch, k, stride, padding, bias):
    kernel = (k, k) if isinstance(k, int) else k
    layer = ConvTranspose2d(3, 4, k, rng(), stride, padding, bias=bias)
    def theirs(x, w, *b):
        return torch.nn.functional.conv_transpose2d(x, w.permute(3, 2, 0, 1), *b, stride=stride, padding=padding)
    same_as_torch([(2, 5, 6, 3), (*kernel, 4, 3), (4,)][:2 + bias], partial(called, layer), turned(theirs, 2))

@pytest.mark.parametrize('k,stride,padding', [(2, None, 1), (3, 2, 1), ((4, 3), 1, (2, 0))])
def test_image_pools_with_zeros_by_number_are_torchs(torch, k, stride, padding):
    F = torch.nn.functional
    same_as_torch([(2, 9, 8, 3)], MaxPool2d(k, stride, padding), turned(lambda x: F.max_pool2d(x, k, stride, padding), 2))
    mean = turned(lambda x: F.avg_pool2d(x, k, stride, padding, count_include_pad=False), 2)
    same_as_torch([(2, 9, 8, 3)], AvgPool2d(k, stride, padding), mean)

@pytest.mark.parametrize('bias', [True, False])
def test_the_fused_pool_with_zeros_by_number_is_torchs(torch, bias):
    F, layer = torch.nn.functional, ConvReluPool2d(3, 4, 3, rng(), 2, 1, bias=bias)
    theirs = turned(lambda x, w, *b: F.max_pool2d(F.conv2d(x, w.permute(3, 2, 0, 1), *b, padding=1).relu(), 2), 2)
    same_as_torch([(2, 9, 8, 3), (3, 3, 3, 4), (4,)][:2 + bias], partial(called, layer), theirs)


# In words

def test_names():
    r = rng()
    assert repr(Conv1d(2, 4, 5, r, 2, 1, bias=False)) == 'Conv1d(2, 4, 5, stride 2, padding 1, bias=False)'
    assert repr(Conv2d(2, 4, 3, r, padding=(1, 0))) == 'Conv2d(2, 4, 3x3, padding (1, 0))'
    assert repr(MaxPool1d(3, padding='same')) == 'MaxPool1d(3, stride 3, same)' and repr(GlobalAvgPool1d()) == 'GlobalAvgPool1d()'

@pytest.mark.parametrize('make', [lambda: Conv2d(0, 4, 3, rng()), lambda: Conv2d(4, 0, 3, rng()), lambda: Conv2d(4, 2.5, 3, rng()),
                                  lambda: Conv1d(0, 4, 3, rng()), lambda: Conv1d('3', 4, 3, rng()), lambda: DepthwiseConv2d(0, 3, rng()),
                                  lambda: ConvTranspose2d(1, 0, 3, rng()), lambda: ConvReluPool2d(-1, 1, 3, rng())],
                         ids=['c_in', 'c_out', 'part', '1d', 'text', 'depthwise', 'transpose', 'fused'])
def test_channels_are_looked_at(make):
    with pytest.raises((ValueError, TypeError), match=r'(Conv|Depthwise).* expected c\w*, a whole number from 1 up, got'): make()

@pytest.mark.parametrize('make', [lambda: Conv1d(2, 2, (3, 3), rng()), lambda: Conv1d(2, 2, 0, rng()), lambda: MaxPool1d(2, 0),
                                  lambda: AvgPool1d(2.5), lambda: MaxPool1d(True)], ids=range(5))
def test_windows_of_signals_are_looked_at(make):
    with pytest.raises(ValueError, match=r'(Conv1d|Pool1d): expected a positive whole number, got'): make()

@pytest.mark.parametrize('make', [lambda: MaxPool2d(2, padding=2), lambda: AvgPool2d((4, 1), padding=(2, 1)), lambda: MaxPool1d(3, padding=2)], ids=range(3))
def test_a_window_of_zeros_only_is_refused(make):
    with pytest.raises(ValueError, match='Pool.*more than half of the window'): make()

def test_wrong_inputs_are_named():
    with pytest.raises(ValueError, match=r'Conv1d\(2, 4, 3\) expected an input of shape \(batch, time, 2\), got \(9, 2\)'): Conv1d(2, 4, 3, rng())(f32(9, 2))
    with pytest.raises(ValueError, match='window of 9 is larger than its input of 4'): Conv1d(2, 4, 9, rng(), padding=2)(f32(1, 4, 2))
    with pytest.raises(ValueError, match='nothing is left'): ConvTranspose2d(1, 1, 3, rng(), padding=2)(f32(1, 1, 1, 1))
    assert Conv1d(2, 4, 9, rng(), padding=3)(f32(1, 4, 2)).shape == (1, 2, 4)
    with pytest.raises(TypeError, match='expected floating point'): MaxPool1d(2)(np.ones((1, 4, 2), np.uint8))

@pytest.mark.parametrize('layer,bad', [(Conv2d(2, 3, 3, rng()), (1, 3)), (Conv1d(2, 3, 3, rng()), (1, 1, 3)), (DepthwiseConv2d(2, 3, rng()), (1,)),
                                       (ConvTranspose2d(2, 3, 3, rng()), (1,)), (ConvReluPool2d(2, 3, 3, rng()), (1, 3))], ids=lambda v: type(v).__name__)
def test_replaced_parameters_are_named(layer, bad):
    x = f32(1, 8, 2) if isinstance(layer, Conv1d) else f32(1, 8, 8, 2)
    layer = copy.deepcopy(layer)
    layer.b = Parameter(np.zeros(bad, 'f'))
    with pytest.raises(ValueError, match=rf'{type(layer).__name__}.*its parameter b has shape .*, expected'): layer(x)
    layer.b = None
    layer.w = Parameter(np.zeros((5, *layer.w.shape[1:]), 'f'))
    with pytest.raises(ValueError, match=rf'{type(layer).__name__}.*its weights w have shape .*, its kernel is'): layer(x)

def test_padding_of_numpy_numbers():
    assert as_padding(np.int64(2)) == (2, 2) and as_padding([1, 0]) == (1, 0)
    assert pads_for(1, (7,), (3,), (1,)) == ((1, 1),) and pads_for('valid', (7,), (3,), (1,)) == ((0, 0),)


# Counted, saved, copied, fused, shrunk

def ear(bias=True):
    "A small network for signals, with everything new in it; the numbers that BatchNorm goes by are not their first ones."
    r = rng()
    net = Sequential(Conv1d(2, 6, 5, r, 2, 2, bias=bias), BatchNorm(6), LeakyReLU(.1), MaxPool1d(2), Conv1d(6, 8, 3, r, padding='same'),
                     SiLU(), AvgPool1d(3, 2, 1), GlobalAvgPool1d(), Dense(8, 8, r), GELU(), Dense(8, 3, r))
    net(f32(32, 40, 2))
    return net.eval()

@pytest.mark.parametrize('bias', [True, False])
def test_cost_of_signals(torch, bias):
    from torch.utils.flop_counter import FlopCounterMode
    net, F = ear(bias), torch.nn.functional
    c = cost(net, (1, 40, 2))
    w = {k: torch.tensor(v) for k, v in net.state_dict().items()}
    def theirs(x):
        x = F.conv1d(x, w['layers.0.w'].permute(2, 1, 0), stride=2, padding=2)
        x = F.conv1d(F.max_pool1d(x, 2), w['layers.4.w'].permute(2, 1, 0), padding=1).mean(2)
        return F.linear(F.linear(x, w['layers.8.w'].T), w['layers.10.w'].T)
    with FlopCounterMode(display=False) as seen: theirs(torch.zeros(1, 2, 40))
    assert 2*c.macs == seen.get_total_flops() and c.params == net.n_parameters()
    flops = {r.path.split('.')[-1]: r.flops for r in c.rows}
    first = 20*6*(2*5*2 + bias)
    assert [flops[k] for k in '0235'] == [first, 2*20*6, 10*6, 5*10*8]
    assert flops['6'] == 5*8*3 and flops['9'] == 4*8

@pytest.mark.parametrize('layer', [Conv2d(2, 3, 3, rng(), bias=False), DepthwiseConv2d(2, 3, rng(), bias=False),
                                   ConvTranspose2d(2, 3, 3, rng(), bias=False), ConvReluPool2d(2, 3, 3, rng(), bias=False)],
                         ids=lambda m: type(m).__name__)
def test_cost_without_bias(layer):
    twin = copy.deepcopy(layer); twin.b = Parameter(np.zeros(layer(f32(1, 8, 8, 2)).shape[-1], 'f'))
    one, other = cost(layer, (1, 8, 8, 2)), cost(twin, (1, 8, 8, 2))
    assert other.macs == one.macs and other.flops - one.flops == prod_out(layer) and other.params - one.params == twin.b.size
def prod_out(layer): return layer(f32(1, 8, 8, 2)).size

@pytest.mark.parametrize('bias', [True, False])
def test_saved_copied_and_rewritten(tmp_path, bias):
    net, x = ear(bias), f32(4, 40, 2)
    want = net(x).data
    other = ear(bias); other[0].w.data[:] = 0
    for twin in (copy.deepcopy(net), other.load(net.save(tmp_path/'ear')), fold(net), float16(net)):
        np.testing.assert_allclose(twin(x).data, want, atol=3e-3)
    assert ('layers.0.b' in load_arrays(tmp_path/'ear.npz')) == bias
    assert not any(isinstance(m, BatchNorm) for m in fold(net)) and fold(net)[0].b is not None
    np.testing.assert_allclose(fold(net)(x).data, want, atol=1e-5)
    assert (prune(net, .5)[0].w.data == 0).any()
    with pytest.raises(ValueError, match='nothing to fuse'): fuse(Sequential(Conv1d(2, 3, 3, rng()), SiLU()))

@pytest.mark.parametrize('padding', [1, (2, 0), 'same'])
def test_fused_images_without_bias(padding):
    r, x = rng(), f32(3, 12, 12, 3)
    net = Sequential(Conv2d(3, 4, 3, r, padding=padding, bias=False), ReLU(), DepthwiseConv2d(4, 3, r, padding=1, bias=False), ReLU(),
                     Conv2d(4, 30, 3, r, padding=padding, bias=False), ReLU(), MaxPool2d(2))
    opened = Sequential(Conv2d(3, 4, 3, r, padding=padding, bias=False), ReLU(), MaxPool2d(2))
    for given in (net, opened):
        for new in (fuse(given), channels_first(given)):
            assert repr(new) != repr(given)
            np.testing.assert_allclose(new(x).data, given(x).data, atol=1e-5)
            g = rng(5).normal(size=given(x).shape).astype('f')
            given.zero_grad(); new.zero_grad(); given(x).backward(g); new(x).backward(g)
            for p, q in zip(given.parameters(), new.parameters(), strict=True): np.testing.assert_allclose(q.grad, p.grad, atol=2e-4)
        if given is net: assert cost(fuse(net), (1, 12, 12, 3)).flops == cost(net, (1, 12, 12, 3)).flops

def test_quantized():
    "Rounded to grids like any other layer; integers say which layer has no integer form."
    x, net = f32(64, 40, 2), fold(ear())
    assert np.abs(fake(net, x)(x).data - net(x).data).max() < .05*np.abs(net(x).data).max()
    with pytest.raises(ValueError, match=r'Conv1d.* has no integer form'): integer(net, x)
    for act in (LeakyReLU(), SiLU(), GELU()):
        with pytest.raises(ValueError, match=rf'{type(act).__name__}.* has no integer form'): integer(Sequential(Dense(4, 3, rng()), act), f32(9, 4))

@pytest.mark.parametrize('padding', [1, (2, 0)])
def test_integers_without_bias(padding):
    r, x = rng(), f32(64, 12, 12, 3)
    net = Sequential(Conv2d(3, 4, 3, r, padding=padding, bias=False), ReLU(), MaxPool2d(3, 2, 1), DepthwiseConv2d(4, 3, r, padding=1, bias=False),
                     ReLU(), AvgPool2d(2, padding=(1, 0)))
    want, got = net(x).data, integer(net, x)(x).data
    assert np.abs(got - want).max() < .05*np.abs(want).max()

def test_a_sequence_through_dense_is_shrunk_and_fused():
    x, r = f32(6, 5, 8), rng()
    net = Sequential(Dense(8, 12, r, bias=False), ReLU(), Dense(12, 8, r))
    np.testing.assert_allclose(fuse(net)(x).data, net(x).data, atol=1e-6)
    for p in (net[0].w, net[2].w): p.data[:] = p.data[:, :2] @ p.data[:2]
    np.testing.assert_allclose(lowrank(net, rank=2, x=x)(x).data, net(x).data, atol=1e-4)
    assert cost(net, (6, 5, 8)).macs == 6*5*2*96
    np.testing.assert_allclose(sparse(prune(net, .9))(x).data, prune(net, .9)(x).data, atol=1e-5)


def test_long_sums_keep_their_digits():
    for n in (2**15, 2**15 + 1, 2**22 + 5):
        a = rng().uniform(0, 1, (n, 2)).astype('f')
        np.testing.assert_allclose(column_sums(a), a.sum(0, dtype="d"), rtol=5e-6)
        out = np.empty(2, 'f')
        assert column_sums(a, out) is out
    assert column_sums(np.zeros((0, 3), 'f')).tolist() == [0, 0, 0]
