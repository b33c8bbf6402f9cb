"The commands for those who teach and those who learn, and a unit's whole way from notebooks to grades."
import csv, json, os, re, shutil, subprocess, sys
from pathlib import Path

import nbformat
import pytest
from coursekit import ROOT, filled, make_course, nbgrader, scores, small_course, solutions
from nbgrader.apps.api import NbGraderAPI

from tinybench.cli import main
from tinybench.course.teacher.build import load_config
from tinybench.course.cells import read_notebook
from tinybench.course.prove.answers import read_answers

pytestmark = [pytest.mark.filterwarnings('ignore::sqlalchemy.exc.SAWarning')]
UNIT, LESSON = 'choices', '65_bench.choose'
COURSE = 'check', 'build', 'release', 'enrol', 'collect', 'grade', 'feedback', 'export', 'drop', 'prove'
STUDENT = 'check', 'doctor', 'unlock', 'submit'

def status(*args):
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0

@pytest.mark.parametrize('group, command', [*(('course', c) for c in COURSE), *(('student', c) for c in STUDENT)])
def test_help_has_an_example(capsys, group, command):
    assert status(group, '--help') == 0 and f'  {command} ' in capsys.readouterr().out
    assert status(group, command, '--help') == 0
    assert f'Example: tinybench {group} {command}' in capsys.readouterr().out

def test_help_says_where_to_start(capsys):
    assert status('--help') == 0 and 'Start with' in capsys.readouterr().out.partition('Options')[0]

@pytest.mark.parametrize('page', ['ascii', 'cp437', 'cp1252', 'gbk', 'cp037'])
def test_a_result_of_the_course_keeps_to_the_code_page(small, tmp_path, page):
    "What `course grade` or `collect` prints of a student whose id the code page lacks."
    (tmp_path/'in').mkdir()
    (tmp_path/'in'/'Łukasz – 1.txt').write_text('')
    done = subprocess.run([sys.executable, '-m', 'tinybench.cli', 'course', 'collect', 'first', str(tmp_path/'in'), '--course', str(small)],
                          env=dict(os.environ, PYTHONIOENCODING=page, PYTHONPATH=str(ROOT)), capture_output=True)
    out = done.stdout.decode(page)    # UnicodeDecodeError if it is in another
    assert done.returncode == 0 and 'ukasz' in out and '1.txt is no zip file' in out and (page != 'ascii' or '?ukasz - 1.txt' in out)

def test_help_loads_nothing_of_the_course():
    code = '''import sys
from tinybench.cli import main
try: main(["course", "grade", "--help"])
finally: print(*{"numpy", "nbformat", "nbgrader", "distributed", "sqlalchemy"} & set(sys.modules), file=sys.stderr)'''
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0 and done.stderr.strip() == '', done.stderr

@pytest.mark.parametrize('module', ['box.worker', 'mend.source', 'student.workspace', 'stub', 'teacher.grade'])
def test_what_nbformat_does_not_use_is_not_loaded(module):
    "It takes a second, for which each process that grades would wait."
    code = f'import sys, tinybench.course.{module}; print("rfc3987_syntax" in sys.modules)'
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, text=True, capture_output=True, check=True)
    assert done.stdout == 'False\n'

def test_only_one_module_loads_nbformat():
    top = [p for p in (ROOT/'tinybench'/'course').rglob('*.py') if re.search(r'(?m)^(import|from) nbformat', p.read_text())]
    assert [p.name for p in top] == ['cells.py']

@pytest.fixture(scope='module')
def small(tmp_path_factory): return small_course(tmp_path_factory.mktemp('small')/'course').root

@pytest.fixture(scope='module')
def course(tmp_path_factory): return make_course(tmp_path_factory.mktemp('course'), UNIT, (LESSON,))

@pytest.mark.parametrize('args, says', [
    (['check'], 'no course.toml'), (['build', '--course', '{root}', 'choice'], 'did you mean choices?'),
    (['grade', '--course', '{root}', UNIT], 'Nobody handed in choices'),
    (['grade', '--course', '{root}', 'other'], 'There is no unit other'),
    (['feedback', '--course', '{root}', 'other'], 'other'),
    (['collect', '--course', '{root}', UNIT, 'nowhere'], 'There is no folder nowhere'),
    (['export', '--course', '{root}', 'out.csv', '--style', 'excel'], 'excel'),
    (['prove', '--course', '{root}', '66_bench.chose'], '65_bench.choose'),
    (['release', '--course', '{root}', '{root}'], 'not empty')])
def test_an_expected_error_is_one_line_and_status_1(course, capsys, tmp_path, monkeypatch, args, says):
    monkeypatch.chdir(tmp_path)
    assert status('course', *(a.format(root=course.root) for a in args)) == 1
    out, err = capsys.readouterr()
    assert out == '' and err.startswith('tinybench: ') and says in err and err.count('\n') == 1, err
    assert list(tmp_path.iterdir()) == []

@pytest.mark.parametrize('args', [['check'], ['doctor'], ['unlock', '12_nn.conv'], ['submit', 'x', '--student', 'ada']])
def test_a_folder_that_is_no_workspace(capsys, tmp_path, monkeypatch, args):
    monkeypatch.chdir(tmp_path)
    assert status('student', *args) == 1
    assert 'workspace' in capsys.readouterr().err


# --- the whole way

