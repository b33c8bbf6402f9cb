import pytest

from tinybench.toolchain import compiler

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

@pytest.fixture(scope='session', autouse=True)
def cache(tmp_path_factory):
    "What is compiled here is kept for this session of tests only."
    with pytest.MonkeyPatch.context() as m:
        m.setenv('TINYBENCH_CACHE', str(tmp_path_factory.mktemp('cache')))
        yield
