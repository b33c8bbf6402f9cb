"official.members: only what is wanted is read, nothing is written, and a hostile or damaged archive is refused."
import gzip, io, struct, tarfile, zipfile

import pytest
from hypothesis import given, strategies as st

from archivekit import tar_bytes, zip_bytes
from tinybench.official.members import Limited, members

FILES = [('./a/one', b'1'*2000), ('../escape', b'2'), ('/etc/evil', b'3'), ('a/two', b'4')]
MAKERS = dict(tar=('x.tar.gz', tar_bytes), zip=('x.zip', zip_bytes))
each = pytest.mark.parametrize('kind', MAKERS)

def written(folder, kind, files=FILES):
    name, make = MAKERS[kind]
    (folder/name).write_bytes(make(files))
    return folder/name

@each
def test_what_is_wanted_and_nothing_else(kind, tmp_path):
    path = written(tmp_path, kind)
    assert members(path, dict(FILES).get, 5000, 10**6) == {v: v for v in dict(FILES).values()}
    assert members(path, {'./a/one': 'it'}.get, 5000, 10**6) == {'it': b'1'*2000} and members(path, {}.get, 5000, 10**6) == {}
    assert [p.name for p in tmp_path.iterdir()] == [path.name] and not (tmp_path.parent/'escape').exists()

@each
def test_what_is_too_large_or_there_twice(kind, tmp_path):
    path = written(tmp_path, kind)
    with pytest.raises(ValueError, match=r'x\.\w+.* has \./a/one of 2,000 bytes, more than is allowed'):
        members(path, dict(FILES).get, 1999, 10**6)
    with pytest.raises(ValueError, match='twice'): members(path, lambda name: 'same', 5000, 10**6)

def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path/'x.tar.gz'
    path.write_bytes(tar_bytes([('zeros', bytes(1 << 23))]))
    assert path.stat().st_size < 20_000
    with pytest.raises(ValueError, match='x.tar.gz unpacks to more than 100,000 bytes'): members(path, {}.get, 10, 100_000)
    path = written(tmp_path, 'zip', [(f'z{i}', bytes(1 << 20)) for i in range(3)])
    with pytest.raises(ValueError, match='more than is allowed'): members(path, str, 1 << 21, 2 << 20)

def test_a_zip_that_lies_about_a_size(tmp_path):
    path = written(tmp_path, 'zip', [('zeros', bytes(100_000))])
    data = bytearray(path.read_bytes())
    at = data.rindex(b'PK\x01\x02')                  # its entry in the list at the end, where the size is at 24
    assert struct.unpack_from('<I', data, at + 24) == (100_000,)
    struct.pack_into('<I', data, at + 24, 10)
    path.write_bytes(data)
    with pytest.raises(ValueError, match='x.zip'): members(path, str, 1000, 10**6)

def test_a_link_is_no_file(tmp_path):
    (tmp_path/'x.tar.gz').write_bytes(tar_bytes([], links=['a/two']))
    assert members(tmp_path/'x.tar.gz', str, 1000, 10**6) == {}

def test_an_encrypted_zip(tmp_path):
    path = written(tmp_path, 'zip', [('a', b'secret')])
    data = bytearray(path.read_bytes())
    for mark, at in ((b'PK\x03\x04', 6), (b'PK\x01\x02', 8)): data[data.index(mark) + at] |= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match='x.zip is a broken archive'): members(path, str, 1000, 10**6)

@given(st.sampled_from(sorted(MAKERS)), st.floats(0, .999), st.one_of(st.none(), st.integers(1, 255)))
def test_damage_gives_a_value_error_or_the_truth(tmp_path_factory, kind, where, flip):
    "A cut file, or one with a wrong byte."
    path = written(tmp_path_factory.mktemp('m'), kind)
    data = bytearray(path.read_bytes())
    at = int(where*len(data))
    if flip is None: del data[at:]
    else: data[at] ^= flip
    path.write_bytes(data)
    try: found = members(path, str, 10**5, 10**6)
    except ValueError as e: assert path.name in str(e)
    else: assert flip is not None and {*found.values()} <= {*dict(FILES).values()}

def test_limited():
    f = Limited(io.BytesIO(b'12345'), 5, 'f')
    assert f.read(3) + f.read() + f.read(2) == b'12345'
    with pytest.raises(ValueError, match='f unpacks to more than 4'): Limited(io.BytesIO(b'12345'), 4, 'f').read()
