"show.plot: what the figures really draw, read back from their artists, and files written whole."
import os, subprocess, sys
import matplotlib, numpy as np
import pytest
from hypothesis import given, strategies as st
from matplotlib.figure import Figure
from tinybench.measure.compare import paired_results
from tinybench.measure.result import BenchmarkResult
from tinybench.measure.stats import median_interval
from tinybench.show.plot import (COLOURS, MARKERS, arms, band, draw_medians, frontier, look, new_axes, plot_curves,
                                 plot_fitting, plot_history, plot_intervals, plot_tradeoff, save_figure)

HISTORY = [dict(epoch=i+1, loss=1/(i+1), secs=.1, valid_loss=1.1/(i+1), valid_metric=1 - .3/(i+1)) for i in range(5)]
ROWS = [dict(name='full', latency=(2e-3, 1.9e-3, 2.3e-3), accuracy=(.98, .96, .99)),
        dict(name='slim', latency=(1e-3, .9e-3, 1.2e-3), accuracy=(.97, .95, .98))]
CURVES = dict(ours=np.array([[.5, .7, .9], [.4, .8, .85], [.6, .75, .95]]), torch=np.array([[.3, .6, .8]]))
SECS = dict(ours=[1., 1.2, 1.1], torch=np.linspace(2, 3, 9))

def latencies(): return paired_results(dict(a=np.linspace(1e-3, 2e-3, 9), b=np.linspace(2e-3, 4e-3, 9)), seed=0)

ALL = [lambda ax: plot_history(HISTORY, ax), lambda ax: plot_tradeoff(ROWS, ax), lambda ax: plot_curves(CURVES, ax),
       lambda ax: plot_fitting(SECS, ax), lambda ax: plot_intervals(latencies(), ax), lambda ax: draw_medians(SECS, 's', ax)]
each = pytest.mark.parametrize('plot', ALL, ids='history tradeoff curves fitting intervals medians'.split())
finite = st.floats(-1e6, 1e6)

def bars(ax, i=0):
    "The ends of the error bars drawn by the `i`-th `errorbar`, one a collection, as x and y."
    return [np.array(c.get_segments()) for c in ax.containers[i][2]]

def texts(ax): return [t.get_text() for t in ax.texts]


# --- every figure

@each
def test_takes_axes_and_returns_them(plot):
    ax = Figure().subplots()
    assert plot(ax) is ax
    assert ax.get_xlabel()

@each
def test_makes_axes_of_five_by_three_inches_that_nobody_has_to_close(plot):
    ax = plot(None)
    assert tuple(ax.figure.get_size_inches()) == (5, 3)
    if 'matplotlib.pyplot' in sys.modules: assert not sys.modules['matplotlib.pyplot'].get_fignums()

@each
def test_leaves_settings_alone(plot, tmp_path):
    before = dict(matplotlib.rcParams)
    save_figure(plot(None), tmp_path/'f.png')
    assert dict(matplotlib.rcParams) == before

@each
def test_everything_drawn_lies_inside_the_picture(plot):
    ax = plot(None)
    ax.figure.draw_without_rendering()
    whole, page = ax.get_tightbbox(), ax.figure.bbox
    assert whole.x0 >= page.x0 - 1 and whole.x1 <= page.x1 + 1 and whole.y0 >= page.y0 - 1 and whole.y1 <= page.y1 + 1

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
    assert ax.get_xlabel() == 'latency (ms), median and 95% interval, measured'

@pytest.mark.parametrize('other', [('latency', 'B', 'measured'), ('energy', 's', 'measured'), ('latency', 's', 'modelled')])
def test_intervals_never_mix_kinds(other):
    metric, unit, origin = other
    rs = [BenchmarkResult('a', 'latency', 's', [1.], 'measured', env={}), BenchmarkResult('b', metric, unit, [1.], origin, env={})]
    with pytest.raises(ValueError, match='needs one'): plot_intervals(rs)
    with pytest.raises(ValueError, match='none'): plot_intervals([])


# --- files

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
