"show: the frame of the explorers without a browser: guesses, knobs, one measurement at a time, files."
import json, re, subprocess, sys, threading, time
from xml.etree import ElementTree
import ipywidgets, numpy as np
import pytest
from matplotlib.figure import Figure
from tinybench.base.text import Table
from tinybench.measure.accuracy import wilson
from tinybench.show.widgets import (INTERVALS, Choices, Explorer, Guess, Measurement, OneAtATime, Picture, correlated, count_runs,
                                    coverage, coverage_explorer, draw_coverage, intervals_of, knob, limit_words, paragraph,
                                    quick_axes, themed_svg, true_value)

def words(w): return ElementTree.fromstring(w.value).text if w.value else ''

def draw(height=1, found=None):
    if height == 13: raise ValueError('thirteen cannot be drawn')
    ax = quick_axes()
    ax.plot([0, 1], [0, height])
    limit = limit_words((height, height, height), 's', most=5)
    return Picture(ax.figure, f'height {height}, found {found}, {limit}', Table(('height',), ((str(height),),)))

def explorer(tmp_path, **settings):
    return Explorer('lines', draw, dict(height=knob(ipywidgets.IntSlider, 'height', value=1, max=20)),
                    choices=Choices(tmp_path/'mine.json', 'ada'), **settings)

def asked(answer=lambda found: f'It is {found}.' if found else None):
    return Guess('How high?', knob(ipywidgets.IntSlider, 'height', value=7, max=20), answer)

def until(true, secs=20):
    "Waits for another thread."
    end = time.monotonic() + secs
    while not true():
        assert time.monotonic() < end, 'it did not happen'
        time.sleep(.01)


# --- the statistics behind the first explorer

@pytest.mark.parametrize('kind', ['mean, textbook', 'mean, with memory', 'median'])
def test_every_kind_of_interval_keeps_its_promise_without_memory(kind):
    # 1000 runs at 95%: fewer than 917 or more than 978 in 1 of 10,000 tries of an interval that is exact;
    # the median's is discrete and wider, so it has no upper bound
    draws = np.exp(.2*correlated(np.random.default_rng(1), 1000, 40, 0.))
    right = 1000*coverage(intervals_of(draws, kind), true_value(kind, .2))[0]
    assert right >= 917 and (right <= 978 or kind == 'median')

def test_the_truth_is_true():
    z = np.exp(.5*correlated(np.random.default_rng(2), 400_000, 1, 0.))
    assert abs(z.mean() - true_value('mean, textbook', .5)) < .005 and abs(np.median(z) - true_value('median', .5)) < .005

def test_counted_runs_are_added_to_what_was_found_and_shown():
    told = []
    found = count_runs(lambda *p: told.append(p), {('old',): 1}, 10, .5, .2, 'median', runs=300)
    assert told == [(1, 3), (2, 3), (3, 3)] and found['old',] == 1
    runs, share = found[10, .5, .2, 'median']
    assert runs == 300 and share == (share[0], *wilson(round(300*share[0]), 300))
    assert 'of 300 simulated' in draw_coverage(10, .5, .2, 'median', found=found).words
    assert 'of 100 simulated' in draw_coverage(11, .5, .2, 'median', found=found).words, 'other settings, other runs'


# --- figures for a page

def test_a_limit_says_by_how_much_it_is_broken():
    assert limit_words((2, 1.9, 2.1), 's', most=3) == 'keeps the limit of 3 s'
    assert limit_words((4, 3.5, 4.5), 's', most=3) == 'breaks the limit of 3 s: 1 s above it'
    assert limit_words((4, 2.5, 4.5), 's', most=3) == 'may break the limit of 3 s: the interval reaches over it'
    assert limit_words((.9, .89, .91), 'share', least=.95, what='goal') == 'breaks the goal of 95.0%: 5.0 points below it'
    assert Picture(Figure(), 'It breaks the goal of 3: 1 below it.').broken and not Picture(Figure(), 'It may break it.').broken

