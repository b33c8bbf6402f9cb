"The study of a PyTorch network: what each technique does to time, memory and accuracy, step by step"
import json, os, tempfile, time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar
import numpy as np

from ..backends.base import ModelError
from ..base.files import read_text, write_whole
from ..base.names import lookup
from ..base.text import Shown, Table
from ..bench.benchmark import array_digest, by_run, mapped, per_second
from ..bench.steps import fingerprint, kept_step, locked, open_steps, save_step
from ..bench.suite import SuiteResult, machine
from ..measure.accuracy import Score
from ..measure.result import BenchmarkResult, environment, plain
from ..measure.system import system
from .answers import answers, csv_of, study_rows
from .process import in_fresh_process, not_here, packed
from .reasons import here, words_of
from .runs import (CPU, GONE, GPU, Inference, Setting, Training, epoch_rows, loader_of, on, run_once,
                   settings_of, time_build)
from .techniques import NO_TORCH, TECHNIQUES, Ready, allowed, blamed, compiling, why_not

MIN_BUILDS = 6

@dataclass(frozen=True)
class Plan:
    "What is measured, and how much of it."
    batches: tuple = (32, 64)
    workers: tuple = (0, 1)   # of the loader, in training
    builds: int = 8           # times all is made anew
    rounds: int = 4           # in each build
    steps: int = 10           # batches in a timed epoch of training
    epochs: int = 3           # before accuracy is asked
    processes: int = 3        # fresh ones of each technique, for memory
    level: float = .95
    band: float = .02         # what counts as the same
    seed: int = 0
    threads: int|None = None  # of PyTorch; None: as it has
    techniques: tuple = tuple(TECHNIQUES)
    def __post_init__(self):
        for k in self.techniques: lookup('technique', k, TECHNIQUES)
        chosen = tuple(k for k in TECHNIQUES if k in ('base', *self.techniques))
        object.__setattr__(self, 'techniques', chosen)
        for k in ('batches', 'workers'):
            v = tuple(dict.fromkeys(getattr(self, k)))
            least = 1 if k == 'batches' else 0
            if not v or any(type(n) is not int or n < least for n in v): raise ValueError(
                f'{k} are whole numbers from {least} on, such as {Plan.__dataclass_fields__[k].default}, '
                f'not {getattr(self, k)!r}')
            object.__setattr__(self, k, v)
        for k, least in dict(builds=MIN_BUILDS, rounds=1, steps=1, epochs=1, processes=0).items():
            if getattr(self, k) < least: raise ValueError(f'{getattr(self, k)} {k}: at least {least}')
        if self.threads is not None and self.threads < 1:
            raise ValueError(f'{self.threads} threads: at least 1')

QUICK = dict(builds=6, rounds=2, steps=4, epochs=1, processes=1)

