"Cells, stubs, the lint, what is built with real nbgrader, and the student's workspace."
import ast, datetime, hashlib, json, os, shutil, subprocess, sys, warnings
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from coursekit import make_course
from tinybench.course.cells import CourseError, exercises, parse_notebook, read_notebook, role
from tinybench.course.units import read_course
from tinybench.course.stub import STUB, outermost, solution_of, stub, strip_hidden
from tinybench.course.teacher.build import build, is_built, load_config
from tinybench.course.teacher.lint import check
from tinybench.course.teacher.gradebook import gradebook
from tinybench.course.teacher.handout import release

ROOT = Path(__file__).resolve().parents[2]

def cell(name, source, kind=new_code_cell, **meta):
    meta = meta and dict(grade_id=name, schema_version=3, solution=False, grade=False, task=False, locked=False) | meta
    return kind(source, id=name, metadata=dict(nbgrader=meta) if meta else {})

def shown(name, source): return cell(name, source, grade=True, locked=True, points=1)

def hidden(name, source, points=2):
    source = f'#| hide\n### BEGIN HIDDEN TESTS\n{source}\n### END HIDDEN TESTS'
    return cell(name, source, grade=True, locked=True, points=points)

def notebook(*cells): return new_notebook(cells=list(cells), metadata=dict(kernelspec=dict(name='python3', display_name='python3', language='python')))

def halves():
    "A notebook with two exercises of three points each; the second calls the first."
    return notebook(
        cell('default-exp', '#| default_exp core.halves'), new_markdown_cell('# Halves\n> What is left of two', id='title'),
        cell('imports', '#| export\nfrom functools import wraps'),
        cell('half', '#| export\ndef half(x):\n    "Half of x."\n    SOLVED = x/2  # the answer\n    return SOLVED', solution=True),
        shown('half-check', 'assert half(6) == 3'), hidden('half-hidden', 'for n in (5, 7): assert half(n) == n/2  # SECRET'),
        cell('half-show', 'half(10)'),
        cell('quarter', '#| export\ndef quarter(x): return half(half(x))  # SOLVED', solution=True),
        shown('quarter-check', 'assert quarter(8) == 2'), hidden('quarter-hidden', 'assert quarter(1) == .25  # SECRET'))

def thirds():
    return notebook(
        cell('default-exp', '#| default_exp core.thirds'), new_markdown_cell('# Thirds\n> Of three', id='title'),
        cell('imports', '#| export\nfrom demo.core.halves import half'),
        cell('third', '#| export\ndef third(x):\n    SOLVED = half(x)*2/3\n    return SOLVED', solution=True),
        shown('third-check', 'assert abs(third(6) - 2) < 1e-9'), hidden('third-hidden', 'assert abs(third(1) - 1/3) < 1e-9  # SECRET'))

TOML = '''id = "demo"
[[unit]]
name = "first"
title = "Numbers"
notebooks = ["00_core.halves"]
due = 2026-10-05T23:59:00+02:00
[[unit]]
name = "second"
notebooks = ["01_core.thirds"]
'''

def save(course, name, nb): nbformat.write(nb, course.path(name))

@pytest.fixture
def course(tmp_path):
    (tmp_path/'nbs').mkdir(); (tmp_path/'assignments').mkdir()
    (tmp_path/'settings.ini').write_text('[DEFAULT]\nlib_name = demo\ngit_url = https://example.com/demo\ndescription = 100 %% numbers\n')
    (tmp_path/'assignments'/'course.toml').write_text(TOML)
    nbformat.write(halves(), tmp_path/'nbs'/'00_core.halves.ipynb')
    nbformat.write(thirds(), tmp_path/'nbs'/'01_core.thirds.ipynb')
    return read_course(tmp_path)