def test_an_svg_takes_the_colours_of_its_page_and_says_what_it_shows():
    svg = themed_svg(draw(3).figure, 'a "line" & <more>')
    root = ElementTree.fromstring(svg)
    assert root.attrib['role'] == 'img' and root.attrib['aria-label'] == 'a "line" & <more>'
    assert 'currentColor' in svg and '#000000' not in svg and 'width:100%' in root.attrib['style']
    assert '#ffffff' not in svg, 'something white lies behind it'
    texts = [e.text for e in root.iter('{http://www.w3.org/2000/svg}text')]
    assert '0.0' in texts, 'its text is text'

def test_greys_over_white_are_what_they_were():
    ax = quick_axes()
    ax.axvspan(0, 1, color='.85')
    found = re.findall(r'fill: #808080; fill-opacity: ([.\d]+)', themed_svg(ax.figure, ''))
    assert [round(255 - (255 - 128)*float(o)) for o in found] == [217]

def test_what_is_hollow_has_the_ground_of_the_page_in_it():
    ax = quick_axes()
    ax.plot([0], [0], 'o', mfc='w', color='#56B4E9')
    assert 'fill: var(--jp-layout-color0, #ffffff)' in (svg := themed_svg(ax.figure, '')) and 'stroke: #56b4e9' in svg

def test_words_are_escaped():
    assert '<b>' not in paragraph('<b>')

def test_a_picture_shows_itself_without_pyplot():
    shown = draw(2)._repr_mimebundle_()
    assert shown['image/png'].startswith(b'\x89PNG') and shown['text/plain'].startswith('height 2')


# --- one measurement at a time

def test_a_measurement_that_is_done_failed_or_cancelled_leaves_its_buttons_usable():
    go, found = threading.Event(), []
    def measure(progress):
        for i in range(1000):
            progress(i, 1000)
            if go.wait(.005): return 'found'
    m = Measurement(measure, found.append, turn=OneAtATime())
    usable = lambda: (not m.start_button.disabled and m.cancel_button.disabled and not m.turn.lock.locked()
                      and m.bar.layout.display == 'none')
    assert usable()
    m.start()
    assert m.start_button.disabled and not m.cancel_button.disabled and m.bar.layout.display is None
    m.cancel_button.click()       # the other buttons first hear from a page, which is not here
    m.thread.join(20)
    assert usable() and 'Stopped' in words(m.says) and found == []
    m.start()
    go.set()
    m.thread.join(20)
    assert usable() and found == ['found'] and words(m.says) == 'Done.'
    m.measure = lambda progress: {}['nothing']
    m.start()
    m.thread.join(20)
    assert usable() and "It failed: 'nothing'" in words(m.says)
    m.done = lambda found: 1/0                       # what shows it fails
    m.measure = lambda progress: 1
    m.start()
    m.thread.join(20)
    assert usable() and 'It failed: division by zero' in words(m.says)

def test_a_second_measurement_waits_says_so_and_can_be_called_off():
    turn, go, found = OneAtATime(), threading.Event(), []
    first = Measurement(lambda progress: go.wait(20), found.append, turn=turn)
    second = Measurement(lambda progress: 'second', found.append, turn=turn)
    first.start()
    second.start()
    until(lambda: 'Another measurement runs' in words(second.says))
    second.cancel()
    second.thread.join(20)
    assert 'Stopped' in words(second.says) and found == []
    second.start()
    go.set()
    for m in (first, second): m.thread.join(20)
    assert found == [True, 'second']

def test_it_can_be_started_again_and_stopped_as_soon_as_its_button_says_so():
    # the thread of the first one, which ends, must not close the buttons of the second
    m = Measurement(lambda progress: None, lambda found: None, turn=OneAtATime())
    def restart(change):
        if change.new: return
        m.start_button.unobserve(restart, 'disabled')
        m.measure = lambda progress: [progress(i, 10_000) or time.sleep(.005) for i in range(10_000)]
        m.start()
    m.start_button.observe(restart, 'disabled')
    first = m.thread
    m.start()
    until(lambda: m.thread is not first and 'of 10000 rounds' in words(m.says))
    assert m.start_button.disabled and not m.cancel_button.disabled
    m.cancel()
    m.thread.join(20)
    assert 'Stopped' in words(m.says)

