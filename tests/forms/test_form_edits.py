"A form whose cells were edited by hand is refused: by itself, by its neighbours, or by running it again."
import json, os

import numpy as np
import pytest
from tinybench.forms.cell import filled as fill
from tinybench.forms.check import check_form, timed_verdict, times_as_long
from tinybench.forms.entries import check_folder, check_name, entries, name_of, submit_form, write_form
from tinybench.forms.fields import EDGE
from tinybench.forms.form import NoForm, read_form
from tinybench.measure.result import plain

KNOWN = {f.name: f for f in EDGE}

def refill(d, name, raw):
    "Puts other raw values into a cell, and what follows from them: an edit that agrees with itself."
    cell = d['of'][name]
    cell.update({k: v for k, v in fill(KNOWN[name], raw, cell['source']).to_dict().items() if k in ('value', 'lo', 'hi', 'raw')})

def scaled(d, by, names=('latency', 'preprocessing', 'inference', 'postprocessing')):
    for k in names: refill(d, k, [v*by for v in d['of'][k]['raw']])
    of = d['of']
    of['throughput'].update({k: 1000/of['latency'][v] for k, v in dict(value='value', lo='hi', hi='lo').items()})

def put(name, **what): return lambda d: d['of'][name].update(what)
def measured(d): d['of']['energy'].update(value=.5, provenance='measured', source='a meter')

ALONE = dict(
    value=(put('latency', value=.001), 'latency: value not what raw says'),
    interval=(put('latency', lo=0.), 'latency: lo not what raw says'),
    raw=(put('latency', raw=[.1]*6), 'latency: value, lo, hi not what raw says'),
    unit=(put('size', unit='KB'), "size: the unit is 'MB'"),
    title=(put('size', title='RAM'), "size: the title is 'file size'"),
    provenance=(put('macs', provenance='measured'), 'macs: its provenance is modelled, not'),
    literature=(put('latency', provenance='literature'), 'latency: its provenance is measured'),
    source=(put('latency', source=' '), 'latency: it has no source'),
    invented=(measured, 'energy: nothing was taken for it'),
    parameters=(put('parameters', value=1), 'parameters: value not what raw says'),
    negative=(lambda d: refill(d, 'memory', [-1.]*6), 'memory: a value of -1'),
    no_share=(put('accuracy', raw=[400, 359]), '400 of 359 is no share'),
    half_a_count=(put('parameters', raw=[1.5]), 'no count'),
    throughput=(put('throughput', value=1e6), 'throughput: a latency of'),
    error=(lambda d: refill(d, 'error', (0, 359)), 'error: 351 right of 359 leave 8, not 0'),
    examples=(lambda d: (refill(d, 'accuracy', (100, 100)), refill(d, 'error', (0, 100))), '100 answers to 359'),
    hidden=(put('latency', value=None, lo=None, hi=None, raw=[], provenance=''), 'throughput: it follows'),
    parts=(lambda d: refill(d, 'latency', [9e9]*6) or put('throughput', value=1e3/9e9, lo=1e3/9e9, hi=1e3/9e9)(d), 'its parts'),
    instant=(lambda d: scaled(d, 1e-4), 'more than 8 times what the processor reaches'),
    early=(lambda d: refill(d, 'deployment', [v/2 for v in d['of']['startup']['raw']]), 'before the runtime was ready'),
    fewer=(lambda d: refill(d, 'deployment', d['of']['deployment']['raw'][:3]), 'not of equally many processes'),
    twice=(lambda d: d['cells'].append(dict(d['of']['size'])), 'size is there twice'),
    lost=(lambda d: d['cells'].remove(d['of']['error']), 'error is missing'),
    unknown=(put('size', field='sise'), "no field 'sise', did you mean 'size'"),
    extra=(put('size', note='x'), 'size: a cell has'),
    words=(put('size', value='small'), "size: value cannot be 'small'"),
    truth=(put('size', value=True), "size: value cannot be 'True'"),
    huge=(put('size', value=10**400), 'a number with hundreds of digits'),
    null=(put('latency', raw=[None]), 'latency: raw holds null'),
    many=(put('latency', raw=[1.]*10_001), 'at most 10,000 numbers'),
    device=(lambda d: d.update(device='phone'), "no device 'phone'"),
    schema=(lambda d: d.update(schema=2), 'a form of schema 2'),
    field=(lambda d: d.update(note='x'), "missing or unknown in a form: 'note'"),
    cells=(lambda d: d.update(cells={}), 'cells cannot be'),
    cell=(lambda d: d.update(cells=[3]), 'a cell has no field'),
    no_task=(lambda d: d.update(task='', data={}), 'accuracy: 359 answers to None examples'),
    model=(lambda d: d['model'].pop('sha256'), 'model has no sha256'),
    references=(lambda d: d.update(references=['a\nb']), 'references are up to 20 texts'))

@pytest.mark.parametrize('change, says', ALONE.values(), ids=ALONE)
def test_a_form_that_does_not_agree_with_itself(edited, change, says):
    with pytest.raises(NoForm) as e: check_folder(edited(change), times=False)
    assert says in str(e.value) and str(e.value).startswith('changed is refused: ')

