"Known answers to the exercises of 42_measure.compare, for `tinybench course prove`."

# %% pairs-for right: with the widths themselves
def pairs_for(pilot, precision=.01, level=.95):
    if not 0 < precision < math.inf: raise ValueError('a precision is above 0')
    if isinstance(pilot, Ratio):
        half, n, level = math.log(pilot.hi/pilot.lo)/2, pilot.n, pilot.level
    else:
        values = np.asarray(getattr(pilot, 'values', pilot), float)
        lo, hi = median_interval(np.log(values), level)
        half, n = (hi - lo)/2, len(values)
    return max(math.ceil(1.3*n*(half/math.log1p(precision))**2), fewest_values(level))

# %% pairs-for wrong: twice the pairs for half the width
def pairs_for(pilot, precision=.01, level=.95):
    if not 0 < precision < math.inf: raise ValueError('a precision is above 0')
    if isinstance(pilot, Ratio): (lo, hi), n, level = np.log((pilot.lo, pilot.hi)), pilot.n, pilot.level
    else:
        v = np.log(getattr(pilot, 'values', pilot))
        (lo, hi), n = median_interval(v, level), len(v)
    return max(fewest_values(level), math.ceil(1.3*n*((hi - lo)/2/math.log1p(precision))))

# %% pairs-for wrong: nothing to be safe
def pairs_for(pilot, precision=.01, level=.95):
    if not 0 < precision < math.inf: raise ValueError('a precision is above 0')
    if isinstance(pilot, Ratio): (lo, hi), n, level = np.log((pilot.lo, pilot.hi)), pilot.n, pilot.level
    else:
        v = np.log(getattr(pilot, 'values', pilot))
        (lo, hi), n = median_interval(v, level), len(v)
    return max(fewest_values(level), math.ceil(n*((hi - lo)/2/math.log1p(precision))**2))

# %% pairs-for wrong: the whole width
def pairs_for(pilot, precision=.01, level=.95):
    if not 0 < precision < math.inf: raise ValueError('a precision is above 0')
    if isinstance(pilot, Ratio): (lo, hi), n, level = np.log((pilot.lo, pilot.hi)), pilot.n, pilot.level
    else:
        v = np.log(getattr(pilot, 'values', pilot))
        (lo, hi), n = median_interval(v, level), len(v)
    return max(fewest_values(level), math.ceil(1.3*n*((hi - lo)/math.log1p(precision))**2))

# %% pairs-for wrong: the level of the call, also where the pilot has its own
def pairs_for(pilot, precision=.01, level=.95):
    if not 0 < precision < math.inf: raise ValueError('a precision is above 0')
    if isinstance(pilot, Ratio): (lo, hi), n = np.log((pilot.lo, pilot.hi)), pilot.n
    else:
        v = np.log(getattr(pilot, 'values', pilot))
        (lo, hi), n = median_interval(v, level), len(v)
    return max(fewest_values(level), math.ceil(1.3*n*((hi - lo)/2/math.log1p(precision))**2))

# %% pairs-for wrong: the width of the ratio, not of its logarithm
def pairs_for(pilot, precision=.01, level=.95):
    if not 0 < precision < math.inf: raise ValueError('a precision is above 0')
    if isinstance(pilot, Ratio): lo, hi, n, level = pilot.lo, pilot.hi, pilot.n, pilot.level
    else:
        v = np.asarray(getattr(pilot, 'values', pilot))
        (lo, hi), n = median_interval(v, level), len(v)
    return max(fewest_values(level), math.ceil(1.3*n*((hi - lo)/2/precision)**2))

# %% pairs-for wrong: takes any precision
def pairs_for(pilot, precision=.01, level=.95):
    if isinstance(pilot, Ratio): (lo, hi), n, level = np.log((pilot.lo, pilot.hi)), pilot.n, pilot.level
    else:
        v = np.log(getattr(pilot, 'values', pilot))
        (lo, hi), n = median_interval(v, level), len(v)
    return max(fewest_values(level), math.ceil(1.3*n*((hi - lo)/2/math.log1p(precision))**2))
