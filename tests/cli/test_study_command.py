"`tinybench study torch`: the data and networks that it takes, its report, and what it says instead."
import json, os, sys
from pathlib import Path
import pytest

torch = pytest.importorskip('torch', reason='needs PyTorch')
from tinybench.cli import main
from tinybench.cli.study import data_in, load_images, made_by, maker_of, whole_numbers
from tinybench.study import runs, study as S
from tinybench.study.study import Study

pytestmark = pytest.mark.filterwarnings('ignore:os.fork:RuntimeWarning')     # with jax in the same process

def status(*args):
    with pytest.raises(SystemExit) as e: main(list(map(str, args)))
    return e.value.code or 0

def names(folder): return sorted(p.name for p in folder.iterdir())

@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path/'nets_to_study.py').write_text('''from tinybench.study.techniques import simple_cnn
def small(): return simple_cnn((1, 8, 8), width=4)
def none(): return 3
''')
    monkeypatch.chdir(tmp_path)
    return tmp_path

@pytest.mark.parametrize('args, says', [
    (['--net', 'simple_cn'], "did you mean 'simple_cnn'"), (['--net', 'nets_to_study:none'], 'nets_to_study:none gives a int, no torch.nn.Module'), (['--net', 'nets_to_study:no'], "has no 'no'"),
    (['--data', 'digit'], "did you mean 'digits'"), (['--batches', '32,many'], "--batches '32,many': whole numbers"), (['--workers', '-1'], 'workers are whole numbers from 0 on'),
    (['--techniques', 'bfloat'], "did you mean 'bfloat16'"), (['--data', '.'], 'holds no CIFAR-10')])
def test_what_makes_no_sense_is_refused_in_a_line(here, capsys, args, says):
    assert status('study', 'torch', '--data', 'digits', '--out', 'out', *args) == 1
    said = capsys.readouterr().err
    assert says in said and 'Traceback' not in said and not Path('out').exists()

def test_without_cifar10_it_says_what_else_can_be_done(tmp_path, monkeypatch, capsys):
    from tinybench.data import source
    def gone(*of, **how):
        raise ConnectionError('https://example.org: no route')
        yield
    monkeypatch.delenv('TINYBENCH_DATA', raising=False)
    monkeypatch.setenv('TINYBENCH_CACHE', str(tmp_path))
    monkeypatch.setattr(source, 'stream', gone)
    assert status('study', 'torch', '--out', tmp_path/'out') == 1
    said = capsys.readouterr().err
    assert 'cannot download' in said and '--data FOLDER' in said and '--data digits' in said and not (tmp_path/'out').exists()

def test_without_torch_it_says_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, 'torch', None)
    assert status('study', 'torch', '--data', 'digits', '--out', tmp_path/'out') == 1
    assert 'PyTorch is not installed: pip install "tinybench-ml[torch]"' in capsys.readouterr().err

def test_a_folder_with_cifar10_is_data(data_dir, monkeypatch, tmp_path):
    monkeypatch.setenv('TINYBENCH_DATA', str(tmp_path))
    d = load_images(str(data_dir))
    assert d.name.startswith('cifar10') and d.x_train.shape[1:] == (32, 32, 3) and os.environ['TINYBENCH_DATA'] == str(tmp_path)
    with data_in(None): assert os.environ['TINYBENCH_DATA'] == str(tmp_path)

def test_a_network_is_that_of_its_seed(here):
    make = maker_of('simple_cnn')
    one, again, other = (made_by(make, 'simple_cnn', (3, 32, 32), 10, seed).state_dict()['0.weight'] for seed in (0, 0, 1))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert whole_numbers(' 1, 2,1', '--batches') == (1, 2)

def test_a_network_that_is_none_is_told_before_a_download(here, capsys, monkeypatch):
    from tinybench.cli import study
    monkeypatch.setattr(study, 'load_images', lambda name: pytest.fail('it loaded the data first'))
    assert status('study', 'torch', '--net', 'nope', '--out', 'out') == 1
    assert "no network 'nope'" in capsys.readouterr().err

def test_a_report_with_its_figures_and_reasons(here, capsys, monkeypatch):
    monkeypatch.setitem(S.QUICK, 'processes', 0)
    monkeypatch.setitem(runs.MOST, 'cpu', 3)
    args = ['study', 'torch', '--net', 'nets_to_study:small', '--data', 'digits', '--quick', '--rounds', 1, '--batches', '8', '--workers', '0', '--threads', 1,
            '--techniques', 'channels last,bfloat16,channels last + bfloat16', '--out', 'out']
    assert status(*args) == 0
    said, told = capsys.readouterr()
    assert 'Main effects of layout and type' in said and '\nWhy\n' in said and 'report: out' in told
    assert names(here/'out') == ['report', 'steps', 'study.csv', 'study.json']
    figures = [f'figure_{i}.svg' for i in range(1, 5)]
    assert names(here/'out'/'report') == [*figures, 'report.html', 'report.md', 'results.csv', 'results.json']
    text, page = ((here/'out'/'report'/f'report.{k}').read_text() for k in ('md', 'html'))
    for title in ('Why', 'Main effects of layout and type', 'Memory', 'Times', 'What was not measured', 'How a study is made'):
        assert f'### {title}\n' in text and f'<h3>{title}</h3>' in page, title
    if not torch.cuda.is_available(): assert 'there is no GPU here' in text and 'ratio of GPU to CPU' in page
    assert '![Throughput of training](figure_4.svg)' in text and 'What each technique did to inference' in page
    # a second run measures nothing, and the report can be written again
    def never(*of): raise AssertionError(of)
    monkeypatch.setattr(S.Bench, 'measure', never)
    assert status(*args, '--json') == 0
    assert json.loads(capsys.readouterr().out)['report'] == 'study'
    (here/'out'/'report'/'report.md').unlink()
    assert status('report', 'out') == 0 and (here/'out'/'report'/'report.md').read_text() == text
    assert Study.load(here/'out').suite.names == ('base', 'channels last', 'bfloat16', 'channels last + bfloat16')

def test_ctrl_c_says_that_it_goes_on(here, capsys, monkeypatch):
    def stops(self, *of): raise KeyboardInterrupt
    monkeypatch.setattr(S.Bench, 'accuracy', stops)
    assert status('study', 'torch', '--net', 'nets_to_study:small', '--data', 'digits', '--quick', '--techniques', 'bfloat16', '--out', 'out') == 130
    assert '`tinybench study torch` goes on where it was, with --out out again' in capsys.readouterr().err
    assert len(names(here/'out'/'steps')) == 2