def run(*command, cwd, **more):
    drop = ('IN_TEST', 'TINYBENCH_GRADEBOOK')
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
    env = {k: v for k, v in os.environ.items() if k not in drop} | {'PATH': path, 'PYTHONWARNINGS': 'ignore', 'JUPYTER_CONFIG_DIR': str(cwd), 'HOME': str(cwd)} | more
    done = subprocess.run([*map(str, command)], cwd=cwd, env=env, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


# --- course.toml

@pytest.mark.parametrize('text, says', [
    ('', "id is None"), ('id = 3', 'id is 3'), ('id = "a b"', 'letters'), ('id = "x"\nunits = []', 'did you mean unit?'),
    ('id = ', 'is not TOML'), ('id = "x"\nunit = 3', 'tables that begin with'), ('id = "x"\nunit = [3]', 'to be a table'),
    ('id = "x"\n[[unit]]\nnotebooks = ["00_core.halves"]', 'the name is None'),
    ('id = "x"\n[[unit]]\nname = "a"', 'notebooks is to be a list'),
    ('id = "x"\n[[unit]]\nname = "a"\nnotebooks = "00_core.halves"', 'notebooks is to be a list'),
    ('id = "x"\n[[unit]]\nname = "../a"\nnotebooks = ["00_core.halves"]', 'names a folder'),
    ('id = "x"\n[[unit]]\nname = "a"\nnotebooks = ["00_core.halfs"]', 'did you mean 00_core.halves?'),
    ('id = "x"\n[[unit]]\nname = "a"\nnotebooks = ["00_core.halves", "00_core.halves"]', 'twice'),
    ('id = "x"\n' + '[[unit]]\nname = "a"\nnotebooks = ["00_core.halves"]\n'*2, 'two units are called a'),
    ('id = "x"\n[[unit]]\nname = "a"\nnotebooks = ["00_core.halves"]\ndue = 2026-10-05T23:59:00', 'offset'),
    ('id = "x"\n[[unit]]\nname = "a"\nnotebooks = ["00_core.halves"]\ndue = "tomorrow"', 'offset'),
    ('id = "x"\n[[unit]]\nname = "a"\nnotebooks = ["00_core.halves"]\ntitel = "A"', 'did you mean title?'),
    ('id = "x"\ntitle = 3', 'title is 3'), ('id = "x"\ntools = ["02_tool.box"]', 'Delete tools.'), ('id = "x"\nrenamed = 3', 'to be a table'),
    ('id = "x"\n[renamed]\n"09_halves" = "00_core.halfs"', 'in no unit: there is none'),
    ('id = "x"\n[limits]\nmemory = 3', 'did you mean memory_mb?'), ('id = "x"\n[limits]\nmemory_mb = 0', 'above 0'),
    ('id = "x"\n[limits]\nmemory_mb = true', 'above 0'), ('id = "x"\nlimits = 3', 'to be a table'),
])
def test_course_toml_errors_say_what_to_do(course, text, says):
    (course.root/'course.toml').write_text(text)
    with pytest.raises(CourseError, match='(?s).') as e: read_course(course.root)
    assert says in str(e.value) and 'course.toml' in str(e.value)

def test_course_is_found_from_its_folders(course, tmp_path_factory):
    for at in (course.root, course.root.parent, course.nbs): assert read_course(at) == course
    assert course.units[0].due.utcoffset() == datetime.timedelta(hours=2) and course.units[1].due is None
    assert course.limits['memory_mb'] == 4096 and course.notebooks == ('00_core.halves', '01_core.thirds')
    assert course.unit_of('01_core.thirds') is course.unit('second')
    with pytest.raises(CourseError, match='did you mean second. There is first, second'): course.unit('secnd')
    with pytest.raises(CourseError, match='no course.toml'): read_course(tmp_path_factory.mktemp('empty'))

def test_gradebook_url(course, monkeypatch):
    monkeypatch.delenv('TINYBENCH_GRADEBOOK', raising=False)
    assert course.db_url == f'sqlite:///{course.root}/gradebook.db'
    monkeypatch.setenv('TINYBENCH_GRADEBOOK', 'sqlite:////elsewhere.db')
    assert course.db_url == 'sqlite:////elsewhere.db'


# --- files that are no notebooks

@pytest.mark.parametrize('data, says', [
    (b'', 'is empty'), (b'  \n', 'is empty'), (b'{"cells": [', 'cut off'), (b'\xff\xfe\x00', 'not text'), (b'[]', 'not a notebook'),
    (b'{}', 'not a notebook'), (b'{"nbformat": "4"}', 'not a notebook'), (b'{"nbformat": 5}', 'format 5'), (b'{"nbformat": 2}', 'format 2'),
    (b'{"nbformat": 4}', 'no list of cells'), (b'{"nbformat": 4, "cells": {}}', 'no list of cells'),
    (b'{"nbformat": 4, "cells": [3]}', 'cell 1'), (b'{"nbformat": 4, "cells": [{"cell_type": "heading"}]}', 'cell 1'),
    (b'{"nbformat": 3}', 'not a whole notebook'), (b'['*100_000, 'nested too deep'), (b'{"nbformat": ' + b'9'*5000 + b'}', 'not JSON'),
])
def test_files_that_are_no_notebooks(tmp_path, data, says):
    (tmp_path/'a.ipynb').write_bytes(data)
    with pytest.raises(CourseError) as e: read_notebook(tmp_path/'a.ipynb')
    assert says in str(e.value) and 'a.ipynb' in str(e.value)

def test_missing_large_and_folder(tmp_path):
    with pytest.raises(CourseError, match='no file'): read_notebook(tmp_path/'none.ipynb')
    with pytest.raises(CourseError, match='no file'): read_notebook(tmp_path)
    with open(tmp_path/'big.ipynb', 'wb') as f: f.truncate(21*2**20)
    with pytest.raises(CourseError, match='has 21 MB'): read_notebook(tmp_path/'big.ipynb')

def test_old_formats_get_ids_and_keep_names(tmp_path):
    nb = json.loads(nbformat.writes(halves()))
    nb['nbformat_minor'] = 4
    for c in nb['cells']: del c['id']
    read = parse_notebook(json.dumps(nb))
    assert [c.id for c in read.cells if c.id.startswith('half')] == ['half', 'half-check', 'half-hidden']
    assert read.cells[0].id == 'cell-1'
    old = dict(nbformat=3, nbformat_minor=0, metadata={}, worksheets=[dict(cells=[
        dict(cell_type='code', input=['x = 1\n', 'x'], language='python', outputs=[], metadata={}, prompt_number=1)], metadata={})])
    assert parse_notebook(json.dumps(old)).cells[0].source == 'x = 1\nx'

json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                           lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=5), x, max_size=3), max_leaves=8)

@given(st.data())
def test_any_json_is_a_notebook_or_a_course_error(data):
    "One key, anywhere in a notebook, becomes anything: it reads and can be written, or there is a CourseError."
    nb = json.loads(nbformat.writes(halves()))
    at = nb
    while isinstance(at, (dict, list)) and at:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not isinstance(at[key], (dict, list)) or not at[key] or data.draw(st.booleans()):
            at[key] = data.draw(json_values)
            break
        at = at[key]
    try: read = parse_notebook(json.dumps(nb))
    except CourseError: return
    for c in read.cells: assert role(c) in ('exercise', 'check', 'hidden', 'written', '') and isinstance(c.source, str)
    exercises(read)
    json.dumps(read).encode()

def test_duplicate_ids_are_kept_and_half_characters_are_not():
    text = nbformat.writes(halves()).replace('"id": "half-show"', '"id": "half"').replace('half(10)', '\\ud800')
    read = parse_notebook(text)
    assert [c.id for c in read.cells].count('half') == 2 and read.cells[6].source == '?'

def test_checks_belong_to_exercises_by_name():
    nb = halves()
    nb.cells = [*nb.cells[:5], *nb.cells[6:], nb.cells[5]]  # half-hidden at the end
    assert [[c.id for c in e.checks] for e in exercises(nb)] == [['half-check', 'half-hidden'], ['quarter-check', 'quarter-hidden']]
    nb.cells[4].metadata.nbgrader.grade_id = 'other-check'   # goes to the exercise above it, and its pair follows
    nb.cells[-1].metadata.nbgrader.grade_id = 'other-hidden'
    assert [len(e.checks) for e in exercises(nb)] == [2, 2] and exercises(nb)[0].points == 3


# --- stubs

STUBBED = '\n'.join('    ' + line for line in STUB.split('\n'))

@pytest.mark.parametrize('source, want', [
    ('def f(x): return x', f'def f(x):\n{STUBBED}'),
    ('def f(x): "Doc."; return x', f'def f(x):\n    "Doc."\n{STUBBED}'),
    ('def f(x):  # seconds\n    return x', f'def f(x):  # seconds\n{STUBBED}'),
    ('def f(x):\n    # how\n    return x\n    # why\n\n# next\ny = 1', f'def f(x):\n{STUBBED}\n\n# next\ny = 1'),
    ('def f(x):\n    # units\n    "Doc."\n    # how\n    return x', f'def f(x):\n    # units\n    "Doc."\n{STUBBED}'),
    ('def f(x)->dict[str, int]: return {"a": 1}', f'def f(x)->dict[str, int]:\n{STUBBED}'),
    ('def f(x, g=lambda a: a, *, s={1: 2}[1:]): return x', f'def f(x, g=lambda a: a, *, s={{1: 2}}[1:]):\n{STUBBED}'),
    ('def f() -> (lambda: 3): return 1', f'def f() -> (lambda: 3):\n{STUBBED}'),
    ('async def f(x):\n    await x', f'async def f(x):\n{STUBBED}'),
    ('def f(x): \\\n  return x', f'def f(x):\n{STUBBED}'),
    ('def f(é="ü"): "ö"; return é  # ä', f'def f(é="ü"):\n    "ö"\n{STUBBED}'),
    ('@d(lambda: 1)\n@e\ndef f(x):\n    @d\n    def g(y): return y\n    return g', f'@d(lambda: 1)\n@e\ndef f(x):\n{STUBBED}'),
    ('half = lambda x: x/2\ndef f(x): return half(x)', f'half = lambda x: x/2\ndef f(x):\n{STUBBED}'),
    ('if True:\n  def f(x):\n    """A\n\n  doc."""\n    return x\nelse:\n  f = None',
     'if True:\n  def f(x):\n    """A\n\n  doc."""\n' + STUBBED + '\nelse:\n  f = None'),
    ('class A:\n\t"Doc."\n\tn: int = 3\n\tdef f(self):\n\t\tx = """\n# no comment\n"""\n\t\treturn x\n\tdef g(self): ...',
     'class A:\n\t"Doc."\n\tn: int = 3\n\tdef f(self):\n' + '\n'.join('\t\t' + s for s in STUB.split('\n')) + '\n\tdef g(self): ...'),
    ('def f():\r\n    "Doc."\r\n    return 1', f'def f():\n    "Doc."\n{STUBBED}'),
    ('def f(x):\n    y = x\n    ### BEGIN SOLUTION\n    return y\n    ### END SOLUTION', f'def f(x):\n    y = x\n{STUBBED}'),
    ('class A:\n    def f(self):\n        ### BEGIN SOLUTION\n        ### END SOLUTION\n        return 1',
     'class A:\n    def f(self):\n' + '\n'.join('    ' + s for s in STUBBED.split('\n')) + '\n        return 1'),
])
def test_stub_by_example(source, want):
    assert stub(source) == want
    ast.parse(want)

