"Known answers to the exercises of 58_native.kernel, for `tinybench course prove`."

# %% cycles wrong: multiply-adds alone
def cycles(p:int, v:int, target:Target) -> float:
    return max(p*v, LATENCY*PER_CYCLE)/PER_CYCLE

# %% cycles wrong: no sum waits
def cycles(p:int, v:int, target:Target) -> float:
    return max(p*v, p + v)/PER_CYCLE

# %% cycles wrong: one sum waits, and one multiply-add a cycle would be enough meanwhile
def cycles(p:int, v:int, target:Target) -> float:
    return max(p*v, p + v, LATENCY)/PER_CYCLE

# %% cycles wrong: begins multiply-adds only when all loads have begun
def cycles(p:int, v:int, target:Target) -> float:
    return max(p*v + p + v, LATENCY*PER_CYCLE)/PER_CYCLE

# %% cycles wrong: counts two loads for each multiply-add
def cycles(p:int, v:int, target:Target) -> float:
    return max(2*p*v, LATENCY*PER_CYCLE)/PER_CYCLE

# %% cycles wrong: a half cycle is none
def cycles(p:int, v:int, target:Target) -> float:
    return max(p*v, p + v, LATENCY*PER_CYCLE)//PER_CYCLE

# %% cycles wrong: one load of weights, however many vectors
def cycles(p:int, v:int, target:Target) -> float:
    return max(p*v, p + 1, LATENCY*PER_CYCLE)/PER_CYCLE

# %% cycles wrong: as the examples, else by the multiply-adds
def cycles(p:int, v:int, target:Target) -> float:
    return max(4, p*v/2 + .5*(v == 1))

# %% cycles right: each by itself
def cycles(p:int, v:int, target:Target) -> float:
    multiplied, loaded, waited = p*v/PER_CYCLE, (p + v)/PER_CYCLE, LATENCY
    return float(max(multiplied, loaded, waited))

# %% best-block wrong: the first block that fits
def best_block(pixels:int, outputs:int, target:Target) -> tuple[int, int]:
    return next((p, v) for v in range(1, 9) for p in range(pixels, 0, -1) if fits(p, v, target))

# %% best-block wrong: fewest cycles for a multiply-add, whatever is left over
def best_block(pixels:int, outputs:int, target:Target) -> tuple[int, int]:
    vectors = ceil(outputs/target.lanes())
    sizes = [(p, v) for p in range(1, pixels + 1) for v in range(1, vectors + 1) if fits(p, v, target)]
    return min(sizes, key=lambda s: (cycles(*s, target)/(s[0]*s[1]), s[0] + s[1]))

