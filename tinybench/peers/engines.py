"Engines that run a network of ours on one thread: each makes, anew at each call, a function of one array"
from collections.abc import Callable

from ..embedded.tflite import tflite
from ..native.plan import plan
from ..nn.module import Module
from .graph import graph_of
from .onnx import onnx_bytes


class Missing(ImportError): "An engine that is not installed; the message says how to get it."

def ours(net:Module, shape:tuple, batch:int) -> Callable:
    "The plan in C; ValueError, with the reason, if there can be none."
    def stop(why): raise ValueError(f'a race is between plans in C, and there is none: {why}')
    return plan(net, shape, batch, say=stop)

def litert(net:Module, shape:tuple, batch:int) -> Callable:
    "LiteRT, whose default delegate is XNNPACK."
    try: from ai_edge_litert.interpreter import Interpreter
    except ImportError: raise Missing('LiteRT is not installed: pip install ai-edge-litert') from None
    it = Interpreter(model_content=tflite(graph_of(net, shape)), num_threads=1)
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
    try: import onnx, onnxruntime as ort    # noqa: F401
    except ImportError: raise Missing('ONNX Runtime is not installed: pip install onnx onnxruntime') from None
    how = ort.SessionOptions()
    how.intra_op_num_threads = how.inter_op_num_threads = 1
    session = ort.InferenceSession(onnx_bytes(graph_of(net, shape), batch), how,
                                   providers=['CPUExecutionProvider'])
    return lambda x: session.run(None, {'x': x})[0]

def openvino(net:Module, shape:tuple, batch:int) -> Callable:
    "OpenVINO, for the least time of one call; in float32, as it would compute in bfloat16 if it may."
    try: import onnx, openvino as ov    # noqa: F401
    except ImportError: raise Missing('OpenVINO is not installed: pip install onnx openvino') from None
    model = ov.Core().read_model(onnx_bytes(graph_of(net, shape), batch))
    how = dict(INFERENCE_NUM_THREADS=1, PERFORMANCE_HINT='LATENCY', NUM_STREAMS='1',
               INFERENCE_PRECISION_HINT='f32')
    request = ov.compile_model(model, 'CPU', how).create_infer_request()
    return lambda x: request.infer({0: x}, share_inputs=True)[0]

ENGINES = dict(tinybench=ours, litert=litert, onnxruntime=onnxruntime, openvino=openvino)
