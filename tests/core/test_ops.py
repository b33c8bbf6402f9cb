"Every row of core.ops: shapes drawn at random, gradients against central differences, types kept, no warning, and PyTorch."
import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

from parity import same_as_torch
from tinybench.core import ops
from tinybench.core.ops import Op, check_vjp, expand, numeric_grad, unbroadcast
from tinybench.core.tensor import Tensor, apply, concatenate, stack, where

try: import torch
except ImportError: torch = None     # same_as_torch skips, and the skip is counted

OPS = {name: op for name, op in vars(ops).items() if isinstance(op, Op)}
each_op = pytest.mark.parametrize('name', sorted(OPS))


# Inputs: a strategy for each op, that draws (arrays, options)

seeds = st.integers(0, 2**32 - 1)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
filled = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)
pairs = hnp.mutually_broadcastable_shapes(num_shapes=2, min_dims=0, max_dims=3, min_side=0, max_side=3).map(lambda p: p.input_shapes)
triples = hnp.mutually_broadcastable_shapes(num_shapes=3, min_dims=0, max_dims=2, min_side=0, max_side=3).map(lambda p: p.input_shapes)


def normal(rng, shape): return np.asarray(rng.normal(size=shape))


def positive(rng, shape): return np.asarray(rng.uniform(.5, 2, shape))


def apart(rng, shape, shift=.1):
    "Numbers at least 0.1 away from each other and from 0, for ops with a kink; two shifts never meet."
    n = int(np.prod(shape))
    return np.asarray((rng.permutation(n) - n//2)*.3 + shift).reshape(shape)


@st.composite
def arrays(draw, shapes, *kinds, **options):
    "Arrays of the drawn shape or shapes, the i-th made by `kinds[i]`; options that are strategies are drawn too."
    drawn, rng = draw(shapes), np.random.default_rng(draw(seeds))
    drawn = drawn if len(kinds) > 1 else (drawn,)
    return [kind(rng, s) for kind, s in zip(kinds, drawn)], {k: draw(v) for k, v in options.items()}


@st.composite
def reduced(draw, shapes, kind):
    (x,), _ = draw(arrays(shapes, kind))
    axes = [st.none(), *([st.integers(-x.ndim, x.ndim - 1), hnp.valid_tuple_axes(x.ndim)] if x.ndim else [])]
    return [x], dict(axis=draw(st.one_of(axes)), keepdims=draw(st.booleans()))


@st.composite
def along(draw, shapes):
    (x,), _ = draw(arrays(shapes, normal))
    return [x], dict(axis=draw(st.integers(-x.ndim, x.ndim - 1)))


@st.composite
def products(draw):
    n, k, m = draw(st.tuples(*[st.integers(0, 3)]*3))
    (a, b), rng = draw(pairs), np.random.default_rng(draw(seeds))
    return [normal(rng, (*a[-2:], n, k)), normal(rng, (*b[-2:], k, m))], {}


@st.composite
def reshaped(draw):
    (x,), _ = draw(arrays(filled, normal))
    return [x], dict(shape=draw(st.sampled_from([x.shape[::-1], (-1,), (1, x.size), (x.size, 1, 1), (*x.shape, 1)])))


@st.composite
def transposed(draw):
    (x,), _ = draw(arrays(shapes, normal))
    axes = draw(st.none() | st.permutations(range(x.ndim)).map(tuple))
    if axes is not None and draw(st.booleans()): axes = tuple(a - x.ndim for a in axes)
    return [x], dict(axes=axes)


@st.composite
def indexed(draw):
    (x,), _ = draw(arrays(filled, normal))
    kinds = [hnp.basic_indices(x.shape, allow_newaxis=True)]
    if x.ndim: kinds += [hnp.integer_array_indices(x.shape), hnp.arrays(bool, x.shape),
                         st.lists(st.integers(-x.shape[0], x.shape[0] - 1), min_size=1, max_size=4)]
    return [x], dict(index=draw(st.one_of(kinds)))


@st.composite
def padded(draw):
    (x,), _ = draw(arrays(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3), normal))
    return [x], dict(widths=tuple(draw(st.tuples(st.integers(0, 2), st.integers(0, 2))) for _ in x.shape))


@st.composite
def stacked(draw):
    n, (x,) = draw(st.integers(1, 3)), draw(arrays(shapes, normal))[0]
    return [x*(i + 1) for i in range(n)], dict(axis=draw(st.integers(-x.ndim - 1, x.ndim)))


@st.composite
def varied(draw):
    xs, options = draw(reduced(hnp.array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=3), normal))
    n = xs[0].size//np.sum(xs[0], axis=options['axis']).size
    return xs, options | dict(ddof=draw(st.integers(0, 1)) if n > 1 else 0)


