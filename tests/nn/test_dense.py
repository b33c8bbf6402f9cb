import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from parity import same_as_torch
from tinybench.core.ops import check_vjp
from tinybench.core.tensor import Tensor, apply, check_grad, history, no_grad
from tinybench.nn.dense import (GELU, Dense, Dropout, Flatten, LeakyReLU, ReLU, SiLU, Residual, Sigmoid, Softmax, Tanh, dense, fans,
                                glorot_uniform, he_normal, keep_mask)
from tinybench.nn.module import Parameter, Sequential

side = st.integers(1, 6)
kernels = st.lists(side, min_size=2, max_size=4).map(tuple)


def rng(seed=0): return np.random.default_rng(seed)


def doubles(*shape, seed=1): return Tensor(rng(seed).normal(size=shape))


def loops(x, w, b):
    out = np.zeros((len(x), w.shape[1]))
    for s, o in np.ndindex(*out.shape): out[s, o] = sum(x[s, i]*w[i, o] for i in range(len(w))) + b[o]
    return out


# Dense

@given(side, side, side)
def test_dense_is_its_loops_and_its_gradients_are_true(n, i, o):
    layer, x = Dense(i, o, rng()).astype(np.float64), doubles(n, i)
    layer.b.data[:] = rng(2).normal(size=o)
    np.testing.assert_allclose(layer(x).data, loops(x.data, layer.w.data, layer.b.data), rtol=1e-12, atol=1e-12)
    check_grad(layer, x, params=layer.parameters())


@given(side, side, side)
def test_dense_without_bias(n, i, o):
    layer, x = Dense(i, o, rng(), bias=False).astype(np.float64), doubles(n, i)
    assert layer.b is None and len(layer.parameters()) == 1
    check_grad(layer, x, params=layer.parameters())


@given(side, side, side)
def test_dense_op(n, i, o):
    check_vjp(dense, rng().normal(size=(n, i)), rng(1).normal(size=(i, o)), rng(2).normal(size=o))


def test_dense_is_one_record_and_writes_gradients_into_the_buffers():
    layer = Dense(4, 3, rng())
    for p in layer.parameters(): p.buffer = np.full_like(p.data, 7)
    out = layer(Tensor(np.ones((2, 4), np.float32)))
    assert [t.made.op.name for t in history(out)] == ['dense']
    out.backward(np.ones((2, 3), np.float32))
    for p in layer.parameters(): assert p.grad is p.buffer and (p.grad == 2).all()


def test_dense_leaves_its_bias_and_its_input_alone():
    layer, x = Dense(4, 3, rng()), rng(1).normal(size=(2, 4)).astype(np.float32)
    before, b = x.copy(), layer.b.data.copy()
    layer(x)
    assert (x == before).all() and (layer.b.data == b).all()


@pytest.mark.parametrize('n', [0, 1])
def test_dense_small_batches(n): assert Dense(4, 3, rng())(np.zeros((n, 4), np.float32)).shape == (n, 3)


def test_dense_same_seed_same_weights():
    one, two = (Dense(5, 4, rng(3)) for _ in range(2))
    assert (one.w.data == two.w.data).all() and one.w.dtype == np.float32 and (one.b.data == 0).all()


def test_dense_init_is_called_with_rng_and_shape():
    layer = Dense(5, 4, rng(), init=lambda r, shape: np.full(shape, .5, np.float32))
    assert (layer.w.data == .5).all()


def test_dense_repr():
    assert repr(Dense(784, 100, rng())) == 'Dense(784, 100)'
    assert repr(Dense(2, 1, rng(), bias=False)) == 'Dense(2, 1, bias=False)'


@pytest.mark.parametrize('shape', [(3,), (2, 3), (4, 1, 2), (), (4, 2)])
def test_dense_wrong_shape(shape):
    with pytest.raises(ValueError, match=r'Dense\(4, 3\) expected an input of shape \(\.\.\., 4\), got'):
        Dense(4, 3, rng())(np.zeros(shape, np.float32))


@pytest.mark.parametrize('dtype', [np.float64, np.uint8, np.int64])
def test_dense_wrong_type(dtype):
    with pytest.raises(TypeError, match='has float32 weights, its input is'): Dense(4, 3, rng())(np.zeros((2, 4), dtype))


@pytest.mark.parametrize('bad', [0, None, np.random.RandomState(0)])
def test_dense_wants_a_generator(bad):
    with pytest.raises(TypeError, match=r'Dense expected rng=np.random.default_rng\(seed\)'): Dense(4, 3, bad)


@pytest.mark.parametrize('sizes', [(0, 3), (3, 0), (-1, 2), (2.5, 1), ('4', 1), (True, 1), (None, 2)], ids=str)
def test_dense_wants_sizes(sizes):
    with pytest.raises((ValueError, TypeError), match='Dense expected n_(in|out), a whole number from 1 up, got'): Dense(*sizes, rng())
