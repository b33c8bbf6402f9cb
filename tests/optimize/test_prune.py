"Exactly so many zeros, which stay; the same numbers in every storage; and an interval for break-even that holds the truth."
import copy, math, pickle
import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array
from scipy.stats import binom

from tinybench.core.tensor import Tensor, check_grad
from tinybench.data.loader import Loader
from tinybench.data.source import load_digits
from tinybench.measure.pairs import compare_results, paired_results
from tinybench.measure.result import BenchmarkResult
from tinybench.models.zoo import MODELS, SHAPES
from tinybench.nn.channels import ConvTranspose2d, DepthwiseConv2d
from tinybench.nn.conv import Conv2d
from tinybench.nn.dense import Dense, Flatten, ReLU, Residual
from tinybench.nn.module import Sequential, evaluating
from tinybench.nn.norm import BatchNorm
from tinybench.nn.optim import SGD, Adam, AdamW, RMSprop
from tinybench.nn.train import Callback, Checkpoint, EarlyStopping, fit
from tinybench.optimize.prune import (
    BreakEven, KeepZeros, PackedNM, PruneGradually, Sensitivity, Sparse, SparseDense, as_matrix, break_even,
    choose_masks, crossing, csr_product, density_by_bytes, density_by_roof, from_csr, kept, masks_of, n_m, n_m_mask,
    pack_n_m, prune, sensitivity, sparse, sparsest, to_csr)
from tinybench.optimize.step import answers_of, bfloat16, clone, facts, float16, optimize, strip, weighted
from tinybench.profile.cost import cost

each_model = pytest.mark.parametrize('name', MODELS)

def zeros(net): return sum(int((m.w.data == 0).sum()) for _, m in weighted(net))
def size(net): return sum(m.w.size for _, m in weighted(net))
def mlp(rng, wide=32): return Sequential(Dense(8, wide, rng), ReLU(), BatchNorm(wide), Dense(wide, 3, rng))
def every_kind(rng):
    "Takes (n, 6, 6, 3); a layer of each kind that has weights."
    body = Sequential(DepthwiseConv2d(8, 3, rng, padding='same'), ReLU(), Conv2d(8, 8, 1, rng))
    return Sequential(Conv2d(3, 8, 3, rng, padding='same'), BatchNorm(8), ReLU(), Residual(body),
                      ConvTranspose2d(8, 5, 2, rng, stride=2))
def task(rng, n=64):
    x = rng.normal(size=(n, 8)).astype(np.float32)
    return x, np.digitize(x[:, 0] + x[:, 1], [-.7, .7])
def batches(rng, n=64):
    x, y = task(rng, n)
    return [(Tensor(x[i:i+16]), y[i:i+16]) for i in range(0, n, 16)]


# --- which weights go

small = arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.sampled_from([-2., -1., -0., 0., 1., 3.]))

@given(small, st.floats(0, .99), st.floats(0, .99))
def test_pruning_again_goes_on_from_the_zeros_there_are(w, a, b):
    a, b = sorted((a, b))
    once = np.where(kept(w, a), w, 0)
    assert (~kept(w, a)).sum() == round(a*w.size)
    assert (np.where(kept(once, a), once, 0) == once).all(), 'twice is once'
    assert (np.where(kept(once, b), once, 0) == np.where(kept(w, b), w, 0)).all(), 'by two steps or by one'

COLLAPSES = 'ds_cnn', 'mobilenet_v1_025', 'sww_cnn'    # a whole layer of their untrained weights is far below all others

@each_model
def test_counts_are_exact_and_all_else_is_untouched(name):
    net = MODELS[name](np.random.default_rng(0))
    before = net.state_dict()
    layers = {f'{path}.w' for path, _ in weighted(net)}
    for scope in ('global', 'layer'):
        if scope == 'global' and name in COLLAPSES:
            with pytest.raises(ValueError, match='none of its'): prune(net, .7)
            continue
        got = prune(net, .7, scope)
        want = round(.7*size(net)) if scope == 'global' else sum(round(.7*m.w.size) for _, m in weighted(net))
        assert zeros(got) == want
        for k, a in got.state_dict().items():
            if k in layers: assert ((a == before[k]) | (a == 0)).all()
            else: assert np.array_equal(a, before[k])
    assert all(np.array_equal(a, before[k]) for k, a in net.state_dict().items()), 'the given network changed'

