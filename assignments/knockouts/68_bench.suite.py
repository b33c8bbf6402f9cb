"Known answers to the exercises of 68_bench.suite, for `tinybench course prove`."

# %% columns-of wrong: measured and modelled in one column
def columns(r):
    found = {}
    for x in (*r.scores, *r.results):
        data, unit = (x.data, 'share') if isinstance(x, Score) else ('', x.unit)
        own = Column(x.metric, data, unit, x.provenance)
        c = next((c for c in found if c[:3] == own[:3]), own)
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

# %% gathered wrong: what a model had before it failed stays where the record lets it
def gathered(suite, settings, bodies, failures, notes):
    def kept(kind, cls): return tuple(cls.from_dict(d) for body in bodies for d in body[kind])
    seen = [body['machine'] for body in bodies if body['machine']]
    where = {**seen[0], 'concerns': list(dict.fromkeys(c for m in seen for c in m['concerns']))}
    return SuiteResult(tuple(suite.bench.names), suite.bench.baseline, kept('results', BenchmarkResult),
                       kept('scores', Score), {}, settings, where, tuple(notes))

# %% gathered wrong: the concerns of the first machine only
def gathered(suite, settings, bodies, failures, notes):
    def kept(kind, cls):
        return tuple(cls.from_dict(d) for body in bodies for d in body[kind] if d['name'] not in failures)
    seen = [body['machine'] for body in bodies if body['machine']]
    return SuiteResult(tuple(suite.bench.names), suite.bench.baseline, kept('results', BenchmarkResult),
                       kept('scores', Score), failures, settings, seen[0], tuple(notes))

# %% gathered wrong: the last machine
def gathered(suite, settings, bodies, failures, notes):
    def kept(kind, cls):
        return tuple(cls.from_dict(d) for body in bodies for d in body[kind] if d['name'] not in failures)
    seen = [body['machine'] for body in bodies if body['machine']]
    where = {**seen[-1], 'concerns': list(dict.fromkeys(c for m in seen for c in m['concerns']))}
    return SuiteResult(tuple(suite.bench.names), suite.bench.baseline, kept('results', BenchmarkResult),
                       kept('scores', Score), failures, settings, where, tuple(notes))

# %% gathered wrong: concerns come sorted
def gathered(suite, settings, bodies, failures, notes):
    def kept(kind, cls):
        return tuple(cls.from_dict(d) for body in bodies for d in body[kind] if d['name'] not in failures)
    seen = [body['machine'] for body in bodies if body['machine']]
    where = {**seen[0], 'concerns': sorted({c for m in seen for c in m['concerns']})}
    return SuiteResult(tuple(suite.bench.names), suite.bench.baseline, kept('results', BenchmarkResult),
                       kept('scores', Score), failures, settings, where, tuple(notes))

# %% gathered right: loops that append
def gathered(suite, settings, bodies, failures, notes):
    results, scores, first, concerns = [], [], None, []
    for body in bodies:
        results += [BenchmarkResult.from_dict(d) for d in body['results'] if d['name'] not in failures]
        scores += [Score.from_dict(d) for d in body['scores'] if d['name'] not in failures]
        machine = body['machine'] or dict(concerns=())
        first = first or body['machine']
        concerns += [c for c in machine['concerns'] if c not in concerns]
    return SuiteResult(tuple(suite.bench.names), suite.bench.baseline, results, scores, failures, settings,
                       dict(first, concerns=concerns), tuple(notes))
