"`tinybench olympics`: an entry in a file, folders of submissions, and the board that is drawn of them"
import json, os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated
import typer
from tinybench.base.files import write_whole
from tinybench.base.terminal import bar, echo, say
from .options import AsJson, Seed
from .plan import make_model, read_toml

ENTRY = dict(event=str, name=str, model=dict, steps=list)
BESIDE = {'board.json', 'index.html', 'README.md'}     # files that a contest may hold beside its events

def read_entry(path:str|os.PathLike) -> dict:
    "The entry that a TOML file describes; OSError, or ValueError saying what is wrong in it."
    plan = read_toml(path, ENTRY)
    for k, example in (('event', 'event = "sprint"'), ('name', 'name = "ada"'),
                       ('model', '[model] with use = "simple_cnn"')):
        if not plan.get(k): raise ValueError(f'{path} has no {k}: add {example}')
    return plan

def submit_entry(plan:Mapping, root:Path):
    "The folder of a new submission below `root`, and its `Entry`."
    from tinybench.nn.module import Module
    from tinybench.tasks.olympics import event_of
    from tinybench.tasks.task import task_of
    from .judge import submit, verify
    t = task_of(event_of(plan['event']).task)
    made = make_model(plan['name'], {'shape': list(t.shape)} | plan['model'])
    if not isinstance(made.source, Module): raise ValueError(
        f'model {plan["name"]!r} is of {made.kind}: only networks of tinybench can be submitted')
    folder = submit(made.source, root, plan['event'], plan['name'], plan.get('steps', ()))
    return folder, verify(folder)

def submissions(places:Iterable[Path]) -> list[Path]:
    """The folders of submissions that `places` are, or have two folders below;
    ValueError if one has none, or holds anything else."""
    def is_real(p): return p.is_dir() and not p.is_symlink()
    def is_beside(p): return p.name in BESIDE and p.is_file() and not p.is_symlink()
    def below(place):
        if (place/'submission.json').exists(): return [place]
        if not place.exists(): raise FileNotFoundError(f'no folder {place}')
        events = [p for p in sorted(place.iterdir()) if not is_beside(p)] if is_real(place) else []
        found = [p for e in events if is_real(e) for p in sorted(e.iterdir())]
        for p in (place, *events, *found):
            if not is_real(p): raise ValueError(
                f'{str(p)!r} is a link, or no folder: a contest holds folders EVENT/NAME, '
                f'and beside them only {", ".join(sorted(BESIDE))}')
        if not found: raise ValueError(f'{place} holds no submission, which is EVENT/NAME/submission.json')
        return found
    return [folder for place in places for folder in below(place)]

def verdicts(places:Iterable[Path]) -> dict:
    "folder -> its `Entry`, or why it is refused; each is run in a process with limits."
    from .judge import verify_apart
    return verify_apart(submissions(places))

def verdict_rows(found:Mapping) -> list[dict]:
    "A dictionary for each verdict, ready for JSON."
    from .judge import claims_of
    def row(folder, x):
        if isinstance(x, str): return dict(folder=str(folder), verdict='refused', why=x)
        return dict(folder=str(folder), verdict='verified', event=x.event, name=x.name, **claims_of(x))
    return [row(*item) for item in found.items()]

def verdict_table(found:Mapping):
    "The verdicts as a table."
    from tinybench.base.text import Table, worded
    def cells(r):
        if r['verdict'] == 'refused': return r['folder'], 'refused', '', ''
        return r['folder'], 'verified', f'{r["right"]} of {r["of"]}', worded(r['bytes'], unit='B')
    rows, head = verdict_rows(found), ('submission', 'verdict', 'right', 'memory')
    return Table(head, tuple(map(cells, rows)), tuple(f'{r["why"]}.' for r in rows if 'why' in r), left=2)

def show_verdicts(found:Mapping, as_json:bool=False):
    "Prints the verdicts on stdout."
    echo(json.dumps(verdict_rows(found), indent=1) if as_json else verdict_table(found))

def boards_of(found:Mapping, event:str|None=None, **options) -> list:
    "The boards of all events that have entries, or of one; ValueError if any submission was refused."
    from tinybench.tasks.olympics import EVENTS, contest, event_of
    from .judge import judged_on
    if bad := [why for why in found.values() if isinstance(why, str)]: raise ValueError(
        '; '.join(bad) + '. The board stays as it was')
    wanted = [event_of(event)] if event else list(EVENTS.values())
    groups = [(e, [x for x in found.values() if x.event == e.name]) for e in wanted]
    if not any(xs for _, xs in groups): raise ValueError(f'no entry for {event or "any event"}')
    boards = []
    for e, xs in ((e, xs) for e, xs in groups if xs):
        with bar(e.title) as tell: boards.append(contest(e, xs, judged_on(e.name), progress=tell, **options))
    return boards


# --- the page

