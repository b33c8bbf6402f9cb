"Known answers to the exercises of 37_measure.result, for `tinybench course prove`."

# %% plain wrong: tuples stay tuples
def plain(x, where='value'):
    if isinstance(x, (np.generic, np.ndarray)): x = x.tolist()
    if isinstance(x, float) and not math.isfinite(x): raise ValueError(f'{where} is {x}')
    if x is None or isinstance(x, (str, bool, int, float)): return x
    if isinstance(x, (list, tuple)): return type(x)(plain(v, f'{where}[{i}]') for i, v in enumerate(x))
    if not isinstance(x, Mapping): raise TypeError(f'{where} holds {type(x).__name__}')
    for k in x:
        if not isinstance(k, str): raise TypeError(f'{where} has the key {k!r}')
    return {k: plain(v, f'{where}[{k!r}]') for k, v in x.items()}

# %% plain wrong: makes strings of keys in silence
def plain(x, where='value'):
    if isinstance(x, (np.generic, np.ndarray)): x = x.tolist()
    if isinstance(x, float) and not math.isfinite(x): raise ValueError(f'{where} is {x}')
    if x is None or isinstance(x, (str, bool, int, float)): return x
    if isinstance(x, (list, tuple)): return [plain(v, f'{where}[{i}]') for i, v in enumerate(x)]
    if not isinstance(x, Mapping): raise TypeError(f'{where} holds {type(x).__name__}')
    return {str(k): plain(v, f'{where}[{k!r}]') for k, v in x.items()}

# %% plain wrong: knows of dict, but of no other mapping
def plain(x, where='value'):
    if isinstance(x, (np.generic, np.ndarray)): x = x.tolist()
    if isinstance(x, float) and not math.isfinite(x): raise ValueError(f'{where} is {x}')
    if x is None or isinstance(x, (str, bool, int, float)): return x
    if isinstance(x, (list, tuple)): return [plain(v, f'{where}[{i}]') for i, v in enumerate(x)]
    if not isinstance(x, dict): raise TypeError(f'{where} holds {type(x).__name__}')
    for k in x:
        if not isinstance(k, str): raise TypeError(f'{where} has the key {k!r}')
    return {k: plain(v, f'{where}[{k!r}]') for k, v in x.items()}

# %% plain wrong: what an array holds is not looked at
def plain(x, where='value'):
    if isinstance(x, np.ndarray): return x.tolist()
    if isinstance(x, np.generic): x = x.item()
    if isinstance(x, float) and not math.isfinite(x): raise ValueError(f'{where} is {x}')
    if x is None or isinstance(x, (str, bool, int, float)): return x
    if isinstance(x, (list, tuple)): return [plain(v, f'{where}[{i}]') for i, v in enumerate(x)]
    if not isinstance(x, Mapping): raise TypeError(f'{where} holds {type(x).__name__}')
    for k in x:
        if not isinstance(k, str): raise TypeError(f'{where} has the key {k!r}')
    return {k: plain(v, f'{where}[{k!r}]') for k, v in x.items()}

# %% plain wrong: refuses NaN, lets infinity through
def plain(x, where='value'):
    if isinstance(x, (np.generic, np.ndarray)): x = x.tolist()
    if isinstance(x, float) and x != x: raise ValueError(f'{where} is {x}')
    if x is None or isinstance(x, (str, bool, int, float)): return x
    if isinstance(x, (list, tuple)): return [plain(v, f'{where}[{i}]') for i, v in enumerate(x)]
    if not isinstance(x, Mapping): raise TypeError(f'{where} holds {type(x).__name__}')
    for k in x:
        if not isinstance(k, str): raise TypeError(f'{where} has the key {k!r}')
    return {k: plain(v, f'{where}[{k!r}]') for k, v in x.items()}

# %% plain wrong: looks for strings first, and numpy's string is one
def plain(x, where='value'):
    if x is None or isinstance(x, (str, bool, int)): return x
    if isinstance(x, (np.generic, np.ndarray)): return plain(x.tolist(), where)
    if isinstance(x, float):
        if not math.isfinite(x): raise ValueError(f'{where} is {x}')
        return x
    if isinstance(x, (list, tuple)): return [plain(v, f'{where}[{i}]') for i, v in enumerate(x)]
    if not isinstance(x, Mapping): raise TypeError(f'{where} holds {type(x).__name__}')
    for k in x:
        if not isinstance(k, str): raise TypeError(f'{where} has the key {k!r}')
    return {k: plain(v, f'{where}[{k!r}]') for k, v in x.items()}

