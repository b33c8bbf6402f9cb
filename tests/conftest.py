"What the tests share: data by environment variable, copies of the project, and a count of what did not run."
import gc, os, shutil, signal, sys
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
settings.register_profile('tinybench', deadline=None, max_examples=25, derandomize=True)
settings.load_profile('tinybench')

# a job in the background of a shell ignores Ctrl-C, and so would all that the tests start
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN: signal.signal(signal.SIGINT, signal.default_int_handler)

def folder(var):
    "The folder that the environment variable `var` names; where it is unset, the test is skipped."
    if not os.environ.get(var): pytest.skip(f'needs {var}')
    path = Path(os.environ[var]).resolve()
    if not path.is_dir(): pytest.fail(f'{var} names {path}, which is no folder')
    return path

@pytest.fixture(scope='session')
def data_dir():
    "MNIST's four idx files and a part of CIFAR-10."
    return folder('TINYBENCH_DATA')

@pytest.fixture(scope='session')
def reference_dir():
    "What the four MLPerf Tiny reference models compute, layer by layer."
    return folder('TINYBENCH_REFERENCE')

@pytest.fixture(scope='session')
def torch():
    "PyTorch, to compare with; a fixture, so that every test that would use it is counted when missing."
    return pytest.importorskip('torch', reason='needs PyTorch')

@pytest.fixture(params=['zig', 'gcc'])
def real(request, monkeypatch):
    "Each of the compilers that the emitted C is tried with."
    from tinybench.toolchain import compiler
    if not (compiler.wheel() if request.param == 'zig' else compiler.on_path('gcc')): pytest.skip(f'needs {request.param}')
    monkeypatch.setenv('TINYBENCH_CC', request.param)
    return compiler.find_compiler()

@pytest.fixture
def gcc(monkeypatch):
    from tinybench.toolchain import compiler
    if not compiler.on_path('gcc'): pytest.skip('needs gcc')
    monkeypatch.setenv('TINYBENCH_CC', 'gcc')
    return compiler.find_compiler()

@pytest.fixture(scope='session')
def own_cache(tmp_path_factory):
    "What is compiled from here on is kept for this session of tests only."
    with pytest.MonkeyPatch.context() as m:
        m.setenv('TINYBENCH_CACHE', str(tmp_path_factory.mktemp('cache')))
        yield

@pytest.fixture
def limited(request):
    "A test that waits for a terminal, a thread or a process fails instead of hanging: after three minutes, slow ones twenty."
    if not hasattr(signal, 'setitimer'): return (yield)
    secs = 1200 if request.node.get_closest_marker('slow') else 180
    def late(*_): raise TimeoutError(f'the test hangs: it has not ended in {secs} s')
    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, secs)
    try: yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

@pytest.fixture(scope='session')
def root(): return ROOT

@pytest.fixture(scope='session')
def script():
    "The path of a command that is installed beside this Python."
    return lambda name: str(Path(sys.executable).parent/name)

@pytest.fixture(scope='session')
def copy_project():
    "Copies the project, without what git ignores, to a folder that a test may write to."
    patterns = ['.git', *(line.strip('/') for line in (ROOT/'.gitignore').read_text().splitlines())]
    def ignored(folder, names):
        "As git reads its list: a pattern with a slash is a path from the root, another a name anywhere."
        at = Path(folder).relative_to(ROOT)
        return {n for n in names for p in patterns if fnmatch((at/n).as_posix() if '/' in p else n, p)}
    return lambda to: Path(shutil.copytree(ROOT, to, symlinks=True, ignore=ignored))

@pytest.fixture
def project(copy_project, tmp_path): return copy_project(tmp_path/'project')

@pytest.hookimpl(tryfirst=True)    # before xdist reads the marks
def pytest_collection_modifyitems(items):
    "With --dist loadgroup, one worker runs all tests of a file that use a fixture of the module: it is made once."
    for item in items:
        defined = (d for defs in item._fixtureinfo.name2fixturedefs.values() for d in defs)
        if any(d.scope == 'module' for d in defined): item.add_marker(pytest.mark.xdist_group(item.nodeid.split('::')[0]))

def pytest_collection_finish():
    "The garbage collector is not to look again and again through thousands of tests and what they import, which stay to the end."
    gc.collect()
    gc.freeze()

def pytest_terminal_summary(terminalreporter):
    "One line for each reason that tests did not run."
    reports = terminalreporter.stats.get('skipped', [])
    reasons = Counter((r.longrepr[2].removeprefix('Skipped: '), hasattr(r, 'when')) for r in reports)
    for (why, is_test), n in reasons.most_common():
        what = f'{n} {"test" if is_test else "file"}' + 's'*(n > 1)
        need = why.removeprefix('needs ')
        says = f' need{"s"*(n == 1)} {need}' if need != why else f': {why}'
        terminalreporter.write_line(f'not run: {what}{says}')
