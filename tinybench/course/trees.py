"The syntax tree of a cell, and quiet about how it is written"
import ast, threading, warnings
from contextlib import contextmanager

_one = threading.RLock()    # warnings' filters are everybody's: one thread at a time changes them

@contextmanager
def quiet(*kinds):
    "Ignore warnings of these kinds, or all: a student's way of writing is judged elsewhere."
    with _one, warnings.catch_warnings():
        for kind in kinds or (Warning,): warnings.simplefilter('ignore', kind)
        yield

def parsed(source:str) -> ast.Module|None:
    "The syntax tree of a cell, or None if it is not plain Python."
    try:
        with quiet(): return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError): return None
