"""What a student reads after grading: which check, what was expected, what came; and grades as CSV"""


import ast, builtins, csv, io, json, os, re, shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.api import Assignment, BaseCell, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.converters.generate_feedback import CSSHTMLHeaderPreprocessor, GetGrades
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import determine_grade
from .cells import (HIDDEN, Course, CourseError, closest, exercises, grading, points,
                                    read_notebook, role, stem)


ESCAPES = re.compile(r'\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?')
CONTROLS = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]')

def plain(text, most:int=2000) -> str:
    "`text` without escape sequences and control characters, and without its middle if longer than `most`."
    text = str(text)
    if len(text) > 20*most: text = text[:10*most] + text[-10*most:]
    text = CONTROLS.sub('', ESCAPES.sub('', text.replace('\r\n', '\n')))
    return text if len(text) <= most else f'{text[:most//2]} … {text[-(most//4):]}'

def one_line(text, most:int=240) -> str:
    "The same, on one line."
    return ' '.join(plain(text, 4*most).split())[:most]


def halves(text:str) -> tuple[str, str]|None:
    "Two values printed one below the other, taken apart; None where it is not plain where the first ends."
    lines = text.split('\n')
    if len(lines) > 400: return None
    both = [('\n'.join(lines[:i]), '\n'.join(lines[i:])) for i in range(1, len(lines))]
    whole = [p for p in both if all(x.count(a) == x.count(b) for x in p for a,b in ('()', '[]', '{}'))]
    if len(whole) == 1: return whole[0]
    return both[len(both)//2] if len(both) % 2 else None


FASTCORE = re.compile(r'\A([!=<>]=|[\w ]{1,20}):\n(.+)\Z', re.S)
NUMPY = re.compile(r'\n *(?:ACTUAL|x): (.*?)\n *(?:DESIRED|y): (.*)\Z', re.S)

def compared(message:str) -> tuple[str, str, str]|None:
    "Kind, what came and what was expected, of a failed fastcore or numpy test; None for another message."
    if found := NUMPY.search(message):
        return 'close' if 'tolerance' in message or 'almost' in message else '==', *found.groups()
    found = FASTCORE.match(message)
    pair = found and halves(found[2])
    return (found[1], *pair) if pair else None


SAID = {
    'NotImplementedError': 'Not written yet.',
    'CellTimeoutError': 'It took too long and was stopped.',
    'TimeoutError': 'It took too long and was stopped.',
    'KeyboardInterrupt': 'It was interrupted.',
    'DeadKernelError': 'The program that ran it died.',
    'MemoryError': 'It wanted more memory than there is.',
    'RecursionError': 'It calls itself without end.',
    'ProcessEnded': 'It ended the process that it ran in.',
    'NotHeld': 'It did not get to its end.',
    'NotRun': 'It was not run: the time for the whole submission was used up.',
    'StdinNotImplementedError': 'It asks for input, and nobody answers while it is graded.',
}
KINDS = {'==': 'should be equal', 'close': 'should be close', '!=': 'should differ'}

def error_words(name:str, value:str) -> str:
    "An exception, by the name of its type and its message, as a sentence."
    value = plain(value, 8000)
    if name == 'ProcessEnded' and value: return f'It ended the process that it ran in: {one_line(value)}.'
    if name != 'AssertionError':
        value = re.sub(r' \((?:<?[\w.-]+>?), line (\d+)\)$', r' in line \1', value)
        return SAID.get(name) or one_line(f'{name}: {value}'.rstrip(': '))
    if two := compared(value):
        kind, got, expected = map(one_line, two)
        values = f': {got} came, and {expected} was expected' if len(two[1] + two[2]) < 120 else ''
        return f'Two values {KINDS.get(kind, "do not fit")}{values}.'
    found = re.match(r'Expected (\w+) but none raised', value)
    if found: return f'{found[1]} should be raised, and is not.'
    return one_line(value) or 'An assertion does not hold.'

def failure(outputs:Iterable[Mapping]) -> Mapping|None:
    "The last error among the outputs of a cell."
    return next((o for o in reversed([*outputs]) if o['output_type'] == 'error'), None)

def sentence(outputs:Iterable[Mapping]) -> str:
    "The last error among the outputs of a cell, in one line for people; '' where there is none."
    error = failure(outputs)
    return error_words(error['ename'], error['evalue']) if error else ''


CHAINED = re.compile(r'(?m)^(?:During handling of|The above exception).*$')
FRAME = re.compile(r'(?m)^-+> ?(\d+) (.*)$|^ +File "[^"\n]+", line (\d+).*\n    (.*)$')

def frames(error:Mapping) -> list[tuple[int, str]]:
    "Number and text of the lines in an error's traceback, innermost last; of a chain, of its end."
    text = CHAINED.split(plain('\n'.join(error['traceback']), 200_000))[-1]
    return [(int(m[1] or m[3]), (m[2] or m[4] or '').strip()) for m in FRAME.finditer(text)]

def place(error:Mapping, source:str, cut:int=280) -> tuple[int, int]:
    """How far in, from 1, a traceback was last in a line of `source`, and that line; or (0, 0). Long lines
    are compared by their first `cut` characters: the grader keeps 300 of a line."""
    lines = [line.strip()[:cut] for line in source.split('\n')]
    found = [(i, n) for i,(n, text) in enumerate(frames(error), 1) if text and lines[n-1:n] == [text[:cut]]]
    return found[-1] if found else (0, 0)


def statement(source:str, n:int) -> tuple[str, ast.stmt|None]:
    "The smallest statement of `source` that line `n` is in, text and tree; else the bare line."
    line = source.split('\n')[n-1].strip() if n else ''
    try: nodes = [s for s in ast.walk(ast.parse(source)) if isinstance(s, ast.stmt)]
    except (SyntaxError, ValueError, RecursionError): return line, None
    nodes = [s for s in nodes if s.lineno <= n <= s.end_lineno]
    simple = [s for s in nodes if not hasattr(s, 'body')]
    # `with expect_fail(...): f()` fails as a whole
    if len(simple) != 1 or any(isinstance(s, ast.With) and s.lineno == n for s in nodes): return line, None
    return ast.get_source_segment(source, simple[0]), simple[0]

def asked(tree:ast.stmt|None) -> str:
    "The right side of `assert left == right`, where it is a plain value; else ''."
    match tree:
        case ast.Assert(test=ast.Compare(ops=[ast.Eq()], comparators=[right])):
            with suppress(ValueError, TypeError):
                ast.literal_eval(right)
                return ast.unparse(right)
    return ''


def about(cell:Mapping, exercise:str='') -> str:
    "What the comment at the head of a hidden check says it is about."
    text = cell['source'].partition(HIDDEN)[2] or cell['source']
    text = re.sub(r'(?m)^[ \t]*#(?:\||##).*$', '', text).lstrip()    # without directives and markers
    head = re.match(r'(?:[ \t]*#.*\n?)*', text)[0]
    said = one_line(re.sub(r'(?m)^[\s#]+', '', head), 300)
    if not said: return f'A property of {exercise or stem(cell)} on inputs you have not seen.'
    if said.partition(' ')[0].isalpha(): said = said[0].upper() + said[1:]
    return said if said.endswith(('.', '!', '?')) else f'{said}.'


HIDDEN_KINDS = {r'==:\n': 'A value is not what it should be.', r'close:\n': 'A value is not close enough.',
                r'Expected \w+ but none raised': 'An error should be raised, and is not.'}

def hidden_words(name:str, value:str) -> str:
    "What kind of failure of a hidden check it is; nothing of the message `value` is in the words."
    if name in SAID: return SAID[name]
    if name == 'AssertionError':
        kinds = (said for start, said in HIDDEN_KINDS.items() if re.match(start, value))
        return next(kinds, 'Something that should hold does not.')
    kind = getattr(builtins, name, None)
    known = isinstance(kind, type) and issubclass(kind, BaseException)
    return f'{name if known else "An error"} was raised where it uses your code.'


def windows(text:str, width:int=20) -> Iterator[str]:
    "Each piece of `text`, `width` characters long, without blanks, quotes and backslashes."
    text = re.sub(r'[\s\\\'"]+', '', text)
    return (text[i:i+width] for i in range(len(text) - width + 1))

def secrets(nb:NotebookNode) -> set[str]:
    "Pieces of the code in the hidden checks of a notebook, each of which would give something away."
    hidden = [c for c in nb.cells if role(c) == 'hidden']
    shown = [c.source for c in nb.cells if role(c) != 'hidden'] + [about(c) for c in hidden] + [HIDDEN]
    secret = {w for c in hidden for line in c.source.split('\n') for w in windows(line)}
    return secret.difference(*map(windows, shown))

def tells(text:str, secret:set[str]) -> bool:
    "Whether `text` has a piece of a hidden check in it."
    return not secret.isdisjoint(windows(text))


@dataclass(frozen=True)
class CheckResult:
    "How a check came out. Of one that is shown also its line, and the student's `own` line that raised."
    exercise:str
    check:str
    hidden:bool
    points:float
    score:float|None    # None: a person has yet to read it
    message:str = ''
    expected:str = ''
    got:str = ''
    about:str = ''
    line:str = ''
    own:str = ''

    @property
    def verdict(self) -> str:
        if self.score is None: return 'not read yet'
        if self.score >= self.points: return 'holds'
        return 'holds in part' if self.score > 0 else 'does not hold'

    def __repr__(self):
        score = '' if self.score is None else f', {self.score:g} of {self.points:g}'
        return ' '.join(filter(None, (f'{self.check}: {self.verdict}{score}.', self.message, self.about)))


def score_of(cell:Mapping, scores:Mapping) -> float|None:
    "What `scores` says, by grade_id, of a graded cell; or else its outputs, by nbgrader's own rule."
    meta = grading(cell)
    if meta.get('grade_id') in scores: return scores[meta['grade_id']]
    if meta.get('task'): return None
    try: return determine_grade(cell)[0]
    except (ValueError, KeyError): return 0.    # a last value that is no score


def own_line(error:Mapping, check:Mapping, mine:Iterable[Mapping]) -> tuple[Mapping|None, int]:
    "Which of the student's cells `mine` raised under a check, and in which line; or (None, 0)."
    places = ((place(error, c['source']), c) for c in mine)
    (depth, n), cell = max(places, key=lambda found: found[0], default=((0, 0), None))
    return (cell, n) if depth > place(error, check['source'])[0] else (None, 0)

def shown_words(error:Mapping, check:Mapping, own:str, secret:set[str]) -> dict:
    "What a check that is shown says about `error`; `own` is the student's line that raised."
    line, tree = statement(check['source'], place(error, check['source'])[1])
    message = sentence([error])
    if message == 'An assertion does not hold.' and line.startswith('with expect_fail'):
        message = 'An error is raised, but its message does not say what was asked for.'
    _, got, expected = compared(plain(error['evalue'], 8000)) or ('', '', asked(tree))
    words = dict(message=message, got=plain(got.strip(), 600), expected=plain(expected.strip(), 600))
    if tells('\n'.join(words.values()), secret): words = dict(message='What it says is not to be shown.')
    return words | dict(line=line, own=own)


def why(check:Mapping, exercise:str, cell:Mapping, mine:list, secret:set[str]) -> dict:
    "What is said of a check without all its points, by the names of `CheckResult`."
    outputs, hidden = check.get('outputs', ()), role(check) == 'hidden'
    error = failure(outputs)
    if error is None:
        warned = any(o.get('name') == 'stderr' for o in outputs)
        return dict(message='It wrote to stderr, which counts as a failure.' if warned else
                    'It left no error. Whoever graded it can say why points are missing.')
    if broken := role(cell) == 'exercise' and sentence(cell.get('outputs', ())):
        reason = '' if hidden or tells(broken, secret) else broken
        return dict(message=f'The cell {exercise} did not run. {reason}'.strip())
    raised, n = own_line(error, check, [cell, *mine])  # the first of those that look alike, as stubs do
    missing, waits = error['ename'] == 'NotImplementedError', {}
    if missing and raised and raised is not cell and role(raised) == 'exercise':
        waits = dict(message=f'It uses {grading(raised)["grade_id"]}, which is not written yet.')
    if hidden: return waits or dict(message=hidden_words(error['ename'], error['evalue']))
    own = statement(raised['source'], n)[0] if raised and not missing else ''
    return shown_words(error, check, own, secret) | waits


def result(check:Mapping, exercise:str, cell:Mapping, score:float|None, mine:list, secret:set) -> CheckResult:
    "How one check of an exercise, whose cell is `cell`, came out."
    hidden, ident = role(check) == 'hidden', str(grading(check).get('grade_id'))
    found = CheckResult(exercise, ident, hidden, points(check), score, about=about(check, exercise)*hidden)
    if found.verdict == 'holds' or role(check) == 'written': return found
    return replace(found, **why(check, exercise, cell, mine, secret))

def by_exercise(nb:NotebookNode, scores:Mapping={}) -> Iterator[tuple[str, Mapping, list[CheckResult]]]:
    "Name, cell and results of each exercise; a graded cell without an exercise stands for itself."
    secret, found = secrets(nb), {id(e.cell): (e.name, e.checks) for e in exercises(nb)}
    mine = [c for c in nb.cells if c.cell_type == 'code' and role(c) in ('exercise', '')]
    owned = {id(c) for _, checks in found.values() for c in checks}
    for c in nb.cells:
        if id(c) in found: name, checks = found[id(c)]
        elif role(c) in ('check', 'hidden', 'written') and id(c) not in owned:
            name, checks = str(grading(c).get('grade_id')), [c]
        else: continue
        yield name, c, [result(k, name, c, score_of(k, scores), mine, secret) for k in checks]

def results(nb:NotebookNode, scores:Mapping={}) -> list[CheckResult]:
    "How each check of an autograded notebook came out; `scores` by grade_id, or as the outputs say."
    return [r for _, _, found in by_exercise(nb, scores) for r in found]


def hide(nb:NotebookNode) -> NotebookNode:
    "A copy of an autograded notebook that shows nothing of its hidden checks but what they are about."
    def said(text): return [new_output('stream', text=f'{text}\n')] if text else []
    secret, found = secrets(nb), {r.check: r for r in results(nb)}
    nb = deepcopy(nb)
    for c in nb.cells:
        if role(c) == 'hidden':
            r = found[str(grading(c).get('grade_id'))]
            c.source, c.outputs = f'# A hidden check: {r.about}', said(r.message)
        elif any(tells(json.dumps(o, ensure_ascii=False), secret) for o in c.get('outputs', ())):
            c.outputs = said('The output is left out: it repeats a hidden check.')
    return nb

class HideHidden(NbGraderPreprocessor):
    "For nbgrader's GenerateFeedback, after GetGrades: hidden checks are described (nbgrader #917, #1363)."
    def preprocess(self, nb, resources): return hide(nb), resources

FEEDBACK_STEPS = GetGrades, HideHidden, CSSHTMLHeaderPreprocessor


def number(x:float) -> str: return f'{round(x, 2):g}'

def lasting(secs:float) -> str:
    "A duration in its two largest units."
    left, parts = int(secs), {}
    for unit, size in dict(d=86400, h=3600, min=60, s=1).items(): parts[unit], left = divmod(left, size)
    return ' '.join([f'{n} {unit}' for unit, n in parts.items() if n][:2]) or '0 s'

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
            name=key, checks=checks, words=count_words(checks), comment=plain(comments.get(key) or '', 4000),
            code='' if role(cell) == 'hidden' else plain(cell['source'], 20_000),
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
<ul class="box">{% for x in notes[:50] %}<li>{{ x|one_line(400) }}</li>{% endfor %}</ul>
{%- endif %}
{%- endmacro %}
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ title|one_line }}: {{ student|one_line }}</title>
<style>{{ style|safe }}</style>
<h1>{{ title|one_line }}</h1>
<p class="soft">{{ student|one_line }}</p>
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
{%- if b.lost %}<p>{{ b.lost|one_line }}</p>{% endif %}
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
{%- if r.about %}<p>{{ r.about }}</p>{% endif %}
{%- if r.message %}<p>{{ r.message }}</p>{% endif %}
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
    env.filters |= dict(number=number, one_line=one_line)
    score, most = (sum(b[k] for b in notebooks) for k in ('score', 'most'))
    return env.from_string(PAGE).render(title=title, student=student, notebooks=notebooks, notes=[*notes],
                                        style=STYLE, most=most, score=max(0, score - penalty))


