"A filled form: cells with their provenance, what they are about and where; read back and checked for sense"
import json, math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from .. import __version__
from ..base.text import Shown, Table
from ..mcu.boards import board_of
from ..measure.result import freeze, plain
from .cell import MOST, Cell, cell_from, close, misfits
from .fields import GROUPS, RUNTIMES, fields_of
from .fresh import SIDE

ABOUT = dict(model=dict, data=dict, platform=dict, settings=dict, device=str, task=str, version=str,
             references=list, cells=list)
LIMIT = 2**21         # bytes that the file of a form may have

class NoForm(ValueError): "A file that is no form, or a form that does not agree with itself; and why."

@dataclass(frozen=True, repr=False)
class Form(Shown):
    "A form for a model on a device, all its cells. Frozen."
    device: str               # 'edge', or 'mcu:' and a board
    model: Mapping            # name, network, file and its digest
    cells: tuple
    task: str = ''            # '' where none of ours fits
    data: Mapping = field(default_factory=dict)
    platform: Mapping = field(default_factory=dict)
    settings: Mapping = field(default_factory=dict)
    references: tuple = ()
    version: str = __version__
    schema: ClassVar[int] = 1
    def __post_init__(self):
        for k in ('model', 'data', 'platform', 'settings', 'references'):
            object.__setattr__(self, k, freeze(plain(getattr(self, k), k)))
        object.__setattr__(self, 'cells', tuple(self.cells))
    def __getitem__(self, name:str) -> Cell: return {c.field.name: c for c in self.cells}[name]
    def __contains__(self, name:str) -> bool: return any(c.field.name == name for c in self.cells)
    def table(self) -> Table: return form_table(self)
    def to_dict(self) -> dict: return form_dict(self)
    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=1, allow_nan=False, ensure_ascii=False) + '\n'
    def __reduce__(self): return form_of, (self.to_dict(), self.cells)

def form_of(d:Mapping, cells) -> Form:
    "The form of what its JSON says, with its cells."
    return Form(d['device'], d['model'], cells, *(d[k] for k in ('task', 'data', 'platform', 'settings')),
                check_references(d['references']), d['version'])

def lead(f:Form) -> str:
    "What the form is about, in a sentence."
    where = f.platform.get('chip') or f.platform.get('cpu', 'unknown')
    of = f', {f.task} on {f.data["n"]:,} examples of {f.data["name"]}' if f.task else ''
    return f'{f.model["name"]}{of}, {f.device}: {where}'

def form_table(f:Form) -> Table:
    "A row for each cell; below what the numbers without a column say of themselves, and what is missing."
    rows = [(c.field.title, c.words(), c.provenance) for c in f.cells]
    said = [f'{c.field.title}: {c.source}.' for c in f.cells if c.provenance in ('modelled', 'literature')]
    lost = [f'n/a, {c.field.title}: {c.source}.' for c in f.cells if not c.known]
    return Table(('', 'value', 'provenance'), tuple(rows), (lead(f), *said, *lost), left=None)

def grouped(f:Form) -> dict[str, list]:
    "The cells by group, in the order in which a form shows them."
    found = {g: [c for c in f.cells if c.field.group == g] for g in GROUPS}
    return {g: cells for g, cells in found.items() if cells}

def form_dict(f:Form) -> dict:
    "All of `f`, ready for JSON."
    about = {k: plain(getattr(f, k)) for k in ABOUT if k not in ('cells', 'references')}
    return dict(form='tinybench', schema=f.schema, **about, references=list(f.references),
                cells=[c.to_dict() for c in f.cells])


# --- read back

def text_dict(text:str) -> dict:
    "The JSON in `text`; NoForm if it is none, or holds what no number of JSON is."
    def no(v): raise NoForm(f'{v} is no number of JSON')
    def once(pairs):
        d = {}
        for k, v in pairs:
            if k in d: raise NoForm(f'{k[:60]!r} is there twice in one table: nobody could say which holds')
            d[k] = v
        return d
    try: d = json.loads(text, parse_constant=no, object_pairs_hook=once)
    except NoForm: raise
    except (ValueError, RecursionError) as e: raise NoForm(f'it is no JSON: {str(e)[:200]}') from None
    if not isinstance(d, dict) or d.get('form') != 'tinybench': raise NoForm('it is no form of tinybench')
    return d

def read_form(text:str) -> Form:
    "The form in `text`, as JSON; NoForm saying what is wrong if it has gaps, or does not agree with itself."
    d = text_dict(text)
    if d.get('schema') != Form.schema or type(d['schema']) is not int: raise NoForm(
        f'a form of schema {str(d.get("schema"))[:20]}: this tinybench knows schema {Form.schema} only')
    if odd := {*d} ^ {'form', 'schema', *ABOUT}: raise NoForm(
        f'missing or unknown in a form: {min(odd)[:60]!r}')
    for k, kind in ABOUT.items():
        if type(d[k]) is not kind: raise NoForm(f'{k} cannot be {str(d[k])[:40]!r}')
    try:
        known = fields_of(d['device'])
        f = form_of(d, [cell_from(c, known) for c in d['cells']])
    except (ValueError, TypeError, RecursionError) as e: raise NoForm(str(e)[:500]) from e
    if said := missing(f) or [*about_misfits(f), *cell_misfits(f, d)]: raise NoForm('; '.join(said)[:1000])
    return f

