"The record and the walk back: deep and tangled programs, what adds up, what is let go, threads, types, and every bad input."
import gc, threading, weakref

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinybench.core import ops
from tinybench.core.ops import Op, numeric_grad
from tinybench.core.tensor import (
    Listener, Tensor, apply, backward, check_grad, concatenate, deposit, history, heard, in_scope, listener, no_grad, watching, where)


def leaf(*numbers, dtype=np.float64): return Tensor(np.array(numbers, dtype), requires_grad=True)


def random(*shape, seed=0): return Tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


# Programs

def test_a_hundred_thousand_steps():
    x = y = leaf(1.)
    for _ in range(100_000): y = y*1.00001
    y.backward()
    assert x.grad[0] == pytest.approx(1.00001**100_000, rel=1e-9)


def test_a_deep_graph_that_never_goes_back_is_let_go():
    x = y = leaf(1.)
    for _ in range(100_000): y = y + x
    ref = weakref.ref(y)
    del y
    gc.collect()
    assert ref() is None


def test_diamonds_do_not_double_the_work():
    x = y = leaf(1.)
    for _ in range(200): y = y*.5 + y*.5      # 2**200 paths
    assert len(history(y)) == 600
    y.backward()
    np.testing.assert_allclose(x.grad, [1.])


def test_a_long_and_a_short_road():
    x = leaf(2.)
    a = x*x
    b = a
    for _ in range(5): b = b + a
    (b*a).sum().backward()                    # 6 x**4
    np.testing.assert_allclose(x.grad, [24*2**3])


UNARY = [lambda a: a.tanh(), lambda a: a.sigmoid(), lambda a: -a, lambda a: a*.5 + 1, lambda a: (a*.1).exp(), lambda a: a.softmax()]
BINARY = [lambda a, b: a + b, lambda a, b: a*b, lambda a, b: a - b, lambda a, b: a/(b*b + 1), lambda a, b: a@b.T@b, lambda a, b: a + b.sum(0)]


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=12))
def test_any_program(steps):
    "Each step applies an op to earlier results, drawn at random: every way to branch, join and reuse."
    def program(x, y):
        made = [x, y]
        for op, i, j in steps:
            a, b = made[i % len(made)], made[j % len(made)]
            made.append(UNARY[op](a) if op < 6 else BINARY[op - 6](a, b)*.3)
        return made[-1].tanh()
    check_grad(program, Tensor(np.random.default_rng(0).normal(size=(2, 3))), Tensor(np.random.default_rng(1).normal(size=(2, 3))), tol=1e-5)


def test_the_order_of_operands_and_of_axes():
    x, y = random(2, 3), random(2, 3, seed=1)
    for f in (lambda x, y: x - y, lambda x, y: y/(x*x + 1), lambda x, y: (x*x + 1)**y, lambda x, y: x@y.T, lambda x, y: 2/(x*x + 1) - 3**y,
              lambda x, y: concatenate([x, y, x], 1), lambda x, y: where(x.data > y.data, x*y, y), lambda x, y: np.ones((4, 2))@x - y[0]):
        check_grad(f, x, y)


# What adds up

def test_gradients_add_up_over_uses_and_over_calls_until_cleared():
    x = leaf(3.)
    (x*x + x).sum().backward()
    np.testing.assert_allclose(x.grad, [7.])
    (x*2).sum().backward()
    np.testing.assert_allclose(x.grad, [9.])
    x.grad = None
    (x*2).sum().backward()
    np.testing.assert_allclose(x.grad, [2.])


def test_a_leaf_is_its_own_root():
    x = leaf(3.)
    x.backward(); x.backward()
    np.testing.assert_allclose(x.grad, [2.])


def test_only_leaves_keep_a_gradient():
    x = leaf(3.)
    y = x*2
    y.sum().backward()
    assert y.grad is None and x.grad is not None


def test_what_wants_no_gradient_gets_none_and_its_promise_is_never_called():
    called = []
    def promise(name): return lambda out=None: called.append(name) or np.ones(1)
    two = Op('two', np.add, lambda g, o, x, y: (promise('x'), promise('y')))
    x, y = Tensor([1.]), Tensor([1.], requires_grad=True)
    apply(two, x, y).sum().backward()
    assert called == ['y'] and x.grad is None


