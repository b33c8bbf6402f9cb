"The race of our plans against other engines: the same weights, one input after the other, in turns"
from dataclasses import dataclass
from functools import partial
import numpy as np

from ..base.text import Shown, Table
from ..core.tensor import no_grad
from ..measure.builds import maker
from ..measure.compare import compare
from ..measure.pairs import Comparison
from ..models.zoo import SHAPES, create
from ..native.plan import off_by
from .engines import ENGINES, Missing

NETS = 'resnet8', 'ds_cnn', 'mobilenet_v1_025', 'fc_autoencoder'
CLOSE = 1e-4        # of the largest number: what engines may differ by, that add up in another order

@dataclass(frozen=True, repr=False)
class InferenceRace(Shown):
    "Latency of each engine for each network, compared with ours, the base. Frozen."
    found:dict              # network -> Comparison
    batch:int
    missing:tuple = ()      # why engines were left out
    def table(self) -> Table:
        rows = [row for net, c in self.found.items() for row in lines(net, c)]
        head = 'network', 'engine', 'µs', 'ours in parts of its time', 'it is'
        said = f'{self.batch} input{"s" if self.batch > 1 else ""}, one thread, in turns'
        return Table(head, tuple(rows), (said, *self.missing), left=2)
    def to_dict(self) -> dict:
        return dict(batch=self.batch, missing=[*self.missing],
                    found={net: c.to_dict() for net, c in self.found.items()})

def lines(net:str, c:Comparison) -> list[tuple]:
    "A row for each engine: its time, ours in parts of it, and what is said of it."
    rivals, found = {r.name: r for r in c.rows}, []
    for r in c.results:
        q = rivals.get(r.name)
        said = (q.ratio.inverse().words(), f'{q.verdict}, p={q.p_holm:.2g}') if q else ('', '')
        found.append((net, r.name, f'{1e6*r.median:.1f}', *said))
    return found

def one_network(name:str, peers:dict, batch:int, rng, seed:int=0, **how) -> Comparison:
    "Our plan of a network and the engines `peers` in turns; ValueError if one gives other answers."
    net, shape = create(name, np.random.default_rng(seed)).eval(), SHAPES[name]
    x = rng.normal(size=(batch, *shape)).astype(np.float32)
    with no_grad(): want = net(x).data
    def build(engine): return partial(engine(net, shape, batch), x)
    for key, engine in peers.items():
        off = off_by(want, np.reshape(build(engine)(), want.shape))
        if not off <= CLOSE: raise ValueError(f'{key} gives other answers for {name}: off by {off:.2g}')
    makers = {key: maker(partial(build, engine)) for key, engine in peers.items()}
    return compare(makers, base='tinybench', rng=rng, **how)

def race_inference(nets=NETS, against=('litert', 'onnxruntime'), batch:int=1, seed:int=0,
                   progress=None, **how) -> InferenceRace:
    "Race our plans against other engines, on one thread; those not installed are named in `missing`."
    peers, missing, rng = dict(tinybench=ENGINES['tinybench']), [], np.random.default_rng(seed)
    for key in against:
        try: ENGINES[key](create('simple_cnn', rng).eval(), SHAPES['simple_cnn'], 1)
        except Missing as e: missing.append(str(e))
        else: peers[key] = ENGINES[key]
    found = {}
    for name in nets:
        if progress: progress(f'{name}: {", ".join(peers)}')
        found[name] = one_network(name, peers, batch, rng, seed, **how)
    return InferenceRace(found, batch, tuple(missing))
