"`tinybench study torch`: what channels last, bfloat16 and torch.compile do to a PyTorch network"
import json, os
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
import typer
from tinybench.base.terminal import bar, echo, say
from .engines import names_in
from .options import AsJson, Seed
from .plan import named_object

OUT = Path('reports/study-torch')

def whole_numbers(text:str, option:str) -> tuple[int,...]:
    "Numbers with commas between; ValueError naming the option."
    try: return tuple(int(k) for k in names_in(text))
    except ValueError: raise ValueError(
        f'{option} {text!r}: whole numbers with commas between, such as 32,64') from None

@contextmanager
def data_in(folder:Path|None):
    "Data sets of this `folder` in the block; None: where they are found else."
    before = os.environ.get('TINYBENCH_DATA')
    if folder: os.environ['TINYBENCH_DATA'] = str(folder)
    try: yield
    finally:
        if folder and before is None: del os.environ['TINYBENCH_DATA']
        elif folder: os.environ['TINYBENCH_DATA'] = before

def load_images(name:str):
    "The data set `name`, or CIFAR-10 of a folder of that name; ValueError that says what else can be done."
    from tinybench.data.source import load, local_file
    folder = Path(name).expanduser()
    here = folder if folder.is_dir() else None
    with data_in(here):
        if here and not (local_file('cifar10*.npz') or local_file('cifar-10-binary.tar.gz')):
            raise ValueError(f'{here} holds no CIFAR-10: no cifar-10-binary.tar.gz and no cifar10*.npz')
        try: return load('cifar10' if here else name)
        except ConnectionError as e: raise ValueError(
            f'{e}\nOr take a folder that has it, --data FOLDER, or the digits that are shipped, --data digits'
        ) from e

def torch_images(x):
    "Images (n, h, w, c) as PyTorch counts them, (n, c, h, w)."
    import numpy as np
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))

def maker_of(name:str):
    "What makes a network of (shape, classes): SimpleCNN, or 'module:function'; ValueError if there is none."
    from tinybench.base.names import meant
    from tinybench.study.techniques import NO_TORCH, simple_cnn
    if ':' not in name and name != 'simple_cnn': raise ValueError(
        f'no network {name!r}{meant(name, ["simple_cnn"])}, and module:function that makes a torch.nn.Module')
    try: import torch  # noqa: F401
    except ImportError as e: raise ValueError(NO_TORCH) from e
    if name == 'simple_cnn': return simple_cnn
    function = named_object(name)
    return lambda shape, classes: function()

def made_by(make, name:str, shape:tuple, classes:int, seed:int):
    "The network that `make` makes, with first weights from `seed`; ValueError if it is none of PyTorch's."
    import torch
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = make(shape, classes)
    if not isinstance(net, torch.nn.Module):
        raise ValueError(f'{name} gives a {type(net).__name__}, no torch.nn.Module')
    return net

def study_figures(s) -> dict[str,bytes]:
    "The figures of a study by their captions, as SVG; those of what was measured."
    from tinybench.show.measure import plot_ratios
    from tinybench.show.plot import figure_bytes, plot_bars
    from tinybench.study.answers import against_base, bars_of, devices_compared, settings_in
    from tinybench.study.runs import on
    found = {}
    for device in s.devices:
        for mode in ('inference', 'training'):
            ks = [k for k in settings_in(s) if (k.mode, k.device) == (mode, device)]
            of = 'technique, batch' + (', workers' if mode == 'training' else '')
            if c := against_base(s, ks):
                found[f'What each technique did to {mode}{on(device)}: {of}'] = plot_ratios(c)
            if rs := bars_of(s, ks): found[f'Throughput of {mode}{on(device)}'] = plot_bars(rs)
    for metric in dict.fromkeys(r.metric for r in s.memory):
        found[f'{metric[0].upper()}{metric[1:]}'] = plot_bars([r for r in s.memory if r.metric == metric])
    if c := devices_compared(s): found['Examples/s on the GPU, of those on the CPU'] = plot_ratios(c)
    return {caption: figure_bytes(ax) for caption, ax in found.items()}

