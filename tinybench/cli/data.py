"`tinybench data`: which sets of data there are, where their files lie, and what may be done with them"
import json
from typing import Annotated, NamedTuple
import typer
from tinybench.base.names import lookup
from tinybench.base.terminal import echo, say
from tinybench.base.text import Table
from tinybench.official import sets as official
from .options import AsJson

class Set(NamedTuple):
    "A set of data: what it is, whose, and its files, one pattern each; () if it needs none."
    what: str
    licence: str
    files: tuple = ()
    mb: int = 0             # to download

PARTS, KINDS = ('train', 't10k'), ('images-idx3', 'labels-idx1')
IDX = tuple(f'{part}-{kind}-ubyte.gz' for part in PARTS for kind in KINDS)
SETS = dict(
    digits=Set('1,797 handwritten digits of 8x8', 'CC BY 4.0 (UCI), in scikit-learn'),
    keywords=Set('4,320 words by espeak-ng', 'Apache 2.0, ours'),
    machines=Set('1,120 clips of machine sounds, made from seeds', 'Apache 2.0, ours'),
    wakeword=Set('20 minutes with 50 wakewords, by espeak-ng', 'Apache 2.0, ours'),
    mnist=Set('70,000 handwritten digits of 28x28', 'CC BY-SA 3.0 (LeCun, Cortes)', IDX, 11),
    fashion_mnist=Set('70,000 pieces of clothing of 28x28', 'MIT (Zalando)',
                      tuple(f'fashion_mnist/{f}' for f in IDX), 30),
    cifar10=Set('60,000 colour pictures of 32x32, for ic01 and ic02', 'none stated (Krizhevsky 2009)',
                ('cifar-10-binary.tar.gz',), 170))
SETS |= {k: Set(s.what, s.licence, tuple(f.name for f in s.files), round(sum(f.mb for f in s.files)))
         for k, s in official.SETS.items()}

def place(name:str) -> str:
    "Where the files of a set are: 'ships', a folder, or '' if they are not on this machine."
    from tinybench.official.bring import where
    files = [where(f) for f in SETS[name].files]
    if not files: return 'ships'
    return '' if None in files else str(files[0].parent)

def list_data(as_json:AsJson=False):
    """List the sets of data, their size, what may be done with them, and where they are.

    Example: tinybench data list
    """
    def row(name, s):
        size = f'{s.mb:,} MB' if s.files else ''
        return name, s.what, s.licence, size, place(name) or f'not here: {size} to get'
    head = 'name', 'what', 'licence', 'size', 'where'
    t = Table(head, tuple(row(*item) for item in SETS.items()), left=None)
    echo(json.dumps([dict(zip(t.head, r)) for r in t.rows], indent=1) if as_json else t)

def get_data(names:Annotated[list[str], typer.Argument(help='As `tinybench data list` has them.')]):
    """Download sets of data, verify their checksums, and say where they are.

    A file that is there is verified, and not downloaded again. TINYBENCH_DATA and TINYBENCH_CACHE name other
    folders.

    Example: tinybench data get mnist speech-commands
    """
    from tinybench.data.source import load
    from tinybench.official.bring import bring
    for name in names: lookup('set of data', name, SETS)            # before the first download
    for name in names:
        say(f'licence of {name}: {SETS[name].licence}')
        if name in official.SETS: bring(name)
        elif SETS[name].files: load(name)
        echo(f'{name}: {place(name)}')
