"Engines that run a network of ours on one thread: each makes, anew at each call, a function of one array"
from collections.abc import Callable

from ..base.graph import Graph
from ..backends.export import ONNX
from ..exchange.graph import graph_of
from ..exchange.missing import Missing
from ..exchange.onnx import onnx_bytes
from ..exchange.run import in_litert, in_onnxruntime, in_openvino
from ..exchange.tflite import tflite
from ..native import int8
from ..native.plan import plan
from ..nn.module import Module
from ..optimize.integer import integer_network

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

def onnxruntime(net:Module, shape:tuple, batch:int) -> Callable:
    "ONNX Runtime on the processor."
    return in_onnxruntime(onnx_model(net, shape, batch, 'ONNX Runtime', 'onnxruntime'))

def openvino(net:Module, shape:tuple, batch:int) -> Callable:
    "OpenVINO, for the least time of one call."
    return in_openvino(onnx_model(net, shape, batch, 'OpenVINO', 'openvino'))

def onnx_model(net:Module, shape:tuple, batch:int, name:str, package:str) -> bytes:
    "The network as a file of ONNX for the engine `name`; Missing if that is not installed."
    from importlib.util import find_spec
    if not (find_spec('onnx') and find_spec(package)):
        raise Missing(f'{name} is not installed: pip install onnx {package}')
    return onnx_bytes(graph_of(net, shape), ONNX, batch)

ENGINES = dict(tinybench=ours, litert=litert, onnxruntime=onnxruntime, openvino=openvino)
OF_CODES = dict(tinybench=our_codes, litert=litert_codes)      # these take a graph of int8 codes
