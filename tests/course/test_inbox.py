"Whose is what: a roster as spreadsheets write it, and folders and zips as learning platforms, systems and people make them."
import codecs, io, json, shutil, unicodedata, zipfile
from types import SimpleNamespace

import nbformat
import pytest

from coursekit import NAME, released, small_course, small_lesson
from tinybench.cli import main
from tinybench.course.cells import CourseError
from tinybench.course.student.submission import read_submission, zipped
from tinybench.course.teacher.build import build, is_built, load_config
from tinybench.course.teacher.collect import collect
from tinybench.course.teacher.gradebook import gradebook
from tinybench.course.teacher.handout import release
from tinybench.course.teacher.lint import check
from tinybench.course.teacher.roster import enrol, owner, read_roster
from tinybench.course.units import package_of, read_course

pytestmark = pytest.mark.filterwarnings('ignore::sqlalchemy.exc.SAWarning')

@pytest.fixture(scope='module')
def made(tmp_path_factory): return small_course(tmp_path_factory.mktemp('inbox')/'course')

@pytest.fixture
def course(made, tmp_path):
    shutil.copytree(made.root.parent, tmp_path/'course')
    return read_course(tmp_path/'course')

@pytest.fixture(scope='module')
def book(made): return nbformat.writes(released(made)).encode()


# --- the roster

TABLE = 'ID;First name;Last name;Email;lms_user_id\r\nada;Ada;Lovelace;;71\r\nmü1;Jörg;Müller;j@x.org;\r\n\r\n'
KNOWN = dict(ada=dict(first_name='Ada', last_name='Lovelace', lms_user_id='71'), mü1=dict(first_name='Jörg', last_name='Müller', email='j@x.org'))
AS_SAVED = {'utf-8': TABLE.encode(), 'mark': codecs.BOM_UTF8 + TABLE.encode(), 'utf-16': TABLE.encode('utf-16'), 'commas': TABLE.replace(';', ',').encode(),
            'tabs': TABLE.replace(';', '\t').encode('utf-16'), 'unix': TABLE.replace('\r', '').encode(), 'apart': unicodedata.normalize('NFD', TABLE).encode(),
            'quoted': TABLE.replace('Lovelace', '" Lovelace "').encode(), 'more': TABLE.replace('Email', 'Group;Email').replace(';;', ';3;;').replace(';j@', ';3;j@').encode()}

@pytest.mark.parametrize('data', AS_SAVED.values(), ids=AS_SAVED)
def test_a_roster_as_spreadsheets_save_it(tmp_path, data):
    (tmp_path/'r.csv').write_bytes(data)
    assert read_roster(tmp_path/'r.csv') == KNOWN

@pytest.mark.parametrize('data, says', [
    (TABLE.encode('cp1252'), 'save it as UTF-8'), (b'name;x\r\nada;1', 'has no column id'), (b'', 'has no column id'),
    (b'id,email\nada,1\n,b@x.org\n', 'line 3: the id is missing'), (b'id\nada\nada\n', 'line 3: ada is there twice')])
def test_a_roster_that_cannot_be_read_says_why(tmp_path, data, says):
    (tmp_path/'r.csv').write_bytes(data)
    with pytest.raises(CourseError, match=says): read_roster(tmp_path/'r.csv')

def test_students_are_entered_and_changed(course, tmp_path, capsys):
    (tmp_path/'r.csv').write_bytes(AS_SAVED['mark'])
    with pytest.raises(SystemExit) as e: main(['course', 'enrol', str(tmp_path/'r.csv'), '--course', str(course.root)])
    assert not e.value.code and capsys.readouterr().out == '2 students, 2 of them new\n'
    (tmp_path/'r.csv').write_text('id,email\nada,ada@x.org\neve,\n')
    assert enrol(course, tmp_path/'r.csv') == (2, 1)
    with gradebook(course, load_config(course)) as gb:
        ada = gb.find_student('ada')
        assert (ada.email, ada.lms_user_id, len(gb.students)) == ('ada@x.org', '71', 3), 'what the file does not say stays'

def person(id, first='', last='', number=None, email=None):
    return SimpleNamespace(id=id, first_name=first, last_name=last, lms_user_id=number, email=email)

PEOPLE = {s.id: s for s in (
    person('ada', 'Ada', 'Lovelace', '71', 'ada@x.org'), person('jm', 'Jörg', 'Müller', '72'), person('lee1', 'Ann', 'Lee', '73'), person('lee2', 'Ann', 'Leeson', ''),
    person('rs1', 'René', 'Sá'), person('rs2', 'Rene', 'Sa'), person('ob', 'Conan', "O'Brien"), person('jl', 'Jean-Luc', 'de la Tour'), person('w_x7', 'Wu', 'Xin'))}

