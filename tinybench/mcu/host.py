"The host of the serial protocol: loads the examples of a task into a board, and measures it by the rules"
import math, re, time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple, Protocol
import numpy as np

from ..measure.result import BenchmarkResult, environment
from ..tasks.run import Outcome, Rules, chosen
from ..tasks.task import Examples, Task, quality_from
from .protocol import LOADED, MOST, Side, encoded
from .serve import EMULATED, Device


class DeviceError(RuntimeError):
    "A board that does not answer, or not as it should: in words."

class Port(Protocol):
    "A way to a board."
    def ask(self, command:str, secs:float=5.) -> list[str]: "The lines of an answer but the last, m-ready."

READY = 'm-ready'
MOST_LINES = 100_000

def answer_in(lines:list[str], command:str) -> list[str]:
    "`lines` without empty ones; DeviceError if one is an error."
    for words in lines:
        if words.startswith('e-['): raise DeviceError(
            f'the device refuses {command[:40]!r}: {words[3:].removesuffix("]")}')
    return [words for words in lines if words]

class Direct:
    "A board that is emulated in this process."
    def __init__(self, device:Device): self.device = device
    def ask(self, command:str, secs:float=5.) -> list[str]:
        lines = self.device.send(f'{command}%'.encode()).decode('ascii', 'replace').split('\r\n')
        if lines[-2:] != [READY, '']: raise DeviceError(
            f'the device does not end its answer to {command[:40]!r}')
        return answer_in(lines[:-2], command)
    def close(self): pass

class Serial:
    "A board at a serial port; DeviceError if it cannot be opened, ImportError without pyserial."
    def __init__(self, path:str, baud:int=115200):
        try: import serial
        except ImportError: raise ImportError(
            'a serial port needs pyserial: pip install "tinybench-ml[mcu]"') from None
        self.path, self.failed = path, serial.SerialException
        try: self.port = serial.Serial(path, baud, timeout=.2, write_timeout=5)
        except (self.failed, ValueError, OSError) as e:
            raise DeviceError(f'{path} cannot be opened as a serial port: {e}') from None
        self.settle()
    def settle(self):
        "Ends a command that another host began, and waits until the line is quiet."
        self.port.write(b'%')
        end = time.monotonic() + 3
        while self.port.read(4096) and time.monotonic() < end: pass
    def ask(self, command:str, secs:float=5.) -> list[str]:
        try:
            self.port.write(f'{command}%'.encode())
            return answer_in([*self.lines(command, secs)], command)
        except (self.failed, OSError) as e: raise DeviceError(f'{self.path} is gone: {e}') from None
    def lines(self, command:str, secs:float) -> Iterator[str]:
        "The lines of an answer; each has to come within `secs`."
        end, came = time.monotonic() + secs, b''
        for _ in range(MOST_LINES):
            while b'\n' not in came:
                if time.monotonic() > end: raise DeviceError(
                    f'no answer to {command[:40]!r} at {self.path} within {secs:g} s: is it the port of the '
                    'board, and its baud rate?')
                came += self.port.read(max(1, self.port.in_waiting))
                if len(came) > 2**20: raise DeviceError(f'{self.path} sends no lines: is it the baud rate?')
            said, _, came = came.partition(b'\n')
            words, end = said.decode('ascii', 'replace').strip('\r\0'), time.monotonic() + secs
            if words == READY: return
            yield words
        raise DeviceError(f'{self.path} does not end its answer to {command[:40]!r}')
    def close(self): self.port.close()

def said_in(lines:list[str], form:str, command:str) -> list[str]:
    "What stands in the brackets of the regular expression `form`, by line; DeviceError if no line is of it."
    found = [m[1] for m in (re.fullmatch(form, words) for words in lines) if m]
    if not found: raise DeviceError(
        f'the answer to {command[:40]!r} has no {form!r}: {" | ".join(lines)[:120]!r}')
    return found

class Identity(NamedTuple):
    "What a board says that it is."
    name: str
    profile: str
    model: str

def identity(port:Port) -> Identity:
    "Its name, firmware and model."
    about = port.ask('profile')
    return Identity(said_in(port.ask('name'), r'm-name-dut-\[(.+)\]', 'name')[0],
                    *(said_in(about, rf'm-{k}-\[(.+)\]', 'profile')[0] for k in ('profile', 'model')))

def clock_of(name:str) -> str:
    "What the clock of the device with this name is; a board that is no emulated one has its own."
    found = re.fullmatch(EMULATED.format('.*', '(.*)'), name)
    return f'{found[1]} clock of an emulated board' if found else "the board's own clock"

def load(port:Port, data:bytes):
    "Loads an input; DeviceError if the device does not say that it has all of it."
    said = port.ask(f'db load {len(data)}')
    for i in range(0, len(data), LOADED): said = port.ask(f'db {data[i:i + LOADED].hex()}')
    said_in(said, '(m-load-done)', 'db')

class Inferred(NamedTuple):
    "What a device answered, and between which times by its clock."
    results: tuple
    micros: int

def infer(port:Port, n:int=1, warm:int=0, secs:float=60.) -> Inferred:
    "Lets the device infer `n` times, after `warm` times to warm up; a line has to come within `secs`."
    command = f'infer {n} {warm}'
    lines = port.ask(command, secs)
    laps = [int(t) for t in said_in(lines, r'm-lap-us-(\d+)', command)]
    if len(laps) != 2 or laps[1] < laps[0]: raise DeviceError(f'{command!r} gives the times {laps}, not two')
    try: results = tuple(float(v) for v in said_in(lines, r'm-results-\[(.*)\]', command)[-1].split(',') if v)
    except ValueError: raise DeviceError(f'the results of {command!r} are no numbers') from None
    if not results or not all(map(math.isfinite, results)): raise DeviceError(
        f'the results of {command!r} are no finite numbers')
    return Inferred(results, laps[1] - laps[0])

