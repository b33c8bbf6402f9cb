"backends.base and bench.benchmark: one test for each way in which such a table has lied before (the numbers of the faults), and the rest."
import copy, gc, itertools, json, os, signal, subprocess, sys, time, tracemalloc, warnings
import numpy as np
import pytest
from benchkit import Machine as Pretend, Works
from hypothesis import given, strategies as st
from threadpoolctl import threadpool_info, threadpool_limits
from tinybench.bench import benchmark as B
from tinybench.bench.benchmark import Benchmark, Labelled
from tinybench.bench.choose import best
from tinybench.bench.suite import BenchmarkSuite
from tinybench.backends.base import Model, ModelError, as_model, bytes_of, check_output
from tinybench.core.tensor import Tensor, no_grad
from tinybench.data.source import Dataset
from tinybench.measure.accuracy import accuracy_difference, mcnemar, wilson
from tinybench.measure.clock import clock_resolution
from tinybench.measure.pairs import compare_results, ratio_and_p
from tinybench.profile.cost import cost
from tinybench.measure.result import BenchmarkResult
from tinybench.measure.lean import sd
from tinybench.models.zoo import mnist_mlp, simple_cnn
from tinybench.nn.dense import Dense, Dropout, Flatten, ReLU
from tinybench.nn.module import Module, Sequential
from tinybench.nn.norm import BatchNorm

SHAPE = 2, 2, 1

def rng(seed=0): return np.random.default_rng(seed)
def mlp(seed=0, n=5, pixels=4, classes=3):
    r = rng(seed)
    return Sequential(Flatten(), Dense(pixels, n, r), ReLU(), Dense(n, classes, r))
def regular(seed=0):
    "A network that behaves differently while it is trained."
    r = rng(seed)
    return Sequential(Flatten(), Dense(4, 6, r), BatchNorm(6), ReLU(), Dropout(.5, r), Dense(6, 3, r))
def examples(n=60, seed=1, shape=SHAPE, classes=3):
    r = rng(seed)
    return r.standard_normal((n, *shape)).astype(np.float32), r.integers(0, classes, n)
def labelled(n=60, seed=1, name='four pixels', **options): return Labelled(name, *examples(n, seed), classes=3, **options)
def numbers(x): return np.asarray(x).reshape(len(x), -1)[:, :3]*2.     # a plain function, of a module

class Machine:
    "A pretend computer: a clock in steps of 2**-30 s, that only its networks move; `drift` makes it slow down."
    def __init__(self, drift=0.): self.now,self.drift,self.log = 0,drift,[]
    def clock(self):
        self.now += 1
        return self.now*2.**-30
    def runs(self, net, secs, name=''):
        "`net`, really run, which takes `secs(batch)` on this machine."
        def run(x):
            took = secs(len(x)) if callable(secs) else secs
            self.now += round(2**30*took*(1 + self.drift*self.now*2.**-30))
            self.log.append(name)
            with no_grad(): return net(Tensor(x)).data
        return run

def fake(machine, **secs):
    return [as_model(name, machine.runs(mlp(), s, name), SHAPE) for name,s in secs.items()]

class Faulty:
    "A network that breaks when `when(calls)` says so, in the way of `how(x, net)`; a call takes 1 ms of `machine`."
    def __init__(self, how, when=lambda calls: True):
        self.how,self.when,self.calls,self.net,self.machine = how,when,0,mlp(),Machine()
    def __call__(self, x):
        self.calls += 1
        self.machine.now += 2**20
        return self.how(x, self.net) if self.when(self.calls) else self.net(x).data

def raises(x, net): return net(x[:, :1])
def not_a_number(x, net):
    y = net(x).data.copy()
    y[-1, -1] = np.nan
    return y
def too_wide(x, net): return np.ones((len(x), 17))
def too_few(x, net): return net(x).data[:-1]
def infinite(x, net): return net(x).data + np.inf
def words(x, net): return ['cat']*len(x)
FAULTS = raises, not_a_number, too_few, infinite, words
each_fault = pytest.mark.parametrize('how', FAULTS, ids=lambda f: f.__name__)
quick = dict(repeats=8, min_secs=2e-5)


# --- fabricated numbers

def test_fault_11_accuracy_does_not_depend_on_the_place():
    data, models = labelled(), {f'net {i}': (mlp(i), SHAPE) for i in range(4)}
    scores = Benchmark(models, data).run_accuracy_benchmark()
    for order in itertools.permutations(models):
        again = Benchmark({name: models[name] for name in order}, data).run_accuracy_benchmark()
        assert list(again) == [(name, 'four pixels') for name in order]
        assert all(again[key].hits == scores[key].hits for key in scores)
    for i in range(4):
        want = mlp(i)(data.x).data.argmax(1) == data.y
        assert scores[f'net {i}', 'four pixels'].hits == tuple(want.tolist())

@each_fault
def test_fault_12_an_exception_is_no_accuracy(how):
    b = Benchmark(dict(good=(mlp(), SHAPE), bad=(Faulty(how), SHAPE)), labelled())
    with pytest.raises(ModelError, match="model 'bad'") as e: b.run_accuracy_benchmark()
    assert e.value.name == 'bad' and b.done == {}
    if how is raises: assert isinstance(e.value.__cause__, ValueError)
    with pytest.raises(ModelError, match="model 'bad'"): b.compare_models('accuracy')

@pytest.mark.parametrize('data', [None, [], {}])
def test_fault_13_no_labels_no_accuracy(data):
    with pytest.raises(ValueError, match='needs labelled data'): Benchmark([as_model('a', mlp(), SHAPE)], data).run_accuracy_benchmark()

def test_fault_13_what_is_no_label():
    x, y = examples()
    for bad in (y[:-1], y.astype(float), y[:, None], y - 5, y + 3):
        with pytest.raises(ValueError, match="data 'd'"): Labelled('d', x, bad, classes=3)
    with pytest.raises(ValueError, match='0 examples'): Labelled('d', x[:0], y[:0])
    for bad in ([dict(name='mnist')], 'mnist', x):
        with pytest.raises(TypeError, match='no labelled data'): Benchmark([as_model('a', mlp(), SHAPE)], bad)

def test_fault_14_a_name_changes_no_number():
    data, nets = labelled(), [mlp(0), mlp(1, n=9)]
    def numbers_of(names):
        m = Machine()
        secs = 2e-3, 3e-3
        models = [as_model(name, net, SHAPE) for name,net in zip(names, nets)]
        timed = [Model(a.name, m.runs(net, s), SHAPE) for a,net,s in zip(models, nets, secs)]
        b, t = Benchmark(models, data), Benchmark(timed, clock=m.clock, repeats=7)
        memory = b.run_memory_benchmark(4)
        return [[s.hits for s in b.run_accuracy_benchmark().values()],
                [memory[n][k].values for n in names for k in ('weights', 'peak activations')],
                [r.values for r in t.run_latency_benchmark().values()], [r.values for r in t.run_throughput_benchmark().values()],
                b.compare_models('accuracy').to_frame().drop(columns='name').to_json(), t.compare_models('latency').to_frame().drop(columns='name').to_json()]
    plain = numbers_of(['a', 'b'])
    for names in (['accurate_model', 'efficient_model'], ['efficient', 'accurate'], ['b', 'a'], ['ünï cödé/..', '0']):
        assert numbers_of(names) == plain

def test_fault_14_a_model_that_only_crashes_has_no_score_whatever_its_name():
    for name in ('accurate_model', 'efficient_model', 'x'):
        b = Benchmark({name: (Faulty(raises), SHAPE)}, labelled())
        for run in (b.run_accuracy_benchmark, b.run_latency_benchmark, b.run_throughput_benchmark, b.run_memory_benchmark):
            with pytest.raises(ModelError, match=name): run()
        assert b.done == {}

