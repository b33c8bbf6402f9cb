"Blocks by counting, packed weights, and the kernel in C against numpy's convolution."
import ctypes, os, subprocess, sys
from math import ceil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinybench.native.kernel import LATENCY, PER_CYCLE, best_block, c_head, cycles, fits, pack, split
from tinybench.nn.conv import conv2d
from tinybench.toolchain.compiler import compiled, flags
from tinybench.toolchain.cpu import ARM, X86, Target, host
from tinybench.toolchain.load import load, sanitized

PLAIN = [Target('plain', 8), Target('plain', 4), Target('cortex_m4', 4, dot='smlad')]
TARGETS = [t for t, _ in X86 + ARM] + PLAIN
target = st.sampled_from(TARGETS)
def few(n): return st.integers(1, n)
def row_cycles(pixels, vectors, p, v, t): return sum(cycles(a, b, t) for a in split(pixels, p) for b in split(vectors, v))


# --- counting

@given(few(200), few(40))
def test_pieces_are_all_of_it(n, size):
    pieces = split(n, size)
    assert sum(pieces) == n and all(s == size for s in pieces[:-1]) and 1 <= pieces[-1] <= size

def test_nothing_has_no_pieces(): assert split(0, 3) == []

@given(few(32), few(8), target)
def test_a_step_waits_for_each_of_its_parts_and_for_nothing_else(p, v, t):
    c = cycles(p, v, t)
    assert c >= p*v/PER_CYCLE and c >= (p + v)/PER_CYCLE and c >= LATENCY and c == cycles(v, p, t)
    assert c in (p*v/PER_CYCLE, (p + v)/PER_CYCLE, LATENCY)

@given(few(32), few(8), target)
def test_a_smaller_block_needs_no_more_cycles_and_fits_if_a_larger_does(p, v, t):
    for q, w in ((p + 1, v), (p, v + 1)):
        assert cycles(p, v, t) <= cycles(q, w, t)
        assert fits(p, v, t) or not fits(q, w, t)

@pytest.mark.parametrize('t', TARGETS, ids=lambda t: f'{t.name}-{t.vector_bytes}')
def test_each_target_has_a_block_for_the_smallest_and_the_largest_layer(t):
    for pixels, outputs in ((1, 1), (1, 640), (96, 1), (3, 1001)):
        p, v = best_block(pixels, outputs, t)
        assert fits(p, v, t) and 1 <= p <= pixels and 1 <= v <= ceil(outputs/t.lanes())

@given(few(40), few(160), target)
def test_no_other_block_takes_fewer_cycles(pixels, outputs, t):
    vectors = ceil(outputs/t.lanes())
    best = row_cycles(pixels, vectors, *best_block(pixels, outputs, t), t)
    assert best == min(row_cycles(pixels, vectors, p, v, t) for v in range(1, min(vectors, 16) + 1)
                       for p in range(1, pixels + 1) if fits(p, v, t))
    assert best >= pixels*vectors/PER_CYCLE

def test_layers_of_known_networks():
    "16 pixels of one vector; from two vectors on, blocks that need all multiply-adds and no more cycles."
    avx512, avx2, neon = (next(t for t in TARGETS if t.name == name) for name in ('avx512', 'avx2', 'neon'))
    assert best_block(32, 16, avx512) == (16, 1)
    for t, pixels, outputs in ((avx512, 16, 32), (avx512, 8, 64), (avx2, 32, 16), (neon, 32, 16), (neon, 8, 64)):
        vectors = outputs//t.lanes()
        assert row_cycles(pixels, vectors, *best_block(pixels, outputs, t), t) == pixels*vectors/PER_CYCLE


# --- packed weights

def pack_loops(w, v, lanes):
    "As a kernel reads: block, input, output; it never reads a vector that has no filter."
    (k, f), packed, start = w.shape, [], 0
    while start < f:
        for i in range(k):
            for o in range(start, min(start + v*lanes, ceil(f/lanes)*lanes)): packed.append(w[i, o] if o < f else 0)
        start += v*lanes
    return np.array(packed, w.dtype)

@given(few(20), few(70), few(6), st.sampled_from([1, 2, 4, 8, 16]), st.sampled_from([np.float32, np.int8, np.float64]))
def test_packed_as_it_is_read(k, f, v, lanes, dtype):
    w = np.random.default_rng(0).integers(-99, 99, (k, f)).astype(dtype)
    before, packed = w.copy(), pack(w, v, lanes)
    np.testing.assert_array_equal(packed, pack_loops(w, v, lanes))
    assert packed.dtype == dtype and packed.flags.c_contiguous and not np.shares_memory(packed, w)
    np.testing.assert_array_equal(w, before)

def test_what_is_not_contiguous_is_packed_the_same():
    w = np.random.default_rng(0).normal(size=(30, 18)).astype(np.float32)
    np.testing.assert_array_equal(pack(w[::2, ::3], 2, 4), pack(w[::2, ::3].copy(), 2, 4))
    np.testing.assert_array_equal(pack(w.T, 2, 4), pack_loops(w.T, 2, 4))


# --- the C

WIDTHS = [b for b in (4, 8, 16, 32, 64) if b <= host().vector_bytes]    # gcc warns of what this machine has not
needs_c = pytest.mark.skipif(os.name != 'posix', reason='the compilers of these tests are those of POSIX')

