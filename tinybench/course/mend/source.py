"What the text of a cell says: is it Python, what does it define, is it filled in"
import ast, re
from ..box.needed import made_and_used
from ..cells import NotebookNode
from ..trees import LONGEST, NO_PYTHON, parsed, quiet


def bare(text:str) -> str:
    "`text` without the blanks at its ends and at the ends of its lines."
    return '\n'.join(line.rstrip() for line in text.strip().splitlines())

def defines(text:str) -> set[str]:
    "The functions and classes that a cell defines at its left margin, be the rest of it Python or not."
    return set(re.findall(r'(?m)^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)', text))

def bound(text:str) -> set[str]:
    "The names that a cell gives a value to, by import, definition or assignment outside of functions."
    try: return made_and_used(text)[0]
    except NO_PYTHON: return defines(text)

def raises_unfilled(node) -> bool:
    "Whether a statement is `raise NotImplementedError`, called or not."
    what = node.exc if isinstance(node, ast.Raise) else None
    what = what.func if isinstance(what, ast.Call) else what
    return isinstance(what, ast.Name) and what.id == 'NotImplementedError'

def unfilled(text:str) -> list[str]:
    "The functions of a cell, methods as `Class.method`, whose body still has `raise NotImplementedError`."
    tree, found = parsed(text), []
    def look(node, inside=''):
        for n in getattr(node, 'body', ()):
            if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)):
                if any(map(raises_unfilled, n.body)): found.append(inside + n.name)
            elif isinstance(n, ast.ClassDef): look(n, f'{inside}{n.name}.')
    look(tree)
    return found

MAGIC = re.compile(r'(?m)^([ \t]*+)(?:\w[\w., \t]*+=[ \t]*+)?+(?:[%!].*|\?\??[\w.]++|[\w.]++\?\??)[ \t]*+$')

def without_magics(text:str) -> str:
    "`text` with IPython's own lines replaced by `pass`; nothing is left of a cell that begins with `%%`."
    return '' if text.lstrip().startswith('%%') else MAGIC.sub(r'\1pass', text)

UNMERGED = 'git could not merge two versions, and left both between its marks'
KEEP_ONE = 'keep one, delete the other and the marks'

def merge_mark(text:str) -> int:
    "The line of the first mark of a merge that git could not do and nobody finished; 0 if there is none."
    lines = enumerate(text.split('\n'), 1)
    marks = [(i, line[0]) for i, line in lines if re.match(r'([<|=>])\1{6}(?!\S)', line)]
    return marks[0][0] if any(kind in '<>' for _, kind in marks) else 0

def syntax_error(text:str) -> str:
    "What is wrong with a cell's Python, with line and text; '' if nothing is."
    if len(text) > LONGEST: return f'it has {len(text):,} characters, too many for a cell'
    for attempt in (text, without_magics(text)):
        try:
            with quiet(): compile(attempt, 'cell', 'exec', ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            return ''
        except SyntaxError as e: line, why = e.lineno or 1, e.msg
        except (ValueError, RecursionError, MemoryError) as e: line, why = 1, str(e) or 'nested too deep'
    if mark := merge_mark(text): line, why = mark, f'{UNMERGED}; {KEEP_ONE}'
    shown = attempt.splitlines()[line-1:line] or ['']
    return f'line {line}: {why}: {shown[0].strip()[:80]}'

def syntax_errors(nb:NotebookNode) -> list[tuple[str, str]]:
    "The code cells that are no Python: the id of each, and what is wrong with it."
    found = [(c.id, syntax_error(c.source)) for c in nb.cells if c.cell_type == 'code']
    return [(name, says) for name, says in found if says]
