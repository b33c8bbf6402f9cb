"bench.ablation: what a step did, resumed after a kill, in any number of processes; a step that fails is named."
import inspect, json, os, signal, subprocess, sys, time
from functools import partial
from pathlib import Path
import numpy as np
import pytest
from benchkit import Machine, Works, net, toy, working
from scipy.special import bdtrc
from tinybench.backends.base import as_model
from tinybench.bench.ablation import (KINDS, Ablation, FineTune, Grown, ablate, cells_of, chains, check_design, complete, grown,
                                      network_of, prepare, remembered)
from tinybench.bench.benchmark import Benchmark, Labelled
from tinybench.bench.effects import as_cube, cell_name, effects, subsets
from tinybench.bench.suite import BenchmarkSuite, SuiteResult, columns
from tinybench.data.source import Dataset
from tinybench.nn.dense import Dense, Dropout, ReLU
from tinybench.nn.module import Module, Parameter, Sequential, live_state
from tinybench.nn.train import Callback
from tinybench.optimize.prune import prune, sparse
from tinybench.optimize.quantize import int8
from tinybench.optimize.step import clone, float16, float64, rewrite, strip, with_weights

ROOT = Path(__file__).resolve().parents[2]
unix = pytest.mark.skipif(sys.platform == 'win32', reason='needs the signals of Unix')
QUICK = dict(processes=1, repeats=8, min_secs=1e-5, progress=False)

def dropping():
    r = np.random.default_rng(0)
    return Sequential(Dense(4, 9, r), Dropout(.5, r), ReLU(), Dense(9, 3, r)).eval()

def coarse(net, levels=4):
    "Weights of few levels."
    def f(layers):
        def one(m):
            if not isinstance(m, Dense): return m
            return with_weights(m, Parameter(np.round(m.w.data*levels).astype('float32')/levels))
        return [one(m) for m in layers]
    return rewrite(net, f)

def raises(net): raise ZeroDivisionError('by zero')
def leaves(net): os._exit(3)
def waits(net, told):
    "A copy of `net`, as soon as the file `told` is there."
    while not told.exists(): time.sleep(.01)
    return clone(net)
def nothing(net): return None
def shorter(net): return Sequential(*list(net)[1:])
def only_dense(net):
    if not any(type(m) is Dense for m in net): raise ValueError('no dense layer is left')
    return clone(net)

def data_of(n=60):
    r = np.random.default_rng(2)
    x, y = r.normal(size=(n, 4)).astype('float32'), r.integers(0, 3, n)
    return Dataset(x, y, x[:20], y[:20], 'toy', ('a', 'b', 'c'))

STEPS = dict(strip=strip, coarse=coarse, float16=float16)

@pytest.fixture(scope='module')
def found(): return ablate(dropping(), STEPS, toy(), **QUICK)

def files(folder): return {p.name: p.read_bytes() for p in Path(folder).rglob('*') if p.is_file()}

def said(a, question, metric='latency'): return {of: s for (of, c), s in a.answers[question].items() if c.metric == metric}


# --- the design

def test_how_many_networks():
    assert len(cells_of('abcd')) == 16 + 6 and len(chains(cells_of('abcd', ['factorial']))) == 15
    assert cells_of('abc', ['order', 'add-one'])[:4] == [(), ('a',), ('b',), ('c',)]

@pytest.mark.parametrize('steps, kinds, says', [
    ([], KINDS, 'no steps'), ([strip, strip], KINDS, 'two steps are called strip'), (dict(a=3), KINDS, 'not a function'),
    (STEPS, ['add-two'], 'not add-two'), (STEPS, [], 'not none'), (dict(base=strip), KINDS, "called 'base'"), ({'a + b': strip}, KINDS, "'a [+] b'"),
    ({f's{i}': strip for i in range(8)}, KINDS, "8 steps have 256 combinations.* 18 networks")])
def test_a_bad_list_of_steps_is_refused_in_words(steps, kinds, says):
    with pytest.raises((ValueError, TypeError), match=says): ablate(dropping(), steps, toy(), kinds=kinds)

@pytest.mark.parametrize('model, data, says', [
    (lambda x: x, toy(), 'from a function'), (as_model('f', lambda x: x, (4,)), toy(), 'from a function'), (dropping(), None, 'labelled data'),
    (dropping(), [], 'labelled data'), (dropping(), np.zeros((3, 4)), 'no labelled data'),
    (dropping(), Labelled('d', np.zeros((3, 5), 'float32'), np.zeros(3, int)), "does not take the examples of 'd'")])
