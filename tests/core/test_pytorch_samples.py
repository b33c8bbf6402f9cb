"""PyTorch's own sample inputs, its test cases for operators, modules and optimizers, tried on ours.

A line of `OPS` or `LAYERS` says how one of theirs is written here; a new operation is a new line. What a sample asks for and
this library has not is raised as `Unlike`, with its reason. Everything else has to agree, forward and backward."""
from collections import Counter
from functools import partial

import numpy as np
import pytest

from tinybench.core import tensor as T
from tinybench.core.tensor import Tensor, concatenate, where
from tinybench.nn.conv import Conv1d, Conv2d, conv2d, pads_for, with_bias
from tinybench.nn.dense import GELU, Dense, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh, dense
from tinybench.nn.loss import bce, cross_entropy, huber, l1, mse
from tinybench.nn.norm import BatchNorm, LayerNorm, layernorm
from tinybench.nn.optim import SGD, Adam, AdamW, RMSprop
from tinybench.nn.pool import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d

pytestmark = [pytest.mark.filterwarnings(f'ignore:{words}') for words in (
    'invalid value', 'divide by zero', 'Using padding=.same. with even')]      # samples go where numbers end

class Unlike(Exception): "What a sample asks for and this library has not."

def need(holds, reason):
    if not holds: raise Unlike(reason)


# --- how theirs are written here

def axes(dim): return None if dim is None or dim == () else tuple(dim) if isinstance(dim, (list, tuple)) else dim
def reducing(name):
    def f(x, dim=None, keepdim=False, **rest):
        need(not rest, f'{", ".join(rest)} of a sum')
        return getattr(x, name)(axis=axes(dim), keepdims=keepdim)
    return f
def binary(f):
    def g(x, y, alpha=1, **rest):
        need(not rest, 'rounded division')
        return f(x, y if alpha == 1 else y*alpha)
    return g
def spread(x, dim=None, unbiased=None, correction=None, keepdim=False):
    ddof = correction if correction is not None else int(unbiased is not False)
    return x.var(axis=axes(dim), ddof=ddof, keepdims=keepdim)
def clamp(x, low=None, high=None, min=None, max=None):
    low, high = (b if a is None else a for a, b in ((low, min), (high, max)))
    if any(isinstance(v, Tensor) for v in (low, high)):
        if low is not None: x = x.maximum(low)
        return x if high is None else x.minimum(high)
    return x.clip(low, high)
def squeezed(x, dim=None):
    if dim is None: return x.squeeze()
    dims = [dim] if isinstance(dim, int) else dim
    return x.squeeze(tuple(d % x.ndim for d in dims if x.ndim and x.shape[d] == 1))     # theirs passes over the others
def cat(xs, dim=0):
    need(len({x.ndim for x in xs}) == 1, 'an empty vector beside arrays of more axes')
    return concatenate(xs, axis=dim)
def padded(x, pad, mode='constant', value=None):
    need(min(pad) >= 0, 'padding by less than 0')
    pairs = list(zip(pad[::2], pad[1::2]))[::-1]
    widths = ((0, 0),)*(x.ndim - len(pairs)) + tuple(pairs)
    return (x - value).pad(widths) + value if value else x.pad(widths)
def permuted(x, dims): return x.transpose(*[d % x.ndim for d in dims])
def swapped(x, i, j):
    order = list(range(x.ndim))
    if order: order[i], order[j] = order[j], order[i]
    return x.transpose(*order)
def softmaxed(name):
    def f(x, dim, dtype=None):
        need(dtype is None, 'another type while it computes')
        need(x.size, 'the largest of no numbers')
        return getattr(x, name)(axis=dim)
    return f
def product(x, y): return x @ y
def picked(x, index): return x[index]

def each(v, n): return (v,)*n if isinstance(v, int) else (tuple(v)*n)[:n]
def channels_last(n):
    "For `f`, which takes signals (n=1) or images (n=2) with the channels last: theirs have them first, and may have no batch."
    def wrapped(f):
        def g(x, *args, **options):
            batch = x if x.ndim == n + 2 else x.reshape((1, *x.shape))
            out = f(batch.transpose(0, *range(2, n + 2), 1), *args, **options).transpose(0, n + 1, *range(1, n + 1))
            return out if x.ndim == n + 2 else out.reshape(out.shape[1:])
        return g
    return wrapped

def by_number(x, padding, n):
    "`x` padded by hand."
    return x.pad(((0, 0), *((p, p) for p in each(padding, n)), (0, 0)))

