"A student's workspace: what checks say, what the doctor does, and what is handed in and taken in."
import hashlib, io, json, os, shutil, signal, stat, subprocess, sys, time, zipfile
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

nbformat = pytest.importorskip('nbformat', reason='needs the course extra')
pytest.importorskip('nbgrader', reason='needs the course extra')
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tinybench.course.cells import CourseError, grading, read_notebook, role
from tinybench.course.mend.recognise import minded
from tinybench.course.mend.source import export_first, exports, ipython_line, late_export, unfilled
from tinybench.course.student.check import check, error_of, modules_said, run_cells
from tinybench.course.student.doctor import backup, change, doctor, new_settings, run_export
from tinybench.course.student.submission import MOST_EACH, MOST_FILES, read_submission, submit, unzipped, zipped
from tinybench.course.student.unlock import builds_on, imported, looks_first, unfinished, unlock, unlocked
from tinybench.course.student.workspace import as_file, notebook_named, open_workspace, restored, stale, still_open

STUB = 'raise NotImplementedError()'

def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)

def meta(name, points=0):
    graded = dict(grade=True, locked=True, solution=False, points=points) if points else dict(
        grade=False, locked=False, solution=True)
    return dict(nbgrader=dict(grade_id=name, schema_version=3, task=False, **graded), deletable=False)

def chapter(name, test, imports='import math', extra=()):
    body = f'#| export\ndef {name}(x):\n    "A part of `x`."\n    {STUB}'
    cells = [new_code_cell(f'#| default_exp core.{name}', id='default-exp'),
             new_markdown_cell(f'# {name}', id='title'),
             new_code_cell(f'#| export\n{imports}', id='imports'), new_code_cell(body, id=name, metadata=meta(name)),
             new_code_cell(test, id=f'{name}-check', metadata=meta(f'{name}-check', 1)), *extra]
    return new_notebook(cells=cells, metadata=dict(kernelspec=dict(name='python3', display_name='python3')))

CHAPTERS = {'00_core.half': chapter('half', 'assert half(4) == 2'),
            '01_core.quarter': chapter('quarter', 'x = 8\nassert quarter(x) == 2\nassert quarter(2) == .5',
                                       'from tinybench.core.half import half')}

@pytest.fixture
def ws(tmp_path, monkeypatch):
    "A workspace with two chapters, nothing filled in, everything exported."
    monkeypatch.delenv('PYTHONPATH', raising=False)
    root = tmp_path/'home'
    for to in ('.release', 'tinybench/core'): (root/to).mkdir(parents=True)
    for name, nb in CHAPTERS.items():
        for to in ('', '.release/'): (root/f'{to}{name}.ipynb').write_bytes(as_file(nb))
    look = "__path__.insert(0, f'{__path__[0]}/unlocked')\n"
    for part in ('', 'core/'): (root/f'tinybench/{part}__init__.py').write_text(look)
    (root/'settings.ini').write_text(new_settings('tinybench'))
    units = [dict(name='parts', title='Parts', due='2026-10-05T23:59:00+02:00', notebooks=[*CHAPTERS])]
    (root/'workspace.json').write_text(json.dumps(dict(course='c', version='0.0.1', units=units)))
    shutil.copytree(exported(tmp_path), root/'tinybench', dirs_exist_ok=True)
    return open_workspace(root)

def exported(tmp_path):
    "The modules that nbdev_export makes of the empty chapters; written by hand here, as it takes seconds."
    to = tmp_path/'exported'/'core'
    to.mkdir(parents=True)
    for name, nb in CHAPTERS.items():
        code = '\n'.join(c.source for c in nb.cells if '#| export' in c.source)
        (to/f'{name.split(".")[1]}.py').write_text(code.replace('from tinybench.core.half', 'from .half'))
    return to.parent

def edit(ws, notebook, old='', new='', do=None):
    "Replaces text in a notebook's cells, or has `do` change the notebook."
    nb = read_notebook(ws.path(notebook))
    for c in nb.cells: c.source = c.source.replace(old, new) if old else c.source
    if do: do(nb)
    ws.path(notebook).write_bytes(as_file(nb))

def fill(ws, half='return x/2', quarter='return half(half(x))', export=True):
    for name, body in zip(CHAPTERS, (half, quarter)):
        if not body: continue
        edit(ws, name, STUB, body)
        if export:
            module = ws.module(name)
            module.write_text(module.read_text().replace(STUB, body))

def tree(folder): return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob('*') if p.is_file()}
def row(report, name): return next(r for r in report.rows if r.exercise == name)
def cell(nb, name): return next(c for c in nb.cells if c.id == name)
def texts(remarks): return '\n'.join(map(str, remarks))


# --- finding the workspace

def test_a_workspace_is_found_from_below(ws):
    assert open_workspace(ws.root/'tinybench'/'core') == ws == open_workspace(ws)
    assert ws.notebooks == ('00_core.half', '01_core.quarter')
    assert ws.module('01_core.quarter') == ws.root/'tinybench'/'core'/'quarter.py'

@pytest.mark.parametrize('text', [
    '', '[]', '{', '{"units": 3}', '{"course": "c", "version": "1", "units": [{"name": "x"}]}',
    '{"course": "c", "version": "1", "units": [{"name": "x", "notebooks": [], "due": "soon"}]}'])
def test_a_broken_workspace_json_is_said(ws, text):
    (ws.root/'workspace.json').write_text(text)
    with pytest.raises(CourseError, match='workspace.json'): open_workspace(ws.root)

def test_no_workspace(tmp_path):
    with pytest.raises(CourseError, match='no workspace.json'): open_workspace(tmp_path)


# --- check

def test_nothing_filled_in(ws):
    before = tree(ws.root)
    report = check(ws.root)
    assert [r.state for r in report.rows] == ['not yet filled in']*2 and not report.holds
    assert tree(ws.root) == before, 'check changes nothing'

def test_all_filled_in(ws):
    fill(ws)
    seen = []
    report = check(ws.root, progress=lambda *a: seen.append(a))
    assert report.holds and '2 of 2 exercises hold.' in repr(report) and report.notes == ()
    assert seen == [(0, 2, '00_core.half'), (1, 2, '01_core.quarter'), (2, 2, '')]

def test_a_wrong_answer_names_the_line(ws):
    fill(ws, quarter='return 2')
    r = row(check(ws.root, ['01_core.quarter']), 'quarter')
    assert r.state == 'fails: AssertionError' and (r.check, r.line) == ('quarter-check', 3)
    assert r.text == 'assert quarter(2) == .5' and r.hint == ''

def test_an_earlier_chapter_is_the_reason(ws):
    fill(ws, half='')
    r = row(check(ws.root), 'quarter')
    assert r.state.startswith('fails: NotImplementedError')
    assert 'half of 00_core.half, which is not yet filled in' in r.hint
    assert 'tinybench student unlock 00_core.half' in r.hint

