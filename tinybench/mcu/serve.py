"An emulated board that speaks the serial protocol: its device page, its clock, and a pseudo-terminal"
import os, select, time
from collections import deque
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Protocol
import numpy as np

from ..base.names import lookup
from ..native.int8 import plan
from ..nn.module import Module
from .boards import board_of
from .emulate import emulate
from .firmware import Firmware, firmware
from .machine import Machine
from .protocol import DATA, MARK, MICROS, MICROS_HIGH, STATUS, Side, program
from .startup import DEVICE_AT
from .timing import TIMINGS


class Clock(Protocol):
    "What a board reads as its time."
    said: str                                       # what it is, in words
    provenance: str                                 # of what is reckoned with it
    def micros(self) -> int: "Microseconds since some moment."
    def mark(self, on:bool): "An inference begins, or has ended."

class HostClock:
    "The time of the machine that emulates: says how fast the emulation is, and nothing of the board."
    provenance = 'measured'
    def __init__(self, ns:Callable[[], int]=time.perf_counter_ns):
        self.ns, self.start = ns, ns()
        self.said = "host's clock: it times the emulation, not the board"
    def micros(self) -> int: return (self.ns() - self.start)//1000
    def mark(self, on:bool): pass

class ModelledClock:
    "Inferences take the cycles that are modelled for them; it stands still between."
    provenance = 'modelled'
    def __init__(self, cycles:Callable[[], int], hz:float, source:str):
        self.cycles, self.hz, self.total = cycles, hz, 0
        self.said = f'modelled clock: cycles of the inferences, {source}, at {hz/1e6:g} MHz'
    def micros(self) -> int: return round(1e6*self.total/self.hz)
    def mark(self, on:bool):
        if on: self.total += self.cycles()

SILENCE = 5.        # seconds of this machine after which a host that waits for a long window is told to go on

class Page:
    "The registers of a board: a UART, a clock, a mark around each inference. `stop` stops the processor."
    def __init__(self, clock:Clock, stop:Callable[[], None], tell:Callable[[bytes], None],
                 now:Callable[[], float]=time.monotonic):
        self.clock, self.stop, self.tell, self.now = clock, stop, tell, now
        self.came, self.said, self.lap, self.told = deque(), bytearray(), 0, now()
    def read(self, at:int) -> int:
        if at == STATUS:
            if not self.came: self.stop()           # it asks again when a byte has come
            return int(bool(self.came))
        if at == DATA: return self.came.popleft() if self.came else 0
        if at == MARK: return int(self.now() - self.told > SILENCE)
        if at == MICROS: self.lap = self.clock.micros()     # the high half is of the same moment
        return {MICROS: self.lap & 0xffffffff, MICROS_HIGH: self.lap >> 32}.get(at, 0)
    def write(self, at:int, value:int):
        if at == MARK: self.clock.mark(bool(value))
        elif at == DATA:
            self.said.append(value & 255)
            if value == 10: self.flush()            # a host that waits sees each line at once
    def flush(self):
        said, self.said, self.told = bytes(self.said), bytearray(), self.now()
        if said: self.tell(said)

class Device:
    "A machine whose firmware speaks the protocol. `clock` is made of the machine."
    def __init__(self, machine:Machine, clock:Callable[[Machine], Clock]):
        self.said, self.machine = bytearray(), machine
        self.tell, self.clock = self.said.extend, clock(machine)
        self.page = Page(self.clock, machine.stop, lambda data: self.tell(data))
        for at in (STATUS, DATA, MICROS, MICROS_HIGH, MARK):
            machine.reads[DEVICE_AT + at] = partial(self.page.read, at)
        for at in (DATA, MARK): machine.writes[DEVICE_AT + at] = partial(self.page.write, at)
        machine.run()               # until it waits for a command
        self.said.clear()           # that it is ready: nobody has listened yet
    def send(self, data:bytes) -> bytes:
        "What it says to `data`, until it waits for more; nothing, if `tell` goes elsewhere."
        self.page.came.extend(data)
        self.machine.resume()
        self.page.flush()
        said = bytes(self.said)
        self.said.clear()
        return said

def cycles_of(f:Firmware, source:str='x') -> Callable[[Machine], int]:
    """The modelled cycles of an inference of `f` on the codes that a machine holds in `source`: counted once
    for each input, as the same input takes the same instructions."""
    @lru_cache(16)
    def counted(codes): return emulate(f, np.frombuffer(codes, np.int8).reshape(f.x)).cycles[0]
    return lambda machine: counted(machine.read(source))

CLOCKS = 'modelled', 'host'
EMULATED = '{}, emulated by tinybench, {} clock'     # what a device calls itself, wherever its port leads

def emulated_device(net:Module, shape:tuple, side:Side, board:str, clock:str='modelled') -> Device:
    """`net`, a network of codes for inputs of `shape`, in firmware of a `board` that speaks the protocol,
    emulated. ValueError if the board is not known or too small; NoLibrary without compiler or emulator."""
    lookup('clock', clock, dict.fromkeys(CLOCKS))
    b = board_of(board)
    p = plan(net, shape, 'int8', native=False)
    f = firmware(p, b, main=program(side, EMULATED.format(b.name, clock)))
    bare = firmware(p, b) if clock == 'modelled' else None
    def made(machine):
        if bare is None: return HostClock()
        count = cycles_of(bare)
        return ModelledClock(lambda: count(machine), 1e6*b.mhz, TIMINGS[b.cpu].source)
    return Device(Machine(f.elf, b, count=False), made)

PATIENCE = 1.       # seconds after which a UART drops what nobody reads

def write_all(fd:int, data:bytes, secs:float=PATIENCE):
    "Writes `data` to a terminal that does not block; what nobody reads for `secs` is lost, as on a wire."
    while data:
        if not select.select([], [fd], [], secs)[1]: return
        try: data = data[os.write(fd, data):]
        except BlockingIOError: continue

def pseudo_terminal() -> tuple[int, int, str]:
    "(the board's end, the other end, the path of that); OSError where the system has none."
    try: import tty
    except ImportError: raise OSError('this system has no pseudo-terminals: device run needs none') from None
    ours, theirs = os.openpty()
    tty.setraw(theirs)              # what the board says is not its own input, and no byte is a signal
    os.set_blocking(ours, False)
    return ours, theirs, os.ttyname(theirs)

def serve(device:Device, ready:Callable[[str], None], stop:int|None=None):
    """Puts `device` on a pseudo-terminal, tells its path to `ready`, and answers until `stop`, a file
    descriptor, can be read, or KeyboardInterrupt. Waiting takes no processor time."""
    ours, theirs, path = pseudo_terminal()      # theirs stays open: clients come and go
    kept, device.tell = device.tell, lambda data: write_all(ours, data)
    try:
        ready(path)
        while True:
            readable = select.select([ours] + [stop]*(stop is not None), [], [])[0]
            if stop in readable: return
            device.send(os.read(ours, 65536))
    finally:
        device.tell = kept
        os.close(ours)
        os.close(theirs)
