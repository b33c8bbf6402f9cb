"tasks.rules: what the closed division allows is accepted in any combination, each cheat is named with its place; records that hold."
import copy, json, math, random
import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from tinybench.backends.base import as_model
from tinybench.bench.ablation import FineTune
from tinybench.cli.compliance import (compliance_dict, compliance_html, compliance_markdown, load_compliance,
                                      save_compliance)
from tinybench.data.loader import Loader
from tinybench.data.source import load_digits
from tinybench.models.zoo import SHAPES, create, simple_cnn
from tinybench.nn.channels import DepthwiseConv2d
from tinybench.nn.conv import Conv2d
from tinybench.nn.dense import Dense, Dropout, Flatten, ReLU, Residual, Tanh
from tinybench.nn.module import Module, Parameter, Sequential, walk
from tinybench.nn.norm import BatchNorm, LayerNorm
from tinybench.nn.optim import Adam
from tinybench.nn.pool import MaxPool2d
from tinybench.nn.train import fit
from tinybench.optimize.channels import thin
from tinybench.optimize.fuse import channels_first, fold, fuse
from tinybench.optimize.integer import IntegerDense, integer
from tinybench.optimize.lowrank import lowrank
from tinybench.optimize.prune import pack_n_m, prune, sparse
from tinybench.optimize.quantize import clustered, fake, int4, int8
from tinybench.optimize.step import answers_of, bfloat16, clone, float16, float64, strip
from tinybench.tasks.rules import (allowed, channel_steps, check_closed, fraction_bits, generate_compliance_report, largest_step,
                                   nearest_in, step_range, traces)
from tinybench.tasks.run import TinyMLPerf
from tinybench.tasks.task import TASKS, Examples, quality_from
from taskkit import SHAPE, SHORT, SYSTEM, as_if_long, net, oracle, pictures, report_on

INPUT = 12, 12, 3
X = np.random.default_rng(9).normal(size=(24, *INPUT)).astype(np.float32)

def drawn(seed=0):
    "Each kind of layer that a step folds, fuses or encodes; norms with moments as a trained network has them."
    q = np.random.default_rng(seed)
    def conv(c, f, k, **how): return [Conv2d(c, f, k, q, padding='same', **how), BatchNorm(f)]
    body = Sequential(*conv(8, 16, 3), ReLU(), *conv(16, 16, 3))
    made = Sequential(*conv(3, 8, 3), ReLU(), MaxPool2d(2), DepthwiseConv2d(8, 3, q, padding='same'), BatchNorm(8), ReLU(),
                      Residual(body, Conv2d(8, 16, 1, q)), ReLU(), Dropout(.5, q), Flatten(), Dense(6*6*16, 20, q, bias=False), Tanh(),
                      Dense(20, 5, q))
    for _, m in walk(made):
        if isinstance(m, BatchNorm):
            m.mean[:], m.var[:] = q.normal(size=m.n)*.1, q.uniform(.5, 2, m.n)
            m.gamma.data[:], m.beta.data[:] = q.uniform(.5, 1.5, m.n), q.normal(size=m.n)*.1
    return made.eval()

@pytest.fixture(scope='module')
def reference(): return drawn()

def rules_of(c): return {f.rule for f in c.findings}
def paths_of(c): return {f.path for f in c.findings}
def per_tensor(net): return int8(net, per_channel=False)
def faked(net): return fake(net, X)
def faked_per_tensor(net): return fake(net, X, per_channel=False)
def integers(net): return integer(net, X)
def integers_per_tensor(net): return integer(net, X, per_channel=False)


# --- what is allowed, in combinations

FORMS = dict(as_is=lambda n: n, strip=strip, fold=lambda n: fold(strip(n)), fuse=lambda n: fuse(fold(strip(n))),
             planes=lambda n: channels_first(fold(strip(n))), planes_fused=lambda n: channels_first(fuse(fold(strip(n)))))
CODES = dict(floats=lambda n: n, int8=int8, per_tensor=per_tensor, int4=int4, float16=float16, bfloat16=bfloat16, float64=float64,
             clustered=clustered)
FOLDED = dict(fake=faked, fake_per_tensor=faked_per_tensor, integer=integers, integer_per_tensor=integers_per_tensor)

