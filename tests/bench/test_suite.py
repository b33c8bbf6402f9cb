"The suite: what its frontier and its choice prove, steps on disk that survive whatever ends a run, and models that fail."
import inspect, json, os, re, shutil, signal, subprocess, sys
from math import nan
from pathlib import Path
import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from tinybench.bench.benchmark import Labelled
from tinybench.backends.base import Model
from tinybench.bench.choose import beats, choose, may_beat, meets, statuses, surely_beats
from tinybench.bench.pareto import column_of, pareto, recommend
from tinybench.bench.steps import step_file
from tinybench.bench.suite import BenchmarkSuite, Column, Step, SuiteResult, columns, suite_rows
from tinybench.measure.accuracy import Score
from tinybench.measure.compare import paired_results
from tinybench.measure.result import BenchmarkResult, load_json
from tinybench.nn.dense import Dense, ReLU
from tinybench.nn.module import Sequential
from tinybench.bench.choose import frontier

ROOT = Path(__file__).resolve().parents[2]

def net(units, seed=0):
    rng = np.random.default_rng(seed)
    return Sequential(Dense(4, units, rng), ReLU(), Dense(units, 3, rng)).eval()

def toy(n=40):
    rng = np.random.default_rng(1)
    return Labelled('toy', rng.normal(size=(n, 4)).astype('float32'), rng.integers(0, 3, n))

def nets(): return dict(a=net(3), b=net(30), c=net(9, seed=2))

def run(models, data=None, out=None, progress=False, **options):
    return BenchmarkSuite(models, data, out, **dict(dict(repeats=6, min_secs=1e-5), **options)).run(progress)

def files(folder): return {p.name: p.read_bytes() for p in Path(folder).iterdir() if p.is_file()}

@pytest.fixture(scope='module')
def found(): return run(nets(), toy(), repeats=12)


# --- the frontier

numbers = st.integers(0, 6)
interval = st.tuples(numbers, numbers, numbers).map(lambda v: (sorted(v)[1], min(v), max(v)))
place = st.tuples(interval, interval)
places = st.lists(place, max_size=7).map(lambda ps: {f'm{i}': p for i,p in enumerate(ps)})

def truths(known, rng, n=40):
    "Points that could be true: drawn from the intervals, ends included."
    for _ in range(n):
        yield {k: tuple(float(rng.choice([lo, hi, rng.uniform(lo, hi)])) for _,lo,hi in p) for k,p in known.items()}

def front(points): return {k for k,p in points.items() if not any(beats(q, p) for q in points.values())}

