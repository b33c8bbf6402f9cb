"The network that a form is about, in a file of weights or a .tflite file, and what can be counted of it"
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
import numpy as np

from ..backends.base import Model, as_model, native
from ..backends.export import our_network
from ..base.archive import check_npz, plain_file
from ..base.names import lookup
from ..bench.benchmark import array_digest
from ..embedded.tasks import embedded_examples
from ..measure.accuracy import auc_interval
from ..models.weights import read_tflite
from ..models.zoo import MODELS, SHAPES, create
from ..nn.module import Module, live_state, load_arrays
from ..profile.cost import cost
from ..tasks.task import TASKS, Examples, answers_in, outputs_of, task_of
from .cell import Cell, filled, unknown
from .fields import RUNTIMES, Field

LIMIT = 2**25                                   # bytes of a file, packed or not
SUFFIXES = '.npz', '.tflite'

class Opened(NamedTuple):
    "A network out of a file."
    net: Module
    shape: tuple            # of one input
    parameters: int
    network: str            # of the zoo; or '' for a .tflite file, which says its layers itself

def options_of(name:str, task:str) -> Mapping:
    "How the network `name` is made for a task."
    return TASKS[task].options if task in TASKS and TASKS[task].network == name else {}

def open_weights(path:Path, name:str, task:str) -> Opened:
    "A network of the zoo with the weights in an .npz file; ValueError if they are not its."
    check_npz(path, LIMIT)
    net = create(name, np.random.default_rng(0), **options_of(name, task))
    try: net.load(path)
    except KeyError as e: raise ValueError(
        f'{path.name} has no weights of {name}: {str(e.args[0])[:200]}') from None
    return Opened(net.eval(), SHAPES[name], net.n_parameters(), name)

def open_tflite(path:Path) -> Opened:
    "The network in a .tflite file, float32 or int8."
    plain_file(path, LIMIT)
    graph = read_tflite(path)
    if graph.shape is None: raise ValueError(f'{path.name} does not say what it takes')
    return Opened(our_network(graph), tuple(graph.shape), graph.n_weights(), '')

def open_file(path:Path, name:str='', task:str='') -> Opened:
    "The network in `path`, which `name` of the zoo has the weights of, if it is an .npz; ValueError if none."
    if path.suffix == '.tflite': return open_tflite(path)
    if path.suffix == '.npz': return open_weights(path, name, task)
    raise ValueError(f'{path.name} is no model that a form can be about: {" or ".join(SUFFIXES)}')

def owner(path:Path) -> tuple[str, str]:
    "(network of the zoo, task or '') whose weights are in an .npz file; ValueError if they are of none."
    check_npz(path, LIMIT)
    sizes = {k: a.shape for k, a in load_arrays(path).items()}
    made = [(t.network, t.name) for t in TASKS.values()] + [(n, '') for n in MODELS]
    for name, task in made:
        net = create(name, np.random.default_rng(0), **options_of(name, task))
        if {k: a.shape for k, a in live_state(net).items()} == sizes: return name, task
    raise ValueError(f'{path.name} has weights of no network of the zoo ({", ".join(MODELS)})')

def digest(path:Path) -> str: return hashlib.sha256(path.read_bytes()).hexdigest()

def model_of(o:Opened, name:str, runtime:str='core') -> Model:
    "The network as a `Model`, by numpy or as C; ValueError for another runtime, or if there is no C of it."
    if runtime not in RUNTIMES: lookup('runtime', runtime, dict.fromkeys(RUNTIMES))
    return as_model(name, native(o.net, o.shape) if runtime == 'compiled' else o.net, o.shape)


# --- what can be counted again

def task_for(shape:tuple, name:str='') -> str:
    "The first task of ours for a network of the zoo, or for inputs of a shape; '' if there is none."
    fits = [t.name for t in TASKS.values() if (t.network == name if name else t.shape == tuple(shape))]
    return fits[0] if fits else ''

def examples_of(task:str) -> Examples:
    "What ships for a task; ValueError if a package is missing."
    found = embedded_examples(task_of(task).name)
    if found is None: raise ValueError(f'{task} needs scikit-image: pip install "tinybench-ml[faces]"')
    return found

def told(e:Examples) -> dict:
    "What a form says of examples."
    parts = [e.x, e.y] if e.clip is None else [e.x, e.y, e.clip]
    return dict(name=e.name, kind=e.kind, n=len(e.y), sha256=array_digest(parts))

NO_TASK = 'no task has inputs and outputs like these', 'with --task and labelled examples for it'

def close_calls(out:np.ndarray) -> int:
    "Rows of outputs whose two largest agree to a hundred-thousandth, so that rounding may decide."
    low, top = np.sort(out, 1)[:, -2:].T
    return int((top - low <= 1e-5*np.abs(out).max(1)).sum())

class Answered(NamedTuple):
    "What a model answers to the examples of a task."
    cells: tuple
    close: int = 0          # answers that another processor may give otherwise

def quality_cells(known:Mapping, task:str, model:Model|None, e:Examples|None, why:tuple=NO_TASK) -> Answered:
    "The cells of accuracy, error and AUC; of what a task is not judged by, why not."
    names = [k for k in ('accuracy', 'error', 'auc') if k in known]
    if not task or e is None: return Answered(tuple(unknown(known[k], *why) for k in names))
    t = task_of(task)
    out = outputs_of(t, model, e)
    said = answers_in(t, out, e)
    by = f'{task} is judged by its {t.metric}'
    cells = {k: unknown(known[k], by, 'with a task that has this metric') for k in names}
    how = f'all {len(e.y):,} examples of {e.name} that ship with tinybench'
    if t.metric == 'AUC':
        a = auc_interval(said, e.y)
        cells['auc'] = Cell(known['auc'], a.estimate, 'measured', how, (), a.lo, a.hi)
        return Answered(tuple(cells.values()))
    n, right = len(e.y), int((said == e.y).sum())
    cells |= dict(accuracy=filled(known['accuracy'], (right, n), how),
                  error=filled(known['error'], (n - right, n), how))
    return Answered(tuple(cells.values()), close_calls(out))

def counted_cells(known:Mapping[str, Field], o:Opened, path:Path) -> list[Cell]:
    "The cells that anybody can count: parameters, bytes, work."
    c = cost(o.net, o.shape, batch=1)
    rows = dict(
        parameters=(o.parameters, 'counted: the numbers in all weights and biases'),
        size=(path.stat().st_size, f'the bytes of {path.suffix[1:]} file {path.name}; 1 MB is 1,000,000'),
        macs=(c.macs, 'counted layer by layer in one pass'),
        flops=(c.flops, 'counted layer by layer in one pass, two for each multiply-accumulate'),
        working=(sum(c.state_bytes.values()) + c.peak_bytes,
                 'all weights, and the most activations that are alive at one time, one input'))
    return [filled(known[k], n, how) for k, (n, how) in rows.items() if k in known]

