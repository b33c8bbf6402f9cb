"measure.profiler: time charged once, steps unchanged by being watched, traces, roofs, three kinds of bytes."
import json, tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinybench.core.ops import Op
from tinybench.core.tensor import Tensor, apply, listener
from tinybench.profile import profiler
from tinybench.measure.compare import ratio
from tinybench.profile.cost import cost
from tinybench.profile.profiler import (
    MINE, PHASES, WHOLE, Profile, Profiler, Recorder, Roofline, Span, one_step, allocated_peak, attainable,
    by_kind, copy_bandwidth, gemm_rate, last_level_cache, layer_row, layer_secs, mean_secs, measure_latency,
    measure_memory, own_secs, profile, roofline, save_trace, trace_events, untouched, us)
from tinybench.measure.result import BenchmarkResult, environment
from tinybench.models.zoo import create
from tinybench.nn.dense import Dense, Dropout, ReLU
from tinybench.nn.loss import cross_entropy
from tinybench.nn.module import Module, Sequential, walk
from tinybench.nn.norm import BatchNorm
from tinybench.nn.optim import SGD, Adam
from tinybench.nn.train import PerformanceMetrics, fit, label

SHAPES = dict(ds_cnn=(49, 10, 1), resnet8=(32, 32, 3), fc_autoencoder=(640,), simple_cnn=(8, 8, 1))

def rng(seed=0): return np.random.default_rng(seed)
def batch(name, n=2): return rng(1).normal(size=(n, *SHAPES[name])).astype(np.float32)
def small(seed=0):
    g = rng(seed)
    return Sequential(Dense(6, 5, g), BatchNorm(5), ReLU(), Dropout(.5, g), Dense(5, 3, g))
X, Y = rng(2).normal(size=(4, 6)).astype(np.float32), np.array([0, 1, 2, 0])


# --- spans

@st.composite
def trees(draw, depth=3, start=0.):
    "A span with what it holds, in the order in which they end, and the own time of each."
    gap = st.integers(0, 5)
    own = draw(gap)
    now, spans = start + own, []
    for _ in range(draw(st.integers(0, 3)) if depth else 0):
        inner, after = draw(trees(depth=depth - 1, start=now)), draw(gap)
        spans, now, own = spans + inner, inner[-1][0].stop + after, own + after
    if now == start: now, own = now + 1, own + 1
    return [*spans, (Span(f'd{depth}', 'forward', start, now), own)]

@given(trees())
def test_own_time_is_charged_once(tree):
    spans, own = zip(*tree)
    assert own_secs(list(spans)) == pytest.approx(own)
    assert sum(own_secs(list(spans))) == pytest.approx(spans[-1].secs)

@given(trees(), st.integers(1, 3))
def test_layer_secs_lose_nothing(tree, passes):
    spans = [s._replace(start=s.start + 1000*i, stop=s.stop + 1000*i) for i in range(passes) for s, _ in tree]
    charged = layer_secs(spans, own_secs(spans))
    assert sum(charged.values()) == pytest.approx(passes*tree[-1][0].secs)
    assert list(charged) == list(dict.fromkeys(s[:2] for s in spans))


class Ticker:
    "A clock that only the work moves."
    now = 0.
    def __call__(self): return self.now

class Work(Module):
    "Takes `there` seconds going forward and `back` seconds going backward, by a clock of its own."
    def __init__(self, clock, there, back, *inside):
        self.clock, self.there, self.back, self.inside = clock, there, back, inside
    def forward(self, x):
        for m in self.inside: x = m(x)
        def fwd(x):
            self.clock.now += self.there
            return x + 0
        def vjp(g, out, x):
            self.clock.now += self.back
            return g,
        return apply(Op('work', fwd, vjp), x)

def test_every_second_is_charged_to_the_layer_that_spent_it(monkeypatch):
    clock = Ticker()
    monkeypatch.setattr(profiler, 'perf_counter', clock)
    net = Work(clock, 1, 2, Work(clock, 4, 8), Work(clock, 16, 32, Work(clock, 64, 128)))
    rec, x = Recorder(net), Tensor(np.ones(3), requires_grad=True)
    rec.watched(one_step(net, x, y=0, loss=lambda out, y: out.sum()))
    spans = [Span(*s) for s in rec.passes[0]]
    got = {k: v for k, v in layer_secs(spans, own_secs(spans)).items() if v}
    paths = '', 'inside.0', 'inside.1', 'inside.1.inside.0'
    want = {(f'{p} Work'.strip(), phase): v for p, there, back in zip(paths, (1, 4, 16, 64), (2, 8, 32, 128))
            for phase, v in (('forward', there), ('backward', back))}
    assert got == want