def test_a_bad_model_or_data_is_refused_in_words(model, data, says):
    with pytest.raises((ValueError, TypeError), match=says): ablate(model, [strip], data)

def test_seven_steps_are_allowed():
    check_design('abcdefg', KINDS)
    assert network_of(as_model('a', n := net(3), (4,))) is n


# --- what it says

def test_every_question_has_an_answer_in_every_column(found):
    a = found.answers
    assert list(a) == ['add-one', 'leave-one-out', 'order', 'effect', 'beyond'] and found.suite.ok and found.lost == ()
    metrics = {'latency', 'throughput', 'accuracy', 'weights', 'MACs', 'peak activations'}
    for question, n in (('add-one', 3), ('leave-one-out', 3), ('order', 3), ('effect', 7), ('beyond', 1)):
        seen = {c.metric for _, c in a[question]}
        assert metrics <= seen and (question in ('effect', 'beyond')) == ('allocated peak' not in seen)
        assert all(len(said(found, question, m)) == n for m in metrics)
    assert list(said(found, 'leave-one-out')) == ['without strip', 'without coarse', 'without float16']
    assert list(said(found, 'order'))[0] == 'coarse, then strip' and 'strip × coarse × float16' in said(found, 'effect')

def test_bytes_and_macs_are_exact(found):
    one = {c.metric: s for (of, c), s in found.answers['effect'].items() if of == 'float16'}
    assert one['weights'].verdict == 'less' and one['MACs'].mid == 1 and np.isnan(one['weights'].lo)
    weights = {x.name: x.median for x in found.suite.results if x.metric == 'weights'}
    want = np.mean([np.log(weights[cell_name((*c, 'float16'))]/weights[cell_name(c)]) for c in subsets(('strip', 'coarse'))])
    assert one['weights'].mid == pytest.approx(np.exp(want))

def test_the_frame_has_the_least_squares_fit_of_statsmodels(found):
    smf = pytest.importorskip('statsmodels.formula.api', reason='needs statsmodels')
    import pandas as pd
    frame, names = found.to_frame(), found.steps
    def fit(records, values):
        rows = [dict({n: 2*(n in c) - 1 for n in names}, y=v) for c in subsets(names) for v in values(records[cell_name(c)])]
        return smf.ols('y ~ ' + '*'.join(names), pd.DataFrame(rows)).fit().params
    for c, xs in columns(found.suite).items():
        if (c.provenance, c.unit) == ('measured', 'B'): continue
        params = fit(xs, lambda x: np.array(x.hits, float) if c.unit == 'share' else np.log(x.values))
        mine = frame[(frame.question == 'effect') & (frame.metric == c.metric)].set_index('of').least_squares
        for cell in subsets(names)[1:]:
            want = params[':'.join(cell)]*2**len(cell)
            assert mine[' × '.join(cell)] == pytest.approx(want if c.unit == 'share' else np.exp(want), abs=1e-9), (c, cell)

def test_accuracy_is_paired_on_the_same_examples(found):
    hits = {s.name: np.array(s.hits, float) for s in found.suite.scores}
    y = as_cube({c: hits[cell_name(c)] for c in subsets(found.steps)}, found.steps)
    for cell, v in effects(y, found.steps).items():
        assert said(found, 'effect', 'accuracy')[' × '.join(cell)].mid == pytest.approx(v.mean())

def test_add_one_has_the_verdicts_of_the_suite(found):
    for (of, c), s in found.answers['add-one'].items(): assert found.suite.comparison[c][of] == s

def test_it_goes_to_files_and_back(found, tmp_path):
    path = found.save(tmp_path)
    again = Ablation.load(tmp_path)
    assert again == found == Ablation.load(path) and repr(again) == repr(found) and again.answers.keys() == found.answers.keys()
    d = json.loads(path.read_text())
    assert len(d['answers']) == len(found.to_frame()) == len((tmp_path/'answers.csv').read_text().splitlines()) - 1
    for wrong in (d | dict(schema=0), d | dict(report='suite'), [], {k: v for k, v in d.items() if k != 'steps'}):
        path.write_text(json.dumps(wrong))
        with pytest.raises(ValueError, match='ablation.json'): Ablation.load(tmp_path)
    for text in (repr(found), found._repr_markdown_(), found.to_html()): assert 'Holm' in text and 'strip' in text

