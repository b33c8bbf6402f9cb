"show: explorers of a measured network: the laws behind them, and every knob at both of its ends."
import math
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from xml.etree import ElementTree
import ipywidgets, numpy as np
import pytest
from hypothesis import given, strategies as st
from tinybench.measure.pairs import Ratio
from tinybench.models.zoo import resnet8
from tinybench.nn.conv import Conv2d, unfold
from tinybench.nn.dense import Dense, Flatten, ReLU
from tinybench.nn.module import Sequential, evaluating
from tinybench.profile.cost import cost
from tinybench.profile.profiler import Span, profile
from tinybench.show.explore import (BATCHES, STEPS, Tried, alarms, alarms_explorer, amdahl, amdahl_explorer, batch_work, beside_words,
                                    changed_part, convolution_stepper, crossing_batch, draw_amdahl, draw_batch, draw_flame, draw_gained,
                                    draw_gains, draw_window, flame_bars, flame_explorer, measure_step, places, roofline_explorer,
                                    roofs_by_batch, row_name, windows_of, work_left, worked)
from tinybench.show.widgets import Cancelled, Choices, quick_axes

def words(w): return ElementTree.fromstring(w.value).text if w.value else ''

@cache
def net():
    rng = np.random.default_rng(0)
    return Sequential(Conv2d(1, 4, 3, rng), ReLU(), Flatten(), Dense(144, 64, rng), ReLU(), Dense(64, 3, rng)).eval()

@cache
def examples(): return np.random.default_rng(1).normal(size=(4, 8, 8, 1)).astype(np.float32)

@cache
def profiled(): return profile(net(), examples(), repeats=6, min_secs=1e-4)

@cache
def tried():
    found = Tried(profiled())
    for step in STEPS: found = measure_step(net(), examples(), repeats=6)(lambda *_: None, found, step)
    return found

@cache
def roofs(): return roofs_by_batch(lambda *_: None, net(), examples(), (1, 4), repeats=6)

@cache
def deep():
    images = np.random.default_rng(0).normal(size=(1, 32, 32, 3)).astype(np.float32)
    return profile(resnet8(np.random.default_rng(0)).eval(), images, repeats=6)

EXPLORERS = dict(
    alarms=lambda c: alarms_explorer(c), amdahl=lambda c: amdahl_explorer(net(), examples(), tried(), c),
    roofline=lambda c: roofline_explorer(net(), examples(), roofs(), c), flame=lambda c: flame_explorer(net(), examples(), profiled(), c),
    stepper=lambda c: convolution_stepper(examples()[0, ..., 0], c))

def ends(w):
    "The first and the last value of a knob."
    if hasattr(w, 'base'): return w.base**w.min, w.base**w.max
    if not hasattr(w, 'options'): return w.min, w.max
    values = [v for _, v in w._options_full]
    return values[0], values[-1]

@pytest.mark.parametrize('make', EXPLORERS.values(), ids=EXPLORERS)
def test_every_knob_draws_at_both_ends_and_keeps_all_inside_of_the_picture(make, tmp_path):
    e = make(Choices(tmp_path/'c.json'))
    e.guess.open(None)
    said = words(e.guess.says).removeprefix('You made no guess. ')
    assert 'Measure to see' not in said and len(said) < 120, 'the answer to the question, and no more'
    for name, w in e.knobs.items():
        for value in ends(w):
            was, w.value = w.value, value
            shown = e.picture()
            assert shown.words == words(e.words) and '<svg' in e.figure.value, f'{name}={value}'
            fig = shown.figure
            fig.draw_without_rendering()
            for ax in fig.axes:
                box = ax.get_tightbbox()
                assert box.x0 >= -2 and box.y0 >= -2 and box.x1 <= fig.bbox.x1 + 2 and box.y1 <= fig.bbox.y1 + 2, (name, value, box)
                labelled = ax.get_xlabel() and (ax.get_ylabel() or not len(ax.get_yticks()) or ax.get_yticklabels())
                assert labelled or not ax.axison or not len(ax.get_xticks()), 'axes have names'
            w.value = was

@pytest.mark.parametrize('slow', [1, 30, 1000])
def test_the_roofline_of_a_slow_machine_is_inside_of_its_picture(slow):
    def slower(p): return replace(p, rate=p.rate/slow, lo=p.lo/slow, hi=p.hi/slow)
    found = {b: replace(roof, points=tuple(map(slower, roof.points))) for b, roof in roofs().items()}
    for layer in {p.name for p in found[1].points}:
        fig = draw_batch(layer, 1, found).figure
        fig.draw_without_rendering()
        assert fig.axes[0].get_tightbbox().x0 >= -2, layer

MEASURED = {k: v for k, v in EXPLORERS.items() if k in ('amdahl', 'roofline', 'flame')}

