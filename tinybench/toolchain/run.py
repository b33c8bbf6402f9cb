"A run of a compiler that ends, without a shell"
import os, re, shutil, signal, threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


def environment() -> dict[str, str]:
    "What a compiler finds around it: English, and a place for its files in the folder where it runs."
    own = dict(LC_ALL='C', TMPDIR='.', ZIG_LOCAL_CACHE_DIR='zig', ZIG_GLOBAL_CACHE_DIR='zig')
    return {**os.environ, **(own if os.name == 'posix' else {'LC_ALL': 'C'})}

@contextmanager
def undisturbed() -> Iterator[None]:
    "Ctrl-C waits until the block has ended: in the middle of a start, nobody would know what to end."
    if threading.current_thread() is not threading.main_thread(): return (yield)    # it never comes there
    caught, before = [], signal.getsignal(signal.SIGINT)
    if not callable(before): return (yield)         # ignored, or not Python's
    signal.signal(signal.SIGINT, lambda *args: caught.append(args))
    try: yield
    finally: signal.signal(signal.SIGINT, before)
    if caught: before(*caught[0])

def end(process):
    "End `process`, a Popen, and all that it started, if it still runs."
    if process.poll() is not None: return
    if os.name == 'posix': os.killpg(process.pid, signal.SIGKILL)
    else: process.kill()
    process.wait()

def run(command:Sequence[str], folder:str, secs:float, also:Mapping[str, str]={}) -> tuple[int, str]:
    """Exit status of `command`, run in `folder`, and the start of what it printed; it has ended in any case,
    Ctrl-C too. `also`: more of its environment. OSError if it does not start, TimeoutError if it takes
    more than `secs`."""
    import subprocess           # not above: what was kept is loaded without it
    said = Path(folder, 'said.txt')     # a file: a pipe stays open while any child has it
    with open(said, 'wb') as out:
        process = None
        try:
            with undisturbed():
                process = subprocess.Popen(command, cwd=folder, env={**environment(), **also},
                                           start_new_session=True, stdin=subprocess.DEVNULL, stdout=out,
                                           stderr=subprocess.STDOUT)
            code = process.wait(secs)
        except subprocess.TimeoutExpired: raise TimeoutError(f'did not end within {secs:g} s') from None
        finally:
            if process: end(process)
    with open(said, 'rb') as f: return code, f.read(1 << 16).decode('utf-8', 'replace')

def complaint(code:int, said:str) -> str:
    "The first error in what a compiler `said`, in one line; else its first line, or how it ended."
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ['it said nothing']
    first = next((line for line in lines if re.search(r'\berror\b|undefined reference', line)), lines[0])
    ended = f'signal {-code}' if code < 0 else f'exit status {code}'
    return f'{"".join(c if c.isprintable() else "?" for c in first[:300])} ({ended})'

def room(folder:str) -> str:
    "What to add to a failure if the disk is full."
    free = shutil.disk_usage(folder).free
    return f'; the disk of {folder} is full, {free:,} bytes are free' if free < 1 << 20 else ''
