"Runtimes side by side: each in a process of its own, its answers checked first, timed in turns"
import gc, math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter, process_time
import numpy as np

from ..backends.base import Watched, running, usual_builds
from ..backends.export import relative_error
from ..base.graph import Graph, walk_nodes
from ..base.process import Child
from ..base.text import Shown, Table, worded
from ..core.tensor import Tensor, no_grad
from ..measure.builds import shared_out
from ..measure.clock import inner_loops, random_rounds
from ..measure.compare import built_results
from ..measure.pairs import Comparison, compare_results
from ..measure.stats import fewest_values
from .profiles import PROFILES
from .runtimes import RUNTIMES, Job, lacking

CLOSE = 1e-4            # of the largest number: how far answers may be apart that are added in another order
SAMPLE = 5e-3           # seconds of calls in one timing, at least
CALM = .9               # of a processor: a process that gets less is kept waiting
WARM = .05              # seconds of calls after each build, before a clock matters


# The life of a process

class Loaded:
    "A runtime with one setting: builds its model anew, and times calls of it."
    def __init__(self, job:Job, name:str, setting:dict):
        self.job, self.name, self.setting, self.stack = job, name, setting, ExitStack()
        self.x, self.loops, self.model = job.input(), 1, None
    def build(self) -> np.ndarray:
        "Another model in place of the one there was; its output."
        self.stack.close()
        # the old one goes only when the new one is there, which would else lie where it lay
        self.model = model = RUNTIMES[self.name].build(self.job, **self.setting)
        self.stack.enter_context(running([model], self.setting.get('threads', self.job.threads)))
        self.watched = Watched(model, self.x.copy())
        gc.collect()
        self.watched.run()
        end = perf_counter() + WARM
        while perf_counter() < end: self.watched.run()
        return np.array(self.watched.check())
    def count(self) -> int:
        self.loops = inner_loops(self.watched.run, SAMPLE)
        return self.loops
    def secs(self) -> tuple[float,float]:
        "Seconds of a call, and the seconds that processors worked for it."
        run, busy, start = self.watched.run, process_time(), perf_counter()
        for _ in range(self.loops): run()
        took, busy = perf_counter() - start, process_time() - busy
        return took/self.loops, busy/self.loops
    def check(self): self.watched.check()
    def profile(self) -> list:
        "What the runtime's own profile says: an `Operator` each."
        return PROFILES[self.name](self)

def life(pipe, *spec):
    "A process of one runtime: does what it is asked until None comes."
    r = Loaded(*spec)
    while (request := pipe.recv()) is not None:
        method, *args = request
        pipe.send(('ok', getattr(r, method)(*args)))

class Runner(Child):
    "A runtime with one setting, in a process of its own, that has built its model once."
    def __init__(self, job:Job, name:str, setting:dict):
        self.key, self.setting = name, setting
        super().__init__(RUNTIMES[name].title, life, job, name, setting)
    def __enter__(self):
        try:
            self.out = self.ask('build')
            self.loops = self.ask('count')
        except BaseException:
            self.close(0)
            raise
        return self


# Parity

def differs(want:np.ndarray, got:np.ndarray, graph:Graph=Graph(()), rounding:int=0) -> tuple[float,str]:
    """How far an answer is from ours, and what is wrong with that, '' if it is right. Fractions: in parts of
    the largest; codes (int8): in steps of the grid, at most `rounding`, or a few where `graph` adds arms."""
    if np.size(got) != want.size:
        return math.inf, f'its output has the shape {np.shape(got)}, not {want.shape}'
    got = np.reshape(got, want.shape)
    if want.dtype != np.int8:
        off = relative_error(want, got)
        return off, '' if off <= CLOSE else f'its answer is off by {off:.2g} of the largest number'
    far = int(np.abs(want.astype(int) - got).max(initial=0))
    added = any(n.op == 'ADD' for _, n in walk_nodes(graph.nodes))      # LiteRT's numbers are its own
    return far, '' if far <= max(rounding, 2*added) else f'its answer is off by {far} steps of the grid'

def our_answer(job:Job) -> np.ndarray:
    "What the numpy core says of the input."
    with no_grad(): return job.net(Tensor(job.input())).data


