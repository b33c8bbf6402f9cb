"Known answers to the exercises of 34_measure.clock, for `tinybench course prove`."

# %% precise-timer wrong: never stops
class precise_timer:
    def __init__(self, clock=time.perf_counter): self.clock, self.start = clock, None
    def __enter__(self):
        self.start = self.clock()
        return self
    def __exit__(self, *exc): pass
    @property
    def secs(self):
        if self.start is None: raise RuntimeError('nothing timed yet')
        return self.clock() - self.start

# %% precise-timer wrong: a second block keeps the end of the first
class precise_timer:
    def __init__(self, clock=time.perf_counter): self.clock, self.start, self.stop = clock, None, None
    def __enter__(self):
        self.start = self.clock()
        return self
    def __exit__(self, *exc): self.stop = self.clock()
    @property
    def secs(self):
        if self.start is None: raise RuntimeError('nothing timed yet')
        return (self.clock() if self.stop is None else self.stop) - self.start

# %% precise-timer wrong: swallows the exception of the block
class precise_timer:
    def __init__(self, clock=time.perf_counter): self.clock, self.start, self.stop = clock, None, None
    def __enter__(self):
        self.stop, self.start = None, self.clock()
        return self
    def __exit__(self, *exc):
        self.stop = self.clock()
        return True
    @property
    def secs(self):
        if self.start is None: raise RuntimeError('nothing timed yet')
        return (self.clock() if self.stop is None else self.stop) - self.start

# %% precise-timer wrong: does not stop where the block raised
class precise_timer:
    def __init__(self, clock=time.perf_counter): self.clock, self.start, self.stop = clock, None, None
    def __enter__(self):
        self.stop, self.start = None, self.clock()
        return self
    def __exit__(self, kind, *exc):
        if kind is None: self.stop = self.clock()
    @property
    def secs(self):
        if self.start is None: raise RuntimeError('nothing timed yet')
        return (self.clock() if self.stop is None else self.stop) - self.start

# %% precise-timer wrong: a clock that says 0 counts as one never read
class precise_timer:
    def __init__(self, clock=time.perf_counter): self.clock, self.start, self.stop = clock, None, None
    def __enter__(self):
        self.stop, self.start = None, self.clock()
        return self
    def __exit__(self, *exc): self.stop = self.clock()
    @property
    def secs(self):
        if not self.start: raise RuntimeError('nothing timed yet')
        return (self.stop or self.clock()) - self.start

# %% precise-timer wrong: before the block it says 0
class precise_timer:
    def __init__(self, clock=time.perf_counter): self.clock, self.start, self.stop = clock, 0, 0
    def __enter__(self):
        self.stop, self.start = None, self.clock()
        return self
    def __exit__(self, *exc): self.stop = self.clock()
    @property
    def secs(self): return (self.clock() if self.stop is None else self.stop) - self.start

# %% precise-timer wrong: reads its own clock, not the one it was given
class precise_timer:
    def __init__(self, clock=time.perf_counter): self.start = self.stop = None
    def __enter__(self):
        self.stop, self.start = None, time.perf_counter()
        return self
    def __exit__(self, *exc): self.stop = time.perf_counter()
    @property
    def secs(self):
        if self.start is None: raise RuntimeError('nothing timed yet')
        return (time.perf_counter() if self.stop is None else self.stop) - self.start

# %% precise-timer right: keeps what to do when asked in the place of two times
class precise_timer:
    def __init__(self, clock=time.perf_counter): self.clock, self.ask = clock, None
    def __enter__(self):
        start = self.clock()
        self.ask = lambda: self.clock() - start
        return self
    def __exit__(self, *exc):
        took = self.ask()
        self.ask = lambda: took
    @property
    def secs(self):
        if self.ask is None: raise RuntimeError('the block has not begun')
        return self.ask()

# %% gc-paused wrong: an exception leaves the collector off
@contextmanager
def gc_paused():
    was_on = gc.isenabled()
    gc.disable()
    yield
    if was_on: gc.enable()

# %% gc-paused wrong: switches on what was off before
@contextmanager
def gc_paused():
    gc.disable()
    try: yield
    finally: gc.enable()

# %% gc-paused wrong: swallows the error of the block
@contextmanager
def gc_paused():
    was_on = gc.isenabled()
    gc.disable()
    try: yield
    except Exception: pass
    finally:
        if was_on: gc.enable()