@contextmanager
def gradebook(course:Course) -> Iterator[Gradebook]:
    "nbgrader's gradebook of the course; CourseError where there is none."
    from sqlalchemy.exc import SQLAlchemyError
    at = course.db_url.removeprefix('sqlite:///')
    if at != course.db_url and not Path(at).is_file():
        raise CourseError(f'There is no gradebook at {at}. Build a unit first with `tinybench course build`.')
    try:
        with Gradebook(course.db_url, course.id) as gb: yield gb
    except SQLAlchemyError as e:
        raise CourseError(f'The gradebook {at} cannot be read: {one_line(getattr(e, "orig", e))}. '
                          'Put back a copy of it, or build anew.') from e

def find(gb:Gradebook, unit:str) -> Assignment:
    "The unit in the gradebook."
    found = {a.name: a for a in gb.assignments}
    if unit in found: return found[unit]
    raise CourseError(f'The gradebook does not know the unit {unit}: {closest(unit, [*found])} '
                      'A new unit is built first, with `tinybench course build`.')


def write_whole(path:Path, text:str) -> Path:
    "Write `text` so that `path` is either as it was or whole; CourseError where that cannot be done."
    part = path.with_name(f'.{path.name}-{os.getpid()}')
    try:
        part.write_text(text, encoding='utf-8', newline='')
        return part.replace(path)
    except OSError as e: raise CourseError(f'{path} cannot be written: {e.strerror}.') from None
    finally:
        with suppress(OSError): part.unlink()


