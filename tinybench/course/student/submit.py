"A unit packed for handing in"
import hashlib, io, json, platform, zipfile
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from tinybench import __version__
from tinybench.base.files import write_whole
from ..cells import CourseError, Unit, read_notebook
from ..mend.files import mend_files
from .notebook import faults, restored, still_open
from .submission import STUDENT, Submission
from .unlock import unlocked
from .workspace import Workspace, open_workspace


def unready(ws:Workspace, unit:Unit, there:dict[str, Path], now:datetime) -> list[str]:
    "What a student may want to know before a unit is handed in."
    says = []
    if unit.due and now > unit.due: says.append(f'It was due {unit.due:%Y-%m-%d %H:%M %Z}: this is late.')
    for n in unit.notebooks:
        if n not in there: continue
        try: nb = read_notebook(there[n])
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
