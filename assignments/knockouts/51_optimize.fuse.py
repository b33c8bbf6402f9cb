"Known answers to the exercises of 51_optimize.fuse, for `tinybench course prove`."

# %% folded wrong: the bias is not scaled
def folded(layer, norm):
    scale, shift = fold_stats(norm.gamma.data, norm.beta.data, norm.mean, norm.var, norm.eps)
    w = layer.w.data*(scale[:, None] if isinstance(layer, ConvTranspose2d) else scale)
    return w, shift if layer.b is None else layer.b.data + shift

# %% folded wrong: always along the last axis
def folded(layer, norm):
    scale, shift = fold_stats(norm.gamma.data, norm.beta.data, norm.mean, norm.var, norm.eps)
    return layer.w.data*scale, shift if layer.b is None else layer.b.data*scale + shift

# %% folded wrong: a layer without a bias stays without one
def folded(layer, norm):
    scale, shift = fold_stats(norm.gamma.data, norm.beta.data, norm.mean, norm.var, norm.eps)
    w = layer.w.data*(scale[:, None] if isinstance(layer, ConvTranspose2d) else scale)
    return w, None if layer.b is None else layer.b.data*scale + shift

# %% folded wrong: works in the layer itself
def folded(layer, norm):
    scale, shift = fold_stats(norm.gamma.data, norm.beta.data, norm.mean, norm.var, norm.eps)
    layer.w.data *= scale[:, None] if isinstance(layer, ConvTranspose2d) else scale
    return layer.w.data, shift if layer.b is None else layer.b.data*scale + shift

# %% folded wrong: forgets eps
def folded(layer, norm):
    scale, shift = fold_stats(norm.gamma.data, norm.beta.data, norm.mean, norm.var, 0)
    w = layer.w.data*(scale[:, None] if isinstance(layer, ConvTranspose2d) else scale)
    return w, shift if layer.b is None else layer.b.data*scale + shift

# %% folded right: by einsum and from the formula of BatchNorm
def folded(layer, norm):
    scale = norm.gamma.data/np.sqrt(norm.var + np.float32(norm.eps))
    axes = '...fc,f->...fc' if isinstance(layer, ConvTranspose2d) else '...f,f->...f'
    b = 0 if layer.b is None else layer.b.data
    return np.einsum(axes, layer.w.data, scale), (b - norm.mean)*scale + norm.beta.data

# %% conv-blocks-fwd wrong: all windows at once
def conv_blocks_fwd(x, w, b, stride, pads, relu=False, limit=BLOCK):
    out = conv_fwd(x, w, b, stride, pads)[0]
    if relu: np.maximum(out, 0, out=out)
    return out

# %% conv-blocks-fwd wrong: keeps the windows of all blocks
def conv_blocks_fwd(x, w, b, stride, pads, relu=False, limit=BLOCK):
    (kh, kw, c, f), (sh, _), x = w.shape, stride, pad_image(x, pads)
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out, kept = np.empty((n, oh, ow, f), x.dtype), []
    for i, r in blocks(n, oh, ow*kh*kw*c*x.itemsize, limit):
        kept.append(unfold(x[i, r.start*sh:(r.stop - 1)*sh + kh], (kh, kw), stride))
        y = kept[-1] @ w.reshape(-1, f) + b
        out[i, r] = (np.maximum(y, 0) if relu else y).reshape(out[i, r].shape)
    return out

# %% conv-blocks-fwd wrong: always with a ReLU
def conv_blocks_fwd(x, w, b, stride, pads, relu=False, limit=BLOCK):
    (kh, kw, c, f), (sh, _), x = w.shape, stride, pad_image(x, pads)
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = np.empty((n, oh, ow, f), x.dtype)
    for i, r in blocks(n, oh, ow*kh*kw*c*x.itemsize, limit):
        part = out[i, r].reshape(-1, f)
        np.matmul(unfold(x[i, r.start*sh:(r.stop - 1)*sh + kh], (kh, kw), stride), w.reshape(-1, f), out=part)
        part += b
        np.maximum(part, 0, out=part)
    return out

