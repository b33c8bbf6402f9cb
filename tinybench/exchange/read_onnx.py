"Reads an ONNX model as a graph: what we write, and what others write of networks like ours"
from dataclasses import replace
import numpy as np

from ..base.graph import Graph
from ..models.weights import tree
from .missing import NO_ONNX, Missing
from .onnx import Planes
from .onnx_steps import STORED, Steps
from .onnx_values import Value, refuse, stored_array

KNOWN = {k[3:]: k for c in Steps.__mro__ for k in vars(c) if k.startswith('on_')}
MOST = 10_000                # operators in a file


def attributes(node) -> dict:
    "The settings of a node."
    from onnx import helper
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}

def dims_of(value) -> tuple:
    "The shape of an input without its batch; ValueError unless each number of it is known."
    if not value.type.HasField('tensor_type'): raise ValueError(f'{value.name} is no tensor')
    if value.type.tensor_type.elem_type != 1: raise ValueError(f'its input {value.name} is not of float32')
    dims = [d.dim_value if d.HasField('dim_value') else 0 for d in value.type.tensor_type.shape.dim][1:]
    if len(dims) not in (1, 3) or not all(1 <= d <= 10**6 for d in dims): raise ValueError(
        f'its input has the sizes {dims} behind the batch: this reader knows rows and images of known sizes')
    return tuple(dims)

def channels_last(graph, name:str) -> bool:
    "Whether the input `name` has its channels last: the file then turns it before anything else."
    for node in graph.node:
        if name not in node.input: continue
        if node.op_type == 'Transpose': return list(attributes(node).get('perm', ())) == [0, 3, 1, 2]
        if node.op_type not in ('QuantizeLinear', 'DequantizeLinear', 'Identity'): return False
        name = node.output[0]
    return False

def first_value(graph, given) -> Value:
    "What is known of the input."
    shape = dims_of(given)
    first = len(shape) == 3 and not channels_last(graph, given.name)
    return Value(given.name, (*shape[1:], shape[0]) if first else shape, first)

def begun(model, how:Planes) -> tuple[Steps, Value]:
    "A reader that knows the arrays of the file and its input; ValueError unless it has one, and one output."
    g = model.graph
    arrays, readers = {t.name: stored_array(t) for t in g.initializer}, {}
    inputs = [v for v in g.input if v.name not in arrays]
    if len(inputs) != 1 or len(g.output) != 1: raise ValueError(
        f'it has {len(inputs)} inputs and {len(g.output)} outputs, and only a file with one each can be read')
    if not 1 <= len(g.node) <= MOST: raise ValueError(f'it has {len(g.node)} operators, not 1 to {MOST:,}')
    for node in g.node:
        for name in node.input: readers[name] = readers.get(name, 0) + 1
    first = first_value(g, inputs[0])
    return Steps(how, arrays, readers, {first.key: first}), first

def take(r:Steps, node):
    "Let `r` read one node of the file."
    if node.domain not in ('', 'ai.onnx'):
        refuse(f'{node.domain}.{node.op_type}', 'is no operator of ONNX itself')
    given = [r.arrays.get(name) for name in node.input]
    if node.op_type in STORED and given and all(isinstance(a, np.ndarray) for a in given):
        made = STORED[node.op_type](attributes(node), *given)
    elif node.op_type in KNOWN: made = getattr(r, KNOWN[node.op_type])(node, attributes(node), *node.input)
    else: raise ValueError(f'it has {node.op_type}, and this reader knows only {", ".join(sorted(KNOWN))}')
    if len(node.output) < 1 or any(node.output[1:]): refuse(node.op_type, f'gives {len(node.output)} tensors')
    if node.output[0] in r.values or node.output[0] in r.arrays: raise ValueError(
        f'{node.output[0]} is computed twice: it is damaged')
    (r.values if isinstance(made, Value) else r.arrays)[node.output[0]] = made

def graph_in(model, how:Planes) -> Graph:
    "The graph of a model."
    r, first = begun(model, how)
    for node in model.graph.node: take(r, node)
    end = r.value(model.graph.output[0].name, 'output')
    if end.order: raise ValueError('its output is an image flattened plane by plane: no layer here does that')
    for key, n in r.nodes.items():
        if n.w is not None and n.b is None: r.nodes[key] = replace(n, b=np.zeros(n.w.shape[-1], np.float32))
    bare = [n.op for n in r.nodes.values() if (n.grid is None) != (first.key not in r.grids)]
    if bare: raise ValueError(f'it computes partly in codes: {bare[0]} is not rounded, or the input is not')
    return Graph(tree(first.key, end.key, r.nodes, r.sources), first.shape, r.grids.get(first.key))

def onnx_graph(raw:bytes, how:Planes) -> Graph:
    """The graph in the bytes of an ONNX file; its input takes channels last, whatever the file does.
    ValueError, which says why, if there is none that this reader knows; Missing without `onnx`."""
    try: import onnx
    except ImportError: raise Missing(NO_ONNX) from None
    try: model = onnx.load_model_from_string(raw)
    except Exception as e:      # of protobuf, whose name for it is DecodeError
        raise ValueError(f'it is no ONNX file, or cut off ({type(e).__name__})') from None
    try: return graph_in(model, how)
    except (TypeError, IndexError, KeyError, OverflowError, AttributeError) as e:
        # a field of another type than its name says, too few inputs
        raise ValueError(f'it is damaged ({type(e).__name__}: {e})') from None
