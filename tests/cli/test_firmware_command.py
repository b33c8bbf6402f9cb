"`tinybench firmware`: what is written, what is refused, and that nothing is half written."
import json, sys
from pathlib import Path
import pytest
from tinybench.cli import main
from tinybench.embedded.digits import PATH

for name in ('unicorn', 'elftools', 'ziglang'): pytest.importorskip(name, reason='needs the extra mcu')

@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, own_cache):
    monkeypatch.chdir(tmp_path)
    return tmp_path

def status(*args):
    with pytest.raises(SystemExit) as e: main(['firmware', *map(str, args)])
    return e.value.code or 0

def test_a_program_and_its_inference(folder, capsys):
    assert status(PATH, '--board', 'nucleo-l4r5zi', '--emulate', '--json') == 0
    found = json.loads(capsys.readouterr().out)
    assert found['board'] == 'nucleo-l4r5zi' and found['flash'] > 0
    assert {r['provenance'] for r in found['emulation']['results']} == {'measured', 'modelled'}
    written = {p.name for p in Path('firmware/digits').iterdir()}
    assert written == {'digits.c', 'digits.h', 'digits_weights.c', 'main.c', 'start.c', 'device.h', 'board.ld', 'digits.elf'}
    assert status(PATH, '--board', 'nucleo-l4r5zi', '--emulate') == 0         # its own folder is replaced
    said = capsys.readouterr().out
    assert 'RAM' in said and 'DDI 0439' in said
    assert {*found['emulation']['layers']} - {''} <= {line.split()[0] for line in said.splitlines() if line} and 'all else' in said

@pytest.mark.parametrize('args, says', [
    (['--board', 'nucleo'], "no board 'nucleo'"), (['--board', 'nukleo-l4r5zi'], "did you mean 'nucleo-l4r5zi'?"),
    (['--board', 'pico', '--shape', '8,8,1'], 'a file has all that it needs, and takes no shape'),
    (['--board', 'pico', '--weights', 'w.npz'], 'a file has all that it needs, and takes no weights'),
    (['--board', 'pico', '--examples', 'x.npy'], '--examples say nothing: this network has its grids'),
    (['--board', 'nucleo-l4r5zi', '--name', 'a b'], 'is no name in C')])
def test_refusals(args, says, folder, capsys):
    assert status(PATH, *args) == 1
    said = capsys.readouterr().err
    assert says in said and len(said.strip().splitlines()) == 1
    assert not [*folder.iterdir()]

def test_no_model_and_no_room(folder, capsys):
    assert status('none.tflite', '--board', 'pico') == 1 and 'no .tflite file at none.tflite' in capsys.readouterr().err
    (folder/'x.tflite').write_bytes(b'no model')
    assert status('x.tflite', '--board', 'pico') == 1 and 'it is no .tflite file' in capsys.readouterr().err
    (folder/'full').mkdir()
    (folder/'full'/'mine.txt').touch()
    assert status(PATH, '--board', 'nucleo-l4r5zi', '--out', 'full') == 1
    assert 'mine.txt, which is not of digits' in capsys.readouterr().err and [p.name for p in Path('full').iterdir()] == ['mine.txt']

def test_without_the_extra(capsys, monkeypatch):
    monkeypatch.setattr('tinybench.toolchain.cross.wheel', lambda: None)
    monkeypatch.setattr('tinybench.toolchain.cross.on_path', lambda said: None)
    assert status(PATH, '--board', 'nucleo-l4r5zi') == 1
    said = capsys.readouterr().err
    assert "pip install 'tinybench-ml[mcu]'" in said and said.count('\n') == 1

def test_what_is_not_installed_is_told_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, 'unicorn', None)
    assert status('mnist_mlp', '--board', 'pico', '--emulate', '--out', tmp_path/'out') == 1
    assert capsys.readouterr().err.strip() == "tinybench: unicorn is not installed: pip install 'tinybench-ml[mcu]'"
    assert not (tmp_path/'out').exists()
