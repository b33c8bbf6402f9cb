"Known answers to the exercises of 31_models.weights, for `tinybench course prove`."

# %% field wrong: the distance to the vtable has no sign
def field(raw, table, slot):
    vtable = table - number(raw, table, '<I')
    if number(raw, vtable, '<H') < 6 + 2*slot: return None
    behind = number(raw, vtable + 4 + 2*slot, '<H')
    return table + behind if behind else None

# %% field wrong: reads behind a short vtable
def field(raw, table, slot):
    vtable = table - number(raw, table, '<i')
    behind = number(raw, vtable + 4 + 2*slot, '<H')
    return table + behind if behind else None

# %% field wrong: one slot too many
def field(raw, table, slot):
    vtable = table - number(raw, table, '<i')
    if number(raw, vtable, '<H') < 4 + 2*slot: return None
    behind = number(raw, vtable + 4 + 2*slot, '<H')
    return table + behind if behind else None

# %% field wrong: a field that is left out lies where the table begins
def field(raw, table, slot):
    vtable = table - number(raw, table, '<i')
    if number(raw, vtable, '<H') < 6 + 2*slot: return None
    return table + number(raw, vtable + 4 + 2*slot, '<H')

# %% field wrong: counted from the vtable
def field(raw, table, slot):
    vtable = table - number(raw, table, '<i')
    if number(raw, vtable, '<H') < 6 + 2*slot: return None
    behind = number(raw, vtable + 4 + 2*slot, '<H')
    return vtable + behind if behind else None

# %% field right: all slots as a list
def field(raw, table, slot):
    vtable = table - number(raw, table, '<i')
    n = (number(raw, vtable, '<H') - 4)//2
    slots = [number(raw, vtable + 4 + 2*i, '<H') for i in range(n)]
    return table + slots[slot] if slot < n and slots[slot] else None

# %% vector wrong: a copy
def vector(raw, at, dtype):
    start = at + number(raw, at, '<I')
    return np.array(np.frombuffer(raw, dtype, number(raw, start, '<I'), start + 4))