# %% best-block wrong: forgets a last vector that is partly filled
def best_block(pixels:int, outputs:int, target:Target) -> tuple[int, int]:
    vectors = max(outputs//target.lanes(), 1)
    def rank(block):
        p, v = block
        pieces = [(a, b) for a in split(pixels, p) for b in split(vectors, v)]
        return sum(cycles(a, b, target) for a, b in pieces), sum(a + b for a, b in pieces), p*v, -p
    sizes = [(p, v) for p in range(1, pixels + 1) for v in range(1, vectors + 1)]
    return min((s for s in sizes if fits(*s, target)), key=rank)

# %% best-block wrong: does not count the rest of the vectors
def best_block(pixels:int, outputs:int, target:Target) -> tuple[int, int]:
    vectors = ceil(outputs/target.lanes())
    def rank(block):
        p, v = block
        pieces = [(a, v) for a in split(pixels, p)]*(vectors//v)
        return sum(cycles(a, b, target) for a, b in pieces), sum(a + b for a, b in pieces), p*v, -p
    sizes = [(p, v) for p in range(1, pixels + 1) for v in range(1, vectors + 1) if vectors % v == 0]
    return min((s for s in sizes if fits(*s, target)), key=rank)

# %% best-block wrong: does not look at the registers
def best_block(pixels:int, outputs:int, target:Target) -> tuple[int, int]:
    vectors = ceil(outputs/target.lanes())
    def rank(block):
        p, v = block
        pieces = [(a, b) for a in split(pixels, p) for b in split(vectors, v)]
        return sum(cycles(a, b, target) for a, b in pieces), sum(a + b for a, b in pieces), p*v, -p
    return min(((p, v) for p in range(1, pixels + 1) for v in range(1, vectors + 1)), key=rank)

# %% best-block wrong: of those with the fewest cycles the smallest
def best_block(pixels:int, outputs:int, target:Target) -> tuple[int, int]:
    vectors = ceil(outputs/target.lanes())
    def rank(block):
        p, v = block
        pieces = [(a, b) for a in split(pixels, p) for b in split(vectors, v)]
        return sum(cycles(a, b, target) for a, b in pieces), p*v, -p
    sizes = [(p, v) for p in range(1, pixels + 1) for v in range(1, vectors + 1)]
    return min((s for s in sizes if fits(*s, target)), key=rank)

# %% best-block wrong: of those with the fewest loads the largest
def best_block(pixels:int, outputs:int, target:Target) -> tuple[int, int]:
    vectors = ceil(outputs/target.lanes())
    def rank(block):
        p, v = block
        pieces = [(a, b) for a in split(pixels, p) for b in split(vectors, v)]
        return sum(cycles(a, b, target) for a, b in pieces), sum(a + b for a, b in pieces), -p*v
    sizes = [(p, v) for p in range(1, pixels + 1) for v in range(1, vectors + 1)]
    return min((s for s in sizes if fits(*s, target)), key=rank)

# %% best-block wrong: always 32 registers and vectors of 16
def best_block(pixels:int, outputs:int, target:Target) -> tuple[int, int]:
    vectors = ceil(outputs/16)
    def rank(block):
        p, v = block
        pieces = [(a, b) for a in split(pixels, p) for b in split(vectors, v)]
        return sum(cycles(a, b, target) for a, b in pieces), sum(a + b for a, b in pieces), p*v, -p
    sizes = [(p, v) for p in range(1, pixels + 1) for v in range(1, vectors + 1) if p*v + v + 1 <= 32]
    return min(sizes, key=rank)

# %% best-block wrong: only powers of two
def best_block(pixels:int, outputs:int, target:Target) -> tuple[int, int]:
    vectors = ceil(outputs/target.lanes())
    def rank(block):
        p, v = block
        pieces = [(a, b) for a in split(pixels, p) for b in split(vectors, v)]
        return sum(cycles(a, b, target) for a, b in pieces), sum(a + b for a, b in pieces), p*v, -p
    powers = [2**i for i in range(6)]
    sizes = [(p, v) for p in powers if p <= pixels for v in powers if v <= vectors]
    return min((s for s in sizes if fits(*s, target)), key=rank)

# %% best-block right: by hand, one block after the other
def best_block(pixels:int, outputs:int, target:Target) -> tuple[int, int]:
    vectors, best, least = -(-outputs//target.lanes()), None, None
    for v in range(1, vectors + 1):
        for p in range(pixels, 0, -1):
            if not fits(p, v, target): continue
            need, loads = 0, 0
            for a in split(pixels, p):
                for b in split(vectors, v):
                    need += cycles(a, b, target)
                    loads += a + b
            if least is None or (need, loads, p*v, -p) < least: best, least = (p, v), (need, loads, p*v, -p)
    return best

# %% pack wrong: flat as it is
def pack(w:np.ndarray, v:int, lanes:int) -> np.ndarray:
    return w.ravel()

# %% pack wrong: no zeros
def pack(w:np.ndarray, v:int, lanes:int) -> np.ndarray:
    return np.concatenate([w[:, a:a + v*lanes].ravel() for a in range(0, w.shape[1], v*lanes)])

# %% pack wrong: vector by vector, as if v were 1
def pack(w:np.ndarray, v:int, lanes:int) -> np.ndarray:
    w = np.pad(w, ((0, 0), (0, -w.shape[1] % lanes)))
    return np.concatenate([w[:, a:a + lanes].ravel() for a in range(0, w.shape[1], lanes)])

# %% pack wrong: fills the last block, not the last vector
def pack(w:np.ndarray, v:int, lanes:int) -> np.ndarray:
    w = np.pad(w, ((0, 0), (0, -w.shape[1] % (v*lanes))))
    return np.concatenate([w[:, a:a + v*lanes].ravel() for a in range(0, w.shape[1], v*lanes)])

# %% pack wrong: all inputs of an output first
def pack(w:np.ndarray, v:int, lanes:int) -> np.ndarray:
    w = np.pad(w, ((0, 0), (0, -w.shape[1] % lanes)))
    return np.concatenate([w[:, a:a + v*lanes].T.ravel() for a in range(0, w.shape[1], v*lanes)])

# %% pack wrong: of another type
def pack(w:np.ndarray, v:int, lanes:int) -> np.ndarray:
    k, f = w.shape
    full = np.zeros((k, ceil(f/lanes)*lanes))
    full[:, :f] = w
    return np.concatenate([full[:, a:a + v*lanes].ravel() for a in range(0, full.shape[1], v*lanes)])

# %% pack wrong: a whole vector of zeros behind filters that fill theirs
def pack(w:np.ndarray, v:int, lanes:int) -> np.ndarray:
    k, f = w.shape
    full = np.zeros((k, (f//lanes + 1)*lanes), w.dtype)
    full[:, :f] = w
    return np.concatenate([full[:, a:a + v*lanes].ravel() for a in range(0, full.shape[1], v*lanes)])

# %% pack right: number by number
def pack(w:np.ndarray, v:int, lanes:int) -> np.ndarray:
    k, f = w.shape
    whole, packed = -(-f//lanes)*lanes, []
    for start in range(0, whole, v*lanes):
        for i in range(k):
            packed += [w[i, o] if o < f else 0 for o in range(start, min(start + v*lanes, whole))]
    return np.array(packed, w.dtype)
