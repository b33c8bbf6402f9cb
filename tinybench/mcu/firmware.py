"A network of int8 codes as a program for a bare board: its C, its ELF, and what of the board it takes"
import io, re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
import warnings
import numpy as np

from ..base.text import Shown, Table
from ..emit.cortex import CortexNetwork
from ..emit.files import at_least_one, c_name
from ..native.plan import least
from ..toolchain.cross import linked
from ..toolchain.store import NoLibrary
from . import startup
from .arena import tight_fit
from .boards import Board, board_of

FLAGS = ('-std=c11', '-Wall', '-Wextra', '-Wno-unused-function', '-O3', '-g0', '-fomit-frame-pointer',
         '-ffreestanding', '-fwrapv', '-ffp-contract=off', '-fno-sanitize=all', '-ffunction-sections',
         '-Wl,--gc-sections', '-Wl,-e,start')
SPARE = 1024        # bytes of stack beside a layer's own arrays
PARTS = 'text', 'weights', 'data', 'bss io', 'arena', 'stack'       # sections, as a Firmware has them

@dataclass(frozen=True)
class Layer:
    "A function of the firmware: which layer it computes, its multiply-adds, and RAM in bytes while it runs."
    name: str
    path: str
    op: str
    shape: tuple        # of what it makes
    macs: int
    live: int           # bytes of the arena that hold values it reads, writes or leaves for later
    weights: int        # bytes in flash

@dataclass(frozen=True, repr=False)
class Firmware(Shown):
    "A program for a board; sizes in bytes, from the ELF."
    name: str
    board: Board
    elf: bytes
    files: Mapping          # name -> text: all sources
    x: tuple                # shape of one input; codes
    y: tuple
    layers: tuple           # of `Layer`, in their order
    code: int               # instructions, tables and constants of the program
    weights: int            # of products, and what softmax looks up
    data: int               # variables that begin with a value: in flash and in RAM
    bss: int                # x, y and other variables
    arena: int
    stack: int              # what is kept for the stack
    least: int              # bytes that are live at once: no arena can be smaller
    dsp: bool = True
    flash = property(lambda self: self.code + self.weights + self.data)
    ram = property(lambda self: self.data + self.bss + self.arena + self.stack)
    tables = property(lambda self: self.weights - sum(layer.weights for layer in self.layers))
    macs = property(lambda self: sum(layer.macs for layer in self.layers))
    def to_dict(self) -> dict:
        "All but the program and its sources, ready for JSON."
        kept = {k: v for k, v in vars(self).items() if k not in ('elf', 'files')}
        layers = [vars(layer) for layer in self.layers]
        sums = dict(flash=self.flash, ram=self.ram, macs=self.macs)
        return dict(kept, board=self.board.name, layers=layers, **sums)
    def table(self) -> Table:
        b, top = self.board, peak(self.layers)
        rows = [('flash', self.flash, b.flash), ('  code', self.code, ''),
                ('  weights', self.weights - self.tables, ''), ('  tables', self.tables, ''),
                ('RAM', self.ram, b.ram), ('  arena', self.arena, ''), ('  stack', self.stack, ''),
                ('  input, output, variables', self.bss + self.data, '')]
        said = [(n, f'{v:,} bytes', f'{of:,} bytes' if of else '') for n, v, of in rows if v]
        return Table((f'{self.name} on {b.name}', 'measured (ELF)', 'board'), tuple(said), (
            f'{self.x} -> {self.y}, {len(self.layers)} functions, {self.macs:,} MACs.',
            f'The arena is largest in {top.name} ({top.path or top.op}): {top.live:,} bytes are live.'))

def peak(layers:tuple) -> Layer:
    "The layer while which most bytes of the arena are live."
    return max(layers, key=lambda layer: layer.live)

