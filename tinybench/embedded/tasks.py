"What each task of TinyMLPerf is judged on if no official set is there, and a network that was trained for it"
from collections.abc import Callable
from importlib.util import find_spec
import numpy as np

from tinybench.base.files import shipped
from tinybench.data.audio import in_a_row
from tinybench.data.keywords import keyword_clips
from tinybench.data.sounds import machine_clips
from tinybench.data.source import stratified_split
from tinybench.embedded.machines import machine_network
from tinybench.embedded.pack import with_shipped
from tinybench.models.zoo import ds_cnn, mobilenet_v1_025, resnet8
from tinybench.nn.module import Module
from tinybench.tasks.task import TASKS, Examples, digit_pictures


def keyword_examples(split:str='test') -> Examples:
    "The keywords of twelve voices that no training heard; or those to 'train'."
    c = keyword_clips(split)
    note = 'No training heard its voices' if split == 'test' else ''
    return Examples('keywords by espeak-ng', c.x[..., None], c.label, note=note)

def machine_examples() -> Examples:
    "480 clips of machine sounds, half of them faulty, 57 windows each: some seconds to make."
    frames, clips = machine_clips('test')
    windows = in_a_row(frames)
    faulty, clip = [int(c.fault != '') for c in clips], np.repeat(np.arange(len(clips)), windows.shape[1])
    return Examples('machine sounds from a seed', np.ascontiguousarray(windows.reshape(-1, 640)),
                    np.array(faulty), clip=clip, note='Synthetic motors and faults')

def has_faces() -> bool: return find_spec('skimage') is not None

def face_pictures(split:str='test') -> Examples|None:
    "80 of scikit-image's 200 pictures, 1 for a face, or the others to 'train'; None without scikit-image."
    if split not in ('train', 'test'): raise ValueError(f"the pictures to 'train' or 'test', not {split!r}")
    if not has_faces(): return None
    from skimage.data import lfw_subset
    x, y = lfw_subset(), (np.arange(200) < 100).astype(int)      # of 25x25, 0 to 1; faces first
    train, test = stratified_split(y, .4, np.random.default_rng(0))
    rows = test if split == 'test' else train
    large = x[rows].repeat(4, 1).repeat(4, 2)[:, 2:98, 2:98, None]
    return Examples('faces of scikit-image', np.repeat(large, 3, -1).astype(np.float32), y[rows],
                    note='Pictures of 25x25, grey, at 96x96, in place of photographs of people')

EXAMPLES: dict[str, Callable[..., Examples|None]] = dict(
    kws01=keyword_examples, vww01=face_pictures, ad01=machine_examples, ic01=digit_pictures,
    ic02=digit_pictures)

def embedded_examples(task:str) -> Examples|None:
    "What ships for `task`; None if nothing does."
    return EXAMPLES[task]() if task in EXAMPLES else None


CLASSES = {k: EXAMPLES[k] for k in ('kws01', 'vww01', 'ic01', 'ic02')}    # their answers are classes
def class_examples(task:str, split:str='test') -> Examples:
    "The examples that ship for a task whose answers are classes; ValueError if a package is missing."
    found = CLASSES[task](split)
    if found is None: raise ValueError(f'{task} needs scikit-image: pip install "tinybench-ml[faces]"')
    return found

def keyword_network() -> Module:
    "DS-CNN, trained by nbs/train_keywords.ipynb."
    return ds_cnn(np.random.default_rng(0)).load(shipped('keywords_ds_cnn.npz')).eval()

def picture_network() -> Module:
    "ResNet-8, trained on pictures of digits by nbs/train_digits.ipynb."
    return with_shipped(resnet8(np.random.default_rng(0)), 'pictures.npz')

def large_picture_network() -> Module:
    "ResNet-8 with 40 filters in place of 16, trained on the same pictures by nbs/train_digits_large.ipynb."
    return with_shipped(resnet8(np.random.default_rng(0), **TASKS['ic02'].options), 'pictures_large.npz')

def face_network() -> Module:
    "MobileNetV1-0.25, trained on the pictures of scikit-image by nbs/train_faces.ipynb."
    return with_shipped(mobilenet_v1_025(np.random.default_rng(0)), 'faces.npz')

NETWORKS: dict[str, Callable[[], Module]] = dict(
    kws01=keyword_network, vww01=face_network, ad01=machine_network, ic01=picture_network,
    ic02=large_picture_network)

def embedded_network(task:str) -> Module|None:
    "The network that ships for `task`, in evaluation mode; None if none does."
    return NETWORKS[task]() if task in NETWORKS else None
