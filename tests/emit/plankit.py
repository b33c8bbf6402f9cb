"Networks as plans: what is compared, custom layers of tensor operations, and a run under sanitizers"
import ctypes

import numpy as np

from netkit import any_net, norm
from tinybench.core.tensor import Tensor, concatenate, no_grad, where
from tinybench.native.plan import Plan, plan
from tinybench.nn.channels import ConvTranspose2d, DepthwiseConv2d
from tinybench.nn.conv import Conv1d, Conv2d
from tinybench.nn.dense import Dense, ReLU, SiLU
from tinybench.nn.module import Module, Parameter, Sequential
from tinybench.nn.norm import LayerNorm
from tinybench.nn.pool import ConvReluPool2d, MaxPool2d

def inputs(shape, batch, seed=5): return np.random.default_rng(seed).normal(size=(batch, *shape)).astype(np.float32)

def eager(net, x):
    with no_grad(): return net.eval()(Tensor(x)).data

def assert_equal(got, want, tol=1e-5, of=''):
    "That no number is off by more than `tol` times the largest; `of` says in what."
    assert got.shape == want.shape and got.dtype == np.float32
    worst = np.abs(got - want).max(initial=0)
    assert worst <= tol*max(np.abs(want).max(initial=0), 1e-3), f'{of} off by {worst}'

def never(said): raise AssertionError(said)
def built(net, shape, batch=1, **how) -> Plan: return plan(net, shape, batch, say=never, **how)

class Do(Module):
    "A layer that does what a function says, with parts and a parameter of 6x6."
    def __init__(self, f, *parts):
        self.f, self.parts = f, list(parts)
        self.p = Parameter(np.random.default_rng(1).normal(size=(6, 6)).astype(np.float32))
    def forward(self, x): return self.f(self, x)

IMAGE = 6, 7, 5

