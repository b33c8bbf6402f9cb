"""What students do to their notebooks by accident, undone, and said in words"""


import ast, difflib, os, re, warnings
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
import nbformat
from nbformat import NotebookNode
from nbformat.validator import get_validator
from .cells import CourseError, exercises, grading, plain_text, role, whole_cell


def bare(text:str) -> str:
    "`text` without the blanks at its ends and at the ends of its lines."
    return '\n'.join(line.rstrip() for line in text.strip().splitlines())


def defines(text:str) -> set[str]:
    "The functions and classes that a cell defines at its left margin, be the rest of it Python or not."
    return set(re.findall(r'(?m)^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)', text))


LONGEST = 50_000

def parsed(text:str) -> ast.Module|None:
    "`text` as a syntax tree; None where it is no Python, or longer than any cell."
    if len(text) > LONGEST: return None
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try: return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError): return None


def bound(text:str) -> frozenset[str]:
    "The names that a cell gives a value to, by import, definition or assignment outside of functions."
    def names(node):
        for n in ast.iter_child_nodes(node):
            if isinstance(n, ast.alias): yield (n.asname or n.name).split('.')[0]
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store): yield n.id
            if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)): yield n.name
            elif not isinstance(n, ast.Lambda): yield from names(n)
    try: return frozenset(names(tree) if (tree := parsed(text)) else defines(text))
    except RecursionError: return frozenset(defines(text))


def raises_unfilled(node) -> bool:
    "Whether a statement is `raise NotImplementedError`, called or not."
    what = node.exc if isinstance(node, ast.Raise) else None
    what = what.func if isinstance(what, ast.Call) else what
    return isinstance(what, ast.Name) and what.id == 'NotImplementedError'

def unfilled(text:str) -> list[str]:
    "The functions of a cell, methods as `Class.method`, whose body still has `raise NotImplementedError`."
    tree, found = parsed(text), []
    def look(node, inside=''):
        for n in getattr(node, 'body', ()):
            if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)):
                if any(map(raises_unfilled, n.body)): found.append(inside + n.name)
            elif isinstance(n, ast.ClassDef): look(n, f'{inside}{n.name}.')
    look(tree)
    return found


MAGIC = re.compile(r'(?m)^([ \t]*+)(?:\w[\w., \t]*+=[ \t]*+)?+(?:[%!].*|\?\??[\w.]++|[\w.]++\?\??)[ \t]*+$')

def without_magics(text:str) -> str:
    "`text` with IPython's own lines replaced by `pass`; nothing is left of a cell that begins with `%%`."
    return '' if text.lstrip().startswith('%%') else MAGIC.sub(r'\1pass', text)


UNMERGED = 'git could not merge two versions, and left both between its marks'
KEEP_ONE = 'keep one, delete the other and the marks'

def merge_mark(text:str) -> int:
    "The line of the first mark of a merge that git could not do and nobody finished; 0 where there is none."
    lines = enumerate(text.split('\n'), 1)
    marks = [(i, line[0]) for i, line in lines if re.match(r'([<|=>])\1{6}(?!\S)', line)]
    return marks[0][0] if any(kind in '<>' for _, kind in marks) else 0


