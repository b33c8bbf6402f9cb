"The process of the checks: it has run the teacher's lesson, and asks a student's process for values"
import os, socket, threading, time
from contextlib import ExitStack
from ..cells import CourseError, named
from .shell import failed
from .spaces import this_cpu
from .worker import Child, Gone, ask, copy_of, for_whom, order, readable, told


class Oracle:
    "A child of `warm` in which the solved lesson of `plan` runs once, held before each exercise."
    def __init__(self, warm, plan, files=None):
        self.plan, self.files, self.limits, self.held, self.open = plan, files, warm.limits, {}, ExitStack()
        self.lock = threading.Lock()
        self.child = Child(warm, files)
        self.open.callback(self.child.end)
        try: self.walk(plan['cells'], {k['at'] for k in plan['checks'].values()})
        except BaseException:
            self.close()
            raise
    def walk(self, cells, starts):
        "Run the lesson up to its last exercise, with a copy of the process where an exercise begins."
        try:
            for c in cells:
                if c['id'] in starts: self.hold(c)
                self.child.run('cell', c['source'], self.limits.submission_seconds)
        except Gone as e: raise CourseError(f'The solved lesson ends at its cell {c["id"]}: {e}.') from None
    def hold(self, c):
        "Keep a copy of the process as it is before the exercise `c`, which knows its solution's signature."
        copied = copy_of(self.child.sock, self.limits.submission_seconds)
        held = self.held[c['id']] = self.open.enter_context(copied)
        reply = ask(held, self.child.key, 'solved', c['source'], self.limits.cell_seconds, names=c['names'])
        if reply.get('held') is not True:
            raise CourseError(f'The solution {c["id"]} does not run: {reply["outputs"][-1].get("evalue")}')
    def judge(self, name, serve, seconds) -> dict:
        "What comes of the check `name` on a student's process, which `serve(fd, **more)` has answer."
        more = dict(given=self.plan['given'], cpu=this_cpu())
        check, start, nonce = self.plan['checks'][name], time.monotonic(), os.urandom(8).hex()
        try:
            with self.lock: copied = copy_of(self.held[check['at']], 2*seconds)
        except OSError: raise CourseError('The process that runs checks has ended. Run it again.') from None
        with copied as sock:
            ours, theirs = socket.socketpair()
            with ours, theirs:
                request = dict(kind='judge', source=check['source'], between=check['between'],
                               seconds=seconds, nonce=nonce, visible=not check['hidden'], **more)
                order(sock, request, ours.fileno())
                ours.close()
                answered = serve(theirs.fileno(), **more)
            left = max(1., start + seconds + 1 - time.monotonic())
            verdict = told(sock, self.child.key, nonce, 10) if readable(sock, left) else None
        if verdict is None:
            late = time.monotonic() - start >= seconds
            what = 'ProcessEnded', 'what your code returned was too much for the check'
            if late: what = 'TimeoutError', f'stopped after {seconds:g} s'
            verdict = dict(outputs=[failed(*what)])
        printed = [o for o in answered['outputs'] if isinstance(o, dict) and o.get('output_type') == 'stream']
        noted = for_whom(answered.get('note'), verdict.get('note'))
        return verdict | noted | dict(outputs=printed + verdict['outputs'], stopped=False)
    def knows(self, cell) -> bool: return named(cell) in self.plan['checks']
    def close(self): self.open.close()
