"Functions built anew: the same code around copies of the arrays that they hold, in other places of memory"
import bisect, copy, dis, functools, io, os, re, sys, types
from collections import defaultdict, deque
from collections.abc import Iterable

PLAIN = (int, float, complex, str, bytes, type(None), type, slice, range, types.ModuleType, types.CodeType,
         types.WrapperDescriptorType, types.MethodDescriptorType, os.PathLike, re.Pattern)
CONTAINERS = list, tuple, dict, set, frozenset, deque, types.MappingProxyType
ACTIVE = types.CellType, types.FunctionType, functools.partial, types.MethodType, types.BuiltinMethodType


# --- what a thing holds

@functools.cache
def names_of(code) -> tuple[frozenset, bool]:
    "The globals that `code` names, with all functions in it, and whether it assigns one."
    loads, stores = set(), False
    for step in dis.get_instructions(code):
        if step.opname in ('LOAD_GLOBAL', 'LOAD_NAME'): loads.add(step.argval)
        stores |= step.opname in ('STORE_GLOBAL', 'DELETE_GLOBAL')
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            more, also = names_of(inner)
            loads, stores = loads | more, stores or also
    return frozenset(loads), stores

def attributes(v) -> dict:
    "What an instance of a Python class holds, by name, slots included."
    found = dict(getattr(v, '__dict__', ()))
    for cls in type(v).__mro__:
        slots = vars(cls).get('__slots__', ())
        for name in [slots] if isinstance(slots, str) else slots:
            hidden = name.startswith('__') and not name.endswith('__')
            name = f'_{cls.__name__.lstrip("_")}{name}' if hidden else name
            if name not in ('__dict__', '__weakref__') and hasattr(v, name): found[name] = getattr(v, name)
    return found

def is_named(v) -> bool:
    "Whether `v` stands in its module under its own name: part of the program, not of its data."
    module, name = getattr(v, '__module__', None), getattr(v, '__qualname__', None)
    if not (isinstance(module, str) and isinstance(name, str)): return False
    return getattr(sys.modules.get(module), name, None) is v

@functools.cache
def plain_kinds() -> tuple:
    "Those of which there is nothing to build anew: numbers, words, classes, modules, generators of chance."
    import numpy as np
    chance = np.random.Generator, np.random.BitGenerator, np.random.RandomState, np.random.SeedSequence
    return *PLAIN, *chance, np.generic, np.dtype, np.ufunc

def is_data(v) -> bool:
    "Whether `v` is an array, or knows by itself how to be copied, as PyTorch's tensors do."
    import numpy as np
    if isinstance(v, np.ndarray): return type(v) is np.ndarray and not v.dtype.hasobject
    return hasattr(type(v), '__deepcopy__')

def global_names(f) -> list[str]:
    "The globals that `f` names and that there are."
    return [name for name in sorted(names_of(f.__code__)[0]) if name in f.__globals__]

def held(v, homes:set) -> list|None:
    "What `v` holds, None if nobody can look inside; the globals of a function if they are one of `homes`."
    if isinstance(v, types.CellType):
        try: return [v.cell_contents]
        except ValueError: return []                  # not assigned yet
    if isinstance(v, types.FunctionType):
        named = global_names(v) if id(v.__globals__) in homes else []
        return [*(v.__closure__ or ()), *(v.__defaults__ or ()), *(v.__kwdefaults__ or {}).values(),
                *(v.__globals__[k] for k in named)]
    if isinstance(v, functools.partial): return [v.func, *v.args, *v.keywords.values()]
    if isinstance(v, types.MethodType): return [v.__func__, v.__self__]
    if isinstance(v, types.BuiltinMethodType): return [v.__self__]       # `len` is a method of its module
    if isinstance(v, (dict, types.MappingProxyType)): return list(v.values())
    if isinstance(v, CONTAINERS): return list(v)
    if is_named(v): return []
    looked_into = hasattr(v, '__dict__') or hasattr(type(v), '__slots__')
    closed = isinstance(v, io.IOBase) or hasattr(v, '__array_interface__')      # the array of a file
    return list(attributes(v).values()) if looked_into and not closed else None

