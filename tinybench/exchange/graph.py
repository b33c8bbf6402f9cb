"A network of ours as the operators that other engines know: in fractions, or in int8 codes"
from dataclasses import replace
import numpy as np

from ..base.graph import Graph, Node
from ..models.weights import layers_of
from ..nn.channels import DepthwiseConv2d
from ..nn.conv import Conv2d
from ..nn.dense import Dense, Dropout, Flatten, ReLU, Residual, Sigmoid, Softmax, Tanh
from ..nn.module import Module, Sequential, walk
from ..nn.pool import AvgPool2d, ConvReluPool2d, GlobalAvgPool2d, MaxPool2d
from ..optimize.fuse import Fused, flat, fold
from ..optimize.integer import PROBABILITIES, Quantize, behind, kind_of, weight_codes
from ..optimize.quantize import FakeQuantize, FakeWeights, Grid, fake
from ..optimize.step import strip
from .shapes import CURVES, out_shape

PRODUCTS = {Dense: 'FULLY_CONNECTED', Conv2d: 'CONV_2D', DepthwiseConv2d: 'DEPTHWISE_CONV_2D'}
POOLS = {MaxPool2d: 'MAX_POOL_2D', AvgPool2d: 'AVERAGE_POOL_2D'}
SIMPLE = {Flatten: 'RESHAPE', ReLU: 'RELU', Softmax: 'SOFTMAX', Sigmoid: 'LOGISTIC', Tanh: 'TANH'}

def touching(m:Module) -> bool:
    "False for a max pool whose windows do not touch, or have a frame: no network of a race has one."
    return not isinstance(m, MaxPool2d) or m.stride == m.kernel and m.padding in ('valid', 0, (0, 0))

def folded(net:Module) -> Module:
    "`net` with BatchNorm in the weights; itself if there is none."
    try: return fold(net)
    except ValueError as e:
        if 'nothing to fold' not in str(e): raise
        return net

def product(m:Module, kind:type, ways:dict, w:np.ndarray, b:np.ndarray, shape:tuple, **arrays) -> Node:
    "A layer with weights as an operator; a dense layer at each pixel is a convolution of 1x1."
    if kind is Dense and len(shape) == 3:
        return Node('CONV_2D', ways | dict(stride=(1, 1), padding='valid'), w[None, None], b, **arrays)
    if kind is Dense and len(shape) != 1: raise ValueError(
        f'{m!r} reads {shape}: other engines are given a dense layer of rows or of images')
    return Node(PRODUCTS[kind], ways, w, b, **arrays)

def unweighted(m:Module, shape:tuple) -> list[Node]:
    "The operators of a layer without weights; ValueError that names it if there are none."
    if type(m) in POOLS:
        return [Node(POOLS[type(m)], dict(kernel=m.kernel, stride=m.stride, padding=m.padding))]
    if type(m) is GlobalAvgPool2d:
        whole = dict(kernel=shape[:2], stride=(1, 1), padding='valid')
        return [Node('AVERAGE_POOL_2D', whole), Node('RESHAPE')]
    if type(m) in SIMPLE: return [Node(SIMPLE[type(m)])]
    raise ValueError(f'{m!r} has no operator here: other engines are given dense layers, convolutions, '
                     'pools, residual connections, ReLU, Sigmoid, Tanh and softmax')

# --- fractions

def graph_of(net:Module, shape:tuple) -> Graph:
    """`net` in evaluation mode for one input of `shape`, with BatchNorm in the weights and ReLU in the
    operator before it. ValueError for a layer that has no such operator."""
    return Graph(chain([folded(net)], tuple(shape))[0], tuple(shape))

def unfused(layers:list) -> list:
    "A chain of layers without those that do nothing, and without those that do two things."
    found = []
    for m in flat(layers):
        if isinstance(m, Fused): found += [m.plain(), *([ReLU()] if m.relu else [])]
        elif not isinstance(m, Dropout): found.append(m)
    return found

def chain(layers:list, shape:tuple) -> tuple[tuple, tuple]:
    "The operators of layers one after the other, and the shape behind them."
    layers, nodes = unfused(layers), []
    for m, after in zip(layers, [*layers[1:], None]):
        if isinstance(m, ReLU) and nodes and nodes[-1].ways.get('relu'): continue     # it is in there
        for n in operators(m, shape, isinstance(after, ReLU)):
            shape = out_shape(n, shape)
            if min(shape) < 1: raise ValueError(f'{m!r} has nothing left of its input')
            nodes.append(replace(n, shape=tuple(shape)))
    return tuple(nodes), shape

def operators(m:Module, shape:tuple, relu:bool) -> list[Node]:
    "One layer, with the ReLU behind it if it can take one in."
    kind = type(m)
    if kind in PRODUCTS:
        b = np.zeros(m.w.shape[-1], np.float32) if m.b is None else m.b.data
        ways = {k: getattr(m, k) for k in ('stride', 'padding') if kind is not Dense}
        return [product(m, kind, ways | dict(relu=relu), m.w.data, b, shape)]
    if kind is ConvReluPool2d:
        ways = dict(stride=(1, 1), padding=m.padding, relu=True)
        pool = dict(kernel=(m.pool, m.pool), stride=(m.pool, m.pool), padding='valid')
        b = np.zeros(m.w.shape[-1], np.float32) if m.b is None else m.b.data
        return [Node('CONV_2D', ways, m.w.data, b), Node('MAX_POOL_2D', pool)]
    if kind is Residual:
        arms = chain([m.body], shape)[0], () if m.shortcut is None else chain([m.shortcut], shape)[0]
        return [Node('ADD', dict(relu=relu), arms=arms)]
    return unweighted(m, shape)

