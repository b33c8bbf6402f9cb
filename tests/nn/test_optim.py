"Optimizers: PyTorch's numbers, one flat vector that the layers look into, and what happens when somebody replaces a parameter."
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.nn.dense import Dense, Sigmoid
from tinybench.nn.loss import cross_entropy
from tinybench.nn.module import Parameter, Sequential
from tinybench.nn.optim import SGD, Adam, AdamW, RMSprop, clip_norm, cosine, flatten, piecewise

SHAPES = (4, 3), (3,), (2, 2, 2)
PAIRS = {
    'sgd': (lambda p: SGD(p, .1), lambda t, p: t.SGD(p, .1)),
    'momentum': (lambda p: SGD(p, .1, .9), lambda t, p: t.SGD(p, .1, momentum=.9)),
    'rmsprop': (lambda p: RMSprop(p, .01, .9, 1e-7), lambda t, p: t.RMSprop(p, .01, alpha=.9, eps=1e-7)),
    'adam': (lambda p: Adam(p, .01), lambda t, p: t.Adam(p, .01)),
    'adam-eps': (lambda p: Adam(p, .01, (.8, .95), 1e-3), lambda t, p: t.Adam(p, .01, betas=(.8, .95), eps=1e-3)),
    'adamw': (lambda p: AdamW(p, .01, decay=.1), lambda t, p: t.AdamW(p, .01, weight_decay=.1)),
}

@pytest.mark.parametrize('name', PAIRS)
def test_same_as_torch(name, torch):
    ours, theirs = PAIRS[name]
    rng = np.random.default_rng(0)
    start = [rng.normal(size=s).astype('f') for s in SHAPES]
    mine = [Parameter(a.copy()) for a in start]
    them = [torch.nn.Parameter(torch.tensor(a)) for a in start]
    a, b = ours(mine), theirs(torch.optim, them)
    for _ in range(25):
        for p, q in zip(mine, them):
            g = (rng.normal(size=p.shape)*rng.choice([1e-3, 1, 30])).astype('f')
            p.grad, q.grad = g.copy(), torch.tensor(g)
        a.step(); b.step()
    for p, q in zip(mine, them): np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-5, atol=1e-6)

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
