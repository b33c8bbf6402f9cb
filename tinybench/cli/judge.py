"A submission to the olympics: a network as data, and a judge who runs it again and believes nobody"
import json, os, re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
import numpy as np
from tinybench.base.archive import check_npz, plain_file
from tinybench.base.files import new_folder, read_text, write_whole
from tinybench.base.names import lookup
from tinybench.base.process import Child
from tinybench.base.text import one_line
from tinybench.embedded.tasks import class_examples
from tinybench.measure.result import plain
from tinybench.nn.channels import DepthwiseConv2d
from tinybench.nn.conv import Conv2d
from tinybench.nn.dense import Dense, Flatten, ReLU, Residual, Sigmoid, Tanh
from tinybench.nn.module import Module, Sequential, load_arrays, load_state_dict, save_arrays
from tinybench.nn.norm import BatchNorm
from tinybench.nn.pool import AvgPool2d, ConvReluPool2d, GlobalAvgPool2d, MaxPool2d
from tinybench.optimize.fuse import channels_first, fold, fuse
from tinybench.optimize.integer import integer
from tinybench.optimize.prune import sparse
from tinybench.optimize.quantize import clustered, int4, int8
from tinybench.optimize.step import bfloat16, float16, strip, take_step
from tinybench.tasks.olympics import Entry, entry_of, event_of, reference, shortfalls
from tinybench.tasks.task import Examples, outputs_of, task_of

LIMIT = 2**24             # bytes that a model may have, packed or not
JSON_LIMIT = 2**18        # bytes of its description
FIELDS = dict(schema=int, event=str, name=str, model=str, network=dict, steps=list, claims=dict)
FILES = {'submission.json', 'model.npz', 'README.md'}
NAME = re.compile('[a-z0-9][a-z0-9-]{0,39}')
DEVICE = re.compile('(con|prn|aux|nul|(com|lpt)[0-9])')     # no folder can be called so on Windows
DEEPEST = 30              # layers within layers

class Refused(ValueError): "A submission that is not taken, and why."


# --- a network as data: sizes are not said, they follow from arrays whose bytes are known beforehand

class Kind(NamedTuple):
    "A layer that a submission may have."
    make: type
    sizes: Callable|None = None # shapes of its arrays, by name -> what `make` takes first
    options: tuple = ()         # that the description says

def window_sizes(s:Mapping) -> tuple: return *s['w'][2:], option('kernel', list(s['w'][:2]))

WINDOW = 'stride', 'padding'
KINDS = {k.make.__name__: k for k in (
    Kind(Dense, lambda s: s['w']), Kind(BatchNorm, lambda s: s['gamma'], ('eps',)),
    Kind(Conv2d, window_sizes, WINDOW), Kind(DepthwiseConv2d, window_sizes, WINDOW),
    Kind(ConvReluPool2d, window_sizes, ('pool', 'padding')),
    Kind(MaxPool2d, None, ('kernel', *WINDOW)), Kind(AvgPool2d, None, ('kernel', *WINDOW)),
    *map(Kind, (GlobalAvgPool2d, Flatten, ReLU, Sigmoid, Tanh)))}

STEPS = dict(fold=fold, fuse=fuse, channels_first=channels_first, float16=float16, bfloat16=bfloat16,
             int8=int8, int4=int4, clustered=clustered, sparse=sparse, integer=integer)

def step_of(name:str, task:str) -> Callable:
    "The step called `name`; integers have their ranges from the first 256 examples to train on."
    f = lookup('step', name, STEPS)
    if f is not integer: return f
    x = class_examples(task, 'train').x[:256].astype(np.float32)
    return lambda net: integer(net, x)

def describe(m:Module) -> dict:
    "A layer as data, without sizes; ValueError for one that no submission may have."
    kind = type(m).__name__
    if type(m) is Sequential: return dict(layer=kind, layers=[describe(x) for x in m.layers])
    if type(m) is Residual:
        return dict(layer=kind, body=describe(m.body), shortcut=m.shortcut and describe(m.shortcut))
    if getattr(m, 'b', 0) is None: raise ValueError(f'{m!r}: the layers of a submission have a bias')
    if kind not in KINDS or KINDS[kind].make is not type(m): raise ValueError(
        f'{m!r} cannot be submitted: send the network of {", ".join(KINDS)} that it was made of, and name '
        f'the steps that the judge takes ({", ".join(STEPS)})')
    return dict(layer=kind, **{k: plain(getattr(m, k)) for k in KINDS[kind].options})

