"A network of ours in PyTorch, with our weights"
import numpy as np

from ..exchange.graph import touching
from ..nn.channels import DepthwiseConv2d
from ..nn.conv import Conv2d, pads_for
from ..nn.dense import Dense, Dropout, Flatten, ReLU, Residual, Sigmoid
from ..nn.module import Module, Sequential
from ..nn.norm import BatchNorm
from ..nn.pool import ConvReluPool2d, GlobalAvgPool2d, MaxPool2d


def torch_network(net:Module, shape:tuple):
    "`net` for images of `shape` (h, w, c) as a PyTorch module of images (n, c, h, w), in training mode."
    return sequence([net], tuple(shape))[0].train()

def sequence(layers, shape:tuple):
    "Layers one after the other, and the shape behind them; () behind a flattened image."
    from torch import nn
    made = []
    for m in layers:
        new, shape = layer(m, shape)
        made += new
    return nn.Sequential(*made), shape

def layer(m:Module, shape:tuple) -> tuple[list, tuple]:
    "One layer of ours as layers of PyTorch, and the shape behind it; TypeError for one that is not known."
    from torch import nn
    if isinstance(m, Sequential):
        made, after = sequence(m.layers, shape)
        return [made], after
    if isinstance(m, Residual): return residual(m, shape)
    if isinstance(m, (Conv2d, DepthwiseConv2d)): return convolution(m, shape)
    if isinstance(m, ConvReluPool2d):
        made, (h, w, f) = convolution(m, shape)
        return [*made, nn.ReLU(inplace=True), nn.MaxPool2d(m.pool)], (h//m.pool, w//m.pool, f)
    if isinstance(m, MaxPool2d) and touching(m):
        return [nn.MaxPool2d(m.kernel)], (*(n//k for n, k in zip(shape, m.kernel)), shape[2])
    if isinstance(m, BatchNorm): return [norm(m, len(shape) == 3)], shape
    if isinstance(m, Dense): return [dense(m, shape)], m.w.shape[1:]
    if isinstance(m, GlobalAvgPool2d): return [nn.AdaptiveAvgPool2d(1), nn.Flatten()], (1, 1, shape[2])
    simple = {ReLU: lambda: nn.ReLU(inplace=True), Sigmoid: nn.Sigmoid, Flatten: nn.Flatten,
              Dropout: lambda: nn.Dropout(m.p)}
    if type(m) in simple: return [simple[type(m)]()], shape
    raise TypeError(f'PyTorch was not told how to build {m!r}')

def given(parameter, a:np.ndarray):
    "Puts numbers into a parameter."
    import torch
    with torch.no_grad(): parameter.copy_(torch.from_numpy(np.ascontiguousarray(a)))

def convolution(m, shape:tuple) -> tuple[list, tuple]:
    "A convolution, with a layer for its zeros if there are more on one side than on the other."
    from torch import nn
    h, w, c = shape
    (kh, kw), stride = m.kernel, m.stride
    pads = ((t, b), (left, right)) = pads_for(m.padding, (h, w), m.kernel, stride)
    deep = isinstance(m, DepthwiseConv2d)
    f, even = (c if deep else m.w.shape[3]), (t, left) == (b, right)
    how = dict(padding=(t, left) if even else 0, groups=c if deep else 1, bias=m.b is not None)
    conv = nn.Conv2d(c, f, m.kernel, stride, **how)
    given(conv.weight, m.w.data.transpose(2, 0, 1)[:, None] if deep else m.w.data.transpose(3, 2, 0, 1))
    if m.b is not None: given(conv.bias, m.b.data)
    size = tuple((n + sum(p) - k)//s + 1 for n, p, k, s in zip((h, w), pads, (kh, kw), stride))
    return ([] if even else [nn.ZeroPad2d((left, right, t, b))]) + [conv], (*size, f)

def norm(m:BatchNorm, images:bool):
    from torch import nn
    made = (nn.BatchNorm2d if images else nn.BatchNorm1d)(m.n, m.eps, 1 - m.momentum)
    given(made.weight, m.gamma.data)
    given(made.bias, m.beta.data)
    return made

def dense(m:Dense, shape:tuple):
    "A dense layer, whose inputs are counted as PyTorch flattens an image: channels first."
    from torch import nn
    made, w = nn.Linear(*m.w.shape, bias=m.b is not None), m.w.data
    if len(shape) == 3: w = w.reshape(*shape, -1).transpose(2, 0, 1, 3).reshape(w.shape)
    given(made.weight, w.T)
    if m.b is not None: given(made.bias, m.b.data)
    return made

def residual(m:Residual, shape:tuple) -> tuple[list, tuple]:
    from torch import nn
    body, after = sequence([m.body], shape)
    shortcut = nn.Identity() if m.shortcut is None else sequence([m.shortcut], shape)[0]
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.shortcut = body, shortcut
        def forward(self, x): return self.body(x) + self.shortcut(x)
    return [Sum()], after
