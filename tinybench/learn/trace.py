"What runs in a training step: operations of values, weights and arrays"
import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import NamedTuple
import numpy as np

from ..core import ops
from ..core.ops import Op
from ..core.tensor import Listener, Tensor, watching
from ..nn import channels, conv, dense, loss as losses, norm, pool
from ..nn.dense import Dropout
from ..nn.module import Module, walk
from ..nn.norm import BatchNorm
from ..nn.optim import Optimizer
from .learner import RULES
from .tape import Weight


class Node(NamedTuple):
    "One operation on values, which are numbered in the order in which they were made; the input is 0."
    op: object      # of which the name is read
    ins: tuple      # the numbers of values, `Weight`s, and arrays that are the same in every step
    shape: tuple    # of what it makes
    options: dict
    path: str       # of the layer that ran it

def ops_of(module) -> list[Op]:
    "The operations of a module, with those that its layers hold."
    found = vars(module).values()
    return [op for v in found for op in (v, vars(v).get('op') if isinstance(v, type) else None)
            if isinstance(op, Op)]

# a layer may bring an operation of its own under a name that is taken; so may a loss
OTHERS = losses.weighted_cross_entropy_op, losses.weighted_bce_op
KNOWN = {op.fwd for m in (ops, channels, conv, dense, losses, norm, pool) for op in ops_of(m)
         if op.name in (*RULES, 'conv_relu_pool') and op not in OTHERS}

class Heard(Listener):
    "Hears the operations of a training step, and which layer each of them is of."
    def __init__(self): self.open, self.all = [None], []
    def call(self, m, *xs, **named):
        self.open.append(m)
        try: return m.forward(*xs, **named)
        finally: self.open.pop()
    def ran(self, t, op, xs, options): self.all.append((t, op, xs, options, self.open[-1]))

def weights_of(net:Module, twin:Module, opt:Optimizer) -> dict:
    """By the id of each parameter of the copy: where it lies, and whether it learns; ValueError for one that
    `opt` does not have."""
    spans, found = {id(p): s for p, s in zip(opt.params, opt.spans)}, {}
    for (name, p), t in zip(net.named_parameters(), twin.parameters()):
        if id(p) not in spans:
            raise ValueError(f'{name} is no parameter of {opt!r}: a step in C moves all of them')
        found[id(t)] = Weight(spans[id(p)].start, p.shape, p.requires_grad)
    return found

def check_ran(out:Tensor, op:Op, parents:tuple, ins:tuple, wanted:set):
    "ValueError unless the C does the same as what ran; `wanted`: the values that have a gradient."
    if op.fwd not in KNOWN: raise ValueError(f'no C for training is known for the operation {op.name!r}')
    values = [(i, p) for i, p in zip(ins, parents) if type(i) is int]
    if not values: raise ValueError(f'no C for training is known for {op.name!r} of parameters alone')
    ends = any(p.requires_grad for p in parents) and not out.requires_grad
    if ends or any(i in wanted and not p.requires_grad for i, p in values): raise ValueError(
        f'a gradient ends before {op.name!r}: no C is known for `detach` and `no_grad`')

def options_of(op:Op, options:dict, layer, twins:dict) -> dict:
    "The options of what ran; for BatchNorm and Dropout with the layer that `twins` has for that of the copy."
    if op.name not in ('batchnorm', 'drop'): return options
    if not isinstance(layer, (BatchNorm, Dropout)): raise ValueError(
        f'{op.name!r} within a {type(layer).__name__}: no C is known for it but in its own layer')
    more = dict(momentum=layer.momentum) if isinstance(layer, BatchNorm) else {}
    return options | more | dict(layer=twins[id(layer)])

def in_parts(op:Op, ins:tuple, nodes:list, shape:tuple, options:dict, path:str) -> list[Node]:
    "The nodes of what ran: a convolution with a pool in it is two, and the ReLU is done to what was pooled."
    if op.name != 'conv_relu_pool': return [Node(op, ins, shape, options, path)]
    k, pads, (n, h, w, _) = options['pool'], options['pads'], nodes[ins[0]].shape
    rows, columns = ((a + sum(p) - f + 1)//k*k for a, p, f in zip((h, w), pads, ins[1].shape))
    how = dict(kernel=(k, k), stride=(k, k), pads=((0, 0), (0, 0)), relu=True)
    size, plain = (n, rows, columns, shape[-1]), dict(stride=(1, 1), pads=pads)
    first = Node(SimpleNamespace(name='conv2d'), ins, size, plain, path)
    return [first, Node(SimpleNamespace(name='max_pool2d'), (len(nodes),), shape, how, path)]

def one_step(net:Module, loss:Callable, opt:Optimizer, x, y) -> list[Node]:
    """The operations of a training step, which a copy of `net` makes; the last is the loss. ValueError, with
    the layer's path, for what no C is known for."""
    twin, rec, start = copy.deepcopy(net), Heard(), Tensor(np.array(x))    # not the targets, if they are `x`
    twins = {id(t): m for (_, t), (_, m) in zip(walk(twin), walk(net))}
    paths, numbers = {id(t): path for path, t in walk(twin)}, weights_of(net, twin, opt)
    with watching(rec): loss(twin(start), y)
    nodes, wanted = [Node(None, (), x.shape, {}, '')], set()
    numbers |= {id(start): 0, id(start.data): 0}
    for out, op, parents, options, layer in rec.all:
        ins = tuple(numbers.get(id(p), numbers.get(id(p.data), p.data)) for p in parents)
        if not any(isinstance(i, (int, Weight)) for i in ins): continue     # it is the same at each step
        path = paths.get(id(layer), '')
        try:
            check_ran(out, op, parents, ins, wanted)
            options = options_of(op, options, layer, twins)
        except ValueError as e: raise ValueError(f'{path or "the network or its loss"}: {e}') from None
        nodes += in_parts(op, ins, nodes, out.shape, options, path)
        if out.requires_grad: wanted.add(len(nodes) - 1)
        numbers[id(out)] = len(nodes) - 1
        numbers.setdefault(id(out.data), len(nodes) - 1)
    return nodes