def graded_words(submitted, folder:Path, notes:list[str]) -> dict:
    "What the page says of one notebook of a submission: from the gradebook, and the graded file in `folder`."
    name, path = submitted.name, folder/f'{submitted.name}.ipynb'
    def score(g): return None if g.manual_score is None and g.auto_score is None else g.score
    scores = {g.name: score(g) for g in submitted.grades}
    comments = {c.name: c.comment for c in submitted.comments if c.comment and c.comment != 'No response.'}
    try: nb = read_notebook(path)
    except CourseError as e:
        lost = str(e) if path.exists() else 'It was not handed in, or could not be graded.'
        return dict(name=name, score=submitted.score, most=submitted.max_score, exercises=[], lost=lost,
                    notes=notes)
    hidden = tuple(f'{c.id}: ' for c in nb.cells if role(c) == 'hidden')
    kept = [x for x in notes if not x.startswith(hidden)]
    return notebook_words(name, nb, scores, comments) | dict(notes=kept)

def unit_pages(course:Course, unit:str, student, submission) -> dict[str, str]:
    "A student's pages by file name: index.html for the unit, and one a notebook, as nbgrader names them."
    title, name = course.unit(unit).title, ' '.join(filter(None, (student.first_name, student.last_name)))
    who = f'{name} ({student.id})' if name else student.id
    if submission is None: return {'index.html': feedback_page(title, who, [], ['Nothing was handed in.'])}
    folder, notes = course.folder('autograded', student.id, unit), {}
    with suppress(OSError, ValueError): notes = json.loads((folder/'notes.json').read_text(encoding='utf-8'))
    parts = sorted(submission.notebooks, key=lambda s: s.name)
    found = [graded_words(s, folder, notes.get(s.name, [])) for s in parts]
    late, penalty = submission.total_seconds_late, submission.late_submission_penalty or 0
    whole = [f'Handed in {lasting(late)} late.'] if late else []
    if penalty: whole.append(f'{number(penalty)} points are taken off for that.')
    pages = {f'{b["name"]}.html': feedback_page(f'{title}: {b["name"]}', who, [b]) for b in found}
    return pages | {'index.html': feedback_page(title, who, found, whole + notes.get('', []), penalty)}


