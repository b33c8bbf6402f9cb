"A form of a board that was forged so that its cells agree is refused, also if it names another compiler or emulator."
import json

import pytest
from tinybench.base.files import shipped
from tinybench.forms.cell import filled as fill
from tinybench.forms.entries import check_folder
from tinybench.forms.fields import fields_of
from tinybench.forms.form import NoForm, read_form

for name in ('unicorn', 'elftools', 'ziglang'): pytest.importorskip(name, reason='needs the extra mcu')
from tinybench.forms.board import board_form

@pytest.fixture(scope='module')
def text(own_cache): return board_form(shipped('digits.tflite'), board='nucleo-l4r5zi').to_json()

@pytest.fixture
def forged(text, tmp_path):
    "A function that writes the form into a folder, some of its cells `by` times as large and its platform another."
    def make(by, **platform):
        d = json.loads(text)
        d['platform'].update(platform)
        for c in d['cells']:
            if c['field'] not in by: continue
            if not c['raw']: c['value'] *= by[c['field']]
            else:
                field, raw = fields_of(d['device'])[c['field']], c['raw'][0]*by[c['field']]
                new = fill(field, int(raw) if field.rule in ('count', 'bytes') else raw, 'x').to_dict()
                c.update({k: new[k] for k in ('value', 'raw')})
        (tmp_path/'form.json').write_text(json.dumps(d))
        (tmp_path/'model.tflite').write_bytes(shipped('digits.tflite').read_bytes())
        return tmp_path
    return make

def times(by): return dict(cycles=by, latency=by, energy=by, throughput=1/by)

@pytest.mark.parametrize('by, platform, fields', [
    (dict(flash=.1), dict(compiler='zig 99'), {'flash'}),
    (dict(flash=1.6), dict(compiler='zig 99'), {'flash'}),
    (dict(instructions=.001), dict(emulator='unicorn 99'), {'instructions'}),
    (times(.5), dict(emulator='unicorn 99'), {*times(1)}), (times(2), dict(host='another'), {*times(1)})])
def test_another_tool_excuses_little(forged, by, platform, fields):
    found = check_folder(forged(by, **platform))
    assert {*found.of('differs')} == fields
    assert f'its {min(platform)} was another, which does not explain more than 1.5 times' in ' '.join(found.refused)

def test_another_tool_excuses_something(forged):
    found = check_folder(forged(dict(flash=1.25) | times(.75), compiler='zig 99'))
    assert not found.refused and {*found.of('undecided')} == {'flash', *times(1)}

@pytest.mark.parametrize('by, says', [
    (dict(cycles=.5), 'latency: [0-9,]+ cycles at 120 MHz are not'), (dict(latency=.5, throughput=2), 'latency: .* cycles'),
    (dict(clock=2), 'latency: .* cycles at 240 MHz'), (dict(energy=1.01), 'energy: .* ms at 3.3 V and 13.2 mA are not')])
def test_what_is_modelled_follows_from_the_cycles(forged, by, says):
    with pytest.raises(NoForm, match=says): check_folder(forged(by, emulator='unicorn 99'))

def test_a_board_that_nobody_knows(text):
    with pytest.raises(NoForm, match="no board 'nucleo-l4r5', did you mean"): read_form(text.replace('mcu:nucleo-l4r5zi', 'mcu:nucleo-l4r5'))
