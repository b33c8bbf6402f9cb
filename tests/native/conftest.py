import pytest

from tinybench.toolchain import compiler

def named(name, tmp_path, monkeypatch):
    "The compiler of that name; what it makes is kept for one test."
    monkeypatch.setenv('TINYBENCH_CC', name)
    monkeypatch.setenv('TINYBENCH_CACHE', str(tmp_path/'cache'))
    return compiler.find_compiler()

@pytest.fixture(params=['zig', 'gcc'])
def real(request, tmp_path, monkeypatch):
    "Each of the compilers that the C is tried with."
    if not (compiler.wheel() if request.param == 'zig' else compiler.on_path('gcc')): pytest.skip(f'needs {request.param}')
    return named(request.param, tmp_path, monkeypatch)

@pytest.fixture
def gcc(tmp_path, monkeypatch):
    if not compiler.on_path('gcc'): pytest.skip('needs gcc')
    return named('gcc', tmp_path, monkeypatch)
