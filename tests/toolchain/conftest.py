import tempfile

import pytest

from tinybench.toolchain import compiler, store

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

@pytest.fixture(params=['zig', 'gcc'])
def real(request, monkeypatch):
    "Each of the compilers that the emitted C is tried with."
    if not (compiler.wheel() if request.param == 'zig' else compiler.on_path('gcc')): pytest.skip(f'needs {request.param}')
    monkeypatch.setenv('TINYBENCH_CC', request.param)
    return compiler.find_compiler()

@pytest.fixture
def gcc(monkeypatch):
    if not compiler.on_path('gcc'): pytest.skip('needs gcc')
    monkeypatch.setenv('TINYBENCH_CC', 'gcc')
    return compiler.find_compiler()