def test_only_what_is_asked_is_measured():
    a = ablate(dropping(), STEPS, toy(), kinds=['order'], **QUICK)
    assert list(a.answers) == ['order'] and len(a.suite.names) == 7
    a = ablate(dropping(), dict(strip=strip), toy(), **QUICK)
    assert list(a.answers) == ['add-one', 'leave-one-out', 'effect'] and 'beyond' not in a.answers

def test_the_given_network_is_not_changed():
    n = dropping().train()
    before = n.state_dict()
    ablate(n, STEPS, toy(), kinds=['add-one'], **QUICK)
    assert all((v == live_state(n)[k]).all() for k, v in before.items()) and n.training


# --- known truth, on a pretend computer

def slower(by, of='first', once=False):
    "A step after which the first layer takes `by` times as long."
    def step(net):
        net = clone(net)
        net[0].secs *= by
        return net
    return step

def timed(m, steps, repeats=30, **options):
    return ablate(working(m), steps, toy(), clock=m.clock, **dict(dict(kinds=['factorial'], processes=1, repeats=repeats, min_secs=1e-6, progress=False), **options))

def test_true_ratios_are_found():
    m = Machine(1, .02)
    def both(net): return slower(1.5 if net[0].secs < 1e-3 else .8)(net)          # 0.8 alone, 1.5 after `half`
    a = timed(m, dict(half=slower(.5), both=both), kinds=KINDS)
    mid = {q: {of: s.mid for of, s in said(a, q).items()} for q in a.answers}
    assert mid['add-one'] == pytest.approx(dict(half=.5, both=.8), rel=.02)
    assert mid['effect']['half × both'] == pytest.approx(1.5/.8, rel=.04) and mid['beyond'] == pytest.approx({'half + both': 1.5/.8}, rel=.04)
    assert mid['effect']['half'] == pytest.approx(.5*np.sqrt(1.5/.8), rel=.02)
    assert mid['order'] == pytest.approx({'both, then half': .4/.75}, rel=.03) and said(a, 'order')['both, then half'].verdict == 'faster'
    assert said(a, 'effect')['half × both'].verdict == 'slower'
    assert mid['leave-one-out'] == pytest.approx({'without half': .8/.75, 'without both': .5/.75}, rel=.03)
    assert said(a, 'effect', 'throughput')['half'].mid == pytest.approx(1/mid['effect']['half'], rel=.02)

def in_turns(m, steps, repeats=30, builds=10):
    "As `timed`, without what the clock has no part in: memory, the machine, and what tells the models apart."
    made = prepare(working(m), steps, subsets(steps), toy().x)
    models = [as_model(cell_name(c), g.net, (4,), 'float32') for c, g in made.items()]
    b = Benchmark(models, toy(), repeats=repeats, builds=builds, min_secs=1e-6, clock=m.clock)
    scores, *timings = b.run_accuracy_benchmark(), b.run_latency_benchmark(), b.run_throughput_benchmark()
    results = [x for found in timings for x in found.values()]
    return Ablation(SuiteResult(b.names, 'base', results, scores.values()), tuple(steps), ('factorial',))

def test_intervals_hold_known_effects():
    "Each at 95 %: of 150 fewer than 128 are 1e-7 by the binomial."
    held = n = 0
    for seed in range(10):
        a = in_turns(Machine(seed, .05), {f's{i}': slower(.9) for i in range(4)})
        for of, s in said(a, 'effect').items():
            held, n = held + (s.lo <= (.9 if '×' not in of else 1) <= s.hi), n + 1
    assert n == 150 and held >= 128, held

@pytest.mark.parametrize('runs', [20, pytest.param(300, marks=pytest.mark.slow)])
def test_steps_that_do_nothing_have_no_effect(runs):
    "Holm promises 5 % for all effects of all quantities. Of 300 at most 7 %; of 20 at most 5, 3e-4 by the binomial."
    alarms = 0
    for i in range(runs):
        answers = in_turns(Machine([0, i], .05), {f's{j}': clone for j in range(4)}).answers
        alarms += any(s.verdict not in ('same', 'undecided') for s in answers['effect'].values())
    assert alarms <= (.07*runs if runs == 300 else 5), alarms


@pytest.mark.slow
def test_verdicts_are_the_same_with_other_seeds():
    "Of three steps that help and one that does nothing: main effects and interactions of two, in 19 of 20 repetitions."
    steps = dict(a=slower(.7), b=slower(.8), c=slower(.9), nothing=clone)
    def verdicts(seed): return tuple(s.verdict for of, s in said(in_turns(Machine([7, seed], .02), steps, 60), 'effect').items() if of.count('×') < 2)
    seen = [verdicts(seed) for seed in range(20)]
    assert sum(v == ('faster', 'faster', 'faster', *['same']*7) for v in seen) >= 19


