"ONNX files of others: networks of PyTorch give its answers here, and what is no such file ends in words."
import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from exportkit import moved, n_nodes, same_graph
from tinybench.backends.export import FILES, ONNX, our_answers, our_network, read_onnx, relative_error
from tinybench.exchange.graph import code_graph, graph_of
from tinybench.exchange.onnx import onnx_bytes
from tinybench.exchange.read_onnx import onnx_graph
from tinybench.models.weights import network
from tinybench.models.zoo import SHAPES, create
from tinybench.nn.norm import BatchNorm
from tinybench.nn.module import walk

onnx = pytest.importorskip('onnx', reason='needs onnx')
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

def written(net, x, **how):
    "What PyTorch's own exporter writes; the one without further packages."
    import io, torch
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(net, (torch.from_numpy(x),), raw := io.BytesIO(), dynamo=False, **how)
    return raw.getvalue()

def theirs(net, x):
    import torch
    with torch.no_grad(): return net(torch.from_numpy(x)).numpy()

def torch_networks():
    import torch
    from torch import nn
    class Block(nn.Module):
        def __init__(self, a, b, stride):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(), nn.Conv2d(b, b, 3, 1, 1), nn.BatchNorm2d(b))
            self.short = nn.Identity() if a == b and stride == 1 else nn.Conv2d(a, b, 1, stride)
        def forward(self, x): return torch.relu(self.body(x) + self.short(x))
    class Mean(nn.Module):
        def forward(self, x): return x.mean((2, 3))
    class Reshaped(nn.Module):
        def forward(self, x): return x.reshape(x.shape[0], 8*4*5)
    torch.manual_seed(0)
    return dict(
        flattened=(nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4*5*6, 7)), (3, 10, 11)),
        curved_behind_flatten=(nn.Sequential(nn.Conv2d(2, 3, 2), nn.Flatten(), nn.BatchNorm1d(3*4*5), nn.Tanh(), nn.Linear(60, 4), nn.Sigmoid()), (2, 5, 6)),
        residual=(nn.Sequential(Block(3, 3, 1), Block(3, 8, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5), nn.Softmax(1)), (3, 9, 8)),
        depthwise=(nn.Sequential(nn.Conv2d(4, 4, (3, 2), (2, 1), groups=4), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 1), nn.MaxPool2d(2), Mean()), (4, 11, 9)),
        pools=(nn.Sequential(nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2), nn.Conv2d(2, 8, 1), Reshaped(), nn.Linear(160, 3)), (2, 16, 20)),
        rows=(nn.Sequential(nn.Linear(12, 8, bias=False), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 3)), (12,)),
        image_out=(nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU()), (2, 5, 4)))

@pytest.mark.parametrize('name', ['flattened', 'curved_behind_flatten', 'residual', 'depthwise', 'pools', 'rows', 'image_out'])
@pytest.mark.parametrize('how', [dict(), dict(do_constant_folding=False), dict(input_names=['x'], dynamic_axes=dict(x={0: 'batch'}))],
                         ids=['', 'unfolded', 'any_batch'])
def test_a_network_of_pytorch_gives_its_answers(name, how):
    pytest.importorskip('torch', reason='needs PyTorch')
    net, shape = torch_networks()[name]
    rng = np.random.default_rng(0)
    for m in net.modules():
        if hasattr(m, 'running_var'):
            m.running_mean.normal_(); m.running_var.uniform_(.5, 2); m.weight.data.uniform_(.5, 2); m.bias.data.normal_()
    net.eval()
    x = rng.normal(size=(3, *shape)).astype(np.float32)
    g = onnx_graph(written(net, x, **how), ONNX)
    ours = our_answers(g, x.transpose(0, 2, 3, 1) if len(shape) == 3 else x)
    want = theirs(net, x)
    assert g.shape == ((*shape[1:], shape[0]) if len(shape) == 3 else shape)
    assert relative_error(want.transpose(0, 2, 3, 1) if want.ndim == 4 else want, ours) <= 1e-5
    if name == 'residual': assert relative_error(want, network(g)(x.transpose(0, 2, 3, 1)).softmax().data) <= 1e-5

def test_what_pytorch_wrote_is_written_by_us():
    "From there to our graph, to our file, and back."
    pytest.importorskip('torch', reason='needs PyTorch')
    net, shape = torch_networks()['residual']
    g = onnx_graph(written(net.eval(), np.zeros((1, *shape), np.float32)), ONNX)
    same_graph(onnx_graph(onnx_bytes(g, ONNX), ONNX), g)


# --- made by hand