def test_retain():
    x = leaf(3.)
    y = (x*x).sum()
    y.backward(retain=True); y.backward(retain=True); y.backward()
    np.testing.assert_allclose(x.grad, [18.])
    with pytest.raises(RuntimeError, match='retain=True'): y.backward()


def test_a_used_part_of_another_program_is_refused():
    x = leaf(3.)
    shared = x*x
    (shared*2).sum().backward()
    with pytest.raises(RuntimeError, match='retain=True'): (shared*3).sum().backward()


# Memory

def test_backward_lets_the_history_go():
    x = leaf(3.)
    middle = x*x
    loss = middle.sum()
    ref = weakref.ref(middle)
    del middle
    assert ref() is not None
    loss.backward()
    assert ref() is None and loss.item() == 9


def test_retain_keeps_the_history():
    x = leaf(3.)
    loss = (x*x).sum()
    ref = weakref.ref(loss.made.parents[0])
    loss.backward(retain=True)
    assert ref() is not None


def test_without_a_record_nothing_is_held():
    x = leaf(3.)
    with no_grad():
        middle = x*x
        out = middle.sum()
    ref = weakref.ref(middle)
    del middle
    assert ref() is None and out.made is None


def test_the_first_gradient_lies_in_the_buffer():
    x = random(2, 3)
    x.buffer = np.full((2, 3), 9.)
    (x*2).sum().backward()
    assert x.grad is x.buffer
    (x*3).sum().backward()
    assert x.grad is x.buffer
    np.testing.assert_array_equal(x.buffer, np.full((2, 3), 5.))


@given(st.integers(1, 3), st.booleans())
def test_deposit_is_a_sum(n, buffer):
    grads = np.random.default_rng(n).normal(size=(n, 4, 2, 3))
    t = Tensor(np.zeros((2, 3)), requires_grad=True)
    if buffer: t.buffer = np.full((2, 3), np.nan)
    for g in grads: deposit(t, (lambda out=None, g=g: np.copyto(out, g.sum(0)) or out if out is not None else g) if buffer else g)
    np.testing.assert_allclose(t.grad, grads.sum((0, 1)))
    assert not buffer or t.grad is t.buffer


@pytest.mark.parametrize('buffers', [False, True])
@pytest.mark.parametrize('f', [
    lambda x, y: x + y, lambda x, y: x - y, lambda x, y: concatenate([x, y]), lambda x, y: where(np.array([True, False]), x, y),
    lambda x, y: x.reshape(1, 2) + y.T, lambda x, y: x[:] + y[:], lambda x, y: x.sum() + y.sum(), lambda x, y: x.maximum(y),
], ids=['add', 'sub', 'concatenate', 'where', 'views', 'slices', 'sum', 'maximum'])
def test_gradients_are_nobody_elses_memory(f, buffers):
    x, y = leaf(1., 2.), leaf(3., 4.)
    if buffers: x.buffer, y.buffer = np.zeros(2), np.zeros(2)
    out = f(x, y)
    g = np.ones(out.shape)
    out.backward(g)
    for a in (x.grad, y.grad):
        for other in (g, x.data, y.data, out.data): assert not np.shares_memory(a, other)
    before = y.grad.copy()
    x.grad[:] = 100
    assert (y.grad == before).all() and (g == 1).all()


def test_a_gradient_handed_in_is_not_the_leafs():
    x, g = leaf(1., 2.), np.ones(2)
    x.backward(g); x.backward(g)
    np.testing.assert_array_equal(g, [1, 1])
    np.testing.assert_array_equal(x.grad, [2, 2])


# When nothing is recorded

def test_no_grad_and_its_end():
    x = leaf(1.)
    with no_grad():
        assert not (x*2).requires_grad
        with no_grad(): pass
        assert not (x*2).requires_grad
    assert (x*2).requires_grad
    with pytest.raises(ZeroDivisionError):
        with no_grad(): 1/0
    assert (x*2).requires_grad


def test_no_grad_and_scopes_belong_to_one_thread():
    x, seen = leaf(1.), []
    def other():
        y = x*2
        seen.append((y.requires_grad, y.made.scope))
    with no_grad(), in_scope('mine'):
        t = threading.Thread(target=other); t.start(); t.join()
    assert seen == [(True, None)]


