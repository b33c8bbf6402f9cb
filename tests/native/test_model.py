"A plan as a model: measured, copied, sent to other processes, and kept apart from its next call."
import copy, os, pickle, subprocess, sys
from functools import partial
import numpy as np
import pytest
from tinybench.backends.base import ModelError, Watched, as_model, copied, not_copied, running
from tinybench.bench.benchmark import Benchmark, Labelled, answers
from tinybench.bench.suite import BenchmarkSuite
from tinybench.core.ops import Op
from tinybench.core.tensor import Tensor
from tinybench.emit.steps import Apply
from tinybench.models.zoo import SHAPES, create
from tinybench.native import int8
from tinybench.native.plan import plan
from tinybench.optimize.fuse import fold
from tinybench.optimize.integer import integer
from tinybench.optimize.step import strip
from tinybench.toolchain.compiler import find_compiler
from tinybench.toolchain.store import NoLibrary

needs_c = pytest.mark.skipif(not find_compiler(), reason='needs a C compiler')
WAYS = dict(copied=copy.deepcopy, pickled=lambda p: pickle.loads(pickle.dumps(p)))
SHAPE = SHAPES['simple_cnn']

@pytest.fixture(params=[pytest.param(True, marks=needs_c, id='C'), pytest.param(False, id='numpy')])
def native(request): return request.param

def small(seed=0): return create('simple_cnn', np.random.default_rng(seed)).eval()
def made(native, batch=1, name='simple_cnn'): return plan(create(name, np.random.default_rng(0)), SHAPES[name], batch, native)
def inputs(n=1, seed=1): return np.random.default_rng(seed).normal(size=(n, *SHAPE)).astype(np.float32)


# --- copies

@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('name', ['resnet8', 'ds_cnn', 'mobilenet_v1_025', 'fc_autoencoder', 'simple_cnn', 'sww_cnn'])
def test_a_copy_computes_the_same_in_memory_of_its_own(name, native, way):
    p = made(native, name=name)
    x, other = np.random.default_rng(1).normal(size=(2, 1, *SHAPES[name])).astype(np.float32)
    want = p(x).copy()
    q = WAYS[way](p)
    got = q(x)
    np.testing.assert_array_equal(got, want)
    for key in ('arena', 'weights', 'out'):
        mine, its = getattr(p, key), getattr(q, key)
        assert not np.shares_memory(mine, its) and mine.shape == its.shape and (key == 'out' or its.ctypes.data % 64 == 0)
    p(other)
    np.testing.assert_array_equal(got, want)
    p.weights[:] = 0
    np.testing.assert_array_equal(q(x), want)
    assert repr(q) == repr(p) and q.source() == p.source()

def through(p, x): return p(x)

@pytest.mark.parametrize('function', [lambda p: lambda x: p(x), lambda p: p.__call__, lambda p: partial(through, p)], ids=['lambda', 'method', 'partial'])
def test_a_function_built_anew_has_a_plan_of_its_own(function, native):
    "Its parts are not copied one by one: the addresses in what was compiled would stay those of the first."
    p, x = made(native), inputs()
    want = p(x).copy()
    m = copied(as_model('f', function(p), SHAPE))
    p.out[:], p.arena[:], p.weights[:] = 0, 0, 0
    np.testing.assert_array_equal(m.call(x), want)
    assert not p.out.any() and not p.arena.any()

@needs_c
@pytest.mark.parametrize('way', WAYS)
def test_a_copy_of_c_is_c_or_says_why_not(way, monkeypatch):
    "It does not fall back to numpy in silence: then something else would be measured."
    p = made(True)
    monkeypatch.setenv('TINYBENCH_CC', 'none')
    with pytest.raises(NoLibrary, match='no C compiler'): WAYS[way](p)
    with pytest.raises(ModelError, match="'m' cannot be copied.*no C compiler"): copied(as_model('m', p, SHAPE))

