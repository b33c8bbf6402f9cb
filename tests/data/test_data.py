"The data package: formats against their definition, downloads from this machine, a loader against a loop."
import gzip, hashlib, io, json, os, signal, socket, struct, subprocess, sys, tarfile, threading, time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinybench.data import source
from tinybench.data.loader import Loader, batch_rows, n_batches, prefetched
from tinybench.data.source import Dataset, load, load_cifar10, load_digits, load_fashion_mnist, load_mnist
from tinybench.data.source import checksum, fetch, read_cifar, read_idx, stratified_split, stream, verify

def sha(data): return hashlib.sha256(data).hexdigest()
def names(folder): return sorted(p.name for p in folder.iterdir())
def threads(): return set(threading.enumerate())

def idx(a):
    "The idx file of `a`, by the format's definition."
    code = {v: k for k, v in source.IDX_TYPES.items()}[a.dtype.newbyteorder('>').str.replace('|', '>')]
    big = a.astype(a.dtype.newbyteorder('>'))
    return struct.pack(f'>BBBB{a.ndim}I', 0, 0, code, a.ndim, *a.shape) + big.tobytes()

@pytest.fixture
def cache(monkeypatch, tmp_path):
    "A cache of its own for this test, and nothing but the loopback."
    monkeypatch.delenv('TINYBENCH_DATA', raising=False)
    monkeypatch.setenv('TINYBENCH_CACHE', str(tmp_path/'cache'))
    monkeypatch.setenv('NO_PROXY', '*')
    return tmp_path/'cache'

@contextmanager
def serve(answer):
    "A server on this machine; `answer(handler)` writes a reply. Yields its address and the paths asked for."
    asked = []
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            answer(self)
        def log_message(self, *args): pass
    with ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs=dict(poll_interval=.01))
        thread.start()
        try: yield f'http://127.0.0.1:{server.server_port}/', asked
        finally:
            server.shutdown()
            thread.join()

def reply(handler, data, length=None):
    handler.send_response(200)
    handler.send_header('Content-Length', str(len(data) if length is None else length))
    handler.end_headers()
    handler.wfile.write(data)

@pytest.fixture
def closed():
    "An address where nobody listens."
    with serve(None) as (url, _): pass
    return url


# Formats

kinds = st.sampled_from(sorted(source.IDX_TYPES.values()))

@given(kinds, st.lists(st.integers(0, 4), min_size=1, max_size=4), st.booleans(), st.integers(0, 99))
def test_idx_round_trip(kind, shape, zipped, seed):
    a = np.random.default_rng(seed).integers(0, 99, shape).astype(kind)
    got = read_idx(gzip.compress(idx(a)) if zipped else idx(a))
    assert got.dtype == a.dtype.newbyteorder('=') and got.dtype.isnative and got.flags.writeable
    np.testing.assert_array_equal(got, a)

@given(st.data())
def test_idx_says_what_is_wrong(data):
    raw = idx(np.arange(24, dtype='u1').reshape(2, 3, 4))
    cut = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(ValueError, match='not an idx file' if cut < 4 else 'bytes'): read_idx(raw[:cut])
    with pytest.raises(ValueError, match='bytes'): read_idx(raw + b'\0')
    with pytest.raises(ValueError, match='broken gzip'): read_idx(gzip.compress(raw)[:max(2, cut)])

def test_idx_errors_name_the_file(tmp_path):
    for name, content in (('cut', gzip.compress(idx(np.arange(9, dtype='u1')))[:-9]), ('page', b'<html>')):
        (tmp_path/name).write_bytes(content)
        with pytest.raises(ValueError, match=name): read_idx(tmp_path/name)
    with pytest.raises(FileNotFoundError): read_idx(tmp_path/'absent')

def test_idx_refuses_absurd_sizes():
    with pytest.raises(ValueError, match='bytes'):                # 2**96 of them, more than an int64 counts
        read_idx(bytes([0, 0, 8, 3]) + b'\xff'*12)

@given(st.integers(1, 5), st.integers(0, 99))
def test_cifar_records(n, seed):
    raw = np.random.default_rng(seed).integers(0, 256, (n, 3073)).astype(np.uint8)
    x, y = read_cifar(raw.tobytes())
    assert x.shape == (n, 32, 32, 3) and x.dtype == np.uint8 and x.flags.c_contiguous and y.dtype == np.int64
    np.testing.assert_array_equal(x.transpose(0, 3, 1, 2).reshape(n, 3072), raw[:, 1:])
    np.testing.assert_array_equal(y, raw[:, 0])

@pytest.mark.parametrize('size', [0, 1, 3072, 3074])
def test_cifar_refuses_part_records(size):
    with pytest.raises(ValueError, match='3073'): read_cifar(bytes(size))


