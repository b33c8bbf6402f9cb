"Known answers to the exercises of 50_optimize.step, for `tinybench course prove`."

# %% strip wrong: takes them out of the network that was given
def strip(net):
    for _, m in walk(net):
        if isinstance(m, Sequential): m.layers = [l for l in m.layers if not isinstance(l, Dropout)]
    return net

# %% strip wrong: only in the outermost chain
def strip(net):
    return clone(Sequential(*[m for m in net if not isinstance(m, Dropout)]))

# %% strip wrong: only the first of a chain
def strip(net):
    def f(layers):
        at = next((i for i, m in enumerate(layers) if isinstance(m, Dropout)), None)
        return layers if at is None else layers[:at] + layers[at+1:]
    return rewrite(net, f)

# %% strip wrong: the new network shares its weights with the old one
def strip(net):
    def shallow(m):
        m = copy.copy(m)
        if isinstance(m, Sequential): m.layers = [shallow(l) for l in m.layers if not isinstance(l, Dropout)]
        elif type(m).__name__ == 'Residual': m.body = shallow(m.body)
        return m
    return shallow(net)

# %% strip wrong: forgets the shortcuts
def strip(net):
    net = clone(net)
    def cut(m):
        if isinstance(m, Sequential): m.layers = [l for l in m.layers if not isinstance(l, Dropout)]
        for l in m.layers if isinstance(m, Sequential) else [m.body] if hasattr(m, 'body') else []: cut(l)
    cut(net)
    return net

# %% strip right: an empty chain in the place of each
def strip(net):
    def f(layers):
        kept = []
        for m in layers:
            if isinstance(m, Dropout): continue
            kept.append(m)
        return kept
    return rewrite(net, f)

# %% to-bfloat16 wrong: cuts the lower half off
def to_bfloat16(x):
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return np.where(np.isnan(x), np.uint16(0x7fc0), (bits >> 16).astype(np.uint16))

# %% to-bfloat16 wrong: a tie goes away from zero
def to_bfloat16(x):
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return np.where(np.isnan(x), np.uint16(0x7fc0), ((bits + 0x8000) >> 16).astype(np.uint16))

# %% to-bfloat16 wrong: a tie goes towards zero
def to_bfloat16(x):
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return np.where(np.isnan(x), np.uint16(0x7fc0), ((bits + 0x7fff) >> 16).astype(np.uint16))

# %% to-bfloat16 wrong: a NaN with low bits becomes infinite
def to_bfloat16(x):
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    nan = np.isnan(x) & ((bits >> 16) & 0x7f > 0)
    rounded = np.where(np.isnan(x), bits >> 16, (bits + 0x7fff + ((bits >> 16) & 1)) >> 16)
    return np.where(nan, np.uint16(0x7fc0), rounded).astype(np.uint16)

# %% to-bfloat16 wrong: minus zero loses its sign
def to_bfloat16(x):
    x = np.asarray(x, np.float32) + np.float32(0)
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    rounded = ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(x), np.uint16(0x7fc0), rounded)

# %% to-bfloat16 wrong: what is too large becomes the largest number
def to_bfloat16(x):
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    rounded = ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    rounded = np.where(np.isfinite(x) & (rounded & 0x7fff == 0x7f80), rounded - 1, rounded).astype(np.uint16)
    return np.where(np.isnan(x), np.uint16(0x7fc0), rounded)

# %% to-bfloat16 right: by comparing the dropped half with the middle
def to_bfloat16(x):
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    kept, dropped = bits >> 16, bits & 0xffff
    up = (dropped > 0x8000) | (dropped == 0x8000) & (kept % 2 == 1)
    return np.where(np.isnan(x), 0x7fc0, kept + up).astype(np.uint16)

# %% pairwise wrong: one after the other
def pairwise_sum(v):
    total = v.dtype.type(0)
    for t in v: total = total + t
    return total

# %% pairwise wrong: an odd length loses its last term
def pairwise_sum(v):
    while len(v) > 1: v = v[:len(v)//2] + v[len(v)//2:2*(len(v)//2)]
    return v[0]

# %% pairwise wrong: adds in float32 and rounds once
def pairwise_sum(v):
    return v.astype(np.float32).sum()

# %% pairwise wrong: leaves the order to numpy
def pairwise_sum(v):
    return v.sum()

# %% pairwise wrong: changes what it was given
def pairwise_sum(v):
    n = len(v)
    while n > 1:
        half = n//2
        v[:half] += v[n-half:n]
        n -= half
    return v[0]

# %% pairwise right: neighbours, and a zero where one is missing
def pairwise_sum(v):
    while len(v) > 1:
        if len(v) % 2: v = np.append(v, v.dtype.type(0))
        v = v[::2] + v[1::2]
    return v[0]
