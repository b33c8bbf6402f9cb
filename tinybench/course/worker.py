"""Runs a notebook's cells in a forked, walled-in process: an outcome for each, whatever the cells do"""


import ast, atexit, builtins, hashlib, inspect, os, re, select
import shutil, signal, site, socket, subprocess, symtable, sys, tempfile, time, warnings
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from .cells import CourseError, plain_text, role
from .inside import receive, send
import nbformat


@dataclass(frozen=True)
class Limits:
    "What one submission may use; memory is counted beyond what the warm process has loaded."
    cell_seconds: float = 30
    submission_seconds: float = 300
    memory_mb: int = 4096
    file_mb: int = 64      # the largest file it may write; its folders hold four times that
    output_kb: int = 256   # printed by one cell
    processes: int = 64


@dataclass
class Outcome:
    "What came of one cell: nbformat outputs, seconds, the error in one line, and what the engine noted."
    id: str
    outputs: list = field(default_factory=list)
    secs: float = 0.
    error: str = ''
    note: str = ''


OWN_USER = 1_000_000  # and the process's id: the user that root makes of a submission

def all_users() -> bool:
    "Whether root here may become any user, and is not root of a container that knows only a few."
    try: rows = [line.split() for line in Path('/proc/self/uid_map').read_text().splitlines()]
    except OSError: return False
    return any(int(start) <= OWN_USER and int(start) + int(n) > OWN_USER + 2**22 for start, _, n in rows)


@cache
def bubblewrap() -> str:
    "The path of a bubblewrap that works here, or ''."
    path = shutil.which('bwrap')
    if not path: return ''
    trial = [path, '--ro-bind', '/', '/', '--unshare-pid', '--unshare-net', '--proc', '/proc', 'true']
    if not os.geteuid() and not all_users(): return ''
    return path if subprocess.run(trial, capture_output=True).returncode == 0 else ''


def walls() -> str:
    "A sentence on what stands between a submission and this machine."
    if bubblewrap():
        return ('bubblewrap: each submission runs without network, '
                'and sees neither gradebook, source nor other submissions')
    why = 'is not installed (Debian: apt-get install bubblewrap)'
    if shutil.which('bwrap'): why = 'is not allowed to make namespaces here'
    return (f'NO SANDBOX: bubblewrap {why}; submissions can read and write what you can. '
            'Limits on time and memory still hold.')


def shelf(library, blocked, to) -> Path:
    "Copy the package `tinybench` from folder `library` to folder `to`, without the modules in `blocked`."
    source = Path(library)/'tinybench'
    if not (source/'__init__.py').is_file():
        raise CourseError(f'{library} holds no package tinybench; run nbdev_export there first.')
    gone = {str(source.joinpath(*name.split('.')[1:])) + '.py' for name in blocked}
    def ignore(folder, names):
        return [n for n in names if n in ('__pycache__', '_modidx.py') or os.path.join(folder, n) in gone]
    shutil.copytree(source, Path(to)/'tinybench', ignore=ignore)
    return Path(to)


def own_packages() -> list:
    "The folder of what was installed with `pip install --user`, where this Python looks into it."
    return [p for p in [site.getusersitepackages()] if p in sys.path]


def command(box, fd, walled) -> list:
    """The command that starts the warm process.
    The folder `box` with the library and `inside.py` is /box within the wall."""
    python = [sys.executable, '-I', '-B', f'{"/box" if walled else box}/inside.py', '--serve', str(fd)]
    if not walled: return python
    system = '/usr', '/lib', '/lib64', '/bin', '/etc/ld.so.cache', '/etc/localtime', '/etc/fonts'
    bound = dict.fromkeys([*filter(os.path.exists, system), sys.base_prefix, sys.prefix, *own_packages()])
    above = dict.fromkeys(str(up) for p in bound for up in reversed(Path(p).parents))
    within = sys.prefix, *own_packages()
    masked = [p for p in sys.path if (Path(p)/'tinybench').is_dir() and any(map(Path(p).is_relative_to, within))]
    binds = [a for p in bound for a in ('--ro-bind', p, p)]
    folders = [a for p in above if p != '/' for a in ('--perms', '0755', '--dir', p)]  # else closed to others
    masks = [a for p in masked for a in ('--tmpfs', f'{p}/tinybench')]
    rights = [a for c in ('SYS_ADMIN', 'SETUID', 'SETGID') for a in ('--cap-add', f'CAP_{c}')]
    return [bubblewrap(), *folders, *binds, *masks, '--ro-bind', str(box), '/box',
            '--proc', '/proc', '--dev', '/dev', '--dir', '/tmp', '--perms', '1777', '--tmpfs', '/scratch',
            '--remount-ro', '/', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts',
            '--die-with-parent', '--new-session', *(['--unshare-user'] if os.geteuid() else rights), *python]


