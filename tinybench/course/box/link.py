"Requests and answers between the process of a check and that of the answer, one at a time and nested"
# Standard library only, and numpy where the lesson has it: this runs inside the walls.
import io, itertools, struct, threading, traceback, warnings, weakref
from .handles import DEEDS, Handle, deeds_of, do, kind_with, may_be_done
from .messages import decode as from_json, encode as to_json
from .pickled import Unpickler, crosses, pickled
from .plain import MOST_HEAD, MOST_RAW, Decoder, Encoder, Told, look_up, numpy
from .shared import Known
from .shell import own_part


def how_taken() -> tuple:
    "What numpy's errors and Python's warnings do."
    return numpy().geterr() if numpy() else {}, [*warnings.filters]

class Broken(BaseException): "The other process is gone, or says what is none of the things that may be said."

MOST_PARTS, COUNT = 100_000, struct.Struct('>I')

class Letters:
    "Messages of several parts through a socket: their number, their lengths, and then they."
    def __init__(self, sock): self.sock, self.came = sock, bytearray()   # what is read and not yet asked for
    def send(self, *parts):
        lengths = struct.pack(f'>I{len(parts)}Q', len(parts), *map(len, parts))
        self.sock.sendall(b''.join((lengths, *parts)))
    def wait_for(self, n):
        "Read until `n` bytes are there; one call reads a short message whole."
        while (missing := n - len(self.came)) > 0:
            if not (more := self.sock.recv(min(max(1 << 13, missing), 1 << 20))):
                raise Broken('your code ended the process that it ran in, or its connection')
            self.came += more
    def receive(self, most=(MOST_HEAD, MOST_RAW)) -> list:
        self.wait_for(COUNT.size)
        n, = COUNT.unpack_from(self.came)
        if not 0 < n <= MOST_PARTS: raise Broken('your code wrote to the check itself')
        self.wait_for(start := COUNT.size + 8*n)
        lengths = struct.unpack_from(f'>{n}Q', self.came, COUNT.size)
        if lengths[0] > most[0] or sum(lengths[1:]) > most[1]:
            raise Broken('your code returned more than can be looked at here')
        self.wait_for(start + sum(lengths))
        ends = [*itertools.accumulate(lengths, initial=start)]
        with memoryview(self.came) as came: parts = [bytes(came[a:b]) for a, b in itertools.pairwise(ends)]
        del self.came[:ends[-1]]
        return parts

class Link:
    "What both ends have: one request at a time, and others within it."
    depth, judging = 0, False
    felt, called_with = None, ()
    def __init__(self, sock, given, names):
        self.usual = how_taken()
        self.letters, self.given, self.names, self.stands = Letters(sock), given, names, {}
        self.known, self.lock = Known(given), threading.RLock()
    def ask(self, at, deed, args=(), named={}):
        "Have something done over there; its value, or the error that it ends in."
        with self.lock:
            self.depth += 1
            if deed == 'call' and type(at) is tuple: self.called_with = *args, *named.values()
            try:
                passed = self.send(['ask', at, deed, args, named])
                while (came := self.receive())[0] == 'ask': self.do(*came[1:])
            finally:
                self.depth -= 1
                if not self.depth: self.called_with = ()
            if not self.judging: self.known.forget(passed)
            if came[0] == 'tell': return came[1]
            if self.judging and isinstance(came[1], StopIteration): self.stop(at, deed)
            raise came[1]
    def do(self, at, deed, args, named):
        "Do what was asked, and tell what came of it."
        self.depth += 1
        try:
            try: said = ['tell', self.deed(at, deed, args, named)]
            except Broken: raise
            except BaseException as e: said = ['raise', e]
        finally: self.depth -= 1
        try: self.send(said)
        except (Broken, OSError): raise
        except Exception as e: self.send(['raise', TypeError(f'what came of it cannot cross: {e}'[:300])])
        if self.judging: self.known.forget(self.passed.pop())   # what a function of the check was called with

