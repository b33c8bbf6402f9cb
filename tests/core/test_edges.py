"At the edges of numpy and of the record: functions, types, comparisons, empty arrays, tails, and numbers written over."
import tracemalloc

import numpy as np
import pytest

from parity import same_as_torch
from tinybench.core import ops
from tinybench.core.ops import Op, check_vjp, unbroadcast
from tinybench.core.tensor import Tensor, apply, backward, check_grad, concatenate, deposit, glimpses, no_grad, stack, where


def leaf(*numbers, dtype=np.float32): return Tensor(np.array(numbers, dtype), requires_grad=True)


# In numpy's hands

KEPT = [
    (lambda x: np.clip(x, 0, 1), lambda x: x.clip(0, 1)), (lambda x: np.exp(x), lambda x: x.exp()), (lambda x: np.sum(x, axis=0), lambda x: x.sum(0)),
    (lambda x: np.mean(x), lambda x: x.mean()), (lambda x: np.matmul(x, x), lambda x: x@x), (lambda x: np.maximum(x, 1), lambda x: x.maximum(1)),
    (lambda x: np.where(x > 1, x, 0), lambda x: where(x > 1, x, 0)), (lambda x: np.concatenate([x, x]), lambda x: concatenate([x, x])),
    (lambda x: np.stack([x, x*2]), lambda x: stack([x, x*2])), (lambda x: np.abs(-x), lambda x: abs(-x)), (lambda x: np.var(x, ddof=1), lambda x: x.var(ddof=1)),
    (lambda x: np.squeeze(x), lambda x: x.squeeze()), (lambda x: np.expand_dims(x, 0), lambda x: x.expand_dims(0)), (lambda x: np.amax(x), lambda x: x.max()),
    (lambda x: np.ones(2)*x, lambda x: x*np.ones(2)), (lambda x: np.float64(2)**x, lambda x: 2**x), (lambda x: np.ones(2)@x, lambda x: Tensor(np.ones(2))@x),
    (lambda x: np.reshape(x, (1, -1)), lambda x: x.reshape(1, -1)), (lambda x: np.subtract(1, x), lambda x: 1 - x), (lambda x: np.pad(x, 1), lambda x: x.pad(1)),
]


@pytest.mark.parametrize('theirs, ours', KEPT, ids=range(len(KEPT)))
def test_numpys_function_is_ours_and_keeps_the_gradient(theirs, ours):
    xs = [leaf(.5, 2.) for _ in range(2)]
    outs = [f(x) for f, x in zip((theirs, ours), xs)]
    for out in outs: (out*out).sum().backward()
    assert type(outs[0]) is Tensor and outs[0].dtype == outs[1].dtype
    np.testing.assert_array_equal(outs[0].data, outs[1].data)
    np.testing.assert_array_equal(xs[0].grad, xs[1].grad)


LOST = [np.floor, np.cumsum, np.linalg.norm, np.sort, np.round, lambda x: np.add.reduce(x), lambda x: np.einsum('i->', x), np.copy, lambda x: np.dot(x, x),
        lambda x: np.ones(2)//x, lambda x: np.sum(x, dtype=np.float64), lambda x: np.mean(x, 0, np.float64),
        lambda x: np.add(1, x, out=np.zeros(2)), lambda x: np.pad(x, 1, mode='edge'), lambda x: np.clip(x, a_min=0, a_max=1), lambda x: np.vstack([x, x])]


@pytest.mark.parametrize('f', LOST, ids=range(len(LOST)))
def test_what_would_lose_a_gradient_is_refused_and_else_it_is_numpys(f):
    with pytest.raises(TypeError, match='would lose the gradient of a tensor'): f(leaf(.5, 2.))
    a = np.array([.5, 2.], np.float32)
    np.testing.assert_array_equal(f(Tensor(a)), f(a))
    with no_grad(): np.testing.assert_array_equal(f(leaf(.5, 2.)), f(a))


