"Known answers to the exercises of 40_measure.pairs, for `tinybench course prove`."

# %% ratio wrong: does not ask whether they are pairs
def ratio(a, b, level=.95):
    d = np.log(a.values) - np.log(b.values)
    return Ratio(*map(math.exp, (np.median(d), *median_interval(d, level))), n=a.n, level=level)

# %% ratio wrong: the mean of the ratios, plus or minus two standard errors
def ratio(a, b, level=.95):
    check_paired(a, b)
    q = np.array(a.values)/b.values
    half = 2*q.std(ddof=1)/math.sqrt(a.n)
    return Ratio(float(q.mean()), max(float(q.mean() - half), 1e-9), float(q.mean() + half), a.n, level)

# %% ratio wrong: the ratio of the medians, as if they were no pairs
def ratio(a, b, level=.95):
    check_paired(a, b)
    (a_lo, a_hi), (b_lo, b_hi) = a.interval(level), b.interval(level)
    return Ratio(a.median/b.median, a_lo/b_hi, a_hi/b_lo, a.n, level)

# %% ratio wrong: the median of the plain ratios, whose middle two are averaged without logarithms
def ratio(a, b, level=.95):
    check_paired(a, b)
    q = np.array(a.values)/b.values
    return Ratio(float(np.median(q)), *median_interval(q, level), n=a.n, level=level)

# %% ratio wrong: upside down
def ratio(a, b, level=.95):
    check_paired(a, b)
    d = np.log(b.values) - np.log(a.values)
    return Ratio(*map(math.exp, (np.median(d), *median_interval(d, level))), n=a.n, level=level)

# %% ratio wrong: sorts the pairs, so that they seem to lean
def ratio(a, b, level=.95):
    check_paired(a, b)
    d = np.sort(np.log(a.values) - np.log(b.values))
    return Ratio(*map(math.exp, (np.median(d), *median_interval(d, level))), n=a.n, level=level)

# %% ratio wrong: shuffles the pairs, so that none seems to lean
def ratio(a, b, level=.95):
    check_paired(a, b)
    d = np.random.default_rng(0).permutation(np.log(a.values) - np.log(b.values))
    return Ratio(*map(math.exp, (np.median(d), *median_interval(d, level))), n=a.n, level=level)

# %% ratio wrong: an interval at 95% whatever the level
def ratio(a, b, level=.95):
    check_paired(a, b)
    d = np.log(a.values) - np.log(b.values)
    return Ratio(*map(math.exp, (np.median(d), *median_interval(d))), n=a.n, level=level)

# %% ratio wrong: the record does not say its level
def ratio(a, b, level=.95):
    check_paired(a, b)
    d = np.log(a.values) - np.log(b.values)
    return Ratio(*map(math.exp, (np.median(d), *median_interval(d, level))), n=a.n)

# %% ratio wrong: the geometric mean, which a hiccup pulls along
def ratio(a, b, level=.95):
    check_paired(a, b)
    d = np.log(a.values) - np.log(b.values)
    lo, mid, hi = sorted([float(np.mean(d)), *median_interval(d, level)])
    return Ratio(*map(math.exp, (mid, lo, hi)), n=a.n, level=level)

# %% ratio right: the standard library, pair by pair
def ratio(a, b, level=.95):
    import statistics
    check_paired(a, b)
    d = [math.log(x/y) for x, y in zip(a.values, b.values)]
    lo, hi = median_interval(d, level)
    return Ratio(math.exp(statistics.median(d)), math.exp(lo), math.exp(hi), len(d), level)