@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('code', [*CODES, *FOLDED])
def test_what_the_closed_division_allows_is_accepted(reference, form, code):
    if code in FOLDED and form in ('as_is', 'strip'): form = 'fold'    # `fake` refuses a BatchNorm
    if code == 'clustered': reference = big()                          # in a small layer a table says nothing
    given = (CODES | FOLDED)[code](FORMS[form](reference))
    c = check_closed(reference, given, X)
    assert c.holds, c
    assert c.off < (.05 if code in FOLDED else 1e-5) and all(q.traces[:2] == (0, 0) for q in c.compared)

def big():
    "A network each of whose layers has at least 64 weights, four for each value of a table."
    q = np.random.default_rng(3)
    return Sequential(Conv2d(3, 8, 3, q), BatchNorm(8), ReLU(), Flatten(), Dense(800, 5, q)).eval()

def test_zeros_of_the_reference_may_be_used():
    ref = prune(drawn(), .6)
    for used in (sparse(ref), int8(ref), sparse(fold(strip(ref)))): assert check_closed(ref, used, X).holds
    four = Sequential(Flatten(), Dense(64, 8, np.random.default_rng(0)))
    four[1].w.data[::2] = 0
    assert check_closed(four, pack_n_m(four), np.ones((2, 64), np.float32)).holds

@settings(max_examples=4)
@given(st.integers(0, 10**6))
def test_any_drawn_network_is_its_own_quantization(seed):
    ref = drawn(seed)
    for step in (int8, per_tensor, int4, float16):
        assert check_closed(ref, step(ref), X[:4]).holds
        assert check_closed(ref, step(fold(strip(ref))), X[:4]).holds
    assert check_closed(ref, integer(fold(strip(ref)), X), X[:4]).holds


# --- what is not: each cheat, its rule and its place

def changed(ref, path, name='w', f=lambda a: a):
    "A copy in which `f` made another array of one layer."
    new = clone(ref)
    m = dict(walk(new))[path]
    a = getattr(m, name)
    if isinstance(a, Parameter): a.data = f(a.data.copy()).astype(a.data.dtype)
    else: setattr(m, name, f(a.copy()).astype(a.dtype))
    return new

def noisy(a): return a + np.random.default_rng(1).normal(size=a.shape)*.02*np.abs(a).max()
def cut(a): return np.where(np.abs(a) < np.quantile(np.abs(a), .3), 0, a)
WEIGHTED = 'layers.0', 'layers.4', 'layers.7.body.layers.0', 'layers.7.body.layers.3', 'layers.7.shortcut', 'layers.11', 'layers.13'
ENCODE = dict(floats=lambda n: n, int8=int8, per_tensor=per_tensor, float16=float16, folded_int8=lambda n: int8(fold(strip(n))),
              fused_int8=lambda n: int8(fuse(fold(strip(n)))), integer=lambda n: integer(fold(strip(n)), X))

@pytest.mark.parametrize('encode', ENCODE)
@pytest.mark.parametrize('cheat, rule', [(noisy, 'retrained'), (cut, 'pruned')])
@pytest.mark.parametrize('path', WEIGHTED)
def test_a_cheat_in_one_layer_is_found_there(reference, path, cheat, rule, encode):
    c = check_closed(reference, ENCODE[encode](changed(reference, path, f=cheat)), X)
    assert not c.holds and {rule} <= rules_of(c) <= {rule, 'pruned'}, c     # noise, rounded, makes zeros too
    assert len(paths_of(c)) == 1 and c.findings[0].path.endswith('.w')
    if encode in ('floats', 'int8', 'per_tensor', 'float16'): assert paths_of(c) == {f'{path}.w'}
    assert f'{max(q.traces[rule == "pruned"] for q in c.compared):,} of' in c.findings[0].words

@pytest.mark.parametrize('path, name', [('layers.0', 'b'), ('layers.13', 'b'), ('layers.1', 'gamma'), ('layers.1', 'beta'),
                                        ('layers.7.body.layers.1', 'mean'), ('layers.7.body.layers.1', 'var')])
