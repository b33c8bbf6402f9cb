"The tree of layers: finding, saving, loading, and what happens to the state when something goes wrong half way."
import io, os, signal, subprocess, sys, textwrap, threading, zipfile

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinybench.core.tensor import Tensor
from tinybench.base.files import write_whole
from tinybench.nn.module import (Module, Parameter, Sequential, around_calls, check_input, live_state,
                                 load_arrays, misfits, named_parameters, parts, save_arrays, walk)


class Scale(Module):
    "A weight for each of `n` features, and a count of its calls that is saved but not trained."
    buffers = ('calls',)
    def __init__(self, n, start=1.): self.n, self.w, self.calls = n, Parameter(np.full(n, start, np.float32)), np.zeros(1, np.float32)
    def extra(self): return str(self.n)
    def forward(self, x):
        check_input(self, x, ('batch', self.n), self.w.dtype)
        self.calls += 1
        return x*self.w


class Block(Module):
    "Two layers, a list of one, and a weight of its own."
    def __init__(self, n): self.a, self.rest, self.w, self.b = Scale(n, 2.), [Scale(n, 3.)], Parameter(np.ones(1, np.float32)), Scale(n, 4.)
    def forward(self, x): return self.b(self.rest[0](self.a(x)))*self.w


class Twice(Module):
    "One layer under two names, and one parameter in two layers."
    def __init__(self, n):
        self.a = self.again = Scale(n)
        self.other = Scale(n)
        self.other.w = self.a.w
    def forward(self, x): return self.other(self.again(self.a(x)))


def ones(*shape): return Tensor(np.ones(shape, np.float32))


# The tree

def test_walk_goes_depth_first_in_the_order_of_making():
    net = Sequential(Block(2), Scale(2))
    assert [p for p, _ in walk(net)] == ['', 'layers.0', 'layers.0.a', 'layers.0.rest.0', 'layers.0.b', 'layers.1']
    assert [p for p, _ in named_parameters(net)] == ['layers.0.w', 'layers.0.a.w', 'layers.0.rest.0.w', 'layers.0.b.w', 'layers.1.w']


def test_what_is_shared_is_found_once():
    net = Twice(3)
    assert [p for p, _ in walk(net)] == ['', 'a', 'other']
    assert [p for p, _ in net.named_parameters()] == ['a.w'] and net.n_parameters() == 3
    net(ones(2, 3)).sum().backward()
    np.testing.assert_array_equal(net.a.w.grad, [6, 6, 6])       # w**3, two rows
    assert list(net.state_dict()) == ['a.w', 'a.calls', 'other.calls']


def test_a_shared_parameter_stays_shared_through_loading():
    net, state = Twice(3), Twice(3).state_dict()
    state['a.w'][:] = 7
    net.load_state_dict(state)
    assert net.other.w is net.a.w and (net.other.w.data == 7).all()


def test_a_child_that_knows_its_parent_is_no_trouble():
    parent = Block(2)
    parent.a.parent = parent
    assert len(list(walk(parent))) == 4 and parent.n_parameters() == 7


def test_parts_looks_at_attributes_lists_and_tuples():
    net = Module()
    net.p, net.q, net.r, net.n, net.text = Parameter([1.]), (Parameter([2.]), 3), [], None, 'w'
    assert [name for name, _ in parts(net, Parameter)] == ['p', 'q.0']


def test_a_deep_tree():
    net = layer = Module()
    for _ in range(5000): layer.next = Module(); layer = layer.next
    assert sum(1 for _ in walk(net)) == 5001
    assert net.train().eval() is net and layer.training is False


def test_train_and_eval_reach_everything():
    net = Sequential(Block(2), Scale(2))
    assert not any(m.training for _, m in walk(net.eval()))
    assert all(m.training for _, m in walk(net.train()))
    assert not any(m.training for _, m in walk(net.train(False)))
    assert Scale(2).training, 'one network must not change the next'


