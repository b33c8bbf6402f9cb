"Known answers to the exercises of 71_bench.effects, for `tinybench course prove`."

# %% contrasts wrong: the sum in place of the mean
def contrasts(y, k):
    for axis in range(k):
        without, with_it = np.moveaxis(y, axis, 0)
        y = np.stack([without + with_it, with_it - without], axis)
    return y

# %% contrasts wrong: half of each difference, as a fit with columns of -1 and 1 has it
def contrasts(y, k):
    for axis in range(k):
        without, with_it = np.moveaxis(y, axis, 0)
        y = np.stack([(without + with_it)/2, (with_it - without)/2], axis)
    return y

# %% contrasts wrong: against the base, not in the mean over the other steps
def contrasts(y, k):
    for axis in range(k):
        without, with_it = np.moveaxis(y, axis, 0)
        y = np.stack([without, with_it - without], axis)
    return y

# %% contrasts wrong: changes the cells that it was given
def contrasts(y, k):
    for axis in range(k):
        without, with_it = np.moveaxis(y, axis, 0)
        mean, step = (without + with_it)/2, with_it - without
        without[...], with_it[...] = mean, step
    return y

# %% contrasts wrong: a table of all signs
def contrasts(y, k):
    cells = np.array(np.unravel_index(np.arange(2**k), (2,)*k)).T
    signs = np.ones((2**k, 2**k))
    for j in range(k):
        e, c = cells[:, None, j], cells[None, :, j]
        signs *= np.where(e == 1, 2*c - 1, .5)
    return (signs @ y.reshape(2**k, -1)).reshape(y.shape)

# %% contrasts wrong: one effect after the other, with signs
def contrasts(y, k):
    if k > 12: raise MemoryError('too slow')
    out = np.empty_like(y)
    for effect in np.ndindex((2,)*k):
        v = y
        for e in effect: v = v[1] - v[0] if e else v.mean(0)
        out[effect] = v
    return out

# %% contrasts right: by halves, recursively
def contrasts(y, k):
    if k == 0: return y
    without, with_it = contrasts(y[0], k - 1), contrasts(y[1], k - 1)
    return np.stack([(without + with_it)/2, with_it - without])

# %% block-medians wrong: the pace is left in
def block_medians(y, blocks=10):
    parts = np.array_split(y, min(blocks, y.shape[-1]), axis=-1)
    return np.stack([np.median(part, -1) for part in parts], -1)

# %% block-medians wrong: means, which every interruption moves
def block_medians(y, blocks=10):
    beside = y - y[(0,)*(y.ndim - 1)]
    parts = np.array_split(beside, min(blocks, y.shape[-1]), axis=-1)
    return np.stack([part.mean(-1) for part in parts], -1)

# %% block-medians wrong: the mean of a round, which carries an interruption into all cells
def block_medians(y, blocks=10):
    beside = y - y.mean(tuple(range(y.ndim - 1)))
    parts = np.array_split(beside, min(blocks, y.shape[-1]), axis=-1)
    return np.stack([np.median(part, -1) for part in parts], -1)

# %% block-medians wrong: the median of a round, which jumps to another cell if one is interrupted
def block_medians(y, blocks=10):
    beside = y - np.median(y, tuple(range(y.ndim - 1)))
    parts = np.array_split(beside, min(blocks, y.shape[-1]), axis=-1)
    return np.stack([np.median(part, -1) for part in parts], -1)

# %% block-medians wrong: every tenth round, not rounds in a row
def block_medians(y, blocks=10):
    beside, n = y - y[(0,)*(y.ndim - 1)], min(blocks, y.shape[-1])
    return np.stack([np.median(beside[..., i::n], -1) for i in range(n)], -1)

# %% block-medians wrong: only for rounds that ten divides
def block_medians(y, blocks=10):
    beside = y - y[(0,)*(y.ndim - 1)]
    return np.median(beside.reshape(*y.shape[:-1], blocks, -1), -1)

# %% block-medians wrong: changes the rounds that it was given
def block_medians(y, blocks=10):
    y -= y[(0,)*(y.ndim - 1)].copy()
    parts = np.array_split(y, min(blocks, y.shape[-1]), axis=-1)
    return np.stack([np.median(part, -1) for part in parts], -1)

# %% block-medians right: cell by cell, over the base
def block_medians(y, blocks=10):
    n = y.shape[-1]
    ends = np.linspace(0, n, min(blocks, n) + 1).round().astype(int)
    out = np.empty(y.shape[:-1] + (len(ends) - 1,))
    for cell in np.ndindex(y.shape[:-1]):
        d = y[cell] - y.reshape(-1, n)[0]
        out[cell] = [np.median(d[a:b]) for a, b in zip(ends, ends[1:])]
    return out