# %% vector wrong: as much as there is
def vector(raw, at, dtype):
    start = at + number(raw, at, '<I')
    n = min(number(raw, start, '<I'), (len(raw) - start - 4)//np.dtype(dtype).itemsize)
    return np.frombuffer(raw, dtype, n, start + 4)

# %% vector wrong: the offset counts from the beginning of the file
def vector(raw, at, dtype):
    start = number(raw, at, '<I')
    return np.frombuffer(raw, dtype, number(raw, start, '<I'), start + 4)

# %% vector wrong: the length is in bytes
def vector(raw, at, dtype):
    start = at + number(raw, at, '<I')
    return np.frombuffer(raw, dtype, number(raw, start, '<I')//np.dtype(dtype).itemsize, start + 4)

# %% vector wrong: what is empty at the end of the file is refused
def vector(raw, at, dtype):
    start = at + number(raw, at, '<I')
    n = number(raw, start, '<I')
    if n*np.dtype(dtype).itemsize >= len(raw) - start - 4 and len(raw) < 100: raise ValueError('damaged')
    return np.frombuffer(raw, dtype, n, start + 4)

# %% vector wrong: the offset has 16 bits
def vector(raw, at, dtype):
    start = at + number(raw, at, '<H')
    return np.frombuffer(raw, dtype, number(raw, start, '<I'), start + 4)

# %% vector wrong: the length has 16 bits
def vector(raw, at, dtype):
    start = at + number(raw, at, '<I')
    if number(raw, start, '<I') > len(raw): raise ValueError('cut off')
    return np.frombuffer(raw, dtype, number(raw, start, '<H'), start + 4)

# %% vector right: a slice of a view of all bytes
def vector(raw, at, dtype):
    start = at + number(raw, at, '<I')
    size = number(raw, start, '<I')*np.dtype(dtype).itemsize
    part = np.frombuffer(raw, np.uint8)[start + 4:start + 4 + size]
    if len(part) != size: raise ValueError('cut off')
    return part.view(dtype)

# %% real wrong: subtracts in int8
def real(q, scale, zero, axis=-1):
    along = [1]*np.ndim(q); along[axis] = -1
    q, zero = np.asarray(q), np.asarray(zero).reshape(along)
    with np.errstate(all='ignore'): codes = q - zero.astype(q.dtype)
    return (np.asarray(scale, np.float32).reshape(along)*codes).astype(np.float32)

# %% real wrong: along the last axis, whatever the axis
def real(q, scale, zero, axis=-1):
    q = np.asarray(q, np.float32)
    return np.asarray(scale, np.float32)*(q - np.asarray(zero, np.float32))

# %% real wrong: along the first axis if it has the length for it
def real(q, scale, zero, axis=-1):
    along = [1]*np.ndim(q); along[np.shape(q).index(len(scale)) if len(scale) > 1 else 0] = -1
    scale, zero = (np.asarray(v, np.float32).reshape(along) for v in (scale, zero))
    return scale*(np.asarray(q, np.float32) - zero)

# %% real wrong: float64
def real(q, scale, zero, axis=-1):
    along = [1]*np.ndim(q); along[axis] = -1
    scale, zero = (np.asarray(v, float).reshape(along) for v in (scale, zero))
    return scale*(np.asarray(q, float) - zero)

# %% real wrong: the zero is not scaled
def real(q, scale, zero, axis=-1):
    along = [1]*np.ndim(q); along[axis] = -1
    scale, zero = (np.asarray(v, np.float32).reshape(along) for v in (scale, zero))
    return scale*np.asarray(q, np.float32) - zero

# %% real right: the axis last, and back
def real(q, scale, zero, axis=-1):
    q = np.moveaxis(np.asarray(q, np.float32), axis, -1)
    return np.moveaxis(np.asarray(scale, np.float32)*(q - np.asarray(zero, np.float32)), -1, axis)

# %% fork wrong: the beginning of both ways
def fork(a, b, sources):
    def walk(t):
        yield t
        while len(sources.get(t, ())) == 1:
            t, = sources[t]
            yield t
    both = [t for t in walk(b) if t in set(walk(a))]
    if not both: raise ValueError('they begin apart')
    return both[-1]

# %% fork wrong: step by step at the same time
def fork(a, b, sources):
    while a != b:
        if len(sources.get(a, ())) != 1 or len(sources.get(b, ())) != 1: raise ValueError('they begin apart')
        (a,), (b,) = sources[a], sources[b]
    return a

# %% fork wrong: an arm has at least one operator
def fork(a, b, sources):
    def walk(t):
        while len(sources.get(t, ())) == 1:
            t, = sources[t]
            yield t
    seen = set(walk(a))
    for t in walk(b):
        if t in seen: return t
    raise ValueError('they begin apart')

# %% fork wrong: through additions, along their first source
def fork(a, b, sources):
    def walk(t):
        yield t
        while t in sources:
            t = sources[t][0]
            yield t
    seen = set(walk(a))
    for t in walk(b):
        if t in seen: return t
    raise ValueError('they begin apart')

# %% fork wrong: an input of the network, if they do not meet
def fork(a, b, sources):
    seen = {a}
    while len(sources.get(a, ())) == 1: a, = sources[a]; seen.add(a)
    while b not in seen and len(sources.get(b, ())) == 1: b, = sources[b]
    return b

# %% fork wrong: takes the tensors out of `sources`
def fork(a, b, sources):
    seen = {a}
    while len(sources.get(a, ())) == 1: a, = sources.pop(a); seen.add(a)
    while b not in seen:
        if len(sources.get(b, ())) != 1: raise ValueError('they begin apart')
        b, = sources[b]
    return b

# %% fork wrong: a larger number is computed later
def fork(a, b, sources):
    while a != b:
        if a < b: a, b = b, a
        if len(sources.get(a, ())) != 1: raise ValueError('they begin apart')
        a, = sources[a]
    return a

# %% fork right: two lists, compared from their ends
def fork(a, b, sources):
    ways = []
    for t in (a, b):
        way = [t]
        while len(sources.get(way[-1], ())) == 1: way.append(sources[way[-1]][0])
        ways.append(way[::-1])
    common = [s for s, t in zip(*ways) if s == t]
    if not common: raise ValueError('they begin apart')
    return common[-1]

# %% as-ours wrong: width before height
def as_ours(op, w):
    if w.ndim != AXES[op] or op == 'DEPTHWISE_CONV_2D' and w.shape[0] != 1: raise ValueError(str(w.shape))
    if op == 'DEPTHWISE_CONV_2D': return w[0]
    return w.T if op == 'FULLY_CONNECTED' else w.transpose(2, 1, 3, 0)

# %% as-ours wrong: the numbers stay in their order
def as_ours(op, w):
    if w.ndim != AXES[op] or op == 'DEPTHWISE_CONV_2D' and w.shape[0] != 1: raise ValueError(str(w.shape))
    if op == 'DEPTHWISE_CONV_2D': return w[0]
    return w.reshape(*w.shape[1:], w.shape[0])

# %% as-ours wrong: copies
def as_ours(op, w):
    if w.ndim != AXES[op] or op == 'DEPTHWISE_CONV_2D' and w.shape[0] != 1: raise ValueError(str(w.shape))
    if op == 'DEPTHWISE_CONV_2D': return w[0].copy()
    return np.ascontiguousarray(w.T if op == 'FULLY_CONNECTED' else w.transpose(1, 2, 3, 0))

# %% as-ours wrong: reverses all axes
def as_ours(op, w):
    if w.ndim != AXES[op] or op == 'DEPTHWISE_CONV_2D' and w.shape[0] != 1: raise ValueError(str(w.shape))
    return w[0] if op == 'DEPTHWISE_CONV_2D' else w.T

# %% as-ours wrong: a convolution with any number of axes
def as_ours(op, w):
    if op == 'CONV_2D': return np.moveaxis(w, 0, -1)
    if w.ndim != AXES[op] or op == 'DEPTHWISE_CONV_2D' and w.shape[0] != 1: raise ValueError(str(w.shape))
    return w[0] if op == 'DEPTHWISE_CONV_2D' else w.T

# %% as-ours right: the first axis to the end
def as_ours(op, w):
    odd = len(w) != 1 and op == 'DEPTHWISE_CONV_2D'
    if w.ndim != AXES[op] or odd: raise ValueError(f'{w.shape} for {op}')
    return w.squeeze(0) if op == 'DEPTHWISE_CONV_2D' else np.moveaxis(w, 0, -1)

# %% between wrong: from the end to the start
def between(start, end, nodes, sources):
    if end == start: return ()
    if end not in nodes: raise ValueError(end)
    before, arms = sources[end][0], ()
    if nodes[end].op == 'ADD':
        before = fork(*sources[end], sources)
        arms = sorted((between(before, t, nodes, sources) for t in sources[end]), key=len)[::-1]
    return (replace(nodes[end], arms=tuple(arms)), *between(start, before, nodes, sources))

# %% between wrong: arms in the order of the file
def between(start, end, nodes, sources):
    found = ()
    while end != start:
        if not (given := sources.get(end)): raise ValueError(f'{end} is computed of nothing')
        at = given[0] if len(given) == 1 else fork(*given, sources)
        arms = tuple(between(at, t, nodes, sources) for t in given) if len(given) > 1 else ()
        found, end = (replace(nodes[end], arms=arms), *found), at
    return found

# %% between wrong: an addition goes on along its first arm
def between(start, end, nodes, sources):
    if end == start: return ()
    if end not in sources: raise ValueError(f'nothing makes {end}')
    first, *second = sources[end]
    arms = ()
    if second:
        at = fork(first, *second, sources)
        one, two = (between(at, t, nodes, sources) for t in (first, *second))
        arms = (one, two) if len(one) > len(two) else (two, one)
    return between(start, first, nodes, sources) + (replace(nodes[end], arms=arms),)

# %% between wrong: an empty arm has the fork in it
def between(start, end, nodes, sources):
    if end == start: return ()
    if end not in nodes: raise ValueError(f'no node makes {end}')
    n, begin = nodes[end], sources[end][0]
    if n.op == 'ADD':
        begin = fork(*sources[end], sources)
        own = (nodes[begin],) if begin in nodes else ()
        def arm(t): return between(begin, t, nodes, sources) or own
        n = replace(n, arms=tuple(sorted(map(arm, sources[end]), key=len, reverse=True)))
    return (*between(start, begin, nodes, sources), n)

# %% between wrong: all nodes with a smaller number
def between(start, end, nodes, sources):
    if end not in nodes and end != start: raise ValueError(end)
    if end < start: raise ValueError(start)
    found = []
    for i in sorted(nodes):
        if start < i <= end:
            n = nodes[i]
            if n.op == 'ADD':
                at = fork(*sources[i], sources)
                arms = sorted((between(at, t, nodes, sources) for t in sources[i]), key=len, reverse=True)
                found = [m for m in found if m not in [k for arm in arms for k in arm]]
                n = replace(n, arms=tuple(arms))
            if n.op != 'C4' or end == 4: found.append(n)
    return tuple(found)

# %% between right: the beginning, and then the last one
def between(start, end, nodes, sources):
    if end == start: return ()
    if end not in nodes: raise ValueError(f'{end} does not come from {start}')
    n, given = nodes[end], sources[end]
    if len(given) == 1: return between(start, given[0], nodes, sources) + (n,)
    at = fork(*given, sources)
    one, two = (between(at, t, nodes, sources) for t in given)
    arms = (one, two) if len(one) >= len(two) else (two, one)
    return between(start, at, nodes, sources) + (replace(n, arms=arms),)
