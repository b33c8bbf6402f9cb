"Stores share memory and never meet; the arena is as small as what is live at once."
import numpy as np
import pytest
from mcukit import official_plan
from tinybench.mcu.arena import height, tight_fit
from tinybench.native.plan import first_fit, least

def check(sizes, lives):
    places = tight_fit(sizes, lives)
    assert {*places} == {*sizes} and min(places.values()) >= 0
    for i in sizes:
        for j in sizes:
            together = i < j and lives[i][0] <= lives[j][1] and lives[j][0] <= lives[i][1]
            assert not together or places[i] + sizes[i] <= places[j] or places[j] + sizes[j] <= places[i]
    return height(places, sizes)

def test_random_stores():
    "Never larger than first fit; nearly always the least there can be, which first fit often misses."
    r, tight, first = np.random.default_rng(0), 0, 0
    for _ in range(100):
        n = r.integers(1, 20)
        sizes = {i: int(s) for i, s in enumerate(r.integers(1, 50, n))}
        lives = {i: (int(a), int(a + b)) for i, (a, b) in enumerate(zip(r.integers(0, 15, n), r.integers(0, 4, n)))}
        got, goal, plain = check(sizes, lives), least(sizes, lives), height(first_fit(sizes, lives), sizes)
        assert goal <= got <= plain
        tight, first = tight + (got == goal), first + (plain == goal)
    assert tight >= 95 and first < tight

def test_the_same_each_time():
    sizes, lives = {0: 3, 1: 5, 2: 4, 3: 6}, {0: (0, 1), 1: (1, 2), 2: (2, 3), 3: (0, 3)}
    assert tight_fit(sizes, lives) == tight_fit(sizes, lives) and tight_fit({}, {}) == {}

@pytest.mark.parametrize('task', ['kws', 'ic', 'vww', 'ad'])
def test_official_networks_have_the_least_there_can_be(task, reference_dir):
    p = official_plan(task, reference_dir)[0]
    assert check(p.sizes, p.lives) == least(p.sizes, p.lives)