def test_an_earlier_chapter_was_not_exported(ws):
    fill(ws, quarter='', export=False)
    fill(ws, half='')
    report = check(ws.root)
    assert 'which was not exported since it was filled in: run nbdev_export' in row(report, 'quarter').hint
    assert any('00_core.half' in n for n in report.notes)
    ws.module('00_core.half').unlink()
    assert row(check(ws.root), 'quarter').hint in ('00_core.half is not exported: run nbdev_export.',
        "The cell imports failed before: ModuleNotFoundError: No module named 'tinybench.core.half'")

def test_checks_before_the_first_export_name_the_cause(ws):
    def chapters_build_on_each_other(nb):
        cell(nb, 'imports').source = '#| export\nfrom tinybench.core import half as ops'
        nb.cells.insert(3, new_code_cell('#| export\ntwice = ops.half', id='twice'))
    edit(ws, '01_core.quarter', do=chapters_build_on_each_other)
    shutil.copy(ws.path('01_core.quarter'), ws.released('01_core.quarter'))
    fill(ws, quarter='return twice(twice(x))', export=False)
    shutil.rmtree(ws.root/'tinybench')
    shutil.copytree(exported(ws.root/'..'/'x'), ws.root/'tinybench')
    for path in (ws.root/'tinybench'/'core').glob('*.py'): path.unlink()
    for part in ('', 'core/'): (ws.root/'tinybench'/part/'__init__.py').touch()
    assert row(check(ws.root), 'quarter').hint == '00_core.half is not exported: run nbdev_export.'
    assert run_export(ws) == '' and check(ws.root).holds

@pytest.mark.parametrize('name, message, paths', [
    ('ImportError', "cannot import name 'ops' from 'tinybench.core' (/x/tinybench/core/__init__.py)", ['core/ops', 'core']),
    ('ImportError', "cannot import name 'core' from 'tinybench' (unknown location)", ['core', '']),
    ('ImportError', "cannot import name 'f' from partially initialized module 'tinybench.core'", []),
    ('ModuleNotFoundError', "No module named 'tinybench.core.ops'", ['core/ops']),
    ('AttributeError', "module 'tinybench.core' has no attribute 'ops'", ['core/ops', 'core']),
    ('ModuleNotFoundError', "No module named 'torch.nn'", [])])
def test_the_module_that_an_error_of_import_is_about(name, message, paths):
    assert list(modules_said('tinybench', message)) == paths

def test_a_broken_cell_is_named(ws):
    fill(ws)
    edit(ws, '00_core.half', 'return x/2', 'return (x/2')
    r = row(check(ws.root), 'half')
    assert "it is no Python: line 4: '(' was never closed" in r.state
    edit(ws, '00_core.half', 'return (x/2', 'return x/2')
    edit(ws, '01_core.quarter', 'from tinybench.core.half import half', 'from tinybench.core.hal import half')
    r = row(check(ws.root), 'quarter')
    assert r.state.startswith("fails: NameError: name 'half'") and 'The cell imports failed before' in r.hint

def test_another_exercise_of_the_notebook_is_the_reason(ws):
    def add(nb):
        nb.cells.insert(3, new_code_cell(f'def third(x):\n    {STUB}', id='third', metadata=meta('third')))
        nb.cells.append(new_code_cell('assert third(3) == 1', id='third-check', metadata=meta('third-check', 1)))
    edit(ws, '00_core.half', do=add)
    shutil.copy(ws.path('00_core.half'), ws.released('00_core.half'))
    edit(ws, '00_core.half', f'`x`."\n    {STUB}', '`x`."\n    return third(x)')
    assert still_open(ws, '00_core.half') == ['third']
    assert row(check(ws.root), 'half').hint == 'It needs third, which is not yet filled in.'

def test_checks_that_were_tampered_with_are_run_as_handed_out(ws):
    fill(ws, half='return 7')
    edit(ws, '00_core.half', 'assert half(4) == 2', 'assert True')
    report = check(ws.root, ['00_core.half'])
    assert row(report, 'half').state == 'fails: AssertionError'
    assert report.notes[0] == '00_core.half: some cells need mending: tinybench student doctor'

def test_a_file_that_is_no_notebook_is_a_row(ws):
    ws.path('00_core.half').write_text('{')
    assert check(ws.root).rows[0].state.startswith('fails: 00_core.half.ipynb is no notebook')

def test_unknown_notebook(ws):
    with pytest.raises(CourseError, match='did you mean'): check(ws.root, ['00_core.hal'])

def test_a_unit_is_all_of_its_notebooks_once(ws):
    assert [r.notebook for r in check(ws.root, ['parts', '00_core.half']).rows] == [*CHAPTERS]

def test_endless_loops_and_exits_do_not_stop_a_check(ws):
    fill(ws, half='import os; os._exit(1)')
    report = check(ws.root)
    assert row(report, 'half').state.startswith('fails: ') and row(report, 'quarter').state.startswith('fails: ')

@pytest.mark.filterwarnings('ignore')    # of jupyter's own
def test_a_kernel_says_the_same_as_a_fork(ws):
    fill(ws, quarter='return half(x)')
    for name in CHAPTERS:
        cells = read_notebook(ws.path(name)).cells
        def errors(outputs): return {k: error_of(v)[:2] for k,v in outputs.items()}
        assert errors(run_cells(cells, ws.root)) == errors(run_cells(cells, ws.root, fork=False))


def test_after_a_cell_was_stopped_the_others_have_less_time(ws, monkeypatch):
    monkeypatch.setattr('tinybench.course.student.check.AFTER_STOP', .1)
    cells = [new_code_cell(text, id=f'c{i}') for i, text in enumerate(['while True: pass']*3 + ['1/0'])]
    said = [error_of(v)[:2] for v in run_cells(cells, ws.root, fork=True, seconds=1).values()]
    assert said == [('TimeoutError', 'stopped after 1 s'), *[('TimeoutError', 'stopped after 0.1 s')]*2,
                    ('ZeroDivisionError', 'division by zero')]

def test_an_exercise_that_fails_for_another_says_so(ws):
    def add(nb):
        nb.cells[4:4] = [new_code_cell('#| export\nthrice = lambda x: 3*half(x)', id='thrice')]
        nb.cells += [new_code_cell('def other(x):\n    return thrice(x)', id='other', metadata=meta('other')),
                     new_code_cell('from fastcore.test import test_eq\ntest_eq(other(4), 6)', id='other-check', metadata=meta('other-check', 1)),
                     new_code_cell('def alone(x):\n    return x', id='alone', metadata=meta('alone')),
                     new_code_cell('assert alone(4) == 5', id='alone-check', metadata=meta('alone-check', 1))]
    edit(ws, '00_core.half', do=add)
    shutil.copy(ws.path('00_core.half'), ws.released('00_core.half'))
    fill(ws, half='return x')
    report = check(ws.root, ['00_core.half'])
    assert row(report, 'other').hint == 'half above fails too, and may be the reason.' and row(report, 'alone').hint == ''
    assert row(report, 'other').state == 'fails: AssertionError: 12 ≠ 6'

