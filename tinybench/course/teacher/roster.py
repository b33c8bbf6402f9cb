"Who is in the course: students that a person entered, and ids that only a submission has brought"
import re
from collections.abc import Iterable
from nbgrader.api import Gradebook, SubmittedAssignment
from tinybench.base.names import nearest_name

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

def letters(text:str) -> str: return re.sub(r'[\W\d_]+', '', text).casefold()

def owner(text:str, listed:dict) -> str:
    "Whose a folder or file called `text` is, by id, number, address or name on the roster; '' if unsure."
    if text in listed: return text
    parts, plain = {text, *re.split(r'[\s_,()]+', text)}, letters(text)
    def fits(s):
        first, last = s.first_name or '', s.last_name or ''
        names = {letters(f'{first}{last}'), letters(f'{last}{first}')} if first and last else set()
        return bool({s.id, s.lms_user_id, s.email} & parts) or any(map(plain.startswith, names))
    found = [i for i, s in listed.items() if fits(s)]
    return found[0] if len(found) == 1 else ''