def customs():
    "By name: a network of tensor operations, and the shape of one input."
    r = np.random.default_rng(0)
    def dense(a, b): return Dense(a, b, r)
    def conv(k=3, f=5, **how): return Conv2d(5, f, k, r, **how)
    def depth(): return DepthwiseConv2d(5, 3, r, padding='same')
    def same(f=5): return conv(padding='same', f=f)
    def do(f, *parts, shape=IMAGE): return Do(f, *parts), shape
    def seven(f, *parts): return do(lambda m, x: f(m, x.reshape(-1, *[2]*7)), *parts, shape=(128,))
    def shared(f, *parts, **how): return do(lambda m, x: f(m, x, m.parts[0](x)), *parts, **how)
    # the value to be added is there before the product runs, so that the product takes it in
    def added(f, *parts, **how): return do(lambda m, x: m.parts[0](x) + a if (a := f(x)) is not None else x, *parts, **how)
    found = dict(
        affine=do(lambda m, x: x*2 + 1), scalar=do(lambda m, x: x*m.p[0, 0]), negative=do(lambda m, x: -x - -2),
        powers=do(lambda m, x: x**2 + abs(x)**.5 + 2**x), quotients=do(lambda m, x: 1/(x*x + 1) - 3/(2 + x**2)),
        functions=do(lambda m, x: (x*x + 1).log().sqrt().sin().cos().tanh().exp().abs()),
        limits=do(lambda m, x: x.clip(-.5, None)*x.clip(None, .5) + x.clip(-np.inf, np.inf)),
        larger=do(lambda m, x: x.maximum(m.p[0]).minimum(.5), shape=(6,)),
        where=do(lambda m, x: where(np.arange(5) > 2, x, 0.)),
        saturated=do(lambda m, x: (x*300).sigmoid()), swish=(Sequential(Do(lambda m, x: x*300), SiLU()), IMAGE),
        mean=do(lambda m, x: x.mean((1, 2))), kept=do(lambda m, x: x - x.mean(-1, keepdims=True)),
        largest=do(lambda m, x: x.max(1)), all_of_it=do(lambda m, x: x.max()), least=do(lambda m, x: x.min((-1, 1), keepdims=True)),
        over_batch=do(lambda m, x: x - x.mean(0), shape=(6,)), no_axes=do(lambda m, x: x.sum(())),
        many=do(lambda m, x: (x*x).mean(), shape=(400, 400)), long_rows=do(lambda m, x: (x*x).sum(1), shape=(70_000,)),
        large_pool=do(lambda m, x: (x*x).mean((1, 2)), shape=(150, 150, 4)),
        softmax_1=do(lambda m, x: x.softmax(1)), log_softmax=do(lambda m, x: x.log_softmax(2)),
        softmax_none=do(lambda m, x: x[0, 0, 0].softmax(None)),
        part=do(lambda m, x: x[:, 1:]), reverse=do(lambda m, x: x[:, ::-1, :, ::2]), again=do(lambda m, x: x[:, ::-1][:, 1::2]*1),
        first=do(lambda m, x: x[:, :2], shape=(9,)), number=do(lambda m, x: x[0, 3], shape=(9,)),
        part_of_a_result=do(lambda m, x: m.parts[0](x)[:, :2], dense(9, 40), shape=(9,)),
        row_of_a_result=do(lambda m, x: m.parts[0](x)[:, :1], conv()), number_of_a_result=do(lambda m, x: m.parts[0](x)[0, 3], dense(9, 40),
        shape=(9,)),
        seen_as_two=do(lambda m, x: m.parts[0](x).reshape(2, -1), dense(8, 8), shape=(8,)),
        turned=do(lambda m, x: x.transpose(0, 3, 1, 2)), turned_back=do(lambda m, x: x.transpose(0, -1, 1, 2)*2),
        turned_and_reshaped=do(lambda m, x: x.transpose(0, 2, 1, 3).reshape(-1, 30)),
        squeezed=do(lambda m, x: x[:, None].squeeze(1).expand_dims(2)*1),
        joined=do(lambda m, x: concatenate([x, x*2, x[:, :, ::-1]], -1)), nothing_joined=do(lambda m, x: concatenate([x[:, :0], x], 1)),
        known_joined=do(lambda m, x: concatenate([x, np.ones((len(x), 6, 7, 1), 'f4')], -1)),
        two_joined=do(lambda m, x: concatenate([m.parts[0](x), m.parts[1](x)], -1), conv(), conv()),
        matmul=do(lambda m, x: x @ m.p, shape=(4, 6)), matmul_bias=do(lambda m, x: x @ m.p + m.p[0], shape=(6,)),
        dense_3d=(Sequential(dense(6, 8), ReLU(), dense(8, 20)), (4, 6)), dense_4d=(Sequential(dense(6, 8), norm(8, r), ReLU(), dense(8, 20)),
        (3, 4, 6)),
        dense_then_rows=(Sequential(dense(6, 8), Conv1d(8, 5, 3, r, padding='same'), ReLU()), (4, 6)),
        dense_then_conv=(Sequential(dense(6, 8), Conv2d(8, 5, 3, r, padding='same')), (4, 3, 6)),
        matmul_then_conv=do(lambda m, x: m.parts[0](x @ m.p), Conv2d(6, 4, 3, r, padding='same'), shape=(4, 3, 6)),
        one_row=(same(), (1, 7, 5)), one_column=(conv(padding='same', stride=2), (7, 1, 5)), one_pixel=(same(), (1, 1, 5)),
        strided_pixels=(conv(1, stride=3), IMAGE), framed_pixels=(conv(1, padding=2), IMAGE), framed_row=(conv(1, padding=2), (1, 4, 5)),
        wide=(conv(5, padding=4, stride=2), IMAGE),
        relu_twice=(Sequential(conv(), ReLU(), ReLU()), IMAGE), norm_relu_norm=(Sequential(conv(), norm(5, r), ReLU(), norm(5, r)), IMAGE),
        norm_twice=(Sequential(conv(), norm(5, r), norm(5, r)), IMAGE), norm_read_twice=shared(lambda m, x, a: m.parts[1](a)*a, conv(), norm(5, r)),
        norm_of_one=(norm(1, r), (4, 1)), layernorm_of_one=(LayerNorm(1), (4, 1)), long_layernorm=(LayerNorm(20_000), (2, 20_000)),
        array_added=do(lambda m, x: m.parts[0](x) + m.p[0], dense(6, 6), shape=(6,)), number_added=do(lambda m, x: m.parts[0](x) + 1, dense(6, 6),
        shape=(6,)),
        array_added_conv=do(lambda m, x: m.parts[0](x) + np.arange(5, dtype='f4'), conv()),
        mean_added=added(lambda x: x.mean((1, 2), keepdims=True), same()), mean_added_dense=added(lambda x: x.mean(1, keepdims=True), dense(6, 6),
        shape=(4, 6)),
        fewer_axes_added=added(lambda x: x[0], dense(6, 6), shape=(4, 6)), turned_added=added(lambda x: x.transpose(0, 2, 1), dense(6, 6),
        shape=(6, 6)),
        reverse_added=added(lambda x: x[..., ::-1], same()), part_added=added(lambda x: x[..., :5], dense(9, 5), shape=(9,)),
        reverse_added_depthwise=added(lambda x: x[..., ::-1], depth()), added_depthwise=added(lambda x: x*2, depth()),
        itself_added=added(lambda x: x, same()),
        added_twice=do(lambda m, x: (m.parts[0](x) + a + a).relu() if (a := x*3) is not None else x, same()),
        framed_added=do(lambda m, x: (lambda a: m.parts[0](a) + m.parts[1](a) + a)(x*2), same(), same()),
        framed_added_dense=do(lambda m, x: (lambda a: m.parts[0](a) + m.parts[1](a) + a)(x*2), same(), dense(5, 5)),
        same_twice=shared(lambda m, x, a: a + a, conv()), gated=shared(lambda m, x, a: a*a.sigmoid(), conv()),
        two_readers=shared(lambda m, x, a: m.parts[1](a.relu()) + m.parts[2](a.relu()), same(), same(), same()),
        relu_and_itself=shared(lambda m, x, a: a.relu() + a, conv()), detached=shared(lambda m, x, a: a.detach()*2, conv()),
        shared_layer=do(lambda m, x: m.parts[0](m.parts[0](x).relu()), same()), unread=shared(lambda m, x, a: x*2, conv()),
        unchanged=do(lambda m, x: x), turned_conv=do(lambda m, x: m.parts[0](x.transpose(0, 2, 1, 3)), conv()),
        part_conv=do(lambda m, x: m.parts[0](x[:, 1:, ::2]), conv()), reverse_conv=do(lambda m, x: m.parts[0](x[:, ::-1]), conv()),
        reverse_dense=do(lambda m, x: m.parts[0](x[:, ::-1]*1), dense(9, 5), shape=(9,)),
        new_axis=do(lambda m, x: m.parts[0](x[..., None]), Conv1d(1, 5, 3, r), shape=(9,)), new_row=do(lambda m, x: m.parts[0](x[:, None]),
        Conv1d(9, 5, 1, r), shape=(9,)),
        padded_pool=(Sequential(same(), ReLU(), MaxPool2d(3, stride=2, padding='same')), IMAGE), odd_pool=(Sequential(same(), MaxPool2d((3, 2)),
        ReLU()), IMAGE),
        pool_norm=(Sequential(same(), MaxPool2d(2), norm(5, r)), IMAGE), two_pools=(Sequential(same(), MaxPool2d(2), MaxPool2d(2)), (9, 9, 5)),
        pool_conv=(Sequential(same(), MaxPool2d(2), same()), IMAGE), fused_pool=(ConvReluPool2d(5, 7, 3, r, pool=3, padding='same'), (10, 11, 5)),
        long_pool=(ConvReluPool2d(5, 64, 3, r, padding='same'), (4, 300, 5)), plain_pool=(ConvReluPool2d(5, 7, (3, 2), r, bias=False), (10, 11, 5)),
        transposed=(ConvTranspose2d(5, 3, 3, r, stride=2), IMAGE))
    # more axes than there are single letters for loops
    found |= dict(
        axes_turned=seven(lambda m, x: x.transpose(0, 7, 6, 5, 4, 3, 2, 1)*2), axes_summed=seven(lambda m, x: x.sum((1, 3))),
        axes_softmax=seven(lambda m, x: x.softmax(3)), axes_norm=seven(lambda m, x: m.parts[0](x), LayerNorm(2)),
        axes_joined=seven(lambda m, x: concatenate([x, x], 3).transpose(0, 7, 6, 5, 4, 3, 2, 1)*1))
    return found

