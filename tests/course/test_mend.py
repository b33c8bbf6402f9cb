"Submissions that were broken by accident: nothing of the student's is lost, and nbgrader takes what is mended."
import json, os, sys
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

nbformat = pytest.importorskip('nbformat', reason='needs the course extra')
pytest.importorskip('nbgrader', reason='needs the course extra')
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tinybench.course.cells import CourseError, exercises, grading, points, read_notebook, role
from tinybench.course.mend.files import mend_files, plain_name
from tinybench.course.mend.notebook import mend
from tinybench.course.mend.recognise import all_hidden, cell_name, is_locked, minded, recognised, visible_text
from tinybench.course.mend.source import bare, bound, defines, syntax_error, syntax_errors, unfilled
from tinybench.course.stub import stub

ROOT = Path(__file__).resolve().parents[2]

@pytest.fixture(scope='module')
def conv(root): return read_notebook(root/'nbs'/'12_nn.conv.ipynb')

def hand_out(source, filled=()):
    "What a student has of `source`: exercises empty but for those `filled`, no hidden checks, no outputs."
    nb = deepcopy(source)
    nb.cells = [c for c in nb.cells if not all_hidden(c)]
    for c in nb.cells:
        if role(c) == 'exercise' and c.id not in filled: c.source = stub(c.source)
        if c.cell_type == 'code': c.update(outputs=[], execution_count=None)
        if minded(c): c.metadata.update(deletable=False, nbgrader={**grading(c), 'checksum': 32*'0'})
    return nb

def meta(role, name, points=0):
    "nbgrader's metadata for an exercise or a check."
    graded = role == 'check'
    return dict(nbgrader=dict(grade=graded, grade_id=name, locked=graded, schema_version=3, solution=not graded,
                              task=False, **(dict(points=points) if graded else {})))

def exercise(name, text): return new_code_cell(text, id=name, metadata=meta('exercise', name))
def check(name, text, points=1): return new_code_cell(text, id=name, metadata=meta('check', name, points))
def hidden(name, text): return check(name, f'#| hide\n### BEGIN HIDDEN TESTS\n{text}\n### END HIDDEN TESTS')

@pytest.fixture(scope='module')
def small():
    "A notebook with two exercises, as an instructor has it."
    cells = [new_code_cell('#| default_exp half', id='default-exp'), new_markdown_cell('# Halves', id='title'),
             new_code_cell('#| export\nimport math', id='imports'),
             exercise('half', '#| export\ndef half(x):\n    "Half of `x`."\n    return x/2'),
             check('half-check', 'assert half(4) == 2'),
             new_code_cell('half(3)', id='half-show'),
             hidden('half-hidden', 'assert half(-6) == -3'),
             exercise('root', '#| export\ndef root(x):\n    "The root of `x`."\n    return math.sqrt(x)'),
             check('root-check', 'assert root(9) == 3', 2),
             hidden('root-hidden', 'assert root(half(8)) == 2')]
    kernel = dict(display_name='python3', language='python', name='python3')
    return new_notebook(cells=cells, metadata=dict(kernelspec=kernel))

def cell(nb, name): return next(c for c in nb.cells if c.id == name)
def names(nb): return [c.id for c in nb.cells]
def own(*texts): return [new_code_cell(t, id=f'own-{i}') for i,t in enumerate(texts)]

def in_order(nb, source):
    "Asserts that every check is in `nb` once, in the source's words, below its exercise; and that ids are distinct."
    at = {}
    for i,c in enumerate(nb.cells):
        if minded(c): assert cell_name(c) not in at, f'{cell_name(c)} is there twice'; at[cell_name(c)] = i
    assert set(at) == {cell_name(c) for c in source.cells if minded(c)}
    for s in source.cells:
        if not minded(s): continue
        c = nb.cells[at[cell_name(s)]]
        assert c.cell_type == s.cell_type and c.id == s.id
        assert all(grading(c).get(k) == v for k,v in grading(s).items())
        if is_locked(s): assert c.source == s.source
    for e in exercises(source):
        for c in e.checks: assert at[e.name] < at[cell_name(c)], f'{cell_name(c)} stands above {e.name}'
    assert len(set(names(nb))) == len(nb.cells)
    nbformat.validate(nb)


