"Known answers to the exercises of 82_device.dual, for `tinybench course prove`."

# %% instructions wrong: all of 16 bits
def instructions(code:bytes) -> int:
    return len(code)//2

# %% instructions wrong: all of 32 bits
def instructions(code:bytes) -> int:
    return len(code)//4 or 1

# %% instructions wrong: looks at the second half of a long one as well
def instructions(code:bytes) -> int:
    halves = np.frombuffer(code, '<u2')
    return len(halves) - int((halves >> 11 >= 0b11101).sum())

# %% instructions wrong: the higher byte first
def instructions(code:bytes) -> int:
    halves, at, n = np.frombuffer(code, '>u2'), 0, 0
    while at < len(halves):
        at += 2 if halves[at] >> 11 in (0b11101, 0b11110, 0b11111) else 1
        n += 1
    return n

# %% instructions wrong: only two of the three
def instructions(code:bytes) -> int:
    halves, at, n = np.frombuffer(code, '<u2'), 0, 0
    while at < len(halves):
        at += 2 if halves[at] >> 12 == 0b1111 else 1
        n += 1
    return n

# %% instructions wrong: a short jump, 11100, is taken for a long one
def instructions(code:bytes) -> int:
    halves, at, n = np.frombuffer(code, '<u2'), 0, 0
    while at < len(halves):
        at += 2 if halves[at] >> 13 == 0b111 else 1
        n += 1
    return n

# %% instructions right: byte by byte
def instructions(code:bytes) -> int:
    n = 0
    while code:
        code = code[4:] if code[1] >= 0b11101000 else code[2:]
        n += 1
    return n

# %% smlad wrong: halves have no sign
def smlad(a:int, b:int, total:int) -> int:
    total += (a & 0xFFFF)*(b & 0xFFFF) + (a >> 16 & 0xFFFF)*(b >> 16 & 0xFFFF)
    return (total + 2**31) % 2**32 - 2**31

# %% smlad wrong: the sum does not wrap
def smlad(a:int, b:int, total:int) -> int:
    def halves(v): return [(v >> n & 0xFFFF ^ 0x8000) - 0x8000 for n in (0, 16)]
    return total + sum(x*y for x, y in zip(halves(a), halves(b)))

# %% smlad wrong: lower by upper
def smlad(a:int, b:int, total:int) -> int:
    def halves(v): return [(v >> n & 0xFFFF ^ 0x8000) - 0x8000 for n in (0, 16)]
    total += sum(x*y for x, y in zip(halves(a), halves(b)[::-1]))
    return (total + 2**31) % 2**32 - 2**31

# %% smlad wrong: a sum without a sign
def smlad(a:int, b:int, total:int) -> int:
    def halves(v): return [(v >> n & 0xFFFF ^ 0x8000) - 0x8000 for n in (0, 16)]
    total += sum(x*y for x, y in zip(halves(a), halves(b)))
    return total % 2**32

# %% smlad wrong: it stops at the ends of int32
def smlad(a:int, b:int, total:int) -> int:
    def halves(v): return [(v >> n & 0xFFFF ^ 0x8000) - 0x8000 for n in (0, 16)]
    total += sum(x*y for x, y in zip(halves(a), halves(b)))
    return -2**31 if total == 2**31 else max(-2**31, min(total, 2**31 - 1))

# %% smlad wrong: only the lower half has a sign
def smlad(a:int, b:int, total:int) -> int:
    def low(v): return (v & 0xFFFF ^ 0x8000) - 0x8000
    total += low(a)*low(b) + (low(a >> 16) if a >> 31 else a >> 16 & 0xFFFF)*(b >> 16 & 0xFFFF)
    return (total + 2**31) % 2**32 - 2**31

# %% smlad right: by numpy
def smlad(a:int, b:int, total:int) -> int:
    x, y = (np.array([v % 2**32], np.uint32).view(np.int16).astype(np.int64) for v in (a, b))
    return int(np.array([(int(x @ y) + total) % 2**32], np.uint32).view(np.int32)[0])

# %% best-block wrong: always 2x2
def best_block(registers:int=14) -> tuple[int, int]:
    return (2, 2) if registers >= 14 else (1, 1)

# %% best-block wrong: the most sums
def best_block(registers:int=14) -> tuple[int, int]:
    sizes = [(p, o) for p in range(1, 30) for o in range(1, 30) if p*o + 2*p + o + 4 <= registers]
    return max(sizes, key=lambda s: (s[0]*s[1], -(s[0] + s[1]), s[1]))

