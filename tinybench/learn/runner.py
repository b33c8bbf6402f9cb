"Runs a compiled training step, by one thread or several"
import ctypes, os
from functools import partial
import numpy as np

from ..toolchain.crew import Crew


class Given(ctypes.Structure):
    "What the C calls Step: addresses."
    _fields_ = [(name, ctypes.c_void_p) for name in ('x', 'y', 'arena', 'w', 'g', 'more', 'moving', 'here')]

class StepRunner:
    "The functions of a compiled step, with the memory that they need."
    def __init__(self, lib:ctypes.CDLL, arena:np.ndarray, w:np.ndarray, g:np.ndarray, threads:int):
        self.lib, self.arena, self.w, self.g, self.threads = lib, arena, w, g, threads
        self.more, self.here = np.zeros((threads - 1, w.size), np.float32), np.zeros(2, np.int32)
        self.numbers, self.moved = np.zeros(8, np.float32), None
        lib.gradients.argtypes, lib.gradients.restype = [ctypes.c_void_p, ctypes.c_int], None
        lib.update.argtypes, lib.update.restype = [ctypes.c_void_p]*5 + [ctypes.c_long], None
        lib.length.argtypes, lib.length.restype = [ctypes.c_void_p, ctypes.c_long], ctypes.c_double
        arrays = dict(arena=arena, w=w, g=g, more=self.more, here=self.here)
        self.given = Given(**{name: a.ctypes.data for name, a in arrays.items()})
        address = ctypes.addressof(self.given)
        self.crew = Crew([partial(lib.gradients, address, t) for t in range(threads)])
    def averages(self, moving:list):
        "Have the moving averages in these arrays."
        if self.moved is not None and all(a is b for a, b in zip(moving, self.moved)): return
        sizes = [a.size for a in self.moved or moving]
        for a, n in zip(moving, sizes):
            if a.dtype != np.float32 or not a.flags.c_contiguous or a.size != n: raise TypeError(
                f'moving averages of a BatchNorm have become {a.size} numbers of {a.dtype}: a step in C is '
                f'for {n} of float32 in one piece')
        self.moved = list(moving)
        self.pointers = (ctypes.c_void_p*max(len(moving), 1))(*(a.ctypes.data for a in moving))
        self.given.moving = ctypes.addressof(self.pointers)
    def gradients(self, x:np.ndarray, y:np.ndarray):
        "Loss and gradients for a batch: `x` float32, `y` of the type that the loss takes, both in one piece."
        self.given.x, self.given.y = (a.__array_interface__['data'][0] for a in (x, y))
        if self.crew.process != os.getpid(): self.here[:] = 0   # a fork: threads that waited are not there
        self.crew()
    def length(self) -> float: return self.lib.length(self.given.g, self.g.size)
    def update(self, m:np.ndarray|None, v:np.ndarray|None, numbers:list):
        "Move the parameters; `m` and `v` are the memory of the optimizer."
        self.numbers[:len(numbers)] = numbers
        slots = (None if a is None else a.ctypes.data for a in (m, v))
        self.lib.update(self.given.w, self.given.g, *slots, self.numbers.ctypes.data, self.w.size)
