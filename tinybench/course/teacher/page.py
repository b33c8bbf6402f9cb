"The page that a student reads after grading, as HTML"
from collections.abc import Iterable, Mapping
from ..cells import NotebookNode, role
from .errors import brief, clean, sentence
from .results import CheckResult, by_exercise, secrets, tells

def number(x:float) -> str: return f'{round(x, 2):g}'

def count_words(found:list[CheckResult]) -> str:
    "How many checks hold, in words."
    if len(found) == 1: return found[0].verdict
    if any(r.score is None for r in found): return 'not read yet'
    right = sum(r.verdict == 'holds' for r in found)
    return {0: 'none holds', len(found): 'all hold'}.get(right, f'{right} of {len(found)} hold')

def notebook_words(name:str, nb:NotebookNode, scores:Mapping={}, comments:Mapping={}) -> dict:
    "What the page says of a notebook: its exercises with code, points and checks."
    rows, secret = [], secrets(nb)
    for key, cell, checks in by_exercise(nb, scores):
        broken = sentence(cell.get('outputs', ())) if role(cell) == 'exercise' else ''
        rows.append(dict(
            name=key, checks=checks, words=count_words(checks), comment=clean(comments.get(key) or '', 4000),
            code='' if role(cell) == 'hidden' else clean(cell['source'], 20_000),
            broken='' if tells(broken, secret) else broken,
            score=sum(r.score or 0 for r in checks), most=sum(r.points for r in checks)))
    score, most = (sum(row[k] for row in rows) for k in ('score', 'most'))
    return dict(name=name, score=score, most=most, exercises=rows, lost='')

STYLE = '''
:root { color-scheme: light dark; --ink: light-dark(#1c2024, #e6e8ea); --soft: light-dark(#5c6268, #9aa1a8);
  --line: light-dark(#d9dce0, #373c42); --mark: light-dark(#0072b2, #63b8ea);
  --back: light-dark(#fff, #16181b); --card: light-dark(#f6f7f8, #1e2125);
  --good: light-dark(#00614a, #4fc79f); --bad: light-dark(#a23b00, #f0a070) }
body { margin: 0 auto; max-width: 46rem; padding: 1.25rem 1rem 4rem; background: var(--back);
  color: var(--ink); font: 17px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 }
h2, h3 { display: flex; justify-content: space-between; gap: 1rem; font-size: 1.1rem; margin: 2rem 0 .25rem }
h2 { border-bottom: 1px solid var(--line) }
p { margin: .35rem 0 } .total { font-size: 1.25rem; margin: .25rem 0 1rem } .verdict { font-weight: 600 }
span, .soft, footer, summary, th { color: var(--soft) } span { font-weight: 400 }
.soft, footer, th { font-size: .875rem } footer { margin-top: 3rem }
table { border-collapse: collapse; width: 100% } th { text-align: left } .n { text-align: right }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
tr.head td { padding-top: 1rem; font-weight: 600 } td a { color: inherit } .n, span { white-space: nowrap }
pre { margin: .35rem 0; padding: .6rem .75rem; background: var(--card); border-radius: 4px; overflow-x: auto;
  font: 13.5px/1.45 ui-monospace, monospace; overflow-wrap: normal }
pre.wrap, .note { white-space: pre-wrap; overflow-wrap: anywhere }
.check { border-left: 3px solid var(--line); padding: .1rem 0 .1rem .8rem; margin: .9rem 0 }
.check.good { border-color: var(--good) } .good > .verdict, td.good { color: var(--good) }
.check.bad { border-color: var(--bad) } .bad > .verdict, td.bad { color: var(--bad) }
.box { background: var(--card); border-left: 3px solid var(--mark); padding: .5rem 1rem; margin: 1rem 0 }
ul.box { padding-left: 2rem }
@media print { :root { color-scheme: light } body { max-width: none; padding: 0; font-size: 10pt }
  .check, tr { break-inside: avoid } h2, h3 { break-after: avoid } }
'''

