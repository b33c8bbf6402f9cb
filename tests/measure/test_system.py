"measure.system: what a machine says of itself, on pretend trees of /proc and /sys, and energy that is known."
import json, os, pickle, re, subprocess, sys, tempfile
from collections import namedtuple
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
import numpy as np
import pytest
from hypothesis import given, strategies as st
from tinybench.measure.result import BenchmarkResult
from tinybench.measure.system import (NOT_HERE, Cache, Counter, Git, Meter, System, Unavailable, above_idle,
                                      caches, counted, cpu_frequency, cpu_list, cpu_quota,
                                      energy_meter, find_meter, git_state, governor, heat_throttles, load_average,
                                      measure_energy, nvml_meter, others, power, quota_throttles, rapl_meter,
                                      spent, system, temperature, virtual)

CPU, SUPPLY, DMI = 'sys/devices/system/cpu', 'sys/class/power_supply', 'sys/class/dmi/id'
CAP, ZONE = 'sys/class/powercap', 'sys/class/powercap/intel-rapl:0'

posix = pytest.mark.skipif(not hasattr(os, 'geteuid'), reason='needs POSIX permissions')

def grow(root, files):
    for name, text in files.items():
        (root/name).parent.mkdir(parents=True, exist_ok=True)
        (root/name).write_text(f'{text}\n')
    return root

@pytest.fixture
def tree(tmp_path):
    "Writes files into a folder that stands for the root folder."
    return lambda files: grow(tmp_path, files)


# --- words

def test_unavailable_is_no_number():
    gone = Unavailable('no meter')
    assert not gone and repr(gone) == gone._repr_markdown_() == 'not available here: no meter'
    assert gone == Unavailable('no meter') and json.dumps(gone.to_dict()) == '{"unavailable": "no meter"}'
    for f in (float, int, np.float64, lambda x: x + 1, lambda x: 1/x, lambda x: x < 3):
        with pytest.raises(TypeError): f(gone)
    with pytest.raises(FrozenInstanceError): gone.why = 'x'


READERS = dict(caches=caches, governor=governor, frequency=cpu_frequency, temperature=temperature, power=power,
               virtual=virtual, heat=heat_throttles, quota=cpu_quota, stops=quota_throttles)

@pytest.mark.parametrize('ask', READERS.values(), ids=READERS)
def test_what_is_missing_is_words(ask, tmp_path):
    assert ask(tmp_path) == ask(str(tmp_path)) == NOT_HERE == 'not available here'


GARBAGE = {f'{CPU}/cpu0/cache/index0/level': 'x', f'{CPU}/cpu0/cache/index0/size': '', 'proc/cpuinfo': '\xff\x00',
           f'{CPU}/cpu0/cpufreq/scaling_governor': '', f'{CPU}/cpu0/cpufreq/scaling_cur_freq': '<unknown>',
           f'{CPU}/cpu0/thermal_throttle/core_throttle_count': 'n/a', 'sys/class/hwmon/hwmon0/name': 'coretemp',
           'sys/class/hwmon/hwmon0/temp1_input': '-274000', 'proc/self/cgroup': '0::/../../etc',
           'sys/fs/cgroup/cpu.max': 'max 100000', 'sys/fs/cgroup/cpu.stat': 'usage 3',
           f'{SUPPLY}/AC/type': 'Mains', f'{SUPPLY}/AC/online': '?'}

@pytest.mark.parametrize('ask', READERS.values(), ids=READERS)
def test_what_makes_no_sense_is_words(ask, tree):
    assert ask(tree(GARBAGE)) == ('no sign of it' if ask is virtual else NOT_HERE)


# --- the kernel's files

@given(st.sets(st.integers(0, 300)))
def test_cpu_list(cpus):
    runs = []
    for c in sorted(cpus):
        if runs and runs[-1][1] == c - 1: runs[-1][1] = c
        else: runs.append([c, c])
    assert cpu_list(','.join(f'{a}-{b}' if b > a else str(a) for a, b in runs)) == sorted(cpus)


