"What the scripts that make spoken data share: the program espeak-ng, and the noises behind it."
import shutil, subprocess
import numpy as np
from scipy.signal import resample_poly

RATE = 16000
ACCENTS = 'en-us en-us-nyc en-gb en-gb-scotland en-gb-x-gbclan en-gb-x-gbcwmd en-gb-x-rp en-029'.split()

def program() -> str:
    "The path of espeak-ng; FileNotFoundError that says how to get it."
    found = shutil.which('espeak-ng')
    if not found: raise FileNotFoundError(
        'this needs the program espeak-ng: apt-get install -y espeak-ng (Debian, Ubuntu), brew install '
        'espeak-ng (macOS), or see github.com/espeak-ng/espeak-ng. What it makes is shipped already.')
    return found

def version() -> str:
    "As `1.51`."
    said = subprocess.run([program(), '--version'], capture_output=True, text=True, check=True).stdout
    return said.split(':')[1].split()[0]

def spoken(voice:str, accent:str, text:str, speed:int=160, pitch:int=50) -> np.ndarray:
    "What espeak-ng says at 16 kHz, without silence around it; speed in words a minute, pitch 0 to 99."
    command = [program(), '--stdout', '-v', f'{accent}+{voice}', '-s', str(speed), '-p', str(pitch), text]
    wav = subprocess.run(command, capture_output=True, check=True).stdout
    rate = int.from_bytes(wav[24:28], 'little')
    if rate != 22050: raise ValueError(f'{accent}+{voice}: espeak-ng speaks at {rate} Hz, not at 22050')
    x = resample_poly(np.frombuffer(wav[44:], '<i2')/32768, 320, 441)
    loud = np.flatnonzero(np.abs(x) > .02*np.abs(x).max(initial=0))
    if not len(loud): raise ValueError(f'{accent}+{voice}: espeak-ng says nothing to {text!r}')
    return x[loud[0]:loud[-1] + 1]

def unit(x:np.ndarray) -> np.ndarray:
    "`x` with mean square 1."
    return x/np.sqrt((x*x).mean())

def noise(kind:str, n:int, rng:np.random.Generator) -> np.ndarray:
    "`n` samples of noise with mean square 1: 'hum', 'pink', and white for any other kind."
    if kind == 'hum':
        k, t = np.arange(1, 40), np.arange(n)/RATE
        size, phase, f = rng.uniform(size=39)/k**.5, rng.uniform(0, 2*np.pi, 39), rng.choice([50, 60])
        x = sum(a*np.sin(2*np.pi*f*i*t + p) for i, a, p in zip(k, size, phase)) + .05*rng.normal(size=n)
    else:
        x = rng.normal(size=n)
        if kind == 'pink':
            f = np.fft.rfft(x)
            x = np.fft.irfft(f/np.maximum(np.arange(len(f)), n/800)**.5, n)      # flat below 20 Hz
    return unit(x)
