"The commands that measure, compare, profile and report"
import json, sys
from contextlib import contextmanager, redirect_stdout
from functools import wraps
from pathlib import Path
from typing import Annotated
import typer
from tinybench import __version__
from tinybench.base.terminal import GaveUp, bar, echo, give_up, say, stoppable, told, write_anything
from tinybench.course.commands import group
from tinybench.course.student.commands import app as student
from tinybench.course.teacher.commands import app as teacher
from .ablation import read_ablation, run_ablation, write_ablation
from .compile import compile_network
from .data import get_data, list_data
from .demo import demo_suite, gains
from .device import run_device_task, serve_device, write_inputs
from .engines import names_in, race_engines, race_steps
from .explore import explored
from .export import export_network
from .figures import suite_figures, write_figures, write_race
from .firmware import make_firmware
from .form import Filling, check_forms, fill, submit_form
from .gate import as_share, compared_files, gate_status, gate_words, gates, is_rate, sure_of
from .olympics import board, submit, verify
from .operating import operating
from .options import AsJson, Repeats, Seed
from .plan import make_model, make_suite, plan_of
from .runtimes import race_runtimes
from .study import study_torch, write_study
from .tasks import list_tasks, report_tasks, run_tasks


# functions of commands that keep what is finished, and what these are called
GOES_ON = dict(run='run', ablate='ablate', run_tasks='tasks run', operating='operating',
               study_torch='study torch')

def kept_words(name:str, out:Path|None) -> str:
    "What Ctrl-C leaves of the command `name`, which was given the folder `out` or none."
    if name not in GOES_ON: return 'nothing is half written'
    name = GOES_ON[name]
    if out is None: return f'nothing was kept; with --out FOLDER, `tinybench {name}` can go on where it was'
    return f'nothing is half written, and `tinybench {name}` goes on where it was, with --out {out} again'

@contextmanager
def explained(kept:str):
    "Turn an error that somebody can act on into a line on stderr and status 1, Ctrl-C into status 130."
    with stoppable(kept):
        from tinybench.backends.base import ModelError
        from tinybench.exchange.missing import Missing
        with told(OSError, ValueError, ModelError, Missing):
            try: yield
            except GaveUp: raise        # it has said why
            except SystemExit as e:
                give_up('something that was measured ended the process '
                        f'(status {e.code}): there is no result')

def show(found, as_json:bool=False, report:Path|None=None):
    "Prints a result on stdout, as text or all of it as JSON; and on stderr where its report is."
    echo(json.dumps(found.to_dict(), indent=1, allow_nan=False) if as_json else found)
    if report: say(f'report: {report}')

app = group('Machine-learning performance, learned by building and measuring. Start with: tinybench demo')
data = group('Sets of data: what there is, and what may be done with it.')
tasks = group('The tasks of MLPerf Tiny, run by its rules. Unofficial.')
device = group('A microcontroller, emulated or at a serial port, by the protocol of MLPerf Tiny.')
forms = group('A form for a model on a device, filled by measurement: tinybench form MODEL.')
olympics = group('A contest of small networks: verified before they rank, and tiers for what chance decides.')

study = group('What makes a network of a framework faster, each technique by itself, with reasons.')

def command(f, of=app, name=None):
    @wraps(f)
    def run(**given):
        given = {k: v.expanduser() if isinstance(v, Path) else v for k, v in given.items()}    # --out=~/x
        with explained(kept_words(f.__name__, given.get('out'))): return f(**given)
    return of.command(name)(run)

def show_version(wanted:bool):
    "Prints the version and leaves."
    if not wanted: return
    echo(f'tinybench {__version__}')
    raise typer.Exit

Version = Annotated[bool, typer.Option('--version', callback=show_version, help='Print it.')]

@app.callback()
def options(version:Version=False):
    "What may stand before every command."

