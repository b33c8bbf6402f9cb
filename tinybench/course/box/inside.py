"Serves a student's cells in forks of a warm process, where no check is talked out of failing"
# Standard library only, and this package but for IPython: this runs inside the walls.
import __future__, _socket, ast, binascii, builtins, gc, linecache, os
import random, resource, signal, sys, threading, time, types
from .guard import by_type, guarded, pins
from .handles import ClassHandle, function, signature
from .link import Answerer, Judge
from .messages import receive, send, took
from .plain import ROOTS
from .shell import Said, Shell, as_error, joined
from .spaces import as_counted, children, end_orphans, ended, keeper, kept_on, libc, limit, own_user
from .spaces import unshare, wall_in


OWN = 'messages', 'guard', 'spaces', 'shell', 'inside'
PARTS = *OWN, 'plain', 'shared', 'handles', 'pickled', 'link'   # of this folder, inside the walls too

def judge(source, names, compile=compile, exec=exec):
    "Run a check; the exception it ends in, or None. A cell's `annotations` from `__future__` hold in it too."
    future = __future__.annotations.compiler_flag if names.get('annotations') is __future__.annotations else 0
    try: exec(compile(source, '<check>', 'exec', future, True), names)
    except BaseException as e: return e  # whatever it is, SystemExit too: a check that raises has failed

def can_fail(names) -> bool:
    "Whether a check that must fail does, with the words it was given."
    token = f'{random.SystemRandom().getrandbits(64):x}'
    e = judge(f'assert False, {token!r}', names)
    return type(e) is AssertionError and e.args == (token,)

def no_input(prompt=''):
    "In the place of `input`: nobody is there to answer."
    raise EOFError('input() asks a person, and nobody is there while this is graded')

class Both(dict):
    "A check's names; what it does to those in `shared`, as `del squares`, it does to the student's too."
    def __setitem__(self, name, value, put=dict.__setitem__):
        put(self, name, value)
        if name in self.shared: put(self.theirs, name, value)
    def __delitem__(self, name, drop=dict.__delitem__, pop=dict.pop):
        drop(self, name)
        if name in self.shared: pop(self.theirs, name, None)

def rebound(source, compile=compile, walk=ast.walk) -> set:
    "The names that a check binds or deletes."
    nodes = [*walk(compile(source, '<check>', 'exec', ast.PyCF_ONLY_AST, True))]
    defs = {n.name for n in nodes if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    return defs | {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}

def own_names(names, pinned, shared=frozenset()) -> tuple:
    "A copy of the student's names for a check, and which of them mean again what the lesson means by them."
    changed = [k for k, v in pinned.items() if k in names and names[k] is not v]
    copied = {**names, **{k: pinned[k] for k in changed}, '__builtins__': dict(vars(builtins))}
    if not shared: return copied, changed
    copied = Both(copied)
    copied.shared, copied.theirs = shared, names
    return copied, changed

def show_lines(source):
    "Let a traceback show the lines of a check."
    linecache.cache['<check>'] = len(source), None, source.splitlines(True), '<check>'

def checked(source, shell, restore, pinned, visible=True, shared=frozenset()) -> tuple:
    "Run a check with all it leans on put back: the exception it failed with, if any, and a note."
    if visible: show_lines(source)
    sys.stderr = warned = Said(sys.stdout.outputs, 'stdout', sys.stdout.limit)  # to warn is not wrong
    space, changed = own_names(shell.names, pinned, shared & rebound(source) if shared else shared)
    notes = restore()
    if changed: notes.insert(0, f'not as in the lesson, so the lesson\'s: {", ".join(changed[:5])}')
    before = dict(space)
    e = judge(source, space) if can_fail(space) else AssertionError('nothing can fail here')
    swapped = [k for k in pinned if k in before and space.get(k) is not before[k]]
    if e is None and (late := restore(space) + [f'put in the check: {k}' for k in swapped]):
        e = AssertionError(f'your code changed what the check leans on while it ran ({"; ".join(late)})')
    if e is None and not can_fail(space): e = AssertionError('nothing can fail here any more')
    # as in a kernel: what it imports, makes and deletes is so for the cells below
    bound = {k: v for k, v in space.items()
             if before.get(k, before) is not v and (k not in before or k not in pinned)}
    shell.names.update({k: v for k, v in bound.items() if k != '__builtins__'})
    for k in before.keys() - space.keys(): shell.names.pop(k, None)
    if warned.left < warned.limit: notes.append('it warned, which costs no points')
    return e, '; '.join(notes)

def put_files(files):
    "Write `files`, {path: base64}, into the folder that cells run in."
    for name, data in files.items():
        if folder := os.path.dirname(name): os.makedirs(folder, exist_ok=True)
        with open(name, 'wb') as f: f.write(binascii.a2b_base64(data))

CATCHES = {'__exit__', 'suppress', 'ExitStack'}
WRITES = {'out', 'fill', 'sort', 'shuffle', 'copyto', 'put', 'at', 'step', 'backward', 'forward'}

def name_in(node):
    "The name that a node of a syntax tree has, or ''."
    return next((getattr(node, k) for k in ('attr', 'id', 'name', 'arg') if hasattr(node, k)), '')

def writes(node) -> bool:
    "Whether a node of a syntax tree may change what a function was passed."
    stores = isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load)
    return stores or isinstance(node, (ast.AugAssign, ast.Global)) or name_in(node) in WRITES

