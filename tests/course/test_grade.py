"Grading a unit: nbgrader's scores, resumed runs, memory, speed, a Dask cluster elsewhere, and an ordinary user's sandbox."
import hashlib, json, os, re, shutil, signal, socket, subprocess, sys, tempfile
from pathlib import Path

import nbformat
import psutil
import pytest

import coursekit as kit
from coursekit import DOUBLE, NAME, TRIPLE, released, small_course
from tinybench.course.teacher import grade as module, record as recording
from tinybench.course.teacher.build import alone, build, load_config
from tinybench.course.teacher.gradebook import gradebook
from tinybench.base.files import replace_folder
from tinybench.course.cells import CourseError
from tinybench.course.units import read_course
from tinybench.course.teacher.collect import collect
from tinybench.course.teacher.feedback import write_feedback
from tinybench.course.teacher.handout import SETTINGS, release
from tinybench.course.teacher.grade import grade
from tinybench.course.teacher.prepare import prepare, read
from tinybench.course.student.submission import zipped
from tinybench.course.box.walls import bubblewrap, walls

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = dict(solved=dict(double=DOUBLE, triple=TRIPLE), half=dict(double=DOUBLE), empty={}, wrong=dict(double='def double(x): return x + 2', triple=TRIPLE))
POINTS = dict(solved=6, half=3, empty=0, wrong=4)

@pytest.fixture
def course(tmp_path): return small_course(tmp_path/'course')

def class_of(course, n, bad=''):
    "`n` students who hand in the answers above in turn; their points."
    kinds = [*ANSWERS]
    for i in range(n): kit.hand_in(course, 'first', f's{i:03}', {NAME: released(course, bad, **ANSWERS[kinds[i % 4]])})
    return {f's{i:03}': POINTS[kinds[i % 4]] for i in range(n)}

def sums(course): return {s: sum(of.values()) for s, of in kit.scores(course, 'first').items()}
def graded_file(course, student): return course.folder('autograded', student, 'first', 'graded.json')

def stamps(course):
    "When and as which file each student's grade was written."
    return {p.parts[-3]: (p.stat().st_ino, p.stat().st_mtime_ns) for p in course.folder('autograded').glob('*/first/*')}


# --- what the caller is told

def test_errors_say_what_to_do(course):
    with pytest.raises(CourseError, match='Nobody handed in first: submitted/STUDENT/first/'): grade(course, 'first')
    class_of(course, 1)
    with pytest.raises(CourseError, match='nobody handed in nothing for first'): grade(course, 'first', students=['nobody'])
    with pytest.raises(CourseError, match='There is no unit frist: did you mean first'): grade(course, 'frist')
    shutil.rmtree(course.folder('source'))
    config = load_config(course)
    assert 'Run `tinybench course build first`' in str(prepare(course, course.unit('first'), 's000', config).notes)
    (course.root/'gradebook.db').unlink()
    with pytest.raises(CourseError, match='does not know the unit first.* built first, with `tinybench course build`'): grade(course, 'first')

def test_the_wall_is_said_aloud(monkeypatch):
    said = walls()
    assert ('bubblewrap: each submission runs without network' in said) == bool(bubblewrap())
    bubblewrap.cache_clear()
    monkeypatch.setenv('PATH', '')
    try: assert walls().startswith('NO SANDBOX: bubblewrap is not installed (Debian: apt-get install bubblewrap)')
    finally: bubblewrap.cache_clear()


# --- grades that hold, and those that do not any more

def test_only_what_changed_is_graded_again(course):
    want = class_of(course, 4)
    first = grade(course, 'first', jobs=1)
    assert sums(course) == want and first.before == 0 and [r.student for r in first.rows] == sorted(want)
    before = stamps(course)
    again = grade(course, 'first', jobs=1)
    assert again.before == 4 and again.rows == first.rows and stamps(course) == before and '4 of them before' in repr(again)

    kit.hand_in(course, 'first', 's002', {NAME: released(course, **ANSWERS['solved'])})
    changed = grade(course, 'first', jobs=1)
    assert changed.before == 3 and sums(course) == want | dict(s002=6)
    assert {s for s, at in stamps(course).items() if at != before[s]} == {'s002'}

    nb = kit.small_lesson()
    nb.cells[5].source = 'assert double(2) == 4\nassert double(0) == 0'
    nbformat.write(nb, course.path(NAME))
    build(course)
    rebuilt = grade(course, 'first', jobs=1)
    assert rebuilt.before == 0 and sums(course) == want | dict(s002=6, s003=3)
    assert grade(course, 'first', jobs=1, students=['s003'], again=True).before == 0


# --- killed and resumed

RUN = '''import sys
sys.path[:0] = [{root!r}]
from tinybench.course.units import read_course
from tinybench.course.teacher.grade import grade
def told(done, of, who):
    print('done', done, of, who, flush=True)
    if done == {wait}:
        try: sys.stdin.read()
        except KeyboardInterrupt:
            if not {swallow}: raise
if __name__ == '__main__': print(grade(read_course({course!r}), 'first', jobs=2, progress=told), flush=True)
'''

def start(course, wait=None, swallow=False):
    "Grade in a process of its own, which waits to be killed when `wait` students are done, and may `swallow` a Ctrl-C."
    script = course.root.parent/'run.py'
    script.write_text(RUN.format(root=str(ROOT), course=str(course.root), wait=wait, swallow=swallow))
    return subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, start_new_session=True)

