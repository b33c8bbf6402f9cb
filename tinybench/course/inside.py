"""Runs a student's cells in forks of a warm process, where no check is talked out of failing"""


import __future__, _socket, builtins, ctypes, gc, hashlib, io, json, linecache
import os, random, resource, signal, sys, threading, time, traceback, types


encode = json.encoder.c_make_encoder(None, None, json.encoder.c_encode_basestring_ascii, None,
                                     ': ', ', ', False, False, True)
decode = json.scanner.c_make_scanner(json.JSONDecoder())
MOST = 32 << 20  # bytes of a message

def sign(data, key, nonce, blake2b=hashlib.blake2b) -> bytes:
    "Sixteen bytes that only one who has the key can give, for the question with this `nonce`."
    return blake2b(nonce.encode() + data, key=key, digest_size=16).digest()


def send(sock, message, key=b'', nonce='', encode=encode):
    "Send one message: its length in eight digits, its signature, then JSON."
    data = ''.join(encode(message, 0)).encode()
    sock.sendall(b'%08d' % len(data) + sign(data, key, nonce) + data)


def receive(sock, key=b'', nonce='', seconds=None, decode=decode):
    "The next message, None where the other end is gone; ValueError where its length or signature is wrong."
    end = seconds and time.monotonic() + seconds
    def exactly(n):
        data = bytearray()
        while len(data) < n:
            if end: sock.settimeout(max(.001, end - time.monotonic()))  # byte by byte could take days
            if not (part := sock.recv(min(n - len(data), 1 << 16))): return None
            data += part
        return bytes(data)
    if (head := exactly(24)) is None: return None
    if not head[:8].isdigit() or int(head[:8]) > MOST:
        raise ValueError('a message of odd or too great length')
    if (data := exactly(int(head[:8]))) is None: return None
    if sign(data, key, nonce) != head[8:]: raise ValueError('a message that somebody else has written')
    return decode(data.decode(), 0)[0]


class Said(io.TextIOBase):
    "Takes the first `limit` characters of what is printed into `outputs`, as nbformat streams called `name`."
    full = False
    def __init__(self, outputs, name, limit):
        self.outputs, self.name, self.left, self.limit = outputs, name, limit, limit

    def writable(self): return True

    def write(self, text):
        if not isinstance(text, str): raise TypeError(f'write() takes a str, not {type(text).__name__}')
        kept, self.left = text[:self.left], self.left - min(self.left, len(text))
        if kept != text and not self.full:
            self.full = True
            kept += f'\n... the rest is left out: more than {self.limit:,} characters\n'
        last = self.outputs[-1] if self.outputs else {}
        if kept and last.get('name') == self.name: last['text'].append(kept)
        elif kept: self.outputs.append(dict(output_type='stream', name=self.name, text=[kept]))
        return len(text)


def joined(outputs, most=1 << 20) -> list:
    """The outputs while they have `most` characters together, and in any case the first error.
    A stream's pieces become one text here: to join them at each of a million lines takes minutes."""
    kept = []
    for o in outputs:
        if most < 0 and o['output_type'] != 'error': continue  # there may be a million
        if o['output_type'] == 'stream': o = o | dict(text=''.join(o['text']))
        most -= len(str(o))
        first_error = o['output_type'] == 'error' and not any(k['output_type'] == 'error' for k in kept)
        if most >= 0 or first_error: kept.append(o)
    return kept


def as_error(e, limit=4000) -> dict:
    "The exception as an nbformat error output, its message cut to `limit` characters."
    def text(x): return ''.join([x])[:limit]  # joined: a plain str, also from a student's own kind of it
    try: name = text(type.__getattribute__(type(e), '__name__'))[:100]
    except BaseException: name = 'Exception'
    try: value = text(str(e))
    except BaseException as again: value = f'(its message raises {type(again).__name__})'
    try:
        parts = traceback.format_exception(type(e), e, own_part(e.__traceback__), limit=-12)
        lines = ''.join(parts).splitlines()
    except BaseException: lines = [f'{name}: {value}']
    kept = [line[:300] for line in lines][-60:]
    return dict(output_type='error', ename=name, evalue=value, traceback=kept)


