"Known answers to the exercises of 01_core.tensor, for `tinybench course prove`."

# %% history wrong: recursion, which dies in a deep program
def history(t):
    seen = set()
    def visit(t):
        if not t.made or t in seen: return
        seen.add(t)
        for p in t.made.parents: visit(p)
    visit(t)
    return sorted(seen, key=lambda t: -t.age)

# %% history wrong: the order of discovery, where a parent may come before a later user of it
def history(t):
    order, todo = [], [t]
    while todo:
        t = todo.pop(0)
        if t.made and t not in order:
            order.append(t)
            todo += t.made.parents
    return order

# %% history wrong: counts the tensor it is asked about even if that is a leaf
def history(t):
    seen, todo = {t}, [t]
    while todo:
        made = todo.pop().made
        for p in made.parents if made else ():
            if p.made and p not in seen: seen.add(p); todo.append(p)
    return sorted(seen, key=lambda t: -t.age)

# %% history wrong: what was seen is kept between calls
def history(t, seen=set()):
    todo = [t]
    while todo:
        t = todo.pop()
        if t.made and t not in seen:
            seen.add(t)
            todo += t.made.parents
    return sorted(seen, key=lambda t: -t.age)

# %% history wrong: a tensor used twice comes twice
def history(t):
    found, todo = [], [t]
    while todo:
        t = todo.pop()
        if t.made:
            found.append(t)
            todo += [p for p in t.made.parents if p.made]
    return sorted(found, key=lambda t: -t.age)

# %% history wrong: oldest first
def history(t):
    seen, todo = set(), [t]
    while todo:
        t = todo.pop()
        if t.made and t not in seen:
            seen.add(t)
            todo += t.made.parents
    return sorted(seen, key=lambda t: t.age)

# %% history right: takes the youngest that is known, again and again
def history(t):
    import heapq
    known, heap, order = {t.age: t}, [-t.age], []
    while heap:
        t = known[-heapq.heappop(heap)]
        if not t.made: continue
        order.append(t)
        for p in t.made.parents:
            if p.age not in known: known[p.age] = p; heapq.heappush(heap, -p.age)
    return order

# %% deposit wrong: keeps the array that arrives, and adds into it the next time
def deposit(leaf, g):
    first = leaf.grad is None
    if callable(g): g = g(leaf.buffer if first else None)
    g = unbroadcast(g, leaf.shape)
    if not first: leaf.grad += g
    elif leaf.buffer is None: leaf.grad = g
    else:
        if g is not leaf.buffer: np.copyto(leaf.buffer, g)
        leaf.grad = leaf.buffer

# %% deposit wrong: forgets the buffer
def deposit(leaf, g):
    g = unbroadcast(g() if callable(g) else g, leaf.shape)
    leaf.grad = np.array(g if leaf.grad is None else leaf.grad + g, leaf.dtype)

# %% deposit wrong: adds to what lies in the buffer from before
def deposit(leaf, g):
    first = leaf.grad is None
    if callable(g): g = g(leaf.buffer if first else None)
    g = unbroadcast(g, leaf.shape)
    if first: leaf.grad = np.zeros(leaf.shape, leaf.dtype) if leaf.buffer is None else leaf.buffer
    if g is not leaf.grad: leaf.grad += g

# %% deposit wrong: offers the buffer to later promises too, which overwrite the sum in it
def deposit(leaf, g):
    first = leaf.grad is None
    if callable(g): g = g(leaf.buffer)
    g = unbroadcast(g, leaf.shape)
    if not first: leaf.grad += g
    elif leaf.buffer is None: leaf.grad = np.array(g, dtype=leaf.dtype)
    else:
        if g is not leaf.buffer: np.copyto(leaf.buffer, g)
        leaf.grad = leaf.buffer

# %% deposit wrong: believes that a promise has used the buffer
def deposit(leaf, g):
    first, promised = leaf.grad is None, callable(g)
    if promised: g = g(leaf.buffer if first else None)
    g = unbroadcast(g, leaf.shape)
    if not first: leaf.grad += g
    elif leaf.buffer is None: leaf.grad = np.array(g, dtype=leaf.dtype)
    else:
        if not promised: np.copyto(leaf.buffer, g)
        leaf.grad = leaf.buffer