@pytest.mark.parametrize('name', MEASURED)
def test_before_it_is_measured_it_says_so(name, tmp_path):
    make = dict(amdahl=amdahl_explorer, roofline=roofline_explorer, flame=flame_explorer)[name]
    e = make(net(), examples(), choices=Choices(tmp_path/'c.json'))
    e.guess.open(None)
    assert words(e.words).startswith('Not measured yet') and 'Measure to see' in words(e.guess.says)
    assert e.static().png()

def test_a_measurement_that_is_cancelled_leaves_the_network_as_it_was(tmp_path):
    trained = Sequential(Dense(4, 3, np.random.default_rng(0))).train()
    x = np.ones((2, 4), np.float32)
    before, modes = trained.state_dict(), trained.training
    e = amdahl_explorer(trained, x, choices=Choices(tmp_path/'c.json'))
    e.knobs['step'].value = 'nothing'
    tell = e.measurement.progress
    def progress(done, of, *_):
        if done == 3: e.measurement.stop.set()
        tell(done, of)
    e.measurement.progress = progress
    e.measurement.start()
    e.measurement.thread.join(20)
    assert 'Stopped' in words(e.measurement.says) and e.found is None and trained.training == modes
    for k, v in trained.state_dict().items(): np.testing.assert_array_equal(v, before[k])
    e.measurement.progress = tell
    e.measurement.start()
    e.measurement.thread.join(20)
    assert e.found.profile.wall.n == 20 and 'takes' in words(e.words)

def test_every_batch_can_be_the_last():
    calls = []
    def progress(done, of):
        calls.append(done)
        if done == 2: raise Cancelled
    with pytest.raises(Cancelled): roofs_by_batch(progress, net(), examples(), (1, 2), repeats=6)
    assert max(calls) == 2


# --- Amdahl

shares = st.floats(.01, .99)

@given(shares, st.floats(.1, 1000))
def test_amdahl_is_bounded_and_rises_with_k(s, k):
    share = Ratio(s, .9*s, min(1.1*s, 1.05), 30)
    got = amdahl(share, k)
    assert got.lo <= got.estimate <= got.hi and got.estimate < 1/(1 - s) + 1e-9
    assert amdahl(share, 1).lo == amdahl(share, 1).hi == 1
    assert math.isclose(amdahl(share, 2*k).estimate, 1/(1 - s + s/(2*k))) and amdahl(share, 2*k).estimate >= got.estimate

def test_the_goal_that_no_layer_reaches_is_named():
    layer = worked(net(), examples())[0]
    found = replace(profiled(), rows=[replace(r, share=Ratio(.2, .1, .3, 6)) for r in profiled().rows])
    shown = draw_amdahl(layer, 100, 50, found)
    assert 'breaks the goal of 50' in shown.words and shown.broken
    assert 'breaks' not in draw_amdahl(layer, 100, 1.0, found).words.split('If it took')[1]
    assert [r[0] for r in shown.table.rows] == [r.name for r in profiled().rows]

def test_one_interval_up_to_the_whole_does_not_flatten_the_lines():
    # a share of 40% [2%, 100%] may gain up to k: 100 at the right end
    ax, wild = quick_axes(), SimpleNamespace(name='a', share=Ratio(.4, .02, 1.02, 30))
    class Found(list):
        rows = property(lambda self: list(self))
        def __getitem__(self, name): return wild
    draw_gains(ax, Found([wild, SimpleNamespace(name='b', share=Ratio(.6, .5, .7, 30))]), 'a')
    assert ax.get_ylim()[1] < 3

class Ticking(Dense):
    "A dense layer that takes its `secs` on a clock of its own."
    now = [0.]
    def __init__(self, n, secs):
        super().__init__(n, n, np.random.default_rng(0))
        self.secs = secs
    def forward(self, x):
        self.now[0] += self.secs
        return super().forward(x)

def test_what_a_step_gained_is_measured_in_turns_on_a_clock(monkeypatch):
    old, new = (Sequential(*(Ticking(4, secs) for secs in each)).train() for each in ((3., 1.), (1., 1.)))
    monkeypatch.setattr('tinybench.show.explore.STEPS', dict(faster=lambda net, x: new))
    told, x = [], np.ones((2, 4), np.float32)
    def clock():
        Ticking.now[0] += 1e-6
        return Ticking.now[0]
    measure = measure_step(old, x, 6, clock=clock)
    found = measure(lambda *p: told.append(p), None, 'faster', layer='0', k=10, goal=2)
    left, got = found.steps['faster']
    assert all(math.isclose(v, 2, rel_tol=1e-4) for v in (got.lo, got.estimate, got.hi)) and got.n == 10 and not left and old.training
    assert told == [(i, 36) for i in range(1, 37)]
    shown = draw_gained('layers.0 Ticking', step='faster', found=found)
    assert 'Promised: 1 [1, 1] times as fast. Measured in turns: 2' in shown.words and 'more than promised' in shown.words