def gone(processes, secs=60):
    "Wait until all have ended; those that have not."
    return [p for p in psutil.wait_procs(processes, secs)[1] if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]

@pytest.mark.slow
@pytest.mark.parametrize('sign', [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_resumes(course, tmp_path, sign):
    want = class_of(course, 8)
    process = start(course, wait=3)
    seen = [process.stdout.readline() for _ in range(3)]
    assert all(line.startswith('done') for line in seen), process.stderr.read()
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, sign) if sign == signal.SIGINT else process.send_signal(sign)    # a terminal tells all at once
    _, err = process.communicate(timeout=600)
    assert process.returncode and not gone(family) and 'Dask' not in err
    before, done = stamps(course), sorted(p.parts[-3] for p in course.folder('autograded').glob('*/first/graded.json'))
    assert len(done) == 3 and not [*course.folder('autograded').glob('.new-*')]
    again = start(course)
    out, err = again.communicate(timeout=600)
    assert again.returncode == 0 and f'{len(done)} of them before' in out, err
    after = stamps(course)
    assert {s: after[s] for s in done} == {s: before[s] for s in done}
    assert sums(course) == want and {s: json.loads(graded_file(course, s).read_text())['row']['points'] for s in want} == want
    assert not [p for p in course.folder('autograded').rglob('*') if p.name.startswith('.')]


def test_a_swallowed_ctrl_c_stops_all_the_same(course):
    class_of(course, 8)
    process = start(course, wait=3, swallow=True)
    assert all(process.stdout.readline().startswith('done') for _ in range(3)), process.stderr.read()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=600)
    assert process.returncode and 'KeyboardInterrupt' in err and 'graded in' not in out
    assert len([*course.folder('autograded').glob('*/first/graded.json')]) == 3


# --- nbgrader says the same, later

QUICK = '62_backends.base', '65_bench.choose'

def known_answers(notebook, kind):
    "{exercise: [sources]} of the known wrong or right answers."
    parts = re.split(r'(?m)^# %% ', (ROOT/'assignments'/'knockouts'/f'{notebook}.py').read_text())[1:]
    found = {}
    for name, how, source in (re.fullmatch(r'(\S+) (wrong|right):[^\n]*\n(.*)', p, re.S).groups() for p in parts):
        if how == kind: found.setdefault(name, []).append(source.strip())
    return found

def round_secs(paths):
    "Seconds a submission, from the first that was done to the last."
    times = sorted(p.stat().st_mtime for p in paths)
    return (times[-1] - times[0])/(len(times) - 1)

def warning(source):
    "An answer whose first function warns whenever it is called."
    name = re.search(r'(?m)^def (\w+)', source)
    return source if not name else f'''{source}
def warns(f):
    import functools, warnings
    @functools.wraps(f)
    def g(*args, **kwargs):
        warnings.warn('old style')
        return f(*args, **kwargs)
    return g
{name[1]} = warns({name[1]})'''

@pytest.mark.slow
@pytest.mark.alone
def test_nbgrader_gives_the_same_scores_and_takes_five_times_as_long(tmp_path):
    course = kit.make_course(tmp_path/'course', 'quick', QUICK)
    solved = {n: kit.solutions(course, n) for n in QUICK}
    wrong, right = ({n: known_answers(n, k) for n in QUICK} for k in ('wrong', 'right'))
    answers = {'solved': solved, 'other': {n: {e: s[0] for e, s in right[n].items()} for n in QUICK}, 'half': {n: dict([*solved[n].items()][:2]) for n in QUICK},
               'empty': {n: {} for n in QUICK}} | {f'wrong {i}': {n: {e: s[i] for e, s in wrong[n].items()} for n in QUICK} for i in range(1)}
    answers['warns'] = {n: {e: warning(s) for e, s in solved[n].items()} for n in QUICK}
    for student, of in answers.items():
        notebooks = {n: kit.filled(course, 'quick', n, of[n]) for n in QUICK}
        for again in ('', ' again', ' and again'): kit.hand_in(course, 'quick', student + again, notebooks)
    graded = grade(course, 'quick', jobs=2)
    ours, rows = kit.scores(course, 'quick'), {r.student: r for r in graded.rows}
    assert all(ours[s] == ours[f'{s} again'] == ours[f'{s} and again'] for s in answers)
    secs = round_secs([*course.folder('autograded').glob('*/quick/graded.json')])
    assert rows['solved'].points == rows['solved'].of == rows['other'].points and rows['empty'].points == 0 < rows['half'].points < rows['half'].of
    assert rows['solved'].notes == rows['other'].notes == () and all(rows[s].notes for s in answers.keys() - {'solved', 'other'})
    assert all(rows[f'wrong {i}'].points < rows['solved'].of for i in range(1))
    assert rows['warns'].points == rows['solved'].of and 'it warned, which costs no points' in str(rows['warns'].notes)

    shutil.rmtree(course.folder('autograded'))
    for student in ours.keys() - answers: shutil.rmtree(course.folder('submitted')/student)
    (course.root/'gradebook.db').unlink()
    build(course)
    status, said = kit.nbgrader(course, 'autograde', 'quick')
    assert status == 0, said[-2000:]
    assert kit.scores(course, 'quick') == {s: ours[s] for s in answers}
    theirs = round_secs([max(p.glob('*.ipynb'), key=lambda f: f.stat().st_mtime) for p in course.folder('autograded').glob('*/quick')])
    assert theirs/secs >= 5, f'{theirs:.2f} s a submission with nbgrader, {secs:.2f} s here'


