"The suite: records that refuse what has no place, runs that survive whatever ends them, and models that fail."
import inspect, json, os, re, shutil, signal, subprocess, sys, time
from pathlib import Path
import numpy as np
import pytest
from hypothesis import given, strategies as st
from benchkit import broken_steps, hand as made_by_hand, net, nets, run, toy
from tinybench.backends.base import as_model
from tinybench.bench.benchmark import Against, against
from tinybench.backends.base import Model
from tinybench.bench.pareto import column_of, pareto, recommend
from tinybench.bench.steps import fingerprint, load_step, step_file
from tinybench.bench.suite import BenchmarkSuite, SuiteResult, columns
from tinybench.base.text import markdown, worded
from tinybench.measure.accuracy import Score
from tinybench.measure.result import BenchmarkResult, load_json
from tinybench.nn.dense import Dense

ROOT = Path(__file__).resolve().parents[2]

def files(folder): return {p.name: p.read_bytes() for p in Path(folder).iterdir() if p.is_file()}

@pytest.fixture(scope='module')
def found(): return run(nets(), toy(), repeats=12)

@pytest.fixture
def hand(): return made_by_hand()


# --- records

def test_a_record_refuses_what_has_no_place(hand):
    score, timed = hand.scores[0], hand.results[0]
    for kw, says in ((dict(failures=dict(base='raised'), scores=[score]), 'failed, so it can have no accuracy'),
                     (dict(failures=dict(bose='raised')), "failure 'bose'"), (dict(results=[timed, timed]), 'base latency comes twice'),
                     (dict(scores=[Score('bose', [True], 'toy')]), "accuracy of 'bose'"), (dict(baseline='bose'), "baseline 'bose'")):
        with pytest.raises(ValueError, match=says): SuiteResult(**dict(dict(names=hand.names, baseline='base'), **kw))
    with pytest.raises(TypeError): hand.failures['x'] = 'y'

def test_round_trip_and_schemas(hand, tmp_path):
    assert SuiteResult.from_dict(json.loads(json.dumps(hand.to_dict()))) == hand
    path = hand.save(tmp_path)
    assert SuiteResult.load(tmp_path) == SuiteResult.load(path) == hand and load_json(path) == list(hand.results)
    d = json.loads(path.read_text())
    for wrong, says in ((d | dict(schema=0), 'suite result of schema 0: tinybench .* knows schema 1 only'), (d | dict(schema=2), 'schema 2'),
                        (d | dict(report='race'), 'no result of a suite'), ([], 'no result of a suite'),
                        ({k: v for k,v in d.items() if k != 'scores'}, 'missing in a suite result: scores'),
                        (d | dict(results=[d['results'][0] | dict(schema=0)]), 'a record of schema 0'),
                        (d | dict(scores=[d['scores'][0] | dict(schema=0)]), 'a score of schema 0')):
        path.write_text(json.dumps(wrong))
        with pytest.raises(ValueError, match=says) as e: SuiteResult.load(path)
        assert str(path) in str(e.value)
    path.write_text('{"rep')
    with pytest.raises(ValueError, match='results.json'): SuiteResult.load(tmp_path)

def test_every_row_has_an_origin_and_the_level_is_kept(hand):
    frame = hand.to_frame()
    assert set(frame.provenance) == {'measured', 'modelled'} and (frame.level == .95).all() and (frame.n > 0).all()
    assert (frame[frame.provenance == 'measured'].lo < frame[frame.provenance == 'measured'].hi).all()
    wide = SuiteResult(hand.names, 'base', hand.results, settings=dict(level=.5, band=.02)).to_frame()
    narrow, usual = (f[f.metric == 'latency'] for f in (wide, frame))
    assert (narrow.hi - narrow.lo < (usual.hi - usual.lo).values).all() and set(narrow.level) == {.5}

def test_verdicts_against_the_baseline(hand):
    said = {str(c): {k: a.verdict for k,a in beside.items()} for c,beside in hand.comparison.items()}
    assert said['latency'] == dict(fast='faster', twin='faster', slow='slower')
    assert said['accuracy on toy'] == dict(fast='worse', twin='same', slow='better')
    assert said['weights'] == dict(fast='less', twin='more', slow='less')
    alone = [BenchmarkResult(k, 'latency', 's', [1e-3]*9, 'measured') for k in ('base', 'other')]     # not in turns
    apart = SuiteResult(('base', 'other'), 'base', alone)
    assert not apart.comparison and 'other' in repr(apart) and recommend(apart).names == ('base',)
    assert against({}, 'base') == {} and against(dict(base=hand.results[0]), 'base') == {}

