#!/usr/bin/env python3
"Write README.md from nbs/index.ipynb and the outputs it holds; its figures go to nbs/images/."
import re
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

ROOT = Path(__file__).resolve().parents[1]
HEAD = '<!-- Written from nbs/index.ipynb by `make readme`. -->\n\n'
# no HTML: GitHub drops the style of its tables
SHOWN = ['text/markdown', 'image/svg+xml', 'image/png', 'image/jpeg', 'text/plain']

def directives(cell):
    "The cell's `#|` lines, without the mark."
    return re.findall(r'(?m)^#\|\s*(.+?)\s*$', cell.source) if cell.cell_type == 'code' else []

def from_root(md):
    "A link relative to nbs/, as the folder above must write it."
    md = re.sub(r'(\]\(|src="|href=")(?![a-z]+:|[#/])', r'\1nbs/', md)
    return md.replace('nbs/../', '')

def for_reader(cell):
    "The cell without directives, with its links seen from the root and its figures named after it."
    marks = directives(cell)
    if cell.cell_type == 'markdown': cell.source = from_root(cell.source)
    else:
        cell.source = re.sub(r'(?m)^#\|.*\n?', '', cell.source).strip('\n')
        cell.metadata['transient'] = {'remove_source': not cell.source or 'echo: false' in marks}
    for n, out in enumerate(cell.get('outputs', [])):
        out.setdefault('metadata', {})['filename'] = f'readme-{cell.id}' + f'-{n}'*(n > 0)
    return cell

def readme(root=ROOT):
    "What index.ipynb says: the text of README.md, and its figures as bytes by path."
    nb = nbformat.read(root/'nbs'/'index.ipynb', as_version=4)
    nb.metadata['language_info'] = {'name': 'python'}
    nb.cells = [for_reader(c) for c in nb.cells if c.cell_type != 'raw' and 'hide' not in directives(c)]
    exporter = MarkdownExporter()
    exporter.display_data_priority = SHOWN
    text, found = exporter.from_notebook_node(nb, resources={'output_files_dir': 'nbs/images'})
    figures = {p: data if isinstance(data, bytes) else data.encode() for p, data in found['outputs'].items()}
    return HEAD + re.sub(r'\n([ \t]*\n)+', '\n\n', text).strip() + '\n', figures

def write(root=ROOT):
    "Write README.md and its figures; a figure that is no longer shown is removed."
    text, figures = readme(root)
    (root/'README.md').write_text(text, encoding='utf-8')
    for old in (root/'nbs'/'images').glob('readme-*'): old.unlink()
    for path, data in figures.items():
        (root/path).parent.mkdir(exist_ok=True)
        (root/path).write_bytes(data)

if __name__ == '__main__': write()
