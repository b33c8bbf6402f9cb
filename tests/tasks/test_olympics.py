"The olympics: ranks that hold as often as they promise, and a judge whom no file can fool, fill or run."
import copy, io, json, math, os, pickle, sys, zipfile
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from tinybench.base.archive import BadArchive, check_npz
from tinybench.embedded.tasks import class_examples, face_network, has_faces, keyword_network, large_picture_network
from tinybench.measure.accuracy import Score
from tinybench.measure.pairs import paired_results
from tinybench.models.zoo import MODELS, SHAPES, create, simple_cnn
from tinybench.nn.dense import Dense, Dropout, Flatten, ReLU
from tinybench.nn.module import Sequential, load_state_dict, save_arrays
from tinybench.nn.norm import BatchNorm
from tinybench.nn.pool import MaxPool2d
from tinybench.optimize.fuse import fold
from tinybench.cli.olympics import board_page, write_board
from tinybench.cli.judge import (
    LIMIT, STEPS, Refused, build, claims_of, close_calls, describe, submit, verify, verify_apart)
from tinybench.tasks.olympics import (
    EVENTS, Entry, Gap, contest, entry_of, event_of, gap, judged, letters, places, reference, score_span, shortfalls,
    surely_better, tiers)
from tinybench.tasks.task import digit_pictures

unix = pytest.mark.skipif(sys.platform == 'win32', reason='needs links and limits of Unix')

@pytest.fixture(scope='module')
def pictures(): return digit_pictures()

@pytest.fixture(scope='module')
def net():
    "A linear network that gets most digits right, by least squares: no training, the same everywhere."
    lessons = digit_pictures('train')
    x = lessons.x[:, ::4, ::4, 0].reshape(len(lessons.x), -1)/255
    a = np.c_[x, np.ones(len(x))].astype(float)
    w = np.linalg.solve(a.T @ a + np.eye(a.shape[1]), a.T @ np.eye(10)[lessons.y])
    net = Sequential(MaxPool2d(4), Flatten(), Dense(192, 10, np.random.default_rng(0)))
    net[2].w.data[:] = 0
    net[2].w.data[::3] = w[:-1]/255
    net[2].b.data[:] = w[-1]
    return net.eval()

@pytest.fixture
def place(net, pictures, tmp_path): return submit(net, tmp_path, 'sprint', 'ada', (), pictures)

def said(place): return json.loads((place/'submission.json').read_text())
def say(place, **changes): (place/'submission.json').write_text(json.dumps(said(place) | changes))
def zipped(path, **members):
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z:
        for k, data in members.items(): z.writestr(k.replace('__', '.') + '.npy', data)
def npy(a, **how):
    out = io.BytesIO()
    np.save(out, a, **how)
    return out.getvalue()
def head(shape, descr='<f4'):
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, dict(descr=descr, fortran_order=False, shape=shape))
    return out.getvalue()


# --- ranks

def a_score(hits, name='a'): return Score(name, np.asarray(hits, bool), 'toy')
def an_entry(name, nbytes=1000, hits=(1,)*18 + (0,)*2): return Entry(name, 'sprint', None, a_score(hits, name), nbytes)

def test_a_gap_adds_up(rng=np.random.default_rng(0)):
    e, names = EVENTS['all-around'], 'abc'
    entries = {n: an_entry(n, 1000*(i + 1), rng.random(50) < .8) for i, n in enumerate(names)}
    times = {n: rng.lognormal(0, .1, 12) for n in names}
    g = {p: gap(e, entries[p[0]], entries[p[1]], times) for p in combinations(names, 2)}
    assert math.isclose(g['a', 'b'].mid + g['b', 'c'].mid, g['a', 'c'].mid, abs_tol=1e-12)

def test_what_has_no_spread_is_sure_and_equal_is_equal():
    e, times = EVENTS['memory'], dict(a=np.ones(4), b=np.full(4, 2.))
    a, b, same = an_entry('a', 1000), an_entry('b', 1001), an_entry('b', 1000)
    assert gap(e, a, b, times).p < 1e-12 and gap(e, a, b, times).mid < 0
    assert gap(e, a, same, times) == (0, 1)

