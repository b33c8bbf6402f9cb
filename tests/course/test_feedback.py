"Feedback: read off real errors, never a piece of a hidden check, hostile text is text, grades that other systems take."
import builtins, csv, json, os, re, shutil, subprocess, sys
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
import nbformat
import numpy as np
import pytest
from fastcore.test import test_close as close, test_eq as eq, test_ne as ne
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook
from nbgrader.plugins import CsvExportPlugin
from coursekit import make_course
from tinybench.course.units import Course
from tinybench.course.cells import CourseError, HIDDEN, Unit, exercises, read_notebook
from tinybench.course.teacher.results import (HIDDEN_KINDS, CheckResult, HideHidden, about, hidden_words,
    hide, results, score_of, secrets, tells)
from tinybench.course.teacher.errors import (SAID, asked, compared, clean, error_words, frames, halves, brief,
    sentence, statement)
from tinybench.course.teacher.platforms import csv_text, exercise_names, export, harmless
from tinybench.course.teacher.page import feedback_page, notebook_words
from tinybench.course.teacher.feedback import write_feedback, write_unit, save
from tinybench.course.teacher.late import lasting

# nbgrader's own way to add a submission
pytestmark = pytest.mark.filterwarnings('ignore::sqlalchemy.exc.SAWarning')

END = HIDDEN.replace('BEGIN', 'END')

def cell(name, source, points=0, **more):
    "A code cell with nbgrader's metadata: a check where it has points, else an exercise."
    check = bool(points)
    meta = dict(grade_id=name, schema_version=3, grade=check, solution=not check, locked=check, task=False, **more)
    if check: meta['points'] = points
    return new_code_cell(source, id=name, metadata=dict(nbgrader=meta))

def hidden(name, source, points=2): return cell(name, f'#| hide\n{HIDDEN}\n{source}\n{END}', points)

def notebook(*cells):
    return new_notebook(cells=[*cells], metadata=dict(kernelspec=dict(display_name='python3', language='python', name='python3')))

def run(nb):
    "The notebook as a kernel leaves it."
    NotebookClient(nb, allow_errors=True, timeout=60).execute()
    return nb

IMPORTS = 'import numpy as np\nfrom fastcore.test import *'
MARK = 'SECRET_TOKEN_4711'    # in every hidden check of the notebook below

def sample():
    "A submission with one failure of each kind."
    return notebook(
        new_code_cell(IMPORTS, id='imports'),
        cell('good', 'def good(x): return x'), cell('good-check', 'assert good(1) == 1', 1),
        hidden('good-hidden', f'# Anything at all.\nassert good("{MARK}") == "{MARK}"'),
        cell('wrong', 'def wrong(n):\n    return np.arange(n)'),
        cell('wrong-check', 'x = 3\nfor n in (1, 2, 3):\n    test_eq(wrong(n), np.ones(n))', 1),
        hidden('wrong-hidden', f'# Ones, however many.\n# And no fewer.\n\n# not this\ntest_eq(wrong(5), "{MARK}")'),
        cell('raises', 'def raises(x):\n    y = x + 1\n    return y.shapely'),
        cell('raises-check', 'assert raises(1) == 2, "wrong"', 1),
        hidden('raises-hidden', f'raises({len(MARK)}_000_000) # {MARK}'),
        cell('stub', 'def stub(x):\n    raise NotImplementedError()'), cell('stub-check', 'assert stub(1) == (1, 2)', 1),
        hidden('stub-hidden', f'# All of it.\nassert stub("{MARK}")'),
        cell('lenient', 'def lenient(x): return x'),
        cell('lenient-check', 'with expect_fail(ValueError, "neg"): lenient(-1)', 1),
        hidden('lenient-hidden', f'# Negative numbers.\nwith expect_fail(ValueError): lenient("{MARK}")'),
        cell('near', 'def near(x): return x*1.01'),
        cell('near-check', 'np.testing.assert_allclose(near(np.ones(2)), np.ones(2), rtol=1e-3)', 1),
        hidden('near-hidden', f'# Closer.\ntest_close(near(3.), 3., eps=1e-3) # {MARK}'),
        cell('broken', 'def broken(x:\n    return x'), cell('broken-check', 'assert broken(1) == 1', 1),
        hidden('broken-hidden', f'# All of it.\nassert broken("{MARK}")'))

@pytest.fixture(scope='module')
def graded(): return run(sample())

@pytest.fixture(scope='module')
def found(graded): return {r.check: r for r in results(graded)}


# --- text

@given(st.text())
def test_plain_text_holds_nothing_that_acts(text):
    got = clean(text, 50)
    assert len(got) <= 50 and not re.search('[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]', got)
    assert '\n' not in brief(text, 20) and len(brief(text, 20)) <= 20

def test_escape_sequences_go_whole():
    assert clean('\x1b[1;31mred\x1b[39m \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x1b(B\x1bcend') == 'red link end'
    assert clean('\x1b[31') == '31' or clean('\x1b[31') == ''

def test_long_text_loses_its_middle():
    got = clean('a'*1000 + 'b'*1000, 100)
    assert got.startswith('a'*50) and got.endswith('b'*25) and len(got) < 80
    assert len(clean('x'*10**7, 100)) < 80

@given(arrays(int, st.tuples(*[st.integers(1, 3)]*2), elements=st.integers(-99, 99)),
       arrays(float, st.tuples(*[st.integers(1, 3)]*3), elements=st.floats(-9, 9, width=16)))
