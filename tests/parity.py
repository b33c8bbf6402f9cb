"Is our layer PyTorch's layer? Shape, type, output and the gradient of every input, on random float32 arrays."
import numpy as np
import pytest

from tinybench.core.tensor import Tensor


def close(name, got, want, rtol):
    "AssertionError unless `got` is of the shape and type of `want`, and off by at most `rtol` of its largest number or of 1."
    want = np.asarray(want)
    assert got.shape == want.shape, f'{name}: shape {got.shape}, torch has {want.shape}'
    assert got.dtype == want.dtype, f'{name}: {got.dtype}, torch has {want.dtype}'
    off, size = np.abs(got - want).max(initial=0.), np.abs(want).max(initial=1.)
    assert off <= rtol*size, f'{name}: off by {off:.2g}, the largest of torch is {size:.2g}'


def same_as_torch(shapes, ours, theirs, rtol=1e-5, seed=0, scale=1., low=None):
    """Skip without torch; else compare `ours(*tensors)` with `theirs(*torch tensors)` on normal float32 arrays of `shapes`.

    In place of a shape an array may stand: it is passed as it is, and integers (labels) have no gradient. `scale` widens
    the numbers; `low` makes them uniform in [low, low + scale) instead. `theirs` gets what `ours` gets, in the same order:
    turn NHWC into NCHW and back inside it. Returns our output."""
    torch = pytest.importorskip('torch', reason='needs PyTorch')
    rng = np.random.default_rng(seed)
    def draw(s):
        if isinstance(s, np.ndarray): return s
        a = rng.normal(size=s)*scale if low is None else rng.uniform(low, low + scale, s)
        return np.asarray(a, np.float32)
    xs = [draw(s) for s in shapes]
    wants = [x.dtype.kind == 'f' for x in xs]
    us = [Tensor(x.copy(), requires_grad=w) for x, w in zip(xs, wants)]
    them = [torch.tensor(x, requires_grad=w) for x, w in zip(xs, wants)]
    out, ref = ours(*us), theirs(*them)
    close('output', out.data, ref.detach().numpy(), rtol)
    g = np.asarray(rng.normal(size=out.shape), out.dtype)
    ref.backward(torch.tensor(g))
    before = g.copy()
    out.backward(g)
    assert (g == before).all(), 'the gradient handed in was changed in place: it may be shared'
    for i, (u, t) in enumerate(zip(us, them)):
        if not wants[i] or t.grad is None: continue
        assert u.grad is not None, f'input {i}: no gradient, torch has one'
        close(f'gradient of input {i}', u.grad, t.grad.numpy(), rtol)
    return out