def test_threads_train_side_by_side():
    def train(i, results):
        x = leaf(float(i))
        for _ in range(50): (x*x).sum().backward()
        results[i] = x.grad[0]
    results = {}
    threads = [threading.Thread(target=train, args=(i, results)) for i in range(4)]
    for t in threads: t.start()
    for t in threads: t.join()
    assert results == {i: 100*i for i in range(4)}


def test_detach_cuts_and_shares():
    x = leaf(3.)
    y = (x*x).detach()
    assert not y.requires_grad and y.made is None
    (y*x).sum().backward()
    np.testing.assert_allclose(x.grad, [9.])
    assert np.shares_memory(x.detach().data, x.data)


class Ear(Listener):
    def __init__(self): self.heard = []
    def start(self, name, phase): self.heard.append(('start', name, phase))
    def stop(self, name, phase): self.heard.append(('stop', name, phase))


def test_scope_is_in_the_record_and_a_listener_hears_each_step_back():
    x, ear = leaf(3.), Ear()
    with in_scope('layer'): y = x*x
    loss = y.sum()
    with watching(ear): loss.backward()
    told = [(name, 'backward') for name in (None, 'layer')]
    assert ear.heard == [('start', 'backward', 'backward'), *[(w, *t) for t in told for w in ('start', 'stop')],
                         ('stop', 'backward', 'backward')]


def test_a_listener_hears_the_end_after_an_error_and_then_no_more():
    ear, other = Ear(), Ear()
    with watching(ear):
        with pytest.raises(KeyError), watching(other): heard('a', 'b', {}.__getitem__, 0)
        assert listener() is ear
    assert heard('c', 'd', abs, -1) == 1
    assert listener() is None and ear.heard == [] and other.heard == [('start', 'a', 'b'), ('stop', 'a', 'b')]


def test_a_listener_belongs_to_one_thread():
    ear, seen = Ear(), []
    def elsewhere():
        seen.append(listener())
        heard('a', 'b', abs, -1)
    with watching(ear):
        t = threading.Thread(target=elsewhere)
        t.start()
        t.join()
    assert seen == [None] and ear.heard == []


# Types

NUMBERS = [2, 2.5, True, np.float64(2.5), np.float32(2.5)]


@pytest.mark.parametrize('number', NUMBERS, ids=repr)
@pytest.mark.parametrize('f', [lambda x, n: x + n, lambda x, n: n - x, lambda x, n: x*n, lambda x, n: n/x,
                               lambda x, n: x**n, lambda x, n: n**x, lambda x, n: x.maximum(n)],
                         ids=['+', 'r-', '*', 'r/', '**', 'r**', 'maximum'])
def test_a_number_takes_the_type_of_the_tensor(f, number):
    for dtype in (np.float32, np.float64):
        x = leaf(1., 2., dtype=dtype)
        if dtype == np.float32 or not isinstance(number, np.float32):
            out = f(x, number)
            out.sum().backward()
            assert out.dtype == x.grad.dtype == dtype
            np.testing.assert_allclose(out.data, f(x.detach(), float(number)).data, rtol=1e-6)


def test_where_takes_numbers():
    x = leaf(1., 2., dtype=np.float32)
    out = where(np.array([True, False]), x, 2.5)
    np.testing.assert_array_equal(out.data, np.array([1, 2.5], np.float32))
    assert out.dtype == np.float32
    np.testing.assert_array_equal(where(x.data > 1, -3, x).data, [1, -3])


def test_whole_numbers_are_not_cut():
    whole = Tensor(np.array([1, 2, 3]))
    np.testing.assert_allclose((whole*.5).data, [.5, 1, 1.5])
    np.testing.assert_allclose((Tensor(np.array([0, 255], np.uint8))/255.).data, [0, 1])
    assert (whole + 1).dtype == whole.dtype, 'a label plus one is a label'


def test_lists_are_float32_and_arrays_keep_their_type():
    assert Tensor([1, 2]).dtype == Tensor(1).dtype == Tensor([[1.]]).dtype == Tensor([]).dtype == np.float32
    for dtype in (np.float64, np.int64, np.uint8, bool): assert Tensor(np.ones(2, dtype)).dtype == dtype
    assert Tensor(np.ones(2), np.float32).dtype == np.float32
    a = np.ones(2)
    assert Tensor(a).data is a and Tensor(Tensor(a)).data is a