def test_zero_grad():
    net = Block(2)
    net(ones(1, 2)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_astype_changes_weights_and_buffers_and_forgets_gradients():
    net = Block(2)
    net(ones(1, 2)).sum().backward()
    assert net.astype(np.float64) is net
    assert {a.dtype for a in live_state(net).values()} == {np.dtype(np.float64)}
    assert all(p.grad is None and p.buffer is None for p in net.parameters())
    assert net(Tensor(np.ones((1, 2)))).dtype == np.float64
    for bad in (np.int8, np.int64, bool):
        with pytest.raises(TypeError, match='floating point'): net.astype(bad)


def test_a_module_without_forward_says_so():
    class Empty(Module): pass
    with pytest.raises(NotImplementedError, match='Empty needs a forward method'): Empty()(1)


# Sequential and what layers expect

def test_sequential_is_a_list_of_layers():
    layers = [Scale(2), Scale(2, 3.), Scale(2, 5.)]
    net = Sequential(*layers)
    assert len(net) == 3 and list(net) == layers and net[1] is layers[1] and net[-1] is layers[2]
    assert isinstance(net[:2], Sequential) and net[:2].layers == layers[:2]
    np.testing.assert_array_equal(net(ones(1, 2)).data, [[15, 15]])
    assert Sequential()(5) == 5 and repr(net).count('Scale(2)') == 3


@pytest.mark.parametrize('bad', [len, None, [Scale(2)], Scale])
def test_sequential_takes_layers(bad):
    with pytest.raises(TypeError, match='takes layers'): Sequential(Scale(2), bad)


def test_the_error_names_the_layer_in_the_chain():
    net = Sequential(Scale(2), Sequential(Scale(2), Scale(3)))
    with pytest.raises(ValueError, match=r'Scale\(3\) expected an input of shape \(batch, 3\), got \(4, 2\)') as e: net(ones(4, 2))
    assert [n.split(':')[0] for n in e.value.__notes__] == ['in layer 1 of Sequential', 'in layer 1 of Sequential']


@pytest.mark.parametrize('shape, want, fits', [
    ((4, 3), ('batch', 3), True), ((0, 3), ('batch', 3), True), ((3,), ('batch', 3), False), ((4, 2), ('batch', 3), False),
    ((1, 4, 3), ('batch', 3), False), ((), (), True), ((1, 8, 8, 3), ('batch', 'height', 'width', 3), True), ((4, 2), ('batch', np.int64(3)), False),
], ids=str)
def test_check_input(shape, want, fits):
    x = Tensor(np.ones(shape, np.float32))
    if fits: return check_input(Scale(3), x, want, np.dtype(np.float32))
    with pytest.raises(ValueError, match=r'Scale\(3\) expected an input of shape'): check_input(Scale(3), x, want)


def test_check_input_says_how_to_convert():
    with pytest.raises(TypeError, match=r'input is float64; convert one: x.astype\(np.float32\), or net.astype\(np.float64\)'): Scale(2)(Tensor(np.ones((1, 2))))
    with pytest.raises(TypeError, match='input is uint8; scale it and convert'): Scale(2)(Tensor(np.ones((1, 2), np.uint8)))


def test_an_onlooker_sees_every_call_and_leaves():
    seen = []
    def look(m, *xs): seen.append(repr(m)); return m.forward(*xs)
    net = Block(2)
    with pytest.raises(ZeroDivisionError):
        with around_calls(look): net(ones(1, 2)); 1/0
    net(ones(1, 2))
    assert seen == ['Block()', 'Scale(2)', 'Scale(2)', 'Scale(2)']


def test_an_onlooker_belongs_to_one_thread():
    seen = []
    with around_calls(lambda m, *xs: seen.append(m) or m.forward(*xs)):
        t = threading.Thread(target=lambda: Scale(2)(ones(1, 2))); t.start(); t.join()
    assert seen == []


# The state

def test_a_state_is_a_copy_and_goes_back_whole():
    net, other = Sequential(Block(2), Scale(2)), Sequential(Block(2), Scale(2))
    for i, a in enumerate(live_state(net).values()): a[...] = i
    state = net.state_dict()
    assert other.load_state_dict(state) is other
    for k, a in live_state(other).items(): np.testing.assert_array_equal(a, state[k])
    net[1].w.data += 1
    assert (state['layers.1.w'] != net[1].w.data).all() and not any(np.shares_memory(state[k], a) for k, a in live_state(net).items())


def test_loading_keeps_the_arrays_that_others_hold():
    net = Scale(2)
    held = live_state(net)
    net.load_state_dict({'w': np.array([5., 6.]), 'calls': [3]})
    assert held['w'] is net.w.data and held['calls'] is net.calls and net.w.dtype == np.float32
    np.testing.assert_array_equal(held['w'], [5, 6])
    assert net.calls == 3


def test_a_state_that_does_not_fit_changes_nothing_and_is_told_in_full():
    net = Block(2)
    state = {k: a + 9 for k, a in net.state_dict().items()}
    del state['a.w']
    state['rest.0.w'], state['x'] = np.ones(3), np.ones(1)
    before = net.state_dict()
    with pytest.raises(KeyError) as e: net.load_state_dict(state)
    for part in ('does not fit Block', 'missing: a.w (2,)', 'unexpected: x (1,)', 'rest.0.w: expected shape (2,), got (3,)'): assert part in str(e.value)
    assert all((before[k] == a).all() for k, a in live_state(net).items())


@pytest.mark.parametrize('bad', [np.array(['a', 'b']), np.array([1j, 2]), np.array([None, None])], ids=['text', 'complex', 'objects'])
def test_a_state_of_the_wrong_kind_changes_nothing(bad):
    net = Block(2)
    state = {**{k: a + 9 for k, a in net.state_dict().items()}, 'b.w': bad}
    before = net.state_dict()
    with pytest.raises((KeyError, TypeError, ValueError)): net.load_state_dict(state)
    assert all((before[k] == a).all() for k, a in live_state(net).items())


names = st.text('ab.0', min_size=1, max_size=3)
states = st.dictionaries(names, st.lists(st.integers(0, 2), max_size=2).map(lambda s: np.zeros(s)), max_size=4)
@given(states, states)
def test_misfits_names_each_name_once(have, given):
    said = misfits(have, given)
    wrong = {k for k in have | given if k not in have or k not in given or have[k].shape != given[k].shape}
    assert len(said) == len(wrong) and (misfits(have, have) == [])


# On disk

@given(st.dictionaries(st.text('abc/.-_é 0', min_size=1, max_size=6), st.sampled_from(['f4', 'f8', 'i8', 'u1', '?', 'U3']), max_size=4))
def test_arrays_come_back_as_they_were(tmp_path_factory, kinds):
    arrays = {k: np.arange(6).reshape(2, 3).astype(t) for k, t in kinds.items()}
    back = load_arrays(save_arrays(tmp_path_factory.mktemp('arrays')/'x', arrays))
    assert back.keys() == arrays.keys()
    for k, a in arrays.items():
        assert back[k].dtype == a.dtype
        np.testing.assert_array_equal(back[k], a)


@pytest.mark.parametrize('name', ['file', 'allow_pickle', 'self', 'args', 'arr_0', 'a.npy'])
def test_any_name_is_a_good_name(tmp_path, name):
    back = load_arrays(save_arrays(tmp_path/'x', {name: np.arange(3)}))
    np.testing.assert_array_equal(back[name], [0, 1, 2])


@pytest.mark.parametrize('name, stands_at', [('net', 'net.npz'), ('net.npz', 'net.npz'), ('net.v1', 'net.v1.npz')])
def test_a_network_comes_back_by_the_name_it_was_saved_under(tmp_path, name, stands_at):
    net, other = Block(2), Block(2)
    net.a.w.data[:] = 7
    assert net.save(tmp_path/name) == tmp_path/stands_at
    assert [p.name for p in tmp_path.iterdir()] == [stands_at]
    other.load(str(tmp_path/name))
    assert (other.a.w.data == 7).all()


def test_saving_over_an_older_file(tmp_path):
    for i in range(3): save_arrays(tmp_path/'x.npz', {'a': np.full(3, i)})
    assert (load_arrays(tmp_path/'x.npz')['a'] == 2).all() and len(list(tmp_path.iterdir())) == 1


def test_objects_are_neither_saved_nor_loaded(tmp_path):
    class Boom:
        def __reduce__(self): return exec, ("raise SystemExit('code ran')",)
    with pytest.raises(TypeError, match='bad'): save_arrays(tmp_path/'x', {'good': np.ones(1), 'bad': np.array([Boom()])})
    assert not list(tmp_path.iterdir())
    np.savez(tmp_path/'evil.npz', a=np.array([Boom()], dtype=object))
    with pytest.raises(ValueError, match='evil.npz is not a whole npz'): load_arrays(tmp_path/'evil.npz')


@pytest.mark.parametrize('content', [b'', b'hello', b'PK\x03\x04 and then nothing', b'\x80\x04K\x01.'], ids=['empty', 'text', 'torn zip', 'pickle'])
def test_a_file_that_is_no_npz(tmp_path, content):
    (tmp_path/'x.npz').write_bytes(content)
    with pytest.raises(ValueError, match='x.npz is not a whole npz'): load_arrays(tmp_path/'x.npz')


def test_a_single_array_is_no_npz(tmp_path):
    np.save(tmp_path/'x.npy', np.ones(3))
    (tmp_path/'x.npy').rename(tmp_path/'x.npz')
    with pytest.raises(ValueError, match='not a whole npz'): load_arrays(tmp_path/'x.npz')


def test_no_file_at_all(tmp_path):
    with pytest.raises(FileNotFoundError, match='no saved weights at'): load_arrays(tmp_path/'x.npz')


def npz(write=np.savez):
    f = io.BytesIO()
    write(f, w=np.arange(6, dtype=np.float32).reshape(2, 3), b=np.ones(2))
    return f.getvalue()


def test_a_file_cut_anywhere_is_damaged(tmp_path):
    whole = npz()
    for n in range(0, len(whole), 7):
        (tmp_path/'x.npz').write_bytes(whole[:n])
        with pytest.raises(ValueError, match='not a whole npz'): load_arrays(tmp_path/'x.npz')


@pytest.mark.parametrize('write', [np.savez, np.savez_compressed], ids=['stored', 'compressed'])
@pytest.mark.filterwarnings('ignore:.*Duplicate name')
def test_a_flipped_byte_is_seen_or_harmless(tmp_path, write):
    "Either the very same arrays come back (a date in the zip may be wrong), or a ValueError says that the file is damaged."
    whole, want = npz(write), dict(w=np.arange(6, dtype=np.float32).reshape(2, 3), b=np.ones(2))
    for i in range(len(whole)):
        torn = bytearray(whole)
        torn[i] ^= 0xff
        (tmp_path/'x.npz').write_bytes(torn)
        try: back = load_arrays(tmp_path/'x.npz')
        except ValueError as e: assert 'not a whole npz' in str(e); continue
        for k in back.keys() & want.keys(): np.testing.assert_array_equal(back[k], want[k])


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path/'file').write_text('in the way')
    for folder in (tmp_path/'file', tmp_path/'nowhere'):
        with pytest.raises(OSError, match=f'cannot write net.npz in the folder {folder} '): Block(2).save(folder/'net')


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    (tmp_path/'x').write_bytes(b'old')
    def broken(f): f.write(b'ne'); raise RuntimeError('half way')
    with pytest.raises(RuntimeError, match='half way'): write_whole(tmp_path/'x', broken)
    (tmp_path/'folder').mkdir()
    with pytest.raises(OSError): write_whole(tmp_path/'folder', lambda f: f.write(b'x'))
    assert (tmp_path/'x').read_bytes() == b'old' and sorted(p.name for p in tmp_path.iterdir()) == ['folder', 'x']