# The comparison

@dataclass(frozen=True, repr=False)
class RuntimeRun(Shown):
    "One network on all runtimes that are there, compared with `comparison.base`. Frozen."
    net: str
    comparison: Comparison          # of the latency of one call, by the titles of the runtimes
    off: Mapping                    # title -> the largest difference to our numpy core
    setup: Mapping                  # title -> its best setting
    versions: Mapping               # title -> version
    busy: Mapping                   # title -> processors at work, on average
    batch: int
    threads: int
    dtype: str = 'float32'
    wrong: tuple = ()               # who gives other answers, or fails, in words; not timed
    missing: tuple = ()             # who is not there, and what to do
    layers: object = None           # a `LayerTable`, if it was asked for
    def table(self) -> Table: return run_table(self)
    def to_dict(self) -> dict:
        kept = ('net', 'off', 'setup', 'versions', 'busy', 'batch', 'threads', 'dtype', 'wrong', 'missing')
        layers, c = dict(layers=self.layers.to_dict()) if self.layers else {}, self.comparison
        found = dict(comparison=c.to_dict()) if c.rows else dict(results=[r.to_dict() for r in c.results])
        return {k: getattr(self, k) for k in kept} | found | layers

def setting_words(setting:Mapping) -> str:
    "A setting for a person."
    def one(k, v):
        if k == 'last': return f'channels {"last" if v else "first"}'
        return f'{v} thread{"s" if v > 1 else ""}' if k == 'threads' else f'on {v}'
    return ', '.join(one(*item) for item in setting.items())

def run_table(r:RuntimeRun) -> Table:
    "A row for each runtime, the fastest first; then who is not in it, and why."
    c, rivals = r.comparison, {q.name: q for q in r.comparison.rows}
    def row(x):
        q, unit = rivals.get(x.name), '' if r.dtype == 'float32' else ' steps'
        off = f'{r.off[x.name]:.1e}' if r.dtype == 'float32' else f'{r.off[x.name]}{unit}'
        ratio = q.ratio.words() if q else 'the base'
        return (x.name, r.versions[x.name], setting_words(r.setup[x.name]), off,
                worded(x.median, *x.interval(), 's'), ratio, f'{r.busy[x.name]:.2f}')
    head = ('runtime', 'version', 'setting', 'differs by', 'a call', f'in parts of {c.base}', 'processors')
    rows = tuple(row(x) for x in sorted(c.results, key=lambda x: x.median))
    n = c.results[0].how['builds']
    said = (f'{r.net}: {r.batch} input{"s" if r.batch > 1 else ""} of {r.dtype} a call, at most {r.threads} '
            f'thread{"s" if r.threads > 1 else ""}, in turns, {n} builds, at 95%; measured. Differences are '
            'those to our numpy core, in parts of its largest number.')
    if r.dtype != 'float32': said = said.replace('in parts of its largest number', 'in steps of the grid')
    if min(r.busy.values()) < CALM: said += (' Some had less than a processor for themselves: others are at '
        'work on this machine, so believe the ratios, not the times.')
    return Table(head, rows, (said, *r.wrong, *r.missing), left=3)

def right(job:Job, want:np.ndarray, name:str, out:np.ndarray) -> float:
    "How far the answer of a runtime is from ours; ValueError if it is another one."
    off, said = differs(want, out, job.graph, RUNTIMES[name].rounding)
    if said: raise ValueError(said)
    return off

def fastest(job:Job, want:np.ndarray, name:str, tell:Callable, trials:int=5) -> tuple[Runner,float]:
    """The runtime with its fastest setting, by the median of some trials, and how far its answer is from
    ours; the others end. ValueError or ChildProcessError if every setting gives other answers, or fails."""
    best, failed = None, None
    with ExitStack() as chosen:
        for setting in RUNTIMES[name].settings(job):
            tell(f'{RUNTIMES[name].title} {setting_words(setting)}')
            try:
                with ExitStack() as mine:
                    r = mine.enter_context(Runner(job, name, setting))
                    off = right(job, want, name, r.out)      # before any clock runs
                    took = float(np.median([r.ask('secs')[0] for _ in range(trials)]))
                    if best and best[0] <= took: continue
                    chosen.close()
                    chosen.push(mine.pop_all())
                    best = took, r, off
            except FAILURES as e: failed = e
        if not best: raise failed
        chosen.pop_all()
    return best[1:]