def write_pages(course:Course, unit:str, student, submission) -> Path:
    "Write the pages of a student to feedback/STUDENT/UNIT/; where their index.html is."
    # an id comes from a list that somebody typed, or from an archive
    if student.id in ('', '.', '..') or re.search(r'[/\\\x00]', student.id):
        raise CourseError(f'{student.id!r} cannot name a folder.')
    to = course.folder('feedback', student.id, unit)
    to.mkdir(parents=True, exist_ok=True)
    for name, text in unit_pages(course, unit, student, submission).items(): write_whole(to/name, text)
    for name in ('timestamp.txt', 'submission_secret.txt'):   # what nbgrader's release_feedback looks for
        kept = course.folder('autograded', student.id, unit, name)
        if kept.is_file(): shutil.copyfile(kept, to/name)
    return to/'index.html'

def write_feedback(course:Course, unit:str, student:str) -> Path:
    "Write the feedback page for one student and unit; where it is."
    with gradebook(course) as gb:
        handed_in = {s.student_id: s for s in find(gb, unit).submissions}
        found = {s.id: s for s in gb.students}
        if student not in found:
            raise CourseError(f'The gradebook does not know {student}: {closest(student, [*found][:200])}')
        return write_pages(course, unit, found[student], handed_in.get(student))

