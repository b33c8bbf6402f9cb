"Folders of forms: what `tinybench form` writes, and what people add to a table, taken only if it holds"
import json, os, re
from collections.abc import Iterable
from pathlib import Path

from .. import __version__
from ..base.archive import plain_file
from ..base.files import new_folder, read_text, write_whole
from ..base.names import lookup
from ..base.text import one_line
from .check import Checked, check_form
from .form import LIMIT, Form, NoForm, read_form
from .network import LIMIT as MODEL_LIMIT
from .page import FORMATS, pages_of

NAME = re.compile('[a-z0-9][a-z0-9-]{0,59}')
DEVICE = re.compile('(con|prn|aux|nul|(com|lpt)[0-9])')     # no folder can be called so on Windows
MODELS = 'model.npz', 'model.tflite'
FILLED = {*(f'form.{k}' for k in FORMATS), *MODELS}         # what `tinybench form --out` writes
FILES = {*FILLED, 'README.md'}                              # what a submission may hold
BESIDE = {'table.json', 'table.csv', 'index.html', 'README.md'}

def check_name(name:str):
    "NoForm unless a submission may have this name, which is that of a folder, too."
    if not NAME.fullmatch(name) or DEVICE.fullmatch(name): raise NoForm(
        f'no form can be called {name[:60]!r}: a name has small letters, digits and hyphens, at most 60')

def name_of(f:Form) -> str:
    "What a submission is called if nobody says otherwise: model, device, and processor or board."
    said = f'{f.model["name"]} {f.device}' + f' {f.platform.get("cpu", "")}'*(f.device == 'edge')
    return re.sub('[^a-z0-9]+', '-', said.lower()).strip('-')[:60].rstrip('-')

def text_of(folder:Path) -> str:
    "The text of form.json in a folder that holds nothing else than it may; NoForm or BadArchive if not."
    if folder.is_symlink() or not folder.is_dir(): raise NoForm('it is a link, or no folder')
    if odd := {p.name for p in folder.iterdir()} - FILES: raise NoForm(f'it also holds {min(odd)[:60]!r}')
    for p in folder.iterdir(): plain_file(p, MODEL_LIMIT if p.name in MODELS else LIMIT)
    plain_file(folder/'form.json', LIMIT)
    return read_text(folder/'form.json')

def check_pages(folder:Path, f:Form):
    "NoForm if a page beside form.json is of another version of tinybench, or not what this one draws of it."
    for name, text in pages_of(f).items():
        if not (folder/name).exists() or name == 'form.json': continue
        if f.version != __version__: raise NoForm(
            f'{name} is said to be of tinybench {f.version}, and this one, {__version__}, cannot say whether '
            'that draws it so: remove it, since form.json says all, or fill the form again')
        if read_text(folder/name) != text.replace('\r\n', '\n'): raise NoForm(
            f'{name} does not say what form.json says: it was changed by hand, or drawn by other code; '
            'remove it, or fill the form again')

def check_folder(folder:Path, **how) -> Checked:
    "What becomes of the form in a folder; NoForm with the reason if it is refused as it stands."
    try:
        found = check_form(text_of(folder), folder, **how)
        check_pages(folder, found.form)
        return found
    except Exception as e:    # a stranger's file may raise anything
        kind = '' if isinstance(e, (ValueError, OSError)) else f'{type(e).__name__}: '
        raise NoForm(f'{one_line(folder.name)[:60]} is refused: {one_line(f"{kind}{e}")[:1000]}') from e

def check_out(out:Path):
    "FileExistsError unless a form may be written to `out`: nothing is there, or a folder with a form only."
    if not out.exists(): return
    if not out.is_dir(): raise FileExistsError(f'{out} is a file; name a folder')
    odd = sorted({p.name for p in out.iterdir()} - FILLED)
    if odd: raise FileExistsError(
        f'{out} holds {odd[0]}, which is of no form, and will not be replaced; name another folder')

def write_form(f:Form, model:Path, out:Path, formats:Iterable[str]=tuple(FORMATS)) -> Path:
    "The formats of a form and its model in the folder `out`, whole or not at all; FileExistsError if taken."
    check_out(out)
    with new_folder(out) as new:
        for name, text in pages_of(f, formats).items(): write_whole(new/name, text)
        write_whole(new/f.model['file'], model.read_bytes())
    return out

def submit_form(folder:Path, root:Path, name:str='', by:str='latency', **how) -> Checked:
    """Puts the form in `folder` into the table at `root`, if it holds and the table can then be drawn by the
    cell `by`; NoForm, ValueError or FileExistsError if not, and nothing is written then."""
    if name: check_name(name)
    there = beside(root)
    found = check_folder(folder, **how)
    if found.refused: raise NoForm(f'{folder.name} is refused: {"; ".join(found.refused)}')
    check_name(name := name or name_of(found.form))
    if os.path.lexists(place := root/name): raise FileExistsError(
        f'{place} is there already: choose another --name')
    lookup('field', by, {c.field.name: c for f in (*there, found.form) for c in f.cells})
    with new_folder(place) as new:
        for file in ('form.json', found.form.model['file']): write_whole(new/file, (folder/file).read_bytes())
    return found

def beside(root:Path) -> list[Form]:
    "The forms that the table at `root` has; NoForm, ValueError or FileExistsError if it is none of ours."
    if not os.path.lexists(root): return []
    if os.path.lexists(root/'form.json'): raise FileExistsError(
        f'{root} is the folder of a form; name that of a table')
    forms = []
    for p in folders_in(root):
        try: forms.append(read_form(read_text(p/'form.json')))
        except (ValueError, OSError) as e: raise NoForm(
            f'{p.name}, which is in {root} already, is no form: {one_line(str(e))[:300]}') from e
    return forms

def drawn(path:Path) -> bool:
    "Whether `path` is the table.json of a table of forms."
    try: d = json.loads(read_text(path)) if path.is_file() else None
    except (ValueError, OSError, RecursionError): return False
    return isinstance(d, dict) and d.get('table') == 'forms'

def check_pages_beside(root:Path):
    "FileExistsError if drawing the table at `root` would replace a file that tinybench has not drawn."
    odd = sorted(k for k in BESIDE if os.path.lexists(root/k))
    if odd and not drawn(root/'table.json'): raise FileExistsError(
        f'{root} holds {odd[0]}, and no table.json by tinybench: it is no page of a table of forms, and will '
        'not be replaced; move it, or name another folder')

def entries(root:Path) -> list[Path]:
    """The folders of a table, or `root` if it is one form; ValueError if something else stands among them,
    FileExistsError if its pages are not those of a table."""
    if not root.is_dir(): raise FileNotFoundError(f'no folder {root}')
    if os.path.lexists(root/'form.json'): return [root]
    found = folders_in(root)
    if not found: raise ValueError(f'{root} holds no form, which is NAME/form.json')
    return found

def folders_in(root:Path) -> list[Path]:
    "The folders of a table; ValueError or FileExistsError if something stands there that is not of it."
    if not root.is_dir(): raise FileExistsError(f'{root} is a file; name the folder of a table')
    def fits(p):
        if p.is_symlink(): return False
        return p.is_dir() and NAME.fullmatch(p.name) or p.is_file() and p.name in BESIDE
    inside = sorted(root.iterdir())
    if odd := [p.name for p in inside if not fits(p)]: raise ValueError(
        f'{root} holds {odd[0][:60]!r}: a table has folders NAME with form.json and a model, and beside them '
        f'only {", ".join(sorted(BESIDE))}')
    check_pages_beside(root)
    return [p for p in inside if p.is_dir()]
