"Training steps in C give the gradients of float64: random networks, ties, every loss, every width of vectors"
import os, subprocess, sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from trainkit import LOSSES, Case, assert_right, compiled_with, drawn, in_unknown_memory, written
from tinybench.models.zoo import SHAPES, create
from tinybench.nn.channels import DepthwiseConv2d
from tinybench.nn.conv import Conv1d, Conv2d
from tinybench.nn.dense import Dense, ReLU
from tinybench.nn.loss import cross_entropy
from tinybench.nn.module import Module, Parameter, Sequential
from tinybench.nn.norm import BatchNorm
from tinybench.nn.pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from tinybench.toolchain.compiler import compiled, flags
from tinybench.toolchain.cpu import Target, host
from tinybench.toolchain.load import sanitized

needs_c = pytest.mark.skipif(os.name != 'posix', reason='the compilers of these tests are those of POSIX')
linux = pytest.mark.skipif(sys.platform != 'linux', reason='the sanitizers of these tests are those of Linux')
seeds, losses = st.integers(0, 2**31), st.sampled_from([*LOSSES])
def tried(n): return settings(max_examples=n, suppress_health_check=[HealthCheck.function_scoped_fixture])

def right(seed, loss, whole, *how):
    with compiled_with(*how): assert_right(drawn(seed, loss, whole), of=f'seed {seed}, {loss}:')

def zoo(name, batch, seed=0) -> Case:
    r = np.random.default_rng(seed)
    net, shape = create(name, r), SHAPES[name]
    return Case(net.train(), cross_entropy, r.normal(size=(batch, *shape)).astype(np.float32), r.integers(0, 2, batch))


# --- gradients

@needs_c
@tried(8)
@given(seeds, losses, st.booleans())
def test_random_networks(gcc, seed, loss, whole): right(seed, loss, whole, '-O0')

@needs_c
def test_random_networks_as_they_run(real):
    for seed, loss in ((1, 'mse'), (3, 'bce')): right(seed, loss, seed == 3, '-Werror')

@needs_c
@pytest.mark.slow
@tried(60)
@given(seeds, losses, st.booleans())
def test_many_random_networks(gcc, seed, loss, whole): right(seed, loss, whole, '-O1')

@needs_c
@pytest.mark.slow
@tried(8)
@given(seeds, losses, st.booleans())
def test_many_random_networks_as_they_run(real, seed, loss, whole): right(seed, loss, whole)

@needs_c
@pytest.mark.slow
@pytest.mark.parametrize('name', ['mnist_mlp', 'cifar_cnn', 'simple_cnn', 'ds_cnn', 'resnet8'])
def test_the_zoo(name, gcc): assert_right(zoo(name, 4), of=name)

# those that the C had wrong once: rows of the caller's images shared by threads, framed pixels, a ReLU behind them
WRONG_ONCE = [(44, 'cross_entropy', False), (2, 'l1', False)]

@needs_c
@pytest.mark.parametrize('seed, loss, whole', WRONG_ONCE)
def test_networks_of_which_the_c_was_wrong_once(seed, loss, whole, gcc): right(seed, loss, whole, '-O0')


def pixels(c, w=3, r=np.random.default_rng(0)) -> Case:
    "A BatchNorm of rows that fill no vector."
    net = Sequential(Conv2d(1, c, 1, r), BatchNorm(c), Conv2d(c, c, 1, r), BatchNorm(c), ReLU(), GlobalAvgPool2d(), Dense(c, 2, r))
    return Case(net, cross_entropy, r.normal(size=(4, 3, w, 1)).astype(np.float32), r.integers(0, 2, 4))

@needs_c
@pytest.mark.parametrize('c', [1, 2, 4, 5, 8])
def test_what_was_in_memory_does_not_matter(c, gcc):
    "NaN, as after a step that failed."
    plan = in_unknown_memory(case := pixels(c), '-O0')
    assert_right(case, plan)

