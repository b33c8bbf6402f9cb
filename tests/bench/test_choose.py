"Choices: what intervals prove about a frontier, about conditions, and about which one to take."
import numpy as np
from hypothesis import assume, given, settings, strategies as st
from tinybench.bench.choose import (HIGHER_IS_BETTER, beats, best, choose, frontier, higher_is_better,
                                    may_beat, meets, statuses, surely_beats)


# --- the frontier

numbers = st.integers(0, 6)
interval = st.tuples(numbers, numbers, numbers).map(lambda v: (sorted(v)[1], min(v), max(v)))
place = st.tuples(interval, interval)
places = st.lists(place, max_size=7).map(lambda ps: {f'm{i}': p for i,p in enumerate(ps)})

def truths(known, rng, n=40):
    "Points that could be true: drawn from the intervals, ends included."
    for _ in range(n):
        yield {k: tuple(float(rng.choice([lo, hi, rng.uniform(lo, hi)])) for _,lo,hi in p) for k,p in known.items()}

def front(points): return {k for k,p in points.items() if not any(beats(q, p) for q in points.values())}

@given(places, st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_whatever_is_true_on_is_on_and_off_is_off(known, seed):
    said = statuses(known)
    for points in truths(known, np.random.default_rng(seed)):
        true = front(points)
        for k,status in said.items():
            assert status == 'undecided' or (k in true) == (status == 'on')

@given(st.lists(st.tuples(numbers, numbers), max_size=8))
@settings(max_examples=80)
def test_without_doubt_it_is_the_frontier(points):
    exact = {str(i): ((c, c, c), (g, g, g)) for i,(c, g) in enumerate(points)}
    true = frontier(*zip(*points)) if points else []                     # written by others, by a walk and not by pairs
    assert statuses(exact) == {str(i): 'on' if i in true else 'off' for i in range(len(points))}

@given(places, place, st.integers(1, 3))
@settings(max_examples=80)
def test_what_is_worse_by_sure_margins_is_off(known, best, margin):
    (_, _, cost), (_, gain, _) = best
    known |= dict(best=best, worse=((cost + margin,)*3, (gain - margin,)*3))
    assert surely_beats(best, known['worse']) and statuses(known)['worse'] == 'off'

@given(places, place, interval, interval)
@settings(max_examples=120)
def test_who_is_off_changes_nothing_for_the_others(known, best, cost, gain):
    known |= dict(best=best)
    extra = tuple(v + best[0][2] for v in cost), tuple(best[1][1] - 6 + v for v in gain)
    with_it = statuses(known | dict(extra=extra))
    assume(with_it.pop('extra') == 'off')
    assert with_it == statuses(known)

@given(places, place)
@settings(max_examples=80)
def test_one_more_never_helps_anyone(known, extra):
    before, after = statuses(known), statuses(known | dict(extra=extra))
    order = ['on', 'undecided', 'off']
    assert all(order.index(before[k]) <= order.index(after[k]) for k in before)

@given(places, st.randoms())
def test_names_and_order_do_not_matter(known, random):
    keys = list(known)
    random.shuffle(keys)
    said = statuses({f'renamed {k}': known[k] for k in keys})
    assert said == {f'renamed {k}': v for k,v in statuses(known).items()}

@given(places, st.integers(0, 2**32 - 1))
def test_better_measurements_only_settle_what_was_open(known, seed):
    rng, sharper = np.random.default_rng(seed), {}
    for k,p in known.items():
        ends = [np.sort(rng.uniform(lo, hi, 2)) for _,lo,hi in p]
        sharper[k] = tuple((lo, lo, hi) for lo,hi in ends)
    after = statuses(sharper)
    assert all(v == 'undecided' or v == after[k] for k,v in statuses(known).items())

@given(place, place, place)
def test_beyond_doubt_is_an_order(a, b, c):
    assert not surely_beats(a, a) and not (surely_beats(a, b) and may_beat(b, a))
    assert not (surely_beats(a, b) and surely_beats(b, c)) or surely_beats(a, c)
    assert not surely_beats(a, b) or may_beat(a, b)

def test_a_min_max_score_flips_and_the_frontier_does_not():             # fault 49
    def minmax(rows):
        cost, gain = np.array(list(rows.values())).T
        score = (cost.max() - cost)/np.ptp(cost) + (gain - gain.min())/np.ptp(gain)
        return max(zip(score, rows))[1]
    def exact(rows): return {k: tuple((v, v, v) for v in row) for k,row in rows.items()}
    three, hopeless = dict(small=(1, .90), middle=(2, .94), large=(3, .95)), dict(hopeless=(20, .80))
    assert (minmax(three), minmax(three | hopeless)) == ('middle', 'large')
    assert statuses(exact(three)) == dict.fromkeys(three, 'on')
    assert statuses(exact(three | hopeless)) == statuses(exact(three)) | dict(hopeless='off')


# --- conditions and choice

@given(interval, st.none() | numbers, st.none() | numbers)
@settings(max_examples=80)
def test_a_condition_holds_where_all_that_may_be_true_holds_it(value, least, most):
    holds = [(least is None or v >= least) and (most is None or v <= most) for v in np.linspace(*value[1:], 7)]
    said = meets(value, least, most)
    if said == 'met': assert all(holds)
    if said == 'missed': assert not any(holds)
    if all(holds): assert said == 'met'

@given(st.dictionaries(st.sampled_from('abcdef'), st.tuples(numbers, numbers).map(sorted), min_size=1), st.data())
@settings(max_examples=80)
def test_nobody_beats_the_choice(known, data):
    among = data.draw(st.lists(st.sampled_from(sorted(known)), unique=True))
    base = data.draw(st.sampled_from(sorted(known)))
    def better(a, b): return known[a][1] < known[b][0]
    kind, got = choose(among, better, base)
    assert (kind == 'none') == (not among) and set(got) <= set(among) and (kind == 'a tie') == (len(got) > 1)
    assert not any(better(k, g) for g in got for k in among if base not in among or better(k, base))
    if kind == 'keep the baseline': assert not any(better(k, base) for k in among)
    elif base in among: assert all(better(g, base) for g in got)

@given(st.dictionaries(st.sampled_from('abcdef'), st.tuples(numbers, numbers).map(sorted), min_size=1), st.data())
def test_one_that_is_beaten_does_not_change_the_choice(known, data):
    base = data.draw(st.sampled_from(sorted(known)))
    def better(a, b): return ms[a][1] < ms[b][0]
    ms = known | dict(hopeless=(100, 101))
    assert choose([*known, 'hopeless'], better, base) == choose(list(known), better, base)

@given(st.dictionaries(st.text(min_size=1), st.tuples(st.floats(0, 9), st.floats(0, 9)).map(sorted), min_size=1), st.randoms())
def test_best_is_never_empty_and_knows_no_order(spans, random):
    for metric in HIGHER_IS_BETTER:
        found = best(metric, spans)
        mixed = list(spans.items())
        random.shuffle(mixed)
        assert found and set(best(metric, dict(mixed))) == set(found)
        sign = 1 if higher_is_better(metric) else -1
        assert max(spans, key=lambda n: sum(spans[n])*sign) in found
