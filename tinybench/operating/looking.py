"Looking before the end: what several looks at one comparison find, and what they cost"
from collections.abc import Iterator
from functools import partial
import numpy as np
from tinybench.measure.looks import Look, look, look_ends
from .alarms import QUIET
from .rows import Case, by_try
from .worlds import World, busy, in_turns

MOST = 202                # rounds that 10 s have for samples of 20 ms

def last_look(world:World, slower:float, rng:np.random.Generator, most:int=MOST) -> Look:
    "The look that decides, or the last one, at a job that is `slower` than another."
    base, job = np.log(in_turns(world, rng, most, (0., slower)))
    for n in look_ends(most):
        found = look(job[:n] - base[:n], most)
        if found.decided: break
    return found

def leans(slower, rng): return last_look(busy(.02), slower, rng).leans != 0
def pairs_used(slower, rng): return last_look(busy(.02), slower, rng).n/MOST
def wrongly_same(rng): return last_look(QUIET, .02, rng).same

def cases() -> Iterator[Case]:
    part = f'Five looks at up to {MOST} rounds, on a busy machine'
    yield Case(part, 'nothing: called different at some look', by_try(partial(leans, 0.)), 0, .055, 1000, 4)
    yield Case(part, '3% slower: found', by_try(partial(leans, .03)), .8, 1, 600, 4)
    for slower, share in ((.03, .75), (.1, .3)):
        yield Case(part, f'{100*slower:g}% slower: share of the rounds used',
                   by_try(partial(pairs_used, slower)), 0, share, 600, 4)
    yield Case(part, 'slower by the whole band: called the same at some look', by_try(wrongly_same),
               0, .055, 1000, 4)
