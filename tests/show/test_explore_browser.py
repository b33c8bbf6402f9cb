"In a real browser: a student guesses, moves, sees the figure follow, measures, cancels, keeps and saves, in JupyterLab and in voila."
import json
from contextlib import contextmanager

import pytest
from browserkit import TOKEN, browser_page, button, chromium, one_cell, server, voila

pytestmark = pytest.mark.slow
CODE = '''
import time
import ipywidgets
from tinybench.show.widgets import Choices, Explorer, button, coverage_explorer, draw_coverage, knob
choices = Choices('mine.json', 'ada')
def slowly(progress, found, **settings):
    for i in range(400):
        progress(i, 400)
        time.sleep(.05)
def failing(progress, found, **settings): raise RuntimeError('the clock fell off the wall')
def another(name, measure):
    return Explorer(name, draw_coverage, dict(n=knob(ipywidgets.IntSlider, 'timings', value=9, min=6, max=40)),
                    measure=measure, action=name, choices=choices)
busy = button('Busy', lambda: time.sleep(2))       # the kernel hears nothing, so the page holds moves back
ipywidgets.VBox([busy, coverage_explorer(choices).widget, another('Slowly', slowly).widget, another('Failing', failing).widget])
'''
AT = '.noUi-handle'

@contextmanager
def lab(notebook, home, theme='JupyterLab Light'):
    with server(notebook.parent, home, theme) as url: yield f'{url}/doc/tree/{notebook.name}?token={TOKEN}&reset'

@contextmanager
def in_voila(notebook, home):
    with voila(notebook, home) as url: yield url

@pytest.fixture(scope='module')
def notebook(tmp_path_factory):
    return one_cell(tmp_path_factory.mktemp('explorers')/'explore.ipynb', CODE)

def opened(page, url):
    "The explorers, in a page that shows them."
    page.goto(url)
    if '/doc/tree/' in url:
        page.wait_for_selector('.jp-StatusBar-Widget >> text=/\\| Idle/', timeout=120_000)
        page.locator('.jp-CodeCell .cm-content').first.click()
        page.keyboard.press('Shift+Enter')
    button(page, 'Lock my guess').wait_for(timeout=120_000)

def figure(page, i=0): return page.locator('svg[role=img]').nth(i)

def colour(page, i=0): return figure(page, i).evaluate('e => getComputedStyle(e).color')

def said(page, text): page.locator('p[role=status]', has_text=text).first.wait_for()

SHOWN = [pytest.param(lab, id='JupyterLab'), pytest.param(in_voila, id='voila')]

