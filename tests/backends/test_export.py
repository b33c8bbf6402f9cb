"A network as a file for other runtimes: they give our answers, and files that are wrong are not written."
import math
import subprocess, sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.exchange.exportkit import moved, same_graph
from tests.models.filekit import official
from tinybench.backends import export as lesson
from tinybench.backends.export import (FILES, ONNX, checked, explicit_pads, export, match, named_padding, our_answers,
                                       our_network, relative_error)
from tinybench.base.graph import Graph, walk_nodes
from tinybench.core.tensor import Tensor, no_grad
from tinybench.embedded.tasks import NETWORKS, embedded_examples, embedded_network
from tinybench.exchange.graph import as_graph, code_graph, graph_of
from tinybench.exchange.missing import Missing
from tinybench.exchange.onnx import Writer, onnx_bytes
from tinybench.exchange.run import RUNTIMES
from tinybench.models.weights import read_tflite
from tinybench.models.zoo import MODELS, SHAPES, create
from tinybench.nn.channels import ConvTranspose2d, DepthwiseConv2d
from tinybench.nn.conv import Conv2d, pads_for
from tinybench.nn.dense import Dense, Flatten, GELU, ReLU, Residual, Sigmoid, Softmax, Tanh
from tinybench.nn.module import Sequential, walk
from tinybench.nn.norm import BatchNorm
from tinybench.nn.pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from tinybench.optimize.fuse import fold, fuse
from tinybench.optimize.integer import integer
from tinybench.optimize.quantize import Grid, fake, from_grid, limits

PACKAGES = {'ONNX Runtime': ('onnx', 'onnxruntime'), 'OpenVINO': ('onnx', 'openvino'), 'LiteRT': ('ai_edge_litert',)}
EACH = [(suffix, r) for suffix, them in RUNTIMES.items() for r in them]
each_runtime = pytest.mark.parametrize('suffix, runtime', EACH, ids=[r for _, r in EACH])
QUICK = 'mnist_mlp', 'cifar_cnn', 'ds_cnn', 'sww_cnn'
zoo = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in MODELS]

def needs(runtime):
    for package in PACKAGES[runtime]: pytest.importorskip(package, reason=f'needs {runtime}')

def net_of(name, seed=0):
    rng = np.random.default_rng(seed)
    return moved(create(name, rng), rng), rng


# --- every network of the zoo

@each_runtime
@pytest.mark.parametrize('name', zoo)
def test_a_network_of_the_zoo_gives_our_answers(name, suffix, runtime, tmp_path):
    needs(runtime)
    net, rng = net_of(name)
    path = tmp_path/f'net{suffix}'
    p = export(net, path, SHAPES[name], x=rng.normal(size=(8, *SHAPES[name])).astype(np.float32), runtimes=(runtime,))
    assert p.found[runtime].error <= 1e-5 and p.found[runtime].n == 8 and not p.why
    assert path.stat().st_size == p.nbytes and runtime in repr(p) and 'float32' in repr(p)
    same_graph(lesson.READERS[suffix](path), graph_of(net, SHAPES[name]))

@each_runtime
@pytest.mark.parametrize('name', zoo)
def test_its_codes_are_ours(name, suffix, runtime, tmp_path):
    "Equal, but for what a runtime is known to round otherwise, and that is counted."
    needs(runtime)
    net, rng = net_of(name)
    path, x = tmp_path/f'net{suffix}', rng.normal(size=(32, *SHAPES[name])).astype(np.float32)
    p = export(net, path, SHAPES[name], True, x, (runtime,))
    m = p.found[runtime]
    assert p.dtype == 'int8' and sum(m.steps) == 32*our_answers(as_graph(net, SHAPES[name], True, x), x)[0].size
    if name != 'resnet8' and runtime != 'OpenVINO': assert len(m.steps) == 1 and not p.rounded
    assert all(len(found.steps) <= (3 if runtime == 'OpenVINO' else 2) for _, _, found in p.rounded)
    g = lesson.READERS[suffix](path)
    same_graph(g, code_graph(net, SHAPES[name], x))
    np.testing.assert_array_equal(our_answers(g, x), our_answers(code_graph(net, SHAPES[name], x), x))

