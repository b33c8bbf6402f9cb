"Known answers to the exercises of 56_optimize.lowrank, for `tinybench course prove`."

# %% nearest wrong: the first r columns and rows as they stand
def nearest(w, r):
    return w[:, :r], np.linalg.pinv(w[:, :r]) @ w

# %% nearest wrong: all of the size in the first factor
def nearest(w, r):
    u, s, v = np.linalg.svd(w, full_matrices=False)
    return u[:, :r]*s[:r], v[:r]

# %% nearest wrong: the whole of s in both
def nearest(w, r):
    u, s, v = np.linalg.svd(w, full_matrices=False)
    return u[:, :r]*s[:r], s[:r, None]*v[:r]

# %% nearest wrong: the smallest terms
def nearest(w, r):
    u, s, v = np.linalg.svd(w, full_matrices=False)
    root = np.sqrt(s[-r:])
    return u[:, -r:]*root, root[:, None]*v[-r:]

# %% nearest wrong: right for a square matrix only
def nearest(w, r):
    u, s, v = np.linalg.svd(w)
    u, v = u*np.sqrt(np.resize(s, len(u))), np.sqrt(np.resize(s, len(v)))[:, None]*v
    return u[:, -len(v):][:, :r], v[:r]

# %% nearest wrong: computed in double precision, and left in it
def nearest(w, r):
    u, s, v = np.linalg.svd(w.astype(float), full_matrices=False)
    root = np.sqrt(s[:r])
    return u[:, :r]*root, root[:, None]*v[:r]

# %% nearest wrong: shares the size of the whole, not of each term
def nearest(w, r):
    u, s, v = np.linalg.svd(w, full_matrices=False)
    k = np.sqrt(np.linalg.norm(s[:r])/np.sqrt(r))
    return u[:, :r]*s[:r]/k, v[:r]*k

# %% nearest wrong: the transposed of what is asked
def nearest(w, r):
    u, s, v = np.linalg.svd(w.T, full_matrices=False)
    root = np.sqrt(s[:r])
    return u[:, :r]*root, root[:, None]*v[:r]

# %% nearest wrong: the right singular vectors as columns
def nearest(w, r):
    u, s, v = np.linalg.svd(w, full_matrices=False)
    root = np.sqrt(s[:r])
    return u[:, :r]*root, (v[:, :r]*root).T

# %% nearest right: by the eigenvectors of w w', in double precision
def nearest(w, r):
    values, vectors = np.linalg.eigh(w.astype(float).T @ w)
    v = vectors[:, ::-1][:, :r].T
    a = w @ v.T
    size = np.sqrt(np.maximum(np.linalg.norm(a, axis=0), 1e-30))
    return (a/size).astype(w.dtype), (size[:, None]*v).astype(w.dtype)

# %% rank-for wrong: the share of the values, not of their squares
def rank_for(s, energy):
    kept = np.cumsum(s, dtype=float)
    return int(np.searchsorted(kept, energy*kept[-1])) + 1

# %% rank-for wrong: how many are below, without the one that reaches it
def rank_for(s, energy):
    kept = np.cumsum(np.square(s, dtype=float))
    return max(int((kept < energy*kept[-1]).sum()), 1)

# %% rank-for wrong: one too many if the share is met exactly
def rank_for(s, energy):
    kept = np.cumsum(np.square(s, dtype=float))
    return min(int(np.searchsorted(kept, energy*kept[-1], side='right')) + 1, len(s))

# %% rank-for wrong: in float32, where squares overflow and sums stand still
def rank_for(s, energy):
    kept = np.cumsum(np.square(s.astype(np.float32)))
    return int(np.searchsorted(kept, energy*kept[-1])) + 1

# %% rank-for wrong: no rank at all for a matrix of zeros
def rank_for(s, energy):
    kept = np.cumsum(np.square(s, dtype=float))
    return int(np.searchsorted(kept, energy*kept[-1])) + int(kept[-1] > 0)

# %% rank-for wrong: the first share that is large enough, of a sum that is added in another order
def rank_for(s, energy):
    square = np.square(s)
    return int(np.argmax(np.cumsum(square) >= energy*square.sum())) + 1

# %% rank-for wrong: the share of the root of the squares
def rank_for(s, energy):
    kept = np.sqrt(np.cumsum(np.square(s, dtype=float)))
    return int(np.searchsorted(kept, energy*kept[-1])) + 1

# %% rank-for wrong: how many of the largest are above the share of the first
def rank_for(s, energy):
    return max(int((s >= (1 - energy)*s[0]).sum()), 1)

