"Known answers to the exercises of 74_tasks.task, for `tinybench course prove`."

# %% chance-to-pass wrong: has to have more than the target
def chance_to_pass(accuracy, n, target):
    return float(bdtrc(math.ceil(round(target*n, 9)), n, accuracy))

# %% chance-to-pass wrong: rounds the target down
def chance_to_pass(accuracy, n, target):
    return float(bdtrc(math.floor(round(target*n, 9)) - 1, n, accuracy))

# %% chance-to-pass wrong: .55*100 is a little above 55
def chance_to_pass(accuracy, n, target):
    return float(bdtrc(math.ceil(target*n) - 1, n, accuracy))

# %% chance-to-pass wrong: the normal curve
def chance_to_pass(accuracy, n, target):
    if n < 50: return float(bdtrc(math.ceil(round(target*n, 9)) - 1, n, accuracy))
    from scipy.special import ndtr
    return float(1 - ndtr((target - accuracy)/math.sqrt(accuracy*(1 - accuracy)/n)))

# %% chance-to-pass right: the sum over all counts that reach the target
def chance_to_pass(accuracy, n, target):
    least = next(k for k in range(n + 1) if k >= target*n - 1e-9)
    return math.fsum(math.comb(n, k)*accuracy**k*(1 - accuracy)**(n - k) for k in range(least, n + 1))

# %% examples-to-decide wrong: the width at the share, not at the target
def examples_to_decide(share, target, level=.95):
    gap = abs(share - target)
    return math.floor(z_score(level)**2*share*(1 - share)/gap**2) + 1 if gap > 1e-12 else None

# %% examples-to-decide wrong: always 95 %
def examples_to_decide(share, target, level=.95):
    gap = abs(share - target)
    return math.floor(1.959963984540054**2*target*(1 - target)/gap**2) + 1 if gap > 1e-12 else None

# %% examples-to-decide wrong: a share below the target is never enough
def examples_to_decide(share, target, level=.95):
    if share <= target: return None
    return math.floor(z_score(level)**2*target*(1 - target)/(share - target)**2) + 1

# %% examples-to-decide wrong: one too few
def examples_to_decide(share, target, level=.95):
    gap = abs(share - target)
    return math.floor(z_score(level)**2*target*(1 - target)/gap**2) if gap > 1e-12 else None

# %% examples-to-decide right: a search
def examples_to_decide(share, target, level=.95):
    if abs(share - target) < 1e-12: return None
    z = z_score(level)
    def outside(n): return abs(share - target) > z*math.sqrt(target*(1 - target)/n)
    hi = 1
    while not outside(hi): hi *= 2
    lo = hi//2
    while hi - lo > 1:
        mid = (lo + hi)//2
        if outside(mid): hi = mid
        else: lo = mid
    return hi

# %% clip-scores wrong: the sum
def clip_scores(scores, clip):
    return np.bincount(clip, scores)

# %% clip-scores wrong: as if all clips had as many windows
def clip_scores(scores, clip):
    return np.bincount(clip, scores)/(len(scores)/(clip.max() + 1))

# %% clip-scores wrong: the worst window
def clip_scores(scores, clip):
    return np.array([scores[clip == c].max() for c in range(clip.max() + 1)])

# %% clip-scores wrong: windows in a row
def clip_scores(scores, clip):
    at = np.flatnonzero(np.diff(clip)) + 1
    return np.array([part.mean() for part in np.split(scores, at)])

# %% clip-scores right: one clip after another
def clip_scores(scores, clip):
    return np.array([np.mean(scores[clip == c]) for c in np.unique(clip)])
