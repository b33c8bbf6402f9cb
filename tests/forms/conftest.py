"One real form, filled once, that the tests of forms look at and change."
import json
from types import SimpleNamespace

import pytest
from tinybench.embedded.tasks import embedded_network
from tinybench.forms.edge import edge_form
from tinybench.forms.entries import write_form

@pytest.fixture(scope='session')
def filled(tmp_path_factory, own_cache):
    "A form of the network that ships for ic01, on this machine; its model, and its folder."
    top = tmp_path_factory.mktemp('forms')
    path = embedded_network('ic01').save(top/'model.npz')
    form = edge_form(path, 'resnet8', 'ic01', processes=6, rounds=3, windows=3, references=('MLPerf Tiny',))
    return SimpleNamespace(form=form, model=path, folder=write_form(form, path, top/'mine'))

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
