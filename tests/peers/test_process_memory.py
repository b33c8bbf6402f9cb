"How far a process grows is counted: what is kept, what is let go, what is of a file; and the race says it."
import sys
from functools import partial
import numpy as np
import pytest
from tinybench.models.zoo import SHAPES, create
from tinybench.native.plan import plan
from tinybench.peers import memory
from tinybench.peers.inference import NETS
from tinybench.peers.memory import COMPILED, PLANNED, Growth, MemoryRace, in_fresh_process, race_memory
from tinybench.toolchain.compiler import find_compiler

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='needs /proc')
needs_c = pytest.mark.skipif(not find_compiler(), reason='needs a C compiler')
MB, X = 1 << 20, np.ones(3, np.float32)

def nothing(): return np.copy
def keeping():
    kept = np.ones(8*MB, np.uint8)
    return lambda x: x + kept[0]
def letting_go():
    np.ones(8*MB, np.uint8)
    return np.copy
def reading(path):
    kept = np.memmap(path, np.uint8, 'r')
    kept.sum()
    return lambda x: x + kept[0]
def at_a_call():
    return lambda x: np.ones(8*MB, np.uint8)[:1] + x
def in_pieces(n): return [bytes(2000) for _ in range(n*MB//2000)]
def zeros(): return lambda x: np.zeros((1, 10), np.float32)
def after_a_feast():
    "Small pieces, where many of their kind were free before: how it grew, and not what was free already."
    in_pieces(40)
    got = memory.growth(lambda: partial(lambda kept, x: x, in_pieces(8)), X)
    return lambda x: np.array([*got[0], 0.], np.float32)

@pytest.mark.parametrize('load, peak, unfiled', [(nothing, 0, 0), (keeping, 8, 8), (letting_go, 8, 0)])
def test_what_is_kept_and_what_is_let_go(load, peak, unfiled):
    grew, _ = in_fresh_process(load, '', X)
    assert abs(grew.peak - peak*MB) < MB/2 and abs(grew.unfiled - unfiled*MB) < MB/2

def test_a_peak_within_a_call_is_seen():
    assert in_fresh_process(at_a_call, '', X)[0].peak > 7.5*MB

def test_a_file_that_is_mapped_counts_in_the_peak_only(tmp_path):
    np.ones(8*MB, np.uint8).tofile(tmp_path/'weights')
    grew, y = in_fresh_process(partial(reading, tmp_path/'weights'), '', X)
    assert 8*MB <= grew.peak < 8.5*MB and grew.unfiled < MB/2 and (y == 2).all()

def test_what_was_free_before_hides_nothing():
    _, (peak, unfiled, _) = in_fresh_process(after_a_feast, '', X)
    assert min(peak, unfiled) > 7*MB

def test_a_library_is_imported_before():
    with pytest.raises(ChildProcessError, match="No module named 'no_such_engine'"): in_fresh_process(nothing, 'no_such_engine', X)

@needs_c
@pytest.mark.parametrize('batch', [1, pytest.param(4, marks=pytest.mark.slow)])
def test_ours_counts_weights_and_arena(batch):
    found = race_memory(['simple_cnn'], [], batch, repeats=2).found['simple_cnn']
    p = plan(create('simple_cnn', np.random.default_rng(0)), SHAPES['simple_cnn'], batch)
    needs = p.arena.nbytes + p.weights.nbytes
    assert all(needs - 8192 <= g.unfiled <= g.peak < needs + MB/2 for g in found[COMPILED])
    assert min(g.peak for g in found[PLANNED]) > max(g.peak for g in found[COMPILED])

@needs_c
def test_an_engine_with_other_answers_is_not_raced(monkeypatch):
    monkeypatch.setattr(memory, 'of_ours', lambda *args: {COMPILED: zeros})
    with pytest.raises(ValueError, match='tinybench, compiled gives other answers for simple_cnn'): race_memory(['simple_cnn'], [], repeats=2)

def test_where_it_cannot_be_known_it_is_refused(monkeypatch):
    with pytest.raises(ValueError, match='1 processes of each: too few for an interval'): race_memory(['simple_cnn'], [], repeats=1)
    monkeypatch.setattr(memory.sys, 'platform', 'win32')
    with pytest.raises(ValueError, match='known on Linux only'): race_memory(['simple_cnn'], [])

def test_ratios_are_of_the_same_round_and_pages_that_agree_need_no_interval():
    ours, theirs = [Growth(2*MB, MB), Growth(4*MB, MB)], [Growth(4*MB, 4*MB), Growth(8*MB, 4*MB)]
    r = MemoryRace(dict(net={COMPILED: ours, PLANNED: theirs, 'litert': theirs}), 2)
    assert r.table().rows[2][3:] == ('0.5', '1', '4.19 MB', '0.25', '1') and '2 inputs' in repr(r)
    assert r.table().rows[0][3:] == r.table().rows[1][3:5] + ('1.05 MB', '', '') == ('', '', '1.05 MB', '', '')
    assert r.to_dict()['found']['net']['litert'][1] == dict(peak=8*MB, unfiled=4*MB)

@pytest.mark.slow
@needs_c
@pytest.mark.parametrize('net', NETS)
def test_a_compiled_network_takes_less_than_half_of_what_litert_takes(net):
    pytest.importorskip('ai_edge_litert')
    found = race_memory([net], ['litert'], repeats=3).found[net]
    assert all(a.peak < .5*b.peak and a.unfiled < b.unfiled for a, b in zip(found[COMPILED], found['litert']))
