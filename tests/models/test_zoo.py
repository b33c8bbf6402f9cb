"The networks: their sizes to the unit, and the four of MLPerf Tiny against what the official models compute."
import json

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from tinybench.core.tensor import no_grad
from tinybench.data.loader import Loader
from tinybench.data.source import load_digits
from tinybench.models.zoo import (MODELS, SHAPES, bn_relu, cifar_cnn, create, ds_cnn, fc_autoencoder, folded_parameters, mobilenet_v1_025,
                                  probabilities, resnet8, separable, simple_cnn, sww_cnn)
from tinybench.nn.dense import Dense, ReLU, Sigmoid
from tinybench.nn.loss import cross_entropy, mse
from tinybench.nn.module import Parameter, Sequential, around_calls, parts, walk
from tinybench.nn.norm import BatchNorm
from tinybench.nn.optim import Adam, cosine
from tinybench.nn.train import fit

INPUTS = dict(mnist_mlp=(28, 28, 1), cifar_cnn=(32, 32, 3), simple_cnn=(8, 8, 1), ds_cnn=(49, 10, 1), resnet8=(32, 32, 3),
              mobilenet_v1_025=(96, 96, 3), fc_autoencoder=(640,), sww_cnn=(30, 1, 40))
OUTPUTS = dict(mnist_mlp=10, cifar_cnn=10, simple_cnn=10, ds_cnn=12, resnet8=10, mobilenet_v1_025=2, fc_autoencoder=640, sww_cnn=3)
each_model = pytest.mark.parametrize('name', MODELS)

def rng(seed=0): return np.random.default_rng(seed)
def inputs(name, n=2): return rng(1).normal(size=(n, *INPUTS[name])).astype(np.float32)
def state_size(net): return sum(a.size for a in net.state_dict().values())


# --- sizes

@pytest.mark.parametrize('make,keras,folded', [(ds_cnn, 24_908, 22_604), (resnet8, 78_666, 77_706), (mobilenet_v1_025, 221_794, 210_850),
                                               (fc_autoencoder, 269_992, 265_864)])
def test_sizes_are_the_official_ones(make, keras, folded):
    "Keras counts every array of the state; the converted files have the normalisations folded in."
    net = make(rng())
    frozen = sum(m.mean.size + m.var.size for _, m in walk(net) if isinstance(m, BatchNorm))
    assert (state_size(net), folded_parameters(net), net.n_parameters()) == (keras, folded, keras - frozen)

def test_the_wakeword_network_has_biases_that_keras_leaves_out():
    "46,883 parameters folded, as the official file has; Keras has no bias before a normalisation, which is 840 fewer."
    net = sww_cnn(rng())
    extra = sum(m.b.size for m in net if hasattr(m, 'kernel'))
    assert (folded_parameters(net), state_size(net) - extra, extra) == (46_883, 47_707, 840)

def test_other_sizes():
    assert folded_parameters(resnet8(rng(), width=40)) == 480_330     # MLPerf Tiny's ic02
    assert [MODELS[k](rng()).n_parameters() for k in ('mnist_mlp', 'cifar_cnn')] == [79_510, 280 + 455 + 18_100 + 1_010]
    assert ds_cnn(rng(), classes=3).n_parameters() == 23_756 - 9*65
    sizes = [simple_cnn(rng(), width=w).n_parameters() for w in (16, 8, 4)]
    assert sizes == sorted(sizes, reverse=True) and sizes[1] < sizes[0]/2

@each_model
def test_multiplications(name):
    "Each weight times the positions of its output: the official counts, where there are any."
    official = dict(ds_cnn=2_656_768, resnet8=12_501_632, mobilenet_v1_025=7_489_664, fc_autoencoder=264_192, sww_cnn=826_368)
    total = 0
    def note(m, *xs):
        nonlocal total
        out = m.forward(*xs)
        if hasattr(m, 'w'): total += m.w.size*int(np.prod(out.shape[1:-1]))
        return out
    with around_calls(note), no_grad(): MODELS[name](rng()).eval()(inputs(name, 1))
    assert total == official.get(name, total) > 0


# --- every network

@each_model
def test_ends_in_logits_of_float32(name):
    net, x = MODELS[name](rng()), inputs(name)
    out = net(x)
    assert out.shape == (2, OUTPUTS[name]) and out.dtype == np.float32
    assert isinstance(list(net)[-1], Dense), 'the softmax belongs to the loss'

@each_model
def test_the_generator_decides_everything(name):
    states = [MODELS[name](rng(seed)).state_dict() for seed in (3, 3, 4)]
    same = [[np.array_equal(a, b) for a, b in zip(states[0].values(), s.values())] for s in states[1:]]
    assert all(same[0]) and not all(same[1])

