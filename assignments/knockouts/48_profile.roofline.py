"Known answers to the exercises of 48_profile.roofline, for `tinybench course prove`."

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
