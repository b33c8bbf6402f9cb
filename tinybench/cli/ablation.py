"Ablations: as a person writes one in a TOML file, and the steps that it may name"
import inspect, os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tinybench.base.names import meant
from .plan import PLAN, make_model, named_object, read_toml

# What [[step]] use = "…" may say besides "module:function". A function takes the network, and perhaps
# `data` (the data set), `x` (some examples of its training part), `shape` (of one), `seed` or `teacher` (the
# network that the ablation starts from), then options; a class makes such a function.
MODULES = dict(step='strip float16 bfloat16 float64', fuse='fold fuse channels_first',
               quantize='int8 int4 clustered fake', integer='integer', prune='prune n_m sparse',
               channels='thin', lowrank='lowrank')
STEPS = {name: f'tinybench.optimize.{module}:{name}'
         for module, names in MODULES.items() for name in names.split()}
STEPS |= dict(fine_tune='tinybench.bench.ablation:FineTune', distill='tinybench.bench.ablation:Distill',
              native='tinybench.backends.base:native')

ABLATION = PLAN | dict(step=list, kinds=list, workers=int)
NOT_OPTIONS = 'models', 'data', 'step', 'baseline'     # of `ablate`

def read_ablation(path:str|os.PathLike) -> dict:
    "The ablation that a TOML file describes; OSError, or ValueError saying what is wrong in it."
    plan = read_toml(path, ABLATION)
    for k, example in (('models', '[models.net] with use = "simple_cnn"'), ('data', 'data = ["digits"]'),
                       ('step', '[[step]] with use = "float16"')):
        if not plan.get(k): raise ValueError(f'{path} names no {k.rstrip("s")}: add {example}')
    tables = [*((f'{k} needs a table, [models.{k}]', v) for k, v in plan['models'].items()),
              *(('a step needs a table, [[step]]', v) for v in plan['step'])]
    for needs, v in tables:
        if not isinstance(v, dict): raise ValueError(f'{path}: {needs}, not {v!r}')
    return plan

def start_of(plan:Mapping) -> str:
    "The name of the model that an ablation starts from; ValueError if that is not clear."
    names = list(plan['models'])
    start = plan.get('baseline', names[0])
    if start not in names: raise ValueError(f'no model {start!r} to start from{meant(start, names)}')
    if len(names) > 1 and 'baseline' not in plan: raise ValueError(
        f'an ablation starts from one model: which of {", ".join(names)}? Say baseline = "{names[0]}"')
    return start

def make_step(table:Mapping, data, net=None, seed:int=0) -> tuple:
    """(name, step) of a [[step]] on the data set `data`; ValueError naming the step if that cannot be.

    `net` is what the ablation starts from, and `seed` that of a step that has one and is given none.
    """
    options = dict(table)
    use, name = options.pop('use', None), options.pop('name', None)
    if not isinstance(use, str): raise ValueError(
        f'a step needs use = "float16" or "module:function", not {use!r}')
    name = use.rpartition(':')[2] if name is None else name
    if not isinstance(name, str): raise ValueError(f'the name of a step is text, not {name!r}')
    def refuse(why): raise ValueError(f'step {name!r}: {why}')
    if ':' not in use and use not in STEPS:
        refuse(f'no step {use!r}{meant(use, STEPS)}; known are {", ".join(STEPS)}, and "module:function"')
    found = named_object(STEPS.get(use, use))
    if not callable(found): refuse(f'{use} is a {type(found).__name__}, not a function')
    takes = inspect.signature(found).parameters
    given = dict(data=data, x=data.x_train[:256], shape=data.x_train.shape[1:], seed=seed,
                 teacher=net)
    options = {k: v for k, v in given.items() if k in takes} | options
    try:
        if isinstance(found, type): return name, found(**options)
        inspect.signature(found).bind(None, **options)
    except (TypeError, ValueError) as e: refuse(e)
    return name, partial(found, **options)

def run_ablation(plan:Mapping, out:Path|None=None):
    "The `Ablation` of a plan."
    from tinybench.bench.ablation import ablate, network_of
    from tinybench.data.source import load
    data, start = [load(name) for name in plan['data']], start_of(plan)
    seed, options = plan.get('seed', 0), {k: v for k, v in plan.items() if k not in NOT_OPTIONS}
    model = make_model(start, plan['models'][start], seed)
    try: net = network_of(model)
    except TypeError as e: raise ValueError(f'model {start!r}: {e}') from e
    pairs = [make_step(table, data[0], net, seed) for table in plan['step']]
    names = [name for name, _ in pairs]
    if twice := sorted({n for n in names if names.count(n) > 1}): raise ValueError(
        f'two steps are called {", ".join(twice)}: give each a name of its own, name = "…"')
    try: return ablate(net, dict(pairs), data, out, **options)
    except ImportError as e:
        if e.name == 'distributed': raise ValueError(e) from e
        raise

TITLES = {'add-one': 'What a step does alone', 'leave-one-out': 'What is lost without it',
          'effect': 'What a step does beside the others', 'beyond': 'What all do beyond their promises',
          'order': 'What the other order does'}

def write_ablation(found, folder:Path):
    "Writes the report of an ablation: that of its suite, with the answers as tables and figures."
    from tinybench.bench.ablation import question_table
    from tinybench.bench.report import write_report
    from .figures import ablation_figures
    tables = {TITLES[q]: question_table(xs, q) for q, xs in found.answers.items()}
    write_report(found.suite, folder, ablation_figures(found), tables=tables)