def test_dense_takes_sizes_of_numpy(): assert Dense(np.int64(4), np.uint8(3), rng()).w.shape == (4, 3)


@pytest.mark.parametrize('shape', [(4,), (2, 4), (2, 5, 4), (2, 3, 2, 4), (0, 4), (2, 0, 4), (1, 1, 4)], ids=str)
@pytest.mark.parametrize('bias', [True, False])
def test_dense_on_any_axes_is_torch(shape, bias, torch):
    params = [(4, 3), (3,)][:1 + bias]
    out = same_as_torch([shape, *params], lambda x, w, *b: apply(dense, x, w, *b),
                        lambda x, w, *b: torch.nn.functional.linear(x, w.T, *b))
    assert out.shape == (*shape[:-1], 3)
    layer, x = Dense(4, 3, rng(), bias=bias), Tensor(np.ones(shape, np.float32), requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.shape == shape and all(p.grad.shape == p.shape for p in layer.parameters())


def test_a_replaced_bias_is_refused_or_right():
    d = Dense(2, 3, rng())
    for shape in ((1, 3), (1,), (2,), ()):
        d.b = Parameter(np.zeros(shape, np.float32))
        with pytest.raises(ValueError, match=r'Dense\(2, 3\): its parameter b has shape .*, expected \(3,\)'):
            d(Tensor(np.ones((2, 2), np.float32)))


def test_what_is_no_array_is_said():
    for layer in (Dense(3, 2, rng()), Flatten(), Dropout(.5, rng())):
        with pytest.raises(TypeError, match='expected a tensor or an array, got a list'): layer([[1., 2., 3.]])


@pytest.mark.parametrize('init, says', [('he', 'expected init, a function'), (lambda r, s: np.zeros(3), r'made weights of shape \(3,\), expected \(2, 3\)'),
                                        (lambda r, s: None, 'made weights of shape')], ids=['text', 'shape', 'none'])
def test_init_is_looked_at(init, says):
    with pytest.raises((TypeError, ValueError), match=f'Dense.*{says}'): Dense(2, 3, rng(), init=init)


# LeakyReLU, SiLU, GELU

@pytest.mark.parametrize('scale', [1., 30.])
@pytest.mark.parametrize('name', ['leaky', 'steep', 'silu', 'gelu'])
def test_activations_are_torch(name, scale, torch):
    F = torch.nn.functional
    ours, theirs = {'leaky': (LeakyReLU(), F.leaky_relu), 'steep': (LeakyReLU(.3), lambda x: F.leaky_relu(x, .3)),
                    'silu': (SiLU(), F.silu), 'gelu': (GELU(), F.gelu)}[name]
    same_as_torch([(7, 40)], ours, theirs, scale=scale, rtol=2e-6)
    same_as_torch([np.float32([-0., 0.])], ours, theirs)


@pytest.mark.parametrize('layer', [LeakyReLU(.1), SiLU(), GELU()], ids=repr)
@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64'])
def test_activations_keep_type_and_stay_finite(layer, dtype):
    top = float(np.finfo(dtype).max)
    x = Tensor(np.array([-top, -1e3, -50, 0, 50, 1e3, top], dtype), requires_grad=True)
    out = layer(x); out.backward(np.ones(7, dtype))
    assert out.dtype == x.grad.dtype == dtype and np.isfinite(out.data).all() and np.isfinite(x.grad).all()
    np.testing.assert_array_equal(out.data[4:], x.data[4:]); np.testing.assert_array_equal(x.grad[4:], 1)
    assert np.isnan(layer(Tensor(np.array([np.nan], dtype))).data)


@pytest.mark.parametrize('layer', [SiLU(), GELU()], ids=repr)
def test_gates_at_their_ends(layer):
    x = Tensor(np.array([-np.inf, np.inf]), requires_grad=True)
    out = layer(x); out.backward(np.ones(2))
    np.testing.assert_array_equal(out.data, [0, np.inf]); np.testing.assert_array_equal(x.grad, [0, 1])
    assert np.signbit(out.data[0])
    tail = layer(Tensor(np.array([-10.]))).data[0]
    want = -10*(stats.norm.cdf(-10) if isinstance(layer, GELU) else 1/(1 + np.exp(10)))
    np.testing.assert_allclose(tail, want, rtol=1e-12)
    assert layer(Tensor(np.arange(3))).dtype.kind == 'f'


@pytest.mark.parametrize('slope', [-1, np.nan, np.inf, 'a', None, True])
def test_leaky_slope_is_looked_at(slope):
    with pytest.raises((TypeError, ValueError), match='LeakyReLU expected slope from 0 up'): LeakyReLU(slope)
def test_leaky_says_its_slope(): assert repr(LeakyReLU(np.float64(.2))) == 'LeakyReLU(0.2)'


def test_error_names_the_place_in_a_network():
    net = Sequential(Flatten(), Dense(4, 3, rng()), Dense(2, 1, rng()))
    with pytest.raises(ValueError, match=r'Dense\(2, 1\)') as e: net(np.zeros((5, 2, 2), np.float32))
    assert 'in layer 2' in e.value.__notes__[0]


# First weights

@given(kernels)
def test_fans_count_connections(shape):
    ones = np.ones(shape)
    assert fans(shape) == (ones[..., 0].size, ones.sum(axis=-2).size)


@pytest.mark.parametrize('shape', [(), (3,)])
def test_fans_need_two_axes(shape):
    for draw in (glorot_uniform, he_normal):
        with pytest.raises(ValueError, match='have no fans'): draw(rng(), shape)


@pytest.mark.parametrize('shape', [(60, 80), (3, 3, 20, 30)])
def test_distributions(shape):
    i, o = fans(shape)
    a = np.sqrt(6/(i + o))
    w = glorot_uniform(rng(), shape)
    assert w.dtype == np.float32 and w.shape == shape
    assert stats.kstest(w.ravel(), stats.uniform(-a, 2*a).cdf).pvalue > .01
    w = he_normal(rng(), shape)
    assert w.dtype == np.float32 and w.shape == shape
    assert stats.kstest(w.ravel(), stats.norm(0, np.sqrt(2/i)).cdf).pvalue > .01
    assert np.abs(w).max() > 2.5*np.sqrt(2/i)      # a plain normal: its tails are there


def test_given_fans_win():
    assert np.abs(glorot_uniform(rng(), (3, 3, 64, 1), fan_in=9, fan_out=9)).max() > .5
    np.testing.assert_allclose(he_normal(rng(), (50,), fan_in=2), rng().normal(size=50), rtol=1e-6)
    assert he_normal(rng(), (2, 2), dtype=np.float64).dtype == np.float64


def test_he_keeps_the_size_of_a_signal():
    x, r = rng().normal(size=(64, 128)), rng(1)
    for _ in range(20): x = np.maximum(x @ he_normal(r, (128, 128)), 0)
    assert .4 < np.sqrt((x**2).mean()) < 2.5


def test_fans_as_torch():
    torch = pytest.importorskip('torch', reason='needs PyTorch')
    for kh, kw, i, o in [(1, 1, 2, 3), (3, 5, 4, 2)]:
        assert fans((kh, kw, i, o)) == torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(o, i, kh, kw))


