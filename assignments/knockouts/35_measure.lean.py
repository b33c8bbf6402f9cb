"Known answers to the exercises of 35_measure.lean, for `tinybench course prove`."

# %% sd wrong: divides by n, as np.std does unless told
def sd(values):
    return float(np.std(values)) if len(values) > 1 else math.nan

# %% sd wrong: claims that one value has no spread
def sd(values):
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.

# %% sd wrong: no guard, so numpy warns at a single value
def sd(values):
    return float(np.std(values, ddof=1))

# %% sd wrong: takes a spread of 0 for a spread not known
def sd(values):
    m = sum(values)/len(values)
    squares = sum((v - m)**2 for v in values)
    return math.sqrt(squares/(len(values) - 1)) if squares else math.nan

# %% sd wrong: the variance, without its root
def sd(values):
    return float(np.var(values, ddof=1)) if len(values) > 1 else math.nan

# %% sd wrong: mean of squares less square of the mean, which cancels for large values
def sd(values):
    n = len(values)
    if n < 2: return math.nan
    squares = sum(v*v for v in values) - sum(values)**2/n
    return math.sqrt(max(squares, 0)/(n - 1))

# %% sd right: the definition, summed exactly
def sd(values):
    if len(values) < 2: return float('nan')
    m = math.fsum(values)/len(values)
    return math.sqrt(math.fsum((v - m)**2 for v in values)/(len(values) - 1))

# %% sd right: the standard library
def sd(values):
    import statistics
    try: return float(statistics.stdev(map(float, values)))
    except statistics.StatisticsError: return math.nan

# %% autocorrelation wrong: r itself, with its bias and its noise
def autocorrelation(values):
    v, n = np.asarray(values, float), len(values)
    if n < 5 or np.ptp(v) == 0: return 0.
    d = v - v.mean()
    return float(d[1:] @ d[:-1]/(d @ d))

# %% autocorrelation wrong: no limit of 0.95
def autocorrelation(values):
    v, n = np.asarray(values, float), len(values)
    if n < 5 or np.ptp(v) == 0: return 0.
    d = v - v.mean()
    r = d[1:] @ d[:-1]/(d @ d)
    return float((n*r + 1)/(n - 4)) if r > 1/math.sqrt(n) - 1/n else 0.

# %% autocorrelation wrong: cuts at 0, so that chance passes for leaning
def autocorrelation(values):
    v, n = np.asarray(values, float), len(values)
    if n < 5 or np.ptp(v) == 0: return 0.
    d = v - v.mean()
    return float(min(max((n*(d[1:] @ d[:-1]/(d @ d)) + 1)/(n - 4), 0), .95))

# %% autocorrelation wrong: forgets that chance centres on -1/n
def autocorrelation(values):
    v, n = np.asarray(values, float), len(values)
    if n < 5 or np.ptp(v) == 0: return 0.
    d = v - v.mean()
    r = d[1:] @ d[:-1]/(d @ d)
    return float(min((n*r + 1)/(n - 4), .95)) if r > 1/math.sqrt(n) else 0.

# %% autocorrelation wrong: takes the mean off in place, in the caller's array
def autocorrelation(values):
    v, n = np.asarray(values, float), len(values)
    if n < 5 or np.ptp(v) == 0: return 0.
    v -= v.mean()
    r = v[1:] @ v[:-1]/(v @ v)
    return float(min((n*r + 1)/(n - 4), .95)) if r > 1/math.sqrt(n) - 1/n else 0.

# %% autocorrelation wrong: judges "all equal" by sums, which rounding makes unequal
def autocorrelation(values):
    v, n = np.asarray(values, float), len(values)
    d = v - v.mean()
    if n < 5 or d @ d == 0: return 0.
    r = d[1:] @ d[:-1]/(d @ d)
    return float(min((n*r + 1)/(n - 4), .95)) if r > 1/math.sqrt(n) - 1/n else 0.

# %% autocorrelation wrong: nothing is said of fewer than five values
def autocorrelation(values):
    v, n = np.asarray(values, float), len(values)
    if np.ptp(v) == 0: return 0.
    d = v - v.mean()
    r = d[1:] @ d[:-1]/(d @ d)
    return float(min((n*r + 1)/(n - 4), .95)) if r > 1/math.sqrt(n) - 1/n else 0.

