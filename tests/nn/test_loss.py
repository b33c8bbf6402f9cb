import numpy as np
import pytest
from hypothesis import given, strategies as st

from parity import same_as_torch
from tinybench.core.tensor import Tensor, check_grad, history
from tinybench.nn.loss import accuracy, bce, cross_entropy, kl, kl_normal, mse

side = st.integers(1, 7)
shapes = st.lists(side, min_size=1, max_size=3).map(tuple)


def rng(seed=0): return np.random.default_rng(seed)


def doubles(*shape, seed=1, scale=2): return Tensor(rng(seed).normal(size=shape)*scale)


def softmax(x): return np.exp(x)/np.exp(x).sum(axis=1, keepdims=True)


# Values and gradients

@given(side, side)
def test_cross_entropy(n, k):
    x, y = doubles(n, k), rng(n).integers(0, k, n)
    want = np.mean([-np.log(softmax(x.data)[i, y[i]]) for i in range(n)])
    np.testing.assert_allclose(cross_entropy(x, y).item(), want, rtol=1e-12)
    check_grad(lambda x: cross_entropy(x, y), x)
    check_grad(lambda x: cross_entropy(x, y)*3, x)


def test_cross_entropy_of_the_clueless():
    assert abs(cross_entropy(np.zeros((8, 10)), np.arange(8)).item() - np.log(10)) < 1e-12


@given(st.floats(-2.**99, 2.**99, width=32), side)
def test_cross_entropy_is_finite_and_shift_free(far, k):
    x = np.zeros((1, k + 1), np.float32)
    x[0, 0] = far
    t = Tensor(x, requires_grad=True)
    loss = cross_entropy(t, [0])
    loss.backward()
    assert np.isfinite(loss.item()) and np.isfinite(t.grad).all()
    assert abs(t.grad.sum()) < 1e-5      # each row of the gradient sums to 0: a shift of the logits costs nothing


@pytest.mark.parametrize('labels', [[1, 0], (1, 0), np.uint8([1, 0]), np.array([1, 0], np.int32), Tensor(np.array([1, 0]))])
def test_labels_of_any_integer_kind(labels):
    x = np.float32([[0, 1], [3, 1]])
    assert cross_entropy(x, labels).item() == cross_entropy(x, np.array([1, 0])).item()
    assert accuracy(x, labels) == 1


def test_many_classes_and_small_label_type():
    x = np.zeros((2, 300), np.float32)
    assert np.isfinite(cross_entropy(x, np.uint8([0, 255])).item())


@given(shapes)
def test_mse(shape):
    x, t = doubles(*shape), doubles(*shape, seed=2)
    np.testing.assert_allclose(mse(x, t).item(), ((x.data - t.data)**2).mean(), rtol=1e-12)
    check_grad(mse, x, t)


@given(shapes)
def test_bce(shape):
    x, t = doubles(*shape), Tensor(rng(2).uniform(.05, .95, size=shape))
    p = 1/(1 + np.exp(-x.data))
    want = -(t.data*np.log(p) + (1 - t.data)*np.log(1 - p)).mean()
    np.testing.assert_allclose(bce(x, t).item(), want, rtol=1e-10)
    check_grad(bce, x, t)


@given(st.floats(-2.**99, 2.**99, width=32), st.sampled_from([0., 1.]))
def test_bce_is_finite(far, answer):
    x = Tensor(np.array([far], np.float32), requires_grad=True)
    loss = bce(x, [answer])
    loss.backward()
    assert np.isfinite(loss.item()) and np.isfinite(x.grad).all() and loss.item() >= 0


@given(side, side)
def test_kl(n, k):
    p, q = doubles(n, k), doubles(n, k, seed=2)
    P, Q = softmax(p.data), softmax(q.data)
    np.testing.assert_allclose(kl(p, q).item(), (P*np.log(P/Q)).sum()/n, rtol=1e-9, atol=1e-12)
    assert kl(p, q).item() >= -1e-12 and abs(kl(p, p.data + 3).item()) < 1e-12
    check_grad(kl, p, q)


def test_kl_teaches_the_student_only():
    q = Tensor(np.zeros((2, 3), np.float32), requires_grad=True)
    teacher = np.float32([[1, 2, 3], [0, 0, 9]])
    kl(teacher, q).backward()
    np.testing.assert_allclose(q.grad, (np.full((2, 3), 1/3) - softmax(teacher))/2, rtol=1e-5)


