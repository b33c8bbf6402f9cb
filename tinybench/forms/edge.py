"The form of an edge device, filled: counted, answered, timed in fresh processes, read while it runs"
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
import numpy as np

from ..backends.base import running
from ..base.names import lookup
from ..measure.result import environment
from ..tasks.task import TASKS, Examples
from .cell import Cell, filled, rate_of, unknown
from .fields import fields_of
from .form import Form
from .fresh import TIMED, run_fresh, steps_of
from .machine import WINDOWS, bandwidth_cell, energy_cell, peak_cell, watched, watched_cells
from .network import (
    NO_TASK, Opened, counted_cells, digest, examples_of, model_of, open_file, quality_cells, task_for, told)

PROCESSES, ROUNDS = 9, 20
RANDOM = 'its weights are random', 'with trained ones, as an .npz or a .tflite file'
NO_PEAK = 'the most memory of a process is known on Linux only', 'with /proc/self/status'

def example_for(o:Opened, e:Examples|None, seed:int) -> np.ndarray:
    "One input, as it is stored: the first of the examples; noise if there are none."
    if e is not None: return np.ascontiguousarray(e.x[:1])
    return np.random.default_rng(seed).standard_normal((1, *o.shape)).astype(np.float32)

def fresh_runs(path:Path, about:Mapping, task:str, x:np.ndarray, processes:int=PROCESSES, rounds:int=ROUNDS,
               seed:int=0, progress:Callable|None=None) -> list[dict]:
    """What so many fresh processes found with the model in `path`, one after the other; ValueError if they do
    not give the same answer to `x`."""
    found, said = [], {k: about[k] for k in ('network', 'name', 'runtime')}
    with tempfile.TemporaryDirectory(prefix='tinybench-') as folder:
        np.save(example := Path(folder)/'example.npy', x)
        do = dict(said, file=str(path.absolute()), task=task, example=str(example), rounds=rounds)
        for i in range(processes):
            found.append(run_fresh(dict(do, seed=seed + i)))
            if progress: progress(i + 1, processes, 'fresh processes')
    answers = [r['answer'] for r in found]
    if not np.allclose(answers, answers[0], rtol=1e-4): raise ValueError(
        f'fresh processes answer one input differently: {min(answers)} and {max(answers)}')
    return found

def fresh_cells(known:Mapping, found:list, stored:str, rounds:int) -> list[Cell]:
    "The cells of what fresh processes found."
    n = len(found)
    how = dict(
        latency=f'one input of {stored} to an answer, one thread; each of {n} fresh processes gives the '
                f'median of {rounds} rounds, all steps in turns',
        preprocessing='the stored input, already features, to the type and layout that the model takes',
        inference='the model alone', postprocessing='outputs to a class or a score',
        deployment=f'{n} fresh processes: start, imports, model out of its file, first answer',
        startup=f'{n} fresh processes: start to the end of imports, before the model is opened')
    secs = {k: [r[k]*(1000 if k in TIMED else 1) for r in found] for k in how}
    beside = dict(latency=dict(product=[1000*r['product'] for r in found]))     # ms, to compare runs by
    cells = [filled(known[k], secs[k], words, **beside.get(k, {})) for k, words in how.items()]
    if any(r['memory'] is None for r in found): return [*cells, unknown(known['memory'], *NO_PEAK)]
    words = f'most resident memory of {n} fresh processes, interpreter and libraries included'
    return [*cells, filled(known['memory'], [r['memory'] for r in found], words)]

def cells_here(known:Mapping, model, task:str, x, root:Path, **how) -> list[Cell]:
    "The cells that are read while the model runs in this process."
    with running([model], 1):
        run = steps_of(model, task, x)['latency']
        seen = watched_cells(known, watched(run, root, **how))
        energy = energy_cell(known['energy'], run, root)
    return [*seen, energy, bandwidth_cell(known['bandwidth'], root), peak_cell(known['peak'])]

def task_named(task:str, o:Opened) -> str:
    "The task that a form is for: the one named, if it fits, else the first that does; '' if none does."
    if not task: return task_for(o.shape, o.network)
    if lookup('task', task, TASKS).shape != tuple(o.shape): raise ValueError(
        f'{task} gives {TASKS[task].shape}, and the model takes {tuple(o.shape)}')
    return task

def about_model(path:Path, name:str, o:Opened, runtime:str) -> dict:
    "What a form says of its model."
    return dict(name=name, network=o.network, file=f'model{path.suffix}', sha256=digest(path),
                runtime=runtime)

def edge_form(
    path:Path,                # an .npz or .tflite file
    network:str='',           # of the zoo, whose weights an .npz has
    task:str='',              # that it is judged on; '': the first that fits
    *, name:str='', trained:bool=True, runtime:str='core', processes:int=PROCESSES, rounds:int=ROUNDS,
    seed:int=0, references:tuple=(), root:str|Path='/', windows:int=WINDOWS, progress:Callable|None=None,
) -> Form:
    """The form of an edge device for the model in `path` on this machine, whose proc and sys are in `root`.

    ValueError for a file that is no model, or a task of other inputs; ModelError for a model that fails."""
    known, name = fields_of('edge'), name or network or path.stem
    o = open_file(path, network, task)
    task, model = task_named(task, o), model_of(o, name, runtime)
    e = examples_of(task) if task and trained else None
    x, about = example_for(o, e, seed), about_model(path, name, o, runtime)
    answered = quality_cells(known, task if e else '', model, e, NO_TASK if trained else RANDOM)
    fresh = fresh_cells(known, fresh_runs(path, about, task, x, processes, rounds, seed, progress),
                        e.name if e else 'noise', rounds)
    found = [*counted_cells(known, o, path), *answered.cells, *fresh, rate_of(known['throughput'], fresh[0]),
             *cells_here(known, model, task, x, Path(root), windows=windows)]
    cells = {c.field.name: c for c in found}
    how = dict(processes=processes, rounds=rounds, seed=seed, threads=1)
    return Form('edge', about, [cells[k] for k in known], task if e else '', told(e) if e else {},
                environment(), how, references)
