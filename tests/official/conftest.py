"A cache of one's own, and no folder of data."
import pytest

@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv('TINYBENCH_CACHE', str(tmp_path/'cache'))
    monkeypatch.delenv('TINYBENCH_DATA', raising=False)
    return tmp_path/'cache'
