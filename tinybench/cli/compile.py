"`tinybench compile`: a network as C, a header, its weights and a shared library"
import json, os, time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
import typer
from tinybench.base.files import new_folder, read_text, write_whole
from tinybench.base.terminal import bar, echo, say
from tinybench.base.text import Shown, Table, worded
from .engines import DTYPES
from .options import AsJson, Seed
from .plan import make_model

FLAGS = '-lm',

@dataclass(frozen=True, repr=False)
class Compiled(Shown):
    "What became of a network; sizes in bytes."
    name: str
    source: str             # what it was made of
    x: tuple
    y: tuple
    target: str
    functions: int
    arena: int
    weights: int
    files: tuple
    library: int|None = None    # None: there is none, and `why`
    secs: float|None = None     # None: it was kept from an earlier run
    error: float|None = None    # the largest difference to the network, as a share of its largest output
    dtype: str = 'float32'      # of the input
    why: str = ''
    def table(self) -> Table:
        rows = [('functions', f'{self.functions}'), ('arena', f'{self.arena:,} bytes'),
                ('weights', f'{self.weights:,} bytes')]
        if self.why: rows.append(('library', 'none'))
        else: rows += [
            ('library', f'{self.library:,} bytes'),
            ('compiled in', 'kept from before' if self.secs is None else worded(self.secs, unit='s')),
            ('largest error', f'{self.error:.1e} of the largest output')]
        return Table((self.name, f'{self.x} -> {self.y}, {self.dtype}, for {self.target}'), tuple(rows))
    def to_dict(self) -> dict: return dict(vars(self))

def as_shape(text:str) -> tuple:
    "'28,28,1' as a tuple; ValueError if it is none."
    try: shape = tuple(int(n) for n in text.split(','))
    except ValueError: shape = 0,
    if min(shape) < 1: raise ValueError(f'--shape {text}: write whole numbers above 0, such as 28,28,1')
    return shape

def file_names(name:str) -> dict:
    "What is written for a network, by kind."
    from tinybench.toolchain.compiler import SUFFIX
    library = f'{"lib" if os.name == "posix" else ""}{name}{SUFFIX}'
    return dict(c=f'{name}.c', h=f'{name}.h', bin=f'{name}.bin', array=f'{name}_weights.c', library=library)

def foreign(folder:Path, name:str, ours:set=frozenset(), mark:str='') -> str:
    """A file in `folder` that this command did not write for the network `name`; '' if there is none. `ours`:
    names of the files that another command writes; `mark`: how its header begins."""
    from tinybench.emit.files import MARK
    ours = ours or {*file_names(name).values(), f'{name}.o'}    # the header says how to make the last
    found = sorted(p.name for p in folder.iterdir())
    if other := next((n for n in found if n not in ours), ''): return other
    try: return '' if not found or read_text(folder/f'{name}.h').startswith(mark or MARK) else found[0]
    except (OSError, ValueError): return found[0]

def check_out(out:Path, name:str, *of):
    "OSError unless the folder `out` is this command's to write: new, empty, or of this network before."
    if not out.exists(): return
    if not out.is_dir(): raise FileExistsError(f'{out} is a file; name a folder')
    if out == Path.cwd(): raise FileExistsError(f'{out} is the folder you are in; name one inside it')
    if other := foreign(out, name, *of): raise FileExistsError(
        f'{out} holds {other}, which is not of {name}, and will not be replaced; name another folder')

def network_of(net:str, weights:Path|None, shape:str|None, seed:int):
    "The network that the command was given, and the shape of one input."
    from tinybench.nn.module import Module
    table = dict(weights=str(weights) if weights else None, shape=as_shape(shape) if shape else None)
    made = make_model(net, {k: v for k, v in table.items() if v}, seed)
    if not isinstance(made.source, Module): raise ValueError(
        f'{net} is a {made.kind} model: tinybench networks only can be compiled')
    return made.source, table['shape'] or made.shape

