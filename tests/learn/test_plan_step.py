"A step in C does what the usual step does: optimizers, training with all around it, what goes wrong, threads"
import copy, pickle, subprocess, sys, textwrap

import numpy as np
import pytest

from tinybench.core.ops import Op
from tinybench.core.tensor import Tensor, apply
from tinybench.data.loader import Loader
from tinybench.data.source import load_digits
from tinybench.models.zoo import create
from tinybench.native import train
from tinybench.native.train import plan_step
from tinybench.nn.conv import Conv2d
from tinybench.nn.dense import Dense, Dropout, Flatten, ReLU, Softmax
from tinybench.nn.loss import bce, cross_entropy, huber, mse
from tinybench.nn.module import Module, Parameter, Sequential, walk
from tinybench.nn.norm import BatchNorm, LayerNorm
from tinybench.nn.optim import SGD, Adam, AdamW, Optimizer, RMSprop, cosine
from tinybench.nn.train import Callback, Checkpoint, EarlyStopping, Run, fit, train_step

home = sys.modules[train.StepPlan.__module__]
AS_IT_RUNS = home.load
def never(said): raise AssertionError(said)

@pytest.fixture(autouse=True)
def quick(gcc, monkeypatch):
    "What is compiled here is compiled quickly."
    monkeypatch.setattr(home, 'load', lambda code, also=(), **how: AS_IT_RUNS(code, also=[*also, '-O0'], **how))

def small(seed=0, *more, classes=3):
    r = np.random.default_rng(seed)
    return Sequential(Dense(6, 9, r), ReLU(), *more, Dense(9, classes, r))
def noisy(seed=0): return small(seed, BatchNorm(9, momentum=.8), Dropout(.3, np.random.default_rng(seed)))

def batches(n=5, rows=8, seed=1, shape=(6,)):
    r = np.random.default_rng(seed)
    return [(r.normal(size=(rows, *shape)).astype('f4'), r.integers(0, 3, rows)) for _ in range(n)]

def run(net, opt, loss=cross_entropy): return Run(net, [], opt, loss, 1)

class Pair:
    "The same network twice: one takes usual steps, the other those in C."
    def __init__(self, make=small, opt=lambda ps: SGD(ps, .1), loss=cross_entropy, rows=8, threads=2, **how):
        self.usual, self.net, self.loss = make(), make(), loss
        self.usual.train(), self.net.train()
        self.usual_opt, self.opt = (opt(m.parameters() if not hasattr(m, 'groups') else m.groups()) for m in (self.usual, self.net))
        self.plan = plan_step(self.net, loss, self.opt, rows, threads, say=never, **how)
    def step(self, x, y):
        "Both losses."
        return (train_step(run(self.usual, self.usual_opt, self.loss), x, y),
                self.plan(run(self.net, self.opt, self.loss), x, y))
    def steps(self, data, tol=1e-5):
        for x, y in data:
            a, b = self.step(x, y)
            assert b == pytest.approx(a, rel=1e-4)
        self.same(tol)
    def same(self, tol=1e-5):
        for name in ('w', *self.opt.slots):
            a, b = getattr(self.usual_opt, name), getattr(self.opt, name)
            np.testing.assert_allclose(b, a, atol=tol*max(np.abs(a).max(), 1e-3), rtol=0, err_msg=name)
        assert (self.opt.t, self.opt.missed) == (self.usual_opt.t, self.usual_opt.missed)
        for (k, a), b in zip(self.usual.state_dict().items(), self.net.state_dict().values()):
            np.testing.assert_allclose(b, a, atol=tol*max(np.abs(a).max(), 1e-3), rtol=0, err_msg=k)


# --- optimizers

def rate(t): return .1/t
OPTIMIZERS = dict(
    plain=lambda ps, **how: SGD(ps, .1, **how), momentum=lambda ps, **how: SGD(ps, .1, .9, **how),
    nesterov=lambda ps, **how: SGD(ps, .1, .9, nesterov=True, **how), decay=lambda ps, **how: SGD(ps, .1, .9, decay=.1, **how),
    rmsprop=lambda ps, **how: RMSprop(ps, .01, **how), rmsprop_decay=lambda ps, **how: RMSprop(ps, .01, .8, decay=.1, **how),
    adam=lambda ps, **how: Adam(ps, .01, **how), adam_more=lambda ps, **how: Adam(ps, .01, (.5, .9), 1e-3, **how),
    adamw=lambda ps, **how: AdamW(ps, .01, **how), adamw_decay=lambda ps, **how: AdamW(ps, .01, decay=.5, **how),
    scheduled=lambda ps, **how: SGD(ps, rate, .9, **how), cosine=lambda ps, **how: AdamW(ps, cosine(.01, 6, 2), **how))

