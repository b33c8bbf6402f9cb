"Ways in which a hostile reviewer once got a wrong number out of tinybench, or none where one was due."
import json, time, warnings
import numpy as np
import pytest
from tinybench.backends.base import Model, ModelError, as_model
from tinybench.bench.benchmark import Benchmark, Labelled, answers, score_model, time_models
from tinybench.bench.report import whole_folder
from tinybench.bench.suite import BenchmarkSuite, SuiteResult, load_suite
from tinybench.cli import main
from tinybench.cli.plan import make_model
from tinybench.measure.accuracy import accuracy_difference
from tinybench.measure.clock import clock_resolution
from tinybench.measure.compare import compare_runs
from tinybench.profile.memory import Profiler
from tinybench.measure.result import BenchmarkResult, load_json, save_json
from tinybench.base.text import aligned
from tinybench.nn.dense import Dense
from tinybench.show.plot import drawable

W = np.random.default_rng(0).normal(size=(4, 3)).astype('float32')
def good(x): return x@W
X = np.ones((2, 4), np.float32)

def status(*args):
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0

def record(name='a', k=1., **how):
    return BenchmarkResult(name, 'latency', 's', k*np.random.default_rng(0).lognormal(0, .01, 30)*1e-4, 'measured', how)

def test_a_model_that_vanished_is_no_pass(tmp_path, capsys):
    old, new = save_json([record('a'), record('b')], tmp_path/'old.json'), save_json([record('a')], tmp_path/'new.json')
    assert status('compare', old, new, '--fail-above', '5%') == 1 and 'b: did it fail?' in capsys.readouterr().err
    assert status('compare', old, new, '--fail-above', '5%', '--name', 'a') == 0

def test_two_of_one_name_in_a_file_are_refused(tmp_path, capsys):
    old = save_json([record('a')], tmp_path/'old.json')
    (tmp_path/'new.json').write_text(json.dumps(dict(schema=1, results=[record('a').to_dict(), record('a', 5.).to_dict()])))
    assert status('compare', old, tmp_path/'new.json') == 1 and 'two results are called' in capsys.readouterr().err

@pytest.mark.parametrize('key, one, two', [('batch', 1, 32), ('threads', 1, 2), ('processes', 6, 7)])
def test_runs_that_were_taken_otherwise_are_not_compared(key, one, two):
    with pytest.raises(ValueError, match=f'measured with other {key}'):
        compare_runs(record(**{key: one}), record(**{key: two}), unpaired=True)
    assert compare_runs(record(**{key: one}), record(**{key: two}), unpaired=True, differ=[key]).rows

@pytest.mark.parametrize('name', ['a\nb', 'a\u2028b', '\x1b[31mred', ' ', '\ud800'])
def test_a_name_can_be_seen(name):
    with pytest.raises(ValueError, match='letters that can be seen'): Model(name, good, (4,))

def test_quantised_weights_of_torch_are_not_zero_bytes(torch):
    net = torch.nn.Sequential(torch.nn.Linear(4, 3))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')                 # PyTorch says that this is to move elsewhere
        int8 = torch.ao.quantization.quantize_dynamic(net, {torch.nn.Linear}, dtype=torch.qint8)
        b = Benchmark([as_model('fp32', net, (4,)), as_model('int8', int8, (4,), 'float32')], repeats=6, min_secs=1e-4)
        found = b.compare_models('weights').set_index('name')
        assert found.verdict['int8'] == 'not known' and found.value['fp32'] == 60
        assert BenchmarkSuite(b.models, repeats=6, min_secs=1e-4).run(False).ok

def test_nan_now_and_then_is_seen_in_one_sample():
    calls = []
    def sometimes(x):
        calls.append(1)
        return x@W*(np.nan if len(calls) % 50 == 0 else 1)
    with pytest.raises(ModelError, match='NaN or inf'): time_models([as_model('s', sometimes, (4,))], dict(s=X), repeats=6)

def test_work_that_waits_is_not_timed():
    class Later:
        def __array__(self, dtype=None, copy=None): return X@W
    with pytest.raises(ModelError, match='may not be computed yet'):
        time_models([as_model('lazy', lambda x: Later(), (4,))], dict(lazy=X), repeats=6)

def test_a_copy_that_is_written_to_is_an_input_too():
    def wrote(x):
        x *= .5
        return x@W
    with pytest.raises(ModelError, match='wrote into its input'):
        time_models([as_model('w', wrote, (4,), feed=lambda x: x.copy())], dict(w=X), repeats=6)

def test_the_width_of_outputs_may_not_depend_on_the_batch():
    odd = as_model('odd', lambda x: np.ones((len(x), 3 if len(x) > 1 else 2)), (4,))
    with pytest.raises(ModelError, match='gave outputs of'): answers(odd, np.ones((3, 4), np.float32), rows=2)

@pytest.mark.parametrize('part', ['weights', 'ready'])
def test_whatever_belongs_to_a_model_is_its_own_fault(part):
    def broken(*args): raise ZeroDivisionError('by zero')
    found = BenchmarkSuite([as_model('good', good, (4,)), as_model('bad', good, (4,), **{part: broken})], repeats=6, min_secs=1e-4).run(False)
    assert list(found.failures) == ['bad'] and {r.name for r in found.results} == {'good'}

