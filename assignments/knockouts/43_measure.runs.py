"Known answers to the exercises of 43_measure.runs, for `tinybench course prove`."

# %% runs-ratio wrong: the normal curve in place of t
def runs_ratio(new, old, level=.95):
    m, n = len(old), len(new)
    if min(m, n) < 1 or m + n < 3: raise ValueError(f'{m} and {n} runs: at least one a side and 3 in all')
    df, mid = m + n - 2, np.mean(new) - np.mean(old)
    squares = sum(((x - np.mean(x))**2).sum() for x in map(np.asarray, (old, new)))
    if squares == 0: raise ValueError('all runs of a side are equal')
    half = stdtrit(1e9, (1 + level)/2)*math.sqrt(squares/df*(1/m + 1/n))
    return from_logs(mid, mid - half, mid + half, min(m, n), level, 'runs', df)

# %% runs-ratio wrong: 95% whatever the level
def runs_ratio(new, old, level=.95):
    m, n = len(old), len(new)
    if min(m, n) < 1 or m + n < 3: raise ValueError(f'{m} and {n} runs: at least one a side and 3 in all')
    df, mid = m + n - 2, np.mean(new) - np.mean(old)
    squares = sum(((x - np.mean(x))**2).sum() for x in map(np.asarray, (old, new)))
    if squares == 0: raise ValueError('all runs of a side are equal')
    half = stdtrit(df, .975)*math.sqrt(squares/df*(1/m + 1/n))
    return from_logs(mid, mid - half, mid + half, min(m, n), level, 'runs', df)

# %% runs-ratio wrong: one side of the interval takes all that may be missed
def runs_ratio(new, old, level=.95):
    m, n = len(old), len(new)
    if min(m, n) < 1 or m + n < 3: raise ValueError(f'{m} and {n} runs: at least one a side and 3 in all')
    df, mid = m + n - 2, np.mean(new) - np.mean(old)
    squares = sum(((x - np.mean(x))**2).sum() for x in map(np.asarray, (old, new)))
    if squares == 0: raise ValueError('all runs of a side are equal')
    half = stdtrit(df, level)*math.sqrt(squares/df*(1/m + 1/n))
    return from_logs(mid, mid - half, mid + half, min(m, n), level, 'runs', df)

# %% runs-ratio wrong: as if the mean of each side had the spread of one run
def runs_ratio(new, old, level=.95):
    m, n = len(old), len(new)
    if min(m, n) < 1 or m + n < 3: raise ValueError(f'{m} and {n} runs: at least one a side and 3 in all')
    df, mid = m + n - 2, np.mean(new) - np.mean(old)
    squares = sum(((x - np.mean(x))**2).sum() for x in map(np.asarray, (old, new)))
    if squares == 0: raise ValueError('all runs of a side are equal')
    half = stdtrit(df, (1 + level)/2)*math.sqrt(squares/df*2)
    return from_logs(mid, mid - half, mid + half, min(m, n), level, 'runs', df)

# %% runs-ratio wrong: the spread of all runs, and with it the difference itself
def runs_ratio(new, old, level=.95):
    m, n = len(old), len(new)
    if min(m, n) < 1 or m + n < 3: raise ValueError(f'{m} and {n} runs: at least one a side and 3 in all')
    df, mid = m + n - 2, np.mean(new) - np.mean(old)
    squares = ((np.r_[old, new] - np.mean(np.r_[old, new]))**2).sum()
    if squares == 0: raise ValueError('all runs of a side are equal')
    half = stdtrit(df, (1 + level)/2)*math.sqrt(squares/df*(1/m + 1/n))
    return from_logs(mid, mid - half, mid + half, min(m, n), level, 'runs', df)

