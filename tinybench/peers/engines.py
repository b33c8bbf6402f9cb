"Engines that run a network of ours on one thread: each makes, anew at each call, a function of one array"
from collections.abc import Callable

from ..base.graph import Graph
from ..embedded.tflite import tflite
from ..native import int8
from ..native.plan import plan
from ..nn.module import Module
from ..optimize.integer import integer_network
from .graph import graph_of
from .onnx import onnx_bytes


class Missing(ImportError): "An engine that is not installed; the message says how to get it."

def stop(why): raise ValueError(f'a race is between plans in C, and there is none: {why}')
def ours(net:Module, shape:tuple, batch:int) -> Callable:
    "The plan in C; ValueError, with the reason, if there can be none."
    return plan(net, shape, batch, say=stop)
def our_codes(graph:Graph, shape:tuple, batch:int) -> Callable:
    "The plan of a graph of int8 codes."
    return int8.plan(integer_network(graph), shape, 'int8', batch, say=stop)

def litert(net:Module, shape:tuple, batch:int) -> Callable:
    "LiteRT, whose default delegate is XNNPACK."
    return litert_codes(graph_of(net, shape), shape, batch)
def litert_codes(graph:Graph, shape:tuple, batch:int) -> Callable:
    "LiteRT with a graph, of fractions or of codes."
    return in_litert(shape, batch, model_content=tflite(graph))

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

def onnxruntime(net:Module, shape:tuple, batch:int) -> Callable:
    "ONNX Runtime on the processor."
    return in_onnxruntime(onnx_model(net, shape, batch, 'ONNX Runtime', 'onnxruntime'))

def in_onnxruntime(model) -> Callable:
    "A model, bytes or the name of a file, in ONNX Runtime."
    session = onnx_session(model)
    return lambda x: session.run(None, {'x': x})[0]

def onnx_session(model, threads:int=1, **options):
    "An `InferenceSession` on the processor; `options` are more of its `SessionOptions`."
    import onnxruntime as ort
    how = ort.SessionOptions()
    for name, value in dict(intra_op_num_threads=threads, inter_op_num_threads=1, **options).items():
        setattr(how, name, value)
    return ort.InferenceSession(model, how, providers=['CPUExecutionProvider'])

def openvino(net:Module, shape:tuple, batch:int) -> Callable:
    "OpenVINO, for the least time of one call; in float32, as it would compute in bfloat16 if it may."
    return in_openvino(onnx_model(net, shape, batch, 'OpenVINO', 'openvino'))

def in_openvino(model) -> Callable:
    "A model, bytes or the name of a file, in OpenVINO."
    request = openvino_model(model).create_infer_request()
    return lambda x: request.infer({0: x}, share_inputs=True)[0]

def openvino_model(model, threads:int=1, shape:tuple|None=None, **options):
    "A model compiled by OpenVINO, for inputs of `shape` if given; `options` are more of its properties."
    import openvino as ov
    how = dict(INFERENCE_NUM_THREADS=threads, PERFORMANCE_HINT='LATENCY', NUM_STREAMS='1',
               INFERENCE_PRECISION_HINT='f32', **options)
    read = ov.Core().read_model(model)
    if shape: read.reshape(shape)
    return ov.compile_model(read, 'CPU', how)

def onnx_model(net:Module, shape:tuple, batch:int, name:str, package:str) -> bytes:
    "The network as a file of ONNX for the engine `name`; Missing if that is not installed."
    from importlib.util import find_spec
    if not (find_spec('onnx') and find_spec(package)):
        raise Missing(f'{name} is not installed: pip install onnx {package}')
    return onnx_bytes(graph_of(net, shape), batch)

ENGINES = dict(tinybench=ours, litert=litert, onnxruntime=onnxruntime, openvino=openvino)
OF_CODES = dict(tinybench=our_codes, litert=litert_codes)      # these take a graph of int8 codes
