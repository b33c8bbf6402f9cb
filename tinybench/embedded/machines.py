"The network for the machine sounds: made by `nbs/train_machines.ipynb`, described in machines.md"
import numpy as np

from tinybench.base.files import shipped
from tinybench.data.sounds import clip_scores
from tinybench.embedded.pack import with_shipped
from tinybench.models.zoo import fc_autoencoder
from tinybench.nn.module import Module, Sequential, evaluating

FILE = shipped('machines.npz')

def machine_network() -> Sequential:
    "MLPerf Tiny's `fc_autoencoder` with the shipped weights, in evaluation mode: it rebuilds windows in dB."
    return with_shipped(fc_autoencoder(np.random.default_rng(0)), FILE.name)

def network_scores(net:Module, v:np.ndarray) -> np.ndarray:
    "How odd `net` finds each clip of frames `v` (clips, t, 128): the mean over its windows, (clips,)."
    with evaluating(net): return clip_scores(lambda w: net(np.ascontiguousarray(w)).data, v)