def test_words():
    assert worded(.98611, .968, .9942, 'share') == '98.6% [96.8, 99.4]' and worded(.9, unit='share') == '90.0%'
    assert worded(3.4e-6, 3.2e-6, 3.7e-6, 's') == '3.4 µs [3.2, 3.7]' and worded(.7312, .728, .74) == '0.731 [0.728, 0.740]'
    assert worded(1., .3, 7.) == '1.0 [0.3, 7.0]' and worded(4096, unit='B') == '4.1 kB'
    assert worded(1.04e6, 1.01e6, 1.12e6, 'examples/s') == '1.04 M examples/s [1.01, 1.12]'
    assert Against('difference', .012, -.004, .02, .2, 'undecided').words() == '+1.2 points [-0.4, +2.0]'

@given(st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_a_name_cannot_break_a_table(names):
    lines = markdown([['model', 'n'], *([k, '1'] for k in names)]).split('\n')
    assert len(lines) == 2 + len(names)
    for line in lines:
        bars = [i for i,c in enumerate(line) if c == '|' and (len(line[:i]) - len(line[:i].rstrip('\\'))) % 2 == 0]
        assert len(bars) == 3


# --- the suite

METRICS = ['accuracy', 'weights', 'peak activations', 'allocated peak', 'latency', 'throughput']

def test_a_suite_measures_everything(found):
    assert found.ok and [c.metric for c in columns(found)] == METRICS
    assert all(set(xs) == set('abc') for xs in columns(found).values())
    frame = found.to_frame()
    assert len(frame) == 18 and not frame.value.isna().any() and set(frame.provenance) == {'measured', 'modelled'}
    assert {r.how['threads'] for r in found.results if r.metric == 'latency'} == {1}
    assert found.settings['models']['a']['weights'] != found.settings['models']['c']['weights']
    assert found.system['cpu'] and found.system['words']['memory'].endswith('GiB')
    for text in (repr(found), found._repr_markdown_()):
        assert '95% intervals' in text and text.count('(measured') == 4 and text.count('(modelled') == 2 and 'n=40' in text
    assert SuiteResult.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert {s.name for s in pareto(found).rows} == set('abc') and recommend(found).names

def test_without_data_there_is_no_accuracy():
    r = run({k: Model(k, v, (4,)) for k,v in dict(f=lambda x: x*2, g=lambda x: x + 1).items()})
    assert not r.scores and {x.metric for x in r.results} == {'allocated peak', 'latency', 'throughput'}
    with pytest.raises(ValueError, match='no accuracy was measured; there is allocated peak, latency, throughput'): pareto(r)

def test_the_same_numbers_under_other_names_in_another_order(found):
    n = nets()
    other = run(dict(zz=n['c'], best_accurate=n['a'], slow=n['b']), toy(), baseline='best_accurate', repeats=12)
    names = dict(a='best_accurate', b='slow', c='zz')
    for metric in METRICS[:4]:                                           # those that are no timings
        mine, theirs = (column_of(r, metric)[1] for r in (found, other))
        for k,x in mine.items():
            y = theirs[names[k]]
            if metric == 'accuracy': assert x.hits == y.hits
            elif metric != 'allocated peak': assert x.values == y.values
    assert other.comparison.keys() == found.comparison.keys()

class Shaky:
    "Right for a number of calls, then `then`."
    def __init__(self, then, calls=0): self.then, self.left = then, calls
    def __call__(self, x):
        self.left -= 1
        return x @ np.ones((4, 3), 'float32') if self.left >= 0 else self.then(x)

def raises(x): raise ZeroDivisionError('by zero')
def gives_nan(x): return np.full((len(x), 3), np.nan)
def wrong_shape(x): return np.zeros((len(x) + 1, 3))
def only_one(x):
    if len(x) == 32: raise MemoryError('too many')
    return np.zeros((len(x), 3), 'float32')

@pytest.mark.parametrize('bad, says, where', [
    (raises, 'by zero', 'accuracy'), (gives_nan, 'NaN|finite', 'accuracy'), (wrong_shape, 'shape', 'accuracy'),
    (only_one, 'too many', 'throughput'), (Shaky(raises, 40), 'by zero', 'latency|throughput')])
@pytest.mark.parametrize('baseline', ['bad', 'a'])
def test_a_failing_model_has_words_and_no_number(bad, says, where, baseline):
    if isinstance(bad, Shaky): bad = Shaky(raises, 40)
    r = run(dict(a=net(3), bad=Model('bad', bad, (4,)), c=net(9)), toy(), baseline=baseline)
    assert not r.ok and list(r.failures) == ['bad'] and re.search(says, r.failures['bad']) and re.search(where, r.failures['bad'])
    assert {x.name for x in (*r.results, *r.scores)} == {'a', 'c'} and 'bad' not in r.to_frame().name.values
    assert all(set(xs) == {'a', 'c'} for xs in columns(r).values()) and len(columns(r)) == 6
    assert 'bad failed and has no number' in repr(r) and 'bad' not in {s.name for s in pareto(r).rows}
    assert 'bad' not in recommend(r, baseline='bad').names and 'bad' not in recommend(r).names
    if baseline == 'bad':
        assert not r.comparison and 'the baseline bad failed: nothing is compared to it' in r.concerns()
    else: assert set(map(str, r.comparison)) >= {'latency', 'throughput', 'accuracy on toy'}

def test_all_may_fail(tmp_path):
    r = run({'1': Model('1', raises, (4,)), 'b': Model('b', gives_nan, (4,))}, toy(), tmp_path)    # '1' is also a batch
    assert set(r.failures) == {'1', 'b'} and r.results == r.scores == () and len(r.to_frame()) == 0
    assert SuiteResult.load(tmp_path) == r and '1 failed' in repr(r)
    with pytest.raises(ValueError, match='there is nothing'): pareto(r)

def test_a_failure_stays_on_disk_and_is_not_tried_again(tmp_path):
    shaky = Shaky(raises, 1)                                             # right once, while its identity is looked at
    first = run(dict(a=net(3), bad=Model('bad', shaky, (4,))), toy(), tmp_path)
    shaky.left = 1
    again = run(dict(a=net(3), bad=Model('bad', shaky, (4,))), toy(), tmp_path)
    assert again.failures == first.failures and again.results == first.results and shaky.left == 0

def test_errors_that_are_not_the_models_come_out(tmp_path):
    def stop(step, done, total): raise RuntimeError('not a model')
    with pytest.raises(RuntimeError, match='not a model'): run(nets(), toy(), tmp_path, progress=stop)
    with pytest.raises(ValueError, match='no model'): BenchmarkSuite({})
    with pytest.raises(ValueError): BenchmarkSuite(nets(), toy(), baseline='nobody')

def test_progress_rises_to_the_end(capsys):
    told = []
    run(nets(), toy(), progress=lambda *t: told.append(t))
    steps = [str(s) for s in BenchmarkSuite(nets(), toy()).steps()]
    assert [*dict.fromkeys(t[0] for t in told)] == [*steps, 'done'] and told[-1] == ('done', 8, 8)
    done = [t[1] for t in told]
    assert done == sorted(done) and len({t for t in told if t[0] == 'latency:1'}) == 7
    run(dict(a=net(3)), toy(), progress=True)                                   # no terminal, no bar
    assert capsys.readouterr() == ('', '')

def test_a_second_run_measures_nothing(tmp_path):
    first = run(nets(), toy(), tmp_path)
    before, told = files(tmp_path/'steps'), []
    again = run(nets(), toy(), tmp_path, progress=lambda *t: told.append(t))
    assert files(tmp_path/'steps') == before and len(told) == 9          # one word a step, no rounds
    assert again.results == first.results and again.scores == first.scores and again.system == first.system
    assert again.notes == ('8 of 8 steps were measured in an earlier run',) and SuiteResult.load(tmp_path) == again
    order = dict(reversed(nets().items()))
    assert run(order, toy(), tmp_path, baseline='a').results and files(tmp_path/'steps') == before

@pytest.mark.parametrize('change, says', [
    (dict(models=nets() | dict(c=net(9, seed=3))), 'models.c.weights'), (dict(models=dict(list(nets().items())[:2])), 'models.c'),
    (dict(data=toy(39)), 'data.toy.n'), (dict(repeats=7), 'repeats [(]6 there, 7 here'), (dict(seed=1), 'seed'),
    (dict(threads=None), 'threads'), (dict(baseline='b'), 'baseline'), (dict(batch=2), 'batch'),
    (dict(models=nets() | dict(c=Model('c', lambda x: x[:, :3], (4,)))), 'models.c.kind')])
def test_other_settings_never_mix(tmp_path_factory, change, says):
    out = tmp_path_factory.getbasetemp()/'kept'
    if not out.exists(): run(nets(), toy(), out)
    before = files(out/'steps')
    with pytest.raises(ValueError, match=f'other settings: .*{says}') as e: run(**dict(dict(models=nets(), data=toy(), out=out), **change))
    assert str(out) in str(e.value) and 'Name another folder' in str(e.value) and files(out/'steps') == before

def test_pytorch_in_a_suite_is_told_by_its_weights(torch, tmp_path):
    def suite(seed):
        torch.manual_seed(seed)
        return dict(ours=net(3), theirs=torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3)))
    r = run(suite(0), toy(), tmp_path)
    assert r.ok and set(column_of(r, 'latency')[1]) == set(column_of(r, 'accuracy')[1]) == {'ours', 'theirs'}
    assert 'theirs' in dict(recommend(r, max_memory=1e9).undecided)       # its activations are not known
    assert run(suite(0), toy(), tmp_path).notes
    with pytest.raises(ValueError, match='models.theirs.weights'): run(suite(1), toy(), tmp_path)