# %% conv-blocks-fwd wrong: blocks of whole images only, so a large image is one block
def conv_blocks_fwd(x, w, b, stride, pads, relu=False, limit=BLOCK):
    (kh, kw, c, f), x = w.shape, pad_image(x, pads)
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = np.empty((n, oh, ow, f), x.dtype)
    for i, _ in blocks(n, 1, oh*ow*kh*kw*c*x.itemsize, limit):
        part = out[i].reshape(-1, f)
        np.matmul(unfold(x[i], (kh, kw), stride), w.reshape(-1, f), out=part)
        part += b
        if relu: np.maximum(part, 0, out=part)
    return out

# %% conv-blocks-fwd wrong: blocks of one size, whatever the limit
def conv_blocks_fwd(x, w, b, stride, pads, relu=False, limit=BLOCK):
    (kh, kw, c, f), (sh, _), x = w.shape, stride, pad_image(x, pads)
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = np.empty((n, oh, ow, f), x.dtype)
    for i, r in blocks(n, oh, ow*kh*kw*c*x.itemsize):
        part = out[i, r].reshape(-1, f)
        np.matmul(unfold(x[i, r.start*sh:(r.stop - 1)*sh + kh], (kh, kw), stride), w.reshape(-1, f), out=part)
        part += b
        if relu: np.maximum(part, 0, out=part)
    return out

# %% conv-blocks-fwd wrong: leaves another bias behind
def conv_blocks_fwd(x, w, b, stride, pads, relu=False, limit=BLOCK):
    (kh, kw, c, f), (sh, _), x = w.shape, stride, pad_image(x, pads)
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = np.empty((n, oh, ow, f), x.dtype)
    for i, r in blocks(n, oh, ow*kh*kw*c*x.itemsize, limit):
        part = out[i, r].reshape(-1, f)
        np.matmul(unfold(x[i, r.start*sh:(r.stop - 1)*sh + kh], (kh, kw), stride), w.reshape(-1, f), out=part)
        part += b
        if relu: np.maximum(part, 0, out=part)
    b += 0*part[0] + 1
    return out

# %% conv-blocks-fwd right: collects the pieces, each a convolution of its own
def conv_blocks_fwd(x, w, b, stride, pads, relu=False, limit=BLOCK):
    (kh, kw, c, f), (sh, _), x = w.shape, stride, pad_image(x, pads)
    n, oh, ow = patches(x, (kh, kw), stride).shape[:3]
    out = np.empty((n, oh, ow, f), x.dtype)
    for i, r in blocks(n, oh, ow*kh*kw*c*x.itemsize, limit):
        y = np.tensordot(patches(x, (kh, kw), stride)[i, r], w, 3)
        y += b
        out[i, r] = y*(y > 0) if relu else y
    return out

# %% conv-blocks-vjp wrong: no mask
def conv_blocks_vjp(g, out, x, w, b, stride, pads, relu=False, **_):
    padded = pad_image(x, pads)
    return conv_vjp(g, (unfold(padded, w.shape[:2], stride), padded.shape), x, w, b, stride, pads)

# %% conv-blocks-vjp wrong: a mask without a ReLU too
def conv_blocks_vjp(g, out, x, w, b, stride, pads, relu=False, **_):
    padded, g = pad_image(x, pads), g*(out > 0)
    return conv_vjp(g, (unfold(padded, w.shape[:2], stride), padded.shape), x, w, b, stride, pads)

# %% conv-blocks-vjp wrong: windows of the image without its padding
def conv_blocks_vjp(g, out, x, w, b, stride, pads, relu=False, **_):
    if relu: g = g*(out > 0)
    return conv_vjp(g, (unfold(x, w.shape[:2], stride), x.shape), x, w, b, stride, pads)

# %% conv-blocks-vjp wrong: changes the gradient that it was given
def conv_blocks_vjp(g, out, x, w, b, stride, pads, relu=False, **_):
    if relu: g *= out > 0
    padded = pad_image(x, pads)
    return conv_vjp(g, (unfold(padded, w.shape[:2], stride), padded.shape), x, w, b, stride, pads)

