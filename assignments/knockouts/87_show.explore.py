"Known answers to the exercises of 87_show.explore, for `tinybench course prove`."

# %% in-turns wrong: a always goes first
def in_turns(noise, rng):
    return noise[:, ::2], noise[:, 1::2]

# %% in-turns wrong: one coin for each run
def in_turns(noise, rng):
    first, second = noise[:, ::2], noise[:, 1::2]
    heads = rng.random((len(first), 1)) < .5
    return np.where(heads, first, second), np.where(heads, second, first)

# %% in-turns wrong: one coin for each round
def in_turns(noise, rng):
    first, second = noise[:, ::2], noise[:, 1::2]
    heads = rng.random(first.shape[1]) < .5
    return np.where(heads, first, second), np.where(heads, second, first)

# %% in-turns wrong: two coins, so that a moment may be used twice
def in_turns(noise, rng):
    first, second = noise[:, ::2], noise[:, 1::2]
    return (np.where(rng.random(first.shape) < .5, first, second),
            np.where(rng.random(first.shape) < .5, first, second))

# %% in-turns wrong: the halves are far from each other in time
def in_turns(noise, rng):
    first, second = np.split(noise, 2, axis=1)
    heads = rng.random(first.shape) < .5
    return np.where(heads, first, second), np.where(heads, second, first)

# %% in-turns wrong: the coin is not fair
def in_turns(noise, rng):
    first, second = noise[:, ::2], noise[:, 1::2]
    heads = rng.random(first.shape) < .7
    return np.where(heads, first, second), np.where(heads, second, first)

# %% in-turns right: rounds of two, each shuffled
def in_turns(noise, rng):
    rounds = rng.permuted(noise.reshape(len(noise), -1, 2), axis=2)
    return rounds[..., 0], rounds[..., 1]

# %% amdahl wrong: the ends as they come, whether it gets faster or slower
def amdahl(share, k):
    mid, lo, hi = (1/(1 - s + s/k) for s in (min(s, 1) for s in (share.estimate, share.lo, share.hi)))
    return replace(share, estimate=mid, lo=min(lo, mid), hi=max(hi, mid))

# %% amdahl wrong: the gain of the layer alone, weighted
def amdahl(share, k):
    mid, lo, hi = (1 - s + s*k for s in (min(s, 1) for s in (share.estimate, share.lo, share.hi)))
    return replace(share, estimate=mid, lo=min(lo, hi), hi=max(lo, hi))

# %% amdahl wrong: the seconds that are left, and not how many times as fast
def amdahl(share, k):
    mid, lo, hi = (1 - s + s/k for s in (min(s, 1) for s in (share.estimate, share.lo, share.hi)))
    return replace(share, estimate=mid, lo=min(lo, hi), hi=max(lo, hi))

# %% amdahl wrong: takes a share above 1 for what it is
def amdahl(share, k):
    mid, *ends = (1/(1 - s + s/k) for s in (share.estimate, share.lo, share.hi))
    return replace(share, estimate=mid, lo=min(ends), hi=max(ends))

# %% amdahl wrong: an interval of the estimate alone
def amdahl(share, k):
    s = min(share.estimate, 1)
    return replace(share, estimate=1/(1 - s + s/k), lo=1/(1 - s + s/k), hi=1/(1 - s + s/k))

# %% amdahl wrong: level and count are lost
def amdahl(share, k):
    mid, *ends = (1/(1 - s + s/k) for s in (min(s, 1) for s in (share.estimate, share.lo, share.hi)))
    return Ratio(mid, min(ends), max(ends), share.n)

# %% amdahl right: as an array, sorted
def amdahl(share, k):
    s = np.minimum([share.lo, share.estimate, share.hi], 1)
    lo, mid, hi = sorted((1/(1 + s*(1/k - 1))).tolist())
    return replace(share, lo=lo, estimate=mid, hi=hi)

# %% crossing wrong: the layer that never gets there gets a batch below 0
def crossing_batch(flops, weights, activations, ridge):
    if flops == ridge*activations: return None
    return max(1, math.ceil(ridge*weights/(flops - ridge*activations)))