# --- one thing at a time

def test_what_is_handed_out_gets_only_its_hidden_checks(conv):
    nb = hand_out(conv)
    mended, says = mend(nb, conv, nb)
    assert says == [] and names(mended) == names(conv)
    in_order(mended, conv)
    assert unfilled(cell(mended, 'fold').source) == ['fold']

def test_the_students_notebook_is_left_as_it_was(conv):
    nb = hand_out(conv); del nb.cells[10:30]
    before, source = deepcopy(nb), deepcopy(conv)
    mend(nb, conv)
    assert nb == before and conv == source

def test_all_metadata_lost(conv):
    nb = hand_out(conv, filled=['fold'])
    for c in nb.cells: c.metadata.clear()
    mended, says = mend(nb, conv)
    in_order(mended, conv)
    assert len(says) == 1 and "nbgrader's metadata was lost" in says[0]
    assert sum(map(points, mended.cells)) == sum(map(points, conv.cells))

def test_metadata_and_ids_lost(conv):
    nb = hand_out(conv, filled=['fold', 'patches', 'same-pads', 'hand-out'])
    for i,c in enumerate(nb.cells): c.metadata.clear(); c.id = f'cell-{i}'
    mended, _ = mend(nb, conv)
    in_order(mended, conv)
    assert [c.source for c in mended.cells if not all_hidden(c)] == [c.source for c in nb.cells]

def test_empty_exercises_without_name_are_known_by_what_they_define(conv):
    nb = hand_out(conv)
    for i,c in enumerate(nb.cells): c.metadata.clear(); c.id = f'cell-{i}'
    mended, _ = mend(nb, conv)
    in_order(mended, conv)
    assert unfilled(cell(mended, 'fold').source) == ['fold'] and len(mended.cells) == len(conv.cells)

@pytest.mark.parametrize('gone', ['half-check', 'half', 'root-check', 'root'])
def test_deleted(small, gone):
    nb = hand_out(small, filled=['half', 'root'])
    nb.cells = [c for c in nb.cells if c.id != gone]
    mended, says = mend(nb, small, hand_out(small))
    in_order(mended, small)
    assert names(mended) == names(small)
    what = 'check' if 'check' in gone else 'exercise'
    assert len(says) == 1 and f'{what} was deleted' in says[0] and gone in says[0]
    if what == 'exercise': assert unfilled(cell(mended, gone).source) == [gone]

def test_without_the_released_notebook_a_comment_stands_for_the_exercise(small):
    nb = hand_out(small); nb.cells = [c for c in nb.cells if c.id != 'half']
    mended, _ = mend(nb, small)
    assert cell(mended, 'half').source == '# half: this exercise was deleted'
    in_order(mended, small)

def test_edited_check(small):
    nb = hand_out(small, filled=['half'])
    cell(nb, 'half-check').source = 'assert True'
    cell(nb, 'root-check').metadata.nbgrader.points = 100
    mended, says = mend(nb, small)
    in_order(mended, small)
    assert len(says) == 2 and 'points were changed' in says[0] and 'check was edited' in says[1]

def test_work_in_an_edited_check_is_kept(small):
    nb = hand_out(small)
    cell(nb, 'half-check').source = 'def half(x): return x/2\nassert half(4) == 2'
    mended, says = mend(nb, small)
    in_order(mended, small)
    assert cell(mended, 'half').source.startswith('def half(x): return x/2')    # which is the answer, then
    assert any('held definitions' in s for s in says)
    assert mend(mended, small) == (mended, [])

