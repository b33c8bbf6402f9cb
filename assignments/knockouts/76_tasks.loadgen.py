"Known answers to the exercises of 76_tasks.loadgen, for `tinybench course prove`."

# %% arrivals wrong: one after the other at equal distances
def arrivals(rate, n, rng):
    if not 0 < rate < np.inf: raise ValueError('rate')
    return np.arange(1, n + 1)/rate

# %% arrivals wrong: gaps of any length up to twice the mean
def arrivals(rate, n, rng):
    if not 0 < rate < np.inf: raise ValueError('rate')
    return np.cumsum(rng.uniform(0, 2/rate, n))

# %% arrivals wrong: the rate where the mean gap belongs
def arrivals(rate, n, rng):
    if not 0 < rate < np.inf: raise ValueError('rate')
    return np.cumsum(rng.exponential(rate, n))

# %% arrivals wrong: all n of them within n/rate, so that the last is never late
def arrivals(rate, n, rng):
    if not 0 < rate < np.inf: raise ValueError('rate')
    return np.sort(rng.uniform(0, n/rate, n))

# %% arrivals wrong: a generator of its own, which makes the same gaps again and again
def arrivals(rate, n, rng):
    if not 0 < rate < np.inf: raise ValueError('rate')
    return np.cumsum(np.random.default_rng(1).exponential(1/rate, n))

# %% arrivals wrong: takes an infinite rate
def arrivals(rate, n, rng):
    if not rate > 0: raise ValueError('rate')
    return np.cumsum(rng.exponential(1/rate, n))

# %% arrivals wrong: the first one at 0
def arrivals(rate, n, rng):
    if not 0 < rate < np.inf: raise ValueError('rate')
    return np.cumsum(rng.exponential(1/rate, n)*(np.arange(n) > 0))

# %% arrivals right: by inverting the distribution, gap by gap
def arrivals(rate, n, rng):
    if not 0 < rate < np.inf: raise ValueError('rate')
    t, out = 0., []
    for _ in range(n):
        t -= np.log1p(-rng.random())/rate
        out.append(t)
    return np.array(out)

# %% queue-latency wrong: nobody waits
def queue_latency(arrivals, work):
    return np.broadcast_to(work, arrivals.shape) + 0.

# %% queue-latency wrong: a server that never waits for a question
def queue_latency(arrivals, work):
    return np.cumsum(np.broadcast_to(work, arrivals.shape)) - arrivals

# %% queue-latency wrong: only the one before can be in the way
def queue_latency(arrivals, work):
    work = np.broadcast_to(work, arrivals.shape) + 0.
    late = np.maximum(arrivals[:-1] + work[:-1] - arrivals[1:], 0)
    return work + np.r_[0, late]

# %% queue-latency wrong: the work of the next one counts too
def queue_latency(arrivals, work):
    work, free, out = np.broadcast_to(work, arrivals.shape), 0., []
    for i, a in enumerate(arrivals):
        free = max(free, a) + work[max(i - 1, 0)]
        out.append(free - a)
    return np.array(out)

# %% queue-latency wrong: the wait alone, without the work
def queue_latency(arrivals, work):
    done = np.cumsum(np.broadcast_to(work, arrivals.shape))
    return np.maximum.accumulate(arrivals - done + work) - arrivals + done - work

# %% queue-latency wrong: a busy stretch has three questions at most
def queue_latency(arrivals, work):
    work = np.broadcast_to(work, arrivals.shape)
    def end(i): return max(arrivals[j] + work[j:i+1].sum() for j in range(max(i - 2, 0), i + 1))
    done = [end(i) for i in range(len(work))]
    return np.array(done) - arrivals

# %% queue-latency right: question by question
def queue_latency(arrivals, work):
    free, out = 0., np.empty(len(arrivals))
    for i, (a, w) in enumerate(zip(arrivals, np.broadcast_to(work, arrivals.shape))):
        free = max(free, a) + w
        out[i] = free - a
    return out

# %% proven-share wrong: the share that was seen
def proven_share(late, n, level=.99):
    check_share(level=level)
    if not 0 <= late <= n or not n: raise ValueError('late')
    return 1 - late/n

# %% proven-share wrong: the chance of fewer, not of as many or fewer
def proven_share(late, n, level=.99):
    check_share(level=level)
    if not 0 <= late <= n or not n: raise ValueError('late')
    return 1 - float(bdtri(late - 1, n, 1 - level)) if 0 < late < n else float(late == 0)

# %% proven-share wrong: by a bell, which is too narrow in the tail
def proven_share(late, n, level=.99):
    from scipy.special import ndtri
    check_share(level=level)
    if not 0 <= late <= n or not n: raise ValueError('late')
    p = 1 - late/n
    return max(p - ndtri(level)*np.sqrt(p*(1 - p)/n), 0.)

