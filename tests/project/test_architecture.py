"The rules that keep the notebooks a course and the package a library; CONTRIBUTING.md has the table of rows."
import ast, graphlib, json, re, statistics, sys, tomllib
from collections import Counter
from pathlib import Path

import pytest
from tinybench.course.cells import nbformat    # which loads it a second faster

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT/'nbs').glob('[0-9][0-9]_*.ipynb'))
MODULES = sorted(p for p in (ROOT/'tinybench').rglob('*.py') if not p.name.startswith('_'))
UNITS = tomllib.loads((ROOT/'assignments'/'course.toml').read_text())['unit']
PLAIN = {'base', 'embedded', 'official', 'toolchain', 'emit', 'learn', 'mcu', 'operating', 'peers', 'course', 'cli'}    # written by hand, not exported
each_notebook = pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda p: p.stem)
each_module = pytest.mark.parametrize('path', MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())

def cells(path):
    "The notebook's cells as they stand in the file; nbformat's own reader would mend duplicate ids."
    found = nbformat.from_dict(json.loads(path.read_text(encoding='utf-8'))).cells
    for c in found: c.source = ''.join(c.source)
    return found

def directives(cell): return re.findall(r'(?m)^#\|\s*(\w+)', cell.source)

def code(path, keep=lambda marks: True):
    "The notebook's code cells whose directives `keep` accepts."
    return [c for c in cells(path) if c.cell_type == 'code' and keep(directives(c))]

def exported(path):
    "What the notebook adds to the package, parsed."
    marked = code(path, lambda marks: {'export', 'exporti', 'exports'} & set(marks))
    return ast.parse('\n'.join(c.source for c in marked))

def module_of(path): return 'tinybench.' + path.stem.split('_', 1)[1]

def imports(nodes):
    "The dotted names that the import statements among `nodes` bring in."
    for node in nodes:
        if isinstance(node, ast.Import): yield from (a.name for a in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from ('.'*node.level + '.'.join(filter(None, [node.module, a.name])) for a in node.names)

def run_at_import(node):
    "The nodes under `node` that run when the module is imported: all but the insides of functions."
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)): yield from run_at_import(child)


# --- who may import whom

def test_notebooks_import_only_earlier_ones():
    plain = dict(base=0, toolchain=0, emit=0, learn=20)     # the number from which on all that they import is there
    seen = 'tinybench.__version__',
    for path in NOTEBOOKS:
        seen += tuple(f'tinybench.{name}' for name, n in plain.items() if n <= int(path.name[:2]))
        ours = [n for n in imports(ast.walk(exported(path))) if n.startswith(('.', 'tinybench'))]
        late = [n for n in ours if not any(n == s or n.startswith(s + '.') for s in seen)]
        assert not late, f'{path.name} imports {", ".join(late)}, which no earlier notebook exports'
        seen += module_of(path),

def table():
    "CONTRIBUTING.md's rows: a package, its numbers (none for plain Python), and what it may import."
    rows = re.findall(r'(?m)^\| (\d\d–\d\d|plain) \| `(\w+)` \| (.*?) ?\|$', (ROOT/'CONTRIBUTING.md').read_text())
    return [(name, [int(n) for n in re.findall(r'\d+', numbers)], re.findall(r'\w+', may)) for numbers, name, may in rows]

ROWS = {name: may for name, _, may in table()}

def test_a_package_is_one_row():
    names = [name for name, *_ in table()]
    assert not twice(names), f'{", ".join(twice(names))} has two rows'
    assert {m.relative_to(ROOT/'tinybench').parts[0].removesuffix('.py') for m in MODULES} <= {*names}
    assert {name for name, numbers, _ in table() if not numbers} == PLAIN
    numbers = [n for _, ns, _ in table() for n in ns]
    assert numbers == sorted(numbers), 'the rows are not in the order of their numbers'

@each_notebook
def test_a_notebooks_number_is_its_packages(path):
    package = module_of(path).split('.')[1]
    first, last = next(numbers for name, numbers, _ in table() if name == package)
    assert first <= int(path.name[:2]) <= last, f'{path.stem}: {package} has the numbers {first:02} to {last:02}'

@each_module
def test_packages_import_only_what_their_row_allows(path):
    here = path.relative_to(ROOT).with_suffix('').parts
    tree, package = ast.parse(path.read_text(encoding='utf-8')), here[1]
    may = ROWS[package]
    def whole(name):
        up = len(name) - len(name.lstrip('.'))
        return '.'.join([*here[:len(here) - up], name.lstrip('.')]) if up else name
    ours = {n.split('.')[1] for n in map(whole, imports(ast.walk(tree))) if n.startswith('tinybench.')}
    if 'all' in may: ours.clear()
    theirs = {n.split('.')[0] for n in map(whole, imports(run_at_import(tree)))} - sys.stdlib_module_names
    denied = (ours | theirs) - {*may, package, '__version__', 'tinybench'}
    assert not denied, f'{path.name} imports {", ".join(sorted(denied))}; {package} may import {", ".join(may)}'

