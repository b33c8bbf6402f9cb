"Reports: no number without its origin, no name that acts, one page that needs nothing else, a folder that is whole or untouched."
import base64, csv, io, json, os, re, signal, subprocess, sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
import numpy as np
import pytest
from hypothesis import given, strategies as st
from tinybench.base.files import replace_folder
from tinybench.bench.report import (MOST_FIGURES, check_out, column_note, contents, csv_report, data_url, drawn, figure_files,
                                    html_report, is_report, json_report, markdown_report, positions, report_files,
                                    whole_folder, write_report)
from tinybench.base.text import Table
from tinybench.bench.pareto import recommend
from tinybench.bench.suite import SuiteResult, columns, suite_rows
from tinybench.measure.accuracy import Score
from tinybench.measure.pairs import paired_results
from tinybench.measure.result import BenchmarkResult, load_json

ROOT = Path(__file__).resolve().parents[2]
PNG = base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'

def made(names=('base', 'other'), rounds=12, failures={}, notes=(), **kw):
    "A record of models that take 1 ms, 2 ms, … and have 90%, 80%, … right."
    rng = np.random.default_rng(0)
    alive = [k for k in names if k not in failures]
    secs = {k: (i + 1)*1e-3*rng.lognormal(0, .02, rounds) for i,k in enumerate(alive)}
    results = [*paired_results(secs).values()] if alive else []
    for i,k in enumerate(alive):
        for metric, origin in (('weights', 'modelled'), ('peak activations', 'modelled'), ('allocated peak', 'measured')):
            results.append(BenchmarkResult(k, metric, 'B', 1000*(i + 1), origin))
    scores = [Score(k, rng.random(200) < .9 - .1*i, 'toy') for i,k in enumerate(alive)]
    return SuiteResult(tuple(names), names[0], results, scores, failures, notes=notes, **kw)

class Page(HTMLParser):
    "What a browser would see: tags with their attributes, and the text between tags."
    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ['']
        self.feed(page)
        self.close()
    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.text.append('')
    def handle_endtag(self, tag): self.text.append('')
    def handle_data(self, data): self.text[-1] += data

def inside(page): return [t.strip() for t in page.text]

@pytest.fixture(scope='module')
def r(): return made(('base', 'other', 'gone'), failures=dict(gone='raised ZeroDivisionError'), notes=('a note',),
                     settings=dict(repeats=12, secs=None, min_secs=1e-3, seed=3, threads=1, processes=1, batch=1, throughput_batch=32,
                                   band=.02, level=.95))

def files(folder): return {p.name: p.read_bytes() for p in folder.iterdir()}
def names(folder): return sorted(p.name for p in folder.iterdir())


# --- what is said

def test_both_reports_say_all(r):
    advice = recommend(r, min_accuracy=.5)
    md, page = markdown_report(r, {}, advice), html_report(r, {}, advice)
    seen = ' '.join(inside(Page(page)))
    for words in ('gone', 'ZeroDivisionError', 'a note', 'by ranks', 'by Wilson', 'interval at 95%', 'in turns', 'Seed: 3', 'keep the baseline',
                  'slower', 'worse', 'accuracy on toy', 'peak activations', 'Holm', 'undecided', 'Off: one that stays is surely better'):
        assert words in md and words in seen, words
    for row in suite_rows(r):
        assert row['provenance'] in ('measured', 'modelled')
        if row['metric'] == 'latency': assert f'{row["value"]*1e3:.2f} ms \\[' in md and f'{row["value"]*1e3:.2f} ms [' in seen
    assert '±' not in md + page and '+-' not in md + page

def test_no_column_without_origin(r):
    md, page = markdown_report(r), html_report(r)
    heads = [h for h in re.findall(r'(?m)^### (.*)$', md) if h.split(' (')[0] in {str(c) for c in columns(r)}]
    assert len(heads) == len(columns(r)) == 5 and all(h.endswith(('(measured)', '(modelled)')) for h in heads)
    found = re.findall(r'<h3>([^<]*) <span class="origin">(measured|modelled|literature)</span></h3>', page)
    assert [tuple(map(str.strip, f)) for f in found] == [(str(c), c.provenance) for c in columns(r)]
    rows = list(csv.DictReader(io.StringIO(csv_report(r))))
    assert len(rows) == 10 and all(row['provenance'] in ('measured', 'modelled') and int(row['n']) > 0 for row in rows)
    assert all(row['provenance'] for row in json.loads(json_report(r))['table'])

