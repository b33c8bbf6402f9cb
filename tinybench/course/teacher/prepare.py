"A submission made ready to run: read, mended, with the original checks, and as plain data"
import hashlib, json, logging, os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
# before nbgrader: see there
from ..cells import CourseError, NotebookNode, grading, module_of, read_notebook
from nbgrader.preprocessors import (CheckCellMetadata, ClearOutput, DeduplicateIds, NbGraderPreprocessor,
    OverwriteCells, OverwriteKernelspec)
from ... import __version__
from ..box.needed import as_given, import_lines, lesson_names, needed, with_imports
from ..box.peculiar import peculiar
from ..box.plan import plan
from ..box.start import HOME, library_sum
from ..mend.files import mend_files
from ..mend.notebook import mend
from ..units import package_of
from .beside import given_files, packed
from .build import load_config
from .dropped import drops
from .gradebook import open_book
from .reader import Reader

@dataclass
class Prepared:
    "A submission ready to run: its notebooks, checks in place, and notes by notebook ('' for all)."
    student: str
    key: str = ''  # `key_of` when it was read
    notebooks: dict = field(default_factory=dict)
    notes: dict = field(default_factory=dict)
    watch: list = field(default_factory=list)  # what a person should look at, and no student is told

class CheckOnce(NbGraderPreprocessor):
    "nbgrader's CheckCellMetadata, a millisecond a cell, for a notebook with cells not seen before, or twice."
    held = set()
    def preprocess(self, nb, told):
        metas = [c.metadata.get('nbgrader') for c in nb.cells]
        said = {json.dumps([c.cell_type, m], sort_keys=True, default=str) for c, m in zip(nb.cells, metas)}
        names = [m['grade_id'] for m in metas if isinstance(m, dict) and 'grade_id' in m]
        if len({*map(str, names)}) < len(names) or not said <= self.held:
            CheckCellMetadata(parent=self).preprocess(nb, told)
        if len(self.held) < 10_000: self.held.update(said)
        return nb, told

SANITIZE = ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells, CheckOnce

def apply(steps, nb, unit, student, name, config) -> NotebookNode:
    "The notebook `name` of a student after nbgrader's preprocessors `steps`."
    names = dict(student=student, assignment=unit.name, notebook=name, db_url=config.CourseDirectory.db_url)
    told = dict(nbgrader=names, unique_key=name, language='python')
    how = dict(config=config, log=logging.Logger('course.grade', logging.CRITICAL + 1), enabled=True)
    for step in steps: nb, told = step(**how).preprocess(nb, told)
    return nb

# by path and the time of the last change: a lesson is read once for all students
read_once = lru_cache(maxsize=32)(lambda path, changed: read_notebook(path))

@lru_cache(maxsize=32)
def told_of(path, changed) -> dict:
    "What a warm process is told of a lesson: its imports, its names, and how its checks are run."
    nb = read_once(path, changed)
    return dict(imports=import_lines(nb), shared=lesson_names(nb.cells), plan=plan(nb))

def lesson(course, unit, notebook, step='source') -> NotebookNode:
    "The instructor's notebook as `course build` copied it, or with `step='release'` as students got it."
    return read_once(*lesson_at(course, unit, notebook, step))

def lesson_at(course, unit, notebook, step='source') -> tuple:
    "The path of that notebook, and when it was last changed."
    path = course.folder(step, unit.name, f'{notebook}.ipynb')
    if not path.is_file(): raise CourseError(f'{path} is missing. Run `tinybench course build {unit.name}`.')
    return path, path.stat().st_mtime_ns

def key_of(course, unit, student) -> str:
    "A checksum of what was handed in and of what it is graded against: while it lasts, a grade holds."
    tables = sorted(course.limits.items()), sorted(course.renamed.items())
    rules = f'{__version__} {unit.due and unit.due.timestamp()} {tables} {drops(course, unit.name)}'
    folder, digest = course.folder('submitted', student, unit.name), hashlib.sha256(rules.encode())
    files = [p for p in sorted(folder.rglob('*')) if p.is_file() and not p.is_symlink()]
    lessons = [course.folder('source', unit.name, f'{n}.ipynb') for n in unit.notebooks]
    data = given_files(course, unit).values()
    for p in [*files, *lessons, *data, course.root/'nbgrader_config.py']:
        digest.update(os.fsencode(p.name) + b'/')
        with suppress(OSError), open(p, 'rb') as f:
            while part := f.read(1 << 20): digest.update(part)
    return digest.hexdigest()