def test_a_clock_of_nanoseconds_is_none_and_another_one_is_noted():
    with pytest.raises(ValueError, match='counts nanoseconds'): clock_resolution(time.perf_counter_ns)
    found = time_models([as_model('g', good, (4,))], dict(g=X), repeats=6, clock=time.monotonic)
    assert found['g'].how['clock'] == 'monotonic'

def test_throughput_of_processes_is_throughput_throughout():
    from tinybench.measure.accuracy import wilson
    b = Benchmark([Model('m', np.tanh, (4,))], repeats=6, processes=2, min_secs=1e-4)
    r = b.run_throughput_benchmark(8)['m']
    assert min(min(v) for v in r.how['within']) > 1000 and np.median(r.how['within'][0]) == pytest.approx(r.values[0], rel=.2)

def test_other_examples_under_one_name_are_no_pairs():
    def of(seed):
        r = np.random.default_rng(seed)
        return score_model(as_model('m', good, (4,)), Labelled('set', r.normal(size=(20, 4)).astype('float32'), r.integers(0, 3, 20), 3))
    assert accuracy_difference(of(0), of(0)).estimate == 0
    with pytest.raises(ValueError, match='other examples'): accuracy_difference(of(0), of(1))

class Waits(Dense):
    pause = 0.
    def forward(self, x):
        time.sleep(self.pause)
        return super().forward(x)

def test_an_attribute_of_a_layer_is_part_of_it(tmp_path):
    def run(pause):
        net = Waits(4, 3, np.random.default_rng(0))
        net.pause = pause
        return BenchmarkSuite({'net': (net, (4,))}, out=tmp_path, repeats=6, min_secs=1e-4).run(False)
    assert run(0.).ok
    with pytest.raises(ValueError, match='models.net.state'): run(.001)

def test_a_name_in_a_plan_is_the_name(tmp_path, monkeypatch):
    (tmp_path/'doubt_nets.py').write_text('from tinybench.backends.base import Model\ndef f(): return Model("other", abs, (3,))')
    monkeypatch.chdir(tmp_path)
    assert make_model('fast', dict(use='doubt_nets:f')).name == 'fast'

def test_a_model_that_prints_or_exits(tmp_path, monkeypatch, capsys):
    (tmp_path/'loud_nets.py').write_text('import sys\ndef loud():\n    def f(x):\n        print("hello")\n        return x\n    return f\n'
                                         'def leave(): return lambda x: sys.exit(0)')
    monkeypatch.chdir(tmp_path)
    def suite(use):
        (tmp_path/'s.toml').write_text(f'repeats = 6\n[models.m]\nuse = "loud_nets:{use}"\nshape = [3]')
        return status('run', 's.toml', '--json')
    assert suite('loud') == 0 and json.loads(capsys.readouterr().out)['names'] == ['m']
    assert suite('leave') == 1 and 'ended the process' in capsys.readouterr().err

def test_a_folder_that_somebody_wrote_into_meanwhile_is_kept(tmp_path):
    with pytest.raises(FileExistsError, match='will not be replaced'):
        with whole_folder(tmp_path/'out', 'suite'):
            (tmp_path/'out').mkdir()
            (tmp_path/'out'/'notes.txt').write_text('mine')
    assert (tmp_path/'out'/'notes.txt').read_text() == 'mine'

def test_foreign_files_are_refused_in_words(tmp_path):
    path = tmp_path/'r.json'
    for text in ('{"schema": 99, "results": []}', '['*100_000, '{"results": 5}'):
        path.write_text(text)
        with pytest.raises(ValueError, match='r.json'): load_json(path)
    good_one = BenchmarkSuite([as_model('g', good, (4,))], repeats=6, min_secs=1e-4).run(False).to_dict()
    for change in (dict(names='ab'), dict(failures=[]), dict(results=5), dict(schema=0)):
        path.write_text(json.dumps(good_one | change))
        with pytest.raises(ValueError, match='r.json'): load_suite(path)
    assert isinstance(SuiteResult.from_dict(good_one), SuiteResult)

def test_the_profiler_takes_what_it_is_told():
    net = Dense(4, 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match='cannot take 0 samples'): Profiler(repeats=7).measure_latency(net, X, repeats=0)
    net.w.data[0, 0] = np.nan
    with pytest.raises(ValueError, match='NaN or inf'): Profiler().measure_latency(net, X)
    with pytest.raises(ValueError, match='not below 0'): BenchmarkResult('m', 'weights', 'B', -5, 'modelled')

def test_names_are_drawn_letter_by_letter():
    assert drawable('plain') == 'plain' and drawable('a$^$ b').count('\\$') == 2 and not drawable('_hidden').startswith('_')

def test_a_line_break_from_a_file_puts_no_number_under_another_heading():
    table = [['a\nb', '1'], ['c\u2028d\r', '22']]
    assert aligned(table) == 'a b  1\nc d  22' and aligned(table, left=1) == 'a b   1\nc d  22'

def test_a_race_names_our_version_and_numpys(tmp_path):
    from tinybench import __version__
    from tinybench.race import race
    said = repr(race('digits', against=(), epochs=1, repeats=1, trials=2))
    assert f'tinybench {__version__}, numpy {np.__version__}' in said and f'numpy {__version__}' not in said
