"A network as a file describes it: operators in order, with the arrays that they need"
from dataclasses import dataclass, field

from .text import Shown, Table


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """One operator, by its name in TensorFlow Lite (or BATCH_NORM, DROPOUT). Its weights are as in `nn`:
    (kh, kw, c_in, c_out) of a convolution, (kh, kw, c) of a depthwise one, (n_in, n_out) of a dense layer."""
    op:str
    ways:dict = field(default_factory=dict)    # kernel, stride, padding, relu; of BATCH_NORM its arrays
    w:object = None          # float32; or int8 codes, whose zero is 0
    b:object = None          # (c_out,), float32; or int32 codes
    scale:object = None      # of int8 weights: float32, one, or one for each channel (the last axis)
    b_scale:object = None    # of int32 biases, likewise
    grid:tuple|None = None   # (scale, zero) of int8 outputs, which stand for scale*(code - zero)
    shape:tuple|None = None  # of the output, without the batch, if the file says it
    arms:tuple = ()          # of ADD: two tuples of nodes, body and shortcut; empty: the input itself

    def n_weights(self) -> int: return sum(a.size for a in (self.w, self.b) if a is not None)
    def says(self) -> str:
        "How it works, in words."
        size = self.w.shape[:2] if self.w is not None and self.w.ndim > 2 else self.ways.get('kernel', ())
        stride, padding = tuple(self.ways.get('stride', (1, 1))), self.ways.get('padding', '')
        if not isinstance(padding, str): padding = f'padding {padding}'
        parts = ['x'.join(map(str, size)), f'stride {"x".join(map(str, stride))}' if stride != (1, 1) else '',
                 padding, 'relu' if self.ways.get('relu') else '']
        return ', '.join(p for p in parts if p)

def walk_nodes(nodes:tuple, depth:int=0):
    "(depth, node) of each node, the arms of an addition before it and one deeper."
    for n in nodes:
        for arm in n.arms: yield from walk_nodes(arm, depth + 1)
        yield depth, n

def _row(name:str, says:str, shape, grid, size:int) -> tuple:
    scale, zero = ('', '') if grid is None else (f'{grid[0]:.3g}', str(grid[1]))
    return name, says, '' if shape is None else str(tuple(shape)), scale, zero, f'{size:,}' if size else ''

@dataclass(frozen=True, eq=False, repr=False)
class Graph(Shown):
    "What a file says about a network; `shape` and `grid` are those of its input."
    nodes:tuple
    shape:tuple|None = None
    grid:tuple|None = None

    def n_weights(self) -> int: return sum(n.n_weights() for _, n in walk_nodes(self.nodes))
    def table(self) -> Table:
        "A row for each operator; the arms of an addition stand before it, indented."
        rows = [_row('input', '', self.shape, self.grid, 0)]
        rows += [_row('· '*depth + n.op, n.says(), n.shape, n.grid, n.n_weights())
                 for depth, n in walk_nodes(self.nodes)]
        rows.append(_row('total', '', None, None, self.n_weights()))
        return Table(('operator', '', 'output', 'scale', 'zero', 'weights'), tuple(rows), left=3)
