"cli.submission: a folder that says the same everywhere, and a checker that sees each damage and survives any folder."
import json, random, re, shutil, sys
from pathlib import Path
import pytest
from tinybench.cli.compliance import compliance_dict, load_compliance, save_compliance
from tinybench.cli.submission import FILES, check_submission, mlperf_log, number, window_problems, write_submission
from tinybench.optimize.quantize import int8
from tinybench.tasks.rules import Compliance
from taskkit import SYSTEM, as_if_long, net, oracle, pictures, report_on

GOOD = pictures(60)
AT = 'closed/us/results/a-board/ic'

@pytest.fixture(scope='module')
def record():
    ref = oracle(GOOD)
    return as_if_long(report_on(int8(ref), GOOD, references=dict(ic01=ref)))

@pytest.fixture
def place(record, tmp_path): return write_submission(record, tmp_path/'sub')

def found(place, **how): return {(p.path, p.words) for p in check_submission(place, **how).problems}
def swap(path, old, new, count=1):
    text = path.read_text()
    assert old in text, (path, old)
    path.write_text(text.replace(old, new, count))
def edit(path, change):
    d = json.loads(path.read_text())
    change(d)
    path.write_text(json.dumps(d))


# --- writing

def test_a_whole_submission_has_nothing_wrong(place, record):
    c = check_submission(place)
    assert c.ok and c.results == 1 and 'Nothing is missing' in repr(c)
    assert record.status() == dict(ic01='pass')
    assert {p.relative_to(place).as_posix() for p in place.rglob('*') if p.is_file()} == {
        'closed/us/systems/a-board.json', 'closed/us/code/ic/tinybench/README.md', *(f'{AT}/{t}/{f}' for t in ('accuracy', 'performance') for f in FILES)}

def test_the_results_are_in_the_words_that_the_tools_of_mlcommons_read(place, record):
    "A word before, and then: Median throughput is NUMBER inf./sec., and Top 1% = NUMBER or AUC = NUMBER."
    e = record.entries[0].outcome
    said = re.match(r'\S+ Median throughput is\s+([\d.]+) inf\./sec\.', (place/AT/'performance'/'results.txt').read_text())
    assert float(said[1]) == pytest.approx(e.speed.median, rel=1e-3)
    said = re.match(r'\S+ Top 1% = ([\d.]+)$', (place/AT/'accuracy'/'results.txt').read_text())
    assert float(said[1]) == pytest.approx(100*e.quality.value, abs=1e-3)
    rows = json.loads((place/AT/'performance'/'results.json').read_text())
    assert len(rows) == 5 and {*rows[0]['infer']} == {'iterations', 'elapsed_time', 'throughput'}
    assert json.loads((place/'closed/us/systems/a-board.json').read_text())['Status'] == 'rdi'

def test_open_results_have_no_bar(tmp_path):
    c = as_if_long(report_on(net(), division='open'))
    place = write_submission(c, tmp_path/'open')
    assert c.status() == dict(ic01='reported') and check_submission(place).ok
    (place/'closed').mkdir()
    shutil.move(place/'open'/'us', place/'closed'/'us')
    (place/'open').rmdir()
    assert any('misses the target' in words for _, words in found(place))

def test_what_cannot_be_submitted(record, tmp_path):
    ref = oracle(GOOD)
    for c, words in ((report_on(net(), GOOD, references=dict(ic01=ref)), 'ic01 is refused.*retrained|not those of'),
                     (report_on(ref, GOOD, rules=None), 'no performance run'),
                     (Compliance('open', 'us', SYSTEM, ()), 'nothing was run')):
        with pytest.raises(ValueError, match=words): write_submission(c, tmp_path/'never')
    assert not (tmp_path/'never').exists()

def test_nothing_is_overwritten(record, place, tmp_path):
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(FileExistsError, match='another folder'): write_submission(record, place)
    (tmp_path/'file').write_text('mine')
    with pytest.raises(FileExistsError): write_submission(record, tmp_path/'file')
    (tmp_path/'empty').mkdir()
    assert check_submission(write_submission(record, tmp_path/'empty')).ok
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*before, 'empty', 'file'])


# --- damage

