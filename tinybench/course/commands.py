"""`tinybench course` for those who teach, `tinybench student` for those who learn: thin commands over functions"""


import json, sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
import typer


def say(text:str):
    "Prints `text` on stderr."
    typer.echo(text, err=True)


@contextmanager
def told():
    "Turns what a person can put right into a line on stderr and status 1, Ctrl-C into one and status 130."
    try:
        try: from tinybench.course.cells import CourseError
        except ModuleNotFoundError as e:
            say(f'tinybench: the course needs {e.name}: pip install "tinybench[course]"')
            raise typer.Exit(1) from None
        try: yield
        except BrokenPipeError: raise   # `| head` has seen enough, which Typer knows
        except (CourseError, OSError) as e:
            say(f'tinybench: {e}')
            raise typer.Exit(1) from None
    except KeyboardInterrupt:
        say('\ntinybench: stopped; nothing is half-written, and the same command may be run again')
        raise typer.Exit(130) from None


@contextmanager
def bar(what:str):
    "A function to tell (done, of, text), which draws a bar on a terminal's stderr and nothing elsewhere."
    from tqdm import tqdm
    with tqdm(desc=what, leave=False, disable=not sys.stderr.isatty()) as shown:
        def tell(done, of, text=''):
            shown.total = of
            shown.set_postfix_str(str(text)[:30], refresh=done == shown.n)
            shown.update(done - shown.n)
        yield tell


Where = Annotated[Path, typer.Option('--course', help='Folder of the course: with course.toml, or above it.')]
Units = Annotated[list[str]|None, typer.Argument(help='Units, as course.toml names them; all if left out.')]
One = Annotated[str, typer.Argument(help='A unit, as course.toml names it.')]
Chosen = Annotated[list[str]|None,
                   typer.Option('--unit', help='A unit; may be given again. All if left out.')]
Jobs = Annotated[int|None, typer.Option(help='How many at a time; the number of cores if left out.', min=1)]
Lessons = Annotated[list[str]|None, typer.Argument(help='Notebooks, such as 12_nn.conv; all if left out.')]
OrUnits = Annotated[list[str]|None, typer.Argument(help='Notebooks or units, such as 12_nn.conv; all if left out.')]
AsJson = Annotated[bool, typer.Option('--json', help='Print everything as JSON.')]
Workspace = Annotated[Path, typer.Option('--workspace', help='The folder that the course handed out.')]


@told()
def check(units:Units=None, course:Where=Path('.')):
    """Look in every notebook for what would go wrong. Status 1 where something would.

    Example: tinybench course check layers
    """
    from tinybench.course.teacher.lint import check as look
    from tinybench.course.units import read_course
    with bar('looking') as tell: found = look(read_course(course), units or None, tell)
    for problem in found: typer.echo(problem)
    say(f'{len(found)} problem{"s"*(len(found) != 1)}')
    if found: raise typer.Exit(1)


@told()
def build(units:Units=None, course:Where=Path('.')):
    """Write source/, release/ and the gradebook's entries of units.

    Example: tinybench course build layers
    """
    from tinybench.course.teacher.build import build as make
    from tinybench.course.units import read_course
    with bar('building') as tell: found = make(read_course(course), units or None, tell)
    for built in found: typer.echo(built)


@told()
def release(
    folder:Annotated[Path, typer.Argument(help='Where to write it; units are added to one that is there.')],
    units:Chosen=None,
    package:Annotated[str|None,
                      typer.Option(help='What pip is to install, such as a URL; this version if left out.')]=None,
    course:Where=Path('.'),
):
    """Write the folder that students get, a project of its own.

    Example: tinybench course release ../handout --unit layers
    """
    from tinybench.course.teacher.handout import THIS_VERSION, release as make
    from tinybench.course.units import read_course
    with bar('releasing') as tell: folder = make(read_course(course), folder, units or None, package, tell)
    typer.echo(folder)
    if THIS_VERSION in (folder/'requirements.txt').read_text():
        say('requirements.txt asks for this version of tinybench; --package says where pip finds it.')


@told()
def collect(
    unit:One, folder:Annotated[Path, typer.Argument(help="The folder with the students' zip files.")],
    course:Where=Path('.')
):
    """Take what students packed into submitted/, of each the newest in the folder.

    A file that is no submission of this unit is named, and costs nobody else anything.

    Example: tinybench course collect layers ~/Downloads/layers
    """
    from tinybench.course.units import read_course
    from tinybench.course.teacher.collect import collect as take
    typer.echo(take(read_course(course), unit, folder))


@told()
def grade(
    unit:One,
    students:Annotated[list[str]|None, typer.Option('--student', help='Only one; may be given again.')]=None,
    scheduler:Annotated[str|None, typer.Option(help='A Dask scheduler, such as tcp://host:8786.')]=None,
    jobs:Jobs=None,
    again:Annotated[bool, typer.Option('--again', help='Also those whose grade still holds.')]=False,
    course:Where=Path('.'), as_json:AsJson=False,
):
    """Autograde a unit's submissions into nbgrader's gradebook.

    They run in parallel, and one that breaks costs nobody else anything. After a stop, the same command goes on
    (with --again, from the start). Status 1 where somebody could not be graded.

    Example: tinybench course grade layers
    """
    from tinybench.course.teacher.build import is_built
    from tinybench.course.units import read_course
    from tinybench.course.teacher.grade import grade as run
    this = read_course(course)
    if this.folder('source', unit).is_dir() and not is_built(this, this.unit(unit)):
        say(f'{unit} has changed since it was built, and is graded as built: tinybench course build {unit}')
    with bar('grading') as tell: found = run(this, unit, scheduler, jobs, students, again, progress=tell)
    if found.walls.startswith('NO SANDBOX'): say(found.walls)
    typer.echo(json.dumps(asdict(found), indent=1) if as_json else found)
    if not all(r.done for r in found.rows): raise typer.Exit(1)


