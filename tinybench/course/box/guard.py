"Puts back what a student's code replaced, and disarms classes that are equal to everything"
# It is for the checks that share a process with the answer, and for the cells after one that replaced
# something; others go by value, and lean on nothing here. What it puts back are names of the watched modules
# and of those that a lesson imports. No list of tricks is ever complete: rather than to add one, let a check
# go by value. What still gets through: memory rewritten through ctypes, and code that looks at the stack
# (sys._getframe, a signal's handler) or replaces something for the length of one call. Such code meets hidden
# checks only when it can tell nobody what it saw, and `peculiar` points the instructor to it.
# Standard library only: this runs inside the walls.
import builtins, random, sys, types


WATCHED = ('builtins', 'math', 'operator', 'numpy', 'fastcore', 'tinybench', 'contextlib', 'json',
           'random', 'inspect')

def held(modules) -> list:
    "(dictionary, name, value, what it is made of) of every function and class of the watched modules."
    kinds = types.FunctionType, types.BuiltinFunctionType, type, types.MethodWrapperType, types.ModuleType
    # as np.add, np.allclose, np.random.default_rng
    numpys = 'ufunc', '_ArrayFunctionDispatcher', 'cython_function_or_method'
    spaces = [vars(m) for name, m in modules.items()
              if m and name.split('.')[0] in WATCHED and hasattr(m, '__dict__')]
    return [(space, name, value, made_of(value)) for space in spaces for name, value in list(space.items())
            if isinstance(value, kinds) or type(value).__name__ in numpys]

def made_of(f) -> list:
    "(function, code, defaults, keyword defaults) of a Python function, and of those that it wraps."
    found, inside = [], {'classmethod': '__func__', 'staticmethod': '__func__', 'property': 'fget'}
    while f is not None and not isinstance(f, type) and len(found) < 9:
        if isinstance(f, types.FunctionType):
            found.append((f, f.__code__, f.__defaults__, f.__kwdefaults__ and dict(f.__kwdefaults__)))
        f = getattr(f, inside.get(type(f).__name__, '__wrapped__'), None)
    return found

def as_it_was(f, code, defaults, named) -> bool:
    "Whether a function is still made of these; where not, it is again."
    now = f.__kwdefaults__ or {}
    same = now.keys() == (named or {}).keys() and all(now[k] is named[k] for k in now)
    if f.__code__ is code and f.__defaults__ is defaults and same: return True
    f.__code__, f.__defaults__, f.__kwdefaults__ = code, defaults, named and dict(named)
    return False

def put_back(kept) -> list:
    "Undo what replaced any of `kept`; the names that had been replaced."
    changed = []
    for space, name, value, made in kept:
        whole = all([as_it_was(*m) for m in made])
        if whole and space.get(name) is value: continue
        space[name] = value
        changed.append(f'{space.get("__name__", "?")}.{name}')
    return changed

COMPARES = '__eq__', '__ne__', '__lt__', '__le__', '__gt__', '__ge__'
HOOKS = '__array_ufunc__', '__array_function__', '__array_wrap__', '__array_eq__'

def held_methods(modules) -> list:
    "(class, name, value, what it is made of) of methods of tinybench's, fastcore's, contextlib's classes."
    ours = [m for name, m in modules.items()
            if m and name.split('.')[0] in ('tinybench', 'fastcore', 'contextlib')]
    classes = {id(c): c for m in ours for c in vars(m).values()
               if isinstance(c, type) and c.__module__ == m.__name__}
    kinds = types.FunctionType, classmethod, staticmethod, property
    return [(c, name, v, made_of(v)) for c in classes.values()
            for name, v in [*dict.fromkeys((*COMPARES, *HOOKS)).items(), *vars(c).items()]
            if isinstance(v, kinds) or v is None and name not in vars(c)]

def put_back_methods(kept) -> list:
    "Undo what replaced a method, or added a comparison; the names that had been replaced or added."
    changed = []
    for c, name, value, made in kept:
        whole = all([as_it_was(*m) for m in made])
        if whole and vars(c).get(name) is value: continue
        if value is None: type.__delattr__(c, name)
        else: type.__setattr__(c, name, value)
        changed.append(f'{c.__name__}.{name}')
    return changed

def all_classes() -> dict:
    "Every class there is, by id."
    found, todo = {}, [object]
    while todo:
        c = todo.pop()
        if id(c) not in found:
            found[id(c)] = c
            todo += type.__subclasses__(c)
    return found

def names_of(c, get=type.__dict__['__dict__'].__get__) -> types.MappingProxyType:
    "What class `c` defines, whatever its metaclass says."
    return get(c)

def installed(module, folders=tuple(p for p in sys.path if p)) -> bool:
    "Whether the module of this name is Python's or a package's, but for those that are made to lie."
    file = str(getattr(sys.modules.get(module), '__file__', ''))
    return file.startswith(folders) and module != 'unittest.mock' and module.split('.')[0] != '_pytest'

def in_c(name, method) -> bool:
    "Whether `method` is C's, under its own name: `__eq__ = float.__ne__` is not."
    if type(method) in (type(object.__eq__), type(str.join)): return method.__name__ == name
    heap = type(method).__flags__ >> 9 & 1
    return type(method).__name__ == 'instancemethod' and not heap  # pybind11's

