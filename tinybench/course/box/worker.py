"Runs a notebook's cells in a forked, walled-in process: an outcome for each, whatever the cells do"
import os, random, select, signal, socket, time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from ..cells import CourseError, named, nbformat, plain_text, role
from .messages import receive, send
from .needed import lesson_names
from .shell import failed, joined
from .start import Limits, Warm, roomy


@dataclass
class Outcome:
    "What came of one cell: nbformat outputs, seconds, the error in one line, and what the engine noted."
    id: str
    outputs: list = field(default_factory=list)
    secs: float = 0.
    error: str = ''
    note: str = ''
    fatal: bool = False  # it ended its process
    watch: str = ''      # what a person should look at, and no student is told

def as_outcome(id, reply, seconds, most=1 << 20, check=False) -> Outcome:
    "The outcome of a cell from the child's reply, of which nothing is taken on trust but its text."
    outputs = joined(only_text(reply), most)
    note, watch = (plain_text(str(reply.get(k, ''))[:1000]) for k in ('note', 'watch'))
    secs = reply.get('secs')
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
                   first_line(errors[-1]) if errors else '', note, watch=watch)

def only_text(reply) -> list: return [plain_text(known) for o in reply['outputs'] if (known := only_known(o))]

def first_line(error) -> str:
    "What an error output says, in one line that is never empty."
    lines = f'{error["ename"]}: {error["evalue"]}'.rstrip(': ').splitlines()
    return lines[0][:300] if lines and lines[0] else 'an error without a name'

FIELDS = dict(stream=dict(name=str, text=str), error=dict(ename=str, evalue=str, traceback=list),
              display_data=dict(data=dict, metadata=dict), execute_result=dict(data=dict, metadata=dict))

def only_known(o) -> dict|None:
    "The output `o` without keys that nbformat does not know; None if it is none that holds nothing but text."
    kind = o.get('output_type') if isinstance(o, dict) else None
    fields = FIELDS.get(kind, {}) if isinstance(kind, str) else {}
    if not fields or not all(isinstance(o.get(k), t) for k, t in fields.items()): return None
    parts = [o[k] if k == 'traceback' else o[k].values() for k in fields if k in ('traceback', 'data')]
    if not all(isinstance(text, str) for texts in parts for text in texts): return None
    kept = dict(output_type=kind) | {k: {} if k == 'metadata' else o[k] for k in fields}
    return kept | dict(execution_count=None) if kind == 'execute_result' else kept

class Gone(Exception): "The child ended, or was ended, before it answered; the message says how."

ENDS = {signal.SIGSEGV: 'a segmentation fault', signal.SIGBUS: 'a bus error', signal.SIGABRT: 'aborted',
        signal.SIGKILL: 'killed (by itself, or for lack of memory)',
        signal.SIGXCPU: 'out of processor time', signal.SIGXFSZ: 'wrote too large a file'}

def ended_how(status) -> str:
    "In words what ended a process whose `waitpid` status this is."
    if os.WIFSIGNALED(status): return ENDS.get(os.WTERMSIG(status), f'killed by signal {os.WTERMSIG(status)}')
    return f'left Python without a word (os._exit, code {os.WEXITSTATUS(status)})'

PATIENCE = 30  # seconds that the warm process has for an answer

def socket_for(sock, request) -> socket.socket:
    "One end of a new pair of sockets, the other sent with a `request` to the process at `sock`."
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            send(sock, request)
            socket.send_fds(sock, [b'x'], [theirs.fileno()])
    except BaseException:  # Ctrl-C too
        ours.close()
        raise
    return ours

def copy_of(sock, secs) -> socket.socket:
    "A socket to a copy of the process at `sock` as it is now, which may use `secs` of processor time."
    return socket_for(sock, dict(op='hold', cpu_seconds=secs))

