"Known answers to the exercises of 66_bench.benchmark, for `tinybench course prove`."

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

# %% against-bytes wrong: a kilobyte to spare for counted bytes too
def against_bytes(others, base, band=.02):
    def said(a, b):
        if abs(a - b) + 1024 <= band*b: return 'same'
        return 'undecided' if abs(a - b) <= 1024 else 'less' if a < b else 'more'
    return {k: Against('ratio', x.median/base.median if base.median else math.nan, *[math.nan]*3,
                       said(x.median, base.median)) for k, x in others.items()}

# %% against-bytes wrong: measured bytes are exact
def against_bytes(others, base, band=.02):
    def said(a, b): return 'same' if a == b else 'less' if a < b else 'more'
    return {k: Against('ratio', x.median/base.median if base.median else math.nan, *[math.nan]*3,
                       said(x.median, base.median)) for k, x in others.items()}

# %% against-bytes wrong: within the band is the same, without the kilobyte
def against_bytes(others, base, band=.02):
    give, band = (1024, band) if base.provenance == 'measured' else (0, 0)
    def said(a, b):
        if abs(a - b) <= band*b: return 'same'
        return 'undecided' if abs(a - b) <= give else 'less' if a < b else 'more'
    return {k: Against('ratio', x.median/base.median if base.median else math.nan, *[math.nan]*3,
                       said(x.median, base.median)) for k, x in others.items()}

# %% against-bytes wrong: the base over the other
def against_bytes(others, base, band=.02):
    give, band = (1024, band) if base.provenance == 'measured' else (0, 0)
    def said(a, b):
        if abs(a - b) + give <= band*b: return 'same'
        return 'undecided' if abs(a - b) <= give else 'less' if a < b else 'more'
    return {k: Against('ratio', base.median/x.median if base.median else math.nan, *[math.nan]*3,
                       said(x.median, base.median)) for k, x in others.items()}

# %% against-bytes wrong: an interval of no width
def against_bytes(others, base, band=.02):
    give, band = (1024, band) if base.provenance == 'measured' else (0, 0)
    def said(a, b):
        if abs(a - b) + give <= band*b: return 'same'
        return 'undecided' if abs(a - b) <= give else 'less' if a < b else 'more'
    def one(a, b):
        q = a/b if b else math.nan
        return Against('ratio', q, q, q, math.nan, said(a, b))
    return {k: one(x.median, base.median) for k, x in others.items()}

# %% against-bytes right: by the distance
def against_bytes(others, base, band=.02):
    out, b, measured = {}, base.median, base.provenance == 'measured'
    for k, x in others.items():
        far = abs(x.median - b)
        if measured and far + SMALL_OBJECTS <= band*b or not measured and far == 0: said = 'same'
        elif measured and far <= SMALL_OBJECTS: said = 'undecided'
        else: said = 'more' if x.median > b else 'less'
        out[k] = Against('ratio', x.median/b if b else math.nan, math.nan, math.nan, math.nan, said)
    return out
