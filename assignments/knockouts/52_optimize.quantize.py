"Known answers to the exercises of 52_optimize.quantize, for `tinybench course prove`."

# %% grid-for wrong: 256 distances instead of 255
def grid_for(low, high, bits=8):
    lo, hi = limits(bits)
    low, high = with_zero(low, high)
    scale = (high - low)/np.float32(hi - lo + 1)
    return Grid(scale, int(lo - np.rint(low/scale)), lo, hi)

# %% grid-for wrong: the range is not stretched to hold 0
def grid_for(low, high, bits=8):
    lo, hi = limits(bits)
    with_zero(low, high)
    scale = np.float32(high - low)/np.float32(hi - lo)
    return Grid(scale, int(lo - np.rint(low/scale)), lo, hi)

# %% grid-for wrong: zero is cut off instead of rounded
def grid_for(low, high, bits=8):
    lo, hi = limits(bits)
    low, high = with_zero(low, high)
    scale = (high - low)/np.float32(hi - lo)
    return Grid(scale, int(lo - low/scale), lo, hi)

# %% grid-for wrong: zero stands in the middle of the codes
def grid_for(low, high, bits=8):
    lo, hi = limits(bits)
    low, high = with_zero(low, high)
    top = max(-low, high)
    return Grid(np.float32(top/hi), 0 if low < 0 else lo, lo, hi)

# %% grid-for wrong: a finer grid that does not reach the ends
def grid_for(low, high, bits=8):
    lo, hi = limits(bits)
    low, high = with_zero(low, high)
    scale = (high - low)/np.float32(hi - lo)*np.float32(1 if bits == 3 or low == 0 else .98)
    return Grid(scale, int(lo - np.rint(low/scale)), lo, hi)

# %% grid-for right: from the upper end
def grid_for(low, high, bits=8):
    lo, hi = limits(bits)
    low, high = with_zero(low, high)
    scale = (high - low)/np.float32(2**bits - 1)
    return Grid(scale, int(np.clip(np.rint(hi - high/scale), lo, hi)), lo, hi)

# %% pack-four wrong: the first of a pair in the upper half
def pack4(codes):
    codes = np.ravel(codes)
    if ((codes < 0) | (codes > 15)).any(): raise ValueError('too many bits')
    codes = np.append(codes, np.zeros(codes.size % 2, codes.dtype)).astype(np.uint8)
    return codes[::2] << 4 | codes[1::2]
def unpack4(packed, shape):
    both = np.stack([packed >> 4, packed & 15], -1).ravel()
    return both[:np.prod(shape, dtype=int)].reshape(shape)

# %% pack-four wrong: an odd number of codes loses its last
def pack4(codes):
    codes = np.ravel(codes).astype(np.uint8)
    if (codes > 15).any(): raise ValueError('too many bits')
    n = codes.size//2*2
    return codes[:n:2] | codes[1:n:2] << 4
def unpack4(packed, shape):
    return np.stack([packed & 15, packed >> 4], -1).reshape(shape)

# %% pack-four wrong: a code that is too large wraps around in silence
def pack4(codes):
    codes = np.ravel(codes).astype(np.uint8)
    codes = np.append(codes, np.zeros(codes.size % 2, np.uint8))
    return codes[::2] | codes[1::2] << 4
def unpack4(packed, shape):
    both = np.stack([packed & 15, packed >> 4], -1).ravel()
    return both[:np.prod(shape, dtype=int)].reshape(shape)

# %% pack-four wrong: the first half of all codes in the lower halves of the bytes
def pack4(codes):
    codes = np.ravel(codes)
    if ((codes < 0) | (codes > 15)).any(): raise ValueError('too many bits')
    codes = np.append(codes, np.zeros(codes.size % 2, codes.dtype)).astype(np.uint8)
    half = codes.size//2
    return codes[:half] | codes[half:] << 4
def unpack4(packed, shape):
    both = np.concatenate([packed & 15, packed >> 4])
    return both[:np.prod(shape, dtype=int)].reshape(shape)

