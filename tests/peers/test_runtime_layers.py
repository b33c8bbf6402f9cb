"What each layer takes in each runtime: nothing is lost, fused operators are at the layer that multiplies."
import json, math

import numpy as np
import pytest

from tinybench.models.zoo import SHAPES, create
from tinybench.nn.conv import Conv2d
from tinybench.nn.dense import Dense, Dropout, Flatten, ReLU, Residual, Softmax
from tinybench.nn.module import Sequential
from tinybench.nn.norm import BatchNorm
from tinybench.nn.pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from tinybench.peers.inference import NETS
from tinybench.backends.runtimes import attribute
from tinybench.peers.layers import layers_of, macs_of, with_layers
from tinybench.peers.profiles import PROFILES, named_onnx, of_native, stamped
from tinybench.peers.runtimes import job_of, lacking, quantized_job
from tinybench.peers.turns import Loaded, run_runtimes
from tinybench.toolchain.compiler import find_compiler

needs_c = pytest.mark.skipif(not find_compiler(), reason='needs a C compiler')

def odd():
    "Arms with and without a shortcut, pools with their own ReLU behind, a Dropout, a BatchNorm."
    rng = np.random.default_rng(0)
    return job_of(Sequential(
        Conv2d(3, 8, 3, rng, padding='same'), BatchNorm(8), ReLU(), MaxPool2d(2), ReLU(),
        Residual(Sequential(Conv2d(8, 8, 3, rng, padding='same'), ReLU(), Conv2d(8, 8, 3, rng, padding='same'))), ReLU(),
        Residual(Sequential(Conv2d(8, 8, 1, rng)), Conv2d(8, 8, 1, rng)), AvgPool2d(2), Flatten(), Dropout(.5, rng),
        Dense(72, 6, rng), Softmax()).eval(), (12, 12, 3), 2)

def operators(job, name):
    "What a runtime in this process says of itself."
    if said := lacking(name, job): pytest.skip(said)
    r = Loaded(job, name, dict(threads=1) if name != 'numpy' else {})
    r.build()
    try: return r.profile()
    finally: r.stack.close()

@pytest.mark.parametrize('name', PROFILES)
@pytest.mark.parametrize('job', [odd(), job_of(create('resnet8', np.random.default_rng(1)).eval(), SHAPES['resnet8'])],
                         ids=['odd', 'resnet8'])
def test_all_that_a_runtime_did_is_in_some_row_and_each_product_at_its_layer(name, job):
    ops, macs = operators(job, name), macs_of(job)
    rows = attribute(ops, macs)
    assert math.isclose(sum(rows.values()), sum(o.secs for o in ops)) and all(v >= 0 for v in rows.values())
    assert all(row in macs or row.startswith('(') for row in rows)
    # microseconds are whole in OpenVINO, and a small layer may have none
    due = {k for k, n in macs.items() if n > (100_000 if name == 'openvino' else 0)}
    assert due <= set(rows), due - set(rows)

@pytest.mark.parametrize('net', NETS)
def test_every_operator_of_the_file_is_of_a_layer_or_a_transpose(net):
    pytest.importorskip('onnx')
    job = job_of(create(net, np.random.default_rng(0)).eval(), SHAPES[net])
    raw, graph, owner = named_onnx(job)
    assert {kind for name, (kind, _) in graph.items() if name not in owner} <= {'Transpose'}
    assert set(owner.values()) == set(macs_of(job)), 'a layer without an operator'
    assert b't0_' in raw and len(set(graph)) == len(graph)

def test_a_file_of_another_network_is_refused():
    pytest.importorskip('onnx')
    job, other = odd(), job_of(Sequential(Dense(3, 2, np.random.default_rng(0))).eval(), (3,))
    with pytest.raises(ValueError, match='no operator was written for layers'): named_onnx(job._replace(graph=other.graph, shape=(3,)))

@needs_c
@pytest.mark.parametrize('codes', [False, True])
def test_the_stamped_plan_gives_the_same_answer(codes):
    net, shape = create('ds_cnn', np.random.default_rng(2)).eval(), SHAPES['ds_cnn']
    job = quantized_job(net, shape) if codes else job_of(net, shape)
    r = Loaded(job, 'native', dict(threads=1))
    before = r.build()
    p = r.model.source
    p.out[...] = 0
    ops = of_native(r)
    np.testing.assert_array_equal(p.out, before)
    assert stamped(p).count('t[') == len(p.c.calls) == len(ops)
    r.stack.close()

@needs_c
@pytest.mark.slow        # the quick one is `tinybench runtimes --layers`, in tests/cli
def test_layers_stand_beside_each_other(monkeypatch):
    given = []      # seconds of all operators, in each profile
    def counted(ops, macs):
        given.append(sum(o.secs for o in ops))
        return attribute(ops, macs)
    monkeypatch.setattr('tinybench.peers.layers.attribute', counted)
    job = job_of(create('simple_cnn', np.random.default_rng(3)).eval(), SHAPES['simple_cnn'])
    names = [k for k in ('numpy', 'native', 'litert') if not lacking(k, job)]
    run = run_runtimes('simple_cnn', job, names, repeats=12)
    found = with_layers(run, job)
    t = found.layers
    assert list(t.secs) == ['tinybench, numpy', 'tinybench, native'] and t.provenance == 'measured'
    assert all(len(v) == 8 for s in t.secs.values() for v in s.values())
    assert any('LiteRT is not told by layer' in words for words in t.notes) == ('litert' in names)
    assert len(given) == 2*8
    np.testing.assert_allclose(sorted([*t.sums('tinybench, numpy'), *t.sums('tinybench, native')]), sorted(given))
    assert [row[0] for row in t.table().rows][-3:] == ['sum', 'a call, not watched', 'sum/call']
    assert json.loads(json.dumps(found.to_dict()))['layers']['macs'] == t.macs
    figure = pytest.importorskip('tinybench.show.measure').plot_runtimes(t, within=1e9)
    assert [x.get_text() for x in figure.get_yticklabels()] == list(t.secs)

@needs_c
def test_who_tells_no_layers_is_said():
    job = job_of(create('simple_cnn', np.random.default_rng(3)).eval(), SHAPES['simple_cnn'])
    run = run_runtimes('simple_cnn', job, ('native',), repeats=12)
    run.setup['tinybench, native']['threads'] = 2
    found = with_layers(run, job)
    assert found.layers is None and 'its threads share a batch' in found.missing[-1]
    with pytest.raises(ValueError, match='2 rounds'): layers_of(job, run, rounds=2)
