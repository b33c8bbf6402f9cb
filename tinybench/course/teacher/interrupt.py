"Ctrl-C while others work: who hears it, and when"
import signal, threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

@contextmanager
def not_for_children() -> Iterator:
    "Threads and processes that are started meanwhile are not sent Ctrl-C; here it arrives at the end."
    resource_tracker.ensure_running()  # who starts this process later unblocks the signal again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try: yield
    finally: signal.pthread_sigmask(signal.SIG_SETMASK, before)

@contextmanager
def ctrl_c(at_once:bool=True) -> Iterator[list]:
    """A list that notes each Ctrl-C, which is raised too: at once, or when this is over, if a library could
    swallow it in between. In the main thread, as no other is sent one."""
    came = []
    if threading.current_thread() is not threading.main_thread(): return (yield came)
    def note(*how):
        came.append(how)
        if at_once: raise KeyboardInterrupt
    before = signal.signal(signal.SIGINT, note)
    try: yield came
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
        if came and not at_once: raise KeyboardInterrupt