@pytest.mark.parametrize('kind', ['markdown', 'raw'])
def test_retyped(small, kind):
    nb = hand_out(small, filled=['half'])
    for c in nb.cells:
        if c.id in ('half', 'half-check', 'imports'): c.cell_type = kind; del c['outputs'], c['execution_count']
    mended, says = mend(nb, small)
    in_order(mended, small)
    assert cell(mended, 'half').source == cell(small, 'half').source
    assert says == ['The type of the cell was changed, and is as handed out again: imports, half, half-check.']

def test_copied_check_and_exercise(small):
    nb = hand_out(small, filled=['half'])
    copies = [deepcopy(cell(nb, n)) for n in ('half', 'half-check')]
    for c in copies: c.id += '-abc'
    nb.cells += copies
    mended, says = mend(nb, small)
    in_order(mended, small)
    assert [c.source for c in mended.cells if c.id.endswith('-abc')] == [c.source for c in copies]
    assert len(says) == 1 and 'copied' in says[0]

@pytest.mark.parametrize('where', [0, -1])
def test_of_two_copies_the_filled_one_counts(small, where):
    nb = hand_out(small)
    filled = deepcopy(cell(nb, 'half')); filled.id = 'half-2'; filled.source = 'def half(x): return x*.5'
    nb.cells.insert(where % (len(nb.cells) + 1), filled)
    mended, says = mend(nb, small, hand_out(small))
    in_order(mended, small)
    assert cell(mended, 'half').source == filled.source
    assert not any(unfilled(c.source) for c in mended.cells if 'half' in defines(c.source))
    assert 'An exercise was filled in in another cell, and its empty form is left out: half.' in says

def test_an_answer_in_a_new_cell_counts(small):
    nb = hand_out(small)
    nb.cells += own('def half(x): return x*.5', 'x = 3')
    mended, says = mend(nb, small, hand_out(small))
    in_order(mended, small)
    assert grading(cell(mended, 'half')) and cell(mended, 'half').source == 'def half(x): return x*.5'
    assert names(mended)[-1] == 'own-1' and len(says) == 3    # lost metadata, the empty form, the moved check

def test_two_answers_stay_as_they_are(small):
    nb = hand_out(small, filled=['half', 'root'])
    nb.cells.insert(5, own('def half(x): return 7')[0])
    mended, says = mend(nb, small)
    assert says == [] and [c.source for c in mended.cells if not all_hidden(c)] == [c.source for c in nb.cells]

def test_newer_schema_and_newer_format(small):
    nb = hand_out(small)
    for c in nb.cells:
        if minded(c): c.metadata.nbgrader.schema_version = 4
    nb.nbformat_minor = 9
    mended, says = mend(nb, small)
    in_order(mended, small)
    assert mended.nbformat_minor == 5 and len(says) == 1 and "another version of nbgrader's format" in says[0]

def test_older_schema(small):
    nb = hand_out(small)
    for c in nb.cells:
        if minded(c): c.metadata.nbgrader = {k: grading(c)[k] for k in ('grade', 'solution', 'grade_id')}
    mended, says = mend(nb, small)
    in_order(mended, small)
    assert len(says) == 1

def test_checks_above_their_exercise_move(small):
    nb = hand_out(small, filled=['half', 'root'])
    nb.cells.insert(0, nb.cells.pop(names(nb).index('half-check')))
    mended, says = mend(nb, small)
    in_order(mended, small)
    assert says == ['A check stood above its exercise, and is moved below it: half-check.']

def test_exercise_moved_to_the_end_takes_its_checks_along(small):
    nb = hand_out(small, filled=['half', 'root'])
    nb.cells.append(nb.cells.pop(names(nb).index('half')))
    mended, _ = mend(nb, small)
    in_order(mended, small)

