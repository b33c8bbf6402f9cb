"One real form, filled once, that the tests of forms look at and change."
import json
from types import SimpleNamespace

import pytest
from tinybench.bench.benchmark import array_digest
from tinybench.embedded.tasks import embedded_network
from tinybench.forms import network
from tinybench.forms.edge import edge_form
from tinybench.forms.entries import write_form
from tinybench.nn.module import live_state

@pytest.fixture(scope='session')
def filled(tmp_path_factory, own_cache):
    "A form of the network that ships for ic01, on this machine; its model, and its folder."
    top = tmp_path_factory.mktemp('forms')
    path = embedded_network('ic01').save(top/'model.npz')
    form = edge_form(path, 'resnet8', 'ic01', processes=6, rounds=3, windows=1, references=('MLPerf Tiny',))
    return SimpleNamespace(form=form, model=path, folder=write_form(form, path, top/'mine'))

@pytest.fixture(scope='session')
def kept():
    "What networks answered to the examples of a task, by their weights."
    return {}

@pytest.fixture(autouse=True)
def asked_once(monkeypatch, kept):
    "Tests that change a form hold it against the same answers of the same weights: these are computed once."
    real = network.outputs_of
    def outputs_of(t, model, e):
        key = t.name, array_digest([*live_state(model.source).values(), e.x])
        if key not in kept: kept[key] = real(t, model, e)
        return kept[key]
    monkeypatch.setattr(network, 'outputs_of', outputs_of)

@pytest.fixture
def edited(filled, tmp_path):
    "A function that writes the form into a new folder after a function has changed its JSON."
    def make(change):
        d = json.loads(filled.form.to_json())
        d['of'] = {c['field']: c for c in d['cells']}
        change(d)
        del d['of']
        folder = tmp_path/'changed'
        folder.mkdir()
        (folder/'form.json').write_text(json.dumps(d))
        (folder/'model.npz').write_bytes(filled.model.read_bytes())
        return folder
    return make