@pytest.mark.parametrize('source', ['', 'x = 1', 'def f(): ...', 'def f(): "Doc."', 'def f():\n    pass', 'f = lambda x: x', 'class A:\n    n = 3'])
def test_nothing_to_clear_is_an_error(source):
    with pytest.raises(CourseError, match='no function body'): stub(source)

@pytest.mark.parametrize('source', ['def f(:', '%timeit f()', 'def f():\nreturn 1', '\x00'])
def test_no_python_is_an_error(source):
    with pytest.raises((CourseError, ValueError)): stub(source)

comments = st.sampled_from(['', '  # kept', '  # seconds: [1'])
docs = st.sampled_from(['', '"Doc."', "'''A longer\n\n{i}doc: with (\n{i}'''", 'r"\\d" "joined"'])
bodies = st.sampled_from(['return SECRET', 'y = SECRET\n{i}return y', 'for SECRET in x:\n{i}  yield SECRET\n{i}# SECRET',
                          'def inner(z): return SECRET\n{i}return inner', 'return """\nSECRET\n"""  # SECRET', 'return {{1: SECRET}}[1:]\n\n{i}# SECRET'])
params = st.sampled_from(['x', 'x:int=3', 'x,\n  y={{1: 2}},  # kept\n', 'x, *args, k=lambda a: a, **kw', 'self, x:"str"=":"', 'é="ü:"'])
arrows = st.sampled_from(['', ' -> int', ' -> dict[str, int]', ' -> (1 if True else 2)', ' -> "a: b"'])

@st.composite
def function(draw, indent=''):
    i = indent + draw(st.sampled_from(['    ', '  ', '\t']))
    deco = draw(st.sampled_from(['', f'{indent}@wraps\n', f'{indent}@wraps(lambda: 1)\n{indent}@wraps\n']))
    name, prefix = draw(st.sampled_from('fgh')), draw(st.sampled_from(['', 'async ']))
    doc, body = draw(docs).format(i=i), draw(bodies).format(i=i)
    if prefix and 'yield' in body: prefix = ''
    start = f'{deco}{indent}{prefix}def {name}({draw(params).format()}){draw(arrows)}:'
    if draw(st.booleans()) and 'y = ' not in body and 'for' not in body and 'def' not in body and '\n' not in body:
        return f'{start} {doc}{"; " if doc else ""}{body}  # SECRET'
    between = f'{i}# kept\n' if doc and draw(st.booleans()) else ''
    why = f'{i}# SECRET\n' if draw(st.booleans()) else ''
    return f'{start}{draw(comments)}\n{between}{i + doc if doc else ""}{chr(10) if doc else ""}{why}{i}{body}'

@st.composite
def module(draw):
    parts = ['#| export', draw(st.sampled_from(['', 'n = [1, 2]', 'half = lambda x: x/2', 'import os'])), draw(function())]
    methods = draw(st.lists(function('    '), max_size=2))
    if methods: parts.append('class A(object):\n    "Doc."\n    kept = {1: 2}\n' + '\n\n'.join(methods))
    return '\n'.join(draw(st.permutations(parts[1:])) + ['kept = 1'])

def skeleton(source):
    "The tree of `source` with each outermost body replaced by its docstring and what a stub does."
    tree = ast.parse(source)
    raises = ast.parse('raise NotImplementedError()').body
    for f in outermost(tree): f.body = [*f.body[:len(f.body) - len(solution_of(f))], *raises]
    return ast.dump(tree)

@given(module())
def test_stub_keeps_all_but_the_bodies(source):
    got = stub(source)
    assert skeleton(source) == ast.dump(ast.parse(got))
    assert 'SECRET' not in got and got.count('kept') == source.count('kept')
    assert stub(got) == got

def test_every_exercise_of_the_course_has_a_stub():
    course, n = read_course(ROOT), 0
    for name in course.notebooks:
        nb = read_notebook(course.path(name))
        for e in exercises(nb):
            got, n = stub(e.cell.source), n + 1
            assert skeleton(e.cell.source) == ast.dump(ast.parse(got)), f'{name}, {e.name}'
    assert n > 90


# --- the site

def test_no_hidden_check_reaches_the_site(course, tmp_path):
    nb = halves()
    nb.cells[3].source = nb.cells[3].source.replace('#| export\n', '')     # an exercise that is not exported
    nb.cells[7].source = '#| exports\ndef quarter(x):\n    return half(half(x))  # SOLVED'
    nb.cells[9].source = nb.cells[9].source.replace('#| hide\n', '')
    nb.cells.append(cell('why', 'SOLVED by thought', new_markdown_cell, solution=True, grade=True, points=1))
    nb.cells.append(cell('last', 'x = 1\n### BEGIN HIDDEN TESTS\n"SECRET"\n### END HIDDEN TESTS\nx + 1'))
    save(course, '00_core.halves', nb)
    shutil.copy(ROOT/'settings.ini', tmp_path/'settings.ini')
    (tmp_path/'tinybench').mkdir()
    (tmp_path/'tinybench'/'__init__.py').write_text('')
    (tmp_path/'nbs'/'_quarto.yml').write_text('project:\n  type: website\n')
    course.path('01_core.thirds').unlink()
    (tmp_path/'proc.py').write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from nbdev.serve import proc_nbs\nif __name__ == '__main__': proc_nbs(force=True, n_workers=0)\n")
    run(sys.executable, 'proc.py', cwd=tmp_path)
    said = (tmp_path/'_proc'/'00_core.halves.ipynb').read_text()
    assert 'SECRET' not in said and 'SOLVED' not in said
    assert 'half(10)' in said and 'assert quarter(8) == 2' in said and 'x + 1' in said and 'NotImplementedError' in said


