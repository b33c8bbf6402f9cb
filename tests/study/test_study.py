"The study of a PyTorch network: what is run, that techniques agree, and that all asked for is there, or named with its reason."
import csv, io, json, math
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='needs PyTorch')
from torch import nn
from tinybench.backends.base import ModelError
from tinybench.data.source import load_digits
from tinybench.study import process, runs, study as S, techniques
from tinybench.study.answers import HEAD, QUESTIONS, against_base, answer_tables, bars_of, not_run_table, settings_in, study_rows
from tinybench.study.process import counted, primitives
from tinybench.study.reasons import how_table, reason_table, reasons
from tinybench.study.runs import CPU, GPU, Inference, Setting, Training, epoch_rows, loader_of, run_once, time_build
from tinybench.study.study import Plan, Study, study
from tinybench.study.techniques import CLOSE, CLOSE_BFLOAT16, FACTORS, TECHNIQUES, Ready, simple_cnn

# with jax in the same process Python warns of any fork
pytestmark = pytest.mark.filterwarnings('ignore:os.fork:RuntimeWarning')
EAGER = [k for k, t in TECHNIQUES.items() if not t.compiled]
TINY = dict(batches=(4, 8), builds=6, rounds=1, steps=1, epochs=1, processes=0, threads=1, techniques=tuple(EAGER))

settings_now = S.settings_for

def digits(n=160):
    d = load_digits()
    return np.ascontiguousarray(d.x_train[:n].transpose(0, 3, 1, 2)), d.y_train[:n]

def tiny(seed=0):
    torch.manual_seed(seed)
    return simple_cnn((1, 8, 8), width=4)

@pytest.fixture(scope='module')
def found(tmp_path_factory):
    "A whole small study, its folder, and the steps it told of."
    out, told = tmp_path_factory.mktemp('study')/'out', []
    return study(tiny(), *digits(), out=out, name='digits', progress=lambda *of: told.append(of), **TINY), out, told

@pytest.fixture(scope='module', autouse=True)
def soon_calm():
    "What is timed here only has to be there."
    with pytest.MonkeyPatch.context() as m:
        m.setitem(runs.MOST, CPU, 3)
        yield

class OnlyThirty(nn.Module):
    "Overflows if a product of its inputs is rounded."
    def __init__(self, bad):
        super().__init__()
        self.layer, self.bad = nn.Linear(64, 10), bad
    def forward(self, x):
        y = self.layer(x.flatten(1))
        return y*(math.nan if y.dtype == torch.bfloat16 else 1.) if self.bad == 'nan' else y + (2. if y.dtype == torch.bfloat16 else 0.)


# --- one technique

def test_outputs_of_all_techniques_agree():
    "Same weights, same batch: float32 to 1e-4 of the largest output, bfloat16 to 5 %, and not to the last bit."
    net, (x, _) = tiny(), digits(16)
    outs = {}
    for k in EAGER:
        run_once(cell := Inference(Ready(net, TECHNIQUES[k]), x))
        outs[k] = cell.check()
    want = outs['base']
    off = {k: np.abs(y - want).max()/np.abs(want).max() for k, y in outs.items()}
    assert off['base'] == 0 and off['channels last'] <= CLOSE
    for k in ('bfloat16', 'channels last + bfloat16'): assert 1e-6 < off[k] <= CLOSE_BFLOAT16, (k, off[k])
    assert CLOSE_BFLOAT16 <= .05

def test_a_technique_is_in_place_and_the_network_given_stays():
    net, (x, _) = tiny().train(), digits(4)
    before = [p.clone() for p in net.parameters()]
    for k, t in TECHNIQUES.items():
        if t.compiled: continue
        r = Ready(net, t)
        given = r.given(torch.from_numpy(np.repeat(x, 3, axis=1)))
        assert given.is_contiguous(memory_format=torch.channels_last) == t.last
        with torch.inference_mode(): y = r(r.given(torch.from_numpy(x)))
        assert y.dtype == (torch.bfloat16 if t.bfloat16 else torch.float32)
        training = Training(r, loader_of(x, np.arange(4), 2, 0, CPU, [0, 1, 2, 3]))
        training.run()
        training.check()
    assert net.training and all(torch.equal(a, b) for a, b in zip(before, net.parameters()))

