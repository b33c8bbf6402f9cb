"Threads that wait for functions to call"
import gc, os, signal, threading, time

import pytest

from tinybench.toolchain.crew import Crew


def ended(threads):
    "Whether all these end, in time."
    for t in threads: t.join(20)
    return not any(t.is_alive() for t in threads)

def test_each_function_is_called_once_with_what_is_given():
    got = [[] for _ in range(3)]
    crew = Crew([lambda *args, g=g: g.append((args, threading.current_thread())) for g in got])
    for i in range(20): crew(i, 'x')
    assert all([args for args, _ in g] == [(i, 'x') for i in range(20)] for g in got)
    threads = [{t for _, t in g} for g in got]
    assert threads[0] == {threading.main_thread()} and all(len(t) == 1 for t in threads) and len(set.union(*threads)) == 3

def test_they_run_at_the_same_time():
    meet = threading.Barrier(3, timeout=20)     # broken, if one has to end before the next begins
    Crew([meet.wait]*3)()

def test_a_call_ends_when_all_have():
    done = []
    Crew([lambda: None, lambda: (time.sleep(.05), done.append(1))])()
    assert done == [1]

def test_nobody_waits_for_a_crew_that_is_gone():
    before = {*threading.enumerate()}
    crew = Crew([len]*4)
    crew('x')
    own = {*threading.enumerate()} - before
    assert len(own) == 3
    del crew
    gc.collect()
    assert ended(own)

@pytest.mark.skipif(not hasattr(os, 'fork'), reason='needs fork')
@pytest.mark.filterwarnings('ignore:This process:DeprecationWarning')
def test_a_fork_has_threads_of_its_own():
    got = []
    crew = Crew([lambda: None, lambda: got.append(os.getpid())])
    crew()
    if not (pid := os.fork()):
        crew()
        os._exit(0 if got[-1] == os.getpid() and len(got) == 2 else 1)
    deadline = time.monotonic() + 30
    while not (ended := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < deadline: time.sleep(.01)
    if not ended[0]: os.kill(pid, 9)
    assert ended[0] and os.waitstatus_to_exitcode(ended[1]) == 0

def test_an_error_ends_the_call_when_all_have_ended_and_the_next_is_whole():
    "Wherever it is raised: here, or in a thread."
    slow, fail = [], [True]
    def wait(): time.sleep(.05), slow.append(1)
    def may_fail():
        if fail: raise KeyError('here')
    for crew in (Crew([may_fail, wait]), Crew([wait, may_fail]), Crew([lambda: None, may_fail, wait])):
        slow.clear(), fail.append(True)
        for _ in range(2):
            with pytest.raises(KeyError, match='here'): crew()
        assert len(slow) == 2
        fail.clear()
        crew()
        assert len(slow) == 3

@pytest.mark.skipif(not hasattr(signal, 'setitimer'), reason='needs setitimer')
def test_a_signal_that_raises_leaves_no_call_half_done():
    done = []
    crew = Crew([lambda: time.sleep(.2), lambda: (time.sleep(.3), done.append(1))])
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, .05)
        with pytest.raises(KeyboardInterrupt): crew()
    finally: signal.signal(signal.SIGALRM, before)
    had = len(done)
    crew()
    assert had == 1 and len(done) == 2

def test_threads_start_all_or_none(monkeypatch):
    started, real = [], threading.Thread.start
    def start(self):
        if started: raise RuntimeError("can't start new thread")
        started.append(self)
        real(self)
    monkeypatch.setattr(threading.Thread, 'start', start)
    with pytest.raises(RuntimeError, match='new thread'): Crew([len]*4)
    assert ended(started)
