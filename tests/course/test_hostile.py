"Submissions that attack or break the grader, alone and all in one batch: everybody else's points stay right, and what happened is said."
import ctypes, hashlib, json, os, signal, tempfile
from copy import deepcopy
from pathlib import Path

import nbformat
import psutil
import pytest

import coursekit as kit
from coursekit import DOUBLE, LIMITS, NAME, TRIPLE, cell, released, small_course, small_lesson
from tinybench.course.box import worker
from tinybench.course.box.peculiar import peculiar
from tinybench.course.box.start import Limits, Warm
from tinybench.course.box.walls import bubblewrap
from tinybench.course.box.worker import play, play_in
from tinybench.course.units import read_course
from tinybench.course.cells import read_notebook
from tinybench.course.teacher.grade import grade
from tinybench.course.prove.answers import to_try
from tinybench.course.prove.lessons import with_source

ROOT, FILE = Path(__file__).resolve().parents[2], f'{NAME}.ipynb'
SHORT = LIMITS | dict(cell_seconds=1, memory_mb=512)    # what never ends is to end soon

# A cell's way to what the engine listens to.
SOCKETS = '''import json, os, socket, stat
def raw(data):
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode): socket.socket(fileno=os.dup(fd)).sendall(b'%08d' % len(data) + data)
        except OSError: pass
def say(x): raw(json.dumps(x).encode())
'''
# What a cell does, the error it ends in, and what the engine says of it. These need no sandbox to be survived.
HARM = {
    'endless loop': ('while True: pass', 'TimeoutError: stopped after 1 s', ''),
    'ignores interrupts': ('import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass',
                           'ended its process: ran longer than 1 s and did not stop when interrupted', 'ran again without this one'),
    'catches interrupts': ('while True:\n    try:\n        while True: pass\n    except BaseException: pass', 'ended its process: ran longer|TimeoutError', ''),
    'os._exit': ('import os\nos._exit(3)', 'ended its process: left Python without a word (os._exit, code 3)', 'ran again without this one'),
    'os._exit 0': ('import os\nos._exit(0)', 'ended its process: left Python without a word (os._exit, code 0)', 'ran again without this one'),
    'kill -9 itself': ('import os\nos.kill(os.getpid(), 9)', 'ended its process: killed (by itself', 'ran again without this one'),
    'segmentation fault': ('import ctypes\nctypes.string_at(0)', 'ended its process: a segmentation fault', 'ran again without this one'),
    'abort': ('import os\nos.abort()', 'ended its process: aborted', 'ran again without this one'),
    '40 GB': ('x = bytearray(40 << 30)', 'MemoryError', ''),
    '40 GB by and by': ('x = []\nwhile True: x.append(bytearray(1 << 28))', 'MemoryError', ''),
    '100 MB on a line': ('print("x"*100_000_000)', '', 'printed more than 262,144 characters'),
    'a million lines': ('for i in range(1_000_000): print(i)', '|TimeoutError: stopped after 1 s', 'printed more than 262,144 characters'),
    'threads': ('import threading, time\nfor i in range(5): threading.Thread(target=time.sleep, args=(100,)).start()', '', 'left 5 threads running'),
    'busy threads': ('import threading\ndef spin():\n    while True: pass\nfor i in range(3): threading.Thread(target=spin, daemon=True).start()',
                     '', 'left 3 threads running'),
    'stops its group': ('import os, signal\nos.kill(0, signal.SIGSTOP)', 'ended its process: ran longer', ''),
    'stops its parent': ('import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)', '|ended its process: ran longer', ''),
    'removes its folder': ('import os, shutil\nshutil.rmtree(os.getcwd())', '|OSError|PermissionError', ''),
    'input': ('input("?")', 'EOFError: input() asks a person', ''),
    'sys.exit': ('import sys\nsys.exit()', 'SystemExit', ''),
    'syntax error': ('def f(:', 'SyntaxError', ''),
    'large file': ('open("f", "wb").write(bytes(200 << 20))', 'OSError: [Errno 27] File too large', ''),
    'closes all files': ('import os\nos.closerange(3, 1000)', 'ended its process', 'ran again without this one'),
    'endless recursion': ('def f(): f()\nf()', 'RecursionError', ''),
    'unprintable error': ('class E(Exception):\n    def __str__(self): return 1/0\nraise E', 'E: (its message raises ZeroDivisionError)', ''),
    'half a character': ('print("\\ud800"); import sys; sys.stderr.write("\\udfff")', '', ''),
    'half a character raised': ('raise ValueError("\\ud800")', 'ValueError: ?', ''),
    'a million displays': ('from IPython.display import display\nx = "x"*20_000\nfor i in range(2000): display(x)', '', 'printed more than'),
    'talks for the engine': (SOCKETS + 'say(dict(outputs=[], note="", secs=0.))', 'ended its process', ''),
    'talks nonsense': (SOCKETS + 'say([1])', 'ended its process', ''),
    'talks of odd outputs': (SOCKETS + 'say(dict(outputs=[3, {"output_type": []}, {"output_type": "stream", "name": "x", "text": 3},'
                             ' {"output_type": "error", "ename": "E", "evalue": "", "traceback": [[]]}], note=[], secs="x", token=""))', 'ended its process', ''),
    'talks too deep': (SOCKETS + 'raw(b"["*200_000)', 'ended its process', ''),
    'talks for long': (SOCKETS + 'raw(b"x"*50_000_000)', 'ended its process', ''),
    'a copy of itself': ('import os\nos.fork()', '', ''),
    'daemon': ('import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(1000)\n    os._exit(0)', '', ''),
}
WALLED = {
    'fork bomb': ('import os\nwhile True:\n    try: os.fork()\n    except OSError: pass', 'ended its process: ran longer|ended its process: started processes', 'ran again without this one'),
    'kills everyone': ('import os\nfor p in (1, -1, os.getppid()):\n    try: os.kill(p, 9)\n    except OSError: pass', 'ended its process: killed|', ''),
    'writes to the system': ('open("/usr/evil", "w")', 'OSError: [Errno 30] Read-only file system', ''),
    'writes above': ('open("../../evil.txt", "w")', 'OSError: [Errno 30] Read-only file system', ''),
    'reads the lessons': (f'print(open({str(ROOT/"nbs/00_core.ops.ipynb")!r}).read())', 'FileNotFoundError', ''),
    'network': ('import socket\nsocket.create_connection(("127.0.0.1", 22), 1)', 'ConnectionRefusedError|OSError', ''),
    'remounts': ('import ctypes, os\nc = ctypes.CDLL(None, use_errno=True)\nassert c.mount(b"none", b"/usr", b"tmpfs", 0, None) == 0, os.strerror(ctypes.get_errno())',
                 'AssertionError: Operation not permitted', ''),
    'attaches a debugger': ('import ctypes, os\nc = ctypes.CDLL(None, use_errno=True)\nassert c.ptrace(16, 1, 0, 0) == 0, os.strerror(ctypes.get_errno())',
                            'AssertionError: Operation not permitted', ''),
}
# Cheats that make a wrong `double` pass, and what the engine says of them.
CHEATS = {
    'AST transformer': ('''import ast
class T(ast.NodeTransformer):
    def visit_Assert(self, n): return ast.Pass()
    def visit_Expr(self, n): return ast.Pass()
get_ipython().ast_transformers.append(T())''', ''),
    'input transformer': ('get_ipython().input_transformers_cleanup.append(lambda lines: ["pass\\n"] if any("assert" in l for l in lines) else lines)', ''),
    'patched shell': ('get_ipython().run_cell = lambda *a, **k: None\ntype(get_ipython()).run_cell = lambda *a, **k: None', ''),
    'AssertionError': ('import builtins\nclass A(Exception): pass\nbuiltins.AssertionError = A', 'put back: builtins.AssertionError'),
    'own AssertionError': ('class AssertionError(Exception): pass', ''),
    'equal to everything': ('class E:\n    def __eq__(s, o): return True\n    def __ne__(s, o): return False\n'
                            '    def __array__(s, *a, **k): return np.full(3, 2.)\ndouble = lambda x: E()', 'equal to everything, so no longer believed: E'),
    'an array that agrees': ('class E(np.ndarray):\n    def __eq__(s, o): return True\n    def __array_function__(s, *a, **k): return True\n'
                             '    def __array_ufunc__(s, *a, **k): return True\ndouble = lambda x: np.zeros(3).view(E)', 'no longer believed: E'),
    'a number that agrees': ('class E(float):\n    def __eq__(s, o): return True\ndouble = lambda x: E(1)', 'no longer believed: E'),
    'allclose': ('np.allclose = lambda *a, **k: True\nimport fastcore.test as t\nt.test_eq = lambda *a: None\ntest_eq = lambda *a, **k: None',
                 'put back: '),
    'the code of test_eq': ('import fastcore.test as t\nt.test_eq.__code__ = (lambda a, b: None).__code__', 'put back: fastcore.test.test_eq'),
    'the defaults of allclose': ('np.allclose.__wrapped__.__defaults__ = 9e9, 9e9, False\ndouble = lambda x: 2 if type(x) is int and x == 1 else 9*x',
                                 'put back: numpy'),
    'a result of its own': ('import sys\ndef double(x):\n    sys.stdout.outputs.append(dict(output_type="execute_result", data={"text/plain": "1"}, '
                            'metadata={}, execution_count=None))\n    return 9*x', 'gave a result of its own, which is left out'),
    "another comparison's name": ('class E(float): __eq__ = float.__ne__\ndef double(x): return E(-7)', 'no longer believed: E'),
    'a class of the moment': ('def double(x):\n    class E:\n        on = False\n        def __init__(s): s.on = True\n'
                              '        def __eq__(s, o): return s.on\n    return E()', ''),
    'a decorator of Python': ('import contextlib\n@contextlib.contextmanager\ndef quiet(): yield\nclass E:\n    @quiet()\n    def __eq__(s, o): return True\n'
                              'def double(x): return E()', 'no longer believed: E'),
    'a class that shows nothing': ('class M(type): __dict__ = property(lambda c: {})\nclass E(metaclass=M):\n    def __eq__(s, o): return True\n'
                                   'def double(x): return E()', 'no longer believed: E'),
    'an object without a class of its own': ('import types\ndef double(x): return types.SimpleNamespace(__array_eq__=lambda other: True)', ''),
    'what fastcore asks': ('class E:\n    def __array_eq__(s, o): return True\ndef double(x): return E()', 'no longer believed: E'),
    'no exceptions': ('import contextlib\nG = contextlib._GeneratorContextManager\nG.__exit__ = lambda *a: True', 'put back: _GeneratorContextManager.__exit__'),
    'no randomness': ('R = np.random\nR.default_rng = lambda *a: 0', 'put back: '),
    'imports the answer': ('from tinybench.core.ops import unbroadcast\nfrom tinybench.core.tensor import Tensor', ''),
    'trace': ('import sys\nsys.settrace(lambda *a: None)', ''),
    'compile': ('import builtins\nbuiltins.compile = lambda *a, **k: None\nbuiltins.exec = lambda *a, **k: None', 'put back: builtins.'),
    "its comparison's names": ('class Num:\n    def __lt__(s, o): return False\ndef double(x):\n    known = Num.__lt__.__globals__\n'
                               '    if "can_fail" in known: known.update(can_fail=lambda n: True, judge=lambda *a, **k: None)\n    return x', ''),
    'exit hook': ('import atexit, os\natexit.register(os._exit, 0)', ''),
}

