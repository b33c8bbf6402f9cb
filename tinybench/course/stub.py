"Exercises derived from their solutions, as steps of nbgrader's and nbdev's own pipelines"
import ast, io, re, tokenize
from collections.abc import Iterator, Mapping
from textwrap import indent
from .cells import CourseError, role    # before nbgrader: see there
from nbgrader.preprocessors import (CheckCellMetadata, ClearHiddenTests, ClearMarkScheme, ClearOutput,
                                    ClearSolutions, ComputeChecksums, IncludeHeaderFooter, LockCells,
                                    NbGraderPreprocessor, SaveCells)
from traitlets import Dict, Unicode

Function = ast.FunctionDef | ast.AsyncFunctionDef

def outermost(tree:ast.AST) -> Iterator[Function]:
    "The functions and methods in `tree` that are in no other function, in order."
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function): yield node
        elif not isinstance(node, ast.expr): yield from outermost(node)

def is_docstring(node:ast.stmt) -> bool:
    "Whether a statement is a string and nothing else."
    value = getattr(node, 'value', None) if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)

def solution_of(f:Function) -> list[ast.stmt]:
    "The statements of `f` that are its solution; empty where it says nothing but `...` or `pass`."
    body = f.body[is_docstring(f.body[0]):]
    empty = all(isinstance(s, ast.Pass) or ast.unparse(s) == '...' for s in body)
    return [] if empty else body

def in_characters(lines:list[str], line:int, col:int) -> tuple[int, int]:
    "A place that `ast` gives, with the column in characters instead of bytes."
    return line, len(lines[line - 1].encode()[:col].decode())

def signature_end(f:Function, lines:list[str], tokens:list) -> tuple[tuple[int, int], bool]:
    "Where the colon ends that ends the signature of `f`, and whether the body is on its line."
    first = min((f.body[0], *getattr(f.body[0], 'decorator_list', ())), key=lambda node: node.lineno)
    body = in_characters(lines, first.lineno, first.col_offset)
    i = max(i for i, t in enumerate(tokens) if t.type == tokenize.OP and t.string == ':' and t.end <= body)
    after = next(t for t in tokens[i+1:] if t.type != tokenize.COMMENT)
    return tokens[i].end, after.type not in (tokenize.NEWLINE, tokenize.NL)

STUB = '# yours to write: replace this line and the next\nraise NotImplementedError()'

def stub_of(name:str, notebook:str) -> str:
    "The stub of a function, which says in later notebooks what is missing there, and what to do."
    if not notebook: return STUB
    return STUB.replace('()', f'({f"{name} of {notebook}: fill it in and export, or unlock it"!r})')

def head(f:Function, lines:list[str], tokens:list) -> tuple[str, str]:
    "What stays of `f`, from the line of its `def`, and the indentation of its body."
    (line, col), inline = signature_end(f, lines, tokens)
    doc = f.body[0] if is_docstring(f.body[0]) else None
    margin = re.match(r'[ \t]*', lines[(f.lineno if inline else f.body[0].lineno) - 1])[0] + '    '*inline
    def upto(line, col=None): return '\n'.join([*lines[f.lineno-1:line-1], lines[line-1][:col]])
    if doc and not inline: return upto(*in_characters(lines, doc.end_lineno, doc.end_col_offset)), margin
    said = f'\n{margin}{ast.get_source_segment(chr(10).join(lines), doc)}' if doc else ''
    return upto(line, col if inline else None) + said, margin

def last_line(f:Function, lines:list[str]) -> int:
    "The number of the last line of `f`, comments below its last statement included."
    margin, last = len(lines[f.lineno - 1]) - len(lines[f.lineno - 1].lstrip()), f.end_lineno
    for i in range(last, len(lines)):
        text = lines[i].lstrip()
        if text and not (text[0] == '#' and len(lines[i]) - len(text) > margin): break
        if text: last = i + 1
    return last

