"The official sets as `Examples` of their tasks, and the official stream"
import csv, io, json, wave
from collections.abc import Callable
from pathlib import Path
import numpy as np
from tinybench.data.audio import in_a_row, log_mel, mfcc
from tinybench.data.keywords import KEYWORDS, from_codes
from tinybench.data.source import CIFAR10_URL, load_cifar10
from tinybench.tasks.streaming import Stream, lfbe
from tinybench.tasks.task import Examples, official_pictures
from .bring import bring, is_here, keyword_files, where
from .members import members
from .sets import SETS, USED

def labels(text:str, classes:int, name:str) -> dict[str,int]:
    "What a table of labels says: a file, how many classes there are, and its class, in each line."
    try:
        rows = [(row[0].strip(), int(row[1]), int(row[2])) for row in csv.reader(text.splitlines()) if row]
    except (ValueError, IndexError) as e: raise ValueError(f'{name} is no table of labels ({e})') from e
    wrong = [file for file, n, label in rows if n != classes or not 0 <= label < classes]
    if wrong or not rows or len({file for file, *_ in rows}) < len(rows): raise ValueError(
        f'{name} does not give each of its {len(rows)} files one of {classes} classes')
    return {file: label for file, _, label in rows}

def stacked(table:dict, found:dict, name:str, read:Callable) -> np.ndarray:
    "`read` of each file of `table`, in its order; ValueError naming the first that is missing or bad."
    made = []
    for file in table:
        if file not in found: raise ValueError(f'{name} lacks {file}')
        try: made.append(read(found[file]))
        except Exception as e:           # a damaged picture or sound may raise almost anything
            raise ValueError(f'{name}: {file} cannot be read ({e})') from e
    return np.array(made)

def official(name:str, x:np.ndarray, table:dict, **more) -> Examples:
    return Examples(name, x, list(table.values()), official=True, **more)

def sound(data:bytes) -> np.ndarray:
    "The first channel of a wav file, −1 to 1; ValueError unless it has 16 bits and 16 kHz."
    with wave.open(io.BytesIO(data)) as w:
        about = w.getsampwidth(), w.getframerate()
        if about != (2, 16000): raise ValueError(
            '{} bytes a sample at {:,} Hz, not 2 at 16,000'.format(*about))
        return np.frombuffer(w.readframes(w.getnframes()), '<i2')[::w.getnchannels()]/32768

# --- keywords

def keyword_inputs(archive:Path) -> Examples:
    "The 1,000 inputs of the rules: int8 codes, made with TensorFlow's front end."
    found = keyword_files(archive)
    table = labels(found.pop('y_labels.csv', b'').decode(), len(KEYWORDS), f'y_labels.csv in {archive.name}')
    codes = stacked(table, found, archive.name, lambda d: np.frombuffer(d, np.int8).reshape(49, 10, 1))
    return official('Speech Commands', from_codes(codes), table)

def spoken_words(archive:Path) -> Examples:
    "The test part of Speech Commands, through our own front end."
    folders = {k.lower(): i for i, k in enumerate(KEYWORDS[:10])} | {'_silence_': 10, '_unknown_': 11}
    def key(name):
        parts = name.split('/')[-2:]
        return '/'.join(parts) if parts[0] in folders and parts[-1].endswith('.wav') else None
    found = members(archive, key, 1 << 20, 1 << 30)
    table = {k: folders[k.split('/')[0]] for k in sorted(found)}
    x = stacked(table, found, archive.name, lambda d: mfcc(sound(d)))
    lacking = set(range(len(KEYWORDS))) - {*table.values()}
    if lacking: raise ValueError(f'{archive.name} has no {", ".join(KEYWORDS[i] for i in sorted(lacking))}')
    return official('Speech Commands, all of its test part', x[..., None], table,
                    note='Through our own front end, and more than the 1,000 of the rules')

# --- pictures

def picture(data:bytes) -> np.ndarray:
    "A picture of 96x96, 0 to 1; ValueError if it has another size."
    from PIL import Image
    with Image.open(io.BytesIO(data), formats=('JPEG',)) as im:
        if im.size != (96, 96): raise ValueError('{}x{}, not 96x96'.format(*im.size))
        return np.asarray(im.convert('RGB'), np.float32)/255

def people(archive:Path, listed:Path) -> Examples:
    "The 1,000 pictures of the rules, half of them with people."
    table = labels(listed.read_text(), 2, str(listed))
    def at(file, label, part):
        return f'vw_coco2014_96/{("non_person", "person")[label]}/COCO_{part}2014_{Path(file).stem}.jpg'
    wanted = {at(*item, part): item[0] for item in table.items() for part in ('train', 'val')}
    found = members(archive, lambda name: wanted.get(name.removeprefix('./')), 1 << 20, 1 << 31)
    return official('COCO 2014', stacked(table, found, archive.name, picture), table,
                    note='From JPEGs, in which a little of the pixels of the rules is lost')

# --- machines

def machine_windows(data:bytes) -> np.ndarray:
    "The 196 windows of the frames 50 to 249 of a clip, (196, 640)."
    heard = log_mel(sound(data))[50:250]
    if len(heard) != 200: raise ValueError('shorter than 8 seconds')
    return in_a_row(heard)

def machines(archive:Path, listed:Path) -> Examples:
    "The 248 clips of the rules, 196 windows each."
    table = labels(listed.read_text(), 2, str(listed))
    wanted = {f'ToyCar/test/{k.removesuffix("_hist_librosa.bin")}.wav': k for k in table}
    found = members(archive, wanted.get, 1 << 22, 1 << 30)
    x = stacked(table, found, archive.name, machine_windows)
    clip = np.repeat(np.arange(len(table)), x.shape[1])
    return official('ToyADMOS ToyCar', x.reshape(-1, 640), table, clip=clip)

# --- what there is

READERS = {'kws01': keyword_inputs, 'speech-commands': spoken_words, 'vww01': people, 'ad01': machines}

def the_set(task:str) -> str|None:
    "The best official set of `task` whose files are on this machine; None without one."
    file = CIFAR10_URL.rpartition('/')[2]
    if task in ('ic01', 'ic02'): return 'cifar10' if where(file) else None
    return next((s for s in USED.get(task, ()) if is_here(s)), None)

def official_examples(task:str) -> Examples|None:
    "The official examples of `task`, if their files are on this machine; ValueError if these are damaged."
    name = the_set(task)
    if name is None or name == 'sww01': return None
    return official_pictures(load_cifar10()) if name == 'cifar10' else READERS[name](*bring(name))

def official_stream() -> Stream|None:
    "The official sound of sww01, if it is on this machine; ValueError if it is damaged."
    if the_set('sww01') is None: return None
    wav, listed = bring('sww01')
    try:
        (about,) = json.loads(listed.read_text())
        targets = np.array(about['detection_windows'], float).reshape(-1, 2)
        return Stream('sww01', lfbe(sound(wav.read_bytes())), targets, official=True)
    except (ValueError, KeyError, TypeError, EOFError, wave.Error) as e:
        raise ValueError(f'{wav} and {listed.name} are no stream with targets ({e})') from e
