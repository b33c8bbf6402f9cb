"Known answers to the exercises of 21_data.loader, for `tinybench course prove`."

# %% n-batches wrong: forgets the smaller last batch
def n_batches(n, batch_size, drop_last=False):
    if batch_size < 1: raise ValueError('batch_size starts at 1')
    return n//batch_size

# %% n-batches wrong: one more, also where nothing is left over
def n_batches(n, batch_size, drop_last=False):
    if batch_size < 1: raise ValueError('batch_size starts at 1')
    return n//batch_size + (not drop_last)

# %% n-batches wrong: drop_last takes the last batch, full or not
def n_batches(n, batch_size, drop_last=False):
    if batch_size < 1: raise ValueError('batch_size starts at 1')
    return -(-n//batch_size) - drop_last

# %% n-batches wrong: refuses 0 only
def n_batches(n, batch_size, drop_last=False):
    if batch_size == 0: raise ValueError('batch_size starts at 1')
    return n//batch_size if drop_last else -(-n//batch_size)

# %% n-batches wrong: a float
def n_batches(n, batch_size, drop_last=False):
    if batch_size < 1: raise ValueError('batch_size starts at 1')
    return np.floor(n/batch_size) if drop_last else np.ceil(n/batch_size)

# %% n-batches wrong: at least one batch, even if it is not full
def n_batches(n, batch_size, drop_last=False):
    if batch_size < 1: raise ValueError('batch_size starts at 1')
    return max(1, n//batch_size) if drop_last else -(-n//batch_size)

# %% n-batches right: counts the starts of batches
def n_batches(n, batch_size, drop_last=False):
    if batch_size <= 0: raise ValueError('batch_size starts at 1')
    return len(range(0, n - batch_size + 1 if drop_last else n, batch_size))

# %% batch-rows wrong: draws rows anew for each batch, some twice
def batch_rows(n, batch_size, rng=None, drop_last=False):
    order = np.arange(n) if rng is None else rng.integers(0, n, n)
    return [order[i*batch_size:(i + 1)*batch_size] for i in range(n_batches(n, batch_size, drop_last))]

# %% batch-rows wrong: the same order in every epoch
def batch_rows(n, batch_size, rng=None, drop_last=False):
    order = np.arange(n) if rng is None else np.random.default_rng(0).permutation(n)
    return [order[i*batch_size:(i + 1)*batch_size] for i in range(n_batches(n, batch_size, drop_last))]

# %% batch-rows wrong: ignores drop_last
def batch_rows(n, batch_size, rng=None, drop_last=False):
    order = np.arange(n) if rng is None else rng.permutation(n)
    return [order[i:i + batch_size] for i in range(0, n, batch_size)]

# %% batch-rows wrong: shuffles within each batch only
def batch_rows(n, batch_size, rng=None, drop_last=False):
    rows = [np.arange(n)[i*batch_size:(i + 1)*batch_size] for i in range(n_batches(n, batch_size, drop_last))]
    return rows if rng is None else [rng.permutation(r) for r in rows]

# %% batch-rows wrong: begins in a random place and keeps the order
def batch_rows(n, batch_size, rng=None, drop_last=False):
    order = np.arange(n) if rng is None else np.roll(np.arange(n), rng.integers(n))
    return [order[i*batch_size:(i + 1)*batch_size] for i in range(n_batches(n, batch_size, drop_last))]

# %% batch-rows wrong: every k-th row, so no batch is full where the size does not divide
def batch_rows(n, batch_size, rng=None, drop_last=False):
    order, k = np.arange(n) if rng is None else rng.permutation(n), n_batches(n, batch_size, drop_last)
    return [order[i::k] for i in range(k)]

# %% batch-rows wrong: shuffles without being asked
def batch_rows(n, batch_size, rng=None, drop_last=False):
    order = (rng or np.random.default_rng()).permutation(n)
    return [order[i*batch_size:(i + 1)*batch_size] for i in range(n_batches(n, batch_size, drop_last))]

# %% batch-rows right: sorts random numbers, cuts with np.split, takes an unfinished batch off
def batch_rows(n, batch_size, rng=None, drop_last=False):
    order = np.arange(n) if rng is None else np.argsort(rng.random(n))
    rows = np.split(order, range(batch_size, n, batch_size))
    if drop_last and len(rows[-1]) < batch_size: rows.pop()
    return rows

# %% prefetched wrong: an ordinary map, no thread
def prefetched(f, items, workers, ahead):
    if min(workers, ahead) < 1: raise ValueError('workers and ahead start at 1')
    yield from map(f, items)

# %% prefetched wrong: one thread, whatever is asked
def prefetched(f, items, workers, ahead):
    if min(workers, ahead) < 1: raise ValueError('workers and ahead start at 1')
    pool, todo, waiting = ThreadPoolExecutor(1), iter(items), deque()
    try:
        while True:
            waiting.extend(pool.submit(f, item) for item in islice(todo, ahead - len(waiting)))
            if not waiting: return
            yield waiting.popleft().result()
    finally: pool.shutdown(cancel_futures=True)

# %% prefetched wrong: submits everything at once
def prefetched(f, items, workers, ahead):
    if min(workers, ahead) < 1: raise ValueError('workers and ahead start at 1')
    with ThreadPoolExecutor(workers) as pool: yield from pool.map(f, items)

# %% prefetched wrong: whoever is ready first comes first
def prefetched(f, items, workers, ahead):
    from concurrent.futures import FIRST_COMPLETED, wait
    if min(workers, ahead) < 1: raise ValueError('workers and ahead start at 1')
    pool, todo, waiting = ThreadPoolExecutor(workers), iter(items), set()
    try:
        while True:
            waiting |= {pool.submit(f, item) for item in islice(todo, ahead - len(waiting))}
            if not waiting: return
            future = next(iter(wait(waiting, return_when=FIRST_COMPLETED).done))
            waiting.remove(future)
            yield future.result()
    finally: pool.shutdown(cancel_futures=True)

# %% prefetched wrong: an error in f ends it in silence
def prefetched(f, items, workers, ahead):
    if min(workers, ahead) < 1: raise ValueError('workers and ahead start at 1')
    pool, todo, waiting = ThreadPoolExecutor(workers), iter(items), deque()
    try:
        while True:
            waiting.extend(pool.submit(f, item) for item in islice(todo, ahead - len(waiting)))
            if not waiting: return
            future = waiting.popleft()
            if future.exception(): return
            yield future.result()
    finally: pool.shutdown(cancel_futures=True)

# %% prefetched wrong: does not wait for its threads
def prefetched(f, items, workers, ahead):
    if min(workers, ahead) < 1: raise ValueError('workers and ahead start at 1')
    pool, todo, waiting = ThreadPoolExecutor(workers), iter(items), deque()
    try:
        while True:
            waiting.extend(pool.submit(f, item) for item in islice(todo, ahead - len(waiting)))
            if not waiting: return
            yield waiting.popleft().result()
    finally: pool.shutdown(wait=False, cancel_futures=True)

# %% prefetched wrong: ends its threads only where the reader stays to the end
def prefetched(f, items, workers, ahead):
    if min(workers, ahead) < 1: raise ValueError('workers and ahead start at 1')
    pool, todo, waiting = ThreadPoolExecutor(workers), iter(items), deque()
    while True:
        waiting.extend(pool.submit(f, item) for item in islice(todo, ahead - len(waiting)))
        if not waiting: break
        yield waiting.popleft().result()
    pool.shutdown(cancel_futures=True)

# %% prefetched wrong: whoever leaves still waits for all that was submitted
def prefetched(f, items, workers, ahead):
    if min(workers, ahead) < 1: raise ValueError('workers and ahead start at 1')
    with ThreadPoolExecutor(workers) as pool:
        todo, waiting = iter(items), deque()
        while True:
            waiting.extend(pool.submit(f, item) for item in islice(todo, ahead - len(waiting)))
            if not waiting: return
            yield waiting.popleft().result()

# %% prefetched wrong: submits again only when all is used up
def prefetched(f, items, workers, ahead):
    if min(workers, ahead) < 1: raise ValueError('workers and ahead start at 1')
    pool, todo = ThreadPoolExecutor(workers), iter(items)
    try:
        while waiting := [pool.submit(f, item) for item in islice(todo, ahead)]:
            for future in waiting: yield future.result()
    finally: pool.shutdown(cancel_futures=True)

# %% prefetched wrong: one call more than ahead
def prefetched(f, items, workers, ahead):
    if min(workers, ahead) < 1: raise ValueError('workers and ahead start at 1')
    pool, waiting = ThreadPoolExecutor(workers), deque()
    try:
        for item in items:
            waiting.append(pool.submit(f, item))
            if len(waiting) > ahead: yield waiting.popleft().result()
        while waiting: yield waiting.popleft().result()
    finally: pool.shutdown(cancel_futures=True)

# %% prefetched wrong: works ahead of nothing, and yields nothing, where ahead is 0
def prefetched(f, items, workers, ahead):
    pool, todo, waiting = ThreadPoolExecutor(workers), iter(items), deque()
    try:
        while True:
            waiting.extend(pool.submit(f, item) for item in islice(todo, ahead - len(waiting)))
            if not waiting: return
            yield waiting.popleft().result()
    finally: pool.shutdown(cancel_futures=True)

# %% prefetched right: item after item, futures cancelled one by one
def prefetched(f, items, workers, ahead):
    if workers < 1 or ahead < 1: raise ValueError('workers and ahead start at 1')
    with ThreadPoolExecutor(workers) as pool:
        waiting = deque()
        try:
            for item in items:
                waiting.append(pool.submit(f, item))
                if len(waiting) == ahead: yield waiting.popleft().result()
            while waiting: yield waiting.popleft().result()
        finally:
            for future in waiting: future.cancel()

# %% prefetched right: threads that take from a queue and put into boxes
def prefetched(f, items, workers, ahead):
    import queue, threading
    if workers < 1 or ahead < 1: raise ValueError('workers and ahead start at 1')
    tasks, boxes, left = queue.Queue(), deque(), threading.Event()
    def work():
        while (task := tasks.get()) is not None:
            item, box = task
            if left.is_set(): continue
            try: box.put((f(item), None))
            except Exception as e: box.put((None, e))
    threads = [threading.Thread(target=work) for _ in range(workers)]
    for t in threads: t.start()
    def result():
        value, error = boxes.popleft().get()
        if error is not None: raise error
        return value
    try:
        for item in items:
            boxes.append(queue.Queue())
            tasks.put((item, boxes[-1]))
            if len(boxes) >= ahead: yield result()
        while boxes: yield result()
    finally:
        left.set()
        for _ in threads: tasks.put(None)
        for t in threads: t.join()
