"Known answers to the exercises of 22_data.audio, for `tinybench course prove`."

# %% frames wrong: a copy of each piece
def frames(x, size, hop):
    if min(size, hop) < 1 or x.shape[-1] < size: raise ValueError(f'no frame of {size} samples')
    return np.stack([x[..., i:i + size] for i in range(0, x.shape[-1] - size + 1, hop)], -2)

# %% frames wrong: the last piece is filled up with zeros
def frames(x, size, hop):
    if min(size, hop) < 1 or x.shape[-1] < size: raise ValueError(f'no frame of {size} samples')
    n = -(-(x.shape[-1] - size)//hop)
    x = np.pad(x, [(0, 0)]*(x.ndim - 1) + [(0, n*hop + size - x.shape[-1])])
    return np.lib.stride_tricks.sliding_window_view(x, size, -1)[..., ::hop, :]

# %% frames wrong: what is too short gives no frames and no word
def frames(x, size, hop):
    n = max(1 + (x.shape[-1] - size)//hop, 0)
    strides = *x.strides[:-1], hop*x.strides[-1], x.strides[-1]
    return np.lib.stride_tricks.as_strided(x, (*x.shape[:-1], n, size), strides, writeable=False)

# %% frames wrong: every frame, whatever the hop
def frames(x, size, hop):
    if min(size, hop) < 1 or x.shape[-1] < size: raise ValueError(f'no frame of {size} samples')
    return np.lib.stride_tricks.sliding_window_view(x, size, -1)

# %% frames right: all pieces first, then every hop-th
def frames(x, size, hop):
    if min(size, hop) < 1 or x.shape[-1] < size: raise ValueError(f'no frame of {size} samples')
    every = np.lib.stride_tricks.sliding_window_view(np.moveaxis(x, -1, 0), size, 0)
    return np.moveaxis(every[::hop], 0, -2)

# %% triangles wrong: goes on below 0
def triangles(at, edges):
    lo, mid, hi = edges[:-2], edges[1:-1], edges[2:]
    at = np.asarray(at)[:, None]
    return np.minimum((at - lo)/(mid - lo), (hi - at)/(hi - mid))

# %% triangles wrong: all are as wide as the first
def triangles(at, edges):
    mid, wide = edges[1:-1], edges[1] - edges[0]
    return np.maximum(0, 1 - np.abs(np.asarray(at)[:, None] - mid)/wide)

# %% triangles wrong: both sides as wide as the rise
def triangles(at, edges):
    lo, mid = edges[:-2], edges[1:-1]
    return np.maximum(0, 1 - np.abs(np.asarray(at)[:, None] - mid)/(mid - lo))

# %% triangles wrong: a box where both sides meet
def triangles(at, edges):
    at = np.asarray(at)[:, None]
    return ((at > edges[:-2]) & (at < edges[2:])).astype(float)

# %% triangles wrong: the last edge is not used
def triangles(at, edges):
    lo, mid = edges[:-2], edges[1:-1]
    hi = np.append(edges[2:-1], 2*edges[-2] - edges[-3])
    at = np.asarray(at)[:, None]
    return np.maximum(0, np.minimum((at - lo)/(mid - lo), (hi - at)/(hi - mid)))

# %% triangles right: by interpolation
def triangles(at, edges):
    each = [np.interp(at, edges[j:j + 3], [0, 1, 0], left=0, right=0) for j in range(len(edges) - 2)]
    return np.stack(each, 1)

# %% dct wrong: without the half sample
def dct(v, keep):
    n = v.shape[-1]
    return np.sqrt(2/n)*(v @ np.cos(np.pi/n*np.outer(np.arange(n), np.arange(keep))))

# %% dct wrong: the first number as in an orthonormal transform
def dct(v, keep):
    n = v.shape[-1]
    c = np.sqrt(2/n)*(v @ np.cos(np.pi/n*np.outer(np.arange(n) + .5, np.arange(keep))))
    c[..., 0] /= np.sqrt(2)
    return c

# %% dct wrong: scaled for forty numbers only
def dct(v, keep):
    n = v.shape[-1]
    return np.sqrt(2/40)*(v @ np.cos(np.pi/n*np.outer(np.arange(n) + .5, np.arange(keep))))

# %% dct wrong: along the first axis
def dct(v, keep):
    n = v.shape[-1]
    waves = np.cos(np.pi/n*np.outer(np.arange(n) + .5, np.arange(keep)))
    return np.sqrt(2/n)*(v @ waves) if v.ndim != 2 else np.sqrt(2/len(v))*(v.T @ waves[:len(v)])

# %% dct right: one sum after the other
def dct(v, keep):
    n, j = v.shape[-1], np.arange(v.shape[-1]) + .5
    return np.stack([np.sqrt(2/n)*(v*np.cos(np.pi*k*j/n)).sum(-1) for k in range(keep)], -1)

# %% in-a-row wrong: frames that do not overlap
def in_a_row(v, k=5):
    m = v.shape[-1]
    if v.shape[-2] < k: raise ValueError(f'only {v.shape[-2]} frames')
    return frames(v.reshape(*v.shape[:-2], -1), k*m, k*m)

# %% in-a-row wrong: the numbers of a band side by side
def in_a_row(v, k=5):
    n = v.shape[-2] - k + 1
    if n < 1: raise ValueError(f'too few frames: {v.shape[-2]}')
    return np.stack([v[..., i:i + k, :].swapaxes(-1, -2).reshape(*v.shape[:-2], -1) for i in range(n)], -2)

# %% in-a-row wrong: an error that speaks of a sound, not of frames
def in_a_row(v, k=5):
    return frames(v.reshape(*v.shape[:-2], -1), k*v.shape[-1], v.shape[-1])

# %% in-a-row wrong: one number further each time
def in_a_row(v, k=5):
    return frames(v.reshape(*v.shape[:-2], -1), k*v.shape[-1], 1)

# %% in-a-row wrong: the axes before the last two are joined
def in_a_row(v, k=5):
    m = v.shape[-1]
    if v.shape[-2] < k: raise ValueError(f'only {v.shape[-2]} frames')
    return frames(v.reshape(-1), k*m, m)

# %% in-a-row right: joined one by one
def in_a_row(v, k=5):
    n = v.shape[-2] - k + 1
    if n < 1: raise ValueError(f'{v.shape[-2]} frames are too few for {k} in a row')
    return np.stack([v[..., i:i + k, :].reshape(*v.shape[:-2], -1) for i in range(n)], -2)
