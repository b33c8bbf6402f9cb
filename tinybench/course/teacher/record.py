"Enters what a run gave into the gradebook and autograded/, and knows which grades still hold"
import json, os, shutil, tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
import nbformat
from nbgrader import utils
from nbgrader.preprocessors import AssignLatePenalties, CheckCellMetadata, LimitOutput, SaveAutoGrades
from tinybench.base.files import replace_folder
from ..cells import role
from .gradebook import together
from .prepare import apply, key_of, resources_of
from .results import results


RECORD = LimitOutput, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata

def enter(course, unit, student, book) -> list:
    "Enter the submission into the gradebook, with the time in its timestamp.txt; notes on that."
    notes, when = [], None
    stamp = course.folder('submitted', student, unit.name, 'timestamp.txt')
    if stamp.is_file() and not stamp.is_symlink():  # a link could lead anywhere
        try: when = utils.parse_utc(stamp.read_text()[:100].strip())
        except Exception: notes.append('timestamp.txt holds no date, so it counts as handed in on time.')
    book.update_or_create_student(student)
    book.update_or_create_submission(unit.name, student, timestamp=when)
    return notes

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

def zero(unit, student, notebook, book):
    "Record 0 for all checks of a notebook that could not be run."
    nb = book.find_submission_notebook(notebook, unit.name, student)
    nb.late_submission_penalty = None
    for grade in nb.grades:
        # a person's points stay, and are to be looked at again
        grade.auto_score, grade.needs_manual_grade = 0, grade.manual_score is not None

@dataclass(frozen=True)
class Row:
    "One student's result: points of how many, seconds, and what went wrong in words."
    student: str
    points: float
    of: float
    secs: float = 0.
    notes: tuple = ()
    done: bool = True   # False where it could not be graded, and is for the next run

def lost(name, nb) -> list:
    "A sentence for each exercise of an executed notebook that did not earn all its points."
    words = {}
    for r in results(nb):
        if (r.score or 0) < r.points: words.setdefault(r.exercise, r.message)
    return [f'{name}, {exercise}: {why}' for exercise, why in words.items()]

def by_hand(unit, student, notebook, book) -> list:
    "A sentence for each check for which the points that a person gave are not those of this run."
    grades = book.find_submission_notebook(notebook, unit.name, student).grades
    return [f'{notebook}, {g.name}: {g.manual_score:g} points, given by hand, count; '
            f'this run gives {g.auto_score:g}.'
            for g in grades if None not in (g.manual_score, g.auto_score) and g.manual_score != g.auto_score]

def score(course, unit, ready, found, config, book) -> list:
    "Put the outcomes into the notebooks and the scores into the gradebook; what went wrong."
    words = []
    ready.notes[''] += enter(course, unit, ready.student, book)
    for name, nb in ready.notebooks.items():
        ready.notes[name] += fill(nb, found[name])
        told = resources_of(course, unit, ready.student, name, config)
        nb = ready.notebooks[name] = apply(RECORD, nb, told, config)
        words += lost(name, nb)
    for name in unit.notebooks:
        if name not in ready.notebooks: zero(unit, ready.student, name, book)
        words += by_hand(unit, ready.student, name, book)
    return [*(f'{n}: {x}' if n else x for n, notes in ready.notes.items() for x in notes), *words]

def record(course, unit, ready, found, config, book, most, secs=0.) -> Row:
    "Write a student's scores into the gradebook and the graded notebooks into autograded/; the row to show."
    place = course.folder('autograded', ready.student, unit.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(dir=place.parent, prefix='.new-'))
    try:
        with together(book): words = score(course, unit, ready, found, config, book)
        entered = book.find_submission(unit.name, ready.student)
        if off := entered.late_submission_penalty: words.append(f'{off:g} points are taken off for lateness.')
        # with the points that a person gave
        row = Row(ready.student, float(entered.score), most, secs, tuple(words))
        for name, nb in ready.notebooks.items(): nbformat.write(nb, new/f'{name}.ipynb')
        stamp = course.folder('submitted', ready.student, unit.name, 'timestamp.txt')
        if stamp.is_file() and not stamp.is_symlink(): shutil.copyfile(stamp, new/'timestamp.txt')
        (new/'notes.json').write_text(json.dumps(ready.notes, indent=1))
        graded = dict(key=ready.key, row=asdict(row))
        (new/'graded.json').write_text(json.dumps(graded, indent=1))
        os.chmod(new, 0o755)
        replace_folder(new, place)
    finally: shutil.rmtree(new, ignore_errors=True)
    return row

def graded_before(course, unit, student) -> Row|None:
    "The row of a student whose submission and lessons have not changed since it was graded, else None."
    try: seen = json.loads(course.folder('autograded', student, unit.name, 'graded.json').read_text())
    except (OSError, ValueError): return None
    if seen.get('key') != key_of(course, unit, student): return None
    return Row(**seen['row'] | dict(notes=tuple(seen['row']['notes'])))

def still_graded(course, unit, students, book) -> dict:
    "{student: row} of those whose grade holds and is in the gradebook, with the points that it has there."
    points = {s.student_id: float(s.score) for s in book.find_assignment(unit.name).submissions}
    rows = {n: graded_before(course, unit, n) for n in students if n in points}
    return {n: replace(row, points=points[n]) for n, row in rows.items() if row}