@st.composite
def squeezed(draw):
    (x,), _ = draw(arrays(shapes, normal))
    ones = [i - x.ndim*draw(st.booleans()) for i, n in enumerate(x.shape) if n == 1]
    return [x], dict(axis=draw(st.sampled_from([None, tuple(ones), *ones])))


@st.composite
def with_an_axis(draw):
    (x,), _ = draw(arrays(shapes, normal))
    return [x], dict(axis=draw(st.integers(-x.ndim - 1, x.ndim)))


@st.composite
def joined(draw):
    shape, rng = draw(hnp.array_shapes(max_dims=3, max_side=3)), np.random.default_rng(draw(seeds))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    def part(n): s = list(shape); s[axis] = n; return normal(rng, s)
    return [part(n) for n in draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))], dict(axis=axis)


def truth(rng, shape): return np.asarray(rng.random(shape) < .5)


CASES = dict(
    add=arrays(pairs, normal, normal), sub=arrays(pairs, normal, normal), mul=arrays(pairs, normal, normal),
    div=arrays(pairs, normal, positive), pow_=arrays(pairs, positive, normal), neg=arrays(shapes, normal),
    exp=arrays(shapes, normal), log=arrays(shapes, positive), sqrt=arrays(shapes, positive),
    tanh=arrays(shapes, normal), sigmoid=arrays(shapes, normal), relu=arrays(shapes, apart),
    maximum=arrays(pairs, apart, lambda rng, s: apart(rng, s, .2)), where=arrays(triples, truth, normal, normal),
    clip=arrays(shapes, apart, lo=st.just(-.35), hi=st.just(.55)), matmul=products(),
    sum_=reduced(shapes, normal), mean=reduced(filled, normal), max_=reduced(filled, apart),
    sin=arrays(shapes, normal), cos=arrays(shapes, normal), abs_=arrays(shapes, apart),
    minimum=arrays(pairs, apart, lambda rng, s: apart(rng, s, .2)), min_=reduced(filled, apart), var=varied(),
    logsumexp=reduced(filled, normal), stack=stacked(), squeeze=squeezed(), expand_dims=with_an_axis(),
    reshape=reshaped(), transpose=transposed(), getitem=indexed(), pad=padded(), concatenate=joined(),
    softmax=along(hnp.array_shapes(max_dims=3, max_side=4)), log_softmax=along(hnp.array_shapes(max_dims=3, max_side=4)),
)


def test_every_op_has_a_case_and_a_twin():
    assert sorted(CASES) == sorted(OPS), 'an op without a strategy, or a strategy without an op'
    assert sorted(TWINS) == sorted(OPS), 'an op without its PyTorch line, or a line without an op'


def read_only(a):
    "An array that may not be written to; what an op keeps may be several."
    for b in a if isinstance(a, tuple) else [a]:
        if isinstance(b, np.ndarray): b.setflags(write=False)
    return a


def forward_and_back(op, xs, options):
    "Output and gradients, with everything the op is lent made read-only."
    xs = [read_only(np.array(x)) for x in xs]
    out = op.fwd(*xs, **options)
    out, kept = out if op.keeps else (out, out)
    g = read_only(np.asarray(np.random.default_rng(0).normal(size=np.shape(out)), np.asarray(out).dtype))
    grads = [gx() if callable(gx) else gx for gx in op.vjp(g, read_only(kept), *xs, **options)]
    return out, grads


