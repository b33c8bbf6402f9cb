"A fixture of a module is made once, also when two processes share the tests."
import os, subprocess, sys

TESTS = '''
import pytest
@pytest.fixture(scope='module')
def made(tmp_path_factory):
    with open(LOG, 'a') as f: f.write('made\\n')
@pytest.mark.parametrize('i', range(4))
def test_one_of(made, i): pass
'''

def test_a_fixture_of_a_module_is_made_once(root, tmp_path):
    (tmp_path/'test_it.py').write_text(f'LOG = {str(tmp_path/"log")!r}' + TESTS)
    (tmp_path/'conftest.py').write_text((root/'tests'/'conftest.py').read_text(encoding='utf-8'), encoding='utf-8')
    env = {k: v for k, v in os.environ.items() if not k.startswith('PYTEST_')}
    done = subprocess.run([sys.executable, '-m', 'pytest', '-n', '2', '--dist', 'loadgroup', '-q', tmp_path],
                          cwd=tmp_path, env=env, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '4 passed' in done.stdout and (tmp_path/'log').read_text() == 'made\n'
