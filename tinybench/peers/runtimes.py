"One network of ours in every runtime that is installed, as models that can be timed"
import os, shutil
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
import numpy as np

from .. import __version__
from ..backends.base import Model, as_model
from ..backends.export import ONNX
from ..base.graph import Graph
from ..exchange.graph import code_graph, folded, graph_of
from ..exchange.onnx import onnx_bytes
from ..exchange.run import in_litert, onnx_session, openvino_model
from ..exchange.tflite import tflite
from ..native import int8
from ..native.plan import plan
from ..nn.module import Module
from ..optimize.integer import integer_network
from ..optimize.step import strip
from .engines import stop


class Job(NamedTuple):
    "What every runtime is given: one network for batches of one size, and how many threads it may use."
    net: Module             # without Dropout, BatchNorm in the weights; of codes: what takes and gives codes
    graph: Graph            # the same as operators
    shape: tuple            # of one input
    batch: int = 1
    threads: int = 1
    dtype: str = 'float32'  # of the input; int8: codes
    @property
    def codes(self) -> bool: return self.dtype == 'int8'
    def input(self, seed:int=0) -> np.ndarray:
        "A batch of noise, of fractions or of codes."
        r, size = np.random.default_rng([seed, self.batch]), (self.batch, *self.shape)
        if self.codes: return r.integers(-128, 128, size).astype(np.int8)
        return r.standard_normal(size, np.float32)

def job_of(net:Module, shape:tuple, batch:int=1, threads:int=1) -> Job:
    "The job of a network in fractions; ValueError for a layer that other runtimes do not know."
    made = folded(strip(net)).eval()
    return Job(made, graph_of(made, shape), tuple(shape), batch, threads)

def code_job(graph:Graph, batch:int=1, threads:int=1) -> Job:
    "The job of a graph of int8 codes."
    return Job(integer_network(graph)[1:-1].eval(), graph, tuple(graph.shape), batch, threads, 'int8')

def quantized_job(net:Module, shape:tuple, batch:int=1, threads:int=1, seed:int=0) -> Job:
    "The job of a network in int8 codes, whose grids 32 inputs of noise have found."
    x = np.random.default_rng(seed).standard_normal((32, *shape), np.float32)
    return code_job(code_graph(net, shape, x), batch, threads)


# Each makes a Model anew, in a process of its own; options are the settings among which the fastest is taken

def numpy_core(job:Job) -> Model:
    "The layers one after the other, in numpy."
    return as_model('numpy', job.net, job.shape, job.dtype)

def native(job:Job, threads:int=1) -> Model:
    "The plan in C; ValueError, with the reason, if there can be none."
    if job.codes: p = int8.plan(job.net, job.shape, 'int8', job.batch, say=stop, threads=threads)
    else: p = plan(job.net, job.shape, job.batch, say=stop, threads=threads)
    return as_model('native', p, job.shape)

def torch_images(x:np.ndarray, last:bool):
    "A batch as PyTorch wants it: planes of an image, which lie channels last or first in memory."
    import torch
    images = torch.from_numpy(x)
    if x.ndim != 4: return images
    planes = images.permute(0, 3, 1, 2)
    return planes if last else planes.contiguous()

def torch_module(job:Job, last:bool):
    import torch
    from .torch import torch_network
    net = torch_network(job.net, job.shape).eval()
    return net.to(memory_format=torch.channels_last) if last else net

def torch(job:Job, last:bool=True, threads:int=1) -> Model:
    "PyTorch, an operator at a time."
    return as_model('torch', torch_module(job, last), job.shape, feed=partial(torch_images, last=last))

def torch_compiled(job:Job, last:bool=True, threads:int=1) -> Model:
    "PyTorch, compiled by `torch.compile`, which writes C++."
    import torch
    torch._dynamo.reset()
    made = torch.compile(torch_module(job, last))
    return as_model('torch', made, job.shape, feed=partial(torch_images, last=last))

def onnxruntime(job:Job, threads:int=1) -> Model:
    "ONNX Runtime on the processor."
    return as_model('onnxruntime', onnx_session(onnx_bytes(job.graph, ONNX, job.batch), threads), job.shape)

def litert(job:Job, threads:int=1) -> Model:
    "LiteRT, whose default delegate is XNNPACK."
    run = in_litert(job.shape, job.batch, threads, model_content=tflite(job.graph))
    return as_model('litert', run, job.shape, job.dtype)

def openvino_compiled(job:Job, threads:int, raw:bytes=b'', **options):
    "The job compiled by OpenVINO: of fractions by way of ONNX (`raw`, if given), of codes of a .tflite file."
    takes = job.batch, *job.shape
    if not job.codes:
        return openvino_model(raw or onnx_bytes(job.graph, ONNX, job.batch), threads, takes, **options)
    with TemporaryDirectory(prefix='tinybench-') as folder:         # such a file it reads from a disk only
        (path := Path(folder)/'net.tflite').write_bytes(tflite(job.graph))
        return openvino_model(path, threads, takes, **options)

def openvino(job:Job, threads:int=1) -> Model:
    "OpenVINO, for the least time of one call; fractions in float32."
    request = openvino_compiled(job, threads).create_infer_request()
    return as_model('openvino', lambda x: request.infer({0: x}, share_inputs=True)[0], job.shape, job.dtype)