def own_folders() -> list:
    "Where each submission gets an empty folder of its own; not /tmp where Python itself lives there."
    python = [Path(p).is_relative_to('/tmp') for p in (sys.prefix, sys.base_prefix)]
    return ['/scratch', '/dev/shm'] + ['/tmp']*(not any(python))


def environment(scratch) -> dict:
    "All that a submission sees of the environment."
    threads = {f'{name}_NUM_THREADS': '1' for name in ('OMP', 'OPENBLAS', 'MKL', 'NUMEXPR')}
    return dict(PATH='/usr/bin:/bin', LANG='C.UTF-8', HOME=scratch, TMPDIR=scratch,
                IPYTHONDIR=f'{scratch}/ipython', MPLCONFIGDIR=f'{scratch}/matplotlib',
                MPLBACKEND='agg', NBGRADER_EXECUTION='autograde', **threads)


class Warm:
    "A process that has loaded `imports` and forks a child for each submission; use it `with`, or `close` it."
    def __init__(self, library, blocked=(), imports=(), limits=Limits(), sandbox=True):
        self.library, self.blocked, self.imports = library, tuple(blocked), tuple(imports)
        self.limits, self.walled = limits, bool(sandbox and bubblewrap())
        self.process, self.control, self.said, self.folders = None, None, None, []

    def start(self):
        "Start the process, if it is not there."
        if self.process and self.process.poll() is None: return
        self.close()
        try: self.launch()
        except BaseException:
            self.close()
            raise

    def launch(self):
        "Start the process and wait until it is ready; CourseError, with its last words, where it ends."
        box, scratch = self.new_folder('box'), '/scratch' if self.walled else self.new_folder('work')
        shelf(self.library, self.blocked, f'{box}/library')
        shutil.copy(inspect.getsourcefile(receive), f'{box}/inside.py')
        os.chmod(box, 0o755)
        settings = asdict(self.limits) | dict(
            path=[f'{"/box" if self.walled else box}/library'], imports=self.imports,
            walled=self.walled, scratch=scratch, folders=own_folders(),
            last=own_packages(), uid=OWN_USER + os.getpid(), cpu_seconds=int(2*self.limits.submission_seconds))
        (self.control, theirs), self.said = socket.socketpair(), tempfile.TemporaryFile('w+')
        with theirs:
            self.process = subprocess.Popen(
                command(box, theirs.fileno(), self.walled), env=environment(scratch),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.said,
                pass_fds=[theirs.fileno()], start_new_session=True)
        with suppress(OSError):  # it ended before it was asked, or while it started
            send(self.control, settings)
            if receive(self.control): return
        raise CourseError(f'The process that runs submissions did not start: {self.last_words()}')

    def last_words(self) -> str:
        "The end of what the process, or a child that did not start, wrote on stderr."
        self.said.seek(0)
        return self.said.read().strip()[-500:] or 'it said nothing.'

    def new_folder(self, name) -> str:
        "A folder that `close` removes."
        self.folders.append(tempfile.mkdtemp(prefix=f'tinybench-{name}-'))
        return self.folders[-1]

    def close(self):
        "End the process and remove its folders."
        for end in filter(None, (self.control, self.said)): end.close()
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None
        while self.folders: shutil.rmtree(self.folders.pop(), ignore_errors=True)

    def __enter__(self): return self
    def __exit__(self, *exc): self.close()


