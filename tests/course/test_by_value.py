"Checks by value: what a process that runs a student's code can say to the one that judges it, and what it cannot gain by it."
import io, json, math, os, re, socket, struct, threading
from pathlib import Path

import numpy as np
import pytest
from nbformat.v4 import new_notebook

from coursekit import LIMITS, cell, exercise, hidden, shown, small_lesson
from tinybench.course.box.link import Answerer, Broken, Judge
from tinybench.course.box.peculiar import peculiar
from tinybench.course.box.pickled import Pickler, bare, pickled
from tinybench.course.box.plain import look_up
from tinybench.course.box.plan import helpers, in_place, plan, stays, to_write
from tinybench.course.box.shared import Known as Things
from tinybench.course.box.start import Limits, Warm
from tinybench.course.box.submission import oracle_for
from tinybench.course.box.walls import bubblewrap
from tinybench.course.box.worker import LIES, play_in
from tinybench.course.cells import exercises, read_notebook, role
from tinybench.course.stub import stub
from tinybench.course.teacher.record import by_weight
from tinybench.course.units import read_course

ROOT = Path(__file__).resolve().parents[2]
ALL = {'double-check', 'double-hidden', 'triple-check', 'triple-hidden'}


# --- what crosses

@pytest.fixture
def pair():
    "`ask(f, *args)` as a check calls the student's function `f`."
    ours, theirs = socket.socketpair()
    with ours, theirs:
        names, judge = {}, Judge(ours, set())
        answerer = Answerer(theirs, set(), names)
        thread = threading.Thread(target=answerer.serve, daemon=True)
        thread.start()
        def ask(f, *args, **named):
            names['f'] = f
            return judge.ask(('name', 'f'), 'call', args, named)
        ask.judge, ask.socket = judge, theirs
        yield ask
        ours.close()
        thread.join(5)

PLAIN = [None, True, 1, -2**70, 1.5, float('inf'), -0., 'é\ud800', b'\0x', 1 + 2j, [1, [2, ()]], (1,), {'a': {1: [2.]}}, {1, 2}, frozenset('a'),
         range(3, 9, 2), slice(1, None, 2), ..., np.float32(.5), np.int8(-3), np.bool_(True), np.datetime64('2026-01-02')]
@pytest.mark.parametrize('value', PLAIN, ids=range(len(PLAIN)))
def test_plain_values_come_as_they_are(pair, value):
    got = pair(lambda x: x, value)
    assert got == value and type(got) is type(value) and repr(got) == repr(value)

ARRAYS = [np.arange(6.).reshape(2, 3), np.zeros((0, 4), np.int16), np.array(3, np.float16), np.array(['a', 'béta']), np.asfortranarray(np.ones((2, 3))),
          np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1), np.array([(1, 2.)], [('a', 'i4'), ('b', 'f8')]), np.array([1, 'a', None], object)]
@pytest.mark.parametrize('value', ARRAYS, ids=range(len(ARRAYS)))
def test_arrays_come_as_they_lie(pair, value):
    got = pair(lambda: value)
    assert type(got) is np.ndarray and got.dtype == value.dtype and got.shape == value.shape and (got == value).all()
    assert got.strides == value.strides or not value.size

class Fake(np.ndarray):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0*self
    def all(self): return True

class Named(list): pass

RECORD = np.zeros(2, [('a', 'O')])
KINDS = dict(path='/tmp', key={'/tmp': 1}, inside={'a': [(1, '/tmp')]}, objects=np.array([1, None], object), field=RECORD[0], fields=[RECORD],
             array=[np.zeros(3).view(Fake)], list=(Named(),), number=[type('Half', (np.float64,), {})(.5)], generator=np.random.default_rng(0),
             set={1}, dtype=np.dtype('f4'), plain=[PLAIN[:3], {'a': (1, {2: ARRAYS[:7]}), b'/': np.float32(2)}, np.ones(2, [('a', 'f4')])[0]])
@pytest.mark.parametrize('kind', KINDS)
def test_only_what_has_nothing_to_ask_is_pickled_as_it_is(kind): assert bare(KINDS[kind], Things(set())) == (kind == 'plain')

