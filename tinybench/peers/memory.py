"What a network takes of memory: how far a fresh process grows while it loads the model and runs it"
import ctypes, importlib, math, sys, tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple
import numpy as np

from ..base.memory import resident, settle
from ..base.process import Child
from ..base.text import Shown, Table, worded
from ..core.tensor import no_grad
from ..emit.network import aligned
from ..exchange.graph import graph_of
from ..exchange.run import RUNTIMES, in_litert, runtimes_by_key
from ..exchange.tflite import tflite
from ..measure.builds import t_interval
from ..models.zoo import SHAPES, create
from ..nn.module import Module
from .engines import onnx_model, ours
from .turns import differs

CALLS = 10
LIBRARIES = dict(litert='ai_edge_litert.interpreter', onnxruntime='onnxruntime', openvino='openvino')
COMPILED, PLANNED = OURS = 'tinybench, compiled', 'tinybench, planned'

class Growth(NamedTuple):
    "Bytes by which a process grew."
    peak: int           # of resident memory, at the fullest moment
    unfiled: int        # of memory that is no part of a file, at the end: weights, arenas, objects


# What is loaded, as a user has it: a file, or more

def from_library(library:Path, weights:Path, arena:int, out:tuple) -> Callable:
    "A network that was compiled: its library, its weights and its arena, without the plan."
    run = ctypes.CDLL(str(library)).run
    run.argtypes, run.restype = [ctypes.c_void_p]*4, None
    w, a, y = np.fromfile(weights, np.float32), aligned(arena), np.empty(out, np.float32)
    def call(x):
        run(x.ctypes.data, y.ctypes.data, a.ctypes.data, w.ctypes.data)
        return y
    return call

def planned(name:str, seed:int, shape:tuple, batch:int) -> Callable:
    "A new network, and the plan that is made of it; its library was compiled before."
    return ours(create(name, np.random.default_rng(seed)).eval(), shape, batch)

def loaders(name:str, keys, batch:int, seed:int, folder:Path) -> dict[str,Callable]:
    "For each engine a function of no arguments, for another process, that loads the network `name`."
    net, shape = create(name, np.random.default_rng(seed)).eval(), SHAPES[name]
    found = of_ours(name, net, batch, seed, folder)
    for key in keys:
        if key == 'litert':
            (path := folder/'net.tflite').write_bytes(tflite(graph_of(net, shape)))
            found[key] = partial(in_litert, shape, batch, model_path=str(path))
        else:
            title = runtimes_by_key('.onnx')[key]
            (path := folder/'net.onnx').write_bytes(onnx_model(net, shape, batch, title, LIBRARIES[key]))
            found[key] = partial(RUNTIMES['.onnx'][title], str(path))
    return found

def of_ours(name:str, net:Module, batch:int, seed:int, folder:Path) -> dict[str,Callable]:
    "As `loaders`, of our plan."
    from ..toolchain.cache import library
    from ..toolchain.compiler import find_compiler, flags
    p, cc = ours(net, SHAPES[name], batch), find_compiler()
    kept = library(p.source(), flags(cc, also=['-lm']), cc)
    p.weights.tofile(path := folder/'net.bin')
    return {COMPILED: partial(from_library, kept, path, p.arena.size, p.out.shape),
            PLANNED: partial(planned, name, seed, SHAPES[name], batch)}


# One process

def growth(load:Callable, x:np.ndarray) -> tuple[Growth,np.ndarray]:
    "How far this process grows while it loads a model and runs it `CALLS` times, and the answer."
    resident()
    settle()
    before, run = resident(), load()
    for _ in range(CALLS): y = run(x)
    after = resident()
    peak = max(after['VmHWM'], after['Rss'])
    return Growth(peak - before['Rss'], after['Anonymous'] - before['Anonymous']), np.array(y)

def measure_growth(pipe, load:Callable, library:str, x:np.ndarray):
    "The life of a fresh process: imports, then `growth`."
    if library: importlib.import_module(library)
    pipe.send(('ok', growth(load, x)))

