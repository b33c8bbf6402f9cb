"`tinybench course`: thin commands over what those who teach run"
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
import typer
from tinybench.base.files import read_text
from tinybench.base.terminal import bar, echo, say
from ..commands import command, group

app = group('Build, hand out, collect and grade a course.')

Where = Annotated[Path, typer.Option('--course', help='Folder of the course: with course.toml, or above it.')]
Units = Annotated[list[str]|None, typer.Argument(help='Units, as course.toml names them; all if left out.')]
One = Annotated[str, typer.Argument(help='A unit, as course.toml names it.')]
Chosen = Annotated[list[str]|None,
                   typer.Option('--unit', help='A unit; may be given again. All if left out.')]
Jobs = Annotated[int|None, typer.Option(help='How many at a time; the number of cores if left out.', min=1)]
Handout = Annotated[Path, typer.Argument(help='Where to write it; units are added to one that is there.')]
Package = Annotated[str|None,
                    typer.Option(help='What pip is to install, such as a URL; this version if left out.')]
Inbox = Annotated[Path, typer.Argument(help="The folder, or one zip, with what students handed in.")]
Roster = Annotated[Path, typer.Argument(help="A CSV file with a student a line.")]
Students = Annotated[list[str]|None, typer.Option('--student', help='Only one; may be given again.')]
Scheduler = Annotated[str|None, typer.Option(help='A Dask scheduler, such as tcp://host:8786.')]
Again = Annotated[bool, typer.Option('--again', help='Also those whose grade still holds.')]
Notes = Annotated[bool, typer.Option('--notes', help='Also all that was noted of each student.')]
Check = Annotated[str, typer.Argument(help='A check, by its grade_id.')]
ForAll = Annotated[bool, typer.Option('--for-all', help='Everybody who handed in has its points.')]
Undo = Annotated[bool, typer.Option('--undo', help='It counts again, from the next grading on.')]
AsJson = Annotated[bool, typer.Option('--json', help='Print everything as JSON.')]
Csv = Annotated[Path, typer.Argument(help='The CSV file to write.')]
Style = Annotated[str, typer.Option(help='Whose columns: nbgrader, canvas or moodle.')]
Lessons = Annotated[list[str]|None, typer.Argument(help='Notebooks, such as 12_nn.conv; all if left out.')]
Mutants = Annotated[bool, typer.Option(help='Also change each solution mechanically.')]

def opened(folder:Path):
    "The course in `folder`; what reads it is loaded only now, as it is slow to load."
    from ..units import read_course
    return read_course(folder)

@command(app, 'tinybench course check layers')
def check(units:Units=None, course:Where=Path('.')):
    "Look in every notebook for what would go wrong. Status 1 where something would."
    from .lint import check as look, how_run
    with bar('looking') as tell: found = look(opened(course), units or None, tell)
    for problem in found: echo(problem)
    if not found: say(how_run(opened(course), units or None))
    say('1 problem' if len(found) == 1 else f'{len(found)} problems')
    if found: raise typer.Exit(1)

@command(app, 'tinybench course build layers')
def build(units:Units=None, course:Where=Path('.')):
    "Write source/, release/ and the gradebook's entries of units."
    from .build import build as make
    with bar('building') as tell: found = make(opened(course), units or None, tell)
    for built in found: echo(built)

@command(app, 'tinybench course release ../handout --unit layers')
def release(folder:Handout, units:Chosen=None, package:Package=None, course:Where=Path('.')):
    "Write the folder that students get, a project of its own."
    from .handout import THIS_VERSION, release as make
    with bar('releasing') as tell: folder = make(opened(course), folder, units or None, package, tell)
    echo(folder)
    if THIS_VERSION in read_text(folder/'requirements.txt'):
        say('requirements.txt asks for this version of tinybench; --package says where pip finds it.')

@command(app, 'tinybench course enrol students.csv')
def enrol(file:Roster, course:Where=Path('.')):
    """Enter the students in a CSV file into the gradebook, or change what it knows of them.

    Its first line names the columns: id, and any of first_name, last_name, email, lms_user_id. A file that a
    spreadsheet saved is fine."""
    from .roster import enrol as enter
    n, new = enter(opened(course), file)
    echo(f'{n} students, {new} of them new')

@command(app, 'tinybench course collect layers ~/Downloads/layers')
def collect(unit:One, folder:Inbox, course:Where=Path('.')):
    """Take what students handed in into submitted/.

    Zip files that they packed, loose notebooks in a folder for each student, or the one zip that a learning
    platform gives. Of each student the newest. What is no submission of this unit is named, and costs nobody
    else anything."""
    from .collect import collect as take
    echo(take(opened(course), unit, folder))

@command(app, 'tinybench course grade layers')
def grade(unit:One, students:Students=None, scheduler:Scheduler=None, jobs:Jobs=None, again:Again=False,
          notes:Notes=False, course:Where=Path('.'), as_json:AsJson=False):
    """Autograde a unit's submissions into nbgrader's gradebook.

    They run in parallel, and one that breaks costs no other student. After a stop, the same command goes on
    (with --again, from the start). Status 1 where somebody could not be graded."""
    from .build import is_built
    from .grade import grade as run
    this = opened(course)
    if this.folder('source', unit).is_dir() and not is_built(this, this.unit(unit)):
        say(f'{unit} has changed since it was built, and is graded as built: tinybench course build {unit}')
    with bar('grading') as tell: found = run(this, unit, scheduler, jobs, students, again, progress=tell)
    if found.walls.startswith('NO SANDBOX'): say(found.walls)
    echo(json.dumps(asdict(found), indent=1) if as_json else found.all_notes() if notes else found)
    if not all(r.done for r in found.rows): raise typer.Exit(1)

@command(app, 'tinybench course feedback layers')
def feedback(unit:One, course:Where=Path('.')):
    "Write a page for each student: points, and what was expected."
    from .feedback import write_unit
    with bar('writing') as tell: found = write_unit(opened(course), unit, tell)
    for path in found: echo(path)

@command(app, 'tinybench course export grades.csv --style canvas')
def export(to:Csv, style:Style='nbgrader', units:Chosen=None, course:Where=Path('.')):
    "Write the grades as CSV."
    from .platforms import export as write, not_listed
    this = opened(course)
    echo(write(this, to, style, units or None))
    for sentence in not_listed(this): say(sentence)

@command(app, 'tinybench course drop layers conv-hidden')
def drop(unit:One, check:Check, for_all:ForAll=False, undo:Undo=False, course:Where=Path('.')):
    """Take a bad check out of a unit after hand-in.

    The unit is worth so much less, for everybody; with --for-all everybody has its points instead. Grades in
    the gradebook follow at once, and later ones too."""
    from .drop import drop as take_out
    how = 'undo' if undo else 'everybody' if for_all else 'out'
    echo(take_out(opened(course), unit, check, how))

@command(app, 'tinybench course prove 12_nn.conv')
def prove(notebooks:Lessons=None, mutants:Mutants=True, jobs:Jobs=None, course:Where=Path('.')):
    """Prove that checks notice wrong answers, and no right ones.

    Solutions earn all points, stubs and constants none; known wrong answers lose some, right ones do not."""
    from ..prove.lessons import prove as try_all
    with bar('proving') as tell:
        found = try_all(opened(course), notebooks or None, mutants=mutants, jobs=jobs, progress=tell)
    for proof in found: echo(proof)
    if not all(proof.holds for proof in found): raise typer.Exit(1)
