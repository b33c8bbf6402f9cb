"The settings of a workspace: those that nbdev needs, and what is wrong with those that are there"
import configparser, re
from collections.abc import Iterable
from .remark import Remark, change
from .workspace import WANTED, Workspace


def new_settings(package:str) -> str:
    "The least settings.ini with which nbdev does its work in the workspace of a course."
    empty = dict.fromkeys(('user', 'author', 'author_email', 'description', 'git_url'), '')
    names = dict.fromkeys(('repo', 'lib_name', 'lib_path'), package)
    return '[DEFAULT]\n' + ''.join(f'{k} = {v}\n' for k, v in (names | WANTED | empty).items())

def with_setting(text:str, key:str, value:str) -> str:
    "The text of a settings.ini with `key = value`, all other lines as they were."
    text = text if text.endswith('\n') else text + '\n'
    lines = re.sub(rf'(?m)^{key}[ \t]*[=:].*\n(?:[ \t]+\S.*\n)*', '', text)
    return re.sub(r'(?m)^\[DEFAULT\][^\n]*\n', lambda m: f'{m[0]}{key} = {value}\n', lines, count=1)

def look_settings(ws:Workspace, mend:bool) -> Iterable[Remark]:
    "Remarks on settings.ini."
    path, ini = ws.root/'settings.ini', configparser.ConfigParser(interpolation=None)
    old = path.read_bytes() if path.is_file() else b''
    try:
        text = old.decode('utf-8-sig')
        ini.read_string(text)
        if not ini.defaults(): raise ValueError('it is empty')
    except (configparser.Error, ValueError) as e:
        done = 'It is made anew.' if mend and change(ws, path, old, new_settings(ws.package).encode()) else ''
        why = str(e).splitlines()[0].rstrip('.') if old else 'it is missing'
        yield Remark('settings.ini', f'{why}.', done)
        return
    new, wrong = text, []
    for key, value in (WANTED | dict(lib_path=ws.package)).items():
        has, want = ini.defaults().get(key, ''), value
        if key.startswith('allowed_'):
            want = ' '.join([*has.split(), *(w for w in value.split() if w not in has.split())])
        same = want in ('True', 'False') and has.strip().lower() == want.lower()
        if same or has.split() == want.split(): continue
        new = with_setting(new, key, want)
        wrong.append((key, f'{key} is {has!r} and should be {want!r}'))
    done = 'It is set right.' if wrong and mend and change(ws, path, old, new.encode()) else ''
    for key, says in wrong:
        strips = key in ('allowed_cell_metadata_keys', 'clear_all')
        why = ': nbdev_clean would take away what grading needs' if strips else ''
        yield Remark('settings.ini', f'{says}{why}.', done)
