"Optimizers: PyTorch's numbers, one flat vector that the layers look into, and what happens when somebody replaces a parameter."
import copy, pickle
from contextlib import nullcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.core.tensor import Listener, Tensor, watching
from tinybench.nn.dense import Dense, Sigmoid
from tinybench.nn.loss import cross_entropy
from tinybench.nn.module import Parameter, Sequential
from tinybench.nn.norm import BatchNorm
from tinybench.nn.optim import SGD, Adam, AdamW, RMSprop, clip_norm, cosine, flatten, piecewise

SHAPES = (4, 3), (3,), (2, 2, 2)
PAIRS = {
    'sgd': (lambda p: SGD(p, .1), lambda t, p: t.SGD(p, .1)),
    'momentum': (lambda p: SGD(p, .1, .9), lambda t, p: t.SGD(p, .1, momentum=.9)),
    'nesterov': (lambda p: SGD(p, .1, .9, nesterov=True), lambda t, p: t.SGD(p, .1, momentum=.9, nesterov=True)),
    'sgd-decay': (lambda p: SGD(p, .1, decay=.05), lambda t, p: t.SGD(p, .1, weight_decay=.05)),
    'nesterov-decay': (lambda p: SGD(p, .03, .8, nesterov=True, decay=.05),
                       lambda t, p: t.SGD(p, .03, momentum=.8, nesterov=True, weight_decay=.05)),
    'rmsprop-decay': (lambda p: RMSprop(p, .01, .9, 1e-7, decay=.05), lambda t, p: t.RMSprop(p, .01, alpha=.9, eps=1e-7, weight_decay=.05)),
    'rmsprop': (lambda p: RMSprop(p, .01, .9, 1e-7), lambda t, p: t.RMSprop(p, .01, alpha=.9, eps=1e-7)),
    'adam': (lambda p: Adam(p, .01), lambda t, p: t.Adam(p, .01)),
    'adam-eps': (lambda p: Adam(p, .01, (.8, .95), 1e-3), lambda t, p: t.Adam(p, .01, betas=(.8, .95), eps=1e-3)),
    'adamw': (lambda p: AdamW(p, .01, decay=.1), lambda t, p: t.AdamW(p, .01, weight_decay=.1)),
}

def twins(torch, rng, shapes=SHAPES):
    "Random parameters, ours and PyTorch's, with the same numbers."
    start = [rng.normal(size=s).astype('f') for s in shapes]
    return [Parameter(a.copy()) for a in start], [torch.nn.Parameter(torch.tensor(a)) for a in start]

def hand_out(torch, p, q, g):
    "Both get the gradient `g`, or none."
    p.grad, q.grad = (None, None) if g is None else (g.copy(), torch.tensor(g))

def at_the_same_place(mine, them, rtol, atol):
    for p, q in zip(mine, them): np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=rtol, atol=atol)

@pytest.mark.parametrize('name', PAIRS)
def test_same_as_torch(name, torch):
    ours, theirs = PAIRS[name]
    rng = np.random.default_rng(0)
    mine, them = twins(torch, rng)
    a, b = ours(mine), theirs(torch.optim, them)
    for _ in range(25):
        for p, q in zip(mine, them):
            hand_out(torch, p, q, (rng.normal(size=p.shape)*rng.choice([1e-3, 1, 30])).astype('f'))
        a.step(); b.step()
    at_the_same_place(mine, them, rtol=1e-5, atol=1e-6)

@pytest.mark.parametrize('listens', [False, True])
@pytest.mark.parametrize('name', PAIRS)
def test_parameters_without_gradient_stay_as_in_torch(name, listens, torch):
    "Any of three parameters may have no gradient, from the first step on; also with a listener that asks for pieces."
    ours, theirs = PAIRS[name]
    rng = np.random.default_rng(1)
    mine, them = twins(torch, rng)
    a, b = ours(mine), theirs(torch.optim, them)
    class Cut(Listener):
        def stretches(self, opt): return [('one', slice(0, 5)), ('two', slice(5, 14)), ('three', slice(14, None))]
    for step in range(30):
        there = rng.random(3) < .6
        for p, q, has in zip(mine, them, there):
            g = rng.normal(size=p.shape).astype('f')
            hand_out(torch, p, q, g if has else None)
        with watching(Cut()) if listens else nullcontext(): a.step()
        b.step(); b.zero_grad()
        if step == 12:          # as from a checkpoint
            state, old = a.state_dict(), a
            a = ours(mine); a.load_state_dict(state)
        at_the_same_place(mine, them, rtol=2e-5, atol=2e-6)

