"The command line: what it reads, what it says to people and to build servers, and what it leaves behind."
import io, json, os, re, signal, subprocess, sys, time
from pathlib import Path
import numpy as np
import pytest
from hypothesis import given, strategies as st
from tinybench import __version__
from tinybench.base.text import worded
from tinybench.bench.report import is_report
from tinybench.bench.suite import load_suite
from tinybench.cli import main
from tinybench.cli.figures import suite_figures
from tinybench.cli.gate import as_share, compared_files, gate, gates
from tinybench.cli.demo import MEANT, demo_suite, gains
from tinybench.cli.plan import known_keys, make_model, make_suite, named_object, plan_of, read_plan
from tinybench.measure.pairs import Ratio
from tinybench.measure.result import BenchmarkResult, load_json, save_json

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, '-W', 'error', '-c', 'from tinybench.cli import main; main()']
COMMANDS = 'demo', 'run', 'ablate', 'compare', 'profile', 'selftest', 'operating', 'env', 'report', 'race', 'compile', 'export'

def run(*args, **kw):
    "The command in a process of its own, its streams no terminals."
    env = {**os.environ, 'PYTHONPATH': str(ROOT)}
    return subprocess.run([*COMMAND, *map(str, args)], env=env, text=True, capture_output=True, **kw)

def status(*args):
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0

def names(folder): return sorted(p.name for p in folder.iterdir())

def plain_streams(done):
    "Neither colour nor bar where nobody can watch."
    return not any(mark in done.stdout + done.stderr for mark in ('\x1b', '\r', '%|'))


# --- what people write

@given(st.integers(0, 100))
def test_shares(percent):
    assert as_share(f'{percent}%') == as_share(str(percent/100)) == percent/100

@given(st.floats(.5, 2), st.floats(1, 2), st.floats(0, 1))
def test_gate_is_sure_or_silent(lo, width, limit):
    said = gate(lo, lo*width, limit)
    assert (said == 'fail') == (lo > 1 + limit) and (said == 'pass') == (lo*width <= 1 + limit)

@pytest.mark.parametrize('text, says', [
    ('repeats = [', 'is no TOML'), ('repeat = 3\n[models.a]', "did you mean 'repeats'"), ('repeats = 30', 'names no model'),
    ('models = 3', 'models cannot be 3'), ('models = ["a"]', 'models cannot be'), ('repeats = "six"\n[models.a]', "repeats cannot be 'six'"),
    ('data = "digits"\n[models.a]', 'data cannot be'), ('band = "2%"\n[models.a]', 'band cannot be'), ('seed = true\n[models.a]', 'seed cannot be True'),
    ('[models]\na = "simple_cnn"', 'a needs a table, [models.a]')])
def test_a_bad_plan_is_refused_in_words(tmp_path, text, says):
    (tmp_path/'s.toml').write_text(text)
    with pytest.raises(ValueError, match=re.escape(says)) as e: read_plan(tmp_path/'s.toml')
    assert str(tmp_path/'s.toml') in str(e.value)

def test_options_go_before_the_file(tmp_path):
    (tmp_path/'s.toml').write_text('repeats = 50\nseed = 3\ndata = ["digits"]\n[models.a]\nuse = "simple_cnn"')
    plan = plan_of(tmp_path/'s.toml', '', '', dict(repeats=None, seed=7))
    assert plan == dict(repeats=50, seed=7, data=['digits'], models=dict(a=dict(use='simple_cnn')))
    assert plan_of(None, 'a, b', 'digits', {}) == dict(models=dict(a={}, b={}), data=['digits'])
    assert plan_of(None, 'a,', '', {}) == dict(models=dict(a={}))
    with pytest.raises(ValueError, match='nothing to measure'): plan_of(None, '', '', {})
    with pytest.raises(ValueError, match='twice'): plan_of(None, 'a,a', '', {})