@each_model
def test_every_parameter_learns(name):
    "One step in training mode: every gradient is finite, and none is missing."
    net, x = MODELS[name](rng()), inputs(name, 4)
    loss = mse(net(x), x) if name == 'fc_autoencoder' else cross_entropy(net(x), np.arange(4)%OUTPUTS[name])
    loss.backward()
    for path, p in net.named_parameters(): assert p.grad is not None and np.isfinite(p.grad).all(), path

@each_model
def test_evaluation_is_one_sample_at_a_time(name):
    "In evaluation mode nothing depends on the batch, and asking changes nothing."
    net, x = MODELS[name](rng()).eval(), inputs(name, 3)
    before = net.state_dict()
    with no_grad(): together, alone = net(x).data, np.concatenate([net(x[i:i+1]).data for i in range(3)])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)
    assert all(np.array_equal(a, before[k]) for k, a in net.state_dict().items())

@each_model
def test_state_goes_to_another_network(name, tmp_path):
    one, two, x = MODELS[name](rng(1)), MODELS[name](rng(2)), inputs(name, 4)
    one(x)                                                    # moves the averages
    two.load(one.save(tmp_path/name))
    with no_grad(): assert np.array_equal(one.eval()(x).data, two.eval()(x).data)

def test_fused_cifar_cnn_is_the_plain_one():
    from tinybench.nn.conv import Conv2d
    from tinybench.nn.dense import Flatten
    from tinybench.nn.pool import MaxPool2d
    r, fused, x = rng(5), cifar_cnn(rng(5)), inputs('cifar_cnn', 8)
    apart = Sequential(Conv2d(3, 10, 3, r), ReLU(), MaxPool2d(2), Conv2d(10, 5, 3, r), ReLU(), MaxPool2d(2), Flatten(),
                       Dense(180, 100, r), Sigmoid(), Dense(100, 10, r))
    got = []
    for net in (fused, apart):
        out = net(x)
        out.backward(np.ones_like(out.data))
        got.append([out.data, *(p.grad for p in net.parameters())])
    for a, b in zip(*got, strict=True): np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5*np.abs(b).max())

def test_simple_cnn_takes_other_images():
    for shape, classes in (((28, 28, 1), 10), ((9, 7, 3), 4)):
        assert simple_cnn(rng(), shape, classes)(np.zeros((2, *shape), np.float32)).shape == (2, classes)

def test_simple_cnn_reads_98_percent_of_the_digits():
    digits, r = load_digits(), rng()
    net, batches = simple_cnn(r), Loader(digits.x_train, digits.y_train, 32, rng=r)
    with threadpool_limits(1):                                # products this small lose more than they gain from a second thread
        fit(net, batches, 15, Adam(net.parameters(), cosine(5e-3, 15*len(batches))), progress=False)
    assert (probabilities(net, digits.x_test).argmax(1) == digits.y_test).mean() >= .98


# --- helpers

def test_probabilities_leave_no_trace():
    "Each module gets its own mode back, also after an error; nothing is recorded and no average moves."
    net = ds_cnn(rng())
    list(net)[1].training = False
    modes, before = [m.training for _, m in walk(net)], net.state_dict()
    p = probabilities(net, inputs('ds_cnn'))
    assert type(p) is np.ndarray and np.allclose(p.sum(1), 1) and (p >= 0).all()
    with pytest.raises(ValueError): probabilities(net, np.zeros((1, 3), np.float32))
    assert [m.training for _, m in walk(net)] == modes and all(np.array_equal(a, before[k]) for k, a in net.state_dict().items())
    assert not np.array_equal(p, np.asarray(net(inputs('ds_cnn')).softmax().data)), 'training mode has dropout'

def test_folded_counts_nothing_twice():
    shared = Dense(4, 4, rng())
    assert folded_parameters(Sequential(shared, ReLU(), shared)) == 20
    assert folded_parameters(Sequential(Sequential(*bn_relu(Dense(3, 4, rng()))), *separable(4, 5, rng())[:0])) == 16

@pytest.mark.parametrize('name,near', [('ResNet-8', 'resnet8'), ('mobilnet', 'mobilenet_v1_025'), ('MNIST', 'mnist_mlp'), ('ds-cnn', 'ds_cnn'),
                                       ('DSCNN', 'ds_cnn'), ('simple cnn', 'simple_cnn'), ('autoencoder', 'fc_autoencoder')])
def test_unknown_names_get_the_nearest(name, near):
    with pytest.raises(ValueError, match=f'{name}.*did you mean {near!r}') as e: create(name, rng())
    assert all(n in str(e.value) for n in MODELS)

def test_unlike_names_get_the_list():
    for name in ('transformer9000xyz', '', '??'):
        with pytest.raises(ValueError, match='There are: mnist_mlp') as e: create(name, rng())
        assert 'did you mean' not in str(e.value)

def test_create_passes_options_on():
    assert create('simple_cnn', rng(), width=4).n_parameters() == simple_cnn(rng(), width=4).n_parameters()
    with pytest.raises(TypeError, match='wdith'): create('simple_cnn', rng(), wdith=4)
    with pytest.raises(TypeError, match='default_rng'): create('mnist_mlp', 0)


