"A compliance report as JSON, Markdown and one page of HTML, and the record again from its JSON"
import json
from collections.abc import Mapping
from pathlib import Path
from tinybench import __version__
from tinybench.base.files import read_text, write_whole
from tinybench.base.text import escaped
from tinybench.bench.report import html_page
from tinybench.measure.result import plain
from tinybench.tasks.rules import (
    Compared, Compliance, Entry, Equivalence, Finding, Traces, compliance_tables, findings_of)
from tinybench.tasks.run import Outcome
from tinybench.tasks.task import TASKS, quality_from

SCHEMA = 1

def compliance_markdown(c:Compliance) -> str:
    "The report in Markdown."
    parts = [f'## {title}\n\n{t._repr_markdown_()}' for title, t in compliance_tables(c).items()]
    title, end = f'# Compliance of {escaped(c.org)}', f'Written by tinybench {__version__}.'
    return '\n\n'.join([title, *parts, end]) + '\n'

def compliance_html(c:Compliance) -> str:
    "The report as one page that needs no other file."
    def told(title, t): return dict(title=title, head=t.head, rows=t.rows, note=' '.join(t.words))
    tables = [told(*item) for item in compliance_tables(c).items()]
    lead = f'{c.division.capitalize()} division, {c.system["name"]}. MLPerf-Tiny-style, unofficial.'
    how = 'Accuracy: every example once. Speed: one input after the other, each in a window of its own.'
    return html_page(dict(title=f'Compliance of {c.org}', lead=lead, failures=[], advice=None, tables=[],
                          sections=[('Results', tables[:-1], 'answers')], figures=[], concerns=[], how=[how],
                          about=tables[-1:], version=__version__))

def check_dict(q:Equivalence) -> dict:
    "`q`, ready for JSON."
    compared = [dict(d._asdict(), traces=list(d.traces)) for d in q.compared]
    return dict(off=q.off, findings=[f._asdict() for f in q.findings], compared=compared)

def compliance_dict(c:Compliance) -> dict:
    "`c`, ready for JSON."
    def entry(e): return dict(
        outcome=e.outcome.to_dict(), check=e.check and check_dict(e.check), truth=list(e.truth),
        answers=list(e.answers), status=e.status(c.division))
    about = {k: plain(getattr(c, k)) for k in ('division', 'org', 'system', 'settings', 'env')}
    return plain(dict(schema=SCHEMA, report='compliance', **about, entries=[entry(e) for e in c.entries]))

def check_from_dict(d:Mapping) -> Equivalence:
    "What `check_dict` gave; ValueError if it keeps a finding back."
    compared = tuple(Compared(**{**c, 'traces': Traces(*c['traces'])}) for c in d['compared'])
    findings = tuple(Finding(**f) for f in d['findings'])
    for f in (f for c in compared for f in findings_of(c)):
        if f not in findings: raise ValueError(f'a finding about {f.path} is missing')
    return Equivalence(compared, findings, d['off'])

def entry_from_dict(d:Mapping, level:float) -> Entry:
    "An entry again; ValueError if its answers do not give its quality."
    o, check = Outcome.from_dict(d['outcome']), d['check'] and check_from_dict(d['check'])
    e = Entry(o, check or None, tuple(d['truth']), tuple(d['answers']))
    if o.quality and not o.reason and quality_from(TASKS[o.task], e.truth, e.answers, level) != o.quality:
        raise ValueError(f'{o.task}: the answers do not give the {o.quality.metric} {o.quality.words()}')
    return e

def compliance_from_dict(d:Mapping) -> Compliance:
    "The record again; ValueError for another schema, or if it does not agree with itself."
    if not isinstance(d, Mapping) or (d.get('report'), d.get('schema')) != ('compliance', SCHEMA):
        raise ValueError(f'no compliance report of schema {SCHEMA}')
    entries = [entry_from_dict(e, d['settings']['level']) for e in d['entries']]
    c = Compliance(d['division'], d['org'], d['system'], entries, d['settings'], d['env'])
    for e, kept in zip(entries, d['entries']):
        if e.status(c.division) != kept['status']: raise ValueError(
            f'{e.outcome.task} is said to be {kept["status"]!r}: its numbers say {e.status(c.division)!r}')
    compliance_markdown(c)    # so that it can be shown
    if compliance_dict(c) != d: raise ValueError('it has more, or less, than a report of tinybench')
    return c

def save_compliance(c:Compliance, folder) -> Path:
    "Writes compliance.html, compliance.md and compliance.json into `folder`; the path of the last."
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    data = json.dumps(compliance_dict(c), indent=1) + '\n'
    files = dict(html=compliance_html(c), md=compliance_markdown(c), json=data)
    return [write_whole(folder/f'compliance.{kind}', text) for kind, text in files.items()][-1]

def load_compliance(path) -> Compliance:
    "The record in `path`, a file or a folder with compliance.json; ValueError naming it for any other."
    path = Path(path).expanduser()
    path = path/'compliance.json' if path.is_dir() else path
    try: return compliance_from_dict(json.loads(read_text(path)))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as e:
        raise ValueError(f'{path}: {type(e).__name__}: {e}') from e
