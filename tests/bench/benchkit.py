"What the tests of the bench row share: small networks, toy data, and a result of a suite made by hand."
import json
import numpy as np
from tinybench.bench.benchmark import Labelled
from tinybench.bench.suite import BenchmarkSuite, SuiteResult
from tinybench.measure.accuracy import Score
from tinybench.measure.pairs import paired_results
from tinybench.measure.result import BenchmarkResult
from tinybench.nn.dense import Dense, ReLU
from tinybench.nn.module import Module, Sequential

def net(units, seed=0):
    rng = np.random.default_rng(seed)
    return Sequential(Dense(4, units, rng), ReLU(), Dense(units, 3, rng)).eval()

def toy(n=40):
    rng = np.random.default_rng(1)
    return Labelled('toy', rng.normal(size=(n, 4)).astype('float32'), rng.integers(0, 3, n))

def nets(): return dict(a=net(3), b=net(30), c=net(9, seed=2))

def run(models, data=None, out=None, progress=False, **options):
    return BenchmarkSuite(models, data, out, **dict(dict(repeats=6, min_secs=1e-5), **options)).run(progress)

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

def hand():
    return made(dict(base=1e-3, fast=5e-4, twin=5e-4, slow=2e-3), dict(base=.9, fast=.5, twin=.9, slow=.99),
                dict(base=4000, fast=1000, twin=8000, slow=400), n=1000)

def broken_steps(text):
    "Ways in which the text of a step may be damaged, and what is said of each."
    d = json.loads(text)
    yield 'is no JSON', text[:len(text)//2]
    yield 'is no JSON', ''
    yield 'is no JSON', b'\xff\xfe\x00'
    yield 'no dictionary', '[]'
    yield 'digest', json.dumps(d | dict(body=dict(median=9.)))
    yield 'digest', json.dumps({k: v for k,v in d.items() if k != 'body'})
    yield "holds the step 'memory:a'", json.dumps(d | dict(step='memory:a'))

class Machine:
    "A pretend computer: a clock in steps of 2**-30 s that only the layers which work on it move."
    def __init__(self, seed=0, noise=0.): self.now,self.noise,self.rng = 0.,noise,np.random.default_rng(seed)
    def clock(self):
        self.now += 2.**-30
        return self.now
    def __deepcopy__(self, memo): return self

class Works(Module):
    "Gives its input back after `secs` of its machine, more or less."
    def __init__(self, machine, secs=1e-3): self.machine,self.secs = machine,secs
    def forward(self, x):
        self.machine.now += self.secs*self.machine.rng.lognormal(0, self.machine.noise)
        return x
    def extra(self): return f'{self.secs:g} s'

def working(machine, units=5): return Sequential(Works(machine), *net(units))