# %% rank-for right: from the small end, in a loop
def rank_for(s, energy):
    squares = [float(v)**2 for v in s]
    total, kept = np.cumsum(squares)[-1], 0.
    for r, v in enumerate(squares, 1):
        kept += v
        if kept >= energy*total: return r

# %% nearest-outputs wrong: does not ask the examples
def nearest_outputs(w, r, x):
    return nearest(w, r)

# %% nearest-outputs wrong: the directions of the inputs
def nearest_outputs(w, r, x):
    v = np.linalg.svd(x, full_matrices=False)[2][:r]
    return v.T, v @ w

# %% nearest-outputs wrong: weighs each input by its size, as if they did not go together
def nearest_outputs(w, r, x):
    size = np.sqrt((x**2).mean(0) + 1e-12)[:, None]
    a, b = nearest(size*w, r)
    return a/size, b

# %% nearest-outputs wrong: changes the examples that it was given
def nearest_outputs(w, r, x):
    x /= np.abs(x).max()
    v = np.linalg.svd(x @ w, full_matrices=False)[2][:r]
    return w @ v.T, v

# %% nearest-outputs wrong: of the outputs less their mean, without a bias to take it
def nearest_outputs(w, r, x):
    y = x @ w
    v = np.linalg.svd(y - y.mean(0), full_matrices=False)[2][:r]
    return w @ v.T, v

# %% nearest-outputs wrong: the left vectors of the outputs
def nearest_outputs(w, r, x):
    u, s, v = np.linalg.svd(x.T @ (x @ w), full_matrices=False)
    return u[:, :r], u[:, :r].T @ w

# %% nearest-outputs wrong: one pair of directions for the covariance times w
def nearest_outputs(w, r, x):
    v = np.linalg.svd(x.T @ (x @ w), full_matrices=False)[2][:r]
    return w @ v.T, v

