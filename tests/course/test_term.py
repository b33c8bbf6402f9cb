"A term as it goes: lateness and extensions, who is who, files of a learning platform, a bad check, HTML in a submission, the next year."
import csv, json, re, shutil, zipfile
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser

import nbformat
import pytest

import coursekit as kit
from coursekit import DOUBLE, NAME, TRIPLE, released, small_course
from tinybench.cli import main
from tinybench.course.cells import CourseError, parse_notebook, read_notebook
from tinybench.course.prove.answers import to_try
from tinybench.course.prove.proof import Proof, Proved, Tried
from tinybench.course.student.submission import zipped
from tinybench.course.teacher.build import build, load_config
from tinybench.course.teacher.collect import collect
from tinybench.course.teacher.drop import drop
from tinybench.course.teacher.dropped import out_of
from tinybench.course.teacher.feedback import write_feedback
from tinybench.course.teacher.grade import Graded, grade
from tinybench.course.teacher.gradebook import clear_of, gradebook, without_password
from tinybench.course.teacher.harmless import as_text, harmless
from tinybench.course.teacher.late import lasting, read_stamp, settle, stamp_of
from tinybench.course.teacher.platforms import export
from tinybench.course.teacher.record import Row
from tinybench.course.units import read_course, with_driver

pytestmark = pytest.mark.filterwarnings('ignore::sqlalchemy.exc.SAWarning')
SOLVED, HALF = dict(double=DOUBLE, triple=TRIPLE), dict(double=DOUBLE)

@pytest.fixture(scope='module')
def made(tmp_path_factory): return small_course(tmp_path_factory.mktemp('made')/'course')

@pytest.fixture
def course(made, tmp_path):
    "A copy of a small course that is built."
    shutil.copytree(made.root.parent, tmp_path/'course')
    return read_course(tmp_path/'course')

def changed(course, old, new):
    toml = course.root/'course.toml'
    toml.write_text(toml.read_text().replace(old, new))
    return read_course(course.root)

def due(course, when='2026-10-05T23:59:00+02:00'): return changed(course, '[limits]', f'due = {when}\n[limits]')

def hand_in(course, student, when='', **answers):
    folder = kit.hand_in(course, 'first', student, {NAME: released(course, **answers)})
    if when: (folder/'timestamp.txt').write_text(when)

def enrol(course, *ids, **named):
    "Enter students, some with a first and a last name, as `nbgrader db student import` does."
    with gradebook(course, load_config(course)) as book:
        for i in ids: book.add_student(i)
        for i, (first, last) in named.items(): book.add_student(i, first_name=first, last_name=last, lms_user_id=f'90{len(i)}')

def said_everywhere(course, student, to):
    "The points of a student as each output has them, and what Moodle's words and the page say."
    with open(export(course, to/'g.csv'), newline='') as f: one = next(r for r in csv.DictReader(f) if r['student_id'] == student)
    with open(export(course, to/'c.csv', 'canvas'), newline='') as f: two = next(r for r in csv.DictReader(f) if r['SIS User ID'] == student or r['SIS Login ID'] == student)
    with open(export(course, to/'m.csv', 'moodle'), newline='') as f: three = next(r for r in csv.DictReader(f) if r['Username'] == student)
    page = write_feedback(course, 'first', student).read_text()
    shown = re.search(r'<b>([\d.]+)</b> of', page)[1]
    return [float(x) for x in (one['score'], two['first'], three['first'], shown)], three['first (feedback)'], page


# --- when

@pytest.mark.parametrize('text, utc', [
    ('2027-02-15 23:58:00 +0100', '22:58'), ('2027-02-15 23:58:00 +01:00', '22:58'), ('2027-02-15T23:58:00+01:00', '22:58'),
    ('2027-02-15 23:58:00.123456 UTC', '23:58'), ('2027-02-15T23:58Z', '23:58'), ('2027-02-15 23:58:00', '23:58'), ('2027-02-15 18:28:00 -0530', '23:58'),
    ('2027-02-15 23:58:00 UTC+1', '22:58'), ('2027-02-15 18:58:00 America/New_York', '23:58'), ('20270215T235800Z', '23:58'), ('2027-02-15 23:58:00 GMT\n', '23:58')])
