"Writes a graph as a .tflite file: what `tinybench.models.weights` reads, and LiteRT runs"
import struct
from collections import deque

import numpy as np

from ..base.graph import Graph, Node
from ..nn.conv import pads_for
from .shapes import kernel_of, named, out_shape

# operator: (its number in the schema, its version for int8, its type of options, the slots of what they hold)
OPS = dict(
    ADD=(0, 2, 11, dict(relu=0)), AVERAGE_POOL_2D=(1, 2, 5, dict(window=0, kernel=3, relu=5)),
    CONV_2D=(3, 3, 1, dict(window=0, relu=3)),
    DEPTHWISE_CONV_2D=(4, 3, 2, dict(window=0, multiplier=3, relu=4)),
    FULLY_CONNECTED=(9, 4, 8, dict(relu=0)), LOGISTIC=(14, 2, 0, {}),
    MAX_POOL_2D=(17, 2, 5, dict(window=0, kernel=3, relu=5)),
    RELU=(19, 2, 0, {}), RESHAPE=(22, 1, 17, {}), SOFTMAX=(25, 2, 9, dict(beta=0)), TANH=(28, 2, 0, {}))
TYPES = {'float32': 0, 'int32': 2, 'int64': 4, 'int8': 9}


# --- a flatbuffer: what comes first has the offset of what comes later

