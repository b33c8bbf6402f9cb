"A Cortex-M board, emulated: memory, a device page, instructions counted exactly, and faults in a sentence"
import bisect, signal, struct, threading, time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from typing import NamedTuple

from ..base.names import lookup
from ..toolchain.store import NoLibrary
from .boards import Board
from .firmware import opened
from .startup import DEVICE_AT
from .thumb import KINDS, Instruction, decode, wide
from .timing import TIMINGS


PAINT, PAGE = 0xA5, 0x1000
SLICE, LONG = 250_000, 10**12       # microseconds until Ctrl-C is looked for; longer than any run
BELOW = 1 << 16         # bytes below the stack that only a stack too small reaches for

class Fault(RuntimeError): "What stopped a program before its end, in a sentence."

class Block(NamedTuple):
    """Instructions that run one after the other: how many of each kind, cycles, and more if its end jumps;
    the first and the last of them."""
    function: str
    kinds: dict
    cycles: int
    jump: int
    head: Instruction
    tail: Instruction

def unicorn():
    "The emulator's module; NoLibrary with how to get it."
    try: import unicorn as u
    except ImportError: raise NoLibrary("unicorn is not installed: pip install 'tinybench-ml[mcu]'") from None
    return u

class Machine:
    """A board with a program in its flash. `run` starts it at its reset and returns the status with which it
    stops. Functions put into `reads` and `writes`, by address on the device page, are called with nothing and
    return a number, or are called with what was written."""
    def __init__(self, elf:bytes, board:Board, count:bool=True):
        self.u = u = unicorn()
        self.board, self.elf, self.count = board, opened(elf), count
        self.uc = u.Uc(u.UC_ARCH_ARM, u.UC_MODE_THUMB | u.UC_MODE_MCLASS)
        self.uc.ctl_set_cpu_model(getattr(u.arm_const, f'UC_CPU_ARM_{board.core.model}'))
        self.symbols, self.starts = {}, []
        self.read_symbols()
        self.reads, self.writes, self.asking, self.interrupted = {}, {}, False, lambda: None
        self.status = self.fault_at = self.bad = self.error = None
        self.timing = TIMINGS[board.cpu]
        self.blocks, self.runs, self.jumps, self.last, self.end = {}, Counter(), Counter(), None, 0
        self.map()
        self.clear()
    def read_symbols(self):
        "Addresses and sizes by name; where functions begin, in order."
        functions = []
        for s in self.elf.get_section_by_name('.symtab').iter_symbols():
            kind = s['st_info']['type']
            if kind in ('STT_FUNC', 'STT_OBJECT', 'STT_NOTYPE') and s.name and not s.name.startswith('$'):
                self.symbols[s.name] = s['st_value'] & ~(kind == 'STT_FUNC'), s['st_size']
                if kind == 'STT_FUNC': functions.append((s['st_value'] & ~1, s.name))
        self.starts, self.names = zip(*sorted(dict(functions).items()))
    def map(self):
        "Flash, RAM, the processor's own registers, the device page, and what is called back."
        u, b = self.u, self.board
        for at, size in ((b.flash_at, b.flash), (b.ram_at, b.ram)):
            low, high = at//PAGE*PAGE, -(-(at + size)//PAGE)*PAGE
            self.uc.mem_map(low, high - low)
        self.uc.mem_map(0xE0000000, 0x100000)       # the processor's own registers, which only remember
        self.uc.mmio_map(DEVICE_AT, PAGE, self.read_device, None, self.write_device, None)
        self.uc.hook_add(u.UC_HOOK_MEM_INVALID, self.invalid)
        self.uc.hook_add(u.UC_HOOK_INTR, self.interrupt)
        if self.count: self.uc.hook_add(u.UC_HOOK_BLOCK, self.block)
    def clear(self):
        "The program in flash, the stack painted, nothing counted; all else in RAM is as it was."
        self.runs.clear()
        self.jumps.clear()
        for s in self.elf.iter_segments():
            if s['p_type'] == 'PT_LOAD' and s['p_filesz']: self.uc.mem_write(s['p_paddr'], s.data())
        low, high = self.symbols['_stack_end'][0], self.symbols['_stack'][0]
        self.uc.mem_write(low, bytes([PAINT])*(high - low))
    # memory, by symbol
    def symbol(self, name:str) -> tuple:
        "Address and size of a variable; ValueError with the nearest name if there is none."
        return lookup('variable of the program', name, self.symbols)
    def write(self, name:str, data:bytes): self.uc.mem_write(self.symbol(name)[0], bytes(data))
    def read(self, name:str) -> bytes: return bytes(self.uc.mem_read(*self.symbol(name)))
    def function(self, at:int) -> str:
        "The name of the function at an address."
        k = bisect.bisect_right(self.starts, at) - 1
        return self.names[k] if k >= 0 else f'0x{at:08X}'
    # the device page
    def read_device(self, uc, offset, size, _):
        f = self.reads.get(DEVICE_AT + offset)
        return self.guarded(f) or 0 if f else 0
    def guarded(self, f:Callable, *args):
        "What `f` returns; what it raises ends the run, and is raised there: the emulator would lose it."
        try:
            self.asking = True          # a Ctrl-C from here on ends `f`
            self.interrupted()          # and one that came before, and was only noted, does not let it begin
            return f(*args)
        except BaseException as e:
            self.asking, self.error = False, e
            self.uc.emu_stop()
        finally: self.asking = False
    def write_device(self, uc, offset, size, value, _):
        if offset == 0: self.stop(value)
        elif offset == 4:
            self.fault_at = value
            uc.emu_stop()
        elif f := self.writes.get(DEVICE_AT + offset): self.guarded(f, value)
    def stop(self, status:int=0):
        "Let `run` end with this status; a function in `reads` or `writes` may call it."
        self.status = status
        self.uc.emu_stop()
    def invalid(self, uc, access, address, size, value, _):
        self.bad = access, address
        return False
    def interrupt(self, uc, number, _):
        self.bad = 'exception', number
        uc.emu_stop()
    # counting
    def block(self, uc, at, size, _):
        key = at << 16 | size
        if key not in self.blocks: self.blocks[key] = self.read_block(at, size)
        self.runs[key] += 1
        if at != self.end and self.last: self.jumps[self.last] += 1
        self.last, self.end = key, at + size
    def read_block(self, at:int, size:int) -> Block:
        code, k, before, kinds, cycles, head = bytes(self.uc.mem_read(at, size)), 0, None, Counter(), 0, None
        while k < size:
            a, = struct.unpack_from('<H', code, k)
            b = struct.unpack_from('<H', code, k + 2)[0] if wide(a) and k + 2 < size else 0
            i = decode(a, b)
            kinds[i.kind] += 1
            cycles += self.timing.cycles(i, before)
            before, k, head = i, k + i.size, head or i
        return Block(self.function(at), kinds, cycles, self.timing.taken, head, before)
    def instructions(self) -> int:
        "So far."
        return sum(sum(self.blocks[k].kinds.values())*n for k, n in self.runs.items())
    def cycles(self) -> int:
        "So far, by the processor's table of times: modelled."
        return sum(self.block_cycles().values())
    def block_cycles(self) -> Counter:
        "By block: cycles so far, wherever the program lies."
        found, starts = Counter(), {k >> 16: k for k in self.runs}
        for k, n in self.runs.items():
            b, after = self.blocks[k], starts.get((k >> 16) + (k & 0xFFFF))
            found[k] += b.cycles*n + b.jump*self.jumps[k]
            if after is None: continue
            # the emulator cuts blocks at the end of a page of code, where the processor knows of no cut
            head = self.blocks[after].head
            saved = self.timing.cycles(head, None) - self.timing.cycles(head, b.tail)
            found[after] -= saved*(n - self.jumps[k])
        return found
    def by_function(self) -> dict:
        "By function, in the order of their first run: instructions of each kind, and `cycles`, modelled."
        found, cycles = {}, self.block_cycles()
        for k, n in self.runs.items():
            b = self.blocks[k]
            row = found.setdefault(b.function, Counter(dict.fromkeys((*KINDS, 'cycles'), 0)))
            for kind, m in b.kinds.items(): row[kind] += m*n
            row['cycles'] += cycles[k]
        return found
    def stack_peak(self) -> int:
        "Bytes of the stack that were written to, from its top on."
        low, high = self.symbols['_stack_end'][0], self.symbols['_stack'][0]
        paint = bytes(self.uc.mem_read(low, high - low))
        return len(paint.lstrip(bytes([PAINT])))
    # running
    def run(self, secs:float=60.) -> int:
        """Run from the reset to the program's end, and return its status. Fault if it faults or takes more
        than `secs`, which may be inf, of this machine's time."""
        at = self.symbols['vectors'][0]
        sp, pc = struct.unpack('<II', bytes(self.uc.mem_read(at, 8)))
        arm = self.u.arm_const
        self.uc.reg_write(arm.UC_ARM_REG_SP, sp)
        self.status = self.fault_at = self.bad = self.last = self.error = None
        self.end, until = 0, time.monotonic() + secs
        with self.interruptible(): self.go_on(pc, until, secs)
        return self.status
    def resume(self):
        """Run on from where a function of the page called `stop`, until one does again. Ctrl-C is seen when
        the page is asked, or at the end. Fault if the program faults."""
        self.status = self.fault_at = self.bad = self.error = None
        pc = self.uc.reg_read(self.u.arm_const.UC_ARM_REG_PC)
        # in one piece: a store to the page in which the emulator is stopped by time is done again
        with self.interruptible(stops=False):
            try: self.uc.emu_start(pc | 1, 0xFFFFFFFE)
            except self.u.UcError as e: raise Fault(self.sentence(e)) from None
            if self.error: raise self.error
            if self.bad or self.fault_at is not None: raise Fault(self.sentence(None))
    @contextmanager
    def interruptible(self, stops:bool=True):
        """Ctrl-C in the block is noted, and the emulator `stops` for it. It does what it does when
        `interrupted` is called, at once while a function of the page is asked, or at the end."""
        caught, before = [], signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or not callable(before):
            return (yield)
        def note(*args):
            if self.asking: return before(*args)        # a function of the page, which may wait for long
            caught.append(args)
            if stops: self.uc.emu_stop()
        signal.signal(signal.SIGINT, note)
        self.interrupted = lambda: caught and before(*caught.pop())
        try: yield
        finally:
            signal.signal(signal.SIGINT, before)
            self.interrupted = lambda: None
        if caught: before(*caught.pop())                # it came after the last look
    def go_on(self, pc:int, until:float, secs:float):
        "Run from `pc` to the program's end, or to the time `until`."
        arm = self.u.arm_const
        while self.status is None:
            left = until - time.monotonic()
            if left <= 0: raise Fault(f'the program did not end within {secs:g} s, and was in {self.where()}')
            # counted in one piece: Ctrl-C comes between two calls of the hook, and no block is cut
            wait = min(left*1e6, LONG if self.count else SLICE)
            try: self.uc.emu_start(pc | 1, 0xFFFFFFFE, int(wait) + 1)
            except self.u.UcError as e: raise Fault(self.sentence(e)) from None
            finally: self.interrupted()
            if self.error: raise self.error
            if self.bad or self.fault_at is not None: raise Fault(self.sentence(None))
            pc = self.uc.reg_read(arm.UC_ARM_REG_PC)
    def where(self) -> str: return self.function(self.uc.reg_read(self.u.arm_const.UC_ARM_REG_PC))
    def sentence(self, error) -> str:
        "What went wrong, and where."
        arm, (low, _), (high, _) = self.u.arm_const, self.symbols['_stack_end'], self.symbols['_stack']
        # the register may be as old as the block's begin: what was reached for says it too
        below = self.bad and self.bad[0] != 'exception' and low - BELOW <= self.bad[1] < low
        if below or self.uc.reg_read(arm.UC_ARM_REG_SP) < low: return (
            f'stack overflow in {self.where()}: it needs more than the {high - low:,} bytes that are kept '
            'for the stack: firmware(..., stack=more)')
        if self.fault_at is not None: return (
            f'hard fault in {self.function(self.fault_at)}, at 0x{self.fault_at:08X}')
        if self.bad and self.bad[0] == 'exception': return (
            f'hard fault in {self.where()}: exception {self.bad[1]} of the processor')
        if self.bad:
            what = {self.u.UC_MEM_WRITE_UNMAPPED: 'writes to', self.u.UC_MEM_READ_UNMAPPED: 'reads from',
                    self.u.UC_MEM_FETCH_UNMAPPED: 'jumps to'}.get(self.bad[0], 'takes')
            return f'{self.where()} {what} 0x{self.bad[1]:08X}, where {self.board.name} has nothing'
        return f'hard fault in {self.where()}: {error}'