def drawn(seed):
    "A random network, the shape of one input, and a batch."
    r = np.random.default_rng(seed)
    net, shape = any_net(r)
    return net, shape, int(r.integers(1, 34)) if np.prod(shape) < 2000 else 2

def malloced(libc, a):
    "A copy of an array in memory of just its size, so that sanitizers watch both ends."
    p = libc.malloc(max(a.nbytes, 1))
    ctypes.memmove(p, a.ctypes.data, a.nbytes)
    return p

def check_run(p, run, x, want):
    "That the function `run` of the plan `p` reads no number that it did not write, and nothing beyond its arrays."
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
    run.argtypes, run.restype = [ctypes.c_void_p]*4, None
    arrays = x, np.full_like(p.out, np.nan), np.full(p.c.arena, np.nan, np.float32), p.weights
    places = [malloced(libc, a) for a in arrays]
    run(*places)
    got = np.empty_like(p.out)
    ctypes.memmove(got.ctypes.data, places[1], got.nbytes)
    for place in places: libc.free(place)
    assert_equal(got, want)

def sanitized_plans(cases):
    "Compiles (network, shape, batch)s, in one library, with sanitizers, warnings being errors; and runs them."
    from tinybench.toolchain.load import load
    for net, shape, batch in cases:
        x = inputs(shape, batch)
        want, p = eager(net, x), plan(net, shape, batch, native=False)
        check_run(p, load(p.source(), sanitize=True, also=['-lm', '-Werror', '-Wno-psabi']).run, x, want)

