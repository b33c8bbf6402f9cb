"Known answers to the exercises of 16_nn.loss, for `tinybench course prove`."

# %% cross-entropy-fwd wrong: exponentials of the logits as they are
def cross_entropy_fwd(x, labels):
    n, rows = len(x), np.arange(len(x))
    e = np.exp(x)
    total = e.sum(axis=1, keepdims=True)
    loss = (np.log(total[:, 0]) - x[rows, labels]).mean()
    p = e/total
    p[rows, labels] -= 1
    return loss, p/n

# %% cross-entropy-fwd wrong: the logarithm of a probability that may be 0
def cross_entropy_fwd(x, labels):
    n, rows = len(x), np.arange(len(x))
    e = np.exp(x - x.max(axis=1, keepdims=True))
    p = e/e.sum(axis=1, keepdims=True)
    loss = -np.log(p[rows, labels]).mean()
    p[rows, labels] -= 1
    return loss, p/n

# %% cross-entropy-fwd wrong: takes the maximum away in the caller's array
def cross_entropy_fwd(x, labels):
    n, rows = len(x), np.arange(len(x))
    x -= x.max(axis=1, keepdims=True)
    e = np.exp(x)
    total = e.sum(axis=1, keepdims=True)
    loss = (np.log(total[:, 0]) - x[rows, labels]).mean()
    p = e/total
    p[rows, labels] -= 1
    return loss, p/n

# %% cross-entropy-fwd wrong: one maximum for the whole batch
def cross_entropy_fwd(x, labels):
    n, rows = len(x), np.arange(len(x))
    z = x - x.max()
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    loss = (np.log(total[:, 0]) - z[rows, labels]).mean()
    p = e/total
    p[rows, labels] -= 1
    return loss, p/n

# %% cross-entropy-fwd wrong: the gradient of the sum, not of the mean
def cross_entropy_fwd(x, labels):
    rows, log_p = np.arange(len(x)), log_softmax_fwd(x)
    grad = np.exp(log_p)
    grad[rows, labels] -= 1
    return -log_p[rows, labels].mean(), grad

# %% cross-entropy-fwd wrong: one-hot rows of float64 make the gradient float64
def cross_entropy_fwd(x, labels):
    log_p, hot = log_softmax_fwd(x), np.eye(x.shape[1])[labels]
    return -(log_p*hot).sum()/len(x), (np.exp(log_p) - hot)/len(x)

# %% cross-entropy-fwd wrong: divides by the classes, as many as rows in the example
def cross_entropy_fwd(x, labels):
    (n, k), log_p = x.shape, log_softmax_fwd(x)
    grad = np.exp(log_p)/k
    grad[np.arange(n), labels] -= 1/k
    return -log_p[np.arange(n), labels].sum()/k, grad

# %% cross-entropy-fwd right: by log-softmax, with one-hot rows of the type of x
def cross_entropy_fwd(x, labels):
    log_p = log_softmax_fwd(x)
    hot = (np.arange(x.shape[1]) == np.asarray(labels)[:, None]).astype(x.dtype)
    return -(log_p*hot).sum()/len(x), (np.exp(log_p) - hot)/len(x)

# %% cross-entropy-fwd right: row by row
def cross_entropy_fwd(x, labels):
    grad, loss = np.empty_like(x), x.dtype.type(0)
    for i, (row, y) in enumerate(zip(x, labels)):
        z = row - row.max()
        total = np.exp(z).sum()
        loss += np.log(total) - z[y]
        grad[i] = np.exp(z)/total
        grad[i, y] -= 1
    return loss/x.dtype.type(len(x)), grad/len(x)

# %% bce-fwd wrong: probabilities clipped at 1e-7, so a sure mistake is cheap
def bce_fwd(x, t):
    p = np.clip(sigmoid_fwd(x), 1e-7, 1 - 1e-7)
    return -(t*np.log(p) + (1 - t)*np.log(1 - p)).mean(), (p - t)/x.size

# %% bce-fwd wrong: averages over rows only
def bce_fwd(x, t):
    loss = np.maximum(x, 0) - x*t + np.log1p(np.exp(-np.abs(x)))
    return loss.sum()/len(x), (sigmoid_fwd(x) - t)/len(x)