WRONG = 'def double(x): return x'
ALL = {'double-check', 'double-hidden', 'triple-check', 'triple-hidden'}

def handed(bad='', **answers):
    "The lesson as a student leaves it: `bad` in a cell of its own below the first exercise, `answers` in the others."
    nb = small_lesson()
    for c in nb.cells: c.source = answers.get(c.id, c.source)
    if bad: nb.cells.insert([c.id for c in nb.cells].index('double-show'), cell('bad', bad))
    return nb

def outcomes(warm, nb): return {o.id: o for o in play_in(warm, nb.cells)}
def passed(found): return {name for name in ALL if not found[name].error}
def one_of(error, starts): return any(error.startswith(s) if s else not error for s in starts.split('|'))

@pytest.fixture(scope='module')
def sandbox():
    "That there is a sandbox."
    if not bubblewrap(): pytest.skip('needs bubblewrap')

def warm_process(walled, **limits):
    imports = ['import numpy as np', 'from fastcore.test import test_eq']
    return Warm(ROOT, ['tinybench.core.ops', 'tinybench.core.tensor'], imports, Limits(**SHORT | limits), walled)

@pytest.fixture(scope='module')
def walled(sandbox):
    with warm_process(True) as warm: yield warm

@pytest.fixture(scope='module')
def patient(sandbox):
    "With time to load a library that the lesson does not use."
    with warm_process(True, cell_seconds=30, memory_mb=1024) as warm: yield warm