def option(k:str, v):
    "`v`, if it may be the option `k` of a layer; ValueError if not."
    def size(n): return type(n) is int and 1 <= n <= 96       # the largest pictures have 96 rows
    pair = type(v) is list and len(v) == 2 and all(map(size, v))
    good = dict(padding=v in ('same', 'valid'), pool=size(v), eps=type(v) is float and 0 < v < 1)
    if not good.get(k, pair): raise ValueError(f'{k} cannot be {str(v)[:60]!r}')
    return tuple(v) if pair else v

def build(d:Mapping, shapes:Mapping, path:str='') -> Module:
    "The layer that `d` describes, with arrays of `shapes`, path -> shape; ValueError if it is no layer."
    kind = d.get('layer') if isinstance(d, dict) else None
    if path.count('.') > 2*DEEPEST: raise ValueError(f'layers stand deeper than {DEEPEST} within each other')
    if kind == 'Sequential':
        return Sequential(*(build(x, shapes, f'{path}layers.{i}.') for i, x in enumerate(d['layers'])))
    if kind == 'Residual':
        shortcut = d['shortcut'] and build(d['shortcut'], shapes, f'{path}shortcut.')
        return Residual(build(d['body'], shapes, f'{path}body.'), shortcut)
    if not isinstance(kind, str) or kind not in KINDS: raise ValueError(f'{path}: there is no layer {kind!r}')
    k = KINDS[kind]
    if {*d} != {'layer', *k.options}: raise ValueError(
        f'{path}{kind} has the options {", ".join(k.options) or "none"}')
    own = {n.removeprefix(path): s for n, s in shapes.items() if n.startswith(path)}
    rng = dict(rng=np.random.default_rng(0)) if 'w' in own else {}
    return k.make(*(k.sizes(own) if k.sizes else ()), **rng, **{o: option(o, d[o]) for o in k.options})


# --- the judge: cheap checks come first, and nothing large is read before its size is known

def read_submission(folder:Path) -> dict:
    "What `submission.json` says, each field of its kind; Refused if it is none, or what `json` raises."
    if folder.is_symlink(): raise Refused('the folder is a link')
    path = folder/'submission.json'
    plain_file(path, JSON_LIMIT)
    def no(v): raise Refused(f'{v} is no number of JSON')
    d = json.loads(read_text(path), parse_constant=no)
    if not isinstance(d, dict) or {*d} != {*FIELDS}:
        raise Refused(f'a submission has the fields {", ".join(FIELDS)}')
    for k, kind in FIELDS.items():
        if type(d[k]) is not kind: raise Refused(f'{k} cannot be {str(d[k])[:60]!r}')
    if d['schema'] != 1: raise Refused(f'schema {d["schema"]}: this tinybench knows 1 only')
    check_name(d['name'])
    if d['model'] != 'model.npz': raise Refused('the model is called model.npz')
    if len(d['steps']) > 10: raise Refused(f'{len(d["steps"])} steps, and at most 10 are allowed')
    event_of(d['event'])
    if odd := {p.name for p in folder.iterdir()} - FILES: raise Refused(f'the folder also holds {min(odd)!r}')
    if os.path.lexists(folder/'README.md'): plain_file(folder/'README.md', JSON_LIMIT)
    return d

def check_name(name:str):
    "Refused unless an entry may have this name, which is that of a folder, too."
    if not NAME.fullmatch(name) or DEVICE.fullmatch(name) or name == 'reference': raise Refused(
        f'no entry can be called {name[:60]!r}: a name has small letters, digits and hyphens, at most 40')

def place_of(folder:Path) -> str:
    "EVENT/NAME of a folder; what can be no name is quoted, so that a terminal or a log does not act on it."
    return '/'.join(s if NAME.fullmatch(s) else repr(s[:60]) for s in (folder.parent.name, folder.name))

def submitted(folder:Path, d:Mapping, pictures:Examples) -> Module:
    "The network of a submission, after its steps; an error of any kind if it cannot be made."
    check_npz(folder/'model.npz', LIMIT)
    arrays = load_arrays(folder/'model.npz')
    net = load_state_dict(build(d['network'], {k: a.shape for k, a in arrays.items()}), arrays).eval()
    x = np.ascontiguousarray(pictures.x[:8], np.float32)
    task = event_of(d['event']).task
    for name in d['steps']: net, _ = take_step(name, step_of(name, task), net, x)
    return net.eval()

def close_calls(out:np.ndarray) -> int:
    "Rows of outputs whose two largest agree to a hundred-thousandth, so that rounding may decide."
    low, top = np.sort(out, 1)[:, -2:].T
    return int((top - low <= 1e-5*np.abs(out).max(1)).sum())