@needs_c
def test_gradients_that_are_all_noise_are_not_refused(gcc):
    "An l1 of which as many signs are up as down."
    case = drawn(3042, 'l1', True)
    with compiled_with('-O0'): (plan := case.step()).build(case.x, case.y)
    assert plan.shape == case.x.shape

class Do(Module):
    "What a function does with the input (6, 7, 5) of each image, a parameter of 5 numbers and layers; then a mean."
    def __init__(self, f, *parts):
        r = np.random.default_rng(0)
        self.f, self.parts, self.p = f, list(parts), Parameter(r.uniform(.5, 1.5, 5).astype(np.float32))
        self.q = Parameter(r.uniform(.5, 1.5, (6, 1, 5)).astype(np.float32))
        self.first, self.last = Conv2d(5, 5, 1, r), Dense(5, 3, r)
    def forward(self, x):
        y = self.f(self, self.first(x))
        return self.last(y.reshape(len(x), -1, 5).mean(1))

def do(f, *parts): return Do(f, *parts)
def some(m, x): return m.parts[0](x)
def layers():
    r = np.random.default_rng(1)
    return dict(one=Conv2d(5, 5, 1, r, padding=2), three=Conv2d(5, 5, 3, r, padding=1), five=Conv2d(5, 5, 5, r, padding=2), dense=Dense(5, 5, r),
                depth=DepthwiseConv2d(5, 3, r, padding=1), apart=Conv2d(5, 5, 2, r, stride=3), row=Conv1d(5, 5, 3, r, padding=1))
def customs():
    "By name: what is done number by number, along axes, by layers that share a value or are used twice."
    k = layers()
    return dict(
        sums=do(lambda m, x: x + m.p - m.q + 2 - x*.5),
        products=do(lambda m, x: x*m.p*m.q*3),
        both=do(lambda m, x: m.p*(m.p*x) + m.p),
        quotients=do(lambda m, x: x/m.p + m.q/(x*x + 1) - 2/(x*x + 2)),
        negative=do(lambda m, x: -x - -2),
        functions=do(lambda m, x: (x*x + 1).log().sqrt().sin().cos().tanh().exp()),
        absolute=do(lambda m, x: x.abs().sigmoid()),
        arrays=do(lambda m, x: x*np.arange(5, dtype='f4') + np.ones((7, 5), 'f4')),
        same=do(lambda m, x: x + x),
        squares=do(lambda m, x: x*x),
        centred=do(lambda m, x: x - x.mean((1, 2), keepdims=True)),
        summed=do(lambda m, x: x*x.sum(-1, keepdims=True)),
        over=do(lambda m, x: x.mean(1) + x.mean(2).mean(1).reshape(-1, 1, 5)),
        wide=do(lambda m, x: x + x.mean(1, keepdims=True)*x.mean(2, keepdims=True)),
        gates=do(lambda m, x: x*x.mean((1, 2)).sigmoid().reshape(-1, 1, 1, 5)),
        views=do(lambda m, x: x.reshape(-1, 42, 5).expand_dims(1).squeeze(1)*2),
        relu_and_itself=do(lambda m, x: x.relu() + x),
        relus=do(lambda m, x: (x + x.relu()).relu() + (x*2).relu()),
        frames=do(lambda m, x: m.parts[0](x) + m.parts[1](x) + x, k['three'], k['five']),
        wider=do(lambda m, x: m.parts[0](m.parts[1](x).relu()), k['one'], k['three']),
        twice=do(lambda m, x: some(m, some(m, x).relu()), k['three']),
        depth_twice=do(lambda m, x: some(m, some(m, x)) + x, k['depth']),
        dense_twice=do(lambda m, x: some(m, some(m, x).tanh()), k['dense']),
        conv_of_dense=do(lambda m, x: m.parts[0](m.parts[1](x)) + m.parts[1](x), k['three'], k['dense']),
        apart=do(some, k['apart']),
        conv_of_view=do(lambda m, x: some(m, x.reshape(-1, 42, 5)), k['row']),
        view_of_conv=do(lambda m, x: some(m, x.reshape(-1, 7, 6, 5)), k['three']),
        dense_of_framed=do(lambda m, x: m.parts[0](y := (x*2)) + m.parts[1](y), k['three'], k['dense']),
        matmul=do(lambda m, x: x @ m.parts[0].w, k['dense']),
        normed_twice=do(lambda m, x: some(m, some(m, x).relu()*2), BatchNorm(5)),
        norm_and_pool=do(lambda m, x: m.parts[0](m.parts[1](x)), MaxPool2d(2), BatchNorm(5)),
        pool_and_itself=do(lambda m, x: some(m, x) + x, MaxPool2d(3, stride=1, padding='same')),
        averages=do(lambda m, x: some(m, x)*x, AvgPool2d(3, stride=1, padding='same')))

