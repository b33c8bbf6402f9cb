"Cycles of short programs, added up by hand from the manuals' tables."
import pytest
from tinybench.mcu.thumb import decode
from tinybench.mcu.timing import REFILL, TIMINGS

LDR, STR, STR_OFFSET, ADD, MUL = (0x6808,), (0x6008,), (0x5088,), (0x1840,), (0x4348,)
PUSH, POP, BL, BX, BEQ = (0xB5F0,), (0xBDF0,), (0xF000, 0xF800), (0x4770,), (0xD000,)
MLA, SMLAD, UMULL, SDIV, LDRD, LDM = (0xFB01, 0x0002), (0xFB20, 0x1302), (0xFBA0, 0x2301), (0xFB90, 0xF0F1), (0xE9D0, 0x1200), (0xC80F,)
VMUL, VMLA, VDIV, VLDR = (0xEE20, 0x0A20), (0xEE00, 0x0A20), (0xEE80, 0x0A20), (0xED91, 0x0A00)

def cycles(cpu, *program):
    found, before = 0, None
    for halves in program:
        i = decode(*halves)
        found, before = found + TIMINGS[cpu].cycles(i, before), i
    return found

@pytest.mark.parametrize('cpu, program, want', [
    ('m4', [LDR], 2), ('m4', [LDR]*3, 4), ('m4', [LDR, ADD, LDR], 5), ('m4', [STR], 1), ('m4', [STR_OFFSET], 2), ('m4', [LDRD], 3),
    ('m4', [LDM], 5), ('m4', [PUSH], 6), ('m4', [POP], 6), ('m4', [MUL, MLA, SMLAD, UMULL], 4), ('m4', [SDIV], 12),
    ('m4', [VMUL, VMLA, VDIV, VLDR], 1 + 3 + 14 + 2), ('m4', [BEQ, BL, BX], 3), ('m3', [MUL, MLA, UMULL], 1 + 2 + 4), ('m3', [LDR]*3, 4),
    ('m0plus', [ADD, MUL, LDR, LDR, STR], 1 + 1 + 2 + 2 + 2), ('m0plus', [LDM, PUSH], 5 + 6), ('m0plus', [POP], 7), ('m0plus', [BL, BX, BEQ], 4),
    ('m7', [LDR, VDIV, PUSH], 3), ('m33', [LDR, SDIV], 2)])
def test_programs(cpu, program, want): assert cycles(cpu, *program) == want

def test_what_a_taken_branch_adds():
    "B 2, BX 2, BL 3 and POP {pc} 3 + N cycles on the M0+; 1 and the refill on the M3 and M4; nothing where no table is published."
    assert {cpu: t.taken for cpu, t in TIMINGS.items()} == dict(m0plus=1, m3=REFILL, m4=REFILL, m7=0, m33=0)

def test_every_model_names_its_source():
    assert all('TRM' in t.source or 'publishes no instruction timing' in t.source for t in TIMINGS.values())
