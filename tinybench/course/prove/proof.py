"The proof: what became of each answer, and what that says of the checks"
from collections.abc import Iterator
from dataclasses import dataclass
from tinybench.base.text import Shown, Table


def n_of(n:int, what:str) -> str: return f'{n} {what}' if n == 1 else f'{n} {what}s'

EARN_NOTHING = 'stub', 'constant'

@dataclass(frozen=True)
class Tried:
    "What became of one answer: the checks that it lost (of a stub or constant all, else the first), and why."
    kind: str         # 'solution', 'stub', 'constant', 'wrong', 'right' or 'mutant'
    why: str = ''
    lost: tuple = ()  # ids of cells
    error: str = ''
    hidden: bool = False  # the visible checks saw nothing
    secs: float = 0.
    def __repr__(self):
        became = f'lost {", ".join(self.lost)}: {self.error}' if self.lost else 'full marks'
        return f'{self.kind}{self.why and f" ({self.why})"}: {became}'

@dataclass(frozen=True)
class Proved:
    "An exercise, and what became of all that was tried in its place."
    notebook: str
    exercise: str
    checks: dict      # {id: points}
    tried: tuple
    def of(self, kind:str) -> list: return [t for t in self.tried if t.kind == kind]
    def earned(self, t:Tried) -> float: return sum(p for c, p in self.checks.items() if c not in t.lost)
    @property
    def survivors(self) -> list: return [t.why for t in self.of('mutant') if not t.lost]

    def problems(self) -> Iterator:
        "A sentence for each thing that a check gets wrong; a mutant that survives may be right as well."
        where = f'{self.notebook}, {self.exercise}'
        if not self.checks: yield f'{where}: no check judges it.'
        for t in self.tried:
            what = f'{where}: the {t.kind}' + (f' answer ({t.why})' if t.why else '')
            if t.kind in ('solution', 'right') and t.lost: yield f'{what} loses {t.lost[0]}: {t.error}.'
            if t.kind == 'wrong' and not t.lost: yield f'{what} keeps full marks.'
            if t.kind == 'wrong' and t.error.startswith('NameError'):
                yield f'{what} proves nothing: {t.error}.'
            if t.kind in EARN_NOTHING and self.earned(t):
                yield f'{what} passes {", ".join(c for c in self.checks if c not in t.lost)}.'

    def row(self) -> tuple:
        def marks(kind): return f'{sum(map(self.earned, self.of(kind))):g}/{sum(self.checks.values()):g}'
        def of_all(good): return f'{sum(good)}/{len(good)}' if good else ''
        empty = [not self.earned(t) for t in self.of('constant')]
        wrong, right, bred = ([bool(t.lost) for t in self.of(kind)] for kind in ('wrong', 'right', 'mutant'))
        only_hidden = str(sum(t.hidden for t in self.of('wrong')))
        return (self.notebook, self.exercise, marks('solution'), marks('stub'), of_all(empty), of_all(wrong),
                only_hidden, of_all([not lost for lost in right]), of_all(bred))

@dataclass(frozen=True, repr=False)
class Proof(Shown):
    "What `prove` found: a row for each exercise. Iterating gives the proof of each notebook."
    rows: tuple
    secs: float = 0.
    def __iter__(self) -> Iterator:
        for name in dict.fromkeys(r.notebook for r in self.rows):
            rows = tuple(r for r in self.rows if r.notebook == name)
            yield Proof(rows, sum(t.secs for r in rows for t in r.tried))

    @property
    def problems(self) -> list: return [p for r in self.rows for p in r.problems()]
    @property
    def holds(self) -> bool: return not self.problems
    @property
    def survivors(self) -> list:
        return [f'{r.notebook}, {r.exercise}, {why}' for r in self.rows for why in r.survivors]

    def counts(self, kind:str) -> tuple:
        "How many answers of a kind lost points, and how many there are."
        found = [t for r in self.rows for t in r.of(kind)]
        return sum(bool(t.lost) for t in found), len(found)

    def table(self) -> Table:
        head = ('notebook', 'exercise', 'solution', 'stub', 'constants lost', 'wrong lost', 'only hidden',
                'right kept', 'mutants noticed')
        first = int(len({r.notebook for r in self.rows}) == 1)     # its name is in the sentence below
        cut = slice(first, len(head) if self.counts('mutant')[1] else -1)
        words = [f'{self.head()} in {self.secs:.1f} s', *self.problems]
        bare = dict.fromkeys(r.notebook for r in self.rows if not r.of('wrong'))
        words += [f'{n}: knockouts/{n}.py is not there, so only what a machine makes was tried' for n in bare]
        words += [f'survives: {s}' for s in self.survivors]
        return Table(head[cut], tuple(r.row()[cut] for r in self.rows), tuple(words), None)

    def head(self) -> str:
        names, n = [*dict.fromkeys(r.notebook for r in self.rows)], len(self.rows)
        found = n_of(len(p), 'problem') if (p := self.problems) else 'holds'
        wrong, right, bred = (self.counts(kind)[1] for kind in ('wrong', 'right', 'mutant'))
        about = names[0] if len(names) == 1 else f'{len(names)} notebooks'
        more = f', {bred} mutants' if bred else ''
        return f'{about}: {found}; {n_of(n, "exercise")}, {wrong} wrong and {right} right answers{more}'
