"The table of boards: every figure has a source, every address is a place of memory, an unknown name its nearest."
import pytest
from tinybench.mcu.boards import BOARDS, CORES, board_of

@pytest.mark.parametrize('name', BOARDS)
def test_every_figure_has_a_source(name):
    b = board_of(name)
    assert b.name == name and b.core is CORES[b.cpu] and b.source and b.current
    assert (b.volts is None) == (b.milliamps is None) and b.mhz > 0
    assert b.flash_at % 256 == 0 and b.ram_at >= 0x20000000 and b.flash > b.ram > 0
    assert ('n/a' in repr(b)) == (b.milliamps is None)

def test_each_kind_of_processor_has_a_board(): assert {b.cpu for b in BOARDS.values()} == {*CORES}

def test_only_the_larger_ones_have_smlad():
    assert {c.name for c in CORES.values() if c.dsp} == {'m4', 'm7', 'm33'}

def test_an_unknown_board():
    with pytest.raises(ValueError, match="no board 'nucleo-l4r5', did you mean 'nucleo-l4r5zi'"): board_of('nucleo-l4r5')
