"Known answers to the exercises of 17_nn.optim, for `tinybench course prove`."

# %% flatten wrong: copies in the place of views
def flatten(params):
    stops = np.cumsum([p.size for p in params]).tolist()
    spans = [slice(b - p.size, b) for p, b in zip(params, stops)]
    w = np.concatenate([p.data.ravel() for p in params])
    g = np.zeros_like(w)
    for p, s in zip(params, spans): p.buffer = g[s].reshape(p.shape)
    return w, g, spans

# %% flatten wrong: forgets the buffers of the gradients
def flatten(params):
    stops = np.cumsum([p.size for p in params]).tolist()
    spans = [slice(b - p.size, b) for p, b in zip(params, stops)]
    w = np.concatenate([p.data.ravel() for p in params])
    for p, s in zip(params, spans): p.data = w[s].reshape(p.shape)
    return w, np.zeros_like(w), spans

# %% flatten wrong: column after column
def flatten(params):
    stops = np.cumsum([p.size for p in params]).tolist()
    spans = [slice(b - p.size, b) for p, b in zip(params, stops)]
    w, g = np.empty(stops[-1], params[0].dtype), np.zeros(stops[-1], params[0].dtype)
    for p, s in zip(params, spans):
        w[s] = p.data.ravel(order='F')
        p.data, p.buffer = w[s].reshape(p.shape), g[s].reshape(p.shape)
    return w, g, spans

# %% flatten wrong: always float64
def flatten(params):
    stops = np.cumsum([p.size for p in params]).tolist()
    spans = [slice(b - p.size, b) for p, b in zip(params, stops)]
    w, g = np.empty(stops[-1]), np.zeros(stops[-1])
    for p, s in zip(params, spans):
        w[s] = p.data.ravel()
        p.data, p.buffer = w[s].reshape(p.shape), g[s].reshape(p.shape)
    return w, g, spans

# %% flatten wrong: always float32
def flatten(params):
    stops = np.cumsum([p.size for p in params]).tolist()
    spans = [slice(b - p.size, b) for p, b in zip(params, stops)]
    w, g = np.empty(stops[-1], 'f'), np.zeros(stops[-1], 'f')
    for p, s in zip(params, spans):
        w[s] = p.data.ravel()
        p.data, p.buffer = w[s].reshape(p.shape), g[s].reshape(p.shape)
    return w, g, spans

# %% flatten wrong: weights and gradients in one vector
def flatten(params):
    stops = np.cumsum([p.size for p in params]).tolist()
    spans = [slice(b - p.size, b) for p, b in zip(params, stops)]
    w = np.concatenate([p.data.ravel() for p in params])
    for p, s in zip(params, spans): p.data = p.buffer = w[s].reshape(p.shape)
    return w, w, spans

# %% flatten wrong: vectors have no shape () or (2, 3) any more
def flatten(params):
    stops = np.cumsum([p.size for p in params]).tolist()
    spans = [slice(b - p.size, b) for p, b in zip(params, stops)]
    w = np.concatenate([p.data.ravel() for p in params])
    g = np.zeros_like(w)
    for p, s in zip(params, spans): p.data, p.buffer = w[s], g[s]
    return w, g, spans

# %% flatten right: joined, then cut by np.split, whose pieces are views
def flatten(params):
    w = np.concatenate([p.data.reshape(-1) for p in params])
    g, spans, at = w*0, [], 0
    for p in params: spans.append(slice(at, at := at + p.data.size))
    cuts = [s.stop for s in spans[:-1]]
    for p, ws, gs in zip(params, np.split(w, cuts), np.split(g, cuts)):
        p.data, p.buffer = ws.reshape(p.shape), gs.reshape(p.shape)
    return w, g, spans

# %% sgd wrong: the velocity is a name for a new array, the memory stays 0
class SGD(Optimizer):
    slots = ('m',)
    options = {'momentum': '[0, 1)', 'nesterov': bool, 'decay': '[0, inf)'}
    def __init__(self, params, lr=.01, momentum=0., max_norm=None, nesterov=False, decay=0.):
        super().__init__(params, lr, max_norm, momentum=momentum, nesterov=nesterov, decay=decay)
    def direction(self, s):
        g = self.slope(s)
        m = self.momentum*self.m[s] + g
        self.g[s] = self.rate()*(g + self.momentum*m if self.nesterov else m)

