"Known answers to the exercises of 10_nn.module, for `tinybench course prove`."

# %% parts wrong: looks into lists and dicts, not into tuples
def parts(x, kind):
    def inside(pairs, way):
        for name, v in pairs:
            if isinstance(v, kind): yield name, v
            elif id(v) not in way and not isinstance(v, tuple):
                yield from inside(members(name, v), {*way, id(v)})
    return inside(vars(x).items(), set())

# %% parts wrong: a container that stands at two places is found at the first only
def parts(x, kind):
    todo, seen = list(vars(x).items())[::-1], set()
    while todo:
        name, v = todo.pop()
        if isinstance(v, kind): yield name, v
        elif id(v) not in seen:
            seen.add(id(v))
            todo += reversed(members(name, v))

# %% parts wrong: one level of containers only
def parts(x, kind):
    for name, v in vars(x).items():
        if isinstance(v, kind): yield name, v
        else: yield from ((n, part) for n, part in members(name, v) if isinstance(part, kind))

# %% parts wrong: a list that holds itself is looked into for ever
def parts(x, kind):
    def inside(name, v):
        if isinstance(v, kind): yield name, v
        else:
            for n, m in members(name, v): yield from inside(n, m)
    for name, v in vars(x).items(): yield from inside(name, v)

# %% parts wrong: looks into the parts of the parts too
def parts(x, kind):
    def inside(pairs, way):
        for name, v in pairs:
            if isinstance(v, kind): yield name, v
            elif id(v) not in way:
                own = [(f'{name}.{n}', m) for n, m in getattr(v, '__dict__', {}).items()]
                yield from inside(members(name, v) + own, {*way, id(v)})
    return inside(vars(x).items(), set())

# %% parts wrong: a child class does not count
def parts(x, kind):
    def inside(pairs, way):
        for name, v in pairs:
            if type(v) is kind: yield name, v
            elif id(v) not in way: yield from inside(members(name, v), {*way, id(v)})
    return inside(vars(x).items(), set())

# %% parts wrong: attributes first, members after them
def parts(x, kind):
    todo = [(name, v, ()) for name, v in vars(x).items()]
    while todo:
        name, v, way = todo.pop(0)
        if isinstance(v, kind): yield name, v
        elif id(v) not in way: todo += [(n, m, (*way, id(v))) for n, m in members(name, v)]

# %% parts wrong: in the order of the alphabet
def parts(x, kind):
    def inside(pairs, way):
        for name, v in pairs:
            if isinstance(v, kind): yield name, v
            elif id(v) not in way: yield from inside(members(name, v), {*way, id(v)})
    return inside(sorted(vars(x).items(), key=lambda item: item[0]), set())

# %% parts right: by recursion, with the containers themselves on the way down
def parts(x, kind):
    def inside(pairs, way):
        for name, v in pairs:
            if isinstance(v, kind): yield name, v
            elif not any(v is m for m in way): yield from inside(members(name, v), [*way, v])
    return inside(x.__dict__.items(), [])

# %% walk wrong: recursion, which dies in a deep network
def walk(module, path=''):
    seen = set()
    def visit(path, m):
        if id(m) in seen: return
        seen.add(id(m)); yield path, m
        for name, child in parts(m, Module): yield from visit(f'{path}.{name}' if path else name, child)
    yield from visit(path, module)

# %% walk wrong: breadth first
def walk(module, path=''):
    seen, todo = set(), [(path, module)]
    while todo:
        path, m = todo.pop(0)
        if id(m) in seen: continue
        seen.add(id(m)); yield path, m
        todo += [(f'{path}.{name}' if path else name, child) for name, child in parts(m, Module)]

# %% walk wrong: a shared part comes twice
def walk(module, path=''):
    todo = [(path, module)]
    while todo:
        path, m = todo.pop()
        yield path, m
        todo += reversed([(f'{path}.{name}' if path else name, child) for name, child in parts(m, Module)])

# %% walk wrong: marks a part when it is found, so a shared one may get a later path
def walk(module, path=''):
    seen, todo = {id(module)}, [(path, module)]
    while todo:
        path, m = todo.pop()
        yield path, m
        new = [(name, child) for name, child in parts(m, Module) if id(child) not in seen]
        seen.update(id(child) for _, child in new)
        todo += reversed([(f'{path}.{name}' if path else name, child) for name, child in new])

