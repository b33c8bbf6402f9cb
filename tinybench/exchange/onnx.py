"Writes a graph as an ONNX model; a lesson says how weights and frames lie in it"
from collections.abc import Callable
from dataclasses import dataclass
import numpy as np

from ..base.graph import Graph, Node
from .missing import NO_ONNX, Missing
from .shapes import kernel_of, named, out_shape

OPSET, IR = 17, 9
SIMPLE = dict(RELU='Relu', LOGISTIC='Sigmoid', TANH='Tanh')

@dataclass(frozen=True)
class Planes:
    "How ONNX stores what we store channels last: what `tinybench.backends.export` writes."
    pads: Callable       # (padding, size, kernel, stride) -> [top, left, bottom, right]
    padding: Callable    # (pads, size, kernel, stride) -> 'valid', 'same', or (vertical, horizontal)
    weights: Callable    # (op, w of `nn`) -> w of ONNX
    ours: Callable       # (op, w of ONNX) -> w of `nn`
    rows: Callable       # (w, (h, w, c)): rows of a dense layer that reads plane by plane -> pixel by pixel

class Writer:
    "Collects nodes and weights of one graph; images are stored plane by plane."
    def __init__(self, how:Planes): self.nodes, self.weights, self.how, self.n = [], [], how, 0
    def add(self, op:str, ins:list, **ways) -> str:
        "A new node; the name of what it makes."
        from onnx import helper
        self.n += 1
        self.nodes.append(helper.make_node(op, ins, [name := f'v{self.n}'], **ways))
        return name
    def array(self, a) -> str:
        from onnx import numpy_helper
        name = f'w{len(self.weights)}'
        self.weights.append(numpy_helper.from_array(np.array(a, order='C'), name))
        return name
    def coded(self, at:str, grid:tuple|None) -> str:
        """Fractions rounded to a grid; as they are if there is none. The file has bytes, code + 128: on x86
        ONNX Runtime makes such of int8, but not where two operators read them, and computes in float32."""
        if grid is None: return at
        ends = self.array(np.float32(grid[0])), self.array(np.uint8(grid[1] + 128))
        return self.add('DequantizeLinear', [self.add('QuantizeLinear', [at, *ends]), *ends])
    def weight(self, a:np.ndarray, scale=None, axis:int=0) -> str:
        "Weights as they are, or codes behind a DequantizeLinear with one scale, or one for each of `axis`."
        if scale is None: return self.array(np.asarray(a, np.float32))
        each = len(scale) > 1
        s = self.array(np.asarray(scale if each else scale[0], np.float32))
        zero = self.array(np.zeros(np.shape(scale) if each else (), a.dtype))
        return self.add('DequantizeLinear', [self.array(a), s, zero], **(dict(axis=axis) if each else {}))
    def chain(self, nodes:tuple, at:str, shape:tuple) -> tuple[str, tuple]:
        for n in nodes: at, shape = self.node(n, at, shape)
        return at, shape
    def node(self, n:Node, at:str, shape:tuple) -> tuple[str, tuple]:
        "One operator, the ReLU behind it, and the rounding of what they give."
        if n.op == 'ADD': out = self.add('Add', [self.chain(arm, at, shape)[0] for arm in n.arms])
        elif n.op in SIMPLE: out = self.add(SIMPLE[n.op], [at])
        elif n.op == 'SOFTMAX': out = self.add('Softmax', [at], axis=1 if len(shape) == 3 else -1)
        elif n.op == 'RESHAPE':
            row = len(shape) == 1 or shape[:2] == (1, 1)
            out = self.add('Flatten', [at if row else self.add('Transpose', [at], perm=[0, 2, 3, 1])])
        else: out = self.windowed(n, at, shape)
        if n.ways.get('relu'): out = self.add('Relu', [out])
        return self.coded(out, n.grid), tuple(out_shape(n, shape))
    def windowed(self, n:Node, at:str, shape:tuple) -> str:
        "A product or a pool."
        if n.op == 'FULLY_CONNECTED': return self.add('Gemm', [at, *self.arrays(n, 1)])
        kernel, stride = kernel_of(n), tuple(n.ways['stride'])
        pads = self.how.pads(n.ways['padding'], shape[:2], kernel, stride)
        ways = dict(kernel_shape=kernel, strides=stride, pads=[int(p) for p in pads])
        if n.w is not None:
            groups = shape[-1] if n.op == 'DEPTHWISE_CONV_2D' else 1
            return self.add('Conv', [at, *self.arrays(n, 0)], group=groups, **ways)
        ops = dict(MAX_POOL_2D='MaxPool', AVERAGE_POOL_2D='AveragePool')
        if n.op not in ops: raise ValueError(f'{named(n)} has no operator in an ONNX file')
        return self.add(ops[n.op], [at], **ways)
    def arrays(self, n:Node, axis:int) -> list[str]:
        "Weights and bias of an operator."
        w = self.how.weights(n.op, n.w)
        return [self.weight(w, n.scale, axis), self.weight(n.b, n.b_scale)]

def onnx_bytes(graph:Graph, how:Planes, batch:int|None=None) -> bytes:
    """The graph as an ONNX file for float32 inputs (batch, *graph.shape), channels last; None: for any batch.
    Codes stand between QuantizeLinear and DequantizeLinear. Missing without `onnx`."""
    try: from onnx import TensorProto, helper
    except ImportError: raise Missing(NO_ONNX) from None
    w, at = Writer(how), 'x'
    if len(graph.shape) == 3: at = w.add('Transpose', ['x'], perm=[0, 3, 1, 2])
    at, shape = w.chain(graph.nodes, w.coded(at, graph.grid), graph.shape)
    if len(shape) == 3: at = w.add('Transpose', [at], perm=[0, 2, 3, 1])
    def value(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, (batch or 'batch', *map(int, shape)))
    made = helper.make_graph(w.nodes, 'tinybench', [value('x', graph.shape)], [value(at, shape)], w.weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid('', OPSET)])
    model.ir_version = IR
    return model.SerializeToString()