def write_unit(course:Course, unit:str, progress=None) -> list[Path]:
    "Write the feedback for all who handed in the unit; `progress(done, of, what)` is called after each."
    paths = []
    with gradebook(course) as gb:
        graded = sorted(find(gb, unit).submissions, key=lambda s: s.student_id)
        if not graded:
            raise CourseError(f'Nobody is graded in {unit}: '
                              f'grade it first with `tinybench course grade {unit}`.')
        for i,s in enumerate(graded, 1):
            paths.append(write_pages(course, unit, s.student, s))
            if progress: progress(i, len(graded), s.student_id)
    return paths


def harmless(x) -> str:
    "A value for a CSV file: text such that no spreadsheet takes it for a formula, '' for None."
    if not isinstance(x, str): return '' if x is None else str(x)
    text = one_line(x, 1000)
    return f"'{text}" if text != '-' and text[:1] in tuple('=+-@＝＋－＠') else text

def csv_text(rows:Iterable[Iterable]) -> str:
    "`rows` as CSV (RFC 4180), each value `harmless`."
    to = io.StringIO()
    csv.writer(to).writerows(map(harmless, row) for row in rows)
    return to.getvalue()


COLUMNS = ('assignment', 'duedate', 'timestamp', 'student_id', 'last_name', 'first_name', 'email',
           'raw_score', 'late_submission_penalty', 'score', 'max_score')

