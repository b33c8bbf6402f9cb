"A submitted notebook made one that nbgrader can grade, and what was done in words"
import re
from collections.abc import Mapping
from copy import deepcopy
from ..cells import CourseError, NotebookNode, exercises, grading, nbformat, plain_text, role, whole_cell
from .recognise import (all_hidden, best_cell, cell_name, index_of, is_locked, minded, recognised,
                        visible_text)
from .source import bare, bound, defines, unfilled


MOST_CELLS = 2000

def accepted(**parts) -> bool:
    "Whether nbformat's schema has nothing against a notebook of these `parts`, cells or metadata."
    nb = dict(cells=[], metadata={}, nbformat=4, nbformat_minor=5) | parts
    try: nbformat.validator.get_validator(4, 5).validate(nb)
    except Exception: return False    # on what is odd enough the validator fails in ways of its own
    return True

def own_cell(cell, i:int) -> NotebookNode:
    "A copy of the `i`-th submitted cell that nbformat accepts."
    try: c = nbformat.from_dict(deepcopy(whole_cell(plain_text(cell), i)))
    except CourseError: return nbformat.v4.new_raw_cell(plain_text(str(cell)), id=f'cell-{i+1}')
    if accepted(cells=[c]): return c
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
    if not accepted(metadata=meta): meta = NotebookNode({'kernelspec': deepcopy(want)} if want else {})
    return meta, other

SENTENCES = dict(
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
    copied='Of a cell that was copied the first that is filled in, or unchanged, counts; '
           'the other is an ordinary one now: {}.',
    moved='A check stood above its exercise, and is moved below it: {}.',
    foreign='A cell claimed to be graded that was not handed out, and is an ordinary cell now: {}.',
    many='The notebook has {} cells, of which the first 2000 count.',
    empty='An exercise was filled in in another cell, and its empty form is left out: {}.',
    kernel='The notebook was for the kernel {}, and is for that of the course again.')

def sentences(done:dict[str, list[str]]) -> list[str]:
    "A sentence for each kind of thing that was done, with the names of the cells."
    def names(these): return ', '.join(these[:8]) + (f' and {len(these)-8} more' if len(these) > 8 else '')
    return [says.format(names([*dict.fromkeys(done[k])])) for k, says in SENTENCES.items() if done.get(k)]

def drop_empty(cells:list, chosen:dict, found:dict, source:NotebookNode, stubs:dict, note):
    "Takes from `cells`, in place, the empty forms of exercises for which a filled cell was chosen."
    for s in source.cells:
        name = cell_name(s)
        if role(s) != 'exercise' or name not in chosen: continue
        stub = stubs.get(name, '')
        todo = (set(unfilled(stub)) if stub else defines(s.source)) - set(unfilled(s.source))
        if not todo or todo & set(unfilled(chosen[name].source)): continue
        for c in found[name]:
            if stub: same = bare(c.source) == bare(stub)
            else: same = set(unfilled(c.source)) == todo == defines(c.source)
            if same and c is not chosen[name]:
                del cells[index_of(cells, c)]
                note('empty', name)

def differs(cell:NotebookNode, like:NotebookNode) -> str:
    "How the metadata of a submitted cell differs from the source's, as a key of `SENTENCES`; '' if not."
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
    if not is_locked(like): return
    if bare(cell.source) not in (visible_text(like.source), bare(like.source)): note('edited')
    cell.source = like.source

def insert_below(cells:list, cell:NotebookNode, before:list, exercise=None):
    "Inserts `cell` below the last of the cells `before` that is in `cells`, and below its `exercise`."
    last = next((i for b in reversed(before) if (i := index_of(cells, b)) >= 0), -1)
    cells.insert(max(last, index_of(cells, exercise)) + 1, cell)

def missed(cell:NotebookNode, have:set, uses:set) -> bool:
    "Whether a given cell that is gone is missed: it binds a name that is used, and nothing else does."
    if cell.cell_type != 'code': return False
    if re.match(r'#\|\s*default_exp', cell.source): return True
    names = bound(cell.source)
    return bool((names if '#| export' in cell.source else names & uses) - have)

def as_new(like:NotebookNode, stubs:dict[str, str]) -> NotebookNode:
    "The source's cell `like` without what the student was to write; a check as the instructor has it."
    cell, name = deepcopy(like), cell_name(like)
    if minded(like) and not is_locked(like):
        gone = f'# {name}: this exercise was deleted' if like.cell_type == 'code' else 'YOUR ANSWER HERE'
        cell.source = stubs.get(name, gone)
    return cell

