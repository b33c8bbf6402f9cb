"""In a real browser: a student fills a cell in JupyterLab and sees the check pass, an instructor reads a grade in nbgrader's formgrader, and
what a student wrote runs nothing there."""
import shutil

import nbformat
import pytest
from browserkit import TOKEN, browser_page, chromium, server

pytestmark = pytest.mark.slow
NOTEBOOK = '00_core.ops'

@pytest.fixture(scope='module')
def workspace(root, copy_project, tmp_path_factory):
    "What `tinybench course release` hands out, of the unit with the notebook above."
    pytest.importorskip('jupyterlab', reason='needs JupyterLab')
    from tinybench.course.teacher.handout import release
    from tinybench.course.units import read_course
    folder = tmp_path_factory.mktemp('browser')
    course = read_course(copy_project(folder/'project'))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv('TINYBENCH_GRADEBOOK', raising=False)
        return release(course, folder/'workspace', [course.unit_of(NOTEBOOK).name])

class Lab:
    "A notebook open in JupyterLab, as a student uses it: look for a cell, type, press a key."
    def __init__(self, page, url):
        self.page = page
        page.goto(f'{url}/lab/tree/{NOTEBOOK}.ipynb?token={TOKEN}&reset')
        self.idle()
        page.mouse.move(700, 500)

    def idle(self):
        "Until the kernel has nothing to do: what is clicked before it is there is lost."
        self.page.wait_for_selector('.jp-StatusBar-Widget >> text=/\\| Idle/', timeout=120_000)

    def cell(self, text):
        "The code cell with `text` in it, scrolled to: JupyterLab draws only what is near."
        found = self.page.locator('.jp-CodeCell', has_text=text).first
        for _ in range(400):
            if found.count() and found.locator('.cm-content').count(): break
            self.page.mouse.wheel(0, 400)
            self.page.wait_for_timeout(50)
        found.scroll_into_view_if_needed()
        return found

    def run(self, cell):
        "Shift and Enter in the cell; what stands below it then."
        cell.locator('.cm-content').click()
        self.page.keyboard.press('Shift+Enter')
        self.page.wait_for_timeout(300)
        self.idle()
        return cell.locator('.jp-OutputArea').inner_text() if cell.locator('.jp-OutputArea').count() else ''

def test_a_student_fills_a_cell_and_sees_the_check_pass(chromium, workspace, tmp_path):
    file = workspace/f'{NOTEBOOK}.ipynb'
    assert 'g/y, -g*o/y' not in file.read_text(encoding='utf-8')
    with server(workspace, tmp_path) as url, browser_page(chromium, tmp_path) as page:
        lab = Lab(page, url)
        for text in ('import numpy as np', 'from fastcore.test import'): assert 'Error' not in lab.run(lab.cell(text))

        assert lab.run(lab.cell('def div_vjp')) == '', 'a stub runs, and raises only when it is called'
        assert 'NotImplementedError' in lab.run(lab.cell('test_eq(div_vjp('))

        # the stub's last line is overwritten: Home goes to where its text begins
        lab.cell('def div_vjp').locator('.cm-line', has_text='raise NotImplementedError').click()
        for key in ('Home', 'Shift+End'): page.keyboard.press(key)
        page.keyboard.insert_text('return g/y, g*o/y')
        assert lab.run(lab.cell('def div_vjp')) == ''
        says = lab.run(lab.cell('test_eq(div_vjp('))
        assert 'AssertionError' in says and '(0.25, 0.5)' in says, 'a wrong sign is seen'

        lab.cell('def div_vjp').locator('.cm-line', has_text='return g/y').click()
        for key in ('Home', 'Shift+End'): page.keyboard.press(key)
        page.keyboard.insert_text('return g/y, -g*o/y')
        assert lab.run(lab.cell('def div_vjp')) == ''
        assert lab.run(lab.cell('test_eq(div_vjp(')) == '', 'the check passes'

        page.keyboard.press('Control+s')
        page.wait_for_selector('.jp-StatusBar-Widget >> text=/Saving completed/')
    assert 'return g/y, -g*o/y' in file.read_text(encoding='utf-8')