def own_part(tb):
    "The part of a traceback that begins in a cell or check, without the frames of the machinery above it."
    start = tb
    while tb is not None:
        if tb.tb_frame.f_code.co_filename.startswith(('<check>', '<ipython-input')): return tb
        tb = tb.tb_next
    return start


class Shell:
    "IPython's shell, made once before the fork; `run` gives the nbformat outputs of a cell."
    def __init__(self):
        from traitlets.config import Config
        from IPython.core.interactiveshell import InteractiveShell
        quiet = dict(HistoryManager=dict(enabled=False),
                     InteractiveShell=dict(colors='NoColor'))
        self.module = types.ModuleType('__main__')
        self.ip = InteractiveShell.instance(config=Config(quiet), user_module=self.module)
        self.ip.display_formatter.active_types = ['text/plain', 'text/html', 'text/markdown']
        sys.modules['__main__'] = self.module
        self.names, self.outputs = self.module.__dict__, []
        self.names.pop('open', None)  # IPython's own, which would look like a student's
        self.ip.display_pub.publish = self.publish
        hook = self.ip.displayhook
        hook.start_displayhook = hook.write_output_prompt = hook.finish_displayhook = lambda: None
        hook.write_format_data = self.value
        self.ip.showtraceback = self.ip.showsyntaxerror = self.error
        self.ip.enable_gui = lambda gui=None: None  # what `%matplotlib inline` asks for
        self.run_cell = self.ip.run_cell

    def error(self, exc_tuple=None, *args, **kwargs):
        e = (exc_tuple if isinstance(exc_tuple, tuple) else sys.exc_info())[1]
        if e is not None: self.outputs.append(as_error(e))

    def publish(self, data, metadata=None, **kwargs):
        self.outputs.append(dict(output_type='display_data', data=texts(data), metadata={}))

    def value(self, data, metadata=None):
        self.outputs.append(dict(output_type='execute_result', data=texts(data), metadata={},
                                 execution_count=None))

    def run(self, source, outputs):
        self.outputs = outputs
        self.run_cell(source, store_history=False)


def texts(data, limit=20_000) -> dict:
    "The text parts of a display's data, each cut to `limit` characters."
    return {kind: str(text)[:limit] for kind, text in data.items() if kind.startswith('text/')}


def judge(source, names, compile=compile, exec=exec):
    "Run a check; the exception it ends in, or None. A cell's `annotations` from `__future__` hold in it too."
    future = __future__.annotations.compiler_flag if names.get('annotations') is __future__.annotations else 0
    try: exec(compile(source, '<check>', 'exec', future, True), names)
    except BaseException as e: return e


def can_fail(names) -> bool:
    "Whether a check that must fail does, with the words it was given."
    token = f'{random.SystemRandom().getrandbits(64):x}'
    e = judge(f'assert False, {token!r}', names)
    return type(e) is AssertionError and e.args == (token,)


WATCHED = ('builtins', 'math', 'operator', 'numpy', 'fastcore', 'tinybench', 'contextlib', 'json',
           'random', 'inspect')

def held(modules) -> list:
    "(dictionary, name, value, what it is made of) of every function and class of the watched modules."
    kinds = types.FunctionType, types.BuiltinFunctionType, type, types.MethodWrapperType
    numpys = 'ufunc', '_ArrayFunctionDispatcher', 'cython_function_or_method'  # as np.add, allclose, default_rng
    spaces = [vars(m) for name, m in modules.items()
              if m and name.split('.')[0] in WATCHED and hasattr(m, '__dict__')]
    return [(space, name, value, made_of(value)) for space in spaces for name, value in list(space.items())
            if isinstance(value, kinds) or type(value).__name__ in numpys]

