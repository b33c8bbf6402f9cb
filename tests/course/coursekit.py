"A course to try things on: the project's own notebooks, students who hand in what a test says, and nbgrader's gradebook."
import os, shutil, subprocess, sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tinybench.course.teacher.build import build, load_config
from tinybench.course.teacher.gradebook import gradebook
from tinybench.course.cells import exercises, read_notebook
from tinybench.course.units import read_course

ROOT = Path(__file__).resolve().parents[2]

def make_course(to, unit='tensors', notebooks=('00_core.ops',), limits=''):
    "A course of one unit at `to`, with the project's notebooks and package, built."
    to.mkdir(parents=True, exist_ok=True)
    for name in ('nbs', 'tinybench'): shutil.copytree(ROOT/name, to/name, ignore=shutil.ignore_patterns('__pycache__'), symlinks=True)
    (to/'assignments').mkdir()
    shutil.copy(ROOT/'assignments'/'nbgrader_config.py', to/'assignments')
    shutil.copy(ROOT/'settings.ini', to)
    (to/'assignments'/'course.toml').write_text(
        f'id = "small"\n[[unit]]\nname = "{unit}"\nnotebooks = {list(notebooks)}\n[limits]\n{limits}\n'.replace("'", '"'))
    course = read_course(to)
    build(course)
    return course

def solutions(course, notebook):
    "The solved source of each exercise."
    return {e.name: e.cell.source for e in exercises(read_notebook(course.path(notebook)))}

def filled(course, unit, notebook, answers):
    "The released notebook with `answers` in its exercises."
    nb = read_notebook(course.folder('release', unit, f'{notebook}.ipynb'))
    for c in nb.cells:
        if c.id in answers: c.source = answers[c.id]
    return nb

def hand_in(course, unit, student, notebooks):
    "Write a student's notebooks ({name: notebook}) to submitted/."
    folder = course.folder('submitted', student, unit)
    folder.mkdir(parents=True, exist_ok=True)
    for name, nb in notebooks.items(): nbformat.write(nb, folder/f'{name}.ipynb')
    return folder

def scores(course, unit):
    "{student: {check: score}} as the gradebook has it."
    with gradebook(course, load_config(course)) as book:
        found = {s.student_id: {f'{n.name}/{g.name}': g.score for n in s.notebooks for g in n.grades}
                 for s in book.find_assignment(unit).submissions}
    return found

def nbgrader(course, *args):
    "Run nbgrader's command in the course; its exit status and output."
    path = os.pathsep.join([str(course.root.parent), str(ROOT), *filter(None, [os.environ.get('PYTHONPATH')])])
    env = dict(os.environ, PYTHONPATH=path, PATH=f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}')
    env.pop('PYTHONWARNINGS', None)
    done = subprocess.run([str(Path(sys.executable).parent/'nbgrader'), *args], cwd=course.root, env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


# A course of one small lesson: two exercises of three points each.

NAME = '00_core.ops'
DOUBLE, TRIPLE = 'def double(x):\n    "Twice x."\n    return 2*x', 'def triple(x):\n    "Thrice x."\n    return 3*x'
LIMITS = dict(cell_seconds=2, submission_seconds=30, memory_mb=1024, file_mb=16, output_kb=256, processes=30)
PYTHON3 = dict(kernelspec=dict(name='python3', display_name='python3', language='python'))

def cell(name, source, **meta):
    meta = meta and dict(grade_id=name, schema_version=3, solution=False, grade=False, task=False, locked=False) | meta
    return new_code_cell(source, id=name, metadata=dict(nbgrader=meta) if meta else {})

def exercise(name, source): return cell(name, f'#| export\n{source}', solution=True)
def shown(name, source): return cell(name, source, grade=True, locked=True, points=1)

def hidden(name, source):
    source = f'#| hide\n### BEGIN HIDDEN TESTS\n# on other numbers\n{source}\n### END HIDDEN TESTS'
    return cell(name, source, grade=True, locked=True, points=2)

def small_lesson():
    return new_notebook(metadata=PYTHON3, cells=[
        cell('default-exp', '#| default_exp core.ops'), new_markdown_cell('# Twice\n> And thrice', id='title'),
        cell('imports', 'import numpy as np\nfrom fastcore.test import test_eq'),
        exercise('double', DOUBLE), cell('double-show', 'double(4)'),
        shown('double-check', 'assert double(2) == 4'),
        hidden('double-hidden', 'test_eq(double(31), 62)  # SECRET\nassert np.allclose(double(np.ones(3)), 2)'),
        exercise('triple', TRIPLE),
        shown('triple-check', 'test_eq(triple(2), 6)'), hidden('triple-hidden', 'assert triple(31) == 93  # SECRET')])

def small_course(to):
    "The course, built in the folder `to`; its unit is called first."
    for name in ('nbs', 'assignments'): (to/name).mkdir(parents=True)
    (to/'settings.ini').write_text('[DEFAULT]\nlib_name = tinybench\ndescription = two numbers\n')
    limits = '\n'.join(f'{k} = {v}' for k, v in LIMITS.items())
    (to/'assignments'/'course.toml').write_text(f'id = "small"\n[[unit]]\nname = "first"\nnotebooks = ["{NAME}"]\n[limits]\n{limits}\n')
    nbformat.write(small_lesson(), to/'nbs'/f'{NAME}.ipynb')
    course = read_course(to)
    build(course)
    return course

def released(course, bad='', **answers):
    "What was handed out, filled with `answers`, and with a cell `bad` below the first exercise."
    nb = filled(course, 'first', NAME, answers)
    if bad: nb.cells.insert([c.id for c in nb.cells].index('double') + 1, cell('bad', bad))
    return nb
