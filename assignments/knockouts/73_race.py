"Known answers to the exercises of 73_race, for `tinybench course prove`."

# %% torch-dense wrong: the transpose only
def torch_dense(w, image=None):
    return np.ascontiguousarray(w.T)

# %% torch-dense wrong: cuts the rows as if they counted the channel first
def torch_dense(w, image=None):
    if image is None: return w.T.copy()
    h, v, c = image
    return w.reshape(c, h, v, -1).transpose(3, 0, 1, 2).reshape(w.shape[1], -1)

# %% torch-dense wrong: channel, column, row
def torch_dense(w, image=None):
    if image is None: return w.T.copy()
    return w.reshape(*image, -1).transpose(3, 2, 1, 0).reshape(w.shape[1], -1)

# %% torch-dense wrong: outputs last
def torch_dense(w, image=None):
    if image is None: return w
    return w.reshape(*image, -1).transpose(2, 0, 1, 3).reshape(w.shape)

# %% torch-dense wrong: takes every image for a square
def torch_dense(w, image=None):
    if image is None: return w.T.copy()
    c = image[2]
    side = round((len(w)//c)**.5)
    return w.reshape(side, side, c, -1).transpose(3, 2, 0, 1).reshape(w.shape[1], -1)

# %% torch-dense wrong: pictures have three channels
def torch_dense(w, image=None):
    if image is None: return w.T.copy()
    h, v, _ = image
    return w.reshape(h, v, 3, -1).transpose(3, 2, 0, 1).reshape(w.shape[1], -1)

# %% torch-dense right: an image of row numbers, reordered, picks the rows
def torch_dense(w, image=None):
    if image is None: return np.array(w.T, order='C')
    rows = np.arange(len(w)).reshape(image).transpose(2, 0, 1).ravel()
    return np.ascontiguousarray(w[rows].T)

# %% torch-dense right: place by place
def torch_dense(w, image=None):
    if image is None: return w.T.copy()
    (h, v, c), out = image, np.empty(w.shape[::-1], w.dtype)
    for i in range(h):
        for j in range(v):
            for k in range(c): out[:, (k*h + i)*v + j] = w[(i*v + j)*c + k]
    return out

# %% torch-dense right: rows and columns stay together, so one axis will do for both
def torch_dense(w, image=None):
    channels = 1 if image is None else image[-1]
    return w.reshape(-1, channels, w.shape[1]).swapaxes(0, 1).reshape(w.shape).T.copy()

# %% best-setting wrong: the mean, which one slow trial decides
def best_setting(secs):
    if min(map(len, secs)) < 2: raise ValueError('two trials')
    return int(np.argmin([np.mean(s[1:]) for s in secs]))

# %% best-setting wrong: the fastest single trial
def best_setting(secs):
    if min(map(len, secs)) < 2: raise ValueError('two trials')
    return int(np.argmin([min(s[1:]) for s in secs]))

# %% best-setting wrong: the first trial counts
def best_setting(secs):
    if min(map(len, secs)) < 2: raise ValueError('two trials')
    return int(np.argmin([np.median(s) for s in secs]))

# %% best-setting wrong: leaves out the slowest, not the first
def best_setting(secs):
    if min(map(len, secs)) < 2: raise ValueError('two trials')
    return int(np.argmin([np.median(sorted(s)[:-1]) for s in secs]))

# %% best-setting wrong: all settings have as many trials
def best_setting(secs):
    if min(map(len, secs)) < 2: raise ValueError('two trials')
    return int(np.median(np.array(secs)[:, 1:], axis=1).argmin())

# %% best-setting wrong: counts the trials of the first setting
def best_setting(secs):
    if len(secs[0]) < 2: raise ValueError('two trials')
    return int(np.argmin([np.median(s[1:]) for s in secs]))

# %% best-setting wrong: of two in the middle the greater
def best_setting(secs):
    if min(map(len, secs)) < 2: raise ValueError('two trials')
    return int(np.argmin([sorted(s[1:])[(len(s) - 1)//2] for s in secs]))

# %% best-setting wrong: the seconds, not which
def best_setting(secs):
    if min(map(len, secs)) < 2: raise ValueError('two trials')
    return min(np.median(s[1:]) for s in secs)

# %% best-setting right: a loop and the standard library
def best_setting(secs):
    from statistics import median
    middles = []
    for _, *rest in secs:
        if not rest: raise ValueError('two trials at least')
        middles.append(median(rest))
    return min(range(len(middles)), key=middles.__getitem__)