# Sets

@given(st.lists(st.integers(0, 6), min_size=2, max_size=80), st.floats(.05, .95), st.integers(0, 99))
def test_split_keeps_each_class(labels, share, seed):
    y = np.array(labels)
    train, test = stratified_split(y, share, np.random.default_rng(seed))
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(len(y)))
    for c in np.unique(y): assert abs(np.sum(y[test] == c) - share*np.sum(y == c)) <= .5 + 1e-9
    np.testing.assert_array_equal(test, stratified_split(y, share, np.random.default_rng(seed))[1])

def test_digits():
    d = load_digits()
    assert repr(d) == 'Dataset(digits: 1,438 train + 359 test, 8x8x1 float32, 10 classes)'
    assert d.classes == tuple('0123456789')
    for x, y in ((d.x_train, d.y_train), (d.x_test, d.y_test)):
        assert x.dtype == np.float32 and x.flags.c_contiguous and (x.min(), x.max()) == (0, 1)
        assert y.dtype == np.int64 and y.shape == (len(x),)
        assert np.ptp(np.bincount(y)/len(y)) < .012
    np.testing.assert_array_equal(d.x_test, load_digits().x_test)
    assert not np.array_equal(d.x_test, load_digits(seed=1).x_test)
    assert len(load_digits(test=.5).x_test) == pytest.approx(1797/2, abs=10)
    with pytest.raises(ValueError, match='between 0 and 1'): load_digits(test=1)

def test_dataset_refuses_unequal_rows():
    x, y = np.zeros((3, 2, 2, 1), np.float32), np.zeros(3, np.int64)
    with pytest.raises(ValueError, match='toy: x_test has 3 rows, y_test has 2'):
        Dataset(x, y, x, y[:2], 'toy', ('a',))
    with pytest.raises(AttributeError): Dataset(x, y, x, y, 'toy', ('a',)).name = 'other'

@pytest.mark.parametrize('wrong, near', [
    ('MNIST', 'mnist'), ('minst', 'mnist'), ('fashion-mnist', 'fashion_mnist'), ('cifar-10', 'cifar10'),
    ('digit', 'digits')])
def test_unknown_set_names_the_nearest(wrong, near):
    says = f"no data set '{wrong}', did you mean '{near}'.*digits, mnist, fashion_mnist, cifar10"
    with pytest.raises(ValueError, match=says): load(wrong)

def test_mnist(data_dir, monkeypatch):
    monkeypatch.setenv('TINYBENCH_DATA', str(data_dir))
    d = load('mnist')
    assert (d.name, d.classes) == ('mnist', tuple('0123456789'))
    assert d.x_train.shape == (60_000, 28, 28, 1) and d.x_test.shape == (10_000, 28, 28, 1)
    assert list(np.bincount(d.y_train)) == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert list(np.bincount(d.y_test)) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    for x, y in ((d.x_train, d.y_train), (d.x_test, d.y_test)):
        assert x.dtype == np.float32 and x.flags.c_contiguous and y.dtype == np.int64
        assert (x.min(), x.max()) == (0, 1)
    assert d.x_train.mean() == pytest.approx(.1307, abs=1e-4)     # the mean everybody normalises with
    assert d.y_train[:5].tolist() == [5, 0, 4, 1, 9]

def test_mnist_md5_is_the_published_one(data_dir):
    md5 = ('f68b3c2dcbeaaa9fbdd348bbdeb94873', 'd53e105ee54ea40749a09fcbcd1e9432',
           '9fb629c4189551a2d022fa330f9573f3', 'ec29112dd5afa0611ce80d1b7f02629c')
    for file, m, s in zip(source.IDX_FILES, md5, source.MNIST_SHA256):
        assert verify(data_dir/file, m) == verify(data_dir/file, s)

def test_cifar_part(data_dir, monkeypatch):
    monkeypatch.setenv('TINYBENCH_DATA', str(data_dir))
    d = load('cifar10')
    assert d.name == 'cifar10 (4000 train, 1000 test)' and len(d.classes) == 10 and d.classes[3] == 'cat'
    assert d.x_train.shape == (4000, 32, 32, 3) and d.x_test.shape == (1000, 32, 32, 3)
    for x, y in ((d.x_train, d.y_train), (d.x_test, d.y_test)):
        assert x.dtype == np.float32 and x.flags.c_contiguous and (x.min(), x.max()) == (0, 1)
        assert y.dtype == np.int64 and (np.bincount(y, minlength=10) > .08*len(y)).all()
    with np.load(data_dir/'cifar10_train4000_test1000.npz') as z:
        np.testing.assert_array_equal(np.round(d.x_test*255).astype(np.uint8), z['x_test'])
    assert d.y_test[:4].tolist() == [3, 8, 8, 0]                  # cat, ship, ship, airplane

