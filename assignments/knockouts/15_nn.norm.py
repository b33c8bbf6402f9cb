"Known answers to the exercises of 15_nn.norm, for `tinybench course prove`."

# %% batchnorm-vjp wrong: forgets the road through the variance
def batchnorm_vjp(g, kept, x, gamma, beta, **_):
    z, inv = kept
    n = z.size//z.shape[-1]
    dgamma, dbeta = column_sums(g*z), column_sums(g)
    return (g - dbeta/n)*gamma*inv, dgamma, dbeta

# %% batchnorm-vjp wrong: treats mean and variance as constants
def batchnorm_vjp(g, kept, x, gamma, beta, **_):
    z, inv = kept
    return g*gamma*inv, column_sums(g*z), column_sums(g)

# %% batchnorm-vjp wrong: n is the batch, not all positions of a channel
def batchnorm_vjp(g, kept, x, gamma, beta, **_):
    z, inv = kept
    n = len(z)
    dgamma, dbeta = column_sums(g*z), column_sums(g)
    return (g - dbeta/n - z*dgamma/n)*gamma*inv, dgamma, dbeta

# %% batchnorm-vjp wrong: sums over the first axis only
def batchnorm_vjp(g, kept, x, gamma, beta, **_):
    z, inv = kept
    n = z.size//z.shape[-1]
    dgamma, dbeta = (g*z).sum(0), g.sum(0)
    return (g - dbeta/n - z*dgamma/n)*gamma*inv, dgamma, dbeta

# %% batchnorm-vjp wrong: gamma twice in the two sums
def batchnorm_vjp(g, kept, x, gamma, beta, **_):
    z, inv = kept
    n = z.size//z.shape[-1]
    dgamma, dbeta = column_sums(g*z), column_sums(g)
    return (g*gamma - gamma*dbeta/n - z*gamma*dgamma/n)*gamma*inv, dgamma, dbeta

# %% batchnorm-vjp wrong: changes the kept z
def batchnorm_vjp(g, kept, x, gamma, beta, **_):
    z, inv = kept
    n = z.size//z.shape[-1]
    dgamma, dbeta = column_sums(g*z), column_sums(g)
    z *= -dgamma/n
    z += g
    z -= dbeta/n
    z *= gamma*inv
    return z, dgamma, dbeta

# %% batchnorm-vjp wrong: computes 1/sqrt(var + eps) anew, with an eps of its own
def batchnorm_vjp(g, kept, x, gamma, beta, **_):
    z, inv = kept
    n = z.size//z.shape[-1]
    dgamma, dbeta = column_sums(g*z), column_sums(g)
    inv = 1/np.sqrt(x.var(tuple(range(x.ndim - 1))) + 1e-3)
    return (g - dbeta/n - z*dgamma/n)*gamma*inv, dgamma, dbeta

# %% batchnorm-vjp right: means over axes of h, as the formula reads
def batchnorm_vjp(g, kept, x, gamma, beta, **_):
    z, inv = kept
    axes = tuple(range(z.ndim - 1))
    h = g*gamma
    dx = inv*(h - h.mean(axes) - z*(h*z).mean(axes))
    return dx, (g*z).sum(axes), g.sum(axes)

# %% track wrong: gives the name to a new array
def track(moving, batch, momentum):
    moving = momentum*moving + (1 - momentum)*batch

# %% track wrong: returns the average and leaves the layer's own as it was
def track(moving, batch, momentum):
    return momentum*moving + (1 - momentum)*batch

# %% track wrong: PyTorch's momentum, the share that is taken
def track(moving, batch, momentum):
    moving *= 1 - momentum
    moving += momentum*batch

# %% track wrong: changes the batch's numbers as well
def track(moving, batch, momentum):
    batch *= 1 - momentum
    moving *= momentum
    moving += batch

# %% track wrong: the share of the example, whatever momentum says
def track(moving, batch, momentum):
    moving += .25*(batch - moving)

# %% track wrong: adds the whole batch
def track(moving, batch, momentum):
    moving *= momentum
    moving += batch

# %% track right: a share of the way to the batch
def track(moving, batch, momentum):
    moving += (1 - momentum)*(batch - moving)

# %% track right: number after number
def track(moving, batch, momentum):
    for i in range(len(moving)): moving[i] = momentum*moving[i] + (1 - momentum)*batch[i]

# %% fold-stats wrong: eps outside the root
def fold_stats(gamma, beta, mean, var, eps=1e-3):
    scale = gamma/(np.sqrt(var) + eps)
    return scale, beta - mean*scale

# %% fold-stats wrong: shifts by the unscaled mean
def fold_stats(gamma, beta, mean, var, eps=1e-3):
    return gamma/np.sqrt(var + eps), beta - mean

# %% fold-stats wrong: gamma missing in the shift
def fold_stats(gamma, beta, mean, var, eps=1e-3):
    inv = 1/np.sqrt(var + eps)
    return gamma*inv, beta - mean*inv

# %% fold-stats wrong: one scale for all channels, right where there is one
def fold_stats(gamma, beta, mean, var, eps=1e-3):
    scale = gamma[0]/np.sqrt(var[0] + eps)
    return np.array([scale]), beta - mean*scale

# %% fold-stats wrong: adds eps to the layer's own variance
def fold_stats(gamma, beta, mean, var, eps=1e-3):
    var += eps
    scale = gamma/np.sqrt(var)
    return scale, beta - mean*scale

# %% fold-stats wrong: makes float64 of float32
def fold_stats(gamma, beta, mean, var, eps=1e-3):
    gamma, beta, mean, var = np.array([gamma, beta, mean, var], dtype=np.float64)
    scale = gamma/np.sqrt(var + eps)
    return scale, beta - mean*scale

# %% fold-stats right: the shift is the value at 0, the scale the slope
def fold_stats(gamma, beta, mean, var, eps=1e-3):
    def line(x): return gamma*(x - mean)*(var + eps)**-.5 + beta
    return line(mean + 1) - line(mean), line(0*mean)
