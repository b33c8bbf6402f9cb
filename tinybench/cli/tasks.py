"`tinybench tasks`: the standard tasks on what ships or on an official set that is there, run by the rules"
import json
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Annotated
import typer
from tinybench.base.files import write_whole
from tinybench.base.names import lookup
from tinybench.base.terminal import echo, say
from tinybench.base.text import Table
from .options import AsJson, Seed
from .plan import make_model
from .stream import (STREAM, kind_of, load_stream, own_detector, shipped_detector, stream_dict,
                     stream_outcome, the_stream)

class Data(str, Enum):
    "Which examples a task is judged on."
    official = 'official'
    embedded = 'embedded'

def examples_for(task:str, own:bool, data:str):
    """The `Examples` that `task` is judged on, or None: of `data`, official or embedded. If that is neither,
    the official ones for a model of one's `own`, if they are here; what ships has learned from what ships."""
    from tinybench.embedded.tasks import embedded_examples
    from tinybench.official.examples import official_examples
    if data == 'official' or own and data != 'embedded':
        found = official_examples(task)
        if found is not None or data == 'official': return found
    return embedded_examples(task)

def missing(task:str) -> str:
    "Why `task` has no official examples here, and what brings them."
    from tinybench.official.sets import USED
    names = USED.get(task, ('cifar10',))
    return f'its official examples are not here: tinybench data get {" or ".join(names)}'

def names_of(text:str) -> list[str]:
    "The tasks in `text`, with commas between, or all; ValueError naming the nearest for one that is unknown."
    from tinybench.tasks.task import TASKS
    known = {k: k for k in (*TASKS, STREAM)}
    if text == 'all': return list(known)
    names = list(dict.fromkeys(lookup('task', k.strip(), known) for k in text.split(',') if k.strip()))
    if not names: raise ValueError(f'no task is named: all, or some of {", ".join(known)}')
    return names

def model_for(task, use:str):
    "The `Model` for a `Task` in a file (.onnx, .tflite, .h5, .npz of its network), a SavedModel, or by name."
    from tinybench.backends.base import as_model
    from tinybench.backends.export import READERS, our_network
    from tinybench.models.weights import network, read_h5
    from tinybench.peers.savedmodel import read_savedmodel
    path, options = Path(use).expanduser(), getattr(task, 'options', {})
    if path.suffix == '.npz':
        if not path.is_file(): raise FileNotFoundError(f'no .npz file at {path}')
        return make_model(task.network, dict(options, weights=path, shape=list(task.shape)))
    read = (READERS | {'.h5': read_h5}).get(path.suffix, read_savedmodel)
    if read is read_savedmodel and not (path/'saved_model.pb').exists():
        return make_model(use, dict(options if use == task.network else {}, shape=list(task.shape)))
    try: graph = read(path)
    except ImportError as e: raise ValueError(f'{path}: {e}') from e
    if graph.shape != task.shape: raise ValueError(
        f'{path} takes {graph.shape}, and {task.name} gives {task.shape}')
    return as_model(path.stem, (our_network if path.suffix in READERS else network)(graph), task.shape)

def given_models(texts:list[str], names:list[str]) -> dict:
    """By task the model in each `task=network`, or `network` if one task is run; ValueError for another text,
    or a task not in `names`."""
    from tinybench.tasks.streaming import SWW01
    from tinybench.tasks.task import TASKS
    found, known = {}, dict(TASKS, **{STREAM: SWW01})
    for text in texts:
        name, equals, use = text.partition('=')
        if not equals and len(names) == 1 and text not in known: name, use = names[0], text
        if not use: raise ValueError(
            f'--model {text}: say it as ic01=resnet8, ic01=FILE or ic01=module:function')
        t = lookup('task', name, known)
        if name not in names: raise ValueError(f'--model {text}: {name} is not run, only {", ".join(names)}')
        if name in found: raise ValueError(f'--model {text}: {name} has a model already')
        found[name] = model_for(t, use)
    return found

