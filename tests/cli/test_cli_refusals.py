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