@dataclass(frozen=True, repr=False)
class Study(Shown):
    "What a study of a network found. Frozen."
    suite: SuiteResult        # accuracy and examples/s of each technique, in a column for each setting
    memory: tuple = ()        # BenchmarkResult: bytes
    off: Mapping = field(default_factory=dict)      # technique -> how far its outputs are from those of base
    compile_secs: float|None = None                 # the first call that is compiled, inference
    onednn: Mapping = field(default_factory=dict)   # technique -> what it ran in a call, see `counted`
    devices: tuple = (CPU,)
    schema: ClassVar[int] = 1
    @property
    def settings(self) -> Mapping: return self.suite.settings
    @cached_property
    def answers(self) -> dict:
        return answers(self)
    def table(self) -> Table: return self.suite.table()
    def __repr__(self):
        return words_of(self)
    def to_dict(self) -> dict:
        rows = [{k: None if v != v else v for k, v in row.items()} for row in study_rows(self)]
        return dict(report='study', schema=self.schema, rows=rows, suite=self.suite.to_dict(),
                    memory=[r.to_dict() for r in self.memory], off=plain(self.off), onednn=plain(self.onednn),
                    compile_secs=self.compile_secs, devices=list(self.devices))
    @classmethod
    def from_dict(cls, d:Mapping) -> 'Study':
        if not isinstance(d, Mapping) or d.get('report') != 'study' or d.get('schema') != cls.schema:
            raise ValueError(f'no study of schema {cls.schema}')
        return cls(SuiteResult.from_dict(d['suite']), tuple(map(BenchmarkResult.from_dict, d['memory'])),
                   d['off'], d['compile_secs'], d['onednn'], tuple(d['devices']))
    def save(self, folder:str|os.PathLike) -> Path:
        "Writes study.csv and study.json into `folder`, each whole or not at all."
        folder = Path(folder).expanduser()
        write_whole(folder/'study.csv', csv_of(self))
        return write_whole(folder/'study.json', json.dumps(self.to_dict(), indent=1, allow_nan=False) + '\n')
    @classmethod
    def load(cls, folder:str|os.PathLike) -> 'Study':
        "What `save` wrote; ValueError for any other file."
        path = Path(folder).expanduser()
        path = path/'study.json' if path.is_dir() else path
        try: return cls.from_dict(json.loads(read_text(path)))
        except (ValueError, TypeError, KeyError) as e: raise ValueError(f'{path}: {e}') from e


# The steps

