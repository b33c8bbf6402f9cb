"The command line: its numbers, a report folder that is whole or untouched, and what it says to people."
import csv, json, os, signal, subprocess, sys
from pathlib import Path
import pytest
from hypothesis import given, strategies as st
from scipy.stats import binomtest
from tinybench import __version__
from tinybench.cli import (Score, aligned, check_out, is_report, main, markdown, replace_folder, report_files, run_demo, whole_folder,
                           wilson, worded, write_demo)
from tinybench.measure.compare import ratio
from tinybench.measure.result import load_json

COMMAND = [sys.executable, '-W', 'error', '-c', 'from tinybench.cli import main; main()']

def run(*args, **kw):
    "The command in a process of its own, its streams no terminals."
    env = {**os.environ, 'PYTHONPATH': str(Path(__file__).resolve().parents[1])}
    return subprocess.run([*COMMAND, *map(str, args)], env=env, text=True, capture_output=True, **kw)

def status(*args):
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0

def names(folder): return sorted(p.name for p in folder.iterdir())

def files(folder): return {p.name: p.read_bytes() for p in folder.iterdir()}

@pytest.fixture(scope='module')
def small(): return run_demo(repeats=6, seed=3, widths=(2, 1), epochs=1)


# --- a share and its interval

@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from([.5, .9, .95, .99]))
def test_wilson_as_scipy(n, share, level):
    right = round(share*n)
    lo, hi = wilson(right, n, level)
    assert (lo, hi) == pytest.approx(tuple(binomtest(right, n).proportion_ci(level, method='wilson')), abs=1e-9)
    assert 0 <= lo <= right/n <= hi <= 1

@pytest.mark.parametrize('bad', [(-1, 5), (6, 5), (0, 0)])
def test_wilson_refuses_what_is_no_share(bad):
    with pytest.raises(ValueError, match='is no share'): wilson(*bad)

def test_words():
    assert worded(.98611, .968, .9942, '%') == '98.6% [96.8, 99.4]'
    assert worded(3.4e-6, 3.2e-6, 3.7e-6, 's') == '3.4 µs [3.2, 3.7]'
    assert worded(.7312, .728, .74) == '0.731 [0.728, 0.740]'
    assert worded(1., .3, 7.) == '1.0 [0.3, 7.0]'                        # a wide interval, but not one that reaches 0

def test_score():
    s = Score('net', 354, 359)
    assert repr(s) == 'net accuracy: 98.6% [96.8, 99.4], n=359 pictures, at 95%, measured'
    assert s.to_dict() == dict(name='net', metric='accuracy', unit='share', n=359, right=354, mean=354/359, lo=wilson(354, 359)[0],
                               hi=wilson(354, 359)[1], level=.95, provenance='measured')

def test_tables():
    table = [['a', 'long heading'], ['longer', '1']]
    assert aligned(table) == 'a       long heading\nlonger  1'
    assert markdown(table) == '| a | long heading |\n|---|---|\n| longer | 1 |'


# --- the demo

def test_demo_measures_in_turns_on_one_thread(small):
    assert list(small.times) == [(w, n) for w in ('width 2', 'width 1') for n in (1, 32)]
    assert {r.env['blas_threads'] for r in small.times.values()} == {1}
    assert {(r.n, r.how['order'], r.how['seed'], r.provenance) for r in small.times.values()} == {(6, 'interleaved', 3, 'measured')}
    for n in (1, 32):
        assert small.ratios[n] == ratio(small.times['width 1', n], small.times['width 2', n])
        assert small.times['width 2', n].how['inner'] >= 1
    assert small.weights['width 1'] < small.weights['width 2']

def test_demo_learns_the_same_from_the_same_seed(small):
    again, other = (run_demo(repeats=6, seed=s, widths=(2, 1), epochs=1) for s in (3, 4))
    assert again.scores == small.scores != other.scores

def test_demo_tells_what_it_does():
    told = []
    run_demo(repeats=6, widths=(2, 1), epochs=1, tell=told.append)
    assert 'training' in told[0] and '1,438 digits' in told[0] and 'timing' in told[-1] and '6 rounds' in told[-1]

def test_demo_refuses_what_cannot_work_before_it_trains():
    with pytest.raises(ValueError, match='needs 6'): run_demo(repeats=5, tell=lambda text: pytest.fail(text))
    with pytest.raises(ValueError, match='two widths'): run_demo(widths=(4, 4), tell=lambda text: pytest.fail(text))

def test_demo_is_a_table_with_intervals_and_n(small):
    head, *body = repr(small).splitlines()
    assert 'accuracy (n=359)' in head and '1 picture (n=6)' in head and '32 pictures (n=6)' in head
    assert [line.split()[:2] for line in body[:2]] == [['width', '2'], ['width', '1']]
    assert all(line.count('[') == 3 for line in body[:2])
    assert '1 BLAS thread' in repr(small) and 'measured in turns' in repr(small)
    assert small._repr_markdown_().count('|---') == 5