# %% plain wrong: changes lists and dictionaries in place
def plain(x, where='value'):
    if isinstance(x, (np.generic, np.ndarray)): x = x.tolist()
    if isinstance(x, float) and not math.isfinite(x): raise ValueError(f'{where} is {x}')
    if x is None or isinstance(x, (str, bool, int, float)): return x
    if isinstance(x, tuple): x = list(x)
    if isinstance(x, list):
        for i, v in enumerate(x): x[i] = plain(v, f'{where}[{i}]')
        return x
    if not isinstance(x, Mapping): raise TypeError(f'{where} holds {type(x).__name__}')
    if not isinstance(x, dict): x = dict(x)
    for k, v in x.items():
        if not isinstance(k, str): raise TypeError(f'{where} has the key {k!r}')
        x[k] = plain(v, f'{where}[{k!r}]')
    return x

# %% plain wrong: forgets where it is, below the first level
def plain(x, where='value'):
    if isinstance(x, (np.generic, np.ndarray)): x = x.tolist()
    if isinstance(x, float) and not math.isfinite(x): raise ValueError(f'{where} is {x}')
    if x is None or isinstance(x, (str, bool, int, float)): return x
    if isinstance(x, (list, tuple)): return [plain(v) for v in x]
    if not isinstance(x, Mapping): raise TypeError(f'{where} holds {type(x).__name__}')
    for k in x:
        if not isinstance(k, str): raise TypeError(f'{where} has the key {k!r}')
    return {k: plain(v) for k, v in x.items()}

# %% plain wrong: puts quotes around keys by hand
def plain(x, where='value'):
    if isinstance(x, (np.generic, np.ndarray)): x = x.tolist()
    if isinstance(x, float) and not math.isfinite(x): raise ValueError(f'{where} is {x}')
    if x is None or isinstance(x, (str, bool, int, float)): return x
    if isinstance(x, (list, tuple)): return [plain(v, f'{where}[{i}]') for i, v in enumerate(x)]
    if not isinstance(x, Mapping): raise TypeError(f'{where} holds {type(x).__name__}')
    for k in x:
        if not isinstance(k, str): raise TypeError(f'{where} has the key {k!r}')
    return {k: plain(v, f"{where}['{k}']") for k, v in x.items()}

# %% plain right: a case for each kind
def plain(x, where='value'):
    match x:
        case np.generic() | np.ndarray(): return plain(x.tolist(), where)
        case float() if math.isinf(x) or math.isnan(x): raise ValueError(f'{where} is {x}: not for JSON')
        case None | str() | bool() | int() | float(): return x
        case list() | tuple():
            out = []
            for v in x: out.append(plain(v, where + '[' + str(len(out)) + ']'))
            return out
        case Mapping():
            out = {}
            for k, v in dict(x).items():
                if not isinstance(k, str): raise TypeError(where + ' has a key that is no string')
                out[k] = plain(v, where + '[' + repr(k) + ']')
            return out
    raise TypeError(f'{where}: JSON knows nothing like {x}')

# %% checked-values wrong: numpy's floats, not Python's
def checked_values(values, unit):
    v = np.atleast_1d(np.asarray(values))
    if v.dtype.kind not in 'iuf' or v.ndim != 1 or not v.size: raise ValueError(f'no numbers: {values}')
    if not np.isfinite(v).all(): raise ValueError('values that are not finite')
    if unit == 's' and v.min() <= 0: raise ValueError('a duration must be above 0')
    if unit == 'B' and v.min() < 0: raise ValueError('a size must not be below 0')
    return tuple(v.astype(float))

# %% checked-values wrong: booleans pass for numbers
def checked_values(values, unit):
    v = np.atleast_1d(np.asarray(values))
    if v.dtype.kind not in 'biuf' or v.ndim != 1 or not v.size: raise ValueError(f'no numbers: {values}')
    if not np.isfinite(v).all(): raise ValueError('values that are not finite')
    if unit == 's' and v.min() <= 0: raise ValueError('a duration must be above 0')
    if unit == 'B' and v.min() < 0: raise ValueError('a size must not be below 0')
    return tuple(v.astype(float).tolist())

# %% checked-values wrong: infinity passes
def checked_values(values, unit):
    v = np.atleast_1d(np.asarray(values))
    if v.dtype.kind not in 'iuf' or v.ndim != 1 or not v.size: raise ValueError(f'no numbers: {values}')
    if np.isnan(v).any(): raise ValueError('values that are NaN')
    if unit == 's' and v.min() <= 0: raise ValueError('a duration must be above 0')
    if unit == 'B' and v.min() < 0: raise ValueError('a size must not be below 0')
    return tuple(v.astype(float).tolist())

