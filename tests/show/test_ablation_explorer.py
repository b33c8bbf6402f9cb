"show: recipes of optimizations and designs that are measured: what really goes together, limits, and the widget."
import threading, time
from functools import cache
from itertools import permutations
from xml.etree import ElementTree
import numpy as np, pytest
from tinybench.bench.ablation import ablate
from tinybench.cli.explore import train
from tinybench.data.source import load_digits
from tinybench.nn.dense import Dense
from tinybench.nn.module import Sequential
from tinybench.optimize.step import optimize, take_step
from tinybench.profile.cost import cost
from tinybench.show.ablation import (HALF, NEEDS, OFF, AblationExplorer, Limits, advice, advise, all_steps, build, conflict,
                                     draw_designs, judge, measure_design, recipe, sensible)
from tinybench.show.widgets import Cancelled, Choices
from tinybench.toolchain.compiler import find_compiler

needs_c = pytest.mark.skipif(not find_compiler(), reason='needs a C compiler')

def words(w): return ElementTree.fromstring(w.value).text if w.value else ''

@cache
def digits(): return load_digits()

@cache
def net(): return train('simple_cnn', digits(), epochs=3)

EVERY = dict(channels=.6, rank=.9, sparsity=.8, zeros=True, fuse=True, layout='NCHW', bits='8', precision='float64', epochs=1)
ONE = dict(channels=dict(channels=.6), rank=dict(rank=.9), teach=dict(epochs=1, teacher=True), prune=dict(sparsity=.8),
           train=dict(epochs=1), fuse=dict(fuse=True), layout=dict(layout='NCHW'), float64=dict(precision='float64'),
           bits=dict(bits='8'), integers=dict(precision='integers'), zeros=dict(sparsity=.8, zeros=True), native=dict(native=True))

@cache
def designs():
    found = measure_design(net(), digits(), dict(fuse=True), repeats=6)
    return measure_design(net(), digits(), dict(channels=.5), found, repeats=40)


# --- recipes

def test_one_setting_for_each_step_there_is():
    assert set(ONE) == set(NEEDS)
    for kind, knobs in ONE.items(): assert kind in all_steps(knobs, net(), digits()), kind

def test_what_is_off_is_no_step():
    assert recipe({}, net(), digits()) == recipe(OFF, net(), digits()) == {}

ENCODE_ALL = 'bits', 'integers', 'native'     # `zeros` leaves layers as they are that would not get smaller

@needs_c
@pytest.mark.parametrize('first', NEEDS)
def test_a_pair_that_raises_is_a_conflict_and_one_of_encoded_weights_raises(first):
    # the table says what makes no sense: all that cannot run, and more, which would undo what came before
    made = {n: step for n, (_, step) in all_steps(ONE[first], net(), digits()).items()}
    x, after = digits().x_test[:16], net()
    for n in sensible(made): after = take_step(n, made[n], after, x)[0]
    for second in NEEDS:
        if second == first: continue
        step = all_steps(ONE[second], net(), digits())[second][1]
        try: take_step(second, step, after, x)
        except (ValueError, TypeError) as e:
            if second == 'zeros' and 'too few' in str(e): continue      # nothing was pruned
            assert conflict((first, second)), f'{first}, {second}: {e}'
        else: assert not (first in ENCODE_ALL and second not in ('teach', 'native')), f'{first}, {second} runs'

def test_what_undoes_a_step_is_a_conflict():
    x = digits().x_test[:16]
    def zeros(n): return sum((p.data == 0).sum() for p in n.parameters() if p.ndim > 1)
    pruned = build(net(), recipe(dict(sparsity=.8), net(), digits()), x)
    for kind in ('rank', 'teach'):
        undone = take_step(kind, all_steps(ONE[kind], net(), digits())[kind][1], pruned, x)[0]
        assert zeros(undone) < .5*zeros(pruned) and conflict(('prune', kind))
    kept = take_step('train', all_steps(ONE['train'], net(), digits())['train'][1], pruned, x)[0]
    assert zeros(kept) >= zeros(pruned) and not conflict(('prune', 'train'))

@pytest.mark.parametrize('left_out', ['bits', 'float64 and zeros'])
def test_a_long_recipe_runs_in_the_order_that_it_chose(left_out):
    knobs = EVERY | (dict(bits='32') if left_out == 'bits' else dict(precision='float32', zeros=False))
    steps = recipe(knobs, net(), digits())
    changes = optimize(net(), steps, digits().x_test[:32]).changes
    assert [c.step for c in changes] == list(steps) and changes[-1].after.macs < changes[0].before.macs

