"What a runtime says of its own operators: the profile of each that has one"
import ctypes, json, re
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
import numpy as np

from ..backends.export import ONNX
from ..backends.runtimes import Operator, inside
from ..core.tensor import Tensor, no_grad
from ..exchange.onnx import onnx_bytes
from ..exchange.run import onnx_session
from ..nn.channels import DepthwiseConv2d
from ..nn.conv import Conv2d
from ..nn.dense import Dense, Flatten, ReLU, Residual, Softmax
from ..nn.module import Module, Sequential, evaluating, walk
from ..nn.pool import AvgPool2d, ConvReluPool2d, GlobalAvgPool2d, MaxPool2d
from ..native.plan import Plan
from ..profile.profiler import MINE, WHOLE, Recorder, label, mean_secs
from ..toolchain.load import load
from .runtimes import Job, openvino_compiled

WARM, CALLS = 5, 40         # calls that a profile leaves out, and calls that it is the mean of
BETWEEN = 'between layers'


# An ONNX file whose operators have our layers' names

OPERATORS = {Dense: ('Gemm',), Conv2d: ('Conv',), DepthwiseConv2d: ('Conv',), ReLU: ('Relu',),
             ConvReluPool2d: ('Conv', 'Relu', 'MaxPool'), MaxPool2d: ('MaxPool',),
             AvgPool2d: ('AveragePool',), GlobalAvgPool2d: ('AveragePool', 'Flatten'),
             Flatten: ('Flatten',), Softmax: ('Softmax',)}

def written(m:Module, names:dict) -> list[tuple[str,str]]:
    "(layer, kind) of each operator that `m` becomes, in the order in which it is written."
    if isinstance(m, Sequential): return [pair for part in m.layers for pair in written(part, names)]
    if isinstance(m, Residual):
        arms = [m.body] if m.shortcut is None else [m.body, m.shortcut]
        return [pair for arm in arms for pair in written(arm, names)] + [(names[id(m)], 'Add')]
    return [(names[id(m)], kind) for kind in OPERATORS[type(m)]]

def named_onnx(job:Job) -> tuple[bytes,dict,dict]:
    """The job as ONNX, its operators named t0_, t1_, …; name -> (kind, names that it reads); name -> our
    layer. ValueError if the file has other operators than our layers make."""
    import onnx
    model = onnx.load_model_from_string(onnx_bytes(job.graph, ONNX, job.batch))
    graph, owner, made = {}, {}, {}
    due = written(job.net, {id(m): label(path, m) for path, m in walk(job.net)})
    for i, n in enumerate(model.graph.node):
        n.name = f't{i}_'
        if due and n.op_type == due[0][1]: owner[n.name] = due.pop(0)[0]
        n.input[:] = [made.get(k, k) for k in n.input]
        made[n.output[0]] = f'{n.name}out'
        n.output[0] = f'{n.name}out'
        graph[n.name] = n.op_type, [k.removesuffix('out') for k in n.input]
    if due: raise ValueError(f'no operator was written for {due[0][0]}: its layers cannot be told')
    model.graph.output[0].name = made[model.graph.output[0].name]
    return model.SerializeToString(), graph, owner

def tags(text:str) -> list[str]:
    "The names of `named_onnx` in what a runtime calls an operator."
    return re.findall(r'(?<![A-Za-z0-9])t\d+_', text)

def owners(names:list, owner:dict) -> tuple[str,...]:
    "The layers that operators of these names are of, in their order, each once."
    return tuple(dict.fromkeys(owner[n] for n in names if n in owner))


# Each gives operators and their seconds in a call, the mean of `CALLS`

def of_numpy(r) -> list[Operator]:
    "By lesson 47's profiler; what no layer has done itself is between the layers."
    net, x, rec = r.job.net, Tensor(r.job.input()), Recorder(r.job.net, tag=False)
    leaves = {label(path, m) for path, m in walk(net) if not isinstance(m, Sequential)}
    with no_grad(), evaluating(net):
        for _ in range(WARM + CALLS): rec.watched(lambda: net(x))
    secs = mean_secs([rec.passes[WARM:]])
    return [Operator(BETWEEN, (name,) if name in leaves else (), float(v[0]))
            for (name, _), v in secs.items() if name not in (MINE, WHOLE)]

