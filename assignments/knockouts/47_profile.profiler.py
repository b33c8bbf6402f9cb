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

# %% trace-events wrong: does not expect an empty list
def trace_events(spans:list) -> list[dict]:
    zero = min(s.start for s in spans)
    def ns(t): return round(1e9*(t - zero))
    def event(s):
        times = dict(ts=us(ns(s.start)), dur=us(ns(s.stop) - ns(s.start)))
        return dict(name=s.name, cat=s.phase, ph='X', **times, pid=1, tid=1, args={})
    return [event(s) for s in sorted(spans, key=lambda s: (s.start, -s.stop))]

# %% trace-events wrong: takes the last span for the first start
def trace_events(spans:list) -> list[dict]:
    if not spans: return []
    zero = spans[-1].start
    def ns(t): return round(1e9*(t - zero))
    def event(s):
        times = dict(ts=us(ns(s.start)), dur=us(ns(s.stop) - ns(s.start)))
        return dict(name=s.name, cat=s.phase, ph='X', **times, pid=1, tid=1, args={})
    return [event(s) for s in sorted(spans, key=lambda s: (s.start, -s.stop))]

# %% trace-events wrong: of two that start together the inner one may come first
def trace_events(spans:list) -> list[dict]:
    if not spans: return []
    zero = min(s.start for s in spans)
    def ns(t): return round(1e9*(t - zero))
    def event(s):
        times = dict(ts=us(ns(s.start)), dur=us(ns(s.stop) - ns(s.start)))
        return dict(name=s.name, cat=s.phase, ph='X', **times, pid=1, tid=1, args={})
    return [event(s) for s in sorted(spans, key=lambda s: s.start)]

# %% trace-events wrong: rounds the lengths
def trace_events(spans:list) -> list[dict]:
    if not spans: return []
    zero = min(s.start for s in spans)
    def event(s):
        times = dict(ts=us(round(1e9*(s.start - zero))), dur=us(round(1e9*s.secs)))
        return dict(name=s.name, cat=s.phase, ph='X', **times, pid=1, tid=1, args={})
    return [event(s) for s in sorted(spans, key=lambda s: (s.start, -s.stop))]

# %% trace-events wrong: sorts the list it was given
def trace_events(spans:list) -> list[dict]:
    if not spans: return []
    spans.sort(key=lambda s: (s.start, -s.stop))
    def ns(t): return round(1e9*(t - spans[0].start))
    def event(s):
        times = dict(ts=us(ns(s.start)), dur=us(ns(s.stop) - ns(s.start)))
        return dict(name=s.name, cat=s.phase, ph='X', **times, pid=1, tid=1, args={})
    return [event(s) for s in spans]

# %% trace-events wrong: in the order given
def trace_events(spans:list) -> list[dict]:
    if not spans: return []
    zero = min(s.start for s in spans)
    def ns(t): return round(1e9*(t - zero))
    def event(s):
        times = dict(ts=us(ns(s.start)), dur=us(ns(s.stop) - ns(s.start)))
        return dict(name=s.name, cat=s.phase, ph='X', **times, pid=1, tid=1, args={})
    return [event(s) for s in spans]

# %% trace-events wrong: microseconds with fractions, not whole nanoseconds
def trace_events(spans:list) -> list[dict]:
    if not spans: return []
    zero = min(s.start for s in spans)
    def event(s):
        times = dict(ts=1e6*(s.start - zero), dur=1e6*s.secs)
        return dict(name=s.name, cat=s.phase, ph='X', **times, pid=1, tid=1, args={})
    return [event(s) for s in sorted(spans, key=lambda s: (s.start, -s.stop))]

# %% trace-events wrong: where it stops instead of how long it is
def trace_events(spans:list) -> list[dict]:
    if not spans: return []
    zero = min(s.start for s in spans)
    def ns(t): return round(1e9*(t - zero))
    def event(s):
        times = dict(ts=us(ns(s.start)), dur=us(ns(s.stop)))
        return dict(name=s.name, cat=s.phase, ph='X', **times, pid=1, tid=1, args={})
    return [event(s) for s in sorted(spans, key=lambda s: (s.start, -s.stop))]

# %% trace-events right: numpy, and sorted by the rounded times
def trace_events(spans:list) -> list[dict]:
    if not spans: return []
    t = np.array([(s.start, s.stop) for s in spans])
    start, stop = np.rint((t - t.min())*1e9).astype(int).T
    events = []
    for i in np.lexsort((-stop, start)).tolist():
        times = dict(ts=us(int(start[i])), dur=us(int(stop[i] - start[i])))
        events.append(dict(times, name=spans[i].name, cat=spans[i].phase, ph='X', pid=1, tid=1, args={}))
    return events

# %% attainable wrong: the higher of both ceilings
def attainable(intensity, peak:float, bandwidth:float):
    return np.maximum(peak, bandwidth*np.asarray(intensity))

# %% attainable wrong: a single number only
def attainable(intensity, peak:float, bandwidth:float):
    return min(peak, bandwidth*intensity)

# %% attainable wrong: no flat
def attainable(intensity, peak:float, bandwidth:float):
    return bandwidth*np.asarray(intensity)

# %% attainable wrong: bytes for each operation
def attainable(intensity, peak:float, bandwidth:float):
    return np.minimum(peak, bandwidth/np.asarray(intensity))

# %% attainable wrong: one after the other instead of at once
def attainable(intensity, peak:float, bandwidth:float):
    return 1/(1/peak + 1/(bandwidth*np.asarray(intensity)))

# %% attainable wrong: whole operations
def attainable(intensity, peak:float, bandwidth:float):
    return np.minimum(peak, bandwidth*np.asarray(intensity))//1

# %% attainable wrong: writes into the intensities
def attainable(intensity, peak:float, bandwidth:float):
    slope = np.asarray(intensity)
    slope *= bandwidth
    return np.minimum(peak, slope)

# %% attainable right: left and right of the ridge
def attainable(intensity, peak:float, bandwidth:float):
    intensity = np.asarray(intensity)
    return np.where(intensity < peak/bandwidth, bandwidth*intensity, peak)
