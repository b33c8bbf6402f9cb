"`tinybench export`: a network as a file for other runtimes, which have run it before it is written"
import json
from pathlib import Path
from typing import Annotated
import typer
from tinybench.base.names import lookup
from tinybench.base.terminal import echo, say
from .compile import array_in, network_of
from .engines import names_in
from .options import AsJson, Seed
from .plan import FILES, graph_in, is_file

FORMATS = {suffix[1:]: suffix for suffix in FILES}

def out_path(net:str, to:str|None, out:Path|None) -> Path:
    "The file to write; ValueError if its name and `to` differ; OSError if it is there and was not named."
    if to: lookup('format', to, FORMATS)
    if out is None:
        stem = Path(net).stem if is_file(net) else net.rpartition(':')[2]
        out = Path(f'{stem}{FORMATS[to or "onnx"]}')
        if out.exists(): raise FileExistsError(f'{out} is there already; --out {out} replaces it')
    if out.suffix not in FILES: raise ValueError(f'--out {out}: its name ends in .onnx or .tflite')
    if to and FORMATS[to] != out.suffix: raise ValueError(
        f'--to {to} is no {out.suffix} file: leave one of the two out')
    return out

def examples_in(path:Path|None, shape:tuple):
    "The examples in a file, as float32, if there is one; ValueError if they are not of `shape`."
    if path is None: return None
    x = array_in(path)
    if x.shape[1:] != tuple(shape): raise ValueError(
        f'{path} holds examples of {x.shape[1:]}, and the network takes {tuple(shape)}')
    return x.astype('float32')

def export_network(
    net:Annotated[str, typer.Argument(help='Network of the zoo, module:function, or .onnx or .tflite file.')],
    to:Annotated[str|None, typer.Option(help='onnx or tflite, if --out does not say it.')]=None,
    int8:Annotated[bool, typer.Option('--int8', help='Weights and activations in codes of 8 bits.')]=False,
    weights:Annotated[Path|None, typer.Option(help='What net.save wrote.')]=None,
    shape:Annotated[str|None, typer.Option(help='Of one input, as 28,28,1, if it is not known.')]=None,
    examples:Annotated[Path|None, typer.Option(help='.npy of inputs, for grids and check; else noise.')]=None,
    check:Annotated[str|None, typer.Option(help='Runtimes: onnxruntime,openvino or litert.')]=None,
    unchecked:Annotated[bool, typer.Option('--unchecked', help='Write it if no runtime is there.')]=False,
    out:Annotated[Path|None, typer.Option(help='File, if not NET.onnx here; is replaced.')]=None,
    seed:Seed=0, as_json:AsJson=False):
    """Write a network as ONNX or .tflite, once a runtime has given our answers.

    An image goes in with its channels last, in both. An ONNX file takes and gives float32 also with --int8,
    and rounds inside; a .tflite file of int8 takes and gives codes.

    The file is run, and compared with our library: numbers of float32 have to agree to a hundred-thousandth
    of the largest, codes to the last bit, but for what the runtime was seen to round otherwise, which
    is counted. If they do not, the operator at fault is named, and nothing is written.

    Example: tinybench export resnet8 --weights resnet8.npz --to tflite --int8
    """
    from tinybench.backends.export import export
    from tinybench.exchange.run import runtimes_by_key
    path = out_path(net, to, out)
    known = runtimes_by_key(path.suffix)
    named = f'runtime of {path.suffix} files'
    runtimes = tuple(lookup(named, k, known) for k in names_in(check or '')) or None
    if is_file(net):
        if weights or shape: raise ValueError(
            f'{net} has its weights and its shape: leave --weights and --shape out')
        given = graph_in(net)
        takes = given.shape
    else: given, takes = network_of(net, weights, shape, seed)
    x = examples_in(examples, takes)
    if int8 and x is None and getattr(given, 'grid', None) is None:
        say('no --examples: noise finds the grids')
    found = export(given, path, takes, int8, x, runtimes, unchecked)
    echo(json.dumps(found.to_dict(), indent=1) if as_json else found)
    say(f'written to {path}')
