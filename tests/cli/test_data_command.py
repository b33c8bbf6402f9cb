"`tinybench data`: sets, their licences and places; nothing is downloaded twice, nor without a name that is known."
import json
import pytest
from tinybench.cli import main
from tinybench.cli.data import IDX, SETS, place
from tinybench.data.source import IDX_FILES

def status(*args):
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0

def test_where_sets_are(monkeypatch, tmp_path, capsys):
    assert set(IDX) == set(IDX_FILES)
    monkeypatch.setenv('TINYBENCH_CACHE', str(tmp_path))
    monkeypatch.delenv('TINYBENCH_DATA', raising=False)
    assert place('digits') == 'ships' and place('mnist') == ''
    for f in IDX[:3]: (tmp_path/f).write_bytes(b'x')
    assert place('mnist') == ''                                     # one file is missing
    (tmp_path/IDX[3]).write_bytes(b'x')
    assert place('mnist') == str(tmp_path)
    assert status('data', 'list', '--json') == 0
    found = {r['name']: r for r in json.loads(capsys.readouterr().out)}
    assert list(found) == list(SETS) and all(r['licence'] for r in found.values())
    assert found['mnist']['where'] == str(tmp_path) and found['cifar10']['where'] == 'not here: 170 MB to get'

def test_getting(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr('tinybench.data.source.load', asked.append)
    assert status('data', 'get', 'digits', 'mnist') == 0 and asked == ['mnist']
    said = capsys.readouterr()
    assert 'digits: ships' in said.out and 'licence of mnist: CC BY-SA 3.0' in said.err
    assert status('data', 'get', 'cifar10', 'mnits') == 1 and asked == ['mnist']
    assert "did you mean 'mnist'" in capsys.readouterr().err

def test_a_set_that_cannot_be_had_says_where_to_put_it(monkeypatch, tmp_path, capsys):
    def stop(*a): raise ConnectionError('http://nowhere: no network')
    monkeypatch.setenv('TINYBENCH_CACHE', str(tmp_path))
    monkeypatch.delenv('TINYBENCH_DATA', raising=False)
    monkeypatch.setattr('tinybench.data.source.stream', stop)
    assert status('data', 'get', 'mnist') == 1
    assert 'cannot download' in (err := capsys.readouterr().err) and str(tmp_path) in err and not list(tmp_path.iterdir())
