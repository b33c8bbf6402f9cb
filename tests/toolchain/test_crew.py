"Threads that wait for functions to call"
import gc, os, threading, time

import pytest

from tinybench.toolchain.crew import Crew


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
    before = threading.active_count()
    crew = Crew([len]*4)
    crew('x')
    assert threading.active_count() == before + 3
    del crew
    gc.collect()
    for _ in range(200):
        if threading.active_count() == before: break
        time.sleep(.01)
    assert threading.active_count() == before

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
