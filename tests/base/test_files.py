"base.files: a file is there whole or not at all."
import os, subprocess, sys, time
import pytest
from tinybench.base.files import exclusive, unused, write_whole


def test_write_whole_takes_text_or_bytes(tmp_path):
    assert write_whole(tmp_path/'a', 'µ\n').read_bytes() == 'µ\n'.encode()
    assert write_whole(str(tmp_path/'a'), b'\x89PNG\r\n').read_bytes() == b'\x89PNG\r\n'
    with pytest.raises(TypeError): write_whole(tmp_path/'a', 3)
    assert (tmp_path/'a').read_bytes() == b'\x89PNG\r\n' and len(list(tmp_path.iterdir())) == 1

def test_kill_leaves_a_whole_file(tmp_path, root):
    path, big = tmp_path/'a.bin', 2**20
    code = ('import sys\nfrom tinybench.base.files import write_whole\n'
            f'print("go", flush=True)\nwhile True:\n    for c in (b"a", b"b"): write_whole(sys.argv[1], c*{big})')
    for i in range(2):
        env = os.environ | dict(PYTHONPATH=str(root))
        with subprocess.Popen([sys.executable, '-c', code, str(path)], env=env, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            while not path.exists(): time.sleep(.01)
            time.sleep(.01*i)
            process.kill()
        data = path.read_bytes()
        assert data in (b'a'*big, b'b'*big)

def test_an_unused_name_is_unused_with_every_suffix(tmp_path):
    path = tmp_path/'a.png'
    assert unused(path, '.csv') == path
    path.touch()
    (tmp_path/'a-2.csv').mkdir()
    assert unused(path, '.csv').name == 'a-3.png' and unused(path).name == 'a-2.png'

@pytest.mark.skipif(sys.platform == 'win32', reason='has no such locks')
def test_who_will_not_wait_is_told_until_the_block_is_left(tmp_path):
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path/'lock') as sure:
        assert sure
        with exclusive(tmp_path/'other', wait=False): pass
        with pytest.raises(BlockingIOError), exclusive(tmp_path/'lock', wait=False): pytest.fail('two are in there')
        1/0
    with exclusive(tmp_path/'lock', wait=False): pass
    with pytest.raises(FileNotFoundError), exclusive(tmp_path/'none'/'lock'): pass