def model_of(nodes, shape=('n', 3, 4, 4), arrays=(), out='y', opset=17):
    value = helper.make_tensor_value_info
    g = helper.make_graph(nodes, 'g', [value('x', TensorProto.FLOAT, shape)], [value(out, TensorProto.FLOAT, None)],
                          [numpy_helper.from_array(np.asarray(a), k) for k, a in dict(arrays).items()])
    return helper.make_model(g, opset_imports=[helper.make_opsetid('', opset)])
def raw_of(*args, **how): return model_of(*args, **how).SerializeToString()
def node(op, ins, outs='y', **how): return helper.make_node(op, ins.split(), outs.split(), **how)
f32, W = np.float32, np.ones((2, 3, 3, 3), np.float32)

def test_a_product_and_a_sum_are_a_dense_layer():
    rng = np.random.default_rng(1)
    w, b, x = rng.normal(size=(5, 4)).astype(f32), rng.normal(size=4).astype(f32), rng.normal(size=(2, 5)).astype(f32)
    for ins in ('h b', 'b h'):
        g = onnx_graph(raw_of([node('MatMul', 'x w', 'h'), node('Add', ins, 'z'), node('Relu', 'z')], ('n', 5), dict(w=w, b=b)), ONNX)
        assert [n.op for n in g.nodes] == ['FULLY_CONNECTED']
        np.testing.assert_allclose(our_answers(g, x), np.maximum(x @ w + b, 0), rtol=1e-5, atol=1e-6)

def test_arrays_may_be_constants_and_names_without_meaning():
    w = numpy_helper.from_array(np.eye(4, dtype=f32), 'w')
    nodes = [node('Constant', '', 'w', value=w), node('Identity', 'w', 'v'), node('MatMul', 'x v', 'h'), node('Dropout', 'h', 'd'), node('Identity', 'd')]
    np.testing.assert_array_equal(our_answers(onnx_graph(raw_of(nodes, ('n', 4)), ONNX), np.eye(4, dtype=f32)), np.eye(4))

def test_an_unfolded_normalization_is_read():
    rng = np.random.default_rng(2)
    arrays = {k: rng.uniform(.5, 2, 3).astype(f32) for k in 'abmv'}
    g = onnx_graph(raw_of([node('BatchNormalization', 'x a b m v', epsilon=.1)], arrays=arrays), ONNX)
    norm, = [m for _, m in walk(our_network(g)) if isinstance(m, BatchNorm)]
    x = rng.normal(size=(2, 4, 4, 3)).astype(f32)
    assert norm.eps == pytest.approx(.1)
    np.testing.assert_allclose(our_answers(g, x), (x - arrays['m'])/np.sqrt(arrays['v'] + f32(.1))*arrays['a'] + arrays['b'], rtol=1e-4, atol=1e-5)

CONV = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])
SAYS = {
    'an operator': (([node('Elu', 'x')],), 'it has Elu, and this reader knows only Add, AveragePool'),
    'a domain': (([helper.make_node('Gelu', ['x'], ['y'], domain='com.microsoft')],), 'com.microsoft.Gelu'),
    'groups': (([node('Conv', 'x w', group=3)], ('n', 6, 4, 4), dict(w=np.ones((6, 2, 3, 3), f32))), '3 groups and weights'),
    'dilation': (([node('Conv', 'x w', dilations=[2, 2])], ('n', 3, 9, 9), dict(w=W)), 'dilated'),
    'an odd frame': (([node('Conv', 'x w', pads=[1, 0, 0, 0])], ('n', 3, 9, 9), dict(w=W)), 'a frame of [1, 0, 0, 0]'),
    'a window too large': (([node('Conv', 'x w')], ('n', 3, 2, 2), dict(w=W)), 'nothing left of its input'),
    'the odd row in front': (([node('Conv', 'x w', auto_pad='SAME_LOWER')], ('n', 3, 9, 9), dict(w=W)), 'odd row of its frame in front'),
    'doubles': (([node('Conv', 'x w')], ('n', 3, 9, 9), dict(w=W.astype(float))), 'weights of float64'),
    'computed weights': (([node('Relu', 'x', 'w'), node('Conv', 'x w')],), 'weights that are computed'),
    'a frame that counts': (([node('AveragePool', 'x', kernel_shape=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)],), 'counts the frame'),
    'sizes rounded up': (([node('MaxPool', 'x', kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)],), 'rounds its size up'),
    'a scaled product': (([node('Gemm', 'x w', alpha=2.)], ('n', 4), dict(w=np.ones((4, 2), f32))), 'is scaled'),
    'unfit weights': (([node('Gemm', 'x w')], ('n', 4), dict(w=np.ones((5, 2), f32))), 'do not fit'),
    'a sum of a picture': (([node('Add', 'x b')], ('n', 3, 4, 4), dict(b=np.ones(4, f32))), 'no biases of a MatMul'),
    'a turn': (([node('Transpose', 'x', perm=[0, 2, 1, 3])],), 'turns (4, 4, 3)'),
    'a row of planes': (([node('Flatten', 'x')],), 'flattened plane by plane'),
    'an unknown size': (([node('Relu', 'x')], ('n', 3, 'h', 4)), 'sizes [3, 0, 4]'),
    'a video': (([node('Relu', 'x')], ('n', 3, 4, 4, 4)), 'sizes [3, 4, 4, 4]'),
    'nobody makes it': (([node('Relu', 'q')],), 'reads q, which no node before it computes'),
    'twice': (([node('Relu', 'x'), node('Relu', 'x')],), 'computed twice'),
    'a dead end': (([node('Relu', 'x'), node('Sigmoid', 'x', 'z')],), '1 of its 2 operators do not lead'),
    'half in codes': (([node('QuantizeLinear', 'x s z', 'q'), node('DequantizeLinear', 'q s z', 'h'), node('Sigmoid', 'h')], ('n', 4),
                       dict(s=f32(.1), z=np.uint8(3))), 'partly in codes'),
    'another grid': (([node('QuantizeLinear', 'x s z', 'q'), node('DequantizeLinear', 'q t z')], ('n', 4),
                      dict(s=f32(.1), t=f32(.2), z=np.uint8(3))), 'another grid than its codes'),
    'int16': (([node('QuantizeLinear', 'x s z')], ('n', 4), dict(s=f32(.1), z=np.int16(3))), 'rounds activations to int16'),
    'no scale': (([node('QuantizeLinear', 'x s z')], ('n', 4), dict(s=f32(0), z=np.uint8(3))), 'a scale of 0.0'),
    'no nodes': (([],), 'it has 0 operators'),
    'too few inputs': (([node('Conv', 'x')],), 'it is damaged')}

