"A form that was forged so that its cells agree with each other is refused all the same."
from pathlib import Path

import pytest
from tinybench.forms.cell import filled as fill
from tinybench.forms.entries import check_folder, submit_form
from tinybench.forms.fields import EDGE
from tinybench.forms.form import NoForm, read_form
from tinybench.forms.table import draw_board

KNOWN = {f.name: f for f in EDGE}
TIMES = 'latency', 'preprocessing', 'inference', 'postprocessing', 'startup', 'deployment', 'memory'

def refill(d, name, raw):
    "Puts other raw values into a cell, and what follows from them."
    cell = d['of'][name]
    new = fill(KNOWN[name], raw, cell['source']).to_dict()
    cell.update({k: new[k] for k in ('value', 'lo', 'hi', 'raw')})

def follow(d):
    "The throughput that follows from the latency."
    lat, ends = d['of']['latency'], dict(value='value', lo='hi', hi='lo')
    d['of']['throughput'].update({k: lat[v] and 1000/lat[v] for k, v in ends.items()})

def cut(d, n, **raw):
    "Leaves the times of `n` processes, some of them others."
    for k in TIMES:
        if d['of'][k]['raw']: refill(d, k, raw.get(k, d['of'][k]['raw'][:n]))
    product = d['of']['latency']['parts']['product']
    d['of']['latency']['parts']['product'] = product[:n]
    d['settings']['processes'] = n
    follow(d)

# --- times

@pytest.mark.parametrize('n', [1, 5])
def test_times_of_few_processes_are_refused(edited, tmp_path, n):
    folder = edited(lambda d: cut(d, n))
    read_form((folder/'form.json').read_text())         # it agrees with itself
    says = f'latency, .*: of {n} processes, which is too few .*--processes 6 or more'
    with pytest.raises(NoForm, match=says): check_folder(folder, times=False)
    with pytest.raises(NoForm, match=says): submit_form(folder, tmp_path/'table', times=False)
    assert not (tmp_path/'table').exists()

def test_a_latency_of_ten_nanoseconds_of_one_process(edited):
    folder = edited(lambda d: cut(d, 1, latency=[1e-5]))
    with pytest.raises(NoForm, match='latency: .* GFLOP/s, more than 8 times') as e: read_form((folder/'form.json').read_text())
    assert 'latency: its parts take' in str(e.value)

@pytest.mark.parametrize('name', ['preprocessing', 'inference', 'startup', 'peak'])
def test_a_time_that_any_machine_can_take_is_not_left_out(edited, name):
    gone = dict(value=None, lo=None, hi=None, raw=[], provenance='', source='none; with one', parts={})
    with pytest.raises(NoForm, match=f'{name}: any machine can measure it'):
        check_folder(edited(lambda d: d['of'][name].update(gone)), times=False)

def test_other_settings_than_the_times_are_of(edited):
    with pytest.raises(NoForm, match='latency: of 6 processes, and settings has 9'):
        check_folder(edited(lambda d: d['settings'].update(processes=9)), times=False)


# --- a submission is taken whole or not at all

def files(root): return {p.relative_to(root): p.read_bytes() for p in root.rglob('*') if p.is_file()}

def test_a_table_that_cannot_be_drawn_takes_nothing(filled, tmp_path):
    root = tmp_path/'table'
    with pytest.raises(ValueError, match="no field 'latencyy', did you mean 'latency'"):
        submit_form(filled.folder, root, 'one', by='latencyy', times=False)
    assert not root.exists()
    submit_form(filled.folder, root, 'one', by='size', times=False)
    draw_board(root, 'size')
    before = files(root)
    with pytest.raises(ValueError, match="no field 'flash'"): submit_form(filled.folder, root, 'two', by='flash', times=False)
    (root/'one'/'form.json').write_text('{')
    with pytest.raises(NoForm, match='one, which is in .*table already, is no form: it is no JSON'):
        submit_form(filled.folder, root, 'two', times=False)
    (root/'one'/'form.json').write_bytes(before[Path('one/form.json')])
    (root/'notes.txt').write_text('mine')
    with pytest.raises(ValueError, match="holds 'notes.txt'"): submit_form(filled.folder, root, 'two', times=False)
    (root/'notes.txt').unlink()
    with pytest.raises(FileExistsError, match='is the folder of a form'): submit_form(filled.folder, filled.folder, 'two')
    with pytest.raises(FileExistsError, match='is a file'): submit_form(filled.folder, filled.folder/'form.md', 'two')
    assert files(root) == before

@pytest.mark.parametrize('name, text', [('README.md', '# My project'), ('index.html', '<p>mine'), ('table.csv', 'a,b'),
                                        ('table.json', '{"table": "mine"}'), ('table.json', '[')])
def test_files_that_are_not_of_the_table_are_not_replaced(filled, tmp_path, name, text):
    (tmp_path/name).write_text(text)
    with pytest.raises(FileExistsError, match=f'holds {name}, and no table.json by tinybench'):
        submit_form(filled.folder, tmp_path, 'one', times=False)
    assert files(tmp_path) == {Path(name): text.encode()}
    (tmp_path/'one').mkdir()
    (tmp_path/'one'/'form.json').write_bytes((filled.folder/'form.json').read_bytes())
    with pytest.raises(FileExistsError, match=f'holds {name}'): draw_board(tmp_path)        # as `form check` would
    assert (tmp_path/name).read_text() == text

def test_a_table_of_ours_is_drawn_again(filled, tmp_path):
    submit_form(filled.folder, tmp_path, 'one', times=False)
    draw_board(tmp_path)
    before = files(tmp_path)
    (tmp_path/'README.md').write_text('old')
    (tmp_path/'index.html').unlink()
    submit_form(filled.folder, tmp_path, 'two', times=False)
    draw_board(tmp_path)
    assert {*files(tmp_path)} == {*before, Path('two/form.json'), Path('two/model.npz')}
    assert 'old' != (tmp_path/'README.md').read_text()
