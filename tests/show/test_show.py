"show: what the figures really draw, read back from their artists, and files written whole."
import math, os, subprocess, sys
from dataclasses import replace
from functools import cache
from xml.etree import ElementTree
import matplotlib, numpy as np
import pytest
from hypothesis import given, strategies as st
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from tinybench.base.text import digits
from tinybench.bench.ablation import Ablation
from tinybench.bench.choose import frontier
from tinybench.bench.effects import cell_name, subsets
from tinybench.bench.pareto import Pareto, Standing
from tinybench.bench.suite import Column, SuiteResult
from tinybench.measure.accuracy import Score
from tinybench.measure.clock import WarmUp
from tinybench.measure.pairs import compare_results, paired_results
from tinybench.measure.runs import compare_runs
from tinybench.profile.cost import cost
from tinybench.profile.roofline import Roofline, RoofPoint
from tinybench.profile.profiler import profile
from tinybench.measure.result import BenchmarkResult
from tinybench.measure.stats import fewest_for, median_interval, outliers, percentile_interval
from tinybench.nn.dense import Dense, ReLU
from tinybench.nn.module import Sequential
from tinybench.show.measure import (bin_edges, ecdf_steps, initials, kinds, largest, lattice_places, outlying, plot_ecdf, plot_effects,
                                    plot_histogram, plot_lattice, plot_layers, plot_memory, plot_pareto, plot_ratios, plot_roofline,
                                    plot_sequence, plot_warmup, plot_waterfall, promised, running_median)
from tinybench.show.plot import (COLOURS, MARKERS, arms, band, draw_medians, figure_bytes, log_if_wide, look,
                                 new_axes, place_names, plot_bars, plot_curves, plot_fitting, plot_history, plot_intervals,
                                 plot_tradeoff, save_figure, short_names)

HISTORY = [dict(epoch=i+1, loss=1/(i+1), secs=.1, valid_loss=1.1/(i+1), valid_metric=1 - .3/(i+1)) for i in range(5)]
ROWS = [dict(name='full', latency=(2e-3, 1.9e-3, 2.3e-3), accuracy=(.98, .96, .99)),
        dict(name='slim', latency=(1e-3, .9e-3, 1.2e-3), accuracy=(.97, .95, .98))]
CURVES = dict(ours=np.array([[.5, .7, .9], [.4, .8, .85], [.6, .75, .95]]), torch=np.array([[.3, .6, .8]]))
SECS = dict(ours=[1., 1.2, 1.1], torch=np.linspace(2, 3, 9))
LONG = 'mobilenet_v1_025_pruned_90_percent_float32_channels_last'

def latencies(): return paired_results(dict(a=np.linspace(1e-3, 2e-3, 9), b=np.linspace(2e-3, 4e-3, 9)), seed=0)

def record(name='a', values=(1e-3,), metric='latency', unit='s', origin='measured'):
    return BenchmarkResult(name, metric, unit, values, origin, env={})

def spread_out(n, seed=0, name='a', middle=1e-3):
    return record(name, middle*np.random.default_rng(seed).lognormal(0, .1, n))

def sizes(n=3): return [record(f'net {i}', [1000*(i + 1)], 'parameters', 'parameters', 'modelled') for i in range(n)]

def compared(times=dict(b=1., c=.5, d=1.5), n=30, noise=.005, base='base', unit='s'):
    "A comparison whose ratios are about `times`."
    rng = np.random.default_rng(0)
    secs = {k: 1e-3*t*rng.lognormal(0, noise, n) for k, t in {base: 1., **times}.items()}
    results = paired_results(secs)
    if unit != 's': results = [BenchmarkResult(r.name, 'throughput', unit, r.values, 'measured', r.how, r.env) for r in results.values()]
    return compare_results(results)

WARM = WarmUp(tuple(1e-4*(1 + 3*.5**np.arange(20))), 6, 10, .02)

@cache
def profiled():
    rng = np.random.default_rng(0)
    net = Sequential(Dense(4, 8, rng), ReLU(), Dense(8, 3, rng))
    return profile(net, rng.normal(size=(2, 4)).astype('float32'), np.array([0, 2]), repeats=6, min_secs=1e-4)

@cache
def counted():
    rng = np.random.default_rng(0)
    return cost(Sequential(Dense(4, 8, rng), ReLU(), Dense(8, 3, rng)), (2, 4))

def roof(points=None):
    peak, copy = record('matmul', [4e10]*7, 'GEMM rate', 'FLOP/s'), record('copy', [1e10]*7, 'bandwidth', 'B/s')
    def point(name, intensity, rate, above=False):
        bound = min(4e10, 1e10*intensity)
        return RoofPoint(name, int(1000*intensity), 1000, bound, rate, .9*rate, 1.2*rate, above, bound < 4e10)
    points = points or [('layers.0 Dense', 2., 1e9), ('layers.1 ReLU', .1, 5e9, True), ('layers.2 Dense', 20., 3e10)]
    return Roofline('net', peak, copy, tuple(point(*p) for p in points))

def standing(name, secs, share, status): return Standing(name, (secs, .9*secs, 1.1*secs), (share, share - .02, share + .01), status)

def front(rows=None, left_out=()):
    rows = rows or [standing('small', 1e-3, .9, 'on'), standing('mid', 2e-3, .9, 'undecided'), standing('bad', 3e-3, .5, 'off')]
    return Pareto(tuple(rows), Column('latency', '', 's', 'measured'), Column('accuracy', 'digits', 'share', 'measured'), .95, left_out)

