"The networks that ship, in codes of int8: quantized in one way, whoever asks"
import numpy as np

from tinybench.data.audio import in_a_row
from tinybench.data.sounds import machine_clips
from tinybench.embedded.tasks import class_examples
from tinybench.exchange.graph import folded
from tinybench.nn.module import Module
from tinybench.optimize.integer import integer
from tinybench.optimize.step import strip

ROWS = 512      # examples that the grids are found by

def calibration(task:str) -> np.ndarray:
    "Examples of `task` that a network has learned from, to find grids by; ValueError without a package."
    x = (class_examples(task, 'train').x if task != 'ad01' else
         in_a_row(machine_clips('train', 2)[0]).reshape(-1, 640))
    rows = np.random.default_rng(0).permutation(len(x))[:ROWS]
    return np.ascontiguousarray(x[np.sort(rows)], np.float32)

def in_codes(
    net:Module,
    x:np.ndarray,       # (n, ...), float32, that the grids are found by: `calibration`
) -> Module:            # from fractions to fractions, in evaluation mode
    "The network in codes of int8, without dropout, its BatchNorm in the weights."
    return integer(folded(strip(net)), x).eval()