class Gone(Exception): "The child ended, or was ended, before it answered; the message says how."


ENDS = {signal.SIGSEGV: 'a segmentation fault', signal.SIGBUS: 'a bus error', signal.SIGABRT: 'aborted',
        signal.SIGKILL: 'killed (by itself, or for lack of memory)',
        signal.SIGXCPU: 'out of processor time', signal.SIGXFSZ: 'wrote too large a file'}

def ended_how(status) -> str:
    "In words what ended a process whose `waitpid` status this is."
    if os.WIFSIGNALED(status): return ENDS.get(os.WTERMSIG(status), f'killed by signal {os.WTERMSIG(status)}')
    return f'left Python without a word (os._exit, code {os.WEXITSTATUS(status)})'


PATIENCE = 30  # seconds that the warm process has for an answer

class Child:
    "One submission's process: `run` cells, `hold` for hidden checks, `end` it; CourseError if it cannot start."
    def __init__(self, warm):
        warm.start()
        self.warm, self.limits = warm, warm.limits
        self.sock, theirs = socket.socketpair()
        try:
            send(warm.control, {'op': 'start'})
            socket.send_fds(warm.control, [b'x'], [theirs.fileno()])
            self.pid = (receive(warm.control, seconds=PATIENCE) or {})['pid']
        except (OSError, KeyError):
            self.sock.close()
            warm.close()
            raise Gone('the process that forks submissions had ended') from None
        finally: theirs.close()
        self.key = os.urandom(16)
        with suppress(OSError, Gone):
            send(self.sock, dict(key=self.key.hex()))
            if told(self.sock, self.key, 'ready', 60): return
        self.end()
        raise CourseError(f'A process for a submission did not start: {warm.last_words()}')

    def run(self, kind, source, seconds) -> dict:
        "Run a cell or check; `Gone` where no answer came."
        sock, stopped, nonce = self.sock, False, os.urandom(8).hex()
        try:
            sock.settimeout(10)
            send(sock, dict(op='run', kind=kind, source=source, nonce=nonce))
            if not readable(sock, seconds):
                stopped = True
                self.tell('interrupt')
                if not readable(sock, 2):
                    self.end()
                    raise Gone(f'ran longer than {seconds:g} s and did not stop when interrupted')
            reply = told(sock, self.key, nonce)
        except OSError: reply = None
        if reply is None: raise Gone(self.end())
        if stopped and reply.get('forked'):  # they would not stop, and leave no room for holders
            self.end()
            raise Gone(f'started processes and ran longer than {seconds:g} s')
        return reply | dict(stopped=stopped)

    def hold(self) -> socket.socket:
        "A socket to a process that keeps the state of now."
        ours, theirs = socket.socketpair()
        try:
            send(self.sock, dict(op='hold', cpu_seconds=self.limits.cell_seconds))
            socket.send_fds(self.sock, [b'x'], [theirs.fileno()])
        except OSError:
            ours.close()
            raise
        finally: theirs.close()
        return ours

    def tell(self, op):
        "Ask the warm process to do this to the child; where it has ended, so has the child."
        try: send(self.warm.control, dict(op=op, pid=self.pid))
        except OSError: self.warm.close()

    def end(self) -> str:
        "End the process and all it started; how it had ended."
        if self.pid is None: return ''
        self.tell('end')
        self.pid, reply = None, None
        try: reply = receive(self.warm.control, seconds=PATIENCE) if self.warm.process else None
        except OSError: self.warm.close()  # it was stopped, say
        self.sock.close()
        return ended_how(reply['status']) if reply else 'ended together with the process that forked it'


def readable(sock, seconds) -> bool:
    "Whether something is there to read, waiting at most `seconds`."
    return bool(select.select([sock], [], [], max(0, seconds))[0])


