"Long sounds in which espeak-ng says a wakeword among other words: makes wakeword.npz, to judge on"
# python -m tinybench.embedded.wakeword [FILE]      needs the program espeak-ng
# A sound depends on `SEED`, its part and its number alone. No two parts share a voice, a sentence or
# a word that is like the wakeword.
import json, sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
import numpy as np
from tinybench.base.files import shipped, write_whole
from tinybench.embedded import espeak
from tinybench.embedded.espeak import ACCENTS, RATE, program, unit, version
from tinybench.tasks.streaming import lfbe

SEED, WAKEWORD = 78, 'marvin'
# espeak-ng's variants, without robots and without some that are nearly another of the list
VOICES = '''
    m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5 croak klatt klatt3 klatt5 Alex Alicia Andrea Andy
    Annie Denis Diogo Gene Jacky Lee Marco Mario Michael Nguyen Storm anika antonio belinda
    boris david ed grandma gustave iven kaukovalta linda marcelo max norbert pablo paul pedro
    quincy rob sandro shelby steph travis victor zac'''.split()
PARTS = dict(train=34, valid=10, test=13)      # how many voices
WORDS = '''
    yes no up down left right on off stop go bed bird cat dog house happy tree seven nine zero
    table music green paper river winter garden doctor light town yellow stone often under
    about apple chair sister water goal window orange three visual forward learn follow sheila
    six two five kitchen letter summer person number money'''.split()
LIKE = {part: words.split() for part, words in dict(
    train='martin marlin marvel marble starving market carving morning moving arvid party smiling',
    valid='martian marching margin harvest carpet charming marsh marriage',
    test='darwin marina larva farming marzipan carbon mark driving').items()}
TALK = dict(
    train='''
        The water under the old bridge was cold that morning. Many people came by with their dogs
        and children. She put the letters on the table and opened every one of them. Nobody could
        say when the train would arrive. He painted the door twice and it was still the wrong
        colour. They sold apples and honey near the station. My brother keeps his tools in a very
        small garden house. The last bus to the harbour left an hour ago. We measured everything
        three times and wrote it into a large book. Most of the windows were open all night.''',
    valid='''
        The farmer looked at the sky and decided to wait. A violin is much harder to play than it
        seems. Our neighbours have moved to a village in the mountains. You may turn off the light
        when you go to sleep. The museum opens at ten and closes before dinner. It was the first
        warm evening of the whole year.''',
    test='''
        The captain asked his crew to paint the ship again. Some of these stories are older than the
        town. I would rather walk home than wait for another hour. Her answer was short, but it was
        right. The market place is empty on a rainy Monday afternoon. Birds gather on the roof
        before they fly south. Give me the green folder and keep the other one. They argued about
        the price of a used piano.''')
KINDS = 'quiet white pink hum babble'.split()
GAPS = (.05, .3), (.3, 2.5)           # seconds: within running speech, and else

class Said(NamedTuple):
    "One thing that is said, and how: words a minute, pitch of 0 to 99, loudness in dB."
    text: str
    voice: str
    accent: str
    speed: int
    pitch: int
    dB: float

class Sound(NamedTuple):
    "A long sound at 16 kHz, where its wakewords begin and end in seconds, and all that is said in it."
    x: np.ndarray
    targets: np.ndarray       # (k, 2)
    said: list                # of (start, end, text)

def voices() -> dict[str, list[str]]:
    "The voices of each part."
    order = iter(np.random.default_rng(SEED).permutation(VOICES).tolist())
    return {part: [next(order) for _ in range(n)] for part, n in PARTS.items()}

# --- what is said

def heard(s:Said) -> np.ndarray:
    "`s` as loud as it says, through the microphone of its voice."
    x = espeak.spoken(s.voice, s.accent, s.text, s.speed, s.pitch)
    tilt = np.random.default_rng([SEED, VOICES.index(s.voice)]).uniform(-.5, .5)
    x = x + tilt*np.append(0, x[:-1])
    return x*10**(s.dB/20)/np.sqrt((x*x).mean())

def sentences(part:str) -> list[str]:
    return [s.strip() + '.' for s in ' '.join(TALK[part].split()).split('.') if s.strip()]

def any_text(part:str, rng:np.random.Generator) -> str:
    "A word, a word that is like the wakeword, or a sentence."
    kind = rng.choice(3, p=(.55, .2, .25))
    return str(rng.choice((WORDS, LIKE[part], sentences(part))[kind]))

