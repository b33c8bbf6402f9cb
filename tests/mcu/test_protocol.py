"The serial protocol of a device: what it answers, in which codes, and that nothing a host sends confuses it"
import os, select, string
import numpy as np
import pytest
for _name in ('unicorn', 'elftools', 'ziglang'): pytest.importorskip(_name, reason='needs the extra mcu')
from hypothesis import HealthCheck, given, settings, strategies as st
from tinybench.mcu.host import DeviceError, Direct, identity, infer, load, results_of
from tinybench.mcu.protocol import LINE, PROFILE, code_limits, decoded, encoded, ordered, program, side_of
from tinybench.mcu.serve import emulated_device
from tinybench.nn.dense import Dense, ReLU, Softmax
from tinybench.nn.module import Sequential
from tinybench.optimize.integer import integer
from tinybench.optimize.quantize import Grid, to_grid
from boardkit import BOARD, OUTPUTS, SHAPE, inputs, network, served, small


@pytest.fixture(scope='module')
def kws(): return small('kws01')

def said(d, text:bytes) -> list[str]:
    "The lines that the device says to `text`, which end in m-ready."
    data = d.send(text)
    assert data.endswith(b'm-ready\r\n')
    return data.decode('ascii').split('\r\n')[:-2]

def test_it_says_who_it_is(kws):
    d, side, _ = kws
    assert said(d, b'name%') == ['m-name-dut-[nucleo-l4r5zi, emulated by tinybench, host clock]']
    assert said(d, b'profile%') == [f'm-profile-[{PROFILE}]', 'm-model-[kws01]']
    commands = 'help', 'name', 'profile', 'timestamp', 'db', 'infer', 'results'
    helped = '\n'.join(said(d, b'help%'))
    assert all(c in helped for c in commands)
    assert all(not said(d, f'{c}%'.encode())[0].startswith('e-[Unknown') for c in commands)

def test_the_messages_of_an_inference_are_those_of_the_reference(kws):
    d, side, _ = kws
    assert said(d, b'db load 6%') == ['m-[Expecting 6 bytes]']
    assert said(d, b'db 0102%') == []
    assert said(d, b'db 03fE7f80%') == ['m-load-done']
    assert said(d, b'db print%') == ['m-buffer-01-02-03-fe-7f-80']
    assert said(d, b'db print 2 3%') == ['m-buffer-fe-7f']
    lines = said(d, b'infer 3 2%')
    assert [line.rstrip(string.digits) for line in lines[:-1]] == [
        'm-warmup-start-', 'm-warmup-done', 'm-infer-start-', 'm-lap-us-', 'm-lap-us-', 'm-infer-done']
    assert lines[0].endswith('-2') and lines[2].endswith('-3')
    assert int(lines[3][9:]) <= int(lines[4][9:])
    assert lines[-1].startswith('m-results-[') and lines[-1].endswith(']')
    assert said(d, b'results%') == lines[-1:]

def softmax(v):
    e = np.exp(v - v.max(1, keepdims=True, initial=-np.inf))
    return e/e.sum(1, keepdims=True)

@pytest.mark.parametrize('task', OUTPUTS)
def test_results_are_what_the_integer_core_computes(task):
    d, side, net = small(task)
    data = encoded(side, inputs(task, 20, seed=3))
    x = decoded(side, data, SHAPE)
    out = net(x).data
    want = ((out - x)**2).mean(1, dtype=float)[:, None] if task == 'ad01' else softmax(out.astype(float))
    got = results_of(Direct(d), data, want.shape[1])
    assert np.abs(got - want).max() <= 2e-6*max(1, want.max())
    if task != 'ad01': assert (got.argmax(1) == out.argmax(1)).all()

def test_a_network_that_gives_shares_is_printed_as_it_is():
    "One that ends in a softmax of codes, as the reference networks do."
    rng, x = np.random.default_rng(0), inputs('kws01', 64)
    net = integer(Sequential(Dense(6, 8, rng), ReLU(), Dense(8, 5, rng), Softmax()), x)
    side = side_of('kws01', net, SHAPE)
    data = encoded(side, x[:20])
    got = results_of(Direct(emulated_device(net, SHAPE, side, BOARD, 'host')), data, 5)
    assert np.abs(got - net(decoded(side, data, SHAPE)).data).max() <= 1e-6

def test_classes_are_told_apart_where_three_decimals_would_not(kws):
    "Codes that differ give results that differ, and in their order."
    d, side, net = kws
    data = encoded(side, inputs('kws01', 30, seed=5))
    out = net(decoded(side, data, SHAPE)).data
    got = results_of(Direct(d), data, 5)
    for o, g in zip(out, got):
        near = np.flatnonzero(o > o.max() - 5)      # those of less than exp(-5) may round to the same
        assert (np.diff(g[near][np.argsort(o[near], kind='stable')]) >= 0).all()
        assert len(np.unique(g[near])) == len(np.unique(o[near]))

REFUSED = {
    b'%': 'no command', b'   %': 'no command', b'nmae%': 'Unknown command: nmae', b'names%': 'Unknown command',
    b'\xff\x00\x80\x1b[2J%': 'Unknown command: ???', b'db%': 'load N', b'db load%': 'number of bytes',
    b'db load 0%': 'from 1 to 6', b'db load 7%': 'from 1 to 6', b'db load -1%': 'from 1 to 6',
    b'db load 4294967302%': 'from 1 to 6', b'db load 99999999999999999999999%': 'from 1 to 6',
    b'db load six%': 'from 1 to 6', b'db 01%': 'db load N comes before', b'infer%': 'needs an input',
    b'infer 1 0%': 'needs an input', b'results%': 'nothing was inferred', b'x'*500 + b'%': 'at most 80',
    b'db ' + b'00'*39 + b'%': 'at most 80', b'infer 0 0%': 'iterations', b'infer 1e3%': 'iterations',
    b'infer 4294967297%': 'iterations', b'infer 1000001%': 'iterations', b'infer 1 -1%': 'warm-ups',
    b'db print x%': 'how many bytes'}

