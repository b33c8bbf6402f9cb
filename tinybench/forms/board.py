"The form of a microcontroller, filled: codes of 8 bits, their program's bytes, and an emulated answer"
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
import numpy as np

from ..core.tensor import Tensor, no_grad
from ..embedded.calibrate import calibration, in_codes
from ..emit.files import c_name
from ..mcu.boards import Board, board_of
from ..mcu.emulate import Emulation, emulate_checked
from ..mcu.firmware import firmware
from ..mcu.machine import Fault
from ..measure.result import cpu_model
from ..native import int8
from ..nn.module import Module, evaluating
from ..tasks.task import Examples
from ..toolchain.store import NoLibrary
from .cell import Cell, filled, rate_of, unknown
from .edge import NO_TASK, RANDOM, about_model, example_for, task_named
from .fields import Field, fields_of
from .form import Form
from .network import Opened, counted_cells, examples_of, model_of, open_file, quality_cells, told

class NoExtra(ValueError): "Compiler or emulator are not there; the message says how to get them."

UNKNOWN = dict(
    temperature=('an emulator has none', 'with the board, and its sensor or a thermometer'),
    startup=('the emulated program begins at its reset handler',
             'with the board, from reset to a pin that it sets'))

def as_codes(o:Opened, task:str, e:Examples|None, seed:int=0) -> Opened:
    """The network in codes of 8 bits, with a Quantize before and a Dequantize behind; itself if it is. Its
    grids are found by examples of `task` to train on; without examples `e` to judge it, by noise."""
    if int8.has_codes(o.net): return o
    x = (np.random.default_rng(seed).standard_normal((32, *o.shape), np.float32) if e is None else
         calibration(task))
    return o._replace(net=in_codes(o.net, x))

def codes_of(net:Module, x:np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    "The codes that `net` has of the inputs `x`, and those that the integer core makes of them."
    with no_grad(), evaluating(net):
        q = net[0](Tensor(x.astype(np.float32))) if x.dtype != np.int8 else Tensor(x)
        return q.data, int8.between(net)(q).data

def emulated(o:Opened, board:Board, name:str, x:np.ndarray, progress:Callable|None=None) -> Emulation:
    """One inference on the emulated board, counted. ValueError if the network does not fit, the emulator is
    missing, the program stopped, or its codes are not those of the integer core."""
    q, want = codes_of(o.net, x[:1])
    try:
        f = firmware(int8.plan(int8.between(o.net), o.shape, 'int8', native=False), board, c_name(name))
        return emulate_checked(f, q, want, progress)
    except NoLibrary as e: raise NoExtra(str(e)) from e
    except Fault as e: raise ValueError(str(e)) from e

def emulated_cells(known:Mapping[str, Field], found:Emulation) -> list[Cell]:
    "The cells of an emulation: what was measured in it, and what is modelled of it."
    rows = {r.metric: r for r in found.results()}
    board, names = found.firmware.board, dict(ram='RAM')
    says = dict(flash='the ELF: code, weights and constants',
                instructions=f'counted in {found.emulator}, one input',
                ram='the ELF: variables and arena; and what was written to of the stack, which was painted')
    cells = []
    for k in ('flash', 'ram', 'instructions', 'cycles', 'latency', 'energy'):
        r = rows.get(names.get(k, k))
        if r is None: cells.append(unknown(known[k], f'no current to go by: {board.current}',
                                           'with that figure, or a Joulescope in the supply of the board'))
        else:
            raw = int(r.values[0]) if k not in ('latency', 'energy') else r.values[0]
            cells.append(filled(known[k], raw, says.get(k) or r.how['source'], r.provenance))
    rate = rate_of(known['throughput'], next(c for c in cells if c.field.name == 'latency'))
    clock = filled(known['clock'], board.mhz, board.source)
    return [*cells, rate, clock, *(unknown(known[k], *why) for k, why in UNKNOWN.items())]

def board_facts(board:Board, found:Emulation) -> dict:
    "What a form says of its platform: board, emulator, compiler, and what made the codes."
    processor = f'Cortex-{board.cpu.replace("plus", "+").upper()}'
    return dict(board=board.name, chip=board.chip, processor=processor, emulator=found.emulator,
                compiler=f'zig {version("ziglang")}', numpy=np.__version__, host=cpu_model())

def by_codes(c:Cell) -> Cell:
    "A cell of answers, whose source says who gave them."
    said = 'codes of 8 bits by the integer core, whose codes for one input the emulated board gives too'
    return replace(c, source=f'{said}; {c.source}') if c.known else c

def board_form(path:Path, network:str='', task:str='', board:str='nucleo-l4r5zi', *, name:str='',
               trained:bool=True, seed:int=0, references:tuple=(), progress:Callable|None=None) -> Form:
    """The form of the model in `path` on an emulated board. ValueError for a file that is no model, an
    unknown board, a network that does not fit it, or without the extra mcu."""
    b, device = board_of(board), f'mcu:{board}'
    known, name = fields_of(device), name or network or path.stem
    o = open_file(path, network, task)
    task = task_named(task, o)
    e = examples_of(task) if task and trained else None
    codes = as_codes(o, task, e, seed)
    ran = emulated(codes, b, name, example_for(o, e, seed), progress)
    answered = quality_cells(known, task if e else '', model_of(codes, name), e,
                             NO_TASK if trained else RANDOM)
    cells = [*counted_cells(known, o, path), *map(by_codes, answered.cells), *emulated_cells(known, ran)]
    found = {c.field.name: c for c in cells}
    return Form(device, about_model(path, name, o, 'firmware'), [found[k] for k in known], task if e else '',
                told(e) if e else {}, board_facts(b, ran), dict(seed=seed), references)