def told(sock, key, nonce, seconds=10) -> dict|None:
    "What a child says, or None where that is no message: what it says may be a student's invention."
    try: reply = receive(sock, key, nonce, seconds)
    except ValueError as e: raise Gone(f'wrote to the grader itself: {e}') from None
    except (OSError, RecursionError): return None
    return reply if isinstance(reply, dict) and isinstance(reply.get('outputs'), list) else None


def ask(sock, key, source, seconds) -> dict:
    "The reply of a process that holds a state; one that does not answer has failed."
    nonce, error = os.urandom(8).hex(), failed('ProcessEnded', 'the process ended before it answered')
    try:
        sock.settimeout(10)
        send(sock, dict(op='run', kind='hidden', source=source, nonce=nonce))
        if readable(sock, seconds): reply = told(sock, key, nonce)
        else: reply, error = None, failed('TimeoutError', f'stopped after {seconds:g} s')
    except Gone as e: reply, error = None, failed('ProcessEnded', str(e))
    except OSError: reply = None
    return (reply or dict(outputs=[error])) | dict(stopped=False)


def as_outcome(id, reply, seconds, most=1 << 20, check=False) -> Outcome:
    "The outcome of a cell from the child's reply, of which nothing is taken on trust but its text."
    outputs = trimmed([plain_text(only_known(o)) for o in reply['outputs'] if is_output(o)], most)
    note, secs = plain_text(str(reply.get('note', ''))[:1000]), reply.get('secs')
    if check and any(o['output_type'] == 'execute_result' for o in outputs):
        outputs = [o for o in outputs if o['output_type'] != 'execute_result']  # to nbgrader, partial credit
        note = '; '.join(filter(None, [note, 'gave a result of its own, which is left out']))
    if reply['stopped']:
        outputs = [o for o in outputs if o['output_type'] != 'error']
        outputs.append(failed('TimeoutError', f'stopped after {seconds:g} s'))
    errors = [o for o in outputs if o['output_type'] == 'error']
    if reply.get('held') is not True and not errors:  # an error that says odd things is one too
        errors = [failed('NotHeld', 'it did not come to its end')]
        outputs += errors
    return Outcome(id, outputs, float(secs) if isinstance(secs, float) else 0.,
                   first_line(errors[-1]) if errors else '', note)

def first_line(error) -> str:
    "What an error output says, in one line that is never empty."
    lines = f'{error["ename"]}: {error["evalue"]}'.rstrip(': ').splitlines()
    return lines[0][:300] if lines and lines[0] else 'an error without a name'


def failed(name, message) -> dict:
    "An nbformat error output for what the engine, not Python, found."
    return dict(output_type='error', ename=name, evalue=message, traceback=[f'{name}: {message}'])


FIELDS = {'stream': {'name': str, 'text': str}, 'error': {'ename': str, 'evalue': str, 'traceback': list},
          'display_data': {'data': dict, 'metadata': dict},
          'execute_result': {'data': dict, 'metadata': dict}}

def is_output(o) -> bool:
    "Whether `o` is an nbformat output that holds nothing but text."
    kind = o.get('output_type') if isinstance(o, dict) else None
    fields = FIELDS.get(kind, {}) if isinstance(kind, str) else {}
    if not fields or not all(isinstance(o.get(k), t) for k, t in fields.items()): return False
    parts = [o[k] if k == 'traceback' else o[k].values() for k in fields if k in ('traceback', 'data')]
    return all(isinstance(text, str) for texts in parts for text in texts)

def only_known(o) -> dict:
    "The output `o` without keys that nbformat does not know."
    kept = {k: {} if k == 'metadata' else o[k] for k in ('output_type', *FIELDS[o['output_type']])}
    return kept | dict(execution_count=None) if o['output_type'] == 'execute_result' else kept


def trimmed(outputs, most) -> list:
    "The outputs, without what exceeds `most` characters together; of errors the first stays, shortened."
    kept, left = [], most
    for o in outputs:
        left -= len(str(o))
        if left >= 0: kept.append(o)
        elif o['output_type'] == 'error' and not any(k['output_type'] == 'error' for k in kept):
            kept.append(failed(o['ename'][:100], o['evalue'][:4000]))
    return kept


