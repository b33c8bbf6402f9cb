"Real training on real data: the digits, MNIST, and CIFAR-10 beside PyTorch."
import numpy as np
import pytest

from tinybench.race import TASKS, TinybenchRunner, TorchRunner
from tinybench.data.loader import Loader
from tinybench.data.source import load_digits, load_mnist
from tinybench.models.zoo import mnist_mlp, simple_cnn
from tinybench.nn.optim import Adam, AdamW, cosine
from tinybench.nn.train import fit

def test_digits_cnn_reaches_98_percent():
    "How long it takes, `tinybench demo` shows: a test that judged by the clock would fail on a busy machine."
    d, rng = load_digits(), np.random.default_rng(0)
    net, batches, test = simple_cnn(rng), Loader(d.x_train, d.y_train, 32, rng=rng), Loader(d.x_test, d.y_test, 120, shuffle=False)
    opt = AdamW(net.parameters(), cosine(.01, 20*len(batches)), decay=.1)
    history = fit(net, batches, 20, opt, valid=test)
    assert history[-1]['valid_metric'] >= .98

@pytest.mark.slow
def test_mnist_mlp_reaches_97_5_percent(data_dir):
    d, rng = load_mnist(), np.random.default_rng(0)
    assert len(d.x_train) == 60_000 and len(d.x_test) == 10_000
    net = mnist_mlp(rng)
    test = Loader(d.x_test, d.y_test, 1000, shuffle=False)
    history = fit(net, Loader(d.x_train, d.y_train, 32, rng=rng), 10, Adam(net.parameters()), valid=test)
    assert history[-1]['valid_metric'] >= .975

@pytest.mark.slow
def test_cifar_cnn_learns_as_torch_does(data_dir, torch):
    "Five seeds each: at every epoch the mean accuracies differ by less than the seeds do among themselves."
    def curves(runner, seeds=range(5), epochs=8):
        def one(seed):
            runner.restart(seed)
            return [(runner.epoch(), runner.score())[1] for _ in range(epochs)]
        return np.array([one(s) for s in seeds])
    ours, theirs = curves(TinybenchRunner(TASKS['cifar'], 1)), curves(TorchRunner(TASKS['cifar'], 1))
    spread = np.sqrt((ours.var(0, ddof=1) + theirs.var(0, ddof=1))/2)         # seed to seed, at each epoch
    apart = np.abs(ours.mean(0) - theirs.mean(0))
    assert ours[:, -1].min() > .33 and theirs[:, -1].min() > .33             # a tenth is chance
    assert (apart <= 2*spread).all(), f'apart {apart}, spread {spread}'
    assert apart.mean() <= spread.mean(), f'apart {apart}, spread {spread}'