def handed_in(units) -> dict: return {(a.name, x.student_id): x for a in units for x in a.submissions}
def final(submission) -> float: return max(0., submission.score - (submission.late_submission_penalty or 0.))

def nbgrader_rows(course:Course, gb:Gradebook, units:list, now:datetime|None=None) -> list[list]:
    "The columns of nbgrader's CsvExportPlugin, a row a unit and student; 0 where nothing was handed in."
    rows, there = [[*COLUMNS]], handed_in(units)
    for a in units:
        for s in gb.students:
            x = there.get((a.name, s.id))
            if x: when, *got = x.timestamp, x.score, x.late_submission_penalty, final(x)
            else: when, *got = '', 0., 0., 0.
            who = s.id, s.last_name, s.first_name, s.email
            rows.append([a.name, a.duedate, when, *who, *got, a.max_score])
    return rows


def score_or_blank(assignment, submission, now:datetime, blank:str=''):
    "The score to two digits; where nothing was handed in 0 if it is due, else `blank`."
    if submission: return number(final(submission))
    due = assignment.duedate
    return '0' if due and due < now.astimezone(timezone.utc).replace(tzinfo=None) else blank

def canvas_rows(course:Course, gb:Gradebook, units:list, now:datetime) -> list[list]:
    "Rows for Canvas, Grades → Import."
    rows = [['Student', 'ID', 'SIS User ID', 'SIS Login ID', 'Section', *(a.name for a in units)],
            ['Points Possible', '', '', '', '', *(number(a.max_score) for a in units)]]
    there = handed_in(units)
    for s in gb.students:
        name = ', '.join(filter(None, (s.last_name, s.first_name))) or s.id
        if 'points possible' in name.lower(): name = s.id     # would be read as the row of points
        scores = [score_or_blank(a, there.get((a.name, s.id)), now) for a in units]
        rows.append([name, s.lms_user_id, '', s.id, '', *scores])
    return rows


