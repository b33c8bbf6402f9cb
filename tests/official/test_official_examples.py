"official.examples: archives in the official layouts become the examples of their tasks, and nothing else does."
import json

import numpy as np
import pytest

from archivekit import codes, jpeg, kws01, put, put_kws01, served, table, tar_bytes, wav, zip_bytes
from tinybench.data.audio import in_a_row, log_mel, mfcc
from tinybench.data.keywords import KEYWORDS, to_codes
from tinybench.official.examples import labels, official_examples, official_stream, sound, the_set
from tinybench.official.bring import bring
from tinybench.official.sets import RUNNER
from tinybench.tasks.streaming import lfbe

NONE = 'kws01 vww01 ad01 ic01 ic02 sww01 other'.split()

def noise(n, seed=0): return np.random.default_rng(seed).integers(-9000, 9000, n).astype('<i2')

def test_without_files_there_is_nothing(cache):
    assert [the_set(t) for t in NONE] == [None]*7 and official_stream() is None
    assert [official_examples(t) for t in NONE] == [None]*7 and not cache.exists()


# --- labels

def test_labels():
    assert labels('a.bin,2,1\nb.bin, 2, 0,2560,512\n', 2, 't') == {'a.bin': 1, 'b.bin': 0}
    for text in ('', 'a', 'a,2', 'a,2,x', 'a,3,1', 'a,2,2', 'a,2,-1', 'a,2,1\na,2,0'):
        with pytest.raises(ValueError, match='^t '): labels(text, 2, 't')


# --- keywords

def test_inputs_of_keywords(monkeypatch, tmp_path, cache):
    x, y = put_kws01(monkeypatch, tmp_path, codes(20), np.arange(20) % 12)
    assert official_examples('kws01') is None
    bring('kws01')
    e = official_examples('kws01')
    assert e.official and e.x.shape == (20, 49, 10, 1) and e.x.dtype == np.float32 and e.y.tolist() == list(y)
    assert (to_codes(e.x[..., 0]) == x).all()

@pytest.mark.parametrize('change, says', [
    (lambda f: f[:3] + f[4:], 'lacks tst_000001'), (lambda f: f[:1] + f[2:], 'is no table of labels|does not give'),
    (lambda f: [(n, d[:-1] if n.endswith('Left_2.bin') else d) for n, d in f], 'Left_2.bin cannot be read')],
    ids=['missing', 'no table', 'short'])
def test_inputs_that_are_not_whole(change, says, monkeypatch, tmp_path, cache):
    data = tar_bytes(change(kws01(codes(12), range(12))))
    put(monkeypatch, tmp_path, 'kws01', [(f'{RUNNER}.tar.gz', data)])
    bring('kws01')
    with pytest.raises(ValueError, match=says): official_examples('kws01')

FOLDERS = [*(k.lower() for k in KEYWORDS[:10]), '_silence_', '_unknown_']

def words(n=2, **how):
    "Some words in each folder, shorter or longer, and what is not wanted."
    clips = {f'./{f}/{i}_nohash_0.wav': noise(16000 - 1000*i, 100*k + i) for k, f in enumerate(FOLDERS) for i in range(n)}
    extra = [('./README.md', b'words'), ('./_background_noise_/pink.wav', b'long'), ('./yes/deep/x.wav', b'x'), ('./yes/note.txt', b'x')]
    return clips, [*((k, wav(v, **how)) for k, v in clips.items()), *extra]

def test_speech_commands(monkeypatch, tmp_path, cache):
    clips, files = words()
    put(monkeypatch, tmp_path, 'speech-commands', [('speech.tar.gz', tar_bytes(files))])
    bring('speech-commands')
    assert the_set('kws01') == 'speech-commands'
    e = official_examples('kws01')
    assert e.official and len(e.y) == 24 and np.bincount(e.y).tolist() == [2]*12
    for k, name in ((0, './down/0_nohash_0.wav'), (1, './down/1_nohash_0.wav')):
        i = np.flatnonzero(e.y == 0)[k]
        assert (e.x[i, :, :, 0] == mfcc(clips[name]/32768)).all()
    put_kws01(monkeypatch, tmp_path)
    bring('kws01')
    assert len(official_examples('kws01').y) == 12                        # the inputs of the rules come first

def test_speech_that_cannot_be_read(monkeypatch, tmp_path, cache):
    for k, (files, says) in enumerate(((words(rate=8000)[1], '2 bytes a sample at 8,000 Hz'), (words()[1][2:], 'has no Down'), ([], 'Unknown'),
                                       ([('down/x.wav', b'RIFF')], 'x.wav cannot be read'), ([('down/x.wav', wav(noise(16001)))], 'at most 16000'))):
        put(monkeypatch, tmp_path, 'speech-commands', [(f'{k}.tar.gz', tar_bytes(files))])
        bring('speech-commands')
        with pytest.raises(ValueError, match=says): official_examples('kws01')

def test_sound():
    assert (sound(wav([-32768, 0, 16384])) == [-1, 0, .5]).all()
    assert (sound(wav([1, 2, 3], channels=2)) == sound(wav([1, 2, 3]))).all()


# --- pictures

def smooth_picture(seed):
    a = np.random.default_rng(seed).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    return a.repeat(24, 0).repeat(24, 1)

def people(size=None):
    pictures = {f'{i:012}': smooth_picture(i) for i in range(6)}
    at = [('person', 'non_person')[i % 2] for i in range(6)]
    files = [(f'vw_coco2014_96/{f}/COCO_{"train" if k.endswith("3") else "val"}2014_{k}.jpg', jpeg(x[:size])) for f, (k, x) in zip(at, pictures.items())]
    files += [('vw_coco2014_96/non_person/COCO_val2014_000000000000.jpg', b'x'), ('vw_coco2014_96/person/COCO_val2014_9.jpg', b'x')]
    return pictures, files, table([(f'{k}.bin', 2, 1 - i % 2) for i, k in enumerate(pictures)])

