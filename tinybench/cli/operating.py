"`tinybench operating`: the promises of the statistics, tried on simulated machines"
from pathlib import Path
from typing import Annotated
import typer
from tinybench.base.terminal import bar, echo, say
from .options import AsJson, Seed


def operating(
    quick:Annotated[bool, typer.Option('--quick', help='Few tries: for CI, in seconds.')]=False,
    only:Annotated[str, typer.Option(help='Tables with these words in their name, such as AUC.')]='',
    out:Annotated[Path|None, typer.Option(help='Folder for operating.md and operating.json.')]=None,
    workers:Annotated[int, typer.Option(help='Processes to try rows in.', min=1)]=1,
    seed:Seed=0, as_json:AsJson=False):
    """Try on simulated machines how often tinybench is right.

    False alarms, coverage of intervals, power, many statements at once: each row is a promise, how often it
    was kept, the binomial limits of that, and whether it was held or broken. Machines are simulated, so the
    truth is known; what judges them are the functions that users call.

    The full form takes more than an hour of one core (see --workers) and keeps each row in --out at once:
    after Ctrl-C the same command goes on where it was.

    Status 1 if a promise is broken beyond chance (once in 10,000).

    Example: tinybench operating --out reports/operating
    """
    import json
    from tinybench.operating.run import operate, rows_kept
    from tinybench.operating.tables import all_cases
    every = all_cases()
    parts = {c.part: only.casefold() in c.part.casefold() for c in every}
    if not any(parts.values()): raise ValueError(f'no table has {only!r} in its name: {"; ".join(parts)}')
    kept = rows_kept(out, seed, quick) if out else {}
    if kept: say(f'{len(kept)} rows are there already')
    cases = [c for c in every if parts[c.part] or (c.part, c.what) in kept]
    with bar('trying') as tell:
        save = out and (lambda so_far: so_far.save(out))
        found = operate(cases, seed, quick, kept, workers, tell, save)
    if out: found.save(out)
    echo(json.dumps(found.to_dict(), indent=1, allow_nan=False) if as_json else found)
    for r in found.broken: say(f'broken beyond chance: {r.part}, {r.what}')
    if out: say(f'report: {out}/operating.md')
    if found.broken: raise typer.Exit(1)