class Child:
    "One submission's process: `run` cells, `end` it; CourseError if it cannot start."
    def __init__(self, warm, files=None, shared=()):
        warm.start()
        self.warm, self.limits, self.key, self.sock = warm, warm.limits, os.urandom(16), None
        try:
            self.sock = socket_for(warm.control, dict(op='start'))
            self.pid = (receive(warm.control, seconds=PATIENCE) or {})['pid']
        except (OSError, KeyError):
            if self.sock: self.sock.close()
            warm.close()
            raise Gone('the process that forks submissions had ended') from None
        with suppress(OSError, Gone):
            send(self.sock, dict(key=self.key.hex(), files=files, shared=[*shared]))
            if told(self.sock, self.key, 'ready', 60): return
        self.end()
        raise CourseError(f'A process for a submission did not start: {warm.last_words()}')
    def run(self, kind, source, seconds, fd=None, **more) -> dict:
        "Run a cell or check, or serve one at the socket `fd`; `Gone` where no answer came."
        sock, stopped, nonce = self.sock, False, os.urandom(8).hex()
        try:
            sock.settimeout(10)
            order(sock, dict(kind=kind, source=source, nonce=nonce, **more), fd)
            if not readable(sock, seconds):
                stopped = True
                self.tell('interrupt')
                if not readable(sock, min(2, seconds)):
                    self.end()
                    raise Gone(f'ran longer than {seconds:g} s and did not stop when interrupted')
            reply = told(sock, self.key, nonce)
        except OSError: reply = None
        if reply is None: raise Gone(self.end())
        if stopped and reply.get('forked'):  # they would not stop, and leave no room for holders
            self.end()
            raise Gone(f'started processes and ran longer than {seconds:g} s')
        return reply | dict(stopped=stopped)
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

def order(sock, request, fd=None):
    "Send the request to run something, and the socket `fd` if it is to talk to another process."
    send(sock, dict(op='run', **request))
    if fd is not None: socket.send_fds(sock, [b'x'], [fd])

def ask(sock, key, kind, source, seconds, fd=None, **more) -> dict:
    "What a copy of a child's process says of a cell or check; one that does not answer has failed."
    nonce, error = os.urandom(8).hex(), failed('ProcessEnded', 'the process ended before it answered')
    try:
        sock.settimeout(10)
        order(sock, dict(kind=kind, source=source, nonce=nonce, **more), fd)
        if readable(sock, seconds): reply = told(sock, key, nonce)
        else: reply, error = None, failed('TimeoutError', f'stopped after {seconds:g} s')
    except Gone as e: reply, error = None, failed('ProcessEnded', str(e))
    except OSError: reply = None
    return (reply or dict(outputs=[error])) | dict(stopped=False)

LIES = 'says that a check holds which cannot hold'

def canary(run) -> tuple:
    "What is odd about how a check fails that nobody can foresee, and that must fail; and what is noted."
    token = f'{random.SystemRandom().getrandbits(64):x}'
    reply = run(f'assert {token!r} == {token[::-1] + "0"!r}, {token!r}')
    errors = [o for o in joined(only_text(reply)) if o['output_type'] == 'error']
    fails = reply.get('held') is False and errors and errors[-1]['evalue'] == token
    odd = '' if fails else 'cannot be looked at'
    if reply.get('held') is True: odd = LIES
    if reply['stopped'] or 'held' not in reply: odd = ''   # it has ended, and says nothing
    return odd, str(reply.get('note', ''))

def between_canaries(run, source) -> dict:
    "Run a check in the process of the answer; one before and one after it must fail, or it counts as failed."
    (before, noted), reply, (after, again) = canary(run), run(source), canary(run)
    if not before and not after: return reply | for_whom(noted, reply.get('note'), again)
    said = f'its process {before or after}'
    return dict(outputs=[failed('NotHeld', said)], watch=said, stopped=False)

# how notes begin that are for the instructor alone: they tell a cheat what was noticed
INSTRUCTORS = ('compared', 'asked', 'returned', 'wrote', 'put back', 'equal to everything',
               'comparisons made')

def for_whom(*notes) -> dict:
    "The parts of `notes`, each once: a `note` for everybody, and what to `watch` for the instructor alone."
    parts = dict.fromkeys(part for note in notes for part in str(note or '').split('; ') if part)
    alone = [part for part in parts if part.startswith(INSTRUCTORS)]
    return dict(note='; '.join(part for part in parts if part not in alone), watch='; '.join(alone))

def watched(child, seconds) -> str:
    "What a person should know of a child in which all cells have run."
    try: odd, noted = canary(lambda source: child.run('check', source, seconds))
    except Gone as e: return f'its process ended when it was looked at last: {e}'
    return plain_text('; '.join(filter(None, [odd and f'its process {odd}', noted]))[:1000])

