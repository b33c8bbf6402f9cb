"Known answers to the exercises of 53_optimize.integer, for `tinybench course prove`."

# %% requantize wrong: the zero point is added before rounding
def requantize(acc, m, zero, lo=-128, hi=127):
    return np.clip(np.rint(acc.astype(np.float32)*m + np.float32(zero)), lo, hi).astype(np.int8)

# %% requantize wrong: half away from zero
def requantize(acc, m, zero, lo=-128, hi=127):
    v = acc.astype(np.float32)*m
    return np.clip(np.sign(v)*np.floor(np.abs(v) + np.float32(.5)) + zero, lo, hi).astype(np.int8)

# %% requantize wrong: in float64
def requantize(acc, m, zero, lo=-128, hi=127):
    return np.clip(np.rint(acc*m.astype(np.float64)) + zero, lo, hi).astype(np.int8)

# %% requantize wrong: clipped before the zero point is added
def requantize(acc, m, zero, lo=-128, hi=127):
    return (np.clip(np.rint(acc.astype(np.float32)*m), lo, hi) + zero).astype(np.int8)

# %% requantize wrong: not clipped
def requantize(acc, m, zero, lo=-128, hi=127):
    return (np.rint(acc.astype(np.float32)*m) + zero).astype(np.int64).astype(np.int8)

# %% requantize wrong: cut off instead of rounded
def requantize(acc, m, zero, lo=-128, hi=127):
    return np.clip(np.trunc(acc.astype(np.float32)*m) + zero, lo, hi).astype(np.int8)

# %% requantize wrong: the upper end is always 127
def requantize(acc, m, zero, lo=-128, hi=127):
    return np.clip(np.rint(acc.astype(np.float32)*m) + zero, lo, 127).astype(np.int8)

# %% requantize right: in one expression
def requantize(acc, m, zero, lo=-128, hi=127):
    return np.clip(np.round(acc.astype(np.float32)*m) + np.float32(zero), lo, hi).astype(np.int8)

# %% exact-type wrong: the number of weights, and not their sizes
def exact_type(w, b):
    n = w[..., 0].size
    return np.float32 if 128*127*n + np.abs(b.astype(np.int64)).max() <= 2**24 else np.float64

# %% exact-type wrong: weights of two signs cancel
def exact_type(w, b):
    sums = np.abs(w.astype(np.int64).sum(tuple(range(w.ndim - 1))))
    return np.float32 if (128*sums + np.abs(b.astype(np.int64))).max() <= 2**24 else np.float64

# %% exact-type wrong: activation codes up to 127
def exact_type(w, b):
    sizes = np.abs(w.astype(np.int64)).sum(tuple(range(w.ndim - 1)))
    return np.float32 if (127*sizes + np.abs(b.astype(np.int64))).max() <= 2**24 else np.float64

# %% exact-type wrong: the size of -128 in int8 is -128
def exact_type(w, b):
    sizes = np.abs(w).astype(np.int64).sum(tuple(range(w.ndim - 1)))
    return np.float32 if (128*sizes + np.abs(b.astype(np.int64))).max() <= 2**24 else np.float64

# %% exact-type wrong: the bias is left out
def exact_type(w, b):
    sizes = np.abs(w.astype(np.int64)).sum(tuple(range(w.ndim - 1)))
    return np.float32 if 128*sizes.max() <= 2**24 else np.float64

# %% exact-type wrong: the sum over all channels
def exact_type(w, b):
    most = 128*np.abs(w.astype(np.int64)).sum() + np.abs(b.astype(np.int64)).max()
    return np.float32 if most <= 2**24 else np.float64

# %% exact-type wrong: the largest sum and the largest bias need not be of one channel
def exact_type(w, b):
    sizes = np.abs(w.astype(np.int64)).sum(tuple(range(w.ndim - 1)))
    return np.float32 if 128*sizes.max() < 2**24 - np.abs(b.astype(np.int64)).max() else np.float64

# %% exact-type right: in floating point, channel after channel
def exact_type(w, b):
    rows = w.reshape(-1, w.shape[-1]).astype(np.float64)
    for column, bias in zip(rows.T, b.astype(np.float64)):
        if 128*np.abs(column).sum() + abs(bias) > 2**24: return np.float64
    return np.float32

# %% fold-zero wrong: added instead of subtracted
def fold_zero(w, b, zero):
    return as_int32(b + zero*w.sum(tuple(range(w.ndim - 1)), dtype=np.int64))
def conv_codes(x, w, b, sums, zero_in, stride, pads, **how):
    p = patches(pad_image(x, pads, zero_in), w.shape[:2], stride)
    cols = np.ascontiguousarray(p, sums).reshape(-1, w[..., 0].size)
    return requantize(summed(cols, w, b, sums), **how).reshape(*p.shape[:3], -1)

# %% fold-zero wrong: padded with the code 0 instead of the code of 0
def fold_zero(w, b, zero):
    return as_int32(b - zero*w.sum(tuple(range(w.ndim - 1)), dtype=np.int64))
def conv_codes(x, w, b, sums, zero_in, stride, pads, **how):
    p = patches(pad_image(x, pads), w.shape[:2], stride)
    cols = np.ascontiguousarray(p, sums).reshape(-1, w[..., 0].size)
    return requantize(summed(cols, w, b, sums), **how).reshape(*p.shape[:3], -1)

