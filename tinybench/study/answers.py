"What the numbers of a study say: effects, workers, batches, memory, devices, each question one family"
import csv, io, math
from collections.abc import Mapping
from dataclasses import replace
import numpy as np

from ..base.text import Table, worded
from ..bench.benchmark import Against, spread
from ..bench.effects import asked_ratio, cell_name, column_effects, judged, paired, subsets
from ..bench.suite import Column, columns, suite_rows
from ..measure.pairs import Comparison, Ratio, Rival
from .runs import CPU, GPU, Setting, settings_of, workers_words
from .techniques import FACTORS, TECHNIQUES

def settings_in(s) -> list[Setting]:
    "The settings of a study that were measured, in their order."
    seen = {r.metric for r in s.suite.results}
    p = s.settings
    return [k for mode in ('inference', 'training')
            for k in settings_of(mode, p['batches'], p['workers'], s.devices) if k.metric in seen]

def timed(s) -> dict[str,dict]:
    "metric -> technique -> examples a second."
    return {c.metric: xs for c, xs in columns(s.suite).items() if c.unit == 'examples/s'}

def rate(metric:str) -> Column: return Column(metric, '', 'examples/s', 'measured')

def main_effects(s) -> dict:
    "(effect, metric) -> `Against`: what each of `FACTORS` does in the mean, and what both do beyond that."
    names, asked = [cell_name(c) for c in subsets(FACTORS)], {}
    for metric, xs in timed(s).items():
        if not all(k in xs for k in names): continue
        found = column_effects(rate(metric), {k: xs[k] for k in names}, FACTORS, s.suite.level)
        asked |= {(' × '.join(k), metric): v for k, v in found.items() if k}
    return judged(asked, s.suite.band)

def beside(s, pairs:Mapping) -> dict:
    "(technique, label) -> `Against`: examples a second in the first setting against the second, by label."
    found, asked = timed(s), {}
    for label, (new, old) in pairs.items():
        a, b = found.get(new.metric, {}), found.get(old.metric, {})
        for k in (k for k in a if k in b):
            one, other = (replace(xs[k], metric='examples/s') for xs in (a, b))
            asked[k, label] = paired(rate('examples/s'), one, other, s.suite.level, s.suite.band)
    return judged(asked, s.suite.band)

def where(k:Setting, *parts:str) -> str:
    "Of a setting what `parts` name, in words."
    words = dict(mode=k.mode, batch=f'batch {k.batch}', device='GPU' if k.device == GPU else 'CPU',
                 workers=workers_words(k.workers) if k.mode == 'training' else '')
    return ', '.join(filter(None, (words[p] for p in parts)))

def of_workers(s) -> dict:
    "What each number of a loader's workers does, against none."
    ks = [k for k in settings_in(s) if k.mode == 'training' and k.workers]
    return beside(s, {f'{k.workers} against 0, {where(k, "batch", "device")}': (k, replace(k, workers=0))
                      for k in ks})

def of_batches(s) -> dict:
    "What each larger batch does, against the first."
    first = s.settings['batches'][0]
    ks = [k for k in settings_in(s) if k.batch != first]
    return beside(s, {f'{k.batch} against {first}, {where(k, "mode", "workers", "device")}':
                      (k, replace(k, batch=first)) for k in ks})

def of_devices(s) -> dict:
    "How many times as many examples a second the GPU takes as the CPU."
    ks = [k for k in settings_in(s) if k.device == GPU]
    return beside(s, {where(k, 'mode', 'batch', 'workers'): (k, replace(k, device=CPU)) for k in ks})

MEMORY = dict(slower='more', faster='less')     # verdicts are written for times

def of_memory(s) -> dict:
    "(technique, metric) -> `Against` base: bytes in fresh processes, one of each in a round."
    asked = {}
    for r in s.memory:
        base = next((b for b in s.memory if (b.name, b.metric) == ('base', r.metric)), None)
        if r.name == 'base' or base is None or min(r.n, base.n) < 2: continue
        n = min(r.n, base.n)
        d = np.log(np.maximum(r.values[:n], 4096)/np.maximum(base.values[:n], 4096))     # a page
        asked[r.name, r.metric] = asked_ratio(d, s.suite.level, of='processes')
    found = judged(asked, s.suite.band)
    def renamed(v): return ', '.join([MEMORY.get(w, w) for w in v.split(', ')])
    return {k: a._replace(verdict=renamed(a.verdict)) for k, a in found.items()}

QUESTIONS = dict(
    effects=(main_effects, 'Main effects of layout and type',
             'Channels last and bfloat16 in all four combinations: what each does to examples/s in the mean '
             'over the other, and a × b: the ratio of a beside b, of its ratio without b.'),
    workers=(of_workers, 'What workers of the loader do', 'Examples/s with workers, of those without.'),
    batches=(of_batches, 'What a larger batch does', 'Examples/s, of those with the smallest batch.'),
    memory=(of_memory, 'Memory against base', 'Bytes of the same round of fresh processes, as ratios.'),
    devices=(of_devices, 'The GPU against the CPU', 'Examples/s on the GPU, of those on the CPU.'))

def answers(s) -> dict[str,dict]:
    "question -> (of, label) -> `Against`, judged; each question is a family of its own (Holm)."
    return {k: found for k, (f, *_) in QUESTIONS.items() if (found := f(s))}

def answer_tables(s) -> dict[str,Table]:
    "A table for each question: a row for each label, a column for each technique or effect."
    found = {}
    for question, answered in s.answers.items():
        _, title, note = QUESTIONS[question]
        names, labels = (list(dict.fromkeys(k[i] for k in answered)) for i in (0, 1))
        def cell(label, k):
            a = answered.get((k, label))
            return f'{a.words()} {a.said(s.suite.band)}' if a else ''
        rows = tuple((label, *(cell(label, k) for k in names)) for label in labels)
        found[title] = Table(('setting', *names), rows, (note,), None)
    return found