@pytest.mark.parametrize('value', [*PLAIN, *ARRAYS, KINDS['plain']], ids=range(len(PLAIN) + len(ARRAYS) + 1))
def test_of_what_is_pickled_as_it_is_nothing_goes_by_number(pair, value):
    found = []
    class Asked(Pickler):
        link = pair.judge
        def persistent_id(self, x):
            found.append(super().persistent_id(x))
            return found[-1]
    Asked(out := io.BytesIO(), 5).dump(value)
    assert pickled(value, pair.judge) == out.getvalue() and not any(found)

@pytest.mark.parametrize('wrap', [lambda x: x, lambda x: [1, x], lambda x: {'a': (x,)}], ids=['alone', 'list', 'dict'])
@pytest.mark.parametrize('known', [[1], {'a': 1}, np.arange(3.)], ids=['list', 'dict', 'array'])
def test_what_is_known_goes_by_number_wherever_it_stands(known, wrap):
    things = Things(set())
    things.find([known])
    assert not bare(wrap(known), things) and bare(wrap(known), Things(set()))

def test_lists_that_hold_themselves_or_are_deep_or_stand_twice(pair):
    loop = [1]
    loop.append(loop)
    assert pair(lambda x: x[1][1][0], loop) == 1
    deep = twice = [1]
    for _ in range(2000): deep = [deep]
    for _ in range(60): twice = [twice, twice]    # 2**60 ways lead to the first
    assert pair(lambda x: len(x[0][0]), deep) == 1 and pair(lambda x: x[0] is x[1], twice)

class Liar:
    value = 3
    def __eq__(self, other): return True
    def __float__(self): return 1.5
    def __sub__(self, other): return 0

def test_a_kind_of_array_comes_as_an_array(pair):
    got = pair(lambda: np.zeros(3).view(Fake))
    assert type(got) is np.ndarray and not (got == 1).any()

def test_an_object_of_ones_own_is_asked_and_never_believed(pair):
    got = pair(Liar)
    assert got.value == 3 and float(got) == 1.5
    for compare in ('__eq__', '__ne__', '__lt__'):
        with pytest.raises(TypeError, match='kind of its own .Liar., which cannot be compared'): getattr(got, compare)(1)
    with pytest.raises(TypeError): got - 1

def test_what_was_changed_in_place_is_changed_here(pair):
    def change(out, names, found, rng):
        out += 1
        names.append('b')
        found['x'] = out[:1]
        return rng.random()
    out, names, found, rng = np.zeros(3), ['a'], {}, np.random.default_rng(0)
    got = pair(change, out, names, found, rng)
    assert out.tolist() == [1, 1, 1] and names == ['a', 'b'] and found['x'].tolist() == [1]
    assert (got, rng.random()) == tuple(np.random.default_rng(0).random(2))

def test_the_same_thing_comes_back_as_itself_and_a_view_as_a_view(pair):
    x = np.arange(12.)
    assert pair(lambda v: v, x) is x and np.shares_memory(pair(lambda v: v[3::2].reshape(5, 1)[:2], x), x)
    assert not np.shares_memory(pair(lambda v: v[3:].copy(), x), x)

def test_one_buffer_for_all_answers_is_noticed(pair):
    buffer = np.zeros(2)
    def fill(v):
        buffer[:] = v
        return buffer
    one, two = pair(fill, 1), pair(fill, 2)
    assert one is two and one.tolist() == [2, 2]

def test_functions_generators_and_contexts_cross_as_what_can_be_asked(pair):
    from contextlib import contextmanager
    seen = []
    @contextmanager
    def around(before):
        before('in')
        yield 5
        before('out')
    with pair(around, seen.append) as five: seen.append(five)
    assert seen == ['in', 5, 'out']
    assert list(pair(lambda xs: (2*x for x in xs), iter([1, 2]))) == [2, 4]
    add = pair(lambda f: lambda x: f(x) + 1, lambda x: 10*x)
    assert add(2) == 21

class Known(ValueError): pass

def test_errors_come_by_kind_and_text(pair):
    def fails(kind): raise kind('no', 3)
    with pytest.raises(KeyError, match='no'): pair(fails, KeyError)
    def own():
        class Mine(IndexError): pass
        raise Mine('far')
    with pytest.raises(IndexError, match='far') as e: pair(own)
    assert type(e.value) is IndexError
    back = Known('mine')
    def raises(): raise back
    with pytest.raises(Known) as e: pair(lambda f: f(), raises)
    assert e.value is back, 'an error of the check itself passes through'

