"A training step in C: values and their gradients, where they lie, and who adds to what"
from collections.abc import Callable
from math import prod
from typing import NamedTuple
import numpy as np

from ..emit.place import INPUT, Place, collapsed, image, rows, spread, whole
from ..emit.text import at, function, loops, names, number, wrapped
from . import text
from .simple import RULES as SIMPLE
from .products import RULES as PRODUCTS
from .tape import GRADIENTS, WEIGHTS, Call, Stage, Tape, Weight


NONE = (0, 0), (0, 0)       # a frame of no zeros
RULES = SIMPLE | PRODUCTS

class Ideas(NamedTuple):
    "What the lessons contribute: how products, images and memory are cut."
    best_block: Callable
    phases: Callable
    chunk: Callable
    first_fit: Callable

class Value:
    "A value of each image, what made it, where it and its gradient lie, and who adds to its gradient."
    def __init__(self, node):
        self.node, self.shape = node, (1, *node.shape[1:])
        self.frame = self.back = NONE       # zeros around it, and around its gradient
        self.place, self.parts, self.wanted = None, [], False

class Learner:
    """The calls of one training step of `nodes`, the last of which is a loss; their inputs are the numbers of
    values, `Weight`s and arrays. ValueError, with the layer's path, for what no C is known for."""
    def __init__(self, nodes:list, batch:int, threads:int, target, ideas:Ideas):
        self.batch, self.target, self.lanes, self.ideas = batch, target, target.lanes(), ideas
        self.tape = Tape(batch, threads, ideas.chunk, prod(nodes[0].shape[1:]))
        self.known, self.frames, self.written, self.start = {}, {}, set(), Stage(once=True)
        self.moving, self.masks, self.constants, self.alone = [], [], [], set()
        self.values = [Value(n) for n in nodes]
        self.losses = self.tape.buffer(per=1, kept=True)
        self.values[-1].wanted = True
        for v in self.values[1:]: self.look(v)
        self.values[0].place = Place(INPUT, 0, self.values[0].shape, rows(self.values[0].shape))
        for v in self.values[1:]: self.do(v, 'forward')
        for v in self.values[:0:-1]:
            if v.parts or v is self.values[-1]: self.do(v, 'backward')
        self.tape.stages.insert(0, self.start)
        sizes, lives = self.tape.lives()
        self.offsets = ideas.first_fit(sizes, lives)
        # a vector may reach beyond the last number
        self.size = max(self.offsets[i] + sizes[i] for i in sizes) + 4*self.lanes
        if self.size >= 2**31: raise ValueError(
            f'a batch of {batch} takes {4*self.size/2**30:.0f} GiB, and a step in C counts up to 8')
    def look(self, v:Value):
        "Whether a gradient is wanted, and which frames are needed."
        path, name = v.node.path or 'the network', v.node.op.name
        if v is not self.values[-1] and v.node.shape[:1] != (self.batch,):
            raise ValueError(f'{path}: no C for training is known for a {name} over the batch')
        v.wanted |= any(self.values[i].wanted if type(i) is int else isinstance(i, Weight) and i.learns
                        for i in v.node.ins)
        self.do(v, 'look')
    def do(self, v:Value, what:str):
        "What the rule of an operation says."
        path, name = v.node.path or 'the network', v.node.op.name
        if name not in RULES:
            raise ValueError(f'{path}: no C for training is known for the operation {name!r}')
        try: getattr(RULES[name], what)(self, v, v.node)
        except ValueError as e: raise ValueError(f'{path}: {e}') from None
    # calls
    def function(self, kind:str, write:Callable) -> str:
        "The name of the C function that `write(name)` gives; one that is the same as another is that one."
        key = write('@')
        if key not in self.known:
            self.known[key] = name = f'{kind}_{len(self.known)}'
            self.tape.function(name, write(name))
        return self.known[key]
    def sized(self, per:str, kind:str, *args):
        "A call of an inline function by way of one for these numbers, which are known to the compiler."
        given = ['float *p{k}' if isinstance(a, Place) else 'const int p{k}' if isinstance(a, str) else ''
                 for a in args]
        params = [form.format(k=k) for k, form in enumerate(given) if form]
        said = ', '.join(f'p{k}' if form else str(int(args[k])) for k, form in enumerate(given))
        def write(name): return function(name, 'for these sizes', params, wrapped(f'{kind}({said});'))
        self.tape.call(per, self.function(kind, write), *(a for a, form in zip(args, given) if form))
    def before(self, name:str, *args):
        "A call at the start of the step, such as one that packs weights."
        self.start.calls.append(Call(name, list(args), 'once'))
    def each(self, y:Place, said:str, *xs, add:bool=False):
        "Computes each number of `y` by the formula `said` of places or numbers, or adds it to what is there."
        read = [k for k, x in enumerate(xs) if isinstance(x, Place) and f'{{{k}}}' in said]
        places = [xs[k] for k in read]
        big = max([y, *places], key=lambda p: (len(p.shape), prod(p.shape))).shape
        sizes, (to, *steps) = collapsed(big, [spread(y, big), *(spread(p, big) for p in places)])
        axes, cells = names(len(sizes)), ['' if isinstance(x, Place) else number(x) for x in xs]
        for i, k in enumerate(read): cells[k] = at(f'x{i}', axes, steps[i])
        line = f'{at("y", axes, to)} {"+=" if add else "="} {said.format(*cells)};'
        args = [*(f'const float *restrict x{i}' for i in range(len(read))), 'float *restrict y']
        comment, lines = f'{said.format(*"abcdefgh")} -> {y.shape}', loops(axes, sizes, [line])
        name = self.function('each', lambda name: function(name, comment, args, lines))
        self.tape.call('image', name, *places, y)
    def zero(self, p:Place):
        "Zeros in a place, its frame left out."
        self.tape.function('zeros', text.ZEROS)
        row = p._replace(shape=(1, 1, 1, prod(p.shape)), strides=(0, 0, 0, 1))
        i = image(p) if len(p.shape) in (3, 4) else row
        self.sized('image', 'zeros', p, i.strides[1], i.shape[1], i.shape[2]*i.shape[3])
    # places
    def placed(self, shape:tuple, frame=NONE) -> Place:
        "A place for a value of each image, with a frame of zeros around it."
        (t, b), (l, r) = frame
        if frame == NONE: return Place(self.tape.buffer(per=prod(shape)), 0, shape, rows(shape))
        img = shape if len(shape) == 4 else (1, 1, *shape[1:])
        full = (1, img[1] + t + b, img[2] + l + r, img[3])
        strides = rows(full)
        p = Place(self.tape.buffer(per=prod(full), kept=True), t*strides[1] + l*strides[2], img, strides)
        self.frames[p.store] = frame
        return p if len(shape) == 4 else p._replace(shape=shape, strides=(strides[0], *strides[2:]))
    def copied(self, p:Place, frame=NONE) -> Place:
        "A copy of a value, with a frame of zeros around it."
        self.each(to := self.placed(p.shape, frame), '{0}', p)
        return to
    def inside(self, p:Place) -> Place:
        "A place in the arena: a vector may reach beyond the last pixel, and the caller's array ends there."
        return self.copied(p) if p.store == INPUT else p
    def in_one_piece(self, p:Place) -> Place: return p if whole(p) else self.copied(p)
    def per_image(self, p:Place) -> int:
        "Numbers from image to image."
        return self.tape.buffers[p.store].per if p.store >= 0 else self.tape.given
    def weight(self, w:Weight) -> Place: return Place(WEIGHTS, w.start, w.shape, rows(w.shape))
    def fixed(self, size:int, data=None) -> Place:
        "Numbers for all images; those of `data` are there from the start."
        p = Place(self.tape.buffer(size=size, kept=True), 0, (size,), (1,))
        if data is not None: self.constants.append((p.store, np.ascontiguousarray(data, np.float32).ravel()))
        return p
    def read(self, i) -> Place|float:
        "Where an input lies; an array of one number is that."
        if type(i) is int: return self.values[i].place
        if isinstance(i, Weight): return self.weight(i)
        a = np.asarray(i)
        if a.size == 1: return float(a.reshape(()))
        return self.fixed(a.size, a)._replace(shape=a.shape, strides=rows(a.shape))
    # gradients
    def gradient_of(self, w:Weight) -> Place: return Place(GRADIENTS, w.start, w.shape, rows(w.shape))
    def begins(self, w:Weight, once:bool=False) -> bool:
        "Whether the gradient of `w` begins here: what stands there is overwritten, not added to."
        new = w.start not in self.written
        self.written.add(w.start)
        if new and once: self.alone.add(w.start)
        # what one thread began, the others have not: their own sums begin with 0
        self.tape.clear |= w.start in self.alone and not once
        return new
    def part(self, v:Value) -> Place|None:
        "A new place for a part of the gradient of `v`; None if nobody wants it."
        if not v.wanted: return None
        v.parts.append(self.placed(v.shape, v.back))
        return v.parts[-1]
    def gradient(self, v:Value) -> Place:
        "The gradient of `v`, all parts added up, with the frame that it needs."
        while len(v.parts) > 1 or v.back != NONE and self.frames.get(v.parts[0].store) != v.back:
            a, *b = v.parts[:2]
            v.parts[:2] = [to := self.placed(v.shape, v.back)]
            self.each(to, '{0} + {1}' if b else '{0}', a, *b)
        return v.parts[0]
    # C
    def code(self, head:str, parameters:int) -> str:
        "The whole file; `head`: C that blocks need, `parameters`: how many numbers the flat vector has."
        for i, b in enumerate(self.tape.buffers): b.offset = self.offsets[i]
        threads = self.tape.threads
        wait = text.TOGETHER + text.GATHERED if threads > 1 else ''
        include = '#include <math.h>\n' + ('#include <sched.h>\n' if threads > 1 else '')
        return include + head + text.HEAD.format(size=parameters, threads=threads) + wait + self.tape.code()
