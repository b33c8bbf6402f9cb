"All promises tried one after another, and what was found as a record, in words and on disk"
import hashlib, json, math, zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType
import numpy as np
from tinybench import __version__
from tinybench.base.files import read_text, write_whole
from tinybench.base.text import Shown, Table, aligned, markdown
from .rows import HEAD, LEVEL, Case, Row, tried
from .tables import all_cases

BEYOND = 1e-4             # a promise that is just kept is called surely broken so rarely
ROOT = Path(__file__).resolve().parents[1]

def code_digest() -> str:
    "What tells this code from another: rows that other code gave are measured again."
    parts = (p for k in ('measure', 'bench', 'operating') for p in sorted((ROOT/k).glob('*.py')))
    return hashlib.sha256(b''.join(p.read_bytes() for p in parts)).hexdigest()[:16]

@dataclass(frozen=True, repr=False)
class Operating(Shown):
    "How often tinybench was right on machines whose truth is known. Frozen."
    rows: tuple               # of `Row`
    seed: int = 0
    quick: bool = False       # few tries, and not all rows
    tinybench: str = __version__
    code: str = ''            # `code_digest`
    @property
    def broken(self) -> list[Row]: return [r for r in self.rows if r.chance < BEYOND]
    @property
    def words(self) -> str:
        n, form = Counter(r.verdict for r in self.rows), 'short form, ' if self.quick else ''
        said = ', '.join(f'{n[k]} {k}' for k in ('held', 'broken', 'undecided', 'no promise') if n[k])
        return (f'{len(self.rows)} rows: {said}; limits are binomial at {100*LEVEL:g}%; '
                f'simulated machines, seed {self.seed}, {form}tinybench {self.tinybench}')
    def parts(self) -> dict[str, list[tuple]]:
        found = {}
        for r in self.rows: found.setdefault(r.part, []).append(r.cells())
        return found
    def table(self) -> Table:
        return Table(('table', *HEAD), tuple((r.part, *r.cells()) for r in self.rows), (f'{self.words}.',), 2)
    def __repr__(self):
        cells = [row for of in self.parts().values() for row in of]
        lines = iter(aligned([HEAD, *cells], 1).splitlines())
        head = next(lines)
        blocks = ['\n'.join((name, *(next(lines) for _ in of))) for name, of in self.parts().items()]
        return '\n\n'.join((head, *blocks, f'{self.words}.'))
    def _repr_markdown_(self):
        blocks = (f'**{name}**\n\n{markdown([HEAD, *of], 1)}' for name, of in self.parts().items())
        return '\n\n'.join((*blocks, f'{self.words}.'))
    def to_dict(self) -> dict:
        rows = [{k: None if v != v else v for k, v in r.to_dict().items()} for r in self.rows]
        return dict(vars(self), report='operating', schema=1, rows=rows)
    @classmethod
    def from_dict(cls, d:dict) -> 'Operating':
        def row(r): return Row(**{k: math.nan if v is None else v for k, v in r.items() if k != 'verdict'})
        return cls(tuple(map(row, d['rows'])), **{k: d[k] for k in ('seed', 'quick', 'tinybench', 'code')})
    def save(self, folder:Path) -> Path:
        "Writes `operating.md` and `operating.json`, each whole or not at all."
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder/'operating.md', f'# How often tinybench is right\n\n{self._repr_markdown_()}\n')
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        return write_whole(folder/'operating.json', text + '\n')

def rows_kept(folder:Path, seed:int, quick:bool) -> dict:
    "Rows that are in `folder` already, by table and what: of this code, seed and form; else none."
    try: d = json.loads(read_text(folder/'operating.json'))
    except FileNotFoundError: return {}
    except ValueError as e: raise ValueError(f'{folder}/operating.json: {e}; name another folder') from e
    if not isinstance(d, dict) or d.get('report') != 'operating' or d.get('schema') != 1:
        raise ValueError(f'{folder}/operating.json is no result of this command; name another folder')
    found = Operating.from_dict(d)
    alike = (found.code, found.seed, found.quick) == (code_digest(), seed, quick)
    return {(r.part, r.what): r for r in found.rows} if alike else {}

def case_rng(case:Case, seed:int) -> np.random.Generator:
    "Of its own for each case, so that a row is the same whatever else is tried."
    return np.random.default_rng([seed, zlib.crc32(f'{case.part}: {case.what}'.encode())])

def case_row(case:Case, seed:int=0, quick:bool=False) -> Row:
    return tried(case, case_rng(case, seed), case.quick if quick else case.tries)

def known_row(name:tuple, seed:int, quick:bool) -> Row:
    "The row of one of `all_cases`, by table and what: names go to another process, functions do not."
    return case_row(next(c for c in all_cases() if (c.part, c.what) == name), seed, quick)

@contextmanager
def rows_of(cases:list, seed:int, quick:bool, workers:int) -> Iterator[Iterator[Row]]:
    "The rows of `cases` in order, one by one; with several `workers`, of `all_cases` only, in processes."
    if workers == 1:
        yield (case_row(c, seed, quick) for c in cases)
        return
    pool = ProcessPoolExecutor(workers, get_context('spawn'))
    try: yield pool.map(known_row, [(c.part, c.what) for c in cases], repeat(seed), repeat(quick))
    finally: pool.shutdown(cancel_futures=True)

def operate(
    cases:Iterable[Case]|None=None,  # all, if None
    seed:int=0,
    quick:bool=False,                # few tries, and only of the cases that have some
    kept:Mapping=MappingProxyType({}), # rows that are there already, by table and what
    workers:int=1,                   # processes
    progress:Callable|None=None,     # called with (done, of, what was tried)
    keep:Callable|None=None,         # called with all there is after each row
) -> Operating:
    "The rows of all `cases`."
    cases = [c for c in (all_cases() if cases is None else cases) if c.quick or not quick]
    if not cases: raise ValueError('nothing to try')
    rows, code = [], code_digest()
    todo = [c for c in cases if (c.part, c.what) not in kept]
    with rows_of(todo, seed, quick, workers) as fresh:
        for i, c in enumerate(cases):
            old = kept.get((c.part, c.what))
            rows.append(old or next(fresh))
            if keep and not old: keep(Operating(tuple(rows), seed, quick, code=code))
            if progress: progress(i + 1, len(cases), c.what)
    return Operating(tuple(rows), seed, quick, code=code)
