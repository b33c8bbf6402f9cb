"What each layer takes in each runtime, by the runtime's own profile, in turns"
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
import numpy as np

from ..backends.runtimes import LayerTable, attribute
from ..measure.clock import random_rounds
from ..measure.stats import fewest_values
from ..nn.module import Sequential, walk
from ..profile.cost import cost
from ..profile.profiler import label
from .runtimes import RUNTIMES, Job
from .turns import Runner, RuntimeRun


NONE = dict(litert='its package for Python gives no times of operators',
            torch='its profiler names operators of PyTorch, and is not read here',
            torch_compiled='what it writes is no longer made of layers',
            jax='XLA makes one program of all layers',
            keras='it is what its backend makes of it')

def untold(job:Job, key:str, setting:dict) -> str:
    "Why the layers of a runtime are not told; '' if they are."
    if key in NONE: return NONE[key]
    if key == 'native' and setting.get('threads', 1) > 1: return 'its threads share a batch, each for itself'
    if key == 'openvino' and job.codes: return 'it is given .tflite, whose operators have no names of ours'
    return ''

def layers_of(job:Job, run:RuntimeRun, rounds:int=8, seed:int=0, progress:Callable|None=None) -> LayerTable:
    """The layers of `job` in the runtimes of `run`, with their settings there, in turns; `progress(done, of,
    text)`. ValueError for fewer rounds than an interval needs."""
    if rounds < (need := fewest_values()): raise ValueError(f'{rounds} rounds: an interval needs {need}')
    keys, notes, runners = {r.title: k for k, r in RUNTIMES.items()}, [], {}
    macs, rng = macs_of(job), np.random.default_rng(seed)
    with ExitStack() as stack:
        for title, setting in run.setup.items():
            if why := untold(job, keys[title], setting): notes.append(f'{title} is not told by layer: {why}.')
            else: runners[title] = stack.enter_context(Runner(job, keys[title], setting))
        found, calls = {k: [] for k in runners}, {k: [] for k in runners}
        for i, order in enumerate(random_rounds(list(runners), rounds, rng)):
            for k in order:
                calls[k].append(runners[k].ask('secs')[0])
                found[k].append(attribute(runners[k].ask('profile'), macs))
            if progress: progress(i + 1, rounds, 'layers')
    return LayerTable(macs, {k: by_row(rows) for k, rows in found.items()}, calls, tuple(notes))

def with_layers(run:RuntimeRun, job:Job, seed:int=0, progress:Callable|None=None) -> RuntimeRun:
    "`run` with its layers; as it is, with a word about it, if no runtime in it tells them."
    table = layers_of(job, run, seed=seed, progress=progress)
    return replace(run, layers=table) if table.secs else replace(run, missing=(*run.missing, *table.notes))

def macs_of(job:Job) -> dict[str,int]:
    "Multiply-adds of a batch by layer, in order; containers are no layers."
    names = {path: label(path, m) for path, m in walk(job.net) if not isinstance(m, Sequential)}
    found = dict.fromkeys(names.values(), 0)
    for r in cost(job.net, job.input()).rows:
        if r.path in names: found[names[r.path]] += r.macs
    return found

def by_row(rounds:list[dict]) -> dict[str,np.ndarray]:
    "Seconds of each row, a value a round; 0 where a profile that counts in whole microseconds left it out."
    rows = dict.fromkeys(row for found in rounds for row in found)
    return {row: np.array([found.get(row, 0.) for found in rounds]) for row in rows}
