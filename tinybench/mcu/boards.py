"Boards with a Cortex-M: memory, clock, and the current that a datasheet gives"
from dataclasses import dataclass

from ..base.names import lookup
from ..base.text import Shown, Table


@dataclass(frozen=True)
class Core:
    "A processor: what the compiler, the emulator and people call it."
    name: str
    target: str
    mcpu: str
    model: str          # of unicorn
    dsp: bool           # SMLAD and its kin
    fpu: bool           # float32 in hardware

HARD, SOFT = 'thumb-freestanding-eabihf', 'thumb-freestanding-eabi'
CORES = {c.name: c for c in (
    Core('m0plus', SOFT, 'cortex_m0plus', 'CORTEX_M0', False, False),
    Core('m3', SOFT, 'cortex_m3', 'CORTEX_M3', False, False),
    Core('m4', HARD, 'cortex_m4+vfp4d16sp', 'CORTEX_M4', True, True),
    Core('m7', HARD, 'cortex_m7+fp_armv8d16sp', 'CORTEX_M7', True, True),
    Core('m33', HARD, 'cortex_m33+dsp+fp_armv8d16sp', 'CORTEX_M33', True, True))}

@dataclass(frozen=True, repr=False)
class Board(Shown):
    "A board: its chip, memory in bytes, clock in MHz, supply in volts and run current in mA; sources."
    name: str
    chip: str
    cpu: str                # key of `CORES`
    flash_at: int
    flash: int
    ram_at: int
    ram: int                # in one piece
    mhz: float
    source: str             # of memory and clock
    volts: float|None = None
    milliamps: float|None = None
    current: str = ''       # the source of volts and milliamps, or why there are none
    note: str = ''
    @property
    def core(self) -> Core: return CORES[self.cpu]
    def table(self) -> Table:
        here = f'{self.milliamps:g} mA at {self.volts:g} V: ' if self.milliamps else 'n/a: '
        rows = [('chip', self.chip), ('processor', f'Cortex-{self.cpu.replace("plus", "+").upper()}'),
                ('flash', f'{self.flash:,} bytes at 0x{self.flash_at:08X}'),
                ('RAM', f'{self.ram:,} bytes at 0x{self.ram_at:08X}'), ('clock', f'{self.mhz:g} MHz'),
                ('run current', here + self.current)]
        said = f'Memory and clock: {self.source}.', *([f'{self.note}.'] if self.note else [])
        return Table((self.name, ''), tuple(rows), said, left=2)

K = 1024
BOARDS = {b.name: b for b in (
    Board('nucleo-l4r5zi', 'STM32L4R5ZI', 'm4', 0x08000000, 2048*K, 0x20000000, 640*K, 120,
          'STMicroelectronics DS12023, STM32L4R5xx', 3.3, 13.2,
          'DS12023, features: 110 uA/MHz in Run mode (LDO), times 120 MHz',
          "The board of MLPerf Tiny's reference results"),
    Board('stm32f4-discovery', 'STM32F407VG', 'm4', 0x08000000, 1024*K, 0x20000000, 128*K, 168,
          'STMicroelectronics DS8626, STM32F405xx and STM32F407xx',
          current="the run current of DS8626 depends on the peripherals that are on; read it from its table",
          note='64 KB more of RAM (CCM) lie elsewhere and are not used'),
    Board('nucleo-h743zi', 'STM32H743ZI', 'm7', 0x08000000, 2048*K, 0x24000000, 512*K, 480,
          'STMicroelectronics DS12110, STM32H743xI, revision V',
          current='the run current of DS12110 depends on voltage scaling and caches; read it from its table',
          note='RAM is the AXI SRAM; the tightly coupled memories are not used'),
    Board('pico', 'RP2040', 'm0plus', 0x10000100, 2048*K - 0x100, 0x20000000, 264*K, 133,
          'Raspberry Pi, RP2040 datasheet and Pico datasheet',
          current='the Pico datasheet gives the current of whole programs, not of the core at a clock',
          note='Before it the flash needs 256 bytes of second-stage boot loader, which are not written'),
    Board('nano-33-ble', 'nRF52840', 'm4', 0, 1024*K, 0x20000000, 256*K, 64,
          'Nordic Semiconductor, nRF52840 Product Specification', 3.0, 3.3,
          'nRF52840 Product Specification, CPU running CoreMark from flash at 64 MHz, DC/DC, 3 V',
          "The program takes the whole flash, also the place of Arduino's boot loader"),
    Board('bluepill', 'STM32F103C8', 'm3', 0x08000000, 64*K, 0x20000000, 20*K, 72,
          'STMicroelectronics DS5319, STM32F103x8 and STM32F103xB',
          current='the run current of DS5319 depends on the peripherals that are on; read it from its table'),
    Board('b-u585i-iot02a', 'STM32U585AI', 'm33', 0x08000000, 2048*K, 0x20000000, 768*K, 160,
          'STMicroelectronics DS13086, STM32U585xx', 3.3, 3.12,
          'DS13086, features: 19.5 uA/MHz in Run mode at 3.3 V (SMPS), times 160 MHz'),
    Board('nrf5340-dk', 'nRF5340', 'm33', 0, 1024*K, 0x20000000, 512*K, 128,
          'Nordic Semiconductor, nRF5340 Product Specification, application core',
          current='the product specification gives it by regulator and cache; read it from its table'))}

def board_of(board) -> Board:
    "The board of that name, or `board` itself; ValueError with the nearest name if there is none."
    return board if isinstance(board, Board) else lookup('board', board, BOARDS)
