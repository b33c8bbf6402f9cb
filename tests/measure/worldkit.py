"Pairs in the worlds of `tinybench operating`: their log ratios, for as many runs as you like."
import numpy as np
from tinybench.operating.worlds import World

def log_ratios(world:World, rng:np.random.Generator, runs:int, n:int) -> np.ndarray:
    """d of `n` pairs in each of `runs` (runs, n): log time of one job less that of the other, equal one.
    A round has a slot for each, and a fair coin says who gets which."""
    slots, first = world.noise(rng, (runs, 2*n)).reshape(runs, n, 2), rng.integers(0, 2, (runs, n, 1))
    a, b = (np.take_along_axis(slots, i, 2)[..., 0] for i in (first, 1 - first))
    return world.seen(a) - world.seen(b)
