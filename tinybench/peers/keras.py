"A training step of a network of ours in Keras, on any of its backends"
import numpy as np

from ..exchange.graph import touching
from ..nn.channels import DepthwiseConv2d
from ..nn.conv import Conv2d, pads_for
from ..nn.dense import Dense, Dropout, Flatten, ReLU, Residual, Sigmoid
from ..nn.module import Module, Sequential
from ..nn.norm import BatchNorm
from ..nn.pool import ConvReluPool2d, GlobalAvgPool2d, MaxPool2d


def through(m:Module, x):
    "What Keras makes of its symbolic tensor `x` with the weights of `m`; TypeError for an unknown layer."
    from keras import layers as k
    if isinstance(m, Sequential):
        for part in m.layers: x = through(part, x)
        return x
    if isinstance(m, Residual):
        return k.add([through(m.body, x), through(m.shortcut, x) if m.shortcut is not None else x])
    if isinstance(m, (Conv2d, DepthwiseConv2d)): return convolution(m, x)
    if isinstance(m, ConvReluPool2d): return k.MaxPooling2D(m.pool)(k.ReLU()(convolution(m, x)))
    if isinstance(m, BatchNorm):
        arrays = [p.data for p in (m.gamma, m.beta)] + [np.zeros(m.n), np.ones(m.n)]
        return given(k.BatchNormalization(momentum=m.momentum, epsilon=m.eps), x, arrays)
    if isinstance(m, Dense):
        return given(k.Dense(m.w.shape[1], use_bias=m.b is not None), x, [p.data for p in m.parameters()])
    simple = {ReLU: k.ReLU, Flatten: k.Flatten, GlobalAvgPool2d: k.GlobalAveragePooling2D,
              Sigmoid: lambda: k.Activation('sigmoid'), Dropout: lambda: k.Dropout(m.p),
              MaxPool2d: lambda: k.MaxPooling2D(m.kernel)}
    if type(m) in simple and touching(m): return simple[type(m)]()(x)
    raise TypeError(f'Keras was not told how to build {m!r}')

def given(layer, x, arrays:list):
    "What `layer` makes of `x`, once it has the numbers in `arrays`."
    y = layer(x)
    layer.set_weights(arrays)
    return y

def convolution(m, x):
    "A convolution; padding that is not Keras's own is a layer of zeros before it."
    from keras import layers as k
    pads = pads_for(m.padding, x.shape[1:3], m.kernel, m.stride)
    if m.padding != 'same' and any(map(any, pads)): x = k.ZeroPadding2D(pads)(x)
    how = dict(strides=m.stride, padding='same' if m.padding == 'same' else 'valid', use_bias=m.b is not None)
    w, *b = (p.data for p in m.parameters())
    if isinstance(m, DepthwiseConv2d): return given(k.DepthwiseConv2D(m.kernel, **how), x, [w[..., None], *b])
    return given(k.Conv2D(w.shape[3], m.kernel, **how), x, [w, *b])

def keras_step(net:Module, x:np.ndarray, y:np.ndarray, lr:float, eps:float, compiled:bool):
    "A function that does one step of Adam and returns the loss; `compiled` is Keras's `jit_compile`."
    import keras
    image = keras.Input(x.shape[1:])
    model = keras.Model(image, through(net, image))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(lr, epsilon=eps), loss, jit_compile=compiled)
    return lambda: float(model.train_on_batch(x, y))