# %% ratio right: the two middle ratios, joined by their geometric mean
def ratio(a, b, level=.95):
    check_paired(a, b)
    q = np.divide(a.values, b.values)
    ordered, n = np.sort(q), len(q)
    mid = math.sqrt(ordered[(n - 1)//2]*ordered[n//2])
    lo, hi = median_interval(q, level)
    return Ratio(mid, min(lo, mid), max(hi, mid), n, level)

# %% holm wrong: Bonferroni, all times m
def holm(ps):
    ps = np.asarray(ps, float)
    if ps.ndim != 1 or not ((0 <= ps) & (ps <= 1)).all(): raise ValueError(f'not a row of p-values: {ps}')
    return np.minimum(ps*len(ps), 1)

# %% holm wrong: no running maximum
def holm(ps):
    ps = np.asarray(ps, float)
    if ps.ndim != 1 or not ((0 <= ps) & (ps <= 1)).all(): raise ValueError(f'not a row of p-values: {ps}')
    order, out = np.argsort(ps), np.empty_like(ps)
    out[order] = np.minimum(ps[order]*np.arange(len(ps), 0, -1), 1)
    return out

# %% holm wrong: answers above 1
def holm(ps):
    ps = np.asarray(ps, float)
    if ps.ndim != 1 or not ((0 <= ps) & (ps <= 1)).all(): raise ValueError(f'not a row of p-values: {ps}')
    order, out = np.argsort(ps), np.empty_like(ps)
    out[order] = np.maximum.accumulate(ps[order]*np.arange(len(ps), 0, -1))
    return out

# %% holm wrong: answers in the order of size
def holm(ps):
    ps = np.sort(np.asarray(ps, float))
    if ps.ndim != 1 or not ((0 <= ps) & (ps <= 1)).all(): raise ValueError(f'not a row of p-values: {ps}')
    return np.minimum(np.maximum.accumulate(ps*np.arange(len(ps), 0, -1)), 1)

# %% holm wrong: reorders the answers by the order, not back from it
def holm(ps):
    ps = np.asarray(ps, float)
    if ps.ndim != 1 or not ((0 <= ps) & (ps <= 1)).all(): raise ValueError(f'not a row of p-values: {ps}')
    order = np.argsort(ps)
    return np.minimum(np.maximum.accumulate(ps[order]*np.arange(len(ps), 0, -1)), 1)[order]

# %% holm wrong: Benjamini and Hochberg, who promise less
def holm(ps):
    ps = np.asarray(ps, float)
    if ps.ndim != 1 or not ((0 <= ps) & (ps <= 1)).all(): raise ValueError(f'not a row of p-values: {ps}')
    order, out, m = np.argsort(ps), np.empty_like(ps), len(ps)
    out[order] = np.minimum.accumulate((ps[order]*m/np.arange(1, m + 1))[::-1])[::-1]
    return out

# %% holm wrong: equal p-values all get the smaller factor
def holm(ps):
    ps = np.asarray(ps, float)
    if ps.ndim != 1 or not ((0 <= ps) & (ps <= 1)).all(): raise ValueError(f'not a row of p-values: {ps}')
    def alone(p): return p*((ps > p).sum() + 1)
    return np.array([min(max(alone(q) for q in ps if q <= p), 1.) for p in ps])

# %% holm wrong: refuses NaN, but no number outside 0 to 1
def holm(ps):
    ps = np.asarray(ps, float)
    if ps.ndim != 1 or np.isnan(ps).any(): raise ValueError(f'not a row of p-values: {ps}')
    order, out = np.argsort(ps), np.empty_like(ps)
    out[order] = np.minimum(np.maximum.accumulate(ps[order]*np.arange(len(ps), 0, -1)), 1)
    return out

# %% holm wrong: takes 0 and 1 for no p-values
def holm(ps):
    ps = np.asarray(ps, float)
    if ps.ndim != 1 or not ((0 < ps) & (ps < 1)).all(): raise ValueError(f'not a row of p-values: {ps}')
    order, out = np.argsort(ps), np.empty_like(ps)
    out[order] = np.minimum(np.maximum.accumulate(ps[order]*np.arange(len(ps), 0, -1)), 1)
    return out

# %% holm wrong: a table passes for a row
def holm(ps):
    ps = np.asarray(ps, float)
    if not ((0 <= ps) & (ps <= 1)).all(): raise ValueError(f'not a row of p-values: {ps}')
    shape, ps = ps.shape, ps.ravel()
    order, out = np.argsort(ps), np.empty_like(ps)
    out[order] = np.minimum(np.maximum.accumulate(ps[order]*np.arange(len(ps), 0, -1)), 1)
    return out.reshape(shape)

# %% holm wrong: writes the answers into the caller's array
def holm(ps):
    ps = np.asarray(ps, float)
    if ps.ndim != 1 or not ((0 <= ps) & (ps <= 1)).all(): raise ValueError(f'not a row of p-values: {ps}')
    order = np.argsort(ps)
    ps[order] = np.minimum(np.maximum.accumulate(ps[order]*np.arange(len(ps), 0, -1)), 1)
    return ps

# %% holm right: climbs the sorted list
def holm(ps):
    ps = [float(p) for p in ps] if np.ndim(ps) == 1 else [-1.]
    if not all(0 <= p <= 1 for p in ps): raise ValueError('a row of numbers from 0 to 1 is wanted')
    out, highest = [0.]*len(ps), 0.
    for step, i in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1., ps[i]*(len(ps) - step)))
        out[i] = highest
    return np.array(out)

