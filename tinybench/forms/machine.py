"What a platform says of itself while a model runs: load, clock, temperature, energy; or what it would need"
import time
from collections.abc import Callable, Mapping
from pathlib import Path
import numpy as np

from ..measure.system import (
    NOT_HERE, cpu_frequency, file_number, file_says, find_meter, measure_energy, temperature)
from ..profile.roofline import gemm_rate
from .cell import Cell, filled, unknown
from .fields import Field

WINDOWS, SECS = 8, .25      # of watching

NEEDS = dict(
    clock=('neither cpufreq/scaling_cur_freq in /sys/devices/system/cpu nor aperfmperf in /proc/cpuinfo',
           'with a kernel that shows the clock to this machine, as outside of most virtual machines'),
    temperature=('no sensor of the processor in /sys/class/hwmon or /sys/class/thermal',
                 'with one of these (coretemp, k10temp, cpu_thermal), or a thermometer on the package'),
    energy='with RAPL (readable /sys/class/powercap), or a meter such as a Joulescope in the supply',
    bandwidth='with a network card whose driver says its rate, or a second machine to send to',
    load_gpu=('no NVIDIA driver that answers', 'with a GPU and the package nvidia-ml-py'),
    load_npu=('no accelerator that tells its load', 'with one whose driver counts its busy time'))

def cpu_times() -> list[tuple]:
    "(busy, all) seconds of each CPU since the start of the machine."
    import psutil
    def both(t):
        every = sum(getattr(t, k) for k in t._fields if not k.startswith('guest'))
        return every - t.idle - getattr(t, 'iowait', 0), every
    return [both(t) for t in psutil.cpu_times(percpu=True)]

def gpu_load() -> float|None:
    "The share of time in which the first GPU was busy, as its driver says it; None if nobody does."
    try: import pynvml as nvml
    except ImportError: return None
    try:
        nvml.nvmlInit()
        return nvml.nvmlDeviceGetUtilizationRates(nvml.nvmlDeviceGetHandleByIndex(0)).gpu/100
    except nvml.NVMLError: return None

def watched(run:Callable, root:Path, windows:int=WINDOWS, secs:float=SECS, times:Callable=cpu_times,
            clock:Callable=time.perf_counter) -> dict:
    "By cell what was read after each window in which `run` ran again and again; None where nobody says it."
    found = dict(loads=[], load_gpu=[], clock=[], temperature=[])
    for _ in range(windows):
        before, start = times(), clock()
        while clock() - start < secs: run()
        after = times()
        found['loads'].append([(b - a)/max(d - c, 1e-9) for (a, c), (b, d) in zip(before, after)])
        found['load_gpu'].append(gpu_load())
        hz, warm = cpu_frequency(root), temperature(root)
        found['clock'].append(None if hz == NOT_HERE else float(np.median(hz)))
        found['temperature'].append(None if warm == NOT_HERE else warm)
    return found

def watched_cells(known:Mapping[str, Field], seen:Mapping) -> list[Cell]:
    "The cells of what was `watched`."
    loads = np.clip(np.array(seen['loads']), 0, 1)
    each = {f'cpu{i}': round(float(v), 4) for i, v in enumerate(np.median(loads, 0))}
    each_words = ', '.join(f'{k} {v:.0%}' for k, v in each.items())
    one = 'read after each window of calls, one thread'
    cells = [filled(known['load_cpu'], loads.mean(1),
                    f'busy time of all CPUs while one thread answers; {each_words}', **each)]
    says = dict(load_gpu='of the driver (NVML), ', clock='the median of the cores, ',
                temperature='the hottest sensor of the processor, ')
    for k, how in says.items():
        values = seen[k]
        cells.append(unknown(known[k], *NEEDS[k]) if None in values else filled(known[k], values, how + one))
    return [*cells, unknown(known['load_npu'], *NEEDS['load_npu'])]

def energy_cell(f:Field, run:Callable, root:Path, repeats:int=10, **how) -> Cell:
    "Energy of an answer, above what the idle machine spends, by the processor's counters."
    found = measure_energy(run, repeats, root=root, name='answer', **how)
    if not found: return unknown(f, found.why, NEEDS['energy'])
    meter = found.how['meter']
    return filled(f, found.values, f'by {meter}, less what the idle machine spends in the same time')

def link_rates(root:Path) -> dict[str, int]:
    "Interface -> Mbit/s that its driver says its link is set to, for those that are up and say it."
    found = {p.parent.name: file_number(p) for p in sorted(root.glob('sys/class/net/*/speed'))}
    up = {k: v for k, v in found.items() if file_says(root/f'sys/class/net/{k}/operstate') == 'up'}
    return {k: v for k, v in up.items() if v and v > 0}

def bandwidth_cell(f:Field, root:Path) -> Cell:
    "The rate of the fastest link."
    if not (rates := link_rates(root)):
        return unknown(f, 'no link of /sys/class/net that is up says its rate', NEEDS['bandwidth'])
    name = max(rates, key=rates.get)
    return filled(f, rates[name], f'the rate that the driver of {name} says its link is set to '
                                  f'(/sys/class/net/{name}/speed): an upper limit, nothing was sent')

def peak_cell(f:Field) -> Cell:
    "The most FLOP/s that a product of matrices reached here on one thread."
    found = gemm_rate((256, 512, 1024), 9)
    return filled(f, found.values, f'{found.name}, one thread, the fastest of three sizes')

def tells(root:str|Path='/') -> dict[str, bool]:
    "Whether this platform tells what the cells of a form that are read say."
    root = Path(root)
    return dict(clock=cpu_frequency(root) != NOT_HERE, temperature=temperature(root) != NOT_HERE,
                energy=bool(find_meter('cpu', root)), bandwidth=bool(link_rates(root)),
                load_gpu=gpu_load() is not None, load_npu=False)