GROUPED = {'sgd': (lambda g: SGD(g, .1, momentum=.5, decay=.01), lambda t, g: t.SGD(g, .1, momentum=.5, weight_decay=.01), dict(momentum=.9, nesterov=True), {}),
           'rmsprop': (lambda g: RMSprop(g, .01, eps=1e-7), lambda t, g: t.RMSprop(g, .01, alpha=.9, eps=1e-7), dict(rho=.5, decay=.1), dict(alpha=.5, weight_decay=.1)),
           'adam': (lambda g: Adam(g, .01), lambda t, g: t.Adam(g, .01), dict(betas=(.5, .9), eps=1e-4), {}),
           'adamw': (lambda g: AdamW(g, .01), lambda t, g: t.AdamW(g, .01), dict(decay=0.), dict(weight_decay=0.))}

@pytest.mark.parametrize('name', GROUPED)
def test_groups_are_torchs(name, torch):
    "Three groups: a rate of its own, other options, neither; a gradient is missing now and then."
    ours, theirs, own, same = GROUPED[name]
    rng = np.random.default_rng(2)
    mine, them = twins(torch, rng, (*SHAPES, (2,)))
    def groups(ps, own): return [{'params': ps[:2], 'lr': .003}, {'params': ps[2], **own}, {'params': ps[3:]}]
    a, b = ours(groups(mine, own)), theirs(torch.optim, groups(them, same or own))
    for step in range(20):
        for p, q in zip(mine, them):
            hand_out(torch, p, q, rng.normal(size=p.shape).astype('f') if rng.random() < .9 else None)
        a.step(); b.step()
    at_the_same_place(mine, them, rtol=2e-5, atol=2e-6)

def test_groups_follow_the_common_rate_unless_they_have_their_own():
    p, q = Parameter([1.]), Parameter([1.])
    opt = SGD([{'params': (x for x in [p])}, {'params': [q], 'lr': lambda t: 1/t}], lr=.5)
    opt.lr = .25
    for _ in range(2): p.grad, q.grad = np.ones(1, 'f'), np.ones(1, 'f'); opt.step()
    assert (p.data[0], q.data[0], opt.lr) == (.5, -.5, .25)
    with pytest.raises(ValueError, match='the learning rate of step 3 is nan'):
        opt.groups[1]['lr'] = lambda t: np.nan
        for x in (p, q): x.grad = np.ones(1, 'f')
        opt.step()
    assert opt.lr == .25
    one = SGD([{'params': [Parameter([1.])], 'lr': .5, 'momentum': .9}])
    assert (one.lr, one.momentum) == (.5, .9)

def test_a_frozen_part_stays_and_can_be_thawed():
    net = small()
    for p in net[0].parameters(): p.requires_grad = False
    opt, before = AdamW(net.parameters(), .1), net.state_dict()
    def step(): cross_entropy(net(np.ones((2, 5), 'f')), np.array([0, 1])).backward(); opt.step()
    step()
    moved = {k for k, v in net.state_dict().items() if (v != before[k]).any()}
    assert moved == {'layers.2.w', 'layers.2.b'}
    net[0].w.requires_grad = True; step()
    assert (net[0].w.data != before['layers.0.w']).any() and (net[0].b.data == before['layers.0.b']).all()

def test_momentum_does_not_carry_on_without_a_gradient():
    for make in (lambda p: SGD(p, .1, .9), lambda p: Adam(p, .1), lambda p: AdamW(p, .1), lambda p: RMSprop(p, .1)):
        p, q = Parameter([1.]), Parameter([1.])
        opt = make([p, q])
        p.grad = q.grad = np.ones(1, 'f'); opt.step()
        kept = p.data[0]
        q.grad = np.ones(1, 'f'); opt.step()
        assert p.data[0] == kept and q.data[0] < kept

def test_a_memory_of_before_is_read():
    p = Parameter([1.]); opt = Adam([p]); p.grad = np.ones(1, 'f'); opt.step()
    assert set(opt.state_dict()) == {'t', 'm', 'v'}
    with pytest.raises(KeyError, match='does not fit'): opt.load_state_dict(opt.state_dict() | {'missed': np.zeros(3)})

