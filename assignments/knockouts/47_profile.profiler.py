"Known answers to the exercises of 47_profile.profiler, for `tinybench course prove`."

# %% own-secs wrong: the full span
def own_secs(spans:list) -> list[float]:
    return [s.secs for s in spans]

# %% own-secs wrong: subtracts all that is inside, not only what is directly inside
def own_secs(spans:list) -> list[float]:
    def inside(s): return [t for t in spans if t is not s and s.start <= t.start and t.stop <= s.stop]
    return [s.secs - sum(t.secs for t in inside(s)) for s in spans]

# %% own-secs wrong: one inner span only
def own_secs(spans:list) -> list[float]:
    own, pile = [], []
    for s in spans:
        inside = 0.
        if pile and pile[-1].start >= s.start: inside = pile.pop().secs
        own.append(s.secs - inside)
        pile.append(s)
    return own

# %% own-secs wrong: does not hold what started together with it
def own_secs(spans:list) -> list[float]:
    own, pile = [], []
    for s in spans:
        inside = 0.
        while pile and pile[-1].start > s.start: inside += pile.pop().secs
        own.append(s.secs - inside)
        pile.append(s)
    return own

# %% own-secs wrong: the pile stays from call to call
def own_secs(spans:list, pile=[]) -> list[float]:
    own = []
    for s in spans:
        inside = 0.
        while pile and pile[-1].start >= s.start: inside += pile.pop().secs
        own.append(s.secs - inside)
        pile.append(s)
    return own

# %% own-secs wrong: empties the whole pile, also what is beside it
def own_secs(spans:list) -> list[float]:
    own, pile = [], []
    for s in spans:
        own.append(s.secs - sum(t.secs for t in pile))
        pile = [s]
    return own

# %% own-secs wrong: in the order of the starts
def own_secs(spans:list) -> list[float]:
    own, pile = {}, []
    for s in spans:
        inside = 0.
        while pile and pile[-1].start >= s.start: inside += pile.pop().secs
        own[s.start] = s.secs - inside
        pile.append(s)
    return [own[start] for start in sorted(own)]

# %% own-secs right: searches for the span that holds each
def own_secs(spans:list) -> list[float]:
    own = [s.stop - s.start for s in spans]
    for i, s in enumerate(spans):
        for j in range(i + 1, len(spans)):
            if spans[j].start <= s.start and s.stop <= spans[j].stop:
                own[j] -= s.stop - s.start
                break
    return own

# %% own-secs right: from the back, with a pile of those that hold
def own_secs(spans:list) -> list[float]:
    own, pile = [s.secs for s in spans], []
    for i in reversed(range(len(spans))):
        while pile and spans[pile[-1]].start >= spans[i].stop: pile.pop()
        if pile: own[pile[-1]] -= spans[i].secs
        pile.append(i)
    return own

# %% layer-secs wrong: the last one wins
def layer_secs(spans:list, own:list) -> dict:
    return {(s.name, s.phase): secs for s, secs in zip(spans, own)}

# %% layer-secs wrong: forward and backward mixed
def layer_secs(spans:list, own:list) -> dict:
    total, phase = {}, {}
    for s, secs in zip(spans, own):
        key = s.name, phase.setdefault(s.name, s.phase)
        total[key] = total.get(key, 0.) + secs
    return total

# %% layer-secs wrong: the full spans
def layer_secs(spans:list, own:list) -> dict:
    total = {}
    for s in spans: total[s.name, s.phase] = total.get((s.name, s.phase), 0.) + s.secs
    return total

# %% layer-secs wrong: the mean of several spans
def layer_secs(spans:list, own:list) -> dict:
    found = {}
    for s, secs in zip(spans, own): found.setdefault((s.name, s.phase), []).append(secs)
    return {key: sum(v)/len(v) for key, v in found.items()}

# %% layer-secs wrong: only neighbours are summed
def layer_secs(spans:list, own:list) -> dict:
    from itertools import groupby
    pairs = groupby(zip(spans, own), key=lambda pair: pair[0][:2])
    return {key: sum(secs for _, secs in group) for key, group in pairs}

# %% layer-secs wrong: in alphabetical order
def layer_secs(spans:list, own:list) -> dict:
    total = {}
    for s, secs in zip(spans, own): total[s.name, s.phase] = total.get((s.name, s.phase), 0.) + secs
    return dict(sorted(total.items()))

# %% layer-secs wrong: adds to what earlier calls found
def layer_secs(spans:list, own:list, total={}) -> dict:
    for s, secs in zip(spans, own): total[s.name, s.phase] = total.get((s.name, s.phase), 0.) + secs
    return total

# %% layer-secs right: key by key
def layer_secs(spans:list, own:list) -> dict:
    keys = dict.fromkeys(s[:2] for s in spans)
    return {key: sum(secs for s, secs in zip(spans, own) if s[:2] == key) for key in keys}