def how(part:str, text:str, rng:np.random.Generator) -> Said:
    "`text` by a voice of `part`, anyhow."
    return Said(text, str(rng.choice(voices()[part])), str(rng.choice(ACCENTS)), int(rng.integers(120, 211)),
                int(rng.integers(20, 81)), float(rng.uniform(-36, -20)))

# --- what else is heard

@cache
def chatter(part:str, voice:str) -> np.ndarray:
    "All sentences of a part by one voice."
    return np.concatenate([heard(Said(s, voice, 'en-us', 170, 50, -20)) for s in sentences(part)])

def noise(kind:str, n:int, part:str, rng:np.random.Generator) -> np.ndarray:
    "`n` samples of noise with mean square 1; babble is made of the voices of `part`."
    if kind != 'babble': return espeak.noise(kind, n, rng)
    talk = [chatter(part, v) for v in rng.choice(voices()[part], 4, replace=False)]
    return unit(sum(np.resize(np.roll(t, rng.integers(len(t))), n) for t in talk))

def background(part:str, n:int, rng:np.random.Generator) -> np.ndarray:
    "Noise whose kind and loudness change every 10 to 40 seconds."
    pieces, left = [], n
    while left > 0:
        m, kind = min(left, int(rng.integers(10*RATE, 40*RATE))), str(rng.choice(KINDS))
        dB = -85 if kind == 'quiet' else rng.uniform(-62, -38)
        pieces.append(noise(kind, m, part, rng)*10**(dB/20))
        left -= m
    return np.concatenate(pieces)

# --- the sound

def wake_times(secs:float, targets:int, rng:np.random.Generator) -> np.ndarray:
    "When the wakewords begin: at least some 3 s apart, else at random."
    gaps = 3 + rng.exponential(max(secs/(targets + 1) - 3, .5), targets + 1)
    return np.cumsum(gaps)[:-1]*secs/gaps.sum()

def sound(part:str, secs:float, targets:int, number:int=0) -> Sound:
    "`secs` seconds in which the wakeword is said `targets` times, and much else."
    rng = np.random.default_rng([SEED, list(PARTS).index(part), number])
    starts = wake_times(secs, targets, rng)
    things = [how(part, WAKEWORD, rng) for _ in starts]
    things += [how(part, any_text(part, rng), rng) for _ in range(int(.7*secs))]
    with ThreadPoolExecutor(2) as pool: sounds = list(pool.map(heard, things))
    x, said, t = background(part, int(secs*RATE), rng), [], .5
    def put(start, thing, y):
        at = int(start*RATE)
        x[at:at + len(y)] += y[:len(x) - at]
        said.append((float(start), float(start) + len(y)/RATE, thing.text))
    others = iter(zip(things[targets:], sounds[targets:]))
    for i, start in enumerate([*starts, secs]):
        for thing, y in others:                          # what does not fit before the wakeword is not said
            t += rng.uniform(*GAPS[rng.random() < .6])
            if t + len(y)/RATE > start - .1: break
            put(t, thing, y)
            t = said[-1][1]
        if i < targets:
            put(start, things[i], sounds[i])
            t = said[-1][1]
    return Sound(x, np.array([s[:2] for s in said if s[2] == WAKEWORD]).reshape(-1, 2), said)

# --- the file

LEVELS = 63               # of a band, 0 to 63: about 1 dB apart, for a file that is half as large

def to_codes(x:np.ndarray) -> np.ndarray: return np.rint(LEVELS*x).astype(np.uint8)

def arrays(s:Sound) -> dict[str, np.ndarray]:
    "What the file holds; the codes of one band stand together, so that they compress better."
    words, at = np.unique([text for *_, text in s.said], return_inverse=True)
    about = dict(made='python -m tinybench.embedded.wakeword', espeak_ng=version(), seed=SEED,
                 wakeword=WAKEWORD)
    return dict(codes=np.ascontiguousarray(to_codes(lfbe(s.x)).T), targets=s.targets.astype(np.float32),
                texts=words, text=at.astype(np.uint16), spans=np.array([t[:2] for t in s.said], np.float32),
                levels=np.array(LEVELS), about=np.array(json.dumps(about)))

def main(file:str|None=None) -> Path:
    "Make the stream to be judged on: 20 minutes, 50 wakewords."
    try: program()
    except FileNotFoundError as e: raise SystemExit(str(e)) from None
    buffer = BytesIO()
    np.savez_compressed(buffer, **arrays(sound('test', 1200, 50)))
    return write_whole(file or shipped('wakeword.npz'), buffer.getvalue())

if __name__ == '__main__': main(*sys.argv[1:])
