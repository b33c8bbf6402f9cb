"Writes a graph as an ONNX model"
import numpy as np

from ..base.graph import Graph, Node

def same_pads(n:int, k:int, stride:int) -> tuple[int, int]:
    "What padding 'same' adds before and behind, as Keras does."
    more = max((-(-n//stride) - 1)*stride + k - n, 0)
    return more//2, more - more//2

class Writer:
    "Collects nodes and weights of one graph; images are stored plane by plane."
    def __init__(self, batch:int): self.nodes, self.weights, self.batch, self.n = [], [], batch, 0
    def add(self, op:str, ins:list, **ways) -> str:
        "A new node; the name of what it makes."
        from onnx import helper
        self.n += 1
        self.nodes.append(helper.make_node(op, ins, [name := f'v{self.n}'], **ways))
        return name
    def weight(self, a) -> str:
        from onnx import numpy_helper
        name = f'w{len(self.weights)}'
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(a, np.float32), name))
        return name
    def chain(self, nodes:tuple, at:str, shape:tuple) -> tuple[str, tuple]:
        for n in nodes: at, shape = self.node(n, at, shape)
        return at, shape
    def window(self, n:Node, shape:tuple) -> tuple[dict, tuple]:
        "How a window moves over planes of `shape`, and the size of what it makes."
        kernel = n.ways['kernel'] if n.w is None else n.w.shape[:2]
        stride, same = n.ways['stride'], n.ways['padding'] == 'same'
        pads = [same_pads(*a) if same else (0, 0) for a in zip(shape, kernel, stride)]
        size = tuple((m + sum(p) - k)//s + 1 for m, p, k, s in zip(shape, pads, kernel, stride))
        (top, bottom), (left, right) = pads
        return dict(kernel_shape=kernel, strides=stride, pads=[top, left, bottom, right]), size
    def node(self, n:Node, at:str, shape:tuple) -> tuple[str, tuple]:
        "One operator, and the ReLU behind it."
        if n.op == 'ADD':
            arms = [self.chain(arm, at, shape) for arm in n.arms]
            out, shape = self.add('Add', [arm for arm, _ in arms]), arms[0][1]
        elif n.op == 'FULLY_CONNECTED':
            out, shape = self.add('Gemm', [at, self.weight(n.w), self.weight(n.b)]), n.w.shape[1:]
        elif n.op == 'RESHAPE':
            flat = at if len(shape) == 1 else self.add('Transpose', [at], perm=[0, 2, 3, 1])
            out, shape = self.add('Flatten', [flat]), (int(np.prod(shape)),)
        elif n.op in ('RELU', 'SOFTMAX'): out = self.add(n.op.title(), [at])
        else: out, shape = self.windowed(n, at, shape)
        return self.add('Relu', [out]) if n.ways.get('relu') else out, shape
    def windowed(self, n:Node, at:str, shape:tuple) -> tuple[str, tuple]:
        "A convolution or a pool."
        ways, size = self.window(n, shape)
        if n.w is None:
            op = 'MaxPool' if n.op == 'MAX_POOL_2D' else 'AveragePool'
            return self.add(op, [at], **ways), (*size, shape[-1])
        if n.op == 'CONV_2D': w, groups = n.w.transpose(3, 2, 0, 1), 1
        else: w, groups = n.w.transpose(2, 0, 1)[:, None], n.w.shape[2]
        ins = [at, self.weight(w), self.weight(n.b)]
        return self.add('Conv', ins, group=groups, **ways), (*size, len(n.b))

def onnx_bytes(graph:Graph, batch:int=1) -> bytes:
    "The graph as an ONNX file for inputs of shape (batch, *graph.shape), channels last."
    from onnx import TensorProto, helper
    w, at = Writer(batch), 'x'
    if len(graph.shape) == 3: at = w.add('Transpose', ['x'], perm=[0, 3, 1, 2])
    at, shape = w.chain(graph.nodes, at, graph.shape)
    def value(name, shape): return helper.make_tensor_value_info(name, TensorProto.FLOAT, (batch, *shape))
    made = helper.make_graph(w.nodes, 'tinybench', [value('x', graph.shape)], [value(at, shape)], w.weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid('', 17)])
    model.ir_version = 9
    return model.SerializeToString()
