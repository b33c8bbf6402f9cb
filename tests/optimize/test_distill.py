"Distillation: the loss against torch and by its limits, batches that bring answers, and students that can be had again."
import pickle
from functools import partial

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinybench.core.tensor import Tensor, check_grad
from tinybench.data.loader import Loader
from tinybench.models.zoo import simple_cnn
from tinybench.nn.dense import Dense, Dropout, Flatten, ReLU
from tinybench.nn.loss import accuracy, cross_entropy
from tinybench.nn.module import Module, Sequential
from tinybench.nn.optim import SGD, Adam
from tinybench.nn.train import Callback, Checkpoint, fit
from tinybench.optimize.distill import (
    Taught, answers, distill, distill_loss, soft_gradient, soft_loss, with_answers)
from tinybench.optimize.lowrank import lowrank
from tinybench.optimize.prune import prune
from tinybench.optimize.step import bfloat16, clone, float16, float64, optimize, strip

def rng(seed=0): return np.random.default_rng(seed)
def logits(n=6, classes=4, seed=0, scale=3.): return rng(seed).normal(size=(n, classes))*scale
def small(rng): return Sequential(Dense(4, 8, rng), ReLU(), Dropout(.2, rng), Dense(8, 3, rng))
X, Y = rng(8).normal(size=(90, 4)).astype(np.float32), rng(9).integers(0, 3, 90)
@pytest.fixture(scope='module')
def teacher():
    net = Sequential(Dense(4, 32, rng(1)), ReLU(), Dropout(.5, rng(2)), Dense(32, 3, rng(3)))
    fit(net, Loader(X, Y, rng=rng(4)), 30, Adam(net.parameters(), .01), progress=False)
    return net


# --- the loss

cases = st.tuples(st.integers(1, 6), st.integers(2, 7), st.floats(.5, 20), st.integers(0, 10**6))

@given(cases)
def test_gradients(drawn):
    n, classes, T, seed = drawn
    s, t = logits(n, classes, seed), logits(n, classes, seed + 1)
    check_grad(lambda x: soft_loss(x, t, T), Tensor(s))
    leaf = Tensor(s, requires_grad=True)
    soft_loss(leaf, t, T).backward()
    assert np.allclose(leaf.grad, T*T*soft_gradient(s, t, T))

@pytest.mark.parametrize('T', [1., 2.5, 10.])
def test_same_as_torch(torch, T):
    s, t = logits(seed=1), logits(seed=2)
    ours, theirs = Tensor(s, requires_grad=True), torch.tensor(s, requires_grad=True)
    F = torch.nn.functional
    loss = F.kl_div(F.log_softmax(theirs/T, 1), F.softmax(torch.tensor(t)/T, 1), reduction='batchmean')*T**2
    got = soft_loss(ours, t, T)
    loss.backward(), got.backward()
    assert np.isclose(got.item(), loss.item()) and np.allclose(ours.grad, theirs.grad.numpy())

@given(cases)
def test_never_below_zero_and_zero_for_the_teacher_itself(drawn):
    n, classes, T, seed = drawn
    s, t = logits(n, classes, seed), logits(n, classes, seed + 1)
    assert soft_loss(Tensor(s), t, T).item() >= 0
    assert abs(soft_loss(Tensor(t + rng(seed).normal(size=(n, 1))), t, T).item()) < 1e-9

def test_the_limit_of_heat_compares_centred_logits():
    s, t = logits(seed=3), logits(seed=4)
    d = (s - s.mean(1, keepdims=True)) - (t - t.mean(1, keepdims=True))
    assert np.allclose(1e8*soft_gradient(s, t, 1e4), d/s.size, rtol=1e-2, atol=1e-4)

def test_t_squared_keeps_the_size_of_the_gradient():
    s, t = logits(200, 10, 5), logits(200, 10, 6)
    plain = [np.linalg.norm(soft_gradient(s, t, T)) for T in (2., 32.)]
    assert plain[0]/plain[1] > 100 and .2 < plain[0]*4/(plain[1]*1024) < 5

def test_huge_logits_stay_finite():
    s = np.array([[1e4, -1e4, 0]], np.float32)
    leaf = Tensor(s, requires_grad=True)
    soft_loss(leaf, -s, 1.).backward()
    assert np.isfinite(leaf.grad).all() and leaf.grad.dtype == np.float32