def write_study(s, folder:Path):
    "The report of a study: that of its suite, with the reasons and all answers as tables, and figures."
    from tinybench.bench.report import write_report
    from tinybench.study.answers import answer_tables, memory_table, not_run_table, time_table
    from tinybench.study.reasons import how_table, onednn_table, reason_table
    tables = {'Why': reason_table(s), **answer_tables(s), 'Memory': memory_table(s), 'Times': time_table(s)}
    if s.onednn: tables['What oneDNN ran'] = onednn_table(s)
    tables |= {'What was not measured': not_run_table(s), 'How a study is made': how_table(s)}
    write_report(s.suite, folder, study_figures(s), tables=tables)

def study_torch(
    net:Annotated[str, typer.Option(help='simple_cnn, or module:function that returns a torch.nn.Module.')]
        ='simple_cnn',
    data:Annotated[str, typer.Option(help='cifar10, mnist, fashion_mnist, digits, or a folder with CIFAR-10.')
        ]='cifar10',
    techniques:Annotated[str, typer.Option(help='channels last, bfloat16, channels last + bfloat16, compile; '
                                                'by commas [all].')]='',
    batches:Annotated[str, typer.Option(help='Batch sizes, by commas.')]='32,64',
    workers:Annotated[str, typer.Option(help="Processes of the loader, by commas.")]='0,1',
    quick:Annotated[bool, typer.Option('--quick', help='Fewer rounds and steps, one epoch.')]=False,
    builds:Annotated[int|None, typer.Option(help='Times all is made anew [8, quick 6].', min=6)]=None,
    rounds:Annotated[int|None, typer.Option(help='Rounds of timing in each build [4, quick 2].', min=1)]=None,
    epochs:Annotated[int|None, typer.Option(help='Epochs before accuracy [3, quick 1].', min=1)]=None,
    threads:Annotated[int|None, typer.Option(help="PyTorch's threads, if not those it takes.", min=1)]=None,
    out:Annotated[Path, typer.Option(help='Folder for finished steps and the report.')]=OUT,
    seed:Seed=0, as_json:AsJson=False):
    """Say what channels last, bfloat16 and torch.compile do to a PyTorch network, and why.

    In inference and training, with batches of 32 and 64, with and without a worker of the loader, in turns,
    all made anew several times. Each technique gets a verdict with an interval, its accuracy after a short
    training from the same weights in the same order, its memory, and the reasons: what oneDNN ran, and what
    this processor can do.

    Where PyTorch can use a GPU, all of it there too, timed by the GPU's events, and the ratio of GPU to CPU.
    That part was written for GPUs, but our tests have not run it. Elsewhere the report says so.

    CIFAR-10 is downloaded once, 170 MB; --data digits needs no network. torch.compile needs a C++ compiler
    and Python's headers; without them it is named as not run, and why.

    After Ctrl-C the same command goes on where it was.

    Example: tinybench study torch --data digits --quick --out reports/mine
    """
    from tinybench.study.study import QUICK, study
    make = maker_of(net)        # before a download
    d = load_images(data)
    images = [torch_images(x) for x in (d.x_train, d.x_test)]
    made = made_by(make, net, images[0].shape[1:], len(d.classes), seed)
    asked = dict(seed=seed, batches=whole_numbers(batches, '--batches'),
                 workers=whole_numbers(workers, '--workers'), builds=builds, rounds=rounds, epochs=epochs,
                 threads=threads)
    asked = (QUICK if quick else {}) | {k: v for k, v in asked.items() if v is not None}
    if techniques: asked['techniques'] = tuple(names_in(techniques))
    with bar('studying') as tell:
        found = study(made, images[0], d.y_train, (images[1], d.y_test), out, name=d.name, progress=tell,
                      **asked)
    write_study(found, out/'report')
    echo(json.dumps(found.to_dict(), indent=1, allow_nan=False) if as_json else found)
    for why in found.suite.notes: say(f'careful: {why}')
    say(f'report: {out/"report"}')
