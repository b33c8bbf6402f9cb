"Convolution: outputs against loops, gradients against differences and PyTorch, and memory that nobody else may write to."
import threading, weakref
from functools import partial

import numpy as np
import pytest
from hypothesis import given, strategies as st

from parity import same_as_torch
from tinybench.core.tensor import Tensor
from tinybench.nn.conv import Conv2d, fold, patches, same_pads, scratch
from tinybench.nn.pool import AvgPool2d
from windows import CONVS, Torch, cases, check_random_layers, images, pads, with_weights


def test_random_layers(): check_random_layers(Conv2d)

@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 6))
def test_same_pads_are_tensorflows(n, k, s): assert same_pads(n, k, s) == pads(n, k, s, 'same')

@given(cases(AvgPool2d))
def test_fold_is_the_transpose_of_patches(case):
    layer, x = case
    if layer.kernel[0] > x.shape[1] or layer.kernel[1] > x.shape[2]: return
    p = patches(x, layer.kernel, layer.stride)
    c = np.random.default_rng(1).normal(size=p.shape)
    assert np.isclose((p*c).sum(), (x*fold(c, x.shape, layer.stride)).sum())

@pytest.mark.parametrize('kernel,stride,padding', CONVS)
def test_conv_is_torchs(torch, kernel, stride, padding):
    layer = Conv2d(3, 8, kernel, np.random.default_rng(0), stride, padding)
    theirs = Torch(kernel, stride, lambda F, x, w, b: F.conv2d(x, w.permute(3, 2, 0, 1), b, stride))
    same_as_torch([(4, 13, 16, 3), layer.w.shape, (8,)], partial(with_weights, layer), images(theirs, padding))


# --- kept memory

def test_scratch_is_handed_out_again_only_when_free():
    where = lambda a: a.__array_interface__['data'][0]
    a = scratch((50, 3), 'f'); first = where(a)
    assert where(scratch((50, 3), 'f')) != first
    for hold in (lambda a: a[3:5], lambda a: a.T, lambda a: a.reshape(-1)[::2], lambda a: patches(a[None, :, :, None], (2, 2), (1, 1)),
                 lambda a: [a], lambda a: memoryview(a), lambda a: Tensor(a)):
        part, a = hold(a), None
        b = scratch((50, 3), 'f')
        assert where(b) != first, 'somebody still looks at it'
        b = part = None
        a = scratch((50, 3), 'f')
        assert where(a) == first, 'nobody looks at it: it can be used again'
    assert where(scratch((50, 3), 'd')) != first and where(scratch((3, 50), 'f')) != first

def test_scratch_of_another_thread():
    "A result made in a thread belongs to whoever holds it, also when the thread has ended."
    box = []
    def make(): box.append(scratch((64, 64), 'f')); box[0][:] = 3
    for _ in range(2):
        t = threading.Thread(target=make); t.start(); t.join()
        for _ in range(4): scratch((64, 64), 'f')[:] = 9
        assert (box.pop() == 3).all()

def test_scratch_keeps_at_most_256_mib():
    "Odd sizes that never come back must not fill the memory, nor must a single huge one."
    def kept(sizes):
        refs = [weakref.ref(scratch((n,), 'u1')) for n in sizes]
        return sum(r().nbytes for r in refs if r() is not None)
    assert kept(2**26 - i for i in range(12)) <= 2**28
    assert kept([2**28 + 1]) == 0
    assert kept([2**20]) == 2**20