@each_fault
@pytest.mark.parametrize('late', [1, 3, 40, 'last'])
def test_fault_15_one_failed_sample_invalidates_the_run(how, late):
    "From the first call, or from the third, or between two rounds, or only at the very end."
    def run(when):
        bad = Faulty(how, when)
        models = [as_model('good', bad.machine.runs(mlp(), 1e-3), SHAPE), as_model('bad', bad, SHAPE)]
        xs = {m.name: examples(4)[0] for m in models}
        try: return bad, B.time_models(models, xs, repeats=8, min_secs=.003, clock=bad.machine.clock)
        except ModelError as e: return bad, e
    calls = run(lambda calls: False)[0].calls
    start = calls if late == 'last' else late
    bad, got = run(lambda calls: calls >= start)
    assert isinstance(got, ModelError) and got.name == 'bad' and start <= bad.calls <= calls
    assert bad.calls == 1 or late != 1                          # nothing is timed that did not work to begin with

def test_fault_15_a_fault_that_mends_itself_between_rounds_is_seen():
    for at in (30, 60, 90):
        bad = Faulty(not_a_number, lambda calls, at=at: at <= calls < at + 30)
        with pytest.raises(ModelError, match='NaN or inf 1 times'):
            B.time_models([as_model('bad', bad, SHAPE)], dict(bad=examples(4)[0]), repeats=20, clock=bad.machine.clock, min_secs=.009)

def test_fault_16_the_width_of_the_output_must_fit_the_classes():
    data = labelled()
    for classes in (2, 4, 17):
        with pytest.raises(ModelError, match='has 3 classes'): B.score_model(as_model('a', mlp(classes=classes), SHAPE), data)
    unknown = Labelled('d', *examples())
    with pytest.raises(ModelError, match='has 3 classes'): B.score_model(as_model('a', mlp(classes=2), SHAPE), unknown)
    assert B.score_model(as_model('a', mlp(classes=7), SHAPE), unknown).n == 60
    with pytest.raises(ModelError, match='instead of'): B.score_model(as_model('a', mlp(), SHAPE, out_shape=(4,)), data)

def test_fault_17_a_reconstruction_is_not_taken_for_classes():
    auto = Sequential(Dense(640, 8, rng()), ReLU(), Dense(8, 640, rng()))
    x, y = examples(20, shape=(640,), classes=2)
    with pytest.raises(ModelError, match=r'\(640,\) numbers for an example.*2 classes'):
        B.score_model(as_model('auto', auto, (640,)), Labelled('sounds', x, y, classes=2))
    one = Labelled('d', examples()[0], examples()[1] % 2)
    for f in (lambda x: x.sum((1, 2, 3)), lambda x: x.sum((1, 2, 3))[:, None]):
        with pytest.raises(ModelError, match='2 classes'): B.score_model(as_model('logit', f, SHAPE), one)

def test_fault_18_memory_is_three_numbers_each_with_its_origin():
    net = regular()
    found = Benchmark(dict(net=(net, SHAPE), f=(numbers, SHAPE))).run_memory_benchmark(batch=16)
    r = found['net']
    assert {k: v.provenance for k,v in r.items()} == {
        'weights': 'modelled', 'peak activations': 'modelled', 'allocated peak': 'measured'}
    assert all(v.unit == 'B' and v.n == 1 and v.name == 'net' and v.metric == k for k,v in r.items())
    c = cost(net, (16, *SHAPE))
    assert r['weights'].values == (sum(c.state_bytes.values()),) and dict(r['weights'].how['by_dtype']) == c.state_bytes
    assert r['peak activations'].values == (c.peak_bytes,)
    assert r['allocated peak'].values[0] >= 16*6*4              # at least the widest activation
    assert list(found['f']) == ['allocated peak']               # what nobody knows is not there
    table = Benchmark(dict(net=(net, SHAPE), f=(numbers, SHAPE))).compare_models('weights').to_frame().set_index('name')
    assert table.verdict['f'] == 'not known' and np.isnan(table.value['f']) and table.n['f'] == 0

def test_fault_18_weights_are_counted_by_type():
    net = mlp()
    as64 = mlp().astype(np.float64)
    a, b = as_model('a', net, SHAPE), as_model('b', as64, SHAPE)
    assert a.weights() == {'float32': 4*net.n_parameters()} and b.weights() == {'float64': 8*net.n_parameters()}
    assert (a.dtype, b.dtype) == ('float32', 'float64')
    B.time_models([a, b], {'a': np.ones((1, *SHAPE), 'f4'), 'b': np.ones((1, *SHAPE))}, **quick)

@pytest.mark.parametrize('kib', [64, 1024])
def test_fault_18_what_a_call_allocates_is_seen_below_a_megabyte(kib):
    def f(x):
        held = np.zeros(kib*1024, np.uint8)
        return numbers(x) + held[0]
    peak = B.memory_of(as_model('f', f, SHAPE), examples(2)[0])['allocated peak'].values[0]
    assert kib*1024 <= peak < kib*1024 + 20_000

def test_a_few_small_objects_decide_nothing():
    nets = dict(a=(simple_cnn(rng(), (8, 8, 1)), (8, 8, 1)), b=(simple_cnn(rng(1), (8, 8, 1)), (8, 8, 1)), c=(simple_cnn(rng(), (8, 8, 1), width=32), (8, 8, 1)))
    assert Benchmark(nets).compare_models('allocated peak', batch=8).to_frame().verdict.tolist() == ['baseline', 'same', 'more']

def test_counted_bytes_are_exact_and_measured_ones_have_a_kilobyte_to_spare():
    def said(provenance, *sizes):
        found = {str(v): BenchmarkResult(str(v), 'allocated peak', 'B', v, provenance) for v in (2000.5, *sizes)}
        return [a.verdict for a in B.against(found, '2000.5').values()]
    assert said('measured', 2000, 1100, 3000, 3100, 900) == ['undecided']*3 + ['more', 'less']
    assert said('modelled', 2001, 2000, 1999) == ['more', 'less', 'less']
    twins = {k: BenchmarkResult(k, 'weights', 'B', 2000, 'modelled') for k in 'ab'}
    assert B.against(twins, 'a')['b'].verdict == 'same' and B.against(twins, 'a')['b'].mid == 1
    large = {k: BenchmarkResult(k, 'allocated peak', 'B', 1e6 + i*5000, 'measured') for i, k in enumerate('ab')}
    assert B.against(large, 'a')['b'].verdict == 'same' and B.against(large, 'a', band=.001)['b'].verdict == 'more'
    assert np.isnan(B.against(large, 'a')['b'].lo) and B.against(large, 'a')['b'].words() == '1'

def test_memory_does_not_depend_on_who_was_measured_before():
    "Kept buffers would make the second of two equal networks look smaller."
    nets = {name: (simple_cnn(rng(), (8, 8, 1)), (8, 8, 1)) for name in 'abc'}
    found = Benchmark(nets).run_memory_benchmark(8)
    back = Benchmark(dict(reversed(nets.items()))).run_memory_benchmark(8)
    for metric in ('weights', 'peak activations'):
        assert len({f[name][metric].values for f in (found, back) for name in nets}) == 1
    peaks = [f[name]['allocated peak'].values[0] for f in (found, back) for name in nets]
    assert max(peaks) - min(peaks) < 2000 < min(peaks)/10       # a few small Python objects, no buffer
    net, x = nets['a'][0].eval(), Tensor(np.ones((8, 8, 8, 1), np.float32))
    with no_grad():
        net(x)
        assert min(peaks) > 1.5*B.allocated_peak(lambda: net(x))  # which has kept its buffers


# --- statistics

def test_fault_27_models_take_turns():
    m = Machine()
    Benchmark(fake(m, a=1e-3, b=1e-3, c=1e-3), repeats=30, clock=m.clock).run_latency_benchmark()
    rounds = [m.log[-3*(i+1):len(m.log) - 3*i] for i in range(30)]
    assert all(sorted(r) == ['a', 'b', 'c'] for r in rounds) and len({tuple(r) for r in rounds}) == 6
    m = Machine(drift=.5)
    b = Benchmark(fake(m, a=1e-3, b=1e-3), repeats=30, clock=m.clock)
    row = b.compare_models('latency').to_frame().iloc[1]
    assert row.verdict == 'same' and abs(row.ratio - 1) < .002
    first, last = b.done['latency', 1]['a'].values[0], b.done['latency', 1]['a'].values[-1]
    assert last > 1.01*first                                     # though the machine grew slower meanwhile

