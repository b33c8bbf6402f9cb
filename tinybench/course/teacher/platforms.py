"Grades as CSV, in the columns of nbgrader, Canvas or Moodle"
import csv, io
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from ..cells import CourseError, exercises, one_of, read_notebook, stem    # before nbgrader: see there
from nbgrader.api import Assignment, BaseCell, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from ..units import Course
from .errors import brief
from .feedback import save
from .gradebook import find, gradebook
from .late import final, late_words
from .roster import handed_in_before, strangers
from .page import number

def harmless(x) -> str:
    "A value for a CSV file: text such that no spreadsheet takes it for a formula, '' for None."
    if not isinstance(x, str): return '' if x is None else str(x)
    text = brief(x, 1000)
    return f"'{text}" if text != '-' and text[:1] in tuple('=+-@＝＋－＠') else text

def csv_text(rows:Iterable[Iterable]) -> str:
    "`rows` as CSV (RFC 4180), each value `harmless`."
    to = io.StringIO()
    csv.writer(to).writerows(map(harmless, row) for row in rows)
    return to.getvalue()

COLUMNS = ('assignment', 'duedate', 'timestamp', 'student_id', 'last_name', 'first_name', 'email',
           'raw_score', 'late_submission_penalty', 'score', 'max_score')

def in_order(gb:Gradebook) -> list:
    "All students, by their names, or by their ids if they have none."
    return sorted(gb.students, key=lambda s: (s.last_name or '', s.first_name or '', s.id))

def nbgrader_rows(course:Course, gb:Gradebook, units:list, there:dict, now:datetime) -> list[list]:
    "The columns of nbgrader's CsvExportPlugin, a row a unit and student; 0 where nothing was handed in."
    def row(a, s):
        x = there.get((a.name, s.id))
        when, *got = (x.timestamp, x.score, x.late_submission_penalty, final(x)) if x else ('', 0., 0., 0.)
        return [a.name, a.duedate, when, s.id, s.last_name, s.first_name, s.email, *got, a.max_score]
    return [[*COLUMNS], *(row(a, s) for a in units for s in in_order(gb))]

def score_or_blank(due:datetime|None, submission, now:datetime, blank:str='') -> str:
    "The score to two digits; where nothing was handed in 0 if it is `due`, else `blank`."
    if submission: return number(final(submission))
    return '0' if due and due < now.astimezone(timezone.utc) else blank

def due_for(course:Course, assignment:Assignment, student:str) -> datetime|None:
    "When a student's unit is due: by an extension, or else as the gradebook has it, in UTC."
    more = course.extensions.get(assignment.name, {}).get(student)
    return more or (assignment.duedate and assignment.duedate.replace(tzinfo=timezone.utc))

def canvas_rows(course:Course, gb:Gradebook, units:list, there:dict, now:datetime) -> list[list]:
    "Rows for Canvas, Grades → Import."
    def row(s):
        name = ', '.join(filter(None, (s.last_name, s.first_name))) or s.id
        if 'points possible' in name.lower(): name = s.id     # would be read as the row of points
        scores = [score_or_blank(due_for(course, a, s.id), there.get((a.name, s.id)), now) for a in units]
        return [name, s.lms_user_id, '', s.id, '', *scores]
    head = ['Student', 'ID', 'SIS User ID', 'SIS Login ID', 'Section', *(a.name for a in units)]
    points = ['Points Possible', '', '', '', '', *(number(a.max_score) for a in units)]
    return [head, points, *map(row, in_order(gb))]

def exercise_names(course:Course, units:list) -> dict[tuple[str, str], str]:
    "{(unit, check): exercise}, from the notebooks that were built."
    found = {}
    for path in [p for a in units for p in course.folder('source', a.name).glob('*.ipynb')]:
        with suppress(CourseError):
            these = exercises(read_notebook(path))
            found |= {(path.parent.name, c.id): e.name for e in these for c in e.checks}
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

def moodle_rows(course:Course, gb:Gradebook, units:list, there:dict, now:datetime) -> list[list]:
    "Rows for Moodle, Grades → Import → CSV file."
    lost = lost_in(course, gb, units)
    def two(a, s):
        x, again = there.get((a.name, s.id)), sorted(lost.get((a.name, s.id), ()))
        words = f'{number(final(x))} of {number(a.max_score)} points.' if x else 'Nothing was handed in.'
        if x: words = ' '.join([words, *late_words(x)])
        more = f' Look again at: {", ".join(again)}.' if again else ''
        return score_or_blank(due_for(course, a, s.id), x, now, '-'), words + more
    def row(s):
        grades = [value for a in units for value in two(a, s)]
        return [s.id, s.lms_user_id, s.first_name, s.last_name, s.email, *grades]
    columns = [column for a in units for column in (a.name, f'{a.name} (feedback)')]
    head = ['Username', 'ID number', 'First name', 'Last name', 'Email address', *columns]
    return [head, *map(row, in_order(gb))]

def not_listed(course:Course) -> list[str]:
    "A sentence for each student who handed in and is not on the roster."
    with gradebook(course, made=False) as gb: found = strangers(gb, sorted(handed_in_before(gb)))
    return [text for texts in found.values() for text in texts]

STYLES = dict(nbgrader=nbgrader_rows, canvas=canvas_rows, moodle=moodle_rows)

def export(course:Course, to, style:str='nbgrader', units=None, now:datetime|None=None) -> Path:
    "Write everybody's grades in `units`, or in all, as CSV in the columns of nbgrader, Canvas or Moodle."
    to, now = Path(to), now or datetime.now(timezone.utc)
    rows_of = STYLES[one_of(style, STYLES, f'There is no style {style}:')]
    if to.is_dir(): raise CourseError(f'{to} is a folder; name the file to write, such as {to/"grades.csv"}.')
    with gradebook(course, made=False) as gb:
        found = [find(gb, u) for u in units] if units is not None else gb.assignments
        order = {u.name: i for i, u in enumerate(course.units)}
        if style != 'nbgrader': found = sorted(found, key=lambda a: (order.get(a.name, 999), a.name))
        there = {(a.name, x.student_id): x for a in found for x in a.submissions}
        return save(to, csv_text(rows_of(course, gb, found, there, now)))