def test_a_global_threshold_is_one_order_over_all_layers():
    net = mlp(np.random.default_rng(0))
    got = prune(net, .6)
    stay, go = (np.concatenate([np.abs(m.w.data[(k.w.data != 0) == on]) for (_, m), (_, k) in zip(weighted(net), weighted(got))])
                for on in (True, False))
    assert go.max() <= stay.min() and len(go) == round(.6*size(net))

def test_what_is_spared_and_what_is_named():
    net = mlp(np.random.default_rng(0))
    first, last = (path for path, _ in weighted(net))
    got = dict(weighted(prune(net, .5, spare=[first])))
    assert got[first].w.data.all() and (got[last].w.data == 0).sum() == round(.5*got[last].w.size)
    got = dict(weighted(prune(net, {first: .25})))
    assert got[last].w.data.all() and (got[first].w.data == 0).sum() == 64
    assert {*choose_masks(net, .5, 'layer', [last])} == {first}

@pytest.mark.parametrize('bad', [1, 1., -.1, math.nan, math.inf, 'half', None, True, {'layers.0': 1.5}])
def test_a_sparsity_that_is_none_is_refused(bad):
    with pytest.raises(ValueError, match='a sparsity of'): prune(mlp(np.random.default_rng(0)), bad)

def test_other_bad_inputs_are_refused_in_words():
    rng = np.random.default_rng(0)
    net = mlp(rng)
    with pytest.raises(ValueError, match="a scope is 'global' or 'layer', not 'all'"): prune(net, .5, 'all')
    with pytest.raises(ValueError, match='did you mean .layers.0.'): prune(net, .5, spare=['layer.0'])
    with pytest.raises(ValueError, match='no layer with weights'): prune(net, {'layers.1': .5})
    with pytest.raises(ValueError, match='all layers with weights are spared'): prune(net, .5, spare=[p for p, _ in weighted(net)])
    with pytest.raises(ValueError, match=r'layers.3, Dense\(32, 3\): none of its 96 weights'): prune(net, {'layers.3': .999})
    with pytest.raises(ValueError, match='no layer has weights'): prune(Sequential(ReLU()), .5)
    with pytest.raises(ValueError, match='name one layer or more'): prune(net, {})
    with pytest.raises(ValueError, match='no layer with weights, and not spared, .layers.0.'): prune(net, {'layers.0': .5}, spare=['layers.0'])
    assert zeros(prune(net, .5, 'layer', 'layers.0')) == 48, 'one path is a path, and no row of letters'
    for bad in (-.1, math.nan):
        with pytest.raises(ValueError, match='multiply_below=.*a density'): sparse(prune(net, .9, 'layer'), bad)
    net[0].w.data[0, 0] = np.nan
    for f in (lambda n: prune(n, .5), n_m, sparse, lambda n: sensitivity(n, len)):
        with pytest.raises(ValueError, match='NaN or infinite'): f(net)

def test_weights_that_stand_at_two_places_are_refused():
    rng = np.random.default_rng(0)
    layer, tied = Dense(8, 8, rng), Sequential(Dense(8, 8, rng), Dense(8, 8, rng))
    tied[1].w = tied[0].w
    for net in (Sequential(layer, ReLU(), layer), tied):
        for f in (lambda n: prune(n, .5), n_m):
            with pytest.raises(ValueError, match='what is done for one place would change the other'): f(net)

def test_a_layer_that_is_dead_already_may_stay_so():
    net = mlp(np.random.default_rng(0))
    net[3].w.data[:] = 0
    assert zeros(prune(net, {'layers.3': .9, 'layers.0': .5})) == 96 + 128


# --- training what is left

class Watch(Callback):
    "Notes the zeros after each step."
    def __init__(self): self.seen = []
    def after_step(self, run): self.seen.append(masks_of(run.net))

@pytest.mark.parametrize('make', [lambda p: SGD(p, .1, momentum=.9), RMSprop, lambda p: Adam(p, .01), lambda p: AdamW(p, .01)])
def test_zeros_stay_under_every_optimizer_and_the_rest_moves(make):
    rng = np.random.default_rng(0)
    net = prune(mlp(rng), .7)
    was, watch = clone(net), Watch()
    fit(net, batches(rng), 3, make(net.parameters()), callbacks=[KeepZeros(), watch], progress=False)
    for path, m in weighted(was):
        w, now = m.w.data, dict(weighted(net))[path].w.data
        assert all((seen[path] <= (w != 0)).all() for seen in watch.seen) and len(watch.seen) == 12
        assert (now[w != 0] != w[w != 0]).mean() > .5 and not np.signbit(now[w == 0]).any()