def test_fault_28_a_difference_needs_an_interval_and_a_test():
    m, jitter = Machine(), rng(3)
    noisy = {name: (lambda n, s=s: s*float(jitter.uniform(.5, 2))) for name,s in dict(a=1e-3, b=1.1e-3, c=4e-3).items()}
    b = Benchmark(fake(m, **noisy), repeats=20, clock=m.clock)
    table = b.compare_models('latency').to_frame().set_index('name')
    said = compare_results(b.done['latency', 1], 'a')
    assert list(table.columns) == ['value', 'lo', 'hi', 'unit', 'n', 'provenance', 'ratio', 'ratio_lo', 'ratio_hi', 'p', 'p_holm',
                                   'verdict', 'more']
    assert table.verdict.to_dict() == dict(a='baseline', b='undecided', c='slower') and table.more['b'] > 0
    for name in 'bc':
        r = said[name]
        assert table.loc[name, ['ratio', 'ratio_lo', 'ratio_hi', 'p', 'p_holm']].tolist() == [
            r.ratio.estimate, r.ratio.lo, r.ratio.hi, r.p, r.p_holm]
        assert table.p_holm[name] >= table.p[name]
    spans = {name: r.interval() for name,r in b.done['latency', 1].items()}
    assert best('latency', spans) == ['a', 'b']                  # a tie is an answer

def test_fault_29_every_sample_is_kept_and_is_many_calls():
    b = Benchmark(dict(a=(mlp(), SHAPE)), repeats=9, min_secs=1e-3, builds=1)
    r = b.run_latency_benchmark()['a']
    assert r.n == 9 and r.how['inner'] > 5 and r.how['order'] == 'interleaved' and r.how['seed'] == 0 and r.how['batch'] == 1
    assert json.loads(json.dumps(r.to_dict()))['values'] == list(r.values)
    assert BenchmarkResult.from_dict(r.to_dict()) == r

def blas_threads(): return [lib['num_threads'] for lib in threadpool_info() if lib['user_api'] == 'blas']

@pytest.mark.parametrize('threads', [1, 2, None])
def test_fault_30_collector_and_threads_are_held_then_put_back(threads):
    seen = []
    def f(x):
        seen.append((gc.isenabled(), blas_threads()))
        return numbers(x)
    with threadpool_limits(2, 'blas'):
        before = blas_threads()
        r = Benchmark([as_model('f', f, SHAPE)], threads=threads, repeats=2, min_secs=1e-6).run_latency_benchmark()['f']
        assert blas_threads() == before and gc.isenabled()
    held = before[0] if threads is None else min(threads, os.cpu_count())
    assert {tuple(t) for _,t in seen} == {tuple(before) if threads is None else (held,)*len(before)}
    assert not all(on for on,_ in seen) and r.env['blas_threads'] == held and r.how['threads'] == (None if threads is None else held)

def test_fault_34_one_standard_deviation():
    m, jitter = Machine(), rng(5)
    r = Benchmark(fake(m, a=lambda n: float(jitter.uniform(1e-3, 2e-3))), repeats=5, clock=m.clock).run_latency_benchmark()['a']
    assert r.sd == sd(r.values) == np.std(r.values, ddof=1)

def test_fault_35_throughput_is_measured_on_batches():
    "A call costs 1 ms and each example 10 us: 758 examples a second in batches of 32... no, 32/1.32 ms, not 1/1.01 ms."
    m = Machine()
    b = Benchmark(fake(m, a=lambda n: 1e-3 + 1e-5*n, b=lambda n: 1e-4*n), clock=m.clock, repeats=7)
    slow = b.run_latency_benchmark()
    fast = b.run_throughput_benchmark(batch=32)
    assert {r.unit for r in fast.values()} == {'examples/s'} and {r.metric for r in fast.values()} == {'throughput'}
    np.testing.assert_allclose([fast['a'].median, fast['b'].median], [32/1.32e-3, 32/3.2e-3], rtol=1e-5)
    assert 1/slow['a'].median < fast['a'].median/20              # what 1/latency would have said
    assert slow['a'].median > slow['b'].median and fast['a'].median > fast['b'].median    # and it turns them round
    assert fast['a'].how['batch'] == 32 and b.compare_models('latency').to_frame().unit[0] == 's'

def test_fault_36_a_bar_for_latency_has_a_percentile_or_none():
    m, jitter = Machine(), rng(1)
    b = Benchmark(fake(m, a=lambda n: 1e-3 + (9e-3 if jitter.random() < .2 else 0)), clock=m.clock, repeats=100)
    r = B.all_values(b.run_latency_benchmark()['a'])                 # of builds the record has medians: no tail
    assert r.n == 100 and r.median < 2e-3 < 9e-3 < r.percentile(.9)             # the middle says nothing of the tail
    with pytest.raises(ValueError): r.percentile(.99)

def test_fault_37_the_interval_of_an_accuracy_is_over_examples():
    data = labelled()
    b = Benchmark(dict(a=(mlp(), SHAPE)), data)
    s = b.run_accuracy_benchmark()['a', 'four pixels']
    assert s.n == 60 and s.interval() == wilson(s.right, 60) and s.interval()[1] - s.interval()[0] > .1
    row = b.compare_models('accuracy').to_frame().iloc[0]
    assert (row.value, row.lo, row.hi, row.n) == (s.share, *s.interval(), 60)

def test_fault_38_one_sample_has_no_interval():
    b = Benchmark(dict(a=(mlp(), SHAPE)), repeats=1, min_secs=1e-5)
    row = b.compare_models('latency').to_frame().iloc[0]
    assert row.n == 1 and np.isnan([row.lo, row.hi]).all() and np.isnan(b.done['latency', 1]['a'].sd)
    b = Benchmark(dict(a=(mlp(), SHAPE), b=(mlp(), SHAPE)), repeats=1, min_secs=1e-5)
    with pytest.raises(ValueError, match='too few'): b.compare_models('latency')
    with pytest.raises(ValueError, match='nobody knows'): best('latency', dict(a=(np.nan, np.nan), b=(1, 2)))

def test_fault_39_what_does_not_vary_is_counted_once():
    found = [Benchmark(dict(a=(mlp(), SHAPE))).run_memory_benchmark()['a'] for _ in range(3)]
    for metric in ('weights', 'peak activations'):
        assert len({f[metric].values for f in found}) == 1 and found[0][metric].n == 1
    assert 'one value' in repr(found[0]['weights'])
    table = Benchmark(dict(a=(mlp(), SHAPE), b=(mlp(n=6), SHAPE))).compare_models('weights').to_frame()
    assert (table.lo == table.value).all() and (table.hi == table.value).all()     # exact: its interval is itself
    assert table.verdict.tolist() == ['baseline', 'more'] and table.provenance.tolist() == ['modelled']*2

def test_fault_41_no_global_randomness():
    np.random.seed(7)
    want = np.random.random(3)
    np.random.seed(7)
    b = Benchmark(dict(a=(mlp(), SHAPE), b=(mlp(1), SHAPE)), labelled(), repeats=6, min_secs=1e-5)
    for metric in ('latency', 'throughput', 'accuracy', 'weights'): b.compare_models(metric)
    np.testing.assert_array_equal(np.random.random(3), want)

def test_fault_41_the_seed_decides_the_examples():
    m = as_model('a', mlp(), SHAPE)
    def x(**options): return B.example_batch(m, 8, **options)[0]
    np.testing.assert_array_equal(x(seed=3), x(seed=3))
    assert not np.array_equal(x(seed=3), x(seed=4))
    np.testing.assert_array_equal(x(), B.example_batch(as_model('other', numbers, SHAPE), 8)[0])


