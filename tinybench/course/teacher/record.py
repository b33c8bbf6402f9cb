"Enters what a run gave into the gradebook and autograded/, and knows which grades still hold"
import json, re
from contextlib import suppress
from dataclasses import asdict, dataclass
from ..cells import named, nbformat, role    # before nbgrader: see there
from nbgrader.preprocessors import AssignLatePenalties, LimitOutput, SaveAutoGrades
from tinybench.base.files import new_folder
from .dropped import apply_drops
from .gradebook import together
from .harmless import harmless
from .late import extend, final, late_words, stamp_of
from .prepare import CheckOnce, apply, key_of, lesson
from .results import by_exercise

RECORD = LimitOutput, SaveAutoGrades, AssignLatePenalties, CheckOnce

def enter(course, unit, student, book) -> list:
    "Enter the submission into the gradebook, with the time in its timestamp.txt; notes on that."
    when, says = stamp_of(course.folder('submitted', student, unit.name))
    book.update_or_create_student(student)
    naive = when and when.replace(tzinfo=None)    # nbgrader's are in UTC and do not say so
    extend(course, unit, book.update_or_create_submission(unit.name, student, timestamp=naive))
    return [says] if says else []

def fill(nb, outcomes) -> list:
    "Put outcomes into the cells; a sentence for each thing that the engine did or met."
    by_id, notes = {o['id']: o for o in outcomes}, []
    for n, c in enumerate((c for c in nb.cells if c.cell_type == 'code'), 1):
        if not (o := by_id.get(c.id)): continue
        c.outputs, c.execution_count = [nbformat.from_dict(out) for out in o['outputs']], n
        if o['note']: notes.append(f'{c.id}: {o["note"]}.')
        if role(c) in ('', 'exercise') and o['error'] and not o['error'].startswith('NotImplementedError'):
            notes.append(f'{c.id}: {o["error"]}.')
    return notes

def zero(nb):
    "Record 0 for all checks of the gradebook's notebook `nb`, which could not be run."
    nb.late_submission_penalty = None
    for grade in nb.grades:
        # a person's points stay, and are to be looked at again
        grade.auto_score, grade.needs_manual_grade = 0, grade.manual_score is not None

# what an instructor looks at before all else: it may say that points were not earned
LOOK = re.compile('a person should|put back|no longer believed|not as in the lesson|its process '
                  '|which was refused|only the value counts|which the solution does not|and believed it'
                  '|comparisons made')
# what is said of the gradebook as it is now, and not of the run
OF_NOW = re.compile(r'^(Handed in |[\d.]+ points? (are taken off for lateness|waits? for a person))')

def by_weight(note:str) -> int:
    "0 for what an instructor is to look at first, 1 for the rest."
    return 0 if LOOK.search(note) else 1

def waiting(submission) -> list:
    "A sentence where a person has yet to give points."
    grades = [g for nb in submission.notebooks for g in nb.grades]
    unread = [g for g in grades if g.needs_manual_grade and (g.manual_score, g.auto_score) == (None, None)]
    n = sum(float(g.max_score) for g in unread)
    return [f'{n:g} point{"s wait" if n != 1 else " waits"} for a person.'] if unread else []

@dataclass(frozen=True)
class Row:
    "One student's result: points of how many, seconds, and what went wrong in words."
    student: str
    points: float
    of: float
    secs: float = 0.
    notes: tuple = ()
    done: bool = True   # False where it could not be graded, and is for the next run

def lost(name, found) -> list:
    "A sentence for each exercise that did not earn all its points, where `found` is what each did earn."
    words = {}
    for r in (r for _, _, checks in found for r in checks):
        if r.score is not None and r.score < r.points:
            words.setdefault(r.exercise, r.message or 'Nothing was written.')
    return [f'{name}, {exercise}: {why}' for exercise, why in words.items()]