def test_a_time_keeps_its_offset(text, utc):
    when, says = read_stamp(text)
    assert f'{when:%H:%M}' == utc and when.utcoffset() == timedelta(0) and not says

@pytest.mark.parametrize('text', ['2027-02-16 04:20:00 IST', '2027-02-15 15:30:00 PST', '2027-02-15 15:30:00 Europe/Nowhere', '2027-02-15 15:30:00 +9999'])
def test_a_zone_that_is_not_known_is_said(text):
    when, says = read_stamp(text)
    assert when is not None and f'The zone {text.split()[-1]} in timestamp.txt is not known' in says and '+05:30' in says

@pytest.mark.parametrize('text', ['10', '', 'yesterday', '2027-13-45 00:00:00', '0001-01-01T00:00:00+14:00', '9999-12-31 23:59:59 -1200', '\x00', '١٠'])
def test_what_is_no_time_is_said(text): assert read_stamp(text) == (None, 'timestamp.txt holds no date, so it counts as handed in on time.')

def test_one_number_for_a_grade_and_extensions_that_count(course, tmp_path):
    "A day late at a penalty of all points; then with an extension in course.toml, and with one in the gradebook."
    (course.root/'nbgrader_config.py').write_text("c = get_config()\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    course = due(course)
    hand_in(course, 'ada', '2026-10-06 23:00:00 +0100', **SOLVED)
    found = grade(course, 'first', jobs=1)
    assert (found.rows[0].points, found.rows[0].of) == (0, 6) and 'ada      0/6' in repr(found)
    assert found.rows[0].notes == ('Handed in 1 d 1 min late.', '6 points are taken off for lateness.')
    points, words, page = said_everywhere(course, 'ada', tmp_path)
    assert points == [0]*4 and words.startswith('0 of 6 points. Handed in 1 d 1 min late. 6 points are taken off')
    assert 'Handed in 1 d 1 min late.' in page

    more = changed(course, '[limits]', '[extensions]\nfirst = {ada = 2026-10-08T23:59:00+02:00}\n[limits]')
    again = grade(more, 'first', jobs=1)
    assert again.before == 1 and again.rows[0].points == 6 and again.rows[0].notes == ('Handed in on time, with an extension of 3 d.',)
    assert said_everywhere(more, 'ada', tmp_path)[0] == [6]*4
    none = changed(more, 'first = {ada = 2026-10-08T23:59:00+02:00}', 'first = {}')
    assert grade(none, 'first').rows[0].points == 0
    without = changed(none, 'first = {}', '')
    with gradebook(without, load_config(without)) as book: book.grant_extension('first', 'ada', hours=25)
    assert grade(without, 'first').rows[0].points == 6, "one that nbgrader's own gradebook has"

def test_collect_knows_an_extension_in_the_gradebook(course, tmp_path):
    course = due(course)
    zips = tmp_path/'in'
    zips.mkdir()
    for who in ('ada', 'bob'): (zips/f'first-{who}.zip').write_bytes(packed(who, '2026-10-06T10:00:00+02:00'))
    with gradebook(course, load_config(course)) as book:
        for who in ('ada', 'bob'):
            book.add_student(who)
            book.add_submission('first', who)
        book.grant_extension('first', 'ada', hours=11)
    assert rows_of(collect(course, 'first', zips)) == dict(ada=[], bob=['late by 10 h 1 min'])
    listed = changed(course, '[limits]', '[extensions]\nfirst = {bob = 2026-10-06T09:00:00Z}\n[limits]')
    assert rows_of(collect(listed, 'first', zips)) == dict(ada=['late by 10 h 1 min'], bob=[]), 'where course.toml lists any, it counts'

def test_who_has_an_extension_has_no_0_before_its_end(course, tmp_path):
    enrol(course, 'ada', 'bob')
    course = changed(due(course), '[limits]', '[extensions]\nfirst = {ada = 2026-10-08T23:59:00+02:00}\n[limits]')
    build(course)
    def column(style, name, at):
        with open(export(course, tmp_path/'x.csv', style, now=datetime.fromisoformat(at)), newline='') as f: return [r['first'] for r in csv.DictReader(f)][-2:]
    for style, name, blank in (('canvas', 'SIS Login ID', ''), ('moodle', 'Username', '-')):
        assert column(style, name, '2026-10-07T00:00:00Z') == [blank, '0'] and column(style, name, '2026-10-09T00:00:00Z') == ['0', '0']

def test_an_extension_for_nobody_is_said(course):
    course = changed(due(course), '[limits]', '[extensions]\nfirst = {adda = 2026-10-08T23:59:00+02:00}\n[limits]')
    hand_in(course, 'ada')
    enrol(course, 'ada', 'bob')
    found = grade(course, 'first', jobs=1)
    assert found.says == ('course.toml extends first for adda, who is not known. Is it ada?',) and found.says[0] in repr(found)

@pytest.mark.parametrize('lines, says', [
    ("c.AssignLatePenalties.plugin_class = 'nosuch.Plugin'", 'TraitError: .* could not be imported'),
    ('from nbgrader.plugins import BasePlugin\nclass Plugin(BasePlugin):\n    def late_submission_penalty(self, student, score, late): return 1/0\n'
     'c.AssignLatePenalties.plugin_class = Plugin', 'ZeroDivisionError: division by zero')], ids=['unknown', 'raises'])
def test_a_plugin_for_lateness_that_fails_is_a_line(course, lines, says):
    (course.root/'nbgrader_config.py').write_text(f'c = get_config()\n{lines}\n')
    course = due(course)
    build(course)
    with gradebook(course, load_config(course)) as book:
        book.add_student('ada')
        book.add_submission('first', 'ada', timestamp=datetime(2026, 10, 9))
        with pytest.raises(CourseError, match=f'The plugin for lateness in .*nbgrader_config.py fails: {says}'):
            settle(course, course.unit('first'), book, load_config(course))

@pytest.mark.parametrize('coding', ['utf-8-sig', 'utf-16', 'utf-16-le'])
def test_a_time_as_windows_tools_write_it(tmp_path, coding):
    (tmp_path/'timestamp.txt').write_bytes('2027-02-15 23:58:00 +0100\r\n'.encode(coding))
    when, says = stamp_of(tmp_path)
    assert f'{when:%d %H:%M}' == '15 22:58' and not says

def test_a_time_that_is_no_text_is_said(tmp_path):
    (tmp_path/'timestamp.txt').write_bytes(b'\xff\xfe\x00\xd8')
    assert stamp_of(tmp_path)[1].startswith('timestamp.txt holds no date')

def test_late_is_said_without_a_penalty(course, tmp_path):
    course = due(course)
    hand_in(course, 'ada', '2026-10-06 22:59:00 UTC', **SOLVED)
    assert grade(course, 'first').rows[0].notes == ('Handed in 1 d 1 h late.',)
    assert 'Handed in 1 d 1 h late.' in said_everywhere(course, 'ada', tmp_path)[1]

@pytest.mark.parametrize('line, says', [
    ('frist = {}', 'did you mean first'), ('first = 3', 'to be a table'), ('first = {ada = 3}', 'ada is 3; write date, time and offset'),
    ('first = {ada = 2026-10-06T10:00:00}', 'offset'), ('first = {ada = 2026-10-01T10:00:00Z}', 'less time than all others')])
def test_an_extension_that_cannot_be_is_said(course, line, says):
    course = due(course)
    with pytest.raises(CourseError, match=says): changed(course, '[limits]', f'[extensions]\n{line}\n[limits]')


# --- who

def test_who_is_not_on_the_roster_is_named(course, tmp_path, capsys):
    enrol(course, bob=('Bob', 'Bell'), ada=('Ada', 'Lovelace'))
    for student in ('Ada', 'bob'): hand_in(course, student, **HALF)
    rows = grade(course, 'first', jobs=1).rows
    said = 'Ada is not on the roster, and counts as a student of its own. Is it ada?'
    assert rows[0].notes[0] == said and 'roster' not in str(rows[1].notes)
    assert grade(course, 'first').rows[0].notes[0] == said and 'roster' not in write_feedback(course, 'first', 'Ada').read_text()
    with pytest.raises(SystemExit) as e: main(['course', 'export', str(tmp_path/'c.csv'), '--style', 'canvas', '--course', str(course.root)])
    assert not e.value.code and said in capsys.readouterr().err
    with open(export(course, tmp_path/'m.csv', 'moodle'), newline='') as f: assert [r['Username'] for r in csv.DictReader(f)] == ['Ada', 'bob', 'ada'], 'by last name'

@pytest.mark.slow
def test_without_a_roster_nobody_is_a_stranger(course):
    for student in ('zoe', 'ada'): hand_in(course, student, **SOLVED)
    assert [r.notes for r in grade(course, 'first', jobs=1).rows] == [(), ()]


# --- what comes in

def packed(student, when, name=NAME, text='{}'):
    import hashlib
    files = {f'{name}.ipynb': text.encode()}
    about = dict(format=1, course='small', unit='first', student=student, when=when, files={n: dict(sha256=hashlib.sha256(b).hexdigest()) for n, b in files.items()})
    return zipped(files | {'submission.json': json.dumps(about).encode()})

def zip_of(to, files):
    with zipfile.ZipFile(to, 'w') as z:
        for name, data in files.items(): z.writestr(name, data)
    return to

def rows_of(found): return {r[0]: r[2] for r in found.rows}

def test_loose_notebooks_of_a_folder_each(course, tmp_path):
    book = nbformat.writes(released(course, **SOLVED))
    for path in ('Ada Lovelace_123_assignsubmission_file/00_core.ops.ipynb', 'bob/work (1).ipynb', 'Name_123/00_core.ops.ipynb', 'bob/notes.txt',
                 'Eve Hall_9/other.ipynb', 'cleo/00_core.ops.ipynb'):
        (tmp_path/'in'/path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path/'in'/path).write_text(book if 'other' not in path else '{}')
    (tmp_path/'in'/'cleo'/'timestamp.txt').write_text('2026-10-05 10:00:00 +0200')
    enrol(course, 'cleo', ada=('Ada', 'Lovelace'), bob=('Bob', 'Bell'), eve=('Eve', 'Hall'))
    found = collect(course, 'first', tmp_path/'in')
    assert rows_of(found) == dict(ada=['without a time, so as if on time'], bob=['without a time, so as if on time'], cleo=[])
    assert [s.split(' is ')[0] for s in sorted(found.refused)] == ['Eve Hall_9/other.ipynb', 'Name_123/00_core.ops.ipynb', 'bob/notes.txt']
    assert course.folder('submitted', 'cleo', 'first', 'timestamp.txt').read_text() == '2026-10-05 08:00:00 UTC'
    assert [p.name for p in course.folder('submitted', 'bob', 'first').glob('*.ipynb')] == ['00_core.ops.ipynb']

def test_the_one_zip_of_a_platform(course, tmp_path):
    "Canvas' flat one, which has its number of a student in each name, with a packed zip among the notebooks."
    with gradebook(course, load_config(course)) as book:
        for i, (student, number) in enumerate((('ada', '71'), ('bob', '72'), ('cleo', '73'))): book.add_student(student, lms_user_id=number)
    book = nbformat.writes(released(course, **SOLVED))
    files = {'lovelaceada_71_555_00_core.ops.ipynb': book, 'bellbob_LATE_72_556_00_core.ops-1.ipynb': book, '../evil.ipynb': book,
             'cleo_73_557_first-cleo.zip': packed('cleo', '2026-10-05T10:00:00+02:00'), 'deep/.hidden.ipynb': book}
    found = collect(course, 'first', zip_of(tmp_path/'submissions.zip', files))
    assert rows_of(found) == dict(ada=['without a time, so as if on time'], bob=['late, by its name'], cleo=[])
    assert found.refused == ('../evil.ipynb leads out of the folder, and is left out.',)
    assert sorted(p.name for p in course.folder('submitted', 'bob', 'first').iterdir()) == ['00_core.ops.ipynb', 'submission.json']
    assert not (tmp_path/'evil.ipynb').exists()
    (tmp_path/'in').mkdir()
    (tmp_path/'submissions.zip').rename(tmp_path/'in'/'all.zip')
    assert rows_of(collect(course, 'first', tmp_path/'in')).keys() == {'ada', 'bob', 'cleo'}, 'in a folder, too'

def test_loose_notebooks_without_a_roster_go_by_their_folder(course, tmp_path):
    book = nbformat.writes(released(course, **SOLVED))
    for path in ('ada/00_core.ops.ipynb', 'Bob Bell_1_2/00_core.ops.ipynb', 'cleo_00_core.ops.ipynb'):
        (tmp_path/'in'/path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path/'in'/path).write_text(book)
    found = collect(course, 'first', tmp_path/'in')
    assert rows_of(found).keys() == {'ada', 'cleo'} and found.refused[0].startswith('Bob Bell_1_2/00_core.ops.ipynb is left out: it does not say whose')

def test_several_files_of_one_student_and_a_time_to_come_are_said(course, tmp_path):
    "The newest is taken, but one that says a time to come is not before an honest one."
    (to := tmp_path/'in').mkdir()
    soon = (datetime.now(timezone.utc) + timedelta(hours=20)).isoformat(timespec='seconds')
    (to/'first-ada-1.zip').write_bytes(packed('ada', '2026-10-05T10:00:00+02:00', text='{"a": 1}'))
    (to/'first-ada-2.zip').write_bytes(packed('ada', soon))
    (to/'first-bob.zip').write_bytes(packed('bob', soon))
    found = rows_of(collect(course, 'first', to))
    assert found['ada'] == ['2 files name this student: taken is first-ada-1.zip, and not first-ada-2.zip']
    assert len(found['bob']) == 1 and re.fullmatch(r'its time is (19 h 59 min|20 h) ahead of now', found['bob'][0])
    assert course.folder('submitted', 'ada', 'first', f'{NAME}.ipynb').read_text() == '{"a": 1}'

def test_a_refusal_says_whose(course, tmp_path):
    (tmp_path/'in'/'Ada_1').mkdir(parents=True)
    (tmp_path/'in'/'Ada_1'/'work.zip').write_text('no zip')
    (tmp_path/'in'/'Ada_1'/'work.pdf').write_text('no zip')
    assert [s.split()[0] for s in collect(course, 'first', tmp_path/'in').refused] == ['Ada_1/work.pdf', 'Ada_1/work.zip']
    with pytest.raises(CourseError, match='There is no folder'): collect(course, 'first', tmp_path/'none')


# --- a bad check, and a person's points

@pytest.mark.slow
def test_a_bad_check_is_dropped_after_hand_in(course, tmp_path):
    for student, answers in dict(ada=SOLVED, bob=HALF).items(): hand_in(course, student, **answers)
    grade(course, 'first', jobs=1)
    assert drop(course, 'first', 'triple-hidden') == 'first: triple-hidden (2 points) counts for nobody any more; 2 submissions, 4 points in all.'
    def sums():
        with gradebook(course, load_config(course)) as book: return {s.student_id: s.score for s in book.find_assignment('first').submissions}
    assert sums() == dict(ada=4, bob=3) and '<b>3</b> of 4 points' in write_feedback(course, 'first', 'bob').read_text()
    hand_in(course, 'cleo', **SOLVED)
    assert [(r.points, r.of) for r in grade(course, 'first', jobs=1).rows] == [(4, 4), (3, 4), (4, 4)]
    build(course)
    assert [(r.points, r.of) for r in grade(course, 'first', jobs=1).rows] == [(4, 4), (3, 4), (4, 4)], 'after another build, too'
    assert 'gives its points to everybody; 3 submissions, 6 points' in drop(course, 'first', 'triple-hidden', 'everybody')
    assert sums() == dict(ada=6, bob=5, cleo=6) and [r.points for r in grade(course, 'first', jobs=1).rows] == [6, 5, 6]
    assert 'Grade the unit again' in drop(course, 'first', 'triple-hidden', 'undo')
    assert [(r.points, r.of) for r in grade(course, 'first', jobs=1).rows] == [(6, 6), (3, 6), (6, 6)]
    with pytest.raises(CourseError, match='did you mean triple-hidden'): drop(course, 'first', 'tripl-hidden')
    with pytest.raises(CourseError, match='is not dropped'): drop(course, 'first', 'triple-hidden', 'undo')

def test_a_check_whose_name_two_notebooks_have_is_dropped_from_one(tmp_path):
    course, nb = small_course(tmp_path/'course'), kit.small_lesson()
    nb.cells[0].source = '#| default_exp core.more'
    nbformat.write(nb, course.nbs/'01_core.more.ipynb')
    course = changed(course, f'["{NAME}"]', f'["{NAME}", "01_core.more"]')
    build(course)
    with pytest.raises(CourseError, match='has no check double-hidden: .*01_core.more/double-hidden'): drop(course, 'first', 'double-hidden')
    assert '(2 points) counts for nobody any more; 0 submissions, 10 points' in drop(course, 'first', '01_core.more/double-hidden')
    with gradebook(course, load_config(course)) as book:
        assert [float(n.max_score) for n in book.find_assignment('first').notebooks] == [6, 4]
    build(course)
    text = (course.root/'dropped.json').read_text()
    for coding in ('utf-8-sig', 'utf-16'):    # as an editor on Windows saves it
        (course.root/'dropped.json').write_text(text, encoding=coding)
        assert out_of(course, 'first') == ['01_core.more/double-hidden']

def test_what_waits_for_a_person_is_counted_and_said(tmp_path):
    course, nb = small_course(tmp_path/'course'), kit.small_lesson()
    nb.cells.append(nbformat.v4.new_markdown_cell('Because.', id='why', metadata=dict(nbgrader=dict(
        grade_id='why', grade=True, solution=True, locked=False, task=False, points=3, schema_version=3))))
    nbformat.write(nb, course.path(NAME))
    assert repr(build(course)[0]).endswith('9 points')
    mine = released(course, **SOLVED)
    next(c for c in mine.cells if c.id == 'why').source = 'It doubles.'
    kit.hand_in(course, 'first', 'ada', {NAME: mine})
    hand_in(course, 'bob', **SOLVED)
    ada, bob = grade(course, 'first', jobs=1).rows
    assert (ada.points, ada.of) == (6, 9) and ada.notes == ('3 points wait for a person.',)
    assert bob.notes == (f'{NAME}, why: Nothing was written.',)

def test_all_notes_are_shown_and_what_to_look_at_comes_first(course):
    rows = (Row('ada', 1, 2, .1, ('a', 'b\x1b[31m')), Row('bob', 2, 2))
    text = Graded('first', rows, 'walls', 1.).all_notes()
    assert text.endswith('ada\n  a\n  b [31m') and text.startswith(repr(Graded('first', rows, 'walls', 1.)))
    odd = 'import ctypes\n' + DOUBLE
    hand_in(course, 'eve', double=odd, triple='1/0')
    notes = grade(course, 'first').rows[0].notes
    assert 'a person should read it' in notes[0] and len(notes) > 1


def test_a_lesson_without_known_answers_is_tried_with_what_a_machine_makes(course):
    tries = to_try(course, NAME, read_notebook(course.path(NAME)), True)
    assert [e.name for e, _ in tries] == ['double', 'triple'] and {a.kind for _, answers in tries for a in answers} == {'stub', 'constant', 'mutant'}
    proof = Proof((Proved(NAME, 'double', {'double-check': 1}, (Tried('solution'), Tried('stub', lost=('double-check',)))),))
    assert proof.holds and f'{NAME}: knockouts/{NAME}.py is not there, so only what a machine makes was tried' in repr(proof)


# --- HTML in a submission

class Tags(HTMLParser):
    "The tags of a page that would run something, or load it."
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)
    def handle_starttag(self, tag, attrs):
        link = any(k in ('href', 'src', 'action') and re.match(r'\s*(javascript|vbscript|data:text)', v or '', re.I) for k, v in attrs)
        if any(k.startswith('on') for k, _ in attrs) or link or tag in ('iframe', 'object', 'embed', 'form', 'base', 'svg', 'meta-x'):
            self.found.append((tag, dict(attrs)))
        if tag == 'script': self.script = True
    def handle_data(self, data):
        if self.lasttag == 'script' and 'EVIL' in data: self.found.append(('script', data))

