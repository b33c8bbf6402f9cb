"Known answers to the exercises of 78_tasks.streaming, for `tinybench course prove`."

# %% front-end wrong: forgets the sample before the piece
class FrontEnd:
    def __init__(self): self.waiting = np.zeros(0)
    def push(self, piece):
        x = np.append(self.waiting, emphasized(one_sound(piece)))
        k = max(0, 1 + (len(x) - 1024)//512)
        self.waiting = x[512*k:].copy()
        return np.array([bands(x[512*i:512*i + 1024]) for i in range(k)], np.float32).reshape(k, 40)

# %% front-end wrong: keeps the whole sound and begins anew each time
class FrontEnd:
    def __init__(self): self.x, self.given = np.zeros(0), 0
    def push(self, piece):
        self.x = np.append(self.x, one_sound(piece))
        if len(self.x) < 1024: return np.zeros((0, 40), np.float32)
        new = lfbe(self.x)[self.given:]
        self.given += len(new)
        return new

# %% front-end wrong: frames that do not overlap across pieces
class FrontEnd:
    def __init__(self): self.before, self.waiting = 0., np.zeros(0)
    def push(self, piece):
        piece = one_sound(piece)
        x = np.append(self.waiting, emphasized(piece, self.before))
        if len(piece): self.before = piece[-1]
        k = max(0, 1 + (len(x) - 1024)//512)
        self.waiting = x[512*(k - 1) + 1024:].copy() if k else x
        return np.array([bands(x[512*i:512*i + 1024]) for i in range(k)], np.float32).reshape(k, 40)

# %% front-end wrong: one frame a piece at most
class FrontEnd:
    def __init__(self): self.before, self.waiting = 0., np.zeros(0)
    def push(self, piece):
        piece = one_sound(piece)
        x = np.append(self.waiting, emphasized(piece, self.before))
        if len(piece): self.before = piece[-1]
        if len(x) < 1024:
            self.waiting = x
            return np.zeros((0, 40), np.float32)
        self.waiting = x[512:].copy()
        return bands(x[:1024])[None]

# %% front-end wrong: an empty piece makes the sample before it 0
class FrontEnd:
    def __init__(self): self.before, self.waiting = 0., np.zeros(0)
    def push(self, piece):
        piece = one_sound(piece)
        x = np.append(self.waiting, emphasized(piece, self.before))
        self.before = piece[-1] if len(piece) else 0.
        k = max(0, 1 + (len(x) - 1024)//512)
        self.waiting = x[512*k:].copy()
        return np.array([bands(x[512*i:512*i + 1024]) for i in range(k)], np.float32).reshape(k, 40)

# %% front-end wrong: pieces shorter than a frame are thrown away if nothing waits
class FrontEnd:
    def __init__(self): self.before, self.waiting = 0., np.zeros(0)
    def push(self, piece):
        piece = one_sound(piece)
        x = np.append(self.waiting, emphasized(piece, self.before))
        if len(piece): self.before = piece[-1]
        k = 1 + (len(x) - 1024)//512
        if k < 0: return np.zeros((0, 40), np.float32)
        self.waiting = x[512*k:].copy()
        return np.array([bands(x[512*i:512*i + 1024]) for i in range(k)], np.float32).reshape(k, 40)

# %% front-end wrong: what waits belongs to all front ends
class FrontEnd:
    kept = dict(before=0., waiting=np.zeros(0))
    def __init__(self): FrontEnd.kept = dict(before=0., waiting=np.zeros(0))
    def push(self, piece):
        kept, piece = FrontEnd.kept, one_sound(piece)
        x = np.append(kept['waiting'], emphasized(piece, kept['before']))
        if len(piece): kept['before'] = piece[-1]
        k = max(0, 1 + (len(x) - 1024)//512)
        kept['waiting'] = x[512*k:].copy()
        return np.array([bands(x[512*i:512*i + 1024]) for i in range(k)], np.float32).reshape(k, 40)

# %% front-end right: keeps samples as they came
class FrontEnd:
    def __init__(self): self.x, self.first = np.zeros(0), True
    def push(self, piece):
        self.x = np.append(self.x, one_sound(piece))
        out = []
        while len(self.x) >= 1024 + (not self.first):
            y = emphasized(self.x[:1024]) if self.first else emphasized(self.x[1:1025], self.x[0])
            out.append(bands(y))
            self.x, self.first = self.x[511 if self.first else 512:], False
        return np.array(out, np.float32).reshape(-1, 40)

# %% along wrong: one window after the other
def along(net, x):
    with evaluating(net):
        return np.concatenate([net(x[None, i:i + 30, None]).softmax().data for i in range(len(x) - 29)])

# %% along wrong: all windows as one batch
def along(net, x):
    v = np.lib.stride_tricks.sliding_window_view(x, 30, 0).swapaxes(1, 2)[:, :, None]
    with evaluating(net): return net(np.ascontiguousarray(v)).softmax().data

# %% along wrong: in the mode that the network is in
def along(net, x):
    rows = net[:-2](x[None, :, None])
    return net[-1](rows.data.reshape(-1, rows.shape[-1])).softmax().data

# %% along wrong: logits
def along(net, x):
    with evaluating(net):
        rows = net[:-2](x[None, :, None])
        return net[-1](rows.data.reshape(-1, rows.shape[-1])).data

# %% along wrong: leaves the network in evaluation mode
def along(net, x):
    net.eval()
    rows = net[:-2](x[None, :, None])
    return net[-1](rows.data.reshape(-1, rows.shape[-1])).softmax().data

# %% along wrong: in pieces of 60 frames that share 29
def along(net, x):
    with evaluating(net):
        out = []
        for i in range(0, len(x) - 29, 31):
            rows = net[:-2](x[None, i:i + 60, None])
            out.append(net[-1](rows.data.reshape(-1, rows.shape[-1])).softmax().data)
        return np.concatenate(out)

# %% along right: layer by layer
def along(net, x):
    with evaluating(net):
        y = x[None, :, None]
        for layer in list(net)[:-2]: y = layer(y)
        return net[-1](y.data[0, :, 0]).softmax().data

# %% debounce wrong: each alarm holds, also one that does not count
def debounce(times, hold=1.):
    t = np.asarray(times, float)
    return t[np.append(True, np.diff(t) > hold)[:len(t)]]

# %% debounce wrong: one that comes at the very end of the hold counts
def debounce(times, hold=1.):
    kept = []
    for t in times:
        if not kept or t >= kept[-1] + hold: kept.append(t)
    return np.array(kept, float)

# %% debounce wrong: seconds of the clock
def debounce(times, hold=1.):
    t = np.asarray(times, float)
    _, first = np.unique(np.floor(t/max(hold, 1e-9)), return_index=True)
    return t[first]

# %% debounce wrong: the last of each group
def debounce(times, hold=1.):
    kept = []
    for t in times:
        if not kept or t > kept[-1][0] + hold: kept.append([t, t])
        kept[-1][1] = t
    return np.array([last for _, last in kept], float)

# %% debounce wrong: always one second
def debounce(times, hold=1.):
    kept = []
    for t in times:
        if not kept or t > kept[-1] + 1: kept.append(t)
    return np.array(kept, float)

# %% debounce right: jumps by searching
def debounce(times, hold=1.):
    t, i, kept = np.asarray(times, float), 0, []
    while i < len(t):
        kept.append(t[i])
        i = np.searchsorted(t, t[i] + hold, 'right')
    return np.array(kept, float)

# %% match wrong: debounced before the targets are served
class Events(NamedTuple):
    heard: np.ndarray
    alarms: np.ndarray
def match(times, targets, grace=1., hold=1.):
    free, heard = debounce(times, hold), []
    for begin, end in targets:
        mine = (free >= begin) & (free <= end + grace)
        heard.append(mine.any())
        free = free[~mine]
    return Events(np.array(heard, bool), free)

# %% match wrong: a time may serve two targets
class Events(NamedTuple):
    heard: np.ndarray
    alarms: np.ndarray
def match(times, targets, grace=1., hold=1.):
    t = np.asarray(times, float)
    mine = np.array([(t >= a) & (t <= b + grace) for a, b in targets]).reshape(len(targets), len(t))
    return Events(mine.any(1), debounce(t[~mine.any(0)], hold))

# %% match wrong: a target takes only its first time
class Events(NamedTuple):
    heard: np.ndarray
    alarms: np.ndarray
def match(times, targets, grace=1., hold=1.):
    free, heard = np.asarray(times, float), []
    for begin, end in targets:
        mine = np.flatnonzero((free >= begin) & (free <= end + grace))[:1]
        heard.append(len(mine) > 0)
        free = np.delete(free, mine)
    return Events(np.array(heard, bool), debounce(free, hold))

# %% match wrong: no grace
class Events(NamedTuple):
    heard: np.ndarray
    alarms: np.ndarray
def match(times, targets, grace=1., hold=1.):
    free, heard = np.asarray(times, float), []
    for begin, end in targets:
        mine = (free >= begin) & (free <= end)
        heard.append(mine.any())
        free = free[~mine]
    return Events(np.array(heard, bool), debounce(free, hold))

# %% match wrong: the last moment of the grace is too late
class Events(NamedTuple):
    heard: np.ndarray
    alarms: np.ndarray
def match(times, targets, grace=1., hold=1.):
    free, heard = np.asarray(times, float), []
    for begin, end in targets:
        mine = (free >= begin) & (free < end + grace)
        heard.append(mine.any())
        free = free[~mine]
    return Events(np.array(heard, bool), debounce(free, hold))

# %% match wrong: alarms are not debounced
class Events(NamedTuple):
    heard: np.ndarray
    alarms: np.ndarray
def match(times, targets, grace=1., hold=1.):
    free, heard = np.asarray(times, float), []
    for begin, end in targets:
        mine = (free >= begin) & (free <= end + grace)
        heard.append(mine.any())
        free = free[~mine]
    return Events(np.array(heard, bool), free)

# %% match wrong: the last target takes a time, not the first
class Events(NamedTuple):
    heard: np.ndarray
    alarms: np.ndarray
def match(times, targets, grace=1., hold=1.):
    free, heard = np.asarray(times, float), []
    for begin, end in list(targets)[::-1]:
        mine = (free >= begin) & (free <= end + grace)
        heard.append(mine.any())
        free = free[~mine]
    return Events(np.array(heard[::-1], bool), debounce(free, hold))

# %% match right: time by time
class Events(NamedTuple):
    heard: np.ndarray
    alarms: np.ndarray
def match(times, targets, grace=1., hold=1.):
    heard, free = np.zeros(len(targets), bool), []
    for t in times:
        mine = [i for i, (a, b) in enumerate(targets) if a <= t <= b + grace]
        if mine: heard[mine[0]] = True
        else: free.append(t)
    return Events(heard, debounce(free, hold))

# %% poisson-interval wrong: by the normal curve
def poisson_interval(count, level=.95):
    from statistics import NormalDist
    half = NormalDist().inv_cdf((1 + level)/2)*count**.5
    return max(count - half, 0.), count + half

# %% poisson-interval wrong: the lower end asks for more than the count
def poisson_interval(count, level=.95):
    tail = (1 - level)/2
    return float(pdtri(count, 1 - tail)) if count else 0., float(pdtri(count, tail))

# %% poisson-interval wrong: both tails at each end
def poisson_interval(count, level=.95):
    return float(pdtri(count - 1, level)) if count else 0., float(pdtri(count, 1 - level))

# %% poisson-interval wrong: always at 95%
def poisson_interval(count, level=.95):
    return float(pdtri(count - 1, .975)) if count else 0., float(pdtri(count, .025))

# %% poisson-interval right: by the gamma distribution
def poisson_interval(count, level=.95):
    from scipy.special import gammaincinv
    tail = (1 - level)/2
    return float(gammaincinv(count, tail)) if count else 0., float(gammaincinv(count + 1, 1 - tail))

# %% busy wrong: the last second as if it were whole
def busy(push, x, size, clock=time.perf_counter):
    shares = []
    for second in np.split(x, range(16000, len(x), 16000)):
        start = clock()
        for i in range(0, len(second), size): push(second[i:i + size])
        shares.append(clock() - start)
    return shares

# %% busy wrong: pieces reach over the end of a second
def busy(push, x, size, clock=time.perf_counter):
    shares, used, heard = [], 0., 0
    for i in range(0, len(x), size):
        start = clock()
        push(x[i:i + size])
        used, heard = used + clock() - start, heard + len(x[i:i + size])
        if heard >= 16000 or i + size >= len(x):
            shares.append(used/(heard/16000))
            used, heard = 0., 0
    return shares

# %% busy wrong: what does not fill a piece is left out
def busy(push, x, size, clock=time.perf_counter):
    shares = []
    for second in np.split(x, range(16000, len(x), 16000)):
        start = clock()
        for i in range(0, len(second) - size + 1, size): push(second[i:i + size])
        shares.append((clock() - start)/(len(second)/16000))
    return shares

# %% busy wrong: since the beginning
def busy(push, x, size, clock=time.perf_counter):
    shares, start = [], clock()
    for second in np.split(x, range(16000, len(x), 16000)):
        for i in range(0, len(second), size): push(second[i:i + size])
        shares.append((clock() - start)/(len(second)/16000))
    return shares

# %% busy wrong: one mean for all seconds
def busy(push, x, size, clock=time.perf_counter):
    seconds, start = np.split(x, range(16000, len(x), 16000)), clock()
    for second in seconds:
        for i in range(0, len(second), size): push(second[i:i + size])
    return [(clock() - start)/(len(x)/16000)]*len(seconds)

# %% busy right: only while the device computes
def busy(push, x, size, clock=time.perf_counter):
    shares = []
    for a in range(0, len(x), 16000):
        part, used = x[a:a + 16000], 0.
        for i in range(0, len(part), size):
            piece, start = part[i:i + size], clock()
            push(piece)
            used += clock() - start
        shares.append(16000*used/len(part))
    return shares