# --- memory

@pytest.mark.slow
def test_memory_of_the_parent_stays_flat(course):
    want, rss = class_of(course, 60), []
    grade(course, 'first', jobs=2, progress=lambda *a: rss.append(psutil.Process().memory_info().rss/2**20))
    assert sums(course) == want and rss[-1] - rss[19] < 4, rss


# --- a cluster elsewhere

def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]

@pytest.fixture
def cluster(tmp_path):
    "The address of a Dask scheduler with one worker."
    address, dask = f'tcp://127.0.0.1:{free_port()}', [sys.executable, '-W', 'ignore', '-m', 'dask']
    env = {k: v for k, v in os.environ.items() if not k.startswith(('PYTEST', 'DASK'))} | dict(PYTHONPATH=str(ROOT), DASK_DISTRIBUTED__WORKER__DAEMON='False')
    log = open(tmp_path/'dask.log', 'w')
    started = [subprocess.Popen([*dask, *args], env=env, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True) for args in (
        ['scheduler', '--host', '127.0.0.1', '--port', address.rpartition(':')[2], '--no-dashboard'],
        ['worker', address, '--host', '127.0.0.1', '--nthreads', '1', '--nworkers', '1', '--no-dashboard', '--local-directory', str(tmp_path)])]
    yield address
    for p in started[::-1]:
        family = psutil.Process(p.pid).children(recursive=True) if p.poll() is None else []
        p.terminate()
        try: p.wait(30)
        except subprocess.TimeoutExpired: p.kill()
        for q in gone(family, 20): q.kill()
        p.wait()
    log.close()

def test_a_cluster_gives_the_same_scores(course, cluster):
    want = class_of(course, 4)
    assert [r.points for r in grade(course, 'first', scheduler=cluster).rows] == [*want.values()] and sums(course) == want

def test_a_worker_with_another_tinybench_refuses(tmp_path, cluster, monkeypatch):
    course = small_course(tmp_path/'course')
    class_of(course, 2)
    def other(*asked):
        ready, work = read(*asked)
        return ready, work | dict(sum='of another version')
    monkeypatch.setattr('tinybench.course.teacher.grade.read', other)
    with pytest.raises(CourseError, match='is not the one that hands out the work. Install the same on every worker'):
        grade(course, 'first', scheduler=cluster)
    assert not kit.scores(course, 'first')

@pytest.mark.slow
def test_a_wrong_address_is_said(course):
    class_of(course, 1)
    with pytest.raises(CourseError, match='No Dask scheduler answers at tcp://127.0.0.1:'): grade(course, 'first', scheduler=f'tcp://127.0.0.1:{free_port()}')
    with pytest.raises(CourseError, match='No Dask scheduler answers at nonsense://'): grade(course, 'first', scheduler='nonsense://x')


# --- an ordinary user

USER = '''import json, sys
import nbformat
from tinybench.course.box.start import Limits, Warm
from tinybench.course.box.worker import play_in
code = ['x = 3', 'import os; print(os.getuid(), os.listdir("/scratch"), sorted(p for p in os.listdir("/proc") if p.isdigit())[:2])',
        'import os; os.kill(os.getpid(), 9)', 'open("/usr/evil", "w")', f'open({sys.argv[1]!r}).read()', 'bytearray(40 << 30)', 'assert x == 3',
        'import os\\nwhile True:\\n    try: os.fork()\\n    except OSError: pass', 'assert x == 4']
cells = [nbformat.v4.new_code_cell(s, id=f'c{i}') for i, s in enumerate(code)]
if __name__ == '__main__':
    with Warm(sys.argv[2], limits=Limits(cell_seconds=2, memory_mb=1024, processes=30)) as warm:
        print(json.dumps([warm.walled, [[o.error, o.outputs] for o in play_in(warm, cells)]]))
'''

@pytest.fixture
def open_folder():
    "A folder that others may read, as pytest's own are not."
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)

