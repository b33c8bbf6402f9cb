"What a person should read: words, or changes to a module, that honest answers have no use for"
import ast, re
from ..cells import role
from ..trees import parsed
from .needed import defined, leaned_on, once


ODD = set('''
    _getframe _current_frames currentframe f_back f_code f_globals f_locals f_builtins tb_frame tb_next
    gi_frame cr_frame ag_frame walk_stack walk_tb extract_stack settrace setprofile addaudithook gc ctypes
    cffi mmap inspect linecache getsource builtins modules meta_path import_module exec eval compile
    marshal pickle base64 getattr setattr attrgetter methodcaller globals vars mock fork register_at_fork
    socket signal atexit get_ipython ast_transformers input_transformers_cleanup monitoring pdb bdb
    threading approx as_strided frombuffer buffer_info update_wrapper nested_attr setattrs resolve_name
    make_dataclass new_class
'''.split())
PLAIN = set('init repr str name len iter next call enter exit doc class getitem add mul main'.split())

def peculiar(cells, lesson) -> list:
    "A sentence for each code cell with words, or changes to a module, that honest answers have no use for."
    def words(source): return set(re.findall(r'\w+', source))
    given, found = {c.source for c in lesson.cells}, []
    usual = set().union(*map(words, given)) | {f'__{name}__' for name in PLAIN}
    own = [c for c in cells if c.cell_type == 'code' and c.source not in given]
    trees = [t for c in own if (t := parsed(c.source))]
    roots, lean = imported_names(trees, {'np', 'numpy', 'sys', 'fastcore', 'tinybench'}), leaned_on(lesson)
    values = frozenset(imported_names(trees, VALUES, 'numpy'))
    theirs = set().union(*(posing(source, VALUES) for source in given))
    cells_given = [c for c in lesson.cells if c.cell_type == 'code' and not role(c)]
    constants = {n for c in cells_given for n in assigned(c.source) if n.isupper()}
    for c in own:
        odd = {w for w in words(c.source) - usual if w in ODD or re.fullmatch(r'__\w*|\w+__', w)}
        odd |= replaced(c.source, roots) | posing(c.source, values) - theirs
        odd |= {f'{name} = …, which the lesson gives' for name in assigned(c.source) & constants}
        if not role(c): odd |= {f'{name}, which checks use' for name in defined(c.source) & lean.keys()}
        if odd: found.append(f'{c.id} uses {", ".join(sorted(odd)[:6])}: a person should read it.')
    return found

def assigned(source) -> set:
    "The names that the statements of a cell assign to, not in a function."
    body = getattr(parsed(source), 'body', ())
    targets = [t for n in body if isinstance(n, (ast.Assign, ast.AugAssign, ast.AnnAssign))
               for t in getattr(n, 'targets', None) or [n.target]]
    return {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}

def root(node) -> str:
    "The name that a chain of attributes begins with: `np` of `np.random.default_rng`."
    while isinstance(node, ast.Attribute): node = node.value
    return node.id if isinstance(node, ast.Name) else ''

def imported_names(trees, known, package='') -> set:
    "The names `known`, what cells import (from `package`), and the names that they give to parts of these."
    nodes = [n for tree in trees for n in ast.walk(tree)]
    names = [(getattr(n, 'module', None) or a.name, a)
             for n in nodes if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names]
    found = {a.asname or a.name.split('.')[0] for m, a in names if package in ('', m.split('.')[0])} | known
    given = [n for n in nodes if isinstance(n, ast.Assign) and isinstance(n.value, (ast.Name, ast.Attribute))]
    for n in given:
        if root(n.value) in found: found |= {t.id for t in n.targets if isinstance(t, ast.Name)}
    return found

def replaced(source, roots) -> set:
    "What a cell assigns to attributes of names in `roots`."
    nodes = ast.walk(parsed(source) or ast.Module([], []))
    stored = [n for n in nodes if isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load)]
    return {f'{root(n)}….{n.attr} = …' for n in stored if root(n) in roots}

VALUES = frozenset('''
    np numpy type bool bytearray bytes complex dict float frozenset int list set str tuple
'''.split())
BY_NAME = 'ndarray', 'Tensor', 'NDFrame'  # what fastcore's checks know by its name alone

@once
def posing(source, values) -> frozenset:
    "The classes of a cell that pose as a value: derived from one of `values`, or named as checks know it."
    classes = [n for n in ast.walk(parsed(source) or ast.Module([], [])) if isinstance(n, ast.ClassDef)]
    def odd(c): return c.name in BY_NAME or any(root(b) in values | {''} for b in c.bases)
    def said(base): return ast.unparse(base) if len(list(ast.walk(base))) < 20 else '…'
    return frozenset(f'class {c.name}({", ".join(map(said, c.bases))})' for c in classes if odd(c))