# Names that lead to the names of a module or class. A cell without them, and without a store to an attribute
# of anything but `self`, replaces nothing that others lean on, and what it leans on need not be put back.
LEADS = {'vars', 'globals', 'locals', 'setattr', 'delattr', 'getattr', 'exec', 'eval', 'compile', 'modules',
         'get_ipython', 'patch', 'wraps', 'update_wrapper'}
# and the modules that those in `AT_HOME` hold: `re.enum.global_enum` writes into any
LEADS |= set('_casefix _collections_abc _compiler _constants _os _parser _random _re _string _sys _thread '
             'abc builtins contextlib copyreg enum inspect operator sys'.split())
AT_HOME = set('bisect collections copy dataclasses functools heapq itertools math numpy random re '
              'statistics string time typing warnings'.split())   # and `ROOTS`

def reaches_out(node) -> bool:
    "Whether a node of a syntax tree may be part of replacing what others lean on."
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        modules = [node.module or ''] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        return not {m.split('.')[0] for m in modules} <= AT_HOME | ROOTS
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
        return name_in(node.value) != 'self' or not isinstance(node.value, ast.Name)
    name = name_in(node) or ''    # `f(**kw)` has an argument without a name
    return name in LEADS or name[:2] == '__' and name not in ('__init__', '__call__', '__len__', '__repr__')

def decorating(node) -> list:
    """The parts of a node that name `wraps` and do no harm: right above a function `@wraps(f)` gives names to
    that function alone, but above another decorator, or with more arguments, to what these say."""
    if isinstance(node, ast.ImportFrom) and node.module == 'functools':
        return [a for a in node.names if a.name == 'wraps' and not a.asname]
    nearest = node.decorator_list[-1:] if isinstance(node, ast.FunctionDef) else []
    return [d.func for d in nearest if isinstance(d, ast.Call) and name_in(d.func) == 'wraps'
            and len(d.args) == 1 and not d.keywords and not isinstance(d.args[0], ast.Starred)]

def may_replace(source) -> bool:
    "Whether the cell may replace what others lean on; where nobody can say, it may."
    try:
        nodes = [*ast.walk(ast.parse(source))]
        harmless = {id(n) for node in nodes for n in decorating(node)}
        return any(reaches_out(n) for n in nodes if id(n) not in harmless)
    except Exception: return True

def solved(request, shell):
    "In the process of the checks: run the teacher's solution, and keep what is the student's to write."
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)   # of many copies that end here none stays as a zombie
    e, nodes = judge(request['source'], shell.names), [*ast.walk(ast.parse(request['source']))]
    shell.catches = any(isinstance(n, ast.ExceptHandler) or name_in(n) in CATCHES for n in nodes)
    shell.writes = any(map(writes, nodes))
    shell.answers = {name: shell.names.get(name) for name in request['names']}
    for x in shell.answers.values():
        if isinstance(x, types.FunctionType): signature(x)   # once for all copies
    return e

def stand_in(link, name, solution):
    "What is bound to `name` in a check: a function or class of the answer's process, or its value there."
    if isinstance(solution, types.FunctionType): return function(link, ('name', name), solution)
    if isinstance(solution, type): return ClassHandle(link, ('name', name), name)
    return link.ask(('name', name), 'self')

def judged(request, shell, link):
    "Run a check on the answer at the other end of `link`, after the cells that it needs and that use it."
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)   # ends this copy, whatever runs
    signal.setitimer(signal.ITIMER_REAL, request['seconds'])
    names, source = shell.names, request['source']
    link.written, link.catches, link.writes = frozenset(shell.answers), shell.catches, shell.writes
    def run():
        names.update({name: stand_in(link, name, x) for name, x in shell.answers.items()})
        for between, made in request['between']:
            for name in made: names.pop(name, None)
            judge(between, names)
        if request['visible']: show_lines(source)
        space = {**names, '__builtins__': dict(vars(builtins))}
        if not can_fail(space): return AssertionError('nothing can fail here')
        e = judge(source, space)
        return e if can_fail(space) else AssertionError('nothing can fail here any more')
    try: e = run()
    except BaseException as error: e = error
    return link.broken or e