@pytest.mark.parametrize('write', [lambda a, x: np.copyto(a, x), lambda a, x: np.put(a, [0, 1], x), lambda a, x: np.add.at(a, [0, 1], x),
                                   lambda a, x: np.place(a, [True, True], x), lambda a, x: np.full_like(a, x)], ids=['copyto', 'put', 'at', 'place', 'full_like'])
def test_what_is_written_into_an_array_loses_its_gradient_too(write):
    with pytest.raises(TypeError, match='would lose'): write(np.zeros(2), leaf(.5, 2.))
    write(np.zeros(2), Tensor([.5, 2.]))


def test_blank_arrays_and_files_look_at_no_gradient(tmp_path):
    x = leaf(.5, 2.)
    assert np.full_like(x, 3).tolist() == [3, 3]
    np.save(tmp_path/'x.npy', x)
    assert np.load(tmp_path/'x.npy').tolist() == [.5, 2]


@pytest.mark.parametrize('join', [concatenate, np.concatenate], ids=['ours', 'numpy'])
def test_joined_along_no_axis_is_one_row(join):
    x, y = leaf(1., 2.), Tensor([[3.], [4.]], requires_grad=True)
    out = join([x, y], axis=None)
    (out*np.arange(4.)).sum().backward()
    assert out.data.tolist() == [1, 2, 3, 4] and x.grad.tolist() == [0, 1] and y.grad.tolist() == [[2], [3]]


def test_an_array_that_is_added_to_in_place_is_asked_too():
    a = np.ones(2)
    a += Tensor([1., 2.])
    np.testing.assert_array_equal(a, [2, 3])
    with pytest.raises(TypeError, match='np.add would lose'): a += leaf(1., 2.)


def test_what_has_no_gradient_is_numpys():
    x = leaf(.5, 2.)
    assert np.shape(x) == (2,) and np.argmax(x) == 1 and np.isfinite(x).all() and np.array_equal(x, x) and np.allclose(x, x.data) and np.size(x) == 2
    assert np.argsort(x).tolist() == [0, 1] and np.zeros_like(x).tolist() == [0, 0] and np.where(x > 1)[0].tolist() == [1]
    np.testing.assert_array_equal(np.asarray(x), x.data)


def test_a_tensor_of_tensors_is_refused():
    with pytest.raises(TypeError, match='stack'): Tensor([leaf(1.).sum(), 2.])
    with pytest.raises(TypeError, match='stack'): leaf(1.)*[leaf(1.)[0]]


# Comparisons, truth, iteration

def test_comparisons_are_elementwise_arrays():
    x, a = leaf(1., 2., 3.), np.array([3., 2., 1.])
    for name in ('__eq__', '__ne__', '__lt__', '__le__', '__gt__', '__ge__'):
        for other in (a, Tensor(a), 2, [3., 2., 1.]):
            got = getattr(x, name)(other)
            assert type(got) is np.ndarray and got.dtype == bool
            np.testing.assert_array_equal(got, getattr(x.data, name)(np.asarray(other)))
    assert ((a == x) == (x == a)).all() and (2 > x).tolist() == [True, False, False]
    assert not (x == None).any() and 2. in x and 5. not in x     # noqa: E711


def test_a_tensor_is_itself_in_a_set():
    x, y = leaf(1.), leaf(1.)
    assert len({x, y, x}) == 2 and {x: 1}[x] == 1 and y not in {x}


def test_truth_is_numpys():
    assert Tensor([3.]) and not Tensor(0.) and not Tensor([[0.]])
    for bad in (Tensor([1., 2.]), Tensor(np.zeros((0, 3)))):
        with pytest.raises(ValueError): bool(bad)