@given(places, st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_whatever_is_true_on_is_on_and_off_is_off(known, seed):
    said = statuses(known)
    for points in truths(known, np.random.default_rng(seed)):
        true = front(points)
        for k,status in said.items():
            assert status == 'undecided' or (k in true) == (status == 'on')

@given(st.lists(st.tuples(numbers, numbers), max_size=8))
@settings(max_examples=80)
def test_without_doubt_it_is_the_frontier(points):
    exact = {str(i): ((c, c, c), (g, g, g)) for i,(c, g) in enumerate(points)}
    true = frontier(*zip(*points)) if points else []                     # written by others, by a walk and not by pairs
    assert statuses(exact) == {str(i): 'on' if i in true else 'off' for i in range(len(points))}

@given(places, place, st.integers(1, 3))
@settings(max_examples=80)
def test_what_is_worse_by_sure_margins_is_off(known, best, margin):
    (_, _, cost), (_, gain, _) = best
    known |= dict(best=best, worse=((cost + margin,)*3, (gain - margin,)*3))
    assert surely_beats(best, known['worse']) and statuses(known)['worse'] == 'off'

@given(places, place, interval, interval)
@settings(max_examples=120)
def test_who_is_off_changes_nothing_for_the_others(known, best, cost, gain):
    known |= dict(best=best)
    extra = tuple(v + best[0][2] for v in cost), tuple(best[1][1] - 6 + v for v in gain)
    with_it = statuses(known | dict(extra=extra))
    assume(with_it.pop('extra') == 'off')
    assert with_it == statuses(known)

@given(places, place)
@settings(max_examples=80)
def test_one_more_never_helps_anyone(known, extra):
    before, after = statuses(known), statuses(known | dict(extra=extra))
    order = ['on', 'undecided', 'off']
    assert all(order.index(before[k]) <= order.index(after[k]) for k in before)

@given(places, st.randoms())
def test_names_and_order_do_not_matter(known, random):
    keys = list(known)
    random.shuffle(keys)
    said = statuses({f'renamed {k}': known[k] for k in keys})
    assert said == {f'renamed {k}': v for k,v in statuses(known).items()}

@given(places, st.integers(0, 2**32 - 1))
def test_better_measurements_only_settle_what_was_open(known, seed):
    rng, sharper = np.random.default_rng(seed), {}
    for k,p in known.items():
        ends = [np.sort(rng.uniform(lo, hi, 2)) for _,lo,hi in p]
        sharper[k] = tuple((lo, lo, hi) for lo,hi in ends)
    after = statuses(sharper)
    assert all(v == 'undecided' or v == after[k] for k,v in statuses(known).items())

@given(place, place, place)
def test_beyond_doubt_is_an_order(a, b, c):
    assert not surely_beats(a, a) and not (surely_beats(a, b) and may_beat(b, a))
    assert not (surely_beats(a, b) and surely_beats(b, c)) or surely_beats(a, c)
    assert not surely_beats(a, b) or may_beat(a, b)

def test_a_min_max_score_flips_and_the_frontier_does_not():             # fault 49
    def minmax(rows):
        cost, gain = np.array(list(rows.values())).T
        score = (cost.max() - cost)/np.ptp(cost) + (gain - gain.min())/np.ptp(gain)
        return max(zip(score, rows))[1]
    def exact(rows): return {k: tuple((v, v, v) for v in row) for k,row in rows.items()}
    three, hopeless = dict(small=(1, .90), middle=(2, .94), large=(3, .95)), dict(hopeless=(20, .80))
    assert (minmax(three), minmax(three | hopeless)) == ('middle', 'large')
    assert statuses(exact(three)) == dict.fromkeys(three, 'on')
    assert statuses(exact(three | hopeless)) == statuses(exact(three)) | dict(hopeless='off')


# --- conditions and choice

@given(interval, st.none() | numbers, st.none() | numbers)
@settings(max_examples=80)
def test_a_condition_holds_where_all_that_may_be_true_holds_it(value, least, most):
    holds = [(least is None or v >= least) and (most is None or v <= most) for v in np.linspace(*value[1:], 7)]
    said = meets(value, least, most)
    if said == 'met': assert all(holds)
    if said == 'missed': assert not any(holds)
    if all(holds): assert said == 'met'

@given(st.dictionaries(st.sampled_from('abcdef'), st.tuples(numbers, numbers).map(sorted), min_size=1), st.data())
@settings(max_examples=80)
def test_nobody_beats_the_choice(known, data):
    among = data.draw(st.lists(st.sampled_from(sorted(known)), unique=True))
    base = data.draw(st.sampled_from(sorted(known)))
    def better(a, b): return known[a][1] < known[b][0]
    kind, got = choose(among, better, base)
    assert (kind == 'none') == (not among) and set(got) <= set(among) and (kind == 'a tie') == (len(got) > 1)
    assert not any(better(k, g) for g in got for k in among if base not in among or better(k, base))
    if kind == 'keep the baseline': assert not any(better(k, base) for k in among)
    elif base in among: assert all(better(g, base) for g in got)

@given(st.dictionaries(st.sampled_from('abcdef'), st.tuples(numbers, numbers).map(sorted), min_size=1), st.data())
def test_one_that_is_beaten_does_not_change_the_choice(known, data):
    base = data.draw(st.sampled_from(sorted(known)))
    def better(a, b): return ms[a][1] < ms[b][0]
    ms = known | dict(hopeless=(100, 101))
    assert choose([*known, 'hopeless'], better, base) == choose(list(known), better, base)


# --- a record made by hand

def made(latency, right, memory=None, n=40, rounds=30, spread=.01, seed=0, **kw):
    "A result with the given latencies, shares of right answers, and bytes."
    rng = np.random.default_rng(seed)
    pace = rng.lognormal(0, .1, rounds)
    secs = {k: v*pace*rng.lognormal(0, spread, rounds) for k,v in latency.items()}
    results = [*paired_results(secs).values()]
    for k,v in (memory or {}).items():
        results += [BenchmarkResult(k, m, 'B', b, 'modelled') for m,b in (('weights', v), ('peak activations', 100))]
    scores = [Score(k, np.arange(n) < round(share*n), 'toy') for k,share in right.items()]
    return SuiteResult(tuple(latency), kw.pop('baseline', next(iter(latency))), results, scores, **kw)

@pytest.fixture
def hand(): return made(dict(base=1e-3, fast=5e-4, twin=5e-4, slow=2e-3), dict(base=.9, fast=.5, twin=.9, slow=.99),
                        dict(base=4000, fast=1000, twin=8000, slow=400), n=1000)

def test_recommend_has_four_answers(hand):
    def said(**kw): return (r := recommend(hand, **kw)).kind, r.names
    assert said() == ('a tie', ('fast', 'twin')) or said() == ('a tie', ('twin', 'fast'))
    assert said(min_accuracy=.85) == ('model', ('twin',))
    assert said(min_accuracy=.85, max_memory=5000) == ('keep the baseline', ('base',))
    assert said(max_memory=900) == ('model', ('slow',))                  # the baseline does not meet it
    assert said(min_accuracy=.999) == ('none', ())
    assert said(want='accuracy') == ('model', ('slow',)) and said(want='memory') == ('model', ('slow',))
    assert said(want='accuracy', max_latency=1.5e-3) == ('keep the baseline', ('base',))
    assert said(baseline='twin', min_accuracy=.85) == ('keep the baseline', ('twin',))

def test_recommend_names_who_missed_and_who_is_undecided(hand):
    r = recommend(hand, min_accuracy=.9, max_memory=5000)
    assert r.kind == 'model' and r.names == ('slow',) and 'does not surely meet' in r.why
    assert [k for k,_ in r.undecided] == ['base'] and 'undecided, 90.0% [88' in dict(r.undecided)['base']
    assert [k for k,_ in r.missed] == ['fast', 'twin'] and 'memory at most 5 kB is missed, 8.1 kB' in dict(r.missed)['twin']
    for words in (repr(r), r._repr_markdown_()): assert 'twin' in words and r.kind in words
    assert json.loads(json.dumps(r.to_dict()))['kind'] == 'model'

@pytest.mark.parametrize('wrong, says', [
    (dict(min_accuracy=92), 'a share from 0 to 1'), (dict(want='beauty'), 'latency, memory or accuracy'),
    (dict(baseline='bose'), "no model 'bose'"), (dict(data='mnist', min_accuracy=.5), 'no accuracy on mnist')])
def test_recommend_refuses_in_words(hand, wrong, says):
    with pytest.raises(ValueError, match=says): recommend(hand, **wrong)

def test_what_was_not_measured_is_never_met():
    r = made(dict(base=1e-3, fast=5e-4), dict(base=.9, fast=.9), dict(base=4000))
    said = recommend(r, max_memory=9000)
    assert said.names == ('base',) and 'not known' in dict(said.undecided)['fast']
    with pytest.raises(ValueError, match='no memory was measured'): recommend(made(dict(a=1., b=1.), {}), max_memory=1)
    few = made(dict(base=1e-3, fast=5e-4), dict(base=.9, fast=.9), rounds=3)      # no interval, no verdict, no choice
    assert recommend(few).kind == 'none' and len(recommend(few).undecided) == 2
    assert pareto(few).rows == () and len(pareto(few).left_out) == 2 and 'baseline' in few.to_frame().verdict.values

@pytest.mark.parametrize('order', [('base', 'fast', 'twin', 'slow'), ('slow', 'twin', 'fast', 'base')])
def test_renaming_and_reordering_change_no_number(hand, order):
    names = dict(base='zz', fast='accurate', twin='efficient', slow='best')
    def renamed(x):
        d = x.to_dict()
        return type(x).from_dict(d | dict(name=names[d['name']]))
    other = SuiteResult(tuple(names[k] for k in order), 'zz', [renamed(x) for x in hand.results[::-1]],
                        [renamed(x) for x in hand.scores[::-1]])
    key = lambda row: (row['name'], row['metric'])
    mine = sorted((row | dict(name=names[row['name']]) for row in suite_rows(hand)), key=key)
    assert repr(sorted(suite_rows(other), key=key)) == repr(mine)
    for cost in ('latency', 'memory'):
        assert {s.name: s.status for s in pareto(other, cost).rows} == {names[s.name]: s.status for s in pareto(hand, cost).rows}
    for kw in ({}, dict(min_accuracy=.85), dict(max_memory=900), dict(want='accuracy')):
        a, b = recommend(hand, **kw), recommend(other, **kw)
        assert (a.kind, sorted(names[k] for k in a.names)) == (b.kind, sorted(b.names))

def test_measured_and_modelled_are_never_ranked_together(hand):
    env = hand.results[0].env
    mixed = SuiteResult(hand.names, 'base', [*(x for x in hand.results if x.name != 'slow'), BenchmarkResult(
        'slow', 'latency', 's', 1e-6, 'modelled', env=env)], hand.scores)
    assert len([c for c in columns(mixed) if c.metric == 'latency']) == 2
    for f in (pareto, recommend):
        with pytest.raises(ValueError, match='measured and modelled: not to be ranked together'): f(mixed)

def test_pareto_says_what_it_ranks(hand):
    p = pareto(hand)
    assert isinstance(p, Pareto) and p.cost == Column('latency', '', 's', 'measured') and p.gain.data == 'toy'
    assert {s.name: s.status for s in p.rows} == dict(base='undecided', fast='undecided', twin='on', slow='on')
    assert pareto(hand, 'memory')['slow'].status == 'on' and p['base'].cost[1] < 1e-3*1.1
    for text in (repr(p), p._repr_markdown_()): assert text.count('measured') == 2 and '95%' in text and 'undecided' in text
    assert list(p.to_frame().status) == [s.status for s in p.rows] and json.dumps(p.to_dict())
    for wrong, says in ((dict(cost='accuracy'), 'no cost'), (dict(gain='latency'), 'no gain'), (dict(gain='throughput'), 'no throughput')):
        with pytest.raises(ValueError, match=says): pareto(hand, **wrong)

def test_two_data_sets_take_a_choice():
    r = made(dict(a=1e-3, b=2e-3), dict(a=.9, b=.95))
    more = SuiteResult(r.names, 'a', r.results, [*r.scores, Score('a', [True]*9, 'other'), Score('b', [True, False]*9, 'other')])
    with pytest.raises(ValueError, match='accuracy on which data[?] One of toy, other'): pareto(more)
    assert pareto(more, data='other')['a'].gain[0] == 1 and pareto(more, data='toy')['a'].gain[0] == .9
    assert set(column_of(more, 'accuracy', 'toy')[1]) == {'a', 'b'}

def test_a_record_refuses_what_has_no_place(hand):
    score, timed = hand.scores[0], hand.results[0]
    for kw, says in ((dict(failures=dict(base='raised'), scores=[score]), 'failed, so it can have no accuracy'),
                     (dict(failures=dict(bose='raised')), "failure 'bose'"), (dict(results=[timed, timed]), 'base latency comes twice'),
                     (dict(scores=[Score('bose', [True], 'toy')]), "accuracy of 'bose'"), (dict(baseline='bose'), "baseline 'bose'")):
        with pytest.raises(ValueError, match=says): SuiteResult(**dict(dict(names=hand.names, baseline='base'), **kw))
    with pytest.raises(TypeError): hand.failures['x'] = 'y'

def test_round_trip_and_schemas(hand, tmp_path):
    assert SuiteResult.from_dict(json.loads(json.dumps(hand.to_dict()))) == hand
    path = hand.save(tmp_path)
    assert SuiteResult.load(tmp_path) == SuiteResult.load(path) == hand and load_json(path) == list(hand.results)
    d = json.loads(path.read_text())
    for wrong, says in ((d | dict(schema=0), 'suite result of schema 0: tinybench .* knows schema 1 only'), (d | dict(schema=2), 'schema 2'),
                        (d | dict(report='race'), 'no result of a suite'), ([], 'no result of a suite'),
                        ({k: v for k,v in d.items() if k != 'scores'}, 'missing in a suite result: scores'),
                        (d | dict(results=[d['results'][0] | dict(schema=0)]), 'a record of schema 0'),
                        (d | dict(scores=[d['scores'][0] | dict(schema=0)]), 'a score of schema 0')):
        path.write_text(json.dumps(wrong))
        with pytest.raises(ValueError, match=says) as e: SuiteResult.load(path)
        assert str(path) in str(e.value)
    path.write_text('{"rep')
    with pytest.raises(ValueError, match='results.json'): SuiteResult.load(tmp_path)

def test_every_row_has_an_origin_and_the_level_is_kept(hand):
    frame = hand.to_frame()
    assert set(frame.provenance) == {'measured', 'modelled'} and (frame.level == .95).all() and (frame.n > 0).all()
    assert (frame[frame.provenance == 'measured'].lo < frame[frame.provenance == 'measured'].hi).all()
    wide = SuiteResult(hand.names, 'base', hand.results, settings=dict(level=.5, band=.02)).to_frame()
    narrow, usual = (f[f.metric == 'latency'] for f in (wide, frame))
    assert (narrow.hi - narrow.lo < (usual.hi - usual.lo).values).all() and set(narrow.level) == {.5}

def test_verdicts_against_the_baseline(hand):
    said = {str(c): {k: a.verdict for k,a in beside.items()} for c,beside in hand.comparison.items()}
    assert said['latency'] == dict(fast='faster', twin='faster', slow='slower')
    assert said['accuracy on toy'] == dict(fast='worse', twin='same', slow='better')
    assert said['weights'] == dict(fast='less', twin='more', slow='less')
    alone = [BenchmarkResult(k, 'latency', 's', [1e-3]*9, 'measured') for k in ('base', 'other')]     # not in turns
    apart = SuiteResult(('base', 'other'), 'base', alone)
    assert not apart.comparison and 'other' in repr(apart) and recommend(apart).names == ('base',)
    assert against({}, 'base') == {} and against(dict(base=hand.results[0]), 'base') == {}

def test_words():
    assert worded(.98611, .968, .9942, 'share') == '98.6% [96.8, 99.4]' and worded(.9, unit='share') == '90.0%'
    assert worded(3.4e-6, 3.2e-6, 3.7e-6, 's') == '3.4 µs [3.2, 3.7]' and worded(.7312, .728, .74) == '0.731 [0.728, 0.740]'
    assert worded(1., .3, 7.) == '1.0 [0.3, 7.0]' and worded(4096, unit='B') == '4.1 kB'
    assert worded(1.04e6, 1.01e6, 1.12e6, 'examples/s') == '1.04 M examples/s [1.01, 1.12]'
    assert Against('difference', .012, -.004, .02, .2, 'undecided').words() == '+1.2 points [-0.4, +2.0]'

@given(st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_a_name_cannot_break_a_table(names):
    lines = markdown([['model', 'n'], *([k, '1'] for k in names)]).split('\n')
    assert len(lines) == 2 + len(names)
    for line in lines:
        bars = [i for i,c in enumerate(line) if c == '|' and (len(line[:i]) - len(line[:i].rstrip('\\'))) % 2 == 0]
        assert len(bars) == 3


# --- steps on disk

def test_step_files_are_short_plain_and_different():
    odd = ['a', 'A', 'a/b', '../a', 'a b', 'a-b', 'ä', '', 'x'*400, 'x'*401, 'CON', 'a:b', 'a\nb', '\ud800']
    found = [step_file(str(Step('accuracy', k, 'toy'))) for k in odd]
    assert len({f.lower() for f in found}) == len(odd)
    assert all(len(f) <= 90 and set(f) <= set('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-') for f in found)
    assert str(Step('accuracy', 'a:b', 'c')) != str(Step('accuracy', 'a', 'b:c'))

plain_values = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
                            lambda s: st.lists(s, max_size=3) | st.dictionaries(st.text(max_size=3), s, max_size=3), max_leaves=8)

@given(plain_values, plain_values)
def test_fingerprints_differ_where_values_do(a, b):
    assert (fingerprint(a) == fingerprint(b)) == (json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True))