REGION = re.compile(r'(?ms)^([ \t]*)[^\n]*?BEGIN SOLUTION[^\n]*\n(?:.*?\n)??[^\n]*END SOLUTION[^\n]*$')

def clear_bodies(source:str, notebook:str='') -> str:
    "`source` with the stub in the place of each function's solution; CourseError where there is none."
    try: tree = ast.parse(source)
    except SyntaxError as e: raise CourseError(f'line {e.lineno} is not Python: {e.msg}') from None
    lines, tokens = source.split('\n'), list(tokenize.generate_tokens(io.StringIO(source).readline))
    found = [f for f in outermost(tree) if solution_of(f)]
    if not found: raise CourseError('there is no function body to clear: put the solution into a function')
    for f in reversed(found):  # from the end, so that the lines above keep their numbers
        stays, margin = head(f, lines, tokens)
        lines[f.lineno - 1 : last_line(f, lines)] = [stays, indent(stub_of(f.name, notebook), margin)]
    return '\n'.join(lines)

def stub(source:str, notebook:str='') -> str:
    "The solved exercise `source` as students get it: its marked regions cleared, or else its bodies."
    source = source.replace('\r\n', '\n').replace('\r', '\n')
    cleared = REGION.sub(lambda m: indent(STUB, m[1]), source)
    paired = cleared != source and not re.search('(BEGIN|END) SOLUTION', cleared)
    return cleared if paired else clear_bodies(source, notebook)

class StubBodies(ClearSolutions):
    "nbgrader's step that clears solutions, for exercises without marks: function bodies become stubs."
    code_stub = Dict(dict(python=STUB), help='What replaces a marked region').tag(config=True)
    text_stub = Unicode('*Your answer.*', help='What replaces a written solution').tag(config=True)

    def preprocess_cell(self, cell, resources, cell_index):
        marked = self.begin_solution_delimeter in cell.source
        if cell.cell_type != 'code' or marked or role(cell) not in ('exercise', 'written'):
            return super().preprocess_cell(cell, resources, cell_index)
        try: cell.source = stub(cell.source, resources.get('nbgrader', {}).get('notebook', ''))
        except CourseError as e: raise CourseError(f'Cell {cell.id}: {e}.') from None
        return cell, resources

class DropHidden(NbGraderPreprocessor):
    "nbgrader's step after ClearHiddenTests: graded cells that held nothing but a hidden test go."
    def preprocess(self, nb, resources):
        def says_nothing(c): return all(line.strip()[:1] in ('', '#') for line in c.source.split('\n'))
        def dropped(c): return c.cell_type == 'code' and role(c) in ('check', 'hidden') and says_nothing(c)
        nb.cells = [c for c in nb.cells if not dropped(c)]
        return nb, resources

RELEASE_STEPS = (IncludeHeaderFooter, LockCells, StubBodies, ClearOutput, CheckCellMetadata,
                 ComputeChecksums, SaveCells, ClearHiddenTests, DropHidden, ClearMarkScheme,
                 ComputeChecksums, CheckCellMetadata)

MARKED = re.compile(r'(?ms)^[^\n]*BEGIN (HIDDEN TESTS|MARK SCHEME)[^\n]*\n.*?^[^\n]*END \1[^\n]*(?:\n|$)')

def strip_hidden(cell:Mapping) -> None:
    "A step of nbdev for its site: no hidden check, no solution, nothing between marks."
    if not cell.get('source'): return
    kind, hides = role(cell), 'hide' in getattr(cell, 'directives_', ())
    if kind == 'hidden' or (kind == 'check' and hides): del cell['source']
    elif kind == 'written' and cell['cell_type'] != 'code': cell['source'] = StubBodies().text_stub
    else:
        source = MARKED.sub('', cell['source'])
        try: cell['source'] = stub(source) if kind in ('exercise', 'written') else source
        except CourseError as e: raise CourseError(f'Cell {cell.get("id")}: {e}.') from None
