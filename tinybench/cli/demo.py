"`tinybench demo`: networks trained on the digits, one of them made faster, and what that brought"
from collections.abc import Callable


def train_digits(data, width:int, epochs:int=20, seed:int=0, bar:bool=False):
    "A `simple_cnn` of `width` trained on `data`, in evaluation mode."
    import numpy as np
    from tinybench.data.loader import Loader
    from tinybench.models.zoo import simple_cnn
    from tinybench.nn.optim import AdamW, cosine
    from tinybench.nn.train import Progress, fit
    rng = np.random.default_rng(seed)
    net = simple_cnn(rng, data.x_train.shape[1:], len(data.classes), width)
    batches = Loader(data.x_train, data.y_train, rng=rng)
    opt = AdamW(net.parameters(), cosine(.01, epochs*len(batches)), decay=.1)
    fit(net, batches, epochs, opt, callbacks=[Progress(delay=0)]*bar, progress=False)
    return net.eval()

TUNE = 2        # epochs after channels were taken away
MEANT = {'fused': 'the same answers from fewer passes over memory, by strip, fold and fuse.',
         'thinned': f'half of the multiply-accumulates, {TUNE} epochs of fine-tuning, and then fused.'}

def made_faster(net, data, seed:int=0) -> dict:
    "`net` after the steps that each name of `MEANT` stands for, in evaluation mode."
    from functools import partial
    from tinybench.bench.ablation import FineTune
    from tinybench.optimize.channels import thin
    from tinybench.optimize.fuse import fold, fuse
    from tinybench.optimize.step import optimize, strip
    x, shape = data.x_train[:64], data.x_train.shape[1:]
    less = [partial(thin, shape=shape, macs=.5), FineTune(data, TUNE, seed=seed)]
    fused = [strip, fold, fuse]
    return {name: optimize(net, steps, x).net.eval()
            for name, steps in zip(MEANT, (fused, less + fused))}

def demo_suite(
    seed:int=0,
    widths:tuple=(16, 4),     # of the networks, the baseline first
    epochs:int=20,
    tell:Callable=lambda text: None, # called with what happens next
    bar:bool=False,           # show a bar while training, in a terminal
    **options,                # of `BenchmarkSuite`
):
    "A `BenchmarkSuite` of networks of each width, trained here on the digits, and of the first made faster."
    from threadpoolctl import threadpool_limits
    from tinybench.backends.base import as_model
    from tinybench.bench.suite import BenchmarkSuite
    from tinybench.data.source import load_digits
    if len(set(widths)) < 2: raise ValueError(f'to compare networks takes two widths, got {widths}')
    data, nets = load_digits(), {}
    with threadpool_limits(1):
        for w in widths:
            tell(f'training a network of width {w} for {epochs} epochs on {len(data.y_train):,} digits')
            nets[f'width {w}'] = train_digits(data, w, epochs, seed, bar)
        tell(f'making width {widths[0]} faster: {", ".join(MEANT)}')
        nets |= made_faster(nets[f'width {widths[0]}'], data, seed)
    models = [as_model(name, net, data.x_test.shape[1:]) for name, net in nets.items()]
    return BenchmarkSuite(models, data, seed=seed, **options)

def gain(c, a, old:float, new:float) -> str:
    "How a network stands against the one it was made from, in the `Column` c; `a` is an `Against`."
    from tinybench.base.text import worded
    said = a.words()
    if c.unit == 's': said = worded(1/a.mid, 1/a.hi, 1/a.lo)       # of seconds it is how many times as long
    if c.unit == 'B': said = f'{worded(old, unit="B")} → {worded(new, unit="B")}'
    return f'{said}, {a.verdict}'

def gains(r):
    "What the steps of `MEANT` brought, as a `Table`; `r` is what the suite of the demo found."
    from tinybench.base.text import Table
    from tinybench.bench.benchmark import spread
    from tinybench.bench.suite import columns
    labels = {'latency': f'speed, {r.settings["batch"]} at a time', 'accuracy': 'accuracy',
              'throughput': f'speed, {r.settings["throughput_batch"]} at a time', 'weights': 'weights'}
    found = {c.metric: (c, xs) for c, xs in columns(r).items() if c in r.comparison}
    def cell(metric, name):
        c, xs = found[metric]
        if name not in r.comparison[c]: return 'not known'
        return gain(c, r.comparison[c][name], spread(xs[r.baseline])[0], spread(xs[name])[0])
    rows = tuple((label, *(cell(metric, name) for name in MEANT)) for metric, label in labels.items()
                 if metric in found)
    said = ('Speed: how many times as fast, in the same rounds; accuracy: on the same '
            f'{r.scores[0].n} digits; in brackets {100*r.level:g}% intervals.')
    return Table((f'{r.baseline}, made faster', *MEANT), rows,
                 (*(f'{name}: {words}' for name, words in MEANT.items()), said), None)
