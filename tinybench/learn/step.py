"A training step in C, for `fit`: made for the first batch, checked against the usual step, then run"
import copy
from collections.abc import Callable
from math import prod
from typing import NamedTuple
import numpy as np

from ..core.tensor import Tensor
from ..emit.network import aligned
from ..nn.dense import keep_mask
from ..nn.loss import check_labels
from ..nn.module import Module, walk
from ..nn.optim import SGD, Adam, AdamW, Optimizer, RMSprop, adopt
from ..nn.train import Run, check_finite, train_step
from ..toolchain.cpu import Target
from ..toolchain.load import load
from ..toolchain.store import NoLibrary
from .learner import Ideas, Learner
from .runner import StepRunner
from .text import LOSSES
from .trace import Node, one_step
from .update import METHODS, update_code, update_numbers


def check_step(net:Module, loss:Callable, opt:Optimizer, batch:int, threads:int, target:Target):
    "ValueError or TypeError unless a step in C can be made of these."
    for what, a, kind in (('net', net, Module), ('opt', opt, Optimizer), ('target', target, Target)):
        if not isinstance(a, kind): raise TypeError(f'{what} is a {type(a).__name__}, not a {kind.__name__}')
    if not callable(loss): raise TypeError(f'loss is a {type(loss).__name__}, not a function')
    # a class of somebody's own may move otherwise, whatever its name is
    if type(opt) not in (SGD, RMSprop, Adam, AdamW): raise ValueError(
        f'no C is known for {type(opt).__module__}.{type(opt).__name__}, but for {", ".join(METHODS)}')
    if opt.w.dtype != np.float32:
        raise ValueError(f'a step in C is for float32, these parameters are {opt.w.dtype}')
    for what, n in dict(batch=batch, threads=threads).items():
        if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
            raise ValueError(f'{what}={n!r}: write a whole number from 1 on')

class Targets:
    "Turns labels, or targets, into what the loss, the last node, takes; ValueError or TypeError for others."
    def __init__(self, nodes:list[Node], y):
        node = nodes[-1]
        self.name, out = node.op.name, node.ins[0]
        if self.name not in LOSSES: raise ValueError(
            f'something is done to the loss, {self.name!r}: a step in C ends in {", ".join(LOSSES)} alone')
        if type(out) is not int:
            raise ValueError(f'{self.name}: what the network gives comes first, then the targets')
        self.shape = nodes[out].shape
        given = node.options['labels'] if self.name == 'cross_entropy' else node.ins[1]
        if type(given) is int or not np.array_equal(given, np.asarray(y).astype(given.dtype)):
            raise ValueError(f'{self.name}: what it compares with is not what comes with a batch')
    def __call__(self, y) -> np.ndarray:
        if self.name == 'cross_entropy':
            logits = np.broadcast_to(np.float32(0), self.shape)
            return np.ascontiguousarray(check_labels(self.name, logits, y), np.int64)
        y = np.ascontiguousarray(y.data if isinstance(y, Tensor) else y, np.float32)
        if y.shape != self.shape: raise ValueError(
            f'{self.name} expected two arrays of one shape, got {self.shape} and {y.shape}')
        if self.name == 'bce' and not (y.min() >= 0 and y.max() <= 1):      # a NaN fails too
            raise ValueError('bce expected targets in [0, 1]')
        return y

class Ways(NamedTuple):
    "What the lessons contribute: ideas of the C, its head, and which ReLU is done with what is before it."
    ideas: Ideas
    head: Callable
    with_relu: Callable

