"Known answers to the exercises of 65_bench.choose, for `tinybench course prove`."

# %% frontier wrong: of twins the first only
def frontier(cost, gain):
    cost, gain, keep = np.asarray(cost), np.asarray(gain), []
    for i in np.lexsort((-gain, cost)).tolist():
        if not keep or gain[i] > gain[keep[-1]]: keep.append(i)
    return keep

# %% frontier wrong: what costs more for the same gain stays
def frontier(cost, gain):
    cost, gain, keep = np.asarray(cost), np.asarray(gain), []
    for i in np.lexsort((-gain, cost)).tolist():
        if not keep or gain[i] >= gain[keep[-1]]: keep.append(i)
    return keep

# %% frontier wrong: among equally cheap ones in the order given
def frontier(cost, gain):
    cost, gain, keep = np.asarray(cost), np.asarray(gain), []
    for i in np.argsort(cost, kind='stable').tolist():
        last = keep[-1] if keep else None
        if not keep or gain[i] > gain[last] or (gain[i], cost[i]) == (gain[last], cost[last]): keep.append(i)
    return keep

# %% frontier wrong: no gain is below 0
def frontier(cost, gain):
    keep, top, at = [], 0, None
    for i in sorted(range(len(cost)), key=lambda i: (cost[i], -gain[i])):
        if gain[i] > top or (cost[i], gain[i]) == at:
            keep.append(i)
            top, at = gain[i], (cost[i], gain[i])
    return keep

# %% frontier wrong: the smallest row first, not the cheapest
def frontier(cost, gain):
    rows = list(zip(cost, gain))
    def beats(a, b): return a[0] <= b[0] and a[1] >= b[1] and a != b
    return [i for i,b in enumerate(rows) if not any(beats(a, b) for a in rows)]

# %% frontier wrong: better than the one before, not than all
def frontier(cost, gain):
    cost, gain, keep, before = np.asarray(cost), np.asarray(gain), [], None
    for i in np.lexsort((-gain, cost)).tolist():
        if not keep or gain[i] > gain[before] or (gain[i], cost[i]) == (gain[keep[-1]], cost[keep[-1]]):
            keep.append(i)
        before = i
    return keep

# %% frontier right: all pairs, then by cost
def frontier(cost, gain):
    cost, gain = np.asarray(cost), np.asarray(gain)
    no_worse = (cost[:, None] <= cost) & (gain[:, None] >= gain)
    better = (cost[:, None] < cost) | (gain[:, None] > gain)
    left = np.flatnonzero(~(no_worse & better).any(0))
    return left[np.argsort(cost[left], kind='stable')].tolist()

# %% surely-beats wrong: strictly better in both
def surely_beats(a, b) -> bool:
    p, q = at_worst(a), at_best(b)
    return p[0] < q[0] and p[1] > q[1]

def may_beat(a, b) -> bool:
    p, q = at_best(a), at_worst(b)
    return p[0] < q[0] and p[1] > q[1]

# %% surely-beats wrong: the worst of one against the middle of the other
def surely_beats(a, b) -> bool:
    return beats(at_worst(a), (b[0][0], b[1][0]))

def may_beat(a, b) -> bool:
    return beats(at_best(a), (b[0][0], b[1][0]))

# %% surely-beats wrong: surely where only no worse
def surely_beats(a, b) -> bool:
    p, q = at_worst(a), at_best(b)
    return p[0] <= q[0] and p[1] >= q[1]

def may_beat(a, b) -> bool:
    return beats(at_best(a), at_worst(b))

# %% surely-beats wrong: compares best with best and worst with worst
def surely_beats(a, b) -> bool:
    return beats(at_best(a), at_best(b)) and beats(at_worst(a), at_worst(b))

def may_beat(a, b) -> bool:
    return beats(at_best(a), at_best(b)) or beats(at_worst(a), at_worst(b))

# %% surely-beats wrong: the two swapped
def surely_beats(a, b) -> bool:
    return beats(at_best(a), at_worst(b))

def may_beat(a, b) -> bool:
    return beats(at_worst(a), at_best(b))

# %% surely-beats wrong: may, unless the other surely does
def surely_beats(a, b) -> bool:
    return beats(at_worst(a), at_best(b))

