"Twelve classes of keywords spoken by espeak-ng, as features of one second each: makes keywords.npz"
# python -m tinybench.embedded.keywords [FILE]      needs the program espeak-ng
# A clip depends on its number and `SEED` alone, so that a few can be made again and compared.
import json, sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
import numpy as np
from tinybench.base.files import shipped, write_whole
from tinybench.data.audio import mfcc
from tinybench.data.keywords import KEYWORDS, to_codes
from tinybench.embedded import espeak
from tinybench.embedded.espeak import ACCENTS, RATE, program, spoken, unit, version

SEED = 43                 # the first seed from 24 on by which one whisper trains and another one tests
# espeak-ng's variants: throat, mouth and melody. Some of its names are nearly the same sound (klatt, adam and
# caleb; steph, steph2 and steph3): of those that say "yes" with features less than 12 apart, one is here.
VOICES = '''m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5 croak whisper whisperf klatt klatt3 klatt5 Alex Alicia
    Andrea Andy Annie Denis Diogo Gene Jacky Lee Marco Mario Michael Nguyen Storm Tweaky anika antonio belinda
    boris david ed grandma gustave iven kaukovalta linda marcelo max norbert pablo paul pedro quincy rob
    sandro shelby steph travis victor zac'''.split()
PARTS = dict(train=(40, 7), valid=(8, 4), test=(12, 4))    # voices, and clips of each class by each of them
# what an Unknown says: words of all parts, and those of one part only
WORDS = '''bed bird cat dog house happy tree seven nine zero table music green paper river winter garden
    doctor light town yellow stone often under about morning apple chair sister rice family summer kitchen
    bread paint blue'''.split()
OWN_WORDS = dict(valid='window orange three mother plate book'.split(),
                 test='''marvin sheila wow visual forward learn brother market salt flower seaside
                         farm'''.split())
CHATTER = ('the water under the old bridge was cold that morning '
           'and many people came by with their dogs and children')
KINDS = 'white pink hum babble'.split()
SNR = 8, 30               # dB, lowest and highest

class Take(NamedTuple):
    "What clip number i is to hold; `voice` is also whose microphone hears it, if nothing is said."
    part: str
    voice: str
    label: int

def split_voices() -> dict[str, list[str]]:
    "The voices of each part: no two parts share one."
    order = iter(np.random.default_rng(SEED).permutation(VOICES).tolist())
    return {part: [next(order) for _ in range(n)] for part, (n, _) in PARTS.items()}

@cache
def takes() -> tuple[Take, ...]:
    return tuple(Take(part, v, label) for part, voices in split_voices().items() for v in voices
                 for label in range(len(KEYWORDS)) for _ in range(PARTS[part][1]))

# --- sounds

@cache
def chatter(voice:str) -> np.ndarray:
    "Some seconds of a voice that talks, repeated to at least three."
    x = spoken(voice, 'en-us', CHATTER, 170)
    return np.tile(x, -(-3*RATE//len(x)))

def noise(kind:str, others:list[str], rng:np.random.Generator) -> np.ndarray:
    "A second of noise with mean square 1; `others` are the voices that babble may be made of."
    if kind != 'babble': return espeak.noise(kind, RATE, rng)
    talk = [chatter(v) for v in rng.choice(others, 5, replace=False)]
    starts = [rng.integers(len(t) - RATE) for t in talk]
    return unit(sum(t[s:s + RATE]/np.abs(t).max() for t, s in zip(talk, starts)))

# --- clips

class Habits(NamedTuple):
    "What a speaker keeps from clip to clip."
    accent: str
    speed: int        # words a minute
    pitch: int        # 0 to 99
    tilt: float       # of the microphone: above 0, high frequencies are weaker

def habits(voice:str) -> Habits:
    r = np.random.default_rng([SEED, VOICES.index(voice)])
    accent, speed, pitch = str(r.choice(ACCENTS)), int(r.integers(135, 196)), int(r.integers(30, 71))
    return Habits(accent, speed, pitch, r.uniform(-.4, .4))

def clip(i:int) -> tuple[np.ndarray, dict]:
    "Codes (49, 10) of clip `i`, and what is in it."
    take, rng = takes()[i], np.random.default_rng([SEED, 1, i])
    own, others = habits(take.voice), [v for v in split_voices()[take.part] if v != take.voice]
    kind, snr = str(rng.choice(KINDS)), int(rng.integers(SNR[0], SNR[1] + 1))
    x, word = noise(kind, others, rng), KEYWORDS[take.label].lower()
    if word == 'unknown':
        new = OWN_WORDS.get(take.part)
        word = str(rng.choice(new if new and rng.random() < .5 else WORDS))
    if word == 'silence': word = ''
    else:
        speed, pitch = own.speed + int(rng.integers(-10, 11)), own.pitch + int(rng.integers(-5, 6))
        said = spoken(take.voice, own.accent, word, speed, pitch)[:RATE]
        x *= np.sqrt((said*said).mean())*10**(-snr/20)
        at = rng.integers(RATE - len(said) + 1)
        x[at:at + len(said)] += said
    facts = dict(part=take.part, voice=take.voice, label=take.label, word=word, kind=kind, snr=snr)
    return to_codes(mfcc(x + own.tilt*np.append(0, x[:-1]))), facts

def clips() -> Iterator[tuple[np.ndarray, dict]]:
    "All clips in order, two at a time."
    with ThreadPoolExecutor(2) as pool: yield from pool.map(clip, range(len(takes())))

def named(values:list[str], name:str) -> dict[str, np.ndarray]:
    "Texts as the few that there are, and the number of each."
    names, at = np.unique(values, return_inverse=True)
    return {f'{name}s': names, name: at.astype(np.uint8)}

def arrays(made:list) -> dict[str, np.ndarray]:
    "What the file holds. The codes of one coefficient stand together: so they compress to three quarters."
    codes, facts = zip(*made)
    column = {k: [f[k] for f in facts] for k in facts[0]}
    about = dict(made='python -m tinybench.embedded.keywords', espeak_ng=version(), seed=SEED, snr=SNR)
    out = dict(codes=np.moveaxis(np.stack(codes), -1, 0), label=np.array(column['label'], np.uint8),
               snr=np.array(column['snr'], np.int8), about=np.array(json.dumps(about)))
    for k in ('part', 'voice', 'word', 'kind'): out |= named(column[k], k)
    return out

def main(file:str|None=None) -> Path:
    "Make all clips and write them."
    try: program()
    except FileNotFoundError as e: raise SystemExit(str(e)) from None
    from tqdm import tqdm
    data = arrays(list(tqdm(clips(), total=len(takes()), unit='clip')))
    buffer = BytesIO()
    np.savez_compressed(buffer, **data)
    return write_whole(file or shipped('keywords.npz'), buffer.getvalue())

if __name__ == '__main__': main(*sys.argv[1:])
