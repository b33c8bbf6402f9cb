"One network on every runtime that is installed: the same answers first, then times, and who is not there is named."
import copy, gc, importlib.util, json, os

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tinybench.core.tensor import no_grad
from tinybench.nn.conv import Conv2d
from tinybench.nn.dense import Dense, Dropout, ReLU, Residual
from tinybench.nn.module import Sequential, walk
from tinybench.nn.norm import BatchNorm
from tinybench.nn.pool import GlobalAvgPool2d
from tinybench.peers import runtimes
from tinybench.peers.runtimes import RUNTIMES, Runtime, job_of, lacking, native, quantized_job
from tinybench.peers.turns import Loaded, differs, our_answer, run_runtimes
from tinybench.toolchain.compiler import find_compiler

needs_c = pytest.mark.skipif(not find_compiler(), reason='needs a C compiler')
QUICK = [k for k in RUNTIMES if k not in ('torch_compiled', 'keras')]

@pytest.fixture(autouse=True)
def surroundings():
    "What a runtime sets for its own process ends with the test; each build collects what the test has made."
    before = dict(os.environ)
    gc.freeze()             # not what all libraries have made, a quarter of a second each time
    yield
    gc.unfreeze()
    for k in {*os.environ} - {*before}: del os.environ[k]
    os.environ.update(before)

def small(rng):
    "Two convolutions, an arm, moments as after a training, a Dropout."
    net = Sequential(Conv2d(3, 4, 3, rng, padding='same', bias=False), BatchNorm(4), ReLU(),
                     Residual(Sequential(Conv2d(4, 4, 3, rng, padding='same'), BatchNorm(4)), Conv2d(4, 4, 1, rng)), ReLU(),
                     GlobalAvgPool2d(), Dropout(.5, rng), Dense(4, 3, rng))
    for m in (m for _, m in walk(net) if isinstance(m, BatchNorm)):
        m.mean[:], m.var[:] = rng.normal(size=m.n), rng.uniform(.5, 2, m.n)
    return net.eval(), (8, 7, 3)

def loaded(job, name, setting):
    "A runtime in this process; skips if it cannot be here."
    if said := lacking(name, job): pytest.skip(said)
    return Loaded(job, name, setting)

@pytest.mark.parametrize('batch', [1, 3])
@pytest.mark.parametrize('name', QUICK)
def test_a_runtime_gives_the_answers_of_the_network_as_it_was(name, batch):
    net, shape = small(np.random.default_rng(0))
    job = job_of(net, shape, batch, 1)
    with no_grad(): want = net(job.input()).data
    for setting in RUNTIMES[name].settings(job):
        r = loaded(job, name, setting)
        got = r.build()
        off, said = differs(want, got)
        r.stack.close()
        assert said == '' and off < 1e-5, (setting, off)

@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:.torch.jit:DeprecationWarning')       # PyTorch's own, of its compiler
@pytest.mark.parametrize('name', ['torch_compiled', 'keras'])
def test_a_runtime_that_is_slow_to_begin_gives_them_too(name):
    net, shape = small(np.random.default_rng(0))
    job = job_of(net, shape)
    for setting in RUNTIMES[name].settings(job):
        r = loaded(job, name, setting)
        off, said = differs(our_answer(job), r.build())
        r.stack.close()
        assert said == '' and off < 1e-5, (setting, off)

@pytest.mark.parametrize('name', [k for k, r in RUNTIMES.items() if r.codes])
def test_a_runtime_gives_our_codes(name):
    job = quantized_job(*small(np.random.default_rng(1)), batch=2)
    r = loaded(job, name, {})
    off, said = differs(our_answer(job), r.build(), job.graph, RUNTIMES[name].rounding)
    r.stack.close()
    assert said == '' and off <= (0 if name in ('numpy', 'native') else 2)

@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3), st.floats(-2e-4, 2e-4))
def test_a_difference_counts_in_parts_of_the_largest_number(seed, by, part):
    want = by*np.random.default_rng(seed).standard_normal((1, 5))
    got = want.copy()
    got[0, 0] += part*abs(want).max()
    off, said = differs(want, got)
    assert off == pytest.approx(abs(part), rel=1e-6, abs=1e-12) and bool(said) == (off > 1e-4)

def test_an_answer_of_another_size_or_with_nan_differs():
    want = np.ones((1, 5))
    assert 'shape (1, 4)' in differs(want, np.ones((1, 4)))[1]
    assert differs(want, np.full((1, 5), np.nan))[1]

def wrong(job, threads=1):
    "Our plan of other weights: the first kernel is mirrored."
    net = job.net
    first = next(m for _, m in walk(net) if isinstance(m, Conv2d))
    first.w.data[:] = first.w.data[::-1].copy()
    return native(job._replace(net=net))

def ends(job): raise SystemExit(3)

@needs_c
def test_who_differs_or_fails_is_named_and_not_timed(monkeypatch):
    net, shape = small(np.random.default_rng(2))
    job = job_of(net, shape)
    monkeypatch.setattr('tinybench.peers.turns.Runner', Here)
    monkeypatch.setitem(RUNTIMES, 'wrong', Runtime('Wrong', wrong))
    monkeypatch.setitem(RUNTIMES, 'ends', Runtime('Ends', ends))
    r = run_runtimes('small', job, ('numpy', 'native', 'wrong', 'ends'), repeats=16)
    assert sorted(x.name for x in r.comparison.results) == ['tinybench, native', 'tinybench, numpy']
    assert r.wrong[0].startswith('Wrong is not timed: its answer is off by') and 'Ends is not timed' in r.wrong[1]
    assert all(words in repr(r) for words in r.wrong)

