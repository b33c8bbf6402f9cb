"When a submission came, whether that was late, and what it costs"
import logging, re
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo
from ..cells import CourseError, Unit    # before nbgrader: see there
from nbgrader.api import Gradebook, SubmittedAssignment
from nbgrader.preprocessors import AssignLatePenalties
from tinybench.base.files import decoded
from ..units import Course

def lasting(secs:float) -> str:
    "A duration in its two largest units."
    left, parts = int(secs), {}
    for unit, size in dict(d=86400, h=3600, min=60, s=1).items(): parts[unit], left = divmod(left, size)
    return ' '.join([f'{n} {unit}' for unit, n in parts.items() if n][:2]) or '0 s'

STAMP = re.compile(r'(\d{4}-?\d\d-?\d\d(?:[T ]\d\d:?\d\d(?::?\d\d(?:[.,]\d+)?)?)?)\s*(.*)')
OFFSET = re.compile(r'(?:UTC|GMT)?\s*([+-])(\d\d?)(?::?(\d\d))?', re.I)

def zone(text:str):
    "The zone that `text` names: UTC, an offset such as +05:30, or a place; None if it is not known for sure."
    if text.upper() in ('', 'Z', 'UTC', 'GMT'): return timezone.utc    # nbgrader's is, without a word
    if found := OFFSET.fullmatch(text):
        minutes = int(found[2])*60 + int(found[3] or 0)
        way = 1 if found[1] == '+' else -1
        return timezone(way*timedelta(minutes=minutes)) if minutes < 1440 else None
    try: return ZoneInfo(text) if '/' in text else None    # three letters may be one of several: IST, CST
    except (ValueError, OSError, LookupError): return None

NO_DATE = 'timestamp.txt holds no date, so it counts as handed in on time.'

def read_stamp(text:str) -> tuple[datetime|None, str]:
    "The time in the text of a timestamp.txt, in UTC, or None; and a sentence on what is not sure about it."
    found = STAMP.fullmatch(text.strip())
    try: when = datetime.fromisoformat(found[1].replace(',', '.'))
    except (TypeError, ValueError): return None, NO_DATE
    known = zone(found[2])
    says = '' if known else (f'The zone {found[2][:40]} in timestamp.txt is not known, so its time counts as '
                             'UTC. Write the offset instead, such as +05:30.')
    try: return when.replace(tzinfo=known or timezone.utc).astimezone(timezone.utc), says
    except OverflowError: return None, NO_DATE

def stamp_of(folder:Path) -> tuple[datetime|None, str]:
    "The same, of the submission in `folder`; (None, '') where it has no timestamp.txt."
    stamp = folder/'timestamp.txt'
    if not stamp.is_file() or stamp.is_symlink(): return None, ''    # a link could lead anywhere
    with open(stamp, 'rb') as f: data = f.read(400)    # a person's may be in UTF-16
    try: return read_stamp(decoded(data)[:100])
    except UnicodeDecodeError: return None, NO_DATE

def due_of(course:Course, unit:Unit, student:str, entered:SubmittedAssignment|None=None) -> datetime|None:
    """When a student's `unit` is due: by course.toml's extensions of it, or if it lists none, by that of the
    submission that is `entered` in the gradebook."""
    if unit.name in course.extensions: return course.extensions[unit.name].get(student, unit.due)
    more = entered.extension if entered else None
    return unit.due + more if unit.due and more else unit.due

def extend(course:Course, unit:Unit, submission:SubmittedAssignment) -> None:
    "Enter the student's extension; one that was given in the gradebook stays where course.toml lists none."
    if unit.due is None: submission.extension = None
    if unit.due is None or unit.name not in course.extensions: return
    more = due_of(course, unit, submission.student_id) - unit.due
    submission.extension = more or None

def late_by(submission:SubmittedAssignment) -> float:
    "Seconds after the due date, an extension counted; 0 where nothing is due."
    return submission.total_seconds_late if submission.assignment.duedate else 0.

def penalty_of(submission:SubmittedAssignment) -> float:
    return float(submission.late_submission_penalty or 0)

def final(submission:SubmittedAssignment) -> float:
    "The points of a submission, after what is taken off for lateness: the one number for a grade."
    return max(0., float(submission.score) - penalty_of(submission))

def late_words(submission:SubmittedAssignment) -> list[str]:
    "Sentences on how late a submission came, and what that costs."
    late, off = late_by(submission), penalty_of(submission)
    extended = f', with an extension of {lasting(x.total_seconds())}' if (x := submission.extension) else ''
    if not late: return [f'Handed in on time{extended}.'] if extended else []
    said = [f'Handed in {lasting(late)} late{extended}.']
    return [*said, f'{off:g} points are taken off for lateness.'] if off else said

@contextmanager
def from_plugin(course:Course):
    "Makes what a plugin for lateness raises, or why it cannot be loaded, a CourseError."
    try: yield
    except Exception as e:
        says = ' '.join(str(e).split())[:300].rstrip('.')
        raise CourseError(f'The plugin for lateness in {course.root/"nbgrader_config.py"} fails: '
                          f'{type(e).__name__}: {says}.') from e

def settle(course:Course, unit:Unit, book:Gradebook, config) -> None:
    "Bring extensions and penalties of all submissions up to date, without running anything."
    with from_plugin(course):
        step = AssignLatePenalties(config=config, log=logging.Logger('course.late', logging.CRITICAL + 1))
        step.init_plugin()
    penalty = step.plugin_inst.late_submission_penalty
    for s in book.find_assignment(unit.name).submissions:
        extend(course, unit, s)
        late = late_by(s)
        for nb in s.notebooks:
            with from_plugin(course): off = penalty(s.student_id, nb.score, late) if late else None
            nb.late_submission_penalty = None if off is None else step._check_late_penalty(nb, off)
    book.db.commit()
