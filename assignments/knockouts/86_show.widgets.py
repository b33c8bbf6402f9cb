"Known answers to the exercises of 86_show.widgets, for `tinybench course prove`."

# %% correlated wrong: begins at 0, and is calm at first
def correlated(rng, runs, n, rho):
    x, e = np.zeros((runs, n)), rng.normal(size=(runs, n))
    for t in range(1, n): x[:, t] = rho*x[:, t-1] + np.sqrt(1 - rho**2)*e[:, t]
    return x

# %% correlated wrong: grows, as what is new is not made smaller
def correlated(rng, runs, n, rho):
    x = rng.normal(size=(runs, n))
    for t in range(1, n): x[:, t] += rho*x[:, t-1]
    return x

# %% correlated wrong: what is new has the variance 1 - rho
def correlated(rng, runs, n, rho):
    x = rng.normal(size=(runs, n))
    for t in range(1, n): x[:, t] = rho*x[:, t-1] + np.sqrt(1 - rho)*x[:, t]
    return x

# %% correlated wrong: one row after the other, right and slow
def correlated(rng, runs, n, rho):
    x = np.empty((runs, n))
    for row in x:
        row[0] = rng.normal()
        for t in range(1, n): row[t] = rho*row[t-1] + np.sqrt(1 - rho**2)*rng.normal()
    return x

# %% correlated wrong: a common part instead of a memory
def correlated(rng, runs, n, rho):
    return np.sqrt(rho)*rng.normal(size=(runs, 1)) + np.sqrt(1 - rho)*rng.normal(size=(runs, n))

# %% correlated wrong: remembers from row to row
def correlated(rng, runs, n, rho):
    x = rng.normal(size=runs*n)
    for t in range(1, runs*n): x[t] = rho*x[t-1] + np.sqrt(1 - rho**2)*x[t]
    return x.reshape(runs, n)

# %% correlated right: noise for one moment after the other
def correlated(rng, runs, n, rho):
    columns = [rng.standard_normal(runs)]
    while len(columns) < n: columns.append(rho*columns[-1] + (1 - rho**2)**.5*rng.standard_normal(runs))
    return np.stack(columns, 1)

# %% coverage wrong: an end does not belong to it
def coverage(ends, truth):
    right = int(((ends[:, 0] < truth) & (truth < ends[:, 1])).sum())
    return right/len(ends), *wilson(right, len(ends))

# %% coverage wrong: the share of the misses
def coverage(ends, truth):
    wrong = int(((ends[:, 0] > truth) | (truth > ends[:, 1])).sum())
    return wrong/len(ends), *wilson(wrong, len(ends))

# %% coverage wrong: the normal curve, which makes a point of all and of none
def coverage(ends, truth):
    share = float(((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean())
    half = 1.96*np.sqrt(share*(1 - share)/len(ends))
    return share, share - half, share + half

# %% coverage wrong: only the lower end
def coverage(ends, truth):
    right = int((ends[:, 0] <= truth).sum())
    return right/len(ends), *wilson(right, len(ends))

# %% coverage right: a loop
def coverage(ends, truth):
    right = 0
    for lo, hi in ends: right += bool(lo <= truth <= hi)
    return (right/len(ends),) + wilson(right, len(ends))