# %% gc-paused wrong: asks after it has switched off
@contextmanager
def gc_paused():
    gc.disable()
    was_on = gc.isenabled()
    try: yield
    finally:
        if was_on: gc.enable()

# %% gc-paused wrong: sweeps first and then lets it run on
@contextmanager
def gc_paused():
    gc.collect()
    yield

# %% gc-paused right: nothing to do where it is off
@contextmanager
def gc_paused():
    if not gc.isenabled():
        yield
        return
    try:
        gc.disable()
        yield
    finally: gc.enable()

# %% gc-paused right: a class that keeps what was
class gc_paused:
    def __enter__(self):
        self.restore = gc.enable if gc.isenabled() else gc.disable
        gc.disable()
    def __exit__(self, *exc): self.restore()

# %% next-loops wrong: no limit above
def next_loops(loops, secs, target):
    if secs <= 0: return 10*loops
    return math.ceil(max(1.2*loops*target/secs, 2*loops))

# %% next-loops wrong: no limit below
def next_loops(loops, secs, target):
    if secs <= 0: return 10*loops
    return math.ceil(min(1.2*loops*target/secs, 10*loops))

# %% next-loops wrong: nothing to spare
def next_loops(loops, secs, target):
    if secs <= 0: return 10*loops
    return math.ceil(min(max(loops*target/secs, 2*loops), 10*loops))

# %% next-loops wrong: rounds to the nearest
def next_loops(loops, secs, target):
    if secs <= 0: return 10*loops
    return round(min(max(1.2*loops*target/secs, 2*loops), 10*loops))

# %% next-loops wrong: a number of calls that is a float
def next_loops(loops, secs, target):
    if secs <= 0: return 10*loops
    return float(np.ceil(min(max(1.2*loops*target/secs, 2*loops), 10*loops)))

# %% next-loops wrong: divides by a clock that saw nothing
def next_loops(loops, secs, target):
    return math.ceil(min(max(1.2*loops*target/secs, 2*loops), 10*loops))

# %% next-loops wrong: rounds up first and multiplies then
def next_loops(loops, secs, target):
    if secs <= 0: return 10*loops
    return loops*min(max(math.ceil(1.2*target/secs), 2), 10)

# %% next-loops right: case by case, rounding up by whole numbers
def next_loops(loops, secs, target):
    if secs*10 <= 1.2*target: return 10*loops
    if secs*2 >= 1.2*target: return 2*loops
    wanted = 1.2*loops*target/secs
    return int(wanted) + (wanted > int(wanted))

# %% settled wrong: n below the line
def settled(secs, window=10, limit=.02):
    for i in range(len(secs) - window + 1):
        calm = secs[i:i+window]
        if np.std(calm) < limit*np.mean(calm): return i
    return None

# %% settled wrong: the end of the window, not its start
def settled(secs, window=10, limit=.02):
    for i in range(len(secs) - window + 1):
        calm = secs[i:i+window]
        if np.std(calm, ddof=1) < limit*np.mean(calm): return i + window
    return None

# %% settled wrong: the last window where none is calm
def settled(secs, window=10, limit=.02):
    for i in range(len(secs) - window + 1):
        calm = secs[i:i+window]
        if np.std(calm, ddof=1) < limit*np.mean(calm): return i
    return max(len(secs) - window, 0)

# %% settled wrong: never looks at the last window
def settled(secs, window=10, limit=.02):
    for i in range(len(secs) - window):
        calm = secs[i:i+window]
        if np.std(calm, ddof=1) < limit*np.mean(calm): return i
    return None

# %% settled wrong: a limit in seconds, not a share of the mean
def settled(secs, window=10, limit=.02):
    for i in range(len(secs) - window + 1):
        if np.std(secs[i:i+window], ddof=1) < limit: return i
    return None

# %% settled wrong: over the median, not over the mean
def settled(secs, window=10, limit=.02):
    for i in range(len(secs) - window + 1):
        calm = secs[i:i+window]
        if np.std(calm, ddof=1) < limit*np.median(calm): return i
    return None

# %% settled wrong: the last calm window, not the first
def settled(secs, window=10, limit=.02):
    at = None
    for i in range(len(secs) - window + 1):
        calm = secs[i:i+window]
        if np.std(calm, ddof=1) < limit*np.mean(calm): at = i
    return at