# %% holm right: all against all, without sorting
def holm(ps):
    ps = np.array(ps, float)
    bad = np.isnan(ps) | (ps < 0) | (ps > 1)
    if ps.ndim != 1 or bad.any(): raise ValueError(f'no p-values: {ps}')
    alone = ps*(ps[:, None] <= ps).sum(1)
    return np.minimum(np.where(ps <= ps[:, None], alone, 0).max(1), 1) if ps.size else ps

# %% verdict wrong: a difference first, however small
def verdict(ratio, band=.02, p=None):
    sure = p is None or p <= 1 - ratio.level
    if ratio.excludes_one and sure: return 'slower' if ratio.lo > 1 else 'faster'
    return 'same' if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band else 'undecided'

# %% verdict wrong: a band from 1-band
def verdict(ratio, band=.02, p=None):
    if 1 - band <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if not ratio.excludes_one or (p is not None and p > 1 - ratio.level): return 'undecided'
    return 'slower' if ratio.lo > 1 else 'faster'

# %% verdict wrong: p is not asked
def verdict(ratio, band=.02, p=None):
    if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if not ratio.excludes_one: return 'undecided'
    return 'slower' if ratio.lo > 1 else 'faster'

# %% verdict wrong: p is held against 0.05 whatever the level
def verdict(ratio, band=.02, p=None):
    if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if not ratio.excludes_one or (p is not None and p > .05): return 'undecided'
    return 'slower' if ratio.lo > 1 else 'faster'

# %% verdict wrong: p may also undo "same"
def verdict(ratio, band=.02, p=None):
    if p is not None and p > 1 - ratio.level: return 'undecided'
    if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if not ratio.excludes_one: return 'undecided'
    return 'slower' if ratio.lo > 1 else 'faster'

# %% verdict wrong: no proof of a difference is taken for a proof of none
def verdict(ratio, band=.02, p=None):
    if not ratio.excludes_one or (p is not None and p > 1 - ratio.level): return 'same'
    return 'slower' if ratio.lo > 1 else 'faster'

# %% verdict wrong: the estimate decides, not the interval
def verdict(ratio, band=.02, p=None):
    if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if abs(ratio.estimate - 1) <= band or (p is not None and p > 1 - ratio.level): return 'undecided'
    return 'slower' if ratio.estimate > 1 else 'faster'

# %% verdict wrong: an interval that ends at 1 passes for one that leaves it out
def verdict(ratio, band=.02, p=None):
    if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if p is not None and p > 1 - ratio.level: return 'undecided'
    return 'slower' if ratio.lo > 1 else 'faster' if ratio.hi <= 1 else 'undecided'

# %% verdict wrong: the ends of the band do not belong to it
def verdict(ratio, band=.02, p=None):
    if 1/(1 + band) < ratio.lo and ratio.hi < 1 + band: return 'same'
    if not ratio.excludes_one or (p is not None and p > 1 - ratio.level): return 'undecided'
    return 'slower' if ratio.lo > 1 else 'faster'

# %% verdict wrong: a p of exactly 1-level is too large
def verdict(ratio, band=.02, p=None):
    if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if not ratio.excludes_one or (p is not None and p >= 1 - ratio.level): return 'undecided'
    return 'slower' if ratio.lo > 1 else 'faster'

# %% verdict right: the larger distance from 1, then the two sides
def verdict(ratio, band=.02, p=None):
    if max(ratio.hi, 1/ratio.lo) <= 1 + band: return 'same'
    sure = p is None or p <= 1 - ratio.level
    if sure and min(ratio.estimate, ratio.lo) > 1: return 'slower'
    if sure and max(ratio.estimate, ratio.hi) < 1: return 'faster'
    return 'undecided'

# %% more-pairs wrong: all the pairs, not the further ones
def more_pairs(ratio, band=.02):
    if verdict(ratio, band) != 'undecided': return 0
    off, half = abs(math.log(ratio.estimate)), math.log(max(ratio.hi/ratio.estimate, ratio.estimate/ratio.lo))
    gap = max(off, math.log1p(band) - off)
    more = ratio.n*(1.5*half/gap)**2 if gap > 0 else math.inf
    return math.ceil(more) if more <= 100*ratio.n else None

