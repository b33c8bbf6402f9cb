"What a fresh process tells of a technique: how far it grows, and what oneDNN ran in it"
import ctypes, os, re, sys, tempfile
from collections import Counter
import numpy as np

from ..base.memory import resident, settle
from ..base.process import Child
from ..bench.benchmark import OwnPickler
from .runs import Inference, Training, loader_of, run_once
from .techniques import TECHNIQUES, Ready, compiling

CALLS = 3
SECS = 900.     # that a fresh process may take: torch.compile compiles in it

def growth(cell) -> int:
    "Bytes by which this process grows, at the fullest moment, in `CALLS` runs of a cell after its first."
    run_once(cell)                      # what it compiles, and the state of its optimizer, are there
    if hasattr(cell, 'opt'): cell.opt.zero_grad(set_to_none=True)
    cell.out = cell.loss = None
    resident()
    settle()
    before = resident()
    for _ in range(CALLS): cell.run()
    after = resident()
    return max(after['VmHWM'], after['Rss'], before['Rss']) - before['Rss']

def onednn_lines(cell) -> list[str]:
    "What oneDNN says that it ran in one run of `cell`, a line for each primitive; [] if it says nothing."
    import torch
    verbose = torch.backends.mkldnn
    sys.stdout.flush()
    with tempfile.TemporaryFile() as f:         # it writes where C's stdout goes
        kept = os.dup(1)
        os.dup2(f.fileno(), 1)
        try:
            with verbose.verbose(verbose.VERBOSE_ON): cell.run()
        finally:
            ctypes.CDLL(None).fflush(None)
            os.dup2(kept, 1)
            os.close(kept)
        f.seek(0)
        text = f.read().decode('utf-8', 'replace')
    return [line for line in text.splitlines() if ',exec,' in line]

def primitives(lines:list[str]) -> list[dict]:
    "Each line of oneDNN as what it is: kind, implementation, type and layout of its source, milliseconds."
    found = []
    for line in lines:
        parts = line.split(',')
        at = parts.index('exec')
        source = re.search(r'src:(\w+):[^:]*:(\w*):(\w*)', line)
        found.append(dict(kind=parts[at + 2], how=parts[at + 3], type=source[1] if source else '',
                          layout=source[3] if source else '', ms=float(parts[-1])))
    return found

def counted(found:list[dict]) -> list[dict]:
    "The primitives of a kind, implementation and type: how many, and their milliseconds together."
    n, ms = Counter(), Counter()
    for p in found:
        key = p['kind'], p['how'], p['type']
        n[key] += 1
        ms[key] += p['ms']
    return [dict(kind=k, how=how, type=kind, n=n[k, how, kind], ms=ms[k, how, kind]) for k, how, kind in n]

def look(pipe, job:bytes, technique:str, folder:str):
    "The life of a fresh process: what inference, then training, takes of memory; what oneDNN ran."
    import torch
    net, x, y, threads, seed = OwnPickler.loads(job)
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    t, found = TECHNIQUES[technique], {}
    with compiling(folder, t.compiled):
        cell = Inference(Ready(net, t), x)
        found['inference'] = growth(cell)
        onednn_lines(cell)                          # the first time it also says what it is
        found['onednn'] = counted(primitives(onednn_lines(cell)))
        del cell
        loader = loader_of(x, y, len(x), 0, 'cpu', list(range(len(x))))
        found['training'] = growth(Training(Ready(net, t), loader))
    pipe.send(('ok', found))

def packed(net, x:np.ndarray, y:np.ndarray, threads:int, seed:int) -> bytes:
    "A network and a batch for another process; ValueError, a sentence, if it cannot be sent."
    try: return bytes(OwnPickler.dumps((net, x, y, threads, seed)))
    except Exception as e: raise ValueError(
        f'the network cannot be sent to another process ({type(e).__name__}: {e}): let its classes stand '
        'in a module') from e

def in_fresh_process(job:bytes, technique:str, folder, secs:float=SECS) -> dict:
    "What a process of its own says of `technique`; ChildProcessError if it failed, or takes over `secs`."
    with Child(f'the process for {technique}', look, job, technique, str(folder)) as child:
        return child.answer(secs)

def not_here() -> str:
    "Why this system does not say how far a process grows; '' if it does."
    return '' if sys.platform == 'linux' else 'how far a process grows is known on Linux only'