def convolving(n):
    @channels_last(n)
    def f(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
        need(each(dilation, n) == (1,)*n, 'dilation')
        need(groups == 1, 'groups')
        w, stride = w.transpose(*range(2, n + 2), 1, 0), each(stride, n)
        padding = padding if isinstance(padding, str) else each(padding, n)
        if n == 2: return conv2d(x, w, b, stride, padding)
        return T.apply(Conv1d.op, *with_bias(x, w, b), stride=stride, pads=pads_for(padding, x.shape[1:-1], w.shape[:1], stride))
    return f

def largest(n):
    @channels_last(n)
    def f(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        need(each(dilation, n) == (1,)*n, 'dilation')
        need(not ceil_mode, 'windows that stick out (ceil_mode)')
        need(not return_indices, 'the places of the largest')
        kernel_size = each(kernel_size, n)
        return (MaxPool1d, MaxPool2d)[n - 1](kernel_size, each(stride or kernel_size, n), each(padding, n))(x)
    return f

def averaged(n):
    @channels_last(n)
    def f(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        need(not ceil_mode, 'windows that stick out (ceil_mode)')
        need(divisor_override is None, 'a divisor that is not the size of the window')
        kernel_size = each(kernel_size, n)
        if count_include_pad: x, padding = by_number(x, padding, n), 0
        return (AvgPool1d, AvgPool2d)[n - 1](kernel_size, each(stride or kernel_size, n), each(padding, n))(x)
    return f

def linear(x, w, b=None): return T.apply(dense, *with_bias(x, w.transpose(1, 0), b))
def normed(x, shape, weight=None, bias=None, eps=1e-5):
    need(len(shape) == 1, 'several axes at once')
    one, zero = np.ones(shape, np.float32), np.zeros(shape, np.float32)
    return T.apply(layernorm, x, one if weight is None else weight, zero if bias is None else bias, eps=eps)
def entropy(x, y, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.):
    need(reduction == 'mean', 'other reductions than the mean')
    need(isinstance(y, np.ndarray) and y.dtype.kind == 'i', 'shares of classes in the place of labels')
    need(x.size and (y != ignore_index).any(), 'a mean of nothing')
    need(weight is None or weight.data.min() >= 0, 'weights below 0')
    x = x.expand_dims(0) if x.ndim == 1 else x.transpose(0, *range(2, x.ndim), 1)
    return cross_entropy(x, y.reshape(x.shape[:-1]), None if weight is None else weight.data, label_smoothing,
                         ignore_index if ignore_index in y else None)
def plain_loss(f):
    def g(x, y, reduction='mean', weight=None, **how):
        need(weight is None, 'weights of examples')
        need(reduction == 'mean', 'other reductions than the mean')
        need(x.shape == (y.shape if hasattr(y, 'shape') else ()), 'a target that broadcasts')
        need(x.size, 'a mean of nothing')
        return f(x, y, **{k: getattr(v, 'data', v) for k, v in how.items()})
    return g
def element_by_element(make):
    "A layer without weights, from the options of theirs."
    def f(x, *args, inplace=False, **options): return make(*args, **options)(x)
    return f
def leaky(negative_slope=.01):
    need(negative_slope >= 0, 'a slope below 0')
    return LeakyReLU(negative_slope)
def smooth_switch(approximate='none'):
    need(approximate == 'none', "tanh in the place of the normal distribution")
    return GELU()

OPS = dict(
    add=binary(lambda x, y: x + y), sub=binary(lambda x, y: x - y), mul=binary(lambda x, y: x*y), true_divide=binary(lambda x, y: x/y),
    div_no_rounding_mode=binary(lambda x, y: x/y), pow=lambda x, y: x**y, __rpow__=lambda x, y: y**x, __radd__=lambda x, y: y + x,
    __rsub__=lambda x, y: y - x, __rmul__=lambda x, y: y*x, __rdiv__=lambda x, y: y/x, neg=lambda x: -x, exp=lambda x: x.exp(),
    log=lambda x: x.log(), sqrt=lambda x: x.sqrt(), tanh=lambda x: x.tanh(), sigmoid=lambda x: x.sigmoid(),
    nn_functional_relu=lambda x, **_: x.relu(), maximum=lambda x, y: x.maximum(y), clamp=clamp, sum=reducing('sum'), mean=reducing('mean'),
    amax=reducing('max'), reshape=lambda x, shape: x.reshape(tuple(shape)), view=lambda x, shape: x.reshape(tuple(shape)),
    permute=permuted, transpose=swapped, cat=cat, where=lambda x, cond, y: where(cond, x, y), softmax=softmaxed('softmax'),
    log_softmax=softmaxed('log_softmax'), matmul=product, mm=product, bmm=product, __rmatmul__=lambda x, y: product(y, x),
    __getitem__=picked, nn_functional_pad_constant=padded, nn_functional_conv2d=convolving(2), nn_functional_linear=linear,
    nn_functional_max_pool2d=largest(2), nn_functional_avg_pool2d=averaged(2), nn_functional_layer_norm=normed,
    nn_functional_cross_entropy=entropy, nn_functional_mse_loss=plain_loss(mse), nn_functional_binary_cross_entropy_with_logits=plain_loss(bce),
    nn_functional_conv1d=convolving(1), nn_functional_max_pool1d=largest(1), nn_functional_avg_pool1d=averaged(1),
    nn_functional_l1_loss=plain_loss(l1), nn_functional_huber_loss=plain_loss(huber), nn_functional_leaky_relu=element_by_element(leaky),
    nn_functional_gelu=element_by_element(smooth_switch), nn_functional_silu=element_by_element(SiLU), mv=product, dot=product,
    abs=lambda x: x.abs(), sin=lambda x: x.sin(), cos=lambda x: x.cos(), minimum=lambda x, y: x.minimum(y), amin=reducing('min'),
    var=spread, logsumexp=reducing('logsumexp'), squeeze=squeezed,
    unsqueeze=lambda x, dim: x.expand_dims(dim), stack=lambda xs, dim=0: T.stack(xs, axis=dim))

KNOWN = dict(     # (words, reason): where ours gives another answer on purpose
    clamp=('output: float64', "numpy's types: float32 and whole numbers of 32 bits make float64"),
    __rpow__=('gradient: not finite', 'a gradient of 0, not NaN, for the exponent of a base that is not above 0'))


# --- theirs and ours, side by side

@pytest.fixture(scope='module')
def samples(torch):
    "PyTorch's tests as its own developers run them; they need `expecttest`."
    pytest.importorskip('expecttest', reason='needs expecttest')
    pytest.importorskip('torch.testing._internal.common_utils', reason='needs PyTorch with its tests')
    from torch.testing._internal import common_methods_invocations, common_modules, common_optimizers
    return dict(ops={o.formatted_name: o for o in common_methods_invocations.op_db},
                modules={m.name: m for m in common_modules.module_db}, optimizers={o.name: o for o in common_optimizers.optim_db})

def as_ours(torch, v, leaves):
    "The same value here; tensors that want a gradient are noted in `leaves` beside theirs."
    if isinstance(v, (list, tuple)): return type(v)(as_ours(torch, x, leaves) for x in v)
    if not isinstance(v, torch.Tensor): return v
    a = v.detach().numpy().copy()
    if a.dtype.kind != 'f': return a
    leaves.append((Tensor(a, requires_grad=v.requires_grad), v))
    return leaves[-1][0]

def off(got, want):
    "What is different, in words; '' if all agrees to 1e-5 of the largest number."
    want = np.asarray(want)
    if got.shape != want.shape: return f'shape {got.shape}, theirs {want.shape}'
    if got.dtype != want.dtype: return f'{got.dtype}, theirs {want.dtype}'
    if not np.array_equal(np.isfinite(got), np.isfinite(want)): return 'not finite in other places'
    there = np.isfinite(want)
    far, size = np.abs(got - want)[there].max(initial=0.), np.abs(want[there]).max(initial=1.)
    return '' if far <= 1e-5*size else f'off by {far:.2g}, the largest is {size:.2g}'

def pulled(torch, want):
    "A gradient for the output `want` of theirs."
    g = np.random.default_rng(0).normal(size=want.shape)
    return np.asarray(g, want.detach().numpy().dtype)

def tried(torch, f, theirs, sample) -> str:
    "'equal', the reason of an `Unlike`, or what is different."
    leaves = []
    x, args = as_ours(torch, sample.input, leaves), as_ours(torch, sample.args, leaves)
    options = {k: as_ours(torch, v, leaves) for k, v in sample.kwargs.items()}
    want = theirs(sample.input, *sample.args, **sample.kwargs)
    try: got = f(x, *args, **options)
    except Unlike as e: return f'unlike: {e}'
    except (ValueError, TypeError, IndexError) as e: return f'refused: {e}'
    if words := off(got.data, want.detach().numpy()): return f'output: {words}'
    if not want.requires_grad: return 'equal'
    g = pulled(torch, want)
    wanted = [t for _, t in leaves if t.requires_grad]
    grads = dict(zip(map(id, wanted), torch.autograd.grad(want, wanted, torch.from_numpy(g), allow_unused=True)))
    got.backward(g)
    for u, t in leaves:
        theirs = grads.get(id(t))
        if theirs is None: continue
        if words := off(np.zeros(u.shape, u.dtype) if u.grad is None else u.grad, theirs.numpy()): return f'gradient: {words}'
    return 'equal'

def counted(what, found):
    "Prints how many agreed; AssertionError naming a sample that differs and has no reason, or if none agrees."
    lacking = ', '.join(f'{n} {why.removeprefix("unlike: ")}' for why, n in found.items() if why != 'equal')
    print(f'{what}: {found["equal"]} of {found.total()} equal' + (f'; not here: {lacking}' if lacking else ''))
    bad = [why for why in found if why != 'equal' and not why.startswith('unlike: ')]
    assert not bad and found['equal'], f'{what}: {"; ".join(bad) or "no sample could be tried"}'

@pytest.mark.slow
@pytest.mark.parametrize('name', OPS)
def test_an_operation_on_pytorchs_samples(name, samples, torch):
    op = samples['ops'][name]
    each = op.sample_inputs('cpu', torch.float32, requires_grad=True)
    words, reason = KNOWN.get(name, (None, ''))
    found = (tried(torch, OPS[name], op, s) for s in each)
    counted(name, Counter(f'unlike: {reason}' if words and why.startswith(words) else why for why in found))


# --- modules: theirs is made, ours gets its weights

def rng(): return np.random.default_rng(0)
def set_to(p, theirs, turn=lambda a: a):
    "Gives our parameter `p` the numbers of theirs; returns both, and how theirs is turned into ours."
    p.data = np.ascontiguousarray(turn(theirs.detach().numpy()))
    return p, theirs, turn
def as_dense(m):
    layer = Dense(m.in_features, m.out_features, rng(), bias=m.bias is not None)
    return layer, [set_to(layer.w, m.weight, np.transpose)] + ([set_to(layer.b, m.bias)] if m.bias is not None else [])
def dense_called(m, x):
    layer, pairs = as_dense(m)
    return layer(x), pairs
def conv_called(m, x):
    n = len(m.kernel_size)
    need(m.dilation == (1,)*n and m.groups == 1, 'dilation and groups')
    need(m.padding_mode == 'zeros', 'padding with other things than zeros')
    layer = (Conv1d, Conv2d)[n - 1](m.in_channels, m.out_channels, m.kernel_size, rng(), m.stride, m.padding, bias=m.bias is not None)
    pairs = [set_to(layer.w, m.weight, lambda a: a.transpose(*range(2, n + 2), 1, 0))]
    if m.bias is not None: pairs.append(set_to(layer.b, m.bias))
    return channels_last(n)(layer)(x), pairs
def norm_called(m, x):
    need(m.affine and m.bias is not None, 'no weights, or no bias')
    need(m.track_running_stats and m.momentum is not None, 'no moving averages, or plain ones')
    layer = BatchNorm(m.num_features, 1 - m.momentum, m.eps).train(m.training)
    pairs = [set_to(layer.gamma, m.weight), set_to(layer.beta, m.bias)]
    return layer(x) if x.ndim == 2 else channels_last(x.ndim - 2)(layer)(x), pairs
def layernorm_called(m, x):
    need(m.elementwise_affine and len(m.normalized_shape) == 1 and m.bias is not None, 'several axes, or no weights')
    layer = LayerNorm(*m.normalized_shape, m.eps)
    return layer(x), [set_to(layer.gamma, m.weight), set_to(layer.beta, m.bias)]
def plain(layer): return lambda m, x: (layer(x), [])
def as_function(f, *names): return lambda m, x, *y: (f(x, *y, **{k: getattr(m, k) for k in names}), [])
def softmax_called(m, x):
    need(m.dim is not None, 'no axis')
    return softmaxed('softmax')(x, m.dim), []

POOLED = 'kernel_size', 'stride', 'padding', 'ceil_mode'
LAYERS = {
    'nn.Linear': dense_called, 'nn.Conv2d': conv_called, 'nn.Conv1d': conv_called, 'nn.BatchNorm1d': norm_called, 'nn.BatchNorm2d': norm_called,
    'nn.LayerNorm': layernorm_called, 'nn.ReLU': plain(ReLU()), 'nn.Sigmoid': plain(Sigmoid()), 'nn.Tanh': plain(Tanh()),
    'nn.SiLU': plain(SiLU()), 'nn.GELU': as_function(element_by_element(smooth_switch), 'approximate'),
    'nn.LeakyReLU': as_function(element_by_element(leaky), 'negative_slope'), 'nn.Softmax': softmax_called,
    'nn.MaxPool2d': as_function(largest(2), *POOLED, 'dilation', 'return_indices'), 'nn.AvgPool1d': as_function(averaged(1), *POOLED, 'count_include_pad'),
    'nn.MaxPool1d': as_function(largest(1), *POOLED, 'dilation', 'return_indices'),
    'nn.AvgPool2d': as_function(averaged(2), *POOLED, 'count_include_pad', 'divisor_override'),
    'nn.MSELoss': as_function(plain_loss(mse), 'reduction'), 'nn.L1Loss': as_function(plain_loss(l1), 'reduction'),
    'nn.HuberLoss': as_function(plain_loss(huber), 'reduction', 'delta'),
    'nn.BCEWithLogitsLoss': as_function(plain_loss(bce), 'weight', 'pos_weight', 'reduction'),
    'nn.CrossEntropyLoss': as_function(entropy, 'weight', 'ignore_index', 'reduction', 'label_smoothing')}

def module_tried(torch, f, info, sample, training) -> str:
    "As `tried`, for a module; the gradients of its weights too."
    leaves, made, given = [], sample.constructor_input, sample.forward_input
    m = info.module_cls(*made.args, **made.kwargs).train(training)
    theirs = (*given.args, *given.kwargs.values())
    try: got, pairs = f(m, *as_ours(torch, theirs, leaves))
    except Unlike as e: return f'unlike: {e}'
    want = m(*theirs)
    if words := off(got.data, want.detach().numpy()): return f'output: {words}'
    g = pulled(torch, want)
    want.backward(torch.from_numpy(g))
    got.backward(g)
    for u, t, turn in [*pairs, *((u, t, np.asarray) for u, t in leaves)]:
        if t.grad is None: continue
        if words := off(u.grad, turn(t.grad.numpy())): return f'gradient: {words}'
    return 'equal'

@pytest.mark.slow
@pytest.mark.parametrize('name', LAYERS)
def test_a_layer_on_pytorchs_samples(name, samples, torch):
    info, found = samples['modules'][name], Counter()
    for training in (True, False):
        for s in info.module_inputs_func(info, 'cpu', torch.float32, True, training):
            found[module_tried(torch, LAYERS[name], info, s, training)] += 1
    counted(name, found)


# --- optimizers: the same gradients, the same way

NAMES = dict(weight_decay='decay', alpha='rho')
HOW = 'foreach', 'fused', 'differentiable', 'capturable'    # how theirs computes, not what
OPTIMIZERS = dict(SGD=SGD, Adam=Adam, AdamW=AdamW, RMSprop=RMSprop)

def options_of(kind, given):
    "The options of theirs as ours calls them."
    import inspect
    kept = {NAMES.get(k, k): float(v) if hasattr(v, 'item') else v for k, v in given.items() if k not in HOW}
    for k in [k for k, v in kept.items() if v is False]: del kept[k]
    known = inspect.signature(kind).parameters
    for k in kept: need(k in known, f'option {k}')
    if 'betas' in kept: kept['betas'] = tuple(float(b) for b in kept['betas'])
    return kept

def optimizer_tried(torch, kind, theirs, given, steps=50) -> str:
    "As `tried`: positions after each of the steps, the gradients given."
    r = rng()
    start = [r.normal(size=s).astype(np.float32) for s in ((3, 4), (5,))]
    defaults = dict(eps=1e-8, rho=.99, lr=.01) if kind is RMSprop else dict(lr=.001) if kind is not AdamW else dict(lr=.001, decay=.01)
    try: options = options_of(kind, given)
    except Unlike as e: return f'unlike: {e}'
    them = [torch.nn.Parameter(torch.tensor(a)) for a in start]
    us = [Tensor(a.copy(), requires_grad=True) for a in start]
    their, our = theirs(them, **given), kind(us, **defaults | options)
    for i in range(steps):
        for u, t in zip(us, them):
            g = r.normal(size=u.shape).astype(np.float32)
            u.grad, t.grad = g.copy(), torch.tensor(g)
        our.step()
        their.step()
        for u, t in zip(us, them):
            if words := off(u.data, t.detach().numpy()): return f'step {i + 1}: {words}'
    return 'equal'

@pytest.mark.slow
@pytest.mark.parametrize('name', OPTIMIZERS)
def test_an_optimizer_on_pytorchs_samples(name, samples, torch):
    info, kind, found = samples['optimizers'][name], OPTIMIZERS[name], Counter()
    for s in info.optim_inputs_func('cpu'): found[optimizer_tried(torch, kind, info.optim_cls, s.kwargs)] += 1
    counted(name, found)


# --- the quick part: the harness itself

class Sample:
    def __init__(self, x, *args, **kwargs): self.input, self.args, self.kwargs = x, args, kwargs

def test_the_harness_sees_what_is_wrong(torch):
    "An output, a gradient, a shape and a type that are not PyTorch's, each named; what is not here is a reason, no error."
    x = torch.linspace(-1, 1, 6).reshape(2, 3).requires_grad_()
    same = partial(tried, torch, theirs=lambda x: x*x, sample=Sample(x))
    assert same(lambda x: x*x) == 'equal'
    assert same(lambda x: x*x*1.001).startswith('output: off by') and same(lambda x: (x*x).sum()).startswith('output: shape ()')
    assert same(lambda x: x.detach()*x).startswith('gradient: off by')
    assert same(lambda x: Tensor(x.data.astype(np.float64)**2)).startswith('output: float64')
    assert same(lambda x: need(False, 'squares')) == 'unlike: squares' and same(lambda x: x @ x).startswith('refused: matmul')
    with pytest.raises(AssertionError, match='add: gradient: off'): counted('add', Counter({'equal': 3, 'gradient: off by 1': 1}))
    with pytest.raises(AssertionError, match='no sample'): counted('add', Counter({'unlike: all': 3}))

def test_a_few_samples_of_ones_own(torch):
    "Without PyTorch's tests: the lines of the tables are right on one case each."
    x, y = (torch.linspace(a, 2, 24).reshape(2, 3, 4).requires_grad_() for a in (.5, -1))
    image = torch.linspace(-1, 1, 96).reshape(2, 3, 4, 4).requires_grad_()
    filters = torch.linspace(-1, 1, 54).reshape(2, 3, 3, 3).requires_grad_()
    F = torch.nn.functional
    cases = [
        ('add', torch.add, Sample(x, y, alpha=2)), ('sum', torch.sum, Sample(x, dim=(0, 2), keepdim=True)), ('amax', torch.amax, Sample(x, dim=1)),
        ('softmax', F.softmax, Sample(y, dim=1)), ('cat', torch.cat, Sample([x, y], dim=1)), ('permute', torch.permute, Sample(x, (2, 0, 1))),
        ('nn_functional_pad_constant', F.pad, Sample(x, (1, 2), value=3.)), ('__getitem__', torch.Tensor.__getitem__, Sample(x, (0, slice(1, 3)))),
        ('nn_functional_conv2d', F.conv2d, Sample(image, filters, None, stride=(2, 1), padding=1)),
        ('nn_functional_max_pool2d', F.max_pool2d, Sample(image, 2, stride=1, padding=1)),
        ('nn_functional_avg_pool2d', F.avg_pool2d, Sample(image, (2, 3), padding=1)), ('nn_functional_huber_loss', F.huber_loss, Sample(x, y, delta=.5)),
        ('nn_functional_conv1d', F.conv1d, Sample(x, filters[:, :, 0], None, stride=2, padding=1)),
        ('nn_functional_max_pool1d', F.max_pool1d, Sample(x, 2, padding=1)), ('nn_functional_l1_loss', F.l1_loss, Sample(x, y))]
    for name, theirs, sample in cases: assert tried(torch, OPS[name], theirs, sample) == 'equal', name
    for name, kind in OPTIMIZERS.items(): assert optimizer_tried(torch, kind, getattr(torch.optim, name), dict(lr=.01)) == 'equal', name
    assert optimizer_tried(torch, Adam, torch.optim.Adam, dict(amsgrad=True)) == 'unlike: option amsgrad'
