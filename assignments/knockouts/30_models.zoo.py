"Known answers to the exercises of 30_models.zoo, for `tinybench course prove`."

# %% separable wrong: the second half shrinks the image, so every pixel is mixed first
def separable(c_in, c_out, rng, stride=1):
    return [*bn_relu(DepthwiseConv2d(c_in, 3, rng, padding='same')),
            *bn_relu(Conv2d(c_in, c_out, 1, rng, stride=stride))]

# %% separable wrong: both halves shrink the image
def separable(c_in, c_out, rng, stride=1):
    return [*bn_relu(DepthwiseConv2d(c_in, 3, rng, stride, 'same')),
            *bn_relu(Conv2d(c_in, c_out, 1, rng, stride))]

# %% separable wrong: no padding
def separable(c_in, c_out, rng, stride=1):
    return [*bn_relu(DepthwiseConv2d(c_in, 3, rng, stride)), *bn_relu(Conv2d(c_in, c_out, 1, rng))]

# %% separable wrong: one normalisation, after both halves
def separable(c_in, c_out, rng, stride=1):
    return [DepthwiseConv2d(c_in, 3, rng, stride, 'same'), *bn_relu(Conv2d(c_in, c_out, 1, rng))]

# %% separable wrong: no ReLU between the halves
def separable(c_in, c_out, rng, stride=1):
    return [DepthwiseConv2d(c_in, 3, rng, stride, 'same'), BatchNorm(c_in),
            *bn_relu(Conv2d(c_in, c_out, 1, rng))]

# %% separable wrong: mixes first and looks around afterwards
def separable(c_in, c_out, rng, stride=1):
    return [*bn_relu(Conv2d(c_in, c_out, 1, rng)), *bn_relu(DepthwiseConv2d(c_out, 3, rng, stride, 'same'))]

# %% separable wrong: draws from a generator of its own and ignores the one passed in
def separable(c_in, c_out, rng, stride=1):
    rng = np.random.default_rng(0)
    return [*bn_relu(DepthwiseConv2d(c_in, 3, rng, stride, 'same')), *bn_relu(Conv2d(c_in, c_out, 1, rng))]

# %% separable right: layer by layer, without bn_relu
def separable(c_in, c_out, rng, stride=1):
    layers = []
    around = DepthwiseConv2d(c_in, (3, 3), rng, stride=(stride, stride), padding='same')
    mix = Conv2d(c_in, c_out, (1, 1), rng, stride=(1, 1), padding='same')
    for layer, channels in ((around, c_in), (mix, c_out)):
        layers.append(layer)
        layers.append(BatchNorm(channels))
        layers.append(ReLU())
    return layers

# %% residual-block wrong: the second convolution has a ReLU of its own
def residual_block(c_in, c_out, rng, stride=1):
    conv = partial(Conv2d, rng=rng, padding='same', init=he_normal)
    body = Sequential(*bn_relu(conv(c_in, c_out, 3, stride=stride)), *bn_relu(conv(c_out, c_out, 3)))
    same = stride == 1 and c_in == c_out
    return [Residual(body, None if same else conv(c_in, c_out, 1, stride=stride)), ReLU()]

# %% residual-block wrong: a shortcut only where the channels change, not where just the size does
def residual_block(c_in, c_out, rng, stride=1):
    conv = partial(Conv2d, rng=rng, padding='same', init=he_normal)
    body = Sequential(*bn_relu(conv(c_in, c_out, 3, stride=stride)), conv(c_out, c_out, 3), BatchNorm(c_out))
    return [Residual(body, conv(c_in, c_out, 1, stride=stride) if c_in != c_out else None), ReLU()]

# %% residual-block wrong: a shortcut always
def residual_block(c_in, c_out, rng, stride=1):
    conv = partial(Conv2d, rng=rng, padding='same', init=he_normal)
    body = Sequential(*bn_relu(conv(c_in, c_out, 3, stride=stride)), conv(c_out, c_out, 3), BatchNorm(c_out))
    return [Residual(body, conv(c_in, c_out, 1, stride=stride)), ReLU()]

# %% residual-block wrong: the second convolution shrinks the image
def residual_block(c_in, c_out, rng, stride=1):
    conv = partial(Conv2d, rng=rng, padding='same', init=he_normal)
    body = Sequential(*bn_relu(conv(c_in, c_out, 3)), conv(c_out, c_out, 3, stride=stride), BatchNorm(c_out))
    same = stride == 1 and c_in == c_out
    return [Residual(body, None if same else conv(c_in, c_out, 1, stride=stride)), ReLU()]

# %% residual-block wrong: the weights are drawn as usual, not by he_normal
def residual_block(c_in, c_out, rng, stride=1):
    conv = partial(Conv2d, rng=rng, padding='same')
    body = Sequential(*bn_relu(conv(c_in, c_out, 3, stride=stride)), conv(c_out, c_out, 3), BatchNorm(c_out))
    same = stride == 1 and c_in == c_out
    return [Residual(body, None if same else conv(c_in, c_out, 1, stride=stride)), ReLU()]

