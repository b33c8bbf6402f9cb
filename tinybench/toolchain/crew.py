"Threads that wait for compiled functions to call"
import os, threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from queue import SimpleQueue

from tinybench.toolchain.run import undisturbed


class Crew:
    """Calls functions that let go of Python's lock, as compiled ones do, at the same time: the first here,
    each other in a thread of its own, which waits in between. A fork of the process starts its own."""
    def __init__(self, functions:Sequence[Callable]):
        self.first, *self.others = functions
        self.start()
    def start(self):
        "Start the threads."
        self.process, self.done = os.getpid(), SimpleQueue()
        self.todo = [SimpleQueue() for _ in self.others]
        for f, todo in zip(self.others, self.todo):
            threading.Thread(target=wait_and_work, args=(f, todo, self.done), daemon=True).start()
    def __del__(self):
        for todo in getattr(self, 'todo', ()): todo.put(None)
    def __call__(self, *args):
        if self.process != os.getpid(): self.start()
        # Ctrl-C in between would leave threads at work for a call that nobody waits for
        with undisturbed() if self.todo else nullcontext():
            for todo in self.todo: todo.put(args)
            self.first(*args)
            for _ in self.todo: self.done.get()

def wait_and_work(f:Callable, todo:SimpleQueue, done:SimpleQueue):
    "What a thread does: call `f` with what it is given, until it is given None."
    while (args := todo.get()) is not None:
        f(*args)
        done.put(True)
