"Text: tables that a cell cannot break, and numbers with as many digits as they bear."
from tinybench.base.text import aligned

def test_a_line_break_from_a_file_puts_no_number_under_another_heading():
    table = [['a\nb', '1'], ['c\u2028d\r', '22']]
    assert aligned(table) == 'a b  1\nc d  22' and aligned(table, left=1) == 'a b   1\nc d  22'
