"Model files: what is written is read, official networks give the stored outputs, and damaged or hostile files end in words."
import copy
import json
import pickle
import struct
from dataclasses import replace

import numpy as np
import pytest
from filekit import computed, keras_layer, official, official_keras, random_graph, small_model, weighted
from hypothesis import given, settings, strategies as st

from tinybench.base.graph import Graph, Node, walk_nodes
from tinybench.data.source import load_digits
from tinybench.embedded import digits as script
from tinybench.exchange.tflite import OPS, Writer, flatbuffer, tflite
from tinybench.models.weights import (NAMES, NOTHING, Table, existing, keras_graph, layers_of, model_of, network, read_h5, read_tflite,
                                      op_name, tensors_of, tflite_graph)
from tinybench.models.zoo import SHAPES, create, ds_cnn, fc_autoencoder, mobilenet_v1_025, probabilities, resnet8
from tinybench.native.plan import off_by, plan
from tinybench.nn.dense import Dense, ReLU, Softmax
from tinybench.nn.module import evaluating, live_state, walk
from tinybench.nn.norm import BatchNorm
from tinybench.optimize.fuse import fold
from tinybench.optimize.integer import integer, integer_network
from tinybench.optimize.quantize import fake
from tinybench.optimize.step import strip
from tinybench.profile.cost import cost

def rng(seed=0): return np.random.default_rng(seed)
def answers(net, x):
    with evaluating(net): return net(x).data

def same_node(a, b):
    "AssertionError unless two nodes are equal in all that a file has."
    assert (a.op, {k: v for k, v in a.ways.items() if v is not False}, a.grid, a.shape) == (
        b.op, {k: v for k, v in b.ways.items() if v is not False}, b.grid, b.shape)
    for k in ('w', 'b', 'scale', 'b_scale'):
        x, y = getattr(a, k), getattr(b, k)
        assert (x is None) == (y is None) and (x is None or x.dtype == y.dtype and np.array_equal(x, y)), (a.op, k)

def same_graph(a, b):
    assert (a.shape, a.grid) == (b.shape, b.grid)
    pairs = list(zip(walk_nodes(a.nodes), walk_nodes(b.nodes), strict=True))
    for (d, n), (e, m) in pairs:
        assert d == e
        same_node(n, m)


# --- what is written is read

@given(st.integers(0, 10**6), st.booleans(), st.booleans())
def test_any_graph_there_and_back(seed, whole, image):
    g = random_graph(rng(seed), whole, image)
    same_graph(tflite_graph(tflite(g)), g)

@given(st.integers(0, 10**6), st.booleans())
def test_layers_compute_what_the_loops_compute(seed, image):
    g = random_graph(rng(seed), image=image)
    x = rng(seed + 1).normal(size=(2, *g.shape)).astype(np.float32)
    net = network(tflite_graph(tflite(g)))
    got = probabilities(net, x) if g.nodes[-1].op == 'SOFTMAX' else answers(net, x)
    want = np.stack([computed(g.nodes, v.astype(float)) for v in x])
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5*np.abs(want).max())

@given(st.integers(0, 10**6))
def test_integers_are_near_the_fractions_that_they_stand_for(seed):
    "Where nothing is clipped: one dense layer of int8, on a grid that holds all of its outputs."
    r = rng(seed)
    n = replace(weighted(r, 'FULLY_CONNECTED', (7,), (np.float32(.02), 3), 4), grid=(np.float32(.2), 0), ways={})
    g = tflite_graph(tflite(Graph((n,), (7,), (np.float32(.02), 3))))
    x = (r.integers(-128, 128, (9, 7)) - 3).astype(np.float32)*np.float32(.02)
    assert np.abs(answers(integer_network(g), x) - answers(network(g), x).clip(-25.6, 25.4)).max() <= .1001

def test_softmax_at_the_end_is_left_out_and_dropout_everywhere():
    g = Graph((Node('DROPOUT'), weighted(rng(), 'FULLY_CONNECTED', (3,), None, 2), Node('SOFTMAX')), (3,))
    assert [type(m) for m in network(g)] in ([Dense], [Dense, ReLU])
    assert isinstance(layers_of(g.nodes)[-1], Softmax)