# %% bce-fwd wrong: log(1 + e) loses a small e
def bce_fwd(x, t):
    loss = np.maximum(x, 0) - x*t + np.log(1 + np.exp(-np.abs(x)))
    return loss.mean(), (sigmoid_fwd(x) - t)/x.size

# %% bce-fwd wrong: targets are yes or no, nothing between
def bce_fwd(x, t):
    yes = t > .5
    z = np.where(yes, x, -x)
    loss = np.maximum(-z, 0) + np.log1p(np.exp(-np.abs(z)))
    return loss.mean(), (sigmoid_fwd(x) - yes)/x.size

# %% bce-fwd wrong: a sigmoid of its own, which overflows
def bce_fwd(x, t):
    loss = np.maximum(x, 0) - x*t + np.log1p(np.exp(-np.abs(x)))
    return loss.mean(), (1/(1 + np.exp(-x)) - t)/x.size

# %% bce-fwd wrong: the gradient points the other way
def bce_fwd(x, t):
    loss = np.maximum(x, 0) - x*t + np.log1p(np.exp(-np.abs(x)))
    return loss.mean(), (t - sigmoid_fwd(x))/x.size

# %% bce-fwd wrong: computes in float64
def bce_fwd(x, t):
    x, t = x.astype(np.float64), np.asarray(t, np.float64)
    loss = np.maximum(x, 0) - x*t + np.log1p(np.exp(-np.abs(x)))
    return loss.mean(), (sigmoid_fwd(x) - t)/x.size

# %% bce-fwd right: two logarithms by logaddexp
def bce_fwd(x, t):
    loss = t*np.logaddexp(0, -x) + (1 - t)*np.logaddexp(0, x)
    return loss.mean(), (sigmoid_fwd(x) - t)/x.size

# %% bce-fwd right: one formula for each sign
def bce_fwd(x, t):
    e = np.exp(-abs(x))
    loss = np.where(x > 0, (1 - t)*x, -t*x) + np.log1p(e)
    sigma = np.where(x > 0, 1, e)/(1 + e)
    return loss.mean(), (sigma - t)/x.size

# %% kl-fwd wrong: the other way round
def kl_fwd(p, q):
    log_p, log_q = log_softmax_fwd(p), log_softmax_fwd(q)
    Q, d = np.exp(log_q), log_q - log_p
    each = (Q*d).sum(axis=1, keepdims=True)
    return each.mean(), ((np.exp(log_p) - Q)/len(p), Q*(d - each)/len(p))

# %% kl-fwd wrong: the gradient for p forgets that P sums to 1
def kl_fwd(p, q):
    log_p, log_q = log_softmax_fwd(p), log_softmax_fwd(q)
    P, d = np.exp(log_p), log_p - log_q
    return (P*d).sum(axis=1).mean(), (P*d/len(p), (np.exp(log_q) - P)/len(p))

# %% kl-fwd wrong: takes the gradient for p to be that for q, negative
def kl_fwd(p, q):
    log_p, log_q = log_softmax_fwd(p), log_softmax_fwd(q)
    P, dq = np.exp(log_p), (np.exp(log_q) - np.exp(log_p))/len(p)
    return (P*(log_p - log_q)).sum(axis=1).mean(), (-dq, dq)

# %% kl-fwd wrong: the logarithm of a quotient of probabilities that may be 0
def kl_fwd(p, q):
    P, Q = np.exp(log_softmax_fwd(p)), np.exp(log_softmax_fwd(q))
    with np.errstate(all='ignore'): d = np.log(P/Q)
    each = (P*d).sum(axis=1, keepdims=True)
    return each.mean(), (P*(d - each)/len(p), (Q - P)/len(p))

# %% kl-fwd wrong: averages over all numbers
def kl_fwd(p, q):
    log_p, log_q = log_softmax_fwd(p), log_softmax_fwd(q)
    P, d = np.exp(log_p), log_p - log_q
    each = (P*d).mean(axis=1, keepdims=True)
    return each.mean(), (P*(d - each)/p.size, (np.exp(log_q) - P)/p.size)