def test_two_printed_arrays_are_taken_apart(a, b):
    assert halves(f'{a}\n{b}') == (str(a), str(b))

@given(st.integers(), st.integers())
def test_two_printed_numbers_are_taken_apart(a, b): assert halves(f'{a}\n{b}') == (str(a), str(b))

def test_what_cannot_be_taken_apart_is_left(): assert halves('a\nb\nc') is None and halves('a') is None

def message(f, *args, **kw):
    "What the assertion says that `f` raises."
    with pytest.raises(AssertionError) as e: f(*args, **kw)
    return str(e.value)

def test_values_are_read_off_real_assertions():
    t = np.testing
    assert compared(message(eq, [1, 2], [1, 3])) == ('==', '[1, 2]', '[1, 3]')
    assert compared(message(close, 1., 2.)) == ('close', '1.0', '2.0')
    assert compared(message(ne, 3, 3)) == ('!=', '3', '3')
    assert compared(message(eq, np.eye(2), np.ones((2, 2))))[1:] == (str(np.eye(2)), str(np.ones((2, 2))))
    for f, kind in ((t.assert_array_equal, '=='), (t.assert_allclose, 'close'), (t.assert_array_almost_equal, 'close')):
        assert compared(message(f, np.zeros(2), np.ones(2))) == (kind, 'array([0., 0.])', 'array([1., 1.])')
    assert compared(message(t.assert_equal, 1, 2)) == ('==', '1', '2')
    assert compared('it is late: or is it') is None and compared('') is None

def test_sentences():
    assert error_words('AssertionError', message(eq, 4, 5)) == 'Two values should be equal: 4 came, and 5 was expected.'
    assert error_words('AssertionError', message(eq, np.zeros(200), np.ones(200))) == 'Two values should be equal.'
    assert error_words('AssertionError', '') == 'An assertion does not hold.'
    assert error_words('AssertionError', 'a copy,\nnot a view') == 'a copy, not a view'
    assert error_words('NotImplementedError', '') == 'Not written yet.'
    assert error_words('KeyError', "'a'") == "KeyError: 'a'" and error_words('Odd', '') == 'Odd'
    assert error_words('ProcessEnded', 'a segmentation fault').endswith(': a segmentation fault.')

@given(st.text(max_size=30), st.text())
def test_a_sentence_is_one_line(name, value):
    assert '\n' not in error_words(name, value) and len(error_words(name, value)) < 600

def test_sentence_takes_the_last_error_of_a_cell():
    first, last = (new_output('error', ename='TypeError', evalue=v, traceback=[]) for v in ('yes', 'no'))
    assert sentence([first, new_output('stream', text='x'), last]) == 'TypeError: no'
    assert sentence([]) == sentence([new_output('stream', text='x')]) == ''

def test_durations(): assert [lasting(s) for s in (0, 59, 3600, 90061)] == ['0 s', '59 s', '1 h', '1 d 1 h']


# --- lines

def test_statement_and_what_it_asks():
    text, tree = statement('x = 1\nassert f(\n    x) == [1,\n  2]', 3)
    assert text.startswith('assert f(') and asked(tree) == '[1, 2]'
    assert asked(statement('assert f(x) == g(x)', 1)[1]) == '' and asked(statement('assert f(x) > 3', 1)[1]) == ''
    assert statement('assert a(1) == 1; assert a(2) == 2', 1) == ('assert a(1) == 1; assert a(2) == 2', None)
    assert statement('%time f()', 1) == ('%time f()', None) and statement('a', 0)[0] == ''

def test_frames_of_python_and_of_jupyter(graded):
    error = next(c for c in graded.cells if c.id == 'raises-check').outputs[-1]
    assert frames(error) == [(1, 'assert raises(1) == 2, "wrong"'), (3, 'return y.shapely')]
    lines = ['Traceback (most recent call last):', '  File "<check>", line 4, in <module>',
             '  File "<ipython-input-1>", line 6, in f', '    return out[table]', '               ^^^^^', 'NameError: x']
    assert frames(dict(traceback=lines)) == [(6, 'return out[table]')]
    chained = [*lines, 'During handling of the above exception, another exception occurred:', '  File "a.py", line 2, in a', '    a()']
    assert frames(dict(traceback=chained)) == [(2, 'a()')] and frames(dict(traceback=[])) == []


# --- results

def test_visible_checks_say_line_and_values(found):
    r = found['wrong-check']
    assert r.line == 'test_eq(wrong(n), np.ones(n))' and (r.got, r.expected) == ('[0]', '[1.]')
    assert (r.verdict, r.score, r.points, r.hidden) == ('does not hold', 0, 1, False)
    r = found['raises-check']
    assert r.message == "AttributeError: 'int' object has no attribute 'shapely'" and r.own == 'return y.shapely'
    assert (r.line, r.expected) == ('assert raises(1) == 2, "wrong"', '2')
    assert found['stub-check'].message == 'Not written yet.' and found['stub-check'].expected == '(1, 2)'
    assert found['lenient-check'].message == 'ValueError should be raised, and is not.'
    assert found['lenient-check'].line.startswith('with expect_fail')
    assert found['near-check'].got == 'array([1.01, 1.01])' and found['near-check'].message.startswith('Two values should be close')
    assert found['broken-check'].message.startswith('The cell broken did not run. SyntaxError')
    assert found['good-check'].verdict == 'holds' and found['good-check'].message == ''

