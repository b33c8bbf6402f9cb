"Known answers to the exercises of 60_native.int8, for `tinybench course prove`."

# %% fours wrong: groups go on from one part to the next
def fours(w):
    parts, run, outputs = w.shape
    flat = w.reshape(-1, outputs)
    full = np.zeros((4*ceil(len(flat)/4), outputs), np.int8)
    full[:len(flat)] = flat
    return np.ascontiguousarray(full.reshape(-1, 4, outputs).transpose(0, 2, 1)).view(np.int32)[..., 0]

# %% fours wrong: negative codes spill over into the next byte
def fours(w):
    parts, run, outputs = w.shape
    full = np.zeros((parts, 4*ceil(run/4), outputs), np.int32)
    full[:, :run] = w
    places = np.int32([[1], [256], [256**2], [256**3]])
    return (full.reshape(-1, 4, outputs)*places).sum(1).astype(np.int32)

# %% fours wrong: the first code in the highest byte
def fours(w):
    parts, run, outputs = w.shape
    full = np.zeros((parts, 4*ceil(run/4), outputs), np.int8)
    full[:, :run] = w
    side_by_side = full.reshape(-1, 4, outputs).transpose(0, 2, 1)
    return np.ascontiguousarray(side_by_side[..., ::-1]).view(np.int32)[..., 0]

# %% fours wrong: four outputs side by side
def fours(w):
    parts, run, outputs = w.shape
    full = np.zeros((parts, 4*ceil(run/4), outputs), np.int8)
    full[:, :run] = w
    return np.ascontiguousarray(full).view(np.int32).reshape(-1, outputs)

# %% fours wrong: what does not fill a group is left out
def fours(w):
    parts, run, outputs = w.shape
    some = w[:, :run//4*4].reshape(-1, 4, outputs)
    return np.ascontiguousarray(some.transpose(0, 2, 1)).view(np.int32)[..., 0]

# %% fours right: byte by byte
def fours(w):
    parts, run, outputs = w.shape
    groups = ceil(run/4)
    out = np.zeros((parts, groups, outputs), np.uint32)
    for k in range(run): out[:, k//4] |= w[:, k].view(np.uint8).astype(np.uint32) << np.uint32(8*(k % 4))
    return out.reshape(-1, outputs).view(np.int32)

# %% for-bytes wrong: the sum of int8 codes in int8
def for_bytes(w, b):
    sums = w.sum(tuple(range(w.ndim - 1)), dtype=np.int8)
    return (b - 128*sums.astype(np.int64)).astype(np.int32)

# %% for-bytes wrong: the other way
def for_bytes(w, b): return (b + 128*w.sum(tuple(range(w.ndim - 1)), dtype=np.int64)).astype(np.int32)

# %% for-bytes wrong: the sum over the first axis only
def for_bytes(w, b): return (b - 128*w.sum(0, dtype=np.int64)).astype(np.int32)

# %% for-bytes wrong: what does not fit is cut
def for_bytes(w, b):
    whole = b - 128*w.sum(tuple(range(w.ndim - 1)), dtype=np.int64)
    return np.clip(whole, -2**31, 2**31 - 1).astype(np.int32)

# %% for-bytes right: the sums of an input whose codes are all -128
def for_bytes(w, b):
    rows = w.reshape(-1, w.shape[-1]).astype(np.int64)
    return (np.full(len(rows), -128) @ rows + b).astype(np.int32)
