"LoadGen in Python: queueing theory, what a run may claim, what makes it invalid, and the logs."
import json, math, queue, threading, time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import binom, t as student

from tinybench.backends.base import as_model, running
from tinybench.measure.stats import fewest_for
from tinybench.tasks.loadgen import (PERCENTILES, Rules, SimulatedClock, accuracy_log, accuracy_plan, arrivals, details,
    drive, due_times, fixed_system, performance_plan, proven_share, queue_latency, read_accuracy, read_details, reasons,
    find_peak, query_latencies, result, sample_set, serve, write_logs)

X = np.random.default_rng(0).normal(size=(21, 3)).astype(np.float32)
SERVER = dict(rate=20., bound=.05)
def rules(scenario='SingleStream', secs=0, n=64, **how):
    return Rules(scenario, secs, n, **(SERVER if scenario == 'Server' else {}) | dict(patience=0) | how)
def simulated(r, make=fixed_system, secs=.01, x=X, **how):
    clock = SimulatedClock()
    return drive(make(secs, clock), x, r, clock, **how)
each_scenario = pytest.mark.parametrize('scenario', PERCENTILES)


# --- the queue, by theory

def md1_wait(t, rate, work):
    "P(wait <= t) of M/D/1 by Erlang's sum, in exact enough fractions: the terms alternate and are large."
    from fractions import Fraction
    t, rate, work = (Fraction(v).limit_denominator(10**6) for v in (t, rate, work))
    terms = ((rate*(k*work - t))**k/math.factorial(k)*Fraction(math.exp(float(rate*(t - k*work))))
             for k in range(int(t/work) + 1))
    return float((1 - rate*work)*sum(terms))

def md1_quantile(p, rate, work):
    lo, hi = 0., 60*work
    for _ in range(40):
        mid = (lo + hi)/2
        lo, hi = (mid, hi) if md1_wait(mid, rate, work) < p else (lo, mid)
    return hi

def interval(values, level=.999):
    "Student's interval for the mean of independent runs."
    half = student.ppf((1 + level)/2, len(values) - 1)*np.std(values, ddof=1)/math.sqrt(len(values))
    return np.mean(values) - half, np.mean(values) + half