# --- steps that fail

def test_a_step_that_raises_is_named_and_the_others_are_measured():
    a = ablate(dropping(), dict(strip=strip, bad=raises, float16=float16), toy(), **QUICK)
    assert set(a.suite.names) == set(map(cell_name, cells_of(a.steps)))
    assert set(a.suite.failures) == {cell_name(c) for c in cells_of(a.steps) if 'bad' in c} and set(a.lost) < set(a.suite.failures)
    assert set(a.suite.failures.values()) == {"step 'bad' raised ZeroDivisionError: by zero"}
    assert list(said(a, 'effect')) == ['strip', 'float16', 'strip × float16'] and list(said(a, 'add-one')) == ['strip', 'float16']
    assert 'leave-one-out' not in a.answers and list(said(a, 'order')) == ['float16, then strip']
    assert 'bad + float16 has no number' in repr(a) and 'Effects are those of strip, float16 only.' in repr(a)

@pytest.mark.parametrize('step, says', [(nothing, "step 'bad' returned None, not a network"), (shorter, "after step 'bad' the network does not take"),
                                        (raises, 'by zero'), (lambda net: net[0].w.data.fill(0) or net, 'changed the network that it was given')])
def test_a_step_that_breaks_a_rule_is_told_what(step, says):
    a = ablate(dropping(), dict(bad=step, strip=strip), toy(), kinds=['add-one'], **QUICK)
    assert list(a.suite.failures) == ['bad'] and says in a.suite.failures['bad'] and list(said(a, 'add-one')) == ['strip']

def test_an_order_that_is_refused_is_an_answer():
    a = ablate(dropping(), dict(only_dense=only_dense, float16=float16), toy(), **QUICK)
    assert a.suite.failures == {'float16 + only_dense': "step 'only_dense' raised ValueError: no dense layer is left"} and a.lost == ()
    assert 'order' not in a.answers and len(said(a, 'effect')) == 3

def test_all_steps_may_fail():
    a = ablate(dropping(), dict(bad=raises, worse=nothing), toy(), **QUICK)
    assert a.answers == {} and len(a.suite.failures) == 4 and 'Effects are those of no step only' in repr(a) and len(a.to_frame()) == 0

def test_a_network_that_fails_while_it_is_timed_is_lost_too():
    class Shaky(Module):
        def forward(self, x):
            if len(x) == 32: raise MemoryError('too many')
            return x
    def shaky(net): return Sequential(Shaky(), *net)
    a = ablate(dropping(), dict(shaky=shaky, strip=strip), Labelled('d', toy().x[:20], toy().y[:20]), **QUICK)
    assert 'too many' in a.suite.failures['shaky'] and list(said(a, 'effect')) == ['strip']

def test_double_precision_takes_the_same_examples():
    a = ablate(dropping(), dict(float64=float64), toy(), **QUICK)
    assert a.suite.ok and said(a, 'effect', 'weights')['float64'].mid == pytest.approx(2)


# --- preparation

def weights_of(made): return {c: {k: v.tobytes() for k, v in live_state(g.net).items()} for c, g in made.items()}

def tuned(seed=0, epochs=2): return FineTune(data_of(), epochs=epochs, seed=seed, batch=16)

def test_training_gives_the_same_weights_each_time_and_leaves_the_network_alone():
    n = dropping()
    before, first, again = n.state_dict(), tuned()(n), tuned()(n)
    assert all((v == live_state(n)[k]).all() for k, v in before.items())
    assert all((v == live_state(again)[k]).all() for k, v in live_state(first).items())
    assert any((v != live_state(n)[k]).any() for k, v in live_state(first).items())
    assert any((v != live_state(tuned(1)(n))[k]).any() for k, v in live_state(first).items())
    assert tuned().mark == tuned().mark != tuned(1).mark != tuned(epochs=3).mark

PATIENCE = 3
class Notes(Callback):
    "Notes nothing."
    def __init__(self, level=0): self.level = level
    def start(self, run): self.level += PATIENCE

def closing(level): return lambda: [Notes(level)]
def defaulting(level):
    def f(level=level): return [Notes(level)]
    return f
def notes_of(level): return [Notes(level)]
def local_class(level):
    class Other(Notes):
        def after_epoch(self, run): self.level += level
    return lambda: [Other()]