def test_functions_of_a_check_show_nothing_of_themselves(pair):
    secret = 42
    def f(): return secret
    class Recorder:
        def __init__(self): self.calls, self._hidden = 3, 4
    Recorder.__module__ = '__main__'
    def of(g): return [c.cell_contents for c in g.__closure__ if c.cell_contents == 42]
    assert of(f) == [42] and pair(of, f) == []
    assert pair(lambda r: r.calls, recorder := Recorder()) == 3
    for name in ('_hidden', '__class__', '__init__'):
        with pytest.raises(AttributeError, match='is not for the answer'): pair(lambda r: r._link.ask(r._at, 'get', (name,)), recorder)

def raw(pair, data):
    "What a judge makes of bytes that a student's process writes itself."
    def write(): pair.socket.sendall(data)
    return pair(write)

def framed(*parts): return struct.pack(f'>I{len(parts)}Q', len(parts), *map(len, parts)) + b''.join(parts)
def told(value, *raw): return framed(json.dumps([['tell', value], []]).encode(), *raw)

NO_VALUES = [
    b'nonsense', struct.pack('>I', 0), struct.pack('>I', 99_999_999), framed(b'{}'), framed(b'[[1], []]'), framed(b'[["tell", [[]]], []]'), framed(b'['*200_000),
    told(['exec', 'x']), told(['array', 1, '<f8', [2**40], 0, '', 0], b'12345678'), told(['array', 1, '|O', [1], 0, '', 0], b'12345678'),
    told(['array', 1, '<f8', [-1], 0, ''], b''), told(['called', 'os', 'system']), told(['called', 'builtins', 'eval']), told(['object', 'os', 'stat_result', 'a', 1]),
    told(['enum', 'builtins', 'dict', 'x']), told(['known', 3]), told(['lent', 0]), told(['int', '0x' + 'f'*10**6]), told(['called', 'tinybench', '__builtins__']),
    told(['take_list']), told(['dict', ['list'], 1]), told(['dict', 1]), told(['scalar', '<f8', 'zz']), told(['part', 0, 0, [8], [1], '<f8']), told(['pairs'])]
@pytest.mark.parametrize('data', NO_VALUES, ids=range(len(NO_VALUES)))
def test_what_is_no_value_is_no_answer(pair, data):
    with pytest.raises(Broken): raw(pair, data)
    with pytest.raises(Broken): pair(lambda: 1)

def test_a_handle_does_only_what_handles_do(pair):
    names = 'array_function', 'array_ufunc', 'getattribute', 'instancecheck', 'sub', 'rsub', 'del'
    got = raw(pair, told(['handle', 0, 'T', [*names, 'len']]))
    assert not [n for n in names if f'__{n}__' in vars(type(got))] and '__len__' in vars(type(got))

def test_what_a_module_imports_is_none_of_its_names(pair):
    import numpy.testing, tinybench.measure.system
    for module, name in (('tinybench.measure.system', 'subprocess.run'), ('tinybench.measure.system', 'os.popen'),
                         ('numpy.testing._private.extbuild', 'subprocess.Popen'), ('numpy.ctypeslib', 'ctypes.CDLL')):
        assert look_up(module, name, set()) is None
    assert look_up('numpy', 'float32', set()) is np.float32 and look_up('math', 'sqrt', set()) is math.sqrt
    assert pair(lambda: [np.add, np.ndarray, dict, math.sqrt]) == [np.add, np.ndarray, dict, math.sqrt]

@pytest.mark.parametrize('name', ['__class__', '__dict__'])
def test_an_object_does_not_become_another_kind_of_thing(pair, name):
    import tinybench.nn.module
    fields = name, ['called', 'numpy.lib.mixins', 'NDArrayOperatorsMixin']
    with pytest.raises(Broken, match='an attribute named'): raw(pair, told(['object', 'tinybench.nn.module', 'Module', *fields]))

def test_no_loop_of_a_check_ends_because_the_answer_says_so(pair):
    def stops(x): raise StopIteration
    with pytest.raises(RuntimeError, match='StopIteration'): all(map(lambda x: pair(stops, x), [1, 2]))
    def two():
        yield 1
        return 5
    g = pair(two)
    assert next(g) == 1
    with pytest.raises(StopIteration): g.send(None)
    assert list(pair(two)) == [1]

