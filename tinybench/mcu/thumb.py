"Instructions of Thumb-2 by what they do: enough to count them, and to look their time up"
from typing import NamedTuple

# Encodings: Armv7-M Architecture Reference Manual, chapters A5 and A6

KINDS = 'multiply', 'load', 'store', 'branch', 'float', 'other'

class Instruction(NamedTuple):
    "Its kind, its size in bytes, what is special about it ('' if nothing), and how many registers it moves."
    kind: str
    size: int
    what: str = ''      # 'accumulate', 'long', 'divide', 'multiple', 'offset', 'call', 'return', 'table', …
    n: int = 1

def wide(half:int) -> bool:
    "Whether an instruction that begins with this half has another one."
    return half >> 11 in (0b11101, 0b11110, 0b11111)

def decode(a:int, b:int=0) -> Instruction:
    "The instruction whose first half is `a`, and second half, if it has one, `b`."
    return decode32(a, b) if wide(a) else decode16(a)

def decode16(a:int) -> Instruction:
    "One of 16 bits."
    top = a >> 12
    if a >> 6 == 0b0100001101: return Instruction('multiply', 2)
    if a >> 10 == 0b010001:
        if a >> 8 & 3 == 3: return Instruction('branch', 2, 'call' if a & 0x80 else 'return')
        to_pc = a >> 8 & 3 != 1 and (a & 7 | a >> 4 & 8) == 15
        return Instruction('branch', 2) if to_pc else Instruction('other', 2)
    if a >> 11 == 0b01001: return Instruction('load', 2)
    if top == 0b0101: return Instruction('load' if a >> 9 & 7 >= 3 else 'store', 2, 'offset')
    if top in (0b0110, 0b0111, 0b1000, 0b1001): return Instruction('load' if a & 0x800 else 'store', 2)
    if top == 0b1100:
        return Instruction('load' if a & 0x800 else 'store', 2, 'multiple', (a & 255).bit_count())
    if top == 0b1101: return Instruction('branch', 2) if a >> 8 & 15 < 14 else Instruction('other', 2)
    if top == 0b1110: return Instruction('branch', 2)
    if top == 0b1011: return misc16(a)
    return Instruction('other', 2)

def misc16(a:int) -> Instruction:
    "Compare and branch, push and pop, and what only changes registers."
    if a & 0x0500 == 0x0100: return Instruction('branch', 2)                    # CBZ, CBNZ
    if a & 0x0600 == 0x0400:                                                    # PUSH, POP
        n, pop, last = (a & 255).bit_count(), a & 0x0800, a >> 8 & 1
        return Instruction('load' if pop else 'store', 2, 'return' if pop and last else 'multiple', n + last)
    return Instruction('other', 2)

def decode32(a:int, b:int) -> Instruction:
    "One of 32 bits."
    if a >> 10 & 3 == 3 and a >> 12 == 0b1110 or a >> 10 == 0b111111: return decode_float(a, b)
    if a >> 11 == 0b11110: return decode_branch(a, b)
    if a >> 9 == 0b1110100: return decode_many(a, b)
    if a >> 9 == 0b1111100: return decode_one(a, b)
    if a >> 8 == 0xFB: return decode_multiply(a, b)
    return Instruction('other', 4)

def decode_float(a:int, b:int) -> Instruction:
    "Of the FPU, with its loads and stores."
    if a >> 9 == 0b1110110:                     # 0xEC, 0xED
        if a & 0xFFE0 == 0xEC40: return Instruction('float', 4, 'two')
        n = (b & 255)//(2 if b & 0x100 else 1)
        one = a & 0x0120 == 0x0100              # VLDR, VSTR: P and not W
        return Instruction('load' if a & 16 else 'store', 4, '' if one else 'multiple', 1 if one else n)
    if a >> 8 == 0xEE and not b & 16:
        op, low = a >> 4 & 11, b & 0x40
        if op in (0, 1) or op == 9 or op == 10: return Instruction('float', 4, 'accumulate')
        if op == 8 or op == 11 and a & 15 == 1 and b & 0xC0 == 0xC0: return Instruction('float', 4, 'divide')
    return Instruction('float', 4)

def decode_branch(a:int, b:int) -> Instruction:
    "Branches and calls; barriers and numbers in the instruction share their beginning."
    if not b & 0x8000: return Instruction('other', 4)
    if b & 0x5000 == 0x5000: return Instruction('branch', 4, 'call')
    if b & 0x1000 or not b & 0x5000 and a >> 6 & 14 != 14: return Instruction('branch', 4)
    return Instruction('other', 4)

def decode_many(a:int, b:int) -> Instruction:
    "LDM, STM, LDRD, STRD, exclusive ones, and jumps by a table."
    load = 'load' if a & 16 else 'store'
    if not a & 0x40:
        back = a & 16 and b & 0x8000
        return Instruction(load, 4, 'return' if back else 'multiple', b.bit_count())
    if a & 0xFFF0 == 0xE8D0 and b & 0xE0 == 0: return Instruction('branch', 4, 'table')
    return Instruction(load, 4, 'multiple', 2) if a & 0x0120 else Instruction(load, 4)

def decode_one(a:int, b:int) -> Instruction:
    "Loads and stores of one register."
    if a & 16 and b >> 12 == 15:        # to PC; of bytes and halves, a hint
        return Instruction('load', 4, 'return') if a & 0x60 == 0x40 else Instruction('other', 4)
    # [Rn, Rm] has no bit of an immediate: neither 12 bits (0x0080) nor 8 (0x0800 in the second half)
    offset = not a & 0x80 and not b & 0x800 and a & 15 != 15
    return Instruction('load' if a & 16 else 'store', 4, 'offset' if offset else '')

def decode_multiply(a:int, b:int) -> Instruction:
    "Products, of 64 bits too, and divisions."
    if a & 0x80:
        if b & 0xF0 == 0xF0: return Instruction('other', 4, 'divide')
        return Instruction('multiply', 4, 'long' if a & 0x40 == 0 else 'long accumulate')
    return Instruction('multiply', 4, 'accumulate' if b >> 12 != 15 else '')