# %% checked-values wrong: every unit is held to be above 0
def checked_values(values, unit):
    v = np.atleast_1d(np.asarray(values))
    if v.dtype.kind not in 'iuf' or v.ndim != 1 or not v.size: raise ValueError(f'no numbers: {values}')
    if not np.isfinite(v).all(): raise ValueError('values that are not finite')
    if v.min() <= 0: raise ValueError('values must be above 0')
    return tuple(v.astype(float).tolist())

# %% checked-values wrong: forgets the bytes
def checked_values(values, unit):
    v = np.atleast_1d(np.asarray(values))
    if v.dtype.kind not in 'iuf' or v.ndim != 1 or not v.size: raise ValueError(f'no numbers: {values}')
    if not np.isfinite(v).all(): raise ValueError('values that are not finite')
    if unit == 's' and v.min() <= 0: raise ValueError('a duration must be above 0')
    return tuple(v.astype(float).tolist())

# %% checked-values wrong: a single number is no array
def checked_values(values, unit):
    v = np.asarray(values)
    if v.dtype.kind not in 'iuf' or v.ndim != 1 or not v.size: raise ValueError(f'no numbers: {values}')
    if not np.isfinite(v).all(): raise ValueError('values that are not finite')
    if unit == 's' and v.min() <= 0: raise ValueError('a duration must be above 0')
    if unit == 'B' and v.min() < 0: raise ValueError('a size must not be below 0')
    return tuple(v.astype(float).tolist())

# %% checked-values wrong: makes floats first, so that text and truth pass
def checked_values(values, unit):
    v = np.atleast_1d(np.asarray(values, float))
    if v.ndim != 1 or not v.size: raise ValueError(f'no numbers: {values}')
    if not np.isfinite(v).all(): raise ValueError('values that are not finite')
    if unit == 's' and v.min() <= 0: raise ValueError('a duration must be above 0')
    if unit == 'B' and v.min() < 0: raise ValueError('a size must not be below 0')
    return tuple(v.tolist())

# %% checked-values wrong: each value once, in order of size
def checked_values(values, unit):
    v = np.unique(np.asarray(values))
    if v.dtype.kind not in 'iuf' or np.ndim(values) > 1 or not v.size: raise ValueError(f'no row: {values}')
    if not np.isfinite(v).all(): raise ValueError('values that are not finite')
    if unit == 's' and v.min() <= 0: raise ValueError('a duration must be above 0')
    if unit == 'B' and v.min() < 0: raise ValueError('a size must not be below 0')
    return tuple(v.astype(float).tolist())

# %% checked-values wrong: asks what is finite before it knows that they are numbers
def checked_values(values, unit):
    v = np.atleast_1d(values)
    if not np.isfinite(v).all(): raise ValueError('values that are not finite')
    if v.dtype.kind not in 'iuf' or v.ndim != 1 or not v.size: raise ValueError(f'no numbers: {values}')
    if unit == 's' and v.min() <= 0: raise ValueError('a duration must be above 0')
    if unit == 'B' and v.min() < 0: raise ValueError('a size must not be below 0')
    return tuple(v.astype(float).tolist())

# %% checked-values right: value by value
def checked_values(values, unit):
    row = np.array(values)
    if row.ndim == 0: row = row.reshape(1)
    if row.ndim > 1 or len(row) == 0: raise ValueError(f'expected a row of values, got the shape {row.shape}')
    out = []
    for v in row:
        if not isinstance(v, (np.integer, np.floating)): raise ValueError(f'{v!r} is no number')
        v = float(v)
        if math.isnan(v) or math.isinf(v): raise ValueError(f'{v} is not finite')
        if v < 0 and unit in ('s', 'B') or v == 0 and unit == 's': raise ValueError(f'{v} {unit} cannot be')
        out.append(v)
    return tuple(out)

# %% merge wrong: nothing is compared
def merge(results):
    rs = list(results)
    if not rs: raise ValueError('nothing to merge')
    how = {k: v for k, v in rs[0].how.items() if k not in ('run', 'runs', 'blocks')}
    blocks = [n for r in rs for n in r.how.get('blocks', (r.n,))]
    runs = [mark for r in rs for mark in runs_of(r)]
    values = [v for r in rs for v in r.values]
    return replace(rs[0], values=values, how={**how, 'blocks': blocks, 'runs': runs})

