"A plan without a compiler, or with a bad one, runs in numpy and says so; the graph, and what is fused"
import os, stat, tracemalloc

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinybench.core.tensor import Tensor, apply, concatenate, no_grad
from tinybench.models.zoo import SHAPES, create
from tinybench.native.plan import LINE, first_fit, fused, graph, is_product, least, plan, uses
from tinybench.nn import dense, norm
from tinybench.nn.conv import Conv1d, Conv2d
from tinybench.nn.dense import Dense, Dropout, ReLU, Residual
from tinybench.nn.module import Module, Sequential
from tinybench.nn.norm import BatchNorm
from tinybench.nn.pool import ConvReluPool2d, MaxPool2d
from tinybench.toolchain import cache, load as load_module
from tinybench.toolchain.store import made_by

posix = pytest.mark.skipif(os.name != 'posix', reason='the compilers of these tests are scripts of a shell')
SHAPE = SHAPES['simple_cnn']
def net(): return create('simple_cnn', np.random.default_rng(0)).eval()
def inputs(shape, batch=2): return np.random.default_rng(1).normal(size=(batch, *shape)).astype(np.float32)

def right(p, m, x):
    with no_grad(): want = m(Tensor(x)).data
    np.testing.assert_allclose(p(x), want, rtol=1e-5, atol=1e-5*abs(want).max())


# --- without a compiled function

def bad_compiler(tmp_path, body):
    path = tmp_path/'cc'
    path.write_text(f'#!/bin/sh\ncase "$*" in *--version) echo "cc of the Free Software Foundation 1"; exit;; esac\n{body}\n')
    path.chmod(0o755)
    return str(path)

def in_numpy_because(says):
    "That a plan is right, in numpy, after one sentence which holds what `says`."
    with pytest.warns(UserWarning) as told: p = plan(net(), SHAPE, 2)
    said, = (str(w.message) for w in told)
    assert says in said and said.endswith('; numpy runs the plan') and '\n' not in said and said.isprintable()
    assert repr(p).endswith(f'; runs in numpy, as {said.removesuffix("; numpy runs the plan")}')
    right(p, net(), inputs(SHAPE))
    return said

@pytest.fixture
def place(tmp_path, monkeypatch):
    "A cache and a temporary folder of the test's own."
    monkeypatch.setenv('TINYBENCH_CACHE', str(tmp_path/'cache'))
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    made_by.cache_clear()
    yield tmp_path
    made_by.cache_clear()

def test_without_a_compiler(place, monkeypatch):
    monkeypatch.setenv('TINYBENCH_CC', 'none')
    in_numpy_because('no C compiler: install')

def test_a_compiler_that_is_not_there(place, monkeypatch):
    monkeypatch.setenv('TINYBENCH_CC', '/not/there')
    in_numpy_because('TINYBENCH_CC names /not/there, which is not there')

@posix
@pytest.mark.parametrize('body, says', [
    ('echo "network.c:3:4: error: no such thing"; exit 1', 'cc failed: network.c:3:4: error: no such thing (exit status 1)'),
    ('kill -SEGV $$', 'cc failed: it said nothing (signal 11)'), ('true', 'cc wrote no library'),
    ('while [ $# -gt 0 ]; do [ "$1" = -o ] && echo rubbish > "$2"; shift; done', 'cannot be loaded')])
def test_a_compiler_that_fails(body, says, place, monkeypatch):
    monkeypatch.setenv('TINYBENCH_CC', bad_compiler(place, body))
    in_numpy_because(says)

@posix
def test_a_compiler_that_hangs(place, monkeypatch):
    monkeypatch.setenv('TINYBENCH_CC', bad_compiler(place, 'sleep 100'))
    library = cache.library
    monkeypatch.setattr(load_module, 'library', lambda *args, secs, **more: library(*args, secs=.5, **more))
    in_numpy_because('cc did not end within 0.5 s')

def test_another_listener_is_told(place, monkeypatch):
    monkeypatch.setenv('TINYBENCH_CC', 'none')
    said = []
    p = plan(net(), SHAPE, 2, say=said.append)
    assert len(said) == 1 and 'no C compiler' in said[0] and p.why in said[0]

def test_numpy_if_asked_tells_nobody(place, monkeypatch):
    monkeypatch.setenv('TINYBENCH_CC', 'none')
    p = plan(net(), SHAPE, 2, native=False, say=lambda said: pytest.fail(said))
    assert repr(p).endswith('runs in numpy, as asked')
    right(p, net(), inputs(SHAPE))

