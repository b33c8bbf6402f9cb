"`tinybench race inference` from end to end."
import json, sys

import pytest

from tinybench.cli.engines import race_engines
from tinybench.peers.engines import ENGINES
from tinybench.toolchain.compiler import find_compiler

needs_c = pytest.mark.skipif(not find_compiler(), reason='needs a C compiler')

def test_the_race_of_one_network_is_reported(tmp_path, monkeypatch):
    pytest.importorskip('matplotlib')
    def again(*args): return lambda x, run=ENGINES['tinybench'](*args): run(x).copy()
    monkeypatch.setitem(ENGINES, 'litert', again)
    found, out = race_engines('litert', 'simple_cnn', 16, 2, tmp_path/'race', 0)
    assert sorted(p.name for p in out.iterdir()) == ['figure_1.png', 'report.md', 'results.json']
    kept = json.loads((out/'results.json').read_text())
    assert kept['batch'] == 2 and kept['report'] == 'inference' and list(kept['found']) == ['simple_cnn']
    assert 'figure_1.png' in (out/'report.md').read_text() and '2 inputs' in repr(found)
    race_engines('litert', 'simple_cnn', 16, 1, out, 0)       # takes the place of a report of its own
    assert kept.get('memory') is None and found.memory is None
    (out/'report.md').unlink(), (out/'results.json').unlink()
    with pytest.raises(OSError): race_engines('litert', 'simple_cnn', 16, 1, out, 0)

@needs_c
@pytest.mark.skipif(sys.platform != 'linux', reason='needs /proc')
def test_the_race_for_memory_stands_in_the_report(tmp_path, monkeypatch):
    pytest.importorskip('matplotlib')
    def again(*args): return lambda x, run=ENGINES['tinybench'](*args): run(x).copy()
    monkeypatch.setitem(ENGINES, 'again', again)
    found, out = race_engines('again', 'simple_cnn', 16, 1, tmp_path/'race', 0, memory=2)
    kept, text = json.loads((out/'results.json').read_text()), (out/'report.md').read_text()
    grew = kept['memory']['found']['simple_cnn']
    assert list(grew) == ['tinybench, compiled', 'tinybench, planned'] and {len(gs) for gs in grew.values()} == {2}
    assert '## Memory' in text and found.memory.table().rows[0][0] == 'simple_cnn'