def memory_table(s) -> Table:
    "Bytes of each technique, as far as they are known, and where they were read."
    metrics = list(dict.fromkeys(r.metric for r in s.memory))
    at = {(r.name, r.metric): r for r in s.memory}
    def cell(k, m):
        r = at.get((k, m))
        return '' if r is None else worded(*spread(r, s.suite.level), 'B')
    known = [k for k in TECHNIQUES if any((k, m) in at for m in metrics)]
    rows = tuple((k, *(cell(k, m) for m in metrics)) for k in known)
    notes = dict.fromkeys(f'{r.metric}: {r.how["sees"]}; measured, n={r.n}.' for r in s.memory)
    if not s.memory: notes = ('Memory is not known here: it takes Linux, or a GPU.',)
    return Table(('technique', *metrics), rows, tuple(notes), None)

def time_table(s) -> Table:
    "The same times as milliseconds a call or a step."
    found, ks = timed(s), settings_in(s)
    def cell(k, t):
        r = found[k.metric].get(t)
        return '' if r is None else f'{1e3*k.batch/r.median:.3g}'
    rows = tuple((t, *(cell(k, t) for k in ks)) for t in TECHNIQUES if t not in s.suite.failures)
    return Table(('technique', *(k.metric for k in ks)), rows,
                 ('Milliseconds a call on a batch, or a step of training with its batch from the loader; '
                  'medians, measured.',), None)

HEAD = ('question', 'name', 'metric', 'data', 'unit', 'provenance', 'n', 'value', 'lo', 'hi', 'against',
        'change', 'change_lo', 'change_hi', 'p', 'p_holm', 'verdict')

def study_rows(s) -> list[dict]:
    "A dictionary for each number and each answer; NaN for what there is none of."
    blank = dict.fromkeys(HEAD, math.nan) | dict.fromkeys(
        ('question', 'name', 'metric', 'data', 'unit', 'provenance', 'against', 'verdict'), '')
    rows = [blank | dict(question='measured') | {k: row[k] for k in HEAD if k in row}
            for row in suite_rows(s.suite)]
    for r in s.memory:
        mid, lo, hi = spread(r, s.suite.level)
        rows.append(blank | dict(question='measured', name=r.name, metric=r.metric, unit='B', n=r.n,
                                 value=mid, lo=lo, hi=hi, provenance=r.provenance))
    for question, answered in s.answers.items():
        rows += [blank | dict(question=question, name=name, metric=label, provenance='measured',
                              against=a.kind, change=a.mid, change_lo=a.lo, change_hi=a.hi, p=a.p_alone,
                              p_holm=a.p, verdict=a.verdict) for (name, label), a in answered.items()]
    return rows

def csv_of(s) -> str:
    "`study_rows` as CSV, what is not known left empty."
    out = io.StringIO(newline='')
    w = csv.DictWriter(out, HEAD)
    w.writeheader()
    for row in study_rows(s): w.writerow({k: '' if v != v else v for k, v in row.items()})
    return out.getvalue()

SHORT = {'channels last + bfloat16': 'both'}    # in a figure

def label(technique:str, k:Setting) -> str:
    "A technique in a setting, as a figure names it: batch, and workers of the loader."
    said = f'{SHORT.get(technique, technique)}, {k.batch}'
    return f'{said}, {k.workers} w' if k.mode == 'training' else said

def against_base(s, settings) -> Comparison|None:
    "What each technique did in all `settings`, as one comparison to draw; None if nothing was compared."
    found = timed(s)
    judged_by = {c.metric: xs for c, xs in s.suite.comparison.items() if c.unit == 'examples/s'}
    rows = [rival(label(t, k), a) for k in settings for t, a in judged_by.get(k.metric, {}).items()]
    if not rows: return None
    base = next(found[k.metric]['base'] for k in settings if 'base' in found.get(k.metric, {}))
    return Comparison('base', (replace(base, metric='examples/s'),), tuple(rows), s.suite.band)

def devices_compared(s) -> Comparison|None:
    "The GPU against the CPU, as one comparison to draw; None without a GPU."
    answered = s.answers.get('devices', {})
    rows = [rival(f'{SHORT.get(t, t)}, {label}', a) for (t, label), a in answered.items()]
    if not rows: return None
    base = replace(s.suite.results[0], name='the CPU', metric='examples/s')
    return Comparison('the CPU', (base,), tuple(rows), s.suite.band)

def rival(name:str, a:Against) -> Rival:
    "An answer as the line of a comparison."
    ratio = a.ratio or Ratio(a.mid, a.lo, a.hi, 1, of='builds')
    return Rival(name, ratio, a.p_alone, a.p, a.verdict, a.more or 0)

def bars_of(s, settings) -> list:
    "Examples a second of all techniques in `settings`, each named for a figure."
    found = timed(s)
    return [replace(r, name=label(t, k), metric='examples/s') for k in settings
            for t, r in found.get(k.metric, {}).items()]

def not_run_table(s) -> Table:
    "What was asked for and has no number, and why."
    rows = [(k, why) for k, why in s.suite.failures.items()]
    rows += [(k, 'there is no GPU here that PyTorch can use') for k in
             ('inference and training on the GPU', 'the ratio of GPU to CPU') if GPU not in s.devices]
    gone = [n.removeprefix('not run: ') for n in s.suite.notes if n.startswith('not run: ')]
    rows += [tuple(n.split(': ', 1)) for n in gone]
    return Table(('what', 'why'), tuple(rows), ('' if rows else 'All was measured.',), None)