@pytest.mark.parametrize('encode', ENCODE)
def test_one_number_outside_of_the_weights_is_found(reference, path, name, encode):
    def f(a):
        a[0] += .05
        return a
    c = check_closed(reference, ENCODE[encode](changed(reference, path, name, f)), X)
    assert rules_of(c) == {'retrained'}, c

@settings(max_examples=15)
@given(st.sampled_from(WEIGHTED), st.integers(0, 10**6), st.sampled_from([-1, 1]), st.booleans())
def test_one_code_that_is_off_by_one_is_found(path, at, by, per_channel):
    ref = drawn()
    given = int8(ref, per_channel)
    m = dict(walk(given))[path]
    codes = m.code.astype(int).ravel()
    i = at % codes.size
    assume(-127 <= codes[i] + by <= 127)
    codes[i] += by
    m.code = codes.reshape(m.code.shape).astype(np.int8)
    c = check_closed(ref, given, X[:2])
    kind = 'pruned' if codes[i] == 0 else 'retrained'
    assert [(f.rule, f.path) for f in c.findings] == [(kind, f'{path}.w')] and '1 of' in c.findings[0].words

@pytest.mark.parametrize('what', ['code', 'multiplier', 'bias'])
def test_one_number_of_an_integer_network_is_found(reference, what):
    given = integer(fold(strip(reference)), X)
    m = [m for _, m in walk(given) if isinstance(m, IntegerDense)][1]
    if what == 'code':
        m.w = m.w.copy()
        m.w[0, 0, 0] += 1 if m.w[0, 0, 0] < 100 else -1
    elif what == 'multiplier': m.rest[5 + m.w.shape[-1]:].view(np.float32)[2] *= 1.03
    else: m.rest[5] += 2000
    assert 'retrained' in rules_of(check_closed(reference, given, X))

def test_a_factor_of_a_whole_integer_layer_shows_in_the_outputs_only(reference):
    for by, holds in ((1.5, False), (1.01, True)):                  # the second is a limit of the method
        given = integer(fold(strip(reference)), X)
        m = [m for _, m in walk(given) if isinstance(m, IntegerDense)][1]
        m.rest[5 + m.w.shape[-1]:].view(np.float32)[:] *= by
        c = check_closed(reference, given, X)
        assert c.holds == holds and rules_of(c) <= {'computes'}

@pytest.mark.parametrize('name', ['ds_cnn', 'resnet8', 'fc_autoencoder'])
def test_the_networks_of_the_tasks(name):
    r = np.random.default_rng(0)
    ref, x = create(name, r).eval(), r.normal(size=(4, *SHAPES[name])).astype(np.float32)
    for step in (int8, lambda n: integer(n, x)): assert check_closed(ref, step(fold(strip(ref))), x).holds
    assert rules_of(check_closed(ref, int8(prune(fold(strip(ref)), .1, 'layer')), x)) == {'pruned'}

def test_no_weight_is_too_small_to_be_pruned_unless_it_is_dust():
    ref = big()
    for share, holds in ((.5, False), (2.**-13, False), (2.**-18, True)):
        def f(a):
            a[0, 0] = share*np.abs(a).max()
            return a
        here = changed(ref, 'layers.4', f=f)
        def zero(a):
            a[0, 0] = 0
            return a
        c = check_closed(here, changed(here, 'layers.4', f=zero), X)
        assert c.holds == holds and (holds or rules_of(c) == {'pruned'})

def test_layers_and_channels_that_are_missing(reference):
    c = check_closed(reference, thin(reference, INPUT, .5), X)
    assert rules_of(c) == {'channels'} and 'shape' in c.findings[0].words and c.off is None
    ref = big()
    assert rules_of(check_closed(ref, lowrank(ref, rank=3), X)) == {'layers'}
    assert rules_of(check_closed(ref, Sequential(*ref[:3], Flatten()), X)) == {'layers'}
    assert rules_of(check_closed(ref, Sequential(ref[0], LayerNorm(8), *ref[2:]), X)) <= {'layers', 'retrained', 'other layer', 'channels'}
    assert not check_closed(ref, Sequential(ref[0], LayerNorm(8), *ref[2:]), X).holds