# --- comparison

def test_fault_42_two_models_of_one_name_are_refused():
    twice = [as_model('cnn', mlp(0), SHAPE), as_model('mlp', mlp(), SHAPE), as_model('cnn', mlp(1), SHAPE)]
    with pytest.raises(ValueError, match="'cnn'"): Benchmark(twice)
    with pytest.raises(ValueError, match="'cnn'"): B.time_models(twice, dict(cnn=examples(1)[0], mlp=examples(1)[0]))
    with pytest.raises(ValueError, match="listed as 'b'"): Benchmark(dict(b=as_model('a', mlp(), SHAPE)))
    with pytest.raises(ValueError, match="'d'"): Benchmark([as_model('a', mlp(), SHAPE)], [labelled(name='d'), labelled(name='d')])

def test_fault_43_a_name_is_not_a_part_of_another():
    m = Machine()
    models = fake(m, cnn=2e-3, cnn_fp32=1e-3, fp32=4e-3)
    for baseline, want in dict(cnn=[.5, 2], cnn_fp32=[2, 4], fp32=[.5, .25]).items():
        table = Benchmark(models, baseline=baseline, clock=m.clock).compare_models('latency').to_frame().set_index('name')
        assert table.verdict[baseline] == 'baseline' and (table.verdict == 'baseline').sum() == 1
        np.testing.assert_allclose(table.ratio.drop(baseline), want, rtol=1e-4)
    for name in ('CNN', 'cn', 'cnn ', ''):
        with pytest.raises(ValueError, match='to compare with'): Benchmark(models, baseline=name)

@pytest.mark.parametrize('name', ['', ' ', None, 3])
def test_fault_44_no_model_without_a_name(name):
    with pytest.raises(ValueError, match='give it a name'): as_model(name, mlp(), SHAPE)
    with pytest.raises(ValueError, match='give it a name'): Benchmark({name: (mlp(), SHAPE)})
    with pytest.raises(TypeError, match='has no name'): Benchmark([mlp(), mlp()])

def test_fault_45_names_come_out_as_they_went_in():
    names = ['cnn_ms_mbv2', 'a_accuracy', 'latency', 'x/s', 'ratio']
    m = Machine()
    b = Benchmark(fake(m, **dict.fromkeys(names, 1e-3)), labelled(), clock=m.clock, repeats=6)
    assert [k for k,_ in b.run_accuracy_benchmark()] == list(b.run_latency_benchmark()) == list(b.run_memory_benchmark()) == names
    for metric in ('latency', 'accuracy', 'allocated peak'): assert b.compare_models(metric).to_frame().name.tolist() == names

def test_fault_46_slower_is_called_slower_and_the_baseline_can_win():
    m = Machine()
    b = Benchmark(fake(m, base=1e-3, small=2.7e-3, twin=1e-3), clock=m.clock)
    for metric, ratio in dict(latency=2.7, throughput=1/2.7).items():
        table = b.compare_models(metric).to_frame().set_index('name')
        assert table.verdict.to_dict() == dict(base='baseline', small='slower', twin='same')
        np.testing.assert_allclose(table.ratio['small'], ratio, rtol=1e-4)
        assert table.ratio_lo['small'] <= table.ratio['small'] <= table.ratio_hi['small']
        spans = {name: (r.lo, r.hi) for name,r in table.iterrows()}
        assert 'base' in best(metric, spans) and 'small' not in best(metric, spans)

def test_fault_51_each_model_has_its_own_input():
    nets = dict(a=(mlp(), SHAPE), b=(mnist_mlp(rng(), 4), (28, 28, 1)), c=(mlp(pixels=7), (7,)))
    b = Benchmark(nets, **quick)
    assert set(b.run_latency_benchmark(3)) == set('abc') and b.compare_models('latency').to_frame().name.tolist() == list('abc')
    with pytest.raises(ValueError, match='what shape does model'): Benchmark(dict(a=mlp()))
    with pytest.raises(ValueError, match='what shape does model'): Benchmark(dict(a=mlp()), [labelled(), Labelled('d', np.ones((2, 5)), [0, 1])])
    assert Benchmark(dict(a=mlp()), labelled()).models[0].shape == SHAPE
    for shape in ((), 3, (2, -1), (0,), (2.5,), 'ab', None):
        if shape == (): continue
        with pytest.raises(ValueError, match="model 'a'"): as_model('a', mlp(), shape)
    with pytest.raises(ModelError, match=r"takes \(28, 28, 1\) float32 and was given"): B.score_model(b.models[1], labelled())
    x, y = examples()
    with pytest.raises(ModelError, match='float64'): B.score_model(b.models[0], Labelled('d', x.astype(float), y))

def test_fault_52_each_framework_gets_its_own_arrays():
    seen = []
    class Net(Module):
        def forward(self, x):
            seen.append((type(x), x.made))
            return x.reshape(len(x), 4)
    Benchmark(dict(net=(Net(), SHAPE), f=(lambda x: [seen.append((type(x), None)), numbers(x)][1], SHAPE)), **quick).run_latency_benchmark(2)
    assert set(seen) == {(Tensor, None), (np.ndarray, None)}
    with pytest.raises(ModelError, match='could not be fed'):
        B.Watched(as_model('a', mlp(), SHAPE, feed=lambda x: x.no_such), examples(1)[0])
    with pytest.raises(TypeError, match="model 'a' is a dict"): as_model('a', {}, SHAPE)

def test_fault_53_accuracies_are_subtracted():
    data = labelled(400)
    right = np.eye(3)[data.y]*9
    def knows(share, seed):
        wrong = rng(seed).random(400) > share
        answer = {r.tobytes(): (np.roll(a, 1) if w else a) for r,a,w in zip(data.x, right, wrong)}
        return lambda x: np.stack([answer[r.tobytes()] for r in x])
    b = Benchmark(dict(a=(knows(.90, 1), SHAPE), b=(knows(.97, 2), SHAPE), c=(knows(.5, 3), SHAPE), d=(knows(.90, 1), SHAPE)), data)
    table, s = b.compare_models('accuracy').to_frame().set_index('name'), b.run_accuracy_benchmark()
    assert not [c for c in table.columns if 'ratio' in c or 'speed' in c]
    assert table.verdict.to_dict() == dict(a='baseline', b='better', c='worse', d='same')
    gap = accuracy_difference(s['b', 'four pixels'], s['a', 'four pixels'])
    assert (table.difference['b'], table.difference_lo['b'], table.difference_hi['b']) == (gap.estimate, gap.lo, gap.hi)
    assert table.p['b'] == mcnemar(s['b', 'four pixels'], s['a', 'four pixels']) <= table.p_holm['b']


def test_fault_53_interval_and_test_must_agree():
    "Five examples of sixty that only one of them knows: the interval is above 0, but McNemar's p is 2/2**5."
    data = Labelled('d', np.arange(60, dtype=np.float32)[:, None], np.zeros(60, int), classes=2)
    def knows(n): return lambda x: np.stack([x[:, 0]*0 + .5, x[:, 0] >= n], 1)
    for n, said in ((5, 'undecided'), (6, 'better')):
        row = Benchmark(dict(a=(knows(40), (1,)), b=(knows(40 + n), (1,))), data).compare_models('accuracy').to_frame().iloc[1]
        assert (row.difference_lo > 0, row.p, row.verdict) == (True, 2/2**n, said)
    four = Benchmark({str(i): (knows(40 + 6*(i > 0)), (1,)) for i in range(4)}, data).compare_models('accuracy').to_frame()
    assert (four.p[1:] < .05).all() and (four.p_holm[1:] > .05).all() and set(four.verdict[1:]) == {'undecided'}


# --- order, seeds and clocks

