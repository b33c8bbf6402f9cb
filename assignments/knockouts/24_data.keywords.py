"Known answers to the exercises of 24_data.keywords, for `tinybench course prove`."

# %% group-folds wrong: by clip, whoever speaks
def group_folds(groups, k, rng):
    if len(np.unique(groups)) < k: raise ValueError('too few groups')
    return rng.permutation(len(groups)) % k

# %% group-folds wrong: dealt in turns, however large the groups are
def group_folds(groups, k, rng):
    names, at = np.unique(groups, return_inverse=True)
    if len(names) < k: raise ValueError('too few groups')
    return (rng.permutation(len(names)) % k)[at]

# %% group-folds wrong: a fold drawn for each group, so that one may be empty or large
def group_folds(groups, k, rng):
    names, at = np.unique(groups, return_inverse=True)
    if len(names) < k: raise ValueError('too few groups')
    while True:
        fold = rng.integers(k, size=len(names))
        if len(set(fold.tolist())) == k: return fold[at]

# %% group-folds wrong: always the same folds
def group_folds(groups, k, rng):
    names, at = np.unique(groups, return_inverse=True)
    if len(names) < k: raise ValueError('too few groups')
    size, fold, held = np.bincount(at), np.empty(len(names), int), np.zeros(k, int)
    for g in np.argsort(-size):
        fold[g] = held.argmin()
        held[fold[g]] += size[g]
    return fold[at]

# %% group-folds wrong: few groups leave folds empty, and no word is said
def group_folds(groups, k, rng):
    names, at = np.unique(groups, return_inverse=True)
    size, fold, held = np.bincount(at), np.empty(len(names), int), np.zeros(k, int)
    for g in rng.permutation(len(names)):
        fold[g] = held.argmin()
        held[fold[g]] += size[g]
    return fold[at]

# %% group-folds wrong: the clips that follow each other, cut where a voice ends
def group_folds(groups, k, rng):
    groups = np.asarray(groups)
    if len(np.unique(groups)) < k: raise ValueError('too few groups')
    starts = np.concatenate([[True], groups[1:] != groups[:-1]])
    return (starts.cumsum() - 1) % k

# %% group-folds right: the largest groups first, those of one size in a random order
def group_folds(groups, k, rng):
    names, at, size = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < k: raise ValueError(f'{len(names)} groups for {k} folds')
    order = rng.permutation(len(names))
    fold, held = [0]*len(names), [0]*k
    for g in order[np.argsort(-size[order], kind='stable')].tolist():
        fold[g] = held.index(min(held))
        held[fold[g]] += int(size[g])
    return np.array(fold)[at]

# %% group-interval wrong: clips drawn anew, not groups
def group_interval(hits, groups, rng, level=.95, draws=2000):
    shares = [hits[rng.integers(len(hits), size=len(hits))].mean() for _ in range(draws)]
    lo, hi = np.quantile(shares, [(1 - level)/2, (1 + level)/2])
    return float(lo), float(hi)

# %% group-interval wrong: the mean of the groups' shares, however large they are
def group_interval(hits, groups, rng, level=.95, draws=2000):
    names, at = np.unique(groups, return_inverse=True)
    share = np.bincount(at, hits)/np.bincount(at)
    drawn = rng.integers(len(names), size=(draws, len(names)))
    lo, hi = np.quantile(share[drawn].mean(1), [(1 - level)/2, (1 + level)/2])
    return float(lo), float(hi)

