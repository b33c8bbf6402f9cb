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
    from .check import check as run
    with bar('checking') as tell: found = run(workspace, names or None, tell)
    echo(found)
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
def unlock(names:Finished, workspace:Folder=Path('.')):
    """Bring finished modules, to do a later chapter first. It is recorded."""
    from .unlock import builds_on, unfinished, unlock
    from .workspace import notebooks_named, open_workspace
    ws, below = open_workspace(workspace), []
    for n in notebooks_named(ws, names):
        unlock(ws, n)
        below += builds_on(ws, n)
        echo(f'{n} is the finished one now. Delete {ws.unlocked_file(n)} to use your own again.')
    if open := unfinished(ws, dict.fromkeys(below)):
        say(f'It builds on {", ".join(open)}: not finished, and not unlocked.')

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
