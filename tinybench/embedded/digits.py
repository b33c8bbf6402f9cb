"""Trains and writes `digits.tflite`, an int8 network of five thousand weights that reads scikit-learn's
digits: python -m tinybench.embedded.digits"""
from pathlib import Path

import numpy as np

from ..base.files import write_whole
from ..base.graph import Graph
from ..data.loader import Loader
from ..data.source import load_digits
from ..exchange.graph import code_graph
from ..exchange.tflite import tflite
from ..models.zoo import bn_relu, residual_block
from ..nn.conv import Conv2d
from ..nn.dense import Dense, Softmax, he_normal
from ..nn.module import Sequential
from ..nn.optim import Adam, cosine
from ..nn.pool import GlobalAvgPool2d
from ..nn.train import fit
from ..optimize.fuse import fold
from ..optimize.quantize import fake
from ..optimize.step import strip

PATH = Path(__file__).with_name('digits.tflite')

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

def graph_of(pretend:Sequential, shape:tuple) -> Graph:
    "The int8 graph of a network that `fake` made, for images of `shape`, with a softmax behind it."
    return code_graph(Sequential(*pretend, Softmax()), shape)

def main():
    net, digits = trained(np.random.default_rng(0)), load_digits()
    write_whole(PATH, tflite(graph_of(fake(net, digits.x_train[:200]), digits.x_train.shape[1:])))

if __name__ == '__main__': main()
