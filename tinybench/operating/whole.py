"`compare` itself, from end to end on a simulated clock: objects, programs that are built anew, and looks"
from collections.abc import Iterator
from functools import partial
import numpy as np
from tinybench.measure.builds import maker
from tinybench.measure.compare import compare
from tinybench.measure.pairs import Rival, leans
from .alarms import QUIET
from .rows import Case, by_try
from .worlds import World, busy, series

MOST = 202                # rounds that 10 s have for samples of 20 ms

class Machine:
    "A machine on which a call takes as long as the world says, and the clock that goes with it."
    def __init__(self, world:World, rng:np.random.Generator, calls:int):
        self.secs, self.rng, self.now, self.done = series(world, rng, calls), rng, 0., 0
    def clock(self) -> float: return self.now
    def call(self, times:float):
        self.now += self.secs[self.done]*times
        self.done += 1
    def job(self, slower:float, placed:float):
        "A function; or if `placed` is above 0 a maker, each of whose builds lies in memory by chance."
        if not placed: return partial(self.call, 1 + slower)
        return maker(lambda: partial(self.call, (1 + slower)*float(np.exp(placed*self.rng.normal()))))

def compared_whole(world, rng, rounds, slower=0., placed=0., **options) -> Rival:
    m = Machine(world, rng, 4*rounds + 100)
    jobs = dict(base=m.job(0., placed), job=m.job(slower, placed))
    options |= dict(repeats=rounds, inner=1, rng=rng, clock=m.clock)
    return compare(jobs, **options)['job']

def different(world, rounds, slower, placed, options, rng):
    return leans(compared_whole(world, rng, rounds, slower, placed, **options).verdict) != 0

LOOKS = dict(until='decided')
def rounds_used(slower, rng): return compared_whole(busy(.02), rng, MOST, slower, **LOOKS).ratio.n/MOST
def same(rng): return compared_whole(QUIET, rng, MOST, .02, **LOOKS).verdict == 'same'

def cases() -> Iterator[Case]:
    part = 'compare itself, from end to end'
    def case(what, least, most, tries, quick, *of, options=LOOKS):
        return Case(part, what, by_try(partial(different, *of, options)), least, most, tries, quick)
    yield case('two objects, equal, 30 rounds', 0, .055, 2000, 20, busy(.02), 30, 0., 0., options={})
    for placed in (.01, .03):
        yield case(f'programs, {100*placed:g}% by how a build lies in memory, equal', 0, .055, 2000, 20,
                   QUIET, 50, 0., placed, options={})
    yield case('programs, 1% by how a build lies in memory, 5% slower: found', .8, 1, 1000, 20,
               QUIET, 50, .05, .01, options={})
    yield case('programs, 1% by how a build lies in memory, equal: different at some look', 0, .055, 1000, 10,
               QUIET, 100, 0., .01)
    what = f'five looks at up to {MOST} rounds'
    yield case(f'{what}, equal: different at some look', 0, .055, 1000, 4, busy(.02), MOST, 0., 0.)
    yield case(f'{what}, 3% slower: found', .8, 1, 600, 4, busy(.02), MOST, .03, 0.)
    for slower, share in ((.03, .75), (.1, .3)):
        yield Case(part, f'{what}, {100*slower:g}% slower: share of the rounds used',
                   by_try(partial(rounds_used, slower)), 0, share, 600)
    yield Case(part, f'{what}, slower by the whole band: called the same at some look', by_try(same),
               0, .055, 1000, 4)