def mixed(seed):
    "A network of random operations on any of its values so far, views among them, and the shape of one input."
    r = np.random.default_rng(seed)
    shape = [(int(r.integers(1, 20)),), tuple(map(int, r.integers(1, 7, 2))), tuple(map(int, r.integers(1, 7, 3)))][int(r.integers(3))]
    steps, layers = [int(k) for k in r.integers(0, 1 << 30, int(r.integers(2, 9)))], {}
    def forward(m, x):
        values = [x]
        for k, draw in enumerate(steps):
            d = np.random.default_rng(draw)
            a, b = (values[int(d.integers(len(values)))] for _ in range(2))
            values.append(step(a, b, k, d, layers))
        return values[-1]
    return Do(forward), shape

def step(a, b, k, d, layers):
    "One random operation; a layer is made in the first pass."
    def layer(make): return layers[k] if k in layers else layers.setdefault(k, make().eval())
    some, n, c = int(d.integers(16)), a.ndim, a.shape[-1]
    axis = int(d.integers(1, n)) if n > 1 else 0
    f = int(d.integers(1, 20))
    try: fits = np.broadcast_shapes(a.shape, b.shape) is not None and a.size*b.size < 1e6
    except ValueError: fits = False
    if some <= 2: return a + b if fits else a.relu()
    if some == 3: return a*b if fits else a*2
    if some == 4: return a.relu()
    if some == 5: return a[(slice(None),)*axis + (slice(None, None, -1),)]
    if some == 6: return a[(slice(None),)*axis + (slice(0, max(1, a.shape[axis]//2)),)]
    if some == 7: return a.transpose(0, *[1 + int(i) for i in d.permutation(n - 1)])
    if some == 8: return a.mean(axis, keepdims=bool(d.integers(2)) or n < 3)
    if some == 9: return a.reshape(a.shape[0], -1) if n > 2 else a.reshape(a.shape[0], -1, 1)
    if some == 10: return concatenate([a, a.sigmoid()], axis)
    if some == 11: return a.softmax(axis)
    if some == 12 or n > 4: return layer(lambda: norm(c, d))(a)
    if n == 4 and some == 13: return layer(lambda: DepthwiseConv2d(c, 3, d, padding='same'))(a)
    if n == 4: return layer(lambda: Conv2d(c, c if some == 14 else f, 3, d, padding='same'))(a)
    if n == 3: return layer(lambda: Conv1d(c, c if some == 13 else f, 3, d, padding='same') if some < 15 else Dense(c, c, d))(a)
    return layer(lambda: Dense(c, c if some == 13 else f, d))(a)
