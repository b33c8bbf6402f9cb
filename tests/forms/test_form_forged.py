"A form that was forged so that its cells agree with each other is refused all the same."
from pathlib import Path

import pytest
from tinybench.forms.cell import filled as fill
from tinybench.forms.check import rate_verdict
from tinybench.forms.entries import check_folder, submit_form
from tinybench.forms.fields import EDGE
from tinybench.forms.form import NoForm, read_form
from tinybench.forms.table import draw_table

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


# --- what cannot be

def scaled(*names, by): return lambda d: [refill(d, k, [v*by for v in d['of'][k]['raw']]) for k in names]
def known_as(name, raw):
    def change(d):
        d['of'][name]['provenance'] = KNOWN[name].origins[0]
        refill(d, name, raw)
    return change

@pytest.mark.parametrize('change, says', [
    (known_as('load_cpu', [-.05]*8), 'load_cpu: -5 %, and it is from 0 to 100'), (known_as('load_cpu', [9.]*8), 'load_cpu: 900 %'),
    (known_as('load_gpu', [1.01]*8), 'load_gpu: 101 %'), (known_as('clock', [0.]*8), 'clock: 0 MHz'),
    (known_as('clock', [-1e9]*8), 'clock: -1000 MHz'), (known_as('temperature', [1000.]*8), 'temperature: 1000 °C'),
    (known_as('bandwidth', [0]), 'bandwidth: 0 Mbit/s'), (known_as('peak', [0.]*9), 'peak: 0 GFLOP/s'),
    (lambda d: d['of']['load_cpu'].update(parts=dict(cpu0=9.)), 'load_cpu: parts are shares'),
    (known_as('memory', [1000]*6), 'memory: 1,000 bytes of a process, and the file of its weights has'),
    (scaled('peak', by=100), 'peak: .* GFLOP/s, and the products timed beside the latency reached'),
    (scaled('peak', by=1/100), 'peak: .* GFLOP/s, and the products')])
def test_numbers_that_cannot_be(edited, change, says):
    with pytest.raises(NoForm, match=says): check_folder(edited(change), times=False)

@pytest.mark.parametrize('name', ['parameters', 'size', 'macs', 'working', 'accuracy', 'error', 'auc'])
def test_the_source_of_what_is_counted_is_what_we_would_write(edited, name):
    found = check_folder(edited(lambda d: d['of'][name].update(source='on the full ImageNet; with care')), times=False)
    assert found.of('differs') == [name] and "comes from as 'on the full ImageNet" in found.refused[0]

def test_parts_of_what_has_none(edited):
    found = check_folder(edited(lambda d: d['of']['accuracy'].update(parts=dict(top5=359))), times=False)
    assert found.refused == ['accuracy: has parts, and such a cell has none']

def test_the_name_that_a_file_had_is_no_matter(edited):
    source = 'the bytes of npz file my net; v2.npz; 1 MB is 1,000,000'
    assert 'size' in check_folder(edited(lambda d: d['of']['size'].update(source=source)), times=False).of('same')

@pytest.mark.parametrize('by, verdict', [(1., 'same'), (1.05, 'same'), (3., 'undecided'), (1/3, 'undecided'), (9., 'differs'),
                                         (1/9, 'differs')])
def test_a_rate_that_is_not_divided_by_another(by, verdict): assert rate_verdict('peak', by).verdict == verdict

@pytest.mark.slow
def test_a_whole_machine_that_is_said_to_be_faster_is_timed_again(edited):
    "All times, those of the product and the peak alike: they agree with each other, and not with this machine."
    def change(d):
        scaled('peak', by=30)(d)
        scaled(*TIMES[:-1], by=1/30)(d)
        parts = d['of']['latency']['parts']
        parts['product'] = [v/30 for v in parts['product']]
        follow(d)
    found = check_folder(edited(change), processes=6)
    assert {'peak', 'product'} <= {*found.of('differs')} and 'beyond 8 times' in ' '.join(found.refused)


# --- platform, settings, and what is said twice

@pytest.mark.parametrize('platform, says', [
    ({}, "cpu is text, not 'None'"), (dict(cpu=['a', 'b']), r"cpu is text, not .*'a', 'b'"), (dict(cpu=' '), "cpu is text, not ' '"),
    (dict(platform=3), "platform is text, not '3'"), (dict(numpy=None), "numpy is text, not 'None'"),
    (dict(cpus=0), "cpus are 1 or more, not '0'"), (dict(cpus='2'), "cpus are 1 or more, not '2'"),
    (dict(cpus=True), "cpus are 1 or more, not 'True'"), (dict(board=None), 'platform: board, and a form of edge is of no board'),
    (dict(chip='STM32'), 'platform: chip, and'), (dict(gpu=dict(name='x')), 'gpu is text or a number'), (dict(note='a\nb'), 'note is text')])
