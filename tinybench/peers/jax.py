"A training step of a network of ours in JAX, compiled by `jit`"
import numpy as np

from ..exchange.graph import touching
from ..nn.channels import DepthwiseConv2d
from ..nn.conv import Conv2d, pads_for
from ..nn.dense import Dense, Dropout, Flatten, ReLU, Residual, Sigmoid
from ..nn.module import Module, Sequential
from ..nn.norm import BatchNorm
from ..nn.pool import ConvReluPool2d, GlobalAvgPool2d, MaxPool2d


def jax_network(net:Module):
    "Our weights, layer by layer, and the function of (weights, images, key) that gives the outputs."
    weights = []
    def number(m):
        at = len(weights)
        weights.append([p.data for p in m.parameters()])
        return at
    f = function(net, number)
    return weights, f

def pooled(x, k):
    from jax import lax
    return lax.reduce_window(x, -np.inf, lax.max, (1, *k, 1), (1, *k, 1), 'VALID')

def function(m:Module, number):
    "One layer as a function of (weights, input, key)."
    import jax, jax.numpy as jnp
    from jax import lax
    if isinstance(m, Sequential):
        parts = [function(k, number) for k in m.layers]
        def chain(ws, x, key):
            for f in parts: x = f(ws, x, key)
            return x
        return chain
    if isinstance(m, Residual):
        body = function(m.body, number)
        shortcut = (lambda ws, x, key: x) if m.shortcut is None else function(m.shortcut, number)
        return lambda ws, x, key: body(ws, x, key) + shortcut(ws, x, key)
    if isinstance(m, (Conv2d, DepthwiseConv2d, ConvReluPool2d)):
        at, deep = number(m), isinstance(m, DepthwiseConv2d)
        def conv(ws, x, key):
            w, *b = ws[at]
            if deep: w = w[:, :, None]
            pads = pads_for(m.padding, x.shape[1:3], m.kernel, m.stride)
            y = lax.conv_general_dilated(x, w, m.stride, pads, dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
                                         feature_group_count=x.shape[3] if deep else 1)
            y = y + b[0] if b else y
            return jnp.maximum(pooled(y, (m.pool, m.pool)), 0) if isinstance(m, ConvReluPool2d) else y
        return conv
    if isinstance(m, BatchNorm):
        at = number(m)
        def norm(ws, x, key):
            gamma, beta = ws[at]
            axes = tuple(range(x.ndim - 1))
            return (x - x.mean(axes))*(gamma/jnp.sqrt(x.var(axes) + m.eps)) + beta
        return norm
    if isinstance(m, Dense):
        at = number(m)
        def dense(ws, x, key):
            w, *b = ws[at]
            return x @ w + b[0] if b else x @ w
        return dense
    if isinstance(m, Dropout):
        def drop(ws, x, key): return jnp.where(jax.random.bernoulli(key, 1 - m.p, x.shape), x/(1 - m.p), 0)
        return drop
    simple = {ReLU: lambda x: jnp.maximum(x, 0), Sigmoid: jax.nn.sigmoid,
              Flatten: lambda x: x.reshape(len(x), -1), GlobalAvgPool2d: lambda x: x.mean((1, 2)),
              MaxPool2d: lambda x: pooled(x, m.kernel)}
    if type(m) in simple and touching(m): return lambda ws, x, key: simple[type(m)](x)
    raise TypeError(f'JAX was not told how to build {m!r}')

def jax_step(net:Module, x:np.ndarray, y:np.ndarray, lr:float, eps:float):
    "A function that does one step of Adam and returns the loss."
    import jax, jax.numpy as jnp
    weights, f = jax_network(net)
    leaves, tree = jax.tree.flatten(weights)
    def loss(leaves, x, y, key):
        z = jax.nn.log_softmax(f(jax.tree.unflatten(tree, leaves), x, key))
        return -jnp.take_along_axis(z, y[:, None], 1).mean()
    def step(state, x, y, key):
        ws, ms, vs, t = state
        value, gs = jax.value_and_grad(loss)(ws, x, y, key)
        t = t + 1
        ms = [.9*m + .1*g for m, g in zip(ms, gs)]
        vs = [.999*v + .001*g*g for v, g in zip(vs, gs)]
        a, b = 1 - .9**t, 1 - .999**t
        ws = [w - lr*(m/a)/(jnp.sqrt(v/b) + eps) for w, m, v in zip(ws, ms, vs)]
        return (ws, ms, vs, t), value
    step = jax.jit(step, donate_argnums=0)
    ws, ms, vs = ([make(w) for w in leaves] for make in (jnp.array, jnp.zeros_like, jnp.zeros_like))
    state, x, y, key = (ws, ms, vs, jnp.float32(0)), jnp.array(x), jnp.array(y), jax.random.key(0)
    def run():
        nonlocal state
        state, value = step(state, x, y, key)
        return float(value)         # waits until it is done
    return run
