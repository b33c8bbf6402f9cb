"Steps on disk: whole, of this experiment only, and refused in words if not."
import json
import pytest
from benchkit import broken_steps
from hypothesis import given, strategies as st
from tinybench.bench.steps import (DamagedStep, differences, fingerprint, load_step, open_steps, save_step,
                                   step_file)
from tinybench.bench.suite import Step

def test_step_files_are_short_plain_and_different():
    odd = ['a', 'A', 'a/b', '../a', 'a b', 'a-b', 'ä', '', 'x'*400, 'x'*401, 'CON', 'a:b', 'a\nb', '\ud800']
    found = [step_file(str(Step('accuracy', k, 'toy'))) for k in odd]
    assert len({f.lower() for f in found}) == len(odd)
    assert all(len(f) <= 90 and set(f) <= set('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-') for f in found)
    assert str(Step('accuracy', 'a:b', 'c')) != str(Step('accuracy', 'a', 'b:c'))

plain_values = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
                            lambda s: st.lists(s, max_size=3) | st.dictionaries(st.text(max_size=3), s, max_size=3), max_leaves=8)

@given(plain_values, plain_values)
def test_fingerprints_differ_where_values_do(a, b):
    assert (fingerprint(a) == fingerprint(b)) == (json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True))

@given(st.dictionaries(st.text(max_size=3), plain_values, max_size=4), st.dictionaries(st.text(max_size=3), plain_values, max_size=4))
def test_what_differs_is_named(a, b):
    assert differences(a, a) == []
    for words in differences(a, b): assert 'there' in words and 'here' in words

def test_differences_forgive_the_rounding_of_answers_only():
    assert differences(dict(answers=[1., 0.]), dict(answers=[1.0001, -.0001])) == []
    assert differences(dict(answers=[1., 0.]), dict(answers=[1.01, 0.])) and differences(dict(band=.02), dict(band=.0201))
    assert differences(dict(n=1), dict(n=True)) and differences(dict(a=[1., 2.]), dict(a=[1.]))

@given(st.dictionaries(st.text(max_size=5), plain_values, max_size=4))
def test_a_step_comes_back_as_it_was(tmp_path_factory, body):
    steps, mark = open_steps(tmp_path_factory.mktemp('s'), dict(repeats=30))
    assert load_step(steps, 'latency:1', mark) is None
    save_step(steps, 'latency:1', mark, body)
    assert load_step(steps, 'latency:1', mark) == body and load_step(steps, 'latency:2', mark) is None

def test_a_damaged_step_is_named(tmp_path):
    steps, mark = open_steps(tmp_path, {})
    path = save_step(steps, 'latency:1', mark, dict(median=3.))
    for says, wrong in broken_steps(path.read_text()):
        path.write_bytes(wrong if isinstance(wrong, bytes) else wrong.encode())
        with pytest.raises(DamagedStep, match=says) as e: load_step(steps, 'latency:1', mark)
        assert path.name in str(e.value)

def test_other_settings_and_other_schemas_are_refused(tmp_path):
    steps, mark = open_steps(tmp_path, dict(repeats=30, models=dict(a=dict(weights='f0'))))
    assert open_steps(tmp_path, dict(models=dict(a=dict(weights='f0')), repeats=30)) == (steps, mark)
    with pytest.raises(ValueError, match=r'repeats \(30 there, 20 here\); models.a.weights \("f0" there, "f1" here\). Name another'):
        open_steps(tmp_path, dict(repeats=20, models=dict(a=dict(weights='f1'))))
    with pytest.raises(ValueError, match='measured with other settings'):
        load_step(steps, 'x', save_step(steps, 'x', 'other', {}) and mark)
    path = save_step(steps, 'y', mark, {})
    path.write_text(json.dumps(json.loads(path.read_text()) | dict(schema=0)))
    with pytest.raises(ValueError, match='schema 0: tinybench .* knows schema 1 only') as e: load_step(steps, 'y', mark)
    assert not isinstance(e.value, DamagedStep)
    noted = steps/'settings.json'
    for wrong, says in (('{"sch', 'damaged'), ('{"schema": 0, "settings": {}}', 'schema 0'), ('[]', 'schema None')):
        noted.write_text(wrong)
        with pytest.raises(ValueError, match=says): open_steps(tmp_path, {})
    noted.unlink()
    with pytest.raises(FileExistsError, match='no settings.json'): open_steps(tmp_path, {})

def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path/'file').touch()
    with pytest.raises(OSError, match=r'cannot make the folder .*file'): open_steps(tmp_path/'file'/'x', {})