EVIL = [
    '<img src=x onerror="EVIL()">', '<script>EVIL()</script>', '<svg/onload=EVIL()>', '[a](javascript:EVIL())', '![a](x "b\\" onerror=EVIL()")',
    '`<img src=x onerror=EVIL()>`', '```\n</code><img src=x onerror=EVIL()>\n```', '$<img src=x onerror=EVIL()>$', '<a href="java&#115;cript:EVIL()">a</a>',
    '[a](java&#115;cript:EVIL())', '<iframe srcdoc="<script>EVIL()</script>">', '<!--><img src=x onerror=EVIL()>-->', '<details open ontoggle=EVIL()>',
    '# <img src=x onerror=EVIL()>', '| <img src=x onerror=EVIL()> |\n|---|\n| b |', '<math><mtext><img src=x onerror=EVIL()>', '<IMG\nSRC=x\nONERROR=EVIL()>',
    '&lt;img src=x onerror=EVIL()&gt;', '<javascript:EVIL()>', '$\\href{javascript:EVIL()}{x}$', '![a](attachment:"><img src=x onerror=EVIL()>)']

def rendered(nb):
    from nbconvert import HTMLExporter
    return HTMLExporter(template_name='basic').from_notebook_node(nb)[0]

@pytest.mark.parametrize('i', range(len(EVIL)), ids=str)
def test_html_of_a_submission_is_text(i):
    nb = parse_notebook(nbformat.writes(kit.small_lesson()))
    nb.cells += [nbformat.v4.new_markdown_cell(EVIL[i], id='evil'), nbformat.v4.new_raw_cell(EVIL[i], id='raw', metadata=dict(raw_mimetype='text/html'))]
    nb.cells[-2].attachments = nbformat.from_dict({'"><img src=x onerror=EVIL()>': {'image/png': 'aaaa'}, 'b.png': {'image/png': '"><img src=x onerror=EVIL()>'}})
    text = rendered(harmless(nb, kit.small_lesson()))
    assert not Tags(text).found, Tags(text).found

