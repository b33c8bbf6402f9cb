"Pooling: outputs against loops, gradients against differences and PyTorch, and ties that are counted once."
from functools import partial

import numpy as np
import pytest
from hypothesis import given, strategies as st

from parity import same_as_torch
from tinybench.core.tensor import Tensor, check_grad
from tinybench.nn.pool import AvgPool2d, ConvReluPool2d, GlobalAvgPool2d, MaxPool2d, hand_out, narrow, widen
from windows import CONVS, Torch, check_random_layers, images, with_weights


@pytest.mark.parametrize('kind', [MaxPool2d, AvgPool2d, ConvReluPool2d], ids=lambda k: k.__name__)
def test_random_layers(kind): check_random_layers(kind)

def test_global_average():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4))
    assert np.allclose(GlobalAvgPool2d()(x).data, x.mean((1, 2)))
    check_grad(GlobalAvgPool2d(), Tensor(x))

@given(*[st.integers(1, 3)]*5)
def test_narrow_is_the_transpose_of_widen(kh, kw, c, f, pool):
    rng = np.random.default_rng(0)
    w = rng.normal(size=(kh, kw, c, f))
    wide = widen(w, pool)
    back = rng.normal(size=(pool*pool*f, len(wide)))
    assert np.isclose((wide.T*back).sum(), (w*narrow(back, w.shape, pool)).sum())

def test_average_at_the_border_counts_real_pixels_only():
    "TensorFlow divides by the pixels inside the image: a constant image stays constant."
    for layer in (AvgPool2d(3, 1, 'same'), AvgPool2d(3, 2, 'same'), AvgPool2d((4, 2), (1, 3), 'same')):
        assert (layer(np.full((1, 5, 6, 2), 3.)).data == 3).all()
    got = AvgPool2d(2, 1, 'same')(np.array([[1., 2.], [3., 4.]]).reshape(1, 2, 2, 1)).data[0, :, :, 0]
    assert (got == [[2.5, 3], [3.5, 4]]).all()

@pytest.mark.parametrize('kernel,stride,padding', CONVS)
def test_max_pool_is_torchs(torch, kernel, stride, padding):
    theirs = Torch(kernel, stride, lambda F, x: F.max_pool2d(x, kernel, stride))
    same_as_torch([(4, 13, 16, 3)], MaxPool2d(kernel, stride, padding), images(theirs, padding, -np.inf))

@pytest.mark.parametrize('kernel,stride,padding', CONVS)
def test_average_pool_is_torchs(torch, kernel, stride, padding):
    mean = Torch(kernel, stride, lambda F, x: F.avg_pool2d(x, kernel, stride))
    def theirs(x): return images(mean, padding)(x)/images(mean, padding)(torch.ones_like(x))
    same_as_torch([(4, 13, 16, 3)], AvgPool2d(kernel, stride, padding), theirs)

def test_global_average_is_torchs(torch): same_as_torch([(4, 13, 16, 3)], GlobalAvgPool2d(), lambda x: x.mean((1, 2)))

@pytest.mark.parametrize('pool,padding', [(2, 'valid'), (2, 'same'), (3, 'valid')])
def test_fused_is_torchs(torch, pool, padding):
    layer = ConvReluPool2d(3, 10, 3, np.random.default_rng(0), pool, padding)
    theirs = Torch((3, 3), (1, 1), lambda F, x, w, b: F.max_pool2d(F.conv2d(x, w.permute(3, 2, 0, 1), b).relu(), pool))
    same_as_torch([(4, 16, 17, 3), layer.w.shape, (10,)], partial(with_weights, layer), images(theirs, padding))


# --- ties

def test_ties_go_to_the_first(torch):
    "On constant and on repeated patches each window's gradient is handed out once, to the first winner, as PyTorch does."
    rng = np.random.default_rng(0)
    for x in (np.full((2, 9, 9, 3), 7, 'f'), np.zeros((1, 8, 8, 1), 'f'), rng.integers(0, 3, (2, 9, 9, 3)).astype('f')):
        for kernel, stride in ((2, 2), (3, 2), (3, 1), (2, 3)):
            theirs = Torch((kernel,)*2, (stride,)*2, lambda F, x: F.max_pool2d(x, kernel, stride))
            same_as_torch([x], MaxPool2d(kernel, stride), images(theirs))

def test_every_tie_is_counted_once():
    x, layer = Tensor(np.full((1, 8, 8, 2), 5.), requires_grad=True), MaxPool2d(2)
    layer(x).sum().backward()
    first = np.zeros((8, 8)); first[::2, ::2] = 1
    assert (x.grad == first[None, :, :, None]).all()

def test_fused_ties_are_counted_once():
    "Flat pictures: four equal candidates a pool, one of them takes the gradient."
    layer = ConvReluPool2d(1, 2, 3, np.random.default_rng(0))
    layer.w.data[:], layer.b.data[:] = 1, 0
    x = Tensor(np.ones((1, 8, 8, 1), 'f'), requires_grad=True)
    out = layer(x)
    out.sum().backward()
    assert (out.data == 9).all() and x.grad.sum() == out.size*9 and (layer.b.grad == out.size/2).all()

@given(st.integers(1, 5), st.integers(1, 4))
def test_hand_out_gives_everything_once(k, most):
    rng = np.random.default_rng(0)
    candidates, g, shares = rng.integers(0, most, (k, 4, 5)).astype(float), rng.normal(size=(4, 5)), np.empty((k, 4, 5))
    hand_out(g, candidates.max(0), candidates, shares)
    assert (shares == np.where(np.arange(k)[:, None, None] == candidates.argmax(0), g, 0)).all()