def test_models_of_a_plan(tmp_path, monkeypatch):
    m = make_model('slim', dict(use='simple_cnn', width=2), seed=5)
    assert (m.name, m.shape, m.kind) == ('slim', (8, 8, 1), 'tinybench')
    m.source.save(tmp_path/'w.npz')
    again = make_model('again', dict(use='simple_cnn', width=2, weights=str(tmp_path/'w.npz')), seed=6)
    x = np.ones((1, 8, 8, 1), np.float32)
    np.testing.assert_array_equal(again.source.eval()(x).data, m.source.eval()(x).data)
    (tmp_path/'my_nets.py').write_text('def double(): return lambda x: 2*x')
    monkeypatch.chdir(tmp_path)
    mine = make_model('mine', dict(use='my_nets:double', shape=[3]))
    assert mine.shape == (3,) and mine.call(4) == 8
    assert os.getcwd() not in sys.path

@pytest.mark.parametrize('table, says', [
    (dict(use='resnet'), "did you mean 'resnet8'"), (dict(use='simple_cnn', widht=3), 'widht'), (dict(use='no_such_module:f'), 'no_such_module'),
    (dict(use='math:nothing'), "has no 'nothing'"), (dict(use='functools:lru_cache'), 'shape'), (dict(use=3), 'use must be text'), (dict(use='simple_cnn', weights='/no/such.npz'), 'no saved weights')])
def test_a_bad_model_is_refused_in_words(table, says):
    with pytest.raises((ValueError, OSError), match=says): make_model('m', table)


# --- comparing files

def records(path, k=1., metric='latency', unit='s', names=('net',), **kw):
    values = k*np.random.default_rng(0).lognormal(0, .01, 30)*1e-4
    return save_json([BenchmarkResult(n, metric, unit, values, 'measured', **kw) for n in names], path)

ONE = '; not surely: one run a side says nothing of the spread between runs'

@pytest.mark.parametrize('k, code, word', [(1.5, 3, 'fail, slower by more than 5%' + ONE), (1., 0, 'pass, not slower by more than 5%' + ONE),
                                           (.5, 0, 'pass, not slower'), (1.05, 0, 'undecided, whether slower by more than 5%')])
def test_the_status_for_a_build_server(tmp_path, capsys, k, code, word):
    "One run a side fails as it always did, but never surely; --strict wants to be sure, which takes several runs."
    old, new = records(tmp_path/'a.json'), records(tmp_path/'b.json', k)
    assert status('compare', old, new, '--fail-above', '5%') == code
    out, err = capsys.readouterr()
    assert f'net: {word}' in err and 'not interleaved' in out and 'unsure: one run a side' in out
    assert status('compare', old, new) == 0
    assert status('compare', old, new, '--fail-above', '5%', '--strict') == (code or 4)

def test_a_rate_is_slower_when_it_falls(tmp_path):
    old, new = (records(tmp_path/f'{k}.json', k, 'throughput', 'examples/s') for k in (1., .5))
    assert status('compare', old, new, '--metric', 'throughput', '--fail-above', '5%') == 3
    assert status('compare', new, old, '--metric', 'throughput', '--fail-above', '5%') == 0

def test_compare_takes_report_folders(tmp_path):
    for name, k in dict(a=1., b=2.).items(): (tmp_path/name).mkdir(), records(tmp_path/name/'results.json', k)
    assert status('compare', tmp_path/'a', tmp_path/'b', '--fail-above', '10%') == 3

def test_compare_as_json(tmp_path, capsys):
    assert status('compare', records(tmp_path/'a.json'), records(tmp_path/'b.json', 2.), '--fail-above', '10%', '--json') == 3
    said = json.loads(capsys.readouterr().out)
    assert said['gates'] == dict(net='fail') and said['surely'] == dict(net=False) and said['rows'][0]['verdict'] == 'slower' and not said['interleaved']

@pytest.mark.parametrize('other, says', [
    (dict(metric='accuracy', unit='share'), 'has no latency; it has accuracy'), (dict(names=('other',)), 'in both'),
    (dict(env=dict(cpu='another')), 'other ')])