# --- check

def nth(name): return [c.id for c in halves().cells].index(name)

def changed(name, **new):
    def change(nb):
        c = nb.cells[nth(name)]
        for k, v in new.items():
            if k in ('source', 'id', 'cell_type'): c[k] = v
            else: c.metadata.nbgrader[k] = v
    return change

def to_markdown(nb):
    c = nb.cells[nth('half')]
    nb.cells[nth('half')] = cell('half', 'def', new_markdown_cell, **c.metadata.nbgrader)

@pytest.mark.parametrize('change, at, says', [
    (changed('half-show', id='half'), 'half', '2 cells have this id'),
    (changed('quarter', grade_id='half'), 'half', '2 cells have this grade_id'),
    (changed('half', grade_id='other'), 'half', 'its grade_id is other'),
    (changed('half', grade_id='a b', id='a b'), 'a b', 'letters, digits'),
    (changed('half-check', schema_version=4), 'half-check', 'schema_version is 4'),
    (changed('half-check', schema_version=2), 'half-check', 'schema_version is 2'),
    (changed('half-check', points=0), 'half-check', 'has 0 points'),
    (changed('half-check', points=-1), 'half-check', 'has -1 points'),
    (changed('half-check', points='one'), 'half-check', 'has one points'),
    (changed('half-check', points=float('nan')), 'half-check', 'has nan points'),
    (changed('half-check', locked=False), 'half-check', 'not locked'),
    (changed('half-check', locked=None), 'half-check', 'says nothing about locked'),
    (to_markdown, 'half', 'holds no code'),
    (changed('half', source='half = lambda x: x/2'), 'half', 'no function body'),
    (changed('half', source='def half(x: return'), 'half', 'is not Python'),
    (changed('half', source='def half(x):\n    ### BEGIN SOLUTION\n    return x/2'), 'half', 'do not pair'),
    (changed('half', source='def half(x):\n    ### END SOLUTION\n    return x/2\n    ### BEGIN SOLUTION'), 'half', 'do not pair'),
    (changed('half', source='two = 2\n### BEGIN SOLUTION\ndef half(x): return x/two\n### END SOLUTION'), 'half', 'not inside a function'),
    (changed('half', source='def half(x):\n    if x:\n        ### BEGIN SOLUTION\n        return x/2\n    return 0\n    ### END SOLUTION'), None, ''),
    (changed('half', source='def half(x):\n    return (\n### BEGIN SOLUTION\n        x\n### END SOLUTION\n    )'), 'half', 'its stub is not Python'),
    (changed('half-show', source='### BEGIN SOLUTION\nhalf(1)\n### END SOLUTION'), 'half-show', 'marks of a solution'),
    (changed('half-check', source='assert half(6) == 3\nhalf(98)'), 'half-check', 'is the value half(98)'),
    (changed('half-check', source='test_eq(half(6), 3)'), None, ''),
    (changed('half-check', source='# nothing'), 'half-check', 'it checks nothing'),
    (changed('half-check', source='%matplotlib inline\nassert half(6) == 3'), 'half-check', 'IPython magic'),
    (changed('half-check', source='x = !ls\nassert half(6) == 3'), 'half-check', 'IPython magic'),
    (changed('half-check', source='get_ipython()\nassert half(6) == 3'), 'half-check', 'asks for IPython'),
    (changed('half-show', source='%timeit half(10)'), None, ''),
    (changed('half-check', source='#| export\nassert half(6) == 3'), 'half-check', 'and exported'),
    (changed('half-hidden', source='#| hide\nassert half(5) == 2.5'), 'half-hidden', 'hidden in part'),
    (changed('half-hidden', source='n = 5\n### BEGIN HIDDEN TESTS\nassert half(n) == 2.5\n### END HIDDEN TESTS'), 'half-hidden', 'hidden in part'),
    (changed('half-show', source='### BEGIN HIDDEN TESTS\nhalf(5)\n### END HIDDEN TESTS'), 'half-show', 'and has no points'),
    (lambda nb: nb.cells.pop(nth('half-hidden')), 'half', 'no hidden check'),
    (lambda nb: nb.cells.pop(nth('half-check')), 'half', 'no visible check'),
    (lambda nb: nb.cells.insert(1, shown('early', 'assert True')), 'early', 'above all exercises'),
    (changed('half-check', source='three = half(6)\nassert three == 3'), None, ''),
    (lambda nb: (changed('half-check', source='three = half(6)\nassert three == 3')(nb),
                 changed('quarter-check', source='assert quarter(12) == three')(nb)), 'quarter-check', 'where it may fail'),
    (lambda nb: (changed('half-check', source='three = 3\nassert half(6) == three')(nb),
                 changed('quarter-check', source='assert quarter(12) == three')(nb)), None, ''),
    (lambda nb: (changed('half-hidden', source='#| hide\n### BEGIN HIDDEN TESTS\nn = 5\nassert half(n) == 2.5\n### END HIDDEN TESTS')(nb),
                 changed('half-show', source='[half(n) for _ in range(2)]')(nb)), 'half-show', 'only the hidden check'),
    (lambda nb: (changed('half-hidden', source='#| hide\n### BEGIN HIDDEN TESTS\nn = 5\nassert half(n) == 2.5\n### END HIDDEN TESTS')(nb),
                 changed('half-show', source='[half(n) for n in range(2)]')(nb)), None, ''),
    (changed('imports', source='#| export\nimport os\nfolder = os.curdir'), 'imports', 'imports and does something else'),
    (changed('imports', source='#| export\nfrom demo.core.thirds import third'), 'imports', 'no notebook before'),
    (changed('imports', source='#| export\nfrom demo.core import thirds'), 'imports', 'no notebook before'),
    (changed('imports', source='#| export\nfrom .thirds import third'), 'imports', 'no notebook before'),
    (changed('imports', source='#| export\nfrom demo.core.halves import half'), 'imports', 'no notebook before'),
    (changed('half-show', source='from demo import __version__'), None, ''),
    (changed('half-show', source='def f():\n    from demo.core.thirds import third\n    return third'), 'half-show', 'no notebook before'),
    (changed('half-show', source='#| export\nONE = half(2)'), 'half-show', 'calls half when it is imported'),
    (changed('half-show', source='#| export\ndef one(by=half(2)): return by'), 'half-show', 'calls half when it is imported'),
    (changed('half-show', source='#| export\n@half\ndef one(): return 1'), 'half-show', 'calls half when it is imported'),
    (changed('half-show', source='#| export\nTABLE = {"half": half}\ndef one(): return half(2)\ntwo = lambda: half(4)'), None, ''),
    (changed('default-exp', source='#| default_exp core.other'), '', 'first cell'),
    (lambda nb: nb.metadata.kernelspec.update(language='R'), '', 'kernel is for R'),
])
def test_check_finds(course, change, at, says):
    nb = halves()
    change(nb)
    course.path('00_core.halves').write_text(json.dumps(nb))
    found = check(course, 'first')
    if at is None: assert not found
    else: assert any(p.cell == at and says in repr(p) for p in found), found
    assert all(p.notebook == '00_core.halves' and p.fix and str(p).endswith('.') for p in found)

