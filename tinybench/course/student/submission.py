"A unit packed for handing in, and read from its zip and verified, whatever somebody put there"
import hashlib, io, json, platform, re, stat, unicodedata, zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from tinybench import __version__
from tinybench.base.files import write_whole
from ..cells import CourseError, Unit, read_notebook
from ..mend.files import mend_files
from .unlock import unlocked
from .workspace import Workspace, faults, open_workspace, restored, still_open


STUDENT = re.compile(r'[A-Za-z0-9][A-Za-z0-9._@-]{0,63}')

@dataclass(frozen=True)
class Submission:
    "What was handed in: who, which unit, when, and the files with their bytes."
    path:Path
    course:str
    student:str
    unit:str
    when:datetime
    files:dict[str, bytes] = field(repr=False)
    unlocked:tuple[str, ...] = ()
    versions:dict[str, str] = field(default_factory=dict, repr=False)
    says:tuple[str, ...] = ()
    def __repr__(self):
        head = f'{self.path.name}: {self.unit} by {self.student}, {len(self.files)} notebooks'
        return '\n'.join([head, *(f'  {s}' for s in self.says)])

def unready(ws:Workspace, unit:Unit, there:dict[str, Path], now:datetime) -> list[str]:
    "What a student may want to know before a unit is handed in."
    says = []
    if unit.due and now > unit.due:
        says.append(f'It was due {unit.due:%Y-%m-%d %H:%M %Z}: this is late, if you have no extension.')
    for n, path in there.items():
        try: nb = read_notebook(path)
        except CourseError as e:
            says.append(f'{n}: {e} It is handed in as it is.')
            continue
        if todo := still_open(ws, n): says.append(f'{n}: not yet filled in: {", ".join(todo)}.')
        with suppress(CourseError):
            if restored(nb, read_notebook(ws.released(n)))[1]:
                says.append(f'{n}: some cells need mending: tinybench student doctor')
        says += [f'{n}, cell {c}: {wrong}' for c, wrong in faults(nb)]
    if these := [u['module'] for u in unlocked(ws) if u['module'] in unit.notebooks]:
        says.append(f'Unlocked, which is handed in too: {", ".join(these)}.')
    return says

def submit(workspace, unit:str, student:str, now:datetime|None=None) -> Submission:
    "Packs the notebooks of `unit` as `submissions/UNIT-STUDENT-TIME.zip`; says what is late or open."
    ws = open_workspace(workspace)
    chosen, now = ws.unit(unit), (now or datetime.now(timezone.utc)).astimezone(timezone.utc)
    now = now.replace(microsecond=0)
    if not STUDENT.fullmatch(student):
        raise CourseError(f'{student!r} cannot name a student: use letters, digits and . _ @ -')
    there, says = mend_files(ws.root, [*chosen.notebooks])
    files = {f'{n}.ipynb': p.read_bytes() for n, p in there.items()}
    if not files: raise CourseError(f'No notebook of {unit} is in {ws.root}: {", ".join(chosen.notebooks)}.')
    says += unready(ws, chosen, there, now)
    versions = dict(tinybench=__version__, released=ws.version,
                    python=platform.python_version(), system=platform.system())
    sums = {n: dict(sha256=hashlib.sha256(b).hexdigest(), bytes=len(b)) for n, b in files.items()}
    about = dict(format=1, course=ws.course, unit=unit, student=student, when=now.isoformat(), files=sums,
                 unlocked=[u['module'] for u in unlocked(ws)], versions=versions)
    path = ws.root/'submissions'/f'{unit}-{student}-{now:%Y%m%dT%H%M%SZ}.zip'
    path.parent.mkdir(exist_ok=True)
    write_whole(path, zipped(files | {'submission.json': (json.dumps(about, indent=1) + '\n').encode()}))
    return Submission(path, ws.course, student, unit, now, files, tuple(about['unlocked']), versions,
                      tuple(says))

def zipped(files:dict[str, bytes]) -> bytes:
    "A zip with `files`, the same bytes for the same files."
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()

MOST_FILES, MOST_EACH, MOST_ALL = 64, 20*2**20, 100*2**20
FLAT = re.compile(r'\w[\w. ()+-]{0,120}\.ipynb')