def syntax_error(text:str) -> str:
    "What is wrong with a cell's Python, with line and text; '' where nothing is."
    if len(text) > LONGEST: return f'it has {len(text):,} characters, too many for a cell'
    for attempt in (text, without_magics(text)):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            try:
                compile(attempt, 'cell', 'exec', ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
                return ''
            except SyntaxError as e: line, why = e.lineno or 1, e.msg
            except (ValueError, RecursionError, MemoryError) as e: line, why = 1, str(e) or 'nested too deep'
    if mark := merge_mark(text): line, why = mark, f'{UNMERGED}; {KEEP_ONE}'
    shown = attempt.splitlines()[line-1:line] or ['']
    return f'line {line}: {why}: {shown[0].strip()[:80]}'


def syntax_errors(nb:NotebookNode) -> list[tuple[str, str]]:
    "The code cells that are no Python: the id of each, and what is wrong with it."
    found = [(c.id, syntax_error(c.source)) for c in nb.cells if c.cell_type == 'code']
    return [(name, says) for name, says in found if says]


def minded(cell:Mapping) -> bool:
    "Whether nbgrader minds `cell` at all."
    return any(grading(cell).get(k) for k in ('grade', 'solution', 'locked', 'task'))

def locked(cell:Mapping) -> bool:
    "Whether the words of `cell` are the instructor's: so is a check, and text marked as read-only."
    meta = grading(cell)
    return not meta.get('solution') and bool(meta.get('grade') or meta.get('locked'))

def cell_name(cell:Mapping) -> str:
    "What `cell` is called: its `grade_id` where nbgrader minds it, or else its id."
    return str(grading(cell).get('grade_id') or cell['id']) if minded(cell) else cell['id']


def shown(text:str) -> str:
    "What a student sees of a check: its text without hidden tests and marking schemes."
    for what in ('HIDDEN TESTS', 'MARK SCHEME'):
        text = re.sub(rf'(?ms)^[^\n]*### BEGIN {what}.*?### END {what}[^\n]*\n?', '', text)
    return bare(text)

def all_hidden(cell:Mapping) -> bool:
    "Whether a student sees nothing of this check but comments."
    return role(cell) == 'hidden' and not re.sub(r'(?m)^[ \t]*#.*$', '', shown(cell['source'])).strip()


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
    "From 0 to 1, how much of the first 2000 characters two texts share; 0 where it is less than `least`."
    same = difflib.SequenceMatcher(None, a[:2000], b[:2000], autojunk=False)
    if same.real_quick_ratio() < least or same.quick_ratio() < least: return 0.
    ratio = same.ratio()
    return ratio if ratio >= least else 0.

def by_likeness(found:dict, rest:list, which, *sources:NotebookNode) -> list:
    "Adds to `found` what is nearly the text of a cell that `which` accepts; returns the others of `rest`."
    rest = list(rest)
    for nb in sources:
        for s in nb.cells:
            if not which(s) or all_hidden(s) or found.get(cell_name(s), True): continue
            likely = [(likeness(c.source, s.source), -i) for i,c in enumerate(rest[:200])]
            ratio, i = max(likely, default=(0., 0))
            if ratio: found[cell_name(s)].append(rest.pop(-i))
    return rest


def best(these:list, like:NotebookNode, stub:str='') -> NotebookNode|None:
    "Which of `these` cells is to count as the source's cell `like`; None where there are none."
    if locked(like): return min(these, key=lambda c: bare(c.source) != shown(like.source), default=None)
    if role(like) != 'exercise': return these[0] if these else None
    abstract = set(unfilled(like.source)) - set(unfilled(stub))    # what the solution itself leaves open
    def faults(c):
        return (not defines(like.source) <= defines(c.source), parsed(c.source) is None,
                len(set(unfilled(c.source)) - abstract), c.cell_type != like.cell_type)
    return min(these, key=faults, default=None)


def at(cells:list, cell) -> int:
    "Where `cell` itself, not one that equals it, stands in `cells`; -1 where it does not."
    return next((i for i,c in enumerate(cells) if c is cell), -1)

def rescue(cells:list, found:dict, rest:list, source:NotebookNode) -> list[str]:
    "Copies edited checks that define something to cells above them, in `cells` and `rest`; their names."
    done = []
    for s in source.cells:
        cell = best(found[cell_name(s)], s) if locked(s) else None
        if cell is None or not defines(cell.source) - defines(s.source): continue
        kept = nbformat.v4.new_code_cell(cell.source, id=f'{s.id[:56]}-kept')
        cells.insert(at(cells, cell), kept)
        rest.append(kept)
        done.append(cell_name(s))
    return done


def drop_empty(cells:list, chosen:dict, found:dict, source:NotebookNode, stubs:dict, note):
    "Takes from `cells`, in place, the empty forms of exercises for which a filled cell was chosen."
    for s in source.cells:
        name = cell_name(s)
        if role(s) != 'exercise' or name not in chosen: continue
        stub = stubs.get(name, '')
        todo = (set(unfilled(stub)) if stub else defines(s.source)) - set(unfilled(s.source))
        if todo & set(unfilled(chosen[name].source)): continue
        for c in found[name]:
            if stub: same = bare(c.source) == bare(stub)
            else: same = set(unfilled(c.source)) == todo == defines(c.source)
            if c is not chosen[name] and todo and same:
                del cells[at(cells, c)]
                note('empty', name)


SAID = dict(
    lost="nbgrader's metadata was lost, and is put back: {}.",
    version="The metadata was of another version of nbgrader's format, and is brought to this one: {}.",
    points='The points were changed, and are as handed out again: {}.',
    flags='What nbgrader knows of the cell was changed, and is as handed out again: {}.',
    kind='The type of the cell was changed, and is as handed out again: {}.',
    edited='A check was edited, and has its own words again: {}.',
    kept='An edited check held definitions, which now stand in a cell above it: {}.',
    check='A check was deleted, and is put back: {}.',
    exercise='An exercise was deleted, and its empty form is put back: {}.',
    given='A cell that later ones need was deleted, and is put back: {}.',
    copied='Of a cell that was copied the first that is filled in, or unchanged, counts; the other is an ordinary one now: {}.',
    moved='A check stood above its exercise, and is moved below it: {}.',
    foreign='A cell claimed to be graded that was not handed out, and is an ordinary cell now: {}.',
    many='The notebook has {} cells, of which the first 2000 count.',
    empty='An exercise was filled in in another cell, and its empty form is left out: {}.',
    kernel='The notebook was for the kernel {}, and is for that of the course again.')

def sentences(done:dict[str, list[str]]) -> list[str]:
    "A sentence for each kind of thing that was done, with the names of the cells."
    def names(these):
        these = list(dict.fromkeys(these))
        return ', '.join(these[:8]) + (f' and {len(these)-8} more' if len(these) > 8 else '')
    return [SAID[k].format(names(done[k])) for k in SAID if done.get(k)]


MOST_CELLS = 2000

def accepted(cells:list) -> bool:
    "Whether nbformat's schema has nothing against `cells`."
    nb = dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=5)
    try: get_validator(4, 5).validate(nb); return True
    except Exception: return False    # on what is odd enough the validator fails in ways of its own

