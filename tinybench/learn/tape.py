"In which order the functions of a training step run: image by image, and where all have to wait"
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from ..emit.place import INPUT, Place
from ..emit.text import indent, plus, wrapped


WEIGHTS, GRADIENTS = -2, -3    # stores: the flat vector of parameters, and that of gradients

@dataclass
class Buffer:
    "Memory in the arena: `size` numbers in all, `per` of them for each image, or 0 if it is for all of them."
    size: int
    per: int
    kept: bool              # nobody else may use it, before and after
    life: list = field(default_factory=list)    # first and last stage
    offset: int = 0

@dataclass
class Call:
    "A call of a C function, `per` image, per chunk of images, per share of a thread, or once in all."
    name: str
    args: list              # places, numbers, and text, in which {n} is an image, {chunk} how many there are
    per: str

@dataclass
class Stage:
    "Calls that a thread makes for its own images, some at a time, or that one thread makes for all."
    calls: list = field(default_factory=list)
    once: bool = False
    share: bool = False     # all images of a thread at a time

class Weight(NamedTuple):
    "A parameter: where it begins in the flat vector, its shape, and whether it learns or is frozen."
    start: int
    shape: tuple
    learns: bool = True

class Tape:
    "Takes the calls of a training step in their order, and writes the C that makes them."
    def __init__(self, batch:int, threads:int, chunk:Callable, given:int):
        self.given = given      # numbers of an image of the caller's
        self.batch, self.threads, self.share, self.chunk_of = batch, threads, batch//threads, chunk
        self.buffers, self.stages, self.functions, self.clear = [], [], {}, False
    def buffer(self, per:int=0, size:int=0, kept:bool=False) -> int:
        "A new buffer, of `per` numbers an image or of `size` in all; its number."
        self.buffers.append(Buffer(size or per*self.batch, per, kept))
        return len(self.buffers) - 1
    def function(self, name:str, text:str):
        # inlined into each stage that calls them they would take a compiler four times as long
        self.functions.setdefault(name, text.replace('\nstatic void ', '\nALONE void '))
    def call(self, per:str, name:str, *args):
        "Add a call; a new stage begins where this one cannot stand beside those before it."
        now = self.stages[-1] if self.stages else Stage(once=per != 'once')
        fits = now.once == (per == 'once') and not (now.share and per == 'chunk')
        if per == 'share' and not now.share: fits = fits and not any(c.per == 'chunk' for c in now.calls)
        if not self.stages or not fits: self.stages.append(now := Stage(once=per == 'once'))
        now.share |= per == 'share'
        now.calls.append(Call(name, list(args), per))
        for a in args:
            if isinstance(a, Place) and a.store >= 0:
                life = self.buffers[a.store].life
                life[:] = [life[0] if life else len(self.stages) - 1, len(self.stages) - 1]
    def lives(self) -> tuple[dict, dict]:
        "Sizes and lives of all buffers; those that are kept live all the time."
        last = len(self.stages)
        sizes = {i: -(-b.size//16)*16 for i, b in enumerate(self.buffers)}
        always = {i: b.kept or not b.life for i, b in enumerate(self.buffers)}
        return sizes, {i: (0, last) if always[i] else tuple(b.life) for i, b in enumerate(self.buffers)}
    def pointer(self, p:Place, image:str) -> str:
        "Where the place `p` begins; for a value of each image that of the number `image`."
        if p.store == INPUT: return plus('s->x', p.offset, f'{image}*{self.given}')
        if p.store == WEIGHTS: return plus('s->w', p.offset)
        if p.store == GRADIENTS: return plus('g', p.offset)
        b = self.buffers[p.store]
        return plus('s->arena', b.offset + p.offset, f'{image}*{b.per}' if b.per else 0)
    def said(self, c:Call, image:str, chunk:int) -> list:
        "The lines of a call."
        def text(a):
            if isinstance(a, Place): return self.pointer(a, image)
            return a.format(n=image, chunk=chunk) if isinstance(a, str) else str(int(a))
        return wrapped(f'{c.name}({", ".join(map(text, c.args))});')
    def chunk(self, stage:Stage) -> int:
        "How many images at a time: as many as stay in the cache."
        if stage.share: return self.share
        seen = {a.store for c in stage.calls for a in c.args if isinstance(a, Place) and a.store >= 0}
        return self.chunk_of(self.share, sum(self.buffers[i].per for i in seen))
    def lines(self, stage:Stage, chunk:int) -> list:
        "The calls of a stage for the images from `a` on; those for each image in a loop."
        lines = []
        for each, calls in groupby(stage.calls, lambda c: c.per == 'image'):
            said = [line for c in calls for line in self.said(c, 'n' if each else 'a', chunk)]
            lines += [f'for (int n = a; n < a + {chunk}; n++) {{', *indent(said), '}'] if each else said
        return lines
    def stage(self, k:int, stage:Stage) -> str:
        "The function of a stage."
        if stage.once:
            lines = [line for c in stage.calls for line in self.said(c, '0', self.batch)]
            return self.body(k, ['float *const g = s->g;', '(void)g;', *lines], '')
        lines = self.lines(stage, chunk := self.chunk(stage))
        loop = [f'for (int a = t*{self.share}; a < (t + 1)*{self.share}; a += {chunk}) {{',
                *indent([f'const int first = a == t*{self.share};', '(void)first;', *lines]), '}']
        own = 'float *const g = t ? s->more + (t - 1)*(size_t)SIZE : s->g;'
        return self.body(k, [own, '(void)g;', *loop], ', const int t')
    def body(self, k:int, lines:list, more:str) -> str:
        return '\n'.join(['', f'static void stage_{k}(const Step *s{more})', '{', *indent(lines), '}', ''])
    def code(self) -> str:
        "All functions, and one that runs the stages in order; threads wait for each other between them."
        texts = [*self.functions.values(), *(self.stage(k, st) for k, st in enumerate(self.stages))]
        own = 'if (t) memset(s->more + (t - 1)*(size_t)SIZE, 0, sizeof(float)*SIZE);'
        calls = [own] if self.clear and self.threads > 1 else []
        wait = ['together(s);'] if self.threads > 1 else []     # another stage may use the memory of this one
        for k, st in enumerate(self.stages):
            alone = f'stage_{k}(s);' if self.threads == 1 else f'if (t == 0) stage_{k}(s);'
            calls += [alone if st.once else f'stage_{k}(s, t);', *wait]
        if wait: calls.append('if (t == 0) gathered(s);')
        comment, head = '/* the loss, and all gradients */', 'void gradients(const Step *s, const int t)'
        return ''.join(texts) + '\n'.join(['', comment, head, '{', *indent(['(void)t;', *calls]), '}', ''])
