"Normalisation: true gradients, PyTorch and Keras, the moving averages as part of the state, and what may not be trained on."
import copy, threading

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

from parity import close, same_as_torch
from tinybench.core.ops import check_vjp
from tinybench.core.tensor import Tensor, apply, check_grad, history, no_grad
from tinybench.nn.module import Sequential, live_state
from tinybench.nn.norm import BatchNorm, LayerNorm, batchnorm, column_sums, fold_stats, frozen, layernorm, standardize, track

try: import torch
except ImportError: torch = None     # same_as_torch skips, and the skip is counted


def rng(seed=0): return np.random.default_rng(seed)


def steps(x, gamma, beta, axes, eps):
    "Normalisation over `axes` as its definition, in primitive tensor operations."
    c = x - x.mean(axes, keepdims=True)
    return c/((c*c).mean(axes, keepdims=True) + eps).sqrt()*gamma + beta


def rows(x): return tuple(range(x.ndim - 1))


def numbers(shape, seed):
    "x, gamma, beta in float64."
    r = rng(seed)
    return r.normal(1, 2, shape), r.normal(size=shape[-1]), r.normal(size=shape[-1])


def layer(cls, n, seed=0, **options):
    "A layer with drawn weights and averages."
    made, r = cls(n, **options), rng(seed)
    made.gamma.data[:], made.beta.data[:] = r.normal(size=(2, n))
    if cls is BatchNorm: made.mean[:], made.var[:] = r.normal(size=n), r.uniform(.5, 2, n)
    return made


seeds, epsilons = st.integers(0, 2**32 - 1), st.sampled_from([1e-5, 1e-3, .1])
batches = hnp.array_shapes(min_dims=2, max_dims=4, max_side=4).filter(lambda s: np.prod(s[:-1]) > 1)
samples = hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)


# The ops

@given(batches, seeds, epsilons)
def test_batchnorm_is_its_steps_and_its_gradients_are_true(shape, seed, eps):
    xs = numbers(shape, seed)
    check_vjp(batchnorm, *xs, eps=eps, tol=1e-5)
    ours, slow = [[Tensor(a, requires_grad=True) for a in xs] for _ in range(2)]
    out, want = apply(batchnorm, *ours, eps=eps), steps(*slow, rows(xs[0]), eps)
    np.testing.assert_allclose(out.data, want.data, rtol=1e-9, atol=1e-9)
    g = rng(seed).normal(size=shape)
    out.backward(g); want.backward(g)
    for a, b in zip(ours, slow): np.testing.assert_allclose(a.grad, b.grad, rtol=1e-7, atol=1e-9)


@given(hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=4).filter(lambda s: s[-1]), seeds, epsilons)
def test_frozen_is_its_steps_and_its_gradients_are_true(shape, seed, eps):
    x, gamma, beta = numbers(shape, seed)
    moments = dict(mean=rng(seed).normal(size=shape[-1]), var=rng(seed).uniform(.1, 2, shape[-1]), eps=eps)
    check_vjp(frozen, x, gamma, beta, **moments)
    want = gamma*(x - moments['mean'])/np.sqrt(moments['var'] + eps) + beta
    np.testing.assert_allclose(apply(frozen, Tensor(x), gamma, beta, **moments).data, want, rtol=1e-9, atol=1e-9)


@given(samples.filter(lambda s: s[-1] > 1), seeds, epsilons)
def test_layernorm_is_its_steps_and_its_gradients_are_true(shape, seed, eps):
    xs = numbers(shape, seed)
    check_vjp(layernorm, *xs, eps=eps, tol=1e-4)     # two equal numbers in a row: the curve is steep
    ours, slow = [[Tensor(a, requires_grad=True) for a in xs] for _ in range(2)]
    out, want = apply(layernorm, *ours, eps=eps), steps(*slow, -1, eps)
    np.testing.assert_allclose(out.data, want.data, rtol=1e-9, atol=1e-9)
    g = rng(seed).normal(size=shape)
    out.backward(g); want.backward(g)
    for a, b in zip(ours, slow): np.testing.assert_allclose(a.grad, b.grad, rtol=1e-6, atol=1e-8)


OPS = dict(batchnorm=(batchnorm, {}), frozen=(frozen, dict(mean=np.zeros(3, np.float32), var=np.ones(3, np.float32))), layernorm=(layernorm, {}))


