"data.audio: both front ends equal the stored references; frames, bands and bad sounds."
import numpy as np
import pytest
from hypothesis import given, strategies as st
from tinybench.data.audio import (dct, frames, hann, htk_bands, hz_htk, hz_slaney, in_a_row, log_mel, mel_htk, mel_slaney, mfcc,
                                   one_second, slaney_bands, spectra, triangles)

@pytest.fixture(scope='module')
def stored(reference_dir): return np.load(reference_dir/'frontends.npz')

@pytest.mark.parametrize('kind', ['real', 'synth'])
def test_mfcc_equals_the_reference(stored, kind):
    got, want = mfcc(stored[f'mfcc_audio_{kind}']), stored[f'mfcc_{kind}_tf']
    assert got.dtype == np.float32 and got.shape == want.shape
    np.testing.assert_allclose(got, want, atol=2e-4)

def test_the_keyword_network_gets_the_stored_codes(stored):
    codes = np.clip(np.rint(mfcc(stored['mfcc_audio_real'])/0.5847029) + 83, -128, 127)
    assert (codes == stored['mfcc_real_int8']).mean() > .999 and np.abs(codes - stored['mfcc_real_int8']).max() <= 1

def test_bands_equal_the_reference(stored):
    np.testing.assert_allclose(htk_bands(), stored['mfcc_mel_matrix'], atol=1e-5)
    np.testing.assert_allclose(slaney_bands().T, stored['logmel_filterbank'], atol=1e-7)

def test_log_mel_equals_the_reference(stored):
    got = log_mel(stored['logmel_audio'])
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, stored['logmel_librosa'], atol=1e-4)

def test_windows_of_the_machine_task(stored):
    clip = stored['toyadmos_logmel_normal_id_01_00000000']
    rows = in_a_row(clip)
    assert rows.shape == (196, 640) and (rows[7] == clip[7:12].ravel()).all() and np.shares_memory(rows, clip)

@given(st.floats(0, 8000))
def test_mel_scales_have_a_way_back(f):
    assert hz_htk(mel_htk(f)) == pytest.approx(f, abs=1e-6) and hz_slaney(mel_slaney(f)) == pytest.approx(f, abs=1e-6)

@given(st.floats(.01, 30), st.integers(0, 20))
def test_loudness_does_not_matter_to_mfcc(gain, seed):
    x = np.random.default_rng(seed).normal(size=8000)
    np.testing.assert_allclose(mfcc(gain*x), mfcc(x), atol=1e-3)

def test_short_silent_and_long_sounds():
    r = np.random.default_rng(0)
    x = r.normal(size=9000)
    assert (mfcc(x) == mfcc(np.pad(x, (0, 7000)))).all()
    for silent in (np.zeros(16000), np.zeros(0), -np.ones(16000)): assert np.isfinite(mfcc(silent)).all()
    assert np.isfinite(log_mel(np.zeros(4000))).all() and log_mel(np.zeros(4000)).min() == pytest.approx(-156.5, abs=.1)
    with pytest.raises(ValueError, match='16001 samples: at most 16000'): mfcc(np.zeros(16001))
    with pytest.raises(ValueError, match='no frame of 480 samples, one every 320, in a sound of 100'): frames(np.zeros(100), 480, 320)

def test_whole_numbers_and_batches():
    r = np.random.default_rng(1)
    x = r.integers(-2000, 2000, (2, 3, 16000)).astype(np.int16)
    assert mfcc(x).shape == (2, 3, 49, 10) and (mfcc(x)[1, 2] == mfcc(x[1, 2])).all()
    np.testing.assert_allclose(mfcc(x), mfcc(x.astype('float64')), atol=1e-6)
    assert log_mel(x).shape == (2, 3, 32, 128)

def test_nothing_given_is_changed_and_shared_tables_cannot_be():
    x = np.random.default_rng(2).normal(size=16000)
    before = x.copy()
    mfcc(x), log_mel(x)
    assert (x == before).all()
    for table in (htk_bands(), slaney_bands()):
        with pytest.raises(ValueError): table[0, 0] = 1

