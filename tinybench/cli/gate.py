"Files of results compared, and what a build server is told: pass, fail or undecided, and whether surely"
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
    "By name the `gate` of a comparison, adjusted for all its models; for a rate, of the inverse ratio."
    from tinybench.measure.runs import gate_of
    if any(r.p is None for r in c.rows): return {r.name: gate(r.ratio.lo, r.ratio.hi, limit) for r in c.rows}
    return dict(zip([r.name for r in c.rows], gate_of([r.ratio for r in c.rows], limit, is_rate(c))))

def sure_of(c) -> dict[str, bool]:
    "By name whether the spread between runs is known, without which a gate is not sure."
    from tinybench.measure.runs import sure_of_runs
    return {r.name: sure_of_runs(r) for r in c.rows}

def gate_words(name:str, said:str, sure:bool, what:str) -> str:
    "A line for a person; `what` is 'slower by more than 5%'."
    from tinybench.measure.runs import ONE_RUN
    if said == 'undecided': return f'{name}: undecided, whether {what}' + ('' if sure else f'; {ONE_RUN}')
    claim = what if said == 'fail' else f'not {what}'
    return f'{name}: {said}, surely {claim}' if sure else f'{name}: {said}, {claim}; not surely: {ONE_RUN}'

def gate_status(said:dict, sure:dict, strict:bool=False) -> int:
    "3 where one fails, be it sure or not; with `strict` 4 where one does not surely pass; else 0."
    if 'fail' in said.values(): return 3
    return 4 if strict and any(v != 'pass' or not sure[k] for k, v in said.items()) else 0

def run_places(path:Path) -> list[Path]:
    "The runs that `path` names: a file or a report folder is one, another folder holds several."
    if not path.is_dir() or (path/'results.json').exists(): return [path]
    found = sorted(p for p in path.iterdir() if p.suffix == '.json' or (p/'results.json').exists())
    if not found: raise ValueError(f'{path} holds no results: neither results.json, nor other .json files')
    return found

def results_in(path:Path, metric:str) -> dict:
    "The results of `metric` in a file by name; ValueError saying what is there instead."
    from tinybench.measure.result import as_records, load_json
    found = as_records(load_json(path/'results.json' if path.is_dir() else path))
    if kept := {r.name: r for r in found if r.metric == metric}: return kept
    there = ', '.join(sorted({r.metric for r in found})) or 'nothing'
    raise ValueError(f'{path} has no {metric}; it has {there}')

def check_values(path:Path, found:list, alone:bool=True, level:float=.95):
    """ValueError naming file, model and value if a result cannot be compared: not above 0, or, in a run that
    is `alone` on its side, too few values."""
    from tinybench.measure.stats import fewest_values
    hint = 'choose another with --name'
    for r in found:
        if (least := min(r.values)) <= 0: raise ValueError(
            f'{path}: {r.name} has a {r.metric} of {least:g} {r.unit}, and a ratio takes values above 0; '
            f'{hint}')
        need = 1 if not alone or r.unit == 'B' or r.provenance == 'modelled' else fewest_values(level)
        if r.n < need: raise ValueError(
            f'{path}: {r.name} has {r.n} value{"s" if r.n > 1 else ""} of {r.metric}, and an interval at '
            f'{100*level:g}% takes {need}; {hint}')

def common_names(found:dict, metric:str, name:str|None=None) -> list[str]:
    "The models that all files of `found` have; ValueError if there is none, or if one of them lacks one."
    every = list(dict.fromkeys(k for run in found.values() for k in run))
    both = [k for k in every if name in (None, k) and all(k in run for run in found.values())]
    if not both:
        what = metric if name is None else f'{metric} of {name!r}'
        there = '; '.join(f'{path} has {", ".join(run)}' for path, run in found.items())
        raise ValueError(f'no {what} in {"both" if len(found) == 2 else "all"}: {there}')
    if name is None and (lost := sorted(set(every) - set(both))): raise ValueError(
        f'only {"one" if len(found) == 2 else "some"} of the files has {metric} of {", ".join(lost)}: '
        'did it fail? Choose with --name')
    return both

def compared_files(
    old:Path|list,                  # files or folders of the old run, or of several
    new:Path|list,                  # and of the new
    metric:str='latency',
    name:str|None=None,             # one model, if not all that are in all
    band:float=.02,
    differ:tuple=('tinybench',),    # what may differ in their environments
):
    "The `Comparison` of what files of two sides say of the same models; ValueError if that cannot be."
    from tinybench.measure.runs import compare_runs
    sides = [[p for q in (side if isinstance(side, list) else [side]) for p in run_places(q)]
             for side in (old, new)]
    where = ' and '.join(', '.join(map(str, side)) for side in sides)
    found = {path: results_in(path, metric) for path in dict.fromkeys(sides[0] + sides[1])}
    names, alone = common_names(found, metric, name), sum(map(len, sides)) == 2
    for path, run in found.items(): check_values(path, [run[k] for k in names], alone)
    runs = [[[found[path][k] for k in names] for path in side] for side in sides]
    try: return compare_runs(*runs, unpaired=True, differ=differ, band=band)
    except ValueError as e: raise ValueError(f'{metric} in {where}: {e}') from e