W = Parameter(np.ones((2, 2), 'f'))
@pytest.mark.parametrize('params, says', [
    (lambda: W, 'not one Parameter: pass net.parameters'), (lambda: [W*2], 'number 0 is the result of an operation'),
    (lambda: small().named_parameters(), 'not net.named_parameters'), (lambda: [np.zeros(3)], 'number 0 is a ndarray, not a tensor'),
    (lambda: small(), 'pass net.parameters'), (lambda: [], 'no parameters to optimize'), (lambda: iter([]), 'no parameters to optimize'),
    (lambda: [W, Parameter([1.]), W], 'parameters 0 and 2 are the same'), (lambda: [Tensor([1.])], 'requires no gradient'),
    (lambda: None, 'not one NoneType'), (lambda: 3, 'not one int'), (lambda: [None], 'number 0 is a NoneType'), (lambda: 'w', 'number 0 is a str'),
    (lambda: {'params': [W]}, 'not one dict'), (lambda: [{'params': [W]}, {'params': [W]}], 'are the same'), (lambda: [{'lr': 1.}], "each with 'params'"),
    (lambda: [{'params': [W]}, W], 'groups are dicts, all of them'), (lambda: [{'params': []}], 'no parameters'),
    (lambda: [{'params': [W], 'speed': 3}], "not 'speed'"), (lambda: [{'params': [W], 'lr': -1}], 'SGD expected lr'), (lambda: list(W), 'result of an operation'),
    (lambda: W.data, 'number 0 is a ndarray'), (lambda: [small()], 'is a Sequential, not a tensor')], ids=range(23))
def test_what_cannot_be_trained_is_said(params, says):
    with pytest.raises((ValueError, TypeError), match=says): SGD(params())

def test_all_frozen_is_said():
    p = Parameter([1.]); p.requires_grad = False
    with pytest.raises(ValueError, match='all parameters are frozen'): SGD([p])

def test_a_leaf_that_is_no_parameter_is_trained():
    t = Tensor([1.], requires_grad=True); opt = SGD([t], .5); (t*t).sum().backward(); opt.step()
    assert t.data[0] == 0

BAD = [(SGD, dict(lr=-1)), (SGD, dict(lr=np.nan)), (SGD, dict(lr=np.inf)), (SGD, dict(lr='0.1')), (SGD, dict(lr=None)), (SGD, dict(momentum=1.)),
       (SGD, dict(momentum=-.1)), (SGD, dict(decay=-1)), (SGD, dict(decay=np.inf)), (SGD, dict(nesterov='yes')), (SGD, dict(max_norm=0)),
       (SGD, dict(max_norm=np.nan)), (RMSprop, dict(rho=1)), (RMSprop, dict(rho=-1)), (RMSprop, dict(eps=-1)), (RMSprop, dict(decay=-1)),
       (Adam, dict(betas=(1, .9))), (Adam, dict(betas=(.9, 1))), (Adam, dict(betas=.9)), (Adam, dict(betas=(.9,))), (Adam, dict(betas=(.9, -.1))),
       (Adam, dict(eps=-1)), (Adam, dict(eps=np.nan)), (AdamW, dict(decay=-1)), (AdamW, dict(betas=(1, .9))), (AdamW, dict(decay=None)),
       (SGD, dict(lr=10**400)), (SGD, dict(decay=True))]
@pytest.mark.parametrize('kind,how', BAD, ids=[f'{k.__name__}-{h}' for k, h in BAD])
def test_options_are_looked_at(kind, how):
    with pytest.raises((ValueError, TypeError), match=rf'{kind.__name__} expected {[*how][0]}'): kind([Parameter([1.])], **how)

