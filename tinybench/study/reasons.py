"Why a technique helped or did not, from what oneDNN ran, what this processor can do, and what was measured"
from ..base.text import Table, aligned, digits
from ..measure.pairs import leans
from ..toolchain.cpu import host, processor
from .answers import answer_tables, memory_table, settings_in, timed
from .techniques import CLOSE, CLOSE_BFLOAT16, TECHNIQUES

# a flag of the processor, as Linux names it, and what it does
BFLOAT16 = dict(amx_bf16='multiplies tiles of bfloat16 (AMX)',
                avx512_bf16='sums products of bfloat16 in vectors', bf16='multiplies bfloat16')

def here() -> dict:
    "What this processor says of itself: its model, its flags for bfloat16, the float32 that a vector holds."
    model, features = processor()
    return dict(model=model, flags=[k for k in BFLOAT16 if k in features], lanes=host().lanes())

def verdict_words(s, technique:str) -> str:
    "What a technique did, setting by setting, as it was judged."
    found = {c.metric: xs[technique] for c, xs in s.suite.comparison.items()
             if c.unit == 'examples/s' and technique in xs}
    return '; '.join(f'{m}: {a.words()} {a.said(s.suite.band)}' for m, a in found.items())

def kinds(s, technique:str, *wanted:str) -> list[dict]:
    "What oneDNN ran of these kinds of primitive, all if none is named."
    return [p for p in s.onednn.get(technique, []) if not wanted or p['kind'] in wanted]

def moved(s, technique:str) -> str:
    "How many reorders oneDNN made in a call, and their part of its time there; '' if it is not known."
    every, some = kinds(s, technique), kinds(s, technique, 'reorder')
    if not every: return ''
    n, ms, of = sum(p['n'] for p in some), *(sum(p['ms'] for p in ps) for ps in (some, every))
    return f'{n} reorders ({digits(ms)} of the {digits(of)} ms of its primitives)'

def ran(s, technique:str) -> str:
    "The implementations that oneDNN chose for products, with their types."
    ps = kinds(s, technique, 'convolution', 'matmul', 'inner_product')
    return ', '.join(dict.fromkeys(f'{p["kind"]} {p["how"]} ({p["type"]})' for p in ps))

def why_last(s) -> str:
    said = (f'Channels last stores the channels of a pixel side by side, so that a vector of this processor, '
            f'{s.settings["processor"]["lanes"]} float32, is filled from one place. Images that come '
            'channels first may have to be brought into the order of a convolution, and back: a reorder.')
    before, after = moved(s, 'base'), moved(s, 'channels last')
    if before and after: said += f' In a call of base oneDNN made {before}, with channels last {after}.'
    how = ran(s, 'base'), ran(s, 'channels last')
    return said + (f' It ran {how[0]} before, {how[1]} after.' if all(how) and how[0] != how[1] else '')

def why_bfloat16(s) -> str:
    can = ' and '.join(f'{BFLOAT16[k]} (flag {k})' for k in s.settings['processor']['flags'])
    used, off = ran(s, 'bfloat16'), s.off.get('bfloat16')
    said = ['bfloat16 halves the bytes of weights and activations; autocast adds conversions.']
    said.append(f'This processor {can}.' if can else
                'This processor tells no flag for bfloat16 (amx_bf16, avx512_bf16), so that its products '
                'are those of float32 after a conversion.')
    if '(bf16)' in used: said.append(f'oneDNN ran {used}{", so AMX was at work" if "amx" in used else ""}.')
    elif used: said.append(f'oneDNN ran {used}, no product of bfloat16.')
    if after := moved(s, 'bfloat16'): said.append(f'It made {after}, in base {moved(s, "base")}.')
    if off is not None: said.append(f'With the same weights the outputs are off by {100*off:.2g}% of the '
                                    'largest one of base.')
    return ' '.join(said)

def why_both(s) -> str:
    said = 'Products of bfloat16, of images that lie in their order already.'
    after, alone = moved(s, 'channels last + bfloat16'), moved(s, 'bfloat16')
    return said + (f' oneDNN made {after}, with bfloat16 alone {alone}.' if after and alone else '')

def why_compile(s) -> str:
    said = ('torch.compile writes C++ for what stands between products, such as ReLU and pooling, and fuses '
            'it, so that results go through memory fewer times. Products stay those of libraries.')
    used, before = ran(s, 'compile'), ran(s, 'base')
    if used and before: said += (f' oneDNN made {moved(s, "compile")}, in base {moved(s, "base")}; '
                                 f'{"the same implementations" if used == before else f"it ran {used}"}.')
    return said + pays(s)