@pytest.mark.parametrize('max_norm', [None, .5])
@pytest.mark.parametrize('name', OPTIMIZERS)
def test_optimizers_move_alike(name, max_norm):
    "Given the same gradients, to rounding."
    p, r = Pair(opt=lambda ps: OPTIMIZERS[name](ps, max_norm=max_norm)), np.random.default_rng(0)
    (x, y), = batches(1)
    p.plan.build(x, y)
    for k in range(5):
        g = r.normal(size=p.opt.w.size).astype('f4')*(.01, 1)[k % 2]
        for opt in (p.usual_opt, p.opt):
            for q in opt.params: q.grad = q.buffer
            opt.g[:] = g
        p.usual_opt.step()
        p.plan.move()
        p.same(5e-7)

@pytest.mark.parametrize('name', ['decay', 'rmsprop_decay', 'adam', 'adamw'])
def test_five_steps(name): Pair(opt=lambda ps: OPTIMIZERS[name](ps, max_norm=1.)).steps(batches(), 1e-4)

class Grouped(Module):
    "Two groups of parameters."
    def __init__(self): self.inner = small()
    def forward(self, x): return self.inner(x)
    def groups(self):
        first, *rest = self.inner.parameters()
        return [dict(params=[first], lr=.01), dict(params=rest, momentum=.5)]

def test_groups(): Pair(Grouped, lambda ps: SGD(ps, .1, .9)).steps(batches(), 1e-4)

class Partly(Module):
    "A parameter that no loss reaches, between others."
    def __init__(self):
        r = np.random.default_rng(0)
        self.a, self.alone, self.b = Dense(6, 9, r), Parameter(np.ones(5, np.float32)), Dense(9, 3, r)
    def forward(self, x): return self.b(self.a(x).relu())

@pytest.mark.parametrize('name', ['momentum', 'adamw'])
def test_a_parameter_that_no_loss_reaches_stays(name):
    p = Pair(Partly, OPTIMIZERS[name])
    p.steps(batches(), 1e-4)
    assert (p.net.alone.data == 1).all()

def frozen(*which):
    def make():
        net = small(0, BatchNorm(9))
        for i, p in enumerate(net.parameters()): p.requires_grad = i not in which
        return net
    return make

@pytest.mark.parametrize('which', [(0,), (1,), (0, 1), (2,), (3,), (2, 3), (4,), (5,), (0, 1, 2, 3)])
def test_frozen_parameters_stay(which):
    p = Pair(frozen(*which), OPTIMIZERS['adamw'])
    before = [q.data.copy() for q in p.net.parameters()]
    p.steps(batches(), 1e-4)
    for i, (q, was) in enumerate(zip(p.net.parameters(), before)): assert np.array_equal(q.data, was) == (i in which)

def test_freezing_in_the_middle():
    p, data = Pair(opt=OPTIMIZERS['adamw']), batches(6)
    for part in (data[:2], data[2:4], data[4:]):
        p.steps(part, 1e-4)
        for net in (p.net, p.usual): net.layers[0].w.requires_grad = not net.layers[0].w.requires_grad

def test_parameters_that_are_replaced_in_the_middle():
    p, other, data = Pair(opt=OPTIMIZERS['momentum']), small(7), batches(6)
    p.steps(data[:2])
    for net in (p.net, p.usual): net.load_state_dict(other.state_dict())
    p.steps(data[2:4])
    for net in (p.net, p.usual):
        for q in net.parameters(): q.data = q.data*np.float32(.5)
    p.steps(data[4:])

