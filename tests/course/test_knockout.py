"Known answers: how they are read, how solutions are mutated, and that every lesson's checks tell wrong from right."
import ast, re, warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, strategies as st

from tinybench.course.cells import module_of
from tinybench.course.cells import CourseError, exercises, read_notebook, role
from tinybench.course.units import read_course
from tinybench.course.teacher.prepare import library_of
from tinybench.course.box.needed import import_lines, needed
from tinybench.course.box.start import Limits, Warm
from tinybench.course.box.worker import play_in
from tinybench.course.prove.answers import constants, parse_answers, read_answers, to_try
from tinybench.course.prove.mutants import KINDS, compiled, mutants
from tinybench.course.prove.lessons import prove, with_source
from tinybench.course.stub import stub

ROOT = Path(__file__).resolve().parents[2]
COURSE = read_course(ROOT)
SOLUTIONS = [pytest.param(e.cell.source, id=f'{n}-{e.name}') for n in COURSE.notebooks
             for e in exercises(read_notebook(COURSE.path(n)))]


# --- every lesson

SAMPLE = '00_core.ops', '11_nn.dense'    # the rest is proved by `make test-slow`
MUTATED = '12_nn.conv', '11_nn.dense', '65_bench.choose'

@pytest.fixture(scope='module')
def proofs(request):
    "The proof of each lesson that the chosen tests ask for, once, two lessons at a time."
    asked = [item.callspec.params['notebook'] for item in request.session.items
             if item.path == request.path and 'proofs' in item.fixturenames]
    pool = ThreadPoolExecutor(2)
    try: yield {n: pool.submit(prove, COURSE, n, mutants=n in MUTATED, jobs=1) for n in dict.fromkeys(asked)}
    finally: pool.shutdown(cancel_futures=True)

@pytest.mark.parametrize('notebook', [pytest.param(n, marks=[pytest.mark.slow]*(n not in SAMPLE)) for n in COURSE.notebooks])
def test_checks_tell_wrong_from_right(proofs, notebook):
    "The solution earns full marks, the stub and constants none; each wrong answer loses some, no right one does."
    proof = proofs[notebook].result()
    assert proof.holds, '\n'.join(proof.problems)
    assert all(any(t.hidden for t in r.of('wrong')) for r in proof.rows), 'an exercise whose hidden check notices nothing more'

@pytest.mark.parametrize('notebook', [*(pytest.param(n, marks=pytest.mark.slow) for n in ('12_nn.conv', '65_bench.choose')), '11_nn.dense'])
def test_most_mutants_are_noticed(proofs, notebook):
    "Some mutants are as right as the solution; so most, not all."
    proof = proofs[notebook].result()
    noticed, of = proof.counts('mutant')
    assert of > 40 and noticed/of > .85, '\n'.join(proof.survivors)

def test_every_lesson_has_answers_and_nothing_else_has():
    with_exercises = {n for n in COURSE.notebooks if exercises(read_notebook(COURSE.path(n)))}
    assert {p.stem for p in (ROOT/'assignments'/'knockouts').iterdir()} == with_exercises
    long = [f'{p.name}:{i}' for p in (ROOT/'assignments'/'knockouts').iterdir()
            for i, line in enumerate(p.read_text(encoding='utf-8').split('\n'), 1) if len(line) > 110]
    assert not long

@pytest.mark.parametrize('notebook', [pytest.param('00_core.ops', marks=pytest.mark.slow), '37_measure.result'])
def test_grading_agrees(proofs, notebook):
    "Answers put into the notebook and played as a submission is: the first lost check, and full marks, are the same."
    nb = read_notebook(COURSE.path(notebook))
    proved = {(r.exercise, t.kind, t.why): t for r in proofs[notebook].result().rows for t in r.tried}
    later = [f'tinybench.{module_of(p.stem)}' for p in COURSE.nbs.glob('[0-9]*_*.ipynb') if p.stem >= notebook]
    with Warm(library_of(COURSE), later, import_lines(nb), Limits()) as warm:
        for e, answers in to_try(COURSE, notebook, nb):
            for a in [*{a.kind: a for a in answers}.values(), answers[1]]:
                handed_in = [with_source(c, a.source) if c.id == e.cell.id else c for c in nb.cells]
                cells = needed(handed_in, nb)
                errors = {o.id: o.error for o in play_in(warm, cells) if o.error}
                lost = [c.id for c in cells if role(c) in ('check', 'hidden') and c.id in errors]
                t = proved[e.name, a.kind, a.why]
                if a.kind in ('stub', 'constant'): assert {c.id for c in e.checks} == {*t.lost} <= {*lost}
                else: assert (*lost[:1],) == t.lost and [errors[c] for c in t.lost] == [t.error]*len(t.lost), repr(t)


