"Where every value of a network lies: views, frames of zeros, copies, and how long each store is needed"
from dataclasses import dataclass, field, replace
from math import ceil, prod
import numpy as np

from .place import INPUT, Place, rows, whole
from .steps import Step


ALIGN = 16      # numbers: a store begins at a cache line
VIEWS = 'reshape', 'squeeze', 'expand_dims', 'transpose', 'getitem'

def rounded(n:int) -> int: return ceil(n/ALIGN)*ALIGN

@dataclass
class Layout:
    "The steps with the copies that they need, the places of all values, and the stores."
    steps: list
    shapes: dict            # of each value
    last: int               # the value that is the result
    places: dict = field(default_factory=dict)
    sizes: list = field(default_factory=list)       # of the stores, in numbers of 4 bytes
    frames: dict = field(default_factory=dict)      # by value: shape with its frame, and the frame's widths
    kinds: dict = field(default_factory=dict)       # 'int8' for each value of codes; all else is float32
    fills: dict = field(default_factory=dict)       # by value: the code in its frame, if it is one of codes
    def kind(self, v:int) -> str: return self.kinds.get(v, 'float32')
    def kind_in(self, store:int) -> str:
        "What a store holds: all values in it are of one type."
        return self.kind(next(v for v, p in self.places.items() if p.store == store))
    def lives(self) -> dict:
        "By store: the first and the last step that needs it."
        found = {}
        for k, s in enumerate(self.steps):
            for v in (*s.values(), s.out):
                store = self.places[v].store
                if store != INPUT: found.setdefault(store, [k, k])[1] = k
        return {store: tuple(span) for store, span in found.items()}
    def result(self) -> int: return self.places[self.last].store

def frame_of(s:Step) -> tuple:
    "The frame that a product needs around what it reads: its widths, and the code that stands for 0; or ()."
    return (s.pads(), s.options.get('zero_in')) if s.pads() else ()

def framed_values(steps, shapes, last) -> dict:
    "By value: the frame of zeros that its maker leaves around it, for the convolutions that read it."
    makers, found = {s.out: s for s in steps}, {}
    seen = {s.ins[0] for s in steps if s.op in VIEWS}
    for s in (s for s in steps if s.pads()):
        v = s.ins[0]
        # a dense layer writes one row of all pixels
        made = v in makers and makers[v].op not in (*VIEWS, 'dense') and v != last and v not in seen
        if made and len(shapes[v]) >= 3: found.setdefault(v, frame_of(s))
    return found