@pytest.mark.parametrize('folder', ['with blank', 'ümläut', '''it's "quoted"''', 'not/yet/there'])
def test_a_cache_at_any_path(folder, real, tmp_path, monkeypatch):
    monkeypatch.setenv('TINYBENCH_CACHE', str(tmp_path/folder))
    p = plan(net(), SHAPE, 2, say=lambda said: pytest.fail(said))
    assert repr(p).endswith('; runs in C') and list((tmp_path/folder/'compiled').iterdir())
    right(p, net(), inputs(SHAPE))

def test_a_cache_that_cannot_be(real, place, monkeypatch):
    "A file is in its place: root may write to any folder. One sentence, and C runs all the same."
    (place/'file').write_text('')
    monkeypatch.setenv('TINYBENCH_CACHE', str(place/'file'))
    said = []
    p = plan(net(), SHAPE, 2, say=said.append)
    assert len(said) == 1 and 'nothing can be kept in' in said[0] and repr(p).endswith('; runs in C')
    right(p, net(), inputs(SHAPE))

@posix
def test_a_cache_that_only_reads(real, place, monkeypatch):
    if os.geteuid() == 0: pytest.skip('root may write to any folder')
    (place/'cache').mkdir()
    (place/'cache').chmod(stat.S_IRUSR | stat.S_IXUSR)
    said = []
    p = plan(net(), SHAPE, 2, say=said.append)
    assert len(said) == 1 and 'nothing can be kept in' in said[0] and repr(p).endswith('; runs in C')
    right(p, net(), inputs(SHAPE))


# --- the graph

class Do(Module):
    "A layer that does what a function says."
    def __init__(self, f, *parts): self.f, self.parts = f, list(parts)
    def forward(self, x): return self.f(self, x)

R = np.random.default_rng(0)
def ran(m, shape, batch=2):
    "Names and inputs of the operations, and the number of the result."
    nodes, out = graph(m.eval(), inputs(shape, batch))
    return [(n.op.name, tuple(i for i in n.ins if type(i) is int)) for n in nodes[1:]], out

def test_several_results_are_refused():
    with pytest.raises(ValueError, match='a plan is for one result, and this network has 2'): ran(Do(lambda m, x: (x, x*2)), (4,))

def test_a_result_without_the_input_is_refused():
    with pytest.raises(ValueError, match='outside the operations'): ran(Do(lambda m, x: m.parts[0].w*2, Dense(4, 4, R)), (4,))

def test_what_is_made_of_weights_alone_is_known():
    steps, out = ran(Do(lambda m, x: x @ (m.parts[0].w*2), Dense(4, 4, R)), (4,))
    assert steps == [('matmul', (0,))] and out == 1

def test_a_layer_that_is_shared_runs_twice():
    assert ran(Do(lambda m, x: m.parts[0](m.parts[0](x)), Dense(4, 4, R)), (4,)) == ([('dense', (0,)), ('dense', (1,))], 2)

def test_a_detached_tensor_is_the_same_value():
    assert ran(Do(lambda m, x: (x*2).detach() + x.detach()), (4,)) == ([('mul', (0,)), ('add', (1, 0))], 2)

def test_both_sides_may_be_the_same_value():
    nodes, out = graph(Do(lambda m, x: (lambda a: (a + a).relu())(m.parts[0](x)), Dense(4, 4, R)), inputs((4,)))
    assert [n.ins for n in nodes[2:]] == [(1, 1), (2,)] and uses(nodes, out)[1] == 2
    steps = fused(nodes, out)
    assert [s.op for s in steps] == ['dense', 'add', 'relu'] and not steps[0].then

def test_a_value_that_two_products_read_is_stored():
    nodes, out = graph(Do(lambda m, x: (lambda a: m.parts[1](a) + m.parts[2](a))(m.parts[0](x)), *(Dense(4, 4, R) for _ in range(3))), inputs((4,)))
    steps = fused(nodes, out)
    assert [(s.ins[0], s.then) for s in steps] == [(0, []), (1, []), (1, [2])] and steps[-1].out == out == 4

