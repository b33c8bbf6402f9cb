"Known answers to the exercises of 00_core.ops, for `tinybench course prove`."

# %% numeric-grad wrong: one-sided difference, which sees a slope of 1 at the kink of abs
def numeric_grad(f, x, eps=1e-6):
    g, here = np.zeros_like(x), f(x)
    for i in np.ndindex(*x.shape):
        old = x[i]
        x[i] = old + eps
        g[i] = (f(x) - here)/eps
        x[i] = old
    return g

# %% numeric-grad wrong: one axis only, right on a vector
def numeric_grad(f, x, eps=1e-6):
    g = np.zeros(len(x))
    for i in range(len(x)):
        old = x[i]
        x[i] = old + eps; up = f(x)
        x[i] = old - eps; down = f(x)
        x[i] = old
        g[i] = (up - down)/(2*eps)
    return g

# %% numeric-grad wrong: puts the number back by arithmetic, so x drifts by rounding
def numeric_grad(f, x, eps=1e-6):
    g = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        x[i] += eps; up = f(x)
        x[i] -= 2*eps; down = f(x)
        x[i] += eps
        g[i] = (up - down)/(2*eps)
    return g

# %% numeric-grad wrong: nudges a copy, so an f that looks at x by another road sees nothing
def numeric_grad(f, x, eps=1e-6):
    g = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[i] += eps; down[i] -= eps
        g[i] = (f(up) - f(down))/(2*eps)
    return g

# %% numeric-grad wrong: works on x.reshape(-1), a copy where x is a transposed view
def numeric_grad(f, x, eps=1e-6):
    flat, g = x.reshape(-1), np.zeros(x.size)
    for i in range(x.size):
        old = flat[i]
        flat[i] = old + eps; up = f(x)
        flat[i] = old - eps; down = f(x)
        flat[i] = old
        g[i] = (up - down)/(2*eps)
    return g.reshape(x.shape)

# %% numeric-grad wrong: forgets that the two points are 2*eps apart
def numeric_grad(f, x, eps=1e-6):
    g = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        old = x[i]
        x[i] = old + eps; up = f(x)
        x[i] = old - eps; down = f(x)
        x[i] = old
        g[i] = (up - down)/eps
    return g

# %% numeric-grad right: walks x.flat, which writes into x whatever its strides
def numeric_grad(f, x, eps=1e-6):
    slopes = []
    for i, old in enumerate(x.flatten()):
        values = []
        for step in (eps, -eps):
            x.flat[i] = old + step
            values.append(f(x))
        x.flat[i] = old
        slopes.append((values[0] - values[1])/eps/2)
    return np.array(slopes).reshape(x.shape)

# %% div-vjp wrong: forgets g, which is 1 in the example
def div_vjp(g, o, x, y):
    return 1/y, -o/y

# %% div-vjp wrong: forgets the minus
def div_vjp(g, o, x, y):
    return g/y, g*o/y

# %% div-vjp wrong: squares y although o already holds one of them
def div_vjp(g, o, x, y):
    return g/y, -g*o/y**2

# %% div-vjp wrong: takes y for positive
def div_vjp(g, o, x, y):
    return g/np.abs(y), -g*o/np.abs(y)

# %% div-vjp wrong: divides g in its own memory
def div_vjp(g, o, x, y):
    g /= y
    return g, -g*o

# %% div-vjp wrong: in float64, whatever comes
def div_vjp(g, o, x, y):
    y = np.asarray(y, float)
    return g/y, -g*o/y

# %% div-vjp right: from x, without the output
def div_vjp(g, o, x, y):
    r = 1/y
    return g*r, -g*x*r*r

# %% unbroadcast wrong: sums the axes put in front or the stretched ones, never both
def unbroadcast(g, shape):
    if np.broadcast_shapes(g.shape, shape) != g.shape: raise ValueError('not repeated')
    if g.shape == shape: return g
    if g.ndim > len(shape): return g.sum(axis=tuple(range(g.ndim - len(shape))))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)

# %% unbroadcast wrong: counts the stretched axes from the wrong end
def unbroadcast(g, shape):
    if np.broadcast_shapes(g.shape, shape) != g.shape: raise ValueError('not repeated')
    if g.shape == shape: return g
    axes = tuple(i for i, n in enumerate(shape) if n == 1)
    front = tuple(range(g.ndim - len(shape)))
    return g.sum(axis=axes, keepdims=True).sum(axis=front)

