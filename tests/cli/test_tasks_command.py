"`tinybench tasks`: what ships is run by the rules; what is missing has no number."
import json
import numpy as np
import pytest
from tinybench.cli import main
from tinybench.cli.tasks import given_models, load_stream, names_of, page_of, stream_dict, stream_quality, tables_of, tasks_run
from tinybench.data.source import Dataset
from tinybench.embedded.tasks import EXAMPLES, NETWORKS, embedded_examples, embedded_network, face_pictures
from tinybench.official.examples import official_examples
from tinybench.tasks.run import TaskReport
from tinybench.tasks.streaming import SWW01, StreamQuality
from tinybench.tasks.task import TASKS, Examples, digit_pictures, outputs_of, quality_of
from tinybench.backends.base import as_model

def status(*args):
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0

BARS = dict(kws01=.88, ic01=.97, vww01=.8)            # what the networks that ship have to reach

@pytest.mark.parametrize('name', ['kws01', 'ic01', 'vww01', pytest.param('ad01', marks=pytest.mark.slow)])
def test_the_networks_that_ship_reach_what_their_cards_say(name):
    "The anomaly detector's interval leaves out the target of 0.85; the others are above their bars."
    if name == 'vww01': pytest.importorskip('skimage', reason='needs scikit-image')
    t, e = TASKS[name], embedded_examples(name)
    q = quality_of(t, outputs_of(t, as_model(name, embedded_network(name), t.shape), e), e)
    assert e.kind == 'embedded' and q.verdict == 'pass'
    assert q.value >= BARS[name] if name in BARS else q.value >= .88 and q.lo > .85

def test_what_does_not_ship():
    assert embedded_examples('sww01') is None and embedded_network('ic02') is None
    for f in (face_pictures, digit_pictures):
        with pytest.raises(ValueError, match="to 'train' or 'test', not 'all'"): f('all')
    assert set(NETWORKS) <= set(EXAMPLES) <= set(TASKS)

def test_the_faces(monkeypatch):
    monkeypatch.setattr('tinybench.embedded.tasks.find_spec', lambda name: None)
    assert face_pictures() is None                                            # without scikit-image there is no data
    monkeypatch.undo()
    pytest.importorskip('skimage', reason='needs scikit-image')
    test, train = face_pictures(), face_pictures('train')
    assert test.x.shape == (80, 96, 96, 3) and test.y.sum() == 40 and len(train.y) == 120 and 0 <= test.x.min() < test.x.max() <= 1
    assert not {x.tobytes() for x in test.x} & {x.tobytes() for x in train.x}

def test_names():
    assert names_of('all') == [*TASKS, 'sww01'] and names_of('ic01, kws01,ic01') == ['ic01', 'kws01']
    with pytest.raises(ValueError, match="no task 'ic1', did you mean 'ic01'"): names_of('kws01,ic1')
    for text in ('', ' , '):
        with pytest.raises(ValueError, match='no task is named: all, or some of kws01'): names_of(text)

def test_models():
    made = given_models(['ic01=resnet8', 'ic02=resnet8'], ['ic01', 'ic02'])
    assert made['ic01'].shape == (32, 32, 3)
    assert given_models(['resnet8'], ['ic01'])['ic01'].shape == (32, 32, 3)                  # one task needs no name
    with pytest.raises(ValueError, match='say it as ic01=resnet8'): given_models(['resnet8'], ['ic01', 'ic02'])
    assert made['ic02'].source[0].w.shape[-1] == 40 != made['ic01'].source[0].w.shape[-1]    # the wide one of the task
    for texts, says in ((['ic01'], 'say it as ic01=resnet8'), (['ic01='], 'say it as'), (['ic9=resnet8'], 'no task'), (['ic01=resnet9'], 'did you mean'),
                        (['kws01=ds_cnn'], 'kws01 is not run, only ic01'), (['ic01=resnet8']*2, 'has a model already')):
        with pytest.raises(ValueError, match=says): given_models(texts, ['ic01'])

def test_the_official_pictures_are_used_if_they_are_there(monkeypatch, tmp_path):
    assert official_examples('kws01') is None
    monkeypatch.setenv('TINYBENCH_CACHE', str(tmp_path))
    monkeypatch.delenv('TINYBENCH_DATA', raising=False)
    assert official_examples('ic01') is None
    (tmp_path/'cifar-10-binary.tar.gz').write_bytes(b'')
    y = np.arange(10_000) % 10
    x = np.zeros((10_000, 1, 1, 1), np.float32)
    monkeypatch.setattr('tinybench.official.examples.load_cifar10', lambda: Dataset(x, y, x, y, 'cifar10', ()))
    assert official_examples('ic01').official and len(official_examples('ic02').y) == 200