# %% more-pairs wrong: as if the width shrank with n, not with its root
def more_pairs(ratio, band=.02):
    if verdict(ratio, band) != 'undecided': return 0
    off, half = abs(math.log(ratio.estimate)), math.log(max(ratio.hi/ratio.estimate, ratio.estimate/ratio.lo))
    gap = max(off, math.log1p(band) - off)
    more = ratio.n*(1.5*half/gap - 1) if gap > 0 else math.inf
    return math.ceil(more) if more <= 100*ratio.n else None

# %% more-pairs wrong: divides by a gap of 0
def more_pairs(ratio, band=.02):
    if verdict(ratio, band) != 'undecided': return 0
    off, half = abs(math.log(ratio.estimate)), math.log(max(ratio.hi/ratio.estimate, ratio.estimate/ratio.lo))
    more = ratio.n*((1.5*half/max(off, math.log1p(band) - off))**2 - 1)
    return math.ceil(more) if more <= 100*ratio.n else None

# %% more-pairs wrong: looks at the lower arm only
def more_pairs(ratio, band=.02):
    if verdict(ratio, band) != 'undecided': return 0
    off, half = abs(math.log(ratio.estimate)), math.log(ratio.estimate/ratio.lo)
    gap = max(off, math.log1p(band) - off)
    more = ratio.n*((1.5*half/gap)**2 - 1) if gap > 0 else math.inf
    return math.ceil(more) if more <= 100*ratio.n else None

# %% more-pairs wrong: asks for the verdict in the usual band, not in the one it was given
def more_pairs(ratio, band=.02):
    if verdict(ratio) != 'undecided': return 0
    off, half = abs(math.log(ratio.estimate)), math.log(max(ratio.hi/ratio.estimate, ratio.estimate/ratio.lo))
    gap = max(off, math.log1p(band) - off)
    more = ratio.n*((1.5*half/gap)**2 - 1) if gap > 0 else math.inf
    return math.ceil(more) if more <= 100*ratio.n else None

# %% more-pairs wrong: only the way out of 1, never into the band
def more_pairs(ratio, band=.02):
    if verdict(ratio, band) != 'undecided': return 0
    gap, half = abs(math.log(ratio.estimate)), math.log(max(ratio.hi/ratio.estimate, ratio.estimate/ratio.lo))
    more = ratio.n*((1.5*half/gap)**2 - 1) if gap > 0 else math.inf
    return math.ceil(more) if more <= 100*ratio.n else None

# %% more-pairs wrong: half of the whole width
def more_pairs(ratio, band=.02):
    if verdict(ratio, band) != 'undecided': return 0
    off, half = abs(math.log(ratio.estimate)), math.log(ratio.hi/ratio.lo)/2
    gap = max(off, math.log1p(band) - off)
    more = ratio.n*((1.5*half/gap)**2 - 1) if gap > 0 else math.inf
    return math.ceil(more) if more <= 100*ratio.n else None

# %% more-pairs wrong: the distance from 1 without its size, so faster is never decided
def more_pairs(ratio, band=.02):
    if verdict(ratio, band) != 'undecided': return 0
    off, half = math.log(ratio.estimate), math.log(max(ratio.hi/ratio.estimate, ratio.estimate/ratio.lo))
    gap = max(off, math.log1p(band) - off)
    more = ratio.n*((1.5*half/gap)**2 - 1) if gap > 0 else math.inf
    return math.ceil(more) if more <= 100*ratio.n else None

# %% more-pairs wrong: gives up where the whole, not what is added, is more than 100 times n
def more_pairs(ratio, band=.02):
    if verdict(ratio, band) != 'undecided': return 0
    off, half = abs(math.log(ratio.estimate)), math.log(max(ratio.hi/ratio.estimate, ratio.estimate/ratio.lo))
    gap = max(off, math.log1p(band) - off)
    needed = ratio.n*(1.5*half/gap)**2 if gap > 0 else math.inf
    return math.ceil(needed - ratio.n) if needed <= 100*ratio.n else None

# %% more-pairs right: in logarithms from the start
def more_pairs(ratio, band=.02):
    if verdict(ratio, band) in ('same', 'faster', 'slower'): return 0
    lo, mid, hi = np.log([ratio.lo, ratio.estimate, ratio.hi])
    gap = max(abs(mid), np.log(1 + band) - abs(mid))
    if gap <= 0: return None
    further = ratio.n*(1.5*max(hi - mid, mid - lo)/gap)**2 - ratio.n
    if further > 100*ratio.n: return None
    return int(np.ceil(further))