@pytest.fixture(scope='module')
def plain():
    with warm_process(False) as warm: yield warm

SLOWING = 'busy threads',    # what comes after them is slow on a busy machine, so it gets the time to be

@pytest.fixture(scope='module')
def patient_plain():
    with warm_process(False, cell_seconds=30) as warm: yield warm


# --- one at a time

def suffers(warm, source, error, note):
    "The cell ends in `error`, `note` is said, and all checks keep their points."
    found = outcomes(warm, handed(source))
    assert one_of(found['bad'].error, error) and note in found['bad'].note and passed(found) == ALL
    assert len(json.dumps(found['bad'].outputs)) < 5*LIMITS['output_kb'] << 10

@pytest.mark.parametrize('kind', [k for k in (*HARM, *WALLED) if k not in SLOWING])
def test_harm_costs_nobody_points(walled, kind): suffers(walled, *(HARM | WALLED)[kind])

@pytest.mark.parametrize('kind', SLOWING)
def test_harm_that_slows_costs_nobody_points(patient, patient_plain, kind):
    for warm in (patient, patient_plain): suffers(warm, *HARM[kind])

@pytest.mark.parametrize('kind', [k for k in HARM if k not in SLOWING])
def test_harm_without_a_sandbox(plain, kind): suffers(plain, *HARM[kind])