# %% pack-four wrong: a loop over the codes
def pack4(codes):
    codes = np.ravel(codes)
    if codes.size and (min(codes) < 0 or max(codes) > 15): raise ValueError('too many bits')
    out = np.zeros((codes.size + 1)//2, np.uint8)
    for i in range(codes.size): out[i//2] |= int(codes[i]) << 4*(i % 2)
    return out
def unpack4(packed, shape):
    both = np.stack([packed & 15, packed >> 4], -1).ravel()
    return both[:np.prod(shape, dtype=int)].reshape(shape)

# %% pack-four right: by multiplication, and into an array of zeros
def pack4(codes):
    codes = np.asarray(codes).reshape(-1)
    if np.any(codes != np.clip(codes, 0, 15)): raise ValueError('too many bits')
    out = np.zeros((codes.size + 1)//2, np.uint8)
    out += codes[::2].astype(np.uint8)
    out[:codes.size//2] += codes[1::2].astype(np.uint8)*np.uint8(16)
    return out
def unpack4(packed, shape):
    out = np.empty(2*packed.size, np.uint8)
    out[::2], out[1::2] = packed % 16, packed//16
    return out[:int(np.prod(shape))].reshape(shape)

# %% lloyd wrong: a value without weights becomes 0
def nearest(v, centers):
    return np.searchsorted((centers[1:] + centers[:-1])/2, v)
def lloyd(v, centers):
    at = nearest(v, centers)
    n = np.bincount(at, minlength=len(centers))
    return (np.bincount(at, v, len(centers))/np.maximum(n, 1)).astype(centers.dtype)

# %% lloyd wrong: the borders are the values themselves
def nearest(v, centers):
    return np.clip(np.searchsorted(centers, v), 0, len(centers) - 1)
def lloyd(v, centers):
    at = nearest(v, centers)
    n = np.bincount(at, minlength=len(centers))
    return np.where(n > 0, np.bincount(at, v, len(centers))/np.maximum(n, 1), centers).astype(centers.dtype)

# %% lloyd wrong: a table of all distances
def nearest(v, centers):
    return np.abs(v[:, None] - centers).argmin(1)
def lloyd(v, centers):
    at = nearest(v, centers)
    n = np.bincount(at, minlength=len(centers))
    return np.where(n > 0, np.bincount(at, v, len(centers))/np.maximum(n, 1), centers).astype(centers.dtype)

# %% lloyd wrong: the median instead of the mean
def nearest(v, centers):
    return np.searchsorted((centers[1:] + centers[:-1])/2, v)
def lloyd(v, centers):
    at = nearest(v, centers)
    each = [v[at == i] for i in range(len(centers))]
    return np.array([np.median(a) if len(a) else c for a, c in zip(each, centers)], centers.dtype)

# %% lloyd wrong: always float64
def nearest(v, centers):
    return np.searchsorted((centers[1:] + centers[:-1])/2, v)
def lloyd(v, centers):
    at = nearest(v, centers)
    n = np.bincount(at, minlength=len(centers))
    return np.where(n > 0, np.bincount(at, v, len(centers))/np.maximum(n, 1), centers)

# %% lloyd wrong: all values stay if one of them has no weights
def nearest(v, centers):
    return np.searchsorted((centers[1:] + centers[:-1])/2, v)
def lloyd(v, centers):
    at = nearest(v, centers)
    n = np.bincount(at, minlength=len(centers))
    return (np.bincount(at, v, len(centers))/n).astype(centers.dtype) if n.all() else centers

# %% lloyd right: a loop over the values
def nearest(v, centers):
    return np.digitize(v, centers[:-1] + np.diff(centers)/2, right=True)
def lloyd(v, centers):
    at, new = nearest(v, centers), centers.copy()
    for i in range(len(centers)):
        if (at == i).any(): new[i] = v[at == i].mean(dtype=np.float64)
    return new

# %% fake-fwd wrong: the gradient of what was clipped passes too
def fake_fwd(x, grid):
    q = np.rint(x/grid.scale) + grid.zero
    return (np.clip(q, grid.lo, grid.hi) - grid.zero)*grid.scale, (q >= grid.lo) & (q <= grid.hi)
def fake_vjp(g, inside, x, grid):
    return (g,)

# %% fake-fwd wrong: the true slope of the stairs
def fake_fwd(x, grid):
    q = np.rint(x/grid.scale) + grid.zero
    return (np.clip(q, grid.lo, grid.hi) - grid.zero)*grid.scale, np.zeros(x.shape, bool)
def fake_vjp(g, inside, x, grid):
    return (g*inside,)

# %% fake-fwd wrong: the zero point is forgotten
def fake_fwd(x, grid):
    q = np.rint(x/grid.scale)
    return np.clip(q, grid.lo, grid.hi)*grid.scale, (q >= grid.lo) & (q <= grid.hi)
def fake_vjp(g, inside, x, grid):
    return (g*inside,)

# %% fake-fwd wrong: the first and the last code count as clipped
def fake_fwd(x, grid):
    q = np.rint(x/grid.scale) + grid.zero
    return (np.clip(q, grid.lo, grid.hi) - grid.zero)*grid.scale, (q > grid.lo) & (q < grid.hi)
def fake_vjp(g, inside, x, grid):
    return (g*inside,)

# %% fake-fwd wrong: the gradient is divided by the scale
def fake_fwd(x, grid):
    q = np.rint(x/grid.scale) + grid.zero
    return (np.clip(q, grid.lo, grid.hi) - grid.zero)*grid.scale, (q >= grid.lo) & (q <= grid.hi)
def fake_vjp(g, inside, x, grid):
    return (g*inside/grid.scale,)

# %% fake-fwd wrong: the gradient that was given is changed
def fake_fwd(x, grid):
    q = np.rint(x/grid.scale) + grid.zero
    return (np.clip(q, grid.lo, grid.hi) - grid.zero)*grid.scale, (q >= grid.lo) & (q <= grid.hi)
def fake_vjp(g, inside, x, grid):
    g *= inside
    return (g,)

# %% fake-fwd right: clipped first, rounded afterwards
def fake_fwd(x, grid):
    low, high = (np.float32(end - grid.zero)*grid.scale for end in (grid.lo, grid.hi))
    q = np.clip(np.rint(x/grid.scale), grid.lo - grid.zero, grid.hi - grid.zero)
    return q*grid.scale, np.logical_and(x >= low - grid.scale/4, x <= high + grid.scale/4)
def fake_vjp(g, inside, x, grid):
    return (np.where(inside, g, np.float32(0)),)