def unearned(name, found, released) -> list:
    "A sentence for each exercise with points for the stub as handed out, or for a hidden check alone."
    stubs, said = {named(c): c.source.strip() for c in released.cells if role(c) == 'exercise'}, []
    for exercise, cell, checks in found:
        held = [r for r in checks if r.verdict == 'holds' and r.points]
        if held and role(cell) == 'exercise' and cell.source.strip() == stubs.get(exercise):
            which = ', '.join(r.check for r in held)
            said.append(f'{name}, {exercise}: the stub is as handed out, and {which} holds')
            continue
        alone = ', '.join(r.check for r in held if r.hidden)
        if alone and any(not (r.hidden or r.score) for r in checks):
            said.append(f'{name}, {exercise}: {alone} holds, and what is easier and shown does not')
    return [f'{x}: a person should look at it.' for x in said]

def by_hand(nb) -> list:
    "A sentence for each check in `nb` for which the points that a person gave are not those of this run."
    both = [g for g in nb.grades if None not in (g.manual_score, g.auto_score)]
    return [f'{nb.name}, {g.name}: {g.manual_score:g} points, given by hand, count; this run gives '
            f'{g.auto_score:g}.' for g in both if g.manual_score != g.auto_score]

def score(course, unit, ready, found, config, book) -> list:
    "Put the outcomes into the notebooks and the scores into the gradebook; what went wrong."
    words, alone = [], []
    ready.notes[''] += enter(course, unit, ready.student, book)
    for name, nb in ready.notebooks.items():
        ready.notes[name] += fill(nb, found[name])
        ready.watch += [f'{name}, {o["id"]}: {o["watch"]}.' for o in found[name] if o['watch']]
        nb = ready.notebooks[name] = apply(RECORD, nb, unit, ready.student, name, config)
        earned = [*by_exercise(nb)]
        words += lost(name, earned)
        alone += unearned(name, earned, lesson(course, unit, name, 'release'))
    for name in unit.notebooks:
        entered = book.find_submission_notebook(name, unit.name, ready.student)
        if name not in ready.notebooks: zero(entered)
        words += by_hand(entered)
    apply_drops(course, unit.name, book, ready.student)
    noted = [f'{n}: {x}' if n else x for n, notes in ready.notes.items() for x in notes]
    return [*alone, *ready.watch, *noted, *words]

def record(course, unit, ready, found, config, book, most) -> Row:
    "Write a student's scores into the gradebook and the graded notebooks into autograded/; the row to show."
    with new_folder(course.folder('autograded', ready.student, unit.name)) as new:
        with together(book): words = score(course, unit, ready, found, config, book)
        entered = book.find_submission(unit.name, ready.student)
        words += [*waiting(entered), *late_words(entered)]
        # without the time that it waited for a worker
        secs = sum(o['secs'] for outcomes in found.values() for o in outcomes)
        # with the points that a person gave, and without those that lateness costs
        row = Row(ready.student, final(entered), most, secs, tuple(sorted(words, key=by_weight)))
        for name, nb in ready.notebooks.items():
            nbformat.write(harmless(nb, lesson(course, unit, name)), new/f'{name}.ipynb')
        if when := entered.timestamp:    # in nbgrader's own way, which its readers know
            (new/'timestamp.txt').write_text(f'{when:%Y-%m-%d %H:%M:%S} UTC')
        (new/'notes.json').write_text(json.dumps(ready.notes, indent=1))
        (new/'graded.json').write_text(json.dumps(dict(key=ready.key, row=asdict(row)), indent=1))
    return row

def still_graded(course, unit, students, book) -> dict:
    """{student: row} of those whose submission and lessons have not changed since they were graded, and who
    are in the gradebook, with the points that it has."""
    there, rows = {s.student_id: s for s in book.find_assignment(unit.name).submissions}, {}
    for n in (n for n in students if n in there):
        with suppress(OSError, ValueError):
            seen = json.loads(course.folder('autograded', n, unit.name, 'graded.json').read_text())
            if seen.get('key') != key_of(course, unit, n): continue
            s = there[n]
            kept = [x for x in seen['row']['notes'] if not OF_NOW.search(x)]
            notes = sorted([*kept, *waiting(s), *late_words(s)], key=by_weight)
            now = dict(notes=tuple(notes), points=final(s), of=float(s.max_score))
            rows[n] = Row(**seen['row'] | now)
    return rows