def waits(load, seed, n):
    "Waits in a run of `drive` at `load` on a simulated server, without its beginning, in which the queue is short."
    r = Rules('Server', 0, n, rate=100*load, bound=1, seeds=(0, 1, seed))
    return simulated(r, x=X[:1]).latencies[n//5:] - .01

@pytest.mark.parametrize('load', (.3, .6, .8))
def test_the_simulated_server_waits_as_theory_says(load):
    """30 independent runs: the mean wait of Pollaczek and Khinchine lies in their interval at 99.9 %, and so do
    Erlang's exact shares of waits, at its own quantiles. One chance in 1000 each; the seeds are fixed."""
    runs = [waits(load, seed, 4000) for seed in range(30)]
    lo, hi = interval([w.mean() for w in runs])
    theory = load*.01/(2*(1 - load))
    assert lo < theory < hi and hi - lo < .5*theory, f'the mean wait is {theory}, and was seen in {lo} to {hi}'
    for p in (.8, .9, .99):
        at = md1_quantile(p, 100*load, .01)
        lo, hi = interval([np.mean(w <= at + 1e-9) for w in runs])
        assert lo < md1_wait(at, 100*load, .01) < hi, f'{p} wait at most {at}, and seen were {lo} to {hi}'

def test_the_theory_is_right_about_what_can_be_counted():
    "The chance not to wait at all is 1 - load; the mean of the exact distribution is that of the formula."
    for load in (.2, .5, .8):
        assert md1_wait(0, 100*load, .01) == pytest.approx(1 - load, abs=1e-9)
        at = np.linspace(0, .3, 601)
        mean = np.trapezoid([1 - md1_wait(v, 100*load, .01) for v in at], at)
        assert mean == pytest.approx(load*.01/(2*(1 - load)), rel=.01)

@pytest.mark.slow
@pytest.mark.parametrize('load', (.9, .95))
def test_near_the_knee_too(load):
    runs = [waits(load, seed, 40_000) for seed in range(30)]
    lo, hi = interval([w.mean() for w in runs])
    assert lo < load*.01/(2*(1 - load)) < hi

def test_the_queue_of_a_run_is_that_of_the_formula():
    "Also if the work varies: `drive` has no queue of its own, it is the system that is late."
    work = np.random.default_rng(1).exponential(.02, 500)
    def make(secs, clock):
        todo = iter(work)
        def system(samples, answer):
            clock.until(clock() + next(todo))
            answer(samples[0].id, b'')
        return system
    run = simulated(rules('Server', n=500, rate=45.), make)
    assert np.allclose(run.latencies, queue_latency(run.due, work), atol=1e-9)


# --- what is asked

@each_scenario
def test_each_seed_decides_one_thing(scenario):
    "The sample set, the order and the arrivals, each by its own seed, and the same again by the same."
    def asked(seeds, loaded=5):
        r = rules(scenario, seeds=seeds, loaded=loaded)
        plan = [p for _, p in zip(range(30), performance_plan(r, 21))]
        return sample_set(r, 21).tolist(), [i for _, i in plan], [due for due, _ in plan]
    first = asked((0, 1, 2))
    assert first == asked((0, 1, 2)) and set(sum(first[1], [])) <= set(first[0]) and len(first[0]) == 5
    others = [asked(s) for s in ((9, 1, 2), (0, 9, 2), (0, 1, 9))]
    changed = [[a != b for a, b in zip(first, other)] for other in others]
    offline, server = scenario == 'Offline', scenario == 'Server'
    assert changed == [[True, True, False], [False, not offline, False], [False, False, server]]

@each_scenario
def test_an_accuracy_run_asks_about_every_sample(scenario):
    run = simulated(rules(scenario), plan=accuracy_plan)
    assert not reasons(run) and {i for _, i, _ in run.kept} == set(range(21))
    assert all(data == X[i].tobytes() for _, i, data in run.kept)
    assert len(run.kept) == (24 if scenario == 'MultiStream' else 21)    # filled up to eights

@each_scenario
@pytest.mark.parametrize('secs, n', ((0, 700), (9, 1), (.5, 700)))
def test_a_run_is_long_enough_and_has_enough(scenario, secs, n):
    run = simulated(rules(scenario, secs, n, bound=50., rate=20.))
    assert not run.fault
    if scenario == 'Offline': assert run.queries == 1 and len(run.done) == max(n, int(1.1*secs*20))
    else:
        assert run.last >= secs and run.queries >= n
        assert run.queries - 1 < n or np.unique(run.due)[-2] < secs    # one query fewer would not do

def test_arrivals_go_on_as_a_poisson_process_over_the_pieces_they_are_drawn_in():
    r = rules('Server', rate=50.)
    t = np.array([due for _, due in zip(range(5001), due_times(r))])
    gaps = np.diff(t)
    assert t[0] == 0 and (gaps > 0).all()
    # standard error of the mean: 1/sqrt(5000) of it
    assert abs(gaps.mean()*50 - 1) < 4.5/math.sqrt(5000) and abs(gaps.std()*50 - 1) < .1


# --- what may be claimed

def test_the_minima_of_loadgen():
    "At one late query: p90 64, p99 662, p99.9 6636; SingleStream and MultiStream are valid from there on."
    assert [fewest_for(p) for p in (.9, .99, .999)] == [64, 662, 6636]
    for scenario, need in (('SingleStream', 64), ('MultiStream', 662)):
        short, enough = (simulated(rules(scenario, n=n)) for n in (need - 1, need))
        assert f'needs {need}' in reasons(short)[0] and not reasons(enough)
        with pytest.raises(ValueError, match=f'needs {need}'): result(short)

def test_4001_queries_discard_355():
    def make(secs, clock):
        times = iter(np.random.default_rng(0).permutation(4001) + 1.)
        def system(samples, answer):
            clock.until(clock() + next(times))
            answer(samples[0].id, b'')
        return system
    run = simulated(rules(n=4001), make)
    value, unit = result(run)
    assert unit == 's' and (run.latencies > value + .5).sum() == 355

@given(st.integers(1, 3000), st.data())
def test_a_share_is_proved_if_and_only_if_the_queries_are_enough(n, data):
    late = data.draw(st.integers(0, min(n - 1, 20)))
    for p in (.5, .9, .99): assert (proven_share(late, n) >= p) == (n >= fewest_for(p, over=late))

def test_a_claim_is_wrong_as_rarely_as_it_says():
    "Of 2000 runs of queries that are late by coins, in a share just not good enough, at most 1 % pass."
    late = np.random.default_rng(0).binomial(700, .01, 2000)
    wrong = sum(proven_share(int(k), 700) > .99 for k in late)
    assert wrong <= binom.ppf(.9999, 2000, .01)

def test_a_server_is_valid_by_the_share_that_is_proved():
    ok, late = (simulated(rules('Server', n=700, bound=b)) for b in (.05, .0105))
    assert not reasons(ok) and result(ok)[1] == 'queries/s' and result(ok)[0] == pytest.approx(20, rel=.15)
    assert 'answers came later than 10.5 ms' in reasons(late)[0] and '99% must be' in reasons(late)[0]
    few = simulated(rules('Server', n=458, bound=9.))
    assert '0 of 458' in reasons(few)[0] and 'only 98.9995% are proved' in reasons(few)[0] and not reasons(simulated(rules('Server', n=459, bound=9.)))

def test_offline_counts_samples_a_second():
    run = simulated(rules('Offline', n=500))
    assert run.queries == 1 and result(run) == (pytest.approx(100), 'samples/s')
    short = simulated(Rules('Offline', 60, 5))
    assert 'expect a higher rate' in reasons(short)[0]

def test_a_simulated_run_that_takes_no_time_has_no_rate():
    "Offline cannot be told; a latency of 0 s can, and so can the rate of a Server, which is that of the arrivals."
    def at_once(scenario, **how): return simulated(rules(scenario, **how), secs=0.)
    run = at_once('Offline', n=500)
    assert reasons(run) == ['it took no time, so it has no rate'] and 'INVALID, it took no time' in repr(run)
    with pytest.raises(ValueError, match='took no time'): result(run)
    d = details(run)
    assert d['result_validity'] == 'INVALID' and 'result_samples_per_second' not in d and d['result_mean_latency_ns'] == 0
    assert result(at_once('SingleStream', n=64)) == (0, 's') and result(at_once('MultiStream', n=662)) == (0, 's')
    assert result(at_once('Server', n=700))[0] == pytest.approx(20, rel=.15)


@given(st.integers(1, 9), st.integers(1, 12), st.integers(0, 9))
def test_a_query_is_answered_when_its_last_sample_is(queries, width, seed):
    q = np.random.default_rng(seed)
    ids, secs = q.permutation(queries*width), q.random(queries*width)
    want = [secs[np.isin(ids, range(k*width, (k + 1)*width))].max() for k in range(queries)]
    np.testing.assert_array_equal(query_latencies(ids, secs, queries), want)

@given(st.floats(.01, 1e4), st.floats(1.001, 1e4), st.floats(.001, .2), st.floats(0, 1.2))
def test_the_peak_is_found_by_few_runs(lo, ratio, within, share):
    hi, true, asked = lo*ratio, lo*ratio**share, []
    got = find_peak(lambda rate: asked.append(rate) or rate <= true, lo, hi, within)
    assert got == hi if true >= hi else true/(1 + within)*(1 - 1e-9) <= got <= true
    assert len(asked) <= 4 + math.log2(1 + math.log(ratio)/math.log1p(within))

def test_near_the_knee_a_short_run_finds_a_lower_peak():
    "It proves less; and no peak is above what the server can do at all."
    def holds(n): return lambda rate: not reasons(simulated(rules('Server', n=n, rate=rate)))
    short, long = (find_peak(holds(n), 1., 100.) for n in (600, 5000))
    assert 20 < short < long < 70


# --- systems at fault

def per_sample(f):
    "A system that calls `f(sample, answer)` for each sample, after 10 ms."
    def make(secs, clock):
        def system(samples, answer):
            for s in samples:
                clock.until(clock() + secs)
                f(s, answer)
        return system
    return make

def crash(s, answer):
    if s.index == 5: raise KeyError('five')
    answer(s.id, b'')
def twice(s, answer):
    answer(s.id, b'')
    answer(s.id, b'')
def skips(s, answer):
    if s.index != 5: answer(s.id, b'')
def unasked(s, answer): answer(s.id + 10**6, b'')
def negative(s, answer): answer(-1, b'')
def number(s, answer): answer(s.id, 3)
def writes(s, answer):
    s.x[...] = 0
    answer(s.id, b'')

@each_scenario
@pytest.mark.parametrize('f, says', ((crash, "raised KeyError when asked about .*'five'"), (twice, 'id 0 twice'),
    (skips, 'no answer about sample 5'), (unasked, 'id 1000000 without being asked'), (negative, 'without being asked'),
    (number, 'raised TypeError'), (writes, 'raised ValueError.*read-only')), ids=lambda v: getattr(v, '__name__', ''))
@pytest.mark.parametrize('plan', (performance_plan, accuracy_plan), ids=('performance', 'accuracy'))
def test_a_system_at_fault_is_invalid_with_the_reason(scenario, f, says, plan):
    run = simulated(rules(scenario, n=700), per_sample(f), plan=plan)
    why = reasons(run)
    assert len(why) == 1 and pytest.raises(ValueError, result, run).match(says) and 'INVALID' in repr(run)
    d = details(run)
    assert d['result_validity'] == 'INVALID' and d['result_invalid_reason'] == why[0]

def test_the_honest_one_is_valid():
    for scenario in PERCENTILES: assert not reasons(simulated(rules(scenario, n=700), per_sample(
        lambda s, answer: answer(s.id, b''))))

def worker(delay=0.):
    "A system that answers from a thread of its own, `delay` seconds after it was asked."
    todo = queue.SimpleQueue()
    def work():
        while (item := todo.get()) is not None:
            time.sleep(delay)
            for s in item[0]: item[1](s.id, s.x.tobytes())
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    def system(samples, answer): todo.put((samples, answer))
    return system, lambda: (todo.put(None), thread.join())

@each_scenario
def test_a_system_may_answer_from_a_thread(scenario):
    system, stop = worker()
    run = drive(system, X, rules(scenario, n=700, rate=1e4, bound=60., patience=30))
    exam = drive(system, X, rules(scenario, rate=1e4, patience=30), plan=accuracy_plan)
    stop()
    assert not reasons(run) and {i for _, i, _ in exam.kept} == set(range(21)) and run.provenance == 'measured'

def test_an_answer_that_comes_too_late_is_none():
    system, stop = worker(delay=.3)
    run = drive(system, X, rules(n=64, patience=.05))
    stop()
    assert 'gave no answer about sample' in reasons(run)[0] and 'within 0.05 s' in reasons(run)[0] and run.queries == 1

def test_an_answer_during_the_next_question_is_too_late():
    before = []
    def system(samples, answer):
        for s in before: answer(s.id, b'')
        before[:] = samples
    assert 'no answer' in reasons(drive(system, X, rules(patience=0)))[0]

def test_latency_counts_from_when_it_was_due():
    "Each answer takes 30 ms and one is due every 10: the last of 100 waits for all before it."
    run = simulated(rules('Server', n=100, rate=100.), secs=.03)
    assert run.latencies[-1] == pytest.approx(100*.03 - run.last, abs=1e-6) and run.last < 2


# --- models, rules and logs

def test_a_model_is_served_in_every_scenario():
    w = np.random.default_rng(3).normal(size=(3, 4)).astype(np.float32)
    model = as_model('linear', lambda x: x @ w, (3,))
    with running([model]):
        for scenario in PERCENTILES:
            run = drive(serve(model, batch=5), X, rules(scenario, rate=1e4), plan=accuracy_plan)
            for _, i, data in run.kept: assert np.allclose(np.frombuffer(data, np.float32), X[i] @ w, atol=1e-5)

@pytest.mark.parametrize('call, says', ((lambda x: x*np.nan, 'NaN'), (lambda x: x[:0], 'shape'), (lambda x: 1/0, 'division')),
                         ids=('nan', 'width', 'raises'))
def test_a_model_with_bad_outputs_never_passes(call, says):
    run = drive(serve(as_model('bad', call, (3,))), X, rules())
    assert says in reasons(run)[0] and run.queries == 1

def test_rules_that_make_no_sense_are_refused():
    for bad, says in ((dict(scenario='Sever'), 'no such scenario'), (dict(scenario='Server'), 'rate'),
                      (dict(scenario='Server', rate=5.), 'bound'), (dict(min_queries=0), 'at least 1'),
                      (dict(min_secs=-1.), 'min_secs'), (dict(min_secs=math.nan), 'min_secs'), (dict(loaded=0), 'loaded'), (dict(seeds=(1, 2)), 'three seeds')):
        with pytest.raises(ValueError, match=says): Rules(**bad)
    with pytest.raises(ValueError, match='empty'): drive(fixed_system(0), X[:0], rules())

def test_the_accuracy_log_is_the_official_format():
    run = simulated(rules(), plan=accuracy_plan, x=X[:2])
    rows = [f'{{ "seq_id" : {k}, "qsl_idx" : {i}, "data" : "{X[i].tobytes().hex().upper()}" }}'
            for k, i in enumerate(i for _, i, _ in run.kept)]
    assert accuracy_log(run) == '[\n' + ',\n'.join(rows) + '\n]\n'
    assert read_accuracy(accuracy_log(run)) == {i: X[i].tobytes() for i in range(2)}
    assert json.loads(accuracy_log(simulated(rules()))) == []

@each_scenario
def test_the_logs_of_a_run_can_be_read_back(scenario, tmp_path):
    run = simulated(rules(scenario, n=700), keep=.5)
    folder = write_logs(run, tmp_path/'new'/'logs')
    assert read_details((folder/'mlperf_log_detail.txt').read_text()) == json.loads(json.dumps(details(run)))
    kept = read_accuracy((folder/'mlperf_log_accuracy.json').read_text())
    assert all(data == X[i].tobytes() for i, data in kept.items())
    share = len(run.kept)/len(run.done)
    assert abs(share - .5) < 4.5*.5/math.sqrt(len(run.done))
    assert details(run)['provenance'] == 'simulated' and 'simulated' in repr(run)