@pytest.mark.parametrize('name', ['simple_cnn', 'ds_cnn', 'fc_autoencoder'])
def test_the_codes_are_those_of_lesson_53(name):
    "The graph of a network is the network that `integer` makes, to the last bit."
    net, rng = net_of(name)
    x = rng.normal(size=(16, *SHAPES[name])).astype(np.float32)
    with no_grad(): want = integer(fold(net), x)[:-1](Tensor(x)).data
    np.testing.assert_array_equal(our_answers(code_graph(net, SHAPES[name], x), x), want)

@pytest.mark.slow
@each_runtime
@pytest.mark.parametrize('task', NETWORKS)
@pytest.mark.parametrize('int8', [False, True])
def test_trained_networks(task, int8, suffix, runtime, tmp_path):
    "Those that ship, on the examples that they are judged by."
    needs(runtime)
    examples = embedded_examples(task)
    if examples is None: pytest.skip('needs scikit-image')
    x = np.random.default_rng(11).permutation(examples.x)[:64].astype(np.float32)
    p = export(embedded_network(task), tmp_path/f'a{suffix}', x.shape[1:], int8, x, (runtime,))
    if runtime != 'OpenVINO': assert p.found[runtime].changed <= 2*int8 and p.found[runtime].n == len(x)

@each_runtime
@pytest.mark.parametrize('form', ['float', 'int8'])
@pytest.mark.parametrize('task', ['kws', 'ad', *(pytest.param(t, marks=pytest.mark.slow) for t in ('ic', 'vww'))])
def test_official_networks(task, form, suffix, runtime, reference_dir, tmp_path):
    """Written of the arrays of the official files: our answers, but for what is rounded otherwise. OpenVINO leaves
    out so many roundings of the additions of ic that the check refuses it."""
    needs(runtime)
    g, z = official(task, reference_dir, form)
    if form == 'int8': x = from_grid(z['in/int8'], Grid(*g.grid, *limits(8)))
    else: x = z['in/float'] if 'in/float' in z.files else z['in/uint8'].astype(np.float32)/np.float32(255 if task == 'vww' else 1)
    if (task, form, runtime) == ('ic', 'int8', 'OpenVINO'):
        with pytest.raises(ValueError, match='ADD .*, alone, differs'): checked(g, FILES[suffix](g), x, runtime, FILES[suffix])
        return
    whole, rounded = checked(g, FILES[suffix](g), x, runtime, FILES[suffix])
    (tmp_path/f'a{suffix}').write_bytes(FILES[suffix](g))
    same_graph(lesson.READERS[suffix](tmp_path/f'a{suffix}'), g)
    if form == 'float': assert whole.error <= (1e-4 if task == 'ad' else 1e-5)     # ad: see test_official_files
    elif runtime == 'LiteRT': assert len(whole.steps) == 1 or 'ADD' in {n.op for n, _ in rounded}


# --- any layers

def any_net(rng):
    "A network of random layers and its input's shape: strides and frames of all kinds, sizes that do not divide."
    def pad(): return ('same', 'valid', int(rng.integers(0, 2)))[rng.integers(3)]
    def pair(top): return tuple(int(n) for n in rng.integers(1, top, 2))
    c, f = int(rng.integers(1, 5)), int(rng.integers(2, 6))
    body = Sequential(Conv2d(f, f, 3, rng, padding='same'), BatchNorm(f), ReLU(), Conv2d(f, f, 1, rng))
    first = [Conv2d(c, f, pair(4), rng, stride=pair(3), padding=pad(), bias=bool(rng.integers(2))), BatchNorm(f)]
    layers = [*first, *([ReLU()] if rng.integers(2) else []),
              *([Residual(body, None if rng.integers(2) else Conv2d(f, f, 1, rng)), ReLU()] if rng.integers(2) else []),
              DepthwiseConv2d(f, pair(4), rng, stride=pair(3), padding='same'), (Sigmoid, Tanh, ReLU)[rng.integers(3)](),
              (MaxPool2d, AvgPool2d)[rng.integers(2)](pair(3), stride=pair(3), padding='same' if rng.integers(2) else 'valid')]
    shape = (int(rng.integers(9, 16)), int(rng.integers(9, 16)), c)
    size = Sequential(*layers).eval()(np.zeros((1, *shape), np.float32)).shape[1:]
    layers += [GlobalAvgPool2d(), Dense(f, 5, rng)] if rng.integers(2) else [Flatten(), Dense(int(np.prod(size)), 5, rng)]
    return moved(Sequential(*layers, *([Softmax()] if rng.integers(2) else [])), rng), shape

