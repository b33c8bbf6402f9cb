"Which file in a student's folder is which notebook"
import os, re, unicodedata
from pathlib import Path
from ..cells import module_of


COPY = re.compile(r'[ _.-]*(\(\d+\)|-?copy ?\d*|copie|kopie|final|solution|\[\d+\])$', re.I)

def base_name(name:str) -> str:
    "A file's name, composed, without folder, suffixes and copy numbers."
    name = unicodedata.normalize('NFC', Path(name.strip()).name)
    name = re.sub(r'(\.(ipynb|json|txt|download|zip))+$', '', name, flags=re.I)
    while (short := COPY.sub('', name)) != name: name = short
    return name

def plain_name(name:str) -> str:
    "The same without case, blanks, and the signs between words."
    return re.sub(r'[\W_]+', '', base_name(name)).casefold()

def module_in(path:Path) -> str:
    "The module that the notebook in a file says it is, or ''; reads the first 64 KB, whatever they are."
    try:
        with open(path, 'rb') as f: head = f.read(2**16).replace(b'\0', b'')    # UTF-16 as ASCII
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
             lambda n, p: modules[p] == module_of(n))
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