def test_what_is_known_is_told_at_once(ws):
    fill(ws, quarter='return 2')
    seen = []
    report = check(ws.root, progress=lambda i, n, name: seen.append(name), tell=seen.append)
    assert seen == ['00_core.half', [report.rows[0]], '01_core.quarter', [report.rows[1]], '']
    assert repr(report).endswith(report.summary()) and report.summary().endswith('1 of 2 exercises hold.')

def test_a_package_of_any_name(ws):
    about = json.loads((ws.root/'workspace.json').read_text()) | dict(package='mylib')
    (ws.root/'workspace.json').write_text(json.dumps(about))
    (ws.root/'tinybench').rename(ws.root/'mylib')
    (ws.root/'settings.ini').write_text(new_settings('mylib'))
    for to in ('', '.release/'): edit_file(ws.root/f'{to}01_core.quarter.ipynb', 'tinybench.core', 'mylib.core')
    mine = open_workspace(ws.root)
    assert doctor(mine).healthy, doctor(mine)
    fill(mine, quarter='')
    assert row(check(mine), 'half').holds and 'which is not yet filled in' not in row(check(mine), 'quarter').hint
    fill(mine, half='', quarter='return half(half(x))', export=False)
    mine.module('00_core.half').unlink()
    assert row(check(mine), 'quarter').hint == '00_core.half is not exported: run nbdev_export.'
    assert all(r.done for r in doctor(mine)) and check(mine).holds and 'from .half import half' in mine.module('01_core.quarter').read_text()
    with pytest.raises(CourseError, match='mylib is not installed'): unlock(mine, '00_core.half')

def edit_file(path, old, new): path.write_text(path.read_text().replace(old, new))


# --- unlock

@pytest.fixture
def reference(tmp_path):
    put(tmp_path/'reference'/'core'/'half.py', b'def half(x): return .5*x\n')
    return tmp_path/'reference'

@pytest.mark.parametrize('name', ['00_core.half', 'core.half', 'tinybench.core.half', '00_core.half.ipynb'])
def test_unlock(ws, reference, name):
    fill(ws, half='')
    before = ws.module('00_core.half').read_bytes()
    record = unlock(ws.root, name, reference)
    assert record['module'] == '00_core.half' and unlocked(ws) == [record]
    assert datetime.fromisoformat(record['when']).utcoffset() == timedelta(0)
    assert row(check(ws.root), 'quarter').holds and not row(check(ws.root), 'half').holds
    assert ws.module('00_core.half').read_bytes() == before
    unlock(ws.root, name, reference)
    assert len(unlocked(ws)) == 1

def test_unlock_says_what_is_wrong(ws, reference):
    with pytest.raises(CourseError, match='was not handed out'): unlock(ws.root, 'nn.conv', reference)
    with pytest.raises(CourseError, match='has no 01_core.quarter'): unlock(ws.root, '01_core.quarter', reference)
    assert unlocked(ws) == [] and not (ws.root/'tinybench'/'core'/'unlocked').exists()

def test_unlock_puts_the_path_back(ws, reference):
    (ws.root/'tinybench'/'core'/'__init__.py').write_text('x = 1')
    unlock(ws.root, '00_core.half', reference)
    assert looks_first(ws, '00_core.half') == []
    assert (ws.root/'tinybench'/'core'/'__init__.py').read_text().startswith('x = 1\n')

def test_a_notebook_by_its_number_or_the_last_part_of_its_name(ws):
    assert notebook_named(ws, '01') == notebook_named(ws, 'quarter') == '01_core.quarter'
    twice = replace(ws, units=(replace(ws.units[0], notebooks=('00_core.half', '10_nn.half')),))
    with pytest.raises(CourseError, match='half may be 00_core.half or 10_nn.half: say which'): notebook_named(twice, 'half')
    books = tuple(f"{i}_nn.layer{i}" for i in range(40, 60))
    many = replace(ws, units=(replace(ws.units[0], notebooks=books),))
    with pytest.raises(CourseError) as e: notebook_named(many, 'xyz')
    assert str(e.value) == 'xyz was not handed out: there is parts.'

def test_what_a_notebooks_own_cells_import_is_built_on(ws, reference):
    put(reference/'core'/'quarter.py', b'x = 1\n')
    more = [new_code_cell('%time 1\nimport tinybench.core.half as h', id='show')]
    put(ws.released('01_core.quarter'), as_file(chapter('quarter', 'assert 1', extra=more)))
    assert builds_on(ws, '01_core.quarter', reference) == ['00_core.half']
    for text in ('from tinybench.core import half', 'from tinybench.core.half import half', 'def f(): import tinybench.core.half'):
        assert 'core/half' in imported(text, 'tinybench')
    assert imported('from . import half', 'tinybench', 'core/quarter') == {'core', 'core/half'}
    assert imported('import tinybenchmark.core\nfrom .x import y', 'tinybench') == {'x', 'x/y'}

def test_what_is_deleted_again_leaves_the_record(ws, reference):
    fill(ws)
    unlock(ws.root, 'half', reference)
    ws.unlocked_file('00_core.half').unlink()
    assert unlocked(ws) == [] and submit(ws.root, 'parts', 'ada').unlocked == ()

def test_the_command_brings_what_a_lesson_builds_on(ws, reference, monkeypatch, capsys):
    from tinybench.cli import main
    put(reference/'core'/'quarter.py', b'from .half import half\n')
    monkeypatch.setattr('tinybench.course.student.unlock.reference_package', lambda ws: reference)
    def run(*args):
        with pytest.raises(SystemExit) as e: main(['student', *args, '--workspace', str(ws.root)])
        assert not e.value.code
        return ' '.join(capsys.readouterr())
    assert 'To unlock it too: tinybench student unlock --before 01_core.quarter' in run('unlock', 'quarter')
    assert '00_core.half' in run('unlock', '--before', '01') and [u['module'] for u in unlocked(ws)] == ['01_core.quarter', '00_core.half']
    assert 'Nothing is missing' in run('unlock', '--before', '01')
    with pytest.raises(SystemExit): main(['student', 'check', '--workspace', str(ws.root)])
    assert '0 of 2 exercises hold; 2 more are unlocked.' in capsys.readouterr().out