@pytest.mark.parametrize('knobs, why', [
    (dict(zeros=True), 'no zeros to skip'), (dict(bits='8', precision='integers'), 'integers and bits do not go together'),
    (dict(bits='8', precision='float64'), 'do not go together'), (dict(bits='4', sparsity=.5, first='bits'), 'prune 50% needs weights'),
    (dict(rank=.8, sparsity=.5, first='prune'), 'rank 80% needs full matrices, and prune 50%, which comes earlier'),
    (dict(fuse=True, layout='NCHW', first='layout'), 'fuse needs plain layers'),
    (dict(native=True, bits='4'), 'bits and native do not go together'), (dict(native=True, precision='float64'), 'float64 and native do not'),
    (dict(native=True, fuse=True, first='native'), 'fuse needs plain layers, and native, which comes earlier')])
def test_what_makes_no_sense_is_refused_in_words(knobs, why):
    with pytest.raises(ValueError, match=why): recipe(knobs, net(), digits())

def test_a_first_step_that_is_not_wanted_changes_nothing():
    steps = [list(recipe(dict(channels=.5, sparsity=.5, first=f), net(), digits())) for f in ('', 'bits', 'prune')]
    assert steps == [['channels 50%', 'prune 50%']]*2 + [['prune 50%', 'channels 50%']]

def test_a_sensible_order_has_no_conflict_for_any_choice_of_steps():
    for some in permutations(NEEDS, 3):
        try: assert not conflict(sensible(some))
        except ValueError: assert all(conflict(p) for p in permutations(some))

def test_a_recipe_can_be_ablated():
    steps = recipe(dict(fuse=True, bits='8'), net(), digits())
    found = ablate(net(), steps, digits(), kinds=['add-one'], processes=1, repeats=6, progress=False)
    assert found.steps == ('fuse', 'int8') and set(found.suite.names) == {'base', 'fuse', 'int8'}

def test_training_tells_how_far_it_is_and_can_be_stopped():
    for teacher in (False, True):
        told = []
        def tell(done, of):
            told.append((done, of))
            if done == 7: raise Cancelled
        steps = recipe(dict(epochs=1, teacher=teacher), net(), digits(), tell)
        with pytest.raises(Cancelled): build(net(), steps, digits().x_test[:8])
        assert told == [(i, told[0][1]) for i in range(1, 8)] and told[0][1] >= 30


# --- designs

def test_designs_are_measured_in_the_same_rounds_and_the_baseline_is_the_measure():
    d = designs()
    assert list(d.nets) == ['base', 'fuse', HALF] and d.values['base']['time'] == (1, 1, 1)
    assert {(x.n, sum(map(len, x.how['within']))) for x in d.suite.results if x.metric == 'latency'} == {(10, 40)}, 'builds, rounds'
    assert len({x.how['run'] for x in d.suite.results if x.metric == 'latency'}) == 1
    x = digits().x_test[:1]
    assert cost(d.nets[HALF], x).macs <= .5*cost(net(), x).macs and d.values[HALF]['size'][0] < .7
    assert d.values[HALF]['size'] == (d.values[HALF]['size'][0],)*3, 'counted: no interval'
    for v in d.values.values(): assert all(lo <= mid <= hi for mid, lo, hi in v.values())

@needs_c
def test_c_is_the_last_step_and_its_memory_is_that_of_the_plan():
    knobs = dict(native=True, sparsity=.5, fuse=True)
    assert list(recipe(knobs, net(), digits())) == ['prune 50%', 'fuse', 'native']
    found = measure_design(net(), digits(), knobs | dict(batch=2), repeats=6)
    name, c = [*found.nets.items()][1]
    def counted(metric): return {r.name: r.median for r in found.suite.results if r.metric == metric}
    p, held, stored = c.plan(2), counted('peak activations'), counted('weights')
    assert held[name] == p.arena.nbytes + p.out.nbytes + 4*2*64 and stored[name] == p.weights.nbytes
    assert found.values[name]['size'][0] == stored[name]/stored['base']
    assert found.values[name]['memory'][0] == (held[name] + stored[name])/(held['base'] + stored['base'])