def test_moving_averages_that_are_replaced_in_the_middle():
    p, data = Pair(noisy), batches(4)
    p.steps(data[:2], 1e-4)
    for net in (p.net, p.usual): net.layers[2].mean, net.layers[2].var = np.ones(9, np.float32), np.ones(9, np.float32)
    p.steps(data[2:], 1e-4)
    p.net.layers[2].mean = np.ones(9)
    with pytest.raises(TypeError, match='9 numbers of float64'): p.plan(run(p.net, p.opt), *data[0])
    p.net.layers[2].mean = np.ones(8, np.float32)
    with pytest.raises(TypeError, match='8 numbers of float32'): p.plan(run(p.net, p.opt), *data[0])


# --- a whole training

def data(n=70, batch=16, seed=3):
    r = np.random.default_rng(seed)
    x = r.normal(size=(n, 6)).astype('f4')
    return Loader(x, (x[:, :3].argmax(1)).astype(int), batch, rng=np.random.default_rng(seed))

def trained(epochs=3, native=True, net=None, callbacks=(), threads=2, batch=16, make=noisy):
    "Network, optimizer and history of a training, in which the last batch is smaller."
    net, loader = net or make(), data(batch=batch)
    opt = Adam(net.parameters(), .01)
    step = plan_step(net, cross_entropy, opt, batch, threads, say=never) if native else None
    h = fit(net, loader, epochs, opt, valid=data(seed=4), callbacks=callbacks, progress=False, step=step)
    return net, opt, h

def test_fit_with_a_smaller_last_batch_and_an_evaluation():
    (net, opt, h), (usual, usual_opt, want) = trained(), trained(native=False)
    for column in ('loss', 'valid_loss'): np.testing.assert_allclose(h.column(column), want.column(column), rtol=1e-3)
    assert opt.t == usual_opt.t == 15

class Stop(Callback):
    "Breaks the training off after some epochs."
    def __init__(self, epochs): self.epochs = epochs
    def after_epoch(self, run):
        if run.epoch == self.epochs: raise KeyboardInterrupt
    last = True

def test_resumed_is_as_uninterrupted(tmp_path):
    "To the last bit, with Dropout, moving averages and shuffled batches."
    net, opt, h = trained(6)
    with pytest.raises(KeyboardInterrupt): trained(6, callbacks=[Checkpoint(tmp_path/'c'), Stop(3)])
    again, opt2, h2 = trained(6, net=noisy(5), callbacks=[Checkpoint(tmp_path/'c')])
    assert h.column('loss') == h2.column('loss')
    for name in ('w', 'm', 'v'): np.testing.assert_array_equal(getattr(opt, name), getattr(opt2, name))
    for a, b in zip(net.state_dict().values(), again.state_dict().values()): np.testing.assert_array_equal(a, b)

def test_early_stopping_puts_the_best_weights_back():
    seen = []
    class Watch(Callback):
        def after_epoch(self, run): seen.append(run.net.state_dict())
    net, opt, h = trained(8, callbacks=[EarlyStopping(1, 'loss', lower_is_better=False), Watch()])
    assert len(h) < 8
    best = seen[int(np.argmax(h.column('loss')))]
    for k, a in net.state_dict().items(): np.testing.assert_array_equal(a, best[k])
    step = plan_step(net, cross_entropy, opt, 16, say=never)
    net.train(), step(run(net, opt), *next(iter(data())))
    np.testing.assert_array_equal(net.layers[0].w.data.ravel(), opt.w[:54])

def test_dropout_is_switched_off_in_the_middle():
    p, some = Pair(noisy), batches(6)
    for part, training in ((some[:2], False), (some[2:4], True), (some[4:], True)):
        p.steps(part, 1e-4)
        for net in (p.net, p.usual): net.layers[3].train() if training else net.layers[3].eval()

def test_a_batchnorm_that_is_switched_off_is_refused_by_name():
    p, some = Pair(noisy), batches(4)
    p.steps(some[:2], 1e-4)
    p.net.layers[2].eval()
    with pytest.raises(ValueError, match="layers.2: .*'batchnorm_frozen'"): p.plan(run(p.net, p.opt), *some[0])
    p.net.layers[2].train()
    p.steps(some[2:], 1e-4)

def test_two_networks_at_once():
    p, q = Pair(noisy), Pair(lambda: noisy(5), OPTIMIZERS['adam'])
    for x, y in batches(4): p.step(x, y), q.step(x[::-1], y)
    p.same(1e-4), q.same(1e-4)