@pytest.mark.slow
def test_fresh_processes(tmp_path):
    r = run(nets(), toy(), tmp_path, processes=6)
    assert {x.n for x in r.results if x.metric == 'latency'} == {6} and [c for c in r.comparison if c.metric == 'latency']
    assert recommend(r).kind != 'none' and run(nets(), toy(), tmp_path, processes=6).notes

def test_a_function_is_told_by_its_answers(tmp_path):
    def suite(k): return dict(f=Model('f', lambda x: k*x, (4,)))
    run(suite(2), None, tmp_path)
    assert run(suite(2), None, tmp_path).notes
    with pytest.raises(ValueError, match='models.f.answers'): run(suite(3), None, tmp_path)

def test_a_damaged_step_is_measured_again_and_said(tmp_path):
    first = run(nets(), toy(), tmp_path)
    path = tmp_path/'steps'/step_file('memory:b')
    whole, others = path.read_bytes(), {k: v for k,v in files(tmp_path/'steps').items() if k != path.name}
    for says, wrong in broken_steps(path.read_text()):
        path.write_bytes(wrong if isinstance(wrong, bytes) else wrong.encode())
        damaged, r = path.read_bytes(), run(nets(), toy(), tmp_path)
        note, old = r.notes
        assert says in note and path.name in note and 'measured again' in note and old.startswith('7 of 8')
        assert note in r.concerns()
        aside = path.with_name(path.name + '.damaged')
        assert aside.read_bytes() == damaged and {k: v for k,v in files(tmp_path/'steps').items() if k in others} == others
        assert [x.values for x in r.results if x.metric != 'allocated peak'] == [x.values for x in first.results if x.metric != 'allocated peak']
        assert load_step(tmp_path/'steps', 'memory:b', fingerprint(first.settings))
        aside.unlink()
        path.write_bytes(whole)