def may_beat(a, b) -> bool:
    return not beats(at_worst(b), at_best(a))

# %% surely-beats wrong: the middles
def surely_beats(a, b) -> bool:
    return beats((a[0][0], a[1][0]), (b[0][0], b[1][0]))

def may_beat(a, b) -> bool:
    return beats((a[0][0], a[1][0]), (b[0][0], b[1][0]))

# %% surely-beats right: all corners
def corner_pairs(a, b):
    for cost in a[0][1:]:
        for gain in a[1][1:]:
            for other_cost in b[0][1:]:
                for other_gain in b[1][1:]: yield (cost, gain), (other_cost, other_gain)

def surely_beats(a, b) -> bool:
    return all(beats(p, q) for p, q in corner_pairs(a, b))

def may_beat(a, b) -> bool:
    return any(beats(p, q) for p, q in corner_pairs(a, b))

# %% statuses wrong: its own rival
def statuses(places:Mapping) -> dict[str,str]:
    def status(mine):
        if any(surely_beats(p, mine) for p in places.values()): return 'off'
        return 'undecided' if any(may_beat(p, mine) for p in places.values()) else 'on'
    return {name: status(mine) for name, mine in places.items()}

# %% statuses wrong: twins are taken for one
def statuses(places:Mapping) -> dict[str,str]:
    def status(mine):
        others = [p for p in places.values() if p != mine]
        if any(surely_beats(p, mine) for p in others): return 'off'
        return 'undecided' if any(may_beat(p, mine) for p in others) else 'on'
    return {name: status(mine) for name, mine in places.items()}

# %% statuses wrong: alphabetical
def statuses(places:Mapping) -> dict[str,str]:
    def status(name):
        mine, others = places[name], [p for k, p in places.items() if k != name]
        if any(surely_beats(p, mine) for p in others): return 'off'
        return 'undecided' if any(may_beat(p, mine) for p in others) else 'on'
    return {name: status(name) for name in sorted(places)}

# %% statuses wrong: only rivals that come before are looked at for doubt
def statuses(places:Mapping) -> dict[str,str]:
    said, before = {}, []
    for name, mine in places.items():
        others = [p for k, p in places.items() if k != name]
        said[name] = 'undecided' if any(may_beat(p, mine) for p in before) else 'on'
        if any(surely_beats(p, mine) for p in others): said[name] = 'off'
        before.append(mine)
    return said

# %% statuses wrong: off only where all others surely beat it
def statuses(places:Mapping) -> dict[str,str]:
    def status(name):
        mine, others = places[name], [p for k, p in places.items() if k != name]
        if others and all(surely_beats(p, mine) for p in others): return 'off'
        return 'undecided' if any(may_beat(p, mine) for p in others) else 'on'
    return {name: status(name) for name in places}

# %% statuses wrong: off where another one may be better
def statuses(places:Mapping) -> dict[str,str]:
    def status(name):
        mine, others = places[name], [p for k, p in places.items() if k != name]
        return 'off' if any(may_beat(p, mine) for p in others) else 'on'
    return {name: status(name) for name in places}

# %% statuses wrong: doubt comes before proof
def statuses(places:Mapping) -> dict[str,str]:
    def status(name):
        mine, others = places[name], [p for k, p in places.items() if k != name]
        if any(may_beat(p, mine) for p in others): return 'undecided'
        return 'off' if any(surely_beats(p, mine) for p in others) else 'on'
    return {name: status(name) for name in places}

# %% statuses right: from pair to pair, worse and worse
def statuses(places:Mapping) -> dict[str,str]:
    said = dict.fromkeys(places, 'on')
    for a in places:
        for b in places:
            if a == b or said[b] == 'off': continue
            if surely_beats(places[a], places[b]): said[b] = 'off'
            elif may_beat(places[a], places[b]): said[b] = 'undecided'
    return said

# %% meets wrong: the middle decides
def meets(value, least:float|None=None, most:float|None=None) -> str:
    mid = value[0]
    return 'met' if (least is None or mid >= least) and (most is None or mid <= most) else 'missed'

# %% meets wrong: a bound of 0 is taken for none
def meets(value, least:float|None=None, most:float|None=None) -> str:
    _, lo, hi = value
    if least and hi < least or most and lo > most: return 'missed'
    return 'met' if (not least or lo >= least) and (not most or hi <= most) else 'undecided'