def exercise_names(course:Course, units:list) -> dict[tuple[str, str], str]:
    "{(unit, check): exercise}, from the notebooks that were built."
    found = {}
    for path in [p for a in units for p in course.folder('source', a.name).glob('*.ipynb')]:
        with suppress(CourseError):
            found |= {(path.parent.name, c.id): e.name for e in exercises(read_notebook(path)) for c in e.checks}
    return found

def lost_in(course:Course, gb:Gradebook, units:list) -> dict[tuple[str, str], set[str]]:
    "For each unit and student the exercises in which points are missing, in one query."
    part, whole, lost, names = SubmittedNotebook, SubmittedAssignment, {}, exercise_names(course, units)
    found = (gb.db.query(Assignment.name, whole.student_id, BaseCell.name).select_from(Grade)
             .join(Grade.cell).join(Grade.notebook).join(part.assignment).join(whole.assignment)
             .filter(Grade.score < Grade.max_score))
    for unit, student, check in found:
        lost.setdefault((unit, student), set()).add(names.get((unit, check), stem(dict(id=check))))
    return lost

def moodle_rows(course:Course, gb:Gradebook, units:list, now:datetime) -> list[list]:
    "Rows for Moodle, Grades → Import → CSV file."
    there, lost = handed_in(units), lost_in(course, gb, units)
    def two(a, s):
        x, again = there.get((a.name, s.id)), sorted(lost.get((a.name, s.id), ()))
        words = f'{number(final(x))} of {number(a.max_score)} points.' if x else 'Nothing was handed in.'
        more = f' Look again at: {", ".join(again)}.' if again else ''
        return score_or_blank(a, x, now, '-'), words + more
    columns = [column for a in units for column in (a.name, f'{a.name} (feedback)')]
    rows = [['Username', 'ID number', 'First name', 'Last name', 'Email address', *columns]]
    for s in gb.students:
        grades = [value for a in units for value in two(a, s)]
        rows.append([s.id, s.lms_user_id, s.first_name, s.last_name, s.email, *grades])
    return rows


STYLES = dict(nbgrader=nbgrader_rows, canvas=canvas_rows, moodle=moodle_rows)

def export(course:Course, to, style:str='nbgrader', units=None, now:datetime|None=None) -> Path:
    "Write everybody's grades in `units`, or in all, as CSV in the columns of nbgrader, Canvas or Moodle."
    to, now = Path(to), now or datetime.now(timezone.utc)
    if style not in STYLES: raise CourseError(f'There is no style {style}: {closest(style, [*STYLES])}')
    if to.is_dir(): raise CourseError(f'{to} is a folder; name the file to write, such as {to/"grades.csv"}.')
    with gradebook(course) as gb:
        found = [find(gb, u) for u in units] if units is not None else gb.assignments
        order = {u.name: i for i,u in enumerate(course.units)}
        if style != 'nbgrader': found = sorted(found, key=lambda a: (order.get(a.name, 999), a.name))
        return write_whole(to, csv_text(STYLES[style](course, gb, found, now)))