def test_the_judge_of_pages_sees_what_runs():
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(EVIL[0])])
    assert Tags(rendered(nb)).found

def test_outputs_and_metadata_of_a_submission_run_nothing(course):
    lesson = kit.small_lesson()
    nb = parse_notebook(nbformat.writes(lesson))
    evil = EVIL[0]
    out = lambda **data: nbformat.v4.new_output('display_data', data={k.replace('_', '/', 1): v for k, v in data.items()})
    nb.cells[4].outputs = [out(text_html=evil), out(text_html=evil, text_plain='a table'), out(image_png=f'">{evil}'), out(**{'image_svg+xml': f'<svg onload=EVIL()>{evil}</svg>'}),
                           out(text_markdown=evil), out(text_latex=evil), out(application_javascript='EVIL()'), out(image_png='iVBORw0K')]
    nb.cells[4].metadata.tags = [f'">{evil}']
    nb.metadata.widgets = {'application/vnd.jupyter.widget-state+json': {'state': {'a': f'</script>{evil}'}}}
    nb.metadata.title = evil
    clean = harmless(nb, lesson)
    assert not Tags(rendered(clean)).found and 'a table' in rendered(clean) and 'iVBORw0K' in rendered(clean)
    assert set(clean.metadata) <= {'kernelspec', 'language_info'}
    assert [c.source for c in clean.cells] == [c.source for c in lesson.cells], 'what the lesson has stays'
    mine = released(course, **SOLVED)
    mine.cells.append(nbformat.v4.new_markdown_cell(evil + ' where $a<b$ & c < d', id='mine'))
    kit.hand_in(course, 'first', 'eve', {NAME: mine})
    assert grade(course, 'first').rows[0].points == 6
    graded = read_notebook(course.folder('autograded', 'eve', 'first', f'{NAME}.ipynb'))
    assert graded.cells[-1].source == '< img src=x onerror="EVIL()"> where $a< b$ & c < d' and not Tags(rendered(graded)).found