# %% unbroadcast wrong: the mean over the copies
def unbroadcast(g, shape):
    if np.broadcast_shapes(g.shape, shape) != g.shape: raise ValueError('not repeated')
    front = tuple(range(g.ndim - len(shape)))
    g = g.mean(axis=front)
    return g.mean(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)

# %% unbroadcast wrong: loses the axes of length 1
def unbroadcast(g, shape):
    if np.broadcast_shapes(g.shape, shape) != g.shape: raise ValueError('not repeated')
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1))

# %% unbroadcast wrong: takes one copy for all
def unbroadcast(g, shape):
    if np.broadcast_shapes(g.shape, shape) != g.shape: raise ValueError('not repeated')
    while g.ndim > len(shape): g = g[0]
    for i, n in enumerate(shape):
        if n == 1: g = g.take([0], axis=i)
    return g

# %% unbroadcast wrong: lets a gradient pass that no broadcast explains
def unbroadcast(g, shape):
    if g.shape == shape: return g
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return g.sum(axis=stretched, keepdims=True) if stretched else g

# %% unbroadcast wrong: adds in float64, and stays there
def unbroadcast(g, shape):
    full = (1,)*(g.ndim - len(shape)) + tuple(shape)
    axes = tuple(i for i, (a, b) in enumerate(zip(g.shape, full)) if a != b)
    return g.sum(axis=axes, keepdims=True, dtype=np.float64).reshape(shape)

# %% unbroadcast right: gives the shape its front axes, sums once, and reshapes
def unbroadcast(g, shape):
    full = (1,)*(g.ndim - len(shape)) + tuple(shape)
    axes = tuple(i for i, (a, b) in enumerate(zip(g.shape, full)) if a != b)
    return g.sum(axis=axes, keepdims=True).reshape(shape)

# %% unbroadcast right: one axis at a time
def unbroadcast(g, shape):
    while g.ndim > len(shape): g = g.sum(0)
    for axis, n in enumerate(shape):
        if n == 1 and axis < g.ndim: g = g.sum(axis, keepdims=True)
    if np.shape(g) != shape: raise ValueError(f'{np.shape(g)} is not {shape}')
    return g

# %% matmul-vjp wrong: .T turns the batch axes round as well
def matmul_vjp(g, o, x, y):
    return lambda out=None: g @ y.T, lambda out=None: x.T @ g

# %% matmul-vjp wrong: np.dot, which is no batched product
def matmul_vjp(g, o, x, y):
    return (lambda out=None: np.dot(g, np.swapaxes(y, -1, -2)),
            lambda out=None: np.dot(np.swapaxes(x, -1, -2), g))

# %% matmul-vjp wrong: the first promise does not accept memory
def matmul_vjp(g, o, x, y):
    return lambda: g @ np.swapaxes(y, -1, -2), lambda out=None: np.swapaxes(x, -1, -2) @ g

# %% matmul-vjp wrong: a promise that gets memory fills it and hands back nothing
def matmul_vjp(g, o, x, y):
    def product(a, b, out):
        if out is None: return a @ b
        np.matmul(a, b, out=out)
    return (lambda out=None: product(g, np.swapaxes(y, -1, -2), out),
            lambda out=None: product(np.swapaxes(x, -1, -2), g, out))

# %% matmul-vjp wrong: arrays, not promises
def matmul_vjp(g, o, x, y):
    return g @ np.swapaxes(y, -1, -2), np.swapaxes(x, -1, -2) @ g

# %% matmul-vjp wrong: the two gradients in the wrong order
def matmul_vjp(g, o, x, y):
    return lambda out=None: np.swapaxes(x, -1, -2) @ g, lambda out=None: g @ np.swapaxes(y, -1, -2)

