"Two profiles that the tests of this folder share."
import pytest

from profilekit import X, Y, batch, rng, small
from tinybench.models.zoo import create
from tinybench.nn.optim import Adam
from tinybench.profile.profiler import profile


@pytest.fixture(scope='session')
def inference(): return profile(create('resnet8', rng()), batch('resnet8'), repeats=8, name='resnet8')

@pytest.fixture(scope='session')
def training():
    net = small()
    return profile(net, X, Y, opt=Adam(net.parameters()), repeats=8, seed=3, name='small')
