"What puts replaced functions back and disarms classes that are equal to everything, and the parts that run inside the walls."
import json, math, os, signal, types
from pathlib import Path

import pytest

from tinybench.course.box import guard, inside, messages, shell, spaces
from tinybench.course.box.guard import all_classes, by_type, disarm, guarded, held, lies, pins, put_back
from tinybench.course.box.inside import may_replace
from tinybench.course.box.inside import OWN, PARTS, apart, can_fail, judge
from tinybench.course.box.messages import receive, send
from tinybench.course.box.shell import Said, as_error, joined

def cell(source):
    "The names that a student's cell makes."
    names = dict(__name__='cell')
    exec(compile(source, '<ipython-input-1>', 'exec'), names)
    return types.SimpleNamespace(**names)

KINDS = '''
class Anything:
    def __eq__(self, other): return True

class Everywhere:
    def __lt__(self, other): return True
    def __gt__(self, other): return True

class Hooked:
    def __array_function__(self, *args): return True

class Sly:
    def __eq__(self, other): return other == 49

class Point:
    def __init__(self, x=0): self.x = x
    def __eq__(self, other): return isinstance(other, Point) and other.x == self.x

class Plain: pass
'''


# --- functions that were replaced

@pytest.mark.parametrize('make', [lambda: put_back(held({'math': math})), None])
def test_what_nobody_replaced_is_left(make):
    assert (make() if make else guarded()()) == []

def test_a_replaced_function_is_put_back():
    kept, root = held({'math': math}), math.sqrt
    math.sqrt = lambda x: 0
    assert put_back(kept) == ['math.sqrt'] and math.sqrt is root and put_back(kept) == []

def test_a_function_is_made_of_what_it_was_made_of():
    module = types.ModuleType('json.more')
    def double(x, times=2, *, plus=0): return times*x + plus
    module.double, code = double, double.__code__
    kept = held({'json.more': module})
    double.__code__, double.__defaults__, double.__kwdefaults__ = (lambda x, times, *, plus: 0).__code__, (3,), dict(plus=1)
    assert put_back(kept) == ['json.more.double'] and double.__code__ is code and double(4) == 8

def test_all_of_it_together():
    restore, root, loads = guarded(), math.sqrt, json.loads
    math.sqrt, json.loads = lambda x: 3, None
    said, = restore()
    assert said.startswith('put back: ') and {*said.removeprefix('put back: ').split(', ')} == {'math.sqrt', 'json.loads'}
    assert math.sqrt is root and json.loads is loads and restore() == []

def test_a_class_that_lies_is_named():
    restore = guarded()
    made = cell(KINDS)
    said, = restore()
    assert said.startswith('equal to everything, so no longer believed: ')
    assert {*said.partition(': ')[2].split(', ')} == {'Anything', 'Everywhere', 'Hooked'}
    assert made.Anything() != 49 and restore() == []

def test_a_comparison_made_while_a_check_runs_is_said():
    restore, space = guarded(), {}
    made = cell(KINDS)
    assert any(s.startswith('comparisons made while it ran: ') for s in restore(space)) and made.Sly() != 49


# --- classes that are equal to everything

@pytest.mark.parametrize('kind, lying', dict(Anything=True, Everywhere=True, Hooked=True, Sly=False, Point=False, Plain=False).items())
def test_which_classes_lie(kind, lying): assert lies(getattr(cell(KINDS), kind)) is lying

def test_disarmed_classes_compare_among_their_own_only():
    known, kept = all_classes(), {}
    made = cell(KINDS)
    liars, new = disarm(known, kept)
    assert {*liars} == {'Anything', 'Everywhere', 'Hooked'} and {*new} == {*liars, 'Sly', 'Point'}
    assert made.Anything() != 49 and made.Sly() != 49 and made.Point(3) == made.Point(3) != made.Point(4)
    assert '__array_function__' not in vars(made.Hooked)
    assert disarm(known, kept) == ([], []), 'what was disarmed is left'

def test_a_comparison_leads_to_no_names_of_the_machinery():
    known, kept = all_classes(), {}
    made = cell(KINDS)
    disarm(known, kept)
    assert id(made.Point.__eq__) in kept and [*made.Point.__eq__.__globals__] == ['__builtins__']

def test_special_names_are_looked_for_in_the_class():
    agrees = types.SimpleNamespace(__array_eq__=lambda other: True, size=3)
    assert not by_type(agrees, '__array_eq__') and by_type([], '__len__') and by_type(agrees, 'size') and not by_type(agrees, 'shape')

def test_imports_that_fail_are_left_out():
    assert pins(['import math', 'from os import no_such_name', 'from os.path import join as j']) == dict(math=math, j=os.path.join)


# --- checks

def test_a_check_says_how_it_ended():
    assert judge('assert 1 + 1 == 2', {}) is None and type(judge('assert 1 + 1 == 3', {})) is AssertionError
    assert type(judge('raise SystemExit', {})) is SystemExit and type(judge('x = ', {})) is SyntaxError

def test_a_check_can_fail(monkeypatch):
    class Own(Exception): pass
    assert can_fail({}) and can_fail(dict(AssertionError=Own)), 'a name changes nothing'
    monkeypatch.setattr(inside, 'judge', lambda source, names: None)
    assert not can_fail({})

