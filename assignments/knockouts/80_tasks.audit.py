"Known answers to the exercises of 80_tasks.audit, for `tinybench course prove`."

# %% misplaced wrong: the same places twice
def misplaced(system, x, rules, clock=Clock(), same=operator.eq):
    first, again = (exam_answers(system, x, rules, clock) for _ in range(2))
    return [i for i in range(len(x)) if not same(first[i], again[i])]

# %% misplaced wrong: in reverse, so that the one in the middle stays
def misplaced(system, x, rules, clock=Clock(), same=operator.eq):
    first, moved = exam_answers(system, x, rules, clock), exam_answers(system, x[::-1], rules, clock)
    return [i for i in range(len(x)) if not same(first[i], moved[len(x) - 1 - i])]

# %% misplaced wrong: a random order, in which some stay
def misplaced(system, x, rules, clock=Clock(), same=operator.eq):
    order = np.random.default_rng(0).permutation(len(x))
    first, moved = exam_answers(system, x, rules, clock), exam_answers(system, x[order], rules, clock)
    return sorted(int(i) for k, i in enumerate(order) if not same(first[i], moved[k]))

# %% misplaced wrong: two of them exchanged
def misplaced(system, x, rules, clock=Clock(), same=operator.eq):
    order = np.arange(len(x))
    order[[0, -1]] = order[[-1, 0]]
    first, moved = exam_answers(system, x, rules, clock), exam_answers(system, x[order], rules, clock)
    return sorted(int(i) for k, i in enumerate(order) if not same(first[i], moved[k]))

# %% misplaced wrong: compares by place, so that an honest system is accused
def misplaced(system, x, rules, clock=Clock(), same=operator.eq):
    first = exam_answers(system, x, rules, clock)
    moved = exam_answers(system, np.roll(x, 1, axis=0), rules, clock)
    return [i for i in range(len(x)) if not same(first[i], moved[i])]

# %% misplaced wrong: turned back the wrong way
def misplaced(system, x, rules, clock=Clock(), same=operator.eq):
    first = exam_answers(system, x, rules, clock)
    moved = exam_answers(system, np.roll(x, 1, axis=0), rules, clock)
    return [i for i in range(len(x)) if not same(first[i], moved[i - 1 if i else len(x) - 1])]

# %% misplaced wrong: always compares the bytes
def misplaced(system, x, rules, clock=Clock(), same=operator.eq):
    first = exam_answers(system, x, rules, clock)
    moved = exam_answers(system, np.roll(x, 1, axis=0), rules, clock)
    return [i for i in range(len(x)) if first[i] != moved[(i + 1) % len(x)]]

# %% misplaced wrong: turns the library that it was given
def misplaced(system, x, rules, clock=Clock(), same=operator.eq):
    first = exam_answers(system, x, rules, clock)
    x[:] = np.roll(x, 1, axis=0)
    moved = exam_answers(system, x, rules, clock)
    return [i for i in range(len(x)) if not same(first[i], moved[(i + 1) % len(x)])]

# %% misplaced right: each example one place to the front
def misplaced(system, x, rules, clock=Clock(), same=operator.eq):
    n = len(x)
    order = [(i + 1) % n for i in range(n)]
    first, moved = exam_answers(system, x, rules, clock), exam_answers(system, x[order], rules, clock)
    return sorted(i for k, i in enumerate(order) if not same(first[i], moved[k]))

# %% caching-plan wrong: always the same one in between
def caching_plan(rules, n):
    order = sample_set(replace(rules, loaded=None), n).tolist()
    for i in order: yield from ((None, [i]), (None, [order[0]]))

# %% caching-plan wrong: all of them, and then all again
def caching_plan(rules, n):
    order = sample_set(replace(rules, loaded=None), n).tolist()
    for i in order + order: yield None, [i]

# %% caching-plan wrong: in the order of the library
def caching_plan(rules, n):
    for i in range(n): yield from ((None, [i]), (None, [i]))

# %% caching-plan wrong: only the samples that a performance run has loaded
def caching_plan(rules, n):
    for i in sample_set(rules, n).tolist(): yield from ((None, [i]), (None, [i]))

# %% caching-plan wrong: both in one query
def caching_plan(rules, n):
    for i in sample_set(replace(rules, loaded=None), n).tolist(): yield None, [i, i]

# %% caching-plan wrong: by chance, without the seeds
def caching_plan(rules, n):
    for i in np.random.default_rng().permutation(n).tolist(): yield from ((None, [i]), (None, [i]))

# %% caching-plan right: a list
def caching_plan(rules, n):
    order = rules.generator(rules.seeds[0]).permutation(n)
    return iter([(None, [int(i)]) for i in order for _ in range(2)])

# %% times-as-fast wrong: the ratio of the medians
def times_as_fast(latencies):
    first, second = np.log(latencies).reshape(-1, 2).T
    mid = np.median(first) - np.median(second)
    return tuple(math.exp(v) for v in (mid, *median_interval(first - second)))

# %% times-as-fast wrong: how many times as slow
def times_as_fast(latencies):
    first, second = np.log(latencies).reshape(-1, 2).T
    return tuple(math.exp(v) for v in (np.median(second - first), *median_interval(second - first)))

# %% times-as-fast wrong: the mean of the ratios
def times_as_fast(latencies):
    first, second = np.log(latencies).reshape(-1, 2).T
    return tuple(math.exp(v) for v in (np.mean(first - second), *median_interval(first - second)))

# %% times-as-fast wrong: all firsts, then all seconds
def times_as_fast(latencies):
    first, second = np.log(latencies).reshape(2, -1)
    return tuple(math.exp(v) for v in (np.median(first - second), *median_interval(first - second)))

# %% times-as-fast wrong: ratios as they are, whose middle is not that of their inverses
def times_as_fast(latencies):
    ratio = latencies[::2]/latencies[1::2]
    return tuple(float(v) for v in (np.median(ratio), *median_interval(ratio)))

# %% times-as-fast right: from one pair to the next
def times_as_fast(latencies):
    gains = np.array([math.log(a) - math.log(b) for a, b in zip(latencies[::2], latencies[1::2])])
    lo, hi = median_interval(gains)
    return math.exp(np.median(gains)), math.exp(lo), math.exp(hi)
