"The walls around a warm process: bubblewrap, and what can be seen through it"
import os, shutil, site, subprocess, sys
from functools import cache
from pathlib import Path
from ..cells import CourseError


OWN_USER = 1_000_000  # and up to 2**22 more, drawn for each submission: the user that root makes of it

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

def hiding(bound, secrets) -> list:
    """Arguments that bind the folders `bound` to be read, with nothing of the folders `secrets` in them: an
    empty folder lies over each, and over that again what is bound from within it, as Python in `.venv` is."""
    bound, secrets = ([os.path.realpath(p) for p in paths] for paths in (bound, secrets))
    def within(p, folders): return any(Path(p).is_relative_to(f) for f in folders)
    over = [s for s in dict.fromkeys(secrets) if os.path.isdir(s) and within(s, bound)]
    late = [p for p in bound if within(p, over)]
    if own := set(late) & set(over): raise CourseError(
        f'{own.pop()} holds Python itself, which a submission sees. Move the course to a folder of its own.')
    return ([a for s in over for a in ('--tmpfs', s)] + [a for p in late for a in ('--ro-bind', p, p)])

def command(box, fd, walled, secrets=()) -> list:
    """The command that starts the warm process; the folder `box`, with library and `start`, is /box within,
    and nothing is there of the folders `secrets`."""
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
    return [bubblewrap(), *folders, *binds, *hiding(bound, secrets), *masks, '--ro-bind', str(box), '/box',
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
