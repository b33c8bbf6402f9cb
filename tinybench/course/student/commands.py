"`tinybench student`: thin commands over what those who learn run"
from pathlib import Path
from typing import Annotated
import typer
from tinybench.base.terminal import bar, echo, say
from ..commands import command, group


app = group('Check, mend and hand in what you write.')

OrUnits = Annotated[list[str]|None,
                    typer.Argument(help='Notebooks or units, such as 12_nn.conv; all if left out.')]
Finished = Annotated[list[str],
                     typer.Argument(help='Notebooks or units whose finished modules are to be used.')]
Folder = Annotated[Path, typer.Option('--workspace', help='The folder that the course handed out.')]

@command(app, 'tinybench student check 12_nn.conv')
def check(names:OrUnits=None, workspace:Folder=Path('.')):
    """Run the visible checks with your own library. Status 1 where something does not hold yet."""
    from .check import check as run, row_lines
    def begun(done, of, name): echo(name) if name else None    # what comes next may take its time
    found = run(workspace, names or None, begun, lambda rows: echo(f'{row_lines(rows)}\n'))
    echo(found.summary())
    if not found.holds: raise typer.Exit(1)

@command(app, 'tinybench student doctor')
def doctor(
    mend:Annotated[bool, typer.Option('--mend/--look', help='Put right what can be, or only look.')]=True,
    workspace:Folder=Path('.')):
    """Name what is broken in a notebook, and mend what can be mended. Status 1 where something is left."""
    from .doctor import doctor
    with bar('looking') as tell: found = doctor(workspace, mend, tell)
    echo(found)
    if found.open: raise typer.Exit(1)

@command(app, 'tinybench student unlock 12_nn.conv')
def unlock(
    names:Finished,
    before:Annotated[bool, typer.Option('--before', help='What these build on, and not themselves.')]=False,
    workspace:Folder=Path('.')):
    """Bring finished modules, to do a later chapter first. It is recorded while they are there.

    To do 65_bench.benchmark itself, unlock what it builds on: with --before."""
    from .unlock import builds_on, unfinished, unlock
    from .workspace import notebooks_named, open_workspace
    ws = open_workspace(workspace)
    named = notebooks_named(ws, names)
    needs = {m for n in named for m in builds_on(ws, n)} - {*named}
    below = unfinished(ws, [n for n in ws.notebooks if n in needs])
    these = below if before else named
    for n in these: unlock(ws, n)
    if not these: return echo('Nothing is missing: all that it builds on is finished.')
    last, more = ws.unlocked_file(these[-1]), ' and likewise the others' if these[1:] else ''
    echo(f'Finished now, and to be used as soon as kernels are restarted: {", ".join(these)}.')
    echo(f'To use your own again, which also takes it from the record, delete {last}{more}.')
    if below and not before:
        say(f'What they build on is not finished, and not unlocked: {", ".join(below)}. To unlock it too: '
            f'tinybench student unlock --before {" ".join(named)}')

@command(app, 'tinybench student submit layers --student ada')
def submit(unit:Annotated[str, typer.Argument(help='A unit, as README.md names it.')],
           student:Annotated[str, typer.Option(prompt='Your student id', help='Your id in the course.')],
           workspace:Folder=Path('.')):
    """Pack a unit for handing in.

    The file holds the time and a checksum of every notebook."""
    from .submission import submit
    found = submit(workspace, unit, student)
    for line in found.says: say(line)
    echo(found.path)
    say('This is the file to hand in.')