def ablated(times=dict(fold=.7, thin=.8), both={}, failures=(), noise=.005, rounds=30, builds=1):
    "An ablation in which each step takes `times` as long, and cells in `both` that much more."
    cells, rng = subsets(times), np.random.default_rng(0)
    names = [cell_name(c) for c in cells]
    alive = {cell_name(c): c for c in cells if cell_name(c) not in failures}
    secs = {k: 1e-3*math.prod(times[s] for s in c)*both.get(c, 1)*rng.lognormal(0, noise, (builds, rounds)) for k, c in alive.items()}
    scores = [Score(k, [i >= 10*('thin' in c) for i in range(200)], 'digits') for k, c in alive.items()]
    runs = paired_results({k: v[0] if builds == 1 else np.median(v, 1) for k, v in secs.items()})
    if builds > 1: runs = {k: replace(x, how=x.how | dict(builds=builds, within=secs[k].tolist())) for k, x in runs.items()}
    found = SuiteResult(tuple(names), 'base', [*runs.values()], scores, dict.fromkeys(failures, 'no'))
    return Ablation(found, tuple(times), ('factorial', 'add-one'))

PLOTS = dict(
    history=lambda ax=None: plot_history(HISTORY, ax), tradeoff=lambda ax=None: plot_tradeoff(ROWS, ax),
    curves=lambda ax=None: plot_curves(CURVES, ax), fitting=lambda ax=None: plot_fitting(SECS, ax),
    medians=lambda ax=None: draw_medians(SECS, 's', ax))
RESULTS = dict(
    intervals=lambda ax=None: plot_intervals(latencies(), ax), bars=lambda ax=None: plot_bars(sizes(), ax),
    sequence=lambda ax=None: plot_sequence(spread_out(30), ax, settled_at=2), histogram=lambda ax=None: plot_histogram(spread_out(30), ax),
    ecdf=lambda ax=None: plot_ecdf([spread_out(100), spread_out(12, 1, 'b')], ax), warmup=lambda ax=None: plot_warmup(WARM, ax, 'net'),
    ratios=lambda ax=None: plot_ratios(compared(), ax), pareto=lambda ax=None: plot_pareto(front(), ax),
    roofline=lambda ax=None: plot_roofline(roof(), ax), layers=lambda ax=None: plot_layers(profiled(), ax),
    memory=lambda ax=None: plot_memory(counted(), ax),
    effects=lambda ax=None: plot_effects(ablated(), ax), points=lambda ax=None: plot_effects(ablated(), ax, 'accuracy'),
    waterfall=lambda ax=None: plot_waterfall(ablated(), ax), lattice=lambda ax=None: plot_lattice(ablated(), ax))
def rows_of(n): return [record(f'{LONG}_{i}', [1e-3*(i + 1)]*6) for i in range(n)]
NASTY = dict(
    one_value=lambda: plot_intervals([record()]), thirty=lambda: plot_intervals(rows_of(30)), thirty_bars=lambda: plot_bars(rows_of(30)),
    one_bar=lambda: plot_bars(sizes(1)), wide_bars=lambda: plot_bars([record(f'{i}', [10**i], 'MACs', 'MACs', 'modelled') for i in range(10)]),
    many_points=lambda: plot_tradeoff([dict(name=f'{LONG}{i}', latency=[1 + i]*3, accuracy=[i/30]*3) for i in range(30)]),
    one_taken=lambda: plot_sequence(record()), all_the_same=lambda: plot_sequence(record(LONG, [1e-3]*30)),
    one_in_a_histogram=lambda: plot_histogram(record()), same_in_a_histogram=lambda: plot_histogram(record(LONG, [1e-3]*30)),
    wide_histogram=lambda: plot_histogram(record(LONG, np.geomspace(1e-9, 10, 300))),
    one_ecdf=lambda: plot_ecdf([record()]), twelve_ecdfs=lambda: plot_ecdf(rows_of(12)),
    restless=lambda: plot_warmup(WarmUp((1e-3, 2e-3)*50, None, 10, .02), name=LONG), cold=lambda: plot_warmup(WarmUp((9., *[1e-6]*10), 1, 10, .02)),
    one_ratio=lambda: plot_ratios(compared(dict(b=1.), base=LONG)), thirty_ratios=lambda: plot_ratios(compared({f'{LONG}{i}': .8 + i/50 for i in range(30)})),
    wide_ratios=lambda: plot_ratios(compared(dict(b=1e-3, c=1e3, d=1.), noise=.5)),
    one_model=lambda: plot_pareto(front([standing(LONG, 1., .9, 'on')], ('no',))),
    thirty_models=lambda: plot_pareto(front([standing(f'{LONG}{i}', 10.**(i/6 - 5), .5 + i/99, ('on', 'off', 'undecided')[i % 3]) for i in range(30)])),
    forty_layers=lambda: plot_roofline(roof([(f'layers.{i} Kind{i % 9}', 10.**(i/13 - 1), 1e7*(i + 1)) for i in range(40)])),
    untimed=lambda: plot_roofline(roof([('layers.0', .01, math.nan), ('layers.1', 1000., math.nan)])),
    fifteen_effects=lambda: plot_effects(ablated({f'{LONG}_{i}': .9 for i in range(4)})),
    four_steps_down=lambda: plot_waterfall(ablated({f'{LONG}_{i}': .1 for i in range(4)})),
    five_in_a_lattice=lambda: plot_lattice(ablated({f'{LONG}_{i}': .9 for i in range(5)})),
    lost_in_a_lattice=lambda: plot_lattice(ablated(failures=['fold', 'fold + thin'])),
    one_operation=lambda: plot_memory(cost(Dense(4, 3, np.random.default_rng(0)), (1, 4))))