def test_arrays_on_either_side():
    a, x = np.array([[1., 2.], [3., 4.]]), random(2, 2)
    for f in (lambda p, q: p + q, lambda p, q: p - q, lambda p, q: p*q, lambda p, q: p/q, lambda p, q: p@q, lambda p, q: abs_power(p, q)):
        for left, right in ((a, x), (x, a)):
            out = f(left, right)
            assert type(out) is Tensor and out.requires_grad
            np.testing.assert_allclose(out.data, f(*[getattr(v, 'data', v) if isinstance(v, Tensor) else v for v in (left, right)]))
    a += x.data
    assert type(a) is np.ndarray


def abs_power(p, q): return (p*p + 1)**q


def test_numpy_does_not_swallow_a_tensor():
    np.testing.assert_array_equal(np.asarray(leaf(1., 2.)), [1, 2])
    assert np.asarray(leaf(1., 2.), np.float32).dtype == np.float32


def test_a_float32_leaf_in_a_float64_program_keeps_its_type():
    x = leaf(1., 2., dtype=np.float32)
    (x*np.array([1., 2.])).sum().backward()
    assert x.grad.dtype == np.float32


# Bad inputs, said in words

@pytest.mark.parametrize('data', ['text', None, {'a': 1}, [1, 'b'], len], ids=['text', 'None', 'dict', 'list', 'function'])
def test_a_tensor_holds_numbers(data):
    with pytest.raises(TypeError, match='holds numbers'): Tensor(data)


def test_ragged_lists():
    with pytest.raises(ValueError, match='inhomogeneous'): Tensor([[1, 2], [3]])


@pytest.mark.parametrize('dtype', [np.int64, np.uint8, bool])
def test_only_floats_have_gradients(dtype):
    with pytest.raises(TypeError, match='floating-point'): Tensor(np.ones(2, dtype), requires_grad=True)


def test_arithmetic_with_what_is_no_number():
    for other in (None, 'a', {}):
        with pytest.raises(TypeError, match='holds numbers'): leaf(1.) + other


def test_backward_says_why_it_cannot_start():
    x = leaf(1., 2.)
    with pytest.raises(RuntimeError, match='no history'): Tensor([1.]).backward()
    with pytest.raises(RuntimeError, match='no history'): (x*2).detach().sum().backward()
    with no_grad(): y = (x*2).sum()
    with pytest.raises(RuntimeError, match='no history'): y.backward()
    with pytest.raises(ValueError, match=r'shape \(2,\)'): (x*2).backward()
    with pytest.raises(ValueError, match=r'g has shape \(3,\), the tensor \(2,\)'): (x*2).backward(np.ones(3))
    assert x.grad is None


@pytest.mark.parametrize('f, message', [
    (lambda x: x + np.ones(4), 'add of (2, 3), (4,)'), (lambda x: np.ones(4) - x, 'sub of (4,), (2, 3)'), (lambda x: x*[1, 2], 'mul of (2, 3), (2,)'),
    (lambda x: x/np.ones((3, 3)), 'div of (2, 3), (3, 3)'),
    (lambda x: x**np.ones(2), 'pow of (2, 3), (2,)'), (lambda x: x@x, 'matmul of (2, 3), (2, 3)'),
    (lambda x: x@np.ones(2), 'matmul of (2, 3), (2,)'), (lambda x: x@2, 'a product with a number is x*y'), (lambda x: Tensor(np.ones((2, 5, 3)))@np.ones((4, 3, 2)), 'matmul of (2, 5, 3), (4, 3, 2)'),
    (lambda x: x.maximum(np.ones(2)), 'maximum of (2, 3), (2,)'), (lambda x: where(np.ones(4, bool), x, x), 'where of (4,), (2, 3), (2, 3)'),
    (lambda x: concatenate([x, np.ones((2, 2))]), 'concatenate of (2, 3), (2, 2)'), (lambda x: concatenate([]), 'at least one'),
    (lambda x: x.reshape(4, 2), 'reshape of (2, 3)'), (lambda x: x.transpose(0, 0), 'transpose of (2, 3)'),
    (lambda x: x.transpose(0), 'transpose of (2, 3)'),
    (lambda x: x.sum(2), 'sum of (2, 3)'), (lambda x: x.mean((0, 3)), 'mean of (2, 3)'), (lambda x: x.max(-3), 'max of (2, 3)'),
    (lambda x: x[2], 'getitem of (2, 3)'), (lambda x: x[0, 0, 0], 'getitem of (2, 3)'), (lambda x: x[1.5], 'getitem of (2, 3)'),
    (lambda x: x.pad(((1, 1),)*3), 'pad of (2, 3)'),
    (lambda x: x.pad(((-1, 1), (0, 0))), 'pad of (2, 3)'), (lambda x: x.softmax(2), 'softmax of (2, 3)'),
    (lambda x: x.log_softmax(5), 'log_softmax of (2, 3)'), (lambda x: x[:, :0].max(1), 'max of (2, 0)'),
], ids=lambda v: v if isinstance(v, str) else '')
def test_shapes_that_do_not_fit(f, message):
    x = random(2, 3)
    with pytest.raises((ValueError, IndexError)) as e: f(x)
    assert message in str(e.value)


