"""The command `tinybench`: measure, compare, profile and report, with results on stdout and the rest on stderr"""


import json, os, sys
from collections.abc import Callable
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Annotated
import typer
from . import __version__
from .course.commands import apps


def as_share(text:str) -> float:
    "'5%' and '0.05' as .05; ValueError for what is no share from 0 to 1 (a percentage may be 0 to 100)."
    number = text.strip().removesuffix('%').strip()
    try: share = float(number)/(100 if text.strip().endswith('%') else 1)
    except ValueError: share = -1.
    if not 0 <= share <= 1: raise ValueError(f'{text!r} is no share: write 5% or 0.05')
    return share


def gate(lo:float, hi:float, limit:float) -> str:
    "'fail' if a ratio in [lo, hi] is surely above 1 + limit, 'pass' if surely not, else 'undecided'."
    if lo > 1 + limit: return 'fail'
    return 'pass' if hi <= 1 + limit else 'undecided'


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
    from tinybench.models.zoo import nearest_name
    if not isinstance(table, dict): raise ValueError(f'{where} must be a table, not {table!r}')
    for key in table:
        if key in known: continue
        near = nearest_name(key, known)
        hint = f', did you mean {near!r}?' if near else '.'
        raise ValueError(f'{where} has no {key!r}{hint} There are: {", ".join(known)}')


NUMBER = int, float
PLAN = dict(models=dict, data=list, baseline=str, repeats=int, secs=NUMBER, seed=int, threads=int,
            band=NUMBER, level=NUMBER, processes=int, batch=int, throughput_batch=int)

def read_plan(path:str|os.PathLike) -> dict:
    "The suite that a TOML file describes; OSError, or ValueError saying what is wrong in it."
    import tomllib
    text = Path(path).read_text(encoding='utf-8')
    try: plan = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e: raise ValueError(f'{path} is no TOML: {e}') from e
    known_keys(plan, tuple(PLAN), str(path))
    for k,v in plan.items():
        if not isinstance(v, PLAN[k]) or isinstance(v, bool): raise ValueError(f'{path}: {k} cannot be {v!r}')
    if not plan.get('models'): raise ValueError(
        f'{path} names no model: add a table such as [models.small] with use = "simple_cnn"')
    for k,v in plan['models'].items():
        if not isinstance(v, dict): raise ValueError(f'{path}: {k} needs a table, [models.{k}], not {v!r}')
    return plan


def make_model(name:str, table:dict, seed:int=0):
    "The `Model` that a table of a suite describes; ValueError naming it where that cannot be."
    from dataclasses import replace
    import numpy as np
    from tinybench.backends.base import Model, as_model
    from tinybench.models.zoo import SHAPES, create
    options = dict(table)
    use, weights, shape = (options.pop(k, v) for k,v in dict(use=name, weights=None, shape=None).items())
    if not isinstance(use, str): raise ValueError(f'model {name!r}: use must be text, not {use!r}')
    try:
        if ':' in use: net = named_object(use)(**options)
        else: net = create(use, np.random.default_rng(seed), **options)
        if weights: net.load(weights)
    except TypeError as e: raise ValueError(f'model {name!r}: {e}') from e
    if isinstance(net, Model): return replace(net, name=name)
    shape = shape or options.get('in_shape') or SHAPES.get(use)
    if shape is None: raise ValueError(
        f'model {name!r}: of what shape is one example? In a suite file add shape = [28, 28, 1]; else '
        'have the function return as_model(name, net, (28, 28, 1))')
    if not isinstance(shape, (list, tuple)): raise ValueError(f'model {name!r}: shape is a list, not {shape!r}')
    return as_model(name, net, tuple(shape))


def make_suite(plan:dict, out:Path|None=None):
    "The `BenchmarkSuite` of a plan."
    from tinybench.bench.suite import BenchmarkSuite
    from tinybench.data.source import load
    options = {k: v for k,v in plan.items() if k not in ('models', 'data')}
    models = [make_model(name, table, plan.get('seed', 0)) for name,table in plan['models'].items()]
    return BenchmarkSuite(models, [load(name) for name in plan.get('data', ())], out, **options)


