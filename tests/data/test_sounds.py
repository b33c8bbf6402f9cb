"data.sounds: equal seeds give equal sounds, frequencies are where the model says, faults change what they should; the shipped network."
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from tinybench.data.audio import in_a_row, log_mel
from tinybench.data.sounds import (FAULTS, PARTS, RATE, STRENGTHS, Clip, clicks, clip_scores, clips, drift, healthy, hum, machine,
                                   machine_clips, pink, recording, resonate, sound, squeeze, turned, turning)

def rng(*seed): return np.random.default_rng(seed)
def spectrum(x): return np.fft.rfftfreq(len(x), 1/RATE), np.abs(np.fft.rfft(x*np.hanning(len(x))))
def steady(shaft, secs=2): return turned(np.full(secs*RATE, float(shaft)))


# --- the set

def test_equal_seeds_give_equal_bytes():
    c = Clip('test', 3, 2, 'loose', 2.)
    first = recording(c)
    machine.cache_clear()
    assert first.dtype == np.float32 and first.shape == (32000,) and recording(c).tobytes() == first.tobytes()
    v, made = machine_clips('valid', 2)
    assert v.dtype == np.float32 and v.shape == (16, 61, 128)
    for x, c in zip(v, made): assert (x == log_mel(recording(c))[1:-1]).all()

def test_no_two_clips_are_alike():
    "Not of one machine, not of two parts, not the healthy and the faulty clip of a number."
    some = [recording(c).tobytes() for part in PARTS for c in clips(part, 3)]
    assert len(set(some)) == len(some) == 12 + 24 + 24

@pytest.mark.parametrize('part', PARTS)
def test_a_smaller_part_is_the_beginning_of_the_whole(part):
    whole = clips(part)
    assert clips(part, 7) == whole[:len(clips(part, 7))]
    assert len(whole) == PARTS[part][1]*4*(1 if part == 'train' else 2) and len(set(whole)) == len(whole)

