"`tinybench form`: filled, checked, submitted; and a sentence for each thing that is not there."
import json, subprocess, sys, tempfile, time
from functools import partial
from pathlib import Path

import psutil
import pytest
from tinybench.base.files import shipped, write_whole
from tinybench.cli import form as F, main
from tinybench.forms import edge

def status(*args):
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0

@pytest.fixture(scope='module')
def mine(tmp_path_factory):
    "The folder of a form of a small .tflite file."
    out = tmp_path_factory.mktemp('form')/'mine'
    with pytest.MonkeyPatch.context() as m:
        m.setattr(edge, 'watched', partial(edge.watched, secs=.01))     # what is read here only has to be there
        assert status('form', shipped('digits.tflite'), '--device', 'edge', '--processes', 6, '--rounds', 2, '--reference',
                      'LeCun 1998', '--out', out) == 0
    return out

def test_help(capsys):
    assert status('form', '--help') == 0
    text = capsys.readouterr().out
    for name in ('fill', 'submit', 'check'):
        assert f'  {name} ' in text
        assert status('form', name, '--help') == 0
        shown = capsys.readouterr().out
        assert 'Example: tinybench form' in shown and '--json' in shown

def test_a_form_is_written_whole(mine):
    assert {p.name for p in mine.iterdir()} == {'form.json', 'form.md', 'form.html', 'form.csv', 'model.tflite'}
    d = json.loads((mine/'form.json').read_text())
    assert (d['model']['name'], d['task'], d['references']) == ('digits', '', ['LeCun 1998'])
    known = {c['field']: c['value'] for c in d['cells'] if c['value'] is not None}
    assert known['parameters'] == 5050 and known['size'] == shipped('digits.tflite').stat().st_size/1e6
    assert 'accuracy' not in known and '# digits on edge' in (mine/'form.md').read_text()

def test_checked_and_submitted(mine, tmp_path, capsys):
    assert status('form', 'check', mine, '--processes', 1, '--json') == 0
    row, = json.loads(capsys.readouterr().out)
    assert row['verdict'] == 'taken' and row['here']
    assert status('form', 'submit', mine, '--to', tmp_path/'table', '--name', 'digits', '--no-times') == 0
    said = capsys.readouterr()
    assert 'digits, core' in said.out and f'table: {tmp_path/"table"/"index.html"}' in said.err
    assert status('form', 'check', tmp_path/'table', '--no-times', '--by', 'size') == 0
    before = {p: p.read_bytes() for p in (tmp_path/'table').iterdir() if p.is_file()}
    path = tmp_path/'table'/'digits'/'form.json'
    path.write_text(path.read_text().replace('5050', '1050'))
    (tmp_path/'table'/'torn').mkdir()
    (tmp_path/'table'/'torn'/'form.json').write_text('{')
    capsys.readouterr()
    assert status('form', 'check', tmp_path/'table', '--no-times', '--json') == 1
    changed, torn = json.loads(capsys.readouterr().out)
    assert changed['verdict'] == 'refused' and dict(field='parameters', verdict='differs',
        words='says 1,050, and again it is 5,050') in changed['findings']
    assert torn['verdict'] == 'refused' and 'no JSON' in torn['why']
    assert before == {p: p.read_bytes() for p in before}         # the table stays as it was

@pytest.mark.parametrize('args, says', [
    (['resnet9'], "no network 'resnet9', did you mean 'resnet8'?"),
    (['lost.npz'], 'no .npz file at lost.npz'), (['lost.tflite'], 'no .tflite file at lost.tflite'),
    (['folder/net'], 'is no model that a form can be about'), (['net.onnx'], 'is no model that a form can be about'),
    (['bad.npz'], 'bad.npz is damaged, or no npz'), (['bad.tflite'], 'bad.tflite: it is no .tflite file'),
    (['resnet8', '--device', 'edgy'], "no device 'edgy', did you mean 'edge'?"),
    (['resnet8', '--runtime', 'compild'], "no runtime 'compild', did you mean 'compiled'?"),
    (['resnet8', '--task', 'ic1'], "no task 'ic1', did you mean 'ic01'?"),
    (['resnet8', '--task', 'kws01'], 'kws01 gives (49, 10, 1), and the model takes (32, 32, 3)'),
    (['resnet8', '--format', 'json,htm'], "no format 'htm', did you mean 'html'?"),
    (['resnet8', '--format', 'html'], 'leave it among the formats'),
    (['check', 'nowhere'], 'no folder nowhere'), (['check', 'folder'], 'holds no form'),
    (['submit', 'nowhere'], 'nowhere is refused'), (['submit', 'folder'], 'form.json cannot be read')])
def test_a_sentence_for_what_is_not_there(tmp_path, monkeypatch, capsys, args, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path/'folder').mkdir()
    for name in ('bad.npz', 'bad.tflite', 'net.onnx'): (tmp_path/name).write_text('nothing of use')
    assert status('form', *args) == 1
    err = capsys.readouterr().err
    assert err.startswith('tinybench: ') and says in err and 'Traceback' not in err
    assert {p.name for p in tmp_path.iterdir()} == {'folder', 'bad.npz', 'bad.tflite', 'net.onnx'}

def stuck(pipe, *of):
    "A checker, at work on a folder that is a file to write to, in a check that has started a process and does not end."
    from tinybench.forms import entries
    def never(folder, **how):
        busy = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
        write_whole(folder, json.dumps([tempfile.mkdtemp(), busy.pid]))
        time.sleep(600)
    entries.check_folder = never
    F.serve_checks(pipe, *of)      # in its process nothing is patched

def test_a_check_that_does_not_end_leaves_nothing(tmp_path, monkeypatch):
    note, real = tmp_path/'note', F.next_check
    def later(child, folder, secs):
        while not note.exists() and child.process.is_alive(): time.sleep(.05)
        return real(child, folder, secs)
    monkeypatch.setattr(F, 'next_check', later)
    monkeypatch.setattr(F, 'serve_checks', stuck)
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    found = F.check_apart([note], secs=.1)
    assert found == {note: 'note is refused: the checker did not answer within 0.1 s'}
    place, pid = json.loads(note.read_text())
    assert Path(place).is_relative_to(tmp_path) and [p.name for p in tmp_path.iterdir()] == ['note']
    assert not psutil.pid_exists(pid) or psutil.wait_procs([psutil.Process(pid)], 30)[1] == []

def test_a_folder_of_something_else_is_refused_at_once(tmp_path, capsys):
    (tmp_path/'notes.txt').write_text('mine')
    assert status('form', 'resnet8', '--out', tmp_path) == 1
    assert 'holds notes.txt' in capsys.readouterr().err

def test_weights_of_no_network(tmp_path, capsys):
    import numpy as np
    np.savez(tmp_path/'odd.npz', w=np.zeros(3))
    assert status('form', tmp_path/'odd.npz') == 1
    assert 'weights of no network of the zoo' in capsys.readouterr().err

def test_a_form_of_few_processes_says_that_no_table_takes_it(tmp_path, capsys):
    args = 'form', shipped('digits.tflite'), '--processes', 1, '--rounds', 1, '--out', tmp_path/'quick'
    assert status(*args) == 0
    assert 'no table takes it: its times are of too few processes; --processes 6 or more' in capsys.readouterr().err
    assert status('form', 'submit', tmp_path/'quick', '--to', tmp_path/'table') == 1
    assert '--processes 6 or more' in capsys.readouterr().err and not (tmp_path/'table').exists()