@pytest.mark.slow
def test_an_ordinary_user_has_the_same_walls(open_folder):
    "As root, this runs with the system's Python and copies of what it needs, as nobody."
    if os.geteuid(): pytest.skip('needs root, to become somebody else: all other tests here are an ordinary user\'s')
    if not bubblewrap(): pytest.skip('needs bubblewrap')
    python = shutil.which('python3', path='/usr/bin')
    same = python and subprocess.run([python, '-c', f'import sys, venv; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})'], capture_output=True).returncode == 0
    if not same: pytest.skip('needs a Python of the system, of the same version')
    base = open_folder
    subprocess.run([python, '-m', 'venv', '--without-pip', str(base/'env')], check=True)
    (site,) = (base/'env').glob('lib/python*/site-packages')
    loaded = 'import sys, numpy, nbformat, fastcore.test, tinybench.course.box.worker; from IPython.core.interactiveshell import InteractiveShell; InteractiveShell.instance()'
    said = subprocess.run([sys.executable, '-W', 'ignore', '-c', loaded + '\nprint(*{n.split(".")[0] for n in sys.modules})'], cwd=ROOT, text=True, capture_output=True, check=True)
    ours = Path(nbformat.__file__).parents[1]
    for name in said.stdout.split():
        for path in ours.glob(f'{name}*'):
            if path.is_dir() and path.name in (name, f'{name}.libs'): shutil.copytree(path, site/path.name, ignore=shutil.ignore_patterns('__pycache__', 'tests'))
            if path.is_file() and path.name.split('.')[0] == name: shutil.copy(path, site)
    for path in ours.glob('*.dist-info'): shutil.copytree(path, site/path.name)
    shutil.copytree(ROOT/'tinybench', base/'lib'/'tinybench', ignore=shutil.ignore_patterns('__pycache__'))
    (base/'run.py').write_text(USER)
    secret = base/'secret'
    secret.write_text('gradebook')
    done = subprocess.run([str(base/'env'/'bin'/'python'), '-B', str(base/'run.py'), str(secret), str(base/'lib')], user=65534, group=65534, extra_groups=[], cwd='/', text=True,
                          capture_output=True, env=dict(PATH='/usr/bin:/bin', HOME='/nonexistent', PYTHONPATH=str(base/'lib'), TMPDIR='/tmp', IPYTHONDIR='/tmp'))
    assert done.returncode == 0, done.stderr[-2000:]
    walled, ((*_,), (_, shown), killed, write, read, memory, right, bomb, wrong) = json.loads(done.stdout)
    assert walled and shown[0].get('text') == "65534 [] ['1', '2']\n", shown
    assert killed[0].startswith('ended its process: killed') and 'Read-only file system' in write[0] and read[0].startswith('FileNotFoundError')
    assert memory[0] == 'MemoryError' and right[0] == '' and wrong[0] == 'AssertionError'
    assert bomb[0].startswith(('TimeoutError', 'ended its process: ran longer', 'ended its process: started processes'))


# --- submissions, penalties and points over time

def changed_course(course, old, new):
    toml = course.root/'course.toml'
    toml.write_text(toml.read_text().replace(old, new))
    return read_course(course.root)

def submission(course, student='s000'):
    with gradebook(course, load_config(course)) as book:
        s = book.find_submission('first', student)
        return s.timestamp, s.total_seconds_late

def test_what_comes_while_it_runs_is_graded_next(course, monkeypatch):
    class_of(course, 2)
    record = module.record
    def resubmits(course, unit, ready, *args):
        kit.hand_in(course, 'first', 's001', {NAME: released(course, **ANSWERS['solved'])})
        return record(course, unit, ready, *args)
    with monkeypatch.context() as m:
        m.setattr(module, 'record', resubmits)
        assert grade(course, 'first', jobs=1).rows[1].points == 3
    after = grade(course, 'first', jobs=1)
    assert after.before == 1 and after.rows[1].points == 6

def test_a_grade_holds_while_the_rules_do(course):
    "The due date, the limits and nbgrader's settings; and the gradebook has the course's due date."
    class_of(course, 1)
    (course.folder('submitted', 's000', 'first')/'timestamp.txt').write_text('2026-10-07 08:00:00 UTC')
    grade(course, 'first')
    due = changed_course(course, 'notebooks =', 'due = 2026-10-06T10:00:00+02:00\nnotebooks =')
    assert grade(due, 'first').before == 0 and submission(course)[1] == 86400
    assert grade(due, 'first').before == 1
    longer = changed_course(course, 'cell_seconds = 2', 'cell_seconds = 3')
    assert grade(longer, 'first').before == 0
    (course.root/'nbgrader_config.py').write_text('c = get_config()\nc.LimitOutput.max_lines = 50\n')
    assert grade(longer, 'first').before == 0 and grade(longer, 'first').before == 1

LATE = '''from nbgrader.plugins import LateSubmissionPlugin
class Two(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late): return 2
c = get_config()
c.AssignLatePenalties.plugin_class = Two
'''

def test_a_penalty_and_its_time_go_with_the_submission_that_was_late(course):
    (course.root/'nbgrader_config.py').write_text(LATE)
    course = changed_course(course, 'notebooks =', 'due = 2026-10-06T10:00:00+02:00\nnotebooks =')
    class_of(course, 1)
    stamp = course.folder('submitted', 's000', 'first')/'timestamp.txt'
    stamp.write_text('2026-10-07 08:00:00 UTC')
    assert '2 points are taken off for lateness.' in grade(course, 'first').rows[0].notes
    stamp.write_text('yesterday?')
    row = grade(course, 'first').rows[0]
    assert row.points == 6 and submission(course) == (None, 0) and 'timestamp.txt holds no date, so it counts as handed in on time.' in row.notes
    stamp.write_text('2026-10-07 08:00:00 UTC')
    grade(course, 'first')
    (stamp.parent/f'{NAME}.ipynb').unlink()
    assert grade(course, 'first').rows[0].points == 0
    with gradebook(course, load_config(course)) as book: assert not book.find_submission('first', 's000').late_submission_penalty

def test_a_persons_points_are_shown_and_looked_at_again(course):
    class_of(course, 3)
    grade(course, 'first', jobs=1)
    with gradebook(course, load_config(course)) as book:
        book.find_grade('triple-check', NAME, 'first', 's001').manual_score = 1
        book.db.commit()
    again = grade(course, 'first', jobs=1)
    assert again.before == 3 and again.rows[1].points == 4
    said = f'{NAME}, triple-check: 1 points, given by hand, count; this run gives 0.'
    assert said in grade(course, 'first', jobs=1, again=True).rows[1].notes
    (course.folder('submitted', 's001', 'first')/f'{NAME}.ipynb').unlink()
    assert grade(course, 'first', jobs=1).rows[1].points == 1
    with gradebook(course, load_config(course)) as book:
        needs = {g.name: g.needs_manual_grade for g in book.find_submission_notebook(NAME, 'first', 's001').grades}
    assert needs == {n: n == 'triple-check' for n in needs}

