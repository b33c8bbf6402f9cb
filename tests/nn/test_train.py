"The training loop: a killed run that resumes to the last bit, NaN, early stopping, and times that add up."
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tinybench.data.loader import Loader
from tinybench.nn.pool import ConvReluPool2d
from tinybench.nn.dense import Dense, Dropout, Flatten, Sigmoid
from tinybench.nn.loss import cross_entropy, mse
from tinybench.nn.module import Sequential, load_arrays
from tinybench.nn.norm import BatchNorm
from tinybench.nn.optim import SGD, Adam
from tinybench.nn.train import Callback, Checkpoint, EarlyStopping, Progress, evaluate, fit

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 6, 6, 1)).astype('f')
Y = (X.mean((1, 2, 3)) > 0).astype(int)

def small(seed=0):
    r = np.random.default_rng(seed)
    return Sequential(ConvReluPool2d(1, 4, 3, r), BatchNorm(4), Flatten(), Dropout(.2, r), Dense(16, 8, r), Sigmoid(), Dense(8, 2, r))

def loader(seed=0): return Loader(X, Y, 32, rng=np.random.default_rng(seed))

RUN = '''
import sys, time
sys.path.insert(0, {tests!r})
from test_train import *
class Slow(Callback):
    def after_step(self, run): time.sleep(.02)
    def after_epoch(self, run): print("epoch", run.epoch, flush=True)
net = small(); fit(net, loader(), 8, Adam(net.parameters(), .01), callbacks=[Checkpoint({path!r}), Slow()])
'''

def test_a_killed_run_resumes_bit_for_bit(tmp_path, root):
    path = str(tmp_path/'run.npz')
    code = RUN.format(tests=str(root/'tests'/'nn'), path=path)
    p = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True, cwd=root, env={**os.environ, 'PYTHONPATH': str(root)})
    while p.stdout.readline().split() != ['epoch', '3']: assert p.poll() is None, 'the run ended before it could be killed'
    time.sleep(.05)                                          # into the fourth epoch
    p.send_signal(signal.SIGKILL); p.wait(); p.stdout.close()
    whole, resumed = small(), small(seed=5)
    h1 = fit(whole, loader(), 8, Adam(whole.parameters(), .01))
    h2 = fit(resumed, loader(seed=9), 8, Adam(resumed.parameters(), .01), callbacks=[Checkpoint(path)])
    assert len(h2) == 8 and [r['loss'] for r in h1] == [r['loss'] for r in h2]
    a, b = whole.state_dict(), resumed.state_dict()
    assert a.keys() == b.keys() and all((a[k] == b[k]).all() for k in a)

def test_a_finished_run_is_not_trained_again(tmp_path):
    net = small(); fit(net, loader(), 2, Adam(net.parameters()), callbacks=[Checkpoint(tmp_path/'c')])
    again = small(3); h = fit(again, loader(), 2, Adam(again.parameters()), callbacks=[Checkpoint(tmp_path/'c')])
    assert len(h) == 2 and (again[0].w.data == net[0].w.data).all()

def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    net = small(); fit(net, loader(), 1, Adam(net.parameters()), callbacks=[Checkpoint(tmp_path/'c')])
    other = Sequential(Flatten(), Dropout(.1, np.random.default_rng(0)), Dense(36, 2, np.random.default_rng(0)))
    before = other[2].w.data.copy()
    with pytest.raises(KeyError, match='missing: layers.2.w'): fit(other, loader(), 2, Adam(other.parameters()), callbacks=[Checkpoint(tmp_path/'c')])
    assert (other[2].w.data == before).all()

def test_a_damaged_checkpoint_is_refused(tmp_path):
    net = small(); fit(net, loader(), 1, Adam(net.parameters()), callbacks=[Checkpoint(tmp_path/'c')])
    f = tmp_path/'c.npz'; f.write_bytes(f.read_bytes()[:-200])
    with pytest.raises(ValueError, match='not a whole npz'): fit(net, loader(), 2, Adam(net.parameters()), callbacks=[Checkpoint(tmp_path/'c')])

def test_checkpoint_into_nowhere(tmp_path):
    net = small()
    with pytest.raises(OSError, match='cannot write'): fit(net, loader(), 1, Adam(net.parameters()), callbacks=[Checkpoint(tmp_path/'no'/'c')])

def test_nan_stops_training_and_says_when():
    net, data = small(), [(X[:50], Y[:50])]*4
    class Turn(Callback):
        "After the second epoch, inputs that are no numbers."
        def after_epoch(self, run):
            if run.epoch == 2: run.batches = [(X[:50]*np.float32('nan'), Y[:50])]
            self.w, self.opt = run.opt.w.copy(), run.opt
    turn = Turn()
    with pytest.raises(FloatingPointError, match=r'the loss is nan at step 9 \(epoch 3\)'), np.errstate(invalid='ignore'):
        fit(net, data, 5, Adam(net.parameters()), callbacks=[turn])
    assert (turn.opt.w == turn.w).all() and np.isfinite(turn.w).all()