def answers(course):
    "What four students write: all, a part, something wrong, nothing."
    right = solutions(course, LESSON)
    names = list(right)
    known = read_answers(ROOT/'assignments'/'knockouts'/f'{LESSON}.py')[names[0]]
    wrong = {names[0]: '#| export\n' + next(a.source for a in known if a.kind == 'wrong')}
    return dict(solved=right, partly={names[0]: right[names[0]]}, wrong=wrong, empty={})

def work(course, workspace, to, answers, name):
    "A student's own copy of the workspace, filled in and packed; the zip file."
    mine = Path(shutil.copytree(workspace, to/name))
    nb = read_notebook(mine/f'{LESSON}.ipynb')
    for c in nb.cells: c.source = answers.get(c.id, c.source)
    nbformat.write(nb, mine/f'{LESSON}.ipynb')
    assert status('student', 'submit', UNIT, '--student', name, '--workspace', mine) == 0
    return next((mine/'submissions').glob('*.zip'))

def rows_of(path): return csv.DictReader(path.read_text().splitlines())

@pytest.mark.slow
def test_from_notebooks_to_grades(tmp_path, capsys):
    course = make_course(tmp_path/'course', UNIT, (LESSON,))
    at = '--course', course.root
    assert status('course', 'check', UNIT, *at) == 0 and status('course', 'build', UNIT, *at) == 0
    assert status('course', 'release', tmp_path/'handout', *at) == 0
    (tmp_path/'in').mkdir()
    for name, mine in answers(course).items():
        shutil.copy(work(course, tmp_path/'handout', tmp_path, mine, name), tmp_path/'in'/f'{name}.zip')
    (tmp_path/'in'/'letter.zip').write_text('no zip')
    capsys.readouterr()
    assert status('course', 'collect', UNIT, tmp_path/'in', *at) == 0
    out = capsys.readouterr().out
    assert f'{UNIT}: 4 collected' in out and 'letter.zip' in out
    assert status('course', 'grade', UNIT, '--json', *at) == 0
    rows = {r['student']: r for r in json.loads(capsys.readouterr().out)['rows']}
    points = {name: sum(found.values()) for name, found in scores(course, UNIT).items()}
    most = rows['solved']['of']
    assert points == {name: r['points'] for name, r in rows.items()}
    assert points['solved'] == most and 0 < points['partly'] < most and points['empty'] == 0 and points['wrong'] < 2
    assert rows['solved']['notes'] == [] and all('yet' in n for n in rows['empty']['notes'])

    assert status('course', 'feedback', UNIT, *at) == 0
    hidden = [c.source for c in read_notebook(course.path(LESSON)).cells if 'BEGIN HIDDEN' in c.source]
    lines = {line.strip() for s in hidden for line in s.splitlines() if len(line) > 30 and not line.lstrip().startswith('#')}
    page = course.folder('feedback', 'wrong', UNIT, 'index.html').read_text()
    assert 'surely-beats' in page and not any(line in page for line in lines)
    assert status('course', 'export', tmp_path/'canvas.csv', '--style', 'canvas', *at) == 0
    table = {r['Student']: r for r in rows_of(tmp_path/'canvas.csv')}
    assert float(table['solved'][UNIT]) == most and float(table['empty'][UNIT]) == 0

    # nbgrader's own tools read what was written
    api = NbGraderAPI(config=load_config(course))
    found = {s['student']: s for s in api.get_submissions(UNIT)}
    assert {n: s['score'] for n, s in found.items()} == points and all(s['autograded'] for s in found.values())
    assert not any(s['needs_manual_grade'] for s in found.values())
    code, said = nbgrader(course, 'generate_feedback', UNIT, '--force')
    assert code == 0, said
    page = course.folder('feedback', 'solved', UNIT, f'{LESSON}.html').read_text()
    assert 'surely_beats' in page and not any(line in page for line in lines)
    code, said = nbgrader(course, 'export', '--to', str(tmp_path/'theirs.csv'))
    assert code == 0, said
    theirs = {r['student_id']: float(r['score']) for r in rows_of(tmp_path/'theirs.csv')}
    assert theirs == points


# --- what goes wrong on the way

@pytest.mark.parametrize('e, line', [
    (OSError(28, 'No space left on device'), 'No space left on device'), (OSError('odd'), 'odd'),
    (OSError(30, 'Read-only file system'), 'Read-only file system'), (FileExistsError(17, 'File exists', 'x'), 'File exists: x')])
def test_a_disk_that_is_full_is_one_line_and_status_1(course, capsys, monkeypatch, e, line):
    from tinybench.course.teacher import build as module
    def full(*args, **kwargs): raise e
    monkeypatch.setattr(module, 'generate', full)
    assert status('course', 'build', '--course', course.root) == 1
    out, err = capsys.readouterr()
    assert out == '' and err == f'tinybench: {line}\n'

def test_who_is_not_graded_is_status_1(course, capsys, monkeypatch):
    from tinybench.course.teacher import grade as module
    row = module.Row('ada', 0, 1, 0., ('NOT GRADED, run it again: ValueError: odd',), done=False)
    monkeypatch.setattr(module, 'grade', lambda *args, **kwargs: module.Graded('choices', (row,), 'bubblewrap', 0.))
    assert status('course', 'grade', UNIT, '--course', course.root) == 1
    assert 'NOT GRADED, run it again' in capsys.readouterr().out