def test_a_gradebook_that_forgot_the_unit_gets_it_again(course):
    want = class_of(course, 2)
    grade(course, 'first', jobs=1)
    with gradebook(course, load_config(course)) as book: book.remove_assignment('first')
    build(course)
    assert grade(course, 'first', jobs=1).before == 0 and sums(course) == want

def test_an_error_in_recording_costs_nobody_else_anything(course, monkeypatch):
    want, score = class_of(course, 3), recording.score
    def odd(course, unit, ready, *args):
        if ready.student == 's001': raise ValueError('odd')
        return score(course, unit, ready, *args)
    with monkeypatch.context() as m:
        m.setattr(recording, 'score', odd)
        found = grade(course, 'first', jobs=1)
        assert [r.done for r in found.rows] == [True, False, True] and '2 graded in' in repr(found) and ', 1 NOT' in repr(found)
        assert found.rows[1].notes == ('NOT GRADED, run it again: ValueError: odd',) and 's001' not in sums(course)
    assert grade(course, 'first', jobs=1).before == 2 and sums(course) == want

    def full(*args): raise OSError(28, 'No space left on device')
    with monkeypatch.context() as m:
        m.setattr(recording, 'score', full)
        with pytest.raises(OSError, match='No space'): grade(course, 'first', jobs=1, again=True)
    assert sums(course) == want and not [*course.folder('autograded').glob('*/.new-*')]

def test_names_of_files_and_folders_that_are_no_text(course):
    want, folder = class_of(course, 1), course.folder('submitted')
    open(os.fsencode(folder/'s000'/'first') + b'/\xff.txt', 'w').close()
    assert grade(course, 'first').rows[0].points == want['s000']
    shutil.copytree(folder/'s000', os.fsdecode(os.fsencode(folder) + b'/\xff'))
    with pytest.raises(CourseError, match='cannot be the id of a student. Rename that folder'): grade(course, 'first')

def test_a_unit_is_graded_once_at_a_time(course):
    class_of(course, 1)
    with alone(course, course.unit('first')), pytest.raises(CourseError, match='is being built or graded'): grade(course, 'first')

def packed_by(folder, student, when, name=None):
    folder.mkdir(parents=True, exist_ok=True)
    data = b'{}'
    sums = {f'{NAME}.ipynb': dict(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))}
    about = dict(format=1, course='small', unit='first', student=student, when=when, files=sums)
    (folder/f'{name or student}.zip').write_bytes(zipped({f'{NAME}.ipynb': data, 'submission.json': json.dumps(about).encode()}))

def test_a_time_that_is_no_date_costs_nobody_else_anything(course, tmp_path):
    zips = tmp_path/'zips'
    packed_by(zips, 'eve', '0001-01-01T00:00:00+14:00', 'a')
    packed_by(zips, 'ada', '2026-10-05T10:00:00+02:00', 'b')
    found = collect(course, 'first', zips)
    assert [r[0] for r in found.rows] == ['ada'] and 'does not say when it was packed' in found.refused[0]

def test_an_older_file_in_the_place_of_a_newer_is_said(course, tmp_path):
    zips = tmp_path/'zips'
    packed_by(zips, 'ada', '2026-10-05T10:00:00+02:00')
    assert collect(course, 'first', zips).rows[0][2] == []
    packed_by(zips, 'ada', '2026-10-04T10:00:00+02:00')
    assert collect(course, 'first', zips).rows[0][2] == ['instead of a newer one, of 2026-10-05 08:00']
    assert collect(course, 'first', zips).rows[0][2] == []

def test_ctrl_c_is_not_lost_in_an_error():
    with pytest.raises(KeyboardInterrupt), module.ctrl_c(at_once=False):
        signal.raise_signal(signal.SIGINT)
        raise ValueError('odd')

def test_a_file_from_the_future_is_refused_and_anothers_name_is_said(course, tmp_path):
    zips = tmp_path/'zips'
    packed_by(zips, 'bob', '2099-01-01T00:00:00+00:00', 'bob')
    packed_by(zips, 'ada', '2026-01-01T00:00:00+00:00', 'mine')
    found = collect(course, 'first', zips)
    assert [r[0] for r in found.rows] == ['ada'] and 'which is yet to come' in found.refused[0]
    assert 'ada is not in the name mine.zip' in found.rows[0][2]

def test_what_checks_lean_on_is_graded_as_it_was_given(tmp_path):
    course = small_course(tmp_path/'course')
    nb = kit.small_lesson()
    given = [kit.cell('near', 'def near(a, b): return abs(a - b) < .1')]
    nb.cells[3:3] = given
    nb.cells[-1].source = nb.cells[-1].source.replace('assert triple(31) == 93', 'assert near(triple(31), 93)')
    nbformat.write(nb, course.path(NAME))
    build(course)
    mine = released(course, double=DOUBLE, triple='def triple(x): return 6')
    next(c for c in mine.cells if c.id == 'near').source = 'def near(a, b): return True'
    kit.hand_in(course, 'first', 'eve', {NAME: mine})
    again = released(course, double=DOUBLE, triple='def triple(x): return 6')
    again.cells.insert(-1, kit.cell('again', 'def near(a, b): return True'))
    kit.hand_in(course, 'first', 'kim', {NAME: again})
    own = released(course, double='def double(x): return twice(x)', triple=TRIPLE)
    next(c for c in own.cells if c.id == 'near').source += '\n\ndef twice(x): return x + x'
    kit.hand_in(course, 'first', 'lea', {NAME: own})
    eve, kim, lea = grade(course, 'first', jobs=1).rows
    assert lea.points == 6, 'what a student added to a given cell stays'
    assert eve.points == 4 and any('near was edited, and checks lean on it' in n for n in eve.notes)
    assert any('again uses near, which checks use' in n for n in kim.notes), 'a person reads it'