@told()
def feedback(unit:One, course:Where=Path('.')):
    """Write a page for each student: points, and what was expected.

    Example: tinybench course feedback layers
    """
    from tinybench.course.units import read_course
    from tinybench.course.teacher.feedback import write_unit
    with bar('writing') as tell: found = write_unit(read_course(course), unit, tell)
    for path in found: typer.echo(path)


@told()
def export(
    to:Annotated[Path, typer.Argument(help='The CSV file to write.')],
    style:Annotated[str, typer.Option(help='Whose columns: nbgrader, canvas or moodle.')]='nbgrader',
    units:Chosen=None,
    course:Where=Path('.'),
):
    """Write the grades as CSV.

    Example: tinybench course export grades.csv --style canvas
    """
    from tinybench.course.units import read_course
    from tinybench.course.teacher.platforms import export as write
    typer.echo(write(read_course(course), to, style, units or None))


@told()
def prove(
    notebooks:Lessons=None,
    mutants:Annotated[bool, typer.Option(help='Also change each solution mechanically.')]=True,
    jobs:Jobs=None,
    course:Where=Path('.'),
):
    """Prove that checks notice wrong answers, and no right ones.

    Solutions earn all points, stubs and constants none; known wrong answers lose some, known right ones do not.

    Example: tinybench course prove 12_nn.conv
    """
    from tinybench.course.units import read_course
    from tinybench.course.prove.lessons import prove_all
    with bar('proving') as tell:
        found = prove_all(read_course(course), notebooks or None, mutants=mutants, jobs=jobs, progress=tell)
    for proof in found: typer.echo(proof)
    if not all(proof.holds for proof in found): raise typer.Exit(1)


@told()
def student_check(names:OrUnits=None, workspace:Workspace=Path('.')):
    """Run the visible checks with your own library. Status 1 where something does not hold yet.

    Example: tinybench student check 12_nn.conv
    """
    from tinybench.course.student.check import check as run
    with bar('checking') as tell: found = run(workspace, names or None, tell)
    typer.echo(found)
    if not found.holds: raise typer.Exit(1)


@told()
def student_doctor(
    mend:Annotated[bool, typer.Option('--mend/--look', help='Put right what can be, or only look.')]=True,
    workspace:Workspace=Path('.')
):
    """Name what is broken in a notebook, and mend what can be mended. Status 1 where something is left.

    Example: tinybench student doctor
    """
    from tinybench.course.student.doctor import doctor
    with bar('looking') as tell: found = doctor(workspace, mend, tell)
    typer.echo(found)
    if found.open: raise typer.Exit(1)


@told()
def student_unlock(
    names:Annotated[list[str], typer.Argument(help='Notebooks or units whose finished modules are to be used.')],
    workspace:Workspace=Path('.')
):
    """Bring finished modules, to do a later chapter first. It is recorded.

    Example: tinybench student unlock 12_nn.conv
    """
    from tinybench.course.student.unlock import builds_on, unfinished, unlock
    from tinybench.course.student.workspace import notebooks_named, open_workspace, unlocked_file
    ws, below = open_workspace(workspace), []
    for n in notebooks_named(ws, names):
        unlock(ws, n)
        below += builds_on(ws, n)
        typer.echo(f'{n} is the finished one now. Delete {unlocked_file(ws, n)} to use your own again.')
    if open := unfinished(ws, dict.fromkeys(below)):
        say(f'It builds on {", ".join(open)}: not finished, and not unlocked.')


@told()
def student_submit(
    unit:Annotated[str, typer.Argument(help='A unit, as README.md names it.')],
    student:Annotated[str, typer.Option(prompt='Your student id', help='Your id in the course.')],
    workspace:Workspace=Path('.')
):
    """Pack a unit for handing in.

    The file holds the time and a checksum of every notebook.

    Example: tinybench student submit layers --student ada
    """
    from tinybench.course.student.submit import submit
    found = submit(workspace, unit, student)
    for line in found.says: say(line)
    typer.echo(found.path)
    say('This is the file to hand in.')


def group(about:str, **commands) -> typer.Typer:
    "A Typer app of `commands`, with `about` as its help."
    app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, help=about)
    for name, command in commands.items(): app.command(name)(command)
    return app


def apps() -> dict[str, typer.Typer]:
    "The groups of commands that `tinybench` adds to its own, by name."
    return dict(
        course=group('Build, hand out, collect and grade a course.', check=check, build=build, release=release,
                     collect=collect, grade=grade, feedback=feedback, export=export, prove=prove),
        student=group('Check, mend and hand in what you write.', check=student_check, doctor=student_doctor,
                      unlock=student_unlock, submit=student_submit))