# --- a small course

LESSON = '''def {name}(xs):
    "The {name} of `xs`."
    {body}'''
ANSWERS = '''# %% total wrong: forgets the first
def total(xs): return sum(xs[1:])

# %% total wrong: one too many
def total(xs): return sum(xs) + 1

# %% total wrong: right on the example
def total(xs): return 6

# %% total right: by a loop
def total(xs):
    t = 0
    for x in xs: t += x
    return t
'''

def cell(id, source, **meta):
    given = dict(grade_id=id, schema_version=3, task=False, grade=False, solution=False, locked=False) | meta
    return nbformat.v4.new_code_cell(source, id=id, metadata={'nbgrader': given} if meta else {})

def small(to, answers=ANSWERS, check='assert total([1, 2, 3]) == 6', hidden='assert total([4, 5]) == 9', after=(),
          limits='', name='00_core.total'):
    "A course of one lesson with the exercise `total`."
    for folder in ('nbs', 'assignments/knockouts'): (to/folder).mkdir(parents=True, exist_ok=True)
    (to/'assignments'/'course.toml').write_text(
        f'id = "small"\n[[unit]]\nname = "first"\nnotebooks = ["{name}"]\n[limits]\n{limits}\n')
    (to/'assignments'/'knockouts'/f'{name}.py').write_text(answers)
    hidden = f'#| hide\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS'
    nbformat.write(nbformat.v4.new_notebook(cells=[
        cell('default-exp', f'#| default_exp {name[3:]}'), cell('helper', 'def plus(a, b): return a + b'),
        cell('total', '#| export\n' + LESSON.format(name='total', body='return sum(xs)'), solution=True),
        cell('total-check', check, grade=True, locked=True, points=1),
        cell('total-hidden', hidden, grade=True, locked=True, points=2), *after]), to/'nbs'/f'{name}.ipynb')
    return read_course(to)

def test_a_small_course(tmp_path):
    said = []
    proof = prove(small(tmp_path), '00_core.total', mutants=True, progress=lambda *a: said.append(a))
    row, = proof.rows
    assert proof.holds and proof.counts('wrong') == (3, 3) and proof.counts('right') == (0, 1)
    assert [t.lost for t in row.of('wrong')] == [('total-check',), ('total-check',), ('total-hidden',)]
    assert row.row() == ('00_core.total', 'total', '3/3', '0/3', '4/4', '3/3', '1', '1/1', '1/1')
    assert [d for d, _, _ in said] == [*range(1, 11)] and {(of, what) for _, of, what in said} == {(10, '00_core.total, total')}
    assert '| total | 3/3 | 0/3 | 4/4 | 3/3 | 1 | 1/1 | 1/1 |' in proof._repr_markdown_() and 'holds' in repr(proof)

def test_without_a_sandbox(tmp_path):
    assert prove(small(tmp_path), '00_core.total', sandbox=False).holds

def test_each_thing_that_a_check_gets_wrong_is_said(tmp_path):
    proof = prove(small(tmp_path, check='total', hidden='import math\nassert total([3, 3]) == 6 == math.fsum([3, 3])'), '00_core.total')
    assert proof.problems == [
        '00_core.total, total: the stub passes total-check.',
        '00_core.total, total: the wrong answer (right on the example) keeps full marks.',
        *(f'00_core.total, total: the constant answer (returns {what}) passes total-check.'
          for what in ('nothing', 'zero', 'an empty list', 'an empty array'))]
    proof = prove(small(tmp_path, hidden='assert "sum(" in __import__("inspect").getsource(total)'), '00_core.total')
    assert not proof.holds and any('the right answer (by a loop) loses total-hidden: ' in p for p in proof.problems)
    proof = prove(small(tmp_path, check='assert total([1]) == 2'), '00_core.total')
    assert proof.problems[0] == '00_core.total, total: the solution loses total-check: AssertionError.'
    assert 'does not hold' not in repr(proof) and re.search(r'\d problems?;', repr(proof))

