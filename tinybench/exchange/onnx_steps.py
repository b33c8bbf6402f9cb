"What each operator of an ONNX model becomes in a graph: products, pools, and what works number by number"
from math import prod
import numpy as np

from ..base.graph import Node
from ..nn.conv import pads_for
from .onnx_values import Coded, Value, Values, refuse, stored_array

CURVES = dict(Relu='RELU', Sigmoid='LOGISTIC', Tanh='TANH')
POOLS = dict(MaxPool='MAX_POOL_2D', AveragePool='AVERAGE_POOL_2D')

# Of stored arrays: what exporters leave to be computed, such as the sizes that a Reshape reads
STORED = dict(
    Transpose=lambda ways, a: np.transpose(a, ways.get('perm')),
    Unsqueeze=lambda ways, a, axes=None: np.expand_dims(a, tuple(np.ravel(ways.get('axes', axes)))),
    Concat=lambda ways, *each: np.concatenate(each, ways['axis']),
    Gather=lambda ways, a, at: np.asarray(np.take(a, at, ways.get('axis', 0))))

class Products(Values):
    "Operators with weights."
    def weights(self, op:str, name:str, bias:str, axis:int) -> tuple:
        "(w, b, more) of a product, as the file has them."
        w, b = self.array(name, op, 'weights'), self.array(bias, op, 'biases') if bias else None
        if not isinstance(w, Coded):
            return self.floats(name, op, 'weights'), self.floats(bias, op, 'biases') if bias else None, {}
        if len(w.scale) > 1 and w.axis != axis: refuse(op, 'has scales along another axis than its outputs')
        n = w.q.shape[axis] if axis < w.q.ndim else 0
        if b is None: b = Coded(np.zeros(n, np.int32), np.ones(1, np.float32), 0)
        if not isinstance(b, Coded): refuse(op, 'has weights of codes and biases of fractions')
        return w.q, b.q, dict(scale=w.scale, b_scale=b.scale)
    def on_Conv(self, node, ways, x, w, b=''):
        v, (w, b, scales) = self.image(x, 'Conv'), self.weights('Conv', w, b, 0)
        c, groups = v.shape[-1], ways.get('group', 1)
        if w.ndim != 4 or set(ways.get('dilations', [1])) != {1}:
            refuse('Conv', f'has weights {w.shape}, or is dilated')
        deep = groups == c > 1 and w.shape[:2] == (c, 1)
        if not deep and (groups != 1 or w.shape[1] != c): refuse(
            'Conv', f'has {groups} groups and weights {w.shape} for {c} channels, neither all nor each')
        if b is not None and b.shape != w.shape[:1]: raise ValueError(
            f'its Conv has {b.shape} biases for weights {w.shape}: it is damaged')
        how = self.window('Conv', ways | dict(kernel_shape=w.shape[2:]), v)
        size, kept = self.size(how, v), {k: how[k] for k in ('stride', 'padding')}
        op = 'DEPTHWISE_CONV_2D' if deep else 'CONV_2D'
        n = Node(op, kept | dict(relu=False), self.how.ours(op, w), b, **scales)
        return self.node(node.output[0], n, (*size, w.shape[0]), v, first=True)
    def window(self, op:str, ways:dict, v:Value) -> dict:
        "Kernel, stride and padding of a window over `v`."
        kernel, stride = tuple(ways.get('kernel_shape', ())), tuple(ways.get('strides', (1, 1)))
        pads, auto = list(ways.get('pads', (0,)*4)), ways.get('auto_pad', b'NOTSET').decode()
        fits = len(kernel) == len(stride) == 2 and len(pads) == 4
        fits = fits and all(1 <= n <= 1024 for n in kernel + stride) and 0 <= min(pads) <= max(pads) <= 1024
        if not fits: refuse(op, f'has windows of {kernel}, strides {stride} and pads {pads}')
        if auto == 'SAME_LOWER': refuse(op, 'puts the odd row of its frame in front')
        padding = dict(SAME_UPPER='same', VALID='valid').get(auto)
        padding = padding or self.how.padding(pads, v.shape[:2], kernel, stride)
        return dict(kernel=kernel, stride=stride, padding=padding)
    def size(self, how:dict, v:Value) -> tuple:
        "Height and width of what a window makes of `v`."
        pads = pads_for(how['padding'], v.shape[:2], how['kernel'], how['stride'])
        axes = zip(v.shape, pads, how['kernel'], how['stride'])
        return tuple((n + sum(p) - k)//s + 1 for n, p, k, s in axes)
    def on_Gemm(self, node, ways, x, w, b=''):
        if ways.get('alpha', 1) != 1 or ways.get('beta', 1) != 1 or ways.get('transA', 0):
            refuse('Gemm', 'is scaled or turned')
        turned = ways.get('transB', 0)
        w, b, scales = self.weights('Gemm', w, b, 0 if turned else 1)
        return self.product(node, x, w.T if turned else w, b, scales)
    def on_MatMul(self, node, ways, x, w):
        w, b, scales = self.weights('MatMul', w, '', 1)
        return self.product(node, x, w, b if scales else None, scales)
    def product(self, node, x:str, w:np.ndarray, b, scales:dict) -> Value:
        "A dense layer, with its rows in our order."
        v, b = self.value(x, node.op_type), None if b is None else b.reshape(-1)
        fits = w.ndim == 2 and v.shape == w.shape[:1] and (b is None or b.shape == w.shape[1:])
        if not fits: raise ValueError(
            f'its {node.op_type} reads {v.shape}, and has weights {w.shape} and biases '
            f'{None if b is None else b.shape}, which do not fit')
        if v.order: w = self.how.rows(w, v.order)
        n = Node('FULLY_CONNECTED', dict(relu=False), w, b, **scales)
        return self.node(node.output[0], n, w.shape[1:], v)
    def on_BatchNormalization(self, node, ways, x, gamma, beta, mean, var):
        op, v = node.op_type, self.value(x, node.op_type)
        if len(v.shape) == 3 and not v.first: refuse(op, 'reads channels last')
        if ways.get('training_mode', 0): refuse(op, 'is in training')
        names = dict(gamma=gamma, beta=beta, mean=mean, var=var)
        found = {k: self.floats(name, op, k) for k, name in names.items()}
        if {a.shape for a in found.values()} != {v.shape[-1:]}: raise ValueError(
            f'its {op} has {[a.shape for a in found.values()]} for {v.shape}, which does not fit')
        if v.order: found = {k: self.how.rows(a[:, None], v.order)[:, 0] for k, a in found.items()}
        how = dict(momentum=float(ways.get('momentum', .9)), eps=float(ways.get('epsilon', 1e-5)))
        # its numbers are in our order; those of `v` still are not, until a dense layer reads them
        n = Node('BATCH_NORM', found | how)
        return self.node(node.output[0], n, v.shape, v, first=v.first, order=v.order)
    def on_Add(self, node, ways, a, b):
        if a in self.arrays: a, b = b, a
        v = self.value(a, 'Add')
        if b not in self.arrays: return self.added(node, v, self.value(b, 'Add'))
        n, more = self.alone(v, a), self.floats(b, 'Add', 'biases')
        bare = n is not None and n.op == 'FULLY_CONNECTED' and n.b is None and not n.ways.get('relu')
        if not bare or more.size != v.shape[0]: refuse(
            'Add', f'adds {more.shape} stored numbers, which are no biases of a MatMul before it')
        return self.changed(v, node.output[0], b=more.reshape(-1))
    def added(self, node, v:Value, u:Value) -> Value:
        "Two arms."
        if (v.shape, v.first, v.order) != (u.shape, u.first, u.order):
            refuse('Add', f'adds {v.shape} and {u.shape}')
        n = Node('ADD', dict(relu=False))
        return self.node(node.output[0], n, v.shape, v, u, first=v.first, order=v.order)

class Steps(Products):
    "All operators that are known, each a method on_NAME(node, settings, *inputs)."
    def on_MaxPool(self, node, ways, x):
        op, v = node.op_type, self.image(x, node.op_type)
        how = self.window(op, ways, v)
        if set(ways.get('dilations', [1])) != {1} or ways.get('storage_order', 0): refuse(op, 'is dilated')
        rest = any((n - k) % s for n, k, s in zip(v.shape, how['kernel'], how['stride']))
        if ways.get('ceil_mode', 0) and (how['padding'] != 'valid' or rest): refuse(op, 'rounds its size up')
        if op == 'AveragePool' and ways.get('count_include_pad', 0) and how['padding'] != 'valid':
            refuse(op, 'counts the frame as numbers')
        shape = *self.size(how, v), v.shape[-1]
        return self.node(node.output[0], Node(POOLS[op], how), shape, v, first=True)
    on_AveragePool = on_MaxPool
    def on_GlobalAveragePool(self, node, ways, x):
        v = self.image(x, node.op_type)
        how = dict(kernel=v.shape[:2], stride=(1, 1), padding='valid')
        return self.node(node.output[0], Node('AVERAGE_POOL_2D', how), (1, 1, v.shape[-1]), v, first=True)
    def on_ReduceMean(self, node, ways, x, axes=''):
        found = ways.get('axes') if not axes else self.array(axes, 'ReduceMean', 'axes').ravel().tolist()
        if sorted(a % 4 for a in found or ()) != [2, 3]: refuse('ReduceMean', f'goes along {found}')
        v = self.on_GlobalAveragePool(node, {}, x)
        if ways.get('keepdims', 1): return v
        mean = self.changed(v, f'{v.key}/mean')
        return self.node(v.key, Node('RESHAPE'), v.shape[-1:], mean)
    def on_Relu(self, node, ways, x):
        v = self.value(x, node.op_type)
        n = self.alone(v, x)
        if node.op_type == 'Relu' and n is not None and n.ways.get('relu') is False:
            return self.changed(v, node.output[0], ways=n.ways | dict(relu=True))
        return self.likewise(node.output[0], CURVES[node.op_type], v)
    on_Sigmoid = on_Tanh = on_Relu
    def on_Softmax(self, node, ways, x):
        v = self.value(x, 'Softmax')
        axis, n = ways.get('axis', -1), len(v.shape) + 1
        if axis % n != (1 if v.first else n - 1) or v.order:
            refuse('Softmax', f'goes along axis {axis} of {v.shape}')
        return self.likewise(node.output[0], 'SOFTMAX', v)
    def on_Transpose(self, node, ways, x):
        v, perm = self.value(x, 'Transpose'), tuple(ways.get('perm', ()))
        if perm == tuple(range(len(v.shape) + 1)): return v
        if len(v.shape) != 3 or perm != ((0, 2, 3, 1) if v.first else (0, 3, 1, 2)):
            refuse('Transpose', f'turns {v.shape} by {perm}')
        return self.turned(v)
    def on_Flatten(self, node, ways, x, *_):
        v = self.value(x, node.op_type)
        if ways.get('axis', 1) != 1: refuse(node.op_type, f'begins at axis {ways["axis"]}')
        if len(v.shape) == 1: return v if v.order else self.node(node.output[0], Node('RESHAPE'), v.shape, v)
        order = v.shape if v.first and v.shape[-1] > 1 and v.shape[:2] != (1, 1) else None
        return self.node(node.output[0], Node('RESHAPE'), (prod(v.shape),), v, order=order)
    def on_Shape(self, node, ways, x):
        v = self.value(x, 'Shape')
        return np.array([-1, *(v.shape[-1:] + v.shape[:-1] if v.first else v.shape)])     # -1: the batch
    def on_Reshape(self, node, ways, x, shape):
        v, to = self.value(x, 'Reshape'), self.array(shape, 'Reshape', 'sizes').ravel().tolist()
        if len(to) != 2 or to[1] not in (-1, prod(v.shape)):
            refuse('Reshape', f'makes {to} of {v.shape}')
        return self.on_Flatten(node, {}, x)
    def on_Squeeze(self, node, ways, x, axes=''):
        v = self.image(x, 'Squeeze')
        found = ways.get('axes') if not axes else self.array(axes, 'Squeeze', 'axes').ravel().tolist()
        if v.shape[:2] != (1, 1) or sorted(a % 4 for a in found or ()) != [2, 3]:
            refuse('Squeeze', f'takes the axes {found} off {v.shape}')
        return self.on_Flatten(node, {}, x)
    def on_Identity(self, node, ways, x, *_):
        return self.arrays[x] if x in self.arrays else self.value(x, node.op_type)
    on_Dropout = on_Identity
    def on_Constant(self, node, ways):
        if 'value' not in ways: refuse('Constant', 'holds no tensor')
        return stored_array(ways['value'], 'a Constant')