def in_cell(c, name, method) -> bool:
    "Whether the method `name` of `c` is a student's: not C's, nor an installed module's own function."
    if method is None or in_c(name, method): return False
    space, module = getattr(method, '__globals__', None), type.__getattribute__(c, '__module__')
    home = space and space.get('__name__')
    theirs = isinstance(home, str) and installed(home) and space is vars(sys.modules[home])
    at = sys.modules.get(module) if isinstance(module, str) else None
    for part in type.__getattribute__(c, '__qualname__').split('.'): at = getattr(at, part, None)
    if at is c and installed(module): return space is not None and not theirs
    return not theirs or method.__closure__ is not None  # a decorator of theirs around a student's

def lies(c) -> bool:
    """Whether the class, written in a cell, hooks into numpy, or claims to equal a random number or several
    small ones, or to be on both sides of one."""
    written = [name for name in (*COMPARES, *HOOKS) if in_cell(c, name, names_of(c).get(name))]
    if not written or set(HOOKS) & set(written): return bool(written)
    defined = [name for name in COMPARES if name in names_of(c)]
    drawn = random.SystemRandom().random()
    for make in (lambda: c.__new__(c), lambda: c.__new__(c, ()), lambda: object.__new__(c)):
        try: one = make()
        except BaseException: continue  # a student's `__new__` may raise anything
        found = [claims(one, defined, other) for other in (drawn, str(drawn), [drawn], object())]
        lying = {'__eq__'}, {'__lt__', '__gt__'}, {'__le__', '__ge__'}
        if any(said >= both for said in found for both in lying): return True
        return sum('__eq__' in claims(one, defined, n) for n in range(-9, 99)) > 1
    return False

def claims(one, names, other) -> set:
    "Which of the comparisons `names` of `one` with `other` come out true."
    found = set()
    for name in names:
        try:
            answer = getattr(one, name)(other)
            if answer is not NotImplemented and bool(answer): found.add(name)
        except BaseException: pass  # no answer, as an array is; and a student's method may raise anything
    return found

def among_its_own(c, method, frame=sys._getframe):
    "The comparison `method` of class `c`, for objects of that class, and wherever a line of a cell compares."
    def compare(self, other):
        at = frame(1)
        while at.f_globals.get('__name__') in ('functools', 'collections'): at = at.f_back  # on whose behalf?
        own = at.f_code.co_filename.startswith('<ipython-input')
        return method(self, other) if own or c in type(other).__mro__ else NotImplemented
    names = {'__builtins__': dict(vars(builtins))}  # a student's class holds it, and may look at its globals
    return types.FunctionType(compare.__code__, names, compare.__name__, None, compare.__closure__)

def disarm(known, kept, space=None) -> tuple:
    """Take lying methods from classes that are not in `known`, and keep others among their own objects, by
    functions that go into `kept` by id; what a check wrote, in `space`, is left. Names of the liars, and of
    all whose comparisons were written by hand."""
    liars, new = [], []
    for c in [c for i, c in all_classes().items() if i not in known]:
        names = [n for n in (*COMPARES, *HOOKS)
                 if in_cell(c, n, m := names_of(c).get(n)) and id(m) not in kept
                 and (space is None or getattr(m, '__globals__', None) is not space)]
        if not names: continue
        files = {getattr(getattr(names_of(c)[n], '__code__', None), 'co_filename', '') for n in names}
        if files != {'<string>'}: new.append(c.__name__)  # else a dataclass wrote them
        if lying := lies(c): liars.append(c.__name__)
        for name in names:
            method = names_of(c)[name]
            type.__delattr__(c, name)
            if lying or name in HOOKS or not isinstance(method, types.FunctionType): continue
            honest = among_its_own(c, method)
            kept[id(honest)] = honest
            type.__setattr__(c, name, honest)
    return liars, new

def by_type(x, name, hasattr=hasattr, type=type) -> bool:
    "`hasattr`, which looks for special names in the type."
    return hasattr(type(x) if name.startswith('__') else x, name)

def pins(statements) -> dict:
    "What the import statements bind; those that fail are left out. To run them also warms the process up."
    found = {}
    for line in statements:
        try: exec(line, names := {})
        except Exception: continue  # the cell that imports will say why, to whoever runs it
        found |= {k: v for k, v in names.items() if k != '__builtins__'}
    return found

def guarded(pinned=()):
    "Notes what checks lean on, `pinned` modules too; a function that puts it back, and says what it found."
    also = {f'numpy.{m.__name__}': m for m in dict(pinned).values() if isinstance(m, types.ModuleType)}
    others = {k: m for k, m in also.items() if m.__name__.split('.')[0] not in WATCHED}
    kept = held(sys.modules) + held(others)
    classes, tamed, methods = all_classes(), {}, held_methods(sys.modules)
    modules = {name: m for name, m in sys.modules.items() if name.split('.')[0] in WATCHED}
    kinds = {name: type(m) for name, m in modules.items()}
    def restore(space=None) -> list:
        for clear in (sys.settrace, sys.setprofile): clear(None)
        swapped = [name for name, m in modules.items()
                   if sys.modules.get(name) is not m or type(m) is not kinds[name]]
        sys.modules.update(modules)
        for name, m in modules.items():
            if type(m) is not kinds[name]: types.ModuleType.__setattr__(m, '__class__', kinds[name])
        changed = swapped + put_back(kept) + put_back_methods(methods)
        liars, new = disarm(classes, tamed, space)
        said = {'put back': changed, 'equal to everything, so no longer believed': liars,
                'comparisons made while it ran': new if space is not None else []}
        return [f'{what}: {", ".join(names[:5])}' for what, names in said.items() if names]
    return restore