def train_digits(data, width:int, epochs:int=20, seed:int=0, bar:bool=False):
    "A `simple_cnn` of `width` trained on `data`, in evaluation mode."
    import numpy as np
    from tinybench.data.loader import Loader
    from tinybench.models.zoo import simple_cnn
    from tinybench.nn.optim import AdamW, cosine
    from tinybench.nn.train import Progress, fit
    rng = np.random.default_rng(seed)
    net = simple_cnn(rng, data.x_train.shape[1:], len(data.classes), width)
    batches = Loader(data.x_train, data.y_train, rng=rng)
    opt = AdamW(net.parameters(), cosine(.01, epochs*len(batches)), decay=.1)
    fit(net, batches, epochs, opt, callbacks=[Progress(delay=0)]*bar, progress=False)
    return net.eval()


def demo_suite(
    seed:int=0,
    widths:tuple=(16, 4),     # of the networks, the baseline first
    epochs:int=20,
    tell:Callable=lambda text: None, # called with what happens next
    bar:bool=False,           # show a bar while training, in a terminal
    **options,                # of `BenchmarkSuite`
):
    "A `BenchmarkSuite` of networks of each width, trained here on the digits."
    from threadpoolctl import threadpool_limits
    from tinybench.backends.base import as_model
    from tinybench.bench.suite import BenchmarkSuite
    from tinybench.data.source import load_digits
    if len(set(widths)) < 2: raise ValueError(f'to compare networks takes two widths, got {widths}')
    data, models = load_digits(), []
    for w in widths:
        tell(f'training a network of width {w} for {epochs} epochs on {len(data.y_train):,} digits')
        with threadpool_limits(1): net = train_digits(data, w, epochs, seed, bar)
        models.append(as_model(f'width {w}', net, data.x_test.shape[1:]))
    return BenchmarkSuite(models, data, seed=seed, **options)


def suite_figures(r) -> dict[str,bytes]:
    "The figures of a suite's report by their captions, as SVG."
    from tinybench.bench.suite import pareto
    from tinybench.show.measure import plot_ecdf, plot_pareto
    from tinybench.show.plot import figure_bytes
    timed, out = [x for x in r.results if x.metric == 'latency'], {}
    front = pareto(r) if r.scores and timed else None
    if front and front.rows: out['Accuracy against latency'] = figure_bytes(plot_pareto(front))
    few = timed[:6]                                     # as many as there are colours
    if few: out['Latency: the share of samples that took at most so long'] = figure_bytes(plot_ecdf(few))
    return out


def write_race(r, folder:Path):
    "Writes the five files of a race's report; `r` is a `RaceResult`."
    from tinybench.base.files import write_whole
    from tinybench.measure.result import save_csv
    from tinybench.show.plot import new_axes, plot_curves, plot_fitting, save_figure
    write_whole(folder/'results.json', json.dumps({**r.to_dict(), 'report': 'race'}, indent=1) + '\n')
    save_csv((*r.results, *r.peaks), folder/'results.csv')
    save_figure(plot_curves(r.curves, new_axes(shown=False)), folder/'metric_by_epoch.png')
    save_figure(plot_fitting(r.fitting, new_axes(shown=False)), folder/'fitting_time.png')
    write_whole(folder/'report.md', '\n\n'.join([
        '# tinybench race', r._repr_markdown_(), '![Accuracy by epoch](metric_by_epoch.png)',
        '![Fitting time](fitting_time.png)']) + '\n')


def say(text:str):
    "Prints `text` on stderr."
    typer.echo(text, err=True)

def show(found, as_json:bool=False):
    "Prints a result on stdout: as text, or all of it as JSON."
    typer.echo(json.dumps(found.to_dict(), indent=1, allow_nan=False) if as_json else found)


