"Known answers to the exercises of 38_measure.signs, for `tinybench course prove`."

# %% scores wrong: a draw counts as nothing
def scores(d):
    d = np.asarray(d, float)
    q = len(d)//4
    rows, s = [np.sign(d)], np.partition(np.abs(d), q)[q]/.3186
    if s > 0: rows.append(bisquare(d/(4.7*s)))
    return np.array([row/np.linalg.norm(row) for row in rows])

# %% scores wrong: the rows are not of one length
def scores(d):
    d = np.asarray(d, float)
    q = len(d)//4
    rows, s = [np.where(d > 0, 1., -1.)], np.partition(np.abs(d), q)[q]/.3186
    if s > 0: rows.append(bisquare(d/(4.7*s)))
    return np.array(rows)

# %% scores wrong: divides by a scale of 0
def scores(d):
    d = np.asarray(d, float)
    s = max(np.sort(np.abs(d))[len(d)//4]/.3186, 1e-300)
    rows = [np.where(d > 0, 1., -1.), bisquare(d/(4.7*s))]
    return np.array([row/max(np.linalg.norm(row), 1e-300) for row in rows])

# %% scores wrong: the standard deviation as the scale, which an outlier moves
def scores(d):
    d = np.asarray(d, float)
    rows, s = [np.where(d > 0, 1., -1.)], np.std(d)
    if np.sort(np.abs(d))[len(d)//4] > 0: rows.append(bisquare(d/(4.7*s)))
    return np.array([row/np.linalg.norm(row) for row in rows])

# %% scores wrong: the quartile of d instead of its size
def scores(d):
    d = np.asarray(d, float)
    rows, s = [np.where(d > 0, 1., -1.)], abs(np.sort(d)[len(d)//4])/.3186
    if s > 0: rows.append(bisquare(d/(4.7*s)))
    return np.array([row/np.linalg.norm(row) for row in rows])

# %% scores wrong: the quartile between two values, as numpy has it
def scores(d):
    d = np.asarray(d, float)
    rows, s = [np.where(d > 0, 1., -1.)], np.quantile(np.abs(d), .25)/.3186
    if s > 0: rows.append(bisquare(d/(4.7*s)))
    return np.array([row/np.linalg.norm(row) for row in rows])

# %% scores right: row by row
def scores(d):
    d = np.asarray(d, float)
    signs = np.array([1. if v > 0 else -1. for v in d])/len(d)**.5
    scale = sorted(abs(v) for v in d)[len(d)//4]
    if not scale: return signs[None]
    far = bisquare(d*.3186/4.7/scale)
    return np.vstack([signs, far/np.sqrt(far @ far)])

# %% flip-share wrong: without d itself
def flip_share(d):
    found = larger(flip_sums(scores(d)))
    return float((found[1:] >= found[0] - 1e-9).mean()) if found[0] > 1e-9 else 1.

# %% flip-share wrong: what ties does not count
def flip_share(d):
    found = larger(flip_sums(scores(d)))
    return float((found > found[0] + 1e-9).mean()) if found[0] > 1e-9 else 1.

# %% flip-share wrong: either side of 0 is as good
def flip_share(d):
    sums = flip_sums(scores(d))
    found = np.abs(sums).max(0) + np.abs(sums.sum(0))/1000
    return float((found >= found[0] - 1e-9).mean())

# %% flip-share wrong: only the signs
def flip_share(d):
    found = larger(flip_sums(scores(d)[:1]))
    return float((found >= found[0] - 1e-9).mean()) if found[0] > 1e-9 else 1.

# %% flip-share wrong: only the scores
def flip_share(d):
    found = larger(flip_sums(scores(d)[-1:]))
    return float((found >= found[0] - 1e-9).mean()) if found[0] > 1e-9 else 1.

# %% flip-share wrong: the flips count on one side only
def flip_share(d):
    sums = flip_sums(scores(d))
    found = sums.max(0) + sums.sum(0)/1000
    return float((found >= found[0] - 1e-9).mean()) if found[0] > 1e-9 else 1.

# %% flip-share right: counts one by one
def flip_share(d):
    own, *others = larger(flip_sums(scores(d))).tolist()
    if own <= 1e-9: return 1.
    return (1 + sum(t >= own - 1e-9 for t in others))/(1 + len(others))

# %% first-kept wrong: asks all from the start
def first_kept(values, kept):
    return next(i for i, v in enumerate(values) if i == len(values) - 1 or kept(v))

# %% first-kept wrong: the last that is not kept
def first_kept(values, kept):
    out, into = -1, len(values) - 1
    while into - out > 1:
        k = (out + into)//2
        out, into = (out, k) if kept(values[k]) else (k, into)
    return out

# %% first-kept wrong: never says the first place
def first_kept(values, kept):
    out, into = 0, len(values) - 1
    while into - out > 1:
        k = (out + into)//2
        out, into = (out, k) if kept(values[k]) else (k, into)
    return into

# %% first-kept wrong: asks about the last
def first_kept(values, kept):
    out, into = -1, len(values)
    while into - out > 1:
        k = (out + into)//2
        out, into = (out, k) if kept(values[k]) else (k, into)
    return into

# %% first-kept wrong: the value, not its place
def first_kept(values, kept):
    out, into = -1, len(values) - 1
    while into - out > 1:
        k = (out + into)//2
        out, into = (out, k) if kept(values[k]) else (k, into)
    return values[into]

# %% first-kept right: by the library
def first_kept(values, kept):
    from bisect import bisect_left
    return bisect_left(range(len(values) - 1), True, key=lambda i: bool(kept(values[i])))