def custom(name, gcc):
    r = np.random.default_rng(2)
    case = Case(customs()[name], cross_entropy, r.normal(size=(4, 6, 7, 5)).astype(np.float32), r.integers(0, 3, 4), 2)
    with compiled_with('-O0', '-Werror'): assert_right(case, of=name)

QUICK = 'sums', 'quotients', 'wide', 'frames', 'normed_twice'
@needs_c
@pytest.mark.parametrize('name', QUICK)
def test_some_custom_layers(name, gcc): custom(name, gcc)

@needs_c
@pytest.mark.slow
@pytest.mark.parametrize('name', [name for name in customs() if name not in QUICK])
def test_custom_layers(name, gcc): custom(name, gcc)


# --- the C

WIDTHS = [Target('some', 64, registers=32), Target('some', 32, registers=16), Target('some', 16, registers=16), Target('plain', 4)]
FITTING = [t for t in WIDTHS if t.vector_bytes <= host().vector_bytes]      # gcc warns of what this machine has not

def warn_of_nothing(seeds, cc, targets):
    for seed in seeds:
        for t in targets:
            code = written(drawn(seed, [*LOSSES][seed % 4]), target=t)
            assert compiled(code, cc, flags(cc, also=['-O1', '-Werror', '-lm']))

@needs_c
def test_no_warning(real): warn_of_nothing([5], real, FITTING[:1])

@needs_c
@pytest.mark.slow
def test_no_warning_of_many(real): warn_of_nothing(range(700, 706), real, FITTING)

@needs_c
@pytest.mark.parametrize('target', FITTING, ids=lambda t: t.vector_bytes)
def test_vectors_of_each_width(target, gcc):
    with compiled_with('-O0'): assert_right(case := drawn(36), case.step(target=target))

@needs_c
@pytest.mark.slow
@pytest.mark.parametrize('target', FITTING, ids=lambda t: t.vector_bytes)
def test_vectors_of_each_width_often(target, gcc):
    for seed in range(800, 808):
        with compiled_with('-O1'): assert_right(case := drawn(seed, whole=seed % 2 == 0), case.step(target=target), of=f'seed {seed}:')

def first(layer, shape=(5, 5, 3)) -> Case:
    "A step whose first layer reads the caller's images."
    r = np.random.default_rng(0)
    net = Sequential(layer, GlobalAvgPool2d(), Dense(3, 2, r))
    return Case(net, cross_entropy, r.normal(size=(4, *shape)).astype(np.float32), r.integers(0, 2, 4), 2)
def few(): return [first(BatchNorm(3)), first(MaxPool2d(3, stride=1)), first(DepthwiseConv2d(3, 3, np.random.default_rng(0)))]
def more(): return [drawn(seed, [*LOSSES][seed % 4], seed % 3 == 0) for seed in range(900, 912)]

def sanitize(which, gcc):
    code = f'import trainkit, test_gradients_in_c\ntrainkit.sanitized_steps(test_gradients_in_c.{which}())'
    done = subprocess.run([sys.executable, '-W', 'error', '-c', code], env=sanitized(gcc), cwd=Path(__file__).parent,
                          capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]

@linux
def test_sanitizers_find_nothing(gcc): sanitize('few', gcc)

@linux
@pytest.mark.slow
def test_sanitizers_find_nothing_in_many(gcc): sanitize('more', gcc)
