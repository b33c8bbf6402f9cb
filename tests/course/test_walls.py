"Where a course lies, who a submission is, and what reads it: nothing of one student's is another's, or holds others up."
import os, re, shutil, sys, tempfile, time
from pathlib import Path

import pytest

from coursekit import NAME, ROOT, cell, hand_in, released, small_course
from tinybench.course.box.needed import made_and_used
from tinybench.course.box.start import Limits, Warm
from tinybench.course.box.walls import bubblewrap, hiding
from tinybench.course.box.worker import play_in
from tinybench.course.cells import CourseError
from tinybench.course.mend.source import syntax_error
from tinybench.course.teacher.feedback import write_feedback
from tinybench.course.teacher.grade import grade
from tinybench.course.teacher.prepare import read, secrets
from tinybench.course.teacher.reader import Reader
from tinybench.course.trees import LONGEST, NO_PYTHON, parsed

needs_walls = pytest.mark.skipif(not bubblewrap(), reason='needs bubblewrap')
RIGHT = dict(double='def double(x): return 2*x', triple='def triple(x): return 3*x')

# --- where the course lies

def test_a_course_below_what_is_bound_is_covered_and_python_within_it_is_bound_again(tmp_path):
    system, course, python = tmp_path/'usr', tmp_path/'usr'/'course', tmp_path/'usr'/'course'/'.venv'
    python.mkdir(parents=True)
    args = hiding([str(system), str(python)], [str(course), str(tmp_path/'elsewhere')])
    assert args == ['--tmpfs', str(course), '--ro-bind', str(python), str(python)]
    assert hiding([str(python)], [str(course)]) == [] == hiding([str(system)], [str(tmp_path/'usr'/'missing')])
    (tmp_path/'link').symlink_to(system)
    assert hiding([str(tmp_path/'link')], [str(course)]) == ['--tmpfs', str(course)]

def test_a_course_that_is_pythons_own_folder_is_refused(tmp_path):
    with pytest.raises(CourseError, match='holds Python itself'): hiding([str(tmp_path)], [str(tmp_path)])

@pytest.fixture
def course_in_python():
    "A course within Python's own folder, which every submission sees."
    folder = Path(tempfile.mkdtemp(prefix='course-', dir=sys.prefix))
    folder.chmod(0o755)
    yield small_course(folder/'clone')
    shutil.rmtree(folder)

@needs_walls
def test_no_submission_sees_a_course_within_pythons_folder(course_in_python):
    course = course_in_python
    secret = course.folder('source', 'first', f'{NAME}.ipynb')
    look = f'import os\ntold = os.path.isfile({str(secret)!r}), os.listdir({str(course.root)!r})\nassert told == (False, []), told'
    hand_in(course, 'first', 'ada', {NAME: released(course, look, **RIGHT)})
    row, = grade(course, 'first').rows
    assert row.points == 6 and not any('bad' in note for note in row.notes), row.notes

# --- whose

KEYS = '''import ctypes
call = ctypes.CDLL(None, use_errno=True).syscall
call.restype = ctypes.c_long
'''
LEAVE = KEYS + "put = [call(248, b'user', b'answers', b'SECRET42', 8, ctypes.c_long(ring)) for ring in (-3, -4, -5)]\nprint(max(put) > 0)"
FIND = KEYS + "found = [call(250, 10, ctypes.c_long(ring), b'user', b'answers', 0) for ring in (-3, -4, -5)]\nassert max(found) < 0, found"

@needs_walls
@pytest.mark.skipif(os.uname().machine != 'x86_64', reason='the numbers of these system calls are x86-64\'s')
def test_a_key_that_one_submission_leaves_is_not_found_by_the_next():
    with Warm(ROOT, limits=Limits(cell_seconds=5)) as warm:
        left, = play_in(warm, [cell('leave', LEAVE)])
        assert not left.error, left.error
        if 'True' not in str(left.outputs): pytest.skip('this kernel keeps no keys for anybody here')
        found, = play_in(warm, [cell('find', FIND)])
    assert not found.error, found.error

@needs_walls
@pytest.mark.skipif(os.geteuid() != 0, reason='only root makes other users')
def test_each_submission_is_a_user_of_its_own():
    with Warm(ROOT, limits=Limits(cell_seconds=5)) as warm:
        told = [play_in(warm, [cell('who', 'import os\nprint(os.getuid(), os.getgid())')])[0] for _ in range(4)]
    users = [o.outputs[0]['text'].split() for o in told]
    assert len({u for u, _ in users}) == 4 and all(u == g and int(u) >= 1_000_000 for u, g in users)

