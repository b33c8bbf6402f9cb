"An arena as small as can be: stores placed in other orders than the largest first, until no order is better"
import numpy as np

from ..native.plan import first_fit, least


TRIES = 1000

def lowest_in(order:list, sizes:dict, lives:dict) -> dict:
    "Where each store begins, placed in this order, each at the lowest place that is free all its life."
    places = {}
    for i in order:
        (a, b), at = lives[i], 0
        beside = [j for j in places if lives[j][0] <= b and a <= lives[j][1]]
        for low, high in sorted((places[j], places[j] + sizes[j]) for j in beside):
            if at + sizes[i] <= low: break
            at = max(at, high)
        places[i] = at
    return places

def height(places:dict, sizes:dict) -> int: return max((places[i] + sizes[i] for i in places), default=0)

def tight_fit(sizes:dict, lives:dict) -> dict:
    """Where each store begins. The largest first, as plans have it; if that leaves a gap, orders near to it,
    the same in each call, until the arena is as small as what is live at once."""
    best, goal = first_fit(sizes, lives), least(sizes, lives)
    order = sorted(sizes, key=lambda i: (-sizes[i], i))
    rng, tries = np.random.default_rng(0), 0
    while height(best, sizes) > goal and tries < TRIES:
        tries += 1
        a, b = rng.integers(len(order), size=2)
        other = order[:]
        other.insert(b, other.pop(a))
        places = lowest_in(other, sizes, lives)
        if height(places, sizes) <= height(best, sizes): best, order = places, other
    return best