def test_a_field_that_is_left_out_has_its_usual_value():
    raw = flatbuffer({1: np.int32(5)})
    t = Table(raw, int.from_bytes(raw[:4], 'little'))
    assert (t.number(1), t.number(0), t.number(7, default=9)) == (5, 0, 9)
    assert t.text(3) == '' and t.tables(4) == [] and t.table(2) is NOTHING and len(t.vector(5, '<f4')) == 0

def test_graphs_show_themselves():
    text = repr(read_tflite(script.PATH))
    assert all(w in text for w in ('· CONV_2D', 'ADD', '3x3, same, relu', 'total', 'stride 2x2'))


# --- LiteRT, where it is installed

@pytest.fixture(scope='module')
def litert():
    return pytest.importorskip('ai_edge_litert.interpreter', reason='needs ai-edge-litert')

def by_litert(litert, raw, xs):
    it = litert.Interpreter(model_content=raw)
    it.allocate_tensors()
    (a,), (b,) = it.get_input_details(), it.get_output_details()
    found = []
    for x in xs:
        it.set_tensor(a['index'], x[None])
        it.invoke()
        found.append(it.get_tensor(b['index'])[0])
    return np.stack(found)

@pytest.mark.parametrize('seed', range(12))
def test_litert_reads_what_we_write_and_computes_what_we_compute(litert, seed):
    g = random_graph(rng(seed))
    x = rng(seed + 100).normal(size=(3, *g.shape)).astype(np.float32)
    net = network(g)
    got = probabilities(net, x) if g.nodes[-1].op == 'SOFTMAX' else answers(net, x)
    want = by_litert(litert, tflite(g), x)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5*np.abs(want).max())

@pytest.mark.parametrize('seed', range(12))
def test_litert_has_the_same_codes(litert, seed):
    g = random_graph(rng(seed), whole=True)
    x = rng(seed + 100).integers(-128, 128, (5, *g.shape)).astype(np.int8)
    got, want = answers(integer_network(g)[1:-1], x), by_litert(litert, tflite(g), x)
    assert np.array_equal(got, want), np.abs(got.astype(int) - want).max()


# --- the official networks, written and read again

# of the largest number; ad is 7.8e-5 away from the same sums in float64 in LiteRT's order, and equal to the bit in that (below)
FLOAT = dict(kws=1e-5, ic=1e-5, vww=1e-5, ad=1e-4)

@pytest.mark.parametrize('task', FLOAT)
def test_official_networks_in_fractions(task, reference_dir):
    "From a .tflite file with the stored arrays to the stored outputs; where these are less exact than 1e-5, so are we, not more."
    g, z = official(task, reference_dir, 'float')
    net = network(tflite_graph(tflite(g)))
    x = z['in/float'] if 'in/float' in z.files else z['in/uint8'].astype(np.float32)
    if task == 'vww': x = x/np.float32(255)
    got, stored, size = answers(net, x) if task == 'ad' else probabilities(net, x), z['out/float'], max(1, np.abs(z['out/float']).max())
    assert (error := np.abs(got - stored).max()/size) <= FLOAT[task], f'{task}: off by {error:.2g}'
    if task != 'ad': return
    exact = answers(net.astype(np.float64), x.astype(np.float64))
    ours, theirs = (np.abs(a - exact).max()/size for a in (got, stored))
    assert ours < theirs and theirs > 5e-5, (ours, theirs)

@pytest.mark.parametrize('task', FLOAT)
def test_official_networks_as_native_plans(task, reference_dir):
    "In C, if there is a compiler, and else in numpy: 16 inputs one by one, as the network gives them."
    g, z = official(task, reference_dir, 'float')
    net = network(tflite_graph(tflite(g)))
    x = (z['in/float'] if 'in/float' in z.files else z['in/uint8'].astype(np.float32)/np.float32(255))[:16]
    p = plan(net, g.shape)
    assert off_by(answers(net, x), np.concatenate([p(row[None]).copy() for row in x])) < 1e-5

def one_after_the_other(net, x):
    "What a network of Dense and ReLU gives if each product is added by itself, rounded once (a fused multiply-add), as XNNPACK does."
    for layer in net:
        if isinstance(layer, ReLU): x = np.maximum(x, 0)
        else:
            w, y = layer.w.data.astype(np.float64), np.tile(layer.b.data, (len(x), 1))
            for k, row in enumerate(w): y = (x[:, k, None]*row + y).astype(np.float32)
            x = y
    return x

