"Known answers to the exercises of 46_profile.cost, for `tinybench course prove`."

# %% conv-counts wrong: takes every kernel for square
def conv_counts(out, x, w, b, **_) -> Counted:
    macs = out.size*w.shape[0]**2*w.shape[2]
    return Counted(macs, 2*macs + out.size)

# %% conv-counts wrong: takes every image for square
def conv_counts(out, x, w, b, **_) -> Counted:
    n, side, _, f = out.shape
    macs = n*side*side*f*prod(w.shape[:3])
    return Counted(macs, 2*macs + n*side*side*f)

# %% conv-counts wrong: one channel, as if it were depthwise
def conv_counts(out, x, w, b, **_) -> Counted:
    macs = out.size*prod(w.shape[:2])
    return Counted(macs, 2*macs + out.size)

# %% conv-counts wrong: forgets the bias
def conv_counts(out, x, w, b, **_) -> Counted:
    macs = out.size*prod(w.shape[:3])
    return Counted(macs, 2*macs)

# %% conv-counts wrong: adds the bias once for each filter, not for each number
def conv_counts(out, x, w, b, **_) -> Counted:
    macs = out.size*prod(w.shape[:3])
    return Counted(macs, 2*macs + b.size)

# %% conv-counts wrong: a window at each place of the input, so forgets the stride
def conv_counts(out, x, w, b, **_) -> Counted:
    macs = prod(x.shape[:3])*w.size
    return Counted(macs, 2*macs + out.size)

# %% conv-counts wrong: counts the filters twice
def conv_counts(out, x, w, b, **_) -> Counted:
    macs = out.size*w.size
    return Counted(macs, 2*macs + out.size)

# %% conv-counts right: a matrix product, one row of it for each place
def conv_counts(out, x, w, b, **_) -> Counted:
    places, filters = out.size//out.shape[-1], w.shape[-1]
    macs, flops = dense_counts(np.empty((places, filters)), x, w.reshape(-1, filters), np.zeros(filters))
    return Counted(macs, flops)

# %% live-bytes wrong: free already in the step of the last use
def live_bytes(lives:list[Life], steps:int) -> list[int]:
    return [sum(l.nbytes for l in lives if l.made <= i < l.last or i == l.made) for i in range(steps)]

# %% live-bytes wrong: not there yet in the step that makes it
def live_bytes(lives:list[Life], steps:int) -> list[int]:
    return [sum(l.nbytes for l in lives if l.made < i <= l.last) for i in range(steps)]

# %% live-bytes wrong: nothing is ever freed
def live_bytes(lives:list[Life], steps:int) -> list[int]:
    return [sum(l.nbytes for l in lives if l.made <= i) for i in range(steps)]

# %% live-bytes wrong: the peak in the place of each step
def live_bytes(lives:list[Life], steps:int) -> list[int]:
    return [max(sum(l.nbytes for l in lives if l.made <= i <= l.last) for i in range(steps))]*steps

# %% live-bytes wrong: ends with the last life instead of after `steps`
def live_bytes(lives:list[Life], steps:int) -> list[int]:
    steps = 1 + max(l.last for l in lives)
    return [sum(l.nbytes for l in lives if l.made <= i <= l.last) for i in range(steps)]

# %% live-bytes wrong: keeps one array for each pair of made and last
def live_bytes(lives:list[Life], steps:int) -> list[int]:
    sizes = {(l.made, l.last): l.nbytes for l in lives}
    return [sum(size for (made, last), size in sizes.items() if made <= i <= last) for i in range(steps)]

# %% live-bytes wrong: two equal arrays count as one
def live_bytes(lives:list[Life], steps:int) -> list[int]:
    return [sum(l.nbytes for l in set(lives) if l.made <= i <= l.last) for i in range(steps)]

# %% live-bytes wrong: takes what has ended off the list it was given
def live_bytes(lives:list[Life], steps:int) -> list[int]:
    now = []
    for i in range(steps):
        now.append(sum(l.nbytes for l in lives if l.made <= i))
        for l in [l for l in lives if l.last <= i]: lives.remove(l)
    return now

# %% live-bytes right: adds at the birth, subtracts after the last use
def live_bytes(lives:list[Life], steps:int) -> list[int]:
    change, now, out = [0]*(steps + 1), 0, []
    for nbytes, made, last in lives:
        change[made] += nbytes
        change[last + 1] -= nbytes
    for c in change[:steps]:
        now += c
        out.append(now)
    return out

# %% live-bytes right: numpy slices
def live_bytes(lives:list[Life], steps:int) -> list[int]:
    now = np.zeros(steps, int)
    for l in lives: now[l.made:l.last + 1] += l.nbytes
    return now.tolist()

# %% intensity wrong: what is read only
def intensity(c) -> float:
    return c.flops/c.read_bytes if c.read_bytes else nan

# %% intensity wrong: 0 where nothing moves
def intensity(c) -> float:
    moved = c.read_bytes + c.written_bytes
    return c.flops/moved if moved else 0.

# %% intensity wrong: an error where nothing moves
def intensity(c) -> float:
    return c.flops/(c.read_bytes + c.written_bytes)

# %% intensity wrong: numpy's division, infinite where something is computed and nothing moves
def intensity(c) -> float:
    with np.errstate(all='ignore'): return float(np.float64(c.flops)/(c.read_bytes + c.written_bytes))

# %% intensity wrong: NaN already where one of the two is 0
def intensity(c) -> float:
    return c.flops/(c.read_bytes + c.written_bytes) if c.read_bytes and c.written_bytes else nan

# %% intensity wrong: whole numbers only
def intensity(c) -> float:
    moved = c.read_bytes + c.written_bytes
    return c.flops//moved if moved else nan

# %% intensity wrong: rounded for the table
def intensity(c) -> float:
    moved = c.read_bytes + c.written_bytes
    return round(c.flops/moved, 2) if moved else nan

# %% intensity wrong: bytes for each FLOP
def intensity(c) -> float:
    return (c.read_bytes + c.written_bytes)/c.flops if c.flops else nan

# %% intensity right: asks forgiveness
def intensity(c) -> float:
    try: return c.flops/(c.read_bytes + c.written_bytes)
    except ZeroDivisionError: return float('nan')
