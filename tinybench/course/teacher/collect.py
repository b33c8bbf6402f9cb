"Takes what students handed in into submitted/: packed zips, loose notebooks, one zip of a learning platform"
import json, re, tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tinybench.base.files import new_folder
from tinybench.base.text import Shown, Table
from ..cells import CourseError
from ..student.submission import Submission, read_submission
from .gradebook import gradebook, is_there
from .inbox import files_of, loose
from .late import due_of, lasting, stamp_of
from .roster import roster, strangers

@dataclass(frozen=True, repr=False)
class Collected(Shown):
    "Who handed in when, what was remarkable about it, and which files were refused."
    unit: str
    rows: tuple      # (student, time or None, remarks)
    refused: tuple   # sentences

    def table(self) -> Table:
        rows = tuple((name, f'{when:%Y-%m-%d %H:%M}' if when else '', '; '.join(says))
                     for name, when, says in self.rows)
        words = f'{self.unit}: {len(rows)} collected', *self.refused
        return Table(('student', 'UTC', 'remarks'), rows, words, left=None)

def remarks_of(found:Submission, course, unit, entered=None) -> Iterator[str]:
    "What an instructor may want to know of a submission: late, unlocked, old names, missing, not graded."
    due = due_of(course, unit, found.student, entered)
    if due and found.when and found.when > due: yield f'late by {lasting((found.when - due).total_seconds())}'
    if found.unlocked: yield f'unlocked {", ".join(found.unlocked)}'
    absent = {n for n in unit.notebooks if f'{n}.ipynb' not in found.files}
    old = {new: old for old, new in course.renamed.items() if new in absent and f'{old}.ipynb' in found.files}
    yield from (f'{old[n]} counts as {n}' for n in old)
    if lacks := [n for n in unit.notebooks if n in absent - old.keys()]: yield f'without {", ".join(lacks)}'
    known = {f'{n}.ipynb' for n in (*unit.notebooks, *old.values())}
    others = sorted(found.files.keys() - known)
    if others: yield f'not of this unit, so not graded: {", ".join(others)}'
    yield from found.says

def take(course, unit, found:Submission) -> None:
    "Write a submission's files and its time, if that is known, to submitted/, whole or not at all."
    with new_folder(course.folder('submitted', found.student, unit.name)) as new:
        for name, data in found.files.items(): (new/name).write_bytes(data)
        stamp = found.when and f'{found.when.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC'
        if stamp: (new/'timestamp.txt').write_text(stamp)
        about = dict(unlocked=found.unlocked, versions=found.versions)
        (new/'submission.json').write_text(json.dumps(about, indent=1))

def submissions(book, unit) -> dict:
    "{student: submission} of a unit, as far as the gradebook has it."
    return {s.student_id: s for a in book.assignments if a.name == unit.name for s in a.submissions}

def taken_at(course, unit, student) -> datetime|None:
    "When what is in submitted/ was packed, or None where nothing says so."
    return stamp_of(course.folder('submitted', student, unit.name))[0]

def place_of(path:Path) -> str:
    "Whose a zip seems to be, by its folder and by what stands before the name that `submit` gave; or ''."
    packed = re.search(r'\w+-[\w.@-]+-\d{8}T\d{6}Z', path.name, re.ASCII)
    own = str(path).replace(packed[0], '') if packed else str(path.parent)
    text = re.sub(r'(?i)\.zip$|\d+', '', own)
    return text.strip('/._- ()') if re.search('[A-Za-z]', text) else ''

def read_for(course, unit, path:Path) -> Submission:
    "The submission of `unit` in a file; CourseError says why it is none."
    if path.suffix.lower() != '.zip': raise CourseError(f'{path.name} is no zip file, and is left out.')
    found = read_submission(path)
    if found.when > datetime.now(timezone.utc) + timedelta(days=1):
        when = f'{found.when:%Y-%m-%d %H:%M}'
        raise CourseError(f'{path.name} says that it was packed at {when}, which is yet to come.')
    if (found.course, found.unit) == (course.id, unit.name): return found
    raise CourseError(f'{path.name} is {found.unit} of the course {found.course}, and is left out.')

def ahead(when:datetime|None) -> float:
    "Seconds by which a time is yet to come, beyond what a clock may go wrong."
    more = (when - datetime.now(timezone.utc)).total_seconds() if when else 0
    return more if more > 300 else 0

def newest(packed:list) -> tuple:
    "The (time, path, below) to take: the last that is not yet to come, if there is one."
    return max(packed, key=lambda p: (not ahead(p[0]), p))

def identity(course, unit, student, packed:list) -> Iterator[str]:
    "What may mean that a packed file is somebody else's, or not the one that was meant."
    when, _, at = newest(packed)
    before = taken_at(course, unit, student)
    if before and before > when: yield f'instead of a newer one, of {before:%Y-%m-%d %H:%M}'
    if more := ahead(when): yield f'its time is {lasting(more)} ahead of now'
    if student not in str(at): yield f'{student} is not in the name {at.name}'
    if len(places := sorted({*filter(None, (place_of(p) for *_, p in packed))})) > 1:
        yield f'from several places: {", ".join(places)}'
    if len(packed) > 1:
        others = ', '.join(str(p) for *_, p in sorted(packed) if p != at)
        yield f'{len(packed)} files name this student: taken is {at}, and not {others}'

def sorted_out(course, unit, paths) -> tuple[dict, dict, list]:
    "{student: [(time, path, below)]} of packed zips, {below: path} of loose notebooks, and what was refused."
    packed, books, refused = {}, {}, []
    for below, path in paths:
        if path.suffix.lower() == '.ipynb':
            books[below] = path
            continue
        try: found = read_for(course, unit, path)
        except CourseError as e: refused.append(str(e).replace(path.name, str(below), 1))
        else: packed.setdefault(found.student, []).append((found.when, path, below))
    return packed, books, refused

def collect(course, unit:str, folder) -> Collected:
    "Take what students handed in, in `folder` and below it or in one zip, into submitted/."
    unit, folder, rows = course.unit(unit), Path(folder), []
    with ExitStack() as stack:
        def new_place(): return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='tinybench-')))
        book = stack.enter_context(gradebook(course, made=False)) if is_there(course.db_url) else None
        listed = roster(book) if book else {}
        paths, refused = files_of(folder, new_place)
        packed, books, more = sorted_out(course, unit, paths)
        found, unowned = loose(course, unit, books, listed)
        came = sorted({*packed, *found})
        odd = strangers(book, came) if listed else {}
        entered = submissions(book, unit) if book else {}
        for student in came:
            if files := packed.get(student):
                sub = read_submission(newest(files)[1])
                says = [*identity(course, unit, student, files)]
                if student in found: says.append('loose notebooks of this student are left out')
            else: sub, says = found[student], []
            says += remarks_of(sub, course, unit, entered.get(student))
            take(course, unit, sub)
            rows.append((student, sub.when, [*odd.get(student, ()), *says]))
    return Collected(unit.name, tuple(rows), (*refused, *more, *unowned))
