"Takes the zip files that students packed into submitted/"
import json, os, re, shutil, tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from nbgrader import utils
from tinybench.base.files import replace_folder
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

def remarks_of(found, course, unit) -> list:
    "What an instructor may want to know of a submission: late, unlocked, old names, missing."
    late = [f'late by {found.when - unit.due}'.split('.')[0]] if unit.due and found.when > unit.due else []
    absent = [n for n in unit.notebooks if f'{n}.ipynb' not in found.files]
    old = {new: old for old, new in course.renamed.items() if new in absent and f'{old}.ipynb' in found.files}
    absent = [n for n in absent if n not in old]
    unlocked = [f'unlocked {", ".join(found.unlocked)}'] if found.unlocked else []
    lacks = [f'without {", ".join(absent)}'] if absent else []
    return late + unlocked + [f'{old[n]} counts as {n}' for n in old] + lacks

def take(course, unit, found):
    "Write a submission's files and its time to submitted/, whole or not at all."
    place = course.folder('submitted', found.student, unit.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(dir=place.parent, prefix='.new-'))
    try:
        for name, data in found.files.items(): (new/name).write_bytes(data)
        (new/'timestamp.txt').write_text(f'{found.when.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC')
        about = dict(unlocked=found.unlocked, versions=found.versions)
        (new/'submission.json').write_text(json.dumps(about, indent=1))
        os.chmod(new, 0o755)
        replace_folder(new, place)
    finally: shutil.rmtree(new, ignore_errors=True)

def taken_at(course, unit, student):
    "When what is in submitted/ was packed, or None where nothing says so."
    stamp = course.folder('submitted', student, unit.name, 'timestamp.txt')
    try: return utils.parse_utc(stamp.read_text()[:100].strip()).replace(tzinfo=timezone.utc)
    except (OSError, ValueError, OverflowError): return None

def out_of_sight(path) -> bool: return any(part.startswith('.') for part in path.parts)

def place_of(path) -> str:
    "Whose a zip seems to be, by its folder and by what stands before the name that `submit` gave; or ''."
    packed = re.search(r'\w+-[\w.@-]+-\d{8}T\d{6}Z', path.name, re.ASCII)
    own = str(path).replace(packed[0], '') if packed else str(path.parent)
    text = re.sub(r'(?i)\.zip$|\d+', '', own)
    return text.strip('/._- ()') if re.search('[A-Za-z]', text) else ''

def collect(course, unit:str, folder) -> Collected:
    "Take the zip files that students packed, in `folder` and below it, into submitted/."
    unit, newest, refused, places = course.unit(unit), {}, [], {}
    if not Path(folder).is_dir(): raise CourseError(f'There is no folder {folder}.')
    for path in sorted(Path(folder).rglob('*')):
        if not path.is_file() or out_of_sight(path.relative_to(folder)): continue
        if path.suffix.lower() != '.zip':
            refused.append(f'{path.name} is no zip file, and is left out.')
            continue
        try: found = read_submission(path)
        except CourseError as e: refused.append(str(e)); continue
        when = found.when
        if when > datetime.now(timezone.utc) + timedelta(days=1):
            refused.append(f'{path.name} says that it was packed at {when:%Y-%m-%d %H:%M}, '
                           'which is yet to come.')
        elif (found.course, found.unit) != (course.id, unit.name):
            refused.append(f'{path.name} is {found.unit} of the course {found.course}, and is left out.')
        else:
            newest[found.student] = max(newest.get(found.student, (when, path)), (when, path))
            places.setdefault(found.student, set()).add(place_of(path.relative_to(folder)))
    rows = []
    for student, (when, path) in sorted(newest.items()):
        found, before = read_submission(path), taken_at(course, unit, student)
        take(course, unit, found)
        newer = [f'instead of a newer one, of {before:%Y-%m-%d %H:%M}'] if before and before > when else []
        named = student in str(path.relative_to(folder))
        other = [] if named else [f'{student} is not in the name {path.name}']
        several = sorted(p for p in places[student] if p)
        if len(several) > 1: other.append(f'from several places: {", ".join(several)}')
        rows.append((student, when, newer + other + remarks_of(found, course, unit)))
    return Collected(unit.name, tuple(rows), tuple(refused))
