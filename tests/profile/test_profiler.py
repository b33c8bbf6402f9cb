"profile.profiler: time charged once, steps unchanged by being heard, and the times of a training run."
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from profilekit import SHAPES, X, Y, batch, profile_of, rng, small, trees
from tinybench.core.ops import Op
from tinybench.core.tensor import Tensor, apply, listener
from tinybench.measure.pairs import ratio
from tinybench.models.zoo import create
from tinybench.nn.pool import ConvReluPool2d
from tinybench.nn.dense import Dense, Dropout, Flatten, Sigmoid
from tinybench.nn.loss import cross_entropy
from tinybench.nn.module import Module, Sequential, walk
from tinybench.nn.norm import BatchNorm
from tinybench.nn.optim import SGD, Adam
from tinybench.nn.train import Callback, fit
from tinybench.profile import profiler
from tinybench.profile.cost import cost
from tinybench.profile.profiler import (
    MINE, PHASES, WHOLE, PerformanceMetrics, Recorder, Span, by_kind, label, layer_secs, mean_secs, one_step,
    own_secs, profile, untouched)


# --- spans

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


# --- a training run

IMAGES = rng(0).normal(size=(200, 6, 6, 1)).astype('f')
LABELS = (IMAGES.mean((1, 2, 3)) > 0).astype(int)
DATA = [(IMAGES[i:i+32], LABELS[i:i+32]) for i in range(0, 200, 32)]
def conv_net(seed=0):
    g = rng(seed)
    return Sequential(ConvReluPool2d(1, 4, 3, g), BatchNorm(4), Flatten(), Dropout(.2, g), Dense(16, 8, g), Sigmoid(), Dense(8, 2, g))

def test_watching_changes_nothing():
    a, b = conv_net(), conv_net()
    fit(a, DATA, 3, Adam(a.parameters(), max_norm=.5)); fit(b, DATA, 3, Adam(b.parameters(), max_norm=.5), callbacks=[PerformanceMetrics()])
    assert all((p.data == q.data).all() for p, q in zip(a.parameters(), b.parameters()))

def test_the_times_add_up():
    net, metrics = conv_net(), PerformanceMetrics()
    fit(net, DATA, 3, Adam(net.parameters()), valid=[(IMAGES, LABELS)], callbacks=[metrics])
    t = metrics.table()
    assert t.n_batches == 21 and t.n_epochs == 3 and t.provenance == 'measured'
    assert set(t.secs) == {f'layers.{i} {type(m).__name__}' for i, m in enumerate(net)} | {'Sequential', 'loss', 'backward', 'optimizer'}
    assert all(v >= 0 for row in t.secs.values() for v in row.values())
    assert all(t.secs[k]['gradient step'] > 0 and t.secs[k]['apply'] > 0 for k in t.secs if k.split()[-1] in ('Dense', 'BatchNorm', 'ConvReluPool2d'))
    assert 0 < t.accounted <= 1 and 0 < t.eval_s < t.epoch_s and t.rest_s > 0
    assert f'{t.accounted:.1%}' in repr(t) and 'gradient step (ms)' in t._repr_markdown_()

def test_a_broken_epoch_does_not_count():
    class Crash(Callback):
        def after_step(self, run):
            if run.step == 10: raise KeyboardInterrupt
    net, metrics = conv_net(), PerformanceMetrics()
    with pytest.raises(KeyboardInterrupt): fit(net, DATA, 3, Adam(net.parameters()), callbacks=[metrics, Crash()])
    t = metrics.table()
    assert (t.n_epochs, t.n_batches) == (1, 7) and t.accounted <= 1 and t.rest_s > 0

def test_nan_stops_a_timed_run_before_the_weights_move():
    net, metrics = conv_net(), PerformanceMetrics()
    opt, bad = Adam(net.parameters()), [(IMAGES*np.float32('nan'), LABELS)]
    before = opt.w.copy()
    with pytest.raises(FloatingPointError, match=r'the loss is nan at step 1 \(epoch 1\)'), np.errstate(invalid='ignore'):
        fit(net, bad, 2, opt, callbacks=[metrics])
    assert (opt.w == before).all() and listener() is None