def test_iteration_numbers_and_places():
    x = leaf(1., 2.)
    (list(x)[1]*3).backward()
    np.testing.assert_array_equal(x.grad, [0, 3])
    with pytest.raises(TypeError, match='iterate'): list(Tensor(3.))
    with pytest.raises(TypeError): len(Tensor(3.))
    assert (int(Tensor(3.7)), float(Tensor([2.5])), ['a', 'b'][Tensor(np.array(1))], list(range(Tensor(np.array(2))))) == (3, 2.5, 'b', [0, 1])
    y = Tensor([[1., 5.], [7., 2.]])
    assert y.argmax() == 2 and y.argmax(1).tolist() == [1, 0] and y.argmin(0, keepdims=True).tolist() == [[0, 1]]
    assert (+x is x) and abs(Tensor([-1., 2.])).data.tolist() == [1, 2]


# Arguments in each form, and types

def test_shapes_and_axes_in_each_form():
    x = Tensor(np.arange(6.).reshape(2, 3))
    for f in (lambda *a: x.reshape(*a), lambda *a: x.T.reshape(*a)):
        assert f(3, 2).shape == f((3, 2)).shape == f([3, 2]).shape == f(np.array([3, 2])).shape == f(np.int64(3), -1).shape == (3, 2)
    assert x.reshape(-1).shape == x.reshape((-1,)).shape == x.reshape([6]).shape == (6,)
    assert Tensor(2.).reshape().shape == x[0, 0].reshape(()).shape == ()
    for axes in ((1, 0), ((1, 0),), ([1, 0],), (np.array([1, 0]),), (), (None,), (-1, 0)): assert x.transpose(*axes).shape == (3, 2)
    y = Tensor(np.ones((2, 1, 3, 1)))
    assert y.sum([0, 2]).shape == y.sum((0, 2)).shape == (1, 1) and y.mean([1]).shape == (2, 3, 1)
    assert y.squeeze().shape == (2, 3) and y.squeeze([1, 3]).shape == y.squeeze((1, -1)).shape == (2, 3) and y.squeeze(1).shape == (2, 3, 1)
    assert x.expand_dims(0).shape == (1, 2, 3) and x.expand_dims([0, 3]).shape == x.expand_dims((0, -1)).shape == (1, 2, 3, 1)


SCALARS = [2, 2.5, True, np.int64(2), np.float64(2.5), np.float32(2.5), np.float16(2.5), np.uint8(2), np.array(2.), np.bool_(True)]


@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64])
@pytest.mark.parametrize('n', SCALARS, ids=lambda n: f'{type(n).__name__} {n}')
def test_a_scalar_takes_the_type_of_the_tensor(n, dtype):
    x = leaf(1., 2., dtype=dtype)
    for out in (x*n, n*x, x + n, n - x, x/n, n/x, x**n, n**x, x.maximum(n), x.clip(n), x.clip(0, n), where(x > 1, x, n), np.multiply(n, x)):
        assert out.dtype == dtype
        x.grad = None
        out.sum().backward()
        assert x.grad.dtype == dtype


def test_whole_numbers_in_whole_tensors():
    x = Tensor(np.array([1, 200], np.uint8))
    assert (x + np.int64(1)).dtype == np.uint8 and (x*.5).data.tolist() == [.5, 100]
    with pytest.raises(OverflowError): x + np.int64(300)


INTS = [np.int64, np.uint8, np.int8, bool]


