"What a student's process may say: plain data, in tagged JSON and raw bytes that cannot carry code"
# Standard library only, and numpy where the lesson has it: this runs inside the walls.
import enum, math, re, sys, types


DEEPEST, LONGEST_INT = 80, 20_000
MOST_HEAD, MOST_RAW = 16 << 20, 256 << 20   # bytes of a message: its JSON, and its arrays

ROOTS = {'tinybench'}    # the packages whose records and functions may cross; the course's own is put in too

class Stand:
    "What stands for a thing of the other process."
    __slots__ = ()

def numpy(): return sys.modules.get('numpy')

def state_of(x) -> dict:
    "The attributes of an object, in its dictionary or in slots."
    slots = [s for c in type(x).__mro__ for s in as_names(c.__dict__.get('__slots__', ()))]
    held = {s: getattr(x, s) for s in slots if s not in ('__weakref__', '__dict__') and hasattr(x, s)}
    return held | getattr(x, '__dict__', {})

def put_attribute(x, name, value):
    "Set an attribute, but none that makes `x` another kind of thing."
    if name.startswith('__'): raise ValueError(f'an attribute named {name[:40]}')
    object.__setattr__(x, name, value)

def put_state(rng, state):
    "Set where a generator stands: neither outside of its numbers nor on another sequence."
    old, inner = rng.bit_generator.state, state['state']
    at, most = inner.get('pos', state.get('buffer_pos', 0)), 624 if 'pos' in inner else 4
    if type(at) is not int or not 0 <= at <= most: raise ValueError('a generator that stands nowhere')
    if 'inc' in inner and not inner['inc'] & 1 or old['bit_generator'] != state['bit_generator']:
        raise ValueError('a generator of no kind')
    rng.bit_generator.state = state

def as_names(slots) -> tuple: return (slots,) if isinstance(slots, str) else tuple(slots)

def in_library(cls, given) -> bool:
    "Whether a class is the library's, or one of those that cells of the lesson have `given`."
    module = cls.__module__
    return isinstance(module, str) and (module.split('.')[0] in ROOTS or
                                        module == '__main__' and cls.__qualname__ in given)

def found_as(x, given) -> tuple|None:
    "(module, name) of a class, a function of the library or a ufunc, under which it can be found again."
    np, name = numpy(), getattr(x, '__qualname__', None) or getattr(x, '__name__', None)
    if np and isinstance(x, np.ufunc): module = 'numpy'
    elif isinstance(x, (type, types.FunctionType, types.BuiltinFunctionType)): module = x.__module__
    else: return None
    if not isinstance(module, str) or not isinstance(name, str): return None
    return (module, name) if look_up(module, name, given) is x else None

def look_up(module, name, given):
    "What `module` has under `name`, if it is of a kind that may cross by its name; else None."
    np, root = numpy(), module.split('.')[0]
    if module == '__main__' and name.split('.')[0] not in given: return None
    x = sys.modules.get(module)
    for part in name.split('.'):
        x = getattr(x, part, None) if not part.startswith('__') else None
        if isinstance(x, types.ModuleType): return None   # what a module imports is not its own
    own = np and isinstance(x, np.ufunc) or getattr(x, '__module__', None) == module
    kinds = {'builtins': type, 'numpy': (type, np.ufunc) if np else type, 'math': types.BuiltinFunctionType,
             '__main__': (type, types.FunctionType)} | {r: (type, types.FunctionType) for r in ROOTS}
    return x if own and isinstance(x, kinds.get(root, ())) and x is not type else None