def framed(net): return any(isinstance(getattr(m, 'padding', None), tuple) for _, m in walk(net))

def any_file(suffix, runtime, folder, seed, int8):
    "A random network is written, run and read again; or a frame that .tflite cannot say is named."
    rng = np.random.default_rng(seed)
    net, shape = any_net(rng)
    x, path = rng.normal(size=(8, *shape)).astype(np.float32), folder/f'net{suffix}'
    try: export(net, path, shape, int8, x, (runtime,))
    except ValueError as e:
        if int8 and 'calibration saw only 0.0' in str(e): return     # all of its numbers died in a ReLU
        assert suffix == '.tflite' and framed(net) and 'a .tflite file can say no padding and that of' in str(e), str(e)
    else: same_graph(lesson.READERS[suffix](path), as_graph(net, shape, int8, x))

@each_runtime
@pytest.mark.parametrize('int8', [False, True])
@pytest.mark.parametrize('seed', range(2))
def test_any_network(suffix, runtime, tmp_path, seed, int8):
    needs(runtime)
    any_file(suffix, runtime, tmp_path, seed, int8)

@pytest.mark.slow
@each_runtime
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(st.integers(0, 10**6), st.booleans())
def test_many_networks(suffix, runtime, tmp_path, seed, int8):
    needs(runtime)
    any_file(suffix, runtime, tmp_path, seed, int8)


# --- files that are wrong

def even_frame(padding, size, kernel, stride):
    top, left, bottom, right = explicit_pads(padding, size, kernel, stride)
    return [max(top, bottom), max(left, right)]*2
def odd_in_front(*how): return [*explicit_pads(*how)[2:], *explicit_pads(*how)[:2]]
def turned(op, w): return ONNX.weights(op, w.swapaxes(0, 1) if w.ndim > 2 and w.shape[0] == w.shape[1] else w)
def crossed(op, w): return ONNX.weights(op, w.swapaxes(2, 3) if w.ndim == 4 and w.shape[2] == w.shape[3] else w)
def mirrored(op, w): return ONNX.weights(op, w[::-1, ::-1] if w.ndim > 2 else w)
def reversed_channels(op, w): return ONNX.weights(op, w[:, :, ::-1] if w.ndim == 4 else w)
WRONG = dict(even_frame=dict(pads=even_frame), odd_in_front=dict(pads=odd_in_front), turned=dict(weights=turned),
             crossed=dict(weights=crossed), mirrored=dict(weights=mirrored), channels=dict(weights=reversed_channels))

def odd_net(rng):
    "Strides of 2, as many channels in as out, and a flattened image."
    return moved(Sequential(Conv2d(4, 4, 3, rng, stride=2, padding='same'), BatchNorm(4), ReLU(), Conv2d(4, 4, 3, rng, padding='same'),
                            Flatten(), Dense(64, 5, rng)), rng), (8, 8, 4)

@pytest.mark.parametrize('name', WRONG)
@pytest.mark.parametrize('int8', [False, True])
def test_a_wrong_file_is_caught_and_its_operator_named(name, int8):
    needs('ONNX Runtime')
    rng = np.random.default_rng(3)
    net, shape = odd_net(rng)
    x = rng.normal(size=(16, *shape)).astype(np.float32)
    graph, write = as_graph(net, shape, int8, x), partial(onnx_bytes, how=replace(ONNX, **WRONG[name]))
    with pytest.raises(ValueError, match=r'ONNX Runtime gives other answers .* CONV_2D \(3x3.*, alone, differs in'):
        checked(graph, write(graph), x, 'ONNX Runtime', write)
    checked(graph, FILES['.onnx'](graph), x, 'ONNX Runtime', FILES['.onnx'])