@contextmanager
def bar(what:str):
    "A function to tell (done, total), which draws a bar on a terminal's stderr and nothing elsewhere."
    from tqdm import tqdm
    with tqdm(desc=what, leave=False, disable=not sys.stderr.isatty()) as shown:
        def tell(done, total):
            shown.total = total
            shown.update(done - shown.n)
        yield tell


@contextmanager
def explained():
    "Turns an error somebody can act on into a line on stderr and status 1, Ctrl-C into one and status 130."
    from tinybench.backends.base import ModelError
    try: yield
    except BrokenPipeError: raise                       # typer knows what to do when `head` has seen enough
    except KeyboardInterrupt:
        say('\ntinybench: stopped; nothing is half written, and `run --out` goes on where it was')
        raise typer.Exit(130) from None
    except SystemExit as e:
        say(f'tinybench: something that was measured ended the process (status {e.code}): there is no result')
        raise typer.Exit(1) from None
    except (OSError, ValueError, ModelError) as e:
        text = getattr(e, 'strerror', None) or str(e)
        say(f'tinybench: {text}' + (f': {e.filename}' if getattr(e, 'filename', None) else ''))
        raise typer.Exit(1) from None


AsJson = Annotated[bool, typer.Option('--json', help='Print JSON instead of text.')]
Repeats = Annotated[int, typer.Option(help='Rounds of timing.', min=6)]
Seed = Annotated[int, typer.Option(help='Decides all that is random.', min=0)]

@explained()
def demo(
    out:Annotated[Path, typer.Option(help='Report folder; replaces an earlier one.')]=Path('reports/demo'),
    repeats:Repeats=30,
    seed:Seed=0,
    as_json:AsJson=False,
):
    """Train a small network and a slimmer one on real digits, measure both in turns, and write a report.

    Takes less than a minute and needs no network connection.

    Example: tinybench demo --out reports/mine --repeats 60
    """
    from tinybench.bench.report import whole_folder, write_report
    with whole_folder(out, 'suite') as folder:          # refused now, if at all, not after a minute
        suite = demo_suite(seed, tell=say, bar=True, repeats=repeats)
        say(f'measuring them in turns, {repeats} rounds')
        found = suite.run()
        write_report(found, folder, suite_figures(found))
    show(found, as_json)
    say(f'report: {out}')


@explained()
def race(
    task:Annotated[str, typer.Argument(help='What to learn: mnist, cifar or digits.')],
    against:Annotated[str, typer.Option(help='Frameworks to race, with commas between.')]='torch,keras',
    epochs:Annotated[int|None, typer.Option(help="Epochs, if not the task's own number.", min=1)]=None,
    repeats:Annotated[int, typer.Option(help='Fits of each framework.', min=1)]=3,
    out:Annotated[Path|None, typer.Option(help='Folder for the report, if not reports/race-TASK.')]=None,
    seed:Seed=0,
    as_json:AsJson=False,
):
    """Train one network with tinybench and with other frameworks, in turns, and compare speed and learning.

    MNIST and CIFAR-10 are downloaded once; the digits need no network. Frameworks that are not installed are
    named and left out.

    Example: tinybench race mnist --against torch --repeats 5
    """
    from tinybench.race import FRAMEWORKS, TASKS, lookup, race as run_race
    from tinybench.bench.report import whole_folder
    peers = [name.strip() for name in against.split(',') if name.strip()]
    lookup('task', task, TASKS)                         # before a folder is named after it
    for name in peers: lookup('framework', name, FRAMEWORKS)
    out = out or Path(f'reports/race-{task}')
    with whole_folder(out, 'race') as folder:
        found = run_race(task, peers, epochs=epochs, repeats=repeats, seed=seed, progress=say)
        write_race(found, folder)
    show(found, as_json)
    say(f'report: {out}')