class Encoder:
    "Turns values into JSON, with arrays aside in `raw`; `known(x)` and `leaf(x)` say how others are put."
    def __init__(self, known, leaf, given, arrays, told):
        self.known, self.given, self.raw, self.arrays, self.told = known, given, [], arrays, told
        self.handed, self.to_handle, self.memo = set(), leaf, {}
        self.odd = set()   # classes of a student's own that pose as a value
    def leaf(self, x):
        self.handed.add(id(x))
        return self.to_handle(x)
    def part(self, a):
        "An array that is a view of one that both have, as such."
        if a.base is None or not a.size: return
        np = numpy()
        low, high = bounds(a)
        for n, whole in self.arrays():
            first, last = bounds(whole)
            if first <= low and high <= last and whole.flags.c_contiguous and not a.dtype.names:
                return ['part', n, a.ctypes.data - first, list(a.strides), list(a.shape), a.dtype.str]
    def put(self, x, depth=0):
        t = type(x)
        if x is None or t in (bool, str, float): return x
        if t is int: return x if abs(x) < 1 << 62 else ['int', hex(x)]
        if (n := self.known(x)) is not None: return ['known', n]
        if id(x) in self.memo: return ['same', self.memo[id(x)][0]]
        self.memo[id(x)] = len(self.memo), x
        if issubclass(t, Stand): return self.leaf(x)
        if depth > DEEPEST: return self.leaf(x)
        for put in (self.simple, self.of_numpy, self.of_library, self.collection):
            if (said := put(x, depth + 1)) is not None: return said
        return self.leaf(x)
    def all(self, xs, depth): return [self.put(v, depth) for v in xs]
    def buffer(self, data): self.raw.append(data); return len(self.raw) - 1
    def simple(self, x, depth):
        if isinstance(x, complex) and not isinstance(x, self.scalar()): return ['complex', x.real, x.imag]
        if isinstance(x, (bytes, bytearray)):
            return ['bytes' if isinstance(x, bytes) else 'bytearray', self.buffer(bytes(x))]
        if isinstance(x, range): return ['range', *map(self.put, (x.start, x.stop, x.step))]
        if isinstance(x, slice): return ['slice', *self.all((x.start, x.stop, x.step), depth)]
        if x is ... or x is NotImplemented: return ['named', repr(x)]
        if isinstance(x, enum.Enum) and in_library(type(x), self.given):
            return ['enum', type(x).__module__, type(x).__qualname__, x.name]
        if name := found_as(x, self.given): return ['called', *name]
        if isinstance(x, self.scalar()): return
        for kind in (int, float, str):   # a student's own kind of number crosses as a number
            if isinstance(x, kind): return self.put(self.posed(x, kind)(x), depth)
    def posed(self, x, kind):
        "The plain kind of `x`; its own is noted."
        cls = type(x)
        if cls.__module__ == '__main__' and cls.__qualname__ not in self.given: self.odd.add(cls.__name__)
        return kind
    def scalar(self): return getattr(numpy(), 'generic', ())
    def of_numpy(self, x, depth):
        if not (np := numpy()): return
        if isinstance(x, np.dtype): return ['dtype', x.str] if x.kind in KINDS else None
        if isinstance(x, np.generic) and x.dtype.kind in KINDS:
            return ['scalar', x.dtype.str, x.tobytes().hex()]
        if isinstance(x, np.random.Generator):
            return ['generator', type(x.bit_generator).__name__, self.put(x.bit_generator.state, depth)]
        if not isinstance(x, np.ndarray): return
        self.posed(x, np.ndarray)
        a = np.asarray(x)
        if a.dtype.kind == 'O': return ['objects', list(a.shape), *self.all(a.ravel().tolist(), depth)]
        if (part := self.part(a)): return part
        fields = a.dtype.names and [[n, a.dtype[n].str] for n in a.dtype.names]
        if any(s[1][1] not in KINDS for s in fields or [['', a.dtype.str]]): return
        order = sorted(range(a.ndim), key=lambda i: -a.strides[i])   # as it lies in memory, if it is whole
        whole = a.transpose(order).flags.c_contiguous
        if not whole: order = range(a.ndim)
        marks = 'gaps '*(not whole) + 'fixed'*(not a.flags.writeable)
        data = a.transpose(order).tobytes()
        again, n = self.told.number(a)
        shape = [a.shape[i] for i in order]
        return [again, n, fields or a.dtype.str, shape, self.buffer(data), marks, *order]
    def of_library(self, x, depth):
        if isinstance(x, (list, dict, set)) and in_library(type(x), self.given):
            if not found_as(type(x), self.given): return
            inside = self.collection(x, depth)
            more = [self.put(v, depth) for kv in vars(x).items() for v in kv]
            return ['kin', *found_as(type(x), self.given), inside, *more]
        cls = type(x)
        if not in_library(cls, self.given) or isinstance(x, (type, enum.Enum)): return
        if getattr(x, 'made', None) is not None: return   # a Tensor with a history
        if found_as(cls, self.given) is None: return
        is_tuple = isinstance(x, tuple) and hasattr(cls, '_fields')
        fields = dict(zip(cls._fields, x)) if is_tuple else state_of(x)
        flat = [self.put(v, depth) for kv in fields.items() for v in kv]
        return ['object', cls.__module__, cls.__qualname__, *flat]
    def collection(self, x, depth):
        for kind in (list, tuple, set, frozenset):
            if isinstance(x, kind): return [kind.__name__, *self.all(self.posed(x, kind).__iter__(x), depth)]
        if isinstance(x, (dict, types.MappingProxyType)):
            name = 'dict' if isinstance(x, dict) else 'mapping'
            items = dict.items(x) if isinstance(x, dict) else x.items()
            return [name, *[self.put(v, depth) for kv in items for v in kv]]