# What stands between

@given(side, side)
@pytest.mark.parametrize('layer', [ReLU(), Sigmoid(), Tanh(), Softmax()], ids=repr)
def test_activation_gradients(layer, n, k):
    x = doubles(n, k)
    x.data[np.abs(x.data) < 1e-3] = .5      # off the kink of the ReLU
    check_grad(layer, x)


@pytest.mark.parametrize('layer', [ReLU(), Sigmoid(), Tanh(), Softmax(), Flatten()], ids=repr)
def test_layers_take_arrays_and_keep_float32(layer):
    out = layer(np.zeros((2, 3), np.float32))
    assert isinstance(out, Tensor) and out.dtype == np.float32


@given(st.lists(side, min_size=2, max_size=4).map(tuple))
def test_flatten_reads_row_by_row(shape):
    x = doubles(*shape)
    out = Flatten()(x)
    assert out.shape == (shape[0], x.size//shape[0])
    assert (out.data.ravel() == x.data.ravel()).all()
    check_grad(Flatten(), x)


def test_flatten_copies_nothing_and_takes_an_empty_batch():
    x = Tensor(np.ones((2, 3, 4), np.float32))
    assert np.shares_memory(Flatten()(x).data, x.data)
    assert Flatten()(np.zeros((0, 3, 4), np.float32)).shape == (0, 12)
    with pytest.raises(ValueError, match=r'Flatten\(\) expected a shape \(batch, ...\), got \(3,\)'):
        Flatten()(np.zeros(3, np.float32))


# Dropout

@given(st.floats(0, .95), side, st.sampled_from([np.float32, np.float64]))
def test_keep_mask(p, n, dtype):
    m = keep_mask(rng(n), (n, 1000), p, dtype)
    assert m.shape == (n, 1000) and m.dtype == dtype
    assert ((m == 0) | np.isclose(m, 1/(1 - p))).all()
    assert abs((m == 0).mean() - p) <= 5*np.sqrt(p*(1 - p)/m.size) + 1e-6


@given(st.floats(.01, .95), side, side)
def test_dropout_backward_meets_the_mask_of_forward(p, n, k):
    x = doubles(n, k)
    x.requires_grad = True
    layer = Dropout(p, rng())
    out = layer(x)
    out.backward(np.ones((n, k)))
    np.testing.assert_allclose(out.data, x.data*x.grad)
    check_grad(lambda x: Dropout(p, rng())(x), x)


def test_dropout_draws_anew_and_only_while_training():
    layer, x = Dropout(.5, rng()), Tensor(np.ones((4, 50), np.float32))
    assert (layer(x).data != layer(x).data).any() and layer(x).dtype == np.float32
    with no_grad(): assert (layer(x).data == 0).any()
    assert layer.eval()(x) is x
    assert (layer.train()(x).data == 0).any()
    assert Dropout(0, rng())(x) is x


@pytest.mark.parametrize('p', [-.1, 1, 1., 2, float('nan')])
def test_dropout_p(p):
    with pytest.raises(ValueError, match=r'Dropout expected p in \[0, 1\)'): Dropout(p, rng())


def test_dropout_errors():
    with pytest.raises(TypeError, match=r'Dropout expected rng=np.random.default_rng\(seed\), got 3'): Dropout(.5, 3)
    with pytest.raises(TypeError, match='expected floating-point numbers, got uint8'): Dropout(.5, rng())(np.ones((2, 2), np.uint8))


# Residual

@given(side, side)
def test_residual_gradients(n, k):
    plain = Residual(Sequential(Dense(k, k, rng()), Tanh())).astype(np.float64)
    check_grad(plain, doubles(n, k), params=plain.parameters())
    both = Residual(Dense(k, 3, rng()), Dense(k, 3, rng(), bias=False)).astype(np.float64)
    check_grad(both, doubles(n, k), params=both.parameters())


def test_residual_of_an_array():
    x = np.ones((2, 3), np.float32)
    out = Residual(ReLU())(x)
    assert isinstance(out, Tensor) and (out.data == 2).all()


def test_residual_names_both_shapes_and_never_broadcasts():
    x = np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match=r'body makes \(2, 1\), the input is \(2, 3\)'): Residual(Dense(3, 1, rng()))(x)
    with pytest.raises(ValueError, match=r'body makes \(2, 3\), the shortcut makes \(2, 4\)'):
        Residual(ReLU(), Dense(3, 4, rng()))(x)