def jax(job:Job) -> Model:
    "JAX, the whole network compiled by `jit`; a call waits for its result."
    os.environ['NPROC'] = str(job.threads)      # threads of XLA, which reads it when it is first used
    import jax, jax.numpy as jnp
    from .jax import jax_network
    weights, f = jax_network(job.net)
    weights = jax.tree.map(jnp.asarray, weights)
    run = jax.jit(lambda x: f(weights, x, None))
    return as_model('jax', lambda x: run(x).block_until_ready(), job.shape, feed=jnp.asarray, read=np.array)

BACKENDS = dict(tensorflow='tensorflow', jax='jax', torch='torch')      # of Keras, and their packages

def keras(job:Job, backend:str) -> Model:
    "Keras, its own `predict_on_batch`, on one of its backends."
    os.environ |= dict(KERAS_BACKEND=backend, TF_CPP_MIN_LOG_LEVEL='3', CUDA_VISIBLE_DEVICES='',
                       NPROC=str(job.threads))
    if backend == 'torch':
        import torch
        torch.set_num_threads(job.threads)
    if backend == 'tensorflow':
        import tensorflow as tf
        for kind in ('intra', 'inter'):
            getattr(tf.config.threading, f'set_{kind}_op_parallelism_threads')(job.threads)
    import keras
    from .keras import through
    image = keras.Input(job.shape)
    model = keras.Model(image, through(job.net, image))
    return as_model('keras', model.predict_on_batch, job.shape, read=np.array)


# Who there is

def no_settings(job:Job) -> list[dict]: return [{}]
def thread_counts(job:Job) -> list[dict]:
    "One thread, and as many as are allowed: small networks are often faster on one."
    return [dict(threads=t) for t in sorted({1, job.threads})]
def shares(job:Job) -> list[dict]:
    "Our threads share a batch evenly."
    return [dict(threads=t) for t in range(1, job.threads + 1) if job.batch % t == 0]
def layouts(job:Job) -> list[dict]:
    "Channels last or first, if there are any."
    ways = (True, False) if len(job.shape) == 3 else (False,)
    return [dict(last=last) | t for last in ways for t in thread_counts(job)]
def keras_backends(job:Job) -> list[dict]:
    return [dict(backend=b) for b, package in BACKENDS.items() if find_spec(package)]

class Runtime(NamedTuple):
    "Something that runs networks: how to make a model of it, and what has to be installed."
    title: str
    build: Callable                     # (job, **setting) -> Model
    packages: tuple = ()                # that it imports
    pip: str = ''                       # what to install, if these are missing
    settings: Callable = no_settings    # job -> the settings to choose from
    codes: bool = False                 # whether it is given networks of int8 codes
    shown: str = ''                     # the package whose version is told
    rounding: int = 0                   # steps of the grid by which its rounding of codes may differ
    def version(self) -> str:
        try: return version(self.shown) if self.shown else __version__
        except PackageNotFoundError: return '?'

RUNTIMES = dict(
    numpy=Runtime('tinybench, numpy', numpy_core, codes=True),
    native=Runtime('tinybench, native', native, settings=shares, codes=True),
    torch=Runtime('PyTorch', torch, ('torch',), 'torch', layouts, shown='torch'),
    torch_compiled=Runtime('PyTorch, compiled', torch_compiled, ('torch',), 'torch', layouts, shown='torch'),
    onnxruntime=Runtime('ONNX Runtime', onnxruntime, ('onnx', 'onnxruntime'), 'onnx onnxruntime',
                        thread_counts, shown='onnxruntime'),
    litert=Runtime('LiteRT', litert, ('ai_edge_litert',), 'ai-edge-litert', thread_counts, True,
                   'ai-edge-litert'),
    openvino=Runtime('OpenVINO', openvino, ('onnx', 'openvino'), 'onnx openvino', thread_counts, True,
                     'openvino', rounding=1),
    jax=Runtime('JAX', jax, ('jax',), 'jax', shown='jax'),
    keras=Runtime('Keras', keras, ('keras',), 'keras tensorflow', keras_backends, shown='keras'))

def compiler_of_torch() -> bool:
    "Whether there is a C++ compiler as `torch.compile` looks for one."
    return any(map(shutil.which, filter(None, (os.environ.get('CXX'), 'g++', 'clang++', 'c++'))))

def lacking(name:str, job:Job) -> str:
    "Why a runtime cannot run the job, and what to do, in a sentence; '' if it can."
    from ..toolchain.compiler import find_compiler
    r = RUNTIMES[name]
    if job.codes and not r.codes: return f'{r.title} is given no network of int8 here'
    if not all(map(find_spec, r.packages)): return f'{r.title} is not installed: pip install {r.pip}'
    if not r.settings(job): return f'{r.title} has no backend: pip install {next(iter(BACKENDS))}'
    if name == 'native' and not find_compiler():
        return f'{r.title}: there is no C compiler: pip install ziglang, or install gcc or clang'
    if name == 'torch_compiled' and not compiler_of_torch():
        return f'{r.title}: torch.compile needs a C++ compiler, and there is none: install g++ or clang++'
    return ''