each = pytest.mark.parametrize('plot', [*PLOTS.values(), *RESULTS.values()], ids=[*PLOTS, *RESULTS])
finite = st.floats(-1e6, 1e6)

def bars(ax, i=0):
    "The ends of the error bars drawn by the `i`-th `errorbar`, one a collection, as x and y."
    drawn = [c for c in ax.containers if isinstance(c, ErrorbarContainer)]
    return [np.array(c.get_segments()) for c in drawn[i][2]]

def texts(ax): return [t.get_text() for t in ax.texts]


# --- every figure

@each
def test_takes_axes_and_returns_them(plot):
    ax = Figure().subplots()
    assert plot(ax) is ax
    assert ax.get_xlabel()

@each
def test_makes_axes_five_inches_wide_that_nobody_has_to_close(plot):
    ax = plot(None)
    wide, high = ax.figure.get_size_inches()
    assert wide == 5 and 1.5 < high < 4
    if 'matplotlib.pyplot' in sys.modules: assert not sys.modules['matplotlib.pyplot'].get_fignums()

@each
def test_leaves_settings_alone(plot, tmp_path):
    before = dict(matplotlib.rcParams)
    save_figure(plot(None), tmp_path/'f.png')
    assert dict(matplotlib.rcParams) == before

@pytest.mark.parametrize('plot', [*PLOTS.values(), *RESULTS.values(), *NASTY.values()], ids=[*PLOTS, *RESULTS, *NASTY])
def test_everything_drawn_lies_inside_the_picture(plot):
    ax = plot()
    ax.figure.draw_without_rendering()
    whole, page = ax.get_tightbbox(), ax.figure.bbox
    assert whole.x0 >= page.x0 - 1 and whole.x1 <= page.x1 + 1 and whole.y0 >= page.y0 - 1 and whole.y1 <= page.y1 + 1
    assert ax.bbox.width > 60 and ax.bbox.height > 40, 'no room left for the data'

ORIGINS = {**RESULTS, **{k: v for k, v in NASTY.items() if k != 'many_points'}}

@pytest.mark.parametrize('plot', ORIGINS.values(), ids=ORIGINS)
def test_results_are_drawn_with_their_origin(plot):
    words = (ax := plot()).get_xlabel() + ax.get_ylabel()
    assert 'measured' in words or 'modelled' in words

def test_no_display_no_pyplot_no_leak(tmp_path):
    code = '''import sys
from tinybench.show.plot import *
for i in range(2): save_figure(plot_curves({"a": [[1., 2.]]}), sys.argv[1])
assert "matplotlib.pyplot" not in sys.modules'''
    env = {k: v for k, v in os.environ.items() if k not in ('DISPLAY', 'MPLBACKEND', 'WAYLAND_DISPLAY')}
    done = subprocess.run([sys.executable, '-W', 'error', '-c', code, tmp_path/'f.png'], env=env, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr

def test_looks_differ_without_colour():
    looks = [look(i) for i in range(len(COLOURS))]
    assert len(MARKERS) == len(COLOURS)
    assert len({(d['marker'], d['ls']) for d in looks}) == len({d['color'] for d in looks}) == len(looks)
    assert look(len(COLOURS))['color'] == COLOURS[0]
    assert len({(d['marker'], d['ls']) for d in map(look, range(12))}) == 12


# --- error bars

@given(st.lists(st.tuples(finite, finite, finite).map(sorted), min_size=1, max_size=8))
def test_arms_reach_from_the_middle_to_both_ends(triples):
    lo, mid, hi = np.array(triples).T
    down, up = arms(mid, lo, hi)
    assert (down >= 0).all() and (up >= 0).all()
    np.testing.assert_allclose([mid - down, mid + up], [lo, hi], atol=1e-9)

def test_arms_refuse_a_value_outside_its_interval():
    with pytest.raises(ValueError, match=r'4 lies outside its interval \[5, 6\]'): arms([1, 4], [1, 5], [2, 6])
    with pytest.raises(ValueError, match='outside'): arms(7, 5, 6)
    assert np.isnan(arms(1., np.nan, np.nan)).all()


# --- frontier

def beaten(i, cost, gain):
    return any(c <= cost[i] and g >= gain[i] and (c, g) != (cost[i], gain[i]) for c, g in zip(cost, gain))

@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20))
def test_frontier_is_what_nobody_beats_cheapest_first(points):
    cost, gain = zip(*points)
    got = frontier(cost, gain)
    assert sorted(got) == [i for i in range(len(points)) if not beaten(i, cost, gain)]
    assert [cost[i] for i in got] == sorted(cost[i] for i in got)
    assert [gain[i] for i in got] == sorted(gain[i] for i in got)


# --- accuracy against latency

def test_tradeoff_draws_both_intervals_in_readable_units():
    ax = plot_tradeoff(ROWS)
    assert ax.get_xlabel() == 'latency (ms)' and ax.get_ylabel() == 'accuracy (%)'
    across, upright = bars(ax)
    np.testing.assert_allclose(across[0], [[1.9, 98], [2.3, 98]])
    np.testing.assert_allclose(upright[0], [[2, 96], [2, 99]])
    assert texts(ax) == ['full', 'slim']
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[1, 97], [2, 98]])        # the frontier

