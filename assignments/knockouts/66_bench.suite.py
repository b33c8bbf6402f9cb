"Known answers to the exercises of 66_bench.suite, for `tinybench course prove`."

# %% columns-of wrong: measured and modelled in one column
def columns(r):
    found = {}
    for x in (*r.scores, *r.results):
        data, unit = (x.data, 'share') if isinstance(x, Score) else ('', x.unit)
        c = next((c for c in found if c[:3] == (x.metric, data, unit)), Column(x.metric, data, unit, x.provenance))
        found.setdefault(c, {})[x.name] = x
    return {c: {k: xs[k] for k in r.names if k in xs} for c, xs in found.items()}

# %% columns-of wrong: in the order they were measured
def columns(r):
    found = {}
    for x in (*r.scores, *r.results):
        data, unit = (x.data, 'share') if isinstance(x, Score) else ('', x.unit)
        found.setdefault(Column(x.metric, data, unit, x.provenance), {})[x.name] = x
    return found

# %% columns-of wrong: all accuracies in one column
def columns(r):
    found = {}
    for x in (*r.scores, *r.results):
        unit = 'share' if isinstance(x, Score) else x.unit
        data = next((c.data for c in found if c.metric == x.metric), getattr(x, 'data', ''))
        found.setdefault(Column(x.metric, data, unit, x.provenance), {})[x.name] = x
    return {c: {k: xs[k] for k in r.names if k in xs} for c, xs in found.items()}

# %% columns-of wrong: results before scores
def columns(r):
    found = {}
    for x in (*r.results, *r.scores):
        data, unit = (x.data, 'share') if isinstance(x, Score) else ('', x.unit)
        found.setdefault(Column(x.metric, data, unit, x.provenance), {})[x.name] = x
    return {c: {k: xs[k] for k in r.names if k in xs} for c, xs in found.items()}

# %% columns-of wrong: sorted by name
def columns(r):
    found = {}
    for x in (*r.scores, *r.results):
        data, unit = (x.data, 'share') if isinstance(x, Score) else ('', x.unit)
        found.setdefault(Column(x.metric, data, unit, x.provenance), {})[x.name] = x
    return {c: {k: xs[k] for k in sorted(xs)} for c, xs in found.items()}

# %% columns-of right: a column at a time
def columns(r):
    def key(x):
        if isinstance(x, Score): return Column(x.metric, x.data, 'share', x.provenance)
        return Column(x.metric, '', x.unit, x.provenance)
    every = [*r.scores, *r.results]
    keys = dict.fromkeys(map(key, every))
    return {c: {x.name: x for k in r.names for x in every if x.name == k and key(x) == c} for c in keys}
