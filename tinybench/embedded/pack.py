"Weights in about a quarter of their size: matrices as int8 codes, all else as float16 if it fits"
import numpy as np

from tinybench.base.files import shipped
from tinybench.nn.module import Module, load_arrays

def packed(state:dict) -> dict[str, np.ndarray]:
    """Arrays of two axes or more as int8 codes with a scale a column, `NAME.scale`; others as float16, or as
    they are if a number is too large for it."""
    out = {}
    for name, a in state.items():
        if a.ndim < 2: out[name] = a.astype(np.float16 if np.abs(a).max(initial=0) < 65504 else a.dtype)
        else:
            scale = np.abs(a).max(tuple(range(a.ndim - 1)))/np.float32(127)
            scale = np.where(scale > 0, scale, 1).astype(np.float32)      # all zero: any scale does
            out[name], out[f'{name}.scale'] = np.rint(a/scale).astype(np.int8), scale
    return out

def unpacked(arrays:dict) -> dict[str, np.ndarray]:
    "What `packed` packed, as float32: each number of a matrix is within half a step of what it was."
    return {name: a.astype(np.float32)*arrays.get(f'{name}.scale', np.float32(1))
            for name, a in arrays.items() if not name.endswith('.scale')}

def with_shipped(net:Module, name:str) -> Module:
    "`net` with the packed weights in the file `name` that comes with the package, in evaluation mode."
    return net.load_state_dict(unpacked(load_arrays(shipped(name)))).eval()
