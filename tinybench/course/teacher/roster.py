"Who is in the course: students that a person entered, and ids that only a submission has brought"
import csv, io, re, unicodedata
from collections.abc import Callable, Iterable
from itertools import accumulate
from pathlib import Path
from ..cells import CourseError, Unit    # before nbgrader: see there
from nbgrader.api import Gradebook, SubmittedAssignment
from tinybench.base.files import read_text
from tinybench.base.names import nearest_name
from ..units import Course
from .build import load_config
from .gradebook import gradebook

def handed_in_before(book:Gradebook) -> set[str]:
    "The ids of students of whom the gradebook has a submission."
    return {i for i, in book.db.query(SubmittedAssignment.student_id).distinct()}

def roster(book:Gradebook) -> dict:
    "{id: student} of those whom a person entered; empty where each submission brings its own student."
    came = handed_in_before(book)
    def entered(s): return s.first_name or s.last_name or s.email or s.lms_user_id or s.id not in came
    return {s.id: s for s in book.students if entered(s)}

def strangers(book:Gradebook, students:Iterable[str]) -> dict[str, tuple[str, ...]]:
    "{id: sentences} of those among `students` who are not on the roster, or differ from one by case only."
    listed, there, found = roster(book), {s.id for s in book.students}, {}
    named = any(s.first_name or s.last_name or s.email or s.lms_user_id for s in listed.values())
    for student in students:
        twin = next((i for i in there if i != student and i.casefold() == student.casefold()), None)
        known = student in listed or not listed or (student in there and not named)
        if known and not (twin and twin in listed and student not in listed): continue
        near = twin or nearest_name(student, listed)
        more = f' Is it {near}?' if near else ''
        found[student] = f'{student} is not on the roster, and counts as a student of its own.{more}',
    return found

COLUMNS = 'id', 'first_name', 'last_name', 'email', 'lms_user_id'

def read_roster(path:str|Path) -> dict[str, dict[str, str]]:
    """{id: what else is known} of the students in a CSV file with the columns of nbgrader, as a spreadsheet
    writes it: with , or ; or tabs between values, in UTF-8 or UTF-16; CourseError says where it is wrong."""
    try: text = read_text(path)
    except ValueError as e: raise CourseError(f'{path} is {e}.') from None
    between = max(',;\t', key=text.partition('\n')[0].count)
    table = csv.reader(io.StringIO(unicodedata.normalize('NFC', text)), delimiter=between)
    rows = [[*map(str.strip, row)] for row in table]
    head, found = [x.lower().replace(' ', '_') for x in rows[0]] if rows else [], {}
    if 'id' not in head:
        raise CourseError(f'{path} has no column id: its first line is to name {", ".join(COLUMNS)}.')
    for n, row in enumerate(rows[1:], 2):
        values = {k: v for k, v in zip(head, row) if v}
        if not values: continue
        if not (student := values.pop('id', '')): raise CourseError(f'{path}, line {n}: the id is missing.')
        if student in found: raise CourseError(f'{path}, line {n}: {student} is there twice.')
        found[student] = {k: v for k, v in values.items() if k in COLUMNS}
    return found

def enrol(course:Course, path:str|Path) -> tuple[int, int]:
    "Enter the students in a CSV file into the gradebook; how many there are, and how many are new."
    found = read_roster(path)
    with gradebook(course, load_config(course)) as book:
        new = found.keys() - {s.id for s in book.students}
        for student, known in found.items(): book.update_or_create_student(student, **known)
    return len(found), len(new)

def extended_strangers(course:Course, unit:Unit, book:Gradebook) -> list[str]:
    "A sentence for each extension of `unit` in course.toml for somebody who is not known."
    listed, said = {*roster(book)}, []
    there = listed | {s.student_id for s in book.find_assignment(unit.name).submissions}
    for student in course.extensions.get(unit.name, {}).keys() - there:
        near = nearest_name(student, there)
        more = f' Is it {near}?' if near else ''
        if listed or near:
            said.append(f'course.toml extends {unit.name} for {student}, who is not known.{more}')
    return sorted(said)

def letters(text:str) -> str:
    "`text` without signs, digits and case, composed: macOS writes ü as u and two dots."
    return re.sub(r'[\W\d_]+', '', unicodedata.normalize('NFC', text)).casefold()

def without_accents(text:str) -> str:
    return ''.join(c for c in unicodedata.normalize('NFKD', text) if not unicodedata.combining(c))

def by_name(text:str, listed:dict, plain:Callable=letters) -> set[str]:
    "The ids of those whose first and last name, in either order, are the first words of `text`."
    words = [plain(w) for w in re.split(r'[\W\d_]+', unicodedata.normalize('NFC', text)) if w]
    begins = set(accumulate(words))
    def names(s): return {plain(s.first_name + s.last_name), plain(s.last_name + s.first_name)}
    return {i for i, s in listed.items() if s.first_name and s.last_name and names(s) & begins}

CANVAS = re.compile(r'[^\W_]+(?:_LATE)?_(\d+)_\d+_')    # lovelaceada_LATE_71_555_name: the first is hers
MOODLE = re.compile(r'(.+)_\d+_assignsubmission_')      # Ada Lovelace_123_…: the number is the submission's

def owner(text:str, listed:dict) -> str:
    "Whose a folder or file called `text` is, by id, number, address or name on the roster; '' if unsure."
    if text in listed: return text
    canvas, moodle = CANVAS.match(text), MOODLE.match(text)
    parts = {canvas[1]} if canvas else {moodle[1]} if moodle else {text, *re.split(r'[\s_,()]+', text)}
    found = {i for i, s in listed.items() if {s.id, s.lms_user_id, s.email} & (parts - {''})}
    text = moodle[1] if moodle else text
    found = found or by_name(text, listed) or by_name(text, listed, lambda t: letters(without_accents(t)))
    return found.pop() if len(found) == 1 else ''
