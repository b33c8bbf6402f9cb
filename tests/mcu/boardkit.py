"Small networks of codes for each task, and emulated boards that run them"
from contextlib import contextmanager
import os, threading
import numpy as np
from tinybench.mcu.protocol import side_of
from tinybench.mcu.serve import emulated_device, serve
from tinybench.nn.dense import Dense, ReLU
from tinybench.nn.module import Sequential
from tinybench.optimize.integer import integer

BOARD = 'nucleo-l4r5zi'
SHAPE = 6,
OUTPUTS = dict(kws01=5, ic01=4, vww01=2, ad01=6)
RANGES = dict(kws01=(-20, 20), ic01=(0, 255), vww01=(0, 1), ad01=(-60, 0))     # of what each task gives

def inputs(task:str, n:int, seed:int=1) -> np.ndarray:
    x = np.random.default_rng(seed).uniform(*RANGES[task], (n, *SHAPE))
    return (np.rint(x) if task == 'ic01' else np.rint(255*x)/255 if task == 'vww01' else x).astype(np.float32)

def network(task:str):
    "6-8-n in codes, with random weights."
    rng = np.random.default_rng(0)
    net = Sequential(Dense(6, 8, rng), ReLU(), Dense(8, OUTPUTS[task], rng))
    return integer(net, inputs(task, 64))

def small(task:str, clock:str='host', board:str=BOARD):
    "(device, side, network) of a small network in the emulator."
    net = network(task)
    side = side_of(task, net, SHAPE)
    return emulated_device(net, SHAPE, side, board, clock), side, net

@contextmanager
def served(d):
    "The path at which the device `d` is served, by a thread that ends with the block."
    wake, stop = os.pipe()
    ready, paths = threading.Event(), []
    def told(path): paths.append(path), ready.set()
    thread = threading.Thread(target=serve, args=(d, told, wake))
    thread.start()
    try:
        assert ready.wait(20)
        yield paths[0]
    finally:
        os.write(stop, b'.')
        thread.join(20)
        os.close(wake), os.close(stop)
        assert not thread.is_alive()