def test_hidden_checks_say_kind_and_description(found):
    said = {k: (r.message, r.about, r.own) for k,r in found.items() if r.hidden}
    assert said['good-hidden'] == ('', 'Anything at all.', '')
    assert said['wrong-hidden'] == ('A value is not what it should be.', 'Ones, however many. And no fewer.', '')
    assert said['raises-hidden'] == ('AttributeError was raised where it uses your code.',
                                     'A property of raises on inputs you have not seen.', '')
    assert said['stub-hidden'] == ('Not written yet.', 'All of it.', '')
    assert said['lenient-hidden'][0] == 'An error should be raised, and is not.'
    assert said['near-hidden'][0] == 'A value is not close enough.'
    assert all((r.line, r.got, r.expected) == ('',)*3 for r in found.values() if r.hidden)

def test_a_check_may_wait_for_another_function():
    nb = run(notebook(cell('first', 'def first(x):\n    raise NotImplementedError()'),
                      cell('second', 'def second(x): return first(x)'), cell('second-check', 'assert second(1) == 1', 1),
                      hidden('second-hidden', 'assert second(2) == 2'), cell('first-check', 'assert first(1) == 1', 1)))
    got = {r.check: r.message for r in results(nb)}
    assert got['second-check'] == got['second-hidden'] == 'It uses first, which is not written yet.'
    assert got['first-check'] == 'Not written yet.'

def test_results_follow_the_notebook(graded, found):
    assert [*found] == [c.id for c in graded.cells if c.metadata.get('nbgrader', {}).get('grade')]
    assert {r.exercise for r in found.values()} == {'good', 'wrong', 'raises', 'stub', 'lenient', 'near', 'broken'}

def test_scores_are_the_gradebooks(graded):
    got = {r.check: r for r in results(graded, {'good-check': 0, 'wrong-check': .5, 'stub-check': None})}
    assert got['good-check'].verdict == 'does not hold' and got['good-check'].message.startswith('It left no error.')
    assert got['wrong-check'].verdict == 'holds in part' and got['stub-check'].verdict == 'not read yet'

def test_scores_without_a_gradebook():
    c = cell('a-check', 'x', 2)
    def scored(*outputs, **meta):
        c.outputs, c.metadata.nbgrader = [*outputs], nbformat.from_dict({**c.metadata.nbgrader, **meta})
        return score_of(c, {})
    value = lambda text: new_output('execute_result', {'text/plain': text})
    assert scored() == 2 and scored(value('1')) == 1 and scored(value('7')) == 0
    assert scored(new_output('stream', name='stderr', text='w')) == 0
    assert results(notebook(cell('a', 'def a(): pass'), c))[0].message == 'It wrote to stderr, which counts as a failure.'
    assert scored(score=1.5) == 2 and score_of(c, {'a-check': 2.}) == 2

def test_graded_cells_without_exercise_and_written_ones():
    words = new_markdown_cell('my answer', metadata=dict(nbgrader=dict(grade_id='essay', grade=True, solution=True, points=3,
                                                                       schema_version=3, locked=False, task=False)))
    got = results(notebook(cell('first-check', 'assert True', 1), words))
    assert [(r.exercise, r.points, r.verdict) for r in got] == [('first-check', 1, 'holds'), ('essay', 3, 'not read yet')]

@pytest.mark.parametrize('source, says', [
    (f'#| hide\n{HIDDEN}\n# One.\n#   Two.\nx = 1 # three', 'One. Two.'), (f'{HIDDEN}\n\n# One.\n\n# Two.', 'One.'),
    (f'#| hide\n{HIDDEN}\nx = 1\n# late', 'A property of a on inputs you have not seen.'), ('', 'A property of a on inputs you have not seen.')])
def test_descriptions(source, says): assert about(cell('a-hidden', source, 1)) == says


# --- nothing of a hidden check is told

def everything(nb):
    "All that a student could read: results, page, and the notebook that nbgrader shows."
    page = feedback_page('t', 's', [notebook_words('n', nb)])
    return '\n'.join([repr(results(nb)), page, json.dumps(hide(nb))])

def test_nothing_of_a_hidden_check_is_told(graded):
    text = everything(graded)
    assert MARK not in text and MARK in json.dumps(graded)
    assert not tells(text, secrets(graded)) and HIDDEN not in json.dumps(hide(graded)).replace('\\n', '\n')

STEALING = {
    'own raise': 'def steal(x):\n    raise ValueError(str(x))',
    'own assert': 'def steal(x):\n    assert False, str(x)',
    'source in a message': 'import sys, linecache\ndef steal(x):\n    f = sys._getframe(1)\n'
                           '    return int("".join(linecache.getlines(f.f_code.co_filename)))',
    'key error': 'def steal(x):\n    return {}[x]',
    'attribute': 'def steal(x):\n    return getattr(1, x)',
    'name of a type': 'def steal(x):\n    e = type(x, (Exception,), {})\n    raise e()',
    'printed': 'def steal(x):\n    print(x)\n    return 0',
    'kept and printed later': 'kept = []\ndef steal(x):\n    kept.append(In[-1])\n    return 0',
    'kept and returned later': 'kept = [0]\ndef steal(x=None):\n    if x: kept[0] = In[-1]\n    return kept[0]',
    'no traceback': 'def steal(x):\n    raise ValueError(str(x)).with_traceback(None) from None',
    'cleared frames': 'class E(Exception):\n    __module__ = "builtins"\ndef steal(x):\n    try: raise E(x)\n'
                      '    except E as e: raise E(str(e.args[0]) + In[-1]) from None'}