def layers_of(p, c) -> tuple:
    "What is live while each step of the plan `p` runs, its multiply-adds, and its bytes of weights in `c`."
    from ..device.fit import live       # not above: who does that lesson's exercises has no such module yet
    sums = [0 if s.w is None else s.w.size*int(np.prod(s.shape))//s.w.shape[-1] for s in p.layout.steps]
    return tuple(Layer(f'{s.op}_{k}', s.path, s.op, tuple(s.shape[1:]), sums[k], n, c.bytes.get(k, 0))
                 for k, (s, n) in enumerate(zip(p.layout.steps, live(p))))

def check_plan(p):
    "ValueError unless `p` is a plan of codes for one input."
    if not p.layout.kinds or p.layout.kind(0) != 'int8' or p.layout.kind(p.layout.last) != 'int8':
        raise ValueError("firmware takes a plan of int8 codes, from codes to codes: plan(net, shape, 'int8')")
    if p.takes[:1] != (1,) or p.threads != 1: raise ValueError(
        f'firmware is for one input at a time, and this plan takes {p.takes[0]}: leave out batch and threads')

def c_numbers(a:np.ndarray) -> str:
    "Numbers of 4 bytes as C, by their bits."
    said = [hex(v) for v in at_least_one(a).view(np.uint32).tolist()]
    return ',\n'.join(', '.join(said[i:i + 8]) for i in range(0, len(said), 8))

def sources(p, c, name:str, board:Board, stack:int, main:str, grids:tuple) -> dict:
    "All files of the program, by name."
    x, y, w = (p.layout.shapes[0][1:], p.layout.shapes[p.layout.last][1:], c.weights().view(np.int32))
    sizes = dict(name=name, x=x, y=y, x_size=int(np.prod(x)), y_size=int(np.prod(y)), arena=max(c.arena, 1),
                 weights=max(w.size, 1), arena_bytes=f'{4*c.arena:,}', weight_bytes=f'{w.nbytes:,}',
                 board=board.name, grids=[f': {g}' for g in grids] or ['', ''])
    script = startup.SCRIPT.format(
        board=board.name, chip=board.chip, cpu=board.cpu.upper(), source=board.source, stack=stack,
        flash_at=board.flash_at, flash=board.flash, ram_at=board.ram_at, ram=board.ram)
    return {f'{name}.c': c.code, f'{name}.h': startup.HEADER.format(**sizes),
            f'{name}_weights.c': startup.WEIGHTS.format(name=name, numbers=c_numbers(w)),
            'main.c': main.replace('{name}', name) if main else startup.MAIN.format(name=name),
            'start.c': startup.START.format(board=board.name, fpu=startup.FPU if board.core.fpu else ''),
            'device.h': startup.DEVICE_H, 'board.ld': script}

def sections(elf:bytes) -> dict:
    "Bytes of each section of an ELF that takes memory, by name."
    return {s.name: s['sh_size'] for s in opened(elf).iter_sections() if s['sh_flags'] & 2 and s['sh_size']}

def opened(elf:bytes):
    "The ELF as pyelftools reads it; NoLibrary with how to get that."
    try: from elftools.elf.elffile import ELFFile
    except ImportError: raise NoLibrary(
        "pyelftools is not installed: pip install 'tinybench-ml[mcu]'") from None
    return ELFFile(io.BytesIO(elf))

def check_fits(f:Firmware):
    "ValueError, with by how much and what is largest, if the program is larger than the board."
    b = f.board
    if f.flash > b.flash:
        top = max(f.layers, key=lambda layer: layer.weights)
        raise ValueError(
            f'{f.name} does not fit {b.name}: {f.flash:,} bytes of flash, {f.flash - b.flash:,} more than '
            f'there are; the most weights has {top.name} ({top.path or top.op}), {top.weights:,} bytes')
    if f.ram > b.ram:
        top = peak(f.layers)
        raise ValueError(
            f'{f.name} does not fit {b.name}: {f.ram:,} bytes of RAM, {f.ram - b.ram:,} more than there are; '
            f'the peak of its activations is {top.name} ({top.path or top.op}), {top.live:,} bytes at once')

def firmware(
    p,                      # a plan of int8 codes: `native.int8.plan(net, shape, 'int8')`
    board,                  # a name in `boards.BOARDS`, or a Board
    name:str='net',         # of its files and functions
    dsp:bool|None=None,     # products by SMLAD; as the processor can if None
    stack:int|None=None,    # bytes kept for the stack; what the largest layer needs and `SPARE` if None
    main:str='',            # C of another program than one inference; {name} in it is replaced
    grids:tuple=(),         # what the codes of input and output stand for, in words
    say:Callable=warnings.warn,
) -> Firmware:
    """The plan `p` as a program for a bare board, with the same codes as results. ValueError if it does not
    fit, or is no plan of codes for one input; NoLibrary without a compiler."""
    board = board_of(board)
    check_plan(p)
    dsp = board.core.dsp if dsp is None else dsp
    if dsp and not board.core.dsp: raise ValueError(f'Cortex-{board.cpu} of {board.name} has no SMLAD')
    from ..device.dual import block_lines
    lines = block_lines if dsp else None
    c = CortexNetwork(p.layout, tight_fit(p.sizes, p.lives), lines, f'{c_name(name)}_run')
    stack = -(-(c.deepest + SPARE)//8)*8 if stack is None else stack
    files = sources(p, c, name, board, stack, main, grids)
    # linked for more than there is, so that it can be said by how much a program does not fit
    room = re.sub(r'LENGTH = \d+', f'LENGTH = {1 << 26}', files['board.ld'])
    core = board.core
    how = '-target', core.target, f'-mcpu={core.mcpu}', *FLAGS
    elf = linked({**files, 'board.ld': room}, 'board.ld', how, say=say)
    size = sections(elf)
    layers = layers_of(p, c)
    f = Firmware(name, board, elf, files, p.layout.shapes[0][1:], p.layout.shapes[p.layout.last][1:], layers,
                 *(sum(size.get(f'.{s}', 0) for s in names.split()) for names in PARTS),
                 4*least(p.sizes, p.lives), dsp)
    check_fits(f)
    return f