def run_check(child, cell, seconds, oracle) -> dict:
    "Run a check that is shown: by value where an `oracle` knows it, else in the child itself."
    def run(source): return child.run('check', source, seconds)
    if not oracle: return run(cell.source)
    if not oracle.knows(cell): return between_canaries(run, cell.source)
    def serve(fd, **more): return child.run('serve', '', seconds, fd, **more)
    reply = oracle.judge(named(cell), serve, seconds)
    if oracle.plan['checks'][named(cell)]['binds']: child.run('cell', cell.source, seconds)
    return reply

def ask_hidden(sock, child, cell, seconds, oracle, private=None) -> dict:
    "What a copy of a child's process says of a hidden check, or what an `oracle` that knows it finds there."
    def run(source): return ask(sock, child.key, 'hidden', source, seconds, files=private)
    if not oracle: return run(cell.source)
    if not oracle.knows(cell): return between_canaries(run, cell.source)
    def serve(fd, **more): return ask(sock, child.key, 'serve', '', seconds, fd, files=private, **more)
    return oracle.judge(named(cell), serve, seconds)

def one_run(child, todo, found, until, progress=None, oracle=None, private=None) -> bool:
    "Run what has not ended a child before, outcomes into `found`; False where a cell ends this child."
    held, limits, most = [], child.limits, child.limits.output_kb << 12
    lessons = {c['source'] for c in oracle.plan['cells']} if oracle else ()
    with ExitStack() as open_sockets:
        for i, cell in enumerate(todo):
            if progress: progress(i, len(todo), cell.id)
            if cell.id in found and found[cell.id].fatal: continue
            stopped = any(o.fatal or o.error.startswith('TimeoutError') for o in found.values())
            seconds = min(limits.cell_seconds, until - time.monotonic())
            if stopped: seconds = min(seconds, limits.after_stop)
            if seconds <= 0: return True
            kind, start = role(cell) if role(cell) in ('check', 'hidden') else 'cell', time.monotonic()
            try:
                if kind == 'hidden':
                    held.append((cell, open_sockets.enter_context(copy_of(child.sock, limits.cell_seconds))))
                else:
                    reply = (run_check(child, cell, seconds, oracle) if kind == 'check' else
                             child.run(kind, cell.source, seconds, lessons=cell.source in lessons))
                    found[cell.id] = as_outcome(cell.id, reply, seconds, most, kind == 'check')
            except (Gone, OSError) as e:
                how = str(e) if isinstance(e, Gone) else child.end()
                secs, said = time.monotonic() - start, [failed('ProcessEnded', how)]
                found[cell.id] = Outcome(cell.id, said, secs, f'ended its process: {how}',
                                         'the other cells ran again without this one', fatal=True)
                return False
        for cell, sock in held:
            seconds = min(limits.cell_seconds, max(1, until - time.monotonic()))
            with sock: reply = ask_hidden(sock, child, cell, seconds, oracle, private)
            found[cell.id] = as_outcome(cell.id, reply, seconds, most, True)
    if oracle and todo:
        last, left = found[todo[-1].id], max(1, until - time.monotonic())
        last.watch = '; '.join(filter(None, (last.watch, watched(child, min(limits.cell_seconds, left)))))
    return True

def play(cells, library, blocked=(), limits=Limits(), sandbox=True, imports=(), progress=None,
         package='tinybench', files=None) -> list:
    "Run the code cells of a notebook, with `files` ({path: base64}) beside them, each to an `Outcome`."
    with Warm(library, blocked, imports, roomy(limits, cells), sandbox, package=package) as warm:
        return play_in(warm, cells, progress=progress, files=files)

NOT_RUN = 'not run: the submission had used up its time'

def play_in(warm, cells, seconds=None, progress=None, oracle=None, files=None, private=None,
            shared=None) -> list:
    """Run the cells in a child of `warm`; where one ends it, the others run again in a new one without it.
    Checks that an `oracle` knows go by value; hidden ones see the `private` files too."""
    todo = [c for c in cells if c.cell_type == 'code' and c.source.strip()]
    if shared is None: shared = lesson_names(cells)
    found, until = {}, time.monotonic() + (seconds or warm.limits.submission_seconds)
    for _ in range(len(todo) + 3):
        try: child = Child(warm, files, shared)
        except Gone: continue
        try:
            if one_run(child, todo, found, until, progress, oracle, private): break
        finally: child.end()
    return [found.get(c.id) or Outcome(c.id, [failed('NotRun', NOT_RUN)], error=NOT_RUN) for c in todo]
