"A form held against what can be done again: counted, answered and timed; and what nobody can tell"
import math, re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
import numpy as np

from .. import __version__
from ..base.text import Shown, Table, digits
from ..mcu.boards import board_of
from ..measure.accuracy import z_score
from ..measure.result import environment
from .cell import Cell, close
from .board import NoExtra, as_codes, board_facts, by_codes, emulated, emulated_cells
from .edge import PROCESSES, RANDOM, example_for, fresh_cells, fresh_runs
from .form import FASTER, FEWEST, Form, NoForm, read_form
from .fresh import TIMED
from .machine import peak_cell, tells
from .network import (
    NO_TASK, Opened, counted_cells, digest, examples_of, model_of, open_file, quality_cells, told)

SAME, WIDE = 1.1, 2.   # ratios: within the first times agree, surely beyond the second they do not
OTHER = 1.5            # times: what another compiler or emulator may make of a program
HERE = 'cpu', 'cores', 'cpus', 'platform', 'blas', 'python', 'numpy'
VERDICTS = 'same', 'differs', 'undecided', 'cannot be told'

class Finding(NamedTuple):
    "What became of a cell: one of `VERDICTS`, and why."
    field: str
    verdict: str
    words: str = ''

@dataclass(frozen=True, repr=False)
class Checked(Shown):
    "A form, and what became of its cells when it was held against all that can be done again. Frozen."
    where: str
    form: Form
    findings: tuple
    here: bool              # whether it says that it was filled on a platform like this one
    @property
    def refused(self) -> list[str]:
        return [f'{f.field}: {f.words}' for f in self.findings if f.verdict == 'differs']
    def of(self, verdict:str) -> list[str]: return [f.field for f in self.findings if f.verdict == verdict]
    def to_dict(self) -> dict:
        return dict(form=self.where, here=self.here, verdict='refused' if self.refused else 'taken',
                    findings=[f._asdict() for f in self.findings])
    def table(self) -> Table: return checked_table(self)

def checked_table(c:Checked) -> Table:
    "A row for each verdict, and what is not the same, in sentences."
    rows = [(v, str(len(c.of(v))), ', '.join(c.of(v))) for v in VERDICTS if c.of(v)]
    where = 'this platform' if c.here else 'another platform, so nothing was timed again'
    words = [f'{c.where}: {"refused" if c.refused else "taken"}; of {where}.']
    if c.form.version != __version__: words.append(
        f'Filled by tinybench {c.form.version}, and this is {__version__}: other words are undecided.')
    words += [f'{f.field}, {f.verdict}: {f.words}.' for f in c.findings if f.words and f.verdict != 'same']
    return Table(('verdict', 'n', 'cells'), tuple(rows), tuple(words), left=None)


# --- what can be counted and answered again

def near(a, b) -> bool: return close(a, b) or None not in (a, b) and math.isclose(a, b, rel_tol=1e-5)

def compared(was:Cell, now:Cell, exact:bool=True, give:int=0, version:str=__version__) -> Finding:
    """A cell that follows from the files alone, against what they give now; `give` answers may differ, and
    another `version` of tinybench may have had other words."""
    found = compared_values(was, now, exact, give)
    alike = unnamed(was.source) == unnamed(now.source)
    if found.verdict != 'same' or alike and not was.parts: return found
    if not alike: words = (
        f'says where it comes from as {was.source[:200]!r}, and again it is {now.source!r}')
    else: words = 'has parts, and such a cell has none'
    if version == __version__: return found._replace(verdict='differs', words=words)
    return found._replace(verdict='undecided', words=f'{words}; but it is said to be of tinybench {version}')

def unnamed(source:str) -> str:
    "A source without the name that the file of the model had where the form was filled."
    return re.sub('^(the bytes of [a-z]+ file) [^/]{1,255}(; 1 MB)', r'\1\2', source)

def compared_values(was:Cell, now:Cell, exact:bool, give:int) -> Finding:
    "Whether the values of two cells are the same, as `compared`."
    name, same = was.field.name, close if exact else near
    if was.known != now.known: return Finding(name, 'differs', (
        f'says {was.words()}, and again it is {now.words()}' + ('' if now.known else f': {now.source}')))
    if not was.known or was.raw and was.raw == now.raw: return Finding(name, 'same')
    if not was.raw:
        three = zip((was.value, was.lo, was.hi), (now.value, now.lo, now.hi))
        if all(same(a, b) for a, b in three): return Finding(name, 'same')
        return Finding(name, 'differs', f'says {was.value:.9g}, and again it is {now.value:.9g}')
    if was.raw[1:] == now.raw[1:] and abs(was.raw[0] - now.raw[0]) <= give: return Finding(
        name, 'undecided', f'{was.raw[0]:,} and again {now.raw[0]:,}: close calls may go either way')
    return Finding(name, 'differs', f'says {was.raw[0]:,}, and again it is {now.raw[0]:,}')

