"Programs for boards: bit for bit the integer core's codes, sizes from the ELF, and what does not fit."
import sys
from dataclasses import replace
import numpy as np
import pytest
from mcukit import official_plan, small_net, small_plan
from tinybench.core.tensor import Tensor, no_grad
from tinybench.mcu.boards import BOARDS
from tinybench.mcu.emulate import emulate
from tinybench.mcu.firmware import firmware, opened, peak
from tinybench.mcu.machine import PAGE
from tinybench.models.zoo import SHAPES, create
from tinybench.native import int8
from tinybench.native.plan import least, plan
from tinybench.nn.channels import DepthwiseConv2d
from tinybench.nn.dense import ReLU
from tinybench.nn.module import Sequential, evaluating
from tinybench.optimize.integer import integer
from tinybench.optimize.step import strip
from tinybench.exchange.graph import folded
from tinybench.toolchain.store import NoLibrary

for name in ('unicorn', 'elftools', 'ziglang'): pytest.importorskip(name, reason='needs the extra mcu')
M4 = BOARDS['nucleo-l4r5zi']

@pytest.fixture(scope='module')
def small(): return small_plan()

@pytest.fixture(scope='module')
def built(small): return firmware(small[0], M4)

def same_codes(p, x, want, board, **how):
    e = emulate(firmware(p, board, **how), x, count=False)
    np.testing.assert_array_equal(e.outputs, want)

def test_the_codes_of_the_integer_core(small, built):
    p, x, want = small
    np.testing.assert_array_equal(emulate(built, x, count=False).outputs, want)

def test_without_fpu_and_smlad(small): same_codes(*small, 'pico')

@pytest.mark.slow
@pytest.mark.parametrize('board', BOARDS)
def test_random_networks_on_every_board(board):
    for seed in range(4):
        shape = (9 + seed, 16 - seed, 3)
        same_codes(*small_plan(seed, shape), board)

def test_plain_c_gives_the_same(small): same_codes(*small, M4, dsp=False)

def test_sizes_are_those_of_the_elf(built):
    elf = opened(built.elf)
    loaded = sum(s['p_filesz'] for s in elf.iter_segments() if s['p_type'] == 'PT_LOAD')
    assert built.flash == loaded
    symbols = {s.name: s for s in elf.get_section_by_name('.symtab').iter_symbols()}
    assert symbols['net_arena']['st_size'] == built.arena and symbols['_stack']['st_value'] == M4.ram_at + built.stack
    assert built.weights >= symbols['net_weights']['st_size'] > 0
    assert built.ram == built.stack + built.data + built.bss + built.arena

def test_what_is_live(small, built):
    p = small[0]
    assert built.least == 4*least(p.sizes, p.lives) == peak(built.layers).live <= built.arena
    assert built.macs == sum(layer.macs for layer in built.layers) > 0
    assert repr(built).count('bytes') > 5 and peak(built.layers).name in repr(built)

@pytest.mark.parametrize('c', [1, 2, 3])
def test_nothing_is_read_behind_the_end_of_ram(c):
    """Four channels are read at once, also of the last pixel: here that of a value of 64 bytes or more of these, alone in
    the arena, which ends where RAM does. And what is said to be all of RAM is all of it."""
    r, shape = np.random.default_rng(c), (8, 8, c)
    net = integer(Sequential(DepthwiseConv2d(c, 3, rng=r), ReLU()), r.normal(size=(16, *shape)).astype(np.float32))[1:-1]
    p, x = int8.plan(net, shape, 'int8', native=False), r.integers(-128, 128, (3, *shape)).astype(np.int8)
    with no_grad(), evaluating(net): want = net(Tensor(x)).data
    f = firmware(p, M4)
    stack = f.stack + -f.ram % PAGE         # the emulator has memory by the page
    f = firmware(p, replace(M4, name='full', ram=f.ram + stack - f.stack), stack=stack)
    arena = next(s for s in opened(f.elf).get_section_by_name('.symtab').iter_symbols() if s.name == 'net_arena')
    assert arena['st_value'] + arena['st_size'] == M4.ram_at + f.board.ram == M4.ram_at + f.ram and f.ram % PAGE == 0
    np.testing.assert_array_equal(emulate(f, x, count=False).outputs, want)

def test_a_network_that_does_not_fit(small, built):
    p, top = small[0], peak(built.layers)
    with pytest.raises(ValueError, match=rf'does not fit small: {built.ram:,} bytes of RAM, {built.ram - 2000:,} more than there are; '
                                         rf'the peak of its activations is {top.name} .*{top.live:,} bytes at once'):
        firmware(p, replace(M4, name='small', ram=2000))
    with pytest.raises(ValueError, match=rf'{built.flash:,} bytes of flash, {built.flash - 4096:,} more than there are; the most weights has'):
        firmware(p, replace(M4, flash=4096))