# Every op

@each_op
@given(data=st.data())
def test_gradients_are_true(name, data):
    xs, options = data.draw(CASES[name])
    check_vjp(OPS[name], *xs, **options)


@each_op
@given(data=st.data())
def test_one_gradient_for_each_input_and_nothing_lent_is_written_to(name, data):
    xs, options = data.draw(CASES[name])
    _, grads = forward_and_back(OPS[name], xs, options)
    assert len(grads) == len(xs)
    for x, g in zip(xs, grads):
        assert (g is None) == (x.dtype == bool)
        if g is not None: assert unbroadcast(np.asarray(g), x.shape).shape == x.shape


@each_op
@given(data=st.data())
def test_float32_stays_float32(name, data):
    xs, options = data.draw(CASES[name])
    out, grads = forward_and_back(OPS[name], [x if x.dtype == bool else x.astype(np.float32) for x in xs], options)
    assert out.dtype == np.float32
    assert {np.asarray(g).dtype for g in grads if g is not None} == {np.dtype(np.float32)}


@each_op
@given(data=st.data())
def test_backward_gives_what_the_row_says(name, data):
    xs, options = data.draw(CASES[name])
    _, grads = forward_and_back(OPS[name], xs, options)
    leaves = [Tensor(x, requires_grad=x.dtype != bool) for x in xs]
    out = apply(OPS[name], *leaves, **options)
    out.backward(np.random.default_rng(0).normal(size=out.shape))
    for x, leaf, g in zip(xs, leaves, grads):
        assert leaf.shape == x.shape and (leaf.data == x).all(), 'an input was changed'
        if g is not None: np.testing.assert_array_equal(leaf.grad, unbroadcast(np.asarray(g), x.shape))


@each_op
@given(data=st.data())
def test_the_judge_sees_a_gradient_that_is_one_percent_off(name, data):
    xs, options = data.draw(CASES[name])
    op = OPS[name]
    def off(g, o, *xs, **options):
        grads = [gx() if callable(gx) else gx for gx in op.vjp(g, o, *xs, **options)]
        return [None if gx is None else 1.01*np.asarray(gx) for gx in grads]
    _, grads = forward_and_back(op, xs, options)
    largest = max(np.abs(unbroadcast(np.asarray(g), x.shape)).max(initial=0.) for g, x in zip(grads, xs) if g is not None)
    if largest < .01: return
    with pytest.raises(AssertionError, match=f'{op.name}: gradient of input'): check_vjp(op._replace(vjp=off), *xs, **options)


@each_op
def test_shapes_that_do_not_fit_are_named(name):
    bad = dict(matmul=([(2, 3), (2, 3)], {}), where=([(2, 3), (4, 3), (2, 3)], {}), concatenate=([(2, 3), (2, 4)], {}),
               stack=([(2, 3), (3, 2)], {}), squeeze=([(2, 1)], dict(axis=0)), expand_dims=([(2, 3)], dict(axis=4)),
               min_=([(2, 3)], dict(axis=2)), var=([(2, 3)], dict(axis=(0, 3))), logsumexp=([(2, 3)], dict(axis=2)),
               sum_=([(2, 3)], dict(axis=2)), mean=([(2, 3)], dict(axis=2)), max_=([(2, 3)], dict(axis=2)),
               reshape=([(2, 3)], dict(shape=(4, 2))), transpose=([(2, 3)], dict(axes=(0, 2))), getitem=([(2, 3)], dict(index=2)),
               pad=([(2, 3)], dict(widths=((1, 1),)*3)), softmax=([(2, 3)], dict(axis=2)), log_softmax=([(2, 3)], dict(axis=2)))
    if name in ('add', 'sub', 'mul', 'div', 'pow_', 'maximum', 'minimum'): bad[name] = [(2, 3), (4,)], {}
    if name not in bad: return      # one input, any shape
    sizes, options = bad[name]
    with pytest.raises((ValueError, IndexError)) as e: apply(OPS[name], *[Tensor(np.ones(s)) for s in sizes], **options)
    assert str(e.value).startswith(f'{OPS[name].name} of {", ".join(map(str, sizes))}: ')


