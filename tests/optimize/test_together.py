"All steps of the row in all orders: the answers of the sensible order, or a refusal that says which layer and what to do."
import math, re
from functools import partial

import numpy as np
import pytest

from tinybench.core.tensor import Tensor
from tinybench.nn.channels import DepthwiseConv2d
from tinybench.nn.conv import Conv2d
from tinybench.nn.dense import Dense, Dropout, Flatten, ReLU, Residual, Sigmoid, Tanh
from tinybench.nn.module import Sequential, around_calls, evaluating, walk
from tinybench.nn.norm import BatchNorm
from tinybench.nn.pool import ConvReluPool2d, MaxPool2d
from tinybench.optimize.channels import array_of, channels, thin
from tinybench.optimize.fuse import Fused, channels_first, fold, fuse
from tinybench.optimize.integer import integer
from tinybench.optimize.lowrank import lowrank
from tinybench.optimize.prune import n_m, pack_n_m, prune, sparse
from tinybench.optimize.quantize import clustered, int4, int8
from tinybench.optimize.step import Encoded, answers_of, bfloat16, float16, float64, strip, take_step, weighted
from tinybench.profile.cost import cost

SHAPE = 8, 8, 3
X = np.random.default_rng(9).normal(size=(8, *SHAPE)).astype(np.float32)


# --- a network of which every step can take something, and it is known what

def drawn(q):
    "Every kind of layer that a step fuses, folds, cuts or splits; norms with moments as a trained network has them."
    def conv(c, f, k, **how): return [Conv2d(c, f, k, q, padding='same', **how), BatchNorm(f)]
    body = Sequential(*conv(16, 16, 3), ReLU(), *conv(16, 16, 3))
    net = Sequential(*conv(3, 12, 3), ReLU(), MaxPool2d(2), DepthwiseConv2d(12, 3, q, padding='same'), BatchNorm(12), ReLU(),
                     *conv(12, 16, 1), ReLU(), Residual(body), ReLU(), Conv2d(16, 8, 3, q), Sigmoid(), Flatten(), Dropout(.5, q),
                     Dense(32, 20, q), Tanh(), Dense(20, 5, q))
    for _, m in walk(net):
        if isinstance(m, BatchNorm):
            m.mean[:], m.var[:] = q.normal(size=m.n)*.1, q.uniform(.5, 2, m.n)
            m.gamma.data[:], m.beta.data[:] = q.uniform(.5, 1.5, m.n), q.normal(size=m.n)*.1
    return net

def kill(net):
    "Every second channel of each group is dead: zero wherever it is made or passed on. Any score finds these."
    found, at = channels(net, SHAPE), dict(walk(net))
    dead = np.concatenate([np.flatnonzero(found.group == g)[1::2] for g in range(found.group.max() + 1)])
    for c in found.cuts:
        if c.made or c.name in ('gamma', 'beta', 'mean') or isinstance(at[c.path], DepthwiseConv2d):
            np.moveaxis(array_of(at, c), c.axis, 0)[np.isin(c.ids, dead)] = 0
    return net

def dusty(seed=0):
    "Two of five weights are dust, 1e-5 of what they were: any order of magnitudes finds these."
    q = np.random.default_rng(seed)
    net = kill(drawn(q))
    for _, m in weighted(net): m.w.data[q.random(m.w.shape) < .4] *= 1e-5
    return net

def flat(seed=0):
    "The two layers of the residual block have rank 2, so that they can be split before and after they are cut."
    q = np.random.default_rng(seed)
    net = drawn(q)
    for i in (0, 3):
        w = net[10].body[i].w
        w.data[:] = (q.normal(size=(144, 2)) @ q.normal(size=(2, 16))).reshape(w.shape)/16
    return kill(net)


# --- the steps

def without_dead(net):
    def alive(score, group, k): return np.bincount(group[(group >= 0) & (score > 1e-6)], minlength=group.max() + 1)
    return thin(net, SHAPE, macs=1, counts=alive)
def without_dust(net):
    return prune(net, float(np.mean(np.concatenate([np.abs(m.w.data).ravel() < 1e-4 for _, m in weighted(net)]))))

STEPS = dict(strip=strip, fold=fold, fuse=fuse, planes=channels_first, thin=without_dead, prune=without_dust, sparse=sparse,
             n_m=n_m, pack=pack_n_m, lowrank=partial(lowrank, energy=.9999), float16=float16, bfloat16=bfloat16, int8=int8, int4=int4,
             clustered=clustered, float64=float64, integer=partial(integer, x=X))
# how far a step may move an output, relative to the largest; half a step of its grid, with room for all layers
MOVES = dict(float16=2e-3, bfloat16=2e-2, int8=3e-2, int4=.3, clustered=.3, integer=8e-2, lowrank=1e-3, prune=1e-3)

CODES = 'float16', 'bfloat16', 'int8', 'int4', 'clustered', 'integer'
NAMED = r'(layers\.[\w.]+|Conv2d|Dense)'
REFUSED = {     # (a step, one that cannot come after it): the words of the refusal
    **{(a, b): NAMED + '.*encode its weights last' for a in (*CODES, 'sparse') for b in ('thin', 'prune', 'n_m', 'lowrank')},
    **{(a, b): NAMED + '.*encode its weights last' for a in CODES for b in ('sparse', 'pack', 'float64', *CODES)},
    ('sparse', 'thin'): NAMED + '.*encode (its weights )?last',
    **{(a, 'fold'): NAMED + '.*fold before you encode' for a in (*CODES, 'sparse', 'pack')},
    **{(a, 'fuse'): 'nothing to fuse.*before you encode' for a in (*CODES, 'sparse', 'pack')},
    **{(a, 'planes'): 'no Conv2d.*before you encode' for a in (*CODES, 'sparse', 'pack')},
    **{(a, 'lowrank'): NAMED + '.*split first' for a in ('fuse', 'planes')},
    **{('float64', b): NAMED + '.*(encode the network as it was before|no integer form)' for b in CODES},
    ('sparse', 'integer'): NAMED + '.*codes already; give the network as it was before',
}
NEEDS = {       # a step: what must come before it, if it comes after this one or at all (None); the words of the refusal
    'integer': ('fold', None, NAMED + '.*fold it into the layer before it'),
    'pack': ('n_m', None, NAMED + '.*use n_m'),
    'sparse': ('prune', 'thin', 'too few of its weights are 0; prune the network first'),    # thin took the dead ones
}

