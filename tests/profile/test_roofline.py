"profile.roofline: traces that viewers accept, ceilings, and layers under them."
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from profilekit import NINE, X, profile_of, small, trees
from tinybench.measure.result import BenchmarkResult, environment
from tinybench.measure.system import NOT_HERE, Cache
from tinybench.profile.cost import cost
from tinybench.profile.profiler import MINE, WHOLE, Span, by_kind, profile
from tinybench.profile.roofline import (
    Roofline, attainable, copy_bandwidth, gemm_rate, roofline, save_trace, trace_events, us)


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
    path = save_trace(p, tmp_path/'a trace.json')
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
    with pytest.raises(OSError, match='in the folder'): save_trace(training, tmp_path/'no'/'such.json')
    with pytest.raises(ValueError, match='no spans'): save_trace(by_kind(training), tmp_path/'x.json')
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
    for found, want in ((NOT_HERE, 2**28), ((Cache(1, 'data', 2**15, 1), Cache(2, 'unified', 2**20, 1)), 2**26),
                        ((Cache(3, 'unified', 2**26, 8),), 2**27)):
        monkeypatch.setattr('tinybench.profile.roofline.caches', lambda found=found: found)
        assert copy_bandwidth(repeats=6).how['array_bytes'] == want