@pytest.mark.parametrize('dtype', INTS, ids=lambda d: d.__name__)
@pytest.mark.parametrize('name', ['sigmoid', 'tanh', 'softmax', 'log_softmax', 'logsumexp', 'mean', 'var', 'sqrt', 'sin'])
def test_whole_numbers_become_fractions(name, dtype):
    a = np.array([0, 1, 100]).astype(dtype)
    got = getattr(Tensor(a), name)()
    assert got.dtype.kind == 'f'
    if got.dtype == np.float16: return      # numpy's own choice for bytes
    np.testing.assert_allclose(got.data, getattr(Tensor(a.astype(np.float64)), name)().data, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize('f', [lambda x, a: x.softmax(a), lambda x, a: x.log_softmax(a)], ids=['softmax', 'log_softmax'])
def test_softmax_along_several_axes_or_of_one_number(f):
    x = Tensor(np.random.default_rng(0).normal(size=(2, 3, 4)))
    want = f(x.reshape(2, 12), 1).data.reshape(2, 3, 4)
    for axis in ((1, 2), [1, 2], (-1, -2), [np.int64(2), 1]): np.testing.assert_allclose(f(x, axis).data, want)
    assert f(Tensor(3.), -1).data == f(Tensor([3.]), 0).data[0]


# clip

def test_clip_with_one_limit_or_arrays():
    x = leaf(1.)
    x.clip(None, 2.).backward(np.ones(1))
    assert x.grad.tolist() == [1]
    for args in ((0,), (None, 2), (0, 2), (np.float64(0), np.int64(2)), (Tensor(0.), Tensor([1., 2., 0.])), (np.zeros(3), [2., 2., 2.]), (None, None)):
        y = leaf(-1., 1., 3.)
        out = y.clip(*args)
        out.sum().backward()
        lo, hi = (None if len(args) <= i or args[i] is None else np.asarray(args[i]) for i in (0, 1))
        want = y.data if lo is None and hi is None else np.clip(y.data, lo, hi)
        np.testing.assert_array_equal(out.data, want)
        np.testing.assert_array_equal(y.grad, want == y.data)
        assert out.dtype == y.grad.dtype == np.float32


@pytest.mark.parametrize('limit', [np.float64(.1), np.array([.1]), Tensor(np.array([.1])), .1], ids=['scalar', 'array', 'tensor', 'number'])
def test_clip_at_a_limit_that_the_type_rounds_is_as_torchs(limit):
    for args in ((limit,), (None, limit)):
        x = leaf(.1)
        x.clip(*args).sum().backward()
        assert x.grad.tolist() == [1]
    x = leaf(-1., 1., 3.)
    x.clip(3, 1).sum().backward()       # nothing is above 3 and below 1
    assert x.grad.tolist() == [0, 0, 0]


def test_clip_says_that_its_limits_get_no_gradient():
    with pytest.raises(TypeError, match=r'maximum\(\) and minimum\(\)'): leaf(1.).clip(leaf(0.), 1)


# Shapes of gradients

WRONG = {
    'a sum': lambda g, o, x: (g.sum(),), 'a row': lambda g, o, x: (g[0],), 'a bare array': lambda g, o, x: g*2, 'none': lambda g, o, x: (),
    'two': lambda g, o, x: (g, g), 'a column too many': lambda g, o, x: (g[..., None],), 'a promise of a sum': lambda g, o, x: (lambda out=None: g.sum(),),
    'turned': lambda g, o, x: (g.T,), 'a generator': lambda g, o, x: (g for _ in range(1)), 'a number': lambda g, o, x: (2.,), 'a list': lambda g, o, x: ([1., 2.],),
}


@pytest.mark.parametrize('vjp', WRONG.values(), ids=WRONG)
def test_a_gradient_of_a_wrong_number_or_shape_is_seen_by_judges_and_by_backward(vjp):
    op, x = Op('twice', lambda x: x*2, vjp), np.ones((2, 3))
    with pytest.raises(AssertionError): check_vjp(op, x)
    with pytest.raises(AssertionError): check_grad(lambda x: apply(op, x), Tensor(x))
    w = Tensor(x, requires_grad=True)
    for f in (lambda: apply(op, w), lambda: apply(op, w*1)):
        with pytest.raises(ValueError, match='going back through twice'): f().sum().backward()
    assert w.grad is None


def test_a_scalar_that_is_handed_to_a_sum():
    op = Op('s', lambda x: x.sum(), lambda g, o, x: (g,))
    for judge in (lambda: check_vjp(op, np.ones((2, 3))), lambda: check_grad(lambda x: apply(op, x), Tensor(np.ones((2, 3))))):
        with pytest.raises(AssertionError, match=r'shape \(\) is none for an array of shape \(2, 3\)'): judge()


def test_check_vjp_takes_a_missing_gradient_for_zero():
    half = Op('half', np.add, lambda g, o, x, y: (g, None))
    with pytest.raises(AssertionError, match='input 1'): check_vjp(half, np.ones(2), np.ones(2))
    check_vjp(Op('pick', lambda c, x: np.where(c, x, 0), lambda g, o, c, x: (None, g*c)), np.array([True, False]), np.ones(2))


@pytest.mark.parametrize('g, shape', [((3,), (2, 3)), ((), (2,)), ((), (1,)), ((3,), (1, 3)), ((2, 3), (2,)), ((3, 1), (3,)), ((4, 3), (2, 3))])
def test_unbroadcast_and_deposit_refuse_what_no_broadcast_explains(g, shape):
    with pytest.raises(ValueError) as e: unbroadcast(np.ones(g), shape)
    assert str(g) in str(e.value) and str(shape) in str(e.value)
    for buffer in (None, np.zeros(shape)):
        t = Tensor(np.zeros(shape), requires_grad=True)
        t.buffer = buffer
        for bad in (np.ones(g), lambda out=None: np.ones(g)):
            with pytest.raises(ValueError): deposit(t, bad)
            assert t.grad is None


# Numbers written over

def test_numbers_written_over_before_the_way_back_are_noticed():
    def changed(how, f=lambda x: x*x):
        x = leaf(1., 2., 3.)
        y = f(x).sum()
        how(x)
        with pytest.raises(RuntimeError, match='was overwritten'): y.backward()
        assert x.grad is None
    def shrink(x): x.data /= 2
    def fill(x): x.data[:] = 10
    def one_becomes_nan(x): x.data[1] = np.nan
    for how in (shrink, fill, one_becomes_nan): changed(how)
    changed(fill, lambda x: x.exp()*x)


@pytest.mark.parametrize('size, index', [(2, 0), (2, -1), (5, 0), (16, 3), (17, slice(None)), (60_000, slice(None)), (60_000, slice(0, 2_000))])
def test_one_number_of_a_small_array_and_most_of_a_large_one_are_noticed(size, index):
    x = Tensor(np.arange(1., size + 1), requires_grad=True)
    y = (x*x).sum()
    x.data[index] = 0
    with pytest.raises(RuntimeError, match='an input of mul.* was overwritten'): y.backward()


def test_the_next_pictures_in_the_same_memory_are_noticed():
    "Their corners are black in all of them."
    batch, w = np.zeros((32, 28, 28, 1), np.float32), leaf(2.)
    batch[:, 4:24, 4:24] = 1
    loss = (w*batch).sum()
    batch[:, 4:24, 4:24] = .5
    with pytest.raises(RuntimeError, match='was overwritten'): loss.backward()


RESULTS = [lambda x: x.exp(), lambda x: x.sqrt(), lambda x: x.sigmoid(), lambda x: x.tanh(), lambda x: x.relu(), lambda x: x.softmax(), lambda x: x.max(0), lambda x: 3/x]


@pytest.mark.parametrize('f', RESULTS, ids=range(len(RESULTS)))
def test_a_result_that_is_written_over_is_noticed(f):
    x = leaf(1., 2., 3.)
    y = f(x)
    y.data[...] = 0
    with pytest.raises(RuntimeError, match='the result of .* was overwritten'): y.sum().backward()
    assert x.grad is None


def test_an_index_and_a_limit_that_are_written_over_do_no_harm():
    i, mask, low = np.array([0, 1]), np.array([True, False, True]), np.zeros(3)
    x = leaf(1., 2., 3.)
    out = x[i].sum() + 10*x[mask].sum() + 100*x[None][[0, 0], i].sum() + 1000*x.clip(low).sum()
    i[:], mask[:], low[:] = 2, False, 9
    out.backward()
    assert x.grad.tolist() == [1111, 1101, 1010]


def test_a_step_between_two_ways_back_is_noticed():
    w, x = leaf(3.), leaf(2.)
    h = x*w
    one, two = (h*h).sum(), (h*5).sum()
    one.backward(retain=True)
    w.data -= .01*w.grad
    x.grad = None
    with pytest.raises(RuntimeError, match='was overwritten'): two.backward()


def test_an_array_of_the_caller_that_is_written_over_is_noticed():
    a, w = np.array([[2.]], np.float32), Tensor([[3.]], requires_grad=True)
    loss = (a@w).sum()
    a /= 2
    with pytest.raises(RuntimeError, match='matmul'): loss.backward()


def test_another_array_in_place_of_the_first_does_no_harm():
    x = leaf(1., 2.)
    y = (x*x).sum()
    x.data = np.full(2, 10, np.float32)
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 4])