def check_references(found:list) -> tuple:
    "`found`, if texts of at most 500 letters, 20 at most; ValueError if not."
    good = all(isinstance(x, str) and 0 < len(x) <= 500 and x.isprintable() for x in found)
    if len(found) > 20 or not good: raise ValueError('references are up to 20 texts of up to 500 letters')
    return tuple(found)

TEXTS = dict(model=('name', 'network', 'file', 'sha256', 'runtime'), data=('name', 'kind', 'sha256'))
EDGE = 'cpu', 'platform', 'python', 'numpy', 'blas'                 # texts of `environment`
BOARD = 'board', 'chip', 'processor', 'emulator', 'compiler', 'numpy', 'host'
RANGES = dict(seed=(0, 2**32 - 1), processes=(1, MOST), rounds=(1, 10**6), threads=(1, 1))

def short(v) -> bool: return isinstance(v, str) and len(v) <= 200 and v.isprintable()

def whole(v, least:int, most:int) -> bool: return type(v) is int and least <= v <= most

def platform_misfits(f:Form):
    "What the form does not say of its platform as this tinybench does, or says of another kind."
    p, edge = f.platform, f.device == 'edge'
    for k in EDGE if edge else BOARD:
        if not short(p.get(k)) or not p[k].strip(): yield f'platform: {k} is text, not {str(p.get(k))[:40]!r}'
    for k, v in p.items():
        if not (v is None or short(v) or whole(v, 0, 10**6)): yield (
            f'platform: {k[:40]} is text or a number, not {str(v)[:40]!r}')
    if not edge: return
    if not whole(p.get('cpus'), 1, 10**6): yield (
        f'platform: cpus are 1 or more, not {str(p.get("cpus"))[:40]!r}')
    if odd := [k for k in BOARD if k in p and k not in EDGE]: yield (
        f'platform: {odd[0]}, and a form of {f.device} is of no board')

def settings_misfits(f:Form):
    "Which settings are not there, or out of range."
    for k, (least, most) in RANGES.items():
        if f.device != 'edge' and k != 'seed' and k not in f.settings: continue
        if not whole(f.settings.get(k), least, most): yield (
            f'settings: {k} is from {least} to {most:,}, not {str(f.settings.get(k))[:40]!r}')

def about_misfits(f:Form):
    "What the form does not say of model, data, platform and settings."
    for of, keys in TEXTS.items():
        if of == 'data' and not f.task: continue
        d = getattr(f, of)
        for k in keys:
            v = d.get(k)
            if not short(v): yield f'{of} has no {k}'
    if f.task and type(f.data.get('n')) is not int: yield 'data has no n'
    known = RUNTIMES if f.device == 'edge' else ('firmware',)
    if f.model.get('runtime') not in known: yield f'its runtime is {" or ".join(known)}'
    if not short(f.version) or not f.version: yield f'version is text, not {f.version[:40]!r}'
    yield from platform_misfits(f)
    yield from settings_misfits(f)

def missing(f:Form) -> list[str]:
    "Which cells are not there, or there twice."
    names, known = [c.field.name for c in f.cells], list(fields_of(f.device))
    twice = sorted({n for n in names if names.count(n) > 1})
    lost = [n for n in known if n not in names]
    return [*(f'{n} is there twice' for n in twice), *(f'{n} is missing' for n in lost)]

def cell_misfits(f:Form, d:Mapping) -> list[str]:
    "What does not fit in each cell, and between cells."
    alone = [f'{c.field.name}: {why}' for c, its in zip(f.cells, d['cells']) for why in misfits(c, its)]
    return alone or list(between(f))

def between(f:Form):
    "What does not fit between the cells of a form, each of which fits alone."
    lat, rate = f['latency'], f['throughput']
    right, wrong = f['accuracy'], f['error']
    for name, of, a, b in (('throughput', 'latency', lat, rate), ('error', 'accuracy', right, wrong)):
        if a.known != b.known: yield f'{name}: it follows from the {of}, and only one of them is there'
    if lat.known and rate.known:
        turned = [None if v is None else 1000/v for v in (lat.value, lat.hi, lat.lo)]
        if not all(map(close, turned, (rate.value, rate.lo, rate.hi))): yield (
            f'throughput: a latency of {lat.value:g} ms gives {turned[0]:g} answers/s, not {rate.value:g}')
    if right.known:
        (k, n), of = right.raw, f.data.get('n')
        if wrong.known and wrong.raw != (n - k, n): yield (
            f'error: {k} right of {n} leave {n - k}, not {wrong.raw[0]} of {wrong.raw[1]}')
        if n != of: yield f'accuracy: {n} answers to {of} examples'
    size = f['size'].raw[0] if f['size'].known else 0
    if 'memory' in f and f['memory'].known and min(f['memory'].raw) < size: yield (
        f'memory: {min(f["memory"].raw):,.0f} bytes of a process, and the file of its weights has {size:,}')
    yield from between_times(f) if f.device == 'edge' else between_modelled(f)

