"Mutants of a solution: each differs from it by one small change"
import ast, copy, types
from collections.abc import Iterator
from ..stub import is_docstring, outermost
from ..trees import quiet

KINDS = dict(
    AOR='arithmetic operator replaced', LOR='bitwise operator replaced', ROR='relational operator replaced',
    ASR='operator in assignment replaced', LCR='`and` for `or`', COI='condition negated',
    COD='`not` dropped', AOD='sign dropped', CRP='constant replaced', UOI='one added to a bound',
    SIR='bound of a slice dropped', IPEX='arguments exchanged', SDL='statement dropped',
    BCR='`break` for `continue`', EHD='exception passed on')
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
              ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.MatMult: ast.Mult}
BITWISE = {ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
           ast.LShift: ast.RShift, ast.RShift: ast.LShift}
RELATIONAL = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
              ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
SYMMETRIC = {'max', 'min', 'maximum', 'minimum', 'add', 'multiply', 'gcd', 'hypot', 'array_equal', 'allclose'}

def with_fields(node:ast.AST, **fields) -> ast.AST:
    "A copy of `node` with other `fields`."
    new = copy.copy(node)
    for k, v in fields.items(): setattr(new, k, v)
    return new

def at(items:list, i:int, new) -> list: return [*items[:i], new, *items[i+1:]]
def negated(test:ast.expr) -> ast.expr: return ast.UnaryOp(ast.Not(), test)
def one_more(x:ast.expr) -> ast.expr: return ast.BinOp(x, ast.Add(), ast.Constant(1))
def is_number(x) -> bool: return isinstance(x, ast.Constant) and type(x.value) in (int, float)

def operator_variants(node:ast.AST) -> Iterator:
    "(kind, what takes its place) for operators, conditions and constants."
    match node:
        case ast.BinOp(op=op) | ast.AugAssign(op=op):
            new, kind = (ARITHMETIC | BITWISE).get(type(op)), 'AOR' if type(op) in ARITHMETIC else 'LOR'
            if new: yield 'ASR' if isinstance(node, ast.AugAssign) else kind, with_fields(node, op=new())
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                if new := RELATIONAL.get(type(op)): yield 'ROR', with_fields(node, ops=at(ops, i, new()))
        case ast.BoolOp(op=ast.And()): yield 'LCR', with_fields(node, op=ast.Or())
        case ast.BoolOp(op=ast.Or()): yield 'LCR', with_fields(node, op=ast.And())
        case ast.UnaryOp(op=ast.Not(), operand=x): yield 'COD', x
        case ast.UnaryOp(op=ast.USub(), operand=x): yield 'AOD', x
        case ast.If(test=t) | ast.While(test=t) | ast.IfExp(test=t):
            yield 'COI', with_fields(node, test=negated(t))
        case ast.comprehension(ifs=ifs):
            for i, t in enumerate(ifs): yield 'COI', with_fields(node, ifs=at(ifs, i, negated(t)))
        case ast.Constant(value=bool(v)): yield 'CRP', ast.Constant(not v)
        case ast.Constant(value=int(v) | float(v)): yield 'CRP', ast.Constant(v + 1)

def place_variants(node:ast.AST) -> Iterator:
    "(kind, what takes its place) for bounds, arguments and statements."
    match node:
        case ast.Slice():
            for field in ('lower', 'upper', 'step'):
                if (bound := getattr(node, field)) is None: continue
                yield 'SIR', with_fields(node, **{field: None})
                if not is_number(bound) and field != 'step':
                    yield 'UOI', with_fields(node, **{field: one_more(bound)})
        case ast.Call(func=f, args=args) if not any(isinstance(a, ast.Starred) for a in args):
            name = ast.unparse(f).split('.')[-1]
            for i, a in enumerate(args if name in ('range', 'arange') else ()):
                if not is_number(a): yield 'UOI', with_fields(node, args=at(args, i, one_more(a)))
            if len(args) > 1 and name not in SYMMETRIC:
                yield 'IPEX', with_fields(node, args=[args[1], args[0], *args[2:]])
        case ast.Break(): yield 'BCR', ast.Continue()
        case ast.Continue(): yield 'BCR', ast.Break()
        case ast.ExceptHandler(): yield 'EHD', with_fields(node, body=[ast.Raise()])
    stays = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass
    if isinstance(node, ast.stmt) and not (isinstance(node, stays) or is_docstring(node)):
        yield 'SDL', ast.Pass()

def places(node:ast.AST) -> Iterator:
    "(owner, field, index or None) of each piece of syntax below `node` that may change, outer ones first."
    for field, value in ast.iter_fields(node):
        if field in ('decorator_list', 'returns', 'annotation', 'type_params'): continue
        for i, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or isinstance(child, (ast.arguments, ast.JoinedStr)): continue
            yield node, field, i
            if not isinstance(child, ast.Raise): yield from places(child)

def meaning(code:types.CodeType) -> tuple:
    "What a code object does, without its lines and file: equal for sources that compile to the same."
    def const(c): return meaning(c) if isinstance(c, types.CodeType) else (type(c).__name__, repr(c))
    return (code.co_code, *map(const, code.co_consts), code.co_names, code.co_varnames, code.co_freevars,
            code.co_cellvars, code.co_argcount, code.co_kwonlyargcount, code.co_flags, code.co_name,
            code.co_exceptiontable)

def compiled(source:str) -> tuple|None:
    "The `meaning` of a source, or None where it does not compile."
    with quiet(SyntaxWarning):
        try: return meaning(compile(source, '<answer>', 'exec', dont_inherit=True))
        except SyntaxError: return None

def said(node:ast.AST, width:int=60) -> str:
    "The first line of what `node` is in source."
    line = ast.unparse(node).split('\n')[0]
    return line if len(line) <= width else line[:width-3] + '...'

def mutants(source:str) -> Iterator:
    "(what, source) of each answer that differs from `source` by one change of `KINDS` in a function's body."
    tree = ast.parse(source)
    seen = {None, compiled(ast.unparse(tree))}
    for owner, field, i in [place for f in outermost(tree) for place in places(f)]:
        value = getattr(owner, field)
        old = value if i is None else value[i]
        shown = owner if isinstance(owner, (ast.expr, ast.keyword)) else old
        line, before = getattr(old, 'lineno', getattr(owner, 'lineno', 0)), said(shown)
        for kind, new in [*operator_variants(old), *place_variants(old)]:
            setattr(owner, field, new if i is None else at(value, i, new))
            text, after = ast.unparse(ast.fix_missing_locations(tree)), said(new if shown is old else owner)
            setattr(owner, field, value)
            if (code := compiled(text)) in seen: continue
            seen.add(code)
            change = {'SDL': f'without {before}', 'EHD': f'{before} raise'}.get(kind, f'{before} -> {after}')
            yield f'line {line}, {kind}: {change}', text
