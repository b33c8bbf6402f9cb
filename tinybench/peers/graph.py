"A network of ours as the operators that other engines know"
import numpy as np

from ..base.graph import Graph, Node
from ..embedded.digits import steps
from ..nn.channels import DepthwiseConv2d
from ..nn.conv import Conv2d
from ..nn.dense import Dense, Dropout, Flatten, ReLU, Residual, Softmax
from ..nn.module import Module
from ..nn.pool import AvgPool2d, ConvReluPool2d, GlobalAvgPool2d, MaxPool2d
from ..optimize.fuse import flat, fold
from ..optimize.quantize import fake
from ..optimize.step import strip

PRODUCTS = {Dense: 'FULLY_CONNECTED', Conv2d: 'CONV_2D', DepthwiseConv2d: 'DEPTHWISE_CONV_2D'}
POOLS = {MaxPool2d: 'MAX_POOL_2D', AvgPool2d: 'AVERAGE_POOL_2D'}

def graph_of(net:Module, shape:tuple) -> Graph:
    """`net` in evaluation mode for one input of `shape`, with BatchNorm in the weights and ReLU in the
    operator before it. ValueError for a layer that has no such operator."""
    return Graph(chain([folded(net)], shape)[0], tuple(shape))

def touching(m:Module) -> bool:
    "False for a max pool whose windows do not touch, or have a frame: no network of a race has one."
    return not isinstance(m, MaxPool2d) or m.stride == m.kernel and m.padding in ('valid', 0, (0, 0))

def folded(net:Module) -> Module:
    "`net` with BatchNorm in the weights; itself if there is none."
    try: return fold(net)
    except ValueError as e:
        if 'nothing to fold' not in str(e): raise
        return net

def code_graph(net:Module, shape:tuple, x:np.ndarray) -> Graph:
    "The same in int8 codes, with the grids that the examples `x` ask for."
    first, *rest = fake(folded(strip(net)), x)
    grid = first.grid()
    return Graph(steps(rest, grid, tuple(shape))[0], tuple(shape), (grid.scale, grid.zero))

def chain(layers:list, shape:tuple) -> tuple[tuple, tuple]:
    "The operators of layers one after the other, and the shape behind them."
    layers, nodes = [m for m in flat(layers) if not isinstance(m, Dropout)], []
    for m, after in zip(layers, [*layers[1:], None]):
        if isinstance(m, ReLU) and nodes and nodes[-1].ways.get('relu'): continue     # it is in there
        nodes += operators(m, shape, isinstance(after, ReLU))
        shape = m.eval()(np.zeros((1, *shape), np.float32)).shape[1:]
    return tuple(nodes), shape

def operators(m:Module, shape:tuple, relu:bool) -> list[Node]:
    "One layer, with the ReLU behind it if it can take one in."
    kind = type(m)
    if kind in PRODUCTS:
        ways = {} if kind is Dense else dict(stride=m.stride, padding=m.padding)
        b = np.zeros(m.w.shape[-1], np.float32) if m.b is None else m.b.data
        return [Node(PRODUCTS[kind], ways | dict(relu=relu), m.w.data, b)]
    if kind is ConvReluPool2d:
        ways = dict(stride=(1, 1), padding=m.padding, relu=True)
        pool = dict(kernel=(m.pool, m.pool), stride=(m.pool, m.pool), padding='valid')
        return [Node('CONV_2D', ways, m.w.data, m.b.data), Node('MAX_POOL_2D', pool)]
    if kind in POOLS: return [Node(POOLS[kind], dict(kernel=m.kernel, stride=m.stride, padding=m.padding))]
    if kind is GlobalAvgPool2d:
        whole = dict(kernel=shape[:2], stride=(1, 1), padding='valid')
        return [Node('AVERAGE_POOL_2D', whole), Node('RESHAPE')]
    if kind is Residual:
        arms = chain([m.body], shape)[0], () if m.shortcut is None else chain([m.shortcut], shape)[0]
        return [Node('ADD', dict(relu=relu), arms=arms)]
    simple = {Flatten: 'RESHAPE', ReLU: 'RELU', Softmax: 'SOFTMAX'}
    if kind in simple: return [Node(simple[kind])]
    raise ValueError(f'{m!r} has no operator here: the race is for networks of dense layers, convolutions, '
                     'pools, residual connections, ReLU and softmax')