# PyTorch, a line for each op: (shapes, ours, theirs, how numbers are drawn)

mask = np.random.default_rng(1).random((3, 4)) < .5
TWINS = dict(
    add=([(3, 4), (4,)], lambda x, y: x + y, lambda x, y: x + y, {}),
    sub=([(3, 1), (3, 4)], lambda x, y: x - y, lambda x, y: x - y, {}),
    mul=([(3, 4), ()], lambda x, y: x*y, lambda x, y: x*y, {}),
    div=([(3, 4), (3, 1)], lambda x, y: x/y, lambda x, y: x/y, dict(low=.5)),
    pow_=([(3, 4), (4,)], lambda x, y: x**y, lambda x, y: x**y, dict(low=.5)),
    neg=([(3, 4)], lambda x: -x, lambda x: -x, {}),
    exp=([(3, 4)], lambda x: x.exp(), lambda x: x.exp(), dict(scale=3)),
    log=([(3, 4)], lambda x: x.log(), lambda x: x.log(), dict(low=.1)),
    sqrt=([(3, 4)], lambda x: x.sqrt(), lambda x: x.sqrt(), dict(low=.1)),
    tanh=([(3, 4)], lambda x: x.tanh(), lambda x: x.tanh(), dict(scale=5)),
    sigmoid=([(3, 4)], lambda x: x.sigmoid(), lambda x: x.sigmoid(), dict(scale=30)),
    relu=([(3, 4)], lambda x: x.relu(), lambda x: x.relu(), {}),
    maximum=([(3, 4), (4,)], lambda x, y: x.maximum(y), lambda x, y: x.maximum(y), {}),
    where=([mask, (3, 4), (4,)], where, lambda c, x, y: torch.where(c, x, y), {}),
    clip=([(3, 4)], lambda x: x.clip(-.5, .5), lambda x: x.clip(-.5, .5), {}),
    matmul=([(2, 3, 4), (4, 5)], lambda x, y: x@y, lambda x, y: x@y, {}),
    sum_=([(2, 3, 4)], lambda x: x.sum((0, 2)), lambda x: x.sum((0, 2)), {}),
    mean=([(2, 3, 4)], lambda x: x.mean(-1, keepdims=True), lambda x: x.mean(-1, keepdim=True), {}),
    max_=([(2, 3, 4)], lambda x: x.max((1, 2)), lambda x: x.amax((1, 2)), {}),
    min_=([(2, 3, 4)], lambda x: x.min((1, 2)), lambda x: x.amin((1, 2)), {}),
    var=([(2, 3, 4)], lambda x: x.var((0, 2), ddof=1), lambda x: x.var((0, 2), correction=1), {}),
    logsumexp=([(2, 3, 4)], lambda x: x.logsumexp((0, 2)), lambda x: x.logsumexp((0, 2)), dict(scale=30)),
    abs_=([(3, 4)], abs, abs, {}), sin=([(3, 4)], lambda x: x.sin(), lambda x: x.sin(), dict(scale=3)),
    cos=([(3, 4)], lambda x: x.cos(), lambda x: x.cos(), dict(scale=3)),
    minimum=([(3, 4), (4,)], lambda x, y: x.minimum(y), lambda x, y: x.minimum(y), {}),
    squeeze=([(3, 1, 4, 1)], lambda x: x.squeeze(1), lambda x: x.squeeze(1), {}),
    expand_dims=([(3, 4)], lambda x: x.expand_dims(1), lambda x: x.unsqueeze(1), {}),
    stack=([(3, 4), (3, 4)], lambda *xs: stack(xs, 1), lambda *xs: torch.stack(xs, 1), {}),
    reshape=([(3, 4)], lambda x: x.reshape(2, -1), lambda x: x.reshape(2, -1), {}),
    transpose=([(2, 3, 4)], lambda x: x.transpose(2, 0, 1), lambda x: x.permute(2, 0, 1), {}),
    getitem=([(3, 4)], lambda x: x[[0, 0, 2], 1:], lambda x: x[[0, 0, 2], 1:], {}),
    pad=([(3, 4)], lambda x: x.pad(((0, 1), (2, 3))), lambda x: torch.nn.functional.pad(x, (2, 3, 0, 1)), {}),
    concatenate=([(3, 4), (3, 2)], lambda *xs: concatenate(xs, 1), lambda *xs: torch.cat(xs, 1), {}),
    softmax=([(3, 4)], lambda x: x.softmax(0), lambda x: x.softmax(0), dict(scale=10)),
    log_softmax=([(3, 4)], lambda x: x.log_softmax(), lambda x: x.log_softmax(-1), dict(scale=10)),
)