def test_the_order_of_models_moves_no_time_to_another():
    def times(order):
        m, jitter = Machine(), {name: rng(i) for i,name in enumerate('abc')}
        secs = {name: (lambda n, name=name: float(jitter[name].integers(1, 99))*2e-4) for name in 'abc'}
        b = Benchmark(fake(m, **{name: secs[name] for name in order}), clock=m.clock, repeats=12)
        return {name: r.values for name,r in b.run_latency_benchmark().items()}
    def whole(values): return np.round(np.array(values)*2**30/8)                    # the reading itself takes a step
    want = times('abc')
    for order in ('acb', 'cba', 'bca'):
        for name,values in times(order).items(): np.testing.assert_array_equal(whole(values), whole(want[name]))

def test_a_budget_fixes_the_rounds_before_they_start():
    m = Machine()
    r = Benchmark(fake(m, a=1e-3, b=3e-3), clock=m.clock, secs=.4, min_secs=1e-6, builds=1).run_latency_benchmark()
    assert r['a'].n == r['b'].n and .3 < r['a'].n*(r['a'].how['inner']*1e-3 + r['b'].how['inner']*3e-3) <= .41

def test_examples_come_from_the_data_where_they_fit():
    data, m = labelled(), as_model('a', mlp(), SHAPE)
    x, source = B.example_batch(m, 100, data=[Labelled('d', np.ones((2, 5)), [0, 1]), data])
    assert source == 'four pixels' and all(any(np.array_equal(row, r) for r in data.x) for row in x)
    assert not np.array_equal(x, B.example_batch(m, 100, 1, data=[data])[0])          # the seed picks them
    doubles = Labelled('doubles', data.x.astype(float), data.y)
    assert B.example_batch(m, 2, data=[doubles])[1] == 'noise' and B.example_batch(m, 2, data=[doubles, data])[1] == 'four pixels'
    assert Benchmark([m], data, **quick).run_latency_benchmark()['a'].how['inputs'] == 'four pixels'
    assert Benchmark([m], **quick).run_latency_benchmark()['a'].how['inputs'] == 'noise'
    for dtype in ('int64', 'uint8', 'bool'):
        with pytest.raises(ValueError, match='give a data set'): B.example_batch(as_model('a', numbers, SHAPE, dtype), 1)
    with pytest.raises(ValueError, match='at least 1'): B.example_batch(m, 0)

def test_data_sets_by_name_and_their_test_part():
    x, y = examples(8)
    d = Dataset(x[:4], y[:4], x[4:], y[4:], 'mine', ('a', 'b', 'c'))
    found = B.as_data(d)[0]
    assert (found.name, found.classes, len(found.y)) == ('mine', 3, 4) and found.x is d.x_test
    assert [f.name for f in B.as_data(dict(yours=d))] == ['yours'] and B.as_data(None) == ()
    with pytest.raises(ValueError, match="listed as 'other'"): B.as_data(dict(other=labelled()))

def test_the_last_run_is_what_is_compared():
    m = Machine()
    b = Benchmark(fake(m, a=lambda n: n*1e-3, b=lambda n: n*2e-3), clock=m.clock, repeats=6)
    b.run_latency_benchmark(4)
    calls = len(m.log)
    np.testing.assert_allclose(b.compare_models('latency').to_frame().value, [4e-3, 8e-3], rtol=1e-4)
    np.testing.assert_allclose(b.compare_models('latency', batch=4).to_frame().value, [4e-3, 8e-3], rtol=1e-4)
    assert len(m.log) == calls
    np.testing.assert_allclose(b.compare_models('latency', batch=2).to_frame().value, [2e-3, 4e-3], rtol=1e-4)
    with pytest.raises(ValueError, match="no metric 'speed'"): b.compare_models('speed')

def test_progress_is_told_and_may_stop_it():
    told = []
    Benchmark(dict(a=(mlp(), SHAPE)), **quick, progress=lambda *a: told.append(a)).run_latency_benchmark()
    assert told == [(i, 8) for i in range(1, 9)]
    def stop(done, total): raise InterruptedError
    b = Benchmark(dict(a=(mlp(), SHAPE)), **quick, progress=stop)
    with pytest.raises(InterruptedError): b.run_latency_benchmark()
    assert b.done == {}

def test_settings_are_checked():
    with pytest.raises(ValueError, match='no model'): Benchmark({})
    with pytest.raises(ValueError, match='at least 1'): Benchmark(dict(a=(mlp(), SHAPE)), processes=0)
    with pytest.raises(ValueError, match='numpy has no type'): as_model('a', mlp(), SHAPE, 'bfloat99')
    assert repr(Benchmark(dict(a=(mlp(), SHAPE)), labelled())) == 'Benchmark(a; on four pixels)'
    assert Benchmark(dict(a=(mlp(), SHAPE))).compare_models('weights').to_frame().verdict.tolist() == ['baseline']


# --- everything as it was

def state_of(net): return [m.training for _,m in net.named_modules()], {k: v.copy() for k,v in net.state_dict().items()}

@pytest.mark.parametrize('mode', [True, False])
def test_models_run_in_evaluation_mode_and_are_put_back(mode):
    net = regular().train(mode)
    net.layers[2].training = not mode                              # also where the layers disagree
    modes, arrays = state_of(net)
    seen = []
    net.layers[0].forward = lambda x, flat=net.layers[0].forward: [seen.append(([m.training for _,m in net.named_modules()], flat(x))), flat(x)][1]
    b = Benchmark(dict(net=(net, SHAPE)), labelled(), builds=1, **quick)               # this object, not a copy
    for metric in ('latency', 'throughput', 'accuracy'): b.compare_models(metric)
    assert not any(any(now) for now,_ in seen) and not any(y.requires_grad for _,y in seen)
    b.run_memory_benchmark()                                       # which records, to count; the modes are off there too
    assert not any(any(now) for now,_ in seen) and state_of(net)[0] == modes
    for k,v in state_of(net)[1].items(): np.testing.assert_array_equal(v, arrays[k])
    assert all(p.grad is None for p in net.parameters()) and (mlp()(np.ones((1, *SHAPE), np.float32))).made is not None

def test_nothing_is_recorded_inside_a_function_either():
    net, made = mlp(), []
    def f(x):
        out = net(Tensor(x))
        made.append(out.made)
        return out
    b = Benchmark([as_model('f', f, SHAPE)], labelled(), **quick)
    for metric in ('latency', 'accuracy', 'allocated peak'): b.compare_models(metric)
    assert made and not any(made)

@pytest.mark.parametrize('error', [KeyboardInterrupt, SystemExit, MemoryError])
@pytest.mark.parametrize('kind', ['latency', 'throughput', 'accuracy', 'memory'])
@pytest.mark.parametrize('at', [1, 2, 25])
def test_ctrl_c_goes_through_and_leaves_all_as_it_was(error, kind, at):
    net, calls = regular().train(), []
    def f(x):
        calls.append(1)
        if len(calls) == at: raise error
        return numbers(x)
    b = Benchmark([as_model('net', net, SHAPE), as_model('f', f, SHAPE)], labelled(600), repeats=40, min_secs=1e-6)
    modes = state_of(net)[0]
    with threadpool_limits(2, 'blas'):
        before = blas_threads()
        run = getattr(b, f'run_{kind}_benchmark')
        if at > 2 and kind in ('accuracy', 'memory'): run()
        else:
            with pytest.raises(ModelError if error is MemoryError else error): run()
            assert b.done == {}
        assert blas_threads() == before
    assert gc.isenabled() and not tracemalloc.is_tracing() and state_of(net)[0] == modes
    assert mlp()(np.ones((1, *SHAPE), np.float32)).made is not None             # recording again

def test_tracing_goes_on_where_it_was_on():
    tracemalloc.start()
    try:
        B.memory_of(as_model('a', mlp(), SHAPE), examples(1)[0])
        assert tracemalloc.is_tracing()
    finally: tracemalloc.stop()

def test_a_model_that_writes_into_its_input():
    def f(x):
        x *= .5
        return numbers(x)
    with pytest.raises(ModelError, match='wrote into its input'): Benchmark([as_model('f', f, SHAPE)], **quick).run_latency_benchmark()
    x, y = examples()
    with pytest.raises(ModelError, match='wrote into its input'): B.score_model(as_model('f', f, SHAPE), Labelled('d', x, y))
    np.testing.assert_array_equal(x, examples()[0])