def test_people(monkeypatch, tmp_path, cache):
    pictures, files, rows = people()
    put(monkeypatch, tmp_path, 'vww01', [('v.tar.gz', tar_bytes(files)), ('vww01/y_labels.csv', rows)])
    bring('vww01')
    e = official_examples('vww01')
    assert e.official and e.x.shape == (6, 96, 96, 3) and e.x.dtype == np.float32 and e.y.tolist() == [1, 0]*3
    assert 0 <= e.x.min() and e.x.max() <= 1
    for x, truth in zip(e.x, pictures.values()): assert np.abs(x[8:16, 8:16]*255 - truth[8:16, 8:16]).max() <= 8      # JPEG loses little within a tile

def test_people_that_are_not_there(monkeypatch, tmp_path, cache):
    _, files, rows = people()
    twice = [*files, (files[0][0].replace('_val', '_train'), b'x')]
    for k, (files, says) in enumerate(((people(90)[1], '96x90, not 96x96'), (twice, 'twice'), (files[1:], 'lacks 000000000000.bin'),
                                       ([(n, b'GIF89a') for n, _ in files], 'cannot be read'))):
        put(monkeypatch, tmp_path, 'vww01', [(f'{k}.tar.gz', tar_bytes(files)), (f'{k}.csv', rows)])
        bring('vww01')
        with pytest.raises(ValueError, match=says): official_examples('vww01')


# --- machines

def cars(secs=9):
    clips = {f'{kind}_id_0{i}_0000000{i}': noise(int(16000*secs), i) for i, kind in enumerate(('normal', 'anomaly', 'normal'))}
    files = [(f'ToyCar/test/{k}.wav', wav(x)) for k, x in clips.items()] + [('ToyCar/train/normal_id_01_00000000.wav', b'x')]
    return clips, zip_bytes(files), table([(f'{k}_hist_librosa.bin', 2, int(k[0] == 'a'), 2560, 512) for k in clips])

def test_machines(monkeypatch, tmp_path, cache):
    clips, data, rows = cars()
    put(monkeypatch, tmp_path, 'ad01', [('c.zip', data), ('ad01/y_labels.csv', rows)])
    bring('ad01')
    e = official_examples('ad01')
    assert e.official and e.x.shape == (3*196, 640) and e.x.dtype == np.float32 and e.y.tolist() == [0, 1, 0]
    assert np.bincount(e.clip).tolist() == [196]*3
    last = log_mel(list(clips.values())[2]/32768)[50:250]
    assert (e.x[2*196:] == in_a_row(last)).all() and (e.x[2*196, :128] == last[0]).all() and (e.x[-1, -128:] == last[-1]).all()

def test_machines_from_a_server(monkeypatch, tmp_path, cache):
    "Cut off while it comes, a file is not there; nor is a set of which one file is missing. Once whole, the set is judged on."
    _, data, rows = cars()
    put(monkeypatch, tmp_path, 'ad01', [('c.zip', data), ('ad01/y_labels.csv', rows)])
    with served(monkeypatch, 'ad01', tmp_path, hang_up_after=len(data)//2):
        with pytest.raises(ValueError, match=f'c.zip: not the file that was published, but {len(data)//2:,} bytes, damaged or cut'): bring('ad01')
    assert the_set('ad01') is None and [p.name for p in cache.iterdir()] == ['c.zip.corrupt']
    listed = tmp_path/'published'/'ad01-1'
    listed.rename(tmp_path/'away')
    with served(monkeypatch, 'ad01', tmp_path):
        with pytest.raises(ConnectionError, match='(?s)cannot download http://127.0.0.1:.*404.*y_labels.csv'): bring('ad01')
        assert the_set('ad01') is None and official_examples('ad01') is None and (cache/'c.zip').exists()
        (tmp_path/'away').rename(listed)
        assert [p.read_bytes() for p in bring('ad01')] == [data, rows]
    assert the_set('ad01') == 'ad01' and official_examples('ad01').y.tolist() == [0, 1, 0]

def test_machines_that_are_too_short(monkeypatch, tmp_path, cache):
    _, data, rows = cars(7.5)
    put(monkeypatch, tmp_path, 'ad01', [('c.zip', data), ('ad01/y_labels.csv', rows)])
    bring('ad01')
    with pytest.raises(ValueError, match='normal_id_00_00000000_hist_librosa.bin cannot be read .shorter than 8 seconds'): official_examples('ad01')


# --- the stream

def test_stream(monkeypatch, tmp_path, cache):
    x, about = noise(48000), [dict(wav_file='long_wav.wav', length_sec=3., detection_windows=[[.5, 1.], [2, 2.5]])]
    put(monkeypatch, tmp_path, 'sww01', [('s.wav', wav(x, 2)), ('s.json', json.dumps(about).encode())])
    bring('sww01')
    s = official_stream()
    assert s.official and (s.x == lfbe(x/32768)).all() and s.targets.tolist() == [[.5, 1], [2, 2.5]] and official_examples('sww01') is None
    for k, wrong in enumerate(('', '[]', '{}', '[{}]', '[{"detection_windows": [1, 2, 3]}]')):
        put(monkeypatch, tmp_path, 'sww01', [('s.wav', wav(x, 2)), (f'{k}.json', wrong.encode())])
        bring('sww01')
        with pytest.raises(ValueError, match='no stream with targets'): official_stream()
