"The figures that commands write beside their results"
import json
from pathlib import Path
from tinybench.base.files import write_whole
from tinybench.base.terminal import say


def suite_figures(r) -> dict[str, bytes]:
    "The figures of a suite's report by their captions, as SVG."
    from tinybench.bench.pareto import pareto
    from tinybench.show.measure import plot_ecdf, plot_pareto
    from tinybench.show.plot import figure_bytes
    timed, out = [x for x in r.results if x.metric == 'latency'], {}
    front = pareto(r) if r.scores and timed else None
    if front and front.rows: out['Accuracy against latency'] = figure_bytes(plot_pareto(front))
    few = timed[:6]                                     # as many as there are colours
    if few: out['Latency: the share of samples that took at most so long'] = figure_bytes(plot_ecdf(few))
    return out

def ablation_figures(a) -> dict[str, bytes]:
    "The figures of an ablation's report by their captions, as SVG; those of what was asked and measured."
    from tinybench.bench.ablation import whole_steps
    from tinybench.bench.effects import cell_name
    from tinybench.bench.pareto import pareto
    from tinybench.show.measure import plot_effects, plot_lattice, plot_pareto, plot_waterfall
    from tinybench.show.plot import figure_bytes
    r, steps, effects = a.suite, whole_steps(a), {c.metric for _, c in a.answers.get('effect', {})}
    timed = next((beside for c, beside in r.comparison.items() if c.metric == 'latency'), {})
    measured = r.scores and any(x.metric == 'latency' for x in r.results)
    front = pareto(r, data=r.scores[0].data) if measured else None
    # caption, whether there is something to show, the figure
    plots = [('Main effects and interactions in latency', 'latency' in effects, lambda: plot_effects(a)),
             ('Main effects and interactions in accuracy', 'accuracy' in effects,
              lambda: plot_effects(a, metric='accuracy')),
             ('What each step promised alone, and what all did',
              len(steps) > 1 and {*steps, cell_name(steps)} <= timed.keys(), lambda: plot_waterfall(a)),
             ('All combinations of steps', timed and 'factorial' in a.kinds and len(a.steps) <= 5,
              lambda: plot_lattice(a)),
             ('Accuracy against latency', front and front.rows, lambda: plot_pareto(front))]
    return {caption: figure_bytes(plot()) for caption, sense, plot in plots if sense}

def write_race(r, folder:Path):
    "Writes the five files of a race's report; `r` is a `RaceResult`."
    from tinybench.measure.result import save_csv
    from tinybench.show.plot import new_axes, plot_curves, plot_fitting, save_figure
    write_whole(folder/'results.json', json.dumps({**r.to_dict(), 'report': 'race'}, indent=1) + '\n')
    save_csv((*r.results, *r.peaks), folder/'results.csv')
    save_figure(plot_curves(r.curves, new_axes(shown=False)), folder/'metric_by_epoch.png')
    save_figure(plot_fitting(r.fitting, new_axes(shown=False)), folder/'fitting_time.png')
    write_whole(folder/'report.md', '\n\n'.join([
        '# tinybench race', r._repr_markdown_(), '![Accuracy by epoch](metric_by_epoch.png)',
        '![Fitting time](fitting_time.png)']) + '\n')

def write_figures(out:Path, **found):
    "The figures of a profile, and of its roofline if there is one, as SVG files in the folder `out`."
    from tinybench.show.measure import plot_layers, plot_roofline
    from tinybench.show.plot import save_figure
    out.mkdir(parents=True, exist_ok=True)
    plots = dict(profile=plot_layers, roofline=plot_roofline)
    for name, x in found.items(): say(f'figure: {save_figure(plots[name](x), out/f"{name}.svg")}')