# %% meets wrong: missed already where it touches the bound
def meets(value, least:float|None=None, most:float|None=None) -> str:
    _, lo, hi = value
    if (least is None or lo >= least) and (most is None or hi <= most): return 'met'
    return 'missed' if least is not None and hi <= least or most is not None and lo >= most else 'undecided'

# %% meets wrong: missed only where every bound is
def meets(value, least:float|None=None, most:float|None=None) -> str:
    _, lo, hi = value
    if (least is None or lo >= least) and (most is None or hi <= most): return 'met'
    below, above = least is None or hi < least, most is None or lo > most
    return 'missed' if below and above else 'undecided'

# %% meets wrong: an unknown interval never meets, not even without a bound
def meets(value, least:float|None=None, most:float|None=None) -> str:
    _, lo, hi = value
    if lo != lo or hi != hi: return 'undecided'
    if least is not None and hi < least or most is not None and lo > most: return 'missed'
    return 'met' if (least is None or lo >= least) and (most is None or hi <= most) else 'undecided'

# %% meets wrong: an unknown interval misses a bound from below
def meets(value, least:float|None=None, most:float|None=None) -> str:
    _, lo, hi = value
    if least is not None and not hi >= least or most is not None and lo > most: return 'missed'
    return 'met' if (least is None or lo >= least) and (most is None or hi <= most) else 'undecided'

# %% meets wrong: a value on its bound does not meet it
def meets(value, least:float|None=None, most:float|None=None) -> str:
    _, lo, hi = value
    if least is not None and hi < least or most is not None and lo > most: return 'missed'
    return 'met' if (least is None or lo > least) and (most is None or hi < most) else 'undecided'

# %% meets wrong: the good end is enough
def meets(value, least:float|None=None, most:float|None=None) -> str:
    _, lo, hi = value
    return 'missed' if least is not None and hi < least or most is not None and lo > most else 'met'

# %% meets right: each bound by itself, the worst verdict of both
def meets(value, least:float|None=None, most:float|None=None) -> str:
    _, lo, hi = value
    verdicts = ['met']
    for bound, bad, good, sign in ((least, lo, hi, 1), (most, hi, lo, -1)):
        if bound is None: continue
        if sign*(bad - bound) >= 0: verdicts.append('met')
        elif sign*(good - bound) < 0: verdicts.append('missed')
        else: verdicts.append('undecided')
    return next(v for v in ('missed', 'undecided', 'met') if v in verdicts)

# %% choose wrong: nothing where each loses to another
def choose(names, better:Callable, baseline:str) -> tuple[str,tuple]:
    if not names: return 'none', ()
    pool = [a for a in names if better(a, baseline)] if baseline in names else list(names)
    if not pool: return 'keep the baseline', (baseline,)
    left = [a for a in pool if not any(better(b, a) for b in pool)]
    return ('model' if len(left) == 1 else 'a tie' if left else 'none'), tuple(left)

# %% choose wrong: drops one after the other, so the order decides a circle
def choose(names, better:Callable, baseline:str) -> tuple[str,tuple]:
    if not names: return 'none', ()
    pool = [a for a in names if better(a, baseline)] if baseline in names else list(names)
    if not pool: return 'keep the baseline', (baseline,)
    left = list(pool)
    for a in pool:
        if any(better(b, a) for b in left): left.remove(a)
    return ('model' if len(left) == 1 else 'a tie'), tuple(left)

# %% choose wrong: a tie in alphabetical order
def choose(names, better:Callable, baseline:str) -> tuple[str,tuple]:
    if not names: return 'none', ()
    pool = [a for a in names if better(a, baseline)] if baseline in names else list(names)
    if not pool: return 'keep the baseline', (baseline,)
    left = [a for a in pool if not any(better(b, a) for b in pool)] or pool
    return ('model' if len(left) == 1 else 'a tie'), tuple(sorted(left))