def test_the_official_autoencoder_to_the_bit(reference_dir):
    "All that parts us from the stored outputs is the order of the sums: in LiteRT's order they are equal."
    g, z = official('ad', reference_dir, 'float')
    assert np.array_equal(one_after_the_other(network(tflite_graph(tflite(g))), z['in/float']), z['out/float'])

@pytest.mark.parametrize('task', FLOAT)
def test_official_networks_in_codes(task, reference_dir):
    g, z = official(task, reference_dir, 'int8')
    net = integer_network(tflite_graph(tflite(g)))
    assert np.array_equal(answers(net[1:-1], z['in/int8']), z['out/int8'])

def test_five_hundred_keywords_from_a_file(reference_dir, tmp_path):
    "453 of 500 by the int8 file; 452 by the float file."
    z = np.load(reference_dir/'kws01_500.npz', allow_pickle=False)
    codes, path = z['x_int8'][..., None], tmp_path/'kws.tflite'
    path.write_bytes(tflite(official('kws', reference_dir, 'int8')[0]))
    out = answers(integer_network(read_tflite(path))[1:-1], codes)
    assert np.array_equal(out, z['out_int8']) and (out.argmax(1) == z['label']).sum() == 453
    path.write_bytes(tflite(official('kws', reference_dir, 'float')[0]))
    p = probabilities(network(read_tflite(path)), (codes.astype(np.float32) - 83)*np.float32(.5847029))
    assert np.abs(p - z['out_float_savedmodel']).max() <= 1e-5 and (p.argmax(1) == z['label']).sum() == 452

@pytest.mark.parametrize('task,weights,macs', [('kws', 22_604, 2_656_768), ('ic', 77_706, 12_501_632), ('vww', 210_850, 7_489_664),
                                               ('ad', 265_864, 264_192)])
def test_official_sizes(task, weights, macs, reference_dir):
    for form, make in (('float', network), ('int8', integer_network)):
        g, z = official(task, reference_dir, form)
        assert g.n_weights() == weights
        assert cost(make(g), (1, *g.shape)).macs == macs


# --- the file that is shipped

def test_the_shipped_file_reads_the_digits():
    digits, g = load_digits(), read_tflite(script.PATH)
    assert script.PATH.stat().st_size < 13_000 and g.n_weights() == 5050
    for net in (network(g), integer_network(g)):
        assert (answers(net, digits.x_test).argmax(1) == digits.y_test).mean() >= .96

def test_the_script_writes_what_the_steps_compute():
    "Its graph gives the same codes as `integer`, by which the network is lowered without a file."
    net, x = script.small_resnet(rng()), rng(1).random((40, 8, 8, 1), np.float32)
    for _ in range(20): net(x)
    pretend = fake(fold(strip(net)), x)
    g = tflite_graph(tflite(script.graph_of(pretend, (8, 8, 1))))
    one, two = integer(pretend), integer_network(g)
    assert np.array_equal(answers(one[:-1], x), answers(two[:-2], x))
    np.testing.assert_allclose(answers(two, x).sum(1), 1, atol=.03)

def test_the_script_knows_other_layers():
    for name in ('simple_cnn', 'ds_cnn'):
        net, x = create(name, rng()), rng(1).normal(size=(8, *SHAPES[name])).astype(np.float32)
        for _ in range(3): net(x)
        pretend = fake(fold(strip(net)), x)
        two = integer_network(tflite_graph(tflite(script.graph_of(pretend, SHAPES[name]))))
        assert np.array_equal(answers(integer(pretend)[:-1], x), answers(two[:-2], x)), name


# --- Keras

def write_h5(h5py, path, model, arrays, names=str.encode):
    "A file as Keras 2 writes it; older ones have names of bytes, newer ones of text."
    with h5py.File(path, 'w') as f:
        f.attrs['model_config'] = json.dumps(model)
        group = f.create_group('model_weights')
        group.attrs['layer_names'] = [names(l['config']['name']) for l in model['config']['layers']]
        for l in model['config']['layers']:
            name = l['config']['name']
            part, have = group.create_group(name), arrays.get(name, {})
            part.attrs['weight_names'] = [names(f'{name}/{k}:0') for k in have]
            for k, v in have.items(): part.create_dataset(f'{name}/{k}:0', data=v)