# --- runs that end badly

SCRIPT = '\n'.join(['''
import sys
import numpy as np
from tinybench.bench.benchmark import Labelled
from tinybench.bench.suite import BenchmarkSuite
from tinybench.nn.dense import Dense, ReLU
from tinybench.nn.module import Sequential
''', *map(inspect.getsource, (net, toy, nets)), '''
def tell(*t): print(*t, flush=True)
try: BenchmarkSuite(nets(), toy(), sys.argv[1], repeats=int(sys.argv[2]), min_secs=1e-4).run(tell)
except OSError as e: sys.exit(f'error: {e.strerror}')
'''])
unix = pytest.mark.skipif(sys.platform == 'win32', reason='needs the signals of Unix')

def started(out, repeats=30, before=None):
    "The suite of `SCRIPT` in a process of its own, which does not ignore SIGINT even where this one does."
    def prepare():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if before: before()
    env = {**os.environ, 'PYTHONPATH': str(ROOT), 'OPENBLAS_NUM_THREADS': '1'}
    return subprocess.Popen([sys.executable, '-W', 'error', '-c', SCRIPT, str(out), str(repeats)], env=env, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=prepare)

def until(process, step, times=1):
    "Reads what `process` tells until it has named `step` so many times."
    for line in process.stdout:
        times -= line.startswith(step + ' ')
        if not times: return
    pytest.fail(f'ended before {step}: {process.stderr.read()}')

