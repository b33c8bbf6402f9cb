"Instructions are told apart as Capstone does."
import re, struct
import numpy as np
import pytest
from tinybench.mcu.thumb import KINDS, Instruction, decode, wide

NOT_HERE = 'ldc|stc|mcr|mrc|mrrc|mcrr|cdp|vld[1-4]|vst[1-4]'     # other coprocessors, and vectors
CONDITIONS = 'eq ne hs lo mi pl vs vc hi ls ge lt gt le'.split()

def kind_by_name(name):
    "What an instruction does, by its mnemonic."
    name = name.split('.')[0]
    if name.startswith('v'):
        return 'load' if name.startswith(('vldr', 'vldm', 'vpop')) else 'store' if name.startswith(('vstr', 'vstm', 'vpush')) else 'float'
    for bare in {name, *(name.removesuffix(c) for c in CONDITIONS if name.endswith(c))}:
        if bare in ('b', 'bl', 'bx', 'blx', 'bxns', 'blxns', 'cbz', 'cbnz', 'tbb', 'tbh'): return 'branch'
    if name.startswith(('ldr', 'ldm', 'pop')): return 'load'
    if name.startswith(('str', 'stm', 'push')): return 'store'
    products = 'mul', 'mla', 'mls', 'smla', 'smul', 'umul', 'umla', 'umaal', 'smml', 'smmul', 'smua', 'smus', 'smls', 'usad'
    return 'multiply' if name.startswith(products) else 'other'

def test_as_capstone():
    "Every half of 16 bits that is an instruction, and many of 32 bits."
    cs = pytest.importorskip('capstone')
    md = cs.Cs(cs.CS_ARCH_ARM, cs.CS_MODE_THUMB | cs.CS_MODE_MCLASS)
    r, seen = np.random.default_rng(0), {}
    halves = [(a, 0) for a in range(1 << 16) if not wide(a)]
    halves += [(int(a), int(b)) for a, b in r.integers(0, 1 << 16, (60_000, 2)) if wide(int(a)) and a < 0xFC00]
    halves += [(0xFB00 | int(a) & 255, int(b)) for a, b in r.integers(0, 1 << 16, (2000, 2))]
    for a, b in halves:
        found = next(md.disasm(struct.pack('<HH', a, b), 0, 1), None)
        if found is None or re.match(NOT_HERE, found.mnemonic): continue
        to_pc = 'pc' in found.op_str.partition('[')[0]
        if to_pc and (wide(a) or found.mnemonic.startswith('ld')): continue     # unpredictable; or a load that jumps
        got, want = decode(a, b), kind_by_name(found.mnemonic)
        if found.op_str.startswith('pc,') and found.mnemonic != 'cmp': want = 'branch'
        assert (got.kind, got.size) == (want, found.size), f'{a:04x} {b:04x} {found.mnemonic} {found.op_str}'
        seen[got.kind] = seen.get(got.kind, 0) + 1
    assert {*seen} == {*KINDS} and min(seen.values()) > 100

@pytest.mark.parametrize('halves, want', [
    ((0xFB20, 0x1302), Instruction('multiply', 4, 'accumulate')),       # smlad r3, r0, r2, r1
    ((0xFB90, 0xF0F1), Instruction('other', 4, 'divide')),              # sdiv r0, r0, r1
    ((0xE9D0, 0x1200), Instruction('load', 4, 'multiple', 2)),          # ldrd r1, r2, [r0]
    ((0xB5F0,), Instruction('store', 2, 'multiple', 5)),                # push {r4-r7, lr}
    ((0xBDF0,), Instruction('load', 2, 'return', 5)),                   # pop {r4-r7, pc}
    ((0x5888,), Instruction('load', 2, 'offset')),                      # ldr r0, [r1, r2]
    ((0xF851, 0x0022), Instruction('load', 4, 'offset')),               # ldr.w r0, [r1, r2, lsl #2]
    ((0xF8D1, 0x0004), Instruction('load', 4)),                         # ldr.w r0, [r1, #4]
    ((0xEE20, 0x0A20), Instruction('float', 4)),                        # vmul.f32 s0, s0, s1
    ((0xEE80, 0x0A20), Instruction('float', 4, 'divide')),              # vdiv.f32 s0, s0, s1
    ((0xED91, 0x0A00), Instruction('load', 4))])                        # vldr s0, [r1]
def test_what_is_special_about_it(halves, want): assert decode(*halves) == want