def test_another_process_computes_the_same(native, tmp_path):
    p, x = made(native, 2), inputs(2)
    (tmp_path/'p').write_bytes(pickle.dumps((p, x, p(x))))
    code = 'import pickle, sys; p, x, y = pickle.load(open(sys.argv[1], "rb")); assert (p(x) == y).all(), abs(p(x) - y).max(); print(p)'
    done = subprocess.run([sys.executable, '-W', 'error', '-c', code, tmp_path/'p'], capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 0 and done.stdout == f'{p}\n', done.stderr

def test_an_operation_without_a_name_is_not_sent():
    with pytest.raises(TypeError, match="'mine' has no name in"): pickle.dumps(Apply(Op('mine', np.add, lambda g, o, x: g), {}))


# --- as a model

def test_what_a_model_knows_of_a_plan(native):
    p = made(native, 4)
    m = as_model('native', p, SHAPE)
    assert (m.kind, m.batch, m.shape, m.out_shape, m.dtype, m.source) == ('plan', 4, SHAPE, (10,), 'float32', p)
    assert m.weights() == dict(float32=p.weights.nbytes) and not_copied([m]) == ()
    assert m.activations((4, *SHAPE)) == p.arena.nbytes + p.out.nbytes + 4*4*np.prod(SHAPE)
    with pytest.raises(ValueError, match='the plan takes'): m.activations((1, *SHAPE))

@pytest.mark.parametrize('shape, dtype', [((8, 8, 3), None), ((64,), None), (SHAPE, 'float64')])
def test_another_shape_or_type_is_refused(shape, dtype):
    with pytest.raises(ValueError, match="model 'native' is a plan for 1 of .8, 8, 1. float32, not of"): as_model('native', made(False), shape, dtype)

def test_a_plan_of_codes_is_a_model_of_int8(native):
    r = np.random.default_rng(0)
    net = integer(fold(strip(small())), r.normal(size=(9, *SHAPE)).astype(np.float32))
    p, f = (int8.plan(net, SHAPE, dtype, native=native) for dtype in ('int8', 'float32'))
    m = as_model('codes', p, SHAPE)
    assert (m.dtype, m.weights()) == ('int8', dict(int8=p.weights.nbytes))
    assert m.activations((1, *SHAPE)) == p.arena.nbytes + p.out.nbytes + np.prod(SHAPE)
    x = r.integers(-128, 128, (1, *SHAPE)).astype(np.int8)
    with running([m]): np.testing.assert_array_equal(m.call(x), net[1:-1](Tensor(x)).data)
    assert as_model('fractions', f, SHAPE).dtype == 'float32'
    with pytest.raises(ValueError, match="'codes' is a plan for 1 of .8, 8, 1. int8, not of .8, 8, 1. float32"):
        as_model('codes', p, SHAPE, 'float32')

def test_another_batch_is_refused_in_words():
    m = as_model('native', made(False, 2), SHAPE)
    with pytest.raises(ModelError, match="model 'native' takes a batch of 2 and was given one of 32; it gets no number"):
        Benchmark([m]).run_throughput_benchmark()

def test_what_was_handed_out_stays(native):
    "The plan's own result is filled anew by the next call; what was read is not."
    m = as_model('native', made(native), SHAPE)
    with running([m]):
        w = Watched(m, inputs())
        w.run()
        kept = w.check()
        want = kept.copy()
        m.call(inputs(seed=2))
        assert not np.array_equal(w.last(), want)
    np.testing.assert_array_equal(kept, want)

@pytest.mark.parametrize('batch', [1, 3, 16])
def test_answers_of_a_set_in_whole_batches(batch, native):
    "The last batch is filled up; the rows are those of the network, in order."
    x, net = inputs(10), small()
    got, want = (answers(as_model('m', thing, SHAPE), x) for thing in (plan(net, SHAPE, batch, native), net))
    np.testing.assert_allclose(got, want, 1e-4, 1e-5)

def test_plan_and_network_in_one_benchmark(native):
    net = small()
    x = inputs(20)
    data = Labelled('noise', x, net(x).data.argmax(1), 10)
    b = Benchmark({'eager': (net, SHAPE), 'native': (plan(net, SHAPE, native=native), SHAPE)}, data, repeats=12)
    right = b.run_accuracy_benchmark()
    assert right['native', 'noise'].share == right['eager', 'noise'].share == 1
    rows = {r['name']: r for r in b.compare_models('latency').rows}
    assert rows['native']['n'] == rows['eager']['n'] > 1 and rows['native']['value'] > 0
    assert {r['name']: r['value'] for r in b.compare_models('weights').rows}['native'] == b.models[1].source.weights.nbytes

@needs_c
def test_fresh_processes_measure_a_plan():
    m = as_model('native', made(True), SHAPE)
    found = Benchmark([m], processes=2, repeats=6).run_latency_benchmark()['native']
    assert found.n == 2 and (np.asarray(found.values) > 0).all()

def test_a_suite_of_a_plan_at_its_batch(native):
    net, x = small(), inputs(6)
    models = [as_model('eager', net, SHAPE), as_model('native', plan(net, SHAPE, 2, native), SHAPE)]
    found = BenchmarkSuite(models, Labelled('noise', x, net(x).data.argmax(1), 10), repeats=6, batch=2, throughput_batch=2).run()
    assert found.ok and {r.metric for r in found.results if r.name == 'native'} >= {'latency', 'throughput', 'weights', 'peak activations'}
    assert [s.share for s in found.scores] == [1, 1]