def test_views_and_joined_values():
    made = Do(lambda m, x: concatenate([x.transpose(0, 2, 1)[:, 1:].expand_dims(1).squeeze(1).reshape(-1, 2, 5), x[:, :2]*1], 0))
    steps, out = ran(made, (5, 5))
    assert [name for name, _ in steps] == ['transpose', 'getitem', 'expand_dims', 'squeeze', 'reshape', 'getitem', 'mul', 'concatenate'] and out == 8
    made = Do(lambda m, x: concatenate([x.transpose(0, 2, 1), x[:, ::-1]], -1).reshape(-1, 50))
    p = plan(made, (5, 5), 2, native=False)
    right(p, made, inputs((5, 5)))
    assert len(p.layout.steps) == 1         # views cost nothing

def test_a_view_that_lies_in_pieces_is_copied_before_it_is_reshaped():
    made = Do(lambda m, x: x.transpose(0, 2, 1).reshape(-1, 15))
    p = plan(made, (5, 3), 2, native=False)
    assert [s.op for s in p.layout.steps][:1] == ['copy']
    right(p, made, inputs((5, 3)))

def test_dropout_runs_nothing(): assert ran(Sequential(Dropout(.5, R), ReLU()), (4,)) == ([('relu', (0,))], 1)

def test_layers_keep_their_mode():
    m = Sequential(BatchNorm(4), Dropout(.5, R)).train()
    graph(m, inputs((4,)))
    assert m.layers[0].training and m.layers[1].training


# --- what is fused

def steps_of(m, shape):
    nodes, out = graph(m.eval(), inputs(shape))
    return fused(nodes, out)

def conv(**how): return Conv2d(3, 3, 3, R, padding='same', **how)

def test_a_product_takes_in_all_that_follows():
    s, = steps_of(Sequential(conv(), BatchNorm(3), ReLU(), MaxPool2d(2)), (8, 8, 3))
    assert s.then == ['relu'] and s.pool == (2, 2) and s.b is not None and s.shape == (2, 4, 4, 3)
    *_, s = steps_of(Sequential(conv(), Residual(Sequential(conv(), BatchNorm(3))), ReLU()), (8, 8, 3))
    assert s.then == [1, 'relu']

def test_a_convolution_with_a_pool_in_it_is_one_step_unless_its_rows_are_too_long():
    s, = steps_of(ConvReluPool2d(3, 4, 3, R), (8, 8, 3))
    assert s.then == ['relu'] and s.pool == (2, 2)
    wide = LINE//(2*64) + 3
    assert [(s.op, s.pool) for s in steps_of(ConvReluPool2d(3, 64, 3, R), (4, wide - 1, 3))] == [('conv2d', (2, 2))]
    assert [(s.op, s.pool) for s in steps_of(ConvReluPool2d(3, 64, 3, R), (4, wide, 3))] == [('conv2d', ()), ('max_pool2d', ())]

@pytest.mark.parametrize('m', [
    Sequential(conv(), ReLU(), BatchNorm(3)), Sequential(conv(), MaxPool2d(2), BatchNorm(3)), Sequential(conv(), MaxPool2d(3, stride=2)),
    Sequential(conv(), MaxPool2d(3, padding='same')), Sequential(conv(), MaxPool2d(2), MaxPool2d(2)),
    Do(lambda m, x: m.parts[0](x) + np.ones(3, 'f4'), conv()), Do(lambda m, x: m.parts[0](x) + 1, conv())])
def test_what_cannot_be_taken_in_is_a_step(m): assert len(steps_of(m, (8, 8, 3))) == 2

def test_products_of_values_are_none():
    nodes, _ = graph(Do(lambda m, x: x @ x.transpose(0, 2, 1)), inputs((4, 4)))
    assert not is_product(nodes[-1])
    nodes, _ = graph(Sequential(Conv1d(4, 4, 3, R), Dense(4, 4, R)), inputs((4, 4)))
    assert all(map(is_product, nodes[1:]))


# --- the arena

values = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 20), st.integers(0, 6)), max_size=15)

@given(values)
def test_no_two_values_that_live_at_once_overlap(values):
    sizes, lives = {i: n for i, (n, _, _) in enumerate(values)}, {i: (a, a + d) for i, (_, a, d) in enumerate(values)}
    places = first_fit(sizes, lives)
    assert set(places) == set(sizes)
    for i in places:
        for j in range(i):
            apart = lives[i][1] < lives[j][0] or lives[j][1] < lives[i][0]
            assert apart or places[i] + sizes[i] <= places[j] or places[j] + sizes[j] <= places[i]
    assert max((places[i] + sizes[i] for i in places), default=0) >= least(sizes, lives)