def test_no_cell_can_be_edited_alone(filled):
    "Every cell, every part of what it says: whoever changes one of them is refused by the record itself."
    text, tried = filled.form.to_json(), 0
    for i, c in enumerate(filled.form.cells):
        changes = dict(title='x', unit='parsec', source='', provenance='literature', value=1.)
        if c.known: changes |= dict(value=c.value*1.01 + 1e-3, raw=[2*max(c.raw, default=0) + 1]*max(len(c.raw), 1), provenance='', field='sise')
        if c.known and c.lo is not None: changes |= dict(lo=c.lo*.9 - 1e-3, hi=None)
        if not c.raw: changes.pop('raw', None)          # it follows from another cell
        for k, v in changes.items():
            d = json.loads(text)
            d['cells'][i][k] = v
            with pytest.raises(NoForm): read_form(json.dumps(d))
            tried += 1
    assert tried > 5*len(filled.form.cells)

AGAIN = dict(
    accuracy=(lambda d: (refill(d, 'accuracy', (359, 359)), refill(d, 'error', (0, 359))), {'accuracy', 'error'}),
    parameters=(lambda d: refill(d, 'parameters', [1000]), {'parameters'}),
    size=(lambda d: refill(d, 'size', [1000]), {'size'}),
    macs=(lambda d: refill(d, 'macs', [5]), {'macs'}),
    working=(lambda d: refill(d, 'working', [5]), {'working'}),
    auc=(put('auc', value=1., lo=1., hi=1., provenance='measured'), {'auc'}),
    data=(lambda d: d['data'].update(sha256='0'*64), {'data'}))

@pytest.mark.parametrize('change, fields', AGAIN.values(), ids=AGAIN)
def test_an_edit_that_agrees_with_itself_is_found_by_running_it_again(edited, change, fields):
    found = check_folder(edited(change), times=False)
    assert {x.field for x in found.findings if x.verdict == 'differs'} == fields and found.refused
    assert 'refused' in str(found) and found.to_dict()['verdict'] == 'refused'

def test_a_form_as_it_was_filled_is_taken(filled, edited, kept):
    kept.clear()            # the model is asked again
    for found in (check_folder(filled.folder, times=False), check_folder(edited(lambda d: None), times=False)):
        assert not found.refused and found.here
        assert {'parameters', 'size', 'macs', 'accuracy', 'error'} <= {*found.of('same')}
        assert 'load_cpu' in found.of('cannot be told')      # and it says so
        assert 'cannot be told' in str(found)

def test_what_is_said_of_times_that_were_taken_again():
    "Times whose spread is known: the same, much less than they are, and not to be told apart."
    rng = np.random.default_rng(5)
    def cell(middle, spread, n=9): return fill(KNOWN['latency'], middle*rng.lognormal(0, spread, n), 'here')
    calm, busy = cell(3., .01), cell(3., .5)
    assert timed_verdict(calm, cell(3., .01)).verdict == 'same'
    assert timed_verdict(cell(3/20, .5), busy).verdict == timed_verdict(cell(60., .5), busy).verdict == 'differs'
    assert timed_verdict(calm, cell(3.6, .01)).verdict == timed_verdict(busy, cell(3., .5)).verdict == 'undecided'
    assert timed_verdict(cell(3., .01, 5), calm).verdict == 'cannot be told'
    by = [1.]*9, [2.]*9     # the machine took twice as long for a product, too
    assert timed_verdict(calm, cell(6., .01), by).verdict == 'same'

@pytest.mark.slow
@pytest.mark.alone
def test_times_that_agree_with_themselves_are_taken_again(edited):
    found = check_folder(edited(lambda d: scaled(d, 1/20)), processes=6)
    assert 'latency' in found.of('differs') and 'surely beyond 2 times' in ' '.join(found.refused)

@pytest.mark.slow
def test_a_form_that_is_honest_is_timed_again_and_taken(filled):
    found = check_folder(filled.folder, processes=9)
    assert not found.refused and 'latency' in {*found.of('same'), *found.of('undecided')}

def test_what_another_platform_says_of_times_is_not_told(edited):
    def change(d):
        d['platform']['cpu'] = 'another'
        scaled(d, 1/2)
    found = check_folder(edited(change))
    assert not found.here and not found.refused and 'latency' in found.of('cannot be told')
    assert {'accuracy', 'parameters'} <= {*found.of('same')}     # these are run again anywhere

def test_a_cell_that_this_platform_cannot_tell_is_doubted(edited, filled):
    if filled.form['clock'].known: pytest.skip('needs a machine that does not tell its clock')
    def change(d):
        d['of']['clock']['provenance'] = 'measured'
        refill(d, 'clock', [3e9]*6)
    assert 'clock' in check_folder(edited(change), times=False).of('undecided')

