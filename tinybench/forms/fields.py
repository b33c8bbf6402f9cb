"What a form asks: each cell's unit, how its value follows from what was taken, and where it may come from"
from typing import NamedTuple

ORIGINS = 'measured', 'modelled', 'literature'
MODEL, TIME, PLATFORM = GROUPS = 'The model', 'An answer', 'The platform'
RULES = dict(
    count='a whole number of things that can be counted again',
    bytes='bytes that can be counted again, in the larger unit',
    share='so many of so many, with an interval by Wilson',
    times='the median of values above 0, one of each fresh process, with an interval by ranks',
    median='the median of readings in one process, which depend on each other: no interval',
    quality='a number with an interval that can be computed again',
    rate='1000 over the milliseconds of an answer',
    one='one number, by its source')

RUNTIMES = 'core', 'compiled'        # of this machine: numpy, or our C

class Field(NamedTuple):
    "One question of a form."
    name: str
    title: str
    unit: str               # of its value; '' for a pure number
    group: str
    rule: str               # of `RULES`: how value and interval follow from what was taken
    origins: tuple          # of `ORIGINS`: where a number may come from
    by: float = 1           # what was taken, divided by this, is in `unit`

COUNTED, MODELLED = ('measured',), ('modelled',)

EDGE = (
    Field('parameters', 'parameters', '', MODEL, 'count', COUNTED),
    Field('size', 'file size', 'MB', MODEL, 'bytes', COUNTED, 1e6),
    Field('macs', 'multiply-accumulates of an answer', '', MODEL, 'count', MODELLED),
    Field('flops', 'FLOPs of an answer', '', MODEL, 'count', MODELLED),
    Field('working', 'weights and activations', 'MB', MODEL, 'bytes', MODELLED, 1e6),
    Field('accuracy', 'accuracy', '%', MODEL, 'share', COUNTED, .01),
    Field('error', 'error rate', '%', MODEL, 'share', COUNTED, .01),
    Field('auc', 'area under the ROC curve', '', MODEL, 'quality', COUNTED),
    Field('latency', 'latency, all of an answer', 'ms', TIME, 'times', COUNTED),
    Field('preprocessing', 'of it preprocessing', 'ms', TIME, 'times', COUNTED),
    Field('inference', 'of it inference', 'ms', TIME, 'times', COUNTED),
    Field('postprocessing', 'of it postprocessing', 'ms', TIME, 'times', COUNTED),
    Field('throughput', 'throughput', 'answers/s', TIME, 'rate', COUNTED),
    Field('memory', 'memory footprint of the process', 'MB', TIME, 'times', COUNTED, 1e6),
    Field('deployment', 'deployment: process start to first answer', 's', TIME, 'times', COUNTED),
    Field('energy', 'energy of an answer', 'mWh', TIME, 'median', COUNTED, 3.6),     # 3.6 J are one mWh
    Field('startup', 'start-up: process start to runtime ready', 's', PLATFORM, 'times', COUNTED),
    Field('load_cpu', 'load of the CPUs', '%', PLATFORM, 'median', COUNTED, .01),
    Field('load_gpu', 'load of the GPU', '%', PLATFORM, 'median', COUNTED, .01),
    Field('load_npu', 'load of an accelerator', '%', PLATFORM, 'median', COUNTED, .01),
    Field('clock', 'clock under load', 'MHz', PLATFORM, 'median', COUNTED, 1e6),
    Field('temperature', 'temperature under load', '°C', PLATFORM, 'median', COUNTED),
    Field('bandwidth', 'network bandwidth', 'Mbit/s', PLATFORM, 'one', MODELLED),
    Field('peak', 'FLOPs: most that were reached', 'GFLOP/s', PLATFORM, 'median', COUNTED, 1e9))

BOARD = (
    *(f for f in EDGE[:8] if f.name != 'working'),
    Field('flash', 'flash', 'KB', MODEL, 'bytes', COUNTED, 1000),
    Field('ram', 'RAM', 'KB', MODEL, 'bytes', COUNTED, 1000),
    Field('instructions', 'instructions of an answer', '', TIME, 'count', COUNTED),
    Field('cycles', 'cycles of an answer', '', TIME, 'one', MODELLED),
    Field('latency', 'latency', 'ms', TIME, 'one', MODELLED, 1e-3),
    Field('throughput', 'throughput', 'answers/s', TIME, 'rate', MODELLED),
    Field('energy', 'energy of an answer', 'mWh', TIME, 'one', MODELLED, 3.6),
    Field('clock', 'clock', 'MHz', PLATFORM, 'one', ('literature',)),
    Field('temperature', 'temperature', '°C', PLATFORM, 'median', COUNTED),
    Field('startup', 'start-up', 's', PLATFORM, 'times', COUNTED))

# By field the least and the most that can be, in its unit: generous, for an impossible number was never read
BOUNDS = dict(load_cpu=(0, 100), load_gpu=(0, 100), load_npu=(0, 100), clock=(.01, 20_000),
              temperature=(-100, 200), bandwidth=(1e-3, 1e7), peak=(1e-6, 1e5))

def fields_of(device:str) -> dict[str, Field]:
    "The fields of a form for 'edge' or 'mcu:BOARD' by name; ValueError for another device."
    if device == 'edge': return {f.name: f for f in EDGE}
    if device.startswith('mcu:') and device[4:]: return {f.name: f for f in BOARD}
    raise ValueError(f'no device {device[:60]!r}: there are edge, and mcu:BOARD')