# %% merge wrong: looks only at the entries that the first has
def merge(results):
    rs = list(results)
    if not rs: raise ValueError('nothing to merge')
    first, free = rs[0], ('run', 'runs', 'blocks')
    for r in rs[1:]:
        for k in ('name', 'metric', 'unit', 'provenance'):
            if getattr(r, k) != getattr(first, k): raise ValueError(f'{k} differs')
        for part in ('how', 'env'):
            for k, v in getattr(first, part).items():
                if k not in free and getattr(r, part).get(k) != v: raise ValueError(f'{part} differs in {k}')
    how = {k: v for k, v in first.how.items() if k not in free}
    blocks = [n for r in rs for n in r.how.get('blocks', (r.n,))]
    runs = [mark for r in rs for mark in runs_of(r)]
    values = [v for r in rs for v in r.values]
    return replace(first, values=values, how={**how, 'blocks': blocks, 'runs': runs})

# %% merge wrong: what was merged before counts as one block
def merge(results):
    rs = list(results)
    if not rs: raise ValueError('nothing to merge')
    def how(r): return {k: v for k, v in r.how.items() if k not in ('run', 'runs', 'blocks')}
    def told(r): return dict(name=r.name, metric=r.metric, unit=r.unit, provenance=r.provenance)
    for r in rs[1:]:
        for what, part in dict(they=told, how=how, env=lambda r: r.env).items():
            if diff := differences(part(rs[0]), part(r)): raise ValueError(f'{what} differ in {diff}')
    blocks, runs = [r.n for r in rs], [r.how.get('run') for r in rs]
    values = [v for r in rs for v in r.values]
    return replace(rs[0], values=values, how={**how(rs[0]), 'blocks': blocks, 'runs': runs})

# %% merge wrong: needs a list, and finds an IndexError in an empty one
def merge(results):
    def how(r): return {k: v for k, v in r.how.items() if k not in ('run', 'runs', 'blocks')}
    def told(r): return dict(name=r.name, metric=r.metric, unit=r.unit, provenance=r.provenance)
    first = results[0]
    for r in results[1:]:
        for what, part in dict(they=told, how=how, env=lambda r: r.env).items():
            if diff := differences(part(first), part(r)): raise ValueError(f'{what} differ in {diff}')
    blocks = [n for r in results for n in r.how.get('blocks', (r.n,))]
    runs = [mark for r in results for mark in runs_of(r)]
    values = [v for r in results for v in r.values]
    return replace(first, values=values, how={**how(first), 'blocks': blocks, 'runs': runs})

# %% merge wrong: the merged record gets the environment of this moment
def merge(results):
    rs = list(results)
    if not rs: raise ValueError('nothing to merge')
    def how(r): return {k: v for k, v in r.how.items() if k not in ('run', 'runs', 'blocks')}
    def told(r): return dict(name=r.name, metric=r.metric, unit=r.unit, provenance=r.provenance)
    for r in rs[1:]:
        for what, part in dict(they=told, how=how, env=lambda r: r.env).items():
            if diff := differences(part(rs[0]), part(r)): raise ValueError(f'{what} differ in {diff}')
    blocks = [n for r in rs for n in r.how.get('blocks', (r.n,))]
    runs = [mark for r in rs for mark in runs_of(r)]
    values = [v for r in rs for v in r.values]
    return BenchmarkResult(**told(rs[0]), values=values, how={**how(rs[0]), 'blocks': blocks, 'runs': runs})

# %% merge wrong: the name and the unit may differ
def merge(results):
    rs = list(results)
    if not rs: raise ValueError('nothing to merge')
    def how(r): return {k: v for k, v in r.how.items() if k not in ('run', 'runs', 'blocks')}
    for r in rs[1:]:
        for what, part in dict(how=how, env=lambda r: r.env).items():
            if diff := differences(part(rs[0]), part(r)): raise ValueError(f'{what} differ in {diff}')
    blocks = [n for r in rs for n in r.how.get('blocks', (r.n,))]
    runs = [mark for r in rs for mark in runs_of(r)]
    values = [v for r in rs for v in r.values]
    return replace(rs[0], values=values, how={**how(rs[0]), 'blocks': blocks, 'runs': runs})