def finish(process):
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out.splitlines()

def check_resumed(out, before, repeats=30):
    "Runs to the end: what was finished is not touched, and nothing is missing."
    told = finish(started(out, repeats))
    after = files(out/'steps')
    assert {k: after[k] for k in before} == before
    r = SuiteResult.load(out)
    assert r.ok and len(columns(r)) == 6 and all(set(xs) == set('abc') for xs in columns(r).values())
    timed = [x for x in r.results if x.metric in ('latency', 'throughput')]
    assert {x.n for x in timed} == {10} and {sum(map(len, x.how['within'])) for x in timed} == {repeats}       # builds, rounds
    n = len([k for k in before if not k.startswith(('settings', '.'))])
    assert not n or r.notes == (f'{n} of 8 steps were measured in an earlier run',)
    return told

@unix
def test_kill_9_in_the_middle_loses_nothing_that_was_finished(tmp_path):
    with started(tmp_path, 600) as p:
        until(p, 'latency:1', 10)                                        # in its tenth round or so
        p.kill()
    assert p.returncode == -signal.SIGKILL
    before = files(tmp_path/'steps')
    done = {step_file(s) for s in [*(f'accuracy:{k}:toy' for k in 'abc'), *(f'memory:{k}' for k in 'abc')]}
    assert set(before) == done | {'settings.json'} and not (tmp_path/'results.json').exists()
    told = check_resumed(tmp_path, before, 600)
    assert len([line for line in told if line.startswith('memory:a')]) == 1

@unix
@pytest.mark.slow
def test_kill_9_at_every_step_still_comes_to_an_end(tmp_path):
    steps = [str(s) for s in BenchmarkSuite(nets(), toy()).steps()]
    before = {}
    for i,step in enumerate(steps):
        with started(tmp_path) as p:
            until(p, step)
            p.kill()
        after = {k: v for k,v in files(tmp_path/'steps').items() if not k.startswith('.')}     # a write may have been killed
        mark = fingerprint(json.loads(after['settings.json'])['settings'])
        assert {k: after.get(k) for k in before} == before and {step_file(s) for s in steps[:i]} < set(after)
        assert sum(load_step(tmp_path/'steps', s, mark) is not None for s in steps) == len(after) - 1
        before = after
    check_resumed(tmp_path, before)

@unix
def test_two_runs_in_one_folder_are_refused(tmp_path):
    with started(tmp_path, 600) as p:
        until(p, 'latency:1', 3)
        with started(tmp_path, 600) as other: err = other.communicate()[1]
        p.kill()
    assert other.returncode == 1 and err == f'error: another run is at work in {tmp_path/"steps"}: wait for it, or name another folder\n'
    left = tmp_path/'steps'/f'.{step_file("latency:1")}.{"0"*32}'         # as a killed write leaves it
    left.touch()
    finish(started(tmp_path, 600))                                        # the lock is gone with its owner
    assert not left.exists()

@unix
def test_ctrl_c_in_the_middle_loses_nothing_that_was_finished(tmp_path):
    with started(tmp_path, 600) as p:
        until(p, 'throughput:32', 5)
        p.send_signal(signal.SIGINT)
        err = p.communicate()[1]
    assert p.returncode != 0 and 'KeyboardInterrupt' in err
    before = files(tmp_path/'steps')
    assert len(before) == 8 and step_file('latency:1') in before
    check_resumed(tmp_path, before, 600)

