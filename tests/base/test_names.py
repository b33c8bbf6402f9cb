"The name that somebody meant: letters and digits count, half of them must be alike."
import pytest

from tinybench.base.names import lookup, meant, nearest_name, plain

ZOO = ['mnist_mlp', 'cifar_cnn', 'simple_cnn', 'ds_cnn', 'resnet8', 'mobilenet_v1_025', 'fc_autoencoder']

def test_plain(): assert plain('ResNet-8 (v1)') == 'resnet8v1'

@pytest.mark.parametrize('name', ZOO)
def test_miswritten_names_are_found(name):
    for seen in (name, name.upper(), name.replace('_', '-'), name.replace('_', ' ').title(), name[:-1], name + '?'):
        assert nearest_name(seen, ZOO) == name

def test_none_is_half_alike():
    for none in ('', '???', 'xyzzy'): assert nearest_name(none, ZOO) is None
    assert [nearest_name('abcd', [n]) for n in ('abxy', 'abxyz')] == ['abxy', None]    # 4/8 and 4/9 alike
    assert nearest_name('any', []) is None

def test_the_nearest_of_several():
    assert nearest_name('abcd', ('abxy', 'abcx', 'wxyz')) == 'abcx'
    assert nearest_name('a-b-c', ['abc', 'a-b-d']) == 'abc'    # hyphens do not count
    assert nearest_name('ds cnn', ['resnet8', 'DS_CNN']) == 'DS_CNN'    # as it is written there

def test_what_is_said_of_a_missing_name():
    assert meant('ab', ['abc', 'xyz']) == ", did you mean 'abc'? There are: abc, xyz"
    assert meant('q', ['abc']) == '. There are: abc' and meant('q', []) == '. There are: none'
    assert lookup('task', 'a', dict(a=1)) == 1
    with pytest.raises(ValueError, match=r"no task 'b'\. There are: a"): lookup('task', 'b', dict(a=1))