def test_files_that_do_not_go_together(tmp_path, capsys, other, says):
    assert status('compare', records(tmp_path/'a.json'), records(tmp_path/'b.json', **other)) == 1
    assert says in capsys.readouterr().err

@pytest.mark.parametrize('text, says', [('{', 'b.json'), ('[]', 'no benchmark results'), ('{"results": [{"schema": 0}]}', 'schema 0'),
                                        ('{"results": [{"schema": 99}]}', 'schema 99')])
def test_a_file_that_is_none_is_named(tmp_path, capsys, text, says):
    (tmp_path/'b.json').write_text(text)
    assert status('compare', records(tmp_path/'a.json'), tmp_path/'b.json') == 1
    err = capsys.readouterr().err
    assert says in err and 'b.json' in err and err.count('\n') == 1

@pytest.mark.parametrize('coding', ['utf-8-sig', 'utf-16', 'utf-16-le'])
def test_files_as_windows_own_tools_write_them(tmp_path, capsys, coding):
    old, new = records(tmp_path/'a.json'), records(tmp_path/'b.json', 2.)
    new.write_bytes(new.read_text().replace('\n', '\r\n').encode(coding))
    assert status('compare', old, new, '--fail-above', '5%') == 3, capsys.readouterr()
    (tmp_path/'s.toml').write_bytes('[models."µ"]\r\nuse = "simple_cnn"\r\n'.encode(coding))
    assert read_plan(tmp_path/'s.toml')['models'] == {'µ': dict(use='simple_cnn')}

@pytest.mark.parametrize('page', ['gbk', 'ascii'])      # the others: tests/base/test_terminal.py
def test_a_code_page_without_micro_costs_no_result(tmp_path, monkeypatch, page):
    for name in ('stdout', 'stderr'): monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), page))
    slow = records(tmp_path/'a.json'), records(tmp_path/'b.json')
    assert status('compare', *slow) == 0 and status('profile', 'mnist_mlp', '--repeats', 6) == 0
    said = sys.stdout.buffer.getvalue().decode(page)
    assert 'forward (us)' in said and 'net' in said


# --- the commands

def test_help_and_version(capsys):
    assert status('--version') == 0 and capsys.readouterr().out == f'tinybench {__version__}\n'
    assert status('--help') == 0
    text = capsys.readouterr().out
    for command in COMMANDS:
        assert f'  {command} ' in text
        assert status(command, '--help') == 0
        assert f'Example: tinybench {command}' in capsys.readouterr().out

def test_every_command_has_json(capsys):
    for command in COMMANDS:
        status(command, '--help')
        assert '--json' in capsys.readouterr().out, command

def test_help_loads_nothing_heavy():
    code = '''import sys
from tinybench.cli import main
try: main(["demo", "--help"])
finally: print(*{"numpy", "scipy", "matplotlib", "pandas", "sklearn", "rich", "torch"} & set(sys.modules), file=sys.stderr)'''
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0 and done.stderr.strip() == '', done.stderr

