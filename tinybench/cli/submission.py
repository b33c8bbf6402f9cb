"A submission as a folder in the layout of MLPerf Tiny, a checker of such folders, and a log for MLCommons"
import io, json, logging, re, statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from tinybench import __version__
from tinybench.base.files import new_folder, read_text, write_whole
from tinybench.base.text import Shown, Table, escaped
from tinybench.tasks.rules import DIVISIONS, STATUSES, Compliance, Entry
from tinybench.tasks.task import TASKS, Task, quality_from

BENCHMARKS = dict(ad01='ad', ic01='ic', ic02='ic2', kws01='kws', vww01='vww')    # the names of their folders
TESTS = 'accuracy', 'performance'
FILES = 'log.txt', 'results.json', 'results.txt'    # of each test
SHOWN = 'pass', 'fail', 'undecided', 'reported', 'not valid'    # what may be written down as a submission


# --- writing

def as_json(x) -> str: return json.dumps(x, indent=1, allow_nan=False) + '\n'

def header(c:Compliance, e:Entry) -> list[str]:
    "The first lines of a log: what was run, on what, with which seed."
    o = e.outcome
    facts = dict(tinybench=__version__, task=o.task, model=o.model, data=o.data, seed=c.settings['seed'])
    return ['MLPerf-Tiny-style, unofficial', *(f'{k}: {v}' for k, v in facts.items())]

def test_files(logged:list[str], rows:list[dict], said:str) -> dict[str, str]:
    "What a test leaves, by name of the file."
    return dict(zip(FILES, ('\n'.join(logged) + '\n', as_json(rows), f'tinybench: {said}\n')))

def performance_files(c:Compliance, e:Entry) -> dict[str, str]:
    "The windows of a performance run, and their median."
    s = e.outcome.speed
    windows = [dict(iterations=calls, elapsed_time=round(1e6*secs), throughput=rate)
               for calls, secs, rate in zip(s.how['calls'], s.how['secs'], s.values)]
    rows = [dict(file=f'input {i}', mode='p', infer=w) for i, w in enumerate(windows, 1)]
    logged = [f'window {i}: {w["iterations"]} calls in {w["elapsed_time"]} us'
              for i, w in enumerate(windows, 1)]
    return test_files([*header(c, e), *logged], rows, f'Median throughput is {s.median:.3f} inf./sec.')

def accuracy_files(c:Compliance, e:Entry) -> dict[str, str]:
    "Each answer of an accuracy run beside the truth, and the score."
    q, both = e.outcome.quality, list(zip(e.truth, e.answers))
    rows = [{'file': f'example {i}', 'mode': 'a', 'class': t, 'answer': a} for i, (t, a) in enumerate(both)]
    logged = [f'example {i}: {a!r}, true {t!r}' for i, (t, a) in enumerate(both)]
    score = f'Top 1% = {100*q.value:.3f}' if q.metric == 'accuracy' else f'AUC = {q.value:.5f}'
    return test_files([*header(c, e), *logged], rows, score)

def system_facts(c:Compliance) -> dict[str, str]:
    "What the layout asks of a system, and all else that is known of it."
    env = c.env
    own = {'Submitter': c.org, 'Division': c.division, 'Status': c.system['status'],
           'Quantization Method': c.system['quantization'], 'Processor(s) Name': env.get('cpu', ''),
           'Operating System': env.get('platform', ''), 'Inference Framework': f'tinybench {__version__}',
           'Software Libraries': f'numpy {env.get("numpy", "")}, {env.get("blas", "")}'}
    return own | {k: str(v) for k, v in c.system.items() if k not in ('name', 'status', 'quantization')}

def code_readme(c:Compliance, e:Entry) -> str:
    "How to run it again."
    return (f'# {escaped(e.outcome.model)}\n\nQuantization: {escaped(c.system["quantization"])}\n\n'
            f'Run by tinybench {__version__}: `tinybench tasks run {e.outcome.task}`\n')