def test_a_norm_that_the_reference_has_not():
    q = np.random.default_rng(0)
    ref = Sequential(Flatten(), Dense(12, 4, q))
    c = check_closed(ref, Sequential(*ref, BatchNorm(4)), np.ones((2, 3, 4, 1), np.float32))
    assert rules_of(c) == {'other layer'} and 'gamma' in c.findings[0].words

def test_a_bias_that_is_not_there_is_zero():
    q, x = np.random.default_rng(0), np.ones((2, 12), np.float32)
    bare = Sequential(Dense(12, 4, q, bias=False))
    full = Sequential(Dense(12, 4, q))
    full[0].w = bare[0].w
    assert check_closed(bare, full, x).holds and check_closed(full, bare, x).holds
    full[0].b.data[1] = .3
    assert rules_of(check_closed(bare, full, x)) == {'retrained'} and rules_of(check_closed(full, bare, x)) == {'pruned'}

def test_a_network_that_computes_otherwise_with_the_same_weights(reference):
    no_relu = Sequential(*[m for m in fold(strip(reference)) if not isinstance(m, ReLU)])
    c = check_closed(reference, no_relu, X)
    assert rules_of(c) == {'computes'} and c.off > .1
    slower = Sequential(*reference[:3], *reference[4:])                # without its pool: the next shape does not fit
    assert rules_of(check_closed(reference, slower, X)) == {'computes'}

class Memo(Module):
    "Looks answers up."
    def __init__(self, inside): self.inside, self.seen = inside, {}
    def forward(self, x): return self.inside(x)

def test_a_layer_that_is_not_known(reference):
    c = check_closed(reference, Sequential(Memo(fold(strip(reference)))), X)
    assert rules_of(c) == {'other layer'} and 'Memo' in c.findings[0].words and c.findings[0].path == 'layers.0'

def test_outputs_that_are_not_finite(reference):
    ref = big()
    worse = changed(ref, 'layers.4', 'b', lambda a: np.full_like(a, np.nan))
    c = check_closed(ref, worse, X)
    assert not c.holds and c.off is None and json.dumps(c.off) == 'null'

def test_real_training_is_found_and_the_test_set_does_not_see_it():
    d, rng = load_digits(), np.random.default_rng(0)
    ref = simple_cnn(rng, width=4)
    fit(ref, Loader(d.x_train, d.y_train, rng=rng), 2, Adam(ref.parameters(), .003), progress=False)
    more, x = FineTune(d, epochs=1)(ref), d.x_test[:32]
    def right(n): return (answers_of(n, d.x_test).argmax(1) == d.y_test).mean()
    assert check_closed(ref, int8(fold(strip(ref))), x).holds
    assert right(int8(fold(strip(more)))) > right(ref) - .02
    assert rules_of(check_closed(ref, int8(fold(strip(more))), x)) >= {'retrained'}
    assert rules_of(check_closed(ref, prune(more, .3), x)) >= {'retrained'}
    assert rules_of(check_closed(ref, integer(fold(strip(more)), d.x_train[:64]), x)) >= {'retrained'}
    assert rules_of(check_closed(ref, int8(prune(fold(strip(ref)), .3)), x)) == {'pruned'}


# --- the parts

def test_steps_of_channels_and_of_whole_arrays():
    r = np.random.default_rng(0)
    codes = r.integers(-127, 128, (20, 4))
    codes[0], codes[:, 3] = 127, 0
    steps = channel_steps((codes*np.float32([.1, .2, .3, 1])).astype(np.float32))
    assert steps[:3] == pytest.approx([.1, .2, .3], rel=1e-5) and steps[3] == 0
    codes[1, 3] = 1
    assert np.all(channel_steps((codes*np.float32(.5)).astype(np.float32)) >= .5 - 1e-6)
    assert channel_steps(np.float32([.5, 1, .25])) == .25 and channel_steps(r.normal(size=(2, 50))) == 0

@given(st.integers(0, 22), st.integers(0, 10**6))
def test_fraction_bits_are_those_that_are_used(bits, seed):
    m = np.random.default_rng(seed).integers(0, 2**bits, 20)
    v = np.ldexp(1 + np.append(m, 1)/2.**bits, np.random.default_rng(seed).integers(-30, 30, 21)).astype(np.float32)
    assert fraction_bits(v) == bits and fraction_bits(-v) == bits and fraction_bits(np.append(v, 0)) == bits