@pytest.mark.parametrize('alpha', [0., .3, 1.])
def test_the_mixture_is_linear(alpha):
    s, t, y = logits(seed=1), logits(seed=2), np.arange(6) % 4
    got = distill_loss(3., alpha)(Tensor(s), with_answers(y, t)).item()
    assert np.isclose(got, alpha*cross_entropy(s, y).item() + (1 - alpha)*soft_loss(Tensor(s), t, 3.).item())

def test_plain_labels_give_their_cross_entropy():
    s, y = logits(), np.arange(6) % 4
    assert distill_loss()(Tensor(s), y).item() == cross_entropy(s, y).item()

@pytest.mark.parametrize('wrong', [dict(T=0), dict(T=-1), dict(T=np.nan), dict(T=np.inf),
                                   dict(alpha=-.1), dict(alpha=1.1), dict(alpha=np.nan)])
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match='temperature is above 0|weight in'): distill_loss(**wrong)


# --- batches

def test_records_are_shuffled_with_their_pictures(teacher):
    said = answers(teacher, X)
    for x, y in Loader(X, with_answers(Y, said), 16, rng=rng(3)):
        rows = [int(np.flatnonzero((X == row).all(1))[0]) for row in x]
        assert (y['label'] == Y[rows]).all() and (y['answers'] == said[rows]).all()

def test_both_ways_to_ask_give_the_same_training(teacher):
    "At each batch, or once before: the same records, but for the last bits of products of other sizes."
    each = list(Taught(Loader(X, Y, 32, rng=rng(3)), teacher))
    once = list(Loader(X, with_answers(Y, answers(teacher, X)), 32, rng=rng(3)))
    assert len(each) == len(Taught(Loader(X, Y, 32, rng=rng(3)), teacher)) == 3
    for (x, y), (u, v) in zip(each, once):
        assert (x == u).all() and (y['label'] == v['label']).all() and y.dtype == v.dtype
        assert np.allclose(y['answers'], v['answers'], atol=1e-5)

def test_the_teacher_speaks_about_what_the_student_sees(teacher):
    "With pictures that change at random, answers are for the changed ones."
    moved = Loader(X, Y, 32, rng=rng(3), transform=lambda x, y, rng: (x + rng.normal(size=x.shape).astype('f'), y))
    for x, y in Taught(moved, teacher): assert np.allclose(y['answers'], answers(teacher, x), atol=1e-5)

def test_the_mode_of_the_teacher_comes_back(teacher):
    teacher.train()
    teacher[0].eval()
    list(Taught(Loader(X, Y, rng=rng()), teacher)), answers(teacher, X)
    assert [m.training for m in teacher] == [False, True, True, True]
    teacher.train()

def test_labels_that_are_too_few():
    with pytest.raises(ValueError, match='3 labels for 6 answers'): with_answers(np.arange(3), logits())

@pytest.mark.parametrize('labels', [np.array([.7, 1.2, 0]), np.array([np.nan, 1, 0]), np.eye(3), np.eye(3, dtype=int),
                                    np.zeros((3, 1), int), np.array(['a', 'b', 'c'])])
def test_labels_that_are_no_whole_numbers(labels):
    "None is cut to a whole number."
    with pytest.raises(TypeError, match='one whole number for each example'): with_answers(labels, logits(3))

@pytest.mark.parametrize('said', [np.zeros(3), np.zeros((3, 2), int), np.zeros((3, 2, 2))])
def test_answers_that_are_no_logits(said):
    with pytest.raises(TypeError, match='answers are logits'): with_answers(np.arange(3), said)

def test_records_from_lists_and_tensors():
    for said in (logits(2).tolist(), Tensor(logits(2))):
        assert with_answers([1, -1], said)['answers'].shape == (2, 4)

@pytest.mark.parametrize('nobody', [None, lambda x: x])
def test_a_teacher_that_is_no_network(nobody):
    with pytest.raises(TypeError, match='a teacher is a network'): step(nobody)