@needs_c
@pytest.mark.parametrize('names', [('native', 'late', 'numpy', 'dies'), ('late',)])
def test_who_differs_or_fails_on_a_rebuild_is_dropped_and_the_others_go_on(monkeypatch, names):
    job, built = job_of(*small(np.random.default_rng(5))), dict(late=0, dies=0)
    def again(key, then):
        def build(job):
            built[key] += 1
            return native(job) if built[key] < 3 else then(job)
        return build
    monkeypatch.setattr('tinybench.peers.turns.Runner', Here)
    monkeypatch.setitem(RUNTIMES, 'late', Runtime('Late', again('late', wrong)))
    monkeypatch.setitem(RUNTIMES, 'dies', Runtime('Dies', again('dies', lambda job: native(job, threads=0))))
    if 'native' not in names:
        with pytest.raises(ValueError, match='nothing to time: Late is not timed: its answer'): run_runtimes('small', job, names, repeats=12)
        return
    r = run_runtimes('small', job, names, repeats=12)
    assert [x.name for x in r.comparison.results] == ['tinybench, native', 'tinybench, numpy'] == list(r.off)
    assert all(x.how['builds'] > 3 for x in r.comparison.results) and built == dict(late=3, dies=3)
    assert len(r.wrong) == 2 and r.wrong[0].startswith('Late is not timed: its answer is off by') and 'Dies is not timed' in r.wrong[1]

class Here:
    "What `Runner` does, in this process, where a test's own runtimes are known."
    def __init__(self, job, name, setting):
        self.setting, self.r = setting, Loaded(copy.deepcopy(job), name, setting)      # a process has its own copy
    def __enter__(self):
        try: self.out, self.loops = self.ask('build'), self.ask('count')
        except BaseException as e: raise ChildProcessError(f'failed: {e!r}') from e
        return self
    def __exit__(self, *_): self.r.stack.close()
    def ask(self, method, *args): return getattr(self.r, method)(*args)

@needs_c
def test_processes_take_turns_and_the_record_has_all(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(runtimes, 'find_spec', lambda name: None if name == 'jax' else real(name))
    job, seen = job_of(*small(np.random.default_rng(3))), []
    r = run_runtimes('small', job, ('numpy', 'native', 'jax'), repeats=12, progress=lambda *a: seen.append(a))
    assert r.missing == ('JAX is not installed: pip install jax',) and 'pip install jax' in repr(r)
    assert seen[-1][:2] == (12, 12) and r.comparison.base == 'tinybench, native'
    assert [x.how['builds'] for x in r.comparison.results] == [6, 6] and r.comparison.rows[0].ratio.lo > 1
    assert r.off['tinybench, numpy'] == 0 and 0 < r.off['tinybench, native'] < 1e-5
    again = json.loads(json.dumps(r.to_dict(), allow_nan=False))
    assert again['setup']['tinybench, native'] == dict(threads=1) and set(again['comparison']) >= {'rows', 'results'}
    assert [row[0] for row in r.table().rows][0] == 'tinybench, native'     # the fastest first

@pytest.mark.parametrize('name', [k for k, r in RUNTIMES.items() if r.packages])
def test_what_is_not_installed_is_named_with_what_to_install(name, monkeypatch):
    monkeypatch.setattr(runtimes, 'find_spec', lambda name: None)
    job = job_of(*small(np.random.default_rng(0)))
    said = lacking(name, job)
    assert said.startswith(f'{RUNTIMES[name].title} is not installed: pip install ')

def test_what_else_is_missing_is_named(monkeypatch):
    job = job_of(*small(np.random.default_rng(0)))
    monkeypatch.setattr(runtimes, 'find_spec', lambda name: name == 'keras' or name == 'torch')
    monkeypatch.setattr(runtimes, 'BACKENDS', dict(jax='jax'))
    monkeypatch.setattr(runtimes.shutil, 'which', lambda name: None)
    assert lacking('keras', job) == 'Keras has no backend: pip install jax'
    assert 'torch.compile needs a C++ compiler' in lacking('torch_compiled', job)
    assert 'given no network of int8' in lacking('torch', job._replace(dtype='int8'))

def test_without_a_compiler_numpy_is_the_base(monkeypatch):
    monkeypatch.setattr('tinybench.peers.turns.Runner', Here)
    monkeypatch.setattr('tinybench.toolchain.compiler.find_compiler', lambda: None)
    r = run_runtimes('small', job_of(*small(np.random.default_rng(4))), ('numpy', 'native'), repeats=12)
    assert 'no C compiler' in r.missing[0] and r.comparison.base == 'tinybench, numpy' and len(r.table().rows) == 1

def test_nobody_to_time_and_too_few_rounds_are_said(monkeypatch):
    job = job_of(*small(np.random.default_rng(0)))
    monkeypatch.setattr(runtimes, 'find_spec', lambda name: None)
    with pytest.raises(ValueError, match='nothing to time: LiteRT is not installed'): run_runtimes('small', job, ('litert',))
    with pytest.raises(ValueError, match='3 rounds'): run_runtimes('small', job, ('numpy',), repeats=3)

def test_settings_share_a_batch_evenly_and_try_one_thread():
    job = job_of(*small(np.random.default_rng(0)), batch=4, threads=3)
    assert RUNTIMES['native'].settings(job) == [dict(threads=1), dict(threads=2)]
    assert RUNTIMES['litert'].settings(job) == [dict(threads=1), dict(threads=3)]
    assert RUNTIMES['torch'].settings(job)[0] == dict(last=True, threads=1) and len(RUNTIMES['torch'].settings(job)) == 4