# The judge of whole programs

def test_check_grad_catches_wrong_gradients():
    x, y = random(2, 3), random(3, seed=1)
    wrong = dict(none=lambda g, o, x: (None,), zero=lambda g, o, x: (0*g,),
                 sign=lambda g, o, x: (-g*np.cos(x),), near=lambda g, o, x: (1.001*g*np.cos(x),),
                 nan=lambda g, o, x: (g*np.nan,))
    for name, vjp in wrong.items():
        with pytest.raises(AssertionError, match='gradient of tensor 0'): check_grad(lambda x: apply(Op(name, np.sin, vjp), x), x)
    summed = Op('add', np.add, lambda g, o, x, y: (g, 2*g))
    with pytest.raises(AssertionError, match=r'gradient of tensor 1, shape \(3,\)'): check_grad(lambda x, y: apply(summed, x, y), x, y)
    assert check_grad(lambda x: apply(Op('sin', np.sin, lambda g, o, x: (g*np.cos(x),)), x), x) < 1e-6


def test_check_grad_looks_at_params_and_refuses_float32():
    w = Tensor(np.ones(3), requires_grad=True)
    bad = Op('bad', np.multiply, lambda g, o, x, y: (g*y, g))
    with pytest.raises(AssertionError, match='gradient of tensor 1'): check_grad(lambda x: apply(bad, x, w), random(2, 3), params=[w])
    with pytest.raises(TypeError, match='float64'): check_grad(lambda x: x*2, Tensor([1., 2.]))


def test_check_grad_leaves_the_numbers_as_they_were():
    x = random(2, 3)
    before = x.data.copy()
    check_grad(lambda x: x.exp(), x)
    np.testing.assert_array_equal(x.data, before)


def test_the_slow_truth_agrees_for_a_whole_network():
    w, b, x = random(3, 4), random(4, seed=1), np.random.default_rng(2).normal(size=(5, 3))
    def loss(): return -((x@w + b).relu().log_softmax()[np.arange(5), [0, 1, 2, 3, 0]]).mean()
    loss().backward()
    for t in (w, b): np.testing.assert_allclose(t.grad, numeric_grad(lambda _: loss().item(), t.data), atol=1e-7)


# Looking at it

def test_repr_says_values_type_shape_and_origin():
    x = leaf(1., 2., dtype=np.float32)
    assert repr(x) == 'Tensor([1., 2.], float32 (2,), requires_grad)'
    assert repr((x*2).sum()) == 'Tensor(6., float32 (), from sum)'
    assert repr(Tensor(np.zeros((100, 100)))).count('0.') < 20


def test_the_small_things():
    x = random(2, 3)
    assert (len(x), x.ndim, x.size, x.shape, x.T.shape) == (2, 2, 6, (2, 3), (3, 2))
    assert x.reshape((3, 2)).shape == x.reshape(3, -1).shape == (3, 2)
    assert x.numpy() is x.data and Tensor(2.5).item() == 2.5
    assert [t.shape for t in x] == [(3,), (3,)]
    assert apply(ops.add, 1., 2.).item() == 3