@pytest.mark.skipif(not hasattr(signal, 'SIGKILL'), reason='needs SIGKILL')
def test_a_program_killed_while_it_writes_leaves_the_old_file_whole(tmp_path, root):
    path = save_arrays(tmp_path/'net.npz', {'w': np.arange(1000.)})
    program = textwrap.dedent('''
        import os, signal, sys
        from tinybench.base.files import write_whole
        def write(f):
            f.write(b'half of the new file'); f.flush()
            print('writing', flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        write_whole(sys.argv[1], write)''')
    done = subprocess.run([sys.executable, '-c', program, str(path)], cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL and done.stdout == 'writing\n', done.stderr
    np.testing.assert_array_equal(load_arrays(path)['w'], np.arange(1000.))
    save_arrays(path, {'w': np.ones(3)})
    np.testing.assert_array_equal(load_arrays(path)['w'], np.ones(3))


@pytest.mark.skipif(not hasattr(signal, 'SIGKILL'), reason='needs SIGKILL')
def test_killed_at_any_moment_the_file_is_one_of_those_written(tmp_path, root):
    "A program saves 0, 1, 2 ... over the same file until it is killed from outside; whatever is found then is whole."
    program = textwrap.dedent('''
        import itertools, sys
        import numpy as np
        from tinybench.nn.module import save_arrays
        for i in itertools.count():
            save_arrays(sys.argv[1], {'w': np.full(20_000, i)})
            print(i, flush=True)''')
    for n in (1, 4, 9):
        p = subprocess.Popen([sys.executable, '-c', program, str(tmp_path/'x.npz')], cwd=root, stdout=subprocess.PIPE, text=True)
        last = [p.stdout.readline() for _ in range(n)][-1]
        p.kill(); p.wait(); p.stdout.close()
        w = load_arrays(tmp_path/'x.npz')['w']
        assert (w == w[0]).all() and w[0] >= int(last)


def test_threads_that_save_to_one_place(tmp_path):
    errors = []
    def save(i):
        try:
            for _ in range(20): save_arrays(tmp_path/'x.npz', {'w': np.full(5000, i)})
        except BaseException as e: errors.append(e)
    threads = [threading.Thread(target=save, args=(i,)) for i in range(4)]
    for t in threads: t.start()
    for t in threads: t.join()
    w = load_arrays(tmp_path/'x.npz')['w']
    assert not errors and (w == w[0]).all()


def test_what_is_saved_is_a_plain_zip(tmp_path):
    with zipfile.ZipFile(Block(2).save(tmp_path/'net')) as z: assert sorted(z.namelist()) == sorted(f'{k}.npy' for k in Block(2).state_dict())


# The table

def test_summary_numbers():
    net = Sequential(Scale(2), Scale(2), Sequential(Scale(2)))
    s = net.summary((5, 2))
    assert s.rows == (('layers.0', 'Scale(2)', (5, 2), 2), ('layers.1', 'Scale(2)', (5, 2), 2), ('layers.2.layers.0', 'Scale(2)', (5, 2), 2))
    assert s.total == net.n_parameters() == 6
    assert repr(s).splitlines()[-1].split() == ['total', '6'] and '| total |  |  | 6 |' in s._repr_markdown_()


@pytest.mark.parametrize('net', [Block(2), Twice(2), Sequential(Block(2), Twice(2))], ids=['own weight', 'shared', 'both'])
def test_the_total_counts_every_parameter_once(net):
    assert net.summary((1, 2)).total == net.n_parameters()


def test_summary_changes_nothing():
    class Moody(Module):
        def forward(self, x): assert not self.training; return x
    net = Sequential(Moody(), Scale(2), Moody())
    net[1].eval()
    net.summary((3, 2))
    assert [m.training for m in net] == [True, False, True] and net.training
    assert net[1].w.grad is None


def test_summary_restores_the_training_flags_after_an_error():
    net = Sequential(Scale(2), Scale(3), Scale(2))
    net[0].eval()
    with pytest.raises(ValueError, match=r'Scale\(3\)'): net.summary((1, 2))
    assert [m.training for m in net] == [False, True, True] and net.training
    net[0](ones(1, 2))      # and no onlooker stays behind


def test_summary_of_a_float64_network():
    net = Sequential(Scale(2)).astype(np.float64)
    assert net.summary((1, 2)).total == 2


def test_repr():
    assert repr(Scale(3)) == 'Scale(3)' and repr(Sequential(Scale(3))) == 'Sequential(\n  Scale(3),\n)'
    assert os.linesep not in repr(Block(2))