def test_batches_are_the_same_whatever_the_loader_has_of_workers():
    x, y = digits(20)
    rows = epoch_rows(20, 4, 7, seed=3)
    assert len(rows) == 28 and sorted(rows[:20]) == list(range(20)) and rows == epoch_rows(20, 4, 7, seed=3)
    loaders = [loader_of(x, y, 4, w, CPU, rows) for w in (0, 1)]
    for (a, b), (c, d) in zip(*map(list, loaders), strict=True): assert torch.equal(a, c) and torch.equal(b, d)

def test_a_loaders_worker_that_dies_is_no_techniques_fault():
    class Dies(runs.Examples):
        def __getitem__(self, i):
            import os
            if torch.utils.data.get_worker_info(): os._exit(3)
            return super().__getitem__(i)
    x, y = digits(8)
    loader = loader_of(x, y, 4, 1, CPU, list(range(8)))
    dead = torch.utils.data.DataLoader(Dies(x, y), 4, num_workers=1)
    dead.__dict__['sampler'] = loader.sampler
    with pytest.raises(ModelError, match='DataLoader worker') as e: run_once(Training(Ready(tiny(), TECHNIQUES['base']), dead))
    assert e.value.name == runs.GONE

def test_what_fails_names_its_technique():
    x, _ = digits(4)
    with pytest.raises(ModelError, match="model 'bfloat16' gave NaN or inf"):
        run_once(cell := Inference(Ready(OnlyThirty('nan'), TECHNIQUES['bfloat16']), x))
        cell.check()
    with pytest.raises(ModelError, match='base.*could not be run'): run_once(Inference(Ready(nn.Linear(3, 2), TECHNIQUES['base']), x))
    with pytest.raises(ModelError, match='gave a tuple instead of one tensor'):
        run_once(cell := Inference(Ready(nn.LSTM(8, 2), TECHNIQUES['base']), np.ascontiguousarray(x[:, 0])))
        cell.check()

def test_cells_are_timed_in_turns_and_named():
    x, _ = digits(8)
    cells = {k: Inference(Ready(tiny(), TECHNIQUES[k]), x) for k in EAGER}
    rs = time_build(cells, 7, np.random.default_rng(0), min_secs=1e-4)
    assert list(rs) == EAGER and all(r.n == 7 and r.unit == 's' and r.how['order'] == 'interleaved' for r in rs.values())
    assert len({r.how['run'] for r in rs.values()}) == 1


# --- what is refused

def test_plans_and_arguments_that_make_no_sense_are_refused_in_words():
    x, y = digits(10)
    for asked, says in ((dict(batches=()), 'batches are whole numbers from 1'), (dict(workers=(-1,)), 'workers are whole numbers from 0'),
                        (dict(builds=3), '3 builds: at least 6'), (dict(threads=0), '0 threads'), (dict(techniques=('chanels last',)), "did you mean 'channels last'")):
        with pytest.raises(ValueError, match=says): Plan(**asked)
    with pytest.raises(TypeError, match='no torch.nn.Module'): study(lambda x: x, x, y)
    with pytest.raises(ValueError, match='one whole number for each'): study(tiny(), x, y[:4])
    with pytest.raises(ValueError, match='float32, not float64'): study(tiny(), x.astype(float), y)
    with pytest.raises(ValueError, match=r'the network does not take a batch of \(4, 1, 8, 8\) float32: it could not be run: RuntimeError'):
        study(nn.Linear(3, 2), x, y, **TINY)

def test_a_network_that_does_not_fit_into_memory_is_refused(monkeypatch):
    import psutil
    monkeypatch.setattr(psutil, 'virtual_memory', lambda: type('M', (), dict(available=1000))())
    with pytest.raises(ValueError, match='16 copies of the network are timed in turns.*fewer batches or workers'): study(tiny(), *digits(10), **TINY)

