"Text: tables that a cell cannot break, and numbers with as many digits as they bear."
import math

import pytest
from hypothesis import given, strategies as st

from tinybench.base.text import aligned, digits, decimals, percent, worded

def test_a_line_break_from_a_file_puts_no_number_under_another_heading():
    table = [['a\nb', '1'], ['c\u2028d\r', '22']]
    assert aligned(table) == 'a b  1\nc d  22' and aligned(table, left=1) == 'a b   1\nc d  22'

@pytest.mark.parametrize('x,width,words', [
    (3.4, .3, '3.4'), (.5, .01, '0.500'), (0, .1, '0.00'), (5e-5, 6, '0'), (123456.7, 1, '123456.7'), (math.inf, 1, 'inf'),
    (1e-12, 2e-13, '1.00e-12'), (2e-5, 1e-6, '2.00e-05'), (1e303, 1e302, '1.00e+303'), (1e10, 1e12, '1e+10'), (1e-12, 0, '1e-12')])
def test_digits_are_few_however_large_or_small_a_number_is(x, width, words): assert digits(x, width) == words

@given(st.floats(1e-300, 1e300), st.floats(1e-3, 1))
def test_digits_say_a_number_to_a_third_of_its_width(x, share):
    words = digits(x, share*x)
    assert len(words) <= 15 and abs(float(words) - x) <= share*x/3*(1 + 1e-9)

@pytest.mark.parametrize('three,words', [
    ((.9996, .9977, .99993), '99.96% [99.77, 99.99]'), ((1., .998, 1.), '100.0% [99.8, 100.0]'), ((.5, .4, .6), '50.0% [40.0, 60.0]'),
    ((.0004, .00007, .0023), '0.04% [0.01, 0.23]'), ((0., 0., .002), '0.0% [0.0, 0.2]'), ((.9996,), '99.96%'), ((1 - 1e-16,), '100.0%')])
def test_only_all_is_100_percent_and_only_none_is_0(three, words): assert worded(*three, unit='share') == words

@given(st.integers(1, 10**9 - 1), st.integers(0, 2))
def test_a_part_is_never_written_as_the_whole(k, least):
    assert 0 < float(percent(k/10**9, least)[:-1]) < 100
    assert decimals([100*k/10**9], least, (0, 100)) >= least

@pytest.mark.parametrize('share, bar, words', [(.98999, .99, '98.999%'), (305/359, .85, '84.96%'), (.29, .29, '29.0%'),
                                               (.2897, .29, '28.97%'), (.958, .99, '95.8%')])
def test_what_misses_a_bar_is_not_written_as_the_bar(share, bar, words): assert percent(share, bars=(bar,)) == words