def test_caches(tree):
    def cache(i, level, kind, size, shared):
        files = dict(level=level, type=kind, size=size, shared_cpu_list=shared)
        return {f'{CPU}/cpu0/cache/index{i}/{k}': v for k, v in files.items()}
    root = tree(cache(0, 1, 'Data', '48K', '0,4') | cache(1, 1, 'Instruction', '32K', '0,4')
                | cache(2, 2, 'Unified', '1280K', '0,4') | cache(3, 3, 'Unified', '107520K', '0-3,8-11'))
    got = caches(root)
    assert got[0] == Cache(1, 'data', 48*1024, 2) and got[3].shared == 8
    assert [str(c) for c in got] == ['L1 data 48 KiB shared by 2', 'L1 instruction 32 KiB shared by 2',
                                     'L2 unified 1.25 MiB shared by 2', 'L3 unified 105 MiB shared by 8']


def test_governor_and_clock_of_every_core(tree):
    root = tree({f'{CPU}/cpu{i}/cpufreq/scaling_cur_freq': 1000*(100 + i) for i in range(12)})
    assert cpu_frequency(root) == tuple(1e6*(100 + i) for i in range(12))   # cpu10 after cpu9
    assert governor(grow(root, {f'{CPU}/cpu0/cpufreq/scaling_governor': 'performance'})) == 'performance'
    grow(root, {f'{CPU}/cpu{i}/cpufreq/scaling_governor': 'powersave' for i in (3, 5)})
    assert governor(root) == 'performance, powersave'


def test_the_constant_that_a_virtual_machine_repeats_is_not_its_clock(tree):
    told = 'flags\t\t: fpu {}\ncpu MHz\t\t: 2000.000\n\nflags\t\t: fpu {}\ncpu MHz\t\t: 2600.5\n'
    assert cpu_frequency(tree({'proc/cpuinfo': told.format('hypervisor', 'hypervisor')})) == NOT_HERE
    assert cpu_frequency(tree({'proc/cpuinfo': told.format('aperfmperf', 'aperfmperf')})) == (2e9, 2600.5e6)


def test_temperature_is_the_processors_hottest(tree):
    hwmon, zone = 'sys/class/hwmon/hwmon', 'sys/class/thermal/thermal_zone'
    root = tree({f'{hwmon}0/name': 'nvme', f'{hwmon}0/temp1_input': 99_000})
    assert temperature(root) == NOT_HERE                # a disk is no processor
    assert temperature(grow(root, {f'{zone}0/type': 'x86_pkg_temp', f'{zone}0/temp': 51_000})) == 51.
    grow(root, {f'{hwmon}1/name': 'k10temp', f'{hwmon}1/temp1_input': 61_250, f'{hwmon}1/temp3_input': 300_000})
    assert temperature(root) == 61.25                   # and 300 degrees is a broken sensor


def test_throttles(tree):
    root = tree({f'{CPU}/cpu{i}/thermal_throttle/core_throttle_count': i for i in range(4)})
    assert heat_throttles(root) == 6
    assert heat_throttles(grow(root, {f'{CPU}/cpu3/thermal_throttle/core_throttle_count': 0})) == 3


@pytest.mark.parametrize('files, quota, stops', [
    ({'cpu.max': '200000 100000', 'cpu.stat': 'nr_throttled 5'}, 2., 5),
    ({'a/cpu.max': '150000 100000', 'a/b/cpu.max': '400000 100000', 'a/b/cpu.stat': 'x 1\nnr_throttled 7\ny 2'},
     1.5, 7),
    ({'a/b/cpu.max': 'max 100000', 'cpu.stat': 'nr_throttled 5'}, NOT_HERE, NOT_HERE),
    ({'cpu/cpu.cfs_quota_us': 50000, 'cpu/cpu.cfs_period_us': 100000, 'cpu/cpu.stat': 'nr_throttled 1'}, .5, 1),
    ({'cpu/cpu.cfs_quota_us': -1, 'cpu/cpu.cfs_period_us': 100000}, NOT_HERE, NOT_HERE)],
    ids=['of-the-root', 'of-a-parent', 'none', 'version-1', 'version-1-none'])
def test_quota(tree, files, quota, stops):
    own = '/a/b' if any('a/b' in name for name in files) else '/'
    root = tree({f'sys/fs/cgroup/{k}': v for k, v in files.items()} | {'proc/self/cgroup': f'0::{own}'})
    assert (cpu_quota(root), quota_throttles(root)) == (quota, stops)