class Told:
    "The last few arrays that were told: a result that lies where an earlier one did is that one again."
    def __init__(self, most=8): self.arrays, self.next, self.most = {}, 0, most
    def number(self, a) -> tuple:
        where = a.__array_interface__['data'], a.shape, a.strides, a.dtype
        for n, (b, place) in self.arrays.items():
            if place == where and a.size: return 'again', n
        self.next += 1
        self.arrays[self.next] = a, where
        if len(self.arrays) > self.most: del self.arrays[next(iter(self.arrays))]
        return 'array', self.next

def bounds(a) -> tuple: return numpy().lib.array_utils.byte_bounds(a)

KINDS, GENERATORS = 'biufcSUMm', ('PCG64', 'PCG64DXSM', 'MT19937', 'Philox', 'SFC64')
DTYPE = re.compile(r'[<>|=]?[biufcSUMm]\d{1,9}(\[\w{1,9}\])?')

class Decoder:
    "Rebuilds plain values from what a student's process said; ValueError where that is no such thing."
    def __init__(self, raw, known, handle, lent, given, told):
        self.raw, self.known, self.handle, self.lent = raw, known, handle, lent
        self.given, self.told, self.memo = given, told, []
    def take(self, said, depth=0):
        if said is None or type(said) in (bool, str, int, float): return said
        if type(said) is not list or not said or type(said[0]) is not str or depth > DEEPEST + 20:
            raise ValueError('a value that is none')
        if said[0] in ('int', 'known', 'same'): return self.bare(said, depth)
        self.memo.append(None)
        n = len(self.memo) - 1
        self.memo[n] = value = self.bare(said, depth)
        return value
    def bare(self, said, depth):
        kind, *rest = said
        take = getattr(self, f'take_{kind}', None)
        if take is None: raise ValueError(f'a value of kind {kind[:20]!r}')
        return take(depth + 1, *rest)
    def take_same(self, depth, n): return self.memo[n]
    def all(self, said, depth): return [self.take(v, depth) for v in said]
    def pairs(self, said, depth):
        flat = self.all(said, depth)
        if len(flat) % 2: raise ValueError('a key without a value')
        return dict(zip(flat[::2], flat[1::2]))
    def bytes_at(self, n):
        if type(n) is not int or not 0 <= n < len(self.raw): raise ValueError('bytes that did not come')
        return self.raw[n]
    def dtype(self, name):
        if isinstance(name, list):
            return numpy().dtype([(self.text(n), self.dtype(self.text(t))) for n, t in name])
        if not DTYPE.fullmatch(self.text(name)): raise ValueError('numbers of an unknown type')
        return numpy().dtype(name)
    def text(self, x):
        if type(x) is not str: raise ValueError('text was to come')
        return x
    def take_int(self, depth, x):
        if len(self.text(x)) > LONGEST_INT: raise ValueError('an integer of too many digits')
        return int(x, 16)
    def take_complex(self, depth, re, im): return complex(re, im)
    def take_bytes(self, depth, n): return self.bytes_at(n)
    def take_bytearray(self, depth, n): return bytearray(self.bytes_at(n))
    def take_range(self, depth, *abc): return range(*self.all(abc, depth))
    def take_slice(self, depth, *abc): return slice(*self.all(abc, depth))
    def take_named(self, depth, name): return {'Ellipsis': ..., 'NotImplemented': NotImplemented}[name]
    def take_known(self, depth, n): return self.known(n)
    def take_handle(self, depth, *said): return self.handle(*said)
    def take_lent(self, depth, n): return self.lent(n)
    def take_list(self, depth, *said): return self.all(said, depth)
    def take_tuple(self, depth, *said): return tuple(self.all(said, depth))
    def take_set(self, depth, *said): return set(self.all(said, depth))
    def take_frozenset(self, depth, *said): return frozenset(self.all(said, depth))
    def take_dict(self, depth, *said): return self.pairs(said, depth)
    def take_mapping(self, depth, *said): return types.MappingProxyType(self.pairs(said, depth))
    def take_dtype(self, depth, name): return self.dtype(name)
    def take_scalar(self, depth, name, digits):
        data, dtype = bytes.fromhex(self.text(digits)), self.dtype(name)
        if len(data) != dtype.itemsize: raise ValueError('a number of another size')
        return numpy().frombuffer(data, dtype, 1)[0] if data else numpy().zeros(1, dtype)[0]
    def take_generator(self, depth, name, state):
        if name not in GENERATORS: raise ValueError('a generator of no kind')
        new = numpy().random.Generator(getattr(numpy().random, name)())
        put_state(new, self.take(state, depth))
        return new
    def shape(self, shape):
        if type(shape) is not list or len(shape) > 32 or any(type(n) is not int or n < 0 for n in shape):
            raise ValueError('an array of no shape')
        return shape
    def take_again(self, depth, told, *said):
        "An array that lies where an earlier one did, which the check may still have: that one, as it is now."
        new, old = self.take_array(depth, told, *said), self.told.get(told)
        if old is None or (old.shape, old.dtype) != (new.shape, new.dtype): return new
        if old.flags.writeable: old[...] = new
        self.told[told] = old
        return old
    def take_array(self, depth, told, name, shape, n, marks, *order):
        np, data, dtype = numpy(), self.bytes_at(n), self.dtype(name)
        if math.prod(self.shape(shape))*dtype.itemsize != len(data):
            raise ValueError('an array of another size')
        a = np.frombuffer(data, dtype).reshape(shape).copy() if len(data) else np.zeros(shape, dtype)
        if 'gaps' in marks and a.ndim: a = np.repeat(a, 2, -1)[..., ::2]
        if [*order] != [*range(a.ndim)]: a = a.transpose(np.argsort(order))
        if 'fixed' in marks: a.flags.writeable = False
        if type(told) is int: self.told.setdefault(told, a)
        return a
    def take_objects(self, depth, shape, *items):
        a = numpy().empty(len(items), object)
        a[:] = self.all(items, depth)
        return a.reshape(self.shape(shape))
    def named(self, module, name):
        x = look_up(self.text(module), self.text(name), self.given)
        if x is None: raise ValueError(f'a name that nothing has: {module[:40]}.{name[:40]}')
        return x
    def take_called(self, depth, module, name): return self.named(module, name)
    def take_part(self, depth, n, offset, strides, shape, dtype):
        "A view of an array that both have: a copy where this process has it in another order."
        np, whole = numpy(), self.known(n)
        data = whole if whole.flags.c_contiguous else np.ascontiguousarray(whole)
        return np.ndarray(self.shape(shape), self.dtype(dtype), data, offset, strides)
    def take_kin(self, depth, module, name, inside, *said):
        cls, inside = self.named(module, name), self.bare(inside, depth)
        base = next(k for k in (list, dict, set) if issubclass(cls, k) and isinstance(inside, k))
        new = base.__new__(cls)
        base.__init__(new, inside)
        vars(new).update(self.pairs(said, depth))
        return new
    def take_enum(self, depth, module, cls, name):
        cls = self.named(module, cls)
        if not issubclass(cls, enum.Enum): raise ValueError('a member of no enumeration')
        return cls[name]
    def take_object(self, depth, module, name, *said):
        cls, fields = self.named(module, name), self.pairs(said, depth)
        if not isinstance(cls, type) or not in_library(cls, self.given):
            raise ValueError('an object of no class')
        if issubclass(cls, tuple) and hasattr(cls, '_fields'):
            return tuple.__new__(cls, map(fields.get, cls._fields))
        new = object.__new__(cls)
        for k, v in fields.items(): put_attribute(new, self.text(k), v)
        return new