def test_tradeoff_of_many_labels_only_the_frontier():
    row = lambda i, secs, share: dict(name=str(i), latency=[secs]*3, accuracy=[share]*3)
    ax = plot_tradeoff([row(i, 1 + i, .9 if i != 4 else .95) for i in range(12)])
    assert texts(ax) == ['0', '4']
    assert ax.get_xscale() == 'linear'
    assert plot_tradeoff([row(0, 1e-5, .9), row(1, 1e-2, .95)]).get_xscale() == 'log'

def test_tradeoff_without_an_interval_still_has_its_dot(tmp_path):
    nan = float('nan')
    ax = plot_tradeoff([dict(name='one run', latency=(1e-3, nan, nan), accuracy=(.9, .8, .95))])
    assert ax.containers[0][0].get_xydata().tolist() == [[1, 90]]
    save_figure(ax, tmp_path/'f.png')


# --- curves

@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 99))
def test_band_is_median_and_range_of_complete_epochs(repeats, epochs, seed):
    rng = np.random.default_rng(seed)
    runs, ends = rng.normal(size=(repeats, epochs)), rng.integers(1, epochs + 1, repeats)
    for run, end in zip(runs, ends): run[end:] = np.nan
    whole = runs[:, :ends.min()]
    np.testing.assert_array_equal(band(runs), [np.median(whole, 0), whole.min(0), whole.max(0)])

@pytest.mark.parametrize('runs', [[], [.1, .2], [[[1.]]], 3.])
def test_band_says_which_shape_it_wants(runs):
    with pytest.raises(ValueError, match=r'\(repeats, epochs\)'): band(runs)

def test_curves_draw_median_and_range():
    ax = plot_curves(CURVES, metric='test accuracy')
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[1, .5], [2, .75], [3, .9]])
    corners = ax.collections[0].get_paths()[0].vertices
    assert {(1., .4), (1., .6), (3., .85), (3., .95)} <= set(map(tuple, corners))
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ['ours', 'torch']
    assert (ax.get_xlabel(), ax.get_ylabel()) == ('epoch', 'test accuracy')
    assert all(float(t).is_integer() for t in ax.get_xticks())

def test_history_draws_both_losses_or_the_one_there_is():
    ax = plot_history(HISTORY)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[r[k] for r in HISTORY] for k in ('loss', 'valid_loss')]
    assert not ax.get_legend().get_title().get_text()                    # one run has no range
    assert len(plot_history([dict(epoch=1, loss=.5, secs=1.)]).lines) == 1
    with pytest.raises(ValueError, match='no epochs yet'): plot_history([])


# --- times

def test_fitting_has_a_dot_a_repeat_and_an_interval_where_there_are_enough():
    ax = plot_fitting(SECS)
    dots = [line.get_xdata().tolist() for line in ax.lines if line.get_marker() == 'o']
    assert dots == [list(v) for v in SECS.values()]
    assert [line.get_xdata().tolist() for line in ax.lines if line.get_marker() == '|' and line.get_markersize() == 16] == [[1.1], [2.5]]
    assert len(ax.containers) == 1 and bars(ax)[0][0][:, 0].tolist() == list(median_interval(SECS['torch']))
    assert ax.get_xlim()[0] == 0 and ax.get_xlabel() == 'fitting time (s)'
    assert [t.get_text() for t in ax.get_yticklabels()] == ['ours', 'torch'] and ax.yaxis_inverted()

def test_intervals_are_those_of_the_results():
    rs = latencies()
    ax = plot_intervals(rs)
    for i, r in enumerate(rs.values()):
        np.testing.assert_allclose(bars(ax, i)[0][0][:, 0], np.array(r.interval())*1e3)
    assert ax.get_xlabel() == 'latency (ms), measured\nmedian and 95% interval, n=9'

@pytest.mark.parametrize('other', [('latency', 'B', 'measured'), ('energy', 's', 'measured'), ('latency', 's', 'modelled')])
def test_intervals_never_mix_kinds(other):
    metric, unit, origin = other
    rs = [BenchmarkResult('a', 'latency', 's', [1.], 'measured', env={}), BenchmarkResult('b', metric, unit, [1.], origin, env={})]
    with pytest.raises(ValueError, match='needs one'): plot_intervals(rs)
    with pytest.raises(ValueError, match='none'): plot_intervals([])


def test_small_print_names_n_and_what_is_drawn():
    said = lambda *ns: plot_intervals([record(f'{i}', [1.]*n) for i, n in enumerate(ns)]).get_xlabel().split('\n')[1]
    assert [said(6, 9), said(2, 6), said(3, 5), said(1), said(1, 1)] == [
        'median and 95% interval, n=6 to 9', 'median and 95% interval, n=2 to 6', 'median, n=3 to 5: too few for an interval',
        'one value', 'one value each']

def test_wide_ranges_multiply():
    assert plot_intervals([record('a', [1.]), record('b', [30.])]).get_xscale() == 'log'
    ax = plot_intervals([record('a', [1.]), record('b', [19.])])
    assert ax.get_xscale() == 'linear'
    log_if_wide(ax, [np.nan, 0., 5.], 'y')
    assert ax.get_yscale() == 'linear'                                  # zero has no place on a logarithmic axis

