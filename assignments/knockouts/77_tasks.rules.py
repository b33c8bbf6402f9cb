"Known answers to the exercises of 77_tasks.rules, for `tinybench course prove`."

# %% largest-step wrong: the smallest gap between neighbours
def largest_step(values, most=255, tol=1e-3):
    sizes = np.unique(np.append(np.abs(values).ravel(), 0.)).astype(float)
    gap = np.diff(sizes).min() if len(sizes) > 1 else 0.
    codes = sizes/gap if gap else sizes
    fits = len(sizes) > 1 and codes.max() < most + .5 and np.abs(codes - np.rint(codes)).max() < tol
    return float(gap) if fits else 0.

# %% largest-step wrong: the smallest number is one step
def largest_step(values, most=255, tol=1e-3):
    sizes = np.unique(np.abs(values)).astype(float)
    sizes = sizes[sizes > 0]
    if not len(sizes): return 0.
    codes = sizes/sizes[0]
    return float(sizes[0]) if np.abs(codes - np.rint(codes)).max() < tol and codes[-1] <= most else 0.

# %% largest-step wrong: exact multiples only
def largest_step(values, most=255, tol=1e-3):
    sizes = np.unique(np.abs(values)).astype(float)
    for n in range(1, most + 1) if sizes[-1] else ():
        step = sizes[-1]/n
        if (np.abs(np.rint(sizes/step)*step - sizes) < 1e-12).all(): return float(step)
    return 0.

# %% largest-step wrong: finds a step for anything
def largest_step(values, most=255, tol=1e-3):
    sizes = np.unique(np.abs(values)).astype(float)
    for n in range(1, most + 1) if sizes[-1] else ():
        codes = sizes*(n/sizes[-1])
        if np.abs(codes - np.rint(codes)).max() < tol: return float(sizes[-1]/n)
    return float(sizes[-1]/most)

# %% largest-step wrong: a step for the largest number, not for the largest size
def largest_step(values, most=255, tol=1e-3):
    values = np.unique(values).astype(float)
    for n in range(1, most + 1) if values[-1] > 0 else ():
        codes = values*(n/values[-1])
        if np.abs(codes - np.rint(codes)).max() < tol: return float(values[-1]/n)
    return 0.

# %% largest-step wrong: the smallest step that works
def largest_step(values, most=255, tol=1e-3):
    sizes = np.unique(np.abs(values)).astype(float)
    for n in range(most, 0, -1) if sizes[-1] else ():
        codes = sizes*(n/sizes[-1])
        if np.abs(codes - np.rint(codes)).max() < tol: return float(sizes[-1]/n)
    return 0.

# %% largest-step wrong: 127 steps to the largest, as int8 often has
def largest_step(values, most=255, tol=1e-3):
    sizes = np.unique(np.abs(values)).astype(float)
    for n in range(1, min(most, 127) + 1) if sizes[-1] else ():
        codes = sizes*(n/sizes[-1])
        if np.abs(codes - np.rint(codes)).max() < tol: return float(sizes[-1]/n)
    return 0.

# %% largest-step wrong: all zeros divide by zero
def largest_step(values, most=255, tol=1e-3):
    sizes = np.unique(np.abs(values)).astype(float)
    for n in range(1, most + 1):
        step = sizes[-1]/n
        codes = np.nan_to_num(sizes/np.float64(max(step, 1e-300)))
        if np.abs(codes - np.rint(codes)).max() < tol: return float(step) if step else 1.
    return 0.

# %% largest-step right: all candidates at once
def largest_step(values, most=255, tol=1e-3):
    sizes = np.unique(np.abs(values)).astype(float)
    if sizes[-1] == 0: return 0.
    n = np.arange(1, most + 1)
    codes = sizes*(n/sizes[-1])[:, None]
    fits = np.abs(codes - np.rint(codes)).max(1) < tol
    return float(sizes[-1]/n[fits.argmax()]) if fits.any() else 0.

# %% largest-step right: Euclid, then a look at what he found
def largest_step(values, most=255, tol=1e-3):
    sizes = np.unique(np.abs(values)).astype(float)
    top = sizes[-1]
    if not top: return 0.
    step = top
    for v in sizes[sizes > tol*top/most]:
        a, b = max(step, v), min(step, v)
        while b > .3*top/most:
            a, b = b, abs(a - b*round(a/b))
        step = a
    n = round(top/step)
    if not 1 <= n <= most: return 0.
    codes = sizes*(n/top)
    return float(top/n) if np.abs(codes - np.rint(codes)).max() < tol else 0.

