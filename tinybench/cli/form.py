"`tinybench form`: a form filled by measurement, and the table of forms that people add"
import json, os, tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
import typer
from typer.core import TyperGroup
from tinybench.base.names import lookup, meant
from tinybench.base.process import Child
from tinybench.base.terminal import bar, echo, say
from tinybench.base.text import one_line
from .options import AsJson, Seed

DEVICES = 'edge', 'mcu:BOARD'

class Filling(TyperGroup):
    "`tinybench form MODEL` is `tinybench form fill MODEL`: what is no command is what to fill a form for."
    def parse_args(self, ctx, args):
        if args and args[0] not in (*self.commands, '--help'): args = ['fill', *args]
        return super().parse_args(ctx, args)

@contextmanager
def opened(model:str, task:str):
    "(path, network, task, whether it is trained) of a network of the zoo, an .npz or a .tflite file."
    import numpy as np
    from tinybench.embedded.tasks import NETWORKS
    from tinybench.forms.network import SUFFIXES, owner, task_for
    from tinybench.models.zoo import MODELS, create
    from tinybench.tasks.task import TASKS
    if task: lookup('task', task, TASKS)
    path = Path(model).expanduser()
    if path.suffix in SUFFIXES:
        if not path.is_file(): raise FileNotFoundError(f'no {path.suffix} file at {path}')
        name, own = owner(path) if path.suffix == '.npz' else ('', '')
        yield path, name, task or own, True
        return
    if path.exists() or '/' in model or path.suffix: raise ValueError(
        f'{model} is no model that a form can be about: a network of the zoo, or a file '
        f'{" or ".join(SUFFIXES)}')
    if model not in MODELS: raise ValueError(f'no network {model!r}{meant(model, MODELS)}')
    task = task or task_for((), model)
    trained = task in NETWORKS and TASKS[task].network == model
    net = NETWORKS[task]() if trained else create(model, np.random.default_rng(0))
    with tempfile.TemporaryDirectory(prefix='tinybench-') as folder:
        yield net.save(Path(folder)/'model.npz'), model, task, trained

def check_device(device:str):
    "ValueError with the nearest name unless there is such a device."
    from tinybench.mcu.boards import board_of
    kind, colon, board = device.partition(':')
    if kind == 'mcu' and colon: board_of(board)
    elif device != 'edge': raise ValueError(f'no device {device!r}{meant(device, DEVICES)}')

def filled_form(model:str, device:str, path:Path, network:str, task:str, trained:bool, **how):
    "The form of `device` for what was `opened`."
    from tinybench.forms.board import board_form
    from tinybench.forms.edge import edge_form
    name = model if model == network else Path(model).stem
    if device != 'edge':
        how = {k: v for k, v in how.items() if k not in ('runtime', 'processes', 'rounds')}
        return board_form(path, network, task, device.partition(':')[2], name=name, trained=trained, **how)
    return edge_form(path, network, task, name=name, trained=trained, **how)

def wanted(formats:str) -> tuple:
    "The formats in `formats`, with commas between; ValueError with the nearest name for one that is unknown."
    from tinybench.forms.page import FORMATS
    found = tuple(dict.fromkeys(k.strip() for k in formats.split(',') if k.strip()))
    for k in found: lookup('format', k, FORMATS)
    if 'json' not in found: raise ValueError('the others are drawn from json: leave it among the formats')
    return found

def fill(
    model:Annotated[str, typer.Argument(help='Network of the zoo, or an .npz or .tflite file.')],
    device:Annotated[str, typer.Option(help='edge: this machine; or mcu:BOARD, emulated.')]='edge',
    task:Annotated[str, typer.Option(help='Whose examples judge it, if not the first that fits.')]='',
    runtime:Annotated[str, typer.Option(help='What runs it: core (numpy) or compiled (our C).')]='core',
    processes:Annotated[int, typer.Option(help='Fresh ones to measure in; 6 for a table.', min=1)]=9,
    rounds:Annotated[int, typer.Option(help='Rounds of timing in each process.', min=1)]=20,
    reference:Annotated[list[str]|None, typer.Option(help='Where the model is described; several.')]=None,
    out:Annotated[Path|None, typer.Option(help='Folder for form.html, .md, .csv, .json and the model.')]=None,
    formats:Annotated[str, typer.Option('--format', help='Of files in --out, by commas.')]='json,html,md,csv',
    seed:Seed=0, as_json:AsJson=False):
    """Fill a form for a model on a device: every number with where it comes from.

    Parameters, size and work are counted, accuracy is that on the examples that ship for the task, times are
    of fresh processes, and load, clock, temperature and energy are read while the model runs, as far as this
    machine tells them. What it does not tell says what it would need.

    On a microcontroller, mcu:BOARD, the network is one of int8 codes: flash and RAM are measured in its
    program, instructions in an emulator, latency and energy are modelled from them. Needs the extra mcu.

    A network of the zoo has the weights that ship for its task. `tinybench form submit` adds the folder of
    --out to a table, `tinybench form check` holds it against all that can be done again.

    Example: tinybench form resnet8 --device edge --out forms-of-mine/resnet8
    """
    from tinybench.forms.entries import check_out, write_form
    from tinybench.forms.fields import RUNTIMES
    from tinybench.forms.form import FEWEST
    kinds = wanted(formats)
    check_device(device)
    lookup('runtime', runtime, dict.fromkeys(RUNTIMES))
    if out: check_out(out)          # refused now, if at all, not after half a minute
    how = dict(runtime=runtime, processes=processes, rounds=rounds, seed=seed,
               references=tuple(reference or ()))
    with opened(model, task) as found:
        with bar('measuring') as tell: f = filled_form(model, device, *found, **how, progress=tell)
        if out: write_form(f, found[0], out, kinds)
    echo(f.to_json() if as_json else f)
    if out: say(f'form: {", ".join(str(out/f"form.{k}") for k in kinds)}')
    if out and device == 'edge' and processes < FEWEST: say(
        f'no table takes it: its times are of too few processes; --processes {FEWEST} or more')