def test_check_across_notebooks(course):
    assert check(course) == []
    nb = thirds()
    nb.cells[3].source += '\nSIX = half(12)'
    save(course, '01_core.thirds', nb)
    assert ['half' in p.what for p in check(course)] == [True] and not check(course, 'first')
    (course.nbs/'02_core.more.ipynb').write_text(nbformat.writes(halves()))
    assert any(p.notebook == '02_core.more' and 'in no unit' in p.what for p in check(course))
    course.path('01_core.thirds').write_text('{')
    assert any(p.notebook == '01_core.thirds' and 'cut off' in p.what for p in check(course))

def test_the_course_has_no_problems():
    assert check(read_course(ROOT)) == []


# --- build

def released(course, unit, name): return read_notebook(course.folder('release', unit, f'{name}.ipynb'))

def test_build_makes_what_nbgrader_wants(course):
    told = []
    first, second = build(course, progress=lambda *a: told.append(a))
    assert (first.exercises, first.points, second.points) == (2, 6, 3) and 'first: 1 notebook, 2 exercises, 6 points' == repr(first)
    assert told == [(1, 2, '00_core.halves'), (2, 2, '01_core.thirds')]
    nb, text = released(course, 'first', '00_core.halves'), course.folder('release', 'first', '00_core.halves.ipynb').read_text()
    nbformat.validate(nbformat.from_dict(json.loads(text)))
    assert [c.id for c in nb.cells] == [c.id for c in halves().cells if role(c) != 'hidden']
    assert 'SOLVED' not in text and 'SECRET' not in text and 'HIDDEN' not in text
    assert all(c.source.strip() for c in nb.cells) and not any(c.get('outputs') for c in nb.cells)
    with gradebook(course, load_config(course)) as book:
        assignment = book.find_assignment('first')
        assert assignment.duedate == datetime.datetime(2026, 10, 5, 21, 59) and assignment.max_score == 6
        assert 'SECRET' in book.find_source_cell('half-hidden', '00_core.halves', 'first').source
        assert book.find_assignment('second').duedate is None
    assert sorted(p.name for p in course.root.iterdir()) == ['course.toml', 'gradebook.db', 'release', 'source']

def test_building_again_keeps_grades_or_says_why_not(course):
    build(course)
    config = load_config(course)
    with gradebook(course, config) as book, warnings.catch_warnings():
        warnings.simplefilter('ignore')                                    # of SQLAlchemy, about nbgrader
        book.add_student('ada')
        book.add_submission('first', 'ada')
    before = course.folder('release', 'first', '00_core.halves.ipynb').read_bytes()
    nb = halves()
    nb.cells[4].source = 'assert half(8) == 4'                              # a better check of the same name may come
    save(course, '00_core.halves', nb)
    (course.root/'course.toml').write_text(TOML.replace('2026-10-05', '2026-10-06'))
    assert not is_built(course, course.unit('first'))
    build(read_course(course.root), 'first')
    assert is_built(course, course.unit('first'))
    after = course.folder('release', 'first', '00_core.halves.ipynb').read_bytes()
    assert after != before
    with gradebook(course, config) as book:
        assert book.find_assignment('first').duedate.day == 6
        assert book.find_submission('first', 'ada') and 'half(8)' in book.find_source_cell('half-check', '00_core.halves', 'first').source
    more = halves()
    more.cells.append(cell('fifth', 'def fifth(x): return x/5', solution=True))
    more.cells += [shown('fifth-check', 'assert fifth(5) == 1'), hidden('fifth-hidden', 'assert fifth(0) == 0')]
    save(course, '00_core.halves', more)
    with pytest.raises(CourseError, match='1 submission, .* has the new fifth, fifth-check, fifth-hidden'): build(course, 'first')
    fewer = halves()
    fewer.cells = fewer.cells[:-3]
    save(course, '00_core.halves', fewer)
    with pytest.raises(CourseError, match='no longer has quarter, quarter-check, quarter-hidden'): build(course, 'first')
    save(course, '00_core.halves', halves())
    (course.root/'course.toml').write_text(TOML.replace('["00_core.halves"]', '["00_core.halves", "02_core.more"]'))
    nb = halves()
    nb.cells[0].source = '#| default_exp core.more'
    save(course, '02_core.more', nb)
    with pytest.raises(CourseError, match='02_core.more is new in it'): build(read_course(course.root), 'first')
    assert course.folder('release', 'first', '00_core.halves.ipynb').read_bytes() == after
    with gradebook(course, config) as book: assert book.find_submission('first', 'ada')

def test_a_problem_stops_the_build(course):
    nb = halves()
    nb.cells[4].source += '\nhalf(98)'
    nb.cells[3].id = 'other'
    save(course, '00_core.halves', nb)
    with pytest.raises(CourseError, match='Nothing was built. 00_core.halves.*And 1 more'): build(course)
    assert not course.folder('source').exists() and not (course.root/'gradebook.db').exists()
    with pytest.raises(CourseError, match='did you mean first'): build(course, ['frst'])

def test_config_and_gradebook_errors_are_words(course, monkeypatch):
    (course.root/'nbgrader_config.py').write_text('c = get_config(\n')
    with pytest.raises(CourseError, match='nbgrader_config.py cannot be loaded: SyntaxError'): build(course)
    (course.root/'nbgrader_config.py').write_text('c = get_config()\nc.GenerateAssignment.preprocessors = ["nbgrader.preprocessors.ClearNothing"]\n')
    with pytest.raises(CourseError, match='nbgrader could not make first'): build(course)
    assert not course.folder('release', 'first').exists() and not [*course.root.glob('.release*')]
    (course.root/'nbgrader_config.py').unlink()
    monkeypatch.setenv('TINYBENCH_GRADEBOOK', f'sqlite:///{course.root}/no/such/folder.db')
    with pytest.raises(CourseError, match='cannot be opened'): build(course)
    monkeypatch.setenv('TINYBENCH_GRADEBOOK', f'sqlite:///{course.root}/other.db')
    build(course, 'first')
    assert (course.root/'other.db').exists()

def scores(course, unit, student):
    with gradebook(course, load_config(course)) as book:
        s = book.find_submission(unit, student)
        return s.score, {g.name: g.auto_score for n in s.notebooks for g in n.grades}, s.needs_manual_grade