def gains_nothing(warm, source, note):
    found = outcomes(warm, handed(source, double=WRONG))
    assert passed(found) == {'triple-check', 'triple-hidden'}
    assert note in found['double-check'].note

@pytest.mark.parametrize('kind', CHEATS)
def test_cheats_gain_nothing(walled, kind): gains_nothing(walled, *CHEATS[kind])

@pytest.mark.parametrize('kind', CHEATS)
def test_cheats_without_a_sandbox(plain, kind): gains_nothing(plain, *CHEATS[kind])

@pytest.mark.parametrize('kind', CHEATS)
def test_cheats_do_not_cost_points_either(walled, kind):
    source, _ = CHEATS[kind]
    if 'double' not in source: assert passed(outcomes(walled, handed(source))) == ALL

@pytest.mark.parametrize('body, says', [
    ('while True: pass', 'TimeoutError: stopped after 1 s'), ('import os; os._exit(0)', 'ended its process: left Python'),
    ('import os; os.kill(os.getpid(), 9)', 'ended its process: killed'), ('return input()', 'EOFError'),
    ('import sys; sys.exit()', 'SystemExit'), ('return bytearray(40 << 30)', 'MemoryError'), ('raise KeyboardInterrupt', 'KeyboardInterrupt'),
    ('import ctypes; ctypes.string_at(0)', 'ended its process: a segmentation fault')])
def test_harm_within_an_exercise_costs_that_exercise(walled, body, says):
    found = outcomes(walled, handed(double=f'def double(x):\n    {body}'))
    assert passed(found) == {'triple-check', 'triple-hidden'} and found['double-check'].error.startswith(says) and found['double-hidden'].error

def test_a_warning_costs_nothing_and_is_said(walled):
    found = outcomes(walled, handed(double='def double(x):\n    import sys, warnings\n    warnings.warn("slow")\n    print("oh", file=sys.stderr)\n    return 2*x'))
    assert passed(found) == ALL and 'it warned, which costs no points' in found['double-check'].note
    assert {o['name'] for o in found['double-check'].outputs} == {'stdout'}

WAYS = {
    'a class that compares': 'class Num:\n    def __init__(s, v): s.v = v\n    def __lt__(s, o): return s.v < getattr(o, "v", o)\n'
                             'def double(x): return 2*x if np.ndim(x) or not Num(x) < 0 else -2*abs(x)',
    'a class that functools orders': 'import functools\n@functools.total_ordering\nclass Num:\n    def __init__(s, v): s.v = v\n'
                                     '    def __eq__(s, o): return s.v == getattr(o, "v", o)\n    def __lt__(s, o): return s.v < getattr(o, "v", o)\n'
                                     'def double(x): return 2*x if np.ndim(x) or Num(x) >= 0 else -2*abs(x)',
    'a figure': '%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\ndef double(x): return 2*x',
    'await': 'import asyncio\nawait asyncio.sleep(0)\ndef double(x): return 2*x',
    'a counter': 'calls = 0\ndef double(x):\n    global calls\n    calls += 1\n    return 2*x',
    'a dataclass': 'from dataclasses import dataclass\n@dataclass\nclass Two:\n    n: int = 2\ndef double(x): return Two().n*x if Two() == Two(2) else None',
    'a local dataclass': 'from dataclasses import make_dataclass\ndef double(x):\n    P = make_dataclass("P", ["n"])\n    return P(2).n*x if P(2) == P(2) else None',
    'a cache': 'import functools\n@functools.cache\ndef two(): return 2\ndef double(x): return two()*x',
}
@pytest.mark.parametrize('kind', WAYS)
def test_honest_ways_keep_their_points(patient, kind):
    found = outcomes(patient, handed(double=WAYS[kind]))
    assert passed(found) == ALL and found['double'].error == ''

