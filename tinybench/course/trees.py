"The syntax tree of a cell, and quiet about how it is written"
import ast, threading, warnings
from contextlib import contextmanager
from functools import lru_cache

_one = threading.RLock()    # warnings' filters are everybody's: one thread at a time changes them

@contextmanager
def quiet(*kinds):
    "Ignore warnings of these kinds, or all: a student's way of writing is judged elsewhere."
    with _one, warnings.catch_warnings():
        for kind in kinds or (Warning,): warnings.simplefilter('ignore', kind)
        yield

# of a cell that is looked into, in characters; the time that Python's parser takes grows with the square
# of some texts (`import a.a.a…`: 0.1 s for these, an hour for 50 times as many), and Ctrl-C waits for it
LONGEST = 20_000
NO_PYTHON = SyntaxError, ValueError, RecursionError, MemoryError

def tree(source:str) -> ast.Module|None:
    "The syntax tree of a cell, or None if it is not plain Python."
    try:
        with quiet(): return ast.parse(source)
    except NO_PYTHON: return None

# a class hands in the same cells, most of them the lesson's; nobody changes a tree; large ones take megabytes
kept = lru_cache(2048)(tree)
def parsed(source:str, longest:int|None=LONGEST) -> ast.Module|None:
    "The syntax tree of a cell, or None if it is not plain Python or too long; `longest=None` for our own."
    if longest is not None and len(source) > longest: return None
    return kept(source) if len(source) <= 2000 else tree(source)