def test_steps_leave_the_work_that_their_networks_have():
    x = examples()
    for step, expected in (('fuse', {'layers.1 ReLU': 0, 'layers.4 ReLU': 0}), ('half the work', None), ('prune 90%', None), ('nothing', {})):
        new = STEPS[step](net(), x)
        left = work_left(net(), new, x)
        if expected is not None: assert left == expected
        macs = sum(r.macs*left.get(row_name(r), 1) for r in cost(net(), x).rows)
        assert math.isclose(macs, cost(new, x).macs), step

def test_work_that_is_left_in_a_residual_network():
    deep, images = resnet8(np.random.default_rng(0)).eval(), np.zeros((1, 32, 32, 3), np.float32)
    left = work_left(deep, STEPS['fuse'](deep, images), images)
    assert set(left.values()) == {0} and {n.split()[1] for n in left} == {'BatchNorm', 'ReLU'}
    assert not any(n.startswith('layers.4 ') for n in left), 'a ReLU behind a sum stays'

def test_a_layer_that_was_none_before_cannot_be_promised():
    with pytest.raises(ValueError, match='layers.1, ReLU.*no layer of the network has become this'):
        dense = Dense(4, 4, np.random.default_rng(0))
        work_left(Sequential(dense), Sequential(dense, ReLU()), np.ones((2, 4), np.float32))

def test_the_changed_layers_are_one_part_of_the_law():
    share, k = changed_part(profiled(), {'layers.1 ReLU': 0., 'layers.3 Dense': .5})
    s = {r.name: r.share.estimate for r in profiled().rows}
    assert math.isclose(k, (s['layers.1 ReLU'] + s['layers.3 Dense'])/(.5*s['layers.3 Dense']))
    assert share.lo <= share.estimate <= share.hi and share.n == profiled().wall.n
    assert changed_part(profiled(), {'layers.1 ReLU': 0.})[1] == 1e9, 'it is gone'
    assert amdahl(*changed_part(profiled(), {})).hi == 1

@pytest.mark.parametrize('got, said', [((1.4, 1.3, 1.5), 'more'), ((1.0, .9, 1.05), 'less'), ((1.2, 1.0, 1.4), 'no difference')])
def test_what_was_measured_beside_what_was_promised(got, said):
    assert said in beside_words(Ratio(1.15, 1.1, 1.2, 9), Ratio(*got, 9))

def test_a_step_that_was_not_tried_is_said_to_be_missing_and_one_that_was_is_drawn():
    found = Tried(profiled(), {'fuse': tried().steps['fuse']})
    assert draw_gained('layers.0 Conv2d', step='prune 90%', found=found).words.endswith('Not measured yet: what prune 90% really gains.')
    shown = draw_gained('layers.0 Conv2d', found=found)
    assert 'Measured in turns' in shown.words and {'fuse, promised', 'measured'} <= {t.get_text() for t in shown.figure.axes[0].get_legend().texts}


# --- the roof by batch

def test_points_above_the_roof_are_inside_of_the_figure():
    layer = worked(net(), examples())[0]
    low = {b: replace(r, peak=replace(r.peak, values=np.asarray(r.peak.values)/1e4)) for b, r in roofs().items()}
    top = draw_batch(layer, 4, low).figure.axes[0].get_ylim()[1]
    assert top > max(p.rate for r in roofs().values() for p in r.points if p.name == layer)/1e9

def test_the_model_of_a_batch_is_the_cost_of_that_batch():
    for name, (flops, weights, activations) in batch_work(net(), examples()).items():
        for b in (1, 2, 4):
            row = next(r for r in cost(net(), examples()[:b]).rows if row_name(r) == name)
            assert row.flops == b*flops and row.read_bytes + row.written_bytes == weights + b*activations, name

def test_the_names_of_a_cost_are_those_of_a_profile():
    assert set(worked(net(), examples())) <= {r.name for r in profiled().rows}

def test_the_crossing_is_where_the_intensity_passes_the_ridge():
    for f, w, a in batch_work(net(), examples()).values():
        for ridge in (.5, 1., 2.5, 8.):
            b = crossing_batch(f, w, a, ridge)
            if b is None: assert f/a <= ridge
            else:
                assert b*f/(w + b*a) >= ridge*(1 - 1e-12)
                assert b == 1 or (b - 1)*f/(w + (b - 1)*a) < ridge

def test_only_batches_that_there_are_examples_for():
    assert list(roofs()) == [1, 4]
    e = roofline_explorer(net(), examples())
    assert e.knobs['batch'].options == (1, 2, 4) and BATCHES[:3] == (1, 2, 4)
    layer = worked(net(), examples())[0]
    assert 'batch of 4' in draw_batch(layer, 4, roofs()).words and len(draw_batch(layer, 1, roofs()).table.rows) == 2