def plan_of(suite:Path|None, models:str, data:str, options:dict) -> dict:
    "The plan in the file `suite`, if any, with the options that were given in place of its own."
    plan = dict(models={}) if suite is None else read_plan(suite)
    names = [k.strip() for k in models.split(',') if k.strip()]
    if len(set(names)) < len(names): raise ValueError(f'a network twice in --models {models}')
    if names: plan['models'] = {k: {} for k in names}
    if data: plan['data'] = [name.strip() for name in data.split(',')]
    if not plan['models']: raise ValueError('nothing to measure: name a TOML file, or networks with --models')
    return plan | {k: v for k,v in options.items() if v is not None}


@explained()
def run(
    suite:Annotated[Path|None, typer.Argument(help='TOML file that describes the suite.')]=None,
    models:Annotated[str, typer.Option(help='Or networks of the zoo or module:function, by commas.')]='',
    data:Annotated[str, typer.Option(help='Labelled data to judge them on, such as digits.')]='',
    baseline:Annotated[str|None, typer.Option(help='The one to compare with, if not the first.')]=None,
    repeats:Annotated[int|None, typer.Option(help='Rounds of timing [30].', min=6)]=None,
    secs:Annotated[float|None, typer.Option(help='Or as many rounds as fit in these seconds.', min=0)]=None,
    batch:Annotated[int|None, typer.Option(help='Examples a call when latency is measured [1].', min=1)]=None,
    seed:Annotated[int|None, typer.Option(help='Decides all that is random [0].', min=0)]=None,
    threads:Annotated[int|None, typer.Option(help='BLAS threads [1].', min=1)]=None,
    out:Annotated[Path|None, typer.Option(help='Folder for finished steps and the report.')]=None,
    as_json:AsJson=False,
):
    """Measure models in turns: accuracy, memory, latency and throughput, each against a baseline.

    A suite in a file:

    \b
        data = ["digits"]
        repeats = 60
        [models.wide]
        use = "simple_cnn"          # a network of the zoo, or "module:function"
        weights = "wide.npz"        # what net.save wrote
        [models.slim]
        use = "simple_cnn"
        width = 4

    Ends with status 1 where a model failed; it has no number then.

    Example: tinybench run --models resnet8,ds_cnn --repeats 60 --out reports/zoo
    """
    options = dict(baseline=baseline, repeats=repeats, secs=secs, batch=batch, seed=seed, threads=threads)
    made = make_suite(plan_of(suite, models, data, options), out)
    with redirect_stdout(sys.stderr): found = made.run()        # a model may print
    for note in found.notes: say(f'careful: {note}')
    if out:
        from tinybench.bench.report import write_report
        write_report(found, out/'report', suite_figures(found))
    show(found, as_json)
    if out: say(f'report: {out/"report"}')
    if not found.ok: raise typer.Exit(1)


@explained()
def report(
    folder:Annotated[Path, typer.Argument(help='A report, or what `tinybench run --out` was given.')],
    as_json:AsJson=False,
):
    """Write a report again from its results.json: Markdown, one HTML page, CSV and figures.

    Example: tinybench report reports/zoo
    """
    from tinybench.bench.report import write_report
    from tinybench.bench.suite import load_suite
    found, out = load_suite(folder), folder/'report' if (folder/'steps').is_dir() else folder
    write_report(found, out, suite_figures(found))
    show(found, as_json)
    say(f'report: {out}')


def timings_in(path:Path, metric:str) -> dict:
    "The results of `metric` in a file by name; ValueError saying what is there instead."
    from tinybench.measure.result import as_records, load_json
    found = as_records(load_json(path/'results.json' if path.is_dir() else path))
    if kept := {r.name: r for r in found if r.metric == metric}: return kept
    there = ', '.join(sorted({r.metric for r in found})) or 'nothing'
    raise ValueError(f'{path} has no {metric}; it has {there}')


