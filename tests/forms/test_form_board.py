"The form of a microcontroller: measured in the program and its emulator, modelled by sources, and checked exactly."
import json

import pytest
from tinybench.embedded.tasks import embedded_network
from tinybench.base.files import shipped
from tinybench.forms.cell import filled as fill
from tinybench.forms.entries import check_folder, write_form
from tinybench.forms.fields import fields_of
from tinybench.forms.form import read_form
from tinybench.forms.table import Mixed, ranked

for name in ('unicorn', 'elftools', 'ziglang'): pytest.importorskip(name, reason='needs the extra mcu')
from tinybench.forms.board import board_form

@pytest.fixture(scope='module')
def folder(tmp_path_factory, own_cache):
    "The folder of a form of a small network of codes on a board with a Cortex-M4."
    path = shipped('digits.tflite')
    form = board_form(path, board='nucleo-l4r5zi')
    return write_form(form, path, tmp_path_factory.mktemp('board')/'mine')

@pytest.fixture
def form(folder): return read_form((folder/'form.json').read_text())

def test_what_is_measured_and_what_is_modelled(form):
    origin = {c.field.name: c.provenance for c in form.cells}
    assert {k for k, v in origin.items() if v == 'modelled'} == {'macs', 'flops', 'cycles', 'latency', 'throughput', 'energy'}
    assert {k for k, v in origin.items() if v == 'measured'} == {'parameters', 'size', 'flash', 'ram', 'instructions'}
    assert origin['clock'] == 'literature' and 'STMicroelectronics' in form['clock'].source
    assert form['flash'].value > form['parameters'].value/1000 and form['ram'].value > 0
    lat, cycles, clock = (form[k].value for k in ('latency', 'cycles', 'clock'))
    assert lat == pytest.approx(cycles/clock/1e3) and form['throughput'].value == pytest.approx(1000/lat)
    for k in ('temperature', 'startup', 'accuracy'): assert '; with ' in form[k].source
    assert 'Arm' in form['cycles'].source and 'mA' in form['energy'].source

def test_a_board_is_emulated_again_exactly(folder, form):
    found = check_folder(folder)
    assert not found.refused and not found.of('undecided') and {'flash', 'ram', 'instructions', 'energy'} <= {*found.of('same')}

@pytest.mark.parametrize('name, raw', [('flash', 1000), ('ram', 10), ('instructions', 7)])
def test_an_edited_cell_of_a_board(folder, tmp_path, name, raw):
    d = json.loads((folder/'form.json').read_text())
    f = fields_of(d['device'])[name]
    for c in d['cells']:
        if c['field'] == name: c.update({k: v for k, v in fill(f, raw, 'x').to_dict().items() if k in ('value', 'raw')})
    (tmp_path/'form.json').write_text(json.dumps(d))
    (tmp_path/'model.tflite').write_bytes(shipped('digits.tflite').read_bytes())
    found = check_folder(tmp_path)
    assert found.of('differs') == [name] and name in found.refused[0]

def test_a_board_that_is_none():
    with pytest.raises(ValueError, match="no board 'nucleo', did you mean"): board_form(shipped('digits.tflite'), board='nucleo')

@pytest.mark.slow
def test_a_board_that_is_too_small(tmp_path, own_cache):
    path = embedded_network('ic01').save(tmp_path/'model.npz')
    with pytest.raises(ValueError, match='resnet8 does not fit bluepill: [0-9,]+ bytes of flash'):
        board_form(path, 'resnet8', 'ic01', 'bluepill')

def test_no_ranking_of_a_board_and_a_computer(form, filled):
    with pytest.raises(Mixed): ranked(dict(board=form, computer=filled.form), 'latency')