@pytest.fixture(scope='module')
def thieves():
    "A notebook for each way to steal, all run by one kernel."
    def one(source):
        check = f'# It gives nothing away.\nassert steal("{MARK} is what nobody may see") == "{MARK} is what nobody may see"'
        return [cell('steal', source), hidden('steal-hidden', check), cell('steal-check', 'assert steal("") == 1', 1),
                new_code_cell('print(In[-4:])\nprint(globals().get("kept"))'), new_code_cell('In[-3:]')]
    parts = {name: one(source) for name, source in STEALING.items()}
    whole = notebook(new_code_cell(IMPORTS))
    whole.cells += [c for cells in parts.values() for c in cells]
    for i,c in enumerate(whole.cells): c.id = f'cell-{i}'
    run(whole)
    return {name: notebook(new_code_cell(IMPORTS), *cells) for name, cells in parts.items()}

@pytest.mark.parametrize('how', STEALING)
def test_no_submission_carries_a_hidden_check_home(thieves, how):
    nb = thieves[how]
    assert MARK in json.dumps(nb)
    assert MARK not in everything(nb)
    assert 'It repeats' in json.dumps(hide(nb)) or 'it repeats' in json.dumps(hide(nb))

def test_what_everybody_sees_is_no_secret(graded):
    shown = hide(graded)
    kept = [c.id for a, c in zip(graded.cells, shown.cells) if a.source == c.source and a.get('outputs') == c.get('outputs')]
    assert set(kept) == {c.id for c in graded.cells if not c.id.endswith('-hidden')}

@given(st.text('abcdefgh123=()[] ', min_size=30, max_size=60))
def test_a_repeated_line_is_noticed(line):
    nb = notebook(cell('a', 'def a(): pass'), hidden('a-hidden', line))
    secret = secrets(nb)
    assert tells(f'x{line}y', secret) == bool(secret) and not tells('def a(): pass', secret)


# --- nbgrader's page

def test_hide_leaves_its_argument_and_a_whole_notebook(graded):
    before = json.dumps(graded)
    shown, _ = HideHidden().preprocess(graded, {})
    assert json.dumps(graded) == before
    nbformat.validate(shown)
    assert [c.metadata for c in shown.cells] == [c.metadata for c in graded.cells]
    wrong = next(c for c in shown.cells if c.id == 'wrong-hidden')
    assert wrong.source == '# A hidden check: Ones, however many. And no fewer.'
    assert wrong.outputs[0].text == 'A value is not what it should be.\n'
    assert next(c for c in shown.cells if c.id == 'good-hidden').outputs == []

@pytest.mark.parametrize('source', [f'a\n{HIDDEN}\nb\n{END}\nc', f'a\n{HIDDEN}\nb', '#| hide\nsecret = 1'])
def test_what_is_hidden_in_part_or_without_end_is_hidden_whole(source):
    assert hide(notebook(cell('a-hidden', source, 1))).cells[0].source == '# A hidden check: A property of a-hidden on inputs you have not seen.'

@pytest.fixture
def alembic(monkeypatch):
    "nbgrader starts alembic by its name to make a gradebook."
    monkeypatch.setenv('PATH', os.pathsep.join((str(Path(sys.executable).parent), os.environ['PATH'])))

ROUND = '''
import sys
from pathlib import Path
from traitlets.config import Config
from nbgrader.apps import NbGraderAPI
from tinybench.course.teacher.results import FEEDBACK_STEPS
for step, preprocessors in (('plain', None), ('hiding', FEEDBACK_STEPS)):
    c = Config()
    c.CourseDirectory.root = sys.argv[1]
    c.CourseDirectory.course_id = 'toy'
    c.OverwriteCells.add_missing_cells = True
    c.ClearSolutions.enforce_metadata = False
    if preprocessors: c.GenerateFeedback.preprocessors = list(preprocessors)
    api = NbGraderAPI(config=c)
    if not preprocessors:
        for done in (api.generate_assignment('u'), api.autograde('u', 'ada')): assert done['success'], done
    done = api.generate_feedback('u', 'ada')
    assert done['success'], done
    page = Path(sys.argv[1], 'feedback', 'ada', 'u', 'n.html')
    page.rename(Path(sys.argv[1], step))
'''

