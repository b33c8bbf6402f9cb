"`tinybench runtimes`: one network on every runtime that is installed"
import json
from pathlib import Path
from typing import Annotated
import typer
from tinybench.base.files import write_whole
from tinybench.base.names import lookup
from tinybench.base.terminal import bar, echo, say
from .compile import as_shape, network_of
from .engines import names_in
from .options import AsJson, Repeats, Seed
from .plan import graph_in, is_file

def job_from(net:str, weights:Path|None, shape:str|None, int8:bool, batch:int, threads:int, seed:int):
    "What all runtimes are given: a network of the zoo, of a function or of a .tflite or .onnx file."
    from tinybench.peers.runtimes import job_of, quantized_job
    if net.endswith('.npz'): raise ValueError(
        f'{net} holds weights; name their network as well: tinybench runtimes NET --weights {net}')
    if is_file(net): return job_in_file(net, weights, shape, int8, batch, threads)
    made, takes = network_of(net, weights, shape, seed)
    if int8: return quantized_job(made, takes, batch, threads, seed)
    return job_of(made, takes, batch, threads)

def job_in_file(path:str, weights, shape, int8:bool, batch:int, threads:int):
    "The job of a file of other runtimes, which says its own numbers and shape."
    from tinybench.models.weights import network
    from tinybench.peers.runtimes import code_job, job_of
    for name in (k for k, v in dict(weights=weights, shape=shape).items() if v):
        raise ValueError(f'--{name} says nothing: {path} has its own')
    graph = graph_in(path)
    if graph.grid: return code_job(graph, batch, threads)
    if int8: raise ValueError(f'{path} computes in fractions: leave out --int8')
    return job_of(network(graph), tuple(graph.shape), batch, threads)

def write_runtimes(found, folder:Path):
    "The report of a run: numbers, text, figures."
    from tinybench.show.measure import plot_runtimes
    from tinybench.show.plot import plot_intervals, save_figure
    write_whole(folder/'results.json', json.dumps(found.to_dict() | {'report': 'runtimes'}, indent=1) + '\n')
    save_figure(plot_intervals(found.comparison.results), folder/'figure_1.svg')
    text = [f'# tinybench runtimes {found.net}', found._repr_markdown_(), '![Latency](figure_1.svg)']
    if found.layers:
        save_figure(plot_runtimes(found.layers), folder/'figure_2.svg')
        text += ['## Layers', found.layers._repr_markdown_(), '![Layers by runtime](figure_2.svg)']
    write_whole(folder/'report.md', '\n\n'.join(text) + '\n')

def race_runtimes(
    net:Annotated[str, typer.Argument(help='Network of the zoo, module:function, or .tflite or .onnx file.')],
    weights:Annotated[Path|None, typer.Option(help='What net.save wrote.')]=None,
    shape:Annotated[str|None, typer.Option(help='Of one input, as 28,28,1, if it is not known.')]=None,
    batch:Annotated[int, typer.Option(help='Inputs a call.', min=1)]=1,
    threads:Annotated[int, typer.Option(help='That each may use at most.', min=1)]=1,
    int8:Annotated[bool, typer.Option('--int8', help='In int8 codes, whose grids noise has found.')]=False,
    only:Annotated[str, typer.Option(help='Only these runtimes, with commas between.')]='',
    layers:Annotated[bool, typer.Option('--layers', help='Also layer by layer, as far as told.')]=False,
    repeats:Repeats=30,
    out:Annotated[Path|None, typer.Option(help='Folder for report and figures.')]=None,
    seed:Seed=0, as_json:AsJson=False):
    """Run one network on every runtime that is installed, in turns.

    Our numpy core, our plan in C, PyTorch (as it is, and compiled), ONNX Runtime, LiteRT, OpenVINO, JAX and
    Keras get the same weights, BatchNorm folded into them. Each runs in a process of its own, with the
    fastest of its settings. Whose answers differ from ours is named and not timed; what is not installed is
    named, with what to install.

    A network of the zoo is new, with random weights, unless --weights names what net.save wrote. A .tflite
    file of int8 codes is run in codes.

    With --layers a second table has what each layer takes, by the profile of those runtimes that have one: of
    ours, of ONNX Runtime and of OpenVINO. A fused operator counts at the layer that multiplies most.

    Takes a minute or two: each setting is tried, and each runtime built anew up to ten times.

    Example: tinybench runtimes resnet8 --only native,onnxruntime,litert --out reports/runtimes
    """
    from contextlib import ExitStack
    from tinybench.bench.report import whole_folder
    from tinybench.peers.runtimes import RUNTIMES
    from tinybench.peers.layers import with_layers
    from tinybench.peers.turns import run_runtimes
    names = names_in(only) or list(RUNTIMES)
    for k in names: lookup('runtime', k, RUNTIMES)
    with ExitStack() as stack:
        folder = stack.enter_context(whole_folder(out, 'runtimes')) if out else None
        job = job_from(net, weights, shape, int8, batch, threads, seed)
        with bar(f'runtimes of {net}') as tell: found = run_runtimes(net, job, names, repeats, seed, tell)
        if layers:
            with bar(f'layers of {net}') as tell: found = with_layers(found, job, seed, tell)
        if folder: write_runtimes(found, folder)
    echo(json.dumps(found.to_dict(), indent=1, allow_nan=False) if as_json else found)
    if found.layers and not as_json: echo(f'\n{found.layers}')
    if out: say(f'report: {out}')
