"The race of training steps: the same network, weights and batch in several frameworks, in turns"
import os
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from time import perf_counter
import numpy as np

from ..base.process import Child
from ..base.text import Shown, Table
from ..measure.clock import random_rounds
from ..measure.pairs import Comparison, compare_results, paired_results
from ..measure.stats import fewest_values
from ..models.zoo import SHAPES, create
from ..native.train import plan_step
from ..nn.dense import Dropout
from ..nn.loss import cross_entropy
from ..nn.module import Module, walk
from ..nn.optim import Adam
from ..nn.train import Run, train_step

NETS = 'mnist_mlp', 'cifar_cnn', 'resnet8', 'ds_cnn', 'mobilenet_v1_025'
LR, EPS, CLOSE = .001, 1e-7, 1e-3       # CLOSE: how far first losses may be apart
SAMPLE = .05                            # seconds of steps in one timing, at least

def ours(net:Module, x, y, threads:int):
    "Our step in C; ValueError, with the reason, if there can be none."
    def stop(why):
        why = why.removesuffix('; the usual step trains')
        raise ValueError(f'a race is between steps in C, and there is none: {why}')
    opt = Adam(net.parameters(), LR, eps=EPS)
    run = Run(net, None, opt, cross_entropy, 1)
    step = plan_step(net, cross_entropy, opt, len(x), threads, say=stop)
    return lambda: step(run, x, y)

def usual(net:Module, x, y, threads:int):
    "Our step in numpy."
    from threadpoolctl import threadpool_limits
    run = Run(net, None, Adam(net.parameters(), LR, eps=EPS), cross_entropy, 1)
    def step():
        with threadpool_limits(threads): return train_step(run, x, y)
    return step

def torch(net:Module, x, y, threads:int, last:bool, compiled:bool):
    "PyTorch, with its fused Adam; images with channels `last`, or first."
    import torch as lib
    from .torch import torch_network
    lib.set_num_threads(threads)
    model, images = torch_network(net, x.shape[1:]), lib.from_numpy(x).permute(0, 3, 1, 2)
    if last: model = model.to(memory_format=lib.channels_last)
    else: images = images.contiguous()
    opt = lib.optim.Adam(model.parameters(), LR, eps=EPS, fused=True)
    loss, labels = lib.nn.CrossEntropyLoss(), lib.from_numpy(y)
    if compiled: model = lib.compile(model)
    def step():
        opt.zero_grad(set_to_none=True)
        value = loss(model(images), labels)
        value.backward()
        opt.step()
        return value.item()
    return step

def jax(net:Module, x, y):
    "JAX, the whole step compiled by `jit`; it takes all cores that it finds."
    from .jax import jax_step
    return jax_step(net, x, y, LR, EPS)

BACKENDS = 'tensorflow', 'jax', 'torch'     # of Keras

def keras(net:Module, x, y, backend:str, compiled:bool):
    "Keras, its own `train_on_batch`; it takes all cores that it finds."
    os.environ |= dict(KERAS_BACKEND=backend, TF_CPP_MIN_LOG_LEVEL='3', CUDA_VISIBLE_DEVICES='')
    from .keras import keras_step
    return keras_step(net, x, y, LR, EPS, compiled)

FRAMEWORKS = dict(tinybench=ours, numpy=usual, torch=torch, jax=jax, keras=keras)

def settings(name:str, batch:int) -> list[dict]:
    "The settings among which the best of a framework is chosen; our threads share a batch evenly."
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    threads = [dict(threads=t) for t in sorted({1, cpus})]
    if name == 'jax': return [{}]
    if name == 'keras':     # on JAX it is always compiled
        ways = [(b, c) for b in BACKENDS if find_spec(b) for c in (True, False)]
        return [dict(backend=b, compiled=c) for b, c in ways if c or b != 'jax']
    if name == 'tinybench': return [dict(threads=t) for t in range(1, cpus + 1) if batch % t == 0]
    if name != 'torch': return threads
    ways = [dict(last=last, compiled=False) for last in (True, False)] + [dict(last=True, compiled=True)]
    return [t | w for w in ways for t in threads]

def life(pipe, framework:str, net:str, batch:int, seed:int, options:dict):
    "A process of one framework: tells its first loss, then answers how long some steps take, each."
    rng = np.random.default_rng(seed)
    model, x = create(net, rng).train(), rng.normal(size=(batch, *SHAPES[net])).astype(np.float32)
    y = rng.integers(0, 2, batch)
    step = FRAMEWORKS[framework](model, x, y, **options)
    pipe.send(('ok', step()))
    while (steps := pipe.recv()) is not None:
        start = perf_counter()
        for _ in range(steps[0]): step()
        pipe.send(('ok', (perf_counter() - start)/steps[0]))

