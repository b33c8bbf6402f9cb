"What a check passes, pickled: what both processes have goes by number, what is its own is only lent"
# Standard library only: this runs inside the walls.
import copyreg, io, os, pathlib, pickle, shutil, sys, tempfile, threading, types, weakref
from .handles import Handle, deeds_of, function, kind_with
from .plain import in_library, numpy
from .shared import NUMBERS, SCALARS


def importable(x, given) -> bool:
    "Whether the other process finds this class or function under its name too."
    module, name = getattr(x, '__module__', None), getattr(x, '__qualname__', '')
    if not isinstance(module, str) or module == '__main__' and name.split('.')[0] not in given: return False
    found = sys.modules.get(module)
    for part in name.split('.'): found = getattr(found, part, None)
    return found is x

def crosses(e, given) -> bool:
    "Whether an error can be rebuilt in the other process: its class may be the check's own."
    try: pickle.loads(pickle.dumps(e))
    except Exception: return False
    return importable(type(e), given)

BY_NAME = types.FunctionType, types.BuiltinFunctionType, type
LENT = (types.MethodType, io.IOBase, type(threading.Lock()), type(threading.RLock()), threading.Event,
        weakref.ref)
PLAIN = {int, float, str, bool, bytes, list, tuple, dict, set, frozenset, complex, type(None), range, slice}

def bare(values, known) -> bool:
    "Whether it is numbers, text (no path), and new tuples, lists, dicts or arrays of them: pickled as it is."
    np, todo, seen = numpy(), [values], set()   # seen: a list may hold itself, or another one twice
    while todo:
        x = todo.pop()
        t = type(x)
        if t is str:
            if x[:1] == '/': return False
        elif t in SCALARS or id(x) in seen: continue
        elif t is not tuple and known.number(x) is not None: return False
        elif t in (tuple, list, dict):
            seen.add(id(x))
            for inside in (x, x.values()) if t is dict else (x,):
                kinds = {*map(type, inside)}   # most hold numbers, which nobody looks at one by one
                if not kinds <= NUMBERS: todo += inside
        elif not np or t is not np.ndarray and not (t.__module__ == 'numpy' and issubclass(t, np.generic)):
            return False
        elif x.dtype.hasobject: return False
    return True

def pickled(values, link) -> bytes:
    "What a `Pickler` makes of `values`, without asking it where there is nothing to ask."
    sys.setrecursionlimit(max(limit := sys.getrecursionlimit(), 10_000))   # a network may be deep
    try:
        if bare(values, link.known): return pickle.dumps(values, 5)
        pickler = Pickler(out := io.BytesIO(), 5)
        pickler.link, pickler.alive = link, values
        pickler.dump(values)
        return out.getvalue()
    finally: sys.setrecursionlimit(limit)

class Pickler(pickle.Pickler):
    "Pickles what the other process can rebuild; says by number what it has, and what it is only lent."
    def persistent_id(self, x):
        t, link = type(x), self.link
        if t in (str, pathlib.PosixPath) and str(x)[:1] == '/' and in_scratch(x):
            return 'path', os.fsencode(x), t is str, files_at(pathlib.Path(x))
        if t in PLAIN and t not in (list, dict, set): return
        if (n := link.known.number(x)) is not None and link.known.things[n][0] is x: return 'known', n
        if t in PLAIN: return
        if isinstance(x, Handle): return 'yours', x._at
        if isinstance(x, types.FunctionType) and id(x) in link.stands: return 'yours', link.stands[id(x)][0]
        if isinstance(x, BY_NAME) and (importable(x, link.given) or found_in_c(x)): return
        if isinstance(x, types.TracebackType): return 'nothing', 0
        if isinstance(x, types.MappingProxyType): return 'mapping', dict(x)
        if t not in link.lends:   # asked for each object: iterators, functions, files, a check's own classes
            own = t.__flags__ >> 9 & 1 and not importable(t, link.given)   # made by a class statement
            link.lends[t] = own or issubclass(t, (*BY_NAME, *LENT)) or hasattr(t, '__next__')
        if link.lends[t]:
            name = getattr(x, '__name__', t.__name__)
            is_function, base = isinstance(x, types.FunctionType), base_of(t, link.given)
            return 'lent', link.lend(x), is_function, name, deeds_of(x), base

    def reducer_override(self, x):
        cls = type(x)
        reduces = cls.__reduce__ is not object.__reduce__
        if reduces and in_library(cls, self.link.given) and hasattr(x, '__dict__'):
            return copyreg.__newobj__, (cls,), vars(x)   # as it is, not by way of a constructor
        return NotImplemented

def base_of(cls, given):
    "The nearest class of the library that `cls`, one of a check's, is derived from."
    return next((c for c in cls.__mro__ if in_library(c, given) and importable(c, given)), None)

def found_in_c(x) -> bool:
    "Whether a built-in function is a module's, not an object's method."
    return isinstance(x, types.BuiltinFunctionType) and isinstance(x.__self__, (types.ModuleType, type(None)))

def in_scratch(path) -> bool:
    "Whether there is such a file or folder of a check."
    return str(path).startswith(tempfile.gettempdir() + os.sep) and os.path.exists(path)

def files_at(path) -> dict|bytes:
    "A file, or all files in a folder."
    if path.is_file(): return path.read_bytes()
    return {os.fsencode(p.name): files_at(p) for p in path.iterdir()}

def put_at(path, found):
    "Make the file or folder be there, as it is in the other process."
    if isinstance(found, bytes):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_bytes() != found: path.write_bytes(found)
        return
    path.mkdir(parents=True, exist_ok=True)
    for p in [p for p in path.iterdir() if os.fsencode(p.name) not in found]:
        shutil.rmtree(p) if p.is_dir() else p.unlink()
    for name, data in found.items(): put_at(path/os.fsdecode(name), data)

class Unpickler(pickle.Unpickler):
    "Rebuilds it in the answer's process; what was lent becomes a handle."
    def persistent_load(self, said):
        kind, at, *more = said
        link = self.link
        if kind == 'known': return link.known.thing(at)
        if kind == 'yours': return link.at(at)
        if kind == 'nothing': return None
        if kind == 'path':
            put_at(path := pathlib.Path(os.fsdecode(at)), more[1])
            return str(path) if more[0] else path
        if kind == 'mapping': return types.MappingProxyType(at)
        is_function, name, deeds, base = more
        if is_function: return function(link, at, None, name)
        return kind_with(tuple(deeds), False, base)(link, at, name)