def at_link(request, shell, sock, restore) -> tuple:
    "One end of a check that goes by value: the error that it ends in, if it is the check's, and a note."
    sys.stderr = warned = Said(sys.stdout.outputs, 'stdout', sys.stdout.limit)  # to warn is not wrong
    judging = request['kind'] == 'judge'
    back = restore() if not judging and shell.unsure else []   # cells that follow need `compile` as it was
    link = (Judge if judging else Answerer)(sock, set(request['given']), shell.names)
    with kept_on(request['cpu']): e = judged(request, shell, link) if judging else link.serve()
    notes = back + ['it warned, which costs no points']*(warned.left < warned.limit)
    if judging and link.refused: notes.append(f'compared a {link.refused}, which was refused')
    if judging and e is None and link.wrote and not link.writes:
        notes.append('wrote to an array that it was passed, which the solution does not')
    if judging and link.asked: notes.append(f'asked a {link.asked} what it holds, and believed it')
    if not judging and link.odd:
        notes.append(f'returned {", ".join(sorted(link.odd)[:5])}, of which only the value counts')
    return e, '; '.join(notes)

def unheard():
    "Ignore interrupts from now on: one that comes when the cell has just ended is not to end its process."
    while True:
        try: return signal.signal(signal.SIGINT, signal.SIG_IGN)
        except KeyboardInterrupt: pass

def answer(request, shell, restore, pinned, limit_chars, link=None, shared=frozenset()) -> dict:
    "Run one cell or check; what came of it, which of a check is in no list that a student's code can reach."
    outputs, note, failed, start = [], '', None, time.perf_counter()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    me, threads, forked = os.getpid(), threading.active_count(), len(children())
    sys.stdout, sys.stderr = said = Said(outputs, 'stdout', limit_chars), Said(outputs, 'stderr', limit_chars)
    try:
        put_files(request.get('files') or {})  # only hidden checks have some
        if request['kind'] == 'cell':
            shell.unsure = shell.unsure or not request.get('lessons') and may_replace(request['source'])
            shell.run(request['source'], outputs)
        elif request['kind'] == 'solved': failed = solved(request, shell)
        elif link: failed, note = at_link(request, shell, link, restore)
        else:
            shown = request['kind'] == 'check'
            failed, note = checked(request['source'], shell, restore, pinned, shown, shared)
    except BaseException as e: failed = e  # a student's code may raise anything; an interrupt is one too
    unheard()
    if os.getpid() != me: os._exit(0)  # a copy that a cell has made: one answer is enough
    if 'matplotlib.pyplot' in sys.modules:
        try: sys.modules['matplotlib.pyplot'].close('all')
        except BaseException: pass  # it may be a student's by now, and raise anything
    left = threading.active_count() - threads
    shown = joined(outputs, 4*limit_chars)
    notes = [note] if note else []
    if any(s.full for s in said) or len(shown) < len(outputs):
        notes.append(f'printed more than {limit_chars:,} characters, of which the rest is left out')
    if left > 0: notes.append(f'left {left} thread{"s" if left > 1 else ""} running')
    if failed is not None: shown.append(as_error(failed))
    return dict(outputs=shown, held=failed is None, note='; '.join(notes),
                forked=len(children()) - forked, secs=time.perf_counter() - start)

def serve(sock, shell, pinned, restore, limit_chars):
    "Take the key, then answer till the other end goes; `hold` forks a process for the socket sent with it."
    first, me = receive(sock), os.getpid()
    key, shared = bytes.fromhex(first['key']), frozenset(first.get('shared') or ())
    put_files(first.get('files') or {})
    send(sock, {'outputs': []}, key, 'ready')
    gc.freeze()
    while (request := receive(sock)) is not None:
        if request['op'] == 'hold':
            other = took(sock)
            try: pid = os.fork()
            except OSError: pid = -1  # no process left: the holder's other end finds nobody
            if pid: other.close()
            else:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                sock, me = other, os.getpid()
                used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
                most = min(int(used + request['cpu_seconds']) + 1, resource.getrlimit(resource.RLIMIT_CPU)[1])
                resource.setrlimit(resource.RLIMIT_CPU, (most, most))
        else:
            link = took(sock) if request['kind'] in ('serve', 'judge') else None
            reply = answer(request, shell, restore, pinned, limit_chars, link, shared)
            if link: link.close()
            if os.getpid() != me: os._exit(0)  # a copy that a cell has forked, and that came to its end
            send(sock, reply, key, request['nonce'])