@pytest.mark.parametrize('args', [(None,), (np.tanh,), (ReLU(), 3)])
def test_residual_takes_layers(args):
    with pytest.raises(TypeError, match='Residual takes layers'): Residual(*args)


def test_residual_parameters_and_repr():
    block = Residual(Dense(3, 3, rng()), Dense(3, 3, rng(), bias=False))
    assert [name for name, _ in block.named_parameters()] == ['body.w', 'body.b', 'shortcut.w']
    assert repr(block) == 'Residual(Dense(3, 3), Dense(3, 3, bias=False))'
    assert repr(Residual(ReLU())) == 'Residual(ReLU())'


# Parity with PyTorch

def torch_like(name): return getattr(pytest.importorskip('torch', reason='needs PyTorch'), name)


def test_torch_dense():
    same_as_torch([(32, 784), (784, 100), (100,)], lambda x, w, b: apply(dense, x, w, b), lambda x, w, b: x@w + b)
    same_as_torch([(5, 3), (3, 2)], lambda x, w: apply(dense, x, w), lambda x, w: x@w)


def test_torch_relu(): same_as_torch([(5, 7)], ReLU(), lambda x: torch_like('relu')(x))
def test_torch_sigmoid(): same_as_torch([(5, 7)], Sigmoid(), lambda x: torch_like('sigmoid')(x), scale=5)
def test_torch_tanh(): same_as_torch([(5, 7)], Tanh(), lambda x: torch_like('tanh')(x), scale=3)
def test_torch_softmax(): same_as_torch([(5, 7)], Softmax(), lambda x: torch_like('softmax')(x, -1), scale=5)
def test_torch_flatten(): same_as_torch([(5, 3, 4, 2)], Flatten(), lambda x: x.flatten(1))
def test_torch_residual(): same_as_torch([(5, 7)], Residual(Tanh()), lambda x: x.tanh() + x)


def test_torch_network():
    "Both layers of the mnist network, all four parameters."
    net = Sequential(Dense(20, 9, rng()), Sigmoid(), Dense(9, 4, rng()))
    def ours(x, *params):
        return apply(dense, apply(dense, x, *params[:2]).sigmoid(), *params[2:])
    def theirs(x, *params): return (x@params[0] + params[1]).sigmoid()@params[2] + params[3]
    same_as_torch([(6, 20), *[p.data for p in net.parameters()]], ours, theirs)