# %% settled wrong: windows side by side, not one from each sample on
def settled(secs, window=10, limit=.02):
    for i in range(0, len(secs) - window + 1, window):
        calm = secs[i:i+window]
        if np.std(calm, ddof=1) < limit*np.mean(calm): return i
    return None

# %% settled wrong: at the limit counts as below it
def settled(secs, window=10, limit=.02):
    for i in range(len(secs) - window + 1):
        calm = secs[i:i+window]
        if np.std(calm, ddof=1) <= limit*np.mean(calm): return i
    return None

# %% settled right: all windows at once
def settled(secs, window=10, limit=.02):
    if len(secs) < window: return None
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(secs, float), window)
    calm = np.flatnonzero(windows.std(1, ddof=1)/windows.mean(1) < limit)
    return int(calm[0]) if calm.size else None

# %% settled right: the standard library, a list that forgets its oldest
def settled(secs, window=10, limit=.02):
    import statistics
    recent = []
    for i, s in enumerate(secs):
        recent = [*recent, float(s)][-window:]
        if len(recent) < window: continue
        if statistics.stdev(recent) < limit*statistics.fmean(recent): return i + 1 - window

# %% random-rounds wrong: the order never changes
def random_rounds(names, repeats, rng):
    if len(set(names)) < len(names): raise ValueError(f'a name comes twice in {names}')
    return [list(names) for _ in range(repeats)]

# %% random-rounds wrong: one draw for all rounds
def random_rounds(names, repeats, rng):
    if len(set(names)) < len(names): raise ValueError(f'a name comes twice in {names}')
    return [[names[i] for i in rng.permutation(len(names))]]*repeats

# %% random-rounds wrong: draws with replacement
def random_rounds(names, repeats, rng):
    if len(set(names)) < len(names): raise ValueError(f'a name comes twice in {names}')
    return [[names[i] for i in rng.integers(len(names), size=len(names))] for _ in range(repeats)]

# %% random-rounds wrong: numpy's shared generator
def random_rounds(names, repeats, rng):
    if len(set(names)) < len(names): raise ValueError(f'a name comes twice in {names}')
    return [[names[i] for i in np.random.permutation(len(names))] for _ in range(repeats)]

# %% random-rounds wrong: a generator of its own, the same each time
def random_rounds(names, repeats, rng):
    if len(set(names)) < len(names): raise ValueError(f'a name comes twice in {names}')
    rng = np.random.default_rng(0)
    return [[names[i] for i in rng.permutation(len(names))] for _ in range(repeats)]

# %% random-rounds wrong: turns the circle, so the same one always follows
def random_rounds(names, repeats, rng):
    if len(set(names)) < len(names): raise ValueError(f'a name comes twice in {names}')
    def turned(k): return list(names[k:]) + list(names[:k])
    return [turned(int(rng.integers(len(names)))) for _ in range(repeats)]

# %% random-rounds wrong: shuffles the caller's list
def random_rounds(names, repeats, rng):
    if len(set(names)) < len(names): raise ValueError(f'a name comes twice in {names}')
    out = []
    for _ in range(repeats):
        rng.shuffle(names)
        out.append(list(names))
    return out

# %% random-rounds wrong: a name that comes twice is let through
def random_rounds(names, repeats, rng):
    return [[names[i] for i in rng.permutation(len(names))] for _ in range(repeats)]

# %% random-rounds wrong: swaps each place with any place, which favours some orders
def random_rounds(names, repeats, rng):
    if len(set(names)) < len(names): raise ValueError(f'a name comes twice in {names}')
    out = []
    for _ in range(repeats):
        order = list(names)
        for i in range(len(order)):
            k = int(rng.integers(len(order)))
            order[i], order[k] = order[k], order[i]
        out.append(order)
    return out

# %% random-rounds right: sorts by random numbers, all rounds in one draw
def random_rounds(names, repeats, rng):
    for i, name in enumerate(names):
        if name in names[:i]: raise ValueError(f'{name} comes twice')
    return [[names[i] for i in order] for order in rng.random((repeats, len(names))).argsort(1)]

# %% random-rounds right: shuffles copies
def random_rounds(names, repeats, rng):
    if sorted(set(names)) != sorted(names): raise ValueError('a name comes twice')
    rounds = [list(names) for _ in range(repeats)]
    for order in rounds: rng.shuffle(order)
    return rounds
