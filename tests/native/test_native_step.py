"A network as C: the step of an ablation that comes last."
import copy, pickle
from functools import partial
import numpy as np
import pytest
from tinybench.backends.base import as_model, native
from tinybench.bench.ablation import ablate
from tinybench.bench.benchmark import Benchmark, Labelled
from tinybench.models.zoo import SHAPES, create
from tinybench.native.plan import plan
from tinybench.nn.dense import Dense
from tinybench.nn.module import Sequential, live_state, walk
from tinybench.optimize.fuse import fold
from tinybench.optimize.integer import integer
from tinybench.optimize.quantize import int4, int8
from tinybench.optimize.step import bfloat16, facts, float64, named_steps, optimize, take_step
from tinybench.toolchain.compiler import find_compiler

needs_c = pytest.mark.skipif(not find_compiler(), reason='needs a C compiler')
WAYS = dict(copied=copy.deepcopy, pickled=lambda c: pickle.loads(pickle.dumps(c)))
SHAPE = SHAPES['simple_cnn']

def small(): return create('simple_cnn', np.random.default_rng(0)).eval()
def inputs(n=1): return np.random.default_rng(1).normal(size=(n, *SHAPE)).astype(np.float32)
def in_c(net): return native(net, SHAPE)
in_c.final = True

def labelled(net, n=10): return Labelled('noise', x := inputs(n), net(x).data.argmax(1), 10)

@needs_c
@pytest.mark.parametrize('n', [1, 2, 7])
def test_a_network_as_c_answers_for_any_batch(n):
    net, x = small(), inputs(n)
    c = native(net, SHAPE)
    first = c(x).data
    np.testing.assert_allclose(first, net(x).data, 1e-4, 1e-5)
    assert c(-x).data is not first and np.array_equal(first, c(x).data), 'what was handed out is not filled anew'
    assert sorted(c.plans) == sorted({1, n}) and c.plan(n) is c.plan(n)

@needs_c
def test_it_says_what_the_plan_takes():
    net = small()
    c = native(net, SHAPE)
    p = plan(net, SHAPE)
    assert facts(c, SHAPE) == (len(p.layout.steps), p.weights.nbytes, facts(net, SHAPE).macs, p.arena.nbytes + p.out.nbytes + 4*64)
    assert [*live_state(c)] == ['weights'] and c.n_parameters() == 0 and [m for _, m in walk(c)] == [c]
    m = as_model('c', c, SHAPE)
    assert m.kind == 'plan' and m.batch is None and m.weights() == dict(float32=p.weights.nbytes)
    q = plan(net, SHAPE, 5)
    assert m.activations((5, *SHAPE)) == q.arena.nbytes + q.out.nbytes + 5*4*64

@needs_c
@pytest.mark.parametrize('way', WAYS)
def test_a_copy_of_it_has_plans_of_its_own(way):
    c, x = native(small(), SHAPE), inputs(3)
    want = c(x).data
    d = WAYS[way](c)
    for p in c.plans.values(): p.weights[:] = 0
    np.testing.assert_array_equal(d(x).data, want)
    np.testing.assert_array_equal(d(x[:2]).data, want[:2])
    assert not np.array_equal(c(x).data, want)

@needs_c
@pytest.mark.parametrize('step, kind', [(int8, 'int8'), (int4, 'uint8'), (bfloat16, 'uint16')])
def test_weights_that_a_plan_would_not_keep_are_refused(step, kind):
    with pytest.raises(ValueError, match=f'its weights are .*{kind}.*, and a plan stores float32.*Leave one of the two out'):
        native(step(fold(small())), SHAPE)
    with pytest.raises(ValueError, match="no C is known for the operation 'cast'"): native(float64(small()), SHAPE)

def test_no_step_comes_after_it():
    with pytest.raises(ValueError, match="step 'in_c' has to be the last"): named_steps([in_c, fold])
    assert [*named_steps([fold, partial(in_c)])] == ['fold', 'in_c']

