"Patches answer as the whole does, for random stacks of convolutions; and what an arena must hold is what `least` says."
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

sys.path.append(str(Path(__file__).parents[1]/'emit'))
from codekit import grid, product
from tinybench.core.tensor import Tensor
from tinybench.device.fit import back, in_patches, live
from tinybench.native.int8 import plan
from tinybench.native.plan import least
from tinybench.nn.module import Sequential
from tinybench.optimize.integer import IntegerConv2d, IntegerDepthwiseConv2d, IntegerGlobalAvgPool2d

def stack(r):
    "Convolutions of codes of all kinds, for images of 17x14x3, and a mean at the end."
    at, c, layers = grid(r), 3, []
    for _ in range(int(r.integers(1, 5))):
        k, to = tuple(int(n) for n in r.integers(1, 4, 2)), grid(r)
        ways = dict(stride=tuple(int(n) for n in r.integers(1, 3, 2)), padding='same')
        if r.random() < .5: layers.append(product(IntegerDepthwiseConv2d, (*k, c), at, to, r, **ways))
        else:
            n = int(r.integers(1, 7))
            layers.append(product(IntegerConv2d, (*k, c, n), at, to, r, **ways))
            c = n
        at = to
    return Sequential(*layers, IntegerGlobalAvgPool2d()), r.integers(-128, 128, (1, 17, 14, 3)).astype(np.int8)

@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_patches_answer_as_the_whole(seed, parts):
    net, x = stack(np.random.default_rng(seed))
    parts = min(parts, *net[:-1](Tensor(x)).shape[1:3])
    for n in range(1, len(net)):
        if min(net[:n](Tensor(x)).shape[1:3]) < parts: break
        cut = in_patches(net, n, parts)
        assert np.array_equal(cut(Tensor(x)).data, net(Tensor(x)).data)

@pytest.mark.parametrize('seed', range(3))
def test_plans_of_patches_are_the_network_to_the_bit(seed):
    net, x = stack(np.random.default_rng(seed))
    cut = in_patches(net, len(net) - 1, 2)
    p = plan(cut, x.shape[1:], 'int8', native=False)
    assert np.array_equal(p(x), net(Tensor(x)).data)
    assert max(live(p)) == 4*least(p.sizes, p.lives) <= p.arena.nbytes

def test_all_rows_need_all_rows_and_all_padding():
    assert back(0, 9, [(9, 3, 1, 1)]*3) == (slice(0, 9), [(1, 1)]*3)