# --- the next year, and another database

def test_a_gradebook_of_last_year_is_not_mixed_with_this(course):
    hand_in(course, 'ada', **SOLVED)
    grade(course, 'first')
    other = changed(course, 'id = "small"', 'id = "small-2027"')
    for does in (lambda: build(other), lambda: grade(other, 'first'), lambda: export(other, other.root/'x.csv')):
        with pytest.raises(CourseError, match='holds the course small, and this is small-2027: .* Move gradebook.db, submitted, autograded and feedback out of'): does()
    for name in ('submitted', 'autograded', 'gradebook.db'): (other.root/name).rename(other.root.parent/name)
    build(other)
    with pytest.raises(CourseError, match='Nobody handed in'): grade(other, 'first')

@pytest.mark.parametrize('url, shown', [
    ('postgresql+psycopg://ann:s3cret@db.example.org/grades', 'postgresql+psycopg://ann:***@db.example.org/grades'),
    ('postgresql+psycopg://ann:s/3@cr@db/grades', 'postgresql+psycopg://ann:***@db/grades'),
    ('postgresql+psycopg://ann@db/grades', 'postgresql+psycopg://ann@db/grades'), ('sqlite:////home/a@b/gradebook.db', 'sqlite:////home/a@b/gradebook.db')])
def test_no_password_is_told(url, shown):
    assert without_password(url) == shown
    if ':***@' in shown: assert 's3cret' not in clear_of('no entry for ann:s3cret', 'postgresql://ann:s3cret@db/x')

