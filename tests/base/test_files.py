"base.files: a file is there whole or not at all."
import codecs, os, subprocess, sys, time
import pytest
from tinybench.base.files import coding, decoded, exclusive, read_text, unused, write_whole


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

AS_WINDOWS_WRITES = [codecs.BOM_UTF8 + 'µ = 1\r\n'.encode(), *('µ = 1\r\n'.encode(c) for c in ('utf-16', 'utf-32')),
                     codecs.BOM_UTF16_BE + 'µ = 1\n'.encode('utf-16-be'), 'µ = 1\r'.encode()]

@pytest.mark.parametrize('data', AS_WINDOWS_WRITES, ids=['utf-8-sig', 'utf-16', 'utf-32', 'utf-16-be', 'utf-8'])
def test_text_is_read_as_windows_own_tools_write_it(tmp_path, data):
    (tmp_path/'a').write_bytes(data)
    assert read_text(tmp_path/'a') == 'µ = 1\n' and (coding(data) == 'utf-8') == (data == 'µ = 1\r'.encode())

def test_utf16_without_a_mark_is_known_by_its_zeros():
    for c in ('utf-16-le', 'utf-16-be'): assert decoded('{"a": "µ"}'.encode(c)) == '{"a": "µ"}'

@pytest.mark.parametrize('data', [b'\xe4\xf6', b'\xff\xfe\x00', b'\x89PNG\r\n', b'abc\xff'])
def test_what_is_no_text_is_refused_in_words(tmp_path, data):
    (tmp_path/'a').write_bytes(data)
    with pytest.raises(ValueError, match='no text in UTF-8 or UTF-16 .*: save it as UTF-8'): read_text(tmp_path/'a')

def test_an_empty_file_is_an_empty_text(tmp_path):
    (tmp_path/'a').touch()
    assert read_text(tmp_path/'a') == ''
    with pytest.raises(FileNotFoundError): read_text(tmp_path/'b')