class Bench:
    "A network with its data, and what its steps measure."
    def __init__(self, net, x, y, x_test, y_test, name:str, plan:Plan, devices:tuple, folder:Path):
        self.net, self.x, self.y, self.x_test, self.y_test = net, x, y, x_test, y_test
        self.name, self.plan, self.devices, self.folder = name, plan, devices, folder
    def row(self, batch:int) -> np.ndarray: return self.x[np.arange(batch) % len(self.x)]
    def ready(self, technique:str, device:str) -> Ready: return Ready(self.net, TECHNIQUES[technique], device)
    def steps(self) -> list[tuple]:
        "What is measured between two files, in order; what finds techniques that fail comes first."
        p, all_of = self.plan, self.plan.techniques
        found = [('outputs', d) for d in self.devices]
        found += [('accuracy', d, t, b) for d in self.devices for b in p.batches for t in all_of]
        found += [('memory', i, t) for i in range(p.processes) for t in all_of]
        found += [('GPU memory', GPU, t) for t in all_of if GPU in self.devices]
        return found + [(mode, i) for i in range(p.builds) for mode in ('inference', 'training')]
    def measure(self, step:tuple, alive:list[str], gone:set, tell) -> dict:
        "The body of a step; `alive` techniques have not failed, `gone` metrics cannot be measured."
        kind, *of = step
        if kind == 'outputs': return self.outputs(*of, alive)
        if kind == 'accuracy': return self.accuracy(*of)
        if kind == 'memory': return self.memory(*of)
        if kind == 'GPU memory': return self.gpu_memory(of[1])
        return self.build(kind, *of, alive, gone, tell)

    def outputs(self, device:str, alive) -> dict:
        "How far the outputs of each technique are from those of base; which do not run, or give others."
        x, off, failures, secs = self.row(self.plan.batches[0]), {}, {}, None
        want = first_outputs(self.net, x, device)
        for name in alive:
            t = TECHNIQUES[name]
            if why := why_not(t, x): failures[name] = f'is not run: {why}'; continue
            try:
                with blamed(t, 'does not run'):
                    cell, start = Inference(self.ready(name, device), x), time.perf_counter()
                    run_once(cell)
                    if t.compiled: secs = time.perf_counter() - start
                    off[name] = float(np.abs(cell.check() - want).max()/max(np.abs(want).max(), 1e-30))
            except ModelError as e: failures[name] = e.what
            else:
                if off[name] > (most := allowed(t, device == GPU)): failures[name] = (
                    f'gives other answers than base: off by {100*off[name]:.2g}% of the largest output, '
                    f'allowed are {100*most:g}%')
        if device == CPU or 'base' in failures: return dict(off=off, failures=failures, secs=secs)
        return dict(off=off, lost={f'{k}{on(GPU)}': why for k, why in failures.items()}, secs=secs)

    def accuracy(self, device:str, technique:str, batch:int) -> dict:
        "Trains a copy, same first weights and same order, and asks it; with the technique in place."
        p, t = self.plan, TECHNIQUES[technique]
        with seeded(p.seed), blamed(t, 'could not be trained'):
            whole = max(len(self.x)//batch, 1)          # batches of an epoch
            orders = [epoch_rows(len(self.x), batch, whole, p.seed + i) for i in range(p.epochs)]
            ready = self.ready(technique, device)
            run = Training(ready, loader_of(self.x, self.y, batch, 0, device, sum(orders, [])))
            run_once(run)
            run.check()
            hits = [hits_of(ready, x, y, batch) for x, y in parts_of(self.x_test, self.y_test, batch)]
        data = f'{self.name}, trained by batches of {batch}{on(device)}'
        mark = array_digest([self.x_test, self.y_test])[:16]
        return dict(score=Score(technique, np.concatenate(hits), data, p.level, examples=mark).to_dict())

    def memory(self, i:int, technique:str) -> dict:
        "Bytes by which a fresh process grows, and what oneDNN ran in it."
        if why := not_here(): return dict(why=why)
        p, n = self.plan, max(self.plan.batches)
        import torch
        try:
            y = self.y[np.arange(n) % len(self.y)]
            job = packed(self.net, self.row(n), y, torch.get_num_threads(), p.seed)
            return in_fresh_process(job, technique, self.folder)
        except (ValueError, OSError) as e: return dict(why=str(e).splitlines()[0])

    def gpu_memory(self, technique:str) -> dict:
        "The most bytes that PyTorch's allocator gave out on the GPU, in inference and in training."
        import torch
        n, found = max(self.plan.batches), {}
        loader = partial(loader_of, self.x, self.y, n, 0, GPU, epoch_rows(len(self.x), n, 1, self.plan.seed))
        for mode in ('inference', 'training'):
            ready = self.ready(technique, GPU)
            cell = Inference(ready, self.row(n)) if mode == 'inference' else Training(ready, loader())
            run_once(cell)
            torch.cuda.reset_peak_memory_stats()
            run_once(cell)
            found[mode] = torch.cuda.max_memory_allocated()
            del cell, ready
        return found

    def cell(self, technique:str, s:Setting):
        "What is timed for a technique in a setting."
        ready, p = self.ready(technique, s.device), self.plan
        if s.mode == 'inference': return Inference(ready, self.row(s.batch))
        rows = epoch_rows(len(self.x), s.batch, p.steps, p.seed)
        return Training(ready, loader_of(self.x, self.y, s.batch, s.workers, s.device, rows))

    def made(self, every:Mapping, rng:np.random.Generator) -> dict:
        "The cells of `every` key, in their order; made in another one, at other places in memory."
        cells, ballast = {}, []
        for k in map(str, rng.permutation(list(every))):
            ballast.append(np.empty(int(rng.integers(1, 2**16)), np.uint8))
            with blamed(TECHNIQUES[every[k][0]], 'could not be made ready'): cells[k] = self.cell(*every[k])
        return {k: cells[k] for k in every}

    def build(self, mode:str, i:int, alive, gone:set, tell) -> dict:
        "Seconds an example of all techniques in all settings of a mode, made anew, in turns."
        p, failures, lost = self.plan, {}, {}
        rng, before = np.random.default_rng([p.seed, i, mode == 'training']), system(secs=.05)
        while True:
            every = {f'{s.metric}: {t}': (t, s) for s in settings_of(mode, p.batches, p.workers, self.devices)
                     for t in alive if t not in failures
                     and not {s.metric, f'{t}{on(s.device)}'} & (gone | lost.keys())}
            if not every: return dict(results=[], failures=failures, lost=lost, machine=None)
            try:
                with seeded(p.seed): found = time_build(self.made(every, rng), p.rounds, rng, tell=tell)
                break
            except ModelError as e:
                loaders = {s.metric: e.what for _, s in every.values() if s.workers and e.name == GONE}
                if not loaders and e.name not in TECHNIQUES or e.name == 'base': raise
                lost |= loaders
                if not loaders: failures[e.name] = f'{e.what} ({mode})'
        rs = [replace(r, name=every[k][0], metric=every[k][1].metric).to_dict() for k, r in found.items()]
        return dict(results=rs, failures=failures, lost=lost, machine=machine(before, system(secs=.05)))

def first_outputs(net, x:np.ndarray, device:str) -> np.ndarray:
    "What base gives for `x`; ValueError if the network does not take it."
    try:
        cell = Inference(Ready(net, TECHNIQUES['base'], device), x)
        run_once(cell)
        return cell.check()
    except ModelError as e: raise ValueError(
        f'the network does not take a batch of {x.shape} {x.dtype}: it {e.what}') from e

def hits_of(ready:Ready, x, y, batch:int) -> np.ndarray:
    "Which of at most `batch` examples the largest output gets right."
    cell = Inference(ready, np.resize(x, (batch, *x.shape[1:])))     # whole: another size is compiled anew
    cell.run()
    out = cell.check()[:len(x)]
    if out.ndim != 2 or out.shape[1] <= y.max(): raise ModelError(
        ready.technique.name, f'gives {out.shape[1:]} numbers for an example, and labels go to {y.max()}')
    return out.argmax(1) == y

def parts_of(x, y, batch:int):
    "Batches of examples and their labels; the last may be smaller."
    return ((x[i:i+batch], y[i:i+batch]) for i in range(0, len(x), batch))

@contextmanager
def seeded(seed:int):
    "PyTorch's own random numbers from `seed` in the block, and as they were afterwards."
    import torch
    with torch.random.fork_rng([torch.cuda.current_device()] if torch.cuda.is_available() else []):
        torch.manual_seed(seed)
        yield

@contextmanager
def threads_of(n:int|None):
    "PyTorch on `n` threads in the block; None leaves it."
    import torch
    had = torch.get_num_threads()
    try:
        if n: torch.set_num_threads(n)
        yield torch.get_num_threads()
    finally: torch.set_num_threads(had)


# All of it

def checked(net, x, y, test) -> tuple:
    "Examples and labels to train on and to judge by, as arrays; TypeError or ValueError if they are none."
    try: import torch
    except ImportError as e: raise ValueError(NO_TORCH) from e
    if not isinstance(net, torch.nn.Module): raise TypeError(f'a {type(net).__name__} is no torch.nn.Module')
    def array(a): return np.ascontiguousarray(a.numpy(force=True) if isinstance(a, torch.Tensor) else a)
    x, y = array(x), array(y)
    if test is None:                            # the last fifth is held back
        n = max(len(x)//5, 1)
        x, y, test = x[:-n], y[:-n], (x[-n:], y[-n:])
    x_test, y_test = map(array, test)
    for images, labels in ((x, y), (x_test, y_test)):
        if not len(labels) or labels.ndim != 1 or len(images) != len(labels) or labels.dtype.kind not in 'iu':
            raise ValueError(f'{len(images)} examples and labels {labels.dtype} {labels.shape}: one whole '
                             'number for each example')
        if images.dtype != np.float32: raise ValueError(f'examples are float32, not {images.dtype}')
    return x, y.astype(np.int64), x_test, y_test.astype(np.int64)

def devices_here() -> tuple:
    import torch
    return (CPU, GPU) if torch.cuda.is_available() else (CPU,)

def check_room(net, plan:Plan, devices:tuple):
    "ValueError if the copies of a network that are timed in turns do not fit into memory."
    import psutil
    bytes_of_one = sum(v.nbytes for v in (*net.parameters(), *net.buffers()))
    copies = max(len(settings_of(m, plan.batches, plan.workers, devices)) for m in ('inference', 'training'))
    copies *= len(plan.techniques)
    need, free = 4*copies*bytes_of_one, psutil.virtual_memory().available    # gradients, and two of Adam
    if need > free: raise ValueError(
        f'{copies} copies of the network are timed in turns, with gradients and optimizers '
        f'{need/1e9:.1f} GB, and {free/1e9:.1f} GB are free: ask for fewer batches or workers')

def study(
    net,                      # torch.nn.Module that gives a number for each class; it is not changed
    examples, labels,         # (n, …) float32 as `net` takes them, images (n, c, h, w); (n,) whole numbers
    test:tuple|None=None,     # (examples, labels) to judge by; None: the last fifth is held back
    out:str|os.PathLike|None=None, # a folder that keeps finished steps; a second run goes on there
    *, name:str='examples',   # of the data
    progress:Callable|None=None, # called with (done, of, text)
    **asked,                  # of `Plan`, such as batches=(32, 64)
) -> Study:
    """What channels last, bfloat16, both and torch.compile do to `net`, in inference and training.

    On the CPU, and on a GPU if there is one; the part for GPUs has not been run in tests. TypeError or
    ValueError for what is no network, no plan, or does not fit."""
    x, y, x_test, y_test = checked(net, examples, labels, test)
    plan, devices = Plan(**asked), devices_here()
    check_room(net, plan, devices)
    with ExitStack() as stack:
        threads = stack.enter_context(threads_of(plan.threads))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix='tinybench-'))
        stack.enter_context(compiling(folder, any(TECHNIQUES[k].compiled for k in plan.techniques)))
        bench = Bench(net, x, y, x_test, y_test, name, plan, devices, Path(folder))
        settings = settings_for(bench, threads)
        steps, mark = (None, '') if out is None else open_steps(out, settings)
        with locked(steps):
            found = gathered(bench, settings, run_steps(bench, steps, mark, progress or (lambda *of: None)))
        if out is not None: found.save(out)
        return found