def test_postgresql_is_reached_by_the_driver_of_the_extra():
    for url in ('postgresql://a@b/c', 'postgres://a@b/c'): assert with_driver(url) == 'postgresql+psycopg://a@b/c'
    for url in ('sqlite:////x.db', 'postgresql+psycopg2://a@b/c'): assert with_driver(url) == url

def test_a_driver_or_server_that_is_not_there_is_a_line(course, monkeypatch, capsys, tmp_path):
    import sys
    monkeypatch.setenv('TINYBENCH_GRADEBOOK', 'postgresql://ann:s3cret@127.0.0.1:9/grades')
    monkeypatch.setitem(sys.modules, 'psycopg', None)
    hand_in(course, 'ada')
    for args in (['build'], ['grade', 'first'], ['feedback', 'first'], ['export', str(tmp_path/'x.csv')]):
        with pytest.raises(SystemExit) as e: main(['course', *args, '--course', str(course.root)])
        err = capsys.readouterr().err
        assert e.value.code == 1 and err.count('\n') == 1 and 'pip install "tinybench-ml[course,postgres]"' in err and 's3cret' not in err, err


# --- a course of nbgrader's own

@pytest.mark.slow
def test_nbgraders_quickstart_has_the_same_scores(tmp_path):
    "In its own folder, with a course.toml beside its configuration: the solved one, and the one as handed out."
    import os, subprocess, sys
    env = dict(os.environ, PATH=f'{os.path.dirname(sys.executable)}{os.pathsep}{os.environ["PATH"]}')
    def run(*args, cwd):
        done = subprocess.run(['nbgrader', *args], cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
    run('quickstart', 'c', cwd=tmp_path)
    (tmp_path/'c'/'course.toml').write_text('id = "c"\n[[unit]]\nname = "ps1"\nnotebooks = ["problem1", "problem2"]\n')
    course = read_course(tmp_path/'c')
    run('generate_assignment', 'ps1', cwd=course.root)
    for who, step in dict(all='source', none='release').items():
        shutil.copytree(course.folder(step, 'ps1'), course.folder('submitted', who, 'ps1'))
    run('autograde', 'ps1', cwd=course.root)
    theirs = kit.scores(course, 'ps1')
    rows = grade(course, 'ps1', jobs=1, again=True).rows
    assert kit.scores(course, 'ps1') == theirs and [r.points for r in rows] == [3, 0] and rows[0].notes == ('10 points wait for a person.',)
