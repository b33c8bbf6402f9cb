"tinybench operating: worlds as they are described, limits that are exact, and promises that are tried, kept and written whole."
import json, math
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import binom, binomtest
from tinybench.cli import main
from tinybench.operating.rows import Case, Row, binomial_limits, by_try, promised, tried
from tinybench.operating.run import BEYOND, Operating, case_rng, operate, rows_kept
from tinybench.operating.tables import all_cases
from tinybench.operating.worlds import MOODY, WORLDS, World, busy, in_turns, series, true_median

def rng(seed=0): return np.random.default_rng(seed)
def status(*args):
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0


# --- the promises themselves

CASES = all_cases()

@pytest.mark.parametrize('part', sorted({c.part for c in CASES if c.quick}))
def test_promises_are_kept_but_for_chance(part):
    "Few tries of every promise: a row that is just kept fails once in 10,000."
    found = operate([c for c in CASES if c.part == part], seed=13, quick=True)
    assert not found.broken, f'\n{found}'

@pytest.mark.slow
@pytest.mark.parametrize('part', sorted({c.part for c in CASES}))
def test_promises_are_kept_in_many_tries(part):
    "A tenth of the full form, with another seed."
    cases = [c for c in CASES if c.part == part]
    rows = [tried(c, case_rng(c, 14), max(c.tries//10, 20)) for c in cases]
    assert not (broken := Operating(tuple(rows)).broken), f'\n{Operating(tuple(broken))}'

def test_no_two_rows_are_called_alike():
    names = [(c.part, c.what) for c in CASES]
    assert len(set(names)) == len(names)
    assert all(0 <= c.least < c.most <= 1 and c.tries >= c.quick and ((c.least, c.most) != (0, 1) or not c.quick) for c in CASES)


# --- the worlds

@pytest.mark.parametrize('world', [*WORLDS, MOODY, busy(.02)], ids=lambda w: w.name)
def test_a_world_is_seeded_and_has_its_median(world):
    assert (series(world, rng(1), 50) == series(world, rng(1), 50)).all() and not (series(world, rng(1), 50) == series(world, rng(2), 50)).all()
    if world.median is None or world.name.startswith('busy'): return
    logs = world.noise(rng(3), (4000, 60))
    below, at = (logs < world.median - 1e-9).mean(), (abs(logs - world.median) < 1e-9).mean()
    assert below - .02 < .5 < below + at + .02, f'{below:.3f}'

def test_a_wandering_world_leans_as_it_says():
    for world, rho in zip(WORLDS[1:4], (.3, .6, .9)):
        x = world.noise(rng(4), (500, 200))
        assert np.corrcoef(x[:, 1:].ravel(), x[:, :-1].ravel())[0, 1] == pytest.approx(rho, abs=.02)
        assert x[:, 0].std() == pytest.approx(.1, rel=.1) == pytest.approx(x[:, -1].std(), rel=.15)

def test_turns_are_taken_at_random_and_a_slower_job_is_slower():
    still = World('still', lambda rng, shape: np.broadcast_to(np.arange(shape[1]), shape)/1000)
    a, b = in_turns(still, rng(5), 400)
    first = np.log(a*1e3) < np.log(b*1e3)
    assert 150 < first.sum() < 250                               # a fair coin: 5 standard deviations
    np.testing.assert_allclose(np.sort(np.log(1e3*np.r_[a, b])), np.arange(800)/1000, atol=1e-12)
    a, b, c = in_turns(World('none', lambda rng, shape: np.zeros(shape)), rng(6), 9, (0., .05, .5))
    np.testing.assert_allclose([a, b, c], np.outer([1e-3, 1.05e-3, 1.5e-3], np.ones(9)))

def test_a_coarse_clock_counts_ticks():
    world = next(w for w in WORLDS if w.ticks == 5)
    ticks = series(world, rng(7), 200)*5e3
    np.testing.assert_allclose(ticks, np.rint(ticks), atol=1e-9)
    assert ticks.min() >= 1 and true_median(world, 100) == 1e-3


# --- rows

@given(st.integers(0, 60).flatmap(lambda k: st.tuples(st.just(k), st.integers(max(k, 1), 60))))
def test_limits_as_scipy(counts):
    want = binomtest(*counts).proportion_ci(.99)
    assert binomial_limits(*counts) == pytest.approx((want.low, want.high), abs=1e-9)

def of(hits, n, least=0., most=1.):
    return tried(Case('t', 'w', lambda rng, tries: np.arange(tries) < hits, least, most), rng(), n)

@pytest.mark.parametrize('hits,n,least,most,verdict', [
    (0, 1000, 0, .05, 'held'), (100, 1000, 0, .05, 'broken'), (50, 1000, 0, .05, 'undecided'), (0, 20, 0, .05, 'undecided'),
    (3, 9, 0, 1, 'no promise'), (950, 1000, .9, 1, 'held'), (800, 1000, .9, 1, 'broken'), (1900, 2000, .93, .97, 'held'), (1000, 1000, .93, .97, 'broken')])
def test_verdicts(hits, n, least, most, verdict):
    row = of(hits, n, least, most)
    assert row.verdict == verdict and row.found == hits/n and row.n == n
    assert (verdict == 'broken') == (row.chance < .005)

def test_the_chance_is_that_of_coins():
    assert of(9, 100, 0, .05).chance == pytest.approx(binom.sf(8, 100, .05))
    assert of(85, 100, .9).chance == pytest.approx(binom.cdf(85, 100, .9)) and of(95, 100, .9).chance == 1

def test_a_mean_of_shares_has_limits_too():
    row = tried(Case('t', 'pairs', lambda rng, n: rng.uniform(.4, .6, n), 0, .75), rng(8), 400)
    assert row.verdict == 'held' and row.lo < .5 < row.hi and row.hi - row.lo < .03 and row.chance == 1
    row = tried(Case('t', 'pairs', lambda rng, n: rng.uniform(.7, .9, n), 0, .75), rng(8), 400)
    assert row.verdict == 'broken' and row.chance < BEYOND

def test_a_few_shares_that_agree_decide_nothing():
    row = tried(Case('t', 'pairs', lambda rng, n: np.ones(n), 0, .75), rng(), 4)
    assert row.verdict == 'undecided' and (row.lo, row.hi) == (0, 1) and row.chance > .1
    assert tried(Case('t', 'pairs', lambda rng, n: np.ones(n), 0, .75), rng(), 60).verdict == 'broken'

def test_nothing_to_count_is_no_number():
    row = tried(Case('t', 'none', by_try(lambda rng: None), .9), rng(), 5)
    assert (row.n, row.verdict, row.chance) == (0, 'held', 1) and math.isnan(row.found) and 'nothing to count' in repr(row)
    assert promised(.93, .97) == '93% to 97%' and promised(0, .055) == 'at most 5.5%' and promised(.8, 1) == 'at least 80%'


# --- the record, and what stays of a run that was stopped

def tiny(seen=()):
    def count(rng, n): return rng.random(n) < .5
    return [Case('coins', 'heads', count, .4, .6, 400, 20), Case('coins', 'tails', count, .4, .6, 400, 20), Case('dice', 'all', count, 0, .3, 400)]

def test_a_row_is_the_same_whatever_else_is_tried():
    every = operate(tiny())
    assert [r.verdict for r in every.rows] == ['held', 'held', 'broken']
    assert operate(tiny()[1:2]).rows[0] == every.rows[1] and operate(tiny(), seed=1).rows[0] != every.rows[0]
    assert [r.what for r in operate(tiny(), quick=True).rows] == ['heads', 'tails']
    assert [r.what for r in every.broken] == ['all']

def test_the_record_goes_to_disk_and_comes_back(tmp_path):
    found = operate(tiny())
    found.save(tmp_path/'new')
    assert {p.name for p in (tmp_path/'new').iterdir()} == {'operating.json', 'operating.md'}
    assert Operating.from_dict(json.loads((tmp_path/'new'/'operating.json').read_text())) == found
    assert '| heads | 40% to 60% |' in (tmp_path/'new'/'operating.md').read_text() and 'dice' in repr(found)
    assert rows_kept(tmp_path/'new', 0, False)['coins', 'heads'] == found.rows[0]
    assert not rows_kept(tmp_path/'new', 1, False) and not rows_kept(tmp_path/'new', 0, True) and not rows_kept(tmp_path, 0, False)
    (tmp_path/'operating.json').write_text('{"report": "suite"}')
    with pytest.raises(ValueError, match='name another folder'): rows_kept(tmp_path, 0, False)

def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    def stops(rng, n): raise KeyboardInterrupt
    cases = tiny()
    stopped = [*cases[:2], Case('dice', 'all', stops, 0, .3, 400)]
    with pytest.raises(KeyboardInterrupt): operate(stopped, keep=lambda so_far: so_far.save(tmp_path))
    kept = rows_kept(tmp_path, 0, False)
    assert [what for _, what in kept] == ['heads', 'tails']
    tried_again = []
    assert operate(cases, kept=kept, keep=tried_again.append) == operate(cases) and len(tried_again) == 1

@pytest.mark.slow
def test_rows_are_the_same_in_other_processes():
    cases = [c for c in CASES if c.part == 'Intervals of accuracies']
    assert operate(cases, quick=True, workers=2) == operate(cases, quick=True)

def test_the_command(tmp_path, capsys):
    assert status('operating', '--quick', '--only', 'accuracies', '--out', tmp_path, '--json') == 0
    d = json.loads(capsys.readouterr().out)
    assert d['quick'] and {r['part'] for r in d['rows']} == {'Intervals of accuracies'} and all(0 <= r['lo'] <= r['hi'] <= 1 for r in d['rows'])
    assert status('operating', '--quick', '--only', 'merge', '--out', tmp_path) == 0
    said = capsys.readouterr()
    assert f'{len(d["rows"])} rows are there already' in said.err and 'Intervals of accuracies' in said.out
    assert status('operating', '--only', 'nonsense') == 1 and 'Interval of an AUC' in capsys.readouterr().err