@needs_c
@pytest.mark.parametrize('width', WIDTHS)
def test_the_head_compiles_without_a_warning(width, real):
    assert compiled(c_head(Target('some', width)), real, flags(real, also=['-Werror', '-Wconversion', '-Wno-sign-conversion']))

def conv_c(n, p, v, rows, pixels, c, f, kernel, stride, relu):
    "The function `conv<n>`: each row in blocks of p pixels and v vectors, and rests; a bias first, perhaps a ReLU."
    width, step, row = (pixels - 1)*stride + kernel, stride*c, ((pixels - 1)*stride + kernel)*c
    vectors = f'(({f} + L - 1)/L)'
    def blocks(v, f0, w0):
        starts = range(0, pixels, p)
        return '\n'.join(f'        block{n}({min(p, pixels - s)}, {v}, {f} - {f0}, x + {s*step}, y + {s*f} + {f0}, w + {w0}, b + {f0});'
                         for s in starts)
    return f'''
INLINE void block{n}(const int P, const int V, const int left, const float *x, float *y, const float *w, const float *b)
{{
    vec sum[P][V];
    UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++) sum[p][v] = load_part(b + v*L, left - v*L);
    tile(P, V, sum, x, {step}, {kernel}, {kernel*c}, {row}, w);
    UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++)
        store(y + p*{f} + v*L, {'relu(sum[p][v])' if relu else 'sum[p][v]'}, left - v*L);
}}
void conv{n}(const float *restrict x, const float *restrict w, const float *restrict b, float *restrict y)
{{
    enum {{ VECTORS = {vectors}, REST = VECTORS % {v}, FULL = VECTORS - REST }};
    for (int r = 0; r < {rows}; r++, x += {stride*width*c}, y += {pixels*f}) {{
        for (int i = 0; i < FULL; i += {v}) {{
{blocks(v, 'i*L', f'i*L*{kernel*kernel*c}')}
        }}
        if (REST) {{
{blocks('REST', 'FULL*L', f'FULL*L*{kernel*kernel*c}')}
        }}
    }}
}}
'''

def cases(rng, lanes, n):
    "Random blocks and layers; some outputs fill their vectors, more do not."
    for i in range(n):
        p, v, rows, pixels, c = (int(k) for k in rng.integers(1, [9, 5, 4, 12, 8]))
        f = lanes*int(rng.integers(1, 6)) if i % 3 == 0 else int(rng.integers(1, 5*lanes + 1))
        yield p, v, rows, pixels, c, f, (1, 3)[i % 2], int(rng.integers(1, 3)), bool(i % 4 > 1)

def agree(width, n=8, sanitize=False):
    "That `n` random layers in C equal numpy's convolution, and write nothing around their output."
    # with sanitizers it is compiled for any machine of the kind, and gcc warns of wide vectors
    strict = ['-Werror', '-Wno-psabi'] if sanitize else ['-Werror']
    t, rng = Target('some', width), np.random.default_rng(width)
    layers = list(cases(rng, t.lanes(), n))
    source = c_head(t) + ''.join(conv_c(i, *layer) for i, layer in enumerate(layers))
    lib = load(source, sanitize=sanitize, also=strict)
    for i, (p, v, rows, pixels, c, f, kernel, stride, relu) in enumerate(layers):
        x = rng.normal(size=((rows - 1)*stride + kernel, (pixels - 1)*stride + kernel, c)).astype(np.float32)
        w, b = rng.normal(size=(kernel, kernel, c, f)).astype(np.float32), rng.normal(size=f).astype(np.float32)
        out, packed = np.full(rows*pixels*f + 64, 7, np.float32), pack(w.reshape(-1, f), v, t.lanes())
        getattr(lib, f'conv{i}')(*(a.ctypes.data_as(ctypes.c_void_p) for a in (x, packed, b, out[32:-32])))
        want = conv2d(x[None], w, b, stride=stride).data[0]
        np.testing.assert_allclose(out[32:-32].reshape(want.shape), np.maximum(want, 0) if relu else want, 1e-4, 1e-4)
        assert (out[:32] == 7).all() and (out[-32:] == 7).all()

@needs_c
@pytest.mark.parametrize('width', WIDTHS)
def test_blocks_of_any_size_equal_numpys_convolution(width, real): agree(width)

@pytest.mark.skipif(sys.platform != 'linux', reason='the sanitizers of these tests are those of Linux')
def test_sanitizers_find_no_read_beyond_an_array(gcc):
    code = f'import test_kernel\nfor width in (4, 16, {WIDTHS[-1]}): test_kernel.agree(width, 4, sanitize=True)'
    done = subprocess.run([sys.executable, '-c', code], env=sanitized(gcc), cwd=Path(__file__).parent,
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]

@needs_c
def test_relu_is_a_mask(real):
    "Zero for what is negative, also for -0 and infinities, in all lanes."
    t = Target('some', WIDTHS[-1])
    lib = load(c_head(t) + 'void f(float *x) { store(x, relu(load(x)), L); }', fast_math=False)
    values = np.array([-np.inf, -1.5, -0., 0., 1e-40, 2, np.inf, -3e38], np.float32)
    x = np.resize(values, 64)
    for i in range(0, 64, t.lanes()): lib.f(x[i:].ctypes.data_as(ctypes.c_void_p))
    want = np.resize(np.maximum(values, 0), 64)
    np.testing.assert_array_equal(x, want)
    assert not np.signbit(x).any()