# --- what is read

SLOW = 'import ' + 'a.'*60_000 + 'b'
@pytest.mark.parametrize('look', [parsed, syntax_error, lambda s: made_and_used(s)], ids=['parsed', 'syntax-error', 'made-and-used'])
def test_a_cell_longer_than_any_is_not_parsed(look):
    start = time.process_time()
    try: found = look(SLOW)
    except NO_PYTHON: found = None
    assert not found or 'too many for a cell' in found
    assert time.process_time() - start < 1     # the parser takes ten seconds

def test_a_submission_that_takes_long_to_read_holds_up_nobody(tmp_path):
    course = small_course(tmp_path)
    hand_in(course, 'first', 'ada', {NAME: released(course, SLOW, **RIGHT)})
    hand_in(course, 'first', 'bob', {NAME: released(course, **RIGHT)})
    ada, bob = grade(course, 'first').rows
    assert bob.points == 6 and ada.points == 6
    assert write_feedback(course, 'first', 'ada').is_file()

def endless(*args):
    while True: pass
def glutton(*args): return bytearray(5 << 30)
def leaving(*args): os._exit(3)
def refusing(*args): raise CourseError('it is no notebook')

@pytest.mark.parametrize('f, says', [(endless, 'takes more than 3 s'), (glutton, 'more than 2,048 MB'), (leaving, 'ended the process'),
                                     (refusing, 'it is no notebook')], ids=lambda x: getattr(x, '__name__', 'says'))
def test_a_reader_ends_what_it_reads_for_and_goes_on(f, says):
    with Reader(seconds=3 if f is endless else 60, memory_mb=2048) as reader:
        for _ in range(2):
            with pytest.raises(CourseError, match=says): reader(f)
        assert f is endless or reader(parsed, 'x = 1').body

def test_what_cannot_be_read_counts_as_empty(tmp_path):
    course = small_course(tmp_path)
    hand_in(course, 'first', 'ada', {NAME: released(course, **RIGHT)})
    def never(*args): raise CourseError('to read it takes more than 60 s')
    ready, work = read(never, course, course.unit('first'), 'ada')
    assert ready.notebooks == {} == work['cells'] and ready.notes[''] == ['It counts as empty: to read it takes more than 60 s.']
    assert ready.key and work['secrets'] == secrets(course)

PARSERS = r'ast\.parse\(|symtable\.symtable\(|(?<![.\w])compile\(|json\.loads?\(|nbformat\.reads?\(|ZipFile\(|pickle\.|c_make_scanner|from_json\(|literal_eval\('
READS = {   # where a text may be read, and what holds there
    'trees.py': 'cells of at most LONGEST characters', 'cells.py': 'notebooks of at most MOST_BYTES',
    'box/needed.py': 'cells of at most LONGEST characters', 'mend/source.py': 'cells of at most LONGEST characters',
    'box/messages.py': 'messages of at most MOST bytes', 'box/link.py': 'JSON of at most MOST_HEAD bytes', 'box/pickled.py': 'pickles of the grader\'s own',
    'teacher/dropped.py': 'what the grader itself wrote', 'teacher/inbox.py': 'a zip whose members are counted and measured first', 'box/inside.py': 'behind the walls',
    'stub.py': 'the course\'s own lessons', 'teacher/rules.py': 'the course\'s own lessons',
    'teacher/handout.py': 'what the course itself wrote', 'teacher/modules.py': 'the course\'s own modules', 'teacher/record.py': 'what the grader itself wrote',
    'teacher/feedback.py': 'what the grader itself wrote', 'teacher/errors.py': 'a right side of a check of the course',
    'student/submission.py': 'a zip whose members are counted and measured first', 'student/workspace.py': 'by the student',
}
def test_every_parser_is_on_the_list():
    "Whoever reads a text somewhere else says here what limits it."
    folder = ROOT/'tinybench'/'course'
    found = {str(p.relative_to(folder)) for p in folder.rglob('*.py') if re.search(PARSERS, p.read_text())}
    found = {f for f in found if not f.startswith('prove/')}
    assert found == READS.keys(), found ^ READS.keys()
    assert 'parsed(' in (folder/'trees.py').read_text() and LONGEST <= 20_000
