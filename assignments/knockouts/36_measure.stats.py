"Known answers to the exercises of 36_measure.stats, for `tinybench course prove`."

# %% median-ranks wrong: ranks from 0
def median_ranks(n, level=.95, inflation=1.):
    if n < (need := fewest_values(level)): raise ValueError(f'n={n}: too few, {need} are needed')
    k = int((2*bdtr(np.arange(n//2), n, .5) <= 1 - level).sum())
    if inflation > 1: k = max(min(k, wide_rank(n, level, inflation)), 1)
    return k - 1, n - k

# %% median-ranks wrong: the upper rank is one too low
def median_ranks(n, level=.95, inflation=1.):
    if n < (need := fewest_values(level)): raise ValueError(f'n={n}: too few, {need} are needed')
    k = int((2*bdtr(np.arange(n//2), n, .5) <= 1 - level).sum())
    if inflation > 1: k = max(min(k, wide_rank(n, level, inflation)), 1)
    return k, n - k

# %% median-ranks wrong: forgets one of the two ways to miss
def median_ranks(n, level=.95, inflation=1.):
    if n < (need := fewest_values(level)): raise ValueError(f'n={n}: too few, {need} are needed')
    k = int((bdtr(np.arange(n//2), n, .5) <= 1 - level).sum())
    if inflation > 1: k = max(min(k, wide_rank(n, level, inflation)), 1)
    return k, n + 1 - k

# %% median-ranks wrong: a bell curve in the place of the coins
def median_ranks(n, level=.95, inflation=1.):
    if n < (need := fewest_values(level)): raise ValueError(f'n={n}: too few, {need} are needed')
    k = max(math.floor(n/2 - ndtri((1 + level)/2)*math.sqrt(n)/2 + .5), 1)
    if inflation > 1: k = max(min(k, wide_rank(n, level, inflation)), 1)
    return k, n + 1 - k

# %% median-ranks wrong: 95% whatever the level
def median_ranks(n, level=.95, inflation=1.):
    if n < (need := fewest_values(level)): raise ValueError(f'n={n}: too few, {need} are needed')
    k = int((2*bdtr(np.arange(n//2), n, .5) <= .05).sum())
    if inflation > 1: k = max(min(k, wide_rank(n, level, inflation)), 1)
    return k, n + 1 - k

# %% median-ranks wrong: with much leaning the rank falls below 1
def median_ranks(n, level=.95, inflation=1.):
    if n < (need := fewest_values(level)): raise ValueError(f'n={n}: too few, {need} are needed')
    k = int((2*bdtr(np.arange(n//2), n, .5) <= 1 - level).sum())
    if inflation > 1: k = min(k, wide_rank(n, level, inflation))
    return k, n + 1 - k

# %% median-ranks wrong: widens even where nothing leans
def median_ranks(n, level=.95, inflation=1.):
    if n < (need := fewest_values(level)): raise ValueError(f'n={n}: too few, {need} are needed')
    k = int((2*bdtr(np.arange(n//2), n, .5) <= 1 - level).sum())
    k = max(min(k, wide_rank(n, level, inflation)), 1)
    return k, n + 1 - k

# %% median-ranks wrong: needs 6 values at any level
def median_ranks(n, level=.95, inflation=1.):
    if n < 6: raise ValueError(f'n={n}: too few')
    k = int((2*bdtr(np.arange(n//2), n, .5) <= 1 - level).sum())
    if inflation > 1: k = max(min(k, wide_rank(n, level, inflation)), 1)
    return k, n + 1 - k

# %% median-ranks wrong: rarer than 1-level, where as rare will do
def median_ranks(n, level=.95, inflation=1.):
    if n < (need := fewest_values(level)): raise ValueError(f'n={n}: too few, {need} are needed')
    k = 0
    while 2*bdtr(k, n, .5) < 1 - level: k += 1
    if inflation > 1: k = max(min(k, wide_rank(n, level, inflation)), 1)
    return k, n + 1 - k

# %% median-ranks right: goes outwards in, with whole numbers
def median_ranks(n, level=.95, inflation=1.):
    if n < fewest_values(level): raise ValueError(f'{n} values are too few for {level}')
    k, ways, total = 0, 0, 2**n
    while k < n//2:
        ways += math.comb(n, k)
        if 2*ways/total > 1 - level: break
        k += 1
    if inflation > 1 and k > 1: k = max(1, min(k, wide_rank(n, level, inflation)))
    return k, n - k + 1

# %% median-ranks right: tries each k from the middle down
def median_ranks(n, level=.95, inflation=1.):
    if n < fewest_values(level): raise ValueError(f'too few values: {n}')
    k = next(k for k in range(n//2, 0, -1) if bdtr(k - 1, n, .5) <= (1 - level)/2 or k == 1)
    if inflation > 1:
        wide = wide_rank(n, level, inflation)
        if wide < k: k = wide if wide > 1 else 1
    return k, n + 1 - k

# %% median-ranks right: where values lean the wide rank alone, since it is never the larger of the two
def median_ranks(n, level=.95, inflation=1.):
    need = fewest_values(level)
    if n < need: raise ValueError(f'{n} values are too few, {need} are needed')
    if inflation > 1: k = max(wide_rank(n, level, inflation), 1)
    else: k = int(np.searchsorted(2*bdtr(np.arange(n//2), n, .5), 1 - level, side='right'))
    return k, n + 1 - k

# %% fewest-for wrong: knows only of no exceedance
def fewest_for(p, level=.99, over=1):
    check_share(p=p, level=level)
    return math.ceil(math.log(1 - level)/math.log(p))

# %% fewest-for wrong: doubles and does not halve the gap
def fewest_for(p, level=.99, over=1):
    check_share(p=p, level=level)
    n = over + 1
    while bdtr(over, n, 1 - p) > 1 - level: n *= 2
    return n

# %% fewest-for wrong: stops one short of enough
def fewest_for(p, level=.99, over=1):
    check_share(p=p, level=level)
    n = over + 1
    while bdtr(over, n, 1 - p) > 1 - level: n += 1
    return n - 1

# %% fewest-for wrong: fewer than `over` in the place of at most `over`
def fewest_for(p, level=.99, over=1):
    check_share(p=p, level=level)
    n = over + 1
    while bdtr(over - 1, n, 1 - p) > 1 - level: n += 1
    return n

# %% fewest-for wrong: never looks at the level it was given
def fewest_for(p, level=.99, over=1):
    check_share(p=p)
    n = over + 1
    while bdtr(over, n, 1 - p) > .01: n += 1
    return n

# %% fewest-for wrong: never answers the least number there is, over + 1
def fewest_for(p, level=.99, over=1):
    check_share(p=p, level=level)
    lo, hi = over + 1, over + 2
    while bdtr(over, hi, 1 - p) > 1 - level: lo, hi = hi, 2*hi
    while hi - lo > 1:
        mid = (lo + hi)//2
        if bdtr(over, mid, 1 - p) <= 1 - level: hi = mid
        else: lo = mid
    return hi

# %% fewest-for wrong: the level is not checked
def fewest_for(p, level=.99, over=1):
    check_share(p=p)
    n = over + 1
    while bdtr(over, n, 1 - p) > 1 - level: n += 1
    return n

# %% fewest-for wrong: rarer than 1-level, where as rare will do
def fewest_for(p, level=.99, over=1):
    check_share(p=p, level=level)
    n = over + 1
    while bdtr(over, n, 1 - p) >= 1 - level: n += 1
    return n

# %% fewest-for right: how long one waits for one head more
def fewest_for(p, level=.99, over=1):
    from scipy.stats import nbinom
    check_share(p=p, level=level)
    return over + 1 + int(nbinom.ppf(level, over + 1, 1 - p))

# %% fewest-for right: counts up, all candidates of a block at once
def fewest_for(p, level=.99, over=1):
    check_share(p=p, level=level)
    start = over + 1
    while True:
        ns = np.arange(start, start + 1000)
        enough = bdtr(over, ns, 1 - p) <= 1 - level
        if enough.any(): return int(ns[enough.argmax()])
        start += 1000