def test_demo_report_has_everything(small, tmp_path):
    with whole_folder(tmp_path/'demo', 'demo') as folder: write_demo(small, folder)
    out = tmp_path/'demo'
    assert names(tmp_path) == ['demo'] and set(names(out)) == report_files('demo') and is_report(out, 'demo')
    assert load_json(out/'results.json') == list(small.times.values())
    assert json.loads((out/'results.json').read_text()) == json.loads(json.dumps(small.to_dict()))
    with open(out/'results.csv', newline='') as f: rows = list(csv.DictReader(f))
    assert [r['name'] for r in rows] == ['width 2', 'width 1', *(r.name for r in small.times.values())]
    for r in rows:
        assert float(r['lo']) <= float(r['mean' if r['metric'] == 'accuracy' else 'median']) <= float(r['hi'])
        assert r['provenance'] == 'measured' and int(r['n']) in (6, 359)
    assert (out/'accuracy_latency.png').read_bytes().startswith(b'\x89PNG')
    text = (out/'report.md').read_text()
    assert '(accuracy_latency.png)' in text and small._repr_markdown_() in text and '| blas_threads | 1 |' in text


# --- the folder

REPORT = {'report.md': '# x', 'results.csv': 'name\n', 'results.json': '{"report": "demo"}', 'accuracy_latency.png': 'png'}

def make(folder, contents=REPORT):
    folder.mkdir(parents=True)
    for name, text in contents.items(): (folder/name).write_text(text)
    return folder

def test_whole_folder_is_new_empty_or_an_earlier_report(tmp_path):
    make(tmp_path/'empty', {}), make(tmp_path/'earlier'), make(tmp_path/'real')
    (tmp_path/'link').symlink_to(tmp_path/'real')
    for name in ('new', 'deep/down/new', 'empty', 'earlier', 'link'):
        with whole_folder(tmp_path/name, 'demo') as folder:
            assert folder.parent == (tmp_path/name).resolve().parent    # a rename works within one file system only
            (folder/'results.json').write_text('{}')
        assert names(tmp_path/name) == ['results.json']
    assert (tmp_path/'link').is_symlink()
    assert names(tmp_path) == ['deep', 'earlier', 'empty', 'link', 'new', 'real']

@pytest.mark.parametrize('contents', [
    {'thesis.tex': ''}, {'report.md': ''}, {**REPORT, 'notes.txt': ''}, {**REPORT, '.hidden': ''},
    {**REPORT, 'metric_by_epoch.png': ''}, {**REPORT, 'results.json': '{"report": "race"}'},
    {**REPORT, 'results.json': '{"rep'}, {**REPORT, 'results.json': '["demo"]'}])
def test_whole_folder_never_replaces_anything_else(tmp_path, contents):
    before = files(make(tmp_path/'mine', contents))
    with pytest.raises(FileExistsError, match='will not be replaced; it holds'):
        with whole_folder(tmp_path/'mine', 'demo'): pytest.fail('too late')
    assert files(tmp_path/'mine') == before and names(tmp_path) == ['mine']

@given(st.sets(st.sampled_from(['report.md', 'results.csv', 'accuracy_latency.png', 'fitting_time.png', 'x.txt'])),
       st.sampled_from(['demo', 'race', 'x', None]))
def test_is_report(tmp_path_factory, others, kind):
    marked = {'results.json': json.dumps(dict(report=kind))} if kind else {}
    folder = make(tmp_path_factory.mktemp('r')/'r', {n: '' for n in others} | marked)
    for asked in ('demo', 'race'):
        assert is_report(folder, asked) == (kind == asked and others <= report_files(asked))

@pytest.mark.parametrize('error', [KeyboardInterrupt, ValueError, SystemExit])
@pytest.mark.parametrize('name', ['earlier', 'new', 'deep/down/new'])
def test_whole_folder_leaves_all_as_it_was_on_an_error(tmp_path, error, name):
    before = files(make(tmp_path/'earlier'))
    with pytest.raises(error), whole_folder(tmp_path/name, 'demo') as folder:
        (folder/'results.csv').write_text('half a')
        raise error
    assert names(tmp_path) == ['earlier'] and files(tmp_path/'earlier') == before

def test_a_file_in_the_way(tmp_path):
    (tmp_path/'file').touch()
    with pytest.raises(OSError, match='is a file'): check_out(tmp_path/'file', 'demo')
    with pytest.raises(OSError, match='cannot write a folder into'):
        with whole_folder(tmp_path/'file'/'demo', 'demo'): pytest.fail('too late')
    assert names(tmp_path) == ['file']

