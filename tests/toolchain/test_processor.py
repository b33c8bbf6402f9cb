"What a processor can do, told from what systems say of it"
import platform, subprocess, sys

import pytest

from tinybench.toolchain import cpu
from tinybench.toolchain.cpu import Target, cpu_key, host, parse_cpuinfo, target_of

SKYLAKE = {'sse2', 'avx2', 'fma', 'avx512f', 'avx512bw', 'avx512vl'}

@pytest.mark.parametrize('machine, features, name, floats', [
    ('x86_64', SKYLAKE | {'avx512_vnni'}, 'avx512_vnni', 16), ('AMD64', SKYLAKE, 'avx512', 16),
    ('x86_64', {'avx2', 'fma', 'avx_vnni'}, 'avx2_vnni', 8), ('x86_64', {'avx2', 'fma'}, 'avx2', 8),
    ('x86_64', {'avx2'}, 'sse2', 4), ('x86_64', set(), 'sse2', 4),
    ('aarch64', {'asimd', 'asimddp'}, 'neon_dot', 4), ('arm64', set(), 'neon', 4), ('riscv64', {'v'}, 'plain', 2)])
def test_the_widest_that_a_machine_can(machine, features, name, floats):
    target = target_of(machine, features)
    assert (target.name, target.lanes()) == (name, floats) and target.lanes(1) == 4*floats

def test_a_target_can_be_made_by_hand():
    m4 = Target('cortex_m4', 4, dot='smlad')
    assert (m4.lanes(1), m4.fma, m4.registers) == (4, False, 0)
    with pytest.raises(AttributeError): m4.fma = True

def test_what_linux_says_of_the_first_processor():
    text = '\n\n'.join(f'processor\t: {i}\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon {i}\ncpu MHz\t\t: {i}\n'
                       f'flags\t\t: fpu avx2\npower management:' for i in range(2))
    assert parse_cpuinfo(text) == ('GenuineIntel Xeon 0', {'fpu', 'avx2'})
    assert parse_cpuinfo('processor : 0\nFeatures : fp asimd\nCPU part : 0xd0c\n') == ('0xd0c', {'fp', 'asimd'})
    assert parse_cpuinfo('') == ('', set())

def test_a_host_that_says_nothing_is_one_of_the_plainest(monkeypatch):
    def nothing(*args, **more): raise FileNotFoundError
    monkeypatch.setattr('builtins.open', nothing)
    monkeypatch.setattr(sys, 'platform', 'linux')
    model, features = cpu.processor.__wrapped__()
    assert not features and target_of(platform.machine(), set(features)).name in ('sse2', 'neon', 'plain')

@pytest.mark.skipif(sys.platform != 'linux', reason='needs Linux and gcc')
def test_gcc_says_the_same_of_this_host(gcc):
    "What `-march=native` defines, which is what the C will be compiled for."
    said = subprocess.run([*gcc.command, '-march=native', '-dM', '-E', '-'], input='', text=True, capture_output=True).stdout
    mine = host()
    if platform.machine() == 'x86_64':
        assert ('__AVX512VL__' in said, '__AVX2__' in said) == (mine.vector_bytes == 64, mine.vector_bytes >= 32)
        assert mine.fma == ('__FMA__' in said and '__AVX2__' in said)
    assert cpu_key() == cpu_key() and sys.platform in cpu_key()