def test_the_formgrader_shows_what_was_graded(chromium, tmp_path, monkeypatch):
    pytest.importorskip('nbgrader', reason='needs nbgrader')
    kit = pytest.importorskip('coursekit')
    from tinybench.course.teacher.grade import grade
    monkeypatch.delenv('TINYBENCH_GRADEBOOK', raising=False)
    course = kit.small_course(tmp_path/'course')
    shutil.copy(kit.ROOT/'assignments'/'nbgrader_config.py', course.root)
    kit.hand_in(course, 'first', 'ada', {kit.NAME: kit.released(course, double=kit.DOUBLE, triple='def triple(x): return 6')})
    (row,) = grade(course, 'first', jobs=1).rows
    assert (row.points, row.of) == (4, 6)
    with server(course.root, tmp_path) as url, browser_page(chromium, tmp_path) as page:
        page.goto(f'{url}/login?token={TOKEN}&next=/formgrader/manage_submissions/first')
        line = page.locator('tr', has_text='ada')
        line.locator('text=graded').first.wait_for()
        assert '4 / 6' in line.inner_text()
        page.goto(f'{url}/formgrader/gradebook/first/{kit.NAME}')
        page.locator('a[href*="submissions/"]').first.click()
        page.locator('text=def triple(x): return 6').first.wait_for()
        boxes = page.locator('input.score')  # a person may write points there; the automatic ones are what is shown till then
        page.wait_for_function("[...document.querySelectorAll('input.score')].every(x => x.placeholder)")
        assert sorted(float(box.get_attribute('placeholder')) for box in boxes.all()) == [0, 1, 1, 2]

EVIL = ['<img src=x onerror="EVIL()">', '<script>EVIL()</script>', '<svg onload="EVIL()"></svg>', '<details open ontoggle="EVIL()">a</details>',
        '<iframe srcdoc="<script>parent.EVIL()</script>"></iframe>', '$<img src=x onerror=EVIL()>$', '`<img src=x onerror=EVIL()>`',
        '&lt;img src=x onerror=EVIL()&gt;', '$\\unicode{<img src=x onerror=EVIL()>}$', '<math><mtext><img src=x onerror=EVIL()></mtext></math>']

def test_what_a_student_wrote_runs_nothing_in_the_formgrader(chromium, tmp_path, monkeypatch):
    pytest.importorskip('nbgrader', reason='needs nbgrader')
    kit = pytest.importorskip('coursekit')
    from tinybench.course.teacher.grade import grade
    monkeypatch.delenv('TINYBENCH_GRADEBOOK', raising=False)
    course = kit.small_course(tmp_path/'course')
    shutil.copy(kit.ROOT/'assignments'/'nbgrader_config.py', course.root)
    nb = kit.released(course, double=kit.DOUBLE, triple='def triple(x): return 6')
    nb.cells += [nbformat.v4.new_markdown_cell(f'{text} the end', id=f'evil-{i}') for i, text in enumerate(EVIL)]
    kit.hand_in(course, 'first', 'ada', {kit.NAME: nb})
    grade(course, 'first', jobs=1)
    graded = course.folder('autograded', 'ada', 'first', f'{kit.NAME}.ipynb')

    def ran(page, url):
        "How often the page that shows the submission ran what stands in it."
        page.goto(f'{url}/login?token={TOKEN}&next=/formgrader/gradebook/first/{kit.NAME}')
        page.locator('a[href*="submissions/"]').first.click()
        page.locator('text=the end').last.wait_for()
        page.wait_for_load_state('networkidle')
        page.wait_for_timeout(1000)    # what is set in type, or loads, comes after that
        return page.evaluate('window.ran')

    with server(course.root, tmp_path) as url, browser_page(chromium, tmp_path) as page:
        page.add_init_script('window.ran = 0; window.EVIL = () => { window.ran += 1 }')
        assert ran(page, url) == 0
        shown = nbformat.read(graded, 4)
        for c, text in zip(shown.cells[-len(EVIL):], EVIL): c.source = f'{text} the end'    # had nobody made it harmless
        graded.chmod(0o644)
        nbformat.write(shown, graded)
        assert ran(page, url) > 0
