"Known answers to the exercises of 11_nn.dense, for `tinybench course prove`."

# %% dense-vjp wrong: takes the memory it is offered and does not use it
def dense_vjp(g, o, x, w, b=None):
    return lambda out=None: g @ w.T, lambda out=None: x.T @ g, lambda out=None: g.sum(0)

# %% dense-vjp wrong: the bias alone ignores the memory
def dense_vjp(g, o, x, w, b=None):
    return (lambda out=None: np.matmul(g, w.T, out=out),
            lambda out=None: np.matmul(x.T, g, out=out),
            lambda out=None: g.sum(0))

# %% dense-vjp wrong: adds to what lies in the memory from before
def dense_vjp(g, o, x, w, b=None):
    def into(out, a):
        if out is None: return a
        out += a
        return out
    return (lambda out=None: into(out, g @ w.T), lambda out=None: into(out, x.T @ g),
            lambda out=None: into(out, g.sum(0)))

# %% dense-vjp wrong: adds the rows up in the first row of g
def dense_vjp(g, o, x, w, b=None):
    def db(out=None):
        for row in g[1:]: g[0] += row
        if out is None: return g[0].copy()
        out[:] = g[0]
        return out
    return lambda out=None: np.matmul(g, w.T, out=out), lambda out=None: np.matmul(x.T, g, out=out), db

# %% dense-vjp wrong: forgets to turn the weights
def dense_vjp(g, o, x, w, b=None):
    return (lambda out=None: np.matmul(g, w, out=out),
            lambda out=None: np.matmul(x.T, g, out=out),
            lambda out=None: g.sum(0, out=out))

# %% dense-vjp wrong: the mean over the batch, not the sum
def dense_vjp(g, o, x, w, b=None):
    return (lambda out=None: np.matmul(g, w.T, out=out),
            lambda out=None: np.matmul(x.T, g/len(g), out=out),
            lambda out=None: g.mean(0, out=out))

# %% dense-vjp right: by naming the axes
def dense_vjp(g, o, x, w, b=None):
    def dx(out=None): return np.einsum('so,io->si', g, w, out=out)
    def dw(out=None): return np.einsum('si,so->io', x, g, out=out)
    def db(out=None): return np.einsum('so->o', g, out=out)
    return dx, dw, db

# %% fans wrong: knows dense weights and images only
def fans(shape):
    if len(shape) < 2: raise ValueError(f'weights of shape {shape} have no fans')
    if len(shape) == 2: return shape[0], shape[1]
    return shape[0]*shape[1]*shape[2], shape[0]*shape[1]*shape[-1]

# %% fans wrong: takes every window for a square
def fans(shape):
    if len(shape) < 2: raise ValueError(f'weights of shape {shape} have no fans')
    window = shape[0]**(len(shape) - 2)
    return window*shape[-2], window*shape[-1]

# %% fans wrong: forgets that a shape may be empty
def fans(shape):
    if len(shape) == 1: raise ValueError(f'weights of shape {shape} have no fans')
    return prod(shape[:-2])*shape[-2], prod(shape[:-2])*shape[-1]

# %% fans wrong: the window counts for the fan in only
def fans(shape):
    if len(shape) < 2: raise ValueError(f'weights of shape {shape} have no fans')
    return prod(shape[:-1]), shape[-1]

# %% fans wrong: (out, in, height, width), as another library stores a kernel
def fans(shape):
    if len(shape) < 2: raise ValueError(f'weights of shape {shape} have no fans')
    return shape[1]*prod(shape[2:]), shape[0]*prod(shape[2:])

# %% fans wrong: adds height and width
def fans(shape):
    if len(shape) < 2: raise ValueError(f'weights of shape {shape} have no fans')
    window = sum(shape[:-2]) or 1
    return window*shape[-2], window*shape[-1]

# %% fans right: all the weights, divided among the outputs or the inputs
def fans(shape):
    try: *_, n_in, n_out = shape
    except ValueError: raise ValueError(f'weights of shape {shape} have no fans') from None
    weights = np.empty(shape).size
    return weights//n_out, weights//n_in

# %% glorot-uniform wrong: one fan alone is not listened to
def glorot_uniform(rng, shape, fan_in=None, fan_out=None, dtype=np.float32):
    if fan_in is None or fan_out is None: fan_in, fan_out = fans(shape)
    a = sqrt(6/(fan_in + fan_out))
    return rng.uniform(-a, a, shape).astype(dtype)

# %% glorot-uniform wrong: asks the shape even where both fans are given
def glorot_uniform(rng, shape, fan_in=None, fan_out=None, dtype=np.float32):
    i, o = fans(shape)
    a = sqrt(6/((i if fan_in is None else fan_in) + (o if fan_out is None else fan_out)))
    return rng.uniform(-a, a, shape).astype(dtype)

