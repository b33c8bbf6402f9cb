"The race of our plans against other engines: the same weights, one input after the other, in turns"
from dataclasses import dataclass
from functools import partial
import numpy as np

from ..base.text import Shown, Table
from ..core.tensor import Tensor, no_grad
from ..exchange.graph import code_graph
from ..exchange.missing import Missing
from ..measure.builds import maker
from ..measure.compare import compare
from ..measure.pairs import Comparison
from ..models.zoo import SHAPES, create
from ..nn.module import Sequential
from ..optimize.integer import integer_network
from .engines import ENGINES, OF_CODES
from .memory import LIBRARIES, MemoryRace, check_memory, race_memory
from .turns import differs

NETS = 'resnet8', 'ds_cnn', 'mobilenet_v1_025', 'fc_autoencoder'

@dataclass(frozen=True, repr=False)
class InferenceRace(Shown):
    "Latency of each engine for each network, compared with ours, the base. Frozen."
    found:dict              # network -> Comparison
    batch:int
    missing:tuple = ()      # why engines were left out
    dtype:str = 'float32'
    memory:MemoryRace|None = None
    def table(self) -> Table:
        rows = [row for net, c in self.found.items() for row in lines(net, c)]
        head = 'network', 'engine', 'µs', 'ours in parts of its time', 'it is'
        said = f'{self.batch} input{"s" if self.batch > 1 else ""} of {self.dtype}, one thread, in turns'
        return Table(head, tuple(rows), (said, *self.missing), left=2)
    def to_dict(self) -> dict:
        return dict(batch=self.batch, dtype=self.dtype, missing=[*self.missing],
                    found={net: c.to_dict() for net, c in self.found.items()},
                    **(dict(memory=self.memory.to_dict()) if self.memory else {}))

def lines(net:str, c:Comparison) -> list[tuple]:
    "A row for each engine: its time, ours in parts of it, and what is said of it."
    rivals, found = {r.name: r for r in c.rows}, []
    for r in c.results:
        q = rivals.get(r.name)
        said = (q.ratio.inverse().words(), f'{q.verdict}, p={q.p_holm:.2g}') if q else ('', '')
        found.append((net, r.name, f'{1e6*r.median:.1f}', *said))
    return found

def raced(name:str, batch:int, rng, seed:int, dtype:str) -> tuple:
    "What engines are given of a network, an input, and the answer that is due."
    net, shape = create(name, np.random.default_rng(seed)).eval(), SHAPES[name]
    given, x = net, rng.normal(size=(batch, *shape)).astype(np.float32)
    if dtype == 'int8':
        given = code_graph(net, shape, rng.normal(size=(16, *shape)).astype(np.float32))
        first, *rest, _ = integer_network(given)
        net, x = Sequential(*rest), first(Tensor(x)).data
    with no_grad(): return given, x, net(x).data

def one_network(name:str, peers:dict, batch:int, rng, seed:int=0, dtype:str='float32', **how) -> Comparison:
    "Our plan of a network and the engines `peers` in turns; ValueError if one gives other answers."
    given, x, want = raced(name, batch, rng, seed, dtype)
    def build(engine): return partial(engine(given, SHAPES[name], batch), x)
    graph = dict(graph=given) if dtype == 'int8' else {}
    for key, engine in peers.items():
        if said := differs(want, build(engine)(), **graph)[1]: raise ValueError(
            f'{key} gives other answers for {name}: {said}')
    makers = {key: maker(partial(build, engine)) for key, engine in peers.items()}
    return compare(makers, base='tinybench', rng=rng, **how)

def race_inference(nets=NETS, against=('litert', 'onnxruntime'), batch:int=1, seed:int=0, progress=None,
                   dtype:str='float32', memory:int=0, **how) -> InferenceRace:
    """Race our plans against other engines, on one thread, in float32 or int8. Those that are not installed,
    or are given no int8 here, are named in `missing`. `memory`: so many processes of each engine show what
    it takes of memory, in float32."""
    engines = dict(float32=ENGINES, int8=OF_CODES)[dtype]
    if memory: check_memory(memory)
    peers, missing, rng = dict(tinybench=engines['tinybench']), [], np.random.default_rng(seed)
    for key in ('tinybench', *against):     # ours first, which tells if there is no C
        if key not in engines:
            missing.append(f'{key} is given no network of int8 here')
            continue
        try: engines[key](raced('simple_cnn', 1, rng, seed, dtype)[0], SHAPES['simple_cnn'], 1)
        except Missing as e: missing.append(str(e))
        else: peers[key] = engines[key]
    if len(peers) == 1: raise ValueError(f'nobody to race: {"; ".join(missing) or "none is named"}')
    found = {}
    for name in nets:
        if progress: progress(f'{name}: {", ".join(peers)}')
        found[name] = one_network(name, peers, batch, rng, seed, dtype, **how)
    known = [k for k in peers if k in LIBRARIES]
    held = race_memory(nets, known, batch, seed, memory, progress) if memory else None
    return InferenceRace(found, batch, tuple(missing), dtype, held)
