"The lesson's block is the one of the firmware; instructions are counted as the emulator tells them apart; whole numbers round."
from fractions import Fraction
from math import floor

import numpy as np
from hypothesis import given, strategies as st

from tinybench.device.dual import best_block, block_lines, fixed, instructions, multiplier
from tinybench.mcu.thumb import decode

@given(st.lists(st.integers(0, 2**16 - 1), max_size=30))
def test_instructions_as_the_emulator_tells_them_apart(halves):
    halves, n, at = [*halves, 0], 0, 0      # the last may be the second half of a long one
    while at < len(halves) - 1:
        at += decode(halves[at], halves[at + 1]).size//2
        n += 1
    assert instructions(np.array(halves[:at], '<u2').tobytes()) == n

def test_the_block_of_the_firmware_is_the_cheapest():
    assert best_block() == (2, 2)
    for p in (1, 2): assert sum('smlad' in line for line in block_lines(p, 2)) == 4*p

@given(st.floats(1e-7, .999999), st.integers(-2**31, 2**31 - 1))
def test_whole_numbers_are_the_exact_product_rounded(m, acc):
    q, n = multiplier(m)
    exact = floor(Fraction(acc)*q/2**n + Fraction(1, 2))
    assert fixed(np.array([acc]), m)[0] == max(-128, min(exact, 127))
