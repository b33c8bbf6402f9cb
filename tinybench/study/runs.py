"What is timed: calls on a batch, and epochs of a real loop; on the CPU by the clock, on a GPU by its events"
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
import numpy as np

from ..backends.base import ModelError, check_output
from ..measure.clock import call_secs, random_rounds, warm_up
from ..measure.pairs import paired_results
from .techniques import Ready, blamed

CPU, GPU = 'cpu', 'cuda'

@dataclass(frozen=True)
class Setting:
    "What is measured beside what: a column."
    mode: str                 # 'inference' or 'training'
    batch: int
    workers: int = 0          # processes of the loader, in training
    device: str = CPU
    @property
    def metric(self) -> str:
        loader = f', {workers_words(self.workers)}' if self.mode == 'training' else ''
        return f'{self.mode}, batch {self.batch}{loader}{on(self.device)}'

def workers_words(n:int) -> str: return f'{n or "no"} worker{"" if n == 1 else "s"}'
def on(device:str) -> str: return ' on the GPU' if device == GPU else ''

def settings_of(mode:str, batches, workers, devices) -> list[Setting]:
    "All settings of a mode, in their order; of inference without a loader."
    loaders = workers if mode == 'training' else (0,)
    return [Setting(mode, b, w, d) for d in devices for b in batches for w in loaders]

class Inference:
    "Calls of a network that is ready on one batch, in evaluation mode, without gradients."
    def __init__(self, ready:Ready, x:np.ndarray):
        import torch
        ready.net.eval()
        self.ready, self.n, self.x, self.out = ready, len(x), ready.given(torch.from_numpy(x)), None
    def run(self):
        import torch
        with torch.inference_mode(): self.out = self.ready(self.x)
    def check(self) -> np.ndarray:
        "The last output, float32; ModelError if it is not a batch of finite numbers."
        import torch
        name = self.ready.technique.name
        if not isinstance(self.out, torch.Tensor): raise ModelError(
            name, f'gave a {type(self.out).__name__} instead of one tensor: wrap the network')
        return check_output(name, self.out.float().numpy(force=True), self.n)

class Examples:
    "Arrays as PyTorch's loader takes them, an example at a time."
    def __init__(self, x:np.ndarray, y:np.ndarray): self.x, self.y = x, y
    def __len__(self): return len(self.x)
    def __getitem__(self, i):
        import torch
        return torch.from_numpy(self.x[i]), int(self.y[i])

def epoch_rows(n:int, batch:int, batches:int, seed:int) -> list[int]:
    "Row numbers of `batches` whole batches of `n` examples: shuffled, and again if there are too few."
    rng, need = np.random.default_rng(seed), batch*batches
    return np.concatenate([rng.permutation(n) for _ in range(math.ceil(need/n))])[:need].tolist()

def loader_of(x, y, batch:int, workers:int, device:str, rows:list):
    "PyTorch's loader over `rows` in their order; its workers stay from epoch to epoch."
    from torch.utils.data import DataLoader
    return DataLoader(Examples(x, y), batch, sampler=rows, num_workers=workers, pin_memory=device == GPU,
                      persistent_workers=workers > 0)

class Training:
    "Epochs of a real loop: batches from the loader, loss, gradients, a step of Adam."
    def __init__(self, ready:Ready, loader, lr:float=1e-3):
        import torch
        ready.net.train()
        self.ready, self.loader, self.n, self.loss = ready, loader, len(loader.sampler), None
        self.opt = torch.optim.Adam(ready.net.parameters(), lr)
    def step(self, x, y):
        from torch.nn.functional import cross_entropy
        self.opt.zero_grad(set_to_none=True)
        out = self.ready(self.ready.given(x))
        self.loss = cross_entropy(out.float(), y.to(self.ready.device))
        self.loss.backward()
        self.opt.step()
    def run(self):
        for x, y in self.loader: self.step(x, y)
    def check(self):
        "ModelError if the loss is no finite number."
        loss = float(self.loss.detach())
        if not math.isfinite(loss):
            raise ModelError(self.ready.technique.name, f'has a loss of {loss} in training')

def run_once(cell):
    "One run, waited for; ModelError with the technique's name, or `GONE`."
    t = cell.ready.technique
    with blamed(t, 'could not be run'):
        try:
            cell.run()
            wait(cell.ready.device)
        except RuntimeError as e: raise about_workers(e) from e

def about_workers(e:RuntimeError) -> Exception:
    "`e`, or a `ModelError` about the loader if a worker of it ended by itself."
    return ModelError(GONE, str(e).splitlines()[0]) if 'DataLoader worker' in str(e) else e

GONE = 'loader'     # the name in a ModelError that is about workers, not about a technique

def wait(device:str):
    "Until a GPU has done what it was given."
    if device != GPU: return
    import torch
    torch.cuda.synchronize()

def seconds(f:Callable, device:str, inner:int) -> float:
    "Seconds a call of `inner` calls: by the clock, or by two events of the GPU, nothing queued around them."
    if device != GPU: return call_secs(f, inner)
    import torch
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    for _ in range(inner): f()
    end.record()
    end.synchronize()
    return start.elapsed_time(end)/1e3/inner            # it tells milliseconds

MOST = {CPU: 6, GPU: 20}    # runs to become calm: a GPU also has to raise its clock

def calm(cell, min_secs:float) -> int:
    "Runs a cell until it is calm, `MOST` times at most; how many calls of it take `min_secs`."
    def one():
        cell.run()
        wait(cell.ready.device)
    found = warm_up(one, inner=1, window=3, limit=.1, most=MOST[cell.ready.device])
    return max(1, math.ceil(min_secs/float(np.median(found.secs[-3:]))))

def time_build(cells:Mapping, rounds:int, rng:np.random.Generator, min_secs:float=.01,
               tell:Callable|None=None) -> dict:
    """Seconds an example of each cell, by its key (technique, metric), in turns: a `BenchmarkResult` each.
    ModelError naming the technique, or `GONE`, if one fails; every round's output is checked."""
    inner = {}
    for k, cell in cells.items():
        run_once(cell)
        cell.check()
        inner[k] = calm(cell, min_secs)
    secs = {k: np.empty(rounds) for k in cells}
    for i, order in enumerate(random_rounds(list(cells), rounds, rng)):
        for k in order:
            cell = cells[k]
            try: secs[k][i] = seconds(cell.run, cell.ready.device, inner[k])/cell.n
            except RuntimeError as e: raise about_workers(e) from e
        for cell in cells.values(): cell.check()
        if tell: tell(i + 1, rounds)
    return paired_results(secs, inner, 'time an example')