def test_masks_may_be_given_and_one_callback_serves_two_networks():
    rng = np.random.default_rng(0)
    net = mlp(rng)
    masks = masks_of(prune(net, .5))
    held = KeepZeros(masks)
    for seed in (1, 2):
        other = mlp(np.random.default_rng(seed))
        fit(other, batches(rng), 1, Adam(other.parameters(), .01), callbacks=[held], progress=False)
        assert all((m.w.data[~masks[path]] == 0).all() for path, m in weighted(other))
    again = KeepZeros()
    for share in (.3, .6):
        n = prune(net, share)
        fit(n, batches(rng), 1, Adam(n.parameters(), .01), callbacks=[again], progress=False)
        assert zeros(n) == round(share*size(n))

def test_masks_of_layers_that_are_gone_or_changed_are_refused():
    rng = np.random.default_rng(0)
    masks = masks_of(prune(mlp(rng), .5))
    for net, words in ((Sequential(Dense(8, 32, rng), Dense(32, 3, rng)), "no layer with weights 'layers.3'"),
                       (mlp(rng, 16), r'layers.0, Dense\(8, 16\): a mask of bool \(8, 32\) for weights \(8, 16\)'),
                       (sparse(prune(mlp(rng), .9)), 'has an earlier step encoded them')):
        with pytest.raises(ValueError, match=words):
            fit(net, batches(rng), 1, Adam(net.parameters(), .01), callbacks=[KeepZeros(masks)], progress=False)

def test_masks_that_are_no_bool_are_refused_and_not_taken_for_places():
    rng = np.random.default_rng(0)
    for kind in (int, float):
        net = mlp(rng)
        masks = {path: m.astype(kind) for path, m in masks_of(prune(net, .5)).items()}
        with pytest.raises(ValueError, match='a mask of (int|float)64.*a mask is bool'):
            fit(net, batches(rng), 1, Adam(net.parameters(), .01), callbacks=[KeepZeros(masks)], progress=False)
        assert zeros(net) == 0

def test_early_stopping_puts_back_weights_that_have_the_zeros():
    rng = np.random.default_rng(0)
    net = prune(mlp(rng), .6)
    fit(net, batches(rng), 30, Adam(net.parameters(), .1), valid=batches(np.random.default_rng(5)),
        callbacks=[KeepZeros(), EarlyStopping(2)], progress=False)
    assert zeros(net) == round(.6*size(net))

