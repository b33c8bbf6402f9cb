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

# %% at-looks right: run by run
def at_looks(runs, ends, judged):
    runs, seen, before = iter(runs), [], 0
    for end in ends:
        seen += [next(runs) for _ in range(end - before)]
        before, found = end, judged(seen)
        if 'undecided' not in [r.verdict for r in found.rows]: return found
    return found

# %% at-looks wrong: looks after every run
def at_looks(runs, ends, judged):
    seen = []
    for run in runs:
        seen.append(run)
        found = judged(seen)
        if all(r.verdict != 'undecided' for r in found.rows): break
    return found

# %% at-looks wrong: takes all runs, and looks then
def at_looks(runs, ends, judged):
    seen = list(runs)
    for end in ends:
        found = judged(seen[:end])
        if all(r.verdict != 'undecided' for r in found.rows): break
    return found

# %% at-looks wrong: stops as soon as one rival has a verdict
def at_looks(runs, ends, judged):
    seen, ends = [], set(ends)
    for run in runs:
        seen.append(run)
        if len(seen) not in ends: continue
        found = judged(seen)
        if any(r.verdict != 'undecided' for r in found.rows): break
    return found

# %% at-looks wrong: looks through the ends once for each run
def at_looks(runs, ends, judged):
    seen = []
    for run in runs:
        seen.append(run)
        if len(seen) not in ends: continue
        found = judged(seen)
        if all(r.verdict != 'undecided' for r in found.rows): break
    return found

# %% at-looks wrong: shows the judge only what is new
def at_looks(runs, ends, judged):
    seen, ends, n = [], set(ends), 0
    for run in runs:
        seen.append(run)
        n += 1
        if n not in ends: continue
        found = judged(seen)
        if all(r.verdict != 'undecided' for r in found.rows): break
        seen = []
    return found