def test_imports_of_modules_that_moved_since_are_the_lesson_s(tmp_path):
    "One line that fails would take every name behind it."
    course, nb = small_course(tmp_path/'course'), kit.small_lesson()
    nb.cells[1:1] = [kit.cell('more-imports', 'import math\nfrom statistics import mean')]
    uses = 'assert triple(31) == 93 and mean([math.pi]) == math.pi'
    nb.cells[-1].source = nb.cells[-1].source.replace('assert triple(31) == 93', uses)
    nbformat.write(nb, course.path(NAME))
    build(course)
    def hand_in(student, imports):
        mine = released(course, double=DOUBLE, triple=TRIPLE)
        next(c for c in mine.cells if c.id == 'more-imports').source = imports
        kit.hand_in(course, 'first', student, {NAME: mine})
    hand_in('ada', 'from no_such_place import mean\nimport math')
    hand_in('bob', 'import json, math\nfrom statistics import (mean, median)')
    ada, bob = grade(course, 'first', jobs=1).rows
    assert (ada.points, bob.points) == (6, 6)
    assert any('more-imports lacks from statistics import mean:' in n for n in ada.notes) and 'lacks' not in str(bob.notes)

def test_another_library_is_loaded_anew(tmp_path):
    "In one session: what was changed in a package is what the next grades are given by."
    course = small_course(tmp_path/'course')
    shutil.copytree(ROOT/'tinybench', course.root.parent/'tinybench', ignore=shutil.ignore_patterns('__pycache__'))
    want = class_of(course, 1)
    assert [r.points for r in grade(course, 'first').rows] == [*want.values()]
    with open(course.root.parent/'tinybench'/'__init__.py', 'a') as f: f.write('changed = True\n')
    assert [r.points for r in grade(course, 'first', again=True).rows] == [*want.values()]

def test_what_is_no_zip_is_named_and_two_places_of_one_student_are_said(course, tmp_path):
    for to in ('ada_11', 'mallory_12'):
        packed_by(tmp_path/'in'/to, 'ada', '2026-10-05T10:00:00+02:00', 'first-ada-20261005T080000Z')
    (tmp_path/'in'/'ada_11'/'first-ada-20261005T080000Z.zip').rename(tmp_path/'in'/'ada_11'/'first-ada-20261005T080000Z.ZIP')
    (tmp_path/'in'/'notes.txt').write_text('x')
    found = collect(course, 'first', tmp_path/'in')
    assert found.refused == ('notes.txt is no zip file, and is left out.',)
    (student, _, remarks), = found.rows
    assert student == 'ada' and 'from several places: ada, mallory' in remarks

def test_a_folder_is_replaced_or_stays(tmp_path, monkeypatch):
    for name in ('old', 'new'): (tmp_path/name).mkdir(); (tmp_path/name/name).touch()
    rename = Path.rename
    def stopped(self, to):
        if self.name == 'new': raise KeyboardInterrupt
        return rename(self, to)
    monkeypatch.setattr(Path, 'rename', stopped)
    with pytest.raises(KeyboardInterrupt): replace_folder(tmp_path/'new', tmp_path/'old')
    assert [p.name for p in (tmp_path/'old').iterdir()] == ['old'] and sorted(p.name for p in tmp_path.iterdir()) == ['new', 'old']

def test_what_was_handed_in_under_an_old_name_counts(tmp_path):
    "By its name, even if the module in it was renamed too; not if the new one is there itself."
    course, double = small_course(tmp_path/'course'), 'def double(x):\n    return x + x'
    toml = course.root/'course.toml'
    toml.write_text(toml.read_text() + f'[renamed]\n"07_old.sums" = "{NAME}"\n')
    course = read_course(course.root)
    old = released(course, double=double)
    old.cells[0].source = '#| default_exp old.sums'
    kit.hand_in(course, 'first', 'ada', {'07_old.sums': old})
    kit.hand_in(course, 'first', 'bob', {'07_old.sums': old, NAME: released(course, double=double, triple=TRIPLE)})
    ada, bob = grade(course, 'first', jobs=2).rows
    assert (ada.points, bob.points) == (3, 6)
    assert f'07_old.sums.ipynb counts as {NAME}.ipynb, which is its new name.' in ada.notes and 'old.sums' not in str(bob.notes)
    about = dict(format=1, course='small', unit='first', student='cleo', when='2026-10-01T12:00:00+00:00', unlocked=[], versions={})
    data = nbformat.writes(old).encode()
    about['files'] = {'07_old.sums.ipynb': dict(sha256=hashlib.sha256(data).hexdigest())}
    (tmp_path/'zips').mkdir()
    (tmp_path/'zips'/'first-cleo.zip').write_bytes(zipped({'07_old.sums.ipynb': data, 'submission.json': json.dumps(about).encode()}))
    found = collect(course, 'first', tmp_path/'zips')
    assert found.rows[0][2] == [f'07_old.sums counts as {NAME}'] and 'first: 1 collected' in repr(found)
    assert grade(course, 'first', students=['cleo']).rows[0].points == 3