@pytest.mark.parametrize('text, whose', [
    ('ada', 'ada'), ('Lovelace, Ada (71)', 'ada'), ('ada@x.org', 'ada'), ('Ada Lovelace_72_assignsubmission_file', 'ada'), ('Lovelace_Ada-ps1', 'ada'),
    ('Jörg Müller_9_assignsubmission_file', 'jm'), (unicodedata.normalize('NFD', 'Jörg Müller_9_assignsubmission_file'), 'jm'), ('Jorg Muller', 'jm'), ('müllerjörg_LATE_5_6_a', 'jm'),
    ('Ann Lee_1', 'lee1'), ('Ann Leeson_1', 'lee2'), ('Ann Leesonby_1', ''), ('leeann_71_555_x', 'ada'), ('leeann_5_73_x', 'lee1'), ('Eve Hall_71_assignsubmission_file', ''),
    ('René Sá', 'rs1'), ('Rene Sa', 'rs2'), ("O'Brien Conan", 'ob'), ('obrienconan_1_2_x', 'ob'), ('Jean-Luc de la Tour_3_assignsubmission_file', 'jl'), ('w_x7', 'w_x7'),
    ('hall_5_6_x (1)', ''), ('', ''), ('Ada Love', '')])
def test_whose_a_name_is(text, whose): assert owner(text, PEOPLE) == whose


# --- folders and zips

def zip_of(files):
    with zipfile.ZipFile(to := io.BytesIO(), 'w') as z:
        for name, data in files.items(): z.writestr(name, data)
    return to.getvalue()

def put(at, files):
    for name, data in files.items():
        (at/name).parent.mkdir(parents=True, exist_ok=True)
        (at/name).write_bytes(data)
    return at

def came(course, at):
    found = collect(course, 'first', at)
    return {r[0] for r in found.rows}, found.refused

LAYOUTS = {
    'sections': ['section1/ada/{}', 'section1/bob/{}', 'section2/cleo/{}'], 'one above': ['submissions/ada/{}', 'submissions/bob/{}', 'submissions/cleo/{}'],
    'nbgrader': ['ada/first/{}', 'bob/first/{}', 'cleo/first/{}'], 'flat': ['ada_{}', 'bob-{}', 'cleo_{}'], 'deep': ['in/ada/work/{}', 'in/bob/{}', 'in/cleo/a/b/{}'],
    'a copy below': ['ada/w/{}', 'ada/w/00_core.ops (1).ipynb', 'bob/w/{}', 'cleo/w/{}'], 'sections and a copy': ['s1/ada/{}', 's1/ada/00_core.ops-1.ipynb', 's1/bob/{}', 's2/cleo/{}'],
    'twice': ['ada/{}', 'ada/old/{}', 'bob/{}', 'cleo/{}'], 'a copy': ['ada/{}', 'ada/00_core.ops (1).ipynb', 'bob/{}', 'cleo/{}'], 'mac': ['ada/{}', '__MACOSX/ada/._{}', 'bob/{}', 'cleo/{}', '.git/x/{}']}