def test_what_an_unlocked_module_builds_on_is_said(ws, reference):
    put(reference/'core'/'quarter.py', b'from .half import half\nfrom ..other import x\n')
    assert builds_on(ws, '01_core.quarter', reference) == ['00_core.half'] and builds_on(ws, '00_core.half', reference) == []
    assert unfinished(ws, ['00_core.half']) == ['00_core.half']
    unlock(ws.root, '00_core.half', reference)
    assert unfinished(ws, ['00_core.half']) == []

def test_the_installed_reference_is_found(ws):
    with pytest.raises(CourseError, match='has no 00_core.half'): unlock(ws.root, '00_core.half')


# --- doctor

def test_a_healthy_workspace(ws):
    before = tree(ws.root)
    found = doctor(ws.root)
    assert found.healthy and repr(found) == 'Nothing is wrong.' and tree(ws.root) == before

def test_a_syntax_error_has_notebook_cell_and_line(ws):
    edit(ws, '00_core.half', STUB, 'return (x/2')
    found = doctor(ws.root)
    assert "00_core.half.ipynb, cell half: it is no Python: line 4: '(' was never closed: return (x/2" in texts(found)
    assert found.open

def lose(nb):
    for c in nb.cells: c.metadata.clear()
def copy(nb): nb.cells.append(deepcopy(cell(nb, 'half-check')))
def delete(nb): nb.cells = [c for c in nb.cells if c.id != 'half-check']
def alter(nb): cell(nb, 'half-check').source = 'assert True'
def retype(nb):
    c = cell(nb, 'half-check')
    c.cell_type = 'markdown'
    del c['outputs'], c['execution_count']
def newer(nb):
    for c in nb.cells:
        if minded(c): c.metadata.nbgrader.schema_version = 4
def drop(nb): nb.cells = [c for c in nb.cells if c.id != 'half']
BREAK = lose, copy, delete, alter, retype, newer, drop

@pytest.mark.parametrize('do', BREAK, ids=lambda f: f.__name__)
def test_cells_are_mended_with_a_backup(ws, do):
    fill(ws)
    edit(ws, '00_core.half', do=lambda nb: nb.cells.insert(2, new_code_cell('mine = 1', id='mine')))
    edit(ws, '00_core.half', do=do)
    old = ws.path('00_core.half').read_bytes()
    before = tree(ws.root)
    found = doctor(ws.root, mend=False)
    assert 'To be mended' in texts(found) and tree(ws.root) == before
    found = doctor(ws.root)
    assert found[0].where == '00_core.half.ipynb' and found[0].done and not doctor(ws.root).open
    assert (ws.root/'.doctor'/'00_core.half.before-doctor.ipynb').read_bytes() == old
    nb = read_notebook(ws.path('00_core.half'))
    assert {grading(c)['grade_id'] for c in nb.cells if minded(c)} == {'half', 'half-check'}
    assert cell(nb, 'half-check').source == 'assert half(4) == 2' and cell(nb, 'mine').source == 'mine = 1'
    if do is not drop: assert 'return x/2' in cell(nb, 'half').source

def test_outputs_stay(ws):
    def output(nb): cell(nb, 'half-check').outputs = [nbformat.v4.new_output('stream', text='7')]; copy(nb)
    edit(ws, '00_core.half', do=output)
    doctor(ws.root)
    assert cell(read_notebook(ws.path('00_core.half')), 'half-check').outputs[0].text == '7'

def test_nbdev_clean_without_the_keys_is_undone(ws, script):
    fill(ws)
    settings = (ws.root/'settings.ini').read_text()
    (ws.root/'settings.ini').write_text(settings.replace('nbgrader tags deletable editable', ''))
    subprocess.run([script('nbdev_clean')], cwd=ws.root, check=True)
    assert not any(minded(c) for c in read_notebook(ws.path('00_core.half')).cells)
    found = doctor(ws.root)
    assert 'nbdev_clean would take away what grading needs' in texts(found) and not found.open
    assert all(grading(cell(read_notebook(ws.path(n)), n.split('.')[1])) for n in CHAPTERS)
    subprocess.run([script('nbdev_clean')], cwd=ws.root, check=True)
    assert doctor(ws.root).healthy

def test_settings_keep_what_else_they_hold(ws):
    path = ws.root/'settings.ini'
    path.write_text('# mine\n' + path.read_text().replace('nbs_path = .', 'nbs_path = nbs').replace(
        'clear_all = False', 'clear_all: yes\ncustom = 1').replace('tags', 'tags hide_input'))
    assert len([r for r in doctor(ws.root) if r.where == 'settings.ini' and r.done]) == 2
    text = path.read_text()
    assert text.startswith('# mine\n') and 'custom = 1' in text and 'nbs_path = .\n' in text and 'hide_input' in text
    assert doctor(ws.root).healthy

@pytest.mark.parametrize('text', [None, '', 'nonsense', '[DEFAULT]\n', '\ud800'])
def test_settings_that_are_none_are_made_anew(ws, text):
    path = ws.root/'settings.ini'
    if text is None: path.unlink()
    else: path.write_bytes(text.encode('utf-8', 'surrogatepass'))
    assert 'It is made anew.' in texts(doctor(ws.root)) and doctor(ws.root).healthy
    assert run_export(ws) == ''

def test_missing_and_empty_notebooks_come_back(ws):
    ws.path('00_core.half').unlink()
    ws.path('01_core.quarter').write_text(' \n')
    assert len([r for r in doctor(ws.root) if r.done == 'It was put back as it was handed out.']) == 2
    assert doctor(ws.root).healthy

def test_a_lost_export_line_is_put_back_and_said_before(ws):
    fill(ws, half='return x/2')
    edit(ws, '00_core.half', '#| export\ndef half', 'def half')
    assert check(ws.root, ['00_core.half']).notes[0].endswith('some cells need mending: tinybench student doctor')
    assert any('need mending' in s for s in submit(ws.root, 'parts', 'ada').says)
    assert 'The line #| export was gone, and is put back: half.' in texts(doctor(ws.root)) and doctor(ws.root).healthy
    assert '#| export\ndef half' in ws.path('00_core.half').read_text().replace('\\n",\n    "', '\n')

OBEYED = ['#| export\n', '#|export\n', '# | export\n', '  #| export\n', '\n\n#| export\n', '#| hide\n#| export\n', '#|  exporti\n',
          '#| export\n#| export\n', '%%time\n#| exports\n']
LATE = ['# mine\n#| export\n', '"""mine"""\n#| export\n', 'import math\n#|export\n', 'x = 1\n\n  # | export\n', '#| export:\n',
        '# a\n#| hide\n#| exports\n']

@pytest.mark.parametrize('top', OBEYED + LATE)
def test_an_export_line_counts_where_nbdev_obeys_it(top):
    from nbdev.process import extract_directives
    text = f'{top}def half(x): return x/2'
    said = set(extract_directives(new_code_cell(text))) & {'export', 'exporti', 'exports'}
    assert exports(text) == (top in OBEYED) and (bool(said) == exports(text) or ':' in top)    # `export:` breaks the cell
    assert bool(late_export(text)) == (top in LATE)
    moved = export_first(text)
    if top in LATE: assert exports(moved) and moved.count('export') == 1 and moved.splitlines()[-1] == text.splitlines()[-1]