def own_cell(cell, i:int) -> NotebookNode:
    "A copy of the `i`-th submitted cell that nbformat accepts."
    try: c = nbformat.from_dict(deepcopy(whole_cell(plain_text(cell), i)))
    except CourseError: return nbformat.v4.new_raw_cell(plain_text(str(cell)), id=f'cell-{i+1}')
    if accepted([c]): return c
    meta = nbformat.from_dict({'nbgrader': grading(c)} if grading(c) else {})
    known = re.fullmatch(r'[\w-]{1,64}', c.id, re.ASCII)
    return NotebookNode(getattr(nbformat.v4, f'new_{c.cell_type}_cell')(
        c.source, id=c.id if known else f'cell-{i+1}', metadata=meta))


def retype(cell:NotebookNode, kind:str) -> bool:
    "Makes `cell` one of type `kind`, in place; whether it was another."
    if cell.cell_type == kind: return False
    for k in ('outputs', 'execution_count', 'attachments'): cell.pop(k, None)
    if kind == 'code': cell.update(outputs=[], execution_count=None)
    cell.cell_type = kind
    return True


def differs(cell:NotebookNode, like:NotebookNode) -> str:
    "How the metadata of a submitted cell differs from the source's, as a key of `SAID`; '' where not."
    has, want = grading(cell), grading(like)
    if not has: return 'lost'
    if has.get('schema_version') != want.get('schema_version'): return 'version'
    if has.get('points', want.get('points')) != want.get('points'): return 'points'
    keys = 'grade', 'solution', 'locked', 'task', 'grade_id'
    return 'flags' if any(has.get(k, False) != want.get(k, False) for k in keys) else ''


def put_right(cell:NotebookNode, like:NotebookNode, note):
    "Gives a submitted cell the type, metadata and, if locked, the words of `like`; `note(kind)` hears of it."
    if retype(cell, like.cell_type): note('kind')
    if how := differs(cell, like): note(how)
    cell.metadata.update(deepcopy(like.metadata))
    cell.id = like.id
    if not locked(like): return
    if bare(cell.source) not in (shown(like.source), bare(like.source)): note('edited')
    cell.source = like.source


def place(cells:list, cell:NotebookNode, before:list, exercise=None):
    "Inserts `cell` below the last of the cells `before` that is in `cells`, and below its `exercise`."
    last = next((i for b in reversed(before) if (i := at(cells, b)) >= 0), -1)
    cells.insert(max(last, at(cells, exercise)) + 1, cell)


def used(nb:NotebookNode) -> set[str]:
    "The words in the checks and the exported cells of a notebook, names among them."
    texts = [c.source for c in nb.cells if c.cell_type == 'code' and (minded(c) or '#| export' in c.source)]
    return {n for t in texts for n in re.findall(r'\w+', t)}

