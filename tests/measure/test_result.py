"measure.result: round trips, refusals, files, and intervals judged on known truth."
import copy, json, math, os, pickle, subprocess, sys
from dataclasses import FrozenInstanceError, replace
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats as scipy_stats
from threadpoolctl import threadpool_limits
from tinybench.base.text import digits, scale
from tinybench.measure.lean import autocorrelation, inflation
from tinybench.measure.stats import mean_interval, median_interval
from tinybench.measure.result import (BenchmarkResult, blocks_of, differing, environment, load_json, merge, plain,
                                      rows, runs_of, save_csv, save_json, to_frame)


def rng(seed=0): return np.random.default_rng(seed)


# --- records

secs_lists = st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=40)
words = st.text(min_size=1, max_size=10)
def dicts(x): return st.dictionaries(st.text(), x, max_size=3)
floats = st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | st.integers() | floats | st.text()
json_values = st.recursive(leaves, lambda x: st.lists(x, max_size=3) | dicts(x), max_leaves=8)
records = st.builds(BenchmarkResult, words, words, words, secs_lists,
                    st.sampled_from(BenchmarkResult.origins), dicts(json_values), dicts(json_values))

def result(values=(1., 2., 3.), name='a', **kw):
    d = dict(name=name, metric='latency', unit='s', values=values, provenance='measured')
    return BenchmarkResult(**{**d, **kw})


@given(records)
def test_round_trips(r):
    back = BenchmarkResult.from_dict(json.loads(json.dumps(r.to_dict(), allow_nan=False)))
    assert back == r and hash(back) == hash(r) and repr(back) == repr(r)
    assert pickle.loads(pickle.dumps(r)) == copy.deepcopy(r) == replace(r) == r
    assert replace(r, name=r.name + '!') != r


@given(secs_lists)
def test_statistics_agree_with_numpy(v):
    r = result(v)
    assert r.n == len(v) and r.values == tuple(v)
    np.testing.assert_allclose([r.mean, r.median], [np.mean(v), np.median(v)])
    if r.n == 1: assert all(map(math.isnan, (r.sd, r.mad, r.iqr, r.variation)))
    else: np.testing.assert_allclose([r.sd, r.mad, r.iqr, r.variation],
                                     [np.std(v, ddof=1), np.median(np.abs(v - np.median(v))),
                                      np.subtract(*np.quantile(v, [.75, .25])), np.std(v, ddof=1)/np.mean(v)],
                                     atol=1e-12)
    assert 1 <= r.effective_n <= r.n and sum(r.outliers) < r.n
    if r.n < 6:
        with pytest.raises(ValueError, match=f'n={r.n}: too few'): r.interval()
        assert f'n={r.n}: too few for an interval' in repr(r)
    else:
        lo, hi = r.interval()
        assert lo in v and hi in v and lo <= r.median <= hi
        assert f'n={r.n}, at 95%, measured' in repr(r) and '[' in r._repr_markdown_()


def test_three_kinds_of_interval():
    r = result(rng().lognormal(0, .1, 30))
    assert r.interval() == r.interval(of='median') == median_interval(r.values)
    assert r.interval(.9, of='mean') == mean_interval(r.values, .9)
    lo, hi = r.interval(of='bca')
    assert lo < r.mean < hi and (lo, hi) == r.interval(of='bca')      # a seed of its own
    with pytest.raises(ValueError, match="'mode': one of median, mean, bca"): r.interval(of='mode')
    with pytest.raises(ValueError, match='p99 at 99%, which needs 662'): r.percentile(.99)
    assert r.percentile(.5) >= r.median


def test_concerns_are_told_briefly_and_only_about_runs():
    hot = result(np.linspace(1, 2, 30))
    assert repr(hot).endswith('n=30, at 95%, measured; noisy, drifting, correlated')
    assert [c.split(':')[0] for c in hot.concerns()] == ['noisy', 'drifting', 'correlated']
    assert hot.effective_n == 30/inflation(hot.values) < 3
    assert result([1.]).concerns() == ['too few: 1 of the 6 values that an interval at 95% needs']
    assert 'worth' not in repr(result([4096.], unit='B', provenance='modelled'))


@pytest.mark.parametrize('bad, words', [
    (dict(values=[1., math.nan]), '1 of 2 values are not finite'), (dict(values=[math.inf]), 'not finite'),
    (dict(values=[]), 'one or more'), (dict(values=[[1.]]), 'in a row'), (dict(values=['1']), 'numbers'),
    (dict(values=[True]), 'numbers'), (dict(values=[None]), 'numbers'),
    (dict(values=[0.]), 'inside its block'),
    (dict(values=[-1.]), 'duration of -1.0 s'), (dict(name=''), 'name must be words'),
    (dict(unit=None), 'unit must be'),
    (dict(provenance='guessed'), 'measured, modelled, literature'),
    (dict(how=dict(p=math.nan)), r"how\['p'\] is nan")])
