"Known answers to the exercises of 49_profile.memory, for `tinybench course prove`."

# %% allocated-peak wrong: what is still held at the end
def allocated_peak(f):
    ours = not tracemalloc.is_tracing()
    if ours: tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = f()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        if ours: tracemalloc.stop()

# %% allocated-peak wrong: counts what was held before
def allocated_peak(f):
    ours = not tracemalloc.is_tracing()
    if ours: tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        f()
        return tracemalloc.get_traced_memory()[1]
    finally:
        if ours: tracemalloc.stop()

# %% allocated-peak wrong: does not forget an earlier peak
def allocated_peak(f):
    ours = not tracemalloc.is_tracing()
    if ours: tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        f()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if ours: tracemalloc.stop()

# %% allocated-peak wrong: stops a tracing that was on before
def allocated_peak(f):
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        f()
        return tracemalloc.get_traced_memory()[1] - before
    finally: tracemalloc.stop()

# %% allocated-peak wrong: goes on tracing after an error
def allocated_peak(f):
    ours = not tracemalloc.is_tracing()
    if ours: tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    f()
    peak = tracemalloc.get_traced_memory()[1] - before
    if ours: tracemalloc.stop()
    return peak

# %% allocated-peak right: a helper that traces, called again if tracing is off
def allocated_peak(f):
    if not tracemalloc.is_tracing():
        tracemalloc.start()
        try: return allocated_peak(f)
        finally: tracemalloc.stop()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    f()
    _, most = tracemalloc.get_traced_memory()
    return most - before

# %% fresh-peak wrong: in this thread
def fresh_peak(f): return allocated_peak(f)

# %% fresh-peak wrong: weighs the thread, not what runs in it
def fresh_peak(f):
    with ThreadPoolExecutor(1) as pool: return allocated_peak(lambda: pool.submit(lambda: None).result())

# %% fresh-peak wrong: the error stays in the thread
def fresh_peak(f):
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(allocated_peak, f)
        return done.exception() or done.result()

# %% fresh-peak wrong: one thread for all calls
POOL = ThreadPoolExecutor(1)
def fresh_peak(f): return POOL.submit(allocated_peak, f).result()

# %% fresh-peak right: measured from here, run over there
def fresh_peak(f):
    with ThreadPoolExecutor(1) as pool:
        waits = pool.map(allocated_peak, [f])
        return next(waits)