# %% runs-ratio wrong: variances are divided by n
def runs_ratio(new, old, level=.95):
    m, n = len(old), len(new)
    if min(m, n) < 1 or m + n < 3: raise ValueError(f'{m} and {n} runs: at least one a side and 3 in all')
    df, mid = m + n - 2, np.mean(new) - np.mean(old)
    squares = sum(((x - np.mean(x))**2).sum() for x in map(np.asarray, (old, new)))
    if squares == 0: raise ValueError('all runs of a side are equal')
    half = stdtrit(df, (1 + level)/2)*math.sqrt(squares/(m + n)*(1/m + 1/n))
    return from_logs(mid, mid - half, mid + half, min(m, n), level, 'runs', df)

# %% runs-ratio wrong: pairs them, run by run
def runs_ratio(new, old, level=.95):
    m, n = len(old), len(new)
    if min(m, n) < 1 or m + n < 3: raise ValueError(f'{m} and {n} runs: at least one a side and 3 in all')
    k = min(m, n)
    d = np.asarray(new)[:k] - np.asarray(old)[:k]
    df, mid, squares = max(k - 1, 1), np.mean(new) - np.mean(old), ((d - d.mean())**2).sum()
    if squares == 0: raise ValueError('all runs of a side are equal')
    half = stdtrit(df, (1 + level)/2)*math.sqrt(squares/df*(1/m + 1/n))
    return from_logs(mid, mid - half, mid + half, min(m, n), level, 'runs', df)

# %% runs-ratio wrong: old over new
def runs_ratio(new, old, level=.95):
    m, n = len(old), len(new)
    if min(m, n) < 1 or m + n < 3: raise ValueError(f'{m} and {n} runs: at least one a side and 3 in all')
    df, mid = m + n - 2, np.mean(old) - np.mean(new)
    squares = sum(((x - np.mean(x))**2).sum() for x in map(np.asarray, (old, new)))
    if squares == 0: raise ValueError('all runs of a side are equal')
    half = stdtrit(df, (1 + level)/2)*math.sqrt(squares/df*(1/m + 1/n))
    return from_logs(mid, mid - half, mid + half, min(m, n), level, 'runs', df)

# %% runs-ratio wrong: refuses a side with one run
def runs_ratio(new, old, level=.95):
    m, n = len(old), len(new)
    if min(m, n) < 2 or m + n < 3: raise ValueError(f'{m} and {n} runs: at least one a side and 3 in all')
    df, mid = m + n - 2, np.mean(new) - np.mean(old)
    squares = sum(((x - np.mean(x))**2).sum() for x in map(np.asarray, (old, new)))
    if squares == 0: raise ValueError('all runs of a side are equal')
    half = stdtrit(df, (1 + level)/2)*math.sqrt(squares/df*(1/m + 1/n))
    return from_logs(mid, mid - half, mid + half, min(m, n), level, 'runs', df)

# %% runs-ratio wrong: no spread is perfect certainty
def runs_ratio(new, old, level=.95):
    m, n = len(old), len(new)
    if min(m, n) < 1 or m + n < 3: raise ValueError(f'{m} and {n} runs: at least one a side and 3 in all')
    df, mid = m + n - 2, np.mean(new) - np.mean(old)
    squares = sum(((x - np.mean(x))**2).sum() for x in map(np.asarray, (old, new)))
    half = stdtrit(df, (1 + level)/2)*math.sqrt(squares/df*(1/m + 1/n))
    return from_logs(mid, mid - half, mid + half, min(m, n), level, 'runs', df)

# %% runs-ratio wrong: Welch, whose degrees of freedom are fewer
def runs_ratio(new, old, level=.95):
    m, n = len(old), len(new)
    if min(m, n) < 1 or m + n < 3: raise ValueError(f'{m} and {n} runs: at least one a side and 3 in all')
    mid = np.mean(new) - np.mean(old)
    if min(m, n) > 1:
        v, w = np.var(old, ddof=1)/m, np.var(new, ddof=1)/n
        if v + w == 0: raise ValueError('all runs of a side are equal')
        df = (v + w)**2/(v*v/(m - 1) + w*w/(n - 1))
        half = stdtrit(df, (1 + level)/2)*math.sqrt(v + w)
        return from_logs(mid, mid - half, mid + half, min(m, n), level, 'runs', df)
    df = m + n - 2
    squares = sum(((x - np.mean(x))**2).sum() for x in map(np.asarray, (old, new)))
    if squares == 0: raise ValueError('all runs of a side are equal')
    half = stdtrit(df, (1 + level)/2)*math.sqrt(squares/df*(1/m + 1/n))
    return from_logs(mid, mid - half, mid + half, min(m, n), level, 'runs', df)