# %% autocorrelation wrong: Pearson's correlation of the neighbours, each half with a mean of its own
def autocorrelation(values):
    v, n = np.asarray(values, float), len(values)
    if n < 5 or np.ptp(v) == 0: return 0.
    r = np.corrcoef(v[1:], v[:-1])[0, 1]
    return float(min((n*r + 1)/(n - 4), .95)) if r > 1/math.sqrt(n) - 1/n else 0.

# %% autocorrelation right: loops over a list
def autocorrelation(values):
    v = [float(x) for x in values]
    n = len(v)
    if n < 5 or min(v) == max(v): return 0.
    m = math.fsum(v)/n
    above = math.fsum((a - m)*(b - m) for a, b in zip(v, v[1:]))
    r = above/math.fsum((a - m)**2 for a in v)
    return max(0., min(.95, (n*r + 1)/(n - 4))) if n*r + 1 > math.sqrt(n) else 0.

# %% autocorrelation right: by the squares of the steps between neighbours
def autocorrelation(values):
    v, n = np.array(values, float), len(values)
    if n < 5 or (v == v[0]).all(): return 0.
    d = v - v.mean()
    total = (d**2).sum()
    r = 1 - ((np.diff(d)**2).sum() + d[0]**2 + d[-1]**2)/(2*total)
    return float(np.minimum((n*r + 1)/(n - 4), .95)) if r > n**-.5 - 1/n else 0.


# %% lag-pairs wrong: begins with lag 1, so that the pairs are not Geyer's
def lag_pairs(r):
    r = np.asarray(r, float)[1:]
    pairs = np.array([r[i] + r[i+1] for i in range(0, len(r) - 1, 2)])
    if (pairs <= 0).any(): pairs = pairs[:(pairs <= 0).argmax()]
    return np.minimum.accumulate(pairs)

# %% lag-pairs wrong: nothing is held down
def lag_pairs(r):
    pairs = np.add(r[0:len(r) - 1:2], r[1::2])
    return pairs[:(pairs <= 0).argmax()] if (pairs <= 0).any() else pairs

# %% lag-pairs wrong: leaves out what is not above 0, and goes on behind it
def lag_pairs(r):
    pairs = np.add(r[0:len(r) - 1:2], r[1::2])
    return np.minimum.accumulate(pairs[pairs > 0])