def test_a_layer_used_twice_is_one_row_with_the_time_of_both(monkeypatch):
    clock = Ticker()
    monkeypatch.setattr(profiler, 'perf_counter', clock)
    shared = Work(clock, 3, 5)
    net, rec = Sequential(shared, Work(clock, 1, 1), shared), Recorder(Sequential())
    rec.names = Recorder(net).names
    rec.watched(one_step(net, Tensor(np.ones(3), requires_grad=True), y=0, loss=lambda out, y: out.sum()))
    spans = [Span(*s) for s in rec.passes[0]]
    charged = layer_secs(spans, own_secs(spans))
    assert (charged['layers.0 Work', 'forward'], charged['layers.0 Work', 'backward']) == (6, 10)


@pytest.mark.parametrize('name', ['ds_cnn', 'resnet8'])
def test_recorded_spans_nest(name):
    net, x = create(name, rng()), Tensor(batch(name))
    rec = Recorder(net)
    rec.watched(one_step(net, x, np.zeros(2, int), opt=Adam(net.parameters())))
    spans = [Span(*s) for s in rec.passes[0]]
    assert spans[-1].name == WHOLE and {s.phase for s in spans} == {*PHASES, 'step'}
    assert [s.stop for s in spans] == sorted(s.stop for s in spans)
    assert all(s.secs >= 0 for s in spans) and min(own_secs(spans)) >= 0
    assert all(a.stop <= b.start or b.start <= a.start for a, b in zip(spans, spans[1:]))
    assert sum(own_secs(spans)) == pytest.approx(spans[-1].secs, rel=1e-6)


# --- steps that do not change

@pytest.mark.parametrize('name', SHAPES)
def test_a_watched_call_gives_the_same_numbers(name):
    net, x = create(name, rng()).eval(), Tensor(batch(name))
    np.testing.assert_array_equal(net(x).data, Recorder(net).watched(one_step(net, x)).data)

@pytest.mark.parametrize('opt', [SGD, Adam])
def test_a_watched_step_trains_the_same_weights(opt):
    def state(watch):
        net = small()
        step, rec = one_step(net, Tensor(X), Y, opt=opt(net.parameters(), max_norm=.1)), Recorder(net)
        for _ in range(5): rec.watched(step) if watch else step()
        return net.state_dict()
    for k, v in state(False).items(): np.testing.assert_array_equal(v, state(True)[k])

def everything(net, opt):
    return (net.state_dict() | {f'opt.{k}': v for k, v in opt.state_dict().items()}
            | {f'grad {k}': np.nan if p.grad is None else p.grad.copy() for k, p in net.named_parameters()}
            | {f'mode {k}': m.training for k, m in walk(net)}
            | {'draws': str(net[3].rng.bit_generator.state)})

def same(a, b):
    assert list(a) == list(b)
    for k in a: np.testing.assert_array_equal(a[k], b[k], err_msg=k)

@pytest.mark.parametrize('graded', [False, True])
@pytest.mark.parametrize('what', [dict(), dict(y=Y), dict(y=Y, opt=True)])
def test_profiling_leaves_everything_as_it_was(what, graded):
    net = small()
    opt = Adam(net.parameters())
    fit(net, [(X, Y)], 2, opt, progress=False)
    net[1].training = False
    if graded:
        for i, p in enumerate(net.parameters()): p.grad = np.full(p.shape, i, p.dtype)
    before = everything(net, opt)
    profile(net, X, repeats=6, **what | (dict(opt=opt) if 'opt' in what else {}))
    same(before, everything(net, opt))

def test_training_goes_on_as_if_nobody_had_looked():
    def run(look):
        net = small()
        opt = Adam(net.parameters())
        for _ in range(2):
            fit(net, [(X, Y)], 3, opt, progress=False)
            if look: profile(net, X, Y, opt=opt, repeats=6)
        return everything(net, opt)
    same(run(False), run(True))