@command
def demo(
    out:Annotated[Path, typer.Option(help='Report folder; replaces an earlier one.')]=Path('reports/demo'),
    repeats:Repeats=150, seed:Seed=0, as_json:AsJson=False):
    """Train a network, make it faster, measure both, write a report.

    Four small networks on real handwritten digits, measured in turns: one as it was trained, a slimmer one,
    and the first made faster in two ways, of which one keeps every answer and one halves the work. The last
    lines say how many times as fast that is, and what it did to accuracy and bytes.

    Takes less than a minute and needs no network connection.

    Example: tinybench demo --out reports/mine --repeats 400
    """
    from tinybench.bench.report import whole_folder, write_report
    with whole_folder(out, 'suite') as folder:          # refused now, if at all, not after a minute
        suite = demo_suite(seed, tell=say, bar=True, repeats=repeats)
        say(f'measuring {len(suite.bench.names)} networks in turns, {repeats} rounds')
        found = suite.run()
        say('writing the report')
        write_report(found, folder, suite_figures(found))
    show(found, as_json)
    if not as_json: echo(f'\n{gains(found)}')
    for words in found.system.get('concerns', ()): say(f'careful: {words}')
    say(f'report: {out}')

@command
def run(
    suite:Annotated[Path|None, typer.Argument(help='TOML file that describes the suite.')]=None,
    models:Annotated[str, typer.Option(help='Or networks of the zoo or module:function, by commas.')]='',
    data:Annotated[str, typer.Option(help='Labelled data to judge them on, such as digits.')]='',
    baseline:Annotated[str|None, typer.Option(help='The one to compare with, if not the first.')]=None,
    repeats:Annotated[int|None, typer.Option(help='Rounds of timing [30].', min=6)]=None,
    secs:Annotated[float|None, typer.Option(help='Or as many rounds as fit in these seconds.', min=0)]=None,
    builds:Annotated[int|None, typer.Option(help='Times all is made anew [6 to 10].', min=1)]=None,
    processes:Annotated[int|None, typer.Option(help='Or so many fresh processes; 6 to compare.', min=1)]=None,
    batch:Annotated[int|None, typer.Option(help='Examples a call when latency is measured [1].', min=1)]=None,
    seed:Annotated[int|None, typer.Option(help='Decides all that is random [0].', min=0)]=None,
    threads:Annotated[int|None, typer.Option(help='BLAS threads [1].', min=1)]=None,
    out:Annotated[Path|None, typer.Option(help='Folder for finished steps and the report.')]=None,
    as_json:AsJson=False):
    """Measure models in turns, each against a baseline.

    Accuracy, memory, latency and throughput, with intervals and verdicts. The rounds are shared out to
    builds, in which all models are made anew, so that the verdicts are about programs, not about where
    their arrays lie. All verdicts of a table are one family.

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
    options = dict(baseline=baseline, repeats=repeats, secs=secs, batch=batch, seed=seed, threads=threads,
                   builds=builds, processes=processes)
    made = make_suite(plan_of(suite, models, data, options), out)
    with redirect_stdout(sys.stderr): found = made.run()        # a model may print
    for note in found.notes: say(f'careful: {note}')
    if out:
        from tinybench.bench.report import write_report
        write_report(found, out/'report', suite_figures(found))
    show(found, as_json, out and out/'report')
    if not found.ok: raise typer.Exit(1)

@command
def ablate(
    suite:Annotated[Path, typer.Argument(help='TOML file that describes a model, data and steps.')],
    kinds:Annotated[str, typer.Option(help='add-one, leave-one-out, factorial, order; by commas [all].')]='',
    workers:Annotated[int|None, typer.Option(help='Processes to build networks in, with Dask.', min=1)]=None,
    processes:Annotated[int|None, typer.Option(help='Fresh processes; 1: quick [30].', min=1)]=None,
    repeats:Annotated[int|None, typer.Option(help='Rounds of timing in each process [24].', min=1)]=None,
    batch:Annotated[int|None, typer.Option(help='Examples a call when latency is measured [1].', min=1)]=None,
    seed:Annotated[int|None, typer.Option(help='Decides all that is random [0].', min=0)]=None,
    out:Annotated[Path|None, typer.Option(help='Folder for finished steps and the report.')]=None,
    as_json:AsJson=False):
    """Say what each optimization of a model did.

    Alone, left out, in all combinations, and in the other order.

    An ablation in a file:

    \b
        data = ["digits"]
        [models.net]
        use = "simple_cnn"
        weights = "net.npz"         # what net.save wrote
        [[step]]
        use = "fold"                # or "module:function", which takes a network and returns one
        [[step]]
        use = "thin"
        macs = 0.5
        [[step]]
        name = "again"
        use = "fine_tune"
        epochs = 2

    The known steps: strip, float16, bfloat16, float64, fold, fuse, channels_first, int8, int4, clustered,
    fake, integer, prune, n_m, sparse, thin, lowrank, fine_tune, distill,
    native.

    fine_tune trains on the labels, distill on the answers of the network that was given. Weights that are 0
    stay 0, unless keep_zeros = false.

    native makes C of the network, of codes if integer comes before it, and has to be the last step. It takes
    a C compiler.

    A step that fails is named, and the others are measured. Goes on after a kill where it was, with --out.
    Ends with status 1 if a network of the steps in their order failed.

    Example: tinybench ablate suite.toml --out reports/ablation --workers 2
    """
    options = dict(workers=workers, processes=processes, repeats=repeats, batch=batch, seed=seed)
    if kinds: options['kinds'] = [k.strip() for k in kinds.split(',')]
    plan = read_ablation(suite) | {k: v for k, v in options.items() if v is not None}
    with redirect_stdout(sys.stderr): found = run_ablation(plan, out)       # a step may print
    for note in found.suite.notes: say(f'careful: {note}')
    if out: write_ablation(found, out/'report')
    show(found, as_json, out and out/'report')
    if found.lost: raise typer.Exit(1)

@command
def explore(
    model:Annotated[str, typer.Option(help='Network of the zoo.')]='simple_cnn',
    data:Annotated[str, typer.Option(help='Labelled data to train and judge it on.')]='digits',
    port:Annotated[int, typer.Option(help='Port on this machine; 0: a free one.', min=0, max=65535)]=0,
    browser:Annotated[bool, typer.Option(help='Open the page in a browser.')]=True):
    """Explore optimizations of a network in the browser.

    Trains the network, then opens a page with a switch for each optimization, on which designs are measured
    and compared. Needs voila: pip install "tinybench-ml[explore]".

    The page is served to this machine only, by voila, until Ctrl-C. Guesses, kept settings and saved figures
    are written to the folder in which the command runs.

    Example: tinybench explore --no-browser --port 8866
    """
    with explored(model, data, port) as (url, process):
        echo(url)
        say('Ctrl-C ends it')
        if browser:
            import webbrowser
            webbrowser.open(url)
        try: process.wait()
        except KeyboardInterrupt:
            say('ended')
            return
        raise ChildProcessError('voila has ended')

@command
def compare(
    a:Annotated[Path|None, typer.Argument(metavar='OLD', help='Results, or a folder of several runs.')]=None,
    b:Annotated[Path|None, typer.Argument(metavar='NEW', help='The same, of the new code.')]=None,
    old:Annotated[list[Path]|None, typer.Option(help='A run of the old code; give several.')]=None,
    new:Annotated[list[Path]|None, typer.Option(help='A run of the new code; give several.')]=None,
    metric:Annotated[str, typer.Option(help='latency, throughput, or bytes such as weights.')]='latency',
    name:Annotated[str|None, typer.Option(help='One model, if not all that are in both.')]=None,
    band:Annotated[str, typer.Option(help='What counts as the same.')]='2%',
    fail_above:Annotated[str|None, typer.Option(help='Status 3 if worse by more, as 5%.')]=None,
    strict:Annotated[bool, typer.Option('--strict', help='Status 4 unless surely not worse by more.')]=False,
    differ:Annotated[str, typer.Option(help='What may differ, by commas, as tinybench,numpy.')]='tinybench',
    as_json:AsJson=False):
    """Compare files of results, for a person or for CI.

    Model by model: how many times as long does the new code take?

    OLD and NEW are report folders, results.json, what save_json wrote, or folders of several of these.
    Timings of separate runs were not taken in turns, and runs of the same code differ, often by 5%. How much,
    only several runs a side can say: three or more, taken at different times. Bytes that were counted
    ('weights', 'peak activations') are compared exactly.

    With --fail-above each model is pass, fail or undecided, adjusted for all models (Holm). With one run a
    side that is not sure, and the words say so.

    Status with --fail-above: 3 where one fails, be it sure or not, else 0. With --strict 4 where one does not
    surely pass, so always with one run a side. An error is 1, a wrong option 2.

    Several runs: tinybench compare --old a1.json --old a2.json --old a3.json --new b.json

    Example: tinybench compare main/ branch/ --fail-above 5%
    """
    limit = None if fail_above is None else as_share(fail_above)
    if bool(a) == bool(old) or bool(b) == bool(new): raise typer.BadParameter(
        'give two files or folders, OLD and NEW, or runs by --old and --new')
    sides = [[p.expanduser() for p in one or [other]] for one, other in ((old, a), (new, b))]
    found = compared_files(*sides, metric, name, as_share(band), tuple(k.strip() for k in differ.split(',')))
    said, sure = ({}, {}) if limit is None else (gates(found, limit), sure_of(found))
    if as_json: echo(json.dumps(found.to_dict() | dict(gates=said, surely=sure), indent=1))
    else: echo(found)
    worse = 'slower' if found.results[0].unit == 's' or is_rate(found) else 'larger'
    for k, word in said.items(): say(gate_words(k, word, sure[k], f'{worse} by more than {100*limit:g}%'))
    if code := gate_status(said, sure, strict): raise typer.Exit(code)

@command
def profile(
    model:Annotated[str, typer.Argument(help='Network of the zoo, or module:function that returns a Model.')],
    batch:Annotated[int, typer.Option(help='Examples a call.', min=1)]=1,
    repeats:Repeats=30,
    train:Annotated[bool, typer.Option('--train', help='A step of training, on noise.')]=False,
    trace:Annotated[Path|None, typer.Option(help='Also write one step as a trace for ui.perfetto.dev.')]=None,
    out:Annotated[Path|None, typer.Option(help='Folder for the figures.')]=None,
    seed:Seed=0, as_json:AsJson=False):
    """Say where the time of a network goes, layer by layer.

    And how far each layer is below its roof, the most that this machine could do. A step of training
    (--train) has no roof: work is modelled for a call in evaluation mode.

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
    if as_json: echo(json.dumps({k: v.to_dict() for k, v in shown.items()}, indent=1))
    else: echo('\n\n'.join(map(str, shown.values())))
    if trace: say(f'trace: {save_trace(found, trace)}')
    if out: write_figures(out, **shown)