# %% deposit wrong: never offers the buffer
def deposit(leaf, g):
    first = leaf.grad is None
    if callable(g): g = g()
    g = unbroadcast(g, leaf.shape)
    if not first: leaf.grad += g
    elif leaf.buffer is None: leaf.grad = np.array(g, dtype=leaf.dtype)
    else:
        leaf.buffer[...] = g
        leaf.grad = leaf.buffer

# %% deposit wrong: the second gradient leaves the buffer
def deposit(leaf, g):
    if leaf.grad is not None:
        leaf.grad = (leaf.grad + unbroadcast(g() if callable(g) else g, leaf.shape)).astype(leaf.dtype)
        return
    if callable(g): g = g(leaf.buffer)
    g = unbroadcast(g, leaf.shape)
    leaf.grad = np.empty(leaf.shape, leaf.dtype) if leaf.buffer is None else leaf.buffer
    leaf.grad[...] = g

# %% deposit wrong: replaces the gradient instead of adding
def deposit(leaf, g):
    if callable(g): g = g(leaf.buffer)
    g = unbroadcast(g, leaf.shape)
    leaf.grad = np.array(g, leaf.dtype) if leaf.buffer is None else leaf.buffer
    leaf.grad[...] = g

# %% deposit wrong: keeps the shape that broadcasting made
def deposit(leaf, g):
    first = leaf.grad is None
    if callable(g): g = g(leaf.buffer if first else None)
    if not first: leaf.grad = (leaf.grad + g).astype(leaf.dtype)
    elif leaf.buffer is None: leaf.grad = np.array(g, dtype=leaf.dtype)
    else:
        if g is not leaf.buffer: leaf.buffer[...] = unbroadcast(g, leaf.shape)
        leaf.grad = leaf.buffer

# %% deposit wrong: keeps the type that arrives
def deposit(leaf, g):
    first = leaf.grad is None
    if callable(g): g = g(leaf.buffer if first else None)
    g = unbroadcast(g, leaf.shape)
    if not first: leaf.grad = np.add(leaf.grad, g, out=leaf.buffer)
    elif leaf.buffer is None: leaf.grad = np.array(g)
    else:
        if g is not leaf.buffer: np.copyto(leaf.buffer, g)
        leaf.grad = leaf.buffer

# %% deposit wrong: takes whatever numpy can broadcast
def deposit(leaf, g):
    first = leaf.grad is None
    if callable(g): g = g(leaf.buffer if first else None)
    while g.ndim > leaf.ndim: g = g.sum(0)
    g = np.broadcast_to(g, leaf.shape) if g.size < leaf.size else unbroadcast(g, leaf.shape)
    if not first: leaf.grad += g
    elif leaf.buffer is None: leaf.grad = np.array(g, dtype=leaf.dtype)
    else:
        if g is not leaf.buffer: np.copyto(leaf.buffer, g)
        leaf.grad = leaf.buffer

# %% deposit right: the memory first, and zeros in it if it is not written at once
def deposit(leaf, g):
    later = leaf.grad is not None
    home = leaf.grad if later else np.empty(leaf.shape, leaf.dtype) if leaf.buffer is None else leaf.buffer
    if callable(g): g = g() if later else g(home)
    if g is not home:
        if not later: home[...] = 0
        np.add(home, unbroadcast(g, leaf.shape), out=home, casting='same_kind')
    leaf.grad = home

# %% backward wrong: adds in place into a gradient that two tensors share
def backward(root, g=None, retain=False):
    check_root(root, g)
    grads = {root: np.ones_like(root.data) if g is None else np.asarray(g, root.dtype)}
    if root.made is None: deposit(root, grads[root])
    for t in history(root):
        made = t.made
        if rec := listener(): rec.start(made.scope, 'backward')
        g = grads.pop(t, None)
        if g is not None:
            given = hand_back(made, g)
            for p, gp in zip(made.parents, given):
                if gp is None or not p.requires_grad: continue
                if p.made is None: deposit(p, gp); continue
                gp = unbroadcast(gp() if callable(gp) else gp, p.shape)
                if p in grads: grads[p] += gp
                else: grads[p] = gp
        if not retain: t.made = USED
        if rec: rec.stop(made.scope, 'backward')