@needs_c
def test_integers_become_c_of_codes():
    knobs = dict(native=True, precision='integers')
    assert list(recipe(knobs, net(), digits())) == ['integers', 'native']
    found = measure_design(net(), digits(), knobs, repeats=6)
    found = measure_design(net(), digits(), dict(precision='integers'), found, repeats=6)
    assert found.values['integers + native']['accuracy'] == found.values['integers']['accuracy']
    assert found.values['integers + native']['size'][0] < .5

def test_without_a_compiler_the_design_is_refused_in_words(monkeypatch):
    monkeypatch.setenv('TINYBENCH_CC', 'none')
    with pytest.raises(ValueError, match='there is no C of this network: no C compiler'):
        measure_design(net(), digits(), dict(native=True), repeats=6)

def test_a_design_can_be_forgotten_but_not_the_baseline():
    d = designs()
    assert list(d.without('fuse').nets) == list(d.without('fuse').values) == ['base', HALF]
    assert list(d.without('base').nets) == list(d.nets) and list(designs().nets) == list(d.nets)
    assert d.without('fuse').without(HALF).values['base']['time'] == (1, 1, 1)

def test_too_many_designs_and_one_that_fails_are_refused():
    with pytest.raises(ValueError, match='2 designs are kept already: forget one first'):
        measure_design(net(), digits(), dict(bits='8'), designs(), most=2)
    with pytest.raises(ValueError, match='no layer gets smaller'):
        measure_design(Sequential(Dense(3, 2, np.random.default_rng(0))), Flat(), dict(rank=.99999))

class Flat:
    name, classes = 'flat', ('a', 'b')
    x_train = x_test = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    y_train = y_test = np.arange(40) % 2

def v(**change): return dict(accuracy=(.9, .88, .92), time=(1., .9, 1.1), size=(.5,)*3, memory=(.5,)*3) | change

@pytest.mark.parametrize('limits, status, said', [
    (Limits(), 'met', ''), (Limits(accuracy=.9), 'undecided', 'accuracy may break the limit of 90.0%'),
    (Limits(size=.4), 'missed', 'size breaks the limit of 40.0%: 10.0 points above it'),
    (Limits(accuracy=.9, size=.4), 'missed', 'accuracy may break'), (Limits(time=1.1, size=.5), 'met', ''),
    (Limits(accuracy=.95), 'missed', 'accuracy breaks the limit of 95.0%: 5.0 points below it')])
def test_a_design_is_as_good_as_its_worst_limit(limits, status, said):
    got, words = judge(v(), limits)
    assert got == status and said in words and (not words) == (status == 'met')

class Known:
    "Designs with known values, and who wins."
    def __init__(self, wins=(), **values):
        self.nets, self.values, self.wins = dict.fromkeys(values), values, dict(time=set(wins))

@pytest.mark.parametrize('wins, limits, kind, names', [
    ([], Limits(), 'keep the baseline', ('base',)), ([('a', 'base')], Limits(), 'model', ('a',)),
    ([('a', 'base'), ('b', 'base')], Limits(), 'a tie', ('a', 'b')), ([('a', 'base'), ('b', 'base'), ('b', 'a')], Limits(), 'model', ('b',)),
    ([('a', 'base')], Limits(accuracy=.9), 'undecided', ('base', 'a', 'b')),
    ([('a', 'base')], Limits(accuracy=.99), 'none', ()), ([('a', 'base'), ('base', 'b')], Limits(accuracy=.9), 'undecided', ('base', 'a'))])
def test_the_recommendation_keeps_the_baseline_and_says_if_it_is_undecided(wins, limits, kind, names):
    d = Known(wins, base=v(), a=v(), b=v())
    assert advise(d, limits) == (kind, names)
    said = dict(model='Take ', undecided='Undecided', none='Take none') | {'a tie': 'not told apart', 'keep the baseline': 'Keep the baseline'}
    assert said[kind] in advice(d, limits) and all(n in advice(d, limits) for n in names if n != 'base')

def test_a_picture_has_every_design_its_table_and_numbers_for_a_csv():
    shown = draw_designs(designs(), Limits(size=.9, time=1e6), 'size', 'fuse')      # however busy the machine
    assert shown.broken and 'fuse: size breaks the limit of 90.0%' in shown.words
    assert [r[1] for r in shown.table.rows] == list(designs().nets)
    lines = shown.table.to_csv().splitlines()
    assert lines[0].startswith('design,accuracy,accuracy_lo,accuracy_hi,time,') and len(lines) == 4
    assert float(lines[1].split(',')[1]) == designs().values['base']['accuracy'][0]
    assert 'not measured yet' in draw_designs(designs(), chosen='int8').words
    assert draw_designs().words.startswith('Not measured yet')