def test_replace_goes_back_where_the_new_folder_is_gone(tmp_path):
    before = files(make(tmp_path/'out'))
    with pytest.raises(FileNotFoundError): replace_folder(tmp_path/'never made', tmp_path/'out')
    assert names(tmp_path) == ['out'] and files(tmp_path/'out') == before


# --- the command

def test_help_and_version(capsys):
    assert status('--version') == 0 and capsys.readouterr().out == f'tinybench {__version__}\n'
    assert status('--help') == 0
    text = capsys.readouterr().out
    assert 'demo' in text and 'race' in text
    for command in ('demo', 'race'):
        assert status(command, '--help') == 0
        assert f'Example: tinybench {command}' in capsys.readouterr().out

def test_help_loads_nothing_heavy():
    code = '''import sys
from tinybench.cli import main
try: main(["demo", "--help"])
finally: print(*{"numpy", "scipy", "matplotlib", "pandas", "sklearn", "rich", "torch"} & set(sys.modules), file=sys.stderr)'''
    done = subprocess.run([sys.executable, '-c', code], cwd=Path(__file__).parents[1], text=True, capture_output=True)
    assert done.returncode == 0 and done.stderr.strip() == '', done.stderr

@pytest.mark.parametrize('args, says', [
    (['race', 'minst'], "no task 'minst', did you mean 'mnist'?"),
    (['race', 'mnist', '--against', 'keras,tourch'], "no framework 'tourch', did you mean 'torch'?"),
    (['demo', '--out', __file__], 'is a file'),
    (['demo', '--out', Path(__file__).parent], 'will not be replaced'),
    (['demo', '--out', Path(__file__)/'x'], 'cannot write a folder')])
def test_an_expected_error_is_one_line_and_status_1(capsys, tmp_path, monkeypatch, args, says):
    monkeypatch.chdir(tmp_path)
    assert status(*args) == 1
    out, err = capsys.readouterr()
    assert out == '' and err.startswith('tinybench: ') and says in err and err.count('\n') == 1
    assert names(tmp_path) == []

@pytest.mark.parametrize('args', [['rce'], ['race'], ['demo', '--repeats', '5'], ['demo', '--seed', '-1'],
                                  ['race', 'mnist', '--epochs', '0']])
def test_wrong_usage_is_status_2(capsys, args):
    assert status(*args) == 2
    assert 'Usage: tinybench' in capsys.readouterr().err

def test_a_race_without_data_says_how_to_get_them(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('TINYBENCH_CACHE', str(tmp_path/'cache'))
    monkeypatch.delenv('TINYBENCH_DATA', raising=False)
    for name in ('http_proxy', 'https_proxy'): monkeypatch.setenv(name, 'http://127.0.0.1:9')    # nobody answers there
    monkeypatch.delenv('no_proxy', raising=False)
    monkeypatch.setattr('urllib.request._opener', None)     # it remembers the proxies of its first call
    assert status('race', 'mnist', '--against', 'torch') == 1
    err = capsys.readouterr().err
    assert 'cannot download' in err and 'TINYBENCH_DATA' in err and 'Traceback' not in err
    assert not (tmp_path/'reports').exists()

@pytest.mark.slow
def test_demo_from_start_to_end(tmp_path):
    done = run('demo', '--out', tmp_path/'reports'/'demo', '--repeats', 6, '--json')
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)                                       # the results and nothing else
    assert said['accuracy'][0]['mean'] >= .98 and [len(r['values']) for r in said['results']] == [6]*4
    assert '\x1b' not in done.stderr and '\r' not in done.stderr and '%|' not in done.stderr     # neither colour nor bar
    assert done.stderr.splitlines()[-1] == f'report: {tmp_path/"reports"/"demo"}'
    assert is_report(tmp_path/'reports'/'demo', 'demo') and names(tmp_path/'reports') == ['demo']
    assert json.loads((tmp_path/'reports'/'demo'/'results.json').read_text()) == said

@pytest.mark.skipif(sys.platform == 'win32', reason='sends a signal of Unix')
def test_ctrl_c_leaves_nothing_behind(tmp_path):
    env = {**os.environ, 'PYTHONPATH': str(Path(__file__).resolve().parents[1])}
    with subprocess.Popen([*COMMAND, 'demo', '--out', tmp_path/'reports'/'demo'], env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler)) as p:
        assert 'training' in p.stderr.readline() and (tmp_path/'reports').is_dir()
        p.send_signal(signal.SIGINT)
        out, err = p.communicate()
    assert p.returncode == 130 and out == '' and err.strip() == 'tinybench: stopped; no report was written'
    assert names(tmp_path) == []