@pytest.fixture(scope='module')
def fresh(): return small('kws01')[0]

@pytest.mark.parametrize('text', REFUSED)
def test_what_cannot_be_done_is_refused_in_a_sentence(fresh, text):
    assert REFUSED[text] in said(fresh, text)[0]
    assert said(fresh, text)[0].startswith('e-[')
    assert said(fresh, b'name%')[0].startswith('m-name-dut')

def test_bytes_that_are_none_change_nothing(kws):
    d, _, _ = kws
    said(d, b'db load 6%')
    said(d, b'db 0102%')
    assert 'left over' in said(d, b'db 030%')[0]
    assert 'hexadecimal' in said(d, b'db 03zz%')[0]
    assert said(d, b'db print%') == ['m-buffer-01-02']
    assert 'needs an input' in said(d, b'infer 1 0%')[0]
    assert said(d, b'db 0304050607080910%') == ['m-load-done']      # what is too much is dropped
    assert said(d, b'db print%') == ['m-buffer-01-02-03-04-05-06']
    assert 'all bytes are there' in said(d, b'db 11%')[0]

def test_a_new_input_forgets_the_last_result(kws):
    d, _, _ = kws
    load(Direct(d), bytes(6))
    infer(Direct(d))
    said(d, b'db load 6%')
    assert 'nothing was inferred' in said(d, b'results%')[0]

def test_numbers_that_are_none_are_refused():
    d, side, _ = small('ad01')
    for bad in (np.nan, np.inf, -np.inf):
        x = np.zeros((1, 6), np.float32)
        x[0, 4] = bad
        with pytest.raises(DeviceError, match='NaN or an infinity'):
            load(Direct(d), encoded(side, x)[0])
            infer(Direct(d))
    load(Direct(d), encoded(side, np.full((1, 6), -3e38, np.float32))[0])
    assert infer(Direct(d)).results == (1e12,)      # as much as is told

@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=3*LINE))
def test_after_any_bytes_it_answers(fresh, data):
    "As many answers as there are ends of a command, and then it does as before."
    lines = fresh.send(data + b'%').split(b'\r\n')
    assert sum(line == b'm-ready' for line in lines) == data.count(b'%') + 1
    assert all(b'\x20' <= bytes([c]) <= b'\x7e' for line in lines for c in line)
    assert said(fresh, b'name%') == ['m-name-dut-[nucleo-l4r5zi, emulated by tinybench, host clock]']

@pytest.mark.parametrize('scale, zero', [(.25, 24), (1., -128), (1/255, -128), (.39101523, 89), (1e-3, 127)])
def test_limits_are_the_codes(scale, zero):
    grid = Grid(np.float32(scale), zero, -128, 127)
    rng = np.random.default_rng(0)
    half = ((np.arange(-128, 128) - zero + .5)*scale).astype(np.float32)    # where codes change
    x = np.concatenate([rng.normal(0, 60*scale, 4000), half, np.nextafter(half, np.float32(9e9)),
                        np.nextafter(half, np.float32(-9e9)), [0, -0., 1e30, -1e30]]).astype(np.float32)
    reached = (ordered(x.view(np.int32))[:, None] >= code_limits(grid)).sum(1)
    assert (reached - 128 == to_grid(x, grid)).all()

def test_a_network_that_cannot_be_asked_is_refused():
    net = network('kws01')
    with pytest.raises(ValueError, match='did you mean'): side_of('kws', net, SHAPE)
    with pytest.raises(ValueError, match='network of codes'): side_of('kws01', net[1:-1], SHAPE)
    with pytest.raises(ValueError, match='5 outputs for 6'): side_of('ad01', net, SHAPE)
    with pytest.raises(ValueError, match='cannot be called'): program(side_of('kws01', net, SHAPE), 'a]b')


# --- at a pseudo-terminal

@pytest.fixture(scope='module')
def port():
    pytest.importorskip('termios')
    with served(small('kws01')[0]) as path: yield path

def talk(path:str, text:bytes) -> bytes:
    "What comes back at a terminal up to m-ready, by nothing but its file."
    fd, came = os.open(path, os.O_RDWR | os.O_NOCTTY), b''
    try:
        os.write(fd, text)
        while not came.endswith(b'm-ready\r\n'):
            assert select.select([fd], [], [], 20)[0], came
            came += os.read(fd, 4096)
    finally: os.close(fd)
    return came

def test_clients_come_and_go(port):
    for _ in range(3): assert talk(port, b'name%').startswith(b'm-name-dut-[')
    assert talk(port, b'\x03\x04\x1a\x11\x13%').startswith(b'e-[Unknown command: ?????')   # none is a signal

def test_the_host_at_a_port(port):
    pytest.importorskip('serial')
    from tinybench.mcu.host import Serial
    p = Serial(port)
    try:
        assert identity(p).model == 'kws01'
        load(p, bytes(range(6)))
        n = infer(p, 50, 3)
        assert len(n.results) == 5 and n.micros > 0
        with pytest.raises(DeviceError, match='Unknown command'): p.ask('nothing')
    finally: p.close()