@pytest.mark.parametrize('top', LATE)
def test_an_export_line_that_nbdev_does_not_obey_is_moved_up(ws, top):
    given = read_notebook(ws.released('00_core.half'))
    edit(ws, '00_core.half', '#| export\ndef half', f'{top}def half')
    new, says = restored(read_notebook(ws.path('00_core.half')), given)
    assert says == ['The line #| export stood below something else, where nbdev does not obey it, and is moved to the top: half.']
    assert exports(cell(new, 'half').source) and restored(new, given) == (new, [])

def test_after_an_export_line_is_moved_up_nothing_is_wrong(ws):
    fill(ws)
    edit(ws, '00_core.half', '#| export\ndef half', '# mine\n#| export\ndef half')
    assert run_export(ws) == ''    # and leaves the cell out
    assert check(ws.root, ['00_core.half']).notes == ('00_core.half: some cells need mending: tinybench student doctor',)
    assert row(check(ws.root), 'quarter').hint == '00_core.half needs mending: tinybench student doctor'
    assert [r.done for r in doctor(ws.root)][1] == 'nbdev_export was run.' and doctor(ws.root).healthy and check(ws.root).holds

@pytest.mark.parametrize('top', OBEYED[1:4])
def test_an_export_line_that_nbdev_obeys_stays(ws, top):
    fill(ws)
    edit(ws, '00_core.half', '#| export\ndef half', f'{top}def half')
    before = ws.path('00_core.half').read_bytes()
    assert doctor(ws.root).healthy and ws.path('00_core.half').read_bytes() == before

def test_an_export_line_in_a_string_is_none():
    assert late_export('s = """\n#| export\n"""') == '' and late_export('x = (1\n#| export') == '#| export'
    assert export_first('x = 1', '#| export') == '#| export\nx = 1'

ONLY = 'this works in notebooks only, and the cell becomes a part of your library; move it to a cell of its own, or take it out'

@pytest.mark.parametrize('line', ['%timeit -n1 1+1', '!ls', 'half?', '?half', 't = %timeit -o 1+1', 'here = !pwd', '%%time', 'await half(3)',
                                  'if half:\n    %pwd', 'async with half: pass'])
def test_what_only_a_notebook_runs_is_named(line):
    text, shown = f'def half(x):\n    return x % 2\n{line}', line.split('\n')[-1].strip()
    assert ipython_line(text) == f'line {text.count(chr(10)) + 1}: {ONLY}: {shown}'
    assert ipython_line(f'{line.strip()}\nx = 1') if '%%' in line else not ipython_line('x = (7\n     % 2)  # 50%?\ny = "!ls"')
    assert ipython_line(f'{text}\nx = (1') == ''    # that is no Python at all

def test_a_magic_in_an_exported_cell_is_named_by_all_commands(ws):
    fill(ws)
    edit(ws, '00_core.half', 'return x/2', 'return x/2\nt = %timeit -o -n1 1+1')
    edit(ws, '00_core.half', do=lambda nb: nb.cells.append(new_code_cell('%%time\n%timeit -n1 1\nhalf?', id='fine')))
    where = f'00_core.half, cell half: line 5: {ONLY}: t = %timeit -o -n1 1+1'
    run_export(ws)    # which stops, and has written what it could not parse
    assert texts(doctor(ws.root).open) == where.replace('half,', 'half.ipynb,', 1)
    report = check(ws.root)
    assert where in report.notes and where in submit(ws.root, 'parts', 'ada').says
    assert row(report, 'half').holds and row(report, 'quarter').hint == where
    edit(ws, '00_core.half', '\nt = %timeit -o -n1 1+1', '')
    assert not doctor(ws.root).open and doctor(ws.root, mend=False).healthy and check(ws.root).holds

def test_a_second_notebook_of_a_module_is_named(ws):
    shutil.copy(ws.path('00_core.half'), ws.root/'00_core.half_old.ipynb')
    found = doctor(ws.root).open
    assert [r.where for r in found] == ['00_core.half_old.ipynb'] and 'it writes the module of 00_core.half.ipynb too' in found[0].says

def test_a_cell_that_is_no_exercise_and_no_python_is_said(ws):
    edit(ws, '00_core.half', do=lambda nb: nb.cells.append(new_code_cell('x = (1', id='odd')))
    assert "00_core.half, cell odd: it is no Python: line 1: '(' was never closed: x = (1" in check(ws.root, ['00_core.half']).notes

def test_a_notebook_in_the_place_of_a_unit(ws):
    with pytest.raises(CourseError, match='00_core.half is a notebook of the unit parts'): submit(ws.root, '00_core.half', 'ada')
    with pytest.raises(CourseError, match='did you mean parts'): check(ws.root, ['part'])

def test_a_renamed_notebook_is_not_replaced(ws):
    ws.path('00_core.half').rename(ws.root/'00_core.half-Copy1.ipynb')
    assert '00_core.half-Copy1.ipynb may be it' in texts(doctor(ws.root)) and not ws.path('00_core.half').exists()

@pytest.mark.parametrize('text', ['{"cells": [', 'hello', '{"a": 1}', '{"nbformat": 5, "cells": []}'])
def test_files_that_are_no_notebook_are_left_alone(ws, text):
    ws.path('00_core.half').write_text(text)
    (ws.root/'.ipynb_checkpoints').mkdir()
    (ws.root/'.ipynb_checkpoints'/'00_core.half-checkpoint.ipynb').write_bytes(as_file(CHAPTERS['00_core.half']))
    found = doctor(ws.root)
    assert ws.path('00_core.half').read_text() == text
    assert 'JupyterLab kept an older version: .ipynb_checkpoints' in texts(found.open)

def test_a_merge_that_nobody_resolved(ws):
    path = ws.path('00_core.half')
    lines = path.read_text().splitlines()
    i = next(i for i, line in enumerate(lines) if STUB in line)
    path.write_text('\n'.join([*lines[:i], '<<<<<<< HEAD', lines[i].replace(STUB, 'return x/2'), '=======',
                               lines[i].replace(STUB, 'return x*.5'), '>>>>>>> theirs', *lines[i+1:]]) + '\n')
    old = path.read_bytes()
    assert 'git could not merge' in texts(doctor(ws.root, mend=False)) and path.read_bytes() == old
    assert 'It has the cells of both sides now' in texts(doctor(ws.root))
    text = '\n'.join(c.source for c in read_notebook(path).cells)
    assert 'return x/2' in text and 'return x*.5' in text
    assert old in [p.read_bytes() for p in (ws.root/'.doctor').iterdir()]
    assert not doctor(ws.root).open

