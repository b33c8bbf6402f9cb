"profile.memory: three kinds of bytes, the seconds of a call, and one class for all."
import tracemalloc

import numpy as np
import pytest

from profilekit import SHAPES, X, Y, batch, rng, small
from tinybench.models.zoo import create
from tinybench.nn.module import Module
from tinybench.profile.cost import cost
from tinybench.profile.memory import Profiler, allocated_peak, measure_latency, measure_memory


@pytest.mark.parametrize('name', SHAPES)
def test_memory_is_three_records(name):
    net, x = create(name, rng()), batch(name)
    got, c = measure_memory(net, x, name), cost(net, x)
    assert list(got) == ['weights', 'peak activations', 'allocated peak'] == [r.metric for r in got.values()]
    assert [r.provenance for r in got.values()] == ['modelled', 'modelled', 'measured']
    assert got['weights'].values == (sum(a.nbytes for a in net.state_dict().values()),)
    assert got['peak activations'].values == (c.peak_bytes,)
    peak = got['allocated peak']
    assert peak.n == 1 and peak.unit == 'B' and abs(peak.how['again'] - peak.median) <= .02*peak.median + 4096
    assert peak.median >= net.eval()(x).data.nbytes and net.training is False

def test_allocated_memory_grows_with_the_batch():
    net = create('ds_cnn', rng())
    one, many = (measure_memory(net, batch('ds_cnn', n))['allocated peak'].median for n in (4, 32))
    assert 6 < many/one < 9

@pytest.mark.parametrize('on', [False, True])
def test_tracemalloc_is_left_as_it_was(on):
    def fails(): raise KeyError('no')
    if on: tracemalloc.start()
    try:
        assert 80_000 <= allocated_peak(lambda: np.ones(10_000)) < 90_000
        assert allocated_peak(lambda: (np.ones(10_000), np.ones(10_000))) >= 160_000
        with pytest.raises(KeyError): allocated_peak(fails)
        assert tracemalloc.is_tracing() == on
    finally: tracemalloc.stop()

def test_latency_is_a_sample_in_evaluation_mode():
    modes = []
    class Looks(Module):
        def forward(self, x):
            modes.append(self.training)
            return x
    net = Looks()
    r = measure_latency(net, X, 7, name='looks', min_secs=1e-4)
    assert (r.name, r.metric, r.unit, r.n) == ('looks', 'latency', 's', 7)
    assert (r.how['batch'], r.how['threads']) == (4, 1)
    assert r.provenance == 'measured' and not any(modes) and net.training and len(modes) >= 8*r.how['inner']
    for f in (measure_latency, measure_memory):
        with pytest.raises(TypeError, match='any callable'): f(len, X)

def test_profiler_gathers_it_all():
    p, net = Profiler(repeats=6, seed=5), small()
    assert p.count_parameters(net) == 6*5 + 5 + 10 + 5*3 + 3 and p.count_flops(net, X) == cost(net, X).flops
    assert p.count_flops(net, X) == p.count_flops(net, X.shape)
    assert p.measure_latency(net, X).n == 6 and p.measure_latency(net, X, 9, name='small').n == 9
    assert set(p.measure_memory(net, X)) == {'weights', 'peak activations', 'allocated peak'}
    got = p.profile(net, X, Y, name='small')
    assert (got.name, got.wall.n, got.wall.how['seed']) == ('small', 6, 5)
    assert got.phases == ('forward', 'backward')
    assert p.profile(net, X, repeats=7).wall.n == 7