def test_an_autoencoder_compares_with_its_input():
    r = np.random.default_rng(0)
    p = Pair(lambda: small(classes=6), loss=mse)
    for x, _ in batches(4):
        a, b = p.step(x, x)
        assert b == pytest.approx(a, rel=1e-5)
    p.same()

def test_targets_of_any_type():
    p = Pair(loss=mse)
    for x, _ in batches(3): p.step(x, x[:, :3].astype('f8'))
    for x, y in batches(3): p.step(x, Tensor(x[:, :3]))
    p.same()
    p, kinds = Pair(), ('u1', 'i2', 'i4', 'i8')
    for (x, y), kind in zip(batches(4), kinds): p.step(x, y.astype(kind))
    p.same()


# --- what goes wrong

class Deep(Module):
    "Where a NaN may be lost: a ReLU, a pool with one in it."
    def __init__(self):
        from tinybench.nn.pool import ConvReluPool2d, MaxPool2d
        r = np.random.default_rng(0)
        self.inner = Sequential(Conv2d(2, 3, 3, r, padding='same'), ReLU(), MaxPool2d(2), ConvReluPool2d(3, 4, 3, r, padding='same'),
                                Conv2d(4, 5, 1, r), BatchNorm(5), ReLU(), Flatten(), Dense(20, 3, r))
    def forward(self, x): return self.inner(x)

@pytest.mark.parametrize('bad', [np.nan, np.inf])
@pytest.mark.parametrize('make, shape', [(noisy, (6,)), (Deep, (8, 8, 2))])
def test_a_loss_that_is_not_finite(make, shape, bad):
    p, (good, other) = Pair(make), batches(2, shape=shape)
    p.steps([good], 1e-4)
    x = other[0].copy()
    x[3] = bad
    kept = p.opt.w.copy(), p.opt.m.copy(), p.opt.t, [p.net.state_dict() for _ in 'a']
    with pytest.raises(FloatingPointError, match='the loss is .* at step 1'): p.plan(run(p.net, p.opt), x, other[1])
    np.testing.assert_array_equal(p.opt.w, kept[0])
    np.testing.assert_array_equal(p.opt.m, kept[1])
    assert p.opt.t == kept[2]
    with np.errstate(all='ignore'), pytest.raises(FloatingPointError): train_step(run(p.usual, p.usual_opt), x, other[1])
    for net in (p.net, p.usual):        # both averages took it in
        for _, m in walk(net):
            if isinstance(m, BatchNorm): m.mean[:], m.var[:] = 0, 1
    p.steps([other, good], 1e-4)        # nothing of it stays in the arena

def test_the_first_batch_may_be_bad():
    p, ((bad, y), *some) = Pair(noisy), batches(3)
    bad[2] = np.nan
    kept = p.opt.w.copy()
    with np.errstate(all='ignore'):
        for run_step in (p.plan, train_step):
            net, opt = (p.net, p.opt) if run_step is p.plan else (p.usual, p.usual_opt)
            with pytest.raises(FloatingPointError, match='at step 1'): run_step(run(net, opt), bad, y)
    np.testing.assert_array_equal(p.opt.w, kept)
    for net in (p.net, p.usual): net.layers[2].mean[:], net.layers[2].var[:] = 0, 1
    p.steps(some, 1e-4)
    assert 'C, 2 threads' in repr(p.plan)

@pytest.mark.parametrize('at', range(10))
def test_weights_that_are_not_finite(at):
    p, (some,) = Pair(Deep), batches(1, shape=(8, 8, 2))
    p.steps([some], 1e-4)
    next(q for i, q in enumerate(p.net.parameters()) if i == at).data.flat[0] = np.nan
    with pytest.raises(FloatingPointError): p.plan(run(p.net, p.opt), *some)

def both_refuse(p, x, y):
    "That the step in C says what the usual one says."
    with pytest.raises((ValueError, TypeError)) as want: train_step(run(p.usual, p.usual_opt, p.loss), x, y)
    kept = p.opt.w.copy()
    with pytest.raises(want.type) as got: p.plan(run(p.net, p.opt, p.loss), x, y)
    assert str(got.value) == str(want.value)
    np.testing.assert_array_equal(p.opt.w, kept)