def test_nan_and_nothing_are_not_taken_for_a_change():
    x, nothing = leaf(np.nan, np.nan, np.nan), Tensor(np.zeros((0, 3)), requires_grad=True)
    (x*x).sum().backward()
    (nothing*nothing).sum().backward()
    assert np.isnan(x.grad).all() and nothing.grad.shape == (0, 3)


# Empty arrays, single numbers, vectors

REDUCE = dict(sum=lambda x, a: x.sum(a), mean=lambda x, a: x.mean(a), max=lambda x, a: x.max(a), min=lambda x, a: x.min(a), var=lambda x, a: x.var(a),
              logsumexp=lambda x, a: x.logsumexp(a))


@pytest.mark.parametrize('f', REDUCE.values(), ids=REDUCE)
def test_reducing_what_is_empty(f):
    for shape, axis in [((0, 3), 1), ((0, 3), -1), ((0, 4, 4, 1), (1, 2)), ((3, 0), 0)]:
        x = Tensor(np.zeros(shape, np.float32), requires_grad=True)
        out = f(x, axis)
        out.sum().backward()
        assert x.grad.shape == shape and x.grad.dtype == np.float32 and out.size == 0
    if f is REDUCE['sum']: return
    for axis in (0, None):
        with pytest.raises(ValueError, match='empty|zero-size'): f(Tensor(np.zeros((0, 3))), axis)


