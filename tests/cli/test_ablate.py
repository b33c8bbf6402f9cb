"`tinybench ablate`: an ablation in a file, the steps that it may name, and what it leaves behind."
import json, os, re, subprocess, sys
from pathlib import Path
import numpy as np
import pytest
from tinybench.bench.ablation import Ablation, FineTune
from tinybench.bench.report import is_report
from tinybench.cli import main
from tinybench.cli.ablation import STEPS, make_step, read_ablation, run_ablation, start_of
from tinybench.cli.plan import named_object
from tinybench.data.loader import Loader
from tinybench.data.source import load_digits
from tinybench.models.zoo import simple_cnn
from tinybench.nn.dense import Dropout
from tinybench.nn.module import Sequential, walk
from tinybench.nn.optim import Adam
from tinybench.nn.train import fit
from tinybench.optimize.fuse import fold
from tinybench.optimize.prune import prune
from tinybench.optimize.quantize import int8
from tinybench.optimize.step import answers_of, clone, optimize
from tinybench.toolchain.compiler import find_compiler

ROOT = Path(__file__).resolve().parents[2]
unix = pytest.mark.skipif(sys.platform == 'win32', reason='needs the home folder of Unix')
COMMAND = [sys.executable, '-W', 'error', '-c', 'from tinybench.cli import main; main()']
GOOD = '''data = ["digits"]
repeats = 6
processes = 1
[models.net]
use = "simple_cnn"
width = 2
[[step]]
use = "strip"
[[step]]
name = "half"
use = "float16"
'''

def status(*args):
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0

def names(folder): return sorted(p.name for p in folder.iterdir())

@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path/'own_steps.py').write_text('''from tinybench.optimize.step import clone
def bad(net): raise ZeroDivisionError('by zero')
def scaled(net, x, by=1.):
    assert x.shape[1:] == (8, 8, 1)
    print('scaling')
    net = clone(net)
    net[0].w.data *= by
    return net
def on_data(net, data): return clone(net) if data.name == 'digits' else None
number = 3
def f(): return lambda x: x.reshape(len(x), -1)[:, :10]
''')
    (tmp_path/'s.toml').write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    return tmp_path

@pytest.mark.parametrize('text, says', [
    ('data = [', 'is no TOML'), (GOOD.replace('repeats', 'repaets'), "did you mean 'repeats'"), (GOOD.replace('"digits"', ''), 'names no data'),
    (GOOD.split('[[step]]')[0], 'names no step: add [[step]]'), (GOOD.replace('[models.net]', '[other]'), "has no 'other'"),
    ('data = ["digits"]\n[[step]]\nuse = "strip"', 'names no model'), (GOOD.replace('repeats = 6', 'workers = "two"'), "workers cannot be 'two'"),
    (GOOD.replace('repeats = 6', 'kinds = "order"'), "kinds cannot be 'order'"), ('step = [3]\ndata = ["digits"]\n[models.a]', 'a step needs a table')])
def test_a_bad_ablation_is_refused_in_words(tmp_path, text, says):
    (tmp_path/'s.toml').write_text(text)
    with pytest.raises(ValueError, match=re.escape(says)): read_ablation(tmp_path/'s.toml')

def test_one_model_to_start_from():
    assert start_of(dict(models=dict(a={}))) == start_of(dict(models=dict(b={}, a={}), baseline='a')) == 'a'
    with pytest.raises(ValueError, match='which of a, b'): start_of(dict(models=dict(a={}, b={})))
    with pytest.raises(ValueError, match="did you mean 'net'"): start_of(dict(models=dict(net={}), baseline='nett'))

ALIKE = dict(                # what cannot be counted, and how it is seen instead
    prune=lambda new, old: (new[-1].w.data == 0).mean() >= .85,
    n_m=lambda new, old: ((new[-1].w.data != 0).reshape(-1, 4, new[-1].w.shape[1]).sum(1) <= 2).all(),
    channels_first=lambda new, old: [type(m).__name__ for _, m in walk(new)] != [type(m).__name__ for _, m in walk(old)],
    fine_tune=lambda new, old: (new[-1].w.data != old[-1].w.data).any())
ALIKE['distill'] = ALIKE['fine_tune']

@pytest.mark.parametrize('use', STEPS)
def test_every_known_step_makes_a_network(use):
    digits, net = load_digits(), simple_cnn(np.random.default_rng(0))
    if use in ('fuse', 'channels_first', 'integer', 'fake'): net = fold(net)
    wants = dict(prune=dict(sparsity=.9, scope='layer'), lowrank=dict(rank=4), fine_tune=dict(epochs=1), distill=dict(epochs=1))
    if use == 'native' and not find_compiler(): pytest.skip('needs a C compiler')
    name, step = make_step(dict(use=use, **wants.get(use, {})), digits, net)
    given = prune(net, .9, scope='layer') if use == 'sparse' else net
    if use == 'strip': given = Sequential(*given, Dropout(.5, np.random.default_rng(0)))
    done = optimize(given, {name: step}, digits.x_test[:32])
    before, after = done.changes[0].before, done.changes[0].after
    assert name == use and done.net is not given
    assert ALIKE[use](done.net, given) and (after == before or use == 'channels_first') if use in ALIKE else after != before