FAILURES = ValueError, ChildProcessError      # of one runtime, which is named; the others go on

def untimed(name:str, e:Exception) -> str:
    "Why a runtime gets no time."
    return f'{RUNTIMES[name].title} is not timed: {str(e).splitlines()[0]}'

def checked(job:Job, want:np.ndarray, names, stack:ExitStack, tell:Callable) -> tuple[dict,dict,list]:
    "(key -> Runner, key -> difference, words about those that are not timed)."
    runners, off, wrong = {}, {}, []
    for name in names:
        try: runners[name], off[name] = fastest(job, want, name, tell)
        except FAILURES as e: wrong.append(untimed(name, e))
        else: stack.push(runners[name])
    return runners, off, wrong

def in_turns(job:Job, want:np.ndarray, runners:dict, repeats:int, rng,
             tell:Callable) -> tuple[list,dict,list]:
    """Seconds of each runtime in each build, the processors that worked for it, and words about those that
    fail or give another answer on the way: `runners` loses them."""
    runs, busy, wrong, done = [], {k: [] for k in runners}, [], 0
    def ask(k, what):
        try:
            got = runners[k].ask(what)
            if what == 'build': right(job, want, k, got)
            return got
        except FAILURES as e:
            wrong.append(untimed(k, e))
            del runners[k]
    for i, rounds in enumerate(shared_out(repeats, usual_builds(repeats))):
        for k in [*runners] if i else ():
            tell(f'{RUNTIMES[k].title} anew', done)
            ask(k, 'build')
        secs = {k: [] for k in runners}
        for order in random_rounds(list(runners), rounds, rng):
            for k in order:
                if k not in runners or not (found := ask(k, 'secs')): continue
                secs[k].append(found[0]), busy[k].append(found[1]/found[0])
            done += 1
            tell('in turns', done)
        for k in [*runners]: ask(k, 'check')
        runs.append(secs)
    runs = [{RUNTIMES[k].title: np.array(secs[k]) for k in runners} for secs in runs]
    return runs, {k: float(np.mean(busy[k])) for k in runners}, wrong

def run_runtimes(net:str, job:Job, names=tuple(RUNTIMES), repeats:int=30, seed:int=0,
                 progress:Callable|None=None) -> RuntimeRun:
    """The network `net`, said by `job`, on all of `names` that are there; `progress(done, of, text)`.
    ValueError if none of them can be timed, or for fewer rounds than an interval needs."""
    if repeats < (need := fewest_values()): raise ValueError(f'{repeats} rounds: an interval needs {need}')
    def tell(text, done=0): progress and progress(done, repeats, text)
    why, want = {k: lacking(k, job) for k in names}, our_answer(job)
    missing = tuple(filter(None, why.values()))
    with ExitStack() as stack:
        runners, off, wrong = checked(job, want, [k for k in names if not why[k]], stack, tell)
        runs, busy, lost = in_turns(job, want, runners, repeats, np.random.default_rng(seed), tell)
        wrong += lost
        if not runners: raise ValueError(f'nothing to time: {"; ".join([*wrong, *missing])}')
        loops, setup = ({k: getattr(r, what) for k, r in runners.items()} for what in ('loops', 'setting'))
    def titled(d): return {RUNTIMES[k].title: d[k] for k in runners}
    how = dict(batch=job.batch, threads=job.threads, inputs='noise', seed=seed)
    versions = {k: RUNTIMES[k].version() for k in runners}
    return RuntimeRun(net, beside(built_results(runs, titled(loops), **how), runners), titled(off),
                      titled(setup), titled(versions), titled(busy), job.batch, job.threads, job.dtype,
                      tuple(wrong), missing)

def beside(results:Mapping, runners:Mapping) -> Comparison:
    "Our plan is the base, or, without it, the first that was named."
    base = RUNTIMES['native' if 'native' in runners else next(iter(runners))].title
    if len(results) > 1: return compare_results(results, base)
    return Comparison(base, tuple(results.values()), ())
