"The profiler takes what it is told, and no network whose output is no number."
import numpy as np
import pytest
from tinybench.nn.dense import Dense
from tinybench.profile.memory import Profiler

def test_the_profiler_takes_what_it_is_told():
    net = Dense(4, 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match='cannot take 0 samples'): Profiler(repeats=7).measure_latency(net, np.ones((2, 4), np.float32), repeats=0)
    net.w.data[0, 0] = np.nan
    with pytest.raises(ValueError, match='NaN or inf'): Profiler().measure_latency(net, np.ones((2, 4), np.float32))