def test_errors_alone_are_judged_by_mcnemar():
    a, b = an_entry('a', hits=(1,)*20), an_entry('b', hits=(1,)*14 + (0,)*6)
    g = gap(EVENTS['accuracy'], a, b, dict(a=np.ones(4), b=np.ones(4)))
    assert g.p == pytest.approx(2*binom.cdf(0, 6, .5)) and g.mid < 0

def test_verdicts_pass_on():
    sure = surely_better({('a', 'b'): Gap(-1, 1e-6), ('b', 'c'): Gap(-1, 1e-6), ('a', 'c'): Gap(-2, .5)})
    assert sure == {('a', 'b'), ('b', 'c'), ('a', 'c')}
    assert surely_better({}) == set() and surely_better({('a', 'b'): Gap(1, .01)}) == {('b', 'a')}

def verdicts_hold(spread, rng, n=6, builds=12, noise=.02):
    "Whether every sure verdict is true in a contest of simulated times; then every place has to be."
    true = np.log(.1) + spread*rng.normal(size=n)
    names = [f'n{i}' for i in range(n)]
    at, common = dict(zip(names, true)), rng.normal(0, .05, builds)
    times = {k: np.exp(t + common + rng.normal(0, noise, builds)) for k, t in at.items()}
    entries = {k: an_entry(k) for k in names}
    sure = surely_better({p: gap(EVENTS['sprint'], *map(entries.get, p), times) for p in combinations(names, 2)})
    hold = all(at[a] < at[b] for a, b in sure)
    found = places(names, sure)
    inside = all(lo <= 1 + (true <= at[k]).sum() - 1 and 1 + (true < at[k]).sum() <= hi for k, (lo, hi) in found.items())
    assert inside or not hold
    return hold

@pytest.mark.parametrize('spread', [0, .02, .3])
def test_verdicts_are_true_all_together(spread):
    "At most 5 % of contests have a wrong verdict: of 200, more than 21 have with a chance below .001 (binomial)."
    rng = np.random.default_rng(1)
    wrong = sum(not verdicts_hold(spread, rng) for _ in range(200))
    assert binom.sf(21, 200, .05) < .001 and wrong <= 21

@pytest.mark.parametrize('seed', range(20))
def test_two_share_a_letter_exactly_if_they_do_not_surely_differ(seed):
    rng = np.random.default_rng(seed)
    names = [f'n{i}' for i in range(7)]
    better = {p for p in combinations(names, 2) if rng.random() < rng.random()}
    found = letters(tiers(names, better))
    for a, b in combinations(names, 2): assert bool(set(found[a]) & set(found[b])) == ((a, b) not in better)

def records(secs):
    "Results of builds, as `contest` has them, from name -> (builds, rounds)."
    made = paired_results({k: np.median(v, 1) for k, v in secs.items()})
    return {k: r.__class__(r.name, r.metric, r.unit, r.values, r.provenance,
                           dict(r.how, builds=len(secs[k]), within=secs[k].tolist()), r.env) for k, r in made.items()}

def test_a_board_of_known_times(rng=np.random.default_rng(3)):
    true = dict(reference=1e-2, ada=1e-3, bo=1.0001e-3, cy=3e-3, slow=.2)
    pace = rng.lognormal(0, .5, (12, 5))           # of the machine, for everybody
    secs = {k: t*pace*rng.lognormal(0, .01, (12, 5)) for k, t in true.items()}
    entries = [an_entry(k) for k in true if k != 'reference']
    b = judged(EVENTS['all-around'], entries, records(secs))
    assert [s.name for s in b.standings][2:] == ['cy', 'slow'] and b['slow'].why.startswith('latency')
    assert b['ada'].places == b['bo'].places == (1, 2) and b['cy'].places == (3, 3) and b['slow'].places == ()
    assert (b['ada'].medal, b['cy'].medal, b['slow'].medal) == ('gold', 'bronze', '')
    assert b['ada'].tier == b['bo'].tier != b['cy'].tier
    lo, hi = b['ada'].time[1:]
    assert .09 < lo < hi < .11
    with pytest.raises(ValueError, match="did you mean 'slow'"): b['slowe']
    text = str(b)
    assert 'not ranked: latency' in text and 'unofficial' not in b.event
    d = b.to_dict()
    assert json.loads(json.dumps(d)) == d and d['standings'][0]['medal'] == 'gold'

