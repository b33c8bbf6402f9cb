import pytest

@pytest.fixture(scope='session', autouse=True)
def cache(own_cache): "One cache for all tests of firmware: the run-time library of a processor takes seconds to compile."

@pytest.fixture(autouse=True)
def no_hanging(limited): "Boards wait for hosts, and hosts for boards."
