"The syntax tree of a cell"
import ast, warnings


def parsed(source:str) -> ast.Module|None:
    "The syntax tree of a cell, or None if it is not plain Python."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError): return None