@pytest.mark.parametrize('op, options', OPS.values(), ids=OPS)
@pytest.mark.parametrize('shape', [(4, 3), (2, 2, 2, 3)], ids=str)
def test_float32_stays_float32_and_nothing_lent_is_written_to(op, options, shape):
    xs = [a.astype(np.float32) for a in numbers(shape, 0)]
    for a in xs: a.setflags(write=False)
    out, kept = op.fwd(*xs, **options)
    g = rng(1).normal(size=shape).astype(np.float32)
    for a in (g, *kept): a.setflags(write=False)
    grads = [gx() if callable(gx) else gx for gx in op.vjp(g, kept, *xs, **options)]
    assert {a.dtype for a in (out, *kept, *grads)} == {np.dtype(np.float32)}
    assert [a.shape for a in grads] == [a.shape for a in xs]


@given(hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4).filter(lambda s: s[-1]), seeds)
def test_column_sums(shape, seed):
    a = rng(seed).normal(size=shape)
    np.testing.assert_allclose(column_sums(a), a.sum(rows(a)), atol=1e-12)
    np.testing.assert_allclose(column_sums(a.T.copy().T), a.sum(rows(a)), atol=1e-12)


@given(batches, seeds)
def test_standardize(shape, seed):
    x = rng(seed).normal(3, 5, shape)
    z, inv, mean, var = standardize(x, 1e-3)
    np.testing.assert_allclose(mean, x.mean(rows(x)), atol=1e-12)
    np.testing.assert_allclose(var, x.var(rows(x)), atol=1e-10)
    np.testing.assert_allclose(z.mean(rows(x)), 0, atol=1e-9)
    np.testing.assert_allclose(z.var(rows(x)), var/(var + 1e-3), atol=1e-9)


def test_a_large_mean_does_not_eat_the_digits():
    x = rng().normal(1000, 1, (64, 8, 8, 4)).astype(np.float32)
    _, _, mean, var = standardize(x)
    np.testing.assert_allclose(mean, x.astype(float).mean(rows(x)), rtol=1e-5)
    np.testing.assert_allclose(var, x.astype(float).var(rows(x)), rtol=1e-4)


def test_a_constant_channel_gives_beta_and_no_gradient():
    norm, x = layer(BatchNorm, 2), Tensor(np.full((4, 2), 5, np.float32), requires_grad=True)
    out = norm(x)
    np.testing.assert_array_equal(out.data, np.broadcast_to(norm.beta.data, (4, 2)))
    out.backward(np.ones((4, 2), np.float32))
    np.testing.assert_allclose(x.grad, 0, atol=1e-6)


@given(batches, seeds)
def test_no_gradient_can_shift_a_batch(shape, seed):
    x = Tensor(rng(seed).normal(size=shape), requires_grad=True)
    layer(BatchNorm, shape[-1], seed).astype(np.float64)(x).backward(rng(seed).normal(size=shape))
    np.testing.assert_allclose(x.grad.sum(rows(x)), 0, atol=1e-8)


@given(st.integers(1, 5), seeds, epsilons)
def test_fold_stats_is_the_same_line(n, seed, eps):
    gamma, beta, mean = rng(seed).normal(size=(3, n))
    var, x = rng(seed).uniform(0, 2, n), rng(seed).normal(size=(7, n))
    scale, shift = fold_stats(gamma, beta, mean, var, eps)
    np.testing.assert_allclose(x*scale + shift, gamma*(x - mean)/np.sqrt(var + eps) + beta, atol=1e-8)


# The layers

@pytest.mark.parametrize('training', [True, False], ids=['train', 'eval'])
@pytest.mark.parametrize('shape', [(5, 3), (4, 2, 3), (2, 3, 2, 3)], ids=str)
def test_batch_norm_gradients(shape, training):
    norm = layer(BatchNorm, 3).astype(np.float64).train(training)
    check_grad(norm, Tensor(rng().normal(size=shape)), params=norm.parameters())


@pytest.mark.parametrize('shape', [(3,), (5, 3), (2, 3, 2, 3)], ids=str)
def test_layer_norm_gradients(shape):
    norm = layer(LayerNorm, 3).astype(np.float64)
    check_grad(norm, Tensor(rng().normal(size=shape)), params=norm.parameters())


def test_defaults_and_names_are_those_of_keras():
    norm = BatchNorm(3)
    assert (norm.momentum, norm.eps, LayerNorm(3).eps) == (.99, 1e-3, 1e-5)
    assert {k: (a.tolist(), a.dtype.name) for k, a in norm.state_dict().items()} == dict(
        gamma=([1]*3, 'float32'), beta=([0]*3, 'float32'), mean=([0]*3, 'float32'), var=([1]*3, 'float32'))
    assert [k for k, _ in norm.named_parameters()] == ['gamma', 'beta'] and norm.n_parameters() == 6
    assert repr(norm) == 'BatchNorm(3)' and repr(LayerNorm(3)) == 'LayerNorm(3)'
    assert Sequential(norm).summary((2, 3)).total == 6