@given(st.dictionaries(st.text(max_size=3), plain_values, max_size=4), st.dictionaries(st.text(max_size=3), plain_values, max_size=4))
def test_what_differs_is_named(a, b):
    assert differences(a, a) == []
    for words in differences(a, b): assert 'there' in words and 'here' in words

def test_differences_forgive_the_rounding_of_answers_only():
    assert differences(dict(answers=[1., 0.]), dict(answers=[1.0001, -.0001])) == []
    assert differences(dict(answers=[1., 0.]), dict(answers=[1.01, 0.])) and differences(dict(band=.02), dict(band=.0201))
    assert differences(dict(n=1), dict(n=True)) and differences(dict(a=[1., 2.]), dict(a=[1.]))

@given(st.dictionaries(st.text(max_size=5), plain_values, max_size=4))
def test_a_step_comes_back_as_it_was(tmp_path_factory, body):
    steps, mark = open_steps(tmp_path_factory.mktemp('s'), dict(repeats=30))
    assert load_step(steps, 'latency:1', mark) is None
    save_step(steps, 'latency:1', mark, body)
    assert load_step(steps, 'latency:1', mark) == body and load_step(steps, 'latency:2', mark) is None

def broken_steps(text):
    d = json.loads(text)
    yield 'is no JSON', text[:len(text)//2]
    yield 'is no JSON', ''
    yield 'is no JSON', b'\xff\xfe\x00'
    yield 'no dictionary', '[]'
    yield 'digest', json.dumps(d | dict(body=dict(median=9.)))
    yield 'digest', json.dumps({k: v for k,v in d.items() if k != 'body'})
    yield "holds the step 'memory:a'", json.dumps(d | dict(step='memory:a'))

def test_a_damaged_step_is_named(tmp_path):
    steps, mark = open_steps(tmp_path, {})
    path = save_step(steps, 'latency:1', mark, dict(median=3.))
    for says, wrong in broken_steps(path.read_text()):
        path.write_bytes(wrong if isinstance(wrong, bytes) else wrong.encode())
        with pytest.raises(DamagedStep, match=says) as e: load_step(steps, 'latency:1', mark)
        assert path.name in str(e.value)

def test_other_settings_and_other_schemas_are_refused(tmp_path):
    steps, mark = open_steps(tmp_path, dict(repeats=30, models=dict(a=dict(weights='f0'))))
    assert open_steps(tmp_path, dict(models=dict(a=dict(weights='f0')), repeats=30)) == (steps, mark)
    with pytest.raises(ValueError, match=r'repeats \(30 there, 20 here\); models.a.weights \("f0" there, "f1" here\). Name another'):
        open_steps(tmp_path, dict(repeats=20, models=dict(a=dict(weights='f1'))))
    with pytest.raises(ValueError, match='measured with other settings'):
        load_step(steps, 'x', save_step(steps, 'x', 'other', {}) and mark)
    path = save_step(steps, 'y', mark, {})
    path.write_text(json.dumps(json.loads(path.read_text()) | dict(schema=0)))
    with pytest.raises(ValueError, match='schema 0: tinybench .* knows schema 1 only') as e: load_step(steps, 'y', mark)
    assert not isinstance(e.value, DamagedStep)
    noted = steps/'settings.json'
    for wrong, says in (('{"sch', 'damaged'), ('{"schema": 0, "settings": {}}', 'schema 0'), ('[]', 'schema None')):
        noted.write_text(wrong)
        with pytest.raises(ValueError, match=says): open_steps(tmp_path, {})
    noted.unlink()
    with pytest.raises(FileExistsError, match='no settings.json'): open_steps(tmp_path, {})

def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path/'file').touch()
    with pytest.raises(OSError, match=r'cannot make the folder .*file'): open_steps(tmp_path/'file'/'x', {})


