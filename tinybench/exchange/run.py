"Files in the runtimes that they are for: each gives a function of one array"
from collections.abc import Callable
import numpy as np

from ..base.graph import Graph
from ..optimize.quantize import Grid, limits, to_grid
from .missing import Missing


def in_litert(shape:tuple, batch:int, threads:int=1, **model) -> Callable:
    "A `model_content` of bytes, or the file `model_path`, in LiteRT."
    try: from ai_edge_litert.interpreter import Interpreter
    except ImportError: raise Missing('LiteRT is not installed: pip install ai-edge-litert') from None
    it = Interpreter(**model, num_threads=threads)
    at = it.get_input_details()[0]['index']
    if batch != 1: it.resize_tensor_input(at, (batch, *shape))
    it.allocate_tensors()
    to = it.get_output_details()[0]['index']
    def run(x):
        it.set_tensor(at, x)
        it.invoke()
        return it.get_tensor(to)
    return run

def in_onnxruntime(model) -> Callable:
    "A model, bytes or the name of a file, in ONNX Runtime."
    session = onnx_session(model)
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]

def onnx_session(model, threads:int=1, **options):
    "An `InferenceSession` on the processor; `options` are more of its `SessionOptions`."
    try: import onnxruntime as ort
    except ImportError: raise Missing('ONNX Runtime is not installed: pip install onnxruntime') from None
    how = ort.SessionOptions()
    for name, value in dict(intra_op_num_threads=threads, inter_op_num_threads=1, **options).items():
        setattr(how, name, value)
    return ort.InferenceSession(model, how, providers=['CPUExecutionProvider'])

def in_openvino(model) -> Callable:
    "A model, bytes or the name of a file, in OpenVINO; in float32, as it would take bfloat16 if it may."
    request = openvino_model(model).create_infer_request()
    return lambda x: request.infer({0: x}, share_inputs=True)[0]

def openvino_model(model, threads:int=1, shape:tuple|None=None, **options):
    "A model compiled by OpenVINO, for inputs of `shape` if given; `options` are more of its properties."
    try: import openvino as ov
    except ImportError: raise Missing('OpenVINO is not installed: pip install openvino') from None
    how = dict(INFERENCE_NUM_THREADS=threads, PERFORMANCE_HINT='LATENCY', NUM_STREAMS='1',
               INFERENCE_PRECISION_HINT='f32', **options)
    read = ov.Core().read_model(model)
    if shape: read.reshape(shape)
    return ov.compile_model(read, 'CPU', how)


# --- the answers of a file that was written of a graph

RUNTIMES = {'.onnx': {'ONNX Runtime': in_onnxruntime, 'OpenVINO': in_openvino},
            '.tflite': {'LiteRT': in_litert}}

def runtimes_by_key(suffix:str) -> dict[str,str]:
    "Who runs files of a `suffix`, by the names that options have: the titles in small letters, no spaces."
    return {title.replace(' ', '').lower(): title for title in RUNTIMES[suffix]}

def answers(runtime:str, raw:bytes, graph:Graph, x:np.ndarray, last:tuple|None) -> np.ndarray:
    """What `runtime` answers to the examples `x` (n, *graph.shape), float32, for the file `raw` of `graph`:
    float32, or of a graph of codes those on the grid `last` of its output. Missing if it is not installed."""
    if runtime != 'LiteRT': run, given = RUNTIMES['.onnx'][runtime](raw), x
    else:
        run = in_litert(graph.shape, len(x), model_content=raw)
        given = x if graph.grid is None else to_grid(x, Grid(*graph.grid, *limits(8)))
    got = np.array(run(given))      # a copy: the runtime may use its memory again
    return got if last is None or got.dtype == np.int8 else to_grid(got, Grid(*last, *limits(8)))