@pytest.mark.parametrize('supplies, want', [
    (dict(AC=('Mains', 1), BAT0=('Battery', 'Charging')), 'mains'),
    (dict(AC=('Mains', 0), BAT0=('Battery', 'Discharging')), 'battery'),
    (dict(ucsi=('USB', 1), BAT0=('Battery', 'Discharging')), 'mains'),   # a weak charger still charges
    (dict(BAT0=('Battery', 'Full'), BAT1=('Battery', 'Discharging')), 'battery'),
    (dict(BAT0=('Battery', 'Full')), 'mains'),
    (dict(mouse=('Battery', 'Discharging', 'Device')), NOT_HERE), ({}, NOT_HERE)])
def test_power(tree, supplies, want):
    files = {'sys/x': ''}
    for name, (kind, state, *scope) in supplies.items():
        entry = 'status' if kind == 'Battery' else 'online'
        files |= {f'{SUPPLY}/{name}/type': kind, f'{SUPPLY}/{name}/{entry}': state}
        files |= {f'{SUPPLY}/{name}/scope': s for s in scope}
    assert power(tree(files)) == want


# --- who else is here

@pytest.mark.parametrize('files, want', [
    ({'proc/cpuinfo': 'flags\t: fpu vme'}, 'no sign of it'),
    ({'proc/cpuinfo': 'flags\t: fpu hypervisor lm'}, 'hypervisor flag'),
    ({'proc/cpuinfo': 'model name : hypervisor'}, 'no sign of it'),
    ({'proc/cpuinfo': '', f'{DMI}/sys_vendor': 'QEMU'}, 'QEMU'),
    ({'proc/cpuinfo': '', f'{DMI}/sys_vendor': 'Amazon EC2', f'{DMI}/product_name': 'm5.large'}, 'Amazon EC2'),
    ({'proc/cpuinfo': '', f'{DMI}/sys_vendor': 'Amazon EC2', f'{DMI}/product_name': 'm5.metal'}, 'no sign of it'),
    ({'proc/cpuinfo': '', '.dockerenv': ''}, 'container'),
    ({'proc/cpuinfo': '', 'proc/1/cgroup': '0::/kubepods/burstable/pod1'}, 'container'),
    ({'proc/cpuinfo': 'flags: hypervisor', 'proc/version': 'Linux 5.15-microsoft-standard'}, 'hypervisor flag, WSL')])
def test_virtual(tree, files, want): assert virtual(tree(files)) == want


def test_the_others_are_what_runs_while_we_sleep():
    Times = namedtuple('Times', 'user system idle iowait steal guest')
    said, slept = iter([Times(10, 5, 100, 1, 2, 3), Times(11, 6, 105, 2, 4, 9)]), []
    assert others(.5, slept.append, said.__next__) == (pytest.approx(.2), pytest.approx(.2)) and slept == [.5]
    still = Times(1, 1, 1, 1, 1, 1)
    assert others(0, slept.append, lambda: still) == (NOT_HERE, NOT_HERE)
    plain = namedtuple('Times', 'user system idle')     # as on macOS
    said = iter([plain(0, 0, 0), plain(1, 0, 3)])
    assert others(0, slept.append, said.__next__) == (.25, 0)
    assert all(0 <= share <= 1 for share in others(.05))


def test_without_a_load_average(monkeypatch):
    assert load_average() == NOT_HERE or load_average() >= 0
    monkeypatch.delattr(os, 'getloadavg', raising=False)            # as on Windows
    assert load_average() == NOT_HERE and system(secs=0).load == NOT_HERE


# --- git

def git(folder, *args):
    me = ['-c', 'user.name=nobody', '-c', 'user.email=nobody@example.com', '-c', 'commit.gpgsign=false']
    done = subprocess.run(['git', *me, '-C', folder, *args], check=True, capture_output=True, text=True)
    return done.stdout.strip()