# --- the suite

METRICS = ['accuracy', 'weights', 'peak activations', 'allocated peak', 'latency', 'throughput']

def test_a_suite_measures_everything(found):
    assert found.ok and [c.metric for c in columns(found)] == METRICS
    assert all(set(xs) == set('abc') for xs in columns(found).values())
    frame = found.to_frame()
    assert len(frame) == 18 and not frame.value.isna().any() and set(frame.provenance) == {'measured', 'modelled'}
    assert {r.how['threads'] for r in found.results if r.metric == 'latency'} == {1}
    assert found.settings['models']['a']['weights'] != found.settings['models']['c']['weights']
    assert found.system['cpu'] and found.system['words']['memory'].endswith('GiB')
    for text in (repr(found), found._repr_markdown_()):
        assert '95% intervals' in text and text.count('(measured') == 4 and text.count('(modelled') == 2 and 'n=40' in text
    assert SuiteResult.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert {s.name for s in pareto(found).rows} == set('abc') and recommend(found).names

def test_without_data_there_is_no_accuracy():
    r = run({k: Model(k, v, (4,)) for k,v in dict(f=lambda x: x*2, g=lambda x: x + 1).items()})
    assert not r.scores and {x.metric for x in r.results} == {'allocated peak', 'latency', 'throughput'}
    with pytest.raises(ValueError, match='no accuracy was measured; there is allocated peak, latency, throughput'): pareto(r)