def test_images_are_asked_for_channels_last_and_nan_of_bfloat16_is_named(tmp_path):
    x, y = digits(40)
    r = study(OnlyThirty('nan'), x.reshape(len(x), -1), y, **TINY | dict(batches=(4,), workers=(0,)))
    assert 'channels last is for images (n, c, h, w)' in r.suite.failures['channels last']
    assert r.suite.failures['bfloat16'].startswith('gave NaN or inf 40 times')
    assert {x.name for x in r.suite.results} == {x.name for x in r.suite.scores} == {'base'}
    assert 'effects' not in r.answers and 'gave NaN or inf' in repr(r)

def test_other_answers_than_those_of_base_are_a_failure():
    x, y = digits(40)
    r = study(OnlyThirty('far'), x, y, **TINY | dict(batches=(4,), workers=(0,), techniques=('bfloat16',)))
    assert 'gives other answers than base: off by' in r.suite.failures['bfloat16'] and set(r.suite.names) == {'base', 'bfloat16'}


# --- a whole study

def test_every_technique_in_every_setting_has_a_number_and_a_verdict(found):
    r, *_ = found
    ks = settings_in(r)
    assert [k.metric for k in ks] == ['inference, batch 4', 'inference, batch 8', *(f'training, batch {b}, {w}' for b in (4, 8) for w in ('no workers', '1 worker'))]
    assert {(x.name, x.metric) for x in r.suite.results} == {(t, k.metric) for t in EAGER for k in ks} and not r.suite.failures
    assert all(x.n == 6 and x.how['builds'] == 6 and x.unit == 'examples/s' and x.provenance == 'measured' for x in r.suite.results)
    assert {(s.name, s.data) for s in r.suite.scores} == {(t, f'digits, trained by batches of {b}') for t in EAGER for b in (4, 8)}
    assert all(s.n == 32 and s.interval()[0] < s.share < s.interval()[1] or s.share in (0, 1) for s in r.suite.scores)
    words = {'faster', 'slower', 'same', 'undecided', 'better', 'worse'}
    judged = [a for xs in r.suite.comparison.values() for a in xs.values()]
    assert len(judged) == 3*(6 + 2) and all(a.verdict.split(',')[0] in words and a.lo <= a.mid <= a.hi for a in judged)

def test_each_question_has_all_its_answers(found):
    r, *_ = found
    sizes = {k: len(v) for k, v in r.answers.items()}
    assert sizes == dict(effects=3*6, workers=4*2, batches=4*3)             # no GPU here, and no process
    names = {of for of, _ in r.answers['effects']}
    assert names == {*FACTORS, ' × '.join(FACTORS)}
    for metric in {m for _, m in r.answers['effects']}:                     # the effects are those of the four ratios
        at = {x.name: np.log(x.values) for x in r.suite.results if x.metric == metric}
        base, last, half, both = (at[k] for k in EAGER)
        for of, its in (('channels last', (last - base + both - half)/2), ('bfloat16', (half - base + both - last)/2),
                        ('channels last × bfloat16', both - half - last + base)):
            a = r.answers['effects'][of, metric]
            assert a.kind == 'ratio' and math.isclose(a.mid, np.exp(its.mean()))
    assert set(answer_tables(r)) == {QUESTIONS[k][1] for k in sizes}

def test_what_is_not_here_is_named(found):
    r, *_ = found
    if torch.cuda.is_available(): pytest.skip('needs a machine without a GPU')
    assert r.devices == (CPU,) and 'no GPU here' in r.suite.notes[-1] and 'no GPU here' in repr(not_run_table(r))
    assert {k for k, _ in reasons(r)} == {'channels last', 'bfloat16', 'channels last + bfloat16'}
    text = repr(reason_table(r))
    assert all((k in text) == (k in r.settings['processor']['flags']) or k == 'bf16' for k in ('amx_bf16', 'avx512_bf16')) or not r.settings['processor']['flags']