PAGE = '''<!DOCTYPE html>
{%- macro earned(x) %}{{ x.score|number }} of {{ x.most|number }}{% endmacro %}
{%- macro box(notes) %}
{%- if notes %}
<ul class="box">{% for x in notes[:50] %}<li>{{ x|brief(400) }}</li>{% endfor %}</ul>
{%- endif %}
{%- endmacro %}
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ title|brief }}: {{ student|brief }}</title>
<style>{{ style|safe }}</style>
<h1>{{ title|brief }}</h1>
<p class="soft">{{ student|brief }}</p>
{%- if notebooks %}<p class="total"><b>{{ score|number }}</b> of {{ most|number }} points</p>{% endif %}
{{- box(notes) }}
<table>
<tr><th>exercise</th><th class="n">points</th><th>checks</th></tr>
{%- for b in notebooks %}
{%- if notebooks|length > 1 or b.lost %}
<tr class="head"><td>{{ b.name }}</td><td class="n">{{ earned(b) }}</td>
<td>{{ 'not graded' if b.lost }}</td></tr>
{%- endif %}
{%- for e in b.exercises %}
<tr><td><a href="#{{ b.name }}-{{ e.name }}">{{ e.name }}</a></td><td class="n">{{ earned(e) }}</td>
<td class="{{ 'good' if e.score >= e.most else 'bad' }}">{{ e.words }}</td></tr>
{%- endfor %}
{%- endfor %}
</table>
{%- for b in notebooks %}
<h2>{{ b.name }} <span>{{ earned(b) }}</span></h2>
{%- if b.lost %}<p>{{ b.lost|brief }}</p>{% endif %}
{{- box(b.notes) }}
{%- for e in b.exercises %}
<section id="{{ b.name }}-{{ e.name }}">
<h3>{{ e.name }} <span>{{ earned(e) }}</span></h3>
{%- if e.broken %}<p>Your cell did not run. {{ e.broken }}</p>{% endif %}
{%- if e.comment %}<div class="box note">{{ e.comment }}</div>{% endif %}
{%- if e.code %}
<details{{ ' open' if e.score < e.most }}><summary>Your code</summary><pre>{{ e.code }}</pre></details>
{%- endif %}
{%- for r in e.checks %}
<div class="check {{ 'good' if r.verdict == 'holds' else '' if r.score is none else 'bad' }}">
<p class="verdict">{{ 'Hidden check' if r.hidden else 'Check' }}: {{ r.verdict }}
<span>{{ '–' if r.score is none else r.score|number }} of {{ r.points|number }}</span></p>
{%- for text in (r.about, r.message) if text %}<p>{{ text }}</p>{% endfor %}
{%- if r.line %}<pre>{{ r.line }}</pre>{% endif %}
{%- if r.own %}<p class="soft">in your line</p><pre>{{ r.own }}</pre>{% endif %}
{%- for what, value in (('expected', r.expected), ('got', r.got)) if value %}
<p class="soft">{{ what }}</p><pre class="wrap">{{ value }}</pre>
{%- endfor %}
</div>
{%- endfor %}
</section>
{%- endfor %}
{%- endfor %}
<footer>A hidden check is described, not shown: it asks the same of inputs you have not seen.</footer>
'''

def feedback_page(title:str, student:str, notebooks:list, notes:Iterable[str]=(), penalty:float=0) -> str:
    "One page of HTML that needs nothing else; `notebooks` as `notebook_words` makes them."
    from jinja2 import Environment
    env = Environment(autoescape=True, trim_blocks=True)
    env.filters |= dict(number=number, brief=brief)
    score, most = (sum(b[k] for b in notebooks) for k in ('score', 'most'))
    return env.from_string(PAGE).render(title=title, student=student, notebooks=notebooks, notes=[*notes],
                                        style=STYLE, most=most, score=max(0, score - penalty))
