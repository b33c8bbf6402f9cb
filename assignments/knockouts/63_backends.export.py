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
    want, got = np.asarray(want, float), np.asarray(got, float)
    if want.shape != got.shape or not (np.isfinite(want).all() and np.isfinite(got).all()): return np.inf
    return float((np.abs(got - want)/np.maximum(np.abs(want), 1e-30)).max(initial=0))

# %% relative-error wrong: the mean difference
def relative_error(want, got):
    want, got = np.asarray(want, float), np.asarray(got, float)
    if want.shape != got.shape or not (np.isfinite(want).all() and np.isfinite(got).all()): return np.inf
    off, largest = np.abs(got - want).sum()/max(want.size, 1), np.abs(want).max(initial=0)
    return float(off/largest) if largest else np.inf if off else 0.

# %% relative-error wrong: NaN passes
def relative_error(want, got):
    want, got = np.asarray(want, float), np.asarray(got, float)
    if want.shape != got.shape: return np.inf
    off, largest = np.nanmax(np.abs(got - want), initial=0), np.nanmax(np.abs(want), initial=0)
    return float(off/largest) if largest else np.inf if off else 0.

# %% relative-error wrong: NaN that is due passes; only the hidden check notices
def relative_error(want, got):
    want, got = np.asarray(want, float), np.asarray(got, float)
    if want.shape != got.shape or not np.isfinite(got).all(): return np.inf
    off, largest = np.nanmax(np.abs(got - want), initial=0), np.nanmax(np.abs(want), initial=0)
    return float(off/largest) if largest else np.inf if off else 0.

# %% relative-error wrong: shapes that broadcast are taken for the same; only the hidden check notices
def relative_error(want, got):
    want, got = np.asarray(want, float), np.asarray(got, float)
    if not (np.isfinite(want).all() and np.isfinite(got).all()): return np.inf
    try: off, largest = np.abs(got - want).max(initial=0), np.abs(want).max(initial=0)
    except ValueError: return np.inf
    return float(off/largest) if largest else np.inf if off else 0.

# %% relative-error wrong: as many numbers are enough; only the hidden check notices
def relative_error(want, got):
    want, got = np.ravel(want).astype(float), np.ravel(got).astype(float)
    if want.size != got.size or not (np.isfinite(want).all() and np.isfinite(got).all()): return np.inf
    off, largest = np.abs(got - want).max(initial=0), np.abs(want).max(initial=0)
    return float(off/largest) if largest else np.inf if off else 0.

# %% relative-error wrong: the largest number, not the largest size
def relative_error(want, got):
    want, got = np.asarray(want, float), np.asarray(got, float)
    if want.shape != got.shape or not (np.isfinite(want).all() and np.isfinite(got).all()): return np.inf
    off, largest = np.abs(got - want).max(initial=0), np.abs(want.max(initial=0))
    return float(off/largest) if largest else np.inf if off else 0.

# %% relative-error wrong: codes are subtracted as int8; only the hidden check notices
def relative_error(want, got):
    if want.shape != got.shape or not (np.isfinite(want).all() and np.isfinite(got).all()): return np.inf
    off, largest = float(np.abs(got - want).max(initial=0)), np.abs(want.astype(float)).max(initial=0)
    return off/largest if largest else np.inf if off else 0.

# %% relative-error wrong: in parts of the larger of both; only the hidden check notices
def relative_error(want, got):
    want, got = np.asarray(want, float), np.asarray(got, float)
    if want.shape != got.shape or not (np.isfinite(want).all() and np.isfinite(got).all()): return np.inf
    off = np.abs(got - want).max(initial=0)
    largest = max(np.abs(want).max(initial=0), np.abs(got).max(initial=0))
    return float(off/largest) if largest else 0.

# %% relative-error wrong: a small number in place of zeros that are due; only the hidden check notices
def relative_error(want, got):
    want, got = np.asarray(want, float), np.asarray(got, float)
    if want.shape != got.shape or not (np.isfinite(want).all() and np.isfinite(got).all()): return np.inf
    return float(np.abs(got - want).max(initial=0)/max(np.abs(want).max(initial=0), 1e-30))

# %% relative-error right: by the norm that takes the largest
def relative_error(want, got):
    want, got = np.asarray(want, np.float64), np.asarray(got, np.float64)
    if want.shape != got.shape: return float('inf')
    if want.size == 0: return 0.
    a, b = want.reshape(-1), got.reshape(-1)
    if not np.isfinite(np.concatenate([a, b])).all(): return float('inf')
    off, size = np.linalg.norm(b - a, np.inf), np.linalg.norm(a, np.inf)
    return 0. if off == 0 else off/size if size else float('inf')

# %% relative-error right: one number after the other
def relative_error(want, got):
    if np.shape(want) != np.shape(got): return float('inf')
    pairs = [(float(a), float(b)) for a, b in zip(np.ravel(want), np.ravel(got))]
    if any(a - a != 0 or b - b != 0 for a, b in pairs): return float('inf')
    scale, off = max((abs(a) for a, _ in pairs), default=0), max((abs(a - b) for a, b in pairs), default=0)
    return off/scale if scale else (float('inf') if off else 0.)

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
