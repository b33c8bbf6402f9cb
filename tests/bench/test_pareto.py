"What a suite proves: a frontier with its doubts, and a choice that names who missed and who is undecided."
import json
from dataclasses import replace
import numpy as np
import pytest
from benchkit import hand as made_by_hand, made, net, nets, toy
from hypothesis import given, strategies as st
from tinybench.backends.base import as_model
from tinybench.bench.pareto import (USES, Pareto, Use, advise, column_of, compare_optimization_techniques, kept, pareto,
                                    recommend, wanted)
from tinybench.bench.suite import Column, SuiteResult, columns, suite_rows
from tinybench.measure.accuracy import Score, accuracy_difference
from tinybench.measure.pairs import ratio_and_p
from tinybench.measure.result import BenchmarkResult

@pytest.fixture
def hand(): return made_by_hand()

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
    assert {s.name: s.status for s in p.rows} == dict(base='off', fast='off', twin='on', slow='on')
    assert pareto(hand, 'memory')['slow'].status == 'on' and p['base'].cost[1] < 1e-3*1.1
    for text in (repr(p), p._repr_markdown_()): assert text.count('measured') == 2 and '95%' in text and 'Judged by pairs' in text
    assert list(p.to_frame().status) == [s.status for s in p.rows] and json.dumps(p.to_dict())
    for wrong, says in ((dict(cost='accuracy'), 'no cost'), (dict(gain='latency'), 'no gain'), (dict(gain='throughput'), 'no throughput')):
        with pytest.raises(ValueError, match=says): pareto(hand, **wrong)

def test_two_data_sets_take_a_choice():
    r = made(dict(a=1e-3, b=2e-3), dict(a=.9, b=.95))
    more = SuiteResult(r.names, 'a', r.results, [*r.scores, Score('a', [True]*9, 'other'), Score('b', [True, False]*9, 'other')])
    with pytest.raises(ValueError, match='accuracy on which data[?] One of toy, other'): pareto(more)
    assert pareto(more, data='other')['a'].gain[0] == 1 and pareto(more, data='toy')['a'].gain[0] == .9
    assert set(column_of(more, 'accuracy', 'toy')[1]) == {'a', 'b'}


# --- what somebody needs it for

@given(st.integers(1, 300), st.integers(0, 300), st.floats(.001, .5))
def test_a_loss_is_proved_small_or_large_or_neither(n, wrong, lose):
    old, new = Score('old', [True]*n, 'd'), Score('new', [i >= wrong for i in range(n)], 'd')
    d, said = accuracy_difference(new, old), kept(new, old, lose)
    assert said == ('met' if d.lo >= -lose else 'missed' if d.hi < -lose else 'undecided')
    if said == 'met': assert wrong/n <= lose
    assert kept(old, new, lose) != 'missed'

def suite(latency, right, memory=None, n=1000, **kw): return made(latency, right, memory or {k: 4000 for k in latency}, n=n, **kw)

def test_a_use_has_five_answers():
    "The fastest of those that keep the accuracy; none, several, or the baseline; and undecided."
    def said(r, lose=.05, want='latency', **limits): return (a := advise(r, Use(want, lose), **limits)).kind, a.names
    r = suite(dict(base=1e-3, fast=5e-4, worse=3e-4), dict(base=.95, fast=.95, worse=.7))
    assert said(r) == ('model', ('fast',)) and said(r, lose=.5) == ('model', ('worse',))
    assert said(suite(dict(base=1e-3, a=5e-4, b=5e-4), dict(base=.9, a=.9, b=.9)))[0] == 'a tie'
    assert said(suite(dict(base=1e-3, a=2e-3, b=1e-3), dict(base=.9, a=.9, b=.9), spread=.001)) == ('keep the baseline', ('base',))
    assert said(suite(dict(base=1e-3, worse=3e-4), dict(base=.95, worse=.7))) == ('keep the baseline', ('base',))    # surely too much lost
    few = suite(dict(base=1e-3, fast=5e-4), dict(base=.9, fast=.85), n=40)
    assert said(few) == ('undecided', ('fast',)) and 'more rounds or examples' in advise(few, Use('latency', .05)).why
    assert said(suite(dict(base=1e-3, near=.99e-3), dict(base=.9, near=.9), spread=.2)) == ('undecided', ('near',))
    assert said(r, max_latency=1e-5) == ('none', ())
    assert said(r, max_latency=6e-4) == ('model', ('fast',)) and said(r, lose=.5, min_accuracy=.9) == ('model', ('fast',))