# %% sgd wrong: the learning rate goes into the memory
class SGD(Optimizer):
    slots = ('m',)
    options = {'momentum': '[0, 1)', 'nesterov': bool, 'decay': '[0, inf)'}
    def __init__(self, params, lr=.01, momentum=0., max_norm=None, nesterov=False, decay=0.):
        super().__init__(params, lr, max_norm, momentum=momentum, nesterov=nesterov, decay=decay)
    def direction(self, s):
        g = self.slope(s)*self.rate()
        self.m[s] = self.momentum*self.m[s] + g
        self.g[s] = g + self.momentum*self.m[s] if self.nesterov else self.m[s]

# %% sgd wrong: lr in the place of rate(), so no schedule
class SGD(Optimizer):
    slots = ('m',)
    options = {'momentum': '[0, 1)', 'nesterov': bool, 'decay': '[0, inf)'}
    def __init__(self, params, lr=.01, momentum=0., max_norm=None, nesterov=False, decay=0.):
        super().__init__(params, lr, max_norm, momentum=momentum, nesterov=nesterov, decay=decay)
    def direction(self, s):
        g = self.slope(s)
        self.m[s] = self.momentum*self.m[s] + g
        self.g[s] = self.lr*(g + self.momentum*self.m[s] if self.nesterov else self.m[s])

# %% sgd wrong: works on the whole vector, whatever the stretch
class SGD(Optimizer):
    slots = ('m',)
    options = {'momentum': '[0, 1)', 'nesterov': bool, 'decay': '[0, inf)'}
    def __init__(self, params, lr=.01, momentum=0., max_norm=None, nesterov=False, decay=0.):
        super().__init__(params, lr, max_norm, momentum=momentum, nesterov=nesterov, decay=decay)
    def direction(self, s):
        g = self.slope(slice(None))
        self.m *= self.momentum
        self.m += g
        self.g[:] = self.rate()*(g + self.momentum*self.m if self.nesterov else self.m)

# %% sgd wrong: a mean of the gradients, not a sum
class SGD(Optimizer):
    slots = ('m',)
    options = {'momentum': '[0, 1)', 'nesterov': bool, 'decay': '[0, inf)'}
    def __init__(self, params, lr=.01, momentum=0., max_norm=None, nesterov=False, decay=0.):
        super().__init__(params, lr, max_norm, momentum=momentum, nesterov=nesterov, decay=decay)
    def direction(self, s):
        g = self.slope(s)
        self.m[s] = self.momentum*self.m[s] + (1 - self.momentum)*g
        self.g[s] = self.rate()*(g + self.momentum*self.m[s] if self.nesterov else self.m[s])

# %% sgd wrong: moves the weights itself
class SGD(Optimizer):
    slots = ('m',)
    options = {'momentum': '[0, 1)', 'nesterov': bool, 'decay': '[0, inf)'}
    def __init__(self, params, lr=.01, momentum=0., max_norm=None, nesterov=False, decay=0.):
        super().__init__(params, lr, max_norm, momentum=momentum, nesterov=nesterov, decay=decay)
    def direction(self, s):
        g = self.slope(s)
        self.m[s] = self.momentum*self.m[s] + g
        self.w[s] -= self.rate()*(g + self.momentum*self.m[s] if self.nesterov else self.m[s])
        self.g[s] = 0

# %% sgd wrong: forgets the decay
class SGD(Optimizer):
    slots = ('m',)
    options = {'momentum': '[0, 1)', 'nesterov': bool, 'decay': '[0, inf)'}
    def __init__(self, params, lr=.01, momentum=0., max_norm=None, nesterov=False, decay=0.):
        super().__init__(params, lr, max_norm, momentum=momentum, nesterov=nesterov, decay=decay)
    def direction(self, s):
        g = self.g[s]
        self.m[s] = self.momentum*self.m[s] + g
        self.g[s] = self.rate()*(g + self.momentum*self.m[s] if self.nesterov else self.m[s])

