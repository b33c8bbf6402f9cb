"Known answers to the exercises of 39_measure.builds, for `tinybench course prove`."

# %% build-medians right: with loops
def build_medians(a, b):
    out = []
    for x, y in zip(a, b, strict=True): out.append(float(np.median([math.log(v/w) for v, w in zip(x, y)])))
    return np.array(out)

# %% build-medians wrong: the ratio of the medians
def build_medians(a, b):
    return np.array([np.log(np.median(x)/np.median(y)) for x, y in zip(a, b, strict=True)])

# %% build-medians wrong: the mean, which an interruption pulls along
def build_medians(a, b):
    return np.array([np.mean(np.log(x) - np.log(y)) for x, y in zip(a, b, strict=True)])

# %% build-medians wrong: upside down
def build_medians(a, b):
    return np.array([np.median(np.log(y) - np.log(x)) for x, y in zip(a, b, strict=True)])

# %% build-medians wrong: drops a build that only one of them has
def build_medians(a, b):
    return np.array([np.median(np.log(x) - np.log(y)) for x, y in zip(a, b)])

# %% build-medians wrong: the logarithm of the median ratio, whose middle two are averaged without logarithms
def build_medians(a, b):
    return np.array([np.log(np.median(np.divide(x, y))) for x, y in zip(a, b, strict=True)])

# %% t-interval right: from the sums of squares
def t_interval(d, level=.95):
    d = [float(v) for v in d]
    n = len(d)
    if n < 2: raise ValueError(f'{n} values: too few for an interval, which needs 2')
    if max(d) == min(d): return equal_interval(d[0], n, level)
    mid = math.fsum(d)/n
    error = math.sqrt(math.fsum((v - mid)**2 for v in d)/(n - 1)/n)
    q = float(stdtrit(n - 1, .5 + level/2))
    return mid, mid - q*error, mid + q*error, 2*float(stdtr(n - 1, -abs(mid/error)))

# %% t-interval wrong: n below the line of the standard deviation
def t_interval(d, level=.95):
    d = np.asarray(d, float)
    n = len(d)
    if n < 2: raise ValueError('too few')
    if np.ptp(d) == 0: return equal_interval(float(d[0]), n, level)
    mid, error = float(np.mean(d)), float(np.std(d))/math.sqrt(n)
    half = float(stdtrit(n - 1, (1 + level)/2))*error
    return mid, mid - half, mid + half, 2*float(stdtr(n - 1, -abs(mid)/error))

# %% t-interval wrong: the normal curve, as if the spread were known
def t_interval(d, level=.95):
    d = np.asarray(d, float)
    n = len(d)
    if n < 2: raise ValueError('too few')
    if np.ptp(d) == 0: return equal_interval(float(d[0]), n, level)
    mid, error = float(np.mean(d)), float(np.std(d, ddof=1))/math.sqrt(n)
    half = float(ndtri((1 + level)/2))*error
    return mid, mid - half, mid + half, 2*float(stdtr(n - 1, -abs(mid)/error))

# %% t-interval wrong: 95% whatever the level
def t_interval(d, level=.95):
    d = np.asarray(d, float)
    n = len(d)
    if n < 2: raise ValueError('too few')
    if np.ptp(d) == 0: return equal_interval(float(d[0]), n, level)
    mid, error = float(np.mean(d)), float(np.std(d, ddof=1))/math.sqrt(n)
    half = float(stdtrit(n - 1, .975))*error
    return mid, mid - half, mid + half, 2*float(stdtr(n - 1, -abs(mid)/error))

# %% t-interval wrong: one-sided p
def t_interval(d, level=.95):
    d = np.asarray(d, float)
    n = len(d)
    if n < 2: raise ValueError('too few')
    if np.ptp(d) == 0: return equal_interval(float(d[0]), n, level)
    mid, error = float(np.mean(d)), float(np.std(d, ddof=1))/math.sqrt(n)
    half = float(stdtrit(n - 1, (1 + level)/2))*error
    return mid, mid - half, mid + half, float(stdtr(n - 1, -abs(mid)/error))

# %% t-interval wrong: p of the side on which the mean lies not
def t_interval(d, level=.95):
    d = np.asarray(d, float)
    n = len(d)
    if n < 2: raise ValueError('too few')
    if np.ptp(d) == 0: return equal_interval(float(d[0]), n, level)
    mid, error = float(np.mean(d)), float(np.std(d, ddof=1))/math.sqrt(n)
    half = float(stdtrit(n - 1, (1 + level)/2))*error
    return mid, mid - half, mid + half, 2*float(stdtr(n - 1, -mid/error))

# %% with-cells right: cells that are made empty and filled
def with_cells(f, fresh):
    cells = []
    for c in f.__closure__ or ():
        new = types.CellType()
        new.cell_contents = fresh(c.cell_contents)
        cells.append(new)
    rest = dict(name=f.__name__, argdefs=f.__defaults__, closure=tuple(cells))
    return types.FunctionType(f.__code__, f.__globals__, **rest)

# %% with-cells wrong: writes into the cells of the function itself
def with_cells(f, fresh):
    for c in f.__closure__ or (): c.cell_contents = fresh(c.cell_contents)
    return f

# %% with-cells wrong: a copy of the function, which is the function
def with_cells(f, fresh): return fresh(f)

# %% with-cells wrong: new cells around the old things
def with_cells(f, fresh):
    cells = tuple(types.CellType(c.cell_contents) for c in f.__closure__ or ())
    return types.FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, cells)

# %% with-cells wrong: forgets the defaults
def with_cells(f, fresh):
    cells = tuple(types.CellType(fresh(c.cell_contents)) for c in f.__closure__ or ())
    return types.FunctionType(f.__code__, f.__globals__, f.__name__, None, cells)

# %% with-cells wrong: fails where nothing is closed over
def with_cells(f, fresh):
    cells = tuple(types.CellType(fresh(c.cell_contents)) for c in f.__closure__)
    return types.FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, cells)