@pytest.mark.parametrize('f', REDUCE.values(), ids=REDUCE)
@pytest.mark.parametrize('axis', [None, 0, -1, (0,), [0], [-1], ()], ids=str)
def test_one_number_along_an_axis(f, axis):
    x = Tensor(3., 'float64', requires_grad=True)
    f(x, axis).backward()
    assert x.grad.shape == () and x.grad == (f is not REDUCE['var'])


def test_a_variance_needs_numbers_left():
    with pytest.raises(ValueError, match='divides by 0'): Tensor([1.]).var(ddof=1)


@pytest.mark.parametrize('axis', [0, (0,), None, (0, 1), -2])
def test_a_long_float32_sum_keeps_its_digits(axis):
    x = Tensor(np.full((200_000, 4), .1, np.float32), requires_grad=True)
    wide = x.data.astype(np.float64)
    for ours, want in ((x.sum(axis), wide.sum(axis)), (x.mean(axis), wide.mean(axis))):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours.data, want, rtol=1e-6)
    assert x.var(axis).data.max() < 1e-12
    x.sum(axis).sum().backward()
    assert x.grad.dtype == np.float32 and (x.grad == 1).all()


def test_a_long_sum_along_columns_that_were_turned_keeps_its_digits():
    x = Tensor(np.full((200_000, 4), .1, np.float32)).T
    np.testing.assert_allclose(x.sum(1).data, x.data.astype(float).sum(1), rtol=1e-6)


@pytest.mark.parametrize('a, b', [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((5, 2, 3), (3,)), ((3,), (5, 3, 4)), ((1, 3), (3, 1))])
def test_products_with_vectors(a, b):
    same_as_torch([a, b], lambda x, y: x@y, lambda x, y: x@y)
    r = np.random.default_rng(0)
    check_vjp(ops.matmul, r.normal(size=a), r.normal(size=b))


# Tails and kinks

