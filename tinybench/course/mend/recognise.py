"Which submitted cell is which cell of the source: by name, by text, by what it defines"
import difflib, re
from collections.abc import Mapping
from ..cells import NotebookNode, grading, nbformat, role
from ..trees import parsed
from .source import bare, defines, unfilled


def minded(cell:Mapping) -> bool:
    "Whether nbgrader minds `cell` at all."
    return any(grading(cell).get(k) for k in ('grade', 'solution', 'locked', 'task'))

def is_locked(cell:Mapping) -> bool:
    "Whether the words of `cell` are the instructor's: so is a check, and text marked as read-only."
    meta = grading(cell)
    return not meta.get('solution') and bool(meta.get('grade') or meta.get('locked'))

def cell_name(cell:Mapping) -> str:
    "What `cell` is called: its `grade_id` where nbgrader minds it, or else its id."
    return str(grading(cell).get('grade_id') or cell['id']) if minded(cell) else cell['id']

def visible_text(text:str) -> str:
    "What a student sees of a check: its text without hidden tests and marking schemes."
    return bare(re.sub(r'(?ms)^[^\n]*### BEGIN (HIDDEN TESTS|MARK SCHEME).*?### END \1[^\n]*\n?', '', text))

def all_hidden(cell:Mapping) -> bool:
    "Whether a student sees nothing of this check but comments."
    return role(cell) == 'hidden' and not re.sub(r'(?m)^[ \t]*#.*$', '', visible_text(cell['source'])).strip()

def by_name(cells:list, source:NotebookNode) -> tuple[dict[str, list], list]:
    "The submitted cells that say who they are, for each cell of the source; and the others."
    graded = {cell_name(c) for c in source.cells if minded(c)}
    found, rest = {cell_name(c): [] for c in source.cells}, []
    for c in cells:
        name = grading(c).get('grade_id')
        name = name if isinstance(name, str) and name in graded else c.id
        (found[name] if name in found else rest).append(c)
    for name, these in found.items(): these.sort(key=lambda c: c.id != name)
    return found, rest

def by_text(found:dict, rest:list, *sources:NotebookNode) -> list:
    "Adds to `found` the cells among `rest` that are known by their very text; returns the others."
    texts = {}
    for nb in sources:
        for c in nb.cells:
            names, name = texts.setdefault(bare(c.source), []), cell_name(c)
            if name in found and not found[name] and name not in names: names.append(name)
    left = []
    for c in rest:
        names = texts.get(bare(c.source)) if c.source.strip() else None
        if names: found[names.pop(0)].append(c)
        else: left.append(c)
    return left

def by_definition(found:dict, rest:list, source:NotebookNode) -> list:
    "Adds to `found` the cells that define what an exercise is to define; returns the others of `rest`."
    given = [(c, s) for s in source.cells if not minded(s) for c in found[cell_name(s)]]
    free = rest + [c for c, s in given if bare(c.source) != bare(s.source)]
    taken = set()
    for s in source.cells:
        wants = defines(s.source) if role(s) == 'exercise' else set()
        fits = [c for c in free if wants and id(c) not in taken and wants <= defines(c.source)]
        found[cell_name(s)] += fits
        taken |= set(map(id, fits))
    for s in source.cells:
        if not minded(s): found[cell_name(s)] = [c for c in found[cell_name(s)] if id(c) not in taken]
    return [c for c in rest if id(c) not in taken]

def likeness(a:str, b:str, least:float=.6) -> float:
    "From 0 to 1, how much of the first 2000 characters two texts share; 0 if it is less than `least`."
    same = difflib.SequenceMatcher(None, a[:2000], b[:2000], autojunk=False)
    bounds = same.real_quick_ratio, same.quick_ratio, same.ratio    # each is slower, and nearer
    return same.ratio() if all(bound() >= least for bound in bounds) else 0.

def by_likeness(found:dict, rest:list, which, *sources:NotebookNode) -> list:
    "Adds to `found` what is nearly the text of a cell that `which` accepts; returns the others of `rest`."
    rest = list(rest)
    for nb in sources:
        for s in nb.cells:
            if not which(s) or all_hidden(s) or found.get(cell_name(s), True): continue
            likely = [(likeness(c.source, s.source), -i) for i, c in enumerate(rest[:200])]
            ratio, i = max(likely, default=(0., 0))
            if ratio: found[cell_name(s)].append(rest.pop(-i))
    return rest

def best_cell(these:list, like:NotebookNode, stub:str='') -> NotebookNode|None:
    "Which of `these` cells is to count as the source's cell `like`; None if there are none."
    def edited(c): return bare(c.source) != visible_text(like.source)
    if is_locked(like): return min(these, key=edited, default=None)
    if role(like) != 'exercise': return these[0] if these else None
    abstract = set(unfilled(like.source)) - set(unfilled(stub))    # what the solution itself leaves open
    def faults(c):
        return (not defines(like.source) <= defines(c.source), parsed(c.source) is None,
                len(set(unfilled(c.source)) - abstract), c.cell_type != like.cell_type)
    return min(these, key=faults, default=None)

def index_of(cells:list, cell) -> int:
    "Where `cell` itself, not one that equals it, stands in `cells`; -1 if it does not."
    return next((i for i, c in enumerate(cells) if c is cell), -1)

def rescue(cells:list, found:dict, rest:list, source:NotebookNode) -> list[str]:
    "Copies edited checks that define something to cells above them, in `cells` and `rest`; their names."
    done = []
    for s in source.cells:
        cell = best_cell(found[cell_name(s)], s) if is_locked(s) else None
        if cell is None or not defines(cell.source) - defines(s.source): continue
        kept = nbformat.v4.new_code_cell(cell.source, id=f'{s.id[:56]}-kept')
        cells.insert(index_of(cells, cell), kept)
        rest.append(kept)
        done.append(cell_name(s))
    return done

def recognised(cells:list, source:NotebookNode, released:NotebookNode|None=None) -> tuple[dict, list[str]]:
    "For each cell of the source, by name, which of `cells` may be it; and the checks that work was found in."
    both = (source,) if released is None else (source, released)
    found, rest = by_name(cells, source)
    rest = by_text(found, rest, *both)
    rest = by_likeness(found, rest, is_locked, *both)
    kept = rescue(cells, found, rest, source)
    rest = by_definition(found, rest, source)
    by_likeness(found, rest, minded, *both)
    return found, kept
