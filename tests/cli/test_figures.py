"The figures of an ablation's report: those that its numbers allow, and no error is taken for one that is left out."
import math
import numpy as np, pytest
from tinybench.bench.ablation import KINDS, Ablation, cells_of
from tinybench.bench.effects import cell_name
from tinybench.bench.suite import SuiteResult
from tinybench.cli.figures import ablation_figures
from tinybench.measure.accuracy import Score
from tinybench.measure.pairs import paired_results
from tinybench.show import measure

TIMES, PARETO = 'Main effects and interactions in latency', 'Accuracy against latency'
POINTS, LATTICE = 'Main effects and interactions in accuracy', 'All combinations of steps'
WATERFALL = 'What each step promised alone, and what all did'
ALL = [TIMES, POINTS, WATERFALL, LATTICE, PARETO]

def ablated(steps='ab', kinds=KINDS, failures=(), rounds=12, scored=True, timed=True):
    rng, cells = np.random.default_rng(0), {cell_name(c): c for c in cells_of(steps, kinds)}
    alive = {k: c for k, c in cells.items() if k not in failures}
    secs = {k: 1e-3*math.prod(.9 for _ in c)*rng.lognormal(0, .01, rounds) for k, c in alive.items()}
    scores = [Score(k, [i > 3*len(c) for i in range(50)], 'digits') for k, c in alive.items()]
    found = SuiteResult(tuple(cells), 'base', [*paired_results(secs).values()] if timed else [], scores if scored else [],
                        dict.fromkeys(failures, 'no'))
    return Ablation(found, tuple(steps), tuple(kinds))

@pytest.mark.parametrize('settings, lost', [
    ({}, []), (dict(scored=False), [POINTS, PARETO]), (dict(timed=False), [TIMES, WATERFALL, LATTICE, PARETO]),
    (dict(steps='a'), [WATERFALL]), (dict(steps='abcdef', kinds=['factorial'], rounds=6), [LATTICE]),
    (dict(kinds=['add-one']), [TIMES, POINTS, WATERFALL, LATTICE]),
    (dict(kinds=['add-one', 'leave-one-out'], steps='abc'), [TIMES, POINTS, LATTICE]),
    (dict(failures=['a + b']), [WATERFALL]), (dict(failures=['base']), [TIMES, POINTS, WATERFALL, LATTICE])])
def test_a_figure_is_left_out_only_where_its_numbers_are_not_there(settings, lost):
    found = ablation_figures(ablated(**settings))
    assert list(found) == [caption for caption in ALL if caption not in lost]
    assert all(b'<svg' in svg for svg in found.values())

@pytest.mark.parametrize('error', [ValueError, KeyError, IndexError])
@pytest.mark.parametrize('plot', ['plot_effects', 'plot_waterfall', 'plot_lattice', 'plot_pareto'])
def test_an_error_in_a_figure_is_no_figure_that_is_left_out(plot, error, monkeypatch):
    def fails(*args, **settings): raise error('a bug')
    monkeypatch.setattr(measure, plot, fails)
    with pytest.raises(error, match='a bug'): ablation_figures(ablated())