# %% lag-pairs wrong: stops at the first lag below 0, not at the first pair
def lag_pairs(r):
    r = np.asarray(r, float)
    if (r < 0).any(): r = r[:(r < 0).argmax()]
    pairs = np.add(r[0:len(r) - 1:2], r[1::2][:len(r)//2])
    return np.minimum.accumulate(pairs)

# %% lag-pairs wrong: holds each down to the one before as it was given
def lag_pairs(r):
    pairs = np.add(r[0:len(r) - 1:2], r[1::2])
    if (pairs <= 0).any(): pairs = pairs[:(pairs <= 0).argmax()]
    return np.minimum(pairs, np.append(np.inf, pairs[:-1])[:len(pairs)])

# %% lag-pairs wrong: the last lag of an odd number stands alone
def lag_pairs(r):
    r = np.append(r, 0.) if len(r) % 2 else np.asarray(r)
    pairs = r[0::2] + r[1::2]
    if (pairs <= 0).any(): pairs = pairs[:(pairs <= 0).argmax()]
    return np.minimum.accumulate(pairs)

# %% lag-pairs wrong: works in the caller's array
def lag_pairs(r):
    r = np.asarray(r, float)[:len(r)//2*2]
    r[0::2] += r[1::2]
    pairs = r[0::2]
    if (pairs <= 0).any(): pairs = pairs[:(pairs <= 0).argmax()]
    return np.minimum.accumulate(pairs)

# %% lag-pairs right: a loop that stops
def lag_pairs(r):
    out, least = [], math.inf
    for i in range(len(r)//2):
        pair = r[2*i] + r[2*i+1]
        if pair <= 0: break
        least = min(least, pair)
        out.append(least)
    return np.array(out)

# %% lag-pairs right: reshaped, and cut by a running product
def lag_pairs(r):
    pairs = np.asarray(r, float)[:len(r)//2*2].reshape(-1, 2).sum(1)
    return np.minimum.accumulate(pairs[np.cumprod(pairs > 0).astype(bool)])

# %% block-interval wrong: the means of the blocks
def block_interval(values, level=.95, middle=np.median):
    if len(values) < 64: raise ValueError('too few')
    m = [np.mean(b) for b in np.array_split(np.asarray(values, float), 8)]
    half = stdtrit(7, (1 + level)/2)*sd(m)/math.sqrt(8)
    return float(np.mean(m) - half), float(np.mean(m) + half)

# %% block-interval wrong: medians, whatever was asked for
def block_interval(values, level=.95, middle=np.median):
    if len(values) < 64: raise ValueError('too few')
    m = [np.median(b) for b in np.array_split(np.asarray(values, float), 8)]
    half = stdtrit(7, (1 + level)/2)*sd(m)/math.sqrt(8)
    return float(np.mean(m) - half), float(np.mean(m) + half)

# %% block-interval wrong: 1.96, as if eight were endlessly many
def block_interval(values, level=.95, middle=np.median):
    if len(values) < 64: raise ValueError('too few')
    m = [middle(b) for b in np.array_split(np.asarray(values, float), 8)]
    half = ndtri((1 + level)/2)*sd(m)/math.sqrt(8)
    return float(np.mean(m) - half), float(np.mean(m) + half)

# %% block-interval wrong: eight degrees of freedom
def block_interval(values, level=.95, middle=np.median):
    if len(values) < 64: raise ValueError('too few')
    m = [middle(b) for b in np.array_split(np.asarray(values, float), 8)]
    half = stdtrit(8, (1 + level)/2)*sd(m)/math.sqrt(8)
    return float(np.mean(m) - half), float(np.mean(m) + half)

# %% block-interval wrong: blocks of eight values, not eight blocks
def block_interval(values, level=.95, middle=np.median):
    if len(values) < 64: raise ValueError('too few')
    k = len(values)//8
    m = [middle(b) for b in np.array_split(np.asarray(values, float), k)]
    half = stdtrit(k - 1, (1 + level)/2)*sd(m)/math.sqrt(k)
    return float(np.mean(m) - half), float(np.mean(m) + half)

# %% block-interval wrong: every eighth value, so that no block is a stretch
def block_interval(values, level=.95, middle=np.median):
    if len(values) < 64: raise ValueError('too few')
    m = [middle(np.asarray(values, float)[i::8]) for i in range(8)]
    half = stdtrit(7, (1 + level)/2)*sd(m)/math.sqrt(8)
    return float(np.mean(m) - half), float(np.mean(m) + half)

# %% block-interval wrong: what 8 does not divide falls off the end
def block_interval(values, level=.95, middle=np.median):
    if len(values) < 64: raise ValueError('too few')
    n = len(values)//8
    m = [middle(b) for b in np.asarray(values, float)[:8*n].reshape(8, n)]
    half = stdtrit(7, (1 + level)/2)*sd(m)/math.sqrt(8)
    return float(np.mean(m) - half), float(np.mean(m) + half)

# %% block-interval wrong: 95% at every level
def block_interval(values, level=.95, middle=np.median):
    if len(values) < 64: raise ValueError('too few')
    m = [middle(b) for b in np.array_split(np.asarray(values, float), 8)]
    half = stdtrit(7, .975)*sd(m)/math.sqrt(8)
    return float(np.mean(m) - half), float(np.mean(m) + half)

# %% block-interval wrong: the values are sorted first, and their order is lost
def block_interval(values, level=.95, middle=np.median):
    if len(values) < 64: raise ValueError('too few')
    m = [middle(b) for b in np.array_split(np.sort(values), 8)]
    half = stdtrit(7, (1 + level)/2)*sd(m)/math.sqrt(8)
    return float(np.mean(m) - half), float(np.mean(m) + half)

# %% block-interval right: bounds counted by hand
def block_interval(values, level=.95, middle=np.median):
    n = len(values)
    if n < 64: raise ValueError(f'{n} values are too few')
    long, at, m = n % 8, 0, []
    for i in range(8):
        size = n//8 + (1 if i < long else 0)
        m.append(float(middle(list(values)[at:at + size])))
        at += size
    mean = sum(m)/8
    error = math.sqrt(sum((x - mean)**2 for x in m)/7/8)
    t = float(stdtrit(7, .5 + level/2))
    return mean - t*error, mean + t*error

# %% block-interval right: scipy's interval
def block_interval(values, level=.95, middle=np.median):
    from scipy.stats import sem, t
    if len(values) < 64: raise ValueError('too few values')
    m = [middle(b) for b in np.array_split(values, 8)]
    if np.ptp(m) == 0: return float(m[0]), float(m[0])
    lo, hi = t.interval(level, 7, np.mean(m), sem(m))
    return float(lo), float(hi)
