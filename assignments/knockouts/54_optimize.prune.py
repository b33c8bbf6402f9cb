"Known answers to the exercises of 54_optimize.prune, for `tinybench course prove`."

# %% kept wrong: a threshold, which keeps all ties or none
def kept(w, sparsity):
    return np.abs(w) > np.quantile(np.abs(w), sparsity)

# %% kept wrong: of equal ones the last go
def kept(w, sparsity):
    order = np.argsort(np.abs(w).ravel()[::-1], kind='stable')
    stay = np.ones(w.size, bool)
    stay[w.size - 1 - order[:round(sparsity*w.size)]] = False
    return stay.reshape(w.shape)

# %% kept wrong: signed, so that large negative weights go first
def kept(w, sparsity):
    stay = np.ones(w.size, bool)
    size = w - 2*w*(np.abs(w) <= 1)*(w < 0)
    stay[np.argsort(size, axis=None, kind='stable')[:round(sparsity*w.size)]] = False
    return stay.reshape(w.shape)

# %% kept wrong: rounds the count down
def kept(w, sparsity):
    stay = np.ones(w.size, bool)
    stay[np.argsort(np.abs(w), axis=None, kind='stable')[:int(sparsity*w.size)]] = False
    return stay.reshape(w.shape)

# %% kept wrong: an order that breaks ties as it likes
def kept(w, sparsity):
    stay = np.ones(w.size, bool)
    k = round(sparsity*w.size)
    if k: stay[np.argpartition(np.abs(w).ravel(), min(k, w.size - 1))[:k]] = False
    return stay.reshape(w.shape)

# %% kept right: a threshold, and then the ties by count
def kept(w, sparsity):
    a, go = np.abs(w).ravel(), round(sparsity*w.size)
    if not go: return np.ones(w.shape, bool)
    edge = np.partition(a, go - 1)[go - 1]
    stay, ties = a > edge, np.flatnonzero(a == edge)
    stay[ties[go - (a < edge).sum():]] = True
    return stay.reshape(w.shape)

# %% csr-product wrong: an empty output takes the next number
def csr_product(x, values, columns, starts):
    terms = np.pad(x[:, columns]*values, ((0, 0), (0, 1)))
    return np.add.reduceat(terms, starts[:-1], axis=1)

# %% csr-product wrong: loops over the outputs
def csr_product(x, values, columns, starts):
    out = np.zeros((len(x), len(starts) - 1), np.result_type(x, values))
    for o, (a, b) in enumerate(zip(starts[:-1], starts[1:])):
        out[:, o] = (x[:, columns[a:b]]*values[a:b]).sum(1)
    return out

# %% csr-product wrong: a matrix of zeros, and the dense product
def csr_product(x, values, columns, starts):
    return x @ from_csr(values, columns, starts, np.zeros((x.shape[1], len(starts) - 1), values.dtype))

# %% csr-product wrong: starts of empty outputs at the end cut the one before
def csr_product(x, values, columns, starts):
    terms, full = x[:, columns]*values, np.diff(starts) > 0
    if not len(values): return np.zeros((len(x), len(full)), terms.dtype)
    return np.add.reduceat(terms, np.minimum(starts[:-1], len(values) - 1), axis=1)*full.astype(terms.dtype)

# %% csr-product wrong: differences of one running sum, in float32
def csr_product(x, values, columns, starts):
    terms = np.asarray(x[:, columns]*values)
    sums = np.concatenate([np.zeros((len(x), 1), terms.dtype), 1000 + terms.cumsum(1)], axis=1)
    return np.diff(sums[:, starts], axis=1)

# %% csr-product right: a running sum in float64
def csr_product(x, values, columns, starts):
    terms = np.asarray(x[:, columns]*values)
    sums = np.concatenate([np.zeros((len(x), 1)), terms.cumsum(1, dtype=np.float64)], axis=1)
    return np.diff(sums[:, starts], axis=1).astype(terms.dtype)

# %% n-m-mask wrong: groups along the outputs
def n_m_mask(w, n, m):
    groups = np.pad(np.abs(w.T), ((0, -w.shape[1] % m), (0, 0))).reshape(-1, m, len(w))
    ranks = np.argsort(-groups, axis=1, kind='stable').argsort(1)
    return (ranks < n).reshape(-1, len(w))[:w.shape[1]].T