def test_a_study_comes_back_from_its_files(found):
    r, out, _ = found
    again = Study.load(out)
    assert repr(again) == repr(r) and again.to_dict() == r.to_dict()
    rows = list(csv.DictReader(io.StringIO((out/'study.csv').read_text())))
    assert tuple(rows[0]) == HEAD and len(rows) == len(study_rows(r)) == 4*(6 + 2) + 18 + 8 + 12
    assert {row['question'] for row in rows} == {'measured', 'effects', 'workers', 'batches'}
    assert all(row['verdict'] or row['name'] == 'base' for row in rows)
    (out/'elsewhere').mkdir()
    (out/'elsewhere'/'study.json').write_text('{}')
    with pytest.raises(ValueError, match='no study of schema 1'): Study.load(out/'elsewhere')

def test_it_goes_on_where_it_was_and_refuses_other_settings(found, monkeypatch):
    r, out, told = found
    kept = sorted(p.name for p in (out/'steps').iterdir())
    assert told[-1] == (len(kept) - 1, len(kept) - 1, 'done') and [t[0] for t in told] == sorted(t[0] for t in told)
    last = next((out/'steps').glob('training-5-*'))
    last.unlink()
    measured, real = [], S.Bench.measure
    monkeypatch.setattr(S.Bench, 'measure', lambda self, step, *of: (measured.append(step), real(self, step, *of))[1])
    again = study(tiny(), *digits(), out=out, name='digits', **TINY)
    assert measured == [('training', 5)] and last.exists()
    same = [x for x in again.suite.results if x.metric.startswith('inference')]
    assert same == [x for x in r.suite.results if x.metric.startswith('inference')]
    with pytest.raises(ValueError, match='begun with other settings: seed'): study(tiny(), *digits(), out=out, name='digits', **TINY | dict(seed=1))
    with pytest.raises(ValueError, match='begun with other settings: net'): study(tiny(1), *digits(), out=out, name='digits', **TINY)

def test_ctrl_c_leaves_whole_steps(tmp_path, monkeypatch):
    real = S.Bench.measure
    def stops(self, step, *of):
        if step[0] == 'inference': raise KeyboardInterrupt
        return real(self, step, *of)
    monkeypatch.setattr(S.Bench, 'measure', stops)
    with pytest.raises(KeyboardInterrupt): study(tiny(), *digits(40), out=tmp_path, **TINY | dict(batches=(4,)))
    kept = list((tmp_path/'steps').glob('*.json'))
    assert len(kept) == 2 + len(EAGER) and all(json.loads(p.read_text()) for p in kept) and not (tmp_path/'study.json').exists()

def test_columns_with_workers_are_left_out_if_these_die(monkeypatch):
    real = S.time_build
    def dies(cells, *of, **how):
        if any('1 worker' in k for k in cells): raise ModelError(runs.GONE, 'DataLoader worker (pid 7) exited unexpectedly')
        return real(cells, *of, **how)
    monkeypatch.setattr(S, 'time_build', dies)
    r = study(tiny(), *digits(40), **TINY | dict(batches=(4,), techniques=('bfloat16',)))
    assert [k.metric for k in settings_in(r)] == ['inference, batch 4', 'training, batch 4, no workers'] and 'workers' not in r.answers
    assert ('training, batch 4, 1 worker', 'DataLoader worker (pid 7) exited unexpectedly') in not_run_table(r).rows

def test_comparisons_to_draw_have_a_row_for_each_verdict(found):
    r, *_ = found
    c = against_base(r, settings_in(r)[2:])
    assert len(c.rows) == 3*4 and c['both, 8, 1 w'].verdict == next(
        xs for c, xs in r.suite.comparison.items() if c.metric == 'training, batch 8, 1 worker')['channels last + bfloat16'].verdict
    assert len(bars_of(r, settings_in(r)[:2])) == 4*2


# --- a fresh process, and what oneDNN says