def test_schedules_are_looked_at():
    for bad in ({0: -1.}, {0: np.nan}, {0: .1, 2.5: .1}, {0: .1, -1: .1}):
        with pytest.raises((ValueError, TypeError), match='piecewise expected'): piecewise(bad)
    p = Parameter([1.])
    for how in (dict(lr=np.nan), dict(lr=-1), dict(lr=np.inf), dict(lr='1'), dict(steps=np.inf), dict(steps=2.5), dict(steps=True), dict(warmup=.5),
                dict(warmup=-1), dict(warmup=None)):
        with pytest.raises((ValueError, TypeError), match=f'cosine expected {[*how][0]}'): cosine(**dict(lr=.1, steps=9) | how)
    for bad in (lambda t: -1, lambda t: None, lambda t: np.nan, lambda t: np.inf, lambda t: '1', lambda t: np.ones(2)):
        opt = SGD([p], bad); p.grad = np.ones(1, 'f')
        with pytest.raises(ValueError, match='the learning rate of step 1 is'): opt.step()

def test_nesterov_without_momentum_is_refused(torch):
    with pytest.raises(ValueError): torch.optim.SGD([torch.ones(1, requires_grad=True)], .1, nesterov=True)
    for make in (lambda p: SGD(p, nesterov=True), lambda p: SGD([dict(params=p, nesterov=True)]), lambda p: SGD([dict(params=p, momentum=0)], .1, .9, nesterov=True)):
        with pytest.raises(ValueError, match='SGD expected a momentum above 0 with nesterov'): make([Parameter([1.])])

def test_options_of_other_types_are_numbers_here():
    for lr in (np.float64(.5), np.float32(.5), Fraction(1, 2)):
        p = Parameter([1.]); opt = SGD([p], lr, decay=np.int64(0)); p.grad = np.ones(1, 'f'); opt.step()
        assert p.data == .5 and type(opt.lr) is float and p.dtype == np.float32
    bn, x = BatchNorm(2, eps=np.float64(1e-3)), np.ones((4, 2), 'f')
    assert bn(x).dtype == bn.eval()(x).dtype == np.float32

@pytest.mark.parametrize('bad', [0, -1, np.nan, -np.inf])
def test_a_length_to_clip_to_is_above_zero(bad):
    g = np.ones(3, 'f')
    with pytest.raises(ValueError, match='clip_norm expected max_norm above 0'): clip_norm(g, bad)
    assert (g == 1).all()

def test_a_gradient_of_another_shape_is_named():
    p, q = Parameter(np.ones((2, 3), 'f')), Parameter([1.]); opt = SGD([q, p])
    for bad in (np.ones(3, 'f'), np.ones((1, 1), 'f'), 1., np.ones((3, 2), 'f')):
        p.grad = bad
        with pytest.raises(ValueError, match=r'gradient of parameter 1 has shape .*, the parameter \(2, 3\)'): opt.step()

@pytest.mark.parametrize('make', [lambda p: SGD(p, .1, .9), RMSprop, Adam, AdamW], ids=['sgd', 'rmsprop', 'adam', 'adamw'])
@given(cuts=st.lists(st.integers(1, 14), max_size=4))
def test_a_step_in_pieces_is_the_same_step(make, cuts):
    rng = np.random.default_rng(0)
    a, b = ([Parameter(np.ones(15, 'f'))] for _ in range(2))
    one, two = make(a), make(b)
    edges = sorted({0, 15, *cuts})
    for _ in range(3):
        g = rng.normal(size=15).astype('f')
        a[0].grad, b[0].grad = g.copy(), g.copy()
        one.step(); two.begin()
        for lo, hi in zip(edges, edges[1:]): two.direction(slice(lo, hi)); two.move(slice(lo, hi))
    assert (one.w == two.w).all()

def small(seed=0):
    rng = np.random.default_rng(seed)
    return Sequential(Dense(5, 4, rng), Sigmoid(), Dense(4, 3, rng))

def test_the_network_sees_every_step():
    net = small()
    before = [p.data.copy() for p in net.parameters()]
    opt = SGD(net.parameters(), .5)
    cross_entropy(net(np.ones((2, 5), 'f')), np.array([0, 1])).backward()
    grads = [p.grad.copy() for p in net.parameters()]
    opt.step()
    for p, w, g in zip(net.parameters(), before, grads): np.testing.assert_allclose(p.data, w - .5*g, rtol=1e-6)
    assert all(np.shares_memory(p.data, opt.w) and np.shares_memory(p.buffer, opt.g) and p.grad is None for p in net.parameters())