def test_fraction_bits_of_nothing(): assert fraction_bits(np.zeros(3)) == 0 and fraction_bits(np.float32([1, 2, .5])) == 0

@given(st.integers(0, 10**6))
def test_nearest_in_is_nearest(seed):
    r = np.random.default_rng(seed)
    known, w = np.unique(r.normal(size=r.integers(2, 9))), r.normal(size=(3, 4))
    assert nearest_in(known, w) == pytest.approx(np.abs(w[..., None] - known).min(-1))

@given(st.integers(0, 10**6), st.integers(2, 8))
def test_the_two_ways_to_find_a_step_agree(seed, bits):
    r = np.random.default_rng(seed)
    w = r.normal(size=60)
    step = np.abs(w).max()/(2**(bits - 1) - 1)
    codes = np.rint(w/step)
    found, (lo, hi) = largest_step((codes*step).astype(np.float32)), step_range(w, codes)
    assert lo <= step*(1 + 1e-9) and step <= hi*(1 + 1e-9)
    assert round(found/step) >= 1 and found/step == pytest.approx(round(found/step), rel=1e-4)

def test_the_official_int8_networks(reference_dir):
    "Three are the float networks, rounded; that of keyword spotting is not: it is from another training."
    for name, honest in (('ic', True), ('vww', True), ('ad', True), ('kws', False)):
        z, found, n = np.load(reference_dir/f'{name}.npz'), np.zeros(3, int), 0
        for layer in sorted({k.split('/')[1] for k in z.files if k.startswith('int8/') and k.endswith('/w')}):
            codes, scale, w = (z[k] for k in (f'int8/{layer}/w', f'int8/{layer}/w_scale', f'float/{layer}/w'))
            if len(codes) > 1: codes, w = np.moveaxis(codes, 0, -1), np.moveaxis(w, 0, -1)     # outputs last
            limit, _ = allowed(w, (codes*scale).astype(np.float32))
            found += traces(w, (codes*scale).astype(np.float32), limit)
            n += w.size
            lo, hi = step_range(w/scale, codes)
            assert (lo <= hi*(1 + 1e-5)) == honest, (name, layer)
        z.close()
        assert (found[:2].sum() == 0) == honest
        if name == 'vww': assert found[2] > n/2            # rounded to 0, and allowed
        if not honest: assert found[0] > .9*n


# --- divisions, entries, records

def test_the_status_of_an_entry():
    n = net()
    for c, want in ((report_on(n), 'not valid'), (report_on(n, division='open'), 'not valid'), (report_on(n, references={}), 'refused'),
                    (report_on(n, references=dict(ic01=net(1))), 'refused'), (report_on(n, rules=None), 'not valid'),
                    (report_on(n, division='open', references={}), 'not valid')):
        assert c.status() == dict(ic01=want) and c.entries[0].reasons(c.division)
    good = pictures(200)
    for division, model, want in (('closed', oracle(good), 'pass'), ('open', oracle(good), 'reported'), ('closed', n, 'fail'),
                                  ('open', n, 'reported')):
        c = as_if_long(report_on(model, good, division=division))
        assert c.status() == dict(ic01=want) and not c.entries[0].reasons(division), c

def test_a_model_that_fails_or_remembers_is_invalid_in_both_divisions():
    class Remembers:
        def __init__(self, inner): self.inner, self.last, self.out = inner, None, None
        def __call__(self, x):
            if self.last is None or not np.array_equal(x, self.last):
                self.last, self.out = x.copy(), answers_of(self.inner, np.repeat(x, 200, 0))[:len(x)]
            return self.out
    def lost(x): return np.full((len(x), 10), np.nan, np.float32)
    for division in ('closed', 'open'):
        c = report_on(as_model('m', lost, SHAPE), division=division)
        assert c.status() == dict(ic01='invalid') and 'NaN' in c.entries[0].reasons(division)[0]
        c = report_on(as_model('m', Remembers(net()), SHAPE), division=division)
        assert c.status() == dict(ic01='invalid') and 'remembers' in c.entries[0].reasons(division)[0]
    c = report_on(as_model('m', lambda x: answers_of(net(), x), SHAPE))
    assert c.status() == dict(ic01='refused') and 'cannot be seen' in c.entries[0].reasons('closed')[0]
    other = as_model('m', lambda x: answers_of(net(1), x), SHAPE, source=net())     # it shows one network and asks another
    c = report_on(other, references=dict(ic01=net()))
    assert c.status() == dict(ic01='refused') and 'another function' in c.entries[0].reasons('closed')[0]