def test_unknown_kernel(small):
    nb = hand_out(small)
    nb.metadata = NotebookNode(kernelspec=dict(name='conda-env-ml', display_name='ML'), language_info=dict(name='R'))
    mended, says = mend(nb, small)
    assert mended.metadata == small.metadata and says == [
        'The notebook was for the kernel conda-env-ml, and is for that of the course again.']

def test_foreign_cells(small):
    nb = hand_out(small)
    nb.cells.append(check('gift-check', 'assert True', 100))
    mended, says = mend(nb, small)
    in_order(mended, small)
    assert 'nbgrader' not in mended.cells[-1].metadata and 'gift-check' in says[0]

def test_a_given_cell_that_claims_to_be_an_exercise_is_a_given_cell(small):
    "As in an older version of the lesson, where a cell of this name was an exercise."
    nb = hand_out(small)
    cell(nb, 'half-show').metadata['nbgrader'] = dict(cell(nb, 'half').metadata['nbgrader'], grade_id='half-show')
    assert mend(nb, small) == (mend(hand_out(small), small)[0], ['What nbgrader knows of the cell was changed, and is as handed out again: half-show.'])

def test_needed_cells_come_back_and_others_do_not(small):
    nb = hand_out(small, filled=['half', 'root'])
    nb.cells = [c for c in nb.cells if c.id not in ('imports', 'default-exp', 'half-show', 'title')]
    mended, says = mend(nb, small)
    assert [n for n in names(small) if n not in names(mended)] == ['title', 'half-show']
    assert says == ['A cell that later ones need was deleted, and is put back: default-exp, imports.']
    nb.cells.insert(0, own('import math')[0])
    assert mend(nb, small)[1] == ['A cell that later ones need was deleted, and is put back: default-exp.']

def test_checks_with_a_visible_and_a_hidden_part(small):
    source = deepcopy(small)
    text = 'assert half(4) == 2\n### BEGIN HIDDEN TESTS\nassert half(6) == 3\n### END HIDDEN TESTS'
    cell(source, 'half-check').source = text
    nb = deepcopy(source)
    cell(nb, 'half-check').source = 'assert half(4) == 2'
    assert not all_hidden(cell(source, 'half-check')) and visible_text(text) == 'assert half(4) == 2'
    assert mend(nb, source) == (source, [])

def test_written_answers(small):
    source = deepcopy(small)
    answer = new_markdown_cell('It halves.', id='why', metadata=meta('exercise', 'why'))
    answer.metadata.nbgrader.update(grade=True, points=3)
    source.cells.append(NotebookNode(answer))
    nb = hand_out(source)
    cell(nb, 'why').source = 'Because.'
    mended, says = mend(nb, source)
    assert says == [] and cell(mended, 'why').source == 'Because.'
    del nb.cells[-1]
    mended, says = mend(nb, source)
    assert cell(mended, 'why').source == 'YOUR ANSWER HERE' and len(says) == 1
    in_order(mended, source)

def test_outputs_go_or_stay(small):
    nb = hand_out(small)
    cell(nb, 'half-show').outputs = [nbformat.v4.new_output('stream', text='1.5')]
    assert cell(mend(nb, small)[0], 'half-show').outputs == []
    assert cell(mend(nb, small, outputs=True)[0], 'half-show').outputs != []

@pytest.mark.parametrize('cells', [
    None, 'x', [], [None, 3, 'text', []], [{}], [dict(cell_type='heading', source='x')], [dict(cell_type='code')],
    [dict(cell_type='code', source=['a', 3, 'b'], metadata=7, id=5, outputs='x')],
    [dict(cell_type='code', source='x', metadata=dict(nbgrader=7, tags=3, name=''), id='a b/c')],
    [dict(cell_type='code', source='x', id='x'*99,
          metadata=dict(nbgrader=dict(grade_id=[1], grade=True, points='many')))],
    [dict(cell_type='markdown', source='x', metadata={}, id='half', attachments=3)],
    [dict(cell_type='code', source='\ud800', metadata={}, id='half', outputs=[dict(output_type='who')])],
    [dict(cell_type='code', source='x', metadata={}, id='same') for _ in range(5)],
    [dict(cell_type='code', source='', metadata={}, id=f'c{i}') for i in range(3000)]])