def test_a_board_with_one_and_with_none(rng=np.random.default_rng(0)):
    secs = dict(reference=rng.lognormal(0, .1, (3, 4)), ada=rng.lognormal(-3, .1, (3, 4)))
    assert judged(EVENTS['sprint'], [an_entry('ada')], records(secs))['ada'].places == (1, 1)
    assert judged(EVENTS['sprint'], [], {}).standings == ()

def test_more_errors_widen_a_score():
    times = np.full(5, .1)
    few, many = an_entry('a', hits=(1,)*198 + (0,)*2), an_entry('b', hits=(1,)*150 + (0,)*50)
    def width(x): return np.diff(np.log(score_span(EVENTS['accuracy'], x, times)[1:]))[0]
    assert width(few) > 3*width(many)
    assert np.diff(score_span(EVENTS['memory'], few, times)[1:])[0] < 1e-9

def test_what_each_event_asks():
    "What counts needs no limit, what does not has one; the all-around, in which all counts, has all three."
    asked = {k: (e.parts, e.accuracy, e.secs, e.nbytes) for k, e in EVENTS.items() if e.task == 'ic01'}
    for task in ('kws01', 'vww01', 'ic02'):            # the same for each task whose answers are classes
        assert {k.removeprefix(f'{task}-'): (e.parts, e.accuracy, e.secs, e.nbytes) for k, e in EVENTS.items() if e.task == task} == asked
    assert len(EVENTS) == 20 and asked == dict(sprint=(('time',), .85, math.inf, 10e6), memory=(('memory',), .85, .1, math.inf),
                         accuracy=(('errors',), 0, .1, 10e6), extreme=(('time', 'memory'), .8, math.inf, math.inf),
                         **{'all-around': (('time', 'memory', 'errors'), .85, .1, 10e6)})

def test_requirements_at_their_edges():
    e = EVENTS['all-around']
    assert shortfalls(e, .85, 9_999_999, .0999) == []
    assert len(shortfalls(e, .8499, 10_000_000, .1)) == 3
    assert shortfalls(EVENTS['extreme'], .8, 1e12, 1e3) == []
    assert shortfalls(EVENTS['sprint'], 305/359, 1) == ['84.96% are right, and 85% are asked']
    with pytest.raises(ValueError, match="did you mean 'sprint'"): event_of('sprnt')

def test_close_calls():
    assert close_calls(np.array([[1, 1, 0], [1, 1 + 1e-7, 0], [1, 1.1, 0]], np.float32)) == 2


# --- networks as data

@pytest.mark.parametrize('name', MODELS)
def test_every_network_of_the_zoo_comes_back(name):
    from tinybench.optimize.step import strip
    rng = np.random.default_rng(1)
    net = strip(create(name, rng)).eval()
    for _, m in net.named_modules():
        if isinstance(m, BatchNorm): m.mean[:], m.var[:] = rng.normal(size=m.n), rng.uniform(.5, 2, m.n)
    state = net.state_dict()
    d = json.loads(json.dumps(describe(net)))
    again = load_state_dict(build(d, {k: a.shape for k, a in state.items()}), state).eval()
    x = rng.random((2, *SHAPES[name])).astype(np.float32)
    np.testing.assert_array_equal(again(x).data, net(x).data)

def test_what_cannot_be_described():
    with pytest.raises(ValueError, match='cannot be submitted'): describe(fold(Sequential(Dropout(.1, np.random.default_rng(0)))))
    with pytest.raises(ValueError, match='have a bias'): describe(Dense(2, 3, np.random.default_rng(0), bias=False))

@pytest.mark.parametrize('step', STEPS)
def test_the_judge_takes_every_step(pictures, tmp_path, step):
    net = simple_cnn(np.random.default_rng(0), (32, 32, 3), width=2)
    for p in (p for p in net.parameters() if p.data.ndim > 1):
        p.data[np.abs(p.data) < np.quantile(np.abs(p.data), .9)] = 0      # for `sparse`
    steps = list(dict.fromkeys(['fold', step]))
    place = submit(net, tmp_path, 'accuracy', 'a', steps, pictures)       # an event without a least accuracy
    x = verify(place, pictures)
    assert said(place)['steps'] == steps and claims_of(x) == said(place)['claims']