@each_op
def test_same_as_torch(name):
    shapes, ours, theirs, how = TWINS[name]
    same_as_torch(shapes, ours, theirs, **how)


ties = np.array([[1, 3, 3, 2], [2, 2, 2, 2]], np.float32)
@pytest.mark.parametrize('ours, theirs', [
    (lambda x: x.max(1), lambda x: x.amax(1)), (lambda x: x.max(), lambda x: x.amax()),
    (lambda x: x.maximum(2), lambda x: x.maximum(torch.tensor(2.))), (lambda x: (x - 2).relu(), lambda x: (x - 2).relu()),
    (lambda x: x.clip(1, 2), lambda x: x.clip(1, 2)), (lambda x: x*x, lambda x: x*x), (lambda x: x**3, lambda x: x**3),
    (lambda x: (-x)**2, lambda x: (-x)**2), (lambda x: 2**x, lambda x: 2**x), (lambda x: 1/x - 1, lambda x: 1/x - 1),
], ids=['max', 'max of all', 'maximum', 'relu', 'clip', 'square', 'cube', 'square of negative', 'power of two', 'inverse'])
def test_same_as_torch_where_numbers_tie_or_are_plain(ours, theirs):
    same_as_torch([ties], ours, theirs)


# Warnings are errors in these tests

@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('f', [lambda x: x.softmax(), lambda x: x.log_softmax(), lambda x: x.sigmoid(), lambda x: x.tanh(),
                               lambda x: x.relu()],
                         ids=['softmax', 'log_softmax', 'sigmoid', 'tanh', 'relu'])
def test_finite_at_any_size(f, dtype):
    x = Tensor(np.array([[-1000, 0, 1000], [1000, 1000, 999], [-1e30, 1e30, 0], [-87.5, -104, 104]], dtype), requires_grad=True)
    out = f(x)
    out.backward(np.ones(x.shape, dtype))
    assert np.isfinite(out.data).all() and np.isfinite(x.grad).all() and out.dtype == x.grad.dtype == dtype


@pytest.mark.parametrize('n', [2, 3, 1, 0, -1, -2])
def test_a_negative_base_with_a_constant_exponent(n):
    x = Tensor([-2., -.5, 3.], requires_grad=True)
    (x**n).sum().backward()
    np.testing.assert_allclose(x.grad, n*x.data**float(n - 1), rtol=1e-6)


@pytest.mark.parametrize('n', [1, 2, 3, 1.5, 0])
def test_a_base_of_zero(n):
    x = Tensor([0., 2.], requires_grad=True)
    (x**n).sum().backward()
    np.testing.assert_allclose(x.grad, [n == 1, n*2**(n - 1)], rtol=1e-6)


def test_the_exponents_gradient_is_never_tried_when_it_is_a_constant():
    _, promise = ops.pow_.vjp(np.ones(2), np.array([4., 9.]), np.array([-2., -3.]), np.array(2.))
    assert callable(promise)


@pytest.mark.parametrize('shape', [(0,), (0, 3), (3, 0)])
def test_nothing_in_nothing_out(shape):
    x = Tensor(np.zeros(shape, np.float32), requires_grad=True)
    for f in (lambda x: x + 1, lambda x: x*x, lambda x: x.exp().relu(), lambda x: x.sum(), lambda x: x.sum(0),
              lambda x: x.T, lambda x: x[:0], lambda x: x.reshape(-1, 1)):
        x.grad, out = None, f(x)
        out.backward(np.ones(out.shape, np.float32))
        assert x.grad.shape == shape
    assert Tensor(np.zeros((0, 3))).softmax().shape == (0, 3)


