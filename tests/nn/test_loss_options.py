"The options of the losses, L1 and Huber: PyTorch's numbers, extremes, float16, long means, and slips in words."
import numpy as np
import pytest

from parity import same_as_torch
from tinybench.core.tensor import Tensor
from tinybench.nn.loss import accuracy, bce, cross_entropy, huber, kl, kl_normal, l1, mse


def rng(seed=0): return np.random.default_rng(seed)

LABELS = {(7, 5): rng(1).integers(0, 5, 7), (2, 6, 4): rng(2).integers(0, 4, (2, 6)), (2, 3, 3, 10): rng(3).integers(0, 10, (2, 3, 3)), (1, 1): np.zeros(1, int)}
HOW = {'plain': {}, 'weight': dict(weight=1), 'smooth': dict(label_smoothing=.1), 'ignore': dict(ignore_index=2), 'flat': dict(label_smoothing=1.),
       'all': dict(weight=1, label_smoothing=.2, ignore_index=1), 'absent': dict(ignore_index=-100)}

@pytest.mark.parametrize('how', HOW)
@pytest.mark.parametrize('shape', LABELS, ids=str)
@pytest.mark.parametrize('scale', [1., 40.])
def test_cross_entropy_is_torchs(shape, how, scale, torch):
    k, y, options = shape[-1], LABELS[shape], dict(HOW[how])
    if 'weight' in options: options['weight'] = rng(4).uniform(.2, 3, k).astype('f')
    theirs = options | ({'weight': torch.tensor(options['weight'])} if 'weight' in options else {})
    same_as_torch([shape, y], lambda x, y: cross_entropy(x, y, **options),
                  lambda x, y: torch.nn.functional.cross_entropy(x.movedim(-1, 1), y, **theirs), scale=scale)

def test_ignored_labels_of_any_kind():
    x = rng().normal(size=(4, 3))
    want = cross_entropy(x[:2], [0, 2]).item()
    assert cross_entropy(x, [0, 2, -100, -100], ignore_index=-100).item() == pytest.approx(want, rel=1e-12)
    assert cross_entropy(x, np.uint8([0, 2, 255, 255]), ignore_index=255).item() == pytest.approx(want, rel=1e-12)
    t = Tensor(x, requires_grad=True); cross_entropy(t, [0, 2, -1, -1], ignore_index=-1).backward()
    assert (t.grad[2:] == 0).all() and (t.grad[:2] != 0).all()

def test_logits_of_minus_infinity_where_no_target_is():
    x = np.float32([[0, -np.inf, 1]])
    assert np.isfinite(cross_entropy(x, [2], weight=[1, 2, 3]).item())

CE_BAD = [(dict(weight=[1, 2]), 'a weight for each of 3'), (dict(weight=[1, -1, 1]), 'from 0 up'), (dict(weight=[1, np.nan, 1]), 'from 0 up'),
          (dict(label_smoothing=-.1), r'label_smoothing in \[0, 1\]'), (dict(label_smoothing=1.5), 'label_smoothing'), (dict(label_smoothing=np.nan), 'label_smoothing'),
          (dict(weight=[0, 1, 0]), 'no label counts'), (dict(ignore_index=0), 'no label counts'), (dict(ignore_index=2, weight=np.ones((3, 1))), 'a weight for each'),
          (dict(label_smoothing=None), 'label_smoothing'), (dict(label_smoothing=''), 'label_smoothing'), (dict(label_smoothing=[]), 'label_smoothing'),
          (dict(weight=['1', '2', '3']), 'numbers from 0 up'), (dict(weight=[1, np.inf, 1]), 'finite')] + [
    (dict(ignore_index=i), 'ignore_index, a whole number, got') for i in (np.nan, .5, 2., True, '0', [0], np.array([0, 1]))]
@pytest.mark.parametrize('how, says', CE_BAD, ids=range(len(CE_BAD)))
def test_slips_of_cross_entropy(how, says):
    with pytest.raises((ValueError, TypeError), match=f'cross_entropy.*{says}'): cross_entropy(np.zeros((2, 3)), [0, 0], **how)

def test_slips_of_labels_with_more_axes():
    x = np.zeros((2, 4, 3))
    with pytest.raises(ValueError, match=r'expected \(2, 4\) labels for logits \(2, 4, 3\), got shape \(2,\)'): cross_entropy(x, [0, 1])
    bad = np.zeros((2, 4), int); bad[1, 2] = 3
    with pytest.raises(ValueError, match=r'label 3 at index \(1, 2\) is not a class, expected 0 to 2'): cross_entropy(x, bad)
    with pytest.raises(ValueError, match=r'label 3 at index \(1, 2\)'): cross_entropy(x, bad, ignore_index=-1)
    with pytest.raises(TypeError, match='from one-hot rows'): cross_entropy(x, np.zeros((2, 4, 3)), ignore_index=0)
    assert accuracy(np.eye(3)[[[0, 1], [2, 2]]], [[0, 1], [2, 0]]) == .75