# %% backward wrong: calls every promise, and gives gradients to tensors that want none
def backward(root, g=None, retain=False):
    check_root(root, g)
    grads = {root: np.ones_like(root.data) if g is None else np.asarray(g, root.dtype)}
    if root.made is None: deposit(root, grads[root])
    for t in history(root):
        made = t.made
        if rec := listener(): rec.start(made.scope, 'backward')
        g = grads.pop(t, None)
        if g is not None:
            given = hand_back(made, g)
            for p, gp in zip(made.parents, given):
                if gp is None: continue
                if p.made is None: deposit(p, gp); continue
                gp = unbroadcast(gp() if callable(gp) else gp, p.shape)
                grads[p] = grads[p] + gp if p in grads else gp
        if not retain: t.made = USED
        if rec: rec.stop(made.scope, 'backward')

# %% backward wrong: calls promises before it asks whether the parent wants a gradient
def backward(root, g=None, retain=False):
    check_root(root, g)
    grads = {root: np.ones_like(root.data) if g is None else np.asarray(g, root.dtype)}
    if root.made is None: deposit(root, grads[root])
    for t in history(root):
        made = t.made
        if rec := listener(): rec.start(made.scope, 'backward')
        g = grads.pop(t, None)
        if g is not None:
            given = hand_back(made, g)
            for p, gp in zip(made.parents, given):
                if callable(gp) and p.made is not None or not p.requires_grad and callable(gp): gp = gp()
                if gp is None or not p.requires_grad: continue
                if p.made is None: deposit(p, gp); continue
                gp = unbroadcast(gp, p.shape)
                grads[p] = grads[p] + gp if p in grads else gp
        if not retain: t.made = USED
        if rec: rec.stop(made.scope, 'backward')

# %% backward wrong: starts with ones, whatever g it was given
def backward(root, g=None, retain=False):
    check_root(root, g)
    grads = {root: np.ones_like(root.data)}
    if root.made is None: deposit(root, grads[root])
    for t in history(root):
        made = t.made
        if rec := listener(): rec.start(made.scope, 'backward')
        if t in grads:
            given = hand_back(made, grads.pop(t))
            for p, gp in zip(made.parents, given):
                if gp is None or not p.requires_grad: continue
                if p.made is None: deposit(p, gp); continue
                gp = unbroadcast(gp() if callable(gp) else gp, p.shape)
                grads[p] = grads[p] + gp if p in grads else gp
        if not retain: t.made = USED
        if rec: rec.stop(made.scope, 'backward')

# %% backward wrong: never lets the history go
def backward(root, g=None, retain=False):
    check_root(root, g)
    grads = {root: np.ones_like(root.data) if g is None else np.asarray(g, root.dtype)}
    if root.made is None: deposit(root, grads[root])
    for t in history(root):
        made = t.made
        if rec := listener(): rec.start(made.scope, 'backward')
        if t in grads:
            given = hand_back(made, grads.pop(t))
            for p, gp in zip(made.parents, given):
                if gp is None or not p.requires_grad: continue
                if p.made is None: deposit(p, gp); continue
                gp = unbroadcast(gp() if callable(gp) else gp, p.shape)
                grads[p] = grads[p] + gp if p in grads else gp
        if rec: rec.stop(made.scope, 'backward')

# %% backward wrong: the last user's gradient replaces the others'
def backward(root, g=None, retain=False):
    check_root(root, g)
    grads = {root: np.ones_like(root.data) if g is None else np.asarray(g, root.dtype)}
    if root.made is None: deposit(root, grads[root])
    for t in history(root):
        made = t.made
        if rec := listener(): rec.start(made.scope, 'backward')
        if t in grads:
            given = hand_back(made, grads.pop(t))
            for p, gp in zip(made.parents, given):
                if gp is None or not p.requires_grad: continue
                if p.made is None: deposit(p, gp); continue
                grads[p] = unbroadcast(gp() if callable(gp) else gp, p.shape)
        if not retain: t.made = USED
        if rec: rec.stop(made.scope, 'backward')

