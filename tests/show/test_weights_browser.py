"In a real browser: a student guesses, moves, measures and sees the point of an explorer of weights, also on a phone in the dark."
import pytest
from browserkit import browser_page, button, chromium, one_cell
from test_explore_browser import AT, figure, lab, opened, said

pytestmark = pytest.mark.slow
CODE = '''
import ipywidgets, numpy as np
from tinybench.data.source import load_digits
from tinybench.nn.dense import Dense, Flatten, ReLU
from tinybench.nn.module import Sequential
from tinybench.show.weights import quantization_explorer, sensitivity_explorer
from tinybench.show.widgets import Choices
rng, choices = np.random.default_rng(0), Choices('mine.json', 'ada')
net = Sequential(Flatten(), Dense(64, 32, rng), ReLU(), Dense(32, 10, rng)).eval()
asked, opened = (f(net, load_digits(), choices=choices) for f in (quantization_explorer, sensitivity_explorer))
opened.guess.open(None)
ipywidgets.VBox([asked.widget, opened.widget])
'''

@pytest.fixture(scope='module')
def notebook(tmp_path_factory):
    return one_cell(tmp_path_factory.mktemp('weights')/'weights.ipynb', CODE)

@pytest.mark.parametrize('size, theme', [((1400, 1000), 'JupyterLab Light'), ((360, 800), 'JupyterLab Dark')])
def test_a_student_moves_and_measures(size, theme, chromium, notebook, tmp_path):
    with lab(notebook, tmp_path, theme) as url, browser_page(chromium, tmp_path, size) as page:
        opened(page, url)
        page.locator('input[type=radio]').nth(4).check()
        page.wait_for_timeout(500)
        button(page, 'Lock my guess').click()
        said(page, 'Your guess: 4')
        said(page, 'Not measured at this setting.')
        before = figure(page).get_attribute('aria-label')
        page.locator(f'{AT}:visible').first.focus()
        page.keyboard.press('ArrowLeft')
        page.wait_for_function('was => document.querySelector("svg[role=img]").getAttribute("aria-label") != was', arg=before)
        button(page, 'Measure it').first.click()
        said(page, 'Settings measured: 1.')
        said(page, 'Nothing is measured until you press the button.')
        button(page, 'Measure it').nth(1).click()
        said(page, 'Together they lose')
        wide = page.evaluate('document.documentElement.clientWidth')
        for part in page.locator('svg[role=img], .widget-slider, .widget-button, p[role=status]').all():
            box = part.bounding_box()
            assert not box or box['x'] >= 0 and box['x'] + box['width'] <= wide + 1, part.evaluate('e => e.outerHTML')[:200]
        for i in range(2): figure(page, i).screenshot(path=tmp_path/f'{size[0]}-{i}.png')
        page.screenshot(path=tmp_path/f'{size[0]}.png', full_page=True)