# %% glorot-uniform wrong: always float32
def glorot_uniform(rng, shape, fan_in=None, fan_out=None, dtype=np.float32):
    if fan_in is None: fan_in = fans(shape)[0]
    if fan_out is None: fan_out = fans(shape)[1]
    a = sqrt(6/(fan_in + fan_out))
    return rng.uniform(-a, a, shape).astype(np.float32)

# %% glorot-uniform wrong: a generator of its own, the same numbers each time
def glorot_uniform(rng, shape, fan_in=None, fan_out=None, dtype=np.float32):
    if fan_in is None: fan_in = fans(shape)[0]
    if fan_out is None: fan_out = fans(shape)[1]
    a = sqrt(6/(fan_in + fan_out))
    return np.random.default_rng(0).uniform(-a, a, shape).astype(dtype)

# %% glorot-uniform wrong: takes a for the standard deviation
def glorot_uniform(rng, shape, fan_in=None, fan_out=None, dtype=np.float32):
    if fan_in is None: fan_in = fans(shape)[0]
    if fan_out is None: fan_out = fans(shape)[1]
    a = sqrt(2/(fan_in + fan_out))
    return rng.uniform(-a, a, shape).astype(dtype)

# %% glorot-uniform wrong: normal numbers of the right variance
def glorot_uniform(rng, shape, fan_in=None, fan_out=None, dtype=np.float32):
    if fan_in is None: fan_in = fans(shape)[0]
    if fan_out is None: fan_out = fans(shape)[1]
    return rng.normal(0, sqrt(2/(fan_in + fan_out)), shape).astype(dtype)

# %% glorot-uniform wrong: numbers above zero only
def glorot_uniform(rng, shape, fan_in=None, fan_out=None, dtype=np.float32):
    if fan_in is None: fan_in = fans(shape)[0]
    if fan_out is None: fan_out = fans(shape)[1]
    return rng.uniform(0, sqrt(6/(fan_in + fan_out)), shape).astype(dtype)

# %% glorot-uniform right: draws between -1 and 1, then gives the numbers their size
def glorot_uniform(rng, shape, fan_in=None, fan_out=None, dtype=np.float32):
    given = (fan_in, fan_out)
    i, o = given if None not in given else (g if g is not None else f for g, f in zip(given, fans(shape)))
    half = (i + o)/2
    return np.asarray(rng.uniform(-1, 1, shape)*(3/half)**.5, dtype=dtype)

# %% keep-mask wrong: always float32
def keep_mask(rng, shape, p, dtype=np.float32):
    return ((rng.random(shape) >= p)/(1 - p)).astype(np.float32)

# %% keep-mask wrong: right for the p of the example
def keep_mask(rng, shape, p, dtype=np.float32):
    return np.where(rng.random(shape) < p, 0, 4).astype(dtype)

# %% keep-mask wrong: numpy's global generator, which no seed of ours repeats
def keep_mask(rng, shape, p, dtype=np.float32):
    return ((np.random.random(shape) >= p)/(1 - p)).astype(dtype)

# %% keep-mask wrong: the same mask each time
def keep_mask(rng, shape, p, dtype=np.float32):
    return ((np.random.default_rng(0).random(shape) >= p)/(1 - p)).astype(dtype)

# %% keep-mask wrong: a row is kept or dropped as a whole
def keep_mask(rng, shape, p, dtype=np.float32):
    keep = (rng.random((shape[0],) + (1,)*(len(shape) - 1)) >= p)/(1 - p)
    return np.broadcast_to(keep, shape).astype(dtype)

# %% keep-mask wrong: a column is kept or dropped as a whole
def keep_mask(rng, shape, p, dtype=np.float32):
    return np.broadcast_to((rng.random(shape[-1]) >= p)/(1 - p), shape).astype(dtype)

# %% keep-mask wrong: p is the probability to stay
def keep_mask(rng, shape, p, dtype=np.float32):
    return ((rng.random(shape) < p)/p).astype(dtype)

# %% keep-mask wrong: what is left is not made larger
def keep_mask(rng, shape, p, dtype=np.float32):
    return (rng.random(shape) >= p).astype(dtype)

# %% keep-mask wrong: scaled so that this very mask has mean 1
def keep_mask(rng, shape, p, dtype=np.float32):
    keep = rng.random(shape) >= p
    return (keep/keep.mean()).astype(dtype)

# %% keep-mask right: a choice between two numbers
def keep_mask(rng, shape, p, dtype=np.float32):
    return rng.choice(np.array([0, 1/(1 - p)], dtype), size=shape, p=[p, 1 - p])