ZOO = dict(kws=ds_cnn, ic=resnet8, vww=mobilenet_v1_025, ad=fc_autoencoder)

@pytest.mark.parametrize('task', ZOO)
def test_official_networks_of_keras(task, reference_dir):
    "With BatchNorm as layers, to the stored outputs; the official conversion of ad left the biases before it out, so this does, too."
    model, arrays, z = official_keras(task, reference_dir)
    net = network(keras_graph(model, arrays))
    assert net.n_parameters() == ZOO[task](rng()).n_parameters()
    assert any(isinstance(m, BatchNorm) for _, m in walk(net))
    x = z['in/float'] if 'in/float' in z.files else z['in/uint8'].astype(np.float32)
    if task == 'vww': x = x/np.float32(255)
    if task == 'ad':
        for m, after in zip(list(net), list(net)[1:]):
            if isinstance(after, BatchNorm): m.b.data[:] = 0
    got = answers(net, x) if task == 'ad' else probabilities(net, x)
    assert np.abs(got - z['out/float']).max() <= FLOAT[task]*max(1, np.abs(z['out/float']).max())

def test_a_sequential_of_keras():
    model, arrays = small_model()
    g = keras_graph(model, arrays)
    net = network(g)
    assert g.shape == (6, 6, 2) and [type(m).__name__ for m in net] == ['Conv2d', 'ReLU', 'BatchNorm', 'MaxPool2d', 'Flatten', 'Dense']
    assert net[0].stride == (1, 2) and (net[2].momentum, net[2].eps) == (.9, .01)
    assert np.array_equal(net[2].gamma.data, np.ones(4)) and np.array_equal(net[2].var, arrays['n']['moving_variance'])
    assert np.array_equal(net[0].b.data, np.zeros(4)) and answers(net, np.zeros((2, 6, 6, 2), np.float32)).shape == (2, 3)

@pytest.fixture(scope='module')
def h5py(): return pytest.importorskip('h5py', reason='needs h5py')

@pytest.mark.parametrize('names', [str.encode, str])
def test_a_file_of_keras(h5py, tmp_path, names):
    model, arrays = small_model()
    write_h5(h5py, tmp_path/'a.h5', model, arrays, names)
    x = rng().normal(size=(3, 6, 6, 2)).astype(np.float32)
    one, two = network(read_h5(tmp_path/'a.h5')), network(keras_graph(model, arrays))
    assert np.array_equal(answers(one, x), answers(two, x))

def test_five_hundred_keywords_from_keras(h5py, tmp_path, reference_dir):
    model, arrays, _ = official_keras('kws', reference_dir)
    write_h5(h5py, tmp_path/'kws.h5', model, arrays)
    z = np.load(reference_dir/'kws01_500.npz', allow_pickle=False)
    p = probabilities(network(read_h5(tmp_path/'kws.h5')), (z['x_int8'][..., None].astype(np.float32) - 83)*np.float32(.5847029))
    assert np.abs(p - z['out_float_savedmodel']).max() <= 1e-5 and (p.argmax(1) == z['label']).sum() == 452

