"Layers and parameters wherever lists, tuples and dicts hold them: found, named, trained, saved, counted and rewritten."
import copy
from collections import OrderedDict, UserList, deque, namedtuple
from types import MappingProxyType

import numpy as np
import pytest

from tinybench.core.tensor import Listener, Tensor, watching
from tinybench.nn.dense import Dense, Dropout, ReLU
from tinybench.nn.loss import mse
from tinybench.nn.module import Module, Parameter, Sequential, live_state, load_arrays, parts, walk
from tinybench.nn.norm import BatchNorm
from tinybench.nn.optim import SGD, Adam
from tinybench.optimize.fuse import FusedDense, fold, fuse
from tinybench.optimize.prune import prune
from tinybench.optimize.step import clone, put, strip
from tinybench.profile.cost import cost

Pair = namedtuple('Pair', 'left right')


class Heads(Module):
    "A body, heads in a dict, and blocks in a list of lists."
    def __init__(self, rng):
        self.body, self.heads = Dense(4, 8, rng), {'a': Dense(8, 2, rng)}
        self.blocks = [[Dense(8, 8, rng), BatchNorm(8), ReLU(), Dropout(.5, rng)]]
    def forward(self, x):
        x = self.body(x)
        for block in self.blocks:
            for layer in block: x = layer(x)
        return self.heads['a'](x)


def heads(seed=0): return Heads(np.random.default_rng(seed))
def some(seed=1, n=16): return np.random.default_rng(seed).normal(size=(n, 4)).astype('f')


def test_every_layer_is_found():
    net = heads()
    assert net.n_parameters() == 40 + 18 + 72 + 16 and not net.eval().blocks[0][3].training
    assert [name for name, _ in net.named_parameters()] == [
        'body.w', 'body.b', 'heads.a.w', 'heads.a.b', 'blocks.0.0.w', 'blocks.0.0.b', 'blocks.0.1.gamma', 'blocks.0.1.beta']
    assert len(net.state_dict()) == 10 and net.astype(np.float64).blocks[0][1].mean.dtype == np.float64


def test_every_layer_is_trained_and_none_moves_in_evaluation():
    net, x = heads(), some()
    before, opt = net.state_dict(), Adam(net.parameters(), .01)
    for _ in range(10): mse(net(x), x[:, :2]).backward(); opt.step()
    assert all((before[k] != v).any() for k, v in net.state_dict().items())
    still = net.eval().state_dict()
    np.testing.assert_array_equal(net(x).data, net(x).data)
    assert all((still[k] == v).all() for k, v in net.state_dict().items())


def test_saved_loaded_copied(tmp_path):
    net, other = heads(), heads(9)
    path, x = net.save(tmp_path/'heads'), some()
    assert set(load_arrays(path)) == set(net.state_dict())
    for twin in (other.load(path), copy.deepcopy(net), clone(net)):
        np.testing.assert_array_equal(twin.eval()(x).data, net.eval()(x).data)
    other.blocks[0][0].w.data[:] = 0
    assert net.blocks[0][0].w.data.any()


def test_files_of_lists_keep_their_names(tmp_path):
    class Old(Module):
        def __init__(self): self.rest = (Dense(2, 2, np.random.default_rng(0)), [3, Dense(2, 1, np.random.default_rng(0))][1])
    assert list(Old().state_dict()) == ['rest.0.w', 'rest.0.b', 'rest.1.w', 'rest.1.b']


def test_counted_under_their_paths():
    assert {r.path: r.params for r in cost(heads(), (1, 4)).rows} == {
        'body': 40, 'blocks.0.0': 72, 'blocks.0.1': 16, 'blocks.0.2': 0, 'blocks.0.3': 0, 'heads.a': 18}
    assert cost(heads(), (1, 4)).params == heads().n_parameters() == heads().summary((2, 4)).total
    assert not any('?' in r[0] for r in heads().summary((2, 4)).rows)


def test_steps_reach_them():
    x = some()
    class Body(Module):
        def __init__(self, rng): self.blocks = {'first': [Sequential(Dense(4, 8, rng), BatchNorm(8), ReLU())]}
        def forward(self, x): return self.blocks['first'][0](x)
    net = Body(np.random.default_rng(0))
    net(x); want = net.eval()(x).data
    folded = fold(net)
    assert not any(isinstance(m, BatchNorm) for _, m in walk(folded)) and any(isinstance(m, BatchNorm) for _, m in walk(net))
    np.testing.assert_allclose(folded(x).data, want, atol=1e-5)
    fused = fuse(folded)
    assert any(isinstance(m, FusedDense) for _, m in walk(fused))
    np.testing.assert_allclose(fused(x).data, want, atol=1e-5)
    assert not any(isinstance(m, Dropout) for _, m in walk(strip(heads())))
    assert (prune(net, .5).blocks['first'][0][0].w.data == 0).mean() >= .49


@pytest.mark.parametrize('make', [list, tuple, deque, lambda v: {'x': v[0], 'y': v[1]}, lambda v: OrderedDict(x=v[0], y=v[1]),
                                  lambda v: Pair(*v), lambda v: [[v[0]], {'z': (v[1],)}]],
                         ids=['list', 'tuple', 'deque', 'dict', 'ordered', 'namedtuple', 'nested'])
