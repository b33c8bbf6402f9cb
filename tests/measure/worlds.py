"""Simulated machines: the log times of equal jobs, slot by slot in time order, for as many runs as you like.

A round has a slot for each of those compared, and a fair coin says who gets which. A slower one's log time has
the effect added. `WORLDS` are the eleven of the false alarms; everything random comes from the Generator passed in."""
import math
import numpy as np
from scipy.signal import lfilter

def wander(rng, runs, slots, rho, sd):
    "A stationary walk that forgets: each slot leans by `rho` on the one before."
    x = rng.normal(0, sd*math.sqrt(1 - rho*rho), (runs, slots))
    x[:, 0] = rng.normal(0, sd, runs)
    return lfilter([1], [1, -rho], x, axis=1)

def spikes(rng, runs, slots, share=.05, times=3): return math.log(times)*(rng.random((runs, slots)) < share)

def two_speeds(rng, runs, slots, apart=1.4, switch=1/20):
    start, turns = rng.integers(0, 2, (runs, 1)), rng.random((runs, slots)) < switch
    return math.log(apart)*((start + np.cumsum(turns, 1)) % 2)

def climb(slots, by=1.3): return np.linspace(0, math.log(by), slots)

def iid(rng, runs, slots): return rng.normal(0, .1, (runs, slots))
def ar3(rng, runs, slots): return wander(rng, runs, slots, .3, .1)
def ar6(rng, runs, slots): return wander(rng, runs, slots, .6, .1)
def ar9(rng, runs, slots): return wander(rng, runs, slots, .9, .1)
def drift(rng, runs, slots): return climb(slots) + rng.normal(0, .05, (runs, slots))
def spiky(rng, runs, slots): return rng.normal(0, .02, (runs, slots)) + spikes(rng, runs, slots)
def speeds(rng, runs, slots): return two_speeds(rng, runs, slots) + rng.normal(0, .01, (runs, slots))
def tail(rng, runs, slots): return np.log(1 + .1*rng.pareto(1.5, (runs, slots)))
def still(rng, runs, slots): return rng.normal(0, .003, (runs, slots))
def everything(rng, runs, slots):
    return (wander(rng, runs, slots, .6, .05) + climb(slots, 1.1) + spikes(rng, runs, slots)
            + two_speeds(rng, runs, slots, 1.2))
def ar_white(rng, runs, slots): return wander(rng, runs, slots, .95, .08) + rng.normal(0, .06, (runs, slots))
def moody(rng, runs, slots, secs=.02):
    "10% noise that leans by .3, spikes, and a slow mood of the machine: 3%, remembered for two seconds."
    return (wander(rng, runs, slots, .3, .1) + spikes(rng, runs, slots)
            + wander(rng, runs, slots, math.exp(-secs/2), .03))

WORLDS = dict(iid=iid, ar3=ar3, ar6=ar6, ar9=ar9, drift=drift, spikes=spiky, speeds=speeds, tail=tail,
              ticks5=iid, ticks100=still, everything=everything)
TICKS = dict(ticks5=5, ticks100=100)                    # how many ticks of the clock a job takes, where that is coarse

def log_ratios(name, rng, runs, n, effect=0., worlds=WORLDS):
    "d of `n` pairs in each of `runs` (runs, n): log time of the one that is slower by `effect`, less the other's."
    slots, first = worlds[name](rng, runs, 2*n).reshape(runs, n, 2), rng.integers(0, 2, (runs, n, 1))
    a, b = (np.take_along_axis(slots, i, 2)[..., 0] for i in (first, 1 - first))
    a = a + math.log1p(effect)
    if ticks := TICKS.get(name): a, b = (np.log(np.maximum(np.rint(ticks*np.exp(x)), 1)) for x in (a, b))
    return a - b