def claims_of(x:Entry) -> dict: return dict(right=x.score.right, of=x.score.n, bytes=x.nbytes)

def check_claims(said:Mapping, x:Entry, pictures:Examples):
    "Refused unless `said` is what the judge finds; of right answers close calls may differ, up to 1 %."
    found = claims_of(x)
    if {*said} != {*found} or any(type(v) is not int for v in said.values()): raise Refused(
        f'claims are whole numbers for {", ".join(found)}; a time is measured by the judge')
    t = task_of(event_of(x.event).task)
    give = min(close_calls(outputs_of(t, x.model, pictures)), x.score.n//100) if said != found else 0
    for k, v in found.items():
        if abs(said[k] - v) > (give if k == 'right' else 0):
            raise Refused(f'claims {said[k]:,} {k}, and the judge finds {v:,}')

def judged_on(event:str, pictures:Examples|None=None) -> Examples:
    "What the entries of an event are judged on: `pictures`, or what ships for its task."
    return class_examples(event_of(event).task) if pictures is None else pictures

def verified(folder:Path, pictures:Examples|None) -> Entry:
    "The entry in a folder, whatever that is called; an error of any kind if it is not taken."
    d = read_submission(folder)
    pictures = judged_on(d['event'], pictures)
    x = entry_of(d['name'], d['event'], submitted(folder, d, pictures), pictures)
    check_claims(d['claims'], x, pictures)
    if short := shortfalls(event_of(x.event), x.score.share, x.nbytes): raise Refused('; '.join(short))
    return x

def verify(folder:str|os.PathLike, pictures:Examples|None=None) -> Entry:
    "The entry in `folder`, EVENT/NAME, if all that it claims is true; Refused with the reason if not."
    folder = Path(folder).expanduser().absolute()
    where = place_of(folder)
    try:
        x = verified(folder, pictures)
        if where == f'{x.event}/{x.name}': return x
        raise Refused(f'this folder is {where}, and not {x.event}/{x.name}')
    except Exception as e:    # a stranger's file may raise anything
        kind = '' if isinstance(e, ValueError) else f'{type(e).__name__}: '
        raise Refused(f'{where} is refused: {one_line(f"{kind}{e}")[:1000]}') from e

def submit(
    net:Module,
    root:str|os.PathLike,     # folder of the contest
    event:str, name:str,
    steps:Iterable[str]=(),   # that the judge takes, of `STEPS`
    pictures:Examples|None=None,
) -> Path:
    "Writes the folder `root`/event/name, whole or not at all; ValueError if it would not be taken."
    pictures = judged_on(event, pictures)
    check_name(name)
    net = strip(net)
    d = dict(schema=1, event=event, name=name, model='model.npz', network=describe(net), steps=list(steps))
    place = Path(root).expanduser()/event/name
    with new_folder(place) as new:
        save_arrays(new/'model.npz', net.state_dict())
        made = entry_of(name, event, submitted(new, d, pictures), pictures)
        write_whole(new/'submission.json', json.dumps(d | dict(claims=claims_of(made)), indent=1) + '\n')
        verified(new, pictures)
    return place


# --- a network may be honest and enormous: a process with limits verifies, and what ends it is to blame

def limit_memory(more:int):
    "Lets this process take `more` bytes beyond what it has, where the system can say so."
    try: import psutil, resource
    except ImportError: return                                # Windows
    held = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (held + more, held + more))

def serve_judge(pipe, folders:list, more:int):
    "The life of a judge's process: an answer for each folder, an `Entry` or the reason why not."
    entry_of('reference', 'sprint', reference()[0].source, judged_on('sprint'))    # loads what a judge needs
    class_examples('ic01', 'train')
    limit_memory(more)
    for folder in folders:
        try: answer = verify(folder)
        except Refused as e: answer = str(e)
        pipe.send(('ok', answer))

def next_verdict(child:Child, folder:Path, secs:float) -> tuple:
    "(verdict on `folder`, whether `child` lives on)."
    def refused(why): return f'{place_of(folder)} is refused: {why}', False
    try:
        if child.pipe.poll(secs): return child.answer(), True
    except ChildProcessError as e: return refused(e)
    child.process.kill()
    return refused(f'it took over {secs:g} s')

def verify_apart(folders:Iterable[Path], secs:float=60., more:int=2**31) -> dict:
    "folder -> its `Entry`, or why it is refused; each may take so many seconds, and `more` bytes of memory."
    todo, found = list(folders), {}
    while todo:
        with Child('the judge', serve_judge, todo, more) as child:
            alive = True
            while todo and alive:
                found[todo[0]], alive = next_verdict(child, todo[0], secs)
                todo.pop(0)
    return found