# %% runs-ratio wrong: counts all runs
def runs_ratio(new, old, level=.95):
    m, n = len(old), len(new)
    if min(m, n) < 1 or m + n < 3: raise ValueError(f'{m} and {n} runs: at least one a side and 3 in all')
    df, mid = m + n - 2, np.mean(new) - np.mean(old)
    squares = sum(((x - np.mean(x))**2).sum() for x in map(np.asarray, (old, new)))
    if squares == 0: raise ValueError('all runs of a side are equal')
    half = stdtrit(df, (1 + level)/2)*math.sqrt(squares/df*(1/m + 1/n))
    return from_logs(mid, mid - half, mid + half, m + n, level, 'runs', df)

# %% runs-ratio right: a line through two groups, by least squares
def runs_ratio(new, old, level=.95):
    m, n = len(old), len(new)
    if m == 0 or n == 0 or m + n < 3: raise ValueError('too few runs')
    y, x = np.r_[old, new], np.r_[np.zeros(m), np.ones(n)]
    a = np.c_[np.ones(m + n), x]
    fit = np.linalg.lstsq(a, y, rcond=None)[0]
    left = y - a @ fit
    if np.ptp(old) == 0 and np.ptp(new) == 0: raise ValueError('no spread')
    error = math.sqrt(left @ left/(m + n - 2)*np.linalg.inv(a.T @ a)[1, 1])
    half = stdtrit(m + n - 2, (1 + level)/2)*error
    return from_logs(fit[1], fit[1] - half, fit[1] + half, min(m, n), level, 'runs', m + n - 2)

# %% gate-of wrong: each model for itself
def gate_of(ratios, limit, rate=False):
    qs, edge = [q.inverse() if rate else q for q in ratios], 1 + limit
    up = list([interval_p(q, edge) if q.lo > edge else 1. for q in qs])
    down = list([interval_p(q, edge) if q.hi <= edge else 1. for q in qs])
    def word(q, up, down):
        enough = 1 - q.level + 1e-12
        return 'fail' if up <= enough else 'pass' if down <= enough else 'undecided'
    return list(map(word, qs, up, down))

# %% gate-of wrong: a rate is judged as a time
def gate_of(ratios, limit, rate=False):
    qs, edge = [q for q in ratios], 1 + limit
    up = holm([interval_p(q, edge) if q.lo > edge else 1. for q in qs])
    down = holm([interval_p(q, edge) if q.hi <= edge else 1. for q in qs])
    def word(q, up, down):
        enough = 1 - q.level + 1e-12
        return 'fail' if up <= enough else 'pass' if down <= enough else 'undecided'
    return list(map(word, qs, up, down))

# %% gate-of wrong: against 1 and not against the limit
def gate_of(ratios, limit, rate=False):
    qs, edge = [q.inverse() if rate else q for q in ratios], 1.
    up = holm([interval_p(q, edge) if q.lo > edge else 1. for q in qs])
    down = holm([interval_p(q, edge) if q.hi <= edge else 1. for q in qs])
    def word(q, up, down):
        enough = 1 - q.level + 1e-12
        return 'fail' if up <= enough else 'pass' if down <= enough else 'undecided'
    return list(map(word, qs, up, down))

# %% gate-of wrong: p of a true ratio of 1
def gate_of(ratios, limit, rate=False):
    qs, edge = [q.inverse() if rate else q for q in ratios], 1 + limit
    up = holm([interval_p(q) if q.lo > edge else 1. for q in qs])
    down = holm([interval_p(q) if q.hi <= edge else 1. for q in qs])
    def word(q, up, down):
        enough = 1 - q.level + 1e-12
        return 'fail' if up <= enough else 'pass' if down <= enough else 'undecided'
    return list(map(word, qs, up, down))

