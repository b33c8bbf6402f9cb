"`tinybench runtimes` from end to end, and what it refuses."
import json
import numpy as np
import pytest
from tinybench.base.files import shipped
from tinybench.cli import main
from tinybench.models.zoo import create
from tinybench.toolchain.compiler import find_compiler

needs_c = pytest.mark.skipif(not find_compiler(), reason='needs a C compiler')

def ran(capsys, *args):
    "Status, stdout and stderr of the command."
    with pytest.raises(SystemExit) as e: main(['runtimes', *map(str, args)])
    return (e.value.code or 0, *capsys.readouterr())

@needs_c
def test_a_report_has_numbers_words_and_a_figure(tmp_path, capsys):
    create('simple_cnn', np.random.default_rng(5)).save(tmp_path/'net.npz')
    how = '--weights', tmp_path/'net.npz', '--only', 'numpy,native', '--repeats', 12, '--batch', 2, '--layers'
    code, said, told = ran(capsys, 'simple_cnn', *how, '--out', tmp_path/'out')
    assert code == 0 and 'tinybench, native' in said and '2 inputs of float32' in said and str(tmp_path/'out') in told
    assert sorted(p.name for p in (tmp_path/'out').iterdir()) == ['figure_1.svg', 'figure_2.svg', 'report.md', 'results.json']
    assert 'sum/call' in said and '## Layers' in (tmp_path/'out'/'report.md').read_text()
    kept = json.loads((tmp_path/'out'/'results.json').read_text())
    assert kept['report'] == 'runtimes' and kept['batch'] == 2 and kept['comparison']['base'] == 'tinybench, native'
    assert set(kept['layers']['secs']) == {'tinybench, numpy', 'tinybench, native'} and kept['layers']['provenance'] == 'measured'
    assert 'figure_1.svg' in (tmp_path/'out'/'report.md').read_text()

def test_a_file_of_codes_runs_in_codes(capsys):
    code, said, _ = ran(capsys, shipped('digits.tflite'), '--only', 'numpy', '--repeats', 12, '--json')
    assert code == 0 and json.loads(said)['dtype'] == 'int8'

@pytest.mark.parametrize('args, words', [
    (('resnet9',), "did you mean 'resnet8'"),
    (('resnet8', '--only', 'litret'), "did you mean 'litert'"),
    (('net.npz',), 'name their network as well'),
    (('gone.tflite',), 'no .tflite file at gone.tflite'),
    ((shipped('digits.tflite'), '--shape', '8,8,1'), '--shape says nothing'),
    (('resnet8', '--shape', 'x'), '--shape x')])
def test_what_makes_no_sense_is_said(args, words, capsys):
    code, said, told = ran(capsys, *args)
    assert code == 1 and not said and words in told and 'Traceback' not in told

def test_a_network_that_others_do_not_know_is_named(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path/'net_with_gelu.py').write_text('''
import numpy as np
from tinybench.nn.dense import GELU, Dense
from tinybench.nn.module import Sequential
def net(): return Sequential(Dense(3, 2, np.random.default_rng(0)), GELU())
''')
    code, _, told = ran(capsys, 'net_with_gelu:net', '--shape', '3', '--repeats', 12)
    assert code == 1 and 'GELU() has no operator here' in told

def test_a_folder_of_something_else_stays(tmp_path, capsys):
    (tmp_path/'notes.txt').write_text('mine')
    code, _, told = ran(capsys, 'simple_cnn', '--only', 'numpy', '--out', tmp_path)
    assert code == 1 and 'is no runtimes report' in told and (tmp_path/'notes.txt').read_text() == 'mine'