def shared_library(p) -> tuple:
    "The path of the plan's library, and in how many seconds it was made, None if it was kept; or NoLibrary."
    from tinybench.toolchain.cache import library, library_key
    from tinybench.toolchain.compiler import SUFFIX, NoCompiler, find_compiler, flags
    from tinybench.toolchain.store import kept
    compiler = find_compiler()
    if not compiler: raise NoCompiler('no C compiler: install the package ziglang, or gcc or clang')
    how = flags(compiler, also=FLAGS)
    was = kept(library_key(p.source(), how, compiler), SUFFIX)
    start = time.perf_counter()
    path = library(p.source(), how, compiler, say=say)
    return path, None if was else time.perf_counter() - start

def largest_error(p, net) -> float:
    "How far the compiled plan is from the network on noise, as a share of the largest output."
    import numpy as np
    from tinybench.core.tensor import no_grad
    from tinybench.native.plan import compiled, off_by
    from tinybench.nn.module import evaluating
    p.run = compiled(p, say)
    r, shape = np.random.default_rng(1), p.layout.shapes[0]
    codes = p.dtype == np.int8
    x = r.integers(-128, 128, shape).astype(np.int8) if codes else r.standard_normal(shape, np.float32)
    with no_grad(), evaluating(net): want = net(x).data
    if not np.isfinite(want).all(): raise ValueError('the network gives NaN or infinity for noise')
    return off_by(want.astype(np.float32), p(x).astype(np.float32))

def quantized(net, shape:tuple, examples:Path|None, seed:int):
    "`net` as a network of codes, with the grids that the examples ask for; itself if it is one."
    import numpy as np
    from tinybench.native.int8 import has_codes
    from tinybench.optimize.integer import integer
    from tinybench.optimize.step import strip
    from tinybench.peers.graph import folded
    if has_codes(net):
        if examples: raise ValueError('--examples say nothing: this network has its grids')
        return net
    x = array_in(examples) if examples else None
    if x is not None and x.shape[1:] != tuple(shape): raise ValueError(
        f'{examples} holds examples of {x.shape[1:]}, and the network takes {tuple(shape)}')
    if x is None: x = np.random.default_rng(seed).standard_normal((32, *shape), np.float32)
    return integer(folded(strip(net)), x.astype(np.float32))

def array_in(path:Path):
    "The array of numbers in a file; ValueError if there is none."
    import numpy as np
    try: x = np.load(path, allow_pickle=False)
    except ValueError: x = None
    if isinstance(x, np.ndarray) and x.dtype.kind in 'fiu': return x
    raise ValueError(f'{path} holds no array of numbers, as np.save writes it')

def grids_of(net) -> tuple:
    "In words the grids of a network from fractions to fractions, of its first codes and its last; else ()."
    from tinybench.nn.module import Sequential
    if not isinstance(net, Sequential): return ()
    ends = net[0], net[-1]
    if not all(hasattr(m, 'grid') for m in ends): return ()
    return tuple(f'a code q stands for {g.scale:.9g}*(q - {g.zero})' for g in (m.grid() for m in ends))

def how_compiled() -> tuple:
    "Two lines of flags for somebody else's compiler on a machine like this."
    import platform
    from tinybench.toolchain.compiler import FAST, NATIVE
    native = NATIVE.get(platform.machine().lower())
    return ' '.join(['-std=c11', '-O3', *([native] if native else []), *FAST[:3]]), ' '.join(FAST[3:])

def write_folder(out:Path, name:str, files:dict, *of):
    "All `files` in the folder `out`, in place of what this command wrote there; or nothing, and OSError."
    try:
        with new_folder(out) as folder:
            for file, data in files.items(): write_whole(folder/file, data)
            check_out(out, name, *of)   # somebody may have put something there meanwhile
    except FileExistsError: raise
    except OSError as e: raise type(e)(
        e.errno, f'cannot write a folder into {out.parent} ({e.strerror}); name another') from e