# --- the table

def serve_checks(pipe, folders:list, how:dict, more:int, place:str):
    """The life of a checker's process, whose files are in the folder `place`: for each folder a `Checked`, or
    the reason why it is refused."""
    from tinybench.forms.entries import check_folder
    from tinybench.forms.form import NoForm
    from .judge import limit_memory
    tempfile.tempdir = os.environ['TMPDIR'] = place
    limit_memory(more)
    for folder in folders:
        try: answer = check_folder(folder, **how)
        except NoForm as e: answer = str(e)
        pipe.send(('ok', answer))

def check_apart(folders:list, secs:float=300., more:int=2**32, progress=None, **how) -> dict:
    "folder -> its `Checked`, or why it is refused; each in a process with limits of time and memory."
    todo, found = list(folders), {}
    while todo:
        # a checker that is ended clears up nothing: its files are below a folder of ours
        with (tempfile.TemporaryDirectory(prefix='tinybench-') as place,
              Child('the checker', serve_checks, todo, how, more, place) as child):
            alive = True
            while todo and alive:
                found[todo[0]], alive = next_check(child, todo[0], secs)
                todo.pop(0)
                if progress: progress(len(found), len(folders))
    return found

def next_check(child:Child, folder:Path, secs:float) -> tuple:
    "(what became of `folder`, whether `child` lives on)."
    try: return child.answer(secs), True
    except ChildProcessError as e: return f'{one_line(folder.name)[:60]} is refused: {e}', False

def refusals(found:dict) -> list[str]:
    "Why forms are refused, a sentence each."
    def why(c): return c if isinstance(c, str) else f'{c.where} is refused: {"; ".join(c.refused)}'
    return [why(c) for c in found.values() if isinstance(c, str) or c.refused]

def checked_rows(found:dict) -> list[dict]:
    "A dictionary for each folder, ready for JSON."
    def row(c): return dict(verdict='refused', why=c) if isinstance(c, str) else c.to_dict()
    return [dict(row(c), form=str(k)) for k, c in found.items()]

def submit_form(
    folder:Annotated[Path, typer.Argument(help='What --out of `tinybench form` was given.')],
    to:Annotated[Path, typer.Option(help='Folder of the table.')]=Path('forms'),
    name:Annotated[str, typer.Option(help='Of its folder there, if not model-device-processor.')]='',
    times:Annotated[bool, typer.Option(help='Also time it again, if it is of a platform like this.')]=True,
    by:Annotated[str, typer.Option(help='Cell that orders the rows of a group.')]='latency',
    as_json:AsJson=False):
    """Add a filled form to a table, if it holds.

    Its form.json and its model go to the folder NAME below that of the table, whole or not at all, and the
    table is redrawn: README.md, index.html, table.csv and table.json. Open a pull request with NAME then.

    Example: tinybench form submit forms-of-mine/resnet8 --to forms
    """
    from tinybench.forms import entries
    from tinybench.forms.table import draw_table
    found = entries.submit_form(folder, to, name, by, times=times)
    table = draw_table(to, by)
    echo(json.dumps(found.to_dict(), indent=1) if as_json else f'{found}\n\n{table}')
    say(f'table: {to/"index.html"}')

def check_forms(
    folder:Annotated[Path, typer.Argument(help='A filled form, or the folder of a table.')],
    times:Annotated[bool, typer.Option(help='Also time it again, if it is of a platform like this.')]=True,
    processes:Annotated[int, typer.Option(help='Fresh ones to time it in; 6 for a verdict.', min=1)]=9,
    by:Annotated[str, typer.Option(help='Cell that orders the rows of a group.')]='latency',
    as_json:AsJson=False):
    """Hold forms against all that can be done again, and redraw their table.

    Each in a process with limits: units, provenance, values against what was taken for them, cells against
    each other; the model counted and answered again, exactly; and, on a platform like the form's, timed
    again: the same, different, or undecided. What nobody can tell from here is named.

    Status 1 if one is refused; the table stays as it was then.

    Example: tinybench form check forms
    """
    from tinybench.forms.entries import entries
    from tinybench.forms.table import draw_table
    folders = entries(folder)
    with bar('checking') as tell:
        found = check_apart(folders, progress=tell, times=times, processes=processes)
    echo(json.dumps(checked_rows(found), indent=1) if as_json else '\n\n'.join(map(str, found.values())))
    if refusals(found): raise typer.Exit(1)
    if folders == [folder]: return
    if not as_json: echo(f'\n{draw_table(folder, by)}')
    else: draw_table(folder, by)
    say(f'table: {folder/"index.html"}')