def test_two_clicks_measure_once():
    go, calls = threading.Event(), []
    m = Measurement(lambda progress: (calls.append(1), go.wait(20)), lambda found: None, turn=OneAtATime())
    m.start()
    m.start()
    go.set()
    m.thread.join(20)
    assert calls == [1]

def test_a_browser_hears_little_of_a_quick_measurement():
    heard = []
    m = Measurement(lambda progress: [progress(i + 1, 5000) for i in range(5000)], lambda found: None, turn=OneAtATime())
    m.bar.observe(heard.append, 'value')
    m.run()
    assert len(heard) < 100, f'{len(heard)} messages beside the measurement'


# --- guesses

def test_a_guess_is_locked_once(tmp_path):
    e = explorer(tmp_path, guess=asked())
    assert e.body.layout.display == 'none' and not e.figure.value and not e.choices.path.exists()
    e.guess.lock()
    e.guess.field.value = 3
    e.guess.lock()
    e.guess.open(None)
    assert e.guess.value == 7 and e.body.layout.display is None and e.figure.value
    assert [entry['guess'] for entry in e.choices.read()] == [7]
    assert words(e.guess.says) == 'Your guess: 7. Measure to see the answer.'
    e.take(5)
    assert words(e.guess.says) == 'Your guess: 7. It is 5.'

def test_a_guess_may_be_skipped_but_not_empty(tmp_path):
    g = asked()
    g.field = knob(ipywidgets.RadioButtons, 'height', options=['low', 'high'], value=None)
    e = explorer(tmp_path, guess=g)
    g.lock()
    assert 'Choose an answer first' in words(g.says) and e.body.layout.display == 'none'
    g.ask.children[1].children[1].click()
    assert e.body.layout.display is None and e.choices.read()[0]['guess'] is None and 'no guess' in words(g.says)

@pytest.mark.parametrize('nothing', [None, float('nan')])
def test_what_is_no_number_is_no_guess(tmp_path, nothing):
    g = asked()
    e = explorer(tmp_path, guess=g)
    g.field = ipywidgets.FloatText()
    g.field.set_trait('value', nothing) if nothing is not None else setattr(g, 'field', ipywidgets.Dropdown(options=[1], value=None))
    g.lock()
    assert 'Choose an answer first' in words(g.says) and not g.opened and not e.choices.path.exists()

def test_an_answer_that_fails_is_said(tmp_path):
    e = explorer(tmp_path, guess=asked(lambda found: 1/0))
    e.guess.lock()
    assert e.figure.value and words(e.guess.says) == 'Your guess: 7. The answer cannot be shown: division by zero'

def test_a_guess_that_cannot_be_kept_opens_the_instrument_all_the_same(tmp_path):
    e = explorer(tmp_path, guess=asked())
    e.choices.path.write_text('spoilt')
    e.guess.lock()
    assert e.figure.value and 'not kept' in words(e.kept) and e.choices.path.read_text() == 'spoilt'


# --- the explorer

def test_a_knob_moves_the_figure_and_the_words(tmp_path):
    e = explorer(tmp_path)
    before = e.figure.value
    e.knobs['height'].value = 4
    assert e.figure.value != before and 'height 4' in words(e.words) and 'border-left' not in e.words.value
    e.knobs['height'].value = 9
    assert 'breaks the limit of 5 s: 4 s above it' in words(e.words) and 'border-left' in e.words.value

def test_the_static_picture_is_that_of_the_first_settings(tmp_path):
    e = explorer(tmp_path)
    before = e.static().svg()
    e.knobs['height'].value = 4
    assert e.static().svg() == before != e.picture().svg() and e.static().words.startswith('height 1,')

