"Normalisation: options that are looked at, replaced parameters, moments in float16, and means of very many."
import numpy as np
import pytest

from tinybench.core.tensor import Tensor
from tinybench.nn.module import Parameter
from tinybench.nn.norm import BatchNorm, LayerNorm

BAD = [(BatchNorm, dict(eps=-1)), (BatchNorm, dict(eps=np.nan)), (BatchNorm, dict(eps=np.inf)), (BatchNorm, dict(momentum=2)), (BatchNorm, dict(momentum=-.1)),
       (BatchNorm, dict(momentum='a')), (BatchNorm, dict(n=0)), (BatchNorm, dict(n=2.5)), (LayerNorm, dict(n=-3)), (LayerNorm, dict(n=None)), (LayerNorm, dict(eps=-1e-9))]
@pytest.mark.parametrize('kind,how', BAD, ids=[f'{k.__name__}-{h}' for k, h in BAD])
def test_options_are_looked_at(kind, how):
    with pytest.raises((ValueError, TypeError), match=f'{kind.__name__} expected {[*how][0]}'): kind(**{'n': 3, **how})

def test_the_ends_are_allowed():
    assert BatchNorm(3, momentum=1, eps=0).momentum == 1 and BatchNorm(np.int64(3), momentum=0).n == 3

@pytest.mark.parametrize('kind', [BatchNorm, LayerNorm], ids=lambda k: k.__name__)
@pytest.mark.parametrize('name', ['gamma', 'beta'])
def test_replaced_parameters_are_named(kind, name):
    norm = kind(3); setattr(norm, name, Parameter(np.ones((1, 3), 'f')))
    for m in (norm, norm.eval()):
        with pytest.raises(ValueError, match=rf'{kind.__name__}\(3\): its parameter {name} has shape \(1, 3\), expected \(3,\)'): m(Tensor(np.ones((4, 3), 'f')))
    with pytest.raises(TypeError, match='expected a tensor or an array, got a list'): kind(3)([[1., 2., 3.]])

def test_float16_has_moments_of_float32():
    x = Tensor(np.array([[0, 600]], np.float16), requires_grad=True)
    norm = LayerNorm(2).astype(np.float16)
    out = norm(x); out.sum().backward()
    assert out.dtype == x.grad.dtype == norm.gamma.grad.dtype == np.float16
    np.testing.assert_allclose(out.data, [[-1, 1]])
    many = Tensor((3 + np.arange(70_000)[:, None] % 2).astype(np.float16))
    batch = BatchNorm(1, momentum=0).astype(np.float16)
    np.testing.assert_allclose(batch(many).data[:2, 0], [-1, 1], rtol=5e-3)
    np.testing.assert_allclose([batch.mean[0], batch.var[0]], [3.5, .25], rtol=1e-3)
    assert batch.mean.dtype == np.float16 and batch.eval()(many).dtype == np.float16
    with pytest.raises(FloatingPointError, match='BatchNorm.*too large for float16'): BatchNorm(1).astype(np.float16)(Tensor(np.array([[0], [600]], np.float16)))

def test_float16_gradients_are_those_of_float32():
    x = np.random.default_rng(0).normal(size=(8, 4))
    for norm in (LayerNorm(4), BatchNorm(4), BatchNorm(4).eval()):
        grads = []
        for dtype in (np.float16, np.float32):
            t = Tensor(x.astype(np.float16).astype(dtype), requires_grad=True)
            norm.astype(dtype)(t).backward(x.astype(np.float16).astype(dtype)); grads.append(t.grad)
        np.testing.assert_allclose(grads[0], grads[1], atol=4e-3)

def test_moments_of_very_many_keep_their_digits():
    x = np.random.default_rng(0).uniform(10, 11, (2**21, 1)).astype('f')
    norm = BatchNorm(1, momentum=0); norm(Tensor(x))
    np.testing.assert_allclose([norm.mean[0], norm.var[0]], [x.mean(dtype='d'), x.var(dtype='d')], rtol=2e-6)
