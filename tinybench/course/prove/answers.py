"Answers to try: the known ones on file, the stub, constants, and mutants, each with one small change"
import ast, re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tinybench.base.files import read_text
from ..box.needed import made_and_used
from ..cells import CourseError, NotebookNode, closest, exercises
from ..stub import is_docstring, outermost, stub
from ..trees import quiet
from ..units import Course
from .mutants import mutants


HEADER = re.compile(r'# %% (\S+) (wrong|right): (\S.*)')

@dataclass(frozen=True)
class Answer:
    "Something to hand in: a known 'wrong' or 'right' answer, the 'stub', a 'constant' or a 'mutant'."
    kind: str
    why: str
    source: str
    def __repr__(self): return f'{self.kind}: {self.why}' if self.why else self.kind

def parse_answers(text:str, where='the answers') -> Iterator:
    "(exercise, answer, line) for each answer in `text`; CourseError with the line where it cannot be read."
    line = 1
    for part in re.split(r'(?m)^(?=# %%)', text):
        head, _, body = part.partition('\n')
        if head.startswith('# %%'):
            m = HEADER.fullmatch(head.rstrip())
            if not m: raise CourseError(f'{where}, line {line}: {head!r} is no header. '
                                        'Write `# %% EXERCISE wrong: WHY` or `right: HOW`.')
            try:
                with quiet(SyntaxWarning): compile(body, str(where), 'exec', dont_inherit=True)
            except (SyntaxError, ValueError) as e:
                at = line + (getattr(e, 'lineno', None) or 1)
                what = f'this answer to {m[1]} is not Python: {getattr(e, "msg", e)}'
                raise CourseError(f'{where}, line {at}: {what}.') from None
            yield m[1], Answer(m[2], m[3], body.strip('\n')), line
        line += part.count('\n')

def read_answers(path, names=None) -> dict:
    "{exercise: [Answer]} from the file `path`; `names` are the exercises there are, which all need answers."
    path, found, lines = Path(path), {n: [] for n in names or ()}, {}
    try: text = read_text(path)
    except OSError:
        raise CourseError(f'{path} is missing. It holds known answers to each exercise.') from None
    except ValueError as e: raise CourseError(f'{path}: {e}.') from None
    for name, a, line in parse_answers(text, path):
        if names is not None and name not in found:
            near = closest(name, list(found))
            raise CourseError(f'{path}, line {line}: there is no exercise {name}; {near}')
        if (name, a.why) in lines:
            raise CourseError(f'{path}, line {line}: {name} has this answer on line '
                              f'{lines[name, a.why]} too. Say what differs.')
        lines[name, a.why] = line
        found.setdefault(name, []).append(a)
    for name, answers in found.items():
        wrong, right = (sum(a.kind == kind for a in answers) for kind in ('wrong', 'right'))
        if wrong < 3 or not right:
            raise CourseError(f'{path}: {name} has {wrong} wrong and {right} right answers. '
                              'Write at least 3 wrong and 1 right.')
    return found

CONSTANTS = {'nothing': 'None', 'zero': '0', 'an empty list': '[]',
             'an empty array': '__import__("numpy").empty((0, 1))'}

def constants(source:str) -> Iterator:
    "(what, source) of answers in which every function returns one of `CONSTANTS`, whatever it is given."
    for what, value in CONSTANTS.items():
        tree = ast.parse(source)
        for f in outermost(tree):
            given = ast.parse('None' if f.name == '__init__' else value, mode='eval')
            f.body = [*f.body[:is_docstring(f.body[0])], ast.Return(given.body)]
        yield f'returns {what}', ast.unparse(ast.fix_missing_locations(tree))

def to_try(course:Course, notebook:str, nb:NotebookNode, mutated:bool=False) -> list:
    "(exercise, its stub, known answers, constants and, if `mutated`, mutants) for each of a notebook."
    found, path, tries = exercises(nb), course.folder('knockouts', f'{notebook}.py'), []
    # a course of one's own may have none yet: then the stub, constants and mutants are tried
    known = read_answers(path, [e.name for e in found]) if path.is_file() else {e.name: [] for e in found}
    for e in found:
        source = e.cell.source
        for a in known[e.name]:
            if lacks := made_and_used(source)[0] - made_and_used(a.source)[0]:
                raise CourseError(f'{path}: the answer to {e.name} that is {a!r} does not define '
                                  f'{", ".join(sorted(lacks))}.')
        made = dict(constant=constants(source), mutant=mutants(source) if mutated else ())
        machine = [Answer(kind, what, s) for kind, answers in made.items() for what, s in answers]
        tries.append((e, [Answer('stub', '', stub(source)), *known[e.name], *machine]))
    return tries
