"One cache for all tests of firmware: the run-time library of a processor takes seconds to compile."
import pytest

@pytest.fixture(scope='session', autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('TINYBENCH_CACHE', str(tmp_path_factory.mktemp('cache')))
        yield