def test_a_task_without_examples_has_no_data():
    run = TinyMLPerf(dict(ic01=net()), {}, rules=SHORT)
    c = generate_compliance_report(run, run.run(False), division='closed', org='us', system=SYSTEM, references=dict(ic01=net()))
    assert c.status() == dict(ic01='no data') and c.entries[0].check is None

def test_a_model_that_answers_otherwise_the_second_time():
    class Tires:
        "Says another digit after thirty calls; there are more and fewer of the two."
        calls = 0
        def __call__(self, x):
            self.calls += 1
            return np.eye(10, dtype=np.float32)[np.full(len(x), most if self.calls < 30 else least)]
    counts = np.bincount(pictures().y, minlength=10)
    most, least = counts.argmax(), counts.argmin()
    c = report_on(as_model('tires', Tires(), SHAPE), division='open')
    assert c.status() == dict(ic01='invalid') and 'otherwise' in c.entries[0].reasons('open')[0]

def test_anomaly_scores_are_of_clips(tmp_path):
    r = np.random.default_rng(0)
    x = r.normal(size=(30, 640)).astype(np.float32)
    clip = np.repeat(np.arange(10), 3)
    e = Examples('clips', x*np.where(clip < 6, 1, 2)[:, None].astype(np.float32), (np.arange(10) >= 6).astype(int), clip=clip)
    m = Sequential(Dense(640, 640, r)).eval()
    run = TinyMLPerf(dict(ad01=m), dict(ad01=e), rules=SHORT)
    c = generate_compliance_report(run, run.run(False), division='closed', org='us', system=SYSTEM, references=dict(ad01=m))
    assert len(c.entries[0].answers) == 10 and c.entries[0].outcome.quality.metric == 'AUC'
    assert compliance_dict(load_compliance(save_compliance(c, tmp_path))) == compliance_dict(c)

def test_a_report_of_another_run_is_refused():
    run, other = (TinyMLPerf(dict(ic01=net(s)), dict(ic01=pictures()), rules=SHORT) for s in (0, 1))
    about = dict(division='open', org='us', system=SYSTEM)
    report = run.run(False)
    with pytest.raises(ValueError, match='other models'): generate_compliance_report(other, report, **about)
    fewer = TinyMLPerf(dict(ic01=net()), dict(ic01=pictures(20)), rules=SHORT)
    with pytest.raises(ValueError, match='other sets'): generate_compliance_report(fewer, report, **about)

@pytest.mark.parametrize('change, words', [
    (dict(division='ajar'), 'closed or open'), (dict(org='../up'), 'folder'), (dict(org=''), 'folder'), (dict(org=None), 'folder'),
    (dict(system={}), 'system is called None'), (dict(system=[]), 'described'), (dict(system=dict(SYSTEM, name='a b')), 'folder'),
    (dict(system=dict(SYSTEM, status='sold')), 'available'), (dict(system=dict(SYSTEM, quantization=' ')), 'quantized')])
def test_a_description_that_says_too_little(change, words):
    run = TinyMLPerf(dict(ic01=net()), dict(ic01=pictures()), rules=None)
    about = dict(division='open', org='us', system=SYSTEM) | change
    with pytest.raises(ValueError, match=words): generate_compliance_report(run, run.run(False), **about)

@pytest.fixture(scope='module')
def record(): return report_on(int8(net()), references=dict(ic01=net()))

