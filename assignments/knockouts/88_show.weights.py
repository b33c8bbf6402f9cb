"Known answers to the exercises of 88_show.weights, for `tinybench course prove`."

# %% two-errors wrong: a table of weights by tops
def two_errors(w, tops, bits):
    size = np.abs(w).astype(float).reshape(-1, 1)
    tops = np.asarray(tops)
    clipping = np.square(np.maximum(size - tops, 0)).mean(0)
    return (tops/limits(bits, True)[1])**2/12*(size <= tops).mean(0), clipping

# %% two-errors wrong: one top after the other
def two_errors(w, tops, bits):
    size, step = np.abs(w).astype(float), np.array([t/limits(bits, True)[1] for t in tops])
    clipping = [np.mean(np.maximum(size - t, 0)**2) for t in tops]
    return step**2/12*np.array([np.mean(size <= t) for t in tops]), np.array(clipping)

# %% two-errors wrong: the sums lose their digits in float32
def two_errors(w, tops, bits):
    size = np.sort(np.abs(w), axis=None)
    inside = np.searchsorted(size, tops, 'right')
    n, total, squares = (np.append(np.cumsum(size[::-1]**k)[::-1], 0)[inside] for k in (0, 1, 2))
    rounding, clipping = (tops/limits(bits, True)[1])**2/12*inside, squares - 2*tops*total + tops**2*n
    return rounding/w.size, np.maximum(clipping, 0)/w.size

# %% two-errors wrong: rounds what it clips, too
def two_errors(w, tops, bits):
    size = np.sort(np.abs(w), axis=None).astype(float)
    inside = np.searchsorted(size, tops, 'right')
    n, total, squares = (np.append(np.cumsum(size[::-1]**k)[::-1], 0)[inside] for k in (0, 1, 2))
    clipping = squares - 2*tops*total + tops**2*n
    return (tops/limits(bits, True)[1])**2/12, np.maximum(clipping, 0)/w.size

# %% two-errors wrong: what is clipped is lost whole
def two_errors(w, tops, bits):
    size = np.sort(np.abs(w), axis=None).astype(float)
    inside = np.searchsorted(size, tops, 'right')
    squares = np.append(np.cumsum(size[::-1]**2)[::-1], 0)[inside]
    return (tops/limits(bits, True)[1])**2/12*inside/w.size, squares/w.size

# %% two-errors wrong: only positive weights are clipped
def two_errors(w, tops, bits):
    size = np.sort(w, axis=None).astype(float)
    inside = np.searchsorted(size, tops, 'right')
    n, total, squares = (np.append(np.cumsum(size[::-1]**k)[::-1], 0)[inside] for k in (0, 1, 2))
    clipping = squares - 2*tops*total + tops**2*n
    return (tops/limits(bits, True)[1])**2/12*inside/w.size, np.maximum(clipping, 0)/w.size

# %% two-errors wrong: a weight exactly at the top is not inside
def two_errors(w, tops, bits):
    size = np.sort(np.abs(w), axis=None).astype(float)
    inside = np.searchsorted(size, tops, 'left')
    n, total, squares = (np.append(np.cumsum(size[::-1]**k)[::-1], 0)[inside] for k in (0, 1, 2))
    clipping = squares - 2*tops*total + tops**2*n
    return (tops/limits(bits, True)[1])**2/12*inside/w.size, np.maximum(clipping, 0)/w.size

# %% two-errors right: sums from the front, taken from the whole
def two_errors(w, tops, bits):
    size, tops = np.sort(np.abs(np.asarray(w, float)), axis=None), np.asarray(tops)
    at = np.searchsorted(size, tops, side='right')
    first, second = (np.concatenate([[0], np.cumsum(size**k)]) for k in (1, 2))
    out = second[-1] - second[at] - 2*tops*(first[-1] - first[at]) + tops**2*(size.size - at)
    step = tops/(2**(bits - 1) - 1)
    return at/size.size*step**2/12, np.where(at < size.size, np.maximum(out, 0)/size.size, 0)

# %% looks wrong: each interval has the whole level
def fair_losses(base, found, level=.95):
    return {setting: accuracy_difference(base, hits, level) for setting, hits in found.items()}

# %% looks wrong: the level is always 95%
def fair_losses(base, found, level=.95):
    return {s: accuracy_difference(base, hits, 1 - .05/len(found)) for s, hits in found.items()}

# %% looks wrong: a gain for a loss
def fair_losses(base, found, level=.95):
    each = 1 - (1 - level)/max(len(found), 1)
    return {setting: accuracy_difference(hits, base, each) for setting, hits in found.items()}

# %% looks wrong: the level is divided, not the error
def fair_losses(base, found, level=.95):
    return {s: accuracy_difference(base, hits, level/len(found)) for s, hits in found.items()}

# %% looks wrong: nothing measured is an error
def fair_losses(base, found, level=.95):
    each = 1 - (1 - level)/len(found)
    return {setting: accuracy_difference(base, hits, each) for setting, hits in found.items()}

# %% looks wrong: of independent settings, which those of one set of examples are not
def fair_losses(base, found, level=.95):
    return {s: accuracy_difference(base, hits, level**(1/len(found))) for s, hits in found.items()}

# %% looks right: a loop
def fair_losses(base, found, level=.95):
    lost = {}
    for setting in found:
        lost[setting] = accuracy_difference(base, found[setting], level=1 - (1 - level)/len(found))
    return lost

# %% foretold wrong: one layer that leaves it right is enough
def foretold(scan, plan):
    alone = [scan.found[path][scan.sparsities.index(s)] for path, s in plan.items() if s]
    return np.array(scan.base) & np.any([scan.base, *alone], axis=0)

# %% foretold wrong: an example that was wrong before may be right
def foretold(scan, plan):
    alone = [scan.found[path][scan.sparsities.index(s)] for path, s in plan.items() if s]
    return np.all(alone, axis=0) if alone else np.array(scan.base)

# %% foretold wrong: the sparsest column of each layer
def foretold(scan, plan):
    alone = [scan.found[path][-1] for path, s in plan.items() if s]
    return np.all([scan.base, *alone], axis=0)

# %% foretold wrong: the first column of each layer
def foretold(scan, plan):
    return np.all([scan.base, *(scan.found[path][0] for path, s in plan.items() if s)], axis=0)

# %% foretold wrong: layers in the order of the scan, whatever the plan says
def foretold(scan, plan):
    alone = [hits[scan.sparsities.index(s)] for hits, s in zip(scan.found.values(), plan.values()) if s]
    return np.all([scan.base, *alone], axis=0)

# %% foretold wrong: a number of examples
def foretold(scan, plan):
    alone = [scan.found[path][scan.sparsities.index(s)] for path, s in plan.items() if s]
    return int(np.all([scan.base, *alone], axis=0).sum())

# %% foretold right: one layer after the other
def foretold(scan, plan):
    right = np.array(scan.base)
    for path, s in plan.items():
        if s > 0: right &= np.array(dict(zip(scan.sparsities, scan.found[path]))[s])
    return right