def test_a_missing_export_is_made(ws):
    fill(ws, export=False)
    ws.module('00_core.half').unlink()
    assert stale(ws, '00_core.half') == 'missing' and stale(ws, '01_core.quarter') == 'older'
    before = tree(ws.root)
    assert 'run nbdev_export' in texts(doctor(ws.root, mend=False)) and tree(ws.root) == before
    assert all(r.done for r in doctor(ws.root)) and check(ws.root).holds and doctor(ws.root).healthy

def test_real_exports_are_not_stale(ws):
    fill(ws)
    assert run_export(ws) == '' and not any(stale(ws, n) for n in ws.notebooks)

def test_the_path_to_unlocked_is_put_back(ws):
    (ws.root/'tinybench'/'__init__.py').write_text('__version__ = "0.0.1"\n')
    assert 'unlocked' in texts(doctor(ws.root)) and doctor(ws.root).healthy

def test_another_library_in_front(ws, tmp_path, monkeypatch):
    put(tmp_path/'other'/'tinybench'/'__init__.py', b'')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path/'other'))
    found = texts(doctor(ws.root))
    assert f'would import {tmp_path/"other"/"tinybench"/"__init__.py"}' in found and 'PYTHONPATH is set' in found

@pytest.mark.parametrize('coding', ['utf-8-sig', 'utf-16', 'utf-16-be'])
def test_files_as_windows_own_tools_write_them(ws, coding):
    fill(ws)
    for path in (ws.path('00_core.half'), ws.root/'settings.ini', ws.root/'workspace.json'):
        path.write_bytes(path.read_text().replace('\n', '\r\n').encode(coding))
    assert open_workspace(ws.root) == ws and check(ws.root).holds
    assert {r.where for r in doctor(ws.root, mend=False)} == {'settings.ini', '00_core.half.ipynb'}
    before = ws.path('00_core.half').read_bytes()
    found = doctor(ws.root)
    assert texts(found).count('is to be plain UTF-8') == 2 and not found.open
    assert before in [p.read_bytes() for p in (ws.root/'.doctor').iterdir()]
    assert doctor(ws.root).healthy and run_export(ws) == '' and check(ws.root).holds

@pytest.mark.parametrize('coding', ['utf-8-sig', 'utf-16', 'utf-16-be'])
def test_a_package_that_windows_own_tools_saved_is_put_right(ws, coding):
    "What stood in `__init__.py` stays, and is read by Python again."
    fill(ws)
    path = ws.root/ws.package/'__init__.py'
    path.write_bytes((path.read_text() + "mine = 'ü'\n").replace('\n', '\r\n').encode(coding))
    doctor(ws.root)
    exec(compile(path.read_bytes(), 'x', 'exec'), said := dict(__path__=['x']))
    assert said['mine'] == 'ü' and said['__path__'] == ['x/unlocked', 'x']

def test_a_file_in_the_code_page_of_windows_is_named(ws):
    fill(ws)
    data = ws.path('00_core.half').read_bytes()
    ws.path('00_core.half').write_bytes(data.replace(b'"cells"', '"für": 1, "cells"'.encode('cp1252'), 1))
    (ws.root/'settings.ini').write_bytes('[DEFAULT]\nauthor = Jörg\n'.encode('cp1252'))
    said = texts(doctor(ws.root))
    assert 'is not text in UTF-8 or UTF-16 (byte 5): save it as UTF-8' in said, said
    assert 'settings.ini: it is no text in UTF-8 or UTF-16 (byte 20).' in said, said

@pytest.mark.parametrize('coding', ['utf-8-sig', 'utf-16', 'utf-16-be'])
def test_a_course_as_windows_own_tools_write_it(tmp_path, coding):
    from tinybench.course.units import package_of, read_course
    toml = 'id = "c"\r\n[[unit]]\r\nname = "u"\r\ntitle = "µ"\r\nnotebooks = ["00_core.half"]\r\n'
    put(tmp_path/'assignments'/'course.toml', toml.encode(coding))
    put(tmp_path/'settings.ini', '[DEFAULT]\r\nlib_name = mine\r\n'.encode(coding))
    put(tmp_path/'nbs'/'00_core.half.ipynb', as_file(CHAPTERS['00_core.half']).decode().encode(coding))
    course = read_course(tmp_path)
    assert course.units[0].title == 'µ' and package_of(course) == 'mine'
    assert read_notebook(course.path('00_core.half')) == CHAPTERS['00_core.half']

def test_what_was_saved_meanwhile_is_not_written_over(ws):
    path = ws.path('00_core.half')
    assert not change(ws, path, b'what it was', b'what it should be')
    assert path.read_bytes() == as_file(CHAPTERS['00_core.half'])

def test_backups_are_never_written_over(ws):
    path = ws.path('00_core.half')
    copies = [backup(ws, path, data) for data in (b'1', b'2', b'1', b'3')]
    assert [p.name for p in copies] == ['00_core.half.before-doctor.ipynb', '00_core.half.before-doctor-2.ipynb',
                                        '00_core.half.before-doctor.ipynb', '00_core.half.before-doctor-3.ipynb']
    assert [p.read_bytes() for p in copies] == [b'1', b'2', b'1', b'3']


# --- submit

NOW = datetime(2026, 10, 1, 12, tzinfo=timezone.utc)

def test_round_trip(ws, reference):
    fill(ws)
    unlock(ws.root, 'core.half', reference)
    done = submit(ws.root, 'parts', 'ada', NOW)
    assert done.path == ws.root/'submissions'/'parts-ada-20261001T120000Z.zip'
    assert done.says == ('Unlocked, which is handed in too: 00_core.half.',)
    again = read_submission(done.path)
    assert (again.student, again.unit, again.course, again.when) == ('ada', 'parts', 'c', NOW)
    assert again.files == done.files == {f'{n}.ipynb': ws.path(n).read_bytes() for n in CHAPTERS}
    assert again.unlocked == ('00_core.half',) and again.versions['python']
    about = json.loads(unzipped(done.path)['submission.json'])
    sha256 = hashlib.sha256(ws.path('00_core.half').read_bytes()).hexdigest()
    assert about['files']['00_core.half.ipynb']['sha256'] == sha256

def test_nothing_is_refused_but_all_is_said(ws):
    ws.path('00_core.half').write_text('not a notebook')
    edit(ws, '01_core.quarter', 'x = 8', 'x = (8')
    done = submit(ws.root, 'parts', 'ada', datetime(2027, 1, 1, tzinfo=timezone.utc))
    says = '\n'.join(done.says)
    assert 'this is late' in says and 'not yet filled in: quarter' in says
    assert 'It is handed in as it is' in says and 'cell quarter-check: it is no Python' in says
    assert read_submission(done.path).files['00_core.half.ipynb'] == b'not a notebook'