class StepPlan:
    """A training step as C, for `fit(..., step=plan)`. It is made for the first batch that has `batch` rows;
    a batch of another size or type takes the usual step. Numbers in layers stay as they were then."""
    def __init__(self, net:Module, loss:Callable, opt:Optimizer, batch:int, threads:int, target:Target,
                 say:Callable, ways:Ways):
        check_step(net, loss, opt, batch, threads, target)
        self.net, self.loss, self.opt, self.batch, self.target, self.say = net, loss, opt, batch, target, say
        self.ways, self.threads = ways, threads if batch % threads == 0 else 1
        self.why, self.told, self.runner, self.shape, self.code = '', False, None, None, None
    def build(self, x:np.ndarray, y):
        "Write and compile the C for batches like this one."
        self.take_in()
        opt, nodes = self.opt, self.ways.with_relu(one_step(self.net, self.loss, self.opt, x, y))
        self.targets = Targets(nodes, y)
        c = Learner(nodes, self.batch, self.threads, self.target, self.ways.ideas)
        self.code = c.code(self.ways.head(self.target), opt.w.size) + update_code(type(opt).__name__)
        arena, at = aligned(c.size), c.offsets
        for i, a in c.constants: arena[at[i]:at[i] + a.size] = a
        lib = load(self.code, also=['-lm'], say=self.say)
        self.runner = StepRunner(lib, arena, opt.w, opt.g, self.threads)
        self.total, self.norms, self.drops = at[c.losses], c.moving, [layer for layer, _ in c.masks]
        self.masks = [arena[at[m.store]:][:self.batch*prod(m.shape)].reshape(self.batch, *m.shape[1:])
                      for _, m in c.masks]
        self.got, self.layers = [s.start in c.written for s in opt.spans], [m for _, m in walk(self.net)]
        self.state = self.modes()
        opt.g[:] = 0            # what no C writes is no gradient
        if check_against(self, x, y): self.shape = x.shape
    def take_in(self):
        "Have parameters that were replaced in the optimizer's vector, which the C reads."
        for p in self.opt.params: p.grad = p.buffer
        adopt(self.opt)
        self.opt.zero_grad()
    def source(self) -> str: return self.code
    def modes(self) -> list:
        "Which layers train, and which parameters: the C is for these."
        numbers = [(m.momentum, m.eps) for m in self.norms]
        return [m.training for m in self.layers] + [p.requires_grad for p in self.opt.params] + numbers
    def __reduce__(self): raise TypeError(
        'a StepPlan is of one network and its optimizer, and is not copied: call plan_step for copies')
    def moving(self) -> list: return [a for m in self.norms for a in (m.mean, m.var)]
    def gradients(self, x, y) -> float:
        "The loss; the gradients of all parameters are in `opt.g`."
        for layer, mask in zip(self.drops, self.masks): mask[...] = keep_mask(layer.rng, mask.shape, layer.p)
        self.runner.averages(self.moving())
        self.runner.gradients(np.ascontiguousarray(x, np.float32), self.targets(y))
        return float(self.runner.arena[self.total])
    def move(self):
        "One step of the optimizer, by the gradients in `opt.g`."
        opt, shorter = self.opt, 1.
        if len(opt.groups) > 1 or any(opt.missed) or not all(self.got):     # not all move alike
            for p, got in zip(opt.params, self.got): p.grad = p.buffer if got else None
            return opt.step()
        if opt.max_norm and (norm := self.runner.length()) > opt.max_norm: shorter = opt.max_norm/norm
        opt.t += 1
        self.runner.update(*(getattr(opt, s, None) for s in 'mv'), update_numbers(opt, shorter))
    def ready(self, x, y) -> bool:
        "Whether there is C for this batch, which is made now if it has not been."
        fits = len(x) == self.batch and getattr(x, 'dtype', None) == np.float32
        if len(x) != self.batch and not self.code and not self.told:
            self.told = True
            self.say(f'a batch of {len(x)}, and the step in C is for {self.batch}: the usual step trains')
        if not fits or self.why: return False       # the usual step says what is wrong with it
        if self.shape == x.shape and self.state == self.modes(): return True
        self.shape = None       # if there is no C for this one, there is none any more
        try: self.build(np.ascontiguousarray(x), y)
        except NoLibrary as e:
            self.say(f'{e}; the usual step trains')
            self.why = str(e)
        return self.shape is not None
    def __call__(self, run:Run, x, y) -> float:
        if run.net is not self.net or run.opt is not self.opt: raise ValueError(
            'this step was made for another network or optimizer: call plan_step for these')
        if run.loss is not self.loss:
            raise ValueError('this step was made for another loss: give fit the same')
        if not self.ready(x, y): return train_step(run, x, y)
        self.take_in()
        value = self.gradients(x, y)
        check_finite(run, value)
        self.move()
        return value
    def __repr__(self):
        runs = f'C, {self.threads} thread{"s" if self.threads > 1 else ""}' if self.shape else 'nothing yet'
        if self.why: runs = f'numpy, as {self.why}'
        return f'StepPlan for batches of {self.batch}, {type(self.opt).__name__}; runs in {runs}'

def check_against(plan:StepPlan, x, y) -> bool:
    """Whether there are gradients to compare with; ValueError unless the C gives roughly those of the usual
    step, for other numbers than those that it was made with. The network stays as it is."""
    x = np.float32(.75)*x[::-1]
    twin, kept = copy.deepcopy(plan.net), [a.copy() for a in plan.moving()]
    states = [m.rng.bit_generator.state for m in plan.drops]
    for p in twin.parameters(): p.grad, p.buffer = None, None
    want = plan.loss(twin(Tensor(x)), y)
    if not np.isfinite(want.item()): return False       # the usual step says so
    want.backward()
    try: off = abs(plan.gradients(x, y) - want.item())/max(abs(want.item()), 1e-6)
    finally:
        for m, state in zip(plan.drops, states): m.rng.bit_generator.state = state
        for a, before in zip(plan.moving(), kept): a[...] = before
    spans, length = {id(p): s for p, s in zip(plan.opt.params, plan.opt.spans)}, plan.runner.length()
    for (name, p), t in zip(plan.net.named_parameters(), twin.parameters()):
        g, got = 0 if t.grad is None else t.grad, plan.opt.g[spans[id(p)]].reshape(p.shape)
        # if all gradients are 0, what is left is noise
        close = np.linalg.norm(got - g) <= .1*np.linalg.norm(g) + .01*length + 1e-4 and off < 1e-2
        if not close: raise ValueError(
            f'the step in C gives another gradient for {name}: does a layer change an array in place, or '
            'decide by its input? What a layer does has to be said in operations')
    return True