def nested(level): return lambda: [(lambda: Notes(level))()]
def array(level): return partial(notes_of, level=np.full(3, level))

@pytest.mark.parametrize('make', [closing, defaulting, local_class, nested, array, lambda level: partial(notes_of, level),
                                  lambda level: partial(notes_of, level=level), lambda level: partial(closing(level))])
def test_a_mark_tells_callbacks_with_other_settings_apart(make):
    def mark(level): return FineTune(data_of(), callbacks=make(level)).mark
    assert mark(1) == mark(1) != mark(2) and mark(1) != mark(True)

def test_a_mark_tells_two_functions_of_one_line_and_what_their_module_says(monkeypatch):
    def mark(f): return FineTune(data_of(), callbacks=f).mark
    a, b = (lambda: [Notes(1)]), (lambda: [Notes(2)])
    before = mark(a)
    assert before is not None and before != mark(b)
    monkeypatch.setattr(sys.modules[__name__], 'PATIENCE', 4)            # read in a method of a class that `a` makes
    assert mark(a) != before

def test_settings_that_cannot_be_told_have_no_mark_and_train_each_time(tmp_path):
    r, calls = np.random.default_rng(0), []
    for unseen in (partial(notes_of, r), lambda: [Notes(r)], Notes().start, partial(notes_of, open)):
        assert FineTune(data_of(), callbacks=unseen).mark is None
    def callbacks(): return calls.append(r) or ()
    tune = FineTune(data_of(), epochs=1, callbacks=callbacks)
    for _ in range(2): prepare(dropping(), dict(tune=tune), cells_of(['tune']), toy().x, keep=tmp_path)
    assert len(calls) == 2 and not any(tmp_path.iterdir())

def test_other_callbacks_do_not_load_the_first_training(tmp_path):
    class Scales(Callback):
        def __init__(self, by): self.by = by
        def end(self, run): run.net[0].w.data *= self.by
        def after_epoch(self, run): run.net[0].w.data *= self.by
    def weights(by):
        tune = FineTune(data_of(), epochs=1, callbacks=lambda: [Scales(by)])
        assert tune.mark
        return prepare(dropping(), dict(tune=tune), [('tune',)], toy().x, keep=tmp_path)['tune',].net[0].w.data
    one, two = weights(1.), weights(2.)
    assert (one != two).any() and (weights(1.) == one).all() and len(list(tmp_path.iterdir())) == 2

def test_training_keeps_zeros_unless_told_not_to():
    given = prune(dropping(), .5, scope='layer')
    gone = [given[i].w.data == 0 for i in (0, 3)]
    kept, filled = tuned()(given), FineTune(data_of(), batch=16, keep_zeros=False)(given)
    for i, g in zip((0, 3), gone):
        assert g.mean() >= .5 and (kept[i].w.data[g] == 0).all() and (kept[i].w.data[~g] != given[i].w.data[~g]).any()
        assert (filled[i].w.data[g] != 0).any()
    assert tuned().mark != FineTune(data_of(), batch=16, keep_zeros=False).mark

@pytest.mark.parametrize('encode', [float16, int8, sparse])
def test_training_refuses_weights_that_are_codes_and_names_the_layer(encode):
    part = dropping()
    part.layers[3] = encode(prune(part, .9, scope='layer')[3:])[0]
    with pytest.raises(ValueError, match=r'layers\.3, .*Dense.*encode its weights last'): tuned()(part)
    with pytest.raises(ValueError, match='encode'): tuned()(int8(dropping()))

def test_training_calls_new_callbacks():
    seen = []
    class Notes(Callback):
        def after_epoch(self, run): seen.append(id(self))
    tune = FineTune(data_of(), epochs=2, callbacks=lambda: (Notes(),))
    tune(dropping()), tune(dropping())
    assert len(seen) == 4

def test_any_number_of_workers_gives_the_same_weights():
    pytest.importorskip('distributed', reason='needs Dask')
    steps, cells = dict(tune=tuned(), coarse=coarse, again=tuned(1), bad=raises), cells_of(['tune', 'coarse', 'again', 'bad'], ['add-one', 'order'])
    here, there = (prepare(dropping(), steps, cells, toy().x, workers) for workers in (None, 2))
    assert {c: g.failure for c, g in here.items()} == {c: g.failure for c, g in there.items()}
    good = [c for c in cells if 'bad' not in c]
    assert weights_of({c: here[c] for c in good}) == weights_of({c: there[c] for c in good})