def test_git_state(tmp_path):
    assert git_state(tmp_path) == NOT_HERE and git_state(tmp_path/'none') == NOT_HERE
    git(tmp_path, 'init', '-q')
    assert git_state(tmp_path) == NOT_HERE              # nothing is committed yet
    (tmp_path/'a.py').write_text('1')
    git(tmp_path, 'add', '.'); git(tmp_path, 'commit', '-qm', 'one')
    (tmp_path/'sub').mkdir()
    head = git(tmp_path, 'rev-parse', 'HEAD')
    assert git_state(tmp_path/'sub') == Git(head, False) and repr(Git(head, False)) == f'commit {head[:12]}'
    (tmp_path/'result.json').write_text('')
    assert git_state(tmp_path) == Git(head, False)      # what was written beside the code does not change it
    (tmp_path/'a.py').write_text('2')
    assert git_state(tmp_path) == Git(head, True) and repr(git_state(tmp_path)).endswith(', with changes')
    assert {f.name for f in fields(Git)} == {'commit', 'dirty'}


@posix
def test_a_git_that_hangs_or_is_missing(tmp_path, monkeypatch):
    fake = tmp_path/'git'
    fake.write_text(f'#!{sys.executable}\nimport time\ntime.sleep(60)\n')
    fake.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    assert git_state(timeout=.2) == NOT_HERE
    fake.unlink()
    assert git_state() == NOT_HERE


# --- all of it

def calm(**changes):
    "A machine that gives no cause for concern, but for these changes."
    return System(**dict(
        cpu='cpu', cores=4, cpus=8, quota=NOT_HERE, memory=2**33, caches=(Cache(1, 'data', 2**15, 2),),
        blas='openblas', blas_threads=4, governor='performance', frequency=(2e9, 3e9), temperature=51.2, load=.5,
        others=.01, stolen=0., power='mains', virtual='no sign of it', heat_throttles=0, quota_throttles=0,
        git=Git('a'*40, False), versions=(('numpy', '2.0'),)) | changes)

def test_system_here():
    s = system(secs=.01)
    assert s.memory > 0 and s.cpus >= 1 and dict(s.versions)['numpy'] == np.__version__
    assert json.loads(json.dumps(s.to_dict(), allow_nan=False)) == s.to_dict()
    assert pickle.loads(pickle.dumps(s)) == s and hash(s) == hash(replace(s))
    with pytest.raises(FrozenInstanceError): s.cpu = 'x'
    assert all(isinstance(why, str) and why for why in s.concerns())
    assert len(repr(s).splitlines()) - 1 == len(fields(System)) == len(s._repr_markdown_().strip().splitlines()) - 2


def test_system_names_no_user_and_no_host():
    import getpass, platform
    said = json.dumps(system(secs=.01).to_dict())
    for name in (getpass.getuser(), platform.node(), str(Path.home())):
        assert len(name) < 6 or name not in said        # a shorter one may be part of another word


def test_system_of_an_empty_machine(tmp_path):
    s = system(tmp_path, folder=tmp_path, secs=.01)
    for k in ('quota', 'caches', 'governor', 'frequency', 'temperature', 'power', 'virtual', 'heat_throttles',
              'quota_throttles', 'git'): assert getattr(s, k) == NOT_HERE, k
    # a busy host is said, too, and of a "virtual machine's time"
    assert not any(why.startswith('virtual') or 'governor' in why for why in s.concerns())
    assert repr(s).count(NOT_HERE) >= 10 and s.to_dict()['caches'] == NOT_HERE


def test_system_in_words():
    said = repr(calm())
    for words in ('8.0 GiB', '2.00 to 3.00 GHz', '51 °C', 'L1 data 32 KiB shared by 2', 'numpy 2.0', 'commit aaaa',
                  '0.50 (tasks, last minute)', '1% of the CPUs', 'not available here'): assert words in said
    assert calm().to_dict()['git'] == dict(commit='a'*40, dirty=False)
    assert calm().to_dict()['caches'] == [dict(level=1, kind='data', size=2**15, shared=2)]


def test_a_calm_machine_gives_no_concern(): assert calm().concerns() == [] == calm().concerns(since=calm())


@pytest.mark.parametrize('change, words', [
    (dict(others=.3), 'busy: other work has 30%'), (dict(load=9.), 'busy: 9.0 tasks on 8 CPUs'),
    (dict(stolen=.05), 'busy host: it took 5.0%'), (dict(heat_throttles=3), 'throttling: .* for heat 3 times so far'),
    (dict(quota_throttles=2), 'throttling: the CPU quota .* 2 times'), (dict(virtual='KVM'), r'virtual \(KVM\)'),
    (dict(governor='performance, powersave'), 'governor .*powersave'),
    (dict(governor='ondemand'), 'governor ondemand'),
    (dict(power='battery'), 'on battery'), (dict(blas_threads=8), 'BLAS uses 8 threads .* room for 4'),
    (dict(cores=NOT_HERE, blas_threads=9), 'room for 8'), (dict(quota=1.5), 'BLAS uses 4 threads .* room for 1.5')])
