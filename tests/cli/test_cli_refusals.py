"Refusals on the command line: results that vanished or come twice, names of a plan, models that print or end the process."
import json
import numpy as np
import pytest
from tinybench.cli import main
from tinybench.cli.plan import make_model
from tinybench.measure.result import BenchmarkResult, save_json

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

def test_what_has_no_ratio_is_refused_with_file_model_and_value(tmp_path, capsys):
    def file(name, *records): return save_json(records, tmp_path/name)
    def rate(name, *values): return BenchmarkResult(name, 'throughput', 'examples/s', values, 'measured')
    good, idle = file('good.json', rate('p', *range(1, 31))), file('idle.json', rate('p', 3, 0, *range(1, 29)))
    for a, b in ((good, idle), (idle, good), (idle, idle)):
        assert status('compare', a, b, '--metric', 'throughput') == 1
        said = capsys.readouterr().err
        assert 'idle.json: p has a throughput of 0 examples/s, and a ratio takes values above 0' in said and 'Warning' not in said
    below = file('below.json', rate('p', -2.5, *range(1, 30)))
    assert status('compare', good, below, '--metric', 'throughput') == 1 and 'p has a throughput of -2.5' in capsys.readouterr().err
    sizes = [file(f'{n}.json', BenchmarkResult('p', 'weights', 'B', n, 'modelled')) for n in (0, 8)]
    assert status('compare', *sizes, '--metric', 'weights') == 1 and '0.json: p has a weights of 0 B' in capsys.readouterr().err

def test_too_few_values_are_refused_with_file_and_metric(tmp_path, capsys):
    few = BenchmarkResult('q', 'latency', 's', [1e-3, 2e-3], 'measured')
    a, b = save_json([record('p'), record('q')], tmp_path/'a.json'), save_json([record('p'), few], tmp_path/'b.json')
    assert status('compare', a, b) == 1
    assert 'b.json: q has 2 values of latency, and an interval at 95% takes 6; choose another with --name' in capsys.readouterr().err
    assert status('compare', a, b, '--name', 'p') == 0

def test_what_differs_is_said_with_metric_and_files(tmp_path, capsys):
    a, b = save_json([record('p', batch=1)], tmp_path/'a.json'), save_json([record('p', batch=8)], tmp_path/'b.json')
    said = status('compare', a, b), capsys.readouterr().err
    assert said[0] == 1 and 'latency in ' in said[1] and 'b.json: these runs' in said[1] and 'p was measured with other batch' in said[1]

def test_bytes_are_compared(tmp_path, capsys):
    def size(n, metric='weights', provenance='modelled'): return BenchmarkResult('p', metric, 'B', n, provenance)
    a = save_json([size(1000), size(10**6, 'allocated peak', 'measured')], tmp_path/'a.json')
    b = save_json([size(1060), size(10**6 + 700, 'allocated peak', 'measured')], tmp_path/'b.json')
    assert status('compare', a, b, '--metric', 'weights') == 0 and 'more' in capsys.readouterr().out
    assert status('compare', a, b, '--metric', 'weights', '--fail-above', '5%') == 3
    assert 'p: fail, surely larger by more than 5%' in capsys.readouterr().err
    assert status('compare', b, a, '--metric', 'weights', '--fail-above', '5%') == 0
    assert status('compare', a, b, '--metric', 'allocated peak', '--fail-above', '1%', '--strict') == 0 and 'same' in capsys.readouterr().out

def test_a_name_in_a_plan_is_the_name(tmp_path, monkeypatch):
    (tmp_path/'own_nets.py').write_text('from tinybench.backends.base import Model\ndef f(): return Model("other", abs, (3,))')
    monkeypatch.chdir(tmp_path)
    assert make_model('fast', dict(use='own_nets:f')).name == 'fast'

def test_a_model_that_prints_or_exits(tmp_path, monkeypatch, capsys):
    (tmp_path/'loud_nets.py').write_text('import sys\ndef loud():\n    def f(x):\n        print("hello")\n        return x\n    return f\n'
                                         'def leave(): return lambda x: sys.exit(0)')
    monkeypatch.chdir(tmp_path)
    def suite(use):
        (tmp_path/'s.toml').write_text(f'repeats = 6\n[models.m]\nuse = "loud_nets:{use}"\nshape = [3]')
        return status('run', 's.toml', '--json')
    assert suite('loud') == 0 and json.loads(capsys.readouterr().out)['names'] == ['m']
    assert suite('leave') == 1 and 'ended the process' in capsys.readouterr().err

def test_the_data_know_the_shape(tmp_path, monkeypatch, capsys, torch):
    "A PyTorch network in a suite with data needs no shape, whether it flattens or wants the channels first."
    (tmp_path/'their_nets.py').write_text(
        'from torch import nn\ndef flat(): return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))\n'
        'def conv(): return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))\n'
        'def plain(): return lambda x: x.reshape(len(x), -1)[:, :10]\n')
    monkeypatch.chdir(tmp_path)
    models = ''.join(f'[models.{k}]\nuse = "their_nets:{k}"\n' for k in ('flat', 'conv', 'plain'))
    (tmp_path/'suite.toml').write_text(f'data = ["digits"]\nrepeats = 6\n{models}')
    assert status('run', 'suite.toml', '--json') == 0
    found = json.loads(capsys.readouterr().out)
    assert found['names'] == ['flat', 'conv', 'plain'] and not found['failures'] and len(found['scores']) == 3
    (tmp_path/'bare.toml').write_text(f'repeats = 6\n{models}')
    assert status('run', 'bare.toml') == 1 and 'of what shape is one example?' in capsys.readouterr().err

def test_weights_of_another_network_are_refused_in_a_line(tmp_path, capsys):
    from tinybench.models.zoo import create
    create('resnet8', np.random.default_rng(0)).save(tmp_path/'w.npz')
    assert status('compile', 'ds_cnn', '--weights', tmp_path/'w.npz', '--out', tmp_path/'out') == 1
    said = capsys.readouterr().err
    assert 'w.npz: this state does not fit Sequential: missing: layers.' in said and 'things more' in said and said.count('\n') == 1
    assert not (tmp_path/'out').exists()

def test_a_function_that_makes_no_network_is_refused(tmp_path, capsys, monkeypatch):
    (tmp_path/'made_nothing.py').write_text('def five(): return 5\n')
    monkeypatch.chdir(tmp_path)
    assert status('compile', 'made_nothing:five', '--shape', '3,3,1') == 1
    assert 'neither a network nor a function' in capsys.readouterr().err
