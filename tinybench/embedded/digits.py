"""Trains and writes `digits.tflite`, an int8 network of five thousand weights that reads scikit-learn's
digits: python -m tinybench.embedded.digits"""
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..base.files import write_whole
from ..base.graph import Graph, Node
from ..data.loader import Loader
from ..data.source import load_digits
from ..models.zoo import bn_relu, residual_block
from ..nn.channels import DepthwiseConv2d
from ..nn.conv import Conv2d
from ..nn.dense import Dense, Flatten, Residual, he_normal
from ..nn.module import Sequential
from ..nn.optim import Adam, cosine
from ..nn.pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from ..nn.train import fit
from ..optimize.fuse import fold
from ..optimize.integer import PROBABILITIES, behind, kind_of, weight_codes
from ..optimize.quantize import FakeQuantize, FakeWeights, fake
from ..optimize.step import strip
from .tflite import chain_shape, out_shape, tflite

PATH = Path(__file__).with_name('digits.tflite')
NAMES = {Conv2d: 'CONV_2D', DepthwiseConv2d: 'DEPTHWISE_CONV_2D', Dense: 'FULLY_CONNECTED'}
POOLS = {AvgPool2d: 'AVERAGE_POOL_2D', MaxPool2d: 'MAX_POOL_2D'}

def small_resnet(rng:np.random.Generator) -> Sequential:
    "For (n, 8, 8, 1) digits: a convolution, two residual blocks, the second with a shortcut, a dense layer."
    conv = Conv2d(1, 8, 3, rng, padding='same', init=he_normal)
    return Sequential(*bn_relu(conv, .9), *residual_block(8, 8, rng), *residual_block(8, 16, rng, stride=2),
                      GlobalAvgPool2d(), Dense(16, 10, rng, init=he_normal))

def trained(rng:np.random.Generator, epochs:int=60) -> Sequential:
    "`small_resnet`, trained on the digits and folded."
    digits, net = load_digits(), small_resnet(rng)
    batches = Loader(digits.x_train, digits.y_train, 32, rng=rng)
    fit(net, batches, epochs, Adam(net.parameters(), cosine(5e-3, epochs*len(batches))), progress=False)
    return fold(strip(net))

def steps(layers, grid, shape:tuple) -> tuple[tuple, object]:
    "The nodes for `layers`, which `fake` made, behind an input of `grid` and `shape`; the grid behind them."
    todo, nodes = list(layers), []
    while todo:
        m = todo.pop(0)
        if isinstance(m, Sequential): todo = [*m, *todo]; continue
        if isinstance(m, FakeQuantize): continue    # a pool's: the grid that it had
        if isinstance(m, FakeWeights | Residual): relu, to = behind(m, todo)
        else: relu, to = False, grid
        if isinstance(m, FakeWeights):
            w, b, scale = weight_codes(m.w.data, m.b.data, m.grid(), grid)
            ways = {k: m.fields[k] for k in ('stride', 'padding') if k in m.fields}
            scales = np.ravel(scale), np.ravel(grid.scale*scale)
            n = Node(NAMES[kind_of(m)], ways | {'relu': relu}, w, b, *scales)
        elif isinstance(m, Residual):
            arms = [[] if arm is None else [arm] for arm in (m.body, m.shortcut)]
            n = Node('ADD', {'relu': relu}, arms=tuple(steps(arm, grid, shape)[0] for arm in arms))
        elif isinstance(m, GlobalAvgPool2d):
            todo.insert(0, Flatten())
            n = Node('AVERAGE_POOL_2D', dict(kernel=shape[:2], stride=shape[:2], padding='valid'))
        elif isinstance(m, Flatten): n = Node('RESHAPE')
        else: n = Node(POOLS[type(m)], dict(kernel=m.kernel, stride=m.stride, padding=m.padding))
        shape, grid = out_shape(n, shape), to
        nodes.append(replace(n, grid=(to.scale, to.zero), shape=shape))
    return tuple(nodes), grid

def graph_of(pretend:Sequential, shape:tuple) -> Graph:
    "The int8 graph of a network that `fake` made, for images of `shape`, with a softmax behind it."
    first, *rest = pretend
    nodes, _ = steps(rest, first.grid(), shape)
    last = Node('SOFTMAX', grid=(PROBABILITIES.scale, PROBABILITIES.zero), shape=chain_shape(nodes, shape))
    return Graph((*nodes, last), shape, (first.grid().scale, first.grid().zero))

def main():
    net, digits = trained(np.random.default_rng(0)), load_digits()
    write_whole(PATH, tflite(graph_of(fake(net, digits.x_train[:200]), digits.x_train.shape[1:])))

if __name__ == '__main__': main()
