"The table of forms: model, task, accuracy, latency, size, platform, references; and what may be ranked"
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..base.files import read_text, write_whole
from ..base.names import lookup
from ..base.text import Shown, Table, escaped, markdown
from .entries import entries
from .form import Form, read_form
from .page import html_of

COLUMNS = 'model', 'task', 'accuracy', 'latency', 'size', 'platform', 'references'
RANKED = ('In groups of one task, one set of examples, one device, runtime, platform and provenance; within '
          'a group by {by}, the best first. Rows of two groups are no ranking.')
MORE = 'accuracy', 'auc', 'throughput', 'peak', 'bandwidth'          # is better
MACHINE = 'board', 'cpu', 'cores', 'cpus', 'platform'                # what makes a platform

class Mixed(ValueError): "Forms that no ranking may hold side by side, and why."

def platform_of(f:Form) -> str:
    "The platform in words."
    p = f.platform
    if 'board' in p: return f'{p["board"]}, {p.get("chip", "")}'
    return f'{p.get("cpu", "unknown")}, {p.get("cpus", "?")} CPUs'

def has(f:Form, by:str) -> bool: return by in f and f[by].known

def kind_of(f:Form, by:str) -> dict:
    "What two forms have to share to be ranked by a cell."
    return dict(task=f.task or 'no task', examples=str(f.data.get('sha256', '')), device=f.device,
                runtime=f.model['runtime'], platform=str([f.platform.get(k) for k in MACHINE]),
                provenance=f[by].provenance if has(f, by) else 'n/a')

def ranked(forms:Mapping[str, Form], by:str) -> list[str]:
    "Names by a cell, the best first, those without it left out; Mixed if they are not of one kind."
    some = {k: f for k, f in forms.items() if has(f, by)}
    kinds = [kind_of(f, by) for f in some.values()]
    for k in kinds[:1] and kinds[0]:
        if len({d[k] for d in kinds}) > 1: raise Mixed(f'no ranking by {by}: these forms are not of one {k}')
    return sorted(some, key=lambda k: (-some[k][by].value if by in MORE else some[k][by].value, k))

def grouped_by(forms:Mapping[str, Form], by:str) -> list[dict]:
    "The forms in groups, each of which can be ranked by a cell."
    found = {}
    for k, f in forms.items(): found.setdefault(tuple(kind_of(f, by).values()), {})[k] = f
    return [found[k] for k in sorted(found)]

def row_of(f:Form) -> tuple:
    "A form as a row; each number with its provenance."
    def said(k): return f'{f[k].words()} ({f[k].provenance})' if has(f, k) else 'n/a'
    quality = f'AUC {said("auc")}' if has(f, 'auc') else said('accuracy')
    model = f'{f.model["name"]}, {f.model["runtime"]}'
    size = f'{said("flash")} of flash' if has(f, 'flash') else said('size')
    return model, f.task, quality, said('latency'), size, platform_of(f), '; '.join(f.references)

@dataclass(frozen=True, repr=False)
class FormTable(Shown):
    "All forms of a table, in groups that can be ranked. Frozen."
    forms: Mapping
    by: str = 'latency'
    def groups(self) -> list[tuple]:
        "(title, rows) of each group, the best row first, those without the number last."
        return [titled(some, self.by) for some in grouped_by(self.forms, self.by)]
    def table(self) -> Table:
        rows = [r for _, rows in self.groups() for r in rows]
        return Table(COLUMNS, tuple(rows), (RANKED.format(by=self.by),), left=None)
    def to_dict(self) -> dict:
        rows = [dict(title=t, rows=[dict(zip(COLUMNS, r)) for r in rows]) for t, rows in self.groups()]
        return dict(table='forms', schema=1, by=self.by, version=__version__, groups=rows)

def titled(some:Mapping[str, Form], by:str) -> tuple:
    "The title and the rows of a group."
    first = ranked(some, by)
    f, order = next(iter(some.values())), [*first, *(k for k in some if k not in first)]
    origin = kind_of(f, by)['provenance']
    title = f'{f.task or "no task"} on {platform_of(f)}, {f.model["runtime"]}; {by} {origin}'
    return title, [row_of(some[k]) for k in order]

PAGE = '''<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>tinybench forms</title><style>{{ style|safe }}</style></head><body>
<header><h1>tinybench forms</h1><p class="lead">{{ n }} forms in {{ groups|length }} groups.</p>
<p class="note">{{ note }}</p></header>
{% for title, rows in groups %}<section><h3>{{ title }}</h3><div class="scroll"><table class="board">
<tr>{% for h in head %}<th scope="col">{{ h }}</th>{% endfor %}</tr>
{% for row in rows %}<tr>{% for cell in row %}<td data-what="{{ head[loop.index0] }}">{{ cell }}</td>
{% endfor %}</tr>{% endfor %}
</table></div></section>{% endfor %}
<footer>Written by tinybench {{ version }}.</footer></body></html>
'''

def table_of(folders:Iterable[Path], by:str='latency') -> FormTable:
    "The table of the forms in `folders`; ValueError for a cell that no form has."
    forms = {p.name: read_form(read_text(p/'form.json')) for p in folders}
    lookup('field', by, {c.field.name: c for f in forms.values() for c in f.cells})
    return FormTable(forms, by)

def table_files(b:FormTable) -> dict[str, str]:
    "By name of a file the table as Markdown, HTML, CSV and JSON."
    groups, note = b.groups(), RANKED.format(by=b.by)
    parts = [f'### {escaped(title)}\n\n{markdown([COLUMNS, *rows])}' for title, rows in groups]
    said = dict(groups=groups, n=len(b.forms), note=note, head=COLUMNS, version=__version__)
    return {'README.md': '\n\n'.join(['# Forms', escaped(note), *parts]) + '\n',
            'index.html': html_of(PAGE, said), 'table.csv': b.table().to_csv(),
            'table.json': json.dumps(b.to_dict(), indent=1, allow_nan=False) + '\n'}

def draw_table(root:Path, by:str='latency') -> FormTable:
    "Draws the table of the forms below `root` into it, each file whole, from the files alone."
    b = table_of(entries(root), by)
    for name, text in table_files(b).items(): write_whole(root/name, text)
    return b
