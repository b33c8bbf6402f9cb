"One measurement of the explorers at a time, and what is to be drawn meanwhile is drawn afterwards"
import threading
from collections.abc import Callable
from contextlib import contextmanager

class Cancelled(Exception): "A measurement was called off."

class OneAtATime:
    """Lets one measurement run at a time, of those that take turns here, and keeps what is to be drawn until
    it has ended. A cell or another process that measures by itself is not held back."""
    def __init__(self): self.lock, self.drawing, self.later = threading.Lock(), threading.RLock(), {}
    @contextmanager
    def measuring(self, waiting:Callable=lambda: None):
        "Alone in the block; until then `waiting()` is called ten times a second."
        while not self.lock.acquire(timeout=.1): waiting()
        try:
            with self.drawing: pass                 # what is being drawn now is finished first
            yield
        finally:
            self.lock.release()
            self.catch_up()
    def when_quiet(self, f:Callable, *args) -> bool:
        "Calls `f(*args)` now, or once after the measurement that runs; whether it was now."
        with self.drawing:
            quiet = not self.lock.locked()
            if quiet: f(*args)
            else: self.later[f, args] = None
            return quiet
    def catch_up(self):
        with self.drawing:
            while self.later and not self.lock.locked():
                f, args = next(iter(self.later))
                del self.later[f, args]
                f(*args)

TURN = OneAtATime()    # all explorers of this process take it
