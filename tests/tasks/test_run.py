"tasks.run: windows that last, a model that remembers, outcomes that cannot lie, a kill that loses nothing."
import json, os, signal, subprocess, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
import pytest
from hypothesis import given, strategies as st
from tinybench.backends.base import ModelError, as_model
from tinybench.nn.dense import Dense, Flatten
from tinybench.nn.module import Sequential
from tinybench.tasks.run import (CACHED, QUICK, Outcome, Rules, TaskReport, TinyMLPerf, audited, chosen, fill,
                                 repeats_against_changes, steps_of)
from tinybench.tasks.task import Examples, digit_pictures

SHORT = Rules(secs=.001)
unix = pytest.mark.skipif(sys.platform == 'win32', reason='needs the signals of Unix')

class Machine:
    "A clock that only calls move."
    def __init__(self, each): self.now, self.calls, self.each = 0., 0, each
    def clock(self): return self.now
    def run(self): self.now, self.calls = self.now + self.each, self.calls + 1

@given(st.floats(1e-4, 30))
def test_a_window_lasts_as_long_as_asked_and_wastes_little(each):
    m = Machine(each)
    taken, calls = fill(m.run, 10, m.clock)
    assert 10 <= taken <= max(15, 2*each) and m.calls <= 2*calls and taken == pytest.approx(each*calls)

def net(outputs=10):
    r = np.random.default_rng(0)
    return Sequential(Flatten(), Dense(32*32*3, outputs, r)).eval()

def pictures(n=40):
    d = digit_pictures()
    return Examples('digits', d.x[:n], d.y[:n])

def knows(right=1.):
    "A model that reads the digit's number where it is written, and is right for that share of them."
    e = pictures(360)
    table = {x.tobytes(): y if i < right*len(e.y) else (y + 1) % 10 for i, (x, y) in enumerate(zip(e.x, e.y))}
    def call(x): return np.eye(10, dtype=np.float32)[[table[row.tobytes()] for row in x]]
    return as_model('knows', call, (32, 32, 3))

def one(model, e=None, **options):
    return TinyMLPerf(dict(ic01=model), dict(ic01=e or pictures(360)), **dict(dict(rules=SHORT), **options)).run(False).outcomes[0]

@pytest.mark.parametrize('right, status', [(1., 'pass'), (.85, 'undecided'), (.9, 'pass'), (.8, 'fail')])
def test_the_verdict_follows_the_share(right, status):
    o = one(knows(right))
    assert o.status == status and o.quality.n == 359 and not o.run_valid and len(o.speed.values) == 5
    assert Outcome.from_dict(json.loads(json.dumps(o.to_dict()))) == o

def always(x): return np.eye(10, dtype=np.float32)[np.full(len(x), 3)]
def lost(x): return np.full((len(x), 10), np.nan, np.float32)
def narrow(x): return np.zeros((len(x), 9), np.float32)
def raises(x): raise ZeroDivisionError('by zero')
class RaisesLater:
    "Right for everything, until the windows begin."
    def __init__(self): self.calls, self.model = 0, knows()
    def __call__(self, x):
        self.calls += len(x)
        if self.calls > 700: raise ZeroDivisionError('worn out')
        return self.model.call(x)

@pytest.mark.parametrize('f, status, says', [(always, 'fail', ''), (lost, 'invalid', 'NaN|finite'), (narrow, 'invalid', 'asks for 10'), (raises, 'invalid', 'by zero')],
                         ids=['always', 'lost', 'narrow', 'raises'])
@pytest.mark.parametrize('name', ['m', 'resnet8', 'accurate_and_efficient'])
def test_what_must_never_pass(f, status, says, name):
    import re
    o = one(as_model(name, f, (32, 32, 3)))
    assert o.status == status and re.search(says, o.reason) and (o.quality is None) == (status == 'invalid') == (o.speed is None)

def test_a_model_that_fails_in_a_window_has_no_number_at_all():
    o = one(as_model('tired', RaisesLater(), (32, 32, 3)))
    assert o.status == 'invalid' and o.quality is None and 'worn out' in o.reason and ('window' in o.reason or 'audit' in o.reason)

class Remembers:
    def __init__(self, model): self.model, self.last, self.out = model, None, None
    def __call__(self, x):
        if self.last is None or not np.array_equal(x, self.last): self.last, self.out = x.copy(), np.asarray(self.model.call(self.model.feed(x)).data)
        return self.out

def heavy():
    "A network whose call takes much longer than to compare two pictures."
    r = np.random.default_rng(0)
    return as_model('heavy', Sequential(Flatten(), Dense(3072, 1024, r), Dense(1024, 10, r)).eval(), (32, 32, 3))

def test_a_model_that_remembers_its_last_input_is_invalid():
    xs = chosen(pictures(), 5, 'float32')
    audited(heavy(), xs)
    with pytest.raises(ModelError, match='remembers answers: a call on another input takes'):
        audited(as_model('cheat', Remembers(heavy()), (32, 32, 3)), xs)
    o = one(as_model('cheat', Remembers(heavy()), (32, 32, 3)))
    assert o.status == 'invalid' and o.speed is None and CACHED == 2

def test_the_audit_calls_equally_often():
    seen = []
    c = repeats_against_changes(seen.append, 'abc', rng=np.random.default_rng(0), repeats=6, inner=1)
    assert [seen.count(x) for x in 'abc'] == [4*seen.count('b'), seen.count('c'), seen.count('b')] and c.base == 'repeats'

