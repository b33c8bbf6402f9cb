"`tinybench explore`: trains a network, and serves its ablation explorer to this machine's browser"
import errno, inspect, secrets, signal, socket, subprocess, sys, tempfile, time
import urllib.error, urllib.request
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tinybench.base.names import lookup

CODE = '''from tinybench.cli.explore import explorer
explorer({model!r}, {data!r}, {weights!r}, {choices!r}).widget'''

def check_voila():
    "ValueError that says what to install, if voila or a kernel for it is missing."
    if lost := [name for name in ('voila', 'ipykernel') if find_spec(name) is None]: raise ValueError(
        f'the explorer needs {" and ".join(lost)}: pip install "tinybench-ml[explore]"')

def new_network(model:str, data, seed:int=0):
    "An untrained network of the zoo for the examples of `data`; ValueError if it does not take them."
    import numpy as np
    from tinybench.models.zoo import MODELS, SHAPES
    make, shape = lookup('network', model, MODELS), data.x_train.shape[1:]
    takes, options = inspect.signature(make).parameters, {}
    if 'in_shape' in takes: options['in_shape'] = shape
    elif SHAPES[model] != shape: raise ValueError(
        f'{model} takes examples of {SHAPES[model]}, and those of {data.name} are {shape}: try simple_cnn')
    if 'classes' in takes: options['classes'] = len(data.classes)
    return make(np.random.default_rng(seed), **options)

def train(model:str, data, epochs:int=12, seed:int=0):
    "A network of the zoo trained on `data`, with a bar in a terminal; in evaluation mode."
    import numpy as np
    from threadpoolctl import threadpool_limits
    from tinybench.data.loader import Loader
    from tinybench.nn.optim import Adam
    from tinybench.nn.train import Progress, fit
    net = new_network(model, data, seed)
    batches = Loader(data.x_train, data.y_train, rng=np.random.default_rng(seed))
    with threadpool_limits(1):
        fit(net, batches, epochs, Adam(net.parameters(), 3e-3), callbacks=[Progress(delay=0)], progress=False)
    return net.eval()

def explorer(model:str, data:str, weights:str, choices:str):
    "The explorer of a trained network, as the page shows it."
    from tinybench.data.source import load
    from tinybench.show.ablation import AblationExplorer
    from tinybench.show.widgets import Choices
    found = load(data)
    net = new_network(model, found).load(weights).eval()
    return AblationExplorer(net, found, choices=Choices(choices))

def write_page(folder:Path, net, model:str, data:str, choices:Path) -> Path:
    "A notebook of one cell that shows the explorer, and the weights that it needs."
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook
    weights = folder/'weights.npz'
    net.save(weights)
    code = CODE.format(model=model, data=data, weights=str(weights), choices=str(choices))
    kernel = dict(name='python3', display_name='Python 3', language='python')
    page = folder/'ablation.ipynb'
    nbformat.write(new_notebook(cells=[new_code_cell(code)], metadata=dict(kernelspec=kernel)), page)
    return page

def wait_for(address:str, process, log:Path, secs:float=60):
    "Waits until the server notes that it is at `address`, and answers; ChildProcessError if it ends before."
    stop = time.monotonic() + secs
    while process.poll() is None and time.monotonic() < stop:
        try:
            # another program may answer there: only the log says that it is this one
            if address in log.read_text(errors='replace'):
                with urllib.request.urlopen(f'{address}voila/no-such-page', timeout=5): return
        except urllib.error.HTTPError: return        # it answers, if only that there is no such page
        except OSError: pass
        time.sleep(.1)
    raise ChildProcessError(f'voila did not start: {log.read_text(errors="replace").strip()[-500:]}')

def end(process):
    "Ends the server, which ends its kernels."
    for stop in (process.terminate, process.kill):
        if process.poll() is not None: return
        stop()
        try: process.wait(10)
        except subprocess.TimeoutExpired: continue

@contextmanager
def served(page:Path, port:int):
    "voila with the notebook `page`, on loopback, behind a token: (address, process); ended whatever happens."
    token, log, address = secrets.token_urlsafe(16), page.with_name('voila.log'), f'http://127.0.0.1:{port}/'
    # no other port, if somebody takes this one meanwhile: the address would be theirs
    command = [sys.executable, '-m', 'voila', str(page), '--no-browser', f'--port={port}',
               '--Voila.port_retries=0', '--Voila.ip=127.0.0.1', f'--Voila.token={token}',
               '--Voila.log_level=INFO']        # `wait_for` reads it
    # a session of its own: Ctrl-C reaches this process only, which then ends voila
    with log.open('w') as out: process = subprocess.Popen(
        command, cwd=page.parent, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    try:
        wait_for(address, process, log)
        yield f'{address}?token={token}', process
    finally: end(process)

def free_port(port:int=0) -> int:
    "`port`, or for 0 one that nobody uses; ValueError if another program has it."
    with socket.socket() as s:
        if sys.platform != 'win32': s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)   # as voila does
        try: s.bind(('127.0.0.1', port))
        except OSError as e:
            taken = e.errno == errno.EADDRINUSE
            why = 'is taken by another program' if taken else f'cannot be used ({e.strerror})'
            raise ValueError(f'port {port} {why}: choose another one, or leave --port out') from e
        return s.getsockname()[1]

@contextmanager
def stopped_by_term():
    "Lets SIGTERM end the block as Ctrl-C does, so that nothing is left behind."
    def stop(*_): raise KeyboardInterrupt
    before = signal.signal(signal.SIGTERM, stop)
    try: yield
    finally: signal.signal(signal.SIGTERM, before)

@contextmanager
def explored(model:str, data:str, port:int):
    "Trains, and serves the explorer until the block ends; (address, process)."
    from tinybench.data.source import load
    check_voila()
    free_port(port)              # before the training, which takes longer
    with stopped_by_term(), tempfile.TemporaryDirectory(prefix='tinybench-') as folder:
        net = train(model, load(data))
        page = write_page(Path(folder), net, model, data, Path('tinybench-choices.json').absolute())
        with served(page, free_port(port)) as found: yield found