def handed_in_files(course, unit, student) -> tuple[dict, list]:
    "The file of each notebook of a submission, by its name or the one that it had before; and notes."
    folder = course.folder('submitted', student, unit.name)
    files, says = mend_files(folder, unit.notebooks)
    former = {new: old for old, new in course.renamed.items() if new in unit.notebooks and new not in files}
    found = mend_files(folder, former.values())[0] if former else {}
    for new, old in former.items():
        if old not in found or found[old] in files.values(): continue
        files[new] = found[old]
        says.remove(f'{new}.ipynb is missing.')
        says.append(f'{found[old].relative_to(folder)} counts as {new}.ipynb, which is its new name.')
    return files, says

def prepare(course, unit, student, config) -> Prepared:
    "Read, mend and sanitize what a student handed in. What cannot be read is noted, and scores nothing."
    ready = Prepared(student, key_of(course, unit, student))
    files, ready.notes[''] = handed_in_files(course, unit, student)
    for name in unit.notebooks:
        notes = ready.notes.setdefault(name, [])
        if name not in files: continue
        try:
            source, released = lesson(course, unit, name), lesson(course, unit, name, 'release')
            nb, did = mend(read_notebook(files[name]), source, released)
            notes += did
            for look in (with_imports, as_given): notes += look(nb.cells, source)
            ready.watch += [f'{name}: {said}' for said in peculiar(nb.cells, source)]
            ready.notebooks[name] = apply(SANITIZE, nb, unit, student, name, config)
        except CourseError as e: notes.append(str(e))
        except Exception as e:
            notes.append(f'nbgrader cannot read this notebook: {type(e).__name__}: {e}'[:500])
    return ready

def library_of(course) -> Path:
    "The folder with the reference package: beside nbs/, or for tinybench where this module was installed."
    beside, package = course.root.parent, package_of(course)
    if (beside/package/'__init__.py').is_file(): return beside
    if package == 'tinybench': return HOME
    raise CourseError(f'{beside} holds no package {package}, which settings.ini names: run nbdev_export '
                      'there.')

def secrets(course) -> list[str]:
    "The folders that no submission may look into: the course's, and the whole clone where it lies in one."
    clone = [course.root.parent] if library_of(course) == course.root.parent else []
    return [str(p) for p in (course.root, course.nbs, *clone)]

def work_for(course, unit, ready, sandbox=True) -> dict:
    "A submission as plain data for `run_work`: the cells that its grades depend on, what they may import."
    there = sorted(p.stem for p in course.nbs.glob('[0-9]*_*.ipynb'))
    library, package = library_of(course), package_of(course)
    cells = {n: [dict(id=c.id, source=c.source, cell_type='code', metadata=dict(nbgrader=dict(grading(c))))
                 for c in needed(nb.cells, lesson(course, unit, n))]
             for n, nb in ready.notebooks.items()}
    lessons = {n: dict(blocked=[f'{package}.{module_of(m)}' for m in there if m >= n],
                       **told_of(*lesson_at(course, unit, n))) for n in cells}
    return dict(cells=cells, lessons=lessons, library=str(library), package=package,
                sum=library_sum(library, package), limits=course.limits, sandbox=sandbox,
                secrets=secrets(course),
                files=packed(course, unit, False), private=packed(course, unit, True))

def both(course, unit, student, sandbox) -> tuple[Prepared, dict]:
    "A submission made ready, and its work; the configuration is loaded here, as not all of it can be sent."
    config = load_config(course)
    with open_book(course, config): ready = prepare(course, unit, student, config)
    return ready, work_for(course, unit, ready, sandbox)

def read(reader:Reader, course, unit, student, sandbox=True) -> tuple[Prepared, dict]:
    "A submission made ready, and its work: nothing is run where `reader` says that it cannot be read."
    try: return reader(both, course, unit, student, sandbox)
    except CourseError as e:
        ready = Prepared(student, key_of(course, unit, student), notes={'': [f'It counts as empty: {e}.']})
        return ready, work_for(course, unit, ready, sandbox)
