"A check that turned out to be bad after hand-in: taken out, or its points given to everybody"
import json
from contextlib import suppress
from nbgrader.api import Gradebook
from tinybench.base.files import write_whole
from ..cells import CourseError, grading, one_of, points, read_notebook
from ..units import Course

HOWS = dict(out='counts for nobody any more', everybody='gives its points to everybody', undo='counts again')

def dropped(course:Course) -> dict[str, dict[str, str]]:
    "{unit: {check: 'out' or 'everybody'}}, which stands in dropped.json beside course.toml."
    file = course.root/'dropped.json'
    try: found = json.loads(file.read_text(encoding='utf-8-sig')) if file.is_file() else {}
    except ValueError as e: raise CourseError(f'{file} is not JSON: {e}.') from None
    good = isinstance(found, dict) and all(isinstance(v, dict) for v in found.values())
    if not good: raise CourseError(f'{file} is to hold a table for each unit.')
    return found

def drops(course:Course, unit:str) -> dict[str, str]: return dropped(course).get(unit, {})

def out_of(course:Course, unit:str) -> list[str]:
    "The checks of `unit` that are taken out."
    return [check for check, how in drops(course, unit).items() if how == 'out']

def cells_of(book:Gradebook, unit:str) -> dict:
    "{name: graded cell} of what a unit's notebooks hold in the gradebook."
    return {c.name: c for n in book.find_assignment(unit).notebooks for c in (*n.grade_cells, *n.task_cells)}

def apply_drops(course:Course, unit:str, book:Gradebook, student:str|None=None) -> None:
    "Give the dropped checks of `unit` the points that they are worth now, to all or to one `student`."
    todo, cells = drops(course, unit), cells_of(book, unit) if drops(course, unit) else {}
    for check, how in todo.items():
        if check not in cells: continue    # the unit has changed since
        if how == 'out': cells[check].max_score = 0
        for g in cells[check].grades:
            if student and g.notebook.assignment.student_id != student: continue
            g.auto_score, g.manual_score, g.needs_manual_grade = float(cells[check].max_score), None, False
    if todo: book.db.commit()

def worth(course:Course, unit:str, check:str) -> float:
    "The points of a check in the notebooks as they were built."
    for path in sorted(course.folder('source', unit).glob('*.ipynb')):
        with suppress(CourseError):
            for c in read_notebook(path).cells:
                if grading(c).get('grade_id') == check: return points(c)
    return 0.

def drop(course:Course, unit:str, check:str, how:str='out') -> str:
    "Drop a check of `unit` in one of the ways `HOWS`, for all who handed in and will; what came of it."
    from .build import alone, load_config
    from .gradebook import find, gradebook
    with alone(course, course.unit(unit)), gradebook(course, load_config(course), made=False) as book:
        find(book, unit)
        cells, table = cells_of(book, unit), dropped(course)
        one_of(check, cells, f'{unit} has no check {check}:')
        had, of = table.get(unit, {}), worth(course, unit, check)
        if how == 'undo' and check not in had: raise CourseError(f'{check} of {unit} is not dropped.')
        cells[check].max_score = of
        table[unit] = {k: v for k, v in had.items() if k != check} | ({check: how} if how != 'undo' else {})
        write_whole(course.root/'dropped.json', json.dumps({u: c for u, c in table.items() if c}, indent=1) + '\n')
        apply_drops(course, unit, book)
        book.db.commit()
        most, n = float(find(book, unit).max_score), len(book.find_assignment(unit).submissions)
    do = ' Grade the unit again: its points are those of the last run.' if how == 'undo' else ''
    return f'{unit}: {check} ({of:g} points) {HOWS[how]}; {n} submissions, {most:g} points in all.{do}'