@pytest.mark.slow
def test_nbgraders_own_commands_do_the_same(course):
    shutil.copy(ROOT/'assignments'/'nbgrader_config.py', course.root)
    build(course)
    ours = course.folder('release', 'first', '00_core.halves.ipynb').read_text()
    nbgrader = Path(sys.executable).parent/'nbgrader'
    env_root = dict(cwd=course.root, PYTHONPATH=str(ROOT))
    run(nbgrader, 'generate_assignment', 'first', '--force', **env_root)
    assert course.folder('release', 'first', '00_core.halves.ipynb').read_text() == ours
    nb = released(course, 'first', '00_core.halves')
    at = {c.id: i for i, c in enumerate(nb.cells)}
    solved, part, lost = deepcopy(nb), deepcopy(nb), deepcopy(nb)
    for which in (solved, lost):
        for name in ('half', 'quarter'): which.cells[at[name]].source = halves().cells[nth(name)].source
    part.cells[at['half']].source = 'def half(x): return 3'                # right on the visible example only
    lost.cells = [c for c in lost.cells if c.id not in ('half-check', 'quarter-check')]
    for student, which in dict(solved=solved, part=part, empty=nb, lost=lost).items():
        to = course.folder('submitted', student, 'first')
        to.mkdir(parents=True)
        nbformat.write(which, to/'00_core.halves.ipynb')
    run(nbgrader, 'autograde', 'first', **env_root)
    assert scores(course, 'first', 'solved') == (6, {'half-check': 1, 'half-hidden': 2, 'quarter-check': 1, 'quarter-hidden': 2}, False)
    assert scores(course, 'first', 'part')[:2] == (1, {'half-check': 1, 'half-hidden': 0, 'quarter-check': 0, 'quarter-hidden': 0})
    assert scores(course, 'first', 'empty')[0] == 0 and scores(course, 'first', 'lost')[0] == 6
    run(nbgrader, 'generate_feedback', 'first', **env_root)
    page = course.folder('feedback', 'part', 'first', '00_core.halves.html').read_text()
    assert 'half(6)' in page.replace('</span>', '').replace('<span class="mi">', '').replace('<span class="n">', '').replace('<span class="p">', '')
    assert 'SECRET' not in page


# --- the student's workspace

def files(folder): return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob('*') if p.is_file()}

def solve(home, name, **sources):
    nb = read_notebook(home/f'{name}.ipynb')
    for c in nb.cells: c.source = sources.get(c.id, c.source)
    nbformat.write(nb, home/f'{name}.ipynb')

def test_workspace_is_a_project_of_its_own(course, tmp_path):
    home = release(course, tmp_path/'ada', package='/wheels/demo.whl')
    assert {*files(home)} == {
        '00_core.halves.ipynb', '01_core.thirds.ipynb', '.release/00_core.halves.ipynb', '.release/01_core.thirds.ipynb', '.gitignore',
        'README.md', 'requirements.txt', 'settings.ini', 'workspace.json', 'demo/__init__.py', 'demo/core/__init__.py'}
    assert (home/'requirements.txt').read_text() == '/wheels/demo.whl\n' and 'description = 100 %% numbers' in (home/'settings.ini').read_text()
    text = b''.join(files(home).values())
    assert b'SECRET' not in text and b'SOLVED' not in text
    assert all(f'\n{n}. ' in (home/'README.md').read_text() for n in range(1, 6))
    run(Path(sys.executable).parent/'nbdev_export', cwd=home)
    one = 'import demo.core.thirds as t, demo.core.halves as h\n'
    run(sys.executable, '-c', one + 'try: t.third(1)\nexcept NotImplementedError: pass\nelse: raise SystemExit(3)', cwd=home)
    solve(home, '00_core.halves', half='#| export\ndef half(x): return x/2')
    solve(home, '01_core.thirds', third='#| export\ndef third(x): return half(x)*2/3')
    run(Path(sys.executable).parent/'nbdev_export', cwd=home)
    run(sys.executable, '-c', one + 'assert t.third(6) == 2', cwd=home)
    (home/'demo'/'core'/'unlocked').mkdir()
    (home/'demo'/'core'/'unlocked'/'halves.py').write_text('def half(x): return 3')
    run(sys.executable, '-c', one + 'assert h.half(0) == 3 and t.third(6) == 2', cwd=home)
    before = {n: b for n, b in files(home).items() if n.endswith('.ipynb')}
    run(Path(sys.executable).parent/'nbdev_clean', cwd=home)
    assert all(b'"nbgrader"' in files(home)[n] for n in before)

def test_a_workspace_is_headed_by_the_courses_title(course, tmp_path):
    assert (release(course, tmp_path/'a', 'first')/'README.md').read_text().startswith('# demo\n')
    (course.root/'course.toml').write_text(f'title = "Numbers and their parts"\n{TOML}')
    assert (release(read_course(course.root), tmp_path/'b', 'first')/'README.md').read_text().startswith('# Numbers and their parts\n')

def test_releasing_again_adds_and_overwrites_nothing(course, tmp_path):
    home = release(course, tmp_path/'ada', 'first')
    assert [u['name'] for u in json.loads((home/'workspace.json').read_text())['units']] == ['first']
    first = files(home)
    assert files(release(course, home)) == first                            # only the first is built
    assert files(release(course, home, 'second')) != first and '01_core.thirds.ipynb' in files(home)
    solve(home, '00_core.halves', half='def half(x): return 1')
    (home/'notes.txt').write_text('mine')
    assert release(course, home, package='https://example.org/tb.whl') == home
    assert (home/'requirements.txt').read_text() == 'https://example.org/tb.whl\n'
    (home/'.gitignore').write_text('mine')
    (home/'01_core.thirds.ipynb').unlink()
    nb, other = halves(), thirds()
    nb.cells[6].source = other.cells[1].source = 'half(12)'
    save(course, '00_core.halves', nb)
    mine = files(home)
    release(course, home, 'second')
    now = files(home)
    assert now['00_core.halves.ipynb'] == mine['00_core.halves.ipynb'] and now['.release/00_core.halves.ipynb'] == first['.release/00_core.halves.ipynb']
    assert now['notes.txt'] == now['.gitignore'] == b'mine' and now['01_core.thirds.ipynb'] == now['.release/01_core.thirds.ipynb']
    record = json.loads(now['workspace.json'])
    assert [u['name'] for u in record['units']] == ['first', 'second']
    fresh = release(course, tmp_path/'bob', 'first')
    save(course, '00_core.halves', halves())                                # untouched notebooks follow a correction
    release(course, fresh)
    assert files(fresh)['00_core.halves.ipynb'] == first['00_core.halves.ipynb']
    for n, told in json.loads((fresh/'workspace.json').read_text())['notebooks'].items():
        assert told['sha256'] == hashlib.sha256((fresh/'.release'/f'{n}.ipynb').read_bytes()).hexdigest()

def test_a_folder_of_others_is_left_alone(course, tmp_path):
    (tmp_path/'full').mkdir()
    (tmp_path/'full'/'thesis.txt').write_text('mine')
    (tmp_path/'file').write_text('mine')
    (tmp_path/'odd').mkdir()
    (tmp_path/'odd'/'workspace.json').write_text('[]')
    for name, says in dict(full='is no workspace', file='is a file', odd='is no workspace').items():
        with pytest.raises(CourseError, match=says): release(course, tmp_path/name)
    assert files(tmp_path/'full') == {'thesis.txt': b'mine'}
    (tmp_path/'empty').mkdir()
    home = release(course, tmp_path/'empty')
    (home/'workspace.json').write_text((home/'workspace.json').read_text().replace('"demo"', '"other"'))
    with pytest.raises(CourseError, match='of the course other'): release(course, home)