def test_any_container_is_looked_into_and_rewritten(make):
    rng, m = np.random.default_rng(0), Module()
    m.inside = make([Dense(2, 3, rng), Dense(3, 1, rng)])
    assert m.n_parameters() == 13
    names, kind = [name for name, _ in parts(m, Module)], type(m.inside)
    put(m, names[1], ReLU())
    assert m.n_parameters() == 9 and type(m.inside) is kind and [name for name, _ in parts(m, Module)] == names


def test_a_mapping_that_cannot_change_is_read():
    m = Module(); m.inside = MappingProxyType({1: Dense(2, 3, np.random.default_rng(0))})
    assert [name for name, _ in m.named_parameters()] == ['inside.1.w', 'inside.1.b']


def test_a_container_in_itself():
    m, rng = Module(), np.random.default_rng(0)
    ring = [Dense(2, 3, rng)]; ring.append(ring); m.ring = {'self': ring}; m.ring['ring'] = m.ring
    assert [name for name, _ in m.named_parameters()] == ['ring.self.0.w', 'ring.self.0.b']
    put(m, 'ring.self.0', ReLU())
    assert m.n_parameters() == 0
    deep = inner = []
    for _ in range(2000): inner.append([]); inner = inner[0]
    inner.append(Dense(1, 1, rng)); m.ring = deep
    assert m.n_parameters() == 2


@pytest.mark.parametrize('hold', [lambda d: {d}, lambda d: frozenset([d]), lambda d: {(d, 1)}, lambda d: [{d.w}], lambda d: {d: 'key'},
                                  lambda d: {'x': {'y': {d}}}, lambda d: np.array([[d, None]]), lambda d: UserList([d]), lambda d: {'a': d}.values()],
                         ids=['set', 'frozenset', 'tuple', 'parameter', 'key', 'deep', 'objects', 'UserList', 'view'])
def test_what_has_no_name_is_refused(hold):
    m = Module(); m.held = hold(Dense(2, 2, np.random.default_rng(0)))
    for f in (m.parameters, m.eval, m.state_dict, lambda: SGD(m.parameters())):
        with pytest.raises(TypeError, match=r'held.*have no name to be saved under'): f()


@pytest.mark.parametrize('part', [lambda: Parameter([1.]), lambda: Dense(2, 2, np.random.default_rng(0)),
                                  lambda: {'a': [Dense(2, 2, np.random.default_rng(0))]}, lambda: deque([Parameter([1.])])],
                         ids=['parameter', 'layer', 'dict', 'deque'])
def test_a_part_of_the_class_is_refused(part):
    with pytest.raises(TypeError, match=r'Net\.head.*belongs to the class.*make it in __init__, as self\.head'): type('Net', (Module,), {'head': part()})


def test_a_set_of_parts_in_the_class_is_refused():
    with pytest.raises(TypeError, match='head: layers and parameters in a set have no name'): type('Net', (Module,), {'head': {Parameter([1.])}})


def test_classes_of_layers_are_no_layers():
    class Net(Module):
        kinds, first, allowed = [Dense, Sequential], {Dense: 3}, {ReLU, Dense}
        def __init__(self): self.made, self.w = {Dense: 'one', ReLU: 'two'}, Parameter([1.])
    assert [name for name, _ in Net().named_parameters()] == ['w']


def test_other_sets_are_no_trouble():
    m = Dense(2, 2, np.random.default_rng(0)); m.tags = {'a', 3, (1, 'x')}; m.table = {1: 'one', (2, 3): 'pair'}
    m.things, m.many, m.raw = np.array([None, 'x'], object), range(10**12), bytes(3)
    assert m.n_parameters() == 6


def test_two_names_that_read_alike_are_refused():
    m = Module(); m.at = {1: Parameter([1.]), '1': Parameter([2.])}
    with pytest.raises(ValueError, match='two arrays are called at.1'): live_state(m)
    m.at = {'a.w': Parameter([1.]), 'a': Dense(1, 1, np.random.default_rng(0))}
    with pytest.raises(ValueError, match='two arrays are called at.a.w'): m.state_dict()


def test_a_list_shared_by_two_names_is_one():
    m, rng = Module(), np.random.default_rng(0)
    m.one = m.two = [Dense(2, 2, rng)]
    assert m.n_parameters() == 6 and [name for name, _ in parts(m, Module)] == ['one.0', 'two.0']
    with pytest.raises(ValueError, match='one.0 and two.0 are one Dense'): strip(m)


def test_keyword_arguments_reach_forward():
    class Scaled(Module):
        def forward(self, x, scale=1.): return x*scale
    np.testing.assert_array_equal(Scaled()(Tensor([1., 2.]), scale=3.).data, [3, 6])

def test_keyword_arguments_reach_forward_past_any_listener():
    class Scaled(Module):
        def forward(self, x, scale=1.): return x*scale
    class Twice(Module):
        def __init__(self): self.inner = Scaled()
        def forward(self, x): return self.inner(x, scale=2.)
    with watching(Listener()): assert Scaled()(Tensor([1.]), scale=3.).data == 3
    assert cost(Twice(), (1, 2)).flops == 2 and Twice().summary((1, 2)).rows[0][0] == 'inner'