def settings_for(b:Bench, threads:int) -> dict:
    "All that the numbers depend on, ready for JSON."
    import torch
    p = b.plan
    gpu = {'GPU': torch.cuda.get_device_name()} if GPU in b.devices else {}
    weights = array_digest(v.numpy(force=True) for v in b.net.state_dict().values())
    data = dict(n=len(b.y), test=len(b.y_test), sha256=array_digest([b.x, b.y, b.x_test, b.y_test]))
    where = {k: v for k, v in environment().items() if k != 'blas_threads'}
    return plain(dict(vars(p), threads=threads, processor=here(), baseline='base', data={b.name: data},
                      machine=where | dict(torch=str(torch.__version__)) | gpu, devices=b.devices,
                      net=dict(code=fingerprint(repr(b.net)), weights=weights, shape=b.x.shape[1:])))

def run_steps(b:Bench, steps:Path|None, mark:str, progress) -> list[tuple]:
    "(step, body) of all that can be measured; those on disk are read."
    todo, failures, gone, found, notes = b.steps(), {}, set(), [], []
    for i, step in enumerate(todo):
        label, technique = ': '.join(map(str, step)), next((k for k in step if k in TECHNIQUES), None)
        if technique in failures or GPU in step and f'{technique}{on(GPU)}' in gone: continue
        progress(i, len(todo), label)
        body = kept_step(steps, label, mark, notes)
        if body is None:
            alive = [k for k in b.plan.techniques if k not in failures]
            def tell(done, n): progress(i + done/n, len(todo), label)
            try: body = b.measure(step, alive, gone, tell)
            except ModelError as e:
                if e.name == 'base' or e.name not in TECHNIQUES: raise
                body = dict(failures={e.name: f'{e.what} ({step[0]})'})
            if steps: save_step(steps, label, mark, body)
        failures |= body.get('failures', {})
        gone |= body.get('lost', {}).keys()
        found.append((step, body))
    progress(len(todo), len(todo), 'done')
    return [*found, (('notes',), dict(notes=notes))]