# %% kl-fwd wrong: the cross-entropy, without what P itself costs
def kl_fwd(p, q):
    P, log_q = np.exp(log_softmax_fwd(p)), log_softmax_fwd(q)
    each = -(P*log_q).sum(axis=1, keepdims=True)
    return each.mean(), (P*(-log_q - each)/len(p), (np.exp(log_q) - P)/len(p))

# %% kl-fwd wrong: one mean for all rows in the gradient for p
def kl_fwd(p, q):
    log_p, log_q = log_softmax_fwd(p), log_softmax_fwd(q)
    P, d = np.exp(log_p), log_p - log_q
    loss = (P*d).sum(axis=1).mean()
    return loss, (P*(d - loss)/len(p), (np.exp(log_q) - P)/len(p))

# %% kl-fwd right: row by row, with dot products
def kl_fwd(p, q):
    n, loss, gp, gq = len(p), 0., np.empty_like(p), np.empty_like(q)
    for i in range(n):
        a, b = log_softmax_fwd(p[i:i+1])[0], log_softmax_fwd(q[i:i+1])[0]
        each = np.exp(a)@(a - b)
        loss += each/n
        gp[i], gq[i] = np.exp(a)*(a - b - each)/n, (np.exp(b) - np.exp(a))/n
    return loss, (gp, gq)

# %% kl-fwd right: cross-entropy minus entropy, by log-sum-exp
def kl_fwd(p, q):
    def logs(x): return x - np.logaddexp.reduce(x, axis=1, keepdims=True)
    P, Q = np.exp(logs(p)), np.exp(logs(q))
    each = np.einsum('nk,nk->n', P, logs(p)) - np.einsum('nk,nk->n', P, logs(q))
    return each.mean(), (P*(logs(p) - logs(q) - each[:, None])/len(p), (Q - P)/len(p))

# %% accuracy wrong: NaN answers "class 0"
def accuracy(logits, labels):
    y, x = check_labels('accuracy', logits, labels), np.asarray(logits)
    return float((x.argmax(axis=-1) == y).mean())

# %% accuracy wrong: only a row of nothing but NaN is broken
def accuracy(logits, labels):
    y, x = check_labels('accuracy', logits, labels), np.asarray(logits)
    return float(((x.argmax(axis=-1) == y) & ~np.isnan(x).all(axis=-1)).mean())

# %% accuracy wrong: leaves rows with a NaN out of the count
def accuracy(logits, labels):
    y, x = check_labels('accuracy', logits, labels), np.asarray(logits)
    ok = ~np.isnan(x).any(axis=-1)
    return float((x[ok].argmax(axis=-1) == y[ok]).mean()) if ok.any() else 0.

# %% accuracy wrong: does not ask check_labels
def accuracy(logits, labels):
    x, y = np.asarray(logits), np.asarray(labels)
    return float(((x.argmax(axis=-1) == y) & ~np.isnan(x).any(axis=-1)).mean())

# %% accuracy wrong: on a tie every largest one counts as right
def accuracy(logits, labels):
    y, x = check_labels('accuracy', logits, labels), np.asarray(logits)
    return float((np.take_along_axis(x, y[..., None], -1)[..., 0] == x.max(axis=-1)).mean())

# %% accuracy wrong: the last one on a tie
def accuracy(logits, labels):
    y, x = check_labels('accuracy', logits, labels), np.asarray(logits)
    last = x.shape[-1] - 1 - x[..., ::-1].argmax(axis=-1)
    return float(((last == y) & ~np.isnan(x).any(axis=-1)).mean())

# %% accuracy wrong: a numpy number, not a float
def accuracy(logits, labels):
    y, x = check_labels('accuracy', logits, labels), np.asarray(logits)
    return ((x.argmax(axis=-1) == y) & ~np.isnan(x).any(axis=-1)).mean()

# %% accuracy right: counts row by row
def accuracy(logits, labels):
    y, right = check_labels('accuracy', logits, labels), 0
    x = np.asarray(logits)
    for row, label in zip(x.reshape(-1, x.shape[-1]).tolist(), y.ravel().tolist()):
        right += all(v == v for v in row) and row.index(max(row)) == label
    return right/y.size