def test_a_release_that_fails_leaves_nothing(course, tmp_path):
    with pytest.raises(CourseError, match='no unit third'): release(course, tmp_path/'ada', 'third')
    nb = thirds()
    nb.cells[4].source = 'third(6)'
    save(course, '01_core.thirds', nb)
    with pytest.raises(CourseError, match='Nothing was built'): release(course, tmp_path/'ada')
    build(course, 'first')
    (tmp_path/'file').write_text('')
    with pytest.raises((CourseError, OSError)): release(course, tmp_path/'file'/'ada', 'first')
    assert {p.name for p in tmp_path.iterdir()} == {'nbs', 'assignments', 'settings.ini', 'file'}

def test_tools_that_lessons_import_come_along(course, tmp_path):
    (course.root/'course.toml').write_text(TOML + '[[unit]]\nname = "third"\nnotebooks = ["04_cli"]\n')
    (tmp_path/'demo'/'tool').mkdir(parents=True)
    nb = halves()
    nb.cells[0].source = '#| default_exp cli'
    nb.cells[2].source = '#| export\nfrom demo.tool.lid import lid'
    save(course, '04_cli', nb)
    again = read_course(course.root)
    with pytest.raises(CourseError, match='imports demo.tool.lid, which no notebook'): release(again, tmp_path/'ada', 'third')
    (tmp_path/'demo'/'tool'/'lid.py').write_text('from .box import box\ndef lid(): return box\n')
    (tmp_path/'demo'/'tool'/'box.py').write_text('box = 3\n')
    home = release(again, tmp_path/'ada', 'third')
    assert {n for n in files(home) if n.endswith('.py')} == {
        'demo/__init__.py', 'demo/tool/__init__.py', 'demo/tool/lid.py', 'demo/tool/box.py'}
    run(Path(sys.executable).parent/'nbdev_export', cwd=home)
    run(sys.executable, '-c', 'import demo.cli', cwd=home)

def test_data_that_lessons_name_comes_along(course, tmp_path):
    "A workspace has its own package, so the files that the package ships must be in it too."
    (folder := tmp_path/'demo'/'embedded').mkdir(parents=True)
    for name in ('words', 'other'): (folder/f'{name}.npz').write_bytes(name.encode())
    (course.root/'course.toml').write_text(TOML + '[[unit]]\nname = "third"\nnotebooks = ["04_core.words"]\n')
    nb = halves()
    nb.cells[0].source = '#| default_exp core.words'
    nb.cells.append(cell('load-show', "open('demo/embedded/words.npz').read()"))
    save(course, '04_core.words', nb)
    again = read_course(course.root)
    home = release(again, tmp_path/'ada', 'third')
    assert {n for n in files(home) if n.endswith('.npz')} == {'demo/embedded/words.npz'}
    (folder/'words.npz').write_bytes(b'newer')
    release(again, home)
    assert (home/'demo'/'embedded'/'words.npz').read_bytes() == b'newer'

@pytest.mark.slow
def test_the_course_is_released_whole(copy_project, tmp_path):
    course = read_course(copy_project(tmp_path/'project'))
    home = release(course, tmp_path/'ada')
    for n in course.notebooks:
        solved, got = read_notebook(course.path(n)), read_notebook(home/f'{n}.ipynb')
        nbformat.validate(got)
        assert [c.id for c in got.cells] == [c.id for c in solved.cells if role(c) != 'hidden']
        text = '\n'.join(c.source for c in got.cells)
        for e in exercises(solved):
            for f in outermost(ast.parse(e.cell.source)):
                body = '\n'.join(e.cell.source.split('\n')[f.lineno:f.end_lineno])
                assert not solution_of(f) or len(solution_of(f)) < 2 or body not in text, f'{n}: the solution of {e.name} is told'
            for c in e.checks: assert role(c) != 'hidden' or c.source not in text
    run(Path(sys.executable).parent/'nbdev_export', cwd=home)
    modules = sorted('.'.join(p.relative_to(home).with_suffix('').parts) for p in (home/'tinybench').rglob('*.py') if not p.name.startswith('_'))
    run(sys.executable, '-c', f'import importlib, tinybench\nassert tinybench.__file__.startswith({str(home)!r})\n'
        f'for m in {modules}: importlib.import_module(m)', cwd=home)
    assert len(modules) >= len(course.notebooks)


# --- marks of solutions that do not pair

@pytest.mark.parametrize('source', [
    'def f(x):\n    ### BEGIN SOLUTION\n    return x/2', 'def f(x):\n    return x/2\n    ### END SOLUTION',
    'def f(x):\n    ### END SOLUTION\n    return x/2\n    ### BEGIN SOLUTION',
    'def f(x):\n    ### BEGIN SOLUTION\n    y = x\n    ### END SOLUTION\n    ### BEGIN SOLUTION\n    return x/2'])
def test_marks_that_do_not_pair_give_nothing_away(source):
    assert stub(source) == f'def f(x):\n{STUBBED}'
    c = cell('half', source, solution=True)
    strip_hidden(c)
    assert 'x/2' not in c.source

def test_what_cannot_be_cleared_for_the_site_names_its_cell():
    with pytest.raises(CourseError, match='Cell half: there is no function body'):
        strip_hidden(cell('half', 'half = 2', solution=True))

def test_a_gradebooks_version_is_nbgraders_own(monkeypatch):
    from nbgrader.api import get_alembic_version
    from tinybench.course.teacher.gradebook import tables_version
    monkeypatch.setenv('PATH', f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}')
    assert tables_version() == get_alembic_version()


# --- stopped, shared and odd

@pytest.mark.parametrize('stop', [KeyboardInterrupt, OSError(28, 'No space left on device'), CourseError('no')])
def test_a_build_that_stops_leaves_all_as_it_was(course, monkeypatch, stop):
    "What source/ has was released: else the next release would hand out an old one as built."
    from tinybench.course.teacher import build as module
    build(course, 'first')
    unit, nb = course.unit('first'), halves()
    nb.cells[4].source = 'assert half(6) == 3\nassert half(0) == 0'
    save(course, '00_core.halves', nb)
    def files(): return {p: p.read_bytes() for p in course.root.rglob('*.ipynb')}
    before = files()
    with monkeypatch.context() as m:
        def stopped(*args): raise stop
        m.setattr(module, 'generate', stopped)
        with pytest.raises(type(stop) if isinstance(stop, Exception) else stop): build(course, 'first')
    assert files() == before and not is_built(course, unit) and not [*course.root.glob('.*')]
    assert 'half(0)' in (release(course, course.root.parent/'out', ['first'])/'00_core.halves.ipynb').read_text()