def test_what_a_record_refuses(bad, words):
    with pytest.raises(ValueError, match=words): result(**bad)


def test_provenance_has_no_default():
    with pytest.raises(TypeError): BenchmarkResult('a', 'latency', 's', [1.])


def test_plain_makes_numpy_ordinary_and_names_what_it_cannot():
    got = plain(dict(a=np.bool_(True), b=np.arange(2), c=(np.float32(.5), None), d=np.str_('x')))
    assert json.loads(json.dumps(got)) == dict(a=True, b=[0, 1], c=[.5, None], d='x')
    with pytest.raises(TypeError, match=r"how\['f'\]\[1\] holds function"):
        plain(dict(f=[1, lambda: 0]), 'how')
    with pytest.raises(TypeError, match='key 3'): plain({3: 1}, 'how')


def test_frozen_through_and_through():
    how = dict(shape=[1, 2], deep=dict(x=1))
    r = result(how=how)
    how['shape'].append(3)
    assert r.how['shape'] == (1, 2)
    with pytest.raises(FrozenInstanceError): r.name = 'b'
    for d in (r.how, r.how['deep'], r.env):
        with pytest.raises(TypeError): d['x'] = 2
    r.to_dict()['how']['deep']['x'] = 9                 # a copy
    assert r.how['deep']['x'] == 1


def test_only_a_measured_value_is_stamped_with_this_machine():
    assert dict(result().env) == environment()
    assert not result(provenance='literature').env and not result(provenance='modelled').env


@pytest.mark.parametrize('change, words', [
    (dict(schema=2), 'record of schema 2: tinybench .* knows schema 1 only; update tinybench'),
    (dict(schema=0), 'record of schema 0: tinybench .* knows schema 1 only; measure again'),
    (dict(schema=None), 'schema None.*measure again'), (dict(schema='2'), 'schema 2.*knows schema 1'),
    (dict(extra=1), 'extra')])
def test_unknown_json_is_refused_in_words(tmp_path, change, words):
    d = {**result().to_dict(), **change}
    with pytest.raises(ValueError, match=words): BenchmarkResult.from_dict(d)
    path = tmp_path/'old.json'
    path.write_text(json.dumps(dict(schema=1, results=[result(name='b').to_dict(), d])))
    with pytest.raises(ValueError, match=f'old.json holds no benchmark results: .*{words}'): load_json(path)


def test_incomplete_json_is_refused_in_words():
    d = result().to_dict()
    del d['env']
    with pytest.raises(ValueError, match='env'): BenchmarkResult.from_dict(d)
    with pytest.raises(ValueError, match='dictionary, not a list'): BenchmarkResult.from_dict([])


def test_people_can_read_it():
    r = result(rng(0).permutation(np.linspace(11.9e-6, 12.7e-6, 30)), 'matmul')
    assert repr(r) == 'matmul latency: median 12.3 µs [12.1, 12.5], n=30, at 95%, measured'
    assert r._repr_markdown_().startswith('matmul latency: median 12.3 µs')
    assert repr(result([.002]*3)) == 'a latency: median 2 ms, n=3: too few for an interval, measured'
    weights = result([95_024], metric='weights', unit='B', provenance='modelled')
    assert repr(weights) == 'a weights: 95 kB, one value, modelled'
    assert digits(999.9996) == '1000' and digits(1.23456, 1e-4) == '1.23456' and digits(1234., 300.) == '1234'


@given(st.floats(1e-9, 999.), st.sampled_from('sB'))
def test_scale_leaves_a_readable_number(x, unit):
    by, name = scale(x, unit)
    assert 1 <= x/by < 1000.01 or name == 'B'


# --- more of the same

def run(values, **how): return result(values, how=dict(inner=3, **how), env=dict(cpu='A', blas_threads=1))

@given(st.lists(secs_lists, min_size=1, max_size=5))
def test_merge_keeps_every_value_in_order(parts):
    whole = merge(run(v, run=i) for i, v in enumerate(parts))
    assert whole.values == tuple(x for v in parts for x in v)
    assert dict(whole.how) == dict(inner=3, blocks=tuple(map(len, parts)), runs=(*range(len(parts)),))
    assert merge([merge([run(v, run=i)]) for i, v in enumerate(parts)]) == whole
    k = len(parts)//2
    marked = [run(v, run=i) for i, v in enumerate(parts)]
    if k: assert merge([merge(marked[:k]), *marked[k:]]) == whole
    assert (whole.name, whole.metric, whole.unit, whole.provenance) == ('a', 'latency', 's', 'measured')
    assert BenchmarkResult.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole


@pytest.mark.parametrize('change, words', [
    (dict(name='b'), r"they differ in name \('a' and 'b'\)"), (dict(metric='energy'), 'metric'),
    (dict(unit='J'), 'unit'),
    (dict(provenance='literature'), r"provenance \('measured' and 'literature'\)"),
    (dict(how=dict(inner=5)), r'how differ in inner \(3 and 5\)'), (dict(how={}), r'inner \(3 and nothing\)'),
    (dict(how=dict(inner=3, order='interleaved')), "order \\(nothing and 'interleaved'\\)"),
    (dict(env=dict(cpu='A', blas_threads=2)), r'env differ in blas_threads \(1 and 2\)'),
    (dict(env=dict(cpu='B')), r"cpu \('A' and 'B'\), blas_threads \(1 and nothing\)")])
def test_merge_refuses_what_is_not_the_same(change, words):
    a = run([1., 2.])
    bad = replace(a, **change)
    for rs in ([a, bad], [a, a, bad], [a, bad, a]):
        with pytest.raises(ValueError, match="cannot merge 'a': .*" + words): merge(rs)
    with pytest.raises(ValueError, match='nothing to merge'): merge([])
    assert merge([bad, bad]).n == 4


def test_keys_that_differ():
    assert differing(dict(a=1, b=None, c=2), dict(a=1, c=3, d=4)) == ['b', 'c', 'd'] and differing({}, {}) == []


def test_blocks_that_differ_widen_the_interval():
    "Two processes of different pace: neighbours lean, and the interval reaches over both."
    fast, slow = rng().normal(10, .1, 15), rng(1).normal(11, .1, 15)
    both = merge([run(fast), run(slow)])
    assert autocorrelation(both.values) > .8
    lo, hi = both.interval()
    assert lo < 10.2 and hi > 10.8 and 'correlated' in repr(both)


def several(k, sd, r, n=40):
    "A merged record of `k` runs of `n` times whose truth is 1 s: `sd` between the runs, 1 % within."
    logs = sd*r.normal(size=(k, 1)) + .01*r.normal(size=(k, n))
    return result(np.exp(logs).ravel(), how=dict(blocks=[n]*k), env={})

@pytest.mark.parametrize('k', [2, 5])
def test_a_merged_interval_holds_the_truth(k):
    "By t over the runs: 95 % give or take three standard errors of 400 tries."
    for of in ('median', 'mean'):
        held = [lo <= 1 <= hi for lo, hi in (several(k, .02, rng(i)).interval(of=of) for i in range(400))]
        assert .92 <= np.mean(held) <= .98


def test_a_merged_interval_is_t_over_the_logs_of_its_runs():
    parts = [rng(i).lognormal(i/10, .1, n) for i, n in enumerate((8, 12, 10))]
    whole = merge(run(v, run=i) for i, v in enumerate(parts))
    logs = [math.log(np.median(v)) for v in parts]
    want = np.exp(scipy_stats.t.interval(.9, 2, np.mean(logs), scipy_stats.sem(logs)))
    np.testing.assert_allclose(whole.interval(.9), want)
    assert 'n=30 in 3 runs' in repr(whole)
    with pytest.raises(ValueError, match='a bootstrap cannot tell 3 runs apart'): whole.interval(of='bca')
    with pytest.raises(ValueError, match='too few'): merge([run([1., 2.]), run([1., 3.])]).interval()
    alike = merge([run(parts[0]), run(parts[0])])       # no spread between the runs to judge by
    assert alike.interval() == median_interval(alike.values)


def test_a_merged_record_keeps_its_runs_and_reads_old_files(tmp_path):
    a, b = run([1., 2.], run='x'), run([3.], run='y')
    assert merge([merge([a, b]), run([4.])]).how['runs'] == ('x', 'y', None)
    old = result([1., 2., 3.], how=dict(inner=3, blocks=[2, 1]), env=dict(a.env))
    back, = load_json(save_json([old], tmp_path/'old.json'))
    assert back == old and runs_of(old) == (None, None) and blocks_of(old) == (2, 1)
    assert merge([a, back]).how['runs'] == ('x', None, None) and merge([a, back]).how['blocks'] == (2, 2, 1)
    for odd in ([2, 2], 3, ['a'], [3, 0]): assert blocks_of(result(how=dict(blocks=odd))) == (3,)