# --- checks

@given(st.integers(1, 5), st.lists(st.integers(1, 4), max_size=3), st.sampled_from([np.nan, np.inf, -np.inf, 0.]), st.data())
def test_an_output_counts_if_it_is_finite_numbers_of_the_shape(n, rest, value, data):
    y = np.ones((n, *rest), np.float32)
    y.flat[data.draw(st.integers(0, y.size - 1))] = value
    if value == 0: assert check_output('a', y, n, tuple(rest)) is y and check_output('a', y, n) is y
    else:
        with pytest.raises(ModelError, match='NaN or inf'): check_output('a', y, n)
    with pytest.raises(ModelError, match='instead of'): check_output('a', y, n + 1)
    with pytest.raises(ModelError, match='instead of'): check_output('a', y, n, (*rest, 1))

def test_the_shape_of_an_output_may_not_change():
    shapes = itertools.cycle([(4, 3), (4, 5)])
    with pytest.raises(ModelError, match='instead of'):
        B.time_models([as_model('a', lambda x: np.ones(next(shapes)), SHAPE)], dict(a=examples(4)[0]), **quick)


# --- PyTorch and ONNX Runtime

def torch_net(torch, train=True):
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5), torch.nn.Dropout(.5),
                              torch.nn.ReLU(), torch.nn.Linear(5, 3))
    return net.train(train)

def test_torch_in_evaluation_mode_and_back(torch):
    net, data, had = torch_net(torch), labelled(), torch.get_num_threads()
    net[3].eval()
    torch.set_num_threads(2)
    try:
        modes, state = [m.training for m in net.modules()], {k: v.clone() for k,v in net.state_dict().items()}
        m = as_model('torch', net, SHAPE)
        b = Benchmark([m, as_model('ours', mlp(), SHAPE)], data, **quick)
        score = b.run_accuracy_benchmark()['torch', 'four pixels']
        assert set(b.run_latency_benchmark()) == set(b.run_throughput_benchmark(8)) == {'torch', 'ours'}
        with B.running([m], 1): assert torch.get_num_threads() == 1 and torch.is_inference_mode_enabled() and not net.training
        assert torch.get_num_threads() == 2 and not torch.is_inference_mode_enabled()
        assert [m.training for m in net.modules()] == modes and all(torch.equal(v, state[k]) for k,v in net.state_dict().items())
    finally: torch.set_num_threads(had)
    with torch.no_grad(): want = net.eval()(torch.from_numpy(data.x)).argmax(1).numpy() == data.y
    assert score.hits == tuple(want.tolist())

def test_torch_memory_is_what_can_be_known(torch):
    net = torch_net(torch)
    found = B.memory_of(as_model('torch', net, SHAPE), examples(1)[0])
    assert list(found) == ['weights'] and found['weights'].values[0] == 4*(4*5 + 5 + 5*4 + 5*3 + 3) + 8
    assert dict(found['weights'].how['by_dtype']) == {'float32': 4*(4*5 + 5 + 5*4 + 5*3 + 3), 'int64': 8}

def test_torch_takes_its_own_shape_or_another_with_feed(torch):
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 2), torch.nn.Flatten())
    x, y = examples(9, shape=(2, 2, 1))
    def feed(x): return torch.from_numpy(x.transpose(0, 3, 1, 2).copy())
    own, fed = as_model('own', net, (1, 2, 2)), as_model('fed', net, (2, 2, 1), feed=feed)
    with pytest.raises(ModelError, match='takes'): B.score_model(own, Labelled('d', x, y))
    np.testing.assert_array_equal(B.answers(fed, x), B.answers(own, x.transpose(0, 3, 1, 2)))
    with pytest.raises(ModelError, match="model 'bad' raised RuntimeError"): B.answers(as_model('bad', net, (2, 2, 1)), x)
    def needs_grad(x): return net(torch.from_numpy(x).reshape(-1, 1, 2, 2))
    assert B.answers(as_model('f', lambda x: needs_grad(x).detach(), (2, 2, 1)), x).shape == (9, 3)

def test_torch_gets_to_another_process_as_it_is(torch):
    "And the weights that stay here are not moved into shared memory on the way."
    net = torch_net(torch).eval()
    m = as_model('torch', net, SHAPE)
    job = B.OwnPickler.loads(B.packed([m], xs={}))
    assert not any(p.is_shared() for p in net.parameters())
    np.testing.assert_array_equal(B.answers(job['models'][0], examples()[0]), B.answers(m, examples()[0]))

def protobuf(*fields):
    "The bytes of a protobuf message of (number, value) pairs: whole numbers, text, bytes."
    def varint(n): return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)
    def field(k, v):
        if isinstance(v, int): return varint(k << 3) + varint(v)
        v = v.encode() if isinstance(v, str) else v
        return varint(k << 3 | 2) + varint(len(v)) + v
    return b''.join(field(*f) for f in fields)

def onnx_matmul(w):
    "An ONNX model that multiplies (n, k) by `w`."
    def value(name, width):
        dims = protobuf((1, protobuf((2, 'n'))), (1, protobuf((1, width))))
        return protobuf((1, name), (2, protobuf((1, protobuf((1, 1), (2, dims))))))
    weights = protobuf((1, w.shape[0]), (1, w.shape[1]), (2, 1), (8, 'w'), (9, w.tobytes()))
    node = protobuf((1, 'x'), (1, 'w'), (2, 'y'), (4, 'MatMul'))
    graph = protobuf((1, node), (2, 'g'), (5, weights), (11, value('x', w.shape[0])), (12, value('y', w.shape[1])))
    return protobuf((1, 8), (7, graph), (8, protobuf((1, ''), (2, 13))))

def onnx_session(w, threads=1):
    ort = pytest.importorskip('onnxruntime', reason='needs onnxruntime')
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    return ort.InferenceSession(onnx_matmul(w), options, providers=['CPUExecutionProvider'])

def test_onnx_runtime():
    w = rng(3).standard_normal((4, 3)).astype(np.float32)
    m = as_model('ort', onnx_session(w), (4,))
    x, y = examples(30, shape=(4,))
    assert (m.kind, m.dtype) == ('onnxruntime', 'float32')
    np.testing.assert_allclose(B.answers(m, x), x @ w, rtol=1e-4, atol=1e-6)
    b = Benchmark([as_model('ours', lambda x: x @ w, (4,)), m], Labelled('d', x, y), **quick)
    assert b.compare_models('accuracy').to_frame().difference[1] == 0 and b.compare_models('latency').to_frame().name.tolist() == ['ours', 'ort']
    assert b.run_memory_benchmark()['ort'] == {} and b.compare_models('weights').to_frame().verdict.tolist() == ['not known']*2
    with pytest.raises(ModelError, match="model 'ort' raised"): B.answers(as_model('ort', onnx_session(w), (5,)), examples(2, shape=(5,))[0])
    with pytest.raises(ValueError, match="model 'ort' cannot be sent"): B.packed([m])

@pytest.mark.parametrize('threads', [0, 2])
def test_onnx_runtime_on_other_threads_is_refused(threads):
    m = as_model('ort', onnx_session(np.ones((4, 3), np.float32), threads), (4,))
    with pytest.raises(ValueError, match=f"'ort'.*{threads or 'all'} threads.*intra_op_num_threads is 1"): Benchmark([m]).run_latency_benchmark()
    Benchmark([m], threads=None, **quick).run_latency_benchmark()


# --- builds: copies, whose arrays lie elsewhere

class Placed(Works):
    "Works that takes longer or shorter in each copy, as its arrays lie."
    place = 1.
    def __deepcopy__(self, memo):
        new = Placed(self.machine, self.secs)
        new.place = float(self.machine.rng.lognormal(0, .02))
        return new
    def forward(self, x):
        self.machine.now += self.secs*self.place*self.machine.rng.lognormal(0, .01)
        return x