def test_the_same_numbers_under_other_names_in_another_order(found):
    n = nets()
    other = run(dict(zz=n['c'], best_accurate=n['a'], slow=n['b']), toy(), baseline='best_accurate', repeats=12)
    names = dict(a='best_accurate', b='slow', c='zz')
    for metric in METRICS[:4]:                                           # those that are no timings
        mine, theirs = (column_of(r, metric)[1] for r in (found, other))
        for k,x in mine.items():
            y = theirs[names[k]]
            if metric == 'accuracy': assert x.hits == y.hits
            elif metric != 'allocated peak': assert x.values == y.values
    assert other.comparison.keys() == found.comparison.keys()

class Shaky:
    "Right for a number of calls, then `then`."
    def __init__(self, then, calls=0): self.then, self.left = then, calls
    def __call__(self, x):
        self.left -= 1
        return x @ np.ones((4, 3), 'float32') if self.left >= 0 else self.then(x)

def raises(x): raise ZeroDivisionError('by zero')
def gives_nan(x): return np.full((len(x), 3), np.nan)
def wrong_shape(x): return np.zeros((len(x) + 1, 3))
def only_one(x):
    if len(x) == 32: raise MemoryError('too many')
    return np.zeros((len(x), 3), 'float32')

@pytest.mark.parametrize('bad, says, where', [
    (raises, 'by zero', 'accuracy'), (gives_nan, 'NaN|finite', 'accuracy'), (wrong_shape, 'shape', 'accuracy'),
    (only_one, 'too many', 'throughput'), (Shaky(raises, 40), 'by zero', 'latency|throughput')])
