"Processes behind a pipe: answers, failures with their words, a death that is said, an end that comes; and who watches."
import io, os, subprocess, sys, threading, time
import psutil
import pytest
from tinybench.base.process import Child, bar_is_seen, in_new_thread, in_notebook

def doubles(pipe):
    while (request := pipe.recv()) is not None: pipe.send(('ok', 2*request[0]))
def fails(pipe): raise ArithmeticError('far from home')
def dies(pipe): os._exit(3)
def sleeps(pipe): time.sleep(60)
def starts(pipe):
    pipe.send(('ok', subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid))
    time.sleep(600)

def test_a_child_answers_until_it_is_told_to_end():
    with Child('twice', doubles) as child: assert [child.ask(i) for i in range(3)] == [0, 2, 4]
    assert child.process.exitcode == 0

def test_a_child_that_fails_or_dies_says_so():
    with Child('it', fails) as child, pytest.raises(ChildProcessError, match='it failed: ArithmeticError: far from home') as e: child.answer()
    assert 'in fails' in e.value.__notes__[0]
    with Child('it', dies) as child, pytest.raises(ChildProcessError, match=r'it ended without a word \(exit code 3\).*__main__'): child.answer()

def test_an_exception_in_the_block_ends_a_child_at_once():
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt), Child('it', sleeps) as child: raise KeyboardInterrupt
    assert time.perf_counter() - start < 30 and child.process.exitcode

@pytest.mark.parametrize('ends', [lambda child: child.kill(), lambda child: child.close(0)])
def test_a_child_that_has_to_end_leaves_nothing_of_what_it_started(ends):
    child = Child('it', starts)
    theirs = psutil.Process(child.answer())
    ends(child)
    assert child.process.exitcode and psutil.wait_procs([theirs], 30)[1] == []

def test_a_child_has_so_many_seconds_to_answer():
    with Child('it', sleeps) as child:
        with pytest.raises(ChildProcessError, match=r'it did not answer within 0\.1 s'): child.answer(.1)
        assert child.process.exitcode
    with Child('twice', doubles) as child:
        child.pipe.send((2,))
        assert child.answer(60) == 4

def test_a_new_thread_is_another_one():
    assert in_new_thread(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError): in_new_thread(lambda: 1/0)

def test_nobody_sees_a_bar_in_a_file(monkeypatch):
    monkeypatch.setattr(sys, 'stderr', io.StringIO())
    assert not bar_is_seen() and not in_notebook()