def in_builds(r, n=10):
    "`r` as if its rounds had been shared out to `n` builds."
    def one(x):
        if x.unit != 's': return x
        within = [list(v) for v in np.array_split(x.values, n)]
        return replace(x, values=[float(np.median(v)) for v in within], how=dict(x.how, builds=n, within=within))
    return replace(r, results=tuple(map(one, r.results)))

def test_the_balance_of_builds_counts_memory_too():
    "A third of the memory at the same time is a third of the product, whatever the rounds were."
    r = made(dict(base=1e-3, small=1e-3), dict(base=.9, small=.9), dict(base=9000, small=3000), n=1000)
    for found in (r, in_builds(r)):
        a, b = (wanted(found, 'balance')[k] for k in ('small', 'base'))
        small = column_of(found, 'memory')[1]['small'].median/column_of(found, 'memory')[1]['base'].median
        assert ratio_and_p(a, b)[0].estimate == pytest.approx(small, rel=.02) and small < .5
        assert advise(found, USES['balanced']).names == ('small',)

def test_memory_and_balance():
    r = suite(dict(base=1e-3, small=1.2e-3, fast=8e-4), dict.fromkeys(('base', 'small', 'fast'), .9), dict(base=10_000, small=1000, fast=10_000))
    assert {k: advise(r, u).names for k, u in USES.items()} == {
        'latency-critical': ('fast',), 'memory-constrained': ('small',), 'accuracy-preserving': ('fast',), 'balanced': ('small',)}
    balance, memory = wanted(r, 'balance'), wanted(r, 'memory')
    assert balance['small'].median/balance['base'].median == pytest.approx(1.2*1100/10_100, rel=.02) and memory['small'].median == 1100
    assert advise(r, USES['balanced'], baseline='small').kind == 'keep the baseline'

def test_techniques_are_measured_and_judged():
    n = nets()
    t = compare_optimization_techniques(n['b'], dict(a=n['a'], c=n['c']), toy(), repeats=8, min_secs=1e-5)
    assert list(t.uses) == list(USES) and set(t.efficiency) == {'a', 'c'} and {s.name for s in t.pareto.rows} == {'base', 'a', 'c'}
    assert {c.metric for c in t.improvements} >= {'latency', 'accuracy', 'weights'}
    assert all(a.kind in ('model', 'a tie', 'keep the baseline', 'undecided', 'none') for a in t.uses.values())
    d = json.loads(json.dumps(t.to_dict()))
    assert d['uses'].keys() == USES.keys() and d['efficiency']['a']['n'] == 8 and len(t.to_frame()) == 18
    for text in (repr(t), t._repr_markdown_()): assert 'latency-critical: ' in text and 'efficiency' in text
    other = compare_optimization_techniques(as_model('x', n['b'], (4,)), {'a': as_model('y', n['a'], (4,))}, toy(), repeats=8, min_secs=1e-5)
    assert other.suite.names == ('base', 'a')

def test_a_technique_that_fails_is_named():
    def bad(x): raise ZeroDivisionError('by zero')
    t = compare_optimization_techniques(net(9), dict(a=net(3), bad=as_model('bad', bad, (4,))), toy(), repeats=8, min_secs=1e-5)
    assert 'bad failed and has no number' in repr(t) and 'bad' not in t.efficiency and not any('bad' in a.names for a in t.uses.values())
    with pytest.raises(ValueError, match='nothing can be compared to the base'):
        compare_optimization_techniques(as_model('f', bad, (4,)), dict(a=net(3)), toy(), repeats=8, min_secs=1e-5)

@pytest.mark.parametrize('optimized, data, says', [({}, toy(), 'nothing to compare'), (dict(base=net(3)), toy(), "cannot be called 'base'"),
                                                   (dict(a=net(3)), None, 'labelled data'), (dict(a=net(3)), [[1, 2]], 'no labelled data')])
def test_techniques_refuse_in_words(optimized, data, says):
    with pytest.raises((ValueError, TypeError), match=says): compare_optimization_techniques(net(5), optimized, data)
