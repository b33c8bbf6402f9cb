"Threads that wait for compiled functions to call"
import os, threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from queue import SimpleQueue

from tinybench.toolchain.run import undisturbed


class Crew:
    """Calls functions that let go of Python's lock, as compiled ones do, at the same time: the first here,
    each other in a thread of its own, which waits in between. A fork of the process starts its own. Who has a
    crew must not be held by its functions: its threads, which hold these, end with the crew."""
    def __init__(self, functions:Sequence[Callable]):
        self.first, *self.others = functions
        self.start()
    def start(self):
        "Start the threads, all or none."
        todo = [SimpleQueue() for _ in self.others]
        try:
            for f, q in zip(self.others, todo):
                threading.Thread(target=wait_and_work, args=(f, q), daemon=True).start()
        except BaseException:
            for q in todo: q.put(None)
            raise
        self.todo, self.process = todo, os.getpid()
    def __del__(self):
        for todo in getattr(self, 'todo', ()): todo.put(None)
    def __call__(self, *args):
        # Ctrl-C in between would leave threads at work for a call that nobody waits for
        with undisturbed() if self.others else nullcontext():
            if self.process != os.getpid(): self.start()
            done = SimpleQueue()        # of this call: what another signal may have ended says nothing here
            for todo in self.todo: todo.put((args, done))
            try: self.first(*args)
            finally: errors = [done.get() for _ in self.todo]
        for e in filter(None, errors): raise e

def wait_and_work(f:Callable, todo:SimpleQueue):
    "What a thread does: call `f` with what it is given and say how that ended, until it is given None."
    while (given := todo.get()) is not None:
        args, done = given
        try: f(*args)
        except BaseException as e: done.put(e)
        else: done.put(None)
        del given, args, done