@pytest.mark.parametrize('int8', [False, True])
def test_a_row_of_planes_is_caught(monkeypatch, int8):
    "Flattened without the turn of the axes: every operator with weights is right."
    needs('ONNX Runtime')
    rng = np.random.default_rng(3)
    net, shape = odd_net(rng)
    x = rng.normal(size=(16, *shape)).astype(np.float32)
    graph, node = as_graph(net, shape, int8, x), Writer.node
    def unturned(w, n, at, shape):
        return (w.coded(w.add('Flatten', [at]), n.grid), n.shape) if n.op == 'RESHAPE' else node(w, n, at, shape)
    monkeypatch.setattr(Writer, 'node', unturned)
    with pytest.raises(ValueError, match='RESHAPE, alone, differs in'):
        checked(graph, FILES['.onnx'](graph), x, 'ONNX Runtime', FILES['.onnx'])

@each_runtime
def test_another_epsilon_is_caught(suffix, runtime, tmp_path, monkeypatch):
    "Each operator of the file is right; the network is another. The file is not written."
    needs(runtime)
    rng = np.random.default_rng(4)
    net, shape = odd_net(rng)
    def folded_otherwise(given, *how):
        eps = [m for _, m in walk(given) if isinstance(m, BatchNorm)][0]
        eps.eps, kept = 1e-5, eps.eps
        try: return as_graph(given, *how)
        finally: eps.eps = kept
    monkeypatch.setattr(lesson, 'as_graph', folded_otherwise)
    with pytest.raises(ValueError, match='each operator alone is right, so the graph is not the network'):
        export(net, tmp_path/f'net{suffix}', shape, runtimes=(runtime,))
    assert not [*tmp_path.iterdir()]

def test_arms_that_change_places_are_caught(monkeypatch):
    "A wrong order of operators: the second addition of two begins where the first does."
    needs('ONNX Runtime')
    rng = np.random.default_rng(5)
    def block(): return Residual(Conv2d(3, 3, 3, rng, padding='same'))
    net, shape = Sequential(block(), ReLU(), Conv2d(3, 3, 1, rng), Flatten(), Dense(75, 4, rng)).eval(), (5, 5, 3)
    graph, x = graph_of(net, shape), rng.normal(size=(8, *shape)).astype(np.float32)
    other = Graph((graph.nodes[1], graph.nodes[0], *graph.nodes[2:]), shape)
    with pytest.raises(ValueError, match='is not the network'):
        checked(graph, FILES['.onnx'](other), x, 'ONNX Runtime', FILES['.onnx'])

def test_a_file_of_another_size_is_said():
    with pytest.raises(ValueError, match=r'the file gives \(2, 3\), and our library \(2, 4\)'):
        match(np.zeros((2, 4), np.float32), np.zeros((2, 3), np.float32))


# --- what cannot be said, and what is missing

@pytest.mark.parametrize('suffix', FILES)
@pytest.mark.parametrize('layer', [GELU(), ConvTranspose2d(3, 3, 2, np.random.default_rng(0))])
def test_a_layer_without_an_operator_is_named(layer, suffix, tmp_path):
    if suffix == '.onnx': needs('ONNX Runtime')
    net = Sequential(layer, Flatten(), Dense(27, 2, np.random.default_rng(0)))
    with pytest.raises(ValueError, match=f'{type(layer).__name__}.* has no operator here'): export(net, tmp_path/f'a{suffix}', (3, 3, 3))
    assert not [*tmp_path.iterdir()]

