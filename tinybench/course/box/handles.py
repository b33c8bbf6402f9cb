"Stands for a thing of the other process: what is done with it is done there"
# Standard library only, and numpy where the lesson has it: this runs inside the walls.
import inspect, operator, types
from functools import lru_cache
from .plain import Stand, numpy


def enter(x): return type(x).__enter__(x)
def leave(x, *error): return type(x).__exit__(x, *error)
def as_array(x): return numpy().array(x)

# By what a type has to have for it: what is asked of the other side, and what does it there
DEEDS = dict(
    call=lambda x, *args, **named: x(*args, **named), iter=iter, next=next, len=len, enter=enter, exit=leave,
    getitem=operator.getitem, setitem=operator.setitem, delitem=operator.delitem, contains=operator.contains,
    reversed=reversed, float=float, int=int, index=operator.index, bool=bool, complex=complex, array=as_array)
ALWAYS = dict(self=lambda x: x, get=getattr, set=setattr, str=str, repr=repr)
PLAIN = dict(len=int, contains=bool, float=float, int=int, index=int, bool=bool, complex=complex, str=str,
             repr=str)
SIGNS = 'add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift rshift'.split()

def deeds_of(x) -> tuple:
    "What can be done with `x`, by its type."
    def has(name): return getattr(type(x), f'__{name}__', None) is not None
    return tuple(name for name in DEEDS if has(name))

def may_be_done(x, deed, args) -> bool:
    "Whether the student's process may do this with a thing of a check's."
    if deed in DEEDS or deed in ('str', 'repr'): return True
    inner = types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.ModuleType, type
    if isinstance(x, inner) or not args or type(args[0]) is not str or args[0].startswith('_'): return False
    if isinstance(x, types.GeneratorType): return deed == 'get' and args[0] in ('send', 'throw', 'close')
    return not isinstance(x, (types.FrameType, types.CodeType, types.TracebackType))

def do(x, deed, args, named):
    "Do it."
    return (DEEDS.get(deed) or ALWAYS[deed])(x, *args, **named)

NO_WORD = ('your code returned an object of a kind of its own ({}), which cannot be compared here. '
           'Return plain numbers, text, arrays, lists or dicts.')

# What text and sets say of themselves, compared with something: noted where an answer's own class says it
ABOUT = {'startswith', 'endswith', 'issubset', 'issuperset', 'isdisjoint', 'count', 'equals', 'allclose'}

class Handle(Stand):
    "Something of the other process, by its number `_at`; `_link` leads there."
    __slots__ = '_link', '_at', '_name', '__weakref__'
    def __init__(self, link, at, name):
        for k, v in dict(_link=link, _at=at, _name=name).items(): object.__setattr__(self, k, v)
    def __getattr__(self, name):
        if name.startswith('__array_'): raise AttributeError(name)   # what numpy asks of everything
        if self._link.judging and name in ABOUT and self._name not in self._link.written:
            self._link.asked = self._name
        return self._link.ask(self._at, 'get', (name,))
    def __setattr__(self, name, value): self._link.ask(self._at, 'set', (name, value))
    def __str__(self): return plainly(self, 'str')
    def __repr__(self): return plainly(self, 'repr')
    __hash__ = object.__hash__

def plainly(x, deed, *args):
    "What the other side says, which has to be of the right type."
    said, kind = x._link.ask(x._at, deed, args), PLAIN[deed]
    if type(said) is not kind: raise TypeError(f'__{deed}__ of {x._name} returned no {kind.__name__}')
    return said

def left(self, kind, e, trace):
    "Leave a `with`: an error of a check ends there only if the solution catches some, a failed check never."
    said, link = self._link.ask(self._at, 'exit', (kind, e, None)), self._link
    if not link.judging: return said
    caught = kind and issubclass(kind, Exception) and not issubclass(kind, AssertionError)
    return bool(caught and link.catches and said is True)

def method(deed):
    if deed in PLAIN: return lambda self, *args: plainly(self, deed, *args)
    if deed == 'exit': return left
    if deed == 'array': return lambda self, dtype=None, copy=None: values(self, dtype)
    return lambda self, *args, **named: self._link.ask(self._at, deed, args, named)

def values(x, dtype=None):
    "The numbers of a handle."
    a = x._link.ask(x._at, 'array')
    if type(a) is not numpy().ndarray: raise TypeError(f'{x._name} is no array')
    return a if dtype is None else a.astype(dtype)

def contains(self, x):
    "Whether `x` is in a handle: found out here, where that is possible and its class is none to be written."
    if self._name not in self._link.written:
        if hasattr(type(self), '__iter__'): return any(v is x or v == x for v in self)
        self._link.asked = self._name
    return plainly(self, 'contains', x)

def refused(self, other):
    self._link.refused = self._name
    raise TypeError(NO_WORD.format(self._name))

def with_numbers(sign, swapped):
    "An operator between the numbers of a handle and something else, computed here."
    f = getattr(operator, sign)
    if swapped: return lambda self, other: f(other, values(self))
    return lambda self, other: f(values(self), other)

@lru_cache(None)
def kind_with(deeds, judging, base=None) -> type:
    "The class of handles with which `deeds` can be done; where it is `judging`, no comparison is believed."
    names = {f'__{d}__': method(d) for d in deeds} | dict(__slots__=())
    if judging:
        names |= {f'__{c}__': refused for c in ('eq', 'ne', 'lt', 'le', 'gt', 'ge')}
        names['__hash__'] = object.__hash__
        if 'contains' in deeds: names['__contains__'] = contains
        for s in SIGNS if 'array' in deeds else ():
            plain = s.strip('_')
            names |= {f'__{plain}__': with_numbers(s, False), f'__r{plain}__': with_numbers(s, True)}
        if 'array' in deeds: names['__abs__'] = lambda self: abs(values(self))
        if 'array' in deeds: names['__neg__'] = lambda self: -values(self)
    if base: names['__class__'] = property(lambda self: base)
    if not judging:
        names['__dict__'] = property(lambda self: self._link.ask(self._at, 'get', ('__dict__',)))
    return type('Handle', (Handle,), names)

signature = lru_cache(None)(inspect.signature)

def function(link, at, like=None, name='function'):
    "A function that is called in the other process; it looks like `like`."
    def far(*args, **named): return link.ask(at, 'call', args, named)
    link.stands[id(far)] = at, far
    far.__name__ = far.__qualname__ = name
    if like is None: return far
    for k in ('__name__', '__qualname__', '__doc__', '__module__', '__annotations__'):
        setattr(far, k, getattr(like, k))
    far.__signature__ = signature(like)
    far.__defaults__, far.__kwdefaults__ = None, None
    return far

class ClassHandle(Handle):
    "A class of the answer: calling it makes an object there."
    __slots__ = ()
    def __call__(self, *args, **named): return self._link.ask(self._at, 'call', args, named)
    def __instancecheck__(self, x):
        return isinstance(x, Handle) and self._link.ask(('of', self._at), 'call', (x,)) is True
    __hash__ = object.__hash__