# --- a judge who believes nobody

def test_what_is_submitted_is_what_ranks(place, net, pictures):
    x = verify(place, pictures)
    assert x.score.hits == entry_of('ada', 'sprint', net, pictures).score.hits and x.score.share > .85
    assert said(place)['claims'] == claims_of(x) and sorted(p.name for p in place.iterdir()) == ['model.npz', 'submission.json']

def test_a_network_that_is_not_good_enough_leaves_nothing(net, pictures, tmp_path):
    bad = copy.deepcopy(net)
    bad[2].w.data[:] = 0
    with pytest.raises(Refused, match='are right'): submit(bad, tmp_path, 'sprint', 'ada', (), pictures)
    assert not any(tmp_path.rglob('*.json'))

@pytest.mark.parametrize('key, by, says', [('right', 1, 'claims'), ('right', -1, 'claims'), ('of', 1, 'claims'), ('bytes', -1, 'claims')])
def test_other_numbers_than_it_gives(place, pictures, key, by, says):
    claims = said(place)['claims']
    say(place, claims=claims | {key: claims[key] + by})
    with pytest.raises(Refused, match=f'sprint/ada is refused: {says}.*and the judge finds'): verify(place, pictures)

def test_a_lie_cannot_hide_behind_close_calls(net, pictures, tmp_path):
    "A large number in every bias, and by the digits that are left each picture is a close call."
    near = copy.deepcopy(net)
    near[2].b.data += 1e5
    place = submit(near, tmp_path, 'accuracy', 'ada', (), pictures)
    right = verify(place, pictures).score.right
    assert close_calls(near(pictures.x.astype(np.float32)).data) > 300
    say(place, claims=said(place)['claims'] | dict(right=right + 3))
    assert verify(place, pictures).score.right == right
    say(place, claims=said(place)['claims'] | dict(right=right + 4))
    with pytest.raises(Refused, match='and the judge finds'): verify(place, pictures)

@pytest.mark.parametrize('changes, says', [
    (dict(claims={'right': 1}), 'claims are whole numbers'), (dict(claims={'right': 350., 'of': 360, 'bytes': 1}), 'claims are whole'),
    (dict(claims={'right': 350, 'of': 360, 'bytes': 1, 'secs': 1}), 'a time is measured by the judge'),
    (dict(schema=2), 'schema 2'), (dict(event='sprnt'), "did you mean 'sprint'"), (dict(event='memory'), 'this folder is sprint/ada'),
    (dict(name='bo'), 'this folder is'), (dict(name='../ada'), 'small letters'), (dict(name='reference'), 'a name has'),
    (dict(name='nul'), 'a name has'), (dict(name='com1'), 'a name has'), (dict(event='x'*10**5), 'no event'),
    (dict(model='../../model.npz'), 'the model is called model.npz'), (dict(model='/etc/passwd'), 'the model is called model.npz'),
    (dict(extra=1), 'has the fields'), (dict(schema=True), 'schema cannot be'), (dict(steps=['thin']), 'no step'),
    (dict(steps=[['fold']]), 'unhashable'), (dict(steps=['fold']*99), '99 steps'), (dict(steps=['os.system']), 'no step'),
    (dict(steps=['float16', 'fold']), 'is refused'), (dict(network=dict(layer='Sequential', layers=[])), 'is refused'),
    (dict(network=dict(layer='eval')), "no layer 'eval'"), (dict(network=dict(layer=['Dense'])), 'no layer'),
    (dict(network={}), 'no layer None'), (dict(network=dict(layer='Dense')), 'is refused')])
def test_a_description_that_is_none(place, pictures, changes, says):
    say(place, **changes)
    with pytest.raises(Refused, match='is refused') as e: verify(place, pictures)
    assert says in str(e.value)

