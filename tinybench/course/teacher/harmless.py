"A graded notebook that a person may open: what a student wrote in it is text, and no page's code"
import re
from collections.abc import Mapping
from ..cells import NotebookNode, nbformat

IMAGES = 'image/png', 'image/jpeg', 'image/gif'
BASE64 = re.compile(r'[A-Za-z0-9+/=\s]*')

def as_text(source:str) -> str:
    "Markdown in which nothing is HTML: a blank after < and & makes text of each tag and entity."
    # not by entities of ours, which some places decode twice
    source = re.sub(r'&(?=[#A-Za-z])|<(?=[A-Za-z/!?])', r'\g<0> ', source)
    # in links, and in MathJax's \href
    return re.sub(r'(?i)\b(javascript|vbscript|data)\s*:', r'\1 :', source)

def pictures(data:Mapping) -> dict:
    "What of {type: base64} is a picture that holds no code, as SVG may."
    return {k: v for k, v in data.items()
            if k in IMAGES and isinstance(v, str) and BASE64.fullmatch(v)}

def plain_output(o:Mapping) -> NotebookNode:
    "An output with its text and pictures only."
    if 'data' not in o: return o
    text = o['data'].get('text/plain')
    data = pictures(o['data']) | ({'text/plain': text} if isinstance(text, str) else {})
    left = ', '.join(sorted(map(str, o['data'])))[:100]
    return nbformat.from_dict({**o, 'data': data or {'text/plain': f'(left out: {left})'}, 'metadata': {}})

def attached(files:Mapping) -> NotebookNode:
    "The pictures among a cell's attachments, by names that are no code."
    plain = {k: v for k, v in files.items() if isinstance(v, Mapping) and re.fullmatch(r'[\w. -]+', k)}
    return nbformat.from_dict({k: found for k, v in plain.items() if (found := pictures(v))})

def only(meta:Mapping, *keys:str) -> NotebookNode:
    "Metadata with these `keys` alone."
    return nbformat.from_dict({k: v for k, v in meta.items() if k in keys})

def harmless(nb:NotebookNode, lesson:NotebookNode) -> NotebookNode:
    "The notebook `nb` as formgrader may show it; text that `lesson` has as well stays as it is."
    given = {c.source for c in lesson.cells if c.cell_type != 'code'}
    for c in nb.cells:
        c.metadata = only(c.metadata, 'nbgrader', 'deletable', 'editable')
        c.id = re.sub(r'[^\w.-]', '-', c.id)[:64]
        if 'attachments' in c: c.attachments = attached(c.attachments)
        if c.cell_type != 'code' and c.source not in given: c.source = as_text(c.source)
        if c.cell_type == 'code': c.outputs = [plain_output(o) for o in c.outputs]
    nb.metadata = only(lesson.metadata, 'kernelspec', 'language_info')
    return nb
