"`tinybench race inference` and `race train`: plans and steps in C against other engines"
import json
from pathlib import Path
from tinybench.base.files import write_whole
from tinybench.base.names import lookup
from tinybench.base.terminal import say

DTYPES = dict.fromkeys(('float32', 'int8'))

def names_in(text:str) -> list[str]:
    "Names with commas between, each once."
    return list(dict.fromkeys(k.strip() for k in text.split(',') if k.strip()))

def race_engines(against:str, nets:str|None, repeats:int, batch:int, out:Path|None, seed:int,
                 dtype:str='float32', memory:int=0):
    "The race, its report and figures written into `out`; what was found, and where it is."
    from tinybench.bench.report import whole_folder
    from tinybench.models.zoo import MODELS
    from tinybench.peers.engines import ENGINES
    from tinybench.peers.inference import NETS, race_inference
    peers, nets = names_in(against), names_in(nets) if nets else NETS
    for k in peers: lookup('engine', k, {e: f for e, f in ENGINES.items() if e != 'tinybench'})
    for k in nets: lookup('network', k, MODELS)
    lookup('dtype', dtype, DTYPES)
    out = out or Path('reports/race-inference')
    with whole_folder(out, 'inference') as folder:
        found = race_inference(nets, peers, batch, seed, say, dtype, memory, repeats=repeats)
        write_engines(found, folder, 'inference')
    return found, out

def race_steps(against:str, nets:str|None, rounds:int, batch:int, out:Path|None, seed:int):
    "The race of training steps, its report and figures written into `out`; what was found, and where it is."
    from tinybench.bench.report import whole_folder
    from tinybench.peers.training import FRAMEWORKS, NETS, race_training
    peers, nets = names_in(against), names_in(nets) if nets else NETS
    for k in peers: lookup('framework', k, {f: None for f in FRAMEWORKS if f != 'tinybench'})
    for k in nets: lookup('network', k, dict.fromkeys(NETS))
    out = out or Path('reports/race-train')
    with whole_folder(out, 'train') as folder:
        found = race_training(nets, peers, batch, rounds, seed, progress=say)
        write_engines(found, folder, 'train')
    return found, out

def write_engines(found, folder:Path, kind:str):
    "The report of a race: numbers, text, and a figure for each network."
    from tinybench.show.measure import plot_ratios
    from tinybench.show.plot import save_figure
    write_whole(folder/'results.json', json.dumps(found.to_dict() | {'report': kind}, indent=1) + '\n')
    text = [f'# tinybench race {kind}', found._repr_markdown_()]
    for i, (net, c) in enumerate(((net, c) for net, c in found.found.items() if c.rows), 1):
        save_figure(plot_ratios(c), folder/f'figure_{i}.png')
        text.append(f'![{net}: in parts of our time](figure_{i}.png)')
    if getattr(found, 'memory', None): text += ['## Memory', found.memory._repr_markdown_()]
    write_whole(folder/'report.md', '\n\n'.join(text) + '\n')