@pytest.mark.parametrize('built', [False, True])
def test_batches_that_are_wrong(built):
    p, ((x, y),) = Pair(), batches(1)
    if built: p.steps([(x, y)])
    for kind in ('f8', 'f2', 'i4', 'u1'): both_refuse(p, x.astype(kind), y)
    for wrong in (y + 3, y - 3, y.astype('f4'), y[:, None], y[:5], np.eye(3)[y]): both_refuse(p, x, wrong)
    both_refuse(p, x[:, :5], y)
    p.steps([(x, y)])

def test_targets_that_are_wrong():
    p, ((x, _),) = Pair(loss=mse), batches(1)
    p.steps([(x, x[:, :3])])
    with pytest.raises(ValueError, match='mse expected two arrays of one shape'): p.plan(run(p.net, p.opt, mse), x, x[:, :2])
    p = Pair(loss=bce)
    p.steps([(x, np.float32(x[:, :3] > 0))])
    for bad in (2, -.1, np.nan):
        with pytest.raises(ValueError, match=r'targets in \[0, 1\]'): p.plan(run(p.net, p.opt, bce), x, np.full((8, 3), bad, 'f4'))

def test_another_network_or_optimizer():
    p, (some,) = Pair(), batches(1)
    for net, opt in ((p.usual, p.opt), (p.net, p.usual_opt)):
        with pytest.raises(ValueError, match='another network or optimizer'): p.plan(run(net, opt), *some)