def made_of(f) -> list:
    "(function, code, defaults, keyword defaults) of a Python function, and of those that it wraps."
    found, inside = [], {'classmethod': '__func__', 'staticmethod': '__func__', 'property': 'fget'}
    while f is not None and not isinstance(f, type) and len(found) < 9:
        if isinstance(f, types.FunctionType):
            found.append((f, f.__code__, f.__defaults__, f.__kwdefaults__ and dict(f.__kwdefaults__)))
        f = getattr(f, inside.get(type(f).__name__, '__wrapped__'), None)
    return found

def as_it_was(f, code, defaults, named) -> bool:
    "Whether a function is still made of these; where not, it is again."
    now = f.__kwdefaults__ or {}
    same = now.keys() == (named or {}).keys() and all(now[k] is named[k] for k in now)
    if f.__code__ is code and f.__defaults__ is defaults and same: return True
    f.__code__, f.__defaults__, f.__kwdefaults__ = code, defaults, named and dict(named)
    return False


def put_back(kept) -> list:
    "Undo what replaced any of `kept`; the names that had been replaced."
    changed = []
    for space, name, value, made in kept:
        whole = all([as_it_was(*m) for m in made])
        if whole and space.get(name) is value: continue
        space[name] = value
        changed.append(f'{space.get("__name__", "?")}.{name}')
    return changed


COMPARES = '__eq__', '__ne__', '__lt__', '__le__', '__gt__', '__ge__'
HOOKS = '__array_ufunc__', '__array_function__', '__array_wrap__', '__array_eq__'

def held_methods(modules) -> list:
    "(class, name, value, what it is made of) of the methods of the package's, fastcore's and contextlib's classes."
    ours = [m for name, m in modules.items()
            if m and name.split('.')[0] in ('tinybench', 'fastcore', 'contextlib')]
    classes = {id(c): c for m in ours for c in vars(m).values()
               if isinstance(c, type) and c.__module__ == m.__name__}
    kinds = types.FunctionType, classmethod, staticmethod, property
    return [(c, name, v, made_of(v)) for c in classes.values()
            for name, v in [*dict.fromkeys((*COMPARES, *HOOKS)).items(), *vars(c).items()]
            if isinstance(v, kinds) or v is None and name not in vars(c)]


def put_back_methods(kept) -> list:
    "Undo what replaced a method, or added a comparison; the names that had been replaced or added."
    changed = []
    for c, name, value, made in kept:
        whole = all([as_it_was(*m) for m in made])
        if whole and vars(c).get(name) is value: continue
        if value is None: type.__delattr__(c, name)
        else: type.__setattr__(c, name, value)
        changed.append(f'{c.__name__}.{name}')
    return changed


def all_classes() -> dict:
    "Every class there is, by id."
    found, todo = {}, [object]
    while todo:
        c = todo.pop()
        if id(c) not in found:
            found[id(c)] = c
            todo += type.__subclasses__(c)
    return found


def names_of(c, get=type.__dict__['__dict__'].__get__) -> types.MappingProxyType:
    "What class `c` defines, whatever its metaclass says."
    return get(c)

def installed(module, folders=tuple(p for p in sys.path if p)) -> bool:
    "Whether the module of this name is Python's or a package's, but for those that are made to lie."
    file = str(getattr(sys.modules.get(module), '__file__', ''))
    return file.startswith(folders) and module != 'unittest.mock' and module.split('.')[0] != '_pytest'

def in_c(name, method) -> bool:
    "Whether `method` is C's, under its own name: `__eq__ = float.__ne__` is not."
    if type(method) in (type(object.__eq__), type(str.join)): return method.__name__ == name
    heap = type(method).__flags__ >> 9 & 1
    return type(method).__name__ == 'instancemethod' and not heap  # pybind11's

def in_cell(c, name, method) -> bool:
    "Whether the method `name` of `c` is a student's: not C's, nor an installed module's own function."
    if method is None or in_c(name, method): return False
    space, module = getattr(method, '__globals__', None), type.__getattribute__(c, '__module__')
    home = space and space.get('__name__')
    theirs = isinstance(home, str) and installed(home) and space is vars(sys.modules[home])
    at = sys.modules.get(module) if isinstance(module, str) else None
    for part in type.__getattribute__(c, '__qualname__').split('.'): at = getattr(at, part, None)
    if at is c and installed(module): return space is not None and not theirs
    return not theirs or method.__closure__ is not None  # a decorator of theirs around a student's