class Layer:
    "Lays out one step after the other."
    def __init__(self, steps, shapes, last, kinds):
        self.done, self.given = Layout([], dict(shapes), last, kinds=dict(kinds)), steps
        self.framed = framed_values(steps, shapes, last)
        self.places, self.shapes = self.done.places, self.done.shapes
        self.places[0] = Place(INPUT, 0, shapes[0], rows(shapes[0]))
    def store(self, v:int, frame=()):
        "A store of its own for a value, with a frame around its images if it is to have one."
        shape, (pads, fill) = self.shapes[v], frame or ((), None)
        widths = pads[-len(shape) + 2:] if pads else ((0, 0),)*(len(shape) - 2)     # of a sequence one
        full = (*shape[:1], *(n + sum(p) for n, p in zip(shape[1:-1], widths)), *shape[1:][-1:])
        strides = rows(full)
        if pads:
            image = full if len(full) == 4 else (full[0], 1, *full[1:])
            self.done.frames[v] = image, (widths if len(widths) == 2 else ((0, 0), *widths))
            if fill is not None: self.done.fills[v] = fill
        offset = sum(p[0]*s for p, s in zip(widths, strides[1:]))
        self.places[v] = Place(len(self.done.sizes), offset, shape, strides)
        # four codes are read at once, perhaps three of them behind the last
        n = prod(full) if self.done.kind(v) == 'float32' else ceil((prod(full) + 3)/4)
        self.done.sizes.append(rounded(n))
    def copy(self, v:int, path:str, frame=(), shape=None) -> int:
        "A copy of a value, in one piece or in a frame, perhaps broadcast to `shape`; its number."
        new = max(self.shapes) + 1
        self.shapes[new] = self.shapes[v] if shape is None else shape
        if v in self.done.kinds: self.done.kinds[new] = self.done.kinds[v]
        self.store(new, frame)
        self.done.steps.append(Step('copy', [v], new, self.shapes[new], {}, path, run=np.asarray))
        return new
    def view(self, s:Step) -> Place|None:
        "The place of a value that is another one seen in another way; None if it has to be copied."
        p, shape = self.places[s.ins[0]], self.shapes[s.out]
        if s.op == 'reshape': return p._replace(shape=shape, strides=rows(shape)) if whole(p) else None
        if s.op in ('squeeze', 'expand_dims'):
            steps = iter([t for n, t in zip(p.shape, p.strides) if n != 1])
            return p._replace(shape=shape, strides=tuple(0 if n == 1 else next(steps) for n in shape))
        if s.op == 'transpose':
            axes = s.options.get('axes') or range(len(p.shape))[::-1]
            return p._replace(shape=shape, strides=tuple(p.strides[a] for a in axes))
        return self.part(p, s)
    def part(self, p:Place, s:Step) -> Place:
        "The place of what an index takes of the value at `p`."
        index = s.options['index'] if isinstance(s.options['index'], tuple) else (s.options['index'],)
        if not any(i is Ellipsis for i in index): index += (Ellipsis,)      # a number is an array of no axes
        # bytes in place of numbers: addresses count numbers
        ends = [max(n - 1, 0)*t for n, t in zip(p.shape, p.strides)]
        below = -sum(t for t in ends if t < 0)
        memory = np.empty(below + sum(t for t in ends if t > 0) + 1, np.int8)
        cells = np.lib.stride_tricks.as_strided(memory[below:], p.shape, p.strides)
        got = cells[index]
        if got.size and not np.may_share_memory(got, cells): raise ValueError(
            f'{s.path or "the network"}: numbers that an array picks have no place that is known beforehand')
        moved = got.size and got.__array_interface__['data'][0] - cells.__array_interface__['data'][0]
        return p._replace(offset=p.offset + moved, shape=got.shape, strides=got.strides)
    def side_by_side(self, v:int, s:Step) -> bool:
        "Whether the product `s` can read the value as it lies: channels and pixels one after the other."
        p = self.places[v]
        if s.op == 'dense': return whole(p)
        c = p.shape[-1]
        return (c == 1 or p.strides[-1] == 1) and (p.shape[-2] == 1 or p.strides[-2] == c)
    def addend(self, v:int, s:Step) -> int:
        "The value `v` as the product `s` can add it: of its shape, channels side by side; else a copy."
        p = self.places[v]
        lies = whole(p) if s.op == 'dense' else p.shape[-1:] == (1,) or p.strides[-1:] == (1,)
        return v if p.shape == s.shape and lies else self.copy(v, s.path, shape=s.shape)
    def put(self, s:Step):
        "Lay out one step."
        if s.op in VIEWS:
            if (place := self.view(s)) is None:     # not in one piece: copied so that it is
                v = self.copy(s.ins[0], s.path)
                place = self.view(replace(s, ins=[v]))
            self.places[s.out] = place
            return
        if s.w is not None:
            v, frame = s.ins[0], frame_of(s)
            if frame and self.framed.get(v) != frame: v = self.copy(v, s.path, frame)
            elif not self.side_by_side(v, s): v = self.copy(v, s.path)
            then = [t if t == 'relu' else self.addend(t, s) for t in s.then]
            s = replace(s, ins=[v, *s.ins[1:]], then=then)
        self.store(s.out, self.framed.get(s.out, ()))
        self.done.steps.append(s)
    def all(self) -> Layout:
        for s in self.given: self.put(s)
        place = self.places[self.done.last]
        # the caller's array has room for the result, and for nothing of which it is a part
        part = any(prod(self.shapes[s.out]) != prod(place.shape) for s in self.done.steps
                   if self.places[s.out].store == place.store)
        # codes for the caller are written in another way than those which a step reads
        read = self.done.kind(self.done.last) == 'int8' and any(
            self.places[v].store == place.store for s in self.done.steps for v in s.values())
        if place.store == INPUT or place.offset or part or read or not whole(place):
            self.done.last = self.copy(self.done.last, '')
        return self.done

def lay_out(steps:list, shapes:dict, last:int, kinds=()) -> Layout:
    """Where every value of a plan lies. `shapes`: of the values; `last`: the one that is the result; `kinds`:
    'int8' for those that are codes. ValueError for a view that has no fixed place."""
    return Layer(steps, shapes, last, kinds).all()