def tasks_run(names:list[str], models:Mapping, quick:bool, seed:int, out:Path|None=None, data:str='',
              threshold:float|None=None):
    "(a `TaskReport` of all but the stream, or None; the `StreamOutcome`, or None if there is no stream)."
    from tinybench.embedded.tasks import embedded_network
    from tinybench.tasks.run import QUICK, Outcome, Rules, TaskReport, TinyMLPerf
    from tinybench.tasks.task import TASKS
    rest = [n for n in names if n != STREAM]
    nets = {n: models[n] if n in models else embedded_network(n) for n in rest}
    def lost(n, why): return Outcome(n, TASKS[n].network, reason=why)
    found = {n: lost(n, 'none ships trained: give one with --model') for n in rest if nets[n] is None}
    nets = {n: m for n, m in nets.items() if m is not None}
    if nets: say(f'making examples of {", ".join(nets)}')
    sets = {n: examples_for(n, n in models, data) for n in nets}
    if data == 'official': found |= {n: lost(n, missing(n)) for n, e in sets.items() if e is None}
    nets, report = {n: m for n, m in nets.items() if n not in found}, TaskReport([])
    if nets: report = TinyMLPerf(nets, sets, out, rules=QUICK if quick else Rules(), seed=seed).run()
    found |= {o.task: o for o in report.outcomes}
    stream = run_stream(models.get(STREAM), data, threshold) if STREAM in names else None
    if isinstance(stream, Outcome): found[STREAM], stream = stream, None
    outcomes = [found[n] for n in names if n in found]
    return replace(report, outcomes=outcomes) if outcomes else None, stream

def run_stream(model, data:str='', threshold:float|None=None):
    """The `StreamOutcome` of `model`, or else of the detector that ships; an `Outcome` without a number if
    there is no stream, or the model fails."""
    from tinybench.backends.base import ModelError
    from tinybench.tasks.run import Outcome
    d = own_detector(model, threshold) if model else shipped_detector(threshold)
    s = the_stream(data, model is not None)
    if s is None: return Outcome(STREAM, d.name, reason=missing(STREAM))
    try: return stream_outcome(d, s)
    except ModelError as e: return Outcome(STREAM, d.name, f'{s.name}, {kind_of(s)}', reason=e.what)

def page_of(tables:Mapping) -> dict:
    "By name of a file the text of the report."
    from tinybench import __version__
    from tinybench.bench.report import html_page
    title, lead = 'TinyMLPerf', 'MLPerf-Tiny-style, unofficial.'
    def told(name, t): return dict(title=name, head=t.head, rows=t.rows, note=' '.join(t.words))
    page = html_page(dict(
        title=title, lead=lead, failures=[], advice=None, tables=[], figures=[], concerns=[], how=[],
        about=[], sections=[('Results', [told(*item) for item in tables.items()], '')], version=__version__))
    parts = [f'## {name}\n\n{t._repr_markdown_()}' for name, t in tables.items()]
    return {'report.html': page, 'report.md': '\n\n'.join([f'# {title}', lead, *parts]) + '\n'}

def tables_of(report, stream) -> dict[str, Table]:
    "What there is to show, by heading."
    found = {'Tasks': report, 'Streaming wakeword': stream}
    return {name: x.table() for name, x in found.items() if x}


# --- the commands