def test_what_is_no_file_of_keras(h5py, tmp_path):
    bad = tmp_path/'bad.h5'
    with pytest.raises(FileNotFoundError, match='no .h5 file at'): read_h5(bad)
    bad.write_bytes(b'no h5 at all')
    with pytest.raises(ValueError, match='bad.h5 is not a network as Keras 2 saves it'): read_h5(bad)
    model, arrays = small_model()
    write_h5(h5py, bad, model, arrays)
    whole = bad.read_bytes()
    for n in (0, 8, 100, len(whole)//2, len(whole) - 1):
        bad.write_bytes(whole[:n])
        with pytest.raises(ValueError, match='Keras 2'): read_h5(bad)
    with h5py.File(bad, 'w') as f: f.attrs['model_config'] = '[1, 2'
    with pytest.raises(ValueError, match='Keras 2'): read_h5(bad)
    write_h5(h5py, bad, model, arrays)
    with h5py.File(bad, 'a') as f:    # claims 4 TB, and stores nothing
        del f['model_weights/e/e/kernel:0']
        f['model_weights/e'].create_dataset('e/kernel:0', shape=(10**6, 10**6), dtype='f4', chunks=(1000, 1000))
    with pytest.raises(ValueError, match='larger than the file'): read_h5(bad)

def test_without_h5py(monkeypatch, tmp_path):
    import sys
    monkeypatch.setitem(sys.modules, 'h5py', None)
    (tmp_path/'a.h5').write_bytes(b'')
    with pytest.raises(ImportError, match=r'pip install "tinybench-ml\[h5\]"'): read_h5(tmp_path/'a.h5')

@pytest.mark.parametrize('change,says', [
    (lambda l, a: l.insert(1, keras_layer('LSTM', 'x')), 'LSTM'), (lambda l, a: l[5]['config'].update(activation='gelu'), 'gelu'),
    (lambda l, a: l[0]['config'].update(dilation_rate=[2, 2]), 'dilation_rate'), (lambda l, a: l[0]['config'].update(groups=2), 'groups 2'),
    (lambda l, a: l[0]['config'].update(activation='softmax'), 'c has a softmax inside of it'),
    (lambda l, a: l[0].update(inbound_nodes=[[['z', 0, 0, {}]]]), "reads .'z'"),
    (lambda l, a: l[1]['config'].update(name='c'), 'c reads .*twice'),
    (lambda l, a: l.insert(3, keras_layer('Add', 'x', ['n', 'n', 'n'])), 'x reads 3 layers'),
    (lambda l, a: a['c'].update(kernel=np.zeros((3, 3, 2))), r'CONV_2D cannot have weights of shape \(3, 3, 2\)'),
    (lambda l, a: a['e'].update(bias=np.zeros(2)), 'biases of shape'),
    (lambda l, a: a['n'].update(beta=np.zeros(2)), 'unequal arrays'),
    (lambda l, a: l.insert(3, keras_layer('InputLayer', 'i')), 'more than one input'),
    (lambda l, a: l.insert(2, keras_layer('ReLU', 'r', max_value=6.)), 'max_value 6.0'),
    (lambda l, a: l.insert(5, keras_layer('Flatten', 'x', ['p'])), 'do not lead')])
def test_what_the_reader_of_keras_does_not_know(change, says):
    model, arrays = small_model()
    change(model['config']['layers'], arrays)
    with pytest.raises(ValueError, match=says): keras_graph(model, arrays)


# --- bad files

def test_no_file_and_no_tflite(tmp_path):
    path = tmp_path/'x.tflite'
    with pytest.raises(FileNotFoundError, match='no .tflite file at'): read_tflite(path)
    with pytest.raises(FileNotFoundError, match='no .tflite file at'): read_tflite(tmp_path)
    for raw in (b'', b'TFL3', b'\x89HDF\r\n\x1a\n', b'PK\x03\x04', b'\x1c\0\0\0TFL2' + bytes(100)):
        path.write_bytes(raw)
        with pytest.raises(ValueError, match='x.tflite: it is no .tflite file: bytes 4 to 7 are not TFL3'): read_tflite(path)

def test_too_large(tmp_path):
    path = tmp_path/'huge.tflite'
    with open(path, 'wb') as f: f.truncate(2**31)    # a hole: it takes no place
    with pytest.raises(ValueError, match='2 GiB'): existing(path, '.tflite')

def test_cut_off_anywhere():
    raw = script.PATH.read_bytes()
    for n in (*range(8, 300, 7), *range(300, len(raw) - 16, 97)):
        with pytest.raises(ValueError): tflite_graph(raw[:n])

def simple(**changes):
    n = weighted(rng(), 'CONV_2D', (4, 4, 2), None, 3)
    return Graph((replace(n, **changes), Node('RESHAPE', shape=(n.shape[0]*n.shape[1]*3,))), (4, 4, 2))

def changed(monkeypatch, op, number): monkeypatch.setitem(OPS, op, (number, *OPS[op][1:]))

@pytest.mark.parametrize('number', [2, 21, 32, 39, 114, 120])
def test_unknown_operators_are_named(monkeypatch, number):
    changed(monkeypatch, 'RESHAPE', number)
    with pytest.raises(ValueError, match=f'it has {NAMES.get(number, f"operator {number}")}, and this reader knows only ADD'):
        tflite_graph(tflite(simple()))

def test_codes_above_127():
    raw = flatbuffer({0: np.int8(127), 3: np.int32(150)})
    with pytest.raises(ValueError, match='operator 150'): op_name(Table(raw, int.from_bytes(raw[:4], 'little')))

def test_hybrid_files():
    g = simple()
    codes = g.nodes[0].w.astype(np.int8)
    bad = Graph((replace(g.nodes[0], w=codes, scale=np.ones(3, np.float32)), *g.nodes[1:]), g.shape)
    with pytest.raises(ValueError, match=r'int8 weights for float32 numbers: a hybrid file \(dynamic range\)'): tflite_graph(tflite(bad))

def test_more_than_one_graph():
    g = simple()
    for n in (0, 2):
        graphs = [{0: [], 3: []}]*n
        with pytest.raises(ValueError, match=f'it has {n} graphs'): tflite_graph(flatbuffer({0: np.uint32(3), 2: graphs, 4: [{}]}))
    assert tflite_graph(tflite(g)).n_weights()

BAD_NODES = [
    (dict(ways=dict(stride=(0, 1), padding='same')), 'windows of'), (dict(ways=dict(stride=(1, 5000), padding='same')), 'windows of'),
    (dict(b=np.zeros(2, np.float32)), 'do not fit'), (dict(b=np.zeros(3, np.int32)), 'neither float32 nor int8'),
    (dict(w=np.zeros((2, 2, 3, 3), np.float32)), 'do not fit'), (dict(w=np.zeros((2, 2, 2, 3), np.int64)), 'int64'),
    (dict(grid=(np.float32(.1), 0)), 'changes their type')]

@pytest.mark.parametrize('change,says', BAD_NODES)
def test_operators_that_do_not_fit(change, says):
    with pytest.raises(ValueError, match=says): tflite_graph(tflite(simple(**change)))

BAD_CODES = [
    (dict(grid=(np.float32(np.nan), 0)), 'scale nan'), (dict(grid=(np.float32(0), 0)), 'scale 0'), (dict(grid=(np.float32(1), 200)), 'zero 200'),
    (dict(grid=([1, 2], 0)), '2 scales'), (dict(scale=np.ones(2, np.float32)), '2 scales'), (dict(scale=-np.ones(3, np.float32)), 'scales'),
    (dict(b=np.zeros(3, np.float32)), 'neither float32 nor int8'), (dict(scale=None), '0 scales')]

@pytest.mark.parametrize('change,says', BAD_CODES)
def test_codes_that_mean_nothing(change, says):
    n = weighted(rng(), 'FULLY_CONNECTED', (5,), (np.float32(1), 0), 3)
    good = replace(n, scale=np.ones(3, np.float32), b_scale=np.ones(3, np.float32))
    assert tflite_graph(tflite(Graph((good,), (5,), (np.float32(1), 0)))).n_weights() == 18
    with pytest.raises(ValueError, match=says): tflite_graph(tflite(Graph((replace(good, **change),), (5,), (np.float32(1), 0))))

def operators(*steps, end):
    "A file of ADD operators: (inputs, output) each, of tensors 0, 1, … of shape (1, 2); 0 is the input."
    w = Writer()
    for i in range(8): w.activation(f't{i}', (2,), None)
    w.codes.append((0, 1))
    w.operators += [{0: np.uint32(0), 1: np.array(i, np.int32), 2: np.array([o], np.int32), 3: np.uint8(11), 4: {}} for i, o in steps]
    graph = {0: w.tensors, 1: np.array([0], np.int32), 2: np.array([end], np.int32), 3: w.operators}
    return flatbuffer({0: np.uint32(3), 1: [{3: np.int32(0)}], 2: [graph], 4: w.buffers})

@pytest.mark.parametrize('steps,end,says', [
    ([((0, 1), 2)], 2, 'not computed yet'), ([((0, 2), 1), ((1, 1), 2)], 2, 'not computed yet'), ([((0, 0), 0)], 0, 'computes it again'),
    ([((0, 0), 1), ((0, 0), 1)], 1, 'computes it again'), ([((0, 0), 1), ((1, 0), 2)], 2, 'begin apart'),
    ([((0, 0), 1), ((0, 0), 2)], 1, '1 of its 2 operators do not lead'), ([((0, 0), 1)], 5, 'does not come from the input'),
    ([((0, 99), 1)], 1, 'tensor 99 of 8'), ([((0,), 1)], 1, 'ADD reads 1 computed'), ([], 0, '0 operators'), ([((0, 0), 1)], 99, '99')])
def test_operators_in_disorder(steps, end, says):
    with pytest.raises(ValueError, match=says): tflite_graph(operators(*steps, end=end))

def test_the_same_tensor_twice_is_doubled():
    net = network(tflite_graph(operators(((0, 0), 1), ((1, 1), 2), end=2)))
    assert np.array_equal(answers(net, np.float32([[1, 3]])), [[4, 12]])

def test_a_network_of_fractions_has_no_grids():
    with pytest.raises(ValueError, match='computes in fractions.*models.weights.network'): integer_network(simple())

def test_other_grids_than_the_official_ones():
    n = weighted(rng(), 'FULLY_CONNECTED', (5,), (np.float32(1), 0), 3)
    for last in (Node('SOFTMAX', grid=(np.float32(.1), 0), shape=(3,)), Node('RESHAPE', grid=(np.float32(.1), 0), shape=(3,))):
        with pytest.raises(ValueError, match=f'{last.op} gives codes on another grid'):
            integer_network(Graph((n, last), (5,), (np.float32(1), 0)))


def test_an_infinite_multiplier():
    n = replace(weighted(rng(), 'FULLY_CONNECTED', (5,), (np.float32(1), 0), 3), grid=(np.float32(1e-45), 0))
    with pytest.raises(ValueError, match='FULLY_CONNECTED has an infinite multiplier'):
        integer_network(tflite_graph(tflite(Graph((n,), (5,), (np.float32(1), 0)))))

def test_a_network_from_a_file_is_like_any_other(tmp_path):
    "Its arrays belong to it: it is copied, saved and loaded, and the bytes of the file stay as they are."
    raw, x = FILES[0], load_digits().x_test[:9]
    for make in (network, integer_network):
        net, other = make(tflite_graph(raw)), make(tflite_graph(raw))
        want = answers(net, x)
        for a in live_state(other).values(): a[...] = 0
        assert np.array_equal(answers(net, x), want) and np.array_equal(answers(make(tflite_graph(raw)), x), want)
        other.load(net.save(tmp_path/make.__name__))
        assert np.array_equal(answers(other, x), want)
        assert np.array_equal(answers(pickle.loads(pickle.dumps(copy.deepcopy(net))), x), want)
        assert net.summary((1, 8, 8, 1)).rows and cost(net, (1, 8, 8, 1)).macs


# --- hostile files

def survives(raw):
    "A graph that can be made into layers, or ValueError; anything else is a fault."
    try: g = tflite_graph(raw)
    except ValueError: return False
    try: (network if g.grid is None else integer_network)(g)
    except ValueError: return False
    return True

FILES = [script.PATH.read_bytes(), *(tflite(random_graph(rng(s), s % 2 == 0)) for s in range(4))]

@settings(max_examples=300)
@given(st.sampled_from(FILES), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=5))
def test_changed_bytes(raw, changes):
    bad = bytearray(raw)
    for at, value in changes: bad[at % len(bad)] = value
    survives(bytes(bad))

@settings(max_examples=200)
@given(st.sampled_from(FILES), st.integers(0, 10**6), st.sampled_from([0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 4, 8, 2**16]))
def test_hostile_offsets_and_sizes(raw, at, value):
    "Every fourth byte may be an offset or a length: too large, negative, or pointing at itself."
    bad = bytearray(raw)
    struct.pack_into('<I', bad, at % (len(bad)//4)*4, value)
    survives(bytes(bad))

@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_random_bytes(data):
    survives(b'\x08\0\0\0TFL3' + data)
    survives(data)

def test_long_shapes_are_refused():
    "As many tensors may share one long vector, to read it for each would take hours."
    raw = flatbuffer({0: np.uint32(3), 2: [{0: [{0: np.zeros(200_000, np.int32)}]}], 4: [{}]})
    with pytest.raises(ValueError, match='200000 axes'): tensors_of(model_of(raw))

def test_many_tensors_are_refused():
    raw = flatbuffer({0: np.uint32(3), 2: [{0: [{}]*10_001}], 4: [{}]})
    with pytest.raises(ValueError, match='10001 tables'): tensors_of(model_of(raw))
