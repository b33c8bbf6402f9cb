"Known answers to the exercises of 23_data.sounds, for `tinybench course prove`."

# %% hum wrong: a sine for each harmonic of each sample
def hum(turns, sizes, points=2048):
    return sum(a*np.sin(2*np.pi*k*turns) for k, a in enumerate(sizes, 1))

# %% hum wrong: the nearest point, no line between two
def hum(turns, sizes, points=2048):
    at = np.arange(points)/points
    one = sizes @ np.sin(2*np.pi*np.outer(np.arange(1, len(sizes) + 1), at))
    return one[np.rint(turns*points).astype(int) % points]

# %% hum wrong: behind the last point it stays as it was
def hum(turns, sizes, points=2048):
    at = np.arange(points)/points
    return np.interp(turns % 1, at, sizes @ np.sin(2*np.pi*np.outer(np.arange(1, len(sizes) + 1), at)))

# %% hum wrong: the first number is a constant
def hum(turns, sizes, points=2048):
    at = np.arange(points)/points
    waves = np.sin(2*np.pi*np.outer(np.arange(len(sizes)), at))
    return np.interp(turns % 1, at, sizes @ waves, period=1)

# %% hum wrong: always drawn at 2048 points
def hum(turns, sizes, points=2048):
    at = np.arange(2048)/2048
    waves = np.sin(2*np.pi*np.outer(np.arange(1, len(sizes) + 1), at))
    return np.interp(turns % 1, at, sizes @ waves, period=1)

# %% hum wrong: turns before the start are read as the start
def hum(turns, sizes, points=2048):
    at = np.arange(points)/points
    waves = np.sin(2*np.pi*np.outer(np.arange(1, len(sizes) + 1), at))
    return np.interp(np.maximum(turns, 0) % 1, at, sizes @ waves, period=1)

# %% hum right: each harmonic is read from the drawing of one sine
def hum(turns, sizes, points=2048):
    sine = np.sin(2*np.pi*np.arange(points)/points)
    one = sum(a*sine[k*np.arange(points) % points] for k, a in enumerate(sizes, 1))
    place = turns % 1*points
    i = np.floor(place).astype(int)
    left, right = one[i % points], one[(i + 1) % points]
    return left + (place - i)*(right - left)

# %% clicks wrong: the step from click to click is found once
def clicks(turns, rate):
    out = np.zeros(len(turns))
    step = (len(turns) - 1)/(rate*(turns[-1] - turns[0]))
    out[np.ceil(np.arange(1, rate*(turns[-1] - turns[0]) + 1e-9)*step).astype(int)] = 1
    return out

# %% clicks wrong: turns before the first sample click all at once
def clicks(turns, rate): return np.diff(np.floor(rate*turns), prepend=0.)

# %% clicks wrong: counted from where the shaft was at the first sample
def clicks(turns, rate): return np.diff(np.floor(rate*(turns - turns[0])), prepend=0.)

# %% clicks wrong: half a click too early
def clicks(turns, rate):
    so_far = np.rint(rate*turns)
    return np.diff(so_far, prepend=so_far[0])

# %% clicks wrong: a click at each turn, then the rate
def clicks(turns, rate):
    so_far = np.floor(turns)*rate
    return np.floor(np.diff(so_far, prepend=so_far[0]))

# %% clicks right: where a remainder falls, something was passed
def clicks(turns, rate):
    left = np.remainder(rate*turns, 1)
    steps = np.diff(rate*turns) - np.diff(left)
    return np.concatenate([[0.], np.rint(steps)])

# %% clip-scores wrong: the sum over a window, not its mean
def clip_scores(rebuild, v, k=5):
    return np.array([((rebuild(w) - w)**2).sum(-1).mean() for w in in_a_row(v, k)])

# %% clip-scores wrong: the largest window
def clip_scores(rebuild, v, k=5):
    return np.array([((rebuild(w) - w)**2).mean(-1).max() for w in in_a_row(v, k)])

# %% clip-scores wrong: windows that do not overlap
def clip_scores(rebuild, v, k=5):
    return np.array([np.mean((rebuild(w) - w)**2) for w in in_a_row(v, k)[:, ::k]])

# %% clip-scores wrong: one score for all clips
def clip_scores(rebuild, v, k=5):
    w = in_a_row(v, k).reshape(-1, k*v.shape[-1])
    return np.full(len(v), np.mean((rebuild(w) - w)**2))

# %% clip-scores wrong: five frames, whatever k
def clip_scores(rebuild, v, k=5):
    return np.array([np.mean((rebuild(w) - w)**2) for w in in_a_row(v, min(5, v.shape[1]))])

# %% clip-scores wrong: root of the mean square
def clip_scores(rebuild, v, k=5):
    return np.array([np.sqrt(np.mean((rebuild(w) - w)**2)) for w in in_a_row(v, k)])

# %% clip-scores wrong: absolute differences
def clip_scores(rebuild, v, k=5):
    return np.array([np.mean(np.abs(rebuild(w) - w)) for w in in_a_row(v, k)])

# %% clip-scores wrong: of a single clip a number, not an array
def clip_scores(rebuild, v, k=5):
    w = in_a_row(v, k)
    rows = w.reshape(-1, w.shape[-1])
    return ((rebuild(rows) - rows)**2).reshape(len(v), -1).mean(1, dtype=float).squeeze()

# %% clip-scores right: all clips at once
def clip_scores(rebuild, v, k=5):
    w = in_a_row(v, k)
    rows = w.reshape(-1, w.shape[-1])
    return ((rebuild(rows) - rows)**2).reshape(len(v), -1).mean(1, dtype=float)

# %% squeeze wrong: the mean is not taken off
def squeeze(w, k=8):
    top = np.linalg.eigh(w.T @ w)[1][:, -k:]
    return lambda x: x @ top @ top.T

# %% squeeze wrong: the directions in which it varies least
def squeeze(w, k=8):
    mean = w.mean(0)
    top = np.linalg.eigh((w - mean).T @ (w - mean))[1][:, :k]
    return lambda x: mean + (x - mean) @ top @ top.T

# %% squeeze wrong: new windows are taken relative to their own mean
def squeeze(w, k=8):
    d = w - w.mean(0)
    top = np.linalg.eigh(d.T @ d)[1][:, -k:]
    def rebuild(x):
        mean = x.mean(0) if x.ndim > 1 else w.mean(0)
        return mean + (x - mean) @ top @ top.T
    return rebuild

# %% squeeze wrong: one direction too many
def squeeze(w, k=8):
    mean = w.mean(0)
    top = np.linalg.eigh((w - mean).T @ (w - mean))[1][:, -k - 1:]
    return lambda x: mean + (x - mean) @ top @ top.T

# %% squeeze wrong: directions of correlations, as if all numbers varied equally
def squeeze(w, k=8):
    mean, sd = w.mean(0), w.std(0)
    z = (w - mean)/sd
    top = np.linalg.eigh(z.T @ z)[1][:, -k:]
    return lambda x: mean + ((x - mean)/sd) @ top @ top.T*sd

# %% squeeze wrong: chance directions at right angles
def squeeze(w, k=8):
    mean = w.mean(0)
    top = np.linalg.qr(np.random.default_rng(0).normal(size=(w.shape[1], k)))[0]
    return lambda x: mean + (x - mean) @ top @ top.T

# %% squeeze right: by singular values
def squeeze(w, k=8):
    mean = w.mean(0, dtype=float)
    axes = np.linalg.svd(w - mean, full_matrices=False)[2][:k]
    return lambda x: ((x - mean) @ axes.T) @ axes + mean