def refusals(done, name) -> list[str]:
    "The words with which step `name` may be refused after the steps `done`; none if it makes sense there."
    found = [REFUSED[a, name] for a in done if (a, name) in REFUSED]
    before, after, words = NEEDS.get(name, (None, None, None))
    return found + [words] if words and before not in done and (after is None or after in done) else found

NEVER = {('fold', 'sparse', 'integer'), ('fold', 'float64', 'integer'), ('fold', 'float64', 'float16'), ('float16', 'int8'), ('int4', 'clustered'),
         ('fold', 'bfloat16', 'integer')}     # what makes sense in no order
ROWS = [(dusty, row) for row in (
    ('strip', 'fold', 'thin', 'fuse'),
    ('fold', 'thin', 'fuse', 'planes'),
    ('fold', 'prune', 'thin', 'fuse'),
    ('fold', 'thin', 'fuse', 'float16'),
    ('fold', 'thin', 'float64'),
    ('fuse', 'float64'),
    ('fold', 'float64', 'float16'),
    ('fold', 'thin', 'fuse', 'integer'),
    ('fold', 'float64', 'integer'),
    ('prune', 'thin', 'planes', 'sparse'),
    ('prune', 'fold', 'sparse'),
    ('fold', 'sparse', 'int8'),
    ('fold', 'sparse', 'integer'),
    ('fold', 'n_m', 'fuse', 'pack'),
    *(('thin', 'fuse', code) for code in CODES[1:-1]),
    ('float16', 'int8'), ('int4', 'clustered'), ('fold', 'bfloat16', 'integer'))] + [(flat, row) for row in (
    ('fold', 'thin', 'lowrank', 'fuse'),
    ('thin', 'lowrank', 'planes'),
    ('thin', 'lowrank', 'float16'),
    ('fold', 'lowrank', 'thin', 'integer'))]


# --- the promise

def in_every_order(net, row, done=()):
    "(order, network, facts) for each order that makes sense, the one of `row` first; the others are refused as they should be."
    for name in (name for name in row if name not in done):
        order, why = (*done, name), refusals(done, name)
        if why:
            with pytest.raises(ValueError) as e: take_step(name, STEPS[name], net, X)
            assert any(re.search(words, str(e.value)) for words in why), (order, str(e.value))
        else:
            new, change = take_step(name, STEPS[name], net, X)      # which looks whether `net` is as it was
            if len(order) == len(row): yield order, new, change.after
            else: yield from in_every_order(new, row, order)

def far(got, want) -> float: return float(np.abs(got - want).max()/np.abs(want).max())

def multiplied(net) -> int:
    "Multiplications for one example, counted from shapes alone: each weight once for each place that the layer computes."
    total = 0
    def note(m, *xs):
        nonlocal total
        out = m.forward(*xs)
        layer = m.decoded() if isinstance(m, Encoded) else m
        w = getattr(layer, 'w', None)
        if w is not None:
            places = math.prod(out.shape[1:-1])*(layer.pool**2 if isinstance(layer, ConvReluPool2d) else 1)
            total += w.size*places if not isinstance(w, Tensor) else w.data.size*places
        return out
    with evaluating(net), around_calls(note): net(Tensor(X[:1]))
    return total

@pytest.mark.parametrize('make, row', ROWS, ids=['-'.join(row) for _, row in ROWS])
def test_in_every_order(make, row):
    "The first order of each row makes sense; every other gives its answers, or is refused and says why."
    net, allowed = make(), 1e-5 + sum(MOVES.get(name, 0) for name in row)
    was, first = net.state_dict(), None
    for order, new, facts in in_every_order(net, row):
        got, found = answers_of(new, X), cost(new, SHAPE, batch=1)
        first = first or (got, facts)
        assert far(got, first[0]) <= allowed, order
        assert 'n_m' in row or far(got, answers_of(net, X)) <= allowed, order     # half of the weights are no dust
        assert multiplied(new) == found.macs == facts.macs, order
        assert sum(found.state_bytes.values()) == facts.nbytes == sum(a.nbytes for a in new.state_dict().values()), order
        assert 'lowrank' in row or (facts.macs, facts.nbytes) == (first[1].macs, first[1].nbytes), order
    assert (first is None) == (row in NEVER)
    assert all(np.array_equal(a, was[k]) for k, a in net.state_dict().items())

def test_what_the_steps_take_is_really_there():
    "Otherwise the orders would agree because no step does anything."
    net = dusty()
    small = STEPS['thin'](fold(net))
    assert cost(small, SHAPE, batch=1).macs < .4*cost(net, SHAPE, batch=1).macs
    assert sum(isinstance(m, Fused | ConvReluPool2d) for _, m in walk(fuse(small))) == 6
    zeros = sum((m.w.data == 0).sum() for _, m in weighted(STEPS['prune'](small)))
    assert .3 < zeros/sum(m.w.data.size for _, m in weighted(small)) < .5
    split = STEPS['lowrank'](STEPS['thin'](flat()))
    assert len(list(walk(split))) > len(list(walk(flat())))