def test_sigmoid_in_its_tails():
    want = {np.float64: ([-100, -745, 40, 800], [3.720075976020836e-44, 5e-324, 1, 1]), np.float32: ([-100, -90, 20, 1e30], [3.783506e-44, 8.19401e-40, 1, 1]),
            np.float16: ([-12, -16, 12, 6e4], [6.14e-6, 1.2e-7, 1, 1])}
    for dtype, (x, y) in want.items():
        got = Tensor(np.array(x, dtype)).sigmoid()
        assert got.dtype == dtype
        np.testing.assert_allclose(got.data, y, rtol=.05 if dtype == np.float16 else 1e-2 if dtype == np.float32 else 1e-12)
    ends = Tensor(np.array([-np.inf, np.inf, np.nan])).sigmoid().data
    assert ends[:2].tolist() == [0, 1] and np.isnan(ends[2])


@pytest.mark.filterwarnings('ignore:divide by zero:RuntimeWarning')
def test_the_exponents_gradient_is_zero_where_the_base_is_not_positive():
    for base, power in [(0., -1.), (0., 0.), (0., 2.), (-2., 3.), (-2., -1.)]:
        x, y = leaf(base), leaf(power)
        (x**y).sum().backward()
        assert y.grad.tolist() == [0]


@pytest.mark.parametrize('x', [np.array([[-np.inf, 0, 1], [5, 5, 5]], np.float32), np.array([[1e4, -1e4, 1e4]], np.float32)], ids=['minus infinity', 'large'])
def test_logsumexp_as_torch_at_the_ends(x):
    same_as_torch([x], lambda x: x.logsumexp(1), lambda x: x.logsumexp(1))
    same_as_torch([x], lambda x: x.logsumexp(1, keepdims=True), lambda x: x.logsumexp(1, keepdim=True))


def test_logsumexp_of_nothing_but_minus_infinity():
    x = leaf(-np.inf, -np.inf)
    out = x.logsumexp()
    out.backward()
    assert out.item() == -np.inf and x.grad.tolist() == [0, 0]


ties = np.array([[1, -3, -3, 2], [0, 0, 0, 0]], np.float32)
TIES = [(lambda x: x.min(1), lambda x: x.amin(1)), (lambda x: x.minimum(0), lambda x: x.minimum(x.new_tensor(0.))), (lambda x: x.abs(), lambda x: x.abs()),
        (lambda x: x.clip(hi=0), lambda x: x.clamp(max=0)), (lambda x: x.var(1), lambda x: x.var(1, correction=0)), (lambda x: x.min(), lambda x: x.amin())]


@pytest.mark.parametrize('ours, theirs', TIES, ids=['min', 'minimum', 'abs', 'one limit', 'var', 'min of all'])
def test_same_as_torch_where_numbers_tie(ours, theirs):
    same_as_torch([ties], ours, theirs)


@pytest.mark.filterwarnings('ignore:invalid value:RuntimeWarning')
@pytest.mark.parametrize('numbers', [(np.nan, 1, 2), (np.inf, np.inf, 1), (np.inf, 1e4, 0)], ids=['nan', 'two infinite', 'one infinite'])
def test_logsumexps_gradient_is_the_softmax_at_the_ends_too(numbers):
    x, want = leaf(*numbers), torch_softmax(numbers)
    x.logsumexp().backward()
    np.testing.assert_array_equal(x.grad, want)


def torch_softmax(numbers):
    "The gradient that PyTorch gives `logsumexp`."
    torch = pytest.importorskip('torch', reason='needs PyTorch')
    x = torch.tensor(numbers, dtype=torch.float32, requires_grad=True)
    x.logsumexp(0).backward()
    return x.grad.numpy()

def test_a_look_at_the_numbers_copies_none_of_them():
    "Also where they do not lie in a row: 2 MB of a transposed result would be copied at each operation."
    turned = np.zeros((64, 16, 512), np.float32).transpose(0, 2, 1)
    tracemalloc.start()
    try:
        glimpses([turned])
        assert tracemalloc.get_traced_memory()[1] < turned.nbytes/100
    finally: tracemalloc.stop()