# Indices and widths in every form numpy takes

@pytest.mark.parametrize('index', [
    1, -1, (1, 2), slice(None, None, -2), (slice(None), 1), ..., (..., None, 0), None, [1, 1, 0], ([0, 0], [1, 1]), np.array([[1, 1], [0, 1]]),
    (slice(None), [2, 2]), np.int64(1), np.array([True, False, True]), True,
    ((1, 1, 0),), (slice(0, 2), (1, 1)), range(2), Tensor(np.array([1, 1, 0])),
    (np.arange(3), Tensor(np.array([1, 1, 3]))),
], ids=lambda i: type(i).__name__ if isinstance(i, (Tensor, np.ndarray)) else ' '.join(repr(i).replace('None', '_').split()))
def test_the_gradient_of_any_index(index):
    x = np.random.default_rng(0).normal(size=(3, 4))
    leaf = Tensor(x.copy(), requires_grad=True)
    leaf[index].sum().backward()
    def plain_of(i): return i.data if isinstance(i, Tensor) else i
    plain = tuple(map(plain_of, index)) if isinstance(index, tuple) else plain_of(index)
    np.testing.assert_allclose(leaf.grad, numeric_grad(lambda x: x[plain].sum(), x), atol=1e-7)


@pytest.mark.parametrize('widths', [((1, 2), (0, 3)), [[1, 2], [0, 3]], ((1, 2),), (1, 2), 1, np.array([[1, 0], [2, 2]])],
                         ids=['pairs', 'lists', 'one pair', 'two numbers', 'one number', 'array'])
def test_the_gradient_of_any_padding(widths):
    x = np.random.default_rng(0).normal(size=(3, 4))
    leaf, w = Tensor(x.copy(), requires_grad=True), np.random.default_rng(1).normal(size=np.pad(x, widths).shape)
    leaf.pad(widths).backward(w)
    np.testing.assert_allclose(leaf.grad, numeric_grad(lambda x: (np.pad(x, widths)*w).sum(), x), atol=1e-6)


# The judges

def test_numeric_grad_leaves_its_input_as_it_was():
    x = np.random.default_rng(0).normal(size=(2, 3))
    before = x.copy()
    numeric_grad(lambda x: (x**2).sum(), x)
    assert (x == before).all()


def test_check_vjp_wants_a_gradient_for_every_input():
    with pytest.raises(AssertionError): check_vjp(Op('half', np.add, lambda g, o, x, y: (g,)), np.ones(2), np.ones(2))


def test_check_vjp_refuses_what_is_not_a_number():
    with pytest.raises(AssertionError, match='input 0'): check_vjp(Op('nan', np.sin, lambda g, o, x: (g*np.nan,)), np.ones(2))


def test_check_vjp_hands_over_what_was_kept():
    keeping = Op('keeping', lambda x: (np.sin(x), np.cos(x)), lambda g, kept, x: (g*kept,), keeps=True)
    check_vjp(keeping, np.random.default_rng(0).normal(size=(2, 3)))


@given(pairs, seeds)
def test_unbroadcast_sums_the_copies(shapes, seed):
    small, big = shapes[0], np.broadcast_shapes(*shapes)
    g = np.random.default_rng(seed).normal(size=big)
    got, want = unbroadcast(g, small), numeric_grad(lambda a: (g*a).sum(), np.zeros(small))
    assert np.shape(got) == small
    np.testing.assert_allclose(got, want, atol=1e-7)


@given(st.data())
def test_expand_gives_back_what_a_reduction_dropped(data):
    (x,), options = data.draw(reduced(shapes, normal))
    view = expand(np.sum(x, **options), x.shape, **options)
    np.testing.assert_array_equal(view, np.broadcast_to(np.sum(x, axis=options['axis'], keepdims=True), x.shape))