def list_tasks(as_json:AsJson=False):
    """List the standard tasks, and what this machine can run them on.

    Example: tinybench tasks list
    """
    from tinybench.embedded.tasks import EXAMPLES, NETWORKS, has_faces
    from tinybench.official.examples import the_set
    from tinybench.tasks.streaming import SWW01
    from tinybench.tasks.task import TASKS, task_table
    def has(name):
        there = 'embedded' if name in EXAMPLES else 'no data'
        if name == 'vww01' and not has_faces(): there = 'needs scikit-image'
        return there + ' and official'*bool(the_set(name)), 'ships' if name in NETWORKS else 'none ships'
    t = task_table(TASKS.values())
    rows = tuple((*row, *has(row[0])) for row in t.rows)
    limit = f'at most {SWW01.alarms} alarms and {SWW01.misses} misses'
    here = 'embedded' + ' and official'*bool(the_set(STREAM))
    rows += ((STREAM, 'streaming wakeword', 'sww_cnn', '30×1×40', limit, '20 minutes', here, 'ships'),)
    head = *t.head, 'examples here', 'trained network'
    found = Table(head, rows, ('MLPerf-Tiny-style, unofficial.',), None)
    echo(json.dumps([dict(zip(found.head, row)) for row in rows], indent=1) if as_json else found)

def run_tasks(
    tasks:Annotated[str, typer.Argument(help='Names with commas between, or all.')]='all',
    model:Annotated[list[str]|None, typer.Option(
        help='TASK=NETWORK, TASK=FILE (.onnx, .tflite, .h5, .npz, or the folder of a SavedModel) or '
             'TASK=module:function. If only one task is run, TASK= can be left out.')]=None,
    data:Annotated[Data|None, typer.Option(help='Which examples; by default those that fit the model.')]=None,
    quick:Annotated[bool, typer.Option('--quick', help='Short windows: a look, not a valid run.')]=False,
    out:Annotated[Path|None, typer.Option(help='Folder for finished steps and the report.')]=None,
    threshold:Annotated[float|None, typer.Option(
        min=0, max=1, help='Of sww01: what counts as heard. With a --model 0.95, as in the reference.')]=None,
    seed:Seed=0, as_json:AsJson=False):
    """Run tasks by the rules: quality first, then five windows of ten seconds.

    A network that ships runs on the examples that ship, unless --model names another. That one runs on the
    official examples if they are here; --data says which to take. A model that fails is invalid, without data
    there is no number.

    Status 1 if a task fails or is invalid. After a kill it goes on where it was, with --out.

    Example: tinybench tasks run kws01 --model kws_ref_model.tflite --data official
    """
    names = names_of(tasks)
    if threshold is not None and STREAM not in names:
        raise ValueError(f'--threshold is of {STREAM}, which is not run')
    models = given_models(model or [], names)
    report, stream = tasks_run(names, models, quick, seed, out, data.value if data else '', threshold)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        if report: report.save(out)
        if stream: write_whole(out/'stream.json', json.dumps(stream_dict(stream), indent=1) + '\n')
        write_pages(out, tables_of(report, stream))
    show_tasks(report, stream, as_json)
    if out: say(f'report: {out/"report.html"}')
    bad = [o for o in (report.outcomes if report else ()) if o.status in ('fail', 'invalid')]
    if bad or stream and stream.verdict == 'fail': raise typer.Exit(1)

def write_pages(out:Path, tables:Mapping):
    "Writes report.html and report.md."
    for name, text in page_of(tables).items(): write_whole(out/name, text)

def show_tasks(report, stream, as_json:bool):
    "Prints what was found."
    if as_json:
        said = (report.to_dict() if report else {}) | ({'stream': stream_dict(stream)} if stream else {})
        return echo(json.dumps(said, indent=1, allow_nan=False))
    echo('\n\n'.join(map(str, tables_of(report, stream).values())))

def report_tasks(
    folder:Annotated[Path, typer.Argument(help='What --out of `tasks run` was given.')],
    as_json:AsJson=False):
    """Write the report again from the results in its folder.

    Example: tinybench tasks report reports/tasks
    """
    from tinybench.tasks.run import TaskReport
    stream = load_stream(folder/'stream.json') if (folder/'stream.json').exists() else None
    report = None if stream and not (folder/'tasks.json').exists() else TaskReport.load(folder)
    write_pages(folder, tables_of(report, stream))
    show_tasks(report, stream, as_json)
    say(f'report: {folder/"report.html"}')
