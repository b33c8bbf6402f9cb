"""The runner that MLCommons publishes, unchanged, at an emulated board. TINYBENCH_MLCOMMONS_TINY names a checkout of
mlcommons/tiny; the runner itself needs pyserial, pyusb, PyYAML and matplotlib."""
import json, os, subprocess, sys
from pathlib import Path
import numpy as np
import pytest
for _name in ('unicorn', 'elftools', 'ziglang', 'serial', 'usb', 'yaml'): pytest.importorskip(_name)
from tinybench.cli.device import examples_of, int8_network, task_named
from tinybench.mcu.host import fewer, files_of
from tinybench.mcu.protocol import decoded, encoded, side_of
from tinybench.mcu.serve import emulated_device
from boardkit import BOARD, served

# It looks for boards by their USB ids, which a pseudo-terminal has not: it is told those of its reference board.
START = '''
import runpy, sys
from types import SimpleNamespace
import serial.tools.list_ports as ports
import usb.core
runner, port, *args = sys.argv[1:]
ports.comports = lambda *_: [SimpleNamespace(device=port, vid=0x0483, pid=0x374B, description='')]
usb.core.find = lambda **_: []
sys.path.insert(0, runner)
sys.argv = ['main.py', *args]
runpy.run_path(f'{runner}/main.py', run_name='__main__')
'''
SCRIPT = '''
{model}:
  name: test
  model: {model}
  truth_file: y_labels.csv
  script:
    - loop{loop}:
      - download
      - infer {n} {warm}
'''

@pytest.fixture(scope='module')
def runner():
    place = os.environ.get('TINYBENCH_MLCOMMONS_TINY')
    if not place: pytest.skip('TINYBENCH_MLCOMMONS_TINY names no checkout of mlcommons/tiny')
    path = Path(place).expanduser()/'benchmark'/'runner'
    assert (path/'main.py').is_file(), f'no runner at {path}'
    return path

@pytest.fixture(scope='module')
def kws():
    "(task, network, side, 24 examples, two of each class)."
    t = task_named('kws')
    net, _ = int8_network(t, None)
    return t, net, side_of(t.name, net, t.shape), fewer(examples_of(t, None, None), 24)

def started(runner, folder:Path, path:str, kws, mode:str, n:int=1, warm:int=0) -> tuple[list, str]:
    "What main.py writes down of a session, results.json and results.txt."
    _, _, side, e = kws
    files, lines = files_of(side, e)
    place = folder/'datasets'/side.model
    place.mkdir(parents=True)
    for name, data in files.items(): (place/name).write_bytes(data)
    (place/'y_labels.csv').write_text('\n'.join(lines) + '\n')
    loop = ' 5' if mode == 'p' else ''
    (folder/'script.yaml').write_text(SCRIPT.format(model=side.model, loop=loop, n=n, warm=warm))
    args = [f'--device_list={runner}/devices_kws_ic_vww.yaml', '--dataset_path=datasets',
            '--test_script=script.yaml', f'--mode={mode}']
    done = subprocess.run([sys.executable, '-c', START, runner, path, *args], cwd=folder, timeout=600,
                          capture_output=True, text=True, env=os.environ | dict(MPLBACKEND='agg'))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    session, = (folder/'sessions').iterdir()
    return json.loads((session/'results.json').read_text()), (session/'results.txt').read_text()

def test_its_class_of_a_device(runner, kws, tmp_path):
    "DUT: who it is, an input loaded, inferred and read back."
    t, net, side, e = kws
    code = f'''
import sys
sys.path.insert(0, {str(runner)!r})
from device_under_test import DUT
with DUT(sys.argv[1], 115200) as d:
    print([d.get_name(), d.get_model(), d.get_profile()])
    print(d.load(bytes.fromhex(sys.argv[2])))
    print(d.infer(1, 0))
'''
    with served(emulated_device(net, t.shape, side, BOARD, 'host')) as path:
        done = subprocess.run([sys.executable, '-c', code, path, encoded(side, e.x[:1])[0].hex()], cwd=tmp_path,
                              capture_output=True, text=True, timeout=120, check=True)
    assert f"['{BOARD}, emulated by tinybench, host clock', 'kws01', 'ULPMark for tinyML Firmware V0.0.1']" in done.stdout
    assert "['m-load-done', 'm-ready']" in done.stdout
    assert "'m-infer-start-1'" in done.stdout and "'m-results-[" in done.stdout

@pytest.mark.slow
@pytest.mark.parametrize('clock', ['modelled', 'host'])
def test_its_accuracy_mode(runner, kws, tmp_path, clock):
    "24 inputs loaded, inferred once each: the classes of the integer core, and its accuracy."
    t, net, side, e = kws
    with served(emulated_device(net, t.shape, side, BOARD, clock)) as path:
        rows, said = started(runner, tmp_path, path, kws, 'a')
    want = net(decoded(side, encoded(side, e.x), t.shape)).data.argmax(1)
    got = [int(np.argmax(r['infer']['results'])) for r in rows]
    assert got == want.tolist()
    assert [int(r['class']) for r in rows] == e.y.tolist()
    assert f'Top 1% = {100*np.mean(want == e.y):2.1f}' in said

@pytest.mark.slow
def test_its_performance_mode(runner, kws, tmp_path):
    "Five windows of more than ten seconds by the modelled clock, all alike, on five inputs."
    t, net, side, e = kws
    d = emulated_device(net, t.shape, side, BOARD, 'modelled')
    with served(d) as path: rows, said = started(runner, tmp_path, path, kws, 'p', 250, 10)
    secs = [r['infer']['elapsed_time']/1e6 for r in rows if 'infer' in r]
    assert len(secs) == 5 and min(secs) > 10 and len({r['file'] for r in rows}) == 5
    assert said.count('Runtime requirements have been met') == 5
    assert 'Median throughput is' in said and 'ERROR' not in said
    assert max(secs)/min(secs) < 1.01       # an input takes nearly the same instructions as another
