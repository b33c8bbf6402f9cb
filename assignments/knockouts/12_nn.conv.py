"Known answers to the exercises of 12_nn.conv, for `tinybench course prove`."

# %% patches wrong: strides worked out as if x lay in one piece
def patches(x, kernel, stride):
    (n, h, w, c), (kh, kw), (sh, sw) = x.shape, kernel, stride
    if kh > h or kw > w: raise ValueError(f'a kernel of {kh}x{kw} is larger than its input of {h}x{w}')
    e = x.itemsize
    d, b, a = e*c, e*c*w, e*c*w*h
    return as_strided(x, (n, (h - kh)//sh + 1, (w - kw)//sw + 1, kh, kw, c), (a, b*sh, d*sw, b, d, e),
                      writeable=False)

# %% patches wrong: a contiguous copy first
def patches(x, kernel, stride):
    x = np.ascontiguousarray(x)
    (n, h, w, c), (kh, kw), (sh, sw) = x.shape, kernel, stride
    if kh > h or kw > w: raise ValueError(f'a kernel of {kh}x{kw} is larger than its input of {h}x{w}')
    a, b, d, e = x.strides
    return as_strided(x, (n, (h - kh)//sh + 1, (w - kw)//sw + 1, kh, kw, c), (a, b*sh, d*sw, b, d, e),
                      writeable=False)

# %% patches wrong: the two strides swapped
def patches(x, kernel, stride):
    (n, h, w, c), (kh, kw), (sw, sh) = x.shape, kernel, stride
    if kh > h or kw > w: raise ValueError(f'a kernel of {kh}x{kw} is larger than its input of {h}x{w}')
    a, b, d, e = x.strides
    return as_strided(x, (n, (h - kh)//sh + 1, (w - kw)//sw + 1, kh, kw, c), (a, b*sh, d*sw, b, d, e),
                      writeable=False)

# %% patches wrong: copies the windows one by one
def patches(x, kernel, stride):
    (n, h, w, c), (kh, kw), (sh, sw) = x.shape, kernel, stride
    if kh > h or kw > w: raise ValueError(f'a kernel of {kh}x{kw} is larger than its input of {h}x{w}')
    out = np.empty((n, (h - kh)//sh + 1, (w - kw)//sw + 1, kh, kw, c), x.dtype)
    for i, j in np.ndindex(*out.shape[1:3]): out[:, i, j] = x[:, i*sh:i*sh + kh, j*sw:j*sw + kw]
    return out

# %% patches wrong: the windows can be written to
def patches(x, kernel, stride):
    (n, h, w, c), (kh, kw), (sh, sw) = x.shape, kernel, stride
    if kh > h or kw > w: raise ValueError(f'a kernel of {kh}x{kw} is larger than its input of {h}x{w}')
    a, b, d, e = x.strides
    return as_strided(x, (n, (h - kh)//sh + 1, (w - kw)//sw + 1, kh, kw, c), (a, b*sh, d*sw, b, d, e))

# %% patches wrong: looks at the kernel's height only
def patches(x, kernel, stride):
    (n, h, w, c), (kh, kw), (sh, sw) = x.shape, kernel, stride
    if kh > h: raise ValueError(f'a kernel of {kh}x{kw} is larger than its input of {h}x{w}')
    a, b, d, e = x.strides
    return as_strided(x, (n, (h - kh)//sh + 1, (w - kw)//sw + 1, kh, kw, c), (a, b*sh, d*sw, b, d, e),
                      writeable=False)

# %% patches wrong: one window too few
def patches(x, kernel, stride):
    (n, h, w, c), (kh, kw), (sh, sw) = x.shape, kernel, stride
    if kh > h or kw > w: raise ValueError(f'a kernel of {kh}x{kw} is larger than its input of {h}x{w}')
    a, b, d, e = x.strides
    return as_strided(x, (n, (h - kh)//sh, (w - kw)//sw, kh, kw, c), (a, b*sh, d*sw, b, d, e),
                      writeable=False)

# %% patches right: numpy's own sliding windows, thinned out, channels last
def patches(x, kernel, stride):
    (kh, kw), (sh, sw), (h, w) = kernel, stride, x.shape[1:3]
    if kh > h or kw > w: raise ValueError(f'a kernel of {kh}x{kw} is larger than its input of {h}x{w}')
    every = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(1, 2))
    return np.moveaxis(every[:, ::sh, ::sw], 3, -1)

# %% same-pads wrong: less than no zeros where a small kernel takes large steps
def same_pads(n, k, stride=1):
    total = (-(-n//stride) - 1)*stride + k - n
    return total//2, total - total//2

# %% same-pads wrong: nothing is missing as soon as the stride is as large as the kernel
def same_pads(n, k, stride=1):
    if stride >= k: return 0, 0
    total = max((-(-n//stride) - 1)*stride + k - n, 0)
    return total//2, total - total//2

# %% same-pads wrong: gives up where the kernel is larger than the image
def same_pads(n, k, stride=1):
    if k > n: return 0, 0
    total = max((-(-n//stride) - 1)*stride + k - n, 0)
    return total//2, total - total//2

# %% same-pads wrong: a zero too many where the last window ends early
def same_pads(n, k, stride=1):
    total = abs((-(-n//stride) - 1)*stride + k - n)
    return total//2, total - total//2

# %% same-pads wrong: forgets the stride
def same_pads(n, k, stride=1):
    return (k - 1)//2, k//2

# %% same-pads wrong: the odd zero goes before
def same_pads(n, k, stride=1):
    total = max((-(-n//stride) - 1)*stride + k - n, 0)
    return total - total//2, total//2

# %% same-pads wrong: rounds the number of outputs down
def same_pads(n, k, stride=1):
    total = max((n//stride - 1)*stride + k - n, 0)
    return total//2, total - total//2

# %% same-pads right: from the rest of the division, as TensorFlow's documentation has it
def same_pads(n, k, stride=1):
    rest = n % stride
    total = max(k - (rest if rest else stride), 0)
    before = total//2
    return before, total - before

# %% same-pads right: adds zeros after and before in turn until there are enough
def same_pads(n, k, stride=1):
    outputs, pads = len(range(0, n, stride)), [0, 0]
    while len(range(0, n + sum(pads) - k + 1, stride)) < outputs: pads[sum(pads) % 2 == 0] += 1
    return tuple(pads)

# %% fold wrong: forgets the stride
def fold(cols, shape, stride):
    n, oh, ow, kh, kw, c = cols.shape
    x = np.zeros(shape, cols.dtype)
    for i, j in np.ndindex(kh, kw): x[:, i:i+oh, j:j+ow] += cols[:, :, :, i, j]
    return x

# %% fold wrong: the two strides swapped
def fold(cols, shape, stride):
    n, oh, ow, kh, kw, c = cols.shape
    sw, sh = stride
    x = np.zeros(shape, cols.dtype)
    for i, j in np.ndindex(kh, kw): x[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw] += cols[:, :, :, i, j]
    return x

# %% fold wrong: one image for all calls of a shape, cleared each time
def fold(cols, shape, stride, kept={}):
    n, oh, ow, kh, kw, c = cols.shape
    sh, sw = stride
    x = kept.setdefault((shape, cols.dtype), np.empty(shape, cols.dtype))
    x.fill(0)
    for i, j in np.ndindex(kh, kw): x[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw] += cols[:, :, :, i, j]
    return x

# %% fold wrong: sums up inside cols
def fold(cols, shape, stride):
    n, oh, ow, kh, kw, c = cols.shape
    sh, sw = stride
    x = np.zeros(shape, cols.dtype)
    for r, s in np.ndindex(oh, ow):
        window = x[:, r*sh:r*sh+kh, s*sw:s*sw+kw]
        cols[:, r, s] += window
        window[...] = cols[:, r, s]
    return x

# %% fold wrong: writes instead of adding
def fold(cols, shape, stride):
    n, oh, ow, kh, kw, c = cols.shape
    sh, sw = stride
    x = np.zeros(shape, cols.dtype)
    for i, j in np.ndindex(kh, kw): x[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw] = cols[:, :, :, i, j]
    return x

# %% fold wrong: rows and columns past the last window are taken too
def fold(cols, shape, stride):
    n, oh, ow, kh, kw, c = cols.shape
    sh, sw = stride
    x = np.zeros(shape, cols.dtype)
    for i, j in np.ndindex(kh, kw): x[:, i::sh, j::sw] += cols[:, :, :, i, j]
    return x

# %% fold wrong: the mean of the windows, not their sum
def fold(cols, shape, stride):
    n, oh, ow, kh, kw, c = cols.shape
    sh, sw = stride
    x, count = np.zeros(shape, cols.dtype), np.zeros(shape, cols.dtype)
    for i, j in np.ndindex(kh, kw):
        x[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw] += cols[:, :, :, i, j]
        count[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw] += 1
    return x/np.maximum(count, 1)

# %% fold right: window by window
def fold(cols, shape, stride):
    x, (kh, kw) = np.zeros(shape, cols.dtype), cols.shape[3:5]
    for r, s in np.ndindex(*cols.shape[1:3]):
        top, left = r*stride[0], s*stride[1]
        x[:, top:top+kh, left:left+kw] += cols[:, r, s]
    return x

# %% fold right: patches says which pixel each number belongs to
def fold(cols, shape, stride):
    pixels = np.arange(np.prod(shape)).reshape(shape)
    x = np.zeros(pixels.size, cols.dtype)
    np.add.at(x, patches(pixels, cols.shape[3:5], stride).ravel(), cols.ravel())
    return x.reshape(shape)