# %% merge wrong: compares the second with the first and no other
def merge(results):
    rs = list(results)
    if not rs: raise ValueError('nothing to merge')
    def how(r): return {k: v for k, v in r.how.items() if k not in ('run', 'runs', 'blocks')}
    def told(r): return dict(name=r.name, metric=r.metric, unit=r.unit, provenance=r.provenance)
    second = rs[min(1, len(rs) - 1)]
    for what, part in dict(they=told, how=how, env=lambda r: r.env).items():
        if diff := differences(part(rs[0]), part(second)): raise ValueError(f'{what} differ in {diff}')
    blocks = [n for r in rs for n in r.how.get('blocks', (r.n,))]
    runs = [mark for r in rs for mark in runs_of(r)]
    values = [v for r in rs for v in r.values]
    return replace(rs[0], values=values, how={**how(rs[0]), 'blocks': blocks, 'runs': runs})

# %% merge wrong: says that `how` differs, but not in what
def merge(results):
    rs = list(results)
    if not rs: raise ValueError('nothing to merge')
    def how(r): return {k: v for k, v in r.how.items() if k not in ('run', 'runs', 'blocks')}
    def told(r): return dict(name=r.name, metric=r.metric, unit=r.unit, provenance=r.provenance)
    for r in rs[1:]:
        if how(r) != how(rs[0]): raise ValueError('cannot merge: how differs')
        for what, part in dict(they=told, env=lambda r: r.env).items():
            if diff := differences(part(rs[0]), part(r)): raise ValueError(f'{what} differ in {diff}')
    blocks = [n for r in rs for n in r.how.get('blocks', (r.n,))]
    runs = [mark for r in rs for mark in runs_of(r)]
    values = [v for r in rs for v in r.values]
    return replace(rs[0], values=values, how={**how(rs[0]), 'blocks': blocks, 'runs': runs})

# %% merge wrong: forgets which runs they were
def merge(results):
    rs = list(results)
    if not rs: raise ValueError('nothing to merge')
    def told(r): return dict(name=r.name, metric=r.metric, unit=r.unit, provenance=r.provenance)
    def how(r): return {k: v for k, v in r.how.items() if k not in ('run', 'runs', 'blocks')}
    for r in rs[1:]:
        for what, part in dict(they=told, how=how, env=lambda r: r.env).items():
            if diff := differences(part(rs[0]), part(r)): raise ValueError(f'{what} differ in {diff}')
    blocks = [n for r in rs for n in blocks_of(r)]
    values = [v for r in rs for v in r.values]
    return replace(rs[0], values=values, how={**how(rs[0]), 'blocks': blocks, 'runs': [None]*len(blocks)})

# %% merge wrong: leaves out the marks of what was merged before
def merge(results):
    rs = list(results)
    if not rs: raise ValueError('nothing to merge')
    def told(r): return dict(name=r.name, metric=r.metric, unit=r.unit, provenance=r.provenance)
    def how(r): return {k: v for k, v in r.how.items() if k not in ('run', 'runs', 'blocks')}
    for r in rs[1:]:
        for what, part in dict(they=told, how=how, env=lambda r: r.env).items():
            if diff := differences(part(rs[0]), part(r)): raise ValueError(f'{what} differ in {diff}')
    blocks = [n for r in rs for n in blocks_of(r)]
    runs = [r.how.get('run') for r in rs for n in blocks_of(r)]
    values = [v for r in rs for v in r.values]
    return replace(rs[0], values=values, how={**how(rs[0]), 'blocks': blocks, 'runs': runs})

# %% merge right: each joins what was merged so far
def merge(results):
    whole = None
    for r in results:
        how = {k: v for k, v in r.how.items() if k not in {'run', 'runs', 'blocks'}}
        fields = {k: getattr(r, k) for k in ('name', 'metric', 'unit', 'provenance')}
        if whole is None:
            whole = fields, how, r.env, list(r.values), list(blocks_of(r)), list(runs_of(r))
            continue
        for k, v in fields.items():
            if v != whole[0][k]: raise ValueError(f'two kinds of {k}: {whole[0][k]} and {v}')
        for what, was, now in (('how', whole[1], how), ('env', whole[2], r.env)):
            if was != now: raise ValueError(f'not the same {what}: ' + '; '.join(differences(was, now)))
        for had, more in zip(whole[3:], (r.values, blocks_of(r), runs_of(r))): had.extend(more)
    if whole is None: raise ValueError('there is nothing here')
    fields, how, env, values, blocks, runs = whole
    return BenchmarkResult(values=values, how=dict(how, blocks=blocks, runs=runs), env=env, **fields)