def pays(s) -> str:
    "After how many calls compiling has paid for itself."
    if s.compile_secs is None: return ''
    said = f' The first call took {digits(s.compile_secs)} s, with compiling.'
    k = next((k for k in settings_in(s) if k.mode == 'inference'), None)
    xs = timed(s).get(k.metric, {}) if k else {}
    if not {'base', 'compile'} <= xs.keys(): return said
    beside = next(v for c, v in s.suite.comparison.items() if c.metric == k.metric)
    if leans(beside['compile'].verdict) >= 0:
        return f'{said} Calls ({k.metric}) were not surely faster for it.'
    gain = k.batch/xs['base'].median - k.batch/xs['compile'].median
    return (f'{said} At {digits(1e3*gain)} ms less a call in the median ({k.metric}) that pays after '
            f'{s.compile_secs/gain:,.0f} calls.')

WHY = {'channels last': why_last, 'bfloat16': why_bfloat16, 'channels last + bfloat16': why_both,
       'compile': why_compile}

def reasons(s) -> list[tuple[str,str]]:
    "(technique, sentences): only what flags say, what oneDNN says that it ran, and what was measured."
    def why(k, f): return f'No number: it {s.suite.failures[k]}.' if k in s.suite.failures else f(s)
    return [(k, why(k, f)) for k, f in WHY.items() if k in s.suite.names]

def reason_table(s) -> Table:
    "Reasons beside verdicts."
    rows = tuple((k, verdict_words(s, k) or 'not measured', why) for k, why in reasons(s))
    p = s.settings['processor']
    of = f'Processor: {p["model"] or "not told"}; flags for bfloat16: {", ".join(p["flags"]) or "none"}.'
    note = ('What oneDNN ran it says itself, in a call of inference on the largest batch, in a fresh process '
            '(measured once); it says nothing of what it does not run, such as pooling. A reason is what '
            'fits these numbers; that it is the only one was not tested.')
    return Table(('technique', 'what it did', 'why'), rows, (of, note), None)

def onednn_table(s) -> Table:
    "What oneDNN ran in a call of inference: implementations, how often, how long."
    rows = tuple((t, p['kind'], p['how'], p['type'], str(p['n']), f'{p["ms"]:.3g}')
                 for t in TECHNIQUES for p in kinds(s, t))
    note = 'As oneDNN says of one call in a fresh process: measured once, so without an interval.'
    return Table(('technique', 'primitive', 'implementation', 'type', 'times', 'ms'), rows, (note,), 4)

def how_table(s) -> Table:
    "How the numbers of a study were taken."
    p, off = s.settings, ', '.join(f'{k} by {v:.2g}' for k, v in s.off.items())
    clock = 'by the clock' + ('; on the GPU by its events' if len(s.devices) > 1 else '')
    rows = (('time', f'{p["builds"]} builds with all made anew, {p["rounds"]} rounds in each, in a new '
                     f'random order; before that each was run until calm, 6 times at most (GPU 20); {clock}'),
            ('inference', 'calls on a batch of the data, which lies in memory as the technique wants it; in '
                          'evaluation mode, without gradients; bfloat16 by autocast, with its conversions'),
            ('training', f"epochs of {p['steps']} batches from PyTorch's loader, its start among them: loss, "
                         'gradients, a step of Adam; a worker lives from epoch to epoch'),
            ('accuracy', f'after {p["epochs"]} epochs from the same first weights, in the same order, asked '
                         'with the technique in place; interval by Wilson; one training each: another seed '
                         'may say otherwise'),
            ('outputs', f'with the same weights, off from those of base in parts of the largest: {off}; '
                        f'allowed {CLOSE:g}, of bfloat16 {CLOSE_BFLOAT16:g}'),
            ('threads', f'{p["threads"]} of PyTorch {p["machine"]["torch"]}; seed {p["seed"]}'))
    return Table(('what', 'how'), rows, (), None)

def words_of(s) -> str:
    "A study for a terminal: the suite, the answers, and why."
    parts = [repr(s.suite), *(f'{title}\n{aligned(t.cells())}' for title, t in answer_tables(s).items())]
    if s.memory: parts.append(f'Memory\n{memory_table(s)}')
    return '\n\n'.join([*parts, 'Why\n' + '\n'.join(f'{k}: {why}' for k, why in reasons(s))])
