"What students hand in is read in a process of its own, within limits of time and memory"
import gc, resource
from tinybench.base.process import Child
from ..cells import CourseError
from .interrupt import not_for_children

SECONDS, MEMORY_MB = 60, 4096    # for all notebooks of one submission

def answers(pipe, memory_mb):
    "In the other process: call what is asked for, and answer with what it gives, or with its CourseError."
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20,)*2)
    gc.freeze()    # what is loaded stays, and is not to be looked through again and again
    pipe.send(('ok', 'ready'))
    while (asked := pipe.recv()) is not None:
        f, *args = asked
        try: answer = f(*args), None
        except CourseError as e: answer = None, e
        except MemoryError: answer = None, CourseError(f'to read it takes more than {memory_mb:,} MB')
        pipe.send(('ok', answer))

class Reader:
    "Calls functions that read what students wrote in a process of its own, killed if that takes long."
    def __init__(self, seconds=SECONDS, memory_mb=MEMORY_MB):
        self.seconds, self.memory_mb, self.child = seconds, memory_mb, None
    def __call__(self, f, *args):
        "What `f(*args)` gives, in the other process; CourseError if it takes too long or ends that process."
        if self.child is None:
            with not_for_children(): self.child = Child('What reads submissions', answers, self.memory_mb)
            self.child.answer()    # that it is ready: to start is not to read
        try:
            self.child.pipe.send((f, *args))
            if not self.child.pipe.poll(self.seconds):
                raise CourseError(f'to read it takes more than {self.seconds:g} s')
            answer, error = self.child.answer()
        except BaseException as e:    # Ctrl-C too: what it would answer is not for the next question
            self.close()
            if not isinstance(e, (ChildProcessError, OSError)): raise
            error = CourseError('it ended the process that reads submissions')
        if error: raise error
        return answer
    def close(self):
        "End the process, in the middle of what it does."
        if self.child: self.child.close(0)
        self.child = None
    def __enter__(self): return self
    def __exit__(self, *exc): self.close()