# %% choose wrong: who is no better than the baseline may still drop others
def choose(names, better:Callable, baseline:str) -> tuple[str,tuple]:
    if not names: return 'none', ()
    pool = [a for a in names if better(a, baseline)] if baseline in names else list(names)
    if not pool: return 'keep the baseline', (baseline,)
    left = [a for a in pool if not any(better(b, a) for b in names)] or pool
    return ('model' if len(left) == 1 else 'a tie'), tuple(left)

# %% choose wrong: the baseline is one of the candidates, without a right of its own
def choose(names, better:Callable, baseline:str) -> tuple[str,tuple]:
    if not names: return 'none', ()
    left = [a for a in names if not any(better(b, a) for b in names)] or list(names)
    if left == [baseline]: return 'keep the baseline', (baseline,)
    return ('model' if len(left) == 1 else 'a tie'), tuple(left)

# %% choose wrong: keeps a baseline that does not meet the conditions
def choose(names, better:Callable, baseline:str) -> tuple[str,tuple]:
    if not names: return 'none', ()
    pool = [a for a in names if better(a, baseline)]
    if not pool: return 'keep the baseline', (baseline,)
    left = [a for a in pool if not any(better(b, a) for b in pool)] or pool
    return ('model' if len(left) == 1 else 'a tie'), tuple(left)

# %% choose wrong: the first of those that tie
def choose(names, better:Callable, baseline:str) -> tuple[str,tuple]:
    if not names: return 'none', ()
    pool = [a for a in names if better(a, baseline)] if baseline in names else list(names)
    if not pool: return 'keep the baseline', (baseline,)
    left = [a for a in pool if not any(better(b, a) for b in pool)] or pool
    return 'model', (left[0],)

# %% choose right: strikes out the beaten, all at once
def choose(names, better:Callable, baseline:str) -> tuple[str,tuple]:
    pool = tuple(names)
    if not pool: return 'none', pool
    if baseline in pool:
        pool = tuple(filter(lambda a: better(a, baseline), pool))
        if not pool: return 'keep the baseline', (baseline,)
    beaten = set()
    for a in pool: beaten |= {b for b in pool if better(a, b)}
    if len(beaten) < len(pool): pool = tuple(a for a in pool if a not in beaten)
    if len(pool) > 1: return 'a tie', pool
    return 'model', pool

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

# %% settle wrong: whoever is beaten is off
def settle(names, beats, safe):
    def status(k):
        if any(beats(j, k) for j in names): return 'off'
        return 'on' if safe(k) else 'undecided'
    return {k: status(k) for k in names}

# %% settle wrong: who stays is on
def settle(names, beats, safe):
    names, stays, off, before = list(names), set(), set(), None
    while before != (stays, off):
        before = stays, off
        stays = {k for k in names if k not in off and all(j in off for j in names if beats(j, k))}
        off = {k for k in names if any(beats(j, k) for j in stays)}
    return {k: 'off' if k in off else 'on' if k in stays else 'undecided' for k in names}

# %% settle wrong: one pass, in the order given
def settle(names, beats, safe):
    off = []
    for k in names:
        if any(beats(j, k) for j in names if j not in off): off.append(k)
    return {k: 'off' if k in off else 'on' if safe(k) else 'undecided' for k in names}

# %% settle wrong: stops after the second round
def settle(names, beats, safe):
    names, off = list(names), set()
    for _ in range(2):
        stays = {k for k in names if k not in off and all(j in off for j in names if beats(j, k))}
        off = {k for k in names if any(beats(j, k) for j in stays)}
    return {k: 'off' if k in off else 'on' if k in stays and safe(k) else 'undecided' for k in names}

# %% settle wrong: in a circle all stay
def settle(names, beats, safe):
    names, stays, off, before = list(names), set(), set(), None
    while before != (stays, off):
        before = stays, off
        stays = {k for k in names if k not in off and all(j in off for j in names if beats(j, k))}
        off = {k for k in names if any(beats(j, k) for j in stays)}
    return {k: 'off' if k in off else 'on' if safe(k) and (k in stays or len(stays) > 0) else 'undecided'
            for k in names}

# %% settle right: name by name, those whose rivals are all known
def settle(names, beats, safe):
    names, stays = list(names), {}
    rivals = {k: [j for j in names if beats(j, k)] for k in names}
    for _ in names:
        for k in names:
            if k in stays: continue
            if any(stays.get(j) for j in rivals[k]): stays[k] = False
            elif all(stays.get(j) is False for j in rivals[k]): stays[k] = True
    said = {True: 'on', False: 'off', None: 'undecided'}
    return {k: 'undecided' if stays.get(k) and not safe(k) else said[stays.get(k)] for k in names}