@pytest.mark.parametrize('paths', LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize('packed', [False, True], ids=['folder', 'zip'])
def test_without_a_roster_folders_and_names_say_whose(course, tmp_path, book, paths, packed):
    files = {p.format(f'{NAME}.ipynb'): book for p in paths}
    at = put(tmp_path/'in', {'all.zip': zip_of(files)} if packed else files)
    assert came(course, at) == ({'ada', 'bob', 'cleo'}, ())

def test_a_zip_in_a_zip_belongs_to_whom_its_name_says(course, tmp_path, book):
    "As Canvas makes it of zips that students uploaded; a folder of zips without a roster, too."
    inner = zip_of({f'work/{NAME}.ipynb': book, 'work/notes.txt': b'', '__MACOSX/work/._a': b''})
    names = ['lovelaceada_71_555_work.zip', 'müllerjörg_LATE_72_556_work-1.zip', 'Ann Lee_9_assignsubmission_file/abgabe ü.zip']
    all = zip_of({n: inner for n in names})
    at = put(tmp_path/'in', {'ada.zip': inner, 'bob.zip': inner})
    assert came(course, at)[0] == {'ada', 'bob'}
    with gradebook(course, load_config(course)) as gb:
        for s in PEOPLE.values(): gb.add_student(s.id, first_name=s.first_name, last_name=s.last_name, lms_user_id=s.lms_user_id)
    put(tmp_path/'two', {'all.zip': all})
    for place in (tmp_path/'two', tmp_path/'two'/'all.zip'):
        found = collect(course, 'first', place)
        assert [r[0] for r in found.rows] == ['ada', 'jm', 'lee1'] and found.rows[1][2] == ['late, by its name']
        assert len(found.refused) == 3 and all_end(found.refused, 'work/notes.txt is neither notebook nor zip, and is left out.')

def all_end(texts, end): return all(t.endswith(end) for t in texts)

def test_names_in_a_zip_that_does_not_say_its_coding(course, tmp_path, book):
    "macOS writes UTF-8 without saying so, and ü as two characters."
    with gradebook(course, load_config(course)) as gb: gb.add_student('jm', first_name='Jörg', last_name='Müller')
    name = unicodedata.normalize('NFD', f'Jörg Müller_9_assignsubmission_file/{NAME}.ipynb').encode()
    data = zip_of({'x'*len(name): book}).replace(b'x'*len(name), name)
    (tmp_path/'mac.zip').write_bytes(data)
    assert came(course, tmp_path/'mac.zip') == ({'jm'}, ())

def test_what_is_wrong_with_one_file_of_a_zip_costs_nobody_else(course, tmp_path, book):
    files = {f'{who}/{NAME}.ipynb': book + who.encode()*(who == 'bad') for who in ('ada', 'bad', 'locked', 'bob')}
    data = bytearray(zip_of(files | {'eve/work.rar': b'', 'eve/a.pdf': b'', f'/etc/{NAME}.ipynb': book}))
    data[data.index(b'}badx' if b'}badx' in data else b'bad', data.index(b'"nbformat"'))] ^= 1    # its checksum is wrong now
    at = data.rindex(f'locked/{NAME}'.encode()) - 46
    data[at + 8] |= 1    # the flag for a password
    (tmp_path/'all.zip').write_bytes(data)
    students, refused = came(course, tmp_path/'all.zip')
    assert students == {'ada', 'bob'}
    assert any(s.startswith(f'bad/{NAME}.ipynb cannot be unpacked (BadZipFile') for s in refused)
    assert f'locked/{NAME}.ipynb is encrypted, and is left out.' in refused and f'/etc/{NAME}.ipynb leads out of the folder, and is left out.' in refused
    assert 'eve/work.rar is neither notebook nor zip, and is left out (and 1 more like it).' in refused and len(refused) == 4

def test_no_notebook_of_a_student_takes_the_place_of_another(course, tmp_path, book):
    put(tmp_path/'in', {f'ada/{NAME}.ipynb': b'{"first": 1}', f'ada/old/{NAME}.ipynb': book, f'ada/older/{NAME}.ipynb': book, f'ada/my{NAME}.ipynb': book})
    collect(course, 'first', tmp_path/'in')
    had = {p.name: p.read_bytes() for p in course.folder('submitted', 'ada', 'first').glob('*.ipynb')}
    assert had[f'{NAME}.ipynb'] == b'{"first": 1}' and len(had) == 4

def test_a_notebook_may_have_any_letters(tmp_path):
    import hashlib
    for name in ('01_core.übung.ipynb', 'Задача 1.ipynb', unicodedata.normalize('NFD', '01_core.übung.ipynb')):
        about = dict(format=1, course='c', unit='u', student='ada', when='2026-10-05T10:00:00+02:00', files={name: dict(sha256=hashlib.sha256(b'{}').hexdigest())})
        (tmp_path/'s.zip').write_bytes(zipped({name: b'{}', 'submission.json': json.dumps(about).encode()}))
        assert [*read_submission(tmp_path/'s.zip').files] == [name]


# --- names of packages, modules and files

def changed(course, old, new):
    toml = course.root/'course.toml'
    toml.write_text(toml.read_text().replace(old, new))
    return read_course(course.root)

@pytest.mark.parametrize('lines, package', [
    ('lib_name = my-lib\nlib_path = my_lib', 'my_lib'), ('lib_name = mylib\nlib_path = %(lib_name)s', 'mylib'), ('lib_name = mylib', 'mylib'),
    ('repo = a\nlib_name = %(repo)s\nlib_path = b', 'b'), ('lib_name = mylib\nlib_path = %(nosuch)s', '%(nosuch)s'), ('description = 100 % fun\nlib_path = src/mylib', 'mylib')])
def test_the_package_as_nbdev_reads_its_name(course, lines, package):
    (course.root.parent/'settings.ini').write_text(f'[DEFAULT]\n{lines}\n')
    assert package_of(course) == package

def test_a_notebook_whose_module_cannot_be_imported_is_named(course):
    nb = small_lesson()
    nb.cells[0].source = '#| default_exp core.my work'
    nbformat.write(nb, course.nbs/'01_core.my work.ipynb')
    found = check(changed(course, f'["{NAME}"]', f'["{NAME}", "01_core.my work"]'))
    assert [repr(p) for p in found] == ['01_core.my work: its module core.my work cannot be imported. Call it 00_core.ops or the like.']

def test_private_files_stay_private_in_folders_and_no_file_is_lost(course, tmp_path):
    files = {'data/private.csv': b'1', 'private/a.csv': b'2', 'data/Mess daten ü.csv': b'3', '_odd.csv': b'4'}
    put(course.nbs, files)
    course = changed(course, '[limits]', 'files = ["data/*.csv", "private/*"]\n[limits]')
    build(course)
    ws = release(course, tmp_path/'ws')
    assert [p.relative_to(ws).as_posix() for p in ws.rglob('*.csv')] == ['data/Mess daten ü.csv'] and is_built(course, course.unit('first'))
    assert (course.folder('source', 'first')/'data'/'private.csv').read_bytes() == b'1', 'the grader has it'
    with pytest.raises(CourseError, match='_odd.csv begins with . or _, which is not handed out'): build(changed(course, '"data/*.csv"', '"_odd.csv"'))