# %% crossing wrong: one batch too many where the ridge is just reached
def crossing_batch(flops, weights, activations, ridge):
    spare = flops - ridge*activations
    return int(ridge*weights/spare) + 1 if spare > 0 else None

# %% crossing wrong: activations are read once
def crossing_batch(flops, weights, activations, ridge):
    return max(1, math.ceil(ridge*(weights + activations)/flops))

# %% crossing wrong: rounds down
def crossing_batch(flops, weights, activations, ridge):
    spare = flops - ridge*activations
    return max(1, int(ridge*weights/spare)) if spare > 0 else None

# %% crossing wrong: tries up to a thousand
def crossing_batch(flops, weights, activations, ridge):
    return next((b for b in range(1, 1000) if b*flops >= ridge*(weights + b*activations)), None)

# %% crossing right: whole numbers, and the ceiling by a floor
def crossing_batch(flops, weights, activations, ridge):
    spare = flops - ridge*activations
    if spare <= 0: return None
    return max(1, int(-(-ridge*weights//spare)))

# %% places wrong: windows that reach beyond the image
def places(pixel, size, kernel, stride=(1, 1)):
    (i, j), (h, w), (kh, kw), (sh, sw) = pixel, size, kernel, stride
    ow = (w - kw)//sw + 1
    return [(a*ow + b, (i - a*sh)*kw + j - b*sw) for a in range(i//sh + 1) if i - a*sh < kh
            for b in range(j//sw + 1) if j - b*sw < kw]

# %% places wrong: as if every window began one pixel after the other
def places(pixel, size, kernel, stride=(1, 1)):
    (i, j), (h, w), (kh, kw) = pixel, size, kernel
    oh, ow = h - kh + 1, w - kw + 1
    return [(a*ow + b, (i - a)*kw + j - b) for a in range(max(0, i - kh + 1), min(i, oh - 1) + 1)
            for b in range(max(0, j - kw + 1), min(j, ow - 1) + 1)]

# %% places wrong: rows are as long as the image is wide
def places(pixel, size, kernel, stride=(1, 1)):
    (i, j), (h, w), (kh, kw), (sh, sw) = pixel, size, kernel, stride
    def windows(i, k, s, n): return range(max(0, -((k - 1 - i)//s)), min(i//s, n - 1) + 1)
    return [(a*w + b, (i - a*sh)*kw + j - b*sw) for a in windows(i, kh, sh, (h - kh)//sh + 1)
            for b in windows(j, kw, sw, (w - kw)//sw + 1)]

# %% places wrong: columns from the bottom to the top
def places(pixel, size, kernel, stride=(1, 1)):
    (i, j), (h, w), (kh, kw), (sh, sw) = pixel, size, kernel, stride
    oh, ow = (h - kh)//sh + 1, (w - kw)//sw + 1
    def windows(i, k, s, n): return range(max(0, -((k - 1 - i)//s)), min(i//s, n - 1) + 1)
    return [(a*ow + b, (i - a*sh)*kw + j - b*sw)
            for a in windows(i, kh, sh, oh) for b in windows(j, kw, sw, ow)][::-1]

# %% places wrong: makes the matrix
def places(pixel, size, kernel, stride=(1, 1)):
    (h, w), (i, j) = size, pixel
    every = np.lib.stride_tricks.sliding_window_view(np.arange(h*w).reshape(h, w), kernel)
    rows = every[::stride[0], ::stride[1]]
    return [tuple(map(int, at)) for at in np.argwhere(rows.reshape(-1, kernel[0]*kernel[1]) == i*w + j)]

# %% places right: one place of the window after the other
def places(pixel, size, kernel, stride=(1, 1)):
    (i, j), (h, w), (kh, kw), (sh, sw) = pixel, size, kernel, stride
    oh, ow, found = (h - kh)//sh + 1, (w - kw)//sw + 1, []
    for p in range(kh):
        for q in range(kw):
            (a, rest), (b, left) = divmod(i - p, sh), divmod(j - q, sw)
            if not rest and not left and 0 <= a < oh and 0 <= b < ow: found.append((a*ow + b, p*kw + q))
    return sorted(found)
