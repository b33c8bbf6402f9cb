"Known answers to the exercises of 84_show.plot, for `tinybench course prove`."

# %% arms wrong: the ends, no lengths
def arms(mid, lo, hi):
    mid, lo, hi = map(np.atleast_1d, (mid, lo, hi))
    for m, l, h in zip(mid, lo, hi):
        if m < l or m > h: raise ValueError(f'{m:g} lies outside its interval [{l:g}, {h:g}]')
    return np.stack([lo, hi])

# %% arms wrong: up before down
def arms(mid, lo, hi):
    mid, lo, hi = map(np.atleast_1d, (mid, lo, hi))
    for m, l, h in zip(mid, lo, hi):
        if m < l or m > h: raise ValueError(f'{m:g} lies outside its interval [{l:g}, {h:g}]')
    return np.stack([hi - mid, mid - lo])

# %% arms wrong: half the width on both sides
def arms(mid, lo, hi):
    mid, lo, hi = map(np.atleast_1d, (mid, lo, hi))
    for m, l, h in zip(mid, lo, hi):
        if m < l or m > h: raise ValueError(f'{m:g} lies outside its interval [{l:g}, {h:g}]')
    return np.stack([(hi - lo)/2]*2)

# %% arms wrong: numbers stay numbers
def arms(mid, lo, hi):
    out = np.array([np.subtract(mid, lo), np.subtract(hi, mid)])
    for m, l, h in zip(*map(np.atleast_1d, (mid, lo, hi))):
        if m < l or m > h: raise ValueError(f'{m:g} lies outside its interval [{l:g}, {h:g}]')
    return out

# %% arms wrong: refuses NaN
def arms(mid, lo, hi):
    mid, lo, hi = map(np.atleast_1d, (mid, lo, hi))
    for m, l, h in zip(mid, lo, hi):
        if not l <= m <= h: raise ValueError(f'{m:g} lies outside its interval [{l:g}, {h:g}]')
    return np.stack([mid - lo, hi - mid])

# %% arms wrong: does not look below
def arms(mid, lo, hi):
    mid, lo, hi = map(np.atleast_1d, (mid, lo, hi))
    for m, l, h in zip(mid, lo, hi):
        if m > h: raise ValueError(f'{m:g} lies outside its interval [{l:g}, {h:g}]')
    return np.stack([mid - lo, hi - mid])

# %% arms wrong: the upper end itself counts as outside
def arms(mid, lo, hi):
    mid, lo, hi = map(np.atleast_1d, (mid, lo, hi))
    for m, l, h in zip(mid, lo, hi):
        if m < l or m >= h: raise ValueError(f'{m:g} lies outside its interval [{l:g}, {h:g}]')
    return np.stack([mid - lo, hi - mid])

# %% arms wrong: blames the last value, whichever it was
def arms(mid, lo, hi):
    mid, lo, hi = map(np.atleast_1d, (mid, lo, hi))
    out = np.stack([mid - lo, hi - mid])
    if (out < 0).any(): raise ValueError(f'{mid[-1]:g} lies outside its interval [{lo[-1]:g}, {hi[-1]:g}]')
    return out

# %% arms wrong: blames a value that lies at an end
def arms(mid, lo, hi):
    mid, lo, hi = map(np.atleast_1d, (mid, lo, hi))
    out = np.stack([mid - lo, hi - mid])
    if (out < 0).any():
        i = (out <= 0).any(0).argmax()
        raise ValueError(f'{mid[i]:g} lies outside its interval [{lo[i]:g}, {hi[i]:g}]')
    return out

# %% arms wrong: 7.0 is not written as 7
def arms(mid, lo, hi):
    mid, lo, hi = map(np.atleast_1d, (mid, lo, hi))
    for m, l, h in zip(mid, lo, hi):
        if m < l or m > h: raise ValueError(f'{m:.0f} lies outside its interval [{l}, {h}]')
    return np.stack([mid - lo, hi - mid])

# %% arms wrong: whole numbers in the middle make all whole
def arms(mid, lo, hi):
    mid, lo, hi = map(np.atleast_1d, (mid, lo, hi))
    out = np.zeros((2, len(mid)), mid.dtype)
    for i, (m, l, h) in enumerate(zip(mid, lo, hi)):
        if m < l or m > h: raise ValueError(f'{m:g} lies outside its interval [{l:g}, {h:g}]')
        out[:, i] = m - l, h - m
    return out

# %% arms right: one after the other, checked before
def arms(mid, lo, hi):
    down, up = [], []
    for m, l, h in np.column_stack([mid, lo, hi]):
        if m < l or m > h: raise ValueError(f'{m:g} lies outside its interval [{l:g}, {h:g}]')
        down.append(m - l)
        up.append(h - m)
    return np.array([down, up])

# %% band wrong: the mean
def band(runs):
    runs = np.asarray(runs, float)
    if runs.ndim != 2: raise ValueError('two axes')
    runs = runs[:, np.logical_and.accumulate(np.isfinite(runs).all(0))]
    return np.stack([runs.mean(0), runs.min(0), runs.max(0)])

# %% band wrong: leaves NaN out one by one
def band(runs):
    runs = np.asarray(runs, float)
    if runs.ndim != 2: raise ValueError('two axes')
    return np.stack([np.nanmedian(runs, 0), np.nanmin(runs, 0), np.nanmax(runs, 0)])

# %% band wrong: the quartiles
def band(runs):
    runs = np.asarray(runs, float)
    if runs.ndim != 2: raise ValueError('two axes')
    return np.percentile(runs[:, np.logical_and.accumulate(np.isfinite(runs).all(0))], [50, 25, 75], axis=0)

# %% band wrong: goes on behind a gap
def band(runs):
    runs = np.asarray(runs, float)
    if runs.ndim != 2: raise ValueError('two axes')
    runs = runs[:, np.isfinite(runs).all(0)]
    return np.stack([np.median(runs, 0), runs.min(0), runs.max(0)])

# %% band wrong: as many epochs as the shortest run has numbers
def band(runs):
    runs = np.asarray(runs, float)
    if runs.ndim != 2: raise ValueError('two axes')
    runs = runs[:, :np.isfinite(runs).sum(1).min()]
    return np.stack([np.median(runs, 0), runs.min(0), runs.max(0)])

# %% band wrong: only the first run ends early
def band(runs):
    runs = np.asarray(runs, float)
    if runs.ndim != 2: raise ValueError('two axes')
    runs = runs[:, np.logical_and.accumulate(np.isfinite(runs[0]))]
    return np.stack([np.median(runs, 0), runs.min(0), runs.max(0)])

# %% band wrong: of two in the middle the greater
def band(runs):
    runs = np.asarray(runs, float)
    if runs.ndim != 2: raise ValueError('two axes')
    runs = np.sort(runs[:, np.logical_and.accumulate(np.isfinite(runs).all(0))], 0)
    return runs[[len(runs)//2, 0, -1]]

# %% band right: epoch by epoch, until one is missing
def band(runs):
    from statistics import median
    runs = np.array(runs, float)
    if runs.ndim != 2: raise ValueError(f'curves are (repeats, epochs), not {runs.shape}')
    columns = []
    for epoch in runs.T.tolist():
        if any(v != v for v in epoch): break
        columns.append((median(epoch), min(epoch), max(epoch)))
    return np.array(columns, float).reshape(-1, 3).T