# --- codes

def code_graph(net:Module, shape:tuple, x:np.ndarray|None=None) -> Graph:
    """The same in int8 codes, with the grids that the examples `x` ask for, or those of a network that `fake`
    made. ValueError for a layer that has no such operator."""
    made = net if any_fake(net) else fake(folded(strip(net)), x)
    if type(made) is not Sequential or not isinstance(made[0], FakeQuantize): raise ValueError(
        'the network does not begin with a FakeQuantize: give the whole network that `fake` made')
    first, *rest = made
    grid = first.grid()
    return Graph(steps(rest, grid, tuple(shape))[0], tuple(shape), (grid.scale, grid.zero))

def any_fake(net:Module) -> bool: return any(isinstance(m, FakeQuantize) for _, m in walk(net))

def fixed_grid(op:str) -> Grid:
    "The grid of what a curve gives: TensorFlow Lite has only this one."
    scale, zero = CURVES[op]
    return Grid(np.float32(scale), zero, -128, 127)

def steps(layers, grid:Grid, shape:tuple) -> tuple[tuple, Grid]:
    "The nodes for `layers`, which `fake` made, behind an input of `grid` and `shape`; the grid behind them."
    todo, nodes = [m for m in layers if not isinstance(m, Dropout)], []
    while todo:
        m = todo.pop(0)
        if isinstance(m, Sequential): todo = [*m, *todo]; continue
        if isinstance(m, FakeQuantize | Dropout): continue    # a pool's: the grid that it had
        found, to = coded(m, todo, grid, shape)
        for n in found:
            shape = tuple(out_shape(n, shape))
            if min(shape) < 1: raise ValueError(f'{m!r} has nothing left of its input')
            nodes.append(replace(n, grid=(to.scale, to.zero), shape=shape))
        grid = to
    return tuple(nodes), grid

def coded(m:Module, todo:list, grid:Grid, shape:tuple) -> tuple[list, Grid]:
    "The nodes for a layer, without shapes, and the grid of what they give; `todo` loses what belongs to it."
    if isinstance(m, FakeWeights | Residual):
        relu, to = behind(m, todo)
        return (weighted if isinstance(m, FakeWeights) else added)(m, grid, to, relu, shape), to
    found, kind = unweighted(m, shape), type(m)
    if kind in (Sigmoid, Tanh):
        relu, _ = behind(m, todo)      # the grid that was found: there is only one
        to = fixed_grid(found[0].op)
        return [*found, *([Node('RELU')] if relu else [])], to
    return found, PROBABILITIES if kind is Softmax else grid

def weighted(m:FakeWeights, grid:Grid, to:Grid, relu:bool, shape:tuple) -> list[Node]:
    "A layer with fake weights, and the pool that is in it."
    b = np.zeros(m.w.shape[-1], np.float32) if m.b is None else m.b.data
    w, b, scale = weight_codes(m.w.data, b, m.grid(), grid)
    kind, scales = kind_of(m), dict(scale=np.ravel(scale), b_scale=np.ravel(grid.scale*scale))
    ways = {k: m.fields[k] for k in ('stride', 'padding') if k in m.fields}
    ways['relu'] = relu or m.fields.get('relu', False)
    if kind is not ConvReluPool2d: return [product(m, kind, ways, w, b, shape, **scales)]
    k = m.fields['pool']
    conv = Node('CONV_2D', ways | dict(stride=(1, 1), relu=True), w, b, **scales)
    return [conv, Node('MAX_POOL_2D', dict(kernel=(k, k), stride=(k, k), padding='valid'))]

def added(m:Residual, grid:Grid, to:Grid, relu:bool, shape:tuple) -> list[Node]:
    "Both arms of a residual connection, and their sum."
    arms = [[] if arm is None else [arm] for arm in (m.body, m.shortcut)]
    return [Node('ADD', dict(relu=relu), arms=tuple(steps(arm, grid, shape)[0] for arm in arms))]

# --- whatever is to be written

def as_graph(net:Module|Graph, shape:tuple|None, int8:bool=False, x:np.ndarray|None=None) -> Graph:
    """A graph as it is; a network as one of fractions, or of codes if `int8` or if it is from `fake`.
    ValueError, which says what to give instead, if it cannot be told what the graph is."""
    if isinstance(net, Graph):
        if not int8 or net.grid is not None: return net
        net, shape = Sequential(*layers_of(net.nodes)).eval(), net.shape
    if any(isinstance(m, Quantize) for _, m in walk(net)): raise ValueError(
        'a network of codes has multipliers, and no scales: give what `fake` made of the network, or that of '
        'fractions and int8=True')
    if shape is None: raise ValueError('of what shape is one input? Give shape, such as (28, 28, 1)')
    return code_graph(net, shape, x) if int8 or any_fake(net) else graph_of(net, shape)