# %% residual-block wrong: he_normal for the body, forgotten in the shortcut
def residual_block(c_in, c_out, rng, stride=1):
    conv = partial(Conv2d, rng=rng, padding='same', init=he_normal)
    body = Sequential(*bn_relu(conv(c_in, c_out, 3, stride=stride)), conv(c_out, c_out, 3), BatchNorm(c_out))
    same = stride == 1 and c_in == c_out
    return [Residual(body, None if same else Conv2d(c_in, c_out, 1, rng, stride)), ReLU()]

# %% residual-block wrong: no ReLU after the sum
def residual_block(c_in, c_out, rng, stride=1):
    conv = partial(Conv2d, rng=rng, padding='same', init=he_normal)
    body = Sequential(*bn_relu(conv(c_in, c_out, 3, stride=stride)), conv(c_out, c_out, 3), BatchNorm(c_out))
    same = stride == 1 and c_in == c_out
    return [Residual(body, None if same else conv(c_in, c_out, 1, stride=stride))]

# %% residual-block wrong: a normalisation in the shortcut, as in the paper but not in MLPerf Tiny
def residual_block(c_in, c_out, rng, stride=1):
    conv = partial(Conv2d, rng=rng, padding='same', init=he_normal)
    body = Sequential(*bn_relu(conv(c_in, c_out, 3, stride=stride)), conv(c_out, c_out, 3), BatchNorm(c_out))
    if stride == 1 and c_in == c_out: return [Residual(body), ReLU()]
    return [Residual(body, Sequential(conv(c_in, c_out, 1, stride=stride), BatchNorm(c_out))), ReLU()]

# %% residual-block wrong: the same weights each time, whatever the generator
def residual_block(c_in, c_out, rng, stride=1):
    conv = partial(Conv2d, rng=np.random.default_rng(0), padding='same', init=he_normal)
    body = Sequential(*bn_relu(conv(c_in, c_out, 3, stride=stride)), conv(c_out, c_out, 3), BatchNorm(c_out))
    same = stride == 1 and c_in == c_out
    return [Residual(body, None if same else conv(c_in, c_out, 1, stride=stride)), ReLU()]

# %% residual-block right: the body in two nested halves, the shortcut drawn first
def residual_block(c_in, c_out, rng, stride=1):
    shortcut = None
    if stride != 1 or c_in != c_out: shortcut = Conv2d(c_in, c_out, 1, rng, stride, init=he_normal)
    first = Sequential(Conv2d(c_in, c_out, 3, rng, stride, 'same', he_normal), BatchNorm(c_out), ReLU())
    second = Sequential(Conv2d(c_out, c_out, 3, rng, 1, 'same', he_normal), BatchNorm(c_out))
    return [Residual(Sequential(first, second), shortcut), ReLU()]

# %% residual-block right: written out, without partial
def residual_block(c_in, c_out, rng, stride=1):
    body = bn_relu(Conv2d(c_in, c_out, 3, rng, stride=stride, padding='same', init=he_normal))
    body += bn_relu(Conv2d(c_out, c_out, 3, rng, padding='same', init=he_normal))[:2]
    way = Residual(Sequential(*body))
    if (c_in, stride) != (c_out, 1): way.shortcut = Conv2d(c_in, c_out, 1, rng, stride=stride, init=he_normal)
    return [way, ReLU()]

# %% folded-parameters wrong: looks only at the first level
def folded_parameters(net):
    return net.n_parameters() - sum(m.n_parameters() for m in net if isinstance(m, BatchNorm))

# %% folded-parameters wrong: subtracts mean and var too, which were never counted
def folded_parameters(net):
    return net.n_parameters() - sum(4*m.n for _, m in walk(net) if isinstance(m, BatchNorm))

# %% folded-parameters wrong: counts matrices only, so the biases are lost
def folded_parameters(net):
    return sum(p.size for p in net.parameters() if len(p.shape) > 1)

# %% folded-parameters wrong: takes the normalisations out of the network to count the rest
def folded_parameters(net):
    for _, m in walk(net):
        if isinstance(m, BatchNorm): m.gamma = m.beta = None
    return net.n_parameters()

# %% folded-parameters wrong: goes into a Residual, but no deeper
def folded_parameters(net):
    layers = []
    for m in net if isinstance(net, Sequential) else [net]:
        layers += m.body if isinstance(m, Residual) else [m]
    return net.n_parameters() - sum(m.n_parameters() for m in layers if isinstance(m, BatchNorm))

# %% folded-parameters wrong: goes by the names gamma and beta, which other layers use as well
def folded_parameters(net):
    return sum(p.size for name, p in net.named_parameters() if not name.endswith(('gamma', 'beta')))

# %% folded-parameters right: the parameters that no BatchNorm owns, told apart by identity
def folded_parameters(net):
    owned = {id(p) for _, m in walk(net) if isinstance(m, BatchNorm) for p in m.parameters()}
    total = 0
    for p in net.parameters():
        if id(p) not in owned: total += p.size
    return total