# %% in-one-family wrong: each by itself
def in_one_family(names, status, level=.95):
    return {k: status(k, level) for k in names}

# %% in-one-family wrong: as strict with the last as with the first
def in_one_family(names, status, level=.95):
    return {k: status(k, 1 - (1 - level)/len(names)) for k in names}

# %% in-one-family wrong: judges again only once
def in_one_family(names, status, level=.95):
    def surely(word):
        sure = {k for k in names if status(k, 1 - (1 - level)/len(names)) == word}
        rest = max(len(names) - len(sure), 1)
        return sure | {k for k in names if status(k, 1 - (1 - level)/rest) == word}
    met, missed = surely('met'), surely('missed')
    return {k: 'met' if k in met else 'missed' if k in missed else 'undecided' for k in names}

# %% in-one-family wrong: met and missed share their steps
def in_one_family(names, status, level=.95):
    sure = {}
    def new(): return {k: said for k in names if k not in sure and
                       (said := status(k, 1 - (1 - level)/(len(names) - len(sure)))) != 'undecided'}
    while more := new(): sure |= more
    return {k: sure.get(k, 'undecided') for k in names}

# %% in-one-family wrong: always at 95%
def in_one_family(names, status, level=.95):
    def surely(word):
        sure = set()
        def passes(k): return status(k, 1 - .05/(len(names) - len(sure))) == word
        while more := {k for k in names if k not in sure and passes(k)}: sure |= more
        return sure
    met, missed = surely('met'), surely('missed')
    return {k: 'met' if k in met else 'missed' if k in missed else 'undecided' for k in names}

# %% in-one-family right: one more at a time
def in_one_family(names, status, level=.95):
    out = {k: 'undecided' for k in names}
    for word in ('met', 'missed'):
        left = list(names)
        while left:
            at = 1 - (1 - level)/len(left)
            found = next((k for k in left if status(k, at) == word), None)
            if found is None: break
            left.remove(found)
            if out[found] != 'met': out[found] = word
    return out

# %% one-family wrong: each column by itself
def one_family(ps):
    out = {}
    for c, col in ps.items():
        tested = [k for k, p in col.items() if p == p]
        out[c] = dict(col) | dict(zip(tested, holm([col[k] for k in tested]).tolist()))
    return out

# %% one-family wrong: NaN counts too
def one_family(ps):
    places = [(c, k) for c, col in ps.items() for k in col]
    flat = holm([1. if ps[c][k] != ps[c][k] else ps[c][k] for c, k in places]).tolist()
    out = {c: dict(col) for c, col in ps.items()}
    for (c, k), p in zip(places, flat):
        if ps[c][k] == ps[c][k]: out[c][k] = p
    return out

# %% one-family wrong: what was not tested is left out
def one_family(ps):
    tested = [(c, k) for c, col in ps.items() for k, p in col.items() if p == p]
    out = {c: {} for c in ps}
    for (c, k), p in zip(tested, holm([ps[c][k] for c, k in tested]).tolist()): out[c][k] = p
    return out

# %% one-family wrong: times the number of all, without steps
def one_family(ps):
    n = sum(p == p for col in ps.values() for p in col.values())
    return {c: {k: min(1., n*p) if p == p else p for k, p in col.items()} for c, col in ps.items()}

# %% one-family wrong: an empty column goes
def one_family(ps):
    tested = [(c, k) for c, col in ps.items() for k, p in col.items() if p == p]
    out = {c: dict(col) for c, col in ps.items() if col}
    for (c, k), p in zip(tested, holm([ps[c][k] for c, k in tested]).tolist()): out[c][k] = p
    return out

# %% one-family right: by a table of places
def one_family(ps):
    at = {(c, k): p for c, col in ps.items() for k, p in col.items()}
    known = {k: p for k, p in at.items() if not math.isnan(p)}
    found = at | dict(zip(known, map(float, holm(list(known.values())))))
    return {c: {k: found[c, k] for k in col} for c, col in ps.items()}