def test_measured_and_modelled_never_share_a_table(r):
    mixed = SuiteResult(r.names[:2], 'base', [*(x for x in r.results if (x.name, x.metric) != ('other', 'latency')),
                                              BenchmarkResult('other', 'latency', 's', 1e-6, 'modelled')], r.scores)
    tables = [t for t in contents(mixed)['tables'] if t['title'] == 'latency']
    assert [(t['origin'], [row['cells'][0] for row in t['rows']]) for t in tables] == [('measured', ['base']), ('modelled', ['other'])]
    assert {row['verdict'] for t in tables for row in t['rows']} == {'baseline', 'not compared'}
    assert 'against latency' not in markdown_report(mixed)                # no frontier of two origins

def test_notes_say_what_the_interval_is():
    few = made(rounds=3)
    said = {c.metric: column_note(few, c, xs) for c,xs in columns(few).items()}
    assert 'too few values for an interval at 95%' in said['latency'] and 'no interval' in said['weights']
    assert 'one value, no interval' in said['allocated peak'] and 'Wilson' in said['accuracy']
    assert 'not compared' in html_report(few) and 'too few' in markdown_report(few)

@pytest.mark.parametrize('r', [made(('a',)), made(('a', 'b'), failures=dict(a='x')), made(('a',), failures=dict(a='x')),
                               SuiteResult(('a',), 'a')], ids=['one', 'no baseline', 'all failed', 'nothing'])
def test_little_to_say_is_said(r, tmp_path):
    write_report(r, tmp_path/'out')
    assert SuiteResult.load(tmp_path/'out') == r and is_report(tmp_path/'out', 'suite')
    text = (tmp_path/'out'/'report.md').read_text()
    assert 'nan' not in text.lower().replace('finite', '') and ('## Failed' in text) == bool(r.failures)

@given(st.lists(st.lists(st.floats(-1e6, 1e6) | st.just(float('nan')), min_size=3, max_size=3), max_size=5))
def test_positions_keep_the_order(spans):
    got = [v for p in positions(spans) for v in p]
    flat = [v for s in spans for v in s]
    assert [v != v for v in got] == [v != v for v in flat]
    real = [(a, b) for a,b in zip(flat, got) if a == a]
    assert all(5 - 1e-9 <= b <= 95 + 1e-9 for _,b in real)
    for a,b in real:
        for c,d in real: assert a > c or b <= d + 1e-9

def test_drawn_is_a_line_with_a_dot():
    svg = str(drawn((50., 20., 90.)))
    assert 'x1="20.00" x2="90.00"' in svg and 'cx="50.00"' in svg
    assert '<line' not in drawn((50., float('nan'), float('nan'))) and 'nan' not in drawn((50., float('nan'), float('nan')))


# --- names that would act

HOSTILE = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '{{ 7*7 }}', "' onmouseover='x", '</style><h1>', 'a|b', '[x](http://x)',
           '`code`', '*b* _i_', '# head', '&amp;', 'a\nb', '<!-- ', '{% raw %}', '=1+1', '![x](y)', '| - |', '\\', '~~s~~', '$x$']

@pytest.mark.parametrize('name', HOSTILE)
def test_a_hostile_name_is_only_text(name):
    r = made(('base', name, 'gone' + name), failures={'gone' + name: f'said {name}'}, notes=(f'note {name}',))
    advice = recommend(r, baseline='base', min_accuracy=.89, want='accuracy')
    page, harmless = Page(html_report(r, {name: SVG}, advice)), Page(html_report(
        made(('base', 'x', 'gonex'), failures=dict(gonex='said x'), notes=('note x',)), dict(x=SVG), recommend(
            made(('base', 'x', 'gonex'), failures=dict(gonex='x')), baseline='base', min_accuracy=.89, want='accuracy')))
    assert [t for t,_ in page.tags] == [t for t,_ in harmless.tags]        # not one tag more
    assert not any(k.startswith('on') for _,attrs in page.tags for k in attrs)
    cells, flat = [' '.join(t.split()) for t in inside(page)], ' '.join(name.split())
    assert flat in cells and f'note {flat}' in cells
    assert '49' not in ''.join(t for t in cells if name in t)