def test_mnist_in_the_place_of_fashion_is_noticed(data_dir, cache, monkeypatch, tmp_path):
    (tmp_path/'fashion_mnist').mkdir()
    for f in source.IDX_FILES: (tmp_path/'fashion_mnist'/f).symlink_to(data_dir/f)
    monkeypatch.setenv('TINYBENCH_DATA', str(tmp_path))
    both = f'{source.FASHION_SHA256[0]}.*{source.MNIST_SHA256[0]}'
    with pytest.raises(ValueError, match=f'(?s)wrong sha256.*{both}.*left in place'): load('fashion_mnist')
    assert names(tmp_path/'fashion_mnist') == sorted(source.IDX_FILES)

def four_files(rng):
    "Four small arrays, and their idx files by name."
    parts = ((256, (20, 28, 28)), (10, 20), (256, (10, 28, 28)), (10, 10))
    arrays = [rng.integers(0, top, shape).astype('u1') for top, shape in parts]
    return arrays, {f: gzip.compress(idx(a)) for f, a in zip(source.IDX_FILES, arrays)}

@pytest.mark.parametrize('load_it, prefix, folder', [
    (load_mnist, 'MNIST', ''), (load_fashion_mnist, 'FASHION', 'fashion_mnist')])
def test_four_files_from_a_server(cache, monkeypatch, load_it, prefix, folder):
    arrays, files = four_files(np.random.default_rng(0))
    with serve(lambda h: reply(h, files[h.path[1:]])) as (url, asked):
        monkeypatch.setattr(source, f'{prefix}_URL', url)
        monkeypatch.setattr(source, f'{prefix}_SHA256', tuple(map(sha, files.values())))
        d = load_it()
        assert len(asked) == 4
    np.testing.assert_array_equal(d.x_train, arrays[0][..., None]/np.float32(255))
    np.testing.assert_array_equal(d.y_test, arrays[3])
    assert names(cache/folder) == sorted(source.IDX_FILES)
    assert repr(load_it()) == repr(d)                             # the server is gone: this is the cache

def test_fashion_classes():
    assert source.FASHION_SHA256 != source.MNIST_SHA256
    for shas in (source.FASHION_SHA256, source.MNIST_SHA256, (source.CIFAR10_SHA256,)):
        assert all(len(s) == 64 and int(s, 16) for s in shas)

def cifar_archive(path, batches):
    "An archive like the official one, in an order that is not the alphabet's."
    with tarfile.open(path, 'w:gz') as tar:
        for name, data in {'readme.html': b'<html>', **batches}.items():
            info = tarfile.TarInfo(f'cifar-10-batches-bin/{name}')
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path

def cifar_batches(rng, n=4):
    order = [3, 1, 'test', 5, 2, 4]
    raw = {k: rng.integers(0, [10] + [256]*3072, (n, 3073)).astype(np.uint8) for k in order}
    name = lambda k: 'test_batch.bin' if k == 'test' else f'data_batch_{k}.bin'
    return raw, {name(k): r.tobytes() for k, r in raw.items()}

def test_cifar_archive(cache, monkeypatch, tmp_path):
    raw, batches = cifar_batches(np.random.default_rng(0))
    path = cifar_archive(tmp_path/'cifar-10-binary.tar.gz', batches)
    monkeypatch.setattr(source, 'CIFAR10_SHA256', checksum(path))
    monkeypatch.setenv('TINYBENCH_DATA', str(tmp_path))
    np.savez(tmp_path/'cifar10_part.npz', x_train=np.zeros(1))    # the official archive goes first
    d = load_cifar10()
    assert d.name == 'cifar10' and d.x_train.shape == (20, 32, 32, 3) and d.x_train.flags.c_contiguous
    want = np.concatenate([raw[k] for k in (1, 2, 3, 4, 5)])
    np.testing.assert_array_equal(d.y_train, want[:, 0])
    np.testing.assert_array_equal(d.x_train, read_cifar(want.tobytes())[0]/np.float32(255))
    np.testing.assert_array_equal(d.y_test, raw['test'][:, 0])
    assert not cache.exists() and len(names(tmp_path)) == 2       # nothing was unpacked

def test_cifar_archive_downloaded(cache, monkeypatch, tmp_path):
    archive = cifar_archive(tmp_path/'a.tar.gz', cifar_batches(np.random.default_rng(1))[1]).read_bytes()
    monkeypatch.setattr(source, 'CIFAR10_SHA256', sha(archive))
    with serve(lambda h: reply(h, archive)) as (url, _):
        monkeypatch.setattr(source, 'CIFAR10_URL', url + 'cifar-10-binary.tar.gz')
        assert load_cifar10().name == 'cifar10'
    assert names(cache) == ['cifar-10-binary.tar.gz']

