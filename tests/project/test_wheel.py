"The library as someone gets who installs it: a wheel, in an environment with nothing else."
import re, subprocess, sys, zipfile

import pytest

pytestmark = pytest.mark.slow
HEAVY = ('matplotlib', 'pandas', 'ipywidgets')

def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

@pytest.fixture(scope='module')
def wheel(copy_project, tmp_path_factory):
    out = tmp_path_factory.mktemp('wheel')
    project = copy_project(out/'project')
    run(sys.executable, '-m', 'build', '--wheel', '--no-isolation', '--outdir', out, project, cwd=out)
    return next(out.glob('*.whl'))

@pytest.fixture(scope='module')
def installed(wheel):
    "The folder of commands of a new environment with the wheel and what it depends on."
    env = wheel.parent/'env'
    run(sys.executable, '-m', 'venv', env, cwd=wheel.parent)
    commands = env/('Scripts' if sys.platform == 'win32' else 'bin')
    run(commands/'python', '-m', 'pip', 'install', '-q', '--disable-pip-version-check', wheel, cwd=env)
    return commands

def test_wheel_holds_the_package_and_nothing_else(wheel, root):
    names = zipfile.ZipFile(wheel).namelist()
    others = {n.split('/')[0] for n in names} - {'tinybench'}
    assert len(others) == 1 and others.pop().endswith('.dist-info')
    kinds = '.py', '.npz', '.tflite', '.md'
    ours = {p.relative_to(root).as_posix() for p in (root/'tinybench').rglob('*') if p.suffix in kinds}
    assert ours <= set(names), f'not in the wheel: {ours - set(names)}'

def test_import_is_light(installed):
    once = f'''import sys, time
start = time.process_time(); import tinybench; took = time.process_time() - start
print(took, *(m for m in {HEAVY} if m in sys.modules))'''
    runs = [run(installed/'python', '-I', '-c', once, cwd=installed.parent).split() for _ in range(5)]
    assert [r[1:] for r in runs] == [[]]*5, f'import tinybench loads {runs[0][1:]}'
    best = min(float(r[0]) for r in runs)
    assert best < .25, f'import tinybench takes {best:.2f} s of processor time'    # however busy the machine is

def test_every_module_imports_without_the_extras(installed):
    every = f'''import pkgutil, sys, tinybench
from importlib import import_module
names = [m.name for m in pkgutil.walk_packages(tinybench.__path__, 'tinybench.')]
show = [n for n in names if n.startswith('tinybench.show')]
for n in names:
    if n not in show and not n.startswith('tinybench.course'): import_module(n)
print(tinybench.__file__, *(m for m in {HEAVY} if m in sys.modules))
for n in show: import_module(n)'''
    where, *loaded = run(installed/'python', '-I', '-c', every, cwd=installed.parent).split()
    assert 'site-packages' in where
    assert not loaded, f'outside show, modules load {loaded} when they are imported'

def test_installed_version_and_command(installed, root):
    version = re.search(r'(?m)^version = (.+)$', (root/'settings.ini').read_text())[1]
    asked = 'import importlib.metadata as m, tinybench; print(m.version("tinybench-ml"), tinybench.__version__)'
    assert run(installed/'python', '-I', '-c', asked, cwd=installed.parent).split() == [version, version]
    for command in [installed/'tinybench'], [installed/'python', '-m', 'tinybench.cli']:
        assert 'demo' in run(*command, '--help', cwd=installed.parent)
