"The syntax tree of a cell, and quiet about how it is written"
import ast, re, threading, warnings
from contextlib import contextmanager

_one = threading.RLock()    # warnings' filters are everybody's: one thread at a time changes them

@contextmanager
def quiet(*kinds):
    "Ignore warnings of these kinds, or all: a student's way of writing is judged elsewhere."
    with _one, warnings.catch_warnings():
        for kind in kinds or (Warning,): warnings.simplefilter('ignore', kind)
        yield

MOST_TEXT, MOST_DOTS = 200_000, 300    # characters of a cell, and dots in a line that imports

def readable(source:str) -> str:
    """`source`, if Python reads it in good time: SyntaxError for a cell that is endless, or imports a name of
    thousands of parts, for which Python takes the square of their number."""
    if len(source) > MOST_TEXT: raise SyntaxError(f'it has {len(source):,} characters, too many for a cell')
    joined = re.sub(r'\\\r?\n', '', source) if source.count('.') > MOST_DOTS else ''
    lines = re.split(r'[\r\n]', joined)    # for Python, as not for splitlines, a form feed is a blank
    if any(line.count('.') > MOST_DOTS and 'import' in line for line in lines):
        raise SyntaxError('a name in an import has too many parts')
    return source

def parsed(source:str) -> ast.Module|None:
    "The syntax tree of a cell, or None if it is not plain Python."
    try:
        with quiet(): return ast.parse(readable(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError): return None