def test_what_a_function_counts_stays_counted(walled):
    found = outcomes(walled, handed('print(calls)', double=WAYS['a counter']))
    assert found['bad'].outputs[0]['text'] == '0\n'
    nb = handed(double=WAYS['a counter'])
    nb.cells.append(cell('late', 'print(calls)'))
    assert outcomes(walled, nb)['late'].outputs[0]['text'] == '2\n', 'by double-show and by the visible check'

def test_time_for_all_cells_ends(walled):
    found = {o.id: o for o in play_in(walled, handed('import time\ntime.sleep(.9)').cells, seconds=.5)}
    assert found['imports'].error == '' and found['triple-check'].error == 'not run: the submission had used up its time'

def test_what_a_submission_sees(walled):
    found = outcomes(walled, handed('import os, sys\nprint(sorted(os.environ), os.listdir("/scratch"), [p for p in os.listdir("/proc") if p.isdigit()], os.getuid(), sys.argv)'))
    text = found['bad'].outputs[0]['text']
    assert 'PATH' in text and '[]' in text and not any(word in text for word in ('PYTEST', 'TINYBENCH', 'SECRET', str(ROOT)))
    assert "['1', '2'" in text, 'it sees no processes but its own'

def test_files_of_one_submission_are_not_seen_by_the_next(walled):
    places = '("f", "/tmp/f", "/dev/shm/f")'
    found = outcomes(walled, handed(f'for p in {places}: open(p, "w").write("mine")'))
    assert not found['bad'].error or 'tmp' in found['bad'].error
    found = outcomes(walled, handed(f'import os\nprint([p for p in {places} if os.path.exists(p)])'))
    assert found['bad'].outputs[0]['text'] == '[]\n'

def test_hidden_checks_are_not_to_be_found(walled):
    look = '''import linecache, sys
def double(x):
    f, seen = sys._getframe(), ''
    while f: seen, f = seen + repr(f.f_code.co_consts) + repr(f.f_locals), f.f_back
    open('leak', 'a').write(seen + repr(linecache.cache.get('<check>')))
    return 2*x'''
    nb = handed(double=look)
    nb.cells.append(cell('late', 'print(open("leak").read())'))
    found = outcomes(walled, nb)
    assert passed(found) == ALL and 'SECRET' not in json.dumps(found['late'].outputs) and 'SECRET' not in json.dumps(found['double-hidden'].outputs)

def test_a_warm_process_that_was_killed_starts_again(walled):
    assert passed(outcomes(walled, handed())) == ALL
    walled.process.kill()
    walled.process.wait()
    assert passed(outcomes(walled, handed())) == ALL


# --- all in one batch

def changed(nb, how):
    nb = deepcopy(nb)
    how(nb)
    return nb

def each_cell(do, *names):
    def how(nb):
        for c in nb.cells:
            if not names or c.id in names: do(c)
    return how

def retype(kind):
    def do(c):
        for k in ('outputs', 'execution_count'): c.pop(k, None)
        c.cell_type = kind
    return do

def drop(*names):
    def how(nb): nb.cells = [c for c in nb.cells if c.id not in names]
    return how

def twice(nb):
    "Every cell twice, as after select all, copy, paste."
    nb.cells += deepcopy(nb.cells)

def newer(c):
    if 'nbgrader' in c.metadata: c.metadata.nbgrader['schema_version'] = 9