@given(side, side)
def test_kl_normal(n, k):
    mu, logvar = doubles(n, k), doubles(n, k, seed=2, scale=1)
    want = .5*(np.exp(logvar.data) + mu.data**2 - 1 - logvar.data).sum()/n
    np.testing.assert_allclose(kl_normal(mu, logvar).item(), want, rtol=1e-9, atol=1e-12)
    check_grad(kl_normal, mu, logvar)


def test_kl_normal_is_zero_at_the_standard_bell():
    assert kl_normal(np.zeros((3, 2)), np.zeros((3, 2))).item() == 0


@pytest.mark.parametrize('loss', [lambda x: cross_entropy(x, [0, 1]), lambda x: mse(x, np.zeros((2, 3))), lambda x: bce(x, np.zeros((2, 3))),
                                  lambda x: kl(np.zeros((2, 3)), x), lambda x: kl_normal(x, np.zeros((2, 3), np.float32))])
def test_one_record_in_float32_and_inputs_left_alone(loss):
    x = Tensor(rng().normal(size=(2, 3)), np.float32, requires_grad=True)
    before = x.data.copy()
    out = loss(x)
    assert out.dtype == np.float32 and out.shape == () and len(history(out)) == 1
    out.backward()
    assert x.grad.dtype == np.float32 and (x.data == before).all()


# Accuracy

@given(side, side)
def test_accuracy(n, k):
    x, y = rng(n).integers(0, 3, (n, k)), rng(k).integers(0, k, n)
    want = sum(row.index(max(row)) == i for row, i in zip(x.tolist(), y))/n
    assert accuracy(x, y) == accuracy(Tensor(x.astype(np.float32)), y) == pytest.approx(want)


def test_accuracy_of_nan_is_zero():
    assert accuracy(np.full((5, 3), np.nan), np.zeros(5, int)) == 0
    assert accuracy(np.array([[0, 1], [np.nan, 0]]), [1, 0]) == .5


# Bad input: each error names the loss, the shapes and what was expected

@pytest.mark.parametrize('f', [cross_entropy, accuracy])
@pytest.mark.parametrize('shape,labels,error,text', [
    ((3, 4), [0, 1, 4], ValueError, 'label 4 in row 2 is not a class, expected 0 to 3'),
    ((3, 4), [0, -1, 2], ValueError, 'label -1 in row 1 is not a class, expected 0 to 3'),
    ((3, 4), [0, 1], ValueError, r'expected 3 labels for logits \(3, 4\), got shape \(2,\)'),
    ((3, 4), [[0], [1], [2]], ValueError, r'expected 3 labels for logits \(3, 4\), got shape \(3, 1\)$'),
    ((3, 4), 2, ValueError, r'got shape \(\)'),
    ((3, 4), np.eye(4, dtype=int)[:3], ValueError, r'one-hot rows make them with .argmax\(1\)'),
    ((3, 4), np.eye(4)[:3], TypeError, r'expected integer labels, got float64; from one-hot rows'),
    ((3, 4), [0., 1., 2.], TypeError, 'expected integer labels, got float64$'),
    ((3, 4), [0, np.nan, 2], TypeError, 'expected integer labels, got float64'),
    ((3, 4), [True, False, True], TypeError, 'expected integer labels, got bool'),
    ((3, 4), ['a', 'b', 'c'], TypeError, 'expected integer labels'),
    ((4,), [0], ValueError, r'expected logits of shape \(batch, …, classes\), got \(4,\)'),
    ((3, 4, 1), [0, 1, 2], ValueError, r'expected \(3, 4\) labels for logits \(3, 4, 1\), got shape \(3,\)'),
    ((0, 4), [], ValueError, r'logits of shape \(0, 4\) are empty'),
    ((3, 0), [0, 0, 0], ValueError, r'logits of shape \(3, 0\) are empty'),
])
def test_bad_labels(f, shape, labels, error, text):
    with pytest.raises(error, match=f'{f.__name__}.*{text}'): f(np.zeros(shape, np.float32), labels)