@pytest.mark.parametrize('test', ['accuracy', 'performance'])
@pytest.mark.parametrize('name', FILES)
def test_each_file_is_missed(place, test, name):
    (place/AT/test/name).unlink()
    assert (f'{AT}/{test}/{name}', 'is missing') in found(place)

@pytest.mark.parametrize('path', ['closed/us/systems', 'closed/us/code', 'closed/us/results', AT, f'{AT}/accuracy', f'{AT}/performance'])
def test_each_folder_is_missed(place, path):
    shutil.rmtree(place/path)
    assert not check_submission(place).ok

@pytest.mark.parametrize('change, words', [
    (lambda at: swap(at/'performance'/'results.txt', 'is ', 'is 1'), 'the windows give'),
    (lambda at: edit(at/'performance'/'results.json', lambda d: d[2]['infer'].update(throughput=10*d[2]['infer']['throughput'])), 'are not'),
    (lambda at: edit(at/'performance'/'results.json', lambda d: d[2]['infer'].update(iterations=2*d[2]['infer']['iterations'])), 'are not'),
    (lambda at: edit(at/'performance'/'results.json', lambda d: d[2]['infer'].update(elapsed_time=9_999_999)), 'at least 10 s'),
    (lambda at: edit(at/'performance'/'results.json', lambda d: d.pop()), '4 windows'),
    (lambda at: edit(at/'performance'/'results.json', lambda d: d.append(d[0])), '6 windows'),
    (lambda at: edit(at/'performance'/'results.json', lambda d: d[0]['infer'].update(throughput='fast')), 'no number'),
    (lambda at: edit(at/'performance'/'results.json', lambda d: d[0]['infer'].update(throughput=True)), 'no number'),
    (lambda at: edit(at/'performance'/'results.json', lambda d: d[0]['infer'].update(throughput=float('nan'))), 'no number'),
    (lambda at: swap(at/'performance'/'log.txt', 'window 2', 'window 2 not'), 'other windows'),
    (lambda at: swap(at/'performance'/'log.txt', 'seed: 0', 'seed: 1'), 'seed 1'),
    (lambda at: swap(at/'performance'/'log.txt', 'task: ic01', 'task: ic02'), 'task ic02'),
    (lambda at: swap(at/'accuracy'/'log.txt', 'seed: 0', ''), 'no seed'),
    (lambda at: swap(at/'accuracy'/'results.txt', 'Top 1%', 'Top 5%'), 'does not say'),
    (lambda at: swap(at/'accuracy'/'results.txt', '= 100.000', '= 99.000'), 'the answers give'),
    (lambda at: edit(at/'accuracy'/'results.json', lambda d: d[0].update(answer=d[0]['answer'] + 1)), 'the answers give|other answers'),
    (lambda at: edit(at/'accuracy'/'results.json', lambda d: d.pop()), 'other answers'),
    (lambda at: edit(at/'accuracy'/'results.json', lambda d: d.clear()), 'no list of results'),
    (lambda at: (at/'accuracy'/'more.txt').write_text('more'), 'does not belong'),
    (lambda at: (at/'accuracy'/'log.txt').write_bytes(b'\xff\x41'), 'cannot be read'),
    (lambda at: (at/'accuracy'/'results.json').write_text('['*10**5), 'cannot be read'),
    (lambda at: (at/'empty').mkdir(), 'empty folder'),
    (lambda at: at.rename(at.with_name('icc')), 'no benchmark'),
    (lambda at: at.rename(at.with_name('ic2')), 'submits ic too'),
    (lambda at: edit(at.parents[2]/'systems'/'a-board.json', lambda d: d.update(Status='sold')), 'Status'),
    (lambda at: edit(at.parents[2]/'systems'/'a-board.json', lambda d: d.pop('Quantization Method')), 'quantized'),
    (lambda at: (at.parents[2]/'systems'/'a-board.json').write_text('[]'), 'Status'),
    (lambda at: (at.parents[2]/'code'/'ic'/'tinybench'/'README.md').unlink(), 'missing or empty'),
    (lambda at: at.parents[3].rename(at.parents[3].with_name('ajar')), 'no division')])
def test_damage_is_named(place, change, words):
    change(place/AT)
    problems = check_submission(place).problems
    assert any(re.search(words, p.words) for p in problems), problems