def test_an_error_in_the_middle_is_let_through_and_leaves_no_trace():
    class Fails(Module):
        calls = 0
        def forward(self, x):
            self.calls += 1
            if self.calls > 10: raise RuntimeError('out of luck')
            return x*1
    net = small()
    net.layers.append(Fails())
    opt = Adam(net.parameters())
    before = everything(net, opt)
    with pytest.raises(RuntimeError, match='out of luck'): profile(net, X, Y, opt=opt, repeats=6, min_secs=0)
    same(before, everything(net, opt))
    assert listener() is None                   # nobody listens any longer


# --- profiles

@pytest.fixture(scope='module')
def inference(): return profile(create('resnet8', rng()), batch('resnet8'), repeats=8, name='resnet8')

@pytest.fixture(scope='module')
def training():
    net = small()
    return profile(net, X, Y, opt=Adam(net.parameters()), repeats=8, seed=3, name='small')

def test_every_layer_has_its_row(inference, training):
    net = create('resnet8', rng())
    assert {r.name for r in inference.rows} == {label(path, m) for path, m in walk(net)}
    assert inference.phases == ('forward',) and training.phases == PHASES
    names = [r.name for r in training.rows]
    layers = [label(p, m) for p, m in walk(small())][1:]
    assert names == ['Sequential', *layers, 'loss', 'backward', 'optimizer']
    assert set(training['Dropout'].secs) == {'forward', 'backward'}
    assert set(training['layers.1'].secs) == set(PHASES)
    assert training['loss'].backward and training['optimizer'].forward is None

def test_rows_are_those_of_the_training_callback(training):
    net, metrics = small(), PerformanceMetrics()
    fit(net, [(X, Y)], 1, Adam(net.parameters()), callbacks=[metrics], progress=False)
    assert set(metrics.table().secs) == {r.name for r in training.rows}

@pytest.mark.parametrize('which', ['inference', 'training'])
def test_a_profile_says_what_it_accounts_for(which, request):
    p = request.getfixturevalue(which)
    total = np.sum([r.total.values for r in p.rows], axis=0)
    assert p.accounted == ratio(replace(p.wall, values=total), p.wall)
    assert p.overhead == ratio(p.watched, p.wall) and p.notes == ratio(p.mine, p.watched)
    for r in p.rows:
        np.testing.assert_allclose(r.total.values, np.sum([t.values for t in r.secs.values()], axis=0))
        assert r.share == ratio(r.total, p.wall) and r.total.n == p.wall.n == 8
        assert all(t.provenance == 'measured' and t.how['run'] == p.wall.how['run'] for t in r.secs.values())
    rest = np.array(p.watched.values) - total - p.mine.values      # what no row and no note of ours explains
    assert (rest > 0).all()

def test_how_and_where_are_noted(training):
    how = training.wall.how
    assert (how['seed'], how['threads'], how['batch']) == (3, 1, 4)
    assert how['step'] == 'forward, backward, gradient step, apply'
    assert how['order'] == 'interleaved' and training.wall.env['blas_threads'] in (1, None)

def test_work_is_that_of_cost(inference):
    c = cost(create('resnet8', rng()), batch('resnet8'))
    assert sum(r.macs for r in inference.rows) == c.macs and sum(r.flops for r in inference.rows) == c.flops
    first = next(r for r in c.rows if r.path == 'layers.0')
    assert inference['layers.0'].intensity == pytest.approx(first.intensity)

def test_kinds_are_summed_round_by_round(inference):
    kinds = by_kind(inference)
    assert [r.layer for r in kinds.rows] == list(dict.fromkeys(r.layer for r in inference.rows))
    convs = [r for r in inference.rows if r.layer == 'Conv2d']
    merged = kinds['Conv2d']
    np.testing.assert_allclose(merged.forward.values, np.sum([r.forward.values for r in convs], axis=0))
    assert merged.macs == sum(r.macs for r in convs) and merged.name == f'{len(convs)} × Conv2d'
    assert kinds.accounted == inference.accounted
    np.testing.assert_allclose(np.sum([r.total.values for r in kinds.rows], axis=0),
                               np.sum([r.total.values for r in inference.rows], axis=0))