def compared_files(
    a:Path, b:Path,           # of the old run, and of the new one
    metric:str='latency',
    name:str|None=None,       # one model, if not all that are in both
    band:float=.02,
    differ:tuple=('tinybench',), # what may differ in their environments
):
    "The `Comparison` of what two files say of the same models; ValueError where that cannot be."
    from tinybench.measure.compare import compare_runs
    old, new = timings_in(a, metric), timings_in(b, metric)
    both = [k for k in old if k in new and name in (None, k)]
    if not both: raise ValueError(f'no {metric}' + f' of {name!r}'*(name is not None)
                                  + f' in both: {a} has {", ".join(old)}; {b} has {", ".join(new)}')
    if lost := sorted(old.keys() ^ new.keys())*(name is None): raise ValueError(
        f'only one of the two files has {metric} of {", ".join(lost)}: did it fail? Choose with --name')
    pairs = ([found[k] for k in both] for found in (old, new))
    return compare_runs(*pairs, unpaired=True, differ=differ, band=band)


def gates(c, limit:float) -> dict[str,str]:
    "By name the `gate` of a comparison; for a rate, where more is faster, of the inverse ratio."
    def ends(q): return (q.lo, q.hi) if c.results[0].unit == 's' else (1/q.hi, 1/q.lo)
    return {r.name: gate(*ends(r.ratio), limit) for r in c.rows}


@explained()
def compare(
    a:Annotated[Path, typer.Argument(help='Results of the old run, as JSON.')],
    b:Annotated[Path, typer.Argument(help='Results of the new run.')],
    metric:Annotated[str, typer.Option(help='What to compare: latency or throughput.')]='latency',
    name:Annotated[str|None, typer.Option(help='One model, if not all that are in both.')]=None,
    band:Annotated[str, typer.Option(help='What counts as the same.')]='2%',
    fail_above:Annotated[str|None, typer.Option(help='Status 3 if surely slower by more, as 5%.')]=None,
    strict:Annotated[bool, typer.Option('--strict', help='Status 4 if that is undecided.')]=False,
    differ:Annotated[str, typer.Option(help='What may differ, by commas, as tinybench,numpy.')]='tinybench',
    as_json:AsJson=False,
):
    """Compare two files of results, model by model: how many times as long does the new one take?

    The files are report folders, results.json, or what save_json wrote. Timings of separate runs were not
    taken in turns: a machine that changed its pace in between looks like a change of the code.

    Status with --fail-above: 3 where one is surely slower by more, else 0; with --strict, 4 where that is
    undecided. An error is 1, a wrong option 2.

    Example: tinybench compare main.json branch.json --fail-above 5%
    """
    limit = None if fail_above is None else as_share(fail_above)
    found = compared_files(a, b, metric, name, as_share(band), tuple(k.strip() for k in differ.split(',')))
    said = {} if limit is None else gates(found, limit)
    if as_json: typer.echo(json.dumps(found.to_dict() | dict(gates=said), indent=1))
    else: typer.echo(found)
    answers = {'fail': 'yes', 'pass': 'no', 'undecided': 'undecided'}
    for k,word in said.items(): say(f'{k} slower by more than {100*limit:g}%: {answers[word]}')
    if 'fail' in said.values(): raise typer.Exit(3)
    if strict and 'undecided' in said.values(): raise typer.Exit(4)


@explained()
def selftest(
    comparisons:Annotated[int, typer.Option(help='How often something is compared with itself.', min=1)]=200,
    pairs:Annotated[int, typer.Option(help='Pairs in each comparison.', min=6)]=30,
    model:Annotated[str|None, typer.Option(help='Network, as for profile; else a matrix product.')]=None,
    seed:Seed=0,
    as_json:AsJson=False,
):
    """Compare a thing with itself again and again: how often does this machine call it different?

    At most 5% of the comparisons may say so. Status 1 where it is surely more.

    Example: tinybench selftest --model mnist_mlp --comparisons 400
    """
    import numpy as np
    from tinybench.backends.base import Watched, running
    from tinybench.bench.benchmark import example_batch
    from tinybench.measure.clock import pinned
    from tinybench.measure.compare import selftest as run_selftest
    rng = np.random.default_rng(seed)
    made = [] if model is None else [make_model(model, {}, seed)]
    with running(made), pinned(1), bar('comparing') as tell:
        f = Watched(made[0], example_batch(made[0], 1, seed)[0]).run if made else None
        found = run_selftest(f, comparisons, pairs, rng=rng, progress=tell)
    show(found, as_json)
    if not found.fair: raise typer.Exit(1)