def broken_notebooks(course, right):
    "{student: (notebook, points)}: what can be mended costs nothing, and what was to gain points gains none."
    solved, wrong = released(course, **right), released(course, **right | dict(double=WRONG))
    def edit(c): c.source = 'assert True'
    return {
        'lost metadata': (changed(solved, each_cell(lambda c: c.metadata.clear())), 6),
        'lost ids too': (changed(solved, each_cell(lambda c: (c.metadata.clear(), c.update(id=f'{hash(c.source) & 0xffffff:x}')))), 6),
        'newer schema': (changed(solved, each_cell(newer)), 6),
        'deleted checks': (changed(solved, drop('double-check', 'triple-check')), 6),
        'deleted and wrong': (changed(wrong, drop('double-check')), 3),
        'edited check': (changed(wrong, each_cell(edit, 'double-check')), 3),
        'worth more': (changed(wrong, each_cell(lambda c: c.metadata.nbgrader.update(points=99), 'triple-check')), 3),
        'retyped check': (changed(solved, each_cell(retype('markdown'), 'double-check')), 6),
        'raw check': (changed(wrong, each_cell(retype('raw'), 'double-check')), 3),
        'everything twice': (changed(solved, twice), 6),
        'doubled check': (changed(wrong, lambda nb: nb.cells.append(deepcopy(nb.cells[5]))), 3),
        'deleted exercise': (changed(solved, drop('double')), 3),
        'syntax in one': (changed(solved, each_cell(lambda c: c.update(source='def double(x: return 2*x'), 'double')), 3),
        'warns': (released(course, **right | dict(double='import warnings\ndef double(x):\n    warnings.warn("slow")\n    return 2*x')), 6),
        'loops in it': (released(course, **right | dict(double='def double(x):\n    while True: pass')), 3),
        'answers by exit': (released(course, **right | dict(double='def double(x):\n    import os\n    os._exit(0)')), 3),
    }