def test_cifar_archive_lacks_a_batch(tmp_path):
    _, batches = cifar_batches(np.random.default_rng(0))
    del batches['data_batch_2.bin'], batches['test_batch.bin']
    with pytest.raises(ValueError, match='lacks data_batch_2.bin, test_batch.bin'):
        source.cifar_tar(cifar_archive(tmp_path/'c.tar.gz', batches))

def part(**changes):
    return {'x_train': np.zeros((3, 32, 32, 3), np.uint8), 'y_train': np.arange(3, dtype=np.uint8),
            'x_test': np.zeros((2, 32, 32, 3), np.uint8), 'y_test': np.arange(2), **changes}

@pytest.mark.parametrize('wrong, says', [
    (dict(x_test=np.zeros((2, 3, 32, 32), np.uint8)), r'\(n, 32, 32, 3\), got uint8 \(2, 3, 32, 32\)'),
    (dict(x_train=np.zeros((3, 32, 32, 3), np.float32)), 'got float32'),
    (dict(y_train=np.array([0, 1, 10])), 'labels must be integers 0 to 9'),
    (dict(y_train=np.array([0., 1., 2.])), 'labels must be integers 0 to 9'),
    (dict(y_train=np.array([0, 1])), 'x_train has 3 rows, y_train has 2'),
    (dict(y_train=np.array([object()]*3)), 'no npz with'),       # would have to be unpickled
])
def test_cifar_part_is_checked(cache, monkeypatch, tmp_path, wrong, says):
    monkeypatch.setenv('TINYBENCH_DATA', str(tmp_path))
    np.savez(tmp_path/'cifar10_small.npz', **part())
    assert load_cifar10().name == 'cifar10 (3 train, 2 test)'
    np.savez(tmp_path/'cifar10_small.npz', **part(**wrong))
    with pytest.raises(ValueError, match=says): load_cifar10()

@pytest.mark.parametrize('content', [b'', b'<html>', b'\x93NUMPY', b'PK\3\4 cut'])
def test_cifar_part_that_is_no_npz(tmp_path, content):
    (tmp_path/'cifar10.npz').write_bytes(content)
    with pytest.raises(ValueError, match='no npz with x_train'): source.cifar_npz(tmp_path/'cifar10.npz')

