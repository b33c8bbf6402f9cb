"The emulated board: exact counts, the device page, and every way to fail in a sentence."
import os, signal, threading
from functools import cache
import numpy as np
import pytest
from mcukit import small_plan
from tinybench.mcu.boards import BOARDS
from tinybench.mcu.emulate import emulate, emulate_checked
from tinybench.mcu.firmware import firmware
from tinybench.mcu.machine import Fault, Machine
from tinybench.mcu.startup import DEVICE_AT
from tinybench.mcu.thumb import wide

for name in ('unicorn', 'elftools', 'ziglang'): pytest.importorskip(name, reason='needs the extra mcu')
M4 = 'nucleo-l4r5zi'

@pytest.fixture(scope='module')
def small(): return small_plan()

@pytest.fixture(scope='module')
def built(small): return firmware(small[0], M4)

@cache
def program(main):
    "Firmware of the small network with another program, made once."
    return firmware(small_plan()[0], M4, main='#include "{name}.h"\n#include "device.h"\n' + main)

def machine(main, count=True): return Machine(program(main).elf, program(main).board, count)

def test_counts_are_those_of_a_hook_for_each_instruction(small, built):
    "The slow way: the emulator calls back before each instruction, but not if the condition in an IT block rules it out."
    import unicorn
    m, seen, at_once = Machine(built.elf, built.board), [0, 0], []
    def halves(a, b):
        "Instructions between two addresses."
        n = 0
        while a < b: a, n = a + (4 if wide(int.from_bytes(m.uc.mem_read(a, 2), 'little')) else 2), n + 1
        return n
    def block(uc, at, size, _):
        if at_once: seen[0] += halves(at_once[1], at_once[0])
        at_once[:] = at + size, at
    def one(uc, at, size, _):
        seen[0] += 1 + halves(at_once[1], at)
        seen[1] += halves(at_once[1], at)
        at_once[1] = at + size
    m.uc.hook_add(unicorn.UC_HOOK_BLOCK, block)
    m.uc.hook_add(unicorn.UC_HOOK_CODE, one)
    m.write('x', small[1][0].tobytes())
    m.run()
    seen[0] += halves(at_once[1], at_once[0])
    assert m.instructions() == seen[0] and seen[1] > 0

def test_counts_are_the_same_each_time(small, built):
    x = small[1][:1]
    counts = {emulate(built, x).instructions for _ in range(5)} | {emulate(built, x.repeat(20, 0)).instructions[-1:]}
    assert len(counts) == 1

@pytest.mark.slow
def test_counts_are_the_same_a_hundred_times(small, built):
    assert len({*emulate(built, small[1][:1].repeat(100, 0)).instructions}) == 1

def test_cycles_do_not_depend_on_where_the_program_lies():
    "Of two loads in a row the second takes one cycle, also if a page of code, where the emulator cuts, ends between them."
    def cycles(nops):
        m = machine("""
int main(void) {
    __asm__ volatile(".balign 1024\\n .rept %d\\n nop\\n .endr\\n ldr r0, [%%0]\\n ldr r0, [%%0]\\n nop\\n nop" :: "r"(DEVICE) : "r0");
    return 0;
}""" % nops)
        m.run()
        return m.cycles(), m.instructions(), m.by_function()['main']['cycles']
    (cut, many, of_main), (whole, fewer, less) = cycles(511), cycles(510)
    assert (cut - whole, many - fewer, of_main - less) == (1, 1, 1)

def test_what_an_emulation_says(small, built):
    e = emulate(built, small[1][0])
    assert sum(sum(c[k] for k in e.kinds()) for c in e.layers().values()) == e.instructions[0] == sum(e.kinds().values())
    found = {r.metric: r for r in e.results()}
    assert {m for m, r in found.items() if r.provenance == 'measured'} == {'flash', 'RAM', 'stack', 'instructions'}
    assert {m for m, r in found.items() if r.provenance == 'modelled'} == {'cycles', 'latency', 'energy'}
    assert all('source' in r.how for r in found.values() if r.provenance == 'modelled')
    assert found['latency'].median == pytest.approx(e.cycles[0]/120e6) and 'DDI 0439' in found['cycles'].how['source']
    assert found['energy'].median == pytest.approx(found['latency'].median*3.3*.0132)
    assert e.instructions[0] < e.cycles[0] < 2*e.instructions[0]
    assert 'modelled' in repr(e) and 'instructions a MAC' in repr(e)
    bare = emulate(built, small[1][0], count=False)
    assert not bare.functions and {r.provenance for r in bare.results()} == {'measured'}

def test_codes_that_are_not_those_of_the_core(small, built):
    "How many there are, and the first; however large the output is."
    _, x, want = small
    found = emulate_checked(built, x[:2], want[:2])
    assert found.instructions == emulate(built, x[:2]).instructions
    other = want[:2].copy()
    other[1, 2:4] ^= 1
    with pytest.raises(ValueError, match=rf'other codes than the integer core: 2 of 10, the first at \(1, 2\): {want[1, 2]} in place of '):
        emulate_checked(built, x[:2], other)
    with pytest.raises(ValueError, match=r'codes of shape \(2, 5\), not \(5,\)'): emulate_checked(built, x[:2], want[0])