def test_the_test_part_is_balanced():
    assert not any(c.fault for c in clips('train'))
    made = clips('test')
    faults = Counter((c.machine, c.fault, c.strength) for c in made if c.fault)
    assert len(faults) == 4*len(FAULTS)*len(STRENGTHS) and len(set(faults.values())) == 1
    assert Counter(c.fault != '' for c in made) == {True: len(made)//2, False: len(made)//2}

def test_levels_are_those_of_a_recording():
    for c in clips('test', 15):
        x = recording(c)
        assert np.isfinite(x).all() and np.abs(x).max() < 1 and .005 < x.std() < .3, c

def test_words_for_what_is_not_there():
    with pytest.raises(ValueError, match='bearing'): sound(machine(0), rng(0), 'baering')
    with pytest.raises(ValueError, match='valid'): clips('valdi')
    with pytest.raises(ValueError, match='valid'): recording(Clip('valdi', 0, 0))
    with pytest.raises(ValueError, match='0 clips of each machine: at least 1'): machine_clips('test', 0)
    assert machine_clips('test', 1)[0].shape == (8, 61, 128)


# --- the machine

def test_machines_differ_and_stay():
    assert machine(2) is machine(2)
    assert len({round(machine(i).shaft, 6) for i in range(20)}) == 20
    for i in range(200):
        m = machine(i)
        assert 20 < m.shaft < 50 and np.sqrt((m.sizes**2).sum()/2) == pytest.approx(1)
        assert abs(m.bearing - round(m.bearing)) > .2, 'a bearing that clicks at the same place of each turn'
        assert len(m.sizes)*m.shaft*1.1 < RATE/2, 'a harmonic above half of the rate would come back as another'

@pytest.mark.parametrize('shaft', [25., 31.5, 44.])
def test_all_of_a_hum_is_at_multiples_of_the_shaft(shaft):
    at, size = spectrum(hum(steady(shaft), machine(0).sizes))
    off = np.abs(at/shaft - np.round(at/shaft))*shaft > 2
    assert size[off].max() < 1e-3*size.max()
    k = 1 + np.abs(machine(0).sizes).argmax()
    assert at[size.argmax()] == pytest.approx(k*shaft, abs=.5)

@pytest.mark.parametrize('i', range(4))
def test_a_healthy_machine_hums_at_its_speed(i):
    "The largest line of what is inside is the largest harmonic, within the 8 % and the drift that a shaft may have."
    m, q = machine(i), rng(7, i)
    turns = turning(m, 2*RATE, q)
    at, size = spectrum(healthy(m, turns, q))
    k, real = 1 + np.abs(m.sizes).argmax(), (turns[-1] - turns[0])/2
    assert at[size.argmax()] == pytest.approx(k*real, rel=.01) and real == pytest.approx(m.shaft, rel=.095)

def test_turns_are_the_integral_of_the_speed():
    t = np.arange(2*RATE)/RATE
    np.testing.assert_allclose(turned(20 + 10*t), 20*t + 5*t*t, atol=2e-3)
    assert turned(np.ones((2, 3, 8))).shape == (2, 3, 8)

@given(st.integers(1, 60), st.floats(-50, 50), st.integers(0, 99))
def test_hum_is_the_sum_of_sines(k, start, seed):
    q = rng(seed)
    a, u = q.normal(size=k), start + np.cumsum(q.uniform(-.01, .01, 500))
    want = sum(size*np.sin(2*np.pi*j*u) for j, size in enumerate(a, 1))
    np.testing.assert_allclose(hum(u, a, 8192), want, atol=2e-3*np.abs(a).sum())

@given(st.floats(.1, 9), st.floats(0, 100), st.integers(0, 99))
def test_clicks_are_as_many_as_whole_numbers_passed(rate, start, seed):
    u = start + np.cumsum(rng(seed).uniform(0, .05, 900))
    got = clicks(u, rate)
    assert got[0] == 0 and (got >= 0).all()
    np.testing.assert_array_equal(np.cumsum(got), np.floor(rate*u) - np.floor(rate*u[0]))

@pytest.mark.parametrize('hz, width', [(400, 40), (3000, 150), (0, 60)])
def test_a_ring_has_its_frequency_and_dies_away(hz, width):
    push = np.zeros(16000)
    push[100] = 1
    x = resonate(push, [(hz, width)])
    at, size = np.fft.rfftfreq(16000, 1/RATE), np.abs(np.fft.rfft(x))
    assert at[size.argmax()] == pytest.approx(hz, abs=2)
    assert size[at == hz + width][0] == pytest.approx(size.max()/2**.5, rel=.02)      # half the energy, `width` away
    loud = np.abs(x[100:15940]).reshape(-1, 60).max(1)[:5]           # in pieces of 60 samples
    want = np.exp(-2*np.pi*width*60*np.arange(5)/RATE)
    np.testing.assert_allclose(loud[1:]/loud[1], want[1:]/want[1], atol=.15)

def test_drift_and_noise():
    d = np.stack([drift(4000, rng(1, i)) for i in range(300)])
    assert abs(d.mean()) < .1 and .5 < d.std() < 1.05 and np.abs(np.diff(d)).max() < .02
    at, size = spectrum(pink(32*RATE, rng(2)))
    energy = [np.mean(size[(at > f) & (at < 2*f)]**2) for f in (100, 200, 400, 800, 1600, 3200)]
    np.testing.assert_allclose(np.diff(10*np.log10(energy)), -3.01, atol=.5)          # 3 dB an octave


# --- the faults

def added(fault, strength=1., i=1, seed=5):
    "What a fault adds to the recording that would else be healthy, float64."
    made = [sound(machine(i), rng(seed), f, strength).astype(float) for f in (fault, '')]
    return made[0] - made[1]

@pytest.mark.parametrize('fault', sorted({*FAULTS} - {'slow'}))
def test_twice_the_strength_adds_twice_the_sound(fault):
    one, two = added(fault), added(fault, 2.)
    assert np.abs(one).max() > 1e-4
    np.testing.assert_allclose(two, 2*one, atol=1e-6)

@pytest.mark.parametrize('i', range(4))
def test_a_bearing_clicks_at_its_rate_and_not_with_the_shaft(i):
    m = machine(i)
    x = FAULTS['bearing'](m, steady(m.shaft, 8), rng(3))
    assert x[x != 0].size == pytest.approx(8*m.shaft*m.bearing, abs=3)
    at, size = spectrum(x)
    low = (at > .3*m.shaft) & (at < 1.5*m.bearing*m.shaft)
    assert at[low][size[low].argmax()] == pytest.approx(m.bearing*m.shaft, rel=.01)

def test_imbalance_raises_the_first_harmonic_only():
    m = machine(2)
    at, size = spectrum(FAULTS['imbalance'](m, steady(m.shaft), rng(0)))
    assert at[size.argmax()] == pytest.approx(m.shaft, abs=.5) and size[at > 1.2*m.shaft].max() < 1e-3*size.max()

def test_a_rub_swells_once_a_turn_and_a_loose_part_seldom_hits():
    m, n = machine(0), 8*RATE
    turns = steady(m.shaft, 8)
    x = FAULTS['rub'](m, turns, rng(1))
    at, size = spectrum(x**2 - np.mean(x**2))
    assert at[size.argmax()] == pytest.approx(m.shaft, abs=.5)
    y = FAULTS['loose'](m, turns, rng(2))
    loud = (y**2).reshape(-1, 160).sum(1)
    assert np.sort(loud)[-len(loud)//4:].sum() > .8*loud.sum(), 'not in bursts'
    hits = clicks(turns, 1).sum()
    assert .1 < np.mean(loud > .1*loud.max())*len(loud)/hits < 1

@pytest.mark.parametrize('strength', STRENGTHS)
def test_a_slow_shaft_is_slower_by_its_share(strength):
    m = machine(3)
    usual, fewer = (turning(m, 2*RATE, rng(4), slip)[-1] for slip in (0, .06*strength))
    assert fewer/usual == pytest.approx(1 - .06*strength)
    assert np.abs(added('slow', strength, 3)).max() > .01


# --- detectors

@given(st.integers(1, 4), st.integers(5, 9), st.integers(1, 5), st.integers(0, 99))
def test_a_score_is_the_mean_over_windows(n, t, k, seed):
    v, a = rng(seed).normal(size=(n, t, 6)), rng(seed + 1).normal(size=(k*6, k*6))
    want = ((in_a_row(v, k) @ a - in_a_row(v, k))**2).mean((1, 2))
    np.testing.assert_allclose(clip_scores(lambda w: w @ a, v, k), want, rtol=1e-9)

@given(st.integers(1, 12), st.integers(0, 99))
def test_no_direction_rebuilds_better_than_principal_components(k, seed):
    w = rng(seed).normal(size=(60, 12)) @ rng(seed + 1).normal(size=(12, 12)) + 3
    f, s = squeeze(w, k), np.linalg.svd(w - w.mean(0), compute_uv=False)
    assert ((f(w) - w)**2).sum() == pytest.approx((s[k:]**2).sum(), abs=1e-8*(s**2).sum())
    np.testing.assert_allclose(f(f(w)), f(w), atol=1e-8)


# --- the network that is shipped

def card():
    "AUC and interval as the model card says them."
    from tinybench.embedded.machines import FILE
    said = re.search(r'this network, as stored \| ([.\d]+) \[([.\d]+), ([.\d]+)\]', FILE.with_suffix('.md').read_text('utf-8'))
    return [float(x) for x in said.groups()]

def judged(each):
    from tinybench.embedded.machines import machine_network, network_scores
    from tinybench.measure.accuracy import auc_interval
    v, made = machine_clips('test', each)
    faulty = np.array([c.fault != '' for c in made])
    mean = ((v.mean(1) - machine_clips('train', 10)[0].mean((0, 1)))**2).mean(1)
    return auc_interval(network_scores(machine_network(), v), faulty), auc_interval(mean, faulty)

def test_the_network_hears_what_its_card_says_in_short():
    "A quarter of the test part: the card's AUC is in its interval at 99.9 %, and the mean spectrum is below."
    net, mean = judged(15)
    auc, *_ = card()
    half = (net.hi - net.lo)/2*3.29/1.96
    assert abs(net.estimate - auc) < half and net.lo > mean.hi

@pytest.mark.slow
def test_the_network_hears_what_its_card_says():
    net, mean = judged(None)
    auc, lo, hi = card()
    assert abs(net.estimate - auc) < .003 and abs(net.lo - lo) < .004 and abs(net.hi - hi) < .004
    assert net.lo > .85 and net.estimate >= .88 and net.hi < 1 and mean.hi < net.lo

def test_the_file_is_small_and_holds_a_whole_network():
    from tinybench.embedded.machines import FILE, machine_network
    from tinybench.embedded.pack import packed
    net = machine_network()
    assert FILE.stat().st_size < 310_000 and not net.training
    again = packed(net.state_dict())
    with np.load(FILE, allow_pickle=False) as kept:
        assert set(kept.files) == set(again)
        for k in kept.files: np.testing.assert_allclose(again[k].astype(float), kept[k].astype(float), atol=1, rtol=1e-6)

@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_packed_numbers_come_back_within_half_a_step(n, m, seed):
    from tinybench.embedded.pack import packed, unpacked
    w = rng(seed).normal(size=(n, m)).astype('float32')*10
    w[:, 0] = 0
    back = unpacked(packed({'a.w': w, 'a.b': w[0]}))
    assert back.keys() == {'a.w', 'a.b'} and all(a.dtype == np.float32 for a in back.values())
    assert (np.abs(back['a.w'] - w) <= np.abs(w).max(0)/254*1.001).all()
    np.testing.assert_allclose(back['a.b'], w[0], rtol=1e-3)

def test_numbers_too_large_for_float16_stay_what_they_are():
    from tinybench.embedded.pack import packed, unpacked
    var = np.float32([2748, 65504, 70_000, 3e8])
    np.testing.assert_array_equal(unpacked(packed({'var': var}))['var'], var)

def test_every_number_that_ships_is_finite():
    from tinybench.base.files import shipped
    files = sorted(shipped('pictures.npz').parent.glob('*.npz'))
    assert len(files) >= 8
    for f in files:
        with np.load(f, allow_pickle=False) as z:
            for k in z.files: assert z[k].dtype.kind not in 'fc' or np.isfinite(z[k]).all(), f'{f.name}: {k}'
