"Networks with trained moments, and the comparison of two graphs."
import numpy as np

from tinybench.base.graph import walk_nodes
from tinybench.exchange.shapes import kernel_of, out_shape
from tinybench.nn.conv import pads_for
from tinybench.nn.module import walk
from tinybench.nn.norm import BatchNorm


def moved(net, rng):
    "`net` with moments as after a training."
    for m in (m for _, m in walk(net) if isinstance(m, BatchNorm)):
        m.mean[:], m.var[:] = rng.normal(size=m.n), rng.uniform(.5, 2, m.n)
        m.gamma.data[:], m.beta.data[:] = rng.uniform(.5, 2, m.n), rng.normal(size=m.n)
    return net.eval()

def ways(n, shape):
    "How a node works; a padding as the frame that it makes."
    found = {k: v for k, v in n.ways.items() if v is not False}
    if 'padding' in found: found['padding'] = pads_for(found['padding'], shape[:2], kernel_of(n), n.ways['stride'])
    return found

def same_nodes(a, b, shape):
    "AssertionError unless two chains behind `shape` are equal in all that a file says."
    for n, m in zip(a, b, strict=True):
        assert (n.op, ways(n, shape), n.grid) == (m.op, ways(m, shape), m.grid)
        assert out_shape(n, shape) == out_shape(m, shape)
        for k in ('w', 'b', 'scale', 'b_scale'):
            x, y = getattr(n, k), getattr(m, k)
            assert (x is None) == (y is None), (n.op, k)
            if x is not None:
                assert x.dtype == y.dtype, (n.op, k)
                np.testing.assert_array_equal(x, y, f'{n.op} {k}')
        for one, two in zip(n.arms, m.arms, strict=True): same_nodes(one, two, shape)
        shape = out_shape(n, shape)

def same_graph(a, b):
    assert (a.shape, a.grid) == (b.shape, b.grid)
    same_nodes(a.nodes, b.nodes, a.shape)

def n_nodes(graph): return sum(1 for _ in walk_nodes(graph.nodes))