@explained()
def env(as_json:AsJson=False):
    """Say what this machine is and what about it makes timings doubtful.

    Example: tinybench env --json > env.json
    """
    from tinybench.measure.system import system
    found = system()
    show(found, as_json)
    if not as_json:
        for words in found.concerns(): say(f'careful: {words}')


@explained()
def profile(
    model:Annotated[str, typer.Argument(help='Network of the zoo, or module:function that returns a Model.')],
    batch:Annotated[int, typer.Option(help='Examples a call.', min=1)]=1,
    repeats:Repeats=30,
    train:Annotated[bool, typer.Option('--train', help='A step of training, on noise.')]=False,
    trace:Annotated[Path|None, typer.Option(help='Also write one step as a trace for ui.perfetto.dev.')]=None,
    out:Annotated[Path|None, typer.Option(help='Folder for the figures.')]=None,
    seed:Seed=0,
    as_json:AsJson=False,
):
    """Say where the time of a network goes, layer by layer, and how far each is below its roof.

    A step of training (--train) has no roof: work is modelled for a call in evaluation mode.

    Example: tinybench profile ds_cnn --batch 8 --trace ds_cnn.json
    """
    import numpy as np
    from tinybench.bench.benchmark import example_batch
    from tinybench.profile.profiler import profile as run_profile
    from tinybench.profile.roofline import roofline, save_trace
    from tinybench.nn.module import Module
    from tinybench.nn.optim import Adam
    made = make_model(model, {}, seed)
    if not isinstance(made.source, Module): raise ValueError(
        f'{model} is a {made.kind} model: layers can be seen in tinybench networks only')
    x, options = example_batch(made, batch, seed)[0], {}
    if train:
        classes = made.source.eval()(x).shape[-1]
        y = np.random.default_rng(seed).integers(classes, size=batch)
        options = dict(y=y, opt=Adam(made.source.parameters(), 1e-3))
    with bar('profiling') as tell:
        found = run_profile(made.source, x, repeats=repeats, seed=seed, name=model, progress=tell, **options)
    shown = dict(profile=found) if train else dict(profile=found, roofline=roofline(found))
    if as_json: typer.echo(json.dumps({k: v.to_dict() for k,v in shown.items()}, indent=1))
    else: typer.echo('\n\n'.join(map(str, shown.values())))
    if trace: say(f'trace: {save_trace(found, trace)}')
    if out: write_figures(out, **shown)


def write_figures(out:Path, **found):
    "The figures of a profile, and of its roofline if there is one, as SVG files in the folder `out`."
    from tinybench.show.measure import plot_layers, plot_roofline
    from tinybench.show.plot import save_figure
    out.mkdir(parents=True, exist_ok=True)
    for name,x in found.items():
        ax = dict(profile=plot_layers, roofline=plot_roofline)[name](x)
        say(f'figure: {save_figure(ax, out/f"{name}.svg")}')


def show_version(wanted:bool):
    "Prints the version and leaves."
    if not wanted: return
    typer.echo(f'tinybench {__version__}')
    raise typer.Exit

def about(
    version:Annotated[bool, typer.Option('--version', callback=show_version, help='Print it.')]=False,
):
    "Machine-learning performance, learned by building and measuring. Start with: tinybench demo"


def main(args:list[str]|None=None):
    "The command `tinybench`; `args` are those of the process where None. Always ends in SystemExit."
    app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None,
                      pretty_exceptions_enable=False)
    app.callback()(about)
    for command in (demo, run, compare, profile, selftest, env, report, race): app.command()(command)
    for name, group in apps().items(): app.add_typer(group, name=name)
    app(args, prog_name='tinybench')


if __name__ == '__main__' and '__file__' in globals(): main()       # in a notebook there is no file
