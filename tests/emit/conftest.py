import pytest

@pytest.fixture(scope='session', autouse=True)
def cache(own_cache): "The C of these tests is in a cache of their own."
