"Two files of results compared, and what a build server is told: pass, fail or undecided"
from pathlib import Path


def as_share(text:str) -> float:
    "'5%' and '0.05' as .05; ValueError for what is no share from 0 to 1 (a percentage may be 0 to 100)."
    number = text.strip().removesuffix('%').strip()
    try: share = float(number)/(100 if text.strip().endswith('%') else 1)
    except ValueError: share = -1.
    if not 0 <= share <= 1: raise ValueError(f'{text!r} is no share: write 5% or 0.05')
    return share

def gate(lo:float, hi:float, limit:float) -> str:
    "'fail' if a ratio in [lo, hi] is surely above 1 + limit, 'pass' if surely not, else 'undecided'."
    if lo > 1 + limit: return 'fail'
    return 'pass' if hi <= 1 + limit else 'undecided'

def is_rate(c) -> bool: return c.results[0].unit.endswith('/s')

def gates(c, limit:float) -> dict[str, str]:
    "By name the `gate` of a comparison; for a rate, where more is faster, of the inverse ratio."
    def ends(q): return (1/q.hi, 1/q.lo) if is_rate(c) else (q.lo, q.hi)
    return {r.name: gate(*ends(r.ratio), limit) for r in c.rows}

def results_in(path:Path, metric:str) -> dict:
    "The results of `metric` in a file by name; ValueError saying what is there instead."
    from tinybench.measure.result import as_records, load_json
    found = as_records(load_json(path/'results.json' if path.is_dir() else path))
    if kept := {r.name: r for r in found if r.metric == metric}: return kept
    there = ', '.join(sorted({r.metric for r in found})) or 'nothing'
    raise ValueError(f'{path} has no {metric}; it has {there}')

def check_values(path:Path, found:list, level:float=.95):
    "ValueError naming file, model and value if a result cannot be compared: not above 0, or too few values."
    from tinybench.measure.stats import fewest_values
    hint = 'choose another with --name'
    for r in found:
        if (least := min(r.values)) <= 0: raise ValueError(
            f'{path}: {r.name} has a {r.metric} of {least:g} {r.unit}, and a ratio takes values above 0; '
            f'{hint}')
        need = 1 if r.unit == 'B' or r.provenance == 'modelled' else fewest_values(level)
        if r.n < need: raise ValueError(
            f'{path}: {r.name} has {r.n} value{"s" if r.n > 1 else ""} of {r.metric}, and an interval at '
            f'{100*level:g}% takes {need}; {hint}')

def compared_files(
    a:Path, b:Path,                 # of the old run, and of the new one
    metric:str='latency',
    name:str|None=None,             # one model, if not all that are in both
    band:float=.02,
    differ:tuple=('tinybench',),    # what may differ in their environments
):
    "The `Comparison` of what two files say of the same models; ValueError if that cannot be."
    from tinybench.measure.runs import compare_runs
    old, new = results_in(a, metric), results_in(b, metric)
    both = [k for k in old if k in new and name in (None, k)]
    if not both:
        what = metric if name is None else f'{metric} of {name!r}'
        raise ValueError(f'no {what} in both: {a} has {", ".join(old)}; {b} has {", ".join(new)}')
    lost = sorted(old.keys() ^ new.keys())
    if lost and name is None: raise ValueError(
        f'only one of the two files has {metric} of {", ".join(lost)}: did it fail? Choose with --name')
    pairs = [[found[k] for k in both] for found in (old, new)]
    for path, found in zip((a, b), pairs): check_values(path, found)
    try: return compare_runs(*pairs, unpaired=True, differ=differ, band=band)
    except ValueError as e: raise ValueError(f'{metric} in {a} and {b}: {e}') from e