def submission_files(c:Compliance) -> dict[str, str]:
    "Path -> text of all files of a submission; ValueError if an entry cannot be submitted, and why."
    bad = [f'{task} is {status}' for task, status in c.status().items() if status not in SHOWN]
    bad += [words for e in c.entries for words in e.reasons(c.division) if e.status(c.division) not in SHOWN]
    if any(e.outcome.speed is None for e in c.entries if e.status(c.division) in SHOWN): bad.append(
        'there was no performance run')
    if not c.entries: bad.append('nothing was run')
    if bad: raise ValueError('this cannot be submitted: ' + '; '.join(bad))
    own, name = f'{c.division}/{c.org}', c.system['name']
    files = {f'{own}/systems/{name}.json': as_json(system_facts(c))}
    for e in c.entries:
        short = BENCHMARKS[e.outcome.task]
        files[f'{own}/code/{short}/tinybench/README.md'] = code_readme(c, e)
        for test, make in zip(TESTS, (accuracy_files, performance_files)):
            files |= {f'{own}/results/{name}/{short}/{test}/{k}': text for k, text in make(c, e).items()}
    return files

def write_submission(c:Compliance, folder) -> Path:
    "Makes `folder` a submission, whole or not at all; FileExistsError if something is there."
    folder = Path(folder).expanduser().resolve()
    files = submission_files(c)
    if folder.is_file() or folder.is_dir() and any(folder.iterdir()): raise FileExistsError(
        f'{folder} is there and not empty: name another folder')
    with new_folder(folder) as new:
        for path, text in files.items():
            (new/path).parent.mkdir(parents=True, exist_ok=True)
            write_whole(new/path, text)
    return folder


# --- checking: the folder may hold anything

class Problem(NamedTuple):
    "What is missing or wrong in a submission."
    path: str
    words: str

@dataclass(frozen=True, repr=False)
class Checked(Shown):
    "What a checker found in a submission. Frozen."
    problems: tuple          # of `Problem`
    results: int             # folders of a benchmark that it looked into
    @property
    def ok(self) -> bool: return not self.problems
    def table(self) -> Table:
        n = len(self.problems)
        said = 'Nothing is missing or wrong' if not n else f'{n} problem{"s" if n > 1 else ""}'
        where = f'the results of {self.results} benchmark{"s" if self.results != 1 else ""}'
        return Table(('where', 'what') if n else (), self.problems, (f'{said} in {where}.',), None)

MOST_BYTES = 50*2**20    # of a file

def content(path:Path):
    "The text of a file, or what is in it if it is JSON; ValueError in words if that cannot be."
    if path.is_symlink() or not path.is_file(): raise ValueError(f'{path.name} is missing')
    if path.stat().st_size > MOST_BYTES: raise ValueError(f'{path.name} is too large')
    try: return (json.loads if path.suffix == '.json' else str)(read_text(path))
    except (ValueError, RecursionError) as e:
        raise ValueError(f'{path.name} cannot be read: {str(e)[:80]}') from None

def rows_of(path:Path) -> list[dict]:
    "The rows of results.json; ValueError if it holds anything else."
    rows = content(path)
    if isinstance(rows, list) and rows and all(isinstance(r, dict) for r in rows): return rows
    raise ValueError(f'{path.name} is no list of results')

def number(d:dict, *keys:str) -> float:
    "The number at `keys` of nested dictionaries; ValueError if there is none that is finite and at least 0."
    for k in keys: d = d.get(k) if isinstance(d, dict) else None
    if isinstance(d, bool) or not isinstance(d, (int, float)) or not 0 <= d < 1e18: raise ValueError(
        f'{" ".join(keys)} is {str(d)[:40]}, no number of at least 0')
    return float(d)

def said_in(path:Path, what:str) -> float:
    "The number behind the words `what`; ValueError if there is none."
    found = re.search(rf' {re.escape(what)} +(\d+(\.\d+)?)\b', content(path))
    if not found: raise ValueError(f'{path.name} does not say "{what} …"')
    return float(found[1])

def window_problems(windows:list[tuple]) -> Iterator[str]:
    "What is wrong with the windows of a performance run: (calls, microseconds, calls a second)."
    if len(windows) != 5: yield f'{len(windows)} windows: the rules ask for 5'
    for i, (calls, us, rate) in enumerate(windows, 1):
        if us < 1e7: yield f'window {i} lasted for {us/1e6:.3g} s: the rules ask for at least 10 s'
        if abs(rate*us/1e6 - calls) > 1e-3*calls: yield (
            f'window {i}: {calls:.0f} calls in {us/1e6:.3f} s are not {rate:.3f} a second')

