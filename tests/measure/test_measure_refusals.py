"Records that were taken otherwise, and files that are not ours: refused in words."
import numpy as np
import pytest
from tinybench.measure.runs import compare_runs
from tinybench.measure.result import BenchmarkResult, load_json

def record(name='a', k=1., **how):
    return BenchmarkResult(name, 'latency', 's', k*np.random.default_rng(0).lognormal(0, .01, 30)*1e-4, 'measured', how)

@pytest.mark.parametrize('key, one, two', [('batch', 1, 32), ('threads', 1, 2), ('processes', 6, 7)])
def test_runs_that_were_taken_otherwise_are_not_compared(key, one, two):
    with pytest.raises(ValueError, match=f'measured with other {key}'):
        compare_runs(record(**{key: one}), record(**{key: two}), unpaired=True)
    assert compare_runs(record(**{key: one}), record(**{key: two}), unpaired=True, differ=[key]).rows

def test_foreign_files_of_results_are_refused_in_words(tmp_path):
    path = tmp_path/'r.json'
    for text in ('{"schema": 99, "results": []}', '['*100_000, '{"results": 5}'):
        path.write_text(text)
        with pytest.raises(ValueError, match='r.json'): load_json(path)

def test_nothing_has_bytes_below_0():
    with pytest.raises(ValueError, match='not below 0'): BenchmarkResult('m', 'weights', 'B', -5, 'modelled')