@pytest.mark.parametrize('front', [mfcc, log_mel])
@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_is_refused_in_words(front, bad):
    x = np.zeros((2, 3, 5000), 'float32')
    x[1, 2, 70] = bad
    with pytest.raises(ValueError, match=r'1 of 30000 samples are NaN or infinite, the first at \[1, 2, 70\]'): front(x)
    with pytest.raises(ValueError, match='2 of 3 samples .* the first at .1.'): front([0, bad, bad])
    with pytest.raises(ValueError, match='0.5 is a number: a sound is an array of samples'): front(.5)

@pytest.mark.parametrize('front, n, shape', [(mfcc, 16000, (49, 10)), (log_mel, 2048, (5, 128))])
def test_each_sound_of_a_batch_is_as_if_alone(front, n, shape):
    x = np.random.default_rng(3).normal(size=(2, 3, n))*np.array([[1, 10, .1]]*2)[..., None]
    x[0, 1] = 0
    got = front(x)
    assert got.dtype == np.float32 and got.shape == (2, 3, *shape)
    for i in np.ndindex(2, 3): np.testing.assert_allclose(got[i], front(x[i]), atol=1e-4)
    assert front(x[:0]).shape == (0, 3, *shape)
    np.testing.assert_array_equal(front(x[0, 0].tolist()), front(x[0, 0]))

def test_int16_does_not_overflow():
    x = np.full(16000, -32768, np.int16)
    x[::2] = 32767
    for front in (mfcc, log_mel): np.testing.assert_array_equal(front(x), front(x.astype(float)))
    assert one_second(x).dtype == np.float64

def test_log_mel_of_ten_times_the_sound_is_20_dB_more():
    x = np.random.default_rng(4).normal(size=9000)
    np.testing.assert_allclose(log_mel(10*x), log_mel(x) + 20, atol=1e-4)

@pytest.mark.parametrize('size, hop', [(3, 10), (1, 40), (5, 5), (40, 1), (40, 99)])
def test_frames_with_any_hop_are_views_that_cannot_be_written(size, hop):
    for x in (np.arange(80.).reshape(2, 40), np.arange(160.).reshape(2, 80)[:, ::2], np.arange(80, dtype='int16').reshape(40, 2).T):
        got = frames(x, size, hop)
        np.testing.assert_array_equal(got, np.stack([x[:, i:i + size] for i in range(0, 41 - size, hop)], 1))
        assert np.shares_memory(got, x) and not got.flags.writeable
    for bad in ((41, 1), (0, 1), (1, 0), (-1, 1), (1, -1)):
        with pytest.raises(ValueError, match='no frame of'): frames(x, *bad)

def test_too_few_frames_in_a_row_are_refused_in_frames():
    with pytest.raises(ValueError, match='4 frames: fewer than k = 5'): in_a_row(np.zeros((4, 128)))
    with pytest.raises(ValueError): in_a_row(np.zeros((4, 128)), 0)

def test_windows_equal_scipy():
    from scipy.signal.windows import hann as theirs
    for n in (2, 5, 480, 1024):
        np.testing.assert_allclose(hann(n), theirs(n, sym=False), atol=1e-15)
        np.testing.assert_allclose(hann(n, periodic=False), theirs(n), atol=1e-15)

def test_a_tone_is_largest_at_its_frequency():
    for k in (5, 32, 200):
        x = np.cos(2*np.pi*k*31.25*np.arange(16000)/16000)
        assert (spectra(x, 480, 320, 512).argmax(-1) == k).all()

def test_mel_scales_rise_and_slaney_bands_have_area_1():
    f = np.linspace(0, 8000, 4001)
    for mel in (mel_htk, mel_slaney): assert (np.diff(mel(f)) > 0).all() and mel(0) == 0
    fine = slaney_bands(n_fft=2**16)
    np.testing.assert_allclose(fine.sum(0)*16000/2**16, 1, rtol=1e-3)
    inside = triangles(np.linspace(1, 8, 50), np.arange(10.))
    np.testing.assert_allclose(inside.sum(1), 1)
