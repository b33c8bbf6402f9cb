"`tinybench device`: a board, emulated or at a serial port, that speaks the protocol of MLPerf Tiny"
import json
from contextlib import ExitStack, closing, contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated
import typer
from tinybench.base.names import lookup
from tinybench.base.terminal import bar, echo, say
from .options import AsJson, Seed
from .tasks import Data, examples_for, missing, model_for

SHORT = dict(kws='kws01', ic='ic01', vww='vww01', ad='ad01')

class Time(str, Enum):
    "What an emulated board takes for its time."
    modelled = 'modelled'
    host = 'host'

class Division(str, Enum):
    "Of a submission."
    closed = 'closed'
    open = 'open'

TaskName = Annotated[str, typer.Argument(help=f'{", ".join(SHORT)}.', metavar='TASK')]
BoardName = Annotated[str|None, typer.Option('--board', help='A board to emulate; a wrong name lists them.')]
Network = Annotated[str|None, typer.Option('--model', help='A .tflite or .onnx of int8, not what ships.')]
Clock = Annotated[Time, typer.Option(
    '--clock', help="Of an emulated board: modelled from the cycles of its processor, or the host's.")]

@contextmanager
def failures():
    "What can go wrong with a board, in a sentence, as a ValueError."
    from tinybench.mcu.machine import Fault
    from tinybench.toolchain.store import NoLibrary
    from tinybench.mcu.host import DeviceError
    try: yield
    except (DeviceError, Fault, NoLibrary, ImportError) as e: raise ValueError(str(e)) from e

def task_named(text:str):
    "The `Task` called kws or kws01; ValueError with the nearest name if there is none."
    from tinybench.tasks.task import TASKS
    known = SHORT | {name: name for name in SHORT.values()}
    return TASKS[lookup('task of a device', text, known)]

def int8_network(t, model:str|None):
    "The network of codes of a `Task`, and what it was quantized from, None if it comes from a file."
    from tinybench.embedded.calibrate import calibration, in_codes
    from tinybench.embedded.tasks import embedded_network
    from tinybench.native.int8 import has_codes
    if model is not None:
        net = model_for(t, model).source
        if not has_codes(net): raise ValueError(f'{model} holds no network of int8 codes')
        return net, None
    given = embedded_network(t.name)
    return in_codes(given, calibration(t.name)), given

def serve_device(task:TaskName, board:BoardName=None, clock:Clock=Time.modelled, model:Network=None):
    """Put an emulated board on a pseudo-terminal.

    Firmware with the network of a task runs in the emulator, and answers the serial protocol of MLPerf Tiny
    at the path that is printed, until Ctrl-C. Any runner of the protocol can measure it, such as
    `benchmark/runner` of mlcommons/tiny or `tinybench device run kws --port PATH`.

    By the modelled clock the time stands still but for inferences, which take the cycles that are modelled.
    The same input takes the same cycles each time; another takes a few more or less only where the program
    reckons without an FPU, or in doubles, as a softmax does.
    The host's clock times the emulation, and says nothing of the board.

    Example: tinybench device serve kws --board nucleo-l4r5zi
    """
    from tinybench.mcu.boards import board_of
    from tinybench.mcu.protocol import side_of
    from tinybench.mcu.serve import emulated_device, serve
    if board is None: raise typer.BadParameter('name a board with --board')
    t = task_named(task)
    board_of(board)
    net, _ = int8_network(t, model)
    with failures():
        d = emulated_device(net, t.shape, side_of(t.name, net, t.shape), board, clock.value)
        say(f'{t.network} on {board}, emulated; {d.clock.said}. Ctrl-C ends it.')
        try: serve(d, echo)
        except KeyboardInterrupt: say('ended')

def write_inputs(
    task:TaskName,
    out:Annotated[Path, typer.Option(help='Folder, in which one of the name of the task is written.')],
    model:Network=None,
    data:Annotated[Data|None, typer.Option(help='Which examples; by default those that fit the model.')]=None,
    examples:Annotated[int, typer.Option(help='So many of them, drawn by chance; 0: all.', min=0)]=0):
    """Write the inputs of a task as another runner takes them.

    A file for each example, as the network of the task encodes it, and y_labels.csv, which names and labels
    them: what the runner of mlcommons/tiny calls --dataset_path.

    Example: tinybench device inputs kws --examples 20 --out datasets
    """
    from tinybench.base.files import new_folder, write_whole
    from tinybench.mcu.protocol import side_of
    from tinybench.mcu.host import fewer, files_of
    t = task_named(task)
    net, _ = int8_network(t, model)
    side = side_of(t.name, net, t.shape)
    folder = out/side.model
    if folder.exists(): raise FileExistsError(f'{folder} is there: name another folder')
    files, lines = files_of(side, fewer(examples_of(t, model, data), examples))
    with new_folder(folder) as new:
        for name, content in files.items(): (new/name).write_bytes(content)
        write_whole(new/'y_labels.csv', '\n'.join(lines) + '\n')
    say(f'written to {folder}: {len(files)} inputs and y_labels.csv')

