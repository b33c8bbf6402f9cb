"Depthwise and transposed convolution: outputs against loops, gradients against differences and PyTorch."
from functools import partial
from itertools import product

import numpy as np
import pytest

from parity import same_as_torch
from tinybench.core.tensor import Tensor
from tinybench.nn.channels import ConvTranspose2d, DepthwiseConv2d
from tinybench.nn.conv import Conv2d
from windows import CONVS, Torch, check_random_layers, images, with_weights


@pytest.mark.parametrize('kind', [DepthwiseConv2d, ConvTranspose2d], ids=lambda k: k.__name__)
def test_random_layers(kind): check_random_layers(kind)

@pytest.mark.parametrize('stride,padding,size', [(2, 'valid', 15), (2, 'same', 14), (3, 'valid', 21), (4, 'valid', 28), (1, 'same', 7)])
def test_transposed_sizes_are_keras(stride, padding, size):
    layer = ConvTranspose2d(3, 2, 3, np.random.default_rng(0), stride, padding)
    assert layer(np.zeros((1, 7, 7, 3), np.float32)).shape == (1, size, size, 2)

def test_transposed_convolution_is_the_way_back_of_a_convolution():
    rng = np.random.default_rng(0)
    for (h, w), stride, padding in product([(8, 6), (9, 12)], [1, 2, 3], ['same', 'valid']):
        there = Conv2d(2, 3, (3, 4), rng, stride, padding).astype(np.float64)
        back = ConvTranspose2d(3, 2, (3, 4), rng, stride, padding).astype(np.float64)
        back.w = there.w
        y = Tensor(rng.normal(size=(2, h//stride, w//stride, 3)))
        x = Tensor(rng.normal(size=back(y).shape), requires_grad=True)
        there(x).backward(y.data)
        assert np.allclose(x.grad, back(y).data)

@pytest.mark.parametrize('kernel,stride,padding', CONVS)
def test_depthwise_is_torchs(torch, kernel, stride, padding):
    layer = DepthwiseConv2d(8, kernel, np.random.default_rng(0), stride, padding)
    theirs = Torch(kernel, stride, lambda F, x, w, b: F.conv2d(x, w.permute(2, 0, 1)[:, None], b, stride, groups=8))
    same_as_torch([(4, 13, 16, 8), layer.w.shape, (8,)], partial(with_weights, layer), images(theirs, padding))

@pytest.mark.parametrize('kernel,stride,padding', CONVS)
def test_transposed_is_torchs(torch, kernel, stride, padding):
    layer = ConvTranspose2d(3, 8, kernel, np.random.default_rng(0), stride, padding)
    h, w = layer(np.zeros((1, 6, 7, 3), np.float32)).shape[1:3]
    t, l = (max(k - s, 0)//2 if padding == 'same' else 0 for k, s in zip(kernel, stride))
    beyond = tuple(max(s - k, 0) for k, s in zip(kernel, stride))     # rows no window reaches: they hold the bias
    def theirs(x, w_, b):
        import torch.nn.functional as F
        out = F.conv_transpose2d(x.permute(0, 3, 1, 2), w_.permute(3, 2, 0, 1), b, stride, output_padding=beyond)
        return out[:, :, t:t+h, l:l+w].permute(0, 2, 3, 1)
    same_as_torch([(4, 6, 7, 3), layer.w.shape, (8,)], partial(with_weights, layer), theirs)

def test_many_pixels_keep_their_digits():
    "Sums over 70,000 pixels in float32 are as good as in float64, to 1e-5 of the largest."
    rng = np.random.default_rng(0)
    x, g = rng.normal(size=(2, 32, 48, 48, 8)).astype('f')
    def gradients(layer, dtype):
        layer.astype(dtype)(Tensor(x.astype(dtype), requires_grad=True)).backward(g.astype(dtype))
        return [p.grad for p in layer.parameters()]
    for layer in (DepthwiseConv2d(8, 3, rng, padding='same'), Conv2d(8, 8, 3, rng, padding='same')):
        for single, double in zip(gradients(layer, np.float32), gradients(layer, np.float64)):
            assert np.abs(single - double).max() <= 1e-5*np.abs(double).max(), repr(layer)
