"Processes behind a pipe: answers, failures with their words, a death that is said, an end that comes; and who watches."
import io, os, sys, threading, time
import pytest
from tinybench.base.process import Child, bar_is_seen, in_new_thread, in_notebook

def doubles(pipe):
    while (request := pipe.recv()) is not None: pipe.send(('ok', 2*request[0]))
def fails(pipe): raise ArithmeticError('far from home')
def dies(pipe): os._exit(3)
def sleeps(pipe): time.sleep(60)

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

def test_a_new_thread_is_another_one():
    assert in_new_thread(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError): in_new_thread(lambda: 1/0)

def test_nobody_sees_a_bar_in_a_file(monkeypatch):
    monkeypatch.setattr(sys, 'stderr', io.StringIO())
    assert not bar_is_seen() and not in_notebook()