@pytest.mark.parametrize('f', [mse, bce])
@pytest.mark.parametrize('shape,target', [((3,), (3, 1)), ((3, 1), (3,)), ((2, 3), (3,)), ((2, 3), (3, 2)), ((0, 2), (0, 3))])
def test_shapes_must_be_equal(f, shape, target):
    with pytest.raises(ValueError, match=f'{f.__name__} expected two arrays of one shape, got .* and a target of'):
        f(np.zeros(shape), np.zeros(target))


def test_kl_shapes():
    with pytest.raises(ValueError, match=r'kl expected two arrays of one shape, got \(2, 3\) and a target of \(2, 4\)'):
        kl(np.zeros((2, 4)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r'kl expected logits of shape \(batch, classes\), got \(3,\)'): kl(np.zeros(3), np.zeros(3))


@pytest.mark.parametrize('mu,logvar', [((2, 3), (2, 4)), ((3,), (3,)), ((2, 3), (1, 3)), ((0, 3), (0, 2))])
def test_kl_normal_shapes(mu, logvar):
    with pytest.raises(ValueError, match=r'kl_normal expected \(batch, latents\) twice'):
        kl_normal(np.zeros(mu), np.zeros(logvar))


def test_nan_targets_are_named():
    bad = np.array([[0, 1.], [np.nan, .5]])
    with pytest.raises(ValueError, match=r'mse: the target is nan at index \(1, 0\)'): mse(np.zeros((2, 2)), bad)
    with pytest.raises(ValueError, match=r'mse: the target is inf at index \(0,\)'): mse(np.zeros(1), [np.inf])
    with pytest.raises(ValueError, match=r'bce expected targets in \[0, 1\], got nan at index \(1, 0\)'): bce(np.zeros((2, 2)), bad)
    with pytest.raises(ValueError, match=r'kl: the target is nan at index \(1, 0\)'): kl(bad, np.zeros((2, 2)))


@pytest.mark.parametrize('bad', [-.1, 1.5, 255])
def test_bce_targets_are_probabilities(bad):
    with pytest.raises(ValueError, match=r'bce expected targets in \[0, 1\], got .* at index \(2,\)'): bce(np.zeros(3), [0, 1, bad])


def test_a_diverged_network_is_not_the_fault_of_the_target():
    assert np.isnan(mse(np.array([np.nan]), [0.]).item())


@pytest.mark.parametrize('f', [lambda x: cross_entropy(x, [0, 1]), lambda x: mse(x, x), lambda x: bce(x, x), lambda x: kl(x, x),
                               lambda x: kl_normal(x, x)])
def test_integers_have_no_gradient(f):
    with pytest.raises(TypeError, match='expected floating-point numbers, got int64'): f(np.zeros((2, 2), np.int64))


def test_a_float64_target_does_not_slow_a_float32_network():
    assert mse(np.zeros(2, np.float32), np.zeros(2)).dtype == np.float32
    assert bce(np.zeros(2, np.float32), [True, False]).dtype == np.float32


# Parity with PyTorch

def F(): return pytest.importorskip('torch', reason='needs PyTorch').nn.functional


def test_torch_cross_entropy():
    y = rng().integers(0, 10, 32)
    same_as_torch([(32, 10), y], lambda x, y: cross_entropy(x, y), lambda x, y: F().cross_entropy(x, y))
    same_as_torch([(32, 10), y], lambda x, y: cross_entropy(x, y), lambda x, y: F().cross_entropy(x, y), scale=50)


def test_torch_mse(): same_as_torch([(32, 640), (32, 640)], mse, lambda x, t: F().mse_loss(x, t))


def test_torch_bce():
    t = rng().uniform(size=(8, 5)).astype(np.float32)
    same_as_torch([(8, 5), t], bce, lambda x, t: F().binary_cross_entropy_with_logits(x, t), scale=20)


def test_torch_kl():
    def theirs(p, q): return F().kl_div(F().log_softmax(q, 1), F().log_softmax(p, 1), log_target=True, reduction='batchmean')
    same_as_torch([(8, 5), (8, 5)], kl, theirs, scale=3)


def test_torch_kl_normal():
    same_as_torch([(8, 5), (8, 5)], kl_normal, lambda m, v: .5*(v.exp() + m**2 - 1 - v).sum()/len(m))
