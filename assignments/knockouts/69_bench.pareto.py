"Known answers to the exercises of 69_bench.pareto, for `tinybench course prove`."

# %% memory-column wrong: a model with one part has that much
def memory_column(cols):
    parts = [cols.get(Column(k, '', 'B', 'modelled'), {}) for k in ('weights', 'peak activations')]
    names = {**parts[0], **parts[1]}
    found = {k: BenchmarkResult(k, 'memory', 'B', sum(p[k].median for p in parts if k in p), 'modelled',
                                next(p[k].how for p in parts[::-1] if k in p)) for k in names}
    return {Column('memory', '', 'B', 'modelled'): found} if found else {}

# %% memory-column wrong: measured parts are added too
def memory_column(cols):
    def all_of(metric): return {k: x for c, xs in cols.items() if c.metric == metric for k, x in xs.items()}
    parts = [all_of(metric) for metric in ('weights', 'peak activations')]
    w, a = parts
    found = {k: BenchmarkResult(k, 'memory', 'B', w[k].median + a[k].median, 'modelled', a[k].how)
             for k in parts[0] if k in parts[1]}
    return {Column('memory', '', 'B', 'modelled'): found} if found else {}

# %% memory-column wrong: weights alone
def memory_column(cols):
    w, a = (cols.get(Column(k, '', 'B', 'modelled'), {}) for k in ('weights', 'peak activations'))
    found = {k: BenchmarkResult(k, 'memory', 'B', w[k].median, 'modelled', a[k].how) for k in w if k in a}
    return {Column('memory', '', 'B', 'modelled'): found} if found else {}

# %% memory-column wrong: an empty column
def memory_column(cols):
    w, a = (cols.get(Column(k, '', 'B', 'modelled'), {}) for k in ('weights', 'peak activations'))
    return {Column('memory', '', 'B', 'modelled'): {
        k: BenchmarkResult(k, 'memory', 'B', w[k].median + a[k].median, 'modelled', a[k].how)
        for k in w if k in a}}

# %% memory-column right: model by model
def memory_column(cols):
    w, a = (cols.get(Column(k, '', 'B', 'modelled'), {}) for k in ('weights', 'peak activations'))
    out = {}
    for k in w:
        if k in a: out[k] = BenchmarkResult(k, 'memory', 'B', w[k].median + a[k].median, 'modelled', a[k].how)
    return {Column('memory', '', 'B', 'modelled'): out} if out else {}

# %% column-of wrong: the first of several
def column_of(r, metric, data=''):
    cols = columns(r)
    if metric == 'memory': cols |= memory_column(cols)
    found = {c: xs for c, xs in cols.items() if c.metric == metric and data in ('', c.data)}
    there, on = ', '.join(dict.fromkeys(map(str, cols))) or 'nothing', f' on {data}' if data else ''
    if not found: raise ValueError(f'no {metric}{on} was measured; there is {there}')
    return next(iter(found.items()))

# %% column-of wrong: does not look at the data
def column_of(r, metric, data=''):
    cols = columns(r)
    if metric == 'memory': cols |= memory_column(cols)
    found = {c: xs for c, xs in cols.items() if c.metric == metric}
    if len(found) == 1: return next(iter(found.items()))
    there = ', '.join(dict.fromkeys(map(str, cols))) or 'nothing'
    if not found: raise ValueError(f'no {metric} was measured; there is {there}')
    if len({c.data for c in found}) > 1:
        raise ValueError(f'{metric} on which data? One of {", ".join(c.data for c in found)}')
    raise ValueError(f'{metric} is {" and ".join(c.provenance for c in found)}: not to be ranked together')

# %% column-of wrong: knows no memory
def column_of(r, metric, data=''):
    cols = columns(r)
    found = {c: xs for c, xs in cols.items() if c.metric == metric and data in ('', c.data)}
    if len(found) == 1: return next(iter(found.items()))
    there, on = ', '.join(dict.fromkeys(map(str, cols))) or 'nothing', f' on {data}' if data else ''
    if not found: raise ValueError(f'no {metric}{on} was measured; there is {there}')
    if len({c.data for c in found}) > 1:
        raise ValueError(f'{metric} on which data? One of {", ".join(c.data for c in found)}')
    raise ValueError(f'{metric} is {" and ".join(c.provenance for c in found)}: not to be ranked together')

# %% column-of right: a list of what fits
def column_of(r, metric, data=''):
    cols = {**columns(r), **(memory_column(columns(r)) if metric == 'memory' else {})}
    fits = [c for c in cols if c.metric == metric and (not data or c.data == data)]
    if not fits:
        there = ', '.join(dict.fromkeys(map(str, cols))) or 'nothing'
        raise ValueError(f'no {metric}{" on " + data if data else ""} was measured; there is {there}')
    if len(fits) > 1 and fits[0].data != fits[1].data:
        raise ValueError(f'{metric} on which data? One of {", ".join(c.data for c in fits)}')
    if len(fits) > 1: raise ValueError(f'{metric} is measured and modelled: not to be ranked together')
    return fits[0], cols[fits[0]]

# %% kept wrong: no difference was proved, so it stayed
def kept(new, old, lose, level=.95):
    d = accuracy_difference(new, old, level)
    return 'missed' if d.hi < 0 else 'met'

# %% kept wrong: by the middle alone
def kept(new, old, lose, level=.95):
    return 'met' if new.share - old.share >= -lose else 'missed'