@pytest.mark.parametrize('case', SAYS)
def test_what_is_not_known_is_named(case, tmp_path):
    args, says = SAYS[case]
    (tmp_path/'a.onnx').write_bytes(raw_of(*args))
    with pytest.raises(ValueError) as e: read_onnx(tmp_path/'a.onnx')
    assert says in str(e.value) and str(tmp_path/'a.onnx') in str(e.value)

def test_a_file_that_is_not_there_or_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='no .onnx file at'): read_onnx(tmp_path/'a.onnx')
    for raw in (b'', b'no model', b'PK\x03\x04' + bytes(40), bytes(1000)):
        (tmp_path/'a.onnx').write_bytes(raw)
        with pytest.raises(ValueError, match='no ONNX file|it has 0|is damaged'): read_onnx(tmp_path/'a.onnx')

def test_weights_in_another_file_are_not_looked_for(tmp_path):
    "A name in a file from somebody else opens no file."
    m = model_of([node('MatMul', 'x w')], ('n', 4), dict(w=np.ones((4, 2), f32)))
    t = m.graph.initializer[0]
    t.data_location, t.raw_data = TensorProto.EXTERNAL, b''
    t.external_data.add(key='location', value='../secret')
    with pytest.raises(ValueError, match='lies in another file'): onnx_graph(m.SerializeToString(), ONNX)

@pytest.mark.parametrize('dims', [[2**40, 2**40], [-1, 4], [2**31, 1], [4, 3]])
def test_a_size_that_is_claimed_takes_no_memory(dims):
    m = model_of([node('MatMul', 'x w')], ('n', 4), dict(w=np.ones((4, 2), f32)))
    m.graph.initializer[0].dims[:] = dims
    with pytest.raises(ValueError, match='damaged|reshape|bytes'): onnx_graph(m.SerializeToString(), ONNX)

def small_files():
    rng = np.random.default_rng(3)
    net = moved(create('simple_cnn', rng, width=2), rng)
    x = rng.normal(size=(8, *SHAPES['simple_cnn'])).astype(np.float32)
    return [FILES['.onnx'](graph_of(net, SHAPES['simple_cnn'])), FILES['.onnx'](code_graph(net, SHAPES['simple_cnn'], x))]
SMALL = small_files()

@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6), st.booleans())
def test_damaged_files_end_in_words_or_in_a_network(which, changes, cut):
    raw = bytearray(SMALL[which])
    for at, byte in changes: raw[at % len(raw)] = byte
    if cut: del raw[changes[0][0] % len(raw):]
    with np.errstate(all='ignore'):
        try: assert n_nodes(onnx_graph(bytes(raw), ONNX)) < 100
        except ValueError as e: assert str(e)

@given(st.binary(max_size=300))
def test_random_bytes_end_in_words(raw):
    with pytest.raises(ValueError): onnx_graph(raw, ONNX)