def test_bars_begin_at_zero_and_say_their_value():
    ax = plot_bars([record('a', [1_234_567], 'MACs', 'MACs', 'modelled'), record('b', [10], 'MACs', 'MACs', 'modelled')])
    assert [(b.get_x(), b.get_width()) for b in ax.patches] == [(0, 1_234_567), (0, 10)]
    assert texts(ax) == ['1,234,567', '10'] and ax.get_xlim()[0] == 0
    assert ax.get_xlabel() == 'MACs, modelled\none value each'
    r = record('a', np.arange(1000, 1009), 'allocated peak', 'B')
    ax = plot_bars([r])
    assert ax.get_xlabel().startswith('allocated peak (kB), measured\nmedian and 95%') and texts(ax) == ['1']
    np.testing.assert_allclose(bars(ax)[0][0][:, 0], np.array(r.interval())/1e3)
    with pytest.raises(ValueError, match='one unit'): plot_bars([*sizes(1), record('b', [1.], 'parameters', 'B', 'modelled')])


# --- names

@given(st.lists(st.text('abcdefgh_0123456789', max_size=60), max_size=8))
def test_short_names_stay_apart(names):
    short = short_names(names)
    assert [a == b for a in short for b in short] == [a == b for a in names for b in names]
    assert all(s == n or (len(s) < len(n) and s[0] == n[0] and s[-1] == n[-1]) for s, n in zip(short, names))

def test_short_names_are_short():
    assert short_names([LONG, 'net']) == ['mobilenet_v1_…hannels_last', 'net'] and len(short_names([LONG])[0]) == 26

def test_names_avoid_each_other_and_the_edges():
    ax = new_axes()
    dots = np.array([(0, 0), (1, 1), (0, 1), (1, 0), (.5, .5), (.5, .56)])
    ax.plot(*dots.T, 'o')
    place_names(ax, dots, [f'network {i}' for i in range(len(dots))])
    boxes = [t.get_window_extent() for t in ax.texts]
    assert texts(ax) == [f'network {i}' for i in range(len(dots))]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(ax.bbox.x0 <= b.x0 and b.x1 <= ax.bbox.x1 and ax.bbox.y0 <= b.y0 and b.y1 <= ax.bbox.y1 for b in boxes)


# --- in the order taken

runs = st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=40)

@given(runs, st.integers(0, 6).map(lambda k: 2*k + 1))
def test_running_median_is_that_of_the_values_around(values, width):
    half = width//2
    want = [np.median(values[max(0, i - half):i + half + 1]) for i in range(len(values))]
    np.testing.assert_array_equal(running_median(values, width), want)

def test_running_median_needs_a_middle():
    for width in (0, 2, -1):
        with pytest.raises(ValueError, match=f'a window of {width} has no middle'): running_median([1., 2.], width)

@given(runs)
def test_outlying_are_those_that_stats_counts(values): assert outlying(values).sum() == sum(outliers(values))

@given(runs)
def test_sequence_drops_nothing(values):
    ax = plot_sequence(record('a', values))
    dots = [line for line in ax.lines if line.get_linestyle() == 'None']
    drawn = np.concatenate([line.get_xydata() for line in dots])
    drawn = drawn[drawn[:, 0].argsort()]
    assert drawn[:, 0].tolist() == list(range(1, len(values) + 1))
    factor = drawn[0, 1]/values[0]
    np.testing.assert_allclose(drawn[:, 1], np.array(values)*factor, rtol=1e-9)
    assert [len(line.get_xdata()) for line in dots if line.get_marker() == 'x'] == [n for n in [outlying(values).sum()] if n]

def test_sequence_shows_the_running_median_and_the_warm_up():
    r = spread_out(100)
    ax = plot_sequence(r, settled_at=7)
    line = next(line for line in ax.lines if line.get_linestyle() == '-')
    np.testing.assert_allclose(line.get_ydata(), running_median(r.values, 5)*1e3)
    assert ax.patches[0].get_x() + ax.patches[0].get_width() == 7.5
    assert {t.get_text() for t in ax.get_legend().get_texts()} >= {'warm-up', 'median of 5'}
    assert ax.get_xlabel() == 'a: in the order taken, n=100' and ax.get_ylabel() == 'latency (ms), measured'
    assert not plot_sequence(record()).lines[0].get_rasterized() and plot_sequence(spread_out(2001)).lines[0].get_rasterized()


# --- by size

@given(runs)
def test_histogram_counts_every_value_once(values):
    ax = plot_histogram(record('a', values))
    assert sum(b.get_height() for b in ax.patches) == len(values) and len(ax.patches) <= 40
    edges = bin_edges(values)
    assert (np.diff(edges) > 0).all() and edges[0] <= min(values) and edges[-1] >= max(values)

def test_histogram_marks_each_value_or_the_outliers_and_the_median():
    few, many = spread_out(30), spread_out(400)
    assert len(plot_histogram(few).lines[0].get_xdata()) == 30
    assert len(plot_histogram(many).lines[0].get_xdata()) == outlying(many.values).sum()
    ax = plot_histogram(few)
    np.testing.assert_allclose(ax.lines[-1].get_xdata(), few.median*1e6)
    np.testing.assert_allclose(bars(ax)[0][0][:, 0], np.array(few.interval())*1e6)
    assert not plot_histogram(record('a', [1., 2., 3.])).containers[1:]         # too few for an interval