def check_performance(at:Path, t:Task, division:str) -> Iterator[Problem]:
    "What is wrong in the folder of a performance run."
    rows = rows_of(at/'results.json')
    keys = 'iterations', 'elapsed_time', 'throughput'
    windows = [tuple(number(r, 'infer', k) for k in keys) for r in rows]
    yield from (Problem('results.json', words) for words in window_problems(windows))
    median = statistics.median(w[2] for w in windows)
    said = said_in(at/'results.txt', 'Median throughput is')
    if abs(said - median) > 1e-3 + 1e-6*median: yield Problem(
        'results.txt', f'says a median of {said:.3f}: the windows give {median:.3f}')
    logged = re.findall(r'(?m)^window \d+: (\d+) calls in (\d+) us$', content(at/'log.txt'))
    if [w[:2] for w in windows] != [(float(n), float(us)) for n, us in logged]: yield Problem(
        'log.txt', 'has other windows than results.json')

def check_accuracy(at:Path, t:Task, division:str) -> Iterator[Problem]:
    "What is wrong in the folder of an accuracy run."
    rows = rows_of(at/'results.json')
    q = quality_from(t, *([number(r, k) for r in rows] for k in ('class', 'answer')))
    percent = t.metric == 'accuracy'
    said = said_in(at/'results.txt', 'Top 1% =' if percent else 'AUC =')/(100 if percent else 1)
    if abs(said - q.value) > 1e-5: yield Problem(
        'results.txt', f'says {said:.5f}: the answers give {q.value:.5f}')
    if division == 'closed' and not q.by_the_rule: yield Problem(
        'results.json', f'{q.metric} {q.words()} misses the target {q.target:g} of the closed division')
    logged = re.findall(r'(?m)^example \d+: (\S+), true (\S+)$', content(at/'log.txt'))
    if logged != [(repr(r['answer']), repr(r['class'])) for r in rows]: yield Problem(
        'log.txt', 'has other answers than results.json')

def check_log(at:Path, t:Task, seed:int) -> Iterator[Problem]:
    "What is wrong in the first lines of a log."
    facts = dict(re.findall(r'(?m)^(task|seed): (\S+)$', content(at)))
    for k, want in (('seed', str(seed)), ('task', t.name)):
        if k not in facts: yield Problem('log.txt', f'says no {k}')
        elif facts[k] != want: yield Problem('log.txt', f'is of {k} {facts[k][:40]}: here it is {want}')

def check_benchmark(at:Path, t:Task, division:str, seed:int) -> Iterator[Problem]:
    "What is missing or wrong in the results of a benchmark; paths are relative to `at`."
    for test, check in zip(TESTS, (check_accuracy, check_performance)):
        here = {p.name for p in (at/test).iterdir()} if (at/test).is_dir() else set()
        yield from (Problem(f'{test}/{name}', 'is missing') for name in FILES if name not in here)
        yield from (Problem(f'{test}/{name}', 'does not belong here') for name in sorted(here - {*FILES}))
        if not here >= {*FILES}: continue
        for part in (check(at/test, t, division), check_log(at/test/'log.txt', t, seed)):
            try: yield from (Problem(f'{test}/{p.path}', p.words) for p in part)
            except ValueError as e: yield Problem(test, str(e))

def inner(at:Path) -> list[Path]:
    "The folders in `at`, in order; none if it is no folder, or a link."
    return sorted(p for p in at.iterdir() if p.is_dir() and not p.is_symlink()) if at.is_dir() else []

def check_facts(path:Path) -> Iterator[Problem]:
    "What is missing or wrong in the description of a system."
    where = f'systems/{path.name}'
    try: d = content(path)
    except ValueError as e: return (yield Problem(where, str(e)))
    status = str(d.get('Status')).lower() if isinstance(d, dict) else None
    if status not in STATUSES: yield Problem(where, f'has no Status: one of {", ".join(STATUSES)}')
    elif not d.get('Quantization Method'): yield Problem(where, 'does not say how the weights were quantized')