def between_modelled(f:Form):
    "What does not follow from the cycles of a board by its clock, supply and current."
    try: board = board_of(f.device.partition(':')[2])
    except ValueError as e:
        yield str(e)
        return
    if not all(f[k].known for k in ('cycles', 'clock', 'latency')):
        yield 'cycles, clock, latency: an emulated board has them, and one is not there'
        return
    cycles, mhz, lat, energy = (f[k].value for k in ('cycles', 'clock', 'latency', 'energy'))
    ms = cycles/mhz/1e3 if mhz > 0 else math.nan
    if not close(lat, ms): yield (
        f'latency: {cycles:,.0f} cycles at {mhz:g} MHz are not {lat:g} ms')
    elif not board.milliamps:
        if energy is not None: yield f'energy: no current of {board.name} is known'
    elif energy is None or not close(energy, ms*board.volts*board.milliamps/3.6e6): yield (
        f'energy: {ms:g} ms at {board.volts:g} V and {board.milliamps:g} mA are not '
        f'{"n/a" if energy is None else f"{energy:g} mWh"}')

FASTER = 8      # times the rate of a product of float32 matrices: what codes of 8 bits may reach
FEWEST = 6      # processes: one that was disturbed proves nothing
WITHIN, WITHIN_FEW = 2, 50      # times: what parts and whole may be apart, of so many processes and of fewer
TAKEN = 'latency', 'preprocessing', 'inference', 'postprocessing', 'deployment', 'startup', 'peak'

def between_times(f:Form):
    "What does not fit between the times of a form that was measured."
    if lost := [k for k in TAKEN if not f[k].known]:
        yield f'{", ".join(lost)}: any machine can measure it, and it is not there'
        return
    lat, up, first = (f[k] for k in ('latency', 'startup', 'deployment'))
    if len({len(f[k].raw) for k in TAKEN[:-1] + ('memory',)*f['memory'].known}) > 1:
        yield 'raw: the times are not of equally many processes'
        return
    if f.settings.get('processes') != len(lat.raw): yield (
        f'latency: of {len(lat.raw)} processes, and settings has {str(f.settings.get("processes"))[:20]}')
    said = lat.parts.get('product')
    if not isinstance(said, tuple) or len(said) != len(lat.raw) or not all(
            type(v) in (int, float) and v > 0 for v in said):
        yield 'latency: parts has no product, ms, of each process'
        return
    if any(a >= b for a, b in zip(up.raw, first.raw)): yield (
        'deployment: a first answer before the runtime was ready')
    else:
        yield from between_processes(f)
        yield from between_rates(f)

def between_processes(f:Form):
    "What no process bears out: a sum of parts, a first answer."
    lat, gaps = f['latency'].raw, [b - a for a, b in zip(f['startup'].raw, f['deployment'].raw)]
    parts = [f[k].raw for k in ('preprocessing', 'inference', 'postprocessing')]
    most, least = (sum(map(g, parts)) for g in (max, min))
    within = WITHIN if len(lat) >= FEWEST else WITHIN_FEW
    if most < min(lat)/within or least > within*max(lat): yield (
        f'latency: its parts take {least:.3g} to {most:.3g} ms together, and all of it {min(lat):.3g} to '
        f'{max(lat):.3g} ms')
    if (longest := 1000*max(gaps)) < min(lat)/within: yield (
        f'deployment: {longest:.2g} ms at most from start-up to the first answer, and an answer takes '
        f'{min(lat):.2g} ms or more')

def between_rates(f:Form):
    "What no processor of this peak bears out: an answer of so much work in so little time."
    peak = max(f['peak'].raw)/f['peak'].field.by        # GFLOP/s
    beside = 2*SIDE**3/min(f['latency'].parts['product'])/1e6
    if len(f['latency'].raw) >= FEWEST and not 1/FASTER <= peak/beside <= FASTER: yield (
        f'peak: {peak:.3g} GFLOP/s, and the products timed beside the latency reached {beside:.3g}')
    for k in ('latency', 'inference'):
        rate = f['flops'].value/max(f[k].raw)/1e6 if f['flops'].known else 0.
        if rate > FASTER*peak: yield (
            f'{k}: {rate:.3g} GFLOP/s, more than {FASTER} times what the processor reaches on matrices')
