"`tinybench olympics`: from an entry in a file to a board, and what a refused submission leaves alone."
import json, sys
import numpy as np
import pytest
from tinybench.cli import main
from tinybench.cli.olympics import read_entry, submissions, verdict_table
from tinybench.cli.judge import verify
from tinybench.nn.dense import Dense, Flatten
from tinybench.nn.module import Sequential
from tinybench.nn.pool import MaxPool2d
from tinybench.tasks.task import digit_pictures

OWN = '''import numpy as np
from tinybench.nn.dense import Dense, Flatten
from tinybench.nn.module import Sequential
from tinybench.nn.pool import MaxPool2d
def linear(): return Sequential(MaxPool2d(4), Flatten(), Dense(192, 10, np.random.default_rng(0)))
'''
GOOD = '''event = "extreme"
name = "ada"
steps = ["int8"]
[model]
use = "olympic_nets:linear"
weights = "ada.npz"
'''

def status(*args):
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0

@pytest.fixture(scope='module')
def weights():
    "Those of a linear network that gets most digits right, by least squares."
    lessons = digit_pictures('train')
    a = np.c_[lessons.x[:, ::4, ::4, 0].reshape(len(lessons.x), -1)/255, np.ones(len(lessons.x))].astype(float)
    w = np.linalg.solve(a.T @ a + np.eye(a.shape[1]), a.T @ np.eye(10)[lessons.y])
    net = Sequential(MaxPool2d(4), Flatten(), Dense(192, 10, np.random.default_rng(0)))
    net[2].w.data[:] = 0
    net[2].w.data[::3], net[2].b.data[:] = w[:-1]/255, w[-1]
    return net

@pytest.fixture
def here(tmp_path, monkeypatch, weights):
    weights.save(tmp_path/'ada.npz')
    (tmp_path/'olympic_nets.py').write_text(OWN)
    (tmp_path/'ada.toml').write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    return tmp_path

def test_help(capsys):
    assert status('olympics', '--help') == 0
    text = capsys.readouterr().out
    for name in ('submit', 'verify', 'board'):
        assert f'  {name} ' in text
        assert status('olympics', name, '--help') == 0
        shown = capsys.readouterr().out
        assert f'Example: tinybench olympics {name}' in shown and '--json' in shown

@pytest.mark.parametrize('text, says', [
    ('', 'has no event'), ('event = "sprint"\nname = "a"', 'has no model'), ('event = 3', 'event cannot be 3'),
    ('evnt = "sprint"', "did you mean 'event'"), ('event = ', 'is no TOML')])
def test_an_entry_that_is_none(tmp_path, text, says):
    (tmp_path/'e.toml').write_text(text)
    with pytest.raises(ValueError, match=says): read_entry(tmp_path/'e.toml')

def test_from_an_entry_to_a_board(here, capsys):
    assert status('olympics', 'submit', 'ada.toml', '--to', 'games', '--json') == 0
    made, = json.loads(capsys.readouterr().out)
    assert made['verdict'] == 'verified' and made['name'] == 'ada' and made['right'] > .85*made['of']
    assert 'verified' in str(verdict_table({here/'games/extreme/ada': verify(here/'games/extreme/ada')}))
    assert status('olympics', 'board', 'games', '--processes', 2, '--repeats', 6, '--json') == 0
    found = capsys.readouterr()
    board, = json.loads(found.out)
    assert board['event'] == 'extreme' and board['standings'][0]['medal'] == 'gold' and 'board: ' in found.err
    before = {p.name: p.read_bytes() for p in (here/'games').iterdir() if p.is_file()}
    assert sorted(before) == ['board.json', 'index.html']
    d = json.loads((here/'games/extreme/ada/submission.json').read_text())
    d['claims']['right'] += 1
    (here/'games/extreme/ada/submission.json').write_text(json.dumps(d))
    assert status('olympics', 'board', 'games', '--processes', 1) == 1
    assert 'the judge finds' in (said := capsys.readouterr().err) and 'The board stays as it was' in said
    assert {p.name: p.read_bytes() for p in (here/'games').iterdir() if p.is_file()} == before
    assert status('olympics', 'verify', 'games', '--json') == 1
    refused, = json.loads(capsys.readouterr().out)
    assert refused['verdict'] == 'refused' and 'the judge finds' in refused['why']

def test_what_would_be_refused_is_not_written(here, capsys):
    (here/'ada.toml').write_text(GOOD.replace('weights = "ada.npz"', ''))
    assert status('olympics', 'submit', 'ada.toml') == 1 and 'are right' in capsys.readouterr().err
    assert not any((here/'olympics').rglob('*.json'))
    (here/'ada.toml').write_text(GOOD.replace('int8', 'int7'))
    assert status('olympics', 'submit', 'ada.toml') == 1 and "no step 'int7'" in capsys.readouterr().err

def test_places_without_submissions(tmp_path, capsys):
    with pytest.raises(ValueError, match='holds no submission'): submissions([tmp_path])
    assert status('olympics', 'verify', tmp_path/'none') == 1 and 'no folder' in capsys.readouterr().err

def test_a_contest_holds_submissions_and_nothing_else(tmp_path):
    root, ada = tmp_path/'games', tmp_path/'games'/'sprint'/'ada'
    ada.mkdir(parents=True)
    for name in ('board.json', 'index.html', 'README.md'): (root/name).write_text('')
    assert submissions([root]) == submissions([ada.parent.parent]) == [ada]
    for name in ('evil.html', '.gitattributes', 'sprint/evil.js', 'sprint/.hidden'):
        (root/name).write_text('')
        with pytest.raises(ValueError, match=f'{name}. is a link, or no folder'): submissions([root])
        (root/name).unlink()
    assert submissions([root]) == [ada]

@pytest.mark.skipif(sys.platform == 'win32', reason='needs links of Unix')
def test_no_link_stands_for_a_contest_an_event_or_a_board(tmp_path):
    "Else a request could have the folder of somebody else verified in place of its own."
    root = tmp_path/'games'
    (root/'sprint'/'ada').mkdir(parents=True)
    other = tmp_path/'other'
    other.symlink_to(root)
    with pytest.raises(ValueError, match='is a link'): submissions([other])
    for name in ('memory', 'index.html', 'submission.json'):
        (root/name).symlink_to(root/'sprint' if name == 'memory' else tmp_path/'nowhere')
        with pytest.raises(ValueError, match=f'{name}. is a link'): submissions([root])
        (root/name).unlink()