@pytest.mark.slow
def test_nbgraders_own_feedback_shows_nothing(root, tmp_path, alembic):
    nb = sample()
    for folder in (tmp_path/'source'/'u', tmp_path/'submitted'/'ada'/'u'):
        folder.mkdir(parents=True)
        for c in nb.cells: c.outputs = []
        nbformat.write(nb, folder/'n.ipynb')
        # what a student has
        nb.cells = [c for c in nb.cells if not c.id.endswith('-hidden')]
    script = tmp_path/'round.py'
    script.write_text(ROUND)
    env = os.environ | dict(PYTHONPATH=str(root))
    done = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    pages = {name: (tmp_path/name).read_text() for name in ('plain', 'hiding')}
    assert MARK in pages['plain'], 'nbgrader hides hidden tests itself now'
    assert MARK not in pages['hiding'] and HIDDEN not in pages['hiding']
    shown = re.sub('<[^>]+>', '', pages['hiding'])
    assert 'Ones, however many. And no fewer.' in shown and 'A value is not what it should be.' in shown
    score = re.compile(r'Score: [\d.]+ / [\d.]+')
    assert score.findall(pages['plain']) == score.findall(pages['hiding'])
    # and our own page of the same submission
    course = Course('toy', tmp_path, (Unit('u', 'A unit', ('n',)),))
    page = write_feedback(course, 'u', 'ada').read_text()
    assert MARK not in page and '<b>3</b> of 21 points' in page


# --- the page

class Page(HTMLParser):
    "Tags with their attributes, and all text."
    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ''
        self.feed(page)
    def handle_starttag(self, tag, attrs): self.tags.append((tag, dict(attrs)))
    def handle_data(self, data): self.text += data

def test_the_page_says_all(graded):
    words = notebook_words('12_nn.conv', graded, comments={'wrong': 'Nearly.'}) | dict(notes=['wrong-check was put back.'])
    page = Page(feedback_page('Layers', 'Ada (ada)', [words], ['Handed in 2 h late.'], 1))
    for text in ('Layers', 'Ada (ada)', 'Handed in 2 h late.', 'Nearly.', 'wrong-check was put back.', 'def wrong(n):',
                 'test_eq(wrong(n), np.ones(n))', '[1.]', 'Not written yet.', 'Ones, however many. And no fewer.'):
        assert text in page.text, text
    assert '2 of 21 points' in page.text, 'three points, and one off for lateness'
    anchors = {a['href'][1:] for tag, a in page.tags if tag == 'a'}
    assert anchors == {a['id'] for tag, a in page.tags if tag == 'section'} and len(anchors) == 7

def test_the_page_needs_nothing_else(graded):
    page = Page(feedback_page('t', 's', [notebook_words('n', graded)]))
    tags = {tag for tag, _ in page.tags}
    assert not tags & {'script', 'img', 'link', 'iframe', 'form', 'object', 'base'}
    assert not any({'src', 'onclick', 'style'} & {*a} for _, a in page.tags)
    assert any("default-src 'none'" in a.get('content', '') for _, a in page.tags)
    assert any('width=device-width' in a.get('content', '') for _, a in page.tags)

@given(st.text(st.characters(), max_size=40) | st.sampled_from(['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>',
       "' onload='x", '</style><script>', '</pre></section>', '{{ 7*7 }}', '{% include "/etc/passwd" %}', '&lt;b&gt;', '\x00<b>']))
def test_hostile_text_is_text(text):
    def page(t):
        c = cell('a-check', f'assert a() == 1 # {t}', 1)
        c.outputs = [new_output('error', ename='AssertionError', evalue=f'==:\n{t}\n1', traceback=[t, '----> 1 ' + c.source])]
        nb = notebook(cell('a', f'def a(): """{t}"""'), c)
        words = notebook_words(t or 'n', nb, comments={'a': t}) | dict(notes=[t])
        return Page(feedback_page(t, t, [words], [t]))
    def kind(page): return [tag for tag, _ in page.tags if tag not in ('dl', 'div', 'dt', 'dd', 'pre', 'p')]
    hostile, tame = page(text), page('tame')
    assert kind(hostile) == kind(tame)
    assert {k for _, a in hostile.tags for k in a} <= {k for _, a in tame.tags for k in a} | {'class'}
    if text in ('{{ 7*7 }}', '&lt;b&gt;'): assert text in hostile.text

def test_a_huge_submission_makes_a_small_page():
    c = cell('a-check', 'assert a() == 1', 1)
    c.outputs = [new_output('error', ename='AssertionError', evalue='==:\n' + 'x'*10**6 + '\n1', traceback=['y'*10**6])]
    nb = notebook(cell('a', 'x = 1\n'*10**6), c)
    page = feedback_page('t', 's', [notebook_words('n', nb, comments={'a': 'z'*10**6})], ['n'*10**6]*1000)
    assert len(page) < 80_000


# --- written for a course

NOW = datetime(2026, 10, 10, tzinfo=timezone.utc)

