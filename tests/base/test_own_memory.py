"Memory of this process: what it holds is seen, and so is the most that it held since the peak began anew."
import sys
import pytest
from tinybench.base import memory

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='needs Linux')
SIZE = 64 << 20

def test_what_is_held_and_the_most_that_was():
    memory.settle()
    before = memory.resident()
    held = bytearray(b'x')*SIZE
    during = memory.resident()
    del held
    after = memory.resident()
    assert {*during} == {'Rss', 'Anonymous', 'VmHWM'}
    for k in ('Rss', 'Anonymous'): assert min(during[k] - before[k], during[k] - after[k]) > .9*SIZE, k
    assert after['VmHWM'] - before['Rss'] > .9*SIZE and memory.peak_bytes() >= after['Rss']
    memory.settle()
    assert memory.resident()['VmHWM'] < after['VmHWM'] - .5*SIZE

def test_elsewhere_nobody_says_it(monkeypatch, tmp_path):
    def gone(path): raise FileNotFoundError(path)
    monkeypatch.setattr(memory, 'read_text', gone)
    assert memory.peak_bytes() is None
    with pytest.raises(OSError): memory.resident()
