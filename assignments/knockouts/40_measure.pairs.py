"Known answers to the exercises of 40_measure.pairs, for `tinybench course prove`."

# %% ratio-of-pairs wrong: never wider, however much they lean
def ratio_of_pairs(d, level=.95):
    return from_logs(np.median(d), *flip_interval(d, level), len(d), level)

# %% ratio-of-pairs wrong: wider by the square of what is needed
def ratio_of_pairs(d, level=.95):
    mid, by = np.median(d), stretch(d)**2
    lo, hi = flip_interval(d, level)
    return from_logs(mid, mid - by*(mid - lo), mid + by*(hi - mid), len(d), level)

# %% ratio-of-pairs wrong: sorts the pairs, so that they seem to lean
def ratio_of_pairs(d, level=.95):
    d = np.sort(d)
    mid, by = np.median(d), stretch(d)
    lo, hi = flip_interval(d, level)
    return from_logs(mid, mid - by*(mid - lo), mid + by*(hi - mid), len(d), level)

# %% ratio-of-pairs wrong: shuffles the pairs, so that none seems to lean
def ratio_of_pairs(d, level=.95):
    d = np.random.default_rng(0).permutation(d)
    mid, by = np.median(d), stretch(d)
    lo, hi = flip_interval(d, level)
    return from_logs(mid, mid - by*(mid - lo), mid + by*(hi - mid), len(d), level)

# %% ratio-of-pairs wrong: the mean, which a hiccup pulls along
def ratio_of_pairs(d, level=.95):
    mid, by = np.mean(d), stretch(d)
    lo, hi = flip_interval(d, level)
    lo, hi = mid - by*max(mid - lo, 0), mid + by*max(hi - mid, 0)
    return from_logs(mid, lo, hi, len(d), level)

# %% ratio-of-pairs wrong: an interval at 95% whatever the level
def ratio_of_pairs(d, level=.95):
    mid, by = np.median(d), stretch(d)
    lo, hi = flip_interval(d)
    return from_logs(mid, mid - by*(mid - lo), mid + by*(hi - mid), len(d), level)

# %% ratio-of-pairs wrong: both arms as long as half of the whole
def ratio_of_pairs(d, level=.95):
    mid, by = np.median(d), stretch(d)
    lo, hi = flip_interval(d, level)
    return from_logs(mid, mid - by*(hi - lo)/2, mid + by*(hi - lo)/2, len(d), level)

# %% ratio-of-pairs wrong: stretched about 1 and not about the median
def ratio_of_pairs(d, level=.95):
    by, (lo, hi) = stretch(d), flip_interval(d, level)
    mid = np.median(d)
    return from_logs(mid, min(by*lo, mid), max(by*hi, mid), len(d), level)

# %% ratio-of-pairs wrong: the record does not say its level
def ratio_of_pairs(d, level=.95):
    mid, by = np.median(d), stretch(d)
    lo, hi = flip_interval(d, level)
    return from_logs(mid, mid - by*(mid - lo), mid + by*(hi - mid), len(d))

# %% ratio-of-pairs wrong: upside down
def ratio_of_pairs(d, level=.95):
    d = -np.asarray(d)
    mid, by = np.median(d), stretch(d)
    lo, hi = flip_interval(d, level)
    return from_logs(mid, mid - by*(mid - lo), mid + by*(hi - mid), len(d), level)

# %% ratio-of-pairs right: turned back first, arms as powers
def ratio_of_pairs(d, level=.95):
    mid, by = math.exp(np.median(d)), stretch(d)
    lo, hi = np.exp(flip_interval(d, level))
    return Ratio(mid, float(mid*(lo/mid)**by), float(mid*(hi/mid)**by), len(d), level)

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
    if ratio.lo > 1 and sure: return 'slower' if ratio.lo > 1 + band else 'slower' + SLIGHTLY
    if ratio.hi < 1 and sure: return 'faster' if ratio.hi < 1/(1 + band) else 'faster' + SLIGHTLY
    return 'same' if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band else 'undecided'

# %% verdict wrong: a band from 1-band
def verdict(ratio, band=.02, p=None):
    if 1 - band <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if not ratio.excludes_one or (p is not None and p > 1 - ratio.level): return 'undecided'
    if ratio.lo > 1: return 'slower' if ratio.lo > 1 + band else 'slower' + SLIGHTLY
    return 'faster' if ratio.hi < 1 - band else 'faster' + SLIGHTLY

# %% verdict wrong: a band from 1-band, for faster only
def verdict(ratio, band=.02, p=None):
    if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if not ratio.excludes_one or (p is not None and p > 1 - ratio.level): return 'undecided'
    if ratio.lo > 1: return 'slower' if ratio.lo > 1 + band else 'slower' + SLIGHTLY
    return 'faster' if ratio.hi < 1 - band else 'faster' + SLIGHTLY

