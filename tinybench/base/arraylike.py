"What a tensor has from its array: comparisons, truth, length, iteration; and where numpy's functions knock"

def plain(v):
    "`v`, with the array in place of each `Arraylike`, also inside tuples, lists and dicts."
    if isinstance(v, Arraylike): return v.data
    if isinstance(v, dict): return {k: plain(a) for k, a in v.items()}
    return type(v)(map(plain, v)) if type(v) in (tuple, list) else v

def fixed(v):
    "`plain(v)` with a copy of each array: an index or a limit as it is now, whatever is written to it later."
    if type(v) in (tuple, list): return type(v)(map(fixed, v))
    v = plain(v)
    return v.copy() if getattr(v, 'ndim', 0) else v

def fractions_in(v) -> bool:
    "Whether `v` is or holds fractions; indices, counts and truth values are none."
    if isinstance(v, (tuple, list)): return any(map(fractions_in, v))
    return isinstance(v, (float, complex)) or getattr(getattr(v, 'dtype', None), 'kind', '') in {'f', 'c'}

def dims(*sizes) -> tuple:
    "A shape or axes in each of numpy's forms, `2, 3`, `(2, 3)` or `[2, 3]`, as a tuple."
    one = sizes[0] if len(sizes) == 1 else sizes
    return tuple(one) if hasattr(one, '__len__') and getattr(one, 'shape', True) else sizes

def along(axis, ndim:int):
    "The axis or axes of a reduction, a list as a tuple; one number, without axes, has 0 and -1 by courtesy."
    if isinstance(axis, list): axis = tuple(axis)
    courtesy = not ndim and all(a in (0, -1) for a in (axis if isinstance(axis, tuple) else (axis,)))
    return None if courtesy else axis

def limit(b):
    "A limit of `clip` as plain numbers; TypeError if it wants a gradient, which `clip` does not give it."
    if not getattr(b, 'requires_grad', False): return fixed(b)
    raise TypeError('a limit of clip gets no gradient: use maximum() and minimum(), or detach() the limit')

class Arraylike:
    "Behaves as the array in `data`, but is equal to nothing as a whole: in a set or a dict it is itself."
    __slots__ = ()
    shape = property(lambda self: self.data.shape)
    ndim  = property(lambda self: self.data.ndim)
    size  = property(lambda self: self.data.size)
    dtype = property(lambda self: self.data.dtype)

    def __eq__(self, o): return self.data == plain(o)
    def __ne__(self, o): return self.data != plain(o)
    def __lt__(self, o): return self.data < plain(o)
    def __le__(self, o): return self.data <= plain(o)
    def __gt__(self, o): return self.data > plain(o)
    def __ge__(self, o): return self.data >= plain(o)
    __hash__ = object.__hash__

    def __bool__(self): return bool(self.data)      # of one number only, as numpy has it
    def __len__(self): return len(self.data)
    def __contains__(self, o): return bool((self == o).any())
    def __iter__(self):
        if not self.ndim: raise TypeError('one number has no parts to iterate over')
        return (self[i] for i in range(len(self)))
    def item(self): return self.data.item()
    def __float__(self): return float(self.data.item())
    def __int__(self): return int(self.data.item())
    def __index__(self): return self.data.__index__()
    def argmax(self, axis=None, *, keepdims=False): return self.data.argmax(axis, keepdims=keepdims)
    def argmin(self, axis=None, *, keepdims=False): return self.data.argmin(axis, keepdims=keepdims)

    def __array_ufunc__(self, f, method, *args, **options):
        return self.by_numpy(f if method == '__call__' else getattr(f, method), args, options)
    def __array_function__(self, f, types, args, options): return self.by_numpy(f, args, options)