Tell = Callable[[int, int, str], None]      # (done, of, what)

def results_of(port:Port, data:list[bytes], n:int, tell:Tell=lambda *_: None) -> np.ndarray:
    "The results (inputs, n) of all inputs, each inferred once; DeviceError if there are not `n` of one."
    found = []
    for i, d in enumerate(data):
        tell(i, len(data), 'accuracy')
        load(port, d)
        r = infer(port).results
        if len(r) != n: raise DeviceError(f'the device gives {len(r)} results of an input, and {n} are due')
        found.append(r)
    tell(len(data), len(data), 'accuracy')
    return np.array(found)

def answers_of(t:Task, results:np.ndarray, e:Examples) -> np.ndarray:
    "A class for each example, or a score for each clip: as `tasks.answers_in`, of what a device prints."
    if t.metric == 'accuracy': return results.argmax(1)
    scores = results[:, 0]
    return scores if e.clip is None else np.bincount(e.clip, scores)/np.bincount(e.clip)

def window(port:Port, data:bytes, secs:float) -> dict:
    "The rate, seconds and calls of a window on an input, by the device's clock; DeviceError if that stands."
    load(port, data)
    n, taken = 1, infer(port, 1, 1).micros
    while taken < 1e6*secs:
        if n == MOST: raise DeviceError(
            f'{MOST:,} inferences take {taken/1e6:.3g} s by the clock of the device')
        n = min(MOST, max(n + 1, math.ceil(1.02*n*1e6*secs/taken) if taken else 10*n))
        taken = infer(port, n, 0, 60 + 20*secs).micros
    return dict(rate=n/(taken/1e6), secs=taken/1e6, calls=n)

def fewer(e:Examples, n:int) -> Examples:
    "`n` of what `e` is judged by, each class in turn, drawn with seed 0; all if `n` is 0 or too many."
    if not n or n >= len(e.y): return e
    drawn = np.random.default_rng(0).permutation(len(e.y))
    turn = np.empty(len(drawn), int)        # how many of its class were drawn before
    for c in np.unique(e.y): turn[e.y[drawn] == c] = np.arange((e.y == c).sum())
    rows = np.sort(drawn[np.argsort(turn, kind='stable')[:n]])
    if e.clip is None: return replace(e, name=f'{n} of {e.name}', x=e.x[rows], y=e.y[rows])
    kept = np.isin(e.clip, rows)
    return replace(e, name=f'{n} of {e.name}', x=e.x[kept], y=e.y[rows],
                   clip=np.searchsorted(rows, e.clip[kept]))

def run_device(port:Port, t:Task, s:Side, e:Examples, *, rules:Rules|None, clock:str='',
               seed:int=0, level:float=.95, tell:Tell=lambda *_: None) -> tuple[Outcome, np.ndarray]:
    """Accuracy, then performance mode: the outcome, and each answer. `clock`: more about the device's clock
    than it says itself. DeviceError for a device that is of another task, or fails."""
    about = identity(port)
    if about.model != s.model: raise DeviceError(f'the device runs {about.model}, and {s.model} is asked')
    n = 1 if t.metric == 'AUC' else s.y
    answers = answers_of(t, results_of(port, encoded(s, e.x), n, tell), e)
    name, clock = f'{t.network} on {about.name}', clock or clock_of(about.name)
    provenance = 'modelled' if clock_of(about.name).startswith('modelled') else 'measured'
    o = Outcome(t.name, name, f'{e.name}, {e.kind}', quality_from(t, e.y, answers, level))
    if rules is None: return o, answers
    windows = []
    for i, x in enumerate(chosen(e, rules.windows, np.float32, seed)):
        tell(i, rules.windows, 'performance')
        windows.append(window(port, encoded(s, x)[0], rules.secs))
    tell(rules.windows, rules.windows, 'performance')
    how = dict(task=t.name, data=e.name, seed=seed, clock=clock, device=about.name, firmware=about.profile)
    how |= {k: [w[k] for w in windows] for k in ('secs', 'calls')}
    speed = BenchmarkResult(name, 'throughput', 'examples/s', [w['rate'] for w in windows], provenance, how,
                            environment())
    return replace(o, speed=speed), answers


# --- the same inputs, as files for another runner of the protocol

def files_of(s:Side, e:Examples) -> tuple[dict, list[str]]:
    "The files of a runner's folder: name -> bytes, and the lines of its y_labels.csv."
    data, files, lines = encoded(s, e.x), {}, []
    for i, label in enumerate(e.y.tolist()):
        name = f'{s.model}_{i:05}_{label}.bin'
        if s.kind != 'floats': files[name], more = data[i], ''
        else:       # the frames of a clip; its windows are what the runner slides over them
            rows, frame = np.flatnonzero(e.clip == i), len(data[0])//5
            files[name] = b''.join([data[rows[0]], *(data[r][-frame:] for r in rows[1:])])
            more = f',{len(data[0])},{frame}'
        lines.append(f'{name},{2 if s.kind == "floats" else s.y},{label}{more}')
    return files, lines