@given(st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_ecdf_is_the_share_at_most(values):
    x, share = ecdf_steps(values)
    assert x.tolist() == sorted(set(values)) and share[-1] == 1
    np.testing.assert_allclose(share, [np.mean(np.array(values) <= at) for at in x])

@pytest.mark.parametrize('p', [50, 90, 99])
def test_ecdf_has_no_percentile_below_its_minimum(p):
    need = fewest_for(p/100)
    heights = lambda ax: [round(100*c[0].get_ydata()[0]) for c in ax.containers]
    assert p not in heights(plot_ecdf([spread_out(need - 1)])) and p in heights(ax := plot_ecdf([spread_out(need)]))
    assert f'p{p} needs {need}' in plot_ecdf([spread_out(need - 1)]).get_xlabel() and f'p{p} needs' not in ax.get_xlabel()

def test_ecdf_percentiles_have_their_intervals():
    r = spread_out(100)
    ax = plot_ecdf([r])
    for i, p in enumerate((.5, .9)):
        np.testing.assert_allclose(bars(ax, i)[0][0][:, 0], np.array(percentile_interval(r.values, p))*1e3)
        at = ax.containers[i][0].get_xdata()[0]*1e-3
        assert np.mean(np.array(r.values) <= at*(1 + 1e-9)) == p
    assert ax.get_legend().get_texts()[0].get_text() == 'a, n=100'

def test_ecdf_of_more_lines_than_looks_is_refused():
    with pytest.raises(ValueError, match='13 lines cannot be told apart'): plot_ecdf(rows_of(13))
    with pytest.raises(ValueError, match='one provenance'): plot_ecdf([record(), record('b', [1.], origin='modelled')])


# --- the cold start

def test_warmup_shades_what_was_thrown_away_and_frames_the_calm():
    ax = plot_warmup(WARM)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.array(WARM.secs)*1e6)
    assert [(b.get_x(), b.get_x() + b.get_width()) for b in ax.patches] == [(.5, 6.5), (6.5, 16.5)]
    assert ax.get_xlabel() == 'settled after 6 of 20 samples\ncalm: 10 in a row whose sd is below 2% of their mean'

def test_warmup_that_never_settled_says_so():
    ax = plot_warmup(WarmUp((1e-3, 2e-3)*5, None, 3, .02), name='net')
    assert not ax.patches and ax.get_legend() is None and ax.get_xlabel().startswith('net: not settled in 10 samples')
    assert len(plot_warmup(WarmUp((1e-3,)*3, 0, 3, .02)).patches) == 1          # calm from the first


# --- against each other

def test_ratios_have_interval_band_and_verdict():
    c = compared()
    ax = plot_ratios(c)
    for i, row in enumerate(c.rows):
        np.testing.assert_allclose(bars(ax, i)[0][0], [[row.ratio.lo, i], [row.ratio.hi, i]])
    assert texts(ax) == [row.verdict for row in c.rows] == ['same', 'faster', 'slower']
    assert [c[0].get_marker() for c in ax.containers] == ['s', '<', '>']
    box = ax.patches[0]
    np.testing.assert_allclose([box.get_x(), box.get_x() + box.get_width()], [1/1.02, 1.02])
    assert ax.get_xscale() == 'log' and [t.get_text() for t in ax.get_yticklabels()] == list('bcd')
    assert ax.get_xlabel() == 'latency / latency of base\n95% interval, n=30 pairs, measured\ngrey: same within 2%'

def test_undecided_is_open_and_says_what_would_decide():
    c = compared(dict(b=1.), n=10, noise=.05)
    ax, row = plot_ratios(c), c.rows[0]
    assert row.verdict == 'undecided' and ax.containers[0][0].get_markerfacecolor() == 'w'
    assert texts(ax) == [f'undecided, n={10 + row.more}'] and 'n: to measure again with' in ax.get_xlabel()

def test_ratios_of_rates_and_of_separate_runs_say_so():
    ax = plot_ratios(compared(dict(b=.5), unit='examples/s'))
    assert texts(ax) == ['slower'] and 'throughput / throughput of base' in ax.get_xlabel()
    old, new = spread_out(30, 0), spread_out(30, 1)
    assert 'not interleaved' in plot_ratios(compare_runs(old, new, unpaired=True)).get_xlabel()


# --- the frontier and its doubts