def check_system(org:Path, name:str, division:str, seed:int) -> Iterator[Problem]:
    "What is missing or wrong about a system; paths are relative to `org`."
    tasks = {short: TASKS[task] for task, short in BENCHMARKS.items()}
    yield from check_facts(org/'systems'/f'{name}.json')
    found = [p.name for p in inner(org/'results'/name)]
    if not found: yield Problem(f'results/{name}', 'has no benchmark')
    if 'ic2' in found and 'ic' not in found: yield Problem(
        f'results/{name}/ic', 'is missing: who submits ic2 submits ic too')
    for short in found:
        at = f'results/{name}/{short}'
        if short not in tasks:
            yield Problem(at, f'is no benchmark: one of {", ".join(tasks)}')
            continue
        found_here = check_benchmark(org/at, tasks[short], division, seed)
        yield from (Problem(f"{at}/{p.path}", p.words) for p in found_here)
        if not any(p.is_file() for p in (org/'code'/short).rglob('*')): yield Problem(
            f'code/{short}', 'is missing or empty')

def check_files(root:Path) -> Iterator[Problem]:
    "What does not belong into any submission: links, huge files, folders without files."
    for p in sorted(root.rglob('*')):
        path = p.relative_to(root).as_posix()
        if p.is_symlink(): yield Problem(path, 'is a link: put the file itself here')
        elif p.is_dir() and not any(p.iterdir()): yield Problem(path, 'is an empty folder')
        elif p.is_file() and p.stat().st_size > MOST_BYTES: yield Problem(path, 'is too large')

def problems_in(root:Path, seed:int) -> Iterator[Problem]:
    "All that is missing or wrong in the submission at `root`."
    yield from check_files(root)
    if not inner(root): yield Problem('.', 'holds neither closed nor open')
    for division in inner(root):
        if division.name not in DIVISIONS:
            yield Problem(division.name, 'is no division: closed or open')
            continue
        for org in inner(division):
            here = org.relative_to(root).as_posix()
            missing = [part for part in ('systems', 'code', 'results') if not (org/part).is_dir()]
            yield from (Problem(f'{here}/{part}', 'is missing') for part in missing)
            if not missing and not inner(org/'results'): yield Problem(f'{here}/results', 'has no system')
            for s in inner(org/'results'): yield from (
                Problem(f'{here}/{p.path}', p.words) for p in check_system(org, s.name, division.name, seed))

def check_submission(folder, seed:int=0) -> Checked:
    "Checks a submission, which may hold anything; FileNotFoundError if there is no such folder."
    root = Path(folder).expanduser()
    if not root.is_dir(): raise FileNotFoundError(f'no folder {root}')
    found = dict.fromkeys(problems_in(root, seed))
    return Checked(tuple(found), sum(p.is_dir() for p in root.glob('*/*/results/*/*')))


# --- the log of MLCommons

def mlperf_log(c:Compliance) -> str:
    "The submission as lines of the package mlperf-logging; ImportError that says how to get it."
    try: from mlperf_logging.mllog import constants as k, mllog
    except ImportError as e: raise ImportError(
        'the package mlperf-logging is missing: pip install "tinybench-ml[mlperf]"') from e
    out, logger = io.StringIO(), logging.Logger('tinybench')
    logger.addHandler(logging.StreamHandler(out))
    log = mllog.MLLogger(logger)
    log.event(k.SUBMISSION_DIVISION, c.division)
    log.event(k.SUBMISSION_ORG, c.org)
    log.event(k.SUBMISSION_PLATFORM, c.system['name'])
    log.event(k.SUBMISSION_STATUS, c.system['status'])
    for e in c.entries:
        o, about = e.outcome, dict(task=e.outcome.task, model=e.outcome.model, data=e.outcome.data)
        judged = dict(about, status=e.status(c.division), unofficial=True)
        log.event(k.SUBMISSION_BENCHMARK, BENCHMARKS[o.task], judged)
        if q := o.quality: log.event(
            k.EVAL_ACCURACY, q.value, dict(about, metric=q.metric, lo=q.lo, hi=q.hi, samples=q.n))
        if s := o.speed: log.event('throughput', s.median, dict(about, unit=s.unit, windows=list(s.values)))
    return out.getvalue()