def test_views(training):
    d = json.loads(json.dumps(training.to_dict(), allow_nan=False))
    assert [row['layer'] for row in d['rows']] == [r.layer for r in training.rows]
    assert d['rows'][1]['secs']['backward'] == list(training.rows[1].backward.values)
    assert d['accounted']['lo'] == training.accounted.lo
    frame = training.to_frame().set_index('path')
    assert frame.loc['layers.0', 'macs'] == 4*6*5
    assert frame.loc['layers.0', 'backward_lo'] == training['layers.0'].backward.interval()[0]
    parts = 'A step of small', 'account for', 'n=8 rounds, at 95%', 'notes of the profiler', 'layers.4 Dense'
    for text in (repr(training), training._repr_markdown_()): assert [p for p in parts if p not in text] == []
    medians = sorted(r.total.median for r in training.rows)
    assert [r.total.median for r in training.slowest(3)] == medians[:-4:-1]

def test_a_row_that_is_not_there(training):
    with pytest.raises(KeyError, match='2 rows are called .*layers.1 BatchNorm'): training['Dense']
    with pytest.raises(KeyError, match='0 rows'): training['layers.9']

def test_what_cannot_be_profiled():
    net = small()
    with pytest.raises(TypeError, match='any callable'): profile(np.tanh, X)
    with pytest.raises(ValueError, match='need labels'): profile(net, X, loss=cross_entropy)
    with pytest.raises(ValueError, match='need labels'): profile(net, X, opt=SGD(net.parameters()))
    with pytest.raises(ValueError, match='5 rounds: at least 6'): profile(net, X, repeats=5)
    with pytest.raises(ValueError, match='layers.0|Dense'): profile(net, X[:, :5], repeats=6)

def test_layers_that_come_and_go_have_no_rows():
    a, later, b = [('a', 'forward', 0., 1.)], [('a', 'forward', 5., 8.)], [('b', 'forward', 0., 1.)]
    assert mean_secs([[a, later], [a]])['a', 'forward'].tolist() == [2., 1.]
    with pytest.raises(ValueError, match='differ from round to round'): mean_secs([[a], [b]])

def test_progress_hears_of_every_round():
    heard = []
    profile(small(), X, repeats=6, min_secs=0, progress=lambda *a: heard.append(a))
    assert heard == [(i, 6) for i in range(1, 7)]

def test_a_profile_of_mostly_watching_says_so(training):
    doubtful = replace(training, overhead=replace(training.overhead, estimate=2., lo=1.5, hi=3.))
    fine = replace(training, overhead=replace(training.overhead, estimate=1.01, lo=1., hi=1.02))
    assert 'believe only large rows' in repr(doubtful) and 'believe' not in repr(fine)

def test_shares_that_do_not_add_up_are_noticed():
    one = np.ones(30)
    hit = np.eye(3)[np.arange(30) % 3].T*9                        # each round interrupts another layer
    def hit_by(k): return profile_of([(n, one + h*k, 1, 1) for n, h in zip('abc', hit)], wall=3*one + 9*k)
    calm, busy = hit_by(0), hit_by(1)
    assert calm.accounted.estimate == busy.accounted.estimate == 1
    assert 'add up' not in repr(calm) and 'add up to 25%:' in repr(busy)


# --- traces

def as_perfetto(event):
    "Start and stop in nanoseconds as Perfetto's importer has them: a double times 1000, cut off."
    start = int(event['ts']*1000.0)
    return start, start + int(event['dur']*1000.0)

