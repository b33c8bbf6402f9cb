"What the platform tells is read from files in the kernel's own format, and n/a where they are not there."
import time

import numpy as np
import pytest
from tinybench.forms.fields import EDGE
from tinybench.forms.machine import bandwidth_cell, cpu_times, energy_cell, tells, watched, watched_cells

KNOWN = {f.name: f for f in EDGE}

def write(root, **files):
    for path, text in files.items():
        path = root/path.replace('__', '/')
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{text}\n')

@pytest.fixture
def root(tmp_path):
    "The files of a laptop of two cores, as Linux writes them."
    top = 'sys/devices/system/cpu/cpu{}/cpufreq/scaling_cur_freq'
    write(tmp_path, **{top.format(0): 2_100_000, top.format(1): 1_900_000,
                       'sys/class/hwmon/hwmon0/name': 'coretemp', 'sys/class/hwmon/hwmon0/temp1_input': 47_000,
                       'sys/class/hwmon/hwmon0/temp2_input': 51_500,
                       'sys/class/net/eth0/speed': 1000, 'sys/class/net/eth0/operstate': 'up',
                       'sys/class/net/wlan0/speed': 300, 'sys/class/net/wlan0/operstate': 'up',
                       'sys/class/net/eth1/speed': 10000, 'sys/class/net/eth1/operstate': 'down',
                       'sys/class/net/lo/speed': -1, 'sys/class/net/lo/operstate': 'up',
                       'sys/class/powercap/intel-rapl:0/name': 'package-0',
                       'sys/class/powercap/intel-rapl:0/max_energy_range_uj': 262_143_328_850,
                       'sys/class/powercap/intel-rapl:0/energy_uj': 1_000_000})
    return tmp_path

def test_what_the_files_say_is_read(root):
    cells = {c.field.name: c for c in watched_cells(KNOWN, watched(time.process_time, root, 6, .01))}
    assert (cells['clock'].value, cells['clock'].provenance) == (2000, 'measured')
    assert cells['temperature'].value == 51.5 and cells['temperature'].words() == '51.5 °C'
    c = bandwidth_cell(KNOWN['bandwidth'], root)
    assert (c.value, c.provenance) == (1000, 'modelled') and 'eth0' in c.source and 'upper limit' in c.source
    assert tells(root) | dict(load_gpu=None) == dict(clock=True, temperature=True, energy=True, bandwidth=True,
                                                     load_gpu=None, load_npu=False)

def test_energy_is_what_the_counter_counts(root):
    "A counter that work moves by 1 mJ a call, and idling not at all: 1/3600 mWh."
    counter = root/'sys/class/powercap/intel-rapl:0/energy_uj'
    def run(): counter.write_text(str(int(counter.read_text()) + 1000))
    c = energy_cell(KNOWN['energy'], run, root, 6, inner=5, wait=lambda secs: None)
    assert np.isclose(c.value, 1e-3/3.6) and c.provenance == 'measured' and 'RAPL' in c.source
    assert np.allclose(c.raw, 1e-3)

def test_without_files_there_is_no_number(tmp_path):
    cells = watched_cells(KNOWN, watched(time.process_time, tmp_path, 1, .01))
    found = {c.field.name: c for c in cells} | dict(
        energy=energy_cell(KNOWN['energy'], time.process_time, tmp_path), bandwidth=bandwidth_cell(KNOWN['bandwidth'], tmp_path))
    for k in ('clock', 'temperature', 'energy', 'bandwidth', 'load_npu'):
        assert not found[k].known and '; with ' in found[k].source, k
    assert 'Joulescope' in found['energy'].source and 'RAPL' in found['energy'].source
    assert found['load_cpu'].known and not any(tells(tmp_path)[k] for k in ('clock', 'temperature', 'energy', 'bandwidth'))

def test_a_counter_that_may_not_be_read_says_why(root):
    counter = root/'sys/class/powercap/intel-rapl:0/energy_uj'
    counter.unlink()
    counter.mkdir()
    c = energy_cell(KNOWN['energy'], time.process_time, root)
    assert not c.known and 'cannot read' in c.source and 'run as root' in c.source

@pytest.mark.parametrize('name, text', [('hwmon/hwmon0/temp2_input', 'n/a'), ('hwmon/hwmon0/name', 'nvme'),
                                        ('net/eth0/speed', '999999999999999999999999x')])
def test_files_that_say_nothing_of_use(root, name, text):
    (root/'sys/class'/name).write_text(text)
    cells = {c.field.name: c for c in watched_cells(KNOWN, watched(time.process_time, root, 1, .01))}
    said = dict(hwmon=cells['temperature'], net=bandwidth_cell(KNOWN['bandwidth'], root))[name.split('/')[0]]
    assert said.value in (None, 47., 300)

def test_load_is_of_each_unit(tmp_path):
    readings = iter([[(0., 0.), (0., 0.)], [(1., 1.), (.5, 1.)], [(1., 1.), (.5, 1.)], [(2., 2.), (.5, 2.)]])
    seen = watched(lambda: None, tmp_path, 2, .001, lambda: next(readings))
    assert seen['loads'] == [[1, .5], [1, 0]]
    c = watched_cells(KNOWN, seen)[0]
    assert c.value == 62.5 and dict(c.parts) == dict(cpu0=1, cpu1=.25) and 'cpu1 25%' in c.source
    assert len(cpu_times()) >= 1 and all(0 <= busy <= every for busy, every in cpu_times())