def test_what_is_no_plan_of_codes(small):
    net, r = small_net(), np.random.default_rng(0)
    with pytest.raises(ValueError, match='takes a plan of int8 codes'): firmware(plan(net, (9, 13, 3), native=False), M4)
    with pytest.raises(ValueError, match='one input at a time, and this plan takes 2'):
        codes = integer(net, r.normal(size=(4, 9, 11, 3)).astype(np.float32))
        firmware(int8.plan(codes, (9, 13, 3), 'int8', 2, native=False), M4)
    with pytest.raises(ValueError, match='has no SMLAD'): firmware(small[0], 'pico', dsp=True)
    with pytest.raises(ValueError, match="did you mean 'pico'"): firmware(small[0], 'picco')

def test_the_text_is_for_reading(built):
    text = built.files['net.c']
    assert all(f'void {layer.name}(' in text for layer in built.layers)
    assert '3x3 convolution (9, 13, 3) -> (5, 7, 6)' in text and '__smlad' in text

# --- the official networks

def test_keywords_on_the_reference_board(reference_dir):
    p, x, want = official_plan('kws', reference_dir)
    same_codes(p, x[:3], want[:3], M4)

@pytest.mark.slow
@pytest.mark.parametrize('board', ['nucleo-l4r5zi', 'nucleo-h743zi'])
@pytest.mark.parametrize('task', ['kws', 'ic', 'vww', 'ad'])
def test_all_stored_inputs(task, board, reference_dir): same_codes(*official_plan(task, reference_dir), board)

# --- without an FPU

def test_integers_round_as_float32_does():
    "Products of whole numbers and multipliers, many of them next to the middle of two codes: what the integer core computes."
    import ctypes
    from tinybench.emit.cortex import CODE
    from tinybench.emit.integer import HELPERS, TOOLS
    from tinybench.optimize.integer import requantize
    from tinybench.toolchain.load import load
    head = TOOLS + '#include <string.h>\n#define INLINE static inline __attribute__((unused))\n#define NOINLINE static\ntypedef unsigned char byte;\n'
    c = load(head + HELPERS + CODE + '''
void all(const int *sum, const int *m, unsigned char *y, int n) {
    for (int i = 0; i < n; i++) y[i] = requantized(sum[i], m[i], 0, 255, 131);
}''', fast_math=False)
    r = np.random.default_rng(0)
    m = np.exp2(r.uniform(-24, 2, 400_000)).astype(np.float32)
    near = np.rint((r.integers(-300, 300, m.size) + .5)/m.astype(np.float64))         # sums whose product is close to a middle
    sums = np.where(r.random(m.size) < .8, near, r.integers(-2**31 + 1, 2**31, m.size)).clip(-2**31 + 1, 2**31 - 1).astype(np.int32)
    exact = r.random(m.size) < .1
    m[exact], sums[exact] = np.exp2(r.integers(-12, 0, exact.sum())), r.integers(-4096, 4096, exact.sum())      # middles themselves
    m[:3], sums[:3] = (0, 1e-42, 3e38), (7, 2**30, -2**30)
    y = np.empty(m.size, np.uint8)
    c.all(*(a.ctypes.data_as(ctypes.c_void_p) for a in (sums, m.view(np.int32), y)), m.size)
    with np.errstate(over='ignore'): want = requantize(sums.astype(np.float64), m, 3)
    np.testing.assert_array_equal(y.astype(np.int16) - 128, want)

# --- our own networks, and what is missing

def zoo_plan(name):
    r = np.random.default_rng(0)
    net = integer(folded(strip(create(name, r).eval())), r.normal(size=(8, *SHAPES[name])).astype(np.float32))[1:-1]
    x = r.integers(-128, 128, (2, *SHAPES[name])).astype(np.int8)
    with no_grad(), evaluating(net): want = net(Tensor(x)).data
    return int8.plan(net, SHAPES[name], 'int8', native=False), x, want

@pytest.mark.parametrize('name', ['simple_cnn', *(pytest.param(n, marks=pytest.mark.slow) for n in SHAPES if n != 'simple_cnn')])
def test_the_zoo(name): same_codes(*zoo_plan(name), M4)

@pytest.mark.parametrize('package', ['unicorn', 'elftools.elf.elffile'])
def test_without_the_emulator(package, small, built, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(NoLibrary, match=r"is not installed: pip install 'tinybench-ml\[mcu\]'"): emulate(built, small[1][0])

def test_without_a_compiler(small, monkeypatch):
    monkeypatch.setattr('tinybench.toolchain.cross.wheel', lambda: None)
    monkeypatch.setattr('tinybench.toolchain.cross.on_path', lambda said: None)
    with pytest.raises(NoLibrary, match=r"no compiler for microcontrollers: pip install 'tinybench-ml\[mcu\]'"): firmware(small[0], M4)