def twins(seed, **options):
    "Two equal networks on a pretend machine, compared."
    m = Pretend(seed)
    models = {k: (copy.deepcopy(Sequential(Placed(m), Flatten())), (4,)) for k in 'ab'}
    b = Benchmark(models, min_secs=1e-6, clock=m.clock, **options)
    return compare_results(b.run_latency_benchmark())['b']

def test_equal_networks_are_different_objects_but_not_different_builds():
    "150 pairs prove that two objects differ. Ten builds: alarms in 5 % of 120 runs (1e-4 by the binomial: 16)."
    assert sum(twins(i, repeats=150, builds=1).p < .05 for i in range(20)) >= 15
    found = [twins([1, i], repeats=40, builds=10) for i in range(120)]
    assert sum(r.p < .05 for r in found) <= 16 and {(r.ratio.n, r.ratio.of) for r in found} == {(10, 'builds')}
    assert sum(r.ratio.lo <= 1 <= r.ratio.hi for r in found) >= 104

def test_builds_share_the_rounds_out():
    seen, made = [], mlp()
    b = Benchmark(dict(a=(made, SHAPE), b=(numbers, SHAPE)), repeats=10, builds=4, min_secs=1e-5, progress=lambda *a: seen.append(a))
    for found in (b.run_latency_benchmark(), b.run_throughput_benchmark(8)):
        for r in found.values():
            within = np.array(r.how['within'])
            assert r.n == 4 and within.shape == (4, 3) and r.values == pytest.approx(np.median(within, 1))
            assert r.how['builds'] == 4 and r.how['seed'] == ((0, 0), (0, 1), (0, 2), (0, 3)) and BenchmarkResult.from_dict(r.to_dict()) == r
    assert seen[:12] == [(i, 12) for i in range(1, 13)]
    many = Benchmark(dict(a=(made, SHAPE), b=(mlp(), SHAPE)), repeats=12, builds=6, min_secs=1e-5)
    many.run_latency_benchmark()
    assert 'n=6 builds' in repr(compare_results(many.done['latency', 1])) and len(many.compare_models('latency').to_frame()) == 2

def test_copies_lie_elsewhere_each_time_as_long_as_there_is_room(monkeypatch):
    "An address that is free again would be used again: two places in turns, and not ten."
    places = []
    class Seen(Dense):
        def forward(self, x):
            places.append(self.w.data.__array_interface__['data'][0])
            return super().forward(x)
    net = Sequential(Flatten(), Seen(4, 3000, rng()), Dense(3000, 3, rng()))
    def run(): return Benchmark(dict(a=(net, SHAPE)), repeats=8, builds=8, min_secs=1e-5).run_latency_benchmark()
    run()
    assert len(set(places)) == 8
    assert B.copies_kept([as_model('a', net, SHAPE)]) == 2**30//sum(p.data.nbytes for p in net.parameters())
    assert B.copies_kept([as_model('a', net, SHAPE), as_model('f', numbers, SHAPE)]) == 1
    monkeypatch.setattr('tinybench.backends.base.KEPT', 1)
    places.clear()
    run()
    assert B.copies_kept([as_model('a', net, SHAPE)]) == 1 and 2 <= len(set(places)) < 8

def test_what_builds_cannot_do_is_said():
    class Session:
        def __call__(self, x): return numbers(x)
        def __deepcopy__(self, memo): raise TypeError('a session is no thing to copy')
    with pytest.raises(ModelError, match="model 's' cannot be copied, say builds=1.*no thing to copy"):
        Benchmark(dict(s=(Session(), SHAPE)), builds=6).run_latency_benchmark()
    with pytest.raises(ValueError, match='0 builds: at least 1'): Benchmark(dict(a=(mlp(), SHAPE)), builds=0)


# --- fresh processes

def with_path(): return dict(os.environ, PYTHONPATH=os.pathsep.join(p for p in sys.path if p))
def dies(x): os._exit(3)
def broken(x): raise ArithmeticError('a long way from home')
def slow(x):
    import time
    time.sleep(60)

def test_fresh_processes_give_a_value_each():
    seen = []
    b = Benchmark(dict(a=(mlp(), SHAPE), b=(numbers, SHAPE)), repeats=5, min_secs=1e-5, processes=2, progress=lambda *a: seen.append(a))
    found = b.run_latency_benchmark()
    assert seen == [(1, 2), (2, 2)]
    for r in found.values():
        within = np.array(r.how['within'])
        assert r.n == 2 and within.shape == (2, 5) and r.values == tuple(np.median(within, 1))
        assert r.how['processes'] == 2 and list(r.how['seed']) == [(0, 0), (0, 1)] and r.how['inputs'] == 'noise'
        assert r.env['blas_threads'] == 1 and BenchmarkResult.from_dict(r.to_dict()) == r
    assert found['a'].how['run'] == found['b'].how['run']              # pairs, so they can be compared
    with pytest.raises(ValueError, match='too few'): b.compare_models('latency')

def test_builds_in_fresh_processes():
    "Each process is one value, of the rounds of all its builds."
    b = Benchmark(dict(a=(mlp(), SHAPE), b=(numbers, SHAPE)), repeats=6, builds=3, min_secs=1e-5, processes=2)
    for r in b.run_throughput_benchmark(8).values():
        within = np.array(r.how['within'])
        assert r.n == 2 and within.shape == (2, 6) and (r.how['processes'], r.how['builds']) == (2, 3)
        secs = 8/within.reshape(2, 3, 2)
        assert r.values == pytest.approx(8/np.median(np.median(secs, 2), 1))
        assert r.how['seed'] == (((0, 0, 0), (0, 0, 1), (0, 0, 2)), ((0, 1, 0), (0, 1, 1), (0, 1, 2)))
        assert BenchmarkResult.from_dict(r.to_dict()) == r
    q, _ = ratio_and_p(*b.done['throughput', 8].values())
    assert (q.n, q.of) == (2, 'processes')

def test_whether_a_fresh_process_would_get_the_models():
    assert B.unsent([as_model('a', mlp(), SHAPE)], clock=time.perf_counter) == ''
    assert "model 'f' cannot be sent" in B.unsent([as_model('f', lambda x: numbers(x), SHAPE)])
    assert 'a setting cannot be sent' in B.unsent([as_model('a', mlp(), SHAPE)], clock=lambda: 0.)

def test_processes_of_different_environments_are_not_joined():
    def run(env): return dict(a=BenchmarkResult('a', 'latency', 's', [1., 2.], 'measured', dict(seed=0, inner=1), env))
    assert B.by_run([run(dict(cpu='x'))]*2)['a'].values == (1.5, 1.5)
    with pytest.raises(ValueError, match='a: environments differ'): B.by_run([run(dict(cpu='x')), run(dict(cpu='y'))])

def test_a_model_that_fails_in_another_process():
    with pytest.raises(ModelError, match="model 'f' raised ArithmeticError: a long way from home") as e:
        Benchmark(dict(f=(broken, SHAPE)), processes=2).run_latency_benchmark()
    assert e.value.name == 'f'

def test_a_process_that_dies_says_so():
    with pytest.raises(ChildProcessError, match='ended without a word'): Benchmark(dict(f=(dies, SHAPE)), processes=2).run_latency_benchmark()

def test_what_cannot_be_sent_says_so():
    with pytest.raises(ValueError, match="model 'f' cannot be sent.*processes=1"):
        Benchmark(dict(ok=(mlp(), SHAPE), f=(lambda x: numbers(x), SHAPE)), processes=2).run_latency_benchmark()
    with pytest.raises(ValueError, match='a setting cannot be sent'):
        Benchmark(dict(ok=(mlp(), SHAPE)), processes=2, clock=lambda: 0.).run_latency_benchmark()

