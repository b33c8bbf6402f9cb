"Simulated machines: how long equal jobs take one after another, from calm worlds to wicked ones"
import math
from collections.abc import Callable
from dataclasses import dataclass
import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtri


@dataclass(frozen=True)
class World:
    "A machine by the logarithms of the times of equal jobs, in units of a job's usual time."
    name: str
    noise: Callable           # (rng, shape (runs, slots)) -> logarithms, in time order along the last axis
    median: float|None = 0.   # of the logarithms; None: found by simulation
    ticks: int = 0            # of the clock in a job of usual length; 0: the clock is fine
    def seen(self, logs:np.ndarray) -> np.ndarray:
        "What the clock says of jobs that take `logs`: whole ticks if it is coarse, at least one."
        return np.log(np.maximum(np.rint(self.ticks*np.exp(logs)), 1)/self.ticks) if self.ticks else logs


def white(sd:float) -> Callable: return lambda rng, shape: rng.normal(0, sd, shape)

def wandering(sd:float, rho:float) -> Callable:
    "A mood that each slot takes over from the one before by `rho` (AR(1)), stationary from the first."
    def noise(rng, shape):
        steps = rng.normal(0, sd*math.sqrt(1 - rho*rho), shape)
        steps[:, 0] = rng.normal(0, sd, shape[0])
        return lfilter([1.], [1., -rho], steps, axis=-1)
    return noise

def drifting(times:float) -> Callable:
    "Slower and slower, evenly, by `times` in all."
    return lambda rng, shape: np.broadcast_to(np.linspace(0, math.log(times), shape[1]), shape)

def interrupted(share:float, times:float) -> Callable:
    "A `share` of the slots take so many times as long."
    return lambda rng, shape: np.log(times)*(rng.random(shape) < share)

def two_speeds(times:float, switch:float) -> Callable:
    "Two clock rates, `times` apart, changed after a slot with probability `switch`."
    def noise(rng, shape):
        flips = rng.random(shape) < switch
        flips[:, 0] = rng.random(shape[0]) < .5
        return np.log(times)*(flips.cumsum(-1) % 2)
    return noise

def long_tail(scale:float, power:float) -> Callable:
    return lambda rng, shape: np.log1p(scale*rng.pareto(power, shape))

def together(*noises:Callable) -> Callable:
    return lambda rng, shape: sum(noise(rng, shape) for noise in noises)


CALM = World('calm', white(.1))
WORLDS = (
    CALM,
    World('leaning .3', wandering(.1, .3)),
    World('leaning .6', wandering(.1, .6)),
    World('leaning .9', wandering(.1, .9)),
    World('drift of 30%', together(drifting(1.3), white(.05)), math.log(1.3)/2),
    World('interrupted', together(white(.02), interrupted(.05, 3)), .02*float(ndtri(.5/.95))),
    World('two speeds', together(two_speeds(1.4, 1/20), white(.01)), math.log(1.4)/2),
    World('long tail', long_tail(.1, 1.5), math.log1p(.1*(2**(1/1.5) - 1))),
    World('5 ticks', white(.1), 0., 5),
    World('100 ticks', white(.003), 0., 100),
    World('all at once', together(two_speeds(1.2, 1/20), wandering(.05, .6), drifting(1.1),
                                  interrupted(.05, 3)), None))
MOODY = World('mood and jitter', together(wandering(.08, .95), white(.06)))   # of one series

def busy(secs:float) -> World:
    "A machine in use, at `secs` a sample: 10% noise that leans by .3, interruptions, a mood of 2 seconds."
    slow = math.exp(-secs/2)
    noise = together(wandering(.1, .3), interrupted(.05, 3), wandering(.03, slow))
    return World(f'busy, {1000*secs:g} ms', noise, None)


def in_turns(world:World, rng:np.random.Generator, rounds:int, slower=(0., 0.)) -> np.ndarray:
    """Seconds of jobs that took turns in fresh random order, (jobs, rounds), around a millisecond each;
    `slower` has by how much of its time each job is slower, as .05."""
    jobs = len(slower)
    slots = world.noise(rng, (1, jobs*rounds)).reshape(rounds, jobs)
    order = rng.permuted(np.tile(np.arange(jobs), (rounds, 1)), axis=1)      # which slot each job has
    logs = np.take_along_axis(slots, order, 1) + np.log1p(slower)
    return 1e-3*np.exp(world.seen(logs)).T

def series(world:World, rng:np.random.Generator, n:int) -> np.ndarray:
    "Seconds of `n` jobs one after another, around a millisecond each."
    return 1e-3*np.exp(world.seen(world.noise(rng, (1, n))[0]))

def true_median(world:World, n:int) -> float:
    "The median of the seconds of `series`, over all machines of that kind."
    if world.median is not None: return 1e-3*math.exp(world.median)
    logs = world.seen(world.noise(np.random.default_rng(0), (max(400_000//n, 100), n)))
    return 1e-3*math.exp(float(np.median(logs)))