# --- the widget

@pytest.fixture
def explorer(tmp_path):
    e = AblationExplorer(net(), digits(), designs(), Choices(tmp_path/'c.json'), repeats=6)
    e.guess.open(50)
    return e

def ends(w): return (w.min, w.max) if hasattr(w, 'min') else [v for _, v in w._options_full] if hasattr(w, 'options') else (False, True)

def test_every_knob_draws_at_all_ends_inside_of_the_picture(explorer):
    e = explorer
    assert 'Your guess: 50. Measured: ' in words(e.guess.says)
    for name, w in e.knobs.items():
        for value in (ends(w)[0], ends(w)[-1]):
            was, w.value = w.value, value
            shown = e.picture()
            assert words(e.words) == shown.words and '<svg' in e.figure.value, (name, value)
            fig = shown.figure
            fig.draw_without_rendering()
            for ax in fig.axes:
                box = ax.get_tightbbox()
                assert box.x0 >= -2 and box.y0 >= -2 and box.x1 <= fig.bbox.x1 + 2 and box.y1 <= fig.bbox.y1 + 2, (name, value, box)
            w.value = was

def test_a_recipe_without_sense_says_so_and_keeps_the_figure(explorer):
    explorer.knobs['zeros'].value = True
    assert 'makes no sense: there are no zeros to skip' in words(explorer.words) and '<svg' in explorer.figure.value
    explorer.measurement.start()
    explorer.measurement.thread.join(20)
    assert 'It failed: there are no zeros to skip' in words(explorer.measurement.says) and list(explorer.found.nets) == list(designs().nets)

def test_measured_cancelled_and_forgotten(explorer):
    e, m = explorer, explorer.measurement
    e.knobs['epochs'].value = 1
    tell = m.progress
    def progress(done, of, *_):
        if done >= 5: m.stop.set()
        tell(done, of)
    m.progress = progress
    m.start()
    m.thread.join(60)
    assert 'Stopped' in words(m.says) and list(e.found.nets) == list(designs().nets)
    m.progress = tell
    m.start()
    m.thread.join(60)
    assert words(m.says) == 'Done.' and list(e.found.nets)[-1] == 'channels 50% + train 1' and 'train 1' in e.rows.value
    assert e.forget_now(e.settings) == 'channels 50% + train 1 is forgotten.'
    assert list(e.found.nets) == list(designs().nets) and 'train 1' not in e.rows.value
    assert e.forget_now(e.settings) == 'channels 50% + train 1 was not measured.'
    e.knobs['channels'].value, e.knobs['epochs'].value = 1, 0
    assert 'The baseline stays' in e.forget_now(e.settings) and 'base' in e.found.nets

def test_what_is_forgotten_during_a_measurement_stays_forgotten(explorer):
    go, e = threading.Event(), explorer
    e.knobs['channels'].value, e.knobs['fuse'].value = 1, True
    e.measurement.measure = lambda progress, **settings: go.wait(20) and designs()
    e.measurement.start()
    while not e.measurement.turn.lock.locked(): time.sleep(.01)
    e.forget()
    e.knobs['fuse'].value = False                 # the click meant what it saw
    go.set()
    e.measurement.thread.join(20)
    assert words(e.kept) == 'fuse is forgotten.' and list(e.found.nets) == [n for n in designs().nets if n != 'fuse']
    assert 'fuse' not in e.rows.value

def test_a_picture_of_other_settings_leaves_the_table_of_these(explorer):
    explorer.knobs['size'].value = .01
    before = explorer.rows.value
    explorer.static()
    assert explorer.rows.value == before and 'size breaks' in before

def test_what_is_kept_and_saved_is_in_files(explorer, tmp_path):
    explorer.keep()
    explorer.save()
    assert explorer.choices.last('ablation', 'kept')['channels'] == .5 and explorer.choices.last('ablation', 'guess') == 50
    assert (tmp_path/'ablation.png').read_bytes().startswith(b'\x89PNG') and 'fuse' in (tmp_path/'ablation.csv').read_text()