def test_odd_notebooks(small, cells):
    nb = NotebookNode(cells=nbformat.from_dict(cells) if cells else cells, metadata=5, nbformat=4, nbformat_minor=5)
    for outputs in (False, True):
        mended, _ = mend(nb, small, outputs=outputs)
        in_order(mended, small)
        json.dumps(mended).encode()

def test_two_thousand_cells_are_enough(small):
    nb = new_notebook(cells=[new_code_cell('', id=f'c{i}') for i in range(2100)])
    mended, says = mend(nb, small)
    assert sum(c.id.startswith('c') for c in mended.cells) == 2000
    assert 'The notebook has 2100 cells, of which the first 2000 count.' in says


# --- whatever happens

HAPPENS = ('delete', 'copy', 'copy all', 'strip', 'strip all', 'no id', 'move', 'retype', 'edit', 'empty', 'swap',
           'schema', 'points', 'own')

def fresh(c, **changes): return nbformat.from_dict({**deepcopy(c), **changes})

def happen(nb, what, i, j, n):
    "One thing that happens to the cells of a notebook, in place; `i`, `j` and `n` choose where and how."
    cells = nb.cells
    if not cells: return
    i, j = i % len(cells), j % len(cells)
    c = cells[i]
    if what == 'delete': del cells[i]
    if what == 'copy': cells.insert(j, fresh(c, id=f'{c.id[:40]}-new'))
    if what == 'copy all': cells.insert(j, fresh(c))
    if what == 'strip': c.metadata = NotebookNode()
    if what == 'strip all':
        for d in cells: d.metadata = NotebookNode()
    if what == 'no id': c.id = f'cell-{i}'
    if what == 'move': cells.insert(j, cells.pop(i))
    if what == 'retype':
        for k in ('outputs', 'execution_count'): c.pop(k, None)
        c.cell_type = ('code', 'markdown', 'raw')[n % 3]
        if c.cell_type == 'code': c.update(outputs=[], execution_count=None)
    if what == 'edit':
        c.source += ('\n', ' # mine', '\nx = 1', '\n)', '\n### END HIDDEN TESTS', '\ndef mine(): pass')[n % 6]
    if what == 'empty': c.source = ''
    if what == 'swap': c.metadata = deepcopy(cells[j].metadata)
    if what == 'schema' and grading(c): c.metadata.nbgrader.schema_version = (0, 1, 2, 4, None, 'x')[n % 6]
    if what == 'points' and grading(c): c.metadata.nbgrader.points = (0, -1, 1e9, None, 'x', 2.5)[n % 6]
    if what == 'own': cells.insert(i, new_code_cell(f'mine_{n} = {j}', id=f'own-{len(cells)}-{n}'))

@st.composite
def plans(draw):
    "What happens: which exercises are filled in, as bits, and then one thing after the other."
    number = st.integers(0, 999)
    things = st.tuples(st.sampled_from(HAPPENS), number, number, number)
    return draw(st.integers(0, 255)), draw(st.lists(things, min_size=1, max_size=12))

def broken(source, plan):
    bits, things = plan
    nb = hand_out(source, filled=[e.name for i,e in enumerate(exercises(source)) if bits >> i & 1])
    for thing in things: happen(nb, *thing)
    return nb

def subsequence(these, those):
    those = iter(those)
    return all(t in those for t in these)