@pytest.mark.slow
def test_an_ablation_prepared_by_dask(tmp_path):
    pytest.importorskip('distributed', reason='needs Dask')
    first = ablate(dropping(), dict(tune=tuned(), coarse=coarse), data_of(), tmp_path, workers=2, **QUICK)
    again = ablate(dropping(), dict(tune=tuned(), coarse=coarse), data_of(), tmp_path, **QUICK)     # other weights would be refused
    assert again.suite.notes and again.suite.results == first.suite.results and len(list((tmp_path/'prepared').iterdir())) == 2

def test_what_was_trained_is_not_trained_again(tmp_path):
    calls = []
    class Tune(FineTune):
        def __call__(self, net):
            calls.append(1)
            return super().__call__(net)
    tune, cells = Tune(data_of(), epochs=1), cells_of(['tune', 'coarse'])
    first = prepare(dropping(), dict(tune=tune, coarse=coarse), cells, toy().x, keep=tmp_path)
    assert len(calls) == 2 and len(list(tmp_path.iterdir())) == 2                # alone, and after `coarse`
    again = prepare(dropping(), dict(tune=tune, coarse=coarse), cells, toy().x, keep=tmp_path)
    assert len(calls) == 2 and weights_of(first) == weights_of(again)
    next(tmp_path.iterdir()).write_bytes(b'no npz')                              # damaged: trained anew
    assert weights_of(prepare(dropping(), dict(tune=tune, coarse=coarse), cells, toy().x, keep=tmp_path)) == weights_of(first) and len(calls) == 3
    other = dropping()
    other[0].w.data += 1                                                         # another network: not its weights
    prepare(other, dict(tune=tune, coarse=coarse), cells, toy().x, keep=tmp_path)
    assert len(calls) == 5

def test_a_training_is_known_by_the_network_too():
    "The same weights under another activation are another network."
    r = np.random.default_rng(0)
    a = Sequential(Dense(4, 3, r))
    b = Sequential(a[0], ReLU())
    class Keeps:
        mark = 'm'
        def __call__(self, net): return net
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        for n in (a, b): remembered(Keeps(), Path(folder))(n)
        assert len(list(Path(folder).iterdir())) == 2

def test_each_step_is_taken_once_for_each_network():
    calls = []
    def counting(name):
        def step(net):
            calls.append(name)
            return clone(net)
        return step
    prepare(net(3), {n: counting(n) for n in 'abcd'}, cells_of('abcd', ['factorial']), toy().x)
    assert len(calls) == 15

def test_after_a_failure_nothing_is_tried():
    start = Grown(None, failure='no')
    assert grown(start, 'a', dict(a=raises), toy().x) is start

def test_lost_steps_leave_the_most_others():
    assert complete('abcd', [('a', 'b'), ('c', 'd'), ('a', 'b', 'c')]) == ('a', 'c')
    assert complete('ab', [()]) == ()

def test_progress_builds_then_measures():
    told = []
    ablate(dropping(), dict(strip=strip, coarse=coarse), toy(), kinds=['factorial'], **QUICK | dict(progress=lambda *t: told.append(t)))
    first = [t for t in told if t[0].startswith('build')]
    assert [t[0] for t in first] == ['build strip', 'build coarse', 'build strip + coarse'] and first[-1][1:] == (3, 3)
    assert told[-1][0] == 'done' and told[len(first)][0] == 'accuracy:base:toy'

def test_each_build_is_told_before_the_next_begins():
    "And what is told may stop it."
    told = []
    def noting(name):
        def step(net):
            told.append(name)
            return clone(net)
        return step
    steps = {n: noting(n) for n in 'ab'}
    prepare(net(3), steps, cells_of('ab', ['factorial']), toy().x, tell=lambda *t: told.append(t))
    assert told == ['a', ('a', 1, 3), 'b', ('b', 2, 3), 'b', ('a + b', 3, 3)]
    told.clear()
    def stop(*t): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): ablate(net(3), steps, toy(), **QUICK | dict(progress=stop))
    assert told == ['a']

def test_progress_of_workers(tmp_path):
    pytest.importorskip('distributed', reason='needs Dask')
    told, cells = [], cells_of('ab')
    def tell(*t): told.append(t), (tmp_path/'told').touch()
    made = prepare(dropping(), dict(a=partial(waits, told=tmp_path/'told'), b=clone), cells, toy().x, 2, tell=tell)
    assert [t[1:] for t in told] == [(i, 4) for i in range(1, 5)] and {t[0] for t in told} == {'a', 'b', 'a + b', 'b + a'}
    assert told[0][0] == 'b' and all(g.net is not None for g in made.values())       # as they end, not as they were sent