def refusal(v, homes:set) -> str:
    "Why `v`, which holds data, cannot be made once more; '' if it can."
    if isinstance(v, types.FunctionType) and id(v.__globals__) in homes and names_of(v.__code__)[1]:
        return f'{v.__name__} assigns a global'
    if isinstance(v, (*ACTIVE, *CONTAINERS)) or is_data(v) or type(v).__new__ is object.__new__: return ''
    return type(v).__name__

def is_thing(v, homes:set) -> bool:
    "Whether `v` is an object or a container, whose parts are copied with it: no function, no NamedTuple."
    if isinstance(v, CONTAINERS): return not isinstance(v, tuple) or type(v) is tuple
    if is_data(v) or isinstance(v, ACTIVE) or is_named(v): return False
    return type(v).__new__ is object.__new__ and held(v, homes) is not None


# --- where its arrays lie

def extent(a) -> tuple[int, int]:
    "The addresses between which the array `a` lies."
    from numpy.lib.array_utils import byte_bounds
    return byte_bounds(a)

def merged(extents:Iterable) -> list[tuple[int, int]]:
    "Stretches of memory, those that overlap joined: arrays that share memory share it in a copy too."
    out = []
    for lo, hi in sorted(extents):
        if out and lo < out[-1][1]: out[-1] = out[-1][0], max(hi, out[-1][1])
        else: out.append((lo, hi))
    return out

def copied_block(lo:int, hi:int):
    "(a fresh block with the bytes from address `lo` to `hi`, where they begin): aligned to 16 as they were."
    import ctypes
    import numpy as np
    off, block = lo%16, np.empty(hi - lo + 16, np.uint8)
    off += -block.ctypes.data%16
    block[off:off + hi - lo] = np.frombuffer((ctypes.c_ubyte*(hi - lo)).from_address(lo), np.uint8)
    return block, off


# --- built anew

class Blueprint:
    """How to build functions anew: `build()` gives them around copies of all arrays that they hold, in lists,
    objects, closures, arguments and in the globals they name; what several of them share they share again.

    `size` is the bytes of a copy, `data` whether there is anything to copy, and `why` what cannot be built
    anew ('' if all can). What `keep` holds, such as a clock, is never copied."""
    def __init__(self, fs:Iterable, keep:Iterable=()):
        self.fs, self.alive = list(fs), {}
        kept = self.survey(list(keep), {})[0]
        seen, above, opaque = self.survey(self.fs, kept)
        todo = [v for v in seen.values() if is_data(v)]
        self.data, arrays = bool(todo), [v for v in todo if hasattr(v, '__array_interface__') and v.size]
        while todo:
            v = todo.pop()
            if id(v) not in self.alive:
                self.alive[id(v)] = v
                todo += above[id(v)]
        todo = [v for v in self.alive.values() if is_thing(v, self.homes)]
        while todo:                              # an activation without weights is a part of its network
            for part in held(todo.pop(), self.homes):
                if id(part) in seen and id(part) not in self.alive and is_thing(part, self.homes):
                    self.alive[id(part)] = part
                    todo.append(part)
        found = [refusal(v, self.homes) for v in self.alive.values()] if self.data else []
        self.why = next(filter(None, [*(type(v).__name__ for v in opaque), *found]), '')
        self.blocks = merged(map(extent, arrays))
        self.size = sum(hi - lo for lo, hi in self.blocks)

    @functools.cached_property
    def homes(self) -> set:
        "The globals of the functions themselves; other functions may have their own to themselves."
        def bare(f):
            while isinstance(f, (functools.partial, types.MethodType)):
                f = f.func if isinstance(f, functools.partial) else f.__func__
            return f
        return {id(f.__globals__) for f in map(bare, self.fs) if isinstance(f, types.FunctionType)}

    def survey(self, roots:list, kept:dict) -> tuple[dict, dict, list]:
        "(all things reached by id, those that hold each, those that nobody can look into)."
        seen, above, opaque, todo = {}, defaultdict(list), [], [(v, None) for v in roots]
        while todo:
            v, holder = todo.pop()
            if isinstance(v, plain_kinds()) or id(v) in kept: continue
            if holder is not None: above[id(v)].append(holder)
            if id(v) in seen: continue
            seen[id(v)] = v
            inside = [] if is_data(v) else held(v, self.homes)
            if inside is None: opaque.append(v)
            else: todo += [(part, v) for part in inside]
        return seen, above, opaque

    def start(self) -> 'Building':
        "A building in which each function can be had anew; ValueError if something in them cannot be copied."
        if self.why: raise ValueError(f'cannot be built anew: {self.why}')
        return Building(self)

    def build(self) -> list:
        "The functions, around copies, in the order in which they were given."
        return list(map(self.start().again, self.fs))