@given(st.integers(1, 20), st.sampled_from([0., .5, .9, .99]), seeds)
def test_the_averages_follow_kerass_formula(n, momentum, seed):
    norm, r = BatchNorm(3, momentum=momentum), rng(seed)
    mean, var = np.zeros(3), np.ones(3)
    for _ in range(n):
        x = r.normal(2, 3, (4, 2, 2, 3)).astype(np.float32)
        norm(Tensor(x))
        mean, var = momentum*mean + (1 - momentum)*x.mean((0, 1, 2)), momentum*var + (1 - momentum)*x.var((0, 1, 2))
    np.testing.assert_allclose(norm.mean, mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(norm.var, var, rtol=1e-4, atol=1e-5)
    assert norm.mean.dtype == norm.var.dtype == np.float32


def test_the_averages_change_in_place_and_only_in_training():
    norm, x = BatchNorm(3), Tensor(rng().normal(5, 2, (8, 3)), np.float32)
    held = live_state(norm)
    norm(x)
    assert held['mean'] is norm.mean and held['var'] is norm.var and (held['mean'] != 0).all()
    before = norm.state_dict()
    norm.eval()(x)
    norm.summary((2, 3))
    for k, a in live_state(norm).items(): np.testing.assert_array_equal(a, before[k])


def test_averages_are_saved_and_loaded_in_place(tmp_path):
    norm, other, x = layer(BatchNorm, 3), BatchNorm(3), Tensor(rng(1).normal(size=(4, 3)), np.float32)
    held = other.mean
    other.load(norm.save(tmp_path/'norm'))
    assert other.mean is held
    np.testing.assert_array_equal(other.eval()(x).data, norm.eval()(x).data)


def test_after_a_change_of_type_the_new_averages_are_followed():
    norm = BatchNorm(3).astype(np.float64)
    norm(Tensor(rng().normal(5, 2, (8, 3))))
    assert norm.mean.dtype == np.float64 and (norm.mean != 0).all()


def test_averages_that_move_before_the_way_back_do_not_change_it():
    norm, x = layer(BatchNorm, 3).eval(), Tensor(rng().normal(size=(4, 3)), np.float32, requires_grad=True)
    norm(x).sum().backward()
    want = [t.grad.copy() for t in (x, *norm.parameters())]
    x.grad = None; norm.zero_grad()
    out = norm(x).sum()
    norm.train()(Tensor(rng().normal(50, 9, (8, 3)), np.float32))
    out.backward()
    for t, w in zip((x, *norm.parameters()), want): np.testing.assert_array_equal(t.grad, w)


@pytest.mark.parametrize('training', [True, False], ids=['train', 'eval'])
def test_one_record_and_none_when_nobody_records(training):
    norm, x = BatchNorm(3).train(training), Tensor(rng().normal(size=(4, 3)), np.float32, requires_grad=True)
    assert len(history(norm(x))) == 1
    with no_grad(): assert norm(x).made is None


def test_gradients_lie_in_the_buffers():
    for norm in (BatchNorm(3), BatchNorm(3).eval(), LayerNorm(3)):
        for p in norm.parameters(): p.buffer = np.full(3, np.nan, np.float32)
        norm(Tensor(rng().normal(size=(4, 3)), np.float32)).sum().backward()
        for p in norm.parameters(): assert p.grad is p.buffer and np.isfinite(p.grad).all()


def test_in_eval_the_neighbours_do_not_matter_and_in_training_they_do():
    norm, x = layer(BatchNorm, 3), rng(1).normal(size=(6, 3)).astype(np.float32)
    assert np.abs(norm(Tensor(x[:2])).data[0] - norm(Tensor(x)).data[0]).max() > .01
    norm.eval()
    np.testing.assert_allclose(norm(Tensor(x[:1])).data, norm(Tensor(x)).data[:1], rtol=1e-6)
    same = layer(LayerNorm, 3)
    np.testing.assert_allclose(same(Tensor(x[:1])).data, same(Tensor(x)).data[:1], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(same.eval()(Tensor(x)).data, same.train()(Tensor(x)).data)


def test_copies_do_not_share_their_averages():
    norm = BatchNorm(3)
    other = copy.deepcopy(norm)
    other(Tensor(rng().normal(5, 2, (8, 3)), np.float32))
    assert (norm.mean == 0).all() and (other.mean != 0).all()


# What cannot be trained on

@pytest.mark.parametrize('shape', [(1, 3), (1, 1, 1, 3), (0, 3), (0, 4, 4, 3)], ids=str)
def test_one_number_a_channel_is_refused_in_training_and_changes_nothing(shape):
    norm, x = BatchNorm(3), Tensor(np.ones(shape, np.float32))
    with pytest.raises(ValueError, match=r'BatchNorm\(3\) cannot train on an input of shape .*at least two numbers a channel.*eval\(\)'): norm(x)
    assert (norm.mean == 0).all() and (norm.var == 1).all()
    assert norm.eval()(x).shape == shape


def test_one_image_has_many_numbers_a_channel():
    assert BatchNorm(3)(Tensor(rng().normal(size=(1, 2, 2, 3)), np.float32)).shape == (1, 2, 2, 3)


@pytest.mark.parametrize('make', [BatchNorm, LayerNorm])
def test_shapes_and_types_that_do_not_fit(make):
    norm = make(3)
    for shape in [(4, 2), (4, 4, 4, 1), (3, 4), ()]:
        with pytest.raises(ValueError, match=rf'{make.__name__}\(3\) expected an input of shape'): norm(Tensor(np.ones(shape, np.float32)))
    with pytest.raises(TypeError, match='float32 weights, its input is float64'): norm(Tensor(np.ones((4, 3))))
    with pytest.raises(TypeError, match='uint8'): norm(Tensor(np.ones((4, 3), np.uint8)))
    if make is BatchNorm:
        with pytest.raises(ValueError, match=r'\(batch, 3\), got \(3,\)'): norm(Tensor(np.ones(3, np.float32)))


def test_track_is_in_place():
    moving = np.array([0., 8.])
    assert track(moving, np.array([1., 4.]), .75) is None
    np.testing.assert_array_equal(moving, [.25, 7])


# PyTorch: NHWC in and out, `momentum` the other way round, and an unbiased moving variance

def nchw(f): return lambda x, *rest: f(x.permute(0, 3, 1, 2), *rest).permute(0, 2, 3, 1)


def test_batchnorm_same_as_torch():
    def theirs(x, g, b): return torch.nn.functional.batch_norm(x, None, None, g, b, training=True, eps=1e-3)
    same_as_torch([(16, 5), (5,), (5,)], lambda *xs: apply(batchnorm, *xs), theirs)
    same_as_torch([(4, 6, 6, 5), (5,), (5,)], lambda *xs: apply(batchnorm, *xs), nchw(theirs))


def test_frozen_same_as_torch():
    mean, var = rng().normal(size=5).astype(np.float32), rng().uniform(.5, 2, 5).astype(np.float32)
    def theirs(x, g, b): return torch.nn.functional.batch_norm(x, torch.tensor(mean), torch.tensor(var), g, b, training=False, eps=1e-3)
    same_as_torch([(16, 5), (5,), (5,)], lambda *xs: apply(frozen, *xs, mean=mean, var=var), theirs)
    same_as_torch([(4, 6, 6, 5), (5,), (5,)], lambda *xs: apply(frozen, *xs, mean=mean, var=var), nchw(theirs))


@pytest.mark.parametrize('shape', [(7,), (4, 7), (2, 3, 7)], ids=str)
def test_layernorm_same_as_torch(shape):
    same_as_torch([shape, (7,), (7,)], lambda *xs: apply(layernorm, *xs), lambda x, g, b: torch.nn.functional.layer_norm(x, (7,), g, b))


def test_batch_norm_layer_trains_as_torchs_does(torch):
    ours, theirs = BatchNorm(5, momentum=.9), torch.nn.BatchNorm2d(5, momentum=.1, eps=1e-3)
    n = 4*6*6
    for seed in range(5):
        x = rng(seed).normal(seed, 2, (4, 6, 6, 5)).astype(np.float32)
        want = nchw(theirs)(torch.tensor(x))
        close('output', ours(Tensor(x)).data, want.detach().numpy(), 1e-5)
    close('mean', ours.mean, theirs.running_mean.numpy(), 1e-5)
    biased = (theirs.running_var.numpy() - .9**5)*(n - 1)/n + .9**5
    close('var', ours.var, biased.astype(np.float32), 1e-5)


def test_threads_may_predict_together():
    norm, x = layer(BatchNorm, 3).eval(), Tensor(rng(1).normal(size=(4, 3)), np.float32)
    want, got = norm(x).data, []
    threads = [threading.Thread(target=lambda: got.append(norm(x).data)) for _ in range(4)]
    for t in threads: t.start()
    for t in threads: t.join()
    assert len(got) == 4 and all((g == want).all() for g in got)