def check_trace(d):
    "The rules of the Chrome trace event format that viewers rely on, and one stack of bars."
    assert set(d) == {'traceEvents', 'displayTimeUnit', 'otherData'} and d['displayTimeUnit'] in ('ms', 'ns')
    bars = [e for e in d['traceEvents'] if e['ph'] == 'X']
    named = [e for e in d['traceEvents'] if e['ph'] == 'M']
    assert len(bars) + len(named) == len(d['traceEvents'])
    assert {e['name'] for e in named} == {'process_name', 'thread_name'}
    assert all(isinstance(e['args']['name'], str) and {'pid', 'tid', 'ts', 'cat'} < set(e) for e in named)
    for e in bars:
        assert set(e) == {'name', 'cat', 'ph', 'ts', 'dur', 'pid', 'tid', 'args'}
        assert isinstance(e['name'], str) and isinstance(e['cat'], str) and isinstance(e['args'], dict)
        assert isinstance(e['pid'], int) and isinstance(e['tid'], int) and e['ts'] >= 0 and e['dur'] >= 0
    times, pile = [as_perfetto(e) for e in bars], []
    assert [start for start, _ in times] == sorted(start for start, _ in times) and times[0][0] == 0
    inside = [0]*len(bars)
    for i, (start, stop) in enumerate(times):
        while pile and times[pile[-1]][1] <= start: pile.pop()
        if pile:
            assert stop <= times[pile[-1]][1], f'{bars[i]["name"]} sticks out of {bars[pile[-1]]["name"]}'
            inside[pile[-1]] += stop - start
        pile.append(i)
    own = [stop - start - held for (start, stop), held in zip(times, inside)]
    assert min(own) >= 0 and sum(own) == times[0][1]           # nothing counted twice, nothing lost
    return bars

@pytest.mark.parametrize('which', ['inference', 'training'])
def test_a_saved_trace_is_valid_and_adds_up(which, request, tmp_path):
    p = request.getfixturevalue(which)
    path = p.save_trace(tmp_path/'a trace.json')
    assert [f.name for f in tmp_path.iterdir()] == ['a trace.json']
    d = json.loads(path.read_text(encoding='utf-8'), parse_constant=pytest.fail)
    bars = check_trace(d)
    assert bars[0]['name'] == WHOLE and {e['name'] for e in bars} == {r.name for r in p.rows} | {WHOLE}
    assert {e['cat'] for e in bars} == {'step', *p.phases} and MINE not in path.read_text()
    root = next(e for e in bars if e['name'] == 'Sequential')
    held = [e for e in bars if e['cat'] == 'forward' and e['name'].startswith('layers.')]
    assert all(root['ts'] < e['ts'] and e['ts'] + e['dur'] <= root['ts'] + root['dur'] for e in held)
    conv = next(e for e in bars if e['name'].startswith('layers.0 '))
    assert conv['args']['macs'] == p['layers.0'].macs
    assert d['otherData']['how']['batch'] == p.wall.how['batch']

@given(st.integers(0, 10**15))
def test_microseconds_survive_being_cut_off(ns):
    assert int(us(ns)*1000.0) == round(us(ns)*1000) == ns

@given(trees(), st.floats(0, 1e6), st.floats(1e-8, 1e-2))
def test_any_spans_make_a_valid_trace(tree, at, step):
    spans = [Span(s.name, s.phase, at + step*s.start, at + step*s.stop) for s, _ in tree]
    events = trace_events(spans)
    about = dict(ph='M', cat='', ts=0, pid=1, tid=1, args=dict(name='x'))
    names = [dict(about, name=f'{k}_name') for k in ('process', 'thread')]
    check_trace(dict(traceEvents=names + events, displayTimeUnit='ns', otherData={}))
    assert sorted(e['name'] for e in events) == sorted(s.name for s in spans)

def test_a_trace_that_cannot_be_written_or_made(training, tmp_path):
    with pytest.raises(OSError, match='in the folder'): training.save_trace(tmp_path/'no'/'such.json')
    with pytest.raises(ValueError, match='no spans'): by_kind(training).save_trace(tmp_path/'x.json')
    assert not list(tmp_path.iterdir())


# --- roofs

@given(st.floats(1e-3, 1e3), st.floats(1., 1e12), st.floats(1., 1e12))
def test_attainable_is_the_slower_of_both(intensity, peak, bandwidth):
    got = attainable(intensity, peak, bandwidth)
    assert got == min(peak, bandwidth*intensity)
    assert attainable([intensity, 2*intensity], peak, bandwidth)[0] == got

def ceiling(value, unit, **how):
    return BenchmarkResult('ceiling', 'rate', unit, value*np.linspace(.99, 1.01, 9), 'measured', how)

PEAK, COPY = ceiling(1e9, 'FLOP/s'), ceiling(1e8, 'B/s', cache=1000)

NINE = np.linspace(.99, 1.01, 9)

