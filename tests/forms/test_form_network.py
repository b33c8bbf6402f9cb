"The network in a file is all of what the file computes, and its codes are those of a device."
import numpy as np
import pytest
from tinybench.base.files import shipped
from tinybench.core.tensor import no_grad
from tinybench.embedded.tasks import embedded_network
from tinybench.exchange.graph import graph_of
from tinybench.exchange.tflite import tflite
from tinybench.forms.network import open_file
from tinybench.nn.dense import Dense, ReLU, Softmax
from tinybench.nn.module import Sequential

def answers(net, x):
    with no_grad(): return net(x).data

def test_a_softmax_at_its_end_is_of_the_network(tmp_path):
    rng = np.random.default_rng(0)
    net, x = Sequential(Dense(8, 6, rng=rng), ReLU(), Dense(6, 3, rng=rng), Softmax()).eval(), rng.normal(size=(5, 8)).astype(np.float32)
    (path := tmp_path/'net.tflite').write_bytes(tflite(graph_of(net, (8,))))
    o = open_file(path)
    assert (o.shape, o.parameters, o.network) == ((8,), 75, '') and not o.net.training
    assert np.allclose(answers(o.net, x), answers(net, x)) and np.allclose(answers(o.net, x).sum(1), 1)

def test_a_file_of_codes_is_from_fractions_to_fractions():
    o = open_file(shipped('digits.tflite'))
    assert answers(o.net, np.zeros((2, *o.shape), np.float32)).dtype == np.float32

@pytest.mark.parametrize('task', ['ad01'])
def test_codes_of_a_form_are_those_of_a_device(tmp_path, task):
    "One network on one board has one set of codes, whoever asks."
    from tinybench.cli.device import int8_network, task_named
    from tinybench.embedded.calibrate import calibration
    from tinybench.forms.board import as_codes
    t = task_named(task)
    path = embedded_network(task).save(tmp_path/'model.npz')
    o = open_file(path, t.network, task)
    x = calibration(task)[:100]
    form, device = as_codes(o, task, e=object()).net, int8_network(t, None)[0]
    assert np.array_equal(answers(form, x), answers(device, x)) and len(np.unique(answers(form, x))) > 100