# %% kept wrong: the two intervals by themselves
def kept(new, old, lose, level=.95):
    (lo, hi), (old_lo, old_hi) = new.interval(), old.interval()
    return meets((new.share - old.share, lo - old_hi, hi - old_lo), least=-lose)

# %% kept wrong: the other way round
def kept(new, old, lose, level=.95):
    d = accuracy_difference(old, new, level)
    return meets((d.estimate, d.lo, d.hi), least=-lose)

# %% kept wrong: never undecided
def kept(new, old, lose, level=.95):
    return 'met' if accuracy_difference(new, old, level).lo >= -lose else 'missed'

# %% kept wrong: always at 95%
def kept(new, old, lose, level=.95):
    d = accuracy_difference(new, old)
    return meets((d.estimate, d.lo, d.hi), least=-lose)

# %% kept right: both ends by hand
def kept(new, old, lose, level=.95):
    d = accuracy_difference(old, new, level)
    if d.hi <= lose: return 'met'
    return 'missed' if d.lo > lose else 'undecided'

# %% sure wrong: keeps one of the two
def sure(found, names, level=.95):
    either = {k: min(1., 2*min(e.cheaper, e.better)) for k, e in found.items()}
    wins = dict(zip(either, holm(list(either.values())).tolist()))
    def ahead(a, b): return min(found[a, b][:2]) <= (1 - level)/2
    def keeps(e): return min(e.keeps_cost, e.keeps_gain) <= (1 - level)/2
    beats = {(a, b) for (a, b), e in found.items()
             if wins[a, b] <= 1 - level and keeps(e) and not ahead(b, a)}
    worst = [max((either[a, b] for b in names if b != a), default=0.) for a in names]
    return beats, {a for a, p in zip(names, holm(worst).tolist()) if p <= 1 - level}

# %% sure wrong: of two chances the better one, for nothing
def sure(found, names, level=.95):
    either = {k: min(e.cheaper, e.better) for k, e in found.items()}
    wins = dict(zip(either, holm(list(either.values())).tolist()))
    def ahead(a, b): return min(found[a, b][:2]) <= (1 - level)/2
    def keeps(e): return max(e.keeps_cost, e.keeps_gain) <= (1 - level)/2
    beats = {(a, b) for (a, b), e in found.items()
             if wins[a, b] <= 1 - level and keeps(e) and not ahead(b, a)}
    worst = [max((either[a, b] for b in names if b != a), default=0.) for a in names]
    return beats, {a for a, p in zip(names, holm(worst).tolist()) if p <= 1 - level}

# %% sure wrong: a trade is a loss
def sure(found, names, level=.95):
    either = {k: min(1., 2*min(e.cheaper, e.better)) for k, e in found.items()}
    wins = dict(zip(either, holm(list(either.values())).tolist()))
    def keeps(e): return max(e.keeps_cost, e.keeps_gain) <= (1 - level)/2
    beats = {(a, b) for (a, b), e in found.items() if wins[a, b] <= 1 - level and keeps(e)}
    worst = [max((either[a, b] for b in names if b != a), default=0.) for a in names]
    return beats, {a for a, p in zip(names, holm(worst).tolist()) if p <= 1 - level}

# %% sure wrong: nothing is adjusted
def sure(found, names, level=.95):
    either = {k: min(1., 2*min(e.cheaper, e.better)) for k, e in found.items()}
    def ahead(a, b): return min(found[a, b][:2]) <= (1 - level)/2
    def keeps(e): return max(e.keeps_cost, e.keeps_gain) <= (1 - level)/2
    beats = {(a, b) for (a, b), e in found.items()
             if either[a, b] <= 1 - level and keeps(e) and not ahead(b, a)}
    return beats, {a for a in names if all(either[a, b] <= 1 - level for b in names if b != a)}

# %% sure wrong: safe from one is safe
def sure(found, names, level=.95):
    either = {k: min(1., 2*min(e.cheaper, e.better)) for k, e in found.items()}
    wins = dict(zip(either, holm(list(either.values())).tolist()))
    def ahead(a, b): return min(found[a, b][:2]) <= (1 - level)/2
    def keeps(e): return max(e.keeps_cost, e.keeps_gain) <= (1 - level)/2
    beats = {(a, b) for (a, b), e in found.items()
             if wins[a, b] <= 1 - level and keeps(e) and not ahead(b, a)}
    best = [min((either[a, b] for b in names if b != a), default=0.) for a in names]
    return beats, {a for a, p in zip(names, holm(best).tolist()) if p <= 1 - level}

# %% sure right: in loops
def sure(found, names, level=.95):
    alpha, pairs = 1 - level, list(found)
    p = [min(1., 2*min(found[k].cheaper, found[k].better)) for k in pairs]
    beats = set()
    for (a, b), q in zip(pairs, holm(p)):
        e, back = found[a, b], found[b, a]
        trade = back.cheaper <= alpha/2 or back.better <= alpha/2
        if q <= alpha and e.keeps_cost <= alpha/2 and e.keeps_gain <= alpha/2 and not trade: beats.add((a, b))
    worst = {a: max([0.] + [q for (x, _), q in zip(pairs, p) if x == a]) for a in names}
    adjusted = holm([worst[a] for a in names])
    return beats, {a for a, q in zip(names, adjusted) if q <= alpha}