def test_every_row_may_import_base_and_base_nothing():
    assert not ROWS['base'] and all('base' in may or 'all' in may for name, may in ROWS.items() if name != 'base')

def test_the_units_list_every_numbered_notebook_once_and_in_order():
    assert [n for u in UNITS for n in u['notebooks']] == [p.stem for p in NOTEBOOKS]

@each_notebook
def test_only_show_draws(path):
    drawn = [n for n in imports(ast.walk(exported(path))) if n.split('.')[0] in ('matplotlib', 'ipywidgets')]
    assert module_of(path).split('.')[1] == 'show' or not drawn, f'{path.stem} imports {", ".join(drawn)}; only show may'


# --- the package

# typer.echo writes UTF-8 where the stream is ASCII: base.terminal.echo keeps to the code page
LEFTOVER = re.compile(r'(sys\.path|pickle|(np|numpy)\.random\.seed|(typer|click)\.s?echo)(\.|$)|.*\.\*$|print\('
                      r'|allow_pickle=True')

@each_module
def test_package_has_no_leftovers(path):
    text = path.read_text(encoding='utf-8')
    nodes = list(ast.walk(ast.parse(text)))
    loads = path.parts[-2:] == ('cli', 'plan.py')    # a network, from a user's own folder
    kinds = (ast.Name, ast.Attribute, ast.keyword) + (() if loads else (ast.Call,))
    used = [ast.unparse(n) for n in nodes if isinstance(n, kinds)] + list(imports(nodes))
    # a submission's process loads from the library that it is given
    mine = {'sys.path', 'sys.path.insert', 'sys.path.remove'} if loads or path.stem in ('guard', 'inside', 'walls') else set()
    # what a teacher's check passes to an answer is pickled; nothing that comes back is
    if path.parts[-3:] == ('course', 'box', 'pickled.py'): mine |= {u for u in used if u.startswith('pickle')}
    bad = sorted({u for u in used if LEFTOVER.match(u)} - mine)
    assert not bad, f'{path.name} has {", ".join(bad)}'
    marks = re.findall(r'(?m)^\s*#+ *(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS)', text)   # `course` names them in strings
    assert not marks, f'{path.name} has {marks[0].strip()}'


# --- the notebooks

def twice(names): return [n for n, count in Counter(names).items() if count > 1]

def nbgrader(path): return [(c, c.metadata['nbgrader']) for c in cells(path) if 'nbgrader' in c.metadata]

@pytest.mark.parametrize('path', sorted((ROOT/'nbs').glob('*.ipynb')), ids=lambda p: p.stem)
def test_cell_ids_are_slugs(path):
    ids = [c.id for c in cells(path)]
    bad = [i for i in ids if not re.fullmatch('[a-z][a-z0-9-]*', i) or re.fullmatch('[0-9a-f]{8}', i)]
    assert not bad, f'{path.stem}: cell ids that say nothing: {", ".join(bad)}'
    assert not twice(ids), f'{path.stem}: {", ".join(twice(ids))} is the id of two cells'

@each_notebook
def test_module_has_the_notebooks_name(path):
    name = path.stem.split('_', 1)[1]
    assert cells(path)[0].source.strip() == f'#| default_exp {name}', f'{path.stem}: first cell'

@each_notebook
def test_nbgrader_metadata(path):
    ids = [meta['grade_id'] for _, meta in nbgrader(path)]
    assert not twice(ids), f'{path.stem}: {", ".join(twice(ids))} is the grade_id of two cells'
    for cell, meta in nbgrader(path):
        where = f'{path.stem}, cell {cell.id}'
        assert meta['schema_version'] == 3, f'{where}: schema_version {meta["schema_version"]}'
        assert meta['grade_id'] == cell.id, f'{where}: grade_id {meta["grade_id"]}'
        if not meta['grade']: continue
        assert meta['points'] > 0 and meta['locked'], f'{where}: a graded cell is locked and has points'

def is_assertion(node):
    "Whether a cell may end in `node`: nbgrader takes the value of a last expression for partial credit."
    if not isinstance(node, ast.Expr): return True
    return isinstance(node.value, ast.Call) and ast.unparse(node.value.func).startswith('test_')

@each_notebook
def test_graded_cells_end_in_an_assertion(path):
    for cell, meta in nbgrader(path):
        if not meta['grade'] or cell.cell_type != 'code': continue
        body = ast.parse(cell.source).body
        ends = body and is_assertion(body[-1])
        assert ends, f'{path.stem}, cell {cell.id}: a graded cell ends in an assertion or a call of test_...'

@each_notebook
def test_solutions_are_function_bodies(path):
    for cell, meta in nbgrader(path):
        if not meta['solution'] or cell.cell_type != 'code': continue
        functions = [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.FunctionDef)]
        assert functions, f'{path.stem}, cell {cell.id}: no function to write'