class Contestant(Child):
    "A framework with one setting, in a process of its own."
    def __init__(self, framework:str, options:dict, *job):
        self.framework, self.options = framework, options
        super().__init__(framework, life, framework, *job, options)
    def __enter__(self):
        try:
            self.loss = self.answer()
            self.steps = max(round(SAMPLE/min(self.ask(1) for _ in range(3))), 1)
        except BaseException:
            self.close(0)
            raise
        return self
    def secs(self) -> float: return self.ask(self.steps)

def best_of(framework:str, job:tuple, stack:ExitStack, tell, trials:int=3) -> Contestant:
    "The fastest setting of a framework, by the median of `trials` of each."
    found = []
    for options in settings(framework, job[1]):
        tell(f'{job[0]}: {framework} {options or ""}')
        try:
            with Contestant(framework, options, *job) as c:
                found.append((np.median([c.secs() for _ in range(trials)]), options))
        except ChildProcessError as e:
            failed = e
            tell(f'{framework} does not run so here: {str(e).splitlines()[0]}')
    if not found: raise failed
    return stack.enter_context(Contestant(framework, min(found, key=lambda f: f[0])[1], *job))

@dataclass(frozen=True, repr=False)
class TrainingRace(Shown):
    "Seconds a training step of each framework for each network, compared with ours. Frozen."
    found:dict              # network -> Comparison
    setup:dict              # network -> framework -> its best setting
    batch:int
    missing:tuple = ()
    def table(self) -> Table:
        def how(net, name): return ', '.join(f'{k} {v}' for k, v in self.setup[net][name].items())
        rows = [(net, r.name, how(net, r.name), f'{1e3*r.median:.3g}', said(c, r.name))
                for net, c in self.found.items() for r in c.results]
        head = 'network', 'framework', 'setting', 'ms a step', 'ours in parts of its time'
        note = f'batches of {self.batch}, Adam; each with its best setting, in turns'
        jax = ('jax moves no averages of BatchNorm, and draws one mask for all steps',)
        jax = jax if any('jax' in s for s in self.setup.values()) else ()
        return Table(head, tuple(rows), (note, *jax, *self.missing), left=3)
    def to_dict(self) -> dict:
        return dict(batch=self.batch, missing=[*self.missing], setup=self.setup,
                    found={net: c.to_dict() for net, c in self.found.items()})

def said(c:Comparison, name:str) -> str:
    row = next((r for r in c.rows if r.name == name), None)
    return row.ratio.inverse().words() if row else ''

def one_network(net:str, frameworks, batch:int, rounds:int, seed:int, tell) -> tuple[Comparison, dict]:
    "Steps of all frameworks in turns; ValueError if the first loss of one is another."
    rng, job = np.random.default_rng(seed), (net, batch, seed)
    draws = any(isinstance(m, Dropout) for _, m in walk(create(net, rng)))      # each as it likes
    with ExitStack() as stack:
        runners = {f: best_of(f, job, stack, tell) for f in frameworks}
        first = runners['tinybench'].loss
        for name, r in runners.items():
            if not draws and not abs(r.loss - first) <= CLOSE*abs(first):
                raise ValueError(f'{name} gives {net} another first loss: {r.loss:.5g}, ours {first:.5g}')
        secs = {f: [] for f in frameworks}
        for i, order in enumerate(random_rounds(list(frameworks), rounds, rng)):
            if i % 10 == 0: tell(f'{net}: round {i + 1} of {rounds}')
            for f in order: secs[f].append(runners[f].secs())
        secs = {f: np.array(v) for f, v in secs.items()}
        results = paired_results(secs, metric='training step', batch=batch)
        return compare_results(results, base='tinybench'), {f: r.options for f, r in runners.items()}

def lacking(framework:str, batch:int) -> str:
    "What has to be installed for a framework, in a sentence; '' if nothing."
    if framework not in ('torch', 'jax', 'keras'): return ''
    if not find_spec(framework): return f'{framework} is not installed: pip install {framework}'
    return '' if settings(framework, batch) else f'{framework} has no backend: pip install {BACKENDS[0]}'

def race_training(nets=NETS, against=('torch',), batch:int=32, rounds:int=30, seed:int=0,
                  progress=None) -> TrainingRace:
    "Race our training steps in C against other frameworks; those not installed are named in `missing`."
    tell = progress or (lambda text: None)
    gone = {k: why for k in against if (why := lacking(k, batch))}
    frameworks, found, setup = ['tinybench', *(k for k in against if k not in gone)], {}, {}
    missing = tuple(gone.values())
    if len(frameworks) == 1: raise ValueError(f'nobody to race: {"; ".join(missing) or "none is named"}')
    if rounds < fewest_values(): raise ValueError(f'{rounds} rounds: an interval needs {fewest_values()}')
    for net in nets: found[net], setup[net] = one_network(net, frameworks, batch, rounds, seed, tell)
    return TrainingRace(found, setup, batch, missing)