def test_each_concern_is_said_once(change, words):
    why, = calm(**change).concerns()
    assert re.search(words, why)


def test_counts_concern_only_where_they_grew():
    hot = calm(heat_throttles=12, quota_throttles=5)
    assert len(hot.concerns()) == 2 and hot.concerns(since=hot) == []
    why, = calm(heat_throttles=15, quota_throttles=5).concerns(since=hot)
    assert 'for heat 3 times meanwhile' in why
    assert calm(heat_throttles=NOT_HERE).concerns(since=hot) == []


# --- energy

@given(st.integers(1, 2**70), st.data())
def test_counters_turn_over(most, data):
    before, steps = data.draw(st.integers(0, most)), data.draw(st.integers(0, most))
    assert counted(before, (before + steps)%(most + 1), most) == steps


def rapl(tree, **zones):
    "A tree with these zones: folder after `intel-rapl` -> (name, microjoules, largest)."
    files = {}
    for folder, (name, now, most) in zones.items():
        zone = f'{CAP}/intel-rapl' + folder.replace('_', ':').replace('mmio', '-mmio')
        files |= {f'{zone}/name': name, f'{zone}/energy_uj': now, f'{zone}/max_energy_range_uj': most}
    return tree(files)

def test_rapl_adds_packages_and_memory_but_no_part_twice(tree):
    root = rapl(tree, _0=('package-0', 10, 999), _0_0=('core', 7, 999), _0_1=('dram', 500, 999),
                _0_2=('uncore', 3, 999), _1=('package-1', 990, 999), mmio_0=('package-0', 10, 999))
    meter = energy_meter(root=root)
    assert repr(meter) == 'RAPL: package-0, dram, package-1'
    before = meter.read()
    assert before == (10, 500, 990)
    grow(root, {f'{ZONE}/energy_uj': 40, f'{CAP}/intel-rapl:1/energy_uj': 20})
    assert meter.joules(before, meter.read()) == pytest.approx((30 + 0 + 30)*1e-6)
    with pytest.raises(ValueError): meter.joules(before, before[:2])


def test_no_meter_no_number(tmp_path):
    ran = []
    why = measure_energy(lambda: ran.append(1), root=tmp_path)
    assert isinstance(why, Unavailable) and 'no energy counters in' in why.why and not ran
    assert energy_meter(root=tmp_path) is None and find_meter(root=tmp_path) == why
    with pytest.raises(ValueError, match="'cpu' and 'gpu'"): find_meter('tpu')
    with pytest.raises(ValueError, match='at least 1'): measure_energy(lambda: None, 0)


@posix
def test_counters_that_only_root_may_read_are_said_so(tree):
    root = rapl(tree, _0=('package-0', 10, 999))
    (root/ZONE/'energy_uj').chmod(0)
    if os.geteuid() == 0:                               # root may read all: be somebody else for a moment
        with tempfile.TemporaryDirectory() as open_to_all:
            os.chmod(open_to_all, 0o755)
            root = rapl(lambda files: grow(Path(open_to_all), files), _0=('package-0', 10, 999))
            (root/ZONE/'energy_uj').chmod(0)
            os.seteuid(65534)
            try: why = measure_energy(lambda: None, root=root)
            finally: os.seteuid(0)
    else: why = measure_energy(lambda: None, root=root)
    assert isinstance(why, Unavailable) and 'Permission denied' in why.why and 'run as root' in why.why
    assert 'energy_uj' in why.why


def test_counters_that_hold_no_number(tree):
    assert 'no number in it' in rapl_meter(rapl(tree, _0=('package-0', 'soon', 999))).why
    assert 'no energy counters' in rapl_meter(rapl(tree, _0=('package-0', 10, 'soon'))).why


