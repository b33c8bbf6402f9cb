"What is known of the tensors of an ONNX model while it is read: axes, order, and grids of codes"
from dataclasses import dataclass, replace
from math import prod
import numpy as np

from ..base.graph import Node
from .onnx import Planes


@dataclass(frozen=True)
class Value:
    "A computed tensor of the file."
    key: str             # the node that makes it, by the name of its output; or the input
    shape: tuple         # without the batch, as ours: (h, w, c) or (n,)
    first: bool = False  # an image whose channels come first in the file
    order: tuple|None = None    # (h, w, c) of an image that was flattened plane by plane
    codes: bool = False

@dataclass(frozen=True)
class Coded:
    "Stored codes behind a DequantizeLinear."
    q: np.ndarray
    scale: np.ndarray    # (1,), or (n,) along `axis`
    axis: int

def refuse(op:str, why:str): raise ValueError(f'its {op} {why}, which this reader does not know')

def stored_array(t, name:str='') -> np.ndarray:
    "An array of the file; ValueError if it lies in another file, or its bytes are not its shape's."
    from onnx import TensorProto, numpy_helper
    name = t.name or name
    if t.data_location == TensorProto.EXTERNAL: raise ValueError(
        f'{name} lies in another file: save the model with its weights inside')
    if min(t.dims, default=1) < 0 or prod(t.dims) > 2**31: raise ValueError(
        f'{name} claims a shape of {tuple(t.dims)}: it is damaged')
    return numpy_helper.to_array(t)

class Values:
    "The nodes of a graph that is being read, and what is known of the tensors between them."
    def __init__(self, how:Planes, arrays:dict, readers:dict, values:dict):
        self.how, self.arrays, self.readers, self.values = how, arrays, readers, values
        self.nodes, self.sources, self.grids = {}, {}, {}

    # what nodes read
    def value(self, name:str, op:str) -> Value:
        if name in self.values: return self.values[name]
        raise ValueError(f'its {op} reads {name or "nothing"}, which no node before it computes')
    def array(self, name:str, op:str, what:str):
        if name in self.arrays: return self.arrays[name]
        raise ValueError(f'its {op} has {what} that are computed, not stored')
    def floats(self, name:str, op:str, what:str) -> np.ndarray:
        a = self.array(name, op, what)
        if not isinstance(a, Coded) and a.dtype == np.float32: return a
        raise ValueError(f'its {op} has {what} of {"codes" if isinstance(a, Coded) else a.dtype}, '
                         'where this reader knows float32')
    def image(self, name:str, op:str) -> Value:
        v = self.value(name, op)
        if len(v.shape) != 3 or not v.first: refuse(op, f'reads {v.shape}, and not channels first')
        return v
    def alone(self, v:Value, name:str) -> Node|None:
        "The node that makes `v`, if it may take in what follows: nothing else reads it, nothing rounds it."
        n = self.nodes.get(v.key)
        return n if n and v.key not in self.grids and name == v.key and self.readers.get(name) == 1 else None

    # what they make
    def node(self, out:str, n:Node, shape:tuple, *given:Value, **how) -> Value:
        "A new node of the graph, and what it makes."
        if any(v.codes for v in given): refuse(n.op, 'reads codes without a DequantizeLinear between')
        if min(shape) < 1: raise ValueError(f'its {n.op} has nothing left of its input: it is damaged')
        shape = tuple(map(int, shape))
        self.nodes[out], self.sources[out] = replace(n, shape=shape), tuple(v.key for v in given)
        return Value(out, shape, **how)
    def likewise(self, out:str, op:str, v:Value) -> Value:
        "A node that leaves shape and order as they are."
        return self.node(out, Node(op), v.shape, v, first=v.first, order=v.order)
    def changed(self, v:Value, name:str, **parts) -> Value:
        "`v`, whose node is changed in `parts` and is called by another name."
        self.nodes[name] = replace(self.nodes.pop(v.key), **parts)
        self.sources[name] = self.sources.pop(v.key)
        return replace(v, key=name)
    def turned(self, v:Value) -> Value: return replace(v, first=not v.first)

    # codes
    def on_QuantizeLinear(self, node, ways, x, scale, zero=''):
        op, v = node.op_type, self.value(x, node.op_type)
        s = np.ravel(self.array(scale, op, 'scales'))
        z = np.ravel(self.array(zero, op, 'zeros') if zero else np.uint8(0))
        if s.size != 1 or z.size != 1 or z.dtype not in (np.int8, np.uint8):
            refuse(op, f'rounds activations to {z.dtype}, with {s.size} scales')
        if not 0 < s[0] < 1e20: raise ValueError(f'its {op} has a scale of {s[0]}: it is damaged')
        grid = np.float32(s[0]), int(z[0]) - 128*(z.dtype == np.uint8)
        if self.grids.setdefault(v.key, grid) != grid: refuse(op, f'moves codes of {v.key} to another grid')
        if v.key in self.nodes: self.nodes[v.key] = replace(self.nodes[v.key], grid=grid)
        return replace(v, codes=True)
    def on_DequantizeLinear(self, node, ways, x, scale, zero=''):
        op, s = node.op_type, np.ravel(self.array(scale, node.op_type, 'scales'))
        z = np.ravel(self.array(zero, op, 'zeros')) if zero else np.zeros(1, np.uint8)
        if x not in self.values: return self.coded(op, self.array(x, op, 'codes'), s, z, ways.get('axis', 1))
        v = self.values[x]
        grid = np.float32(s[0]), int(z[0]) - 128*(z.dtype == np.uint8)
        if not v.codes or s.size != 1 or grid != self.grids[v.key]:
            refuse(op, 'has another grid than its codes')
        return replace(v, codes=False)
    def coded(self, op:str, q, s:np.ndarray, z:np.ndarray, axis:int) -> Coded:
        "Stored codes and their scales."
        if isinstance(q, Coded) or q.dtype not in (np.int8, np.int32):
            refuse(op, 'stands behind no codes of int8')
        if z.any(): refuse(op, 'has weights whose zero is not 0')
        n = q.shape[axis] if -q.ndim <= axis < q.ndim else 1
        good = s.dtype == np.float32 and s.size in (1, n) and ((s > 0) & (s < 1e20)).all()
        if not good: raise ValueError(
            f'its {op} has {s.size} scales of {s.dtype} for codes {q.shape}: it is damaged')
        return Coded(q, s, axis % max(q.ndim, 1))