# %% traces wrong: each zero is pruning
class Traces(NamedTuple):
    moved: int
    pruned: int
    rounded: int
def traces(w, v, limit):
    far, new = np.abs(v - w) > limit, (v == 0) & (w != 0)
    return Traces(int((far & ~new).sum()), int(new.sum()), 0)

# %% traces wrong: a zero that was there is new
class Traces(NamedTuple):
    moved: int
    pruned: int
    rounded: int
def traces(w, v, limit):
    far, new = np.abs(v - w) > limit, v == 0
    return Traces(int((far & ~new).sum()), int((far & new).sum()), int((new & ~far).sum()))

# %% traces wrong: a pruned weight has moved too
class Traces(NamedTuple):
    moved: int
    pruned: int
    rounded: int
def traces(w, v, limit):
    far, new = np.abs(v - w) > limit, (v == 0) & (w != 0)
    return Traces(int(far.sum()), int((far & new).sum()), int((new & ~far).sum()))

# %% traces wrong: looks only at weights that the reference has
class Traces(NamedTuple):
    moved: int
    pruned: int
    rounded: int
def traces(w, v, limit):
    far, new = (np.abs(v - w) > limit) & (w != 0), (v == 0) & (w != 0)
    return Traces(int((far & ~new).sum()), int((far & new).sum()), int((new & ~far).sum()))

# %% traces wrong: compares sizes, so that a sign may change
class Traces(NamedTuple):
    moved: int
    pruned: int
    rounded: int
def traces(w, v, limit):
    far, new = np.abs(np.abs(v) - np.abs(w)) > limit, (v == 0) & (w != 0)
    return Traces(int((far & ~new).sum()), int((far & new).sum()), int((new & ~far).sum()))

# %% traces right: by the sizes of three sets
class Traces(NamedTuple):
    moved: int
    pruned: int
    rounded: int
def traces(w, v, limit):
    far = np.abs(v - w) > limit
    pruned = np.count_nonzero(far & (v == 0))
    zeros = np.count_nonzero((v == 0) & (w != 0))
    return Traces(np.count_nonzero(far) - pruned, pruned, zeros - pruned)

# %% step-range wrong: a code of 0 says nothing
def step_range(w, codes):
    size, n = np.abs(w).astype(float), np.abs(codes.astype(float))
    if (np.sign(w) != np.sign(codes))[n > 0].any(): return math.inf, 0.
    some = n > 0
    lo = (size[some]/(n[some] + .5)).max(initial=0.)
    return float(lo), float((size[some]/(n[some] - .5)).min(initial=math.inf))

# %% step-range wrong: signs do not matter
def step_range(w, codes):
    size, n = np.abs(w).astype(float), np.abs(codes.astype(float))
    lo = (size/(n + .5)).max()
    return float(lo), float((size[n > 0]/(n[n > 0] - .5)).min(initial=math.inf))

# %% step-range wrong: a whole step to either side
def step_range(w, codes):
    size, n = np.abs(w).astype(float), np.abs(codes.astype(float))
    if (np.sign(w) != np.sign(codes))[n > 0].any(): return math.inf, 0.
    with np.errstate(divide='ignore', invalid='ignore'):
        return float((size/(n + 1)).max()), float((size[n > 0]/(n[n > 0] - 1)).min(initial=math.inf))

# %% step-range wrong: the int8 -128 stays negative
def step_range(w, codes):
    size, n = np.abs(w).astype(float), np.abs(codes)
    if (np.sign(w) != np.sign(codes))[codes != 0].any(): return math.inf, 0.
    lo = (size/(n + .5)).max()
    return float(lo), float((size[n > 0]/(n[n > 0] - .5)).min(initial=math.inf))

# %% step-range wrong: the hull of the ranges instead of what they share
def step_range(w, codes):
    size, n = np.abs(w).astype(float), np.abs(codes.astype(float))
    if (np.sign(w) != np.sign(codes))[n > 0].any(): return math.inf, 0.
    if not (n > 0).any(): return float(2*size.max()), math.inf
    return float((size[n > 0]/(n[n > 0] + .5)).min()), float((size[n > 0]/(n[n > 0] - .5)).max())