# %% verdict wrong: p is not asked
def verdict(ratio, band=.02, p=None):
    if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if not ratio.excludes_one: return 'undecided'
    if ratio.lo > 1: return 'slower' if ratio.lo > 1 + band else 'slower' + SLIGHTLY
    return 'faster' if ratio.hi < 1/(1 + band) else 'faster' + SLIGHTLY

# %% verdict wrong: p is held against 0.05 whatever the level
def verdict(ratio, band=.02, p=None):
    if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if not ratio.excludes_one or (p is not None and p > .05): return 'undecided'
    if ratio.lo > 1: return 'slower' if ratio.lo > 1 + band else 'slower' + SLIGHTLY
    return 'faster' if ratio.hi < 1/(1 + band) else 'faster' + SLIGHTLY

# %% verdict wrong: p may also undo "same"
def verdict(ratio, band=.02, p=None):
    if p is not None and p > 1 - ratio.level: return 'undecided'
    if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if not ratio.excludes_one: return 'undecided'
    if ratio.lo > 1: return 'slower' if ratio.lo > 1 + band else 'slower' + SLIGHTLY
    return 'faster' if ratio.hi < 1/(1 + band) else 'faster' + SLIGHTLY

# %% verdict wrong: no proof of a difference is taken for a proof of none
def verdict(ratio, band=.02, p=None):
    if not ratio.excludes_one or (p is not None and p > 1 - ratio.level): return 'same'
    if ratio.lo > 1: return 'slower' if ratio.lo > 1 + band else 'slower' + SLIGHTLY
    return 'faster' if ratio.hi < 1/(1 + band) else 'faster' + SLIGHTLY

# %% verdict wrong: the estimate decides whether it is slightly
def verdict(ratio, band=.02, p=None):
    if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if not ratio.excludes_one or (p is not None and p > 1 - ratio.level): return 'undecided'
    if ratio.lo > 1: return 'slower' if ratio.estimate > 1 + band else 'slower' + SLIGHTLY
    return 'faster' if ratio.estimate < 1/(1 + band) else 'faster' + SLIGHTLY

# %% verdict wrong: slower however little
def verdict(ratio, band=.02, p=None):
    if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if not ratio.excludes_one or (p is not None and p > 1 - ratio.level): return 'undecided'
    return 'slower' if ratio.lo > 1 else 'faster'

# %% verdict wrong: an interval that ends at 1 passes for one that leaves it out
def verdict(ratio, band=.02, p=None):
    if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if p is not None and p > 1 - ratio.level or ratio.lo < 1 < ratio.hi: return 'undecided'
    if ratio.lo >= 1: return 'slower' if ratio.lo > 1 + band else 'slower' + SLIGHTLY
    return 'faster' if ratio.hi < 1/(1 + band) else 'faster' + SLIGHTLY

# %% verdict wrong: the ends of the band do not belong to it
def verdict(ratio, band=.02, p=None):
    if 1/(1 + band) < ratio.lo and ratio.hi < 1 + band: return 'same'
    if not ratio.excludes_one or (p is not None and p > 1 - ratio.level): return 'undecided'
    if ratio.lo > 1: return 'slower' if ratio.lo > 1 + band else 'slower' + SLIGHTLY
    return 'faster' if ratio.hi < 1/(1 + band) else 'faster' + SLIGHTLY

# %% verdict wrong: a p of exactly 1-level is too large
def verdict(ratio, band=.02, p=None):
    if 1/(1 + band) <= ratio.lo and ratio.hi <= 1 + band: return 'same'
    if not ratio.excludes_one or (p is not None and p >= 1 - ratio.level): return 'undecided'
    if ratio.lo > 1: return 'slower' if ratio.lo > 1 + band else 'slower' + SLIGHTLY
    return 'faster' if ratio.hi < 1/(1 + band) else 'faster' + SLIGHTLY

# %% verdict right: the sides one after the other, faster as the inverse of slower
def verdict(ratio, band=.02, p=None):
    if max(ratio.hi, 1/ratio.lo) <= 1 + band: return 'same'
    if p is not None and p > 1 - ratio.level: return 'undecided'
    for word, least in (('slower', ratio.lo), ('faster', 1/ratio.hi)):
        if least > 1 + band: return word
        if least > 1: return word + SLIGHTLY
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
    if verdict(ratio, band) == 'same' or leans(verdict(ratio, band)) != 0: return 0
    lo, mid, hi = np.log([ratio.lo, ratio.estimate, ratio.hi])
    gap = max(abs(mid), np.log(1 + band) - abs(mid))
    if gap <= 0: return None
    further = ratio.n*(1.5*max(hi - mid, mid - lo)/gap)**2 - ratio.n
    if further > 100*ratio.n: return None
    return int(np.ceil(further))