# %% fold-zero wrong: sums over the first axis only
def fold_zero(w, b, zero):
    return as_int32(b - zero*w.sum(0, dtype=np.int64).reshape(-1, w.shape[-1])[0])
def conv_codes(x, w, b, sums, zero_in, stride, pads, **how):
    p = patches(pad_image(x, pads, zero_in), w.shape[:2], stride)
    first = w.sum(0, dtype=np.int64).reshape(-1, w.shape[-1])[0]
    b = b - zero_in*w.sum((0, 1, 2), dtype=np.int64) + zero_in*first
    cols = np.ascontiguousarray(p, sums).reshape(-1, w[..., 0].size)
    return requantize(summed(cols, w, b, sums), **how).reshape(*p.shape[:3], -1)

# %% fold-zero wrong: the zero point is subtracted twice
def fold_zero(w, b, zero):
    return as_int32(b - zero*w.sum(tuple(range(w.ndim - 1)), dtype=np.int64))
def conv_codes(x, w, b, sums, zero_in, stride, pads, **how):
    p = patches(pad_image(x, pads, zero_in), w.shape[:2], stride)
    cols = (np.ascontiguousarray(p, sums) - sums(zero_in)).reshape(-1, w[..., 0].size)
    return requantize(summed(cols, w, b, sums), **how).reshape(*p.shape[:3], -1)

# %% fold-zero wrong: the stride is left out
def fold_zero(w, b, zero):
    return as_int32(b - zero*w.sum(tuple(range(w.ndim - 1)), dtype=np.int64))
def conv_codes(x, w, b, sums, zero_in, stride, pads, **how):
    p = patches(pad_image(x, pads, zero_in), w.shape[:2], (1, 1))
    cols = np.ascontiguousarray(p, sums).reshape(-1, w[..., 0].size)
    return requantize(summed(cols, w, b, sums), **how).reshape(*p.shape[:3], -1)

# %% fold-zero wrong: what does not fit int32 changes its sign
def fold_zero(w, b, zero):
    return (b - zero*w.sum(tuple(range(w.ndim - 1)), dtype=np.int64)).astype(np.int32)
def conv_codes(x, w, b, sums, zero_in, stride, pads, **how):
    p = patches(pad_image(x, pads, zero_in), w.shape[:2], stride)
    acc = summed(into(sums, p).reshape(-1, w[..., 0].size), w, b, sums)
    return requantize(acc, **how).reshape(*p.shape[:3], w.shape[-1])

# %% fold-zero wrong: int64
def fold_zero(w, b, zero):
    return b - zero*w.sum(tuple(range(w.ndim - 1)), dtype=np.int64)
def conv_codes(x, w, b, sums, zero_in, stride, pads, **how):
    p = patches(pad_image(x, pads, zero_in), w.shape[:2], stride)
    cols = np.ascontiguousarray(p, sums).reshape(-1, w[..., 0].size)
    return requantize(summed(cols, w, b, sums), **how).reshape(*p.shape[:3], -1)

# %% fold-zero wrong: always adds in float32
def fold_zero(w, b, zero):
    return as_int32(b - zero*w.sum(tuple(range(w.ndim - 1)), dtype=np.int64))
def conv_codes(x, w, b, sums, zero_in, stride, pads, **how):
    p = patches(pad_image(x, pads, zero_in), w.shape[:2], stride)
    acc = summed(into(np.float32, p).reshape(-1, w[..., 0].size), w, b, np.float32)
    return requantize(acc, **how).reshape(*p.shape[:3], -1)

# %% fold-zero right: the accumulator of a window of zero points
def fold_zero(w, b, zero):
    rows = w.reshape(-1, w.shape[-1]).astype(np.int64)
    return as_int32(b - np.full(len(rows), zero) @ rows)
def conv_codes(x, w, b, sums, zero_in, stride, pads, **how):
    around = np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=zero_in)
    p = patches(around, w.shape[:2], stride)
    acc = summed(p.astype(sums).reshape(-1, w.size//w.shape[-1]), w, b, sums)
    return requantize(acc, **how).reshape(*p.shape[:3], w.shape[-1])

# %% table-for wrong: in the order of the codes from -128
def table_for(f, given, wanted):
    return to_grid(f(from_grid(np.arange(-128, 128).astype(np.int8), given)), wanted)

# %% table-for wrong: the negative codes in the order of their sizes
def table_for(f, given, wanted):
    q = np.concatenate([np.arange(128), -1 - np.arange(128)]).astype(np.int8)
    return to_grid(f(from_grid(q, given)), wanted)

# %% table-for wrong: the output is put on the grid of the input
def table_for(f, given, wanted):
    q = np.arange(256).astype(np.uint8).view(np.int8)
    return to_grid(f(from_grid(q, given)), given)

# %% table-for wrong: the codes as they are, without their grid
def table_for(f, given, wanted):
    q = np.arange(256).astype(np.uint8).view(np.int8)
    return to_grid(f(q.astype(np.float32)), wanted)

# %% table-for wrong: one call of f for each code
def table_for(f, given, wanted):
    q = np.arange(256).astype(np.uint8).view(np.int8)
    return np.concatenate([to_grid(f(from_grid(q[i:i+1], given)), wanted) for i in range(256)])

# %% table-for right: the codes in order, turned by half
def table_for(f, given, wanted):
    return np.roll(to_grid(f(from_grid(np.arange(-128, 128).astype(np.int8), given)), wanted), 128)