@pytest.mark.parametrize('show', SHOWN)
def test_a_student_guesses_moves_measures_cancels_and_keeps(show, chromium, notebook, tmp_path):
    with show(notebook, tmp_path) as url, browser_page(chromium, tmp_path) as page:
        opened(page, url)
        kept = notebook.parent/'mine.json'
        for path in (kept, notebook.parent/'coverage.png'): path.unlink(missing_ok=True)

        # the instrument is closed until the guess, which the keyboard moves
        assert not page.get_by_text('memory').first.is_visible()
        page.locator(AT).first.focus()
        page.keyboard.press('ArrowRight')     # a key that comes while the widget is being made is lost
        page.locator('.widget-readout', has_text='51').first.wait_for()
        button(page, 'Busy').click()
        page.locator(AT).first.focus()
        for _ in 'ab': page.keyboard.press('ArrowRight')
        button(page, 'Lock my guess').click()
        page.get_by_text('memory').first.wait_for()
        said(page, 'Your guess: 53')
        assert [e['guess'] for e in json.loads(kept.read_text())['entries']] == [53]

        # a knob moves the figure: its data, its sentence and its pixels
        before, pixels = figure(page).get_attribute('aria-label'), figure(page).screenshot()
        page.locator(AT).nth(1).focus()
        assert page.evaluate("document.activeElement.getAttribute('role')") == 'slider'
        page.keyboard.press('End')
        page.wait_for_function('was => document.querySelector("svg[role=img]").getAttribute("aria-label") != was', arg=before)
        assert figure(page).screenshot() != pixels

        # many quick moves end where the hand ends, for a button that is pressed at once too
        button(page, 'Busy').click()
        page.locator(AT).nth(1).focus()
        for _ in range(25): page.keyboard.press('ArrowLeft')
        button(page, 'Keep this setting').first.click()
        said(page, 'This setting is in mine.json.')
        entry = json.loads(kept.read_text())['entries'][-1]
        assert str(entry['kept']['n']) == page.locator('.widget-readout').nth(1).inner_text() == '75'
        shown = entry['words']
        page.wait_for_function('want => document.querySelector("svg[role=img]").getAttribute("aria-label") == want', arg=shown)

        # a measurement that runs: another waits, a move is drawn later, and it can be stopped
        button(page, 'Slowly').click()
        said(page, 'of 400 rounds')
        button(page, 'Count 2000 runs').click()
        said(page, 'Another measurement runs. This one waits')
        page.locator(AT).nth(1).focus()
        page.keyboard.press('End')
        said(page, 'A measurement runs: this is done when it has ended.')
        assert figure(page).get_attribute('aria-label') == shown
        button(page, 'Cancel').nth(1).click()
        said(page, 'Stopped. Nothing of it was kept; you can start again.')
        # it counted what the knobs said at the click: 75 timings, and not the 100 of the move after it
        page.wait_for_function('was => document.querySelector("svg[role=img]").getAttribute("aria-label") != was', arg=shown)
        assert 'of 100 simulated intervals' in figure(page).get_attribute('aria-label')
        page.locator(AT).nth(1).focus()
        for _ in range(25): page.keyboard.press('ArrowLeft')
        said(page, 'of 2000 simulated intervals')

        # one that fails says why, and can be pressed again
        button(page, 'Failing').click()
        said(page, 'It failed: the clock fell off the wall.')
        assert button(page, 'Failing').is_enabled()

        # noise without memory no longer breaks the limit; settings and figures are kept in files
        assert 'breaks the limit' in figure(page).get_attribute('aria-label')
        marks = 'p[role=status][style*="border-left"]'
        marked = page.locator(marks).count()
        page.locator(AT).nth(2).focus()
        page.keyboard.press('Home')
        gone = '!document.querySelector("svg[role=img]").getAttribute("aria-label").includes("breaks the limit")'
        page.wait_for_function(gone)
        page.wait_for_function('([marks, n]) => document.querySelectorAll(marks).length === n', arg=[marks, marked - 1])
        button(page, 'Keep this setting').first.click()
        said(page, 'This setting is in mine.json.')
        button(page, 'Save the figure').first.click()
        said(page, 'Saved as coverage.png.')
    entries = json.loads(kept.read_text())['entries']
    assert entries[-1]['explorer'] == 'coverage' and entries[-1]['kept']['rho'] == 0
    assert (notebook.parent/'coverage.png').read_bytes().startswith(b'\x89PNG')

@pytest.mark.parametrize('theme, light', [('JupyterLab Light', False), ('JupyterLab Dark', True)])
def test_it_can_be_read_on_a_phone_and_in_a_dark_theme(theme, light, chromium, notebook, tmp_path):
    with lab(notebook, tmp_path, theme) as url, browser_page(chromium, tmp_path, (360, 800)) as page:
        opened(page, url)
        button(page, 'Skip').click()
        page.get_by_text('memory').first.wait_for()
        wide = page.evaluate('document.documentElement.clientWidth')
        for part in page.locator('svg[role=img], .widget-slider, .widget-button, p[role=status]').all():
            box = part.bounding_box()
            assert not box or box['x'] >= 0 and box['x'] + box['width'] <= wide + 1, part.evaluate('e => e.outerHTML')[:200]
        # text is light on dark, and dark on light
        level = [int(n) for n in colour(page).removeprefix('rgb(').removeprefix('rgba(').rstrip(')').split(',')[:3]]
        assert (min(level) > 160) if light else (max(level) < 96), level