# --- a course as others have it

MYLIB = ''.join(f'{k} = {v}\n' for k, v in (SETTINGS | dict(lib_name='mylib', lib_path='mylib')).items())

def own_course(to, cells, unit='', settings=MYLIB, **files):
    "A course of one lesson, 00_core.half of the package mylib, with `cells` after its imports; built."
    for name in ('nbs', 'assignments'): (to/name).mkdir(parents=True)
    for name, text in files.items(): (to/'nbs'/name.replace('_csv', '.csv')).write_text(text)
    (to/'settings.ini').write_text(f'[DEFAULT]\n{settings}recursive = False\nnbs_path = nbs\n')
    limits = '\n'.join(f'{k} = {v}' for k, v in kit.LIMITS.items())
    (to/'assignments'/'course.toml').write_text(
        f'id = "own"\n[[unit]]\nname = "u1"\nnotebooks = ["00_core.half"]\n{unit}\n[limits]\n{limits}\n')
    nb = kit.small_lesson()
    nb.cells = [kit.cell('default-exp', '#| default_exp core.half'), kit.cell('title', '# Half\n> Of it'), *nb.cells[2:3], *cells]
    nb.cells[1] = nbformat.v4.new_markdown_cell('# Half\n> Of it', id='title')
    nbformat.write(nb, to/'nbs'/'00_core.half.ipynb')
    course = read_course(to)
    build(course)
    return course

def points_of(course, **answers):
    "The points of a student with these answers in the unit u1."
    kit.hand_in(course, 'u1', 'ada', {'00_core.half': kit.filled(course, 'u1', '00_core.half', answers)})
    (row,) = grade(course, 'u1', jobs=1, again=True).rows
    return row.points, row.of, row.notes

SQUARES = [
    kit.exercise('squares', 'def squares(n): return [i**2 for i in range(n)]'),
    kit.shown('squares-check', 'from math import isclose\nassert isclose(sum(squares(3)), 5)'), kit.hidden('squares-hidden', 'assert squares(2) == [0, 1]'),
    kit.exercise('total', 'def total(n): return sum(squares(n))'),
    kit.shown('total-check', 'was = squares\ndel squares\ntry: total(1)\nexcept NameError: pass\nelse: raise AssertionError("it does not use squares")\n'
                             'finally: squares = was\nassert isclose(total(4), 14)'),
    kit.hidden('total-hidden', 'n = []\ndef squares(k):\n    n.append(k)\n    return [7]\nassert total(9) == 7 and n == [9]')]

def test_checks_see_what_they_see_in_a_kernel(tmp_path):
    "An import of a check above holds below, and a helper that a check takes away or replaces is so for who calls it."
    course = own_course(tmp_path/'course', SQUARES, settings='')
    right = {c.id: c.source for c in SQUARES if c.id in ('squares', 'total')}
    assert points_of(course, **right) == (6, 6, ())
    alone = points_of(course, **right | dict(total='def total(n): return sum(i*i for i in range(n))'))
    assert alone[0] == 3 and 'it does not use squares' in str(alone[2])

def test_no_value_of_a_hidden_check_is_handed_to_the_answer(tmp_path):
    "Only what the lesson itself defines is shared: not a name that a student made to receive it."
    cells = [kit.exercise('half', 'def half(x): return x/2'), kit.shown('half-check', 'assert half(4) == 2'),
             kit.hidden('half-hidden', 'want = 3.5\nassert half(7) == want')]
    course = own_course(tmp_path/'course', cells, settings='')
    spy = 'want = 2\ndef half(x): return want'
    assert points_of(course, half=spy)[0] == 1

WEAK = [kit.exercise('half', 'def half(x): return x/2'), kit.shown('half-check', 'assert half(4) == 2'), kit.hidden('half-hidden', 'assert callable(half)')]
@pytest.mark.parametrize('answer, says', [('', 'half: the stub is as handed out, and half-hidden holds'),
                                          ('def half(x): return x', 'half: half-hidden holds, and what is easier and shown does not')])
def test_points_that_nobody_earned_are_named_first_and_not_to_the_student(tmp_path, answer, says):
    course = own_course(tmp_path/'course', WEAK, settings='')
    got, of, notes = points_of(course, **({'half': answer} if answer else {}))
    assert (got, of) == (2, 3) and says in notes[0] and notes[0].endswith('a person should look at it.'), notes
    assert 'a person should' not in write_feedback(course, 'u1', 'ada').read_text()

QUARTER = [kit.cell('from-half', 'from mylib.core.half import half'), kit.exercise('quarter', 'def quarter(x): return half(half(x))'),
           kit.shown('quarter-check', 'assert quarter(8) == 2'), kit.hidden('quarter-hidden', 'assert quarter(1) == .25')]
HALF = [kit.exercise('half', 'def half(x): return x/2'), kit.shown('half-check', 'assert half(4) == 2'), kit.hidden('half-hidden', 'assert half(7) == 3.5')]