@pytest.mark.parametrize('args, says', [
    (['race', 'minst'], "no task 'minst', did you mean 'mnist'?"),
    (['race', 'mnist', '--against', 'keras,tourch'], "no framework 'tourch', did you mean 'torch'?"),
    (['race', 'inference', '--against', 'lite'], "no engine 'lite', did you mean 'litert'?"),
    (['race', 'inference', '--dtype', 'int4'], "no dtype 'int4', did you mean 'int8'?"),
    (['race', 'mnist', '--dtype', 'int8'], '--dtype says nothing in a race of mnist'),
    (['race', 'inference', '--epochs', '3'], '--epochs says nothing in a race of inference'),
    (['race', 'mnist', '--nets', 'resnet8'], '--nets says nothing in a race of mnist'),
    (['race', 'mnist', '--memory'], '--memory says nothing in a race of mnist'),
    (['race', 'inference', '--memory', '--dtype', 'int8'], '--memory is for networks of float32, not of int8'),
    (['race', 'digits', '--batch', '8'], '--batch says nothing in a race of digits'),
    (['race', 'inference', '--nets', 'resnet9'], "no network 'resnet9', did you mean 'resnet8'?"),
    (['demo', '--out', __file__], 'is a file'),
    (['demo', '--out', Path(__file__).parent], 'will not be replaced'),
    (['demo', '--out', Path(__file__)/'x'], 'cannot write a folder'),
    (['run'], 'nothing to measure'), (['run', 'no.toml'], 'No such file'), (['run', '--models', 'resnet'], "did you mean 'resnet8'"),
    (['run', '--models', 'mnist_mlp', '--baseline', 'x'], "no model 'x'"), (['run', '--models', 'mnist_mlp', '--data', 'digit'], 'digits'),
    (['profile', 'math:sqrt'], 'sqrt'), (['profile', 'vgg'], "no network 'vgg'"), (['report', 'nowhere'], 'nowhere'),
    (['compare', 'a.json', 'b.json'], 'a.json'), (['compare', 'a', 'b', '--fail-above', '5'], 'write 5% or 0.05')])
def test_an_expected_error_is_one_line_and_status_1(capsys, tmp_path, monkeypatch, args, says):
    monkeypatch.chdir(tmp_path)
    assert status(*args) == 1
    out, err = capsys.readouterr()
    assert out == '' and err.startswith('tinybench: ') and says in err and err.count('\n') == 1, err
    assert names(tmp_path) == []

@pytest.mark.parametrize('args', [['rce'], ['race'], ['demo', '--repeats', '5'], ['demo', '--seed', '-1'], ['compare', 'a'],
                                  ['race', 'mnist', '--epochs', '0'], ['profile'], ['selftest', '--pairs', '5']])
def test_wrong_usage_is_status_2(capsys, args):
    assert status(*args) == 2
    assert 'Usage: tinybench' in capsys.readouterr().err

def test_env(capsys):
    assert status('env', '--json') == 0
    assert json.loads(capsys.readouterr().out)
    assert status('env') == 0 and capsys.readouterr().out.count('\n') > 5

def test_selftest(capsys):
    assert status('selftest', '--comparisons', 3, '--pairs', 8, '--json') == 0
    assert json.loads(capsys.readouterr().out)['n'] == 3
    assert status('selftest', '--comparisons', 2, '--pairs', 6, '--model', 'mnist_mlp') == 0
    assert 'false alarms' in capsys.readouterr().out

def test_profile(capsys, tmp_path):
    assert status('profile', 'mnist_mlp', '--repeats', 6, '--train', '--trace', tmp_path/'t.json', '--out', tmp_path/'figures') == 0
    out, err = capsys.readouterr()
    assert 'Dense' in out and 'backward' in out and str(tmp_path/'t.json') in err
    assert json.loads((tmp_path/'t.json').read_text())['traceEvents']
    assert names(tmp_path/'figures') == ['profile.svg']
    assert status('profile', 'mnist_mlp', '--repeats', 6, '--json', '--out', tmp_path/'figures') == 0
    assert names(tmp_path/'figures') == ['profile.svg', 'roofline.svg']
    assert set(json.loads(capsys.readouterr().out)) == {'profile', 'roofline'}

SUITE = '''data = ["digits"]
repeats = 6
baseline = "slim"
[models.wide]
use = "simple_cnn"
width = 3
[models.slim]
use = "simple_cnn"
width = 1
'''