LINES = '''onednn_verbose,v1,primitive,exec,cpu,reorder,jit:uni,undef,src:f32::blocked:abcd::f0 dst:f32::blocked:Acdb16a::f0,attr-scratchpad:user,,32x3x3x3,0.25
onednn_verbose,v1,primitive,exec,cpu,convolution,brg_conv_fwd:avx10_1_512_amx,forward_training,src:bf16:a:blocked:acdb::f0 wei:bf16:a:blocked:Adcb16a::f0,attr-scratchpad:user,alg:convolution_direct,mb32_ic3oc32,0.5
onednn_verbose,v1,primitive,exec,cpu,reorder,jit:uni,undef,src:f32::blocked:abcd::f0 dst:f32::blocked:Acdb16a::f0,attr-scratchpad:user,,32x3x3x3,0.5'''

def test_lines_of_onednn_are_counted_by_kind():
    found = counted(primitives(LINES.splitlines()))
    assert found == [dict(kind='reorder', how='jit:uni', type='f32', n=2, ms=.75), dict(kind='convolution', how='brg_conv_fwd:avx10_1_512_amx', type='bf16', n=1, ms=.5)]

@pytest.mark.skipif(bool(process.not_here()), reason='needs Linux')
def test_a_fresh_process_tells_how_far_it_grows(tmp_path):
    x, y = digits(64)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 20_000), nn.ReLU(), nn.Linear(20_000, 10))
    told = process.in_fresh_process(process.packed(net, x, y, 1, 0), 'base', tmp_path)
    one = 64*20_000*4                       # bytes of the hidden layer
    assert one <= told['inference'] <= 10*one and told['training'] >= told['inference']/2
    if torch.backends.mkldnn.is_available(): assert isinstance(told['onednn'], list)

@pytest.mark.skipif(bool(process.not_here()), reason='needs Linux')
def test_a_fresh_process_that_does_not_end_is_said(tmp_path):
    with pytest.raises(ChildProcessError, match='the process for base did not answer within 0.01 s'):
        process.in_fresh_process(process.packed(nn.Linear(2, 2), *digits(2), 1, 0), 'base', tmp_path, secs=.01)

def test_memory_is_judged_by_rounds_of_processes():
    from tinybench.measure.result import BenchmarkResult
    from tinybench.bench.suite import SuiteResult
    from tinybench.study.answers import memory_table, of_memory
    def record(name, vs): return BenchmarkResult(name, 'memory of inference, batch 4', 'B', vs, 'measured', dict(sees='pages'))
    base = [10e6, 11e6, 9e6, 10e6]
    r = Study(SuiteResult(tuple(TECHNIQUES), 'base'), [record('base', base), record('bfloat16', [v/2*k for v, k in zip(base, (1, 1.01, .99, 1))]),
                                                       record('compile', [v*3*k for v, k in zip(base, (1, .99, 1.01, 1))]), record('channels last', [9e6, 13e6, 8e6, 11e6])])
    found = {name: a for (name, _), a in of_memory(r).items()}
    assert {k: a.verdict for k, a in found.items()} == {'bfloat16': 'less', 'compile': 'more', 'channels last': 'undecided'}
    assert math.isclose(found['bfloat16'].mid, .5, rel_tol=.01) and 'pages; measured, n=4' in repr(memory_table(r))

def test_a_network_that_cannot_be_sent_is_said_and_the_rest_is_measured(monkeypatch):
    net = nn.Linear(2, 2)
    net.f = lambda x: x
    with pytest.raises(ValueError, match='cannot be sent to another process'): process.packed(net, *digits(2), 1, 0)
    net = tiny()
    net.f = lambda x: x
    r = study(net, *digits(40), **TINY | dict(batches=(4,), workers=(0,), techniques=(), processes=1))
    if not process.not_here(): assert 'cannot be sent to another process' in dict(not_run_table(r).rows)['memory of base']
    assert r.memory == () and len(r.suite.results) == 2


# --- torch.compile

def test_why_there_is_no_compile_is_a_sentence():
    say = techniques.compile_words
    assert 'python3-dev' in say(RuntimeError("CppCompileError: C++ compile error\nfatal error: Python.h: No such file"))
    assert 'needs a C++ compiler' in say(RuntimeError('InvalidCxxCompiler: No working C++ compiler found in ("x",)'))
    assert say(KeyError('odd\nmore')) == r"torch.compile failed: KeyError: 'odd\nmore'"