def test_a_step_that_ends_its_process_is_named_and_the_others_are_built():
    pytest.importorskip('distributed', reason='needs Dask')
    steps = dict(coarse=coarse, leaves=leaves, strip=strip)
    cells, told = cells_of(steps), []
    made = prepare(dropping(), steps, cells, toy().x, 2, tell=lambda *t: told.append(t))
    assert {c for c, g in made.items() if g.failure} == {c for c in cells if 'leaves' in c}
    assert {g.failure for g in made.values()} == {'', "step 'leaves' ended the process that it ran in"}
    assert len(told) == len(chains(cells)) == told[-1][1] and set(made) == set(cells)


# --- what is refused before anything is built

@pytest.mark.parametrize('options, says', [
    (dict(repeats=3), 'needs 6'), (dict(repaets=9), 'repaets'), (dict(batch=0), 'a batch of 0'), (dict(throughput_batch=0), 'a batch of 0'),
    (dict(batch=2.5), 'a batch of 2.5'), (dict(processes=2, repeats=9), 'needs 6|processes'), (dict(processes=0), '0 processes')])
def test_a_bad_option_is_refused_before_anything_is_built(tmp_path, options, says):
    def never(net): raise SystemExit
    with pytest.raises((ValueError, TypeError), match=says): ablate(dropping(), [never], toy(), tmp_path/'x', **QUICK | options)
    assert not (tmp_path/'x').exists()

def test_a_folder_with_other_settings_is_refused_before_anything_is_built(tmp_path):
    def never(net): raise SystemExit
    ablate(dropping(), dict(strip=strip, bad=raises), toy(), tmp_path, **QUICK)
    for options, steps, says in ((dict(repeats=9), dict(strip=never), 'repeats .8 there, 9 here'), ({}, dict(other=never), 'models.strip')):
        with pytest.raises(ValueError, match=says): ablate(dropping(), steps, toy(), tmp_path, **QUICK | options)
    other = dropping()
    other[0].w.data += 1
    with pytest.raises(ValueError, match='models.base.weights'): ablate(other, dict(strip=never), toy(), tmp_path, kinds=['add-one'], **QUICK)
    again = ablate(dropping(), dict(strip=strip, bad=raises), toy(), tmp_path, **QUICK)
    assert 'earlier run' in again.suite.notes[0]

@pytest.mark.parametrize('n, kinds, says', [(8, ['factorial'], '256 combinations'), (13, ['order'], '157 networks'), (75, ['add-one', 'leave-one-out'], '152 networks'),
                                            (400, ['add-one'], '401 networks')])
def test_more_than_150_networks_are_refused(n, kinds, says):
    with pytest.raises(ValueError, match=says): check_design([f's{i}' for i in range(n)], kinds)
    check_design([f's{i}' for i in range(12)], ['order', 'add-one'])

@unix
def test_a_folder_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path/'home'))
    (tmp_path/'cwd').mkdir()
    monkeypatch.chdir(tmp_path/'cwd')
    a = ablate(dropping(), dict(tune=tuned()), toy(), '~/x', kinds=['add-one'], **QUICK)
    BenchmarkSuite(dict(a=dropping()), toy(), '~/y', repeats=6, min_secs=1e-5).run(False)
    assert not list((tmp_path/'cwd').iterdir()) and sorted(p.name for p in (tmp_path/'home').iterdir()) == ['x', 'y']
    assert {p.name for p in (tmp_path/'home'/'x').iterdir()} == {'ablation.json', 'answers.csv', 'prepared', 'results.json', 'steps'}
    assert Ablation.load('~/x') == a and SuiteResult.load('~/y').names == ('a',) and a.save('~/x') == tmp_path/'home'/'x'/'ablation.json'
    assert a.suite.save('~/y') == tmp_path/'home'/'y'/'results.json'


# --- fresh processes, unless asked otherwise

def test_how_the_rounds_are_shared_out(tmp_path):
    from tinybench.bench.ablation import FRESH, HERE, laid_out
    assert laid_out({}) == FRESH and laid_out(dict(processes=1, batch=4)) == HERE | dict(batch=4)
    assert laid_out(dict(repeats=5)) == FRESH | dict(repeats=5, builds=5)            # no build without a round
    assert laid_out(dict(processes=1, repeats=8, builds=2)) == dict(processes=1, repeats=8, builds=2)
    ablate(dropping(), dict(strip=strip), toy(), tmp_path, kinds=['add-one'], **QUICK)
    assert laid_out({}, tmp_path) == dict(processes=1, repeats=8, builds=8) and laid_out(dict(processes=7), tmp_path) == FRESH | dict(processes=7)