def test_what_stands_apart_is_not_replaced_with_the_rest():
    one, other = {}, {}
    exec('def judge(): return "fails"', one)
    exec('def check(): return judge()', other)
    other['judge'] = one['judge']
    safe = apart(one, other)
    one['judge'] = other['judge'] = lambda: 'passes'
    assert other['check']() == 'passes' and safe['check']() == 'fails'

def test_a_name_means_one_thing_in_all_parts():
    "They share one dictionary inside the walls."
    modules = [messages, guard, spaces, shell, inside]
    assert [m.__name__.split('.')[-1] for m in modules] == [*OWN]
    means = {}
    for m in modules:
        for k, v in vars(m).items():
            if not k.startswith('__') or k == '__future__': assert means.setdefault(k, v) is v, k

@pytest.mark.parametrize('name', PARTS)
def test_parts_import_nothing_but_python_and_each_other(name):
    text = (Path(guard.__file__).parent/f'{name}.py').read_text()
    lines = [line.split() for line in text.split('\n') if line.startswith(('import ', 'from '))]
    assert all(word[1][0] != '.' or word[1][1:] in PARTS for word in lines)
    assert not any(word in text for word in ('import tinybench', 'from tinybench', 'from ..'))


# --- messages, outputs and ends

def test_a_message_that_somebody_else_has_written():
    import _socket
    ours, theirs = _socket.socketpair()
    send(ours, {'op': 'run', 'source': '1 + 1'})
    send(theirs, {'outputs': []}, b'guessed')
    with pytest.raises(ValueError, match='somebody else'): receive(ours, b'the key')
    assert receive(theirs) == {'op': 'run', 'source': '1 + 1'}
    ours.close()
    assert receive(theirs) is None
    theirs.close()

def test_what_is_printed_ends_at_its_limit():
    outputs = []
    print('x'*100, file=Said(outputs, 'stdout', limit=20))
    found, = joined(outputs)
    assert found['text'] == 'x'*20 + '\n... the rest is left out: more than 20 characters\n' and found['name'] == 'stdout'

def test_an_error_that_cannot_say_what_it_is():
    class Odd(Exception):
        def __str__(self): raise ValueError('no')
    assert as_error(Odd())['evalue'] == '(its message raises ValueError)' and as_error(Odd())['ename'] == 'Odd'

def test_a_stopped_process_is_woken_until_it_ends():
    if not (pid := os.fork()):
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    assert spaces.ended(pid) == 0


# --- whether there may be something to put back

REPLACES = ['np.add = f', 'import numpy\nnumpy.add = f', 'del math.sqrt', "vars(np)['add'] = f", "np.__dict__['add'] = f", "setattr(np, 'add', f)",
            "globals()['x'] = 1", "exec('x = 1')", 'import sys', "import importlib", 'from unittest import mock', "np.add.__code__ = g", 'f.x = 1',
            'def f(x):\n    x.add = 1', 'class A:\n    def __eq__(self, other): return True', 'f = getattr(np, name)', '%timeit x', 'def f(:',
            'with open("x") as f.file: pass', 'for np.add in [f]: pass', 'np.add += 1', 'from numpy import *\nimport ctypes', "sys.modules['numpy'] = f",
            "from functools import update_wrapper\nupdate_wrapper(np, A, assigned=['add'], updated=[])", "functools.wraps(A, ['add'], [])(np)",
            'from functools import wraps\nw = wraps', '@wraps(setattr(np, "add", f))\ndef g(): pass', '@wraps(f)\nclass A: pass', 'import operator',
            "import functools\n@functools.wraps(A, ['add'], [])\n@(lambda _: np)\ndef g(): pass", '@wraps(f)\n@(lambda _: np)\ndef g(): pass',
            "@functools.wraps(A, [], ['__builtins__'])\ndef g(): pass", '@wraps(*a)\ndef g(): pass', '@wraps(f, updated=u)\ndef g(): pass',
            "import re\nre.enum.global_enum(F)", 'warnings.sys.settrace(f)', 'random._os', 'from functools import wraps as w']
PLAIN = ['x = 1', 'def f(a, b):\n    c = a + b\n    c[0] += 1\n    return c.sum()', 'class A:\n    def __init__(self, n): self.n = n', 'import numpy as np',
         'from math import sqrt\nfrom tinybench.core.ops import relu', 'def f(x):\n    for i in range(3): x[i] = i\n    return {**x}', '[y for y in x if y.shape == (3,)]',
         'g = f(**named)', 'try: f()\nexcept ValueError: pass', 'match x:\n    case [a, *_]: y = a',
         'import functools, warnings\ndef told(f):\n    @functools.wraps(f)\n    def g(*a):\n        warnings.warn("old")\n        return f(*a)\n    return g',
         'from functools import wraps\ndef told(f):\n    @wraps(f)\n    def g(*a): return f(*a)\n    return g',
         'import random, time, copy\nrandom.Random(0).shuffle(x)']

@pytest.mark.parametrize('source', REPLACES)
def test_a_cell_that_may_replace_something_is_told(source): assert may_replace(source)

@pytest.mark.parametrize('source', PLAIN)
def test_a_plain_cell_replaces_nothing(source): assert not may_replace(source)