@pytest.mark.slow
def test_without_a_compiler_compile_is_named_and_the_rest_is_measured(monkeypatch):
    import torch._inductor.config as inductor
    with inductor.patch({'cpp.cxx': ('no-such-compiler',)}):
        r = study(tiny(), *digits(40), **TINY | dict(batches=(4,), workers=(0,), techniques=('compile',)))
    assert 'is not run: torch.compile needs a C++ compiler' in r.suite.failures['compile'] and {x.name for x in r.suite.results} == {'base'}

@pytest.mark.slow
def test_compile_gives_the_same_outputs_and_numbers_of_its_own():
    r = study(tiny(), *digits(40), **TINY | dict(batches=(4,), workers=(0,), techniques=('compile',)))
    assert not r.suite.failures, r.suite.failures
    assert r.off['compile'] <= CLOSE and r.compile_secs > 0 and len({x.metric for x in r.suite.results if x.name == 'compile'}) == 2
    assert 'The first call took' in dict(reasons(r))['compile']


# --- a GPU: what is said of one, with numbers of the CPU under its name, as none is here

def test_with_a_gpu_there_are_ratios_to_the_cpu(found):
    from dataclasses import replace
    from tinybench.measure.result import plain
    from tinybench.study.answers import devices_compared
    r, *_ = found
    by = 3*np.exp([.03, -.03, .02, -.02, .01, -.01])        # of the builds: 3 in the mean, with a spread that is known
    def thrice(x): return replace(x, metric=x.metric + ' on the GPU', values=[float(v*k) for v, k in zip(x.values, by, strict=True)],
                                  how=plain(x.how) | dict(within=[[float(v*k) for v in run] for run, k in zip(x.how['within'], by)]))
    both = Study(replace(r.suite, results=(*r.suite.results, *map(thrice, r.suite.results))), off=r.off, devices=(CPU, GPU))
    answered = both.answers['devices']
    assert len(answered) == 4*6 and all(a.kind == 'ratio' and math.isclose(a.mid, 3) and a.lo < 3 < a.hi and a.verdict == 'faster' for a in answered.values())
    assert len(devices_compared(both).rows) == 4*6 and devices_compared(r) is None
    assert 'no GPU here' not in repr(not_run_table(both)) and 'on the GPU by its events' in repr(how_table(both))

def test_a_gpus_column_says_so():
    assert Setting('training', 32, 1, GPU).metric == 'training, batch 32, 1 worker on the GPU'
    assert techniques.allowed(TECHNIQUES['channels last'], gpu=True) == techniques.CLOSE_GPU > techniques.allowed(TECHNIQUES['channels last']) == CLOSE

def test_a_technique_that_a_gpu_cannot_run_is_left_out_there_only(monkeypatch):
    "Here all of the part for GPUs is left out, with its reason, before anything is asked of one."
    real = S.Bench.outputs
    def outputs(self, device, alive): return real(self, CPU, alive) if device == CPU else dict(lost={f'{k} on the GPU': 'has no driver' for k in TECHNIQUES})
    monkeypatch.setattr(S.Bench, 'outputs', outputs)
    monkeypatch.setattr(S, 'devices_here', lambda: (CPU, GPU))
    monkeypatch.setattr(S, 'settings_for', lambda b, threads: real_settings(b, threads))
    def real_settings(b, threads): return settings_now(S.Bench(b.net, b.x, b.y, b.x_test, b.y_test, b.name, b.plan, (CPU,), b.folder), threads)
    r = study(tiny(), *digits(40), **TINY | dict(batches=(4,), workers=(0,), techniques=('bfloat16',)))
    assert [k.metric for k in settings_in(r)] == ['inference, batch 4', 'training, batch 4, no workers']
    assert ('bfloat16 on the GPU', 'has no driver') in not_run_table(r).rows and not r.suite.failures