class Judge(Link):
    "The end of the check: what comes is data, and is checked; what goes is the check's own, and pickled."
    broken, refused, asked, written = None, '', '', frozenset()
    catches, writes, wrote = True, True, False   # what the solution may do, and whether the answer did
    def __init__(self, sock, given, names=None):
        super().__init__(sock, given, names)
        self.judging, self.passed, self.lends = True, [], {}
        self.told = weakref.WeakValueDictionary()   # the arrays that came, while the check has them
        self.lent, self.lent_at, self.handles, self.raised = [], {}, weakref.WeakValueDictionary(), []
    def send(self, message):
        if self.broken: raise self.broken
        drop = self.known.alone()
        if self.depth <= 1 and message[0] == 'ask' and not self.handles:   # nobody over there holds anything
            drop = [*self.known.things]
            self.lent.clear(), self.lent_at.clear()
        self.known.forget(drop)
        changes = self.known.changed()
        if message[0] == 'raise': message = ['raise', *self.lend_error(message[1])]
        if message[0] == 'ask': message = [*message, self.mood()]
        data = pickled([changes, message], self)
        n = self.known.find(as_values(changes) + message[1:5])
        try: self.letters.send(''.join(to_json([drop, n], 0)).encode(), data)
        except OSError: self.ends('your code ended the process that it ran in, or its connection')
    def mood(self):
        "How numpy and Python take what is doubtful, where a check has changed it; None where not."
        now = how_taken()
        return None if now == self.usual else now
    def stop(self, at, deed):
        "As in a generator, what is called has no say in where a loop of the check ends, `map(f, xs)` say."
        name = self.handles[at]._name if at in self.handles else ''
        if deed == 'next' or name == 'builtin_function_or_method': return   # that one is a generator's `send`
        raise RuntimeError('your code raised StopIteration') from None
    def ends(self, why):
        self.broken = self.broken or Broken(why)
        raise self.broken
    def lend_error(self, e):
        self.raised.append(e)
        return e if crosses(e, self.given) else self.builtin(e), len(self.raised) - 1
    def builtin(self, e):
        cls = next(c for c in type(e).__mro__ if c.__module__ == 'builtins')
        try: return cls(*map(str, e.args))
        except Exception: return Exception(str(e))
    def receive(self):
        try: return self.received(*self.letters.receive())
        except OSError: self.ends('your code ended the process that it ran in, or its connection')
        except Broken as e: self.ends(str(e))
    def received(self, head, *raw):
        try:
            message, changes = from_json(head.decode(), 0)[0]
            lent = self.lent.__getitem__
            decoder = Decoder(raw, self.known.thing, self.handle, lent, self.given, self.told)
            new = [(n, decoder.take(v)) for n, v in changes]
            for n, v in new:
                self.known.thing(n)
                self.known.change(n, v)
            self.wrote |= any(self.known.things[n][1] == 'array' and
                              any(self.known.thing(n) is x for x in self.called_with) for n, _ in new)
            self.known.find(as_values([(n, self.known.things[n][1], v) for n, v in new]))
            kind, *rest = message
            if kind == 'tell': return 'tell', decoder.take(rest[0])
            if kind == 'raise': return 'raise', self.error(decoder, *rest)
            at, deed, args, named = rest
            if kind == 'ask' and type(at) is int and type(deed) is str:
                args, named = tuple(decoder.all(args, 0)), decoder.pairs(named, 0)
                first = self.known.next
                self.passed.append(range(first, self.known.find([*args, *named.values()])))
                return 'ask', at, deed, args, named
        except Exception as e:
            raise Broken(f'what your code returned cannot be looked at: {str(e)[:200]}') from None
        raise Broken('your code wrote to the check itself')
    def handle(self, at, name, deeds):
        if type(at) is not int or type(name) is not str: raise ValueError('a handle of nothing')
        if at not in self.handles:
            new = kind_with(tuple(d for d in map(str, deeds) if d in DEEDS), True)(self, at, name[:80])
            self.handles[at] = new
            return new
        return self.handles[at]
    def error(self, decoder, classes, args, text, trace, own):
        "The error that came: one that a function of the check has raised, or one of the same kind."
        if own is not None: return self.raised[own]
        found = [look_up(str(m), str(n), self.given) for m, n in classes]
        cls = next((c for c in found if isinstance(c, type) and issubclass(c, BaseException)), Exception)
        try:
            e = cls(*decoder.all(args, 0))
            if str(e) != text: e = cls(text)
        except Exception: e = Exception(text)
        e.there = [str(line)[:300] for line in trace][:60]
        return e
    def deed(self, at, deed, args, named):
        if not 0 <= at < len(self.lent): raise ValueError('it is gone')
        x = self.lent[at]
        if deed == 'get' and args == ('__dict__',) and type(x).__module__ == '__main__': return dict(vars(x))
        if not may_be_done(x, deed, args):
            raise AttributeError(f'{args[0] if args else deed!r} is not for the answer')
        return do(x, deed, args, named)
    def lend(self, x):
        if id(x) not in self.lent_at:
            self.lent_at[id(x)] = len(self.lent)
            self.lent.append(x)
        return self.lent_at[id(x)]

