"`tinybench firmware`: a network of codes as a program for a bare board, and what it costs there, emulated"
import json
from pathlib import Path
from typing import Annotated
import typer
from tinybench.base.terminal import echo, say, told
from .compile import check_out, grids_of, network_of, quantized, write_folder
from .options import AsJson, Seed


def codes_of(net:str, weights:Path|None, shape:str|None, examples:Path|None, seed:int) -> tuple:
    "The network of codes that the command was given, whole, and the shape of one input."
    made, takes = network_of(net, weights, shape, seed)
    return quantized(made, takes, examples, seed), takes

def one_inference(f, net, seed:int):
    "An `Emulation` of random codes; ValueError unless its outputs are those of the network."
    import numpy as np
    from tinybench.core.tensor import Tensor, no_grad
    from tinybench.mcu.emulate import emulate_checked
    from tinybench.nn.module import evaluating
    x = np.random.default_rng(seed).integers(-128, 128, (1, *f.x)).astype(np.int8)
    with no_grad(), evaluating(net): want = net(Tensor(x)).data
    return emulate_checked(f, x, want)

def make_firmware(
    net:Annotated[str, typer.Argument(help='Of the zoo, module:function, or a .tflite or .onnx file.')],
    board:Annotated[str, typer.Option(help='Name of a board; a wrong one lists all.')],
    weights:Annotated[Path|None, typer.Option(help='What net.save wrote.')]=None,
    shape:Annotated[str|None, typer.Option(help='Of one input, as 28,28,1, if it is not known.')]=None,
    examples:Annotated[Path|None, typer.Option(help='.npy of inputs to find the grids by; else noise.')]=None,
    name:Annotated[str|None, typer.Option(help='Of files and functions, if not that of the network.')]=None,
    plain:Annotated[bool, typer.Option('--plain', help='Plain C, also if the processor has SMLAD.')]=False,
    emulate:Annotated[bool, typer.Option('--emulate', help='Run one inference, emulated.')]=False,
    out:Annotated[Path|None, typer.Option(help='Folder, if not firmware/NAME; replaces its own.')]=None,
    seed:Seed=0, as_json:AsJson=False):
    """Write a network of int8 codes as a program for a bare Cortex-M board.

    NAME.c has the network, NAME_weights.c its weights and its arena, main.c one inference, start.c what runs
    before it, board.ld where all lies, and NAME.elf is the program. What it takes of the board is measured in
    that; a network that does not fit is refused with by how much, and what is largest.

    With --emulate one inference is run in an emulator, its codes are compared with the network's, and its
    instructions are counted, in all and by layer; cycles, latency and energy are modelled, each by the
    source that is named.

    A network of the zoo is new, with random weights, unless --weights names what net.save wrote. Needs the
    extra mcu: pip install 'tinybench-ml[mcu]'.

    Example: tinybench firmware ds_cnn --board nucleo-l4r5zi --emulate
    """
    from tinybench.emit.files import c_name
    from tinybench.mcu.boards import board_of
    from tinybench.mcu.firmware import firmware
    from tinybench.mcu.machine import Fault
    from tinybench.mcu.startup import MARK
    from tinybench.native.int8 import between, plan
    from tinybench.toolchain.store import NoLibrary
    b = board_of(board)
    name = c_name(name or Path(net.rpartition(':')[2]).stem)
    out = (out or Path(f'firmware/{name}')).resolve()
    with told(NoLibrary, Fault):
        whole, takes = codes_of(net, weights, shape, examples, seed)
        p = plan(whole, takes, 'int8', native=False)
        f = firmware(p, b, name, False if plain else None, grids=grids_of(whole), say=say)
        files = dict(f.files, **{f'{name}.elf': f.elf})
        of = {*files}, MARK
        check_out(out, name, *of)
        ran = one_inference(f, between(whole), seed) if emulate else None
    write_folder(out, name, files, *of)
    if as_json: echo(json.dumps(dict(f.to_dict(), emulation=ran and ran.to_dict()), indent=1))
    else:
        echo(f)
        if ran: echo(f'\n{ran}\n\n{ran.by_layer()}')
    say(f'written to {out}: {", ".join(files)}')