def test_another_seed_is_right_if_it_is_that_of_the_round(place):
    for test in ('accuracy', 'performance'): swap(place/AT/test/'log.txt', 'seed: 0', 'seed: 7')
    assert not check_submission(place).ok and check_submission(place, seed=7).ok

@pytest.mark.skipif(sys.platform == 'win32', reason='needs links')
def test_links_are_not_followed(place, tmp_path):
    at = place/AT/'accuracy'/'log.txt'
    shutil.move(at, tmp_path/'log.txt')
    at.symlink_to(tmp_path/'log.txt')
    (place/'closed'/'loop').symlink_to(place)
    assert {'is a link: put the file itself here'} <= {words for _, words in found(place)}

def test_a_quick_run_is_said_to_be_too_short_five_times(tmp_path):
    ref = oracle(GOOD)
    place = write_submission(report_on(ref, GOOD), tmp_path/'quick')
    problems = check_submission(place).problems
    assert len(problems) == 5 and all('at least 10 s' in p.words and p.path == f'{AT}/performance/results.json' for p in problems)

def test_any_folder_is_survived(place, tmp_path):
    rng, files = random.Random(3), sorted(p for p in place.rglob('*') if p.is_file())
    assert not check_submission(tmp_path/'sub'/'closed').ok
    for i in range(25):
        root = Path(shutil.copytree(place, tmp_path/f'c{i}'))
        for p in rng.sample(files, 3):
            at, kind = root/p.relative_to(place), rng.randrange(5)
            data = at.read_bytes()
            if kind == 0: at.write_bytes(bytes(rng.randrange(256) for _ in range(50)))
            if kind == 1: at.write_bytes(data[:rng.randrange(len(data))])
            if kind == 2: at.write_text(rng.choice(['{}', '[]', 'null', '[null]', '[[]]', '[{}]', '[{"infer": 3}]', '"x"', '1e999', '{"Status": {}}']))
            if kind == 3:
                at.unlink()
                at.mkdir()
            if kind == 4: at.unlink()
        assert not check_submission(root).ok, i
        shutil.rmtree(root)
    with pytest.raises(FileNotFoundError): check_submission(tmp_path/'nowhere')

def test_numbers_and_windows():
    assert number(dict(a=dict(b=2)), 'a', 'b') == 2
    for bad in (None, 'x', [], {}, -1, True, float('inf'), float('nan'), 10**400):
        with pytest.raises(ValueError, match='no number'): number(dict(a=bad), 'a')
    assert not list(window_problems([(100, 1e7, 10.)]*5)) and len(list(window_problems([(100, 1e6, 10.)]))) == 3


# --- the real thing, and the log

@pytest.mark.slow
def test_a_run_by_the_rules_needs_no_help(tmp_path):
    "Five windows of ten seconds, as they are: the only place where nothing is shortened."
    from tinybench.tasks.run import Rules
    ref = oracle(GOOD)
    c = report_on(int8(ref), GOOD, references=dict(ic01=ref), rules=Rules())
    assert c.status() == dict(ic01='pass') and check_submission(write_submission(c, tmp_path/'full')).ok
    assert compliance_dict(load_compliance(save_compliance(c, tmp_path/'report'))) == compliance_dict(c)

def test_the_log_of_mlperf_logging(record):
    pytest.importorskip('mlperf_logging', reason='needs mlperf-logging')
    lines = [json.loads(line.removeprefix(':::MLLOG ')) for line in mlperf_log(record).splitlines()]
    said = {d['key']: d['value'] for d in lines}
    e = record.entries[0].outcome
    assert said['submission_division'] == 'closed' and said['submission_org'] == 'us' and said['submission_benchmark'] == 'ic'
    assert said['eval_accuracy'] == e.quality.value and said['throughput'] == e.speed.median
    assert next(d['metadata'] for d in lines if d['key'] == 'submission_benchmark')['unofficial'] is True

def test_the_log_says_what_is_missing(record, monkeypatch):
    for name in ('mlperf_logging', 'mlperf_logging.mllog'): monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'tinybench-ml\[mlperf\]'): mlperf_log(record)