@pytest.fixture(scope='module')
def made(tmp_path_factory, graded):
    "Two units, four students: one did all, one handed in late and half, one has an ugly name, one did nothing."
    course = Course('toy', tmp_path_factory.mktemp('made'), (Unit('one', 'Unit one', ('n', 'm')), Unit('two', 'Unit two', ('o',))))
    due = NOW.replace(tzinfo=None)
    checks = [c for c in graded.cells if c.id in ('good-check', 'good-hidden', 'wrong-check', 'wrong-hidden')]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PATH', os.pathsep.join((str(Path(sys.executable).parent), os.environ['PATH'])))
        gb = Gradebook(course.db_url, 'toy')
    with gb:
        gb.add_assignment('two', duedate=due + timedelta(days=9))
        gb.add_assignment('one', duedate=due - timedelta(days=1))
        for name, unit in (('n', 'one'), ('m', 'one'), ('o', 'two')):
            gb.add_notebook(name, unit)
            for c in checks: gb.add_grade_cell(c.id, name, unit, max_score=c.metadata.nbgrader.points, cell_type='code')
        gb.add_solution_cell('wrong', 'n', 'one')
        gb.add_student('ada', first_name='Ada', last_name='Lovelace, Countess', email='ada@x.org', lms_user_id='17')
        gb.add_student('bob', first_name='Bob "the" B', last_name='Ülm')
        gb.add_student('eve', first_name='=cmd|calc', last_name='@SUM(1)')
        gb.add_student('nil')
        for student, unit, when in (('ada', 'one', -2), ('ada', 'two', -2), ('bob', 'one', 2), ('eve', 'one', -2)):
            gb.add_submission(unit, student, timestamp=due + timedelta(days=when))
            for x in gb.find_submission(unit, student).notebooks:
                for g in x.grades: g.auto_score = g.cell.max_score if student == 'ada' else .5 if g.name == 'wrong-check' else 0
        gb.find_submission_notebook('n', 'one', 'bob').late_submission_penalty = .25
        gb.find_grade('good-check', 'n', 'one', 'bob').manual_score = 1
        gb.find_comment('wrong', 'n', 'one', 'bob').manual_comment = 'Count from <one>.'
        gb.db.commit()
    small = notebook(graded.cells[0])
    small.cells += [c for c in graded.cells if c.id.startswith(('good', 'wrong'))]
    for student in ('ada', 'bob'):
        (folder := course.folder('autograded', student, 'one')).mkdir(parents=True)
        nbformat.write(small, folder/'n.ipynb')
        (folder/'timestamp.txt').write_text('2026-10-12 00:00:00 UTC')
        (folder/'notes.json').write_text(json.dumps({'': ['Unlocked: 12_nn.conv.'], 'n': ['good-check was edited, and is put back.']}))
    return course

@pytest.fixture
def course(made, tmp_path, monkeypatch):
    "A copy of that course."
    monkeypatch.delenv('TINYBENCH_GRADEBOOK', raising=False)
    return Course('toy', Path(shutil.copytree(made.root, tmp_path/'course')), made.units)

def test_feedback_of_a_student(course):
    path = write_feedback(course, 'one', 'bob')
    assert path == course.root/'feedback'/'bob'/'one'/'index.html'
    assert sorted(p.name for p in path.parent.iterdir()) == ['index.html', 'm.html', 'n.html', 'timestamp.txt']
    text = Page(path.read_text()).text
    for words in ('Unit one', 'Bob "the" B Ülm (bob)', 'Handed in 3 d late.', '0.25 points are taken off', 'Unlocked: 12_nn.conv.',
                  'good-check was edited, and is put back.', 'Count from <one>.', 'It was not handed in, or could not be graded.'):
        assert words in text, words
    assert '1.75 of 12 points' in text, 'half a point twice, a point by hand, a quarter off'
    assert 'Check: holds in part' in text and MARK not in text
    assert 'good-check was edited' in (path.parent/'n.html').read_text()

def test_feedback_of_a_unit(course):
    seen = []
    paths = write_unit(course, 'one', lambda *a: seen.append(a))
    assert [p.parent.parent.name for p in paths] == ['ada', 'bob', 'eve'] and seen[-1] == (3, 3, 'eve')
    assert 'Nothing was handed in.' in write_feedback(course, 'one', 'nil').read_text()
    assert write_unit(course, 'one') == paths, 'and again'

def test_a_broken_notebook_is_said(course):
    at = course.folder('autograded', 'ada', 'one', 'n.ipynb')
    at.write_text('{')
    assert 'n.ipynb is no notebook' in write_feedback(course, 'one', 'ada').read_text()
    course.folder('autograded', 'ada', 'one', 'notes.json').write_text('[1')
    assert write_feedback(course, 'one', 'ada').is_file()

def test_what_is_not_there_is_said(course, tmp_path):
    with pytest.raises(CourseError, match='does not know the unit onne: did you mean one'): write_feedback(course, 'onne', 'ada')
    with pytest.raises(CourseError, match='does not know adda: did you mean ada'): write_feedback(course, 'one', 'adda')
    empty = Course('toy', tmp_path/'empty', course.units)
    with pytest.raises(CourseError, match='no gradebook'): write_feedback(empty, 'one', 'ada')
    assert not (tmp_path/'empty').exists()
    (tmp_path/'empty').mkdir()
    (tmp_path/'empty'/'gradebook.db').write_text('no database at all, but text, and quite a lot of it '*20)
    with pytest.raises(CourseError, match='cannot be read'): export(empty, tmp_path/'x.csv')

@pytest.mark.parametrize('name', ['../../evil', '..', 'a/b', 'a\\b'])
def test_a_student_cannot_name_a_path(course, name):
    with Gradebook(course.db_url, 'toy') as gb:
        gb.add_student(name)
        gb.add_submission('one', name)
    with pytest.raises(CourseError, match='cannot name a folder'): write_feedback(course, 'one', name)
    assert not (course.root/'evil').exists() and not (course.root.parent/'evil').exists()

def test_files_are_whole_or_as_they_were(tmp_path):
    path = save(tmp_path/'a.txt', 'one')
    save(path, 'two')
    assert path.read_text() == 'two' and [p.name for p in tmp_path.iterdir()] == ['a.txt']
    with pytest.raises(CourseError, match='cannot be written'): save(tmp_path/'none'/'a.txt', 'x')
    (tmp_path/'folder').mkdir()
    with pytest.raises(CourseError, match='cannot be written'): save(tmp_path/'folder', 'x')
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.txt', 'folder']