def test_a_replaced_parameter_is_taken_in():
    p = Parameter([1., 2.])
    opt = SGD([p], 1.)
    p.data, p.grad = np.array([5., 6.], 'f'), np.array([1., 1.], 'f')
    opt.step()
    np.testing.assert_array_equal(p.data, [4, 5])
    p.grad = np.array([1., 0.], 'f'); opt.step()
    np.testing.assert_array_equal(p.data, [3, 5])

def test_two_optimizers_on_the_same_parameters():
    p = Parameter([1.])
    a, b = SGD([p], 1.), SGD([p], 10.)
    p.grad = np.array([1.], 'f'); a.step()
    p.grad = np.array([1.], 'f'); b.step()
    assert p.data[0] == 1 - 1 - 10

def test_a_parameter_without_gradient_stays():
    p, q = Parameter([1.]), Parameter([1.])
    opt = SGD([p, q], .5)
    (p*p).sum().backward(); opt.step()
    opt.zero_grad(); (q*q).sum().backward(); opt.step()
    np.testing.assert_allclose([p.data[0], q.data[0]], [0, 0])

def test_state_round_trip_continues_bit_for_bit():
    rng = np.random.default_rng(0)
    gs = rng.normal(size=(6, 7)).astype('f')
    def run(opt, p, gs):
        for g in gs: p.grad = g.copy(); opt.step()
    p = Parameter(np.ones(7, 'f')); a = Adam([p]); run(a, p, gs)
    q = Parameter(np.ones(7, 'f')); b = Adam([q]); run(b, q, gs[:3])
    r = Parameter(q.data.copy()); c = Adam([r]); c.load_state_dict(b.state_dict()); run(c, r, gs[3:])
    assert (r.data == p.data).all() and c.t == 6

def test_bad_input():
    with pytest.raises(ValueError, match='no parameters'): Adam([])
    with pytest.raises(ValueError, match='float32 and float64'): Adam([Parameter([1.]), Parameter([1.], 'float64')])
    p = Parameter([1., 2.]); opt = Adam([p])
    state = opt.state_dict() | {'m': np.zeros(3)}
    with pytest.raises(KeyError, match='does not fit Adam'): opt.load_state_dict(state)
    assert (opt.m == 0).all() and opt.m.size == 2
    p.data = np.zeros(3, 'f')
    with pytest.raises(ValueError, match='make a new optimizer'): opt.step()
    with pytest.raises(ValueError, match='rate from step 0'): piecewise({5: .1})

@given(st.integers(1, 200), st.floats(.01, 10))
def test_cosine_stays_within_bounds(steps, lr):
    rate = cosine(lr, steps, warmup=steps//3)
    assert all(0 <= rate(t) <= lr*(1 + 1e-12) for t in range(steps + 5)) and rate(steps) < 1e-12*lr + 1e-15

@given(st.integers(1, 30), st.floats(.1, 100))
def test_clip_keeps_the_direction(n, limit):
    g = np.random.default_rng(n).normal(size=n)*10
    old = g.copy()
    norm = clip_norm(g, limit)
    assert np.isclose(norm, np.linalg.norm(old)) and np.linalg.norm(g) <= limit*(1 + 1e-9)
    np.testing.assert_allclose(g*np.linalg.norm(old), old*np.linalg.norm(g), rtol=1e-9)

def test_flatten_keeps_values():
    ps = [Parameter(np.random.default_rng(0).normal(size=s), 'float64') for s in SHAPES]
    old = [p.data.copy() for p in ps]
    w, _, spans = flatten(ps)
    assert all((p.data == o).all() and (w[s] == o.ravel()).all() for p, o, s in zip(ps, old, spans))

@pytest.mark.parametrize('copied', [copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))], ids=['deepcopy', 'pickle'])
def test_a_copy_of_network_and_optimizer_trains_its_own(copied):
    rng = np.random.default_rng(0)
    net = Dense(3, 4, rng)
    opt = Adam(net.parameters(), .1)
    x, y = rng.normal(size=(5, 3)).astype(np.float32), rng.integers(0, 4, 5)
    def steps(net, opt):
        for _ in range(3):
            opt.zero_grad()
            cross_entropy(net(x), y).backward()
            opt.step()
        return net.w.data.copy()
    steps(net, opt)
    twin, own = copied((net, opt))
    before = net.w.data.copy()
    got = steps(twin, own)
    assert (net.w.data == before).all() and not np.allclose(got, before) and (steps(net, opt) == got).all()