STAMP = '''#include <time.h>
static long long stamp(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return t.tv_sec*1000000000LL + t.tv_nsec;
}

/* as above; adds to t the nanoseconds of each call */
'''
def stamped(p:Plan) -> str:
    "The C of a plan, and its function once more, with a clock that is read after each call."
    code, calls = p.source(), iter(enumerate(p.c.calls))
    head, body = code[code.rindex(f'void {p.name}('):].split('\n{\n')
    head = head.replace(f'void {p.name}(', f'void {p.name}_stamped(').removesuffix(')') + ', long long *t)'
    lines, (k, c) = ['{', '    long long last = stamp(), now;'], next(calls)
    for line in body.splitlines():
        lines.append(line)
        if line.strip() == c:
            lines.append(f'    now = stamp(); t[{k}] += now - last; last = now;')
            k, c = next(calls, (None, None))
    if c: raise ValueError(f'the plan does not call {c}: its layers cannot be told')
    return '\n'.join([code, STAMP + head, *lines, ''])

def step_of(p:Plan) -> list:
    "The step that each call in the C is for; a frame is for the step behind it."
    found, last = [], None
    for c in reversed(p.c.calls):
        numbers = re.match(r'\w+_(\d+)\(', c)
        last = p.layout.steps[int(numbers[1])] if numbers else last
        found.insert(0, last)
    return found

def of_native(r) -> list[Operator]:
    "By a clock in the C; the calls of a layer are those with its path."
    p, x = r.model.source, r.job.input()
    names = {path: label(path, m) for path, m in walk(r.job.net) if not isinstance(m, Sequential)}
    run = getattr(load(stamped(p), also=['-lm']), f'{p.name}_stamped')
    run.argtypes, run.restype = [ctypes.c_void_p]*5, None
    t = np.zeros(len(p.c.calls), np.int64)
    at = [a.ctypes.data for a in (x, p.out, p.arena, p.weights, t)]
    for k in range(WARM + CALLS):
        if k == WARM: t[:] = 0
        run(*at)
    return [Operator(s.op, (names[s.path],) if s.path in names else (), 1e-9*ns/CALLS)
            for s, ns in zip(step_of(p), t.tolist())]

def of_onnxruntime(r) -> list[Operator]:
    "By ONNX Runtime's own profile, a file of JSON, in whole microseconds."
    raw, graph, owner = named_onnx(r.job)
    with TemporaryDirectory(prefix='tinybench-') as folder:
        how = dict(enable_profiling=True, profile_file_prefix=str(Path(folder)/'ort'))
        session, x = onnx_session(raw, r.setting['threads'], **how), r.job.input()
        for _ in range(WARM + CALLS): session.run(None, {'x': x})
        events = json.loads(Path(session.end_profiling()).read_text())
    durations, kinds = defaultdict(list), {}
    for e in events:
        if e.get('cat') != 'Node' or not e['name'].endswith('_kernel_time'): continue
        durations[e['name']].append(e['dur'])
        kinds[e['name']] = e['args']['op_name']
    def layers(name):
        kind = kinds[name].removeprefix('Fused')
        return owners([n for tag in tags(name) for n in inside(tag, kind, graph)], owner)
    secs = {name: 1e-6*float(np.mean(v[WARM:])) for name, v in durations.items()}
    return [Operator(kinds[name], layers(name), s) for name, s in secs.items()]

def of_openvino(r) -> list[Operator]:
    "By OpenVINO's performance counts, which are means in whole microseconds; it says what it has fused."
    raw, graph, owner = named_onnx(r.job)
    model = openvino_compiled(r.job, r.setting['threads'], raw, PERF_COUNT=True)
    request, x = model.create_infer_request(), r.job.input()
    for _ in range(WARM + CALLS): request.infer({0: x}, share_inputs=True)
    parts = {op.get_friendly_name(): str(op.get_rt_info()['originalLayersNames'].value)
             for op in model.get_runtime_model().get_ordered_ops()}
    return [Operator(p.node_type, owners(tags(f'{parts.get(p.node_name, "")},{p.node_name}'), owner),
                     p.real_time.total_seconds()) for p in request.profiling_info if p.real_time]

PROFILES = dict(numpy=of_numpy, native=of_native, onnxruntime=of_onnxruntime, openvino=of_openvino)
