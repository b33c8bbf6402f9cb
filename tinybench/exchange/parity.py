"What became of a network as a file, and how runtimes run it"
from dataclasses import dataclass

from ..base.text import Shown, Table


@dataclass(frozen=True)
class Match:
    "How a runtime's answers to `n` examples differ from ours."
    n: int
    changed: int           # examples whose largest number is another one
    error: float|None      # of fractions: the largest difference in parts of the largest number
    steps: tuple = ()      # of codes: how many are off by 0, 1, 2, … steps of the grid
    def mean(self) -> float:
        "By how many steps codes are off, in the mean."
        return sum(k*n for k, n in enumerate(self.steps))/max(sum(self.steps), 1)
    def words(self) -> str:
        if self.error is not None: return f'{self.error:.1e} of the largest'
        if not any(self.steps[1:]): return 'no code'
        by = [f'{n:,} by {k}' for k, n in enumerate(self.steps) if k and n]
        if len(by) > 4: by = f'by up to {len(self.steps) - 1}',
        return f'{sum(self.steps[1:]):,} of {sum(self.steps):,} codes: {", ".join(by)}'
    def to_dict(self) -> dict: return vars(self) | dict(steps=[*self.steps])

@dataclass(frozen=True, repr=False)
class Parity(Shown):
    "A file, and how each runtime that ran it differs from our library. Frozen."
    name: str
    nbytes: int
    dtype: str              # float32, or int8: of weights and activations
    found: dict             # runtime -> Match of the whole file
    rounded: tuple = ()     # (runtime, operator in words, Match): what it rounds otherwise, as is known of it
    why: str = ''           # why nothing has checked it
    def table(self) -> Table:
        rows = tuple((r, str(m.n), m.words(), str(m.changed)) for r, m in self.found.items())
        batch = 'any batch' if self.name.endswith('.onnx') else 'a batch of 1, which LiteRT can resize'
        said = f'{self.name}: {self.nbytes:,} bytes, {self.dtype}, for {batch}'
        alone = (f'{r}: {op}, alone, {m.words()}' for r, op, m in self.rounded)
        words = said, *alone, *([f'Nothing has checked it: {self.why}'] if self.why else [])
        return Table(('runtime', 'examples', 'differs in', 'other answers'), rows, words)
    def to_dict(self) -> dict:
        found = {r: m.to_dict() for r, m in self.found.items()}
        rounded = [dict(runtime=r, operator=op, **m.to_dict()) for r, op, m in self.rounded]
        return vars(self) | dict(found=found, rounded=rounded)
