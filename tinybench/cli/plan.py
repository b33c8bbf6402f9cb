"Suites: as a person writes one in a TOML file or as options"
import os, sys, tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from tinybench.base.files import read_text
from tinybench.base.names import meant


def named_object(text:str):
    "What 'package.module:name' names; ValueError saying which half is not there."
    module, _, name = text.partition(':')
    sys.path.insert(0, os.getcwd())
    try: found = import_module(module)
    except ModuleNotFoundError as e: raise ValueError(f'{text}: {e}') from e
    finally: sys.path.remove(os.getcwd())
    if not hasattr(found, name): raise ValueError(f'{text}: the module {module} has no {name!r}')
    return getattr(found, name)

def known_keys(table:dict, known:tuple, where:str):
    "ValueError naming the first key of `table` that is not `known`, and the one it is most like."
    if not isinstance(table, dict): raise ValueError(f'{where} must be a table, not {table!r}')
    for key in table:
        if key not in known: raise ValueError(f'{where} has no {key!r}{meant(key, known)}')

NUMBER = int, float
PLAN = dict(models=dict, data=list, baseline=str, repeats=int, secs=NUMBER, seed=int, threads=int,
            band=NUMBER, level=NUMBER, processes=int, builds=int, batch=int, throughput_batch=int)

def read_toml(path:str|os.PathLike, kinds:Mapping) -> dict:
    "What a TOML file says, each key of its kind; OSError, or ValueError saying what is wrong in it."
    try: found = tomllib.loads(read_text(path))
    except ValueError as e: raise ValueError(f'{path} is no TOML: {e}') from e
    known_keys(found, tuple(kinds), str(path))
    for k, v in found.items():
        fits = isinstance(v, kinds[k]) and not isinstance(v, bool)
        if not fits: raise ValueError(f'{path}: {k} cannot be {v!r}')
    return found

def read_plan(path:str|os.PathLike) -> dict:
    "The suite that a TOML file describes; OSError, or ValueError saying what is wrong in it."
    plan = read_toml(path, PLAN)
    if not plan.get('models'): raise ValueError(
        f'{path} names no model: add a table such as [models.small] with use = "simple_cnn"')
    for k, v in plan['models'].items():
        if not isinstance(v, dict): raise ValueError(f'{path}: {k} needs a table, [models.{k}], not {v!r}')
    return plan

def plan_of(suite:Path|None, models:str, data:str, options:dict) -> dict:
    "The plan in the file `suite`, if any, with the options that were given in place of its own."
    plan = dict(models={}) if suite is None else read_plan(suite)
    names = [k.strip() for k in models.split(',') if k.strip()]
    if len(set(names)) < len(names): raise ValueError(f'a network twice in --models {models}')
    if names: plan['models'] = {k: {} for k in names}
    if data: plan['data'] = [name.strip() for name in data.split(',')]
    if not plan['models']: raise ValueError('nothing to measure: name a TOML file, or networks with --models')
    return plan | {k: v for k, v in options.items() if v is not None}

def channels_first(x):
    "Images (n, h, w, c) as PyTorch wants them."
    import torch
    return torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()

FILES = '.onnx', '.tflite'         # of networks, which `tinybench.backends.export` reads

def is_file(use:str) -> bool:
    "Whether the name of a network is that of a file of other runtimes."
    return Path(use).suffix in FILES

def graph_in(use:str):
    "The graph in a file of other runtimes; OSError or ValueError, which say why, if there is none."
    from tinybench.backends.export import READERS
    return READERS[Path(use).suffix](Path(use).expanduser())

def network_in(use:str, given:dict):
    "The network in such a file, and the shape of one input; it takes no options."
    from tinybench.backends.export import our_network
    if given: raise ValueError(
        f'model {use!r}: a file has all that it needs, and takes no {next(iter(given))}')
    graph = graph_in(use)
    return our_network(graph), tuple(graph.shape)

def runs(model) -> bool:
    "Whether `model` answers one empty example."
    import numpy as np
    from tinybench.backends.base import ModelError
    from tinybench.bench.benchmark import answers
    try: answers(model, np.zeros((1, *model.shape), model.dtype))
    except ModelError: return False
    return True

def on_data(name:str, net, shape:tuple):
    "`net` as a model of examples of the `shape` that the data have; PyTorch's may take the channels first."
    from tinybench.backends.base import as_model
    model = as_model(name, net, shape)
    if model.kind != 'torch' or len(shape) != 3 or runs(model): return model
    turned = as_model(name, net, shape, feed=channels_first)
    return turned if runs(turned) else model

def make_model(name:str, table:dict, seed:int=0, shapes=()):
    """The `Model` that a table of a suite describes, or ValueError naming it.

    A table without a shape takes that of the data, if their `shapes` are one."""
    from dataclasses import replace
    import numpy as np
    from tinybench.backends.base import Model, as_model
    from tinybench.models.zoo import SHAPES, create
    options = dict(table)
    use, weights, shape = (options.pop(k, v) for k, v in dict(use=name, weights=None, shape=None).items())
    if not isinstance(use, str): raise ValueError(f'model {name!r}: use must be text, not {use!r}')
    given = options | {k: v for k, v in dict(weights=weights, shape=shape).items() if v}
    try:
        if is_file(use): net, shape = network_in(use, given)
        elif ':' in use: net = named_object(use)(**options)
        else: net = create(use, np.random.default_rng(seed), **options)
        if weights and not hasattr(net, 'load'): raise ValueError(
            f'model {name!r}: weights are for a tinybench network, not for a {type(net).__name__}')
        if weights: load_into(net, weights)
    except TypeError as e: raise ValueError(f'model {name!r}: {e}') from e
    if isinstance(net, Model): return replace(net, name=name)
    shape = shape or options.get('in_shape') or SHAPES.get(use)
    if shape is None and len(set(shapes)) == 1: return on_data(name, net, tuple(*shapes))
    if shape is None: raise ValueError(
        f'model {name!r}: of what shape is one example? In a suite file add shape = [28, 28, 1], as an '
        'option --shape 28,28,1; else have the function return as_model(name, net, (28, 28, 1))')
    if not isinstance(shape, (list, tuple)):
        raise ValueError(f'model {name!r}: shape is a list, not {shape!r}')
    try: return as_model(name, net, tuple(shape))
    except TypeError as e: raise ValueError(str(e)) from e

def load_into(net, weights):
    "Load the weights in a file; ValueError if they are of another network."
    try: net.load(weights)
    except KeyError as e:
        first, *more = str(e.args[0]).split('; ')
        rest = f'; and {len(more)} things more' if more else ''
        raise ValueError(f'{weights}: {first}{rest}') from e

def make_suite(plan:dict, out:Path|None=None):
    "The `BenchmarkSuite` of a plan: each build has copies of the models, or what `use` makes anew."
    from dataclasses import replace
    from functools import partial
    from tinybench.backends.base import not_copied
    from tinybench.bench.suite import BenchmarkSuite
    from tinybench.data.source import load
    options = {k: v for k, v in plan.items() if k not in ('models', 'data')}
    data = [load(name) for name in plan.get('data', ())]
    shapes = {d.x_test.shape[1:] for d in data}
    makers = {name: partial(make_model, name, table, plan.get('seed', 0), shapes)
              for name, table in plan['models'].items()}
    models = [make() for make in makers.values()]
    models = [replace(m, make=makers[m.name]) if not_copied([m]) else m for m in models]
    return BenchmarkSuite(models, data, out, **options)