def test_run_and_report(tmp_path):
    (tmp_path/'s.toml').write_text(SUITE)
    done = run('run', 's.toml', '--out', 'out', '--json', cwd=tmp_path)
    assert done.returncode == 0 and plain_streams(done), done.stderr
    said = json.loads(done.stdout)
    assert said['baseline'] == 'slim' and {r['metric'] for r in said['results']} >= {'latency', 'throughput'}
    assert names(tmp_path/'out') == ['report', 'results.json', 'steps'] and json.loads((tmp_path/'out'/'report'/'results.json').read_text()) == said
    assert [r.name for r in load_json(tmp_path/'out'/'report'/'results.json') if r.metric == 'latency'] == ['wide', 'slim']
    assert done.stderr.splitlines()[-1] == 'report: out/report'
    before = {p.name: p.read_bytes() for p in (tmp_path/'out'/'report').iterdir()}
    assert {'report.md', 'report.html', 'results.csv', 'results.json'} <= set(before)
    done = run('report', 'out', cwd=tmp_path)
    assert done.returncode == 0 and 'slim' in done.stdout and done.stderr.strip() == 'report: out/report', done.stderr
    assert (tmp_path/'out'/'report'/'results.json').read_bytes() == before['results.json']
    kept = {p: p.read_bytes() for p in (tmp_path/'out'/'steps').iterdir()}
    assert run('run', 's.toml', '--out', 'out', cwd=tmp_path).returncode == 0     # everything is there already
    assert kept == {p: p.read_bytes() for p in (tmp_path/'out'/'steps').iterdir()}
    done = run('run', 's.toml', '--out', 'out', '--repeats', 7, cwd=tmp_path)
    assert done.returncode == 1 and 'repeats (6 there, 7 here)' in done.stderr and done.stderr.count('\n') == 1

def test_a_model_that_fails_is_status_1_and_has_no_number(tmp_path):
    (tmp_path/'bad_nets.py').write_text('def f():\n    def bad(x): raise RuntimeError("out of order")\n    return bad')
    (tmp_path/'s.toml').write_text(SUITE + '[models.bad]\nuse = "bad_nets:f"\nshape = [8, 8, 1]\n')
    done = run('run', 's.toml', '--out', 'out', '--json', cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    assert 'out of order' in said['failures']['bad'] and not [x for x in said['results'] + said['scores'] if x['name'] == 'bad']
    assert 'out of order' in (tmp_path/'out'/'report'/'report.html').read_text()

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


# --- the demo

def test_demo_learns_the_same_from_the_same_seed():
    first, again, other = (demo_suite(s, (2, 1), epochs=1, repeats=6).run(progress=False).scores for s in (3, 3, 4))
    assert [s.hits for s in first] == [s.hits for s in again] != [s.hits for s in other]

def test_demo_tells_what_it_does_and_needs_two():
    told = []
    suite = demo_suite(0, (2, 1), epochs=1, tell=told.append)
    assert 'training' in told[0] and '1,438 digits' in told[0] and told[-1] == 'making width 2 faster: fused, thinned'
    assert suite.bench.names == ('width 2', 'width 1', 'fused', 'thinned') and suite.bench.baseline == 'width 2'
    with pytest.raises(ValueError, match='two widths'): demo_suite(widths=(4, 4), tell=lambda text: pytest.fail(text))

@pytest.fixture(scope='module')
def small_demo(): return demo_suite(0, (4, 1), epochs=2, repeats=12).run(progress=False)

def test_what_the_demo_made_faster(small_demo):
    r = small_demo
    held = {x.name: x.median for x in r.results if x.metric == 'weights'}
    hits = {s.name: s.hits for s in r.scores}
    assert hits['fused'] == hits['width 4']       # the steps change no answer, but for rounding
    assert held['thinned'] < .75*held['width 4'] and held['fused'] < held['width 4']

def test_gains_are_the_pairs_of_the_suite(small_demo):
    t, beside = gains(small_demo), {c.metric: xs for c, xs in small_demo.comparison.items()}
    assert t.head == ('width 4, made faster', *MEANT)
    rows = {label: dict(zip(MEANT, cells)) for label, *cells in t.rows}
    assert list(rows) == ['speed, 1 at a time', 'accuracy', 'speed, 32 at a time', 'weights']
    for name in MEANT:
        a, fast = beside['latency'][name], beside['throughput'][name]
        assert rows['speed, 1 at a time'][name] == f'{worded(1/a.mid, 1/a.hi, 1/a.lo)}, {a.verdict}'
        assert rows['speed, 32 at a time'][name] == f'{fast.words()}, {fast.verdict}'
        assert rows['accuracy'][name].startswith(beside['accuracy'][name].words())
        assert rows['weights'][name].endswith('B, less')

def test_figures_of_a_suite(small_demo):
    found = suite_figures(small_demo)
    assert len(found) == 2 and all(b'<svg' in figure for figure in found.values())

@pytest.mark.slow
def test_demo_from_start_to_end(tmp_path):
    done = run('demo', '--out', tmp_path/'reports'/'demo', '--repeats', 6, '--json')
    assert done.returncode == 0 and plain_streams(done), done.stderr
    said = json.loads(done.stdout)                                       # the results and nothing else
    assert said['names'] == ['width 16', 'width 4', *MEANT] and said['scores'][0]['share'] >= .98
    assert {len(r['values']) for r in said['results'] if r['metric'] in ('latency', 'throughput')} == {6}
    assert done.stderr.splitlines()[-1] == f'report: {tmp_path/"reports"/"demo"}'
    assert is_report(tmp_path/'reports'/'demo', 'suite') and names(tmp_path/'reports') == ['demo']
    assert load_suite(tmp_path/'reports'/'demo').to_dict() == said

def started(*args, cwd):
    "The command in a process that minds Ctrl-C."
    env = {**os.environ, 'PYTHONPATH': str(ROOT)}
    return subprocess.Popen([*COMMAND, *map(str, args)], env=env, text=True, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))