def test_platforms_that_are_none(edited, platform, says):
    def change(d): d['platform'] = {**d['platform'], **platform} if platform else {}
    with pytest.raises(NoForm, match=says): check_folder(edited(change), times=False)

@pytest.mark.parametrize('settings, says', [
    (dict(rounds=-4), "rounds is from 1 to 1,000,000, not '-4'"), (dict(seed='x'), "seed is from 0 to .*, not 'x'"),
    (dict(seed=2**32), 'seed is from'), (dict(rounds=2.5), "rounds is .* not '2.5'"), (dict(threads=2), 'threads is from 1 to 1'),
    (dict(processes=True), "processes is .* not 'True'"), (None, "seed is from .* not 'None'")])
def test_settings_that_cannot_be(edited, settings, says):
    def change(d): d['settings'] = d['settings'] | settings if settings else {}
    with pytest.raises(NoForm, match=says): check_folder(edited(change), times=False)

@pytest.mark.parametrize('old, new, name', [
    ('"value": ', '"value": 1, "value": ', 'value'), ('"device": ', '"device": "mcu:pico", "device": ', 'device'),
    ('"cpu": ', '"cpu": "another", "cpu": ', 'cpu')])
def test_what_is_said_twice(filled, old, new, name):
    text = filled.form.to_json()
    with pytest.raises(NoForm, match=f"'{name}' is there twice in one table"): read_form(text.replace(old, new, 1))


# --- another version

def test_pages_of_another_version_are_refused(filled, edited, tmp_path):
    "Nobody here can draw them again, so they might say anything; without them the form is taken, and this is said."
    folder = edited(lambda d: d.update(version='9.9.9'))
    found = check_folder(folder, times=False)
    assert not found.refused and not found.of('undecided')
    assert 'Filled by tinybench 9.9.9, and this is' in str(found) and 'other words are undecided' in str(found)
    for name in ('form.html', 'form.md', 'form.csv'):
        (folder/name).write_bytes((filled.folder/name).read_bytes())
        with pytest.raises(NoForm, match=f'{name} is said to be of tinybench 9.9.9'): check_folder(folder, times=False)
        (folder/name).unlink()
    (folder/'form.md').write_bytes((filled.folder/'form.md').read_bytes())
    with pytest.raises(NoForm, match='is said to be of'): submit_form(folder, tmp_path/'table', 'one', times=False)
    (folder/'form.md').unlink()
    submit_form(folder, tmp_path/'table', 'one', times=False)
    assert {p.name for p in (tmp_path/'table'/'one').iterdir()} == {'form.json', 'model.npz'}

def test_words_of_another_version_are_undecided_and_numbers_are_not(edited):
    def change(d):
        d['version'] = '9.9.9'
        d['of']['accuracy']['source'] = 'on the full ImageNet'
        refill(d, 'parameters', [1000])
    found = check_folder(edited(change), times=False)
    assert (found.of('undecided'), found.of('differs')) == (['accuracy'], ['parameters'])
    assert 'but it is said to be of tinybench 9.9.9' in str(found)


# --- a submission is taken whole or not at all

def files(root): return {p.relative_to(root): p.read_bytes() for p in root.rglob('*') if p.is_file()}

def test_a_table_that_cannot_be_drawn_takes_nothing(filled, tmp_path):
    root = tmp_path/'table'
    with pytest.raises(ValueError, match="no field 'latencyy', did you mean 'latency'"):
        submit_form(filled.folder, root, 'one', by='latencyy', times=False)
    assert not root.exists()
    submit_form(filled.folder, root, 'one', by='size', times=False)
    draw_table(root, 'size')
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
    with pytest.raises(FileExistsError, match=f'holds {name}'): draw_table(tmp_path)        # as `form check` would
    assert (tmp_path/name).read_text() == text

def test_a_table_of_ours_is_drawn_again(filled, tmp_path):
    submit_form(filled.folder, tmp_path, 'one', times=False)
    draw_table(tmp_path)
    before = files(tmp_path)
    (tmp_path/'README.md').write_text('old')
    (tmp_path/'index.html').unlink()
    submit_form(filled.folder, tmp_path, 'two', times=False)
    draw_table(tmp_path)
    assert {*files(tmp_path)} == {*before, Path('two/form.json'), Path('two/model.npz')}
    assert 'old' != (tmp_path/'README.md').read_text()