def gathered(b:Bench, settings:Mapping, found:list[tuple]) -> Study:
    "One record of all steps; what a technique had before it failed is dropped."
    by, failures, lost = {}, {}, {}
    for step, body in found:
        by.setdefault(step[0], []).append((step, body))
        failures |= body.get('failures', {})
        lost |= body.get('lost', {})
    results = timed_of(by, failures, lost, b.plan)
    scores = [Score.from_dict(x['score']) for _, x in by.get('accuracy', []) if 'score' in x]
    seen = [x['machine'] for k in ('inference', 'training') for _, x in by.get(k, []) if x.get('machine')]
    concerns = list(dict.fromkeys(c for m in seen for c in m['concerns']))
    where = {**seen[0], 'concerns': concerns} if seen else {}
    lost |= {f'memory of {s[2]}': x['why'] for s, x in by.get('memory', []) if 'why' in x}
    notes = [*by['notes'][0][1]['notes'], *(f'not run: {k}: {why}' for k, why in lost.items())]
    if GPU not in b.devices: notes.append('there is no GPU here that PyTorch can use: all is of the CPU')
    suite = SuiteResult(b.plan.techniques, 'base', results,
                        [s for s in scores if s.name not in failures], failures, settings, where, notes)
    outputs = next(x for s, x in by['outputs'] if s[1] == CPU)
    onednn = {s[2]: x['onednn'] for s, x in by.get('memory', []) if x.get('onednn') and s[1] == 0}
    return Study(suite, memory_of(by, failures, b.plan), outputs['off'], outputs['secs'], onednn, b.devices)