@given(st.sampled_from(['12_nn.conv', '11_nn.dense', '00_core.ops']), plans(), st.booleans())
def test_every_check_is_there_once_and_the_students_cells_survive(name, plan, with_release):
    source = read_notebook(ROOT/'nbs'/f'{name}.ipynb')
    released = hand_out(source) if with_release else None
    nb = broken(source, plan)
    mended, says = mend(nb, source, released)
    in_order(mended, source)
    # the student's own cells are there, in their order
    mine = [c.source for c in nb.cells if c.source.startswith('mine_') and c.cell_type == 'code' and not grading(c)]
    assert subsequence(mine, [c.source for c in mended.cells if c.cell_type == 'code'])
    # a solution stays, unless its cell claims to be a check
    left = {bare(c.source) for c in mended.cells}
    for c in nb.cells:
        sure = role(c) == 'exercise' and c.cell_type == 'code' and c.id == grading(c).get('grade_id')
        if sure and not unfilled(c.source):
            assert bare(c.source) in left
    assert all(isinstance(s, str) and s.endswith('.') for s in says)
    again, more = mend(mended, source, released)
    assert again == mended and more == []


# --- nbgrader itself

def course_config(folder):
    from traitlets.config import Config
    c = Config()
    c.CourseDirectory.course_id = 'c'
    c.CourseDirectory.root = str(folder)
    c.CourseDirectory.db_url = f'sqlite:///{folder}/gradebook.db'
    c.OverwriteCells.add_missing_cells = True
    return c

@pytest.fixture(scope='module')
def course(tmp_path_factory, conv, small):
    "A course with one assignment of two notebooks, generated by nbgrader with our stubs."
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from tinybench.course.stub import RELEASE_STEPS
    folder = tmp_path_factory.mktemp('course')
    unit = folder/'source'/'.'/'unit'
    unit.mkdir(parents=True)
    nbformat.write(small, unit/'half.ipynb')
    nbformat.write(conv, unit/'12_nn.conv.ipynb')
    config = course_config(folder)
    config.CourseDirectory.assignment_id = 'unit'
    config.GenerateAssignment.preprocessors = list(RELEASE_STEPS)
    with pytest.MonkeyPatch.context() as patch:    # nbgrader starts alembic, which is beside this Python
        patch.setenv('PATH', f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}')
        GenerateAssignment(coursedir=CourseDirectory(config=config), config=config).start()
        yield folder

def sanitized(nb, folder, name):
    "What nbgrader's autograder makes of `nb` before it runs it."
    from nbgrader.converters import Autograde
    config = course_config(folder)
    about = dict(notebook=name, assignment='unit', student='x', db_url=config.CourseDirectory.db_url)
    nb, resources = deepcopy(nb), dict(nbgrader=about)
    for step in Autograde().sanitize_preprocessors:
        nb, resources = step(config=config).preprocess(nb, resources)
    return nb

def substance(nb):
    "All of a notebook but checksums."
    nb = deepcopy(nb)
    for c in nb.cells: grading(c).pop('checksum', None) if grading(c) else None
    return nb

def breakings(nb):
    "The kinds of broken submissions, each as a notebook."
    kinds = {}
    def kind(name):
        kinds[name] = fresh = deepcopy(nb)
        return fresh
    check = next(c.id for c in nb.cells if role(c) == 'check')
    task = next(c.id for c in nb.cells if role(c) == 'exercise')
    kind('untouched')
    b = kind('deleted check'); b.cells = [c for c in b.cells if c.id != check]
    b = kind('deleted exercise'); b.cells = [c for c in b.cells if c.id != task]
    b = kind('all checks deleted'); b.cells = [c for c in b.cells if role(c) != 'check']
    b = kind('all deleted'); b.cells = []
    b = kind('edited check'); cell(b, check).source = 'assert True'
    b = kind('retyped check'); c = cell(b, check); c.cell_type = 'markdown'; del c['outputs'], c['execution_count']
    b = kind('copied check'); b.cells.append(deepcopy(cell(b, check)))
    b = kind('copied all'); b.cells += deepcopy(b.cells)
    b = kind('no metadata')
    for c in b.cells: c.metadata = NotebookNode()
    b = kind('no metadata, no ids')
    for i,c in enumerate(b.cells): c.metadata = NotebookNode(); c.id = f'cell-{i}'
    b = kind('newer schema')
    for c in b.cells:
        if grading(c): c.metadata.nbgrader.schema_version = 4
    b = kind('points'); cell(b, check).metadata.nbgrader.points = 50
    b = kind('kernel'); b.metadata.kernelspec = NotebookNode(name='nope', display_name='nope')
    b = kind('reversed'); b.cells.reverse()
    b = kind('syntax error'); cell(b, task).source += '\n)('
    return kinds

