"What the tests of the profile row share: small networks, random spans, and profiles made up."
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from tinybench.measure.pairs import ratio
from tinybench.measure.result import BenchmarkResult
from tinybench.models.zoo import create
from tinybench.nn.dense import Dense, Dropout, ReLU
from tinybench.nn.module import Sequential
from tinybench.nn.norm import BatchNorm
from tinybench.profile.profiler import Profile, Span, layer_row

SHAPES = dict(ds_cnn=(49, 10, 1), resnet8=(32, 32, 3), fc_autoencoder=(640,), simple_cnn=(8, 8, 1))

def rng(seed=0): return np.random.default_rng(seed)
def batch(name, n=2): return rng(1).normal(size=(n, *SHAPES[name])).astype(np.float32)
def small(seed=0):
    g = rng(seed)
    return Sequential(Dense(6, 5, g), BatchNorm(5), ReLU(), Dropout(.5, g), Dense(5, 3, g))
X, Y = rng(2).normal(size=(4, 6)).astype(np.float32), np.array([0, 1, 2, 0])


@st.composite
def trees(draw, depth=3, start=0.):
    "A span with what it holds, in the order in which they end, and the own time of each."
    gap = st.integers(0, 5)
    own = draw(gap)
    now, spans = start + own, []
    for _ in range(draw(st.integers(0, 3)) if depth else 0):
        inner, after = draw(trees(depth=depth - 1, start=now)), draw(gap)
        spans, now, own = spans + inner, inner[-1][0].stop + after, own + after
    if now == start: now, own = now + 1, own + 1
    return [*spans, (Span(f'd{depth}', 'forward', start, now), own)]


NINE = np.linspace(.99, 1.01, 9)

def profile_of(rows, env=None, wall=NINE):
    "A profile with rows (name, seconds a round, flops, bytes)."
    how = dict(order='interleaved', run='r', threads=1, step='forward', batch=1)
    wall = BenchmarkResult('net', 'latency', 's', wall, 'measured', how, env)
    made = [layer_row(name, 'Layer', {'forward': np.ones(wall.n)*secs}, wall, macs=flops//2, flops=flops, nbytes=nbytes)
            for name, secs, flops, nbytes in rows]
    total = replace(wall, values=np.sum([r.total.values for r in made], axis=0))
    return Profile('net', made, wall, wall, ratio(total, wall), ratio(wall, wall), wall)
