"Other engines get the same network, and the race says how they did."
import numpy as np
import pytest

from tinybench.core.tensor import no_grad
from tinybench.models.zoo import SHAPES, create
from tinybench.nn.conv import Conv2d
from tinybench.nn.dense import GELU, Dense, Flatten, ReLU, Residual, Softmax
from tinybench.nn.module import Sequential, walk
from tinybench.nn.norm import BatchNorm
from tinybench.nn.pool import AvgPool2d, MaxPool2d
from tinybench.native.plan import off_by
from tinybench.peers.engines import ENGINES, OF_CODES
from tinybench.exchange.graph import graph_of
from tinybench.exchange.missing import Missing
from tinybench.peers.inference import NETS, one_network, raced, race_inference
from tinybench.peers.turns import differs

PEERS = [k for k in ENGINES if k != 'tinybench']

def engine(name):
    "Makes a runner, or skips the test if the engine is not installed."
    def make(*args):
        try: return ENGINES[name](*args)
        except Missing as e: pytest.skip(str(e))
    return make

def moved(net, rng):
    "`net` with moments as after a training."
    for m in (m for _, m in walk(net) if isinstance(m, BatchNorm)):
        m.mean[:], m.var[:] = rng.normal(size=m.n), rng.uniform(.5, 2, m.n)
    return net.eval()

def odd(rng):
    "Every operator, strides and paddings of both kinds, sizes that do not divide."
    return moved(Sequential(
        Conv2d(3, 5, (3, 2), rng, stride=(2, 1), padding='same', bias=False), BatchNorm(5), ReLU(), MaxPool2d(2),
        Residual(Sequential(Conv2d(5, 5, 3, rng, padding='same'), BatchNorm(5), ReLU(), Conv2d(5, 5, 1, rng)), Conv2d(5, 5, 1, rng)), ReLU(),
        AvgPool2d(2, stride=1), Conv2d(5, 7, 2, rng), Flatten(), Dense(28, 6, rng), Softmax()), rng), (14, 13, 3)

@pytest.mark.parametrize('name', PEERS)
@pytest.mark.parametrize('batch', [1, 3])
def test_an_engine_gives_our_answers(name, batch):
    rng = np.random.default_rng(0)
    net, shape = odd(rng)
    x = rng.normal(size=(batch, *shape)).astype(np.float32)
    with no_grad(): want = net(x).data
    assert off_by(want, engine(name)(net, shape, batch)(x).reshape(want.shape)) < 1e-5

@pytest.mark.parametrize('name', PEERS)
@pytest.mark.parametrize('net', NETS)
def test_an_engine_runs_the_networks_of_the_race(name, net):
    rng = np.random.default_rng(1)
    m = moved(create(net, rng), rng)
    x = rng.normal(size=(1, *SHAPES[net])).astype(np.float32)
    with no_grad(): want = m(x).data
    assert off_by(want, engine(name)(m, SHAPES[net], 1)(x).reshape(want.shape)) < 1e-4

def test_a_layer_without_an_operator_is_named():
    with pytest.raises(ValueError, match='GELU.. has no operator here'):
        graph_of(Sequential(Dense(3, 2, np.random.default_rng(0)), GELU()), (3,))

def test_batch_norm_that_folds_into_nothing_is_named():
    with pytest.raises(ValueError, match='BatchNorm'): graph_of(Sequential(BatchNorm(3), ReLU()).eval(), (3,))

def test_an_engine_with_other_answers_is_not_raced():
    def wrong(*args): return lambda x: ENGINES['tinybench'](*args)(x) + 1
    with pytest.raises(ValueError, match='wrong gives other answers for simple_cnn'):
        one_network('simple_cnn', dict(tinybench=ENGINES['tinybench'], wrong=wrong), 1, np.random.default_rng(0))

def test_a_race_names_who_is_missing(monkeypatch):
    def gone(*args): raise Missing('Gone is not installed: pip install gone')
    def again(*args): return lambda x, run=ENGINES['tinybench'](*args): run(x).copy()
    monkeypatch.setitem(ENGINES, 'litert', gone)
    monkeypatch.setitem(ENGINES, 'onnxruntime', again)
    r = race_inference(['simple_cnn'], ('litert', 'onnxruntime'), repeats=16)
    assert r.missing == ('Gone is not installed: pip install gone',) and 'Gone is not installed' in repr(r)
    assert [row[1] for row in r.table().rows] == ['tinybench', 'onnxruntime']
    assert r.to_dict()['found']['simple_cnn']['base'] == 'tinybench'

def test_without_a_compiler_there_is_no_race(monkeypatch):
    monkeypatch.setenv('TINYBENCH_CC', 'none')
    with pytest.raises(ValueError, match='a race is between plans in C, and there is none: no C compiler'):
        race_inference(['simple_cnn'], (), repeats=16)


# --- int8

@pytest.mark.parametrize('net', [n for n in NETS if n != 'resnet8'])
@pytest.mark.parametrize('batch', [1, 3])
def test_litert_gives_our_codes(net, batch):
    "Equal ones: it is the same network, and both are exact."
    rng = np.random.default_rng(2)
    pytest.importorskip('ai_edge_litert', reason='needs LiteRT')
    given, x, want = raced(net, batch, rng, 0, 'int8')
    for k in OF_CODES: np.testing.assert_array_equal(OF_CODES[k](given, SHAPES[net], batch)(x).reshape(want.shape), want, k)
    assert len(np.unique(want)) > 1

def test_litert_gives_nearly_our_codes_where_arms_are_added():
    "It adds two grids by whole numbers of its own; ours are those of the official outputs."
    pytest.importorskip('ai_edge_litert', reason='needs LiteRT')
    given, x, want = raced('resnet8', 1, np.random.default_rng(2), 0, 'int8')
    np.testing.assert_array_equal(OF_CODES['tinybench'](given, SHAPES['resnet8'], 1)(x).reshape(want.shape), want)
    assert differs(want, OF_CODES['litert'](given, SHAPES['resnet8'], 1)(x), given)[1] == ''
    assert differs(want, np.where(want > 0, want - 3, want + 3), given) == (3, 'its answer is off by 3 steps of the grid')
    assert differs(want, want ^ 1) == (1, 'its answer is off by 1 steps of the grid') and not differs(want, want ^ 1, rounding=1)[1]

def test_a_race_of_codes(monkeypatch):
    def again(*args): return lambda x, run=OF_CODES['tinybench'](*args): run(x).copy()
    monkeypatch.setitem(OF_CODES, 'litert', again)
    r = race_inference(['simple_cnn'], ('litert', 'onnxruntime'), dtype='int8', repeats=16)
    assert r.missing == ('onnxruntime is given no network of int8 here',) and '1 input of int8' in repr(r)
    assert r.to_dict()['dtype'] == 'int8' and [row[1] for row in r.table().rows] == ['tinybench', 'litert']
    monkeypatch.setitem(OF_CODES, 'litert', lambda *args: lambda x: OF_CODES['tinybench'](*args)(x) ^ 1)
    with pytest.raises(ValueError, match='litert gives other answers for simple_cnn: its answer is off by 1 steps'):
        race_inference(['simple_cnn'], ('litert',), dtype='int8', repeats=16)