@unix
def test_a_file_that_may_not_grow_leaves_the_finished_steps_whole(tmp_path):
    import resource
    limit = 16_000                                                       # all steps fit, but those of 400 rounds
    with started(tmp_path, 400, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) as p:
        err = p.communicate()[1]
    assert p.returncode == 1 and err.startswith(f'error: cannot write {step_file("latency:1")} in the folder {tmp_path/"steps"} (')
    assert err.count('\n') == 1
    before = files(tmp_path/'steps')
    assert len(before) == 7 and not [k for k in before if k.startswith('.')]
    check_resumed(tmp_path, before, 400)

@unix
def test_a_full_disk_leaves_the_finished_steps_whole(tmp_path):
    mounted = os.geteuid() == 0 and subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', tmp_path],
                                                   capture_output=True).returncode == 0
    if not mounted: pytest.skip('needs root, to mount a small disk')
    try:
        with started(tmp_path/'out', 600) as p:
            until(p, 'latency:1', 5)
            with pytest.raises(OSError, match='No space'), open(tmp_path/'filler', 'wb', buffering=0) as f:
                while True: f.write(bytes(512))
            err = p.communicate()[1]
        assert shutil.disk_usage(tmp_path).free == 0
        assert p.returncode == 1 and err.count('\n') == 1 and f'in the folder {tmp_path/"out"/"steps"} (No space' in err
        before = files(tmp_path/'out'/'steps')
        assert len(before) == 7 and not [k for k in before if k.startswith('.')]
        (tmp_path/'filler').unlink()
        check_resumed(tmp_path/'out', before, 600)
    finally: subprocess.run(['umount', tmp_path], check=True)

@unix
def test_a_disk_that_is_full_from_the_start_costs_no_measurement(tmp_path):
    import resource
    with started(tmp_path, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))) as p:
        out, err = p.communicate()
    assert p.returncode == 1 and 'cannot write settings.json in the folder' in err and 'accuracy' not in out


class Slower(Dense):
    "The same weights and answers as a Dense, by other code."
    def forward(self, x): return super().forward(x)

def test_the_same_answers_by_other_code_are_another_model(tmp_path):
    r = np.random.default_rng(0)
    first, other = Dense(4, 3, r), Slower(4, 3, r)
    other.load_state_dict(first.state_dict())
    def again(net): return BenchmarkSuite({'net': (net, (4,))}, out=tmp_path, repeats=6, min_secs=1e-4).run(False)
    assert again(first).ok and again(first).ok
    with pytest.raises(ValueError, match='begun with other settings: models.net.code'): again(other)

@pytest.mark.parametrize('options', [dict(repeats=5), dict(processes=3)])
def test_too_few_for_a_verdict_is_said_before_anything_is_measured(options):
    with pytest.raises(ValueError, match='needs 6'): BenchmarkSuite({'f': (lambda x: x, (4,))}, **options)


# --- what belongs to a model

W = np.random.default_rng(0).normal(size=(4, 3)).astype('float32')
def good(x): return x@W

@pytest.mark.parametrize('part', ['weights', 'ready'])
def test_whatever_belongs_to_a_model_is_its_own_fault(part):
    def broken(*args): raise ZeroDivisionError('by zero')
    found = BenchmarkSuite([as_model('good', good, (4,)), as_model('bad', good, (4,), **{part: broken})], repeats=6, min_secs=1e-4).run(False)
    assert list(found.failures) == ['bad'] and {r.name for r in found.results} == {'good'}

class Waits(Dense):
    pause = 0.
    def forward(self, x):
        time.sleep(self.pause)
        return super().forward(x)

def test_an_attribute_of_a_layer_is_part_of_it(tmp_path):
    def run(pause):
        net = Waits(4, 3, np.random.default_rng(0))
        net.pause = pause
        return BenchmarkSuite({'net': (net, (4,))}, out=tmp_path, repeats=6, min_secs=1e-4).run(False)
    assert run(0.).ok
    with pytest.raises(ValueError, match='models.net.state'): run(.001)

def test_foreign_files_of_suites_are_refused_in_words(tmp_path):
    path = tmp_path/'r.json'
    good_one = BenchmarkSuite([as_model('g', good, (4,))], repeats=6, min_secs=1e-4).run(False).to_dict()
    for change in (dict(names='ab'), dict(failures=[]), dict(results=5), dict(schema=0)):
        path.write_text(json.dumps(good_one | change))
        with pytest.raises(ValueError, match='r.json'): SuiteResult.load(path)
    assert isinstance(SuiteResult.from_dict(good_one), SuiteResult)