def ordinary(cell:NotebookNode) -> bool:
    "Takes nbgrader's metadata from a cell, in place; whether it claimed to be graded."
    claimed = minded(cell)
    if 'nbgrader' in cell.metadata:
        for k in ('nbgrader', 'deletable', 'editable'): cell.metadata.pop(k, None)
    return claimed

def disown(cells:list, chosen:dict, found:dict, note):
    "Makes all cells `ordinary`, in place, that were not `chosen`."
    kept = set(map(id, chosen.values()))
    copies = {id(c): name for name, these in found.items() for c in these}
    for c in cells:
        if id(c) in kept or not ordinary(c): continue
        note('copied' if id(c) in copies else 'foreign', copies.get(id(c), c.id))

def settle(cells:list, chosen:dict, source:NotebookNode, stubs:dict, have:set, note):
    "Puts right in `cells`, in place, what was `chosen` for the source's cells; puts back what is missing."
    lean = [c for c in source.cells if c.cell_type == 'code' and (minded(c) or '#| export' in c.source)]
    uses, before = {word for c in lean for word in re.findall(r'\w+', c.source)}, []
    owner = {id(check): e.name for e in exercises(source) for check in e.checks}
    for s in source.cells:
        name, cell = cell_name(s), chosen.get(cell_name(s))
        exercise = chosen.get(owner.get(id(s)))
        if cell is not None and not minded(s):
            if ordinary(cell): note('flags', name)
            if bare(cell.source) == bare(s.source) and retype(cell, s.cell_type): note('kind', name)
            cell.id = s.id
        elif cell is not None:
            put_right(cell, s, lambda kind: note(kind, name))
            if exercise in before and index_of(cells, cell) < index_of(cells, exercise):
                del cells[index_of(cells, cell)]
                insert_below(cells, cell, before, exercise)
                note('moved', name)
        elif minded(s) or missed(s, have, uses):
            cell = chosen[name] = as_new(s, stubs)
            insert_below(cells, cell, before, exercise)
            kind = 'given' if not minded(s) else 'check' if is_locked(s) else 'exercise'
            if not all_hidden(s): note(kind, name)
        if cell is not None: before.append(cell)

def mend(
    submitted:NotebookNode,           # as a student handed it in; left as it is
    source:NotebookNode,              # the instructor's: solved, with hidden checks
    released:NotebookNode|None=None,  # as handed out: what the empty form of an exercise is
    outputs:bool=False,               # whether to keep the outputs of cells
) -> tuple[NotebookNode, list[str]]:  # a notebook that nbgrader can grade, and what was done, in words
    "Every check of the source once, in its words, below its exercise; and the student's own cells, in order."
    done, stubs = {}, {cell_name(c): c.source for c in released.cells} if released is not None else {}
    def note(kind, name): done.setdefault(kind, []).append(name)
    there = submitted.get('cells')
    cells = [own_cell(c, i) for i, c in enumerate(there[:MOST_CELLS] if isinstance(there, list) else [])]
    if isinstance(there, list) and there[MOST_CELLS:]: note('many', str(len(there)))
    found, kept = recognised(cells, source, released)
    for name in kept: note('kept', name)
    named = {cell_name(s): s for s in source.cells}
    best = {name: best_cell(found[name], s, stubs.get(name, '')) for name, s in named.items()}
    chosen = {name: cell for name, cell in best.items() if cell is not None}
    drop_empty(cells, chosen, found, source, stubs, note)
    disown(cells, chosen, found, note)
    known = set(map(id, chosen.values()))
    gone = any(not minded(s) for name, s in named.items() if name not in chosen)
    code = [c for c in cells if c.cell_type == 'code' or id(c) in known] if gone else []
    have = set().union(*(bound(c.source) for c in code))
    settle(cells, chosen, source, stubs, have, note)
    meta, kernel = notebook_metadata(submitted, source)
    if kernel: note('kernel', kernel)
    tell_apart(cells, list(chosen.values()))
    for c in cells:
        if c.cell_type == 'code' and not outputs: c.update(outputs=[], execution_count=None)
    return NotebookNode(cells=cells, metadata=meta, nbformat=4, nbformat_minor=5), sentences(done)
