"Known answers to the exercises of 85_show.measure, for `tinybench course prove`."

# %% running-median wrong: the mean
def running_median(values, width=5):
    if width < 1 or width % 2 == 0: raise ValueError(f'a window of {width} has no middle')
    half = width//2
    return np.array([np.mean(values[max(0, i - half):i + half + 1]) for i in range(len(values))])

# %% running-median wrong: the window begins before the first value
def running_median(values, width=5):
    if width < 1 or width % 2 == 0: raise ValueError(f'a window of {width} has no middle')
    half = width//2
    return np.array([np.median(values[i - half:i + half + 1]) if i >= half else np.nan
                     for i in range(len(values))])

# %% running-median wrong: one value short on the right
def running_median(values, width=5):
    if width < 1 or width % 2 == 0: raise ValueError(f'a window of {width} has no middle')
    half = width//2
    return np.array([np.median(values[max(0, i - half):max(i + half, i + 1)]) for i in range(len(values))])

# %% running-median wrong: the first and last value again and again beyond the ends
def running_median(values, width=5):
    if width < 1 or width % 2 == 0: raise ValueError(f'a window of {width} has no middle')
    wide = np.pad(np.asarray(values, float), width//2, mode='edge')
    return np.array([np.median(wide[i:i + width]) for i in range(len(values))])

# %% running-median wrong: puts medians among the values still to be used
def running_median(values, width=5):
    if width < 1 or width % 2 == 0: raise ValueError(f'a window of {width} has no middle')
    out, half = np.array(values, float), width//2
    for i in range(len(out)): out[i] = np.median(out[max(0, i - half):i + half + 1])
    return out

# %% running-median wrong: a result as whole as the values
def running_median(values, width=5):
    if width < 1 or width % 2 == 0: raise ValueError(f'a window of {width} has no middle')
    values, half = np.asarray(values), width//2
    out = np.zeros_like(values)
    for i in range(len(out)): out[i] = np.median(values[max(0, i - half):i + half + 1])
    return out

# %% running-median wrong: -3 is odd
def running_median(values, width=5):
    if width % 2 == 0: raise ValueError(f'a window of {width} has no middle')
    half = width//2
    return np.array([np.median(values[max(0, i - half):max(i + half, i) + 1]) for i in range(len(values))])

# %% running-median wrong: no fewer values than the window is wide
def running_median(values, width=5):
    if width < 1 or width % 2 == 0: raise ValueError(f'a window of {width} has no middle')
    values, half = np.asarray(values, float), width//2
    out = np.zeros(len(values))
    out[half:len(values) - half] = np.median(np.lib.stride_tricks.sliding_window_view(values, width), axis=1)
    for i in range(half):
        out[i] = np.median(values[:i + half + 1])
        out[-1 - i] = np.median(values[-1 - i - half:])
    return out

# %% running-median right: NaN beyond the ends, and a median that leaves NaN out
def running_median(values, width=5):
    if width not in range(1, width + 1, 2): raise ValueError(f'a window of {width} has no middle')
    wide = np.pad(np.asarray(values, float), width//2, constant_values=np.nan)
    return np.nanmedian(np.lib.stride_tricks.sliding_window_view(wide, width), axis=1)

# %% ecdf-steps wrong: a step for each value, ties too
def ecdf_steps(values):
    x = np.sort(np.asarray(values, float))
    return x, np.arange(1, len(x) + 1)/len(x)

# %% ecdf-steps wrong: less than, where it should be at most
def ecdf_steps(values):
    x, counts = np.unique(np.asarray(values, float), return_counts=True)
    return x, (np.cumsum(counts) - counts)/counts.sum()

# %% ecdf-steps wrong: every step as high as the others
def ecdf_steps(values):
    x = np.unique(np.asarray(values, float))
    return x, np.arange(1, len(x) + 1)/len(x)

# %% ecdf-steps wrong: in the order taken
def ecdf_steps(values):
    counts = Counter(values)
    return np.array(list(counts), float), np.cumsum(list(counts.values()))/len(values)

# %% ecdf-steps wrong: takes all values for whole numbers
def ecdf_steps(values):
    counts = np.bincount(np.asarray(values, int))
    x = np.flatnonzero(counts)
    return x.astype(float), np.cumsum(counts[x])/counts.sum()

# %% ecdf-steps wrong: adds up rounded shares, and the last is not 1
def ecdf_steps(values):
    x, counts = np.unique(np.asarray(values, float), return_counts=True)
    return x, np.cumsum(counts/counts.sum())

# %% ecdf-steps wrong: sorts the caller's array
def ecdf_steps(values):
    v = np.asarray(values, float)
    v.sort()
    last = np.flatnonzero(np.append(np.diff(v) > 0, True))
    return v[last], (last + 1)/len(v)

# %% ecdf-steps right: looks each value up in the sorted ones
def ecdf_steps(values):
    v = np.sort(np.array(values, float))
    x = np.array(sorted(set(v.tolist())))
    return x, np.searchsorted(v, x, side='right')/len(v)
