"This process and others: whether anybody watches, a thread of its own, a process behind a pipe"
import multiprocessing, signal, sys, traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress


def in_notebook() -> bool:
    "Whether a Jupyter kernel runs this code; that `ipykernel` is imported is no sign of it."
    ipython = sys.modules.get('IPython')
    return ipython is not None and hasattr(ipython.get_ipython(), 'kernel')

def bar_is_seen() -> bool:
    "Whether anybody sees a progress bar on stderr: in a terminal, or under a cell of a notebook."
    return sys.stderr.isatty() or type(sys.stderr).__module__.startswith('ipykernel')


def in_new_thread(f:Callable):
    "What `f()` gives in a thread of its own, which has none of the buffers that this one keeps."
    with ThreadPoolExecutor(1) as worker: return worker.submit(f).result()


class Child:
    "A new process that runs `life(pipe, *args)`, and answers by `pipe.send(('ok', answer))`."
    def __init__(self, name:str, life:Callable, *args):
        spawn, self.name = multiprocessing.get_context('spawn'), name
        self.pipe, theirs = spawn.Pipe()
        self.process = spawn.Process(target=live, args=(life, theirs, *args), daemon=True)
        self.process.start()
        theirs.close()
    def answer(self, secs:float|None=None):
        """Its next answer; ChildProcessError with its message if it failed, is gone, or has not answered
        after `secs`, when it is ended."""
        try:
            late = secs is not None and not self.pipe.poll(secs)
            status, *rest = ('late',) if late else self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(5)
            raise ChildProcessError(
                f'{self.name} ended without a word (exit code {self.process.exitcode}); a script that starts '
                'processes needs `if __name__ == "__main__":` around the call that does') from None
        if status == 'ok': return rest[0]
        if status == 'late':
            self.kill()
            raise ChildProcessError(f'{self.name} did not answer within {secs:g} s')
        failure = ChildProcessError(f'{self.name} failed: {rest[0]}')
        failure.add_note(rest[1])
        raise failure
    def ask(self, *request):
        "Its answer to `request`."
        try: self.pipe.send(request)
        except OSError: pass                # it is gone: `answer` says so
        return self.answer()
    def kill(self):
        "Ends it now, and all that it started."
        import psutil
        try:
            its = psutil.Process(self.process.pid)
            its.suspend()                   # it starts no more while these are listed
            for p in [*its.children(recursive=True), its]:
                with suppress(psutil.NoSuchProcess): p.kill()
        except psutil.Error: self.process.kill()
        self.process.join()
    def close(self, secs:float=5):
        "Let it end; after `secs` it has to."
        try: self.pipe.send(None)
        except OSError: pass                # it has ended already
        self.process.join(secs)
        if self.process.is_alive(): self.kill()
        self.process.join()
        self.pipe.close()
    def __enter__(self): return self
    def __exit__(self, kind, *_): self.close(5 if kind is None else 0)

def live(life:Callable, pipe, *args):
    "What a `Child` does; an exception in `life` is its answer."
    signal.signal(signal.SIGINT, signal.SIG_IGN)    # Ctrl-C is for the parent, which ends its children
    try: life(pipe, *args)
    except EOFError: pass                           # the parent is gone
    except Exception as e: pipe.send(('error', f'{type(e).__name__}: {e}', traceback.format_exc()))