def broken_files(course, solved):
    "{student: ({file name: bytes}, points)}."
    text = nbformat.writes(solved).encode()
    five = json.dumps(json.loads(text) | dict(nbformat=5)).encode()
    return {
        'cut off': ({FILE: text[:len(text)//2]}, 0), 'nothing in it': ({FILE: b''}, 0), 'a picture': ({FILE: b'\x89PNG\r\n\x1a\n' + bytes(range(256))}, 0),
        'a list': ({FILE: b'[1, 2]'}, 0), 'nested': ({FILE: b'['*100_000}, 0), 'format 5': ({FILE: five}, 0), 'large': ({FILE: text + b' '*(21 << 20)}, 0),
        'word': ({'essay.docx': b'PK\3\4'}, 0), 'no file': ({}, 0), 'cells are text': ({FILE: b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": "x"}'}, 0),
        'a copy': ({'00_core.ops (1).ipynb': text}, 6), 'own name': ({'homework of mine.ipynb': text}, 6), 'no suffix': ({'00_core.ops': text}, 6),
        'two of them': ({FILE: text, '00_core.ops-Copy1.ipynb': text[:99]}, 6), 'bad time': ({FILE: text, 'timestamp.txt': b'soon'}, 6),
    }

def write_files(course, student, files):
    folder = kit.hand_in(course, 'first', student, {})
    for name, data in files.items(): (folder/name).write_bytes(data)
    return folder

def spies(course, outside):
    "Cells that would read what is not theirs, or write where they may not; the last of each a place that any user may write to."
    for name, path in dict(gradebook=course.root/'gradebook.db', source=course.folder('source', 'first', FILE), lesson=course.path(NAME),
                           classmate=course.folder('submitted', 'honest solved', 'first', FILE), graded=course.folder('autograded')).items():
        yield f'reads {name}', f'import os\nprint(os.listdir({str(path)!r}) if os.path.isdir({str(path)!r}) else open({str(path)!r}, "rb").read())'
    for name, path in dict(gradebook=course.root/'gradebook.db', outside=outside/'evil', classmate=course.folder('submitted', 'honest solved', 'first', FILE),
                           library=ROOT/'tinybench'/'evil.py').items():
        yield f'writes {name}', f'open({str(path)!r}, "ab").write(b"evil")'

def tree(folder):
    "What a folder holds."
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() and not p.is_symlink() else '' for p in sorted(folder.rglob('*'))}

HONEST = {'honest solved': (dict(double=DOUBLE, triple=TRIPLE), 6), 'honest partly': (dict(double=DOUBLE), 3), 'honest empty': ({}, 0),
          'honest wrong': (dict(double='def double(x): return x + 2', triple='def triple(x): return x'), 1)}

def descendants(): return {p.pid: p for p in psutil.Process().children(recursive=True)}

@pytest.fixture(scope='module')
def batch(sandbox, tmp_path_factory):
    "All of it graded in one go, once; what is needed to judge the result."
    base = tmp_path_factory.mktemp('batch')
    course, outside, temp = small_course(base/'course'), base/'outside', base/'temp'
    toml = course.root/'course.toml'
    toml.write_text(toml.read_text().replace(f'memory_mb = {LIMITS["memory_mb"]}', f'memory_mb = {SHORT["memory_mb"]}'))
    course = read_course(course.root)
    for folder in (outside, temp): folder.mkdir()
    for folder in (outside, temp): folder.chmod(0o1777)
    right, want = dict(double=DOUBLE, triple=TRIPLE), {}
    def add(student, nb, points):
        kit.hand_in(course, 'first', student, {NAME: nb})
        want[student] = points
    for name, (answers, points) in HONEST.items(): add(name, released(course, **answers), points)
    for name, (source, *_) in (HARM | WALLED).items(): add(name, released(course, source, **right), 6)
    for name, source in spies(course, outside): add(name, released(course, source, **right), 6)
    for name, (source, _) in CHEATS.items(): add(f'cheat {name}', released(course, source, **right | dict(double=WRONG)), 3)
    broken = {name: ({FILE: json.dumps(nb).encode()}, points) for name, (nb, points) in broken_notebooks(course, right).items()}
    for name, (files, points) in (broken | broken_files(course, released(course, **right))).items():
        write_files(course, name, files)
        want[name] = points
    os.symlink(course.path(NAME), write_files(course, 'link to the answers', {})/FILE)
    os.mkfifo(write_files(course, 'a pipe', {})/FILE)
    want |= {'link to the answers': 0, 'a pipe': 0}
    def watched(): return {k: v for k, v in tree(course.root.parent).items() if not k.startswith(('assignments/autograded', 'assignments/gradebook.db'))}
    before, seen = watched(), []
    libc = ctypes.CDLL(None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('TMPDIR', str(temp))
        patch.setattr(tempfile, 'tempdir', None)
        libc.prctl(36, 1)    # PR_SET_CHILD_SUBREAPER: whoever loses its parent becomes a child of this process
        try:
            grade(course, 'first', jobs=1, students=['honest solved'])    # multiprocessing keeps a process of its own
            processes = descendants()
            graded = grade(course, 'first', jobs=2, again=True, progress=lambda *a: seen.append(a))
            left = {pid: p for pid, p in descendants().items() if pid not in processes and p.status() != psutil.STATUS_ZOMBIE}
        finally: libc.prctl(36, 0)
    return dict(course=course, want=want, graded=graded, before=before, after=watched(), seen=seen, outside=outside, temp=temp, left=left,
                scores=kit.scores(course, 'first'), rows={r.student: r for r in graded.rows})

@pytest.mark.slow
def test_batch_gives_everybody_the_right_points(batch):
    sums = {student: sum(of.values()) for student, of in batch['scores'].items()}
    assert sums == batch['want'], {s: (sums.get(s), w) for s, w in batch['want'].items() if sums.get(s) != w}
    assert {s: r.points for s, r in batch['rows'].items()} == batch['want'] and all(r.of == 6 for r in batch['rows'].values())
    assert [s[:2] for s in batch['seen']] == [(i + 1, len(sums)) for i in range(len(sums))]
    assert all(len(of) == 4 and None not in of.values() for of in batch['scores'].values())

@pytest.mark.slow
def test_batch_says_what_happened(batch):
    quiet = [s for s, r in batch['rows'].items() if not r.notes]
    assert set(quiet) == {'half a character', 'honest solved'}
    said = {s: ' '.join(r.notes) for s, r in batch['rows'].items()}
    for name, (_, error, note) in (HARM | WALLED).items():
        error = error.replace(' 1 s', ' 2 s')    # the batch, beside others, has time
        assert any(e in said[name] for e in error.split('|')) and note in said[name], (name, said[name])
    # of outputs a check by value takes what was printed, and says nothing of others
    for name, (_, note) in CHEATS.items(): assert note in said[f'cheat {name}'] or name == 'a result of its own', name
    for name, word in {'cut off': 'cut off', 'nothing in it': 'is empty', 'a picture': 'not text', 'a list': 'not a notebook', 'format 5': 'format 5',
                       'large': '21 MB', 'no file': 'is missing', 'word': 'is missing', 'a copy': 'is taken for', 'own name': 'is taken for',
                       'two of them': 'is left out', 'bad time': 'holds no date', 'lost metadata': 'put back', 'newer schema': 'another version',
                       'deleted checks': 'deleted', 'edited check': 'edited', 'retyped check': 'type of the cell', 'everything twice': 'copied',
                       'worth more': 'points were changed', 'syntax in one': 'SyntaxError', 'warns': 'costs no points', 'link to the answers': 'is missing',
                       'a pipe': 'is missing', 'deleted exercise': 'exercise was deleted', 'imports': ''}.items():
        assert word in said.get(name, ''), (name, said[name])
    assert repr(batch['graded']).count('\n') == len(said) + 2

@pytest.mark.slow
def test_batch_shows_nobody_what_is_not_theirs(batch):
    spied = [s for s in batch['rows'] if s.startswith(('reads', 'writes'))]
    assert len(spied) == 12
    for student in spied:
        nb = read_notebook(batch['course'].folder('autograded', student, 'first', FILE))
        bad = next(c for c in nb.cells if c.id == 'bad')
        assert bad.outputs[0].output_type == 'error' and bad.outputs[0].ename in ('FileNotFoundError', 'OSError', 'ConnectionRefusedError')
        assert 'SECRET' not in json.dumps([c.get('outputs') for c in nb.cells])

@pytest.mark.slow
def test_batch_leaves_nothing_behind(batch):
    assert batch['after'] == batch['before'] and not [*batch['outside'].iterdir()]
    assert not batch['left'], {p: q.cmdline() for p, q in batch['left'].items()}
    assert [p.name for p in batch['temp'].rglob('*') if p.is_file() and p.suffix != '.lock'] == [] and not [*batch['temp'].glob('tinybench-*')]

@pytest.mark.slow
def test_batch_graded_notebooks_are_valid(batch):
    for student, of in batch['scores'].items():
        place = batch['course'].folder('autograded', student, 'first')
        assert (place/'notes.json').is_file() and json.loads((place/'graded.json').read_text())['row']['points'] == batch['want'][student]
        for path in place.glob('*.ipynb'): nbformat.validate(nbformat.read(path, 4))


# --- what a person should read

@pytest.mark.parametrize('source, says', [
    ('import sys\ndef double(x): return sys._getframe(1).f_code', '_getframe'), ('np.all = print', 'np….all = …'),
    ('class E(np.ndarray):\n    def all(self): return True', 'class E(np.ndarray)'), ('from numpy import ndarray as A\nclass E(A): pass', 'class E(A)'),
    ('class A(' + '[0]+'*500 + '[1]): pass', 'class A(…)'), ('L = list\nclass E(L):\n    pass', 'class E(L)'), ('class E(type(1.5)): pass', 'class E(type(1.5))'), ('class E(float): pass', 'class E(float)'),
    ('class NDFrame:\n    def equals(self, other): return True', 'class NDFrame()'), ('class E:\n    def __rsub__(s, o): return 0', '__rsub__'),
    ('def triple(x): return 0', 'triple, which checks use:')])
def test_what_a_person_should_read(source, says):
    lesson = small_lesson()
    if 'triple' in source: lesson.cells.insert(2, cell('given', 'def triple(x): return 3*x'))
    note, = peculiar([*lesson.cells, cell('sly', source)], lesson)
    assert note.startswith('sly uses ') and says in note

def test_few_right_answers_are_pointed_out():
    "Of the right answers to the course's exercises, those that use `setattr` or `__dict__`, and no others."
    course, found = read_course(ROOT), []
    for name in course.notebooks:
        nb = read_notebook(course.path(name))
        for e, answers in to_try(course, name, nb):
            for a in [a for a in answers if a.kind == 'right']: found += peculiar([with_source(e.cell, a.source)], nb)
    assert [f.partition(':')[0] for f in found] == ['parts uses __dict__', 'restore uses setattr']


# --- what costs nobody anything

def test_a_name_of_ipython_is_no_change_of_a_student():
    "IPython gives cells an `open` of its own."
    with Warm(ROOT, [], ['from builtins import open'], Limits(**LIMITS)) as warm:
        found, = play_in(warm, [cell('reads', 'assert open("/dev/null").read() == ""', grade=True, locked=True, points=1)])
    assert found.error == found.note == ''

def test_hidden_checks_need_no_room_of_the_student(sandbox):
    "Each is held by a process until the end."
    found = {o.id: o for o in play(small_lesson().cells, ROOT, ['tinybench.core.ops'], Limits(**LIMITS | dict(processes=2)))}
    assert passed(found) == ALL

def test_a_stopped_warm_process_is_made_anew(monkeypatch):
    with warm_process(False) as warm:
        assert passed(outcomes(warm, small_lesson())) == ALL
        warm.process.send_signal(signal.SIGSTOP)
        monkeypatch.setattr(worker, 'PATIENCE', 3)
        assert passed(outcomes(warm, small_lesson())) == ALL
