"Cycles by the tables that Arm publishes for its processors; a model, with its source"
from dataclasses import dataclass

from .thumb import Instruction


REFILL = 2      # cycles to fill the pipeline after a taken branch; the manuals say 1 to 3
DIVIDE = 12     # of a division of whole numbers; they say 2 to 12

@dataclass(frozen=True)
class Timing:
    "How long instructions of a processor take, and which document says so."
    cpu: str
    source: str
    accumulate: int = 1     # MLA
    long: int = 1           # products of 64 bits
    one: int = 2            # a load
    taken: int = REFILL     # more, if a branch is taken
    pipelined: bool = True  # a load right behind another load or store takes one cycle less
    deep: int = 0           # more for a call, and for a return that loads
    flat: bool = False      # one cycle for each instruction: no table is published

    def cycles(self, i:Instruction, before:Instruction|None) -> int:
        "Cycles of `i` behind `before`, if no branch is taken."
        if self.flat: return 1
        if i.kind in ('load', 'store') and i.what in ('multiple', 'return'):
            return 1 + i.n + self.deep*(i.what == 'return')
        one = before and before.kind in ('load', 'store') and before.what in ('', 'offset')
        beside = self.pipelined and one
        if i.kind == 'load': return self.one - bool(beside)
        if i.kind == 'store': return 1 if self.pipelined and (beside or not i.what) else 2
        if i.kind == 'branch':
            return 2 if i.what == 'table' else 1 + self.deep*(i.what == 'call' and i.size == 4)
        if i.kind == 'float': return dict(accumulate=3, divide=14, two=2).get(i.what, 1)
        if i.what == 'divide': return DIVIDE
        if i.kind == 'multiply':
            if 'long' in i.what: return self.long
            return self.accumulate if i.what else 1
        return 1

FLASH = ', flash without wait states'
FLAT = 'one cycle an instruction: Arm publishes no instruction timing for the Cortex-{}'
TIMINGS = {t.cpu: t for t in (
    Timing('m0plus', f'Arm DDI 0484, Cortex-M0+ TRM, instruction set summary{FLASH}', taken=1,
           pipelined=False, deep=1),
    Timing('m3', f'Arm DDI 0337, Cortex-M3 TRM, instruction set summary, refill {REFILL}, division {DIVIDE}, '
           f'long product 4{FLASH}', 2, 4),
    Timing('m4', f'Arm DDI 0439, Cortex-M4 TRM, instruction set summaries, refill {REFILL}, division {DIVIDE}'
           f'{FLASH}'),
    Timing('m7', FLAT.format('M7'), flat=True, taken=0),
    Timing('m33', FLAT.format('M33'), flat=True, taken=0))}
