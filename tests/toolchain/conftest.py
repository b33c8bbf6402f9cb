import tempfile

import pytest

from tinybench.toolchain import store

@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    "Each test has a cache, a temporary folder and an environment without compilers' names of its own."
    for name in ('TINYBENCH_CC', 'CC'): monkeypatch.delenv(name, raising=False)
    (tmp_path/'tmp').mkdir()
    monkeypatch.setenv('TINYBENCH_CACHE', str(tmp_path/'cache'))
    monkeypatch.setenv('TMPDIR', str(tmp_path/'tmp'))
    monkeypatch.setattr(tempfile, 'tempdir', None)
    store.made_by.cache_clear()
    yield tmp_path
    store.made_by.cache_clear()
