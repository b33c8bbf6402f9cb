"The host of the serial protocol: which examples, which windows, which report, and how it says what is wrong"
import math, os, threading, time
import numpy as np
import pytest
for _name in ('unicorn', 'elftools', 'ziglang'): pytest.importorskip(_name, reason='needs the extra mcu')
from dataclasses import replace
from tinybench.cli.compliance import load_compliance, save_compliance
from tinybench.cli.device import compliance_of
from tinybench.mcu.host import (DeviceError, Direct, clock_of, fewer, files_of, identity, infer, load,
                                run_device, window)
from tinybench.mcu.emulate import emulate
from tinybench.mcu.firmware import firmware
from tinybench.mcu.machine import Machine
from tinybench.mcu.protocol import decoded, encoded, program, side_of
from tinybench.mcu.serve import Device, HostClock, ModelledClock, emulated_device, write_all
from tinybench.native.int8 import plan
from tinybench.tasks.run import Rules
from tinybench.tasks.task import TASKS, Examples
from boardkit import BOARD, OUTPUTS, SHAPE, inputs, network, small

SHORT = Rules(secs=.02)

def task_of(name:str):
    "The task `name`, of the small network."
    return replace(TASKS[name], shape=SHAPE, outputs=OUTPUTS[name])

def examples(name:str, n:int=30) -> Examples:
    "Inputs whose labels are what the network says; of clips with three windows each, if the task has clips."
    x = inputs(name, n, seed=7)
    if name == 'ad01': return Examples('noise', x, np.arange(n//3) % 2, clip=np.arange(n)//3)
    net = network(name)
    side = side_of(name, net, SHAPE)
    return Examples('noise', x, net(decoded(side, encoded(side, x), SHAPE)).data.argmax(1))

@pytest.mark.parametrize('name', ['kws01', 'ad01', *(pytest.param(n, marks=pytest.mark.slow) for n in ('ic01', 'vww01'))])
def test_a_task_is_run_to_its_compliance_report(name, tmp_path):
    d, side, net = small(name, 'modelled')
    t, e = task_of(name), examples(name)
    o, answers = run_device(Direct(d), t, side, e, rules=SHORT, clock=d.clock.said)
    if name == 'ad01':
        x = decoded(side, encoded(side, e.x), SHAPE)
        want = np.bincount(e.clip, ((net(x).data - x)**2).mean(1, dtype=float))/3
        assert np.allclose(answers, want, rtol=1e-5)
    else: assert (answers == e.y).all() and o.quality.value == 1
    assert o.speed.provenance == 'modelled' and 'modelled' in o.speed.how['clock']
    assert len(o.speed.values) == 5 and min(o.speed.how['secs']) >= .02
    c = compliance_of(t, net, None, e, o, answers, SHORT, 0, 'nucleo-l4r5zi')
    assert c.status() == {name: 'not valid'}        # its windows are short
    assert load_compliance(save_compliance(c, tmp_path)).status() == c.status()
    assert 'modelled' in (tmp_path/'compliance.md').read_text()

def test_the_modelled_clock_counts_inferences_and_nothing_else():
    d, side, _ = small('kws01', 'modelled')
    p = Direct(d)
    load(p, bytes(6))
    before, one = d.clock.micros(), infer(p, 1000).micros
    assert one > 0 and d.clock.micros() - before == one
    load(p, bytes(6))
    assert d.clock.micros() - before == one
    assert abs(infer(p, 3000, 500).micros - 3*one) <= 1       # warm-ups come before the first timestamp
    assert d.clock.total == int(d.clock.total)

def test_the_cycles_are_those_of_the_firmware_that_serves():
    "They are counted in a program without the protocol: the network's functions run alike in both."
    net = network('kws01')
    p = plan(net, SHAPE, 'int8', native=False)
    f = firmware(p, BOARD, main=program(side_of('kws01', net, SHAPE), 'counted'))
    d = Device(Machine(f.elf, f.board), lambda _: HostClock())
    load(Direct(d), bytes(range(6)))
    infer(Direct(d))
    x = np.frombuffer(d.machine.read('x'), np.int8)
    want, got = emulate(firmware(p, BOARD), x).functions[0], d.machine.by_function()
    assert {name: dict(got[name]) for name in want} == want and len(want) > 2

def test_a_host_that_waits_for_long_hears_of_it():
    "A line after each inference, if it has been silent for so long; results and times are as they were."
    d, _, _ = small('kws01', 'modelled')
    p, seconds = Direct(d), iter(range(0, 10**6, 3))
    load(p, bytes(6))
    quiet = p.ask('infer 8 0')
    d.page.now = lambda: next(seconds)
    lines = p.ask('infer 8 0')
    told = [line for line in lines if line == 'm-[still inferring]']
    assert 2 <= len(told) <= 8 and told[0] not in quiet
    assert infer(p, 8).results == infer(p, 8).results and infer(p, 8).micros > 0
    assert [line for line in lines if line.startswith('m-results')] == quiet[-1:]

def test_the_hosts_clock_is_called_the_hosts():
    d, *_ = small('kws01', 'host')
    assert d.clock.provenance == 'measured' and "host's" in d.clock.said and 'not the board' in d.clock.said
    assert clock_of(identity(Direct(d)).name) == 'host clock of an emulated board'
    ticks = iter([5_000, 1_005_000])
    assert HostClock(lambda: next(ticks)).micros() == 1000

def test_no_inference_is_counted_twice_however_long_the_count_takes():
    d, _, _ = small('kws01', 'modelled')
    p = Direct(d)
    load(p, bytes(6))
    def slowly():
        time.sleep(.3)
        return 120_000      # a millisecond
    d.clock.cycles = slowly
    assert infer(p, 3, 1).micros == 3000 and d.clock.total == 4*120_000

def test_a_device_says_itself_that_its_clock_is_modelled():
    "So that times do not pass for measured where it is a port to the host."
    d, side, net = small('kws01', 'modelled')
    o, _ = run_device(Direct(d), task_of('kws01'), side, examples('kws01'), rules=SHORT)
    assert o.speed.provenance == 'modelled' and o.speed.how['clock'] == 'modelled clock of an emulated board'
    assert clock_of('unspecified') == "the board's own clock"

def test_a_modelled_clock_reckons_in_cycles():
    c = ModelledClock(lambda: 120, 1e6, 'a table')
    c.mark(True), c.mark(False), c.mark(True), c.mark(False)
    assert c.micros() == 240 and 'a table' in c.said

def test_windows_last_as_long_as_they_must():
    class Stub:
        "A device that takes `us` for an inference by its clock."
        def __init__(self, us): self.us, self.asked = us, []
        def ask(self, command, secs=5.):
            if command.startswith('db'): return ['m-load-done']
            n = int(command.split()[1])
            self.asked.append(n)
            return ['m-lap-us-100', f'm-lap-us-{100 + int(n*self.us)}', 'm-results-[1.0,0.0]']
    for us in (50, 4_000, 2e6, 3e7):
        w = window(Stub(us), bytes(4), 10)
        assert 10 <= w['secs'] <= 11 + us/1e6 and w['calls']*us/1e6 == pytest.approx(w['secs'], rel=1e-6)
        assert w['rate'] == pytest.approx(w['calls']/w['secs'])
    for us in (0, .3):
        with pytest.raises(DeviceError, match='1,000,000 inferences take .* by the clock of the device'):
            window(Stub(us), bytes(4), 10)

class Says:
    "A device that gives the same answer to all."
    def __init__(self, *lines): self.lines = list(lines)
    def ask(self, command, secs=5.): return self.lines

@pytest.mark.parametrize('lines, words', [
    ([], 'no '), (['m-results-[1,2]'], 'm-lap-us'), (['m-lap-us-3', 'm-results-[1]'], 'not two'),
    (['m-lap-us-3', 'm-lap-us-1', 'm-results-[1]'], 'not two'),
    (['m-lap-us-1', 'm-lap-us-3', 'm-results-[one]'], 'no numbers'),
    (['m-lap-us-1', 'm-lap-us-3', 'm-results-[nan]'], 'no finite'),
    (['m-lap-us-1', 'm-lap-us-3', 'm-results-[]'], 'no finite')])
def test_answers_that_are_none_are_said(lines, words):
    with pytest.raises(DeviceError, match=words): infer(Says(*lines))

def test_a_device_of_another_task_is_refused():
    d, *_ = small('ic01')
    net = network('kws01')
    with pytest.raises(DeviceError, match='runs ic01, and kws01 is asked'): run_device(
        Direct(d), task_of('kws01'), side_of('kws01', net, SHAPE), examples('kws01'), rules=None)

def test_fewer_examples_hold_every_class():
    x, y = np.arange(60, dtype=np.float32)[:, None], np.repeat(np.arange(6), (40, 4, 4, 4, 4, 4))
    e = Examples('noise', x, y)
    f = fewer(e, 12)
    assert np.bincount(f.y).tolist() == [2]*6 and '12 of' in f.name
    assert (f.x[:, 0] == np.sort(f.x[:, 0])).all() and (e.y[f.x[:, 0].astype(int)] == f.y).all()
    assert fewer(e, 0) is e and fewer(e, 99) is e
    clips = examples('ad01')
    f = fewer(clips, 4)
    assert np.bincount(f.y).tolist() == [2, 2] and np.bincount(f.clip).tolist() == [3]*4
    for c in range(4): assert any((clips.x[clips.clip == k] == f.x[f.clip == c]).all() for k in range(10))

def test_files_hold_what_is_loaded():
    "Of clips all frames, over which a runner slides the windows."
    e = Examples('clips', np.zeros((6, 10), np.float32), [0, 1], clip=np.repeat([0, 1], 3))
    frames = np.arange(28, dtype=np.float32).reshape(2, 7, 2)
    e = replace(e, x=np.stack([f[k:k + 5].ravel() for f in frames for k in range(3)]))
    from tinybench.mcu.protocol import Side
    side = Side('ad01', 'floats', 1., (None, None), 10, 10, '')
    files, lines = files_of(side, e)
    assert list(files.values()) == [f.astype('<f4').tobytes() for f in frames]
    assert [line.split(',')[1:] for line in lines] == [['2', '0', '40', '8'], ['2', '1', '40', '8']]
    parts = [data[i:i + 40] for data in files.values() for i in range(0, len(data) - 39, 8)]
    assert parts == encoded(side, e.x)

def test_what_nobody_reads_is_lost_and_nothing_waits_for_ever():
    theirs, ours = os.pipe()
    os.set_blocking(ours, False)
    try:
        t = threading.Thread(target=write_all, args=(ours, bytes(10**6), .01))
        t.start()
        t.join(20)
        assert not t.is_alive()
    finally: os.close(theirs), os.close(ours)

def test_boards_and_clocks_that_are_not_known():
    net = network('kws01')
    side = side_of('kws01', net, SHAPE)
    with pytest.raises(ValueError, match='did you mean'): emulated_device(net, SHAPE, side, 'nucleo-l4r5', 'host')
    with pytest.raises(ValueError, match='did you mean'): emulated_device(net, SHAPE, side, 'nucleo-l4r5zi', 'model')
    assert math.isfinite(infer_once(net, side))

def infer_once(net, side) -> float:
    p = Direct(emulated_device(net, SHAPE, side, 'pico', 'host'))      # without DSP and FPU it says the same
    load(p, bytes(range(6)))
    return infer(p).results[0]