@pytest.mark.parametrize('baseline', ['bad', 'a'])
def test_a_failing_model_has_words_and_no_number(bad, says, where, baseline):
    if isinstance(bad, Shaky): bad = Shaky(raises, 40)
    r = run(dict(a=net(3), bad=Model('bad', bad, (4,)), c=net(9)), toy(), baseline=baseline)
    assert not r.ok and list(r.failures) == ['bad'] and re.search(says, r.failures['bad']) and re.search(where, r.failures['bad'])
    assert {x.name for x in (*r.results, *r.scores)} == {'a', 'c'} and 'bad' not in r.to_frame().name.values
    assert all(set(xs) == {'a', 'c'} for xs in columns(r).values()) and len(columns(r)) == 6
    assert 'bad failed and has no number' in repr(r) and 'bad' not in {s.name for s in pareto(r).rows}
    assert 'bad' not in recommend(r, baseline='bad').names and 'bad' not in recommend(r).names
    if baseline == 'bad':
        assert not r.comparison and 'the baseline bad failed: nothing is compared to it' in r.concerns()
    else: assert set(map(str, r.comparison)) >= {'latency', 'throughput', 'accuracy on toy'}

def test_all_may_fail(tmp_path):
    r = run({'1': Model('1', raises, (4,)), 'b': Model('b', gives_nan, (4,))}, toy(), tmp_path)    # '1' is also a batch
    assert set(r.failures) == {'1', 'b'} and r.results == r.scores == () and len(r.to_frame()) == 0
    assert SuiteResult.load(tmp_path) == r and '1 failed' in repr(r)
    with pytest.raises(ValueError, match='there is nothing'): pareto(r)

def test_a_failure_stays_on_disk_and_is_not_tried_again(tmp_path):
    shaky = Shaky(raises, 1)                                             # right once, while its identity is looked at
    first = run(dict(a=net(3), bad=Model('bad', shaky, (4,))), toy(), tmp_path)
    shaky.left = 1
    again = run(dict(a=net(3), bad=Model('bad', shaky, (4,))), toy(), tmp_path)
    assert again.failures == first.failures and again.results == first.results and shaky.left == 0

def test_errors_that_are_not_the_models_come_out(tmp_path):
    def stop(step, done, total): raise RuntimeError('not a model')
    with pytest.raises(RuntimeError, match='not a model'): run(nets(), toy(), tmp_path, progress=stop)
    with pytest.raises(ValueError, match='no model'): BenchmarkSuite({})
    with pytest.raises(ValueError): BenchmarkSuite(nets(), toy(), baseline='nobody')

def test_progress_rises_to_the_end(capsys):
    told = []
    run(nets(), toy(), progress=lambda *t: told.append(t))
    steps = [str(s) for s in BenchmarkSuite(nets(), toy()).steps()]
    assert [*dict.fromkeys(t[0] for t in told)] == [*steps, 'done'] and told[-1] == ('done', 8, 8)
    done = [t[1] for t in told]
    assert done == sorted(done) and len({t for t in told if t[0] == 'latency:1'}) == 7
    run(dict(a=net(3)), toy(), progress=True)                                   # no terminal, no bar
    assert capsys.readouterr() == ('', '')

def test_a_second_run_measures_nothing(tmp_path):
    first = run(nets(), toy(), tmp_path)
    before, told = files(tmp_path/'steps'), []
    again = run(nets(), toy(), tmp_path, progress=lambda *t: told.append(t))
    assert files(tmp_path/'steps') == before and len(told) == 9          # one word a step, no rounds
    assert again.results == first.results and again.scores == first.scores and again.system == first.system
    assert again.notes == ('8 of 8 steps were measured in an earlier run',) and SuiteResult.load(tmp_path) == again
    order = dict(reversed(nets().items()))
    assert run(order, toy(), tmp_path, baseline='a').results and files(tmp_path/'steps') == before

@pytest.mark.parametrize('change, says', [
    (dict(models=nets() | dict(c=net(9, seed=3))), 'models.c.weights'), (dict(models=dict(list(nets().items())[:2])), 'models.c'),
    (dict(data=toy(39)), 'data.toy.n'), (dict(repeats=7), 'repeats [(]6 there, 7 here'), (dict(seed=1), 'seed'),
    (dict(threads=None), 'threads'), (dict(baseline='b'), 'baseline'), (dict(batch=2), 'batch'),
    (dict(models=nets() | dict(c=Model('c', lambda x: x[:, :3], (4,)))), 'models.c.kind')])
