"Which checks were taken out after hand-in, or give their points to everybody, and what they are worth so"
import json
from collections import Counter
from ..cells import CourseError, NotebookNode, nbformat    # before nbgrader: see there
from nbgrader.api import Gradebook
from nbgrader.utils import compute_checksum
from tinybench.base.files import read_text
from ..units import Course

def dropped(course:Course) -> dict[str, dict[str, str]]:
    "{unit: {check: 'out' or 'everybody'}}, which stands in dropped.json beside course.toml."
    file = course.root/'dropped.json'
    try: found = json.loads(read_text(file)) if file.is_file() else {}
    except ValueError as e: raise CourseError(f'{file} is not JSON: {e}.') from None
    good = isinstance(found, dict) and all(isinstance(v, dict) for v in found.values())
    if not good: raise CourseError(f'{file} is to hold a table for each unit.')
    return found

def drops(course:Course, unit:str) -> dict[str, str]: return dropped(course).get(unit, {})

def out_of(course:Course, unit:str) -> list[str]:
    "The checks of `unit` that are taken out."
    return [check for check, how in drops(course, unit).items() if how == 'out']

def cells_of(book:Gradebook, unit:str) -> dict:
    "{name: graded cell} of what a unit holds in the gradebook; NOTEBOOK/NAME where several have that name."
    books = book.find_assignment(unit).notebooks
    found = [(n.name, c) for n in books for c in (*n.grade_cells, *n.task_cells)]
    times = Counter(c.name for _, c in found)
    return {c.name if times[c.name] == 1 else f'{n}/{c.name}': c for n, c in found}

def give(book:Gradebook, unit:str, cell, most:float) -> None:
    "Make a graded cell worth `most` points; nbgrader's checksum of a cell has its points in it."
    source = book.find_source_cell(cell.name, cell.notebook.name, unit)
    task, written = (any(c.name == cell.name for c in cells)
                     for cells in (cell.notebook.task_cells, cell.notebook.solution_cells))
    meta = dict(grade=not task, task=task, solution=written, locked=source.locked, points=most,
                grade_id=cell.name, schema_version=3)
    same = NotebookNode(cell_type=source.cell_type, source=source.source, metadata=dict(nbgrader=meta))
    cell.max_score, source.checksum = most, compute_checksum(nbformat.from_dict(same))

def apply_drops(course:Course, unit:str, book:Gradebook, student:str|None=None) -> None:
    "Give the dropped checks of `unit` the points that they are worth now, to all or to one `student`."
    todo, cells = drops(course, unit), cells_of(book, unit) if drops(course, unit) else {}
    for check, how in todo.items():
        if check not in cells: continue    # the unit has changed since
        if how == 'out': give(book, unit, cells[check], 0)
        for g in cells[check].grades:
            if student and g.notebook.assignment.student_id != student: continue
            g.auto_score, g.manual_score, g.needs_manual_grade = float(cells[check].max_score), None, False
    if todo: book.db.commit()
