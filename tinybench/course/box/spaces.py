"Namespaces and limits of one submission's process, set from within"
# Standard library only: this runs inside the walls.
import ctypes, os, resource, signal, time
from contextlib import contextmanager, suppress


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

KEYCTL, JOIN_SESSION = dict(x86_64=250, aarch64=219, riscv64=219, ppc64le=271).get(os.uname().machine), 1

def own_keyring():
    "Leave the session's keyring, which the kernel keeps for all that the grader starts, for an empty one."
    if KEYCTL is None: return
    call = ctypes.CDLL(None, use_errno=True).syscall
    if call(ctypes.c_long(KEYCTL), JOIN_SESSION, None) < 0 and ctypes.get_errno() not in (1, 38):
        raise OSError(ctypes.get_errno(), 'keyctl: no keyring of its own')    # 1, 38: no keyrings for anybody

def this_cpu() -> int|None:
    "The processor that this process runs on; None where a process cannot be kept on one."
    ask = getattr(ctypes.CDLL(None), 'sched_getcpu', None) if hasattr(os, 'sched_setaffinity') else None
    return found if ask and (found := ask()) >= 0 else None

@contextmanager
def kept_on(cpu):
    """Stay on this processor. Two processes of which one always waits for the other wake each other there in
    a tenth of the time that it takes from one processor to another."""
    if cpu is None:
        yield
        return
    usual = os.sched_getaffinity(0)
    with suppress(OSError): os.sched_setaffinity(0, {cpu})   # one that has just been taken from us
    try: yield
    finally:
        for thread in os.listdir('/proc/self/task'):    # those started meanwhile too
            with suppress(OSError): os.sched_setaffinity(int(thread), usual)

def own_user(first) -> int:
    "One of the 4 million users from `first` on: nobody else's processes, files or keys are of the same one."
    return first + int.from_bytes(os.urandom(4), 'little') % 2**22

def wall_in(uid, folders, scratch_mb):
    "Called by a child within the new namespaces: its own /proc and empty folders, and no rights left."
    libc('mount', b'proc', b'/proc', b'proc', 0, None)
    for folder in folders:
        libc('mount', b'tmpfs', folder.encode(), b'tmpfs', 0, b'size=%dm,mode=1777' % scratch_mb)
    if not os.geteuid():
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    own_keyring()
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

def children() -> list:
    "The processes that this one has started, and has not waited for."
    with open(f'/proc/self/task/{os.getpid()}/children') as f: return [int(pid) for pid in f.read().split()]

def end_orphans():
    "Kill what the child left behind, where no process namespace ended it."
    while orphans := children():
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
