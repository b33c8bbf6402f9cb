"The table of forms: drawn from the files alone, and no ranking over platforms, tasks or provenance."
import csv, io, json
from dataclasses import replace
from html import unescape

import pytest
from tinybench.forms.cell import rate_of
from tinybench.forms.table import COLUMNS, FormTable, Mixed, table_files, table_of, draw_table, grouped_by, ranked
from tinybench.forms.entries import submit_form

def other(f, name='other', **changes):
    return replace(f, model=dict(f.model, name=name), **changes)

def slower(f, by):
    "The form with a latency `by` times as long, and what follows from it."
    def turned(c): return replace(c, value=c.value*by, lo=c.lo*by, hi=c.hi*by, raw=[v*by for v in c.raw])
    cells = {c.field.name: turned(c) if c.field.name == 'latency' else c for c in f.cells}
    cells['throughput'] = rate_of(cells['throughput'].field, cells['latency'])
    return other(f, 'slow', cells=tuple(cells.values()))

def test_a_ranking_is_of_one_kind(filled):
    f = filled.form
    assert ranked(dict(slow=slower(f, 2), fast=f), 'latency') == ['fast', 'slow']
    assert ranked(dict(slow=slower(f, 2), fast=f), 'throughput') == ['fast', 'slow']
    assert ranked(dict(a=f), 'energy') == (['a'] if f['energy'].known else [])

@pytest.mark.parametrize('what, change', [
    ('platform', dict(platform=dict(cpu='another'))), ('device', dict(device='mcu:board')), ('task', dict(task='kws01')),
    ('examples', dict(data=dict(name='x', n=3, sha256='1')))])
def test_a_ranking_that_mixes_is_refused(filled, what, change):
    f, g = filled.form, other(filled.form, **change)
    with pytest.raises(Mixed, match=f'not of one {what}'): ranked(dict(f=f, g=g), 'latency')
    assert [sorted(some) for some in grouped_by(dict(f=f, g=g), 'latency')] in ([['f'], ['g']], [['g'], ['f']])

def test_a_ranking_of_what_was_measured_and_what_was_modelled_is_refused(filled):
    f = filled.form
    lat = replace(f['latency'], provenance='modelled')
    g = other(f, cells=tuple(lat if c.field.name == 'latency' else c for c in f.cells))
    with pytest.raises(Mixed, match='not of one provenance'): ranked(dict(f=f, g=g), 'latency')
    assert len(grouped_by(dict(f=f, g=g), 'latency')) == 2
    assert len(FormTable(dict(f=f, g=g)).groups()) == 2
    runtime = replace(f, model=dict(f.model, runtime='compiled'))
    with pytest.raises(Mixed, match='not of one runtime'): ranked(dict(f=f, g=runtime), 'latency')

def test_the_table_is_what_the_files_say(filled, tmp_path):
    for name in ('one', 'two'): submit_form(filled.folder, tmp_path, name, times=False)
    b = draw_table(tmp_path)
    written = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    assert {*written} == {'README.md', 'index.html', 'table.csv', 'table.json'}
    for p in written: (tmp_path/p).unlink()
    draw_table(tmp_path)
    assert written == {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    rows = list(csv.DictReader(io.StringIO(written['table.csv'].decode())))
    assert tuple(rows[0]) == COLUMNS and len(rows) == 2 and 'measured' in rows[0]['latency']
    d = json.loads(written['table.json'])
    assert [r for g in d['groups'] for r in g['rows']] == rows
    page = unescape(written['index.html'].decode())
    for r in rows:
        for v in r.values(): assert v in page and v in written['README.md'].decode().replace('\\', '')
    assert len(b.forms) == 2 and 'no ranking' in str(b)

def test_a_cell_that_no_form_has(filled, tmp_path):
    submit_form(filled.folder, tmp_path, 'one', times=False)
    with pytest.raises(ValueError, match="no field 'latncy', did you mean 'latency'"):
        table_of([tmp_path/'one'], 'latncy')
    assert {'index.html', 'README.md'} <= {*table_files(table_of([tmp_path/'one'], 'size'))}