def members(z:zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    "What a zip's directory lists; CourseError for anything that is no plain file with a plain name."
    found = z.infolist()
    if len(found) > MOST_FILES: raise CourseError(f'it holds {len(found)} files; the most is {MOST_FILES}')
    names = [i.filename for i in found]
    for i in found:
        kind = stat.S_IFMT(i.external_attr >> 16)
        plain = FLAT.fullmatch(unicodedata.normalize('NFC', i.filename)) or i.filename == 'submission.json'
        if not plain or i.orig_filename != i.filename:
            raise CourseError(f'it holds {i.filename[:80]!r}, which is no notebook at its top')
        if kind not in (0, stat.S_IFREG): raise CourseError(f'{i.filename} is a link or the like')
        if i.flag_bits & 1: raise CourseError(f'{i.filename} is encrypted')
        if i.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise CourseError(f'{i.filename} is packed in an unusual way')
        if names.count(i.filename) > 1: raise CourseError(f'it holds {i.filename} twice')
    return found

def unzipped(path) -> dict[str, bytes]:
    "The files in a submission's zip, by name, none larger than allowed, whatever its directory says."
    files, left = {}, MOST_ALL
    if Path(path).stat().st_size > MOST_ALL: raise CourseError(f'it has more than {MOST_ALL/2**20:.0f} MB')
    with zipfile.ZipFile(path) as z:
        for i in members(z):
            most = min(MOST_EACH, left)
            with z.open(i) as f: data = f.read(most + 1)
            if len(data) > most: raise CourseError(f'{i.filename} is too large when it is unpacked')
            files[i.filename], left = data, left - len(data)
    return files

def read_submission(path) -> Submission:
    "A submission that `submit` packed, its checksums verified; CourseError says what is wrong with the file."
    path, do = Path(path), 'Pack it again with: tinybench student submit'
    try: return verified(path, unzipped(path))
    except CourseError as e: raise CourseError(f'{path.name} is no submission: {e}. {do}') from None
    except OSError as e: raise CourseError(f'{path.name} cannot be read: {e.strerror or e}. {do}') from None
    except Exception as e:    # zipfile raises what zlib, struct and codecs raise
        raise CourseError(f'{path.name} is no whole zip ({type(e).__name__}: {e}). {do}') from None

def verified(path:Path, files:dict[str, bytes]) -> Submission:
    "The submission whose zip holds `files`; CourseError if they are not what its list says."
    if 'submission.json' not in files: raise CourseError('it has no submission.json')
    try: about = json.loads(files.pop('submission.json'))
    except (ValueError, RecursionError): raise CourseError('its submission.json is not JSON') from None
    listed = about.get('files') if isinstance(about, dict) else None
    if not isinstance(listed, dict) or about.get('format') != 1: raise CourseError('its list is not known')
    texts = {k: about.get(k) for k in ('course', 'unit', 'student', 'when')}
    if not all(isinstance(v, str) and len(v) < 200 for v in texts.values()):
        raise CourseError('it does not say whose it is')
    if not STUDENT.fullmatch(texts['student']) or not re.fullmatch(r'[\w-]+', texts['unit'], re.ASCII):
        raise CourseError('its student or unit is no name')
    try:
        when = datetime.fromisoformat(texts['when'])
        if when.tzinfo is None: raise ValueError
        when = when.astimezone(timezone.utc)
    except (ValueError, OverflowError): raise CourseError('it does not say when it was packed') from None
    if not 2000 <= when.year < 2200: raise CourseError(f'it says that it was packed in the year {when.year}')
    for n in set(listed) ^ set(files): raise CourseError(f'{n[:80]} is not both in its list and in the zip')
    for n, data in files.items():
        said = listed[n].get('sha256') if isinstance(listed[n], dict) else None
        if said != hashlib.sha256(data).hexdigest():
            raise CourseError(f'{n} is not what was packed: its checksum differs')
    these = about.get('unlocked') if isinstance(about.get('unlocked'), list) else []
    these = [u[:80] for u in these if isinstance(u, str) and u[:80].isprintable()][:200]
    versions = about.get('versions') if isinstance(about.get('versions'), dict) else {}
    return Submission(path, texts['course'], texts['student'], texts['unit'], when, files, tuple(these),
                      {str(k)[:40]: str(v)[:80] for k, v in versions.items()})