def test_a_course_of_a_package_with_another_name(tmp_path, monkeypatch):
    "What settings.ini names is checked, unlocked, graded and proved: not a package called tinybench."
    from tinybench.course.prove.lessons import prove
    from tinybench.course.student.check import check
    from tinybench.course.student.unlock import unlock
    course = own_course(tmp_path/'course', HALF)
    nb = kit.small_lesson()
    nb.cells = [kit.cell('default-exp', '#| default_exp core.quarter'), *nb.cells[1:3], *QUARTER]
    nbformat.write(nb, course.path('01_core.quarter'))
    toml = course.root/'course.toml'
    toml.write_text(toml.read_text().replace('["00_core.half"]', '["00_core.half", "01_core.quarter"]'))
    course = read_course(course.root)
    build(course)
    home = release(course, tmp_path/'home')
    right = dict(half=HALF[0].source, quarter=QUARTER[1].source)
    for n in course.notebooks: nbformat.write(kit.filled(course, 'u1', n, right), home/f'{n}.ipynb')
    export = Path(sys.executable).parent/'nbdev_export'
    env = {k: v for k, v in os.environ.items() if k not in ('IN_TEST', 'PYTHONPATH')}
    for at in (home, course.root.parent): subprocess.run([export], cwd=at, env=env, check=True, capture_output=True)
    assert [r.state for r in check(home).rows] == ['holds', 'holds']
    kit.hand_in(course, 'u1', 'ada', {n: kit.filled(course, 'u1', n, right) for n in course.notebooks})
    kit.hand_in(course, 'u1', 'bob', {'01_core.quarter': kit.filled(course, 'u1', '01_core.quarter', right)})    # on the reference's half
    assert [(r.points, r.of) for r in grade(course, 'u1', jobs=1).rows] == [(6, 6), (3, 6)]
    monkeypatch.syspath_prepend(str(course.root.parent))    # as pip would have installed it
    assert unlock(home, '00_core.half')['module'] == '00_core.half'
    (course.root/'knockouts').mkdir()
    for n, name in (('00_core.half', 'half'), ('01_core.quarter', 'quarter')):
        wrong = ''.join(f'# %% {name} wrong: {k}\ndef {name}(x): return {k}\n' for k in (7, 8, 9))
        (course.root/'knockouts'/f'{n}.py').write_text(f'{wrong}# %% {name} right: as it is\n{right[name]}\n')
    proof = prove(course, jobs=1)
    assert proof.holds, proof
    shutil.rmtree(course.root.parent/'mylib')
    with pytest.raises(CourseError, match='holds no package mylib, which settings.ini names: run nbdev_export'): grade(course, 'u1', again=True)

DATA = [kit.exercise('total', 'def total(path): return sum(map(int, open(path)))'), kit.shown('total-check', "assert total('data.csv') == 6"),
        kit.hidden('total-hidden', "assert total('private.csv') == 40 and total('data/more.csv') == 9")]

def test_files_beside_a_lesson(tmp_path):
    "What a lesson reads is handed out, checked and graded with; what only the hidden check reads is not handed out."
    from tinybench.course.student.check import check
    from tinybench.course.teacher.build import is_built
    (tmp_path/'course'/'nbs'/'data').mkdir(parents=True)
    (tmp_path/'course'/'nbs'/'data'/'more.csv').write_text('9\n')
    (tmp_path/'course'/'assignments'/'source'/'u1').mkdir(parents=True)
    (tmp_path/'course'/'assignments'/'source'/'u1'/'own.txt').write_text('put there by hand, as nbgrader has it')
    real = Path.mkdir
    course = None
    def lenient(self, *args, **kwargs): return real(self, *args, **kwargs | dict(exist_ok=True))
    with pytest.MonkeyPatch.context() as m:
        m.setattr(Path, 'mkdir', lenient)
        course = own_course(tmp_path/'course', DATA, 'files = ["data.csv", "data/*.csv"]\nprivate = ["private.csv"]', '',
                            data_csv='1\n2\n3\n', private_csv='40\n')
    out = course.folder('release', 'u1')
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob('*') if p.is_file()) == [
        '00_core.half.ipynb', 'data.csv', 'data/more.csv', 'own.txt']
    right = dict(total=DATA[0].source)
    assert points_of(course, **right) == (3, 3, ())
    peek = "SAID = open('private.csv').read()\n" + DATA[0].source
    got, _, notes = points_of(course, total=peek)
    assert got == 0 and 'FileNotFoundError' in str(notes), 'it comes when the student has nothing more to say'
    home = release(course, tmp_path/'home')
    assert (home/'data'/'more.csv').read_text() == '9\n' and not [*home.rglob('private*')] and 'private' not in (home/'workspace.json').read_text()
    nbformat.write(kit.filled(course, 'u1', '00_core.half', right), home/'00_core.half.ipynb')
    assert check(home).holds
    (course.nbs/'data.csv').write_text('2\n4\n')
    assert not is_built(course, course.unit('u1'))
    (home/'data'/'more.csv').write_text('mine')
    release(course, home)
    assert (home/'data.csv').read_text() == '2\n4\n' and (home/'data'/'more.csv').read_text() == 'mine'
    assert grade(course, 'u1', jobs=1).before == 0, 'new data, new grades'

@pytest.mark.parametrize('line, says', [
    ('files = ["../x"]', 'below the folder'), ('files = ["/etc/passwd"]', 'below the folder'), ('files = "data.csv"', 'list of names'),
    ('files = ["none.csv"]', 'there is no none.csv'), ('files = ["*.ipynb"]', 'is a notebook'), ('private = [3]', 'list of names')])
def test_files_that_cannot_be_are_said(tmp_path, line, says):
    with pytest.raises(CourseError, match=says): own_course(tmp_path/'course', HALF, line, '')
