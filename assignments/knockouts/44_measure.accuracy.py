"Known answers to the exercises of 44_measure.accuracy, for `tinybench course prove`."

# %% wilson wrong: the textbook interval
def wilson(right:int, n:int, level:float=.95) -> tuple[float,float]:
    if not 0 <= right <= n or not n: raise ValueError(f'{right} right of {n} is no share')
    p = right/n
    half = z_score(level)*math.sqrt(p*(1 - p)/n)
    return max(p - half, 0.), min(p + half, 1.)

# %% wilson wrong: 1.96 for every level
def wilson(right:int, n:int, level:float=.95) -> tuple[float,float]:
    if not 0 <= right <= n or not n: raise ValueError(f'{right} right of {n} is no share')
    p, z = right/n, 1.959964
    mid, half = p + z*z/(2*n), z*math.sqrt(p*(1 - p)/n + z*z/(4*n*n))
    lo, hi = ((mid + s*half)/(1 + z*z/n) for s in (-1, 1))
    return lo if right else 0., hi if right < n else 1.

# %% wilson wrong: all of the level on one side
def wilson(right:int, n:int, level:float=.95) -> tuple[float,float]:
    if not 0 <= right <= n or not n: raise ValueError(f'{right} right of {n} is no share')
    p, z = right/n, NormalDist().inv_cdf(level)
    mid, half = p + z*z/(2*n), z*math.sqrt(p*(1 - p)/n + z*z/(4*n*n))
    lo, hi = ((mid + s*half)/(1 + z*z/n) for s in (-1, 1))
    return lo if right else 0., hi if right < n else 1.

# %% wilson wrong: refuses only more than all
def wilson(right:int, n:int, level:float=.95) -> tuple[float,float]:
    if right > n: raise ValueError(f'{right} right of {n} is no share')
    p, z = right/n, z_score(level)
    mid, half = p + z*z/(2*n), z*math.sqrt(p*(1 - p)/n + z*z/(4*n*n))
    lo, hi = ((mid + s*half)/(1 + z*z/n) for s in (-1, 1))
    return lo if right else 0., hi if right < n else 1.

# %% wilson wrong: clips the ends, so that rounding decides
def wilson(right:int, n:int, level:float=.95) -> tuple[float,float]:
    if not 0 <= right <= n or not n: raise ValueError(f'{right} right of {n} is no share')
    p, z = right/n, z_score(level)
    mid, half = p + z*z/(2*n), z*math.sqrt(p*(1 - p)/n + z*z/(4*n*n))
    lo, hi = ((mid + s*half)/(1 + z*z/n) for s in (-1, 1))
    return max(lo, 0.), min(hi, 1.)

# %% wilson wrong: only the end where all are right is exact
def wilson(right:int, n:int, level:float=.95) -> tuple[float,float]:
    if not 0 <= right <= n or not n: raise ValueError(f'{right} right of {n} is no share')
    p, z = right/n, z_score(level)
    mid, half = p + z*z/(2*n), z*math.sqrt(p*(1 - p)/n + z*z/(4*n*n))
    lo, hi = ((mid + s*half)/(1 + z*z/n) for s in (-1, 1))
    return lo, hi if right < n else 1.

# %% wilson wrong: rounded for the table
def wilson(right:int, n:int, level:float=.95) -> tuple[float,float]:
    if not 0 <= right <= n or not n: raise ValueError(f'{right} right of {n} is no share')
    p, z = right/n, z_score(level)
    mid, half = p + z*z/(2*n), z*math.sqrt(p*(1 - p)/n + z*z/(4*n*n))
    return round((mid - half)/(1 + z*z/n), 5), round((mid + half)/(1 + z*z/n), 5)

# %% wilson wrong: forgets to divide the root's second term
def wilson(right:int, n:int, level:float=.95) -> tuple[float,float]:
    if not 0 <= right <= n or not n: raise ValueError(f'{right} right of {n} is no share')
    p, z = right/n, z_score(level)
    mid, half = p + z*z/(2*n), z*math.sqrt(p*(1 - p)/n + z*z/(4*n))
    lo, hi = ((mid + s*half)/(1 + z*z/n) for s in (-1, 1))
    return lo if right else 0., hi if right < n else 1.

