"An inference on an emulated board: its outputs, what was measured, and what is modelled of it"
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
import numpy as np

from ..base.text import Shown, Table, digits, worded
from ..measure.result import BenchmarkResult
from .firmware import Firmware
from .machine import Machine, unicorn
from .thumb import KINDS


START = 'start', 'main'     # of the program, not of the network

@dataclass(frozen=True, repr=False, eq=False)
class Emulation(Shown):
    "What inferences on an emulated board gave and cost; without counting, only outputs and stack."
    firmware: Firmware
    outputs: np.ndarray         # codes, (inputs, *shape)
    stack: int                  # bytes: the most that any inference wrote to
    functions: tuple            # by input: {function: instructions by kind, and modelled `cycles`}
    emulator: str
    timing: str                 # the source of the cycles
    def kinds(self, k:int=0) -> dict:
        "Instructions of the inference `k` by kind; empty if they were not counted."
        total = sum((Counter(row) for row in self.functions[k].values()), Counter()) if self.functions else {}
        return {kind: total[kind] for kind in KINDS} if total else {}
    @property
    def instructions(self) -> tuple:
        "Of each inference."
        return tuple(sum(self.kinds(k).values()) for k in range(len(self.functions)))
    @property
    def cycles(self) -> tuple:
        "Of each inference, modelled."
        return tuple(sum(row['cycles'] for row in f.values()) for f in self.functions)
    @property
    def per_mac(self) -> float: return self.instructions[0]/self.firmware.macs
    def layers(self, k:int=0) -> dict:
        "By layer, in order: its `Layer`, and the instructions by kind of its functions; '' is all the rest."
        found = {layer.name: Counter() for layer in self.firmware.layers} | {'': Counter()}
        for name, row in self.functions[k].items():
            owner = next((n for n in found if n and (name == n or name.startswith(f'{n}_'))), '')
            found[owner] += row
        return found
    def results(self) -> tuple:
        "All quantities as records with their provenance."
        f, b = self.firmware, self.firmware.board
        env = dict(board=b.name, chip=b.chip, emulator=self.emulator)
        def record(metric, unit, values, provenance, **how):
            return BenchmarkResult(f.name, metric, unit, values, provenance, how, env)
        found = [record('flash', 'B', f.flash, 'measured', of='the ELF'),
                 record('RAM', 'B', f.ram - f.stack + self.stack, 'measured',
                        of='the ELF, and the painted stack'),
                 record('stack', 'B', self.stack, 'measured', of='the painted stack')]
        if not self.functions: return tuple(found)
        secs = [c/(b.mhz*1e6) for c in self.cycles]
        found += [record('instructions', 'instructions', self.instructions, 'measured', of='the emulator'),
                  record('cycles', 'cycles', self.cycles, 'modelled', source=self.timing),
                  record('latency', 's', secs, 'modelled', source=f'cycles at {b.mhz:g} MHz; {self.timing}')]
        if b.milliamps: found.append(record(
            'energy', 'J', [s*b.volts*b.milliamps/1e3 for s in secs], 'modelled',
            source=f'latency times {b.milliamps:g} mA at {b.volts:g} V: {b.current}'))
        return tuple(found)
    def to_dict(self) -> dict:
        "The quantities, and what each layer took in the first inference."
        layers = {n: dict(row) for n, row in self.layers().items()} if self.functions else {}
        return dict(results=[r.to_dict() for r in self.results()], layers=layers)
    def by_layer(self, k:int=0) -> Table:
        "Instructions of each layer, measured, in the inference `k`; ValueError if they were not counted."
        if not self.functions: raise ValueError('nothing was counted: emulate(firmware, x)')
        of, rows = {layer.name: layer for layer in self.firmware.layers}, []
        for name, row in self.layers(k).items():
            n, layer = sum(row[kind] for kind in KINDS), of.get(name)
            macs = layer.macs if layer else 0
            share = (f'{macs:,}', f'{n:,}', digits(n/macs)) if macs else ('', f'{n:,}', '')
            rows.append((name or 'all else', layer.path if layer else '', *share,
                         *(f'{row[kind]:,}' for kind in KINDS)))
        return Table(('function', 'layer', 'MACs', 'instructions', 'a MAC', *KINDS), tuple(rows), left=2)
    def table(self) -> Table:
        f, rows = self.firmware, []
        for r in self.results():
            value = worded(r.median, unit=r.unit) if r.unit in ('s', 'J') else f'{int(r.median):,}'
            value += ' bytes' if r.unit == 'B' else ''
            rows.append((r.metric, value, r.provenance, r.how.get('source') or r.how['of']))
        if self.functions and not f.board.milliamps: rows.append(('energy', 'n/a', '', f.board.current))
        said = ', '.join(f'{n:,} {kind}' for kind, n in self.kinds().items())
        words = [f'{digits(self.per_mac)} instructions a MAC: {said}.'] if said else ['Nothing was counted.']
        head = f'{f.name} on {f.board.name}', f'of {len(self.outputs)}', 'provenance', 'source'
        return Table(head, tuple(rows), tuple(words), left=None)

def checked_input(f:Firmware, x) -> np.ndarray:
    "`x` as codes (inputs, *shape); ValueError if it is none."
    x = np.asarray(x)
    if x.dtype != np.int8: raise ValueError(f'firmware takes codes, int8, not {x.dtype}')
    if x.shape == f.x: x = x[None]
    if x.shape[1:] != f.x or not len(x): raise ValueError(
        f'this firmware is for inputs of shape {f.x}, not {x.shape}')
    return x

def emulate(
    f:Firmware,
    x:np.ndarray,           # codes: one input, or several (inputs, *shape)
    count:bool=True,        # instructions; else only outputs and stack, some times faster
    secs:float=60.,         # of this machine, for one inference
    progress:Callable|None=None,    # is called with (done, all) inputs
) -> Emulation:
    """Run the program of `f` on its board, emulated, once for each input. machine.Fault says what
    stopped it, in a sentence; NoLibrary how to get the emulator."""
    x = checked_input(f, x)
    m, outputs, functions, stack = Machine(f.elf, f.board, count), [], [], 0
    for k, one in enumerate(x):
        m.clear()
        m.write('x', one.tobytes())
        m.run(secs)
        outputs.append(np.frombuffer(m.read('y'), np.int8).reshape(f.y))
        stack = max(stack, m.stack_peak())
        if count: functions.append({n: dict(row) for n, row in m.by_function().items() if n not in START})
        if progress: progress(k + 1, len(x))
    return Emulation(f, np.array(outputs), stack, tuple(functions), f'unicorn {unicorn().__version__}',
                     m.timing.source)

def emulate_checked(f:Firmware, x:np.ndarray, want:np.ndarray, progress:Callable|None=None) -> Emulation:
    "As `emulate`; ValueError, with how many differ and the first, unless the outputs are the codes `want`."
    found = emulate(f, x, progress=progress)
    got, who = found.outputs, f'{f.name} on {f.board.name}, emulated, gives'
    if got.shape != want.shape: raise ValueError(f'{who} codes of shape {got.shape}, not {want.shape}')
    other = np.argwhere(got != want).tolist()
    if other: raise ValueError(
        f'{who} other codes than the integer core: {len(other):,} of {want.size:,}, the first at '
        f'{tuple(other[0])}: {got[*other[0]]} in place of {want[*other[0]]}')
    return found