def timed_of(by:Mapping, failures, lost, plan:Plan) -> list[BenchmarkResult]:
    "Examples a second of each technique in each setting: the median of each build, all samples in `within`."
    found = []
    for mode in ('inference', 'training'):
        bodies = [x for _, x in by.get(mode, []) if 'results' in x]
        runs = [[BenchmarkResult.from_dict(d) for d in x['results']] for x in bodies]
        keyed = [{f'{r.metric}: {r.name}': r for r in rs if r.name not in failures and r.metric not in lost}
                 for rs in runs]
        keyed = [k for k in keyed if k]
        if not keyed: continue
        for r in by_run(with_seed(keyed, plan.seed), 'builds').values():
            found.append(mapped(r, partial(per_second, batch=1), unit='examples/s'))
    return found

def with_seed(runs:list[dict], seed:int) -> list[dict]:
    "`runs` with the seed of each noted, as `by_run` wants it."
    return [{k: replace(r, how=plain(r.how) | dict(seed=[seed, i])) for k, r in run.items()}
            for i, run in enumerate(runs)]

def memory_of(by:Mapping, failures, plan:Plan) -> tuple:
    "Bytes of each technique in inference and training; a value for each fresh process."
    found, n = [], max(plan.batches)
    for mode in ('inference', 'training'):
        for t in TECHNIQUES:
            vs = [x[mode] for s, x in by.get('memory', []) if s[2] == t and mode in x]
            if vs and t not in failures: found.append(BenchmarkResult(
                t, f'memory of {mode}, batch {n}', 'B', vs, 'measured',
                dict(sees='growth of the resident memory of a fresh process, at the fullest moment')))
            gpu = [x[mode] for s, x in by.get('GPU memory', []) if s[2] == t and mode in x]
            if gpu and t not in failures: found.append(BenchmarkResult(
                t, f'memory of {mode}, batch {n} on the GPU', 'B', gpu, 'measured',
                dict(sees="the most that PyTorch's allocator gave out")))
    return tuple(found)
