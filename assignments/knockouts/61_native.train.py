"Known answers to the exercises of 61_native.train, for `tinybench course prove`."

# %% phases wrong: as if the stride were 1
def phases(n, k, stride, before, out): return [Phase(0, n, k - 1, k, k - 1 - before, n + before - out)]

# %% phases wrong: one convolution for each weight of a stride, not for each input
def phases(n, k, stride, before, out):
    found = []
    for first in range(stride):
        start, taps = (first - before) % stride, -(-(k - first)//stride)
        shift, count = (start + before)//stride, -(-(n - start)//stride)
        last = first + stride*(taps - 1)
        found.append(Phase(start, count, last, taps, taps - 1 - shift, count + shift - out))
    return found

# %% phases wrong: forgets the zeros before the input
def phases(n, k, stride, before, out):
    found = []
    for start in range(min(stride, n)):
        taps, count = -(-(k - start)//stride) if k > start else 0, -(-(n - start)//stride)
        found.append(Phase(start, count, start + stride*(taps - 1), taps, taps - 1, count - out))
    return found

# %% phases wrong: a place in a stride that no weight reaches has one all the same
def phases(n, k, stride, before, out):
    found = []
    for start in range(min(stride, n)):
        first, shift = (start + before) % stride, (start + before)//stride
        taps, count = max(-(-(k - first)//stride), 1), -(-(n - start)//stride)
        last = first + stride*(taps - 1)
        found.append(Phase(start, count, last, taps, taps - 1 - shift, count + shift - out))
    return found

# %% phases wrong: places that have no input
def phases(n, k, stride, before, out):
    found = []
    for start in range(stride):
        first, shift = (start + before) % stride, (start + before)//stride
        taps, count = -(-(k - first)//stride) if k > first else 0, -(-(n - start)//stride)
        last = first + stride*(taps - 1)
        found.append(Phase(start, count, last, taps, taps - 1 - shift, count + shift - out))
    return found if n > 2 else found + [Phase(0, 0, 0, 0, 0, 0)]

# %% phases right: lists the weights of each input
def phases(n, k, stride, before, out):
    found = []
    for start in range(min(stride, n)):
        reach = [i for i in range(k) if (start + before - i) % stride == 0]
        rows = range(start, n, stride)
        last = reach[-1] if reach else (start + before) % stride - stride
        low, high = (start + before - last)//stride, (rows[-1] + before - (start + before) % stride)//stride
        found.append(Phase(start, len(rows), last, len(reach), -low, high - (out - 1)))
    return found

# %% chunk wrong: does not divide the images
def chunk(images, numbers): return max(1, min(images, WARM//numbers))

# %% chunk wrong: a power of two
def chunk(images, numbers):
    k = 1
    while images % (2*k) == 0 and 2*k*numbers <= WARM: k *= 2
    return k

# %% chunk wrong: less than warm
def chunk(images, numbers):
    return max(k for k in range(1, images + 1) if images % k == 0 and (k == 1 or k*numbers < WARM))

# %% chunk wrong: nothing if one image is too large
def chunk(images, numbers):
    return max([k for k in range(1, images + 1) if images % k == 0 and k*numbers <= WARM], default=0)

# %% chunk right: from the most on down
def chunk(images, numbers):
    for k in range(min(images, WARM//numbers), 1, -1):
        if images % k == 0: return k
    return 1

# %% with-relu wrong: whoever else reads it
def with_relu(nodes):
    kept, new = [], {}
    for v, n in enumerate(nodes):
        ins = tuple(new[i] if type(i) is int else i for i in n.ins)
        before = kept[ins[0]] if n.op and n.op.name == 'relu' else None
        if before and before.op and before.op.name in OPEN:
            joined = before.options | {OPEN[before.op.name]: True}
            kept[ins[0]], new[v] = before._replace(options=joined), ins[0]
        else:
            new[v] = len(kept)
            kept.append(n._replace(ins=ins))
    return kept

# %% with-relu wrong: BatchNorm only
def with_relu(nodes):
    reads, kept, new = [i for n in nodes for i in n.ins if type(i) is int], [], {}
    for v, n in enumerate(nodes):
        ins = tuple(new[i] if type(i) is int else i for i in n.ins)
        before = kept[ins[0]] if n.op and n.op.name == 'relu' else None
        if before and before.op and before.op.name == 'batchnorm' and reads.count(n.ins[0]) == 1:
            kept[ins[0]], new[v] = before._replace(options=before.options | dict(relu=True)), ins[0]
        else:
            new[v] = len(kept)
            kept.append(n._replace(ins=ins))
    return kept

# %% with-relu wrong: the numbers are the old ones
def with_relu(nodes):
    reads, kept = [i for n in nodes for i in n.ins if type(i) is int], []
    for n in nodes:
        last = kept[-1] if kept and kept[-1].op else None
        if n.op and n.op.name == 'relu' and last and last.op.name in OPEN and reads.count(n.ins[0]) == 1:
            kept[-1] = last._replace(options=last.options | {OPEN[last.op.name]: True})
        else: kept.append(n)
    return kept

# %% with-relu wrong: writes into the options that it was given
def with_relu(nodes):
    reads, kept, new = [i for n in nodes for i in n.ins if type(i) is int], [], {}
    for v, n in enumerate(nodes):
        ins = tuple(new[i] if type(i) is int else i for i in n.ins)
        before = kept[ins[0]] if n.op and n.op.name == 'relu' else None
        if before and before.op and before.op.name in OPEN and reads.count(n.ins[0]) == 1:
            before.options[OPEN[before.op.name]] = True
            new[v] = ins[0]
        else:
            new[v] = len(kept)
            kept.append(n._replace(ins=ins))
    return kept

# %% with-relu right: looks for who reads first
def with_relu(nodes):
    readers = {}
    for v, n in enumerate(nodes):
        for i in n.ins:
            if type(i) is int: readers.setdefault(i, []).append(v)
    def joins(v):
        n = nodes[v]
        if n.op is None or n.op.name != 'relu': return False
        b = nodes[n.ins[0]]
        return b.op is not None and b.op.name in OPEN and readers[n.ins[0]] == [v]
    stays = [v for v in range(len(nodes)) if not joins(v)]
    new = {v: k for k, v in enumerate(stays)}
    new |= {v: new[nodes[v].ins[0]] for v in range(len(nodes)) if joins(v)}
    found = []
    for v in stays:
        n, options = nodes[v], dict(nodes[v].options)
        if any(joins(r) for r in readers.get(v, [])): options[OPEN[n.op.name]] = True
        found.append(n._replace(ins=tuple(new[i] if type(i) is int else i for i in n.ins), options=options))
    return found