# --- grades for other systems

def read(path):
    with open(path, newline='', encoding='utf-8') as f: return [*csv.reader(f)]

@given(st.text(max_size=30))
def test_no_text_is_a_formula(text):
    got = harmless(text)
    assert got in ('', '-') or got[0] not in '=+-@\t\r\n＝＋－＠'
    assert [*csv.reader(csv_text([[got, got]]).splitlines(True))] == [[got, got]]
    assert '\n' not in got and '\r' not in got

def test_numbers_stay_numbers(): assert [harmless(x) for x in (-1.5, 3, None, '', 'a')] == ['-1.5', '3', '', '', 'a']

def test_nbgraders_columns_and_values(course, tmp_path):
    with Gradebook(course.db_url, 'toy') as gb:
        for s in gb.students:    # names that nbgrader's export, which does not quote, can carry
            if s.id != 'nil': gb.update_or_create_student(s.id, first_name=s.id.title(), last_name='Any')
        CsvExportPlugin(to=str(tmp_path/'theirs.csv')).export(gb)
    ours = export(course, tmp_path/'ours.csv')
    assert read(ours) == read(tmp_path/'theirs.csv') and len(read(ours)) == 9

def test_commas_and_formulas_in_names(course, tmp_path):
    rows = read(export(course, tmp_path/'a.csv', units=['one']))
    assert {len(r) for r in rows} == {11}
    assert [r[3:6] for r in rows[1:]] == [['nil', '', ''], ['eve', "'@SUM(1)", "'=cmd|calc"],
                                          ['ada', 'Lovelace, Countess', 'Ada'], ['bob', 'Ülm', 'Bob "the" B']]

def canvas_reads(rows):
    "The rules of Canvas's importer: its header, its row of points, then a student a row."
    head, points, *students = rows
    assert 'Student' in head[0] and 'ID' in head[1] and re.search(r'SIS\s+User\s+ID', head[2])
    assert re.search(r'SIS\s+Login\s+ID', head[3]) and 'Section' in head[4]
    assert 'Points Possible' in points[0] and not any('Points Possible' in s[0] for s in students)
    units = head[5:]
    def number(x): return float(x) if x else None
    return dict(zip(units, map(float, points[5:]))), {s[3]: (s[1], dict(zip(units, map(number, s[5:])))) for s in students}

def test_canvas(course, tmp_path):
    with Gradebook(course.db_url, 'toy') as gb: gb.add_student('pp', first_name='Points Possible')
    points, students = canvas_reads(read(export(course, tmp_path/'c.csv', 'canvas', now=NOW)))
    assert points == {'one': 12, 'two': 6} and [*points] == ['one', 'two'], 'in the order of the course'
    assert students['ada'] == ('17', {'one': 12, 'two': 6}) and students['bob'][1] == {'one': 1.75, 'two': None}
    assert students['nil'][1] == {'one': 0, 'two': None}, 'nothing handed in: 0 once it is due'
    later = read(export(course, tmp_path/'c.csv', 'canvas', now=NOW + timedelta(days=30)))
    assert canvas_reads(later)[1]['nil'][1] == {'one': 0, 'two': 0}

def test_moodle(course, tmp_path):
    head, *rows = read(export(course, tmp_path/'m.csv', 'moodle', now=NOW))
    assert head == ['Username', 'ID number', 'First name', 'Last name', 'Email address', 'one', 'one (feedback)', 'two', 'two (feedback)']
    got = {r[0]: r[5:] for r in rows}
    assert got['ada'] == ['12', '12 of 12 points.', '6', '6 of 6 points.']
    late = 'Handed in 3 d late. 0.25 points are taken off for lateness.'
    assert got['bob'][:2] == ['1.75', f'1.75 of 12 points. {late} Look again at: good, wrong.']
    assert got['nil'] == ['0', 'Nothing was handed in.', '-', 'Nothing was handed in.']

def test_moodle_names_exercises_as_the_notebook_does(tmp_path):
    "Where a check's id is shorter than its exercise's too."
    course = make_course(tmp_path/'course', 'time', ('34_measure.clock',))
    names = exercise_names(course, course.units)
    here = exercises(read_notebook(course.path('34_measure.clock')))
    assert names == {('time', c.id): e.name for e in here for c in e.checks} and names['time', 'gc-check'] == 'gc-paused'

def test_export_says_what_is_wrong(course, tmp_path):
    with pytest.raises(CourseError, match='no style moodel: did you mean moodle'): export(course, tmp_path/'a.csv', 'moodel')
    with pytest.raises(CourseError, match='is a folder'): export(course, tmp_path)
    with pytest.raises(CourseError, match='does not know the unit three'): export(course, tmp_path/'a.csv', units=['three'])
    with pytest.raises(CourseError, match='cannot be written'): export(course, tmp_path/'no'/'a.csv')
    assert not (tmp_path/'a.csv').exists()
    assert len(read(export(course, tmp_path/'a.csv', units=[]))) == 1

def test_results_can_be_read():
    r = CheckResult('a', 'a-hidden', True, 2, 0, 'A value is not what it should be.', about='Any shape.')
    assert repr(r) == 'a-hidden: does not hold, 0 of 2. A value is not what it should be. Any shape.'


