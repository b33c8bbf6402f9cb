"Starts warm processes: the library without what it may not hold, the limits, and the few that are kept"
import atexit, hashlib, os, shutil, socket, subprocess, tempfile
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from ..cells import CourseError, role
from .inside import PARTS
from .messages import receive, send
from .walls import OWN_USER, bubblewrap, command, environment, own_folders, own_packages


@dataclass(frozen=True)
class Limits:
    "What one submission may use; memory is counted beyond what the warm process has loaded."
    cell_seconds: float = 30
    after_stop: float = 1e9    # seconds for each cell once one was stopped
    submission_seconds: float = 300
    memory_mb: int = 4096
    file_mb: int = 64      # the largest file it may write; its folders hold four times that
    output_kb: int = 256   # printed by one cell
    processes: int = 64

def roomy(limits, cells) -> Limits:
    "The limits with a process more for each hidden check among `cells`: each is held by one till the end."
    return replace(limits, processes=limits.processes + sum(role(c) == 'hidden' for c in cells))

def shelf(library, blocked, to, package='tinybench'):
    "Copy `package` from folder `library` to folder `to`, without the modules in `blocked`; and tinybench."
    source = Path(library)/package
    if not (source/'__init__.py').is_file():
        raise CourseError(f'{library} holds no package {package}; run nbdev_export there first.')
    if package != 'tinybench': shelf(HOME, (), to)  # a lesson of another package may import it too
    gone = {str(source.joinpath(*name.split('.')[1:])) + '.py' for name in blocked}
    def ignore(folder, names):
        return [n for n in names if n in ('__pycache__', '_modidx.py') or os.path.join(folder, n) in gone]
    shutil.copytree(source, Path(to)/package, ignore=ignore)

class Warm:
    "A process that has loaded `imports` and forks a child for each submission; use it `with`, or `close` it."
    def __init__(self, library, blocked=(), imports=(), limits=Limits(), sandbox=True, secrets=(),
                 package='tinybench'):
        self.library, self.blocked, self.imports = library, tuple(blocked), tuple(imports)
        self.limits, self.secrets, self.package = limits, tuple(secrets), package
        self.walled = bool(sandbox and bubblewrap())
        self.process, self.control, self.said, self.made, self.oracle = None, None, None, ExitStack(), None
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
        shelf(self.library, self.blocked, f'{box}/library', self.package)
        os.makedirs(inner := f'{box}/start/box')    # a package that needs no other, for inside the walls
        for name in ('__init__', *PARTS): shutil.copy(Path(__file__).with_name(f'{name}.py'), inner)
        os.chmod(box, 0o755)
        settings = asdict(self.limits) | dict(
            path=[f'{"/box" if self.walled else box}/library'], imports=self.imports, walled=self.walled,
            scratch=scratch, folders=own_folders(), last=own_packages(), uid=OWN_USER, package=self.package,
            cpu_seconds=int(2*self.limits.submission_seconds))
        (control, theirs), said, null = socket.socketpair(), tempfile.TemporaryFile('w+'), subprocess.DEVNULL
        self.control, self.said = made.enter_context(control), made.enter_context(said)
        with theirs:
            self.process = subprocess.Popen(
                command(box, theirs.fileno(), self.walled, self.secrets, self.package),
                env=environment(scratch),
                stdin=null, stdout=null, stderr=said, pass_fds=[theirs.fileno()], start_new_session=True)
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
        self.oracle = None
        self.made.close()
        self.process = None
    def __enter__(self): return self
    def __exit__(self, *exc): self.close()

HOME = Path(__file__).resolve().parents[3]  # the folder that tinybench is installed in

def library_sum(library, package='tinybench') -> str:
    "A checksum of `package` in the folder `library`."
    files = sorted(Path(library, package).rglob('*.py'))
    return hashlib.sha256(b''.join(p.read_bytes() for p in files)).hexdigest()[:16]

MOST_WARM = 8

@cache
def kept_warm() -> dict:
    "The warm processes that are kept, by lesson, the one used last at the end; they end with this process."
    found = {}
    atexit.register(lambda: [warm.close() for warm in found.values()])
    return found

def warm_for(library, blocked, imports, limits, sandbox, secrets=(), version='', package='tinybench') -> Warm:
    "The warm process for a lesson and this `version` of the library; the last few are kept for the next one."
    kept, lesson = kept_warm(), (library, blocked, imports, limits, sandbox, secrets, package)
    kept[lesson, version] = warm = kept.pop((lesson, version), None) or Warm(*lesson)
    if len(kept) > MOST_WARM: kept.pop(next(iter(kept))).close()
    return warm