def apart(*spaces) -> dict:
    """The functions of modules, whose dictionaries `spaces` are, once more, over names of their own.
    Nothing that a cell sees leads there, as `print` leads to `Said.write` and the names of its module."""
    names = {k: v for space in spaces for k, v in space.items()}
    own = {k: types.SimpleNamespace(**vars(v)) if isinstance(v, types.ModuleType) and v is not sys else v
           for k, v in names.items()}
    own['__builtins__'] = dict(vars(builtins))
    for k, f in names.items():
        if isinstance(f, types.FunctionType) and any(f.__globals__ is space for space in spaces):
            own[k] = types.FunctionType(f.__code__, own, k, f.__defaults__, f.__closure__)
    return own

def born(sock, shell, pinned, restore, settings):
    "What a forked child does: wall itself in, and serve."
    os.setsid()  # else a signal to its own group would stop the process that waits for it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    null, walled = os.open(os.devnull, os.O_RDWR), settings['walled']
    for fd in (0, 1): os.dup2(null, fd)
    os.closerange(3, sock.fileno())  # nobody else's sockets, above all not the warm process's
    os.closerange(sock.fileno() + 1, 256)
    libc('prctl', 1, signal.SIGKILL)  # PR_SET_PDEATHSIG: end with the parent
    processes = as_counted(settings['processes'], walled)
    if walled: wall_in(own_user(settings['uid']), settings['folders'], settings['file_mb']*4)
    here = settings['scratch'] if walled else f'{settings["scratch"]}/{os.getpid()}'
    os.makedirs(here, exist_ok=True)
    os.chdir(here)
    limit(settings['memory_mb'], settings['file_mb'], processes, settings['cpu_seconds'])
    libc('prctl', 1, signal.SIGKILL)  # a change of user forgets it
    sys.stdin = open(0, closefd=False)
    os.dup2(0, 2)  # till here an error was the warm process's to tell
    gc.__dict__.pop('unfreeze', None)  # what `serve` freezes is in none of gc's lists
    serve(sock, shell, pinned, restore, settings['output_kb'] << 10)

def fork_child(sock, shell, pinned, restore, settings) -> tuple:
    "Fork a child that serves `sock`, and a process that waits for it; the ids of both, as seen from here."
    walled, (tell, told) = settings['walled'], os.pipe()
    if outer := os.fork():
        os.close(told)
        inner = int(os.read(tell, 16) or outer)
        os.close(tell)
        return inner, outer
    status = 0
    try:
        libc('prctl', 1, signal.SIGKILL)
        os.setsid()
        unshare() if walled else libc('prctl', 36, 1)  # PR_SET_CHILD_SUBREAPER: orphans come to this process
        first = keeper() if walled else None
        if inner := os.fork():
            os.write(told, b'%d' % inner)
            os.closerange(3, 64)
            status = os.waitpid(inner, 0)[1]
            if walled:
                os.kill(first, signal.SIGKILL)
                os.waitpid(first, 0)
            else: end_orphans()
        else: born(sock, shell, pinned, restore, settings)
    # caught whole: a fork must end here, or it would go on as a second warm process
    except BaseException as e: os.write(2, f'a child could not start: {type(e).__name__}: {e}\n'.encode())
    finally: os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status) & 127)

def main(fd):
    "Serve the control socket `fd`: settings, then requests to start, interrupt (SIGINT) or end a child."
    control, children = _socket.socket(fileno=fd), {}
    libc('prctl', 1, signal.SIGKILL)  # PR_SET_PDEATHSIG: end with whoever started this
    settings, parts = receive(control), [f'{__package__}.{name}' for name in PARTS]
    spaces = [vars(sys.modules[f'{__package__}.{name}']) for name in OWN]
    for name in (__package__, *parts): del sys.modules[name]  # no cell can import them
    del sys.path[0]  # where these modules came from
    sys.path[:0], sys.path[len(sys.path):] = settings['path'], settings['last']
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ROOTS.add(settings['package'])
    builtins.input = no_input
    shell, pinned = Shell(), pins(settings['imports'])
    for name in ('fastcore.imports', 'fastcore.test'):
        if name in sys.modules: sys.modules[name].hasattr = by_type
    safe = apart(*spaces)
    if 'numpy' in sys.modules: pins(['import numpy.random'])  # which numpy loads late
    restore = safe['guarded'](pinned)   # what it notes down is the same for all
    gc.collect()
    gc.freeze()
    libc('prctl', 4, 0)  # PR_SET_DUMPABLE: no child may look into this process
    send(control, {'pinned': sorted(pinned)})
    while (request := receive(control)) is not None:
        if request['op'] == 'start':
            inner, outer = safe['fork_child'](sock := took(control), shell, pinned, restore, settings)
            sock.close()
            children[inner] = outer
            send(control, {'pid': inner})
        else:
            try: os.kill(request['pid'], signal.SIGINT if request['op'] == 'interrupt' else signal.SIGKILL)
            except ProcessLookupError: pass  # it has ended
            if request['op'] == 'end':
                code = ended(children.pop(request['pid'])) >> 8
                send(control, {'status': code & 127 if code > 127 else code << 8})
