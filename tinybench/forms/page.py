"A form as Markdown, as a page of HTML, as CSV and as JSON, and the folder that has them all"
import csv, io
from collections.abc import Callable, Mapping

from ..base.text import escaped, markdown
from ..bench.report import STYLE, positions
from .cell import Cell
from .form import Form, grouped, lead

HEAD = 'field', 'title', 'unit', 'value', 'lo', 'hi', 'n', 'provenance', 'source'
READ = ('Measured: taken here, in the way that stands beside it. Modelled: computed, from the source beside '
        'it. Literature: as the source beside it says. n/a: not known here, and what it would need. An '
        'interval in brackets holds the median over fresh processes, or the share, at 95%. Readings of one '
        'process depend on each other: their median has none.')

HOW = 'how, or what it would need'

def title(f:Form) -> str: return f'{f.model["name"]} on {f.device}'

def facts(f:Form) -> list[list[str]]:
    "What the form is about, and how it was filled, as pairs of words."
    def words(d): return ', '.join(f'{k} {v}' for k, v in d.items() if v is not None and k != 'sha256')
    rows = dict(model=words(f.model), task=f.task or 'none', examples=words(f.data))
    rows['settings'] = words(f.settings)
    rows['file, SHA-256'] = f.model['sha256'][:16]
    rows |= {k: str(v) for k, v in f.platform.items()} | dict(tinybench=f.version)
    return [[k, v] for k, v in rows.items() if v]

def markdown_page(f:Form) -> str:
    "The form as Markdown."
    parts = [f'# {escaped(title(f))}', escaped(lead(f)), escaped(READ)]
    for group, cells in grouped(f).items():
        rows = [(c.field.title, c.words(), c.provenance, c.source) for c in cells]
        parts += [f'## {group}', markdown([('what', 'value', 'provenance', HOW), *rows])]
    if f.references: parts += ['## References', '\n'.join(f'- {escaped(x)}' for x in f.references)]
    parts += ['## About', markdown([('what', 'which'), *facts(f)])]
    return '\n\n'.join(parts) + '\n'

def csv_cell(v) -> str:
    "`v` for a spreadsheet: empty if not known, and nothing that it would take for a formula."
    if not isinstance(v, str): return '' if v is None else repr(v)
    return f"'{v}" if v.startswith(('=', '+', '-', '@')) else v

def csv_page(f:Form) -> str:
    "A row for each cell; numbers as in the JSON."
    out = io.StringIO(newline='')
    w = csv.writer(out)
    w.writerow(HEAD)
    for c in f.cells:
        w.writerow(map(csv_cell, (c.field.name, c.field.title, c.field.unit, c.value, c.lo, c.hi, len(c.raw),
                                  c.provenance, c.source)))
    return out.getvalue()

OWN = '''
header { margin-bottom: 1.5rem } .form { table-layout: fixed }
.form th:nth-child(1) { width: 24% } .form th:nth-child(2) { width: 21% } .form th:nth-child(3) { width: 12% }
.form td { white-space: normal; vertical-align: top } .value { font-weight: 600 }
.value small { font-weight: 400; color: var(--soft); white-space: nowrap }
.how { color: var(--soft); font-size: .8125rem } .na td { color: var(--soft) } .na .value { font-weight: 400 }
.form svg { display: block; width: 100%; height: .6rem }
.form circle { fill: var(--mark); fill-opacity: .55 }
.form .origin { white-space: nowrap } .origin.modelled { border-style: dashed }
.origin.literature { border-style: dotted }
.board { table-layout: fixed; min-width: 0 } .board td { white-space: normal; overflow-wrap: anywhere }
.board th:nth-child(2) { width: 8% } .board th:nth-child(3) { width: 19% }
.board th:nth-child(7) { width: 20% }
@media (max-width: 40rem) {
  .board tr:first-child { display: none } .board tr { display: block; padding: .5rem 0 }
  .board td { display: flex; border: 0; padding: .1rem 0 } .board td:empty { display: none }
  .board td::before { content: attr(data-what); flex: 0 0 6.5rem; color: var(--soft); font-size: .8125rem }
  .form thead, .about tr:first-child { display: none }
  .form, .form tbody, .form tr, .form td { display: block; width: 100% }
  .form tr { padding: .5rem 0; border-bottom: 1px solid var(--line); display: grid;
    grid-template-columns: 1fr auto; column-gap: .75rem } .form td { border: 0; padding: .1rem 0 }
  .form .value { text-align: right } .form .kind { grid-row: 2; grid-column: 2; text-align: right }
  .form td:first-child { min-width: 8rem } .value small { white-space: normal }
  .form .how { grid-row: 2; grid-column: 1 }
  .form .na .how { grid-column: 1 / 3 } .form .na .kind { display: none }
  .about td { display: block; border: 0; padding: 0 } .about tr { display: block; padding: .3rem 0;
    border-bottom: 1px solid var(--line) } .about td:first-child { color: var(--soft); font-size: .8125rem } }
@media print { .form tr { break-inside: avoid } .how { font-size: 7.5pt } .origin { border: 0 } }
'''

