"Other frameworks train the same network, and the race of training steps says how they did."
import os

import numpy as np
import pytest

from tinybench.models.zoo import SHAPES, create
from tinybench.nn.channels import DepthwiseConv2d
from tinybench.nn.conv import Conv2d
from tinybench.nn.dense import Dense, Flatten, ReLU, Residual, Sigmoid, Tanh
from tinybench.nn.module import Sequential
from tinybench.nn.norm import BatchNorm
from tinybench.nn.pool import ConvReluPool2d, MaxPool2d
from tinybench.peers import training
from tinybench.peers.training import FRAMEWORKS, NETS, TrainingRace, race_training

def odd(rng):
    "Strides and paddings of both kinds, layers with and without a bias, a shortcut, an image that is flattened."
    body = Sequential(Conv2d(6, 6, 3, rng, padding='same', bias=False), BatchNorm(6), ReLU(), Conv2d(6, 6, 1, rng))
    return Sequential(
        ConvReluPool2d(3, 4, 3, rng), DepthwiseConv2d(4, 3, rng, stride=2, padding='same'), Conv2d(4, 6, (3, 2), rng, padding=1), BatchNorm(6),
        Residual(body, Conv2d(6, 6, 1, rng)), ReLU(), MaxPool2d(2), Flatten(), Dense(24, 7, rng), Sigmoid(), Dense(7, 3, rng)), (17, 14, 3)

def losses(framework, net, x, y, **how):
    step = FRAMEWORKS[framework](net, x, y, **how)
    return [step() for _ in range(4)]

@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    "What Keras is told by variables is for the test."
    for name in ('KERAS_BACKEND', 'TF_CPP_MIN_LOG_LEVEL', 'CUDA_VISIBLE_DEVICES'): monkeypatch.setenv(name, os.environ.get(name, ''))

def needs(framework):
    for name in dict(torch=['torch'], jax=['jax'], keras=['keras', 'tensorflow']).get(framework, ()): pytest.importorskip(name, reason=f'needs {name}')

@pytest.mark.parametrize('framework, how', [('tinybench', dict(threads=1)), ('torch', dict(threads=1, last=True, compiled=False)),
                                            pytest.param('torch', dict(threads=1, last=False, compiled=False), marks=pytest.mark.slow), ('jax', {}), ('keras', dict(backend='tensorflow', compiled=True))])
def test_a_framework_trains_the_same_network(framework, how):
    needs(framework)
    def made():
        rng = np.random.default_rng(0)
        net, shape = odd(rng)
        return net.train(), rng.normal(size=(6, *shape)).astype(np.float32), rng.integers(0, 3, 6)
    want = losses('numpy', *made(), threads=1)
    assert want[0] > want[-1]
    assert np.allclose(losses(framework, *made(), **how), want, rtol=2e-3), framework

@pytest.mark.parametrize('name, how', [('torch', dict(threads=1, last=True, compiled=False)), ('jax', {}), ('keras', dict(backend='tensorflow', compiled=True))])
def test_a_layer_that_is_not_known_is_named(name, how):
    needs(name)
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match='not told how to build MaxPool2d'):
        FRAMEWORKS[name](Sequential(MaxPool2d(3, 2), Flatten(), Dense(4, 2, rng)), np.zeros((2, 6, 6, 1), np.float32), np.zeros(2, np.int64), **how)
    with pytest.raises(TypeError, match='not told how to build Tanh'):
        FRAMEWORKS[name](Sequential(Flatten(), Dense(4, 2, rng), Tanh()), np.zeros((2, 2, 2, 1), np.float32), np.zeros(2, np.int64), **how)

def test_the_networks_of_the_race_are_known():
    for net in NETS: assert create(net, np.random.default_rng(0)) and SHAPES[net]

@pytest.mark.slow
def test_a_short_race_says_how_they_did(monkeypatch):
    monkeypatch.setattr(training, 'SAMPLE', .002)
    said = []
    found = race_training(('mnist_mlp',), ('numpy',), batch=8, rounds=8, progress=said.append)
    assert isinstance(found, TrainingRace) and set(found.setup['mnist_mlp']) == {'tinybench', 'numpy'}
    assert 'mnist_mlp' in repr(found) and 'in parts of its time' in repr(found) and said
    assert found.to_dict()['found']['mnist_mlp']

def test_who_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(training, 'find_spec', lambda name: None)
    monkeypatch.setattr(training, 'one_network', lambda net, frameworks, *rest: (frameworks, {}))
    found = race_training(('mnist_mlp',), ('jax', 'numpy'))
    assert found.found == {'mnist_mlp': ['tinybench', 'numpy']} and found.missing == ('jax is not installed: pip install jax',)
    with pytest.raises(ValueError, match='nobody to race: jax is not installed'): race_training(('mnist_mlp',), ('jax',))

def test_keras_is_tried_on_each_backend_that_is_there(monkeypatch):
    monkeypatch.setattr(training, 'find_spec', lambda name: name != 'tensorflow')
    assert training.settings('keras', 8) == [dict(backend='jax', compiled=True), *(dict(backend='torch', compiled=c) for c in (True, False))]
    monkeypatch.setattr(training, 'find_spec', lambda name: name == 'keras')      # without a backend
    with pytest.raises(ValueError, match='nobody to race: keras has no backend: pip install tensorflow'): race_training(('mnist_mlp',), ('keras',))

def test_a_setting_that_does_not_run_is_told_and_another_taken(monkeypatch):
    tried = []
    class Fake(training.Contestant):
        def __init__(self, framework, options, *job):
            tried.append(options)
            if options['bad']: raise ChildProcessError('it broke\nat line 3')
        def __enter__(self): return self
        def __exit__(self, *error): pass
        def secs(self): return 1.
    monkeypatch.setattr(training, 'Contestant', Fake)
    monkeypatch.setattr(training, 'settings', lambda name, batch: [dict(bad=True), dict(bad=False)])
    said = []
    with training.ExitStack() as stack: training.best_of('keras', ('mnist_mlp', 8, 0), stack, said.append)
    assert tried[-1] == dict(bad=False) and any('does not run so here: it broke' in s for s in said)
    monkeypatch.setattr(training, 'settings', lambda name, batch: [dict(bad=True)])
    with training.ExitStack() as stack, pytest.raises(ChildProcessError, match='it broke'): training.best_of('keras', ('mnist_mlp', 8, 0), stack, said.append)

def test_too_few_rounds_are_refused_before_anything_runs():
    with pytest.raises(ValueError, match='3 rounds: an interval needs 6'): race_training(('mnist_mlp',), ('numpy',), rounds=3)

def test_our_threads_share_a_batch_evenly():
    assert training.settings('tinybench', 33)[0] == dict(threads=1)
    assert all(33 % s['threads'] == 0 for s in training.settings('tinybench', 33))
