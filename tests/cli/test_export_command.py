"Networks as files for other runtimes on the command line, and files of theirs as networks."
import json

import numpy as np
import pytest
from tinybench.backends import export as lesson
from tinybench.cli import main, plan
from tinybench.cli.device import int8_network
from tinybench.cli.tasks import given_models, model_for
from tinybench.exchange.missing import Missing
from tinybench.exchange.run import RUNTIMES, runtimes_by_key
from tinybench.models.weights import read_tflite
from tinybench.models.zoo import create
from tinybench.peers.memory import LIBRARIES
from tinybench.peers.runtimes import RUNTIMES as PEERS
from tinybench.tasks.task import TASKS

@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('TINYBENCH_CC', 'none')
    return tmp_path

def status(*args):
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0

def names(folder): return sorted(p.name for p in folder.iterdir())

def test_a_network_as_a_file(folder, capsys):
    pytest.importorskip('ai_edge_litert', reason='needs LiteRT')
    assert status('export', 'simple_cnn', '--to', 'tflite') == 0
    said = capsys.readouterr()
    assert 'LiteRT' in said.out and 'of the largest' in said.out and 'written to simple_cnn.tflite' in said.err
    assert read_tflite(folder/'simple_cnn.tflite').shape == (8, 8, 1) and names(folder) == ['simple_cnn.tflite']
    assert status('export', 'simple_cnn', '--to', 'tflite') == 1 and '--out simple_cnn.tflite replaces it' in capsys.readouterr().err
    assert status('export', 'simple_cnn', '--out', 'simple_cnn.tflite', '--int8', '--json') == 0
    said = capsys.readouterr()
    assert json.loads(said.out)['found']['LiteRT']['steps'] == [320] and 'noise finds the grids' in said.err
    assert read_tflite(folder/'simple_cnn.tflite').grid

def test_weights_examples_and_the_way_back(folder, capsys):
    for package in ('onnx', 'onnxruntime', 'ai_edge_litert'): pytest.importorskip(package, reason=f'needs {package}')
    rng = np.random.default_rng(1)
    net = create('simple_cnn', rng)
    net.save(folder/'w.npz')
    np.save(folder/'x.npy', x := rng.normal(size=(8, 8, 8, 1)).astype(np.float32))
    assert status('export', 'simple_cnn', '--weights', 'w.npz', '--out', 'a.onnx', '--examples', 'x.npy') == 0
    assert '8  ' in capsys.readouterr().out
    from tinybench.backends.export import our_answers, read_onnx
    np.testing.assert_allclose(our_answers(read_onnx(folder/'a.onnx'), x), net.eval()(x).data, rtol=1e-4, atol=1e-5)
    assert status('export', 'a.onnx', '--to', 'tflite', '--int8', '--examples', 'x.npy') == 0
    assert status('export', 'a.tflite', '--out', 'b.onnx') == 0
    np.testing.assert_array_equal(our_answers(read_onnx(folder/'b.onnx'), x), our_answers(read_tflite(folder/'a.tflite'), x))

def test_other_commands_take_such_files(folder, capsys):
    "The C is written; there is no compiler in this test."
    for net in (['simple_cnn'], ['simple_cnn', '--int8']): status('export', *net, '--out', 'a.tflite', '--unchecked')
    assert status('compile', 'a.tflite', '--dtype', 'int8') == 1 and 'no C compiler' in capsys.readouterr().err
    assert 'a_run' in (folder/'compiled'/'a'/'a.c').read_text()
    assert status('run', '--models', 'a.tflite', '--repeats', 6, '--out', 'r') == 0 and 'a.tflite' in capsys.readouterr().out

@pytest.mark.parametrize('suffix', ['.onnx', '.tflite'])
@pytest.mark.parametrize('int8', [False, True])
def test_tasks_and_devices_take_such_files(folder, suffix, int8):
    if suffix == '.onnx': pytest.importorskip('onnx', reason='needs onnx')
    net, x = create('fc_autoencoder', np.random.default_rng(2)).eval(), np.random.default_rng(3).normal(size=(16, 640)).astype(np.float32)
    lesson.export(net, f'a{suffix}', (640,), int8, x, unchecked=True)
    graph, task = lesson.READERS[suffix](f'a{suffix}'), TASKS['ad01']
    model = given_models([f'ad01=a{suffix}'], ['ad01'])['ad01']
    want = lesson.our_network(graph)(x).data
    assert model.name == 'a' and model.shape == (640,)
    np.testing.assert_array_equal(model.call(model.feed(x)).data, want)
    with pytest.raises(ValueError, match=r"takes \(640,\), and ic01 gives \(32, 32, 3\)"): model_for(TASKS['ic01'], f'a{suffix}')
    if int8: np.testing.assert_array_equal(int8_network(task, f'a{suffix}')[0](x).data, want)
    else:
        with pytest.raises(ValueError, match='holds no network of int8 codes'): int8_network(task, f'a{suffix}')

@pytest.mark.parametrize('args, says', [
    (['simple_cn'], "did you mean 'simple_cnn'"), (['simple_cnn', '--to', 'tflit'], "no format 'tflit', did you mean 'tflite'"),
    (['simple_cnn', '--out', 'a.txt'], 'its name ends in .onnx or .tflite'), (['simple_cnn', '--to', 'onnx', '--out', 'a.tflite'], 'leave one of the two out'),
    (['simple_cnn', '--to', 'tflite', '--check', 'onnxruntime'], "no runtime of .tflite files 'onnxruntime'"), (['gone.onnx', '--to', 'tflite'], 'no .onnx file at'),
    (['junk.tflite', '--to', 'onnx'], 'junk.tflite: it is no .tflite file'), (['junk.tflite', '--weights', 'w.npz'], 'junk.tflite has its weights'),
    (['simple_cnn', '--to', 'tflite', '--examples', 'x.npy'], 'x.npy holds examples of (3,)')])
def test_refusals(folder, capsys, args, says):
    (folder/'junk.tflite').write_text('no model at all')
    np.save(folder/'x.npy', np.zeros((2, 3)))
    before = names(folder)
    assert status('export', *args) == 1
    assert says in capsys.readouterr().err and names(folder) == before

def test_a_file_that_is_no_model_is_said_by_other_commands(folder, capsys):
    (folder/'junk.tflite').write_text('no model at all')
    for args in (['compile', 'junk.tflite'], ['run', '--models', 'junk.tflite']):
        assert status(*args) == 1 and 'junk.tflite: it is no .tflite file' in capsys.readouterr().err
    assert status('compile', 'junk.tflite', '--weights', 'w.npz') == 1 and 'takes no weights' in capsys.readouterr().err

def test_kinds_of_files_are_named_alike():
    "The commands have a list of their own, which loads nothing."
    assert plan.FILES == tuple(lesson.READERS) == tuple(lesson.FILES) == tuple(RUNTIMES)
    assert {**runtimes_by_key('.onnx'), **runtimes_by_key('.tflite')} == {k: r.title for k, r in PEERS.items() if k in LIBRARIES}

def test_without_the_runtime(folder, capsys, monkeypatch):
    def gone(*args, **how): raise Missing('LiteRT is not installed: pip install ai-edge-litert')
    monkeypatch.setattr(lesson, 'answers', gone)
    assert status('export', 'simple_cnn', '--to', 'tflite') == 1
    assert 'pip install ai-edge-litert; without it nobody knows' in capsys.readouterr().err and not names(folder)
    assert status('export', 'simple_cnn', '--to', 'tflite', '--unchecked') == 0
    assert 'Nothing has checked it' in capsys.readouterr().out and names(folder) == ['simple_cnn.tflite']