def test_a_setting_that_cannot_be_drawn_is_said(tmp_path):
    e = explorer(tmp_path)
    e.knobs['height'].value = 13
    assert 'cannot be done: thirteen' in words(e.words) and not e.figure.value, 'an old figure under the words of an error'
    e.keep()
    assert 'cannot be done: thirteen' in words(e.kept) and not e.choices.path.exists()
    e.kept.value = ''
    e.save()
    assert 'cannot be done: thirteen' in words(e.kept) and not (tmp_path/'lines.png').exists()
    e.knobs['height'].value = 2
    assert 'height 2' in words(e.words) and e.figure.value

def test_a_drawing_that_fails_does_not_lose_the_measurement_beside_it(tmp_path):
    go = threading.Event()
    e = explorer(tmp_path, measure=lambda progress, found, height: go.wait(20) and 5, guess=asked())
    e.guess.lock()
    e.measurement.start()
    until(e.measurement.turn.lock.locked)
    e.knobs['height'].value = 13
    e.keep()
    e.save()
    go.set()
    e.measurement.thread.join(20)
    assert e.found == 5 and words(e.measurement.says) == 'Done.' and words(e.guess.says) == 'Your guess: 7. It is 5.'
    assert 'cannot be done: thirteen' in words(e.kept) and not e.measurement.turn.later

def test_nothing_is_measured_without_being_asked(tmp_path):
    calls = []
    def measure(progress, found, height):
        calls.append((found, height))
        return (found or 0) + height
    e = explorer(tmp_path, measure=measure, guess=asked())
    e.guess.lock()
    for h in range(5): e.knobs['height'].value = h
    e.static()
    e._repr_mimebundle_()
    assert not calls and 'found None' in words(e.words)
    for _ in 'ab':
        e.measurement.start()
        e.measurement.thread.join(20)
    assert calls == [(None, 4), (4, 4)] and 'found 8' in words(e.words) and words(e.guess.says) == 'Your guess: 7. It is 8.'

def test_what_is_moved_during_a_measurement_is_drawn_afterwards(tmp_path):
    go = threading.Event()
    e = explorer(tmp_path, measure=lambda progress, found, height: go.wait(20))
    e.measurement.start()
    until(e.measurement.turn.lock.locked)
    before = e.figure.value
    for h in (2, 3, 4): e.knobs['height'].value = h
    e.keep()
    e.save()
    assert e.figure.value == before and 'A measurement runs' in words(e.words) and 'A measurement runs' in words(e.kept)
    assert not e.choices.path.exists() and not (tmp_path/'lines.png').exists(), 'a picture was drawn beside it'
    go.set()
    e.measurement.thread.join(20)
    assert 'height 4, found True' in words(e.words)
    assert e.choices.last('lines', 'kept') == dict(height=4) and (tmp_path/'lines.png').exists()
    assert 'height 4, found True' in e.choices.last('lines', 'words'), 'the old result was kept'

def test_a_click_means_the_settings_that_it_saw(tmp_path):
    # it waits for another measurement, and the knobs move on meanwhile
    go, saw = threading.Event(), []
    e = explorer(tmp_path, measure=lambda progress, found, height: saw.append(height) or height)
    other = Measurement(lambda progress: go.wait(20), lambda found: None)
    other.start()
    until(other.turn.lock.locked)
    e.knobs['height'].value = 3
    e.measurement.start()
    e.keep()
    e.knobs['height'].value = 4
    until(lambda: 'Another measurement runs' in words(e.measurement.says))
    go.set()
    for m in (other, e.measurement): m.thread.join(20)
    until(lambda: not e.measurement.turn.later)
    assert saw == [3] and e.found == 3 and 'height 4, found 3' in words(e.words)
    assert e.choices.last('lines', 'kept') == dict(height=3)

def test_a_click_that_waited_has_the_last_word(tmp_path):
    # what was found is there when the click is made up for, and does not undo it afterwards
    go, saw = threading.Event(), []
    e = explorer(tmp_path, measure=lambda progress, found, height: go.wait(20) and 5)
    def forget():
        saw.append(e.found)
        e.take(None)
        return 'It is forgotten.'
    e.measurement.start()
    until(e.measurement.turn.lock.locked)
    e.quietly(forget, e.kept)
    go.set()
    e.measurement.thread.join(20)
    assert saw == [5] and e.found is None
    assert words(e.kept) == 'It is forgotten.' and 'found None' in words(e.words)