def compile_network(
    net:Annotated[str, typer.Argument(help='Network of the zoo, or module:function that returns one.')],
    weights:Annotated[Path|None, typer.Option(help='What net.save wrote.')]=None,
    shape:Annotated[str|None, typer.Option(help='Of one input, as 28,28,1, if it is not known.')]=None,
    batch:Annotated[int, typer.Option(help='Inputs a call.', min=1)]=1,
    name:Annotated[str|None, typer.Option(help='Of files and function, if not that of the network.')]=None,
    embed:Annotated[bool, typer.Option('--embed', help='Weights also as an array in C.')]=False,
    dtype:Annotated[str, typer.Option(help='Of the input, float32 or int8; int8: in codes.')]='float32',
    examples:Annotated[Path|None, typer.Option(help='.npy of inputs to find the grids by; else noise.')]=None,
    measure:Annotated[bool, typer.Option('--measure', help='Blocks by trying some, not by counting.')]=False,
    out:Annotated[Path|None, typer.Option(help='Folder, if not compiled/NAME; replaces its own.')]=None,
    seed:Seed=0, as_json:AsJson=False):
    """Write a network as C: one function, a header, its weights, a shared library.

    NAME.c has the function NAME_run, which takes four addresses: of the input, the output, an arena and the
    weights. NAME.h says how large they are and how to call it; NAME.bin has the weights. The rest of the C is
    static, so that several networks fit into one program.

    With --dtype int8 it takes and gives codes. A network that is not quantized yet is, by --examples.

    A network of the zoo is new, with random weights, unless --weights names what net.save wrote.

    How many sums of a product are in registers at a time is counted for this machine. --measure tries up
    to eight others for each product, in turns, for seconds, and keeps what is faster; often nothing is.

    The library is for this machine. Without a C compiler all else is written, and the status is 1.

    Example: tinybench compile resnet8 --weights resnet8.npz --out compiled/resnet8
    """
    from tinybench.base.names import lookup
    from tinybench.emit.files import c_name, header, weights_array, weights_bytes, weights_of
    from tinybench.native.int8 import between, plan
    from tinybench.toolchain.compiler import find_compiler
    from tinybench.toolchain.store import NoLibrary
    name = c_name(name or net.rpartition(':')[2])
    lookup('dtype', dtype, DTYPES)
    if examples and dtype != 'int8': raise ValueError('--examples say something with --dtype int8 only')
    out = (out or Path(f'compiled/{name}')).resolve()
    check_out(out, name)
    made, takes = network_of(net, weights, shape, seed)
    grids = ()
    if dtype == 'int8':
        made = quantized(made, takes, examples, seed)
        grids = grids_of(made)
        made = between(made)
    how = dict(name=f'{name}_run', native=measure and find_compiler() is not None, measure=measure, say=say)
    with bar('trying blocks') if measure else nullcontext() as tell:
        p = plan(made, takes, dtype, batch, progress=tell, **how)
    names, found = file_names(name), dict(library=None, secs=None, error=None, why='')
    h, w = header(name, p, net, how_compiled(), embed, grids), weights_of(p)
    data = dict(c=p.source(), h=h, bin=weights_bytes(w))
    if embed: data['array'] = weights_array(name, w)
    try:
        path, found['secs'] = shared_library(p)
        found['error'] = largest_error(p, made)
        if not found['error'] <= (0 if dtype == 'int8' else 1e-3): raise ValueError(
            f'the C is off by {found["error"]:.1e} of the largest number, and nothing was written')
        data['library'] = path.read_bytes()
        found['library'] = len(data['library'])
    except NoLibrary as e: found['why'] = str(e)
    files = tuple(names[kind] for kind in data)
    write_folder(out, name, dict(zip(files, data.values())))
    r = Compiled(name, net, p.layout.shapes[0], p.out.shape, p.target.name, len(p.layout.steps),
                 p.arena.nbytes, p.weights.nbytes, files, **found, dtype=dtype)
    echo(json.dumps(r.to_dict(), indent=1) if as_json else r)
    say(f'written to {out}: {", ".join(files)}')
    if r.why:
        say(f'there is no library: {r.why}')
        raise typer.Exit(1)
