"The streaming wakeword in `tinybench tasks`: any detector on a long sound, its errors, and how busy it is"
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple
from tinybench.base.files import read_text
from tinybench.base.text import Shown, Table, digits

STREAM = 'sww01'
PIECE, SECS = 512, 20     # samples that come at a time, and seconds of noise to be busy with

class Detector(NamedTuple):
    "What says for each window of 30 frames how probable the wakeword is, and from where on it is detected."
    name: str
    hear: Callable            # (t, 40) -> (t - 29,), checked
    work: Callable            # the same, as a device does it: nothing is checked
    ready: Callable           # () -> the context to work in
    threshold: float

def stream_task(official:bool):
    "The task of a detector, whose name says if it heard the official stream."
    from tinybench.tasks.streaming import SWW01
    return replace(SWW01, name=f'{STREAM} on the official stream') if official else SWW01

def shipped_detector(threshold:float|None=None) -> Detector:
    "The detector that ships, with its own threshold unless another is given."
    from tinybench.backends.base import running
    from tinybench.tasks.streaming import along, wakeword_detector
    net, own = wakeword_detector()
    def hear(x): return along(net, x)[:, 0]
    return Detector('sww_cnn', hear, hear, lambda: running([]), own if threshold is None else threshold)

def as_shares(out):
    "Outputs (n, classes) as probabilities: as they are if their rows are such, rounded or not, else softmax."
    import numpy as np
    if (out >= 0).all() and np.allclose(out.sum(1), 1, atol=.02): return out
    e = np.exp(out - out.max(1, keepdims=True))
    return e/e.sum(1, keepdims=True)

def own_detector(model, threshold:float|None=None) -> Detector:
    "A `Model` of single windows, by the threshold of the reference unless another is given."
    import numpy as np
    from tinybench.backends.base import ModelError, running
    from tinybench.bench.benchmark import answers
    from tinybench.tasks.streaming import SWW01
    n = len(SWW01.classes)
    def windows(x):
        view = np.lib.stride_tricks.sliding_window_view(x, 30, 0).transpose(0, 2, 1)
        return np.ascontiguousarray(view[:, :, None], model.dtype)
    def hear(x):
        out = answers(model, windows(x))
        if out.shape[1:] == (n,): return as_shares(out)[:, 0]
        raise ModelError(model.name, f'gives {out.shape[1:]} numbers for a window, and {STREAM} asks for {n}')
    def work(x): return model.read(model.call(model.feed(windows(x))))
    return Detector(model.name, hear, work, lambda: running([model]), .95 if threshold is None else threshold)

def duty(d:Detector, secs:int=SECS):
    "Seconds that a detector computes, front end included, for each second of noise that comes in pieces."
    import numpy as np
    from tinybench.measure.result import BenchmarkResult
    from tinybench.tasks.streaming import FrontEnd, busy
    x = .03*np.random.default_rng(0).normal(size=16000*(secs + 1))
    front, heard = FrontEnd(), np.zeros((0, 40), np.float32)
    def push(piece):
        nonlocal heard
        frames = np.concatenate([heard, front.push(piece)])
        heard = frames[-29:]
        if len(frames) > 29: d.work(frames)
    with d.ready():
        push(x[:16000])                     # so that the first second, too, completes all its windows
        shares = busy(push, x[16000:], PIECE)
    return BenchmarkResult(d.name, 'duty cycle', 's/s', shares, 'measured', dict(size=PIECE, sound='noise'))

@dataclass(frozen=True, repr=False)
class StreamOutcome(Shown):
    "What a detector did on a stream. Frozen."
    detector: str
    threshold: float
    quality: object           # `StreamQuality`
    duty: object              # `BenchmarkResult`
    @property
    def official(self) -> bool: return self.quality.task == stream_task(True)
    @property
    def verdict(self) -> str: return self.quality.verdict
    def table(self) -> Table:
        from tinybench.measure.result import summary
        t = self.quality.table()
        words = (f'{self.detector} detects above {digits(self.threshold)}. Duty cycle on {self.duty.n} s of '
                 f'noise in pieces of {PIECE/16:g} ms: {summary(self.duty)}.')
        return replace(t, words=(*t.words, words))

def stream_outcome(d:Detector, s) -> StreamOutcome:
    "What a detector does on a `Stream`."
    from tinybench.tasks.streaming import judged
    q = judged(d.hear(s.x), s, d.threshold, stream_task(s.official))
    return StreamOutcome(d.name, d.threshold, q, duty(d))

def the_stream(data:str, own:bool=False):
    """The `Stream` to judge on, or None: of `data`, official or embedded; if it is neither, the official one
    for a detector of one's `own`, if it is here."""
    from tinybench.official.examples import official_stream
    from tinybench.tasks.streaming import wakeword_stream
    found = official_stream() if data == 'official' or own and data != 'embedded' else None
    return found if found is not None or data == 'official' else wakeword_stream()

def kind_of(s) -> str:
    "Where a stream is from."
    return 'official' if s.official else 'embedded'

def stream_dict(o:StreamOutcome) -> dict:
    "A `StreamOutcome`, ready for JSON."
    q = o.quality
    found = dict(alarms=q.alarms, misses=q.misses, targets=q.targets, secs=q.secs, level=q.level)
    found |= dict(task=STREAM, verdict=q.verdict, by_the_rule=q.by_the_rule, provenance='measured')
    found |= dict(detector=o.detector, threshold=o.threshold, duty=o.duty.to_dict())
    return found | (dict(data='official') if o.official else {})

def load_stream(path:Path) -> StreamOutcome:
    "The `StreamOutcome` in a file that `tasks run` wrote; ValueError naming it for any other."
    from tinybench.measure.result import BenchmarkResult
    from tinybench.tasks.streaming import StreamQuality
    try:
        d = json.loads(read_text(path))
        task = stream_task(d.get('data') == 'official')
        q = StreamQuality(task, *(d[k] for k in ('alarms', 'misses', 'targets', 'secs', 'level')))
        if type(d['detector']) is not str: raise ValueError('the detector has no name')
        o = StreamOutcome(d['detector'], float(d['threshold']), q, BenchmarkResult.from_dict(d['duty']))
        if stream_dict(o) != d: raise ValueError('its counts do not give its verdict')
        o.table()
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as e:
        raise ValueError(f'{path}: {type(e).__name__}: {e}') from e
    return o