def test_an_interval_of_ratios_holds_the_truth():
    "The truth lies outside of 95% intervals in 10 of 200 on average; more than 22 with chance 0.0003."
    rng, missed = np.random.default_rng(3), 0
    for _ in range(200):
        old, new = rng.lognormal(0, .3, 9), rng.lognormal(np.log(1.5), .3, 9)
        mid, lo, hi = times_as_long(old, new)
        assert lo <= mid <= hi
        missed += not lo <= 1.5 <= hi
    assert missed <= 22
    assert times_as_long([1.]*6, [2.]*6) == (2, 2, 2)
    with pytest.raises(ValueError, match='too few'): times_as_long([1., 2.], [1., 2.])

@pytest.mark.parametrize('text, says', [
    ('', 'no JSON'), ('[1]', 'no form of tinybench'), ('{"form": "tinybench", "x": NaN}', 'NaN is no number of JSON'),
    ('{"form": "tinybench", "x": -Infinity}', '-Infinity is no number'), ('['*100_000, 'no JSON'),
    ('{"form": "tinybench", "schema": 1}', 'missing or unknown'), ('{"form": "tinybench", "x": ' + '9'*5000 + '}', 'no JSON')])
def test_text_that_is_no_form(text, says):
    with pytest.raises(NoForm, match=says): read_form(text)

def test_infinity_in_disguise(filled):
    text = filled.form.to_json().replace(json.dumps(filled.form['size'].value), '1e999')
    with pytest.raises(NoForm, match='size: value cannot be'): read_form(text)


# --- folders

def test_pages_that_were_edited(filled, tmp_path):
    for name in ('form.html', 'form.md', 'form.csv'):
        folder = write_form(filled.form, filled.model, tmp_path/'copy')
        text = (folder/name).read_text()
        (folder/name).write_text(text.replace('measured', 'Measured', 1))
        with pytest.raises(NoForm, match=f'{name} does not say what form.json says'): check_folder(folder, times=False)

def test_models_that_are_not_the_one(edited, tmp_path, filled):
    folder = edited(lambda d: None)
    (folder/'model.npz').write_bytes(filled.model.read_bytes() + b' ')
    with pytest.raises(NoForm, match='is another than the form was filled with'): check_folder(folder)
    (folder/'model.npz').unlink()
    with pytest.raises(NoForm, match='model.npz is not there'): check_folder(folder)
    (folder/'model.npz').symlink_to(filled.model)
    with pytest.raises(NoForm, match='link or no file'): check_folder(folder)

@pytest.mark.parametrize('file', ['../model.npz', '/etc/passwd', 'model.onnx'])
def test_a_model_somewhere_else(edited, file):
    with pytest.raises(NoForm, match='the model is model.npz or model.tflite'):
        check_folder(edited(lambda d: d['model'].update(file=file)))

@pytest.mark.parametrize('name', ['../up', 'A', 'a/b', '', 'con', 'x'*61, '.hidden', 'a b'])
def test_names_that_no_folder_may_have(name):
    with pytest.raises(NoForm, match='no form can be called'): check_name(name)

def test_names_that_are_given(filled):
    check_name(name_of(filled.form))
    assert name_of(filled.form).startswith('resnet8-edge-')

def test_folders_that_hold_something_else(edited, tmp_path):
    folder = edited(lambda d: None)
    (folder/'run.sh').write_text('echo')
    with pytest.raises(NoForm, match="it also holds 'run.sh'"): check_folder(folder)
    os.symlink(folder, tmp_path/'link')
    with pytest.raises(NoForm, match='it is a link'): check_folder(tmp_path/'link')
    with pytest.raises(ValueError, match="holds 'run.sh'|holds 'link'"): entries(tmp_path)

def test_a_folder_of_something_else_stays(filled, tmp_path):
    (tmp_path/'notes.txt').write_text('mine')
    with pytest.raises(FileExistsError, match='holds notes.txt'): write_form(filled.form, filled.model, tmp_path)
    with pytest.raises(FileExistsError, match='is a file'): write_form(filled.form, filled.model, tmp_path/'notes.txt')
    assert [p.name for p in tmp_path.iterdir()] == ['notes.txt']

def test_a_refused_form_leaves_the_table_alone(filled, edited, tmp_path):
    root = tmp_path/'table'
    with pytest.raises(NoForm, match='parameters: says 1,000'):
        submit_form(edited(lambda d: refill(d, 'parameters', [1000])), root, times=False)
    assert not root.exists()
    submit_form(filled.folder, root, 'one', times=False)
    assert {p.name for p in (root/'one').iterdir()} == {'form.json', 'model.npz'}
    with pytest.raises(FileExistsError, match='is there already'): submit_form(filled.folder, root, 'one', times=False)
    with pytest.raises(NoForm, match='no form can be called'): submit_form(filled.folder, root, '../up', times=False)
    assert [p.name for p in root.iterdir()] == ['one']

def test_a_checked_form_can_be_asked(filled):
    d = check_form(filled.form.to_json(), filled.folder, times=False).to_dict()
    assert plain(d) and d['verdict'] == 'taken' and {*d['findings'][0]} == {'field', 'verdict', 'words'}
