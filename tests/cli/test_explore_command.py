"`tinybench explore`: what it refuses, and a page in a real browser that leaves nothing behind."
import json, os, signal, subprocess, sys, threading, time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
import numpy as np, pytest
from browserkit import browser_page, button, chromium, own_home
from tinybench.cli import explore
from tinybench.cli.commands import main
from tinybench.data.source import load_digits

def refused(capsys, *args):
    with pytest.raises(SystemExit) as e: main(['explore', *args])
    assert e.value.code == 1
    return capsys.readouterr().err

def test_without_voila_it_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setattr(explore, 'find_spec', lambda name: None)
    assert 'needs voila and ipykernel: pip install "tinybench-ml[explore]"' in refused(capsys)

@pytest.mark.parametrize('args, why', [
    (['--model', 'simple_cmm'], "simple_cnn"), (['--data', 'digit'], 'digits'), (['--model', 'resnet8'], 'try simple_cnn')])
def test_what_does_not_fit_is_refused(args, why, capsys):
    pytest.importorskip('voila', reason='needs voila')
    assert why in refused(capsys, *args)

@contextmanager
def stranger():
    "Another program's web server, which answers everything with 404: its port, and the paths it was asked for."
    asked = []
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)
        def log_message(self, *args): pass
    with ThreadingHTTPServer(('127.0.0.1', 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try: yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()

def test_a_port_that_is_taken_is_refused_before_the_training(capsys, monkeypatch):
    monkeypatch.setattr(explore, 'check_voila', lambda: None)
    monkeypatch.setattr(explore, 'train', lambda *_: pytest.fail('it trained first'))
    with stranger() as (port, asked):
        assert f'port {port} is taken by another program: choose another one' in refused(capsys, '--port', str(port), '--no-browser')
    assert explore.free_port(port) == port and not asked, 'it is free again'

def test_the_answer_of_another_program_is_not_taken_for_the_page(tmp_path):
    # that program took the port after it was found free
    pytest.importorskip('voila', reason='needs voila')
    page = explore.write_page(tmp_path, explore.new_network('simple_cnn', load_digits()), 'simple_cnn', 'digits', tmp_path/'c.json')
    with stranger() as (port, asked), pytest.raises(ChildProcessError, match='already in use'):
        with explore.served(page, port) as (url, _): pytest.fail(f'{url} is the address of another program')
    assert not asked

def test_the_page_has_the_network_that_was_trained(tmp_path):
    data = load_digits()
    net = explore.train('simple_cnn', data, epochs=1)
    page = explore.write_page(tmp_path, net, 'simple_cnn', 'digits', tmp_path/'c.json')
    (cell,) = json.loads(page.read_text())['cells']
    names = {}
    source = ''.join(cell['source']).removesuffix('.widget').replace('\nexplorer(', '\nmade = explorer(')
    exec(source, names)
    np.testing.assert_array_equal(names['made'].net(data.x_test[:9]).data, net(data.x_test[:9]).data)
    assert names['made'].choices.path == tmp_path/'c.json'

def children(pid):
    "All processes below `pid`, as Linux knows them."
    found = [int(c) for t in Path(f'/proc/{pid}/task').glob('*') for c in (t/'children').read_text().split()]
    return [*found, *(d for c in found for d in children(c))]

def alive(pid):
    try: return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except OSError: return False

@pytest.fixture(scope='module')
def served(tmp_path_factory):
    "The command in a folder of its own: its process, its address, the folder."
    pytest.importorskip('voila', reason='needs voila')
    home = tmp_path_factory.mktemp('explore')
    temp = home/'temp'
    temp.mkdir()
    env = own_home(home) | dict(TMPDIR=str(temp), PYTHONPATH=str(Path(__file__).parents[2]))
    command = [sys.executable, '-m', 'tinybench.cli', 'explore', '--no-browser']
    def hears_ctrl_c(): signal.signal(signal.SIGINT, signal.SIG_DFL)    # which a job in the background of a shell does not
    with (home/'err.txt').open('w') as err, subprocess.Popen(command, cwd=home, env=env, text=True, stdout=subprocess.PIPE,
                                                             stderr=err, preexec_fn=hears_ctrl_c) as process:
        try: yield process, process.stdout.readline().strip(), home
        finally: process.terminate()

def said(page, text): page.locator('p[role=status]', has_text=text).first.wait_for()

def figure(page): return page.locator('svg[role=img]').first

def shown(page): return figure(page).get_attribute('aria-label')

def changed(page, was): page.wait_for_function('was => document.querySelector("svg[role=img]").getAttribute("aria-label") != was', arg=was)

def key(page, name, *keys):
    "Presses keys at the knob called `name`."
    page.locator('.widget-slider', has=page.locator('label', has_text=name)).locator('[role=slider]').focus()
    for k in keys: page.keyboard.press(k)

@pytest.mark.slow
def test_a_student_guesses_measures_constrains_cancels_and_exports(served, chromium, tmp_path):
    process, url, home = served
    assert url.startswith('http://127.0.0.1:') and 'token=' in url
    with browser_page(chromium, tmp_path) as page:
        page.goto(url)
        button(page, 'Lock my guess').click(timeout=120_000)
        said(page, 'Measure to see the answer')
        said(page, 'Not measured yet')

        # nothing was measured before it was asked for; then the design stands beside the baseline
        button(page, 'Measure it').click()
        said(page, 'Done.')
        said(page, 'of the time is left.')
        assert page.locator('table tbody tr').count() == 2
        was = shown(page)
        pixels = figure(page).screenshot()

        # a limit on the size greys out the baseline, says by how much, and recommends what is left
        key(page, 'size ≤', 'Home')
        changed(page, was)
        assert 'Take none: every design breaks a limit' in shown(page)
        page.locator('td', has_text='size breaks the limit of 1.0%').first.wait_for()
        assert figure(page).screenshot() != pixels

        # another design: switches by the keyboard, and a recipe that makes no sense says so
        page.get_by_label('skip zeros').focus()
        page.keyboard.press('Space')
        said(page, 'This recipe makes no sense: there are no zeros to skip')
        page.keyboard.press('Space')
        page.get_by_label('fuse').focus()
        page.keyboard.press('Space')
        said(page, 'channels 50% + fuse: not measured yet')

        # a measurement that is stopped leaves what there was; the next one runs
        key(page, 'training', *['ArrowRight']*5)
        said(page, 'train 5 + fuse: not measured yet')
        page.wait_for_timeout(500)
        button(page, 'Measure it').click()
        button(page, 'Cancel').click()
        said(page, 'Stopped. Nothing of it was kept; you can start again.')
        assert page.locator('table tbody tr').count() == 2
        key(page, 'training', 'Home')
        said(page, 'channels 50% + fuse: not measured yet')
        page.wait_for_timeout(500)
        button(page, 'Measure it').click()
        said(page, 'Done.')
        page.locator('table tbody tr').nth(2).wait_for()

        button(page, 'Keep this setting').click()
        said(page, 'is in tinybench-choices.json')
        button(page, 'Save the figure').click()
        said(page, 'Saved as ablation.png and ablation.csv')
    entries = json.loads((home/'tinybench-choices.json').read_text())['entries']
    assert [e['explorer'] for e in entries] == ['ablation']*2 and entries[-1]['kept']['fuse'] is True
    assert (home/'ablation.png').read_bytes().startswith(b'\x89PNG')
    assert [line.split(',')[0] for line in (home/'ablation.csv').read_text().splitlines()] == [
        'design', 'base', 'channels 50%', 'channels 50% + fuse']

@pytest.mark.slow
def test_it_can_be_read_on_a_phone(served, chromium, tmp_path):
    with browser_page(chromium, tmp_path, (360, 800)) as page:
        page.goto(served[1])
        button(page, 'Skip').click(timeout=120_000)
        button(page, 'Measure it').click()
        said(page, 'Done.')
        wide = page.evaluate('document.documentElement.clientWidth')
        assert page.evaluate('document.documentElement.scrollWidth') <= wide + 1, 'the table scrolls in its own box'
        for part in page.locator('svg[role=img], .widget-slider, .widget-dropdown, .widget-checkbox, .widget-button, p[role=status]').all():
            box = part.bounding_box()
            assert not box or box['x'] >= 0 and box['x'] + box['width'] <= wide + 1, part.evaluate('e => e.outerHTML')[:200]

@pytest.mark.slow
@pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc')
def test_ctrl_c_leaves_nothing_behind(served):
    process, _, home = served
    below = children(process.pid)
    assert below and list((home/'temp').iterdir())
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0
    stop = time.monotonic() + 120    # so much only on a busy machine
    while any(map(alive, below)) and time.monotonic() < stop: time.sleep(.2)
    assert not any(map(alive, below)), 'a process is left'
    assert not [p for p in (home/'temp').iterdir() if p.name.startswith('tinybench-')]