def test_what_json_cannot_hold_is_said(tmp_path):
    e = explorer(tmp_path)
    e.draw = lambda height: Picture(draw().figure, {1})
    e.keep()
    assert words(e.kept).startswith('This setting was not kept: ') and not e.choices.path.exists()

def test_settings_and_figures_are_kept_in_files(tmp_path):
    e = explorer(tmp_path)
    e.knobs['height'].value = 9
    e.keep()
    e.save()
    kept = e.choices.read()[-1]
    assert kept['kept'] == dict(height=9) and kept['words'].startswith('height 9')
    assert (tmp_path/'lines.png').read_bytes().startswith(b'\x89PNG') and (tmp_path/'lines.csv').read_text().split() == ['height', '9']
    assert words(e.kept) == 'Saved as lines.png and lines.csv.'

def test_a_saved_figure_replaces_no_file_that_is_there(tmp_path):
    e = explorer(tmp_path)
    (tmp_path/'lines.png').write_text('mine')
    (tmp_path/'lines-2.csv').mkdir()
    for n in (3, 4):
        e.save()
        assert words(e.kept) == f'Saved as lines-{n}.png and lines-{n}.csv.'
    assert (tmp_path/'lines.png').read_text() == 'mine' and not (tmp_path/'lines.csv').exists()

def test_a_folder_that_is_not_there_is_said(tmp_path):
    e = explorer(tmp_path)
    e.choices = Choices(tmp_path/'none'/'mine.json', 'ada')
    e.save()
    assert 'cannot be done' in words(e.kept) and str(tmp_path/'none') in words(e.kept)
    e.keep()
    assert 'was not kept' in words(e.kept)

def test_it_shows_itself_as_a_widget_and_as_a_picture_where_widgets_cannot_run(tmp_path):
    shown = explorer(tmp_path)._repr_mimebundle_()
    assert {'application/vnd.jupyter.widget-view+json', 'image/png'} <= set(shown)

def test_a_setting_is_the_same_from_both_sides(tmp_path):
    e = coverage_explorer(Choices(tmp_path/'c.json'))
    e.measurement.measure = lambda progress, **settings: count_runs(progress, e.found, **settings, runs=200)
    e.knobs['rho'].value = .65
    e.measurement.start()
    e.measurement.thread.join(20)
    e.knobs['rho'].value = .6
    e.knobs['rho'].value = .6500000000000001      # what a browser sends after three steps up and two down
    assert e.knobs['rho'].value != .65 and 'of 200 simulated' in words(e.words)

def test_the_coverage_explorer_draws_at_both_ends_of_every_knob(tmp_path):
    e = coverage_explorer(Choices(tmp_path/'c.json'))
    e.guess.lock()
    for name, w in e.knobs.items():
        for value in (INTERVALS if name == 'kind' else (w.min, w.max)):
            was, w.value = w.value, value
            assert 'simulated intervals hold the truth' in words(e.words), f'{name}={value}'
            w.value = was
    assert words(e.guess.says).endswith('66.0% [56.3, 74.5] of 100 simulated intervals hold the truth.'), 'and no more'


# --- the project

def test_notebooks_hold_no_state_of_widgets(root):
    for path in sorted((root/'nbs').glob('*.ipynb')):
        nb = json.loads(path.read_text(encoding='utf-8'))
        assert 'widgets' not in nb['metadata'], path.name
        views = [c['id'] for c in nb['cells'] for o in c.get('outputs', []) for kind in o.get('data', {}) if 'widget' in kind]
        assert not views, f'{path.name}: {views} hold a widget that nobody can show'

def test_only_the_explorers_load_ipywidgets():
    code = 'import sys, tinybench.show.measure, tinybench.bench.report; print("ipywidgets" in sys.modules)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'False'