def counted_again(f:Form, o:Opened, path:Path, here:bool) -> list[Finding]:
    "Findings of the cells that follow from the files alone: counts, bytes, answers."
    known = {c.field.name: c.field for c in f.cells}
    found = [compared(f[c.field.name], c, version=f.version) for c in counted_cells(known, o, path)]
    e = examples_of(f.task) if f.task else None
    if e is not None and told(e) != dict(f.data): return [*found, Finding(
        'data', 'differs', f'{e.name} that ship here are others than the form was filled with')]
    if f.device != 'edge': o = as_codes(o, f.task, e, seed_of(f))
    why = next((w for w in (NO_TASK, RANDOM) if f['accuracy'].source == '; '.join(w)), NO_TASK)
    answered = quality_cells(known, f.task, model_of(o, f.model['name']), e, why)
    exact = here and f.model['runtime'] != 'compiled'       # C adds up in another order than numpy
    give = 0 if exact else min(answered.close, 1 + f.data.get('n', 0)//100)
    cells = answered.cells if f.device == 'edge' else map(by_codes, answered.cells)
    found += [compared(f[c.field.name], c, exact, give, f.version) for c in cells]
    return found if f.device == 'edge' else found + emulated_again(f, o, e)

def seed_of(f:Form) -> int:
    "The seed that the form was filled with; NoForm if it is none."
    seed = f.settings.get('seed')
    if type(seed) is not int or not 0 <= seed < 2**32: raise NoForm('settings has no seed')
    return seed

def emulated_again(f:Form, o:Opened, e) -> list[Finding]:
    "Findings of the cells that an emulated board gives: exactly, with the same compiler and emulator."
    board = board_of(f.device.partition(':')[2])
    try: again = emulated(o, board, f.model['name'], example_for(o, e, seed_of(f)))
    except NoExtra as why: return [Finding('flash', 'cannot be told', str(why))]
    now = board_facts(board, again)
    for k in ('board', 'chip', 'processor'):
        if f.platform.get(k) != now[k]: return [Finding('board', 'differs', (
            f'says the {k} {str(f.platform.get(k))[:60]}, and it is {now[k]}'))]
    cells = emulated_cells({c.field.name: c.field for c in f.cells}, again)
    found = [compared(f[c.field.name], c, version=f.version) for c in cells]
    other = [k for k in ('compiler', 'emulator', 'numpy', 'host') if f.platform.get(k) != now[k]]
    again = {c.field.name: c for c in cells}
    return [excused(x, f[x.field], again[x.field], other) for x in found] if other else found

def excused(x:Finding, was:Cell, now:Cell, other:list) -> Finding:
    "A finding, undecided if what is `other` than the form's may explain it: by half as much again, no more."
    if x.verdict != 'differs' or was.provenance == 'literature' or not (was.known and now.known): return x
    why, (low, high) = f'its {", ".join(other)} was another', sorted((was.value, now.value))
    if low > 0 and high <= OTHER*low: return x._replace(verdict='undecided', words=f'{x.words}; but {why}')
    return x._replace(words=f'{x.words}; {why}, which does not explain more than {OTHER:g} times')


# --- times

def like_here(f:Form) -> bool:
    "Whether the form says that it was filled on a platform like this one."
    now = environment()
    if f.device == 'edge': return all(f.platform.get(k) == now[k] for k in HERE)
    return f.platform.get('host') == now['cpu'] and f.platform.get('numpy') == now['numpy']

def times_as_long(old, new, level:float=.95) -> tuple[float, float, float]:
    """(middle, lo, hi) of how many times as large the values `new` are as `old`, which are no pairs: of
    all ratios the median, and those at the ranks of the Mann-Whitney test (Hodges & Lehmann 1963)."""
    m, n = len(old), len(new)
    ratios = np.sort(np.divide.outer(np.asarray(new), old), None)
    k = math.floor(m*n/2 - z_score(level)*math.sqrt(m*n*(m + n + 1)/12) - .5)
    if k < 0: raise ValueError(f'{m} and {n} values: too few for an interval at {100*level:g}%')
    return float(np.median(ratios)), float(ratios[k]), float(ratios[-1 - k])

def timed_verdict(was:Cell, now:Cell, by:tuple=()) -> Finding:
    """Whether what was timed and what is timed now agree; `by` are what the times are divided by, a product
    of matrices timed beside, so that a busy machine weighs on both. Surely beyond `WIDE` they differ, within
    `SAME` they agree."""
    name = was.field.name
    if not was.known or min(len(was.raw), len(now.raw)) < FEWEST: return Finding(
        name, 'cannot be told', f'{len(was.raw)} and {len(now.raw)} values are too few')
    mid, lo, hi = times_as_long(*(np.divide(x.raw, y) for x, y in zip((was, now), by or (1., 1.))))
    words = f'again {digits(mid)} times [{digits(lo)}, {digits(hi)}] what it says'
    words += ', in products of matrices timed beside'*bool(by)
    if lo > WIDE or hi < 1/WIDE: return Finding(name, 'differs', f'{words}: surely beyond {WIDE:g} times')
    return Finding(name, 'same' if 1/SAME <= lo and hi <= SAME else 'undecided', words)

def timed_again(f:Form, o:Opened, path:Path, processes:int, progress:Callable|None) -> list[Finding]:
    "Findings of the cells that fresh processes give, taken again here."
    x = example_for(o, examples_of(f.task) if f.task else None, 0)
    found = fresh_runs(path, f.model, f.task, x, processes, seed=1, progress=progress)
    cells = fresh_cells({c.field.name: c.field for c in f.cells}, found, '', 1)
    both = f['latency'].parts['product'], cells[0].parts['product']
    by = {k: both for k in (*TIMED, 'deployment', 'startup')}
    timed = [timed_verdict(f[k], c, by.get(k, ())) for c in cells if c.known and (k := c.field.name)]
    peak = peak_cell(f['peak'].field)
    return [*timed, rate_verdict('peak', max(peak.raw)/max(f['peak'].raw)),
            rate_verdict('product', min(both[0])/min(both[1]))]

def rate_verdict(name:str, by:float) -> Finding:
    """Whether a rate of this processor, `by` times what the form says, is the same again. It is that of the
    fastest, not divided by that of something beside it, so it differs beyond `FASTER` times only."""
    words = f'the fastest is again {digits(by)} times what it says'
    if not 1/FASTER <= by <= FASTER: return Finding(name, 'differs', f'{words}: beyond {FASTER} times')
    return Finding(name, 'same' if 1/SAME <= by <= SAME else 'undecided', words)

def told_here(f:Form) -> list[Finding]:
    "Findings of cells that this platform does not tell, and the form of one like it does."
    silent = [k for k, says in tells().items() if not says and f[k].known]
    return [Finding(k, 'undecided', f'says {f[k].words()}, and this platform, which is like the one of the '
                                    'form, does not tell it') for k in silent]

NOT_AGAIN = 'of another platform, or of a moment that has passed: unit, interval and provenance fit, no more'

def model_in(f:Form, folder:Path) -> Path:
    "The file of a form's model in its folder; NoForm if it is not there, or another."
    path = folder/f.model['file']
    if f.model['file'] not in ('model.npz', 'model.tflite'): raise NoForm(
        'the model is model.npz or model.tflite')
    if path.is_symlink() or not path.is_file(): raise NoForm(f'{path.name} is not there')
    if digest(path) != f.model['sha256']: raise NoForm(
        f'{path.name} is another than the form was filled with')
    return path

def check_times(f:Form):
    "NoForm for times of too few processes: nobody could say whether they are the same again."
    few = [c for c in f.cells if c.known and c.field.rule == 'times' and len(c.raw) < FEWEST]
    if few: raise NoForm(f'{", ".join(c.field.name for c in few)}: of {len(few[0].raw)} processes, which is '
                         f'too few to be held against others: fill it with --processes {FEWEST} or more')

def check_form(text:str, folder:Path, times:bool=True, processes:int=PROCESSES,
               progress:Callable|None=None) -> Checked:
    """The form in `text`, whose model lies in `folder`, held against all that can be done again. NoForm if it
    does not agree with itself, or its model is not the one it names; ValueError for a model that is none."""
    check_times(f := read_form(text))
    path, here = model_in(f, folder), like_here(f)
    o = open_file(path, f.model['network'], f.task)
    found = counted_again(f, o, path, here)
    edge = f.device == 'edge'
    if here and edge: found += told_here(f)
    if here and edge and times: found += timed_again(f, o, path, processes, progress)
    done = {x.field for x in found}
    if 'latency' in done and 'throughput' not in done: found.append(Finding('throughput', 'same'))
    lost = [k for c in f.cells if c.known and (k := c.field.name) not in {*done, 'throughput'}]
    rest = [Finding(k, 'cannot be told', f'{", ".join(lost)}: {NOT_AGAIN}'*(k == lost[0])) for k in lost]
    return Checked(folder.name, f, (*found, *rest), here)
