"Compilers of a few lines, which do what one should not; and new processes"
import subprocess, sys, textwrap, time
from pathlib import Path

import psutil

ADD = 'int add(int a, int b) { return a + b; }\n'

def fake(path, body, version='cc of the Free Software Foundation 1'):
    "A compiler at `path`, a script that counts its compilations in `path`.runs and then does `body`; its path."
    path.write_text(f'#!/bin/sh\ncase "$*" in *--version) echo "{version}"; exit;; esac\n'
                    f'echo run >> "$0.runs"\n{body}\n')
    path.chmod(0o755)
    return path

def runs(path):
    "How often the compiler `path` has compiled."
    count = Path(f'{path}.runs')
    return len(count.read_text().split()) if count.exists() else 0

def python(code, *before, **more):
    "A new Python that runs `code`, under the command `before`."
    return subprocess.Popen([*before, sys.executable, '-c', textwrap.dedent(code)], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **more)

def told(process, secs=300):
    "What `process` printed, once it has ended well."
    out, err = process.communicate(timeout=secs)
    assert process.returncode == 0, err
    return out.strip()

def lives(pid):
    "Whether a process runs; one that has ended and that its parent did not ask about does not."
    try: return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess: return False

def end_soon(pids, secs=20):
    "Whether all of `pids` have ended, or do so soon: a signal takes its time. They would run for longer by themselves."
    until = time.monotonic() + secs
    while any(map(lives, pids)) and time.monotonic() < until: time.sleep(.01)
    return not any(map(lives, pids))

def files(folder): return sorted(p for p in folder.rglob('*') if p.is_file())