def test_other_settings_never_mix(tmp_path_factory, change, says):
    out = tmp_path_factory.getbasetemp()/'kept'
    if not out.exists(): run(nets(), toy(), out)
    before = files(out/'steps')
    with pytest.raises(ValueError, match=f'other settings: .*{says}') as e: run(**dict(dict(models=nets(), data=toy(), out=out), **change))
    assert str(out) in str(e.value) and 'Name another folder' in str(e.value) and files(out/'steps') == before

def test_pytorch_in_a_suite_is_told_by_its_weights(torch, tmp_path):
    def suite(seed):
        torch.manual_seed(seed)
        return dict(ours=net(3), theirs=torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3)))
    r = run(suite(0), toy(), tmp_path)
    assert r.ok and set(column_of(r, 'latency')[1]) == set(column_of(r, 'accuracy')[1]) == {'ours', 'theirs'}
    assert 'theirs' in dict(recommend(r, max_memory=1e9).undecided)       # its activations are not known
    assert run(suite(0), toy(), tmp_path).notes
    with pytest.raises(ValueError, match='models.theirs.weights'): run(suite(1), toy(), tmp_path)

@pytest.mark.slow
def test_fresh_processes(tmp_path):
    r = run(nets(), toy(), tmp_path, processes=6)
    assert {x.n for x in r.results if x.metric == 'latency'} == {6} and [c for c in r.comparison if c.metric == 'latency']
    assert recommend(r).kind != 'none' and run(nets(), toy(), tmp_path, processes=6).notes

def test_a_function_is_told_by_its_answers(tmp_path):
    def suite(k): return dict(f=Model('f', lambda x: k*x, (4,)))
    run(suite(2), None, tmp_path)
    assert run(suite(2), None, tmp_path).notes
    with pytest.raises(ValueError, match='models.f.answers'): run(suite(3), None, tmp_path)

def test_a_damaged_step_is_measured_again_and_said(tmp_path):
    first = run(nets(), toy(), tmp_path)
    path = tmp_path/'steps'/step_file('memory:b')
    whole, others = path.read_bytes(), {k: v for k,v in files(tmp_path/'steps').items() if k != path.name}
    for says, wrong in broken_steps(path.read_text()):
        path.write_bytes(wrong if isinstance(wrong, bytes) else wrong.encode())
        damaged, r = path.read_bytes(), run(nets(), toy(), tmp_path)
        note, old = r.notes
        assert says in note and path.name in note and 'measured again' in note and old.startswith('7 of 8')
        assert note in r.concerns()
        aside = path.with_name(path.name + '.damaged')
        assert aside.read_bytes() == damaged and {k: v for k,v in files(tmp_path/'steps').items() if k in others} == others
        assert [x.values for x in r.results if x.metric != 'allocated peak'] == [x.values for x in first.results if x.metric != 'allocated peak']
        assert load_step(tmp_path/'steps', 'memory:b', fingerprint(first.settings))
        aside.unlink()
        path.write_bytes(whole)


# --- runs that end badly

SCRIPT = '\n'.join(['''
import sys
import numpy as np
from tinybench.bench.benchmark import Labelled
from tinybench.bench.suite import BenchmarkSuite
from tinybench.nn.dense import Dense, ReLU
from tinybench.nn.module import Sequential
''', *map(inspect.getsource, (net, toy, nets)), '''
def tell(*t): print(*t, flush=True)
try: BenchmarkSuite(nets(), toy(), sys.argv[1], repeats=int(sys.argv[2]), min_secs=1e-4).run(tell)
except OSError as e: sys.exit(f'error: {e.strerror}')
'''])
unix = pytest.mark.skipif(sys.platform == 'win32', reason='needs the signals of Unix')

def started(out, repeats=30, before=None):
    "The suite of `SCRIPT` in a process of its own, which does not ignore SIGINT even where this one does."
    def prepare():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if before: before()
    env = {**os.environ, 'PYTHONPATH': str(ROOT), 'OPENBLAS_NUM_THREADS': '1'}
    return subprocess.Popen([sys.executable, '-W', 'error', '-c', SCRIPT, str(out), str(repeats)], env=env, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=prepare)

def until(process, step, times=1):
    "Reads what `process` tells until it has named `step` so many times."
    for line in process.stdout:
        times -= line.startswith(step + ' ')
        if not times: return
    pytest.fail(f'ended before {step}: {process.stderr.read()}')

def finish(process):
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out.splitlines()

def check_resumed(out, before, repeats=30):
    "Runs to the end: what was finished is not touched, and nothing is missing."
    told = finish(started(out, repeats))
    after = files(out/'steps')
    assert {k: after[k] for k in before} == before
    r = SuiteResult.load(out)
    assert r.ok and len(columns(r)) == 6 and all(set(xs) == set('abc') for xs in columns(r).values())
    assert {x.n for x in r.results if x.metric in ('latency', 'throughput')} == {repeats}
    n = len([k for k in before if not k.startswith(('settings', '.'))])
    assert not n or r.notes == (f'{n} of 8 steps were measured in an earlier run',)
    return told