# %% nearest-outputs wrong: of the first examples only
def nearest_outputs(w, r, x):
    v = np.linalg.svd(x[:len(x)//2] @ w, full_matrices=False)[2][:r]
    return w @ v.T, v

# %% nearest-outputs right: by a root of the covariance of the inputs, and its inverse
def nearest_outputs(w, r, x):
    size, v = np.linalg.svd(x.astype(float), full_matrices=False)[1:]
    size, v = size[size > 1e-9*size[0]], v[size > 1e-9*size[0]]
    u, s, out = np.linalg.svd((size[:, None]*v) @ w, full_matrices=False)
    return ((v.T/size) @ (u[:, :r]*s[:r])).astype(w.dtype), out[:r].astype(w.dtype)

# %% nearest-outputs right: by eigenvectors, whose order is the other way round
def nearest_outputs(w, r, x):
    y = (x @ w).astype(float)
    v = np.linalg.eigh(y.T @ y)[1][:, ::-1][:, :r].astype(w.dtype)
    return w @ v, v.T

# %% thin wrong: the bias of both layers is that of the given one
def thin(layer, a, b):
    rng, (n, r), m = np.random.default_rng(0), a.shape, b.shape[1]
    if type(layer) is Dense:
        one, two = Dense(n, r, rng, bias=False, init=lambda *_: a), Dense(r, m, rng, init=lambda *_: b)
    else:
        one = Conv2d(layer.w.shape[2], r, layer.kernel, rng, layer.stride, layer.padding,
                     init=lambda _, shape: a.reshape(shape))
        two = Conv2d(r, m, 1, rng, init=lambda *_: b[None, None])
        one.b = Parameter(np.resize(layer.b.data, r))
    two.b = layer.b
    return [one, two]

# %% thin wrong: both layers stride
def thin(layer, a, b):
    rng, (n, r), m = np.random.default_rng(0), a.shape, b.shape[1]
    if type(layer) is Dense:
        one, two = Dense(n, r, rng, bias=False, init=lambda *_: a), Dense(r, m, rng, init=lambda *_: b)
    else:
        one = Conv2d(layer.w.shape[2], r, layer.kernel, rng, layer.stride, layer.padding,
                     init=lambda _, shape: a.reshape(shape))
        two = Conv2d(r, m, 1, rng, layer.stride, init=lambda *_: b[None, None])
        one.b = Parameter(np.zeros(r, a.dtype))
    two.b = layer.b
    return [one, two]

# %% thin wrong: one stride for both directions
def thin(layer, a, b):
    rng, (n, r), m = np.random.default_rng(0), a.shape, b.shape[1]
    if type(layer) is Dense:
        one, two = Dense(n, r, rng, bias=False, init=lambda *_: a), Dense(r, m, rng, init=lambda *_: b)
    else:
        one = Conv2d(layer.w.shape[2], r, layer.kernel, rng, layer.stride[0], layer.padding,
                     init=lambda _, shape: a.reshape(shape))
        two = Conv2d(r, m, 1, rng, init=lambda *_: b[None, None])
        one.b = Parameter(np.zeros(r, a.dtype))
    two.b = layer.b
    return [one, two]

# %% thin wrong: a bias where the given layer has none
def thin(layer, a, b):
    rng, (n, r), m = np.random.default_rng(0), a.shape, b.shape[1]
    if type(layer) is Dense:
        one, two = Dense(n, r, rng, init=lambda *_: a), Dense(r, m, rng, init=lambda *_: b)
    else:
        one = Conv2d(layer.w.shape[2], r, layer.kernel, rng, layer.stride, layer.padding,
                     init=lambda _, shape: a.reshape(shape))
        two = Conv2d(r, m, 1, rng, init=lambda *_: b[None, None])
        one.b = Parameter(np.zeros(r, a.dtype))
    if layer.b is not None: two.b = layer.b
    return [one, two]

# %% thin wrong: changes the layer that it was given into the first of the two
def thin(layer, a, b):
    rng, (n, r), m = np.random.default_rng(0), a.shape, b.shape[1]
    dense = type(layer) is Dense
    two = (Dense(r, m, rng, init=lambda *_: b) if dense else
           Conv2d(r, m, 1, rng, init=lambda *_: b[None, None]))
    two.b = layer.b
    layer.w = Parameter(a if dense else a.reshape(*layer.w.shape[:3], r))
    layer.b = None if dense else Parameter(np.zeros(r, a.dtype))
    return [layer, two]

# %% thin wrong: the window in the second layer
def thin(layer, a, b):
    rng, (n, r), m = np.random.default_rng(0), a.shape, b.shape[1]
    if type(layer) is Dense:
        one, two = Dense(n, r, rng, bias=False, init=lambda *_: a), Dense(r, m, rng, init=lambda *_: b)
    else:
        kernel, c = layer.kernel, layer.w.shape[2]
        one = Conv2d(c, r, 1, rng, layer.stride, init=lambda *_: a[None, None, :c])
        two = Conv2d(r, m, kernel, rng, 1, layer.padding, init=lambda *_: np.broadcast_to(b, (*kernel, r, m)))
        one.b = Parameter(np.zeros(r, a.dtype))
    two.b = layer.b
    return [one, two]

# %% thin wrong: a square window, and no padding
def thin(layer, a, b):
    rng, (n, r), m = np.random.default_rng(0), a.shape, b.shape[1]
    if type(layer) is Dense:
        one, two = Dense(n, r, rng, bias=False, init=lambda *_: a), Dense(r, m, rng, init=lambda *_: b)
    else:
        one = Conv2d(layer.w.shape[2], r, layer.kernel[0], rng, layer.stride,
                     init=lambda _, shape: a.reshape(shape))
        two = Conv2d(r, m, 1, rng, init=lambda *_: b[None, None])
        one.b = Parameter(np.zeros(r, a.dtype))
    two.b = layer.b
    return [one, two]

# %% thin right: the bias that a Conv2d makes for itself, of the type of its weights
def thin(layer, a, b):
    rng, (n, r), m = np.random.default_rng(0), a.shape, b.shape[1]
    if type(layer) is Dense:
        one, two = Dense(n, r, rng, bias=False, init=lambda *_: a), Dense(r, m, rng, init=lambda *_: b)
    else:
        one = Conv2d(layer.w.shape[2], r, layer.kernel, rng, layer.stride, layer.padding,
                     init=lambda _, shape: a.reshape(shape))
        two = Conv2d(r, m, 1, rng, init=lambda *_: b[None, None])
    two.b = layer.b
    return [one, two]

# %% thin right: copies of the layer, with other weights
def thin(layer, a, b):
    import copy
    one, two = copy.copy(layer), copy.copy(layer)
    dense, r = type(layer) is Dense, a.shape[1]
    one.w = Parameter(a.copy() if dense else a.reshape(*layer.w.shape[:3], r))
    one.b = None if dense else Parameter(np.zeros(r, a.dtype))
    two.w = Parameter(b.copy() if dense else b.reshape(1, 1, *b.shape))
    if not dense: two.kernel, two.stride, two.padding = (1, 1), (1, 1), 'valid'
    return [one, two]