def test_cifar_part_cut_short(tmp_path):
    np.savez(tmp_path/'cifar10.npz', **part())
    whole = (tmp_path/'cifar10.npz').read_bytes()
    for keep in (len(whole)//2, len(whole) - 10):
        (tmp_path/'cifar10.npz').write_bytes(whole[:keep])
        with pytest.raises(ValueError, match='no npz with'): source.cifar_npz(tmp_path/'cifar10.npz')

def test_two_parts_of_cifar_are_one_too_many(cache, monkeypatch, tmp_path):
    monkeypatch.setenv('TINYBENCH_DATA', str(tmp_path))
    for n in 'ab': np.savez(tmp_path/f'cifar10_{n}.npz', **part())
    with pytest.raises(ValueError, match='one of cifar10_a.npz, cifar10_b.npz'): load_cifar10()


# Download

DATA = np.random.default_rng(0).integers(0, 256, 200_000).astype(np.uint8).tobytes()

def test_fetch_downloads_once(cache, capfd):
    with serve(lambda h: reply(h, DATA)) as (url, asked):
        path = fetch(url + 'f.bin', sha(DATA), 'sub/f.bin')
        assert path == cache/'sub'/'f.bin' and path.read_bytes() == DATA
        assert fetch(url + 'f.bin', sha(DATA).upper(), 'sub/f.bin') == path and asked == ['/f.bin']
    assert names(cache/'sub') == ['f.bin'] and capfd.readouterr().err == ''      # too quick for a bar

def test_fetch_takes_md5_and_a_cache(cache, tmp_path):
    with serve(lambda h: reply(h, DATA)) as (url, _):
        path = fetch(url, hashlib.md5(DATA).hexdigest(), 'f.bin', cache=str(tmp_path/'mine'))
    assert path == tmp_path/'mine'/'f.bin' and not cache.exists()

def test_cache_is_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv('TINYBENCH_CACHE', raising=False)
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('USERPROFILE', str(tmp_path))
    assert source.cache_dir() == tmp_path/'.cache'/'tinybench'

def test_local_file_goes_first_and_is_verified(cache, closed, monkeypatch, tmp_path):
    monkeypatch.setenv('TINYBENCH_DATA', str(tmp_path))
    (tmp_path/'f.bin').write_bytes(DATA)
    assert fetch(closed, sha(DATA), 'f.bin') == tmp_path/'f.bin'
    (tmp_path/'f.bin').write_bytes(DATA[:-1])
    says = f'f.bin: wrong sha256.*199,999 bytes.*{sha(DATA)}.*{sha(DATA[:-1])}.*left in place'
    with pytest.raises(ValueError, match=f'(?s){says}'): fetch(closed, sha(DATA), 'f.bin')
    assert names(tmp_path) == ['f.bin']

def test_local_folder_without_the_file(cache, monkeypatch, tmp_path):
    monkeypatch.setenv('TINYBENCH_DATA', str(tmp_path))
    with serve(lambda h: reply(h, DATA)) as (url, _): assert fetch(url, sha(DATA), 'f.bin') == cache/'f.bin'

def test_local_folder_that_is_none(cache, closed, monkeypatch, tmp_path):
    monkeypatch.setenv('TINYBENCH_DATA', str(tmp_path/'absent'))
    with pytest.raises(FileNotFoundError, match='TINYBENCH_DATA is .*absent, which is not a folder'):
        fetch(closed, sha(DATA), 'f')

def chunked_and_cut(h):
    h.send_response(200)
    h.send_header('Transfer-Encoding', 'chunked')
    h.end_headers()
    h.wfile.write(b'3e8\r\n' + DATA[:1000] + b'\r\n3e8\r\n')

@pytest.mark.parametrize('answer, kept', [
    (lambda h: reply(h, DATA[:1000], len(DATA)), DATA[:1000]),   # hangs up in the middle
    (chunked_and_cut, DATA[:1000]),
    (lambda h: reply(h, DATA[:-1] + b'\0'), DATA[:-1] + b'\0'),  # one byte changed
    (lambda h: reply(h, b'<html>Log in'), b'<html>Log in'),
    (lambda h: reply(h, b''), b''),
], ids=['truncated', 'truncated chunk', 'changed', 'login page', 'empty'])
def test_wrong_download_is_kept_aside(cache, answer, kept):
    with serve(answer) as (url, _), pytest.raises(ValueError) as e: fetch(url, sha(DATA), 'f.bin')
    for word in (sha(DATA), sha(kept), f'{cache/"f.bin.corrupt"}. Run again', f'at {len(kept):,} bytes'):
        assert word in str(e.value)
    assert names(cache) == ['f.bin.corrupt'] and (cache/'f.bin.corrupt').read_bytes() == kept
    with serve(lambda h: reply(h, DATA)) as (url, _): path = fetch(url, sha(DATA), 'f.bin')
    assert path.read_bytes() == DATA

def test_cache_gone_bad(cache):
    with serve(lambda h: reply(h, DATA)) as (url, asked):
        path = fetch(url, sha(DATA), 'f.bin')
        path.write_bytes(DATA[:500])
        with pytest.raises(ValueError, match='kept as .*f.bin.corrupt'): fetch(url, sha(DATA), 'f.bin')
        assert names(cache) == ['f.bin.corrupt']
        assert fetch(url, sha(DATA), 'f.bin') == path and len(asked) == 2

def test_nobody_listens(cache, closed):
    with pytest.raises(ConnectionError) as e: fetch(closed + 'f.bin', sha(DATA), 'sub/f.bin')
    for word in (closed + 'f.bin', str(cache/'sub'/'f.bin'), 'TINYBENCH_DATA', 'refused'):
        assert word in str(e.value)
    assert names(cache/'sub') == []

@pytest.mark.parametrize('load_it', [load_mnist, load_fashion_mnist, load_cifar10])
def test_no_network_says_how_to_get_each_set(cache, closed, monkeypatch, load_it):
    for s in ('MNIST', 'FASHION', 'CIFAR10'): monkeypatch.setattr(source, f'{s}_URL', closed + 'some.gz')
    with pytest.raises(ConnectionError, match='(?s)cannot download http.*browser.*TINYBENCH_DATA'): load_it()

def test_server_has_no_such_file(cache):
    with serve(lambda h: h.send_error(404)) as (url, _):
        with pytest.raises(ConnectionError, match='404'): fetch(url, sha(DATA), 'f')
    assert names(cache) == []

def test_silent_server(cache):
    with socket.create_server(('127.0.0.1', 0)) as silent:             # takes the call, and never says a word
        url = f'http://127.0.0.1:{silent.getsockname()[1]}/'
        with pytest.raises(ConnectionError, match='timed out'): list(stream(url, timeout=.5))

def test_bar_on_what_takes_long(cache, capfd):
    def slow(h):
        reply(h, DATA[:100_000], len(DATA))
        h.wfile.flush()
        time.sleep(1.3)
        h.wfile.write(DATA[100_000:])
    with serve(slow) as (url, _): fetch(url, sha(DATA), 'f.bin')
    out, err = capfd.readouterr()
    assert out == '' and 'f.bin: 100%' in err and '200k/200k' in err

def test_cache_that_cannot_be_a_folder(cache, closed, tmp_path):
    (tmp_path/'file').touch()
    for bad in (tmp_path/'file', tmp_path/'file'/'below'):
        with pytest.raises(OSError, match='cannot use .*set TINYBENCH_CACHE') as e:
            fetch(closed, sha(DATA), 'f.bin', cache=bad)
        assert not isinstance(e.value, ConnectionError), 'the folder is to blame, not the network'

def test_cache_that_may_not_be_written(cache, closed):
    cache.mkdir(mode=0o500)
    if os.access(cache, os.W_OK): pytest.skip('needs a user who is not root')
    with pytest.raises(PermissionError, match='cannot use .*set TINYBENCH_CACHE'):
        fetch(closed, sha(DATA), 'f.bin')

def test_checksum_that_is_none(cache, tmp_path):
    (tmp_path/'f').write_bytes(DATA)
    with pytest.raises(ValueError, match='64 hex digits of sha256 or 32 of md5'): verify(tmp_path/'f', 'abc')

CHILD = '''
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)     # a shell may have started us without it
'''

def interrupt(code, ready):
    "Run `code` in a child, press Ctrl-C once `ready(child)`, and return its exit status and stderr."
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child = subprocess.Popen([sys.executable, '-c', CHILD + code], **pipes)
    try:
        until = time.monotonic() + 300    # so much only on a busy machine
        while not ready(child): assert time.monotonic() < until and child.poll() is None, 'never got ready'
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=300)
    finally:
        child.kill()
        child.wait()
    return child.returncode, err

