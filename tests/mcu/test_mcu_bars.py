"What firmware costs: instructions a MAC on a Cortex-M4, flash and RAM of the official networks."
import numpy as np
import pytest
from mcukit import official_plan
from tinybench.mcu.emulate import emulate
from tinybench.mcu.firmware import firmware

for name in ('unicorn', 'elftools', 'ziglang'): pytest.importorskip(name, reason='needs the extra mcu')
M4, TASKS = 'nucleo-l4r5zi', ('kws', 'ic', 'vww', 'ad')

def per_mac(e): return {n: sum(row[k] for k in e.kinds())/layer.macs for (n, row), layer in zip(e.layers().items(), e.firmware.layers)
                        if layer.macs}

def test_instructions_a_mac(reference_dir):
    "By SMLAD at most 1.2 in a pointwise convolution of 64 channels, and at least three times fewer than in plain C."
    p, x, _ = official_plan('kws', reference_dir)
    fast, plain = (emulate(firmware(p, M4, 'kws', dsp=dsp), x[:1]) for dsp in (True, False))
    found, other = per_mac(fast), per_mac(plain)
    pointwise = [layer.name for layer in fast.firmware.layers if layer.op == 'conv2d' and layer.macs == 512_000]
    assert len(pointwise) == 4
    for name in pointwise: assert found[name] <= 1.2 and other[name] >= 3*found[name]
    assert fast.per_mac <= 1.5 < plain.per_mac

def official_bytes(z):
    "Of weights in an official int8 file: codes, biases of 4 bytes, scales of 4 bytes."
    return sum(z[k].nbytes for k in z.files if k.startswith('int8/') and k.endswith(('/w', '/b', '/w_scale')))

@pytest.mark.slow
@pytest.mark.parametrize('task', TASKS)
def test_sizes_of_the_official_networks(task, reference_dir):
    f = firmware(official_plan(task, reference_dir)[0], M4, task)
    z = np.load(reference_dir/f'{task}.npz', allow_pickle=False)
    assert f.weights - f.tables == pytest.approx(official_bytes(z), rel=.05)
    assert f.arena == f.least
