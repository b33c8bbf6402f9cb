"Which official sets there are: what they hold, whose they are, their files, and a digest of each"
from typing import NamedTuple

class File(NamedTuple):
    "A file that somebody published. Its digest is of a kind that `bring.DIGESTS` has."
    url: str
    name: str             # in a folder of data
    mb: float
    kind: str
    digest: str

class OfficialSet(NamedTuple):
    "Examples of a task: what they are, who allows what, and their files."
    what: str
    licence: str
    files: tuple

# The commits of mlcommons/tiny and of eembc/energyrunner that the rules, and the figures in tests, are from.
TINY = 'https://raw.githubusercontent.com/mlcommons/tiny/1afd2c9820f795965a6134facd0b4dfae41ef23f/benchmark/'
RUNNER = 'energyrunner-cf7c2f2634608a7c0ea7458ab7cb3379f2863424'
SILABS = 'https://www.silabs.com/public/files/github/machine_learning/benchmarks/datasets/'

def listed(task:str, digest:str) -> File:
    "The table that says which examples are those of `task`, and what they are."
    file = f'{task}/y_labels.csv'
    return File(f'{TINY}evaluation/datasets/{file}', file, .03, 'sha256', digest)
def heard(name:str, mb:float, blob:str) -> File:
    "A file of the official stream, told by its id in git."
    return File(f'{TINY}runner/sww_data_dir/{name}', f'sww01/{name}', mb, 'blob', blob)

SETS = {
    'kws01': OfficialSet(
        '1,000 inputs of kws01', 'words CC BY 4.0 (Warden); inputs EEMBC, none stated', (
            # GitHub may pack an archive anew, so the folder in it is compared
            File(f'https://github.com/eembc/energyrunner/archive/{RUNNER.partition("-")[2]}.tar.gz',
                 f'{RUNNER}.tar.gz', 3, 'tree', '23f4993b8a28401c25f77cca2bd5aaa95febde8f'),)),
    'speech-commands': OfficialSet(
        '4,890 words of Speech Commands v0.02, for kws01', 'CC BY 4.0 (Warden)', (
            File('https://storage.googleapis.com/download.tensorflow.org/data/'
                 'speech_commands_test_set_v0.02.tar.gz', 'speech_commands_test_set_v0.02.tar.gz', 113,
                 'sha256', 'cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df'),)),
    'vww01': OfficialSet(
        '1,000 pictures of COCO 2014 at 96x96, for vww01', 'pictures by their owners on Flickr (COCO)', (
            File(f'{SILABS}vw_coco2014_96.tar.gz', 'vw_coco2014_96.tar.gz', 235, 'sha256',
                 'f8746b9e44f8a7a4293f73be9ba6e8da9239fe69798d42364aae62b915cfab58'),
            listed('vww01', '3697ca57c48b23b21602ae9bdb32b1925407a1d41d79167cdfb365054cb9c33d'))),
    'ad01': OfficialSet(
        '248 clips of ToyADMOS, for ad01', 'CC BY-NC-SA 4.0 (NTT, Hitachi): not for business', (
            File('https://zenodo.org/records/3678171/files/dev_data_ToyCar.zip', 'dev_data_ToyCar.zip', 1817,
                 'md5', '4dec75ca8d9f666aa9e4c1894a740501'),
            listed('ad01', '4ecd91868e197ee0a6739d4bd7abde73eac2fa31e9a88d6bc6aedefa136ff2a4'))),
    'sww01': OfficialSet(
        '20 minutes with 50 wakewords, for sww01', 'Apache 2.0 (MLCommons); sounds CC BY 4.0', (
            heard('long_wav.wav', 77, '8af6a23b74e080826eacc84c766e5fc121520a4e'),
            heard('sww_long_test.json', .01, '442afb12b2b1d151faa68e282f702b87d0d0c131')))}

# A task's sets, the best first.
USED = dict(kws01=('kws01', 'speech-commands'), vww01=('vww01',), ad01=('ad01',), sww01=('sww01',))
