"What shapes the operators of a graph make"
from math import prod

from ..base.graph import Node
from ..nn.conv import pads_for

CURVES = dict(LOGISTIC=(1/256, -128), TANH=(1/128, 0))      # and the only grid of each in TensorFlow Lite


def kernel_of(n:Node) -> tuple:
    "Height and width of the windows of a convolution or a pool."
    return tuple(n.ways['kernel'] if n.w is None else n.w.shape[:2])

def out_shape(n:Node, shape:tuple) -> tuple:
    "The shape that `n` makes of `shape`, both without the batch."
    if n.shape is not None: return n.shape
    if n.op == 'RESHAPE': return (prod(shape),)
    if n.op == 'FULLY_CONNECTED': return (n.w.shape[1],)
    if n.op == 'ADD': return chain_shape(n.arms[0], shape)
    if n.op in ('RELU', 'SOFTMAX', 'BATCH_NORM', *CURVES): return shape
    kernel, stride = kernel_of(n), n.ways['stride']
    pads = pads_for(n.ways['padding'], shape[:2], kernel, stride)
    size = ((m + sum(p) - k)//s + 1 for m, p, k, s in zip(shape, pads, kernel, stride))
    return (*size, n.w.shape[-1] if n.op == 'CONV_2D' else shape[-1])

def chain_shape(nodes:tuple, shape:tuple) -> tuple:
    "The shape behind `nodes`."
    for n in nodes: shape = out_shape(n, shape)
    return shape

def named(n:Node) -> str:
    "An operator and how it works, for people."
    return f'{n.op} ({n.says()})' if n.says() else n.op
