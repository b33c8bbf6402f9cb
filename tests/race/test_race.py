"The race: the same network in every framework, runners that fail aloud, rounds in which everyone runs."
import json

import numpy as np
import pytest

from tinybench import race as R
from tinybench.bench.report import is_report, report_files
from tinybench.cli.figures import write_race
from tinybench.data.source import load

@pytest.mark.parametrize('name', ['digits', 'mnist', 'cifar'])
def test_torch_gets_the_same_network(name, torch):
    task = R.TASKS[name]
    image = dict(digits=(8, 8, 1), mnist=(28, 28, 1), cifar=(32, 32, 3))[name]
    x = np.random.default_rng(0).random((5, *image), np.float32)
    theirs = R.torch_layers(task, image, seed=3)(torch.from_numpy(x).permute(0, 3, 1, 2)).detach().numpy()
    np.testing.assert_allclose(R.network(task, 3)(x).data, theirs, rtol=1e-4, atol=1e-5)

def test_the_first_steps_are_those_of_torch(torch):
    "Same weights, same batches: after ten steps of Adam the weights still agree."
    task, d = R.TASKS['digits'], load('digits')
    from tinybench.nn.loss import cross_entropy
    from tinybench.nn.optim import Adam
    net = R.network(task, 0); opt = Adam(net.parameters(), R.LR, eps=R.EPS)
    them = R.torch_layers(task, (8, 8, 1), 0); theirs = torch.optim.Adam(them.parameters(), R.LR, eps=R.EPS)
    for i in range(10):
        x, y = d.x_train[32*i:32*i + 32], d.y_train[32*i:32*i + 32]
        opt.zero_grad(); cross_entropy(net(x), y).backward(); opt.step()
        theirs.zero_grad(); torch.nn.functional.cross_entropy(them(torch.from_numpy(x).permute(0, 3, 1, 2)), torch.from_numpy(y)).backward(); theirs.step()
    np.testing.assert_allclose(net[1].w.data, them[1].weight.detach().numpy().T, rtol=1e-3, atol=1e-5)

def test_a_race_against_oneself_only(tmp_path):
    r = R.race('digits', against=(), epochs=3, repeats=2, trials=2)
    assert [x.name for x in r.results] == ['tinybench'] and r.results[0].n == 6 and r.ratios() == {}
    assert r.curves['tinybench'].shape == (2, 3) and r.fitting['tinybench'].shape == (2,)
    np.testing.assert_allclose(r.fitting['tinybench'].sum(), sum(r.results[0].values))
    assert r.peaks[0].unit == 'B' and r.peaks[0].values[0] > 2**20
    assert r.results[0].how['batch'] == 32 and 'tinybench' in repr(r) and r._repr_markdown_().count('|') > 10
    assert json.loads(json.dumps(r.to_dict()))['fitting']['tinybench'] == r.fitting['tinybench'].tolist()
    write_race(r, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == report_files('race') and is_report(tmp_path, 'race')

def test_missing_frameworks_are_named(monkeypatch):
    monkeypatch.setattr(R, 'available', lambda name: 'not installed: pip install it' if name == 'keras' else '')
    r = R.race('digits', against=('keras',), epochs=1, repeats=1, trials=2)
    assert r.missing == (('keras', 'not installed: pip install it'),) and 'not in the race: keras' in repr(r)

def test_a_runner_that_fails_says_so():
    with R.RunnerProcess('tinybench', R.RaceTask('x', 'digits', 'no_such_model', 'adam', 1), dict(threads=1)) as p:
        p.answer()
        with pytest.raises(ChildProcessError, match='tinybench failed: .*no_such_model'): p.ask('restart', 0)

def test_a_runner_that_dies_says_so():
    with R.RunnerProcess('tinybench', R.TASKS['digits'], dict(threads=1)) as p:
        p.answer()
        p.process.kill(); p.process.join()
        with pytest.raises(ChildProcessError, match='ended without a word'): p.ask('restart', 0)

def test_bad_input():
    with pytest.raises(ValueError, match="did you mean 'cifar'"): R.race('cifar10')
    with pytest.raises(ValueError, match="did you mean 'torch'"): R.race('digits', against=('pytorch',))
    with pytest.raises(ValueError, match='at least one epoch'): R.race('digits', epochs=0)
    with pytest.raises(ValueError, match='threads=0'): R.race('digits', threads=0)

def test_threads_that_are_given_need_no_trial():
    told = []
    r = R.race('digits', against=(), epochs=1, repeats=1, threads=1, progress=told.append)
    assert r.setup['tinybench']['threads'] == 1 and not [text for text in told if 'trial' in text]

def test_a_race_names_our_version_and_numpys(tmp_path):
    from tinybench import __version__
    said = repr(R.race('digits', against=(), epochs=1, repeats=1, trials=2))
    assert f'tinybench {__version__}, numpy {np.__version__}' in said and f'numpy {__version__}' not in said