def profile_of(rows, env=None, wall=NINE):
    "A profile with rows (name, seconds a round, flops, bytes)."
    how = dict(order='interleaved', run='r', threads=1, step='forward', batch=1)
    wall = BenchmarkResult('net', 'latency', 's', wall, 'measured', how, env)
    made = [layer_row(name, 'Layer', {'forward': np.ones(wall.n)*secs}, wall, (flops//2, flops, nbytes))
            for name, secs, flops, nbytes in rows]
    total = replace(wall, values=np.sum([r.total.values for r in made], axis=0))
    return Profile('net', made, wall, wall, ratio(total, wall), ratio(wall, wall), wall)

def test_points_stand_where_they_belong():
    rows = [('slope', 1e-3*NINE, 10_000, 10_000), ('flat', 1e-3*NINE, 500_000, 1000), ('idle', 1e-6, 0, 4000)]
    r = roofline(profile_of(rows), PEAK, COPY)
    slope, flat = r.points
    assert r.ridge == pytest.approx(10) and r.skipped == ('idle Layer',) and not r.above
    assert slope.memory_bound and slope.bound == pytest.approx(1e8) and slope.rate == pytest.approx(1e7)
    assert not flat.memory_bound and flat.bound == 1e9 and flat.rate/flat.bound == pytest.approx(.5)
    assert slope.lo < slope.rate < slope.hi and slope.least_secs == pytest.approx(1e-4)
    assert 'No arithmetic, so no point: idle Layer' in repr(r) and 'Above' not in repr(r)

def test_a_layer_above_its_roof_is_shown_and_explained():
    rows = [('cached', 1e-6, 1000, 1000), ('large', 1e-5, 10_000, 10_000), ('quick', 1e-6, 5000, 10)]
    r = roofline(profile_of(rows), PEAK, COPY)
    assert [p.above for p in r.points] == [True]*3
    assert all(p.rate > p.bound for p in r.points)                        # not clipped
    why = '(above)', 'fit into a cache', 'in part in a cache', 'best product of the sweep'
    assert [w for w in why if w not in repr(r)] == []
    both = roofline(profile_of([(n, 1e-6, 1000, 1000) for n in 'ab']), PEAK, COPY)
    assert 'Above the roof: a Layer, b Layer (their bytes' in repr(both)
    barely = roofline(profile_of([('barely', 1e-5/1.005, 1000, 1000)]), PEAK, COPY).points[0]
    assert barely.rate > barely.bound and not barely.above                # within the ceilings' own interval

def test_ceilings_of_another_machine_are_refused():
    elsewhere = environment() | dict(cpu='another')
    p = profile_of([('a', 1., 1, 1)], elsewhere)
    with pytest.raises(ValueError, match='different environments, see env: cpu'): roofline(p, PEAK, COPY)
    threads = replace(COPY, env=COPY.env | dict(blas_threads=64))
    with pytest.raises(ValueError, match='blas_threads'): roofline(cost(small(), X), PEAK, threads)

def test_a_step_of_training_has_no_roof(training):
    with pytest.raises(ValueError, match='without labels'): roofline(training, PEAK, COPY)

def test_a_cost_alone_has_bounds_and_no_rates():
    r = roofline(cost(small(), X), PEAK, COPY)
    assert {p.name for p in r.points} >= {'layers.0', 'layers.4'}
    assert all(np.isnan(p.rate) and not p.above and p.least_secs > 0 for p in r.points)
    assert 'not timed' in repr(r)
    assert json.loads(json.dumps(r.to_dict(), allow_nan=False))['points'][0]['rate'] is None

def test_measured_ceilings_are_records():
    peak, copy = gemm_rate((16, 32), 6, min_secs=1e-4), copy_bandwidth(2**16, 6)
    assert (peak.unit, copy.unit) == ('FLOP/s', 'B/s') and {peak.provenance, copy.provenance} == {'measured'}
    assert peak.n == copy.n == 6 and peak.median == pytest.approx(max(peak.how['medians'].values()))
    assert set(peak.how['medians']) == {'16', '32'}
    assert (copy.how['array_bytes'], copy.how['counted']) == (2**16, 'read and written')
    r = roofline(profile(small(), X, repeats=6), peak, copy)
    assert isinstance(r, Roofline) and len(r.points) == len(r.to_frame()) == 4   # Dropout does nothing here
    assert 'GFLOP/s' in r._repr_markdown_() and 'GB/s' in repr(r)

def test_copies_are_well_beyond_the_cache(monkeypatch):
    cache = last_level_cache()
    assert cache is None or cache >= 2**15
    monkeypatch.setattr(profiler, 'last_level_cache', lambda: 2**20)
    assert copy_bandwidth(repeats=6).how['array_bytes'] == 2**26
    monkeypatch.setattr(profiler, 'last_level_cache', lambda: 2**26)
    assert copy_bandwidth(repeats=6).how['array_bytes'] == 2**27


# --- bytes, seconds, counts

@pytest.mark.parametrize('name', SHAPES)
def test_memory_is_three_records(name):
    net, x = create(name, rng()), batch(name)
    got, c = measure_memory(net, x, name), cost(net, x)
    assert list(got) == ['weights', 'peak activations', 'allocated peak'] == [r.metric for r in got.values()]
    assert [r.provenance for r in got.values()] == ['modelled', 'modelled', 'measured']
    assert got['weights'].values == (sum(a.nbytes for a in net.state_dict().values()),)
    assert got['peak activations'].values == (c.peak_bytes,)
    peak = got['allocated peak']
    assert peak.n == 1 and peak.unit == 'B' and abs(peak.how['again'] - peak.median) <= .02*peak.median + 4096
    assert peak.median >= net.eval()(x).data.nbytes and net.training is False

def test_allocated_memory_grows_with_the_batch():
    net = create('ds_cnn', rng())
    one, many = (measure_memory(net, batch('ds_cnn', n))['allocated peak'].median for n in (4, 32))
    assert 6 < many/one < 9

@pytest.mark.parametrize('on', [False, True])
def test_tracemalloc_is_left_as_it_was(on):
    def fails(): raise KeyError('no')
    if on: tracemalloc.start()
    try:
        assert 80_000 <= allocated_peak(lambda: np.ones(10_000)) < 90_000
        assert allocated_peak(lambda: (np.ones(10_000), np.ones(10_000))) >= 160_000
        with pytest.raises(KeyError): allocated_peak(fails)
        assert tracemalloc.is_tracing() == on
    finally: tracemalloc.stop()

def test_latency_is_a_sample_in_evaluation_mode():
    modes = []
    class Looks(Module):
        def forward(self, x):
            modes.append(self.training)
            return x
    net = Looks()
    r = measure_latency(net, X, 7, name='looks', min_secs=1e-4)
    assert (r.name, r.metric, r.unit, r.n) == ('looks', 'latency', 's', 7)
    assert (r.how['batch'], r.how['threads']) == (4, 1)
    assert r.provenance == 'measured' and not any(modes) and net.training and len(modes) >= 8*r.how['inner']
    for f in (measure_latency, measure_memory):
        with pytest.raises(TypeError, match='any callable'): f(len, X)

def test_profiler_gathers_it_all():
    p, net = Profiler(repeats=6, seed=5), small()
    assert p.count_parameters(net) == 6*5 + 5 + 10 + 5*3 + 3 and p.count_flops(net, X) == cost(net, X).flops
    assert p.count_flops(net, X) == p.count_flops(net, X.shape)
    assert p.measure_latency(net, X).n == 6 and p.measure_latency(net, X, 9, name='small').n == 9
    assert set(p.measure_memory(net, X)) == {'weights', 'peak activations', 'allocated peak'}
    got = p.profile(net, X, Y, name='small')
    assert (got.name, got.wall.n, got.wall.how['seed']) == ('small', 6, 5)
    assert got.phases == ('forward', 'backward')
    assert p.profile(net, X, repeats=7).wall.n == 7

def test_names_change_no_number():
    a, b = (profile(small(), X, Y, repeats=6, name=name) for name in ('efficient', 'slow'))
    assert [(r.name, r.macs, r.nbytes) for r in a.rows] == [(r.name, r.macs, r.nbytes) for r in b.rows]

def test_a_context_that_fails_inside_is_put_back():
    net = small()
    before = net.state_dict()
    with pytest.raises(KeyError), untouched(net):
        net[0].w.data[:] = 7
        raise KeyError
    for k, v in net.state_dict().items(): np.testing.assert_array_equal(v, before[k])

def test_save_trace_is_the_method_too(training, tmp_path):
    one, two = save_trace(training, tmp_path/'t.json'), training.save_trace(tmp_path/'u.json')
    assert one.read_text() == two.read_text()