def test_one_example_cannot_tell_weights_from_activations():
    with pytest.raises(ValueError, match='give two or more'): roofline_explorer(net(), examples()[:1])


# --- the flame chart

def spans(*rows): return [Span(name, 'forward', a, b) for name, a, b in rows]

def test_bars_lie_below_the_one_that_holds_them():
    bars = flame_bars(spans(('a', 0, 3), ('b', 3, 5), ('pair', 0, 6), ('c', 6, 9), ('net', 0, 10)))
    assert [(s.name, d) for s, d, _ in bars] == [('net', 0), ('pair', 1), ('a', 2), ('b', 2), ('c', 1)]
    assert {s.name: own for s, _, own in bars} == dict(net=1, pair=1, a=3, b=2, c=3)
    inside = flame_bars(spans(('a', 0, 3), ('b', 3, 5), ('pair', 0, 6), ('c', 6, 9), ('net', 0, 10)), 'pair')
    assert [(s.name, d) for s, d, _ in inside] == [('pair', 0), ('a', 1), ('b', 1)]

def test_a_bar_of_the_same_length_as_its_parent_is_below_it():
    bars = flame_bars(spans(('inner', 0, 2), ('outer', 0, 2)))
    assert sum(own for *_, own in bars) == 2 and sorted(d for _, d, _ in bars) == [0, 1]

def test_own_times_of_a_real_call_add_up_to_the_call():
    bars = flame_bars(deep().spans)
    top = [s for s, d, _ in bars if d == 0]
    assert math.isclose(sum(own for *_, own in bars), sum(s.secs for s in top), rel_tol=1e-6) and max(d for _, d, _ in bars) == 3
    assert draw_flame(found=deep()).png()


# --- the convolution

@given(st.tuples(*[st.integers(1, 7)]*2), st.tuples(*[st.integers(1, 3)]*2), st.tuples(*[st.integers(1, 4)]*2))
def test_places_are_those_of_the_matrix(size, kernel, stride):
    size = tuple(max(n, k) for n, k in zip(size, kernel))
    numbers = np.arange(1., size[0]*size[1] + 1).reshape(1, *size, 1)
    rows = unfold(numbers, kernel, stride)
    for i, j in np.ndindex(size):
        want = [tuple(map(int, at)) for at in np.argwhere(rows == i*size[1] + j + 1)]
        assert places((i, j), size, kernel, stride) == want

@pytest.mark.parametrize('k, stride', [(1, 1), (3, 1), (3, 2), (4, 3)])
def test_the_stepper_has_the_matrix_and_the_output_of_a_convolution(k, stride):
    image = np.random.default_rng(k).normal(size=(8, 9)).astype(np.float32)
    rows, shape = windows_of(image, k, stride)
    np.testing.assert_array_equal(rows, unfold(image[None, ..., None], (k, k), (stride, stride)))
    layer = Conv2d(1, 1, k, np.random.default_rng(0), stride=stride)
    assert layer(image[None, ..., None]).shape[1:3] == shape

def test_a_window_beyond_the_last_is_the_last():
    image = np.random.default_rng(0).normal(size=(6, 6))
    assert draw_window(999, image=image).words.startswith('Window 15 is row 15 of 16')

def test_the_range_of_windows_follows_kernel_and_stride(tmp_path):
    e = convolution_stepper(np.ones((8, 8)), Choices(tmp_path/'c.json'))
    e.guess.open(None)
    e.knobs['window'].value = 35
    e.knobs['stride'].value = 2
    assert e.knobs['window'].max == 8 and e.knobs['window'].value == 8 and 'row 8 of 9' in words(e.words)

def test_a_large_image_stays_a_small_page():
    shown = draw_window(5, image=np.random.default_rng(0).normal(size=(96, 96))).svg()
    assert len(shown) < 400_000, 'a path for each cell would be millions'

@pytest.mark.parametrize('image', [np.ones((8, 8, 1)), np.ones(8), np.ones((3, 8))])
def test_an_image_that_is_none_is_refused(image):
    with pytest.raises(ValueError, match='take one channel of one image'): convolution_stepper(image)


# --- in a row, in turns

def test_turns_are_right_where_a_row_is_not():
    # 400 comparisons at 95%: 40 alarms or more in fewer than 1 of 10,000 tries where 5% are allowed;
    # in a row there are alarms in most
    assert alarms('in turns', 20, .9, runs=400, seed=3)[0] < .1
    assert alarms('in a row', 20, .9, runs=400, seed=3)[0] > .4
    assert alarms('in a row', 20, 0., runs=400, seed=3)[0] < .1, 'without memory both are right'