def test_a_wrong_answer_that_fails_for_another_reason_proves_nothing(tmp_path):
    answers = ANSWERS.replace('sum(xs[1:])', 'summ(xs[1:])')
    problem, = prove(small(tmp_path, answers), '00_core.total').problems
    assert "forgets the first) proves nothing: NameError: name 'summ' is not defined" in problem

def test_an_answer_may_use_what_stands_above_it(tmp_path):
    "The cell `helper` is not needed by the solution, so that grading leaves it out where nobody uses it."
    assert prove(small(tmp_path, ANSWERS.replace('t += x', 't = plus(t, x)')), '00_core.total').holds

def test_the_answer_is_not_at_hand(tmp_path):
    "As in grading, neither the module that the lesson makes nor a later one can be imported; an earlier one can."
    cheat = 'def total(xs):\n    from tinybench.nn import conv\n    return sum(xs)'
    answers = ANSWERS.replace('def total(xs): return 6', cheat)
    answers = answers.replace('def total(xs):\n    t = 0', 'from tinybench.nn import dense\ndef total(xs):\n    t = 0')
    proof = prove(small(tmp_path, answers, name='12_nn.conv'), '12_nn.conv')
    assert proof.holds, repr(proof)
    assert proof.rows[0].of('wrong')[2].error.startswith('ImportError: cannot import name')

def test_answers_that_never_end_or_die(tmp_path):
    "One that never ends loses its check; so does one that ends its process. The others are not touched."
    answers = ANSWERS.replace('sum(xs[1:])', '[None for _ in iter(int, 1)]').replace('return 6', 'import os; os._exit(0)')
    proof = prove(small(tmp_path, answers, limits='cell_seconds = 2'), '00_core.total')
    first, _, third = proof.rows[0].of('wrong')
    assert proof.holds and 'stopped after 2 s' in first.error and 'ended' in third.error

def test_state_of_an_answer_does_not_reach_another(tmp_path):
    "Each answer runs in a copy of its own."
    answers = ANSWERS.replace("def total(xs): return 6", "plus = None\ndef total(xs): return 6").replace("t += x", "t = plus(t, x)")
    assert prove(small(tmp_path, answers), '00_core.total', jobs=1).holds

def test_later_exercises_count(tmp_path):
    "A right answer keeps its marks to the end; a wrong one may lose them further down."
    later = [cell('mean', LESSON.format(name='mean', body='return total(xs)/len(xs)'), solution=True),
             cell('mean-check', 'assert mean([7, 9]) == 8', grade=True, locked=True, points=1)]
    answers = ANSWERS.replace('return 6', 'return {3: 6, 2: 9}[len(xs)] if max(xs) < 7 else 0')
    mean = re.sub(r'total', 'mean', ANSWERS).replace('return t\n', 'return t/len(xs)\n')
    row = prove(small(tmp_path, answers + '\n' + mean, after=later), '00_core.total').rows[0]
    assert row.of('wrong')[2].lost == ('mean-check',) and not row.of('right')[0].lost

def test_which_notebooks(tmp_path):
    course = small(tmp_path)
    proof = prove(course)
    assert [r.exercise for r in proof.rows] == ['total'] and [p.rows for p in proof] == [proof.rows]
    assert prove(course, []).rows == ()
    with pytest.raises(CourseError, match='did you mean 00_core.total'): prove(course, '00_core.totl')


# --- answers on file