@needs_c
def test_what_comes_after_it_is_refused_before_it_runs():
    with pytest.raises(ValueError, match="step 'fold' comes after native, which has made C of the network: let native be the last step"):
        take_step('fold', fold, native(small(), SHAPE), inputs())

def test_an_operation_that_c_does_not_know_is_named_at_the_step():
    class Odd(Dense):
        def forward(self, x): return super().forward(x).var(-1)
    with pytest.raises(ValueError, match="no C is known for the operation 'var'") as e:
        optimize(Sequential(Odd(4, 4, np.random.default_rng(0))), dict(c=partial(native, shape=(4,))), np.ones((2, 4), np.float32))
    assert e.value.__notes__ == ["in step 'c'"]

@needs_c
def test_an_ablation_measures_what_c_is_worth():
    net = small()
    found = ablate(net, [fold, in_c], labelled(net), processes=1, repeats=6, progress=False)
    r = found.suite
    assert [*r.failures] == ['in_c + fold'] and 'comes after native' in r.failures['in_c + fold'] and found.lost == ()
    assert {s.name: s.share for s in r.scores} == dict.fromkeys(['base', 'fold', 'in_c', 'fold + in_c'], 1)
    p = plan(net, SHAPE)
    for metric, want in dict(weights=p.weights.nbytes, MACs=facts(net, SHAPE).macs).items():
        values = {x.name: x.median for x in r.results if x.metric == metric}
        assert values['in_c'] == values['fold + in_c'] == want
    assert {x.name for x in r.results if x.metric == 'allocated peak'} == {'base', 'fold'}, 'nobody sees what C keeps'
    assert {x.name for x in r.results if x.metric == 'throughput'} == {'base', 'fold', 'in_c', 'fold + in_c'}
    assert ('in_c' in {of for of, _ in found.answers['effect']}) and found.to_dict()['steps'] == ['fold', 'in_c']

@needs_c
def test_behind_integers_it_computes_in_codes_with_the_same_answers():
    net, x = fold(small()), inputs(40)
    found = ablate(net, dict(integer=partial(integer, x=x), in_c=in_c), labelled(net, 40), kinds=['factorial'], processes=1, repeats=6,
                   progress=False)
    right = {s.name: s.right for s in found.suite.scores}
    assert not found.suite.failures and right['integer + in_c'] == right['integer'] and right['in_c'] == right['base'] == 40
    eager = integer(net, x)
    codes = native(eager, SHAPE)
    assert np.array_equal(codes(x).data, eager.eval()(x).data), 'to the last bit'
    p, stored = codes.plan(1), {r.name: r for r in found.suite.results if r.metric == 'weights'}
    assert stored['integer + in_c'].median == p.weights.nbytes < .5*stored['in_c'].median
    assert dict(stored['integer + in_c'].how['by_dtype']) == {'int8': p.weights.nbytes}

def test_without_a_compiler_an_ablation_names_why_and_measures_the_rest(monkeypatch):
    monkeypatch.setenv('TINYBENCH_CC', 'none')
    net = small()
    found = ablate(net, [fold, in_c], labelled(net), kinds=['add-one'], processes=1, repeats=6, progress=False)
    assert 'there is no C of this network: no C compiler' in found.suite.failures['in_c']
    assert {x.name for x in found.suite.results} == {'base', 'fold'}

@needs_c
def test_it_is_measured_in_fresh_processes():
    m = as_model('c', native(small(), SHAPE), SHAPE)
    found = Benchmark([m], processes=2, repeats=6).run_throughput_benchmark(3)['c']
    assert found.n == 2 and (np.asarray(found.values) > 0).all()

@needs_c
def test_a_compiler_that_has_gone_is_said_at_each_new_batch(monkeypatch):
    c = native(small(), SHAPE)
    monkeypatch.setenv('TINYBENCH_CC', 'none')
    for _ in range(2):
        with pytest.raises(ValueError, match='there is no C of this network: no C compiler'): c(inputs(3))
    assert [*c.plans] == [1] and c(inputs()).shape == (1, 10)