def one_run(child, todo, found, until, progress=None) -> bool:
    "Run what has not ended a child before, outcomes into `found`; False where a cell ends this child."
    held, most = [], child.limits.output_kb << 12
    with ExitStack() as open_sockets:
        for i, cell in enumerate(todo):
            if progress: progress(i, len(todo), cell.id)
            if getattr(found.get(cell.id), 'fatal', False): continue
            seconds = min(child.limits.cell_seconds, until - time.monotonic())
            if seconds <= 0: return True
            kind, start = role(cell) if role(cell) in ('check', 'hidden') else 'cell', time.monotonic()
            try:
                if kind == 'hidden': held.append((cell, open_sockets.enter_context(child.hold())))
                else:
                    reply = child.run(kind, cell.source, seconds)
                    found[cell.id] = as_outcome(cell.id, reply, seconds, most, kind == 'check')
            except (Gone, OSError) as e:
                how = str(e) if isinstance(e, Gone) else child.end()
                found[cell.id] = fatal(cell.id, how, time.monotonic() - start)
                return False
        for cell, sock in held:
            seconds = min(child.limits.cell_seconds, max(1, until - time.monotonic()))
            with sock: reply = ask(sock, child.key, cell.source, seconds)
            found[cell.id] = as_outcome(cell.id, reply, seconds, most, True)
    return True


def fatal(id, how, secs=0.) -> Outcome:
    "The outcome of a cell that ended its process."
    found = Outcome(id, [failed('ProcessEnded', how)], secs, f'ended its process: {how}',
                    note='the other cells ran again without this one')
    found.fatal = True
    return found


def play(cells, library, blocked=(), limits=Limits(), sandbox=True, imports=(), progress=None) -> list:
    "Run the code cells of a notebook, each to an `Outcome`; see `Warm` for the other arguments."
    with Warm(library, blocked, imports, roomy(limits, cells), sandbox) as warm:
        return play_in(warm, cells, progress=progress)


NOT_RUN = 'not run: the submission had used up its time'

def play_in(warm, cells, seconds=None, progress=None) -> list:
    "Run the cells in a child of `warm`; where one ends it, the others run again in a new one without it."
    todo = [c for c in cells if c.cell_type == 'code' and c.source.strip()]
    found, until = {}, time.monotonic() + (seconds or warm.limits.submission_seconds)
    for _ in range(len(todo) + 3):
        try: child = Child(warm)
        except Gone: continue
        try:
            if one_run(child, todo, found, until, progress): break
        finally: child.end()
    return [found.get(c.id) or Outcome(c.id, [failed('NotRun', NOT_RUN)], error=NOT_RUN) for c in todo]


def import_lines(nb) -> list:
    "The import statements of a lesson's cells, one name each, without names that it also binds otherwise."
    trees = [tree for c in nb.cells if c.cell_type == 'code' and (tree := parsed(c.source))]
    nodes = [n for t in trees for n in ast.walk(t)]
    bound = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    bound |= {n.name for n in nodes if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    lines = []
    for node in (n for t in trees for n in t.body if isinstance(n, (ast.Import, ast.ImportFrom))):
        for alias in node.names:
            if (alias.asname or alias.name).split('.')[0] in bound: continue
            if isinstance(node, ast.Import): one = ast.Import([alias])
            else: one = ast.ImportFrom(node.module, [alias], node.level)
            lines.append(ast.unparse(one))
    used = {n.id for n in nodes if isinstance(n, ast.Name)} & set(dir(builtins)) - bound
    return list(dict.fromkeys(lines + [f'from builtins import {name}' for name in sorted(used)]))


def parsed(source):
    "The syntax tree of a cell, or None where it is not plain Python."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError): return None


