"`tinybench tasks run --data` and `tinybench data`, with official sets that are here, are not, or are damaged."
import json

import numpy as np
import pytest

from archivekit import codes, put, put_kws01, wav
from tinybench.cli import main
from tinybench.cli.data import SETS, place
from tinybench.cli.stream import load_stream, stream_dict
from tinybench.cli.tasks import examples_for, model_for
from tinybench.data.keywords import from_codes
from tinybench.embedded.tasks import keyword_network
from tinybench.exchange.tflite import tflite
from tinybench.official import sets
from tinybench.official.bring import bring
from tinybench.tasks.task import TASKS

def run(capsys, *args):
    "(status, stdout, stderr) of a command."
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0, *capsys.readouterr()

def outcome(said): return json.loads(said)['outcomes'][0]

@pytest.fixture
def here(monkeypatch, tmp_path, cache):
    "Twelve inputs for kws01, one of each class, with what a network that ships says of them."
    x = codes(12)
    put_kws01(monkeypatch, tmp_path, x, keyword_network()(from_codes(x)[..., None]).data.argmax(1).tolist())
    bring('kws01')
    return cache

@pytest.fixture
def net(tmp_path):
    keyword_network().save(tmp_path/'net.npz')
    return tmp_path/'net.npz'

def test_without_files_there_is_no_number(cache, capsys, tmp_path):
    status, out, _ = run(capsys, 'tasks', 'run', 'kws01,sww01', '--data', 'official', '--quick', '--json', '--out', tmp_path/'o')
    assert status == 0 and [(o['task'], o['status'], o['quality'], o['speed']) for o in json.loads(out)['outcomes']] == [
        ('kws01', 'no data', None, None), ('sww01', 'no data', None, None)] and 'stream' not in json.loads(out)
    assert 'tinybench data get kws01 or speech-commands' in outcome(out)['reason'] and not cache.exists()
    status, out, _ = run(capsys, 'tasks', 'report', tmp_path/'o')
    assert status == 0 and 'tinybench data get sww01' in out
    status, out, _ = run(capsys, 'tasks', 'run', 'ic02', '--model', 'ic02=resnet8', '--data', 'official')
    assert status == 0 and 'no data' in out and 'tinybench data get cifar10' in out

@pytest.mark.parametrize('own, data, says', [
    (False, '', 'keywords by espeak-ng'), (True, '', 'Speech Commands'), (False, 'official', 'Speech Commands'), (True, 'official', 'Speech Commands'),
    (True, 'embedded', 'keywords by espeak-ng')])
def test_which_examples_are_taken(own, data, says, here):
    assert examples_for('kws01', own, data).name == says

def test_official_examples_are_run(here, net, capsys):
    status, out, _ = run(capsys, 'tasks', 'run', 'kws01', '--quick', '--json', '--model', net)
    assert status == 0 and outcome(out)['data'] == 'Speech Commands, official' and outcome(out)['quality']['n'] == 12
    assert outcome(out)['quality']['value'] == 1

def test_a_damaged_set_is_no_data_set(here, net, capsys):
    (path,) = here.iterdir()
    path.write_bytes(path.read_bytes()[:-9])
    status, out, err = run(capsys, 'tasks', 'run', 'kws01', '--model', net, '--quick')
    assert status == 1 and not out and 'not the file that was published' in err and 'Traceback' not in err

def test_another_word_for_data(cache, capsys):
    status, out, err = run(capsys, 'tasks', 'run', 'kws01', '--data', 'officila')
    assert status == 2 and 'official' in err and not out


# --- models in files

def test_files_of_models(net, tmp_path, capsys):
    x = from_codes(codes(3))[..., None]
    assert np.array_equal(model_for(TASKS['kws01'], str(net)).source.eval()(x).data, keyword_network()(x).data)
    for name, says in (('absent.npz', 'no .npz file at'), ('absent.tflite', 'no .tflite file at'), ('absent.onnx', 'no .onnx file at')):
        status, out, err = run(capsys, 'tasks', 'run', 'kws01', '--model', name)
        assert status == 1 and says in err and not out
    (tmp_path/'bad.tflite').write_bytes(b'TFL3 is not all')
    assert run(capsys, 'tasks', 'run', 'kws01', '--model', tmp_path/'bad.tflite')[0] == 1

def test_a_file_for_another_task(tmp_path, capsys):
    from tinybench.base.graph import Graph, Node
    w = np.ones((4, 2), np.float32)
    graph = Graph((Node('FULLY_CONNECTED', {}, w=w, b=np.zeros(2, np.float32), shape=(2,)),), (4,))
    (tmp_path/'n.tflite').write_bytes(tflite(graph))
    status, _, err = run(capsys, 'tasks', 'run', 'kws01', '--model', tmp_path/'n.tflite')
    assert status == 1 and 'n.tflite takes (4,), and kws01 gives (49, 10, 1)' in err


# --- the stream

def test_the_official_stream(monkeypatch, tmp_path, cache, capsys):
    sound = np.random.default_rng(0).integers(-3000, 3000, 16000*20)
    about = [dict(detection_windows=[[3., 3.6], [9, 9.5]])]
    put(monkeypatch, tmp_path, 'sww01', [('s.wav', wav(sound)), ('s.json', json.dumps(about).encode())])
    bring('sww01')
    assert run(capsys, 'tasks', 'run', 'sww01', '--json')[1].count('"targets": 50') == 1          # by default the one that ships
    _, out, _ = run(capsys, 'tasks', 'run', 'sww01', '--data', 'official', '--out', tmp_path/'o')
    assert 'sww01 on the official stream' in out and 'of 2' in out
    assert 'of 2' in run(capsys, 'tasks', 'run', 'sww01', '--model', 'sww_cnn')[1]             # one's own hears the official one
    q = load_stream(tmp_path/'o'/'stream.json')
    assert q.quality.targets == 2 and stream_dict(q)['data'] == 'official' and 'on the official stream' in (tmp_path/'o'/'report.md').read_text()


# --- tinybench data

def test_official_sets_are_listed(here, capsys):
    rows = {r['name']: r for r in json.loads(run(capsys, 'data', 'list', '--json')[1])}
    assert set(sets.SETS) < set(rows) == set(SETS) and rows['kws01']['where'] == str(here)
    assert rows['ad01']['size'] == '1,817 MB' and rows['ad01']['where'] == 'not here: 1,817 MB to get' and 'NC' in rows['ad01']['licence']
    listed = {r['task']: r['examples here'] for r in json.loads(run(capsys, 'tasks', 'list', '--json')[1])}
    assert listed['kws01'] == 'embedded and official' and listed['ad01'] == listed['sww01'] == 'embedded'

def test_getting_an_official_set(monkeypatch, tmp_path, cache, capsys):
    put(monkeypatch, tmp_path, 'ad01', [('a.zip', b'1'*99), ('ad01/y_labels.csv', b'2')])
    monkeypatch.setitem(SETS, 'ad01', SETS['ad01']._replace(files=('a.zip', 'ad01/y_labels.csv')))
    status, out, err = run(capsys, 'data', 'get', 'ad01')
    assert status == 0 and out == f'ad01: {cache}\n' and err.startswith('licence of ad01: CC BY-NC-SA 4.0') and place('ad01')
    (cache/'a.zip').write_bytes(b'1')
    status, out, err = run(capsys, 'data', 'get', 'ad01')
    assert status == 1 and not out and 'damaged or cut' in err and not place('ad01')
    (tmp_path/'published'/'ad01-0').unlink()
    status, _, err = run(capsys, 'data', 'get', 'ad01')
    assert status == 1 and 'cannot download' in err and 'Traceback' not in err