@pytest.mark.parametrize('text, says', [
    ('# %% total wrong\ndef total(xs): ...', "line 1: '# %% total wrong' is no header"),
    ('# %%\ndef total(xs): ...', 'line 1: .* is no header'),
    ('# %% total nearly: why\n', 'is no header'),
    ('"Doc."\n\n# %% totl wrong: why\ndef total(xs): ...', 'line 3: there is no exercise totl; did you mean total'),
    ('"Doc."\n\n# %% total wrong: why\ndef total(xs):\n    return (\n', 'line 5: this answer to total is not Python'),
    ('# %% total wrong: why\nreturn 1\n', "line 2: .*'return' outside function"),
    (ANSWERS.replace('one too many', 'forgets the first'), 'line 4: total has this answer on line 1 too'),
    (ANSWERS.split('# %% total wrong: right')[0], 'total has 2 wrong and 0 right'),
    (ANSWERS.split('# %% total right')[0], 'total has 3 wrong and 0 right'),
    ('', 'total has 0 wrong and 0 right')])
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, says):
    (tmp_path/'a.py').write_text(text)
    with pytest.raises(CourseError, match=says) as e: read_answers(tmp_path/'a.py', ['total'])
    assert 'a.py' in str(e.value)

def test_files_that_are_none(tmp_path):
    with pytest.raises(CourseError, match='is missing'): read_answers(tmp_path/'a.py')
    (tmp_path/'a.py').write_bytes(b'\xff\x41')
    with pytest.raises(CourseError, match='no text'): read_answers(tmp_path/'a.py')

def test_an_answer_to_something_else(tmp_path):
    answers = ANSWERS.replace('def total(xs): return 6', 'def totals(xs): return 6')
    with pytest.raises(CourseError, match=r'wrong: right on the example does not define total'):
        prove(small(tmp_path, answers), '00_core.total')

reasons = st.text(st.characters(categories=['L', 'N', 'P'], exclude_characters='\r\n\u2028'), min_size=1)
bodies = st.lists(st.sampled_from(['x = 1', '', '# a comment', 'def f():\n    return """\n# no header\n"""']), max_size=4)

@given(st.lists(st.tuples(st.sampled_from(['wrong', 'right']), reasons, bodies), max_size=5))
def test_what_was_written_is_read(answers):
    text = '"Doc."\n' + ''.join(f'# %% e {kind}: {why}\n' + '\n'.join(b) + '\n' for kind, why, b in answers)
    found = [*parse_answers(text)]
    assert [(n, a.kind, a.why) for n, a, _ in found] == [('e', kind, why) for kind, why, _ in answers]
    assert [a.source for _, a, _ in found] == ['\n'.join(b).strip('\n') for _, _, b in answers]
    assert all(text.split('\n')[line - 1].startswith('# %% e') for _, _, line in found)


# --- constants

def test_constants_keep_what_a_student_is_given():
    source = 'class A:\n    n = 1\n    def __init__(self): self.m = 2\n    def f(self, a=3):\n        "Doc."\n        return a'
    found = [*constants(source)]
    assert len(found) == 4 and all(compiled(stub(s)) == compiled(stub(source)) for _, s in found)
    names = {}
    exec(found[2][1], names)
    assert names['A']().f() == [] and names['A'].f.__doc__ == 'Doc.' and 'm' not in vars(names['A']())

def test_a_check_that_an_empty_array_passes_is_found(tmp_path):
    "Within a tolerance of anything: all of no differences are small."
    check = 'import numpy as np\nassert (abs(total([1, 2, 3]) - np.array([6.])) < 1e-9).all()'
    assert prove(small(tmp_path, check=check), '00_core.total').problems == [
        f'00_core.total, total: the constant answer (returns an empty {kind}) passes total-check.' for kind in ('list', 'array')]


# --- mutants