def test_missing_and_renamed_notebooks(ws):
    ws.path('00_core.half').rename(ws.root/'00_core.half (1).ipynb')
    ws.path('01_core.quarter').unlink()
    done = submit(ws.root, 'parts', 'ada', NOW)
    assert set(done.files) == {'00_core.half.ipynb'}
    assert done.says[:2] == ('00_core.half (1).ipynb is taken for 00_core.half.ipynb.',
                             '01_core.quarter.ipynb is missing.')
    (ws.root/'00_core.half (1).ipynb').unlink()
    with pytest.raises(CourseError, match='No notebook of parts'): submit(ws.root, 'parts', 'ada', NOW)

@pytest.mark.parametrize('student', ['', '../ada', 'a/b', '.hidden', 'a\nb', 'x'*65, 'a b'])
def test_names_that_are_no_folder(ws, student):
    with pytest.raises(CourseError, match='cannot name a student'): submit(ws.root, 'parts', student)

def test_unknown_unit(ws):
    with pytest.raises(CourseError, match='did you mean parts'): submit(ws.root, 'part', 'ada')

@pytest.fixture
def good(ws): return unzipped(submit(ws.root, 'parts', 'ada', NOW).path)

def refused(tmp_path, data, match):
    path = tmp_path/'handed-in.zip'
    path.write_bytes(data)
    with pytest.raises(CourseError, match=match) as caught: read_submission(path)
    assert str(caught.value).startswith('handed-in.zip')

@pytest.mark.parametrize('name', [
    '../evil.ipynb', '/etc/passwd', 'a/b.ipynb', 'a\\b.ipynb', 'C:\\x.ipynb', 'run.py', '.x.ipynb', 'folder/',
    'x.ipynb/', '..', 'a\0b.ipynb', 'submission.json/x.ipynb', 'ä.ipynb', 'x'*200 + '.ipynb'])
def test_odd_names_are_refused(tmp_path, good, name):
    refused(tmp_path, zipped(good | {name: b'{}'}), 'no notebook at its top|not both in its list')

def test_links_are_refused(tmp_path, good):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w') as z:
        for n, data in good.items(): z.writestr(n, data)
        link = zipfile.ZipInfo('02_core.more.ipynb')
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        z.writestr(link, '/etc/passwd')
    refused(tmp_path, out.getvalue(), 'is a link')

def test_bombs_are_refused_before_they_go_off(tmp_path, good):
    refused(tmp_path, zipped(good | {'02_core.more.ipynb': bytes(MOST_EACH + 1)}), 'too large when it is unpacked')
    refused(tmp_path, zipped({f'{i}_a.ipynb': b'' for i in range(MOST_FILES + 1)}), 'the most is 64')

def test_a_lie_about_the_size_does_not_help(tmp_path, good):
    data = bytearray(zipped({'00_core.half.ipynb': bytes(MOST_EACH + 5)}))
    size = (MOST_EACH + 5).to_bytes(4, 'little')
    while size in data: data[data.index(size):data.index(size) + 4] = (10).to_bytes(4, 'little')
    refused(tmp_path, bytes(data), 'no whole zip|too large|submission.json')

def test_two_files_of_one_name_are_refused(tmp_path, good):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w') as z:
        for n, data in good.items(): z.writestr(n, data)
        with pytest.warns(UserWarning): z.writestr('00_core.half.ipynb', 'x')
    refused(tmp_path, out.getvalue(), 'twice')

def test_what_was_changed_after_packing_is_refused(tmp_path, good):
    refused(tmp_path, zipped(good | {'00_core.half.ipynb': b'{}'}), 'its checksum differs')
    refused(tmp_path, zipped(good | {'02_core.more.ipynb': b'{}'}), 'not both in its list and in the zip')
    refused(tmp_path, zipped({n: d for n,d in good.items() if n != '00_core.half.ipynb'}), 'not both in its list')
    refused(tmp_path, zipped({n: d for n,d in good.items() if n != 'submission.json'}), 'no submission.json')

@pytest.mark.parametrize('change', [
    dict(format=2), dict(files=3), dict(student='../x'), dict(student=5), dict(unit='a/b'),
    dict(when='soon'), dict(when='2026-10-01T12:00:00'), dict(files={'00_core.half.ipynb': 3})])
def test_lists_that_make_no_sense_are_refused(tmp_path, good, change):
    about = json.loads(good['submission.json']) | change
    refused(tmp_path, zipped(good | {'submission.json': json.dumps(about).encode()}), 'is no submission')

def test_deep_json_is_refused(tmp_path, good):
    refused(tmp_path, zipped(good | {'submission.json': b'['*100_000}), 'not JSON')

@pytest.mark.parametrize('data', [b'', b'PK', b'hello'*100, bytes(1000)])
def test_files_that_are_no_zip_are_refused(tmp_path, data): refused(tmp_path, data, 'no whole zip')

def test_missing_file(tmp_path):
    with pytest.raises(CourseError, match='cannot be read'): read_submission(tmp_path/'none.zip')

@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    files = {'00_core.half.ipynb': b'{"cells": []}', '01_core.quarter.ipynb': b'x'*1000}
    about = dict(format=1, course='c', unit='parts', student='ada', when=NOW.isoformat(),
                 files={n: dict(sha256=hashlib.sha256(d).hexdigest()) for n,d in files.items()})
    path = tmp_path_factory.mktemp('whole')/'whole.zip'
    path.write_bytes(zipped(files | {'submission.json': json.dumps(about).encode()}))
    assert read_submission(path).files == files
    return path, files

@given(st.lists(st.tuples(st.floats(0, .999), st.integers(0, 255)), min_size=1, max_size=8), st.floats(.1, 1))
def test_damage_is_found(whole, changes, keep):
    "A submission that was damaged is refused in words, or is unharmed."
    path, files = whole
    data = bytearray(path.read_bytes())
    for at, byte in changes: data[int(at*len(data))] = byte
    bad = path.with_name('bad.zip')
    bad.write_bytes(data[:int(keep*len(data))] if keep < .9 else data)
    try: found = read_submission(bad)
    except CourseError: return
    assert found.files == files


# --- with a workspace as the course releases it