# %% best-block wrong: only sums are in registers
def best_block(registers:int=14) -> tuple[int, int]:
    def cost(p, o): return (p + (o + 1)//2 + 2*o + 2*p*o)/(4*p*o)
    sizes = [(p, o) for p in range(1, registers) for o in range(1, registers) if p*o <= registers]
    return min(sizes, key=lambda s: cost(*s))

# %% best-block wrong: a load for each word of weights
def best_block(registers:int=14) -> tuple[int, int]:
    def held(p, o): return p*o + 2*p + o + 4
    def cost(p, o): return (p + o + 2*o + 2*p*o)/(4*p*o)
    sizes = [(p, o) for p in range(1, registers) for o in range(1, registers) if held(p, o) <= registers]
    return min(sizes, key=lambda s: (cost(*s), held(*s)))

# %% best-block wrong: a single output is half a load
def best_block(registers:int=14) -> tuple[int, int]:
    def held(p, o): return p*o + 2*p + o + 4
    def cost(p, o): return (p + o/2 + 2*o + 2*p*o)/(4*p*o)
    sizes = [(p, o) for p in range(1, registers) for o in range(1, registers) if held(p, o) <= registers]
    return min(sizes, key=lambda s: (cost(*s), held(*s)))

# %% best-block wrong: one SXTB16 for each output
def best_block(registers:int=14) -> tuple[int, int]:
    def held(p, o): return p*o + 2*p + o + 4
    def cost(p, o): return (p + (o + 1)//2 + o + 2*p*o)/(4*p*o)
    sizes = [(p, o) for p in range(1, registers) for o in range(1, registers) if held(p, o) <= registers]
    return min(sizes, key=lambda s: (cost(*s), held(*s)))

# %% best-block wrong: of equals the one with more registers
def best_block(registers:int=14) -> tuple[int, int]:
    def held(p, o): return p*o + 2*p + o + 4
    def cost(p, o): return (p + (o + 1)//2 + 2*o + 2*p*o)/(4*p*o)
    sizes = [(p, o) for p in range(1, registers) for o in range(1, registers) if held(p, o) < registers - 1]
    return min(sizes or [(1, 1)], key=lambda s: (cost(*s), held(*s)))

# %% best-block wrong: looks at small blocks only
def best_block(registers:int=14) -> tuple[int, int]:
    def held(p, o): return p*o + 2*p + o + 4
    def cost(p, o): return (p + (o + 1)//2 + 2*o + 2*p*o)/(4*p*o)
    sizes = [(p, o) for p in range(1, 4) for o in range(1, 3) if held(p, o) <= registers]
    return min(sizes, key=lambda s: (cost(*s), held(*s)))

# %% best-block right: by hand, one after the other
def best_block(registers:int=14) -> tuple[int, int]:
    best, least = None, None
    for p in range(1, registers):
        for o in range(1, registers):
            sums, pairs, weights, addresses = p*o, 2*p, o + 1, 3
            need = sums + pairs + weights + addresses
            if need > registers: continue
            price = (p + o//2 + o % 2 + 2*o + 2*p*o)/(p*o), need
            if least is None or price < least: best, least = (p, o), price
    return best

# %% block-lines wrong: pairs that do not match
def block_lines(pixels:int, outputs:int) -> list[str]:
    lines = [f'{name}{i} = x[{2*i + k}];' for i in range(pixels) for k, name in enumerate('eo')]
    lines += [f'w{j} = w[{j}];' for j in range(outputs)]
    for j in range(outputs):
        lines += [f'odd = sxtb16(w{j});', f'even = sxtb16(ror(w{j}, 8));']
        for half, name in (('even', 'e'), ('odd', 'o')):
            lines += [f's{i}{j} = smlad({name}{i}, {half}, s{i}{j});' for i in range(pixels)]
    return lines

# %% block-lines wrong: a block of 2x2, whatever is asked for
def block_lines(pixels:int, outputs:int) -> list[str]:
    lines = [f'{name}{i} = x[{2*i + k}];' for i in range(2) for k, name in enumerate('eo')]
    lines += [f'w{j} = w[{j}];' for j in range(2)]
    for j in range(2):
        lines += [f'even = sxtb16(w{j});', f'odd = sxtb16(ror(w{j}, 8));']
        lines += [f's{i}{j} = smlad(e{i}, even, s{i}{j});' for i in range(2)]
        lines += [f's{i}{j} = smlad(o{i}, odd, s{i}{j});' for i in range(2)]
    return lines

# %% block-lines wrong: loads the inputs for each output
def block_lines(pixels:int, outputs:int) -> list[str]:
    lines = []
    for j in range(outputs):
        lines += [f'w0 = w[{j}];', 'even = sxtb16(w0);', 'odd = sxtb16(ror(w0, 8));']
        for i in range(pixels):
            lines.append(f's{i}{j} = smlad(x[{2*i}], even, s{i}{j});')
            lines.append(f's{i}{j} = smlad(x[{2*i + 1}], odd, s{i}{j});')
    return lines

# %% block-lines wrong: makes weights halves for each pixel
def block_lines(pixels:int, outputs:int) -> list[str]:
    lines = [f'w{j} = w[{j}];' for j in range(outputs)]
    for i in range(pixels):
        lines += [f'e = x[{2*i}];', f'o = x[{2*i + 1}];']
        for j in range(outputs):
            lines += [f'h = sxtb16(w{j});', f's{i}{j} = smlad(e, h, s{i}{j});']
            lines += [f'h = sxtb16(ror(w{j}, 8));', f's{i}{j} = smlad(o, h, s{i}{j});']
    return lines

# %% block-lines wrong: all weights are halves before the first product
def block_lines(pixels:int, outputs:int) -> list[str]:
    lines = [f'{name}{i} = x[{2*i + k}];' for i in range(pixels) for k, name in enumerate('eo')]
    for j in range(outputs):
        lines += [f'w{j} = w[{j}];', f'even{j} = sxtb16(w{j});', f'odd{j} = sxtb16(ror(w{j}, 8));']
    for j in range(outputs):
        for i in range(pixels):
            lines += [f's{i}{j} = smlad(e{i}, even{j}, s{i}{j});', f's{i}{j} = smlad(o{i}, odd{j}, s{i}{j});']
    return lines

# %% block-lines wrong: the sums begin at 0 again
def block_lines(pixels:int, outputs:int) -> list[str]:
    lines = [f'{name}{i} = x[{2*i + k}];' for i in range(pixels) for k, name in enumerate('eo')]
    lines += [f'w{j} = w[{j}];' for j in range(outputs)]
    for j in range(outputs):
        lines += [f'even = sxtb16(w{j});', f'odd = sxtb16(ror(w{j}, 8));']
        lines += [f's{i}{j} = smlad(e{i}, even, 0);' for i in range(pixels)]
        lines += [f's{i}{j} = smlad(o{i}, odd, s{i}{j});' for i in range(pixels)]
    return lines

# %% block-lines right: weights are loaded when they are needed
def block_lines(pixels:int, outputs:int) -> list[str]:
    lines = []
    for i in range(pixels): lines += [f'a{i} = x[{2*i}];', f'b{i} = x[{2*i + 1}];']
    for j in range(outputs):
        lines += [f'v = w[{j}];', 'h = sxtb16(v);', 'v = sxtb16(ror(v, 8));']
        for i in range(pixels):
            lines += [f's{i}{j} = smlad(a{i}, h, s{i}{j});', f's{i}{j} = smlad(b{i}, v, s{i}{j});']
    return lines

# %% multiplier wrong: always 31 bits
def multiplier(m:float) -> tuple[int, int]:
    return round(m*2**31), 31

# %% multiplier wrong: cut, not rounded
def multiplier(m:float) -> tuple[int, int]:
    f, e = frexp(m)
    return int(f*2**31), 31 - e

# %% multiplier wrong: rounded up to 2**31
def multiplier(m:float) -> tuple[int, int]:
    f, e = frexp(m)
    return round(f*2**31), 31 - e

# %% multiplier wrong: 2**31 becomes the number below
def multiplier(m:float) -> tuple[int, int]:
    f, e = frexp(m)
    return min(round(f*2**31), 2**31 - 1), 31 - e

# %% multiplier wrong: one bit less
def multiplier(m:float) -> tuple[int, int]:
    f, e = frexp(m)
    return round(f*2**30), 30 - e

# %% multiplier wrong: halved without the shift
def multiplier(m:float) -> tuple[int, int]:
    f, e = frexp(m)
    q = round(f*2**31)
    return (q, 31 - e) if q < 2**31 else (2**30, 31 - e)

# %% multiplier right: doubled until it is large enough
def multiplier(m:float) -> tuple[int, int]:
    n = 0
    while m*2**n < 2**30: n += 1
    q = round(m*2**n)
    return (q, n) if q < 2**31 else (2**30, n - 1)