def test_no_data_no_number():
    r = TinyMLPerf(dict(ic01=net(), kws01=net()), dict(ic01=None), rules=SHORT).run(False)
    assert [o.status for o in r.outcomes] == ['no data']*2 and all(o.quality is None and o.speed is None for o in r.outcomes)
    assert 'no labelled examples' in repr(r) and r['kws01'].task == 'kws01'

def test_what_cannot_be_run():
    with pytest.raises(ValueError, match="did you mean 'ic01'"): TinyMLPerf(dict(ic1=net()), {})
    with pytest.raises(ValueError, match='no model'): TinyMLPerf({}, {})
    with pytest.raises(ValueError, match='digits has 3 inputs: a performance run takes 5'): one(knows(), pictures(3))
    with pytest.raises(ValueError, match='has inputs of'): TinyMLPerf(dict(kws01=net()), dict(kws01=pictures()), rules=SHORT).run(False)

def test_quality_alone():
    o = one(knows(), rules=None)
    assert o.status == 'pass' and o.speed is None and steps_of(None) == ['quality']

def test_only_windows_by_the_rules_are_valid():
    assert Rules().valid and not QUICK.valid and not Rules(windows=3).valid
    o = one(knows())
    assert 'not valid' in repr(o) and 'unofficial' in repr(o) and all(s >= .001 for s in o.speed.how['secs'])
    def lasting(*secs): return replace(o, speed=replace(o.speed, how=dict(o.speed.how, secs=secs)))
    assert lasting(*[10.]*5).run_valid and 'not valid' not in repr(lasting(*[10.]*5))
    assert not lasting(*[10.]*4).run_valid and not lasting(10., 10., 9.99, 10., 10.).run_valid

def test_an_outcome_that_does_not_agree_with_itself_is_refused():
    d = one(knows(.8)).to_dict()
    for wrong, says in ((dict(status='pass'), "is 'pass', and its numbers say 'fail'"), (dict(schema=9), 'schema 9'), (dict(quality=3), 'missing or wrong|quality')):
        with pytest.raises(ValueError, match=says): Outcome.from_dict(d | wrong)
    how = d['speed']['how']
    for wrong in (dict(secs=[10.]*5), dict(secs=how['secs'][:4]), dict(secs=None), dict(calls=['x']*5), dict(calls=[10**400]*5)):
        with pytest.raises(ValueError, match='do not give its throughput|missing or wrong'):
            Outcome.from_dict(d | dict(speed=d['speed'] | dict(how=how | wrong)))
    with pytest.raises(ValueError, match='not a list'): Outcome.from_dict([])
    with pytest.raises(ValueError, match='missing'): Outcome.from_dict({k: v for k, v in d.items() if k != 'data'})

def test_a_report_on_disk(tmp_path):
    r = TinyMLPerf(dict(ic01=knows()), dict(ic01=pictures(360)), tmp_path, rules=SHORT).run(False)
    assert TaskReport.load(tmp_path) == r == TaskReport.load(tmp_path/'tasks.json')
    with pytest.raises(ValueError, match="no task 'ic1', did you mean 'ic01'"): r['ic1']
    for text in ('{', '[]', '{"report": "suite"}', json.dumps(dict(r.to_dict(), outcomes=3))):
        (tmp_path/'x.json').write_text(text)
        with pytest.raises(ValueError, match='x.json'): TaskReport.load(tmp_path/'x.json')

def test_other_weights_or_examples_are_other_settings(tmp_path):
    TinyMLPerf(dict(ic01=net()), dict(ic01=pictures()), tmp_path, rules=SHORT).run(False)
    other = net()
    other[1].w.data += 1
    for model, e in ((other, pictures()), (net(), pictures(30))):
        with pytest.raises(ValueError, match='other settings'): TinyMLPerf(dict(ic01=model), dict(ic01=e), tmp_path, rules=SHORT).run(False)

SCRIPT = """
import sys
from test_run import *
def tell(*t): print(*t, flush=True)
TinyMLPerf(dict(ic01=net()), dict(ic01=pictures()), sys.argv[1], rules=Rules(secs=.05)).run(tell)
"""

@unix
def test_a_kill_loses_no_finished_step(tmp_path):
    here = Path(__file__).parent
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join([str(here), str(here.parents[1])]), 'OPENBLAS_NUM_THREADS': '1'}
    with subprocess.Popen([sys.executable, '-W', 'error', '-c', SCRIPT, str(tmp_path)], env=env, text=True, stdout=subprocess.PIPE) as p:
        for line in p.stdout:
            if line.startswith('ic01:window 3'): break
        p.kill()
    assert p.returncode == -signal.SIGKILL
    def files(): return {f.name: f.read_bytes() for f in (tmp_path/'steps').iterdir() if not f.name.startswith('.')}
    before = files()
    assert len(before) >= 5                                        # settings, quality, audit, two windows
    done = subprocess.run([sys.executable, '-W', 'error', '-c', SCRIPT, str(tmp_path)], env=env, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    after, r = files(), TaskReport.load(tmp_path)
    assert {k: after[k] for k in before} == before and 'earlier run' in r.notes[-1] and len(r['ic01'].speed.values) == 5