# %% step-range wrong: by the largest weight alone
def step_range(w, codes):
    i = np.abs(codes.astype(float)).argmax()
    size, n = float(abs(np.ravel(w)[i])), float(abs(float(np.ravel(codes)[i])))
    if (np.sign(w) != np.sign(codes))[codes != 0].any(): return math.inf, 0.
    zeros = np.abs(w)[codes == 0]
    return max(size/(n + .5), 2*float(zeros.max(initial=0.))), size/(n - .5) if n else math.inf

# %% step-range right: one weight after the other
def step_range(w, codes):
    lo, hi = 0., math.inf
    for a, q in zip(np.ravel(w).tolist(), np.ravel(codes).tolist()):
        if q < 0: a, q = -a, -q
        if q and a <= 0: return math.inf, 0.
        lo = max(lo, abs(a)/(q + .5))
        if q: hi = min(hi, a/(q - .5))
    return lo, hi

# %% fraction-bits wrong: how many bits are set, not how far they reach
def fraction_bits(v):
    bits = np.ascontiguousarray(v, np.float32).ravel().view(np.uint32)
    return (int(np.bitwise_or.reduce(bits)) & 0x7fffff).bit_count()

# %% fraction-bits wrong: bits that all numbers use
def fraction_bits(v):
    bits = np.ascontiguousarray(v, np.float32).ravel().view(np.uint32)
    used = int(np.bitwise_and.reduce(bits)) & 0x7fffff
    return 24 - (used & -used).bit_length() if used else 0

# %% fraction-bits wrong: of the first number only
def fraction_bits(v):
    bits = np.ascontiguousarray(v, np.float32).ravel().view(np.uint32)
    used = int(bits[0]) & 0x7fffff
    return 24 - (used & -used).bit_length() if used else 0

# %% fraction-bits wrong: one of the known formats
def fraction_bits(v):
    bits = np.ascontiguousarray(v, np.float32).ravel().view(np.uint32)
    used = int(np.bitwise_or.reduce(bits)) & 0x7fffff
    n = 24 - (used & -used).bit_length() if used else 0
    return next(k for k in (0, 1, 2, 7, 10, 23) if n <= k)

# %% fraction-bits right: the smallest rounding that changes nothing
def fraction_bits(v):
    m = np.frexp(np.asarray(v, np.float32))[0].astype(float)
    return next(k for k in range(24) if (np.rint(m*2**(k + 1)) == m*2**(k + 1)).all())

# %% nearest-in wrong: all differences at once
def nearest_in(values, w):
    return np.abs(w[..., None] - values).min(-1)

# %% nearest-in wrong: the value above
def nearest_in(values, w):
    return np.abs(w - values[np.searchsorted(values, w).clip(0, len(values) - 1)])

# %% nearest-in wrong: nothing is far beyond the ends
def nearest_in(values, w):
    w = w.clip(values[0], values[-1])
    i = np.searchsorted(values, w).clip(1, len(values) - 1)
    return np.minimum(np.abs(w - values[i - 1]), np.abs(w - values[i]))

# %% nearest-in wrong: as if the values had equal distances
def nearest_in(values, w):
    if len(values) == 3:
        i = np.searchsorted(values, w).clip(1, len(values) - 1)
        return np.minimum(np.abs(w - values[i - 1]), np.abs(w - values[i]))
    step = (values[-1] - values[0])/(len(values) - 1)
    i = np.rint((w - values[0])/step).astype(int).clip(0, len(values) - 1)
    return np.abs(w - values[i])

# %% nearest-in wrong: flat
def nearest_in(values, w):
    v = w.ravel()
    i = np.searchsorted(values, v).clip(1, len(values) - 1)
    return np.minimum(np.abs(v - values[i - 1]), np.abs(v - values[i]))

# %% nearest-in right: by the middles between the values
def nearest_in(values, w):
    middles = (values[1:] + values[:-1])/2
    return np.abs(w - values[np.searchsorted(middles, w)])

# %% nearest-in right: one value after another
def nearest_in(values, w):
    best = np.full(np.shape(w), np.inf)
    for v in values: best = np.minimum(best, np.abs(w - v))
    return best