@unix
def test_kill_9_in_the_middle_loses_nothing_that_was_finished(tmp_path):
    with started(tmp_path, 600) as p:
        until(p, 'latency:1', 10)                                        # in its tenth round or so
        p.kill()
    assert p.returncode == -signal.SIGKILL
    before = files(tmp_path/'steps')
    done = {step_file(s) for s in [*(f'accuracy:{k}:toy' for k in 'abc'), *(f'memory:{k}' for k in 'abc')]}
    assert set(before) == done | {'settings.json'} and not (tmp_path/'results.json').exists()
    told = check_resumed(tmp_path, before, 600)
    assert len([line for line in told if line.startswith('memory:a')]) == 1

@unix
@pytest.mark.slow
def test_kill_9_at_every_step_still_comes_to_an_end(tmp_path):
    steps = [str(s) for s in BenchmarkSuite(nets(), toy()).steps()]
    before = {}
    for i,step in enumerate(steps):
        with started(tmp_path) as p:
            until(p, step)
            p.kill()
        after = {k: v for k,v in files(tmp_path/'steps').items() if not k.startswith('.')}     # a write may have been killed
        mark = fingerprint(json.loads(after['settings.json'])['settings'])
        assert {k: after.get(k) for k in before} == before and {step_file(s) for s in steps[:i]} < set(after)
        assert sum(load_step(tmp_path/'steps', s, mark) is not None for s in steps) == len(after) - 1
        before = after
    check_resumed(tmp_path, before)

@unix
def test_two_runs_in_one_folder_are_refused(tmp_path):
    with started(tmp_path, 600) as p:
        until(p, 'latency:1', 3)
        with started(tmp_path, 600) as other: err = other.communicate()[1]
        p.kill()
    assert other.returncode == 1 and err == f'error: another run is at work in {tmp_path/"steps"}: wait for it, or name another folder\n'
    left = tmp_path/'steps'/f'.{step_file("latency:1")}.{"0"*32}'         # as a killed write leaves it
    left.touch()
    finish(started(tmp_path, 600))                                        # the lock is gone with its owner
    assert not left.exists()

@unix
def test_ctrl_c_in_the_middle_loses_nothing_that_was_finished(tmp_path):
    with started(tmp_path, 600) as p:
        until(p, 'throughput:32', 5)
        p.send_signal(signal.SIGINT)
        err = p.communicate()[1]
    assert p.returncode != 0 and 'KeyboardInterrupt' in err
    before = files(tmp_path/'steps')
    assert len(before) == 8 and step_file('latency:1') in before
    check_resumed(tmp_path, before, 600)

@unix
def test_a_file_that_may_not_grow_leaves_the_finished_steps_whole(tmp_path):
    import resource
    limit = 16_000                                                       # all steps fit, but those of 400 rounds
    with started(tmp_path, 400, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) as p:
        err = p.communicate()[1]
    assert p.returncode == 1 and err.startswith(f'error: cannot write {step_file("latency:1")} in the folder {tmp_path/"steps"} (')
    assert err.count('\n') == 1
    before = files(tmp_path/'steps')
    assert len(before) == 7 and not [k for k in before if k.startswith('.')]
    check_resumed(tmp_path, before, 400)

@unix
def test_a_full_disk_leaves_the_finished_steps_whole(tmp_path):
    mounted = os.geteuid() == 0 and subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', tmp_path],
                                                   capture_output=True).returncode == 0
    if not mounted: pytest.skip('needs root, to mount a small disk')
    try:
        with started(tmp_path/'out', 600) as p:
            until(p, 'latency:1', 5)
            with pytest.raises(OSError, match='No space'), open(tmp_path/'filler', 'wb', buffering=0) as f:
                while True: f.write(bytes(512))
            err = p.communicate()[1]
        assert shutil.disk_usage(tmp_path).free == 0
        assert p.returncode == 1 and err.count('\n') == 1 and f'in the folder {tmp_path/"out"/"steps"} (No space' in err
        before = files(tmp_path/'out'/'steps')
        assert len(before) == 7 and not [k for k in before if k.startswith('.')]
        (tmp_path/'filler').unlink()
        check_resumed(tmp_path/'out', before, 600)
    finally: subprocess.run(['umount', tmp_path], check=True)

@unix
def test_a_disk_that_is_full_from_the_start_costs_no_measurement(tmp_path):
    import resource
    with started(tmp_path, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))) as p:
        out, err = p.communicate()
    assert p.returncode == 1 and 'cannot write settings.json in the folder' in err and 'accuracy' not in out


class Slower(Dense):
    "The same weights and answers as a Dense, by other code."
    def forward(self, x): return super().forward(x)

def test_the_same_answers_by_other_code_are_another_model(tmp_path):
    r = np.random.default_rng(0)
    first, other = Dense(4, 3, r), Slower(4, 3, r)
    other.load_state_dict(first.state_dict())
    def again(net): return BenchmarkSuite({'net': (net, (4,))}, out=tmp_path, repeats=6, min_secs=1e-4).run(False)
    assert again(first).ok and again(first).ok
    with pytest.raises(ValueError, match='begun with other settings: models.net.code'): again(other)

@pytest.mark.parametrize('options', [dict(repeats=5), dict(processes=3)])
def test_too_few_for_a_verdict_is_said_before_anything_is_measured(options):
    with pytest.raises(ValueError, match='needs 6'): BenchmarkSuite({'f': (lambda x: x, (4,))}, **options)
