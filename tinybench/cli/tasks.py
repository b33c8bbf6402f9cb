"`tinybench tasks`: the standard tasks on what ships or on an official set that is there, run by the rules"
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated
import typer
from tinybench.base.files import read_text, write_whole
from tinybench.base.names import lookup
from tinybench.base.terminal import echo, say
from tinybench.base.text import Table
from .options import AsJson, Seed
from .plan import make_model

STREAM = 'sww01'        # has a stream in place of examples, and no windows

def has_official(task:str) -> bool:
    "Whether the file of the official examples of a task is on this machine."
    from tinybench.data.source import CIFAR10_URL, cache_dir, local_file
    file = CIFAR10_URL.rpartition('/')[2]
    return task in ('ic01', 'ic02') and bool(local_file(file) or (cache_dir()/file).exists())

def official_examples(task:str):
    "The official `Examples` of a task if their file is on this machine, else None."
    from tinybench.data.source import load_cifar10
    from tinybench.tasks.task import official_pictures
    return official_pictures(load_cifar10()) if has_official(task) else None

def names_of(text:str) -> list[str]:
    "The tasks in `text`, with commas between, or all; ValueError naming the nearest for one that is unknown."
    from tinybench.tasks.task import TASKS
    known = {k: k for k in (*TASKS, STREAM)}
    if text == 'all': return list(known)
    names = list(dict.fromkeys(lookup('task', k.strip(), known) for k in text.split(',') if k.strip()))
    if not names: raise ValueError(f'no task is named: all, or some of {", ".join(known)}')
    return names

def given_models(texts:list[str], names:list[str]) -> dict:
    "By task the model in each `task=network`; ValueError for any other text, or a task not in `names`."
    from tinybench.tasks.task import task_of
    found = {}
    for text in texts:
        name, _, use = text.partition('=')
        if not use: raise ValueError(f'--model {text}: say it as ic01=resnet8 or ic01=module:function')
        t = task_of(name)
        if name not in names: raise ValueError(f'--model {text}: {name} is not run, only {", ".join(names)}')
        if name in found: raise ValueError(f'--model {text}: {name} has a model already')
        found[name] = make_model(use, dict(t.options if use == t.network else {}, shape=list(t.shape)))
    return found

def tasks_run(names:list[str], models:Mapping, quick:bool, seed:int, out:Path|None=None):
    "(a `TaskReport` of all but the stream, or None; the `StreamQuality`, or None)."
    from tinybench.embedded.tasks import embedded_examples, embedded_network
    from tinybench.tasks.run import QUICK, Outcome, Rules, TaskReport, TinyMLPerf
    from tinybench.tasks.task import TASKS
    rest = [n for n in names if n != STREAM]
    nets = {n: models[n] if n in models else embedded_network(n) for n in rest}
    def lost(n): return Outcome(n, TASKS[n].network, reason='none ships trained: give one with --model')
    found = {n: lost(n) for n in rest if nets[n] is None}
    nets = {n: m for n, m in nets.items() if m is not None}
    report = TaskReport([])
    if nets:
        say(f'making examples of {", ".join(nets)}')
        # what ships has learned from what ships
        sets = {n: (official_examples(n) if n in models else None) or embedded_examples(n) for n in nets}
        report = TinyMLPerf(nets, sets, out, rules=QUICK if quick else Rules(), seed=seed).run()
    found |= {o.task: o for o in report.outcomes}
    report = replace(report, outcomes=[found[n] for n in rest]) if rest else None
    return report, stream_quality() if STREAM in names else None

def stream_quality():
    "What the wakeword detector that ships does on the stream that ships."
    from tinybench.tasks.streaming import along, judged, wakeword_detector, wakeword_stream
    (net, threshold), s = wakeword_detector(), wakeword_stream()
    return judged(along(net, s.x)[:, 0], s, threshold)

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

def stream_dict(q) -> dict:
    "A `StreamQuality`, ready for JSON."
    counts = dict(alarms=q.alarms, misses=q.misses, targets=q.targets, secs=q.secs, level=q.level)
    return dict(counts, task=STREAM, verdict=q.verdict, by_the_rule=q.by_the_rule, provenance='measured')

def load_stream(path:Path):
    "The `StreamQuality` in a file that `tasks run` wrote; ValueError naming it for any other."
    from tinybench.tasks.streaming import SWW01, StreamQuality
    try:
        d = json.loads(read_text(path))
        q = StreamQuality(SWW01, *(d[k] for k in ('alarms', 'misses', 'targets', 'secs', 'level')))
        if stream_dict(q) != d: raise ValueError('its counts do not give its verdict')
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as e:
        raise ValueError(f'{path}: {type(e).__name__}: {e}') from e
    return q


# --- the commands

def list_tasks(as_json:AsJson=False):
    """List the standard tasks, and what this machine can run them on.

    Example: tinybench tasks list
    """
    from tinybench.embedded.tasks import EXAMPLES, NETWORKS, has_faces
    from tinybench.tasks.streaming import SWW01
    from tinybench.tasks.task import TASKS, task_table
    def has(name):
        there = 'embedded' if name in EXAMPLES else 'no data'
        if name == 'vww01' and not has_faces(): there = 'needs scikit-image'
        return 'official' if has_official(name) else there, 'ships' if name in NETWORKS else 'none ships'
    t = task_table(TASKS.values())
    rows = tuple((*row, *has(row[0])) for row in t.rows)
    limit = f'at most {SWW01.alarms} alarms and {SWW01.misses} misses'
    rows += ((STREAM, 'streaming wakeword', 'sww_cnn', '30×1×40', limit, '20 minutes', 'embedded', 'ships'),)
    head = *t.head, 'examples here', 'trained network'
    found = Table(head, rows, ('MLPerf-Tiny-style, unofficial.',), None)
    echo(json.dumps([dict(zip(found.head, row)) for row in rows], indent=1) if as_json else found)

def run_tasks(
    tasks:Annotated[str, typer.Argument(help='Names with commas between, or all.')]='all',
    model:Annotated[list[str]|None, typer.Option(help='TASK=NETWORK or TASK=module:function.')]=None,
    quick:Annotated[bool, typer.Option('--quick', help='Short windows: a look, not a valid run.')]=False,
    out:Annotated[Path|None, typer.Option(help='Folder for finished steps and the report.')]=None,
    seed:Seed=0, as_json:AsJson=False):
    """Run tasks by the rules: quality first, then five windows of ten seconds.

    A network that ships runs on the examples that ship, unless --model names another. That one runs on the
    official examples if they are here. A model that fails is invalid, without data there is no number.

    Status 1 if a task fails or is invalid. After a kill it goes on where it was, with --out.

    Example: tinybench tasks run all --quick --out reports/tasks
    """
    names = names_of(tasks)
    report, stream = tasks_run(names, given_models(model or [], names), quick, seed, out)
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