@pytest.mark.parametrize('how', [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_plan_is_not_copied(how):
    p, some = Pair(noisy), batches(2)
    for part in (some[:1], some[1:]):
        with pytest.raises(TypeError, match='call plan_step for'): how(p.plan)
        p.steps(part, 1e-4)

def test_without_a_compiler(monkeypatch):
    monkeypatch.setenv('TINYBENCH_CC', 'none')
    p, said = Pair(noisy), []
    p.plan.say = said.append
    p.steps(batches(), 1e-6)
    assert said == [f'{p.plan.why}; the usual step trains'] and 'no C compiler: install' in said[0]
    assert repr(p.plan).endswith(f'runs in numpy, as {p.plan.why}')


# --- what is refused, by name, before it trains

class Do(Module):
    def __init__(self, f): self.f, self.p = f, Parameter(np.random.default_rng(0).normal(size=(6,)).astype('f4'))
    def forward(self, x): return self.f(x, self.p)

def own_relu(): return Op('relu', lambda x: np.maximum(x, 0)*2, lambda g, o, x: (g,))
REFUSED = {
    "operation 'softmax'": Softmax(), "operation 'layernorm'": LayerNorm(6),
    "operation 'transpose'": Do(lambda x, p: x.reshape(-1, 2, 3).transpose(0, 2, 1).reshape(-1, 6)),
    "a matmul": Do(lambda x, p: (x.reshape(-1, 6, 1) @ x.reshape(-1, 1, 6)).sum(2)),
    "operation 'max'": Do(lambda x, p: x*x.max(1, keepdims=True)), "operation 'relu'": Do(lambda x, p: apply(own_relu(), x)),
    "operation 'getitem'": Do(lambda x, p: x[:, ::-1]), "'mul' of parameters alone": Do(lambda x, p: x + p*2),
    'a gradient ends': Do(lambda x, p: (x*p).detach()*x), 'over the batch': Do(lambda x, p: x - x.mean(0)),
    'a reshape over the batch': Do(lambda x, p: (x.reshape(4, 12)*np.arange(12, dtype='f4')).reshape(8, 6)),
    'a mean over the batch': Do(lambda x, p: x*x.mean()),
    'an array with a row for each image': Do(lambda x, p: x + np.arange(48, dtype='f4').reshape(8, 6))}

@pytest.mark.parametrize('says', REFUSED)
def test_what_is_refused_names_its_layer(says, monkeypatch):
    monkeypatch.setattr(home, 'load', lambda *_, **__: pytest.fail('it was compiled'))
    r = np.random.default_rng(0)
    net = Sequential(Dense(6, 6, r), REFUSED[says], Dense(6, 3, r))
    step = plan_step(net, cross_entropy, SGD(net.parameters()), 8)
    with pytest.raises(ValueError, match=f'^layers.1: .*{says}'): step(run(net, step.opt), *batches(1)[0])

LOSSES = {
    "'cross_entropy'": lambda out, y: cross_entropy(out, y, label_smoothing=.1), "'huber'": lambda out, y: huber(out, np.eye(3, dtype='f4')[y]),
    'mse: what the network gives comes first': lambda out, y: mse(np.eye(3, dtype='f4')[y], out),
    'what it compares with is not': lambda out, y: cross_entropy(out, (y + 1) % 3),
    'something is done to the loss': lambda out, y: cross_entropy(out, y)*2,
    'mse: what it compares with': lambda out, y: mse(out, np.eye(3, dtype='f4')[y])}
@pytest.mark.parametrize('says', LOSSES)
def test_losses_that_are_refused(says):
    net = small()
    step = plan_step(net, LOSSES[says], SGD(net.parameters()), 8)
    with pytest.raises(ValueError, match=says): step(run(net, step.opt, LOSSES[says]), *batches(1)[0])

def test_what_decides_by_its_input_is_refused():
    r = np.random.default_rng(0)
    net = Sequential(Do(lambda x, p: x/np.abs(x.data).max()), Dense(6, 3, r))
    step = plan_step(net, cross_entropy, SGD(net.parameters()), 8, say=never)
    before = step.opt.w.copy()
    with pytest.raises(ValueError, match='another gradient'): step(run(net, step.opt), *batches(1)[0])
    np.testing.assert_array_equal(step.opt.w, before)

def test_what_cannot_be_planned():
    net = small()
    opt = SGD(net.parameters())
    class Own(SGD): pass
    with pytest.raises(ValueError, match='no C is known for .*Own, but for SGD, RMSprop, Adam, AdamW'): plan_step(net, mse, Own(net.parameters()))
    with pytest.raises(TypeError, match='net is a list, not a Module'): plan_step(net.parameters(), mse, opt)
    for bad in (0, -1, 2.5):
        with pytest.raises(ValueError, match=f'batch={bad}'): plan_step(net, mse, opt, bad)
        with pytest.raises(ValueError, match=f'threads={bad}'): plan_step(net, mse, opt, 8, bad)
    double = small().astype(np.float64)
    with pytest.raises(ValueError, match='is for float32'): plan_step(double, mse, SGD(double.parameters()))
    part = SGD(net.layers[0].parameters())
    with pytest.raises(ValueError, match='layers.2.w is no parameter'): plan_step(net, cross_entropy, part, 8)(run(net, part), *batches(1)[0])


# --- threads, processes, Ctrl-C

class Same(Module):
    "A layer that is used twice, parameters and all."
    def __init__(self):
        r = np.random.default_rng(0)
        self.a, self.n, self.b = Dense(6, 6, r), BatchNorm(6), Dense(6, 3, r)
    def forward(self, x): return self.b(self.n(self.a(self.n(self.a(x)).relu())))

@pytest.mark.parametrize('threads', [1, 2, 4])
def test_a_layer_that_is_used_twice(threads): Pair(Same, threads=threads).steps(batches(), 1e-4)

@pytest.mark.parametrize('threads', [2, 3])
def test_steps_are_the_same_to_the_last_bit(threads):
    runs = [trained(60, threads=threads, batch=12)[1] for _ in range(2)]
    for name in ('w', 'm', 'v'): np.testing.assert_array_equal(*(getattr(o, name) for o in runs))

def test_threads_that_do_not_divide_the_batch(): assert Pair(rows=7, threads=2).plan.threads == 1

SCRIPT = '''
    import os, signal, sys, threading, time, warnings
    import numpy as np
    from tinybench.native.train import plan_step
    from tinybench.nn.dense import Dense, ReLU
    from tinybench.nn.loss import cross_entropy
    from tinybench.nn.module import Sequential
    from tinybench.nn.optim import SGD
    from tinybench.nn.train import Run, train_step
    def make():
        r = np.random.default_rng(0)
        net = Sequential(Dense(40, 200, r), ReLU(), Dense(200, 3, r))
        opt = SGD(net.parameters(), .01)
        return net, opt, Run(net, [], opt, cross_entropy, 1)
    r = np.random.default_rng(1)
    x, y = r.normal(size=(64, 40)).astype('f4'), r.integers(0, 3, 64)
    net, opt, run = make()
    step = plan_step(net, cross_entropy, opt, 64, 2)
    def usual():
        "That a step in C is right. Only of the first weights: later a number may lie at the corner of a ReLU."
        net, o, ran = make()
        a, b = train_step(ran, x, y), step(run, x, y)
        assert abs(a - b) < 1e-5 and np.abs(o.w - opt.w).max() < 1e-5
    def check():
        "That the next step is what a fresh plan makes of the same weights, to the last bit."
        twin, o, ran = make()
        twin.load_state_dict(net.state_dict())
        a, b = plan_step(twin, cross_entropy, o, 64, 2)(ran, x, y), step(run, x, y)
        assert a == b and (o.w == opt.w).all()
    usual()
    check()
'''
def python(code, secs=120):
    done = subprocess.run([sys.executable, '-c', textwrap.dedent(SCRIPT) + textwrap.dedent(code)], capture_output=True, text=True, timeout=secs)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout

@pytest.mark.skipif(sys.platform != 'linux', reason='forks are those of Linux')
def test_a_fork_has_threads_of_its_own():
    "Also if the fork itself forks, and if both go on."
    assert python('''
        warnings.simplefilter('ignore')
        for _ in range(3): check()
        if (child := os.fork()) == 0:
            check()
            if (second := os.fork()) == 0: check(); os._exit(7)
            code = os.waitstatus_to_exitcode(os.waitpid(second, 0)[1])
            check()
            os._exit(code)
        check()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        check()
    ''') == '7\n'

@pytest.mark.skipif(sys.platform != 'linux', reason='signals are those of Linux')
@pytest.mark.parametrize('method', ['put', 'get'])
def test_ctrl_c_while_threads_are_told(method):
    "It is raised when all have ended their share."
    assert python(f'''
        from tinybench.toolchain import crew
        class Interrupted:
            def __init__(self, q): self.q = q
            def __getattr__(self, name): return getattr(self.q, name)
            def {method}(self, *what):
                got = self.q.{method}(*what)
                if threading.current_thread() is threading.main_thread(): os.kill(os.getpid(), signal.SIGINT)
                return got
        kept, queue = step.runner.crew.todo, crew.SimpleQueue
        if '{method}' == 'put': step.runner.crew.todo = [Interrupted(q) for q in kept]
        else: crew.SimpleQueue = lambda: Interrupted(queue())     # where the end of a share is told
        try: step(run, x, y)
        except KeyboardInterrupt: print('caught')
        step.runner.crew.todo, crew.SimpleQueue = kept, queue
        time.sleep(.5)
        print(step.runner.here[0])      # how many wait in the C
        check()
    ''') == 'caught\n0\n'

@pytest.mark.skipif(sys.platform != 'linux', reason='signals are those of Linux')
def test_ctrl_c_leaves_no_thread_waiting():
    "Many times, at any place; then the next step is right, and no thread waits."
    got = python('''
        r = np.random.default_rng(2)
        caught = 0
        for _ in range(150):
            try:
                timer = threading.Timer(float(r.uniform(0, .004)), os.kill, (os.getpid(), signal.SIGINT))
                timer.start()
                for _ in range(100_000): step(run, x, y)
            except KeyboardInterrupt: caught += 1
        check()
        time.sleep(.5)
        print(caught, step.runner.here[0])      # how many wait in the C
        check()
    ''')
    assert got == '150 0\n'


# --- it learns

def curve(seed, native=False, off=0.):
    "Losses and accuracies of a training of simple_cnn on the digits, which are `off` by such a share, up or down."
    r, d = np.random.default_rng(seed), load_digits()
    x = d.x_train*np.float32(1 + off*r.choice([-1, 1], d.x_train.shape))
    net = create('simple_cnn', r)
    opt = Adam(net.parameters(), 1e-3)
    loader = Loader(x, d.y_train, 32, rng=np.random.default_rng(seed))
    step = plan_step(net, cross_entropy, opt, 32, 2, say=never) if native else None
    h = fit(net, loader, 3, opt, valid=[(d.x_test, d.y_test)], progress=False, step=step)
    return np.array([h.column('loss'), h.column('valid_loss'), h.column('valid_metric')])

@pytest.mark.slow
def test_it_learns_as_the_usual_step(monkeypatch):
    """What the C changes in the curves of four trainings is at most thrice what the last bit of the inputs does;
    an accuracy changes by one row of the test set at least."""
    monkeypatch.setattr(home, 'load', AS_IT_RUNS)
    ours, bits = [], []
    for seed in range(4):
        want = curve(seed)
        ours.append(np.abs(curve(seed, native=True) - want))
        bits.append(np.abs(curve(seed, off=2**-23) - want))
        assert want[2, -1] > .85
    ours, bits = np.array(ours), np.array(bits)
    for k, least in enumerate((1e-5, 1e-5, 1/len(load_digits().y_test))):
        assert ours[:, k].mean() <= 3*bits[:, k].mean() + least, (ours[:, k], bits[:, k])


# --- what was said wrongly, or not at all

def test_another_loss_than_the_plans_is_refused():
    net = small()
    opt = SGD(net.parameters())
    step = plan_step(net, mse, opt, 8, say=never)
    with pytest.raises(ValueError, match='another loss'): fit(net, batches(2), 1, opt, step=step, progress=False)

def test_a_class_of_somebodys_own_is_no_optimizer_of_ours():
    class SGD(Optimizer):
        def direction(self, s): self.g[s] *= 0
    net = small()
    with pytest.raises(ValueError, match='no C is known for .*SGD, but for SGD'): plan_step(net, mse, SGD(net.parameters(), .1))

@pytest.mark.parametrize('how, says', [
    (dict(loss='mse'), 'loss is a str'), (dict(opt='adam'), 'opt is a str'), (dict(target='avx2'), 'target is a str'),
    (dict(net=3), 'net is a int')])
def test_odd_arguments_are_named(how, says):
    net = small()
    with pytest.raises(TypeError, match=says): plan_step(**(dict(net=net, loss=mse, opt=SGD(net.parameters())) | how))
    for odd in (True, 0, 2.):
        with pytest.raises(ValueError, match='whole number'): plan_step(net, mse, SGD(net.parameters()), odd)

def test_fit_refuses_what_is_no_step():
    net = small()
    with pytest.raises(TypeError, match='step is a int'): fit(net, batches(1), 1, SGD(net.parameters()), step=0)

def test_a_first_batch_that_does_not_fit_is_told_once():
    net, said = small().train(), []
    opt = SGD(net.parameters())
    step = plan_step(net, cross_entropy, opt, 32, say=said.append)
    for x, y in batches(3): step(run(net, opt), x, y)
    assert len(said) == 1 and 'a batch of 8, and the step in C is for 32' in said[0]

class SharedBeta(Module):
    "The shift of a BatchNorm, which thread 0 gets the gradient of, is added to numbers of each image too."
    def __init__(self): self.bn, self.first = BatchNorm(5), Dense(6, 5, np.random.default_rng(0))
    def forward(self, x): return self.bn(self.first(x) + self.bn.beta)

@pytest.mark.parametrize('threads', [1, 2, 4])
def test_a_parameter_that_one_thread_and_all_add_to(threads):
    pair = Pair(SharedBeta, opt=lambda ps: SGD(ps, .1), threads=threads)
    pair.steps(batches(12, 8), tol=1e-4)

def test_numbers_of_a_batchnorm_that_change_are_noticed():
    pair = Pair(noisy)
    pair.steps(batches(2))
    for m in (pair.usual, pair.net):
        for _, layer in walk(m):
            if isinstance(layer, BatchNorm): layer.momentum, layer.eps = .5, .1
    pair.steps(batches(2, seed=3))

def test_parameters_that_were_replaced_before_the_first_step():
    pair, other = Pair(), small(9)
    for m in (pair.usual, pair.net):
        for p, q in zip(m.parameters(), other.parameters()): p.data = q.data.copy()
    pair.steps(batches(3))

def test_a_plan_for_a_copy_of_network_and_optimizer():
    pair = Pair()
    pair.steps(batches(2))
    net, opt = copy.deepcopy((pair.net, pair.opt))
    usual, usual_opt = copy.deepcopy((pair.usual, pair.usual_opt))
    step = plan_step(net, cross_entropy, opt, 8, say=never)
    for x, y in batches(3, seed=4):
        assert step(run(net, opt), x, y) == pytest.approx(train_step(run(usual, usual_opt), x, y), rel=1e-4)
    np.testing.assert_allclose(opt.w, usual_opt.w, atol=1e-5)