# %% walk wrong: the last part first
def walk(module, path=''):
    seen, todo = set(), [(path, module)]
    while todo:
        path, m = todo.pop()
        if id(m) in seen: continue
        seen.add(id(m)); yield path, m
        todo += [(f'{path}.{name}' if path else name, child) for name, child in parts(m, Module)]

# %% walk wrong: a dot in front of the first name
def walk(module, path=''):
    seen, todo = set(), [(path, module)]
    while todo:
        path, m = todo.pop()
        if id(m) in seen: continue
        seen.add(id(m)); yield path, m
        todo += reversed([(f'{path}.{name}', child) for name, child in parts(m, Module)])

# %% walk right: a stack of half-read parts, one for each module on the way
def walk(module, path=''):
    seen, stack = {id(module)}, [(path, iter(parts(module, Module)))]
    yield path, module
    while stack:
        here, rest = stack[-1]
        name, child = next(rest, (None, None))
        if child is None: stack.pop()
        elif id(child) not in seen:
            seen.add(id(child))
            below = '.'.join([here, name]).lstrip('.')
            yield below, child
            stack.append((below, iter(parts(child, Module))))

# %% misfits wrong: compares sizes, not shapes
def misfits(have, given):
    return ([f'missing: {k} {have[k].shape}' for k in have if k not in given] +
            [f'unexpected: {k} {given[k].shape}' for k in given if k not in have] +
            [f'{k}: expected shape {have[k].shape}, got {given[k].shape}'
             for k in have if k in given and have[k].size != given[k].size])

# %% misfits wrong: takes what numpy would stretch
def misfits(have, given):
    def fits(a, b):
        try: return np.broadcast_shapes(a.shape, b.shape) == a.shape
        except ValueError: return False
    return ([f'missing: {k} {have[k].shape}' for k in have if k not in given] +
            [f'unexpected: {k} {given[k].shape}' for k in given if k not in have] +
            [f'{k}: expected shape {have[k].shape}, got {given[k].shape}'
             for k in have if k in given and not fits(have[k], given[k])])

# %% misfits wrong: name by name, so wrong shapes stand before what is unexpected
def misfits(have, given):
    wrong = []
    for k, a in have.items():
        if k not in given: wrong.append(f'missing: {k} {a.shape}')
        elif given[k].shape != a.shape: wrong.append(f'{k}: expected shape {a.shape}, got {given[k].shape}')
    return wrong + [f'unexpected: {k} {a.shape}' for k, a in given.items() if k not in have]

# %% misfits wrong: compares by place, not by name
def misfits(have, given):
    wrong = [f'missing: {k} {have[k].shape}' for k in have if k not in given]
    wrong += [f'unexpected: {k} {given[k].shape}' for k in given if k not in have]
    return wrong + [f'{k}: expected shape {a.shape}, got {b.shape}'
                    for (k, a), b in zip(have.items(), given.values()) if k in given and a.shape != b.shape]

# %% misfits wrong: stops at the first kind of misfit
def misfits(have, given):
    return ([f'missing: {k} {have[k].shape}' for k in have if k not in given] or
            [f'unexpected: {k} {given[k].shape}' for k in given if k not in have] or
            [f'{k}: expected shape {have[k].shape}, got {given[k].shape}'
             for k in have if have[k].shape != given[k].shape])

# %% misfits wrong: does not look for what is unexpected
def misfits(have, given):
    return ([f'missing: {k} {have[k].shape}' for k in have if k not in given] +
            [f'{k}: expected shape {have[k].shape}, got {given[k].shape}'
             for k in have if k in given and have[k].shape != given[k].shape])

# %% misfits right: three lists, filled in one walk over all names
def misfits(have, given):
    missing, unexpected, other = [], [], []
    for k in dict.fromkeys([*have, *given]):
        a, b = have.get(k), given.get(k)
        if b is None: missing.append(f'missing: {k} {a.shape}')
        elif a is None: unexpected.append(f'unexpected: {k} {b.shape}')
        elif a.shape != b.shape: other.append(f'{k}: expected shape {a.shape}, got {b.shape}')
    return [*missing, *unexpected, *other]