@pytest.mark.parametrize('w', [3., np.float32(.25), np.float32([1, 2, .5]), np.float32([[2], [1], [0], [1]])], ids=['number', 'less', 'columns', 'rows'])
@pytest.mark.parametrize('scale', [1., 100.])
def test_pos_weight_is_torchs(w, scale, torch):
    def theirs(x, t): return torch.nn.functional.binary_cross_entropy_with_logits(x, torch.sigmoid(t), pos_weight=torch.tensor(w))
    same_as_torch([(4, 3), (4, 3)], lambda x, t: bce(x, t.sigmoid(), pos_weight=w), theirs, scale=scale)

def test_pos_weight_of_one_is_none():
    x, t = rng().normal(size=(5, 2)), rng(1).uniform(size=(5, 2))
    assert bce(x, t, pos_weight=1).item() == pytest.approx(bce(x, t).item(), rel=1e-12)
    with np.errstate(all='raise', under='ignore'): assert bce(np.float32([-1e4, 1e4]), [1, 0], pos_weight=2).item() == 15000

@pytest.mark.parametrize('w, says', [(-1, 'from 0 up'), (np.nan, 'from 0 up'), ([1, 2], 'does not fit'), ('2', 'numbers'), (np.inf, 'finite'), (1j, 'numbers'), (np.ones((4, 4, 3)), 'does not fit')], ids=range(7))
def test_slips_of_pos_weight(w, says):
    with pytest.raises((ValueError, TypeError), match=f'bce.*{says}'): bce(np.zeros((4, 3)), np.ones((4, 3)), pos_weight=w)

@pytest.mark.parametrize('scale', [.1, 1., 1e3])
@pytest.mark.parametrize('delta', [1., .3, 5])
def test_l1_and_huber_are_torchs(scale, delta, torch):
    F = torch.nn.functional
    same_as_torch([(6, 5), (6, 5)], l1, F.l1_loss, scale=scale)
    same_as_torch([(6, 5), (6, 5)], lambda x, t: huber(x, t, delta), lambda x, t: F.huber_loss(x, t, delta=delta), scale=scale)

def test_no_difference_has_no_slope():
    for loss in (l1, huber):
        x = Tensor(np.ones(3), requires_grad=True); loss(x, np.ones(3)).backward()
        assert (x.grad == 0).all()

@pytest.mark.parametrize('loss', [mse, l1, huber, bce], ids=lambda f: f.__name__)
def test_slips_of_targets(loss):
    with pytest.raises(ValueError, match=r'got \(3,\) and a target of \(3, 1\)'): loss(np.zeros(3), np.zeros((3, 1)))
    with pytest.raises(ValueError, match=f'{loss.__name__}: an empty batch, of shape'): loss(np.zeros((0, 2)), np.zeros((0, 2)))
    with pytest.raises(ValueError, match='nan at index'): loss(np.zeros(3), [0, np.nan, 0])
    with pytest.raises(TypeError, match='expected floating-point'): loss(np.zeros(3, int), np.zeros(3))

@pytest.mark.parametrize('delta', [0, -1, np.nan, np.inf, 'a', None])
def test_slips_of_delta(delta):
    with pytest.raises((ValueError, TypeError), match='huber expected delta above 0'): huber(np.zeros(2), np.zeros(2), delta)

def test_empty_batches_are_named():
    for f in (lambda: cross_entropy(np.zeros((0, 3)), np.zeros(0, int)), lambda: accuracy(np.zeros((0, 3)), np.zeros(0, int)),
              lambda: kl(np.zeros((0, 3)), np.zeros((0, 3))), lambda: kl_normal(np.zeros((0, 3)), np.zeros((0, 3)))):
        with pytest.raises(ValueError, match='are empty, and have no mean'): f()

@pytest.mark.parametrize('n', [70_000, 2**22])
def test_long_means_keep_their_digits(n):
    d = np.full(n, .1, 'f')
    assert mse(d, 0*d).item() == pytest.approx(float(np.float32(.1))**2, rel=1e-6)
    for loss in (l1, huber): assert loss(d, 0*d).item() == pytest.approx(loss(d[:8], 0*d[:8]).item(), rel=1e-6)
    x = rng().normal(size=n).astype('f')
    assert mse(x, 0*x).item() == pytest.approx((x.astype('d')**2).mean(), rel=1e-6)

@pytest.mark.parametrize('loss', [mse, l1, huber], ids=lambda f: f.__name__)
def test_float16_is_computed_in_float32(loss):
    for x in (np.full(70_000, .5, np.float16), np.array([300, -300], np.float16)):
        t = Tensor(x, requires_grad=True); out = loss(t, np.zeros_like(x)); out.backward()
        assert out.item() == pytest.approx(loss(x.astype('d'), np.zeros(x.shape)).item(), rel=1e-6) and t.grad.dtype == np.float16
    x = Tensor(rng().normal(size=(9, 4)).astype(np.float16), requires_grad=True)
    cross_entropy(x, np.zeros(9, int)).backward(); assert x.grad.dtype == np.float16
    assert cross_entropy(x, np.zeros(9, int)).dtype == bce(x, np.zeros((9, 4))).dtype == kl(x, x.data).dtype == np.float32
