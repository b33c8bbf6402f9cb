"base.files: a file is there whole or not at all."
import pytest
from tinybench.base.files import write_whole


def test_write_whole_takes_text_or_bytes(tmp_path):
    assert write_whole(tmp_path/'a', 'µ\n').read_bytes() == 'µ\n'.encode()
    assert write_whole(str(tmp_path/'a'), b'\x89PNG\r\n').read_bytes() == b'\x89PNG\r\n'
    with pytest.raises(TypeError): write_whole(tmp_path/'a', 3)
    assert (tmp_path/'a').read_bytes() == b'\x89PNG\r\n' and len(list(tmp_path.iterdir())) == 1