CHANGES = [
    ('return a + b', 'AOR', 'return a - b'), ('return a // b', 'AOR', 'return a / b'), ('return a @ b', 'AOR', 'return a * b'),
    ('return a & b', 'LOR', 'return a | b'), ('a += b', 'ASR', 'a -= b'), ('return a < b', 'ROR', 'return a <= b'),
    ('return a is b', 'ROR', 'return a is not b'), ('return a < b <= c', 'ROR', 'return a < b < c'),
    ('return a and b', 'LCR', 'return a or b'), ('return not a', 'COD', 'return a'), ('return -a', 'AOD', 'return a'),
    ('if a: b()', 'COI', 'if not a:\n        b()'), ('return [x for x in a if x]', 'COI', 'return [x for x in a if not x]'),
    ('return 1', 'CRP', 'return 2'), ('return f(k=True)', 'CRP', 'return f(k=False)'), ('return .5', 'CRP', 'return 1.5'),
    ('return a[:b]', 'UOI', 'return a[:b + 1]'), ('return a[:b]', 'SIR', 'return a[:]'), ('return a[::b]', 'SIR', 'return a[:]'),
    ('return a[1:]', 'CRP', 'return a[2:]'), ('return range(a)', 'UOI', 'return range(a + 1)'),
    ('return f(a, b, c)', 'IPEX', 'return f(b, a, c)'), ('a.sort()', 'SDL', 'pass'), ('return a', 'SDL', 'pass'),
    ('for x in a: break', 'BCR', 'for x in a:\n        continue'),
    ('try: a()\n    except E: b()', 'EHD', 'try:\n        a()\n    except E:\n        raise'),
    ('if a: raise E(1)', 'SDL', 'if a:\n        pass'), ('def g(): return 1\n    return g', 'CRP', 'def g():\n        return 2\n    return g')]

@pytest.mark.parametrize('body, kind, becomes', CHANGES)
def test_kinds(body, kind, becomes):
    found = [(what, compiled(s)) for what, s in mutants(f'def f(a, b=None, c=None):\n    "Doc."\n    {body}')]
    assert any(f', {kind}: ' in what and code == compiled(f'def f(a, b=None, c=None):\n    "Doc."\n    {becomes}') for what, code in found), found

@pytest.mark.parametrize('source', [
    'def f(a=1, *, b: (1 + 2) = 2) -> 3 + 4:\n    "1 + 2"\n    return a', '@g(1, 2)\ndef f(a):\n    return a', 'x = 1 + 2\ndef f(a):\n    return a',
    'class A:\n    n = 1\n    def f(a):\n        return a', 'def f(a):\n    return f"{a + 1:.2f}"', 'def f(a):\n    return lambda b=1: a',
    'def f(a):\n    return max(a, b)', 'def f(a):\n    def g(b=1):\n        "2"\n        return a\n    return g'])
def test_what_is_left_alone(source):
    "Signatures, docstrings, annotations, decorators, what stands outside of functions; only the return can be dropped."
    assert {what.split(', ')[1].split(':')[0] for what, _ in mutants(source)} == {'SDL'}

def test_the_words_of_an_error_are_left_alone():
    assert [w for w, _ in mutants('def f(a):\n    raise E(a + 1)')] == ['line 2, SDL: without raise E(a + 1)']

@pytest.mark.parametrize('source', SOLUTIONS)
def test_mutants_of_our_solutions(source):
    "Each compiles, differs from the solution and from the others, and keeps all that a student is given."
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        found = list(mutants(source))
    codes = [compiled(s) for _, s in found]
    assert found and None not in codes and len({*codes, compiled(source)}) == len(codes) + 1
    assert len({what for what, _ in found}) > len(found)/2 and {w.split(', ')[1].split(':')[0] for w, _ in found} <= KINDS.keys()
    given_to_all = compiled(stub(ast.unparse(ast.parse(source))))
    assert all(compiled(stub(s)) == given_to_all for _, s in found if not re.search(r'^ +pass$', s, re.M))


# --- odd files and ends

def test_a_byte_order_mark_hides_no_answer(tmp_path):
    def answer(kind, i): return f'# %% f {kind}: {i}\ndef f(): return {i}\n'
    text = ''.join([answer('wrong', i) for i in range(3)] + [answer('right', 3)])
    (tmp_path/'a.py').write_text(text, encoding='utf-8-sig')
    assert [a.why for a in read_answers(tmp_path/'a.py')['f']] == ['0', '1', '2', '3']

def test_a_copy_of_a_process_that_ended_leaves_no_socket():
    import gc, socket
    from tinybench.course.box.worker import copy_of
    one, other = socket.socketpair()
    other.close()
    with one, pytest.raises(OSError): copy_of(one, 1)
    gc.collect()    # a socket left open is a ResourceWarning, and that is an error here