def test_what_ships_is_judged_on_what_ships(monkeypatch):
    "A network of digits would only fail on the official pictures; another one is asked about these."
    official = Examples('CIFAR-10', np.zeros((20, 32, 32, 3), np.float32), np.arange(20) % 10, official=True)
    monkeypatch.setattr('tinybench.official.examples.official_examples', lambda task: official)
    for models, n in (({}, 359), (given_models(['ic01=resnet8'], ['ic01']), 20)):
        report, _ = tasks_run(['ic02', 'ic01'], models, True, 0)
        assert report['ic01'].quality.n == n and [o.task for o in report.outcomes] == ['ic02', 'ic01']

def test_a_task_without_a_network_leaves_a_report(tmp_path):
    assert status('tasks', 'run', 'ic02', '--out', tmp_path/'new'/'folder') == 0
    assert TaskReport.load(tmp_path/'new'/'folder')['ic02'].status == 'no data'

def test_a_quick_run_of_one_task(tmp_path, capsys):
    assert status('tasks', 'run', 'ic01,ic02', '--quick', '--out', tmp_path/'o') == 0
    said = capsys.readouterr()
    assert 'ic01' in said.out and 'pass' in said.out and 'no data' in said.out and 'not valid' in said.out and 'report.html' in said.err
    r = TaskReport.load(tmp_path/'o')
    assert r['ic01'].status == 'pass' and not r['ic01'].run_valid and r['ic02'].status == 'no data' and r['ic02'].quality is None
    assert {p.name for p in (tmp_path/'o').iterdir()} == {'steps', 'tasks.json', 'report.html', 'report.md'}
    (tmp_path/'o'/'report.md').unlink()
    assert status('tasks', 'report', tmp_path/'o') == 0 and 'unofficial' in (tmp_path/'o'/'report.md').read_text()
    assert status('tasks', 'run', 'ic01', '--quick', '--model', 'ic01=resnet8', '--out', tmp_path/'o') == 1    # other weights
    assert 'other settings' in capsys.readouterr().err

def test_a_network_without_training_fails(capsys):
    assert status('tasks', 'run', 'ic01', '--quick', '--model', 'ic01=resnet8', '--json') == 1
    d = json.loads(capsys.readouterr().out)
    assert d['outcomes'][0]['status'] == 'fail' and d['report'] == 'tasks'

def test_the_stream(tmp_path, capsys):
    q = stream_quality()
    assert (q.alarms, q.misses, q.targets) == (5, 10, 50) and q.verdict == 'undecided'       # as its card says
    assert status('tasks', 'run', 'sww01', '--json') == 0
    assert json.loads(capsys.readouterr().out)['stream']['misses'] == 10
    assert status('tasks', 'run', 'sww01', '--out', tmp_path/'o') == 0
    (tmp_path/'o'/'report.md').unlink()
    assert status('tasks', 'report', tmp_path/'o') == 0 and 'Streaming wakeword' in (tmp_path/'o'/'report.md').read_text()
    pages = page_of(tables_of(None, q))
    assert 'Streaming wakeword' in pages['report.html'] and 'undecided' in pages['report.md']

def test_a_stream_on_disk(tmp_path):
    q, at = StreamQuality(SWW01, 5, 10, 50, 1200.), tmp_path/'stream.json'
    at.write_text(json.dumps(stream_dict(q)))
    assert load_stream(at) == q
    for wrong in ({'verdict': 'pass'}, {'targets': 0}, {'alarms': 'x'}, {'secs': None}, {'more': 1}):
        at.write_text(json.dumps(stream_dict(q) | wrong))
        with pytest.raises(ValueError, match='stream.json'): load_stream(at)
    at.write_text('[]')
    with pytest.raises(ValueError, match='stream.json'): load_stream(at)

def test_the_list(capsys):
    assert status('tasks', 'list') == 0
    text = capsys.readouterr().out
    assert all(k in text for k in (*TASKS, 'sww01', 'unofficial', 'none ships', 'embedded'))
    assert status('tasks', 'list', '--json') == 0 and len(json.loads(capsys.readouterr().out)) == 6
    assert status('tasks', 'run', 'ic7') == 1 and 'did you mean' in capsys.readouterr().err