class Building:
    "One run of a `Blueprint`: every thing that holds data is made once more when it is asked for, each once."
    def __init__(self, plan:Blueprint):
        self.plan, self.made, self.globals, self.blocks = plan, {}, {}, {}
        self.starts = [lo for lo, _ in plan.blocks]

    def again(self, v):
        "`v` itself where it holds no data, else its copy."
        if id(v) not in self.plan.alive: return v
        if id(v) not in self.made:
            kind = 'array' if is_data(v) else next((k for cls, k in KINDS if isinstance(v, cls)), 'object')
            self.made[id(v)] = getattr(self, 'new_' + kind)(v)
        return self.made[id(v)]

    def new_array(self, a):
        import numpy as np
        if type(a) is not np.ndarray: return copy.deepcopy(a)
        if not a.size: return a.copy()
        at = a.__array_interface__['data'][0]
        lo, hi = self.plan.blocks[bisect.bisect_right(self.starts, at) - 1]
        if lo not in self.blocks: self.blocks[lo] = copied_block(lo, hi)
        block, off = self.blocks[lo]
        made = np.ndarray(a.shape, a.dtype, block, off + at - lo, a.strides)
        made.flags.writeable = a.flags.writeable
        return made

    def new_cell(self, c):
        self.made[id(c)] = new = types.CellType()
        new.cell_contents = self.again(c.cell_contents)
        return new

    def new_function(self, f):
        own = id(f.__globals__) in self.plan.homes
        there = self.globals.setdefault(id(f.__globals__), dict(f.__globals__)) if own else f.__globals__
        cells = f.__closure__ and tuple(map(self.again, f.__closure__))
        self.made[id(f)] = new = types.FunctionType(f.__code__, there, f.__name__, None, cells)
        new.__defaults__ = f.__defaults__ and tuple(map(self.again, f.__defaults__))
        new.__kwdefaults__ = f.__kwdefaults__ and {k: self.again(v) for k, v in f.__kwdefaults__.items()}
        new.__dict__.update(f.__dict__)
        if own: there.update({k: self.again(f.__globals__[k]) for k in global_names(f)})
        return new

    def new_partial(self, p):
        named = {k: self.again(v) for k, v in p.keywords.items()}
        return type(p)(self.again(p.func), *map(self.again, p.args), **named)
    def new_method(self, m): return types.MethodType(self.again(m.__func__), self.again(m.__self__))
    def new_builtin(self, m): return getattr(self.again(m.__self__), m.__name__)
    def new_proxy(self, p): return types.MappingProxyType({k: self.again(v) for k, v in p.items()})
    def new_tuple(self, t): return tuple.__new__(type(t), map(self.again, t))       # a NamedTuple too
    def new_frozen(self, s): return type(s)(map(self.again, s))

    def new_dict(self, d):
        self.made[id(d)] = new = copy.copy(d)
        for k, v in d.items(): new[k] = self.again(v)
        return new
    def new_list(self, items):
        self.made[id(items)] = new = copy.copy(items)
        new.clear()
        (new.update if isinstance(new, set) else new.extend)(map(self.again, items))
        return new
    def new_object(self, v):
        self.made[id(v)] = new = object.__new__(type(v))
        for name, part in attributes(v).items(): object.__setattr__(new, name, self.again(part))
        return new

KINDS = ((types.CellType, 'cell'), (types.FunctionType, 'function'), (functools.partial, 'partial'),
         (types.MethodType, 'method'), (types.BuiltinMethodType, 'builtin'), (dict, 'dict'), (tuple, 'tuple'),
         (types.MappingProxyType, 'proxy'), (frozenset, 'frozen'), ((list, deque, set), 'list'))