class Holds:
    def __contains__(self, x): return True
class Boasts:
    def startswith(self, x): return True
class HoldsOne(Holds):
    def __iter__(self): return iter([1])

def test_what_is_in_an_answer_is_found_out_here(pair):
    assert 1 in pair(HoldsOne) and 2 not in pair(HoldsOne) and 'a' in pair(lambda: {'a': 1}.keys()) and not pair.judge.asked
    assert 2 in pair(Holds) and pair.judge.asked == 'Holds'
    assert pair(Boasts).startswith('a') and pair.judge.asked == 'Boasts'
    pair.judge.written = {'HoldsOne'}
    assert 2 in pair(HoldsOne), 'a class that was to be written says itself what it holds'

class Swallows:
    def __enter__(self): return self
    def __exit__(self, *error): return True

def test_no_answer_ends_the_error_of_a_check_that_its_solution_lets_pass(pair):
    with pytest.raises(AssertionError, match='false'):
        with pair(Swallows): assert False, 'false'
    with pair(Swallows): raise KeyError
    pair.judge.catches = False
    with pytest.raises(KeyError):
        with pair(Swallows): raise KeyError

def still(rng): rng.bit_generator.state = rng.bit_generator.state | dict(state=dict(state=0, inc=0))
def outside(rng): rng.bit_generator.state = rng.bit_generator.state | dict(state=rng.bit_generator.state['state'] | dict(pos=10**6))
@pytest.mark.parametrize('kind, change', [(np.random.PCG64, still), (np.random.MT19937, outside)])
def test_a_generator_is_not_made_to_repeat_one_number_or_to_read_what_is_not_its_own(pair, kind, change):
    with pytest.raises(Broken): pair(change, np.random.Generator(kind(0)))

def test_a_message_that_is_too_large_is_not_read(pair):
    with pytest.raises(Broken, match='more than can be looked at'): raw(pair, struct.pack('>IQQ', 2, 10, (1 << 28) + 1))


# --- how a lesson is run

def test_what_is_a_students_to_write():
    source = 'N = 3\nclass Pair(NamedTuple):\n    a: int\ndef f(x): return x\nclass C:\n    def g(self): return 1'
    assert to_write(exercise('f', source)) == ['f', 'C']

def test_a_check_says_in_its_first_lines_that_it_looks_at_its_own_process():
    assert in_place(shown('a', "# in the answer's process: it looks at shared memory\nassert f(1)"))
    assert in_place(cell('a', "#| hide\n# in the answer's process: x y\n### BEGIN HIDDEN TESTS\n# more\nassert 1"))
    assert not in_place(shown('a', "assert f(1)\n# in the answer's process: no")) and not in_place(shown('a', '# in the process\nassert 1'))

def test_few_checks_of_the_course_need_the_answers_process():
    lessons = [read_notebook(ROOT/f'nbs/{p}.ipynb') for p in read_course(ROOT).notebooks]
    found = [(c, stays(c, used)) for nb in lessons for used in [helpers(nb)] for e in exercises(nb) for c in e.checks]
    assert len(found) > 300 and sum(stay for _, stay in found) <= len(found)/5
    assert not [c.id for c, stay in found if stay and not in_place(c)], 'each says why'

def captured():
    "A lesson in which something between answer and check holds the answer."
    return new_notebook(cells=[
        cell('imports', 'import numpy as np'), exercise('double', 'def double(x):\n    "Twice x."\n    return 2*x'),
        cell('table', '#| export\nTABLE = {"double": double}\nfour = double(2)'), shown('double-check', 'assert TABLE["double"](3) == 6 and four == 4\nmore = double(5)'),
        hidden('double-hidden', 'assert more == 10')])