# %% gate-of wrong: the estimate decides
def gate_of(ratios, limit, rate=False):
    qs, edge = [q.inverse() if rate else q for q in ratios], 1 + limit
    up = holm([0. if q.estimate > edge else 1. for q in qs])
    down = holm([0. if q.estimate <= edge else 1. for q in qs])
    def word(q, up, down):
        enough = 1 - q.level + 1e-12
        return 'fail' if up <= enough else 'pass' if down <= enough else 'undecided'
    return list(map(word, qs, up, down))

# %% gate-of wrong: what is not sure passes
def gate_of(ratios, limit, rate=False):
    qs, edge = [q.inverse() if rate else q for q in ratios], 1 + limit
    up = holm([interval_p(q, edge) if q.lo > edge else 1. for q in qs])
    down = holm([interval_p(q, edge) if q.hi <= edge else 1. for q in qs])
    def word(q, up, down):
        enough = 1 - q.level + 1e-12
        return 'fail' if up <= enough else 'pass'
    return list(map(word, qs, up, down))

# %% gate-of wrong: held against 0.05 whatever the level
def gate_of(ratios, limit, rate=False):
    qs, edge = [q.inverse() if rate else q for q in ratios], 1 + limit
    up = holm([interval_p(q, edge) if q.lo > edge else 1. for q in qs])
    down = holm([interval_p(q, edge) if q.hi <= edge else 1. for q in qs])
    def word(q, up, down):
        enough = .05 + 1e-12
        return 'fail' if up <= enough else 'pass' if down <= enough else 'undecided'
    return list(map(word, qs, up, down))

# %% gate-of wrong: both words in one family
def gate_of(ratios, limit, rate=False):
    qs, edge = [q.inverse() if rate else q for q in ratios], 1 + limit
    p = holm([interval_p(q, edge) for q in qs])
    up = [v if q.estimate > edge else 1. for v, q in zip(p, qs)]
    down = [v if q.estimate <= edge else 1. for v, q in zip(p, qs)]
    def word(q, up, down):
        enough = 1 - q.level + 1e-12
        return 'fail' if up <= enough else 'pass' if down <= enough else 'undecided'
    return list(map(word, qs, up, down))

# %% gate-of wrong: Bonferroni, as many times for all
def gate_of(ratios, limit, rate=False):
    qs, edge = [q.inverse() if rate else q for q in ratios], 1 + limit
    up = np.minimum(1, len(qs)*np.array([interval_p(q, edge) if q.lo > edge else 1. for q in qs]))
    down = np.minimum(1, len(qs)*np.array([interval_p(q, edge) if q.hi <= edge else 1. for q in qs]))
    def word(q, up, down):
        enough = 1 - q.level + 1e-12
        return 'fail' if up <= enough else 'pass' if down <= enough else 'undecided'
    return list(map(word, qs, up, down))

# %% gate-of wrong: only one family, of those that fail
def gate_of(ratios, limit, rate=False):
    qs, edge = [q.inverse() if rate else q for q in ratios], 1 + limit
    up = holm([interval_p(q, edge) if q.lo > edge else 1. for q in qs])
    down = list([interval_p(q, edge) if q.hi <= edge else 1. for q in qs])
    def word(q, up, down):
        enough = 1 - q.level + 1e-12
        return 'fail' if up <= enough else 'pass' if down <= enough else 'undecided'
    return list(map(word, qs, up, down))

# %% gate-of right: one model after the other, smallest p first
def gate_of(ratios, limit, rate=False):
    qs, said = [q.inverse() if rate else q for q in ratios], ['undecided']*len(ratios)
    for name, sure in (('fail', lambda q: q.lo > 1 + limit), ('pass', lambda q: q.hi <= 1 + limit)):
        order = sorted((interval_p(q, 1 + limit), i) for i, q in enumerate(qs) if sure(q))
        for step, (p, i) in enumerate(order):
            if p*(len(qs) - step) > 1 - qs[i].level + 1e-12: break
            said[i] = name
    return said
