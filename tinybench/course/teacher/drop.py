"A check that turned out to be bad after hand-in: taken out, or its points given to everybody"
import json
from tinybench.base.files import write_whole
from ..cells import CourseError, grading, one_of, points, read_notebook
from ..units import Course
from .build import alone, load_config
from .dropped import apply_drops, cells_of, dropped, give
from .gradebook import find, gradebook

HOWS = dict(out='counts for nobody any more', everybody='gives its points to everybody', undo='counts again')

def worth(course:Course, unit:str, cell) -> float:
    "The points of a graded cell of the gradebook in its notebook as it was built."
    nb = read_notebook(course.folder('source', unit, f'{cell.notebook.name}.ipynb'))
    return next((points(c) for c in nb.cells if grading(c).get('grade_id') == cell.name), 0.)

def drop(course:Course, unit:str, check:str, how:str='out') -> str:
    "Drop a check of `unit` in one of the ways `HOWS`, for all who handed in and will; what came of it."
    with alone(course, course.unit(unit)), gradebook(course, load_config(course), made=False) as book:
        find(book, unit)
        cells, table = cells_of(book, unit), dropped(course)
        one_of(check, cells, f'{unit} has no check {check}:')
        had, of = table.get(unit, {}), worth(course, unit, cells[check])
        if how == 'undo' and check not in had: raise CourseError(f'{check} of {unit} is not dropped.')
        give(book, unit, cells[check], of)
        table[unit] = {k: v for k, v in had.items() if k != check} | ({check: how} if how != 'undo' else {})
        left = {u: checks for u, checks in table.items() if checks}
        write_whole(course.root/'dropped.json', json.dumps(left, indent=1) + '\n')
        apply_drops(course, unit, book)
        book.db.commit()
        most, n = float(find(book, unit).max_score), len(book.find_assignment(unit).submissions)
    do = ' Grade the unit again: its points are those of the last run.' if how == 'undo' else ''
    return f'{unit}: {check} ({of:g} points) {HOWS[how]}; {n} submissions, {most:g} points in all.{do}'