def test_what_is_random_follows_the_seed_unless_the_file_says_one():
    digits = load_digits()
    assert [make_step(dict(use=use, **own), digits, simple_cnn(np.random.default_rng(0)), 7)[1].seed
            for use in ('fine_tune', 'distill') for own in ({}, dict(seed=3))] == [7, 3, 7, 3]

def test_the_seed_of_an_ablation_is_that_of_its_training(here, monkeypatch):
    seen = []
    monkeypatch.setattr('tinybench.bench.ablation.ablate', lambda net, steps, *args, **options: seen.append((steps['fine_tune'].seed, options['seed'])))
    (here/'s.toml').write_text(GOOD + '[[step]]\nuse = "fine_tune"\n')
    run_ablation(read_ablation(here/'s.toml') | dict(seed=5))
    assert seen == [(5, 5)]

def test_distilling_learns_from_the_network_that_the_ablation_starts_from():
    digits, rng = load_digits(), np.random.default_rng(0)
    teacher = simple_cnn(rng)
    fit(teacher, Loader(digits.x_train, digits.y_train, rng=rng), 3, Adam(teacher.parameters(), .003), progress=False)
    step = make_step(dict(use='distill', epochs=2, lr=.003), digits, teacher)[1]
    student = simple_cnn(np.random.default_rng(1))
    def agrees(net): return (answers_of(net, digits.x_test).argmax(1) == answers_of(teacher, digits.x_test).argmax(1)).mean()
    assert step.teacher is teacher and agrees(student) < .3 and agrees(step(student)) > .75
    with pytest.raises(ValueError, match='encode its weights last'): step(int8(student))
    held = step(prune(student, .8, scope='layer'))
    assert (held[-1].w.data == 0).mean() >= .79
    assert step.mark == make_step(dict(use='distill', epochs=2, lr=.003), digits, clone(teacher))[1].mark
    assert step.mark != make_step(dict(use='distill', epochs=2, lr=.003), digits, student)[1].mark

@pytest.mark.parametrize('args, says', [
    (('ablate', 's.toml'), 'nothing was kept; with --out FOLDER, `tinybench ablate` can go on'), (('run', 'r.toml'), 'nothing was kept; with --out FOLDER, `tinybench run`'),
    (('ablate', 's.toml', '--out', 'o'), '`tinybench ablate` goes on where it was, with --out o again'),
    (('run', 'r.toml', '--out', 'o'), '`tinybench run` goes on where it was, with --out o again'), (('env',), 'stopped; nothing is half written\n')])
def test_what_ctrl_c_left_is_said_of_each_command(here, monkeypatch, capsys, args, says):
    def stop(*_, **__): raise KeyboardInterrupt
    (here/'r.toml').write_text(GOOD.split('[[step]]')[0])
    monkeypatch.setattr('tinybench.cli.commands.run_ablation', stop)
    monkeypatch.setattr('tinybench.bench.suite.run_suite', stop)
    monkeypatch.setattr('tinybench.measure.system.system', stop)
    assert status(*args) == 130 and says in capsys.readouterr().err

@unix
@pytest.mark.parametrize('command', ['run', 'ablate'])
def test_a_folder_in_the_home_folder(here, monkeypatch, command):
    monkeypatch.setenv('HOME', str(here/'home'))
    (here/'s.toml').write_text(GOOD if command == 'ablate' else GOOD.split('[[step]]')[0])
    assert status(command, 's.toml', '--out=~/x') == 0
    assert not (here/'~').exists() and {'report', 'results.json', 'steps'} <= set(names(here/'home'/'x'))
    assert status('report', '~/x') == 0 and not (here/'~').exists()

def test_only_a_missing_dask_is_a_plain_line(here, monkeypatch):
    def other(*_, **__): raise ImportError('no module of mine', name='mine')
    monkeypatch.setattr('tinybench.bench.ablation.ablate', other)
    with pytest.raises(ImportError, match='of mine'): run_ablation(read_ablation(here/'s.toml'))

def test_fine_tuning_is_a_known_step():
    digits = load_digits()
    tune = make_step(dict(use='fine_tune', name='again', epochs=1), digits)[1]
    assert isinstance(tune, FineTune) and tune.epochs == 1 and tune.data is digits

def test_a_step_of_ones_own_gets_what_it_asks_for(here):
    digits, net = load_digits(), simple_cnn(np.random.default_rng(0), width=2)
    name, step = make_step(dict(use='own_steps:scaled', by=2.), digits)
    assert name == 'scaled' and (step(net)[0].w.data == 2*net[0].w.data).all()
    assert make_step(dict(use='own_steps:on_data'), digits)[1](net) is not None
    assert named_object(STEPS['strip']) is make_step(dict(use='strip'), digits)[1].func

