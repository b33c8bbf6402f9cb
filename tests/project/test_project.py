"The project's files agree with each other, and what is generated is what its sources generate."
import configparser, os, re, runpy, subprocess, sys, tomllib

import pytest

@pytest.fixture(scope='module')
def ini(root):
    parser = configparser.ConfigParser()
    parser.read(root/'settings.ini')
    return parser['DEFAULT']

@pytest.fixture(scope='module')
def pyproject(root): return tomllib.loads((root/'pyproject.toml').read_text())

def contents(folder, pattern):
    "The bytes of the files in `folder`, by name."
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob(pattern)}

def changed(before, after): return sorted(n for n in before | after if before.get(n) != after.get(n))

def run(*command, cwd):
    env = {k: v for k, v in os.environ.items() if k != 'IN_TEST'}  # under which nbdev_export does nothing
    done = subprocess.run(command, cwd=cwd, env=env, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_package_is_what_the_notebooks_export(project, script):
    lib = project/'tinybench'
    before = contents(lib, '*.py')
    # from nothing, so that a module whose notebook is gone does not stay
    plain = ('__init__.py', 'cli/', 'base/', 'embedded/', 'official/', 'toolchain/', 'emit/', 'learn/', 'mcu/', 'operating/', 'peers/', 'course/')    # written by hand
    for name in before:
        if not name.startswith(plain): (lib/name).unlink()
    run(script('nbdev_export'), cwd=project)
    diff = changed(before, contents(lib, '*.py'))
    says = 'tinybench/ is not what the notebooks export'
    assert not diff, f'{says}: {", ".join(diff)}; edit the notebooks and run nbdev_export'

def test_notebooks_are_clean(project, script):
    before = contents(project/'nbs', '*.ipynb')
    run(script('nbdev_clean'), cwd=project)
    diff = changed(before, contents(project/'nbs', '*.ipynb'))
    assert not diff, f'not as nbdev_clean leaves them: {", ".join(diff)}; run nbdev_clean'

def test_readme_is_what_index_says(root):
    text, figures = runpy.run_path(str(root/'.ci'/'readme.py'))['readme']()
    written = (root/'README.md').read_text(encoding='utf-8')
    assert written == text, 'README.md is not what nbs/index.ipynb says; run make readme'
    kept = {p.relative_to(root).as_posix(): p.read_bytes() for p in (root/'nbs'/'images').glob('readme-*')}
    diff = changed(kept, figures)
    assert not diff, f'not the figures in nbs/index.ipynb: {", ".join(diff)}; run make readme'

STRANGER = re.compile(r'install [^\n]*?(?<![\w/.-])tinybench(?![\w.-])|(?<![\w-])tinybench(\[|==|>=)', re.I)

def test_nobody_is_told_to_install_the_project_that_has_our_name(ini, pyproject, root):
    "On the package index `tinybench` is another project: what is installed is tinybench-ml."
    assert STRANGER.search('pip install "tinybench[course]"') and STRANGER.search('pip install -q tinybench')
    assert not STRANGER.search("pip install 'tinybench-ml[course]==0.0.1'") and pyproject['project']['name'] == 'tinybench-ml'
    kinds = '.py', '.ipynb', '.md', '.toml', '.ini', '.txt', '.yml', 'run', 'Makefile'
    tracked = subprocess.run(['git', 'ls-files'], cwd=root, text=True, capture_output=True).stdout.split()
    texts = {n: (root/n).read_text(encoding='utf-8') for n in tracked if n.endswith(kinds) and (root/n).is_file()
             and n != 'tests/project/test_project.py'}
    assert len(texts) > 200
    told = [f'{n}: {m[0]}' for n, text in texts.items() for m in STRANGER.finditer(text)]
    assert not told, told

def test_pyproject_follows_settings_ini(ini, pyproject, root):
    project, nbdev = pyproject['project'], pyproject['tool']['nbdev']
    assert project['name'] == ini['lib_name']
    assert project['description'] == ini['description']
    assert project['requires-python'] == f'>={ini["min_python"]}'
    assert project['authors'] == [{'name': ini['author'], 'email': ini['author_email']}]
    assert project['keywords'] == ini['keywords'].split()
    assert project['urls']['Repository'] == ini['git_url']
    assert project['license'] == 'Apache-2.0' and ini['license'] == 'apache2'
    # the version stands once: nbdev writes it from settings.ini to __init__.py, where setuptools reads it
    assert project['dynamic'] == ['version']
    assert f'__version__ = "{ini["version"]}"' in (root/'tinybench'/'__init__.py').read_text()
    for key in nbdev.keys() & ini.keys():
        if key.startswith('allowed_'): assert nbdev[key] == ini[key].split(), f'{key}: nbdev 3 wants a list'
        else: assert str(nbdev[key]).lower() == ini[key].lower(), key

def test_extras(pyproject):
    extras = pyproject['project']['optional-dependencies']
    assert set(extras) == {'fast', 'torch', 'onnx', 'jax', 'litert', 'openvino', 'keras', 'h5', 'faces', 'mlperf', 'postgres', 'course', 'explore', 'mcu', 'dev'}
    assert 'nbdev==2.4.14' in extras['course']

def test_top_level(project):
    meant = '''README.md settings.ini pyproject.toml _quarto.yml nbs tinybench tests assignments
               Makefile .ci .github LICENSE CONTRIBUTING.md .gitignore olympics'''.split()
    extra = {p.name for p in project.iterdir()} - set(meant)
    assert not extra, f'the top level has {", ".join(sorted(extra))} besides what CONTRIBUTING.md lists'

def test_quarto_settings_are_one_file(root):
    assert (root/'nbs'/'_quarto.yml').samefile(root/'_quarto.yml')

def test_what_does_not_run_is_counted_and_named(root, tmp_path):
    (tmp_path/'conftest.py').write_bytes((root/'tests'/'conftest.py').read_bytes())
    wants = 'data_dir', 'data_dir', 'reference_dir'
    (tmp_path/'test_it.py').write_text('\n'.join(f'def test_{i}({w}): pass' for i, w in enumerate(wants)))
    env = {k: v for k, v in os.environ.items() if not k.startswith(('TINYBENCH_', 'PYTEST_'))}
    command = sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'test_it.py'
    done = subprocess.run(command, cwd=tmp_path, env=env, text=True, capture_output=True)
    says = done.stdout.splitlines()
    assert 'not run: 2 tests need TINYBENCH_DATA' in says
    assert 'not run: 1 test needs TINYBENCH_REFERENCE' in says
    assert says[-1].startswith('3 skipped')
