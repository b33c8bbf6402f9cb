"The name that somebody meant"
import re
from collections.abc import Iterable
from difflib import get_close_matches


def plain(name:str) -> str:
    "`name` as its lower-case letters and digits."
    return re.sub(r'[^0-9a-z]', '', name.lower())

def nearest_name(name:str, names:Iterable[str]) -> str|None:
    "The one of `names` whose letters and digits are most like those of `name`; None if none is half alike."
    written = {plain(n): n for n in names}
    found = get_close_matches(plain(name), written, n=1, cutoff=.5)
    return written[found[0]] if found else None

def meant(name:str, names:Iterable[str]) -> str:
    "What to say behind `no such name`: the nearest one if there is one, and all there are."
    names = list(names)
    near = nearest_name(name, names)
    hint = f', did you mean {near!r}?' if near else '.'
    return f'{hint} There are: {", ".join(names) or "none"}'

def lookup(kind:str, name:str, table:dict):
    "`table[name]`; ValueError with the nearest name if there is none."
    if name in table: return table[name]
    raise ValueError(f'no {kind} {name!r}{meant(name, table)}')