@pytest.mark.parametrize('table, says', [
    (dict(use='flaot16'), "did you mean 'float16'"), ({}, 'needs use'), (dict(use=3), 'needs use'), (dict(use='strip', name=4), 'is text'),
    (dict(use='own_steps:nothing'), "has no 'nothing'"), (dict(use='own_steps:number'), 'is a int, not a function'), (dict(use='no_such:f'), 'no_such'),
    (dict(use='strip', by=3), "step 'strip': got an unexpected keyword argument 'by'"), (dict(use='fine_tune', epoch=3), "step 'fine_tune'.*epoch")])
def test_a_bad_step_is_refused_in_words(here, table, says):
    with pytest.raises(ValueError, match=says): make_step(table, load_digits())

@pytest.mark.parametrize('change, says', [
    (('name = "half"\nuse = "float16"', 'use = "strip"'), 'two steps are called strip'), (('use = "simple_cnn"\nwidth = 2', 'use = "own_steps:f"\nshape = [8, 8, 1]'), 'not from a'),
    (('repeats = 6', 'repeats = 6\nkinds = ["add-two"]'), 'not add-two'), (('"digits"', '"digit"'), "did you mean 'digits'"), (('repeats = 6', 'repeats = 5'), 'needs 6')])
def test_an_expected_error_is_one_line_and_status_1(here, capsys, change, says):
    (here/'s.toml').write_text(GOOD.replace(*change))
    assert status('ablate', 's.toml') == 1
    out, err = capsys.readouterr()
    assert out == '' and err.startswith('tinybench: ') and says in err and err.count('\n') == 1, err

def test_an_ablation_from_a_file_with_its_report(here):
    own = '[[step]]\nuse = "own_steps:scaled"\nby = 1.0\n'
    (here/'s.toml').write_text(GOOD.replace('[[step]]\nname', own + '[[step]]\nname'))
    env = {**os.environ, 'PYTHONPATH': str(ROOT)}
    def run(*args): return subprocess.run([*COMMAND, *args], env=env, text=True, capture_output=True, cwd=here)
    done = run('ablate', 's.toml', '--out', 'out', '--json')
    assert done.returncode == 0 and not any(mark in done.stdout + done.stderr for mark in ('\x1b', '\r', '%|')), done.stderr
    said = json.loads(done.stdout)                                       # what a step prints goes elsewhere
    assert said['steps'] == ['strip', 'scaled', 'half'] and {r['question'] for r in said['answers']} == {'add-one', 'leave-one-out', 'order', 'effect', 'beyond'}
    assert names(here/'out') == ['ablation.json', 'answers.csv', 'prepared', 'report', 'results.json', 'steps']
    assert is_report(here/'out'/'report', 'suite') and done.stderr.splitlines()[-1] == 'report: out/report'
    page = (here/'out'/'report'/'report.html').read_text()
    assert list(said['suite']['failures']) == ['half + scaled']            # an order that is refused is no failure of the run
    assert all(words in page for words in ('More answers', 'What a step does beside the others', 'strip × half', 'half, then strip'))
    assert page.count('<img src="data:image/svg') == 5 and len(names(here/'out'/'report')) == 9
    before = {p: p.read_bytes() for p in (here/'out'/'steps').iterdir()}
    again = run('ablate', 's.toml', '--out', 'out')
    assert again.returncode == 0 and 'measured in an earlier run' in again.stderr and 'effect: strip × half' in again.stdout
    assert before == {p: p.read_bytes() for p in (here/'out'/'steps').iterdir()}
    assert status('report', here/'out') == 0 and 'More answers' in (here/'out'/'report'/'report.html').read_text()
    other = run('ablate', 's.toml', '--out', 'out', '--repeats', '7')
    assert other.returncode == 1 and 'repeats (6 there, 7 here)' in other.stderr

def test_a_step_that_fails_is_status_1_and_the_others_are_measured(here, capsys):
    (here/'s.toml').write_text(GOOD + '[[step]]\nuse = "own_steps:bad"\n')
    assert status('ablate', 's.toml', '--kinds', 'add-one', '--out', 'out', '--json') == 1
    said = json.loads(capsys.readouterr().out)
    assert said['kinds'] == ['add-one'] and said['suite']['failures'] == dict(bad="step 'bad' raised ZeroDivisionError: by zero")
    assert {r['of'] for r in said['answers']} == {'strip', 'half'} and Ablation.load(here/'out').lost == ('bad',)
    assert 'raised ZeroDivisionError' in (here/'out'/'report'/'report.html').read_text()

def test_options_go_before_the_file(here, monkeypatch):
    seen = {}
    monkeypatch.setattr('tinybench.cli.commands.run_ablation', lambda plan, out: seen.update(plan) or (_ for _ in ()).throw(ValueError('stop')))
    status('ablate', 's.toml', '--repeats', 9, '--workers', 2, '--kinds', 'order, add-one', '--batch', 4)
    assert (seen['repeats'], seen['workers'], seen['kinds'], seen['batch']) == (9, 2, ['order', 'add-one'], 4) and 'seed' not in seen

def test_workers_without_dask_are_refused_in_words(here, monkeypatch):
    monkeypatch.setitem(sys.modules, 'distributed', None)
    with pytest.raises(ValueError, match='need Dask: pip install'): run_ablation(read_ablation('s.toml') | dict(workers=2))