# %% sgd wrong: asks for the slope twice, so decays twice
class SGD(Optimizer):
    slots = ('m',)
    options = {'momentum': '[0, 1)', 'nesterov': bool, 'decay': '[0, inf)'}
    def __init__(self, params, lr=.01, momentum=0., max_norm=None, nesterov=False, decay=0.):
        super().__init__(params, lr, max_norm, momentum=momentum, nesterov=nesterov, decay=decay)
    def direction(self, s):
        self.m[s] = self.momentum*self.m[s] + self.slope(s)
        self.g[s] = self.rate()*(self.slope(s) + self.momentum*self.m[s] if self.nesterov else self.m[s])

# %% sgd wrong: looks ahead with the old velocity
class SGD(Optimizer):
    slots = ('m',)
    options = {'momentum': '[0, 1)', 'nesterov': bool, 'decay': '[0, inf)'}
    def __init__(self, params, lr=.01, momentum=0., max_norm=None, nesterov=False, decay=0.):
        super().__init__(params, lr, max_norm, momentum=momentum, nesterov=nesterov, decay=decay)
    def direction(self, s):
        g, old = self.slope(s), self.m[s].copy()
        self.m[s] = self.momentum*old + g
        self.g[s] = self.rate()*(g + self.momentum*old if self.nesterov else self.m[s])

# %% sgd wrong: does not hand max_norm on
class SGD(Optimizer):
    slots = ('m',)
    options = {'momentum': '[0, 1)', 'nesterov': bool, 'decay': '[0, inf)'}
    def __init__(self, params, lr=.01, momentum=0., max_norm=None, nesterov=False, decay=0.):
        super().__init__(params, lr, momentum=momentum, nesterov=nesterov, decay=decay)
    def direction(self, s):
        g = self.slope(s)
        self.m[s] = self.momentum*self.m[s] + g
        self.g[s] = self.rate()*(g + self.momentum*self.m[s] if self.nesterov else self.m[s])

# %% sgd right: whole-slice assignments, the gradient added to what is left of the velocity
class SGD(Optimizer):
    slots = ('m',)
    options = {'momentum': '[0, 1)', 'nesterov': bool, 'decay': '[0, inf)'}
    def __init__(self, params, lr=.01, momentum=0., max_norm=None, nesterov=False, decay=0.):
        super().__init__(params, lr, max_norm, momentum=momentum, nesterov=nesterov, decay=decay)
    def direction(self, s):
        g = self.slope(s).copy()
        self.g[s] += self.momentum*self.m[s]
        self.m[s] = self.g[s]
        if self.nesterov: self.g[s] = g + self.momentum*self.m[s]
        self.g[s] *= self.rate()

# %% adam-plain wrong: no bias correction
def adam_step(w, g, m, v, t, lr=.001, b1=.9, b2=.999, eps=1e-8):
    m[:] = b1*m + (1 - b1)*g
    v[:] = b2*v + (1 - b2)*g*g
    return w - lr*m/(np.sqrt(v) + eps)

# %% adam-plain wrong: the correction of the first step at every step
def adam_step(w, g, m, v, t, lr=.001, b1=.9, b2=.999, eps=1e-8):
    m[:] = b1*m + (1 - b1)*g
    v[:] = b2*v + (1 - b2)*g*g
    return w - lr*(m/(1 - b1))/(np.sqrt(v/(1 - b2)) + eps)

# %% adam-plain wrong: eps inside the root
def adam_step(w, g, m, v, t, lr=.001, b1=.9, b2=.999, eps=1e-8):
    m[:] = b1*m + (1 - b1)*g
    v[:] = b2*v + (1 - b2)*g*g
    return w - lr*(m/(1 - b1**t))/np.sqrt(v/(1 - b2**t) + eps)

