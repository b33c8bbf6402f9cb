"nbdev 3, which reads pyproject.toml instead of settings.ini, exports the same and keeps the notebooks."
import os, subprocess, sys

import pytest

pytestmark = pytest.mark.slow
PLAIN = '__init__.py', 'cli/', 'base/', 'embedded/', 'official/', 'toolchain/', 'emit/', 'learn/', 'mcu/', 'exchange/', 'operating/', 'peers/', 'forms/', 'study/', 'course/'    # written by hand

def run(*command, cwd):
    # CI's constraints pin what nbdev 2 needs; IN_TEST makes an export do nothing
    env = {k: v for k, v in os.environ.items() if k not in ('PIP_CONSTRAINT', 'IN_TEST')}
    done = subprocess.run(command, cwd=cwd, env=env, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr

@pytest.fixture(scope='module')
def nbdev3(root):
    "The folder of commands of an environment with nbdev 3, kept in .venv for the next time."
    env, pins = root/'.venv'/'nbdev3', root/'.ci'/'nbdev3.txt'
    commands, made = env/('Scripts' if sys.platform == 'win32' else 'bin'), env/'made'
    wanted = f'{sys.version} {pins.read_text()}'
    if not made.exists() or made.read_text() != wanted:
        run(sys.executable, '-m', 'venv', '--clear', env, cwd=root)
        pip = commands/'python', '-m', 'pip', '--disable-pip-version-check'
        run(*pip, 'install', '-q', '-r', pins, cwd=root)
        made.write_text(wanted)
    return commands

def contents(folder, pattern):
    return {p.relative_to(folder).as_posix(): p.read_text(encoding='utf-8') for p in folder.rglob(pattern)}

def index(text):
    "What nbdev's index of names says; its version 2 also lists modules without a notebook, with no names."
    names = {}
    exec(text, names)
    names['d']['syms'] = {module: found for module, found in names['d']['syms'].items() if found}
    return names['d']

def test_export_is_the_same(nbdev3, project):
    lib = project/'tinybench'
    before = contents(lib, '*.py')
    for name in before:
        if not name.startswith(PLAIN): (lib/name).unlink()
    run(nbdev3/'nbdev-export', cwd=project)
    after = contents(lib, '*.py')
    assert after.keys() == before.keys()
    assert index(after.pop('_modidx.py')) == index(before.pop('_modidx.py'))
    for name in before: assert after[name] == before[name], f'nbdev 3 exports {name} differently'

def test_clean_keeps_the_notebooks(nbdev3, project):
    before = contents(project/'nbs', '*.ipynb')
    run(nbdev3/'nbdev-clean', cwd=project)
    after = contents(project/'nbs', '*.ipynb')
    for name in before: assert after[name] == before[name], f'nbdev 3 cleans {name} differently'