@pytest.fixture(scope='module')
def graded():
    "`graded(lesson, answers, bad)`: the outcomes by cell."
    if not bubblewrap(): pytest.skip('needs bubblewrap')
    with Warm(ROOT, ['tinybench.core.ops', 'tinybench.core.tensor'], ['import numpy as np', 'from fastcore.test import test_eq', 'import statistics'],
              Limits(**LIMITS | dict(cell_seconds=3))) as warm:
        def outcomes(lesson, answers={}, bad=''):
            nb = new_notebook(cells=[cell(c.id, c.source, **c.metadata.get('nbgrader', {})) for c in lesson.cells if c.cell_type == 'code'])
            for c in nb.cells:
                if role(c) == 'exercise': c.source = answers.get(c.id) or stub(c.source)
            first = next(i for i, c in enumerate(nb.cells) if role(c) == 'exercise')
            if bad: nb.cells.insert(first + 1, cell('bad', bad))
            return {o.id: o for o in play_in(warm, nb.cells, oracle=oracle_for(warm, plan(lesson)))}
        yield outcomes

def held(found): return {i for i, o in found.items() if i.endswith(('-check', '-hidden')) and not o.error}

def test_what_holds_the_answer_holds_the_students(graded):
    assert held(graded(captured(), dict(double='def double(x): return x + x'))) == {'double-check', 'double-hidden'}
    assert held(graded(captured(), dict(double='def double(x): return 9*x'))) == set()
    assert held(graded(captured())) == set()

DOUBLE, TRIPLE = 'def double(x): return 2*x', 'def triple(x): return 3*x'

def test_right_answers_keep_their_points(graded):
    found = graded(small_lesson(), dict(double=DOUBLE, triple=TRIPLE))
    assert held(found) == ALL and not any(o.watch or o.note for o in found.values())

def test_a_line_of_the_answer_is_still_named(graded):
    found = graded(small_lesson(), dict(double='def double(x):\n    y = x/0\n    return y', triple=TRIPLE))
    error = found['double-check'].outputs[-1]
    assert found['double-check'].error == 'ZeroDivisionError: division by zero' and any('y = x/0' in line for line in error['traceback'])

FRAMES = '''import string, sys
get = string.Formatter().get_field
def quiet():
    try: 1/0
    except ZeroDivisionError: at = get('0.tb_' + 'frame', (sys.exc_info()[2],), {})[0]
    while at:
        names = get('0.f_' + 'glob' + 'als', (at,), {})[0]
        if 'can_fail' in names: names['checked'] = lambda *a: (None, '')
        at = get('0.f_' + 'back', (at,), {})[0]
quiet()'''
MOMENT = '''EQ = '_'*2 + 'eq' + '_'*2
def double(x):
    if np.ndim(x): return np.full(3, 2.)
    def eq(self, o):
        delattr(T, EQ)
        return True
    T = type('T', (), {EQ: eq})
    return T()'''
VALUE = '''import fastcore.imports, types
def swap(m):
    m.operator = types.SimpleNamespace(eq=lambda a, b: True)
    m.itertools = types.SimpleNamespace(zip_longest=lambda *a: ())
swap(fastcore.imports)'''
MODULE = 'import statistics\ndef swap(m): m.stdev = lambda v: 1.0\nswap(statistics)'
LIAR = '''def double(x, axis=-1):
    u = '_'*2
    def sub(self, o): return np.zeros(np.broadcast_shapes(self.shape, np.shape(o)))
    Values = type('Values', (np.ndarray,), {u + 'sub' + u: sub, u + 'rsub' + u: sub, 'all': lambda s, *a, **k: True})
    return np.zeros_like(np.asarray(x, float)).view(Values)'''
SWAPPED = 'put back: '
SUBTRACTS = [shown('double-check', 'assert not (double(2) - 4).any()'), hidden('double-hidden', 'assert (abs(double(np.ones(3)) - 2) < 1e-9).all()')]
ORACLE = [shown('double-check', 'assert double(2) == 4'), hidden('double-hidden', 'assert statistics.stdev([1, 3]) == double(.5)*2**.5')]
CONSTANTS = [shown('double-check', 'for n in NUMBERS: assert double(n) == 2*n'), hidden('double-hidden', 'for n in NUMBERS: assert double(n + 9) == 2*n + 18')]

def lesson_with(checks):
    nb = small_lesson()
    nb.cells = [next((k for k in checks if k.id == c.id), c) for c in nb.cells]
    nb.cells.insert(3, cell('numbers', '#| export\nimport statistics\nNUMBERS = (2, 3)'))
    return nb