def test_networks_are_timed_in_fresh_processes(monkeypatch, tmp_path):
    monkeypatch.setattr('tinybench.bench.ablation.FRESH', dict(processes=3, builds=2, repeats=4))
    few = dict(kinds=['add-one'], level=.6, min_secs=1e-5, progress=False)
    a = ablate(dropping(), dict(strip=strip), toy(), tmp_path, **few)
    r = next(x for x in a.suite.results if x.metric == 'latency')
    assert r.n == r.how['processes'] == 3 and r.how['builds'] == 2 and not a.suite.notes
    assert 'earlier run' in ablate(dropping(), dict(strip=strip), toy(), tmp_path, **few).suite.notes[0]

def test_a_network_that_cannot_be_sent_is_timed_here_and_a_note_says_so(tmp_path):
    class Own(Dense): pass
    def own(net): return Sequential(Own(4, 3, np.random.default_rng(0)))
    few = dict(kinds=['add-one'], min_secs=1e-5, progress=False)
    for again in (False, True):
        a = ablate(dropping(), dict(own=own), toy(), tmp_path, **few)
        r = next(x for x in a.suite.results if x.metric == 'latency')
        assert r.n == r.how['builds'] == 30
        assert again or "timed in this process: model 'own' cannot be sent" in a.suite.notes[-1]
    with pytest.raises(ValueError, match="model 'own' cannot be sent"): ablate(dropping(), dict(own=own), toy(), processes=6, **few)


# --- runs that end badly

def test_a_second_run_measures_nothing(tmp_path):
    first = ablate(dropping(), STEPS, toy(), tmp_path, **QUICK)
    before = files(tmp_path/'steps')
    again = ablate(dropping(), STEPS, toy(), tmp_path, **QUICK)
    assert files(tmp_path/'steps') == before and again.answers.keys() == first.answers.keys()
    assert {k: v.mid for q in again.answers for k, v in again.answers[q].items()} == {k: v.mid for q in first.answers for k, v in first.answers[q].items()}
    with pytest.raises(ValueError, match='other settings'): ablate(dropping(), dict(strip=strip), toy(), tmp_path, **QUICK)
    with pytest.raises(ValueError, match='models.coarse'): ablate(dropping(), STEPS | dict(coarse=partial(coarse, levels=2)), toy(), tmp_path, **QUICK)

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[2])
from test_ablation import STEPS, ablate, dropping, toy, tuned
def tell(*t): print(*t, flush=True)
ablate(dropping(), dict(tune=tuned()) | STEPS, toy(), sys.argv[1], kinds=['factorial'], processes=1, repeats=40, min_secs=1e-4, progress=tell)
"""

def started(out):
    env = {**os.environ, 'PYTHONPATH': str(ROOT), 'OPENBLAS_NUM_THREADS': '1'}
    return subprocess.Popen([sys.executable, '-W', 'error', '-c', SCRIPT, str(out), str(Path(__file__).parent)], env=env, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

def killed_after(out, word, times=1):
    "Starts the ablation and kills it as soon as it has told `word` so many times."
    with started(out) as p:
        for line in p.stdout:
            times -= line.startswith(word)
            if not times: break
        p.kill()
    assert p.returncode == -signal.SIGKILL, p.stderr

@unix
@pytest.mark.parametrize('words', [[('latency', 9)], pytest.param([('build coarse', 1), ('accuracy:strip', 1), ('memory:coarse', 1), ('latency', 9), ('throughput', 5)],
                                                                     marks=pytest.mark.slow)], ids=['once', 'often'])
def test_a_kill_at_any_moment_loses_no_finished_cell(tmp_path, words):
    before = {}
    for word, times in words:
        killed_after(tmp_path, word, times)
        after = {k: v for k, v in files(tmp_path).items() if not k.startswith('.')}
        assert {k: after.get(k) for k in before} == before, word
        before = after
    with started(tmp_path) as p: out, err = p.communicate()
    assert p.returncode == 0, err
    after, a = files(tmp_path), Ablation.load(tmp_path)
    assert {k: after[k] for k in before} == before and len(said(a, 'effect')) == 15 and 'measured in an earlier run' in a.suite.notes[0]