def lies(c) -> bool:
    """Whether the class, written in a cell, hooks into numpy, or claims to equal a random number or several
    small ones, or to be on both sides of one."""
    written = [name for name in (*COMPARES, *HOOKS) if in_cell(c, name, names_of(c).get(name))]
    if not written or set(HOOKS) & set(written): return bool(written)
    defined = [name for name in COMPARES if name in names_of(c)]
    drawn = random.SystemRandom().random()
    for make in (lambda: c.__new__(c), lambda: c.__new__(c, ()), lambda: object.__new__(c)):
        try: one = make()
        except BaseException: continue
        found = [claims(one, defined, other) for other in (drawn, str(drawn), [drawn], object())]
        lying = {'__eq__'}, {'__lt__', '__gt__'}, {'__le__', '__ge__'}
        if any(said >= both for said in found for both in lying): return True
        return sum('__eq__' in claims(one, defined, n) for n in range(-9, 99)) > 1
    return False

def claims(one, names, other) -> set:
    "Which of the comparisons `names` of `one` with `other` come out true."
    found = set()
    for name in names:
        try:
            answer = getattr(one, name)(other)
            if answer is not NotImplemented and bool(answer): found.add(name)
        except BaseException: pass  # an answer that is none, such as an array
    return found


def among_its_own(c, method, frame=sys._getframe):
    "The comparison `method` of class `c`, for objects of that class, and wherever a line of a cell compares."
    def compare(self, other):
        at = frame(1)
        while at.f_globals.get('__name__') in ('functools', 'collections'): at = at.f_back  # on whose behalf?
        own = at.f_code.co_filename.startswith('<ipython-input')
        return method(self, other) if own or c in type(other).__mro__ else NotImplemented
    return compare


def disarm(known, kept, space=None) -> tuple:
    """Take lying methods from classes that are not in `known`, and keep others among their own objects, by
    functions that go into `kept` by id; what a check wrote, in `space`, is left. Names of the liars, and of
    all whose comparisons were written by hand."""
    liars, new = [], []
    for c in [c for i, c in all_classes().items() if i not in known]:
        names = [n for n in (*COMPARES, *HOOKS) if in_cell(c, n, m := names_of(c).get(n)) and id(m) not in kept
                 and (space is None or getattr(m, '__globals__', None) is not space)]
        if not names: continue
        files = {getattr(getattr(names_of(c)[n], '__code__', None), 'co_filename', '') for n in names}
        if files != {'<string>'}: new.append(c.__name__)  # else a dataclass wrote them
        if lying := lies(c): liars.append(c.__name__)
        for name in names:
            method = names_of(c)[name]
            type.__delattr__(c, name)
            if lying or name in HOOKS or not isinstance(method, types.FunctionType): continue
            honest = among_its_own(c, method)
            kept[id(honest)] = honest
            type.__setattr__(c, name, honest)
    return liars, new


def by_type(x, name, hasattr=hasattr, type=type) -> bool:
    "`hasattr`, which looks for special names in the type."
    return hasattr(type(x) if name.startswith('__') else x, name)


def pins(statements) -> dict:
    "What the import statements bind; those that fail are left out. To run them also warms the process up."
    found = {}
    for line in statements:
        try: exec(line, names := {})
        except Exception: continue
        found |= {k: v for k, v in names.items() if k != '__builtins__'}
    return found


