"A form that was forged so that its cells agree with each other is refused all the same."
import pytest
from tinybench.forms.cell import filled as fill
from tinybench.forms.entries import check_folder, submit_form
from tinybench.forms.fields import EDGE
from tinybench.forms.form import NoForm, read_form

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
