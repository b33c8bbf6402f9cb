"Plans of codes for firmware: the four official networks, and small ones whose layers are all kinds there are."
import sys
from pathlib import Path
import numpy as np
from tinybench.core.tensor import Tensor, no_grad
from tinybench.native import int8
from tinybench.nn.channels import DepthwiseConv2d
from tinybench.nn.conv import Conv2d
from tinybench.nn.dense import Dense, ReLU, Residual, Sigmoid, Softmax
from tinybench.nn.module import Sequential, evaluating
from tinybench.nn.pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from tinybench.optimize.integer import integer, integer_network

sys.path.append(str(Path(__file__).parents[1]/'models'))
from filekit import official

def official_plan(task, folder):
    g, z = official(task, folder, 'int8')
    return int8.plan(integer_network(g), g.shape, 'int8', native=False), z['in/int8'], z['out/int8']

def small_net(seed=0):
    "A convolution in each form, odd sizes and counts, a sum, a table, pools of all kinds, softmax; channels by the seed."
    r, c = np.random.default_rng(seed), 6 + seed
    block = Sequential(Conv2d(c, c, 3, padding='same', rng=r), ReLU(), Conv2d(c, c, 1, rng=r))
    return Sequential(Conv2d(3, c, 3, stride=2, padding='same', rng=r), ReLU(),
                      DepthwiseConv2d(c, 3, padding='same', rng=r), ReLU(), Residual(block), ReLU(), MaxPool2d(2),
                      Conv2d(c, 9, (1, 2), rng=r), Sigmoid(), AvgPool2d(2, 1), GlobalAvgPool2d(), Dense(9, 5, rng=r), Softmax())

def small_plan(seed=0, shape=(9, 13, 3)):
    "A plan of `small_net` in codes, random codes, and what the integer core makes of them."
    r = np.random.default_rng(seed)
    net = integer(small_net(seed), r.normal(size=(16, *shape)).astype(np.float32))[1:-1]
    x = r.integers(-128, 128, (6, *shape)).astype(np.int8)
    with no_grad(), evaluating(net): want = net(Tensor(x)).data
    return int8.plan(net, shape, 'int8', native=False), x, want