PAGE = '''<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ title }}</title><style>{{ style|safe }}</style></head><body>
<header><h1>{{ title }}</h1><p class="lead">{{ lead }}</p><p class="note">{{ read }}</p></header>
{% for group, rows in groups %}<section><h2>{{ group }}</h2>
<table class="form"><thead><tr><th scope="col">what</th><th scope="col">value</th>
<th scope="col">provenance</th><th scope="col">how, or what it would need</th></tr></thead><tbody>
{% for r in rows %}<tr class="{{ '' if r.provenance else 'na' }}"><td>{{ r.title }}</td>
<td class="value">{{ r.value }}{% if r.span %} <small>{{ r.span }}</small>{% endif %}
{% if r.dots %}<svg viewBox="0 0 100 6" preserveAspectRatio="xMidYMid meet" role="img"
 aria-label="each value that was taken">{% for x in r.dots %}<circle cx="{{ x }}" cy="3" r="2"/>{% endfor %}
</svg>{% endif %}</td><td class="kind">{% if r.provenance %}
<span class="origin {{ r.provenance }}">{{ r.provenance }}</span>{% endif %}</td>
<td class="how">{{ r.source }}</td></tr>
{% endfor %}</tbody></table></section>{% endfor %}
{% if references %}<h2>References</h2><ul>{% for x in references %}<li>{{ x }}</li>{% endfor %}</ul>
{% endif %}
<h2>About</h2><table class="about"><tr><th>what</th><th>which</th></tr>
{% for k, v in facts %}<tr><td>{{ k }}</td><td>{{ v }}</td></tr>{% endfor %}</table>
<footer>Written by tinybench {{ version }}.</footer></body></html>
'''

def row_of(c:Cell) -> dict:
    "A cell as the page shows it."
    value, _, span = c.words().partition(' [')
    many = c.field.rule in ('times', 'median') and len({*c.raw}) > 2
    dots = [f'{x:.1f}' for (x,) in positions([(v,) for v in c.raw])] if many else []
    return dict(title=c.field.title, value=value, span=f'[{span}' if span else '', provenance=c.provenance,
                source=c.source, dots=dots)

def html_of(template:str, d:Mapping) -> str:
    "A page of HTML that needs no other file; everything in `d` is escaped."
    from jinja2 import Environment, StrictUndefined
    env = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return env.from_string(template).render(d, style=STYLE + OWN)

def html_page(f:Form) -> str:
    "The form as one page of HTML."
    groups = [(g, list(map(row_of, cells))) for g, cells in grouped(f).items()]
    return html_of(PAGE, dict(title=title(f), lead=lead(f), read=READ, groups=groups, facts=facts(f),
                              references=f.references, version=f.version))

FORMATS: dict[str, Callable[[Form], str]] = dict(
    json=Form.to_json, md=markdown_page, html=html_page, csv=csv_page)
def pages_of(f:Form, formats=tuple(FORMATS)) -> dict[str, str]:
    "By name of a file the form in each of `formats`."
    return {f'form.{k}': FORMATS[k](f) for k in formats}
