"`tinybench race inference` from end to end."
import json

import pytest

from tinybench.cli.engines import race_engines
from tinybench.peers.engines import ENGINES

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
    (out/'report.md').unlink(), (out/'results.json').unlink()
    with pytest.raises(OSError): race_engines('litert', 'simple_cnn', 16, 1, out, 0)