# %% matmul-vjp wrong: in float64, whatever comes
def matmul_vjp(g, o, x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    return lambda out=None: g @ np.swapaxes(y, -1, -2), lambda out=None: np.swapaxes(x, -1, -2) @ g

# %% matmul-vjp right: by naming the axes
def matmul_vjp(g, o, x, y):
    def gx(out=None): return np.einsum('...nm,...km->...nk', g, y)
    def gy(out=None): return np.einsum('...nk,...nm->...km', x, g)
    return gx, gy

# %% max-vjp wrong: g[..., None] puts back the last axis, whichever was dropped
def max_vjp(g, o, x, axis=None, keepdims=False):
    hit = x == o[..., None]
    return (hit*(g[..., None]/hit.sum(axis=axis, keepdims=True, dtype=g.dtype)),)

# %% max-vjp wrong: forgets keepdims
def max_vjp(g, o, x, axis=None, keepdims=False):
    hit = x == expand(o, x.shape, axis)
    return (hit*(expand(g, x.shape, axis)/hit.sum(axis=axis, keepdims=True, dtype=g.dtype)),)

# %% max-vjp wrong: all of g to each of several that tie
def max_vjp(g, o, x, axis=None, keepdims=False):
    return ((x == expand(o, x.shape, axis, keepdims))*expand(g, x.shape, axis, keepdims),)

# %% max-vjp wrong: shares among the winners of the whole array
def max_vjp(g, o, x, axis=None, keepdims=False):
    hit = x == expand(o, x.shape, axis, keepdims)
    return (hit*(expand(g, x.shape, axis, keepdims)/hit.sum(dtype=g.dtype)),)

# %% max-vjp wrong: half for a tie, however many tie
def max_vjp(g, o, x, axis=None, keepdims=False):
    hit = x == expand(o, x.shape, axis, keepdims)
    several = hit.sum(axis=axis, keepdims=True) > 1
    return (hit*expand(g, x.shape, axis, keepdims)*np.where(several, .5, 1).astype(g.dtype),)

# %% max-vjp wrong: takes numbers that are only close for a tie
def max_vjp(g, o, x, axis=None, keepdims=False):
    hit = np.isclose(x, expand(o, x.shape, axis, keepdims))
    return (hit*(expand(g, x.shape, axis, keepdims)/hit.sum(axis=axis, keepdims=True, dtype=g.dtype)),)

# %% max-vjp wrong: divides by a whole number in an array, which makes float64 of float32
def max_vjp(g, o, x, axis=None, keepdims=False):
    hit = x == expand(o, x.shape, axis, keepdims)
    return (hit*(expand(g, x.shape, axis, keepdims)/hit.sum(axis=axis, keepdims=True)),)

# %% max-vjp right: finds the maximum again, and fills the places that hold it
def max_vjp(g, o, x, axis=None, keepdims=False):
    top = x.max(axis=axis, keepdims=True)
    share = np.reshape(g, top.shape)/np.count_nonzero(x == top, axis=axis, keepdims=True)
    return (np.where(x == top, share, 0).astype(np.asarray(g).dtype),)

# %% softmax-fwd wrong: subtracts the largest of all, so that a row far below it becomes 0/0
def softmax_fwd(x, axis=-1):
    e = np.exp(x - x.max())
    return e/e.sum(axis=axis, keepdims=True)

# %% softmax-fwd wrong: subtracts in the memory of x
def softmax_fwd(x, axis=-1):
    x -= x.max(axis=axis, keepdims=True)
    e = np.exp(x)
    return e/e.sum(axis=axis, keepdims=True)

# %% softmax-fwd wrong: subtracts the smallest
def softmax_fwd(x, axis=-1):
    e = np.exp(x - x.min(axis=axis, keepdims=True))
    return e/e.sum(axis=axis, keepdims=True)

# %% softmax-fwd wrong: always along the last axis
def softmax_fwd(x, axis=-1):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e/e.sum(axis=-1, keepdims=True)

# %% softmax-fwd wrong: the definition, which overflows
def softmax_fwd(x, axis=-1):
    return np.exp(x)/np.exp(x).sum(axis=axis, keepdims=True)

# %% softmax-fwd wrong: cuts large inputs off instead of shifting them
def softmax_fwd(x, axis=-1):
    e = np.exp(np.clip(x, -700, 700))
    return e/e.sum(axis=axis, keepdims=True)

# %% softmax-fwd wrong: in float64, whatever comes
def softmax_fwd(x, axis=-1):
    e = np.exp(np.asarray(x, float) - x.max(axis=axis, keepdims=True))
    return e/e.sum(axis=axis, keepdims=True)

# %% softmax-fwd right: one vector at a time
def softmax_fwd(x, axis=-1):
    def one(v):
        e = np.array([np.exp(a - max(v)) for a in v])
        return e/sum(e)
    return np.apply_along_axis(one, axis, x)
