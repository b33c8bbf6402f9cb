"The official networks of keyword spotting on the stored half of the official inputs, by way of an archive in the official layout."
import io, re, tarfile

import numpy as np
import pytest

from filekit import official
from tinybench.base.files import shipped
from tinybench.cli import main
from tinybench.data.keywords import from_codes
from tinybench.embedded.tasks import keyword_network
from tinybench.exchange.tflite import tflite
from tinybench.models.zoo import probabilities
from tinybench.official import sets
from tinybench.official.bring import tree_id

@pytest.fixture
def half(reference_dir, monkeypatch, tmp_path):
    "A folder of data with every second input, in the place of all of them."
    z, path = np.load(reference_dir/'kws01_500.npz'), tmp_path/'data'/f'{sets.RUNNER}.tar.gz'
    files = {f'tst_{2*i:06}_{k}.bin': (x.tobytes(), k) for i, (x, k) in enumerate(zip(z['x_int8'], z['label']))}
    labels = ''.join(f'{name},12,{k}\n' for name, (_, k) in files.items())
    path.parent.mkdir()
    with tarfile.open(path, 'w:gz') as tar:
        for name, data in dict({k: d for k, (d, _) in files.items()}, **{'y_labels.csv': labels.encode()}).items():
            m = tarfile.TarInfo(f'{sets.RUNNER}/datasets/kws01/{name}')
            m.size = len(data)
            tar.addfile(m, io.BytesIO(data))
    (f,) = sets.SETS['kws01'].files
    monkeypatch.setitem(sets.SETS, 'kws01', sets.SETS['kws01']._replace(files=(f._replace(digest=tree_id(path)),)))
    monkeypatch.setenv('TINYBENCH_DATA', str(path.parent))

@pytest.mark.parametrize('form, right', [('int8', 453), ('float', 452)])
def test_as_many_are_right_as_were_stored(half, form, right, reference_dir, tmp_path, capsys):
    graph, _ = official('kws', reference_dir, form)
    (tmp_path/'net.tflite').write_bytes(tflite(graph))
    with pytest.raises(SystemExit) as e:
        main(['tasks', 'run', 'kws01', '--model', str(tmp_path/'net.tflite'), '--data', 'official', '--quick'])
    said = capsys.readouterr().out
    assert not e.value.code and f'accuracy {right/5:.1f}%' in said and 'Speech Commands, official' in said and 'undecided' in said

def test_what_heard_one_program_only_is_as_good_for_people_as_its_card_says(reference_dir):
    "514 of all 1,000 inputs are right; of the stored half it must be a share that the card's interval holds."
    z, card = np.load(reference_dir/'kws01_500.npz'), shipped('keywords_ds_cnn.md').read_text(encoding='utf-8')
    right = probabilities(keyword_network(), from_codes(z['x_int8'])[..., None]).argmax(1) == z['label']
    lo, hi = map(float, re.search(r'of the 1,000\*\* official inputs .*\n\(([\d.]+) to ([\d.]+)\)', card).groups())
    assert lo < 100*right.mean() < hi
