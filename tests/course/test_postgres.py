"The gradebook in a real PostgreSQL: a server of Debian's, started here on loopback, gives what SQLite gives."
import csv, os, pwd, shutil, socket, subprocess, tempfile, time
from pathlib import Path

import pytest

import coursekit as kit
from coursekit import DOUBLE, NAME, TRIPLE, released, small_course
from tinybench.cli import main
from tinybench.course.teacher.build import build
from tinybench.course.teacher.grade import grade
from tinybench.course.teacher.platforms import export

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings('ignore::sqlalchemy.exc.SAWarning')]
PASSWORD = 's/3cr@et'

def binaries():
    "The folder with PostgreSQL's programs, the newest; None where it is not installed."
    found = sorted(Path('/usr/lib/postgresql').glob('*/bin/initdb'), key=lambda p: int(p.parts[-3]))
    here = shutil.which('initdb')
    return found[-1].parent if found else Path(here).resolve().parent if here else None

def own_user():
    "Whom the server runs as: it refuses root."
    if os.geteuid(): return {}
    for name in ('postgres', 'nobody'):
        try: found = pwd.getpwnam(name)
        except KeyError: continue
        return dict(user=found.pw_uid, group=found.pw_gid, extra_groups=[])
    pytest.skip('needs an ordinary user to run PostgreSQL as')

@pytest.fixture(scope='module')
def server():
    "The address of a running server without a database name, and the process."
    pytest.importorskip('psycopg', reason='needs psycopg: the extra postgres')
    if not (programs := binaries()): pytest.skip('needs PostgreSQL (Debian: apt-get install postgresql)')
    who = own_user()
    with tempfile.TemporaryDirectory() as folder, socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port, at = s.getsockname()[1], Path(folder)
        s.close()
        (at/'password').write_text(PASSWORD)
        if who:
            for p in (at, at/'password'): os.chown(p, who['user'], who['group'])
        env = dict(PATH=f'{programs}:/usr/bin:/bin', LC_ALL='C', HOME=folder)
        subprocess.run([programs/'initdb', '-D', at/'data', '-U', 'ann', '-A', 'scram-sha-256', '-E', 'UTF8', f'--pwfile={at}/password', '--no-sync'],
                       check=True, capture_output=True, cwd=folder, env=env, **who)
        with open(at/'log', 'w') as log:
            run = subprocess.Popen([programs/'postgres', '-D', at/'data', '-h', '127.0.0.1', '-p', str(port), '-k', folder, '-F'],
                                   stdout=log, stderr=log, cwd=folder, env=env, **who)
        try:
            while not answers(port):
                if run.poll() is not None: pytest.fail((at/'log').read_text())
                time.sleep(.1)
            yield f'127.0.0.1:{port}', run
        finally:
            if run.poll() is None: run.terminate()
            run.wait(30)

def connected(port):
    import psycopg
    return psycopg.connect(host='127.0.0.1', port=port, user='ann', password=PASSWORD, dbname='postgres', autocommit=True)

def answers(port):
    import psycopg
    try: connected(port).close()
    except psycopg.OperationalError: return False
    return True

def address(server, database, password='s%2F3cr%40et'): return f'postgresql://ann:{password}@{server[0]}/{database}'

def term(course, to):
    "A class of three graded; the rows of the points and of each export."
    for student, answers in dict(ada=dict(double=DOUBLE, triple=TRIPLE), bob=dict(double=DOUBLE), cleo={}).items():
        kit.hand_in(course, 'first', student, {NAME: released(course, **answers)})
    rows = [(r.student, r.points, r.of, r.notes) for r in grade(course, 'first', jobs=1).rows]
    again = grade(course, 'first', jobs=1)
    assert again.before == 3 and [(r.student, r.points, r.of, r.notes) for r in again.rows] == rows
    return rows, [list(csv.reader(export(course, to/f'{style}.csv', style).read_text().splitlines())) for style in ('nbgrader', 'canvas', 'moodle')]

def said(capsys, *args):
    with pytest.raises(SystemExit) as e: main(['course', *map(str, args)])
    return e.value.code or 0, capsys.readouterr().err

def test_grades_in_postgresql_are_those_in_sqlite(server, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv('TINYBENCH_GRADEBOOK', raising=False)
    here = term(small_course(tmp_path/'one'), tmp_path)
    with connected(server[0].split(':')[1]) as c: c.execute('CREATE DATABASE grades')
    monkeypatch.setenv('TINYBENCH_GRADEBOOK', address(server, 'grades'))
    course = small_course(tmp_path/'two')
    assert term(course, tmp_path) == here and not (course.root/'gradebook.db').exists()
    build(course)
    shutil.copy(kit.ROOT/'assignments'/'nbgrader_config.py', course.root)
    status, words = kit.nbgrader(course, 'db', 'student', 'list')
    assert status == 0 and 'ada' in words, words
    assert said(capsys, 'feedback', 'first', '--course', course.root)[0] == 0

    monkeypatch.setenv('TINYBENCH_GRADEBOOK', address(server, 'grades', 'wr%2Fong'))
    status, err = said(capsys, 'export', tmp_path/'x.csv', '--course', course.root)
    assert status == 1 and err.count('\n') == 1 and 'cannot be read' in err and 'wr/ong' not in err and 'wr%2Fong' not in err and ':***@' in err
    assert 'Put back a copy' not in err
    monkeypatch.setenv('TINYBENCH_GRADEBOOK', address(server, 'grades'))
    server[1].terminate()
    server[1].wait(30)
    for command in (['build'], ['grade', 'first'], ['feedback', 'first'], ['export', tmp_path/'x.csv']):
        status, err = said(capsys, *command, '--course', course.root)
        assert status == 1 and err.count('\n') == 1 and 's/3cr@et' not in err and 's%2F3cr' not in err and 'Put back a copy' not in err, err
