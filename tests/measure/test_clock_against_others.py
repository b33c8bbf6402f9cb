"""measure.clock against others: an unrolled loop for its own cost, pyperf and torch's for what it says.

Run as a script it is the process in which all three time the same kernel in turns."""
import json, math, os, subprocess, sys, time
from pathlib import Path
import numpy as np
import pytest
from tinybench.measure.clock import call_secs, loop_secs, pinned, random_rounds, sample
from tinybench.measure.stats import median_interval

ROOT = Path(__file__).resolve().parents[2]
THREADS = ('OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS')


def kernel_of(target):
    "The smallest matrix product into a kept buffer that takes `target` seconds or more on one thread."
    for n in range(16, 512, 8):
        x, out = np.random.default_rng(0).normal(size=(n, n)).astype('float32'), np.empty((n, n), 'float32')
        def product(x=x, out=out): return np.matmul(x, x, out=out)
        if min(sample(product, 5, inner=20, warm=1)) >= target: return product


# --- its own cost

def opcodes(f, *args):
    "Instructions of the Python interpreter that a call of `f` runs."
    count = [0]
    def trace(frame, event, _):
        frame.f_trace_opcodes = True
        count[0] += event == 'opcode'
        return trace
    before = sys.gettrace()
    sys.settrace(trace)
    try: f(*args)
    finally: sys.settrace(before)
    return count[0]


def test_a_call_more_is_a_handful_of_instructions_more():
    def more(extra): return opcodes(loop_secs, int, 10 + extra) - opcodes(loop_secs, int, 10)
    opcodes(loop_secs, int, 100)                        # an interpreter that specialises has done so
    assert 0 < more(1) <= 8                             # next, store, load, call, drop, jump back
    assert more(100) == 100*more(1)


def unrolled(calls):
    "A function that times `calls` calls written one after another, so without a loop."
    lines = ['def timed(f, clock):', ' start = clock()', *[' f()']*calls, ' return clock() - start']
    space = {}
    exec('\n'.join(lines), space)
    return space['timed']


def cost_of_the_loop(f, pairs, calls=64):
    "Log-ratios of what the harness says to what the unrolled loop says, from rounds in random order."
    by_hand, rng = unrolled(calls), np.random.default_rng(0)
    ways = dict(ours=lambda: call_secs(f, calls), hand=lambda: by_hand(f, time.perf_counter)/calls)
    took = {way: [] for way in ways}
    for names in random_rounds(list(ways), pairs, rng):
        for way in names: took[way].append(ways[way]())
    return np.log(took['ours']) - np.log(took['hand'])


def test_its_own_cost_is_below_one_percent_of_ten_microseconds():
    with pinned(1):
        f, d = kernel_of(10e-6), np.empty(0)
        for _ in range(6):                              # more pairs until it is clear, if it ever is
            d = np.concatenate([d, cost_of_the_loop(f, 200)])
            lo, hi = np.exp(median_interval(d, .999))
            if hi < 1.01: break
    assert lo < 1.01, f'the loop costs {np.exp(np.median(d)) - 1:.2%} [{lo - 1:.2%}, {hi - 1:.2%}] of 10 µs'


# --- what it says

def three_harnesses(rounds, seed, secs=5e-4, values=40):
    """Medians of the same kernel by all three, `rounds` times in random order; for a process of its own.

    All take `values` samples of equally many calls, and short ones: on a crowded machine a longer sample meets
    more others, and where half of all samples do, their median jumps."""
    import pyperf, torch
    from torch.utils.benchmark import Timer
    torch.set_num_threads(1)
    if hasattr(os, 'sched_setaffinity'): os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    f = kernel_of(50e-6)
    inner = max(round(secs/50e-6), 1)
    runner = pyperf.Runner()
    runner.parse_args(['--worker', '--quiet', '-l', str(inner), '-n', str(values), '-w', '1'])
    timer, names = Timer('f()', globals=dict(f=f), num_threads=1), (str(i) for i in range(10**9))
    ways = dict(ours=lambda: np.median(sample(f, values, inner=inner, warm=1)),
                pyperf=lambda: runner.bench_func(next(names), f).median(),
                torch=lambda: np.median([timer.timeit(inner).median for _ in range(values)]))
    took = {way: [] for way in ways}
    for turns in random_rounds(list(ways), rounds, np.random.default_rng(seed)):
        for way in turns: took[way].append(float(ways[way]()))
    return took


def in_a_process(rounds, seed, folder):
    "What `three_harnesses` found in a fresh Python with one thread."
    out = folder/f'{seed}.json'
    env = os.environ | dict.fromkeys(THREADS, '1') | dict(PYTHONPATH=str(ROOT))
    done = subprocess.run([sys.executable, __file__, str(rounds), str(seed), str(out)], env=env, timeout=300,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


def close(other, took, band=1.03):
    "Whether the median ratio to what `other` says is within the band."
    return abs(np.median(np.log(took['ours']) - np.log(took[other]))) <= math.log(band)


def check(other, took, band=1.03):
    "AssertionError where the interval of the median ratio lies outside the band altogether."
    d = np.log(took['ours']) - np.log(took[other])
    lo, hi = np.exp(median_interval(d, .999))
    said = f'ours / {other}: {np.exp(np.median(d)):.3f} [{lo:.3f}, {hi:.3f}], n={len(d)}'
    assert lo <= band and hi >= 1/band, f'{said}; the median of a 50 µs kernel must agree within 3%'


@pytest.fixture(scope='module')
def agree(torch, tmp_path_factory):
    "Takes rounds, each time in a fresh process, until both ratios are within the band or `tries` are over."
    pytest.importorskip('pyperf', reason='needs pyperf')
    def agree(rounds, tries):
        took = dict(ours=[], pyperf=[], torch=[])
        for seed in range(tries):
            more = in_a_process(rounds, seed, tmp_path_factory.mktemp('harness'))
            took = {way: took[way] + more[way] for way in took}
            if close('pyperf', took) and close('torch', took): break
        for other in ('pyperf', 'torch'): check(other, took)
        return took
    return agree


def test_the_median_is_what_pyperf_and_torch_say(agree):
    took = agree(12, tries=3)
    assert all(1e-6 < np.median(v) < 1e-2 for v in took.values())


@pytest.mark.slow
def test_the_median_is_what_pyperf_and_torch_say_in_many_rounds(agree): agree(40, tries=2)


def test_the_comparison_would_notice():
    "A harness that says 6% too much is found out, where the noise of a round is 2%."
    rng, true = np.random.default_rng(0), 50e-6
    took = {way: true*np.exp(.02*rng.normal(size=60)) for way in ('ours', 'torch')}
    check('torch', took)
    assert close('torch', took)
    for wrong in (1.06, 1/1.06):
        off = dict(took, ours=took['ours']*wrong)
        assert not close('torch', off)
        with pytest.raises(AssertionError, match='within 3%'): check('torch', off)


if __name__ == '__main__':
    Path(sys.argv[3]).write_text(json.dumps(three_harnesses(int(sys.argv[1]), int(sys.argv[2]))))
