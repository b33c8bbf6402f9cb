"`tinybench compare` with several runs a side: what it says, when it is sure, and its status."
import numpy as np
import pytest
from tinybench.cli import main
from tinybench.cli.gate import compared_files, gate_status, gates, run_places, sure_of
from tinybench.measure.pairs import interval_p
from tinybench.measure.result import BenchmarkResult, merge, save_json

def status(*args):
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0

def record(rng, truth=1., between=.05, name='net', **how):
    v = 1e-4*truth*np.exp(rng.normal(0, between) + rng.normal(0, .02, 30))
    return BenchmarkResult(name, 'latency', 's', v, 'measured', how, {})

def folder(place, rng, runs, truths, between=.05):
    place.mkdir(parents=True)
    for i in range(runs): save_json([record(rng, t, between, name) for name, t in truths.items()], place/f'{i}.json')
    return place

def test_several_runs_a_side_are_folders_or_options(tmp_path, capsys):
    rng = np.random.default_rng(0)
    old, new = folder(tmp_path/'old', rng, 4, dict(net=1.), .01), folder(tmp_path/'new', rng, 3, dict(net=1.3), .01)
    assert status('compare', old, new, '--fail-above', '5%') == 3
    out, err = capsys.readouterr()
    assert 'net: fail, surely slower by more than 5%' in err and 'n=3 runs' in out and 'unsure' not in out
    options = [x for k, place in (('--old', old), ('--new', new)) for p in run_places(place) for x in (k, p)]
    assert status('compare', *options, '--fail-above', '5%') == 3 and capsys.readouterr() == (out, err)
    assert status('compare', old, '--new', new/'0.json', '--fail-above', '5%') == 3      # it borrows the spread of the old
    assert 'surely slower' in capsys.readouterr().err
    assert status('compare', new, old, '--fail-above', '5%', '--strict') == 0
    assert 'net: pass, surely not slower by more than 5%' in capsys.readouterr().err

@pytest.mark.parametrize('args', [['a'], ['a', 'b', '--old', 'c'], ['a', 'b', '--new', 'c'], ['--old', 'a'], []], ids=' '.join)
def test_each_side_is_given_once(args): assert status('compare', *args) == 2

def test_a_model_that_one_run_lacks_is_no_pass(tmp_path, capsys):
    rng = np.random.default_rng(0)
    old, new = folder(tmp_path/'old', rng, 2, dict(a=1., b=1.)), folder(tmp_path/'new', rng, 2, dict(a=1., b=1.))
    save_json([record(rng, name='a')], new/'1.json')
    assert status('compare', old, new, '--fail-above', '5%') == 1 and 'some of the files has latency of b' in capsys.readouterr().err
    assert status('compare', old, new, '--name', 'a') == 0
    (tmp_path/'none').mkdir()
    assert status('compare', old, tmp_path/'none') == 1 and 'holds no results' in capsys.readouterr().err

def test_one_file_given_again_and_again_is_no_spread(tmp_path, capsys):
    f = folder(tmp_path/'old', np.random.default_rng(0), 1, dict(a=1.))/'0.json'
    assert status('compare', *['--old', f]*3, *['--new', f]*3) == 1 and 'is one file given twice' in capsys.readouterr().err

def test_blocks_of_merged_files_are_runs(tmp_path):
    rng = np.random.default_rng(0)
    files = [save_json([merge([record(rng, t, .01) for _ in range(4)])], tmp_path/f'{t}.json') for t in (1., 1.3)]
    c = compared_files(*files)
    assert gates(c, .05) == dict(net='fail') and sure_of(c) == dict(net=True) and c['net'].ratio.n == 4

def test_status_is_3_for_any_failure_and_strict_wants_all_to_pass_surely():
    for said, sure, want in (('fail', False, (3, 3)), ('fail', True, (3, 3)), ('pass', True, (0, 0)), ('pass', False, (0, 4)), ('undecided', True, (0, 4))):
        assert (gate_status(dict(a=said), dict(a=sure)), gate_status(dict(a=said), dict(a=sure), strict=True)) == want

def told(rng, truths, between, runs=3, limit=.05):
    from tinybench.measure.runs import compare_runs
    sides = [[[record(rng, t, between, f'm{i}') for i, t in enumerate(side)] for _ in range(runs)] for side in ([1.]*len(truths), truths)]
    return list(gates(compare_runs(*sides, unpaired=True), limit).values())

def test_three_runs_a_side_are_seldom_surely_wrong():
    "Runs that differ by 5%, limit 5%: equal code is never to fail, nor a true 10% to pass, in more than 5%; 150 each, seeds fixed."
    rng = np.random.default_rng(7)
    equal = [told(rng, [1.], .05)[0] for _ in range(150)]
    worse = [told(rng, [1.1], .05)[0] for _ in range(150)]
    assert equal.count('fail') <= 4 and worse.count('pass') <= 4
    assert sum(told(rng, [1.15], .01)[0] == 'fail' for _ in range(40)) >= 36      # where runs differ by 1%, 15% is found

def test_ten_models_at_the_limit_are_one_family():
    "All at exactly 1.05: some 'fail' in 2.5% by Holm, in 20% unadjusted."
    rng = np.random.default_rng(3)
    assert sum('fail' in told(rng, [1.05]*10, .02, 4) for _ in range(60)) <= 6

def test_the_p_of_a_t_interval_is_that_of_t():
    from scipy.stats import ttest_ind
    from tinybench.measure.runs import runs_ratio
    rng = np.random.default_rng(0)
    a, b = rng.normal(.2, .1, 3), rng.normal(0, .1, 4)
    q = runs_ratio(a, b)
    assert interval_p(q) == pytest.approx(ttest_ind(a, b).pvalue) and interval_p(q, 1.05) == pytest.approx(ttest_ind(a - np.log(1.05), b).pvalue)