# %% backward wrong: walks every path by itself, by recursion
def backward(root, g=None, retain=False):
    check_root(root, g)
    tensors = history(root)
    def go(t, g):
        if t.made is None: deposit(t, g); return
        g = unbroadcast(g() if callable(g) else g, t.shape)
        if rec := listener(): rec.start(t.made.scope, 'backward')
        given = hand_back(t.made, g)
        if rec: rec.stop(t.made.scope, 'backward')
        for p, gp in zip(t.made.parents, given):
            if gp is not None and p.requires_grad: go(p, gp)
    go(root, np.ones_like(root.data) if g is None else np.asarray(g, root.dtype))
    if not retain:
        for t in tensors: t.made = USED

# %% backward wrong: tells the listener that the loss works all the time
def backward(root, g=None, retain=False):
    check_root(root, g)
    grads = {root: np.ones_like(root.data) if g is None else np.asarray(g, root.dtype)}
    if root.made is None: deposit(root, grads[root])
    for t in history(root):
        made, g = t.made, grads.pop(t, None)
        if rec := listener(): rec.start(None, 'backward')
        given = () if g is None else hand_back(made, g)
        for p, gp in zip(made.parents, given):
            if gp is None or not p.requires_grad: continue
            if p.made is None: deposit(p, gp); continue
            gp = unbroadcast(gp() if callable(gp) else gp, p.shape)
            grads[p] = grads[p] + gp if p in grads else gp
        if not retain: t.made = USED
        if rec: rec.stop(None, 'backward')

# %% backward wrong: starts from ones of float32, whatever the root is
def backward(root, g=None, retain=False):
    check_root(root, g)
    grads = {root: np.ones(root.shape, np.float32) if g is None else np.asarray(g, root.dtype)}
    if root.made is None: deposit(root, grads[root])
    for t in history(root):
        made, g = t.made, grads.pop(t, None)
        if rec := listener(): rec.start(made.scope, 'backward')
        for p, gp in zip(made.parents, () if g is None else hand_back(made, g)):
            if gp is None or not p.requires_grad: continue
            if p.made is None: deposit(p, gp); continue
            gp = unbroadcast(gp() if callable(gp) else gp, p.shape)
            grads[p] = grads[p] + gp if p in grads else gp
        if not retain: t.made = USED
        if rec: rec.stop(made.scope, 'backward')

# %% backward wrong: asks the row itself, and does not see what was overwritten
def backward(root, g=None, retain=False):
    check_root(root, g)
    grads = {root: np.ones_like(root.data) if g is None else np.asarray(g, root.dtype)}
    if root.made is None: deposit(root, grads[root])
    for t in history(root):
        made, g = t.made, grads.pop(t, None)
        if rec := listener(): rec.start(made.scope, 'backward')
        given = () if g is None else made.op.vjp(g, made.kept, *made.arrays, **made.options)
        for p, gp in zip(made.parents, given):
            if gp is None or not p.requires_grad: continue
            if p.made is None: deposit(p, gp); continue
            gp = unbroadcast(gp() if callable(gp) else gp, p.shape)
            grads[p] = grads[p] + gp if p in grads else gp
        if not retain: t.made = USED
        if rec: rec.stop(made.scope, 'backward')

# %% backward right: no list of the history: whatever holds a gradient and is youngest comes next
def backward(root, g=None, retain=False):
    check_root(root, g)
    g = np.ones_like(root.data) if g is None else np.asarray(g, root.dtype)
    if root.made is None: deposit(root, g)
    waiting = {root: [g]} if root.made else {}
    while waiting:
        t = max(waiting, key=lambda t: t.age)
        g, made = sum(waiting.pop(t)), t.made
        if rec := listener(): rec.start(made.scope, 'backward')
        given = hand_back(made, g)
        for p, gp in zip(made.parents, given):
            if not p.requires_grad or gp is None: continue
            if p.made is None: deposit(p, gp)
            else: waiting.setdefault(p, []).append(unbroadcast(gp() if callable(gp) else gp, p.shape))
        if not retain: t.made = USED
        if rec: rec.stop(made.scope, 'backward')