def test_a_killed_run_goes_on_to_the_same_bit(teacher, tmp_path):
    "The generator of the batches is found through `Taught`, so a checkpoint saves it."
    def train(callbacks, epochs=4):
        g = rng(6)
        net = small(g)
        fit(net, Taught(Loader(X, Y, rng=g), teacher), epochs, Adam(net.parameters()), distill_loss(),
            callbacks=callbacks, progress=False)
        return net
    whole = train([])
    with pytest.raises(KeyboardInterrupt): train([Checkpoint(tmp_path/'run'), Late()])
    resumed = train([Checkpoint(tmp_path/'run')])
    assert all((a.data == b.data).all() for a, b in zip(whole.parameters(), resumed.parameters()))

class Late(Callback):
    "Stops the training after what comes last, the checkpoint of the second epoch."
    last = True
    def after_epoch(self, run):
        if run.epoch == 2: raise KeyboardInterrupt


# --- the step

step = partial(distill, student=small, batches=partial(Loader, X, Y), epochs=3)

def test_the_same_student_for_the_same_seed(teacher):
    a, b, c = (step(teacher, seed=seed) for seed in (1, 1, 2))
    assert all((p.data == q.data).all() for p, q in zip(a.parameters(), b.parameters()))
    assert (a[0].w.data != c[0].w.data).any()

def test_as_a_step_and_with_others(teacher):
    done = optimize(teacher, [strip, step, float16], X[:20])
    assert [c.step for c in done.changes] == ['strip', 'distill', 'float16']
    assert done.changes[1].after.macs < done.changes[0].after.macs

def test_an_encoded_teacher_teaches(teacher):
    said, heard = answers(teacher, X), answers(float16(teacher), X)
    assert np.allclose(said, heard, atol=.1)
    assert (answers(step(float16(teacher), epochs=40, opt=partial(Adam, lr=.02)), X).argmax(1) == said.argmax(1)).mean() > .8

def test_a_student_of_other_classes(teacher):
    with pytest.raises(ValueError, match='kl expected two arrays of one shape'):
        step(teacher, student=lambda rng: Sequential(Dense(4, 5, rng)))

def test_missing_labels_that_are_weighted(teacher):
    none = partial(Loader, X, np.full(90, -1))
    with pytest.raises(ValueError, match='label -1'): step(teacher, batches=none, alpha=.5)
    assert isinstance(step(teacher, batches=none), Module)

def test_a_student_that_is_no_network(teacher):
    for wrong in (lambda rng: None, small(rng())):
        with pytest.raises(TypeError, match='function that makes a new network'): step(teacher, student=wrong)

def test_a_student_with_weights_of_the_teacher(teacher):
    "Training it would train the teacher; a copy is a student as any other."
    before = teacher.state_dict()
    for wrong in (lambda rng: teacher, lambda rng: Sequential(teacher[0], Dense(32, 3, rng))):
        with pytest.raises(ValueError, match='weights of the teacher'): step(teacher, student=wrong)
    step(teacher, student=lambda rng: clone(teacher))
    assert all((teacher.state_dict()[k] == v).all() for k, v in before.items())

def low(net): return lowrank(net, 2)
@pytest.mark.parametrize('other', [float16, bfloat16, float64, partial(prune, sparsity=.5), low])
def test_before_and_after_other_steps(teacher, other):
    wide = partial(step, student=lambda rng: Sequential(Dense(4, 16, rng), ReLU(), Dense(16, 3, rng)))
    for steps in ({'other': other, 'distill': wide}, {'distill': wide, 'other': other}):
        assert len(optimize(teacher, steps, X[:20]).changes) == 2

def test_a_taught_student_agrees_with_its_teacher_more():
    "Paired over seeds: labels that are random for a third of the rows, and a teacher that knows better."
    truth = (X @ rng(1).normal(size=(4, 3))).argmax(1)
    guide = Sequential(Dense(4, 3, rng(2)))
    fit(guide, Loader(X, truth, rng=rng(3)), 60, Adam(guide.parameters(), .05), progress=False)
    noisy = np.where(rng(4).random(90) < .35, rng(5).integers(0, 3, 90), truth)
    wins = 0
    for seed in range(6):
        made = dict(student=small, batches=partial(Loader, X, noisy), epochs=30, opt=partial(Adam, lr=.01), seed=seed)
        taught, alone = (accuracy(answers(distill(guide, alpha=alpha, **made), X), truth) for alpha in (0., 1.))
        wins += taught > alone
    assert wins == 6          # by chance 1 of 64
