"data.audio: both front ends equal the stored references; frames, bands and bad sounds."
import numpy as np
import pytest
from hypothesis import given, strategies as st
from tinybench.data.audio import dct, frames, htk_bands, in_a_row, log_mel, mel_htk, hz_htk, mel_slaney, hz_slaney, mfcc, slaney_bands

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