def test_pareto_draws_each_standing_in_its_own_way():
    ax = plot_pareto(front())
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ['on', 'undecided', 'off'] and texts(ax) == ['small', 'mid', 'bad']
    assert [c[0].get_xydata().tolist() for c in ax.containers] == [[[1, 90]], [[2, 90]], [[3, 50]]]
    assert len({c[0].get_marker() for c in ax.containers}) == 3
    across, upright = bars(ax)
    np.testing.assert_allclose(across[0], [[.9, 90], [1.1, 90]])
    np.testing.assert_allclose(upright[0], [[1, 88], [1, 91]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ('latency (ms), measured\n95% intervals\non and off by pairs, margin 2%', 'accuracy on digits (%), measured')

def test_pareto_of_many_names_those_that_may_be_on_it():
    rows = [standing(f'{i}', 1e-3*(i + 1), .9, 'off' if i > 3 else 'undecided' if i > 1 else 'on') for i in range(12)]
    ax = plot_pareto(front(rows, ('x has no place',)))
    assert texts(ax) == ['0', '1', '2', '3'] and 'without 1 that have none' in ax.get_xlabel()
    with pytest.raises(ValueError, match='x has no place'): plot_pareto(Pareto((), front().cost, front().gain, .95, ('x has no place',)))


# --- what each step did

def test_effects_have_intervals_verdicts_and_another_marker_for_interactions():
    a = ablated(both={('fold', 'thin'): 1.25})
    ax, rows = plot_effects(a), {of: s for (of, c), s in a.answers['effect'].items() if c.metric == 'latency'}
    assert [t.get_text() for t in ax.get_yticklabels()] == ['fold', 'thin', 'fold × thin'] == list(rows) and texts(ax) == [s.verdict for s in rows.values()]
    assert texts(ax)[0] == 'faster' and texts(ax)[2] == 'slower' and [c[0].get_marker() for c in ax.containers] == ['o', 'o', 's']
    for i, s in enumerate(rows.values()): np.testing.assert_allclose(bars(ax, i)[0][0], [[s.lo, i], [s.hi, i]])
    assert ax.get_xlabel().startswith('ratio of latency, measured') and ax.get_xscale() == 'log'
    points = plot_effects(a, metric='accuracy')
    assert points.get_xlabel().startswith('points of accuracy on digits') and texts(points) == ['same', 'worse', 'same']
    assert points.containers[1][0].get_xdata()[0] == pytest.approx(-5)
    with pytest.raises(ValueError, match='no effects in weights'): plot_effects(a, metric='weights')

def test_the_waterfall_goes_on_where_it_ended_and_ends_at_all():
    a = ablated(both={('fold', 'thin'): 1.25})
    c, names, alone, rest = promised(a)
    assert names == ('fold', 'thin') and alone == pytest.approx([.7, .8], rel=.02) and rest == pytest.approx(1.25, rel=.03)
    ax = plot_waterfall(a)
    ends, steps = (c.patches for c in ax.containers)
    edges = [(p.get_y(), p.get_y() + p.get_height()) for p in steps]
    assert edges[0][0] == 1 and all(a[1] == pytest.approx(b[0]) for a, b in zip(edges, edges[1:]))
    assert edges[-1][1] == pytest.approx(ends[1].get_height()) == pytest.approx(.7, rel=.02) and texts(ax)[3] == f'×{rest:.3g}'
    with pytest.raises(ValueError, match='two steps'): plot_waterfall(ablated(dict(fold=.7)))

@pytest.mark.parametrize('builds', [1, 8])
def test_waterfall_and_lattice_show_the_ratios_of_the_answers(builds):
    # skewed noise, and a build that is slow as a whole: medians of all rounds, or of each cell, are other numbers
    a = ablated(noise=.3, builds=builds)
    c, names, alone, rest = promised(a)
    told = {(q, of): s.mid for q, xs in a.answers.items() for (of, col), s in xs.items() if col.metric == 'latency'}
    assert alone == [told['add-one', n] for n in names]
    if builds > 1: assert rest == pytest.approx(told['beyond', 'fold + thin'])
    both = a.suite.comparison[c]['fold + thin'].mid
    said = [t.split('\n')[1] for t in texts(plot_lattice(a))]
    assert said == ['×1.00', *(f'×{v:.2f}' for v in (*alone, both))]
    assert texts(plot_waterfall(a))[-1] == f'×{digits(both)}'

def test_what_was_not_compared_has_no_waterfall():
    few = ablated(rounds=3)
    for plot in (plot_waterfall, plot_lattice):
        with pytest.raises(ValueError, match='no ratios of latency to base'): plot(few)
    a = ablated()
    alone = replace(a, suite=replace(a.suite, results=[x for x in a.suite.results if x.name != 'fold + thin']))
    with pytest.raises(ValueError, match=r'no ratio of fold \+ thin'): plot_waterfall(alone)
    assert 'not measured' in texts(plot_lattice(alone))[-1]

def test_the_lattice_has_a_line_for_each_step_that_can_be_taken():
    ax = plot_lattice(ablated(dict(fold=.7, thin=.8, fuse=1.)))
    assert len(ax.texts) == 8 and len([l for l in ax.lines if len(l.get_xdata()) == 2]) == 12
    assert texts(ax)[0] == 'base\n×1.00' and 'fo·th' in texts(ax)[4] and [t.get_text() for t in ax.get_legend().get_texts()] == ['fo: fold', 'th: thin', 'fu: fuse']
    assert 'failed' in texts(plot_lattice(ablated(failures=['fold'])))[1]
    with pytest.raises(ValueError, match='only 5'): plot_lattice(ablated({f's{i}': 1. for i in range(6)}))

@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=5, unique=True))
def test_initials_tell_names_apart(names):
    short = initials(names)
    assert len(set(short.values())) == len(names) and max(map(len, short.values())) <= 4

@given(st.integers(1, 5))
def test_places_in_a_lattice_are_apart(k):
    at = lattice_places(tuple('abcde'[:k]))
    assert len(set(at.values())) == 2**k and all(y == len(c) and abs(x) <= .5 for c, (x, y) in at.items())


# --- layers

def test_roofline_has_both_ceilings_and_a_point_for_each_layer():
    ax, r = plot_roofline(roof()), roof()
    line = next(line for line in ax.lines if len(line.get_xdata()) == 3)
    x, y = line.get_data()
    np.testing.assert_allclose(y, np.minimum(40, 10*np.array(x)))
    assert x[1] == 4 and ax.get_xscale() == ax.get_yscale() == 'log'
    drawn = {tuple(np.round(p, 9)) for c in ax.containers for p in c[0].get_xydata()}
    assert drawn == {(p.intensity, round(p.rate/1e9, 9)) for p in r.points}
    ring = next(line for line in ax.lines if line.get_markersize() == 11)
    assert ring.get_xydata().tolist() == [[.1, 5]]
    assert texts(ax) == ['40 GFLOP/s', '10 GB/s']
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ['above the roof', 'Dense', 'ReLU']