def needed(cell:NotebookNode, have:set, uses:set) -> bool:
    "Whether a given cell that is gone is missed: it binds a name that is used, and nothing else does."
    if cell.cell_type != 'code': return False
    if re.match(r'#\|\s*default_exp', cell.source): return True
    names = bound(cell.source)
    return bool((names if '#| export' in cell.source else names & uses) - have)


def as_new(like:NotebookNode, released:dict[str, NotebookNode]) -> NotebookNode:
    "The source's cell `like` without what the student was to write; a check as the instructor has it."
    cell, name = deepcopy(like), cell_name(like)
    if minded(like) and not locked(like):
        gone = f'# {name}: this exercise was deleted' if like.cell_type == 'code' else 'YOUR ANSWER HERE'
        cell.source = released[name].source if name in released else gone
    return cell


def tell_apart(cells:list, known:list):
    "Gives new ids, in place, to cells whose id is that of another; those in `known` keep theirs."
    taken, sure = {c.id for c in known}, set(map(id, known))
    for c in cells:
        if id(c) in sure: continue
        base, n = c.id[:56], 2
        while c.id in taken: c.id = f'{base}-{n}'; n += 1
        taken.add(c.id)


def notebook_metadata(submitted:Mapping, source:NotebookNode) -> tuple[NotebookNode, str]:
    "The metadata of the mended notebook, with the source's kernel; and the kernel it was for, if another."
    meta = submitted.get('metadata')
    meta = NotebookNode(deepcopy(dict(meta))) if isinstance(meta, Mapping) else NotebookNode()
    want, has = source.metadata.get('kernelspec'), meta.get('kernelspec')
    other = str(has.get('name', '')) if isinstance(has, Mapping) else ''
    if not want or other in ('', want.get('name')): other = ''
    if want: meta['kernelspec'] = deepcopy(want)
    if other: meta.pop('language_info', None)
    try: get_validator(4, 5).validate(dict(cells=[], metadata=meta, nbformat=4, nbformat_minor=5))
    except Exception:    # as in `accepted`
        meta = NotebookNode({'kernelspec': deepcopy(want)} if want else {})
    return meta, other


def recognised(cells:list, source:NotebookNode, released:NotebookNode|None=None) -> tuple[dict, list[str]]:
    "For each cell of the source, by name, which of `cells` may be it; and the checks that work was found in."
    both = (source,) if released is None else (source, released)
    found, rest = by_name(cells, source)
    rest = by_text(found, rest, *both)
    rest = by_likeness(found, rest, locked, *both)
    kept = rescue(cells, found, rest, source)
    rest = by_definition(found, rest, source)
    by_likeness(found, rest, minded, *both)
    return found, kept


def disown(cells:list, chosen:dict, found:dict, note):
    "Takes nbgrader's metadata, in place, from all cells that were not `chosen`."
    kept = set(map(id, chosen.values()))
    copies = {id(c): name for name, these in found.items() for c in these}
    for c in cells:
        if id(c) in kept or 'nbgrader' not in c.metadata: continue
        if minded(c): note('copied' if id(c) in copies else 'foreign', copies.get(id(c), c.id))
        for k in ('nbgrader', 'deletable', 'editable'): c.metadata.pop(k, None)


def settle(cells:list, chosen:dict, source:NotebookNode, fresh:dict, have:set, note):
    "Puts right in `cells`, in place, what was `chosen` for the source's cells; puts back what is missing."
    uses, before = used(source), []
    owner = {id(check): e.name for e in exercises(source) for check in e.checks}
    for s in source.cells:
        name, cell = cell_name(s), chosen.get(cell_name(s))
        exercise = chosen.get(owner.get(id(s)))
        if cell is not None and not minded(s):
            if bare(cell.source) == bare(s.source) and retype(cell, s.cell_type): note('kind', name)
            cell.id = s.id
        elif cell is not None:
            put_right(cell, s, lambda kind: note(kind, name))
            if exercise in before and at(cells, cell) < at(cells, exercise):
                del cells[at(cells, cell)]
                place(cells, cell, before, exercise)
                note('moved', name)
        elif minded(s) or needed(s, have, uses):
            cell = chosen[name] = as_new(s, fresh)
            place(cells, cell, before, exercise)
            if not all_hidden(s): note(('check' if locked(s) else 'exercise') if minded(s) else 'given', name)
        if cell is not None: before.append(cell)