@command
def selftest(
    comparisons:Annotated[int, typer.Option(help='How often two builds are compared.', min=1)]=200,
    pairs:Annotated[int, typer.Option(help='Pairs in each comparison.', min=6)]=30,
    builds:Annotated[int|None, typer.Option(help='Builds in each; 1: of two objects [10].', min=1)]=None,
    model:Annotated[str|None, typer.Option(help='Network, as for profile; else a matrix product.')]=None,
    seed:Seed=0, as_json:AsJson=False):
    """Say how often two builds of one thing are called different here.

    Builds it twice, with the same numbers in other places of memory, and compares the two, again and again.
    At most 5% of the comparisons may find a difference. Status 1 where it is surely more.

    In each comparison both are built anew ten times. With --builds 1 they are not: then one object often is
    faster than the other, and the share says how much hangs on the place.

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
        found = run_selftest(f, comparisons, pairs, builds=builds, rng=rng, progress=tell)
    show(found, as_json)
    if not found.fair: raise typer.Exit(1)

@command
def env(as_json:AsJson=False):
    """Say what this machine is, and what makes its timings doubtful.

    Example: tinybench env --json > env.json
    """
    from tinybench.measure.system import system
    found = system()
    show(found, as_json)
    for words in () if as_json else found.concerns(): say(f'careful: {words}')

@command
def report(
    folder:Annotated[Path, typer.Argument(help='A report, or what --out of run, ablate or study was given.')],
    as_json:AsJson=False):
    """Write a report again from the results in its folder.

    Markdown, one HTML page, CSV and figures.

    Example: tinybench report reports/zoo
    """
    from tinybench.bench.report import write_report
    from tinybench.bench.suite import load_suite
    out = folder/'report' if (folder/'steps').is_dir() else folder
    if (folder/'ablation.json').exists():
        from tinybench.bench.ablation import Ablation
        found = Ablation.load(folder)
        write_ablation(found, out)
    elif (folder/'study.json').exists():
        from tinybench.study.study import Study
        found = Study.load(folder)
        write_study(found, out)
    else:
        found = load_suite(folder)
        write_report(found, out, suite_figures(found))
    show(found, as_json, out)

@command
def race(
    task:Annotated[str, typer.Argument(help='What to learn: mnist, cifar, digits; or inference; or train.')],
    against:Annotated[str|None, typer.Option(
        help='Whom to race, with commas between: torch,keras if left out; for inference litert,onnxruntime '
             '(openvino is known too); for train torch (jax, keras, numpy).')]=None,
    epochs:Annotated[int|None, typer.Option(help="Epochs, if not the task's own number.", min=1)]=None,
    repeats:Annotated[int|None, typer.Option(
        help='Fits of each, 3 if left out; rounds of inference, 80; of train, 30.', min=1)]=None,
    nets:Annotated[str|None, typer.Option(help='Networks of inference or train, with commas between; all '
                                               'of the race if left out.')]=None,
    batch:Annotated[int|None, typer.Option(help='Inputs at a time: 1 of inference, 32 of train, if left out.',
                                           min=1)]=None,
    native:Annotated[bool, typer.Option('--native', help='Our training steps in C.')]=False,
    memory:Annotated[bool, typer.Option('--memory', help='Inference: also what each takes of memory, by 8 '
                                                         'fresh processes (Linux).')]=False,
    dtype:Annotated[str, typer.Option(help='Numbers of inference: float32 or int8.')]='float32',
    out:Annotated[Path|None, typer.Option(help='Folder for the report, if not reports/race-TASK.')]=None,
    seed:Seed=0, as_json:AsJson=False):
    """Race against other frameworks: one network, trained in turns, or asked.

    Compares the seconds an epoch takes, and what was learned. MNIST and CIFAR-10 are downloaded once; the
    digits need no network. `inference` compares our plans in C with other engines that run the same weights
    on one thread, `train` our training steps in C with steps of others at their best. Who is not installed is
    named and left out.

    Example: tinybench race mnist --against torch --repeats 5
    """
    by_engines = task in ('inference', 'train')
    unused = dict(epochs=epochs, native=native) if by_engines else dict(nets=nets, batch=batch)
    if task != 'inference': unused |= dict(dtype=dtype != 'float32', memory=memory)
    for name in (k for k, v in unused.items() if v):
        raise ValueError(f'--{name} says nothing in a race of {task}')
    if memory and dtype != 'float32': raise ValueError(f'--memory is for networks of float32, not of {dtype}')
    if task == 'inference':
        against = against or ('litert' if dtype == 'int8' else 'litert,onnxruntime')
        found, out = race_engines(against, nets, repeats or 80, batch or 1, out, seed, dtype, 8*memory)
        show(found, as_json, out)
        if found.memory and not as_json: echo(found.memory)
        return
    if task == 'train':
        found, out = race_steps(against or 'torch', nets, repeats or 30, batch or 32, out, seed)
        return show(found, as_json, out)
    from tinybench.base.names import lookup
    from tinybench.race import FRAMEWORKS, TASKS, race as run_race
    from tinybench.bench.report import whole_folder
    peers = names_in(against or 'torch,keras')
    lookup('task', task, {**TASKS, 'inference': None, 'train': None})  # before a folder is named after it
    for name in peers: lookup('framework', name, FRAMEWORKS)
    out = out or Path(f'reports/race-{task}')
    with whole_folder(out, 'race') as folder:
        found = run_race(
            task, peers, epochs=epochs, repeats=repeats or 3, seed=seed, native=native, progress=say)
        write_race(found, folder)
    show(found, as_json, out)

command(operating)
command(compile_network, name='compile')
command(make_firmware, name='firmware')
command(export_network, name='export')
command(race_runtimes, name='runtimes')
for f, name in ((list_tasks, 'list'), (run_tasks, 'run'), (report_tasks, 'report')): command(f, tasks, name)
for f, name in ((list_data, 'list'), (get_data, 'get')): command(f, data, name)
for f, name in ((serve_device, 'serve'), (run_device_task, 'run'), (write_inputs, 'inputs')):
    command(f, device, name)
for f in (submit, verify, board): command(f, olympics)
for f, name in ((fill, 'fill'), (submit_form, 'submit'), (check_forms, 'check')): command(f, forms, name)
command(study_torch, study, 'torch')
app.add_typer(data, name='data')
app.add_typer(tasks, name='tasks')
app.add_typer(device, name='device')
app.add_typer(olympics, name='olympics')
app.add_typer(forms, name='form', cls=Filling)
app.add_typer(study, name='study')
app.add_typer(teacher, name='course')
app.add_typer(student, name='student')

def main(args:list[str]|None=None):
    "The command `tinybench`; `args` are those of the process if None. Always ends in SystemExit."
    write_anything()
    app(args, prog_name='tinybench')
