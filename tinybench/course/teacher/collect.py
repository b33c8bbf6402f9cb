"Takes the zip files that students packed into submitted/"
import json, re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from nbgrader import utils
from tinybench.base.files import new_folder
from tinybench.base.text import Shown, Table
from ..cells import CourseError
from ..student.submission import read_submission

@dataclass(frozen=True, repr=False)
class Collected(Shown):
    "Who handed in when, what was remarkable about it, and which files were refused."
    unit: str
    rows: tuple      # (student, time, remarks)
    refused: tuple   # sentences

    def table(self) -> Table:
        rows = tuple((name, f'{when:%Y-%m-%d %H:%M}', '; '.join(says)) for name, when, says in self.rows)
        words = f'{self.unit}: {len(rows)} collected', *self.refused
        return Table(('student', 'UTC', 'remarks'), rows, words, left=None)

def remarks_of(found, course, unit) -> Iterator[str]:
    "What an instructor may want to know of a submission: late, unlocked, old names, missing, not graded."
    if unit.due and found.when > unit.due: yield f'late by {found.when - unit.due}'.split('.')[0]
    if found.unlocked: yield f'unlocked {", ".join(found.unlocked)}'
    absent = {n for n in unit.notebooks if f'{n}.ipynb' not in found.files}
    old = {new: old for old, new in course.renamed.items() if new in absent and f'{old}.ipynb' in found.files}
    yield from (f'{old[n]} counts as {n}' for n in old)
    if lacks := [n for n in unit.notebooks if n in absent - old.keys()]: yield f'without {", ".join(lacks)}'
    known = {f'{n}.ipynb' for n in (*unit.notebooks, *old.values())}
    others = sorted(found.files.keys() - known)
    if others: yield f'not of this unit, so not graded: {", ".join(others)}'

def take(course, unit, found):
    "Write a submission's files and its time to submitted/, whole or not at all."
    with new_folder(course.folder('submitted', found.student, unit.name)) as new:
        for name, data in found.files.items(): (new/name).write_bytes(data)
        (new/'timestamp.txt').write_text(f'{found.when.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC')
        about = dict(unlocked=found.unlocked, versions=found.versions)
        (new/'submission.json').write_text(json.dumps(about, indent=1))

def taken_at(course, unit, student):
    "When what is in submitted/ was packed, or None where nothing says so."
    stamp = course.folder('submitted', student, unit.name, 'timestamp.txt')
    try: return utils.parse_utc(stamp.read_text()[:100].strip()).replace(tzinfo=timezone.utc)
    except (OSError, ValueError, OverflowError): return None

def place_of(path) -> str:
    "Whose a zip seems to be, by its folder and by what stands before the name that `submit` gave; or ''."
    packed = re.search(r'\w+-[\w.@-]+-\d{8}T\d{6}Z', path.name, re.ASCII)
    own = str(path).replace(packed[0], '') if packed else str(path.parent)
    text = re.sub(r'(?i)\.zip$|\d+', '', own)
    return text.strip('/._- ()') if re.search('[A-Za-z]', text) else ''

def read_for(course, unit, path):
    "The submission of `unit` in a file; CourseError says why it is none."
    if path.suffix.lower() != '.zip': raise CourseError(f'{path.name} is no zip file, and is left out.')
    found = read_submission(path)
    if found.when > datetime.now(timezone.utc) + timedelta(days=1):
        when = f'{found.when:%Y-%m-%d %H:%M}'
        raise CourseError(f'{path.name} says that it was packed at {when}, which is yet to come.')
    if (found.course, found.unit) == (course.id, unit.name): return found
    raise CourseError(f'{path.name} is {found.unit} of the course {found.course}, and is left out.')

def collect(course, unit:str, folder) -> Collected:
    "Take the zip files that students packed, in `folder` and below it, into submitted/."
    unit, newest, refused, places = course.unit(unit), {}, [], {}
    if not Path(folder).is_dir(): raise CourseError(f'There is no folder {folder}.')
    for path in sorted(Path(folder).rglob('*')):
        below = path.relative_to(folder)
        if not path.is_file() or any(part.startswith('.') for part in below.parts): continue
        try: found = read_for(course, unit, path)
        except CourseError as e: refused.append(str(e))
        else:
            newest[found.student] = max(newest.get(found.student, (found.when, path)), (found.when, path))
            places.setdefault(found.student, set()).add(place_of(below))
    rows = []
    for student, (when, path) in sorted(newest.items()):
        found, before = read_submission(path), taken_at(course, unit, student)
        take(course, unit, found)
        says, several = [], sorted(filter(None, places[student]))
        if before and before > when: says.append(f'instead of a newer one, of {before:%Y-%m-%d %H:%M}')
        named = student in str(path.relative_to(folder))
        if not named: says.append(f'{student} is not in the name {path.name}')
        if len(several) > 1: says.append(f'from several places: {", ".join(several)}')
        rows.append((student, when, [*says, *remarks_of(found, course, unit)]))
    return Collected(unit.name, tuple(rows), tuple(refused))
