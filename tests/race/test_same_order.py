"Every framework gets the same examples in the same order, and then learns the same, epoch by epoch."
from dataclasses import replace

import numpy as np
import pytest

from tinybench import race as R
from tinybench.data.loader import batch_rows
from tinybench.data.source import load

@pytest.fixture
def pair(torch):
    "Makes ours and PyTorch's runner of a task, on one thread each."
    had = torch.get_num_threads()
    yield lambda name: (R.TinybenchRunner(R.TASKS[name], 1), R.TorchRunner(R.TASKS[name], 1))
    torch.set_num_threads(had)

def learned(runners, seed, epochs):
    "Accuracy after each epoch, (runners, epochs)."
    for r in runners: r.restart(seed)
    return np.array([[r.epoch() and r.score() for r in runners] for _ in range(epochs)]).T

def test_ours_and_pytorchs_weights_stay_together_for_epochs(pair):
    "Adam on the digits: after 3 epochs of 45 batches, drawn anew each, the weights are still the same to 1e-3."
    ours, theirs = pair('digits')
    scores = learned((ours, theirs), 5, 3)
    w = ours.run.net[1].w.data
    np.testing.assert_allclose(w, theirs.net[1].weight.detach().numpy().T, atol=1e-3*np.abs(w).max())
    assert np.abs(scores[0] - scores[1]).max() <= 1/359 + 1e-9
    other = learned((ours,), 6, 3)
    assert not np.allclose(ours.run.net[1].w.data, w, atol=.01) and other.shape == (1, 3)

def test_keras_is_dealt_the_same_order():
    "Without Keras: the examples lie as `batch_rows` says, epoch after epoch and after a restart."
    d, r = load('digits'), R.KerasRunner.__new__(R.KerasRunner)
    r.take(d)
    for seed in (3, 4, 3):
        r.rng, rng = np.random.default_rng(seed), np.random.default_rng(seed)
        for _ in range(3):
            r.deal()
            rows = np.concatenate(batch_rows(len(d.x_train), R.BATCH, rng))
            assert np.array_equal(r.x, d.x_train[rows]) and np.array_equal(r.y, d.y_train[rows])

class Nudged(R.TorchRunner):
    "PyTorch's runner, which starts one bit away."
    def restart(self, seed):
        super().restart(seed)
        with self.torch.no_grad():
            for p in self.net.parameters(): p.copy_(self.torch.nextafter(p, self.torch.full_like(p, np.inf)))

@pytest.mark.slow
def test_cifar_cnn_learns_as_in_pytorch(pair, data_dir):
    """Mean accuracy over 4 seeds within 0.2 points at each of 10 epochs, and no single one further away than PyTorch is from
    itself when its first weights are one bit off: rounding grows in training, and each processor rounds in its own way."""
    runners = *pair('cifar'), Nudged(R.TASKS['cifar'], 1)
    ours, theirs, nudged = np.array([learned(runners, seed, 10) for seed in range(4)]).swapaxes(0, 1)
    assert np.abs((ours - theirs).mean(0)).max() <= 2e-3, (ours - theirs).mean(0)
    assert 0 < np.abs(nudged - theirs).max() < .03
    assert np.abs(ours - theirs).max() <= np.abs(nudged - theirs).max(), (ours - theirs, nudged - theirs)

@pytest.mark.slow
def test_in_float64_every_accuracy_is_pytorchs(pair, data_dir, monkeypatch):
    "Where rounding is too small to grow into a picture, none is judged otherwise in 10 epochs of 4 seeds, and the weights stay together."
    network = R.network
    monkeypatch.setattr(R, 'network', lambda task, seed: network(task, seed).astype(np.float64))
    ours, theirs = pair('cifar')
    d, restart = ours.data, theirs.restart
    ours.data = replace(d, x_train=d.x_train.astype(np.float64), x_test=d.x_test.astype(np.float64))
    theirs.x, theirs.x_test = theirs.x.double(), theirs.x_test.double()
    theirs.restart = lambda seed: (restart(seed), theirs.net.double())
    for seed in range(4):
        mine, other = learned((ours, theirs), seed, 10)
        assert mine.tolist() == other.tolist() and mine[-1] > mine[0]
        w, v = ours.run.net[-1].w.data, theirs.net[-1].weight.detach().numpy().T
        assert w.dtype == v.dtype == np.float64
        np.testing.assert_allclose(w, v, rtol=0, atol=1e-11)
