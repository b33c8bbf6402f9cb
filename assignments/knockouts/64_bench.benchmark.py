"Known answers to the exercises of 64_bench.benchmark, for `tinybench course prove`."

# %% per-second wrong: calls a second, not examples
def per_second(secs, batch:int) -> np.ndarray:
    secs = np.asarray(secs, float)
    if batch < 1 or not (secs > 0).all(): raise ValueError('must be above 0')
    return 1/secs

# %% per-second wrong: one rate from the mean, repeated
def per_second(secs, batch:int) -> np.ndarray:
    secs = np.asarray(secs, float)
    if batch < 1 or not (secs > 0).all(): raise ValueError('must be above 0')
    return np.full(len(secs), batch/secs.mean())

# %% per-second wrong: refuses zeros only
def per_second(secs, batch:int) -> np.ndarray:
    secs = np.asarray(secs, float)
    if batch == 0 or (secs == 0).any(): raise ValueError('must not be 0')
    return batch/secs

# %% per-second wrong: NaN is not at most 0, so it slips through
def per_second(secs, batch:int) -> np.ndarray:
    secs = np.asarray(secs, float)
    if batch < 1 or (secs <= 0).any(): raise ValueError('must be above 0')
    return batch/secs

# %% per-second wrong: whole examples only
def per_second(secs, batch:int) -> np.ndarray:
    secs = np.asarray(secs, float)
    if batch < 1 or not (secs > 0).all(): raise ValueError('must be above 0')
    return batch//secs

# %% per-second wrong: a list, no array
def per_second(secs, batch:int) -> np.ndarray:
    if batch < 1 or not all(s > 0 for s in secs): raise ValueError('must be above 0')
    return [batch/s for s in secs]

# %% per-second right: one sample after the other
def per_second(secs, batch:int) -> np.ndarray:
    rates = []
    for s in secs:
        if not s > 0: raise ValueError(f'a sample of {s} s')
        rates.append(batch/s)
    if batch <= 0: raise ValueError(f'a batch of {batch}')
    return np.array(rates)

# %% best wrong: less is always better
def best(metric, spans):
    higher_is_better(metric)
    if any(v != v for ends in spans.values() for v in ends): raise ValueError('no interval')
    bar = min(hi for _,hi in spans.values())
    return [name for name,(lo,_) in spans.items() if lo <= bar]

# %% best wrong: only throughput goes up
def best(metric, spans):
    higher_is_better(metric)
    if any(v != v for ends in spans.values() for v in ends): raise ValueError('no interval')
    if metric == 'throughput':
        bar = max(lo for lo,_ in spans.values())
        return [name for name,(_,hi) in spans.items() if hi >= bar]
    bar = min(hi for _,hi in spans.values())
    return [name for name,(lo,_) in spans.items() if lo <= bar]

# %% best wrong: the one with the best middle
def best(metric, spans):
    if any(v != v for ends in spans.values() for v in ends): raise ValueError('no interval')
    pick = max if higher_is_better(metric) else min
    return [pick(spans, key=lambda name: sum(spans[name]))]

# %% best wrong: those that overlap with the best middle
def best(metric, spans):
    if any(v != v for ends in spans.values() for v in ends): raise ValueError('no interval')
    pick = max if higher_is_better(metric) else min
    top = spans[pick(spans, key=lambda name: sum(spans[name]))]
    return [name for name,(lo,hi) in spans.items() if hi >= top[0] and lo <= top[1]]

# %% best wrong: touching counts as better
def best(metric, spans):
    if any(v != v for ends in spans.values() for v in ends): raise ValueError('no interval')
    up = higher_is_better(metric)
    def beats(a, b): return spans[a][0] >= spans[b][1] if up else spans[a][1] <= spans[b][0]
    return [b for b in spans if not any(beats(a, b) for a in spans if a != b)]

# %% best wrong: names in the order of the alphabet
def best(metric, spans):
    if any(v != v for ends in spans.values() for v in ends): raise ValueError('no interval')
    up = higher_is_better(metric)
    def beats(a, b): return a[0] > b[1] if up else a[1] < b[0]
    return sorted(name for name,s in spans.items() if not any(beats(o, s) for o in spans.values()))

# %% best wrong: refuses only where both ends are NaN
def best(metric, spans):
    if any(lo != lo and hi != hi for lo,hi in spans.values()): raise ValueError('no interval')
    up = higher_is_better(metric)
    def beats(a, b): return a[0] > b[1] if up else a[1] < b[0]
    return [name for name,s in spans.items() if not any(beats(o, s) for o in spans.values())]

# %% best wrong: a metric it does not know is like latency
def best(metric, spans):
    if any(v != v for ends in spans.values() for v in ends): raise ValueError('no interval')
    up = HIGHER_IS_BETTER.get(metric, False)
    def beats(a, b): return a[0] > b[1] if up else a[1] < b[0]
    return [name for name,s in spans.items() if not any(beats(o, s) for o in spans.values())]

# %% best right: each against all the others
def best(metric, spans):
    up = higher_is_better(metric)
    for name,ends in spans.items():
        if any(math.isnan(v) for v in ends): raise ValueError(f'{name} has no interval')
    def beats(a, b): return a[0] > b[1] if up else a[1] < b[0]
    left = []
    for name,mine in spans.items():
        for other in spans.values():
            if beats(other, mine): break
        else: left.append(name)
    return left