def test_what_each_layer_takes(small, built):
    e = emulate(built, small[1][0])
    t = e.by_layer()
    assert [row[0] for row in t.rows] == [layer.name for layer in built.layers] + ['all else']
    assert sum(int(row[3].replace(',', '')) for row in t.rows) == e.instructions[0]
    assert all(bool(row[2]) == bool(row[4]) for row in t.rows)
    with pytest.raises(ValueError, match='nothing was counted'): emulate(built, small[1][0], count=False).by_layer()

@pytest.mark.parametrize('count', [True, False])
def test_the_device_page(count):
    "A function is asked when the program reads, and told when it writes."
    m = machine('''
int main(void) {
    volatile unsigned *page = (volatile unsigned *)0xF0000100;
    unsigned sum = 0;
    while (page[0]) sum += page[1];
    page[2] = sum;
    return 7;
}''', count)
    left, told = [3], []
    def more():
        left[0] -= 1
        return left[0] >= 0
    m.reads |= {DEVICE_AT + 0x100: more, DEVICE_AT + 0x104: lambda: 5}
    m.writes[DEVICE_AT + 0x108] = told.append
    assert m.run() == 7 and told == [15]

FAULTS = {
    '*(volatile int *)0x60000000 = 1;': 'main writes to 0x60000000, where nucleo-l4r5zi has nothing',
    'return *(volatile int *)0x90000000;': 'main reads from 0x90000000, where nucleo-l4r5zi has nothing',
    '__asm__ volatile("udf #0");': 'hard fault in main',
    '((void (*)(void))0x60000001)();': 'jumps to 0x60000000',
    'DEVICE->fault = (unsigned)&main & ~1u;': 'hard fault in main, at 0x',
    'for (volatile int k = 0;; k++) ;': 'did not end within 0.2 s, and was in main'}

@pytest.mark.parametrize('body', FAULTS)
def test_faults(body):
    "A program with all of them, and which one it is to run in a variable."
    cases = '\n'.join(f'    if (which == {k}) {{ {text} }}' for k, text in enumerate(FAULTS))
    m = machine(f'volatile char which __attribute__((section(".io")));\nint main(void) {{\n{cases}\n    return 0;\n}}')
    m.write('which', bytes([[*FAULTS].index(body)]))
    with pytest.raises(Fault, match=FAULTS[body]): m.run(.2 if 'did not end' in FAULTS[body] else 60)

def test_a_stack_that_is_too_small(small, built):
    with pytest.raises(Fault, match=r'stack overflow in \w+: it needs more than the 64 bytes that are kept'):
        emulate(firmware(small[0], M4, stack=64), small[1][0])
    need = emulate(built, small[1][0]).stack
    assert need < built.stack and emulate(firmware(small[0], M4, stack=need), small[1][0]).stack == need

def test_an_unknown_variable(built):
    with pytest.raises(ValueError, match="no variable of the program 'net_aren', did you mean 'net_arena'"): Machine(built.elf, built.board).read('net_aren')

def test_what_is_no_input(built):
    with pytest.raises(ValueError, match='takes codes, int8, not float64'): emulate(built, [[.5]])
    with pytest.raises(ValueError, match=r'for inputs of shape \(9, 13, 3\)'): emulate(built, np.zeros((3, 3), np.int8))

@pytest.mark.parametrize('count', [True, False])
def test_ctrl_c_ends_it(count):
    "At once, and the machine can run again."
    m = machine('int main(void) { while (*(volatile unsigned *)0xF0000100) ; return 3; }', count)
    m.reads[DEVICE_AT + 0x100] = lambda: 1
    timer = threading.Timer(.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt): m.run(50)
    timer.join()
    m.reads[DEVICE_AT + 0x100] = lambda: 0
    assert m.run(float('inf')) == 3

def test_ctrl_c_ends_a_function_of_the_page():
    "One that waits for somebody who does not come."
    m = machine('int main(void) { return *(volatile unsigned *)0xF0000100; }')
    r, w = os.pipe()
    m.reads[DEVICE_AT + 0x100] = lambda: os.read(r, 1)[0]
    timer = threading.Timer(.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt): m.run(50)
    timer.join()
    os.close(r), os.close(w)

class Interrupted(dict):
    "Functions of a page, each preceded by a Ctrl-C that comes just before it is asked."
    def get(self, *key):
        os.kill(os.getpid(), signal.SIGINT)
        return super().get(*key)

@pytest.mark.parametrize('how', ['run', 'resume'])
def test_ctrl_c_just_before_a_function_of_the_page(how):
    "The function, which may wait for ever, is not asked."
    m = machine('int main(void) { while (*(volatile unsigned *)0xF0000100) ; return 3; }')
    if how == 'resume':
        m.reads[DEVICE_AT + 0x100] = lambda: m.stop() or 1
        m.run()
    asked = []
    m.reads = Interrupted({DEVICE_AT + 0x100: lambda: asked.append(1) or m.stop()})
    with pytest.raises(KeyboardInterrupt): getattr(m, how)()
    assert not asked
    m.reads = {DEVICE_AT + 0x100: lambda: 0}
    assert m.run() == 3

def test_what_a_function_of_the_page_raises_is_raised():
    m = machine('int main(void) { return *(volatile unsigned *)0xF0000100; }')
    def none(): raise OSError('the line is cut')
    m.reads[DEVICE_AT + 0x100] = none
    with pytest.raises(OSError, match='the line is cut'): m.run()