@pytest.mark.parametrize('layer', [
    dict(kernel=[4, 4], stride=[4, 4]), dict(kernel=[4, 4], stride=[4, 4], padding='valid', more=1),
    dict(kernel=[10**9, 1], stride=[4, 4], padding='same'), dict(kernel=[4, 4], stride=[0, 4], padding='same'),
    dict(kernel=[4.5, 4], stride=[4, 4], padding='same'), dict(kernel=4, stride=[4, 4], padding='same'),
    dict(kernel=[True, 4], stride=[4, 4], padding='same'), dict(kernel=[4, 4], stride=[4, 4], padding=['same'])])
def test_layers_with_bad_options(place, pictures, layer):
    d = said(place)['network']
    d['layers'][0] = dict(layer='MaxPool2d', **layer)
    say(place, network=d)
    with pytest.raises(Refused): verify(place, pictures)

@pytest.mark.parametrize('text, says', [
    ('', 'Expecting value'), ('{', 'is refused'), ('[]', 'has the fields'), ('['*100_000, 'is refused'), ('{"schema": NaN}', 'NaN'),
    ('\xff', 'is refused'), ('"' + 'a'*2**18 + '"', 'at most 262,144')])
def test_json_that_is_none(place, pictures, text, says):
    (place/'submission.json').write_bytes(text.encode('latin-1'))
    with pytest.raises(Refused, match='sprint/ada is refused') as e: verify(place, pictures)
    assert says in str(e.value)

def test_a_network_that_is_nested_without_end(place, pictures):
    deep = '{"layer": "Sequential", "layers": ['*3000 + ']}'*3000
    d = json.dumps(said(place) | dict(network={})).replace('"network": {}', f'"network": {deep}')
    (place/'submission.json').write_text(d)
    with pytest.raises(Refused, match='is refused'): verify(place, pictures)

def test_layers_within_layers(place, pictures):
    "Deep enough for a copy to fail later on, in a process without limits, and not for the judge's own calls."
    d = said(place)['network']
    for _ in range(60): d = dict(layer='Sequential', layers=[d])
    say(place, network=d)
    with pytest.raises(Refused, match='deeper than 30'): verify(place, pictures)

class Boom:
    "Would write a file when it is unpickled."
    def __init__(self, path): self.path = str(path)
    def __reduce__(self): return open, (self.path, 'w')

def test_a_pickle_is_not_opened(place, pictures, tmp_path):
    path = place/'model.npz'
    for data in (pickle.dumps(Boom(tmp_path/'ran')), npy(np.array([Boom(tmp_path/'ran')], object), allow_pickle=True)):
        path.write_bytes(data)
        with pytest.raises(Refused, match='damaged, or no npz'): verify(place, pictures)
    zipped(path, layers__2__w=npy(np.array([Boom(tmp_path/'ran')], object), allow_pickle=True))
    with pytest.raises(Refused, match='holds objects'): verify(place, pictures)
    assert not (tmp_path/'ran').exists()

@pytest.mark.parametrize('cut', [0, 1, 10, 100, 1000, -1, -22, -60])
def test_a_file_that_is_cut(place, pictures, cut):
    data = (place/'model.npz').read_bytes()
    (place/'model.npz').write_bytes(data[:cut])
    with pytest.raises(Refused, match='damaged, or no npz'): verify(place, pictures)

@pytest.mark.parametrize('seed', range(12))
def test_a_flipped_byte_is_refused_or_changes_nothing(place, net, pictures, seed):
    data = bytearray((place/'model.npz').read_bytes())
    data[np.random.default_rng(seed).integers(len(data))] ^= 1 << seed % 8
    (place/'model.npz').write_bytes(data)
    try: x = verify(place, pictures)
    except Refused: return
    assert claims_of(x) == claims_of(entry_of('ada', 'sprint', net, pictures))