# %% proven-share wrong: always at 99 %
def proven_share(late, n, level=.99):
    check_share(level=level)
    if not 0 <= late <= n or not n: raise ValueError('late')
    return 1 - float(bdtri(late, n, .01)) if late < n else 0.

# %% proven-share wrong: half of the doubt for each side
def proven_share(late, n, level=.99):
    check_share(level=level)
    if not 0 <= late <= n or not n: raise ValueError('late')
    return 1 - float(bdtri(late, n, (1 - level)/2)) if late < n else 0.

# %% proven-share wrong: any level
def proven_share(late, n, level=.99):
    if not 0 <= late <= n or not n: raise ValueError('late')
    return 1 - float(bdtri(late, n, 1 - level)) if late < n else 0.

# %% proven-share wrong: to four digits only
def proven_share(late, n, level=.99):
    check_share(level=level)
    if not 0 <= late <= n or not n: raise ValueError('late')
    return round(1 - float(bdtri(late, n, 1 - level)) + 5e-5, 4) if late < n else 0.

# %% proven-share right: by halving
def proven_share(late, n, level=.99):
    from scipy.special import bdtr
    check_share(level=level)
    if not 0 <= late <= n or not n: raise ValueError('late')
    if late == n: return 0
    lo, hi = 0., 1.
    for _ in range(100):
        mid = (lo + hi)/2
        if bdtr(late, n, 1 - mid) <= 1 - level: lo = mid
        else: hi = mid
    return lo

# %% query-latencies wrong: in the order of the answers
def query_latencies(ids, secs, queries):
    return secs.reshape(queries, -1).max(1)

# %% query-latencies wrong: the mean of a query
def query_latencies(ids, secs, queries):
    return secs[np.argsort(ids)].reshape(queries, -1).mean(1)

# %% query-latencies wrong: the ids as places
def query_latencies(ids, secs, queries):
    return secs[ids].reshape(queries, -1).max(1)

# %% query-latencies wrong: queries in columns
def query_latencies(ids, secs, queries):
    return secs[np.argsort(ids)].reshape(-1, queries).max(0)

# %% query-latencies wrong: sorts what it was given
def query_latencies(ids, secs, queries):
    secs[:] = secs[np.argsort(ids)]
    return secs.reshape(queries, -1).max(1)

# %% query-latencies right: a running maximum for each query
def query_latencies(ids, secs, queries):
    out = np.zeros(queries)
    np.maximum.at(out, ids//(len(ids)//queries), secs)
    return out

# %% find-peak wrong: in steps of one percent
def find_peak(holds, lo, hi, within=.01):
    if not holds(lo): return 0.
    while lo < hi and holds(min(hi, lo*(1 + within))): lo = min(hi, lo*(1 + within))
    return lo

# %% find-peak wrong: halfway, until the difference is small
def find_peak(holds, lo, hi, within=.01):
    if not holds(lo): return 0.
    if holds(hi): return hi
    while hi - lo > within*lo:
        mid = (lo + hi)/2
        lo, hi = (mid, hi) if holds(mid) else (lo, mid)
    return lo

# %% find-peak wrong: the rate that did not hold
def find_peak(holds, lo, hi, within=.01):
    if not holds(lo): return 0.
    if holds(hi): return hi
    while hi > lo*(1 + within):
        mid = (lo*hi)**.5
        lo, hi = (mid, hi) if holds(mid) else (lo, mid)
    return hi

# %% find-peak wrong: the ends are not asked
def find_peak(holds, lo, hi, within=.01):
    while hi > lo*(1 + within):
        mid = np.sqrt(lo*hi)
        if holds(mid): lo = mid
        else: hi = mid
    return lo

# %% find-peak wrong: always to one percent
def find_peak(holds, lo, hi, within=.01):
    if not holds(lo): return 0.
    if holds(hi): return hi
    for _ in range(int(np.ceil(np.log2(np.log(hi/lo)/np.log(1.01))))):
        mid = (lo*hi)**.5
        lo, hi = (mid, hi) if holds(mid) else (lo, mid)
    return lo

# %% find-peak right: on a logarithmic scale, ten steps more than needed
def find_peak(holds, lo, hi, within=.01):
    if not holds(lo): return 0.
    if holds(hi): return hi
    a, b = np.log(lo), np.log(hi)
    while b - a > np.log1p(within)/2:
        mid = (a + b)/2
        if holds(float(np.exp(mid))): a = mid
        else: b = mid
    return float(np.exp(a)) if a > np.log(lo) else lo