def examples_of(t, model:str|None, data:Data|None):
    "The examples that a `Task` is judged on; ValueError that says what brings them if there are none."
    e = examples_for(t.name, model is not None, data.value if data else '')
    if e is None: raise ValueError(missing(t.name))
    return e

def compliance_of(t, net, given, e, outcome, answers, rules, seed:int, where:str):
    "The compliance report of what a device did: closed if its network is `given`, quantized, else open."
    import numpy as np
    from tinybench.bench.benchmark import array_digest
    from tinybench.measure.result import environment
    from tinybench.tasks.rules import Compliance, Entry, check_closed
    check = given and check_closed(given, net, np.asarray(e.x[:32], np.float32))
    how, s = 'int8 after training, its grids by examples' if given else 'as the device has it', outcome.speed
    system = dict(name=where, status='rdi', quantization=how, clock=s.how['clock'], times=s.provenance)
    about = dict(rules=rules._asdict(), seed=seed, level=.95, threads=1,
                 models={t.name: dict(kind='device', network=outcome.model)},
                 sets={t.name: dict(name=e.name, kind=e.kind, sha256=array_digest([e.x, e.y]))})
    entry = Entry(outcome, check or None, tuple(np.asarray(e.y).tolist()), tuple(answers.tolist()))
    return Compliance('closed' if given else 'open', 'tinybench', system, [entry], about, environment())

def run_device_task(
    task:TaskName, board:BoardName=None,
    port:Annotated[str|None, typer.Option(help='Or the serial port of a board, as /dev/ttyACM0.')]=None,
    baud:Annotated[int, typer.Option(help='Of the port.', min=300)]=115200,
    clock:Clock=Time.modelled, model:Network=None,
    data:Annotated[Data|None, typer.Option(help='Which examples; by default those that fit the model.')]=None,
    examples:Annotated[int, typer.Option(help='So many of them, drawn by chance; 0: all.', min=0)]=0,
    quick:Annotated[bool, typer.Option('--quick', help='Short windows: a look, not a valid run.')]=False,
    division:Annotated[Division, typer.Option(
        help='Closed: the network that ships, quantized, at its target; else open.')]=Division.closed,
    out:Annotated[Path|None, typer.Option(help='Folder for the compliance report.')]=None,
    seed:Seed=0, as_json:AsJson=False):
    """Measure a board by the rules of MLPerf Tiny, over its serial protocol.

    Accuracy mode loads every example and lets the device infer once. Performance mode takes five windows of
    ten seconds by the device's own clock, each on one input. A compliance report comes of it, which says
    if times are measured or modelled.

    With --board the device is emulated; with --port it is a real one, or what `tinybench device serve` made.
    A real board needs the package pyserial, and the network that it runs (--model), as the host encodes.

    Status 1 if the task fails or is invalid.

    Example: tinybench device run kws --board nucleo-l4r5zi --examples 100 --out reports/kws
    """
    from tinybench.mcu.boards import board_of
    from tinybench.mcu.protocol import side_of
    from tinybench.mcu.serve import emulated_device
    from tinybench.tasks.run import QUICK, Rules
    from tinybench.mcu.host import Direct, Serial, fewer, run_device
    t, rules = task_named(task), QUICK if quick else Rules()
    if (board is None) == (port is None): raise typer.BadParameter(
        'name a board to emulate with --board, or the serial port of a real one with --port')
    if board: board_of(board)
    with failures(), ExitStack() as opened:
        if port: way = opened.enter_context(closing(Serial(port, baud)))
        net, given = int8_network(t, model)
        side, e = side_of(t.name, net, t.shape), fewer(examples_of(t, model, data), examples)
        if board:
            d = emulated_device(net, t.shape, side, board, clock.value)
            way = Direct(d)
            say(d.clock.said)
        with bar(t.name) as tell: outcome, answers = run_device(
            way, t, side, e, rules=rules, clock=d.clock.said if board else '', seed=seed, tell=tell)
    # what is at a port may run other weights than these: nothing is said of them
    given = given if board and division is Division.closed else None
    c = compliance_of(t, net, given, e, outcome, answers, rules, seed, board or 'serial-port')
    from .compliance import compliance_dict, save_compliance
    if out: save_compliance(c, out)
    echo(json.dumps(compliance_dict(c), indent=1) if as_json else c)
    if out: say(f'report: {out/"compliance.html"}')
    if set(c.status().values()) & {'fail', 'invalid', 'refused'}: raise typer.Exit(1)