@given(st.text(min_size=1).filter(lambda s: s.strip() and s != 'base'))
def test_any_name_is_only_text(name):
    r = made(('base', name), rounds=6)
    assert [t for t,_ in Page(html_report(r)).tags] == [t for t,_ in Page(html_report(made(rounds=6))).tags]

@pytest.mark.parametrize('name', HOSTILE)
def test_markdown_shows_the_name_and_nothing_else(name):
    mistune = pytest.importorskip('mistune', reason='needs mistune')
    r = made(('base', name), notes=(f'note {name}',))
    md = mistune.create_markdown(escape=False, plugins=['table', 'strikethrough', 'math'])(markdown_report(r))
    page = Page(md)
    assert not {'script', 'img', 'a', 'h4', 'code', 'em', 'strong', 'del', 'style', 'iframe'} & {t for t,_ in page.tags}
    assert ' '.join(name.split()) in inside(page), [t for t in inside(page) if 'b' in t][:20]
    rows = sum(t == 'tr' for t,_ in page.tags)
    assert rows == sum(t == 'tr' for t,_ in Page(mistune.create_markdown(plugins=['table'])(markdown_report(made(notes=('x',))))).tags)

def test_the_page_needs_nothing_else(r):
    page = html_report(r, {'a figure': PNG, 'another': SVG})
    tags = Page(page).tags
    assert not {t for t,_ in tags} & {'script', 'link', 'iframe', 'object', 'base', 'form'}
    assert all(v.startswith('data:image/') for _,attrs in tags for k,v in attrs.items() if k in ('src', 'href'))
    assert 'url(' not in page and '@import' not in page and "default-src 'none'" in page
    assert base64.b64encode(SVG).decode() in page and 'alert(1)' not in page and base64.b64encode(PNG).decode() in page
    assert 'prefers-color-scheme: dark' in page and '@media print' in page and page.startswith('<!DOCTYPE html>') and '<html lang="en">' in page

def test_csv_gives_back_every_float_and_starts_no_formula(r):
    rows = list(csv.DictReader(io.StringIO(csv_report(r))))
    for got, want in zip(rows, suite_rows(r), strict=True):
        assert set(got) == set(want)
        assert all((got[k] == '' and want[k] != want[k]) or float(got[k]) == want[k] for k in ('value', 'lo', 'hi', 'change', 'p_holm'))
    evil = list(csv.DictReader(io.StringIO(csv_report(made(('=cmd()', 'b'))))))
    assert evil[0]['name'] == "'=cmd()" and evil[1]['name'] == 'b'


# --- figures

def test_figures_are_png_or_svg():
    assert figure_files({'a': PNG, 'b': SVG}) == {'a': 'figure_1.png', 'b': 'figure_2.svg'}
    for wrong in (b'', b'GIF89a', b'\xff\xd8\xff', b'<html><body>', PNG[:7]):
        with pytest.raises(ValueError, match='PNG or an SVG'): data_url(wrong)
    with pytest.raises(ValueError, match='13 figures: at most 12'): figure_files({str(i): PNG for i in range(MOST_FIGURES + 1)})

def test_figures_lie_beside_the_markdown_and_inside_the_page(r, tmp_path):
    write_report(r, tmp_path/'out', {'first [x](y)': PNG, 'second': SVG})
    assert set(names(tmp_path/'out')) == {'report.md', 'report.html', 'results.csv', 'results.json', 'figure_1.png', 'figure_2.svg'}
    assert (tmp_path/'out'/'figure_1.png').read_bytes() == PNG and (tmp_path/'out'/'figure_2.svg').read_bytes() == SVG
    md = (tmp_path/'out'/'report.md').read_text()
    assert '(figure_1.png)' in md and '![second](figure_2.svg)' in md

def test_figures_of_matplotlib(r):
    from tinybench.show.plot import new_axes, plot_intervals
    ax, figures = plot_intervals([x for x in r.results if x.metric == 'latency'], new_axes(shown=False)), {}
    for kind in ('png', 'svg'):
        out = io.BytesIO()
        ax.figure.savefig(out, format=kind)
        figures[kind] = out.getvalue()
    assert html_report(r, figures).count('<img src="data:image/') == 2


# --- the folder