def test_gradual_pruning_follows_the_cubic_and_ends_where_it_should():
    rng = np.random.default_rng(0)
    net, watch = mlp(rng), Watch()
    fit(net, batches(rng), 10, Adam(net.parameters(), .01), callbacks=[PruneGradually(.8, 30, every=7), watch], progress=False)
    total = size(net)
    found = [total - sum(int(m.sum()) for m in seen.values()) for seen in watch.seen]
    want = [round(.8*(1 - (1 - (30 if t >= 30 else t//7*7)/30)**3)*total) for t in range(1, 41)]
    assert found == want and zeros(net) == round(.8*total)
    for a, b in zip(watch.seen, watch.seen[1:]): assert all((b[k] <= a[k]).all() for k in a), 'a zero came back'

def test_gradual_pruning_keeps_the_zeros_that_a_network_brings():
    rng = np.random.default_rng(0)
    net = prune(mlp(rng), .5)
    was = masks_of(net)
    fit(net, batches(rng), 5, Adam(net.parameters(), .01), callbacks=[PruneGradually(.6, 20, 2), watch := Watch()], progress=False)
    assert zeros(net) == round(.6*size(net))
    for seen in watch.seen: assert all((seen[k] <= was[k]).all() for k in was), 'a zero came back'

def test_gradual_pruning_that_cannot_end_is_refused():
    rng = np.random.default_rng(0)
    net = mlp(rng)
    with pytest.raises(ValueError, match='training ends after 8 steps, pruning after 9'):
        fit(net, batches(rng), 2, Adam(net.parameters()), callbacks=[PruneGradually(.5, 9, 3)], progress=False)
    with pytest.raises(ValueError, match='pruning every 10 of 5 steps'): PruneGradually(.5, 5)
    with pytest.raises(ValueError, match='a sparsity of 1'): PruneGradually(1, 50)
    before = net.state_dict()
    for how, words in ((dict(scope='all'), 'a scope is'), (dict(spare=['layers.9']), 'no layer with weights')):
        with pytest.raises(ValueError, match=words):
            fit(net, batches(rng), 2, Adam(net.parameters()), callbacks=[PruneGradually(.5, 8, **how, every=8)], progress=False)
    assert all(np.array_equal(a, before[k]) for k, a in net.state_dict().items()), 'refused only after a step'
    for steps, every in ((math.inf, 1), (math.nan, 1), (5.5, 1), ('5', 1), (5, 2.5), (5, 0)):
        with pytest.raises(ValueError, match='whole numbers, from 1'): PruneGradually(.5, steps, every)

def test_a_killed_run_goes_on_with_the_same_zeros(tmp_path):
    def run(epochs, callbacks):
        net = mlp(np.random.default_rng(3))
        fit(net, batches(np.random.default_rng(1)), epochs, Adam(net.parameters(), .01), callbacks=callbacks, progress=False)
        return net
    whole = run(6, [PruneGradually(.8, 24, 7)])
    class Killed(Callback):
        last = True              # after the checkpoint
        def after_epoch(self, run):
            if run.epoch == 3: raise KeyboardInterrupt
    saved = Checkpoint(tmp_path/'run')
    with pytest.raises(KeyboardInterrupt): run(6, [PruneGradually(.8, 24, 7), saved, Killed()])
    again = run(6, [PruneGradually(.8, 24, 7), saved])
    assert all(np.array_equal(a, again.state_dict()[k]) for k, a in whole.state_dict().items())


@pytest.mark.slow
def test_a_wide_network_bears_95_percent_over_seeds_and_not_97():
    data, lost = load_digits(), []
    x, y = data.x_train[:1038], data.y_train[:1038]
    def train(net, epochs, lr, q, also=()):
        fit(net, Loader(x, y, rng=q), epochs, Adam(net.parameters(), lr), callbacks=also, progress=False)
        return 100*(answers_of(net, data.x_test).argmax(1) == data.y_test).mean()
    for seed in range(6):
        q = np.random.default_rng(seed)
        net = Sequential(Flatten(), Dense(64, 512, q), ReLU(), Dense(512, 512, q), ReLU(), Dense(512, 10, q))
        full = train(net, 6, .001, q)
        lost.append([full - train(prune(net, s), 3, .003, np.random.default_rng(1), [KeepZeros()]) for s in (.95, .97)])
    lost = np.array(lost)
    half = 2.57*lost.std(0, ddof=1)/6**.5                         # Student's t, 5 degrees of freedom
    assert lost[:, 0].mean() + half[0] < 1 and lost[:, 1].mean() - half[1] > 0, lost


# --- layer by layer

def test_a_scan_prunes_one_layer_at_a_time():
    rng = np.random.default_rng(0)
    net, (x, y) = mlp(rng), task(rng)
    asked = []
    def hits(n):
        asked.append({path: round(float((m.w.data == 0).mean()), 2) for path, m in weighted(n)})
        return answers_of(n, x).argmax(1) == y
    scan = sensitivity(net, hits, (.25, .5))
    assert asked == [{'layers.0': .25, 'layers.3': 0}, {'layers.0': .5, 'layers.3': 0},
                     {'layers.0': 0, 'layers.3': .25}, {'layers.0': 0, 'layers.3': .5}, {'layers.0': 0, 'layers.3': 0}]
    assert scan.found['layers.3'][1] == tuple((answers_of(prune(net, {'layers.3': .5}), x).argmax(1) == y).tolist())
    text = repr(scan)
    assert f'untouched {sum(scan.base)}: ' in text and 'n=64' in text and '50% zeros' in text and 'measured' in text

def test_the_choice_stops_before_the_first_loss_that_may_be_too_large():
    def hits(wrong, n=400): return tuple([False]*wrong + [True]*(n - wrong))
    scan = Sensitivity((.3, .5, .7, .9), hits(0), dict(
        good=tuple(map(hits, (0, 0, 0, 0))), dips=tuple(map(hits, (0, 30, 0, 0))), near=tuple(map(hits, (0, 8, 60, 90)))))
    assert sparsest(scan, .03) == dict(good=.9, dips=.3, near=.3), '8 of 400 are 2 points, and may be 3 or more'
    assert sparsest(scan, .06) == dict(good=.9, dips=.3, near=.5) and sparsest(scan, .001) == dict(good=0, dips=0, near=0)
    for bad in (0, -1, 1, math.nan):
        with pytest.raises(ValueError, match='an allowed loss of'): sparsest(scan, bad)

@pytest.mark.parametrize('bad', [(), (.9, .5), (.5, .5), (.5, 1), (.5, math.nan)])
def test_a_scan_wants_rising_sparsities(bad):
    "`sparsest` walks from the lowest up: in another order it would stop at the wrong one."
    def asked(net): raise AssertionError('refused only after a network was tried')
    with pytest.raises(ValueError, match='rising, such as|a sparsity of'):
        sensitivity(mlp(np.random.default_rng(0)), asked, bad)

def test_a_scan_wants_a_row_of_hits():
    with pytest.raises(ValueError, match='hits are True or False'): sensitivity(mlp(np.random.default_rng(0)), lambda n: .9)


# --- stored without the zeros

sparse_matrices = arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0., 0., 0., 1., -2., .5]))

@given(sparse_matrices, st.integers(1, 3))
def test_csr_is_scipys_and_comes_back(w, n):
    values, columns, starts = to_csr(w)
    theirs = csr_array(w.T)
    assert (values == theirs.data).all() and (columns == theirs.indices).all() and (starts == theirs.indptr).all()
    assert (from_csr(values, columns, starts, np.zeros_like(w)) == w).all()
    x = np.arange(n*len(w), dtype=np.float32).reshape(n, -1)
    assert np.allclose(csr_product(x, values, columns, starts), x @ w)

@pytest.mark.parametrize('n_in, n_out', [(1, 1), (256, 3), (257, 3), (300, 300), (70_000, 1)])
def test_the_integers_are_the_smallest_that_fit(n_in, n_out):
    w = np.ones((n_in, n_out), np.float32)
    values, columns, starts = to_csr(w)
    for a, most in ((columns, n_in - 1), (starts, n_in*n_out)):
        assert a.max() == most and (a.dtype == np.uint8 or most > np.iinfo(f'u{a.dtype.type.__name__[1:].replace("int16", "int8").replace("int32", "int16")}').max)

@pytest.mark.parametrize('shape', [(64, 64), (300, 100), (512, 512), (100, 2000)])
def test_break_even_by_bytes_is_where_the_bytes_are_equal(shape):
    rng, d = np.random.default_rng(0), density_by_bytes(*shape)
    w = rng.normal(size=shape).astype(np.float32)
    def nbytes(share): return sum(a.nbytes for a in to_csr(np.where(kept(w, 1 - share), w, 0)))
    assert nbytes(d*.995) < w.nbytes < nbytes(min(d*1.005, 1))

@each_model
def test_sparse_storage_answers_to_the_last_bit(name, tmp_path):
    net = prune(strip(MODELS[name](np.random.default_rng(0))), .8, 'layer')
    x = np.random.default_rng(1).normal(size=(2, *SHAPES[name])).astype(np.float32)
    got = sparse(net)
    assert np.array_equal(answers_of(got, x), answers_of(net, x))
    assert facts(got, SHAPES[name]).macs == facts(net, SHAPES[name]).macs
    assert facts(got, SHAPES[name]).nbytes < .6*facts(net, SHAPES[name]).nbytes
    small, large = (n.save(tmp_path/k).stat().st_size for k, n in dict(a=got, b=net).items())
    assert small < .6*large

def variants(net):
    "`net`, half of whose weights are zeros in a 2:4 pattern, in every storage."
    net = n_m(net)
    return net, dict(csr=sparse(net), direct=sparse(net, multiply_below=1.), packed=pack_n_m(net))

@pytest.mark.parametrize('make, shape', [(mlp, (8,)), (every_kind, (6, 6, 3))])
def test_encoded_layers_live_like_any_other(make, shape, tmp_path):
    x = np.random.default_rng(1).normal(size=(5, *shape)).astype(np.float32)
    net, found = variants(make(np.random.default_rng(0)))
    want = answers_of(net, x)
    for name, n in found.items():
        got = answers_of(n, x)
        assert np.allclose(got, want, atol=1e-6) and (name == 'direct' or np.array_equal(got, want)), name
        for twin in (copy.deepcopy(n), pickle.loads(pickle.dumps(n))): assert np.array_equal(answers_of(twin, x), got)
        blank = clone(n)
        for k, a in blank.state_dict().items():
            if k.endswith('values'): blank.load_state_dict({**blank.state_dict(), k: a*0})
        assert not np.allclose(answers_of(blank, x), got)
        assert np.array_equal(answers_of(blank.load(n.save(tmp_path/name)), x), got)
        assert n.summary((1, *shape)).total == n.n_parameters() < net.n_parameters()
        assert cost(n, shape, batch=1).macs == cost(net, shape, batch=1).macs or name == 'direct'
        assert 'Dense(' in repr(n) or 'Conv2d(' in repr(n)

def test_a_direct_product_counts_only_what_it_multiplies():
    net = prune(mlp(np.random.default_rng(0), 64), .9)
    direct = sparse(net, multiply_below=.5)
    kinds = [type(m) for m in direct if isinstance(m, Sparse)]
    assert kinds == [SparseDense, SparseDense]
    assert facts(direct, (8,)).macs == size(net) - zeros(net) and facts(net, (8,)).macs == size(net)
    assert [type(m) for m in sparse(net, .0) if isinstance(m, Sparse)] == [Sparse, Sparse]

def test_gradients_pass_through_and_biases_train():
    rng = np.random.default_rng(0)
    net, found = variants(mlp(rng).astype(np.float64))
    x = rng.normal(size=(4, 8))
    for n in found.values():
        n.eval()
        check_grad(n, Tensor(x), params=n.parameters(), tol=1e-6)
    n = found['direct'].astype(np.float32)
    before = [p.data.copy() for p in n.parameters()]
    fit(n, batches(rng), 1, Adam(n.parameters(), .01), progress=False)
    assert all((p.data != b).any() for p, b in zip(n.parameters(), before))

def test_a_direct_product_takes_other_biases_and_no_other_inputs():
    rng = np.random.default_rng(0)
    net = prune(Sequential(Dense(40, 30, rng, bias=False)), .9)
    direct, x = sparse(net, 1.), rng.normal(size=(3, 40)).astype(np.float32)
    assert np.allclose(answers_of(direct, x), answers_of(net, x), atol=1e-6)
    with pytest.raises(ValueError, match=r'SparseDense\(Dense\(40, 30, bias=False\)\) expected an input of shape'): direct(Tensor(x[:, :9]))
    with pytest.raises(TypeError, match='its input is float64'): direct(Tensor(x.astype(np.float64)))

def test_only_what_gets_smaller_is_encoded():
    net = mlp(np.random.default_rng(0), 64)
    got = sparse(prune(net, {'layers.0': .9}))
    assert isinstance(got[0], Sparse) and got[3].w.data.all()
    for f in (sparse, lambda n: sparse(prune(n, .05))):
        with pytest.raises(ValueError, match='prune the network first'): f(net)

def test_orders():
    net, x = mlp(np.random.default_rng(0)), np.random.default_rng(1).normal(size=(6, 8)).astype(np.float32)
    def half(n): return prune(n, .8)
    for steps in ([half, sparse], [half, float16], [half, bfloat16], [strip, half, n_m, pack_n_m], [n_m, half, sparse], [half, half, half]):
        steps = {f'{i} {f.__name__}': f for i, f in enumerate(steps)}
        assert len(optimize(net, steps, x).changes) == len(steps)
    for first in (float16, lambda n: sparse(prune(n, .9)), lambda n: pack_n_m(n_m(n))):
        for then in (half, n_m, sparse, pack_n_m):
            with pytest.raises(ValueError, match='has an earlier step encoded them'): then(first(net))


# --- a pattern

@pytest.mark.parametrize('n, m', [(1, 2), (2, 4), (1, 3), (3, 5), (4, 16), (255, 300)])
def test_patterns_are_kept_and_stored_for_every_kind_of_layer(n, m):
    for make, shape in ((mlp, (8,)), (every_kind, (6, 6, 3))):
        net = make(np.random.default_rng(0))
        got = n_m(net, n, m)
        for (_, a), (_, b) in zip(weighted(net), weighted(got)):
            w, left = (as_matrix(x.w.data, type(x)) for x in (a, b))
            assert (left == np.where(n_m_mask(w, n, m), w, 0)).all()
            whole = len(w)//m*m
            assert ((left[:whole] != 0).reshape(-1, m, w.shape[1]).sum(1) == n).all()
            packed = PackedNM(b, n, m)
            assert np.array_equal(packed.decode(), b.w.data)
            assert packed.places.nbytes == -(-packed.values.size*math.ceil(math.log2(m))//8)

def test_groups_run_along_the_inputs():
    rng = np.random.default_rng(0)
    conv = n_m(Sequential(Conv2d(8, 3, 3, rng)))[0].w.data
    assert ((conv != 0).reshape(3, 3, 2, 4, 3).sum(3) == 2).all()
    up = n_m(Sequential(ConvTranspose2d(8, 3, 3, rng)))[0].w.data
    assert ((up != 0).reshape(3, 3, 3, 2, 4).sum(4) == 2).all()

def test_two_of_four_take_four_and_a_quarter_bytes_a_weight():
    packed = PackedNM(n_m(Sequential(Dense(64, 32, np.random.default_rng(0))))[0], 2, 4)
    assert packed.values.nbytes + packed.places.nbytes == 64*32//2*4.25

@pytest.mark.parametrize('n, m', [(0, 4), (4, 4), (5, 4), (-1, 2), (2., 4), (1, 1), ('2', '4')])
def test_a_pattern_that_makes_no_sense_is_refused(n, m):
    for f in (n_m, pack_n_m):
        with pytest.raises(ValueError, match='is no pattern'): f(mlp(np.random.default_rng(0)), n, m)

def test_packing_what_has_no_pattern_is_refused():
    net = mlp(np.random.default_rng(0))
    with pytest.raises(ValueError, match=r'Dense\(8, 32\): more than 2 of 4 weights.*use n_m\(net, 2, 4\)'): pack_n_m(net)
    pack_n_m(n_m(net, 1, 4))     # fewer are no harm

def test_weights_in_any_memory_order():
    rng = np.random.default_rng(0)
    net = Sequential(Dense(40, 30, rng))
    turned = clone(net)
    turned[0].w.data = np.asfortranarray(turned[0].w.data)
    for f in (lambda n: prune(n, .9), n_m):
        a, b = f(net), f(turned)
        assert np.array_equal(a[0].w.data, b[0].w.data) and zeros(a) > 0
        assert np.array_equal(sparse(a)[0].decode(), sparse(b)[0].decode())


# --- break-even

def synthetic(truth, slope, rounds, rng, noise, lean=0.):
    "A record of timings whose true break-even is `truth`, with rounds that lean on the one before."
    d = np.array([.01, .02, .05, .1, .2, .5])
    def wobble():
        e = rng.normal(size=rounds)*noise
        for i in range(1, rounds): e[i] = lean*e[i-1] + math.sqrt(1 - lean*lean)*e[i]
        return e
    shared = wobble()            # what the machine does hits both of a pair
    secs = {f'{s}': 1e-4*(s/truth)**slope*np.exp(shared + wobble()) for s in d}
    found = compare_results(paired_results({'dense': 1e-4*np.exp(shared), **secs}), base='dense')
    rate = BenchmarkResult('r', 'rate', 'B/s', [1.]*9, 'measured')
    return BreakEven((64, 64), 8, tuple(d), found, rate, rate)

def test_crossing_is_exact_on_power_laws_and_takes_the_first():
    q = np.random.default_rng(6)
    for _ in range(50):
        x = np.sort(q.uniform(.001, 1, 6))
        true = math.exp(q.uniform(*np.log(x[[0, -1]])))
        assert np.isclose(crossing(x, (x/true)**q.uniform(.3, 3)), true)
        y, width = np.exp(q.normal(size=6)), 1 + q.random(6)
        assert crossing(x, y*width) <= crossing(x, y) <= crossing(x, y/width)
    assert np.isclose(crossing([.1, .2, .4, .8], [.5, 2, .5, 2]), math.sqrt(.1*.2))
    assert np.isclose(crossing([.1, .2, .4, .8, 1], [.9, .8, .25, 4, .5]), math.sqrt(.4*.8))
    assert np.isclose(crossing([.1, .2, .4], [.5, 1, 2]), .2) and np.isclose(crossing([.1, .2], [.5, 1]), .2)
    assert crossing([.1, .2], [1, 2]) == 0 and crossing((.1, .2, .4), (.2, .3, .9)) == math.inf

@pytest.mark.parametrize('lean', [0., .5])
def test_the_interval_holds_the_truth_as_often_as_it_says(lean):
    # each of 200 misses with probability 5% at most; more than 21 misses have a probability below 1e-3
    rng, n = np.random.default_rng(0), 200
    misses, most = 0, int(binom.isf(1e-3, n, .05))
    for _ in range(n):
        truth = math.exp(rng.uniform(math.log(.012), math.log(.45)))
        mid, lo, hi = synthetic(truth, rng.uniform(.5, 1.2), 30, rng, .15, lean).measured
        assert lo <= mid <= hi
        misses += not lo <= truth <= hi
    assert misses <= most

def test_outside_of_what_was_tried_it_says_so():
    rng = np.random.default_rng(0)
    low, high = synthetic(.0001, 1, 20, rng, .01), synthetic(9, 1, 20, rng, .01)
    assert low.measured == (0, 0, 0) and high.measured == (math.inf,)*3
    assert 'below 0.01' in repr(low) and 'above 0.5' in repr(high) and 'modelled' in repr(low)

def test_the_model_is_the_ratio_of_two_times():
    peak, bandwidth, (n_in, n_out, batch) = 50e9, 10e9, (500, 300, 16)
    d = density_by_roof(n_in, n_out, batch, peak, bandwidth)
    macs = n_in*n_out*batch
    dense = max(2*macs/peak, 4*(n_in*n_out + batch*(n_in + n_out))/bandwidth)
    skipping = max(2*macs/peak, (n_in*n_out*(4 + 2) + 12*macs)/bandwidth)
    assert math.isclose(d*skipping, dense)

@pytest.mark.parametrize('bad', [(.1,), (.2, .1), (0, .1), (.1, 1.1), (.1, math.nan), (.1, .1)])
def test_densities_that_make_no_curve_are_refused(bad):
    with pytest.raises(ValueError, match='two or more, rising'): break_even(8, 8, 2, bad, rng=np.random.default_rng(0))

@pytest.mark.parametrize('sizes', [(0, 8, 2), (8, 0, 2), (8, 8, 0)])
def test_a_product_of_nothing_is_refused(sizes):
    with pytest.raises(ValueError, match='1 or more of each'): break_even(*sizes, rng=np.random.default_rng(0))

def test_break_even_here():
    "No claim about this machine, but for two that have a margin of four on any: a 200th is not slower, all is not faster."
    b = break_even(512, 512, 32, (.005, .9), rng=np.random.default_rng(0), repeats=15)
    few, all_ = (r.ratio for r in b.comparison.rows)
    assert few.lo <= 1 <= all_.hi
    assert 0 < b.modelled and b.comparison.interleaved and 'measured, n=6 builds' in repr(b)


# --- PyTorch

def test_pytorch_removes_the_same_weights(torch):
    from torch.nn.utils import prune as theirs
    rng = np.random.default_rng(0)
    for share in (.1, .5, .77, .95):
        net = Sequential(Dense(30, 20, rng), Dense(20, 10, rng))
        w = [m.w.data for _, m in weighted(net)]
        assert len(np.unique(np.abs(np.concatenate([a.ravel() for a in w])))) == 800, 'without ties both are one rule'
        linear = [torch.nn.Linear(*a.shape) for a in w]
        for each in ('global', 'layer'):
            for l, a in zip(linear, w): l.weight = torch.nn.Parameter(torch.tensor(a.T.copy()))
            pairs = [(l, 'weight') for l in linear]
            if each == 'global': theirs.global_unstructured(pairs, theirs.L1Unstructured, amount=share)
            else:
                for l in linear: theirs.l1_unstructured(l, 'weight', amount=share)
            got = choose_masks(net, share, each)
            for l, mask in zip(linear, got.values()): assert np.array_equal(l.weight_mask.numpy().T.astype(bool), mask)
            for l in linear: theirs.remove(l, 'weight')

def test_where_pytorch_means_something_else(torch):
    "Ties: PyTorch too removes the exact count, but not the first. Twice: its second amount is of the weights still there."
    from torch.nn.utils import prune as theirs
    tied = torch.nn.Linear(30, 20)
    tied.weight = torch.nn.Parameter(torch.sign(tied.weight))
    theirs.l1_unstructured(tied, 'weight', amount=.5)
    assert int((tied.weight_mask == 0).sum()) == 300 == (~kept(tied.weight_orig.detach().numpy(), .5)).sum()
    net = Sequential(Dense(30, 20, np.random.default_rng(0)))
    twice = torch.nn.Linear(30, 20)
    twice.weight = torch.nn.Parameter(torch.tensor(net[0].w.data.T.copy()))
    for _ in range(2): theirs.l1_unstructured(twice, 'weight', amount=.5)
    assert int((twice.weight_mask == 0).sum()) == 450 and zeros(prune(prune(net, .5), .5)) == 300
    assert np.array_equal(twice.weight_mask.numpy().T.astype(bool), masks_of(prune(prune(net, .5), .75))['layers.0'])

def test_pytorch_keeps_the_same_two_of_four(torch):
    pruning = pytest.importorskip('torch.ao.pruning', reason='needs PyTorch')
    net = Sequential(Dense(32, 12, np.random.default_rng(0)))
    model = torch.nn.Sequential(torch.nn.Linear(32, 12))
    model[0].weight = torch.nn.Parameter(torch.tensor(net[0].w.data.T.copy()))
    s = pruning.WeightNormSparsifier(sparsity_level=1., sparse_block_shape=(1, 4), zeros_per_block=2)
    s.prepare(model, [{'tensor_fqn': '0.weight'}])
    s.step()
    mask = model[0].parametrizations.weight[0].mask.numpy().T
    assert np.array_equal(mask, n_m_mask(net[0].w.data, 2, 4))