# %% n-m-mask wrong: ties may keep more than n
def n_m_mask(w, n, m):
    groups = np.pad(np.abs(w), ((0, -len(w) % m), (0, 0))).reshape(-1, m, w.shape[1])
    edge = np.sort(groups, axis=1)[:, -n][:, None]
    return (groups >= edge).reshape(-1, w.shape[1])[:len(w)]

# %% n-m-mask wrong: the order in place of the ranks
def n_m_mask(w, n, m):
    groups = np.pad(np.abs(w), ((0, -len(w) % m), (0, 0))).reshape(-1, m, w.shape[1])
    order = np.argsort(-groups, axis=1, kind='stable')
    return (order < n).reshape(-1, w.shape[1])[:len(w)]

# %% n-m-mask wrong: a short last group stays whole
def n_m_mask(w, n, m):
    whole = len(w)//m*m
    groups = np.abs(w[:whole]).reshape(-1, m, w.shape[1])
    ranks = np.argsort(-groups, axis=1, kind='stable').argsort(1)
    stay = np.ones(w.shape, bool)
    stay[:whole] = (ranks < n).reshape(whole, w.shape[1])
    return stay

# %% n-m-mask wrong: of equal ones the last
def n_m_mask(w, n, m):
    groups = np.pad(np.abs(w), ((0, -len(w) % m), (0, 0)), constant_values=-1).reshape(-1, m, w.shape[1])
    ranks = np.argsort(groups, axis=1, kind='stable').argsort(1)
    return (ranks >= m - n).reshape(-1, w.shape[1])[:len(w)]

# %% n-m-mask right: puts True at the first n of the order
def n_m_mask(w, n, m):
    groups = np.pad(np.abs(w), ((0, -len(w) % m), (0, 0)), constant_values=-1).reshape(-1, m, w.shape[1])
    stay = np.zeros(groups.shape, bool)
    np.put_along_axis(stay, np.argsort(-groups, axis=1, kind='stable')[:, :n], True, 1)
    return stay.reshape(-1, w.shape[1])[:len(w)]

# %% ramp wrong: evenly
def ramp(step, steps):
    return min(step/steps, 1)

# %% ramp wrong: the speed, not what it adds up to
def ramp(step, steps):
    return 1 - (1 - min(step/steps, 1))**2

# %% ramp wrong: goes on after the last step
def ramp(step, steps):
    return 1 - (1 - step/steps)**3

# %% ramp wrong: slowly first
def ramp(step, steps):
    return min(step/steps, 1)**3

# %% ramp wrong: another curve through the same three points
def ramp(step, steps):
    return 1 - (1 - min(step/steps, 1)**2)*(1 - min(step/steps, 1))**(np.log(.125/.75)/np.log(.5))

# %% ramp right: the polynomial
def ramp(step, steps):
    t = min(step, steps)/steps
    return t*(3 - t*(3 - t))

# %% bearable wrong: the estimate, not the end of its interval
def bearable(sparsities, losses, allowed):
    best = 0.
    for s, loss in zip(sparsities, losses):
        if loss.estimate > allowed: break
        best = s
    return best

# %% bearable wrong: the highest that is safe, whatever lies below it
def bearable(sparsities, losses, allowed):
    return max((s for s, loss in zip(sparsities, losses) if loss.hi <= allowed), default=0.)

# %% bearable wrong: the first that is not safe
def bearable(sparsities, losses, allowed):
    for s, loss in zip(sparsities, losses):
        if loss.hi > allowed: return s
    return s

# %% bearable wrong: an end on the line does not count
def bearable(sparsities, losses, allowed):
    best = 0.
    for s, loss in zip(sparsities, losses):
        if loss.hi >= allowed: break
        best = s
    return best

# %% bearable wrong: the first one is never doubted
def bearable(sparsities, losses, allowed):
    best = None
    for s, loss in zip(sparsities, losses):
        if best is not None and loss.hi > allowed: break
        best = s
    return best

# %% bearable right: counts the safe ones at the beginning
def bearable(sparsities, losses, allowed):
    safe = np.minimum.accumulate([loss.hi <= allowed for loss in losses])
    return max((s for s, ok in zip(sparsities, safe) if ok), default=0.)
