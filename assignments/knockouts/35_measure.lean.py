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