# %% adam-plain wrong: the means are new arrays, the memory is lost
def adam_step(w, g, m, v, t, lr=.001, b1=.9, b2=.999, eps=1e-8):
    m = b1*m + (1 - b1)*g
    v = b2*v + (1 - b2)*g*g
    return w - lr*(m/(1 - b1**t))/(np.sqrt(v/(1 - b2**t)) + eps)

# %% adam-plain wrong: writes the corrected means into the memory
def adam_step(w, g, m, v, t, lr=.001, b1=.9, b2=.999, eps=1e-8):
    m[:] = (b1*m + (1 - b1)*g)/(1 - b1**t)
    v[:] = (b2*v + (1 - b2)*g*g)/(1 - b2**t)
    return w - lr*m/(np.sqrt(v) + eps)

# %% adam-plain wrong: changes the caller's weights
def adam_step(w, g, m, v, t, lr=.001, b1=.9, b2=.999, eps=1e-8):
    m[:] = b1*m + (1 - b1)*g
    v[:] = b2*v + (1 - b2)*g*g
    w -= lr*(m/(1 - b1**t))/(np.sqrt(v/(1 - b2**t)) + eps)
    return w

# %% adam-plain wrong: the usual betas, whatever is asked
def adam_step(w, g, m, v, t, lr=.001, b1=.9, b2=.999, eps=1e-8):
    m[:] = .9*m + .1*g
    v[:] = .999*v + .001*g*g
    return w - lr*(m/(1 - .9**t))/(np.sqrt(v/(1 - .999**t)) + eps)

# %% adam-plain wrong: an eps that grows with the correction
def adam_step(w, g, m, v, t, lr=.001, b1=.9, b2=.999, eps=1e-8):
    m[:] = b1*m + (1 - b1)*g
    v[:] = b2*v + (1 - b2)*g*g
    return w - lr*(1 - b2**t)**.5/(1 - b1**t)*m/(np.sqrt(v) + eps)

# %% adam-plain right: in place, the corrections as one factor
def adam_step(w, g, m, v, t, lr=.001, b1=.9, b2=.999, eps=1e-8):
    m += (1 - b1)*(g - m)
    v += (1 - b2)*(g**2 - v)
    root = (1 - b2**t)**.5
    return w - lr*root/(1 - b1**t)*m/(v**.5 + eps*root)

# %% cosine wrong: rises again after the last step
def cosine(lr, steps, warmup=0):
    if warmup >= steps: raise ValueError('no steps after the warm-up')
    def rate(t):
        if t < warmup: return lr*t/warmup
        return lr*(1 + cos(pi*(t - warmup)/(steps - warmup)))/2
    return rate

# %% cosine wrong: the wave counts the warm-up too
def cosine(lr, steps, warmup=0):
    if warmup >= steps: raise ValueError('no steps after the warm-up')
    def rate(t):
        if t < warmup: return lr*t/warmup
        return lr*(1 + cos(pi*min(t/steps, 1)))/2
    return rate

# %% cosine wrong: divides by a warm-up of 0
def cosine(lr, steps, warmup=0):
    if warmup >= steps: raise ValueError('no steps after the warm-up')
    def rate(t):
        if t <= warmup: return lr*t/warmup
        return lr*(1 + cos(pi*min((t - warmup)/(steps - warmup), 1)))/2
    return rate

# %% cosine wrong: accepts a warm-up of all the steps
def cosine(lr, steps, warmup=0):
    def rate(t):
        if t < warmup: return lr*t/warmup
        if t >= steps: return 0.
        return lr*(1 + cos(pi*(t - warmup)/(steps - warmup)))/2
    return rate

# %% cosine wrong: refuses only a warm-up of more than all the steps
def cosine(lr, steps, warmup=0):
    if warmup > steps: raise ValueError('the warm-up is longer than the training')
    def rate(t):
        if t < warmup: return lr*t/warmup
        if t >= steps: return 0.
        return lr*(1 + cos(pi*(t - warmup)/(steps - warmup)))/2
    return rate

# %% cosine wrong: the warm-up of the example
def cosine(lr, steps, warmup=0):
    if warmup >= steps: raise ValueError('no steps after the warm-up')
    def rate(t):
        if t < 10: return lr*t/10
        return lr*(1 + cos(pi*min((t - warmup)/(steps - warmup), 1)))/2
    return rate