def made_and_used(source) -> tuple:
    "The global names that a cell makes, and those that it needs from other cells."
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', SyntaxWarning)
        top = symtable.symtable(source, 'cell', 'exec')
    made = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    read, todo = {s.get_name() for s in top.get_symbols() if s.is_referenced()}, [*top.get_children()]
    while todo:
        scope = todo.pop()
        todo += scope.get_children()
        read |= {s.get_name() for s in scope.get_symbols() if s.is_global() and s.is_referenced()}
    return made, read - made


def changed(source) -> set:
    "The names of what a cell changes in place: `table` where it says `table['two'] = 2`."
    found = set()
    for n in ast.walk(parsed(source) or ast.Module([], [])):
        if not isinstance(n, (ast.Attribute, ast.Subscript)) or isinstance(n.ctx, ast.Load): continue
        while isinstance(n, (ast.Attribute, ast.Subscript)): n = n.value
        if isinstance(n, ast.Name): found.add(n.id)
    return found


def needed(cells, lesson) -> list:
    "The code cells that a grade may depend on; `lesson` is the notebook that they come from."
    shown = {c.source for c in lesson.cells if c.cell_type == 'code' and not role(c)
             and not re.search(r'(?m)^#\|\s*export', c.source)}
    kept, names = [], set()
    for c in (c for c in reversed(cells) if c.cell_type == 'code'):
        try: made, used = made_and_used(c.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # a magic, or an error to be shown
            made, used = names, set()
        made = made | changed(c.source)
        if role(c) or c.source not in shown or made & names or re.search(r'\bimport\s*\*', c.source):
            kept.append(c)
            names |= used
    return kept[::-1]


ODD = set('''
    _getframe _current_frames currentframe f_back f_code f_globals f_locals f_builtins tb_frame tb_next
    gi_frame cr_frame ag_frame walk_stack walk_tb extract_stack settrace setprofile addaudithook
    gc ctypes cffi mmap inspect linecache getsource builtins modules meta_path import_module
    exec eval compile marshal pickle base64 getattr setattr attrgetter methodcaller globals vars mock
    fork register_at_fork socket signal atexit get_ipython ast_transformers input_transformers_cleanup
    monitoring pdb bdb threading approx
    as_strided frombuffer buffer_info update_wrapper nested_attr setattrs resolve_name make_dataclass new_class
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
    values = imported_names(trees, VALUES, 'numpy')
    theirs = set().union(*(posing(source, VALUES) for source in given))
    for c in own:
        odd = {w for w in words(c.source) - usual if w in ODD or re.fullmatch(r'__\w*|\w+__', w)}
        odd |= replaced(c.source, roots) | posing(c.source, values) - theirs
        if not role(c): odd |= {f'{name}, which checks use,' for name in defined(c.source) & lean.keys()}
        if odd: found.append(f'{c.id} uses {", ".join(sorted(odd)[:6])}: a person should read it.')
    return found

def root(node) -> str:
    "The name that a chain of attributes begins with: `np` of `np.random.default_rng`."
    while isinstance(node, ast.Attribute): node = node.value
    return node.id if isinstance(node, ast.Name) else ''

def imported_names(trees, known, package='') -> set:
    "The names `known`, what cells import (from `package`), and the names that they give to parts of these."
    nodes = [n for tree in trees for n in ast.walk(tree)]
    names = [(getattr(n, 'module', None) or a.name, a) for n in nodes if isinstance(n, (ast.Import, ast.ImportFrom))
             for a in n.names]
    found = {a.asname or a.name.split('.')[0] for m, a in names if m.split('.')[0] == (package or m.split('.')[0])}
    found |= known
    given = [n for n in nodes if isinstance(n, ast.Assign) and isinstance(n.value, (ast.Name, ast.Attribute))]
    for n in given:
        if root(n.value) in found: found |= {t.id for t in n.targets if isinstance(t, ast.Name)}
    return found

def replaced(source, roots) -> set:
    "What a cell assigns to attributes of names in `roots`."
    nodes = ast.walk(parsed(source) or ast.Module([], []))
    stored = [n for n in nodes if isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load)]
    return {f'{root(n)}….{n.attr} = …' for n in stored if root(n) in roots}


VALUES = set('np numpy type bool bytearray bytes complex dict float frozenset int list set str tuple'.split())
BY_NAME = 'ndarray', 'Tensor', 'NDFrame'  # what fastcore's checks know by its name alone

def posing(source, values) -> set:
    "The classes of a cell that pose as a value: derived from one of `values`, or with a name that checks know."
    classes = [n for n in ast.walk(parsed(source) or ast.Module([], [])) if isinstance(n, ast.ClassDef)]
    def odd(c): return c.name in BY_NAME or any(root(b) in values | {''} for b in c.bases)
    def said(base): return ast.unparse(base) if len(list(ast.walk(base))) < 20 else '…'
    return {f'class {c.name}({", ".join(map(said, c.bases))})' for c in classes if odd(c)}


def defined(source) -> set:
    "The functions and classes that a cell defines."
    kinds = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef
    return {n.name for n in (parsed(source) or ast.Module([], [])).body if isinstance(n, kinds)}

def leaned_on(lesson) -> dict:
    "{name: cell} of functions and classes that cells give, and that a check of the lesson uses."
    checks = [c for c in lesson.cells if role(c) in ('check', 'hidden')]
    used = {w for c in checks for w in re.findall(r'[A-Za-z_]\w*', c.source)}
    cells = [c for c in lesson.cells if c.cell_type == 'code' and not role(c)]
    return {name: c for c in cells for name in defined(c.source) & used}

def as_given(cells, lesson) -> list:
    "Where given cells that checks lean on were edited, what was given comes after it again; a sentence for each."
    given, notes = {c.id: c for c in leaned_on(lesson).values()}, []
    for c in cells:
        if c.id in given and c.cell_type == 'code' and c.source != given[c.id].source:
            own = f'{c.source}\n\n' if parsed(c.source) else ''  # it may hold a function of their own
            c.source = own + given[c.id].source
            notes.append(f'{c.id} was edited, and checks lean on it: what was handed out comes after it again.')
    return notes


def library_sum(library) -> str:
    "A checksum of the package `tinybench` in the folder `library`."
    files = sorted(Path(library, 'tinybench').rglob('*.py'))
    return hashlib.sha256(b''.join(p.read_bytes() for p in files)).hexdigest()[:16]


MOST_WARM = 8

@cache
def kept_warm() -> dict:
    "The warm processes that are kept, by lesson, the one used last at the end; they end with this process."
    found = {}
    atexit.register(lambda: [warm.close() for warm in found.values()])
    return found

def warm_for(library, blocked, imports, limits, sandbox, version='') -> Warm:
    "The warm process for a lesson and this `version` of the library; the last few are kept for the next one."
    kept, lesson = kept_warm(), (library, blocked, imports, limits, sandbox)
    kept[lesson, version] = warm = kept.pop((lesson, version), None) or Warm(*lesson)
    if len(kept) > MOST_WARM: kept.pop(next(iter(kept))).close()
    return warm


def roomy(limits, cells) -> Limits:
    "The limits with a process more for each hidden check among `cells`: each is held by one till the end."
    return replace(limits, processes=limits.processes + sum(role(c) == 'hidden' for c in cells))


def run_work(work) -> dict:
    "Run a submission's notebooks in turn within its time; outcomes by notebook."
    library = work['library'] if Path(work['library']).is_dir() else str(Path(__file__).parents[2])
    if library_sum(library) != work['sum']:
        raise CourseError(f'The tinybench in {library} is not the one that hands out the work. Install the '
                          'same on every worker.')
    limits, found = Limits(**work['limits']), {}
    until = time.monotonic() + limits.submission_seconds
    for name, cells in work['cells'].items():
        lesson, cells = work['lessons'][name], [nbformat.from_dict(c) for c in cells]
        warm = warm_for(library, tuple(lesson['blocked']), tuple(lesson['imports']), roomy(limits, cells),
                        work['sandbox'], work['sum'])
        found[name] = [asdict(o) for o in play_in(warm, cells, max(1, until - time.monotonic()))]
    return found
