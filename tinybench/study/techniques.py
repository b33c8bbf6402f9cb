"What may make a PyTorch network faster, and the network with it in place"
import copy, os, warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import numpy as np

from ..backends.base import ModelError


@dataclass(frozen=True)
class Technique:
    "How a network is run: images stored channels `last`, `bfloat16` by autocast, or `compiled`."
    name: str
    last: bool = False
    bfloat16: bool = False
    compiled: bool = False

NO_TORCH = 'PyTorch is not installed: pip install "tinybench-ml[torch]"'
CACHE = 'TORCHINDUCTOR_CACHE_DIR'
FACTORS = 'channels last', 'bfloat16'       # all combinations of these are measured: they have main effects
TECHNIQUES = {t.name: t for t in (
    Technique('base'), Technique('channels last', last=True), Technique('bfloat16', bfloat16=True),
    Technique('channels last + bfloat16', last=True, bfloat16=True), Technique('compile', compiled=True))}

# How far outputs may be off, in parts of the largest one of base. A rounding to bfloat16, of eight binary
# digits, is off by up to 0.2 %, and a few layers add up to several times that.
# On a GPU float32 is multiplied as TF32, of eleven.
CLOSE, CLOSE_GPU, CLOSE_BFLOAT16 = 1e-4, .005, .05

def allowed(t:Technique, gpu:bool=False) -> float:
    "How far the outputs of `t` may be off."
    return CLOSE_BFLOAT16 if t.bfloat16 else CLOSE_GPU if gpu else CLOSE

def why_not(t:Technique, x:np.ndarray) -> str:
    "Why `t` says nothing about a network that takes `x`; '' if it does."
    if t.last and x.ndim != 4:
        return f'channels last is for images (n, c, h, w), and examples here have {x.ndim} dimensions'
    return ''

def simple_cnn(shape:tuple=(3, 32, 32), classes:int=10, width:int=32):
    "SimpleCNN for images of `shape` (c, h, w): two 3x3 convolutions, each pooled, and two dense layers."
    from torch import nn
    c, h, w = shape
    if min(h, w) < 4: raise ValueError(f'images of {h}x{w}: two poolings take at least 4x4')
    return nn.Sequential(
        nn.Conv2d(c, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(width, 2*width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear((h//4)*(w//4)*2*width, 128), nn.ReLU(), nn.Linear(128, classes))

class Ready:
    "A copy of `net` on `device` with a technique in place; called with a batch as `given` lays it out."
    def __init__(self, net, t:Technique, device:str='cpu'):
        import torch
        self.technique, self.device = t, device
        self.layout = torch.channels_last if t.last else torch.contiguous_format
        self.net = copy.deepcopy(net).to(device)
        if t.last: self.net = self.net.to(memory_format=self.layout)
        # sizes that change are another program: one for each batch, as in a benchmark there are two
        self.call = torch.compile(self.net, dynamic=False) if t.compiled else self.net
    def given(self, x):
        "`x`, a tensor, on the device and in the layout of the technique."
        return x.to(self.device, memory_format=self.layout) if x.ndim == 4 else x.to(self.device)
    def __call__(self, x):
        import torch
        if not self.technique.bfloat16: return self.call(x)
        with torch.autocast(self.device, torch.bfloat16): return self.call(x)

@contextmanager
def compiling(folder, wanted:bool=True) -> Iterator[None]:
    """torch.compile by this process alone, from nothing, its files in `folder`; afterwards as before. Nothing
    is done if it is not `wanted`: to import it takes seconds."""
    if not wanted: return (yield)
    before = os.environ.get(CACHE)
    # torch warns of names of its own that it means to drop
    with warnings.catch_warnings():
        for kind in (DeprecationWarning, FutureWarning): warnings.simplefilter('ignore', kind)
        import torch._dynamo
        import torch._inductor.config as inductor
        os.environ[CACHE] = str(folder)
        try:
            with inductor.patch(compile_threads=1): yield
        finally:
            torch._dynamo.reset()
            if before is None: del os.environ[CACHE]
            else: os.environ[CACHE] = before

def compile_words(e:Exception) -> str:
    "Why torch.compile did not work, as one says it."
    text = str(e)
    if 'Python.h' in text: return (
        'torch.compile needs the headers of Python, which are not there (Python.h): on Debian the package '
        'python3-dev')
    if 'InvalidCxxCompiler' in text or 'No working C++ compiler' in text: return (
        'torch.compile needs a C++ compiler, and found none that works: install g++ or clang++, or name one '
        'by the variable CXX')
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f'torch.compile failed: {type(e).__name__}: {lines[0][:200] if lines else ""}'.rstrip(': ')

@contextmanager
def blamed(t:Technique, what:str) -> Iterator[None]:
    "An exception in the block becomes a `ModelError` of the technique: `what` is what it did not do."
    try: yield
    except ModelError: raise
    except Exception as e:
        if t.compiled: raise ModelError(t.name, f'is not run: {compile_words(e)}') from e
        said = str(e).strip().splitlines()
        raise ModelError(t.name, f'{what}: {type(e).__name__}: {said[0][:200] if said else ""}') from e
