"Known answers to the exercises of 14_nn.pool, for `tinybench course prove`."

# %% hand-out wrong: takes what it hands out from g itself
def hand_out(g, best, candidates, shares):
    for candidate, share in zip(candidates, shares):
        np.multiply(g, candidate == best, out=share)
        g -= share

# %% hand-out wrong: leaves what was in the shares of the losers
def hand_out(g, best, candidates, shares):
    open_ = np.ones(g.shape, bool)
    for candidate, share in zip(candidates, shares):
        won = (candidate == best) & open_
        share[won] = g[won]
        open_ &= ~won

# %% hand-out wrong: stops when nothing is left, with later shares unwritten
def hand_out(g, best, candidates, shares):
    left = g.copy()
    for candidate, share in zip(candidates, shares):
        if not left.any(): break
        np.multiply(left, candidate == best, out=share)
        left -= share

# %% hand-out wrong: adds to what is in the shares
def hand_out(g, best, candidates, shares):
    left = g.copy()
    for candidate, share in zip(candidates, shares):
        won = left*(candidate == best)
        share += won
        left -= won

# %% hand-out wrong: all of g to everyone who ties
def hand_out(g, best, candidates, shares):
    for candidate, share in zip(candidates, shares): np.multiply(g, candidate == best, out=share)

# %% hand-out wrong: the last one that ties takes all
def hand_out(g, best, candidates, shares):
    left = g.copy()
    for candidate, share in list(zip(candidates, shares))[::-1]:
        np.multiply(left, candidate == best, out=share)
        left -= share

# %% hand-out wrong: makes new shares instead of writing into those it got
def hand_out(g, best, candidates, shares):
    left = g.copy()
    for candidate, share in zip(candidates, shares):
        share = left*(candidate == best)
        left = left - share

# %% hand-out right: asks for the first place of the best, then fills place by place
def hand_out(g, best, candidates, shares):
    winner = np.argmax([candidate == best for candidate in candidates], axis=0)
    for k, share in enumerate(shares): share[...] = np.where(winner == k, g, 0)

# %% widen wrong: the positions in the order of columns, then rows
def widen(w, pool):
    kh, kw, c, f = w.shape
    wide = np.zeros((kh + pool - 1, kw + pool - 1, c, pool, pool, f), w.dtype)
    for i, j in np.ndindex(pool, pool): wide[i:i+kh, j:j+kw, :, j, i] = w
    return wide.reshape(-1, pool*pool*f)

# %% widen wrong: all positions in one frame
def widen(w, pool):
    kh, kw, c, f = w.shape
    wide = np.zeros((kh + pool - 1, kw + pool - 1, c, f), w.dtype)
    for i, j in np.ndindex(pool, pool): wide[i:i+kh, j:j+kw] += w
    return wide.reshape(-1, f)

# %% widen wrong: the filter turned by 180 degrees
def widen(w, pool):
    kh, kw, c, f = w.shape
    wide = np.zeros((kh + pool - 1, kw + pool - 1, c, pool, pool, f), w.dtype)
    for i, j in np.ndindex(pool, pool): wide[i:i+kh, j:j+kw, :, i, j] = w[::-1, ::-1]
    return wide.reshape(-1, pool*pool*f)

# %% widen wrong: always float64
def widen(w, pool):
    kh, kw, c, f = w.shape
    wide = np.zeros((kh + pool - 1, kw + pool - 1, c, pool, pool, f))
    for i, j in np.ndindex(pool, pool): wide[i:i+kh, j:j+kw, :, i, j] = w
    return wide.reshape(-1, pool*pool*f)

# %% widen wrong: the filters first, then their positions
def widen(w, pool):
    kh, kw, c, f = w.shape
    wide = np.zeros((kh + pool - 1, kw + pool - 1, c, f, pool, pool), w.dtype)
    for i, j in np.ndindex(pool, pool): wide[i:i+kh, j:j+kw, :, :, i, j] = w
    return wide.reshape(-1, pool*pool*f)

# %% widen wrong: takes the height for the width
def widen(w, pool):
    kh, kw, c, f = w.shape
    wide = np.zeros((kh + pool - 1, kh + pool - 1, c, pool, pool, f), w.dtype)
    for i, j in np.ndindex(pool, pool): wide[i:i+kh, j:j+kh, :, i, j] = w
    return wide.reshape(-1, pool*pool*f)

# %% widen wrong: the channels before the columns
def widen(w, pool):
    kh, kw, c, f = w.shape
    wide = np.zeros((kh + pool - 1, kw + pool - 1, c, pool, pool, f), w.dtype)
    for i, j in np.ndindex(pool, pool): wide[i:i+kh, j:j+kw, :, i, j] = w
    wide = wide.swapaxes(1, 2)
    return wide.reshape(-1, pool*pool*f)

# %% widen wrong: the transpose
def widen(w, pool):
    kh, kw, c, f = w.shape
    wide = np.zeros((kh + pool - 1, kw + pool - 1, c, pool, pool, f), w.dtype)
    for i, j in np.ndindex(pool, pool): wide[i:i+kh, j:j+kw, :, i, j] = w
    return wide.reshape(-1, pool*pool*f).T

# %% widen right: zeros around the filter, a frame for each position
def widen(w, pool):
    last = pool - 1
    frames = [np.pad(w, ((i, last - i), (j, last - j), (0, 0), (0, 0)))
              for i in range(pool) for j in range(pool)]
    return np.stack(frames, axis=3).reshape(-1, pool*pool*w.shape[3])

# %% widen right: number by number
def widen(w, pool):
    kh, kw, c, f = w.shape
    wide = np.zeros((kh + pool - 1, kw + pool - 1, c, pool, pool, f), w.dtype)
    for r, s, i, j in np.ndindex(kh, kw, pool, pool): wide[i + r, j + s, :, i, j, :] = w[r, s]
    return wide.reshape(-1, pool*pool*f)