def in_fresh_process(load:Callable, library:str, x:np.ndarray) -> tuple[Growth,np.ndarray]:
    "`growth` in a process that has imported the `library` before."
    with Child('a process whose memory is measured', measure_growth, load, library, x) as child:
        return child.answer()


# The race

@dataclass(frozen=True, repr=False)
class MemoryRace(Shown):
    "How far processes grow with each engine, for each network; the rounds of one network in turns. Frozen."
    found:dict              # network -> engine -> [Growth of each round]
    batch:int
    level:float = .95
    def table(self) -> Table:
        rows = [row for net, xs in self.found.items() for row in memory_rows(net, xs, self.level)]
        parts = 'compiled/it', 'planned/it'
        head = 'network', 'engine', 'grows by', *parts, 'of no file', *parts
        return Table(head, tuple(rows), (WORDS.format(n=self.batch, s='s'*(self.batch > 1)),), left=2)
    def to_dict(self) -> dict:
        return dict(batch=self.batch, level=self.level, found={
            net: {k: [g._asdict() for g in gs] for k, gs in xs.items()} for net, xs in self.found.items()})

WORDS = ('A fresh process, its libraries imported: how far its resident memory grows, at the fullest moment, '
         'while it loads the network and runs it with {n} input{s}; and what of it is of no file at the end. '
         'Compiled: a library that is there, its weights and its arena. Planned: a new network, and the plan '
         'that Python makes of it, whose library is there. The others load a file.')

def spread_of(values, level:float) -> tuple[float,float,float]:
    "The middle of numbers above 0 and its interval, by Student's t of their logarithms."
    if np.ptp(values) == 0: return (float(values[0]),)*3    # memory comes in pages
    return tuple(math.exp(v) for v in t_interval(np.log(values), level)[:3])

def memory_rows(net:str, found:dict, level:float) -> list[tuple]:
    "A row for each engine; ratios of growths in the same round."
    def column(key, i): return np.maximum([g[i] for g in found[key]], 4096.)       # a page
    def cells(key, i):
        its = column(key, i)
        def share(mine): return worded(*spread_of(column(mine, i)/its, level)) if key not in OURS else ''
        return worded(*spread_of(its, level), 'B'), *map(share, OURS)
    return [(net, key, *cells(key, 0), *cells(key, 1)) for key in found]

def check_memory(repeats:int):
    "ValueError unless memory can be raced."
    if sys.platform != 'linux': raise ValueError('how far a process grows is known on Linux only')
    if repeats < 2: raise ValueError(f'{repeats} processes of each: too few for an interval, which needs 2')

def race_memory(nets, peers, batch:int=1, seed:int=0, repeats:int=8, progress=None) -> MemoryRace:
    """Race our plans against the engines `peers` for memory, in fresh processes. ValueError if it is not
    Linux, or an engine gives other answers."""
    check_memory(repeats)
    found, rng = {}, np.random.default_rng([seed, batch])
    for name in nets:
        x = rng.normal(size=(batch, *SHAPES[name])).astype(np.float32)
        with tempfile.TemporaryDirectory(prefix='tinybench-') as folder, no_grad():
            load = loaders(name, peers, batch, seed, Path(folder))
            want = create(name, np.random.default_rng(seed)).eval()(x).data
            if progress: progress(f'{name}: memory of {"; ".join(load)}')
            found[name] = memory_of(name, load, x, want, rng, repeats)
    return MemoryRace(found, batch)

def memory_of(name:str, load:dict, x, want, rng, repeats:int) -> dict:
    "engine -> its growth in each round."
    found = {key: [] for key in load}
    for _ in range(repeats):
        for key in rng.permutation(list(load)):
            grew, y = in_fresh_process(load[key], LIBRARIES.get(key, ''), x)
            if said := differs(want, y)[1]: raise ValueError(f'{key} gives other answers for {name}: {said}')
            found[key].append(grew)
    return found