def mend(
    submitted:NotebookNode,           # as a student handed it in; left as it is
    source:NotebookNode,              # the instructor's: solved, with hidden checks
    released:NotebookNode|None=None,  # as handed out: what the empty form of an exercise is
    outputs:bool=False,               # whether to keep the outputs of cells
) -> tuple[NotebookNode, list[str]]:  # a notebook that nbgrader can grade, and what was done, in words
    "Every check of the source once, in its words, below its exercise; and the student's own cells, in order."
    done, fresh = {}, {cell_name(c): c for c in released.cells} if released is not None else {}
    def note(kind, name): done.setdefault(kind, []).append(name)
    there = submitted.get('cells')
    cells = [own_cell(c, i) for i,c in enumerate(there[:MOST_CELLS] if isinstance(there, list) else [])]
    if isinstance(there, list) and there[MOST_CELLS:]: note('many', str(len(there)))
    found, kept = recognised(cells, source, released)
    for name in kept: note('kept', name)
    stubs = {n: c.source for n,c in fresh.items()}
    picks = {cell_name(s): best(found[cell_name(s)], s, stubs.get(cell_name(s), '')) for s in source.cells}
    chosen = {n: c for n,c in picks.items() if c is not None}
    drop_empty(cells, chosen, found, source, stubs, note)
    disown(cells, chosen, found, note)
    known = set(map(id, chosen.values()))
    gone = any(cell_name(s) not in chosen for s in source.cells if not minded(s))
    code = [c for c in cells if c.cell_type == 'code' or id(c) in known] if gone else []
    have = set().union(*(bound(c.source) for c in code))
    settle(cells, chosen, source, fresh, have, note)
    meta, kernel = notebook_metadata(submitted, source)
    if kernel: note('kernel', kernel)
    tell_apart(cells, list(chosen.values()))
    for c in cells:
        if c.cell_type == 'code' and not outputs: c.update(outputs=[], execution_count=None)
    return NotebookNode(cells=cells, metadata=meta, nbformat=4, nbformat_minor=5), sentences(done)


COPY = re.compile(r'[ _.-]*(\(\d+\)|-?copy ?\d*|copie|kopie|final|solution|\[\d+\])$', re.I)

def plain_name(name:str) -> str:
    "A file's name without folder, suffixes, copy numbers, case, blanks, and the signs between words."
    name = re.sub(r'(\.(ipynb|json|txt|download|zip))+$', '', Path(name.strip()).name, flags=re.I)
    while (short := COPY.sub('', name)) != name: name = short
    return re.sub(r'[\W_]+', '', name).casefold()


def module_in(path:Path) -> str:
    "The module that the notebook in a file says it is, or ''; reads the first 64 KB, whatever they are."
    try:
        with open(path, 'rb') as f: head = f.read(2**16)
    except OSError: return ''
    said = re.search(rb'#\|\s*default_exp\s+([\w.]+)', head)
    return said[1].decode() if said else ''


def files_below(folder:Path, most:int=500) -> list[Path]:
    "The files in a folder and the folders in it, no links, nothing hidden; the shortest paths first."
    found = []
    for at, folders, names in os.walk(folder):
        folders[:] = [f for f in sorted(folders) if not f.startswith(('.', '__'))]
        paths = [Path(at)/n for n in sorted(names) if not n.startswith('.')]
        found += [p for p in paths if p.is_file() and not p.is_symlink()]
        if len(found) >= most: break
    return sorted(found[:most], key=lambda p: (len(p.parts), len(p.name), str(p)))


def mend_files(folder, names) -> tuple[dict[str, Path], list[str]]:
    "Which file below `folder` is which of the notebooks `names`; and what was renamed, double or missing."
    folder, found, taken, says = Path(folder), {}, set(), []
    paths = files_below(folder)
    modules = {p: module_in(p) for p in paths}
    tests = (lambda n, p: p.name == f'{n}.ipynb', lambda n, p: plain_name(p.name) == plain_name(n),
             lambda n, p: modules[p] == n.split('_', 1)[-1])
    for test in tests:
        for n in names:
            for p in (p for p in paths if p not in taken and test(n, p)):
                name = p.relative_to(folder).as_posix()
                if n in found: says.append(f'{name} may be {n}.ipynb too, and is left out.')
                elif name != f'{n}.ipynb': says.append(f'{name} is taken for {n}.ipynb.')
                found.setdefault(n, p)
                taken.add(p)
    says += [f'{n}.ipynb is missing.' for n in names if n not in found]
    return {n: found[n] for n in names if n in found}, says