KINDS = ('untouched', 'deleted check', 'deleted exercise', 'all checks deleted', 'all deleted', 'edited check',
         'retyped check', 'copied check', 'copied all', 'no metadata', 'no metadata, no ids', 'newer schema', 'points',
         'kernel', 'reversed', 'syntax error')

@pytest.mark.parametrize('kind', KINDS)
def test_nbgrader_changes_nothing_more(course, conv, small, kind):
    for name, source in (('half', small), ('12_nn.conv', conv)):
        released = read_notebook(course/'release'/'unit'/f'{name}.ipynb')
        mended, _ = mend(breakings(released)[kind], source, released)
        in_order(mended, source)
        assert substance(sanitized(mended, course, name)) == substance(mended)

@given(plan=plans())
def test_nbgrader_changes_nothing_more_whatever_happens(course, conv, plan):
    mended, _ = mend(broken(conv, plan), conv)
    assert substance(sanitized(mended, course, '12_nn.conv')) == substance(mended)

@pytest.mark.slow
@pytest.mark.filterwarnings('ignore')    # of nbgrader's own
def test_nbgrader_grades_every_kind(course, small):
    "One batch of all kinds with nbgrader's own autograder: nobody fails, and all who solved it get their points."
    from nbgrader.api import Gradebook
    from nbgrader.converters import Autograde
    from nbgrader.coursedir import CourseDirectory
    released = read_notebook(course/'release'/'unit'/'half.ipynb')
    filled = deepcopy(released)
    for c in filled.cells:
        if role(c) == 'exercise': c.source = cell(small, c.id).source
    students = {kind.replace(' ', '-').replace(',', ''): nb for kind, nb in breakings(filled).items()}
    for student, nb in students.items():
        folder = course/'submitted'/student/'unit'
        folder.mkdir(parents=True)
        nbformat.write(mend(nb, small, released)[0], folder/'half.ipynb')
    config = course_config(course)
    config.CourseDirectory.assignment_id, config.CourseDirectory.notebook_id = 'unit', 'half'
    Autograde(coursedir=CourseDirectory(config=config), config=config).start()
    with Gradebook(config.CourseDirectory.db_url) as gb:
        graded = {s: gb.find_submission_notebook('half', 'unit', s) for s in students}
        scores = {s: n.score for s, n in graded.items()}
        assert not any(g.needs_manual_grade for n in graded.values() for g in n.grades)
    lost = {'deleted-exercise': 3, 'all-deleted': 5, 'syntax-error': 3, 'reversed': None}
    for student, score in scores.items():
        if lost.get(student, 0) is not None: assert score == 5 - lost.get(student, 0), (student, score)


# --- text and files

def test_syntax_errors(small):
    nb = hand_out(small)
    cell(nb, 'half').source = '#| export\ndef half(x):\n    return (x/2'
    cell(nb, 'half-show').source = '%timeit half(3)\n!ls\nhalf?\nfiles = !ls'
    found = syntax_errors(nb)
    assert found == [('half', "line 3: '(' was never closed: return (x/2")]

@pytest.mark.parametrize('text', ['('*1000, '-'*40_000 + '1', 'a' + '.b'*20_000, '+'.join(['1']*20_000), 'lambda:'*7000,
                                  'if 1:\n'*200, 'a\0b', 'f"{'*50, ' '*49_000 + 'x?', 'x\u2028y', '\ud800'])
