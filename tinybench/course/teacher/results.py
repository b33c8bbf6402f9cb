"How each check of a graded notebook came out, and a notebook that gives no hidden check away"
import builtins, json, re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
# before nbgrader: see there
from ..cells import HIDDEN, NotebookNode, exercises, grading, nbformat, points, role, stem
from nbgrader.converters.generate_feedback import CSSHTMLHeaderPreprocessor, GetGrades
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import determine_grade
from .errors import SAID, asked, compared, failure, brief, raised_at, clean, sentence, statement

def about(cell:Mapping, exercise:str='') -> str:
    "What the comment at the head of a hidden check says it is about."
    text = cell['source'].partition(HIDDEN)[2] or cell['source']
    text = re.sub(r'(?m)^[ \t]*#(?:\||##).*$', '', text).lstrip()    # without directives and markers
    head = re.match(r'(?:[ \t]*#.*\n?)*', text)[0]
    said = brief(re.sub(r'(?m)^[\s#]+', '', head), 300)
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
    places = ((raised_at(error, c['source']), c) for c in mine)
    (depth, n), cell = max(places, key=lambda found: found[0], default=((0, 0), None))
    return (cell, n) if depth > raised_at(error, check['source'])[0] else (None, 0)

def shown_words(error:Mapping, check:Mapping, own:str, secret:set[str]) -> dict:
    "What a check that is shown says about `error`; `own` is the student's line that raised."
    line, tree = statement(check['source'], raised_at(error, check['source'])[1])
    message = sentence([error])
    if message == 'An assertion does not hold.' and line.startswith('with expect_fail'):
        message = 'An error is raised, but its message does not say what was asked for.'
    _, got, expected = compared(clean(error['evalue'], 8000)) or ('', '', asked(tree))
    words = dict(message=message, got=clean(got.strip(), 600), expected=clean(expected.strip(), 600))
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
    def said(text): return [nbformat.v4.new_output('stream', text=f'{text}\n')] if text else []
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
