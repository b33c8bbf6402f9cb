"Known answers to the exercises of 63_backends.export, for `tinybench course prove`."

# %% explicit-pads wrong: as many zeros on both sides
def explicit_pads(padding, size, kernel, stride):
    if padding == 'valid': return [0, 0, 0, 0]
    if padding != 'same': return [*padding, *padding]
    (top, bottom), (left, right) = (same_pads(*axis) for axis in zip(size, kernel, stride))
    return [max(top, bottom), max(left, right)]*2

# %% explicit-pads wrong: the odd row in front
def explicit_pads(padding, size, kernel, stride):
    if padding == 'valid': return [0, 0, 0, 0]
    if padding != 'same': return [*padding, *padding]
    (top, bottom), (left, right) = (same_pads(*axis) for axis in zip(size, kernel, stride))
    return [bottom, right, top, left]

# %% explicit-pads wrong: top, bottom, left, right
def explicit_pads(padding, size, kernel, stride):
    if padding == 'valid': return [0, 0, 0, 0]
    if padding != 'same': return [padding[0]]*2 + [padding[1]]*2
    return [n for axis in zip(size, kernel, stride) for n in same_pads(*axis)]

# %% explicit-pads wrong: what PyTorch would do, half of the kernel
def explicit_pads(padding, size, kernel, stride):
    if padding == 'valid': return [0, 0, 0, 0]
    if padding == 'same': padding = kernel[0]//2, kernel[1]//2
    return [*padding, *padding]

# %% explicit-pads wrong: two numbers as horizontal and vertical, which only the hidden check notices
def explicit_pads(padding, size, kernel, stride):
    if padding == 'valid': return [0, 0, 0, 0]
    if padding != 'same': return [padding[1], padding[0]]*2
    (top, bottom), (left, right) = (same_pads(*axis) for axis in zip(size, kernel, stride))
    return [top, left, bottom, right]

