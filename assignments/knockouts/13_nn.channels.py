"Known answers to the exercises of 13_nn.channels, for `tinybench course prove`."

# %% depthwise-fwd wrong: sums over the channels, as an ordinary convolution does
def depthwise_fwd(x, w, b, stride, pads):
    x = pad_image(x, pads)
    (kh, kw, c), (sh, sw) = w.shape, stride
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = np.zeros((n, oh, ow, c), x.dtype) + b
    for i, j in np.ndindex(kh, kw):
        out += (x[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw]*w[i, j]).sum(-1, keepdims=True)
    return out, x

# %% depthwise-fwd wrong: forgets the stride
def depthwise_fwd(x, w, b, stride, pads):
    x = pad_image(x, pads)
    (kh, kw, c), (sh, sw) = w.shape, stride
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = np.zeros((n, oh, ow, c), x.dtype) + b
    for i, j in np.ndindex(kh, kw): out += x[:, i:i+oh, j:j+ow]*w[i, j]
    return out, x

# %% depthwise-fwd wrong: the two strides swapped
def depthwise_fwd(x, w, b, stride, pads):
    x = pad_image(x, pads)
    (kh, kw, c), (sw, sh) = w.shape, stride
    n, oh, ow = patches(x, (kh, kw), (sh, sw)).shape[:3]
    out = np.zeros((n, oh, ow, c), x.dtype) + b
    for i, j in np.ndindex(kh, kw): out += x[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw]*w[i, j]
    return out, x

# %% depthwise-fwd wrong: no zeros around the image
def depthwise_fwd(x, w, b, stride, pads):
    (kh, kw, c), (sh, sw) = w.shape, stride
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = np.zeros((n, oh, ow, c), x.dtype) + b
    for i, j in np.ndindex(kh, kw): out += x[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw]*w[i, j]
    return out, x

# %% depthwise-fwd wrong: the filter turned by 180 degrees
def depthwise_fwd(x, w, b, stride, pads):
    x = pad_image(x, pads)
    (kh, kw, c), (sh, sw) = w.shape, stride
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = np.zeros((n, oh, ow, c), x.dtype) + b
    for i, j in np.ndindex(kh, kw): out += x[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw]*w[-1 - i, -1 - j]
    return out, x

# %% depthwise-fwd wrong: rows and columns of the filter swapped
def depthwise_fwd(x, w, b, stride, pads):
    x = pad_image(x, pads)
    (kh, kw, c), (sh, sw) = w.shape, stride
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = np.zeros((n, oh, ow, c), x.dtype) + b
    for i, j in np.ndindex(kh, kw):
        out += x[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw]*w.reshape(kw, kh, c)[j, i]
    return out, x

# %% depthwise-fwd wrong: forgets the bias
def depthwise_fwd(x, w, b, stride, pads):
    x = pad_image(x, pads)
    (kh, kw, c), (sh, sw) = w.shape, stride
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = np.zeros((n, oh, ow, c), x.dtype)
    for i, j in np.ndindex(kh, kw): out += x[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw]*w[i, j]
    return out, x

# %% depthwise-fwd wrong: adds the bias at every place of the filter
def depthwise_fwd(x, w, b, stride, pads):
    x = pad_image(x, pads)
    (kh, kw, c), (sh, sw) = w.shape, stride
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = np.zeros((n, oh, ow, c), x.dtype)
    for i, j in np.ndindex(kh, kw): out += x[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw]*w[i, j] + b
    return out, x

# %% depthwise-fwd wrong: keeps the image without its zeros
def depthwise_fwd(x, w, b, stride, pads):
    given, x = x, pad_image(x, pads)
    (kh, kw, c), (sh, sw) = w.shape, stride
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = np.zeros((n, oh, ow, c), x.dtype) + b
    for i, j in np.ndindex(kh, kw): out += x[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw]*w[i, j]
    return out, given

# %% depthwise-fwd wrong: the last place of the filter only
def depthwise_fwd(x, w, b, stride, pads):
    x = pad_image(x, pads)
    (kh, kw, c), (sh, sw) = w.shape, stride
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = np.zeros((n, oh, ow, c), x.dtype) + b
    for i, j in np.ndindex(kh, kw): out = b + x[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw]*w[i, j]
    return out, x

# %% depthwise-fwd wrong: one output for all calls of a shape
def depthwise_fwd(x, w, b, stride, pads, kept={}):
    x = pad_image(x, pads)
    (kh, kw, c), (sh, sw) = w.shape, stride
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = kept.setdefault((n, oh, ow, c), np.empty((n, oh, ow, c), x.dtype))
    out[...] = b
    for i, j in np.ndindex(kh, kw): out += x[:, i:i+(oh-1)*sh+1:sh, j:j+(ow-1)*sw+1:sw]*w[i, j]
    return out, x

# %% depthwise-fwd right: every window at once
def depthwise_fwd(x, w, b, stride, pads):
    x = pad_image(x, pads)
    return np.einsum('nhwijc,ijc->nhwc', patches(x, w.shape[:2], stride), w) + b, x

# %% depthwise-fwd right: an ordinary convolution a channel, window by window
def depthwise_fwd(x, w, b, stride, pads):
    x = np.pad(x, ((0, 0), *pads, (0, 0)))
    (kh, kw, c), (sh, sw) = w.shape, stride
    rows, columns = range(0, x.shape[1] - kh + 1, sh), range(0, x.shape[2] - kw + 1, sw)
    out = [[(x[:, r:r+kh, s:s+kw]*w).sum((1, 2)) + b for s in columns] for r in rows]
    return np.array(out).transpose(2, 0, 1, 3), x

# %% transpose-size wrong: forgets what the last stamp reaches beyond
def transpose_size(n, k, stride, padding):
    return n*stride

# %% transpose-size wrong: cuts what a small stamp leaves untouched
def transpose_size(n, k, stride, padding):
    return n*stride if padding == 'same' else (n - 1)*stride + k

# %% transpose-size wrong: the two paddings swapped
def transpose_size(n, k, stride, padding):
    return n*stride + (max(k - stride, 0) if padding == 'same' else 0)

# %% transpose-size wrong: adds the whole kernel
def transpose_size(n, k, stride, padding):
    return n*stride + (k if padding == 'valid' else 0)

# %% transpose-size wrong: the size of a convolution's output, not of its input
def transpose_size(n, k, stride, padding):
    return -(-n//stride) if padding == 'same' else (n - k)//stride + 1

# %% transpose-size wrong: 'same' keeps the size of the small image
def transpose_size(n, k, stride, padding):
    return n if padding == 'same' else max(n*stride, (n - 1)*stride + k)

# %% transpose-size wrong: one more for every stamp
def transpose_size(n, k, stride, padding):
    return n*stride + (max(k - stride, 0)*n if padding == 'valid' else 0)

# %% transpose-size wrong: one row more, however far the kernel sticks out
def transpose_size(n, k, stride, padding):
    return n*stride + int(padding == 'valid' and k > stride)

# %% transpose-size right: where the last stamp ends, or the last stride
def transpose_size(n, k, stride, padding):
    return n*stride if padding == 'same' else (n - 1)*stride + max(k, stride)
