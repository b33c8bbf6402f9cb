"A process that stays on one processor for a while."
import os, threading

import pytest

from tinybench.course.box.spaces import kept_on, this_cpu

pytestmark = pytest.mark.skipif(not hasattr(os, 'sched_getaffinity'), reason='needs sched_getaffinity')

def test_it_stays_and_is_free_again():
    usual, cpu = os.sched_getaffinity(0), this_cpu()
    assert cpu in usual
    with kept_on(cpu): assert os.sched_getaffinity(0) == {cpu}
    with pytest.raises(KeyError), kept_on(cpu): raise KeyError
    assert os.sched_getaffinity(0) == usual

def test_threads_started_meanwhile_are_free_too():
    usual, go, seen = os.sched_getaffinity(0), threading.Event(), []
    def late():
        go.wait(20)
        seen.append(os.sched_getaffinity(0))
    with kept_on(this_cpu()):
        t = threading.Thread(target=late)
        t.start()
    go.set()
    t.join()
    assert seen == [usual]

@pytest.mark.parametrize('cpu', [None, 1000])
def test_one_that_is_not_there_changes_nothing(cpu):
    usual = os.sched_getaffinity(0)
    with kept_on(cpu): assert os.sched_getaffinity(0) == usual
    assert os.sched_getaffinity(0) == usual