def page_table(b) -> dict:
    "A board as a table of the report's page: all scores on one axis, and medal and tier as the verdict."
    from tinybench.base.text import worded
    from tinybench.bench.report import positions
    from tinybench.tasks.olympics import event_of, row_cells
    rows, ends = b.standings, [v for s in b.standings for v in s.score] or [0.]
    def row(s, at):
        cells = [s.name, worded(*s.score), s.tier, row_cells(s)[-1]]
        return dict(cells=cells, at=at, verdict=s.medal or ('' if s.places else 'not ranked'))
    return dict(title=event_of(b.event).title, origin='measured', note=' '.join(b.table().words),
                axis=[worded(min(ends)), worded(max(ends))],
                head=['entry', 'score', 'tier', 'accuracy', 'medal'],
                rows=[row(*item) for item in zip(rows, positions([s.score for s in rows]))])

def board_page(boards:Iterable) -> str:
    "All boards, one at least, as one page of HTML that needs no other file."
    from tinybench import __version__
    from tinybench.bench.report import html_page
    from tinybench.tasks.olympics import event_of
    boards = list(boards)
    n, env = sum(len(b.standings) for b in boards), boards[0].env
    def how(b): return f'{b.event}: ' + ', '.join(f'{k} {v}' for k, v in b.settings.items() if k != 'data')
    def whole(b):
        t = b.table()
        return dict(title=event_of(b.event).title, note='', head=t.head, rows=t.rows)
    machine = dict(title='Machine', head=['what', 'which'], rows=[[k, str(v)] for k, v in env.items()])
    return html_page(dict(
        title='tinybench olympics', lead=f'{n} entries in {len(boards)} events. Unofficial.', failures=[],
        advice=None, tables=list(map(page_table, boards)),
        sections=[('More answers', list(map(whole, boards)), '')], figures=[], concerns=[],
        how=list(map(how, boards)), about=[machine], version=__version__))

def write_board(boards:Iterable, root:Path) -> Path:
    "Writes board.json and index.html into `root`, each whole or not at all."
    boards = list(boards)
    text = json.dumps(dict(schema=1, boards=[b.to_dict() for b in boards]), indent=1, allow_nan=False) + '\n'
    page = board_page(boards)
    root.mkdir(parents=True, exist_ok=True)
    write_whole(root/'board.json', text)
    return write_whole(root/'index.html', page)


# --- the commands

def submit(
    entry:Annotated[Path, typer.Argument(help='TOML file that describes the entry.')],
    to:Annotated[Path, typer.Option(help='Folder of the contest.')]=Path('olympics'),
    as_json:AsJson=False):
    """Write a submission: a network as data, with what it claims.

    Its folder is EVENT/NAME below that of the contest, written whole or not at all, and only if the judge
    would take it. The events: sprint, memory, accuracy, all-around, extreme, for the digits of ic01; before
    those for another task stands its name, as in kws01-sprint: kws01, vww01, ic02.

    An entry in a file:

    \b
        event = "sprint"
        name = "ada"                # small letters, digits, hyphens
        steps = ["fold", "fuse"]    # that the judge takes
        [model]
        use = "simple_cnn"          # a network of the zoo, or "module:function"
        weights = "ada.npz"         # what net.save wrote
        in_shape = [32, 32, 3]

    The known steps: fold, fuse, channels_first, float16, bfloat16, int8, int4, clustered, sparse, integer.

    Example: tinybench olympics submit ada.toml --to olympics
    """
    folder, x = submit_entry(read_entry(entry), to)
    show_verdicts({folder: x}, as_json)

def verify(
    places:Annotated[list[Path], typer.Argument(help='Submissions, or folders of a contest.')],
    as_json:AsJson=False):
    """Run submissions again, and refuse those that claim something else.

    Each in a process with limits of memory and time. A file that is damaged, larger than it may be or than it
    says, or that holds objects is refused before it is read. Status 1 if one is refused.

    Example: tinybench olympics verify olympics
    """
    found = verdicts([p.expanduser() for p in places])
    show_verdicts(found, as_json)
    if any(isinstance(x, str) for x in found.values()): raise typer.Exit(1)

def board(
    root:Annotated[Path, typer.Argument(help='Folder of the contest.')]=Path('olympics'),
    out:Annotated[Path|None, typer.Option(help='Folder for the board, if not the same.')]=None,
    event:Annotated[str|None, typer.Option(help='One event, if not all.')]=None,
    processes:Annotated[int, typer.Option(help='Fresh ones to measure in; 1: 30 builds in one.', min=1)]=12,
    repeats:Annotated[int, typer.Option(help='Rounds in each process, or in all builds.', min=6)]=60,
    seed:Seed=0, as_json:AsJson=False):
    """Verify all submissions, measure them in turns, and draw the board.

    Writes index.html and board.json. If a submission is refused, the board stays as it was, and the status
    is 1.

    Example: tinybench olympics board olympics --out reports/olympics
    """
    how = dict(processes=processes, repeats=repeats, seed=seed)
    found = boards_of(verdicts([root.expanduser()]), event, **how)
    page = write_board(found, out or root)
    if as_json: echo(json.dumps([b.to_dict() for b in found], indent=1, allow_nan=False))
    else: echo('\n\n'.join(map(str, found)))
    say(f'board: {page}')
