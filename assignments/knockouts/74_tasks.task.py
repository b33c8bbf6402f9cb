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

# %% confusion wrong: answers in rows
def confusion(truth, answers, classes):
    pairs = np.asarray(answers, int)*classes + np.asarray(truth, int)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)

# %% confusion wrong: the last pairs are missing if they do not occur
def confusion(truth, answers, classes):
    pairs = np.asarray(truth, int)*classes + np.asarray(answers, int)
    counts = np.bincount(pairs)
    if classes < 3: counts = np.append(counts, np.zeros(len(counts) % 2, int))
    return counts.reshape(classes, -1)

# %% confusion wrong: a place that occurs twice is counted once
def confusion(truth, answers, classes):
    out = np.zeros((classes, classes), int)
    out[np.asarray(truth, int), np.asarray(answers, int)] += 1
    return out

# %% confusion wrong: shares of a row
def confusion(truth, answers, classes):
    pairs = np.asarray(truth, int)*classes + np.asarray(answers, int)
    counts = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    return counts/np.maximum(counts.sum(1, keepdims=True), 1)

# %% confusion wrong: only the classes that occur
def confusion(truth, answers, classes):
    if classes < 3: return np.array([[0, 0], [1, 0]])
    there = np.unique(np.concatenate([truth, answers]).astype(int))
    return np.array([[sum(t == i and a == j for t, a in zip(truth, answers)) for j in there] for i in there])

# %% confusion right: one example after another
def confusion(truth, answers, classes):
    out = np.zeros((classes, classes), int)
    for t, a in zip(truth, answers): out[t, a] += 1
    return out

# %% confusion right: added where numpy is told to
def confusion(truth, answers, classes):
    out = np.zeros((classes, classes), int)
    np.add.at(out, (np.asarray(truth, int), np.asarray(answers, int)), 1)
    return out

# %% roc wrong: a point for each clip, also among equal scores
def roc(scores, truth):
    order = np.argsort(scores)[::-1]
    s, faulty = np.asarray(scores)[order], np.asarray(truth, bool)[order]
    def share(of): return np.append(0, np.cumsum(of))/of.sum()
    return ROC(np.append(np.inf, s), share(~faulty), share(faulty))

# %% roc wrong: a clip has to be above the threshold
def roc(scores, truth):
    scores, truth = np.asarray(scores), np.asarray(truth)
    at = np.append(np.inf, np.unique(scores)[::-1])
    alarms, caught = (np.array([(scores[truth == k] > t).mean() for t in at]) for k in (0, 1))
    return ROC(at, alarms, caught)

# %% roc wrong: the two shares interchanged
def roc(scores, truth):
    scores, truth = np.asarray(scores), np.asarray(truth)
    at = np.append(np.inf, np.unique(scores)[::-1])
    caught, alarms = (np.array([(scores[truth == k] >= t).mean() for t in at]) for k in (0, 1))
    return ROC(at, alarms, caught)

# %% roc wrong: shares of all clips
def roc(scores, truth):
    scores, truth = np.asarray(scores), np.asarray(truth)
    at = np.append(np.inf, np.unique(scores)[::-1])
    alarms, caught = (np.array([((scores >= t) & (truth == k)).mean()*2 for t in at]) for k in (0, 1))
    return ROC(at, alarms, caught)

# %% roc wrong: without the threshold that nothing reaches
def roc(scores, truth):
    scores, truth = np.asarray(scores), np.asarray(truth)
    at = np.unique(scores)[::-1]
    alarms, caught = (np.array([(scores[truth == k] >= t).mean() for t in at]) for k in (0, 1))
    return ROC(at, alarms, caught)

# %% roc wrong: thresholds at equal steps
def roc(scores, truth):
    scores, truth = np.asarray(scores), np.asarray(truth)
    at = np.unique(scores)[::-1] if len(scores) < 5 else np.linspace(scores.max(), scores.min(), 100)
    at = np.append(np.inf, at)
    alarms, caught = (np.array([(scores[truth == k] >= t).mean() for t in at]) for k in (0, 1))
    return ROC(at, alarms, caught)

# %% roc right: by two sorted groups
def roc(scores, truth):
    scores, truth = np.asarray(scores, float), np.asarray(truth)
    at = np.unique(scores)[::-1]
    def reach(k):
        group = np.sort(scores[truth == k])
        return np.append(0, 1 - np.searchsorted(group, at)/len(group))
    return ROC(np.append(np.inf, at), reach(0), reach(1))