# %% block-medians right: over the last cell
def block_medians(y, blocks=10):
    beside = y - y[(1,)*(y.ndim - 1)]
    parts = np.array_split(beside, min(blocks, y.shape[-1]), axis=-1)
    return np.stack([np.median(part, -1) for part in parts], -1)

# %% beyond wrong: the base is taken off once only
def beyond(y, k):
    alone = [y[tuple(int(i == j) for i in range(k))] for j in range(k)]
    return y[(1,)*k] - y[(0,)*k] - sum(alone)

# %% beyond wrong: the interaction of all steps
def beyond(y, k):
    for _ in range(k): y = y[1] - y[0]
    return y

# %% beyond wrong: against what is lost by leaving each out
def beyond(y, k):
    base, together = y[(0,)*k], y[(1,)*k]
    alone = [together - y[tuple(int(i != j) for i in range(k))] for j in range(k)]
    return together - base - sum(alone)

# %% beyond wrong: against the main effects
def beyond(y, k):
    main = [np.diff(np.moveaxis(y, j, 0), axis=0)[0].mean(tuple(range(k - 1))) for j in range(k)]
    return y[(1,)*k] - y[(0,)*k] - sum(main)

# %% beyond wrong: knows no more than three steps
def beyond(y, k):
    base = y[(0,)*k]
    alone = [y[tuple(int(i == j) for i in range(k))] - base for j in range(min(k, 3))]
    return y[(1,)*k] - base - sum(alone)

# %% beyond right: the base k - 1 times back
def beyond(y, k):
    steps = np.eye(k, dtype=int)
    return y[(1,)*k] + (k - 1)*y[(0,)*k] - np.sum([y[tuple(s)] for s in steps], 0)

# %% flip-test wrong: by signs alone
def flip_test(c):
    c = np.asarray(c)
    up, down = int((c > 0).sum()), int((c < 0).sum())
    n, few = up + down, min(up, down)
    return min(1., 2*sum(math.comb(n, i) for i in range(few + 1))/2**n)

# %% flip-test wrong: one side only
def flip_test(c):
    c = np.asarray(c).astype(int)
    odds = np.ones(1)
    for size in np.abs(c[c != 0]):
        stay, move = np.zeros((2, len(odds) + size))
        stay[:len(odds)], move[size:] = odds, odds
        odds = (stay + move)/2
    sums = 2*np.arange(len(odds)) - (len(odds) - 1)
    return min(1., float(odds[sums >= abs(c.sum())].sum()))

# %% flip-test wrong: farther only, not as far
def flip_test(c):
    c = np.asarray(c).astype(int)
    odds = np.ones(1)
    for size in np.abs(c[c != 0]):
        stay, move = np.zeros((2, len(odds) + size))
        stay[:len(odds)], move[size:] = odds, odds
        odds = (stay + move)/2
    sums = 2*np.arange(len(odds)) - (len(odds) - 1)
    return float(odds[np.abs(sums) > abs(c.sum())].sum()) if c.any() else 1.

# %% flip-test wrong: a bell instead of the coins
def flip_test(c):
    c = np.asarray(c, float)
    if not c.any(): return 1.
    return math.erfc(abs(c.sum())/math.sqrt(2*(c*c).sum()))

# %% flip-test wrong: all signs one by one
def flip_test(c):
    from itertools import product
    c = [v for v in np.asarray(c).tolist() if v]
    if len(c) > 20: raise MemoryError(f'2**{len(c)} ways')
    sums = [abs(sum(v*s for v, s in zip(c, signs))) for signs in product((-1, 1), repeat=len(c))]
    return sum(s >= abs(sum(c)) for s in sums)/len(sums)

# %% flip-test wrong: a bell if there are many
def flip_test(c):
    c = [int(v) for v in np.asarray(c) if v]
    if len(c) > 40: return math.erfc((abs(sum(c)) - 1)/math.sqrt(2*sum(v*v for v in c)))
    odds = {0: 1.}
    for v in c:
        new = {}
        for s, p in odds.items():
            for t in (s + v, s - v): new[t] = new.get(t, 0) + p/2
        odds = new
    return min(1., sum(p for s, p in odds.items() if abs(s) >= abs(sum(c))))

# %% flip-test right: a dictionary of sums
def flip_test(c):
    c = [int(v) for v in np.asarray(c) if v]
    odds = {0: 1.}
    for v in c:
        new = {}
        for s, p in odds.items():
            for t in (s + v, s - v): new[t] = new.get(t, 0) + p/2
        odds = new
    return min(1., sum(p for s, p in odds.items() if abs(s) >= abs(sum(c))))