# --- what a reader of the code found

def own(f, x, **how):
    "A plan of `f` of a tensor, beside what that is."
    class Own(Module):
        def forward(self, x): return f(x)
    with np.errstate(over='ignore'): p, want = plan(Own(), x.shape[1:], len(x), **how), f(Tensor(x)).data
    return p(x), want

@pytest.mark.parametrize('native', [False, True])
def test_a_plan_may_be_fed_its_own_result(native):
    r = np.random.default_rng(0)
    net = Sequential(Dense(40, 40, r), Dense(40, 40, r)).eval()
    p, x = plan(net, (40,), native=native, say=lambda why: None), r.normal(size=(1, 40)).astype(np.float32)
    want = net(net(x)).data
    assert np.allclose(p(p(x)), want, rtol=1e-5, atol=1e-5) and np.allclose(p(p(x).reshape(1, 40)), want, rtol=1e-5, atol=1e-5)

def test_a_layer_that_writes_into_its_result_is_refused():
    class Cut(Dense):
        def forward(self, x):
            y = super().forward(x)
            y.data[y.data < 0] = 0
            return y
    with pytest.raises(ValueError, match='change an array in place'): plan(Cut(6, 6, np.random.default_rng(0)), (6,), native=False)

def test_scales_and_biases_of_other_shapes_are_refused_or_right():
    r = np.random.default_rng(1)
    x, beta = r.normal(size=(3, 6)).astype(np.float32), r.normal(size=6).astype(np.float32)
    for gamma in (r.normal(size=(3, 6)).astype(np.float32), np.ones(1, np.float32)):
        with pytest.raises(ValueError, match='not one row of 6'): own(lambda t: apply(norm.layernorm, t, gamma, beta, eps=1e-5), x)
    got, want = own(lambda t: apply(norm.layernorm, t, beta[::-1], beta), x)
    assert np.allclose(got, want, atol=1e-5)
    w = r.normal(size=(6, 20)).astype(np.float32)
    for b in (np.ones(1, np.float32), np.float32(3.).reshape(())):
        got, want = own(lambda t: apply(dense.dense, t, w, b), x)
        assert np.allclose(got, want, atol=1e-5)
    with pytest.raises(ValueError, match='numbers depend on the input'):
        own(lambda t: apply(norm.frozen, t, t[0], beta, mean=beta, var=beta**2, eps=1e-3), x)

@pytest.mark.parametrize('shape', [4, '4', (4.,), (0, 3), (-1,)])
def test_a_shape_that_is_none_is_named(shape):
    with pytest.raises(ValueError, match='sizes of one input as a tuple'): plan(Sequential(ReLU()), shape, native=False)

@pytest.mark.parametrize('name', ['relu', 'main', '1x_run', 'exp', 'a b_run', ''])
def test_a_name_that_c_has_is_refused(name):
    with pytest.raises(ValueError, match='ends with _run'): plan(Sequential(ReLU()), (4,), native=False, name=name)

def test_numbers_that_a_plan_makes_up_warn_nobody():
    class Log(Module):
        def forward(self, x): return (x - 1).log() + 1/(x - x)
    plan(Log(), (6,), native=False)

def test_what_overflows_in_between_is_as_in_numpy():
    x = np.linspace(-200, 200, 41, dtype=np.float32)[None]
    class Logistic(Module):
        def forward(self, x): return 1/(1 + (-x).exp())
    with np.errstate(over='ignore'):
        p, want = plan(Logistic(), (41,)), Logistic()(Tensor(x)).data
        assert np.allclose(p(x), want, atol=1e-6) and want[0, 0] == 0


# --- memory

@pytest.mark.parametrize('name', ['fc_autoencoder', 'resnet8'])
def test_a_plan_holds_on_to_its_weights_and_little_else(name):
    "One set is in the order of the C, one folded, which blocks are tried with; passes of the network leave nothing."
    m, x = create(name, np.random.default_rng(0)).eval(), inputs(SHAPES[name], 1)
    right(plan(m, SHAPES[name]), m, x)      # whatever is made once is there now
    tracemalloc.start()
    try:
        p = plan(m, SHAPES[name])
        p(x)
        stays = tracemalloc.get_traced_memory()[0]
    finally: tracemalloc.stop()
    assert stays < 2*p.weights.nbytes + p.arena.nbytes + 2**18