# --- what the official models compute

REFERENCE = dict(kws=(ds_cnn, 1e-5), ic=(resnet8, 1e-5), vww=(mobilenet_v1_025, 1e-5), ad=(fc_autoencoder, 5e-3))
each_task = pytest.mark.parametrize('task', REFERENCE)

def load_keras(net, z):
    "Copy Keras's arrays into `net`: both list their layers in the order of the computation, and a normalisation follows its layer."
    ours = iter([m for _, m in walk(net) if any(True for _ in parts(m, Parameter))])
    def put(to, name, k): np.copyto(to, z[f'keras/{name}/{k}'].reshape(to.shape) if to.ndim == 3 else z[f'keras/{name}/{k}'])
    for name in dict.fromkeys(k.split('/')[1] for k in z.files if k.startswith('keras/')):
        layer = next(ours)
        put(layer.w.data, name, 'kernel'), put(layer.b.data, name, 'bias')
        if f'keras/{name}/gamma' not in z.files: continue
        norm = next(ours)
        assert isinstance(norm, BatchNorm) and norm.eps == 1e-3 and norm.momentum == .99
        put(norm.gamma.data, name, 'gamma'), put(norm.beta.data, name, 'beta')
        put(norm.mean, name, 'moving_mean'), put(norm.var, name, 'moving_variance')
    assert next(ours, None) is None, 'a layer of ours got no weights'
    return net.eval()

def official(task, folder):
    "The network with the official weights, its inputs, and the file they came from."
    z = np.load(folder/f'{task}.npz', allow_pickle=False)
    net = load_keras(REFERENCE[task][0](rng()), z)
    if task == 'ad':                  # the official conversion forgot the biases where it folded a normalisation
        for m, after in zip(list(net), list(net)[1:]):
            if isinstance(after, BatchNorm): m.b.data[:] = 0
    x = z['in/float'] if 'in/float' in z.files else z['in/uint8'].astype(np.float32)
    return net, x/np.float32(255) if task == 'vww' else x, z

@each_task
def test_outputs_are_the_official_ones(task, reference_dir):
    net, x, z = official(task, reference_dir)
    if task == 'ad':
        with no_grad(): got = net(x).data
    else: got = probabilities(net, x)
    error = np.abs(got - z['out/float']).max()
    assert got.shape == z['out/float'].shape and error <= REFERENCE[task][1], f'{task}: off by {error:.2g}'

@each_task
def test_every_activation_is_the_official_one(task, reference_dir):
    "After each ReLU, the first sample's numbers: within 1e-5 of the largest."
    net, x, z = official(task, reference_dir)
    layers = json.loads((reference_dir/f'{task}_layers.json').read_text())['layers']
    names, seen = [l['name'] for l in layers if l['activation'] == 'RELU'], []
    def note(m, *xs):
        out = m.forward(*xs)
        if isinstance(m, ReLU): seen.append(out.data[0])
        return out
    with around_calls(note), no_grad(): net(x[:1])
    for name, a in zip(names, seen, strict=True):
        want = z[f'act_float/0/{name}']
        assert a.shape == want.shape and np.abs(a - want).max() <= 1e-5*np.abs(want).max(initial=1), f'{task}/{name}'

@each_task
def test_layers_have_the_official_shapes_and_sizes(task, reference_dir):
    "Folded parameters and multiplications, layer by layer."
    net, x, _ = official(task, reference_dir)
    about = json.loads((reference_dir/f'{task}_layers.json').read_text())
    want, got = [(l['params'], l['macs']) for l in about['layers'] if l['params']], []
    def note(m, *xs):
        out = m.forward(*xs)
        if hasattr(m, 'w'): got.append((m.n_parameters(), m.w.size*int(np.prod(out.shape[1:-1]))))
        return out
    with around_calls(note), no_grad(): net(x[:1])
    assert sorted(got) == sorted(want)
    assert (about['params_folded'], about['params_keras']) == (folded_parameters(net), state_size(net))

def test_five_hundred_keywords(reference_dir):
    "452 of the 500 recordings are understood, as by the official model."
    net, _, _ = official('kws', reference_dir)
    z = np.load(reference_dir/'kws01_500.npz', allow_pickle=False)
    x = (z['x_int8'].astype(np.float32)[..., None] - 83)*np.float32(0.5847029)
    p = probabilities(net, x)
    assert np.abs(p - z['out_float_savedmodel']).max() <= 1e-5
    assert (p.argmax(1) == z['label']).sum() == 452

def test_every_network_has_its_shape():
    assert set(SHAPES) == set(MODELS)
    for name, shape in SHAPES.items(): assert len(create(name, np.random.default_rng(0)).eval()(np.zeros((2, *shape), np.float32))) == 2
