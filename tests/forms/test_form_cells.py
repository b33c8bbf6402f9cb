"Every cell says where it comes from or what it would need, and all formats of a form say the same."
import csv, io, json, math, pickle, re
from html import unescape

import numpy as np
import pytest
from hypothesis import given, strategies as st
from tinybench.forms.cell import Cell, cell_from, filled as fill, misfits, summary, unknown
from tinybench.forms.fields import BOARD, BOUNDS, EDGE, ORIGINS, RULES, fields_of
from tinybench.forms.form import read_form
from tinybench.forms.page import FORMATS, csv_cell, csv_page, html_page, markdown_page, pages_of

KNOWN = {f.name: f for f in EDGE}
ASKED = '''parameters size accuracy error latency preprocessing inference postprocessing throughput memory deployment
           startup load_cpu load_gpu clock energy temperature bandwidth flops peak'''.split()

def test_the_form_asks_what_the_documents_asked(filled):
    assert {*ASKED} <= {c.field.name for c in filled.form.cells}
    units = {f.name: f.unit for f in EDGE}
    said = {k: units[k] for k in ('size', 'accuracy', 'error', 'energy', 'temperature', 'clock')}
    assert said == dict(size='MB', accuracy='%', error='%', energy='mWh', temperature='°C', clock='MHz')
    assert {f.name: f.unit for f in BOARD}.items() >= dict(ram='KB', flash='KB', instructions='').items()

def test_every_cell_has_a_provenance_or_says_what_it_would_need(filled):
    for c in filled.form.cells:
        assert c.source
        if c.known: assert c.provenance in c.field.origins and {*c.field.origins} <= {*ORIGINS} and math.isfinite(c.value)
        else: assert not c.provenance and re.search('; with |; it follows', c.source), c.source
    known = [c.field.name for c in filled.form.cells if c.known]
    assert {'parameters', 'accuracy', 'latency', 'deployment', 'throughput', 'load_cpu', 'peak'} <= {*known}

def test_the_fields_are_of_known_rules_and_named_once():
    for fields in (EDGE, BOARD):
        assert {f.rule for f in fields} <= {*RULES} and len({f.name for f in fields}) == len(fields)
    with pytest.raises(ValueError, match='no device'): fields_of('toaster')

def test_json_and_back(filled):
    again = read_form(filled.form.to_json())
    assert again.to_dict() == filled.form.to_dict()
    assert pickle.loads(pickle.dumps(again)).to_dict() == again.to_dict()
    assert read_form(again.to_json()).to_json() == filled.form.to_json()

def test_the_formats_agree(filled):
    f = filled.form
    rows = {r['field']: r for r in csv.DictReader(io.StringIO(csv_page(f)))}
    html, md = unescape(re.sub('<[^>]*>', ' ', html_page(f))), markdown_page(f).replace('\\', '')
    for c, d in zip(f.cells, json.loads(f.to_json())['cells']):
        r = rows[c.field.name]
        for k in ('value', 'lo', 'hi'): assert (float(r[k]) if r[k] else None) == d[k] == getattr(c, k)
        assert (r['provenance'], r['unit'], r['source'], int(r['n'])) == (
            c.provenance, c.field.unit, c.source, len(d['raw']))
        value = c.words().split(' [')[0]
        for text in (html, md): assert c.field.title in text and value in text and c.source in ' '.join(text.split())
        assert value in str(f)
    assert len(rows) == len(f.cells)

def test_a_page_needs_no_other_file_and_runs_nothing(filled):
    html = html_page(filled.form)
    assert not re.search(r'<script|src=|href=|url\(|@import', html) and "default-src 'none'" in html
    assert {*pages_of(filled.form)} == {f'form.{k}' for k in FORMATS} == {'form.json', 'form.md', 'form.html', 'form.csv'}

def test_nothing_in_a_form_becomes_markup_or_a_formula(filled):
    from dataclasses import replace
    bad = '=1+1<script>alert(1)</script>|x'
    f = replace(filled.form, references=(bad,), model=dict(filled.form.model, name=bad))
    assert '<script>' not in html_page(f) and '<script>' not in markdown_page(f)
    assert [csv_cell(v) for v in (bad, '-1', None, -1.5, 'a')] == [f"'{bad}", "'-1", '', '-1.5', 'a']

finite = st.floats(1e-9, 1e9)

@given(st.lists(finite, min_size=1, max_size=30), st.sampled_from([
    f for f in EDGE if f.rule in ('times', 'median') and f.name not in BOUNDS]))
def test_a_value_is_the_median_of_what_was_taken(raw, f):
    c = fill(f, raw, 'here')
    assert math.isclose(c.value, float(np.median(raw))/f.by)
    assert (c.lo is None) == (len(raw) < 6 or f.rule == 'median')      # readings of one process are not independent
    if c.lo is not None: assert c.lo <= c.value*(1 + 1e-12) and c.value <= c.hi*(1 + 1e-12)
    d = json.loads(json.dumps(c.to_dict()))
    again = cell_from(d, KNOWN)
    assert again.to_dict() == c.to_dict() and not misfits(again, d)

@given(st.integers(0, 500), st.integers(1, 500))
def test_accuracy_and_error_leave_nothing(right, n):
    right = min(right, n)
    a, e = (summary(KNOWN[k], (v, n)) for k, v in (('accuracy', right), ('error', n - right)))
    assert math.isclose(a[0] + e[0], 100) and math.isclose(a[1] + e[2], 100, abs_tol=1e-9)
    assert 0 <= a[1] <= a[0] <= a[2] <= 100*(1 + 1e-12)

@given(st.lists(finite, min_size=6, max_size=12), st.floats(1.001, 10))
def test_a_changed_value_no_longer_fits(raw, by):
    d = fill(KNOWN['latency'], raw, 'here').to_dict()
    for k in ('value', 'lo', 'hi'):
        bad = dict(d, **{k: d[k]*by})
        assert any(k in why for why in misfits(cell_from(bad, KNOWN), bad))

def test_a_cell_without_a_number_is_no_number():
    c = unknown(KNOWN['energy'], 'no counter', 'with RAPL')
    assert (c.known, c.words(), str(c)) == (False, 'n/a', 'energy of an answer: n/a; no counter; with RAPL')
    d = c.to_dict() | dict(provenance='measured')
    assert misfits(cell_from(d, KNOWN), d) == ['there is no number, and yet something of one']
    assert isinstance(pickle.loads(pickle.dumps(c)), Cell)