def guarded():
    "Notes what checks lean on; a function that puts it back, and says what it found."
    classes, tamed, kept, methods = all_classes(), {}, held(sys.modules), held_methods(sys.modules)
    modules = {name: m for name, m in sys.modules.items() if name.split('.')[0] in WATCHED}
    kinds = {name: type(m) for name, m in modules.items()}
    def restore(space=None) -> list:
        for clear in (sys.settrace, sys.setprofile): clear(None)
        swapped = [name for name, m in modules.items()
                   if sys.modules.get(name) is not m or type(m) is not kinds[name]]
        sys.modules.update(modules)
        for name, m in modules.items():
            if type(m) is not kinds[name]: types.ModuleType.__setattr__(m, '__class__', kinds[name])
        changed = swapped + put_back(kept) + put_back_methods(methods)
        liars, new = disarm(classes, tamed, space)
        said = {'put back': changed, 'equal to everything, so no longer believed': liars,
                'comparisons made while it ran': new if space is not None else []}
        return [f'{what}: {", ".join(names[:5])}' for what, names in said.items() if names]
    return restore


NEWNS, NEWPID, NEWIPC, NEWUSER = 0x0002_0000, 0x2000_0000, 0x0800_0000, 0x1000_0000  # sched.h

def libc(name, *args):
    "Call a function of the C library; OSError where it does not return 0."
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*args):
        raise OSError(ctypes.get_errno(), f'{name}: {os.strerror(ctypes.get_errno())}')


def unshare():
    "Namespaces of its own for what this process forks next; who is not root makes a user namespace for it."
    uid, gid = os.geteuid(), os.getegid()
    libc('unshare', NEWNS | NEWPID | NEWIPC | (NEWUSER if uid else 0))
    if not uid: return
    libc('prctl', 4, 1)  # PR_SET_DUMPABLE: or these files are root's
    for name, line in (('setgroups', 'deny'), ('uid_map', f'{uid} {uid} 1'), ('gid_map', f'{gid} {gid} 1')):
        with open(f'/proc/self/{name}', 'w') as f: f.write(line)
    libc('prctl', 4, 0)


def wall_in(uid, folders, scratch_mb):
    "Called by a child within the new namespaces: its own /proc and empty folders, and no rights left."
    libc('mount', b'proc', b'/proc', b'proc', 0, None)
    for folder in folders:
        libc('mount', b'tmpfs', folder.encode(), b'tmpfs', 0, b'size=%dm,mode=1777' % scratch_mb)
    if not os.geteuid():
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    version_3, nothing = (ctypes.c_uint32*2)(0x2008_0522, 0), (ctypes.c_uint32*6)()
    libc('capset', version_3, nothing)


def keeper() -> int:
    "Fork the first process of a new process namespace: it waits until it is killed, and then all in it are."
    if pid := os.fork(): return pid
    libc('prctl', 1, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans come to it, and leave nothing behind
    os.closerange(0, 64)
    while True: signal.pause()


def limit(memory_mb, file_mb, processes, cpu_seconds):
    "Limit memory beyond what is loaded, file size, processes, and processor time, here and in all children."
    with open('/proc/self/statm') as f: loaded = int(f.read().split()[0])*resource.getpagesize()
    limits = {resource.RLIMIT_AS: loaded + (memory_mb << 20), resource.RLIMIT_FSIZE: file_mb << 20,
              resource.RLIMIT_NPROC: processes, resource.RLIMIT_CPU: cpu_seconds,
              resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 256}
    for what, value in limits.items():
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (value, value) if hard == resource.RLIM_INFINITY else (min(value, hard),)*2)

def as_counted(processes, walled) -> int:
    """`processes` as the kernel counts them: without a namespace, with all threads that the user has running,
    and may soon have for submissions on other cores."""
    if walled: return processes
    me, running = f'\nUid:\t{os.getuid()}\t', 0
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/status') as f: status = f.read()
        except OSError: continue  # it has just ended
        if me in status: running += int(status.partition('\nThreads:')[2].split()[0])
    return running + processes*os.cpu_count()


def no_input(prompt=''):
    "In the place of `input`: nobody is there to answer."
    raise EOFError('input() asks a person, and nobody is there while this is graded')


def own_names(names, pinned) -> tuple:
    "A copy of the student's names for a check, and which of them mean again what the lesson means by them."
    changed = [k for k, v in pinned.items() if k in names and names[k] is not v]
    return {**names, **{k: pinned[k] for k in changed}, '__builtins__': dict(vars(builtins))}, changed