def test_roofline_of_a_mere_cost_shows_what_could_be():
    ax = plot_roofline(roof([('layers.0', 2., math.nan), ('layers.1', 9., math.nan)]))
    assert ax.containers[0][0].get_xydata().tolist() == [[2, 20], [9, 40]] and ax.get_ylabel() == 'GFLOP/s, at most'
    assert ax.containers[0][0].get_markerfacecolor() == 'w'
    with pytest.raises(ValueError, match='computes'): plot_roofline(Roofline('net', roof().peak, roof().bandwidth, ()))

def test_kinds_are_no_more_than_there_are_looks():
    names = [f'layers.{i} Kind{min(i % 12, i % 7)}' for i in range(60)]
    assert len(set(kinds(names))) == len(COLOURS) and 'other' in kinds(names)
    assert kinds(['layers.0 Dense', 'layers.1 ReLU']) == ['Dense', 'ReLU'] and kinds(['layers.0', 'layers.1']) == ['layers']*2

@given(st.lists(st.floats(0, 1), max_size=30), st.integers(1, 10))
def test_largest_leaves_nothing_out(values, most):
    keep, rest = largest(values, most)
    assert sorted(keep + rest) == list(range(len(values))) and keep == sorted(keep) and len(rest) != 1
    assert not rest or len(keep) == most and min(values[i] for i in keep) >= max(values[i] for i in rest)

@pytest.mark.parametrize('most', [1, 2, 20])
def test_layers_bars_add_up(most):
    p = profiled()
    ax = plot_layers(p, most=most)
    widths = np.array([[b.get_width() for b in c.patches] for c in ax.containers if hasattr(c, 'patches') and c.patches])
    shares = [100*r.share.estimate for r in p.rows]
    np.testing.assert_allclose(widths.sum(), sum(shares))
    assert len(widths) == len(p.phases) == 2 and widths.shape[1] == min(len(shares), most + 1)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ['forward', 'backward']
    q = p.accounted
    assert f'all rows: {100*q.estimate:.0f}% [{100*q.lo:.0f}, {100*q.hi:.0f}]\nof a step of' in ax.get_xlabel()
    if most == 20:
        np.testing.assert_allclose(widths.sum(0), shares)
        assert [t.get_text() for t in ax.get_yticklabels()] == short_names(r.name for r in p.rows)
    else: assert ax.get_yticklabels()[-1].get_text() == f'{len(shares) - most} others'

def test_memory_is_that_of_each_operation():
    c = counted()
    ax = plot_memory(c)
    top = max(range(len(c.steps)), key=lambda i: c.steps[i].live_bytes)
    assert ax.get_title(loc='left') == f'{c.peak_bytes} B in {c.steps[top].path}'
    assert ax.lines[0].get_xydata().tolist() == [[top + 1, c.peak_bytes]]
    corners = set(map(tuple, ax.collections[0].get_paths()[0].vertices))
    assert {(i + .5, float(s.live_bytes)) for i, s in enumerate(c.steps)} <= corners
    assert '(2, 4)' in ax.get_xlabel() and ax.get_ylabel() == 'live activations (B), modelled'


# --- files

def test_bytes_are_the_same_each_time():
    for kind in ('svg', 'png'): assert figure_bytes(plot_pareto(front()), kind) == figure_bytes(plot_pareto(front()), kind)
    svg = ElementTree.fromstring(figure_bytes(plot_pareto(front())))
    assert svg.tag.endswith('svg') and svg.get('width') == '360pt'
    assert figure_bytes(Figure(), 'png').startswith(b'\x89PNG')

def test_suffix_says_which_format(tmp_path):
    assert save_figure(new_axes(), tmp_path/'f.SVG').read_bytes().startswith(b'<?xml')
    for name in ('f.jpg', 'f'):
        with pytest.raises(ValueError, match='svg or png'): save_figure(new_axes(), tmp_path/name)
    assert [p.name for p in tmp_path.iterdir()] == ['f.SVG']

def test_save_whole_or_not_at_all(tmp_path):
    path = tmp_path/'f.png'
    assert save_figure(new_axes(), path, dpi=100) == path and path.read_bytes().startswith(b'\x89PNG')
    before = path.read_bytes()
    class Broken(Figure):
        def savefig(self, to, **kw):
            super().savefig(to, **kw)
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): save_figure(Broken(), path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ['f.png']

def test_save_names_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path/'file').touch()
    for folder in (tmp_path/'none', tmp_path/'file'):
        with pytest.raises(OSError, match=f'cannot write f.png in the folder {folder}'): save_figure(Figure(), folder/'f.png')
    assert [p.name for p in tmp_path.iterdir()] == ['file']

@pytest.mark.slow
def test_a_notebook_shows_the_figure_and_leaves_none_open(tmp_path):
    nbformat, nbclient = pytest.importorskip('nbformat'), pytest.importorskip('nbclient')
    code = ['from tinybench.show.plot import plot_curves', 'plot_curves({"a": [[1., 2.]]});',
            'from matplotlib import pyplot\npyplot.get_fignums()']
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in code])
    nbclient.NotebookClient(nb, kernel_name='python3').execute()
    assert 'image/png' in nb.cells[1].outputs[0].data and nb.cells[2].outputs[0].data['text/plain'] == '[]'

def test_names_are_drawn_letter_by_letter():
    from tinybench.show.plot import drawable
    assert drawable('plain') == 'plain' and drawable('a$^$ b').count('\\$') == 2 and not drawable('_hidden').startswith('_')
