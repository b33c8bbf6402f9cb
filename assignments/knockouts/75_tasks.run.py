"Known answers to the exercises of 75_tasks.run, for `tinybench course prove`."

# %% fill wrong: doubles until it is enough
def fill(run, secs, clock=time.perf_counter):
    calls = 1
    while True:
        start = clock()
        for _ in range(calls): run()
        if (taken := clock() - start) >= secs: return taken, calls
        calls *= 2

# %% fill wrong: one call more each time
def fill(run, secs, clock=time.perf_counter):
    calls = 1
    while True:
        start = clock()
        for _ in range(calls): run()
        if (taken := clock() - start) >= secs: return taken, calls
        calls += 1

# %% fill wrong: looks at the clock after each call
def fill(run, secs, clock=time.perf_counter):
    start, calls, taken = clock(), 0, 0.
    while taken < secs:
        run()
        calls += 1
        taken = clock() - start
    return taken, calls

# %% fill wrong: goes on counting from the first try
def fill(run, secs, clock=time.perf_counter):
    calls, start, done = 1, clock(), 0
    while True:
        for _ in range(calls): run()
        done += calls
        if (taken := clock() - start) >= secs: return taken, calls
        calls = 2*calls

# %% fill wrong: believes the first call
def fill(run, secs, clock=time.perf_counter):
    start = clock()
    run()
    calls = max(1, math.floor(secs/(clock() - start)))
    start = clock()
    for _ in range(calls): run()
    return clock() - start, calls

# %% fill right: doubles up to a quarter, and then computes
def fill(run, secs, clock=time.perf_counter):
    def tried(calls):
        start = clock()
        for _ in range(calls): run()
        return clock() - start
    calls = 1
    while (taken := tried(calls)) < secs/4: calls *= 2
    while taken < secs:
        calls = max(calls + 1, math.ceil(1.2*calls*secs/taken))
        taken = tried(calls)
    return taken, calls

# %% repeats-against-changes wrong: one call against many
def repeats_against_changes(call, xs, *, rng, **options):
    def repeats(): call(xs[0])
    def changes():
        for x in xs: call(x)
    return compare(dict(repeats=repeats, changes=changes), base='repeats', rng=rng, **options)

# %% repeats-against-changes wrong: each input several times in a row
def repeats_against_changes(call, xs, *, rng, **options):
    def repeats():
        for _ in range(len(xs)**2): call(xs[0])
    def changes():
        for x in xs:
            for _ in xs: call(x)
    return compare(dict(repeats=repeats, changes=changes), base='repeats', rng=rng, **options)

# %% repeats-against-changes wrong: the changing ones are the base
def repeats_against_changes(call, xs, *, rng, **options):
    def repeats():
        for _ in xs: call(xs[0])
    def changes():
        for x in xs: call(x)
    return compare(dict(repeats=repeats, changes=changes), base='changes', rng=rng, **options)

# %% repeats-against-changes wrong: both repeat
def repeats_against_changes(call, xs, *, rng, **options):
    def repeats():
        for _ in xs: call(xs[0])
    def changes():
        for x in xs: call(xs[0])
    return compare(dict(repeats=repeats, changes=changes), base='repeats', rng=rng, **options)

# %% repeats-against-changes right: as many calls, by index
def repeats_against_changes(call, xs, *, rng, **options):
    n = len(xs)
    def of(step):
        def run():
            for i in range(n): call(xs[i*step])
        return run
    return compare(dict(repeats=of(0), changes=of(1)), base='repeats', rng=rng, **options)

# %% score wrong: the mean of the rates
def score(calls, secs):
    return float(np.mean(np.asarray(calls)/np.asarray(secs)))

# %% score wrong: all calls by all seconds
def score(calls, secs):
    return float(np.sum(calls)/np.sum(secs))

# %% score wrong: the median calls by the median seconds
def score(calls, secs):
    return float(np.median(calls)/np.median(secs))

# %% score wrong: the best window
def score(calls, secs):
    return float(np.max(np.asarray(calls)/np.asarray(secs)))

# %% score wrong: the mean without the best and the worst
def score(calls, secs):
    rates = np.sort(np.asarray(calls)/np.asarray(secs))
    return float(rates[1:-1].mean())

# %% score wrong: the second best, as a disturbed window is slow
def score(calls, secs):
    rates = np.sort(np.asarray(calls)/np.asarray(secs))
    return float(rates[len(rates)//2] if rates[0] < .5*rates[-1] else rates[len(rates)//2 + (len(rates) > 3)])

# %% score right: the middle one of the sorted rates
def score(calls, secs):
    rates = sorted(c/s for c, s in zip(calls, secs))
    return float(rates[len(rates)//2])
