"Small archives, sounds and pictures in the layouts of the official sets, and sets that are made of them."
import csv, hashlib, io, tarfile, threading, wave, zipfile
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from tinybench.data.keywords import KEYWORDS
from tinybench.official import sets
from tinybench.official.sets import RUNNER, File, OfficialSet

def tar_bytes(files, links=()):
    "A .tar.gz with `files`, pairs of a name and bytes, and `links` to /etc/passwd."
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w:gz') as tar:
        for name, data in files:
            m = tarfile.TarInfo(name)
            m.size = len(data)
            tar.addfile(m, io.BytesIO(data))
        for name in links:
            m = tarfile.TarInfo(name)
            m.type, m.linkname = tarfile.SYMTYPE, '/etc/passwd'
            tar.addfile(m)
    return out.getvalue()

def zip_bytes(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
        for name, data in files: z.writestr(name, data)
    return out.getvalue()

def wav(x, channels=1, rate=16000, width=2):
    "A wav file of the samples `x`, int16, in each of the channels."
    out = io.BytesIO()
    with wave.open(out, 'wb') as w:
        w.setparams((channels, width, rate, 0, 'NONE', ''))
        w.writeframes(np.repeat(np.asarray(x, f'<i{width}'), channels).tobytes())
    return out.getvalue()

def jpeg(x):
    from PIL import Image
    out = io.BytesIO()
    Image.fromarray(x).save(out, 'JPEG', quality=95)
    return out.getvalue()

def table(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator='\n').writerows(rows)
    return out.getvalue().encode()

def codes(n, seed=0): return np.random.default_rng(seed).integers(-128, 128, (n, 49, 10)).astype(np.int8)

def kws01(x, y):
    "The files of the repository: inputs, labels, and what else is there."
    at, names = f'{RUNNER}/datasets/kws01/', [f'tst_{i:06}_{KEYWORDS[k]}_{k}.bin' for i, k in enumerate(y)]
    labels = table([(name, 12, k) for name, k in zip(names, y)])
    return [(f'{RUNNER}/README.md', b'hello'), (at + 'y_labels.csv', labels),
            *((at + name, v.tobytes()) for name, v in zip(names, x)), (f'{RUNNER}/datasets/vww01/y_labels.csv', b'')]

def put(monkeypatch, folder, name, contents, kind='sha256', digest=None):
    "Makes `name` the set of these files, (name, bytes) each, which lie in the folder 'published', to be downloaded."
    (folder/'published').mkdir(exist_ok=True)
    files = []
    for i, (file, data) in enumerate(contents):
        at = folder/'published'/f'{name}-{i}'
        at.write_bytes(data)
        files.append(File(at.as_uri(), file, len(data)/1e6, kind, digest or hashlib.sha256(data).hexdigest()))
    monkeypatch.setitem(sets.SETS, name, OfficialSet('a small one', 'ours', tuple(files)))

def put_kws01(monkeypatch, folder, x=None, y=None):
    from tinybench.official.bring import tree_id
    (x, y) = (codes(12), list(range(12))) if x is None else (x, y)
    data, at = tar_bytes(kws01(x, y)), folder/f'{RUNNER}.tar.gz'
    at.write_bytes(data)
    put(monkeypatch, folder, 'kws01', [(at.name, data)], 'tree', tree_id(at))
    at.unlink()
    return x, y

@contextmanager
def served(monkeypatch, name, folder, hang_up_after=None):
    "Lets the set `name`, which `put` made, be downloaded from a server on this machine, which may hang up in each file."
    class Handler(SimpleHTTPRequestHandler):
        def copyfile(self, source, out): out.write(source.read(hang_up_after))
        def log_message(self, *args): pass
    monkeypatch.setenv('NO_PROXY', '*')
    with ThreadingHTTPServer(('127.0.0.1', 0), lambda *args: Handler(*args, directory=folder/'published')) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs=dict(poll_interval=.01))
        thread.start()
        files = [f._replace(url=f'http://127.0.0.1:{server.server_port}/{f.url.rpartition("/")[2]}') for f in sets.SETS[name].files]
        with monkeypatch.context() as m:
            m.setitem(sets.SETS, name, sets.SETS[name]._replace(files=tuple(files)))
            try: yield
            finally:
                server.shutdown()
                thread.join()