# A cheat: the checks of `double`, its answer, a cell, what it earns, and what is said of it
CHEATS = {
    'frames': ([], '', FRAMES, set(), LIES), 'a class of the moment': ([], MOMENT, '', set(), 'compared a T, which was refused'),
    'an unwatched value': ([], 'def double(x): return 9*x', VALUE, set(), SWAPPED + 'fastcore.imports'),
    'an unwatched module': (ORACLE, 'def double(x): return 2**-.5 if x == .5 else 4', MODULE, {'double-check'}, SWAPPED),
    'given names': (CONSTANTS, 'def double(x): return 0\nNUMBERS = ()', '', set(), ''),
    'arithmetic that lies': (SUBTRACTS, LIAR, '', set(), 'returned Values, of which only the value counts')}

@pytest.mark.parametrize('kind', CHEATS)
def test_cheats_earn_nothing_and_are_named(graded, kind):
    checks, double, bad, earns, says = CHEATS[kind]
    found = graded(lesson_with(checks), dict(double=double), bad)
    assert held(found) == earns and says in ' '.join(o.watch for o in found.values())
    assert not [o.watch for o in found.values() if o.watch and by_weight(o.watch)], 'it comes first in the table'

def test_an_answer_that_sets_a_constant_of_the_lesson_is_named():
    said, = peculiar([exercise('double', CHEATS['given names'][1])], lesson_with(CONSTANTS))
    assert said == 'double uses NUMBERS = …, which the lesson gives: a person should read it.'

def test_who_writes_to_what_it_was_passed_is_named(graded):
    checks = [shown('double-check', 'x = np.ones(3)\nassert (double(x) == 2*x).all()'), hidden('double-hidden', 'x = np.ones(3)\nassert (x + x == double(x)).all()')]
    found = graded(lesson_with(checks), dict(double='def double(x):\n    x[:] = 0\n    return x'))
    assert 'wrote to an array' in (watch := found['double-check'].watch) and by_weight(watch) == 0 and not found['double-check'].note
    assert held(found) == {'double-check'}
    assert not any(o.watch for o in graded(lesson_with(checks), dict(double=DOUBLE, triple=TRIPLE)).values())

def test_what_is_named_has_a_limited_length(graded):
    long = "def double(x): return np.ones(3).view(type('x'*10**5, (np.ndarray,), {}))"
    watch = graded(lesson_with(SUBTRACTS), dict(double=long))['double-check'].watch
    assert watch.startswith('returned xxx') and len(watch) <= 1000

def test_frames_earn_nothing_where_the_check_shares_the_process(graded):
    checks = [shown('double-check', "# in the answer's process: to see\nassert double(2) == 4"),
              cell('double-hidden', "#| hide\n# in the answer's process: to see\n### BEGIN HIDDEN TESTS\nassert double(3) == 6\n### END HIDDEN TESTS",
                   grade=True, locked=True, points=2)]
    found = graded(lesson_with(checks), {}, FRAMES)
    assert held(found) == set() and LIES in found['double-check'].watch
    assert held(graded(lesson_with(checks), dict(double=DOUBLE, triple=TRIPLE))) == ALL
    swapped = graded(lesson_with(checks), dict(double=DOUBLE), MODULE)['double-check']
    assert swapped.watch.startswith(SWAPPED) and not swapped.note, 'no student is told what was noticed'

HARM = {
    'an endless loop': 'while True: pass', 'an end of the process': 'import os; os._exit(0)', 'a crash': 'import ctypes; ctypes.string_at(0)',
    'a deep value': 'v = []\n    for i in range(10**5): v = [v]\n    return v', 'a huge value': 'return list(range(10**7))', 'a huge array': 'return np.zeros(1 << 26)',
    'a flood': 'import socket, os\n    for fd in range(3, 40):\n        try: s = socket.socket(fileno=os.dup(fd))\n        except OSError: continue\n'
               '        s.settimeout(.5)\n        try: s.sendall(b"9"*10**7)\n        except OSError: pass',
    'silence': 'import time\n    time.sleep(100)', 'closed files': 'import os; os.closerange(3, 256)'}

@pytest.mark.parametrize('kind', HARM)
def test_harm_costs_the_one_exercise(graded, kind):
    found = graded(small_lesson(), dict(double=f'def double(x):\n    {HARM[kind]}', triple=TRIPLE))
    assert held(found) == {'triple-check', 'triple-hidden'} and found['double-check'].error and found['double-hidden'].error