class Driver:
    "As much of NVML as is asked, for a machine with the given energies; an error where it has no GPU."
    class NVMLError(Exception): pass
    def __init__(self, *millijoules): self.said, self.last = iter(millijoules), None
    def nvmlInit(self): pass
    def nvmlDeviceGetHandleByIndex(self, i):
        if self.said.__length_hint__() == 0: raise self.NVMLError('No GPU')
        return i
    def nvmlDeviceGetTotalEnergyConsumption(self, gpu): return next(self.said)
    def nvmlDeviceGetName(self, gpu): return 'Pretend 100'

def test_nvml():
    meter = nvml_meter(nvml=Driver(1, 5_000, 7_500))
    assert repr(meter) == 'NVML: GPU 0, Pretend 100'
    assert meter.joules(meter.read(), meter.read()) == pytest.approx(2.5)
    assert nvml_meter(nvml=Driver()).why == 'NVML: No GPU'
    here = find_meter('gpu')                            # whatever this machine has: a meter or words
    assert isinstance(here, Meter) or here.why.startswith(('no NVML', 'NVML: '))


class Powered:
    "A pretend computer that draws `idle` watts, and jobs that add their own; its counter turns over at `most`."
    def __init__(self, idle, most=10**9, joules=0.):
        self.now,self.joules,self.idle,self.most,self.slept = 0.,joules,idle,most,[]
    def clock(self):
        self.now += 1e-9
        return self.now
    def pass_by(self, secs, joules=0.):
        self.now,self.joules = self.now + secs,self.joules + secs*self.idle + joules
    def wait(self, secs):
        self.slept.append(secs)
        self.pass_by(secs)
    def meter(self):
        def read(): return round(self.joules*1e6)%(self.most + 1)
        return Meter('pretend', (Counter('all', read, self.most, 1e-6),))
    def measure(self, secs, joules, **options):
        def job(): self.pass_by(secs, joules)
        return measure_energy(job, meter=self.meter(), clock=self.clock, wait=self.wait, **options)

@given(st.floats(0, 200), st.floats(1e-4, .5), st.floats(1., 400))
def test_idle_power_is_subtracted(idle, secs, watts):
    r = Powered(idle).measure(secs, watts*secs, repeats=6)
    np.testing.assert_allclose(r.values, watts*secs, rtol=1e-3)


def test_energy_record():
    m, seen = Powered(30., most=300_000_000, joules=290.), []       # it turns over after ten joules
    r = m.measure(.1, 4., repeats=8, inner=2, name='job', progress=lambda *a: seen.append(a))
    assert isinstance(r, BenchmarkResult) and r.provenance == 'measured'
    assert (r.name, r.metric, r.unit) == ('job', 'energy', 'J')
    np.testing.assert_allclose(r.values, 4., rtol=1e-5)
    np.testing.assert_allclose(r.how['idle_watts'], 30., rtol=1e-5)
    np.testing.assert_allclose(r.how['watts'], 70., rtol=1e-5)
    assert r.how['inner'] == 2 and 'subtracted' in r.how['idle'] and r.how['meter'] == 'pretend: all'
    assert m.slept == pytest.approx([.2]*8) and seen == [(i+1, 8) for i in range(8)]
    assert BenchmarkResult.from_dict(json.loads(json.dumps(r.to_dict()))) == r


def test_noise_below_zero_stays():
    m = Powered(0.)
    m.wait = lambda secs: m.pass_by(secs, 1.)           # idling costs more than the work, this time
    assert max(m.measure(.1, .2, repeats=6, inner=1).values) < 0
    assert above_idle(1., 2., 3., 2.) == -2.


def test_a_sample_that_could_outlast_the_counter_is_refused():
    with pytest.raises(ValueError, match='fewer calls'): Powered(1., most=999_999).measure(.01, 0., inner=1)


def test_an_error_in_the_work_is_not_swallowed():
    m = Powered(1.)
    with pytest.raises(ZeroDivisionError): measure_energy(lambda: 1/0, meter=m.meter(), clock=m.clock)


def test_spent():
    m = Powered(10.)
    assert spent(m.meter(), lambda: m.pass_by(2., 5.), m.clock) == (pytest.approx(25.), pytest.approx(2.))


def test_it_says_where_it_was_measured():
    "Beside a meter that there is none of here, the record carries this machine."
    assert Powered(1.).measure(.1, 1., repeats=1).env['numpy'] == np.__version__