def put_table(out:bytearray, fields:dict, todo:deque, vtables:dict) -> int:
    "Append the table of `fields`, a value for each slot, behind its vtable if that is new; where it begins."
    inline = {slot: v if isinstance(v, np.generic) else np.uint32(0) for slot, v in fields.items()}
    at, places = 4, {}
    for slot, v in sorted(inline.items(), key=lambda kv: -kv[1].nbytes):
        at = -(-at//v.nbytes)*v.nbytes
        places[slot], at = at, at + v.nbytes
    n = max(places, default=-1) + 1
    vtable = struct.pack(f'<{2 + n}H', 4 + 2*n, at, *(places.get(slot, 0) for slot in range(n)))
    if vtable not in vtables:
        out += bytes(-len(out) % 2)
        vtables[vtable] = len(out)
        out += vtable
    out += bytes(-len(out) % max(4, *(v.nbytes for v in inline.values()), 4))
    start = len(out)
    out += struct.pack('<i', start - vtables[vtable]) + bytes(at - 4)
    for slot, v in inline.items(): out[start + places[slot]:start + places[slot] + v.nbytes] = v.tobytes()
    todo += [(start + places[slot], v) for slot, v in fields.items() if not isinstance(v, np.generic)]
    return start

def put_vector(out:bytearray, v, todo:deque) -> int:
    "Append text, numbers, or the offsets of tables; the byte where its length stands."
    if isinstance(v, list): n, items, align = len(v), bytes(4*len(v)), 4
    elif isinstance(v, str): n, items, align = len(v.encode()), v.encode() + b'\0', 4
    else: n, items, align = v.size, v.tobytes(), 16 if v.dtype == np.uint8 else max(v.itemsize, 4)
    out += bytes(-(len(out) + 4) % align)
    start = len(out)
    out += struct.pack('<I', n) + items
    if isinstance(v, list): todo += [(start + 4 + 4*i, t) for i, t in enumerate(v)]
    out += bytes(-len(out) % 4)
    return start

def flatbuffer(root:dict, mark:bytes=b'TFL3') -> bytes:
    "A table as bytes: for each slot a number of numpy, a dict (a table), a list of dicts, text or an array."
    out, todo, vtables = bytearray(struct.pack('<I4s', 0, mark)), deque([(0, root)]), {}
    while todo:
        at, v = todo.popleft()
        place = put_table(out, v, todo, vtables) if isinstance(v, dict) else put_vector(out, v, todo)
        struct.pack_into('<I', out, at, place - at)
    return bytes(out)


# --- a model

def theirs(op:str, w:np.ndarray) -> np.ndarray:
    "Weights as TensorFlow Lite has them: the outputs first, those of a depthwise convolution last."
    if op == 'DEPTHWISE_CONV_2D': return w[None]
    return w.T if op == 'FULLY_CONNECTED' else w.transpose(3, 0, 1, 2)

def valid_padding(n:Node, shape:tuple) -> bool:
    "Whether a window has no frame; ValueError if it has another than TensorFlow Lite can say."
    if n.ways['padding'] in ('valid', 'same'): return n.ways['padding'] == 'valid'
    found = pads_for(n.ways['padding'], shape[:2], kernel_of(n), n.ways['stride'])
    for name in ('valid', 'same'):
        if found == pads_for(name, shape[:2], kernel_of(n), n.ways['stride']): return name == 'valid'
    raise ValueError(f'{named(n)} has frames of {found}: a .tflite file can say no padding and that of '
                     "padding='same'")

def options(n:Node, shape:tuple) -> dict:
    "The table of options of an operator that reads `shape`."
    slots, found = OPS[n.op][-1], {}
    if 'window' in slots:
        h, w = n.ways['stride']
        found |= {0: np.int8(valid_padding(n, shape)), 1: np.int32(w), 2: np.int32(h)}
    if 'kernel' in slots: found |= {3: np.int32(n.ways['kernel'][1]), 4: np.int32(n.ways['kernel'][0])}
    if 'multiplier' in slots: found[slots['multiplier']] = np.int32(1)
    if 'relu' in slots: found[slots['relu']] = np.int8(n.ways.get('relu', False))
    if 'beta' in slots: found[0] = np.float32(1)
    return found

class Writer:
    "Collects tensors, buffers and operators of one graph."
    def __init__(self): self.tensors, self.buffers, self.operators, self.codes = [], [{}], [], []
    def tensor(self, name, shape, dtype, data=None, scale=None, zero=0, axis=0) -> int:
        "A new tensor, and a buffer with its `data` if it has any; its number."
        fields = {0: np.array(shape, np.int32), 1: np.int8(TYPES[np.dtype(dtype).name]), 3: name}
        if data is not None:
            fields[2] = np.uint32(len(self.buffers))
            self.buffers.append({0: np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)})
        if scale is not None:
            scale = np.atleast_1d(np.asarray(scale, np.float32))
            fields[4] = {2: scale, 3: np.full(len(scale), zero, np.int64), 6: np.int32(axis)}
        self.tensors.append(fields)
        return len(self.tensors) - 1
    def activation(self, name, shape, grid) -> int:
        if grid is None: return self.tensor(name, (1, *shape), np.float32)
        return self.tensor(name, (1, *shape), np.int8, scale=grid[0], zero=grid[1])
    def operator(self, n:Node, inputs:list, output:int, shape:tuple):
        code, version, kind, _ = OPS[n.op]
        used = code, 1 if n.grid is None else version
        if used not in self.codes: self.codes.append(used)
        ends = {1: np.array(inputs, np.int32), 2: np.array([output], np.int32)}
        fields = {0: np.uint32(self.codes.index(used))} | ends
        self.operators.append(fields | ({3: np.uint8(kind), 4: options(n, shape)} if kind else {}))
    def chain(self, nodes:tuple, at:int, shape:tuple) -> tuple[int, tuple]:
        "Write `nodes`, which begin at the tensor `at`; the tensor of the output, and its shape."
        for n in nodes: at, shape = self.node(n, at, shape)
        return at, shape
    def node(self, n:Node, at:int, shape:tuple) -> tuple[int, tuple]:
        if n.op not in OPS: raise ValueError(f'{named(n)} has no operator in a .tflite file')
        name, new = f'{n.op.lower()}_{len(self.operators)}', out_shape(n, shape)
        if n.op == 'ADD': inputs = [self.chain(arm, at, shape)[0] for arm in reversed(n.arms)]
        else: inputs = [at]
        if n.op == 'RESHAPE':
            inputs.append(self.tensor(f'{name}/shape', (2,), np.int32, np.array([-1, *new], np.int32)))
        if n.w is not None:
            w, axis = theirs(n.op, n.w), 3 if n.op == 'DEPTHWISE_CONV_2D' else 0
            inputs.append(self.tensor(f'{name}/w', w.shape, w.dtype, w, n.scale, axis=axis))
            inputs.append(self.tensor(f'{name}/b', n.b.shape, n.b.dtype, n.b, n.b_scale))
        out = self.activation(name, new, n.grid)
        self.operator(n, inputs, out, shape)
        return out, new

def tflite(graph:Graph, description:str='written by tinybench') -> bytes:
    "The graph as a .tflite file, for a batch of 1."
    w = Writer()
    start = w.activation('input', graph.shape, graph.grid)
    end, _ = w.chain(graph.nodes, start, graph.shape)
    codes = [{0: np.int8(code), 2: np.int32(version), 3: np.int32(code)} for code, version in w.codes]
    ends = {1: np.array([start], np.int32), 2: np.array([end], np.int32)}
    return flatbuffer({0: np.uint32(3), 1: codes, 2: [{0: w.tensors, **ends, 3: w.operators, 4: 'main'}],
                       3: description, 4: w.buffers})