@each_notebook
def test_exercises_are_checked_twice(path):
    if not exported(path).body: return
    graded = [c.source for c, meta in nbgrader(path) if meta['grade']]
    hidden = [s for s in graded if '### BEGIN HIDDEN TESTS' in s and '### END HIDDEN TESTS' in s]
    shown = len(graded) - len(hidden)
    assert shown >= 2 and len(hidden) >= shown, f'{path.stem}: {shown} visible checks, {len(hidden)} hidden'
    assert all(s.startswith('#| hide') for s in hidden), f'{path.stem}: a hidden check starts with #| hide'


# --- the sizes: what a person reads in one sitting, and takes in at one look

def lines(path): return path.read_text(encoding='utf-8').splitlines()

def only_imports(cell):
    body = ast.parse(cell.source).body
    return bool(body) and all(isinstance(n, (ast.Import, ast.ImportFrom)) for n in body)

def is_exported(cell): return not {'export', 'exporti', 'exports'}.isdisjoint(directives(cell))

def defining(path):
    "The notebook's exported cells, without those that import."
    return [c for c in code(path) if is_exported(c) and not only_imports(c)]

def test_modules_are_short():
    sizes = {p.relative_to(ROOT).as_posix(): len(lines(p)) for p in MODULES}
    middle, long = statistics.median(sizes.values()), {p: n for p, n in sizes.items() if n > 500}
    assert not long, 'longer than 500 lines: ' + ', '.join(f'{p} {n}' for p, n in long.items())
    assert middle <= 220, f'half of the modules have {middle:.0f} lines or more'

def test_exported_cells_are_short():
    sizes = [(sum(bool(s.strip()) and not s.startswith('#|') for s in c.source.splitlines()), path.stem, c.id)
             for path in NOTEBOOKS for c in defining(path)]
    ns = [n for n, *_ in sizes]
    middle, p90 = statistics.median(ns), statistics.quantiles(ns, n=10, method='inclusive')[-1]
    most = ', '.join(f'{stem} {cell} {n}' for n, stem, cell in sorted(sizes, reverse=True)[:20])
    assert middle <= 8 and p90 <= 18, f'lines of an exported cell: median {middle:.0f}, p90 {p90:.1f}; the longest: {most}'

@each_notebook
def test_a_lesson_has_at_most_90_cells(path):
    n = len(cells(path))
    assert n <= 90, f'{path.stem} has {n} cells'

@each_module
def test_lines_fit_the_screen(path):
    names = [n for n in ast.parse(path.read_text(encoding='utf-8')).body
             if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == '__all__']
    by_nbdev = {i for n in names for i in range(n.lineno, n.end_lineno + 1)}    # which wraps it at 130
    long = [str(i) for i, line in enumerate(lines(path), 1) if len(line) > 110 and i not in by_nbdev]
    assert not long, f'{path.relative_to(ROOT)}: longer than 110 columns: line {", ".join(long)}'

@each_notebook
def test_lines_of_lessons_fit_the_screen(path):
    "Text and code; a row of a table in Markdown cannot be broken."
    long = [f'{c.id}: {line}' for c in cells(path) for line in c.source.split('\n')
            if len(line) > 110 and not (c.cell_type == 'markdown' and line.startswith('|'))]
    assert not long, f'{path.name}: longer than 110 columns: {long}'

def shows(cell):
    "Whether a reader sees the code at work in this cell."
    return cell.cell_type == 'code' and not is_exported(cell) and 'hide' not in directives(cell) and not only_imports(cell)

def runs_without_a_show(path):
    "The exported cells that follow each other with nothing shown between them; an import is no cell to show."
    run = []
    for c in code(path):
        if shows(c):
            yield run
            run = []
        elif is_exported(c) and not only_imports(c): run.append(c.id)
    yield run

@each_notebook
def test_at_most_five_exported_cells_in_a_row(path):
    long = [f'{len(run)} from {run[0]} to {run[-1]}' for run in runs_without_a_show(path) if len(run) > 5]
    assert not long, f'{path.stem}: exported cells of which nothing is shown: {"; ".join(long)}'

def imported_modules():
    "Our modules, and those of ours that each imports, also inside its functions."
    names = {'.'.join(p.relative_to(ROOT).with_suffix('').parts): p for p in MODULES}
    graph = {}
    for name, path in names.items():
        parts, graph[name] = name.split('.'), set()
        for used in imports(ast.walk(ast.parse(path.read_text(encoding='utf-8')))):
            up = len(used) - len(used.lstrip('.'))
            whole = '.'.join([*parts[:len(parts) - up], used.lstrip('.')]) if up else used
            graph[name] |= {m for m in names if whole == m or whole.startswith(m + '.')} - {name}
    return graph

def test_no_module_imports_itself_by_way_of_another():
    try: graphlib.TopologicalSorter(imported_modules()).prepare()
    except graphlib.CycleError as e: pytest.fail('a cycle of imports: ' + ' <- '.join(e.args[1]))
