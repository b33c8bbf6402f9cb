"What is kept: whole or not at all, this user's own, not more than the limit"
import os, stat

import pytest
from hypothesis import given, strategies as st

from compilekit import files
from tinybench.toolchain import store
from tinybench.toolchain.store import NoLibrary, cache_folder, fingerprint, keep, keep_in, kept, kept_in

def silent(word): raise AssertionError(word)

@given(st.lists(st.text(max_size=3), max_size=3), st.lists(st.text(max_size=3), max_size=3))
def test_fingerprints_differ_if_the_parts_do(a, b): assert (fingerprint(*a) == fingerprint(*b)) == (a == b)

def test_what_is_kept_is_found_by_its_key_and_suffix():
    path = keep('key', '.so', b'data', silent)
    assert kept('key', '.so') == path and path.read_bytes() == b'data'
    assert kept('key', '.txt') is None and kept('other', '.so') is None
    assert kept('key', '.so') != keep('key', '.so', b'new', silent) == kept('key', '.so')

@pytest.mark.skipif(os.name != 'posix', reason='needs modes of files')
def test_only_this_user_may_write_whatever_the_umask():
    before = os.umask(0)
    try: path = keep('key', '.so', b'data', silent)
    finally: os.umask(before)
    modes = [stat.S_IMODE(p.stat().st_mode) for p in (path.parent, *files(path.parent))]
    assert modes == [0o700, 0o600, 0o600]

def damage(path, note, how):
    data = path.read_bytes()
    if how == 'a bit': path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    if how == 'cut': path.write_bytes(data[:-1])
    if how == 'empty': path.write_bytes(b'')
    if how == 'foreign': path.write_bytes(b'another library')
    if how == 'gone': path.unlink()
    if how == 'no sum': note.unlink()
    if how == 'an odd sum': note.write_bytes(b'\xff\0/../')
    if how == 'another sum': note.write_text(fingerprint('another'))
    if how == 'writable': path.chmod(0o666)
    if how == 'its sum writable': note.chmod(0o620)
    if how == 'its folder writable': path.parent.chmod(0o777)

@pytest.mark.parametrize('how', ['a bit', 'cut', 'empty', 'foreign', 'gone', 'no sum', 'an odd sum', 'another sum',
                                 'writable', 'its sum writable', 'its folder writable'])
def test_what_is_damaged_or_open_to_others_is_not_believed(how):
    path = keep('key', '.so', b'data', silent)
    note = path.with_name('key.so.sum')
    assert kept('key', '.so') == path
    damage(path, note, how)
    assert kept('key', '.so') is None
    if how == 'its folder writable': return
    path = keep('key', '.so', b'data', silent)      # and is made anew
    assert kept('key', '.so') == path and path.read_bytes() == b'data'

@pytest.mark.skipif(os.name != 'posix', reason='needs owners of files')
def test_another_users_files_are_not_believed(monkeypatch):
    keep('key', '.so', b'data', silent)
    me = os.geteuid()
    monkeypatch.setattr(os, 'geteuid', lambda: me + 1)
    assert kept('key', '.so') is None
    with pytest.raises(NoLibrary, match='not private'): keep('key', '.so', b'data', silent)

def test_what_was_used_longest_ago_goes_first(tmp_path):
    folder = tmp_path/'cache'/'compiled'
    for i, key in enumerate('abc'):
        keep_in(folder, key, '.so', bytes([i])*1000)
        for p in folder.glob(f'{key}*'): os.utime(p, (i, i))
    assert kept_in(folder, 'a', '.so')              # used just now
    keep_in(folder, 'd', '.so', b'd'*1000, limit=3200)
    assert [key for key in 'abcd' if kept_in(folder, key, '.so')] == ['a', 'c', 'd']
    assert sum(p.stat().st_size for p in files(folder)) <= 3200
    path = keep_in(folder, 'e', '.so', b'e'*9000, limit=3200)     # larger than the limit: alone
    assert kept_in(folder, 'e', '.so') == path and len(files(folder)) == 2

def test_the_folder_is_where_it_was_named(tmp_path, monkeypatch):
    assert cache_folder() == tmp_path/'cache'/'compiled'
    monkeypatch.delenv('TINYBENCH_CACHE')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path/'xdg'))
    assert cache_folder() == tmp_path/'xdg'/'tinybench'/'compiled'
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', str(tmp_path/'home'))
    if os.name == 'posix': assert cache_folder() == tmp_path/'home'/'.cache'/'tinybench'/'compiled'

@pytest.mark.parametrize('what', ['a file in its place', 'a file above it', 'open to others', 'no home'])
def test_a_temporary_folder_serves_where_the_cache_cannot(what, tmp_path, monkeypatch):
    cache, said = tmp_path/'cache', []
    if what == 'a file above it': cache.write_text('')
    else: cache.mkdir()
    if what == 'a file in its place': (cache/'compiled').write_text('')
    if what == 'open to others':
        (cache/'compiled').mkdir()
        (cache/'compiled').chmod(0o777)
    if what == 'no home':
        monkeypatch.delenv('TINYBENCH_CACHE')
        monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
        def homeless(): raise RuntimeError('Could not determine home directory.')
        monkeypatch.setattr(store.Path, 'home', homeless)
    path = keep('key', '.so', b'data', said.append)
    assert kept('key', '.so') == path and path.is_relative_to(tmp_path/'tmp')
    assert len(said) == 1 and '\n' not in said[0] and 'TINYBENCH_CACHE' in said[0]
    assert what == 'no home' or str(cache) in said[0]

def test_no_folder_at_all_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path/'cache').write_text('')
    (tmp_path/'tmp').rmdir()
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path/'tmp'))
    with pytest.raises(NoLibrary, match='nothing can be kept in .*nor in a temporary folder') as e:
        keep('key', '.so', b'data', silent)
    assert '\n' not in str(e.value) and kept('key', '.so') is None
