"official.bring: a file is there whole and verified, or not at all, and what went wrong is said in words."
import errno, os, shutil, subprocess
from collections import namedtuple

import pytest

from archivekit import codes, kws01, put, put_kws01, tar_bytes
from tinybench.official import bring as module
from tinybench.official.bring import DIGESTS, bring, blob_id, is_here, tree_id
from tinybench.official.sets import RUNNER, SETS, USED, File

def left(cache): return sorted(p.relative_to(cache).as_posix() for p in cache.rglob('*') if p.is_file())

@pytest.fixture
def small(monkeypatch, tmp_path, cache):
    "The set vww01 as two small files."
    put(monkeypatch, tmp_path, 'vww01', [('a.bin', b'first'*100), ('sub/b.csv', b'second')])
    return tmp_path/'published'

def test_a_set_is_brought_once(small, cache):
    assert not is_here('vww01')
    paths = bring('vww01')
    assert [p.read_bytes() for p in paths] == [b'first'*100, b'second'] and left(cache) == ['a.bin', 'sub/b.csv'] and is_here('vww01')
    shutil.rmtree(small)
    assert bring('vww01') == paths                                      # no download

def test_a_folder_of_data_comes_first(small, cache, monkeypatch, tmp_path):
    (tmp_path/'mine').mkdir()
    monkeypatch.setenv('TINYBENCH_DATA', str(tmp_path/'mine'))
    (tmp_path/'mine'/'a.bin').write_bytes(b'first'*100)
    assert bring('vww01')[0] == tmp_path/'mine'/'a.bin' and left(cache) == ['sub/b.csv']
    (tmp_path/'mine'/'a.bin').write_bytes(b'first'*99)
    with pytest.raises(ValueError, match='(?s)a.bin: not the file that was published.*495 bytes.*left in place.*put the file of file:'):
        bring('vww01')
    assert (tmp_path/'mine'/'a.bin').exists()

@pytest.mark.parametrize('published', [b'', b'first'*99, b'<html>log in</html>'], ids=['empty', 'cut', 'login'])
def test_another_file_is_not_taken(small, cache, published):
    (small/'vww01-0').write_bytes(published)
    with pytest.raises(ValueError, match=r'(?s)a.bin: not the file.*expected sha256 .*actual.*Run again'): bring('vww01')
    assert left(cache) == ['a.bin.corrupt'] and not is_here('vww01')
    (small/'vww01-0').write_bytes(b'first'*100)
    assert bring('vww01')[0].read_bytes() == b'first'*100               # the next try starts anew

def test_a_file_that_was_damaged_later(small, cache):
    bring('vww01')
    (cache/'a.bin').write_bytes(b'x')
    with pytest.raises(ValueError, match='not the file'): bring('vww01')
    assert not is_here('vww01') and 'a.bin.corrupt' in left(cache)

def test_no_network(small, cache):
    (small/'vww01-0').unlink()
    with pytest.raises(ConnectionError, match='(?s)cannot download file:.*browser.*a.bin.*TINYBENCH_DATA'): bring('vww01')
    assert not left(cache)

def test_no_room(small, cache, monkeypatch):
    monkeypatch.setattr(module.shutil, 'disk_usage', lambda p: namedtuple('u', 'free')(1000))
    with pytest.raises(OSError, match='cache has 0 MB free, and a.bin takes 0: set TINYBENCH_CACHE') as e: bring('vww01')
    assert e.value.errno == errno.ENOSPC and not cache.exists()

def test_room_that_ends_while_it_comes(small, cache, monkeypatch):
    def full(url, name):
        yield b'first'
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(module, 'stream', full)
    with pytest.raises(OSError, match='cannot use .*a.bin .No space.*set TINYBENCH_CACHE'): bring('vww01')
    assert not left(cache)

def test_more_than_was_published(small, cache, monkeypatch):
    def endless(url, name):
        while True: yield bytes(1 << 16)
    monkeypatch.setattr(module, 'stream', endless)
    with pytest.raises(ConnectionError, match='more comes than the 0 MB that were published'): bring('vww01')
    assert not left(cache)

def test_an_interrupt_leaves_nothing(small, cache, monkeypatch):
    def stopped(url, name):
        yield b'first'
        raise KeyboardInterrupt
    monkeypatch.setattr(module, 'stream', stopped)
    with pytest.raises(KeyboardInterrupt): bring('vww01')
    assert not left(cache)

def test_a_cache_that_cannot_be_written(small, tmp_path, monkeypatch):
    (tmp_path/'file').write_text('')
    monkeypatch.setenv('TINYBENCH_CACHE', str(tmp_path/'file'/'cache'))
    with pytest.raises(OSError, match='set TINYBENCH_CACHE to a folder'): bring('vww01')


# --- digests

def test_ids_are_those_of_git(tmp_path):
    "Of a file, and of the folder in an archive, whatever else is in it and however it is packed."
    (tmp_path/'f').write_bytes(b'')
    assert blob_id(tmp_path/'f') == 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    files = kws01(codes(3), [7, 0, 11])
    for name, data in files:
        (tmp_path/name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path/name).write_bytes(data)
    if not shutil.which('git'): pytest.skip('needs git')
    def git(*command): return subprocess.run(['git', *command], cwd=tmp_path/RUNNER, text=True, capture_output=True, check=True).stdout.strip()
    git('init', '-q')
    git('add', '-A')
    assert blob_id(tmp_path/files[2][0]) == git('hash-object', str(tmp_path/files[2][0]))
    for order in (files, files[::-1], files[1:-1]):
        (tmp_path/'x.tar.gz').write_bytes(tar_bytes(order))
        assert tree_id(tmp_path/'x.tar.gz') == git('rev-parse', git('write-tree') + ':datasets/kws01')
    (tmp_path/'x.tar.gz').write_bytes(tar_bytes(files[:-2]))
    assert tree_id(tmp_path/'x.tar.gz') != git('rev-parse', git('write-tree') + ':datasets/kws01')

def test_an_archive_that_is_packed_anew_is_taken(monkeypatch, tmp_path, cache):
    x, y = put_kws01(monkeypatch, tmp_path)
    files = kws01(x, y)
    (tmp_path/'published'/'kws01-0').write_bytes(tar_bytes(files[::-1]))
    assert bring('kws01')[0].name == f'{RUNNER}.tar.gz'
    (cache/f'{RUNNER}.tar.gz').unlink()
    for wrong in (tar_bytes(kws01(codes(12, 1), y)), b'no archive'):
        (tmp_path/'published'/'kws01-0').write_bytes(wrong)
        with pytest.raises(ValueError, match='not the file that was published'): bring('kws01')
        assert not is_here('kws01')

def test_all_sets_are_pinned():
    digits = dict(sha256=64, md5=32, blob=40, tree=40)
    files = [f for s in SETS.values() for f in s.files]
    assert set(digits) == set(DIGESTS) and {s for sets in USED.values() for s in sets} == set(SETS)
    for f in files:
        assert isinstance(f, File) and len(f.digest) == digits[f.kind] and set(f.digest) <= set('0123456789abcdef')
        assert f.url.startswith('https://') and f.mb > 0 and not f.name.startswith('/') and '..' not in f.name
        assert 'master' not in f.url and 'main/' not in f.url
    assert len({f.name for f in files}) == len(files) and all(s.licence and s.what for s in SETS.values())