def test_a_frame_that_tflite_has_no_word_for_is_named(tmp_path):
    net = Sequential(Conv2d(1, 2, 3, np.random.default_rng(0), stride=2, padding=1)).eval()
    with pytest.raises(ValueError, match=r"CONV_2D \(3x3, stride 2x2, padding \(1, 1\)\) has frames of .* a .tflite file can say"):
        export(net, tmp_path/'a.tflite', (8, 8, 1))
    assert not [*tmp_path.iterdir()]

def test_words_for_what_was_given(tmp_path):
    net, rng = net_of('mnist_mlp')
    with pytest.raises(ValueError, match="no kind of file is called '.tflit'.*tflite|.tflite"): export(net, tmp_path/'a.tflit', (28, 28, 1))
    with pytest.raises(ValueError, match='of what shape is one input'): export(net, tmp_path/'a.tflite')
    with pytest.raises(ValueError, match='multipliers, and no scales'):
        export(integer(net, rng.normal(size=(8, 28, 28, 1)).astype(np.float32)), tmp_path/'a.tflite', (28, 28, 1))

def test_a_graph_of_fractions_becomes_codes():
    net, rng = net_of('simple_cnn')
    x = rng.normal(size=(8, 8, 8, 1)).astype(np.float32)
    same_graph(as_graph(graph_of(net, (8, 8, 1)), None, True, x), code_graph(net, (8, 8, 1), x))

def test_without_its_runtime_a_file_is_not_written_unless_one_says_so(tmp_path, monkeypatch):
    net, _ = net_of('mnist_mlp')
    def gone(*args, **how): raise Missing('LiteRT is not installed: pip install ai-edge-litert')
    monkeypatch.setattr(lesson, 'answers', gone)
    with pytest.raises(Missing, match='pip install ai-edge-litert; without it nobody knows'):
        export(net, tmp_path/'a.tflite', (28, 28, 1))
    assert not [*tmp_path.iterdir()]
    p = export(net, tmp_path/'a.tflite', (28, 28, 1), unchecked=True)
    assert not p.found and 'Nothing has checked it: LiteRT is not installed' in repr(p) and p.to_dict()['why']
    same_graph(read_tflite(tmp_path/'a.tflite'), graph_of(net, (28, 28, 1)))

def test_importing_the_lesson_loads_no_runtime():
    code = 'import sys, tinybench.backends.export; print([k for k in ("onnx", "onnxruntime", "openvino", "ai_edge_litert") if k in sys.modules])'
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True, timeout=120).stdout.strip() == '[]'


# --- forms of a network

def test_what_is_fused_or_trained_with_rounding_is_exported_too(tmp_path):
    needs('LiteRT')
    rng = np.random.default_rng(6)
    net, shape = moved(create('simple_cnn', rng), rng), SHAPES['simple_cnn']
    x = rng.normal(size=(16, *shape)).astype(np.float32)
    assert export(fuse(fold(net)), tmp_path/'a.tflite', shape, x=x).found['LiteRT'].error <= 1e-5
    p = export(fake(fold(net), x), tmp_path/'b.tflite', shape, x=x)
    assert p.dtype == 'int8' and len(p.found['LiteRT'].steps) == 1
    assert (tmp_path/'b.tflite').read_bytes() == FILES['.tflite'](code_graph(net, shape, x))

@each_runtime
def test_a_dense_layer_at_each_pixel_is_a_convolution(suffix, runtime, tmp_path):
    needs(runtime)
    rng = np.random.default_rng(7)
    net = Sequential(Dense(3, 4, rng), ReLU(), Dense(4, 2, rng)).eval()
    for int8 in (False, True):
        export(net, tmp_path/f'a{suffix}', (5, 4, 3), int8, rng.normal(size=(8, 5, 4, 3)).astype(np.float32), (runtime,))
        assert [n.op for n in lesson.READERS[suffix](tmp_path/f'a{suffix}').nodes] == ['CONV_2D', 'CONV_2D']

