"Blocks of a plan's products chosen by trying them"
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple
import numpy as np

from ..toolchain.compiler import find_compiler
from ..toolchain.cpu import cpu_key
from ..toolchain.store import NoLibrary, fingerprint, keep, kept
from .place import image
from .steps import Step, rows_of


class Ideas(NamedTuple):
    "What the lessons contribute: blocks worth a trial, which of several functions is fastest, a compiler."
    candidates: Callable    # (pixels, outputs, target) -> blocks
    fastest: Callable       # {key: function} -> key; the first if no other is surely faster
    compiled: Callable      # (plan, say) -> function of an input

def products(p) -> list[Step]: return [s for s in p.layout.steps if s.block]

def with_blocks(p, blocks:list):
    "The plan `p` once more, its products with these blocks; not compiled."
    left = iter(blocks)
    steps = [replace(s, block=tuple(next(left)), packed=None) if s.block else s for s in p.layout.steps]
    return type(p)(replace(p.layout, steps=steps), p.target, p.name, threads=p.threads)

def alone(p, s:Step, block:tuple):
    "A plan that does nothing but the product `s` of `p`, with this block, where `p` reads and writes."
    layout = replace(p.layout, steps=[replace(s, block=block, packed=None)], last=0)    # 0: no result
    return type(p)(layout, p.target)

def tried(p, s:Step, ideas:Ideas, say) -> tuple:
    "The fastest block of one product."
    r, calls = rows_of(s, *(image(p.layout.places[v]) for v in (s.ins[0], s.out))), {}
    for block in dict.fromkeys([s.block, *ideas.candidates(r.pixels, r.outputs, p.target)]):
        q = alone(p, s, block)
        q.run = ideas.compiled(q, say)
        q.arena[:] = 1      # numbers that cost what numbers cost: neither zeros nor what was there
        calls[block] = partial(q, np.ones(q.takes, q.dtype))
    return ideas.fastest(calls)

def chosen(p, ideas:Ideas, say, progress) -> list:
    "The blocks of the products of `p`, each tried alone; those that it has if all together are not faster."
    blocks, known, todo = [], {}, products(p)
    for done, s in enumerate(todo, 1):
        same = alone(p, s, s.block).source()
        if same not in known: known[same] = tried(p, s, ideas, say)
        blocks.append(known[same])
        if progress: progress(done, len(todo))
    q, x = with_blocks(p, blocks), np.ones(p.takes, p.dtype)
    q.run = ideas.compiled(q, say)
    won = ideas.fastest(dict(counted=partial(p, x), tried=partial(q, x)))
    return blocks if won == 'tried' else [s.block for s in todo]

def measured(p, ideas:Ideas, say:Callable, progress:Callable|None=None):
    """The compiled plan `p`, or one with blocks that were found to be faster here; what was found is kept.
    `progress` is called with (products done, all)."""
    cc, had = find_compiler(), [s.block for s in products(p)]
    key = fingerprint('blocks 1', p.source(), cpu_key(), *cc.command, cc.version, str(p.threads))
    if path := kept(key, '.json'): blocks = [tuple(b) for b in json.loads(path.read_bytes())]
    else:
        blocks = chosen(p, ideas, say, progress)
        try: keep(key, '.json', json.dumps(blocks).encode(), say)
        except NoLibrary as e: say(f'{e}; the blocks that were found are not kept')
    if blocks == had: return p
    q = with_blocks(p, blocks)
    q.run = ideas.compiled(q, say)
    return q