REPORTS = dict(
    race={'report.md': '# x', 'results.csv': 'name\n', 'results.json': '{"report": "race"}', 'fitting_time.png': 'png'},
    suite={'report.md': '# x', 'report.html': '<p>', 'results.json': '{"report": "suite"}', 'figure_1.svg': '<svg>'})
REPORT = REPORTS['race']

def make(folder, contents=REPORT):
    folder.mkdir(parents=True)
    for name, text in contents.items(): (folder/name).write_text(text)
    return folder

@pytest.mark.parametrize('kind', ['race', 'suite'])
def test_whole_folder_is_new_empty_or_an_earlier_report(tmp_path, kind):
    make(tmp_path/'empty', {}), make(tmp_path/'earlier', REPORTS[kind]), make(tmp_path/'real', REPORTS[kind])
    (tmp_path/'link').symlink_to(tmp_path/'real')
    for name in ('new', 'deep/down/new', 'empty', 'earlier', 'link'):
        with whole_folder(tmp_path/name, kind) as folder:
            assert folder.parent == (tmp_path/name).resolve().parent    # a rename works within one file system only
            (folder/'results.json').write_text('{}')
        assert names(tmp_path/name) == ['results.json']
    assert (tmp_path/'link').is_symlink()
    assert names(tmp_path) == ['deep', 'earlier', 'empty', 'link', 'new', 'real']

@pytest.mark.parametrize('contents', [
    {'thesis.tex': ''}, {'report.md': ''}, {**REPORT, 'notes.txt': ''}, {**REPORT, '.hidden': ''},
    {**REPORT, 'report.html': ''}, {**REPORT, 'results.json': '{"report": "suite"}'}, {**REPORT, 'figure_1.png': ''},
    {**REPORT, 'results.json': '{"rep'}, {**REPORT, 'results.json': '["race"]'}])
def test_whole_folder_never_replaces_anything_else(tmp_path, contents):
    before = files(make(tmp_path/'mine', contents))
    with pytest.raises(FileExistsError, match='will not be replaced; it holds'):
        with whole_folder(tmp_path/'mine', 'race'): pytest.fail('too late')
    assert files(tmp_path/'mine') == before and names(tmp_path) == ['mine']

@given(st.sets(st.sampled_from(['report.md', 'report.html', 'results.csv', 'fitting_time.png', 'figure_2.png', 'x.txt'])),
       st.sampled_from(['race', 'suite', 'x', None]))
def test_is_report(tmp_path_factory, others, kind):
    marked = {'results.json': json.dumps(dict(report=kind))} if kind else {}
    folder = make(tmp_path_factory.mktemp('r')/'r', {n: '' for n in others} | marked)
    for asked in ('race', 'suite'):
        assert is_report(folder, asked) == (kind == asked and others <= report_files(asked))

@pytest.mark.parametrize('error', [KeyboardInterrupt, ValueError, SystemExit])
@pytest.mark.parametrize('name', ['earlier', 'new', 'deep/down/new'])
def test_whole_folder_leaves_all_as_it_was_on_an_error(tmp_path, error, name):
    before = files(make(tmp_path/'earlier'))
    with pytest.raises(error), whole_folder(tmp_path/name, 'race') as folder:
        (folder/'results.csv').write_text('half a')
        raise error
    assert names(tmp_path) == ['earlier'] and files(tmp_path/'earlier') == before

def test_a_file_in_the_way(tmp_path):
    (tmp_path/'file').touch()
    with pytest.raises(OSError, match='is a file'): check_out(tmp_path/'file', 'race')
    with pytest.raises(OSError, match='cannot write a folder into'):
        with whole_folder(tmp_path/'file'/'demo', 'race'): pytest.fail('too late')
    assert names(tmp_path) == ['file']

def test_replace_goes_back_where_the_new_folder_is_gone(tmp_path):
    before = files(make(tmp_path/'out'))
    with pytest.raises(FileNotFoundError): replace_folder(tmp_path/'never made', tmp_path/'out')
    assert names(tmp_path) == ['out'] and files(tmp_path/'out') == before

