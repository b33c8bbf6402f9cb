"Writes the feedback of a unit: which check, what was expected, what came"
import json, re, shutil
from contextlib import suppress
from pathlib import Path
from tinybench.base.files import write_whole
from ..cells import CourseError, named, one_of, read_notebook, role
from ..units import Course
from .gradebook import find, gradebook
from .late import late_words, penalty_of
from .page import feedback_page, notebook_words

def save(path:Path, text:str) -> Path:
    "Write `text` so that `path` is either as it was or whole; CourseError if that cannot be done."
    try: return write_whole(path, text)
    except OSError as e: raise CourseError(f'{path} cannot be written: {(e.__cause__ or e).strerror}.') from e

def graded_words(submitted, folder:Path, notes:list[str]) -> dict:
    "What the page says of one notebook of a submission: from the gradebook, and the graded file in `folder`."
    name, path = submitted.name, folder/f'{submitted.name}.ipynb'
    scores = {g.name: None if (g.manual_score, g.auto_score) == (None, None) else g.score
              for g in submitted.grades}
    comments = {c.name: c.comment for c in submitted.comments if c.comment and c.comment != 'No response.'}
    try: nb = read_notebook(path)
    except CourseError as e:
        lost = str(e) if path.exists() else 'It was not handed in, or could not be graded.'
        return dict(name=name, score=submitted.score, most=submitted.max_score, exercises=[], lost=lost,
                    notes=notes)
    worth = {g.name: float(g.max_score) for g in submitted.grades}
    for c in (c for c in nb.cells if named(c) in worth):
        c.metadata.nbgrader.points = worth[named(c)]    # a check that was dropped since is worth nothing
    hidden = tuple(f'{c.id}: ' for c in nb.cells if role(c) == 'hidden')
    kept = [x for x in notes if not x.startswith(hidden)]
    return notebook_words(name, nb, scores, comments) | dict(notes=kept)

def unit_pages(course:Course, unit:str, student, submission) -> dict[str, str]:
    "A student's pages by file name: index.html for the unit, and one a notebook, as nbgrader names them."
    title, name = course.unit(unit).title, ' '.join(filter(None, (student.first_name, student.last_name)))
    who = f'{name} ({student.id})' if name else student.id
    if submission is None: return {'index.html': feedback_page(title, who, [], ['Nothing was handed in.'])}
    folder, notes = course.folder('autograded', student.id, unit), {}
    with suppress(OSError, ValueError): notes = json.loads((folder/'notes.json').read_text(encoding='utf-8'))
    parts = sorted(submission.notebooks, key=lambda s: s.name)
    found = [graded_words(s, folder, notes.get(s.name, [])) for s in parts]
    penalty, whole = penalty_of(submission), late_words(submission)
    pages = {f'{b["name"]}.html': feedback_page(f'{title}: {b["name"]}', who, [b]) for b in found}
    return pages | {'index.html': feedback_page(title, who, found, whole + notes.get('', []), penalty)}

def write_pages(course:Course, unit:str, student, submission) -> Path:
    "Write the pages of a student to feedback/STUDENT/UNIT/; where their index.html is."
    # an id comes from a list that somebody typed, or from an archive
    if student.id in ('', '.', '..') or re.search(r'[/\\\x00]', student.id):
        raise CourseError(f'{student.id!r} cannot name a folder.')
    to = course.folder('feedback', student.id, unit)
    to.mkdir(parents=True, exist_ok=True)
    for name, text in unit_pages(course, unit, student, submission).items(): save(to/name, text)
    for name in ('timestamp.txt', 'submission_secret.txt'):   # what nbgrader's release_feedback looks for
        kept = course.folder('autograded', student.id, unit, name)
        if kept.is_file(): shutil.copyfile(kept, to/name)
    return to/'index.html'

def write_feedback(course:Course, unit:str, student:str) -> Path:
    "Write the feedback page for one student and unit; where it is."
    with gradebook(course, made=False) as gb:
        handed_in = {s.student_id: s for s in find(gb, unit).submissions}
        found = {s.id: s for s in gb.students}
        one_of(student, found, f'The gradebook does not know {student}:')
        return write_pages(course, unit, found[student], handed_in.get(student))

def write_unit(course:Course, unit:str, progress=None) -> list[Path]:
    "Write the feedback for all who handed in the unit; `progress(done, of, what)` is called after each."
    paths = []
    with gradebook(course, made=False) as gb:
        graded = sorted(find(gb, unit).submissions, key=lambda s: s.student_id)
        if not graded:
            raise CourseError(f'Nobody is graded in {unit}: '
                              f'grade it first with `tinybench course grade {unit}`.')
        for i, s in enumerate(graded, 1):
            paths.append(write_pages(course, unit, s.student, s))
            if progress: progress(i, len(graded), s.student_id)
    return paths
