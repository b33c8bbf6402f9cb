"Things that both processes have a copy of, and what one of them changed in place"
# Standard library only, and numpy where the lesson has it: this runs inside the walls.
import dataclasses, enum, sys
from .plain import Stand, in_library, numpy, put_attribute, put_state, state_of


def kind_of(x, given) -> str:
    "What kind of thing that can be changed in place `x` is; '' for others."
    np, cls = numpy(), type(x)
    if issubclass(cls, Stand): return ''
    if cls.__module__ == '__main__' and not in_library(cls, given): return ''   # lent, if it is a check's own
    for kind in (list, dict, set):
        if isinstance(x, kind): return kind.__name__
    if np and isinstance(x, np.ndarray): return '' if x.dtype.hasobject else 'array'
    if np and isinstance(x, np.random.Generator): return 'generator'
    if not isinstance(x, (type, tuple, enum.Enum)) and in_library(cls, given): return 'object'
    return ''

def parts_of(x, kind):
    "What is compared to see whether `x` was changed: its members, its attributes, or its bytes."
    if kind == 'array': return x.tobytes()
    if kind == 'generator': return x.bit_generator.state
    return state_of(x) if kind == 'object' else kind_types[kind](x)

kind_types = dict(list=list, dict=dict, set=set)

def same(kind, old, new) -> bool:
    "Whether two such snapshots are of the same thing unchanged."
    if kind in ('array', 'set'): return old == new
    if kind == 'generator': return repr(old) == repr(new)
    if kind == 'list': return len(old) == len(new) and all(a is b for a, b in zip(old, new))
    return old.keys() == new.keys() and all(v is new[k] for k, v in old.items())

def put_in(x, kind, new):
    "Make `x` what it became on the other side."
    if kind == 'array': x[...] = new
    elif kind == 'generator': put_state(x, new)
    elif kind == 'list': x[:] = new
    elif kind != 'object':
        x.clear()
        x.update(new)
    else:
        for k in state_of(x).keys() - new.keys(): object.__delattr__(x, k)
        old = state_of(x)
        for k, v in new.items():
            if k not in old or old[k] is not v: put_attribute(x, k, v)

NUMBERS = frozenset({int, float, bool, complex, type(None)})
SCALARS = NUMBERS | {str, bytes}   # they cannot be changed

def frozen(x) -> bool: return dataclasses.is_dataclass(x) and type(x).__dataclass_params__.frozen

class Known:
    "The things that both have, by number; both find them in the same order, as messages come by."
    def __init__(self, given):
        self.given, self.things, self.numbers, self.next = given, {}, {}, 0
    def number(self, x): return self.numbers.get(id(x))
    def thing(self, n):
        if n not in self.things: raise ValueError('a thing that is not known')
        return self.things[n][0]
    def arrays(self): return [(n, x) for n, (x, kind, _) in self.things.items() if kind == 'array']
    def find(self, values, handed=()) -> int:
        """Number what can be changed in `values` and is not known yet; the number that comes next. What has
        been `handed` over as a handle has no copy there."""
        todo, seen = list(reversed(values)), set()
        while todo:
            x = todo.pop()
            if type(x) in SCALARS: continue
            if isinstance(x, tuple): todo += () if SCALARS.issuperset(map(type, x)) else reversed(x)
            elif id(x) in self.numbers or id(x) in seen or id(x) in handed: continue
            elif kind := kind_of(x, self.given):
                if kind == 'object' and frozen(x): seen.add(id(x))
                else:
                    self.numbers[id(x)] = self.next
                    self.things[self.next] = [x, kind, parts_of(x, kind)]
                    self.next += 1
                if kind == 'list' and not SCALARS.issuperset(map(type, x)): todo += reversed(x)
                if kind == 'dict' and not SCALARS.issuperset(map(type, x.values())):
                    todo += reversed([*x.values()])
                if kind == 'object': todo += reversed([*state_of(x).values()])
        return self.next
    def alone(self) -> list:
        "The numbers of what nothing else in this process holds."
        return [n for n, entry in self.things.items() if sys.getrefcount(entry[0]) <= 2]
    def forget(self, numbers):
        for n in numbers:
            if entry := self.things.pop(n, None): del self.numbers[id(entry[0])]
    def changed(self) -> list:
        "(number, kind, what it is now) of what was changed since this was asked the last time."
        found = []
        for n, entry in self.things.items():
            x, kind, old = entry
            if kind == 'array' and not x.flags.writeable: continue
            if not same(kind, old, new := parts_of(x, kind)):
                entry[2] = new
                found.append((n, kind, x.copy() if kind == 'array' else new))
        return found
    def change(self, n, new):
        x, kind, _ = self.things[n]
        put_in(x, kind, new)
        self.things[n][2] = parts_of(x, kind)