def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path/'model.npz'
    zipped(path, a=head((10**8,)) + bytes(4*10**8//16))
    read = []
    plain = zipfile.ZipExtFile.read
    monkeypatch.setattr(zipfile.ZipExtFile, 'read', lambda self, n=-1: read.append(n) or plain(self, n))
    with pytest.raises(BadArchive, match=r'says that it unpacks to 25,000,128 bytes'): check_npz(path, LIMIT)
    assert path.stat().st_size < 30_000 and not read

def test_a_bomb_that_lies_about_its_size(tmp_path):
    "The directory of the zip says 200 bytes, and there are many more: no more than 200 are read."
    path = tmp_path/'model.npz'
    zipped(path, a=head((2**22,)) + bytes(2**24))
    data = path.read_bytes()
    size = (2**24 + len(head((2**22,)))).to_bytes(4, 'little')
    path.write_bytes(data.replace(size, (200).to_bytes(4, 'little')))
    with pytest.raises(BadArchive, match='which is not its size|Bad CRC-32'): check_npz(path, LIMIT)

@pytest.mark.parametrize('members, says', [
    (dict(a=head((10**13,)) + b'abc'), 'which is not its size'), (dict(a=head((2, 2)) + bytes(12)), 'not its size'),
    (dict(a=head((-1, 4)) + bytes(4)), 'is refused|not its size|damaged'), (dict(a=npy(np.array(['text']))), 'not numbers'),
    (dict(a=npy(np.zeros(2, 'f4,i4'))), 'not numbers'), (dict(a=b'\x93NUMPY\x09\x00' + bytes(100)), 'damaged'), (dict(a=b''), 'damaged'),
    ({f'a{i}': npy(np.zeros(1)) for i in range(1001)}, 'at most 1,000')])
def test_arrays_that_are_none(tmp_path, members, says):
    zipped(tmp_path/'model.npz', **members)
    with pytest.raises(BadArchive, match=says): check_npz(tmp_path/'model.npz', LIMIT)

def test_other_members_of_a_zip(tmp_path):
    path = tmp_path/'model.npz'
    with zipfile.ZipFile(path, 'w') as z: z.writestr('../../evil.py', 'boom')
    with pytest.raises(BadArchive, match='no array'): check_npz(path, LIMIT)
    with pytest.warns(UserWarning, match='Duplicate name'):
        with zipfile.ZipFile(path, 'w') as z: [z.writestr('a.npy', npy(np.zeros(1))) for _ in range(2)]
    with pytest.raises(BadArchive, match='two arrays of one name'): check_npz(path, LIMIT)
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_LZMA) as z: z.writestr('a.npy', npy(np.zeros(1)))
    with pytest.raises(BadArchive, match='unusual way'): check_npz(path, LIMIT)

def test_a_file_that_is_huge(place, pictures):
    with open(place/'model.npz', 'r+b') as f: f.truncate(2**34)       # a hole: takes no space on most disks
    with pytest.raises(Refused, match='17,179,869,184 bytes, and at most'): verify(place, pictures)

@unix
def test_links_are_not_followed(place, pictures, tmp_path):
    real = (place/'model.npz').rename(tmp_path/'elsewhere.npz')
    (place/'model.npz').symlink_to(real)
    with pytest.raises(Refused, match='model.npz is a link'): verify(place, pictures)
    (place/'model.npz').unlink()
    os.mkfifo(place/'model.npz')                                      # would wait for ever
    with pytest.raises(Refused, match='a link or no file'): verify(place, pictures)
    other = tmp_path/'sprint'/'bo'
    other.symlink_to(place)
    with pytest.raises(Refused, match='is a link'): verify(other, pictures)

@unix
def test_a_readme_is_a_file_and_small(place, pictures, tmp_path):
    path = place/'README.md'
    path.write_text('mine')
    assert verify(place, pictures).name == 'ada'
    path.write_text('a'*(2**18 + 1))
    with pytest.raises(Refused, match='README.md has 262,145 bytes'): verify(place, pictures)
    path.unlink()
    for make in (lambda: path.symlink_to(tmp_path/'secret'), path.mkdir):
        make()
        with pytest.raises(Refused, match='README.md is a link or no file'): verify(place, pictures)
        if path.is_symlink(): path.unlink()

@unix
def test_no_words_of_a_stranger_reach_a_terminal_as_they_are(place, net, pictures):
    "A line that begins with two colons is a command to the log of GitHub; an escape is one to a terminal."
    save_arrays(place/'model.npz', net.state_dict() | {'\n::add-mask::a\x1b[2J': np.zeros(1)})
    with pytest.raises(Refused, match='unexpected: .*::add-mask::a') as e: verify(place, pictures)
    assert str(e.value).isprintable()
    odd = place.parent.rename(place.parent.with_name('::error::\x1b[2J\n'))/'ada'
    for why in (verify_apart([odd])[odd], verify_apart([odd], secs=0)[odd]):
        assert why.startswith("'::error::\\x1b[2J\\n'/ada is refused") and why.isprintable()

def test_a_folder_with_something_else(place, pictures):
    (place/'conftest.py').write_text('boom')
    with pytest.raises(Refused, match="also holds 'conftest.py'"): verify(place, pictures)

@pytest.mark.parametrize('break_it, says', [
    (lambda a: a.pop('layers.2.b'), 'is refused'), (lambda a: a.update(more=np.zeros(3)), 'unexpected'),
    (lambda a: a.update({'layers.2.b': np.zeros(11, np.float32)}), 'expected shape'),
    (lambda a: a.update({'layers.2.w': np.zeros((192, 9), np.float32), 'layers.2.b': np.zeros(9, np.float32)}), 'gives'),
    (lambda a: a.update({'layers.2.w': np.full((192, 10), np.nan, np.float32)}), 'NaN'),
    (lambda a: a.update({'layers.2.w': np.full((192, 10), np.inf, np.float32)}), 'NaN or inf'),
    (lambda a: a.update({'layers.2.w': np.zeros((5, 10), np.float32)}), 'expected an input'),
    (lambda a: a.update({'layers.2.w': np.zeros((0, 10), np.float32)}), 'is refused'),
    (lambda a: a.update({'layers.2.w': np.zeros((), np.float32)}), 'is refused'),
    (lambda a: a.update({'layers.2.w': np.zeros((192, 10), np.int32)}), 'is refused')])
def test_arrays_that_do_not_fit(place, net, pictures, break_it, says):
    arrays = net.state_dict()
    break_it(arrays)
    save_arrays(place/'model.npz', arrays)
    with np.errstate(all='ignore'), pytest.raises(Refused) as e: verify(place, pictures)
    assert says in str(e.value)

@unix
def test_the_judge_survives_what_it_judges(net, pictures, tmp_path):
    "Three submissions: the one in the middle asks for gigabytes. The others are verified."
    good = [submit(net, tmp_path, 'sprint', name, (), pictures) for name in ('ada', 'cy')]
    huge = tmp_path/'sprint'/'bo'
    huge.mkdir()
    k, c = 31, 700                               # patches of 1,024 places with 31*31*700 numbers: 2.7 GB a picture
    arrays = {'layers.0.w': np.zeros((1, 1, 3, c), np.float32), 'layers.0.b': np.zeros(c, np.float32),
              'layers.1.w': np.zeros((k, k, c, 1), np.float16), 'layers.1.b': np.zeros(1, np.float32)}
    save_arrays(huge/'model.npz', arrays)
    same = dict(stride=[1, 1], padding='same', layer='Conv2d')
    network = dict(layer='Sequential', layers=[same, same, dict(layer='GlobalAvgPool2d')])
    (huge/'submission.json').write_text(json.dumps(said(good[0]) | dict(name='bo', network=network)))
    found = verify_apart([good[0], huge, good[1]], more=2**30)
    assert [x.name for x in (found[good[0]], found[good[1]])] == ['ada', 'cy']
    assert isinstance(found[huge], str) and 'sprint/bo is refused' in found[huge]

def test_a_judge_with_no_time(place):
    assert 'it took over 0 s' in verify_apart([place], secs=0)[place]

def test_others_cannot_change_the_pictures(place, net, pictures):
    "Another set of examples gives other numbers, and the claims are not those."
    from dataclasses import replace
    few = replace(pictures, x=pictures.x[:200], y=pictures.y[:200])
    with pytest.raises(Refused, match='the judge finds'): verify(place, few)


# --- all together

def test_a_contest(net, pictures, tmp_path):
    slow = Sequential(*net[:2], Dense(192, 600, np.random.default_rng(0)), Dense(600, 192, np.random.default_rng(0)), *net[2:])
    for i in (2, 3): slow[i].w.data[:] = 0
    n = np.arange(192)
    slow[2].w.data[n, n] = slow[3].w.data[n, n] = 1       # the same answers by a long way
    entries = [verify(submit(m, tmp_path, 'sprint', k, (), pictures), pictures) for k, m in dict(short=net, long=slow).items()]
    b = contest(EVENTS['sprint'], entries, pictures, repeats=36, builds=12)
    assert b['short'].places[0] == 1 and b['long'].places[1] == 2        # else the long one is surely faster
    assert {s.right for s in b.standings} == {entries[0].score.right} and all(0 < s.time[1] < s.time[0] for s in b.standings)
    small = contest(EVENTS['memory'], entries, pictures, repeats=6, builds=2)
    assert [(s.name, s.places) for s in small.standings] == [('short', (1, 1)), ('long', (2, 2))]
    page = write_board([b], tmp_path)
    text = page.read_text()
    assert 'latency sprint' in text and '<td>short</td>' in text and json.loads((tmp_path/'board.json').read_text())['schema'] == 1
    with pytest.raises(ValueError, match='two builds'): contest(EVENTS['sprint'], entries, pictures, builds=1)

def test_a_name_cannot_script_the_page(rng=np.random.default_rng(0)):
    secs = {k: rng.lognormal(-3, .1, (3, 4)) for k in ('reference', '<script>')}
    page = board_page([judged(EVENTS['sprint'], [an_entry('<script>')], records(secs))])
    assert '<script>' not in page and '&lt;script&gt;' in page

@pytest.mark.parametrize('task, make', [('kws01', keyword_network), ('vww01', face_network),
                                        pytest.param('ic02', large_picture_network, marks=pytest.mark.slow)])
def test_a_network_that_ships_enters_an_event_of_its_task(task, make, tmp_path):
    "It is judged on the examples of that task, in plain numbers and in integers, and on no others."
    if task == 'vww01': pytest.importorskip('skimage', reason='needs scikit-image')
    event, net = f'{task}-all-around', make()
    pictures = class_examples(task)
    x = verify(submit(net, tmp_path, event, 'ada', ['fold', 'integer']))
    assert (x.event, x.score.n, x.score.name) == (event, len(pictures.y), 'ada') and x.score.share > .9
    assert x.nbytes < entry_of('plain', event, fold(net), pictures).nbytes
    assert verify_apart([tmp_path/event/'ada'], 600)[tmp_path/event/'ada'].score.right == x.score.right
    say(tmp_path/event/'ada', event='all-around')                          # another task
    with pytest.raises(Refused, match='is refused'): verify(tmp_path/event/'ada')

def test_a_board_of_another_task(tmp_path):
    "Times are multiples of that task's reference, and so are bytes: the same network has about as many."
    entries = [verify(submit(keyword_network(), tmp_path, 'kws01-memory', k, steps)) for k, steps in (('ada', []), ('bo', ['fold']))]
    b = contest(EVENTS['kws01-memory'], entries, class_examples('kws01'), repeats=6, builds=2)
    assert [(s.name, s.places) for s in b.standings] == [('bo', (1, 1)), ('ada', (2, 2))] and b['ada'].score[0] == pytest.approx(1, abs=.01)
    assert 'memory challenge of kws01' in board_page([b]) and b.settings['data']['name'] == 'keywords by espeak-ng'

def test_a_task_without_its_package(tmp_path, monkeypatch):
    place = submit(face_network(), tmp_path, 'vww01-sprint', 'ada', (), vww := class_examples('vww01')) if has_faces() else None
    monkeypatch.setattr('tinybench.embedded.tasks.find_spec', lambda name: None)
    with pytest.raises(ValueError, match='vww01 needs scikit-image: pip install'): class_examples('vww01')
    if place:
        assert verify(place, vww).score.n == 80
        with pytest.raises(Refused, match='needs scikit-image'): verify(place)

def test_the_reference_is_resnet8():
    model, nbytes = reference()
    assert model.source.n_parameters() > 77_000 and nbytes > 4*77_000 and reference() is reference()
