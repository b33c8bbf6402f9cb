import pytest

@pytest.fixture(scope='session', autouse=True)
def cache(tmp_path_factory):
    "What is compiled here is kept for this session of tests only."
    with pytest.MonkeyPatch.context() as m:
        m.setenv('TINYBENCH_CACHE', str(tmp_path_factory.mktemp('cache')))
        yield