@pytest.mark.slow
@pytest.mark.filterwarnings('ignore')    # of nbgrader's own
def test_a_released_workspace(project, tmp_path, monkeypatch, script):
    from tinybench.course.teacher.handout import release
    from tinybench.course.units import read_course
    monkeypatch.setenv('PATH', f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}')
    monkeypatch.delenv('PYTHONPATH', raising=False)
    course = read_course(project)
    root = release(course, tmp_path/'home', units=['tensors'])
    ws = open_workspace(root)
    assert ws.notebooks == course.unit('tensors').notebooks
    assert run_export(ws) == ''
    found = doctor(root)
    assert found.healthy, found
    assert {r.state for r in check(root).rows} == {'not yet filled in'}
    for n in ws.notebooks:
        solved = {c.id: c.source for c in read_notebook(course.path(n)).cells if role(c) == 'exercise'}
        def solve(nb):
            for c in nb.cells: c.source = solved.get(c.id, c.source)
        edit(ws, n, do=solve)
    assert run_export(ws) == '' and all(still_open(ws, n) == [] for n in ws.notebooks)
    report = check(root)
    assert report.holds and report.notes == (), report
    done = submit(root, 'tensors', 'ada')
    assert read_submission(done.path).files == done.files and not [s for s in done.says if 'late' not in s]


# --- marks of a merge that git could not do

TORN = '<<<<<<< HEAD\n    return x/2\n=======\n    return .5*x\n>>>>>>> theirs'

def tear(ws, before='', between='=======\n', after='>>>>>>> theirs\n'):
    "Puts git's marks around two versions of the answer in the file of a notebook; the number of its line."
    fill(ws)
    path = ws.path('00_core.half')
    text = path.read_text()
    line = next(line for line in text.splitlines(keepends=True) if 'return x/2' in line)
    path.write_text(text.replace(line, f'{before}{line}{between}{line.replace("x/2", ".5*x")}{after}'))
    return text[:text.index(line)].count('\n') + 1

def test_marks_in_a_cell_are_named_with_its_line(ws):
    fill(ws)
    edit(ws, '00_core.half', '    return x/2', TORN)
    before = ws.path('00_core.half').read_bytes()
    found = doctor(ws.root)
    assert ('00_core.half.ipynb, cell half: it is no Python: line 4: git could not merge two versions, and left both '
            'between its marks; keep one, delete the other and the marks: <<<<<<< HEAD') in texts(found.open)
    assert ws.path('00_core.half').read_bytes() == before
    assert 'line 4: git could not merge' in row(check(ws.root, ['00_core.half']), 'half').state
    assert 'cell half: it is no Python: line 4: git could not merge' in '\n'.join(submit(ws.root, 'parts', 'ada').says)

def test_marks_in_text_are_named_and_rules_below_titles_are_not(ws):
    def add(nb):
        nb.cells += [new_markdown_cell(f'Why:\n{TORN}', id='why'), new_markdown_cell('Title\n=======\nx', id='fine'),
                     new_code_cell(f's = "{TORN}"'.replace('\n', '\\n'), id='quoted')]
    edit(ws, '00_core.half', do=add)
    found = [str(r) for r in doctor(ws.root)]
    assert found == ['00_core.half.ipynb, cell why: line 2: git could not merge two versions, and left both between '
                     'its marks; keep one, delete the other and the marks']

def test_a_check_with_marks_has_its_own_words_again(ws):
    fill(ws)
    edit(ws, '00_core.half', 'assert half(4) == 2', '<<<<<<< HEAD\nassert 1\n=======\nassert 0\n>>>>>>> theirs')
    assert 'A check was edited' in texts(doctor(ws.root)) and doctor(ws.root).healthy
    assert cell(read_notebook(ws.path('00_core.half')), 'half-check').source == 'assert half(4) == 2'

@pytest.mark.parametrize('marks', [
    dict(),                                                                # the first mark is gone
    dict(before='<<<<<<< HEAD\n', after=''),                               # the last
    dict(before='<<<<<<< HEAD\n', between=''),                             # the one between
    dict(before='<<<<<<< HEAD\n', between='||||||| base\n"x"\n=======\n'),    # git's style diff3
    dict(before='<<<<<<<\n', after='>>>>>>>\n')], ids=['first', 'last', 'between', 'diff3', 'unnamed'])
def test_marks_in_a_file_that_only_a_person_can_resolve(ws, marks):
    line = tear(ws, **marks) + ('before' not in marks)    # without its mark, the first version is no mark's line
    before = ws.path('00_core.half').read_bytes()
    found = texts(doctor(ws.root).open)
    assert f'00_core.half.ipynb: line {line}: git could not merge two versions' in found
    assert 'use a text editor' in found and 'git checkout' in found and '.release/' in found
    assert ws.path('00_core.half').read_bytes() == before and not (ws.root/'.doctor').exists()
    assert check(ws.root).rows[0].hint.endswith('tinybench student doctor')

@pytest.mark.parametrize('ends', [('HEAD', 'theirs'), ('HEAD', '1a2b3c (half, at last)'),
                                  ('Updated upstream', 'Stashed changes')], ids=['merge', 'rebase', 'stash'])
def test_marks_in_a_file_that_are_whole(ws, ends):
    line = tear(ws, before=f'<<<<<<< {ends[0]}\n', after=f'>>>>>>> {ends[1]}\n')
    before = ws.path('00_core.half').read_bytes()
    looked = texts(doctor(ws.root, mend=False))
    assert f'00_core.half.ipynb: To be mended: line {line}: git could not merge' in looked
    assert ws.path('00_core.half').read_bytes() == before
    found = doctor(ws.root)
    assert f'00_core.half.ipynb: line {line}: git could not merge' in texts(found) and found[0].done
    text = '\n'.join(c.source for c in read_notebook(ws.path('00_core.half')).cells)
    assert 'return x/2' in text and 'return .5*x' in text
    assert before in [p.read_bytes() for p in (ws.root/'.doctor').iterdir()]

def test_marks_with_windows_line_ends_and_a_byte_order_mark(ws):
    path = ws.path('00_core.half')
    path.write_bytes(b'\xef\xbb\xbf<<<<<<< HEAD\r\n{}\r\n')
    assert '00_core.half.ipynb: line 1: git could not merge' in texts(doctor(ws.root).open)


# --- what else the doctor is to say

@pytest.mark.parametrize('text', [None, '{'])
def test_a_released_notebook_that_is_lost_is_said(ws, text):
    path = ws.released('00_core.half')
    path.unlink() if text is None else path.write_text(text)
    found = doctor(ws.root)
    assert '.release/00_core.half.ipynb: it cannot be read' in texts(found.open)
    edit(ws, '00_core.half', STUB, 'return (x/2')
    assert 'cell half: it is no Python' in texts(doctor(ws.root))

def test_a_notebook_that_is_nowhere(ws):
    ws.path('00_core.half').unlink()
    ws.released('00_core.half').unlink()
    assert '.release/ has no copy of it: get it anew' in texts(doctor(ws.root).open)

@pytest.mark.filterwarnings('ignore')    # of jupyter's own
def test_a_cell_that_ends_the_kernel_is_said(ws):
    cells = [new_code_cell('import os; os._exit(1)', id='end')]
    with pytest.raises(CourseError, match='ended the kernel'): run_cells(cells, ws.root, fork=False)
