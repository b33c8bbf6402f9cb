"Starts warm processes behind walls: bubblewrap, a library without what it may not hold, limits"
import atexit, hashlib, os, shutil, site, socket, subprocess, sys, tempfile
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from ..cells import CourseError, role
from .inside import PARTS
from .messages import receive, send


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
    if not path or not os.geteuid() and not all_users(): return ''
    trial = [path, '--ro-bind', '/', '/', '--unshare-pid', '--unshare-net', '--proc', '/proc', 'true']
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

def own_packages() -> list:
    "The folder of what was installed with `pip install --user`, where this Python looks into it."
    return [p for p in [site.getusersitepackages()] if p in sys.path]

def command(box, fd, walled) -> list:
    "The command that starts the warm process; the folder `box`, with library and `start`, is /box within."
    at = f'{"/box" if walled else box}/start'
    begin = f'import sys; sys.path.insert(0, {at!r}); from box.inside import main; main({fd})'
    python = [sys.executable, '-I', '-B', '-c', begin]
    if not walled: return python
    system = '/usr', '/lib', '/lib64', '/bin', '/etc/ld.so.cache', '/etc/localtime', '/etc/fonts'
    bound = dict.fromkeys([*filter(os.path.exists, system), sys.base_prefix, sys.prefix, *own_packages()])
    above = dict.fromkeys(str(up) for p in bound for up in reversed(Path(p).parents))
    within = sys.prefix, *own_packages()
    holds = [p for p in sys.path if (Path(p)/'tinybench').is_dir()]
    masked = [p for p in holds if any(map(Path(p).is_relative_to, within))]
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
    python = [p for p in (sys.prefix, sys.base_prefix) if Path(p).is_relative_to('/tmp')]
    return ['/scratch', '/dev/shm', *([] if python else ['/tmp'])]

def environment(scratch) -> dict:
    "All that a submission sees of the environment."
    threads = {f'{name}_NUM_THREADS': '1' for name in ('OMP', 'OPENBLAS', 'MKL', 'NUMEXPR')}
    return dict(PATH='/usr/bin:/bin', LANG='C.UTF-8', HOME=scratch, TMPDIR=scratch,
                IPYTHONDIR=f'{scratch}/ipython', MPLCONFIGDIR=f'{scratch}/matplotlib',
                MPLBACKEND='agg', NBGRADER_EXECUTION='autograde', **threads)

@dataclass(frozen=True)
class Limits:
    "What one submission may use; memory is counted beyond what the warm process has loaded."
    cell_seconds: float = 30
    submission_seconds: float = 300
    memory_mb: int = 4096
    file_mb: int = 64      # the largest file it may write; its folders hold four times that
    output_kb: int = 256   # printed by one cell
    processes: int = 64

def roomy(limits, cells) -> Limits:
    "The limits with a process more for each hidden check among `cells`: each is held by one till the end."
    return replace(limits, processes=limits.processes + sum(role(c) == 'hidden' for c in cells))

def shelf(library, blocked, to):
    "Copy the package `tinybench` from folder `library` to folder `to`, without the modules in `blocked`."
    source = Path(library)/'tinybench'
    if not (source/'__init__.py').is_file():
        raise CourseError(f'{library} holds no package tinybench; run nbdev_export there first.')
    gone = {str(source.joinpath(*name.split('.')[1:])) + '.py' for name in blocked}
    def ignore(folder, names):
        return [n for n in names if n in ('__pycache__', '_modidx.py') or os.path.join(folder, n) in gone]
    shutil.copytree(source, Path(to)/'tinybench', ignore=ignore)

class Warm:
    "A process that has loaded `imports` and forks a child for each submission; use it `with`, or `close` it."
    def __init__(self, library, blocked=(), imports=(), limits=Limits(), sandbox=True):
        self.library, self.blocked, self.imports = library, tuple(blocked), tuple(imports)
        self.limits, self.walled = limits, bool(sandbox and bubblewrap())
        self.process, self.control, self.said, self.made = None, None, None, ExitStack()
    def start(self):
        "Start the process, if it is not there."
        if self.process and self.process.poll() is None: return
        self.close()
        with ExitStack() as made:
            self.launch(made)
            self.made = made.pop_all()
    def launch(self, made):
        "Start the process, undone by the stack `made`; CourseError, with its last words, where it ends."
        def new_folder(name):
            folder = tempfile.mkdtemp(prefix=f'tinybench-{name}-')
            made.callback(shutil.rmtree, folder, ignore_errors=True)
            return folder
        box, scratch = new_folder('box'), '/scratch' if self.walled else new_folder('work')
        shelf(self.library, self.blocked, f'{box}/library')
        os.makedirs(inner := f'{box}/start/box')    # a package that needs no other, for inside the walls
        for name in ('__init__', *PARTS): shutil.copy(Path(__file__).with_name(f'{name}.py'), inner)
        os.chmod(box, 0o755)
        settings = asdict(self.limits) | dict(
            path=[f'{"/box" if self.walled else box}/library'], imports=self.imports, walled=self.walled,
            scratch=scratch, folders=own_folders(), last=own_packages(), uid=OWN_USER + os.getpid(),
            cpu_seconds=int(2*self.limits.submission_seconds))
        (control, theirs), said, null = socket.socketpair(), tempfile.TemporaryFile('w+'), subprocess.DEVNULL
        self.control, self.said = made.enter_context(control), made.enter_context(said)
        with theirs:
            self.process = subprocess.Popen(
                command(box, theirs.fileno(), self.walled), env=environment(scratch), stdin=null, stdout=null,
                stderr=said, pass_fds=[theirs.fileno()], start_new_session=True)
        for undo in (self.process.wait, self.process.kill): made.callback(undo)    # the last is called first
        with suppress(OSError):  # it ended before it was asked, or while it started
            send(self.control, settings)
            if receive(self.control): return
        raise CourseError(f'The process that runs submissions did not start: {self.last_words()}')
    def last_words(self) -> str:
        "The end of what the process, or a child that did not start, wrote on stderr."
        self.said.seek(0)
        return self.said.read().strip()[-500:] or 'it said nothing.'
    def close(self):
        "End the process and remove its folders."
        self.made.close()
        self.process = None
    def __enter__(self): return self
    def __exit__(self, *exc): self.close()

HOME = Path(__file__).resolve().parents[3]  # the folder that tinybench is installed in

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