posix = pytest.mark.skipif(os.name == 'nt', reason='needs POSIX signals')

@posix
def test_interrupted_download_leaves_nothing(cache):
    let_go = threading.Event()
    def half(h):
        reply(h, DATA[:len(DATA)//2], len(DATA))
        h.wfile.flush()
        let_go.wait(30)
    def halfway(child):
        time.sleep(.02)
        return any(p.stat().st_size for p in cache.glob('*.part'))
    with serve(half) as (url, _):
        code = f'from tinybench.data.source import fetch\nfetch({url!r}, {sha(DATA)!r}, "f.bin")'
        try: status, err = interrupt(code, halfway)
        finally: let_go.set()
    assert status and err.rstrip().endswith('KeyboardInterrupt') and names(cache) == []

@posix
def test_full_disk_is_not_the_networks_fault(cache):
    code = f"""
import resource, sys
from tinybench.data.source import fetch
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))     # no file may grow beyond half of it
try: fetch(sys.argv[1], {sha(DATA)!r}, 'f.bin')
except OSError as e: print(type(e).__name__, e)
"""
    with serve(lambda h: reply(h, DATA)) as (url, _):
        child = subprocess.run([sys.executable, '-c', code, url], capture_output=True, text=True, check=True)
    assert child.stdout.startswith('OSError') and 'a folder with room' in child.stdout and names(cache) == []

def test_two_at_once_do_not_disturb_each_other(cache):
    code = 'import sys\nfrom tinybench.data.source import fetch\nfetch(sys.argv[1], sys.argv[2], "f.bin")'
    gate = threading.Barrier(2, timeout=30)
    def together(h):
        gate.wait()
        reply(h, DATA)
    with serve(together) as (url, asked):
        both = [subprocess.Popen([sys.executable, '-c', code, url, sha(DATA)]) for _ in range(2)]
        assert [p.wait(60) for p in both] == [0, 0] and len(asked) == 2
    assert names(cache) == ['f.bin'] and (cache/'f.bin').read_bytes() == DATA

def test_import_is_light():
    code = ('import sys, tinybench.data.source, tinybench.data.loader\n'
            'heavy = {"sklearn", "scipy", "pandas", "matplotlib", "tqdm", "urllib.request"}\n'
            'print(heavy & sys.modules.keys())')
    child = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert child.stdout == 'set()\n'


# Loader

def rows_and_labels(n): return np.arange(n*3, dtype=np.float32).reshape(n, 3), np.arange(n)
def rng(seed=0): return np.random.default_rng(seed)
def labels(loader): return [yb.tolist() for _, yb in loader]

@given(st.integers(1, 40), st.integers(1, 45), st.booleans(), st.booleans(), st.integers(0, 3))
def test_each_row_once_in_the_order_drawn(n, size, shuffle, drop_last, workers):
    x, y = rows_and_labels(n)
    if drop_last and size > n: return
    loader = Loader(x, y, size, shuffle, rng(n), workers, drop_last=drop_last)
    order = rng(n)
    for epoch in range(2):
        want = order.permutation(n) if shuffle else np.arange(n)
        batches = list(loader)
        assert len(batches) == len(loader) == n_batches(n, size, drop_last)
        got = np.concatenate([yb for _, yb in batches])
        np.testing.assert_array_equal(got, want[:n//size*size] if drop_last else want)
        np.testing.assert_array_equal(np.concatenate([xb for xb, _ in batches]), x[got])

@given(st.integers(1, 60), st.integers(1, 70), st.booleans(), st.integers(0, 9))
def test_batch_rows_cut_one_permutation(n, size, drop_last, seed):
    rows = batch_rows(n, size, rng(seed), drop_last)
    flat = np.concatenate(rows) if rows else np.array([], int)
    np.testing.assert_array_equal(flat, rng(seed).permutation(n)[:n//size*size if drop_last else n])
    assert all(len(r) == size for r in rows[:-1])

def jitter(xb, yb, rng):
    time.sleep(.002*(yb[0] % 3))                                  # batches finish out of order
    return xb + rng.normal(size=xb.shape), yb

@pytest.mark.parametrize('workers, prefetch', [(1, 0), (1, 2), (2, 0), (4, 3)])
def test_workers_do_not_change_the_numbers(workers, prefetch):
    x, y = rows_and_labels(50)
    make = lambda workers: Loader(x, y, 4, rng=rng(), workers=workers, prefetch=prefetch, transform=jitter)
    plain, threaded = make(0), make(workers)
    epochs = []
    for _ in range(2):
        a, b = list(plain), list(threaded)
        for (xa, ya), (xb, yb) in zip(a, b, strict=True):
            np.testing.assert_array_equal(xa, xb)
            np.testing.assert_array_equal(ya, yb)
        epochs.append(np.concatenate([xb - x[yb] for xb, yb in a]))
    noise = np.concatenate(epochs)
    assert len(np.unique(noise[:, 0])) == len(noise), 'two batches or epochs drew the same noise'

def test_transform_in_order_needs_no_shuffle():
    x, y = rows_and_labels(10)
    a, b = (list(Loader(x, y, 3, False, rng(), workers, transform=jitter)) for workers in (0, 2))
    for (xa, _), (xb, _) in zip(a, b, strict=True): np.testing.assert_array_equal(xa, xb)

@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('shuffle', [True, False])
def test_batches_are_fresh(workers, shuffle):
    x, y = rows_and_labels(12)
    keep = x.copy()
    batches = list(Loader(x, y, 4, shuffle, rng(), workers))
    for i, (xb, yb) in enumerate(batches):
        assert xb.flags.owndata and xb.flags.c_contiguous
        assert not np.shares_memory(xb, x) and not np.shares_memory(yb, y)
        assert all(not np.shares_memory(xb, other) for other, _ in batches[i + 1:])
        xb[:] = -1
    np.testing.assert_array_equal(x, keep)

def test_strided_rows_are_copied_once():
    x = np.arange(60, dtype=np.float32).reshape(10, 6)
    loader = Loader(x[:, ::2], range(10), 4, shuffle=False)
    assert loader.x.flags.c_contiguous
    np.testing.assert_array_equal(np.concatenate([xb for xb, _ in loader]), x[:, ::2])
    assert Loader(x, range(10), shuffle=False).x is x

@pytest.mark.parametrize('args, error, says', [
    (dict(), TypeError, r'pass rng=np.random.default_rng\(seed\); got rng=None'),
    (dict(rng=0), TypeError, 'got rng=0'),
    (dict(rng=np.random.RandomState(0)), TypeError, 'default_rng'),
    (dict(shuffle=False, rng=0), TypeError, 'got rng=0'),
    (dict(shuffle=False, transform=jitter), TypeError, 'to shuffle or transform'),
    (dict(shuffle=False, batch_size=0), ValueError, 'batch_size must be at least 1, got 0'),
    (dict(shuffle=False, workers=-1), ValueError, 'workers and prefetch must be 0 or more, got -1'),
    (dict(shuffle=False, prefetch=-1), ValueError, 'workers and prefetch must be 0 or more'),
    (dict(shuffle=False, y=np.zeros((9, 2))), ValueError, r'shapes \(10, 3\) and \(9, 2\)'),
    (dict(shuffle=False, x=np.zeros((0, 3)), y=[]), ValueError, r'no rows: x has shape \(0, 3\)'),
    (dict(shuffle=False, batch_size=11, drop_last=True), ValueError, 'no batch: 10 rows, batch_size 11'),
])
def test_loader_refuses(args, error, says):
    x, y = rows_and_labels(10)
    with pytest.raises(error, match=says): Loader(**{'x': x, 'y': y, **args})

@pytest.mark.parametrize('workers', [0, 1, 3])
@pytest.mark.parametrize('wrong', [lambda *args: 1/0, lambda *args: None], ids=['raises', 'returns None'])
def test_failing_transform_names_the_batch(workers, wrong):
    x, y = rows_and_labels(20)
    before, got = threads(), []
    fails = lambda xb, yb, rng: wrong(xb, yb, rng) if 13 in yb else (xb, yb)
    with pytest.raises(RuntimeError, match=r'batch 3 \(from 0\)') as e:
        for xb, yb in Loader(x, y, 4, False, rng(), workers, transform=fails): got.append(yb)
    assert len(got) == 3 and isinstance(e.value.__cause__, (ZeroDivisionError, TypeError))
    assert threads() <= before

@pytest.mark.parametrize('workers', [1, 3])
def test_leaving_early_leaves_no_thread(workers):
    x, y = rows_and_labels(50)
    loader, before = Loader(x, y, 2, rng=rng(), workers=workers, transform=jitter), threads()
    for i, _ in enumerate(loader):
        if i == 2: break
    assert threads() <= before
    with pytest.raises(KeyError):
        for _ in loader: raise KeyError('from the loop')
    assert threads() <= before
    it = iter(loader)
    next(it)
    assert threads() > before
    del it
    assert threads() <= before

def test_prefetch_is_bounded():
    begun, x, y = [], *rows_and_labels(40)
    def count(xb, yb, rng):
        begun.append(yb[0])
        return xb, yb
    for done, _ in enumerate(Loader(x, y, 1, False, rng(), 2, prefetch=3, transform=count), 1):
        time.sleep(.001)
        assert len(begun) <= done - 1 + 2 + 3

def test_next_batch_is_made_while_this_one_is_used():
    x, y = rows_and_labels(8)
    made = [threading.Event() for _ in range(8)]
    def mark(xb, yb, rng):
        made[yb[0]].set()
        return xb, yb
    for _, yb in Loader(x, y, 1, False, rng(), 1, transform=mark): assert made[min(yb[0] + 1, 7)].wait(10)

def test_prefetched_refuses():
    for workers, ahead in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match='start at 1'): list(prefetched(abs, [1], workers, ahead))

@posix
def test_ctrl_c_ends_the_threads():
    code = '''
import numpy as np, threading, time
from tinybench.data.loader import Loader
def slow(xb, yb, rng): time.sleep(.02); return xb, yb
try:
    x, rng = np.zeros(10_000), np.random.default_rng(0)
    for _ in Loader(x, x, 2, True, rng, 3, transform=slow): print('going', flush=True)
finally: print('left', threading.active_count(), file=sys.stderr)
'''
    status, err = interrupt(code, lambda child: child.stdout.readline() == 'going\n')
    assert status and 'left 1\n' in err and err.rstrip().endswith('KeyboardInterrupt')

@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('transform', [None, jitter])
@pytest.mark.parametrize('stop', [0, 1, 3, 5])
def test_resume_bit_for_bit(workers, transform, stop):
    x, y = rows_and_labels(20)
    make = lambda seed: Loader(x, y, 4, rng=rng(seed), workers=workers, transform=transform)
    loader = make(0)
    list(loader)
    run, state = iter(loader), loader.state()
    for _ in range(stop):
        next(run)
        state = loader.state()
    rest = list(run) + list(loader)
    other = make(1)
    other.resume(json.loads(json.dumps(state)))
    assert other.state() == state
    again = list(other) + list(other)
    assert len(again) == 10 - stop
    for (xa, ya), (xb, yb) in zip(rest, again, strict=True):
        np.testing.assert_array_equal(xa, xb)
        np.testing.assert_array_equal(ya, yb)
    assert loader.state() == other.state() and other.state()['batch'] == 0

def test_the_generators_state_is_enough_between_epochs():
    x, y = rows_and_labels(20)
    loader, other = (Loader(x, y, 4, rng=rng(seed), transform=jitter) for seed in (0, 1))
    list(loader)
    other.rng.bit_generator.state = loader.rng.bit_generator.state
    for (xa, _), (xb, _) in zip(loader, other, strict=True): np.testing.assert_array_equal(xa, xb)

def test_resume_in_order_and_after_break():
    x, y = rows_and_labels(10)
    loader = Loader(x, y, 2, shuffle=False)
    for _, yb in loader:
        if yb[0] == 4: break
    state = loader.state()
    assert state == dict(rng=None, batch=3) and labels(loader)[0] == [0, 1]
    loader.resume(state)
    assert labels(loader) == [[6, 7], [8, 9]] and len(labels(loader)) == 5
    with pytest.raises(ValueError, match='6 batches into 5'): loader.resume(dict(rng=None, batch=6))

def test_loader_says_what_it_is():
    says = repr(Loader(*rows_and_labels(10), 4, False))
    assert says == 'Loader(3 batches of 4 from (10, 3) float32, in order, 0 workers)'
