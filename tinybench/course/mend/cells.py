"Submitted cells and metadata in a form that nbformat accepts"
import re
from collections.abc import Mapping
from copy import deepcopy
import nbformat
from nbformat import NotebookNode
from nbformat.validator import get_validator
from ..cells import CourseError, grading, plain_text, whole_cell


MOST_CELLS = 2000

def accepted(**parts) -> bool:
    "Whether nbformat's schema has nothing against a notebook of these `parts`, cells or metadata."
    nb = dict(cells=[], metadata={}, nbformat=4, nbformat_minor=5) | parts
    try: get_validator(4, 5).validate(nb)
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
