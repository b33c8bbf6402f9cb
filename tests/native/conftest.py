import pytest

@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    "What a test compiles is kept for that test."
    monkeypatch.setenv('TINYBENCH_CACHE', str(tmp_path/'cache'))
