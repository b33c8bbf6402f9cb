"Two networks of different width, trained on the digits: the suite that `tinybench demo` measures"
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

def demo_suite(
    seed:int=0,
    widths:tuple=(16, 4),     # of the networks, the baseline first
    epochs:int=20,
    tell:Callable=lambda text: None, # called with what happens next
    bar:bool=False,           # show a bar while training, in a terminal
    **options,                # of `BenchmarkSuite`
):
    "A `BenchmarkSuite` of networks of each width, trained here on the digits."
    from threadpoolctl import threadpool_limits
    from tinybench.backends.base import as_model
    from tinybench.bench.suite import BenchmarkSuite
    from tinybench.data.source import load_digits
    if len(set(widths)) < 2: raise ValueError(f'to compare networks takes two widths, got {widths}')
    data, models = load_digits(), []
    for w in widths:
        tell(f'training a network of width {w} for {epochs} epochs on {len(data.y_train):,} digits')
        with threadpool_limits(1): net = train_digits(data, w, epochs, seed, bar)
        models.append(as_model(f'width {w}', net, data.x_test.shape[1:]))
    return BenchmarkSuite(models, data, seed=seed, **options)