@pytest.mark.skipif(sys.platform == 'win32', reason='sends a signal of Unix')
def test_ctrl_c_leaves_nothing_behind(tmp_path):
    with started('demo', '--out', tmp_path/'reports'/'demo', cwd=tmp_path) as p:
        assert 'training' in p.stderr.readline()
        p.send_signal(signal.SIGINT)
        out, err = p.communicate()
    assert p.returncode == 130 and out == '' and err.strip().startswith('tinybench: stopped') and err.strip().count('\n') == 0
    assert names(tmp_path) == []

@pytest.mark.skipif(sys.platform == 'win32', reason='sends a signal of Unix')
def test_ctrl_c_keeps_what_a_run_has_finished(tmp_path):
    (tmp_path/'s.toml').write_text(SUITE.replace('repeats = 6', 'repeats = 3000'))
    with started('run', 's.toml', '--out', 'out', cwd=tmp_path) as p:
        while p.poll() is None:        # however long that takes
            if (tmp_path/'out'/'steps').is_dir() and len(names(tmp_path/'out'/'steps')) >= 4: break
            time.sleep(.05)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate()
    assert p.returncode == 130 and out == '' and 'Traceback' not in err, err
    kept = {p.name: p.read_bytes() for p in (tmp_path/'out'/'steps').iterdir()}
    assert len(kept) >= 4 and all(json.loads(text) for text in kept.values())

def test_a_plan_makes_anew_what_cannot_be_copied(tmp_path, monkeypatch):
    "A network is copied in each build; what refuses to be copied, `use` makes once more."
    (tmp_path/'mine.py').write_text('class Session:\n    def __deepcopy__(self, memo): raise TypeError("one of a kind")\n'
                                    '    def __call__(self, x): return x.reshape(len(x), -1)[:, :3]\n')
    monkeypatch.chdir(tmp_path)
    suite = make_suite(dict(models=dict(net=dict(use='mnist_mlp'), s=dict(use='mine:Session', shape=[28, 28, 1])), repeats=6))
    by_name = {m.name: m for m in suite.bench.models}
    assert by_name['net'].make is None and by_name['s'].make().call is not by_name['s'].call and suite.bench.builds == 6