def test_the_mean_of_a_rate_is_that_of_its_times(tmp_path):
    secs = np.array([1e-3]*19 + [3e-3])
    r = result(32/secs, metric='throughput', unit='examples/s')
    assert r.mean == pytest.approx(32*20/secs.sum()) == pytest.approx(29_090.9, abs=.1)
    assert rows([r])[0]['mean'] == r.mean == to_frame([r])['mean'][0]
    assert repr(r.mean) in save_csv([r], tmp_path/'r.csv').read_text()
    np.testing.assert_allclose(r.interval(of='mean'), 32/np.array(mean_interval(secs))[::-1])
    lo, hi = r.interval(of='bca')
    assert lo < r.mean < hi
    both = merge([r, replace(r, values=r.values[::-1] + (16e3,))])
    assert both.mean == pytest.approx(32*41/(2*secs.sum() + 2e-3))
    assert result([2., 0.], metric='rate', unit='calls/s').mean == 0
    assert result([1., 3.], metric='rate', unit='°C/s', provenance='modelled').mean == 1.5
    assert result([1., -3.], metric='drift', unit='ppm/s').mean == -1


# --- the machine

def test_environment_follows_the_threads_and_is_a_fresh_copy():
    env = environment()
    assert env == environment() and json.dumps(env)
    assert set(env) >= {'tinybench', 'python', 'numpy', 'platform', 'cpu', 'cores', 'blas', 'blas_threads'}
    env['cpu'] = 'mine'
    assert environment()['cpu'] != 'mine'
    if env['blas_threads'] is not None:
        with threadpool_limits(1): assert environment()['blas_threads'] == 1


def test_environment_starts_no_process_and_imports_nothing_heavy():
    code = '''
import sys
def hook(event, args):
    starts = 'subprocess.Popen', 'os.posix_spawn', 'os.fork', 'os.system', 'os.exec'
    if event in starts: raise SystemExit('started ' + event)
sys.addaudithook(hook)
from tinybench.measure.result import environment
environment()
heavy = {'pandas', 'matplotlib', 'ipywidgets', 'scipy.stats', 'IPython'} & set(sys.modules)
if heavy: raise SystemExit(f'imported {heavy}')
'''
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True,
                          env={**os.environ, 'PYTHONPATH': os.pathsep.join(p for p in sys.path if p)})
    assert done.returncode == 0, done.stderr


# --- files

def test_json_file(tmp_path):
    rs = [result(name='µ "quoted", |'), result([5.], 'b', how=dict(inner=3))]
    path = save_json(rs, tmp_path/'rs.json')
    assert load_json(path) == rs and [p.name for p in tmp_path.iterdir()] == ['rs.json']
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 9'))
    with pytest.raises(ValueError, match='schema 9'): load_json(path)
    for text in ('[]', '', '{"results": 3}', '{"results": [7]}', '{"schema": 1, "resu'):
        path.write_text(text)
        with pytest.raises(ValueError, match='rs.json holds no benchmark results'): load_json(path)


def test_csv_and_frame(tmp_path):
    import pandas as pd
    rs = dict(a=result(rng().uniform(1, 2, 30), 'a,b'), b=result([5.], 'b'))
    frame, back = to_frame(rs), pd.read_csv(save_csv(rs, tmp_path/'rs.csv'))
    pd.testing.assert_frame_equal(frame, back)
    assert list(frame.n) == [30, 1] and frame.lo.isna().tolist() == [False, True]
    assert rows(rs)[0]['median'] == rs['a'].median


def test_names_must_differ_and_records_be_records(tmp_path):
    with pytest.raises(ValueError, match='two results are called a latency'):
        save_json([result(), result()], tmp_path/'x')
    with pytest.raises(TypeError, match='got a dict'): to_frame([{}])
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path/'file').write_text('')
    for folder, error in [(tmp_path/'none', FileNotFoundError), (tmp_path/'file', NotADirectoryError)]:
        with pytest.raises(error, match=f'cannot write rs.json in the folder {folder}'):
            save_json([result()], folder/'rs.json')


@pytest.mark.skipif(not hasattr(os, 'geteuid') or os.geteuid() == 0, reason='root may write anywhere')
def test_a_read_only_folder_is_named(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match='in the folder'): save_csv([result()], tmp_path/'rs.csv')
    finally: tmp_path.chmod(0o700)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path/'rs.json').mkdir()                        # a folder cannot be replaced by a file
    with pytest.raises(OSError, match='rs.json in the folder'): save_json([result()], tmp_path/'rs.json')
    assert [p.name for p in tmp_path.iterdir()] == ['rs.json']
