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