def test_what_stands_beside_the_notebooks_is_handed_out(course):
    "Pictures and data in source/ stay there and go into the release; a notebook that left the unit goes."
    build(course, 'first')
    source = course.folder('source', 'first')
    (source/'data').mkdir()
    (source/'data'/'x.csv').write_text('1,2')
    shutil.copy(source/'00_core.halves.ipynb', source/'old.ipynb')
    build(course, 'first')
    assert (source/'data'/'x.csv').read_text() == course.folder('release', 'first', 'data', 'x.csv').read_text() == '1,2'
    assert [p.name for p in source.glob('*.ipynb')] == ['00_core.halves.ipynb']

def test_one_build_of_a_unit_at_a_time(course):
    from tinybench.course.teacher.build import alone
    with alone(course, course.unit('first')):
        with pytest.raises(CourseError, match='first is being built or graded by somebody else'): build(course, 'first')
        build(course, 'second')
    build(course, 'first')

def test_a_folder_that_cannot_be_put_in_place_is_left(tmp_path):
    from tinybench.base.files import replace_folder
    (tmp_path/'old').mkdir()
    (tmp_path/'old'/'a').write_text('1')
    with pytest.raises(FileNotFoundError): replace_folder(tmp_path/'never made', tmp_path/'old')
    assert (tmp_path/'old'/'a').read_text() == '1' and len([*tmp_path.iterdir()]) == 1

def test_a_folder_that_is_not_filled_changes_nothing(tmp_path):
    from tinybench.base.files import new_folder
    place = tmp_path/'a'/'place'
    with new_folder(place) as new: (new/'file').write_text('1')
    with pytest.raises(KeyboardInterrupt), new_folder(place) as new:
        (new/'file').write_text('2')
        raise KeyboardInterrupt
    assert (place/'file').read_text() == '1' and [*place.parent.iterdir()] == [place]

def test_a_notebook_without_a_number_is_looked_at(course):
    nb = halves()
    nb.cells[4].source = 'half(6)'
    toml = course.root/'course.toml'
    toml.write_text(toml.read_text().replace('00_core.halves', 'halves'))
    nbformat.write(nb, course.nbs/'halves.ipynb')
    said = [repr(p) for p in check(read_course(course.root), 'first')]
    assert 'halves: its name has no number. Call it 00_core.ops or the like.' in said
    assert any('nbgrader takes for a score' in s for s in said)

def test_settings_that_cannot_be_read_are_named(course):
    file = course.root.parent/'settings.ini'
    for text in (b'lib_name = demo', b'[DEFAULT]\nauthor = Ren\xe9'):
        file.write_bytes(text)
        with pytest.raises(CourseError, match='settings.ini cannot be read'): check(course)

def test_a_setting_of_two_lines_stays_one_setting(course):
    import configparser
    file = course.root.parent/'settings.ini'
    file.write_text('[DEFAULT]\nlib_name = demo\ndescription = half\n  of = it\n')
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(release(course, course.root.parent/'out')/'settings.ini')
    assert ini['DEFAULT']['description'] == 'half of = it' and 'of' not in ini['DEFAULT']

def test_a_gradebook_that_fails_in_use_is_one_sentence(course):
    from sqlalchemy.exc import OperationalError
    from nbgrader.api import InvalidEntry
    for e in (OperationalError('UPDATE', {}, Exception('disk full')), InvalidEntry('locked\nUPDATE')):
        with pytest.raises(CourseError, match='gradebook.db cannot be used: .*(disk full|locked)') as said, \
                gradebook(course, load_config(course)): raise e
        assert '\n' not in str(said.value)

@pytest.mark.filterwarnings('ignore:Object of type')
def test_a_task_that_is_worth_more_is_a_conflict(course):
    nb = halves()
    nb.cells.append(cell('essay', 'Say why.', new_markdown_cell, task=True, locked=True, points=2))
    save(course, '00_core.halves', nb)
    build(course, 'first')
    with gradebook(course, load_config(course)) as book:
        book.add_student('ada')
        book.add_submission('first', 'ada')
    nb.cells[-1].metadata.nbgrader.points = 3
    save(course, '00_core.halves', nb)
    with pytest.raises(CourseError, match='gives other points for essay'): build(course, 'first')

def test_a_release_that_was_stopped_goes_on(course, monkeypatch):
    "A notebook that is the new one already is no change of the student's."
    from tinybench.course.teacher import handout as module
    home = release(course, course.root.parent/'out', ['first'])
    nb, name = halves(), '00_core.halves'
    nb.cells[1].source += '\n\nMore.'
    save(course, name, nb)
    write = module.put
    def full(path, data):
        if path.name == 'workspace.json': raise OSError(28, 'No space left on device')
        write(path, data)
    with monkeypatch.context() as m:
        m.setattr(module, 'put', full)
        with pytest.raises(OSError): release(course, home)
    release(course, home)
    now = (home/f'{name}.ipynb').read_bytes()
    assert b'More.' in now and (home/'.release'/f'{name}.ipynb').read_bytes() == now
    assert json.loads((home/'workspace.json').read_text())['notebooks'][name]['sha256'] == hashlib.sha256(now).hexdigest()

def test_a_release_into_the_folder_where_one_is(course, tmp_path, monkeypatch):
    here = tmp_path/'here'
    here.mkdir()
    monkeypatch.chdir(here)
    release(course, '.', ['first'])
    assert 'workspace.json' in os.listdir('.') and sorted(p.name for p in tmp_path.iterdir() if 'here' in p.name) == ['here']

@pytest.mark.parametrize('found', [dict(units=['first'], notebooks={}), dict(units=[], notebooks={'a': 1}), [], dict(units={}, notebooks={})])
def test_a_workspace_json_of_another_shape_is_refused(course, tmp_path, found):
    home = tmp_path/'home'
    home.mkdir()
    (home/'workspace.json').write_text(json.dumps(found))
    with pytest.raises(CourseError, match='is no workspace'): release(course, home, ['first'])

def test_what_a_killed_build_left_is_gone_after_the_next(course):
    for step in ('.source-first', '.release-first'):
        course.folder(step, 'first').mkdir(parents=True)
        (course.folder(step, 'first')/'old.ipynb').write_text('{}')
    build(course, 'first')
    assert [p.name for p in course.root.rglob('*.ipynb')] == ['00_core.halves.ipynb']*2 and not [*course.root.glob('.*')]

def test_a_workspace_holds_what_is_no_lesson(tmp_path):
    "`base` is there ready-made, also before a lesson imports it, and nothing that grades is."
    at = make_course(tmp_path/'course', 'time', ('34_measure.clock',))
    home = release(at, tmp_path/'home', ['time'])
    given = {p.relative_to(home/'tinybench').as_posix() for p in (home/'tinybench').rglob('*.py')}
    assert {f'base/{n}.py' for n in ('__init__', 'files', 'names', 'text')} <= given
    assert not [n for n in given if n.startswith('course/')]
    ran = subprocess.run([sys.executable, '-c', 'import tinybench.base.text as t; print(t.__file__)'], cwd=home, text=True,
                         capture_output=True, check=True, env={k: v for k, v in os.environ.items() if k != 'PYTHONPATH'})
    assert ran.stdout.startswith(str(home))