def test_a_record_survives_its_files(record, tmp_path):
    path = save_compliance(record, tmp_path/'new'/'folder')
    assert sorted(p.name for p in path.parent.iterdir()) == [f'compliance.{k}' for k in ('html', 'json', 'md')]
    for place in (path, path.parent):
        again = load_compliance(place)
        assert compliance_dict(again) == compliance_dict(record) and repr(again) == repr(record)
        assert compliance_html(again) == compliance_html(record) and compliance_markdown(again) == compliance_markdown(record)
    assert record.status() == dict(ic01='not valid') and record.entries[0].check.holds

def test_all_three_files_say_the_same(record):
    said, page = compliance_markdown(record), compliance_html(record)
    for words in ('unofficial', 'not valid', 'rounded to 0', 'Performance', 'a-board', 'It is the reference'):
        assert words in said.replace('\\', '') and words in page, words
    assert '<script' not in page

def test_names_are_text_in_the_page():
    c = report_on(as_model('<script>alert(1)</script>|*', net(), SHAPE), division='open')
    assert '<script>' not in compliance_html(c) and '<script>' not in compliance_markdown(c)

def places(d, path=()):
    "The path of each value in nested lists and dictionaries."
    yield path
    for k, v in d.items() if isinstance(d, dict) else enumerate(d[:3]) if isinstance(d, list) else (): yield from places(v, (*path, k))
def put(d, path, v):
    d = copy.deepcopy(d)
    *way, last = path
    part = d
    for k in way: part = part[k]
    part[last] = v
    return d

def test_hostile_records_are_refused_in_words_or_are_what_they_say(record, tmp_path):
    d, at = compliance_dict(record), tmp_path/'compliance.json'
    todo = [p for p in places(d) if p]
    for path in random.Random(1).sample(todo, min(50, len(todo))):
        for junk in (None, -1, 'x', [[]], {}, math.nan, 1e300):
            bad = put(d, path, junk)
            at.write_text(json.dumps(bad))
            try: got = load_compliance(at)
            except ValueError as e: assert str(at) in str(e)
            else:
                assert compliance_dict(got) == bad
                repr(got), compliance_html(got)

@pytest.mark.parametrize('change, words', [
    (lambda d: d['entries'][0].update(status='pass'), 'said to be'),
    (lambda d: d['entries'][0]['answers'].__setitem__(0, (d['entries'][0]['answers'][0] + 1) % 10), 'answers do not give|'),
    (lambda d: d['entries'][0]['outcome']['quality'].update(value=.99), 'status|answers'),
    (lambda d: d['entries'][0]['outcome']['quality'].update(lo=.5), 'answers|status'),
    (lambda d: d['entries'][0]['check']['compared'][0]['traces'].__setitem__(0, 5), 'finding'),
    (lambda d: d.update(more=1), 'more, or less'), (lambda d: d.update(schema=2), 'schema'), (lambda d: d.pop('env'), 'env')])
def test_a_record_that_does_not_agree_with_itself(record, tmp_path, change, words):
    d = compliance_dict(record)
    change(d)
    (tmp_path/'compliance.json').write_text(json.dumps(d))
    if d['entries'] and words.endswith('|'):      # one answer: only if that changes the count
        right = [a == t for a, t in zip(d['entries'][0]['answers'], d['entries'][0]['truth'])]
        if sum(right) == round(record.entries[0].outcome.quality.value*len(right)): return
        words = words[:-1]
    with pytest.raises(ValueError, match=words): load_compliance(tmp_path)

def test_answers_that_do_not_fit(record, tmp_path):
    d = compliance_dict(record)
    d['entries'][0].update(truth=[], answers=[])
    (tmp_path/'compliance.json').write_text(json.dumps(d))
    with pytest.raises(ValueError, match='0 answers to 0'): load_compliance(tmp_path)
    for truth, answers in (([], []), ([1, 2], [1]), ([1], [1, 1])):
        with pytest.raises(ValueError, match='answers to'): quality_from(TASKS['ic01'], truth, answers)

def test_files_that_are_no_records(tmp_path):
    at = tmp_path/'compliance.json'
    for text in ('', '[]', '{', 'null', '{"report": "compliance", "schema": 1}', '['*10**5, '{"a": '*5000 + '1' + '}'*5000, '\x00'):
        at.write_text(text)
        with pytest.raises(ValueError, match='compliance.json'): load_compliance(tmp_path)
    at.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(ValueError): load_compliance(tmp_path)