# %% wilson right: the roots of the quadratic
def wilson(right:int, n:int, level:float=.95) -> tuple[float,float]:
    if right < 0 or right > n or n < 1: raise ValueError(f'{right} right of {n} is no share')
    z, p = z_score(level), right/n
    a, b, c = 1 + z*z/n, -(2*p + z*z/n), p*p
    root = math.sqrt(max(b*b - 4*a*c, 0))
    return 0. if right == 0 else (-b - root)/(2*a), 1. if right == n else (-b + root)/(2*a)

# %% wilson right: halves the distance to each end
def wilson(right:int, n:int, level:float=.95) -> tuple[float,float]:
    if n < 1 or not 0 <= right <= n: raise ValueError(f'{right} right of {n} is no share')
    z, p, ends = z_score(level), right/n, []
    for end in (0., 1.):
        out, inside = end, p
        for _ in range(100):
            mid = (out + inside)/2
            if (p - mid)**2 > z*z*mid*(1 - mid)/n: out = mid
            else: inside = mid
        ends.append(inside)
    return ends[0], ends[1]

# %% mcnemar wrong: one side
def mcnemar(a_hits, b_hits) -> float:
    _, a_only, b_only, _ = kinds(a_hits, b_hits)
    return float(bdtr(min(a_only, b_only), a_only + b_only, .5))

# %% mcnemar wrong: a chance above 1
def mcnemar(a_hits, b_hits) -> float:
    _, a_only, b_only, _ = kinds(a_hits, b_hits)
    if a_only + b_only == 0: return 1.
    return float(2*bdtr(min(a_only, b_only), a_only + b_only, .5))

# %% mcnemar wrong: the second model taken for the rarer
def mcnemar(a_hits, b_hits) -> float:
    _, a_only, b_only, _ = kinds(a_hits, b_hits)
    return min(1., float(2*bdtr(b_only, a_only + b_only, .5)))

# %% mcnemar wrong: coins for all pictures
def mcnemar(a_hits, b_hits) -> float:
    found = kinds(a_hits, b_hits)
    return min(1., float(2*bdtr(min(found.a_only, found.b_only), sum(found), .5)))

# %% mcnemar wrong: the bell in the place of the coins
def mcnemar(a_hits, b_hits) -> float:
    _, a_only, b_only, _ = kinds(a_hits, b_hits)
    return math.erfc(abs(a_only - b_only)/math.sqrt(2*max(a_only + b_only, 1)))

# %% mcnemar wrong: counts by itself, arrays only, pairs or not
def mcnemar(a_hits, b_hits) -> float:
    a_only, b_only = int((a_hits & ~b_hits).sum()), int((b_hits & ~a_hits).sum())
    return min(1., float(2*bdtr(min(a_only, b_only), a_only + b_only, .5)))

# %% mcnemar right: the coins one by one
def mcnemar(a_hits, b_hits) -> float:
    _, a_only, b_only, _ = kinds(a_hits, b_hits)
    n = a_only + b_only
    return min(1., 2*sum(math.comb(n, heads) for heads in range(min(a_only, b_only) + 1))/2**n)

# %% mcnemar right: a test of scipy
def mcnemar(a_hits, b_hits) -> float:
    from scipy.stats import binomtest
    found = kinds(a_hits, b_hits)
    n = found.a_only + found.b_only
    return float(binomtest(found.a_only, n).pvalue) if n else 1.

# %% auc wrong: never below a half
def auc(scores, labels) -> float:
    yes, no = split_scores(scores, labels)
    m, n = len(yes), len(no)
    area = float((ranks(np.concatenate([yes, no]))[:m].sum() - m*(m + 1)/2)/(m*n))
    return max(area, 1 - area)

# %% auc wrong: takes the last ones for the yeses
def auc(scores, labels) -> float:
    split_scores(scores, labels)
    m = int(np.sum(labels))
    n = len(labels) - m
    return float((ranks(scores)[n:].sum() - m*(m + 1)/2)/(m*n))

# %% auc wrong: ties in the order in which they come
def auc(scores, labels) -> float:
    yes, no = split_scores(scores, labels)
    m, n = len(yes), len(no)
    places = np.argsort(np.argsort(np.concatenate([yes, no]), kind='stable'))[:m] + 1
    return float((places.sum() - m*(m + 1)/2)/(m*n))

# %% auc wrong: a tie counts as won
def auc(scores, labels) -> float:
    yes, no = split_scores(scores, labels)
    return float((yes[:, None] >= no).mean())