def hand_over(names, space, before, pinned):
    "Give what a check has bound, in `space` and not so `before`, to the student's names."
    names.update({k: v for k, v in space.items()
                  if k != '__builtins__' and k not in pinned and before.get(k, before) is not v})


def checked(source, shell, restore, pinned, visible=True) -> tuple:
    """Run a check with all it leans on put back: the exception it failed with, if any, and a note.
    Stderr counts as stdout: a warning is no wrong answer."""
    if visible: linecache.cache['<check>'] = len(source), None, source.splitlines(True), '<check>'
    sys.stderr = warned = Said(sys.stdout.outputs, 'stdout', sys.stdout.limit)
    space, changed = own_names(shell.names, pinned)
    notes = [f'not as in the lesson, so the lesson\'s: {", ".join(changed[:5])}']*bool(changed) + restore()
    before = dict(space)
    e = judge(source, space)
    swapped = [k for k in pinned if k in before and space.get(k) is not before[k]]
    if e is None and (late := restore(space) + [f'put in the check: {k}' for k in swapped]):
        e = AssertionError(f'your code changed what the check leans on while it ran ({"; ".join(late)})')
    if e is None and not can_fail(space): e = AssertionError('nothing can fail here any more')
    hand_over(shell.names, space, before, pinned)
    return e, '; '.join([*notes, *['it warned, which costs no points']*(warned.left < warned.limit)])


def children() -> int:
    "How many processes this one has started that it has not waited for."
    with open(f'/proc/self/task/{os.getpid()}/children') as f: return len(f.read().split())


def unheard():
    "From now on an interrupt is ignored: one that comes when the cell has just ended is not to end its process."
    while True:
        try: return signal.signal(signal.SIGINT, signal.SIG_IGN)
        except KeyboardInterrupt: pass


def answer(request, shell, restore, pinned, limit_chars) -> dict:
    """Run one cell or check, and say what came of it.
    How a check came out is in no list that a student's code can reach."""
    outputs, note, failed, start = [], '', None, time.perf_counter()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    me, threads, forked = os.getpid(), threading.active_count(), children()
    sys.stdout, sys.stderr = said = Said(outputs, 'stdout', limit_chars), Said(outputs, 'stderr', limit_chars)
    try:
        if request['kind'] == 'cell': shell.run(request['source'], outputs)
        else: failed, note = checked(request['source'], shell, restore, pinned, request['kind'] == 'check')
    except BaseException as e: failed = e
    unheard()
    if os.getpid() != me: os._exit(0)  # a copy that a cell has made: one answer is enough
    if 'matplotlib.pyplot' in sys.modules:
        try: sys.modules['matplotlib.pyplot'].close('all')
        except BaseException: pass  # it may be a student's by now
    left = threading.active_count() - threads
    shown = joined(outputs, 4*limit_chars)
    more = any(s.full for s in said) or len(shown) < len(outputs)
    notes = [note, f'printed more than {limit_chars:,} characters, of which the rest is left out'*more,
             f'left {left} thread{"s"*(left > 1)} running'*(left > 0)]
    shown += [as_error(failed)]*(failed is not None)
    return dict(outputs=shown, held=failed is None, note='; '.join(filter(None, notes)),
                forked=children() - forked, secs=time.perf_counter() - start)


def serve(sock, shell, pinned, limit_chars):
    """Take the key, then answer requests until the other end goes away.
    `hold` forks a process that takes over the socket sent with it."""
    key, restore, me = bytes.fromhex(receive(sock)['key']), guarded(), os.getpid()
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
            reply = answer(request, shell, restore, pinned, limit_chars)
            if os.getpid() != me: os._exit(0)  # a copy that a cell has forked, and that came to its end
            send(sock, reply, key, request['nonce'])


def took(sock):
    "The socket that comes with the next message."
    _, ancillary, _, _ = sock.recvmsg(1, _socket.CMSG_SPACE(4))
    return _socket.socket(fileno=int.from_bytes(ancillary[0][2][:4], sys.byteorder))