def as_values(changes) -> list:
    "What may be new in things that have changed."
    inner = dict(list=list, dict=lambda v: [*v.values()], object=lambda v: [*v.values()])
    return [x for _, kind, v in changes if kind in inner for x in inner[kind](v)]

class Answerer(Link):
    "The end of the answer: it does what it is asked, with its own things and with those that it is lent."
    traced = 0
    def __init__(self, sock, given, names):
        super().__init__(sock, given, names)
        self.own, self.own_at, self.odd, self.told = [], {}, set(), Told()
    def send(self, message):
        passed, (kind, *rest) = (), message
        encoder = Encoder(self.known.number, self.leaf, self.given, self.known.arrays, self.told)
        changes = self.known.changed()
        put = [[n, encoder.put(v)] for n, _, v in changes]
        self.known.find(as_values(changes), encoder.handed)
        if kind == 'tell': said = [kind, encoder.put(rest[0])]
        elif kind == 'raise': said = [kind, *self.error(encoder, rest[0])]
        else:
            at, deed, args, named = rest
            by_name = [encoder.put(v) for kv in named.items() for v in kv]
            said = [kind, at, deed, encoder.all(args, 0), by_name]
            self.known.find([*args, *named.values()])
        self.odd |= encoder.odd
        data = ''.join(to_json([said, put], 0)).encode()
        self.letters.send(data, *encoder.raw)
        return passed
    def leaf(self, x):
        if isinstance(x, Handle): return ['lent', x._at]
        if id(x) in self.stands: return ['lent', self.stands[id(x)][0]]
        if id(x) not in self.own_at:
            self.own_at[id(x)] = len(self.own)
            self.own.append(x)
        return ['handle', self.own_at[id(x)], type(x).__name__, list(deeds_of(x))]
    def error(self, encoder, e):
        classes = [[c.__module__, c.__qualname__] for c in type(e).__mro__]
        try: args = encoder.all(e.args, 0)
        except Exception: args = []
        try: text = str(e)[:4000]
        except BaseException as again: text = f'(its message raises {type(again).__name__})'
        return classes, args, text, self.trace(e), getattr(e, 'lent_error', None)
    def receive(self):
        sizes, data = self.letters.receive((1 << 40, 1 << 40))
        drop, n = from_json(sizes.decode(), 0)[0]
        self.known.forget(drop)
        unpickler = Unpickler(io.BytesIO(data))
        unpickler.link = self
        changes, message = unpickler.load()
        for at, _, v in changes: self.known.change(at, v)
        if message[0] == 'raise': message[1].lent_error = message[2]
        if message[0] == 'ask': self.feel(message.pop())
        if self.known.find(as_values(changes) + message[1:]) != n:
            raise ValueError('it is not what came')
        return message
    def trace(self, e):
        self.traced += 1
        try:
            found = traceback.extract_tb(own_part(e.__traceback__), limit=-12)
            # to find out what to underline takes a millisecond, and a check may expect a thousand errors
            if self.traced > 20: found = [(f.filename, f.lineno, f.name, f.line) for f in found]
            return ''.join(traceback.format_list(found)).splitlines()
        except BaseException: return []
    def ask(self, *args):
        if not self.depth: raise RuntimeError('the check waits for nothing: this thread may ask no more')
        return super().ask(*args)
    def feel(self, mood):
        "Take what is doubtful as the check does now."
        if mood == self.felt: return
        self.felt, (errors, filters) = mood, mood or self.usual
        if numpy(): numpy().seterr(**errors)
        warnings.filters[:] = filters
        warnings._filters_mutated()
    def at(self, where):
        if isinstance(where, int): return self.own[where]
        kind, name = where
        if kind == 'of':
            cls = self.at(name)
            return lambda x: isinstance(x, cls)
        try: return self.names[name]
        except KeyError: raise NameError(f'name {name!r} is not defined') from None
    def deed(self, at, deed, args, named): return do(self.at(at), deed, args, named)
    def serve(self):
        "Do what is asked, until the check has ended."
        try:
            while True:
                try: came = self.receive()
                except Exception as e:
                    self.send(['raise', TypeError(f'what a check passed cannot be rebuilt: {e}')])
                else: self.do(*came[1:])
        except (Broken, OSError): pass