# %% auc wrong: the ranks of the noes
def auc(scores, labels) -> float:
    yes, no = split_scores(scores, labels)
    m, n = len(yes), len(no)
    places = ranks(np.concatenate([no, yes]))[:n]
    return float((places.sum() - n*(n + 1)/2)/(m*n))

# %% auc wrong: the sum of the ranks, not its excess
def auc(scores, labels) -> float:
    yes, no = split_scores(scores, labels)
    m, n = len(yes), len(no)
    return float(ranks(np.concatenate([yes, no]))[:m].sum()/(m*n))

# %% auc wrong: refuses nothing
def auc(scores, labels) -> float:
    s, y = np.asarray(scores, float), np.asarray(labels)
    gaps = s[y == 1][:, None] - s[y == 0]
    return float((np.sign(gaps)/2 + .5).mean()) if gaps.size else .5

# %% auc right: all pairs
def auc(scores, labels) -> float:
    yes, no = split_scores(scores, labels)
    wins = sum((a > b) + (a == b)/2 for a in yes for b in no)
    return float(wins/(len(yes)*len(no)))

# %% auc right: counts among the sorted noes
def auc(scores, labels) -> float:
    yes, no = split_scores(scores, labels)
    no = np.sort(no)
    below = np.searchsorted(no, yes, 'left') + np.searchsorted(no, yes, 'right')
    return float(below.mean()/(2*len(no)))

# %% placements wrong: in the order of the scores
def placements(scores, labels) -> tuple[np.ndarray,np.ndarray]:
    yes, no = map(np.sort, split_scores(scores, labels))
    m, n = len(yes), len(no)
    if min(m, n) < 2: raise ValueError(f'{m} yes and {n} no: an interval for an AUC takes two of each')
    places = ranks(np.concatenate([yes, no]))
    return (places[:m] - ranks(yes))/n, 1 - (places[m:] - ranks(no))/m

# %% placements wrong: divides by the number of its own kind
def placements(scores, labels) -> tuple[np.ndarray,np.ndarray]:
    yes, no = split_scores(scores, labels)
    m, n = len(yes), len(no)
    if min(m, n) < 2: raise ValueError(f'{m} yes and {n} no: an interval for an AUC takes two of each')
    places = ranks(np.concatenate([yes, no]))
    return (places[:m] - ranks(yes))/m, 1 - (places[m:] - ranks(no))/n

# %% placements wrong: asks for two yeses only
def placements(scores, labels) -> tuple[np.ndarray,np.ndarray]:
    yes, no = split_scores(scores, labels)
    m, n = len(yes), len(no)
    if m < 2: raise ValueError(f'{m} yes and {n} no: an interval for an AUC takes two of each')
    places = ranks(np.concatenate([yes, no]))
    return (places[:m] - ranks(yes))/n, 1 - (places[m:] - ranks(no))/m

# %% placements wrong: for each no the yeses that it beats
def placements(scores, labels) -> tuple[np.ndarray,np.ndarray]:
    yes, no = split_scores(scores, labels)
    m, n = len(yes), len(no)
    if min(m, n) < 2: raise ValueError(f'{m} yes and {n} no: an interval for an AUC takes two of each')
    places = ranks(np.concatenate([yes, no]))
    return (places[:m] - ranks(yes))/n, (places[m:] - ranks(no))/m

# %% placements wrong: a tie counts as lost
def placements(scores, labels) -> tuple[np.ndarray,np.ndarray]:
    yes, no = split_scores(scores, labels)
    if min(len(yes), len(no)) < 2: raise ValueError('an interval for an AUC takes two of each')
    wins = yes[:, None] > no
    return wins.mean(1), wins.mean(0)

# %% placements wrong: one of a kind is enough
def placements(scores, labels) -> tuple[np.ndarray,np.ndarray]:
    yes, no = split_scores(scores, labels)
    wins = np.sign(yes[:, None] - no)/2 + .5
    return wins.mean(1), wins.mean(0)

# %% placements right: all pairs
def placements(scores, labels) -> tuple[np.ndarray,np.ndarray]:
    yes, no = split_scores(scores, labels)
    if min(len(yes), len(no)) < 2:
        raise ValueError(f'{len(yes)} yes and {len(no)} no: an interval for an AUC takes two of each')
    wins = (yes[:, None] > no) + .5*(yes[:, None] == no)
    return wins.mean(1), wins.mean(0)