def apart(names) -> dict:
    "The functions among `names` once more, over names of their own, which nothing that a cell sees leads to."
    own = {k: types.SimpleNamespace(**vars(v)) if isinstance(v, types.ModuleType) and v is not sys else v
           for k, v in names.items()}
    own['__builtins__'] = dict(vars(builtins))
    for k, f in names.items():
        if isinstance(f, types.FunctionType) and f.__globals__ is names:
            own[k] = types.FunctionType(f.__code__, own, k, f.__defaults__, f.__closure__)
    return own


def born(sock, shell, pinned, settings):
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
    if walled: wall_in(settings['uid'], settings['folders'], settings['file_mb']*4)
    here = settings['scratch'] if walled else f'{settings["scratch"]}/{os.getpid()}'
    os.makedirs(here, exist_ok=True)
    os.chdir(here)
    limit(settings['memory_mb'], settings['file_mb'], processes, settings['cpu_seconds'])
    libc('prctl', 1, signal.SIGKILL)  # a change of user forgets it
    sys.stdin = open(0, closefd=False)
    os.dup2(0, 2)  # till here an error was the warm process's to tell
    gc.__dict__.pop('unfreeze', None)  # what `serve` freezes is in none of gc's lists
    serve(sock, shell, pinned, settings['output_kb'] << 10)


def fork_child(sock, shell, pinned, settings) -> tuple:
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
        else: born(sock, shell, pinned, settings)
    except BaseException as e: os.write(2, f'a child could not start: {type(e).__name__}: {e}\n'.encode())
    finally: os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status) & 127)


def end_orphans():
    "Kill what the child left behind, where no process namespace ended it."
    while True:
        with open(f'/proc/self/task/{os.getpid()}/children') as f:
            orphans = [int(pid) for pid in f.read().split()]
        if not orphans: return
        for pid in orphans: os.kill(pid, signal.SIGKILL)
        for pid in orphans: os.waitpid(pid, 0)


def ended(pid, seconds=5) -> int:
    "The status in which the child `pid` ends; one that a student's code has stopped goes on, or is killed."
    end = time.monotonic() + seconds
    while not (done := os.waitpid(pid, os.WNOHANG))[0]:
        try: os.kill(pid, signal.SIGCONT if time.monotonic() < end else signal.SIGKILL)
        except OSError: pass  # it has just ended
        time.sleep(.001)
    return done[1]


def main(fd):
    "Serve the control socket `fd`: settings, then requests to start, interrupt (SIGINT) or end a child."
    control, children = _socket.socket(fileno=fd), {}
    libc('prctl', 1, signal.SIGKILL)  # PR_SET_PDEATHSIG: end with whoever started this
    settings = receive(control)
    sys.path[:0], sys.path[len(sys.path):] = settings['path'], settings['last']
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    builtins.input = no_input
    shell, pinned = Shell(), pins(settings['imports'])
    for name in ('fastcore.imports', 'fastcore.test'):
        if name in sys.modules: sys.modules[name].hasattr = by_type
    safe = apart(globals())
    if 'numpy' in sys.modules: pins(['import numpy.random'])  # which numpy loads late
    libc('prctl', 4, 0)  # PR_SET_DUMPABLE: no child may look into this process
    send(control, {'pinned': sorted(pinned)})
    while (request := receive(control)) is not None:
        if request['op'] == 'start':
            inner, outer = safe['fork_child'](sock := took(control), shell, pinned, settings)
            sock.close()
            children[inner] = outer
            send(control, {'pid': inner})
        else:
            try: os.kill(request['pid'], signal.SIGINT if request['op'] == 'interrupt' else signal.SIGKILL)
            except ProcessLookupError: pass  # it has ended
            if request['op'] == 'end':
                code = ended(children.pop(request['pid'])) >> 8
                send(control, {'status': code & 127 if code > 127 else code << 8})


if __name__ == '__main__' and sys.argv[1:2] == ['--serve']: main(int(sys.argv[2]))
