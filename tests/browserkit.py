"A real browser and a real server for it: chromium through playwright, and JupyterLab or voila on loopback."
import json, os, shutil, signal, socket, subprocess, sys, time, urllib.error, urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from tinybench.course.cells import nbformat    # which loads it a second faster
from nbformat.v4 import new_code_cell, new_notebook

FLAGS = ('--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
         '--disable-component-update --disable-sync --disable-dev-shm-usage').split()
TOKEN = 'a-token-for-this-test'

def one_cell(path, code:str):
    "Writes a notebook of one cell to `path`, which is returned."
    kernel = dict(name='python3', display_name='python3', language='python')
    nbformat.write(new_notebook(cells=[new_code_cell(code)], metadata=dict(kernelspec=kernel)), path)
    return path

@pytest.fixture(scope='module')
def chromium():
    "The path of a browser, and playwright to drive it."
    pytest.importorskip('playwright', reason='needs playwright')
    path = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    return path or pytest.skip('needs chromium')

def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]

def answers(url, process, log):
    "Wait until `url` answers; the log where it does not."
    for _ in range(600):
        if process.poll() is not None: break
        try:
            with urllib.request.urlopen(url, timeout=5): return
        except urllib.error.HTTPError: return    # it answers, if only that it has no such page
        except OSError: time.sleep(.1)
    pytest.fail(f'the server did not start: {log.read_text()[-2000:]}')

def end(process):
    "End the server and what it started, which are a group of their own."
    for sign, secs in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        try: os.killpg(process.pid, sign)
        except ProcessLookupError: return
        try: process.wait(secs)
        except subprocess.TimeoutExpired: continue

def own_home(home):
    "The environment of a server with a home of its own: no settings, no history."
    env = {k: v for k, v in os.environ.items() if not k.startswith(('JUPYTER', 'IPYTHON', 'PYTEST', 'PYTHON'))}
    here = str(Path(sys.executable).parent)    # the commands of this environment by path, where it is not activated
    return env | dict(HOME=str(home), JUPYTER_PLATFORM_DIRS='1', JUPYTERLAB_SETTINGS_DIR=str(home/'settings'),
                      PATH=os.pathsep.join((here, env['PATH'])))

@contextmanager
def running(command, ready, folder, home):
    "A server that answers at `ready`, and is ended whatever happens."
    log = home/'server.log'
    with log.open('w') as out:
        process = subprocess.Popen(command, cwd=folder, env=own_home(home), stdout=out, stderr=out, start_new_session=True)
    try:
        answers(ready, process, log)
        yield
    finally: end(process)

@contextmanager
def server(folder, home, theme='JupyterLab Light'):
    "JupyterLab on `folder`, on loopback, with a home of its own; yields its address."
    port, settings = free_port(), home/'settings'/'@jupyterlab'/'apputils-extension'
    settings.mkdir(parents=True, exist_ok=True)
    (settings/'themes.jupyterlab-settings').write_text(json.dumps(dict(theme=theme)))
    command = [sys.executable, '-m', 'jupyterlab', '--no-browser', '--ip=127.0.0.1', f'--port={port}', '--allow-root',
               f'--IdentityProvider.token={TOKEN}', f'--ServerApp.root_dir={folder}', '--ServerApp.port_retries=0',
               '--LabApp.news_url=None', '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate']
    with running(command, f'http://127.0.0.1:{port}/api', folder, home): yield f'http://127.0.0.1:{port}'

@contextmanager
def voila(notebook, home):
    "voila with one notebook, on loopback; yields the address of its page."
    pytest.importorskip('voila', reason='needs voila')
    port = free_port()
    command = [sys.executable, '-m', 'voila', str(notebook), '--no-browser', f'--port={port}', '--Voila.ip=127.0.0.1']
    page = f'http://127.0.0.1:{port}/'
    with running(command, f'{page}voila/no-such-page', notebook.parent, home): yield page

@contextmanager
def browser_page(chromium, home, size=(1400, 1000)):
    "A page of a browser that is closed whatever happens; a failure leaves a picture of it, which the failure names."
    from playwright.sync_api import sync_playwright
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=FLAGS, env={**os.environ, 'HOME': str(home)})
        try:
            page = browser.new_page(viewport=dict(width=size[0], height=size[1]))
            page.set_default_timeout(60_000)
            try: yield page
            except Exception as e:
                page.screenshot(path=home/'failed.png')
                raise AssertionError(f'{e}\nThe page then: {home/"failed.png"}') from e
        finally: browser.close()

def button(page, name):
    "The buttons of exactly this name: JupyterLab has others that contain it, as the kernel's, which says `Busy`."
    return page.get_by_role('button', name=name, exact=True)