# %% conv-blocks-vjp wrong: open where the output is 0
def conv_blocks_vjp(g, out, x, w, b, stride, pads, relu=False, **_):
    if relu: g = g*(out >= 0)
    padded = pad_image(x, pads)
    return conv_vjp(g, (unfold(padded, w.shape[:2], stride), padded.shape), x, w, b, stride, pads)

# %% conv-blocks-vjp right: the forward pass again, for its windows
def conv_blocks_vjp(g, out, x, w, b, stride, pads, relu=False, **_):
    padded = pad_image(x, pads)
    (kh, kw, c, f), cols = w.shape, patches(padded, w.shape[:2], stride)
    back = np.where(out > 0, g, 0) if relu else g
    return conv_vjp(back, (cols.reshape(-1, kh*kw*c), padded.shape), x, w, b, stride, pads)

# %% conv-planes-fwd wrong: computed pixel by pixel and turned afterwards
def conv_planes_fwd(x, w, b, stride, pads, relu=False, limit=BLOCK):
    out = conv_blocks_fwd(np.ascontiguousarray(x), w, b, stride, pads, relu, limit)
    return np.ascontiguousarray(out.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)

# %% conv-planes-fwd wrong: right numbers, stored pixel by pixel
def conv_planes_fwd(x, w, b, stride, pads, relu=False, limit=BLOCK):
    return conv_blocks_fwd(x, w, b, stride, pads, relu, limit)

# %% conv-planes-fwd wrong: a reshape where a transpose is needed
def conv_planes_fwd(x, w, b, stride, pads, relu=False, limit=BLOCK):
    out = conv_blocks_fwd(x, w, b, stride, pads, relu, limit)
    n, oh, ow, f = out.shape
    return out.reshape(n, f, oh, ow).transpose(0, 2, 3, 1)

# %% conv-planes-fwd wrong: all windows at once
def conv_planes_fwd(x, w, b, stride, pads, relu=False, limit=BLOCK):
    kh, kw, c, f = w.shape
    p = patches(planes_of(x, pads).transpose(0, 2, 3, 1), (kh, kw), stride)
    n, oh, ow = p.shape[:3]
    cols = np.ascontiguousarray(p.transpose(0, 3, 4, 5, 1, 2)).reshape(n, kh*kw*c, oh*ow)
    out = np.matmul(w.reshape(-1, f).T, cols) + b[:, None]
    if relu: np.maximum(out, 0, out=out)
    return out.reshape(n, f, oh, ow).transpose(0, 2, 3, 1)

# %% conv-planes-fwd wrong: never a ReLU
def conv_planes_fwd(x, w, b, stride, pads, relu=False, limit=BLOCK):
    kh, kw, c, f = w.shape
    p = patches(planes_of(x, pads).transpose(0, 2, 3, 1), (kh, kw), stride).transpose(0, 3, 4, 5, 1, 2)
    n, oh, ow = len(x), *p.shape[-2:]
    out = np.empty((n, f, oh, ow), x.dtype)
    for i, _ in blocks(n, 1, kh*kw*c*oh*ow*x.itemsize, limit):
        part = np.matmul(w.reshape(-1, f).T, p[i].reshape(-1, kh*kw*c, oh*ow)) + b[:, None]
        out[i] = part.reshape(-1, f, oh, ow)
    return out.transpose(0, 2, 3, 1)

# %% conv-planes-fwd right: the transpose of a product per image
def conv_planes_fwd(x, w, b, stride, pads, relu=False, limit=BLOCK):
    kh, kw, c, f = w.shape
    p = patches(planes_of(x, pads).transpose(0, 2, 3, 1), (kh, kw), stride)
    n, oh, ow = p.shape[:3]
    out = np.empty((n, f, oh, ow), x.dtype)
    for i in range(n):
        y = w.reshape(-1, f).T @ p[i].transpose(2, 3, 4, 0, 1).reshape(-1, oh*ow)
        y += b[:, None]
        out[i] = (np.maximum(y, 0) if relu else y).reshape(f, oh, ow)
    return out.transpose(0, 2, 3, 1)