def test_hostile_text_is_read_without_harm(text):
    assert isinstance(syntax_error(text), str)
    bound(text), unfilled(text), defines(text), visible_text(text)

def test_long_cells_are_not_parsed(): assert '60,000 characters' in syntax_error('x'*60_000)

def test_right_python_has_no_syntax_error(conv): assert syntax_errors(conv) == []

def test_unfilled_methods():
    text = ('class A:\n    def f(self): raise NotImplementedError\n'
            '    def g(self):\n        "Doc."\n        raise NotImplementedError()')
    assert unfilled(text) == ['A.f', 'A.g'] and unfilled('def h():\n    if 0: raise NotImplementedError') == []

@pytest.mark.parametrize('name', [
    '12_nn.conv.ipynb', '12_NN.CONV.ipynb', '12_nn.conv (1).ipynb', '12_nn.conv-Copy2.ipynb',
    '12_nn.conv.ipynb.txt', '12 nn conv.ipynb', 'nbs/12_nn.conv.ipynb', ' 12_nn.conv .ipynb'])
def test_file_names(tmp_path, name):
    (tmp_path/name).parent.mkdir(exist_ok=True)
    (tmp_path/name).write_text('{}')
    (tmp_path/'.ipynb_checkpoints').mkdir()
    (tmp_path/'.ipynb_checkpoints'/'12_nn.conv.ipynb').write_text('{}')
    found, says = mend_files(tmp_path, ['12_nn.conv', '15_nn.norm'])
    assert found == {'12_nn.conv': tmp_path/name} and says[-1] == '15_nn.norm.ipynb is missing.'
    assert len(says) == 1 + (name != '12_nn.conv.ipynb')

def test_files_are_known_by_what_they_export(tmp_path, conv):
    nbformat.write(conv, tmp_path/'homework.ipynb')
    assert mend_files(tmp_path, ['12_nn.conv'])[0] == {'12_nn.conv': tmp_path/'homework.ipynb'}

def test_the_right_name_wins(tmp_path):
    for name in ('12_nn.conv.ipynb', '12_nn.conv (1).ipynb'): (tmp_path/name).write_text('{}')
    found, says = mend_files(tmp_path, ['12_nn.conv'])
    assert found['12_nn.conv'].name == '12_nn.conv.ipynb'
    assert says == ['12_nn.conv (1).ipynb may be 12_nn.conv.ipynb too, and is left out.']

def test_links_are_not_followed(tmp_path):
    (tmp_path/'other').mkdir(); (tmp_path/'mine').mkdir()
    (tmp_path/'other'/'12_nn.conv.ipynb').write_text('{}')
    os.symlink(tmp_path/'other'/'12_nn.conv.ipynb', tmp_path/'mine'/'12_nn.conv.ipynb')
    os.symlink(tmp_path/'other', tmp_path/'mine'/'more')
    assert mend_files(tmp_path/'mine', ['12_nn.conv']) == ({}, ['12_nn.conv.ipynb is missing.'])


def test_metadata_are_checked_again_where_a_name_comes_twice():
    from nbgrader.nbgraderformat import ValidationError
    from tinybench.course.cells import nbformat
    from tinybench.course.teacher.prepare import CheckOnce
    def cell(kind='code', **more):
        meta = dict(grade=True, grade_id='a', locked=True, points=1, schema_version=3, solution=False, task=False) | more
        return getattr(nbformat.v4, f'new_{kind}_cell')('1', metadata={'nbgrader': meta})
    def check(*cells): return CheckOnce().preprocess(nbformat.v4.new_notebook(cells=[*cells]), {})
    check(cell(cell_type='code')), check(cell(cell_type='code'))
    for odd in ((cell(cell_type='code'), cell(cell_type='code')), (cell('markdown', cell_type='code'),), (cell(points='one'),)):
        with pytest.raises(ValidationError): check(*odd)