@pytest.mark.parametrize('runtime', ['ONNX Runtime', 'OpenVINO'])
@pytest.mark.parametrize('int8', [False, True])
def test_an_onnx_file_takes_any_batch(runtime, int8):
    needs(runtime)
    rng = np.random.default_rng(8)
    net, shape = moved(create('ds_cnn', rng), rng), SHAPES['ds_cnn']
    x = rng.normal(size=(7, *shape)).astype(np.float32)
    run = RUNTIMES['.onnx'][runtime](FILES['.onnx'](as_graph(net, shape, int8, x)))
    whole = np.array(run(x))
    np.testing.assert_allclose(np.concatenate([np.array(run(x[i:i + 1])) for i in range(7)]), whole, rtol=1e-5, atol=1e-4)

def test_convolutions_of_codes_are_run_as_such(tmp_path):
    "ONNX Runtime has a kernel of int8 for each product, also where two operators read the same codes."
    needs('ONNX Runtime')
    import onnx, onnxruntime
    rng = np.random.default_rng(9)
    net, shape = moved(create('resnet8', rng, width=8), rng), SHAPES['resnet8']
    how = onnxruntime.SessionOptions()
    how.optimized_model_filepath, how.log_severity_level = str(tmp_path/'o.onnx'), 3
    graph = code_graph(net, shape, rng.normal(size=(4, *shape)).astype(np.float32))
    onnxruntime.InferenceSession(FILES['.onnx'](graph), how, providers=['CPUExecutionProvider'])
    ops = [n.op_type for n in onnx.load(tmp_path/'o.onnx').graph.node]
    assert ops.count('QLinearConv') == 9 and ops.count('QLinearAdd') == 3 and 'Conv' not in ops and 'Add' not in ops


# --- parts of the check

@given(st.tuples(st.integers(1, 40), st.integers(1, 40)), st.tuples(st.integers(1, 9), st.integers(1, 9)),
       st.tuples(st.integers(1, 5), st.integers(1, 5)), st.sampled_from(['same', 'valid', (1, 1), (2, 0), (0, 3)]))
def test_a_frame_there_and_back(size, kernel, stride, padding):
    "The name may be another one, if it makes the same frame."
    pads = explicit_pads(padding, size, kernel, stride)
    (top, bottom), (left, right) = pads_for(padding, size, kernel, stride)
    assert pads == [top, left, bottom, right]
    assert explicit_pads(named_padding(pads, size, kernel, stride), size, kernel, stride) == pads

@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), st.floats(1e-3, 1e3))
def test_the_scale_of_all_numbers_does_not_matter(xs, by):
    want = np.array(xs)
    got = want + np.arange(len(xs))
    a, b = relative_error(want, got), relative_error(by*want, by*got)
    assert a == b or math.isclose(a, b, rel_tol=1e-6)

def test_what_is_no_answer_is_infinitely_far_off():
    "Warnings are errors here: nothing is divided by zero."
    ones, zeros, nan = np.ones((2, 3)), np.zeros((2, 3)), np.array([[1, np.nan, 2], [0, 1, np.inf]])
    for pair in ((zeros, ones), (ones, nan), (nan, ones), (nan, nan), (ones, np.ones((3, 2))), (ones, np.ones(6)), (ones, np.ones((1, 3)))):
        assert relative_error(*pair) == np.inf
    assert relative_error(zeros, zeros) == relative_error(ones[:0], ones[:0]) == 0 and relative_error(ones, zeros) == 1

def test_each_operator_is_met_once():
    "Those in arms, too; and each is given what it gets in the network."
    rng = np.random.default_rng(10)
    net, shape = moved(create('resnet8', rng, width=4), rng), SHAPES['resnet8']
    graph, x = graph_of(net, shape), rng.normal(size=(2, *shape)).astype(np.float32)
    found = [(g, given) for g, given in lesson.pieces(graph, x)]
    assert [g.nodes[0] for g, _ in found] == [n for _, n in walk_nodes(graph.nodes)]
    last, given_last = found[-1]
    np.testing.assert_allclose(our_answers(last, given_last), our_answers(graph, x), rtol=1e-4, atol=1e-4)
    assert our_network(graph)(Tensor(x)).shape == (2, 10)