# %% group-interval wrong: each group at most once
def group_interval(hits, groups, rng, level=.95, draws=2000):
    names, at = np.unique(groups, return_inverse=True)
    right, n = np.bincount(at, hits), np.bincount(at)
    drawn = np.array([rng.permutation(len(names))[:max(len(names)//2, 1)] for _ in range(draws)])
    lo, hi = np.quantile(right[drawn].sum(1)/n[drawn].sum(1), [(1 - level)/2, (1 + level)/2])
    return float(lo), float(hi)

# %% group-interval wrong: 95 % whatever the level
def group_interval(hits, groups, rng, level=.95, draws=2000):
    names, at = np.unique(groups, return_inverse=True)
    right, n = np.bincount(at, hits), np.bincount(at)
    drawn = rng.integers(len(names), size=(draws, len(names)))
    lo, hi = np.quantile(right[drawn].sum(1)/n[drawn].sum(1), [.025, .975])
    return float(lo), float(hi)

# %% group-interval wrong: one tail of each draw too few
def group_interval(hits, groups, rng, level=.95, draws=2000):
    names, at = np.unique(groups, return_inverse=True)
    right, n = np.bincount(at, hits), np.bincount(at)
    drawn = rng.integers(len(names), size=(draws, len(names)))
    lo, hi = np.quantile(right[drawn].sum(1)/n[drawn].sum(1), [1 - level, level])
    return float(lo), float(hi)

# %% group-interval wrong: takes for granted that clips of a group follow each other
def group_interval(hits, groups, rng, level=.95, draws=2000):
    hits, groups = np.asarray(hits), np.asarray(groups)
    at = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
    right, n = np.add.reduceat(hits.astype(int), at), np.diff(np.append(at, len(hits)))
    drawn = rng.integers(len(at), size=(draws, len(at)))
    lo, hi = np.quantile(right[drawn].sum(1)/n[drawn].sum(1), [(1 - level)/2, (1 + level)/2])
    return float(lo), float(hi)

# %% group-interval right: how often each group comes, as a matrix
def group_interval(hits, groups, rng, level=.95, draws=2000):
    names, at = np.unique(groups, return_inverse=True)
    g = len(names)
    times = rng.multinomial(g, np.full(g, 1/g), size=draws)
    share = (times @ np.bincount(at, hits))/(times @ np.bincount(at))
    return tuple(np.quantile(share, [.5 - level/2, .5 + level/2]).tolist())

# %% smooth wrong: the first wave twice as large
def smooth(c):
    return np.sqrt(2/40)*(c @ np.cos(np.pi/40*np.outer(np.arange(c.shape[-1]), np.arange(40) + .5)))

# %% smooth wrong: always ten waves
def smooth(c):
    c = c[..., :10]
    waves = np.sqrt(2/40)*np.cos(np.pi/40*np.outer(np.arange(c.shape[-1]), np.arange(40) + .5))
    waves[0] /= 2
    return c @ waves

# %% smooth wrong: scaled by how many numbers there are
def smooth(c):
    keep = c.shape[-1]
    waves = np.cos(np.pi/40*np.outer(np.arange(keep), np.arange(40) + .5))*np.sqrt(keep/200)
    waves[0] /= 2
    return c @ waves

# %% smooth wrong: the bands are cut off at both ends
def smooth(c):
    waves = np.sqrt(2/40)*np.cos(np.pi/40*np.outer(np.arange(c.shape[-1]), np.arange(40) + .5))
    waves[0] /= 2
    return np.clip(c @ waves, -10, 10)

# %% smooth wrong: changes what it is given
def smooth(c):
    c[..., 0] /= 2
    return np.sqrt(2/40)*(c @ np.cos(np.pi/40*np.outer(np.arange(c.shape[-1]), np.arange(40) + .5)))

# %% smooth right: the inverse of what dct does to each band
def smooth(c):
    return c @ np.linalg.pinv(dct(np.eye(40), c.shape[-1]))

# %% warp-matrix wrong: the frequencies go down where they should go up
def warp_matrix(factor, keep=10):
    moved = [np.interp(BANDS_HZ*factor, BANDS_HZ, curve) for curve in smooth(np.eye(keep))]
    return dct(np.array(moved), keep).astype(np.float32)

# %% warp-matrix wrong: stretches mel, not hertz
def warp_matrix(factor, keep=10):
    j = np.arange(40) + 1.
    moved = [np.interp(j/factor, j, curve) for curve in smooth(np.eye(keep))]
    return dct(np.array(moved), keep).astype(np.float32)

# %% warp-matrix wrong: made for column vectors
def warp_matrix(factor, keep=10):
    moved = [np.interp(BANDS_HZ/factor, BANDS_HZ, curve) for curve in smooth(np.eye(keep))]
    return dct(np.array(moved), keep).astype(np.float32).T

# %% warp-matrix wrong: zero beyond the ends
def warp_matrix(factor, keep=10):
    moved = [np.interp(BANDS_HZ/factor, BANDS_HZ, curve, 0, 0) for curve in smooth(np.eye(keep))]
    return dct(np.array(moved), keep).astype(np.float32)

# %% warp-matrix wrong: ten numbers, whatever is asked for
def warp_matrix(factor, keep=10):
    moved = [np.interp(BANDS_HZ/factor, BANDS_HZ, curve) for curve in smooth(np.eye(10))]
    return dct(np.array(moved), 10).astype(np.float32)[:keep, :keep]

# %% warp-matrix wrong: the band that is nearest, not between two
def warp_matrix(factor, keep=10):
    near = np.abs(BANDS_HZ/factor - BANDS_HZ[:, None]).argmin(0)
    return dct(smooth(np.eye(keep))[:, near], keep).astype(np.float32)

# %% warp-matrix right: a matrix for each of the three steps
def warp_matrix(factor, keep=10):
    back, forward = smooth(np.eye(keep)), dct(np.eye(40), keep)
    read = np.stack([np.interp(BANDS_HZ/factor, BANDS_HZ, e) for e in np.eye(40)])
    return (back @ read @ forward).astype(np.float32)