# %% cosine wrong: a straight line down
def cosine(lr, steps, warmup=0):
    if warmup >= steps: raise ValueError('no steps after the warm-up')
    def rate(t):
        if t < warmup: return lr*t/warmup
        return lr*max(0, (steps - t)/(steps - warmup))
    return rate

# %% cosine right: the square of a quarter wave, and the warm-up by np.interp
def cosine(lr, steps, warmup=0):
    if steps - warmup <= 0: raise ValueError('no steps after the warm-up')
    def rate(t):
        if t < warmup: return float(np.interp(t, [0, warmup], [0, lr]))
        return lr*np.cos(np.clip((t - warmup)/(steps - warmup), 0, 1)*np.pi/2)**2
    return rate

# %% clip-norm wrong: clips each number by itself
def clip_norm(g, max_norm):
    if not max_norm > 0: raise ValueError('a length above 0')
    norm = float(np.linalg.norm(g.astype(np.float64)))
    np.clip(g, -max_norm, max_norm, out=g)
    return norm

# %% clip-norm wrong: lengthens short vectors too
def clip_norm(g, max_norm):
    if not max_norm > 0: raise ValueError('a length above 0')
    norm = float(np.linalg.norm(g.astype(np.float64)))
    if norm: g *= max_norm/norm
    return norm

# %% clip-norm wrong: divides by a length of 0
def clip_norm(g, max_norm):
    if not max_norm > 0: raise ValueError('a length above 0')
    norm = float(np.linalg.norm(g.astype(np.float64)))
    g *= min(1, max_norm/norm)
    return norm

# %% clip-norm wrong: the squares of large float32 numbers overflow
def clip_norm(g, max_norm):
    if not max_norm > 0: raise ValueError('a length above 0')
    with np.errstate(over='ignore'): norm = float(np.sqrt((g*g).sum()))
    if norm > max_norm: g *= max_norm/norm
    return norm

# %% clip-norm wrong: returns the length it has now
def clip_norm(g, max_norm):
    if not max_norm > 0: raise ValueError('a length above 0')
    norm = float(np.linalg.norm(g.astype(np.float64)))
    if norm > max_norm: g *= max_norm/norm
    return min(norm, max_norm)

# %% clip-norm wrong: shortens a copy
def clip_norm(g, max_norm):
    if not max_norm > 0: raise ValueError('a length above 0')
    norm = float(np.linalg.norm(g.astype(np.float64)))
    if norm > max_norm: g = g*(max_norm/norm)
    return norm

# %% clip-norm wrong: the largest number in the place of the length
def clip_norm(g, max_norm):
    if not max_norm > 0: raise ValueError('a length above 0')
    norm = float(np.abs(g).max())
    if norm > max_norm: g *= max_norm/norm
    return norm

# %% clip-norm right: scaled by its largest number before squaring
def clip_norm(g, max_norm):
    if not max_norm > 0: raise ValueError('a length above 0')
    top = float(np.abs(g).max())
    if top == 0: return 0.
    unit = g/top
    norm = top*float(np.sqrt(unit@unit))
    g *= min(1., max_norm/norm)
    return norm

# %% clip-norm right: a loop over Python numbers
def clip_norm(g, max_norm):
    if not max_norm > 0: raise ValueError('a length above 0')
    norm = sqrt(sum(v*v for v in g.tolist()))
    if norm >= max_norm:
        for i in range(len(g)): g[i] = g[i]/norm*max_norm
    return norm

# %% clip-norm wrong: a length below 0 turns the gradient round
def clip_norm(g, max_norm):
    norm = float(np.linalg.norm(g.astype(np.float64)))
    if norm > max_norm: g *= max_norm/norm
    return norm

# %% clip-norm wrong: takes a length that is not a number
def clip_norm(g, max_norm):
    if max_norm <= 0: raise ValueError('a length above 0')
    norm = float(np.linalg.norm(g.astype(np.float64)))
    if norm > max_norm: g *= max_norm/norm
    return norm
