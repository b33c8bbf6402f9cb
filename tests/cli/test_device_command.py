"`tinybench device`: a board that is served, a board that is measured, inputs for another runner, and refusals."
import json, os, select, signal, subprocess, sys
from dataclasses import replace
from importlib.util import find_spec
import numpy as np
import pytest
from tinybench.cli import main
from tinybench.cli.compliance import load_compliance
from tinybench.cli.device import examples_of, int8_network, task_named
from tinybench.embedded.calibrate import calibration
from tinybench.mcu.boards import BOARDS
from tinybench.mcu.host import encoded, fewer
from tinybench.mcu.protocol import decoded, side_of

mcu = pytest.mark.skipif(not all(map(find_spec, ('unicorn', 'elftools', 'ziglang'))), reason='needs the extra mcu')
pytestmark = pytest.mark.usefixtures('limited', 'own_cache')

def status(*args):
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0

@pytest.mark.parametrize('args, words', [
    (('run', 'kwz', '--board', 'pico'), "no task of a device 'kwz', did you mean 'kws'"),
    (('run', 'sww', '--board', 'pico'), 'There are: kws, ic, vww, ad'),
    (('run', 'kws'), '--board, or the serial port'), (('serve', 'kws'), 'name a board'),
    (('run', 'kws', '--board', 'pico', '--port', '/dev/null'), '--board, or the serial port'),
    (('run', 'kws', '--model', 'nothing.tflite', '--board', 'pico'), 'nothing.tflite')])
def test_what_is_not_there_is_named(args, words, capsys):
    assert status('device', *args) in (1, 2)
    said = capsys.readouterr().err
    assert words in ' '.join(said.replace('│', ' ').split()) and 'Traceback' not in said

def test_a_port_that_is_none(capsys, monkeypatch, tmp_path):
    serial = pytest.importorskip('serial')
    assert status('device', 'run', 'kws', '--port', tmp_path/'tty') == 1
    assert 'cannot be opened as a serial port' in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, 'serial', None)
    assert serial and status('device', 'run', 'kws', '--port', tmp_path/'tty') == 1
    assert "pip install \"tinybench-ml[mcu]\"" in capsys.readouterr().err

@mcu
def test_a_board_that_is_not_known_or_too_small(capsys, monkeypatch):
    assert status('device', 'serve', 'kws', '--board', 'nucleo-l4r5') == 1
    assert "did you mean 'nucleo-l4r5zi'" in capsys.readouterr().err
    monkeypatch.setitem(BOARDS, 'tiny', replace(BOARDS['nucleo-l4r5zi'], name='tiny', ram=20*1024))
    assert status('device', 'serve', 'kws', '--board', 'tiny') == 1
    said = capsys.readouterr().err
    assert 'does not fit tiny' in said and 'bytes at once' in said and len(said.strip().splitlines()) == 1

def test_grids_are_found_by_what_was_learned():
    for name in ('kws', 'ic'):
        t = task_named(name)
        x = calibration(t.name)
        assert x.shape == (len(x), *t.shape) and 100 < len(x) <= 512
        tested = {row.tobytes() for row in np.asarray(examples_of(t, None, None).x, np.float32)}
        assert not any(row.tobytes() in tested for row in x)

def test_inputs_for_another_runner(tmp_path, capsys):
    assert status('device', 'inputs', 'kws', '--examples', 24, '--out', tmp_path) == 0
    lines = [line.split(',') for line in (tmp_path/'kws01'/'y_labels.csv').read_text().splitlines()]
    assert sorted(int(label) for _, _, label in lines) == sorted([*range(12)]*2)
    t = task_named('kws')
    net, _ = int8_network(t, None)
    side, e = side_of(t.name, net, t.shape), fewer(examples_of(t, None, None), 24)
    data = [(tmp_path/'kws01'/name).read_bytes() for name, *_ in lines]
    assert data == encoded(side, e.x) and {len(d) for d in data} == {490}
    g = side.grids[0]       # what lies outside of the codes is loaded as their end
    low, high = ((np.array([g.lo, g.hi]) - g.zero)*g.scale).tolist()
    assert np.abs(decoded(side, data, t.shape) - e.x.clip(low, high)).max() <= g.scale*.501
    assert status('device', 'inputs', 'kws', '--out', tmp_path) == 1
    assert 'is there: name another folder' in capsys.readouterr().err

@mcu
def test_a_board_is_measured_and_reported(tmp_path, capsys):
    "Of a quick run; all windows by the modelled clock, and that is said wherever there is a number."
    args = 'device', 'run', 'kws', '--board', 'nucleo-l4r5zi', '--examples', 8, '--quick', '--out', tmp_path/'out'
    assert status(*args) == 0
    said = capsys.readouterr()
    assert 'modelled clock' in said.out and 'Arm DDI' in said.err and 'compliance.html' in said.err
    c = load_compliance(tmp_path/'out')
    entry, = c.entries
    assert c.division == 'closed' and entry.check.holds and c.system['times'] == 'modelled'
    s = entry.outcome.speed
    assert s.provenance == 'modelled' and len(s.values) == 5 and min(s.how['secs']) >= .1
    assert max(s.values) < 1.01*min(s.values)
    t = task_named('kws')
    net, _ = int8_network(t, None)
    side, e = side_of(t.name, net, t.shape), fewer(examples_of(t, None, None), 8)
    assert entry.answers == tuple(net(decoded(side, encoded(side, e.x), t.shape)).data.argmax(1).tolist())
    assert json.loads((tmp_path/'out'/'compliance.json').read_text())['system']['clock'].startswith('modelled')

@mcu
def test_a_board_is_served_until_ctrl_c():
    pytest.importorskip('termios')
    command = [sys.executable, '-c', 'from tinybench.cli import main; main()', 'device', 'serve', 'kws', '--board',
               'nucleo-l4r5zi', '--clock', 'host']
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert select.select([p.stdout], [], [], 120)[0]        # its firmware is compiled before
        fd, came = os.open(p.stdout.readline().strip(), os.O_RDWR | os.O_NOCTTY), b''
        os.write(fd, b'profile%')
        while b'm-ready' not in came:
            assert select.select([fd], [], [], 20)[0]
            came += os.read(fd, 4096)
        os.close(fd)
        assert b'm-model-[kws01]' in came
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=20)
    finally: p.kill()
    assert p.returncode == 0 and out == '' and err.endswith('ended\n') and 'Traceback' not in err
    assert "host's clock" in err
