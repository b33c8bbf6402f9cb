"One fresh process: from its start to a first answer, how large it grows, and what answers then take"
import json, subprocess, sys, tempfile, time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Timer
import numpy as np

from ..backends.base import running
from ..base.memory import peak_bytes
from ..base.terminal import echo
from ..measure.clock import interleave
from ..tasks.task import TASKS
from .network import model_of, open_file

TIMED = 'latency', 'preprocessing', 'inference', 'postprocessing'
CALLS = 3               # answers before the memory is read
COMMAND = sys.executable, '-m', 'tinybench.forms.fresh'
SIDE = 96               # of the matrices whose product is timed beside, so that a run can be held to another

def steps_of(model, task:str, x:np.ndarray) -> dict[str, Callable]:
    """By name what an answer to the stored example `x`, (1, ...), takes: to the type and place that the model
    takes, the model, and to a class or a score; and all three."""
    def pre(): return model.feed(np.ascontiguousarray(x, model.dtype))
    def post(out):
        y = model.read(out)
        if task and TASKS[task].metric == 'AUC': return float(((y - x)**2).mean())
        return int(y.reshape(-1).argmax())
    fed = pre()
    out = model.call(fed)
    return dict(latency=lambda: post(model.call(pre())), preprocessing=pre, inference=lambda: model.call(fed),
                postprocessing=lambda: post(out))

def product() -> Callable:
    "A product of matrices, the same for every model."
    a = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    out = np.empty_like(a)
    return lambda: np.matmul(a, a, out=out)

def timed(model, task:str, x:np.ndarray, rounds:int, seed:int) -> dict[str, float]:
    "Median seconds of each step and of a `product`, taken in turns."
    steps = steps_of(model, task, x) | dict(product=product())
    secs = interleave(steps, rounds, rng=np.random.default_rng(seed), warm=1)
    return {k: float(np.median(v)) for k, v in secs.items()}

def live():
    "Reads what to do from stdin, and writes a line when ready, one at the first answer, one at the end."
    def tell(x): echo(json.dumps(x))
    do = json.loads(sys.stdin.readline())
    tell('ready')
    o = open_file(Path(do['file']), do['network'], do['task'])
    model, x = model_of(o, do['name'], do['runtime']), np.load(do['example'], allow_pickle=False)
    with running([model], 1):
        first = steps_of(model, do['task'], x)['latency']()
        tell(first)
        for _ in range(CALLS): steps_of(model, do['task'], x)['latency']()
        tell(dict(memory=peak_bytes(), secs=timed(model, do['task'], x, do['rounds'], do['seed'])))

def run_fresh(do:Mapping, clock:Callable=time.perf_counter, secs:float=600.) -> dict:
    """What one fresh process found: seconds to `startup` and to `deployment`, its `answer`, `memory` (bytes
    or None), and seconds of each step and of the `product`. ChildProcessError, with its last words, if it
    fails, or has not ended after `secs`."""
    start, lines, at, late = clock(), [], [], []
    # its errors go to a file: a pipe that nobody reads meanwhile would fill, and it would wait for ever
    with tempfile.TemporaryFile() as errors, subprocess.Popen(
            COMMAND, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as p:
        timer = Timer(secs, lambda: (late.append(True), p.kill()))
        timer.start()
        try:
            with suppress(BrokenPipeError), p.stdin: p.stdin.write(json.dumps(do) + '\n')
            for line in p.stdout:
                at.append(clock() - start)
                lines.append(line)
            p.wait()
        except BaseException:
            p.kill()
            raise
        finally: timer.cancel()
        errors.seek(0)
        words = errors.read().decode('utf-8', 'replace').strip().splitlines()
    why = f'it took over {secs:g} s' if late else words[-1] if words else f'status {p.returncode}'
    if p.returncode or len(lines) != 3: raise ChildProcessError(
        f'a fresh process with {do["name"]} failed: {why}')
    lines = [json.loads(line) for line in lines]
    _, answer, rest = lines
    return dict(startup=at[0], deployment=at[1], answer=answer, memory=rest['memory'], **rest['secs'])

if __name__ == '__main__': live()
