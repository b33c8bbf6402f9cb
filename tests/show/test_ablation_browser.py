"In a real browser: a student guesses, measures designs, cancels, sets limits and saves; and does what Amdahl's law promised."
import pytest
from browserkit import browser_page, button, chromium, one_cell
from test_explore_browser import AT, figure, in_voila, lab, opened, said

pytestmark = pytest.mark.slow
CODE = '''
import ipywidgets, numpy as np
from tinybench.data.source import load_digits
from tinybench.nn.conv import Conv2d
from tinybench.nn.dense import Dense, Flatten, ReLU
from tinybench.nn.module import Sequential
from tinybench.show.ablation import AblationExplorer
from tinybench.show.explore import amdahl_explorer
from tinybench.show.widgets import Choices
rng, choices, digits = np.random.default_rng(0), Choices('mine.json', 'ada'), load_digits()
net = Sequential(Conv2d(1, 8, 3, rng), ReLU(), Flatten(), Dense(288, 10, rng)).eval()
asked, opened = AblationExplorer(net, digits, choices=choices, repeats=9), amdahl_explorer(net, digits.x_test[:4], choices=choices)
opened.guess.open(None)
ipywidgets.VBox([asked.widget, opened.widget])
'''

@pytest.fixture(scope='module')
def notebook(tmp_path_factory):
    return one_cell(tmp_path_factory.mktemp('ablation')/'ablation.ipynb', CODE)

def knob(page, name):
    "The part of the knob of this name that takes the focus."
    box = page.locator('.jupyter-widgets:has(> .widget-label)', has=page.get_by_text(name, exact=True))
    return box.locator(f'{AT}, select').first

def light(page) -> int:
    "How light the text of the explorer is, from 0 to 255."
    color = page.locator('p[role=status]', has_text='guess').first.evaluate('e => getComputedStyle(e).color')
    return int(color.split('(')[1].split(',')[0])

@pytest.mark.parametrize('show, size, dark', [
    pytest.param(in_voila, (1400, 1000), False, id='voila'),
    pytest.param(lambda *a: lab(*a, 'JupyterLab Dark'), (360, 800), True, id='a phone in the dark')])
def test_a_student_measures_designs_and_keeps_limits(show, size, dark, chromium, notebook, tmp_path):
    for path in notebook.parent.glob('ablation.[pc]*'): path.unlink()
    with show(notebook, tmp_path) as url, browser_page(chromium, tmp_path, size) as page:
        opened(page, url)
        assert not page.get_by_text('sparsity', exact=True).is_visible(), 'closed until the guess'
        button(page, 'Lock my guess').press('Enter')
        said(page, 'Your guess: 100. Measure to see the answer.')
        measure = button(page, 'Measure it')
        measure.press('Enter')
        said(page, 'of the time is left.')

        # another design is stopped; then it is measured, with a bar
        page.get_by_label('fuse', exact=True).first.press('Space')
        said(page, 'channels 50% + fuse: not measured yet.')
        measure.click()
        button(page, 'Cancel').first.click()
        said(page, 'Stopped. Nothing of it was kept')
        measure.click()
        page.locator('td', has_text='channels 50% + fuse').first.wait_for()

        # a limit that no design keeps makes all of them grey; memory in place of time
        knob(page, 'accuracy ≥').focus()
        page.keyboard.press('End')
        said(page, 'Take none: every design breaks a limit.')
        knob(page, 'minimize').select_option('memory')
        page.wait_for_function('document.querySelector("svg[role=img]").textContent.includes("memory, %")')
        button(page, 'Save the figure').first.press('Enter')
        said(page, 'Saved as ablation.png and ablation.csv.')
        button(page, 'Forget this design').press('Enter')
        said(page, 'channels 50% + fuse is forgotten.')

        # Amdahl: a real step is done, and stands beside what was promised
        button(page, 'Do it and measure').press('Enter')
        said(page, 'Measured in turns:')
        assert 'fuse, promised' in figure(page, 1).text_content()
        wide = page.evaluate('document.documentElement.clientWidth')
        for part in page.locator('svg[role=img], .widget-slider, .widget-button, .widget-dropdown, p[role=status]').all():
            box = part.bounding_box()
            assert not box or box['x'] >= 0 and box['x'] + box['width'] <= wide + 1, part.evaluate('e => e.outerHTML')[:200]
        assert (light(page) > 160) if dark else (light(page) < 96)
        for i in range(2): figure(page, i).screenshot(path=tmp_path/f'{size[0]}-{i}.png')
    assert (notebook.parent/'ablation.csv').read_text().startswith('design,accuracy,')