# %% explicit-pads wrong: negative where windows leave rows out, which only the hidden check notices
def explicit_pads(padding, size, kernel, stride):
    if padding == 'valid': return [0, 0, 0, 0]
    if padding != 'same': return [*padding, *padding]
    total = [(-(-n//s) - 1)*s + k - n for n, k, s in zip(size, kernel, stride)]
    return [total[0]//2, total[1]//2, total[0] - total[0]//2, total[1] - total[1]//2]

# %% explicit-pads right: without same_pads
def explicit_pads(padding, size, kernel, stride):
    if padding == 'valid': padding = 0, 0
    if padding != 'same': total = [2*p for p in padding]
    else: total = [max(-(-n//s)*s - s + k - n, 0) for n, k, s in zip(size, kernel, stride)]
    return [t//2 for t in total] + [(t + 1)//2 for t in total]

# %% onnx-weights wrong: input channels first
def onnx_weights(op, w):
    if op == 'CONV_2D': return w.transpose(2, 3, 0, 1)
    return w.transpose(2, 0, 1)[:, None] if op == 'DEPTHWISE_CONV_2D' else w

# %% onnx-weights wrong: all axes turned, height and width too, which the visible check sees by their lengths
def onnx_weights(op, w):
    if op == 'CONV_2D': return w.T
    return w.T[:, None] if op == 'DEPTHWISE_CONV_2D' else w

# %% onnx-weights wrong: the right shape, the numbers in their old order; only the hidden check notices
def onnx_weights(op, w):
    if op == 'CONV_2D': return w.reshape(w.shape[3], w.shape[2], *w.shape[:2])
    return w.reshape(w.shape[2], 1, *w.shape[:2]) if op == 'DEPTHWISE_CONV_2D' else w

# %% onnx-weights wrong: a dense layer turned, as in PyTorch; only the hidden check notices
def onnx_weights(op, w):
    if op == 'CONV_2D': return w.transpose(3, 2, 0, 1)
    return w.transpose(2, 0, 1)[:, None] if op == 'DEPTHWISE_CONV_2D' else w.T

# %% onnx-weights wrong: kernels turned by 180 degrees; only the hidden check notices
def onnx_weights(op, w):
    if op == 'CONV_2D': return w[::-1, ::-1].transpose(3, 2, 0, 1)
    return w[::-1, ::-1].transpose(2, 0, 1)[:, None] if op == 'DEPTHWISE_CONV_2D' else w

# %% onnx-weights right: by moving axes
def onnx_weights(op, w):
    if op == 'CONV_2D': return np.moveaxis(np.moveaxis(w, 3, 0), 3, 1)
    return np.expand_dims(np.moveaxis(w, 2, 0), 1) if op == 'DEPTHWISE_CONV_2D' else w

# %% pixel-rows wrong: as they are
def pixel_rows(w, shape): return w

# %% pixel-rows wrong: the other way, from pixels to planes; only the hidden check notices
def pixel_rows(w, shape): return w.reshape(*shape, -1).transpose(2, 0, 1, 3).reshape(w.shape)

# %% pixel-rows wrong: width before height, which only the hidden check notices
def pixel_rows(w, shape):
    h, width, c = shape
    return w.reshape(c, h, width, -1).transpose(2, 1, 0, 3).reshape(w.shape)

# %% pixel-rows wrong: planes of the wrong sides, which only the hidden check notices
def pixel_rows(w, shape):
    h, width, c = shape
    return w.reshape(c, width, h, -1).transpose(2, 1, 0, 3).reshape(w.shape)

# %% pixel-rows right: the place of each row, looked up
def pixel_rows(w, shape):
    h, width, c = shape
    place = np.arange(len(w)).reshape(c, h, width)
    return w[np.moveaxis(place, 0, -1).ravel()]

# %% relative-error wrong: each number in parts of itself
def relative_error(want, got):
    want, got = np.ravel(want).astype(float), np.ravel(got).astype(float)
    if not (np.isfinite(want).all() and np.isfinite(got).all()): return np.inf
    return float(np.max(np.abs(got - want)/np.maximum(np.abs(want), 1e-30)))

# %% relative-error wrong: the mean difference
def relative_error(want, got):
    want, got = np.ravel(want).astype(float), np.ravel(got).astype(float)
    if not (np.isfinite(want).all() and np.isfinite(got).all()): return np.inf
    return float(np.abs(got - want).mean()/max(np.abs(want).max(), 1e-30))

# %% relative-error wrong: NaN passes
def relative_error(want, got):
    want, got = np.ravel(want).astype(float), np.ravel(got).astype(float)
    return float(np.nanmax(np.abs(got - want))/np.nanmax(np.abs(want)))

# %% relative-error wrong: the largest number, not the largest size
def relative_error(want, got):
    want, got = np.ravel(want).astype(float), np.ravel(got).astype(float)
    if not (np.isfinite(want).all() and np.isfinite(got).all()): return np.inf
    off = np.abs(got - want).max(initial=0)
    return float(off/want.max()) if off else 0.

# %% relative-error wrong: codes are subtracted as int8; only the hidden check notices
def relative_error(want, got):
    if not (np.isfinite(want).all() and np.isfinite(got).all()): return np.inf
    off = float(np.abs(got - want).max())
    return off/float(np.abs(want.astype(float)).max()) if off else 0.

# %% relative-error wrong: in parts of the larger of both; only the hidden check notices
def relative_error(want, got):
    want, got = np.ravel(want).astype(float), np.ravel(got).astype(float)
    if not (np.isfinite(want).all() and np.isfinite(got).all()): return np.inf
    off = np.abs(got - want).max(initial=0)
    return float(off/max(np.abs(want).max(), np.abs(got).max())) if off else 0.

# %% relative-error right: by the norm that takes the largest
def relative_error(want, got):
    want, got = (np.asarray(a, np.float64).reshape(-1) for a in (want, got))
    if not np.isfinite(np.concatenate([want, got])).all(): return float('inf')
    off, size = np.linalg.norm(got - want, np.inf), np.linalg.norm(want, np.inf)
    return 0. if off == 0 else off/size

# %% steps-off wrong: subtracted as int8, which only the hidden check notices
def steps_off(want, got):
    return tuple(np.bincount(np.abs((np.ravel(want) - np.ravel(got)).astype(int))).tolist())

# %% steps-off wrong: with signs
def steps_off(want, got):
    off = np.ravel(want).astype(int) - np.ravel(got)
    return tuple(np.bincount(off[off >= 0]).tolist())

# %% steps-off wrong: equal codes are not counted
def steps_off(want, got):
    return tuple(np.bincount(np.abs(np.ravel(want).astype(int) - np.ravel(got)))[1:].tolist())

# %% steps-off wrong: only those steps that occur
def steps_off(want, got):
    off = np.abs(np.ravel(want).astype(int) - np.ravel(got))
    return tuple(np.unique(off, return_counts=True)[1].tolist())

# %% steps-off right: by counting
def steps_off(want, got):
    off = [abs(int(a) - int(b)) for a, b in zip(np.ravel(want), np.ravel(got))]
    return tuple(off.count(k) for k in range(max(off) + 1))