# --- no word of a student's choosing comes out of a hidden check

OURS = {*SAID.values(), *HIDDEN_KINDS.values(), 'Something that should hold does not.',
        'An error was raised where it uses your code.'}
PYTHONS = {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)}

@given(st.text(max_size=30) | st.sampled_from([*SAID, *PYTHONS, 'int', 'print', '__doc__']), st.text(max_size=30) |
       st.sampled_from(['==:\n7\n8', 'close:\n7\n8', 'Expected Seven but none raised', 'seven']))
def test_what_is_said_of_a_hidden_check_is_ours(name, value):
    said = hidden_words(name, value)
    assert said in OURS or name in PYTHONS and said == f'{name} was raised where it uses your code.'
    assert name == 'AssertionError' or said == hidden_words(name, ''), 'the message makes no difference'

# each is given a number by the hidden check, and tries to make what is said depend on it
TELLING = {
    'message': 'def tell(x): raise KeyError(repr(x))',
    'long message': 'def tell(x): raise ValueError(f"{x} "*1000)',
    'assertion': 'def tell(x): assert False, f"==:\\n{x}\\n{x + 1}"',
    'returned': 'def tell(x): return x',
    'key': 'table = {}\ndef tell(x): return table[x]',
    'name of a type': 'def tell(x): raise type(f"Was{x}", (Exception,), {})()',
    'name of one of ours': 'def tell(x): raise type("ProcessEnded", (Exception,), {})(f"by {x}")',
    'line': 'def tell(x):\n    if x == 7: raise ValueError()\n    raise ValueError()',
    'words of the line': 'def tell(x):\n    if x == 7: seven = 1/0\n    eight = 1/0',
    'name of a function': 'def seven(): raise NotImplementedError()\ndef eight(): raise NotImplementedError()\n'
                          'def tell(x): seven() if x == 7 else eight()',
    'note': 'def tell(x):\n    e = ValueError()\n    e.add_note(str(x))\n    raise e',
    'chain': 'def tell(x):\n    try: raise KeyError(x)\n    except KeyError as e: raise ValueError(str(x)) from e',
    'group': 'def tell(x): raise ExceptionGroup(str(x), [ValueError(x)])',
    'printed': 'import sys\ndef tell(x):\n    print(x)\n    print(x, file=sys.stderr)\n    return display(x)'}

@pytest.fixture(scope='module')
def told_of():
    "All that a student can read, for each way to tell and each of two numbers; all run by one kernel."
    def one(source, x): return [cell('tell', source), hidden('tell-hidden', f'# A number.\nassert tell({x}) == "no"')]
    parts = {(how, x): one(source, x) for how, source in TELLING.items() for x in (7, 8)}
    whole = notebook(new_code_cell(IMPORTS))
    whole.cells += [c for cells in parts.values() for c in cells]
    for i,c in enumerate(whole.cells): c.id = f'cell-{i}'
    run(whole)
    for cells in parts.values():
        for c, same in zip(cells, ('tell', 'tell-hidden')): c.id, c.execution_count, c.metadata['execution'] = same, 1, {}
    return {key: everything(notebook(*cells)) for key, cells in parts.items()}

@pytest.mark.parametrize('how', TELLING)
def test_a_hidden_check_says_the_same_whatever_its_input(told_of, how):
    assert 'A number.' in told_of[how, 7]
    assert told_of[how, 7] == told_of[how, 8]

def test_a_check_that_is_shown_still_says_all():
    nb = run(notebook(cell('tell', TELLING['message']), cell('tell-check', 'assert tell(7) == 8', 1)))
    r, = results(nb)
    assert r.message == "KeyError: '7'" and r.own == TELLING['message'].partition(': ')[2] and r.expected == '8'

def test_a_hidden_check_of_a_cell_that_did_not_run(found):
    assert found['broken-hidden'].message == 'The cell broken did not run.'

def test_a_hidden_check_without_an_exercise():
    nb = run(notebook(new_code_cell(IMPORTS), hidden('lone-hidden', 'test_eq(1234567, 7654321)')))
    assert results(nb)[0].message == 'A value is not what it should be.'
    assert '1234567' not in everything(nb) and '7654321' not in everything(nb)

def test_notes_on_hidden_checks_are_not_for_students(course):
    notes = dict(n=['wrong-check: left 1 thread running.', 'wrong-hidden: left 17 threads running.'])
    course.folder('autograded', 'bob', 'one', 'notes.json').write_text(json.dumps(notes))
    path = write_feedback(course, 'one', 'bob')
    for page in (path, path.with_name('n.html')):
        assert notes['n'][0] in page.read_text() and '17 threads' not in page.read_text()

def test_a_hidden_check_that_did_not_get_to_its_end():
    c = hidden('a-hidden', '# All.\nx = 1')
    c.outputs = [new_output('error', ename='NotHeld', evalue='it did not come to its end', traceback=[])]
    assert results(notebook(cell('a', 'def a(): pass'), c))[0].message == 'It did not get to its end.'


# --- before anything is graded

def test_feedback_of_what_is_not_graded_is_refused(course):
    with Gradebook(course.db_url, 'toy') as gb: gb.add_assignment('three')
    with pytest.raises(CourseError, match='Nobody is graded in three: grade it first with `tinybench course grade three`'):
        write_unit(course, 'three')
    assert not course.folder('feedback').exists()