def test_what_stands_in_no_module_says_so(tmp_path):
    "As in a notebook: the other process has never heard of it."
    typed = ('from tinybench.bench.benchmark import Benchmark\ndef g(x): return x\n'
             'Benchmark(dict(g=(g, (2,))), processes=2).run_latency_benchmark()\n')
    out = subprocess.run([sys.executable, '-c', typed], capture_output=True, text=True, cwd=tmp_path, env=with_path())
    last = out.stderr.splitlines()[-1]
    assert out.returncode and last.startswith('ChildProcessError') and "'g'" in last and 'only what stands in a module' in last

@pytest.mark.skipif(not hasattr(signal, 'setitimer'), reason='needs setitimer')
def test_ctrl_c_ends_the_other_process():
    import multiprocessing
    had = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 1.5)
    try:
        with pytest.raises(KeyboardInterrupt): Benchmark(dict(f=(slow, SHAPE)), processes=2).run_latency_benchmark()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, had)
    assert multiprocessing.active_children() == []

def test_networks_of_the_zoo_can_be_sent():
    from tinybench.models.zoo import MODELS, create
    shapes = dict(mnist_mlp=(28, 28, 1), cifar_cnn=(32, 32, 3), simple_cnn=(8, 8, 1), ds_cnn=(49, 10, 1), resnet8=(32, 32, 3),
                  mobilenet_v1_025=(96, 96, 3), fc_autoencoder=(640,), sww_cnn=(30, 1, 40))
    for name in MODELS:
        m = as_model(name, create(name, rng()), shapes[name])
        x, _ = B.example_batch(m, 1)
        want = B.answers(m, x)
        again = B.OwnPickler.loads(B.packed([m], xs={}))['models'][0]
        np.testing.assert_array_equal(B.answers(again, x), want)


# --- light

def test_frameworks_are_imported_by_who_uses_them():
    code = ('import sys; from tinybench.bench.benchmark import Benchmark, as_model; import numpy as np\n'
            'Benchmark([as_model("f", lambda x: x, (2,))], repeats=1).run_latency_benchmark()\n'
            'heavy = {"torch", "onnxruntime", "pandas", "matplotlib", "scipy.stats", "sklearn"} & set(sys.modules)\n'
            'assert not heavy, heavy')
    subprocess.run([sys.executable, '-c', code], check=True, env=with_path())


# --- what a hostile model may try

W = np.random.default_rng(0).normal(size=(4, 3)).astype('float32')
def good(x): return x@W
X = np.ones((2, 4), np.float32)

@pytest.mark.parametrize('name', ['a\nb', 'a\u2028b', '\x1b[31mred', ' ', '\ud800'])
def test_a_name_can_be_seen(name):
    with pytest.raises(ValueError, match='letters that can be seen'): Model(name, good, (4,))

def test_quantised_weights_of_torch_are_not_zero_bytes(torch):
    net = torch.nn.Sequential(torch.nn.Linear(4, 3))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')                 # PyTorch says that this is to move elsewhere
        int8 = torch.ao.quantization.quantize_dynamic(net, {torch.nn.Linear}, dtype=torch.qint8)
        b = Benchmark([as_model('fp32', net, (4,)), as_model('int8', int8, (4,), 'float32')], repeats=6, min_secs=1e-4)
        found = b.compare_models('weights').to_frame().set_index('name')
        assert found.verdict['int8'] == 'not known' and found.value['fp32'] == 60
        assert BenchmarkSuite(b.models, repeats=6, min_secs=1e-4).run(False).ok

def test_nan_now_and_then_is_seen_in_one_sample():
    calls = []
    def sometimes(x):
        calls.append(1)
        return x@W*(np.nan if len(calls) % 50 == 0 else 1)
    with pytest.raises(ModelError, match='NaN or inf'): B.time_models([as_model('s', sometimes, (4,))], dict(s=X), repeats=6)

def test_work_that_waits_is_not_timed():
    class Later:
        def __array__(self, dtype=None, copy=None): return X@W
    with pytest.raises(ModelError, match='may not be computed yet'):
        B.time_models([as_model('lazy', lambda x: Later(), (4,))], dict(lazy=X), repeats=6)

def test_a_copy_that_is_written_to_is_an_input_too():
    def wrote(x):
        x *= .5
        return x@W
    with pytest.raises(ModelError, match='wrote into its input'):
        B.time_models([as_model('w', wrote, (4,), feed=lambda x: x.copy())], dict(w=X), repeats=6)

def test_the_width_of_outputs_may_not_depend_on_the_batch():
    odd = as_model('odd', lambda x: np.ones((len(x), 3 if len(x) > 1 else 2)), (4,))
    with pytest.raises(ModelError, match='gave outputs of'): B.answers(odd, np.ones((3, 4), np.float32), rows=2)

def test_throughput_of_processes_is_throughput_throughout():
    b = Benchmark([Model('m', np.tanh, (4,))], repeats=6, processes=2, min_secs=1e-4)
    r = b.run_throughput_benchmark(8)['m']
    assert min(min(v) for v in r.how['within']) > 1000 and np.median(r.how['within'][0]) == pytest.approx(r.values[0], rel=.2)

def test_other_examples_under_one_name_are_no_pairs():
    def of(seed):
        r = np.random.default_rng(seed)
        return B.score_model(as_model('m', good, (4,)), Labelled('set', r.normal(size=(20, 4)).astype('float32'), r.integers(0, 3, 20), 3))
    assert accuracy_difference(of(0), of(0)).estimate == 0
    with pytest.raises(ValueError, match='other examples'): accuracy_difference(of(0), of(1))

def test_a_clock_of_nanoseconds_is_none_and_another_one_is_noted():
    with pytest.raises(ValueError, match='counts nanoseconds'): clock_resolution(time.perf_counter_ns)
    found = B.time_models([as_model('g', good, (4,))], dict(g=X), repeats=6, clock=time.monotonic)
    assert found['g'].how['clock'] == 'monotonic'


# --- what a person reads

def test_standings_are_read_like_a_comparison():
    b = Benchmark(dict(a=(mlp(), SHAPE), f=(numbers, SHAPE)), repeats=8)
    said = b.compare_models('latency')
    lines = repr(said).splitlines()
    assert lines[0].split() == ['name', 'latency', 'ratio', 'p', '(Holm)', 'verdict'] and len(lines) == 4 and '...' not in repr(said)
    assert lines[1].startswith('a ') and 'baseline' in lines[1] and lines[2].startswith('f ') and '[' in lines[2]
    assert lines[3] == 'ratio to a, within 2% the same; n=8, at 95%'
    assert said._repr_markdown_().count('|') > 10 and list(said.to_frame().columns)[:3] == ['name', 'value', 'lo']

def test_what_is_not_known_says_how_to_tell():
    b = Benchmark(dict(net=(mlp(), SHAPE), f=(numbers, SHAPE)), repeats=8)
    said = repr(b.compare_models('weights'))
    assert 'not known' in said and 'Not known: weights of f; as_model(…, weights=lambda: bytes_of(arrays)) tells them' in said
    assert said.splitlines()[0].split()[:2] == ['name', 'weights']       # and no empty column of data
    assert 'Not known: peak activations of f; as_model(…, activations=' in repr(b.compare_models('peak activations'))
    told = as_model('f', numbers, SHAPE, weights=lambda: bytes_of([np.zeros(5, np.float32)]))
    assert 'Not known' not in repr(Benchmark([as_model('net', mlp(), SHAPE), told]).compare_models('weights'))
    sizes = repr(Benchmark(dict(a=(mlp(), SHAPE), b=(mlp(n=6), SHAPE)), repeats=8).compare_models('weights'))
    assert 'more' in sizes and sizes.endswith('ratio to a; counted, so exact')

def test_nothing_known_is_not_called_exact_and_bytes_have_no_level():
    b = Benchmark(dict(f=(numbers, SHAPE), g=(lambda x: numbers(x), SHAPE)), repeats=8)
    said = repr(b.compare_models('weights')).splitlines()
    assert len(said) == 4 and said[-1].startswith('Not known: weights of f, g;')
    assert repr(b.compare_models('allocated peak')).endswith('ratio to f, within 2% the same; n=1')