def test_write_report_replaces_a_suite_and_nothing_else(r, tmp_path):
    write_report(r, tmp_path/'out', {'x': PNG})
    fewer = made()
    write_report(fewer, tmp_path/'out')                                   # with fewer files: nothing old stays
    assert names(tmp_path/'out') == ['report.html', 'report.md', 'results.csv', 'results.json'] and names(tmp_path) == ['out']
    assert SuiteResult.load(tmp_path/'out') == fewer and load_json(tmp_path/'out'/'results.json') == list(fewer.results)
    (tmp_path/'steps-folder'/'steps').mkdir(parents=True)
    for there in ({'thesis.tex': ''}, REPORT):
        before = files(make(tmp_path/f'mine{len(there)}', there))
        with pytest.raises(FileExistsError, match='will not be replaced'): write_report(r, tmp_path/f'mine{len(there)}')
        assert files(tmp_path/f'mine{len(there)}') == before
    with pytest.raises(FileExistsError, match='holds steps'): write_report(r, tmp_path/'steps-folder')
    before = files(tmp_path/'out')
    with pytest.raises(ValueError, match='PNG or an SVG'): write_report(r, tmp_path/'out', {'x': b'no figure'})
    assert files(tmp_path/'out') == before

@pytest.mark.skipif(sys.platform == 'win32', reason='needs the limits of Unix')
def test_a_full_disk_keeps_the_old_report(r, tmp_path):
    write_report(made(), tmp_path/'out')
    before = files(tmp_path/'out')
    r.save(tmp_path)
    code = '''import resource, sys
from tinybench.base.files import replace_folder
from tinybench.bench.report import write_report
from tinybench.bench.suite import SuiteResult
r = SuiteResult.load(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
try: write_report(r, sys.argv[2])
except OSError as e: sys.exit(f'error: {e.strerror}')'''
    done = subprocess.run([sys.executable, '-W', 'error', '-c', code, tmp_path, tmp_path/'out'], text=True, capture_output=True,
                          env={**os.environ, 'PYTHONPATH': str(ROOT)})
    says = r'error: cannot write re\S+ in the folder \S+ \(File too large\)\n$'
    assert done.returncode == 1 and re.match(says, done.stderr), done.stderr
    assert files(tmp_path/'out') == before and names(tmp_path) == ['out', 'results.json']

def test_a_folder_that_somebody_wrote_into_meanwhile_is_kept(tmp_path):
    with pytest.raises(FileExistsError, match='will not be replaced'):
        with whole_folder(tmp_path/'out', 'suite'):
            (tmp_path/'out').mkdir()
            (tmp_path/'out'/'notes.txt').write_text('mine')
    assert (tmp_path/'out'/'notes.txt').read_text() == 'mine'

def test_more_tables_stand_in_every_report(tmp_path):
    r, t = made(), Table(('step', 'latency'), (('<b>fold</b>', '0.7 faster'),), ('Of the base.',))
    page, md = html_report(r, tables={'Alone': t}), markdown_report(r, tables={'Alone': t})
    assert 'More answers' in page and '&lt;b&gt;fold' in page and '<b>fold' not in page and '### Alone' in md and 'Of the base' in md
    assert 'More answers' not in html_report(r) + markdown_report(r)
    write_report(r, tmp_path/'out', tables={'Alone': t})
    assert 'Alone' in (tmp_path/'out'/'report.html').read_text() and is_report(tmp_path/'out', 'suite')

def test_the_report_says_which_test_was_made(r):
    from tinybench.bench.report import how_words
    assert 'a test by flipped signs' in how_words(r)[-1]
    for k in ('builds', 'processes'):
        words = how_words(replace(r, settings=dict(r.settings, **{k: 12})))
        assert f"Student's t over the {k}" in words[-1] and 'flipped signs' not in words[-1] and f'12 {"builds" if k == "builds" else "fresh processes"}' in words[0]
    both = how_words(replace(r, settings=dict(r.settings, processes=30, builds=8)))
    assert 'in each of 30 fresh processes, shared out to 8 builds' in both[0] and 'over the processes' in both[-1]

def column_notes(r): return [column_note(r, c, xs) for c, xs in columns(r).items()]

def test_the_report_says_which_interval_stands_in_brackets(r):
    notes = column_notes(r)
    assert [n.rsplit(' by ')[-1] for n in notes if 'Time of a call' in n] == ['ranks.']
    built = [replace(x, how=dict(x.how, builds=12, within=[[v] for v in x.values])) if x.metric == 'latency' else x for x in r.results]
    of_builds = column_notes(replace(r, results=built))
    assert [n for n in of_builds if n not in notes] == [
        "Time of a call on a batch of 1; measured; median, interval at 95% by Student's t over the medians of builds."]
