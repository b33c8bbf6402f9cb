"base.choices: what a person chose is kept, by person and explorer, and nothing of it is lost."
import json, os, re, subprocess, sys, threading
import pytest
from tinybench.base.choices import Choices


def test_choices_are_kept_by_person_and_explorer(tmp_path):
    ada, bob = (Choices(tmp_path/'c.json', who) for who in ('ada', 'bob'))
    assert ada.read() == [] and ada.last('amdahl', 'guess') is None and not ada.path.exists()
    ada.note('amdahl', guess=3.5)
    bob.note('amdahl', guess=9)
    ada.note('amdahl', kept=dict(k=10))
    ada.note('flame', guess=None)
    assert (ada.last('amdahl', 'guess'), bob.last('amdahl', 'guess'), ada.last('amdahl', 'kept')) == (3.5, 9, dict(k=10))
    assert [e['explorer'] for e in json.loads(ada.path.read_text())['entries']] == ['amdahl']*3 + ['flame']
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00', ada.read()[0]['when'])

@pytest.mark.parametrize('text', ['', '{', '[]', '{"schema": 2, "entries": []}', '{"schema": 1, "entries": 3}', 'null',
                                  '{"schema": 1, "entries": [3]}', '{"schema": 1, "entries": [{}]}', '{"schema": 1, "entries": {"a": 1}}'])
def test_a_file_that_is_no_choices_is_refused_and_stays(tmp_path, text):
    mine = Choices(tmp_path/'c.json', 'ada')
    mine.path.write_text(text)
    for use in (mine.read, lambda: mine.note('x', guess=1)):
        with pytest.raises(ValueError, match='move it away'): use()
    assert mine.path.read_text() == text

@pytest.mark.parametrize('what, error', [({1}, TypeError), (float('nan'), ValueError)])
def test_what_json_cannot_hold_is_refused_and_the_file_stays(tmp_path, what, error):
    mine = Choices(tmp_path/'c.json', 'ada')
    mine.note('x', guess=1)
    with pytest.raises(error): mine.note('x', guess=what)
    assert mine.last('x', 'guess') == 1

def test_two_threads_that_note_at_once_lose_nothing(tmp_path):
    # a guess is noted by the thread that hears the buttons, while one that measured notes a setting
    def notes(who): [Choices(tmp_path/'c.json', who).note('x', guess=i) for i in range(40)]
    threads = [threading.Thread(target=notes, args=[who]) for who in ('ada', 'bob')]
    for t in threads: t.start()
    for t in threads: t.join()
    assert len(Choices(tmp_path/'c.json').read()) == 80

@pytest.mark.skipif(sys.platform == 'win32', reason='has no locks between processes')
def test_two_notebooks_that_note_at_once_lose_nothing(tmp_path, root):
    # both are loaded before either may begin
    code = ('import sys; from tinybench.base.choices import Choices; mine = Choices(*sys.argv[1:])\n'
            'print(flush=True); sys.stdin.readline()\n'
            "for i in range(60): mine.note('x', guess=i)")
    env = os.environ | dict(PYTHONPATH=str(root))
    def start(who): return subprocess.Popen([sys.executable, '-c', code, str(tmp_path/'c.json'), who], text=True, env=env,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with start('ada') as a, start('bob') as b:
        for p in (a, b): p.stdout.readline()
        for p in (a, b): print('go', file=p.stdin, flush=True)
    assert (a.returncode, b.returncode) == (0, 0)
    found = Choices(tmp_path/'c.json').read()
    for who in ('ada', 'bob'): assert [e['guess'] for e in found if e['who'] == who] == [*range(60)]