def test_early_stopping_puts_the_best_back():
    net = small(); valid = [(X[:64], 1 - Y[:64])]            # the better it learns, the worse it does here
    h = fit(net, loader(), 50, SGD(net.parameters(), .5), valid=valid, callbacks=[EarlyStopping(3)])
    values = h.column('valid_loss')
    assert len(h) < 50 and len(values) - 1 - int(np.argmin(values)) == 3
    assert np.isclose(evaluate(net, valid, cross_entropy)[0], min(values), rtol=1e-5)
    net = small()
    with pytest.raises(ValueError, match='valid_loss'): fit(net, loader(), 2, SGD(net.parameters()), callbacks=[EarlyStopping()])

def test_callbacks_end_after_an_error():
    class Bad(Callback):
        ended = False
        def after_step(self, run): raise KeyboardInterrupt
        def end(self, run): self.ended = True
    bad, net = Bad(), small()
    with pytest.raises(KeyboardInterrupt): fit(net, loader(), 1, SGD(net.parameters()), callbacks=[bad])
    assert bad.ended

def test_a_generator_is_no_epoch():
    net = small()
    with pytest.raises(ValueError, match='used up after one epoch'): fit(net, (b for b in [(X, Y)]), 2, SGD(net.parameters()))

def test_another_loss_and_no_metric():
    r = np.random.default_rng(0)
    net = Sequential(Flatten(), Dense(36, 1, r))
    h = fit(net, [(X, X.mean((1, 2, 3))[:, None])]*5, 20, Adam(net.parameters(), .01), loss=mse, metric=None, valid=[(X, X.mean((1, 2, 3))[:, None])])
    assert h[-1]['valid_loss'] < h[0]['valid_loss']/5 and 'valid_metric' not in h[0]

def test_resuming_needs_the_same_generators(tmp_path):
    net = small(); fit(net, loader(), 1, Adam(net.parameters()), callbacks=[Checkpoint(tmp_path/'c')])
    with pytest.raises(KeyError, match='random generators'):
        fit(net, [(X, Y)], 2, Adam(net.parameters()), callbacks=[Checkpoint(tmp_path/'c')])
    assert 'facts' in load_arrays(tmp_path/'c.npz')

def test_what_would_do_nothing_is_refused():
    net = small()
    with pytest.raises(ValueError, match='none of the parameters'): fit(net, loader(), 1, SGD(small().parameters()))
    with pytest.raises(ValueError, match='whole number'): fit(net, loader(), -1, SGD(net.parameters()))
    with pytest.raises(ValueError, match='valid is a generator'): fit(net, loader(), 1, SGD(net.parameters()), valid=(b for b in [(X, Y)]))
    for bad in (0, -1, 1.5, None, '2', True):
        with pytest.raises((ValueError, TypeError), match='Checkpoint expected every, a whole number from 1'): Checkpoint('c', every=bad)
        with pytest.raises((ValueError, TypeError), match='EarlyStopping expected patience, a whole number'): EarlyStopping(patience=bad)
    for bad in (-1, 1.5, None, '2', np.nan):
        with pytest.raises((ValueError, TypeError), match='fit expected epochs, a whole number'): fit(net, loader(), bad, SGD(net.parameters()))
    with pytest.raises(ValueError, match='Progress expected delay'): Progress(-1)
    with pytest.raises(TypeError, match='fit trains a Module, not a list'): fit([net], loader(), 1, SGD(net.parameters()))

def test_checkpoints_with_a_dot_are_two_files(tmp_path):
    assert Checkpoint(tmp_path/'run.v1').path != Checkpoint(tmp_path/'run.v2').path

def test_a_checkpoint_holds_what_early_stopping_knew(tmp_path):
    "Whatever order they are given in, the checkpoint is written last; after a crash the best weights are still the best."
    valid = [(X[:64], 1 - Y[:64])]
    class Crash(Callback):
        def after_step(self, run):
            if run.epoch == 3: raise KeyboardInterrupt
    def run(*more, seed=0):
        net = small(seed)
        h = fit(net, loader(), 50, SGD(net.parameters(), .5), valid=valid, callbacks=[Checkpoint(tmp_path/'c'), EarlyStopping(3), *more])
        return net, h
    with pytest.raises(KeyboardInterrupt): run(Crash())
    net, h = run(seed=8)
    assert np.isclose(evaluate(net, valid, cross_entropy)[0], min(h.column('valid_loss')), rtol=1e-5)
    again, h2 = run(seed=9)
    assert len(h2) == len(h) and (again[0].w.data == net[0].w.data).all()
    with pytest.raises(KeyError, match='EarlyStopping0'):
        other = small(); fit(other, loader(), 50, SGD(other.parameters(), .5), valid=valid, callbacks=[Checkpoint(tmp_path/'c')])

def test_progress_needs_no_length():
    class Batches:
        def __iter__(self): return iter([(np.ones((2, 3), np.float32), np.zeros(2, int))])
    class Around(Batches):
        def __len__(self): return len(Batches())      # a TypeError, as of a wrapper around what has no length
    for batches in (Batches(), Around()):
        net = Sequential(Dense(3, 2, np.random.default_rng(0)))
        assert len(fit(net, batches, 2, SGD(net.parameters()), metric=None)) == 2
